"""How much data does it take: simulate recordings from every candidate, and see whether the correct one is found."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from normenc import figures
from normenc.errors import InputError
from normenc.progress import ProgressCallback, reporting, stage
from normenc.recordings import Preparation
from normenc.renamed import renamed
from normenc.runs.publishing import Earlier, destination, holds_nothing
from normenc.runs.schema import SETTINGS
from normenc.runs.writing import csv_bytes
from normenc.study.amounts import amounts_of, candidates_of, drawn_stimuli, seed_rdms, with_stimuli
from normenc.study.asked import asked_study
from normenc.study.population_like import check_noise_is_known, populations_like
from normenc.study.power_simulation import Power, distinct, simulate_power
from normenc.study.represented import represent
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study
from normenc.texts import file_stem
from normenc.training import resolve_device
from normenc.whole_files import write_whole

__all__ = ["Power", "only_empty", "power"]


@renamed(n_jobs="workers")
def power(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    recording: str | Path | None = None,
    preparation: Preparation | None = None,
    device: str = "auto",
    workers: int | None = None,
    progress: bool | ProgressCallback = True,
    **options: Any,
) -> Power:
    """Simulate recordings from each of a study's candidates, and see how often the correct one is found.

    Candidates are the layers of networks, their untrained twins and the controls; of several with the same RDM, which
    no recording can tell apart, the first. How noisy a trial is, and how unequal neurons and stimuli are, follows from
    the study's recording, as for :func:`identify`; or ``power.noise`` states the noise of equal neurons. Amounts of
    data that the section leaves out start from what the recording has and go up: stimuli to twice and four times as
    many (up to 200), neurons and repeats (trials of each stimulus) to twice as many, animals to twice as many and at
    least 5. More gratings than the animal saw need no guess, because candidates are computed from images; of images
    there are never more than the recording's.

    Parameters
    ----------
    study : Study, optional
        Its section ``[power]`` says what to try.
    out : str or Path, optional
        A new folder for ``power.csv``, ``power_pairs.csv``, ``study.toml`` and heat maps of both,
        ``runs/<study>-<recording>-power`` by default.
    recording, preparation, device, progress, **options
        See :func:`normenc.study.run`.
    workers : int, optional
        Processes; one per core by default.

    Returns
    -------
    Power

    Raises
    ------
    InputError
        When the noise is neither stated nor follows from the recording, more images are asked for than it has, or there
        are fewer than two candidates with different RDMs.
    """
    study = asked_study(study, recording, preparation, options, out)
    target = resolve_device(device)
    with reporting(progress) as progress:
        early = _read(study, progress) if out is None else None  # its name is part of the folder's
        folder = Path(f"runs/{study.name}-{file_stem(early.recording.name)}-power" if early else out or "")
        with destination(folder, "power", only_empty) as place:
            prepared = early or _read(study, progress)
            recorded = prepared.recording
            settings = amounts_of(recorded, study.power)
            assert settings.n_stimuli is not None
            represented = represent(prepared, device=target.type, workers=workers or 1, progress=progress)
            own = seed_rdms(represented.representations)
            candidates, same = distinct(candidates_of(prepared, own, settings.n_stimuli, target.type, progress))
            kept = {label: rdms.mean(axis=0) for label, rdms in own.items() if label not in same}
            if len(kept) < 2:
                raise InputError(_no_choice(list(own)))
            with stage(progress, "matching noise and neurons"):
                like = populations_like(recorded, kept, "power", settings.noise)
            simulated = simulate_power(
                candidates,
                {
                    n: {k: replace(own, stimuli=drawn_stimuli(recorded, own.stimuli, n)) for k, own in like.of.items()}
                    for n in candidates
                },
                settings,
                method=study.comparison.method,
                ordered=[n for n in candidates if with_stimuli(recorded, n).has_neighbours],
                workers=workers,
                progress=progress,
            )
            with place.staged() as aside:
                _write(simulated, study.model_copy(update={"power": settings}), aside)
    failures, skipped = represented.failures, prepared.skipped_controls
    simulated = replace(simulated, noise_from=like.noise_from, notes=tuple(like.notes))
    return replace(simulated, folder=folder, failures=failures, skipped=skipped, same=same)


def _no_choice(labels: list[str]) -> str:
    """What to do where there are no two candidates to tell apart."""
    why = "all have the same RDM" if len(labels) > 1 else "that is the only one"
    return (
        f"power compares candidates, and {labels[0]!r} has none to be compared with: {why}; add layers, untrained "
        "twins or controls to the study"
    )


def _read(study: Study, progress: ProgressCallback) -> Prepared:
    with stage(progress, "reading the recording"):
        prepared = prepare(study)
    _check(prepared)
    return prepared


def only_empty(folder: Path) -> Earlier:
    """No files of an earlier run; InputError if the folder holds anything."""
    if not holds_nothing(folder):
        raise InputError(f"{folder}: this folder is not empty; choose another folder with out=")
    return {}


def _write(power: Power, study: Study, folder: Path) -> None:
    write_whole(folder / SETTINGS, study.to_toml().encode("utf-8"))
    write_whole(folder / "power.csv", csv_bytes(power.recovery))
    write_whole(folder / "power_pairs.csv", csv_bytes(power.pairs))
    figures.save(figures.power_map(power.recovery), folder, "power")
    figures.save(figures.power_map(power.pairs, value="power"), folder, "power_pairs")


def _check(prepared: Prepared) -> None:
    settings, recording = prepared.study.power, prepared.recording
    if prepared.study.rdm_metric != "correlation":
        raise InputError("comparison.rdm_metric: power simulates correlation RDMs; it must be 'correlation'")
    check_noise_is_known(recording, "power", settings)
