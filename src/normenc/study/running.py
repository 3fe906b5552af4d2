"""Run a study and write its folder."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from normenc import runs
from normenc.progress import ProgressCallback, reporting, stage
from normenc.recordings import Preparation
from normenc.representations.memory import memory_limit
from normenc.runs.publishing import destination
from normenc.runs.replacing import replaceable
from normenc.study.asked import asked_study
from normenc.study.drawing import draw_run, write_run
from normenc.study.evaluation import Evaluation, evaluate
from normenc.study.readiness import check_disks
from normenc.study.representing import Prepared, prepare
from normenc.study.scheduler import Scheduler
from normenc.study.settings import Study
from normenc.texts import file_stem
from normenc.training import resolve_device

__all__ = ["Run", "memory_limit", "run"]

GO_ON = "nothing was written, but trained networks are kept: run the same again to continue from them"


class Run(runs.Run):
    """A run that was made just now: :class:`normenc.runs.Run`, and what was found, in memory.

    Attributes
    ----------
    evaluation : Evaluation
        What was found.
    kept : tuple of Path
        Where files are kept that were in the way of the run and were not an earlier run's, or had been changed.
    """

    def __init__(self, folder: Path, evaluation: Evaluation, kept: tuple[Path, ...] = ()) -> None:
        super().__init__(folder)
        self.evaluation = evaluation
        self.kept = kept


def run(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    recording: str | Path | None = None,
    preparation: Preparation | None = None,
    stages: Sequence[str] | None = None,
    device: str = "auto",
    workers: int | str | Scheduler = 1,
    force: bool = False,
    progress: bool | ProgressCallback = True,
    page: Callable[[Path], object] | None = None,
    **options: Any,
) -> Run:
    """Train, compare and draw: the main job, from settings to a folder.

    Every trained network is kept in the cache (``$NORMENC_CACHE``) under a digest of its settings, and is not
    trained again: an interrupted run resumes where it was, with the same result.

    Parameters
    ----------
    study : Study, optional
        The reference study by default.
    out : str or Path, optional
        The folder to write, ``runs/<study>-<recording>`` by default. It appears when it is whole. Meanwhile no other
        run can be written there.
    recording : str or Path, optional
        Compare with this recording, by its name or its file, instead of the study's.
    preparation : Preparation, optional
        How the recording is read and prepared, where that differs from what the study says.
    stages : sequence of str, optional
        ``["represent", "compare"]`` gives similarities alone, in a fraction of the time. ``"describe"`` adds tuning and
        embeddings, ``"predict"`` predictions of neurons (with ``encoding.enabled``), and ``"draw"`` the pictures. Those
        of the study by default, which are all of them where it names none.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    workers : int, str or Scheduler
        Processes to train in and to read encoders; 1 does both in this one. A script that asks for more must guard its
        main part by ``if __name__ == "__main__":``, because they import it. Or a Dask scheduler whose workers do it
        instead: its address, or :class:`normenc.study.Scheduler`, which has certificates too.
    force : bool
        Replace an earlier run in that folder. Other files there stay, and files of that run that have changed are
        kept aside.
    progress : bool or callable
        True draws bars on a terminal and writes a line every half minute elsewhere; a callable is given a
        :class:`normenc.study.SweepProgress` of every stage: reading, training, comparing, drawing and so on.
    page : callable, optional
        Given the folder before it appears, adds the page: :func:`normenc.report.write`. It can be added later as well.
    **options
        Fields of :class:`normenc.recordings.Preparation`, instead of `preparation` or to change some of it.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        When the study cannot be run or the folder may not be written; nothing is left behind then.
    ConnectionError
        When the scheduler or all its workers are lost on the way. Networks that were trained are kept.
    """
    workers = _workers(workers, options)
    study = asked_study(study, recording, preparation, options, out)
    study = study if stages is None else study.with_changes(stages=stages)
    # Whether the workers of a cluster have a GPU, this computer cannot tell.
    remote = not isinstance(workers, int) and device in ("cpu", "cuda")
    target_device = torch.device(device) if remote else resolve_device(device)
    with reporting(progress) as progress, _told_how_to_go_on():
        early = _read(study, progress) if out is None else None  # its name is part of the folder's
        folder = Path(f"runs/{study.name}-{file_stem(early.recording.name)}" if early else out or "")
        wanted = study.to_toml() if page is not None else None
        with destination(folder, "run", lambda existing: replaceable(existing, force=force, wanted=wanted)) as place:
            prepared = early or _read(study, progress)
            check_disks(prepared, folder, target_device.type)
            place_of_layers = folder.absolute().with_name(f".{folder.absolute().name}.normenc-scratch")
            evaluation = evaluate(
                prepared,
                device=target_device.type,
                workers=workers,
                scratch=place_of_layers,
                progress=progress,
            )
            with suppress(OSError):  # where no layer was too large
                place_of_layers.rmdir()
            with place.staged() as aside:
                _write(evaluation, aside, target_device.type, progress)
                if page is not None:
                    with stage(progress, "writing the report"):
                        page(aside)
    return Run(folder, evaluation, tuple(place.kept))


@contextmanager
def _told_how_to_go_on() -> Iterator[None]:
    """Add to Ctrl-C what is kept, which Python and notebooks print below the traceback."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(GO_ON)
        raise


def _workers(workers: int | str | Scheduler, options: dict[str, Any]) -> int | str | Scheduler:
    """The number of processes or the scheduler that train; a scheduler once had an argument of its own."""
    scheduler: str | Scheduler | None = options.pop("scheduler", None)
    if scheduler is None:
        return workers
    warnings.warn("scheduler is now given as workers", DeprecationWarning, stacklevel=3)
    return scheduler


def _read(study: Study, progress: ProgressCallback) -> Prepared:
    with stage(progress, "reading the recording"):
        return prepare(study)


def _write(evaluation: Evaluation, folder: Path, device: str, progress: ProgressCallback) -> None:
    with stage(progress, "writing tables"):
        write_run(evaluation, folder, device=device)
    if "draw" in evaluation.stages:
        draw_run(folder, folder / "figures", progress)
