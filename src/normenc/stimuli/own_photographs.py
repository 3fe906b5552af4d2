"""A folder of upright photographs, to take patches from in place of those that come with normenc."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.stimuli.folders import list_images
from normenc.stimuli.images import read_grey
from normenc.stimuli.natural import averaged

__all__ = ["photograph_folder"]

TEST_EVERY = 4  # every fourth photograph is used for testing
Stamps = tuple[tuple[str, int, int], ...]


def photograph_folder(folder: str | Path, *, zoom: int = 1, test: bool = False) -> list[npt.NDArray[np.float32]]:
    """Read the photographs of a folder, in grey; every fourth, in the natural order of names, is used for testing.

    Parameters
    ----------
    folder : str or Path
        With at least four images, in no subfolders.
    zoom : int
        Pixels that are averaged into one, in both directions.
    test : bool
        Return the photographs for testing instead of those for training.

    Returns
    -------
    list of ndarray, shape (height, width)
        float32, values 0 to 1, for :func:`natural_patches`.

    Raises
    ------
    InputError
        If the folder cannot be read or has fewer than four images, or one of them cannot be read.
    """
    files, _ = list_images(Path(folder))
    if len(files) < TEST_EVERY:
        raise InputError(
            f"{folder}: there are {len(files)} photographs; give at least {TEST_EVERY}, because every {TEST_EVERY}th "
            "is used for testing"
        )
    chosen = [file for index, file in enumerate(files) if (index % TEST_EVERY == TEST_EVERY - 1) == test]
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in chosen]
    return list(_read(tuple(stats), zoom))


@lru_cache(maxsize=4)
def _read(files: Stamps, zoom: int) -> tuple[npt.NDArray[np.float32], ...]:
    images = tuple(averaged(read_grey(Path(name))[0], zoom).clip(0, 1) for name, _, _ in files)
    for image in images:
        image.setflags(write=False)  # all callers share one array
    return images
