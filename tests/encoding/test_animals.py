"""How well one animal predicts another, on planted truth."""

import numpy as np
import pytest

from normenc.encoding import between_animals, cross_validated_predictions, predictivity
from normenc.errors import InputError

NAMES = np.repeat(["ann", "bob", "cid"], 25)


@pytest.fixture(scope="module")
def world():
    """Ann and Bob read one latent layer, Cid another; four trials with noise, of explainable variance 0.5."""
    rng = np.random.default_rng(0)
    latent, other = rng.normal(size=(2, 160, 5))
    read = [source @ rng.normal(size=(5, 25)) / np.sqrt(5) for source in (latent, latent, other)]
    stimulus = np.repeat(np.arange(160), 4)
    return np.hstack(read)[stimulus] + rng.normal(size=(640, 75)), stimulus


def test_animals_that_read_the_same_layer_predict_each_other(world):
    trials, stimulus = world
    found = between_animals(trials, NAMES, stimulus, n_samples=50)
    feve = found.table.set_index(["target", "source"])["feve"]
    assert len(feve) == 7
    assert feve["ann", "bob"] > 0.85 and feve["bob", "ann"] > 0.85
    for pair in (("ann", "cid"), ("cid", "ann"), ("bob", "cid"), ("cid", "bob")):
        assert abs(feve[pair]) < 0.1
    assert found.table.loc[0, ["target", "source"]].tolist() == ["all animals", "all other animals"]
    assert found.table["n_source"].isna().tolist() == [True] + [False] * 6


def test_it_is_the_regression_that_layers_are_given(world):
    trials, stimulus = world
    averages = trials.reshape(160, 4, 75).mean(axis=1)
    found = between_animals(trials, NAMES, stimulus, n_samples=20, choose="generalised", n_folds=4)
    for target in ("ann", "bob", "cid"):
        own = target == NAMES
        layer = cross_validated_predictions(averages[:, ~own], averages[:, own], choose="generalised", n_folds=4)
        np.testing.assert_allclose(found.predicted[:, own], layer.predicted, atol=1e-9)
    scores = predictivity(found.predicted, trials, stimulus, fold=layer.fold, n_samples=0).row()
    assert found.table["feve"][0] == pytest.approx(scores["feve"])
    own = NAMES == "ann"
    layer = cross_validated_predictions(averages[:, NAMES == "bob"], averages[:, own], choose="generalised", n_folds=4)
    row = predictivity(layer, trials[:, own], stimulus, n_samples=0).row()
    of_pair = found.table.set_index(["target", "source"]).loc[("ann", "bob")]
    assert of_pair["noise_corrected_r"] == pytest.approx(row["noise_corrected_r"])


def test_one_animal_or_a_missing_label_is_refused(world):
    trials, stimulus = world
    with pytest.raises(InputError, match="all neurons are of the animal 'ann'"):
        between_animals(trials[:, :25], NAMES[:25], stimulus)
    with pytest.raises(InputError, match=r"animal has shape \(25,\); give the animal of each of the 75 neurons"):
        between_animals(trials, NAMES[:25], stimulus)
