"""Banded ridge against himalaya and scikit-learn, shares of variance against planted truth."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from normenc.encoding import (
    banded_predictions,
    banded_ridge,
    cross_validated_predictions,
    fit_controls,
    predictivity,
    stimulus_folds,
    unique_variance,
)
from normenc.encoding.banded import _scalings
from normenc.errors import InputError


@pytest.fixture(scope="module")
def world():
    """Neurons that read two of three bands, four trials of each stimulus."""
    rng = np.random.default_rng(1)
    bands = {"one": rng.normal(size=(90, 6)), "two": 10 * rng.normal(size=(90, 120)), "none": rng.normal(size=(90, 9))}
    signal = bands["one"] @ rng.normal(size=(6, 30)) + 0.05 * bands["two"][:, :8] @ rng.normal(size=(8, 30))
    return bands, signal, rng


def test_one_band_is_the_regression_of_one_layer(world):
    bands, signal, _ = world
    for choose in ("leave-one-out", "folds", "generalised"):
        banded = banded_predictions({"one": bands["one"]}, signal, choose=choose)
        plain = cross_validated_predictions(bands["one"], signal, choose=choose)
        np.testing.assert_array_equal(banded.penalty, plain.penalty)
        np.testing.assert_allclose(banded.predicted, plain.predicted, atol=1e-8)


def test_predictions_are_ridge_on_scaled_features(world):
    """With the shares and penalty of a neuron, scikit-learn's ridge on the scaled and joined bands agrees."""
    bands, signal, _ = world
    banded = banded_predictions(bands, signal, n_scalings=12)
    np.testing.assert_allclose(banded.scaling.sum(axis=1), 1)
    for neuron in (0, 7):
        test, train = banded.fold == 2, banded.fold != 2
        scaled = []
        for share, band in zip(banded.scaling[2, :, neuron], bands.values(), strict=True):
            centred = band - band[train].mean(axis=0)
            size = np.square(centred[train]).sum() / min(band.shape[1], train.sum() - 1)
            scaled.append(np.sqrt(share / size) * centred)
        x = np.hstack(scaled)
        fit = Ridge(banded.penalty[2, neuron]).fit(x[train], signal[train, neuron])
        np.testing.assert_allclose(banded.predicted[test, neuron], fit.predict(x[test]), atol=1e-7)
    parts = np.sum(list(banded.parts.values()), axis=0)
    for fold in range(5):
        test, train = banded.fold == fold, banded.fold != fold
        np.testing.assert_allclose(parts[test] + signal[train].mean(axis=0), banded.predicted[test], atol=1e-9)


@pytest.mark.parametrize("choose", ["generalised", "leave-one-out"])
def test_shares_and_penalties_of_few_features_have_the_smallest_error(world, choose):
    """Errors from the matrix that maps responses to fitted values, for all shares and penalties, by their formulas."""
    bands, signal, _ = world
    few = {"one": bands["one"], "none": bands["none"]}
    y = signal + 2 * np.random.default_rng(3).normal(size=signal.shape)
    penalties = np.logspace(-3, 3, 7)
    found = banded_predictions(few, y, penalties=penalties, choose=choose)
    test, train = found.fold == 0, found.fold != 0
    centred = [band - band[train].mean(axis=0) for band in few.values()]
    centred = [z / np.sqrt(np.square(z[train]).sum() / z.shape[1]) for z in centred]
    targets = y[train] - y[train].mean(axis=0)
    tried = [(shares, penalty) for shares in _scalings(2, 1, 0) for penalty in penalties]
    errors, predicted = [], []
    for shares, penalty in tried:
        x = np.hstack([np.sqrt(share) * z for share, z in zip(shares, centred, strict=True)])
        weights = np.linalg.solve(x[train].T @ x[train] + penalty * np.eye(x.shape[1]), x[train].T)
        hat = x[train] @ weights + 1 / train.sum()
        left = 1 - np.diag(hat)
        residual = targets - hat @ targets
        errors.append(np.square(residual / (left.mean() if choose == "generalised" else left[:, None])).sum(axis=0))
        predicted.append(x[test] @ weights @ targets + y[train].mean(axis=0))
    best = np.argmin(errors, axis=0)
    np.testing.assert_array_equal(found.penalty[0], [tried[k][1] for k in best])
    np.testing.assert_array_equal(found.scaling[0].T, [tried[k][0] for k in best])
    assert len({tuple(tried[k][0]) for k in best}) > 3
    own = np.array(predicted)[best, :, np.arange(len(best))].T
    np.testing.assert_allclose(found.predicted[test], own, atol=1e-10)
    single = banded_predictions(few, y.astype(np.float32), penalties=penalties, choose=choose)
    assert np.mean(np.abs(single.predicted - found.predicted).max(axis=0) < 1e-4) > 0.9


@pytest.mark.parametrize("reduce_to", [5, 50])  # fewer features in all than training stimuli, and more
def test_bands_are_reduced_to_components_of_the_training_stimuli(world, reduce_to):
    bands, signal, rng = world
    wide = {"two": bands["two"], "other": rng.normal(size=(90, 200))}
    found = banded_predictions(wide, signal, reduce_to=reduce_to)
    test, train = found.fold == 1, found.fold != 1
    for neuron in (0, 4):
        scaled = []
        for share, band in zip(found.scaling[1, :, neuron], wide.values(), strict=True):
            components = PCA(reduce_to).fit(band[train])
            size = components.explained_variance_.mean() * (train.sum() - 1)
            scaled.append(np.sqrt(share / size) * components.transform(band))
        x = np.hstack(scaled)
        fit = Ridge(found.penalty[1, neuron]).fit(x[train], signal[train, neuron])
        np.testing.assert_allclose(found.predicted[test, neuron], fit.predict(x[test]), atol=1e-7)


def test_the_search_is_himalayas(world):
    """The same shares, penalties and folds: the same choices and predictions for almost all neurons."""
    himalaya = pytest.importorskip("himalaya.kernel_ridge")
    bands, signal, rng = world
    y = signal + rng.normal(size=signal.shape)
    folds = [np.arange(k, 90, 5) for k in range(5)]
    penalties = np.logspace(-3, 3, 7)
    found = banded_predictions(bands, y, penalties=penalties, n_scalings=10, folds=folds, choose="folds", seed=3)
    train, test = np.flatnonzero(found.fold != 0), folds[0]
    kernels, across = [], []
    for band in bands.values():
        centred = band - band[train].mean(axis=0)
        size = np.square(centred[train]).sum() / min(band.shape[1], len(train) - 1)
        kernels.append(centred[train] @ centred[train].T / size)
        across.append(centred[test] @ centred[train].T / size)
    inner = stimulus_folds(len(train), 5, seed=3)
    splits = [(np.setdiff1d(np.arange(len(train)), fold), fold) for fold in inner]
    scalings = _scalings(3, 10, 3)
    options = {"n_iter": scalings, "alphas": penalties, "progress_bar": False, "local_alpha": True}
    model = himalaya.MultipleKernelRidgeCV(
        kernels="precomputed", solver="random_search", solver_params=options, cv=splits, fit_intercept=True
    )
    with np.errstate(divide="ignore"):  # it takes the logarithm of a share of 0
        model.fit(np.stack(kernels), y[train])
    predicted = np.asarray(model.predict(np.stack(across)))
    same = np.abs(predicted - found.predicted[test]).max(axis=0) < 1e-5 * y.std()
    assert same.mean() > 0.9  # it scores by R squared, which weighs folds otherwise


def test_all_bands_are_scored_like_any_prediction(world):
    bands, signal, rng = world
    stimulus = np.repeat(np.arange(90), 4)
    trials = signal[stimulus] + 2 * rng.normal(size=(360, 30))
    found = banded_ridge(bands, trials, stimulus, n_scalings=12, n_samples=100)
    banded = found.predictions["all"]
    scores = predictivity(banded.predicted, trials, stimulus, fold=banded.fold, n_samples=100)
    own = found.neurons[found.neurons["part"] == "all"]
    for measure in ("r2", "feve"):
        np.testing.assert_allclose(own[measure], scores.neurons[measure], atol=1e-9)
        np.testing.assert_allclose(own[f"{measure}_low"], scores.neurons[f"{measure}_low"], atol=1e-4)
    np.testing.assert_array_equal(own["reliable"], scores.neurons["reliable"])
    assert found.row("all")["median"] == pytest.approx(scores.medians.loc["feve", "median"])
    assert found.row("all")["low"] == pytest.approx(scores.medians.loc["feve", "low"], abs=1e-3)
    shares = found.neurons.pivot_table(index="neuron", columns="part", values="r2")
    np.testing.assert_allclose(shares[["one", "two", "none"]].sum(axis=1), shares["all"])


def test_shares_are_those_of_the_planted_mixture():
    """Independent bands with variances 4 and 1, noise 1: shares of 4/6 and 1/6, and explainable ones of 0.8 and 0.2."""
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=(2, 400, 5))
    weights = rng.normal(size=(2, 5, 50))
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    mix = one @ weights[0], two @ weights[1]
    stimulus = np.repeat(np.arange(400), 4)
    trials = (2 * mix[0] + mix[1])[stimulus] + 2 * rng.normal(size=(1600, 50))  # noise of averages: 1
    parts = banded_ridge({"one": one, "two": two}, trials, stimulus, n_samples=50).parts.set_index("part")
    assert parts.loc["one", "r2"] == pytest.approx(4 / 6, abs=0.03)
    assert parts.loc["two", "r2"] == pytest.approx(1 / 6, abs=0.03)
    assert parts.loc["one", "feve"] == pytest.approx(0.8, abs=0.04)
    assert parts.loc["two", "feve"] == pytest.approx(0.2, abs=0.04)
    unique = unique_variance(two, {"one": one}, trials, stimulus, n_samples=200)
    own = unique.row("unique")
    assert own["median"] == pytest.approx(0.2, abs=0.04)
    assert own["low"] < 0.2 < own["high"]


def test_what_the_controls_contain_is_not_the_layers_own():
    rng = np.random.default_rng(4)
    control, other = rng.normal(size=(2, 150, 8))
    neurons = control @ rng.normal(size=(8, 40)) + rng.normal(size=(150, 40))
    copy = control @ rng.normal(size=(8, 8))
    found = unique_variance(copy, {"control": control, "other": other}, neurons, n_samples=100, n_scalings=12)
    parts = found.parts.set_index("part")["r2"]
    assert parts["controls"] > 0.7
    assert abs(parts["unique"]) < 0.02
    assert parts["all"] - parts["controls"] == pytest.approx(parts["unique"], abs=0.02)
    assert np.isnan(found.parts["feve"]).all()
    assert found.row("unique")["median"] == parts["unique"]


@pytest.mark.parametrize("options", [{}, {"choose": "generalised", "reduce_to": 5, "n_folds": 4}])
def test_controls_that_are_fitted_once_give_the_same_numbers_for_every_layer(options):
    rng = np.random.default_rng(7)
    layers, control = rng.normal(size=(2, 60, 9)), rng.normal(size=(60, 90))
    stimulus = np.repeat(np.arange(60), 2)
    trials = ((layers[0] + control[:, :9]) @ rng.normal(size=(9, 20)))[stimulus] + rng.normal(size=(120, 20))
    fitted = fit_controls({"control": control}, trials, stimulus, **options)
    for layer in layers:
        once = unique_variance(layer, fitted, n_samples=20)
        each = unique_variance(layer, {"control": control}, trials, stimulus, n_samples=20, **options)
        pd.testing.assert_frame_equal(once.parts, each.parts, check_exact=True)
        pd.testing.assert_frame_equal(once.neurons, each.neurons, check_exact=True)


def test_several_seeds_of_a_layer_give_the_means_of_each_neuron():
    rng = np.random.default_rng(8)
    control, *seeds = rng.normal(size=(4, 80, 5))
    stimulus = np.repeat(np.arange(80), 3)
    trials = ((control + seeds[0]) @ rng.normal(size=(5, 30)))[stimulus] + rng.normal(size=(240, 30))
    fitted = fit_controls(control, trials, stimulus)
    together = unique_variance(seeds, fitted, n_samples=50)
    alone = [unique_variance(seed, fitted, n_samples=50).neurons for seed in seeds]
    for measure in ("r2", "feve"):
        mean = np.mean([own[measure] for own in alone], axis=0)
        np.testing.assert_allclose(together.neurons[measure], mean, atol=1e-12)
        own = together.neurons[together.neurons["part"] == "unique"]
        reliable = own[own["reliable"]][measure]
        assert together.row("unique", measure)["median"] == pytest.approx(reliable.median())
        assert (own[f"{measure}_low"] < own[measure]).all() and (own[measure] < own[f"{measure}_high"]).all()
    np.testing.assert_array_equal(
        together.predictions["all"].predicted,
        unique_variance(seeds[0], fitted, n_samples=0).predictions["all"].predicted,
    )


def test_fitted_controls_know_their_responses_and_options():
    rng = np.random.default_rng(9)
    layer, control, y = rng.normal(size=(3, 30, 4))
    fitted = fit_controls(control, y)
    with pytest.raises(InputError, match="leave out responses, stimulus and options, n_folds"):
        unique_variance(layer, fitted, n_folds=3)
    with pytest.raises(InputError, match="leave out responses"):
        unique_variance(layer, fitted, y)
    with pytest.raises(InputError, match="there are no responses"):
        unique_variance(layer, control)
    with pytest.raises(InputError, match="the features 'layer' have 20 rows, responses 30"):
        unique_variance(layer[:20], fitted)


def test_controls_may_have_any_name():
    rng = np.random.default_rng(4)
    controls, layer = rng.normal(size=(2, 30, 4)), rng.normal(size=(30, 4))
    neurons = np.hstack([*controls, layer]) @ rng.normal(size=(12, 3))
    plain, *others = (
        unique_variance(layer, dict(zip(names, controls, strict=True)), neurons, n_samples=5, n_scalings=2).parts
        for names in (("a", "b"), ("layer", "the layer itself"), ("layer 2", "layer"))
    )
    assert all(plain.equals(other) for other in others)


def test_neurons_that_do_not_vary_are_predicted_by_their_mean():
    rng = np.random.default_rng(5)
    one, two = rng.normal(size=(2, 40, 4))
    neurons = one @ rng.normal(size=(4, 6))
    neurons[:, 2] = 0.25
    banded = banded_predictions({"one": one, "two": two}, neurons)
    np.testing.assert_allclose(banded.predicted[:, 2], 0.25)
    assert np.isnan(banded.penalty[:, 2]).all() and np.isfinite(np.delete(banded.penalty, 2, axis=1)).all()
    assert banded_ridge({"one": one, "two": two}, neurons, n_samples=20).neurons["r2"].isna().sum() == 3


@pytest.mark.parametrize(
    ("features", "options", "message"),
    [
        ({}, {}, "there are no features; give a mapping"),
        ({"a": np.ones((30, 2))}, {}, "no unit of 'a' varies over the 24 training stimuli"),
        ({"a": np.full((30, 2), np.nan)}, {}, "'a': features: "),
        ({"a": np.zeros((20, 2))}, {}, "the features 'a' have 20 rows, responses 30"),
        ({"a": np.eye(30)}, {"choose": "luck"}, "choose is 'luck'; it must be one of 'leave-one-out'"),
        ({"a": np.eye(30)}, {"n_scalings": 0}, "n_scalings is 0"),
        ({"a": np.eye(30)}, {"reduce_to": 0}, "reduce_to is 0"),
        ({"a": np.eye(30)}, {"memory_gib": 1e-6}, "needs about"),
    ],
)
def test_impossible_input_is_refused(features, options, message):
    with pytest.raises(InputError, match=message):
        banded_predictions(features, np.random.default_rng(0).normal(size=(30, 4)), **options)


def test_a_band_called_all_and_no_controls_are_refused():
    y = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(InputError, match="a band is called 'all'"):
        banded_ridge({"all": y}, y)
    with pytest.raises(InputError, match="there are no controls"):
        unique_variance(y, {}, y)
