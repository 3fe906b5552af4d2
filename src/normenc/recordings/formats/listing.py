"""A short list of the contents of a file, for messages."""

import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np

from normenc.recordings.formats.columns import stem

__all__ = ["listed", "not_there"]

MOST = 12  # entries of a list
ASIDE = ("notes", "axes", "left_out")  # what readers say, which is no array of the file


def listed(arrays: Mapping[str, Any]) -> str:
    """List a file's arrays with their shapes; names that differ only by a number become a range.

    Parameters
    ----------
    arrays : mapping of str to object
        What a reader of :mod:`normenc.recordings.formats` gives.

    Examples
    --------
    >>> listed({f"D.n{number}": np.zeros((128, 49)) for number in range(1, 19)} | {"t": np.zeros(49), "area": "V1"})
    'D.n1 to D.n18 (128, 49), t (49,), area'
    >>> listed({"left_out": {"cells.dx": "1 x 9 structures", "cells.resp": "1 x 9 structures"}})
    'cells with dx, resp (1 x 9 structures)'
    """
    entries = []
    shapes = [(name, np.shape(value)) for name, value in arrays.items() if name not in ASIDE]
    for (_, shape), group in groupby(shapes, key=lambda item: (stem(item[0]), item[1])):
        names = [name for name, _ in group]
        written = [f"{names[0]} to {names[-1]}"] if len(names) > 2 else names
        entries += [f"{name} {shape}" if shape else name for name in written]
    left_out: dict[str, str] = arrays.get("left_out", {})
    for (parent, what), own in groupby(left_out, key=lambda name: (name.rpartition(".")[0], left_out[name])):
        paths = list(own)
        if parent and len(paths) > 1:
            paths = [f"{parent} with {', '.join(path.rpartition('.')[2] for path in paths)}"]
        entries += [f"{path} ({what})" for path in paths]
    more = f" and {len(entries) - MOST} more" if len(entries) > MOST else ""
    return ", ".join(entries[:MOST]) + more or "no arrays"


def not_there(arrays: Mapping[str, Any], name: str, own: str) -> str:
    """Say that a file has no array `own` for `name`, and list what it holds, or why that array was left out.

    Examples
    --------
    >>> not_there({"F": np.zeros((8, 3))}, "responses", "dff")
    "there is no array 'dff' (for responses); it holds F (8, 3)"
    """
    if own in arrays.get("left_out", {}):
        said = (note for note in arrays["notes"] if own in re.split(r" (?:was|were) left out", note)[0].split(", "))
        return f"{name} cannot be {own!r}: {next(said, arrays['left_out'][own])}"
    return f"there is no array {own!r} (for {name}); it holds {listed(arrays)}"
