"""The network of ``examples/natural.toml``."""

from efficientnet_lite_pytorch import EfficientNet
from torch import nn


def efficientnet_lite0() -> nn.Module:
    """EfficientNet-Lite0 with initial weights."""
    return EfficientNet.from_name("efficientnet-lite0")
