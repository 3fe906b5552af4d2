"""Whether the files of a run agree: with one another, and with what the run wrote."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from normenc.csv_tables import ENCODER_COLUMNS
from normenc.errors import InputError
from normenc.runs.marker import read_marker, same_content
from normenc.runs.schema import SIMILARITY
from normenc.stimulus_types import STIMULUS_TYPES

if TYPE_CHECKING:
    from normenc.runs.reading import Run

__all__ = ["agreeing", "check_encoders", "check_table", "check_type"]

ROWS = {  # what tells the rows of a table apart
    SIMILARITY: ENCODER_COLUMNS,
    "similarity_by_method.csv": (*ENCODER_COLUMNS, "comparison"),
    "animals.csv": (*ENCODER_COLUMNS, "comparison", "direction", "animal"),
    "differences.csv": (*ENCODER_COLUMNS, "other", "other_task", "other_network", "other_kind"),
    "similarity_by_scope.csv": ENCODER_COLUMNS,
    "differences_by_scope.csv": (*ENCODER_COLUMNS, "other", "other_task", "other_network", "other_kind"),
    "partitioning.csv": (*ENCODER_COLUMNS, "variance_of"),
    "circular_parts.csv": (*ENCODER_COLUMNS, "part"),
    "over_training.csv": (*ENCODER_COLUMNS, "epoch"),
    "training.csv": ("task", "network", "seed", "epoch", "step"),
    "fitting.csv": ("network", "epoch", "step"),
    "tuning.csv": ("population",),
    "predictivity.csv": (*ENCODER_COLUMNS, "method"),
    "between_animals.csv": ("target", "source"),
}
OTHERS = ("predictivity.csv", "failures.csv")  # with encoders that similarity.csv lacks
READ = (".csv", ".json", ".toml", ".nc", ".h5")  # files that pictures and reports are made from


def check_table(table: pd.DataFrame, path: Path, similarity: pd.DataFrame | None) -> None:
    """Raise InputError if a table of today's format repeats rows, or names encoders that ``similarity.csv`` lacks."""
    _check_rows(table, path)
    if similarity is not None and path.name not in OTHERS:
        for column in ("encoder", "other"):
            if column in table:
                check_encoders(table[column], path, similarity)


def check_encoders(labels: Iterable[object], path: Path, similarity: pd.DataFrame) -> None:
    """Raise InputError if a file names encoders that ``similarity.csv`` lacks."""
    known = set(similarity["encoder"])
    missing = [str(label) for label in dict.fromkeys(labels) if not pd.isna(label) and label not in known]
    if missing:
        raise InputError(
            f"{path.parent / SIMILARITY}: this table has no row for the encoder {missing[0]!r}, which {path.name} "
            "names; put the missing row back, or run the study again"
        )


def check_type(run: "Run") -> None:
    """Raise InputError if the stimuli of a run are of a type that is not known here."""
    for name in ("stimuli", "described"):
        kind = run.recording.get(name)
        if kind is not None and not (isinstance(kind, str) and kind in STIMULUS_TYPES):
            raise InputError(
                f"{run.folder}: the stimuli of this run are of the type {kind!r}, which is not known here; import the "
                "module that registers it (normenc.stimulus_types.register), then draw or report from Python"
            )


@contextmanager
def agreeing(*runs: "Run") -> Iterator[None]:
    """Draw or describe runs in the block: what fails because a file was edited or cut is said to be that file's fault.

    Raises
    ------
    InputError
        If anything fails in the block, and a file that is read is not as the run wrote it.
    """
    try:
        yield
    except (InputError, OSError, MemoryError):
        raise
    except Exception as error:
        edited = [path for run in runs for path in _edited(run.folder)]
        if not edited:
            raise
        names = " and ".join(str(path) for path in edited[:3])
        raise InputError(
            f"{names}: not as the run wrote {'it' if len(edited) == 1 else 'them'}, and no longer in agreement with "
            f"the other files of the run ({type(error).__name__}: {error}); undo the change, or run the study again"
        ) from error


def _check_rows(table: pd.DataFrame, path: Path) -> None:
    """Raise InputError if two rows of a table stand for the same thing."""
    columns = [name for name in ROWS.get(path.name, ()) if name in table]
    if columns and (again := table.duplicated(columns)).any():
        names = ", ".join(str(value) for value in table.loc[again, columns].iloc[0].unique() if not pd.isna(value))
        raise InputError(f"{path}: this table has two rows for {names}; remove one, or run the study again")


def _edited(folder: Path) -> list[Path]:
    """Files that pictures and reports are made from, and that are not as the run's marker lists them."""
    marker = read_marker(folder)
    listed = {} if marker is None else marker.files
    read = {name: content for name, content in listed.items() if name.endswith(READ)}
    return [folder / name for name, content in read.items() if not same_content(folder / name, content)]
