"""The files of a design: images, the order of presentation, and tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from normenc.runs.writing import csv_bytes
from normenc.whole_files import write_whole

__all__ = ["STIMULI", "file_names", "presentation_order", "write_images"]

STIMULI = "stimuli"  # the folder of images


def file_names(n: int) -> list[str]:
    """Names of the images' files, in order.

    Examples
    --------
    >>> file_names(2)
    ['stimulus_001.png', 'stimulus_002.png']
    """
    width = max(3, len(str(n)))
    return [f"stimulus_{place:0{width}d}.png" for place in range(1, n + 1)]


def presentation_order(
    names: Sequence[str], parameters: pd.DataFrame, *, trials: int, blanks: float, seed: int
) -> pd.DataFrame:
    """The order of presentation: in every block each stimulus once, in random order, among blanks.

    No stimulus follows itself from one block to the next, and no blank another.

    Parameters
    ----------
    names : sequence of str
        Of the images' files.
    parameters : DataFrame
        A row for each of them.
    trials : int
        Of each stimulus; as many blocks.
    blanks : float
        As a share of a block's stimuli, at least one in each block unless it is 0.
    seed : int

    Returns
    -------
    DataFrame
        ``trial`` (from 1), ``block``, ``repeat`` (of the stimulus; empty for blanks), ``image`` (empty for blanks) and
        the parameters.

    Examples
    --------
    >>> presentation_order(["a.png", "b.png"], pd.DataFrame(), trials=1, blanks=0.5, seed=1)["image"].tolist()
    ['b.png', '', 'a.png']
    """
    rng = np.random.default_rng([seed, 10])
    n, n_blanks = len(names), min(len(names) - 1, int(np.ceil(blanks * len(names))))
    places: list[int] = []
    blocks: list[int] = []
    for block in range(1, trials + 1):
        order = _without_repetition(rng.permutation(n), next((p for p in reversed(places) if p >= 0), -1))
        gaps = set(rng.choice(n - 1, n_blanks, replace=False).tolist()) if n_blanks else set()  # between stimuli
        shown = [place for gap, own in enumerate(order.tolist()) for place in ((own, -1) if gap in gaps else (own,))]
        places += shown
        blocks += [block] * len(shown)
    table = pd.DataFrame({"trial": range(1, len(places) + 1), "block": blocks})
    table["repeat"] = pd.array([b if p >= 0 else None for b, p in zip(blocks, places, strict=True)], dtype="Int64")
    table["image"] = [names[place] if place >= 0 else "" for place in places]
    rows = parameters.reset_index(drop=True).reindex(places).reset_index(drop=True)
    return pd.concat([table, rows], axis=1)


def _without_repetition(order: npt.NDArray[np.intp], last: int) -> npt.NDArray[np.intp]:
    """The order, with its first stimulus put last where the block before ended with it."""
    return np.roll(order, -1) if order[0] == last else order


def write_images(images: npt.NDArray[np.uint8], names: Sequence[str], folder: Path) -> None:
    """Images as PNG of 8 bits in the folder ``stimuli``, and as ``stimuli.npy``, with the same values."""
    (folder / STIMULI).mkdir()
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(folder / STIMULI / name, "PNG", optimize=True)
    np.save(folder / "stimuli.npy", images)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """As CSV, whole or not at all."""
    write_whole(path, csv_bytes(table))


def chosen_table(names: Sequence[str], sources: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What each stimulus is, and which candidates it separates, as columns."""
    return {
        "image": list(names),
        "source": list(sources),
        "truth": [truth for truth, _ in pairs],
        "rival": [rival for _, rival in pairs],
    }
