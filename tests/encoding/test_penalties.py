"""Penalties worked by hand, and against a peer's Laplacian."""

import numpy as np
import pytest
import torch
from scipy.ndimage import laplace
from torch import nn

from normenc.encoding.network import encoding_network
from normenc.encoding.penalties import Penalty, group_sparsity, l1, l2, smoothness
from normenc.errors import InputError

WEIGHTS = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 2, 7, 5)))


def test_sums_by_hand():
    weights = torch.tensor([[1.0, -2.0], [0.0, 2.0]])
    assert (float(l2(weights)), float(l1(weights)), float(group_sparsity(weights))) == (9, 5, 3)
    # Second differences of a ramp vanish but at its ends, where they are 1 and -1, in each of two rows.
    assert float(smoothness(torch.arange(5.0).repeat(2, 1))) == 4


def test_smoothness_is_that_of_scipys_laplacian():
    expected = sum(np.square(laplace(own, mode="nearest")).sum() for own in WEIGHTS.reshape(-1, 7, 5).numpy())
    assert float(smoothness(WEIGHTS)) == pytest.approx(expected)


def test_groups_are_filters():
    assert float(group_sparsity(WEIGHTS)) == pytest.approx(np.linalg.norm(WEIGHTS.reshape(6, -1), axis=1).sum())
    zero = torch.zeros(2, 3, 3, requires_grad=True)
    group_sparsity(zero).backward()
    assert zero.grad.abs().max() == 0  # not NaN: a filter that is gone stays gone


@pytest.mark.parametrize("kind", ["l2", "l1", "smoothness", "group"])
@pytest.mark.parametrize("readout", ["linear", "factorised", "gaussian"])
@pytest.mark.parametrize("part", ["core", "readout"])
def test_a_penalty_is_about_its_part_alone_and_means_the_same_for_many_neurons(kind, readout, part):
    network = encoding_network((6, 8), 5, readout=readout, n_channels=2)
    penalty = Penalty(kind, 0.5, part)
    if readout == "gaussian" and part == "readout" and kind in ("smoothness", "group"):
        with pytest.raises(InputError, match=f"GaussianPoint has no spatial weights, so '{kind}' does not apply"):
            penalty(network)
        return
    value = penalty(network)
    value.backward()
    touched = {name.split(".")[0] for name, own in network.named_parameters() if own.grad is not None}
    biases = {name for name, own in network.named_parameters() if own.grad is not None and "bias" in name}
    assert touched == {part} and not biases
    n = 5 if part == "readout" else 2
    assert Penalty(kind, 0.5, part, average=False)(network).item() == pytest.approx(n * value.item(), rel=1e-5)


def test_impossible_penalties():
    with pytest.raises(InputError, match="kind is 'lasso'; it must be one of 'l2', 'l1', 'smoothness', 'group'"):
        Penalty("lasso", 1.0)
    with pytest.raises(InputError, match="part is 'head'"):
        Penalty("l1", 1.0, "head")
    with pytest.raises(InputError, match="strength of l1 is -1"):
        Penalty("l1", -1.0)
    with pytest.raises(InputError, match="Linear has no readout whose weights"):
        Penalty("l1", 1.0)(nn.Linear(2, 2))
