import numpy as np
import pytest

from normenc.errors import InputError
from normenc.rsa.noise import SHRINKAGE, noise_covariance, whiten

THEIRS = {"diagonal": "shrinkage_diag", "identity": "shrinkage_eye", "none": "full", "variances": "diag"}


def residuals(n_observations, n_units, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_observations, n_units)) @ rng.normal(size=(n_units, n_units)) + rng.normal(size=n_units)


def test_hand_derived():
    # Products sum to [[2, 0], [0, 8]] over 4 observations whose mean is 0.
    observations = [[1, 0], [-1, 0], [0, 2], [0, -2]]
    np.testing.assert_allclose(noise_covariance(observations, "none"), [[2 / 3, 0], [0, 8 / 3]])
    np.testing.assert_allclose(noise_covariance(observations, "variances"), [2 / 3, 8 / 3])
    # No covariance at all: shrinking it changes nothing.
    np.testing.assert_allclose(noise_covariance(observations, "diagonal"), [[2 / 3, 0], [0, 8 / 3]])
    # n = 4: S = diag(1/2, 2), m = 5/4, d2 = 9/8, b2 = ((1 + 1 + 16 + 16) / 4 - 17/4) / 4 = 17/16, weight 17/18;
    # then 17/18 * 5/4 + 1/18 * (1/2, 2), times 4/3 for dof 3.
    expected = np.diag(17 / 18 * 5 / 4 + np.array([0.5, 2]) / 18) * 4 / 3
    np.testing.assert_allclose(noise_covariance(observations, "identity"), expected, atol=1e-15)


ALIKE = [shrinkage for shrinkage in SHRINKAGE if shrinkage != "diagonal"]  # rsatoolbox's weight is not the paper's


@pytest.mark.parametrize("shrinkage", ALIKE)
@pytest.mark.parametrize("shape", [(200, 12), (15, 40), (2, 5)])
@pytest.mark.parametrize("dof", [None, 9])
def test_residuals_agree_with_rsatoolbox(shrinkage, shape, dof):
    from rsatoolbox.data.noise import cov_from_residuals

    values = residuals(*shape)
    oracle = cov_from_residuals(values, dof=dof, method=THEIRS[shrinkage])
    oracle = np.diagonal(oracle) if shrinkage == "variances" else oracle
    ours = noise_covariance(values, shrinkage, dof=dof)
    np.testing.assert_allclose(ours, oracle, rtol=0, atol=1e-9 * np.abs(oracle).max())


@pytest.mark.parametrize("shrinkage", ALIKE)
def test_repeats_agree_with_rsatoolbox(shrinkage):
    from rsatoolbox.data import Dataset
    from rsatoolbox.data.noise import cov_from_measurements, cov_from_unbalanced

    n_repeats, n_stimuli, n_units = 4, 9, 6
    repeats = residuals(n_repeats * n_stimuli, n_units).reshape(n_repeats, n_stimuli, n_units)
    stimuli = {"stimulus": np.tile(np.arange(n_stimuli), n_repeats)}
    dataset = Dataset(repeats.reshape(-1, n_units), obs_descriptors=stimuli)
    ours = noise_covariance(repeats, shrinkage)
    # The dof is given: cov_from_measurements takes (n_stimuli - 1) * n_repeats, not those the means leave. The other
    # function is another route to the same residuals, and finds the right dof itself.
    dof = (n_repeats - 1) * n_stimuli
    for oracle in (
        cov_from_measurements(dataset, "stimulus", dof=dof, method=THEIRS[shrinkage]),
        cov_from_unbalanced(dataset, "stimulus", method=THEIRS[shrinkage]),
    ):
        oracle = np.diagonal(oracle) if shrinkage == "variances" else oracle
        np.testing.assert_allclose(ours, oracle, rtol=0, atol=1e-9)


def weight_of(values):
    """Weight of the diagonal, from what it does to the covariances."""
    shrunk, whole = (noise_covariance(values, shrinkage) for shrinkage in ("diagonal", "none"))
    off = ~np.eye(len(whole), dtype=bool)
    return 1 - (shrunk[off] @ whole[off]) / (whole[off] @ whole[off])


def test_the_weight_of_the_diagonal_by_hand():
    """x = (-1, 0, 1) and y = (-2, 1, 1): variances 1 and 3, covariance 3/2.

    Products of z-scores w = (2, 0, 1) / sqrt 3, of mean 1 / sqrt 3: r^2 = (3/2)^2 / 3 = 3/4, the squares about the mean
    add up to 2/3, Var(r) = 3/8 * 2/3 = 1/4, the weight is 1/3, and 2/3 of the covariance is left: 1.
    """
    from rsatoolbox.data.noise import cov_from_residuals

    values = np.array([[-1.0, -2], [0, 1], [1, 1]])
    np.testing.assert_allclose(noise_covariance(values), [[1, 1], [1, 3]], atol=1e-12)
    # rsatoolbox's weight is 1 / (n - 1)^2 smaller: here 1/12, which matters to few observations alone.
    theirs = cov_from_residuals(values, method="shrinkage_diag")
    np.testing.assert_allclose(theirs, [[1, 11 / 8], [11 / 8, 3]], atol=1e-12)
    many = residuals(1001, 4)
    found = noise_covariance(many)
    np.testing.assert_allclose(found, cov_from_residuals(many, method="shrinkage_diag"), rtol=1.01e-6)


@pytest.mark.parametrize("n_observations", [2, 3, 4, 8, 100])
def test_the_weight_of_the_diagonal_is_that_of_schaefer_and_strimmer(n_observations):
    """Their equations, with loops over units: w_kij, its mean, Var(r_ij) = n / (n - 1)^3 sum (w - mean)^2."""
    rng = np.random.default_rng(n_observations)
    values = rng.normal(size=(n_observations, 7)) @ np.linalg.cholesky(0.5 * np.eye(7) + 0.5).T + 3
    z = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    n, variance, squared = n_observations, 0.0, 0.0
    for i in range(7):
        for j in range(7):
            if i != j:
                w = z[:, i] * z[:, j]
                variance += n / (n - 1) ** 3 * ((w - w.mean()) ** 2).sum()
                squared += (n / (n - 1) * w.mean()) ** 2
    assert weight_of(values) == pytest.approx(min(1, variance / squared), abs=1e-12)


def test_the_weight_for_repeats_goes_by_degrees_of_freedom():
    """Two repeats leave one residual of each stimulus, as if each had been shown once and had no mean."""
    residual = np.random.default_rng(0).normal(size=(40, 5)) @ np.linalg.cholesky(0.5 * np.eye(5) + 0.5).T
    values = np.stack([residual, -residual])
    z = residual / np.sqrt((residual**2).sum(axis=0))
    w = np.einsum("ki,kj->kij", z, z)[:, ~np.eye(5, dtype=bool)]
    expected = (w**2).sum() / (w.sum(axis=0) ** 2).sum() - 1 / 40  # n / dof (sum of squares - n mean^2), n = 80
    assert weight_of(values) == pytest.approx(expected, abs=1e-12)


def test_two_observations_are_too_few_to_shrink_and_the_advice_is_another():
    values = residuals(2, 5)
    for shrinkage in ("diagonal", "identity"):
        with pytest.raises(InputError, match='from three or more, and from two use only the variances, shrinkage="var'):
            whiten(residuals(4, 5), noise_covariance(values, shrinkage))
    assert np.isfinite(whiten(residuals(4, 5), noise_covariance(values, "variances"))).all()


@pytest.mark.parametrize("shrinkage", SHRINKAGE)
def test_known_noise_is_found_whatever_the_stimuli(shrinkage):
    rng = np.random.default_rng(3)
    root = np.array([[1, 0, 0], [0.8, 1, 0], [0, -0.5, 2]])
    truth = root @ root.T
    signal = 100 * rng.normal(size=(2000, 3))
    found = noise_covariance(signal + rng.normal(size=(10, 2000, 3)) @ root.T, shrinkage)
    truth = np.diagonal(truth) if shrinkage == "variances" else truth
    np.testing.assert_allclose(found, truth, atol=0.1)


def test_shrunk_covariances_invert_with_fewer_observations_than_units():
    values = residuals(10, 30)
    for shrinkage in ("diagonal", "identity"):
        covariance = noise_covariance(values, shrinkage)
        np.testing.assert_array_equal(covariance, covariance.T)
        assert np.linalg.eigvalsh(covariance).min() > 0
        assert whiten(values, covariance).shape == values.shape
    with pytest.raises(InputError, match=r"not positive definite.*fewer observations than units"):
        whiten(values, noise_covariance(values, "none"))


@pytest.mark.parametrize("shrinkage", SHRINKAGE)
def test_scale_order_and_shift(shrinkage):
    values, order = residuals(20, 7), np.random.default_rng(4).permutation(7)
    covariance = noise_covariance(values, shrinkage)
    np.testing.assert_allclose(noise_covariance(values * 3 + 5, shrinkage), covariance * 9, rtol=1e-9, atol=1e-9)
    turned = covariance[order] if shrinkage == "variances" else covariance[np.ix_(order, order)]
    np.testing.assert_allclose(noise_covariance(values[:, order], shrinkage), turned, rtol=1e-9, atol=1e-12)


def test_one_unit():
    values = residuals(20, 1)
    for shrinkage in ("diagonal", "identity", "none"):
        expected = [[values.var(ddof=1)]]
        np.testing.assert_allclose(noise_covariance(values, shrinkage), expected, rtol=1e-12)


def test_whitened_noise_is_white():
    values = residuals(500, 6)
    white = whiten(values, noise_covariance(values, "none"))
    np.testing.assert_allclose(np.cov(white.T), np.eye(6), atol=1e-9)
    np.testing.assert_array_equal(white[0], 0)


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (np.ones(3), {}, r"shape \(3,\); they must be \(n_observations, n_units\) or"),
        (np.ones((0, 3)), {}, "not empty"),
        (np.ones((1, 3)), {}, "1 observations; a covariance needs at least 2 observations"),
        (np.ones((1, 5, 3)), {}, "1 repeats; a covariance needs at least 2 repeats"),
        (np.array([[1, 2, 0.1], [2, 2, 0.1], [4, 2, 0.1]]), {}, r"unit 1 has the same value .* \(2 such units"),
        (np.array([[[1, 0.1], [2, 0.3]], [[4, 0.1], [2, 0.3]]]), {}, "unit 1 has the same value in all repeats"),
        (np.array([[1, 2], [3, np.nan]]), {}, "residuals of unit 1 are not finite"),
        (np.eye(3), {"dof": 0}, r"dof is 0; .* \(these residuals have 2 by default\)"),
        (np.eye(3), {"dof": np.nan}, "dof is nan"),
    ],
)
def test_bad_input_is_named(values, arguments, message):
    with pytest.raises(InputError, match=message):
        noise_covariance(values, **arguments)
