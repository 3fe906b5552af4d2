"""Plaids, band-passed noise and images with random phases: stimuli with more than one orientation."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.errors import InputError
from normenc.stimuli.oriented import gratings
from normenc.stimuli.sets import StimulusSet
from normenc.stimuli.waves import image_size

__all__ = ["bandpassed_noise", "phase_scrambled", "plaids"]


def plaids(orientations: npt.ArrayLike, *, angle: npt.ArrayLike = 90.0, **options: Any) -> torch.Tensor:
    """Superimpose two gratings: the mean of both.

    Parameters
    ----------
    orientations : array_like, shape (n,)
        Of the first grating, degrees from vertical.
    angle : float or array_like, shape (n,)
        From the first grating's orientation to the second's, degrees.
    **options
        Options of both, see :func:`gratings`; a sine wave by default.

    Returns
    -------
    Tensor, shape (n, height, width)
        float32, values 0 to 1.

    Raises
    ------
    InputError
        As :func:`gratings` does.

    Examples
    --------
    >>> bool(torch.equal(plaids([30], angle=0), gratings([30], waveform="sine")))
    True
    """
    options = {"waveform": "sine"} | options
    first = np.asarray(orientations, dtype=np.float64)
    return (gratings(first, **options) + gratings(first + np.asarray(angle), **options)) / 2


def bandpassed_noise(
    n: int,
    rng: np.random.Generator | np.random.RandomState,
    *,
    resolution: float = 0.1,
    spatial_frequency: float = 1 / 28,
    bandwidth: float = 1.0,
    orientation: npt.ArrayLike | None = None,
    orientation_bandwidth: float = 20.0,
    contrast: float = 0.2,
) -> StimulusSet:
    r"""White noise filtered to a band of spatial frequencies and, optionally, of orientations.

    The amplitude spectrum of white Gaussian noise is multiplied by a Gaussian of :math:`\log_2 f`, with a full
    width at half height of `bandwidth` octaves, and by a circular Gaussian of orientation.

    Parameters
    ----------
    n : int
        Images.
    rng : Generator or RandomState
    resolution : float
        Image pixels per full-resolution pixel, as for :func:`gratings`.
    spatial_frequency : float
        The band's centre, radians per full-resolution pixel, as for :func:`gratings`.
    bandwidth : float
        Octaves.
    orientation : float or array_like, shape (n,), optional
        The band's centre, degrees from vertical; all orientations by default.
    orientation_bandwidth : float
        Full width at half height, degrees.
    contrast : float
        Standard deviation of every image before values beyond 0 and 1 are clipped; 0 to 0.5.

    Returns
    -------
    StimulusSet
        With the columns ``orientation`` (NaN for all), ``spatial_frequency``, ``bandwidth``, ``contrast``.

    Raises
    ------
    InputError
        If a parameter is impossible, or no frequency of the image lies in the band.

    Examples
    --------
    >>> drawn = bandpassed_noise(3, np.random.default_rng(0), orientation=[-45, 0, 45])
    >>> drawn.images.shape, round(float(drawn.images.mean()), 1)
    (torch.Size([3, 48, 64]), 0.5)
    """
    if n < 1:
        raise InputError(f"n is {n}; there must be at least 1 image")
    for name, value in {
        "spatial_frequency": spatial_frequency,
        "bandwidth": bandwidth,
        "orientation_bandwidth": orientation_bandwidth,
    }.items():
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value}; it must be a positive number")
    if not 0 < contrast <= 0.5:
        raise InputError(f"contrast is {contrast}; it must lie between 0 and 0.5")
    height, width = image_size(resolution)
    along_y = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    along_x = torch.fft.fftfreq(width, dtype=torch.float64)[None, :]
    centre = spatial_frequency / resolution / (2 * math.pi)  # cycles an image pixel
    octaves = torch.log2(torch.hypot(along_y, along_x) / centre)  # minus infinity for the mean, which goes
    band = torch.exp2(-((2 * octaves / bandwidth) ** 2))
    angles = np.full(n, np.nan)
    if orientation is not None:
        angles = np.broadcast_to(np.asarray(orientation, dtype=np.float64), (n,)).copy()
        if not np.isfinite(angles).all():
            raise InputError("orientation holds a value that is not finite; leave it out for all orientations")
        direction = torch.rad2deg(torch.atan2(along_y, along_x))
        away = (direction - torch.from_numpy(angles)[:, None, None] + 90) % 180 - 90
        band = band * torch.exp2(-((2 * away / orientation_bandwidth) ** 2))
    if not (band.expand(n, -1, -1).amax(dim=(1, 2)) > 1e-3).all():
        raise InputError(
            f"images of {height} x {width} pixels have no frequency in the band around spatial_frequency "
            f"{spatial_frequency:g}; widen bandwidth or orientation_bandwidth, or choose another centre"
        )
    noise = torch.from_numpy(rng.standard_normal((n, height, width)))
    images = torch.fft.ifft2(torch.fft.fft2(noise) * band).real
    images = images / images.std(dim=(1, 2), correction=0, keepdim=True) * contrast + 0.5
    parameters = pd.DataFrame(
        {
            "orientation": angles,
            "spatial_frequency": spatial_frequency,
            "bandwidth": bandwidth,
            "contrast": contrast,
        }
    )
    return StimulusSet(images.clamp(0, 1).float(), parameters)


def phase_scrambled(images: torch.Tensor, rng: np.random.Generator | np.random.RandomState) -> torch.Tensor:
    """Images with their own amplitude spectra and random phases: no edges are left, only spectra.

    Parameters
    ----------
    images : Tensor, shape (n, height, width)
        Values 0 to 1.
    rng : Generator or RandomState

    Returns
    -------
    Tensor, shape (n, height, width)
        float32; mean and amplitude spectrum are those of each image, but for values beyond 0 and 1, which are clipped.

    Raises
    ------
    InputError
        If images have another shape.

    References
    ----------
    Phases are those of white noise, as for the spectrally matched noise of Freeman et al., "A functional and perceptual
    signature of the second visual area in primates", Nat. Neurosci. 2013.

    Examples
    --------
    >>> image = gratings([0], waveform="sine", contrast=0.2)
    >>> scrambled = phase_scrambled(image, np.random.default_rng(0))
    >>> bool(torch.allclose(torch.fft.fft2(image).abs(), torch.fft.fft2(scrambled).abs(), atol=1e-3))
    True
    """
    if images.ndim != 3:
        raise InputError(f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width)")
    noise = torch.fft.fft2(torch.from_numpy(rng.standard_normal(tuple(images.shape))))
    phases = noise / noise.abs()
    phases[:, 0, 0] = 1  # of the mean
    return torch.fft.ifft2(torch.fft.fft2(images.double()).abs() * phases).real.clamp(0, 1).float()
