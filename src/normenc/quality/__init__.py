"""Whether a recording can answer the question: what it holds, how reliable it is, what speaks against it."""

from normenc.quality.checking import Quality, check
from normenc.quality.comparable import comparison_notes, inference_inputs
from normenc.quality.decisive import Decidable, decidable, decisions
from normenc.quality.lines import lines
from normenc.quality.rdm_reliability import RdmReliability, rdm_reliability

__all__ = [
    "Decidable",
    "Quality",
    "RdmReliability",
    "check",
    "comparison_notes",
    "decidable",
    "decisions",
    "inference_inputs",
    "lines",
    "rdm_reliability",
]
