"""Images read from files, whole or by their headers, and refused where a file does not tell what was seen."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = [
    "IMAGE_SUFFIXES",
    "Header",
    "read_bytes",
    "read_grey",
    "read_header",
    "read_image",
]

IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
GREY_MODES = ("1", "L", "LA", "La", "F", "I")  # of Pillow, beside those of 16 bits
WHITE = 2**16 - 1  # of 16 bits
BITS, PHOTOMETRIC = 258, 262  # tags of TIFF
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
SIDEWAYS = (5, 6, 7, 8)  # values of EXIF's orientation at which height and width change places


class Header(NamedTuple):
    """What the header of an image's file says: its size upright, in pixels, and how its pixels are stored."""

    height: int
    width: int
    is_colour: bool
    is_byte: bool


def read_header(file: Path) -> Header:
    """Read only the header of an image.

    Raises
    ------
    InputError
        If it cannot be read, or determines no image of known values, as far as a header tells.
    """
    with _opened(file) as opened:
        _check_header(opened, file)
        width, height = opened.size
        if opened.getexif().get(0x0112) in SIDEWAYS:
            height, width = width, height
        mode = opened.mode
        is_grey = mode in GREY_MODES or mode.startswith("I;16")
        return Header(height, width, not is_grey, not (mode in ("F", "I") or mode.startswith("I;16")))


def read_bytes(file: Path) -> bytes:
    """A file's content; InputError if it is no longer there, or cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: this image cannot be read ({error.strerror}); check the file") from None


def read_image(file: Path, data: bytes | None = None) -> npt.NDArray[Any]:
    """An image as it is stored, the right way up: bytes (uint8), or float32 from 0 to 1 where it has more than 8 bits.

    Parameters
    ----------
    file : Path
    data : bytes, optional
        Its content, where this has been read.

    Returns
    -------
    ndarray, shape (height, width), or (height, width, 3) in colour

    Raises
    ------
    InputError
        If it cannot be read, or does not determine the values: because it is transparent, or has numbers without a
        known white level.
    """
    from skimage import util

    with _opened(file, data) as opened:
        white, is_inverted = _levels(opened, file)
        pixels = np.asarray(_plain(opened, file))
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint8:
        return pixels
    if is_inverted:
        pixels = white - pixels
    image = util.img_as_float32(pixels) if white == WHITE else pixels.astype(np.float32) / np.float32(white)
    if not (image.min() >= 0 and image.max() <= 1):
        raise InputError(
            f"{file}: this image has values from {image.min():g} to {image.max():g} without a known white level; "
            "save it with 8 or 16 bits, or with values from 0 (black) to 1 (white)"
        )
    return image


def read_grey(file: Path) -> tuple[npt.NDArray[np.float32], bool]:
    """An image in grey, values 0 to 1, and whether it was in colour; colours become grey by their luminance.

    It is rotated according to its EXIF data.

    Raises
    ------
    InputError
        As :func:`read_image`.
    """
    from skimage import color, util

    image = util.img_as_float32(read_image(file))
    colour = image.ndim == 3
    return (color.rgb2gray(image).astype(np.float32) if colour else image), colour


@contextmanager
def _opened(file: Path, data: bytes | None = None) -> Iterator[Any]:
    """A file opened by Pillow; whatever fails inside is an InputError that names the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file if data is None else BytesIO(data)) as opened:
                yield opened
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{file}: this image does not fit in memory; save a smaller one") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{file}: this image is too large ({error}); save it again, smaller") from None
    except UnidentifiedImageError:
        raise InputError(f"{file}: this image cannot be read (its format is not known); save it again") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{file}: this image cannot be read ({error}); save it again") from None


def _check_header(opened: Any, file: Path) -> None:
    if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":  # photographs with previews
        raise InputError(f"{file}: this file holds {opened.n_frames} images; save each to its own file")
    if opened.mode == "I" and opened.format != "PNG":
        raise InputError(
            f"{file}: this image has 32-bit numbers without a known white level; save it with 8 or 16 bits"
        )


def _levels(opened: Any, file: Path) -> tuple[int, bool]:
    """The number of white in an image of more than 8 bits, and whether numbers are those of black, as TIFF may say."""
    tags = getattr(opened, "tag_v2", {})
    is_inverted = tags.get(PHOTOMETRIC, BLACK_IS_ZERO) == WHITE_IS_ZERO
    if opened.mode.startswith("I;16"):
        return 2 ** min(16, *tags.get(BITS, (16,))) - 1, is_inverted
    if opened.mode == "F" and is_inverted:
        raise InputError(f"{file}: in this image 0 is white, and black has no known number; save it with 8 or 16 bits")
    return WHITE, False


def _plain(opened: Any, file: Path) -> Any:
    """An image of Pillow's in grey or in red, green and blue, the right way up."""
    from PIL import ImageOps

    _check_header(opened, file)
    is_16_bit = opened.mode == "I"
    turned = ImageOps.exif_transpose(opened)
    if turned.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in turned.info:
        if np.asarray(turned.convert("RGBA"))[..., 3].min() < 255:
            raise InputError(
                f"{file}: this image is partly transparent, so the background is unknown; save it on the "
                "background that was shown"
            )
        turned = turned.convert("L" if turned.mode in ("LA", "La") else "RGB")
    if is_16_bit:
        return np.asarray(turned).astype(np.uint16)
    return turned if turned.mode in ("1", "L", "F", "RGB") or turned.mode.startswith("I;16") else turned.convert("RGB")
