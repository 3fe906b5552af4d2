"""All controls: each module enters its own in the registry."""

from normenc.controls import gabor, pyramid, random, simple, statistics  # noqa: F401
from normenc.controls.images import CONTROLS, EXTRAS

__all__ = ["CONTROLS", "EXTRAS"]
