"""A recording: responses of neurons to stimuli, or what is known of them, and where they come from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError

__all__ = ["Recording"]


@dataclass(frozen=True)
class Recording:
    """Responses of a population of neurons to oriented stimuli, sorted by orientation.

    Build one with :meth:`from_responses` or, for a population known only by its representational dissimilarity
    matrix, :meth:`from_rdm`; both check what they are given.

    Attributes
    ----------
    name : str
        Stands in tables and pictures.
    orientation : ndarray, shape (n_stimuli,)
        Degrees from vertical, rising, no two alike.
    responses : DataArray, dimensions (stimulus, neuron), or None
        None when only the RDM is known. The coordinate ``orientation`` labels the stimuli.
    rdm : ndarray, shape (n_stimuli, n_stimuli), or None
        The published correlation RDM, when there are no responses.
    units : str
        Of the responses.
    species, area, source, citation, licence : str
        "not stated" where the source does not say.
    simulated : bool
        Whether no animal was recorded; whatever is made from it must say so.
    """

    name: str
    orientation: npt.NDArray[np.float64]
    responses: xr.DataArray | None
    rdm: npt.NDArray[np.float64] | None
    units: str = "not stated"
    species: str = "not stated"
    area: str = "not stated"
    source: str = "not stated"
    citation: str = "not stated"
    licence: str = "not stated"
    simulated: bool = False

    @classmethod
    def from_responses(cls, name: str, responses: Any, orientation: Any, **facts: Any) -> "Recording":
        """Make a recording from responses, shape (n_stimuli, n_neurons), to stimuli at `orientation` degrees.

        Raises
        ------
        InputError
            When shapes disagree, a value is not finite, an orientation stands twice, or there is one stimulus.

        Examples
        --------
        >>> recording = Recording.from_responses("toy", [[1.0, 2.0], [3.0, 1.0]], [90, 0], species="mouse")
        >>> recording.orientation
        array([ 0., 90.])
        >>> recording.responses.values
        array([[3., 1.],
               [1., 2.]])
        """
        values = as_responses(responses)
        degrees, order = _sorted_orientations(orientation, len(values))
        labelled = xr.DataArray(
            values[order],
            dims=("stimulus", "neuron"),
            coords={"orientation": ("stimulus", degrees, {"units": "degrees from vertical"})},
            name="responses",
            attrs={"units": facts.get("units", "not stated")},
        )
        return cls(name, degrees, labelled, None, **facts)

    @classmethod
    def from_rdm(cls, name: str, rdm: Any, orientation: Any, **facts: Any) -> "Recording":
        """Make a recording from a correlation RDM, shape (n_stimuli, n_stimuli), when responses are not published.

        Raises
        ------
        InputError
            When the matrix is not square, symmetric, finite, zero on the diagonal and within 0 and 2, or its shape
            disagrees with the orientations.
        """
        matrix = as_array(rdm, "rdm").astype(np.float64)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise InputError(f"rdm has shape {matrix.shape}; it must be square, stimulus x stimulus")
        if not np.isfinite(matrix).all():
            row, column = np.argwhere(~np.isfinite(matrix))[0]
            raise InputError(f"rdm is {matrix[row, column]} for stimuli {row} and {column}; it must be finite")
        if not np.allclose(matrix, matrix.T, atol=1e-5):
            raise InputError("rdm is not symmetric; it must hold the same value above and below the diagonal")
        if np.abs(np.diagonal(matrix)).max() > 1e-5:
            raise InputError("rdm is not zero on its diagonal; it must hold dissimilarities, not similarities")
        if matrix.min() < -1e-5 or matrix.max() > 2 + 1e-5:
            row, column = np.unravel_index(np.abs(matrix - 1).argmax(), matrix.shape)
            raise InputError(
                f"rdm is {matrix[row, column]:g} for stimuli {row} and {column}; correlation distances lie between 0 "
                "and 2"
            )
        degrees, order = _sorted_orientations(orientation, len(matrix))
        return cls(name, degrees, None, matrix[np.ix_(order, order)], **facts)

    @property
    def n_stimuli(self) -> int:
        """Number of stimuli."""
        return len(self.orientation)

    @property
    def n_neurons(self) -> int | None:
        """Number of neurons; None when only the RDM is known."""
        return None if self.responses is None else self.responses.shape[1]

    @property
    def covers_circle(self) -> bool:
        """Whether the orientations go all around their circle of 180 degrees, in steps that are much alike.

        Then neighbours are neighbours in fact, and every stimulus has one on both sides.

        Examples
        --------
        >>> responses = np.arange(24.0).reshape(12, 2) % 7
        >>> Recording.from_responses("toy", responses, np.arange(12) * 15).covers_circle
        True
        >>> Recording.from_responses("toy", responses, np.arange(12) * 5).covers_circle
        False
        """
        steps = np.diff(self.orientation, append=self.orientation[0] + 180)
        return self.n_stimuli >= 8 and float(steps.max()) <= 3 * float(np.median(steps))

    @property
    def label(self) -> str:
        """The name for tables and pictures, which always says when it is simulated."""
        return f"{self.name} (simulated)" if self.simulated and "simulated" not in self.name else self.name

    def describe(self) -> str:
        """Say in one sentence what this recording is.

        Examples
        --------
        >>> Recording.from_responses("toy", [[1.0, 2.0], [3.0, 1.0]], [90, 0], species="mouse").describe()
        'toy: 2 stimuli x 2 neurons, species mouse, area not stated'
        """
        known = "known only by its RDM" if self.n_neurons is None else f"x {self.n_neurons:,} neurons"
        kind = ", simulated: no animal was recorded" if self.simulated else ""
        return f"{self.label}: {self.n_stimuli} stimuli {known}, species {self.species}, area {self.area}{kind}"


def _sorted_orientations(orientation: Any, n_stimuli: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    degrees = as_array(orientation, "orientation").astype(np.float64)
    if degrees.ndim != 1 or len(degrees) != n_stimuli:
        raise InputError(
            f"orientation has shape {degrees.shape} but there are responses to {n_stimuli} stimuli; they must agree"
        )
    if n_stimuli < 2:
        raise InputError(f"there is {n_stimuli} stimulus; a comparison needs at least 3, and a useful one many more")
    if not np.isfinite(degrees).all():
        raise InputError(f"orientation of stimulus {np.flatnonzero(~np.isfinite(degrees))[0]} is not finite")
    values, counts = np.unique(degrees, return_counts=True)
    if counts.max() > 1:
        raise InputError(
            f"orientation {values[counts.argmax()]:g} stands {counts.max()} times; average repeated stimuli first, "
            "or set bin_width"
        )
    order = np.argsort(degrees)
    return degrees[order], order
