"""Tasks: what a network is asked to do, never what a brain does."""

from normenc.tasks.gratings import OrientationEstimation, TiltDiscrimination
from normenc.tasks.photographs import NaturalRotation, ObjectRecognition
from normenc.tasks.task import Task, check_chance
from normenc.tasks.unlabelled import ContrastiveInvariance, Denoising

__all__ = [
    "ContrastiveInvariance",
    "Denoising",
    "NaturalRotation",
    "ObjectRecognition",
    "OrientationEstimation",
    "Task",
    "TiltDiscrimination",
    "check_chance",
]
