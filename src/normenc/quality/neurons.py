"""Reliability and tuning of a recording's neurons, and whether stimuli can be decoded from them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm
from scipy.stats import t as student

from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.rsa.pairs import MANY_STIMULI
from normenc.tuning import (
    around_zero,
    decode_orientation,
    direction_p_values,
    discoveries,
    orientation_p_values,
    responsiveness_p_values,
    split_half_reliability,
    stimulus_p_values,
    tuning_curves,
)

__all__ = ["Count", "Decoded", "NeuronQuality", "describe_neurons", "n_splits_of", "splits_in_words"]

N_BOOTSTRAP = 500
BLOCK_UNITS = 1024  # neurons at once, in double precision
N_SPLITS, FEW_SPLITS = 20, 5  # of the trials
RELIABLE = 0.3  # split-half reliability at which a neuron counts as reliable
DRIFT, SURELY = 0.3, 0.01  # smallest correlation with the order of trials of a drifting neuron, and largest p-value
MIN_TRIALS = 20  # for drift and decoding
MOST_DECODED = 1500  # trials


@dataclass(frozen=True)
class Count:
    """Neurons with a significant test, at a false discovery rate of 0.05, among those that could be tested."""

    n: int = 0
    tested: int = 0

    @property
    def share(self) -> float:
        """Fraction of the tested neurons; NaN if none could be tested."""
        return self.n / self.tested if self.tested else float("nan")


@dataclass(frozen=True)
class Decoded:
    """Orientation or direction read by cross-validated ridge regression from single trials or else from averages.

    Averages of what is the same stimulus on the decoded circle are averaged first, as in the tables of tuning.

    Attributes
    ----------
    error, chance : float
        Median error, degrees, and the chance level: a quarter of the period.
    p_value : float
        Probability of as many errors below the chance median if the decoder were guessing.
    """

    error: float
    chance: float
    p_value: float


@dataclass(frozen=True)
class NeuronQuality:
    """Reliability and tuning of the neurons; NaN, None or none tested if not known.

    Attributes
    ----------
    reliability : float
        Median split-half reliability (Spearman-Brown) over neurons.
    low, high : float
        Its 95 % confidence interval over neurons.
    quartiles : (float, float)
        Of the reliabilities.
    reliable : float
        Fraction of neurons with a reliability of at least 0.3.
    tuned : Count
        Neurons whose responses differ between stimuli in any way.
    tuned_orientation, tuned_direction : Count
        Neurons tuned to orientation; with directions, to direction.
    responsive : Count
        Neurons that respond to a stimulus, against blanks.
    n_blanks : int
    orientation, direction : Decoded or None
    drifting : float
        Fraction of neurons whose responses correlate with the order of trials in the file by more than 0.3 in absolute
        value, significantly (0.01), after subtraction of the stimulus means from both.
    """

    reliability: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    quartiles: tuple[float, float] = (float("nan"), float("nan"))
    reliable: float = float("nan")
    tuned: Count = Count()
    tuned_orientation: Count = Count()
    tuned_direction: Count = Count()
    responsive: Count = Count()
    n_blanks: int = 0
    orientation: Decoded | None = None
    direction: Decoded | None = None
    drifting: float = float("nan")

    @property
    def decoded(self) -> dict[str, Decoded]:
        """What could be decoded, by name; direction, which needs more, first."""
        both = {"direction": self.direction, "orientation": self.orientation}
        return {name: decoded for name, decoded in both.items() if decoded is not None}


def describe_neurons(recording: Recording, *, seed: int = 0) -> NeuronQuality:
    """Describe a recording's neurons; it must have responses."""
    assert recording.responses is not None
    facts: dict[str, Any] = {}
    if recording.trials is not None and (np.bincount(recording.trials["stimulus_index"].values) >= 2).sum() >= 3:
        facts |= _reliability(recording.trials.values, recording.trials["stimulus_index"].values, seed)
    rows = recording.responses if recording.trials is None else recording.trials
    values, stimulus = rows.values, rows[recording.kind].values
    if recording.period is not None:
        stimulus = around_zero(stimulus, recording.period)
    facts["tuned"] = _counted(stimulus_p_values(values, stimulus))
    for name in recording.shown.tunings:
        facts |= TUNING[name](values, stimulus, recording.period, seed, recording.trials is None)
    if recording.blanks is not None:
        facts["n_blanks"] = len(recording.blanks)
        facts["responsive"] = _counted(responsiveness_p_values(values, stimulus, recording.blanks.values))
    if recording.trials is not None and len(rows) >= MIN_TRIALS:
        facts["drifting"] = _drifting(values, rows["stimulus_index"].values)
    return NeuronQuality(**facts)


def n_splits_of(n_stimuli: int) -> int:
    """Random splits of the trials that are averaged: 20 or, of more than 400 stimuli, which say as much, 5."""
    return FEW_SPLITS if n_stimuli > MANY_STIMULI else N_SPLITS


def splits_in_words(n_stimuli: int) -> str:
    """What a line of a check adds where fewer splits are averaged.

    Examples
    --------
    >>> splits_in_words(400), splits_in_words(401)
    ('', '; 5 random splits of the trials')
    """
    return "" if n_splits_of(n_stimuli) == N_SPLITS else f"; {n_splits_of(n_stimuli)} random splits of the trials"


def _counted(p_values: npt.NDArray[np.float64]) -> Count:
    return Count(int(discoveries(p_values).sum()), int(np.isfinite(p_values).sum()))


def _reliability(trials: npt.NDArray[Any], index: npt.NDArray[np.intp], seed: int) -> dict[str, Any]:
    each = split_half_reliability(trials, index, n_splits=n_splits_of(len(np.unique(index))), seed=seed)
    known = each[np.isfinite(each)]
    if not known.size:
        return {}
    rng = np.random.default_rng([seed, 6])
    medians = [np.median(rng.choice(known, known.size)) for _ in range(N_BOOTSTRAP)]
    return {
        "reliability": float(np.median(known)),
        "low": float(np.percentile(medians, 2.5)),
        "high": float(np.percentile(medians, 97.5)),
        "quartiles": tuple(float(value) for value in np.percentile(known, [25, 75])),
        "reliable": float((known >= RELIABLE).mean()),
    }


def _orientation(
    rows: npt.NDArray[Any], stimulus: npt.NDArray[np.float64], period: float, seed: int, averages: bool
) -> dict[str, Any]:
    tuned = _counted(orientation_p_values(rows, stimulus, period=period))
    return {
        "tuned_orientation": tuned,
        "orientation": _decoded(rows, stimulus, 180.0, seed, (period, 180.0) if averages else ()),
    }


def _direction(
    rows: npt.NDArray[Any], stimulus: npt.NDArray[np.float64], period: float, seed: int, averages: bool
) -> dict[str, Any]:
    tuned = _counted(direction_p_values(rows, stimulus))
    return {
        "tuned_direction": tuned,
        "direction": _decoded(rows, stimulus, period, seed, (period,) if averages else ()),
    }


TUNING: dict[str, Callable[..., dict[str, Any]]] = {"orientation": _orientation, "direction": _direction}


def _decoded(
    rows: npt.NDArray[Any], stimulus: npt.NDArray[np.float64], period: float, seed: int, circles: tuple[float, ...] = ()
) -> Decoded | None:
    if len(rows) < MIN_TRIALS:
        return None
    for same in circles:  # both ends of a closed circle, then opposite directions: as in the tables of tuning
        curves = tuning_curves(rows, stimulus, period=same)
        rows, stimulus = curves.mean, curves.stimulus
    rng = np.random.default_rng([seed, 7])
    chosen = np.sort(rng.permutation(len(rows))[:MOST_DECODED])
    try:
        decoded = decode_orientation(rows[chosen], stimulus[chosen], period=period, seed=seed)
    except InputError:
        return None
    better = int((np.abs(decoded.error) < period / 4).sum())
    # Any two trials affect the decoding of each other equally, so errors have twice the variance of coin tosses.
    p_value = float(norm.sf((better - len(chosen) / 2) / np.sqrt(len(chosen) / 2)))
    return Decoded(decoded.median_error, period / 4, p_value)


def _drifting(trials: npt.NDArray[Any], index: npt.NDArray[np.intp]) -> float:
    freedom = len(trials) - len(np.unique(index)) - 1
    if freedom < MIN_TRIALS / 2:
        return float("nan")
    time = _without_means(np.arange(len(trials), dtype=np.float64)[:, None], index)[:, 0]
    correlation = np.empty(trials.shape[1])
    for start in range(0, trials.shape[1], BLOCK_UNITS):
        residual = _without_means(trials[:, start : start + BLOCK_UNITS].astype(np.float64), index)
        length = np.linalg.norm(residual, axis=0) * np.linalg.norm(time)
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation[start : start + BLOCK_UNITS] = time @ residual / length
    known = np.abs(correlation[np.isfinite(correlation)])
    extreme = float(student.ppf(1 - SURELY / 2, freedom))
    least = max(DRIFT, extreme / np.sqrt(freedom + extreme**2))
    return float((known > least).mean()) if known.size else float("nan")


def _without_means(values: npt.NDArray[np.float64], index: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Subtract the mean of each stimulus."""
    counts = np.bincount(index)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    means = np.add.reduceat(values[np.argsort(index, kind="stable")], starts, axis=0) / counts[:, None]
    return np.asarray(values - means[index])
