"""Find a recording by its name or its file, and prepare it."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from normenc.errors import InputError
from normenc.recordings.download import cached_file
from normenc.recordings.files import is_file, is_folder, is_other, printable
from normenc.recordings.formats import MAPPED, opened
from normenc.recordings.naming import Contents, understand
from normenc.recordings.pictures import read_images
from normenc.recordings.recording import Recording
from normenc.recordings.simulation import N_NEURONS, simulated_v1
from normenc.recordings.sources import SOURCES
from normenc.recordings.steps import bin_centres, bin_stimuli, fold, select, z_score
from normenc.recordings.streaming import stream_rdm

__all__ = ["contents", "load", "prepared"]

IN_MEMORY_GIB = 4.0  # responses on disk that are larger are streamed into an RDM
OF_NWB = ("intervals", "window", "baseline", "series")


def load(
    name_or_path: str | Path = "simulated-v1",
    *,
    bin_width: float | None = None,
    n_neurons: int | None = None,
    seed: int | None = None,
    names: Mapping[str, str] | None = None,
    images: str | Path | None = None,
    angles: str | None = None,
    region: str | list[str] | None = None,
    quality: str | list[str] | None = None,
    fold_directions: bool = False,
    z_scored: bool = False,
    missing: str = "error",
    in_memory_gib: float = IN_MEMORY_GIB,
    **of_nwb: Any,
) -> Recording:
    """Load a recording by its name or from a file.

    Files may be NumPy's (``.npz``; ``.npy`` with a table ``.csv`` of the same name beside it), MATLAB's (``.mat``, all
    versions), netCDF (``.nc``), HDF5 (``.h5``), Zarr stores, tables in long form (``.csv``, ``.parquet``) and NWB
    (``.nwb``). Arrays have these names, or `names` says which is which:

    ``responses`` (n_trials, n_neurons), or (n_repeats, n_stimuli, n_neurons)
        Rows that show the same stimulus are its trials, and are averaged.
    ``orientation``, ``direction`` or ``image`` (n_trials,)
        Degrees from vertical (period 180), degrees of drift (period 360), or names or numbers of images; in a table one
        of them is a column beside ``trial``, ``neuron`` and ``response``.
    ``rdm`` (n_stimuli, n_stimuli)
        Instead of responses: a population known only by its correlation distances.
    ``resp`` (n_stimuli, n_neurons) and ``stimuli`` (n_stimuli,), degrees 0 to 360
        The reference study's format. After optional binning, stimuli up to 180 degrees are kept and 90 is subtracted:
        0 is vertical, negative is tilted left.
    ``animal``, ``session``, ``repeat`` (n_trials,); ``neuron``, ``region``, ``quality``, ``neuron_animal``, \
``neuron_session`` (n_neurons,)
        Labels, where they are known.
    ``images`` (n_images, height, width), ``image_names`` (n_images,)
        The stimuli, where they are images.
    ``species``, ``area``, ``units``, ``source``, ``citation``, ``licence``, ``simulated``
        What is known about the recording.

    What is done, in this order: choose neurons (`region`, `quality`), fold directions, bin, average the trials of each
    stimulus, z-score. The recording's ``steps`` tell which of them were.

    Parameters
    ----------
    name_or_path : str or Path
        A name in :data:`normenc.recordings.SOURCES`, or a file.
    bin_width : float, optional
        Degrees; see :func:`normenc.recordings.bin_stimuli`. In the reference study's format bins come first: responses
        and stimuli are averaged within [0, bin_width), [bin_width, 2 bin_width), ...
    n_neurons, seed : int, optional
        Of the simulated recording, see :func:`simulated_v1`.
    names : mapping of str to str, optional
        From the names above to those in the file: ``{"responses": "F", "orientation": "theta"}``.
    images : str or Path, optional
        A folder of images, which trials name, or number in the order of their names.
    angles : str, optional
        ``"radians"``, or ``"degrees"`` for degrees that look like something else.
    region, quality : str or list of str, optional
        Keep neurons with these labels.
    fold_directions : bool
        Make directions orientations, see :func:`normenc.recordings.fold`.
    z_scored : bool
        Z-score each neuron over stimuli, see :func:`normenc.recordings.z_score`.
    missing : str
        What becomes of NaN: ``"error"``, or leave out ``"neurons"`` or ``"trials"`` that have any.
    in_memory_gib : float
        Responses in HDF5 or Zarr that are larger are averaged, z-scored where wanted and turned into an RDM block by
        block (:func:`normenc.recordings.stream_rdm`); only the RDM is kept.
    **of_nwb
        ``intervals``, ``window``, ``baseline``, ``series``: see :func:`normenc.recordings.formats.nwb.read_nwb`.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        When there is neither such a name nor such a file, the file cannot be used (the message says what was found,
        what is needed and what to do), or the recording is not downloaded yet: nothing is downloaded unasked.

    Examples
    --------
    >>> recording = load("simulated-v1", n_neurons=50)
    >>> recording.n_stimuli, recording.n_neurons, recording.simulated
    (181, 50, True)
    """
    key = str(name_or_path)
    steps: dict[str, Any] = {
        "region": region,
        "quality": quality,
        "fold_directions": fold_directions,
        "z_scored": z_scored,
    }
    if key == "simulated-v1":
        recording = simulated_v1(N_NEURONS if n_neurons is None else n_neurons, seed=seed or 0)
        return prepared(recording, **steps, bin_width=bin_width)
    if n_neurons is not None or seed is not None:
        raise InputError(f"n_neurons and seed are for the recording simulated-v1; leave them out for {printable(key)}")
    with contents(key, names=names, images=images, angles=angles, study_bins=bin_width, **of_nwb) as (found, is_study):
        bins = None if is_study else bin_width
        if _n_gib(found.responses) > in_memory_gib:
            return _streamed(found, {"region": region, "quality": quality}, fold_directions, bins, z_scored)
        recording = found.recording(missing=missing)
        if is_study and bin_width is not None:
            recording = replace(recording, steps=(f"averaged within bins of {bin_width:g} degrees", *recording.steps))
        return prepared(recording, **steps, bin_width=bins)


@contextmanager
def contents(
    name_or_path: str | Path,
    *,
    names: Mapping[str, str] | None = None,
    images: str | Path | None = None,
    angles: str | None = None,
    study_bins: float | None = None,
    **of_nwb: Any,
) -> Iterator[tuple[Contents, bool]]:
    """What a file holds, and whether it is the reference study's format, whose bins come first; see :func:`load`.

    Messages of InputError that leave the context begin with the file's name.
    """
    for option in of_nwb:
        if option not in OF_NWB:
            raise TypeError(f"load() got an unexpected keyword argument {option!r}")
    path, name, facts = _place(str(name_or_path))
    try:
        shown = None if images is None else read_images(images)
        with opened(path, names=names, **of_nwb) as arrays:
            is_study = {"resp", "stimuli"} <= arrays.keys() and not names
            found = understand(
                arrays,
                name,
                names=None if path.suffix.lower() in MAPPED else names,
                images=shown,
                angles=angles,
                bin_width=study_bins if is_study else None,
                one_based=path.suffix.lower() == ".mat",
                facts=facts,
            )
            yield found, is_study
    except InputError as error:
        raise InputError(printable(f"{path}: {error}")) from None
    except MemoryError:
        raise InputError(
            f"{printable(str(path))}: it does not fit into memory; save the responses as Zarr or HDF5, which are read "
            "in blocks"
        ) from None


def _place(key: str) -> tuple[Path, str, dict[str, Any]]:
    """Where a recording's file is, its name, and what is known about it beforehand."""
    if key not in SOURCES:
        path = Path(key)
        if not is_file(key) and not is_folder(key) and not is_other(key):
            raise InputError(
                f"{printable(key)}: there is no such file, and no recording of that name; the names are "
                f"{', '.join(SOURCES)}"
            )
        return path, printable(path.stem), {}
    source = SOURCES[key]
    path = cached_file(key)
    if not path.exists():
        raise InputError(f"{key} is not downloaded yet; run 'normenc recordings fetch {key}' first ({source.url})")
    if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != source.md5:
        raise InputError(f"{path}: its MD5 is not {source.md5}; run 'normenc recordings fetch {key}' to fetch it anew")
    return path, key, dict(source.facts())


def _n_gib(responses: Any) -> float:
    """How large responses on disk are; 0 for those in memory."""
    if not hasattr(responses, "chunks"):
        return 0.0
    return float(np.prod(responses.shape, dtype=float)) * responses.dtype.itemsize / 2**30


def prepared(
    recording: Recording,
    *,
    region: Any = None,
    quality: Any = None,
    fold_directions: bool = False,
    bin_width: float | None = None,
    z_scored: bool = False,
) -> Recording:
    """Take the steps of :func:`load` in their order."""
    labels = {name: value for name, value in (("region", region), ("quality", quality)) if value is not None}
    if labels:
        recording = select(recording, **labels)
    if fold_directions:
        recording = fold(recording)
    if bin_width is not None:
        recording = bin_stimuli(recording, bin_width)
    return z_score(recording) if z_scored else recording


def _streamed(
    found: Contents, labels: Mapping[str, Any], fold_directions: bool, bin_width: float | None, z_scored: bool
) -> Recording:
    """A recording too large for memory, by its RDM alone."""
    for name, value in labels.items():
        if value is not None:
            raise InputError(
                f"responses are streamed from disk, where neurons cannot be chosen by {name}; write those to a file of "
                "their own, or raise in_memory_gib"
            )
    stimulus, kind, steps = np.asarray(found.stimulus), found.kind, []
    if fold_directions:
        if kind != "direction":
            raise InputError(f"only directions can be folded onto orientations; stimuli are {kind}s")
        stimulus, kind = np.mod(stimulus + 90, 180) - 90, "orientation"
        steps.append("folded directions onto orientations")
    if bin_width is not None:
        stimulus = bin_centres(stimulus, np.ones(len(stimulus)), kind, bin_width)
        steps.append(f"averaged within bins of {bin_width:g} degrees")
    streamed = stream_rdm(found.responses, stimulus, zscore=z_scored)
    if len(streamed.stimulus) < len(stimulus):
        steps.append("averaged over the trials of each stimulus")
    if len(streamed.left_out):
        steps.append(f"left out {len(streamed.left_out):,} neurons that do not vary over stimuli")
    steps += ["z-scored each neuron over stimuli"] * z_scored
    steps.append(f"turned into the RDM of {streamed.n_neurons:,} neurons block by block")
    facts: dict[str, Any] = {kind: streamed.stimulus, **found.facts}
    recording = Recording.from_rdm(found.name, streamed.rdm, **facts)
    return replace(recording, steps=tuple(steps))
