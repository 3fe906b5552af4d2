"""Pictures: one function each, from data that is computed already to axes.

Every function takes data and, optionally, the axes to draw on, and returns the axes.
"""

from normenc.figures.common import save, style
from normenc.figures.leaderboard import leaderboard, over_training
from normenc.figures.populations import embeddings, example_stimuli, rdm_rows, rdms, tuning_curves
from normenc.figures.similarity import power_map, similarity_bars

__all__ = [
    "embeddings",
    "example_stimuli",
    "leaderboard",
    "over_training",
    "power_map",
    "rdm_rows",
    "rdms",
    "save",
    "similarity_bars",
    "style",
    "tuning_curves",
]
