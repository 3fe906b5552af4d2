from .gabor import gabor_energy
from .known import CONTROLS, EXTRAS
from .pyramid import steerable_pyramid
from .random import random_features
from .simple import fourier_amplitude, orientation_model, pixels
from .statistics import (
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
