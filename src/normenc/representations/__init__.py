"""Responses of an encoder to stimuli: one stimulus x unit array per layer."""

from normenc.representations.representing import Encoder, layers_in_order, represent

__all__ = ["Encoder", "layers_in_order", "represent"]
