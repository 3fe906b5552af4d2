"""Run a study and write its folder."""

from collections.abc import Callable
from pathlib import Path

import torch

from normenc import runs
from normenc.runs.publishing import destination
from normenc.runs.replacing import replaceable
from normenc.study.drawing import draw
from normenc.study.evaluation import Evaluation, evaluate
from normenc.study.progress import Tell, reporting, stage
from normenc.study.readiness import check_disks
from normenc.study.representing import Prepared, prepare
from normenc.study.scheduler import Scheduler
from normenc.study.settings import Study
from normenc.study.store import write_evaluation
from normenc.texts import file_stem
from normenc.training import resolve_device

__all__ = ["Run", "run"]


class Run(runs.Run):
    """A run that was made just now: :class:`normenc.runs.Run`, and what was found, in memory.

    Attributes
    ----------
    evaluation : Evaluation
        What was found.
    kept : tuple of Path
        Files that stood in the way of the run and were not an earlier run's, or had been changed since: where they are
        kept now.
    """

    def __init__(self, folder: Path, evaluation: Evaluation, kept: tuple[Path, ...] = ()) -> None:
        super().__init__(folder)
        self.evaluation = evaluation
        self.kept = kept


def run(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    device: str = "auto",
    workers: int = 1,
    scheduler: str | Scheduler | None = None,
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
    scheduler : str or Scheduler, optional
        A Dask scheduler whose workers train instead: its address, or :class:`normenc.study.Scheduler`, which has
        certificates too.
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
    ConnectionError
        When the scheduler or all its workers are lost on the way. Networks that were trained are kept.
    """
    study = study or Study()
    # Of a cluster's workers it is they who have a GPU or not.
    target_device = torch.device(device) if scheduler and device in ("cpu", "cuda") else resolve_device(device)
    with reporting(progress) as tell:
        early = _read(study, tell) if out is None else None  # its name is part of the folder's
        folder = Path(f"runs/{study.name}-{file_stem(early.recording.name)}" if early else out or "")
        wanted = study.to_toml() if page is not None else None
        with destination(folder, "run", lambda found: replaceable(found, force=force, wanted=wanted)) as place:
            prepared = early or _read(study, tell)
            check_disks(prepared, folder, target_device.type)
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
