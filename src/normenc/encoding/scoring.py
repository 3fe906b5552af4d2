"""How well neurons are predicted, per neuron and over the population, with correction for noise."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_responses
from normenc.encoding.choosing import in_threads
from normenc.encoding.measures import MEASURES, STILL, Recorded, Terms, percentile_interval
from normenc.encoding.medians import as_folds, drawn_stimuli, median, medians, trial_index
from normenc.encoding.regression import Prediction
from normenc.errors import InputError
from normenc.showing import Listed

__all__ = ["MEASURES", "THRESHOLD", "Predictivity", "predictivity"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

THRESHOLD = 0.15


@dataclass(frozen=True, repr=False)
class Predictivity(Listed):
    """Results of :func:`predictivity`.

    Attributes
    ----------
    neurons : DataFrame
        One row per neuron: each measure (``r``, ``r2``, ``feve``, ``noise_corrected_r``) with its interval (``r_low``,
        ``r_high``, ...), ``reliability`` (share of the averages' variance that is not noise), ``explainable_variance``
        (the same of single trials, :func:`normenc.tuning.explainable_variance`), ``reliable``, and ``reason``, why a
        measure is NaN: "constant neuron", "constant prediction", "one trial a stimulus" or "no explainable variance".
    medians : DataFrame
        One row per measure: ``median``, ``low``, ``high`` over the reliable neurons (all that vary, if reliability is
        not known); ``n_neurons`` with the measure.
    n_reliable, n_unreliable, n_unknown : int
        Neurons whose explainable variance reaches the threshold, does not, or is unknown for lack of repeated trials.
    median_r_unreliable : float
    n_trials : tuple of int
        Fewest and most trials of a stimulus.
    threshold : float
    """

    TABLE: ClassVar = "medians"

    neurons: pd.DataFrame = field(repr=False)
    medians: pd.DataFrame
    n_reliable: int
    n_unreliable: int
    n_unknown: int
    median_r_unreliable: float
    n_trials: tuple[int, int]
    threshold: float

    def row(self, **labels: Any) -> dict[str, Any]:
        """One row of a table: labels, such as the layer's name, medians with intervals, and numbers of neurons.

        Examples
        --------
        ``pandas.DataFrame([result.row(layer=name) for name, result in results.items()])`` is a table of layers.
        """
        values = dict(labels)
        for measure, summary in self.medians.iterrows():
            values |= {measure: summary["median"], f"{measure}_low": summary["low"], f"{measure}_high": summary["high"]}
        counts = {"n_reliable": self.n_reliable, "n_unreliable": self.n_unreliable, "n_unknown": self.n_unknown}
        return values | counts | {"r_unreliable": self.median_r_unreliable}


def predictivity(
    prediction: Any,
    responses: Any,
    stimulus: Any = None,
    *,
    fold: Any = None,
    ordered: bool | None = None,
    threshold: float = THRESHOLD,
    n_samples: int = 1000,
    block_length: int | None = None,
    seed: int = 0,
) -> Predictivity:
    r"""How well predictions match responses, per neuron and as medians, with 95 % confidence intervals.

    With averages :math:`y_i` over :math:`n_i` trials, predictions :math:`p_i`, variances within stimuli
    :math:`s_i^2`, hence :math:`v_i = s_i^2 / n_i` of the averages, and the mean :math:`b_i` of the averages of the
    stimuli that were fitted:

    - ``r``: Pearson correlation of :math:`y - b` and :math:`p - b`;
    - ``r2``: :math:`1 - \sum (y_i - p_i)^2 / \sum (y_i - b_i)^2`, at most 1, negative where the mean predicts better;
    - ``feve``, fraction of explainable variance explained:
      :math:`1 - (\sum (y_i - p_i)^2 - \sum v_i) / (\sum (y_i - b_i)^2 - \sum v_i)`;
    - ``noise_corrected_r``: the covariance of `r` over the standard deviations of :math:`p - b` and of the noise-free
      part of :math:`y - b`.

    Without folds :math:`b` is the mean of all averages, and :math:`\sum v_i` below the fraction becomes
    :math:`(1 - 1/N) \sum v_i`, since that mean contains each stimulus's own noise. Sums affected by noise are estimated
    without bias, so the last two measures can exceed 1 and are not clipped: a perfect prediction scatters around 1.
    Higher is better for all.

    Parameters
    ----------
    prediction : Prediction or array_like, shape (n_stimuli, n_neurons)
        Predictions of held-out responses, see :func:`normenc.encoding.cross_validated_predictions`.
    responses : array_like, shape (n_trials, n_neurons) or (n_stimuli, n_neurons)
        Single trials with `stimulus`, or averages.
    stimulus : array_like of int, shape (n_trials,), optional
        The row of `prediction` that each trial belongs to; for the trials of a recording it is determined
        automatically. The variance of stimuli with a single trial is assumed to be the mean of the others.
    fold : array_like of int, shape (n_stimuli,), optional
        The fold in which each was predicted, by a model whose intercept was fitted to the other folds; by default from
        the Prediction. None for predictions of a model that was fitted to entirely different stimuli.
    ordered : bool, optional
        Whether stimuli are ordered on a circle, so that blocks of neighbours are drawn for intervals; by default as in
        the Prediction.
    threshold : float
        Explainable variance of single trials from which neurons count as reliable.
    n_samples : int
        Bootstrap samples: of stimuli for each neuron (percentiles), of stimuli and neurons for medians (t x standard
        error); 0 gives no intervals (NaN). Intervals do not include the variability of the regression with its training
        stimuli.
    block_length : int, optional
        With `ordered`: number of stimuli drawn together; by default the range over which responses are similar.
    seed : int

    Returns
    -------
    Predictivity

    Raises
    ------
    InputError
        If shapes disagree, values are not finite, a stimulus has no trial, or there are fewer than 3 stimuli.

    References
    ----------
    FEVE: Sahani & Linden, NIPS 2002; Cadena et al., PLoS Comput. Biol. 2019. Noise-corrected correlation: Hsu, Borst &
    Theunissen, Network 2004; Schoppe et al., Front. Comput. Neurosci. 2016. Estimating squares without bias: Haefner
    & Cumming, NIPS 2008; Pospisil & Bair, PLoS Comput. Biol. 2021.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(200, 40))
    >>> stimulus = np.repeat(np.arange(200), 4)
    >>> trials = signal[stimulus] + rng.normal(size=(800, 40))
    >>> scores = predictivity(signal, trials, stimulus, n_samples=100)  # as good as a prediction can be
    >>> scores.medians["median"].round(1).tolist()
    [0.9, 0.8, 1.0, 1.0]
    """
    if isinstance(prediction, Prediction):
        fold = prediction.fold if fold is None else fold
        ordered = prediction.ordered if ordered is None else ordered
        prediction = prediction.predicted
    predicted, trials = as_responses(prediction), as_responses(responses)
    index = trial_index(responses, stimulus, len(trials), predicted.shape[0])
    folds = as_folds(fold, len(predicted))
    if predicted.shape[1] != trials.shape[1] or n_samples < 0:
        raise InputError(
            f"prediction has {predicted.shape[1]} neurons, responses {trials.shape[1]}, and n_samples is {n_samples}; "
            "give the same neurons, and at least 0 samples"
        )
    recorded = Recorded.of_trials(trials, index, len(predicted), folds)
    rng = np.random.default_rng([seed, 23])
    drawn = drawn_stimuli(recorded, bool(ordered), block_length, n_samples, rng)
    table, samples = _per_neuron(predicted, recorded, drawn)
    table["reliable"] = table["explainable_variance"] >= threshold
    varies = ~table["reason"].str.contains(STILL)
    chosen = table["reliable"] if recorded.repeated else varies
    n_reliable = int(table["reliable"].sum())
    return Predictivity(
        neurons=table,
        medians=medians(
            table[list(MEASURES)].to_numpy().T, MEASURES, np.flatnonzero(chosen), samples, len(predicted), rng
        ),
        n_reliable=n_reliable,
        n_unreliable=len(table) - n_reliable if recorded.repeated else 0,
        n_unknown=0 if recorded.repeated else len(table),
        median_r_unreliable=float(median(table.loc[~chosen, ["r"]].to_numpy().T)[0]),
        n_trials=(int(recorded.n_trials.min()), int(recorded.n_trials.max())),
        threshold=threshold,
    )


def _per_neuron(
    predicted: npt.NDArray[Any], recorded: Recorded, drawn: npt.NDArray[np.float32]
) -> tuple[pd.DataFrame, npt.NDArray[np.float32]]:
    """A table of neurons, and measures in bootstrap samples, shape (n_measures, n_samples, n_neurons)."""
    n_neurons = predicted.shape[1]
    samples = np.empty((len(MEASURES), len(drawn), n_neurons), np.float32)
    whole = np.ones((1, len(predicted)))

    def describe(neurons: slice) -> pd.DataFrame:
        terms = Terms.of_neurons(predicted[:, neurons], recorded, neurons)
        scores = terms.measures(whole)[:, 0]
        table: dict[str, Any] = {}
        samples[:, :, neurons] = terms.measures(drawn, len(predicted) / (len(predicted) - 1))
        low, high = percentile_interval(samples[:, :, neurons])
        for number, measure in enumerate(MEASURES):
            table |= {measure: scores[number], f"{measure}_low": low[number], f"{measure}_high": high[number]}
        return pd.DataFrame(table | terms.reliability(recorded, neurons) | {"reason": terms.reasons(scores)})

    return pd.concat(in_threads(describe, recorded.blocks), ignore_index=True), samples
