"""The architectures of the reference study and a deeper one, and their initial filters."""

from normenc.networks.architectures import FC, ConvFC, ConvPoolFC, DeepConvPoolFC
from normenc.networks.base import NETWORKS, Network
from normenc.networks.filters import gabor_filters, initial_filters
from normenc.networks.normalisation import DivisiveNormalisation

__all__ = [
    "FC",
    "NETWORKS",
    "ConvFC",
    "ConvPoolFC",
    "DeepConvPoolFC",
    "DivisiveNormalisation",
    "Network",
    "gabor_filters",
    "initial_filters",
]
