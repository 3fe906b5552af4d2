import numpy as np
import pytest

from normenc.errors import InputError
from normenc.rsa import METHODS, chance_p_values, compare_rdms, permuted_similarities, rdm


def unrelated(seed, n=12):
    rng = np.random.default_rng(seed)
    return rdm(rng.normal(size=(n, 6))), np.stack([rdm(rng.normal(size=(n, 6))) for _ in range(2)])


@pytest.mark.parametrize("method", METHODS)
def test_products_equal_the_permuted_matrices(method):
    model, data = unrelated(0)
    orders = np.random.default_rng(1).permuted(np.tile(np.arange(12), (4, 1)), axis=1)
    found = permuted_similarities(model, data, orders, method)
    for row, order in zip(found, orders, strict=True):
        expected = np.mean([compare_rdms(model, d[np.ix_(order, order)], method) for d in data])
        assert row[0] == pytest.approx(expected, abs=1e-12)


def test_chance_is_uniform_under_no_relation():
    p = [chance_p_values(*unrelated(seed), n_permutations=99, seed=seed)[0] for seed in range(300)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.035)
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)
    assert min(p) >= 0.01
    assert max(p) <= 1


def test_shuffling_entries_would_err_three_times_as_often():
    """Why stimuli are permuted, and entries never: animals share the stimuli's structure."""
    rejected = 0
    for seed in range(300):
        model, data = unrelated(seed, n=8)
        pairs = np.triu_indices(8, 1)
        x, y = model[pairs], data.mean(axis=0)[pairs]
        rng = np.random.default_rng(seed)
        chance = [np.corrcoef(x, rng.permutation(y))[0, 1] for _ in range(99)]
        rejected += (np.sum(chance >= np.corrcoef(x, y)[0, 1]) + 1) / 100 <= 0.05
    own = np.mean([chance_p_values(*unrelated(seed, n=8), n_permutations=99)[0] <= 0.05 for seed in range(300)])
    assert own < 0.09
    assert rejected / 300 > own


def test_circular_shifts():
    angle = np.deg2rad(np.arange(0, 360, 10))
    lump = np.exp(2 * np.cos(angle))  # one stretch of the circle is apart from the rest
    data = np.abs(lump[:, None] - lump)
    assert chance_p_values(data, data, ordered=True)[0] == pytest.approx(1 / 36)
    around = 1 - np.cos(angle[:, None] - angle)
    assert chance_p_values(around, data, ordered=True)[0] == 1  # every shift is as good
    with pytest.raises(InputError, match="n_permutations is 0"):
        chance_p_values(data, data, n_permutations=0)
