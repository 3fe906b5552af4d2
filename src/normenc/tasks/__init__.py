"""Tasks that networks are trained on."""

from normenc.extras import needs_nets

needs_nets(__name__)

from normenc.tasks.frames import NextFramePrediction
from normenc.tasks.gratings import OrientationAndFrequency, OrientationEstimation, TiltDiscrimination
from normenc.tasks.patches import Denoising, MaskedAutoencoding
from normenc.tasks.photographs import NaturalRotation
from normenc.tasks.recognition import ObjectLocation, ObjectRecognition
from normenc.tasks.references import Reference, ReferencedTask
from normenc.tasks.several import SeveralTasks
from normenc.tasks.sparse import SparseCoding
from normenc.tasks.task import TASKS, Task, check_chance
from normenc.tasks.views import ContrastiveInvariance, VICReg

__all__ = [
    "TASKS",
    "ContrastiveInvariance",
    "Denoising",
    "MaskedAutoencoding",
    "NaturalRotation",
    "NextFramePrediction",
    "ObjectLocation",
    "ObjectRecognition",
    "OrientationAndFrequency",
    "OrientationEstimation",
    "Reference",
    "ReferencedTask",
    "SeveralTasks",
    "SparseCoding",
    "Task",
    "TiltDiscrimination",
    "VICReg",
    "check_chance",
]
