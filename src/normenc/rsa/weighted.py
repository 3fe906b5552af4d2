"""Similarities of RDMs in many bootstrap samples of the stimuli at once.

A sample that holds stimulus i :math:`c_i` times holds the pair of stimuli i and j :math:`c_i c_j` times; pairs of a
stimulus with itself are left out. Every comparison is then a weighted one, with the same result as for the resampled
matrices; each measure defines its weighted form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normenc.rsa.measures import Method, as_measure
from normenc.rsa.quadratic import n_pairs_in
from normenc.rsa.stored import Matrix

__all__ = ["Similarities", "sample_ceilings", "sample_similarities", "similarities"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Similarities:
    """Similarities in every sample; NaN if undefined.

    Attributes
    ----------
    models : ndarray, shape (n_samples, n_models, n_rdms)
        Similarity of each model with each of the data's RDMs.
    ceiling : ndarray, shape (n_samples, 2)
        Lower and upper noise ceiling; NaN if not requested.
    """

    models: Floats
    ceiling: Floats


def similarities(
    models: Floats | Sequence[Matrix],
    data: Floats | Sequence[Matrix],
    counts: Counts,
    method: Method,
    *,
    rdm_counts: Counts | None = None,
    subject: npt.NDArray[np.int64] | None = None,
    weigh_subjects: bool = False,
) -> Similarities:
    """Compare models with data in every sample.

    Parameters
    ----------
    models, data : ndarray, shape (n_models, n_pairs) and (n_rdms, n_pairs)
        Vectors of dissimilarities. For linear measures of more than 400 stimuli, they may be sequences of matrices
        (n_stimuli, n_stimuli), which are not copied.
    counts : ndarray of int, shape (n_samples, n_stimuli)
        How often each stimulus is in each sample.
    method : str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes it.
    rdm_counts : ndarray of int, shape (n_samples, n_rdms), optional
        How often each of the data's RDMs is in each sample, for the ceiling. With a single sample of stimuli, one
        ceiling per row.
    subject : ndarray of int, shape (n_rdms,), optional
        The animal of each RDM; the ceiling is computed if this is given.
    weigh_subjects : bool
        Whether an animal drawn twice counts twice in the ceiling's mean over animals, and not only in the mean RDM that
        each is compared with, as in rsatoolbox.

    Returns
    -------
    Similarities
    """
    arithmetic = as_measure(method).arithmetic
    step = arithmetic.at_once(len(models) + len(data) + 1, n_pairs_in(data[0]))
    parts = []
    compare = arithmetic.samples(models, data)
    for start in range(0, len(counts), step):
        chosen = slice(start, start + step)
        weights_of_rdms = None if subject is None or rdm_counts is None else rdm_counts[chosen]
        with np.errstate(divide="ignore", invalid="ignore"):
            parts.append(compare(counts[chosen], weights_of_rdms, subject, weigh_subjects))
    return Similarities(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def sample_similarities(models: Floats, data: Floats, counts: Counts, method: Method) -> Floats:
    """The same if every sample has its own data, like bootstrap samples of neurons.

    Parameters
    ----------
    models : ndarray, shape (n_models, n_pairs), or (n_models, n_samples, n_pairs) if models differ too
    data : ndarray, shape (n_samples, n_pairs)
    counts : ndarray of int, shape (n_samples, n_stimuli) or (1, n_stimuli)
    method : str, Measure or callable

    Returns
    -------
    ndarray, shape (n_samples, n_models)
    """
    n_samples = len(data)
    counts = np.broadcast_to(counts, (n_samples, counts.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(as_measure(method).arithmetic.own_samples(models, data, counts))


def sample_ceilings(
    data: Floats,
    counts: Counts,
    method: Method,
    *,
    rdm_counts: Counts,
    subject: npt.NDArray[np.int64],
    weigh_subjects: bool = False,
) -> Floats:
    """Lower and upper ceiling if every sample has its own RDMs.

    Parameters
    ----------
    data : ndarray, shape (n_rdms, n_samples, n_pairs)
    counts : ndarray of int, shape (n_samples, n_stimuli) or (1, n_stimuli)
    method : str, Measure or callable
    rdm_counts : ndarray of int, shape (n_samples, n_rdms) or (1, n_rdms)
    subject, weigh_subjects
        See :func:`similarities`.

    Returns
    -------
    ndarray, shape (n_samples, 2)
    """
    n_samples = data.shape[1]
    counts = np.broadcast_to(counts, (n_samples, counts.shape[1]))
    amounts = np.broadcast_to(rdm_counts, (n_samples, rdm_counts.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(as_measure(method).arithmetic.own_ceilings(data, counts, amounts, subject, weigh_subjects))
