"""Measures of predictivity from sums over stimuli, for all neurons and all bootstrap samples at once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.tuning import explainable_variance

__all__ = ["MEASURES", "STILL", "Recorded", "Terms", "neuron_blocks", "percentile_interval"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

MEASURES = ("r", "r2", "feve", "noise_corrected_r")
SAME = 1e-12  # relative to a value: smaller differences are rounding error
BLOCK, BLOCK_VALUES = 512, 2**20  # neurons at a time, and values if there are many rows
STILL, ONCE, HIDDEN = "constant neuron", "one trial a stimulus", "no explainable variance"


@dataclass(frozen=True)
class Recorded:
    """The responses; some neurons' averages over trials, and the mean of the training responses of each prediction."""

    trials: npt.NDArray[Any]
    index: Indices
    n_trials: npt.NDArray[np.int64]
    fold: Indices | None

    @classmethod
    def of_trials(cls, trials: npt.NDArray[Any], index: Indices, n_stimuli: int, fold: Indices | None) -> "Recorded":
        """From the stimulus of each trial."""
        return cls(trials, index, np.bincount(index, minlength=n_stimuli), fold)

    @cached_property
    def _sums(self) -> Any:
        return _sum_of(self.index, len(self.n_trials))

    @property
    def blocks(self) -> list[slice]:
        """All neurons, some at a time."""
        return neuron_blocks(self.trials.shape[1], len(self.trials))

    def averages(self, neurons: slice) -> Floats:
        """Over the trials of each stimulus, shape (n_stimuli, n_neurons)."""
        found: Floats = self._sums @ self.trials[:, neurons] / self.n_trials[:, None]
        return found

    def all_averages(self, kind: Any = np.float64) -> npt.NDArray[Any]:
        """Of all neurons, in this precision."""
        found = np.empty((len(self.n_trials), self.trials.shape[1]), kind)
        for neurons in self.blocks:
            found[:, neurons] = self.averages(neurons)
        return found

    @property
    def repeated(self) -> bool:
        """Whether there are enough repeated stimuli to estimate the noise."""
        return int((self.n_trials > 1).sum()) >= 2

    def baseline(self, values: Floats) -> Floats:
        """Means of averages over the stimuli that each prediction was fitted to: those of other folds, or all."""
        if self.fold is None:
            return np.broadcast_to(values.mean(axis=0), values.shape)
        size = np.bincount(self.fold)[:, None]
        others = values.sum(axis=0) - _sum_of(self.fold, len(size)) @ values
        return (others / (len(values) - size))[self.fold]

    def noise(self, neurons: slice, averages: Floats) -> Floats:
        """Variance of each average, estimated from its trials, or from all stimuli if it has only one."""
        n_trials = self.n_trials[:, None]
        residual = self.trials[:, neurons] - averages[self.index]
        within = self._sums @ np.square(residual) / np.maximum(n_trials - 1, 1)
        return np.where(n_trials > 1, within, within[self.n_trials > 1].mean(axis=0)) / n_trials

    def shares_of_noise(self) -> tuple[float, Floats]:
        """Contribution of each average's noise to the sum of squares of y - b: without and with centring over stimuli.

        Both are squared lengths of columns of the matrix that turns y into y - b. With folds, the first leaves out the
        noise in b, because it is in the prediction's errors too.
        """
        n_stimuli = len(self.n_trials)
        if self.fold is None:
            return 1 - 1 / n_stimuli, np.full((n_stimuli, 1), 1 - 1 / n_stimuli)
        size = np.bincount(self.fold)
        once, twice = size / (n_stimuli - size), size / (n_stimuli - size) ** 2
        column = 1 - (once.sum() - once)
        return 1.0, (1 + twice.sum() - twice - np.square(column) / n_stimuli)[self.fold][:, None]


@dataclass(frozen=True)
class Terms:
    """Terms to be summed over stimuli, each of shape (n_stimuli, n_neurons)."""

    deviation: Floats
    prediction: Floats
    error: Floats
    noise: Floats | None
    shares: tuple[float, Floats]
    variance: Floats
    still: npt.NDArray[np.bool_]
    predicted_still: npt.NDArray[np.bool_]

    @classmethod
    def of_neurons(cls, predicted: npt.NDArray[Any], recorded: Recorded, neurons: slice) -> "Terms":
        """Terms for the neurons of the predictions `predicted`."""
        averages = recorded.averages(neurons)
        baseline = recorded.baseline(averages)
        prediction = predicted - baseline
        rounding = max(SAME, 4 * float(np.finfo(predicted.dtype).eps))
        return cls(
            averages - baseline,
            prediction,
            averages - predicted,
            recorded.noise(neurons, averages) if recorded.repeated else None,
            recorded.shares_of_noise(),
            averages.var(axis=0, ddof=1),
            np.ptp(averages, axis=0) <= SAME * np.abs(averages).max(axis=0),
            np.abs(prediction - prediction.mean(axis=0)).max(axis=0) <= rounding * np.abs(predicted).max(axis=0),
        )

    def measures(self, weights: npt.NDArray[Any], lost: float = 1.0) -> npt.NDArray[Any]:
        """All measures, shape (n_measures, n_samples, n_neurons), for counts of drawn stimuli, (n_samples, n_stimuli).

        The variance of drawn stimuli around their own mean is (n - 1) / n of that around the full mean: give n / (n -
        1).
        """
        x, q, error = (part.astype(weights.dtype) for part in (self.deviation, self.prediction, self.error))
        n_stimuli, sum_x, sum_q = len(x), weights @ x, weights @ q
        total, errors = weights @ np.square(x), weights @ np.square(error)
        covariance = (weights @ (x * q) - sum_x * sum_q / n_stimuli) * lost
        variance = (total - np.square(sum_x) / n_stimuli) * lost
        of_prediction = (weights @ np.square(q) - np.square(sum_q) / n_stimuli) * lost
        values = np.full((len(MEASURES), *total.shape), np.nan, weights.dtype)
        with np.errstate(invalid="ignore", divide="ignore"):
            values[0] = covariance / np.sqrt(variance * of_prediction)
            values[1] = 1 - errors / total
            if self.noise is not None:
                noise, centred = (weights @ (share * self.noise).astype(weights.dtype) for share in (1, self.shares[1]))
                explainable = total - self.shares[0] * noise
                values[2] = np.where(explainable > 0, 1 - (errors - noise) / explainable, np.nan)
                explainable = variance - centred
                values[3] = covariance / np.sqrt(np.where(explainable > 0, explainable, np.nan) * of_prediction)
        values[:, :, self.still] = np.nan
        values[::3, :, self.predicted_still] = np.nan
        return values

    def reliability(self, recorded: Recorded, neurons: slice) -> dict[str, Floats]:
        """Reliability of averages, and explainable variance of single trials."""
        missing = np.full(len(self.still), np.nan)
        if self.noise is None:
            return {"reliability": missing, "explainable_variance": missing}
        with np.errstate(invalid="ignore", divide="ignore"):
            reliability = np.where(self.still, np.nan, 1 - self.noise.mean(axis=0) / self.variance)
        of_trials = explainable_variance(recorded.trials[:, neurons], recorded.index)
        return {"reliability": reliability, "explainable_variance": np.where(self.still, np.nan, of_trials)}

    def reasons(self, values: Floats) -> list[str]:
        """Why measures are NaN, for each neuron."""
        why = [
            (self.still, STILL),
            (~self.still & self.predicted_still, "constant prediction"),
            (~self.still & (self.noise is None), ONCE),
            (~self.still & (self.noise is not None) & np.isnan(values[2:]).any(axis=0) & ~self.predicted_still, HIDDEN),
        ]
        return ["; ".join(text for mask, text in why if mask[neuron]) for neuron in range(len(self.still))]


def neuron_blocks(n_neurons: int, n_rows: int) -> list[slice]:
    """Neurons some at a time: 512, or fewer if there are many rows."""
    size = min(BLOCK, max(32, BLOCK_VALUES // n_rows))
    return [slice(start, start + size) for start in range(0, n_neurons, size)]


def percentile_interval(samples: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """95 % percentile intervals over samples; NaN if a measure is undefined in more than 2.5 % of them."""
    n_samples = samples.shape[1]
    rising = np.sort(np.moveaxis(samples, 1, -1), axis=-1)  # NaN come last
    n_defined = np.isfinite(rising).sum(axis=-1)
    if not n_samples:
        return np.full(n_defined.shape, np.nan), np.full(n_defined.shape, np.nan)
    bounds = []
    for share in (0.025, 0.975):
        at = np.round(share * (n_defined - 1)).astype(np.intp).clip(0)
        bound = np.take_along_axis(rising, at[..., None], axis=-1)[..., 0].astype(np.float64)
        bounds.append(np.where(n_defined >= 0.975 * n_samples, bound, np.nan))
    return bounds[0], bounds[1]


def _sum_of(index: Indices, n_groups: int) -> Any:
    """The sparse matrix (n_groups, n_rows) that sums the rows of each group."""
    from scipy import sparse

    return sparse.csr_array((np.ones(len(index)), (index, np.arange(len(index)))), shape=(n_groups, len(index)))
