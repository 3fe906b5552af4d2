"""The data of one recording: RDMs, responses and repeats, their animals and sessions, checked for consistency."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.rsa.cross_validated import cross_validated_rdm
from normenc.rsa.dissimilarity import METRICS, rdm
from normenc.rsa.labelled import whose
from normenc.rsa.labels import as_labels, key
from normenc.rsa.pairs import MANY_STIMULI

__all__ = ["SAME_KIND", "check_kind", "check_metric", "groups_of", "packed", "rdm_of_repeats", "whose_rdms"]

Floats = npt.NDArray[np.float64]
CROSSNOBIS = "crossnobis"  # the metric of RDMs computed from repeats, not from their mean
MOST_CHECKED = 1000  # stimuli of an RDM that is given beside responses
SAME_KIND = 1e-3  # tolerance between the data and the RDM of the responses, relative to the largest dissimilarity


def check_metric(metric: str, *, responses: Any = None, repeats: Any = None) -> None:
    """Raise InputError if there is no such metric, or it cannot be computed from the given data.

    Parameters
    ----------
    metric : str
        One of :data:`normenc.rsa.METRICS`, or ``"crossnobis"``.
    responses, repeats : array_like, optional
        None if not given.
    """
    if metric not in (*METRICS, CROSSNOBIS):
        raise InputError(f"rdm_metric is {metric!r}; it must be one of {', '.join((*METRICS, CROSSNOBIS))}")
    if metric == "mahalanobis" and (responses is not None or repeats is not None):
        raise InputError(
            "rdm_metric 'mahalanobis' needs a noise covariance; give responses that are whitened by it "
            "(normenc.rsa.noise.whiten), and rdm_metric 'euclidean'"
        )
    if metric == CROSSNOBIS and responses is not None:
        raise InputError("rdm_metric 'crossnobis' is computed from repeats; do not give responses")


def packed(repeats: Any) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Repeats with each stimulus's trials first and 0 after the last, and how many trials each stimulus has.

    Those of many stimuli keep single precision, which takes half of the memory.

    Parameters
    ----------
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons)
        NaN in all neurons where a stimulus has fewer trials.

    Raises
    ------
    InputError
        If a trial is NaN in some neurons alone, or infinite, or if a stimulus has no trial.

    Examples
    --------
    >>> values, n_trials = packed([[[np.nan], [1.0]], [[2.0], [3.0]]])
    >>> values[:, :, 0].tolist(), n_trials.tolist()
    ([[2.0, 1.0], [0.0, 3.0]], [1, 2])
    """
    values = as_array(repeats, "repeats")
    if values.ndim < 2 or values.shape[1] <= MANY_STIMULI:
        values = values.astype(np.float64, copy=False)
    if values.ndim != 3 or 0 in values.shape:
        raise InputError(
            f"repeats have shape {values.shape}; they must be (n_repeats, n_stimuli, n_neurons) and not empty"
        )
    gaps: npt.NDArray[np.bool_] = np.isnan(values)
    missing = np.asarray(gaps.all(axis=2))
    bad = np.isinf(values) | (gaps & ~missing[:, :, None])
    if bad.any():
        repeat, stimulus, neuron = (int(place) for place in np.argwhere(bad)[0])
        raise InputError(
            f"repeats are {values[repeat, stimulus, neuron]} in repeat {repeat} of stimulus {stimulus}, neuron {neuron}"
            "; responses must be finite, or NaN in all neurons where a stimulus has fewer trials"
        )
    n_trials = (~missing).sum(axis=0)
    if not n_trials.all():
        raise InputError(f"repeats of stimulus {int(np.argmin(n_trials))} are all NaN; each stimulus needs a trial")
    if missing.any():
        order = np.argsort(missing, axis=0, kind="stable")
        nothing = values.dtype.type(0)
        values = np.where(
            np.sort(missing, axis=0)[:, :, None], nothing, np.take_along_axis(values, order[:, :, None], 0)
        )
    return values, n_trials


def rdm_of_repeats(repeats: Any, metric: str) -> Floats:
    """The RDM of repeats, shape (n_repeats, n_stimuli, n_neurons): of their mean, or cross-validated for crossnobis."""
    if metric == CROSSNOBIS:
        return cross_validated_rdm(repeats)
    values, n_trials = packed(repeats)
    return rdm(values.sum(axis=0, dtype=np.float64) / n_trials[:, None], metric=metric)


def check_kind(matrices: Floats, per_session: Sequence[Any], repeats: Any, metric: str) -> None:
    """Raise InputError if RDMs are not what the metric gives for the responses or, without these, the repeats.

    Repeats are ignored if responses are given: these may
    average over more trials. Of more than 1,000 stimuli, the dissimilarities of 1,000 are checked.

    Parameters
    ----------
    matrices : ndarray, shape (n_rdms, n_stimuli, n_stimuli)
    per_session : sequence of array_like, shape (n_stimuli, n_neurons)
        One per matrix, or empty.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), or None
    metric : str
    """
    what, given = ("responses", list(per_session)) if per_session else ("repeats", [] if repeats is None else [repeats])
    for matrix, own in zip(matrices, given, strict=bool(given)):
        values, n_stimuli = as_array(own, what), len(matrix)
        if values.shape[-2] != n_stimuli:
            raise InputError(
                f"the {what} have {values.shape[-2]} stimuli, but the data have {n_stimuli}; they must agree"
            )
        some = np.linspace(0, n_stimuli - 1, min(n_stimuli, MOST_CHECKED)).astype(np.intp)
        if len(some) < n_stimuli:
            values, matrix = values[..., some, :], matrix[np.ix_(some, some)]
        right = rdm(values, metric=metric) if per_session else rdm_of_repeats(values, metric)
        error, size = float(np.abs(matrix - right).max()), float(np.abs(right).max())
        if error > SAME_KIND * size:
            whitened = ", computed without a noise covariance" if metric == CROSSNOBIS else ""
            raise InputError(
                f"the data are not the RDM that rdm_metric {metric!r}{whitened} gives for the {what}: they differ by "
                f"up to {error:.3g}, and the largest dissimilarity is {size:.3g}. Leave the data out, or give the "
                "rdm_metric that they were computed with"
            )


def whose_rdms(rdms: Any, subject: Any, session: Any) -> tuple[Any, Any]:
    """The animal and session of each RDM: as given or, if neither is, from the labels of an xarray stack."""
    if subject is None and session is None:
        return whose(rdms, "subject"), whose(rdms, "session")
    return subject, session


def groups_of(subject: Any, session: Any, n_rdms: int) -> tuple[npt.NDArray[np.int64], str]:
    """Number the animal, or else the session, of each RDM from 0, and say which of the two it is.

    Without labels each RDM counts as a different animal; with only session labels, all as one animal. The kind is empty
    if there is only one.
    """
    given = [("subject", "animals", subject), ("session", "sessions", session)]
    for name, kind, labels in given:
        if labels is None:
            continue
        if np.shape(labels) != (n_rdms,):
            raise InputError(
                f"{name} has shape {np.shape(labels)}; it must be ({n_rdms},): the {kind.removesuffix('s')} of each RDM"
            )
        try:
            groups, index = np.unique(np.asarray(labels), return_inverse=True)
        except TypeError:  # labels of different types cannot be sorted
            groups, index = np.unique([key(label) for label in as_labels(labels)], return_inverse=True)
        if len(groups) > 1:
            return index.astype(np.int64), kind
    if subject is None and session is None and n_rdms > 1:
        return np.arange(n_rdms), "animals"
    return np.zeros(n_rdms, dtype=np.int64), ""
