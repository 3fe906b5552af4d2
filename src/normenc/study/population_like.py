"""What is simulated of a recording: its animals, neurons, trials and noise, for identify, power and design."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.rsa.likeness import COULD_HAVE_TOLD_NOTHING, NeuronProducts, like_averages, like_trials
from normenc.rsa.neurons import MIN_NEURONS
from normenc.rsa.pairs import upper
from normenc.rsa.single_trials import TrialNoise, trial_noise
from normenc.rsa.ties import is_flat
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import StimulusVariances, UnequalStimuli, patterns
from normenc.study.amounts import harmonic_mean, mean_repeats
from normenc.study.sections import IdentifySettings
from normenc.study.simulated_populations import Population, Populations

__all__ = ["SimulatedData", "check_noise_is_known", "populations_like", "simulated_data"]

Floats = npt.NDArray[np.float64]
FROM = {
    "trials": "its repeated trials",
    "neurons": "what its neurons have in common",
    "settings": "the settings",
}
EQUAL_STIMULI = "{} not tell how strongly each stimulus drives neurons; all are taken to do so equally."
UNSEEN = (
    "These responses do not tell how unequal neurons are, so all are taken to be equal: where few of them carry "
    "most of the signal, rates are too high."
)
TOO_FEW = f"Fewer than {MIN_NEURONS} neurons do not tell how noisy they are; not simulated:"
UNEQUAL = 0.5  # standard deviation of stimuli's strengths, of their mean, from which averages mislead
UNEQUAL_STIMULI = (
    "Some stimuli evoke much stronger patterns than others (the standard deviation of their strengths is {:.0f} % of "
    "the mean), and averages do not tell whether by signal or by noise: predicted rates were up to 20 points too high "
    "in simulations of this. Single trials tell more."
)
EQUAL_NEURONS = (
    "The noise is stated, and all neurons are taken to be equal: where few of them carry most of the signal, rates are "
    "too high."
)


def populations_like(
    recording: Recording,
    rdms: Mapping[str, Floats],
    section: str,
    noise: float | None,
    metric: str = "correlation",
    some: Any = slice(None),
) -> Populations:
    """Populations that represent each of the RDMs, with the noise and the unequal neurons and stimuli of a recording.

    An RDM whose dissimilarities are all equal does not tell what is signal: its population is that of another one.

    Parameters
    ----------
    recording : Recording
    rdms : mapping of str to ndarray, shape (n_stimuli, n_stimuli)
        Of the stimuli `some`.
    section : str
        Of the study's settings, for messages.
    noise : float or None
        Of a trial, where it is stated: all neurons are then taken to be equal.
    metric : str
        Of the RDMs.
    some : slice or ndarray of int
        Stimuli.

    Raises
    ------
    InputError
        When the noise is neither known from the recording nor stated.
    """
    if not _has_neurons(recording):
        if noise is None:
            raise InputError(_unknown(recording, section))
        equal = Population.equal(noise, [1], UnequalStimuli.equal(len(next(iter(rdms.values())))))
        unknown = EQUAL_STIMULI.format("An RDM does" if recording.responses is None else "So few neurons do")
        return Populations(dict.fromkeys(rdms, equal), [], FROM["settings"], [unknown, EQUAL_NEURONS])
    columns = _columns(recording)
    few = [name for name, mine in columns.items() if mine.sum() < MIN_NEURONS]
    names = [name for name in columns if name not in few]
    animals = [_data(recording, columns[name], some, metric) for name in names]
    left_out = [f"{TOO_FEW} {', '.join(few)}."] if few else []
    recorded = [averages.shape[1] for averages, *_ in animals]
    of_a_trial = float(np.sqrt(mean_repeats(recording)))
    if noise is not None:
        stimuli = _mean([variances.unequal(noise / of_a_trial) for *_, variances in animals])
        equal = Population.equal(noise, recorded, stimuli)
        return Populations(dict.fromkeys(rdms, equal), recorded, FROM["settings"], [EQUAL_NEURONS, *left_out])
    products = [NeuronProducts.of(averages, metric) for averages, *_ in animals]
    found, unseen = {}, False
    flat = [label for label, rdm in rdms.items() if is_flat(upper(rdm))]
    for label in [label for label in rdms if label not in flat]:
        likes = []
        for name, own, (_, of_trials, variances) in zip(names, products, animals, strict=True):
            try:
                likes.append(
                    like_averages(rdms[label], own, metric, variances)
                    if of_trials is None
                    else like_trials(rdms[label], own, of_trials, metric, variances)
                )
            except InputError as error:
                whose = f"animal {name} of the recording" if len(names) > 1 else "the recording"
                raise InputError(
                    f"{whose} {recording.name} {COULD_HAVE_TOLD_NOTHING}: {error}; inspect it with normenc check, or "
                    f"state {section}.noise if you know it"
                ) from None
        unseen |= any(like.are_unseen for like in likes)
        found[label] = Population(
            tuple(like.noise * of_a_trial for like in likes),
            tuple((n, like.n_neurons) for n, like in zip(recorded, likes, strict=True)),
            _mean([like.stimuli for like in likes if like.stimuli]),
        )
    by_trials = animals[0][1] is not None
    notes = _notes(recording, by_trials)
    spread = max((own.stimuli.strength.std() / own.stimuli.strength.mean() for own in found.values()), default=0.0)
    if not by_trials and spread > UNEQUAL:
        notes.append(UNEQUAL_STIMULI.format(100 * spread))
    notes += [UNSEEN] * unseen + left_out
    for label in flat:
        first = next(iter(found), None)
        if first is None:
            raise InputError("all dissimilarities of each candidate are equal, so that no recording tells them apart")
        found[label] = found[first]
        notes.append(f"{label}: all its dissimilarities are equal, so its neurons are simulated like those of {first}.")
    return Populations(found, recorded, FROM["trials" if by_trials else "neurons"], notes)


def check_noise_is_known(recording: Recording, section: str, settings: Any) -> None:
    """Raise InputError if recordings like this one cannot be simulated with a section's settings."""
    stated = settings.noise is not None and (section == "power" or settings.n_neurons is not None)
    if not (stated or _has_neurons(recording)):
        raise InputError(_unknown(recording, section))


@dataclass(frozen=True)
class SimulatedData:
    """Amounts of data and noise of simulated recordings.

    Attributes
    ----------
    n_neurons : dict of str to list of UnequalNeurons
        Of each animal, by candidate.
    noise : dict of str to list of float
        Of the averages over trials of each animal, by candidate.
    stimuli : dict of str to UnequalStimuli
        How strongly and how noisily each stimulus drives neurons, by candidate.
    facts : dict
        ``n_animals``, ``n_neurons`` (of each animal, or all together), ``n_repeats``, ``noise_from`` and ``notes``.
    """

    n_neurons: dict[str, list[UnequalNeurons]]
    noise: dict[str, list[float]]
    stimuli: dict[str, UnequalStimuli]
    facts: dict[str, Any]


def simulated_data(
    recording: Recording, rdms: Mapping[str, Floats], settings: IdentifySettings, metric: str, some: Any = slice(None)
) -> SimulatedData:
    """Amounts and noise with which recordings simulated from each of the RDMs are like a real one.

    Parameters
    ----------
    recording, rdms, metric, some
        See :func:`populations_like`.
    settings : IdentifySettings

    Raises
    ------
    InputError
        When the noise is neither known from the recording nor stated.
    """
    check_noise_is_known(recording, "identify", settings)
    like = populations_like(recording, rdms, "identify", settings.noise, metric, some)
    own_repeats = _repeats(recording, like)
    n_animals = len(own_repeats)
    repeats = [float(settings.n_repeats)] * n_animals if settings.n_repeats else own_repeats
    facts = {
        "n_animals": n_animals,
        "n_neurons": settings.n_neurons or like.recorded,
        "n_repeats": round(harmonic_mean(repeats), 3),
        "noise_from": like.noise_from,
        "notes": like.notes,
    }
    return SimulatedData(
        {label: own.neurons(settings.n_neurons, n_animals) for label, own in like.of.items()},
        {label: (np.array(own.noises_of(n_animals)) / np.sqrt(repeats)).tolist() for label, own in like.of.items()},
        {label: own.stimuli for label, own in like.of.items()},
        facts,
    )


def _mean(stimuli: list[UnequalStimuli]) -> UnequalStimuli:
    """Of animals, by variances."""
    strength, noise = (
        np.sqrt(np.mean([np.square(getattr(own, name)) for own in stimuli], axis=0)) for name in ("strength", "noise")
    )
    return UnequalStimuli.relative(strength, noise)


def _n_subjects(recording: Recording) -> int:
    """Animals of a recording known by few neurons, or by RDMs: one for each, unless several are of its sessions."""
    if recording.rdms is None:
        return len(recording.animals) if _own_neurons(recording) else 1
    if recording.animals:
        return len(recording.animals)
    return 1 if recording.sessions else len(recording.rdms)


def _has_neurons(recording: Recording) -> bool:
    """Of an animal, or of all together, as many as tell how noisy they are."""
    return any(mine.sum() >= MIN_NEURONS for mine in _columns(recording).values())


def _unknown(recording: Recording, section: str) -> str:
    if recording.responses is None:
        known = "only by its RDM"
    elif _own_neurons(recording):
        known = f"by fewer than {MIN_NEURONS} neurons of each animal"
    else:
        known = f"by {recording.n_neurons} neurons"
    wanted = f"{section}.noise" if section == "power" else f"{section}.noise and {section}.n_neurons"
    return (
        f"the recording {recording.name} is known {known}, which does not tell how noisy it is: recordings like it "
        f"cannot be simulated. State {wanted}, if you know {'it' if section == 'power' else 'them'}"
    )


def _repeats(recording: Recording, like: Populations) -> list[float]:
    """Trials of each stimulus of each simulated animal, see :func:`mean_repeats`.

    Animals with the same neurons are compared one by one, those to which all stimuli were shown, if there are two.
    """
    if not like.recorded:
        return [1.0] * _n_subjects(recording)
    together = mean_repeats(recording)
    if _own_neurons(recording):
        return [together] * len(like.recorded)
    if recording.trials is None or "animal" not in recording.trials.coords:
        return [together]
    names, index = recording.trials["animal"].values.astype(str), recording.trials["stimulus_index"].values
    counts = [np.bincount(index[names == name], minlength=recording.n_stimuli) for name in np.unique(names)]
    whole = [harmonic_mean(own) for own in counts if own.all()]
    return whole if len(whole) > 1 else [together]


def _own_neurons(recording: Recording) -> bool:
    """Whether each animal has neurons of its own."""
    return (
        recording.responses is not None and "neuron_animal" in recording.responses.coords and len(recording.animals) > 1
    )


def _columns(recording: Recording) -> dict[str, npt.NDArray[np.bool_]]:
    """The neurons of each animal that has neurons of its own, or of all together; none of an RDM."""
    if recording.responses is None:
        return {}
    if not _own_neurons(recording):
        return {"": np.ones(recording.responses.shape[1], dtype=bool)}
    own = recording.responses["neuron_animal"].values.astype(str)
    return {str(name): own == name for name in np.unique(own)}


def _data(
    recording: Recording, mine: npt.NDArray[np.bool_], some: Any, metric: str
) -> tuple[Floats, TrialNoise | None, StimulusVariances]:
    """Averages over trials of some neurons, and their noise."""
    responses, trials = recording.responses, recording.trials
    assert responses is not None
    if trials is None or recording.n_repeats[0] < 2:
        averages = responses.values[some][:, mine]
        return averages, None, StimulusVariances.of(averages, metric)
    places = np.arange(recording.n_stimuli)[some]
    index = trials["stimulus_index"].values
    rows = np.isin(index, places)
    own_trials, shown = trials.values[rows][:, mine], np.searchsorted(places, index[rows])
    noise, averages = trial_noise(patterns(own_trials.astype(np.float64), metric), shown)
    return averages, noise, StimulusVariances.of_trials(own_trials, shown, noise.n_independent, metric)


def _notes(recording: Recording, by_trials: bool) -> list[str]:
    notes = []
    if len(recording.sessions) > 1:
        notes.append("Sessions are simulated as one: their trials are averaged together.")
    if not by_trials:
        notes.append(
            "No stimulus has trials of its own in the file, so noise that neurons share counts as signal, and noise is "
            "taken to be as large for every stimulus: rates may be too high."
        )
    return notes
