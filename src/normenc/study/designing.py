"""Which stimuli would tell: those of a pool on which a study's candidates differ most against a recording's noise."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import figures, rsa
from normenc.errors import InputError
from normenc.progress import ProgressCallback, reporting, stage
from normenc.recordings import Preparation
from normenc.recordings.provenance import digest_of
from normenc.recordings.public.names import place_of
from normenc.runs.designs import FACTS
from normenc.runs.publishing import destination
from normenc.runs.schema import SETTINGS
from normenc.showing import Listed
from normenc.study.asked import asked_study
from normenc.study.design_files import chosen_table, file_names, presentation_order, write_images, write_table
from normenc.study.design_question import StimulusSet, asked
from normenc.study.design_synthesis import synthesised
from normenc.study.pool_images import Pool, read_pool
from normenc.study.population_like import check_noise_is_known
from normenc.study.power_analysis import only_empty
from normenc.study.predicted_rates import predicted_rates
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study
from normenc.texts import file_stem
from normenc.training import resolve_device
from normenc.whole_files import write_whole

__all__ = ["Design", "design"]


@dataclass(frozen=True, repr=False)
class Design(Listed):
    """Stimuli that :func:`design` chose.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
    stimuli : DataFrame
        As in ``stimuli.csv``, a row for each image: ``image`` (its file), ``source`` (its name in the pool), ``truth``
        and ``rival`` (the pair of candidates that it separates most), and its parameters.
    order : DataFrame
        As in ``design.csv``, a row for each presentation.
    predicted : DataFrame
        As in ``predicted.csv``: the identification rate over numbers of trials, for the chosen, for random stimuli of
        the pool and for the recording's own.
    pairs : DataFrame
        As in ``predicted_pairs.csv``: what recordings of each candidate would be taken for, with each of these.
    discriminability : DataFrame
        As in ``discriminability.csv``: d' of each truth from each rival with the chosen stimuli.
    study : Study
    n_neurons : int
    folder : Path or None
    left_out : dict of str to str
        Why images of the pool, or candidates, are left out, by name.
    same : dict of str to str
        Candidates that no stimulus of the pool tells from another, and that other one.
    noise_from : str
        Where the noise, and how unequal neurons and the recording's own stimuli are, is from.
    notes : tuple of str
        What was assumed of the simulated recordings.
    recording : dict
        ``name``, and ``sha256`` of its file or folder (None if it has none), as in a run's ``environment.json``.
    """

    TABLE: ClassVar = "stimuli"

    images: npt.NDArray[np.uint8]
    stimuli: pd.DataFrame
    order: pd.DataFrame
    predicted: pd.DataFrame
    pairs: pd.DataFrame
    discriminability: pd.DataFrame
    study: Study
    n_neurons: int
    folder: Path | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)
    noise_from: str = "the settings"
    notes: tuple[str, ...] = ()
    recording: dict[str, Any] = field(default_factory=dict)

    @property
    def worst(self) -> tuple[str, str]:
        """The truth and the rival that are hardest to tell apart."""
        row, column = np.unravel_index(np.nanargmin(self.discriminability.values), self.discriminability.shape)
        return str(self.discriminability.index[row]), str(self.discriminability.columns[column])


def design(
    study: Study | None = None,
    out: str | Path | None = None,
    *,
    recording: str | Path | None = None,
    preparation: Preparation | None = None,
    device: str = "auto",
    progress: bool | ProgressCallback = True,
    page: Callable[[Design, Path], Any] | None = None,
    **options: Any,
) -> Design:
    """Choose the stimuli that best tell a study's candidates apart, against the noise of its recording.

    Candidates are the layers of networks, their untrained twins and the controls, as for :func:`power`. Each is
    shown the whole pool. Stimuli that evoke less in a candidate than the recording's own do, such as gratings of
    low contrast, count as noisier by as much.

    Parameters
    ----------
    study : Study, optional
        Its section ``[design]`` names the pool, how many stimuli are chosen, and for how many trials.
    out : str or Path, optional
        A new folder, ``runs/<study>-<recording>-design`` by default: ``stimuli/*.png`` and ``stimuli.npy``,
        ``stimuli.csv``, ``design.csv`` (the order of presentation), ``predicted.csv``, ``predicted_pairs.csv``,
        ``discriminability.csv``, ``design.json`` (what was simulated), ``study.toml``, and figures.
    recording, preparation, device, progress, **options
        See :func:`normenc.study.run`.
    page : callable, optional
        Given the design and the folder, writes a page there, as :func:`normenc.report.write_design` does.

    Returns
    -------
    Design

    Raises
    ------
    InputError
        When the noise is neither stated nor follows from the recording, images cannot be used, or there are fewer than
        two candidates with different RDMs.

    References
    ----------
    See :func:`normenc.rsa.choose_stimuli`.
    """
    study = asked_study(study, recording, preparation, options, out)
    target = resolve_device(device)
    with reporting(progress) as progress:
        with stage(progress, "reading the recording"):
            prepared = prepare(study)
        n_neurons = _neurons(prepared)
        folder = Path(out or f"runs/{study.name}-{file_stem(prepared.recording.name)}-design")
        with destination(folder, "design", only_empty) as place:
            pool = read_pool(study.design)
            made = replace(_designed(prepared, pool, n_neurons, target.type, progress), folder=folder)
            with place.staged() as aside:
                _write(made, aside)
                if page is not None:
                    page(made, aside)
    return made


def _neurons(prepared: Prepared) -> int:
    """Of the experiment that is planned."""
    if prepared.study.rdm_metric != "correlation":
        raise InputError("comparison.rdm_metric: design expects correlation RDMs; it must be 'correlation'")
    check_noise_is_known(prepared.recording, "design", prepared.study.design)
    return prepared.study.design.n_neurons or prepared.recording.n_neurons or 0


def _designed(prepared: Prepared, pool: Pool, n_neurons: int, device: str, progress: ProgressCallback) -> Design:
    settings = prepared.study.design
    question = asked(prepared, pool, n_neurons, device, progress)
    with stage(progress, "choosing stimuli", settings.n) as counted:
        chosen = rsa.choose_stimuli(
            question.of_pool.rdms,
            settings.n,
            n_neurons=question.neurons,
            noise=question.noise,
            n_repeats=settings.trials,
            strength=question.of_pool.strength(question.own),
            seed=settings.seed,
            step=counted.step,
        )
    sets = question.sets(chosen.stimuli)
    images, d_prime, left_out = pool.images[chosen.stimuli], chosen.discriminability, question.left_out
    files, parameters = file_names(settings.n), pool.parameters.iloc[chosen.stimuli].reset_index(drop=True)
    parameters = parameters.dropna(axis=1, how="all")
    if settings.synthesise:
        made = synthesised(question, chosen, progress)
        images, d_prime, left_out = made.images, made.discriminability, left_out | made.left_out
        sets.insert(1, StimulusSet("synthesised", made.candidates))
        parameters = parameters.add_prefix("start_")
    sources = [pool.names[place] for place in chosen.stimuli]
    stimuli = pd.DataFrame(chosen_table(files, sources, chosen.separates))
    source = place_of(prepared.study.recording[0].source)
    return Design(
        images,
        pd.concat([stimuli, parameters], axis=1),
        presentation_order(files, parameters, trials=settings.trials, blanks=settings.blanks, seed=settings.seed),
        *predicted_rates(question, sets, progress),
        d_prime,
        prepared.study,
        n_neurons,
        left_out=left_out,
        same=question.same,
        noise_from=question.like.noise_from,
        notes=tuple(question.like.notes),
        recording={"name": prepared.recording.label, "sha256": digest_of(prepared.files, source)},
    )


def _write(made: Design, folder: Path) -> None:
    write_whole(folder / SETTINGS, made.study.to_toml().encode("utf-8"))
    write_images(made.images, made.stimuli["image"].tolist(), folder)
    for name, table in (
        ("stimuli", made.stimuli),
        ("design", made.order),
        ("predicted", made.predicted),
        ("predicted_pairs", made.pairs),
        ("discriminability", made.discriminability.rename_axis("truth").reset_index()),
    ):
        write_table(table, folder / f"{name}.csv")
    figures.save(figures.rates_over_trials(made.predicted), folder, "predicted")
    facts = {
        "recording": made.recording,
        "candidates": list(made.discriminability),
        "n_neurons": made.n_neurons,
        "noise_from": made.noise_from,
        "notes": list(made.notes),
        "same": made.same,
        "left_out": made.left_out,
    }
    write_whole(folder / FACTS, json.dumps(facts, indent=2, ensure_ascii=False).encode("utf-8"))
