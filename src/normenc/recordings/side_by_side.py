"""Trials of animals, or sessions, that each have neurons of their own: joined side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.labels import without_stimulus

__all__ = ["SideBySide", "side_by_side"]

OWNERS = (("animal", "session"), ("animal",), ("session",))  # whose neurons may be, the finest first
MOST_NAMED = 6
Labels = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class SideBySide:
    """Responses of which each row has a trial of every animal.

    Attributes
    ----------
    responses : ndarray, shape (n_rows, n_neurons)
    stimulus : ndarray, shape (n_rows,)
    trials, neurons : mapping of str to ndarray
        Labels of the rows and of the neurons; these say whose they are (``neuron_animal``, ``neuron_session``).
    steps : tuple of str
        What was done, in words.
    """

    responses: npt.NDArray[Any]
    stimulus: npt.NDArray[Any]
    trials: Labels
    neurons: Labels
    steps: tuple[str, ...]


def side_by_side(
    responses: npt.NDArray[Any], stimulus: npt.NDArray[Any], of_trials: Labels, of_neurons: Labels
) -> SideBySide | None:
    """Join the trials of animals, or sessions, that each have their own neurons.

    In such an array the neurons of other animals are missing (NaN) in all trials of an animal. Its first trial of a
    stimulus is joined with the others' first trials of it, its second with their second, and so on, as if the animals
    had been recorded at once. Trials to which another animal has no counterpart are left out.

    Parameters
    ----------
    responses : ndarray, shape (n_trials, n_neurons)
    stimulus : ndarray, shape (n_trials,)
        Without a stimulus (NaN, or an empty name) trials are blanks, which are joined likewise.
    of_trials, of_neurons : mapping of str to ndarray
        Labels. ``animal`` and ``session`` of the trials, or ``neuron_animal`` and ``neuron_session``, say whose they
        are; one of the two will do, because the missing values determine the other.

    Returns
    -------
    SideBySide or None
        None if this is not such an array.

    Raises
    ------
    InputError
        If labels of trials and neurons disagree, or an animal did not see one of the stimuli.

    Examples
    --------
    >>> n = np.nan
    >>> rows = np.array([[1, n], [2, n], [n, 3], [n, 4], [n, 5]])
    >>> found = side_by_side(rows, np.array([0.0, 90, 90, 0, 0]), {"animal": np.array(list("aabbb"))}, {})
    >>> found.responses.tolist(), found.stimulus.tolist(), found.neurons["neuron_animal"].tolist()
    ([[1.0, 4.0], [2.0, 3.0]], [0.0, 90.0], ['a', 'b'])
    """
    if responses.dtype.kind != "f":
        return None
    there = ~np.isnan(responses)
    if there.all(axis=1).any() or there.all(axis=0).any():
        return None
    for what, trial, neuron in _owners(there, of_trials, of_neurons):
        names, codes = np.unique(np.concatenate([trial, neuron]), axis=0, return_inverse=True)
        of_trial, of_neuron = np.split(codes.ravel(), [len(trial)])
        own = of_trial[:, None] == of_neuron
        complete = len(set(of_trial.tolist())) == len(set(of_neuron.tolist())) == len(names)
        if len(names) > 1 and complete and not (there & ~own).any():
            said = [", ".join(name) for name in names.tolist()]
            rows = _partners(stimulus, of_trial, said, " and ".join(what))
            return _joined(
                responses, stimulus, (of_trials, of_neurons), rows, of_neuron, dict(zip(what, neuron.T, strict=True))
            )
    return None


def _owners(there: npt.NDArray[np.bool_], of_trials: Labels, of_neurons: Labels) -> Iterator[tuple[Any, Any, Any]]:
    """Ways to tell whose trials and neurons are: what names them, and the names of each trial and each neuron."""
    for what in OWNERS:
        trial = _named(of_trials, what)
        neuron = _named(of_neurons, [f"neuron_{name}" for name in what])
        if trial is not None:
            found = _of_others(trial, there)
            if found is None and neuron is None:
                continue
            if found is not None and neuron is not None and (found != neuron).any():
                place = int((found != neuron).any(axis=1).argmax())
                raise InputError(
                    f"neuron {place} is labelled as of {', '.join(neuron[place])}, but only trials of "
                    f"{', '.join(found[place])} have responses of it; correct the labels"
                )
            yield what, trial, neuron if neuron is not None else found
        elif neuron is not None:
            found = _of_others(neuron, there.T)
            if found is not None:
                yield what, found, neuron


def _named(labels: Labels, names: Any) -> npt.NDArray[np.str_] | None:
    """The names of each, shape (n, n_names), if all are known."""
    if not all(name in labels for name in names):
        return None
    return np.stack([np.asarray(labels[name]).astype(str) for name in names], axis=1)


def _of_others(names: npt.NDArray[np.str_], there: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_] | None:
    """The names of the columns, each of which has values in rows of one name alone; None if one has not."""
    every, code = np.unique(names, axis=0, return_inverse=True)
    has = np.array([there[code.ravel() == place].any(axis=0) for place in range(len(every))])
    return every[has.argmax(axis=0)] if (has.sum(axis=0) == 1).all() else None


def _partners(
    stimulus: npt.NDArray[Any], owner: npt.NDArray[np.intp], names: list[str], what: str
) -> npt.NDArray[np.intp]:
    """Rows that belong together, shape (n_rows, n_owners), in the order of the first owner's trials."""
    blank = without_stimulus(stimulus)
    every, index = np.unique(stimulus[~blank], return_inverse=True)
    code = np.full(len(stimulus), len(every))
    code[~blank] = index
    counts = np.array([np.bincount(code[owner == place], minlength=len(every) + 1) for place in range(len(names))])
    if (counts[:, :-1] == 0).any():
        seen = [f"{name} saw {own}" for name, own in zip(names, (counts[:, :-1] > 0).sum(axis=1), strict=True)]
        more = ", ..." if len(seen) > MOST_NAMED else ""
        raise InputError(
            f"each {what} has neurons of its own, and not all saw all {len(every):,} stimuli "
            f"({', '.join(seen[:MOST_NAMED])}{more}); stimuli='shared' keeps those that all saw"
        )
    fewest = counts.min(axis=0)
    rows = []
    for place in range(len(names)):
        own = np.flatnonzero(owner == place)
        own = own[np.argsort(code[own], kind="stable")]
        starts = np.concatenate([[0], np.cumsum(counts[place])[:-1]])
        rows.append(np.concatenate([own[start : start + n] for start, n in zip(starts, fewest, strict=True)]))
    together = np.stack(rows, axis=1)
    return together[np.argsort(together[:, 0], kind="stable")]


def _joined(
    responses: npt.NDArray[Any],
    stimulus: npt.NDArray[Any],
    labels: tuple[Labels, Labels],
    rows: npt.NDArray[np.intp],
    owner: npt.NDArray[np.intp],
    whose: Labels,
) -> SideBySide:
    of_trials, of_neurons = labels
    joined = np.empty((len(rows), responses.shape[1]), dtype=responses.dtype)
    for place in range(rows.shape[1]):
        joined[:, owner == place] = responses[np.ix_(rows[:, place], np.flatnonzero(owner == place))]
    kept, dropped = {}, []
    for name, values in of_trials.items():
        own = np.asarray(values)[rows]
        if name not in whose and (own == own[:, :1]).all():
            kept[name] = own[:, 0]
        elif name not in whose:
            dropped.append(name)
    left_out = len(responses) - rows.size
    what = " and ".join(whose)
    lost = f"; {' and '.join(dropped)} of these differed and is not kept" if dropped else ""
    steps = [f"left out {left_out:,} of {len(responses):,} trials without a counterpart in every {what}"] * bool(
        left_out
    )
    steps.append(
        f"joined {rows.size:,} trials of {rows.shape[1]} {what}s with different neurons into {len(rows):,} (the first "
        f"trial of each stimulus in every {what}, the second, and so on{lost})"
    )
    neurons = dict(of_neurons) | {f"neuron_{name}": names for name, names in whose.items()}
    return SideBySide(joined, stimulus[rows[:, 0]], kept, neurons, tuple(steps))
