from .packing import export
from .pictures import PICTURES, RunPicture, picture
from .reading import Run
from .redrawing import Redrawn, redraw
from .several import open_all
from .source_data import Picture, read_source_data

__all__ = [
    "PICTURES",
    "Picture",
    "Redrawn",
    "Run",
    "RunPicture",
    "export",
    "open_all",
    "picture",
    "read_source_data",
    "redraw",
]
