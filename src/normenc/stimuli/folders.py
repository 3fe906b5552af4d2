"""Folders of images: their files in order, checked by their headers before any is decoded."""

import re
from collections.abc import Sequence
from pathlib import Path

from normenc.errors import InputError
from normenc.stimuli.images import IMAGE_SUFFIXES, Header, read_header
from normenc.texts import natural_order

__all__ = ["list_images", "of_faults", "read_headers"]

NAMED = 3  # files in a message
IMAGE_LIKE = IMAGE_SUFFIXES | set(
    re.findall(
        r"[.]\w+",
        """.gif .jpe .jfif .jp2 .j2k .jpx .jxl .heic .heif .avif .apng .ico .psd .tga .pcx .ppm .pgm .pbm .pnm .pfm .svg
        .eps .dib .exr .hdr .dds .dng .raw .cr2 .cr3 .nef .arw .orf .npy .mat""",
    )
)


def list_images(folder: Path) -> tuple[list[Path], list[str]]:
    """The images of a folder, in the natural order of their names, and what looks like images but cannot be read.

    Hidden files, whose names begin with a point, are no images.

    Raises
    ------
    InputError
        If it cannot be read, or holds no images.
    """
    try:
        there = [file for file in folder.iterdir() if not file.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: this folder cannot be read ({error.strerror}); check its permissions") from None
    files = [file for file in there if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()]
    others = sorted(file.name for file in there if file.suffix.lower() in IMAGE_LIKE and file not in set(files))
    if not files:
        inside = f"; there are {', '.join(others[:NAMED])}, which are not read" if others else ""
        raise InputError(f"{folder}: there are no images ({', '.join(sorted(IMAGE_SUFFIXES))}){inside}")
    return [files[place] for place in natural_order([file.name for file in files])], others


def read_headers(folder: Path, files: Sequence[Path], *, one_size: bool = True) -> list[Header]:
    """The headers of all files.

    Raises
    ------
    InputError
        If any cannot be read or used, counting them all, or sizes differ and must not.
    """
    headers, faults = [], []
    for file in files:
        try:
            headers.append(read_header(file))
        except InputError as error:
            faults.append((file, str(error)))
    if faults:
        raise of_faults(faults, len(files))
    sizes = {(header.height, header.width): file for header, file in zip(headers, files, strict=True)}
    if one_size and len(sizes) > 1:
        (first, a), (second, b) = sorted(sizes.items())[:: len(sizes) - 1]
        raise InputError(
            f"{folder}: images differ in size ({a.name} has {first[0]} x {first[1]} pixels, {b.name} {second[0]} x "
            f"{second[1]}); crop or resize them to one size. For images of a recording, a study can do so: "
            "size = [height, width] in the section [stimuli]"
        )
    return headers


def of_faults(faults: Sequence[tuple[Path, str]], n_files: int) -> InputError:
    """One error for all files that cannot be used: the first with its reason, some others by name."""
    (first, why), *others = faults
    if not others and n_files == 1:
        return InputError(why)
    names = [file.name for file, _ in others]
    more = f", and {len(names) - NAMED} more" * (len(names) > NAMED)
    too = f" The others are {', '.join(names[:NAMED])}{more}." if names else ""
    return InputError(f"{why} ({len(faults):,} of {n_files:,} images of {first.parent} cannot be used.{too})")
