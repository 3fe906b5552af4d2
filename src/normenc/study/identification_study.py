"""Could this experiment have known: what recordings simulated from each encoder would be taken for."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from normenc import figures, rsa
from normenc.progress import ProgressCallback, reporting, stage
from normenc.recordings import Preparation
from normenc.runs.publishing import destination
from normenc.runs.schema import SETTINGS
from normenc.runs.writing import csv_bytes
from normenc.showing import Listed
from normenc.study.asked import asked_study
from normenc.study.identifying import identified
from normenc.study.power_analysis import only_empty
from normenc.study.represented import represent
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study
from normenc.study.sweep import Failure
from normenc.texts import file_stem
from normenc.training import resolve_device
from normenc.whole_files import write_whole

__all__ = ["Identifications", "identify"]


@dataclass(frozen=True, repr=False)
class Identifications(Listed):
    """What :func:`identify` found.

    Attributes
    ----------
    found : Identification
        Shares and rates, see :func:`normenc.rsa.identification`.
    rates : DataFrame
        As in ``identification_rates.csv``: for each measure, a row for all candidates, and one for each: ``measure``,
        ``truth``, ``rate``, ``low``, ``high``, ``n_simulations``.
    facts : dict
        What was simulated: ``n_simulations``, ``n_stimuli``, ``n_animals``, ``n_neurons``, ``n_repeats``,
        ``noise_from``, ``notes``.
    first : str
        The candidate that is most similar to the recording.
    folder : Path or None
        Where it was written.
    failures : tuple of Failure
        Networks and layers that are not candidates, and why.
    skipped : dict of str to str
        Controls that are not candidates, and why.
    """

    TABLE: ClassVar = "rates"

    ALL: ClassVar = "all candidates"  # how the rows of `rates` over all of them call the truth

    found: rsa.Identification
    rates: pd.DataFrame
    facts: dict[str, Any]
    first: str
    folder: Path | None = None
    failures: tuple[Failure, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)


def identify(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    recording: str | Path | None = None,
    preparation: Preparation | None = None,
    device: str = "auto",
    workers: int = 1,
    progress: bool | ProgressCallback = True,
    **options: Any,
) -> Identifications:
    """Simulate recordings like a study's from each of its candidates, and see which one each measure names.

    Candidates are the layers of networks, their untrained twins and the controls. Simulated recordings have the
    recording's stimuli, animals, neurons and trials, and are as noisy; neurons are as unequal as the recorded ones.
    Mixtures of the two candidates that are most similar to the recording are tried as well, and what each candidate
    is taken for if it is left out. ``power`` asks the same of other amounts of data.

    Parameters
    ----------
    study : Study, optional
        Its section ``[identify]`` says what to try.
    out : str or Path, optional
        A new folder for ``identification.csv``, ``identification_rates.csv``, ``study.toml`` and a heat map of each
        measure, ``runs/<study>-<recording>-identify`` by default.
    recording, preparation, device, progress, **options
        See :func:`normenc.study.run`.
    workers : int
        Processes to train in.

    Returns
    -------
    Identifications

    Raises
    ------
    InputError
        When the noise is neither stated nor follows from the recording, or there are fewer than two candidates with
        different RDMs.
    """
    study = asked_study(study, recording, preparation, options, out)
    target = resolve_device(device)
    with reporting(progress) as progress:
        early = _read(study, progress) if out is None else None  # its name is part of the folder's
        folder = Path(f"runs/{study.name}-{file_stem(early.recording.name)}-identify" if early else out or "")
        with destination(folder, "identify", only_empty) as place:
            prepared = early or _read(study, progress)
            represented = represent(prepared, device=target.type, workers=workers, progress=progress)
            with stage(progress, "simulating recordings"):
                own = identified(represented)
            assert own.found is not None
            found = Identifications(own.found, _rates(own.found), own.facts, own.first)
            with place.staged() as aside:
                _write(found, prepared, aside)
    return Identifications(
        found.found, found.rates, found.facts, found.first, folder, represented.failures, prepared.skipped_controls
    )


def _read(study: Study, progress: ProgressCallback) -> Prepared:
    with stage(progress, "reading the recording"):
        return prepare(study)


def _rates(found: rsa.Identification) -> pd.DataFrame:
    rows = []
    for measure in found.measures:
        candidates = found.matrix(measure).columns
        for truth in (None, *candidates):
            rate, low, high = found.rate(measure, truth)
            n = found.simulations(measure) * (1 if truth else len(candidates))
            rows.append((measure, truth or Identifications.ALL, rate, low, high, n))
    return pd.DataFrame(rows, columns=["measure", "truth", "rate", "low", "high", "n_simulations"])


def _write(own: Identifications, prepared: Prepared, folder: Path) -> None:
    write_whole(folder / SETTINGS, prepared.study.to_toml().encode("utf-8"))
    write_whole(folder / "identification.csv", csv_bytes(own.found.table))
    write_whole(folder / "identification_rates.csv", csv_bytes(own.rates))
    for measure in own.found.measures:
        table = own.found.table[own.found.table["measure"] == measure]
        figures.save(figures.identification_map(table), folder, f"identification_{file_stem(measure)}")
