"""A study: its settings, its run, and what it leaves on disk.

Names load when first used; the workers of a sweep, which ask for little, start at once.
"""

from normenc.extras import attach_stub
from normenc.renamed import keep_old_names

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)

keep_old_names(__name__, Tally="SweepProgress")
