"""Measures as objects, and functions of one's own, of which Pearson's written out must give what "pearson" gives."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from normenc import rsa
from normenc.errors import InputError
from normenc.quality.rdm_reliability import rdm_reliability
from normenc.rsa.measures import as_measure, facts_of
from normenc.rsa.pairs import upper
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.rsa.weighted import sample_ceilings, sample_similarities, similarities
from normenc.study import Study
from normenc.study.power_simulation import simulate_power
from normenc.study.sections import PowerSettings
from normenc.study.simulated_populations import Population

RNG = np.random.default_rng(0)
PATTERNS = RNG.normal(size=(12, 20))
MODELS = {
    "same": np.stack([rsa.rdm(PATTERNS + RNG.normal(size=(12, 20))) for _ in range(2)]),
    "levels": rsa.rdm(RNG.normal(size=(12, 5))).round(1),
}
ANIMALS = np.stack([rsa.rdm(PATTERNS + RNG.normal(size=(12, 20))) for _ in range(4)])
POPULATIONS = {12: {"one": Population.equal(1.0, [20], UnequalStimuli.equal(12))}}
REPEATS = PATTERNS + RNG.normal(size=(4, 12, 20))
FAST = {"n_samples": 20, "n_permutations": 20}


def written_out(x, y):
    """Covariance over standard deviations."""
    x, y = x - x.mean(), y - y.mean()
    return x @ y / np.sqrt((x @ x) * (y @ y))


def weighted(x, y, weights):
    x, y = (v - np.average(v, weights=weights) for v in (x, y))
    return (weights * x) @ y / np.sqrt(((weights * x) @ x) * ((weights * y) @ y))


def unit(vectors, weights):
    centred = vectors - np.average(vectors, axis=1, weights=weights)[:, None]
    return centred / np.sqrt(centred**2 @ weights)[:, None]


PEARSON = {"range": (-1, 1), "is_correlation": True, "best": unit}
OWN = rsa.Measure("own", written_out, **PEARSON)


def overlap(x, y):
    """Dissimilarities that both share."""
    return np.minimum(x, y).sum() / np.maximum(x, y).sum()


@pytest.mark.parametrize("form", [None, weighted], ids=["repeated pairs", "weighted form"])
@pytest.mark.parametrize("given", ["animals", "responses", "repeats", "sessions", "ordered"])
def test_pearson_written_out_gives_what_pearson_gives(given, form):
    data = {
        "animals": {"data": ANIMALS},
        "responses": {"responses": REPEATS[0]},
        "repeats": {"repeats": REPEATS},
        "sessions": {"responses": REPEATS[:2]},
        "ordered": {"data": ANIMALS[0], "ordered": True},
    }[given]
    own = rsa.Measure("own", written_out, weighted=form, **PEARSON)
    # A model of one seed beside models of several varies over seeds by rounding alone, which its variance must not see.
    models = {"same": MODELS["same"][0], "levels": MODELS["levels"]} if given == "sessions" else MODELS
    found, expected = (rsa.infer(models, method=method, **data, **FAST) for method in (own, "pearson"))
    pd.testing.assert_frame_equal(found.models, expected.models, rtol=1e-9, atol=1e-9)
    pd.testing.assert_frame_equal(found.pairs, expected.pairs, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.ceiling_intervals, expected.ceiling_intervals, atol=1e-9)
    assert found.ceiling.upper == pytest.approx(expected.ceiling.upper, abs=1e-12, nan_ok=True)


def test_the_ceiling_of_animals_is_by_the_mean_rdm_where_no_better_one_is_told():
    mean = upper(ANIMALS).mean(axis=0)
    by_hand = np.mean([written_out(mean, vector) for vector in upper(ANIMALS)])
    plain, best = (rsa.noise_ceiling(ANIMALS, method=m).upper for m in (written_out, OWN))
    assert plain == pytest.approx(by_hand, abs=1e-12)
    assert plain <= best == pytest.approx(rsa.noise_ceiling(ANIMALS).upper, abs=1e-12)


def test_functions_are_taken_wherever_a_name_is():
    models = np.stack([MODELS["same"][0], MODELS["levels"]])
    np.testing.assert_allclose(rsa.compare_rdms(models, ANIMALS, written_out), rsa.compare_rdms(models, ANIMALS))
    found, expected = (rsa.chance_p_values(models, ANIMALS, m, n_permutations=50) for m in (OWN, "pearson"))
    np.testing.assert_array_equal(found, expected)
    layers = {"one": models[0], "two": models[1]}
    weights = [rsa.cross_validate_weighted(layers, ANIMALS, method=m, n_folds=2) for m in (written_out, "pearson")]
    pd.testing.assert_frame_equal(weights[0].layers, weights[1].layers)
    trials, shown = np.repeat(PATTERNS, 4, axis=0) + RNG.normal(size=(48, 20)), np.repeat(np.arange(12), 4)
    options = {"n_splits": 2, "n_samples": 9, "n_permutations": 9}
    one, other = (rdm_reliability(trials, shown, method=method, **options) for method in (OWN, "pearson"))
    assert one.halves == pytest.approx(other.halves, abs=1e-12)
    assert (one.low, one.p_value) == (pytest.approx(other.low, abs=1e-9), other.p_value)


def test_intervals_lie_within_the_range_of_the_measure():
    measure = rsa.Measure("overlap", overlap, range=(0, 1))
    found = rsa.infer(MODELS, ANIMALS, method=measure, **FAST)
    by_hand = np.mean([overlap(upper(MODELS["levels"]), vector) for vector in upper(ANIMALS)])
    assert found.models["similarity"][1] == pytest.approx(by_hand)
    assert (found.models[["low", "high"]].to_numpy() <= 1).all()
    wide = rsa.infer(MODELS, ANIMALS, method=lambda x, y: 100 * overlap(x, y), **FAST)
    np.testing.assert_allclose(wide.models["standard_error"], 100 * found.models["standard_error"])
    np.testing.assert_allclose(wide.models["p_permutations"], found.models["p_permutations"])
    assert wide.models["high"].max() > 1


def test_halves_give_no_ceiling_by_what_is_no_correlation():
    for given in ({"responses": REPEATS[0]}, {"repeats": REPEATS}):
        found = rsa.infer(MODELS, method=overlap, **given, **FAST)
        assert found.ceiling.kind == rsa.noise_ceiling(method=overlap, **given).kind == "no formula"
        assert "only for correlation measures" in found.ceiling.describe()
        assert np.isnan(found.ceiling_intervals).all() and found.models["p_ceiling"].isna().all()
        assert found.models["standard_error"].notna().all()
    with pytest.raises(InputError, match="'overlap' is not declared a correlation"):
        rdm_reliability(REPEATS.reshape(48, 20), np.tile(np.arange(12), 4), method=overlap)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: similarities(upper(ANIMALS), upper(ANIMALS), np.ones((1, 12), int), m),
        lambda m: sample_similarities(upper(ANIMALS), upper(ANIMALS), np.ones((1, 12), int), m),
        lambda m: sample_ceilings(
            upper(ANIMALS)[:, None], np.ones((1, 12), int), m, rdm_counts=np.ones((1, 4), int), subject=np.arange(4)
        ),
        lambda m: rsa.compare_rdms(ANIMALS, ANIMALS, m),
        lambda m: rsa.compare_vectors(upper(ANIMALS), upper(ANIMALS), m),
        lambda m: rsa.infer(MODELS, ANIMALS, method=m),
        lambda m: rsa.noise_ceiling(ANIMALS, method=m),
        lambda m: rsa.chance_p_values(ANIMALS, ANIMALS, m),
        lambda m: rsa.permuted_similarities(ANIMALS, ANIMALS, [range(12)], m),
        lambda m: rsa.fit_weights(upper(ANIMALS), upper(ANIMALS), m),
        lambda m: rsa.cross_validate_weighted({"one": ANIMALS[0]}, ANIMALS, method=m),
        lambda m: rdm_reliability(REPEATS.reshape(48, 20), np.tile(np.arange(12), 4), method=m),
        lambda m: simulate_power({12: {"one": ANIMALS[0]}}, POPULATIONS, PowerSettings(), method=m),
    ],
)
@pytest.mark.parametrize("method", ["pearsn", "Pearson", "", None, 3])
def test_an_unknown_name_is_refused_where_it_enters(call, method):
    with pytest.raises(InputError, match=r"method is .*; it must be one of pearson, spearman, .*, or a function"):
        call(method)


def triangular(x, y):
    """Compares the pairs of the first stimulus alone, by their places."""
    return written_out(x[:11], y[:11])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x, y: ((x - y) ** 2).sum(), r"is 0 for an RDM with itself and .*, so it is a distance"),
        (lambda x, y: 1 - written_out(x, y), "it is a distance"),
        (lambda x, y: x * y, "must return one number for two vectors"),
        (lambda x, y: "alike", "must return one number for two vectors"),
        (lambda x, y: None, "returned None; it must return one number"),
        (lambda x, y: 1j, "must return one number"),
        (stats.spearmanr, "must return one number"),
        (lambda x, y: np.log(-1 - x.sum()), "is nan for RDM 0 of the first"),
        (triangular, "does not depend on their order"),
        (rsa.Measure("wide", lambda x, y: 2 * written_out(x, y), **PEARSON), r"outside its range of -1 to 1"),
        (rsa.Measure("apart", written_out, weighted=lambda x, y, w: weighted(x, y, w) / 2), "the two must agree"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_functions_that_are_no_measure_are_refused(function, message):
    with pytest.raises(InputError, match=message):
        rsa.infer(MODELS, ANIMALS, method=function, **FAST)


def test_what_depends_on_the_order_of_pairs_needs_all_of_them_alone():
    found = rsa.infer(MODELS, ANIMALS, method=triangular, generalise_to=["animals"], **FAST)
    assert found.models["standard_error"].notna().all()
    gap = ANIMALS[0].copy()
    gap[0, 1] = gap[1, 0] = np.nan
    with pytest.raises(InputError, match="does not depend on their order"):
        rsa.compare_rdms(gap, ANIMALS[1], triangular, missing="pairs")
    value = rsa.compare_rdms(gap, ANIMALS[1], written_out, missing="pairs")
    assert value == pytest.approx(rsa.compare_rdms(gap, ANIMALS[1], missing="pairs"))


def test_inputs_cannot_be_changed_by_a_function():
    def sorts(x, y):
        x.sort()
        return x @ y

    with pytest.raises(ValueError, match="writes into the vectors that it is given"):
        rsa.compare_rdms(ANIMALS[0], ANIMALS[1], sorts)


@pytest.mark.parametrize(
    ("flat", "equal", "zero"), [("undefined", 0, 0), ("defined unless 0", 1, 0), ("defined", 1, 1)]
)
def test_what_a_flat_rdm_means_is_the_measures_to_say(flat, equal, zero):
    measure = rsa.Measure("near", lambda x, y: -((x - y) ** 2).mean(), range=(-np.inf, 0), flat=flat)
    for value, defined in ((1.0, equal), (0.0, zero)):
        model = np.full((12, 12), value)
        np.fill_diagonal(model, 0)
        table = rsa.infer(MODELS | {"flat": model}, ANIMALS, method=measure, **FAST).models.set_index("model")
        row = table.loc["flat"]
        assert np.isfinite(row["similarity"]) == bool(defined) == (row["why_unknown"] == "")
        if not defined:
            with pytest.raises(InputError, match="their similarity by the measure 'near' is undefined"):
                rsa.compare_rdms(model, ANIMALS, measure)


def test_names_are_taken_once_and_studies_take_those_there_are(monkeypatch):
    monkeypatch.setattr("normenc.rsa.measures.MEASURES", dict(rsa.MEASURES))
    with pytest.raises(InputError, match="a different measure is already called 'pearson'"):
        rsa.Measure("pearson", overlap).register()
    for bad in ({"name": ""}, {"by": 3}, {"flat": "no"}, {"range": (1, 1)}):
        with pytest.raises(InputError):
            rsa.Measure(**({"name": "own", "by": overlap} | bad))
    with pytest.raises(ValueError, match=r"given 'own'; it should be 'pearson', .* or 'whitened-correlation'"):
        Study(comparison={"method": "own"})
    assert facts_of("lost").symbol == "lost"
    with pytest.raises(InputError, match="'lost' is not known in this session"):
        rsa.compare_rdms(ANIMALS, ANIMALS, facts_of("lost"))


def test_measures_go_to_other_processes():
    assert pickle.loads(pickle.dumps(as_measure("spearman"))) == as_measure("spearman")
    assert pickle.loads(pickle.dumps(as_measure(overlap))).compare(*[upper(ANIMALS)] * 2)[0, 0] == 1
    settings = PowerSettings(n_neurons=[8], n_animals=[1], n_repeats=[1])
    with pytest.raises(InputError, match="other processes cannot import"):
        simulate_power({12: {"one": ANIMALS[0]}}, POPULATIONS, settings, method=lambda x, y: x @ y)
