import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from normenc.errors import InputError
from normenc.rsa.cross_validated import CROSS_VALIDATED, cross_validated_rdm
from normenc.rsa.dissimilarity import rdm


def trials(n_repeats, n_stimuli, n_units, seed=0):
    rng = np.random.default_rng(seed)
    return rng.poisson(rng.gamma(2, 2, size=(n_stimuli, n_units)), size=(n_repeats, n_stimuli, n_units)).astype(float)


def spd(n_units):
    root = np.random.default_rng(1).normal(size=(n_units, 2 * n_units))
    return root @ root.T / n_units


def fold_by_fold(repeats, transform=lambda x: (x, x), dtype=np.longdouble):
    """The definition: each repeat against the mean of the others, pair by pair, the mean over folds."""
    repeats = np.asarray(repeats, dtype=dtype)
    folds = []
    for left_out in range(len(repeats)):
        train = transform(np.delete(repeats, left_out, axis=0).mean(axis=0))[0]
        test = transform(repeats[left_out])[1]
        folds.append([((a - train) * (b - test)).mean(axis=1) for a, b in zip(train, test, strict=True)])
    return np.mean(folds, axis=0).astype(np.float64)


def poisson(prior_lambda=1.0, prior_weight=0.1):
    def transform(x):
        rates = (x + prior_lambda * prior_weight) / (1 + prior_weight)
        return rates, np.log(rates)

    return transform


def rsatoolbox_rdm(repeats, **arguments):
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    n_repeats, n_stimuli, n_units = repeats.shape
    labels = {
        "stimulus": np.tile([f"{row:03}" for row in range(n_stimuli)], n_repeats),
        "repeat": np.repeat([f"{repeat:03}" for repeat in range(n_repeats)], n_stimuli),
    }
    dataset = Dataset(repeats.reshape(-1, n_units), obs_descriptors=labels)
    return calc_rdm(dataset, descriptor="stimulus", cv_descriptor="repeat", **arguments).get_matrices()[0]


def test_hand_derived():
    # Differences (1, 2), (3, 0), (-1, 1): products 3, 1, -3; each ordered pair counts, so their mean, per unit.
    repeats = [[[0, 0], [1, 2]], [[5, 5], [8, 5]], [[0, 0], [-1, 1]]]
    np.testing.assert_allclose(cross_validated_rdm(repeats)[0, 1], (3 + 1 - 3) / 3 / 2, rtol=1e-14)
    variances = cross_validated_rdm(repeats, noise_covariance=[1, 2])[0, 1]
    # The first unit's products are 3, -1, -3, the second's 0, 2, 0.
    np.testing.assert_allclose(variances, (-1 / 3 + 2 / 3 / 2) / 2, atol=1e-15)
    # Rates (x + 1) / 2: 1 and 2 in one repeat, 1 and 4 in the other: (2 - 1) log 4 + (4 - 1) log 2, over two folds.
    matrix = cross_validated_rdm([[[1], [3]], [[1], [7]]], "poisson", prior_weight=1)
    np.testing.assert_allclose(matrix[0, 1], 5 * np.log(2) / 2, rtol=1e-14)


@pytest.mark.parametrize("n_repeats", [2, 3, 7])
def test_crossnobis_agrees_with_rsatoolbox(n_repeats):
    repeats, covariance = trials(n_repeats, 12, 30), spd(30)
    oracle = rsatoolbox_rdm(repeats, method="crossnobis")
    np.testing.assert_allclose(cross_validated_rdm(repeats), oracle, rtol=0, atol=1e-9)
    oracle = rsatoolbox_rdm(repeats, method="crossnobis", noise=np.linalg.inv(covariance))
    np.testing.assert_allclose(cross_validated_rdm(repeats, noise_covariance=covariance), oracle, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_repeats", [2, 3, 7])
def test_both_are_the_mean_over_folds(n_repeats):
    repeats = trials(n_repeats, 9, 3001)  # several blocks, the last one short
    np.testing.assert_allclose(cross_validated_rdm(repeats), fold_by_fold(repeats), rtol=0, atol=1e-12)
    matrix = cross_validated_rdm(repeats, "poisson", prior_lambda=2.0, prior_weight=0.3)
    np.testing.assert_allclose(matrix, fold_by_fold(repeats, poisson(2.0, 0.3)), rtol=0, atol=1e-12)


def test_poisson_counts_every_fold_where_rsatoolbox_returns_the_last():
    repeats = trials(3, 8, 20)
    truth = fold_by_fold(repeats, poisson())
    # Each of rsatoolbox's folds, by making it the last one.
    folds = [rsatoolbox_rdm(np.roll(repeats, shift, axis=0), method="poisson_cv") for shift in range(3)]
    np.testing.assert_allclose(np.mean(folds, axis=0), truth, rtol=0, atol=1e-9)
    assert np.abs(folds[0] - truth).max() > 0.01
    np.testing.assert_allclose(cross_validated_rdm(repeats, "poisson"), truth, rtol=0, atol=1e-12)


@pytest.mark.parametrize("metric", CROSS_VALIDATED)
def test_equal_repeats_give_the_dissimilarity_itself(metric):
    responses = trials(1, 10, 40)
    plain = rdm(responses[0], "euclidean" if metric == "crossnobis" else metric)
    np.testing.assert_allclose(cross_validated_rdm(np.repeat(responses, 4, axis=0), metric), plain, atol=1e-12)


def test_pure_noise_is_zero_on_average_and_signal_is_unbiased():
    rng = np.random.default_rng(2)
    signal = rng.normal(size=(12, 2000))
    noise = 3 * rng.normal(size=(4, 12, 2000))
    pairs = np.triu_indices(12, k=1)
    truth = rdm(signal, "euclidean")[pairs]
    # One pair's standard deviation: noise alone 2 * 9 * sqrt(2 / (4 * 3) / 2000) = 0.16.
    alone, both = cross_validated_rdm(noise)[pairs], cross_validated_rdm(signal + noise)[pairs]
    assert abs(alone.mean()) < 0.1
    assert 0.1 < alone.std() < 0.25
    assert (alone < 0).any()
    assert abs((both - truth).mean()) < 0.15
    # What cross-validation spares: 2 * 9 / 4 repeats.
    assert (rdm((signal + noise).mean(axis=0), "euclidean")[pairs] - truth).mean() == pytest.approx(4.5, abs=0.3)


def test_poisson_noise_is_zero_on_average():
    rates = np.full((20, 500), 4.0)
    repeats = np.random.default_rng(3).poisson(rates, size=(4, *rates.shape))
    pairs = np.triu_indices(20, k=1)
    assert abs(cross_validated_rdm(repeats, "poisson")[pairs].mean()) < 0.02
    assert rdm(repeats.mean(axis=0), "poisson")[pairs].mean() > 0.1


@pytest.mark.parametrize("metric", CROSS_VALIDATED)
@pytest.mark.parametrize("spread", [1e-2, 1e-4, 1e-6])
def test_near_duplicates_in_float32_keep_their_precision(metric, spread):
    rng = np.random.default_rng(4)
    centres = np.repeat(rng.gamma(9, size=(4, 2000)) + 100, 5, axis=0)
    repeats = (centres * (1 + spread * rng.normal(size=(1, 20, 1)) * rng.normal(size=2000))).repeat(3, axis=0)
    repeats = (repeats * (1 + 0.1 * spread * rng.normal(size=repeats.shape))).astype(np.float32)
    repeats[:, 7] = repeats[:, 13]
    matrix = cross_validated_rdm(repeats, metric)
    truth = fold_by_fold(repeats, poisson() if metric == "poisson" else lambda x: (x, x))
    # Relative to the plain distance, as the cross-validated one may be zero.
    plain = np.mean([rdm(repeat, "euclidean" if metric == "crossnobis" else metric) for repeat in repeats], axis=0)
    assert (np.abs(matrix - truth) <= 1e-5 * plain).all()
    assert matrix[7, 13] == 0


@settings(deadline=None, max_examples=30)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3), data=st.data())
def test_properties(scale, shift, data):
    repeats = trials(3, 5, 8)
    matrix = cross_validated_rdm(repeats)
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diagonal(matrix), 0)
    np.testing.assert_allclose(cross_validated_rdm(repeats * scale + shift) / scale**2, matrix, atol=1e-5)
    units, order = data.draw(st.permutations(range(8))), data.draw(st.permutations(range(3)))
    for metric in CROSS_VALIDATED:
        expected = cross_validated_rdm(repeats, metric)
        np.testing.assert_allclose(cross_validated_rdm(repeats[order][:, :, units], metric), expected, atol=1e-10)
    # What all stimuli share within a repeat, such as a drift, takes no part.
    drift = np.random.default_rng(5).normal(size=(3, 1, 8))
    np.testing.assert_allclose(cross_validated_rdm(repeats + drift), matrix, atol=1e-10)


def broken(value):
    repeats = trials(3, 5, 8)
    repeats[1, 4, 2] = value
    return repeats


@pytest.mark.parametrize(
    ("repeats", "arguments", "message"),
    [
        (np.ones((1, 3, 4)), {}, "repeats have 1 repeat; cross-validation needs at least 2"),
        (np.ones((2, 1, 4)), {}, "1 stimulus; an RDM needs at least 2"),
        (np.ones((3, 4)), {}, r"shape \(3, 4\); they must be a non-empty repeat x stimulus x unit array"),
        (np.ones((2, 3, 0)), {}, "non-empty"),
        (broken(np.nan), {}, r"repeat 1 to stimulus 4 are not finite \(1 of 8 units\)"),
        (broken(np.inf), {"metric": "poisson"}, "repeat 1 to stimulus 4 are not finite"),
        (broken(-2), {"metric": "poisson"}, "repeat 1 to stimulus 4 are negative, down to -2"),
        (broken(0), {"metric": "euclidean"}, "'euclidean'; it must be one of crossnobis, poisson"),
        (
            broken(0),
            {"metric": "poisson", "noise_covariance": np.eye(8)},
            "does not use noise_covariance.*'crossnobis'",
        ),
        (broken(0), {"prior_lambda": 2}, "'crossnobis' does not use prior_lambda and prior_weight"),
        (broken(0), {"noise_covariance": np.eye(7)}, r"shape \(7, 7\), but the responses have 8 units"),
    ],
)
def test_bad_input_is_named(repeats, arguments, message):
    with pytest.raises(InputError, match=message):
        cross_validated_rdm(repeats, **arguments)


def test_a_labelled_stimulus_is_named_by_its_label():
    labelled = xr.DataArray(
        broken(np.nan), dims=("repeat", "stimulus", "unit"), coords={"orientation": ("stimulus", np.arange(5) * 30)}
    )
    with pytest.raises(InputError, match=r"repeat 1 to stimulus 4 \(orientation 120\)"):
        cross_validated_rdm(labelled)
