"""Results of an inference as other tables: to read, to draw, and as matrices of models."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from normenc.rsa.drawn_ceilings import why_pairs_unknown

if TYPE_CHECKING:
    from normenc.rsa.inputs import Inputs
    from normenc.rsa.results import Inference
    from normenc.rsa.scopes import Scope

__all__ = [
    "bar_table",
    "ceiling_in_words",
    "no_shifts_note",
    "scope_notes",
    "short_table",
    "to_xarray",
    "why_no_intervals",
]

SHORT = ("model", "similarity", "low", "high", "p_permutations_holm", "p_shifts_holm", "p_ceiling_holm")
MAYBE = ("p_shifts_holm", "p_ceiling_holm")  # only if any model has one


def short_table(inference: "Inference") -> pd.DataFrame:
    """The main columns; tests that need more than every recording has, and ``why_unknown``, only if any has one."""
    models = inference.models
    columns = [name for name in SHORT if name not in MAYBE or models[name].notna().any()]
    return models[columns + ["why_unknown"] * bool(models["why_unknown"].ne("").any())].copy()


def ceiling_in_words(inference: "Inference") -> str:
    """The noise ceiling as part of a sentence."""
    ceiling = inference.ceiling
    if np.isnan(ceiling.lower):
        return "no noise ceiling"
    return f"noise ceiling {ceiling.lower:.3f} to {ceiling.upper:.3f}"


def scope_notes(scope: "Scope", inputs: "Inputs") -> tuple[str, ...]:
    """What intervals and tests generalise over, what is fixed and why, and what could not be resampled."""
    fixed = f"; {_listed(scope.fixed)} are taken as all there are" if scope.fixed else ""
    said = [scope.why]
    if scope.factors:
        said = [f"95 % confidence intervals generalise over {_listed(scope.factors)}{fixed}.", *said]
    if "trials" in scope.fixed and inputs.why_no_trials:
        said.append(f"Trials cannot be resampled: {inputs.why_no_trials}.")
    if why_not := why_pairs_unknown(inputs.sizes(scope.drawn)):
        said.append(f"Intervals of the noise ceiling, and tests against it, are unknown: {why_not}.")
    if none := why_no_intervals(scope):
        said.append(f"There are no intervals and no tests of differences: {none}.")
    return tuple(said)


def no_shifts_note(why_not: str) -> tuple[str, ...]:
    """Why there was no test by circular shifts, as a sentence, if there is a reason."""
    return (f"Circular shifts were not tested: {why_not}.",) if why_not else ()


def why_no_intervals(scope: "Scope") -> str:
    """Why there are no intervals at all, as a clause; empty if there are."""
    if scope.drawn:
        return ""
    return (
        f"{_listed(scope.fixed)} are taken as all there are, and there are no neurons, trials, animals, sessions or "
        "several seeds of a model that could be resampled"
    )


def _listed(names: Sequence[str]) -> str:
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def bar_table(inference: "Inference", recording: str) -> pd.DataFrame:
    """The rows that :func:`normenc.figures.similarity_bars` draws."""
    seeds = inference.models["n_seeds"]
    several = (" (" + seeds.astype(str) + " seeds)").where(seeds > 1, "")
    return inference.models.assign(
        encoder=inference.models["model"] + several,
        kind=None,
        recording=recording,
        comparison=inference.method,
        ceiling_lower=inference.ceiling.lower,
        ceiling_upper=inference.ceiling.upper,
    )


def to_xarray(inference: "Inference") -> xr.Dataset:
    """All numbers, labelled by ``model`` and, for pairs, ``other``."""
    names = inference.models["model"].tolist()
    dataset = inference.models.set_index("model").to_xarray()
    first, second = np.triu_indices(len(names), k=1)
    for name in inference.pairs.columns.drop(["model", "other"]):
        values = inference.pairs[name].to_numpy()
        turned = values
        if name in ("difference", "low", "high"):  # for the pair in reverse order
            turned = -inference.pairs[{"low": "high", "high": "low"}.get(name, name)].to_numpy()
        matrix = np.full((len(names), len(names)), np.nan)
        matrix[first, second], matrix[second, first] = values, turned
        dataset[name if name == "difference" else f"difference_{name}"] = (("model", "other"), matrix)
    dataset = dataset.assign_coords(other=names)
    for place, side in enumerate(("lower", "upper")):
        dataset[f"ceiling_{side}"] = getattr(inference.ceiling, side)
        for end, reach in enumerate(("low", "high")):
            dataset[f"ceiling_{side}_{reach}"] = inference.ceiling_intervals[place, end]
    return dataset.assign_attrs(
        comparison=inference.method,
        factors=", ".join(inference.factors),
        generalises_to=", ".join(inference.generalises_to),
        fixed=", ".join(inference.fixed),
        ceiling=inference.ceiling.kind,
        n_samples=inference.n_samples,
    )
