"""How published numbers about RDMs are computed, from recordings and from RDMs of several subjects."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import rsa, tuning
from normenc.errors import InputError
from normenc.published.judging import Found
from normenc.published.measuring import of_arrays, of_recordings, range_of, seeds_of, trials_of
from normenc.recordings import Recording

__all__ = ["ceiling_of_subjects", "rdm_ceiling", "similarity_of_rdm"]

Floats = npt.NDArray[np.float64]


@of_recordings
def rdm_ceiling(
    recording: Recording,
    *,
    reliability: float | None = None,
    n_splits: int = 20,
    n_draws: int = 5,
    method: str = "pearson",
    seed: int = 0,
) -> Found:
    """Reliability of the correlation RDM: halves of the trials are compared, and corrected to all by Spearman-Brown.

    Parameters
    ----------
    recording : Recording
        With at least two trials a stimulus.
    reliability : float, optional
        Keep neurons of at least this split-half reliability, chosen with all trials. Choosing and measuring with the
        same trials is too kind to noise; publications did so.
    n_splits, n_draws, seed : int
        Splits that are averaged, and how often they are drawn.
    method : str
        See :func:`normenc.rsa.noise_ceiling`.

    Raises
    ------
    InputError
        If trials are not known, or too few neurons are reliable.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> trials = np.tile(rng.normal(size=(12, 20)), (4, 1)) + 0.01 * rng.normal(size=(48, 20))
    >>> toy = Recording.from_trials("toy", trials, image=[f"{k:02d}" for k in range(12)] * 4)
    >>> round(rdm_ceiling(toy).value, 2)
    1.0
    """
    trials, index = trials_of(recording)
    note = ""
    if reliability is not None:
        kept = tuning.split_half_reliability(trials, index, seed=seed) >= reliability
        if kept.sum() < 2:
            raise InputError(
                f"{recording.name}: {kept.sum()} neurons have a reliability of {reliability:g}; an RDM takes at least 2"
            )
        trials, note = trials[:, kept], f"{int(kept.sum()):,} of {len(kept):,} neurons"
    repeats = _repeats(trials, index)
    values = [
        rsa.noise_ceiling(repeats=repeats, method=method, n_splits=n_splits, seed=draw).lower
        for draw in seeds_of(seed, n_draws)
    ]
    return Found(float(np.mean(values)), *range_of(values), note)


@of_arrays
def ceiling_of_subjects(
    arrays: Mapping[str, npt.NDArray[Any]], *, end: str, session: int | None = None, method: str = "pearson"
) -> Found:
    """The noise ceiling of RDMs of several subjects: each with the mean of the others (lower), or of all (upper).

    Parameters
    ----------
    arrays : mapping
        ``rdms`` (subjects, stimuli, stimuli), or with sessions as the second axis and their numbers in ``session``.
    end : str
        ``"lower"`` or ``"upper"``.
    session : int, optional
    method : str

    References
    ----------
    Nili et al., "A toolbox for representational similarity analysis", PLoS Comput. Biol. 2014.

    Examples
    --------
    >>> rdms = np.array([[[0, 1, 2], [1, 0, 3], [2, 3, 0]]] * 3)  # three subjects who are alike
    >>> round(ceiling_of_subjects({"rdms": rdms}, end="lower").value, 6)
    1.0
    """
    if end not in ("lower", "upper"):
        raise InputError(f"end is {end!r}; it must be 'lower' or 'upper'")
    return Found(float(getattr(rsa.noise_ceiling(_of_session(arrays, session), method=method), end)))


@of_arrays
def similarity_of_rdm(
    arrays: Mapping[str, npt.NDArray[Any]], *, model: str, session: int | None = None, method: str = "pearson"
) -> Found:
    """Similarity of a model's RDM with those of subjects, averaged over them.

    Parameters
    ----------
    arrays : mapping
        Those of :func:`ceiling_of_subjects`, ``model_rdms`` (models, stimuli, stimuli) and their names in ``model``.
    model : str
    session : int, optional
    method : str

    Examples
    --------
    >>> rdms = np.array([[[0, 1, 2], [1, 0, 3], [2, 3, 0]]] * 3)
    >>> round(similarity_of_rdm({"rdms": rdms, "model_rdms": rdms[:1], "model": ["own"]}, model="own").value, 6)
    1.0
    """
    names = _array(arrays, "model").astype(str).tolist()
    if model not in names:
        raise InputError(f"model is {model!r}; the file has {', '.join(names)}")
    own, rdms = _array(arrays, "model_rdms")[names.index(model)], _of_session(arrays, session)
    return Found(float(np.mean([rsa.compare_rdms(own, rdm, method=method) for rdm in rdms])))


def _of_session(arrays: Mapping[str, npt.NDArray[Any]], session: int | None) -> Floats:
    rdms = _array(arrays, "rdms").astype(np.float64)
    if rdms.ndim == 4:
        numbers = _array(arrays, "session").tolist()
        if session not in numbers:
            raise InputError(f"session is {session}; the file has {', '.join(map(str, numbers))}")
        return rdms[:, numbers.index(session)]
    return rdms


def _array(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> npt.NDArray[Any]:
    if name not in arrays:
        raise InputError(f"the file has no array {name!r}; it has {', '.join(arrays)}")
    return np.asarray(arrays[name])


def _repeats(trials: npt.NDArray[Any], index: npt.NDArray[np.intp]) -> Floats:
    """Trials as (repeat, stimulus, neuron), NaN where a stimulus has fewer than others."""
    _, place, counts = np.unique(index, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    number = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    repeats = np.full((counts.max(), len(counts), trials.shape[1]), np.nan)
    repeats[number, place[order]] = trials[order]
    return repeats
