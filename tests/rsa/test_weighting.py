import numpy as np
import pytest

from normenc.errors import InputError
from normenc.rsa import compare_rdms, rdm
from normenc.rsa.comparison import compare_vectors
from normenc.rsa.weighting import cross_validate_weighted, fit_weights


@pytest.fixture(scope="module")
def layers():
    rng = np.random.default_rng(0)
    return {name: rdm(rng.normal(size=(32, 10))) for name in ("one", "other", "stranger")}


@pytest.mark.parametrize("method", ["pearson", "cosine"])
def test_no_other_weights_are_better(method):
    rng = np.random.default_rng(1)
    x, y = rng.random((3, 45)), rng.random((2, 45))
    best = fit_weights(x, y, method)
    assert (best >= 0).all()
    top = compare_vectors(best @ x, y, method).mean()
    tried = rng.dirichlet(np.ones(3), 2000)
    assert compare_vectors(tried @ x, y, method).mean(axis=1).max() <= top + 1e-9


def test_a_planted_combination_is_found(layers):
    mixture = 0.7 * layers["one"] + 0.3 * layers["other"]
    found = cross_validate_weighted(layers, mixture)
    assert found.similarity == pytest.approx(1, abs=1e-6)
    shares = found.layers.set_index("layer")["weight"]
    assert shares.sum() == pytest.approx(1)
    assert shares["stranger"] == pytest.approx(0, abs=1e-6)
    assert shares["one"] / shares["other"] == pytest.approx(7 / 3, rel=0.15)  # by standard deviations, about alike
    assert np.isnan(found.ceiling).all()


def test_strangers_gain_nothing_by_fitting(layers):
    rng = np.random.default_rng(2)
    values = []
    for _ in range(40):
        strangers = {str(k): rdm(rng.normal(size=(24, 10))) for k in range(4)}
        values.append(cross_validate_weighted(strangers, rdm(rng.normal(size=(24, 10)))).similarity)
    assert np.mean(values) == pytest.approx(0, abs=0.03)


def test_animals_are_left_out_and_give_a_ceiling(layers):
    rng = np.random.default_rng(3)
    truth = layers["one"] + layers["other"]
    noise = rng.normal(size=(4, 32, 32))
    animals = truth + 0.2 * (noise + noise.transpose(0, 2, 1))
    found = cross_validate_weighted(layers, animals, n_folds=4)
    assert len(found.folds) == 16
    assert found.folds["animal_fold"].nunique() == 4
    assert found.similarity > found.layers["similarity"].max()
    lower, upper = found.ceiling
    assert lower < upper
    sessions = cross_validate_weighted(layers, animals, subject=["a", "a", "b", "b"], n_folds=4)
    assert len(sessions.folds) == 8


def test_folds_of_stimuli_in_order_are_arcs(layers):
    one, two = (cross_validate_weighted(layers, layers["one"], ordered=True, seed=seed) for seed in (0, 1))
    assert one.layers.equals(two.layers)  # nothing is random
    inside = np.arange(8, 16)
    expected = compare_rdms(layers["other"][np.ix_(inside, inside)], layers["one"][np.ix_(inside, inside)])
    alone = cross_validate_weighted({"other": layers["other"]}, layers["one"], ordered=True)
    assert alone.folds["similarity"][1] == pytest.approx(expected)


def test_bad_input_is_named(layers):
    with pytest.raises(InputError, match="n_folds is 9 for 32 stimuli"):
        cross_validate_weighted(layers, layers["one"], n_folds=9)
    with pytest.raises(InputError, match="the layer 'one' has 32 stimuli, but the data have 10"):
        cross_validate_weighted(layers, layers["one"][:10, :10])
    with pytest.raises(InputError, match="no layers to weigh"):
        cross_validate_weighted({}, layers["one"])
