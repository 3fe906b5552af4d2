"""Images varied each time they are drawn: cropped, mirrored, changed in brightness and contrast, and rotated."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from normenc.errors import InputError

__all__ = ["AUGMENTATIONS", "augmented", "check_augmentations"]

LEAST_AREA = 0.5  # of a crop, relative to the image
JITTER = 0.4  # by how much brightness and contrast change at most, as a factor from 1
ANGLE = 15.0  # degrees, largest rotation
Rng = np.random.Generator | np.random.RandomState


def check_augmentations(kinds: Sequence[str]) -> None:
    """Raise InputError if a kind is unknown or listed twice, or torchvision, which makes them, cannot be imported.

    Examples
    --------
    >>> check_augmentations(["zoom"])
    Traceback (most recent call last):
    ...
    normenc.errors.InputError: augment is ['zoom']; each must be one of crop, flip, colour, rotation, listed once
    """
    for kind in kinds:
        if kind not in AUGMENTATIONS or list(kinds).count(kind) > 1:
            raise InputError(f"augment is {list(kinds)}; each must be one of {', '.join(AUGMENTATIONS)}, listed once")
    if not kinds:
        return
    try:
        _functional()
    except (ImportError, RuntimeError) as error:  # a torchvision that was built for another torch raises the second
        raise InputError(
            f"augment is {list(kinds)}, which needs torchvision ({error}); install one that fits this torch "
            f"({torch.__version__}): pip install 'normenc[models]'"
        ) from None


def augmented(images: torch.Tensor, kinds: Sequence[str], rng: Rng) -> torch.Tensor:
    """Vary every image at random, by torchvision's transforms.

    Random numbers come from `rng` alone; torch's own generator is not touched.

    Parameters
    ----------
    images : Tensor, shape (n, height, width)
        Grey, values 0 to 1.
    kinds : sequence of str
        Done in the order of :data:`AUGMENTATIONS`. ``"crop"``: a part of the same aspect ratio with half to all of the
        area, enlarged to the whole; ``"flip"``: every second image mirrored, left to right; ``"colour"``: brightness
        and contrast multiplied by 0.6 to 1.4, since images are grey; ``"rotation"``: by -15 to 15 degrees, with the
        image's mean grey where nothing of it is shown.
    rng : Generator or RandomState

    Returns
    -------
    Tensor, shape (n, height, width)
        A new tensor; values stay between 0 and 1.

    Raises
    ------
    InputError
        If a kind is unknown or listed twice, or torchvision cannot be imported.

    Examples
    --------
    >>> images = torch.rand(3, 48, 64)
    >>> varied = augmented(images, [], np.random.default_rng(0))  # or ["crop", "flip"], where torchvision is installed
    >>> torch.equal(varied, images)
    True
    """
    check_augmentations(kinds)
    varied = images.clone()
    for kind in [kind for kind in AUGMENTATIONS if kind in kinds]:
        for index, image in enumerate(varied):
            varied[index] = AUGMENTATIONS[kind](image[None], rng)[0]
    return varied


def _functional() -> Any:
    from torchvision.transforms.v2 import functional

    return functional


def _cropped(image: torch.Tensor, rng: Rng) -> torch.Tensor:
    side = np.sqrt(rng.uniform(LEAST_AREA, 1))
    height, width = image.shape[1:]
    rows, columns = max(1, round(height * side)), max(1, round(width * side))
    top, left = int(rng.choice(height - rows + 1)), int(rng.choice(width - columns + 1))
    return _functional().resized_crop(image, top, left, rows, columns, [height, width], antialias=True).clamp(0, 1)


def _flipped(image: torch.Tensor, rng: Rng) -> torch.Tensor:
    return _functional().horizontal_flip(image) if rng.uniform() < 0.5 else image


def _coloured(image: torch.Tensor, rng: Rng) -> torch.Tensor:
    brightness, contrast = rng.uniform(1 - JITTER, 1 + JITTER, size=2)
    return _functional().adjust_contrast(_functional().adjust_brightness(image, brightness), contrast)


def _rotated(image: torch.Tensor, rng: Rng) -> torch.Tensor:
    from torchvision.transforms.v2 import InterpolationMode

    angle = rng.uniform(-ANGLE, ANGLE)
    grey = [float(image.mean())]
    return _functional().rotate(image, angle, interpolation=InterpolationMode.BILINEAR, fill=grey)


AUGMENTATIONS: dict[str, Callable[[torch.Tensor, Rng], torch.Tensor]] = {
    "crop": _cropped,
    "flip": _flipped,
    "colour": _coloured,
    "rotation": _rotated,
}
