"""What belongs to one recording: its RDMs, responses and repeats, whose they are, and whether they fit together."""

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

__all__ = ["check_kind", "check_metric", "groups_of", "rdm_of_repeats", "whose_rdms"]

Floats = npt.NDArray[np.float64]
CROSSNOBIS = "crossnobis"  # the metric of RDMs that come from repeats, and not from their mean
SAME_KIND = 1e-3  # of the largest dissimilarity: by how much data may differ from the RDM that responses give


def check_metric(metric: str, *, responses: Any = None, repeats: Any = None) -> None:
    """Raise InputError when there is no such metric, or it cannot be computed from what is given.

    Parameters
    ----------
    metric : str
        One of :data:`normenc.rsa.METRICS`, or ``"crossnobis"``.
    responses, repeats : array_like, optional
        None where they are not given.
    """
    if metric not in (*METRICS, CROSSNOBIS):
        raise InputError(f"rdm_metric is {metric!r}; it must be one of {', '.join((*METRICS, CROSSNOBIS))}")
    if metric == "mahalanobis" and (responses is not None or repeats is not None):
        raise InputError(
            "rdm_metric 'mahalanobis' needs a noise covariance; give responses that are whitened by it "
            "(normenc.rsa.noise.whiten), and rdm_metric 'euclidean'"
        )
    if metric == CROSSNOBIS and responses is not None:
        raise InputError("rdm_metric 'crossnobis' is computed from repeats; leave responses out")


def rdm_of_repeats(repeats: Any, metric: str) -> Floats:
    """The RDM of all repeats, shape (n_repeats, n_stimuli, n_neurons): of their mean or, for crossnobis, of them."""
    if metric == CROSSNOBIS:
        return cross_validated_rdm(repeats)
    trials = as_array(repeats, "repeats")
    if trials.ndim != 3 or 0 in trials.shape:
        raise InputError(
            f"repeats have shape {trials.shape}; they must be (n_repeats, n_stimuli, n_neurons), not empty"
        )
    return rdm(trials.mean(axis=0), metric=metric)


def check_kind(matrices: Floats, per_session: Sequence[Any], repeats: Any, metric: str) -> None:
    """Raise InputError when RDMs are not what the metric gives of the responses or, without any, of the repeats.

    Repeats may be fewer than those that responses are the mean of, where stimuli were not shown equally often: beside
    responses they are not looked at.

    Parameters
    ----------
    matrices : ndarray, shape (n_rdms, n_stimuli, n_stimuli)
    per_session : sequence of array_like, shape (n_stimuli, n_neurons)
        One for each of the matrices, or none.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), or None
    metric : str
    """
    what = "responses" if per_session else "repeats"
    own = [rdm(responses, metric=metric) for responses in per_session]
    if not own and repeats is not None:
        own = [rdm_of_repeats(repeats, metric)]
    for given, right in zip(matrices, own, strict=bool(own)):
        if given.shape != right.shape:
            raise InputError(f"the {what} are of {len(right)} stimuli, and the data of {len(given)}; they must agree")
        error, size = float(np.abs(given - right).max()), float(np.abs(right).max())
        if error > SAME_KIND * size:
            whitened = ", computed without a noise covariance" if metric == CROSSNOBIS else ""
            raise InputError(
                f"the data are not the RDM that rdm_metric {metric!r}{whitened} gives of the {what}: they differ by up "
                f"to {error:.3g}, and the largest dissimilarity is {size:.3g}. Leave the data out, or give as "
                "rdm_metric what they were computed with"
            )


def whose_rdms(rdms: Any, subject: Any, session: Any) -> tuple[Any, Any]:
    """Whose each RDM is: as it was given or, without any of both, as an xarray stack labels its RDMs."""
    if subject is None and session is None:
        return whose(rdms, "subject"), whose(rdms, "session")
    return subject, session


def groups_of(subject: Any, session: Any, n_rdms: int) -> tuple[npt.NDArray[np.int64], str]:
    """Number from 0 which animal, or else which session, each RDM is of, and say which of the two that is.

    Without labels each RDM is of an animal of its own; with those of sessions alone, all are of one animal. The kind
    is empty where there is one of either.
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
        except TypeError:  # labels of different types have no order
            groups, index = np.unique([key(label) for label in as_labels(labels)], return_inverse=True)
        if len(groups) > 1:
            return index.astype(np.int64), kind
    if subject is None and session is None and n_rdms > 1:
        return np.arange(n_rdms), "animals"
    return np.zeros(n_rdms, dtype=np.int64), ""
