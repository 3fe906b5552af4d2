"""Checks before anything is trained: every recording, the folders to write, and the space on their disks."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from normenc import rsa
from normenc.errors import InputError
from normenc.quality import rdms_for_inference
from normenc.recordings import cache_folder
from normenc.recordings.download import place_of
from normenc.recordings.provenance import digest_of
from normenc.runs.replacing import check_destination, is_finished
from normenc.study.control_representing import control_representations
from normenc.study.extraction import KEPT_BYTES
from normenc.study.layer_files import FEATURES
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study
from normenc.study.units import Unit, is_stored
from normenc.texts import file_stem, visible
from normenc.training import initialise
from normenc.whole_files import check_writable

__all__ = ["check_before", "check_disks"]

GIB = 2**30
FLOAT32, FLOAT64 = 4, 8
PICTURES = 4 * 2**20  # bytes of pictures, their source data and the page, at least


def check_before(parts: Sequence[Study], folders: Sequence[Path | None], *, force: bool = False) -> list[bool]:
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
    list of bool
        Which of several parts are finished already, by a command that was interrupted, and need not be run again.

    Raises
    ------
    InputError
        For the first part that cannot be run, or where two would be written to one folder.
    """
    if len(parts) == 1:  # which is read next anyway
        if folders[0] is not None:
            check_destination(folders[0], force=force, wanted=parts[0].to_toml())
        return [False]
    taken: dict[Path, str] = {}
    finished = []
    for part, given in zip(parts, folders, strict=True):
        prepared = _checked(part)
        folder = given or Path("runs") / f"{part.name}-{file_stem(prepared.recording.name)}"
        digest = digest_of(prepared.files, place_of(part.recording[0].source))
        finished.append(not force and is_finished(folder, prepared.study.to_toml(), digest))
        if not finished[-1]:
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
    todo = [unit for unit in prepared.units if not is_stored(unit, device)]
    of_units = _bytes_of_units(prepared, todo, n_kept=2 + len(set(prepared.study.training.checkpoints) - {0}))
    of_run = _bytes_of_units(prepared, prepared.units, n_kept=2) + _bytes_of_arrays(prepared) + PICTURES
    needs: dict[int, list[tuple[Path, str, int, str]]] = {}
    for place, what, size, advice in (
        (folder.absolute().parent, "the run", of_run, "choose another folder with out="),
        (cache_folder() / "units", "trained networks", of_units, "set NORMENC_CACHE to a folder on another disk"),
    ):
        if size:
            disk = check_writable(place, f"{what} cannot be written here", advice).stat().st_dev
            needs.setdefault(disk, []).append((place, what, size, advice))
    for own in needs.values():
        _check_room(own)


def _check_room(needs: Sequence[tuple[Path, str, int, str]]) -> None:
    """Raise InputError if a disk does not have enough space for what is to be written."""
    needed = sum(size for _, _, size, _ in needs)
    place, _, _, advice = max(needs, key=lambda need: need[2])
    there = next(own for own in (place, *place.absolute().parents) if own.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        parts = " and ".join(f"about {_size(size)} for {what}" for _, what, size, _ in needs)
        raise InputError(
            f"{visible(str(place))}: this disk has {_size(free)} left, but {parts} are needed; make room, or {advice}"
        )


def _size(n_bytes: int) -> str:
    return f"{n_bytes / GIB:,.1f} GiB" if n_bytes >= GIB / 10 else f"{n_bytes / 2**20:,.0f} MiB"


def _bytes_of_units(prepared: Prepared, units: Sequence[Unit], n_kept: int) -> int:
    """What the weights of networks take: trained, untrained and, where they are kept, at checkpoints."""
    known: dict[tuple[str, str], int] = {}
    for unit in units:
        if (unit.task_label, unit.network_label) not in known:
            known[unit.task_label, unit.network_label] = sum(
                value.numel() * value.element_size()
                for value in initialise(unit.build, unit.seed).state_dict().values()
            )
    return sum(n_kept * known[unit.task_label, unit.network_label] for unit in units)


def _bytes_of_arrays(prepared: Prepared) -> int:
    """What responses and RDMs take: of the first seed's layers in a grid, of all seeds' else."""
    study, n_stimuli = prepared.study, prepared.recording.n_stimuli
    n_values, n_rdms = 0, len(prepared.controls) + 1
    for settings, build in prepared.twins:
        layers = study.layers_of(settings)
        sizes = _units_of_layers(initialise(build, study.seeds[0]), layers, prepared.images[:1])
        n_rdms += len(layers) * (len(study.seeds) * len(study.task) + len(study.untrained_seeds))
        n_seeds = 1 if study.is_grid else len(study.seeds)
        n_values += sizes * (n_seeds * len(study.task) + (1 if study.is_grid else len(study.untrained_seeds)))
    for unit in prepared.encoders:  # the first seed's responses, and features in place of large ones
        n_rdms += len(unit.chosen.layers) * (1 + len(study.untrained_seeds))
        most = KEPT_BYTES // (FLOAT32 * n_stimuli)
        n_values += 2 * sum(n if n <= most else min(n, FEATURES.n_units) for n in unit.chosen.n_units)
    n_values += len(prepared.controls) * math.prod(prepared.shown.to_controls.shape[1:])
    return n_stimuli * n_values * FLOAT32 + n_rdms * n_stimuli**2 * FLOAT64


def _units_of_layers(network: torch.nn.Module, layers: Sequence[str], image: torch.Tensor) -> int:
    from normenc.representations import represent

    return sum(responses.sizes["unit"] for responses in represent(network, image, list(layers)).values())
