"""The RDMs of a run in one file: in memory and then written, or matrix by matrix where they are large."""

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import xarray as xr
from xarray.backends import H5NetCDFStore

from normenc.recordings import Recording
from normenc.rsa.stored import Matrix
from normenc.study.evaluation import Evaluation
from normenc.whole_files import WriteError, beside, write_whole

__all__ = ["netcdf", "units_of", "write_dataset", "write_rdms"]

MANY_STIMULI = 400  # of more, matrices are written one by one, in single precision
NAME, DIMS = "dissimilarity", ("population", "stimulus", "stimulus_2")


def write_rdms(evaluation: Evaluation, path: Path) -> None:
    """Write the RDMs of the recording, of all layers and of the controls.

    Raises
    ------
    WriteError
        When the file cannot be written.
    """
    recording = evaluation.recording
    matrices: list[Matrix] = [evaluation.recording_rdm, *(r.rdm for r in evaluation.representations)]
    names = [evaluation.recording_label, *(r.key for r in evaluation.representations)]
    labels = xr.Dataset(
        coords={
            "population": names,
            recording.kind: ("stimulus", recording.stimulus, units_of(recording)),
            f"{recording.kind}_2": ("stimulus_2", recording.stimulus, units_of(recording)),
        }
    )
    facts = {
        "metric": evaluation.study.rdm_metric,
        "recording": recording.describe(),
        "simulated": int(recording.simulated),
    }
    if recording.n_stimuli <= MANY_STIMULI:
        write_whole(path, netcdf(labels.assign({NAME: (DIMS, np.stack(matrices), facts)})))
        return
    size = 4 * len(matrices) * recording.n_stimuli**2
    try:
        with beside(path) as aside:
            _make_room(aside, size)
            with h5netcdf.File(aside, "w") as file:
                labels.dump_to_store(H5NetCDFStore(file))
                _write_one_by_one(file, matrices, facts | {"coordinates": f"{recording.kind} {recording.kind}_2"})
    except OSError as error:
        raise WriteError(error, path, size) from None


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write arrays of stimuli: in memory and then to the file or, of many stimuli, one after the other.

    Raises
    ------
    WriteError
        When the file cannot be written.
    """
    if dataset.sizes.get("stimulus", 0) <= MANY_STIMULI:
        write_whole(path, netcdf(dataset))
        return
    try:
        with beside(path) as aside:
            _make_room(aside, dataset.nbytes)
            with h5netcdf.File(aside, "w") as file:
                dataset.dump_to_store(H5NetCDFStore(file))
    except OSError as error:
        raise WriteError(error, path, dataset.nbytes) from None


def _make_room(path: Path, size: int) -> None:
    """Raise OSError if the disk has no room, because the library of the file may end the process at a full disk."""
    if hasattr(os, "posix_fallocate"):
        with path.open("xb") as file:
            os.posix_fallocate(file.fileno(), 0, size)


def _write_one_by_one(file: Any, matrices: list[Matrix], facts: dict[str, Any]) -> None:
    variable = file.create_variable(NAME, DIMS, np.float32)
    for name, value in facts.items():
        variable.attrs[name] = value
    for place, matrix in enumerate(matrices):
        variable[place] = np.asarray(matrix, np.float32)


def netcdf(dataset: xr.Dataset) -> bytes:
    """The bytes of a NetCDF file."""
    content = BytesIO()
    with h5netcdf.File(content, "w") as file:
        dataset.dump_to_store(H5NetCDFStore(file))
    return content.getvalue()


def units_of(recording: Recording) -> dict[str, str]:
    """The unit of the stimuli, as an attribute of their axis."""
    return {} if recording.shown.is_named else {"units": recording.shown.units}
