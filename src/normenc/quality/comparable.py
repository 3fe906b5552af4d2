"""What of a recording enters a comparison: its animals, its repeats, or its neurons."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import rsa
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.rsa.neurons import MIN_NEURONS

__all__ = ["inference_inputs"]


def inference_inputs(recording: Recording, metric: str = "correlation") -> dict[str, Any]:
    """What :func:`normenc.rsa.infer` and :func:`normenc.rsa.noise_ceiling` can know of a recording.

    Parameters
    ----------
    recording : Recording
    metric : str
        Of the RDMs, see :func:`normenc.rsa.rdm`.

    Returns
    -------
    dict
        ``data``: one RDM for each animal and session where there are two animals (or sessions) at least that each saw
        all stimuli, with ``subject`` saying whose each is; else the RDM of all. Then also ``responses``, where there
        are enough neurons to resample, and ``repeats``, where every stimulus has two trials at least; of unequal
        numbers of trials the first ones, as many as all stimuli have.

    Raises
    ------
    InputError
        When the RDM is undefined; the message says why.
    """
    if recording.responses is None:
        return {"data": recording.rdm}
    animals = _by_animal(recording)
    if len(animals) > 1:
        data, subjects = [], []
        for subject, label, responses in animals:
            try:
                data.append(rsa.rdm(responses, metric=metric))
            except InputError as error:
                raise InputError(f"{recording.name}, {label}: {error}") from None
            subjects.append(subject)
        found: dict[str, Any] = {"data": np.stack(data)}
        return found | ({"subject": np.array(subjects)} if len(set(subjects)) > 1 else {})
    try:
        found = {"data": rsa.rdm(recording.responses, metric=metric)}
    except InputError as error:
        raise InputError(f"{recording.name}: {error}") from None
    if recording.responses.shape[1] >= MIN_NEURONS:
        found["responses"] = recording.responses.to_numpy()
    repeats = _repeats(recording)
    return found if repeats is None else found | {"repeats": repeats}


def _repeats(recording: Recording) -> npt.NDArray[Any] | None:
    """Trials as (n_repeats, n_stimuli, n_neurons), or None where a stimulus has only one."""
    n_repeats = recording.n_repeats[0]
    if recording.trials is None or n_repeats < 2:
        return None
    index = recording.trials["stimulus_index"].values
    order = np.argsort(index, kind="stable")
    starts = np.searchsorted(index[order], np.arange(recording.n_stimuli))
    chosen = order[starts + np.arange(n_repeats)[:, None]]
    return recording.trials.values[chosen]


def _by_animal(recording: Recording) -> list[tuple[str, str, npt.NDArray[Any]]]:
    """Animal, a label for messages, and responses (n_stimuli, n_neurons), of each animal and session that saw all."""
    assert recording.responses is not None
    coords = recording.responses.coords
    of_neurons = [name for name in ("neuron_animal", "neuron_session") if name in coords]
    if of_neurons:
        groups = _groups([coords[name].values for name in of_neurons])
        return [
            (_animal(of_neurons, key), _said(of_neurons, key), recording.responses.values[:, rows])
            for key, rows in groups
        ]
    if recording.trials is None:
        return []
    of_trials = [name for name in ("animal", "session") if name in recording.trials.coords]
    if not of_trials:
        return []
    found = []
    index = recording.trials["stimulus_index"].values
    for key, rows in _groups([recording.trials[name].values for name in of_trials]):
        if len(np.unique(index[rows])) == recording.n_stimuli:
            values = recording.trials.values[rows].astype(np.float64)
            means = np.zeros((recording.n_stimuli, values.shape[1]))
            np.add.at(means, index[rows], values)
            means /= np.bincount(index[rows], minlength=recording.n_stimuli)[:, None]
            found.append((_animal(of_trials, key), _said(of_trials, key), means))
    return found


def _groups(labels: list[npt.NDArray[Any]]) -> list[tuple[tuple[str, ...], npt.NDArray[np.intp]]]:
    keys = list(zip(*(label.tolist() for label in labels), strict=True))
    return [(key, np.flatnonzero([own == key for own in keys])) for key in dict.fromkeys(sorted(keys))]


def _animal(names: list[str], key: tuple[str, ...]) -> str:
    """The animal, or nothing where sessions alone are known, which then count as animals do."""
    return key[0] if names[0].endswith("animal") else ""


def _said(names: list[str], key: tuple[str, ...]) -> str:
    return ", ".join(f"{name.removeprefix('neuron_')} {value}" for name, value in zip(names, key, strict=True))
