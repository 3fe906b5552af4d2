"""Runs of versions that left no list of their files: what they are known to have written, and what is doubtful."""

import json
import re
from pathlib import Path

from normenc.errors import InputError
from normenc.runs.schema import ENVIRONMENT, FILES, REPORT, RUN_MARKER, SETTINGS, SIMILARITY

__all__ = ["check_untouched", "is_older_run", "older_files"]

FORMATS = ("png", "svg", "pdf")  # of their pictures
QUOTED = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'')


def is_older_run(folder: Path) -> bool:
    """Whether a folder without a marker holds a run: settings, similarities, and the version that made it."""
    needed = [folder / name for name in (SETTINGS, ENVIRONMENT, SIMILARITY)]
    if any(path.is_symlink() or not path.is_file() for path in needed):
        return False
    try:
        return "normenc" in json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def check_untouched(folder: Path) -> None:
    """Raise InputError if a user has edited the settings of an older run, so that it may not be only a run."""
    text = (folder / SETTINGS).read_text(encoding="utf-8", errors="replace")
    if "#" in QUOTED.sub("", text):
        raise InputError(
            f"{folder}: its {SETTINGS} contains comments, which no run writes, so it may not be only a run; "
            f"choose another folder with out=, or move {SETTINGS} and the run elsewhere"
        )


def older_files(folder: Path) -> list[str]:
    """The files that an older run is known by name to have written, the report first; others are the user's."""
    known = (file.name for file in FILES if file.name not in (REPORT, RUN_MARKER) and not file.name.endswith("/"))
    names = [REPORT, *known]
    names += [f"models/{name}.safetensors" for name in _weights(folder)]
    pictures = _pictures(folder)
    names += ["figures/source_data.h5"]
    names += [f"figures/{name}.{ending}" for name in pictures for ending in FORMATS]
    if not (folder / "figures").is_symlink():
        widths = [place.name for place in (folder / "figures").glob("*mm") if place.is_dir() and not place.is_symlink()]
        names += [f"figures/{width}/{name}.{ending}" for width in widths for name in pictures for ending in FORMATS]
    return [name for name in names if (folder / name).is_file() or (folder / name).is_symlink()]


def _weights(folder: Path) -> list[str]:
    import pandas as pd

    try:
        log = pd.read_csv(folder / "training.csv", usecols=["task", "model", "seed"], dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        return []
    names = []
    for row in log.drop_duplicates().itertuples():
        network = f"{row.model}_seed{row.seed}"
        names += [network, f"{network}_untrained", f"{row.task}_{network}"]
    # Names as versions without a list of files made them.
    stems = dict.fromkeys(name.replace(" ", "_") for name in names)
    fitted = [path.stem for path in (folder / "models").glob("fitted_*_seed*.safetensors")]
    return [name for name in (*stems, *fitted) if "/" not in name]


def _pictures(folder: Path) -> list[str]:
    import h5py

    try:
        with h5py.File(folder / "figures" / "source_data.h5", "r") as file:
            return [str(name) for name in file.attrs["labels"] if "/" not in str(name)]
    except (OSError, KeyError, ValueError, TypeError, RuntimeError):
        return []
