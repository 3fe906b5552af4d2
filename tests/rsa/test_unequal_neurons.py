"""Neurons of which few carry most of the signal, or of the noise, as responses and as numbers of equal ones."""

import numpy as np
import pytest

from normenc.rsa import discriminability, rdm, simulate_responses
from normenc.rsa.pairs import upper
from normenc.rsa.unequal_neurons import NeuronShares, UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.rsa.wishart import SimulatedRdms

TUNING = np.random.default_rng(0).normal(size=(8, 5))
TRUE = rdm(TUNING)


def test_neurons_that_are_all_equal_give_the_numbers_of_their_number():
    equal = UnequalNeurons(40, 40, 40)
    one, same = (simulate_responses(TRUE, own, 0.7, np.random.default_rng(1)) for own in (40, equal))
    np.testing.assert_allclose(one, same)
    one, same = (SimulatedRdms(TRUE, own, 0.7).draw(3, np.random.default_rng(1)) for own in (40, equal))
    np.testing.assert_allclose(one, same)
    shares = NeuronShares.of(equal, 2)
    assert (shares.signal, shares.noise, shares.both) == pytest.approx([1 / 78] * 3)  # of two animals
    models = {"true": TRUE, "other": rdm(TUNING[:, :3])}
    np.testing.assert_allclose(*(discriminability(models, n_neurons=own, noise=0.7) for own in (40, equal)))


@pytest.mark.parametrize("own", [UnequalNeurons(10, 50, 10), UnequalNeurons(50, 10, 5), UnequalNeurons(20, 20, 0)])
def test_responses_of_unequal_neurons_have_rdms_as_variable_as_those_drawn(own):
    rng, n = np.random.default_rng(2), 600
    responses = simulate_responses(TRUE, own, 1.0, rng, n_animals=n)[:, 0]
    found, drawn = upper(np.stack([rdm(one) for one in responses])), SimulatedRdms(TRUE, own, 1.0).draw(n, rng)
    assert responses.shape[-1] == own.signal + own.noise - own.both
    assert responses.var() == pytest.approx(2, rel=0.1)  # of signal and of noise 1 each
    sd = drawn.std(axis=0)
    np.testing.assert_allclose(found.mean(axis=0), drawn.mean(axis=0), atol=4 * sd.max() * np.sqrt(2 / n))
    np.testing.assert_allclose(found.std(axis=0), sd, rtol=4 / np.sqrt(n))


def test_hardly_any_noise_is_like_none():
    unequal = UnequalStimuli.relative(np.ones(len(TRUE)), np.linspace(0.1, 2, len(TRUE)))
    drawn = SimulatedRdms(TRUE, 40_000, 1e-9, stimuli=unequal).draw(1, np.random.default_rng(0))[0]
    np.testing.assert_allclose(drawn, upper(TRUE), atol=0.05)
