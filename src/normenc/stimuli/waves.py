"""Where the waves of gratings lie on a canvas, and the reference study's gratings, without torch."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = [
    "FREQUENCY",
    "WIDTH",
    "as_orientations",
    "frame_of",
    "image_size",
    "per_image",
    "phases_along",
    "study_gratings",
]

WIDTH, HEIGHT = 640, 480  # full-resolution canvas, pixels
MOST_PIXELS = 100_000  # along one side of an image
FREQUENCY = 1 / 28  # the study's, radians a full-resolution pixel
Floats: TypeAlias = npt.NDArray[np.float64]
Frame: TypeAlias = tuple[float, tuple[int, int], tuple[float, float]]


def image_size(resolution: float = 0.1) -> tuple[int, int]:
    """Height and width in pixels of a grating at `resolution`, relative to the full 480 x 640 canvas.

    Raises
    ------
    InputError
        If the resolution is not a positive number.

    Examples
    --------
    >>> image_size(0.1)
    (48, 64)
    """
    if not (np.isfinite(resolution) and resolution > 0):
        raise InputError(f"resolution is {resolution}; it must be a positive number, for example 0.1")
    if resolution * WIDTH > MOST_PIXELS:
        raise InputError(f"resolution is {resolution:g}; images may be at most {MOST_PIXELS:,} pixels wide")
    # Rounding first: 640 * 0.07 is 44.800000000000004 in floating point, yet 480 * 0.15 must be 72.
    height, width = (int(np.ceil(round(side * resolution, 6))) for side in (HEIGHT, WIDTH))
    if height < 1 or width < 1:
        raise InputError(
            f"resolution is {resolution:g}, which leaves no pixel of an image; take a larger one, such as 0.1"
        )
    return height, width


def study_gratings(orientations: Sequence[float] | npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The square waves that :func:`normenc.stimuli.gratings` gives by default, as an array (n, 48, 64).

    Examples
    --------
    >>> study_gratings([-45, 0, 45]).shape, float(study_gratings([0]).mean())
    ((3, 48, 64), 0.484375)
    """
    theta, frame = np.deg2rad(as_orientations(orientations)), frame_of(0.1, None)
    along_x, along_y = phases_along(theta, np.full(len(theta), FREQUENCY), frame)
    images = np.empty((len(theta), *frame[1]), dtype=np.float32)
    for image, x, y in zip(images, along_x, along_y, strict=True):
        image[:] = np.cos(x[None, :] + y[:, None]) > 0
    return images


def phases_along(theta: Floats, frequency: Floats, frame: Frame) -> tuple[Floats, Floats]:
    """Phases in radians along the columns, shape (n, width), and the rows, (n, height), whose sum is a pixel's phase.

    Parameters
    ----------
    theta, frequency : ndarray, shape (n,)
        Radians, and radians a full-resolution pixel.
    frame : tuple
        As :func:`frame_of` gives it.
    """
    resolution, (height, width), (top, left) = frame
    along_x = np.cos(theta)[:, None] * (frequency[:, None] * (np.arange(width) + left) / resolution)
    along_y = np.sin(theta)[:, None] * (frequency[:, None] * (np.arange(height) + top) / resolution)
    return along_x, along_y


def frame_of(resolution: float, size: tuple[int, int] | None) -> Frame:
    """Pixels a full-resolution pixel, height and width, and where the image begins on the canvas, in its pixels."""
    if size is None:
        return resolution, image_size(resolution), (0.0, 0.0)
    if len(size) != 2 or min(size) < 1:
        raise InputError(f"size is {size}; it must be (height, width), both at least 1 pixel")
    height, width = (int(side) for side in size)
    scale = max(height / HEIGHT, width / WIDTH)
    return scale, (height, width), ((HEIGHT * scale - height) / 2, (WIDTH * scale - width) / 2)


def per_image(value: npt.ArrayLike, name: str, n: int) -> npt.NDArray[np.float64]:
    """One finite number for each image, shape (n,)."""
    values = as_array(value, name).astype(np.float64)
    if values.shape not in ((), (n,)):
        raise InputError(f"{name} has shape {values.shape} for {n} orientations; it must be one number, or one each")
    if not np.isfinite(values).all():
        raise InputError(f"{name} is {values[~np.isfinite(values)].flat[0]}; it must be finite")
    return np.full(n, values)


def as_orientations(orientations: Sequence[float] | npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Finite degrees, shape (n,); InputError for anything else."""
    theta = as_array(orientations, "orientations").astype(np.float64)
    if theta.ndim != 1:
        raise InputError(f"orientations have shape {theta.shape}; they must be a list of degrees, shape (n,)")
    bad = np.flatnonzero(~np.isfinite(theta))
    if bad.size:
        raise InputError(f"orientation {bad[0]} is {theta[bad[0]]}; orientations must be finite degrees")
    return theta
