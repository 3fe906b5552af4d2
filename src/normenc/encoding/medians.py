"""Scores of neurons in bootstrap samples of stimuli, and their medians with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from normenc.encoding.measures import Recorded
from normenc.errors import InputError
from normenc.rsa import rdm
from normenc.rsa.resampling import block_length_of, draw_blocks, draw_counts

__all__ = ["as_folds", "drawn_stimuli", "median", "medians", "trial_index"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


def drawn_stimuli(
    recorded: Recorded, ordered: bool, block_length: int | None, n_samples: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """How often each stimulus is drawn: shape (n_samples, n_stimuli)."""
    n_stimuli = len(recorded.n_trials)
    if not ordered or not n_samples:
        return draw_counts(n_stimuli, n_samples, rng).astype(np.float32)
    if block_length is None:
        block_length = block_length_of(rdm(recorded.all_averages(), "euclidean")[None])
    return draw_blocks(n_stimuli, n_samples, block_length, rng).astype(np.float32)


def medians(
    scores: Floats,
    names: Sequence[str],
    chosen: Indices,
    samples: npt.NDArray[np.float32],
    n_stimuli: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Medians over the selected neurons, with intervals: median ± t x standard error.

    Drawing stimuli and neurons together counts three times the variance specific to a neuron and a stimulus, such as
    noise, and drawing either counts it once: the variance is 2 (V_stimuli + V_neurons) - V_both (Schuett et al., eLife
    2023).

    Parameters
    ----------
    scores : ndarray, shape (n_measures, n_neurons)
    names : sequence of str
        Of the measures.
    chosen : ndarray of int
        The selected neurons.
    samples : ndarray, shape (n_measures, n_samples, n_neurons)
        In bootstrap samples of the stimuli.
    n_stimuli : int
    rng : Generator
        Draws neurons.

    Returns
    -------
    DataFrame
        By measure: ``median``, ``low``, ``high``, ``n_neurons``.
    """
    n_neurons, n_samples = len(chosen), samples.shape[1]
    found, standard_error = median(scores[:, chosen]), np.full(len(names), np.nan)
    if n_neurons > 1 and n_samples > 1:
        drawn = np.empty((3, len(names), n_samples))
        for sample in range(n_samples):
            neurons = chosen[rng.integers(n_neurons, size=n_neurons)]
            drawn[0, :, sample] = median(samples[:, sample, chosen])
            drawn[1, :, sample] = median(scores[:, neurons])
            drawn[2, :, sample] = median(samples[:, sample, neurons])
        of_stimuli, of_neurons, of_both = drawn.var(axis=-1, ddof=1)
        total = np.maximum(2 * (of_stimuli + of_neurons) - of_both, np.maximum(of_stimuli, of_neurons))
        standard_error = stats.t.ppf(0.975, min(n_stimuli, n_neurons) - 1) * np.sqrt(total)
    return pd.DataFrame(
        {
            "median": found,
            "low": found - standard_error,
            "high": found + standard_error,
            "n_neurons": np.isfinite(scores[:, chosen]).sum(axis=1),
        },
        index=pd.Index(names, name="measure"),
    )


def median(values: npt.NDArray[Any]) -> Floats:
    """Median of each row without NaN; NaN if nothing is left."""
    defined = np.isfinite(values)
    if values.size and defined.all():
        return np.median(values, axis=-1).astype(np.float64)
    rows = [row[kept] for row, kept in zip(np.atleast_2d(values), np.atleast_2d(defined), strict=True)]
    return np.array([np.median(row) if row.size else np.nan for row in rows])


def trial_index(responses: Any, stimulus: Any, n_rows: int, n_stimuli: int) -> Indices:
    """The row of the prediction that each row of responses belongs to."""
    coords = getattr(responses, "coords", {})
    if stimulus is None and "stimulus_index" in coords:
        stimulus = coords["stimulus_index"].to_numpy()
    if n_stimuli < 3:
        raise InputError(f"prediction has {n_stimuli} stimuli; a correlation over stimuli needs at least 3")
    if stimulus is None:
        if n_rows != n_stimuli:
            raise InputError(
                f"responses have {n_rows} rows and prediction {n_stimuli}; give averages in the same rows, or single "
                "trials with stimulus, the row of each trial"
            )
        return np.arange(n_stimuli)
    index = np.asarray(stimulus)
    if index.shape != (n_rows,) or index.dtype.kind not in "iu":
        raise InputError(
            f"stimulus has shape {index.shape} and type {index.dtype} for {n_rows} trials; give the row of prediction "
            "of each trial, a whole number"
        )
    if not np.array_equal(np.unique(index), np.arange(n_stimuli)):
        raise InputError(
            f"stimulus runs from {index.min()} to {index.max()} with {len(np.unique(index))} different values, but "
            f"prediction has {n_stimuli} rows; every row needs a trial, and every trial a row (0 to {n_stimuli - 1})"
        )
    return index.astype(np.intp)


def as_folds(fold: Any, n_stimuli: int) -> Indices | None:
    """Folds numbered from 0, or None; InputError unless there is one for each stimulus, and at least 2."""
    if fold is None:
        return None
    labels = np.asarray(fold)
    if labels.shape != (n_stimuli,) or len(np.unique(labels)) < 2:
        raise InputError(
            f"fold has shape {labels.shape} and {len(np.unique(labels))} different values for {n_stimuli} stimuli; "
            "give the fold of each, at least 2 different ones, or None if the model was fitted to entirely different "
            "stimuli"
        )
    return np.unique(labels, return_inverse=True)[1]
