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
from normenc.rsa.blocks import rdm_from_blocks
from normenc.rsa.ceiling import Ceiling, noise_ceiling, spearman_brown
from normenc.rsa.comparison import compare_rdms, compare_vectors
from normenc.rsa.cross_validated import CROSS_VALIDATED, cross_validated_rdm
from normenc.rsa.dissimilarity import METRICS, rdm
from normenc.rsa.inference import infer
from normenc.rsa.inputs import FACTORS
from normenc.rsa.measures import MEASURES, METHODS, Measure
from normenc.rsa.noise import noise_covariance
from normenc.rsa.pairs import match_stimuli
from normenc.rsa.partition import Partition, partition
from normenc.rsa.permutation import chance_p_values, permuted_similarities
from normenc.rsa.results import Inference
from normenc.rsa.simulation import simulate_responses
from normenc.rsa.weighting import WeightedModel, cross_validate_weighted, fit_weights

__all__ = [
    "ALIGNMENTS",
    "CROSS_VALIDATED",
    "FACTORS",
    "MEASURES",
    "METHODS",
    "METRICS",
    "Ceiling",
    "Inference",
    "Measure",
    "Partition",
    "WeightedModel",
    "angular_distance",
    "chance_p_values",
    "compare_rdms",
    "compare_representations",
    "compare_vectors",
    "cross_validate_weighted",
    "cross_validated_rdm",
    "fit_weights",
    "infer",
    "linear_cka",
    "match_stimuli",
    "noise_ceiling",
    "noise_covariance",
    "partition",
    "permuted_similarities",
    "procrustes_distance",
    "pwcca",
    "rdm",
    "rdm_from_blocks",
    "simulate_responses",
    "spearman_brown",
    "svcca",
]

keep_old_names(
    __name__,
    CROSSVALIDATED="CROSS_VALIDATED",
    crossvalidate_weighted="cross_validate_weighted",
    crossvalidated_rdm="cross_validated_rdm",
)
