"""Models fitted to the neurons themselves: regression from layers, and networks trained on responses."""

from normenc.encoding.cores import ConvCore
from normenc.encoding.course import (
    CourseFit,
    PixelModel,
    course_network,
    fit_course_network,
    fit_pixel_model,
    halves_of_trials,
    largest_learning_rate,
    linear_filters,
)
from normenc.encoding.fitting import CrossValidatedFit, DivergenceError, FittedNetwork, cross_validated_fit, fit
from normenc.encoding.folds import fold_of_each, stimulus_folds
from normenc.encoding.penalties import Penalty
from normenc.encoding.predictivity import Predictivity, predictivity
from normenc.encoding.readouts import EncodingNetwork, Factorised, FullLinear, GaussianPoint, encoding_network
from normenc.encoding.regression import Prediction, cross_validated_predictions

__all__ = [
    "ConvCore",
    "CourseFit",
    "CrossValidatedFit",
    "DivergenceError",
    "EncodingNetwork",
    "Factorised",
    "FittedNetwork",
    "FullLinear",
    "GaussianPoint",
    "Penalty",
    "PixelModel",
    "Prediction",
    "Predictivity",
    "course_network",
    "cross_validated_fit",
    "cross_validated_predictions",
    "encoding_network",
    "fit",
    "fit_course_network",
    "fit_pixel_model",
    "fold_of_each",
    "halves_of_trials",
    "largest_learning_rate",
    "linear_filters",
    "predictivity",
    "stimulus_folds",
]
