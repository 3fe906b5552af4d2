"""Simulated recordings: mouse V1 under gratings, neurons that read an encoder's layer, V1 under natural images.

docs/simulation.md gives each parameter and the publication that it imitates.
"""

from normenc.recordings.simulation.contamination import contaminate
from normenc.recordings.simulation.layer import SimulatedRecording, simulated_from_layer
from normenc.recordings.simulation.named import SETTINGS, made
from normenc.recordings.simulation.natural import divisive_normalisation, simulated_natural
from normenc.recordings.simulation.noise import NOISES
from normenc.recordings.simulation.photographs import simulated_from_photographs
from normenc.recordings.simulation.v1 import simulated_v1

__all__ = [
    "NOISES",
    "SETTINGS",
    "SimulatedRecording",
    "contaminate",
    "divisive_normalisation",
    "made",
    "simulated_from_layer",
    "simulated_from_photographs",
    "simulated_natural",
    "simulated_v1",
]
