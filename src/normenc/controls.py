"""Encoders that were never trained, beside which every trained network must stand.

Like any encoder each maps images to ``{layer: stimulus x unit}``. The untrained twin of a network, a control too,
comes with the network from :func:`normenc.training.train`.
"""

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from normenc.errors import InputError

__all__ = ["fourier_amplitude", "gabor_energy", "orientation_model", "pixels"]

PERIODS = (1 / 6, 1 / 3, 2 / 3)  # of the Gabors, in the image's shorter side
ENVELOPE = 0.4  # standard deviation of the Gaussian envelope, in periods: about one octave wide
REACH = 2.5  # of the filter on either side, in standard deviations of the envelope


def pixels(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """The image itself: what is similar before any processing.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 1, height, width)

    Returns
    -------
    dict
        ``"pixels"``: Tensor, shape (n, height * width).

    Examples
    --------
    >>> pixels(torch.zeros(2, 3, 4))["pixels"].shape
    torch.Size([2, 12])
    """
    return {"pixels": _as_images(images).flatten(1)}


def fourier_amplitude(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Amplitude of the two-dimensional Fourier spectrum, the image's mean removed: what is similar but for position.

    All ``height * width`` frequencies count, so that each but the symmetric ones stands twice.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 1, height, width)

    Returns
    -------
    dict
        ``"amplitude"``: Tensor, shape (n, height * width).

    Examples
    --------
    >>> wave = torch.cos(torch.arange(8) * torch.pi / 2).expand(1, 8, 8)
    >>> fourier_amplitude(wave)["amplitude"].reshape(8, 8)[0].round().tolist()
    [0.0, 0.0, 32.0, 0.0, 0.0, 0.0, 32.0, 0.0]
    """
    grey = _as_images(images).double()
    grey = grey - grey.mean(dim=(1, 2), keepdim=True)
    return {"amplitude": torch.fft.fft2(grey).abs().flatten(1)}


def gabor_energy(
    images: torch.Tensor, *, n_orientations: int = 12, periods: Sequence[float] | None = None
) -> dict[str, torch.Tensor]:
    r"""Energy of a bank of Gabor filters over orientation, scale and position: a standard model of V1's complex cells.

    A quadrature pair, an even and an odd Gabor of the same orientation, scale and place, gives the energy
    :math:`\sqrt{even^2 + odd^2}`, which says how strong a grating is there and not at which phase. Filters stand half
    a period apart. The image's mean is taken out first, and the even filters' own mean, so that plain grey gives
    nothing; outside the image there is its mean.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 1, height, width)
        float64 stays float64; other types are computed in float32.
    n_orientations : int
        Evenly spaced over 180 degrees, from vertical.
    periods : sequence of float, optional
        Of the filters, in pixels, at least 2; by default a sixth, a third and two thirds of the image's shorter side.

    Returns
    -------
    dict
        ``"energy"``: Tensor, shape (n, n_units), in the images' unit times pixels, 0 or more; by scale, then
        orientation, then position row by row. Average over positions for energy without place.

    Raises
    ------
    InputError
        When there is no orientation, or a period is too short for the pixels to show.

    References
    ----------
    Adelson & Bergen, "Spatiotemporal energy models for the perception of motion", J. Opt. Soc. Am. A 1985.

    Examples
    --------
    >>> gabor_energy(torch.zeros(2, 12, 16), n_orientations=4, periods=[6])["energy"].shape
    torch.Size([2, 96])
    """
    grey = _as_images(images)
    grey = grey if grey.dtype == torch.float64 else grey.float()
    grey = (grey - grey.mean(dim=(1, 2), keepdim=True))[:, None]
    if periods is None:
        periods = [max(2.0, fraction * min(grey.shape[2:])) for fraction in PERIODS]
    if n_orientations < 1 or not periods or not all(2 <= period < math.inf for period in periods):
        raise InputError(
            f"n_orientations is {n_orientations} and periods are {list(periods)}; there must be at least 1 "
            "orientation, and periods of at least 2 pixels"
        )
    energies = []
    for period in periods:
        even, odd = (
            filters.to(grey) for filters in _gabor_pair(period, torch.arange(n_orientations) * (180 / n_orientations))
        )
        stride, padding = max(1, round(period / 2)), even.shape[-1] // 2
        response = [functional.conv2d(grey, filters, stride=stride, padding=padding) for filters in (even, odd)]
        energies.append(torch.hypot(*response).flatten(1))
    return {"energy": torch.cat(energies, dim=1)}


def orientation_model(orientation: torch.Tensor) -> dict[str, torch.Tensor]:
    r"""An ideal population for orientation and nothing else, whose dissimilarity is the circular distance.

    Unit u is the sign of :math:`\cos 2(\theta - \phi_u)`: 1 for orientations within 45 degrees of its preferred one,
    and -1 for all others. Two stimuli d degrees
    apart on the circle of 180 differ in 2d of its 180 degrees of units, so that their patterns correlate by
    1 - 2 (2d / 180), and their correlation dissimilarity is d / 45. It takes the stimuli's orientations in place of
    images, and is an encoder like any other in all else.

    Parameters
    ----------
    orientation : Tensor, shape (n,)
        Degrees.

    Returns
    -------
    dict
        ``"orientation"``: Tensor, shape (n, 360); preferred orientations 0.25, 0.75, ... degrees, so that the
        dissimilarity is exact for whole and half degrees.

    Raises
    ------
    InputError
        When the orientations are not one finite number a stimulus.

    Examples
    --------
    >>> orientation_model(torch.tensor([0.0, 45.0]))["orientation"].shape
    torch.Size([2, 360])
    """
    if orientation.ndim != 1:
        raise InputError(
            f"orientation has shape {tuple(orientation.shape)}; it must hold one orientation a stimulus, in degrees"
        )
    bad = torch.nonzero(~torch.isfinite(orientation))
    if len(bad):
        raise InputError(
            f"orientation {int(bad[0])} is {float(orientation[bad[0]])}; orientations must be finite degrees, so leave "
            "out stimuli that have none"
        )
    preferred = torch.arange(360, dtype=torch.float64, device=orientation.device) / 2 + 0.25
    distance = (orientation.double()[:, None] - preferred + 90) % 180 - 90
    return {"orientation": torch.where(distance.abs() <= 45, 1.0, -1.0)}


def _gabor_pair(period: float, orientation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Even and odd filters, shape (n_orientations, 1, size, size), of about unit length; degrees from vertical."""
    spread = ENVELOPE * period
    reach = max(1, math.ceil(REACH * spread))
    y, x = torch.meshgrid(*[torch.arange(-reach, reach + 1, dtype=torch.float64)] * 2, indexing="ij")
    angle = torch.deg2rad(orientation.double())[:, None, None]
    phase = 2 * math.pi / period * (x * torch.cos(angle) + y * torch.sin(angle))
    envelope = torch.exp(-(x**2 + y**2) / (2 * spread**2))
    even = envelope * torch.cos(phase)
    even = even - envelope * (even.sum(dim=(1, 2), keepdim=True) / envelope.sum())
    odd = envelope * torch.sin(phase)
    # One length for both: of a period of 2 pixels the odd filter is nothing but rounding, which its own would blow up.
    length = envelope.norm() / math.sqrt(2)
    return (even / length)[:, None], (odd / length)[:, None]


def _as_images(images: torch.Tensor) -> torch.Tensor:
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3:
        raise InputError(
            f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
            "(n, 1, height, width)"
        )
    return images
