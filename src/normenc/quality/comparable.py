"""The parts of a recording that enter a comparison: its animals, sessions, repeats, or neurons."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from normenc import rsa
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.recordings.rows import averaged
from normenc.rsa.neurons import MIN_NEURONS

__all__ = ["comparison_notes", "confounded", "of_same_neurons", "rdms_for_inference"]


def rdms_for_inference(recording: Recording, metric: str = "correlation") -> dict[str, Any]:
    """Inputs of :func:`normenc.rsa.infer` and :func:`normenc.rsa.noise_ceiling` from a recording.

    Animals count as animals only if they are named. Sessions of one animal, named or not, are sessions.

    Parameters
    ----------
    recording : Recording
    metric : str
        Of the RDMs, see :func:`normenc.rsa.rdm`.

    Returns
    -------
    dict
        ``data``: an RDM for each animal and session that saw all stimuli, if at least two animals did, with
        their names as ``subject``; otherwise, if at least two sessions did, an RDM for each session, with their
        names as ``session`` and, if the same neurons were recorded in all, their ``responses``; otherwise one RDM of
        all. In that case also ``responses``, if there are enough neurons to resample, and ``repeats``, if every
        stimulus has at least two trials; with unequal numbers of trials, NaN after the last one of a stimulus.

    Raises
    ------
    InputError
        If an RDM is undefined; the message says why.
    """
    if recording.responses is None:
        return _of_rdms(recording)
    parts, _ = _parts(recording)
    if parts:
        data = np.stack([_rdm(part.responses, metric, f"{recording.name}, {part.said}") for part in parts])
        animals, sessions = [part.animal for part in parts], [part.session for part in parts]
        if len(set(animals)) > 1:
            return {"data": data, "subject": np.array(animals)}
        arguments = {"data": data, "session": np.array(sessions)}
        same_neurons = all(part.same_neurons for part in parts)
        if same_neurons and recording.responses.shape[1] >= MIN_NEURONS:
            arguments["responses"] = np.stack([part.responses for part in parts])
        return arguments
    arguments = {"data": _rdm(recording.responses, metric, recording.name)}
    if recording.responses.shape[1] >= MIN_NEURONS:
        arguments["responses"] = recording.responses.to_numpy()
    repeats = _repeats(recording)
    return arguments if repeats is None else arguments | {"repeats": repeats}


def comparison_notes(recording: Recording) -> tuple[str, ...]:
    """Say which parts of a recording a comparison leaves out or averages together, one sentence each.

    Examples
    --------
    >>> seen = {"session": ["1", "1", "1", "2", "2"]}
    >>> rows = np.arange(10.0).reshape(5, 2)
    >>> comparison_notes(Recording.from_trials("toy", rows, [0, 60, 120, 0, 60], trials=seen))
    ('Session 2 saw 2 of 3 stimuli, so sessions are not distinguished: their trials are averaged together.',)
    """
    if recording.responses is None:
        return ()
    parts, notes = _parts(recording)
    notes = [*confounded(recording), *notes]
    low, high = recording.n_repeats
    if not parts and 1 < low < high:
        notes.append(
            f"Stimuli were shown {low} to {high} times: averages use all trials, the noise ceiling the first {low}."
        )
    return tuple(notes)


@dataclass(frozen=True)
class _Part:
    """Responses (n_stimuli, n_neurons) of an animal, in a session; names are empty where not stated."""

    animal: str
    session: str
    responses: npt.NDArray[Any]
    same_neurons: bool

    @property
    def said(self) -> str:
        return ", ".join(f"{what} {name}" for what in ("animal", "session") if (name := getattr(self, what)))


def _of_rdms(recording: Recording) -> dict[str, Any]:
    """Published RDMs with their subjects."""
    if recording.rdms is None or len(recording.rdms) < 2:
        return {"data": recording.rdm}
    names = {"subject": "animal", "session": "session"}
    whose = {key: recording.rdms[name].values for key, name in names.items() if name in recording.rdms.coords}
    return {"data": recording.rdms.to_numpy()} | whose


def _rdm(responses: Any, metric: str, who: str) -> npt.NDArray[np.float64]:
    try:
        return rsa.rdm(responses, metric=metric)
    except InputError as error:
        raise InputError(f"{who}: {error}") from None


def _repeats(recording: Recording) -> npt.NDArray[Any] | None:
    """Trials as (n_repeats, n_stimuli, n_neurons), NaN where a stimulus has fewer; None if one has a single trial."""
    fewest, most = recording.n_repeats
    if recording.trials is None or fewest < 2:
        return None
    index = recording.trials["stimulus_index"].values
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[order], np.arange(recording.n_stimuli))
    repeat = np.arange(len(order)) - starts[index[order]]
    values = recording.trials.values
    if fewest == most:
        return values[order[starts + np.arange(most)[:, None]]]
    repeats = np.full((most, recording.n_stimuli, values.shape[1]), np.nan, np.result_type(values, np.float32))
    repeats[repeat, index[order]] = values[order]
    return repeats


def _parts(recording: Recording) -> tuple[list[_Part], list[str]]:
    """Animals and sessions that can be compared separately, none if fewer than two, and notes on the others."""
    parts = _parts_of_neurons(recording)
    if parts:
        return parts, []
    return _parts_of_trials(recording)


def _parts_of_neurons(recording: Recording) -> list[_Part]:
    """If neurons are labelled: each animal and session has its own neurons, and all saw all stimuli."""
    assert recording.responses is not None
    animal, session = (_labels(recording.responses, f"neuron_{name}").tolist() for name in ("animal", "session"))
    keys = list(zip(animal, session, strict=True))
    parts = [
        _Part(*key, recording.responses.values[:, [own == key for own in keys]], same_neurons=False)
        for key in sorted(set(keys))
    ]
    return parts if len(parts) > 1 else []


def _parts_of_trials(recording: Recording) -> tuple[list[_Part], list[str]]:
    """If trials are labelled: by animal if several are named, otherwise by session."""
    if recording.trials is None:
        return [], []
    animal, session = (_labels(recording.trials, name) for name in ("animal", "session"))
    what = "animal" if len(set(animal)) > 1 else "session"
    if len(set(animal)) < 2 and len(set(session)) < 2:
        return [], []
    index, n_stimuli = recording.trials["stimulus_index"].values, recording.n_stimuli
    parts, partial = [], []
    for (of_animal, of_session), rows in _shown_together(index, animal, session, n_stimuli):
        n_seen = len(np.unique(index[rows]))
        means = averaged(recording.trials.values[rows].astype(np.float64), index[rows], n_stimuli)
        part = _Part(of_animal, of_session, means, same_neurons=True)
        if n_seen == n_stimuli:
            parts.append(part)
        else:
            partial.append(f"{part.said} saw {n_seen}")
    apart = len({getattr(part, what) for part in parts}) > 1
    if not partial:
        return parts, []
    start = f"{'; '.join(partial)} of {n_stimuli} stimuli"
    start = start[0].upper() + start[1:]
    if apart:
        return parts, [f"{start} and {'is' if len(partial) == 1 else 'are'} left out of the comparison."]
    return [], [f"{start}, so {what}s are not distinguished: their trials are averaged together."]


def confounded(recording: Recording) -> list[str]:
    """Warn if sessions share no stimulus, because differences between them then look like tuning."""
    if recording.trials is None or len(recording.sessions) < 2 or "session" not in recording.trials.coords:
        return []
    names, of_trial = np.unique(_labels(recording.trials, "session"), return_inverse=True)
    shown = np.zeros((len(names), recording.n_stimuli), dtype=bool)
    shown[of_trial, recording.trials["stimulus_index"].values] = True
    n_groups, group = connected_components(csr_array(shown @ shown.T), directed=False)
    if n_groups < 2:
        return []
    apart = [", ".join(names[group == index]) for index in range(n_groups)]
    return [
        f"Sessions {apart[0]} and {'; '.join(apart[1:])} share no stimulus: differences "
        "between sessions, such as in response level, cannot be distinguished from tuning. Subtract a baseline, or "
        "compare the sessions one by one (where={'session': 'NAME'})."
    ]


def of_same_neurons(recording: Recording) -> list[str]:
    """Say that trials of several animals count as trials of the same neurons."""
    if recording.trials is None or "animal" not in recording.trials.coords or len(recording.animals) < 2:
        return []
    return [
        f"trials of {len(recording.animals)} {recording.whose} have the same {recording.n_neurons:,} columns, each of "
        "which counts as one neuron that all of them have. If they have different neurons, give those of each animal "
        "columns of their own, with NaN in the trials of the others."
    ]


def _shown_together(
    index: npt.NDArray[np.intp], animal: npt.NDArray[np.str_], session: npt.NDArray[np.str_], n_stimuli: int
) -> list[tuple[tuple[str, str], npt.NDArray[np.intp]]]:
    """Trials by animal and session; all trials of an animal if only its sessions together had all stimuli."""
    groups: list[tuple[tuple[str, str], npt.NDArray[np.intp]]] = []
    for name in sorted(set(animal)):
        own = np.flatnonzero(animal == name)
        sessions = [((name, key), own[session[own] == key]) for key in sorted(set(session[own]))]
        whole = [len(np.unique(index[rows])) == n_stimuli for _, rows in sessions]
        together = len(np.unique(index[own])) == n_stimuli and len(set(animal)) > 1
        groups += [((name, ""), own)] if together and not any(whole) else sessions
    return groups


def _labels(values: Any, name: str) -> npt.NDArray[np.str_]:
    """Labels of the trials, or neurons; empty if there are none."""
    axis = 1 if name.startswith("neuron_") else 0
    return values[name].values.astype(str) if name in values.coords else np.full(values.shape[axis], "", dtype=str)
