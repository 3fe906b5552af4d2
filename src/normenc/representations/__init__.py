"""Responses of an encoder to stimuli: one stimulus x unit array per layer."""

from normenc.extras import needs_nets

needs_nets(__name__)

from normenc.representations.extraction import extract
from normenc.representations.reductions import Reduction
from normenc.representations.representing import Encoder, layers_in_order, represent
from normenc.representations.responses import Extracted, LayerResponses

__all__ = ["Encoder", "Extracted", "LayerResponses", "Reduction", "extract", "layers_in_order", "represent"]
