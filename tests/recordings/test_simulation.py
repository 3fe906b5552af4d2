import numpy as np
import pytest

from normenc import rsa
from normenc.errors import InputError
from normenc.recordings import load, simulated_v1

DIFFERENCES = [1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 150, 180]
PUBLISHED = [0.29, 0.37, 0.41, 0.53, 0.78, 0.96, 1.08, 1.13, 1.15, 1.13, 1.01, 0.84]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_looks_like_v1(seed, v1_rdm):
    matrix = rsa.rdm(simulated_v1(seed=seed).responses)
    assert rsa.compare_rdms(matrix, v1_rdm) >= 0.97


@pytest.mark.parametrize("seed", range(4))
def test_dissimilarity_by_difference_is_that_of_v1(seed):
    matrix = rsa.rdm(simulated_v1(seed=seed).responses)
    profile = [np.diagonal(matrix, k).mean() for k in DIFFERENCES]
    np.testing.assert_allclose(profile, PUBLISHED, atol=0.10)


def test_is_seeded_and_z_scored_and_says_that_it_is_simulated():
    first, again, other = simulated_v1(), simulated_v1(), simulated_v1(seed=1)
    np.testing.assert_array_equal(first.responses, again.responses)
    assert not np.array_equal(first.responses, other.responses)
    assert first.simulated
    assert "simulated" in first.label
    assert first.responses.dtype == np.float32
    # z-scored over 360 directions, of which 181 are kept: mean and variance hold over the population.
    assert abs(float(first.responses.mean())) < 0.05
    assert float(first.responses.var()) == pytest.approx(1, abs=0.05)


def test_neurons_differ_in_preference_and_width():
    responses = simulated_v1(500).responses.values
    preferred = responses.argmax(axis=0) - 90
    counts, _ = np.histogram(preferred, bins=6, range=(-90, 90))
    assert counts.min() > 40
    above_half = (responses > (responses.max(axis=0) + np.median(responses, axis=0)) / 2).sum(axis=0)
    assert np.percentile(above_half, 90) > 2 * np.percentile(above_half, 10)


def test_any_number_of_neurons_by_name():
    assert load("simulated-v1", n_neurons=17, seed=3).n_neurons == 17
    assert load().n_neurons == 2000
    with pytest.raises(InputError, match="n_neurons is 1"):
        simulated_v1(1)
    with pytest.raises(InputError, match="bin_width"):
        load("simulated-v1", bin_width=2)
