"""What is done to a recording's responses before they are compared: each step is a function, and is written down.

The order that :func:`normenc.recordings.load` follows, and that makes sense elsewhere too:

1. choose neurons (:func:`select`);
2. fold directions onto orientations, where wanted (:func:`fold`);
3. put stimuli into bins, where wanted (:func:`bin_stimuli`);
4. average the trials of each stimulus, which every step does by itself: a recording's ``responses`` always are the
   averages of its ``trials``;
5. z-score each neuron over stimuli, where wanted (:func:`z_score`), with the averages' mean and standard deviation.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.bins import bin_centres
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.recordings.recording import Recording
from normenc.texts import argument, visible

__all__ = [
    "bin_stimuli",
    "compares_numbers",
    "fold",
    "keep_responsive",
    "kept_by_labels",
    "only_responsive",
    "select",
    "z_score",
]

RESPONSIVE = "neurons that respond to a stimulus"  # as the step says that chose them
MOST_LISTED = 10
COMPARISON = re.compile(r"\s*([<>]=?)\s*([-+0-9.eE]+)\s*")


def select(recording: Recording, neurons: Any = None, **labels: Any) -> Recording:
    """Keep some of the neurons.

    Parameters
    ----------
    recording : Recording
        With responses.
    neurons : array_like, optional
        Indices, or a mask of shape (n_neurons,).
    **labels
        Values of the neurons' labels to keep, one or several: ``region="V1"``, ``quality=["good", "mua"]``.

    Raises
    ------
    InputError
        If the recording has no such label, or nothing is left; the message lists what there is.

    Examples
    --------
    >>> toy = Recording.from_responses("toy", np.eye(3), [0, 60, 120], neurons={"region": ["V1", "V1", "LM"]})
    >>> select(toy, region="V1").n_neurons
    2
    """
    responses = _responses(recording, "select")
    n_neurons = responses.shape[1]
    kept = np.arange(n_neurons)
    said = []
    if neurons is not None:
        chosen = np.asarray(neurons)
        if chosen.dtype == bool and chosen.shape != (n_neurons,):
            raise InputError(f"neurons is a mask of shape {chosen.shape}; there are {n_neurons} neurons")
        if chosen.dtype != bool and (chosen.dtype.kind not in "iu" or chosen.ndim != 1):
            raise InputError(f"neurons has type {chosen.dtype}; it must be indices or a mask")
        if chosen.dtype != bool and chosen.size and not -n_neurons <= chosen.min() <= chosen.max() < n_neurons:
            raise InputError(
                f"neurons has indices from {chosen.min()} to {chosen.max()}; there are {n_neurons} neurons"
            )
        kept = kept[chosen]
        said.append("chosen by index")
    if labels:
        own = {label: responses[label].values for label in NEURON_LABELS if label in responses.coords}
        with_labels, by = kept_by_labels({label: values[kept] for label, values in own.items()}, labels)
        kept = kept[with_labels]
        said.append(by)
    if not len(kept):
        raise InputError("no neuron is chosen; a population needs at least 2")
    return replace(
        recording,
        responses=responses[:, kept],
        trials=None if recording.trials is None else recording.trials[:, kept],
        blanks=None if recording.blanks is None else recording.blanks[:, kept],
        steps=(*recording.steps, f"kept {len(kept):,} of {n_neurons:,} neurons ({'; '.join(said)})"),
    )


def kept_by_labels(own: Mapping[str, npt.NDArray[Any]], wanted: Mapping[str, Any]) -> tuple[npt.NDArray[np.intp], str]:
    """Which neurons have labels that are wanted, and in words by what they were chosen.

    Raises
    ------
    InputError
        If there is no such label, or nothing is left.

    Examples
    --------
    >>> kept_by_labels({"region": np.array(["V1", "LM", "V1"])}, {"region": "V1"})
    (array([0, 2]), 'region V1')
    """
    mask, said = np.ones(len(next(iter(own.values()), [])), dtype=bool), []
    for name, one_or_several in wanted.items():
        if name not in NEURON_LABELS or name not in own:
            there = [label for label in NEURON_LABELS if label in own]
            raise InputError(f"the neurons have no label {name!r}; they have {', '.join(there) or 'none'}")
        is_one = isinstance(one_or_several, str) or not isinstance(one_or_several, Sequence)
        values = [one_or_several] if is_one else list(one_or_several)
        of_this = np.any([_has(own[name], visible(str(value)), name) for value in values], axis=0)
        if not (mask & of_this).any():
            raise InputError(f"no neuron has {name} {one_or_several!r}; there are {_listed(own[name][mask])}")
        mask &= of_this
        said.append(f"{name} {', '.join(map(str, values))}")
    return np.flatnonzero(mask), "; ".join(said)


def compares_numbers(wanted: Any) -> bool:
    """Whether all that is wanted of a label compares numbers, as ``">0.5"`` does.

    Examples
    --------
    >>> compares_numbers(">0.5"), compares_numbers(["good", ">=1"])
    (True, False)
    """
    values = [wanted] if isinstance(wanted, str) or not isinstance(wanted, Sequence) else list(wanted)
    return all(COMPARISON.fullmatch(str(value)) for value in values)


def _listed(labels: npt.NDArray[Any]) -> str:
    there = np.unique(labels)
    more = f" and {len(there) - MOST_LISTED} more" if len(there) > MOST_LISTED else ""
    return ", ".join(map(str, there[:MOST_LISTED])) + more


def keep_responsive(recording: Recording, *, alpha: float = 0.05) -> Recording:
    """Keep the neurons that respond to at least one stimulus more, or less, than to blanks.

    Each neuron is tested by :func:`normenc.tuning.responsiveness_p_values`; `alpha` bounds the false discovery rate.

    Raises
    ------
    InputError
        If there are no blanks or no repeated trials to test with, or fewer than 2 neurons respond.
    """
    responses = _responses(recording, "keep_responsive")
    if recording.blanks is None:
        raise InputError(
            f"{recording.name}: there are no trials without a stimulus to test responses against; name their code "
            "(such as blank=-1), or leave out responsive="
        )
    if recording.trials is None:
        raise InputError(f"{recording.name}: no stimulus was shown twice, so no neuron's response can be tested")

    from normenc import tuning

    index, n_blanks = recording.trials["stimulus_index"].values, len(recording.blanks)
    p_values = tuning.responsiveness_p_values(recording.trials.values, index, recording.blanks.values)
    kept = tuning.discoveries(p_values, alpha=alpha)
    if kept.sum() < 2:
        raise InputError(
            f"{recording.name}: {kept.sum()} of {len(kept):,} neurons respond significantly to a stimulus compared "
            f"with {n_blanks} blanks; a population needs at least 2"
        )
    selected = select(recording, kept)
    said = (
        f"kept {kept.sum():,} of {responses.shape[1]:,} {RESPONSIVE} (tested against "
        f"{n_blanks:,} blanks, false discovery rate {alpha:g})"
    )
    return replace(selected, steps=(*recording.steps, said))


def only_responsive(steps: Iterable[str]) -> bool:
    """Whether these steps left out the neurons that do not respond.

    Examples
    --------
    >>> only_responsive(["z-score over stimuli"])
    False
    """
    return any(RESPONSIVE in step for step in steps)


def fold(recording: Recording) -> Recording:
    """Fold directions of drift onto orientations: opposite directions become trials of one orientation.

    Orientations run from -90 up to but not including 90 degrees from vertical.

    Raises
    ------
    InputError
        If stimuli are no directions, or the population is known only by its RDM.

    Examples
    --------
    >>> toy = Recording.from_responses("toy", [[1.0, 0.0], [0.0, 1.0], [3.0, 0.0]], direction=[0, 90, 180])
    >>> fold(toy).orientation, fold(toy).responses.values
    (array([-90.,   0.]), array([[0., 1.],
           [2., 0.]]))
    """
    shown, orientation = recording.shown, recording.orientation
    if shown.folds_onto is None or orientation is None:
        raise InputError(
            f"{recording.name}: only directions can be folded onto orientations, but stimuli are {shown.plural}"
        )
    return _with_stimuli(recording, orientation, shown.folds_onto, f"folded {shown.plural} onto orientations")


def bin_stimuli(recording: Recording, width: float) -> Recording:
    """Put orientations or directions into bins, whose trials become trials of one stimulus: their mean.

    Bins are centred on the multiples of the width, around the circle: each holds what lies less than half a width away
    (and what lies half a width below), so that stimuli measured with errors stay with those that were meant.

    Parameters
    ----------
    recording : Recording
        With responses to gratings.
    width : float
        Degrees; the circle must be a whole number of widths.

    Raises
    ------
    InputError
        If stimuli are images, the width is not a number between 0 and half a period or does not divide it, all stimuli
        are in one bin, or a bin edge separates stimuli that are close together and far from others; the message names
        a width that works.

    Examples
    --------
    >>> toy = Recording.from_responses("toy", np.arange(8.0).reshape(4, 2), [0, 29, 30, 179])
    >>> bin_stimuli(toy, 10).orientation
    array([-0.5, 29.5])
    """
    if recording.period is None:
        raise InputError(f"{recording.name}: {recording.shown.plural} cannot be put into bins of degrees")
    counts = np.ones(recording.n_stimuli)
    if recording.trials is not None:
        counts = np.bincount(recording.trials["stimulus_index"].values, minlength=recording.n_stimuli).astype(float)
    centres = bin_centres(recording.stimulus, counts, recording.kind, width)
    return _with_stimuli(recording, centres, recording.kind, f"averaged within bins of {width:g} degrees")


def z_score(recording: Recording) -> Recording:
    """Z-score each neuron over stimuli: subtract the mean of its averages, divide by their standard deviation.

    Single trials are shifted and scaled by the same numbers, so that their averages are the z-scores. The standard
    deviation is that of the population (divided by n_stimuli). Neurons that do not vary over stimuli are left out.

    Raises
    ------
    InputError
        If the population is known only by its RDM, or fewer than two neurons vary.

    Examples
    --------
    >>> toy = Recording.from_responses("toy", [[1.0, 5.0], [3.0, 9.0]], [0, 90])
    >>> z_score(toy).responses.values
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    responses = _responses(recording, "z_score")
    values = responses.values.astype(np.float64)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    varies = spread > 1e-12 * np.abs(values).max(axis=0)
    if varies.sum() < 2:
        raise InputError(f"{recording.name}: {varies.sum()} neurons vary over stimuli; z-scores need at least 2")
    if not varies.all():
        recording = select(recording, varies)
        mean, spread = mean[varies], spread[varies]
    said = "z-scored each neuron over stimuli"

    def scaled(array: xr.DataArray) -> xr.DataArray:
        values = ((array.values.astype(np.float64) - mean) / spread).astype(array.dtype)
        return array.copy(data=values).assign_attrs(units="z-score over stimuli")

    assert recording.responses is not None
    return replace(
        recording,
        responses=scaled(recording.responses),
        trials=None if recording.trials is None else scaled(recording.trials),
        blanks=None if recording.blanks is None else scaled(recording.blanks),
        units="z-score over stimuli",
        steps=(*recording.steps, said),
    )


def _has(own: npt.NDArray[Any], wanted: str, name: str) -> npt.NDArray[np.bool_]:
    """Which labels are as wanted: equal, or of numbers also above or below one (">=0.5")."""
    match = COMPARISON.fullmatch(wanted)
    if match is None:
        if own.dtype.kind in "iufb":
            try:
                return own.astype(np.float64) == float(wanted)
            except ValueError:
                pass
        return own.astype(str) == wanted
    if own.dtype.kind not in "iuf":
        raise InputError(
            f"{name} {wanted} compares numbers, but here {name} is a name ({_listed(own)}); give one of these, or map "
            f"a label of numbers: {argument(names={name: 'NAME'})}"
        )
    compare = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}[match[1]]
    return np.asarray(compare(own.astype(np.float64), float(match[2])))


def _responses(recording: Recording, step: str) -> xr.DataArray:
    if recording.responses is None:
        raise InputError(f"{recording.name} is known only by its RDM; {step} needs responses")
    return recording.responses


def _with_stimuli(recording: Recording, stimulus: npt.NDArray[np.float64], kind: str, said: str) -> Recording:
    """Relabel the stimuli; those with equal labels become trials of one stimulus."""
    responses = _responses(recording, "this step")
    rows = responses if recording.trials is None else recording.trials
    index = np.arange(len(rows)) if recording.trials is None else rows["stimulus_index"].values
    stimuli: dict[str, Any] = {kind: stimulus[index]}
    made = Recording.from_trials(
        recording.name,
        rows.values,
        **stimuli,
        trials=_labels(rows, TRIAL_LABELS, "trial"),
        neurons=_labels(rows, NEURON_LABELS, "neuron"),
        units=recording.units,
    )
    again = tuple(step for step in made.steps if step not in recording.steps)
    return replace(
        recording,
        stimulus=made.stimulus,
        kind=kind,
        responses=made.responses,
        trials=made.trials,
        steps=(*recording.steps, said, *again),
    )


def _labels(rows: xr.DataArray, names: Sequence[str], dimension: str) -> Mapping[str, Any]:
    return {name: rows[name].values for name in names if name in rows.coords and rows[name].dims == (dimension,)}
