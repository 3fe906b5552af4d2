"""What finished runs are drawn from again; see :mod:`normenc.runs`."""

from normenc.runs.redrawing import Redrawn, redraw
from normenc.runs.source_data import Picture, read_source_data

__all__ = ["Picture", "Redrawn", "read_source_data", "redraw"]
