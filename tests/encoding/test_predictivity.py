"""Measures of predictivity worked by hand, against peers, and without bias where the truth is planted."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import r2_score

from normenc import tuning
from normenc.encoding import cross_validated_predictions, predictivity
from normenc.encoding.scoring import MEASURES
from normenc.errors import InputError

HAND = np.array([0.0, 2.0, 3.0, 5.0, 8.0, 6.0])[:, None]  # averages 1, 4, 7, of variance 1 each
HAND_STIMULUS = np.array([0, 0, 1, 1, 2, 2])
HAND_PREDICTION = np.array([2.0, 4.0, 6.0])[:, None]


def planted(explained=0.5, n_stimuli=100, n_repeats=4, n_neurons=400, noise=1.5, seed=0):
    """Predictions that explain so much of a signal of variance 1, and single trials."""
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(2, n_stimuli, n_neurons))
    prediction = np.sqrt(explained) * parts[0]
    signal = prediction + np.sqrt(1 - explained) * parts[1]
    stimulus = np.repeat(np.arange(n_stimuli), n_repeats)
    return prediction, signal[stimulus] + noise * rng.normal(size=(len(stimulus), n_neurons)), stimulus


def measures(*given, **options):
    return predictivity(*given, n_samples=0, **options).neurons


def test_three_stimuli_by_hand():
    # Errors 1, 0, 1; squares around the mean 18; noise 1 + 1 + 1, of which 2 / 3 are in the squares around the mean.
    (found,) = measures(HAND_PREDICTION, HAND, HAND_STIMULUS).to_dict("records")
    assert found["r"] == pytest.approx(1)
    assert found["r2"] == pytest.approx(1 - 2 / 18)
    assert found["feve"] == pytest.approx(1 - (2 - 3) / (18 - 2))  # above 1: by chance, errors are less than noise
    assert found["noise_corrected_r"] == pytest.approx(12 / np.sqrt(8 * 16))
    assert found["reliability"] == pytest.approx(1 - 1 / 9)
    assert found["explainable_variance"] == pytest.approx(8 / (8 + 2))
    assert found["reason"] == ""


def test_unequal_trials_by_hand():
    # Averages 1, 4, 8; variances 2 of two trials, 3 of three, and their mean 2.5 for the single one.
    trials, stimulus = np.array([0.0, 2.0, 2.0, 4.0, 6.0, 8.0])[:, None], [0, 0, 1, 1, 1, 2]
    (found,) = measures(HAND_PREDICTION, trials, np.array(stimulus)).to_dict("records")
    noise = 2 / 2 + 4 / 3 + (2 + 4) / 2
    around = np.square(np.array([1, 4, 8]) - 13 / 3).sum()
    assert found["feve"] == pytest.approx(1 - ((1 + 0 + 4) - noise) / (around - 2 / 3 * noise))
    assert found["reliability"] == pytest.approx(1 - (noise / 3) / (around / 2))


def test_folds_by_hand():
    # Folds 0, 1, 1: the first starts from the mean 5.5 of the others, these from 1.
    (found,) = measures(HAND_PREDICTION, HAND, HAND_STIMULUS, fold=[0, 1, 1]).to_dict("records")
    squares = 4.5**2 + 3**2 + 6**2
    assert found["r2"] == pytest.approx(1 - 2 / squares)
    assert found["feve"] == pytest.approx(1 - (2 - 3) / (squares - 3))
    assert found["r"] == pytest.approx(stats.pearsonr([-4.5, 3, 6], [-3.5, 3, 5]).statistic)
    to_deviations = (np.eye(3) - 1 / 3) @ np.array([[1, -0.5, -0.5], [-1, 1, 0], [-1, 0, 1]])
    x, q = to_deviations @ [1, 4, 7], np.array([-3.5, 3, 5]) - 4.5 / 3
    signal = np.square(x).sum() - np.square(to_deviations).sum()  # each average's noise has variance 1
    assert found["noise_corrected_r"] == pytest.approx(x @ q / np.sqrt(signal * (q @ q)))


def test_without_folds_r_and_r2_are_scipys_and_scikit_learns():
    prediction, trials, stimulus = planted(n_neurons=5)
    averages = trials.reshape(100, 4, 5).mean(axis=1)
    found = measures(prediction, averages)
    np.testing.assert_allclose(found["r"], stats.pearsonr(prediction, averages).statistic)
    np.testing.assert_allclose(found["r2"], r2_score(averages, prediction, multioutput="raw_values"))
    np.testing.assert_allclose(measures(prediction, trials, stimulus)["r2"], found["r2"])


def test_feve_of_as_many_trials_each_is_that_of_single_trials():
    """Cadena et al. 2019: 1 - (mean squared error - noise) / (variance - noise), all of single trials."""
    prediction, trials, stimulus = planted(n_stimuli=400, n_neurons=20)
    noise = trials.reshape(400, 4, 20).var(axis=1, ddof=1).mean(axis=0)
    error = np.square(trials - prediction[stimulus]).mean(axis=0)
    expected = 1 - (error - noise) / (trials.var(axis=0) - noise)
    np.testing.assert_allclose(measures(prediction, trials, stimulus)["feve"], expected, atol=0.005)


@pytest.mark.parametrize("explained", [0.01, 0.5, 1.0])
@pytest.mark.parametrize("folds", [False, True])
def test_medians_have_no_bias(explained, folds):
    prediction, trials, stimulus = planted(explained)  # noise of the averages: 0.56 of the signal's variance
    fold = np.random.default_rng(1).permutation(np.arange(100) % 5) if folds else None
    if folds:  # an intercept fitted to the other folds: there the mean prediction is the mean response
        others = fold[:, None] != fold
        residual = trials.reshape(100, 4, -1).mean(axis=1) - prediction
        prediction = prediction + others @ residual / others.sum(axis=1, keepdims=True)
    found = predictivity(prediction, trials, stimulus, fold=fold, n_samples=0, threshold=-1).medians["median"]
    assert found["feve"] == pytest.approx(explained, abs=0.02)
    assert found["noise_corrected_r"] == pytest.approx(np.sqrt(explained), abs=0.02)


def test_unequal_trials_of_counts_have_no_bias():
    rng = np.random.default_rng(0)
    rate = rng.gamma(2.0, 2.0, (150, 400))
    other = rng.permutation(rate)
    stimulus = np.repeat(np.arange(150), np.tile([2, 3, 10], 50))
    counts = rng.poisson(rate[stimulus])
    found = predictivity(rate, counts, stimulus, n_samples=0).medians["median"]
    assert found["feve"] == pytest.approx(1, abs=0.02)
    assert found["noise_corrected_r"] == pytest.approx(1, abs=0.02)
    half = predictivity((rate + other) / 2, counts, stimulus, n_samples=0).medians["median"]
    assert half["feve"] == pytest.approx(0.5, abs=0.02)  # errors of half the signal's variance


def test_reliability_is_that_of_split_halves_and_explainable_variance_that_of_tuning():
    _, trials, stimulus = planted(n_stimuli=300, n_neurons=200)
    found = measures(np.ones((300, 1)) * np.arange(200), trials, stimulus)
    split = tuning.split_half_reliability(trials, stimulus, n_splits=50)
    assert found["reliability"].mean() == pytest.approx(split.mean(), abs=0.01)
    assert found["reliability"].mean() == pytest.approx(1 / (1 + 1.5**2 / 4), abs=0.01)
    np.testing.assert_allclose(found["explainable_variance"], tuning.explainable_variance(trials, stimulus))


def test_one_trial_a_stimulus_says_nothing_of_noise():
    prediction, trials, _ = planted(n_repeats=1, n_neurons=3)
    found = predictivity(prediction, trials, n_samples=50)
    assert found.neurons[["feve", "noise_corrected_r", "reliability", "explainable_variance"]].isna().all(axis=None)
    assert (found.neurons["reason"] == "one trial a stimulus").all()
    assert (found.n_reliable, found.n_unreliable, found.n_unknown) == (0, 0, 3)
    assert found.medians["n_neurons"].tolist() == [3, 3, 0, 0]
    assert found.medians.loc["r", "median"] == np.median(found.neurons["r"])


def test_what_is_undefined_is_nan_and_says_why():
    prediction, trials, stimulus = planted(1.0, n_neurons=4)
    trials[:, 0] = 0.3
    prediction[:, 1] = 0.1
    trials[:, 2] = np.random.default_rng(2).permutation(np.tile([-1.0, 1, -1, 1], 100)).reshape(-1)
    trials[:, 2] += np.tile([3.0, -1, -1, -1], 100)  # no signal, and averages alike: less variance than noise makes
    found = predictivity(prediction, trials, stimulus, n_samples=50)
    reasons = ["constant neuron", "constant prediction", "no explainable variance", ""]
    assert found.neurons["reason"].tolist() == reasons
    missing = found.neurons[list(MEASURES)].isna().to_numpy().tolist()
    assert missing == [[True] * 4, [True, False, False, True], [False, False, True, True], [False] * 4]
    assert found.neurons["reliable"].tolist() == [False, True, False, True]
    assert found.medians["n_neurons"].tolist() == [1, 2, 2, 1]


def test_unreliable_neurons_stand_apart():
    prediction, trials, stimulus = planted(1.0, n_neurons=60, noise=1.0)
    trials[:, 40:] = np.random.default_rng(4).normal(size=(400, 20))
    found = predictivity(prediction, trials, stimulus, n_samples=100)
    assert (found.n_reliable, found.n_unreliable, found.n_unknown) == (40, 20, 0)
    assert found.medians.loc["r", "median"] == pytest.approx(np.sqrt(0.8), abs=0.02)
    assert found.median_r_unreliable == pytest.approx(0, abs=0.05)
    row = found.row(layer="fc")
    assert row["layer"] == "fc"
    assert row["feve_low"] < row["feve"] < row["feve_high"]
    assert (row["n_reliable"], row["r_unreliable"]) == (40, found.median_r_unreliable)
    assert pd.DataFrame([row, row]).shape == (2, len(row))


@pytest.mark.parametrize(("n_stimuli", "n_neurons"), [(50, 40), (80, 200)])
def test_intervals_of_medians_cover_the_truth(n_stimuli, n_neurons):
    """Neurons differ in how much is explained, and share stimuli some of which are predicted better than others."""

    def experiment(rng, n_stimuli, n_neurons):
        features = rng.normal(size=(n_stimuli, 6))
        weights = rng.normal(size=(6, n_neurons))
        weights /= np.linalg.norm(weights, axis=0)
        stimulus = np.repeat(np.arange(n_stimuli), 4)
        trials = (features @ weights)[stimulus] + rng.normal(size=(4 * n_stimuli, n_neurons))
        return features[:, :4] @ weights[:4], trials, stimulus, np.square(weights[:4]).sum(axis=0)

    rng = np.random.default_rng(0)
    truth = np.median(experiment(rng, 2, 100_000)[3])
    covered, of_neurons = [], []
    for seed in range(100):
        prediction, trials, stimulus, explained = experiment(rng, n_stimuli, n_neurons)
        found = predictivity(prediction, trials, stimulus, n_samples=100, seed=seed, threshold=-1)
        covered.append(found.medians.loc["feve", "low"] < truth < found.medians.loc["feve", "high"])
        of_neurons.append(np.mean((found.neurons["feve_low"] < explained) & (found.neurons["feve_high"] > explained)))
    assert 0.89 <= np.mean(covered) <= 1
    assert 0.88 <= np.mean(of_neurons) <= 0.97


def test_the_mean_of_the_training_stimuli_explains_nothing_whatever_the_folds():
    angle = np.deg2rad(np.arange(0, 360, 3.0))[:, None]
    tuned = np.cos(angle - np.linspace(0, 6, 30))
    noise = np.random.default_rng(0).normal(size=(120, 5))  # features that have to do with nothing
    found = cross_validated_predictions(noise, tuned, ordered=True, penalties=[1e9])
    assert np.abs(measures(found, tuned)["r2"]).max() < 1e-6
    assert measures(found.predicted, tuned)["r2"].median() < -0.3  # against the mean of all, which was not known


def test_neighbours_in_order_are_drawn_together():
    """Errors that last over neighbours are fewer than their number: intervals are wider than of errors that do not."""
    rng = np.random.default_rng(0)
    angle = np.arange(120) * np.pi / 60
    prediction = np.cos(angle[:, None] - np.linspace(0, 6, 40))
    smooth = sum(np.cos(k * angle)[:, None] * rng.normal(size=40) for k in (2, 3))
    widths = {}
    for ordered in (False, True):
        found = predictivity(prediction, prediction + smooth, ordered=ordered, n_samples=400).neurons
        widths[ordered] = (found["r_high"] - found["r_low"]).median()
    assert widths[True] > 1.3 * widths[False]


def test_predictions_bring_their_folds_and_recordings_their_trials():
    import xarray as xr

    rng = np.random.default_rng(0)
    prediction, trials, stimulus = planted(n_neurons=6)
    found = cross_validated_predictions(rng.normal(size=(100, 4)), prediction, ordered=True)
    labelled = xr.DataArray(trials, dims=("trial", "neuron"), coords={"stimulus_index": ("trial", stimulus)})
    one = predictivity(found, labelled, n_samples=20)
    other = predictivity(found.predicted, trials, stimulus, fold=found.fold, ordered=True, n_samples=20)
    pd.testing.assert_frame_equal(one.neurons, other.neurons)
    pd.testing.assert_frame_equal(one.medians, other.medians)
    assert one.n_trials == (4, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"responses": np.zeros((7, 1)), "stimulus": None}, "responses have 7 rows and prediction 3; give averages"),
        ({"stimulus": HAND_STIMULUS[1:]}, r"stimulus has shape \(5,\)"),
        ({"stimulus": HAND_STIMULUS / 2}, "a whole number"),
        ({"stimulus": np.array([0, 0, 1, 1, 1, 1])}, "every row needs a trial"),
        ({"stimulus": HAND_STIMULUS + 1}, "runs from 1 to 3"),
        ({"responses": np.zeros((6, 2))}, "prediction has 1 neurons, responses 2"),
        ({"responses": np.full((6, 1), np.nan)}, "are not finite"),
        ({"prediction": np.zeros((2, 1)), "stimulus": HAND_STIMULUS // 2}, "needs at least 3"),
        ({"fold": [0, 0, 0]}, "1 different values for 3 stimuli"),
        ({"n_samples": -1}, "n_samples is -1"),
    ],
)
def test_bad_input_is_refused(changes, message):
    given = {"prediction": HAND_PREDICTION, "responses": HAND, "stimulus": HAND_STIMULUS} | changes
    with pytest.raises(InputError, match=message):
        predictivity(given.pop("prediction"), given.pop("responses"), given.pop("stimulus"), **given)
