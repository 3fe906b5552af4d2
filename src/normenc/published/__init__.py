"""Published numbers, computed again: what was published, where, with which tolerance, and whether it holds here.

Claims are read from TOML files; those of some publications come with normenc. :func:`reproduce` computes those whose
recordings are on this computer.
"""

from normenc.published.judging import Found, judge
from normenc.published.lab import write_publication
from normenc.published.measures import decoding, eigenspectrum_exponent, network_feve, reliable_neurons
from normenc.published.measuring import MEASURES, Measure
from normenc.published.rdm_measures import ceiling_of_subjects, rdm_ceiling, similarity_of_rdm
from normenc.published.reproducing import Reproduction, reproduce
from normenc.published.stating import Claim, NeededRecording, Publication, load_publication, publications

__all__ = [
    "MEASURES",
    "Claim",
    "Found",
    "Measure",
    "NeededRecording",
    "Publication",
    "Reproduction",
    "ceiling_of_subjects",
    "decoding",
    "eigenspectrum_exponent",
    "judge",
    "load_publication",
    "network_feve",
    "publications",
    "rdm_ceiling",
    "reliable_neurons",
    "reproduce",
    "similarity_of_rdm",
    "write_publication",
]
