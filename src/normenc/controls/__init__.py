"""Encoders that were never trained, with which every trained network must be compared.

Like any encoder, each maps images to ``{layer: stimulus x unit}``. The untrained twin of a network, a control too,
comes with the network from :func:`normenc.training.train`.
"""

from normenc.controls.gabor import gabor_energy
from normenc.controls.images import CONTROLS, EXTRAS
from normenc.controls.pyramid import steerable_pyramid
from normenc.controls.random import random_features
from normenc.controls.simple import fourier_amplitude, orientation_model, pixels

__all__ = [
    "CONTROLS",
    "EXTRAS",
    "fourier_amplitude",
    "gabor_energy",
    "orientation_model",
    "pixels",
    "random_features",
    "steerable_pyramid",
]
