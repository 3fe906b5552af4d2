"""Visual stimuli as functions of their parameters."""

from normenc.extras import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
