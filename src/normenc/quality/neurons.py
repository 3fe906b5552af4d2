"""How reliable and how tuned a recording's neurons are, and whether they tell the stimuli apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, false_discovery_control

from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.tuning import decode_orientation, selectivity_p_values, split_half_reliability

__all__ = ["NeuronQuality", "describe_neurons"]

N_PERMUTATIONS = 200
N_BOOTSTRAP = 500
FALSE_DISCOVERIES = 0.05
RELIABLE = 0.3  # split-half reliability from which a neuron is counted as reliable
DRIFT = 0.3  # correlation with the trials' order from which a neuron is counted as drifting
MIN_TRIALS = 20  # for drift and decoding
MOST_DECODED = 1500  # trials


@dataclass(frozen=True)
class NeuronQuality:
    """What is known of the neurons; NaN where it cannot be known, and why.

    Attributes
    ----------
    reliability : float
        Median split-half reliability (Spearman-Brown) over neurons.
    low, high : float
        Its 95 % interval over neurons.
    quartiles : (float, float)
        Of the reliabilities.
    reliable : float
        Share of neurons with a reliability of 0.3 at least.
    tuned : float
        Share of neurons tuned to orientation or direction: label permutation, false discovery rate 0.05.
    decoding_error, chance_error : float
        Median error, degrees, of orientation or direction decoded by cross-validated ridge regression; a quarter of
        the period by chance.
    decoding_p : float
        Of so many errors below chance's median, were the decoder guessing.
    drifting : float
        Share of neurons whose trials, stimuli's means taken out, rise or fall with their order in the file by a
        correlation beyond 0.3.
    """

    reliability: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    quartiles: tuple[float, float] = (float("nan"), float("nan"))
    reliable: float = float("nan")
    tuned: float = float("nan")
    decoding_error: float = float("nan")
    chance_error: float = float("nan")
    decoding_p: float = float("nan")
    drifting: float = float("nan")


def describe_neurons(recording: Recording, *, seed: int = 0) -> NeuronQuality:
    """Describe a recording's neurons; it must have responses."""
    assert recording.responses is not None
    found: dict[str, Any] = {}
    if recording.trials is not None and (np.bincount(recording.trials["stimulus_index"].values) >= 2).sum() >= 3:
        found |= _reliability(recording.trials.values, recording.trials["stimulus_index"].values, seed)
    rows = recording.responses if recording.trials is None else recording.trials
    if recording.period is not None:
        found |= _tuning(rows.values, rows[recording.kind].values, recording.period, seed)
    if recording.trials is not None and len(rows) >= MIN_TRIALS:
        found["drifting"] = _drifting(rows.values, rows["stimulus_index"].values)
    return NeuronQuality(**found)


def _reliability(trials: npt.NDArray[Any], index: npt.NDArray[np.intp], seed: int) -> dict[str, Any]:
    each = split_half_reliability(trials, index, seed=seed)
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


def _tuning(rows: npt.NDArray[Any], stimulus: npt.NDArray[np.float64], period: float, seed: int) -> dict[str, Any]:
    p_values = selectivity_p_values(rows, stimulus, period=period, n_permutations=N_PERMUTATIONS, seed=seed)
    found: dict[str, Any] = {"tuned": float((false_discovery_control(p_values) <= FALSE_DISCOVERIES).mean())}
    if len(rows) >= MIN_TRIALS:
        rng = np.random.default_rng([seed, 7])
        chosen = np.sort(rng.permutation(len(rows))[:MOST_DECODED])
        try:
            decoded = decode_orientation(rows[chosen], stimulus[chosen], period=period, seed=seed)
        except InputError:
            return found
        better = int((np.abs(decoded.error) < period / 4).sum())
        found |= {
            "decoding_error": decoded.median_error,
            "chance_error": period / 4,
            "decoding_p": float(binomtest(better, len(chosen), 0.5, alternative="greater").pvalue),
        }
    return found


def _drifting(trials: npt.NDArray[Any], index: npt.NDArray[np.intp]) -> float:
    values = trials.astype(np.float64)
    counts = np.bincount(index)
    order = np.argsort(index, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    means = np.add.reduceat(values[order], starts, axis=0) / counts[:, None]
    repeated = counts[index] >= 2
    residual = (values - means[index])[repeated]
    time = np.flatnonzero(repeated).astype(np.float64)
    if len(time) < MIN_TRIALS:
        return float("nan")
    time -= time.mean()
    residual -= residual.mean(axis=0)
    length = np.linalg.norm(residual, axis=0) * np.linalg.norm(time)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = time @ residual / length
    known = np.isfinite(correlation)
    return float((np.abs(correlation[known]) > DRIFT).mean()) if known.any() else float("nan")
