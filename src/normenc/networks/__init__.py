"""The architectures of the reference study and others of today, and their initial filters."""

from normenc.extras import needs_nets

needs_nets(__name__)

from normenc.networks.architectures import FC, ConvFC, ConvPoolFC, DeepConvPoolFC
from normenc.networks.base import NETWORKS, Network
from normenc.networks.filters import gabor_filters, initial_filters
from normenc.networks.local import LocalFC, LocallyConnected
from normenc.networks.normalisation import DivisiveNormalisation
from normenc.networks.recurrent import RecurrentConv
from normenc.networks.residual import ResidualConv
from normenc.networks.timm_models import Timm
from normenc.networks.transformer import VisionTransformer

__all__ = [
    "FC",
    "NETWORKS",
    "ConvFC",
    "ConvPoolFC",
    "DeepConvPoolFC",
    "DivisiveNormalisation",
    "LocalFC",
    "LocallyConnected",
    "Network",
    "RecurrentConv",
    "ResidualConv",
    "Timm",
    "VisionTransformer",
    "gabor_filters",
    "initial_filters",
]
