"""The tables of a study: tidy, one row a comparison."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import rsa
from normenc.rsa.inference import benjamini_hochberg, holm
from normenc.study.settings import Study

if TYPE_CHECKING:
    from normenc.study.evaluation import Representation

__all__ = ["difference_table", "seed_table", "similarity_table"]


def similarity_table(
    study: Study, recording: str, representations: Sequence["Representation"], inference: rsa.Inference
) -> pd.DataFrame:
    """Make ``similarity.csv``: one row a layer, trained or not, or control.

    Values are means over seeds, of which ``seed`` is the first.
    """
    firsts = {r.label: r for r in reversed(representations)}
    rows = [firsts[label] for label in inference.models["model"]]
    found = inference.models.drop(columns="model")
    sizes = {f"n_{factor}": inference.sizes.get(factor) for factor in ("animals", "neurons")}
    (lower_low, lower_high), (upper_low, upper_high) = inference.ceiling_intervals
    table = pd.DataFrame(
        {
            "recording": recording,
            "model": [r.model for r in rows],
            "layer": [r.layer for r in rows],
            "trained": [r.trained for r in rows],
            "seed": pd.array([r.seed for r in rows], dtype="Int64"),
            "n_seeds": found["n_seeds"].where([r.seed is not None for r in rows]).astype("Int64"),
            "rdm_metric": study.comparison.rdm_metric,
            "comparison": study.comparison.method,
        }
    )
    table = table.join(found.drop(columns="n_seeds"))
    return table.assign(
        chance="circular shifts" if inference.ordered else "label permutations",
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

    These are the comparisons a study is made for; p-values are corrected for all of them together.
    """
    kinds = {r.label: (r.trained, r.seed is None, r.layer) for r in representations}
    pairs = inference.pairs
    planned = []
    for model, other in zip(pairs["model"], pairs["other"], strict=True):
        (trained, _, layer), (other_trained, other_control, other_layer) = kinds[model], kinds[other]
        planned.append(trained and (other_trained or other_control or layer == other_layer))
    table = pairs[planned].drop(columns=["p_holm", "p_fdr"]).reset_index(drop=True)
    table.insert(0, "recording", recording)
    table.insert(
        3,
        "kind",
        ["layer" if kinds[o][0] else "control" if kinds[o][1] else "untrained twin" for o in table["other"]],
    )
    return table.assign(p_holm=holm(table["p"]), p_fdr=benjamini_hochberg(table["p"]))


def seed_table(
    study: Study,
    recording: str,
    recording_rdm: npt.NDArray[np.float64],
    representations: Sequence["Representation"],
) -> pd.DataFrame:
    """Make ``similarity_by_seed.csv``: one row a layer and seed, or control."""
    found = rsa.compare_rdms(np.stack([r.rdm for r in representations]), recording_rdm, study.comparison.method)
    return pd.DataFrame(
        {
            "recording": recording,
            "model": [r.model for r in representations],
            "layer": [r.layer for r in representations],
            "trained": [r.trained for r in representations],
            "seed": pd.array([r.seed for r in representations], dtype="Int64"),
            "similarity": found[:, 0],
        }
    )
