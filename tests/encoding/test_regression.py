"""Cross-validated regression: what was planted is recovered, and nothing is known of a fold that is predicted."""

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from normenc import controls, representations, stimuli
from normenc.encoding import cross_validated_predictions, predictivity, stimulus_folds
from normenc.encoding.regression import PENALTIES
from normenc.errors import InputError
from normenc.recordings.simulation import simulated_from_layer

ORIENTATION = np.arange(-90, 91.0)


@pytest.fixture(scope="module")
def layers():
    shown = stimuli.gratings(ORIENTATION)
    encoders = (controls.gabor_energy, controls.fourier_amplitude, controls.pixels)
    return {encoder.__name__: next(iter(representations.represent(encoder, shown).values())) for encoder in encoders}


def readouts(layer, n_repeats, seed=0):
    made = simulated_from_layer(
        layer, ORIENTATION, n_neurons=100, explainable_variance=0.5, n_repeats=n_repeats, seed=seed
    )
    return made.recording


def feve(layer, recording, **options):
    found = cross_validated_predictions(layer, recording.responses, stimulus=ORIENTATION % 180, **options)
    return predictivity(found, recording.trials, n_samples=0).medians.loc["feve", "median"]


def random_layer(n_stimuli=60, n_units=12, n_neurons=20, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_stimuli, n_units))
    responses = features @ rng.normal(size=(n_units, n_neurons)) + noise * rng.normal(size=(n_stimuli, n_neurons))
    return features, responses


def test_linear_readouts_of_a_layer_are_recovered(layers):
    assert feve(layers["gabor_energy"], readouts(layers["gabor_energy"], 50)) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("blocks", [1, 4])
@pytest.mark.parametrize("true", ["gabor_energy", "fourier_amplitude", "pixels"])
def test_the_layer_that_neurons_read_wins_where_arcs_are_left_out(layers, true, blocks):
    recording = readouts(layers[true], 20)
    found = {name: feve(layer, recording, ordered=True, blocks_per_fold=blocks) for name, layer in layers.items()}
    assert max(found, key=found.get) == true


@pytest.mark.parametrize("shuffled", ["stimuli", "neurons"])
def test_shuffled_stimuli_or_neurons_are_not_predicted(layers, shuffled):
    trials = readouts(layers["gabor_energy"], 10).trials
    rng = np.random.default_rng(5)
    by_stimulus = np.stack([trials.values[trials["stimulus_index"].values == row] for row in range(181)])
    if shuffled == "stimuli":
        by_stimulus = rng.permutation(by_stimulus)
    else:  # each neuron's own
        by_stimulus = np.stack([by_stimulus[rng.permutation(181), :, neuron] for neuron in range(100)], axis=-1)
    found = cross_validated_predictions(layers["gabor_energy"], by_stimulus.mean(axis=1))
    result = predictivity(found, by_stimulus.reshape(-1, 100), np.repeat(np.arange(181), 10), n_samples=0)
    assert result.n_reliable == 100
    assert result.medians.loc["feve", "median"] == pytest.approx(0, abs=0.03)
    assert result.medians.loc["r", "median"] == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("scale", [False, True])
def test_every_fold_is_scikit_learns_ridge_on_the_other_stimuli(scale):
    features, responses = random_layer(n_units=90)
    grid = np.logspace(-1, 3, 9)
    found = cross_validated_predictions(features, responses, penalties=grid, relative=False, scale=scale, seed=4)
    for number, test in enumerate(stimulus_folds(60, 5, seed=4)):
        train = np.setdiff1d(np.arange(60), test)
        scaler = StandardScaler(with_std=scale).fit(features[train])
        theirs = RidgeCV(grid, alpha_per_target=True).fit(scaler.transform(features[train]), responses[train])
        predicted = theirs.predict(scaler.transform(features[test]))
        np.testing.assert_allclose(found.predicted[test], predicted, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(found.penalty[number], theirs.alpha_)
        np.testing.assert_array_equal(np.flatnonzero(found.fold == number), test)


def test_a_relative_penalty_is_a_multiple_of_the_mean_eigenvalue_and_so_of_no_scale():
    features, responses = random_layer(n_units=90)
    (test, *_) = stimulus_folds(60, 5)
    train = np.setdiff1d(np.arange(60), test)
    centred = features[train] - features[train].mean(axis=0)
    theirs = Ridge(0.3 * np.square(centred).sum() / 47).fit(features[train], responses[train])  # of rank 47
    for factor in (1, 1000):
        found = cross_validated_predictions(factor * features, responses, penalties=[0.3])
        np.testing.assert_allclose(found.predicted[test], theirs.predict(features[test]))


def test_components_are_those_of_the_training_stimuli():
    features, responses = random_layer(n_units=90)
    found = cross_validated_predictions(features, responses, penalties=[2.0], relative=False, reduce_to=7)
    for test in stimulus_folds(60, 5):
        train = np.setdiff1d(np.arange(60), test)
        theirs = make_pipeline(PCA(7, svd_solver="full"), Ridge(2.0)).fit(features[train], responses[train])
        np.testing.assert_allclose(found.predicted[test], theirs.predict(features[test]))


@pytest.mark.parametrize(("n_units", "reduce_to"), [(12, None), (90, None), (90, 20)])
@pytest.mark.parametrize("n_neurons", [5, 200])
def test_partial_least_squares_is_scikit_learns(n_units, reduce_to, n_neurons):
    features, responses = random_layer(n_units=n_units, n_neurons=n_neurons)
    found = cross_validated_predictions(features, responses, method="pls", n_components=4, reduce_to=reduce_to)
    assert found.penalty is None
    assert found.warnings == ()
    for test in stimulus_folds(60, 5):
        train = np.setdiff1d(np.arange(60), test)
        pls = PLSRegression(4, scale=False, tol=1e-24, max_iter=20_000)
        model = make_pipeline(PCA(reduce_to, svd_solver="full"), pls) if reduce_to else pls
        theirs = model.fit(features[train], responses[train]).predict(features[test])
        np.testing.assert_allclose(found.predicted[test], theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", [{}, {"choose": "folds"}, {"ordered": True}, {"method": "pls", "reduce_to": 9}])
def test_predictions_of_a_fold_know_nothing_of_its_responses(options):
    features, responses = random_layer(n_units=90)
    found = cross_validated_predictions(features, responses, scale=True, **options)
    changed = np.where(
        (found.fold == 2)[:, None], 1e3 * np.random.default_rng(1).normal(size=responses.shape), responses
    )
    again = cross_validated_predictions(features, changed, scale=True, **options)
    np.testing.assert_array_equal(found.predicted[found.fold == 2], again.predicted[found.fold == 2])


def test_twins_of_a_stimulus_neither_leak_nor_ask_for_too_small_a_penalty():
    features, _ = random_layer(n_stimuli=40, n_units=200)
    twice, labels = np.tile(features, (2, 1)), np.tile(np.arange(40), 2)
    noise = np.random.default_rng(3).normal(size=(80, 20))  # nothing to be predicted, but by the twin
    noise[40:] = noise[:40]
    found = cross_validated_predictions(twice, noise, stimulus=labels)
    assert (found.fold[:40] == found.fold[40:]).all()
    own = 1 - np.square(noise - found.predicted).sum(axis=0) / np.square(noise - noise.mean(axis=0)).sum(axis=0)
    assert np.median(own) > -0.1
    leaking = cross_validated_predictions(twice, noise, stimulus=labels, choose="leave-one-out")
    assert np.median(leaking.penalty) == PENALTIES[0]
    assert np.median(found.penalty) > 1


def test_penalties_at_the_edge_of_their_grid_are_told_of():
    features, responses = random_layer(n_stimuli=200, n_units=90, n_neurons=50, noise=10)
    fine = cross_validated_predictions(features, responses)
    assert fine.warnings == ()
    assert fine.at_lowest.max() == fine.at_highest.max() == 0
    high = cross_validated_predictions(features, responses, penalties=[1e3, 1e4])
    assert (high.at_lowest == 1).all()
    assert high.warnings[0].startswith("100.0% of the neurons' penalties lie at the lower edge of the grid, 1000;")
    noise = np.random.default_rng(0).normal(size=(200, 50))
    unpredicted = cross_validated_predictions(features, noise)
    share = unpredicted.at_highest.mean()
    assert 0.2 < share < 1
    assert unpredicted.warnings[-1].startswith(f"{share:.1%} of the neurons' penalties lie at the upper edge")


def test_neurons_that_do_not_vary_are_told_of():
    features, responses = random_layer()
    responses[:, 3] = 7
    found = cross_validated_predictions(features, responses)
    assert found.warnings[0].startswith("1 neurons do not vary")
    assert np.isnan(found.penalty[:, 3]).all()
    np.testing.assert_allclose(found.predicted[:, 3], 7)


def test_features_come_as_any_array_and_from_a_file(tmp_path):
    features, responses = random_layer(n_units=90)
    kept = np.memmap(tmp_path / "layer", np.float16, "w+", shape=features.shape)
    kept[:] = features
    rounded = np.asarray(kept, dtype=np.float64)
    expected = cross_validated_predictions(rounded, responses).predicted
    for given in (kept, torch.from_numpy(rounded).half(), xr.DataArray(rounded, dims=("stimulus", "unit"))):
        np.testing.assert_allclose(cross_validated_predictions(given, responses).predicted, expected)


def test_the_same_seed_gives_the_same_and_another_deals_other_folds():
    features, responses = random_layer()
    one, same, other = (cross_validated_predictions(features, responses, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.predicted, same.predicted)
    assert not np.array_equal(one.fold, other.fold)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_folds": 61}, "60 different stimuli for 61 folds"),
        ({"features": np.zeros((59, 3))}, "features have 59 rows, responses 60"),
        ({"features": np.zeros((60, 3))}, "no unit varies over the 48 training stimuli"),
        ({"features": np.full((60, 3), np.nan)}, "features: responses to stimulus 0 are not finite"),
        ({"features": np.full((60, 3), "a")}, "features has type <U1"),
        ({"responses": np.full((60, 3), np.nan)}, "responses to stimulus 0 are not finite"),
        ({"method": "lasso"}, "method is 'lasso'; it must be one of ridge, pls"),
        ({"choose": "gcv"}, "choose is 'gcv'"),
        ({"reduce_to": 0}, "reduce_to is 0; it must be at least 1"),
        ({"penalties": [0.0]}, "all above 0, in increasing order"),
        ({"stimulus": np.zeros(59)}, "stimulus 59"),
        ({"stimulus": np.arange(60) // 2, "folds": [np.arange(31), np.arange(31, 60)]}, "15 is in folds 0 and 1"),
        ({"memory_gib": 1e-5}, "regression from 12 units with 48 training stimuli needs about .* GiB, more than"),
    ],
)
def test_bad_input_is_refused(changes, message):
    features, responses = random_layer()
    with pytest.raises(InputError, match=message):
        cross_validated_predictions(**({"features": features, "responses": responses} | changes))


def test_layers_that_are_not_in_memory_and_would_not_fit_are_refused_by_their_size():
    import dask.array

    _, responses = random_layer()
    lazy = xr.DataArray(dask.array.zeros((60, 10**9)), dims=("stimulus", "unit"))
    with pytest.raises(InputError, match=r"would need 447.0 GiB, more than memory_gib=4; save them"):
        cross_validated_predictions(lazy, responses)


def test_features_of_any_array_and_none_that_hides_some():
    features, responses = np.random.default_rng(0).normal(size=(20, 4)), np.random.default_rng(1).normal(size=(20, 3))
    halved = torch.from_numpy(features).bfloat16()
    expected = cross_validated_predictions(halved.double().numpy(), responses).predicted
    found = cross_validated_predictions(halved, responses).predicted
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="1 of 80 values of features are masked"):
        cross_validated_predictions(np.ma.masked_equal(features, features[3, 2]), responses)
