import numpy as np
import pytest

from normenc.rsa import ceiling, rdm
from normenc.rsa.ceiling import neuron_halves
from normenc.rsa.neurons import added_up, deal
from normenc.rsa.pairs import upper

RESPONSES = np.random.default_rng(0).normal(size=(9, 40)) + np.linspace(0, 3, 40)


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
def test_samples_of_single_neurons_are_those_of_their_responses(metric):
    neurons = added_up(deal(RESPONSES, metric, seed=3))
    order = np.random.default_rng(3).permutation(40)
    counts = np.random.default_rng(1).multinomial(40, np.full(40, 1 / 40), size=3)
    for found, times in zip(neurons.vectors(counts), counts, strict=True):
        expected = upper(rdm(RESPONSES[:, np.repeat(order, times)], metric=metric))
        np.testing.assert_allclose(found, expected, atol=1e-12)
    whole = neurons.vectors(np.ones((1, 40)))[0]
    np.testing.assert_allclose(whole, upper(rdm(RESPONSES, metric=metric)), atol=1e-12)


def test_groups_add_up_to_the_whole():
    many = np.random.default_rng(0).normal(size=(7, 1234))
    neurons = added_up(deal(many))
    assert len(neurons.sizes) == 100
    assert neurons.sizes.sum() == 1234
    np.testing.assert_allclose(neurons.vectors(np.ones((1, 100)))[0], upper(rdm(many)), atol=1e-12)


@pytest.mark.parametrize("memory", [1, 2**25], ids=["one split at a time", "all at once"])
def test_no_neuron_is_in_both_halves(memory, monkeypatch):
    monkeypatch.setattr(ceiling, "HALVES_BYTES", memory)
    neurons = added_up(deal(RESPONSES))
    counts = np.stack([np.ones(40, dtype=int), np.arange(40) % 4])
    halves = list(neuron_halves(neurons, counts, 3, 0))
    order = np.random.default_rng(0).permutation(40)
    rng = np.random.default_rng([0, 3])
    assert len(halves) == 3
    for first, second in halves:
        inside = np.isin(np.arange(40), rng.permutation(40)[:20])
        for half, there in ((first, inside), (second, ~inside)):
            for sample, times in zip(half, counts * there, strict=True):
                expected = upper(rdm(RESPONSES[:, np.repeat(order, times)]))
                np.testing.assert_allclose(sample, expected, atol=1e-12)
