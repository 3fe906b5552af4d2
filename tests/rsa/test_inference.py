import numpy as np
import pytest
from scipy import stats

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa import infer, noise_ceiling, rdm, simulate_responses
from normenc.rsa.corrections import benjamini_hochberg, holm

FAST = {"n_samples": 200, "n_permutations": 99}


def animals(n=6, n_stimuli=24, noise=1.0, seed=0):
    """Features of two kinds, and animals that have both."""
    rng = np.random.default_rng(seed)
    one, other, stranger = rng.normal(size=(3, n_stimuli, 8))
    both = rdm(np.hstack([one, other]))
    trials = simulate_responses(both, 60, noise, rng, n_animals=n)[:, 0]
    models = {"one": rdm(one), "other": rdm(other), "stranger": rdm(stranger), "both": both}
    return models, trials


@pytest.fixture(scope="module")
def found():
    models, trials = animals()
    return infer(models, np.stack([rdm(t) for t in trials]), **FAST)


def test_the_truth_wins_and_the_stranger_is_chance(found):
    table = found.models.set_index("model")
    assert table["similarity"].idxmax() == "both"
    assert table.loc["both", "p_permutations"] == 0.01  # one of the 100 orders, the observed one
    assert table.loc["stranger", "p_permutations"] > 0.05
    pairs = found.pairs.set_index(["model", "other"])
    assert pairs.loc[("stranger", "both"), "p_holm"] < 0.05
    assert pairs.loc[("one", "other"), "p"] > 0.05
    assert (found.factors, found.sizes) == (("stimuli", "animals"), {"stimuli": 24, "animals": 6})


def test_the_columns_fit_together(found):
    for table, value, others in (
        (found.models, "similarity", ["p_permutations", "p_ceiling"]),
        (found.pairs, "difference", ["p"]),
    ):
        np.testing.assert_allclose((table["low"] + table["high"]) / 2, table[value])
        reach = stats.t.ppf(0.975, table["dof"]) * table["standard_error"]
        np.testing.assert_allclose(table["high"] - table[value], reach)
        for p in others:
            assert table[p].between(0, 1).all()
            assert (table[p] > 0).all()
            np.testing.assert_allclose(table[f"{p}_holm"], holm(table[p]))
            np.testing.assert_allclose(table[f"{p}_fdr"], stats.false_discovery_control(table[p]))
            assert (table[f"{p}_holm"] >= table[f"{p}_fdr"] - 1e-15).all()
    t = found.pairs["difference"] / found.pairs["standard_error"]
    np.testing.assert_allclose(found.pairs["p"], 2 * stats.t.sf(np.abs(t), found.pairs["dof"]))


def test_estimates_are_plain_means(found):
    models, trials = animals()
    data = np.stack([rdm(t) for t in trials])
    for name, model in models.items():
        mean = np.mean([rsa.compare_rdms(model, d) for d in data])
        assert found.models.set_index("model").loc[name, "similarity"] == pytest.approx(mean, abs=1e-12)
    ceiling = noise_ceiling(data)
    assert (found.ceiling.lower, found.ceiling.upper) == (ceiling.lower, ceiling.upper)
    (low, high), _ = found.ceiling_intervals
    assert low < ceiling.lower < high


def test_same_seed_same_numbers(found):
    models, trials = animals()
    again = infer(models, np.stack([rdm(t) for t in trials]), **FAST)
    assert again.models.equals(found.models)
    assert again.pairs.equals(found.pairs)
    other = infer(models, np.stack([rdm(t) for t in trials]), seed=1, **FAST)
    assert not other.pairs.equals(found.pairs)


def test_a_model_and_its_copy_do_not_differ():
    models, trials = animals()
    found = infer({"one": models["one"], "copy": models["one"]}, rdm(trials[0]), **FAST)
    pair = found.pairs.iloc[0]
    assert (pair["difference"], pair["p"], pair["p_holm"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("given", "kind", "factors"),
    [
        ("rdm", "none", ("stimuli",)),
        ("responses", "neurons", ("stimuli", "neurons")),
        ("repeats", "repeats", ("stimuli",)),
        ("both", "repeats", ("stimuli", "neurons")),
        ("rdms", "animals", ("stimuli", "animals")),
        ("sessions", "sessions", ("stimuli", "sessions")),
        ("sessions and neurons", "sessions", ("stimuli", "neurons", "sessions")),
        ("animals and sessions", "animals", ("stimuli", "animals")),
    ],
)
@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_the_recording_decides_what_is_resampled(given, kind, factors, method):
    models, _ = animals(n_stimuli=10)
    truth = models["both"]
    trials = simulate_responses(truth, 30, 1.0, np.random.default_rng(0), n_repeats=4, n_animals=3)
    average = trials[0].mean(axis=0)
    arguments = {
        "rdm": {"data": rdm(average)},
        "responses": {"responses": average},
        "repeats": {"repeats": trials[0]},
        "both": {"repeats": trials[0], "responses": average},
        "rdms": {"data": np.stack([rdm(t.mean(axis=0)) for t in trials])},
        "sessions": {"data": np.stack([rdm(t.mean(axis=0)) for t in trials]), "session": ["1", "2", "3"]},
        "sessions and neurons": {"responses": np.stack([trials[0, k : k + 2].mean(axis=0) for k in (0, 2)])},
        "animals and sessions": {
            "data": np.stack([rdm(t) for t in trials[:2].reshape(4, 2, 10, 30).mean(axis=1)]),
            "subject": ["a", "a", "b", "b"],
            "session": ["1", "2", "1", "2"],
        },
    }[given]
    found = infer(models, **arguments, method=method, n_samples=60, n_permutations=20)
    assert (found.ceiling.kind, found.factors) == (kind, factors)
    assert (
        found.models.drop(columns=[c for c in found.models if "ceiling" in c or "shifts" in c]).notna().all(axis=None)
    )
    assert found.models.filter(like="shifts").isna().all(axis=None)
    assert found.pairs.notna().all(axis=None)
    two = given in ("sessions and neurons", "animals and sessions")  # of them there is one pair
    several = kind != "none" and not two
    assert np.isfinite(found.ceiling_intervals).all() == several
    assert found.models["p_ceiling"].isna().all() == (not several)


def in_sessions(n_sessions=2, noise=1.0, seed=0, n_stimuli=24):
    """Features of two kinds, and the same neurons in several sessions: (n_sessions, n_stimuli, n_neurons)."""
    models, _ = animals(n=2, seed=seed, n_stimuli=n_stimuli)
    rng = np.random.default_rng(seed + 500)
    signal = simulate_responses(models["both"], 60, 0.0, rng)[0, 0]
    return models, signal + noise * rng.normal(size=(n_sessions, *signal.shape))


def test_sessions_of_one_animal_are_no_animals():
    models, sessions = in_sessions(3)
    data = np.stack([rdm(session) for session in sessions])
    found = infer(models, responses=sessions, **FAST)
    assert found.sizes == {"stimuli": 24, "neurons": 60, "sessions": 3}
    expected = [np.mean([rsa.compare_rdms(model, own) for own in data]) for model in models.values()]
    np.testing.assert_allclose(found.models["similarity"], expected)
    ceiling = noise_ceiling(data, session=["1", "2", "3"])
    assert (found.ceiling, ceiling.kind) == (ceiling, "sessions")
    assert found.ceiling.lower == noise_ceiling(data).lower  # the numbers of as many animals, with another name
    # Of other neurons in every session, sessions alone are resampled.
    alone = infer(models, data, session=["1", "2", "3"], **FAST)
    assert alone.factors == ("stimuli", "sessions")
    np.testing.assert_allclose(alone.models["similarity"], expected)


def test_several_animals_count_before_their_sessions():
    models, trials = animals(n=4)
    data, whose = np.stack([rdm(t) for t in trials]), {"subject": list("aabb"), "session": list("1212")}
    found = infer(models, data, **whose, **FAST)
    assert found.models.equals(infer(models, data, subject=list("aabb"), **FAST).models)
    assert noise_ceiling(data, **whose) == noise_ceiling(data, subject=list("aabb"))
    one = infer(models, data, subject=list("aaaa"), session=list("1212"), **FAST)
    assert one.sizes == {"stimuli": 24, "sessions": 2}


def test_sessions_that_hardly_differ_say_as_much_as_one_recording():
    """Two sessions have one degree of freedom, but it must not be that of what does not depend on them."""
    models, sessions = in_sessions(1, noise=0.7)
    single = infer(models, responses=sessions[0], **FAST)
    twice = infer(models, responses=np.concatenate([sessions, sessions]), **FAST)
    np.testing.assert_allclose(twice.models["standard_error"], single.models["standard_error"], rtol=0.05)
    assert (twice.models["dof"] > 10).all()
    rng = np.random.default_rng(0)
    nearly = infer(models, responses=sessions + 0.05 * rng.normal(size=(2, *sessions.shape[1:])), **FAST)
    assert (nearly.models["dof"] > 10).all()
    np.testing.assert_allclose(nearly.models["standard_error"], single.models["standard_error"], rtol=0.1)
    # Sessions in which a model matches once and once not leave little to say.
    other = simulate_responses(models["stranger"], 60, 0.5, rng)[0, 0]
    apart = infer(models, responses=np.stack([sessions[0], other]), **FAST).models.set_index("model")
    assert apart.loc["both", "dof"] < 2
    assert apart.loc["both", "high"] - apart.loc["both", "low"] > 1


def test_sessions_cover_and_err_as_they_should():
    """A small version of benchmarks/calibration.py, with wide limits."""
    covered, chance, n = 0, 0, 40
    for seed in range(n):
        models, sessions = in_sessions(2, noise=1.5, seed=seed + 100, n_stimuli=20)
        found = infer(models, responses=sessions, seed=seed, n_samples=60, n_permutations=39)
        pair = found.pairs.set_index(["model", "other"]).loc[("one", "other")]
        covered += pair["low"] <= 0 <= pair["high"]
        chance += found.models.set_index("model").loc["stranger", "p_permutations"] <= 0.05
    assert covered >= n - 7  # 2 misses expected; 8 or more in 1 of 1000 runs
    assert chance <= 7


def test_seeds_are_a_random_factor():
    models, trials = animals()
    rng = np.random.default_rng(1)
    noisy = {
        name: np.stack(
            [
                rdm(rng.normal(size=(24, 8)) if name == "stranger" else trials[0] + 2 * rng.normal(size=(24, 60)))
                for _ in range(6)
            ]
        )
        for name in ("layer", "stranger")
    }
    data = rdm(trials[0])
    found = infer(noisy | {"control": models["one"]}, data, **FAST)
    assert found.factors == ("stimuli", "seeds")
    assert found.models["n_seeds"].tolist() == [6, 6, 1]
    alone = infer(noisy | {"control": models["one"]}, data, generalise_to=["seeds"], **FAST).models.set_index("model")
    assert alone.loc["control", "standard_error"] == 0
    each = [rsa.compare_rdms(seed, data) for seed in noisy["layer"]]
    assert alone.loc["layer", "similarity"] == pytest.approx(np.mean(each))
    assert alone.loc["layer", "standard_error"] == pytest.approx(np.std(each, ddof=1) / np.sqrt(6), rel=0.15)


def test_blocks_for_stimuli_on_a_circle():
    angle = np.deg2rad(np.arange(0, 180, 4))
    tuned = np.exp(3 * np.cos(2 * (angle[:, None] - angle)))
    rng = np.random.default_rng(0)
    data = rdm(tuned + 0.5 * rng.normal(size=tuned.shape))
    models = {"tuned": rdm(tuned), "stranger": rdm(rng.normal(size=(45, 5)))}
    found = infer(models, data, ordered=True, generalise_to=["stimuli"], **FAST)
    assert found.block_length > 1
    assert infer(models, data, **FAST).block_length is None
    # The tuned population is the same all around, so that no shift is worse: chance by shifts proves nothing.
    assert found.models["p_shifts"][0] > 0.05 and found.models["p_permutations"][0] == 0.01


@pytest.mark.parametrize("n_stimuli", [3, 5])
def test_few_stimuli_are_refused_in_words(n_stimuli):
    rng = np.random.default_rng(0)
    data, model = (rdm(rng.normal(size=(n_stimuli, 9))) for _ in range(2))
    with pytest.raises(
        InputError, match=f"there are {n_stimuli} stimuli; generalising to other stimuli needs at least 6"
    ):
        infer({"m": model}, data, **FAST)
    seeds = np.stack([model, data])
    found = infer({"m": seeds}, data, generalise_to=["seeds"], **FAST)
    assert found.models[["similarity", "low", "high", "p_permutations"]].notna().all(axis=None)


@pytest.mark.parametrize("method", ["pearson", "spearman", "whitened-correlation"])
@pytest.mark.parametrize("culprit", ["pair", "flat"])
def test_a_model_without_a_similarity_leaves_the_others_theirs(method, culprit):
    """All dissimilarities are equal: in most samples where one pair alone is apart, or in the model itself."""
    rng = np.random.default_rng(0)
    data, one, other = (rdm(rng.normal(size=(8, 9))) for _ in range(3))
    odd = np.zeros((8, 8)) if culprit == "pair" else 0.5 * (1 - np.eye(8))
    odd[0, 1] = odd[1, 0] = 1 if culprit == "pair" else 0.5
    found = infer({"one": one, culprit: odd, "other": other}, data, method=method, **FAST)
    without = infer({"one": one, "other": other}, data, method=method, **FAST)
    table = found.models.set_index("model")
    columns = ["similarity", "low", "high", "standard_error", "dof", "p_permutations"]
    np.testing.assert_allclose(table.drop(index=culprit)[columns], without.models[columns], rtol=1e-9)
    assert table["why_unknown"].drop(culprit).tolist() == ["", ""]
    row = table.loc[culprit]
    assert row[["low", "high", "standard_error", "dof"]].isna().all()
    if culprit == "flat":
        assert row[["similarity", "p_permutations", "p_permutations_smallest"]].isna().all()
        assert row["why_unknown"] == "all its dissimilarities are 0.5"
        assert (
            table["p_permutations_holm"].drop("flat").equals(without.models.set_index("model")["p_permutations_holm"])
        )
    else:
        assert row["similarity"] == pytest.approx(rsa.compare_rdms(odd, data, method), abs=1e-12)
        assert row["why_unknown"].startswith("all its dissimilarities are equal in ")
    pairs = found.pairs.set_index(["model", "other"])
    assert pairs.loc[("one", "other")].drop(["p_holm", "p_fdr"]).notna().all()
    assert pairs.drop(index=("one", "other"))[["low", "high", "p"]].isna().all(axis=None)


def test_no_model_with_a_similarity_is_an_error():
    data = rdm(np.random.default_rng(0).normal(size=(8, 9)))
    with pytest.raises(InputError, match="no model has a similarity: all dissimilarities of 'flat' are equal"):
        infer({"flat": 1 - np.eye(8)}, data, **FAST)
    assert infer({"flat": 1 - np.eye(8)}, data, method="cosine", **FAST).models["similarity"][0] > 0
    seeds = np.stack([data, 1 - np.eye(8)])
    found = infer({"m": seeds, "other": data}, data, **FAST)
    assert found.models["why_unknown"].tolist() == ["all its dissimilarities are 1 in one seed", ""]


@pytest.mark.parametrize("n", [6, 8, 10, 12])
def test_whitened_comparisons_of_few_stimuli_have_intervals(n):
    """Directions, of which opposite ones are one image to a model, against a matrix that spans 0.20 to 0.36."""
    angle = 2 * np.pi * np.arange(n) / n
    rng = np.random.default_rng(n)
    data = 0.28 - 0.08 * np.cos(angle[:, None] - angle) + 0.005 * rng.normal(size=(n, n))
    data = np.triu(data, 1) + np.triu(data, 1).T
    models = {"images": 1 - np.cos(2 * (angle[:, None] - angle)), "rows": np.add.outer(*2 * [rng.random(n)])}
    for model in models.values():
        np.fill_diagonal(model, 0)
    found = infer(models, data, method="whitened-correlation", n_samples=1000, n_permutations=19)
    assert found.models["why_unknown"].tolist() == ["", ""]
    assert found.models[["low", "high"]].notna().all(axis=None)


def test_both_tests_against_chance_stand_side_by_side():
    rng = np.random.default_rng(0)
    angle = np.deg2rad(np.arange(0, 360, 6))
    distance = 1 - np.cos(angle[:, None] - angle)
    lump = np.exp(2 * np.cos(angle))  # one stretch of the circle is apart from the rest
    tied = distance + np.abs(lump[:, None] - lump) / 5
    noise = rdm(rng.normal(size=(60, 9)))
    options = {"ordered": True, "n_samples": 20, "n_permutations": 99, "generalise_to": ["stimuli"]}
    found = infer({"tied": tied, "free": distance, "stranger": noise}, tied + 0.1 * noise.T, **options)
    table = found.models.set_index("model")
    assert (found.n_orders, found.n_shifts) == (100, 60)
    # A model that is the same all around is related to the data, but cannot be tied to places on the circle.
    assert table["p_permutations"].round(2).tolist() == [0.01, 0.01, table["p_permutations"].iloc[2].round(2)]
    assert table.loc["tied", "p_shifts"] == pytest.approx(1 / 60) == table.loc["tied", "p_shifts_smallest"]
    assert table.loc["free", "p_shifts"] == table.loc["free", "p_shifts_smallest"] == 1
    unordered = infer({"tied": tied}, tied, **(options | {"ordered": False}))
    assert unordered.models.filter(like="shifts").isna().all(axis=None) and unordered.n_shifts == 0
    by_hand = rsa.chance_p_values(tied, tied + 0.1 * noise.T, ordered=True)
    assert table.loc["tied", "p_shifts"] == by_hand[0]
    with pytest.raises(InputError, match="the option chance is gone: both tests against chance are always made"):
        infer({"m": tied}, tied, chance="shifts", **options)


def test_models_that_see_opposite_directions_alike_have_half_the_shifts():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(30, 5))
    model, data = rdm(np.concatenate([half, half])), rdm(rng.normal(size=(60, 9)))
    found = infer({"images": model}, data, ordered=True, n_samples=20)
    assert found.models["p_shifts_smallest"][0] == pytest.approx(2 / 60)
    assert found.models["p_shifts"][0] >= 2 / 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": {}}, "there are no models"),
        ({"data": None}, "no recording given; give data"),
        ({"generalise_to": ["animals"]}, "'animals' cannot be resampled; that needs RDMs of at least two animals"),
        ({"generalise_to": ["neurons"]}, "'neurons' cannot be resampled; that needs responses"),
        ({"generalise_to": ["mice"]}, "'mice' is not one of stimuli, animals, neurons, seeds, sessions, trials"),
        ({"generalise_to": ["sessions"]}, "'sessions' cannot be resampled; that needs RDMs of at least two sessions"),
        ({"generalise_to": []}, "generalise_to is empty"),
        ({"n_samples": 1}, "n_samples is 1"),
        ({"subject": ["a", "b"]}, r"subject has shape \(2,\); it must be \(1,\): the animal of each RDM"),
        ({"session": [["a"]]}, r"session has shape \(1, 1\); it must be \(1,\): the session of each RDM"),
        ({"responses": np.ones((2, 9, 9))}, "responses cover 2 sessions, but there are 1 RDMs; give one per"),
        (
            {"data": None, "responses": np.random.default_rng(0).normal(size=(2, 9, 9)), "subject": ["a", "b"]},
            "responses of the same neurons in several sessions come from one animal",
        ),
    ],
)
def test_bad_input_is_named(change, message):
    rng = np.random.default_rng(0)
    data, model = (rdm(rng.normal(size=(9, 9))) for _ in range(2))
    arguments = {"models": {"m": model}, "data": data, **FAST} | change
    with pytest.raises(InputError, match=message):
        infer(arguments.pop("models"), arguments.pop("data"), **arguments)


def test_models_must_have_the_datas_stimuli_and_equal_seeds():
    rng = np.random.default_rng(0)
    nine, ten = rdm(rng.normal(size=(9, 9))), rdm(rng.normal(size=(10, 9)))
    with pytest.raises(InputError, match="the model 'ten' has 10 stimuli, but the data have 9"):
        infer({"ten": ten}, nine, **FAST)
    with pytest.raises(InputError, match=r"different numbers of seeds: {'a': 2, 'b': 3}"):
        infer({"a": np.stack([nine] * 2), "b": np.stack([nine] * 3)}, nine, **FAST)


def test_corrections():
    p = [0.01, 0.04, 0.03, np.nan, 0.5]
    np.testing.assert_allclose(holm(p), [0.04, 0.09, 0.09, np.nan, 0.5])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.04, 0.16 / 3, 0.16 / 3, np.nan, 0.5])
    assert holm([0.9, 0.8]).tolist() == [1, 1]


def test_human_it_as_published(shared_data):
    """The ceiling of session 1, and the animacy model, as rsatoolbox's demos give them."""
    with np.load(shared_data / "human_it_92.npz") as file:
        data, models = (
            file["rdms"][:, 0].astype(float),
            dict(zip(file["model"], file["model_rdms"].astype(float), strict=True)),
        )
    found = infer(models, data, n_samples=200, n_permutations=199)
    assert (round(found.ceiling.lower, 3), round(found.ceiling.upper, 3)) == (0.252, 0.612)
    table = found.models.set_index("model")
    assert table.loc["animacy", "similarity"] == pytest.approx(0.301, abs=5e-4)
    assert table["similarity"].idxmax() == "animacy"
    assert table.loc["animacy", "p_permutations_holm"] < 0.05
    assert table.loc["V1", "p_permutations"] > 0.05


def test_intervals_cover_and_tests_err_as_they_should():
    """A small version of benchmarks/calibration.py; wide limits, so that chance alone rarely fails it."""
    rejected, covered, chance, n = 0, 0, 0, 60
    for seed in range(n):
        models, trials = animals(n=8, noise=2.0, seed=seed + 100)
        found = infer(models, np.stack([rdm(t) for t in trials]), seed=seed, n_samples=100, n_permutations=39)
        pair = found.pairs.set_index(["model", "other"]).loc[("one", "other")]
        rejected += pair["p"] <= 0.05
        covered += pair["low"] <= 0 <= pair["high"]
        chance += found.models.set_index("model").loc["stranger", "p_permutations"] <= 0.05
    assert rejected == n - covered
    assert rejected <= 9  # 3 expected; 10 or more in 1 of 1000 runs
    assert chance <= 9


@pytest.mark.parametrize("n_animals", [2, 5, 12])
def test_error_of_a_mean_over_animals_is_that_of_any_mean(n_animals):
    rng = np.random.default_rng(n_animals)
    patterns = rng.normal(size=(12, 20))
    animals = [rdm(patterns + rng.normal(size=(12, 20))) for _ in range(n_animals)]
    model = rdm(patterns)
    found = infer({"model": model}, animals, generalise_to=["animals"], n_samples=8000, n_permutations=1)
    each = [rsa.compare_rdms(model, animal) for animal in animals]
    expected = np.std(each, ddof=1) / np.sqrt(n_animals)
    assert found.models["standard_error"][0] == pytest.approx(expected, rel=0.03)
    assert found.models["dof"][0] == n_animals - 1
