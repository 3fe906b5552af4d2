"""What a comparison generalises over, and why it was made as it was: clauses for tables, pages and methods."""

from typing import Any

from normenc import rsa
from normenc.quality import comparison_notes
from normenc.recordings import Recording
from normenc.rsa.scopes import MIN_STIMULI
from normenc.stimulus_types.base import MANY

__all__ = ["scope", "stimuli_drawn", "why_no_shifts"]

ALPHA = 0.05


def scope(recording: Recording, inference: rsa.Inference) -> dict[str, Any]:
    """What ``environment.json`` says of an inference."""
    return {
        "ceiling": inference.ceiling.describe(recording.whose),
        "ceiling_kind": inference.ceiling.kind,
        "resampled": inference.sizes,
        "generalises_to": list(inference.generalises_to),
        "fixed": list(inference.fixed),
        "scope": list(inference.notes),
        "why_no_intervals": inference.why_no_intervals,
        "block_length": inference.block_length,
        "stimuli_drawn": stimuli_drawn(recording, inference),
        "n_samples": inference.n_samples,
        "n_orders": inference.n_orders,
        "n_shifts": inference.n_shifts,
        "why_no_shifts": why_no_shifts(recording, inference),
        "n_stimuli_permuted": inference.n_permuted,
        "n_different_images": recording.n_different_images,
        "rdm_metric_of_recording": None if recording.rdm is None else recording.rdm_metric,
        "n_significant_pairs": int((inference.pairs["p_holm"] <= ALPHA).sum()),
        "notes": list(comparison_notes(recording)),
    }


def stimuli_drawn(recording: Recording, inference: rsa.Inference) -> str:
    """How stimuli were resampled, and why, as a sentence without its full stop."""
    if "stimuli" not in inference.factors:
        if recording.n_stimuli < MIN_STIMULI:
            return f"Stimuli were not resampled: {recording.n_stimuli} are too few to speak of others"
        return f"The {recording.n_stimuli:,} {recording.shown.plural} were taken as all there are"
    if inference.block_length is not None:
        n = inference.block_length
        blocks = f"in blocks of {n} neighbours" if n > 1 else "one by one, for they depend little on their neighbours"
        return f"Stimuli were drawn {blocks}"
    if recording.period is None:
        return "Stimuli were drawn one by one"
    plural = recording.shown.plural
    if recording.covers_circle:
        return (
            f"Stimuli were drawn one by one: {recording.n_stimuli} {plural} go all around their circle, but blocks of "
            f"neighbours take at least {MANY}"
        )
    return f"Stimuli were drawn one by one, as if they were independent: the {plural} leave a gap in their circle"


def why_no_shifts(recording: Recording, inference: rsa.Inference) -> str:
    """Why circular shifts were not tested; empty if they were."""
    if inference.ordered:
        return inference.why_no_shifts
    if recording.covers_circle:
        return f"{recording.n_stimuli} {recording.shown.plural} are too few for circular shifts"
    return recording.shown.unshiftable
