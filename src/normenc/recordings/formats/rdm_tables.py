"""Tables that are representational dissimilarity matrices: square, or one value per pair of stimuli."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.errors import InputError
from normenc.recordings.formats.columns import MISSING_RESPONSES, is_stimulus
from normenc.recordings.labels import as_text
from normenc.recordings.squares import between_stimuli
from normenc.texts import argument

__all__ = ["condensed_side", "looks_like_rdm", "rdm_of"]

HEADS = ("rdm", "dissimilarity", "dissimilarities", "distance", "distances")  # of a column of pairs
SIMULATED = " (simulated)"  # after the kind of stimuli, as save_rdm writes
FEWEST = 3  # stimuli of an RDM
Floats = npt.NDArray[np.float64]


def rdm_of(cells: npt.NDArray[np.object_], names: Mapping[str, str]) -> dict[str, Any] | None:
    """``rdm`` and, where they are there, the labels of its stimuli, from all cells of a table; None if it is no RDM.

    A table is an RDM when its values are square, the same above and below the diagonal, and all zero or all missing on
    it; or when they are one column or row of as many as there are pairs of stimuli. Labels may be in the header line,
    in the first column, or in both; the cell of both, or `names`, says whether they are orientations, directions or
    names of images.

    Parameters
    ----------
    cells : ndarray of str, shape (n_lines, n_columns)
    names : mapping of str to str
        From ``orientation``, ``direction`` or ``image`` to the name of the labels.

    Raises
    ------
    InputError
        If rows and columns are labelled differently, or a table without a head line holds anything else.
    """
    numbers, is_text = _numbers(cells)
    if 1 in cells.shape:
        return _of_pairs(cells.ravel(), numbers.ravel(), is_text.ravel(), names)
    if cells.shape[1] > cells.shape[0] - 1 and cells[0, -1] == "" and cells[0, 0] != "" and not is_text[1:, 1:].any():
        cells = cells.copy()  # a head line without a cell above the first column, as R writes it
        cells[0] = np.concatenate([[""], cells[0, :-1]])
        numbers, is_text = _numbers(cells)
    places = ((0, 0), (1, 1), (1, 0), (0, 1))  # where values may begin
    blocks = {(row, column): numbers[row:, column:] for row, column in places if not is_text[row:, column:].any()}
    squares = {place: block for place, block in blocks.items() if len(block) >= FEWEST and len(block) == block.shape[1]}
    for (row, column), block in squares.items():
        if (rdm := _mirrored(block)) is not None:
            mirrored = "only one half of the RDM is given; the other half was filled in by symmetry"
            return {"rdm": rdm, "notes": [] if rdm is block else [mirrored]} | _labels(cells, row, column, names)
    has_labels = cells[0, 0] == "" or _is_count(cells[0, 1:].tolist())
    for (row, column), block in sorted(squares.items(), reverse=has_labels):
        _question(block, cells, row, column)
    return None


def _numbers(cells: npt.NDArray[np.object_]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Numbers, NaN where cells are missing or text, and which cells are text."""
    flat = pd.Series(cells.ravel())
    if flat.str.fullmatch(r"[+-]?\d*,\d+([eE][+-]?\d+)?").any() and not flat.str.contains(".", regex=False).any():
        flat = flat.str.replace(",", ".", regex=False)
    missing = flat.isin(("", "NaN", "nan", *MISSING_RESPONSES))
    numbers = pd.to_numeric(flat.mask(missing), errors="coerce")
    is_text = numbers.isna() & ~missing
    return numbers.to_numpy(np.float64).reshape(cells.shape), is_text.to_numpy(bool).reshape(cells.shape)


def looks_like_rdm(values: Floats) -> bool:
    """Whether a square matrix is symmetric, and zero or missing all along its diagonal; not zero everywhere.

    Examples
    --------
    >>> looks_like_rdm(np.array([[0.0, 1.0], [1.0, 0.0]])), looks_like_rdm(np.eye(2))
    (True, False)
    """
    diagonal = np.diagonal(values)
    scale = float(np.abs(values[np.isfinite(values)]).max(initial=0))
    if scale == 0 or not (np.isnan(diagonal).all() or np.abs(diagonal).max() <= 1e-5 * scale):
        return False
    others = np.where(np.eye(len(values), dtype=bool), 0.0, values)
    return bool(np.isfinite(others).all() and np.allclose(others, others.T, atol=1e-5 * scale))


def _mirrored(block: Floats) -> Floats | None:
    """The matrix where it is an RDM, with its other half where that is zero or missing; else None."""
    if looks_like_rdm(block):
        return block
    for half, other in ((np.triu(block, 1), np.tril(block, -1)), (np.tril(block, -1), np.triu(block, 1))):
        if not np.nan_to_num(other).any() and np.isfinite(half).all() and np.count_nonzero(half) > len(block):
            whole = half + half.T
            return whole if not np.nan_to_num(np.diagonal(block)).any() else None
    return None


def _question(block: Floats, cells: npt.NDArray[np.object_], row: int, column: int) -> None:
    """Raise InputError for a square that is no RDM, but seems to hold something between stimuli."""
    head, first = cells[0, column:].tolist(), cells[row:, 0].tolist()
    is_same = bool(row and column) and not _is_count(head) and set(head) == set(first) and len(set(head)) == len(head)
    said = between_stimuli(block, same_labels=is_same)
    if said is not None:
        neurons = (
            f"; if its columns are neurons, pass {argument(names={'responses': f'{head[0]}:{head[-1]}'})}"
            if row
            else ""
        )
        raise InputError(f"its {len(block)} x {len(block)} values {said}{neurons}")


def _labels(cells: npt.NDArray[np.object_], row: int, column: int, names: Mapping[str, str]) -> dict[str, Any]:
    """Labels of the stimuli by what they are, and what the corner says of the whole."""
    head = cells[0, column:].tolist() if row else None
    first = cells[row:, 0].tolist() if column else None
    corner = str(cells[0, 0]) if row and column else ""
    facts: dict[str, Any] = {"simulated": "yes"} if corner.endswith(SIMULATED) else {}
    corner = corner.removesuffix(SIMULATED)
    wanted = [(name, own) for name, own in names.items() if is_stimulus(name)]
    labels = _agreed(head, first, even_counts=bool(wanted) or is_stimulus(corner.lower()))
    for name, own in wanted:
        if labels is None or own not in (corner, "stimulus"):
            there = f"its labels are called {corner!r}" if labels is not None and corner else "its labels have no name"
            there = (
                there
                if labels is None or corner
                else f"{there}; call them stimulus: {argument(names={name: 'stimulus'})}"
            )
            raise InputError(f"there is no column {own!r} (for {name}); the table is an RDM, and {there}")
        return facts | {name: labels}
    if labels is None:
        return facts
    if is_stimulus(corner.lower()):
        return facts | {corner.lower(): labels}
    return facts | {"image" if labels.dtype.kind == "U" else "stimulus": labels}


def _agreed(head: list[str] | None, first: list[str] | None, *, even_counts: bool) -> npt.NDArray[Any] | None:
    """The labels that head line and first column agree on; None if there are none, or, unless told, but a count."""
    given = [labels for labels in (head, first) if labels is not None and any(labels)]
    told = [labels for labels in given if not _is_count(labels)]
    told = given if even_counts and not told else told
    if not told:
        return None
    labels = [_as_numbers(one) for one in told]
    if len(labels) == 2 and (labels[0] != labels[1]).any():
        place = int(np.flatnonzero(labels[0] != labels[1])[0])
        raise InputError(
            f"the table is an RDM, but column {place + 1} is labelled {told[0][place]!r} and row {place + 1} "
            f"{told[1][place]!r}; label rows and columns alike"
        )
    return labels[0]


def _is_count(labels: list[str]) -> bool:
    """Whether labels only count: nothing, 0 to n - 1, 1 to n, or that after a letter, as R names columns."""
    bare = [re.sub(r"^[VX]", "", label) for label in labels]
    return not any(labels) or bare in ([str(k + first) for k in range(len(labels))] for first in (0, 1))


def _as_numbers(labels: list[str]) -> npt.NDArray[Any]:
    numbers = pd.to_numeric(pd.Series(labels, dtype=object), errors="coerce").to_numpy(np.float64)
    return as_text(labels, "the labels") if np.isnan(numbers).any() else numbers


def _of_pairs(
    cells: npt.NDArray[np.object_], numbers: Floats, is_text: npt.NDArray[np.bool_], names: Mapping[str, str]
) -> dict[str, Any] | None:
    from scipy.spatial.distance import squareform

    has_head = bool(len(cells)) and bool(is_text[0])
    if has_head and cells[0].lower() not in HEADS and names.get("rdm") != cells[0]:
        return None
    values = numbers[int(has_head) :]
    side = condensed_side(len(values))
    if len(values) == 0 or is_text[int(has_head) :].any() or not np.isfinite(values).all():
        return None
    if side is None:
        raise InputError(
            f"it is {len(values)} numbers in one column or row, which is not a possible number of pairs of stimuli (3, "
            "6, 10, ...); name every column in a header line, or save the RDM as a square"
        )
    return {"rdm": squareform(values), "notes": [f"read as the dissimilarities of all pairs of {side} stimuli"]}


def condensed_side(n_pairs: int) -> int | None:
    """Of how many stimuli these are all pairs; None for a number that cannot be.

    Examples
    --------
    >>> condensed_side(66), condensed_side(67)
    (12, None)
    """
    side = int((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    return side if side >= FEWEST and side * (side - 1) // 2 == n_pairs else None
