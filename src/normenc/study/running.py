"""Run a study and write its folder."""

import tomllib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

from normenc.errors import InputError
from normenc.study.drawing import draw
from normenc.study.evaluation import Evaluation, evaluate
from normenc.study.file_names import REPORT
from normenc.study.layout import SETTINGS
from normenc.study.marker import read_marker
from normenc.study.older_runs import check_untouched, is_older_run, older_files
from normenc.study.progress import Tell, reporting, stage
from normenc.study.publishing import Earlier, destination, holds_nothing
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study
from normenc.study.store import write_evaluation
from normenc.training import resolve_device

__all__ = ["Run", "run"]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    folder : Path
    evaluation : Evaluation
        What was found.
    kept : tuple of Path
        Files that stood in the way of the run and were not an earlier run's, or had been changed since: where they are
        kept now.
    """

    folder: Path
    evaluation: Evaluation
    kept: tuple[Path, ...] = ()


def run(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    device: str = "auto",
    workers: int = 1,
    scheduler: str | None = None,
    force: bool = False,
    progress: bool | Tell = True,
    page: Callable[[Path], object] | None = None,
) -> Run:
    """Train, compare and draw: the main job, from settings to a folder.

    Every trained network is kept in the cache (``$NORMENC_CACHE``) under the content of its settings, and is not
    trained again: a run that was broken off goes on where it was, with the same result.

    Parameters
    ----------
    study : Study, optional
        The reference study by default.
    out : str or Path, optional
        The folder to write, ``runs/<study>-<recording>`` by default. It appears when it is whole. Meanwhile no other
        run can be written there.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    force : bool
        Replace an earlier run in that folder. Other files there stay, and files of that run that were changed since are
        kept aside.
    workers : int
        Processes to train in; 1 trains in this one. A script that asks for more must guard its main part by
        ``if __name__ == "__main__":``, for they import it.
    scheduler : str, optional
        Address of a Dask scheduler whose workers train instead.
    progress : bool or callable
        True draws bars on a terminal and writes a line every half minute elsewhere; a callable is given a
        :class:`normenc.study.Tally` of every stage: reading, training, comparing, drawing and so on.
    page : callable, optional
        Given the folder before it appears, adds the page: :func:`normenc.report.write`. It can be added later as well.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        When the study cannot be run or the folder may not be written; nothing is left behind then.
    """
    study = study or Study()
    # Of a cluster's workers it is they who have a GPU or not.
    target_device = torch.device(device) if scheduler and device in ("cpu", "cuda") else resolve_device(device)
    with reporting(progress) as tell:
        early = _read(study, tell) if out is None else None  # its name is part of the folder's
        folder = Path(f"runs/{study.name}-{early.recording.name}" if early else out or "")
        wanted = study if page is not None else None
        with destination(folder, "run", lambda found: _replaceable(found, force=force, wanted=wanted)) as place:
            prepared = early or _read(study, tell)
            evaluation = evaluate(
                prepared, device=target_device.type, workers=workers, scheduler=scheduler, progress=tell
            )
            with place.staged() as aside:
                with stage(tell, "writing tables"):
                    write_evaluation(evaluation, aside, device=target_device.type)
                draw(evaluation, aside / "figures", tell)
                if page is not None:
                    with stage(tell, "writing the report"):
                        page(aside)
    return Run(folder, evaluation, tuple(place.kept))


def _read(study: Study, tell: Tell) -> Prepared:
    with stage(tell, "reading the recording"):
        return prepare(study)


def _replaceable(folder: Path, *, force: bool, wanted: Study | None) -> Earlier:
    """The files of an earlier run that a new one may replace, and their SHA-256 where it is known.

    Without `force` these are the files of a run that has no report, where `wanted`, whose report will be written, is
    the same study: it was broken off before its report.
    """
    marker = read_marker(folder)
    if marker is None and holds_nothing(folder):
        return {}
    if marker is not None and marker.kind != "run":
        raise InputError(f"{folder}: this folder holds a power analysis; choose another one with --out")
    if marker is None and not is_older_run(folder):
        raise InputError(f"{folder}: this folder holds something else than a run; choose another one with --out")
    unfinished = wanted is not None and not (folder / REPORT).exists() and _is_same(folder, wanted)
    if not force and not unfinished:
        raise InputError(f"{folder}: there is a run already; add --force to replace it, or choose another --out")
    if marker is not None:
        return {REPORT: None, **marker.files}  # a report is replaced in any case: it must not stand beside other tables
    check_untouched(folder)
    return dict.fromkeys(older_files(folder))


def _is_same(folder: Path, study: Study) -> bool:
    """Whether a run's settings are those of a study."""
    with suppress(OSError, ValueError):
        return tomllib.loads((folder / SETTINGS).read_text(encoding="utf-8")) == tomllib.loads(study.to_toml())
    return False
