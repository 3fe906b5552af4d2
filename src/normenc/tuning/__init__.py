"""Describing neurons and network units alike: tuning, selectivity, reliability, and the population as a whole.

Numbers in, numbers out: responses are arrays of (n_trials or n_stimuli, n_units), stimuli are degrees.
"""

from normenc.rsa.ceiling import spearman_brown
from normenc.tuning.curves import PERIODS, TuningCurves, around_zero, tuning_curves
from normenc.tuning.fits import VonMisesFit, fit_von_mises, von_mises
from normenc.tuning.population import (
    Decoding,
    cross_validated_spectrum,
    decode_orientation,
    participation_ratio,
    power_law_exponent,
)
from normenc.tuning.reliability import (
    explainable_variance,
    noise_correlations,
    repeated,
    signal_correlations,
    split_half_reliability,
    split_halves,
)
from normenc.tuning.responsiveness import responsiveness_p_values
from normenc.tuning.selectivity import (
    direction_selectivity_index,
    global_selectivity,
    orientation_selectivity_index,
    preferred,
    selectivity_p_values,
)
from normenc.tuning.significance import direction_p_values, discoveries, orientation_p_values, stimulus_p_values
from normenc.tuning.summary import (
    CircularStatistics,
    PopulationSummary,
    Tuned,
    circular_statistics,
    population_summary,
)

__all__ = [
    "PERIODS",
    "CircularStatistics",
    "Decoding",
    "PopulationSummary",
    "Tuned",
    "TuningCurves",
    "VonMisesFit",
    "around_zero",
    "circular_statistics",
    "cross_validated_spectrum",
    "decode_orientation",
    "direction_p_values",
    "direction_selectivity_index",
    "discoveries",
    "explainable_variance",
    "fit_von_mises",
    "global_selectivity",
    "noise_correlations",
    "orientation_p_values",
    "orientation_selectivity_index",
    "participation_ratio",
    "population_summary",
    "power_law_exponent",
    "preferred",
    "repeated",
    "responsiveness_p_values",
    "selectivity_p_values",
    "signal_correlations",
    "spearman_brown",
    "split_half_reliability",
    "split_halves",
    "stimulus_p_values",
    "tuning_curves",
    "von_mises",
]
