"""Gabor energy: a standard model of V1's complex cells."""

import math
from collections.abc import Sequence

import torch
from torch.nn import functional

from normenc.controls.images import CONTROLS, as_images
from normenc.errors import InputError
from normenc.keys import Positive, Size, named

__all__ = ["energy_map", "gabor_energy"]

PERIODS = (1 / 6, 1 / 3, 2 / 3)  # periods of the Gabors, relative to the image's shorter side
ENVELOPE = 0.4  # standard deviation of the Gaussian envelope, in periods: about one octave wide
REACH = 2.5  # extent of the filter to each side, in standard deviations of the envelope


@named(CONTROLS, "Gabor energy")
def gabor_energy(
    images: torch.Tensor, *, n_orientations: Size = 12, periods: Sequence[Positive] | None = None
) -> dict[str, torch.Tensor]:
    r"""Energy of a bank of Gabor filters over orientation, scale and position: a standard model of V1's complex cells.

    A quadrature pair, an even and an odd Gabor of the same orientation, scale and place, gives the energy
    :math:`\sqrt{even^2 + odd^2}`, which measures the strength of a grating independently of its phase. Filters are half
    a period apart. The means of the image and of the even filters are subtracted, so that plain grey gives 0; the image
    is padded with its mean.

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
        orientation, then position row by row. Average over positions for energy without position.

    Raises
    ------
    InputError
        If there is no orientation, or a period is too short for the pixels.

    References
    ----------
    Adelson & Bergen, "Spatiotemporal energy models for the perception of motion", J. Opt. Soc. Am. A 1985.

    Examples
    --------
    >>> gabor_energy(torch.zeros(2, 12, 16), n_orientations=4, periods=[6])["energy"].shape
    torch.Size([2, 96])
    """
    grey = as_images(images)
    grey = grey if grey.dtype == torch.float64 else grey.float()
    grey = (grey - grey.mean(dim=(1, 2), keepdim=True))[:, None]
    if periods is None:
        periods = [max(2.0, fraction * min(grey.shape[2:])) for fraction in PERIODS]
    if n_orientations < 1 or not periods or not all(2 <= period < math.inf for period in periods):
        raise InputError(
            f"n_orientations is {n_orientations} and periods are {list(periods)}; give at least 1 orientation, and "
            "periods of at least 2 pixels"
        )
    maps = [energy_map(grey, period, n_orientations, max(1, round(period / 2))) for period in periods]
    return {"energy": torch.cat([energy.flatten(1) for energy in maps], dim=1)}


def energy_map(grey: torch.Tensor, period: float, n_orientations: int, stride: int) -> torch.Tensor:
    """Energy of one scale, shape (n, n_orientations, rows, columns): filters stand `stride` pixels apart, from pixel 0.

    Parameters
    ----------
    grey : Tensor, shape (n, 1, height, width)
        Floating-point images of mean 0.
    period : float
        Of the filters, in pixels.
    n_orientations, stride : int
    """
    even, odd = (
        filters.to(grey) for filters in _gabor_pair(period, torch.arange(n_orientations) * (180 / n_orientations))
    )
    padding = even.shape[-1] // 2
    return torch.hypot(*(functional.conv2d(grey, own, stride=stride, padding=padding) for own in (even, odd)))


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
    # The same norm for both: with a period of 2 pixels the odd filter is only rounding error, which its own norm would
    # amplify.
    length = envelope.norm() / math.sqrt(2)
    return (even / length)[:, None], (odd / length)[:, None]
