"""How often the true candidate is chosen, and how surely this is known from so many simulations."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

__all__ = ["Rate", "mean_rate"]


class Rate(NamedTuple):
    """A share of simulated recordings, and its 95 % interval over simulations."""

    rate: float
    low: float
    high: float


def mean_rate(n_right: Any, n_simulations: int) -> Rate:
    """The mean rate of given truths, with an interval over the simulations of each.

    Each truth has Wilson's interval; those of the mean combine them as independent errors (MOVER: Donner & Zou,
    Stat. Med. 2012). Truths are those that were asked for, not a sample of others.

    Parameters
    ----------
    n_right : array_like of int, shape (n_truths,)
        Simulated recordings of each truth that named it.
    n_simulations : int
        Of each truth.

    Examples
    --------
    >>> rate, low, high = mean_rate([100, 100, 100, 100, 100, 100, 100, 0], 100)
    >>> rate, round(low, 3), round(high, 3)
    (0.875, 0.863, 0.88)
    """
    counts = np.atleast_1d(np.asarray(n_right, dtype=int))
    rates = counts / n_simulations
    intervals = [binomtest(int(n), n_simulations).proportion_ci(method="wilson") for n in counts]
    below = np.linalg.norm([rate - own.low for rate, own in zip(rates, intervals, strict=True)]) / len(rates)
    above = np.linalg.norm([own.high - rate for rate, own in zip(rates, intervals, strict=True)]) / len(rates)
    mean = float(rates.mean())
    return Rate(mean, max(0.0, mean - float(below)), min(1.0, mean + float(above)))
