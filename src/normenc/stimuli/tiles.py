"""Tiles of the photographs that come with scikit-image and scikit-learn, in colour."""

from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.errors import InputError
from normenc.stimuli.natural import IN_COLOUR, MIN_CONTRAST, photograph
from normenc.stimuli.sets import StimulusSet

__all__ = ["photograph_tiles"]

ZOOMS = (1, 2, 3)  # photograph pixels per image pixel
COLUMNS = ["photograph", "row", "column", "zoom"]
Tiles = list[tuple[npt.NDArray[np.float32], tuple[str, int, int, int]]]


def photograph_tiles(n: int, rng: np.random.Generator, *, size: tuple[int, int] = (96, 96)) -> StimulusSet:
    """Tiles of seven photographs in colour, at three resolutions, in random order.

    Tiles of a photograph at one resolution stand side by side and do not overlap, as long as there are as many as
    wanted; otherwise all of these come first, and then some of those that are shifted by half a tile along both sides.
    Nearly uniform tiles (such as sky) are left out.

    Parameters
    ----------
    n : int
        At least 1.
    rng : Generator
    size : (int, int)
        Height and width of a tile in pixels.

    Returns
    -------
    StimulusSet
        Images of shape (n, 3, height, width), 0 to 1; with the columns ``photograph``, ``row``, ``column`` (of the
        upper left corner, photograph pixels) and ``zoom`` (photograph pixels per image pixel, averaged).

    Raises
    ------
    InputError
        If there are fewer tiles of this size.

    Examples
    --------
    >>> drawn = photograph_tiles(3, np.random.default_rng(0))
    >>> drawn.images.shape, list(drawn.parameters)
    (torch.Size([3, 3, 96, 96]), ['photograph', 'row', 'column', 'zoom'])
    """
    apart, shifted = (_every(tuple(size), shift) for shift in (False, True))
    if not 1 <= n <= len(apart) + len(shifted):
        raise InputError(
            f"n is {n}; there are {len(apart)} tiles of {size[0]} x {size[1]} pixels, and {len(shifted)} that overlap "
            f"with them: give 1 to {len(apart) + len(shifted)}"
        )
    chosen = [apart[place] for place in rng.permutation(len(apart))[:n]]
    chosen += [shifted[place] for place in rng.permutation(len(shifted))[: n - len(chosen)]]
    chosen = [chosen[place] for place in rng.permutation(n)]
    images = np.stack([image for image, _ in chosen])
    parameters = pd.DataFrame([where for _, where in chosen], columns=COLUMNS)
    return StimulusSet(torch.from_numpy(images).movedim(3, 1).contiguous(), parameters)


@cache
def _every(size: tuple[int, int], shifted: bool) -> Tiles:
    """All tiles that are not nearly uniform, of a grid in the middle of each photograph, or between its tiles."""
    tiles: Tiles = []
    for zoom in ZOOMS:
        for name in IN_COLOUR:
            whole = photograph(name, colour=True)
            high, wide = (side * zoom for side in size)
            for row in _corners(whole.shape[0], high, shifted):
                for column in _corners(whole.shape[1], wide, shifted):
                    fine = whole[row : row + high, column : column + wide]
                    tile = fine.reshape(size[0], zoom, size[1], zoom, 3).mean(axis=(1, 3))
                    if tile.mean(axis=2).std() >= MIN_CONTRAST:
                        tiles.append((tile, (name, row, column, zoom)))
    return tiles


def _corners(side: int, step: int, shifted: bool) -> list[int]:
    n = side // step
    first = (side - n * step) // 2
    return (
        [first + step // 2 + place * step for place in range(n - 1)]
        if shifted
        else list(range(first, first + n * step, step))
    )
