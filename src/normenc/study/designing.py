"""Which stimuli would tell: those of a pool on which a study's candidates differ most against a recording's noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import figures, rsa
from normenc.errors import InputError
from normenc.recordings import Preparation
from normenc.rsa.design import Chosen
from normenc.runs.publishing import Earlier, destination, holds_nothing
from normenc.runs.schema import SETTINGS
from normenc.study.design_candidates import Candidates, candidates_on, orientation_models
from normenc.study.design_files import chosen_table, file_names, presentation_order, write_images, write_table
from normenc.study.pool_images import Pool, read_pool, shown_pool
from normenc.study.power_analysis import _noise as candidate_noise
from normenc.study.power_simulation import distinct
from normenc.study.predicted_rates import identification_rate, trial_numbers
from normenc.study.progress import ProgressCallback, each, reporting, stage
from normenc.study.represented import represent
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study, asked_study
from normenc.texts import file_stem
from normenc.training import resolve_device
from normenc.whole_files import write_whole

__all__ = ["Design", "design"]

OF_POOL, RANDOM, OWN = "chosen", "random", "own stimuli"


@dataclass(frozen=True)
class Design:
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
    discriminability : DataFrame
        As in ``discriminability.csv``: d' of each truth from each rival with the chosen stimuli.
    study : Study
    n_neurons : int
    folder : Path or None
    left_out : dict of str to str
        Why images of the pool, or candidates, are left out, by name.
    same : dict of str to str
        Candidates that no stimulus of the pool tells from another, and that other one.
    """

    images: npt.NDArray[np.uint8]
    stimuli: pd.DataFrame
    order: pd.DataFrame
    predicted: pd.DataFrame
    discriminability: pd.DataFrame
    study: Study
    n_neurons: int
    folder: Path | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)

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
    page: Callable[[Design, Path], None] | None = None,
    **options: Any,
) -> Design:
    """Choose the stimuli that best tell a study's candidates apart, against the noise of its recording.

    Candidates are the layers of networks (the first seed's), their untrained twins and the controls, as for
    :func:`power`. Each is shown the whole pool. Stimuli that evoke less in a candidate than the recording's own do, such
    as gratings of low contrast, count as noisier by as much.

    Parameters
    ----------
    study : Study, optional
        Its section ``[design]`` names the pool, how many stimuli are chosen, and for how many trials.
    out : str or Path, optional
        A new folder, ``runs/<study>-<recording>-design`` by default: ``stimuli/*.png`` and ``stimuli.npy``,
        ``stimuli.csv``, ``design.csv`` (the order of presentation), ``predicted.csv``, ``discriminability.csv``,
        ``study.toml``, and figures.
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
        with destination(folder, "design", _nothing) as place:
            pool = read_pool(study.design)
            made = replace(_designed(prepared, pool, n_neurons, target.type, progress), folder=folder)
            with place.staged() as aside:
                _write(made, aside)
                if page is not None:
                    page(made, aside)
    return made


def _nothing(folder: Path) -> Earlier:
    if not holds_nothing(folder):
        raise InputError(f"{folder}: this folder is not empty; choose another folder with out=")
    return {}


def _neurons(prepared: Prepared) -> int:
    """Of the experiment that is planned."""
    if prepared.study.rdm_metric != "correlation":
        raise InputError("comparison.rdm_metric: design expects correlation RDMs; it must be 'correlation'")
    stated, recording = prepared.study.design, prepared.recording
    n_neurons = stated.n_neurons or recording.n_neurons
    if n_neurons is None:
        raise InputError(
            f"{recording.name} is known only by its RDM; set design.n_neurons and design.noise, which follow from "
            "responses"
        )
    if stated.noise is None and recording.responses is None:
        raise InputError(
            f"design.noise is not given and {recording.name} has no responses to estimate it from; set it to the "
            "standard deviation of a trial's noise, in standard deviations of the signal over neurons"
        )
    return n_neurons


def _designed(prepared: Prepared, pool: Pool, n_neurons: int, device: str, progress: ProgressCallback) -> Design:
    settings = prepared.study.design
    own = candidates_on(represent(prepared, device=device, progress=progress))
    shown = shown_pool(prepared, pool.images, pool.names)
    of_pool = candidates_on(represent(shown, device=device, progress=progress))
    if pool.orientation is not None:
        of_pool = of_pool.joined(orientation_models(shown, pool.orientation))
    names, same, left_out = _compared(own, of_pool)
    own, of_pool = own.only(names), of_pool.only(names)
    noise = _noise(prepared, own, progress)
    experiment: dict[str, Any] = {"n_neurons": n_neurons, "noise": noise}
    strength = of_pool.strength(own)
    with stage(progress, "choosing stimuli", settings.n) as counted:
        chosen = rsa.choose_stimuli(
            of_pool.rdms,
            settings.n,
            **experiment,
            n_repeats=settings.trials,
            strength=strength,
            seed=settings.seed,
            step=counted.step,
        )
    predicted = _predicted(prepared, (own, of_pool, strength), chosen, experiment, progress)
    files = file_names(settings.n)
    parameters = pool.parameters.iloc[chosen.stimuli].reset_index(drop=True).dropna(axis=1, how="all")
    sources = [pool.names[place] for place in chosen.stimuli]
    stimuli = pd.DataFrame(chosen_table(files, sources, chosen.separates))
    order = presentation_order(
        files, parameters, trials=settings.trials, blanks=settings.blanks, seed=settings.seed
    )
    return Design(
        pool.images[chosen.stimuli],
        pd.concat([stimuli, parameters], axis=1),
        order,
        predicted,
        chosen.discriminability,
        prepared.study,
        n_neurons,
        left_out=pool.left_out | prepared.skipped_controls | left_out,
        same=same,
    )


def _compared(own: Candidates, of_pool: Candidates) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Labels of the candidates, those that are like another one, and why others are left out."""
    kept, same = distinct({0: of_pool.rdms})
    left_out = {}
    for label in own.rdms:
        if label not in of_pool.rdms:
            why = of_pool.lacking.get(label, "it is given orientations, which the pool's images do not have")
            left_out[label] = f"it has no RDM of the pool: {why}"
    left_out |= own.lacking
    names = [label for label in kept[0] if label in own.rdms]
    if len(names) < 2:
        raise InputError(
            f"design compares candidates, and only {', '.join(names) or 'none'} has an RDM of its own on this pool; "
            "add layers, untrained twins or controls to the study, or take another pool"
        )
    return names, same, left_out


def _noise(prepared: Prepared, own: Candidates, progress: ProgressCallback) -> dict[str, float]:
    """Of one trial, for each candidate."""
    stated = prepared.study.design.noise
    if stated is not None:
        return dict.fromkeys(own.rdms, stated)
    return candidate_noise(prepared, own.rdms, progress)


def _predicted(
    prepared: Prepared,
    on: tuple[Candidates, Candidates, Mapping[str, Any]],
    chosen: Chosen,
    experiment: Mapping[str, Any],
    progress: ProgressCallback,
) -> pd.DataFrame:
    """Identification rates of the chosen stimuli, of random ones, and of the recording's own."""
    own, of_pool, strength = on
    settings = prepared.study.design
    rng = np.random.default_rng([settings.seed, 11])
    n_pool = len(next(iter(of_pool.rdms.values())))
    sets: list[tuple[str, int, Candidates, dict[str, Any]]] = []
    draws = [rng.choice(n_pool, settings.n, replace=False) for _ in range(settings.n_random)]
    for name, places in ((OF_POOL, chosen.stimuli), *((RANDOM, places) for places in draws)):
        some = {label: values[places] for label, values in strength.items()}
        sets.append((name, settings.n, of_pool.of(places), some))
    sets.append((OWN, prepared.recording.n_stimuli, own, own.strength(own)))
    rate = partial(
        identification_rate,
        **experiment,
        measures=[prepared.study.comparison.method],
        n_simulations=settings.n_simulations,
        seed=settings.seed,
    )
    rows = []
    for place, (name, n_stimuli, candidates, of_set) in enumerate(each(progress, "predicting", sets)):
        for trials in trial_numbers(settings.trials):
            found = rate(candidates, of_set, n_repeats=trials)
            draw = place if name == RANDOM else None
            rows.append((name, draw, n_stimuli, trials, found["rate"], found["low"], found["high"]))
    columns = ["stimuli", "draw", "n_stimuli", "trials", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns).astype({"draw": "Int64"})


def _write(made: Design, folder: Path) -> None:
    write_whole(folder / SETTINGS, made.study.to_toml().encode("utf-8"))
    write_images(made.images, made.stimuli["image"].tolist(), folder)
    for name, table in (
        ("stimuli", made.stimuli),
        ("design", made.order),
        ("predicted", made.predicted),
        ("discriminability", made.discriminability.rename_axis("truth").reset_index()),
    ):
        write_table(table, folder / f"{name}.csv")
    figures.save(figures.rates_over_trials(made.predicted), folder, "predicted")
