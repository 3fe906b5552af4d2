import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normenc import networks
from normenc.errors import InputError
from normenc.representations import represent
from normenc.rsa import rdm
from normenc.stimuli import gratings


def by_hand(responses: np.ndarray) -> np.ndarray:
    """1 - Z Z^T / N in extended precision, as the formula stands."""
    x = np.asarray(responses, dtype=np.longdouble)
    z = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    return (1 - z @ z.T / x.shape[1]).astype(np.float64)


def test_hand_derived():
    responses = [[1, 2, 3], [3, 2, 1], [1, 3, 2]]
    # Correlations: (1, 2) -1; (1, 3) 0.5; (2, 3) -0.5.
    np.testing.assert_allclose(rdm(responses), [[0, 2, 0.5], [2, 0, 1.5], [0.5, 1.5, 0]], atol=1e-15)


def test_agrees_with_rsatoolbox():
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    responses = np.random.default_rng(0).normal(size=(40, 300))
    oracle = calc_rdm(Dataset(responses), method="correlation").get_matrices()[0]
    np.testing.assert_allclose(rdm(responses), oracle, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_units", [2, 3, 1000, 20_001])  # the last takes several blocks
def test_float64_has_full_precision(n_units):
    responses = np.random.default_rng(1).normal(size=(30, n_units)) + 1e3
    np.testing.assert_allclose(rdm(responses), by_hand(responses), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("offset", "scale"), [(0, 1), (0.3, 1), (1e3, 1), (-1e5, 30), (0, 1e25), (0, 1e-30), (2, 1e-4)]
)
def test_float32_has_the_precision_of_its_input(offset, scale):
    rng = np.random.default_rng(2)
    responses = (rng.normal(size=(50, 30_000)) * scale + offset).astype(np.float32)
    # Units sorted by size: the first block's mean is then far from the whole's.
    responses = responses[:, np.argsort(responses[0])]
    np.testing.assert_allclose(rdm(responses), by_hand(responses), rtol=0, atol=2e-7)


def test_float32_that_rounds_one_way_stays_within_what_is_promised():
    # A layer that sees binary images has few distinct values: errors of equal terms add up instead of cancelling.
    responses = represent(networks.ConvFC(), gratings(np.arange(-90, 91)), ["conv"])["conv"].to_numpy()
    assert responses.dtype == np.float32
    np.testing.assert_allclose(rdm(responses), rdm(responses.astype(np.float64)), rtol=0, atol=5e-6)


def test_result_is_exactly_symmetric_with_a_zero_diagonal():
    for dtype in (np.float32, np.float64):
        matrix = rdm(np.random.default_rng(3).normal(size=(60, 5000)).astype(dtype))
        assert matrix.dtype == np.float64
        np.testing.assert_array_equal(matrix, matrix.T)
        np.testing.assert_array_equal(np.diagonal(matrix), 0)


responses_strategy = arrays(
    np.float64,
    st.tuples(st.integers(2, 6), st.integers(3, 9)),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda x: round(x, 3)),
)


@settings(deadline=None)
@given(responses=responses_strategy, scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3), data=st.data())
def test_properties(responses, scale, shift, data):
    spread = responses.std(axis=1)
    assume((spread > 1e-3 * (1 + np.abs(responses).max())).all())
    matrix = rdm(responses)
    assert (matrix >= 0).all()
    assert (matrix <= 2).all()
    np.testing.assert_array_equal(matrix, matrix.T)
    changed = responses.copy()
    row = data.draw(st.integers(0, len(responses) - 1))
    changed[row] = changed[row] * scale + shift
    assume(changed[row].std() > 1e-3 * (1 + np.abs(changed[row]).max()))
    np.testing.assert_allclose(rdm(changed), matrix, atol=1e-8)
    order = data.draw(st.permutations(range(responses.shape[1])))
    np.testing.assert_allclose(rdm(responses[:, order]), matrix, atol=1e-9)
    stimuli = data.draw(st.permutations(range(len(responses))))
    np.testing.assert_allclose(rdm(responses[stimuli]), matrix[np.ix_(stimuli, stimuli)], atol=1e-9)


@pytest.mark.parametrize("factor", [1e200, 1e-200, 1e-307])
def test_numbers_near_the_ends_of_their_range(factor):
    responses = np.random.default_rng(4).normal(size=(5, 50))
    np.testing.assert_allclose(rdm(responses * factor), rdm(responses), atol=1e-9)


def test_takes_integers_tensors_and_labelled_arrays():
    values = np.random.default_rng(5).integers(0, 9, size=(6, 20))
    expected = rdm(values.astype(float))
    np.testing.assert_array_equal(rdm(values), expected)
    np.testing.assert_array_equal(rdm(torch.tensor(values, requires_grad=False)), expected)
    np.testing.assert_array_equal(rdm(torch.tensor(values.astype(float), requires_grad=True)), expected)
    np.testing.assert_array_equal(rdm(xr.DataArray(values, dims=("stimulus", "unit"))), expected)


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e5 + 0.1, -7e-9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_units", [7, 1001, 30_000])
def test_a_constant_stimulus_is_named_never_nan(value, dtype, n_units):
    responses = np.random.default_rng(6).normal(size=(20, n_units)).astype(dtype)
    responses[13] = value
    with pytest.raises(InputError, match="stimulus 13 has the same response in all"):
        rdm(responses)


def test_a_labelled_stimulus_is_named_by_its_label():
    responses = np.eye(3)
    responses[1] = 4
    labelled = xr.DataArray(responses, dims=("stimulus", "unit"), coords={"orientation": ("stimulus", [-45, 0, 45])})
    with pytest.raises(InputError, match=r"stimulus 1 \(orientation 0\)"):
        rdm(labelled)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named(bad):
    responses = np.random.default_rng(7).normal(size=(4, 6))
    responses[2, 5] = bad
    with pytest.raises(InputError, match=r"stimulus 2 are not finite \(1 of 6 units, the first is unit 5"):
        rdm(responses)


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        (np.ones((1, 5)), "1 stimuli x 5 units"),
        (np.ones((5, 1)), "5 stimuli x 1 units"),
        (np.ones(5), r"shape \(5,\)"),
        (np.ones((0, 5)), r"shape \(0, 5\)"),
        ([["a", "b"], ["c", "d"]], "real numbers"),
        ([[1, 2], [3]], "ragged"),
        (np.ones((3, 3), dtype=complex), "complex128"),
    ],
)
def test_bad_input_is_named(responses, message):
    with pytest.raises(InputError, match=message):
        rdm(responses)


def test_unknown_metric_lists_those_there_are():
    with pytest.raises(InputError, match="'euclid'; it must be one of correlation"):
        rdm(np.eye(3), metric="euclid")
