"""Figures: one function for each, which draws computed data on axes; their style, and how to save them.

Each function takes data and, optionally, the axes to draw on, and returns the axes.
"""

from normenc.figures.circular import circular_parts
from normenc.figures.common import style
from normenc.figures.comparing import run_comparison
from normenc.figures.competence import competence
from normenc.figures.curves import tuning_curves
from normenc.figures.designs import rates_over_trials
from normenc.figures.fitted import learned_filters, loss_curves, readout_maps, readout_positions
from normenc.figures.identification import identification_map
from normenc.figures.leaderboard import leaderboard, over_training
from normenc.figures.maps import response_map
from normenc.figures.matrices import are_flat, drawn, rdm_rows, rdms
from normenc.figures.partitioning import unique_variance
from normenc.figures.populations import embeddings, example_stimuli, shown_stimuli
from normenc.figures.power import power_map
from normenc.figures.predictivity import predictivity
from normenc.figures.ranks import measure_ranks
from normenc.figures.saving import save
from normenc.figures.similarity import similarity_bars
from normenc.figures.sizes import sized
from normenc.figures.spectrum import eigenspectrum
from normenc.figures.tuning import preference_histogram, selectivity_distributions

__all__ = [
    "are_flat",
    "circular_parts",
    "competence",
    "drawn",
    "eigenspectrum",
    "embeddings",
    "example_stimuli",
    "identification_map",
    "leaderboard",
    "learned_filters",
    "loss_curves",
    "measure_ranks",
    "over_training",
    "power_map",
    "predictivity",
    "preference_histogram",
    "rates_over_trials",
    "rdm_rows",
    "rdms",
    "readout_maps",
    "readout_positions",
    "response_map",
    "run_comparison",
    "save",
    "selectivity_distributions",
    "shown_stimuli",
    "similarity_bars",
    "sized",
    "style",
    "tuning_curves",
    "unique_variance",
]
