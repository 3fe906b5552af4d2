"""How often a recording of chosen stimuli would name the true candidate, over the number of trials."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import rsa
from normenc.progress import ProgressCallback, each
from normenc.rsa.measures import as_measure
from normenc.rsa.rates import Rate
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.study.design_question import OWN, Question, StimulusSet

__all__ = ["predicted_rates", "trial_numbers"]

Floats = npt.NDArray[np.float64]


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

    How strongly and how noisily the recording's own stimuli drive neurons is known from it; how strongly others do,
    from the candidates.
    """
    settings, measure = question.prepared.study.design, as_measure(question.prepared.study.comparison.method)
    if own.name == OWN:
        stimuli = {name: population.stimuli for name, population in question.like.of.items()}
    else:
        strength = own.candidates.strength(question.own)
        stimuli = {name: UnequalStimuli(values, np.ones(len(values))) for name, values in strength.items()}
    found = rsa.identification(
        own.candidates.seeds,
        n_neurons=question.neurons,
        noise=question.noise,
        n_repeats=n_repeats,
        measures=[measure],
        n_simulations=settings.n_simulations,
        stimuli=stimuli,
        seed=settings.seed,
    )
    return found.rate(measure.name)
