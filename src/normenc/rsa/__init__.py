"""Representational similarity analysis: numbers in, numbers out."""

from normenc.rsa.comparison import METHODS, compare_rdms
from normenc.rsa.dissimilarity import METRICS, rdm

__all__ = ["METHODS", "METRICS", "compare_rdms", "rdm"]
