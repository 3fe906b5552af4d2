"""Recordings from and to xarray."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.angles import unit_of
from normenc.recordings.formats.netcdf import arrays_of, bare
from normenc.recordings.labels import as_stimulus
from normenc.recordings.naming import TEXTS, understand
from normenc.recordings.preparation import Preparation
from normenc.recordings.recording import Recording
from normenc.recordings.rows import all_rows
from normenc.stimulus_types import STIMULUS_TYPES, as_type
from normenc.texts import argument

__all__ = ["facts_of", "from_xarray", "rdm_to_xarray", "to_xarray"]


def from_xarray(
    data: xr.DataArray | xr.Dataset,
    name: str,
    *,
    names: Mapping[str, str] | None = None,
    axes: str | Sequence[str] | None = None,
    angles: str | None = None,
    missing: str = "error",
    **facts: Any,
) -> Recording:
    """Make a recording from an xarray object; names mean what they mean in a netCDF file.

    Parameters
    ----------
    data : DataArray or Dataset
        Responses, or a Dataset with ``responses`` (or with one variable of two or three dimensions). The dimension
        labelled by ``orientation``, ``direction`` or ``image`` is that of the trials (or stimuli), the other that of
        the neurons, in either order; a third one needs a name such as ``repeat`` or ``time``, or `axes`. Coordinates
        along them are labels, see :func:`normenc.recordings.load`; the neurons' own coordinate names them. Attributes
        such as ``species`` or ``units`` are facts.
    name : str
        The recording's name.
    names : mapping of str to str, optional
        From the names above to those in `data`: ``{"orientation": "theta"}``.
    axes : str or sequence of str, optional
        What each dimension of the responses is, see :class:`normenc.recordings.Preparation`.
    angles : str, optional
        ``"degrees"`` or ``"radians"``. By default what the attribute ``units`` of the stimuli says, otherwise
        degrees; values that look like something else are refused.
    missing : str
        How to treat NaN: ``"error"``, or leave out the ``"neurons"`` or ``"trials"`` that have any.
    **facts
        Override the attributes: ``units``, ``species``, ``area``, ``source``, ``citation``, ``licence``, ``simulated``.

    Raises
    ------
    InputError
        If it is not an xarray object, names are missing, or arrays do not fit together.

    Examples
    --------
    >>> array = xr.DataArray(
    ...     [[1.0, 3.0], [2.0, 1.0], [4.0, 0.0]], dims=("unit", "orientation"), coords={"orientation": [90, 0]}
    ... )
    >>> from_xarray(array, "toy", species="mouse").responses.values
    array([[3., 1., 0.],
           [1., 2., 4.]])
    """
    try:
        dataset = _as_dataset(data, names or {})
        own = {kind: (names or {}).get(kind, kind) for kind in STIMULUS_TYPES}
        said = next(
            (_angles(dataset[key].attrs.get("units")) for key in own.values() if key in dataset.variables), None
        )
        asked = Preparation(names=names, angles=angles or said, missing=missing, axes=axes, **facts)
        return understand(arrays_of(dataset), name, asked).recording(missing=missing)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


def _as_dataset(data: Any, names: Mapping[str, str]) -> xr.Dataset:
    """The Dataset with the names that normenc knows."""
    if isinstance(data, xr.DataArray):
        data = data.to_dataset(name="rdm" if data.name == "rdm" else "responses")
    if not isinstance(data, xr.Dataset):
        raise InputError(f"data is a {type(data).__name__}; give an xarray DataArray or Dataset, or see Recording")
    known = {"responses", "rdm", "resp"} & (set(data.variables) | set(names))
    tables = [str(name) for name, variable in data.data_vars.items() if variable.ndim in (2, 3)]
    if not known and len(tables) > 1:
        raise InputError(
            f"it holds {', '.join(tables)}; say which are the responses: {argument(names={'responses': 'NAME'})}"
        )
    return data if known or not tables else data.rename({tables[0]: "responses"})


def _angles(units: Any) -> str | None:
    """Degrees or radians, from an attribute for units."""
    said = str(units).lower()
    return "degrees" if said.startswith(("deg", "°")) else "radians" if said.startswith("rad") else None


def to_xarray(recording: Recording) -> xr.Dataset:
    """A recording as a Dataset, from which :func:`from_xarray`, or netCDF and `load`, rebuild an equal recording.

    Returns
    -------
    Dataset
        ``responses``: one row per trial (trial, neuron) if trials are known, otherwise one per stimulus (stimulus,
        neuron), with the recording's labels as coordinates; with trials also ``averages`` (stimulus,
        neuron); ``images`` (stimulus, height, width) if stimuli are images, with
        a further axis ``colour`` if they are in colour. A population known only by its RDM has
        ``rdm`` (stimulus, stimulus_2) instead. The coordinate ``stimulus`` holds the stimuli, degrees or names; facts
        are attributes.

    Examples
    --------
    >>> toy = Recording.from_trials("toy", [[1.0, 2.0], [3.0, 1.0], [5.0, 1.0]], [90, 0, 0])
    >>> dataset = to_xarray(toy)
    >>> sorted(dataset.sizes.items()), dataset["averages"].sel(stimulus=0).values
    ([('neuron', 2), ('stimulus', 2), ('trial', 3)], array([4., 1.]))
    """
    kind, stimulus = recording.kind, recording.stimulus
    attributes = facts_of(recording) | {"name": recording.name, "simulated": int(recording.simulated)}
    if recording.responses is None:
        one = xr.DataArray(recording.rdm, dims=("stimulus", "stimulus_2"))
        rdm = one if recording.rdms is None else recording.rdms
        coords = {"stimulus_2": stimulus, kind: ("stimulus", stimulus, {"units": recording.shown.units})}
        attributes["metric"] = recording.rdm_metric
        return xr.Dataset({"rdm": rdm}, coords | {"stimulus": stimulus}, attributes)
    rows = all_rows(recording)
    dataset = bare(rows.to_dataset(name="responses")).assign_attrs(attributes)
    dataset[kind] = dataset[kind].assign_attrs(units=recording.shown.units)
    if recording.trials is not None:
        dataset["averages"] = (("stimulus", "neuron"), recording.responses.to_numpy())
    if recording.images is not None:
        images = np.asarray(recording.images)
        dataset["images"] = (("stimulus", "height", "width", "colour")[: images.ndim], images)
        if recording.shown.is_named:
            dataset = dataset.assign_coords(image_names=("stimulus", stimulus))
    return dataset.assign_coords(stimulus=stimulus)


def rdm_to_xarray(rdm: Any, stimulus: Any, *, kind: str = "orientation", **attributes: Any) -> xr.DataArray:
    """Label an RDM: a DataArray (stimulus, stimulus_2) whose coordinates are the stimuli's degrees or names.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
    stimulus : array_like, shape (n_stimuli,)
    kind : str
        ``"orientation"`` (degrees from vertical), ``"direction"`` (degrees), ``"image"`` (names), or another type.
    **attributes
        Such as ``metric``, ``species``, ``area``.

    Raises
    ------
    InputError
        If it is not a square matrix, or labels do not fit.

    Examples
    --------
    >>> rdm_to_xarray([[0, 1, 2], [1, 0, 0.5], [2, 0.5, 0]], [0, 60, 120]).sel(stimulus=60, stimulus_2=120).item()
    0.5
    """
    units = as_type(kind).units
    matrix = as_array(rdm, "rdm").astype(np.float64, copy=False)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"rdm has shape {matrix.shape}; it must be square, stimulus x stimulus")
    labels, _ = as_stimulus(len(matrix), "stimuli", {kind: stimulus})
    coords = {kind: ("stimulus", labels, {"units": units}), "stimulus": labels, "stimulus_2": labels}
    return xr.DataArray(matrix, coords, ("stimulus", "stimulus_2"), "rdm", attributes)


def facts_of(recording: Recording) -> dict[str, Any]:
    """Facts about a recording: stated texts, steps one per line, the unit of angles, and `simulated`.

    Examples
    --------
    >>> facts_of(Recording.from_responses("toy", [[1.0], [3.0]], [0, 90], species="mouse"))
    {'species': 'mouse', 'angles': 'degrees', 'simulated': False}
    """
    facts = {name: getattr(recording, name) for name in TEXTS}
    stated = {name: value for name, value in facts.items() if value != "not stated"}
    steps = {"steps": "\n".join(recording.steps)} if recording.steps else {}
    angles = {} if recording.period is None else {"angles": unit_of(recording.stimulus, recording.period)}
    return stated | steps | angles | {"simulated": bool(recording.simulated)}
