"""How often a recording of chosen stimuli would name the true candidate, and others, over the number of trials."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from normenc import rsa
from normenc.progress import ProgressCallback, each
from normenc.rsa.measures import as_measure
from normenc.rsa.rates import mean_rate
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.study.design_question import OWN, Question, StimulusSet

__all__ = ["named_of_all", "predicted_rates", "trial_numbers"]


def trial_numbers(trials: int) -> list[int]:
    """From one trial of each stimulus to four times as many as are planned.

    Examples
    --------
    >>> trial_numbers(10)
    [1, 2, 5, 10, 20, 40]
    """
    return sorted({max(1, round(trials * share)) for share in (0.1, 0.2, 0.5, 1, 2, 4)})


def predicted_rates(
    question: Question, sets: list[StimulusSet], progress: ProgressCallback
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Identification rates of sets of stimuli over numbers of trials, and what each candidate would be taken for.

    Returns
    -------
    DataFrame, DataFrame
        The rows of ``predicted.csv`` and of ``predicted_pairs.csv``.
    """
    study, rates, pairs = question.prepared.study, [], []
    measure, n = as_measure(study.comparison.method).name, study.design.n_simulations
    for own in each(progress, "predicting", sets):
        n_stimuli = len(next(iter(own.candidates.spreads.values())))
        for n_repeats in trial_numbers(study.design.trials):
            of_set = {"stimuli": own.name, "draw": own.draw, "n_stimuli": n_stimuli, "trials": n_repeats}
            shares = named_of_all(_simulated(question, own, n_repeats), list(own.candidates.seeds))
            rates.append(of_set | mean_rate((np.diag(shares) * n).round(), n)._asdict())
            of_each = of_set | {"comparison": measure, "n_simulations": n}
            pairs += [
                of_each | {"encoder": truth, "other": name, "share": share}
                for truth, row in shares.to_dict("index").items()
                for name, share in row.items()
            ]
    found, of_pairs = (pd.DataFrame(rows).astype({"draw": "Int64"}) for rows in (rates, pairs))
    return found, of_pairs


def named_of_all(found: rsa.Identification, names: Sequence[str]) -> pd.DataFrame:
    """Shares of each candidate's recordings that name each candidate, also of those that were not chosen from.

    Those with the same RDM on these stimuli are named equally often, and those that the measure cannot choose never.

    Examples
    --------
    >>> ring = 1 - np.cos(np.radians(np.subtract.outer(np.arange(0, 360, 45), np.arange(0, 360, 45))))
    >>> halves = np.kron([[0, 1], [1, 0]], np.ones((4, 4)))
    >>> candidates = {"ring": ring, "halves": halves, "again": ring}
    >>> named_of_all(rsa.identification(candidates, n_neurons=50, noise=1, n_simulations=50), [*candidates])
            ring  halves  again
    ring     0.5     0.0    0.5
    halves   0.0     1.0    0.0
    again    0.5     0.0    0.5
    """
    first = [found.same.get(name, name) for name in names]
    shares = found.matrix(found.measures[0]).reindex(index=first, columns=first, fill_value=0.0)
    alike = np.array([first.count(name) for name in first])
    return pd.DataFrame(shares.to_numpy() / alike, index=[*names], columns=[*names])


def _simulated(question: Question, own: StimulusSet, n_repeats: int) -> rsa.Identification:
    """What recordings simulated from each candidate are taken for.

    How strongly and how noisily the recording's own stimuli drive neurons is known from it; how strongly others do,
    from the candidates.
    """
    settings = question.prepared.study.design
    if own.name == OWN:
        stimuli = {name: population.stimuli for name, population in question.like.of.items()}
    else:
        strength = own.candidates.strength(question.own)
        stimuli = {name: UnequalStimuli(values, np.ones(len(values))) for name, values in strength.items()}
    return rsa.identification(
        own.candidates.seeds,
        n_neurons=question.neurons,
        noise=question.noise,
        n_repeats=n_repeats,
        measures=[as_measure(question.prepared.study.comparison.method)],
        n_simulations=settings.n_simulations,
        stimuli=stimuli,
        seed=settings.seed,
    )
