"""Random features: a wide untrained layer."""

import math

import torch

from normenc.controls.images import CONTROLS, as_images
from normenc.errors import InputError
from normenc.keys import Count, Seed, named

__all__ = ["random_features"]


@named(CONTROLS, "random features")
def random_features(images: torch.Tensor, *, n_features: Count = 1000, seed: Seed = 0) -> dict[str, torch.Tensor]:
    r"""Rectified random projections of the image, its mean removed: a wide untrained layer without any structure.

    Unit u is :math:`\sqrt{2 / N} \, \max(0, w_u \cdot x)`, with weights :math:`w_u` independent and standard normal,
    N of them. Two images' dot product over units tends, as N grows, to the arc-cosine kernel of degree 1.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 1, height, width)
        float64 stays float64; other types are computed in float32.
    n_features : int
        Units, at least 1.
    seed : int
        Seed of the weights.

    Returns
    -------
    dict
        ``"features"``: Tensor, shape (n, n_features), 0 or more, in the images' unit.

    Raises
    ------
    InputError
        If there is no feature.

    References
    ----------
    Cho & Saul, "Kernel methods for deep learning", NIPS 2009.

    Examples
    --------
    >>> random_features(torch.rand(2, 12, 16), n_features=5)["features"].shape
    torch.Size([2, 5])
    """
    if n_features < 1:
        raise InputError(f"n_features is {n_features}; give at least 1")
    grey = as_images(torch.as_tensor(images))
    grey = (grey if grey.dtype == torch.float64 else grey.float()).flatten(1)
    grey = grey - grey.mean(dim=1, keepdim=True)
    weights = torch.randn(grey.shape[1], n_features, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return {"features": torch.relu(grey @ weights.to(grey)) * math.sqrt(2 / n_features)}
