"""Variance partitioning of RDMs against least squares, SciPy's non-negative least squares, and planted truth."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import nnls

from normenc.errors import InputError
from normenc.rsa import infer, partition, rdm
from normenc.rsa.neurons import added_up, deal
from normenc.rsa.pairs import upper
from normenc.rsa.stored import StoredRdm
from normenc.rsa.variance_parts import (
    explained_share,
    products_in_samples,
    products_of_matrices,
    related,
    unit,
    variance_parts,
)


@pytest.fixture(scope="module")
def world():
    """Two controls, two layers, and neurons that read one control and one layer."""
    rng = np.random.default_rng(3)
    control, other, layer, spare = rng.normal(size=(4, 30, 12))
    neurons = np.hstack([control, layer]) @ rng.normal(size=(24, 40)) + rng.normal(size=(30, 40))
    patterns = {"control": control, "other": other + control, "layer": layer + 0.5 * control, "spare": spare}
    return {name: rdm(values) for name, values in patterns.items()}, neurons


def explained(target, *others, positive=False):
    """Share of variance explained by a regression with an intercept."""
    x = np.stack([v - v.mean() for v in others], axis=1)
    y = target - target.mean()
    weights = nnls(x, y)[0] if positive else np.linalg.lstsq(x, y, rcond=None)[0]
    return 1 - np.square(y - x @ weights).sum() / np.square(y).sum()


def residual(target, *others):
    x = np.stack([np.ones_like(target), *others], axis=1)
    return target - x @ np.linalg.lstsq(x, target, rcond=None)[0]


def by_hand(layer, controls, data):
    """Statistics of one layer and one RDM of the data, as textbooks define them."""
    of_layer, of_data = residual(layer, *controls), residual(data, *controls)
    return {
        "semipartial": np.corrcoef(of_layer, data)[0, 1],
        "partial": np.corrcoef(of_layer, of_data)[0, 1],
        "controls": explained(data, *controls),
    }


def test_estimates_are_those_of_least_squares(world):
    rdms, neurons = world
    controls, layers = (("control", "other"), ("layer", "spare"))
    found = partition({n: rdms[n] for n in layers}, {n: rdms[n] for n in controls}, responses=neurons, n_samples=50)
    data, own = upper(rdm(neurons)), [upper(rdms[n]) for n in controls]
    for row in found.models.to_dict("records"):
        layer = upper(rdms[row["model"]])
        expected = by_hand(layer, own, data)
        for key in ("semipartial", "partial"):
            assert row[key] == pytest.approx(expected[key], abs=1e-9)
        gain = explained(data, *own, layer, positive=True) - explained(data, *own, positive=True)
        assert row["non_negative"] == pytest.approx(gain, abs=1e-9)
        assert row["unique"] == pytest.approx(explained(data, *own, layer) - explained(data, *own), abs=1e-9)
        assert row["explained"] == pytest.approx(explained(data, *own, layer), abs=1e-9)
    assert found.explained[0] == pytest.approx(explained(data, *own), abs=1e-9)
    assert found.explained_non_negative == pytest.approx(explained(data, *own, positive=True), abs=1e-9)


def test_a_sample_of_stimuli_is_the_resampled_rdm(world):
    rdms, neurons = world
    counts = np.random.default_rng(0).multinomial(30, np.full(30, 1 / 30), size=3)
    models, data = np.stack([upper(v) for v in rdms.values()]), upper(rdm(neurons))[None]
    parts = variance_parts(products_in_samples(unit(models), 2, data, counts))
    for sample, times in enumerate(counts):
        drawn = np.repeat(np.arange(30), times)
        first, second = np.triu_indices(30, k=1)
        kept = drawn[first] != drawn[second]
        own = [v[np.ix_(drawn, drawn)][first, second][kept] for v in (*rdms.values(), rdm(neurons))]
        for place in (0, 1):
            expected = by_hand(own[2 + place], own[:2], own[4])
            found = {key: parts[key][sample, min(place, parts[key].shape[1] - 1), 0] for key in expected}
            assert found == pytest.approx(expected, abs=1e-9)


def test_a_sample_of_neurons_is_the_rdm_of_these_neurons(world):
    rdms, neurons = world
    groups = added_up(deal(neurons))
    counts = np.random.default_rng(1).integers(1, 3, size=(2, groups.n_groups))
    models = np.stack([upper(v) for v in rdms.values()])
    own = groups.vectors(counts)
    parts = variance_parts(products_in_samples(unit(models), 2, own[:1], np.ones((2, 30), int), own[None]))
    alike = variance_parts(products_in_samples(unit(models), 2, own[:1], np.ones((1, 30), int), own[None]))
    for key, values in parts.items():
        np.testing.assert_allclose(alike[key], values, rtol=1e-12)
    for sample in range(2):
        expected = by_hand(models[2], list(models[:2]), own[sample])
        assert {key: parts[key][sample, 0, 0] for key in expected} == pytest.approx(expected, abs=1e-9)


def test_many_stimuli_give_what_few_do(world, monkeypatch):
    """Their relations to controls are computed once for all factors, and some samples at a time."""
    rdms, neurons = world
    models = {name: [values, rdm(values[:, :9])] for name, values in rdms.items() if "control" not in name}
    given = models, {"control": rdms["control"]}
    few = partition(*given, responses=neurons, n_samples=50)
    monkeypatch.setattr(import_module("normenc.rsa.partition"), "MANY_STIMULI", 20)
    many = partition(*given, responses=neurons, n_samples=50)
    assert few.factors == ("stimuli", "neurons", "seeds")
    pd.testing.assert_frame_equal(many.models, few.models, rtol=1e-9)
    assert many.explained == pytest.approx(few.explained)


def test_a_layer_that_combines_controls_has_nothing_of_its_own(world):
    rdms, neurons = world
    both = {"control": rdms["control"], "other": rdms["other"]}
    models = {"sum": 2 * rdms["control"] + rdms["other"], "layer": rdms["layer"], "flat": 1 - np.eye(30)}
    found = partition(models, both, responses=neurons, n_samples=50).models.set_index("model")
    assert found["unique"].isna().tolist() == [True, False, True]
    assert found["why_unknown"].tolist() == [
        "its dissimilarities are a combination of those of the controls",
        "",
        "all its dissimilarities are equal",
    ]
    twice = partition({"layer": rdms["layer"]}, both | {"again": 3 * rdms["control"]}, responses=neurons, n_samples=50)
    assert twice.models["unique"][0] == pytest.approx(found.loc["layer", "unique"], abs=1e-9)


def test_a_control_of_one_layer_alone_is_added_to_its_regression(world, tmp_path):
    rdms, neurons = world
    noise = np.abs(np.random.default_rng(7).normal(size=(3, 30, 30)))
    twins = rdms["layer"] + 0.4 * (noise + noise.transpose(0, 2, 1)) * (1 - np.eye(30))
    controls = {name: rdms[name] for name in ("control", "other")}
    models = {"layer": np.stack([rdms["layer"], rdms["layer"] ** 2]), "spare": rdms["spare"], "turned": rdms["spare"]}
    own = {"layer": twins, "turned": 2 * rdms["control"]}
    found = partition(models, controls, responses=neurons, own_controls=own, n_samples=50)
    without = partition(models, controls, responses=neurons, n_samples=50)
    vectors, twin, data = [upper(rdms[n]) for n in controls], upper(twins.mean(axis=0)), upper(rdm(neurons))
    table = found.models.set_index("model")
    expected = [by_hand(upper(one), [*vectors, twin], data)["semipartial"] for one in models["layer"]]
    assert table.loc["layer", "semipartial_own"] == pytest.approx(np.mean(expected), abs=1e-9)
    assert table.loc["layer", "unique_own"] == pytest.approx(np.mean(expected) ** 2, abs=1e-9)
    assert table.loc["layer", "unique_own"] < table.loc["layer", "unique"]
    assert table.loc["layer", "semipartial_own_low"] < np.mean(expected) < table.loc["layer", "semipartial_own_high"]
    assert table["unique_own"].isna().tolist() == [False, True, False]
    turned = table.loc["turned"]  # a combination of the controls, which adds nothing to them
    assert turned["semipartial_own"] == pytest.approx(turned["semipartial"], abs=1e-9)
    columns = [name for name in table if "own" not in name and name != "why_unknown"]
    np.testing.assert_allclose(table[columns].astype(float), without.models.set_index("model")[columns].astype(float))
    stored = [StoredRdm.write(tmp_path / f"{number}", twin) for number, twin in enumerate(twins)]
    of_files = partition(models, controls, responses=neurons, own_controls=own | {"layer": stored}, n_samples=50)
    assert of_files.models["unique_own"][0] == pytest.approx(table.loc["layer", "unique_own"], rel=1e-5)
    with pytest.raises(InputError, match="own_controls has 'x', which is no model"):
        partition(models, controls, responses=neurons, own_controls={"x": twins}, n_samples=50)


def test_own_controls_in_samples_are_those_of_the_resampled_rdms(world):
    rdms, neurons = world
    counts = np.random.default_rng(0).multinomial(30, np.full(30, 1 / 30), size=2)
    models, data = unit(np.stack([upper(v) for v in rdms.values()])), upper(rdm(neurons))[None]
    to = related(models, 1, counts, np.array([-1, 0]))
    parts = variance_parts(products_in_samples(models, 1, data, counts, to=to))
    assert np.isnan(parts["semipartial_own"][:, 0]).all()
    for sample, times in enumerate(counts):
        drawn = np.repeat(np.arange(30), times)
        first, second = np.triu_indices(30, k=1)
        kept = drawn[first] != drawn[second]
        own = [v[np.ix_(drawn, drawn)][first, second][kept] for v in (*rdms.values(), rdm(neurons))]
        expected = by_hand(own[2], [own[0], own[3]], own[4])["semipartial"]
        assert parts["semipartial_own"][sample, 1, 0] == pytest.approx(expected, abs=1e-9)


def test_a_negative_relation_explains_nothing_with_non_negative_weights(world):
    rdms, neurons = world
    turned = rdms["layer"].max() * (1 - np.eye(30)) - rdms["layer"]
    found = partition({"turned": turned}, {"control": rdms["control"]}, responses=neurons, n_samples=50).models
    assert found["semipartial"][0] < 0 < found["unique"][0]
    assert found["non_negative"][0] == pytest.approx(0, abs=1e-12)
    assert explained_share(np.eye(1), np.array([-0.5])) == 0


def test_with_an_unrelated_control_standard_errors_are_those_of_inference():
    """A control that is unrelated to everything leaves the correlation, and nearly its standard error."""
    rng = np.random.default_rng(5)
    layer, spare = rng.normal(size=(2, 60, 40))
    neurons = layer + 2 * rng.normal(size=(60, 40))
    animals = [rdm(layer + 2 * rng.normal(size=(60, 40))) for _ in range(6)]
    for inputs in ({"responses": neurons}, {"data": animals}):
        own = partition({"layer": rdm(layer)}, {"spare": rdm(spare)}, n_samples=300, **inputs).models.iloc[0]
        alone = infer({"layer": rdm(layer)}, n_samples=300, n_permutations=20, **inputs).models.iloc[0]
        assert own["semipartial"] == pytest.approx(alone["similarity"], abs=0.01)
        assert own["standard_error"] == pytest.approx(alone["standard_error"], rel=0.1)


def test_seeds_are_averaged_and_resampled(world):
    rdms, neurons = world
    rng = np.random.default_rng(2)
    seeds = np.stack([rdms["layer"] + (noise := 0.1 * np.abs(rng.normal(size=(30, 30)))) + noise.T for _ in range(4)])
    seeds[:, np.arange(30), np.arange(30)] = 0
    controls = {"control": rdms["control"]}
    found = partition({"layer": seeds, "spare": rdms["spare"]}, controls, responses=neurons, n_samples=50)
    assert found.factors == ("stimuli", "neurons", "seeds")
    each = [
        partition({"layer": own}, controls, responses=neurons, n_samples=50).models["semipartial"][0] for own in seeds
    ]
    assert found.models["semipartial"][0] == pytest.approx(np.mean(each), abs=1e-12)
    assert found.models["n_seeds"].tolist() == [4, 1]


def test_many_stimuli_are_read_in_rows_and_thinned_for_standard_errors():
    rng = np.random.default_rng(4)
    control, layer = rng.normal(size=(2, 90, 20))
    neurons = np.hstack([control, layer]) + rng.normal(size=(90, 40))
    models = [rdm(control).astype(np.float32), rdm(layer).astype(np.float32)]
    found = partition({"layer": models[1]}, {"control": models[0]}, responses=neurons, n_samples=50, most_stimuli=40)
    data = upper(rdm(neurons))
    expected = by_hand(upper(models[1]).astype(float), [upper(models[0]).astype(float)], data)
    assert found.models["partial"][0] == pytest.approx(expected["partial"], abs=1e-6)
    assert found.notes == ("Standard errors come from 40 of the 90 stimuli.",)
    whole = partition({"layer": models[1]}, {"control": models[0]}, responses=neurons, n_samples=50)
    assert found.models["standard_error"][0] > whole.models["standard_error"][0]


def test_rows_at_a_time_give_the_same_products(world, monkeypatch):
    rdms, neurons = world
    matrices, data = list(rdms.values()), np.stack([rdm(neurons), rdm(neurons[:, :20])])
    at_once = products_of_matrices(matrices, 2, data)
    monkeypatch.setattr("normenc.rsa.variance_parts.CHUNK_BYTES", 8 * 6 * 30 * 7)  # seven rows
    in_parts = products_of_matrices(matrices, 2, data)
    for name in ("controls", "layers", "data"):
        np.testing.assert_allclose(getattr(in_parts, name), getattr(at_once, name), atol=1e-12)


def test_intervals_contain_the_truth_of_a_planted_mixture():
    """Nominally 95 of 100; the benchmark counts more of them."""
    rng = np.random.default_rng(6)
    names, hits, empty = ("layer", "spare"), 0, 0
    for _ in range(25):
        control, layer, spare = rng.normal(size=(3, 40, 30))
        neurons = np.hstack([control, layer]) @ rng.normal(size=(60, 60)) + 4 * rng.normal(size=(40, 60))
        models = {"layer": rdm(layer), "spare": rdm(spare)}
        found = partition(models, {"control": rdm(control)}, responses=neurons, n_samples=100).models
        assert found["model"].tolist() == list(names)
        hits += found["unique_low"][0] > 0
        empty += found["unique_low"][1] == 0
    assert hits == 25
    assert empty >= 22


@pytest.mark.parametrize(
    ("models", "controls", "message"),
    [
        ({}, {"c": 1}, "there are no models to compare"),
        ({"a": 1}, {}, "there are no controls to compare"),
        ({"a": 1}, {"a": 1}, "'a' is the name of a model and of a control"),
        ({"a": 1}, {"c": 2}, "the control 'c' is a stack of 2 RDMs; give one, or their mean"),
        ({"a": 1}, {"c": 0}, "all dissimilarities of the control 'c' are equal"),
        ({"a": 0}, {"c": 1}, "no model has different dissimilarities: those of 'a' are all equal"),
        ({"a": 20}, {"c": 1}, "the model 'a' has 20 stimuli, but the data have 30"),
    ],
)
def test_what_cannot_be_partitioned_is_refused(world, models, controls, message):
    rdms, neurons = world
    of = {0: 1 - np.eye(30), 1: rdms["layer"], 2: np.stack([rdms["layer"]] * 2), 20: rdms["layer"][:20, :20]}
    own = [{name: of[what] for name, what in given.items()} for given in (models, controls)]
    with pytest.raises(InputError, match=message):
        partition(*own, responses=neurons, n_samples=50)


def test_too_few_stimuli_are_refused(world):
    rdms, neurons = world
    few = {name: values[:6, :6] for name, values in rdms.items()}
    layer = {"layer": few.pop("layer")}
    with pytest.raises(InputError, match="there are 5 stimuli; a regression on a model and 1 control needs at least"):
        partition({"a": layer["layer"][:5, :5]}, {"c": few["other"][:5, :5]}, responses=neurons[:5], n_samples=50)
    assert partition(layer, few, responses=neurons[:6], n_samples=50).controls == ("control", "other", "spare")


@pytest.mark.parametrize("scales", [(1e200, 1e-200, 1e150), (1e-180, 1e180, 1e-160), (3, 0.1, 7e9)])
def test_the_unit_of_dissimilarities_does_not_count(world, scales):
    rdms, neurons = world
    own = rdms["layer"], rdms["control"], rdm(neurons)
    plain, other = (
        partition({"layer": layer}, {"control": control}, data, n_samples=10)
        for layer, control, data in (own, [a * scale for a, scale in zip(own, scales, strict=True)])
    )
    numbers = plain.models.select_dtypes("number").columns
    np.testing.assert_allclose(other.models[numbers], plain.models[numbers], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(other.explained, plain.explained, rtol=1e-7)


@pytest.mark.parametrize("n_animals", [1, 2])
def test_data_without_variance_are_named(world, n_animals):
    rdms, neurons = world
    flat = 1 - np.eye(30)
    data = flat if n_animals == 1 else np.stack([rdm(neurons), flat])
    said = "the data" if n_animals == 1 else "the data, RDM 1"
    with pytest.raises(InputError, match=f"all dissimilarities of {said} are equal, so there is no variance"):
        partition({"layer": rdms["layer"]}, {"control": rdms["control"]}, data, n_samples=10)
