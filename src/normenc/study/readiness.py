"""Checks before anything is trained: every recording, the folders to write, and the space on their disks."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from normenc import rsa
from normenc.errors import InputError
from normenc.quality import rdms_for_inference
from normenc.recordings import cache_folder
from normenc.recordings.provenance import digest_of
from normenc.recordings.public.names import place_of
from normenc.runs.replacing import check_destination, is_finished
from normenc.study.control_representing import control_representations
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study
from normenc.study.space import Arrays, bytes_of_units
from normenc.study.units import is_stored
from normenc.texts import file_stem, visible
from normenc.whole_files import check_writable

__all__ = ["check_before", "check_disks", "disk_needs", "told_size"]

GIB = 2**30
PICTURES = 4 * 2**20  # bytes of pictures, their source data and the page, at least


def check_before(parts: Sequence[Study], folders: Sequence[Path | None], *, force: bool = False) -> list[Path | None]:
    """Check every part of a study, its recording and its folder, before the first is run.

    Parameters
    ----------
    parts : sequence of Study
        Of one recording each, as :meth:`normenc.study.Study.per_recording` gives them.
    folders : sequence of Path or None
        To be written, one for each part; None for ``runs/<study>-<recording>``.
    force : bool
        Whether earlier runs may be replaced.

    Returns
    -------
    list of Path or None
        The folders of those of several parts that are finished already, by a command that was interrupted, and need
        not be run again; None for the others.

    Raises
    ------
    InputError
        For the first part that cannot be run, or where two would be written to one folder.
    """
    if len(parts) == 1:  # which is read next anyway
        if folders[0] is not None:
            check_destination(folders[0], force=force, wanted=parts[0].to_toml())
        return [None]
    taken: dict[Path, str] = {}
    finished: list[Path | None] = []
    for part, given in zip(parts, folders, strict=True):
        prepared = _checked(part)
        folder = given or Path("runs") / f"{part.name}-{file_stem(prepared.recording.name)}"
        digest = digest_of(prepared.files, place_of(part.recording[0].source))
        is_done = not force and is_finished(folder, prepared.study.to_toml(), digest)
        finished.append(folder if is_done else None)
        if not is_done:
            check_destination(folder, force=force, wanted=part.to_toml())
        own = visible(part.recording[0].source)
        if (other := taken.setdefault(folder, own)) != own:
            raise InputError(
                f"{visible(str(folder))}: {other} and {own} would both be written here; give each its own out="
            )
    return finished


def _checked(part: Study) -> Prepared:
    """A part whose recording and controls can be compared."""
    prepared = prepare(part)
    inputs = rdms_for_inference(prepared.recording, prepared.study.rdm_metric)
    data = inputs["data"]
    for matrix in [data] if data.ndim == 2 else data:
        if np.isfinite(matrix).all():
            rsa.compare_rdms(matrix, matrix, prepared.study.comparison.method)
    control_representations(prepared)
    return prepared


def check_disks(prepared: Prepared, folder: Path, device: str) -> None:
    """Check that a run's folder and the cache can be written, and have room for what the study makes.

    Parameters
    ----------
    prepared : Prepared
    folder : Path
        To be written; it need not be there.
    device : str
        "cpu" or "cuda".

    Raises
    ------
    InputError
        When a folder cannot be written, or has too little room; the message tells how much is needed.
    """
    needs: dict[int, list[tuple[Path, str, int, str]]] = {}
    for place, what, size, advice in disk_needs(prepared, folder, device):
        if size:
            disk = check_writable(place, f"{what} cannot be written here", advice).stat().st_dev
            needs.setdefault(disk, []).append((place, what, size, advice))
    for own in needs.values():
        _check_room(own)


def disk_needs(prepared: Prepared, folder: Path, device: str) -> tuple[tuple[Path, str, int, str], ...]:
    """What a study writes, at least: the place, what it is, its bytes, and what to do where there is no room."""
    todo = [unit for unit in prepared.units if not is_stored(unit, device)]
    of_units = bytes_of_units(prepared, todo, n_kept=2 + len(set(prepared.study.training.checkpoints) - {0}))
    arrays = Arrays.of(prepared)
    of_run = bytes_of_units(prepared, prepared.units, n_kept=2) + arrays.written + PICTURES
    parent, elsewhere = folder.absolute().parent, "choose another folder with out="
    return (
        (parent, "the run", of_run, elsewhere),
        (parent, "its RDMs until it is written", arrays.meanwhile, elsewhere),
        (cache_folder() / "units", "trained networks", of_units, "set NORMENC_CACHE to a folder on another disk"),
    )


def _check_room(needs: Sequence[tuple[Path, str, int, str]]) -> None:
    """Raise InputError if a disk does not have enough space for what is to be written."""
    needed = sum(size for _, _, size, _ in needs)
    place, _, _, advice = max(needs, key=lambda need: need[2])
    there = next(own for own in (place, *place.absolute().parents) if own.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        *others, last = (f"about {told_size(size)} for {what}" for _, what, size, _ in needs)
        parts = f"{', '.join(others)} and {last}" if others else last
        raise InputError(
            f"{visible(str(place))}: this disk has {told_size(free)} left, but {parts} are needed; make room, or "
            f"{advice}"
        )


def told_size(n_bytes: float) -> str:
    """Bytes in words."""
    return f"{n_bytes / GIB:,.1f} GiB" if n_bytes >= GIB / 10 else f"{n_bytes / 2**20:,.0f} MiB"
