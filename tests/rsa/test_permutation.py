import itertools
from functools import partial

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.rsa import METHODS, chance_p_values, compare_rdms, permuted_similarities, rdm
from normenc.rsa.permutation import circular_shifts, label_permutations


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


def circle(n, lump=0.0):
    """Circular distance of orientations, with a stretch that is apart from the rest if `lump` is not 0."""
    steps = np.abs(np.arange(n)[:, None] - np.arange(n))
    odd = lump * (np.arange(n) == 0)
    return np.minimum(steps, n - steps) + np.abs(odd[:, None] - odd)


def test_of_few_stimuli_all_orders_are_tried_and_p_is_exact():
    model, data = unrelated(0, n=6)
    found = chance_p_values(model, data, n_permutations=5)
    every = list(itertools.permutations(range(6)))
    similar = [np.mean([compare_rdms(model, d[np.ix_(o, o)]) for d in data]) for o in every]
    assert found[0] == pytest.approx(np.mean(np.array(similar) >= similar[0] - 1e-12))
    assert found[0] == chance_p_values(model, data, n_permutations=1000, seed=3)[0]


@pytest.mark.parametrize(
    ("model", "data", "ordered", "expected"),
    [
        (circle(6, 1.5), circle(6, 0.7), False, 2 / 720),  # the circle turned over around the odd one
        (circle(6), circle(6, 0.7), False, 12 / 720),  # turns, and turns turned over
        (circle(6, 0.7), circle(6), False, 12 / 720),  # of the data as well
        # A row turned over, or the data's circle.
        (np.abs(np.subtract.outer(*2 * [np.arange(6.0)])), circle(6, 0.7), False, 3 / 720),
        (circle(12), circle(12, 0.7), True, 1.0),  # every shift leaves it as it is
        (circle(12, 1.0), circle(12, 0.7), True, 1 / 12),
        (np.tile(circle(6, 1.0), (2, 2)), circle(12, 0.7), True, 2 / 12),  # opposite directions are one image
        (circle(12), circle(12, 0.7), False, 1 / 40),
    ],
)
def test_the_smallest_p_follows_from_orders_that_change_nothing(model, data, ordered, expected):
    test = (circular_shifts if ordered else partial(label_permutations, n_permutations=39))([model[None]], data[None])
    assert test.smallest_p[0] == pytest.approx(expected)
    best = chance_p_values(model + 1e-9 * np.random.default_rng(0).random(), data, ordered=ordered, n_permutations=39)
    assert best[0] >= expected - 1e-12


def test_rounding_does_not_make_a_symmetric_model_significant():
    """Networks compute in single precision: what is one image to them differs in its last digits."""
    rng = np.random.default_rng(0)
    half = rng.random((15, 4)).astype(np.float32)
    model = rdm(np.concatenate([half, half * np.float32(1 + 1e-7)]))
    data = model + 0.01 * rdm(rng.normal(size=(30, 50)))
    assert chance_p_values(model, data, ordered=True)[0] == pytest.approx(2 / 30)


def test_circular_shifts():
    angle = np.deg2rad(np.arange(0, 360, 10))
    lump = np.exp(2 * np.cos(angle))  # one stretch of the circle is apart from the rest
    data = np.abs(lump[:, None] - lump)
    assert chance_p_values(data, data, ordered=True)[0] == pytest.approx(1 / 36)
    around = 1 - np.cos(angle[:, None] - angle)
    assert chance_p_values(around, data, ordered=True)[0] == 1  # every shift is as good
    with pytest.raises(InputError, match="n_permutations is 0"):
        chance_p_values(data, data, n_permutations=0)
