"""Objects to recognise: handwritten digits at random places, and folders of images by class."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.errors import InputError
from normenc.stimuli.images import IMAGE_SUFFIXES, read_grey
from normenc.stimuli.natural import PHOTOGRAPHS, natural_patches, placed
from normenc.stimuli.sets import StimulusSet
from normenc.stimuli.study_size import fit_image
from normenc.stimuli.waves import image_size

__all__ = ["digits", "image_folder"]

BACKGROUNDS = ("plain", "natural")
SIZES = (0.4, 0.9)  # height of a digit, in the image's shorter side
DIGIT_SIDE = 8  # pixels of a handwritten digit
TEST_EVERY = 4  # every fourth digit or image of a class is used for testing
BACKGROUND_CONTRAST = 0.4


def digits(
    n: int,
    rng: np.random.Generator | np.random.RandomState,
    *,
    rotation: float = 30.0,
    size: tuple[float, float] = SIZES,
    background: str = "natural",
    resolution: float = 0.1,
    test: bool = False,
) -> StimulusSet:
    """Handwritten digits of random position, size and rotation on a random background.

    Parameters
    ----------
    n : int
    rng : Generator or RandomState
    rotation : float
        Digits are rotated by uniform angles between minus and plus this, degrees.
    size : (float, float)
        Smallest and largest height of a digit, in the image's shorter side; uniform between.
    background : str
        "plain", a random grey, or "natural", a patch of a photograph at reduced contrast. A digit is drawn in white
        or black, whichever differs more from its background.
    resolution : float
        Image pixels per full-resolution pixel: the size of :func:`gratings` at this resolution.
    test : bool
        Use other digits, and other photographs, than for training.

    Returns
    -------
    StimulusSet
        With the columns ``digit``, ``example`` (of scikit-learn's data), ``row``, ``column`` (of the centre),
        ``height`` (pixels), ``rotation`` (degrees).

    Raises
    ------
    InputError
        If a parameter is impossible or the image is too small to show a digit.

    References
    ----------
    Alpaydin & Kaynak, "Optical Recognition of Handwritten Digits", UCI 1998: 8 x 8 pixels, 1797 of them in
    scikit-learn.

    Examples
    --------
    >>> drawn = digits(4, np.random.default_rng(0))
    >>> drawn.images.shape, bool(drawn.parameters["digit"].between(0, 9).all())
    (torch.Size([4, 48, 64]), True)
    """
    if n < 1:
        raise InputError(f"n is {n}; there must be at least 1 image")
    if not 0 < size[0] <= size[1] <= 1:
        raise InputError(f"size is {size}; it must be (smallest, largest), above 0 and at most 1")
    if not 0 <= rotation <= 180:
        raise InputError(f"rotation is {rotation}; it must lie between 0 and 180 degrees")
    if background not in BACKGROUNDS:
        raise InputError(f"background is {background!r}; it must be one of {', '.join(BACKGROUNDS)}")
    shape = image_size(resolution)
    if size[0] * min(shape) < DIGIT_SIDE / 2:
        raise InputError(
            f"images of {shape[0]} x {shape[1]} pixels are too small: digits {size[0] * min(shape):.1f} pixels high "
            f"cannot be read; use a larger resolution or size, for at least {DIGIT_SIDE // 2} pixels"
        )
    examples, labels = _handwritten(test)
    images = _backgrounds(n, rng, background, resolution, test)
    middle = (DIGIT_SIDE - 1) / 2
    rows = []
    for image in images:
        chosen = int(rng.choice(len(examples)))
        height = rng.uniform(*size) * min(shape)
        row, column = (rng.uniform(height / 2, side - height / 2) for side in shape)
        angle = rng.uniform(-rotation, rotation)
        ink = placed(examples[chosen], (middle, middle), (row, column), shape, angle=angle, scale=DIGIT_SIDE / height)
        image += ink * ((image.mean() < 0.5) - image)
        rows.append((labels[chosen], chosen, row, column, height, angle))
    columns = ["digit", "example", "row", "column", "height", "rotation"]
    return StimulusSet(torch.from_numpy(images), pd.DataFrame(rows, columns=columns))


def image_folder(folder: str | Path, *, resolution: float = 0.1, test: bool = False) -> StimulusSet:
    """Load images from a folder with one subfolder per class.

    Every image is cropped at the centre and reduced to the aspect ratio and size of :func:`gratings` at `resolution`.
    Colours become grey by their luminance. Every fourth image of a class, by name, is used for testing.

    Parameters
    ----------
    folder : str or Path
    resolution : float
        Image pixels per full-resolution pixel.
    test : bool
        Return the images for testing instead of those for training.

    Returns
    -------
    StimulusSet
        In the order of classes and file names, with the columns ``class`` (name), ``label`` (number from 0), ``file``.

    Raises
    ------
    InputError
        If the folder is missing or empty, a class has too few images, grey and colour are mixed, or an image cannot
        be read or is too small; the message names it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; it must contain one folder of images per class")
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    files = {
        path.name: sorted(f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and f.is_file())
        for path in classes
    }
    if len(files) < 2:
        raise InputError(
            f"{folder}: there are {len(files)} classes; it must contain at least two folders, one per class"
        )
    for name, found in files.items():
        if len(found) < TEST_EVERY:
            raise InputError(
                f"{folder / name}: there are {len(found)} images ({', '.join(sorted(IMAGE_SUFFIXES))}); a class needs "
                f"at least {TEST_EVERY}, because every {TEST_EVERY}th is used for testing"
            )
    shape = image_size(resolution)
    images, colours, rows = [], {}, []
    for label, (name, found) in enumerate(files.items()):
        for index, file in enumerate(found):
            image, colours[file] = read_grey(file)
            image = fit_image(image, shape, f"{file}: this image")
            if (index % TEST_EVERY == TEST_EVERY - 1) == test:
                images.append(image)
                rows.append((name, label, str(file.relative_to(folder))))
    mixed = {colour: file for file, colour in colours.items()}
    if len(mixed) > 1:
        raise InputError(
            f"{folder}: {mixed[True].name} is in colour and {mixed[False].name} is grey; this could reveal the "
            "class, so make all images one or the other"
        )
    return StimulusSet(torch.from_numpy(np.stack(images)), pd.DataFrame(rows, columns=["class", "label", "file"]))


@cache
def _handwritten(test: bool) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    chosen = (np.arange(len(images)) % TEST_EVERY == TEST_EVERY - 1) == test
    return (images[chosen] / 16).reshape(-1, DIGIT_SIDE, DIGIT_SIDE).astype(np.float32), labels[chosen]


def _backgrounds(
    n: int, rng: np.random.Generator | np.random.RandomState, kind: str, resolution: float, test: bool
) -> npt.NDArray[np.float32]:
    if kind == "plain":
        greys = rng.uniform(0.2, 0.8, size=(n, 1, 1)).astype(np.float32)
        return np.tile(greys, (1, *image_size(resolution)))
    names = PHOTOGRAPHS["test" if test else "train"]
    patches = natural_patches(n, rng, photographs=names, rotation=180, resolution=resolution).images.numpy()
    means = patches.mean(axis=(1, 2), keepdims=True)
    return means + BACKGROUND_CONTRAST * (patches - means)
