"""Models and animals predict each other: planted truth, and by hand."""

import numpy as np
import pytest
import xarray as xr

from normenc.encoding import against_animals, between_animals, cross_validated_predictions, predictivity
from normenc.encoding.banded import banded_predictions
from normenc.encoding.directions import _some
from normenc.encoding.ridge import ridge_predictions
from normenc.encoding.weights import ridge_weights
from normenc.errors import InputError

N, N_TRIALS, N_NEURONS = 80, 4, 12
NAMES = np.repeat(["ann", "bob", "cid", "dan"], N_NEURONS)
STIMULUS = np.repeat(np.arange(N), N_TRIALS)


@pytest.fixture(scope="module")
def world():
    """Four animals read one code of four dimensions, with noise as large as the signal."""
    rng = np.random.default_rng(0)
    both = rng.normal(size=(N, 16))
    both, _ = np.linalg.qr(both - both.mean(axis=0))
    code, unrelated = np.split(both * np.sqrt(N), [4], axis=1)  # uncorrelated, of variance 1
    signal = np.hstack([code @ rng.choice([-0.5, 0.5], size=(4, N_NEURONS)) for _ in range(4)])
    return code, unrelated, signal[STIMULUS] + rng.normal(size=(len(STIMULUS), len(NAMES)))


@pytest.fixture(scope="module")
def found(world):
    code, unrelated, trials = world
    turned, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))
    models = {"rotation": code @ turned, "more": np.hstack([code, unrelated]), "part": code[:, :2]}
    return against_animals(models, trials, NAMES, STIMULUS, n_samples=60)


def test_each_direction_tells_what_the_other_cannot(found):
    table = found.models.set_index(["model", "direction"])
    assert len(table) == 9 and found.factors == ("stimuli", "animals")
    told = (table["difference"] < 0) & (table["p_holm"] < 0.05)
    worse = {model: {d for d in ("to animals", "from animals") if told[model, d]} for model in found.models["model"]}
    assert worse == {"rotation": set(), "more": {"from animals"}, "part": {"to animals"}}
    # Of 16 units twelve have nothing to do with the animals; half of a neuron's variance is in half of the dimensions.
    assert table["similarity"]["more", "from animals"] == pytest.approx(0, abs=0.06)
    assert table["similarity"]["part", "to animals"] == pytest.approx(0.5, abs=0.06)
    assert table["similarity"]["rotation", "to animals"] == pytest.approx(1, abs=0.05)
    assert (table["low"] < table["difference"]).all() and (table["difference"] < table["high"]).all()
    one = table["similarity"].unstack()
    np.testing.assert_allclose(one["both"], (one["to animals"] + one["from animals"]) / 2)
    assert "3 models beside 4 animals by feve" in repr(found) and "direction" in found.summary()


@pytest.mark.parametrize("method", ["ridge", "pls"])
def test_by_hand(world, method):
    """The regression and the score are those that layers get, and those of animals with each other."""
    code, unrelated, trials = world
    layer, options = np.hstack([code, unrelated[:, :3]]), {"method": method, "n_folds": 3}
    found = against_animals({"m": layer}, trials, NAMES, STIMULUS, threshold=-1, n_samples=2, **options)
    pairs = between_animals(trials, NAMES, STIMULUS, threshold=-1, n_samples=0, **options).table[1:]
    assert found.between[0] == pytest.approx(pairs["feve"].mean(), abs=1e-5)
    averages = trials.reshape(N, N_TRIALS, -1).mean(axis=1)
    to, back = [], []
    for name in found.animals["animal"].unique():
        own = name == NAMES
        to.append(
            predictivity(
                cross_validated_predictions(layer, averages[:, own], **options),
                trials[:, own],
                STIMULUS,
                threshold=-1,
                n_samples=0,
            ).row()["feve"]
        )
        back.append(
            predictivity(cross_validated_predictions(averages[:, own], layer, **options), layer, n_samples=0).row()[
                "r2"
            ]
        )
    table = found.animals.set_index(["direction", "animal"])
    np.testing.assert_allclose(table.loc["to animals", "similarity"], to, atol=1e-5)
    np.testing.assert_allclose(table.loc["from animals", "similarity"], back, atol=1e-5)
    into, out = pairs.groupby("target")["feve"].mean(), pairs.groupby("source")["feve"].mean()
    np.testing.assert_allclose(table.loc["to animals", "between_animals"], into, atol=1e-5)
    np.testing.assert_allclose(table.loc["from animals", "between_animals"], out, atol=1e-5)
    np.testing.assert_allclose(table["difference"], table["similarity"] - table["between_animals"])


def test_the_noise_of_the_predicted_is_corrected_once(world):
    """A model that is what an animal encodes is at 1, and would be at r if the ceiling, the root of r, were squared."""
    code, _, trials = world
    found = {
        measure: against_animals({"m": code}, trials, NAMES, STIMULUS, measure=measure, n_samples=2).models[
            "similarity"
        ]
        for measure in ("r", "noise_corrected_r")
    }
    reliability = predictivity(np.zeros((N, len(NAMES))), trials, STIMULUS, n_samples=0).neurons["reliability"].median()
    assert 0.6 < reliability < 0.9
    assert found["r"][0] == pytest.approx(np.sqrt(reliability), abs=0.04)
    assert found["noise_corrected_r"][0] == pytest.approx(1, abs=0.03)
    assert abs(found["r"][0] / reliability - 1) > 0.06  # the planted error would be found
    assert found["noise_corrected_r"][1] == found["r"][1]  # a model has no noise


def test_without_repeated_trials_noise_is_not_corrected(world):
    code, _, trials = world
    averages = trials.reshape(N, N_TRIALS, -1).mean(axis=1)
    found = against_animals({"m": code}, averages, NAMES, n_samples=2, generalise_to=["animals"])
    assert found.method == "r2" and found.factors == ("animals",)
    with pytest.raises(InputError, match="'feve', which corrects for noise, but fewer than two stimuli have several"):
        against_animals({"m": code}, averages, NAMES, measure="feve")


def test_few_of_many_units_are_predicted(world):
    code, _, trials = world
    rng = np.random.default_rng(2)
    many = code @ rng.normal(size=(4, 600))
    found = against_animals({"m": many}, trials, NAMES, STIMULUS, n_samples=2)
    assert "not all units were predicted, but some drawn at random: 500 of 600 units of m." in found.notes[0]
    assert found.models["similarity"][1] == pytest.approx(found.between[0], abs=0.1)
    assert len(_some(600, 20_000, 0)) == 100 and np.array_equal(_some(7, 20_000, 0), np.arange(7))


@pytest.mark.parametrize(
    ("models", "options", "says"),
    [
        ({}, {}, "there are no models"),
        ({"m": np.ones((5, 3))}, {}, "the model 'm' has 5 stimuli, but the animals saw 80"),
        ({"m": np.full((N, 2), np.nan)}, {}, "the model 'm': features"),
        ({"m": np.eye(N)}, {"measure": "slope"}, "measure is 'slope'; it must be one of r, r2, feve"),
        ({"m": np.eye(N)}, {"threshold": 0.99}, "no neuron of the animal 'ann' is reliable"),
    ],
)
def test_what_cannot_be_compared_is_refused(world, models, options, says):
    with pytest.raises(InputError, match=says):
        against_animals(models, world[2], NAMES, STIMULUS, n_samples=2, **options)


@pytest.mark.parametrize(
    "predict",
    [
        lambda x, y: against_animals({"m": x}, y, NAMES, n_samples=2),
        lambda x, y: cross_validated_predictions(x, y),
        lambda x, y: banded_predictions({"m": x}, y),
        lambda x, y: ridge_predictions(x, y, x, [1.0]),
        lambda x, y: ridge_weights(x, y, [1.0]),
    ],
)
def test_features_and_responses_of_other_stimuli_are_refused(world, predict):
    places = {"coords": {"stimulus": [f"s{k}" for k in range(N)]}}
    x = xr.DataArray(world[0], dims=("stimulus", "unit"), **places)
    y = xr.DataArray(world[2][::N_TRIALS], dims=("stimulus", "neuron"), **places)
    with pytest.raises(InputError, match="hold their stimuli in different orders: position 0 is s79 in one and s0"):
        predict(x[::-1], y)
    with pytest.raises(InputError, match="hold different stimuli"):
        predict(x.assign_coords(stimulus=[f"t{k}" for k in range(N)]), y)


def test_neither_an_offset_nor_rounding_changes_what_is_found(world):
    code, _, trials = world
    averages = trials.reshape(N, N_TRIALS, -1).mean(axis=1)
    own = against_animals({"m": code}, averages, NAMES, n_samples=20).models
    for x, y in ((code + 1e8, averages), (code, averages + 1e8), (1 + 1e-7 * code, averages)):
        again = against_animals({"m": x}, y, NAMES, n_samples=20).models
        np.testing.assert_allclose(again.select_dtypes("number"), own.select_dtypes("number"), rtol=1e-4, atol=1e-5)
    turned, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))
    equal = np.hstack([code @ turned, code, code @ turned.T])
    models = against_animals({"m": code}, equal, np.repeat(list("abc"), 4), n_samples=20).models
    assert (models["difference"] == 0).all() and (models["p_holm"] == 1).all()
