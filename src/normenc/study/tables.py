"""The tables of a study: tidy, one row a comparison."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import rsa
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import upper
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
    """Make ``similarity.csv``: one row a layer, trained or not, or control.

    Values are means over seeds, of which ``seed`` is the first.
    """
    firsts = {r.label: r for r in reversed(representations)}
    rows = [firsts[label] for label in inference.models["model"]]
    found = inference.models.drop(columns="model")
    sizes = {f"n_{factor}": inference.sizes.get(factor) for factor in ("animals", "sessions", "neurons")}
    (lower_low, lower_high), (upper_low, upper_high) = inference.ceiling_intervals
    table = pd.DataFrame(
        {
            "recording": recording,
            "task": [r.task for r in rows],
            "model": [r.model for r in rows],
            "layer": [r.layer for r in rows],
            "label": [r.label for r in rows],
            "trained": [r.trained for r in rows],
            "seed": pd.array([r.seed for r in rows], dtype="Int64"),
            "n_seeds": found["n_seeds"].where([r.seed is not None for r in rows]).astype("Int64"),
            "rdm_metric": study.rdm_metric,
            "comparison": study.comparison.method,
        }
    )
    table = table.join(found.drop(columns="n_seeds"))
    return table.assign(
        chance=inference.chance,
        ceiling=inference.ceiling.kind,
        ceiling_lower=inference.ceiling.lower,
        ceiling_lower_low=lower_low,
        ceiling_lower_high=lower_high,
        ceiling_upper=inference.ceiling.upper,
        ceiling_upper_low=upper_low,
        ceiling_upper_high=upper_high,
        n_stimuli=len(representations[0].rdm),
        **{name: pd.array([value] * len(table), dtype="Int64") for name, value in sizes.items()},
        resampled=" ".join(inference.factors),
    )


def difference_table(
    recording: str, representations: Sequence["Representation"], inference: rsa.Inference
) -> pd.DataFrame:
    """Make ``differences.csv``: each trained layer against its untrained twin, every control and the other layers.

    Other layers are those of the same network and task. These are the comparisons a study is made for; p-values are
    corrected for all of them together.
    """
    firsts = {r.label: r for r in reversed(representations)}
    pairs = inference.pairs
    kinds = [_kind(firsts[model], firsts[other]) for model, other in zip(pairs["model"], pairs["other"], strict=True)]
    table = pairs.drop(columns=["p_holm", "p_fdr"])
    table.insert(0, "recording", recording)
    table.insert(3, "kind", kinds)
    table = table[table["kind"].notna()].reset_index(drop=True)
    return table.assign(p_holm=holm(table["p"]), p_fdr=benjamini_hochberg(table["p"]))


def _kind(one: "Representation", other: "Representation") -> str | None:
    """What `other` is to a trained layer, or None where the two are not compared."""
    if not one.trained:
        return None
    if other.trained:
        return "layer" if (one.task, one.model) == (other.task, other.model) else None
    if other.seed is None:
        return "control"
    return "untrained twin" if (one.model, one.layer) == (other.model, other.layer) else None


def epoch_table(
    recording: str, found: Sequence[tuple[int, "Representation"]], inference: rsa.Inference
) -> pd.DataFrame:
    """Make ``over_training.csv``: one row a trained layer and checkpoint.

    Parameters
    ----------
    recording : str
    found : sequence of (epoch, Representation)
        In the order of the inference's models, several seeds of one after the other.
    inference : Inference
    """
    firsts = {(r.label, epoch): (epoch, r) for epoch, r in reversed(found)}
    rows = [firsts[key] for key in dict.fromkeys((r.label, epoch) for epoch, r in found)]
    table = pd.DataFrame(
        {
            "recording": recording,
            "task": [r.task for _, r in rows],
            "model": [r.model for _, r in rows],
            "layer": [r.layer for _, r in rows],
            "epoch": [epoch for epoch, _ in rows],
        }
    )
    return table.join(inference.models[["n_seeds", "similarity", "low", "high"]])


def failure_table(failures: Sequence["Failure"]) -> pd.DataFrame:
    """Make ``failures.csv``: one row a unit that could not be trained, or layer that cannot be compared."""
    return pd.DataFrame(
        {
            "task": [f.unit.task_label for f in failures],
            "model": [f.unit.network_label for f in failures],
            "seed": [f.unit.seed if f.layer is None else None for f in failures],
            "layer": [f.layer for f in failures],
            "reason": [f.reason for f in failures],
            "settings": [json.dumps(f.unit.settings, sort_keys=True) for f in failures],
        }
    ).astype({"seed": "Int64"})


def training_table(trainings: Mapping["Unit", "TrainingResult"]) -> pd.DataFrame:
    """Make ``training.csv``: one row a step of every network."""
    logs = [
        pd.DataFrame(
            {
                "task": unit.task_label,
                "model": unit.network_label,
                "seed": unit.seed,
                "epoch": training.log.epoch,
                "step": np.arange(1, len(training.log.loss) + 1),
                "loss": training.log.loss,
            }
        )
        for unit, training in trainings.items()
    ]
    return pd.concat(logs, ignore_index=True)


def fitting_table(fitted: Mapping[str, "FittedNetwork"]) -> pd.DataFrame:
    """Make ``fitting.csv``: one row an epoch of a network fitted to the neurons without the first fold."""
    logs = [fit.log.assign(network=label, kept=fit.log["epoch"] == fit.best_epoch) for label, fit in fitted.items()]
    table = pd.concat(logs, ignore_index=True)
    return table[["network", *(name for name in table if name != "network")]]


def seed_table(
    study: Study,
    recording: str,
    recording_rdms: npt.NDArray[np.float64],
    representations: Sequence["Representation"],
) -> pd.DataFrame:
    """Make ``similarity_by_seed.csv``: one row a layer and seed, or control; means over animals or sessions."""
    rdms, measure = np.stack([r.rdm for r in representations]), as_measure(study.comparison.method)
    alike = np.array([measure.is_undefined(upper(rdm)) for rdm in rdms])
    found = np.full(len(rdms), np.nan)
    found[~alike] = rsa.compare_rdms(rdms[~alike], recording_rdms, measure).mean(axis=1)
    return pd.DataFrame(
        {
            "recording": recording,
            "task": [r.task for r in representations],
            "model": [r.model for r in representations],
            "layer": [r.layer for r in representations],
            "trained": [r.trained for r in representations],
            "seed": pd.array([r.seed for r in representations], dtype="Int64"),
            "similarity": found,
        }
    )
