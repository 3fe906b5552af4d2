"""Of stimuli all around a circle: similarities in the profile over the angle between stimuli, and in the rest."""

from typing import Any

import numpy as np
import pandas as pd

from normenc import rsa
from normenc.csv_tables import did_not_learn, encoder_columns
from normenc.encoders import LEARNED
from normenc.errors import InputError
from normenc.progress import ProgressCallback, stage
from normenc.rsa.circle import PARTS, places_around
from normenc.rsa.linear import Linear
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import MANY_STIMULI, as_rdms
from normenc.rsa.ranked import Spearman
from normenc.rsa.scopes import Asked
from normenc.rsa.stored import of_stimuli
from normenc.study.inferring import rdms_by_label, samples_of_other_methods, stimuli_compared
from normenc.study.represented import Represented
from normenc.study.representing import Prepared, Representation

__all__ = ["ANALYSIS", "circular_table", "drawn_parts"]

ANALYSIS = "parts of RDMs on the circle"  # its name where it could not be made
MOST_SAMPLES = 400  # of the bootstrap, which is made once more for each part
MOST_DRAWN = 90  # stimuli of a matrix in the picture
COLUMNS = (
    *("part", "share", "share_of_data", "similarity", "low", "high", "standard_error", "ceiling"),
    *("ceiling_lower", "ceiling_upper", "p_shifts", "p_shifts_holm", "aligned", "shift", "mirrored"),
    *("generalises_to", "why_unknown", "notes"),
)


def circular_table(
    represented: Represented, inference: rsa.Inference, progress: ProgressCallback
) -> tuple[pd.DataFrame | None, dict[str, str]]:
    """The rows of ``circular_parts.csv``, and why there are none, by the name of the analysis.

    None where stimuli do not go all around a circle. Intervals generalise to the same as those of `inference`.
    """
    prepared = represented.prepared
    recording, own = prepared.recording, prepared.study.comparison
    if not recording.has_neighbours:
        return None, {}
    some, measure = _some(prepared), as_measure(own.method)
    fast = isinstance(measure.arithmetic, Linear)
    models = rdms_by_label(represented.representations)
    recorded = {key: _of(values, some, key) for key, values in prepared.inputs.items()}
    with stage(progress, "dividing dissimilarities by the angle between stimuli"):
        try:
            found = rsa.infer_circular_parts(
                {label: [of_stimuli(rdm, some) for rdm in rdms] for label, rdms in models.items()},
                recorded.pop("data"),
                **recorded,
                positions=recording.stimulus[some],
                period=float(recording.period or 360),
                method=measure,
                whole=inference,
                align=fast or isinstance(measure.arithmetic, Spearman),
                rdm_metric=prepared.study.rdm_metric,
                generalise_to=Asked(inference.generalises_to),
                block_length=own.block_length,
                n_samples=min(own.n_samples, MOST_SAMPLES) if fast else samples_of_other_methods(prepared.study),
                seed=own.seed,
            )
        except InputError as error:
            return None, {ANALYSIS: str(error)}
    return _table(prepared, represented.firsts, found, some), {}


def drawn_parts(represented: Represented, similarity: pd.DataFrame) -> dict[str, Any]:
    """What the picture of the parts shows: matrices of the recording and of the most similar layer, and stimuli.

    Of a recording with several RDMs it is their mean; of a layer with several seeds, the first.
    """
    prepared = represented.prepared
    shown, period = prepared.recording.shown, float(prepared.recording.period or 360)
    values, order = shown.in_order(prepared.recording.stimulus)
    step = -(-len(order) // MOST_DRAWN)
    others = similarity[~did_not_learn(similarity)]
    choices = (others[others["kind"].isin(LEARNED)], others, similarity)
    rows = next(own for own in choices if own["similarity"].notna().any() or own is similarity)
    best = represented.firsts[str(rows.loc[rows["similarity"].idxmax(), "encoder"])]
    matrices = {}
    for label, matrix in (
        (represented.recording_label, prepared.recording_rdm),
        (best.label, np.asarray(best.rdm, dtype=np.float64)),
    ):
        whole = matrix[np.ix_(order, order)]
        parts = rsa.circular_parts(whole, values, period=period)
        every = {"whole": whole, **{part: getattr(parts, part) for part in PARTS}}
        matrices[label] = {part: own[::step, ::step].astype(np.float32) for part, own in every.items()}
    return {"matrices": matrices, "stimulus": np.asarray(values[::step])}


def _some(prepared: Prepared) -> Any:
    """Places of the stimuli that are compared: of more than 400, 400 at even distances."""
    some, n_stimuli = stimuli_compared(prepared), prepared.recording.n_stimuli
    if isinstance(some, slice) and n_stimuli > MANY_STIMULI:
        return places_around(n_stimuli, MANY_STIMULI)
    return some


def _of(values: Any, some: Any, key: str) -> Any:
    """What is known of the recording, for some stimuli."""
    if key == "data":
        return as_rdms(values, "the recording")[:, some][:, :, some]
    return values[..., some, :] if key in ("responses", "repeats") else values


def _table(
    prepared: Prepared, firsts: dict[str, Representation], found: rsa.CircularInference, some: Any
) -> pd.DataFrame:
    rows = [firsts[label] for label in found.models["model"]]
    notes = [*found.notes]
    if not isinstance(some, slice):
        notes.append(f"Of {prepared.recording.n_stimuli:,} stimuli, {len(some):,} at even distances were divided.")
    table = pd.DataFrame(
        {"recording": prepared.recording.label, **encoder_columns([r.encoder for r in rows], [r.label for r in rows])}
    )
    own = found.models.drop(columns="model").assign(
        ceiling=found.ceiling, generalises_to=" ".join(found.generalises_to), notes=" ".join(notes)
    )
    return table.join(own[list(COLUMNS)])
