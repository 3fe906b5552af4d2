"""Recordings with the faults that files have, to try out what should notice them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.angles import unit_of
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.recordings.recording import Recording

__all__ = ["contaminate"]

FACTS = ("species", "area", "units", "source", "citation", "licence", "simulated")


def contaminate(
    recording: Recording,
    *,
    dead: float = 0.0,
    drift: float = 0.0,
    missing: float = 0.0,
    shuffled: bool = False,
    duplicated: int = 0,
    seed: int = 0,
) -> dict[str, npt.NDArray[Any]]:
    """Give a recording the faults that files have, as arrays for a file.

    A :class:`Recording` refuses missing values; these arrays, saved by ``numpy.savez`` and named as
    :func:`normenc.recordings.load` reads them, are what a check of a file must tell apart from a sound recording.
    Without faults they are the same recording again.

    Parameters
    ----------
    recording : Recording
        With responses; if trials are known its rows are trials, else stimuli.
    dead : float
        Share of the neurons that are 0 throughout.
    drift : float
        How far each neuron's baseline moves evenly from the first row to the last, up or down at random, in standard
        deviations of the neuron over rows.
    missing : float
        Share of all responses that become NaN, at random.
    shuffled : bool
        Whether the stimuli are put to the rows in random order, so that responses no longer belong to them and nothing
        about them repeats.
    duplicated : int
        Neurons that occur twice, as a cell does that is found in two imaging planes; the copies, drawn from those not
        dead, come last.
    seed : int

    Returns
    -------
    dict of str to ndarray
        ``responses``, shape (n_rows, n_neurons + duplicated); the stimulus of each row, named ``orientation``,
        ``direction`` or ``image``; ``images`` with ``image_names``, and labels of trials and neurons, where there are
        any; and what is known about the recording.

    Raises
    ------
    InputError
        If the population is known only by its RDM, a share lies outside 0 and 1, drift is not finite, or more
        neurons are to occur twice than are alive.

    Examples
    --------
    >>> from normenc.recordings import simulated_v1
    >>> arrays = contaminate(simulated_v1(10, n_repeats=2, n_stimuli=13), dead=0.2, missing=0.1, duplicated=1)
    >>> arrays["responses"].shape, int(np.isnan(arrays["responses"][:, :10]).sum())
    ((26, 11), 26)
    """
    rows = recording.responses if recording.trials is None else recording.trials
    if rows is None:
        raise InputError(f"{recording.name} is known only by its RDM; give a recording with responses")
    n_neurons = rows.shape[1]
    for name, share in (("dead", dead), ("missing", missing)):
        if not 0 <= share <= 1:
            raise InputError(f"{name} is {share}; it must be a share, between 0 and 1")
    n_dead = round(dead * n_neurons)
    if not np.isfinite(drift):
        raise InputError(f"drift is {drift}; it must be a finite number of standard deviations")
    if not 0 <= duplicated <= n_neurons - n_dead:
        raise InputError(f"duplicated is {duplicated}; only the {n_neurons - n_dead} neurons that are not dead can be")

    rng = np.random.default_rng(seed)
    order = rng.permutation(n_neurons)
    values = _drifting(rows.values, drift, rng)
    values[:, order[:n_dead]] = 0
    values.flat[rng.choice(values.size, round(missing * values.size), replace=False)] = np.nan
    copied = np.concatenate([np.arange(n_neurons), order[n_dead : n_dead + duplicated]])
    stimulus = rows[recording.kind].values
    if shuffled:
        stimulus = rng.permutation(stimulus)
    arrays = {"responses": values[:, copied], recording.kind: stimulus}
    arrays |= {name: rows[name].values for name in TRIAL_LABELS if name in rows.coords}
    arrays |= {name: rows[name].values[copied] for name in NEURON_LABELS if name in rows.coords}
    if "neuron" in arrays and duplicated:
        again = [f"{neuron} again" for neuron in arrays["neuron"][n_neurons:]]
        arrays["neuron"] = np.concatenate([arrays["neuron"][:n_neurons], again])
    if recording.images is not None:
        arrays |= {"images": np.asarray(recording.images)}
        arrays |= {"image_names": recording.stimulus} if recording.shown.is_named else {}
    if recording.period is not None:
        arrays["angles"] = np.array(unit_of(recording.stimulus, recording.period))
    return arrays | {name: np.array(getattr(recording, name)) for name in FACTS}


def _drifting(values: npt.NDArray[Any], drift: float, rng: np.random.Generator) -> npt.NDArray[Any]:
    """A copy of responses in which each neuron's baseline moves evenly over the rows."""
    towards = rng.choice([-1.0, 1.0], values.shape[1])
    time = np.linspace(-0.5, 0.5, len(values))[:, None]
    return (values + drift * time * towards * values.std(axis=0)).astype(values.dtype)
