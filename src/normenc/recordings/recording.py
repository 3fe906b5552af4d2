"""A recording: responses of neurons to stimuli, or what is known of them, and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.arrays import as_array, as_matrix, as_responses, check_range
from normenc.errors import InputError
from normenc.recordings.distances import checked_rdm
from normenc.recordings.labels import (
    DECIMALS,
    NEURON_LABELS,
    PERIODS,
    TRIAL_LABELS,
    as_images,
    as_labels,
    as_stimulus,
    as_text,
    check_same_neurons,
    without_missing,
    without_stimulus,
)
from normenc.recordings.overview import fact_table, own_rdm
from normenc.showing import Shown
from normenc.texts import visible, visible_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["STIMULUS_UNITS", "Recording", "all_rows"]

MANY = 8  # stimuli around a circle from which on they can be drawn in blocks of neighbours
STIMULUS_UNITS = {"orientation": "degrees from vertical", "direction": "degrees of drift", "image": "name"}


@dataclass(frozen=True, repr=False)
class Recording(Shown):
    """Responses of a population of neurons to stimuli: gratings, sorted by orientation or direction, or images.

    Build one with :meth:`from_trials`, with :meth:`from_responses` where trials are averaged already or, for a
    population known only by its representational dissimilarity matrix, with :meth:`from_rdm`; all check what they are
    given.

    Neurons have names, the coordinate ``neuron``: those of the file or, without any, their numbers in it, counted from
    0 before any was left out.

    Attributes
    ----------
    name : str
        Shown in tables and pictures. In all texts, including labels, invisible characters are shown as escapes.
    stimulus : ndarray, shape (n_stimuli,)
        Degrees, rising, no two alike, or the images' names.
    kind : str
        What `stimulus` is: ``"orientation"`` (degrees from vertical, period 180), ``"direction"`` (of drift, degrees,
        period 360; the grating of direction d has the orientation d) or ``"image"``.
    responses : DataArray, dimensions (stimulus, neuron), or None
        Averages over trials; None when only the RDM is known. The coordinate named by `kind` labels the stimuli.
    rdm : ndarray, shape (n_stimuli, n_stimuli), or None
        The RDM, when responses are not published or were too many to keep; of several subjects, their mean.
    rdms : DataArray, dimensions (subject, stimulus, stimulus_2), or None
        The RDMs of several subjects (or sessions), labelled by whichever of ``animal`` and ``session`` are known.
    rdm_metric : str
        What `rdm` and `rdms` hold: ``"correlation"`` (one minus the correlation), or another dissimilarity by its name.
    trials : DataArray, dimensions (trial, neuron), or None
        Single trials if they are known and a stimulus was shown more than once, labelled by ``stimulus_index`` (row
        of `responses`) and whichever of ``animal``, ``session``, ``repeat`` are known.
    blanks : DataArray, dimensions (trial, neuron), or None
        Responses in trials without a stimulus. They are not a stimulus; they show which neurons respond.
    images : ndarray, shape (n_stimuli, height, width), or None
        Grey values 0 (black) to 1 (white), where stimuli are images.
    read_as : str
        How the array in the file was read, such as "13 repeats x 24 stimuli x 50 neurons"; empty if it was given in
        Python.
    steps : tuple of str
        What was done to the responses since they were recorded, in order.
    notes : tuple of str
        What else was understood, chosen or left out when the file was read.
    cautions : tuple of str
        What about the file speaks for another reading, or is averaged over.
    units : str
        Of the responses.
    species, area, source, citation, licence : str
        "not stated" where the source does not say.
    simulated : bool
        Whether no animal was recorded; whatever is made from it must say so.
    """

    name: str
    stimulus: npt.NDArray[Any]
    kind: str
    responses: xr.DataArray | None
    rdm: npt.NDArray[np.float64] | None = None
    trials: xr.DataArray | None = None
    images: npt.NDArray[np.float32] | None = None
    rdms: xr.DataArray | None = None
    rdm_metric: str = "correlation"
    blanks: xr.DataArray | None = None
    read_as: str = ""
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    units: str = "not stated"
    species: str = "not stated"
    area: str = "not stated"
    source: str = "not stated"
    citation: str = "not stated"
    licence: str = "not stated"
    simulated: bool = False

    def __post_init__(self) -> None:
        for fact in fields(self):
            value = getattr(self, fact.name)
            if isinstance(value, str):
                object.__setattr__(self, fact.name, visible(value))
            elif isinstance(value, tuple):
                object.__setattr__(self, fact.name, tuple(visible(text) for text in value))

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
    ) -> "Recording":
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
            Names of the images; one of the three must be given.
        images : array_like, shape (n_stimuli, height, width), optional
            The images, in the same order, grey values 0 to 1.
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
        >>> recording = Recording.from_responses("toy", [[1.0, 2.0], [3.0, 1.0]], [90, 0], species="mouse")
        >>> recording.orientation
        array([ 0., 90.])
        >>> recording.responses.values
        array([[3., 1.],
               [1., 2.]])
        """
        values = as_responses(responses, in_range=True)
        stimulus, kind = as_stimulus(len(values), "stimuli", orientation, direction, image)
        found, counts = np.unique(stimulus, return_counts=True)
        if counts.max() > 1:
            raise InputError(
                f"{kind} {_named(found[counts.argmax()])} occurs {counts.max()} times; rows that repeat a stimulus are "
                "trials: give them to Recording.from_trials"
            )
        order = np.argsort(stimulus, kind="stable")
        of_neurons = as_labels(neurons, NEURON_LABELS, values.shape[1], "neuron")
        shown = None if images is None else as_images(images, len(values), kind)[order]
        labelled = _labelled(values[order], stimulus[order], kind, of_neurons, facts)
        return cls(name, stimulus[order], kind, labelled, images=shown, **facts)

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
    ) -> "Recording":
        """Make a recording from one row of responses per trial; trials of the same stimulus are averaged.

        Parameters
        ----------
        name : str
        responses : array_like, shape (n_trials, n_neurons)
        orientation, direction, image : array_like, shape (n_trials,), optional
            The stimulus of each trial, see :meth:`from_responses`; one of the three must be given. Trials without one
            (NaN, or an empty name) are blanks: they are kept separately, because they show which neurons respond.
        images : array_like, shape (n_stimuli, height, width), optional
            One for each different `image`, in the order of their sorted names.
        trials : mapping of str to array_like, shape (n_trials,), optional
            Labels of the trials: ``animal``, ``session``, ``repeat``.
        neurons : mapping of str to array_like, shape (n_neurons,), optional
            See :meth:`from_responses`.
        missing : str
            What becomes of NaN: ``"error"`` refuses it, ``"neurons"`` leaves out neurons that have any, ``"trials"``
            leaves out trials that have any.
        **facts
            See :meth:`from_responses`.

        Raises
        ------
        InputError
            If shapes disagree, values are infinite or, unless `missing` says what becomes of them, missing, or all
            trials show one stimulus.

        Examples
        --------
        >>> recording = Recording.from_trials("toy", [[1.0, 2.0], [3.0, 1.0], [5.0, 1.0]], [90, 0, 0])
        >>> recording.responses.values
        array([[4., 1.],
               [1., 2.]])
        >>> recording.trials["stimulus_index"].values, recording.n_repeats
        (array([1, 0, 0]), (1, 2))
        """
        values = as_matrix(responses)
        stimulus, kind = as_stimulus(len(values), "trials", orientation, direction, image)
        is_blank = without_stimulus(stimulus)
        of_trials = as_labels(trials, TRIAL_LABELS, len(values), "trial")
        of_neurons = as_labels(neurons, NEURON_LABELS, values.shape[1], "neuron")
        check_same_neurons(values, of_trials)
        check_range(values)
        kept, kept_neurons, steps = without_missing(values, missing)
        if not kept_neurons.all():
            values = values[:, kept_neurons]
            of_neurons = {key: labels[kept_neurons] for key, labels in of_neurons.items()}
        blanks = None
        if is_blank.any():
            blanks = _rows(values[kept & is_blank], of_trials, kept & is_blank, of_neurons, facts).rename("blanks")
            steps = (*steps, f"left out {is_blank.sum():,} of {len(is_blank):,} trials without a stimulus (blanks)")
        every = np.unique(stimulus[~is_blank])
        kept = kept & ~is_blank
        found, index, counts = np.unique(stimulus[kept], return_inverse=True, return_counts=True)
        if len(found) < 2:
            raise InputError(f"all trials show one stimulus, {kind} {_named(found[0])}; a comparison needs at least 3")
        values = values if kept.all() else values[kept]
        shown = None
        if images is not None:
            ordered = as_images(images, len(every), kind)[_places_as_shown(image)]
            shown = ordered[np.isin(every, found)]
        if counts.max() == 1:
            averages, rows = values[np.argsort(index)], None
        else:
            averages = averaged(values, index, len(found))
            steps = (*steps, "averaged over the trials of each stimulus")
            rows = _rows(values, of_trials, kept, of_neurons, facts).rename("trials")
            rows = rows.assign_coords({"stimulus_index": ("trial", index), kind: ("trial", found[index])})
        labelled = _labelled(averages, found, kind, of_neurons, facts)
        return cls(name, found, kind, labelled, trials=rows, blanks=blanks, images=shown, steps=steps, **facts)

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
    ) -> "Recording":
        """Make a recording from RDMs, when responses are not published.

        Parameters
        ----------
        name : str
        rdm : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli)
            Of one population, or of several subjects. What the diagonal holds does not matter where it is NaN.
        orientation, direction, image : array_like, shape (n_stimuli,), optional
            See :meth:`from_responses`; one of the three must be given.
        images : array_like, shape (n_stimuli, height, width), optional
            The images, in the same order, grey values 0 to 1.
        rdm_metric : str
            What the matrices hold: ``"correlation"`` (one minus the correlation, 0 to 2), or any other dissimilarity by
            its name, such as ``"euclidean"`` or ``"crossnobis"`` (which may be negative).
        subjects : mapping of str to array_like, shape (n_rdms,), optional
            Whose each RDM is: ``animal``, ``session``, or both. Without either, each is of an animal of its own.
        **facts
            See :meth:`from_responses`.

        Raises
        ------
        InputError
            If a matrix is not square, symmetric, finite, zero on the diagonal or, where it is of correlations, within
            0 and 2; its shape disagrees with the stimuli, or a stimulus occurs twice.

        Examples
        --------
        >>> toy = Recording.from_rdm("toy", [[[0, 1], [1, 0]], [[0, 2], [2, 0]]], image=["face", "house"])
        >>> toy.animals, float(toy.rdm[0, 1])
        (('1', '2'), 1.5)
        """
        matrices = as_array(rdm, "rdm").astype(np.float64, copy=False)
        several = matrices.ndim == 3
        matrices = np.stack([checked_rdm(matrix, rdm_metric) for matrix in (matrices if several else [matrices])])
        stimulus, kind = as_stimulus(matrices.shape[1], "stimuli", orientation, direction, image)
        found, counts = np.unique(stimulus, return_counts=True)
        if counts.max() > 1:
            raise InputError(
                f"{kind} {_named(found[counts.argmax()])} occurs {counts.max()} times; an RDM has one row per stimulus"
            )
        order = np.argsort(stimulus, kind="stable")
        if (np.diff(order) < 0).any():
            stimulus, matrices = stimulus[order], matrices[:, order[:, None], order]
        shown = None if images is None else as_images(images, len(stimulus), kind)[order]
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
            kind,
            None,
            matrices.mean(axis=0),
            rdms=labelled if several else None,
            rdm_metric=rdm_metric,
            images=shown,
            **facts,
        )

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return len(self.stimulus)

    @property
    def n_neurons(self) -> int | None:
        """Number of neurons; None when only the RDM is known."""
        return None if self.responses is None else self.responses.shape[1]

    @property
    def n_trials(self) -> int | None:
        """Number of trials; None when they are not known."""
        return None if self.trials is None else self.trials.shape[0]

    @property
    def n_repeats(self) -> tuple[int, int]:
        """Fewest and most trials that any stimulus has; (1, 1) where trials are not known."""
        if self.trials is None:
            return 1, 1
        counts = np.bincount(self.trials["stimulus_index"].values, minlength=self.n_stimuli)
        return int(counts.min()), int(counts.max())

    @property
    def period(self) -> float | None:
        """Degrees after which stimuli come again: 180 for orientation, 360 for direction, None for images."""
        return PERIODS.get(self.kind)

    @property
    def orientation(self) -> npt.NDArray[np.float64] | None:
        """Orientation of the gratings, degrees from vertical: of directions from -90 up to 90; None for images."""
        if self.kind == "direction":
            return np.mod(self.stimulus + 90, 180) - 90
        return self.stimulus if self.kind == "orientation" else None

    @property
    def animals(self) -> tuple[str, ...]:
        """Names of the animals, sorted, whether trials or neurons are labelled with them; empty if not stated."""
        return self._names("animal")

    @property
    def sessions(self) -> tuple[str, ...]:
        """Names of the sessions, sorted, whether trials or neurons are labelled with them; empty if not stated."""
        return self._names("session")

    def _names(self, what: str) -> tuple[str, ...]:
        if self.rdms is not None and what in self.rdms.coords:
            return tuple(dict.fromkeys(self.rdms[what].to_numpy().tolist()))
        if self.trials is not None and what in self.trials.coords:
            return tuple(np.unique(self.trials[what].values).tolist())
        if self.responses is not None and f"neuron_{what}" in self.responses.coords:
            return tuple(np.unique(self.responses[f"neuron_{what}"].values).tolist())
        return ()

    @property
    def covers_circle(self) -> bool:
        """Whether the orientations, or directions, go all around their circle in steps that are much alike.

        Examples
        --------
        >>> responses = np.arange(24.0).reshape(12, 2) % 7
        >>> Recording.from_responses("toy", responses, np.arange(12) * 15).covers_circle
        True
        >>> Recording.from_responses("toy", responses, np.arange(12) * 5).covers_circle
        False
        """
        if self.period is None:
            return False
        steps = np.diff(self.stimulus, append=self.stimulus[0] + self.period)
        # Of few stimuli, two clusters could pass for even steps by their median alone.
        even = 1.25 * self.period / self.n_stimuli if self.n_stimuli < MANY else 3 * float(np.median(steps))
        return float(steps.max()) <= even + 1e-6

    @property
    def has_neighbours(self) -> bool:
        """Whether stimuli go around a circle and are enough to be drawn in blocks of neighbours: at least 8."""
        return self.covers_circle and self.n_stimuli >= MANY

    @property
    def n_different_images(self) -> int:
        """How many different images the stimuli are: gratings that drift in opposite directions are one.

        Examples
        --------
        >>> Recording.from_responses("toy", np.eye(4), direction=[0, 90, 180, 270]).n_different_images
        2
        """
        if self.period is None:
            return self.n_stimuli
        return len(np.unique(np.round(np.mod(self.stimulus, 180.0), DECIMALS) % 180.0))

    @property
    def label(self) -> str:
        """The name for tables and pictures, which always says when it is simulated."""
        return f"{self.name} (simulated)" if self.simulated and "simulated" not in self.name else self.name

    @property
    def whose(self) -> str:
        """What the animals are called: subjects, where they are people or published RDMs do not say."""
        human = self.rdms is not None or self.species.lower() in ("human", "homo sapiens")
        return "subjects" if human else "animals"

    def describe(self) -> str:
        """Say in one sentence what this recording is.

        Examples
        --------
        >>> Recording.from_responses("toy", [[1.0, 2.0], [3.0, 1.0]], [90, 0], species="mouse").describe()
        'toy: 2 stimuli x 2 neurons, species mouse, area not stated'
        """
        known = f", known only by {'an RDM' if self.rdms is None else 'RDMs'}"
        if self.n_neurons is not None:
            known = f" x {_counted(self.n_neurons, 'neuron')}"
        low, high = self.n_repeats
        repeats = "" if high == 1 else f", {low} to {high} trials each" if low < high else f", {low} trials each"
        animals = f", {len(self.animals)} {self.whose}" if len(self.animals) > 1 else ""
        kind = ", simulated: no animal was recorded" if self.simulated else ""
        return (
            f"{self.label}: {self.n_stimuli} stimuli{known}{repeats}{animals}, species {self.species}, "
            f"area {self.area}{kind}"
        )

    def _title(self) -> str:
        return self.describe()

    def summary(self) -> pd.DataFrame:
        """What is known about the recording: one row per fact, with its name as the index; the column is ``value``.

        Examples
        --------
        >>> toy = Recording.from_trials("toy", [[1.0, 2.0], [3.0, 1.0], [5.0, 1.0]], [90, 0, 0], area="V1")
        >>> toy.summary().loc[["stimuli", "trials", "area"], "value"].to_list()
        ['2 orientations, 0 to 90 degrees', '3, 1 to 2 a stimulus', 'V1']
        """
        return fact_table(self)

    def plot(self, *, axes: "Axes | None" = None) -> "Axes":
        """Draw the recording's RDM: the published one, or one minus the correlation of its averages.

        Parameters
        ----------
        axes : Axes, optional
            A new figure by default.

        Returns
        -------
        Axes
        """
        from normenc import figures

        given = None if axes is None else np.array([axes], dtype=object)
        stimulus = np.arange(self.n_stimuli) if self.period is None else self.stimulus
        shown = {self.label: own_rdm(self)}
        return figures.rdms(shown, stimulus, metric=self.rdm_metric, period=self.period, axes=given).flat[0]

    def to_xarray(self) -> xr.Dataset:
        """The recording as a Dataset, see :func:`normenc.recordings.to_xarray`."""
        from normenc.recordings.conversion import to_xarray

        return to_xarray(self)


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"


def all_rows(recording: Recording) -> xr.DataArray:
    """Every row of responses that is known, trials or averages, and after them blanks, whose stimulus is missing."""
    assert recording.responses is not None
    rows = recording.responses if recording.trials is None else recording.trials
    if recording.blanks is None:
        return rows
    kind, blanks = recording.kind, recording.blanks
    missing = np.full(len(blanks), np.nan if recording.period is not None else "", dtype=rows[kind].dtype)
    coords: dict[str, Any] = {kind: ("trial", np.concatenate([rows[kind].to_numpy(), missing]))}
    for label in (label for label in TRIAL_LABELS if label in blanks.coords and label in rows.coords):
        coords[label] = ("trial", np.concatenate([rows[label].to_numpy(), blanks[label].to_numpy()]))
    coords |= {label: ("neuron", rows[label].to_numpy()) for label in NEURON_LABELS if label in rows.coords}
    values = np.concatenate([rows.to_numpy(), blanks.to_numpy()])
    return xr.DataArray(values, coords, ("trial", "neuron"), rows.name, rows.attrs)


def averaged(values: npt.NDArray[Any], index: npt.NDArray[np.intp], n_stimuli: int) -> npt.NDArray[Any]:
    """Mean over the rows of each stimulus, summed in float64, in the responses' own type."""
    from scipy import sparse

    counts = np.bincount(index, minlength=n_stimuli)
    averaging = sparse.csr_array((1 / counts[index], (index, np.arange(len(index)))), shape=(n_stimuli, len(index)))
    return (averaging @ values).astype(values.dtype)


def _rows(
    values: npt.NDArray[Any],
    of_trials: Mapping[str, npt.NDArray[Any]],
    chosen: npt.NDArray[np.bool_],
    of_neurons: Mapping[str, npt.NDArray[Any]],
    facts: Mapping[str, Any],
) -> xr.DataArray:
    """Responses in the chosen trials, with the labels of these and of the neurons."""
    coords: dict[str, Any] = {key: ("trial", labels[chosen]) for key, labels in of_trials.items()}
    coords |= {key: ("neuron", labels) for key, labels in of_neurons.items()}
    return xr.DataArray(
        values, coords, ("trial", "neuron"), attrs={"units": visible(str(facts.get("units", "not stated")))}
    )


def _places_as_shown(image: Any) -> npt.NDArray[np.intp]:
    """Places of the sorted names of images in the order in which they are sorted as they are shown."""
    names = np.unique(as_text(image, "image"))
    return np.argsort(visible_array(names[~without_stimulus(names)]), kind="stable")


def _named(stimulus: Any) -> str:
    return repr(str(stimulus)) if isinstance(stimulus, str) else f"{stimulus:g}"


def _labelled(
    values: npt.NDArray[Any],
    stimulus: npt.NDArray[Any],
    kind: str,
    neurons: Mapping[str, npt.NDArray[Any]],
    facts: Mapping[str, Any],
) -> xr.DataArray:
    return xr.DataArray(
        values,
        dims=("stimulus", "neuron"),
        coords={kind: ("stimulus", stimulus, {"units": STIMULUS_UNITS[kind]})}
        | {key: ("neuron", labels) for key, labels in neurons.items()},
        name="responses",
        attrs={"units": visible(str(facts.get("units", "not stated")))},
    )
