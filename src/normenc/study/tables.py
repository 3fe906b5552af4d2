"""The tables of a study: tidy, one row per comparison."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import rsa
from normenc.csv_tables import encoder_columns
from normenc.encoders import EncoderId, EncoderKind, Naming
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.linear import Linear
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import as_rdms, upper
from normenc.rsa.quadratic import are_many
from normenc.rsa.stored import Matrix, of_stimuli
from normenc.rsa.weighted import similarities
from normenc.study.settings import Study

if TYPE_CHECKING:
    from normenc.encoding import FittedNetwork
    from normenc.study.representing import Representation
    from normenc.study.sweep import Failure
    from normenc.study.units import Unit
    from normenc.training import TrainingResult

__all__ = [
    "difference_table",
    "epoch_table",
    "failure_table",
    "fitting_table",
    "seed_table",
    "similarity_table",
    "training_table",
]


def similarity_table(
    study: Study, recording: str, representations: Sequence["Representation"], inference: rsa.Inference
) -> pd.DataFrame:
    """Make ``similarity.csv``: one row per layer, trained or not, or control.

    Values are means over seeds, of which ``seed`` is the first.
    """
    firsts = {r.label: r for r in reversed(representations)}
    rows = [firsts[label] for label in inference.models["model"]]
    models = inference.models.drop(columns="model")
    sizes = {f"n_{factor}": inference.sizes.get(factor) for factor in ("animals", "sessions", "neurons")}
    (lower_low, lower_high), (upper_low, upper_high) = inference.ceiling_intervals
    table = pd.DataFrame(
        {
            "recording": recording,
            **_columns(rows),
            "n_seeds": models["n_seeds"].where([r.encoder.seed is not None for r in rows]).astype("Int64"),
            "rdm_metric": study.rdm_metric,
            "comparison": study.comparison.method,
        }
    )
    table = table.join(models.drop(columns="n_seeds"))
    return table.assign(
        ceiling=inference.ceiling.kind,
        ceiling_lower=inference.ceiling.lower,
        ceiling_lower_low=lower_low,
        ceiling_lower_high=lower_high,
        ceiling_upper=inference.ceiling.upper,
        ceiling_upper_low=upper_low,
        ceiling_upper_high=upper_high,
        n_stimuli=inference.sizes.get("stimuli", len(representations[0].rdm)),
        **{name: pd.array([value] * len(table), dtype="Int64") for name, value in sizes.items()},
        resampled=" ".join(inference.generalises_to),
    )


def difference_table(
    recording: str, representations: Sequence["Representation"], inference: rsa.Inference
) -> pd.DataFrame:
    """Make ``differences.csv``: each trained or pretrained layer against its untrained twin, controls and other layers.

    Other layers are those of the same network and task. These are the comparisons a study is made for; p-values are
    corrected for all of them together.
    """
    firsts = {r.label: r for r in reversed(representations)}
    pairs = inference.pairs
    planned = [
        _is_planned(firsts[model].encoder, firsts[other].encoder)
        for model, other in zip(pairs["model"], pairs["other"], strict=True)
    ]
    pairs = pairs[planned].reset_index(drop=True)
    who = {
        **_columns([firsts[label] for label in pairs["model"]]),
        **_columns([firsts[label] for label in pairs["other"]], other=True),
    }
    tests = pairs.drop(columns=["model", "other", "p_holm", "p_fdr"])
    table = pd.DataFrame({"recording": recording, **who}, index=tests.index).join(tests)
    return table.assign(
        p_holm=holm(table["p"]),
        p_fdr=benjamini_hochberg(table["p"]),
        generalises_to=" ".join(inference.generalises_to),
    )


def _vector(rdm: Matrix) -> npt.NDArray[np.float64]:
    return upper(np.asarray(rdm)).astype(np.float64)


def _columns(representations: Sequence["Representation"], *, other: bool = False) -> dict[str, Any]:
    return encoder_columns([r.encoder for r in representations], [r.label for r in representations], other=other)


def _is_planned(one: EncoderId, other: EncoderId) -> bool:
    """Whether a study compares the two: a layer that learned with a control, its twin, or another layer beside it."""
    if not one.kind.is_learned:
        return False
    if other.kind is one.kind:
        return (one.task, one.network) == (other.task, other.network)
    return other.kind is EncoderKind.CONTROL or other.of_all_seeds == one.twin.of_all_seeds


def epoch_table(
    recording: str, representations: Sequence[tuple[int, "Representation"]], inference: rsa.Inference
) -> pd.DataFrame:
    """Make ``over_training.csv``: one row per trained layer and checkpoint.

    Parameters
    ----------
    recording : str
    representations : sequence of (epoch, Representation)
        In the order of the inference's models, several seeds of one after the other.
    inference : Inference
    """
    firsts = {(r.label, epoch): (epoch, r) for epoch, r in reversed(representations)}
    rows = [firsts[key] for key in dict.fromkeys((r.label, epoch) for epoch, r in representations)]
    table = pd.DataFrame(
        {
            "recording": recording,
            **_columns([r for _, r in rows]),
            "epoch": [epoch for epoch, _ in rows],
        }
    )
    return table.join(inference.models[["n_seeds", "similarity", "low", "high"]])


def failure_table(failures: Sequence["Failure"], naming: Naming) -> pd.DataFrame:
    """Make ``failures.csv``: one row per unit that could not be trained, or layer that cannot be compared."""
    who = [f.encoder for f in failures]
    return pd.DataFrame(
        {
            **encoder_columns(who, [naming.label(encoder) for encoder in who]),
            "reason": [f.reason for f in failures],
            "settings": [json.dumps(f.unit.settings, sort_keys=True) for f in failures],
        }
    )


def training_table(trainings: Mapping["Unit", "TrainingResult"]) -> pd.DataFrame:
    """Make ``training.csv``: one row per step of every network."""
    logs = [
        pd.DataFrame(
            {
                "task": unit.task_label,
                "network": unit.network_label,
                "seed": unit.seed,
                "epoch": training.log.epoch,
                "step": np.arange(1, len(training.log.loss) + 1),
                "loss": training.log.loss,
                "learning_rate": training.log.learning_rate,
            }
        )
        for unit, training in trainings.items()
    ]
    return pd.concat(logs, ignore_index=True)


def fitting_table(fitted: Mapping[str, "FittedNetwork"]) -> pd.DataFrame:
    """Make ``fitting.csv``: one row per epoch of a network fitted to the neurons without the first fold."""
    logs = [fit.log.assign(network=label, kept=fit.log["epoch"] == fit.best_epoch) for label, fit in fitted.items()]
    table = pd.concat(logs, ignore_index=True)
    return table[["network", *(name for name in table if name != "network")]]


def seed_table(
    study: Study,
    recording: str,
    recording_rdms: npt.NDArray[np.float64],
    representations: Sequence["Representation"],
    some: Any = slice(None),
) -> pd.DataFrame:
    """Make ``similarity_by_seed.csv``: one row per layer and seed, or control; means over animals or sessions.

    `some` are the stimuli that are compared.
    """
    measure = as_measure(study.comparison.method)
    data = as_rdms(recording_rdms[..., some, :][..., some], "the recording")
    rdms: list[Any] = [of_stimuli(r.rdm, some) for r in representations]
    similarity = np.full(len(rdms), np.nan)
    known = [place for place, rdm in enumerate(rdms) if not measure.is_undefined(_vector(rdm))]
    if are_many(data.shape[-1] * (data.shape[-1] - 1) // 2) and isinstance(measure.arithmetic, Linear):
        once = np.ones((1, data.shape[-1]), dtype=np.int64)
        similarity[known] = similarities([rdms[k] for k in known], upper(data), once, measure).models[0].mean(axis=1)
    elif known:
        similarity[known] = rsa.compare_rdms(np.stack([rdms[k] for k in known]), data, measure).mean(axis=1)
    return pd.DataFrame(
        {
            "recording": recording,
            **_columns(representations),
            "similarity": similarity,
        }
    )
