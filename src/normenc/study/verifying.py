"""Run the study of a zip again, and say which of its numbers are equal."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from normenc import runs
from normenc.errors import InputError
from normenc.progress import ProgressCallback
from normenc.recordings import cache_folder
from normenc.recordings.files import is_file, is_folder
from normenc.runs.equality import DIGITS, agreement, why_different
from normenc.runs.schema import SETTINGS
from normenc.runs.stages import in_order
from normenc.runs.unpacking import unpack
from normenc.showing import Shown
from normenc.study.reading import read_toml
from normenc.study.running import run
from normenc.study.settings import Study, study_of

__all__ = ["Verification", "verify"]

COMPUTED = ("units", "layers")  # folders of the cache: what is in them would not be computed again
ENOUGH = 6  # digits


@dataclass(frozen=True, repr=False)
class Verification(Shown):
    """How far a study that was run again gives the numbers that were handed on.

    Attributes
    ----------
    table : DataFrame
        One row per file: ``file``, ``numbers``, ``equal`` (how many are so in all digits), ``digits`` (to which all
        agree; 9 where all are equal), ``worst`` (the number that agrees least, then and now).
    reasons : tuple of str
        What differs between then and now: data, versions, device. Empty where nothing that is known does.
    digits : int
        To how many digits all numbers must agree.
    """

    table: pd.DataFrame
    reasons: tuple[str, ...]
    digits: int

    @property
    def holds(self) -> bool:
        """Whether all numbers agree to `digits` digits."""
        return bool((self.table["digits"] >= self.digits).all())

    def summary(self) -> pd.DataFrame:
        """One row per file."""
        return self.table.copy()

    def _title(self) -> str:
        return f"{int(self.table['equal'].sum()):,} of {int(self.table['numbers'].sum()):,} numbers are equal"

    def _notes(self) -> list[str]:
        return list(self.reasons)


def verify(
    path: str | Path,
    *,
    recording: str | Path | None = None,
    digits: int = ENOUGH,
    device: str | None = None,
    workers: int = 1,
    progress: bool | ProgressCallback = True,
) -> Verification:
    """Check the zip of a run, run its study again in a temporary folder, and compare all numbers.

    Networks are trained again, even if they are in the cache. Code that the study imports is looked for in the current
    folder, and never in the zip: load only a study that you would run.

    Parameters
    ----------
    path : str or Path
        As written by :func:`normenc.runs.export`.
    recording : str or Path, optional
        The recording, by its name or file, where it is not where it was.
    digits : int
        Significant digits to which numbers must agree, 1 to 9.
    device : str, optional
        ``"cpu"`` or ``"cuda"``; by default the kind of device of the run, if it is here.
    workers : int
    progress : bool or callable
        See :func:`normenc.study.run`.

    Returns
    -------
    Verification

    Raises
    ------
    InputError
        If the zip is not one of a run, is broken or altered, or its recording is not here.

    Examples
    --------
    >>> found = verify("mine.zip", recording="mine.npz")  # doctest: +SKIP
    >>> found.holds, found.reasons  # doctest: +SKIP
    (True, ())
    """
    if not 1 <= digits <= DIGITS:
        raise InputError(f"digits is {digits}; it must be between 1 and {DIGITS}")
    with tempfile.TemporaryDirectory(prefix="normenc-") as place:
        then = runs.Run.open(unpack(path, Path(place)))
        study = _study(then.folder, recording, str(path))
        with _fresh_cache(Path(place) / "cache"):
            now = run(
                study,
                Path(place) / "again",
                device=device or _kind_of_device(str(then.environment.get("device", "cpu"))),
                workers=workers,
                progress=progress,
            )
        compared = pd.DataFrame([own.__dict__ for own in agreement(then, runs.Run.open(now.folder))])
        reasons = () if (compared["digits"] == DIGITS).all() else why_different(
            then.environment, now.environment
        )  # fmt: skip
    return Verification(compared, tuple(reasons), digits)


def _study(folder: Path, recording: str | Path | None, origin: str) -> Study:
    """The study of a run, on its recording or on the one that is given."""
    settings = read_toml(folder / SETTINGS)
    own = settings.get("recording")
    if isinstance(own, list):
        own = own[0]
    if not isinstance(own, dict) or not isinstance(own.get("source"), str):
        raise InputError(f"{origin}: {SETTINGS} names no recording; the zip is not one of a run")
    source = str(recording) if recording is not None else own["source"]
    is_path = "?" not in source and bool(Path(source).suffix)
    if is_path and not (is_file(source) or is_folder(source)):
        raise InputError(f"{origin}: its recording, {source}, is not here; give its file with recording=")
    settings["recording"] = {**own, "source": source}
    study = study_of(settings, Path(), f"{origin}: {SETTINGS}")
    stages = in_order(study.stages, predict=study.encoding.enabled)
    return study.with_changes(stages=[own for own in stages if own != "draw"])  # pictures have no numbers of their own


def _kind_of_device(then: str) -> str:
    return "cuda" if then != "cpu" and torch.cuda.is_available() else "cpu"


@contextmanager
def _fresh_cache(folder: Path) -> Iterator[None]:
    """A cache with the recordings, and without the networks, of the user's own."""
    own, before = cache_folder(), os.environ.get("NORMENC_CACHE")
    folder.mkdir()
    for entry in own.iterdir() if own.is_dir() else ():
        if entry.name not in COMPUTED:
            (folder / entry.name).symlink_to(entry.resolve())
    os.environ["NORMENC_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["NORMENC_CACHE"]
        else:
            os.environ["NORMENC_CACHE"] = before
