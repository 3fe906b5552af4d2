"""How an encoder represents stimuli: one stimulus x unit array a layer."""

from normenc.representations.representing import Encoder, layers_in_order, represent

__all__ = ["Encoder", "layers_in_order", "represent"]
