"""The steerable pyramid: a tight frame for orientation and scale."""

import math

import torch

from normenc.controls.images import CONTROLS, EXTRAS, as_floats
from normenc.errors import InputError
from normenc.keys import Size, named

__all__ = ["steerable_pyramid"]

MAX_ORIENTATIONS = 16
NAME = "steerable pyramid"
EXTRAS[NAME] = ("plenoptic", "pyramid")


@named(CONTROLS, NAME)
def steerable_pyramid(
    images: torch.Tensor, *, n_scales: Size | None = None, n_orientations: Size = 6
) -> dict[str, torch.Tensor]:
    """Amplitude of the complex steerable pyramid: local energy at every orientation, scale and position.

    The coefficients of a band are a quadrature pair, whose amplitude measures the energy at its orientation and spatial
    frequency, independently of phase. Bands are a tight frame that covers all frequencies except the highest and the
    lowest, whose residuals have no orientation and are left out. The image's mean is removed; its edges wrap around.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 1, height, width)
    n_scales : int, optional
        Octaves, from the finest; by default as many as the size allows.
    n_orientations : int
        2 to 16.

    Returns
    -------
    dict
        ``"amplitude"``: Tensor, shape (n, n_units), 0 or more, in the images' unit; by scale from the finest, then
        orientation, then position row by row.

    Raises
    ------
    InputError
        If plenoptic is not installed, or the images are too small for this many scales.

    References
    ----------
    Portilla & Simoncelli, "A parametric texture model based on joint statistics of complex wavelet coefficients",
    Int. J. Computer Vision 2000; computed by plenoptic (Duong et al., J. Vision 2023).

    Examples
    --------
    >>> steerable_pyramid(torch.rand(2, 48, 64), n_scales=2)["amplitude"].shape  # doctest: +SKIP
    torch.Size([2, 23040])
    """
    try:
        from plenoptic.process import SteerablePyramidFreq
    except ImportError as error:
        raise InputError(
            f"the steerable pyramid needs plenoptic, which cannot be imported ({error}): pip install 'normenc[pyramid]'"
        ) from None
    grey = as_floats(torch.as_tensor(images))[:, None]
    height, width = grey.shape[2:]
    most = math.floor(math.log2(min(height, width))) - 2
    n_scales = most if n_scales is None else n_scales
    if not 1 <= n_scales <= most:
        raise InputError(
            f"n_scales is {n_scales} but images are {height} x {width} pixels; give 1 to {most}, and images of at "
            "least 8 x 8 pixels"
        )
    if not 2 <= n_orientations <= MAX_ORIENTATIONS:
        raise InputError(f"n_orientations is {n_orientations}; it must be between 2 and {MAX_ORIENTATIONS}")
    pyramid = SteerablePyramidFreq(
        (height, width), height=n_scales, order=n_orientations - 1, is_complex=True, tight_frame=True
    ).to(grey)
    coefficients = pyramid(grey)
    return {"amplitude": torch.cat([coefficients[scale].abs().flatten(1) for scale in range(n_scales)], dim=1)}
