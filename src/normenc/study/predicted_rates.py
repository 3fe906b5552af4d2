"""How often a recording of chosen stimuli would name the true candidate, over the number of trials."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import rsa
from normenc.progress import ProgressCallback, each
from normenc.rsa.discriminability import Experiment, recorded_rdm
from normenc.rsa.rates import Rate, mean_rate
from normenc.study.design_question import OWN, Question, StimulusSet

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
        n_stimuli = len(next(iter(own.candidates.spreads.values())))
        for n_repeats in trial_numbers(trials):
            rows.append((own.name, own.draw, n_stimuli, n_repeats, *_rate(question, own, n_repeats)))
    columns = ["stimuli", "draw", "n_stimuli", "trials", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns).astype({"draw": "Int64"})


def _rate(question: Question, own: StimulusSet, n_repeats: int) -> Rate:
    """The share of simulated recordings that name their candidate, and its interval over simulations.

    Stimuli that evoke less than others are noisier: recordings are simulated from the correlations that noise leaves.
    How much the recording's own stimuli evoke is known from it; of others, from the candidates.
    """
    study, candidates = question.prepared.study, own.candidates
    rdms = candidates.rdms
    names, n_simulations = list(rdms), study.design.n_simulations
    strength = candidates.strength(question.own)
    if own.name == OWN:
        strength = {name: stimuli.strength / stimuli.noise for name, stimuli in question.stimuli.items()}
    experiment = Experiment(
        names,
        len(rdms[names[0]]),
        n_neurons=question.n_neurons,
        noise=question.noise,
        n_repeats=n_repeats,
        strength=strength,
    )
    truths = {
        TRUTH + name: recorded_rdm(rdms[name], reliability)
        for name, reliability in zip(names, experiment.reliability, strict=True)
    }
    table = rsa.identification(
        candidates.seeds,
        n_neurons=question.n_neurons,
        noise=0.0,
        measures=[study.comparison.method],
        n_simulations=n_simulations,
        truths=truths,
        seed=study.design.seed,
    ).table
    return mean_rate(table.loc[table["truth"] == TRUTH + table["chosen"], "n"], n_simulations)
