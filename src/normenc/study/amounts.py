"""How much data ``normenc power`` tries, from what a recording has upwards, and candidates' RDMs of more stimuli."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.progress import ProgressCallback, each
from normenc.recordings import Recording
from normenc.rsa.neurons import MIN_NEURONS
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.study.represented import represent
from normenc.study.representing import Prepared, Representation
from normenc.study.sections import PowerSettings
from normenc.study.shown import Shown

__all__ = ["amounts_of", "candidates_of", "drawn_stimuli", "harmonic_mean", "mean_repeats", "seed_rdms", "with_stimuli"]

Floats = npt.NDArray[np.float64]
LEAST_STIMULI = 6  # from which on tests generalise to others
MOST_STIMULI = 200  # that are tried unasked
MOST_NEURONS = 20_000  # likewise
UNKNOWN_NEURONS = [30, 100, 300]  # of a recording known only by its RDM


def amounts_of(recording: Recording, settings: PowerSettings) -> PowerSettings:
    """Fill in the amounts of data that a study leaves out: the recording's own, and more.

    Stimuli are doubled twice, up to 200 (images are not, because there are no others); neurons and trials per stimulus
    are doubled; of animals there are also twice as many, and 5 at least.

    Raises
    ------
    InputError
        When more images are asked for than there are, or fewer than 6 are there.
    """
    own, shown = _own_stimuli(recording), recording.shown
    n_stimuli = settings.n_stimuli or own
    if not shown.is_grating and max(n_stimuli) > recording.n_stimuli:
        raise InputError(
            f"power.n_stimuli: given {max(n_stimuli)}, but {recording.name} has {recording.n_stimuli} {shown.plural}, "
            "and what models make of others cannot be computed without their pictures; ask for as many or fewer"
        )
    n_animals = max(1, len(recording.animals))
    repeats = max(1, round(mean_repeats(recording)))
    amounts = {
        "n_stimuli": n_stimuli,
        "n_neurons": settings.n_neurons or _own_neurons(recording, n_animals),
        "n_animals": settings.n_animals or [n_animals, max(5, 2 * n_animals)],
        "n_repeats": settings.n_repeats or [repeats, 2 * repeats],
    }
    return settings.model_copy(update=amounts)


def _own_stimuli(recording: Recording) -> list[int]:
    own = recording.n_stimuli
    if not recording.shown.is_grating:
        if own < LEAST_STIMULI:
            stimuli_there = f"{own} {recording.shown.plural}"
            raise InputError(
                f"{recording.name} has {stimuli_there}; power takes at least {LEAST_STIMULI}, for fewer say nothing of "
                "others"
            )
        return [own]
    first = own * -(-LEAST_STIMULI // own)
    return [first, *(n for n in (2 * first, 4 * first) if n <= MOST_STIMULI)]


def _own_neurons(recording: Recording, n_animals: int) -> list[int]:
    """Of each animal."""
    if recording.responses is None:
        return UNKNOWN_NEURONS
    of_one = recording.responses.shape[1]
    if "neuron_animal" in recording.responses.coords:
        of_one //= n_animals
    of_one = max(MIN_NEURONS, of_one)
    return [of_one, *[2 * of_one] * (2 * of_one <= MOST_NEURONS)]


def mean_repeats(recording: Recording) -> float:
    """Trials per stimulus; if stimuli differ, the number that averages out as much noise (the harmonic mean)."""
    if recording.trials is None:
        return 1.0
    return harmonic_mean(np.bincount(recording.trials["stimulus_index"].values, minlength=recording.n_stimuli))


def harmonic_mean(counts: Any) -> float:
    """The number of trials that averages out as much noise as these do together."""
    values = np.asarray(counts, dtype=float)
    return float(len(values) / (1 / values).sum())


def with_stimuli(recording: Recording, n_stimuli: int) -> Recording:
    """The same recording with another number of gratings, and without neurons, whose responses to them are unknown.

    Fewer are taken evenly from its own. More are spaced evenly: around the circle from its first on, where its own go
    around it, else between its first and its last.

    Examples
    --------
    >>> recording = Recording.from_responses("toy", np.eye(8)[:, :2], direction=np.arange(0, 360, 45))
    >>> with_stimuli(recording, 4).stimulus.tolist(), with_stimuli(recording, 16).stimulus.tolist()[:3]
    ([0.0, 90.0, 180.0, 270.0], [0.0, 22.5, 45.0])
    """
    stimulus, period = recording.stimulus, recording.period
    if n_stimuli <= len(stimulus):
        stimulus = stimulus[_evenly(len(stimulus), n_stimuli)]
    elif recording.covers_circle:
        assert period is not None
        stimulus = float(stimulus[0]) + np.arange(n_stimuli) * period / n_stimuli
    else:
        stimulus = np.linspace(float(stimulus[0]), float(stimulus[-1]), n_stimuli)
    nothing: dict[str, Any] = dict.fromkeys(("responses", "rdm", "rdms", "trials", "blanks", "images"))
    return replace(recording, stimulus=stimulus, **nothing)


def candidates_of(
    prepared: Prepared, own: Mapping[str, Any], numbers: Sequence[int], device: str, progress: ProgressCallback
) -> dict[int, dict[str, Any]]:
    """RDMs of all candidates by their labels, for each number of stimuli.

    Candidates are computed from images, so more gratings than the animal saw need no guess.

    Parameters
    ----------
    prepared : Prepared
    own : mapping of str to ndarray, shape (n_seeds, n_stimuli, n_stimuli)
        RDMs of the recording's own stimuli, by label.
    numbers : sequence of int
    device : str
        That the networks were trained on; they are in the cache.
    progress : callable
        Is given a :class:`normenc.study.SweepProgress`.

    Raises
    ------
    InputError
        When a candidate has no dissimilarities of more stimuli.
    """
    n_own = prepared.recording.n_stimuli
    rdms = {}
    for n in numbers:
        places = _evenly(n_own, n)
        rdms[n] = {label: rdm[:, places[:, None], places] for label, rdm in own.items()}
    for n in each(progress, "responses to more stimuli", [n for n in dict.fromkeys(numbers) if n > n_own]):
        more = with_stimuli(prepared.recording, n)
        assert more.orientation is not None
        shown = replace(prepared, recording=more, shown=Shown(more, prepared.study.stimuli))
        of_more = seed_rdms(represent(shown, device=device, progress=False).representations)
        if missing := [label for label in own if label not in of_more]:
            raise InputError(f"power.n_stimuli: {missing[0]} has no dissimilarities of {n} stimuli; try another number")
        rdms[n] = {label: of_more[label] for label in own}
    return rdms


def _evenly(n_own: int, n: int) -> npt.NDArray[np.intp]:
    """Places of `n` of the stimuli, evenly chosen; of all where there are no more."""
    return np.floor(np.arange(min(n, n_own)) * n_own / min(n, n_own)).astype(np.intp)


def seed_rdms(representations: Sequence[Representation]) -> dict[str, Floats]:
    """RDMs of all seeds of every label, shape (n_seeds, n_stimuli, n_stimuli)."""
    rdms: dict[str, list[Any]] = {}
    for representation in representations:
        rdms.setdefault(representation.label, []).append(np.asarray(representation.rdm, dtype=np.float64))
    return {label: np.stack(own) for label, own in rdms.items()}


def drawn_stimuli(recording: Recording, own: UnequalStimuli, n_stimuli: int) -> UnequalStimuli:
    """How strongly and how noisily another number of stimuli drives neurons: as those of the recording nearby do.

    Examples
    --------
    >>> recording = Recording.from_responses("toy", np.eye(4)[:, :2], direction=np.arange(0, 360, 90))
    >>> drawn_stimuli(recording, UnequalStimuli([1, 3, 1, 3], np.ones(4)), 8).strength
    array([1., 2., 3., 2., 1., 2., 3., 2.])
    """
    n_own = recording.n_stimuli
    if n_stimuli <= n_own:
        places = _evenly(n_own, n_stimuli)
        return UnequalStimuli(own.strength[places], own.noise[places])
    at, there = (np.asarray(one.stimulus, dtype=float) for one in (with_stimuli(recording, n_stimuli), recording))
    order = np.argsort(there)
    strength, noise = (
        np.interp(at, there[order], values[order], period=recording.period if recording.covers_circle else None)
        for values in (own.strength, own.noise)
    )
    return UnequalStimuli(strength, noise)
