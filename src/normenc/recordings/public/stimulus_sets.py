"""Stimulus sets of BrainIO: a table of images, and the images in a zip file."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.formats.guards import check_size, readable
from normenc.recordings.provenance import reads
from normenc.recordings.public.parts import file_of, needs

__all__ = ["column_of", "pictures_of"]

IDS = ("stimulus_id", "image_id")
FILES = ("filename", "image_file_name", "stimulus_path")
MOST_IMAGE = 2**26  # bytes of one image


def pictures_of(files: Mapping[str, Path], used: npt.NDArray[np.str_]) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """The images of these names, in this order, and in words what is to be said of them.

    Parameters
    ----------
    files : mapping of str to Path
        Among them a ``.csv`` table, one row for each image, and a ``.zip`` of image files.
    used : ndarray of str, shape (n_images,)

    Returns
    -------
    images : ndarray of uint8, shape (n_images, height, width) or (n_images, height, width, 3)
        Grey where all channels of all images are alike.
    notes : tuple of str

    Raises
    ------
    InputError
        If a file or an image is not there, cannot be read, or images differ in size.
    """
    names = _names(files, used)
    with file_of(files, ".zip", "the images; without it, pass images=no") as path:
        reads(path)
        with readable(".zip file", "download it again"), zipfile.ZipFile(path) as archive:
            there: dict[str, zipfile.ZipInfo] = {}
            for member in archive.infolist():
                name = PurePosixPath(member.filename).name
                if name in there and name in names and there[name].CRC != member.CRC:
                    raise InputError(f"it holds two different images called {name}; download it again")
                there.setdefault(name, member)
            lost = [name for name in names if name not in there]
            if lost:
                raise InputError(f"{len(lost):,} of {len(names):,} images are not in it, the first is {lost[0]!r}")
            images = [_image(archive, there[name]) for name in names]
        shapes = sorted({image.shape for image in images})
        if len(shapes) > 1:
            raise InputError(f"images differ in size ({shapes[0]} and {shapes[-1]}); pass images=no")
        check_size("the images", len(images) * images[0].nbytes)
        stack = np.stack(images)
        if all((image == image[..., :1]).all() for image in images):
            return stack[..., 0], ()
        return stack, ()


def _names(files: Mapping[str, Path], used: npt.NDArray[np.str_]) -> list[str]:
    """The file of each image."""
    return [PurePosixPath(name).name for name in _column(files, FILES, used)]


def column_of(files: Mapping[str, Path], name: str, used: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """What a stimulus set says of these images in one of its columns.

    Parameters
    ----------
    files : mapping of str to Path
        Among them a ``.csv`` table, one row for each image.
    name : str
        Of the column.
    used : ndarray of str, shape (n,)

    Raises
    ------
    InputError
        If the table, the column or an image is not there.
    """
    return np.array(_column(files, (name,), used), dtype=str)


def _column(files: Mapping[str, Path], columns: tuple[str, ...], used: npt.NDArray[np.str_]) -> list[str]:
    """The values of the first of these columns that is there."""
    import pandas as pd

    with file_of(files, ".csv", "the table of images; without it, pass images=no") as path:
        reads(path)
        with readable(".csv file", "download it again"):
            table = pd.read_csv(path, dtype=str, keep_default_na=False)
            ids = next((name for name in IDS if name in table), IDS[0])
            own = next((name for name in columns if name in table), columns[0])
            needs(dict.fromkeys(table.columns, ""), (ids, own), "a table of a stimulus set")
        by_id: dict[str, str] = {}
        for one, value in zip(table[ids], table[own], strict=True):
            if by_id.setdefault(one, value) != value:
                raise InputError(f"it says of {one!r} both {by_id[one]!r} and {value!r} ({own}); download it again")
        lost = [name for name in used.tolist() if name not in by_id]
        if lost:
            raise InputError(f"{len(set(lost)):,} images that were shown are not in it, the first is {lost[0]!r}")
        return [by_id[name] for name in used.tolist()]


def _image(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> npt.NDArray[np.uint8]:
    """One image in colour, shape (height, width, 3)."""
    from PIL import Image

    if member.file_size > MOST_IMAGE:
        raise InputError(f"{member.filename} has {member.file_size:,} bytes, unlike any image")
    with Image.open(io.BytesIO(archive.read(member))) as image:
        return np.asarray(image.convert("RGB"), dtype=np.uint8)
