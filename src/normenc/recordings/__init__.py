"""Recordings of visual cortex: loading, preparing, downloading, simulating.

Names load when first used.
"""

from normenc.extras import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
