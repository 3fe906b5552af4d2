"""A recording: responses of neurons to stimuli, or what is known of them, and where they come from."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.recordings.making import MadeFromArrays
from normenc.recordings.overview import fact_table, own_rdm
from normenc.showing import Shown
from normenc.stimulus_types import StimulusType, as_type
from normenc.texts import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Recording"]


@dataclass(frozen=True, repr=False)
class Recording(MadeFromArrays, Shown):
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
        period 360; the grating of direction d has the orientation d), ``"image"``, or another type by its name; see
        `shown`.
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
    images : ndarray, shape (n_stimuli, height, width) or (n_stimuli, height, width, 3), or None
        If stimuli are images: grey or in colour, as recorded; bytes (uint8, 0 to 255), or values from 0 (black) to 1
        (white). Those of a folder, or a file of their own, stay on disk: ``np.asarray(images)`` reads all.
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
    images: Any = None
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

    @property
    def shown(self) -> StimulusType:
        """What was shown: the type of the stimuli, with their period, their unit and their words.

        Examples
        --------
        >>> Recording.from_responses("toy", np.eye(3), direction=[0, 90, 180]).shown.units
        'degrees of drift'
        """
        return as_type(self.kind)

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
        """Degrees after which stimuli come again: 180 for orientation, 360 for direction; None without a circle."""
        return self.shown.period

    @property
    def orientation(self) -> npt.NDArray[np.float64] | None:
        """Orientation of gratings, degrees from vertical: of directions from -90 up to 90; None of other stimuli."""
        return self.shown.orientation_of(self.stimulus)

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
        return self.shown.covers_circle(self.stimulus)

    @property
    def has_neighbours(self) -> bool:
        """Whether stimuli go around a circle and are enough to be drawn in blocks of neighbours: at least 8."""
        return self.shown.has_neighbours(self.stimulus)

    @property
    def around_circle(self) -> npt.NDArray[np.float64] | None:
        """Positions of stimuli that have neighbours around their circle, degrees of 360; None of others.

        Examples
        --------
        >>> Recording.from_responses("toy", np.eye(8), np.arange(8) * 22.5).around_circle
        array([  0.,  45.,  90., 135., 180., 225., 270., 315.])
        """
        if not self.has_neighbours or self.period is None:
            return None
        return np.asarray(self.stimulus, dtype=np.float64) * (360 / self.period)

    @property
    def n_different_images(self) -> int:
        """How many different images the stimuli are: gratings that drift in opposite directions are one.

        Examples
        --------
        >>> Recording.from_responses("toy", np.eye(4), direction=[0, 90, 180, 270]).n_different_images
        2
        """
        return self.shown.n_different_images(self.stimulus)

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
        facts = [f", {name} {fact}" for name in ("species", "area") if (fact := getattr(self, name)) != "simulated"]
        return f"{self.label}: {self.n_stimuli} stimuli{known}{repeats}{animals}{''.join(facts)}{kind}"

    def _title(self) -> str:
        return self.describe()

    def summary(self) -> pd.DataFrame:
        """What is known about the recording: one row per fact, with its name as the index; the column is ``value``.

        Examples
        --------
        >>> toy = Recording.from_trials("toy", [[1.0, 2.0], [3.0, 1.0], [5.0, 1.0]], [90, 0, 0], area="V1")
        >>> toy.summary().loc[["stimuli", "trials", "area"], "value"].to_list()
        ['2 orientations, 0 to 90 degrees', '3, 1 to 2 per stimulus', 'V1']
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
        places, shown = self.shown.places(self.stimulus), {self.label: own_rdm(self)}
        return figures.rdms(shown, places, metric=self.rdm_metric, shown=self.kind, axes=given).flat[0]

    def to_xarray(self) -> xr.Dataset:
        """The recording as a Dataset, see :func:`normenc.recordings.to_xarray`."""
        from normenc.recordings.conversion import to_xarray

        return to_xarray(self)


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"
