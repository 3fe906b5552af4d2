"""Save recordings and RDMs as files; each is written to a temporary name and renamed when complete."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.arrays import is_zarr
from normenc.csv_tables import write_table
from normenc.errors import InputError
from normenc.recordings.conversion import checked_rdms, facts_of, rdm_to_xarray, to_xarray
from normenc.recordings.files import is_other
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS, as_stimulus
from normenc.recordings.pictures import match_images
from normenc.recordings.recording import Recording
from normenc.recordings.rows import all_rows
from normenc.stimulus_types import STIMULUS_TYPES, as_type
from normenc.whole_files import beside

__all__ = ["named_arrays", "save", "save_rdm"]

CHUNK_BYTES = 2**22


def save(recording: Recording, path: str | Path, *, overwrite: bool = False) -> None:
    """Save a recording to a file, from which :func:`normenc.recordings.load` rebuilds an equal recording.

    Single trials are written if they are known, otherwise one row per stimulus. Arrays have the names that `load`
    knows.

    Parameters
    ----------
    recording : Recording
    path : str or Path
        Its suffix is the format: ``.npz``, ``.nc`` (see :func:`normenc.recordings.to_xarray`), ``.h5`` or ``.hdf5``,
        ``.zarr`` (a folder), ``.nwb``, or ``.csv``, a table in long form: one row per trial and neuron. A table names
        its neurons, by numbers if they have no names, and `load` sorts them by name; it holds neither images nor
        ``steps``.
    overwrite : bool
        Whether to replace an existing file.

    Raises
    ------
    InputError
        If the file already exists, the suffix is unknown, the file cannot be written or its format cannot hold the
        recording. No incomplete file is left behind.

    Examples
    --------
    >>> import tempfile
    >>> from normenc.recordings import load
    >>> toy = Recording.from_responses("toy", [[1.0, 2.0], [3.0, 1.0]], [0, 90], species="mouse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(toy, Path(folder, "toy.npz"))
    ...     load(Path(folder, "toy.npz")).describe()
    'toy: 2 stimuli x 2 neurons, species mouse, area not stated'
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".nwb":
        from normenc.recordings.nwb_export import write_nwb

        write_nwb(recording, path, overwrite=overwrite)
        return
    writers: dict[str, Callable[[Path], None]] = {
        ".csv": lambda aside: _write_table(recording, aside),
        ".nc": lambda aside: _write_netcdf(to_xarray(recording), aside),
    }
    _write(path, writers.get(suffix) or _writer(path, named_arrays(recording), (*writers, ".nwb")), overwrite)


def save_rdm(
    rdm: Any,
    stimulus: Any,
    path: str | Path,
    *,
    kind: str = "orientation",
    metric: str = "correlation",
    overwrite: bool = False,
    **facts: Any,
) -> None:
    """Save an RDM with the labels of its stimuli.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
    stimulus : array_like, shape (n_stimuli,)
        Degrees, or names of images, each once.
    path : str or Path
        Its suffix is the format, which :func:`normenc.recordings.load` reads as a recording known by its RDM: ``.npz``,
        ``.nc``, ``.h5``, ``.zarr``, or ``.csv``, a square table whose header and first column are the stimulus
        labels. The table's upper left cell says the kind of stimuli, and whether they are simulated; it holds no
        other facts.
    kind : str
        What `stimulus` is: ``"orientation"`` (degrees from vertical), ``"direction"`` (degrees), ``"image"``, or
        another type.
    metric : str
        What the matrix holds: ``"correlation"``, with values between 0 and 2, or any other dissimilarity by its
        name; it is stored with the matrix.
    overwrite : bool
        Whether to replace an existing file.
    **facts
        ``species``, ``area``, ``units``, ``source``, ``citation``, ``licence``, ``simulated``.

    Raises
    ------
    InputError
        If the matrix is not an RDM, labels do not fit or occur twice, or as in :func:`save`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_rdm([[0, 1, 2], [1, 0, 0.5], [2, 0.5, 0]], [0, 60, 120], Path(folder, "v1.csv"))
    ...     print(Path(folder, "v1.csv").read_text())
    orientation,0.0,60.0,120.0
    0.0,0.0,1.0,2.0
    60.0,1.0,0.0,0.5
    120.0,2.0,0.5,0.0
    <BLANKLINE>
    """
    path = Path(path)
    matrices = checked_rdms(rdm)
    if len(matrices) > 1:
        raise InputError(f"there are {len(matrices)} RDMs; a file holds one, so save each to its own file")
    matrix = matrices[0]
    labelled: dict[str, Any] = {as_type(kind).name: stimulus, **facts}
    recording = Recording.from_rdm(metric, matrix, rdm_metric=metric, **labelled)
    labels, _ = as_stimulus(len(matrix), "stimuli", {kind: stimulus})
    attributes = facts_of(recording) | {"metric": metric}
    if path.suffix.lower() == ".csv":
        corner = f"{kind} (simulated)" if recording.simulated else kind
        table = pd.DataFrame(matrix, index=labels, columns=labels)
        _write(path, lambda aside: write_table(table, aside, index=True, index_label=corner), overwrite)
    elif path.suffix.lower() == ".nc":
        attributes["simulated"] = int(recording.simulated)
        dataset = rdm_to_xarray(matrix, labels, kind=kind).to_dataset(name="rdm").assign_attrs(attributes)
        _write(path, lambda aside: _write_netcdf(dataset, aside), overwrite)
    else:
        _write(path, _writer(path, {"rdm": matrix, kind: labels} | attributes, (".csv", ".nc")), overwrite)


def named_arrays(recording: Recording) -> dict[str, Any]:
    """A recording as arrays with the names that :func:`normenc.recordings.load` knows, and facts as text.

    Examples
    --------
    >>> toy = Recording.from_responses("toy", [[1.0], [3.0]], direction=[0, 90], area="V1")
    >>> list(named_arrays(toy))
    ['responses', 'direction', 'neuron', 'area', 'angles', 'simulated']
    """
    arrays: dict[str, Any]
    if recording.responses is None:
        arrays = {"rdm": recording.rdm, recording.kind: recording.stimulus}
        if recording.rdms is not None:
            labels = [label for label in ("animal", "session") if label in recording.rdms.coords]
            arrays |= {"rdm": recording.rdms.to_numpy()} | {k: recording.rdms[k].to_numpy() for k in labels}
        arrays["metric"] = np.array(recording.rdm_metric)
    else:
        rows = all_rows(recording)
        labels = [label for label in (recording.kind, *TRIAL_LABELS, *NEURON_LABELS) if label in rows.coords]
        arrays = {"responses": rows.to_numpy()} | {label: rows[label].to_numpy() for label in labels}
    if recording.images is not None:
        arrays |= {"images": np.asarray(recording.images)}
        arrays |= {"image_names": recording.stimulus} if recording.shown.is_named else {}
    return {name: _plain(array) for name, array in arrays.items()} | facts_of(recording)


def _plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.astype(str) if array.dtype.kind not in "iufbU" else array


def _writer(path: Path, arrays: dict[str, Any], others: tuple[str, ...]) -> Callable[[Path], None]:
    """The function that writes arrays to a file with this suffix."""
    writers = {".npz": _write_npz, ".h5": _write_hdf5, ".hdf5": _write_hdf5, ".zarr": _write_zarr}
    suffix = path.suffix.lower()
    if suffix not in writers:
        raise InputError(
            f"{path}: cannot write files {f'of type {suffix}' if suffix else 'without a suffix'}; name it "
            f"{', '.join((*writers, *others))}"
        )
    return lambda aside: writers[suffix](arrays, aside)


def _write(path: Path, write: Callable[[Path], None], overwrite: bool) -> None:
    with _aside(path, overwrite) as aside:
        write(aside)


@contextmanager
def _aside(path: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary path next to `path`; it becomes `path` if the block succeeds and is removed if it fails."""
    _check_free(path, overwrite)
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; create it first")
    try:
        with beside(path, path.suffix) as aside:
            yield aside
            _check_free(path, overwrite)
    except OSError as error:
        raise InputError(f"{path}: this file cannot be written ({error.strerror or error})") from None


def _check_free(path: Path, overwrite: bool) -> None:
    if not is_other(path):
        return
    if not overwrite:
        raise InputError(f"{path}: this file already exists; choose another name, or pass overwrite=True to replace it")
    if not (is_zarr(path) if path.suffix.lower() == ".zarr" else path.is_file()):
        raise InputError(
            f"{path}: the existing file is not a {path.suffix} file and is not replaced; choose another name"
        )


def _write_npz(arrays: dict[str, Any], path: Path) -> None:
    plain: dict[str, Any] = {name: np.asarray(value) for name, value in arrays.items()}
    with path.open("wb") as file:
        np.savez(file, **plain)


def _write_hdf5(arrays: dict[str, Any], path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, value in arrays.items():
            if not isinstance(value, np.ndarray):
                file.attrs[name] = value
            elif value.dtype.kind == "U":
                file.create_dataset(name, data=value.astype(object), dtype=h5py.string_dtype())
            else:
                file.create_dataset(name, data=value, chunks=_chunks(value) if name == "responses" else None)


def _write_zarr(arrays: dict[str, Any], path: Path) -> None:
    try:
        import zarr
    except ImportError:
        raise InputError("writing a Zarr store needs the package zarr; install normenc[zarr]") from None
    # Version 2 of the format specifies text of fixed length, which version 3 does not yet.
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray):
            group.attrs[name] = value
        else:
            group.create_array(name, data=value, chunks=_chunks(value) if name == "responses" else "auto")


def _chunks(responses: npt.NDArray[Any]) -> tuple[int, int]:
    """Chunks of all trials of some neurons, which :func:`normenc.recordings.stream_rdm` reads fastest."""
    n_rows, n_neurons = responses.shape
    return n_rows, min(n_neurons, max(1, CHUNK_BYTES // (n_rows * responses.dtype.itemsize)))


def _write_netcdf(dataset: xr.Dataset, path: Path) -> None:
    dataset.to_netcdf(path, engine="h5netcdf")


def _write_table(recording: Recording, path: Path) -> None:
    if recording.responses is None:
        raise InputError(f"{recording.name} is known only by its RDM; write that to a table with save_rdm")
    if recording.images is not None:
        raise InputError(
            f"{recording.name} has images, which a table cannot hold; save it as .npz or .nc, or leave them out with "
            "dataclasses.replace(recording, images=None)"
        )
    arrays = named_arrays(recording)
    del arrays["responses"]
    rows = all_rows(recording)
    n_rows, n_neurons = rows.shape
    trial, neuron = (grid.ravel() for grid in np.indices((n_rows, n_neurons)))
    columns: dict[str, Any] = {"trial": trial, "neuron": neuron}
    columns["response"] = rows.to_numpy().astype(np.float64).ravel()
    for name, value in arrays.items():
        if name in NEURON_LABELS:
            columns[name] = value[neuron]
        elif isinstance(value, np.ndarray):
            columns[name] = value[trial]
        elif name != "steps":
            columns[name] = value
    _check_survive({name: value for name, value in arrays.items() if name != "steps"}, path)
    write_table(pd.DataFrame(columns), path)


def _check_survive(labels: dict[str, Any], path: Path) -> None:
    """Raise InputError for labels that change when a table is read: "007" becomes 7, "NA" becomes missing."""
    from normenc.recordings.formats.text_tables import read_csv

    for name, value in labels.items():
        own = np.unique(np.asarray(value))
        if own.dtype.kind != "U":
            continue
        # A second column, because readers skip a line without text.
        write_table(pd.DataFrame({name: own, "row": np.arange(len(own))}), path)
        back = read_csv(path)[name]
        if name in STIMULUS_TYPES and back.dtype.kind in "iu":
            back = match_images(back.to_numpy(), None)[0]
        for before, after in zip_longest(own.tolist(), list(back)):
            if str(after) != before or isinstance(after, float):
                raise InputError(
                    f"the {name} {before!r} would be read as {after!r} from a table; save it as .npz or .nc, or "
                    "rename it"
                )
