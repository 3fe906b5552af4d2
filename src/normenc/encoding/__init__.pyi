from .animals import BetweenAnimals, between_animals
from .banded import BandedPrediction, banded_predictions
from .cores import ConvCore
from .directions import against_animals
from .explained import ExplainedVariance, banded_ridge
from .fitting import CrossValidatedFit, DivergenceError, FittedNetwork, cross_validated_fit, fit
from .folds import fold_of_each, stimulus_folds
from .network import EncodingNetwork, encoding_network
from .neuromatch import (
    fit_neuromatch_network,
    halves_of_trials,
    largest_learning_rate,
    neuromatch_network,
)
from .penalties import Penalty
from .pixel_model import NeuromatchFit, PixelModel, fit_pixel_model, linear_filters
from .readouts import Factorised, FullLinear, GaussianPoint
from .regression import Prediction, cross_validated_predictions
from .scoring import Predictivity, predictivity
from .unique import FittedControls, fit_controls, unique_variance

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
    "against_animals",
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
