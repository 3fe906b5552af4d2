"""Folds: every stimulus once, its rows together, neighbours together where there is an order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from normenc.encoding.folds import fold_of_each, stimulus_folds
from normenc.errors import InputError


@given(
    labels=st.lists(st.integers(0, 12), min_size=3, max_size=60).filter(lambda labels: len(set(labels)) >= 3),
    n_folds=st.integers(2, 3),
    ordered=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_every_row_is_tested_once_and_rows_of_one_stimulus_together(labels, n_folds, ordered, seed):
    folds = stimulus_folds(labels, n_folds, ordered=ordered, seed=seed)
    fold = fold_of_each(folds, len(labels))  # refuses rows that are in none or in two
    for label in set(labels):
        assert len(set(fold[np.array(labels) == label])) == 1


@pytest.mark.parametrize("ordered", [False, True])
def test_folds_are_as_large_as_each_other(ordered):
    sizes = [len(fold) for fold in stimulus_folds(181, 5, ordered=ordered)]
    assert sorted(sizes) == [36, 36, 36, 36, 37]


def test_folds_balance_rows_where_stimuli_have_different_numbers_of_them():
    labels = np.repeat(np.arange(10), [12, 1, 1, 1, 1, 1, 1, 2, 2, 2])
    assert sorted(len(fold) for fold in stimulus_folds(labels, 2)) == [12, 12]


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_fold_of_stimuli_in_order_is_so_many_arcs_of_the_circle(blocks):
    for fold in stimulus_folds(60, 5, ordered=True, blocks_per_fold=blocks, seed=3):
        inside = np.isin(np.arange(60), fold)
        assert (inside & ~np.roll(inside, 1)).sum() == blocks  # where an arc begins, going around


def test_orientations_a_period_apart_are_one_stimulus():
    orientation = np.arange(-90, 91)
    for seed in range(20):
        fold = fold_of_each(stimulus_folds(orientation % 180, 5, ordered=True, seed=seed), 181)
        assert fold[0] == fold[-1]
        assert (np.diff(fold) != 0).sum() in (4, 5)  # arcs, of which one may go around the end


def test_the_seed_decides():
    one, same, other = (stimulus_folds(40, 4, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("stimuli", "options", "message"),
    [
        (4, {"n_folds": 5}, "4 different stimuli for 5 folds; ask for at most 4"),
        ([1, 1, 2, 2], {"n_folds": 3}, "2 different stimuli for 3 folds"),
        (10, {"n_folds": 4, "ordered": True, "blocks_per_fold": 3}, "4 folds of 3 blocks each"),
        (10, {"n_folds": 1}, "n_folds is 1"),
        (10, {"blocks_per_fold": 2}, "more than 1 block needs ordered=True"),
        (np.zeros((3, 2)), {}, "one label per row"),
        (0, {}, "there are 0 stimuli"),
    ],
)
def test_impossible_folds_are_refused(stimuli, options, message):
    with pytest.raises(InputError, match=message):
        stimulus_folds(stimuli, **options)


@pytest.mark.parametrize("folds", [[[0, 1], [1, 2]], [[0], [1]], [[0, 1, 2]], [[0, 1, 2], []]])
def test_folds_that_are_none_are_refused(folds):
    with pytest.raises(InputError, match="each of the 3 rows must be in exactly one of at least 2 folds"):
        fold_of_each(folds, 3)
