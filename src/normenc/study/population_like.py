"""What is simulated of a recording: its animals, neurons, trials and noise, for :func:`normenc.rsa.identification`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.rsa.likeness import COULD_HAVE_TOLD_NOTHING, Likeness, NeuronProducts, like_averages, like_trials
from normenc.rsa.neurons import MIN_NEURONS
from normenc.rsa.single_trials import TrialNoise, trial_noise
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import StimulusVariances, UnequalStimuli
from normenc.study.amounts import mean_repeats
from normenc.study.section_base import Settings
from normenc.study.sections import IdentifySettings

__all__ = ["RecordedStimuli", "SimulatedData", "simulated_data"]

Floats = npt.NDArray[np.float64]
FROM = {
    "trials": "its repeated trials",
    "neurons": "what its neurons have in common",
    "settings": "the settings",
}
EQUAL = "An RDM does not tell how strongly each stimulus drives neurons; all are taken to do so equally."


@dataclass(frozen=True)
class SimulatedData:
    """Amounts of data and noise of simulated recordings.

    Attributes
    ----------
    n_neurons : dict of str to list of int or UnequalNeurons
        Of each animal, by candidate.
    noise : dict of str to float
        Of the averages over trials, by candidate.
    stimuli : dict of str to UnequalStimuli
        How strongly and how noisily each stimulus drives neurons, by candidate.
    facts : dict
        ``n_animals``, ``n_neurons`` (of each animal, or all together), ``n_repeats``, ``noise_from`` and ``notes``.
    """

    n_neurons: dict[str, list[int | UnequalNeurons]]
    noise: dict[str, float]
    stimuli: dict[str, UnequalStimuli]
    facts: dict[str, Any]


@dataclass(frozen=True)
class _Animal:
    """Averages of an animal's neurons, and the noise of its trials where it is known."""

    n_neurons: int
    products: NeuronProducts
    noise: TrialNoise | None
    stimuli: StimulusVariances


def simulated_data(
    recording: Recording, rdms: Mapping[str, Floats], settings: IdentifySettings, metric: str, some: Any = slice(None)
) -> SimulatedData:
    """Amounts and noise with which recordings simulated from each of the RDMs are like a real one.

    Parameters
    ----------
    recording : Recording
    rdms : mapping of str to ndarray, shape (n_stimuli, n_stimuli)
        Of the stimuli `some`.
    settings : IdentifySettings
    metric : str
        Of the RDMs.
    some : slice or ndarray of int
        Stimuli.

    Raises
    ------
    InputError
        When the noise is neither known from the recording nor stated.
    """
    stated = settings.noise
    if recording.responses is None or recording.responses.shape[1] < MIN_NEURONS:
        if stated is None or settings.n_neurons is None:
            raise InputError(_unknown(recording))
        equal = UnequalStimuli.equal(len(next(iter(rdms.values()))))
        known = _stated(
            rdms, settings, stated, settings.n_neurons, _n_subjects(recording), settings.n_repeats or 1, equal
        )
        return replace(known, facts=known.facts | {"notes": [EQUAL]})
    n_animals = _n_animals(recording)
    repeats = mean_repeats(recording) / (1 if _own_neurons(recording) else n_animals)
    asked = settings.n_repeats or repeats
    if stated is not None:
        own = settings.n_neurons or recording.responses.shape[1] // (n_animals if _own_neurons(recording) else 1)
        recorded = RecordedStimuli.of(recording, metric, some).unequal(stated / np.sqrt(repeats))
        return _stated(rdms, settings, stated, own, n_animals, asked, recorded)
    animals = _animals(recording, some, metric)
    n_animals = len(animals) if _own_neurons(recording) else n_animals
    less = np.sqrt(repeats / asked)
    n_neurons: dict[str, list[int | UnequalNeurons]] = {}
    noise: dict[str, float] = {}
    stimuli: dict[str, UnequalStimuli] = {}
    for label, rdm in rdms.items():
        likes = [_like(animal, rdm, metric, recording.name) for animal in animals]
        sizes: list[int | UnequalNeurons] = [
            _scaled(like, animal, settings.n_neurons) for like, animal in zip(likes, animals, strict=True)
        ]
        n_neurons[label] = sizes if len(animals) > 1 else sizes * n_animals
        # Averages of fewer trials, where all animals' trials are of the same neurons.
        more = np.sqrt(n_animals) if len(animals) == 1 else 1.0
        noise[label] = float(np.sqrt(np.mean([like.noise**2 for like in likes])) * more * less)
        stimuli[label] = _mean([like.stimuli for like in likes if like.stimuli is not None])
    facts = {
        "n_animals": n_animals,
        "n_neurons": settings.n_neurons or [animal.n_neurons for animal in animals],
        "n_repeats": round(float(asked), 3),
        "noise_from": FROM["neurons" if animals[0].noise is None else "trials"],
        "notes": _notes(recording, animals),
    }
    return SimulatedData(n_neurons, noise, stimuli, facts)


@dataclass(frozen=True)
class RecordedStimuli:
    """How strongly and how noisily each stimulus drives a recording's neurons.

    Attributes
    ----------
    of_animals : list of StimulusVariances
    """

    of_animals: list[StimulusVariances]

    @classmethod
    def of(cls, recording: Recording, metric: str, some: Any = slice(None)) -> "RecordedStimuli":
        """Of a recording with responses; `metric` is that of its RDM."""
        return cls([variances for *_, variances in _populations(recording, some, metric)])

    @property
    def by_trials(self) -> bool:
        """Whether trials tell the noise."""
        return self.of_animals[0].noise is not None

    def unequal(self, noise: float = 0.0) -> UnequalStimuli:
        """The mean of animals; `noise` is that of averages, used where no trials tell it."""
        return _mean([own.unequal(noise) for own in self.of_animals])


def _mean(stimuli: list[UnequalStimuli]) -> UnequalStimuli:
    """Of animals, by variances."""
    strength, noise = (
        np.sqrt(np.mean([np.square(getattr(own, name)) for own in stimuli], axis=0)) for name in ("strength", "noise")
    )
    return UnequalStimuli.relative(strength, noise)


def _stated(
    rdms: Mapping[str, Floats],
    settings: Settings,
    noise: float,
    n_neurons: int,
    n_animals: int,
    n_repeats: float,
    stimuli: UnequalStimuli,
) -> SimulatedData:
    facts = {
        "n_animals": n_animals,
        "n_neurons": n_neurons,
        "n_repeats": round(float(n_repeats), 3),
        "noise_from": FROM["settings"],
        "notes": [],
    }
    own: list[int | UnequalNeurons] = [n_neurons] * n_animals
    of_averages = dict.fromkeys(rdms, float(noise / np.sqrt(n_repeats)))
    return SimulatedData(dict.fromkeys(rdms, own), of_averages, dict.fromkeys(rdms, stimuli), facts)


def _n_subjects(recording: Recording) -> int:
    """Animals of a recording known by RDMs: one for each RDM, unless several are of an animal's sessions."""
    if recording.rdms is None:
        return 1
    if recording.animals:
        return len(recording.animals)
    return 1 if recording.sessions else len(recording.rdms)


def _unknown(recording: Recording) -> str:
    known = "only by its RDM" if recording.responses is None else f"by {recording.n_neurons} neurons"
    return (
        f"the recording {recording.name} is known {known}, which does not tell how noisy it is: recordings like it "
        "cannot be simulated. State identify.noise and identify.n_neurons, if you know them"
    )


def _n_animals(recording: Recording) -> int:
    """Animals that are compared one by one; all stimuli were shown to each."""
    if _own_neurons(recording):
        return len(recording.animals)
    if recording.trials is None or "animal" not in recording.trials.coords:
        return 1
    names, index = recording.trials["animal"].values.astype(str), recording.trials["stimulus_index"].values
    whole = [len(np.unique(index[names == name])) == recording.n_stimuli for name in np.unique(names)]
    return max(1, sum(whole))


def _own_neurons(recording: Recording) -> bool:
    """Whether each animal has neurons of its own."""
    assert recording.responses is not None
    return "neuron_animal" in recording.responses.coords and len(recording.animals) > 1


def _animals(recording: Recording, some: Any, metric: str) -> list[_Animal]:
    return [
        _Animal(averages.shape[1], NeuronProducts.of(averages), noise, variances)
        for averages, noise, variances in _populations(recording, some, metric)
    ]


def _populations(
    recording: Recording, some: Any, metric: str
) -> Iterator[tuple[Floats, TrialNoise | None, StimulusVariances]]:
    """Averages over trials, of each animal with neurons of its own or of all together, and their noise."""
    responses, trials = recording.responses, recording.trials
    assert responses is not None
    own = responses["neuron_animal"].values.astype(str) if _own_neurons(recording) else None
    columns = [own == name for name in np.unique(own)] if own is not None else [np.ones(responses.shape[1], dtype=bool)]
    columns = [mine for mine in columns if mine.sum() >= MIN_NEURONS]
    if not columns:
        raise InputError(
            f"the recording {recording.name}: no animal has {MIN_NEURONS} neurons, so that its noise is not known"
        )
    places = np.arange(recording.n_stimuli)[some]
    for mine in columns:
        if trials is None or recording.n_repeats[0] < 2:
            averages = responses.values[some][:, mine]
            yield averages, None, StimulusVariances.of(averages, metric)
            continue
        index = trials["stimulus_index"].values
        rows = np.isin(index, places)
        own_trials, shown = trials.values[rows][:, mine], np.searchsorted(places, index[rows])
        noise, averages = trial_noise(own_trials, shown)
        yield averages, noise, StimulusVariances.of_trials(own_trials, shown, noise.n_independent, metric)


def _like(animal: _Animal, rdm: Floats, metric: str, name: str) -> Likeness:
    try:
        if animal.noise is None:
            return like_averages(rdm, animal.products, metric, animal.stimuli)
        return like_trials(rdm, animal.products, animal.noise, metric, animal.stimuli)
    except InputError as error:
        raise InputError(
            f"the recording {name} {COULD_HAVE_TOLD_NOTHING}: {error}; inspect it with normenc check, or state "
            "identify.noise if you know it"
        ) from None


def _scaled(like: Likeness, animal: _Animal, n_neurons: int | None) -> UnequalNeurons:
    """With as many neurons as were asked for, as unequal as the recorded ones."""
    own = like.n_neurons
    if n_neurons is None:
        return own
    factor = n_neurons / animal.n_neurons
    signal, noise = (max(2, round(factor * n)) for n in (own.signal, own.noise))
    return replace(own, signal=signal, noise=noise, both=min(round(factor * own.both), signal, noise))


def _notes(recording: Recording, animals: list[_Animal]) -> list[str]:
    notes = []
    if len(recording.sessions) > 1:
        notes.append("Sessions are simulated as one: their trials are averaged together.")
    if animals[0].noise is None:
        notes.append(
            "No stimulus has trials of its own in the file, so noise that neurons share counts as signal, and noise is "
            "taken to be as large for every stimulus: rates may be too high."
        )
    return notes
