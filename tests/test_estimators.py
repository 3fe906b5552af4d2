"""The estimators do what the functions do, and are scikit-learn's."""

import numpy as np
import pytest
import xarray as xr
from sklearn.base import clone
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from normenc import encoding, quality, recordings, rsa
from normenc.encoding.ridge import ridge_predictions
from normenc.encoding.weights import ridge_weights
from normenc.errors import InputError
from normenc.estimators import RSA, LayerRegression


@parametrize_with_checks([LayerRegression(), LayerRegression(scale=True, reduce_to=9, cv=3)])
def test_scikit_learn_takes_it_for_its_own(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def layer():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 9)) * np.geomspace(1, 20, 9)
    return x, x @ rng.normal(size=(9, 4)) + rng.normal(size=(60, 4)) * [1, 5, 20, 80] + 3


class TestLayerRegression:
    def test_leaves_out_one_as_ridge_cv_does(self, layer):
        x, y = layer
        grid = np.logspace(-3, 5, 9)
        own = LayerRegression(grid, relative=False).fit(x, y)
        theirs = RidgeCV(grid, alpha_per_target=True).fit(x, y)
        np.testing.assert_array_equal(own.penalty_, theirs.alpha_)
        assert len(set(own.penalty_)) > 1
        np.testing.assert_allclose(own.coef_, theirs.coef_, rtol=1e-8)
        np.testing.assert_allclose(own.intercept_, theirs.intercept_, rtol=1e-8)
        assert own.score(x, y) == pytest.approx(theirs.score(x, y))

    def test_scaled_units_are_those_of_a_pipeline(self, layer):
        x, y = layer
        own = LayerRegression([7.0], relative=False, scale=True).fit(x, y)
        theirs = make_pipeline(StandardScaler(), Ridge(7.0)).fit(x, y)
        np.testing.assert_allclose(own.predict(x), theirs.predict(x), rtol=1e-8)

    @pytest.mark.parametrize("n_units", [9, 300])  # fewer, and more, than there are stimuli
    @pytest.mark.parametrize("options", [{}, {"scale": True}])
    def test_predicts_as_the_function_does(self, n_units, options):
        rng = np.random.default_rng(2)
        x, new, y = rng.normal(size=(40, n_units)), rng.normal(size=(10, n_units)), rng.normal(size=(40, 3))
        x[:, 1] = new[:, 1] = 4  # a unit that does not vary
        own = LayerRegression(np.logspace(0, 3, 4), relative=False, cv=KFold(4), **options).fit(x, y)
        folds = [test for _, test in KFold(4).split(x)]
        theirs = ridge_predictions(x, y, new, np.logspace(0, 3, 4), inner=folds, **options)
        np.testing.assert_allclose(own.predict(new), theirs.predicted, rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(own.penalty_, theirs.penalty)

    def test_cross_validated_it_gives_the_functions_predictions(self, layer):
        x, y = layer
        folds = [test for _, test in KFold(5).split(x)]
        theirs = encoding.cross_validated_predictions(x, y, folds=folds, reduce_to=6, choose="leave-one-out")
        own = cross_val_predict(LayerRegression(reduce_to=6), x, y, cv=KFold(5))
        np.testing.assert_allclose(own, theirs.predicted, rtol=1e-7)

    def test_takes_labelled_layers_and_single_neurons(self, layer):
        x, y = layer
        labelled = xr.DataArray(x, dims=("stimulus", "unit"))
        one = LayerRegression().fit(labelled, y[:, 0])
        assert one.predict(labelled).shape == (60,) and one.coef_.shape == (9,)
        np.testing.assert_allclose(one.predict(x), LayerRegression().fit(x, y).predict(x)[:, 0], rtol=1e-8)

    def test_can_be_searched_and_cloned(self, layer):
        search = GridSearchCV(LayerRegression(), {"scale": [False, True], "reduce_to": [2, None]}, cv=3).fit(*layer)
        assert search.best_params_["reduce_to"] is None
        assert clone(LayerRegression([1.0], cv=4)).set_params(scale=True).get_params() == {
            **{"penalties": [1.0], "relative": True, "scale": True, "reduce_to": None, "cv": 4}
        }

    def test_a_neuron_that_does_not_vary_is_its_mean(self, layer):
        x, y = layer
        found = LayerRegression().fit(x, np.c_[y[:, 0], np.full(60, 0.1)])
        assert np.isnan(found.penalty_[1]) and not found.coef_[1].any()
        np.testing.assert_allclose(found.predict(x)[:, 1], 0.1)

    @pytest.mark.parametrize(
        ("x", "options", "said"),
        [
            (np.ones((6, 2)), {}, "no unit varies over the 6 stimuli"),
            (np.eye(6), {"penalties": [0.0]}, "give at least one, all above 0, in increasing order"),
            (np.eye(6), {"penalties": [2.0, 1.0]}, "give at least one, all above 0, in increasing order"),
            (np.eye(6), {"reduce_to": 0}, "reduce_to is 0; it must be a whole number of at least 1"),
        ],
    )
    def test_what_cannot_be_used_is_refused(self, x, options, said):
        with pytest.raises(InputError, match=said):
            LayerRegression(**options).fit(x, np.arange(6.0))

    def test_the_function_refuses_other_lengths(self):
        with pytest.raises(InputError, match="features have 4 rows and responses 3"):
            ridge_weights(np.eye(4), np.eye(3), [1.0])


@pytest.fixture(scope="module")
def v1():
    return recordings.load("simulated-v1", n_neurons=60, bin_width=10)


@pytest.fixture(scope="module")
def models(v1):
    angles = np.radians(2 * v1.orientation)
    wide = np.exp(np.cos(angles[:, None] - np.linspace(0, 2 * np.pi, 12)))
    return {"wide": wide, "narrow": wide**4}


class TestRSA:
    def test_finds_what_the_function_finds(self, v1, models):
        options = {"n_samples": 30, "n_permutations": 50, "seed": 3}
        own = RSA("spearman", "euclidean", **options).fit(models, v1)
        rdms = {name: rsa.rdm(values, metric="euclidean") for name, values in models.items()}
        found = rsa.infer(
            rdms,
            **quality.rdms_for_inference(v1, "euclidean"),
            method="spearman",
            rdm_metric="euclidean",
            ordered=True,
            positions=v1.around_circle,
            **options,
        )
        assert own.inference_.models.equals(found.models) and own.inference_.pairs.equals(found.pairs)
        assert own.similarity_.to_dict() == dict(zip(found.models["model"], found.models["similarity"], strict=True))

    def test_rdms_may_be_given(self, v1, models):
        options = {"n_samples": 10, "n_permutations": 20}
        rdms = {name: rsa.rdm(values) for name, values in models.items()}
        ready = RSA(metric="precomputed", **options).fit(rdms, v1)
        assert ready.similarity_.equals(RSA(**options).fit(models, v1).similarity_)

    def test_seeds_stand_first(self, v1, models):
        found = RSA(n_samples=10, n_permutations=20).fit({"both": np.stack(list(models.values()))}, v1)
        each = RSA(n_samples=10, n_permutations=20).fit(models, v1)
        assert found.similarity_["both"] == pytest.approx(each.similarity_.mean())

    def test_is_cloned_and_shown(self):
        wanted = RSA("cosine", n_samples=7)
        assert clone(wanted).get_params() == wanted.get_params()
        assert repr(clone(wanted).set_params(metric="euclidean")).startswith("RSA(measure='cosine', metric='euclidean'")

    def test_other_stimuli_are_refused(self, v1, models):
        labelled = xr.DataArray(models["wide"], {"orientation": ("stimulus", v1.orientation)}, ("stimulus", "unit"))
        RSA(n_samples=5, n_permutations=9).fit({"wide": labelled}, v1)
        with pytest.raises(InputError, match="the model 'wide'"):
            RSA().fit({"wide": labelled[::-1]}, v1)
        with pytest.raises(InputError, match=r"has 17 stimuli, but .* has 18; give one row per"):
            RSA().fit({"wide": models["wide"][1:]}, v1)

    def test_other_input_is_refused(self, v1, models):
        with pytest.raises(InputError, match="recording is a ndarray; give a Recording"):
            RSA().fit(models, models["wide"])
        with pytest.raises(InputError, match="models must be a non-empty mapping"):
            RSA().fit(models["wide"], v1)
        known = recordings.Recording.from_rdm("known", rsa.rdm(v1.responses), v1.orientation)
        with pytest.raises(InputError, match="known is known only by its RDM with the metric 'correlation'"):
            RSA(metric="euclidean").fit(models, known)
