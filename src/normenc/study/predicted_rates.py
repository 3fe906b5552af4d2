"""How often a recording of chosen stimuli would name the true candidate, over the number of trials."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest

from normenc import rsa
from normenc.rsa.discriminability import Experiment, recorded_rdm
from normenc.study.design_candidates import Candidates
from normenc.study.design_question import Question, StimulusSet
from normenc.study.progress import ProgressCallback, each

__all__ = ["predicted_rates", "trial_numbers"]

Floats = npt.NDArray[np.float64]
TRUTH = "recordings of "


def trial_numbers(trials: int) -> list[int]:
    """From one trial of each stimulus to four times as many as are planned.

    Examples
    --------
    >>> trial_numbers(10)
    [1, 2, 5, 10, 20, 40]
    """
    return sorted({max(1, round(trials * share)) for share in (0.1, 0.2, 0.5, 1, 2, 4)})


def predicted_rates(question: Question, sets: list[StimulusSet], progress: ProgressCallback) -> pd.DataFrame:
    """Identification rates of sets of stimuli over numbers of trials: the rows of ``predicted.csv``."""
    trials, rows = question.prepared.study.design.trials, []
    for own in each(progress, "predicting", sets):
        n_stimuli = len(next(iter(own.candidates.rdms.values())))
        for n_repeats in trial_numbers(trials):
            rows.append((own.name, own.draw, n_stimuli, n_repeats, *_rate(question, own.candidates, n_repeats)))
    columns = ["stimuli", "draw", "n_stimuli", "trials", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns).astype({"draw": "Int64"})


def _rate(question: Question, candidates: Candidates, n_repeats: int) -> tuple[float, float, float]:
    """The share of simulated recordings that name their candidate, with Wilson's interval over simulations.

    Stimuli that evoke less than others are noisier: recordings are simulated from the correlations that noise leaves.
    """
    study = question.prepared.study
    names, n_simulations = list(candidates.rdms), study.design.n_simulations
    experiment = Experiment(
        names,
        len(candidates.rdms[names[0]]),
        n_neurons=question.n_neurons,
        noise=question.noise,
        n_repeats=n_repeats,
        strength=candidates.strength(question.own),
    )
    truths = {
        TRUTH + name: recorded_rdm(candidates.rdms[name], reliability)
        for name, reliability in zip(names, experiment.reliability, strict=True)
    }
    table = rsa.identification(
        candidates.rdms,
        n_neurons=question.n_neurons,
        noise=0.0,
        measures=[study.comparison.method],
        n_simulations=n_simulations,
        truths=truths,
        seed=study.design.seed,
    ).table
    right = int(table.loc[table["truth"] == TRUTH + table["chosen"], "n"].sum())
    low, high = binomtest(right, total := n_simulations * len(names)).proportion_ci(method="wilson")
    return right / total, float(low), float(high)
