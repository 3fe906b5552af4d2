"""How published numbers are computed from recordings: thin over the functions of the other rooms.

Each takes a recording, or arrays, and options as keywords. What a publication leaves open, such as how trials were
split, is drawn several times; the interval is the range over the draws.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import encoding, rsa, tuning
from normenc.errors import InputError
from normenc.keys import named
from normenc.published.judging import Found
from normenc.recordings import Recording

__all__ = ["MEASURES", "Measure"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """A function that computes a published number.

    Attributes
    ----------
    compute : callable
        Gives a :class:`Found`.
    needs : str
        What it takes: a ``"recording"``, or the ``"arrays"`` of an ``.npz`` file.
    """

    compute: Callable[..., Found]
    needs: str = "recording"


MEASURES: dict[str, Measure] = {}


def _of_recordings(function: Callable[..., Found]) -> Callable[..., Found]:
    named(MEASURES, function.__name__)(Measure(function))
    return function


def _of_arrays(function: Callable[..., Found]) -> Callable[..., Found]:
    named(MEASURES, function.__name__)(Measure(function, "arrays"))
    return function


@_of_recordings
def eigenspectrum_exponent(
    recording: Recording, *, first: int = 11, last: int = 500, n_draws: int = 5, seed: int = 0
) -> Found:
    """Exponent of the power law of the cross-validated eigenspectrum (cvPCA).

    Trials of each stimulus are dealt at random to two repeats, `n_draws` times; the exponent is that of the mean
    spectrum, and the interval the range of those of the draws.

    Parameters
    ----------
    recording : Recording
        With at least two trials a stimulus.
    first, last : int
        Ranks that are fitted, counted from 1.
    n_draws, seed : int

    Raises
    ------
    InputError
        If trials are not known, or there are fewer than `last` components.

    References
    ----------
    Stringer et al., "High-dimensional geometry of population responses in visual cortex", Nature 2019.
    """
    trials, index = _trials(recording)
    most = min(len(np.unique(index)) - 1, trials.shape[1])
    if most < last:
        raise InputError(
            f"{recording.name}: there are {most:,} components, but the power law is fitted to ranks {first} to {last}; "
            f"it takes more than {last} stimuli, and as many neurons"
        )
    spectra = [
        tuning.cross_validated_spectrum(np.stack(tuning.split_halves(trials, index, seed=draw)), n_components=last)
        for draw in _seeds(seed, n_draws)
    ]
    exponents = [tuning.power_law_exponent(own, ranks=(first, last))[0] for own in spectra]
    exponent, r2 = tuning.power_law_exponent(np.mean(spectra, axis=0), ranks=(first, last))
    return Found(exponent, *_range([*exponents, exponent]), f"R2 of the straight line {r2:.2f}")


@_of_recordings
def decoding(
    recording: Recording, *, statistic: str = "threshold", decoder: str = "ridge", n_draws: int = 5, seed: int = 0
) -> Found:
    """Precision of the orientation, or direction, that a linear decoder reads from single trials.

    Parameters
    ----------
    recording : Recording
        Of orientations or directions.
    statistic : str
        ``"threshold"``, the discrimination threshold at 75 % correct, or ``"median_error"``, the median absolute error:
        degrees.
    decoder : str
        See :func:`normenc.tuning.decode_orientation`.
    n_draws, seed : int
        Of the folds.

    References
    ----------
    Stringer et al., "High-precision coding in visual cortex", Cell 2021.
    """
    if recording.period is None or recording.responses is None:
        raise InputError(
            f"{recording.name}: decoding takes responses to orientations or directions; this recording has "
            f"{recording.shown.plural}{', and an RDM alone' if recording.responses is None else ''}"
        )
    if statistic not in ("threshold", "median_error"):
        raise InputError(f"statistic is {statistic!r}; it must be 'threshold' or 'median_error'")
    rows, shown = recording.responses.to_numpy(), np.asarray(recording.stimulus, dtype=np.float64)
    note = "every row of the recording counts as a trial: no stimulus has several"
    if recording.trials is not None:
        rows, shown, note = recording.trials.to_numpy(), shown[recording.trials["stimulus_index"].to_numpy()], ""
    decode = partial(tuning.decode_orientation, rows, shown, period=recording.period, decoder=decoder)
    values = [float(getattr(decode(seed=draw), statistic)) for draw in _seeds(seed, n_draws)]
    return Found(float(np.mean(values)), *_range(values), note)


@_of_recordings
def reliable_neurons(recording: Recording, *, threshold: float = 0.15) -> Found:
    """How many neurons have more than this share of explainable variance, of single trials of repeated stimuli.

    References
    ----------
    Sahani & Linden, "How linear are auditory cortical responses?", NIPS 2002.
    """
    trials, index = _trials(recording)
    shares = tuning.explainable_variance(trials, index)
    return Found(float((shares > threshold).sum()), note=f"of {len(shares):,} neurons")


@_of_recordings
def network_feve(
    recording: Recording,
    *,
    threshold: float = 0.15,
    columns: list[int] | None = None,
    seeds: list[int] | None = None,
    device: str = "auto",
    fit: Mapping[str, Any] | None = None,
    **network: Any,
) -> Found:
    """Mean fraction of the explainable variance that a network explains, fitted to stimuli that were shown once.

    Responses are divided by each neuron's standard deviation first. The network predicts the stimuli that were shown
    again and again; the mean is over neurons with more than `threshold` explainable variance. The published formula by
    trials has the same numerator; denominators differ by less than one part in the number of trials.

    Parameters
    ----------
    recording : Recording
        Of images; most shown once, others several times.
    threshold : float
    columns : list of two int, optional
        First column of the images that the network sees, and the one after the last.
    seeds : list of int
        Of networks; the interval is the range over them.
    device : str
    fit : mapping
        Options of :func:`normenc.encoding.fit`.
    **network
        Options of :func:`normenc.encoding.encoding_network`.

    References
    ----------
    Cadena et al., PLoS Comput. Biol. 2019 (the measure).
    """
    images, averages, (trials, index) = _seen(recording, columns), _averages(recording), _trials(recording)
    repeated, again = np.unique(index, return_inverse=True)
    once = np.setdiff1d(np.arange(recording.n_stimuli), repeated)
    if len(once) < 2:
        raise InputError(f"{recording.name}: {len(once)} stimuli were shown once; a network is fitted to such stimuli")
    build = partial(encoding.encoding_network, **network)
    spread = averages[once].std(axis=0)
    scale = np.where(spread > 0, spread, 1)  # neurons count alike in the loss
    values = []
    for seed in seeds or [0]:
        fitted = encoding.fit(
            build, images[once], averages[once] / scale, seed=seed, device=device, progress=False, **(fit or {})
        )
        scores = encoding.predictivity(fitted.predict(images[repeated]) * scale, trials, again, n_samples=0).neurons
        reliable = scores["explainable_variance"] > threshold
        values.append(float(scores.loc[reliable, "feve"].mean()))
    note = (
        f"{int(reliable.sum()):,} of {len(reliable):,} neurons, {len(once):,} stimuli to fit, {len(repeated):,} to test"
    )
    low, high = _range(values) if len(values) > 1 else (math.nan, math.nan)
    return Found(float(np.mean(values)), low, high, note)


@_of_recordings
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
    """
    trials, index = _trials(recording)
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
        for draw in _seeds(seed, n_draws)
    ]
    return Found(float(np.mean(values)), *_range(values), note)


@_of_arrays
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
    """
    if end not in ("lower", "upper"):
        raise InputError(f"end is {end!r}; it must be 'lower' or 'upper'")
    return Found(float(getattr(rsa.noise_ceiling(_of_session(arrays, session), method=method), end)))


@_of_arrays
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


def _seeds(seed: int, n_draws: int) -> range:
    if n_draws < 1:
        raise InputError(f"n_draws is {n_draws}; it must be at least 1")
    return range(seed, seed + n_draws)


def _range(values: list[float]) -> tuple[float, float]:
    return float(np.min(values)), float(np.max(values))


def _trials(recording: Recording) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Single trials of stimuli that were shown at least twice, and the places of their stimuli in the recording."""
    if recording.trials is None:
        raise InputError(f"{recording.name}: single trials are not known; this takes at least two of each stimulus")
    values, index, shown = tuning.repeated(recording.trials.to_numpy(), recording.trials["stimulus_index"].to_numpy())
    return values, shown[index].astype(np.intp)


def _averages(recording: Recording) -> npt.NDArray[Any]:
    assert recording.responses is not None  # those of recordings with trials are known
    return recording.responses.to_numpy()


def _repeats(trials: npt.NDArray[Any], index: npt.NDArray[np.intp]) -> Floats:
    """Trials as (repeat, stimulus, neuron), NaN where a stimulus has fewer than others."""
    _, place, counts = np.unique(index, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    number = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    repeats = np.full((counts.max(), len(counts), trials.shape[1]), np.nan)
    repeats[number, place[order]] = trials[order]
    return repeats


def _seen(recording: Recording, columns: list[int] | None) -> npt.NDArray[np.float32]:
    """Grey images from 0 to 1, in the columns that are asked for."""
    if recording.images is None:
        raise InputError(f"{recording.name}: a network is fitted to images, and this recording has none")
    images = np.asarray(recording.images)
    scale = 255 if images.dtype == np.uint8 else 1
    images = images.mean(axis=-1) if images.ndim == 4 else images
    if columns is not None:
        first, end = columns
        if not 0 <= first < end <= images.shape[2]:
            raise InputError(f"columns are {columns}; the images have {images.shape[2]}")
        images = images[:, :, first:end]
    return np.asarray(images, dtype=np.float32) / np.float32(scale)
