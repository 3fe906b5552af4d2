"""Whether a recording can answer the question: what it holds, how reliable it is, what speaks against it."""

from normenc.quality.checking import Quality, check
from normenc.quality.comparable import comparison_notes, rdms_for_inference, responses_for_inference
from normenc.quality.decisive import Decidable, decidable, decisions
from normenc.quality.lines import lines
from normenc.quality.rdm_reliability import RdmReliability, rdm_reliability
from normenc.quality.seen import Seen
from normenc.renamed import keep_old_names

__all__ = [
    "Decidable",
    "Quality",
    "RdmReliability",
    "Seen",
    "check",
    "comparison_notes",
    "decidable",
    "decisions",
    "lines",
    "rdm_reliability",
    "rdms_for_inference",
    "responses_for_inference",
]

keep_old_names(__name__, inference_inputs="rdms_for_inference")
