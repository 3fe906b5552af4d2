"""Oriented gratings, the stimuli of the reference study."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = ["gratings", "image_size"]

WIDTH, HEIGHT = 640, 480  # full-resolution canvas, pixels

# Images a block: what a block needs in float64 (0.8 MB at the study's resolution) stays in the processor's cache.
BLOCK_VALUES = 100_000


def image_size(resolution: float = 0.1) -> tuple[int, int]:
    """Height and width in pixels of a grating at `resolution`, relative to the full 480 x 640 canvas.

    Raises
    ------
    InputError
        When the resolution is not a positive number.

    Examples
    --------
    >>> image_size(0.1)
    (48, 64)
    """
    if not (np.isfinite(resolution) and resolution > 0):
        raise InputError(f"resolution is {resolution}; it must be a positive number, for example 0.1")
    # Rounding first: 640 * 0.07 is 44.800000000000004 in floating point, yet 480 * 0.15 must be 72.
    height, width = (int(np.ceil(round(side * resolution, 6))) for side in (HEIGHT, WIDTH))
    return height, width


def gratings(
    orientations: Sequence[float] | npt.ArrayLike | torch.Tensor,
    *,
    spatial_frequency: float = 1 / 28,
    resolution: float = 0.1,
    patch: bool = False,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    r"""Square-wave gratings, all orientations at once.

    Pixel (i, j) lies at ``y = spatial_frequency * i / resolution``, ``x = spatial_frequency * j / resolution``;
    it is 1 where :math:`\cos(x \cos\theta + y \sin\theta) > 0`, else 0, evaluated in float64.

    Gratings at :math:`\theta` and :math:`\theta + 180` degrees are the same image (up to the pixels that lie on an
    edge), so that -90 and 90 degrees cannot be told apart.

    Parameters
    ----------
    orientations : array_like, shape (n,)
        Degrees from vertical; positive is tilted right.
    spatial_frequency : float
        Radians a full-resolution pixel; the study's 1/28 is a period of 176 full-resolution pixels.
    resolution : float
        Image pixels a full-resolution pixel; 0.1 gives 48 x 64 images.
    patch : bool
        Show the grating through a disc of radius ``640 / 6 * resolution`` pixels centred at row ``height / 2``,
        column ``0.75 * width``, grey (0.5) outside, its angle turned by a further 0.1 radians. (The study calls
        this "the left side"; column 0.75 lies on the right, and that is what is drawn.)
    device : torch.device or str, optional
        Where the images are made; the CPU by default.

    Returns
    -------
    Tensor, shape (n, height, width)
        float32, values 0, 1 and, outside a patch, 0.5.

    Raises
    ------
    InputError
        When orientations are not a finite one-dimensional list, or a parameter is not positive.

    References
    ----------
    Neuromatch Academy, Computational Neuroscience, W1D5 (formerly W3D4) tutorial 3, function ``grating``.

    Examples
    --------
    >>> gratings([-45, 0, 45]).shape
    torch.Size([3, 48, 64])
    >>> float(gratings([0]).mean())
    0.484375
    """
    theta = np.deg2rad(_as_orientations(orientations))
    if not (np.isfinite(spatial_frequency) and spatial_frequency > 0):
        raise InputError(f"spatial_frequency is {spatial_frequency}; it must be a positive number of radians a pixel")
    height, width = image_size(resolution)
    if patch:
        theta = theta + 0.1
    # cos and sin of the angles come from NumPy on every device: their last bits decide the pixels on an edge.
    along_x = np.cos(theta)[:, None] * (spatial_frequency * np.arange(width) / resolution)
    along_y = np.sin(theta)[:, None] * (spatial_frequency * np.arange(height) / resolution)
    x = torch.from_numpy(along_x).to(device)[:, None, :]
    y = torch.from_numpy(along_y).to(device)[:, :, None]

    images = torch.empty((len(theta), height, width), dtype=torch.float32, device=x.device)
    block = max(1, BLOCK_VALUES // (height * width))
    for start in range(0, len(theta), block):
        stop = start + block
        images[start:stop] = torch.cos(x[start:stop] + y[start:stop]) > 0
    if patch:
        images.masked_fill_(~_disc(height, width, resolution).to(images.device), 0.5)
    return images


def _as_orientations(orientations: Sequence[float] | npt.ArrayLike | torch.Tensor) -> npt.NDArray[np.float64]:
    theta = as_array(orientations, "orientations").astype(np.float64)
    if theta.ndim != 1:
        raise InputError(f"orientations have shape {theta.shape}; they must be a list of degrees, shape (n,)")
    bad = np.flatnonzero(~np.isfinite(theta))
    if bad.size:
        raise InputError(f"orientation {bad[0]} is {theta[bad[0]]}; orientations must be finite degrees")
    return theta


def _disc(height: int, width: int, resolution: float) -> torch.Tensor:
    rows = torch.arange(height, dtype=torch.float64)[:, None] - height / 2
    columns = torch.arange(width, dtype=torch.float64)[None, :] - 0.75 * width
    return torch.sqrt(rows**2 + columns**2) < WIDTH / 3 / 2 * resolution
