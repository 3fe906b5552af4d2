"""All pictures of a run: those that are listed in the modules below, and any that are added."""

from normenc.runs import geometry_pictures, result_pictures, tuning_pictures  # noqa: F401 (each adds its own)
from normenc.runs.registry import PICTURES, Figures, RunPicture, captions, picture, unplaced

__all__ = ["PICTURES", "Figures", "RunPicture", "captions", "picture", "unplaced"]
