"""Several runs opened together, named so that they are told apart."""

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from normenc.errors import InputError
from normenc.runs.reading import Run
from normenc.texts import visible

__all__ = ["open_all"]


def open_all(folders: Sequence[str | Path]) -> list[Run]:
    """Open several runs and name them by study and recording and, if these are alike, by folder and number.

    Raises
    ------
    InputError
        If there are fewer than two, one is given twice, or a folder holds no complete run.
    """
    if isinstance(folders, str | PathLike) or len(folders) < 2:
        n = 1 if isinstance(folders, str | PathLike) else len(folders)
        raise InputError(f"{n} run was given; a comparison takes two or more folders of runs")
    runs = [Run.open(folder) for folder in folders]
    paths = [run.folder for run in runs]
    for index, path in enumerate(paths):
        for other in paths[:index]:
            if path.exists() and other.exists() and path.samefile(other):
                raise InputError(f"{path}: this run is given twice; give different runs")
    labels = _told_apart([(run.label, visible(run.folder.resolve().name)) for run in runs])
    for run, label in zip(runs, labels, strict=True):
        run.label = label
    return runs


def _told_apart(names: Sequence[tuple[str, str]]) -> list[str]:
    """Labels of runs from what they are called and their folders' names; equal ones are numbered.

    >>> _told_apart([("a x V1", "one"), ("b x V1", "two"), ("a x V1", "three")])
    ['a x V1 (one)', 'b x V1', 'a x V1 (three)']
    >>> _told_apart([("a x V1", "run"), ("a x V1", "run")])
    ['a x V1 (run, 1)', 'a x V1 (run, 2)']
    """
    labels = Counter(label for label, _ in names)
    both = Counter(names)
    seen: Counter[tuple[str, str]] = Counter()
    told = []
    for label, folder in names:
        seen[label, folder] += 1
        number = f", {seen[label, folder]}" if both[label, folder] > 1 else ""
        told.append(f"{label} ({folder}{number})" if labels[label] > 1 else label)
    return told
