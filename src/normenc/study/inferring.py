"""Similarities of a study's models to its recording, with the study's settings for inference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from normenc import rsa
from normenc.rsa.inference import MIN_STIMULI
from normenc.rsa.linear import Linear
from normenc.rsa.measures import as_measure
from normenc.rsa.stored import Matrix, of_stimuli
from normenc.study.representing import Prepared, Representation
from normenc.study.settings import Study

__all__ = ["infer_models", "notes_on_stimuli", "rdms_by_label", "samples_of_other_methods", "stimuli_compared"]

UNCERTAIN = (
    *("low", "high", "standard_error", "dof", "p", "p_holm", "p_fdr"),
    *("p_ceiling", "p_ceiling_holm", "p_ceiling_fdr"),
)
PERMUTATIONS_A_MODEL = 40  # so that a p-value of 0.05 remains when it is corrected for all models
MOST_SAMPLES_ALSO = 100  # of the bootstrap of other methods
MANY_STIMULI = 400  # of more, measures that sort all pairs anew in every sample are computed
MOST_SORTED = (400, 250)  # from so many: by the study's method, by others
MOST_ALSO = 2000  # stimuli for the others that need no sorting


def rdms_by_label(representations: Sequence[Representation]) -> dict[str, list[Matrix]]:
    """RDMs of all seeds, by label."""
    models: dict[str, list[Matrix]] = {}
    for r in representations:
        models.setdefault(r.label, []).append(r.rdm)
    return models


def infer_models(
    prepared: Prepared,
    models: dict[str, list[Matrix]],
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
    some = stimuli_compared(prepared, method)
    inference = rsa.infer(
        {label: [of_stimuli(rdm, some) for rdm in rdms] for label, rdms in models.items()},
        **_of_stimuli(prepared.inputs, some),
        ordered=recording.has_neighbours,
        factors=["seeds"] if few else None,
        method=method or own.method,
        n_samples=own.n_samples if method is None else samples_of_other_methods(study),
        progress=progress,
        **options,
    )
    return _without_false_certainty(inference) if few else inference


def stimuli_compared(prepared: Prepared, method: str | None = None) -> Any:
    """Places of the stimuli that a method compares, the study's by default: all or, of many stimuli, some.

    Measures by rank, and a user's, sort or compare all pairs of stimuli anew in every sample. Of more than 400 stimuli
    they are computed from 400 or, if they are only there to see whether the answer depends on the method, from 250,
    drawn at random; at even distances, where stimuli lie in order on a circle. Of the methods that are there for this,
    the others are computed from at most 2,000.
    """
    n_stimuli, own = prepared.recording.n_stimuli, prepared.study.comparison
    if not isinstance(as_measure(method or own.method).arithmetic, Linear):
        most = MANY_STIMULI if n_stimuli <= MANY_STIMULI else MOST_SORTED[method is not None]
    else:
        most = n_stimuli if method is None else MOST_ALSO
    if n_stimuli <= most:
        return slice(None)
    if prepared.recording.has_neighbours:
        some = np.linspace(0, n_stimuli, most, endpoint=False).astype(np.intp)
    else:
        some = np.sort(np.random.default_rng([own.seed, 9]).permutation(n_stimuli)[:most])
    return some


def notes_on_stimuli(prepared: Prepared) -> list[str]:
    """Which measures were computed from fewer stimuli than there are, one sentence each."""
    own, notes = prepared.study.comparison, []
    others = [method for method in own.other_measures if method != own.method]
    for name in (None, *others):
        some = stimuli_compared(prepared, name)
        if not isinstance(some, slice):
            how = "at even distances" if prepared.recording.has_neighbours else "drawn at random"
            notes.append(
                f"By {as_measure(name or own.method).phrase}, {len(some):,} of the {prepared.recording.n_stimuli:,} "
                f"stimuli were compared, {how}{'' if name else ', because every bootstrap sample is sorted anew'}."
            )
    return notes


def _of_stimuli(inputs: Mapping[str, Any], some: Any) -> dict[str, Any]:
    """What is known of a recording, for some of its stimuli."""
    own = dict(inputs)
    own["data"] = own["data"][..., some, :][..., some]
    return own | {name: own[name][..., some, :] for name in ("responses", "repeats") if name in own}


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
