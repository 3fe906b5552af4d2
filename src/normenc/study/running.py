"""Run a study and write its folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import xarray as xr

from normenc.runs.publishing import destination
from normenc.runs.replacing import replaceable
from normenc.showing import Shown
from normenc.study.drawing import draw, similarities
from normenc.study.evaluation import Evaluation, evaluate
from normenc.study.progress import Tell, reporting, stage
from normenc.study.readiness import check_disks
from normenc.study.representing import Prepared, prepare
from normenc.study.scheduler import Scheduler
from normenc.study.settings import Study
from normenc.study.store import rdm_array, write_evaluation
from normenc.texts import file_stem
from normenc.training import resolve_device

__all__ = ["Run", "run"]


@dataclass(frozen=True, repr=False)
class Run(Shown):
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

    def _title(self) -> str:
        found = self.evaluation
        return f"{found.study.name} and {found.recording.label}, {len(found.labels)} encoders, in {self.folder}"

    def _notes(self) -> tuple[str, ...]:
        found = self.evaluation
        return (found.recording.describe(), *(failure.describe() for failure in found.failures))

    def summary(self) -> pd.DataFrame:
        """The similarities in short, a row an encoder, see :meth:`normenc.rsa.Inference.summary`."""
        return self.evaluation.inference.summary()

    def plot(self) -> Any:
        """Draw the similarities on a new figure: bars, or the leaderboard of several tasks or networks.

        Returns
        -------
        Axes, or ndarray of Axes
            As the function of :mod:`normenc.figures` gives them.
        """
        return similarities(self.evaluation).draw()

    def to_xarray(self) -> xr.DataArray:
        """The RDMs (population, stimulus, stimulus_2) of the recording, the layers and the controls: ``rdms.nc``."""
        return rdm_array(self.evaluation)


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
