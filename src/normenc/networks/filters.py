"""Initial filters of a convolutional layer: centre-surround and Gabor."""

import numpy as np
import torch

from normenc.errors import InputError

__all__ = ["gabor_filters", "initial_filters"]

SIGMA = 1.1  # width of the centre, pixels
WAVELENGTH = 10  # wavelength of the Gabors, pixels
ENVELOPE = 0.4  # standard deviation of a plain Gabor's envelope, in wavelengths: about one octave wide


def initial_filters(n_channels: int = 6, size: int = 7) -> torch.Tensor:
    r"""Filters of the early visual system: an on-centre, an off-centre, then Gabors.

    On a grid ``linspace(-size/2, size/2, size)`` with :math:`r` the distance to the centre and
    :math:`E_s = \exp(-r / 2 s^2)`: the first filter is :math:`E_\sigma - E_{2\sigma} / 2` with
    :math:`\sigma = 1.1`, the second its negative, the others
    :math:`E_{0.4 \sigma} \cos(2 \pi u / 10 + \pi / 2)` with :math:`u = x \cos\theta + y \sin\theta`, at orientations
    evenly spaced in [0, 180) degrees. Each is divided by its largest absolute value.

    Parameters
    ----------
    n_channels : int
        Number of filters, at least 1; all beyond the second are Gabors.
    size : int
        Height and width in pixels, odd, at least 3.

    Returns
    -------
    Tensor, shape (n_channels, 1, size, size)
        float32, largest absolute value 1.

    Raises
    ------
    InputError
        If there is no channel, or the size is even or below 3.

    References
    ----------
    Neuromatch Academy, Computational Neuroscience, W1D5 (formerly W3D4) tutorial 3, function ``filters``.

    Examples
    --------
    >>> initial_filters().shape
    torch.Size([6, 1, 7, 7])
    """
    check_filters(n_channels, size)
    grid = np.linspace(-size / 2, size / 2, size)
    x, y = np.meshgrid(grid, grid, indexing="ij")

    def envelope(s: float) -> np.ndarray:
        return np.exp(-np.hypot(x, y) / (2 * s**2))

    centre = envelope(SIGMA) - 0.5 * envelope(2 * SIGMA)
    filters = [centre, -centre]
    for theta in np.deg2rad(np.linspace(0, 180, max(n_channels - 1, 0))[:-1]):
        u = x * np.cos(theta) + y * np.sin(theta)
        filters.append(envelope(0.4 * SIGMA) * np.cos(2 * np.pi * u / WAVELENGTH + np.pi / 2))
    bank = np.stack(filters[:n_channels])
    bank /= np.abs(bank).max(axis=(1, 2), keepdims=True)
    return torch.from_numpy(bank[:, None].astype(np.float32))


def gabor_filters(n_channels: int = 6, size: int = 7) -> torch.Tensor:
    r"""Gabor filters of one octave: a bank that covers orientation, in even and odd pairs.

    :math:`\exp(-r^2 / 2 s^2) \cos(2 \pi u / \lambda - \phi)` with :math:`u = x \cos\theta + y \sin\theta`, a
    wavelength :math:`\lambda` of the filter's size, :math:`s = 0.4 \lambda`, and :math:`\phi` 0 and 90 degrees
    alternating. Orientations are evenly spaced in [0, 180) degrees. The mean of even filters is subtracted, so that
    they do not respond to a uniform image, and each is divided by its largest absolute value.

    Parameters
    ----------
    n_channels : int
        Number of filters, at least 1.
    size : int
        Height and width in pixels, odd, at least 3.

    Returns
    -------
    Tensor, shape (n_channels, 1, size, size)
        float32, largest absolute value 1.

    Raises
    ------
    InputError
        If there is no channel, or the size is even or below 3.

    References
    ----------
    Jones & Palmer, "An evaluation of the two-dimensional Gabor filter model of simple receptive fields in cat striate
    cortex", J. Neurophysiology 1987.

    Examples
    --------
    >>> gabor_filters(4).shape
    torch.Size([4, 1, 7, 7])
    """
    check_filters(n_channels, size)
    pixels = np.arange(size) - size // 2
    y, x = np.meshgrid(pixels, pixels, indexing="ij")
    envelope = np.exp(-(x**2 + y**2) / (2 * (ENVELOPE * size) ** 2))
    n_orientations = -(-n_channels // 2)
    bank = []
    for channel in range(n_channels):
        theta, phase = np.pi * (channel // 2) / n_orientations, np.pi / 2 * (channel % 2)
        wave = envelope * np.cos(2 * np.pi * (x * np.cos(theta) + y * np.sin(theta)) / size - phase)
        wave -= envelope * (wave.sum() / envelope.sum())
        bank.append(wave / np.abs(wave).max())
    return torch.from_numpy(np.stack(bank)[:, None].astype(np.float32))


def check_filters(n_channels: int, size: int) -> None:
    """Raise InputError if `n_channels` filters of `size` x `size` pixels are impossible."""
    if n_channels < 1:
        raise InputError(f"n_channels is {n_channels}; a convolutional layer needs at least 1 channel")
    if size < 3 or size % 2 == 0:
        raise InputError(
            f"filter_size is {size}; it must be odd and at least 3, so that a filter has a centre and the layer keeps "
            "the image size"
        )
