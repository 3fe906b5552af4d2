"""Tasks that networks are trained on."""

from normenc.tasks.gratings import OrientationEstimation, TiltDiscrimination
from normenc.tasks.photographs import NaturalRotation, ObjectRecognition
from normenc.tasks.task import TASKS, Task, check_chance
from normenc.tasks.unlabelled import ContrastiveInvariance, Denoising

__all__ = [
    "TASKS",
    "ContrastiveInvariance",
    "Denoising",
    "NaturalRotation",
    "ObjectRecognition",
    "OrientationEstimation",
    "Task",
    "TiltDiscrimination",
    "check_chance",
]
