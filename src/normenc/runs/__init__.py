"""What a finished run is: what its folder holds, how that is written, and how it is read back as one object.

Names load when first used, so that opening a run loads no more than it takes to read tables.
"""

from normenc.extras import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
