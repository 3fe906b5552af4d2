"""What a run leaves on disk: a folder that anyone can read without normenc.

Every file is made in memory and then written: libraries that write themselves may end the process where a disk is full.
"""

import json
import math
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from safetensors.torch import save
from torch import nn

import normenc
from normenc.csv_tables import encoder_columns
from normenc.encoders import EncoderId, EncoderKind
from normenc.quality import decisions, lines
from normenc.recordings.provenance import digest_of, listing, name_of
from normenc.recordings.public.names import place_of
from normenc.recordings.simulation import SETTINGS as SIMULATED
from normenc.runs.schema import ENVIRONMENT, FORMAT, SETTINGS, SIMILARITY, file_of
from normenc.runs.writing import csv_bytes
from normenc.study.competence import perfect_score
from normenc.study.describing import population_table, unit_table
from normenc.study.evaluation import Evaluation
from normenc.study.exploring import population_dataset, stimulus_sheet
from normenc.study.inferring import notes_on_stimuli, samples_of_other_methods
from normenc.study.rdm_file import netcdf, units_of, write_dataset, write_rdms
from normenc.study.representing import Representation
from normenc.study.scope import scope
from normenc.study.source_code import versions
from normenc.study.tables import failure_table, fitting_table
from normenc.texts import as_json
from normenc.whole_files import write_whole

__all__ = ["write_evaluation"]

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "xarray", "pandas", "matplotlib", "pydantic")


def write_evaluation(evaluation: Evaluation, folder: Path, *, device: str) -> None:
    """Write settings, environment, tables, arrays and weights of `evaluation` to the new `folder`.

    Raises
    ------
    WriteError
        When a file cannot be written.
    """

    def write(name: str, content: bytes) -> None:
        file_of(name)  # an error where it is listed nowhere
        write_whole(folder / name, content)

    write(SETTINGS, evaluation.study.to_toml().encode("utf-8"))
    environment = as_json(json.dumps(_environment(evaluation, device), indent=2, ensure_ascii=False))
    write(ENVIRONMENT, f"{environment}\n".encode())
    for name, table in _tables(evaluation).items():
        write(name, csv_bytes(table))
    file_of("representations.nc")
    write_dataset(folder / "representations.nc", _representations(evaluation))
    file_of("rdms.nc")
    write_rdms(evaluation, folder / "rdms.nc")
    if evaluation.populations is not None:
        write("populations.nc", netcdf(population_dataset(evaluation)))
    shown = evaluation.prepared.shown
    write("stimuli.png", stimulus_sheet(evaluation.images if shown.is_drawn else shown.seen))
    write("quality.json", _quality(evaluation).encode("utf-8"))
    networks = _networks(evaluation)
    if networks:
        (folder / "models").mkdir()
    for name, network in networks.items():
        write(f"models/{name}.safetensors", _weights(network))


def _networks(evaluation: Evaluation) -> dict[str, nn.Module]:
    """Networks by the names of their files; the first task's untrained twin stands for those of all tasks."""
    naming = evaluation.study.naming
    networks: dict[str, nn.Module] = {}
    for unit, training in evaluation.trainings.items():
        networks[naming.file_stem(unit.encoder)] = training.network
        networks.setdefault(naming.file_stem(unit.encoder.twin), training.untrained)
    for name, fit in (evaluation.predicted.fitted if evaluation.predicted else {}).items():
        networks[naming.file_stem(EncoderId(None, name, None, EncoderKind.FITTED, fit.seed))] = fit.network
    return networks


def _tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    tables = {
        SIMILARITY: evaluation.similarity,
        "similarity_by_seed.csv": evaluation.by_seed,
        "differences.csv": evaluation.differences,
    }
    if evaluation.training_log is not None:
        tables["training.csv"] = evaluation.training_log
    if evaluation.similarity_by_scope is not None:
        tables["similarity_by_scope.csv"] = evaluation.similarity_by_scope
        tables["differences_by_scope.csv"] = evaluation.differences_by_scope
    if evaluation.by_method is not None:
        tables["similarity_by_method.csv"] = evaluation.by_method
    if evaluation.animals is not None:
        tables["animals.csv"] = evaluation.animals
    if evaluation.partitioning is not None:
        tables["partitioning.csv"] = evaluation.partitioning
    if evaluation.circular_parts is not None:
        tables["circular_parts.csv"] = evaluation.circular_parts
    if evaluation.identification is not None:
        tables["identification.csv"] = evaluation.identification
    if evaluation.over_training is not None:
        tables["over_training.csv"] = evaluation.over_training
    if evaluation.populations is not None and evaluation.descriptions:
        tables["tuning.csv"] = population_table(evaluation.descriptions)
        tables["tuning_units.csv"] = unit_table(evaluation.descriptions)
    if evaluation.predicted is not None:
        tables["predictivity.csv"] = evaluation.predicted.table
        if evaluation.predicted.between_animals is not None:
            tables["between_animals.csv"] = evaluation.predicted.between_animals
        if evaluation.predicted.fitted:
            tables["fitting.csv"] = fitting_table(evaluation.predicted.fitted)
    if evaluation.failures:
        tables["failures.csv"] = failure_table(evaluation.failures, evaluation.study.naming)
    return tables


def _weights(network: nn.Module) -> bytes:
    return save({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()})


def _representations(evaluation: Evaluation) -> xr.Dataset:
    variables = {}
    for representation in evaluation.representations:
        if representation.responses is None:
            continue
        responses = representation.responses.rename(unit=f"unit_{representation.key}").astype(np.float32, copy=False)
        variables[representation.key] = responses.assign_attrs(_attributes(representation))
    dataset = xr.Dataset(variables, attrs={"title": "responses of encoders to the recording's stimuli"})
    recording = evaluation.recording
    dataset[recording.kind].attrs |= units_of(recording)
    return dataset


def _quality(evaluation: Evaluation) -> str:
    quality = evaluation.quality
    assert quality is not None and quality.decidable is not None
    said = {"lines": lines(quality), "decisions": decisions(quality.decidable, quality.kind, quality.n_stimuli)}
    return as_json(json.dumps(quality.to_dict() | said, indent=2, ensure_ascii=False)) + "\n"


def _attributes(representation: Representation) -> dict[str, Any]:
    own = encoder_columns([representation.encoder], [representation.label])
    known = {name: values[0] for name, values in own.items() if not pd.isna(values[0])}
    done = "; ".join(filter(None, (representation.reduced, representation.note)))
    return known | ({"note": done} if done else {})


def _environment(evaluation: Evaluation, device: str) -> dict[str, Any]:
    study = evaluation.study
    own = study.recording[0]
    return {
        "normenc": normenc.__version__,
        "format": FORMAT,
        "git_commit": _git_commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": versions(PACKAGES),
        "device": torch.cuda.get_device_name() if device == "cuda" and torch.cuda.is_available() else device,
        "threads": torch.get_num_threads(),
        "seeds": {
            "training": study.seeds,
            "untrained": study.untrained_seeds,
            "inference": study.comparison.seed,
            "recording": (own.seed or 0) if own.source in SIMULATED and evaluation.recording.simulated else None,
            "embedding": 0,
        },
        "recording": _recording(evaluation),
        "scores": _scores(evaluation),
        **_encoders(evaluation),
        "skipped_controls": evaluation.skipped,
        "inference": {
            **_scope(evaluation),
            "n_samples_other_methods": samples_of_other_methods(study),
            "refused_methods": evaluation.refused,
        },
        **_identification(evaluation),
    }


def _identification(evaluation: Evaluation) -> dict[str, Any]:
    """What was simulated, or why nothing was; nothing where the study did not want it."""
    own = evaluation.identified
    return {} if own is None else {"identification": own.facts | {"why_unknown": own.why_unknown}}


def _scope(evaluation: Evaluation) -> dict[str, Any]:
    known = scope(evaluation.recording, evaluation.inference)
    return known | {"notes": [*known["notes"], *notes_on_stimuli(evaluation.prepared)]}


def _recording(evaluation: Evaluation) -> dict[str, Any]:
    recording, source = evaluation.recording, place_of(evaluation.study.recording[0].source)
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
        "images_cut": " ".join(_said_of_images(evaluation)) or None,
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


def _said_of_images(evaluation: Evaluation) -> list[str]:
    study = evaluation.study
    fitted = {} if evaluation.predicted is None else study.encoding.resolutions
    return evaluation.prepared.shown.describe(trains=bool(study.network), fitted=fitted)


def _scores(evaluation: Evaluation) -> list[dict[str, Any]]:
    return [
        {
            "task": unit.task_label,
            "network": unit.network_label,
            "seed": unit.seed,
            "score": unit.task.score_name,
            "chance": unit.task.chance,
            "perfect": None if math.isnan(perfect := perfect_score(unit.task)) else perfect,
            "learned_at": None if math.isnan(unit.task.learned_at) else unit.task.learned_at,
            "learned": unit.task.has_learned(training.log.held_out_score),
            "train": training.log.train_score,
            "held_out": training.log.held_out_score,
            "untrained_held_out": training.log.untrained_score,
            "learning_rate": training.log.learning_rate,
            "kept_epoch": training.log.kept_epoch,
        }
        for unit, training in evaluation.trainings.items()
    ]


def _encoders(evaluation: Evaluation) -> dict[str, Any]:
    """What encoders are that the study did not train; nothing where there are none."""
    kept = [r for r in evaluation.representations if r.responses is not None]
    told = [
        {
            "label": unit.title,
            "model": unit.section.model,
            "weights": unit.section.weights,
            **unit.weights,
            "shown": evaluation.prepared.shown.said_for(unit.preprocessing),
            "layers": list(unit.chosen.layers),
            "n_units": list(unit.chosen.n_units),
            "chosen": unit.chosen.how,
            "dtype": unit.section.dtype,
            "reduced": {r.encoder.layer: r.reduced for r in kept if r.reduced and r.encoder.network == unit.title},
            "features": {r.encoder.layer: r.note for r in kept if r.note and r.encoder.network == unit.title},
        }
        for unit in evaluation.prepared.encoders
    ]
    return {"encoders": told} if told else {}


@cache
def _git_commit() -> str | None:
    """The commit of normenc itself, where it runs from a checkout."""
    here = Path(__file__)
    try:
        for command in (["rev-parse", f"HEAD:./{here.name}"], ["rev-parse", "HEAD"]):
            answer = subprocess.run(
                ["git", *command], cwd=here.parent, capture_output=True, text=True, timeout=10, check=True
            )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
