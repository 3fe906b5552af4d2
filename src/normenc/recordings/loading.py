"""Load a recording by its name or from its file, and prepare it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from normenc.errors import InputError, NotHereError
from normenc.recordings.bins import bin_centres
from normenc.recordings.contents import Contents
from normenc.recordings.files import is_file, is_folder, is_other
from normenc.recordings.formats import cuts_trials, maps_names, opened
from normenc.recordings.image_files import read_images
from normenc.recordings.labels import NEURON_LABELS, as_labels
from normenc.recordings.naming import understand
from normenc.recordings.preparation import Preparation
from normenc.recordings.provenance import reads, unchanged
from normenc.recordings.public.fetching import read_files
from normenc.recordings.public.names import is_name, parse
from normenc.recordings.public.opening import check_reads_nothing, read_public
from normenc.recordings.public.registry import catalogue
from normenc.recordings.recording import Recording
from normenc.recordings.reliable import keep_reliable
from normenc.recordings.shared import with_shared
from normenc.recordings.simulation import made
from normenc.recordings.steps import bin_stimuli, fold, keep_responsive, kept_by_labels, select, z_score
from normenc.recordings.streaming import stream_rdm
from normenc.stimulus_types import as_type
from normenc.texts import visible

__all__ = ["chosen", "contents", "load", "prepared", "with_cautions"]

IN_MEMORY_GIB = 4.0  # responses on disk that are larger are streamed into an RDM


def load(
    name_or_path: str | Path = "simulated-v1",
    *,
    n_neurons: int | None = None,
    seed: int | None = None,
    reads: str | None = None,
    in_memory_gib: float = IN_MEMORY_GIB,
    preparation: Preparation | None = None,
    **options: Any,
) -> Recording:
    """Load a recording by its name or from a file.

    Files may be NumPy's (``.npz``; ``.npy`` with a table ``.csv`` of the same name next to it), MATLAB's (``.mat``, all
    versions), netCDF (``.nc``), HDF5 (``.h5``), Zarr stores, tables (``.csv``, ``.tsv``, ``.parquet``) in long or in
    wide form, NWB (``.nwb``), and folders of suite2p and of Kilosort. Arrays have these names, or `names` says which is
    which:

    ``responses`` (n_trials, n_neurons)
        Rows that show the same stimulus are its trials, and are averaged. Axes in another order, or a third axis of
        repeats or times, are identified by their names, by the lengths of their labels or by `axes`, and never guessed;
        the recording's ``read_as`` says how they were read.
    ``orientation``, ``direction`` or ``image`` (n_trials,)
        Degrees from vertical (period 180), degrees of drift (period 360), or names or numbers of images; in a table one
        of them is a column. Trials without a stimulus (NaN, empty, "blank") are blanks and are kept separately.
    ``time`` (n_samples,)
        Times of the samples in seconds, if responses have a time axis.
    ``rdm`` (n_stimuli, n_stimuli), or a vector of its pairs, or one for each of several subjects
        Instead of responses: a population known only by its dissimilarities, which are correlation distances unless
        `rdm_metric` says otherwise.
    ``resp`` (n_stimuli, n_neurons) and ``stimuli`` (n_stimuli,), degrees 0 to 360
        The reference study's format. After optional binning, stimuli up to 180 degrees are kept and 90 is subtracted:
        0 is vertical, negative is tilted left.
    ``animal``, ``session``, ``repeat`` (n_trials,); ``neuron``, ``region``, ``quality``, ``neuron_animal``, \
``neuron_session`` (n_neurons,)
        Labels, if they are known.
    ``images`` (n_images, height, width), ``image_names`` (n_images,)
        The stimuli, if they are images.
    ``species``, ``area``, ``units``, ``source``, ``citation``, ``licence``, ``simulated``
        What is known about the recording.

    What is done, in this order: choose trials (`where`), stimuli (`stimuli`) and neurons (`region`, `quality`,
    `responsive`, `reliability`), fold directions, bin, average the trials of each stimulus, z-score. The recording's
    ``steps`` list those that were taken.

    Parameters
    ----------
    name_or_path : str or Path
        A name such as ``"simulated-v1"`` or ``"allen-2p/511510753?stimulus=static_gratings"``, see
        :func:`normenc.recordings.catalogue`; or a file. A file that is called like a recording is written ``./NAME``.
    n_neurons, seed : int, optional
        Size and seed of a simulated recording, see :func:`simulated_v1` and :func:`simulated_from_photographs`.
    reads : str, optional
        What the neurons of the simulated recording "simulated-natural" read, see :func:`simulated_from_photographs`.
    in_memory_gib : float
        Larger responses in HDF5 or Zarr are averaged, z-scored if requested and turned into an RDM block by
        block (:func:`normenc.recordings.stream_rdm`); only the RDM is kept.
    preparation : Preparation, optional
        How the file is read and prepared.
    **options
        The same by its fields, see :class:`normenc.recordings.Preparation`: ``names``, ``axes``, ``window``, ``where``,
        ``quality`` and others.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        If there is no recording or file of that name, the file cannot be used (the message says what was found, what
        is needed and what to do), or the recording is not downloaded yet: nothing is downloaded without being asked.

    Examples
    --------
    >>> recording = load("simulated-v1", n_neurons=50)
    >>> recording.n_stimuli, recording.n_neurons, recording.simulated
    (181, 50, True)
    """
    if isinstance(name_or_path, Recording):
        raise InputError(f"{name_or_path.name}: this recording is loaded already; give a name or a file")
    key, asked = str(name_or_path), Preparation.of(preparation, **options)
    recording = _by_name(key, asked, {"n_neurons": n_neurons, "seed": seed, "reads": reads})
    if recording is not None:
        return prepared(select(recording, **asked.labels) if asked.labels else recording, asked)
    with contents(key, asked) as content:
        if _n_gib(content.responses) > in_memory_gib:
            return with_cautions(_streamed(content, asked))
        content = chosen(content, asked)
        return with_cautions(prepared(content.recording(missing=asked.missing), asked, binned=content.binned))


def with_cautions(recording: Recording) -> Recording:
    """The recording with what its images look like, where this speaks for a fault."""
    if recording.images is None:
        return recording
    from normenc.stimuli.checked_stacks import as_stack, check_values

    return replace(recording, cautions=(*recording.cautions, *check_values(as_stack(recording.images)).said))


def _by_name(key: str, asked: Preparation, settings: Mapping[str, Any]) -> Recording | None:
    """The recording of a name, unless its file is read like any other; `settings` are of simulated ones."""
    named = parse(key) if is_name(key) else None
    if named is not None and named.collection.simulated:
        check_reads_nothing(named, asked)
    recording = made(key, **settings)
    if recording is not None or named is None or named.is_as_file:
        return recording
    return with_cautions(read_public(named, asked))


@contextmanager
def contents(name_or_path: str | Path, preparation: Preparation | None = None) -> Iterator[Contents]:
    """What a file holds, see :func:`load`; large responses may be read for as long as the context lasts.

    Messages of InputError that leave the context begin with the file's name. If a file changes
    while it is read, one is raised at the end.
    """
    with unchanged(), _named_contents(str(name_or_path), preparation or Preparation()) as content:
        yield content


@contextmanager
def _named_contents(key: str, asked: Preparation) -> Iterator[Contents]:
    path, name, facts = _place(key)
    try:
        shown = None if asked.images is None else read_images(asked.images)
        if cuts_trials(path):
            _check_windows(asked)
        with opened(path, names=asked.names, **asked.of_events) as arrays:
            content = understand(
                arrays,
                name,
                asked,
                images=shown,
                one_based=path.suffix.lower() == ".mat",
                mapped=maps_names(path),
                windowed=cuts_trials(path),
            )
            yield replace(content, facts={**facts, **content.facts})
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except MemoryError:
        raise InputError(
            f"{path}: it does not fit in memory; save the responses as Zarr or HDF5, which are read in blocks"
        ) from None


def _check_windows(asked: Preparation) -> None:
    """Raise InputError for windows of other ends than those by which spikes are counted and samples chosen."""
    for window in asked.windows:
        if window is not None and window.is_all:
            raise InputError(
                "window='all' is for an axis of time; give seconds from the start of each trial, such as "
                "window=(0, 0.5), or leave it out if trials have an end"
            )
        if window is not None and (not window.with_start or window.with_stop):
            raise InputError(
                f"the window {window} is for an axis of time; windows from the start of a trial include their first "
                f"moment and exclude their last: window=({window.start:g}, {window.stop:g})"
            )


def _place(key: str) -> tuple[Path, str, dict[str, Any]]:
    """Where a recording's file is, its name, and what is known about it beforehand."""
    if not is_name(key):
        path = Path(key)
        if not is_file(key) and not is_folder(key) and not is_other(key):
            raise NotHereError(
                f"{key}: there is no such file, and no recording of that name; the recordings are "
                f"{', '.join(catalogue())}"
            )
        return path, visible(path.stem), {}
    asked = parse(key)
    if not asked.is_as_file:
        raise InputError(f"{key} is read by its own collection, and has no file like one's own; load it instead")
    given = [name for name, value in asked.options.items() if value != asked.collection.options[name].default]
    if given:
        raise InputError(f"{key}: {', '.join(given)} cannot be asked of it; leave this out")
    (path,) = read_files(asked).values()
    reads(path)
    return path, asked.name, dict(asked.collection.facts)


def _n_gib(responses: Any) -> float:
    """How large responses on disk are; 0 for those in memory."""
    if not hasattr(responses, "chunks"):
        return 0.0
    return float(np.prod(responses.shape, dtype=float)) * responses.dtype.itemsize / 2**30


def chosen(content: Contents, asked: Preparation) -> Contents:
    """Select the requested stimuli, and the neurons with the requested labels, before missing values are checked.

    Trials of animals, or sessions, with neurons of their own are joined in between.
    """
    if asked.stimuli == "shared":
        content = with_shared(content)
    if content.responses is None:
        return content
    content = content.joined()
    if not asked.labels:
        return content
    values = np.asarray(content.responses)
    labels = as_labels(content.neurons, NEURON_LABELS, values.shape[1], "neuron")
    kept, said = kept_by_labels(labels, asked.labels)
    step = f"kept {len(kept):,} of {values.shape[1]:,} neurons ({said})"
    neurons = {name: own[kept] for name, own in labels.items()}
    return replace(content, responses=values[:, kept], neurons=neurons, steps=(*content.steps, step))


def prepared(recording: Recording, asked: Preparation, *, binned: bool = False) -> Recording:
    """Take the steps of :func:`load` in order, for chosen neurons whose stimuli may already be binned."""
    if asked.responsive:
        recording = keep_responsive(recording)
    if asked.reliability is not None:
        if asked.bin_width is not None and not binned:
            recording = bin_stimuli(recording, asked.bin_width)
            binned = not asked.fold_directions  # else orientations are put into bins again
        recording = keep_reliable(recording, asked.reliability)
    if asked.fold_directions:
        recording = fold(recording)
    if asked.bin_width is not None and not binned:
        recording = bin_stimuli(recording, asked.bin_width)
    return z_score(recording) if asked.z_score else recording


def _streamed(content: Contents, asked: Preparation) -> Recording:
    """A recording too large for memory, represented by its RDM only."""
    if asked.stimuli == "shared":
        raise InputError(
            "stimuli='shared' cannot be used when responses are streamed from disk; write the shared stimuli to their "
            "own file, or raise in_memory_gib"
        )
    for name in ("region", "quality", "responsive", "reliability"):
        if getattr(asked, name) not in (None, False):
            raise InputError(
                f"neurons cannot be chosen by {name} when responses are streamed from disk; write those neurons to "
                "their own file, or raise in_memory_gib"
            )
    stimulus, kind, steps = np.array(content.stimulus), content.kind, list(content.steps)
    if content.rows is not None:  # rows without a stimulus are left out
        stimulus[~content.rows] = np.nan if stimulus.dtype.kind == "f" else ""
    if asked.fold_directions:
        shown, orientation = as_type(kind), as_type(kind).orientation_of(stimulus)
        if shown.folds_onto is None or orientation is None:
            raise InputError(f"only directions can be folded onto orientations, but stimuli are {shown.plural}")
        stimulus, kind = orientation, shown.folds_onto
        steps.append("folded directions onto orientations")
    if asked.bin_width is not None and not content.binned:
        if as_type(kind).period is None:
            raise InputError(f"{as_type(kind).plural} cannot be put into bins of degrees")
        shown = ~np.isnan(stimulus)
        stimulus[shown] = bin_centres(stimulus[shown], np.ones(shown.sum()), kind, asked.bin_width)
        steps.append(f"averaged within bins of {asked.bin_width:g} degrees")
    streamed = stream_rdm(content.responses, stimulus, z_score=asked.z_score)
    if len(streamed.stimulus) < len(stimulus):
        steps.append("averaged over the trials of each stimulus")
    if len(streamed.left_out):
        steps.append(f"left out {len(streamed.left_out):,} neurons that do not vary over stimuli")
    steps += ["z-scored each neuron over stimuli"] * asked.z_score
    steps.append(f"turned into the RDM of {streamed.n_neurons:,} neurons block by block")
    facts: dict[str, Any] = {kind: streamed.stimulus, **content.facts}
    recording = Recording.from_rdm(content.name, streamed.rdm, **facts)
    return replace(
        recording, steps=tuple(steps), read_as=content.read_as, notes=content.notes, cautions=content.cautions
    )
