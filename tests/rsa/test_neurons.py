from dataclasses import replace

import numpy as np
import pytest

from normenc import rsa
from normenc.rsa import ceiling, rdm
from normenc.rsa.ceiling import neuron_halves
from normenc.rsa.inference import infer
from normenc.rsa.neuron_noise import NeuronNoise
from normenc.rsa.neurons import added_up, deal
from normenc.rsa.pairs import pair_weights, upper

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


@pytest.mark.parametrize("memory", [1, 2**21], ids=["one split at a time", "all at once"])
def test_no_neuron_is_in_both_halves(memory, monkeypatch):
    monkeypatch.setattr(ceiling, "HALVES_BYTES", memory)
    neurons = added_up(deal(RESPONSES))
    counts = np.stack([np.ones(40, dtype=int), np.arange(40) % 4 > 0])
    halves = list(neuron_halves(neurons, counts, 3, 0))
    order = np.random.default_rng(0).permutation(40)
    rng = np.random.default_rng([0, 3])
    assert len(halves) == 3
    for both in halves:
        drawn = rng.permutation(40)
        for sample, times in enumerate(counts):
            there = drawn[times[drawn] > 0]
            for half, own in zip(both, np.split(there, [len(there) // 2]), strict=True):
                inside = np.isin(np.arange(40), own)
                np.testing.assert_allclose(half[sample], upper(rdm(RESPONSES[:, order[inside]])), atol=1e-12)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_reliability_of_a_mean_over_neurons_is_that_of_all_splits(centred, weighted):
    """Euclidean RDMs are means over neurons: products of different neurons' RDMs have no noise, by hand."""
    own = RESPONSES[:, :8]
    neurons = added_up(deal(own, "euclidean"))
    noise = NeuronNoise.of(neurons, centred=centred)
    stimuli = np.array([[2, 0, 1, 1, 1, 2, 1, 1, 0] if weighted else [1] * 9])
    weights = pair_weights(stimuli).T
    counts = np.ones((1, 8), dtype=int)
    (found,) = noise.reliabilities(counts, neurons.vectors(counts), [stimuli])
    order = np.random.default_rng(0).permutation(8)
    each = np.stack([upper(rdm(own[:, [k]], metric="euclidean")) for k in order])
    each = each - (each @ weights.T / weights.sum() if centred else 0)
    products = (each * weights) @ each.T
    signal = (products.sum() - np.trace(products)) / (8 * 7)
    assert found[0] == pytest.approx(signal / (products.sum() / 64), rel=1e-9)


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
def test_parts_of_an_rdm_are_its_derivatives(metric):
    neurons = added_up(deal(RESPONSES, metric))
    parts = NeuronNoise.of(neurons, centred=True).parts
    step = 1e-6
    weights = np.ones((1, 40)) + step * np.eye(40)[:1]
    change = (neurons.vectors(weights) - neurons.vectors(np.ones((1, 40))))[0] / step
    np.testing.assert_allclose(parts[0] / 40, change, atol=1e-4 * np.abs(change).max())
    np.testing.assert_allclose(parts.mean(axis=0), 0, atol=1e-12 * np.abs(parts).max())


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
def test_reliability_is_that_by_the_parts_of_an_rdm(metric):
    """The weighted variance over groups of what each adds, pair by pair, as a share of the RDM's own."""
    neurons = added_up(deal(RESPONSES[:, :11], metric))
    noise = NeuronNoise.of(neurons, centred=True)
    stimuli = [np.array([[2, 0, 1, 1, 1, 2, 1, 1, 0]]), np.ones((1, 9), dtype=int)]
    counts = np.ones((1, 11), dtype=int)
    vectors = neurons.vectors(counts)
    for found, own in zip(noise.reliabilities(counts, vectors, stimuli), stimuli, strict=True):
        weights = pair_weights(own)[:, 0] / pair_weights(own).sum()
        variances = noise.parts**2 @ weights - (noise.parts @ weights) ** 2
        spread = weights @ vectors[0] ** 2 - (weights @ vectors[0]) ** 2
        assert found[0] == pytest.approx(1 - variances.mean() / 10 / spread, rel=1e-9)


def test_a_constant_response_adds_no_noise_whatever_its_size():
    counts = np.random.default_rng(2).integers(0, 2, (6, 40))
    stimuli = [np.array([[2, 0, 1, 1, 1, 2, 1, 1, 0]])]
    found = []
    for constant in (0.0, 0.7, -1234.56):
        responses = RESPONSES.copy()
        responses[0] = constant
        neurons = added_up(replace(deal(responses), shift=np.zeros((1, 1)), scale=np.ones((1, 1))))
        noise = NeuronNoise.of(neurons, centred=True)
        found.append(noise.reliabilities(counts, neurons.vectors(counts), stimuli))
    np.testing.assert_allclose(found[1:], found[:1] * 2, rtol=1e-9)


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
def test_a_sample_of_two_stimuli_has_no_reliability(metric):
    """All its dissimilarities are equal, to rounding."""
    neurons = added_up(deal(RESPONSES, metric))
    one, other = np.triu_indices(9, k=1)
    stimuli = 3 * np.eye(9, dtype=int)[one] + 6 * np.eye(9, dtype=int)[other]
    counts = np.ones((1, 40), dtype=int)
    noise = NeuronNoise.of(neurons, centred=True)
    assert np.isnan(noise.reliabilities(counts, neurons.vectors(counts), [stimuli])).all()


def test_ceilings_and_differences_vary_as_over_recordings():
    """Standard errors against what 120 recordings of the same stimuli vary by, each of its own neurons.

    From halves with copies of neurons the variance of the ceiling was twice as large, and more with fewer splits.
    """
    features = np.random.default_rng(3).normal(size=(30, 12))
    models = {"one": rdm(features[:, :6]), "other": rdm(features[:, 6:])}
    n, rows, errors = 120, [], []
    for seed in range(n):
        rng = np.random.default_rng([9, seed])
        responses = features @ rng.normal(size=(12, 100)) / np.sqrt(12) + rng.normal(size=(30, 100))
        lower = rsa.noise_ceiling(responses=responses, n_splits=30).lower
        found = rsa.compare_rdms([*models.values()], rdm(responses)[None])[:, 0]
        rows.append([lower, found[0] - found[1]])
        if seed < 12:
            given = infer(models, responses=responses, generalise_to=["neurons"], n_samples=150, n_permutations=1)
            errors.append([np.ptp(given.ceiling_intervals[0]) / 2 / 1.984, given.pairs["standard_error"][0]])
    ratio = np.mean(np.square(errors), axis=0) / np.var(rows, axis=0, ddof=1)
    assert 0.8 < ratio[0] < 1.5
    assert 0.75 < ratio[1] < 1.3
