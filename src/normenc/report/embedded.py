"""Pictures as the page holds them: the same to the eye, and smaller than the files of the run."""

import base64
import io
import re

import numpy as np
from PIL import Image

__all__ = ["picture_uri", "sheet_uri"]

LARGE_SHEET = 200_000  # bytes of a PNG; a sheet of photographs is stored as JPEG
JPEG_QUALITY = 90
MOST_COLOURS = 256  # of a palette
EMBEDDED = re.compile(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=\s]+")


def picture_uri(svg: bytes) -> str:
    """An SVG as a data URI; images in it, as of an RDM, are packed without loss, with a palette for few colours."""
    text = EMBEDDED.sub(lambda found: _base64(_packed(base64.b64decode(found[0]))), svg.decode("utf-8"))
    return "data:image/svg+xml;base64," + _base64(text.encode("utf-8"))


def sheet_uri(png: bytes) -> str:
    """The sheet of stimuli as a data URI: as it is, or as JPEG if it is large."""
    if len(png) <= LARGE_SHEET:
        return "data:image/png;base64," + _base64(png)
    file = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)  # full colour
    return "data:image/jpeg;base64," + _base64(file.getvalue())


def _packed(png: bytes) -> bytes:
    """The same pixels as a PNG in fewer bytes; as it is if it is transparent, or not smaller."""
    with Image.open(io.BytesIO(png)) as image:
        pixels = np.asarray(image.convert("RGBA"))
    if (pixels[..., 3] != 255).any():
        return png
    numbers = pixels[..., :3] @ np.array([2**16, 2**8, 1], dtype=np.int32)  # one for each colour, quick to sort
    of_colours, which = np.unique(numbers.ravel(), return_inverse=True)
    colours = (of_colours[:, None] >> np.array([16, 8, 0])).astype(np.uint8)
    if len(colours) > MOST_COLOURS:
        packed = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    else:
        packed = Image.fromarray(which.reshape(pixels.shape[:2]).astype(np.uint8))
        packed.putpalette(colours.tobytes())
    file = io.BytesIO()
    packed.save(file, "PNG", optimize=True)
    return min(file.getvalue(), png, key=len)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
