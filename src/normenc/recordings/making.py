"""Recordings made from arrays: of averages, of trials, or of RDMs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import xarray as xr

from normenc.arrays import as_array, as_matrix, as_responses, check_range
from normenc.errors import InputError
from normenc.recordings.distances import checked_rdm
from normenc.recordings.labels import (
    NEURON_LABELS,
    TRIAL_LABELS,
    as_images,
    as_labels,
    as_stimulus,
    as_text,
    check_same_neurons,
    without_missing,
    without_stimulus,
)
from normenc.recordings.on_disk import picked
from normenc.recordings.rows import averaged, stimulus_rows, trial_rows
from normenc.recordings.side_by_side import side_by_side
from normenc.stimulus_types import STIMULUS_TYPES, StimulusType
from normenc.texts import visible_array

__all__ = ["MadeFromArrays"]


class MadeFromArrays:
    """Ways to make a recording from arrays; each checks its input."""

    if TYPE_CHECKING:  # defined by Recording

        def __init__(self, name: str, stimulus: Any, kind: str, responses: Any, rdm: Any = None, **known: Any) -> None:
            """See :class:`normenc.recordings.Recording`."""

    @classmethod
    def from_responses(
        cls,
        name: str,
        responses: Any,
        orientation: Any = None,
        *,
        direction: Any = None,
        image: Any = None,
        images: Any = None,
        neurons: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Self:
        """Make a recording from one row of responses per stimulus.

        Parameters
        ----------
        name : str
        responses : array_like, shape (n_stimuli, n_neurons)
        orientation : array_like, shape (n_stimuli,), optional
            Degrees from vertical, positive is tilted right.
        direction : array_like, shape (n_stimuli,), optional
            Of drift, degrees.
        image : array_like of str, shape (n_stimuli,), optional
            Names of the images; one of the three must be given, or stimuli of another type by its name, see
            :class:`normenc.stimulus_types.StimulusType`.
        images : array_like, shape (n_stimuli, height, width), optional
            The images, in the same order, grey or in colour (n_stimuli, height, width, 3): bytes (uint8), or values
            0 to 1.
        neurons : mapping of str to array_like, shape (n_neurons,), optional
            Labels of the neurons: ``neuron`` (a name), ``region``, ``quality``, ``neuron_animal``, ``neuron_session``.
        **facts
            ``units``, ``species``, ``area``, ``source``, ``citation``, ``licence``, ``simulated``.

        Raises
        ------
        InputError
            If shapes disagree, a value is not finite, a stimulus occurs twice, or there is one stimulus.

        Examples
        --------
        >>> from normenc.recordings import Recording
        >>> recording = Recording.from_responses("toy", [[1.0, 2.0], [3.0, 1.0]], [90, 0], species="mouse")
        >>> recording.orientation
        array([ 0., 90.])
        >>> recording.responses.values
        array([[3., 1.],
               [1., 2.]])
        """
        values = as_responses(responses, in_range=True)
        given, facts = _stimulus_among(facts, orientation, direction, image)
        stimulus, kind = as_stimulus(len(values), "stimuli", given)
        order = _order(stimulus, kind, "rows that repeat a stimulus are trials: give them to Recording.from_trials")
        of_neurons = as_labels(neurons, NEURON_LABELS, values.shape[1], "neuron")
        shown = None if images is None else picked(as_images(images, len(values), kind), order)
        labelled = stimulus_rows(values[order], stimulus[order], kind, of_neurons, facts)
        return cls(name, stimulus[order], kind.name, labelled, images=shown, **facts)

    @classmethod
    def from_trials(
        cls,
        name: str,
        responses: Any,
        orientation: Any = None,
        *,
        direction: Any = None,
        image: Any = None,
        images: Any = None,
        trials: Mapping[str, Any] | None = None,
        neurons: Mapping[str, Any] | None = None,
        missing: str = "error",
        **facts: Any,
    ) -> Self:
        """Make a recording from one row of responses per trial; trials of the same stimulus are averaged.

        Parameters
        ----------
        name : str
        responses : array_like, shape (n_trials, n_neurons)
        orientation, direction, image : array_like, shape (n_trials,), optional
            The stimulus of each trial, see :meth:`from_responses`; one of the three must be given. Trials without one
            (NaN, or an empty name) are blanks: they are kept separately, because they show which neurons respond.
        images : array_like, shape (n_stimuli, height, width), optional
            One for each different stimulus, in their sorted order.
        trials : mapping of str to array_like, shape (n_trials,), optional
            Labels of the trials: ``animal``, ``session``, ``repeat``.
        neurons : mapping of str to array_like, shape (n_neurons,), optional
            See :meth:`from_responses`.
        missing : str
            How NaN is treated: ``"error"`` refuses it, ``"neurons"`` leaves out neurons that have any, ``"trials"``
            leaves out trials that have any. If each animal, or session, has neurons of its own, which are NaN in the
            others' trials, these trials are joined first, and the recording's ``steps`` say so.
        **facts
            See :meth:`from_responses`.

        Raises
        ------
        InputError
            If shapes disagree, values are infinite or, unless `missing` says what becomes of them, missing, or all
            trials show one stimulus.

        Examples
        --------
        >>> from normenc.recordings import Recording
        >>> recording = Recording.from_trials("toy", [[1.0, 2.0], [3.0, 1.0], [5.0, 1.0]], [90, 0, 0])
        >>> recording.responses.values
        array([[4., 1.],
               [1., 2.]])
        >>> recording.trials["stimulus_index"].values, recording.n_repeats
        (array([1, 0, 0]), (1, 2))
        """
        values = as_matrix(responses)
        given, facts = _stimulus_among(facts, orientation, direction, image)
        stimulus, kind = as_stimulus(len(values), "trials", given)
        of_trials: Mapping[str, Any] = as_labels(trials, TRIAL_LABELS, len(values), "trial")
        of_neurons: Mapping[str, Any] = as_labels(neurons, NEURON_LABELS, values.shape[1], "neuron")
        joined = side_by_side(values, stimulus, of_trials, of_neurons)
        if joined is not None:
            values, stimulus, of_trials, of_neurons = joined.responses, joined.stimulus, joined.trials, joined.neurons
        is_blank = without_stimulus(stimulus)
        check_same_neurons(values, of_trials)
        check_range(values)
        kept, kept_neurons, steps = without_missing(values, missing)
        steps = steps if joined is None else (*joined.steps, *steps)
        if not kept_neurons.all():
            values = values[:, kept_neurons]
            of_neurons = {key: labels[kept_neurons] for key, labels in of_neurons.items()}
        blanks = None
        if is_blank.any():
            blanks = trial_rows(values[kept & is_blank], of_trials, kept & is_blank, of_neurons, facts).rename("blanks")
            steps = (*steps, f"left out {is_blank.sum():,} of {len(is_blank):,} trials without a stimulus (blanks)")
        every = np.unique(stimulus[~is_blank])
        kept = kept & ~is_blank
        distinct, index, counts = np.unique(stimulus[kept], return_inverse=True, return_counts=True)
        if len(distinct) < 2:
            raise InputError(
                f"all trials show one stimulus, {kind.noun} {_named(distinct[0])}; a comparison needs at least 3"
            )
        values = values if kept.all() else values[kept]
        shown = None
        if images is not None:
            shown = as_images(images, len(every), kind)
            places = _places_as_shown(image) if kind.is_named else np.arange(len(every))
            shown = picked(shown, places[np.isin(every, distinct)])
        if counts.max() == 1:
            averages, rows = values[np.argsort(index)], None
        else:
            averages = averaged(values, index, len(distinct))
            steps = (*steps, "averaged over the trials of each stimulus")
            rows = trial_rows(values, of_trials, kept, of_neurons, facts).rename("trials")
            rows = rows.assign_coords({"stimulus_index": ("trial", index), kind.name: ("trial", distinct[index])})
        labelled = stimulus_rows(averages, distinct, kind, of_neurons, facts)
        return cls(name, distinct, kind.name, labelled, trials=rows, blanks=blanks, images=shown, steps=steps, **facts)

    @classmethod
    def from_rdm(
        cls,
        name: str,
        rdm: Any,
        orientation: Any = None,
        *,
        direction: Any = None,
        image: Any = None,
        images: Any = None,
        rdm_metric: str = "correlation",
        subjects: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Self:
        """Make a recording from RDMs, when responses are not published.

        Parameters
        ----------
        name : str
        rdm : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
            Of one population, or of several subjects. NaN on the diagonal is allowed.
        orientation, direction, image : array_like, shape (n_stimuli,), optional
            See :meth:`from_responses`; one of the three must be given.
        images : array_like, shape (n_stimuli, height, width), optional
            The images, in the same order, grey or in colour (n_stimuli, height, width, 3): bytes (uint8), or values
            0 to 1.
        rdm_metric : str
            The dissimilarity in the matrices: ``"correlation"`` (one minus the correlation, 0 to 2), or another by its
            name, such as ``"euclidean"`` or ``"crossnobis"`` (which may be negative).
        subjects : mapping of str to array_like, shape (n_rdms,), optional
            Labels of the RDMs: ``animal``, ``session``, or both. Without either, each is from a different animal.
        **facts
            See :meth:`from_responses`.

        Raises
        ------
        InputError
            If a matrix is not square, symmetric, finite, zero on the diagonal or, for correlations, between
            0 and 2; its shape disagrees with the stimuli, or a stimulus occurs twice.

        Examples
        --------
        >>> from normenc.recordings import Recording
        >>> toy = Recording.from_rdm("toy", [[[0, 1], [1, 0]], [[0, 2], [2, 0]]], image=["face", "house"])
        >>> toy.animals, float(toy.rdm[0, 1])
        (('1', '2'), 1.5)
        """
        matrices = as_array(rdm, "rdm").astype(np.float64, copy=False)
        several = matrices.ndim == 3
        matrices = np.stack([checked_rdm(matrix, rdm_metric) for matrix in (matrices if several else [matrices])])
        given, facts = _stimulus_among(facts, orientation, direction, image)
        stimulus, kind = as_stimulus(matrices.shape[1], "stimuli", given)
        order = _order(stimulus, kind, "an RDM has one row per stimulus")
        if (np.diff(order) < 0).any():
            stimulus, matrices = stimulus[order], matrices[:, order[:, None], order]
        shown = None if images is None else picked(as_images(images, len(stimulus), kind), order)
        of_subjects = as_labels(subjects, ("animal", "session"), len(matrices), "RDM")
        if several and not of_subjects:
            of_subjects = {"animal": np.arange(1, len(matrices) + 1).astype(str)}
        labelled = xr.DataArray(
            matrices,
            {key: ("subject", labels) for key, labels in of_subjects.items()},
            ("subject", "stimulus", "stimulus_2"),
        )
        return cls(
            name,
            stimulus,
            kind.name,
            None,
            matrices.mean(axis=0),
            rdms=labelled if several else None,
            rdm_metric=rdm_metric,
            images=shown,
            **facts,
        )


def _stimulus_among(
    facts: Mapping[str, Any], orientation: Any, direction: Any, image: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The stimuli by the name of their type, and the facts without those of other types."""
    others = {name: values for name, values in facts.items() if name in STIMULUS_TYPES}
    given = {"orientation": orientation, "direction": direction, "image": image} | others
    return given, {name: fact for name, fact in facts.items() if name not in others}


def _order(stimulus: npt.NDArray[Any], kind: StimulusType, advice: str) -> npt.NDArray[np.intp]:
    """The places of the stimuli when sorted; each must occur once."""
    distinct, counts = np.unique(stimulus, return_counts=True)
    if counts.max() > 1:
        one = f"{kind.noun} {_named(distinct[counts.argmax()])}"
        raise InputError(f"{one} occurs {counts.max()} times; {advice}")
    return np.argsort(stimulus, kind="stable")


def _places_as_shown(image: Any) -> npt.NDArray[np.intp]:
    """Places of the sorted names of images in the order of the names as shown."""
    names = np.unique(as_text(image, "image"))
    return np.argsort(visible_array(names[~without_stimulus(names)]), kind="stable")


def _named(stimulus: Any) -> str:
    return repr(str(stimulus)) if isinstance(stimulus, str) else f"{stimulus:g}"
