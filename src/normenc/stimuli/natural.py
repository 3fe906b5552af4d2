"""Patches of real photographs, rotated by any angle."""

from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.errors import InputError
from normenc.stimuli.sets import StimulusSet
from normenc.stimuli.waves import image_size

__all__ = ["IN_COLOUR", "MIN_CONTRAST", "PHOTOGRAPHS", "averaged", "natural_patches", "photograph"]

# Photographs that come with scikit-image and scikit-learn, without textures, drawings and micrographs; training and
# testing use different ones.
PHOTOGRAPHS = {
    "train": ("astronaut", "brick", "coffee", "coins", "flower", "grass", "motorcycle", "rocket"),
    "test": ("camera", "chelsea", "china", "gravel"),
}
IN_COLOUR = ("astronaut", "chelsea", "china", "coffee", "flower", "motorcycle", "rocket")
ZOOM = 2  # photograph pixels per image pixel
MIN_CONTRAST = 0.06  # standard deviation below which a patch is nearly uniform, such as sky
MAX_TRIES = 50


@cache
def photograph(name: str, *, colour: bool = False) -> npt.NDArray[np.float32]:
    """A photograph that comes with scikit-image or scikit-learn, in grey by default.

    Parameters
    ----------
    name : str
        One of those in :data:`PHOTOGRAPHS`.
    colour : bool
        Whether to keep its colours; the photographs that have any are :data:`IN_COLOUR`.

    Returns
    -------
    ndarray, shape (height, width) or, in colour, (height, width, 3)
        float32, 0 to 1. In grey, colours by their luminance (scikit-image's ``rgb2gray``); in colour, grey three times.

    Raises
    ------
    InputError
        If there is no such photograph.

    Examples
    --------
    >>> photograph("camera").shape
    (512, 512)
    """
    known = (*PHOTOGRAPHS["train"], *PHOTOGRAPHS["test"])
    if name not in known:
        raise InputError(f"there is no photograph {name!r}; the names are {', '.join(sorted(known))}")
    from skimage import color, data, util

    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        image = load_sample_image(f"{name}.jpg")
    elif name == "motorcycle":
        image = data.stereo_motorcycle()[0]
    else:
        image = getattr(data, name)()
    if colour:
        values = util.img_as_float(image if image.ndim == 3 else color.gray2rgb(image))
    else:
        values = color.rgb2gray(image) if image.ndim == 3 else util.img_as_float(image)
    values = values.astype(np.float32)
    values.setflags(write=False)  # all callers share one array
    return values


def natural_patches(
    n: int,
    rng: np.random.Generator | np.random.RandomState,
    *,
    photographs: Sequence[str] | Sequence[npt.ArrayLike] = PHOTOGRAPHS["train"],
    rotation: float = 0.0,
    resolution: float = 0.1,
    zoom: int = ZOOM,
) -> StimulusSet:
    """Draw patches of photographs at random places, each rotated by a random angle.

    A rotated patch is completely filled by the photograph: places are drawn so that its corners stay inside, and it has
    no border. Places are not whole pixels, so an unrotated patch is interpolated like all others and cannot be
    recognised by its sharpness. Nearly uniform patches (such as sky) are drawn again.

    Parameters
    ----------
    n : int
    rng : Generator or RandomState
    photographs : sequence of str or of array_like, shape (height, width)
        Names, see :data:`PHOTOGRAPHS`, or grey images with values 0 to 1; each is as likely.
    rotation : float
        Patches are rotated by uniform angles between minus and plus this, degrees; positive is clockwise.
    resolution : float
        Image pixels per full-resolution pixel: the size of :func:`gratings` at this resolution.
    zoom : int
        Photograph pixels per image pixel, averaged.

    Returns
    -------
    StimulusSet
        With the columns ``photograph``, ``row``, ``column`` (of the centre, photograph pixels), ``rotation`` (degrees).

    Raises
    ------
    InputError
        If a photograph is too small for a rotated patch, or nearly uniform.

    Examples
    --------
    >>> drawn = natural_patches(3, np.random.default_rng(0), rotation=45)
    >>> drawn.images.shape, bool(drawn.parameters["rotation"].abs().max() <= 45)
    (torch.Size([3, 48, 64]), True)
    """
    if n < 1 or zoom < 1:
        raise InputError(f"n is {n} and zoom is {zoom}; both must be at least 1")
    if not 0 <= rotation <= 180:
        raise InputError(f"rotation is {rotation}; it must lie between 0 and 180 degrees")
    height, width = image_size(resolution)
    sources = [_source(item, index, zoom) for index, item in enumerate(photographs)]
    if not sources:
        raise InputError("there are no photographs to take patches from")
    reach = np.hypot(height, width) / 2 + 1
    for name, source in sources:
        if min(source.shape) < 2 * reach + 1:
            side = int(np.ceil((2 * reach + 1) * zoom))
            raise InputError(
                f"photograph {name!r} is {source.shape[0] * zoom} x {source.shape[1] * zoom} pixels; rotated patches "
                f"of {height} x {width} pixels at zoom {zoom} need at least {side} x {side}"
            )
    images = np.empty((n, height, width), dtype=np.float32)
    rows = []
    for index in range(n):
        name, source = sources[rng.choice(len(sources))]
        for _ in range(MAX_TRIES):
            row, column = (rng.uniform(reach, side - 1 - reach) for side in source.shape)
            angle = rng.uniform(-rotation, rotation)
            images[index] = turned_patch(source, (row, column), angle, (height, width))
            if images[index].std() >= MIN_CONTRAST:
                break
        else:
            raise InputError(
                f"photograph {name!r} is nearly uniform: {MAX_TRIES} patches in a row have a standard deviation "
                f"below {MIN_CONTRAST}"
            )
        rows.append((name, row * zoom, column * zoom, angle))
    parameters = pd.DataFrame(rows, columns=["photograph", "row", "column", "rotation"])
    return StimulusSet(torch.from_numpy(images), parameters)


def turned_patch(
    image: npt.NDArray[np.float32], centre: tuple[float, float], angle: float, size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """The patch of `size` around `centre` (row, column) of `image`, rotated clockwise by `angle` degrees."""
    middle = (size[0] - 1) / 2, (size[1] - 1) / 2
    return placed(image, centre, middle, size, angle=angle, mode="edge")


def placed(
    image: npt.NDArray[np.float32],
    point: tuple[float, float],
    place: tuple[float, float],
    size: tuple[int, int],
    *,
    angle: float,
    scale: float = 1.0,
    mode: Literal["constant", "edge"] = "constant",
) -> npt.NDArray[np.float32]:
    """An image of `size` that shows a `point` (row, column) of `image` at `place`, rotated clockwise, interpolated.

    `scale` is in pixels of `image` per pixel; `mode` says what is beyond its border: 0, or the pixel at the border.
    """
    from skimage.transform import warp

    turn = np.deg2rad(-angle)
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    turned = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    to_image = _moved(*point) @ (turned @ _moved(-place[0], -place[1]))
    return warp(image, to_image, output_shape=size, order=1, mode=mode, clip=False).astype(np.float32, copy=False)


def _moved(down: float, right: float) -> npt.NDArray[np.float64]:
    """The matrix of a shift of (x, y, 1)."""
    return np.array([[1.0, 0.0, right], [0.0, 1.0, down], [0.0, 0.0, 1.0]])


def _source(item: str | npt.ArrayLike, index: int, zoom: int) -> tuple[str, npt.NDArray[np.float32]]:
    if isinstance(item, str):
        return item, _zoomed(item, zoom)
    image = np.asarray(item, dtype=np.float32)
    if image.ndim != 2 or not np.isfinite(image).all() or image.min() < 0 or image.max() > 1:
        raise InputError(
            f"photograph {index} has shape {image.shape}; photographs must be grey, shape (height, width), with finite "
            "values 0 to 1"
        )
    return str(index), averaged(image, zoom)


@cache
def _zoomed(name: str, zoom: int) -> npt.NDArray[np.float32]:
    return averaged(photograph(name), zoom)


def averaged(image: npt.NDArray[np.float32], zoom: int) -> npt.NDArray[np.float32]:
    """The image with `zoom` x `zoom` pixels averaged into one."""
    height, width = (side // zoom for side in image.shape)
    return image[: height * zoom, : width * zoom].reshape(height, zoom, width, zoom).mean(axis=(1, 3))
