"""Shares of the variance of neurons that parts of a regression explain, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_responses
from normenc.encoding.banded import BandedPrediction, banded_predictions
from normenc.encoding.choosing import in_threads
from normenc.encoding.measures import Recorded, Terms, percentile_interval
from normenc.encoding.medians import drawn_stimuli, medians, trial_index
from normenc.encoding.scoring import THRESHOLD
from normenc.errors import InputError
from normenc.showing import Listed

__all__ = ["ALL", "ExplainedVariance", "averaged", "banded_ridge", "explained", "in_folds", "regressed"]

Floats = npt.NDArray[np.float64]
Parts = Mapping[str, npt.NDArray[Any]]
MEASURES = ("r2", "feve")
MOST_DOUBLE = 2**26  # bytes of averages in double precision
ALL = "all"


@dataclass(frozen=True, repr=False)
class ExplainedVariance(Listed):
    """Results of :func:`banded_ridge` and :func:`unique_variance`.

    Attributes
    ----------
    parts : DataFrame
        One row per part: ``part``; ``r2``, share of the variance of averages, and ``feve``, share of the explainable
        variance (NaN without repeated trials): medians over the reliable neurons (all that vary, if reliability is not
        known), each with its 95 % interval, such as ``r2_low`` and ``r2_high``; ``n_neurons``.
    neurons : DataFrame
        One row per part and neuron: ``part``, ``neuron`` (its column), the same measures and intervals, ``reliable``.
    predictions : dict of str to BandedPrediction
        The regressions behind them.
    """

    TABLE: ClassVar = "parts"

    parts: pd.DataFrame
    neurons: pd.DataFrame = field(repr=False)
    predictions: dict[str, BandedPrediction] = field(repr=False)

    def row(self, part: str, measure: str | None = None) -> dict[str, float]:
        """Median, low and high end of one part; by default of ``feve``, and of ``r2`` if that is not known."""
        own = self.parts.set_index("part").loc[part]
        name = measure or ("feve" if np.isfinite(own["feve"]) else "r2")
        return {"median": float(own[name]), "low": float(own[f"{name}_low"]), "high": float(own[f"{name}_high"])}


def banded_ridge(
    features: Mapping[str, Any],
    responses: Any,
    stimulus: Any = None,
    *,
    threshold: float = THRESHOLD,
    n_samples: int = 1000,
    block_length: int | None = None,
    seed: int = 0,
    **options: Any,
) -> ExplainedVariance:
    r"""How well several layers or controls together predict neurons, and the share of each.

    The share of a band is its product measure: with the deviation d of a response from the mean of the training
    stimuli, the prediction :math:`q = \sum_k q_k` of that deviation and the part :math:`q_k` of band k,
    :math:`R^2_k = \sum q_k (2 d - q) / \sum d^2`. Shares add up to the :math:`R^2` of all bands together. They can be
    negative: such a band makes predictions worse. Divided by the explainable in place of all variance, they are shares
    of :math:`feve`, see :func:`normenc.encoding.predictivity`. Bands that contain the same information divide it
    between them; :func:`unique_variance` says what one of them adds to the others.

    Parameters
    ----------
    features : mapping of str to array_like, shape (n_stimuli, n_units)
        The bands.
    responses : array_like, shape (n_trials, n_neurons) or (n_stimuli, n_neurons)
        Single trials with `stimulus`, or averages.
    stimulus : array_like of int, shape (n_trials,), optional
        The row of the features that each trial belongs to.
    threshold, n_samples, block_length
        See :func:`normenc.encoding.predictivity`.
    seed : int
    **options
        Of :func:`normenc.encoding.banded_predictions`.

    Returns
    -------
    ExplainedVariance
        With the part ``all``, then every band.

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, a band is called ``all``, or an option is impossible.

    References
    ----------
    Dupre la Tour et al., NeuroImage 2022 (banded ridge, product measure).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer, control = rng.normal(size=(2, 120, 6))
    >>> weights = rng.normal(size=(6, 40))
    >>> neurons = 3 * layer @ weights + control @ weights + 0.1 * rng.normal(size=(120, 40))
    >>> explained = banded_ridge({"layer": layer, "control": control}, neurons, n_samples=50)
    >>> explained.parts.set_index("part")["r2"].round(1).tolist()
    [1.0, 0.9, 0.1]
    """
    if ALL in features:
        raise InputError("a band is called 'all', the name of all together; give it another name")
    recorded = averaged(responses, stimulus, features)
    banded = banded_predictions(features, regressed(recorded), seed=seed, **options)
    recorded = in_folds(recorded, banded)

    def parts(neurons: slice, terms: Terms) -> dict[str, Floats]:
        left = 2 * terms.deviation - terms.prediction
        whole = {ALL: np.square(terms.deviation) - np.square(terms.error)}
        return whole | {name: part[:, neurons] * left for name, part in banded.parts.items()}

    names = [ALL, *banded.parts]
    return explained(names, parts, banded, recorded, {ALL: banded}, threshold, (n_samples, block_length, seed))


def averaged(responses: Any, stimulus: Any, features: Mapping[str, Any]) -> Recorded:
    """Responses and averages, for as many stimuli as the features have rows."""
    if not isinstance(features, Mapping) or not features:
        raise InputError("there are no features; give a mapping of names to stimulus x unit matrices")
    trials = as_responses(responses)
    n_stimuli = len(next(iter(features.values())))
    index = trial_index(responses, stimulus, len(trials), n_stimuli)
    return Recorded.of_trials(trials, index, n_stimuli, None)


def regressed(recorded: Recorded) -> npt.NDArray[Any]:
    """Averages in double precision or, of many neurons recorded in single precision, in that."""
    kind = recorded.trials.dtype
    large = 8 * len(recorded.n_trials) * recorded.trials.shape[1] > MOST_DOUBLE
    return recorded.all_averages(kind if large and kind == np.float32 else np.float64)


def in_folds(recorded: Recorded, prediction: BandedPrediction) -> Recorded:
    """The same responses, with the folds of the prediction."""
    return Recorded(recorded.trials, recorded.index, recorded.n_trials, prediction.fold)


def explained(
    names: Sequence[str],
    parts: Any,
    prediction: BandedPrediction,
    recorded: Recorded,
    predictions: dict[str, BandedPrediction],
    threshold: float,
    sampling: tuple[int, int | None, int],
) -> ExplainedVariance:
    """Shares of all parts, whose sums over stimuli are `parts(neurons, terms)` by name."""
    n_samples, block_length, seed = sampling
    n_stimuli, n_neurons = prediction.predicted.shape
    rng = np.random.default_rng([seed, 23])
    drawn = drawn_stimuli(recorded, prediction.ordered, block_length, n_samples, rng)
    scores = np.full((len(names), len(MEASURES), n_neurons), np.nan)
    samples = np.full((len(names), len(MEASURES), n_samples, n_neurons), np.nan, np.float32)
    reliability, still = np.full(n_neurons, np.nan), np.zeros(n_neurons, bool)

    def describe(neurons: slice) -> None:
        terms = Terms.of_neurons(prediction.predicted[:, neurons], recorded, neurons)
        own = parts(neurons, terms)
        for weights, out in ((np.ones((1, n_stimuli)), scores[:, :, None]), (drawn, samples)):
            values = _shares([own[name] for name in names], terms, weights)
            out[..., neurons] = np.where(terms.still, np.nan, values)
        reliability[neurons] = terms.reliability(recorded, neurons)["explainable_variance"]
        still[neurons] = terms.still

    in_threads(describe, recorded.blocks)
    reliable = reliability >= threshold
    chosen = np.flatnonzero(reliable if recorded.repeated else ~still)
    rows, each = [], []
    for place, name in enumerate(names):
        summary = medians(scores[place], MEASURES, chosen, samples[place], n_stimuli, rng)
        low, high = percentile_interval(samples[place])
        rows.append({"part": name} | _flat(summary) | {"n_neurons": int(summary["n_neurons"].iloc[0])})
        columns: dict[str, Any] = {"part": name, "neuron": np.arange(n_neurons)}
        for number, measure in enumerate(MEASURES):
            columns |= {measure: scores[place, number], f"{measure}_low": low[number], f"{measure}_high": high[number]}
        each.append(pd.DataFrame(columns | {"reliable": reliable}))
    return ExplainedVariance(pd.DataFrame(rows), pd.concat(each, ignore_index=True), predictions)


def _shares(parts: Sequence[Floats], terms: Terms, weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Shares of all and of the explainable variance: (n_parts, n_measures, n_samples, n_neurons)."""
    kind = weights.dtype
    total = weights @ np.square(terms.deviation).astype(kind)
    values = np.full((len(parts), len(MEASURES), *total.shape), np.nan, kind)
    explainable = None
    if terms.noise is not None:
        explainable = total - terms.shares[0] * (weights @ terms.noise.astype(kind))
        explainable = np.where(explainable > 0, explainable, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for place, part in enumerate(parts):
            explained = weights @ part.astype(kind)
            values[place, 0] = explained / total
            if explainable is not None:
                values[place, 1] = explained / explainable
    return values


def _flat(summary: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for measure, row in summary.iterrows():
        found |= {str(measure): row["median"], f"{measure}_low": row["low"], f"{measure}_high": row["high"]}
    return found
