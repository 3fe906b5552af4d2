"""Responses of an encoder to stimuli: one stimulus x unit array per layer."""

from normenc.representations.extraction import extract
from normenc.representations.representing import Encoder, layers_in_order, represent
from normenc.representations.responses import LayerResponses

__all__ = ["Encoder", "LayerResponses", "extract", "layers_in_order", "represent"]
