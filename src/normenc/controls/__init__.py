"""Encoders that were never trained, with which every trained network must be compared.

Like any encoder, each maps images to ``{layer: stimulus x unit}``. The untrained twin of a network, a control too,
comes with the network from :func:`normenc.training.train`.
"""

from normenc.controls.gabor import gabor_energy
from normenc.controls.images import CONTROLS, EXTRAS
from normenc.controls.pyramid import steerable_pyramid
from normenc.controls.random import random_features
from normenc.controls.simple import fourier_amplitude, orientation_model, pixels
from normenc.controls.statistics import (
    colour_histogram,
    image_identity,
    luminance_and_contrast,
    pooled_gabor_energy,
)

__all__ = [
    "CONTROLS",
    "EXTRAS",
    "colour_histogram",
    "fourier_amplitude",
    "gabor_energy",
    "image_identity",
    "luminance_and_contrast",
    "orientation_model",
    "pixels",
    "pooled_gabor_energy",
    "random_features",
    "steerable_pyramid",
]
