import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from normenc import networks
from normenc.errors import InputError
from normenc.representations import represent
from normenc.rsa.blocks import rdm_from_blocks
from normenc.rsa.dissimilarity import METRICS, rdm
from normenc.stimuli import gratings


def by_hand(responses: np.ndarray) -> np.ndarray:
    """1 - Z Z^T / N as the formula stands, with z-scores in extended precision, where digits are lost."""
    x = np.asarray(responses, dtype=np.longdouble)
    z = ((x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)).astype(np.float64)
    return 1 - z @ z.T / x.shape[1]


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


def test_float32_summed_over_long_blocks_is_as_precise():
    # More stimuli than units a block: the blocks are then as long as there are stimuli.
    responses = np.random.default_rng(8).normal(size=(1100, 2500)).astype(np.float32)
    error = rdm(responses) - rdm(responses.astype(np.float64))
    assert np.sqrt(np.mean(error**2)) < 2e-8
    np.testing.assert_allclose(error, 0, atol=3e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_stimuli", [1024, 1025, 1700])  # products of more than 1,024 are made in bands
def test_many_stimuli_are_as_precise_and_copies_stay_copies(n_stimuli, dtype):
    responses = np.random.default_rng(3).normal(size=(n_stimuli, 1100)).astype(dtype)
    responses[[5, 600, n_stimuli - 1]] = responses[512]
    found = rdm(responses)
    exact = 1 - np.corrcoef(responses.astype(np.float64))
    np.testing.assert_allclose(found, exact, atol=1e-14 if dtype == "float64" else 2e-7)
    np.testing.assert_array_equal(found, found.T)
    copies = [5, 512, 600, n_stimuli - 1]
    assert not found[np.ix_(copies, copies)].any() and not np.diagonal(found).any()
    np.testing.assert_array_equal(found, rdm_from_blocks([responses[:, :300], responses[:, 300:]]))


def counts(n_stimuli, n_units, seed=0):
    return np.random.default_rng(seed).poisson(3.0, size=(n_stimuli, n_units)).astype(float)


def spd(n_units, seed=1):
    root = np.random.default_rng(seed).normal(size=(n_units, 2 * n_units))
    return root @ root.T / n_units


def direct(responses: np.ndarray) -> np.ndarray:
    """Squared distance per unit, pair by pair in float64."""
    x = np.asarray(responses, dtype=np.float64)
    return np.array([((row - x) ** 2).mean(axis=1) for row in x])


def test_other_metrics_by_hand():
    np.testing.assert_allclose(rdm([[1, 0], [1, 1], [-2, 0]], "cosine")[0], [0, 1 - np.sqrt(0.5), 2], atol=1e-15)
    np.testing.assert_array_equal(
        rdm([[0, 0], [3, 4], [0, 2]], "euclidean"), [[0, 12.5, 2], [12.5, 0, 6.5], [2, 6.5, 0]]
    )
    # Sigma^-1 of [[2, 1], [1, 2]] is [[2, -1], [-1, 2]] / 3: (1, 0) has length 2/3, (1, 1) has 2/3, (0, 1) has 2/3.
    matrix = rdm([[0, 0], [1, 0], [1, 1]], "mahalanobis", noise_covariance=[[2, 1], [1, 2]])
    np.testing.assert_allclose(matrix, (1 - np.eye(3)) / 3, atol=1e-15)
    # Rates (x + 1 * 1) / 2: 0.5 and 1.5; difference 1 times log 3.
    matrix = rdm([[0, 0], [2, 0]], "poisson", prior_weight=1)
    np.testing.assert_allclose(matrix[0, 1], np.log(3) / 2, rtol=1e-14)


@pytest.mark.parametrize("metric", ["euclidean", "mahalanobis", "poisson"])
def test_other_metrics_agree_with_rsatoolbox(metric):
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    responses, covariance = counts(25, 40), spd(40)
    ours, theirs = {}, {}
    if metric == "mahalanobis":
        ours, theirs = {"noise_covariance": covariance}, {"noise": np.linalg.inv(covariance)}
    elif metric == "poisson":
        ours = theirs = {"prior_lambda": 2.5, "prior_weight": 0.3}
    oracle = calc_rdm(Dataset(responses), method=metric, **theirs).get_matrices()[0]
    np.testing.assert_allclose(rdm(responses, metric, **ours), oracle, rtol=0, atol=1e-9)


@pytest.mark.parametrize("factor", [1, 1e200, 1e-200])
def test_cosine_agrees_with_scipy(factor):
    from scipy.spatial.distance import pdist, squareform

    responses = np.random.default_rng(9).normal(size=(20, 50)) + 0.5
    oracle = squareform(pdist(responses, "cosine"))
    np.testing.assert_allclose(rdm(responses * factor, "cosine"), oracle, rtol=0, atol=1e-14)


def test_variances_are_a_diagonal_covariance():
    responses, variances = counts(8, 12), np.random.default_rng(2).uniform(0.5, 2, 12)
    matrix = rdm(responses, "mahalanobis", noise_covariance=variances)
    np.testing.assert_allclose(matrix, rdm(responses, "mahalanobis", noise_covariance=np.diag(variances)), atol=1e-12)
    np.testing.assert_allclose(matrix, rdm(responses / np.sqrt(variances), "euclidean"), atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_metric_keeps_its_form_and_forgets_the_order_of_units(metric, dtype):
    rng = np.random.default_rng(10)
    responses = rng.gamma(2, size=(30, 60)).astype(dtype)
    covariance, order = spd(60), rng.permutation(60)
    noise = {"noise_covariance": covariance} if metric == "mahalanobis" else {}
    turned = {"noise_covariance": covariance[np.ix_(order, order)]} if metric == "mahalanobis" else {}
    matrix = rdm(responses, metric, **noise)
    assert matrix.dtype == np.float64
    assert (matrix >= 0).all()
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diagonal(matrix), 0)
    np.testing.assert_allclose(rdm(responses[:, order], metric, **turned), matrix, atol=1e-11)


@settings(deadline=None, max_examples=30)
@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_how_metrics_scale(scale, shift):
    responses = counts(6, 9) + 1
    euclidean = rdm(responses, "euclidean")
    np.testing.assert_allclose(rdm(responses * scale + shift, "euclidean"), euclidean * scale**2, rtol=1e-6)
    np.testing.assert_allclose(rdm(responses * scale, "cosine"), rdm(responses, "cosine"), rtol=1e-9)
    whitened = rdm(responses, "mahalanobis", noise_covariance=spd(9))
    again = rdm(responses * scale, "mahalanobis", noise_covariance=spd(9) * scale**2)
    np.testing.assert_allclose(again, whitened, rtol=1e-9)


@pytest.mark.parametrize("spread", [10, 1e-1, 1e-3])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "mahalanobis", "poisson"])
def test_near_duplicates_in_float32_keep_their_relative_precision(metric, spread):
    rng = np.random.default_rng(11)
    # Groups of groups: stimuli near others that are near others, and one stimulus that is exactly another's twin.
    centres = np.repeat(rng.gamma(9, size=(4, 3000)) + 1, 6, axis=0) + 100
    responses = np.repeat(centres + spread * rng.normal(size=centres.shape), 2, axis=0)
    responses = (responses + 1e-4 * spread * rng.normal(size=responses.shape)).astype(np.float32)
    responses[7] = responses[40]
    x = responses.astype(np.longdouble)
    variances = rng.uniform(0.5, 2, 3000)
    second, noise = x, {}
    if metric == "cosine":
        x = second = x / np.sqrt((x**2).sum(axis=1, keepdims=True) * 2 / 3000)
    elif metric == "mahalanobis":
        x = second = x / np.sqrt(variances.astype(np.longdouble))
        noise = {"noise_covariance": variances}
    elif metric == "poisson":
        x = (x + np.longdouble(1.0 * 0.1)) / np.longdouble(1.1)
        second = np.log(x)
    truth = np.array([((a - x) * (b - second)).mean(axis=1) for a, b in zip(x, second, strict=True)])
    matrix = rdm(responses, metric, **noise)
    # The last bits of single precision are rounding, and a direction that they alone tell apart is one.
    same = truth < (np.finfo(np.float32).eps ** 2 / 4 if metric == "cosine" else 1e-30)
    np.testing.assert_allclose(matrix, np.where(same, 0, truth).astype(float), rtol=1e-7)
    assert matrix[7, 40] == 0
    n_twins = 50 if metric == "cosine" and spread == 1e-3 else 2
    assert (matrix[~np.eye(48, dtype=bool)] > 0).sum() == 48 * 47 - n_twins


def test_a_far_first_stimulus_and_identical_ones_cost_no_precision():
    responses = np.random.default_rng(12).normal(size=(30, 200)) * 1e-6
    responses[0] += 1e6
    responses[20:] = responses[20]
    matrix = rdm(responses, "euclidean")
    np.testing.assert_allclose(matrix, direct(responses), rtol=1e-9)
    assert (matrix[20:, 20:] == 0).all()


def test_dissimilarities_out_of_range_are_refused():
    with pytest.raises(InputError, match="overflow, because the largest response is"):
        rdm(np.eye(3) * 1e200, "euclidean")


@pytest.mark.parametrize("metric", [m for m in METRICS if m != "correlation"])
def test_other_metrics_name_values_that_are_not_finite(metric):
    responses = counts(4, 6)
    responses[2, 5] = np.nan
    noise = {"noise_covariance": np.ones(6)} if metric == "mahalanobis" else {}
    with pytest.raises(InputError, match="stimulus 2 are not finite"):
        rdm(responses, metric, **noise)


@pytest.mark.parametrize(
    ("metric", "arguments", "message"),
    [
        ("correlation", {"noise_covariance": np.ones(3)}, "'correlation' does not use noise_covariance"),
        ("poisson", {"noise_covariance": np.ones(3)}, "'poisson' does not use noise_covariance"),
        ("euclidean", {"noise_covariance": np.ones(3)}, "or use metric 'mahalanobis'"),
        ("cosine", {"prior_weight": 0.5}, "'cosine' does not use prior_lambda and prior_weight"),
        ("poisson", {"prior_weight": 0}, "prior_weight is 0; it must be a number above 0"),
        ("poisson", {"prior_lambda": np.nan}, "prior_lambda is nan"),
        ("mahalanobis", {}, "needs noise_covariance, shape"),
        ("mahalanobis", {"noise_covariance": np.eye(4)}, r"shape \(4, 4\), but the responses have 3 units"),
        (
            "mahalanobis",
            {"noise_covariance": np.arange(9.0).reshape(3, 3)},
            "not symmetric: units 0 and 2 have 2 and 6",
        ),
        (
            "mahalanobis",
            {"noise_covariance": np.ones((3, 3))},
            r"not positive definite.*noise_covariance\(residuals, s",
        ),
        ("mahalanobis", {"noise_covariance": -np.eye(3)}, "not positive definite"),
        ("mahalanobis", {"noise_covariance": [1, 0, 2]}, "gives unit 1 the variance 0"),
        ("mahalanobis", {"noise_covariance": [1, np.inf, 2]}, "not finite"),
    ],
)
def test_arguments_that_cannot_be_are_named(metric, arguments, message):
    with pytest.raises(InputError, match=message):
        rdm(np.eye(3), metric, **arguments)


def test_stimuli_without_a_dissimilarity_are_named():
    responses = np.eye(3)
    responses[1] = 0
    with pytest.raises(InputError, match="stimulus 1 has no response in any of the 3 units"):
        rdm(responses, "cosine")
    responses[2, 0] = -0.5
    with pytest.raises(InputError, match=r"stimulus 2 has negative responses, down to -0\.5"):
        rdm(responses, "poisson")
    with pytest.raises(InputError, match="1 stimuli x 3 units; a cosine RDM needs at least 2 stimuli and 1 unit"):
        rdm(responses[:1], "cosine")


def test_one_unit_is_enough_for_a_distance():
    np.testing.assert_array_equal(rdm([[1], [3]], "euclidean"), [[0, 4], [4, 0]])


def cut(responses: np.ndarray, *stops: int) -> list[np.ndarray]:
    return np.split(responses, sorted(stops), axis=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_stimuli", [40, 1100])  # products of 1024 and of 1100 units
def test_blocks_of_any_width_give_what_all_units_give(dtype, n_stimuli):
    responses = (np.random.default_rng(13).normal(size=(n_stimuli, 30_000)) + 3).astype(dtype)[
        :, : 1_200_000 // n_stimuli
    ]
    blocks = cut(responses, 1, 2, 500, 1024, 1050, 1051)
    assert {block.shape[1] for block in blocks} >= {1, 498}
    expected = rdm(responses)
    np.testing.assert_allclose(rdm_from_blocks(blocks), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(rdm_from_blocks([responses]), expected, rtol=0, atol=1e-14)


@settings(deadline=None, max_examples=30)
@given(stops=st.lists(st.integers(1, 29), unique=True, max_size=6), offset=st.floats(-1e3, 1e3))
def test_where_blocks_are_cut_does_not_matter(stops, offset):
    responses = np.random.default_rng(14).normal(size=(7, 30)) + offset
    np.testing.assert_allclose(rdm_from_blocks(cut(responses, *stops)), by_hand(responses), rtol=0, atol=1e-11)
    single = responses.astype(np.float32)
    np.testing.assert_allclose(rdm_from_blocks(iter(cut(single, *stops))), by_hand(single), rtol=0, atol=1e-6)


def test_whoever_makes_the_blocks_may_write_the_next_over_the_last():
    responses = np.random.default_rng(15).normal(size=(9, 60))
    place = np.empty((9, 20))

    def blocks():
        for start in range(0, 60, 20):
            place[:] = responses[:, start : start + 20]
            yield place

    np.testing.assert_allclose(rdm_from_blocks(blocks()), rdm(responses), rtol=0, atol=1e-14)


@pytest.mark.parametrize("factor", [1e25, 1e-30])
def test_float32_blocks_whose_squares_leave_the_range_are_read_again(factor):
    responses = (np.random.default_rng(16).normal(size=(5, 50)) * factor).astype(np.float32)
    blocks = cut(responses, 20)
    np.testing.assert_allclose(rdm_from_blocks(blocks), by_hand(responses), rtol=0, atol=1e-12)
    with pytest.raises(
        InputError, match="outside the range in which float32 distinguishes them from rounding error; divide"
    ):
        rdm_from_blocks(iter(blocks))
    with pytest.raises(InputError, match="outside the range in which float64"):
        rdm_from_blocks(cut(responses.astype(float) * 1e180 ** np.sign(np.log(factor)), 20))


def test_small_differences_on_a_large_baseline_are_read_again():
    responses = (np.random.default_rng(17).normal(size=(5, 50)) + 2**17).astype(np.float32)
    np.testing.assert_allclose(rdm_from_blocks(cut(responses, 20)), by_hand(responses), rtol=0, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e5 + 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_stimulus_that_is_constant_over_all_blocks_is_named(value, dtype):
    responses = np.random.default_rng(18).normal(size=(20, 3000)).astype(dtype)
    responses[13] = value
    responses[4, :2000] = value  # not constant in the last block
    for blocks in (cut(responses, 1, 2000), iter(cut(responses, 1, 2000))):
        with pytest.raises(InputError, match=r"stimulus 13 has the same response in all 3000 units \(1 such"):
            rdm_from_blocks(blocks)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_in_blocks_that_are_not_finite_are_named(bad):
    responses = np.random.default_rng(19).normal(size=(4, 6))
    responses[2, 5] = bad
    with pytest.raises(InputError, match=f"responses to stimulus 2 are not finite .* unit 5: {bad}"):
        rdm_from_blocks(iter(cut(responses, 2, 4)))
    labelled = xr.DataArray(responses, dims=("stimulus", "unit"), coords={"orientation": ("stimulus", [0, 30, 60, 90])})
    with pytest.raises(InputError, match=r"stimulus 2 \(orientation 60\) are not finite"):
        rdm_from_blocks([labelled[:, :3], labelled[:, 3:]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_near_the_end_of_the_range_give_an_error_or_a_result_but_no_warning(dtype):
    largest = np.finfo(dtype).max
    responses = (np.random.default_rng(20).uniform(-1, 1, size=(40, 30_000)) * largest).astype(dtype)
    expected = by_hand(responses / largest)
    np.testing.assert_allclose(rdm(responses), expected, rtol=0, atol=1e-6)
    if dtype == np.float32:
        np.testing.assert_allclose(rdm_from_blocks(cut(responses, 20_000)), expected, rtol=0, atol=1e-6)
    for unit in (3, 29_000):
        responses[7, unit] = np.inf
        with pytest.raises(InputError, match="stimulus 7 are not finite"):
            rdm(responses)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([], "there are no blocks"),
        (
            [np.eye(3), np.eye(4)],
            "first block has 3 stimuli, float64, but the one that starts with unit 3 has 4 stimuli",
        ),
        ([np.eye(3), np.eye(3, dtype=np.float32)], "starts with unit 3 has 3 stimuli, float32"),
        ([np.ones((1, 5))], "1 stimuli x 5 units; a correlation RDM needs at least 2 stimuli and 2 units"),
        ([np.ones((5, 1))], "5 stimuli x 1 units"),
        ([np.ones(5)], r"shape \(5,\)"),
        ([[["a"], ["b"]]], "real numbers"),
    ],
)
def test_blocks_that_do_not_fit_are_named(blocks, message):
    with pytest.raises(InputError, match=message):
        rdm_from_blocks(blocks)


def many_responses(kind):
    """More than a million responses in float32, of a kind that costs digits."""
    rng = np.random.default_rng(20)
    noise = rng.normal(size=(130, 9000))
    one = rng.normal(size=(130, 1)) * rng.normal(size=9000)
    return {
        "noise": noise,
        "a common pattern": noise + 100 * rng.normal(size=9000),
        "an offset": 0.1 * noise + 1000,
        "silent but for few": np.maximum(noise - 2, 0),
        "one dimension": 30 * one + 0.01 * noise,
        "one is large": noise * np.where(np.arange(130) == 7, 1e6, 1)[:, None],
        "sizes differ": noise * 10.0 ** rng.uniform(-3, 3, 130)[:, None],
        "large": noise * 1e22,
        "small": noise * 1e-24,
        "near copies": noise[np.arange(130) // 2] + 1e-5 * noise,
        "copies": noise[np.arange(130) // 2] * np.where(np.arange(130) % 2, 3, 1)[:, None],
    }[kind].astype(np.float32)


@pytest.mark.parametrize(
    "kind",
    [
        *("noise", "a common pattern", "an offset", "silent but for few", "one dimension", "one is large"),
        *("sizes differ", "large", "small", "near copies", "copies"),
    ],
)
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_products_in_single_precision_stay_within_what_is_promised(metric, kind):
    responses = many_responses(kind)
    found, exact = rdm(responses, metric), rdm(responses.astype(np.float64), metric)
    values = responses.astype(np.float64)
    if metric == "cosine":
        values /= np.linalg.norm(values, axis=1, keepdims=True)
    size = np.square(values - values.mean(axis=0)).sum(axis=1)
    scale = np.add.outer(size, size) / (2 if metric == "cosine" else responses.shape[1])
    np.testing.assert_array_less(np.abs(found - exact), 1e-6 * scale + 1e-300)
    near = (exact < 1e-2 * scale) & (exact > 0)
    np.testing.assert_allclose(found[near], exact[near], rtol=1e-4, atol=1e-15 if metric == "cosine" else 0)
    if kind == "near copies":
        assert near.sum() == 130
    if kind == "copies" and metric == "cosine":
        assert (found[::2, 1::2].diagonal() == 0).all()
    np.testing.assert_array_equal(found, found.T)
