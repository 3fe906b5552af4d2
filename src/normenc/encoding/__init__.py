"""Models fitted to the neurons themselves: regression from layers, and networks trained on responses."""

from normenc.encoding.animals import BetweenAnimals, between_animals
from normenc.encoding.banded import BandedPrediction, banded_predictions
from normenc.encoding.cores import ConvCore
from normenc.encoding.explained import ExplainedVariance, banded_ridge
from normenc.encoding.fitting import CrossValidatedFit, DivergenceError, FittedNetwork, cross_validated_fit, fit
from normenc.encoding.folds import fold_of_each, stimulus_folds
from normenc.encoding.network import EncodingNetwork, encoding_network
from normenc.encoding.neuromatch import (
    fit_neuromatch_network,
    halves_of_trials,
    largest_learning_rate,
    neuromatch_network,
)
from normenc.encoding.penalties import Penalty
from normenc.encoding.pixel_model import NeuromatchFit, PixelModel, fit_pixel_model, linear_filters
from normenc.encoding.predictivity import Predictivity, predictivity
from normenc.encoding.readouts import Factorised, FullLinear, GaussianPoint
from normenc.encoding.regression import Prediction, cross_validated_predictions
from normenc.encoding.unique import FittedControls, fit_controls, unique_variance
from normenc.renamed import keep_old_names

__all__ = [
    "BandedPrediction",
    "BetweenAnimals",
    "ConvCore",
    "CrossValidatedFit",
    "DivergenceError",
    "EncodingNetwork",
    "ExplainedVariance",
    "Factorised",
    "FittedControls",
    "FittedNetwork",
    "FullLinear",
    "GaussianPoint",
    "NeuromatchFit",
    "Penalty",
    "PixelModel",
    "Prediction",
    "Predictivity",
    "banded_predictions",
    "banded_ridge",
    "between_animals",
    "cross_validated_fit",
    "cross_validated_predictions",
    "encoding_network",
    "fit",
    "fit_controls",
    "fit_neuromatch_network",
    "fit_pixel_model",
    "fold_of_each",
    "halves_of_trials",
    "largest_learning_rate",
    "linear_filters",
    "neuromatch_network",
    "predictivity",
    "stimulus_folds",
    "unique_variance",
]

keep_old_names(
    __name__,
    CourseFit="NeuromatchFit",
    course_network="neuromatch_network",
    fit_course_network="fit_neuromatch_network",
)
