"""Types of stimuli: orientations, directions, images or others, each with its unit, period and wording.

Code that depends on what was shown asks the type, and never branches on its name. A new type is one class, which
:func:`register` makes available everywhere:

>>> class Hue(Angle):
...     name, plural, units = "hue", "hues", "degrees of hue"
>>> register(Hue()).period
360.0
>>> del STIMULUS_TYPES["hue"]
"""

from normenc.stimulus_types.angles import Angle, Grating
from normenc.stimulus_types.base import Quantity, StimulusType
from normenc.stimulus_types.known import STIMULUS_TYPES, Direction, Images, Orientation, as_type, register

__all__ = [
    "STIMULUS_TYPES",
    "Angle",
    "Direction",
    "Grating",
    "Images",
    "Orientation",
    "Quantity",
    "StimulusType",
    "as_type",
    "register",
]
