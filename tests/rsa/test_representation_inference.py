"""Inference on measures of whole representations: against that on RDMs, planted truth, and by hand."""

import numpy as np
import pytest
from scipy import stats

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa.measures import as_measure
from normenc.rsa.representation_evaluating import RepresentationEvaluator, representation_ceiling
from normenc.rsa.representation_inputs import RepresentationInputs
from normenc.rsa.representation_measures import as_representation_measure

RNG = np.random.default_rng(4)
N = 24
X, Z = RNG.normal(size=(N, 20)), RNG.normal(size=(N, 10))
Y = X @ RNG.normal(size=(20, 40)) + RNG.normal(size=(N, 40))
MODELS = {"related": X, "unrelated": Z}
FEW = {"n_samples": 30, "n_permutations": 39}
NAMES = list(rsa.REPRESENTATION_MEASURES)


def infer(method, models=MODELS, responses=Y, **options):
    return rsa.infer_representations(models, responses, method=method, **(FEW | options))


def test_linear_cka_is_inferred_as_the_whitened_cosine_of_euclidean_rdms():
    """The estimate, its permutations and its samples of neurons are the same numbers by another route."""
    own = infer("linear-cka", generalise_to=["neurons"])
    rdms = {name: rsa.rdm(values, "euclidean") for name, values in MODELS.items()}
    options = {"method": "whitened-cosine", "rdm_metric": "euclidean", "generalise_to": ["neurons"]}
    other = rsa.infer(rdms, responses=Y, **options, **FEW)
    columns = ["similarity", "low", "high", "standard_error", "dof", "p_permutations"]
    np.testing.assert_allclose(own.models[columns], other.models[columns], rtol=1e-8)
    np.testing.assert_allclose(
        own.pairs[["difference", "low", "high", "p"]], other.pairs[["difference", "low", "high", "p"]]
    )
    assert own.sizes == other.sizes == {"neurons": 40}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("linear-cka", rsa.linear_cka),
        ("debiased-cka", lambda x, y: rsa.linear_cka(x, y, debiased=True)),
        ("corrected-cka", lambda x, y: rsa.corrected_cka(x, y, sampled="second")),
        ("bures", rsa.bures_similarity),
        ("angular-similarity", lambda x, y: 1 - 2 * rsa.angular_distance(x, y) / np.pi),
        ("one-to-one", rsa.one_to_one_correlation),
    ],
)
def test_estimates_are_those_of_the_functions(name, function):
    x = {"one": X[:, :12], "two": Z}
    found = infer(name, x, Y[:, :36]).models
    assert found["similarity"].tolist() == pytest.approx([function(v, Y[:, :36]) for v in x.values()], abs=1e-10)
    assert rsa.REPRESENTATION_MEASURES[name].compare(x["one"], Y[:, :36]) == pytest.approx(found["similarity"][0])


@pytest.mark.parametrize("name", NAMES)
def test_every_measure_finds_the_related_model_and_not_the_unrelated(name):
    many = RNG.normal(size=(60, 6))
    recorded = many @ RNG.normal(size=(6, 30)) + 0.5 * RNG.normal(size=(60, 30))
    models = {"related": np.hstack([many, recorded[:, :6]]), "unrelated": RNG.normal(size=(60, 12))}
    inference = infer(name, models, recorded)
    assert inference.factors == ("stimuli", "neurons")
    assert inference.models["p_permutations"][0] == inference.models["p_permutations_smallest"][0] == 1 / 40
    assert inference.pairs["low"][0] > 0
    assert inference.ceiling.kind == "neurons" and inference.method == name
    low, high = rsa.REPRESENTATION_MEASURES[name].range
    assert inference.models["low"].ge(low).all() and inference.models["high"].le(high).all()


def test_samples_of_stimuli_leave_out_copies_of_a_stimulus_with_itself():
    """Intervals of unrelated noise by debiased CKA contain 0, where each stimulus is like itself alone."""
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(20):
        noise = rng.normal(size=(2, 20, 30))
        own = infer("debiased-cka", {"noise": noise[0]}, noise[1], n_permutations=1)
        inside.append(own.models["low"][0] <= 0 <= own.models["high"][0])
    assert sum(inside) >= 16  # of 19 expected; fewer once in 400 times


def planted(rng, reliability, n_repeats=2, n_stimuli=400, n_neurons=40):
    """Independent neurons whose mean over all repeats has this reliability: the squared correlation with its signal."""
    signal = rng.normal(size=(n_stimuli, n_neurons))
    noise = np.sqrt(n_repeats * (1 / reliability - 1))
    return signal, signal + rng.normal(scale=noise, size=(n_repeats, n_stimuli, n_neurons))


@pytest.mark.parametrize("reliability", [0.3, 0.6])
@pytest.mark.parametrize("name", ["one-to-one", "soft-matching"])
def test_a_planted_ceiling_is_the_root_of_the_reliability(name, reliability):
    """The noise-free population correlates with the recorded one by its root, a second recording by the reliability."""
    signal, repeats = planted(np.random.default_rng(2), reliability, n_neurons=36)
    inference = infer(name, {"truth": signal}, None, repeats=repeats, generalise_to=["neurons"], n_permutations=19)
    assert inference.ceiling.kind == "repeats"
    assert inference.ceiling.lower == pytest.approx(reliability, abs=0.04)
    assert inference.ceiling.upper == pytest.approx(np.sqrt(reliability), abs=0.04)
    assert inference.models["similarity"][0] == pytest.approx(np.sqrt(reliability), abs=0.02)


def test_a_planted_ceiling_is_that_of_each_neuron():
    """Of neurons of reliability 0.9 and 0.1, the mean is 0.5, and the mean of the roots (0.949 + 0.316) / 2 = 0.632."""
    rng = np.random.default_rng(6)
    noise = np.sqrt(4 * (1 / np.tile([0.9, 0.1], 18) - 1))
    signal = rng.normal(size=(600, 36))
    repeats = signal + noise * rng.normal(size=(4, 600, 36))
    options = {"repeats": repeats, "generalise_to": ["neurons"], "n_permutations": 9}
    ceiling = infer("soft-matching", {"truth": signal}, None, **options).ceiling
    assert (ceiling.lower, ceiling.upper) == pytest.approx((0.5, 0.632), abs=0.02)
    best = infer("partial-soft-matching", {"truth": signal}, None, **options)
    assert (best.ceiling.lower, best.ceiling.upper) == pytest.approx((0.9, np.sqrt(0.9)), abs=0.02)
    assert best.models["similarity"][0] == pytest.approx(np.sqrt(0.9), abs=0.02)


def test_stimuli_with_fewer_trials_count_by_those_they_have():
    _, repeats = planted(np.random.default_rng(7), 0.6, n_repeats=3, n_stimuli=40, n_neurons=36)
    uneven = repeats.copy()
    uneven[2, ::2] = np.nan
    models = {"x": np.random.default_rng(8).normal(size=(40, 8))}
    own = infer("debiased-cka", models, None, repeats=uneven)
    mean = np.nanmean(uneven, axis=0)
    assert own.models["similarity"][0] == pytest.approx(rsa.linear_cka(models["x"], mean, debiased=True))
    first = infer("debiased-cka", models, mean, repeats=uneven[:2])
    assert own.ceiling.lower == pytest.approx(first.ceiling.lower)


def test_a_planted_ceiling_of_kernels_is_the_root_of_the_reliability():
    """With s the signal's and v the noise's variance per neuron, kernels of many neurons have products in closed form.

    For independent neurons, K_ij of different stimuli has the variance s^2 for the signal and (s + v)^2 for the
    recording, and the covariance s^2 between two recordings: so that the similarity with a second recording is
    (s / (s + v))^2, and that with the signal is s / (s + v).
    """
    signal, repeats = planted(np.random.default_rng(3), 0.5, n_stimuli=150, n_neurons=200)
    inference = infer("debiased-cka", {"truth": signal}, None, repeats=repeats, generalise_to=["neurons"])
    assert inference.models["similarity"][0] == pytest.approx(0.5, abs=0.03)
    assert inference.ceiling.upper == pytest.approx(np.sqrt(inference.ceiling.lower))
    assert inference.ceiling.lower == pytest.approx(2 / 10, abs=0.04)  # of halves: (1/3)^2 = 1/9, and 2/9 / (1 + 1/9)


def test_several_animals_are_resampled_and_give_the_ceiling():
    rng = np.random.default_rng(5)
    latent = rng.normal(size=(30, 5))
    animals = [latent @ rng.normal(size=(5, n)) + rng.normal(size=(30, n)) for n in (12, 20, 31)]
    inference = infer("debiased-cka", {"latent": latent, "noise": rng.normal(size=(30, 5))}, animals)
    assert inference.factors == ("stimuli", "animals") and inference.sizes["animals"] == 3
    each = [rsa.linear_cka(latent, own, debiased=True) for own in animals]
    assert inference.models["similarity"][0] == pytest.approx(np.mean(each), abs=1e-12)
    assert inference.ceiling.kind == "animals" and inference.ceiling.lower < inference.ceiling.upper < 1
    # The lower end by hand: each animal with the others' kernels, each of the same length.
    kernels = [v @ v.T for v in (own - own.mean(axis=0) for own in animals)]
    kernels = [k / np.linalg.norm(k) for k in kernels]
    by_hand = []
    for place, own in enumerate(animals):
        pooled = sum(k for other, k in enumerate(kernels) if other != place)
        scale, axes = np.linalg.eigh(pooled)
        by_hand.append(rsa.linear_cka(axes * np.sqrt(np.maximum(scale, 0)), own, debiased=True))
    assert inference.ceiling.lower == pytest.approx(np.mean(by_hand), abs=1e-6)
    matched = infer("soft-matching", {"latent": latent}, animals, subject=["a", "b", "b"])
    assert matched.sizes["animals"] == 2 and np.isnan(matched.ceiling.upper) and matched.ceiling.lower > 0


def test_seeds_are_paired_and_sessions_keep_their_neurons():
    seeds = [X + RNG.normal(size=X.shape) for _ in range(3)]
    one = infer("linear-cka", {"seeds": seeds, "one": Z})
    assert one.models["n_seeds"].tolist() == [3, 1] and "seeds" in one.factors
    assert one.models["similarity"][0] == pytest.approx(np.mean([rsa.linear_cka(s, Y) for s in seeds]))
    sessions = infer("linear-cka", {"x": X}, np.stack([Y, Y + RNG.normal(size=Y.shape)]))
    assert sessions.factors == ("stimuli", "neurons", "sessions")


def test_of_many_units_some_are_matched_and_this_is_said():
    own = infer("soft-matching", {"wide": RNG.normal(size=(N, 300))}, RNG.normal(size=(N, 130)))
    assert any("96 of 300 units of a model and 96 of 130 neurons were matched" in note for note in own.notes)
    assert not any("matched" in note for note in infer("soft-matching", {"x": Z[:, :6]}, Y[:, :36]).notes)


def test_a_users_function_is_a_measure():
    def gram(x, y):
        """Correlation of the kernels."""
        return np.corrcoef((x @ x.T).ravel(), (y @ y.T).ravel())[0, 1]

    measure = rsa.RepresentationMeasure("gram", gram, range=(-1, 1)).try_out()
    inference = infer(measure)
    assert inference.models["similarity"][0] == pytest.approx(gram(X - X.mean(axis=0), Y - Y.mean(axis=0)))
    assert inference.ceiling.kind == "no formula" and inference.models["p_permutations"][0] < 0.05
    with pytest.raises(InputError, match="higher for more similar"):
        rsa.RepresentationMeasure("far", lambda x, y: np.abs(x - y).sum()).try_out()
    with pytest.raises(InputError, match="fails: ZeroDivisionError"):
        infer(lambda x, y: 1 / 0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: infer("procrustes"), "'bures', 1 - d²/2"),
        (lambda: infer("pearson"), "compares RDMs; use normenc.rsa.infer"),
        (lambda: infer("cosine similarity"), "must be one of linear-cka"),
        (lambda: infer("linear-cka", {}), "no models"),
        (lambda: infer("linear-cka", {"x": X[:5]}), "has 5 stimuli, but the recording has 24"),
        (lambda: infer("linear-cka", {"x": X}, None), "no recording given"),
        (lambda: infer("linear-cka", {"x": np.ones((N, 3))}), "evoke the same response"),
        (lambda: infer("linear-cka", generalise_to=["trials"]), "'trials' cannot be resampled"),
        (lambda: infer("svcca", {"x": np.eye(N)}), "no model has a similarity"),
    ],
)
def test_what_cannot_be_inferred_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_a_layer_without_a_similarity_is_named_and_the_others_are_compared():
    own = infer("svcca", {"wide": np.eye(N), "narrow": X[:, :3]}, Y[:, :4])
    assert np.isnan(own.models["similarity"][0]) and "too few stimuli" in own.models["why_unknown"][0]
    assert own.models["similarity"].notna()[1]


def test_names_of_measures_are_of_one_kind():
    assert not {*rsa.MEASURES} & {*NAMES}
    with pytest.raises(InputError, match="already called"):
        rsa.RepresentationMeasure("pearson", lambda x, y: 1.0).register()
    assert as_measure("pearson").name == "pearson" and as_representation_measure("bures").name == "bures"


@pytest.mark.parametrize("given", ["repeats", "repeats and neurons", "sessions"])
def test_the_truth_is_at_the_ceiling_of_corrected_cka(given):
    """Noise and sampling drop out of this measure: the whole population, and so its ceiling, are at 1."""
    rng, found = np.random.default_rng(7), []
    for seed in range(8):
        latent = rng.normal(size=(30, 4))
        trials = latent @ rng.normal(size=(4, 24)) + 0.5 * rng.normal(size=(6, 30, 24))
        recorded = {"repeats": trials}
        if given == "repeats and neurons":
            recorded |= {"responses": trials.mean(axis=0), "generalise_to": ["stimuli", "neurons"]}
        elif given == "sessions":
            recorded = {"responses": trials.reshape(3, 2, 30, 24).mean(axis=1), "generalise_to": ["neurons"]}
        options = {"method": "corrected-cka", "n_samples": 24, "n_permutations": 9, "seed": seed}
        inference = rsa.infer_representations({"all": latent @ rng.normal(size=(4, 400))}, **recorded, **options)
        assert np.isnan(inference.ceiling.upper)
        low, high = inference.ceiling_intervals[0]
        found.append((inference.ceiling.lower, inference.models["p_ceiling"][0], low < 1 < high))
    ceilings, p, inside = np.array(found).T
    assert np.mean(ceilings) == pytest.approx(1, abs=0.02)
    assert (p < 0.05).sum() <= 1 and inside.sum() >= 6


def test_sessions_without_noise_are_at_one_by_corrected_cka():
    tuning = RNG.normal(size=(N, 4)) @ RNG.normal(size=(4, 12))
    found = infer("corrected-cka", {"m": X}, np.stack([tuning, tuning + 1e-6 * RNG.normal(size=tuning.shape)]))
    assert found.ceiling.lower == pytest.approx(1, abs=1e-5) and np.isnan(found.ceiling.upper)
    of_these = infer("corrected-cka", {"m": X}, np.stack([tuning] * 3), generalise_to=["stimuli"])
    assert of_these.models["p_ceiling"].isna().all() and np.isfinite(of_these.ceiling_intervals[0]).all()
    assert any(
        note.startswith("Differences from the noise ceiling are not tested: CKA corrected") for note in of_these.notes
    )


def exchangeable(n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Animals of which any two are equally similar: some neurons are the same in all, others are of each alone."""
    axes = np.linalg.qr(np.hstack([np.ones((40, 1)), rng.normal(size=(40, 3 + 4 * n))]))[0][:, 1:]
    return [np.hstack([axes[:, :3], axes[:, 3 + 4 * k : 7 + 4 * k]]) for k in range(n)]


def test_a_drawn_animal_is_not_among_the_others_it_is_compared_with():
    """Of animals that are all equally alike, any draw has the ceiling of all; copies would raise or lower it."""
    animals = exchangeable(4, np.random.default_rng(2))
    measure = as_representation_measure("linear-cka")
    inputs = RepresentationInputs.of_responses({"m": animals[0]}, animals, None, measure, (None, None), 0)
    draws = {"animals": np.array([[1, 1, 1, 1], [2, 1, 1, 0], [3, 2, 1, 2], [1, 3, 2, 1]])}
    _, ceilings = RepresentationEvaluator(inputs, measure, 0).evaluate(draws)
    expected = representation_ceiling(inputs, measure, 0)
    np.testing.assert_allclose(ceilings, np.tile([expected.lower, expected.upper], (4, 1)), atol=1e-9)


def test_a_ceiling_that_follows_from_no_pairs_has_the_error_of_a_jackknife():
    rng = np.random.default_rng(4)
    latent = rng.normal(size=(25, 4))
    animals = [latent @ rng.normal(size=(4, 9)) + noise * rng.normal(size=(25, 9)) for noise in (0.5, 0.7, 1, 1.5, 2)]

    def infer_those(kept):
        options = {"generalise_to": ["animals"], "n_samples": 3000, "n_permutations": 1}
        return rsa.infer_representations({"m": latent}, [animals[k] for k in kept], method="bures", **options)

    found = infer_those(range(5))
    without = [infer_those([k for k in range(5) if k != one]).ceiling.lower for one in range(5)]
    error = np.sqrt(4 / 5 * np.square(without - np.mean(without)).sum())
    reach = np.ptp(found.ceiling_intervals[0]) / 2
    assert reach / stats.t.ppf(0.975, 4) == pytest.approx(error, rel=0.04)


def test_ceilings_from_halves_of_neurons_vary_over_samples_as_over_recordings():
    """With samples split twice, and no interactions of neurons, the variance over samples was four times too large."""
    latent, seen = np.random.default_rng(11).normal(size=(20, 8)), {"generalise_to": ["neurons"], "n_permutations": 1}

    def recording(seed):
        rng = np.random.default_rng([12, seed])
        return latent @ rng.normal(size=(8, 40)) / np.sqrt(8) + rng.normal(size=(20, 40))

    measure, ceilings = as_representation_measure("linear-cka"), []
    for seed in range(40):
        inputs = RepresentationInputs.of_responses({"x": latent}, recording(seed), None, measure, (None, None), seed)
        ceilings.append(representation_ceiling(inputs, measure, seed).lower)
    found = [infer("linear-cka", {"x": latent}, recording(s), seed=s, n_samples=60, **seen) for s in range(3)]
    errors = [np.ptp(own.ceiling_intervals[0]) / 2 / stats.t.ppf(0.975, 30) for own in found]
    assert 0.6 < np.sqrt(np.mean(np.square(errors))) / np.std(ceilings, ddof=1) < 1.5
