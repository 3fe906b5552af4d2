"""Encoders that were never trained, with which every trained network must be compared.

Like any encoder, each maps images to ``{layer: stimulus x unit}``. The untrained twin of a network, a control too,
comes with the network from :func:`normenc.training.train`.
"""

from normenc.extras import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
