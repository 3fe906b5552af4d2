"""How often a recording of chosen stimuli would name the true candidate, over the number of trials."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest

from normenc import rsa
from normenc.rsa.discriminability import Experiment
from normenc.rsa.measures import Method
from normenc.study.design_candidates import Candidates

__all__ = ["identification_rate", "trial_numbers"]

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


def identification_rate(
    candidates: Candidates,
    strength: Mapping[str, Floats],
    *,
    n_neurons: int,
    noise: Mapping[str, float],
    n_repeats: int,
    measures: Sequence[Method],
    n_simulations: int,
    seed: int,
) -> dict[str, Any]:
    """The share of simulated recordings that name their candidate, with Wilson's interval over simulations.

    Stimuli that evoke less than others are noisier: recordings are simulated from the correlations that noise leaves.

    Returns
    -------
    dict
        ``rate``, ``low``, ``high``, and ``by_truth``, a Series.
    """
    names = list(candidates.rdms)
    n_stimuli = len(next(iter(candidates.rdms.values())))
    experiment = Experiment(names, n_stimuli, n_neurons=n_neurons, noise=noise, n_repeats=n_repeats, strength=strength)
    truths = {}
    for name, reliability in zip(names, experiment.reliability, strict=True):
        noisy = 1 - (1 - candidates.rdms[name]) * np.outer(reliability, reliability)
        np.fill_diagonal(noisy, 0)
        truths[TRUTH + name] = noisy
    found = rsa.identification(
        candidates.rdms,
        n_neurons=n_neurons,
        noise=dict.fromkeys((*names, *truths), 0.0),
        measures=measures,
        n_simulations=n_simulations,
        truths=truths,
        seed=seed,
    )
    table = found.table[found.table["truth"].isin(list(truths))]
    right = table[table["truth"] == TRUTH + table["chosen"]]
    low, high = binomtest(int(right["n"].sum()), n_simulations * len(names)).proportion_ci(method="wilson")
    by_truth = pd.Series(right["share"].to_numpy(), index=right["chosen"].to_numpy())
    return {"rate": float(by_truth.sum() / len(names)), "low": float(low), "high": float(high), "by_truth": by_truth}
