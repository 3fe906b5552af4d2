import numpy as np
import pytest
import torch

from normenc.controls import random_features
from normenc.errors import InputError


def test_dot_products_tend_to_the_arc_cosine_kernel():
    """Cho & Saul 2009, degree 1: |x| |y| (sin a + (pi - a) cos a) / pi."""
    images = torch.rand(6, 5, 7, dtype=torch.float64)
    found = random_features(images, n_features=400_000)["features"]
    centred = images.flatten(1) - images.flatten(1).mean(dim=1, keepdim=True)
    lengths = centred.norm(dim=1)
    angle = np.arccos(np.clip(((centred @ centred.T) / torch.outer(lengths, lengths)).numpy(), -1, 1))
    kernel = torch.outer(lengths, lengths).numpy() / np.pi * (np.sin(angle) + (np.pi - angle) * np.cos(angle))
    np.testing.assert_allclose(found @ found.T, kernel, rtol=0.02, atol=0.01 * kernel.max())


def test_the_seed_decides_and_plain_grey_gives_nothing():
    images = torch.rand(3, 8, 8)
    one, again, other = (random_features(images, seed=seed)["features"] for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.allclose(random_features(images + 3)["features"], random_features(images)["features"], atol=1e-4)
    assert random_features(torch.full((1, 4, 4), 0.5))["features"].abs().max() < 1e-6


def test_bad_input_is_named():
    with pytest.raises(InputError, match="n_features is 0"):
        random_features(torch.rand(1, 4, 4), n_features=0)
