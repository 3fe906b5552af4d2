"""Recordings in files."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.recording import Recording

__all__ = ["load_npz"]

FORMATS = (
    "'resp' and 'stimuli' (stimulus x neuron, degrees 0 to 360), 'responses' and 'orientation' (stimulus x neuron, "
    "degrees from vertical), or 'rdm' and 'orientation'"
)
TEXTS = ("species", "area", "units", "source", "citation", "licence")


def load_npz(path: str | Path, *, bin_width: float | None = None, name: str | None = None, **facts: Any) -> Recording:
    """Read a recording from a NumPy ``.npz`` file.

    Three sets of arrays are understood:

    ``resp`` (n_stimuli, n_neurons) and ``stimuli`` (n_stimuli,), degrees 0 to 360
        The reference study's format. After optional binning, stimuli up to 180 degrees are kept and 90 is subtracted:
        0 is vertical, negative is tilted left.
    ``responses`` (n_stimuli, n_neurons) and ``orientation`` (n_stimuli,), degrees from vertical
        Taken as they are.
    ``rdm`` (n_stimuli, n_stimuli) and ``orientation`` (n_stimuli,)
        A population known only by its correlation distances.

    Texts named ``species``, ``area``, ``units``, ``source``, ``citation``, ``licence`` and a boolean ``simulated``
    are read where they are there.

    Parameters
    ----------
    path : str or Path
    bin_width : float, optional
        Degrees; averages responses and stimuli within bins [0, bin_width), [bin_width, 2 bin_width), ... first.
        Only for ``resp`` and ``stimuli``.
    name : str, optional
        The file's stem by default.
    **facts
        Override what the file says, such as ``species="mouse"``.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        When the file is not there, damaged or incomplete; the message starts with the file's name.
    """
    path = Path(path)
    try:
        arrays = _read_npz(path)
        found = {key: str(arrays[key]) for key in TEXTS if key in arrays}
        if "simulated" in arrays:
            found["simulated"] = bool(as_array(arrays["simulated"], "'simulated'").any())  # type: ignore[assignment]
        known = {**found, **facts}
        label = name or path.stem
        if {"resp", "stimuli"} <= arrays.keys():
            responses, orientation = _study_selection(arrays["resp"], arrays["stimuli"], bin_width)
            return Recording.from_responses(label, responses, orientation, **known)
        if bin_width is not None:
            raise InputError("bin_width is for recordings with 'resp' and 'stimuli'; leave it out for this one")
        if {"responses", "orientation"} <= arrays.keys():
            return Recording.from_responses(label, arrays["responses"], arrays["orientation"], **known)
        if {"rdm", "orientation"} <= arrays.keys():
            return Recording.from_rdm(label, arrays["rdm"], arrays["orientation"], **known)
        raise InputError(f"it holds {sorted(arrays) or 'no arrays'}; it must hold {FORMATS}")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def is_file(path: str | Path) -> bool:
    """Whether there is a file at `path`; False too for a name that no file can have."""
    try:
        return Path(path).is_file()
    except OSError:  # longer than a file's name may be, for example
        return False


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder at `path`; False too for a name that no folder can have."""
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def _read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        if path.is_dir():
            raise InputError("this is a folder; a recording is an .npz file")
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise InputError(f"this is a single array; save it as .npz with {FORMATS}")
            return {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise InputError("there is no such file") from None
    except PermissionError:
        raise InputError("this file may not be read; check its permissions") from None
    except InputError:
        raise
    except ValueError as error:
        if "Object arrays" in str(error):
            raise InputError(
                "it holds pickled Python objects, which are never loaded because they can run code; "
                "save plain numeric arrays with numpy.savez"
            ) from None
        reason = "" if "pickle" in str(error) else f" ({error})"  # NumPy's word for any file it does not know
        raise InputError(f"this is not a readable .npz file{reason}") from None
    except (OSError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"this is not a readable .npz file, or it is damaged ({error})") from None


def _study_selection(
    responses: npt.NDArray[Any], stimuli: npt.NDArray[Any], bin_width: float | None
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Bin, keep stimuli up to 180 degrees and centre them, as the reference study does."""
    responses = as_array(responses, "'resp'")
    degrees = as_array(stimuli, "'stimuli'").astype(np.float64)
    if responses.ndim != 2:
        raise InputError(f"'resp' has shape {responses.shape}; it must be stimulus x neuron")
    if degrees.shape != (len(responses),):
        raise InputError(
            f"'stimuli' has shape {degrees.shape} but 'resp' has {len(responses)} rows (stimuli) and "
            f"{responses.shape[1]} columns (neurons); 'stimuli' must have one value a row"
        )
    if not np.isfinite(degrees).all() or degrees.min(initial=0) < 0 or degrees.max(initial=0) > 360:
        raise InputError(
            f"'stimuli' run from {degrees.min():g} to {degrees.max():g}; they must be degrees between 0 and 360"
        )
    if bin_width is not None:
        if not 0 < bin_width <= 180:
            raise InputError(f"bin_width is {bin_width}; it must lie between 0 and 180 degrees")
        bins = np.floor(degrees / bin_width)
        edges = np.unique(bins)
        responses = np.stack([responses[bins == edge].mean(axis=0) for edge in edges])
        degrees = np.array([degrees[bins == edge].mean() for edge in edges])
    kept = degrees <= 180
    if kept.sum() < 2:
        raise InputError(f"{kept.sum()} of {len(degrees)} stimuli lie between 0 and 180 degrees; 2 are needed at least")
    return responses[kept], degrees[kept] - 90
