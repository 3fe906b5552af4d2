"""How published numbers are computed from recordings: thin over the functions of the other rooms.

Each takes a recording, or arrays, and options as keywords. What a publication leaves open, such as how trials were
split, is drawn several times; the interval is the range over the draws.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import encoding, tuning
from normenc.errors import InputError
from normenc.published.judging import Found
from normenc.published.measuring import of_recordings, range_of, seeds_of, trials_of
from normenc.recordings import Recording

__all__ = ["decoding", "eigenspectrum_exponent", "network_feve", "reliable_neurons"]


@of_recordings
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

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.normal(size=(200, 60)) * np.arange(1, 61) ** -0.5  # variances fall as 1 / rank
    >>> trials = np.concatenate([signal, signal])
    >>> toy = Recording.from_trials("toy", trials, image=[f"{k:03d}" for k in range(200)] * 2)
    >>> round(eigenspectrum_exponent(toy, first=2, last=30, n_draws=1).value, 1)
    1.0
    """
    trials, index = trials_of(recording)
    most = min(len(np.unique(index)) - 1, trials.shape[1])
    if most < last:
        raise InputError(
            f"{recording.name}: there are {most:,} components, but the power law is fitted to ranks {first} to {last}; "
            f"it takes more than {last} stimuli, and as many neurons"
        )
    spectra = [
        tuning.cross_validated_spectrum(np.stack(tuning.split_halves(trials, index, seed=draw)), n_components=last)
        for draw in seeds_of(seed, n_draws)
    ]
    exponents = [tuning.power_law_exponent(own, ranks=(first, last))[0] for own in spectra]
    exponent, r2 = tuning.power_law_exponent(np.mean(spectra, axis=0), ranks=(first, last))
    return Found(exponent, *range_of([*exponents, exponent]), f"R2 of the straight line {r2:.2f}")


@of_recordings
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

    Examples
    --------
    >>> degrees = np.arange(0, 180, 3.0)
    >>> units = np.cos(np.radians(2 * (degrees[:, None] - np.arange(0, 180, 30))))
    >>> decoding(Recording.from_responses("toy", units, orientation=degrees), decoder="linear").value < 1e-6
    True
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
    values = [float(getattr(decode(seed=draw), statistic)) for draw in seeds_of(seed, n_draws)]
    return Found(float(np.mean(values)), *range_of(values), note)


@of_recordings
def reliable_neurons(recording: Recording, *, threshold: float = 0.15) -> Found:
    """How many neurons have more than this share of explainable variance, of single trials of repeated stimuli.

    References
    ----------
    Sahani & Linden, "How linear are auditory cortical responses?", NIPS 2002.

    Examples
    --------
    >>> trials = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]  # the second neuron says nothing of the image
    >>> reliable_neurons(Recording.from_trials("toy", trials, image=["a", "a", "b", "b"])).value
    1.0
    """
    trials, index = trials_of(recording)
    shares = tuning.explainable_variance(trials, index)
    return Found(float((shares > threshold).sum()), note=f"of {len(shares):,} neurons")


@of_recordings
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
    images, averages, (trials, index) = _seen(recording, columns), _averages(recording), trials_of(recording)
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
    low, high = range_of(values) if len(values) > 1 else (math.nan, math.nan)
    return Found(float(np.mean(values)), low, high, note)


def _averages(recording: Recording) -> npt.NDArray[Any]:
    assert recording.responses is not None  # those of recordings with trials are known
    return recording.responses.to_numpy()


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
