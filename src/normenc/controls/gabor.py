"""Gabor energy: a standard model of V1's complex cells."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.controls.images import CONTROLS, Values, as_floats
from normenc.errors import InputError
from normenc.keys import Positive, Size, named

__all__ = ["energy_map", "gabor_energy"]

PERIODS = (1 / 6, 1 / 3, 2 / 3)  # periods of the Gabors, relative to the image's shorter side
ENVELOPE = 0.4  # standard deviation of the Gaussian envelope, in periods: about one octave wide
REACH = 2.5  # extent of the filter to each side, in standard deviations of the envelope


@named(CONTROLS, "Gabor energy")
def gabor_energy(
    images: Values, *, n_orientations: Size = 12, periods: Sequence[Positive] | None = None
) -> dict[str, Values]:
    r"""Energy of a bank of Gabor filters over orientation, scale and position: a standard model of V1's complex cells.

    A quadrature pair, an even and an odd Gabor of the same orientation, scale and place, gives the energy
    :math:`\sqrt{even^2 + odd^2}`, which measures the strength of a grating independently of its phase. Filters are half
    a period apart. The means of the image and of the even filters are subtracted, so that plain grey gives 0; the image
    is padded with its mean.

    Parameters
    ----------
    images : Tensor or ndarray, shape (n, height, width) or (n, 1, height, width)
        float64 stays float64; other types are computed in float32.
    n_orientations : int
        Evenly spaced over 180 degrees, from vertical.
    periods : sequence of float, optional
        Of the filters, in pixels, at least 2; by default a sixth, a third and two thirds of the image's shorter side.

    Returns
    -------
    dict
        ``"energy"``: as `images`, shape (n, n_units), in the images' unit times pixels, 0 or more; by scale, then
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
    >>> gabor_energy(np.zeros((2, 12, 16)), n_orientations=4, periods=[6])["energy"].shape
    (2, 96)
    """
    grey = as_floats(images)[:, None]
    if periods is None:
        periods = [max(2.0, fraction * min(grey.shape[2:])) for fraction in PERIODS]
    if n_orientations < 1 or not periods or not all(2 <= period < math.inf for period in periods):
        raise InputError(
            f"n_orientations is {n_orientations} and periods are {list(periods)}; give at least 1 orientation, and "
            "periods of at least 2 pixels"
        )
    maps = [energy_map(grey, period, n_orientations, max(1, round(period / 2))) for period in periods]
    units = [energy.reshape(len(grey), -1) for energy in maps]
    if isinstance(grey, np.ndarray):
        return {"energy": np.concatenate(units, axis=1)}  # type: ignore[dict-item]
    import torch

    return {"energy": torch.cat(units, dim=1)}  # type: ignore[dict-item]


def energy_map(grey: Any, period: float, n_orientations: int, stride: int) -> Any:
    """Energy of one scale, shape (n, n_orientations, rows, columns): filters stand `stride` pixels apart, from pixel 0.

    Parameters
    ----------
    grey : Tensor or ndarray, shape (n, 1, height, width)
        Floating-point images of mean 0.
    period : float
        Of the filters, in pixels.
    n_orientations, stride : int
    """
    pair = _gabor_pair(period, np.arange(n_orientations, dtype=np.float64) * (180 / n_orientations))
    if isinstance(grey, np.ndarray):
        return _energy_of_array(grey[:, 0], np.stack(pair)[:, :, 0].astype(grey.dtype), stride)
    import torch
    from torch.nn import functional

    padding = pair[0].shape[-1] // 2
    filters = (torch.from_numpy(own).to(grey) for own in pair)
    return torch.hypot(*(functional.conv2d(grey, own, stride=stride, padding=padding) for own in filters))


def _energy_of_array(grey: npt.NDArray[Any], filters: npt.NDArray[Any], stride: int) -> npt.NDArray[Any]:
    """Energy of images (n, height, width) by filters (2, n_orientations, size, size): one image at a time."""
    size = filters.shape[-1]
    padded = np.pad(grey, ((0, 0), (size // 2, size // 2), (size // 2, size // 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    energy = np.empty((len(grey), filters.shape[1], *windows.shape[1:3]), dtype=grey.dtype)
    for image, own in zip(energy, windows, strict=True):
        even, odd = np.tensordot(filters, own, axes=((2, 3), (2, 3)))
        np.hypot(even, odd, out=image)
    return energy


def _gabor_pair(
    period: float, orientation: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Even and odd filters, shape (n_orientations, 1, size, size), of about unit length; degrees from vertical."""
    spread = ENVELOPE * period
    reach = max(1, math.ceil(REACH * spread))
    y, x = np.meshgrid(*[np.arange(-reach, reach + 1.0)] * 2, indexing="ij")
    angle = np.deg2rad(orientation)[:, None, None]
    phase = 2 * math.pi / period * (x * np.cos(angle) + y * np.sin(angle))
    envelope = np.exp(-(x**2 + y**2) / (2 * spread**2))
    even = envelope * np.cos(phase)
    even = even - envelope * (even.sum(axis=(1, 2), keepdims=True) / envelope.sum())
    odd = envelope * np.sin(phase)
    # The same norm for both: with a period of 2 pixels the odd filter is only rounding error, which its own norm would
    # amplify.
    length = np.linalg.norm(envelope) / math.sqrt(2)
    return (even / length)[:, None], (odd / length)[:, None]
