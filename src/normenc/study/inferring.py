"""Similarities of a study's models to its recording, with the study's settings for inference."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa.circle import places_around
from normenc.rsa.inference import infer_in_scopes
from normenc.rsa.linear import Linear
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import MANY_STIMULI
from normenc.rsa.scopes import MIN_STIMULI, Asked
from normenc.rsa.stored import Matrix, of_stimuli
from normenc.study.representing import Prepared, Representation
from normenc.study.settings import Study

__all__ = [
    "check_scope",
    "infer_alike",
    "infer_models",
    "notes_on_stimuli",
    "rdms_by_label",
    "samples_of_other_methods",
    "stimuli_compared",
]

PERMUTATIONS_A_MODEL = 40  # so that a p-value of 0.05 remains when it is corrected for all models
MOST_SAMPLES_ALSO = 100  # of the bootstrap of other methods
MOST_SORTED = (400, 250)  # from so many: by the study's method, by others
MOST_ALSO = 1000  # stimuli for the others that need no sorting


def rdms_by_label(representations: Sequence[Representation]) -> dict[str, list[Matrix]]:
    """RDMs of all seeds, by label."""
    models: dict[str, list[Matrix]] = {}
    for r in representations:
        models.setdefault(r.label, []).append(r.rdm)
    return models


def infer_models(
    prepared: Prepared,
    models: dict[str, list[Matrix]],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[rsa.Inference, rsa.Inference | None]:
    """By the study's method: in the study's scope and, where something can be resampled, in the other one."""
    own, recording = prepared.study.comparison, prepared.recording
    asked: list[str] | Asked
    if recording.n_stimuli < MIN_STIMULI and own.generalise_to is None:
        few = f"The {recording.n_stimuli} stimuli are too few to speak of others; that takes at least {MIN_STIMULI}."
        asked = Asked(("seeds",), why=few)  # of these stimuli alone, seeds still vary
    elif own.generalise_to is None:
        asked = Asked.by_default(_stack(prepared), recording.has_neighbours, recording.around_circle)
    else:
        asked = list(own.generalise_to)
    return _inferred(prepared, models, asked, own.method, own.n_samples, both=True, progress=progress)


def infer_alike(
    prepared: Prepared, models: dict[str, list[Matrix]], like: rsa.Inference, method: str | None = None
) -> rsa.Inference:
    """In the scope of another inference, by the study's method or by another one.

    By another, there are just enough samples to see whether that matters. Factors that these models lack, such as
    several seeds, are left out.
    """
    own = prepared.study.comparison
    n_samples = own.n_samples if method is None else samples_of_other_methods(prepared.study)
    asked = Asked(like.generalises_to)
    return _inferred(prepared, models, asked, method or own.method, n_samples, some=stimuli_compared(prepared, method))[
        0
    ]


def _inferred(
    prepared: Prepared,
    models: dict[str, list[Matrix]],
    asked: list[str] | Asked,
    method: str,
    n_samples: int,
    *,
    some: Any = None,
    both: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[rsa.Inference, rsa.Inference | None]:
    own, recording = prepared.study.comparison, prepared.recording
    some = stimuli_compared(prepared) if some is None else some
    recorded = _of_stimuli(prepared.inputs, some)
    positions = recording.around_circle
    return infer_in_scopes(
        {label: [of_stimuli(rdm, some) for rdm in rdms] for label, rdms in models.items()},
        recorded.pop("data"),
        recorded=recorded
        | {
            "rdm_metric": prepared.study.rdm_metric,
            "ordered": recording.has_neighbours,
            "positions": None if positions is None else positions[some],
        },
        asked=asked,
        both=both,
        method=method,
        block_length=own.block_length,
        n_samples=n_samples,
        n_permutations=max(own.n_permutations, PERMUTATIONS_A_MODEL * len(models)),
        seed=own.seed,
        progress=progress,
    )


def _stack(prepared: Prepared) -> Any:
    """The recording's RDMs, (n_rdms, n_stimuli, n_stimuli)."""
    data = prepared.inputs["data"]
    return data[None] if data.ndim == 2 else data


def check_scope(prepared: Prepared) -> None:
    """Raise InputError if the study generalises to what its recording does not have, before anything is trained.

    Numbers drawn at random, of the recording's shape, have the same factors. Whether there are several seeds is known
    only from the models.
    """
    names = [name for name in prepared.study.comparison.generalise_to or () if name != "seeds"]
    if not names:
        return
    rng, n = np.random.default_rng(0), min(prepared.recording.n_stimuli, 8)
    alike = {key: value for key, value in prepared.inputs.items() if key in ("subject", "session")}
    for key in ("responses", "repeats"):
        if key in prepared.inputs:
            *before, _, n_neurons = prepared.inputs[key].shape
            alike[key] = rng.standard_normal((*before, n, min(n_neurons, 8)))
    if "repeats" in alike and "responses" in alike:
        alike["responses"] = alike["repeats"].mean(axis=0)
    if "responses" not in alike:
        alike["data"] = [rsa.rdm(rng.standard_normal((n, 9))) for _ in _stack(prepared)]
    try:
        rsa.infer({"any": rsa.rdm(rng.standard_normal((n, 9)))}, **alike, generalise_to=names, n_samples=2)
    except InputError as error:
        raise InputError(f"comparison.{error}; the recording is {prepared.recording.name}") from None


def stimuli_compared(prepared: Prepared, method: str | None = None) -> Any:
    """Places of the stimuli that a method compares, the study's by default: all or, of many stimuli, some.

    Measures by rank, and a user's, sort or compare all pairs of stimuli anew in every sample. Of more than 400 stimuli
    they are computed from 400 or, if they are only there to see whether the answer depends on the method, from 250,
    drawn at random; at even distances, where stimuli lie in order on a circle. So are measures of representations: from
    400 by their kernels, from 250 by others. Of the methods that are there for this, the others are computed from at
    most 2,000.
    """
    n_stimuli, own = prepared.recording.n_stimuli, prepared.study.comparison
    if method in rsa.REPRESENTATION_MEASURES:
        of_kernels = rsa.REPRESENTATION_MEASURES[method].arithmetic.pairs_matter
        most = MANY_STIMULI if of_kernels or n_stimuli <= MANY_STIMULI else MOST_SORTED[1]
    elif not isinstance(as_measure(method or own.method).arithmetic, Linear):
        most = MANY_STIMULI if n_stimuli <= MANY_STIMULI else MOST_SORTED[method is not None]
    else:
        most = n_stimuli if method is None else MOST_ALSO
    if n_stimuli <= most:
        return slice(None)
    if prepared.recording.has_neighbours:
        some = places_around(n_stimuli, most)
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
            by = rsa.REPRESENTATION_MEASURES.get(name or "") or as_measure(name or own.method)
            notes.append(
                f"By {by.phrase}, {len(some):,} of the {prepared.recording.n_stimuli:,} stimuli were compared, {how}"
                f"{'' if name else ', because every bootstrap sample is sorted anew'}."
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
