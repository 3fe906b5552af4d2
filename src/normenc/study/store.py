"""What a run leaves on disk: a folder that anyone can read without normenc.

A run is written to a folder of its own beside its destination and moved there when it is whole, so that nothing
half-written ever stands under the name of a result.
"""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from safetensors.torch import save_file
from torch import nn

import normenc
from normenc import stimuli
from normenc.csv_tables import write_table
from normenc.errors import InputError
from normenc.quality import decisions, lines
from normenc.recordings import Recording
from normenc.recordings.download import cached_file
from normenc.recordings.provenance import digest_of, listing, name_of
from normenc.recordings.recording import STIMULUS_UNITS
from normenc.recordings.sources import SOURCES
from normenc.study.describing import population_table, unit_table
from normenc.study.evaluation import Evaluation, samples_of_other_methods
from normenc.study.exploring import population_dataset, write_stimulus_sheet
from normenc.study.file_names import MARK, REPORT, file_stem, own_stem
from normenc.study.representing import Representation
from normenc.study.scope import scope
from normenc.study.tables import failure_table, fitting_table
from normenc.texts import as_json

__all__ = ["check_destination", "check_free", "staged", "write_evaluation"]

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "xarray", "pandas", "matplotlib", "pydantic")


def check_destination(folder: Path, *, force: bool) -> None:
    """Raise InputError when a run may not be written to `folder`: it is a file, or holds anything already.

    With `force`, the files of an earlier run are replaced, but never anything that is no run.
    """
    if folder.is_symlink() and not folder.exists():
        raise InputError(f"{folder}: this is a broken link; choose another folder with --out")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: this is a file; choose a folder with --out")
    for parent in folder.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise InputError(f"{folder}: {parent} is a file, so that no folder can be made there; choose another --out")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / MARK).is_file():
        raise InputError(f"{folder}: this folder holds something else than a run; choose another one with --out")
    if not force:
        raise InputError(f"{folder}: there is a run already; add --force to replace it, or choose another --out")


def check_free(folder: Path) -> None:
    """Raise InputError when anything is at `folder` already."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise InputError(f"{folder}: there is something already; choose another folder with --out")


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A new folder to write a run to, which becomes `folder` when the block ends well, and vanishes if not."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        stage.chmod(0o777 & ~_umask())
    except OSError as error:
        raise InputError(f"{folder}: this folder cannot be made ({error.strerror}); choose another --out") from None
    try:
        yield stage
        _publish(stage, folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_evaluation(evaluation: Evaluation, folder: Path, *, device: str) -> None:
    """Write settings, environment, tables, arrays and weights of `evaluation` to `folder`."""
    (folder / MARK).write_text(evaluation.study.to_toml(), encoding="utf-8")
    environment = as_json(json.dumps(_environment(evaluation, device), indent=2, ensure_ascii=False))
    (folder / "environment.json").write_text(environment + "\n", encoding="utf-8")
    tables = {
        "training.csv": evaluation.training_log,
        "similarity.csv": evaluation.similarity,
        "similarity_by_seed.csv": evaluation.by_seed,
        "differences.csv": evaluation.differences,
    }
    if evaluation.by_method is not None:
        tables["similarity_by_method.csv"] = evaluation.by_method
    if evaluation.over_training is not None:
        tables["over_training.csv"] = evaluation.over_training
    if evaluation.descriptions:
        tables["tuning.csv"] = population_table(evaluation.descriptions)
        tables["tuning_units.csv"] = unit_table(evaluation.descriptions)
    if evaluation.predicted is not None:
        tables["predictivity.csv"] = evaluation.predicted.table
        if evaluation.predicted.fitted:
            tables["fitting.csv"] = fitting_table(evaluation.predicted.fitted)
    if evaluation.failures:
        tables["failures.csv"] = failure_table(evaluation.failures)
    for name, table in tables.items():
        write_table(table, folder / name, float_format="%.9g")
    _representations(evaluation).to_netcdf(folder / "representations.nc", engine="h5netcdf")
    _rdms(evaluation).to_netcdf(folder / "rdms.nc", engine="h5netcdf")
    population_dataset(evaluation).to_netcdf(folder / "populations.nc", engine="h5netcdf")
    write_stimulus_sheet(evaluation.images, folder / "stimuli.png")
    (folder / "quality.json").write_text(_quality(evaluation), encoding="utf-8")
    models = folder / "models"
    models.mkdir()
    several = len(evaluation.study.task) > 1
    for unit, training in evaluation.trainings.items():
        labels = [unit.task_label] * several + [unit.network_label]
        untrained = f"{file_stem(unit.network_label)}_seed{unit.seed}_untrained.safetensors"
        _save_weights(training.network, models / f"{file_stem(*labels)}_seed{unit.seed}.safetensors")
        if not several or unit.task_label == evaluation.study.task[0].title:
            _save_weights(training.untrained, models / untrained)
    for label, fit in (evaluation.predicted.fitted if evaluation.predicted else {}).items():
        _save_weights(fit.network, models / f"fitted_{own_stem(label)}_seed{fit.seed}.safetensors")


def _publish(stage: Path, folder: Path) -> None:
    if not folder.exists():
        stage.rename(folder)
        return
    # What an earlier run left is replaced file by file, so that a user's own notes in the folder stay. Its report
    # goes first: half a replacement must not look finished. Pictures drawn again for a page, in figures/85mm, go too.
    (folder / REPORT).unlink(missing_ok=True)
    for part in ("models", "figures"):
        for pattern in ("*.safetensors", "*.png", "*.svg", "*.pdf", "*.h5"):
            for old in [*(folder / part).glob(pattern), *(folder / part).glob(f"*mm/{pattern}")]:
                old.unlink()
    for new in sorted(stage.rglob("*")):
        target = folder / new.relative_to(stage)
        if new.is_dir():
            target.mkdir(exist_ok=True)
        else:
            new.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _save_weights(network: nn.Module, path: Path) -> None:
    save_file({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}, path)
    path.chmod(0o666 & ~_umask())  # safetensors writes for the owner alone


def _representations(evaluation: Evaluation) -> xr.Dataset:
    variables = {}
    for representation in evaluation.representations:
        if representation.responses is None:
            continue
        responses = representation.responses.rename(unit=f"unit_{representation.key}").astype(np.float32)
        variables[representation.key] = responses.assign_attrs(_attributes(representation))
    dataset = xr.Dataset(variables, attrs={"title": "responses of encoders to the recording's stimuli"})
    recording = evaluation.recording
    dataset[recording.kind].attrs |= _units_of(recording)
    return dataset


def _rdms(evaluation: Evaluation) -> xr.DataArray:
    recording = evaluation.recording
    matrices = [evaluation.recording_rdm, *(r.rdm for r in evaluation.representations)]
    names = [evaluation.recording_label, *(r.key for r in evaluation.representations)]
    return xr.DataArray(
        np.stack(matrices),
        dims=("population", "stimulus", "stimulus_2"),
        coords={
            "population": names,
            recording.kind: ("stimulus", recording.stimulus, _units_of(recording)),
            f"{recording.kind}_2": ("stimulus_2", recording.stimulus, _units_of(recording)),
        },
        name="dissimilarity",
        attrs={
            "metric": evaluation.study.rdm_metric,
            "recording": recording.describe(),
            "simulated": int(recording.simulated),
        },
    )


def _quality(evaluation: Evaluation) -> str:
    found = evaluation.quality
    assert found.decidable is not None
    said = {"lines": lines(found), "decisions": decisions(found.decidable, found.kind, found.n_stimuli)}
    return as_json(json.dumps(found.to_dict() | said, indent=2, ensure_ascii=False)) + "\n"


def _units_of(recording: Recording) -> dict[str, str]:
    return {} if recording.period is None else {"units": STIMULUS_UNITS[recording.kind]}


def _attributes(representation: Representation) -> dict[str, Any]:
    seed = {} if representation.seed is None else {"seed": representation.seed}
    return (
        {
            "model": representation.model,
            "layer": representation.layer,
            "trained": int(representation.trained),
        }
        | seed
        | ({} if representation.task is None else {"task": representation.task})
    )


def _environment(evaluation: Evaluation, device: str) -> dict[str, Any]:
    study = evaluation.study
    own = study.recording[0]
    return {
        "normenc": normenc.__version__,
        "git_commit": _git_commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "device": torch.cuda.get_device_name() if device == "cuda" and torch.cuda.is_available() else device,
        "threads": torch.get_num_threads(),
        "seeds": {
            "training": study.seeds,
            "untrained": study.untrained_seeds,
            "inference": study.comparison.seed,
            "recording": (own.seed or 0) if SOURCES.get(own.source) and evaluation.recording.simulated else None,
            "embedding": 0,
        },
        "recording": _recording(evaluation),
        "scores": _scores(evaluation),
        "skipped_controls": evaluation.skipped,
        "inference": {
            **scope(evaluation.recording, evaluation.inference),
            "n_samples_other_methods": samples_of_other_methods(study),
            "refused_methods": evaluation.refused,
        },
    }


def _recording(evaluation: Evaluation) -> dict[str, Any]:
    recording, source = evaluation.recording, _source(evaluation)
    return {
        "name": recording.label,
        "description": recording.describe(),
        "simulated": recording.simulated,
        "n_stimuli": recording.n_stimuli,
        "n_neurons": recording.n_neurons,
        "n_trials": recording.n_trials,
        "n_repeats": recording.n_repeats,
        "animals": recording.animals,
        "sessions": recording.sessions,
        "stimuli": recording.kind,
        "described": evaluation.described.kind,
        "n_different_images": recording.n_different_images,
        "n_blanks": None if recording.blanks is None else len(recording.blanks),
        "rdm_metric": recording.rdm_metric,
        "read_as": recording.read_as,
        "images_cut": _images_cut(recording, evaluation.study.stimuli.resolution),
        "folded": next((step.removeprefix("folded ") for step in recording.steps if step.startswith("folded ")), None),
        "steps": recording.steps,
        "notes": recording.notes,
        "units": recording.units,
        "species": recording.species,
        "area": recording.area,
        "source": recording.source,
        "citation": recording.citation,
        "licence": recording.licence,
        "sha256": digest_of(evaluation.files, source),
        "files": listing(evaluation.files, source),
        "changed": [name_of(path, source) for path in evaluation.changed],
    }


def _source(evaluation: Evaluation) -> Path:
    """Where the recording was read from; nothing lies there for one that is made."""
    source = evaluation.study.recording[0].source
    return cached_file(source) if source in SOURCES and SOURCES[source].url else Path(source)


def _images_cut(recording: Recording, resolution: float) -> str | None:
    return None if recording.images is None else stimuli.describe_fit(recording.images.shape[1:], resolution) or None


def _scores(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "task": unit.task_label,
            "model": unit.network_label,
            "seed": unit.seed,
            "score": unit.task.score_name,
            "chance": unit.task.chance,
            "train": training.log.train_score,
            "held_out": training.log.held_out_score,
            "untrained_held_out": training.log.untrained_score,
        }
        for unit, training in evaluation.trainings.items()
    ]


def _git_commit() -> str | None:
    """The commit of normenc itself, where it runs from a checkout."""
    here = Path(__file__)
    try:
        for command in (["ls-files", "--error-unmatch", here.name], ["rev-parse", "HEAD"]):
            found = subprocess.run(
                ["git", *command], cwd=here.parent, capture_output=True, text=True, timeout=10, check=True
            )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
