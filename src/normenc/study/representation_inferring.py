"""Similarities of responses, not RDMs, of a study's models to its recording, in the scope of the study's own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from normenc import rsa
from normenc.errors import InputError
from normenc.quality import responses_for_inference
from normenc.rsa.representation_inference import infer_representations_in_scopes
from normenc.rsa.scopes import Asked
from normenc.study.inferring import PERMUTATIONS_A_MODEL, samples_of_other_methods, stimuli_compared
from normenc.study.representing import Prepared, Representation

__all__ = ["infer_responses", "recorded_responses", "responses_by_label"]

NOT_KEPT = "its responses are not kept, only its RDM"


def infer_responses(
    prepared: Prepared, representations: Sequence[Representation], like: rsa.Inference, method: str
) -> rsa.Inference:
    """By a measure of representations; layers whose responses are not kept have no similarity, and it is said why.

    Of a grid, responses of the first seed alone are kept.

    Raises
    ------
    InputError
        When the recording has no responses, or no layer has.
    """
    own, recording = prepared.study.comparison, prepared.recording
    some = stimuli_compared(prepared, method)
    models = responses_by_label(representations, some)
    known = {label: seeds for label, seeds in models.items() if seeds}
    if not known:
        raise InputError("no layer's responses are kept, only RDMs; measures of representations need responses")
    positions = recording.around_circle
    inference, _ = infer_representations_in_scopes(
        known,
        recorded=recorded_responses(prepared, some)
        | {"ordered": recording.has_neighbours, "positions": None if positions is None else positions[some]},
        asked=Asked(like.generalises_to),
        both=False,
        method=method,
        block_length=own.block_length,
        n_samples=samples_of_other_methods(prepared.study),
        n_permutations=min(own.n_permutations, PERMUTATIONS_A_MODEL * len(known)),
        seed=own.seed,
    )
    return _with_all(inference, list(models))


def responses_by_label(representations: Sequence[Representation], some: Any) -> dict[str, list[Any]]:
    """Responses of all seeds to some stimuli, by label; an empty list where none are kept."""
    models: dict[str, list[Any]] = {}
    for r in representations:
        models.setdefault(r.label, [])
        if r.responses is not None:
            models[r.label].append(r.responses.to_numpy()[some])
    return models


def recorded_responses(prepared: Prepared, some: Any) -> dict[str, Any]:
    """Of the recording, what :func:`normenc.quality.responses_for_inference` gives, for some stimuli."""
    recorded = responses_for_inference(prepared.recording)
    for name in ("responses", "repeats"):
        if name in recorded:
            several = isinstance(recorded[name], list)
            of = [each[..., some, :] for each in (recorded[name] if several else [recorded[name]])]
            recorded[name] = of if several else of[0]
    return recorded


def _with_all(inference: rsa.Inference, labels: list[str]) -> rsa.Inference:
    """The same with a row for each label, in their order."""
    table = inference.models.set_index("model")
    missing = [label for label in labels if label not in table.index]
    if not missing:
        return inference
    rows = table.reindex(labels)
    rows["n_seeds"] = rows["n_seeds"].fillna(0).astype(table["n_seeds"].dtype)
    rows["why_unknown"] = rows["why_unknown"].fillna(NOT_KEPT)
    models: pd.DataFrame = rows.rename_axis("model").reset_index()
    return replace(inference, models=models)
