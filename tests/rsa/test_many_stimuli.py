"""Many stimuli: sums over rows of the RDMs give what weights of all pairs give, and samples of stimuli are stated."""

import numpy as np
import pandas as pd
import pytest

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa.ceiling import repeat_halves
from normenc.rsa.linear_samples import LinearSamples, SamplesOfMany, linear_samples
from normenc.rsa.neurons import added_up, deal
from normenc.rsa.own_neurons import Population, similarities_of_neurons
from normenc.rsa.pairs import upper
from normenc.rsa.permutation import permuted_stimuli
from normenc.rsa.recorded import check_kind
from normenc.rsa.resampling import _inflation_of_many, draw_counts, inflation
from normenc.rsa.stored import StoredRdm, of_stimuli

RNG = np.random.default_rng(0)
N, N_SAMPLES = 50, 12
RESPONSES = RNG.normal(size=(N, 90)) + 2
MATRICES = np.stack([rsa.rdm(RESPONSES[:, :30] + RNG.normal(size=(N, 30))) for _ in range(5)])
COUNTS = draw_counts(N, N_SAMPLES, RNG)
MEASURES = [(centred, whitened) for centred in (True, False) for whitened in (True, False)]


@pytest.mark.parametrize(("centred", "whitened"), MEASURES)
def test_quadratic_forms_equal_weights_of_all_pairs(centred, whitened):
    vectors, animals = upper(MATRICES), np.array([0, 0, 1])
    drawn = RNG.integers(1, 3, (N_SAMPLES, 3))
    plain, many = (
        kind(models, vectors[2:], centred=centred, whitened=whitened).compare(COUNTS, drawn, animals, True)
        for kind, models in ((LinearSamples, vectors[:2]), (SamplesOfMany, list(MATRICES[:2])))
    )
    np.testing.assert_allclose(many[0], plain[0], atol=1e-12)
    np.testing.assert_allclose(many[1], plain[1], atol=1e-12)


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize(("centred", "whitened"), MEASURES)
@pytest.mark.parametrize("baseline", [0, 1000])
def test_single_precision_of_responses_is_enough(metric, centred, whitened, baseline):
    """What it changes is of the size of the rounding in the file, even with baselines as of raw fluorescence."""
    exact = RESPONSES + baseline * np.linspace(0.5, 2, RESPONSES.shape[1])
    single = exact.astype(np.float32)
    found = []
    for given in (single, single.astype(np.float64), exact):
        neurons = deal(given, metric)
        weights = 1 + draw_counts(neurons.n_groups, N_SAMPLES, np.random.default_rng(3))
        half = Population(neurons, weights * (np.arange(neurons.n_groups) % 2))
        kinds = {"centred": centred, "whitened": whitened}
        found.append(similarities_of_neurons(MATRICES, [Population(neurons, weights), half], [COUNTS], **kinds)[0])
    for of_single, of_double, of_exact in zip(*found, strict=True):
        assert np.nanmax(np.abs(of_single - of_double)) < max(4 * np.nanmax(np.abs(of_double - of_exact)), 1e-7)


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize(("centred", "whitened"), MEASURES)
def test_samples_of_neurons_equal_those_whose_rdms_are_made(metric, centred, whitened):
    """With and without a weighting of stimuli; halves of the neurons are compared with each other alone."""
    neurons, options = deal(RESPONSES, metric), {"centred": centred, "whitened": whitened}
    weights = 1 + draw_counts(neurons.n_groups, N_SAMPLES, RNG)
    half = weights * (np.arange(neurons.n_groups) % 2)
    found = similarities_of_neurons(
        MATRICES,
        [Population(neurons, weights), Population(neurons, half)],
        [np.ones((1, N), dtype=int), COUNTS],
        n_compared=1,
        **options,
    )
    whole, part = (added_up(neurons).vectors(own) for own in (weights, half))
    for (with_models, between), counts in zip(found, (np.ones((N_SAMPLES, N), dtype=int), COUNTS), strict=True):
        assert with_models.shape == (N_SAMPLES, len(MATRICES), 1)
        wanted = linear_samples(upper(MATRICES), whole, counts, **options)
        np.testing.assert_allclose(with_models[:, :, 0], wanted, atol=1e-11)
        wanted = linear_samples(part[None], whole, counts, **options)[:, 0]
        np.testing.assert_allclose(between[:, 0, 1], wanted, atol=1e-11)


def test_the_inflation_of_pairs_needs_no_pairs():
    for weights in (COUNTS, 1 + COUNTS):
        np.testing.assert_allclose(_inflation_of_many(weights.astype(float)), inflation(weights, 2), rtol=1e-12)


REPEATS = RESPONSES + RNG.normal(size=(4, N, 90))
INPUTS = {
    "neurons": {"responses": RESPONSES},
    "repeats": {"responses": REPEATS.mean(axis=0), "repeats": REPEATS},
    "sessions": {"responses": REPEATS},
    "animals": {"data": [rsa.rdm(own) for own in REPEATS]},
}


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("method", ["pearson", "whitened-correlation"])
def test_inference_of_many_stimuli_equals_that_of_few(kind, method, monkeypatch):
    models = {"two seeds": list(MATRICES[:2]), "one": MATRICES[2]}
    found = []
    for limit in (400, 20):
        for room in ("ceiling", "evaluating", "halves", "inputs", "quadratic", "resampling"):
            monkeypatch.setattr(f"normenc.rsa.{room}.MANY_STIMULI", limit)
        found.append(rsa.infer(models, method=method, n_samples=20, n_permutations=19, **INPUTS[kind]))
    few, many = found
    assert few.ceiling.kind == many.ceiling.kind == kind
    for table in ("models", "pairs"):
        numbers = [getattr(own, table).select_dtypes("number").to_numpy(dtype=float) for own in found]
        np.testing.assert_allclose(numbers[1], numbers[0], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(many.ceiling_intervals, few.ceiling_intervals, atol=1e-8)


@pytest.mark.parametrize("method", ["pearson", "spearman", "rho-a"])
def test_rdms_in_single_precision_give_the_same_answer(method):
    signal = RNG.normal(size=(450, 40))
    noisy = [signal + RNG.normal(size=signal.shape) for _ in range(2)]
    rdms = [rsa.rdm(own) for own in noisy]
    exact, single = (
        rsa.infer({"model": [own]}, rdms[1], method=method, n_samples=4, n_permutations=4).models
        for own in (rdms[0], rdms[0].astype(np.float32))
    )
    numbers = ["similarity", "low", "high"]
    np.testing.assert_allclose(single[numbers], exact[numbers], atol=1e-7)
    assert single["similarity"][0] == pytest.approx(rsa.compare_rdms(*rdms, method=method), abs=1e-7)


@pytest.mark.parametrize(("n_repeats", "n_ways"), [(2, 1), (3, 3), (4, 3)])
def test_few_repeats_are_split_in_every_way_once(n_repeats, n_ways):
    halves = list(repeat_halves(REPEATS[:n_repeats], "correlation", 50, 0))
    assert len(halves) == n_ways
    assert len({tuple(sorted((one[0], other[0]))) for one, other in halves}) == n_ways


def test_a_thousand_of_more_stimuli_are_permuted():
    n = 1100
    signal = RNG.normal(size=(n, 5))
    own, related = (rsa.rdm(signal + RNG.normal(size=signal.shape)) for _ in range(2))
    unrelated = rsa.rdm(RNG.normal(size=(n, 5)))
    found = rsa.infer({"related": [related], "unrelated": [unrelated]}, own, n_samples=2, n_permutations=49)
    assert found.n_permuted == 1000 and found.sizes["stimuli"] == n
    assert found.models["p_permutations"][0] == pytest.approx(1 / 50) and found.models["p_permutations"][1] > 0.05
    assert len(set(permuted_stimuli(n, ordered=False, seed=0).tolist())) == 1000
    spaced = permuted_stimuli(n, ordered=True, seed=0)
    assert spaced[0] == 0 and set(np.diff(spaced, append=n)) == {2}
    assert permuted_stimuli(1000, ordered=False, seed=0).tolist() == list(range(1000))


def test_rdms_in_files_are_read_as_those_in_memory(tmp_path):
    signal = RNG.normal(size=(450, 40))
    own, *rdms = (rsa.rdm(signal + k * RNG.normal(size=signal.shape)).astype(np.float32) for k in range(5))
    files = [StoredRdm.write(tmp_path / str(k), rdm) for k, rdm in enumerate(rdms)]
    some = RNG.permutation(450)[:420]
    for stored, rdm in (files[0], rdms[0]), (of_stimuli(files[0], some), rdms[0][np.ix_(some, some)]):
        assert stored.shape == rdm.shape and np.asarray(stored).dtype == np.float32
        for key in (3, slice(5, 9), (2, 7), (slice(5, 9), slice(6, None)), np.ix_([3, 1], [0, 8])):
            np.testing.assert_array_equal(stored[key], rdm[key])
    answers = [
        (
            rsa.infer({"two": own[:2], "one": own[2:3]}, data, n_samples=10, n_permutations=9).models,
            rsa.partition({"two": own[:2]}, {"one": own[2:3]}, data, n_samples=10, most_stimuli=410).models,
        )
        for own, data in ((rdms, own), (files, own))
    ]
    for in_memory, in_files in zip(*answers, strict=True):
        pd.testing.assert_frame_equal(in_memory, in_files)


@pytest.mark.parametrize("given", ["responses", "repeats"])
def test_an_rdm_of_another_metric_is_refused_whatever_the_number_of_stimuli(given):
    trials = np.random.default_rng(0).normal(size=(2, 1100, 6)).astype(np.float32)
    own = [trials[0]], None
    if given == "repeats":
        own = [], trials
    right = rsa.rdm(trials[0] if given == "responses" else trials.mean(axis=0))[None]
    check_kind(right, *own, "correlation")
    with pytest.raises(InputError, match=f"not the RDM that rdm_metric 'cosine' gives for the {given}"):
        check_kind(right, *own, "cosine")
    with pytest.raises(InputError, match=f"the {given} have 1100 stimuli, but the data have 1099; they must agree"):
        check_kind(right[:, 1:, 1:], *own, "correlation")


def test_a_model_with_few_dissimilarities_among_many_stimuli_has_no_similarity():
    n = 1100
    signal = RNG.normal(size=(n, 5))
    own, related = (rsa.rdm(signal + RNG.normal(size=signal.shape)) for _ in range(2))
    left_out = sorted(set(range(n)) - set(permuted_stimuli(n, ordered=False, seed=0).tolist()))[:2]
    few = np.zeros((n, n))
    few[left_out, left_out[::-1]] = 1
    found = rsa.infer({"related": [related], "few": [few]}, own, n_samples=2, n_permutations=9).models
    assert np.isfinite(found["similarity"][0]) and np.isnan(found["similarity"][1])
    assert found["why_unknown"][1] == "all its dissimilarities are 0 for the 1,000 stimuli that are permuted"
