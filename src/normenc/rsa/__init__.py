"""Representational similarity analysis: numbers in, numbers out."""

from normenc.renamed import keep_old_names
from normenc.rsa.alignment import (
    ALIGNMENTS,
    angular_distance,
    compare_representations,
    linear_cka,
    procrustes_distance,
    pwcca,
    svcca,
)
from normenc.rsa.animals import AgainstAnimals, against_animals
from normenc.rsa.blocks import rdm_from_blocks
from normenc.rsa.ceiling import Ceiling, noise_ceiling, spearman_brown
from normenc.rsa.circular import CircularParts, circular_parts
from normenc.rsa.circular_inference import CircularInference, infer_circular_parts
from normenc.rsa.comparison import compare_rdms, compare_vectors
from normenc.rsa.cross_validated import CROSS_VALIDATED, cross_validated_rdm
from normenc.rsa.design import Chosen, choose_stimuli
from normenc.rsa.discriminability import discriminability
from normenc.rsa.dissimilarity import METRICS, rdm
from normenc.rsa.identification import Identification, identification
from normenc.rsa.inference import infer
from normenc.rsa.inputs import FACTORS
from normenc.rsa.kernels import bures_similarity, corrected_cka
from normenc.rsa.matching import one_to_one_correlation, partial_soft_matching, soft_matching
from normenc.rsa.measures import MEASURES, METHODS, Measure
from normenc.rsa.noise import noise_covariance
from normenc.rsa.pairs import match_stimuli
from normenc.rsa.partition import Partition, partition
from normenc.rsa.permutation import chance_p_values, permuted_similarities
from normenc.rsa.representation_inference import infer_representations
from normenc.rsa.representation_measures import REPRESENTATION_MEASURES, RepresentationMeasure
from normenc.rsa.results import Inference
from normenc.rsa.simulation import simulate_responses
from normenc.rsa.stochastic import stochastic_shape_distance
from normenc.rsa.weighting import WeightedModel, cross_validate_weighted, fit_weights

__all__ = [
    "ALIGNMENTS",
    "CROSS_VALIDATED",
    "FACTORS",
    "MEASURES",
    "METHODS",
    "METRICS",
    "REPRESENTATION_MEASURES",
    "AgainstAnimals",
    "Ceiling",
    "Chosen",
    "CircularInference",
    "CircularParts",
    "Identification",
    "Inference",
    "Measure",
    "Partition",
    "RepresentationMeasure",
    "WeightedModel",
    "against_animals",
    "angular_distance",
    "bures_similarity",
    "chance_p_values",
    "choose_stimuli",
    "circular_parts",
    "compare_rdms",
    "compare_representations",
    "compare_vectors",
    "corrected_cka",
    "cross_validate_weighted",
    "cross_validated_rdm",
    "discriminability",
    "fit_weights",
    "identification",
    "infer",
    "infer_circular_parts",
    "infer_representations",
    "linear_cka",
    "match_stimuli",
    "noise_ceiling",
    "noise_covariance",
    "one_to_one_correlation",
    "partial_soft_matching",
    "partition",
    "permuted_similarities",
    "procrustes_distance",
    "pwcca",
    "rdm",
    "rdm_from_blocks",
    "simulate_responses",
    "soft_matching",
    "spearman_brown",
    "stochastic_shape_distance",
    "svcca",
]

keep_old_names(
    __name__,
    CROSSVALIDATED="CROSS_VALIDATED",
    crossvalidate_weighted="cross_validate_weighted",
    crossvalidated_rdm="cross_validated_rdm",
)
