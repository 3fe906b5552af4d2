"""Published numbers, computed again: what was published, where, with which tolerance, and whether it holds here.

Claims are read from TOML files; those of some publications come with normenc. :func:`reproduce` computes those whose
recordings are on this computer.
"""

from normenc.published.judging import Found, judge
from normenc.published.lab import write_publication
from normenc.published.measures import MEASURES, Measure
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
    "judge",
    "load_publication",
    "publications",
    "reproduce",
    "write_publication",
]
