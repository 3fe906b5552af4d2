"""Find a recording by its name or its file."""

import hashlib
from pathlib import Path

from normenc.errors import InputError
from normenc.recordings.download import cached_file
from normenc.recordings.files import is_file, is_folder, load_npz
from normenc.recordings.recording import Recording
from normenc.recordings.simulation import N_NEURONS, simulated_v1
from normenc.recordings.sources import SOURCES

__all__ = ["load"]


def load(
    name_or_path: str | Path = "simulated-v1",
    *,
    bin_width: float | None = None,
    n_neurons: int | None = None,
    seed: int | None = None,
) -> Recording:
    """Load a recording by its name or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        A name in :data:`normenc.recordings.SOURCES`, or an ``.npz`` file, see :func:`load_npz`.
    bin_width : float, optional
        Degrees, see :func:`load_npz`.
    n_neurons, seed : int, optional
        Of the simulated recording, see :func:`simulated_v1`.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        When there is neither such a name nor such a file, or the recording is not downloaded yet: nothing is
        downloaded unasked.

    Examples
    --------
    >>> recording = load("simulated-v1", n_neurons=50)
    >>> recording.n_stimuli, recording.n_neurons, recording.simulated
    (181, 50, True)
    """
    key = str(name_or_path)
    if key == "simulated-v1":
        if bin_width is not None:
            raise InputError("bin_width is for recordings with 'resp' and 'stimuli'; simulated-v1 has none")
        return simulated_v1(N_NEURONS if n_neurons is None else n_neurons, seed=seed or 0)
    if n_neurons is not None or seed is not None:
        raise InputError(f"n_neurons and seed are for the recording simulated-v1; leave them out for {key}")
    if key not in SOURCES:
        if not is_file(key) and not is_folder(key):
            raise InputError(
                f"{key}: there is no such file, and no recording of that name; the names are {', '.join(SOURCES)}"
            )
        return load_npz(key, bin_width=bin_width)
    source = SOURCES[key]
    path = cached_file(key)
    if not path.exists():
        raise InputError(f"{key} is not downloaded yet; run 'normenc recordings fetch {key}' first ({source.url})")
    if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != source.md5:
        raise InputError(f"{path}: its MD5 is not {source.md5}; run 'normenc recordings fetch {key}' to fetch it anew")
    return load_npz(path, bin_width=bin_width, name=key, **source.facts())
