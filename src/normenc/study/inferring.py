"""Similarities of a study's models to its recording, with the study's settings for inference."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from normenc import rsa
from normenc.rsa.inference import MIN_STIMULI
from normenc.study.representing import Prepared, Representation
from normenc.study.settings import Study

__all__ = ["infer_models", "rdms_by_label", "samples_of_other_methods"]

UNCERTAIN = (
    *("low", "high", "standard_error", "dof", "p", "p_holm", "p_fdr"),
    *("p_ceiling", "p_ceiling_holm", "p_ceiling_fdr"),
)
PERMUTATIONS_A_MODEL = 40  # so that a p-value of 0.05 remains when it is corrected for all models
MOST_SAMPLES_ALSO = 100  # of the bootstrap of other methods


def rdms_by_label(representations: Sequence[Representation]) -> dict[str, list[npt.NDArray[np.float64]]]:
    """RDMs of all seeds, by label."""
    models: dict[str, list[npt.NDArray[np.float64]]] = {}
    for r in representations:
        models.setdefault(r.label, []).append(r.rdm)
    return models


def infer_models(
    prepared: Prepared,
    models: dict[str, list[npt.NDArray[np.float64]]],
    method: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> rsa.Inference:
    """By the study's method, or by another with just enough samples to see whether that matters."""
    study, recording = prepared.study, prepared.recording
    own = study.comparison
    options = study.comparison.model_dump(exclude={"layers", "controls", "other_measures", "method", "n_samples"})
    options["n_permutations"] = max(own.n_permutations, PERMUTATIONS_A_MODEL * len(models))
    # Too few stimuli to speak of others: of these alone, seeds still vary.
    few = recording.n_stimuli < MIN_STIMULI
    inference = rsa.infer(
        {label: np.stack(rdms) for label, rdms in models.items()},
        **prepared.inputs,
        ordered=recording.has_neighbours,
        factors=["seeds"] if few else None,
        method=method or own.method,
        n_samples=own.n_samples if method is None else samples_of_other_methods(study),
        progress=progress,
        **options,
    )
    return _without_false_certainty(inference) if few else inference


def samples_of_other_methods(study: Study) -> int:
    """Samples of their bootstrap: enough to see whether the answer depends on the method."""
    return min(study.comparison.n_samples, MOST_SAMPLES_ALSO)


def _without_false_certainty(inference: rsa.Inference) -> rsa.Inference:
    """If resampling does not affect an estimate, its uncertainty is unknown, not zero."""
    tables = []
    for table in (inference.models, inference.pairs):
        columns = [name for name in table if name in UNCERTAIN]
        sure = table["standard_error"] < 1e-12
        tables.append(table.assign(**{name: table[name].astype(float).mask(sure) for name in columns}))
    models, pairs = tables
    unsaid = inference.models["standard_error"].lt(1e-12) & models["why_unknown"].eq("")
    models["why_unknown"] = models["why_unknown"].mask(unsaid, "there are too few stimuli to speak of others")
    return replace(inference, models=models, pairs=pairs)
