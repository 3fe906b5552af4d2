"""What each trained or pretrained layer explains of the recording beyond all controls together."""

from typing import Any

import pandas as pd

from normenc import rsa
from normenc.csv_tables import encoder_columns
from normenc.encoders import LEARNED, EncoderKind
from normenc.errors import InputError
from normenc.progress import ProgressCallback, stage
from normenc.rsa.scopes import Asked
from normenc.study.represented import Represented
from normenc.study.representing import Prepared, Representation

__all__ = ["COLUMNS", "partitioned", "rdm_partition", "row_labels"]

COLUMNS = (  # after the encoder's, of partitioning.csv
    *("n_seeds", "variance_of", "controls", "explained_by_controls", "explained_by_controls_low"),
    *("explained_by_controls_high", "explained"),
    *(f"{name}{end}" for name in ("unique", "semipartial", "partial") for end in ("", "_low", "_high")),
    *(f"{name}{end}" for name in ("beyond_twin", "semipartial_beyond_twin") for end in ("", "_low", "_high")),
    *("non_negative", "standard_error", "dof", "p", "p_holm", "why_unknown", "notes"),
)

OWN = {"unique": "beyond_twin", "semipartial": "semipartial_beyond_twin"}  # what rsa.partition calls a model's own


def rdm_partition(
    represented: Represented, inference: rsa.Inference, progress: ProgressCallback
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """The rows of ``partitioning.csv`` about dissimilarities, and why there are none, by the name of the analysis.

    Intervals generalise to the same as those of `inference`.
    """
    prepared = represented.prepared
    layers, controls = partitioned(represented)
    if not layers or not controls:
        return None, {}
    settings = prepared.study.comparison
    with stage(progress, "dividing variance between layers and controls") as counted:
        try:
            found = rsa.partition(
                {label: [r.rdm for r in own] for label, own in layers.items()},
                {label: [own[0].rdm] for label, own in controls.items()},
                own_controls=_twins(represented, layers),
                **prepared.inputs,
                rdm_metric=prepared.study.rdm_metric,
                ordered=prepared.recording.has_neighbours,
                generalise_to=Asked(inference.generalises_to),
                block_length=settings.block_length,
                n_samples=settings.n_samples,
                seed=settings.seed,
                progress=counted.progress,
            )
        except InputError as error:
            return None, {"variance partitioning": str(error)}
    return _table(prepared, layers, found), {}


def partitioned(represented: Represented) -> tuple[dict[str, list[Representation]], dict[str, list[Representation]]]:
    """Layers and controls by label, with all their seeds."""
    layers: dict[str, list[Representation]] = {}
    controls: dict[str, list[Representation]] = {}
    for r in represented.representations:
        if r.encoder.kind in LEARNED:
            layers.setdefault(r.label, []).append(r)
        elif r.encoder.kind is EncoderKind.CONTROL:
            controls.setdefault(r.label, []).append(r)
    return layers, controls


def _twins(represented: Represented, layers: dict[str, list[Representation]]) -> dict[str, list[Any]]:
    """By layer, the RDMs of its untrained twin's seeds."""
    of_layer: dict[tuple[str, str | None], list[Any]] = {}
    for r in represented.representations:
        if r.encoder.kind is EncoderKind.TWIN:
            of_layer.setdefault((r.encoder.network, r.encoder.layer), []).append(r.rdm)
    whose = {label: (own[0].encoder.network, own[0].encoder.layer) for label, own in layers.items()}
    return {label: of_layer[layer] for label, layer in whose.items() if layer in of_layer}


def row_labels(prepared: Prepared, firsts: list[Representation]) -> dict[str, Any]:
    """The columns that say whose row it is."""
    who = encoder_columns([r.encoder for r in firsts], [r.label for r in firsts])
    return {"recording": prepared.recording.label, **who}


def _table(prepared: Prepared, layers: dict[str, list[Representation]], found: rsa.Partition) -> pd.DataFrame:
    table = pd.DataFrame(row_labels(prepared, [own[0] for own in layers.values()]))
    shares = dict(zip(("", "_low", "_high"), found.explained, strict=True))
    named = {f"{name}_own{end}": f"{new}{end}" for name, new in OWN.items() for end in ("", "_low", "_high")}
    own = (
        found.models.drop(columns="model")
        .rename(columns=named)
        .assign(
            variance_of="dissimilarities",
            controls=", ".join(found.controls),
            notes=" ".join(found.notes),
            **{f"explained_by_controls{end}": value for end, value in shares.items()},
        )
    )
    own["n_seeds"] = pd.array(own["n_seeds"], dtype="Int64")
    return table.join(own[list(COLUMNS)])
