"""The architectures of the reference study and their initial filters."""

from normenc.networks.architectures import FC, ConvFC, ConvPoolFC
from normenc.networks.filters import initial_filters

__all__ = ["FC", "ConvFC", "ConvPoolFC", "initial_filters"]
