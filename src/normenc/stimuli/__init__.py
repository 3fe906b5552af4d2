"""Visual stimuli as functions of their parameters."""

from normenc.stimuli.gratings import gratings, image_size

__all__ = ["gratings", "image_size"]
