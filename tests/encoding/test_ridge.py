"""Ridge regression against scikit-learn, himalaya, and what left-out errors are by definition."""

import threading
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from normenc.encoding import axes as axes_room
from normenc.encoding import choosing, ridge
from normenc.encoding.axes import Features
from normenc.encoding.ridge import ridge_predictions
from normenc.errors import InputError

PENALTIES = np.logspace(-1, 4, 12)


def problem(n_train=60, n_units=30, n_neurons=40, n_test=15, kind=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(3, rng.uniform(0.5, 2, n_units), (n_train + n_test, n_units))
    weights = rng.normal(size=(n_units, n_neurons)) * np.geomspace(0.02, 2, n_neurons)
    responses = 5 + features @ weights + 3 * rng.normal(size=(n_train + n_test, n_neurons))
    return features[:n_train].astype(kind), responses[:n_train].astype(kind), features[n_train:].astype(kind)


@pytest.mark.parametrize("n_units", [8, 59, 60, 150])
@pytest.mark.parametrize("scale", [False, True])
def test_predictions_and_penalties_are_scikit_learns(n_units, scale):
    x, y, test = problem(n_units=n_units)
    found = ridge_predictions(x, y, test, PENALTIES, scale=scale)
    if scale:
        scaler = StandardScaler().fit(x)
        x, test = scaler.transform(x), scaler.transform(test)
    theirs = RidgeCV(PENALTIES, alpha_per_target=True).fit(x, y)
    np.testing.assert_array_equal(found.penalty, theirs.alpha_)
    np.testing.assert_allclose(found.predicted, theirs.predict(test), rtol=0, atol=1e-6)
    assert len(set(found.penalty)) > 3


@pytest.mark.parametrize(("n_train", "n_units"), [(60, 30), (58, 150)])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_predictions_and_penalties_by_inner_folds_are_himalayas(n_train, n_units, backend):
    himalaya = pytest.importorskip("himalaya.ridge")
    from himalaya.backend import set_backend

    x, y, test = problem(n_train, n_units)
    found = ridge_predictions(x, y, test, PENALTIES, inner=np.array_split(np.arange(n_train), 5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        to_array = set_backend(backend).asarray
        theirs = himalaya.RidgeCV(PENALTIES, fit_intercept=True, cv=5).fit(to_array(x), to_array(y))
        predicted, penalty = np.asarray(theirs.predict(to_array(test))), np.asarray(theirs.best_alphas_)
        set_backend("numpy")
    np.testing.assert_allclose(found.penalty, penalty)
    np.testing.assert_allclose(found.predicted, predicted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_units", [8, 150])
def test_left_out_errors_are_those_of_leaving_each_stimulus_out(n_units):
    x, y, _ = problem(n_train=25, n_units=n_units, n_neurons=3)
    axes = Features(x).axes(np.arange(25), np.arange(0))
    found = choosing.LeftOut(axes, np.array([0.5, 50.0]), np.dtype(float)).errors(y - y.mean(axis=0))
    for number, penalty in enumerate((0.5, 50.0)):
        kept = [np.delete(np.arange(25), row) for row in range(25)]
        predicted = [Ridge(penalty).fit(x[rows], y[rows]).predict(x[[row]])[0] for row, rows in enumerate(kept)]
        np.testing.assert_allclose(found[number], np.square(y - predicted).sum(axis=0))


@pytest.mark.parametrize("n_units", [8, 150])
def test_generalised_errors_are_those_of_the_mean_leverage(n_units):
    x, y, _ = problem(n_train=25, n_units=n_units, n_neurons=3)
    axes = Features(x).axes(np.arange(25), np.arange(0))
    found = choosing.Generalised(axes, np.array([0.5, 50.0]), np.dtype(float)).errors(y - y.mean(axis=0))
    centred = x - x.mean(axis=0)
    for number, penalty in enumerate((0.5, 50.0)):
        hat = 1 / 25 + centred @ np.linalg.solve(centred.T @ centred + penalty * np.eye(n_units), centred.T)
        expected = np.square(y - hat @ y).sum(axis=0) / (1 - np.trace(hat) / 25) ** 2
        np.testing.assert_allclose(found[number], expected)


def test_a_stimulus_at_a_time_is_inner_folds_of_one():
    x, y, test = problem(n_train=20, n_units=50, n_neurons=5)
    alone = ridge_predictions(x, y, test, PENALTIES)
    folds = ridge_predictions(x, y, test, PENALTIES, inner=[[row] for row in range(20)])
    np.testing.assert_allclose(alone.predicted, folds.predicted, atol=1e-9)


def test_single_precision_moves_predictions_by_a_millionth():
    x, y, test = problem(n_units=150, n_neurons=200)
    double = ridge_predictions(x, y, test, PENALTIES)
    single = ridge_predictions(x, y.astype(np.float32), test, PENALTIES)
    same = double.penalty == single.penalty
    assert single.predicted.dtype == np.float32
    assert same.mean() > 0.98
    difference = np.abs(double.predicted - single.predicted)[:, same] / y.std(axis=0)[same]
    assert difference.max() < 1e-5


@pytest.mark.parametrize("scale", [False, True])
def test_blocks_of_units_change_nothing(monkeypatch, scale):
    x, y, test = problem(n_units=150)
    whole = ridge_predictions(x, y, test, PENALTIES, scale=scale)
    monkeypatch.setattr(axes_room, "BLOCK_BYTES", 8 * 75 * 7)  # 7 units
    monkeypatch.setattr(choosing, "MAPS_BYTES", 0)
    monkeypatch.setattr(ridge, "CHUNK_BYTES", 0)
    np.testing.assert_allclose(ridge_predictions(x, y, test, PENALTIES, scale=scale).predicted, whole.predicted)


def test_memory_does_not_grow_with_units():
    features = np.random.default_rng(0).normal(size=(50, 400_000)).astype(np.float32)
    tracemalloc.start()
    Features(features, scale=True).axes(np.arange(40), np.arange(40, 50))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * axes_room.BLOCK_BYTES  # 160 MB, of units that are 160 MB in double precision


def test_the_first_components_are_scikit_learns_pca():
    from sklearn.decomposition import PCA

    x, _, test = problem(n_units=150)
    axes = Features(np.concatenate([x, test])).axes(np.arange(60), np.arange(60, 75), 6)
    pca = PCA(6, svd_solver="full").fit(x)
    np.testing.assert_allclose(np.abs(axes.scores), np.abs(pca.transform(x)), atol=1e-9)
    np.testing.assert_allclose(np.abs(axes.test_scores), np.abs(pca.transform(test)), atol=1e-9)
    np.testing.assert_allclose(axes.eigenvalues, 59 * pca.explained_variance_)


def test_units_with_large_means_lose_no_digits():
    x, y, test = problem(n_units=150)
    near, far = (ridge_predictions(x + shift, y, test + shift, PENALTIES) for shift in (0, 1e6))
    np.testing.assert_allclose(near.predicted, far.predicted, atol=1e-6)


def test_neurons_that_do_not_vary_are_predicted_by_their_mean_without_a_penalty():
    x, y, test = problem(n_neurons=3)
    y[:, 1] = 0.1
    for inner in (None, np.array_split(np.arange(60), 5)):
        found = ridge_predictions(x, y, test, PENALTIES, inner=inner)
        np.testing.assert_allclose(found.predicted[:, 1], 0.1)
        assert np.isnan(found.penalty).tolist() == [False, True, False]


def test_units_that_do_not_vary_are_not_read():
    x, y, test = problem(n_units=10)
    still = np.full((75, 3), 0.3)
    padded = ridge_predictions(np.hstack([x, still[:60]]), y, np.hstack([test, still[60:] + 5]), PENALTIES, scale=True)
    np.testing.assert_allclose(padded.predicted, ridge_predictions(x, y, test, PENALTIES, scale=True).predicted)


@pytest.mark.parametrize("penalties", [[], [0.0, 1.0], [-1.0], [2.0, 1.0], [1.0, np.inf], [[1.0]]])
def test_impossible_penalties_are_refused(penalties):
    with pytest.raises(InputError, match="all above 0, in increasing order"):
        ridge_predictions(*problem(), penalties)


def test_shapes_that_disagree_are_refused():
    x, y, test = problem()
    with pytest.raises(InputError, match="the first two must agree in rows"):
        ridge_predictions(x[1:], y, test, PENALTIES)
    with pytest.raises(InputError, match="the first and the last in columns"):
        ridge_predictions(x, y, test[:, 1:], PENALTIES)


def test_several_threads_work_in_order_each_with_linear_algebra_of_one_thread():
    def seen(item):
        own = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
        return item, threading.current_thread().name.partition("_")[0], set(own)

    with threadpool_limits(2, user_api="blas"):
        assert choosing.in_threads(seen, range(5)) == [(item, "normenc-ridge", {1}) for item in range(5)]
        assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {2}


def test_only_one_call_at_a_time_has_threads_of_its_own():
    """Each call's limit on linear algebra ends when its own work does."""
    begun, done = threading.Event(), threading.Event()

    def alone():
        return choosing.in_threads(lambda _item: threading.get_ident(), [0]) == [threading.get_ident()]

    def work(_item):
        begun.set()
        return done.wait(60)

    with threadpool_limits(2, user_api="blas"):
        other = threading.Thread(target=choosing.in_threads, args=(work, [0]))
        other.start()
        assert begun.wait(60)
        with threadpool_limits(2, user_api="blas"):  # as a call sees it that began before the limit
            assert alone()
        done.set()
        other.join()
        assert not alone()
