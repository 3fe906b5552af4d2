"""Animals as a yardstick: planted truth in closed form, and by hand."""

import numpy as np
import pytest

from normenc import rsa
from normenc.errors import InputError
from normenc.rsa.drawn_ceilings import inflation_of_pairs, mean_of_pairs
from normenc.rsa.resampling import inflation, total_variance

RNG = np.random.default_rng(0)
N = 40
PAIRS = np.triu_indices(N, 1)


def as_rdm(vector):
    matrix = np.zeros((N, N))
    matrix[PAIRS] = vector
    return matrix + matrix.T


def planted(rng, reliability, n_animals):
    """Dissimilarities of a truth and of animals that differ from it by independent noise alone."""
    truth = rng.normal(size=len(PAIRS[0]))
    noise = np.sqrt(1 / reliability - 1)
    return truth, [truth + rng.normal(scale=noise, size=truth.shape) for _ in range(n_animals)]


@pytest.mark.parametrize("reliability", [0.2, 0.5, 0.8])
def test_animals_reach_the_reliability_and_the_truth_its_root(reliability):
    """The correlation of two animals is S / (S + N) = r, that of the truth with an animal sqrt(S / (S + N))."""
    rng = np.random.default_rng(1)
    truth, animals = planted(rng, reliability, 8)
    another = truth + rng.normal(scale=np.sqrt(1 / reliability - 1), size=truth.shape)
    models = {"truth": as_rdm(truth), "another animal": as_rdm(another)}
    found = rsa.against_animals(models, [as_rdm(own) for own in animals], n_samples=50)
    assert found.between[0] == pytest.approx(reliability, abs=0.02)
    assert found.models["similarity"].tolist() == pytest.approx([np.sqrt(reliability), reliability], abs=0.03)
    expected = [np.sqrt(reliability) - reliability, 0]
    assert found.models["difference"].tolist() == pytest.approx(expected, abs=0.03)
    assert found.models["p"][0] < 0.01 < found.models["p"][1]
    ceiling = rsa.noise_ceiling([as_rdm(own) for own in animals])
    # Of eight animals: with the mean of the others, whose noise is a seventh; and with the mean of all.
    assert ceiling.lower == pytest.approx(np.sqrt(reliability) / np.sqrt(1 + (1 / reliability - 1) / 7), abs=0.02)


def test_by_hand():
    animals = [as_rdm(RNG.normal(size=len(PAIRS[0]))) for _ in range(3)]
    model = as_rdm(RNG.normal(size=len(PAIRS[0])))
    found = rsa.against_animals({"m": model}, animals, subject=["x", "y", "x"], n_samples=20)
    s = lambda a, b: np.corrcoef(a[PAIRS], b[PAIRS])[0, 1]  # noqa: E731
    x, y, z = animals
    assert found.between[0] == pytest.approx((s(x, y) + s(z, y)) / 2)
    table = found.animals.set_index("animal")
    assert table["similarity"].to_dict() == pytest.approx({"x": (s(model, x) + s(model, z)) / 2, "y": s(model, y)})
    assert table["between_animals"].to_dict() == pytest.approx(dict.fromkeys("xy", (s(x, y) + s(z, y)) / 2))
    assert found.factors == ("stimuli", "animals") and found.sizes == {"stimuli": N, "animals": 2}


@pytest.mark.parametrize("method", ["debiased-cka", "pwcca", "one-to-one"])
def test_responses_of_animals_with_neurons_of_their_own(method):
    rng = np.random.default_rng(2)
    latent = rng.normal(size=(N, 4))
    animals = [latent @ rng.normal(size=(4, n)) + 0.3 * rng.normal(size=(N, n)) for n in (6, 7, 9)]
    models = {"same": latent @ rng.normal(size=(4, 8)), "other": rng.normal(size=(N, 8))}
    found = rsa.against_animals(models, animals, method=method, n_samples=20, generalise_to=["animals"])
    measure = rsa.REPRESENTATION_MEASURES[method]
    pairs = [measure.compare(a, b) for a in animals for b in animals if a is not b]
    assert found.between[0] == pytest.approx(np.mean(pairs), abs=1e-9)
    both = [(measure.compare(models["same"], a) + measure.compare(a, models["same"])) / 2 for a in animals]
    assert found.models["similarity"][0] == pytest.approx(np.mean(both), abs=1e-9)
    assert found.models["difference"][0] > found.models["difference"][1]


def test_one_animal_is_refused():
    animals = [as_rdm(RNG.normal(size=len(PAIRS[0]))) for _ in range(2)]
    with pytest.raises(InputError, match="there is one animal"):
        rsa.against_animals({"m": animals[0]}, animals, subject=["x", "x"])
    with pytest.raises(InputError, match="has no similarity"):
        rsa.against_animals({"flat": 1 - np.eye(N)}, animals)


def different_animals(rng, n_animals, n_stimuli=20):
    """Animals that differ in how noisy they are, so that there is variance over animals to find."""
    patterns = np.random.default_rng(5).normal(size=(n_stimuli, 30))
    noise = np.exp(0.8 * rng.normal(size=n_animals))
    return [rsa.rdm(patterns + own * rng.normal(size=patterns.shape)) for own in noise]


@pytest.mark.parametrize("generalise_to", [["animals"], ["stimuli", "animals"], None])
def test_two_animals_say_nothing_of_other_pairs(generalise_to):
    """Their one similarity is in all samples that have one, so that its variance over them would be 0."""
    two = different_animals(np.random.default_rng(0), 2)
    found = rsa.against_animals(
        {"m": rsa.rdm(RNG.normal(size=(20, 9)))}, two, generalise_to=generalise_to, n_samples=30
    )
    assert found.models[["low", "high", "standard_error", "dof", "p", "p_holm"]].isna().all(axis=None)
    assert found.models["why_unknown"][0].startswith("two animals have one similarity with each other, and how much")
    assert np.isfinite(found.between[0]) and np.isnan(found.between[1:]).all()
    assert "interval unknown" in repr(found) and found.notes[0].startswith("There are no intervals: two animals have")
    of_these = rsa.against_animals({"m": two[0]}, two, generalise_to=["stimuli"], n_samples=30)
    assert of_these.models["p"].notna().all() and of_these.models["why_unknown"].eq("").all()


def test_three_animals_cover_the_difference_in_the_population():
    rng = np.random.default_rng(1)
    patterns = np.random.default_rng(5).normal(size=(20, 30))
    model = rsa.rdm(patterns + 0.8 * rng.normal(size=patterns.shape))
    pairs = np.triu_indices(20, 1)
    many = np.corrcoef([own[pairs] for own in different_animals(rng, 300)])
    between = (many.sum() - 300) / (300 * 299)
    others = different_animals(rng, 300)
    truth = np.mean([np.corrcoef(model[pairs], own[pairs])[0, 1] for own in others]) - between
    covered = []
    for seed in range(60):
        own = different_animals(rng, 3)
        found = rsa.against_animals({"m": model}, own, generalise_to=["animals"], n_samples=50, seed=seed).models
        covered.append(found["low"][0] <= truth <= found["high"][0])
    assert np.mean(covered) > 0.85


@pytest.mark.parametrize("subject", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 3, 3]], ids=["one RDM each", "several of some"])
@pytest.mark.parametrize("extra", [0, 1])
def test_an_animals_share_in_pairs_changes_as_that_in_a_mean(subject, extra):
    """Of similarities that are sums of a value of each animal, a mean over pairs is twice that of the values."""
    rng = np.random.default_rng(2)
    subject = np.array(subject)
    n = subject.max() + 1
    values = rng.normal(size=n)[subject]
    between = (values[:, None] + values)[None]
    animals = extra + rng.multinomial(n, np.full(n, 1 / n), size=40)
    amounts = animals[:, subject]
    found = mean_of_pairs(between, amounts, subject)
    whole = mean_of_pairs(between, np.ones((1, len(subject))), subject)
    pairs = between[0][subject[:, None] != subject]
    assert whole == pytest.approx(pairs.mean())
    of_values = amounts @ values / amounts.sum(axis=1)
    np.testing.assert_allclose(found - whole, 2 * (of_values - values.mean()), atol=1e-12)
    alone = np.where(subject == 1, 6, 0)[None]
    assert np.isnan(mean_of_pairs(between, alone, subject)).all()


def test_variance_of_a_mean_over_pairs_is_divided_between_animals_and_pairs():
    """Of similarities with a part of each animal and a part of each pair, whose variances are known."""
    rng = np.random.default_rng(1)
    n, single, pair = 12, 0.3, 0.8
    truth = 4 * single**2 / n + pair**2 / (n * (n - 1) / 2)
    found, rows, columns = [], *np.triu_indices(n, k=1)
    for _ in range(120):
        own, between = single * rng.normal(size=n), np.zeros((n, n))
        between[rows, columns] = pair * rng.normal(size=len(rows))
        between += between.T + own + own[:, None]
        counts = rng.multinomial(n, np.full(n, 1 / n), size=200)
        ways = [counts, 1 + counts]
        variances = [mean_of_pairs(between[None], w, np.arange(n)).var(ddof=1) for w in ways]
        inflations = [{"animals": (*inflation(w), inflation_of_pairs(w))} for w in ways]
        found.append(total_variance(variances, inflations, {"animals": n})[0])
    assert np.mean(found) == pytest.approx(truth, rel=0.15)


@pytest.mark.parametrize("spread", [0.0, 0.6])
def test_six_animals_vary_as_over_recordings(spread):
    """Alike, and of different noise, when a model differs from an animal less than animals do from each other."""
    patterns = np.random.default_rng(5).normal(size=(20, 30))
    model = rsa.rdm(patterns + 0.8 * np.random.default_rng(1).normal(size=patterns.shape))
    differences, errors, n = [], [], 200
    for seed in range(n):
        rng = np.random.default_rng([8, seed])
        noise = np.exp(spread * rng.normal(size=6))
        own = np.stack([rsa.rdm(patterns + one * rng.normal(size=patterns.shape)) for one in noise])
        apart = ~np.eye(6, dtype=bool)
        between = rsa.compare_rdms(own, own)[apart].mean()
        differences.append(rsa.compare_rdms(model, own).mean() - between)
        if seed < 40:
            found = rsa.against_animals({"m": model}, own, generalise_to=["animals"], n_samples=200, seed=seed)
            assert found.models["difference"][0] == pytest.approx(differences[-1])
            errors.append(found.models["standard_error"][0])
    # 0.5 of it where an animal's share in pairs and in the mean differed.
    assert 0.9 < np.mean(np.square(errors)) / np.var(differences, ddof=1) < 2.1


@pytest.mark.parametrize("kind", ["rdms", "session rdms", "linear-cka", "bures", "soft-matching"])
def test_two_animals_or_sessions_say_nothing_of_the_ceiling_s_variance(kind):
    """The same holds of noise ceilings, which are similarities of animals with each other."""
    rng = np.random.default_rng(3)
    responses = [RNG.normal(size=(20, 6)) + 0.5 * rng.normal(size=(20, 6)) for _ in range(3)]
    rdms, model = [rsa.rdm(own) for own in responses], rng.normal(size=(20, 6))
    for n, known in ((2, False), (3, True)):
        if kind.endswith("rdms"):
            whose = {"session": range(n)} if kind == "session rdms" else {}
            asked = ["sessions" if whose else "animals"]
            found = rsa.infer({"m": rsa.rdm(model)}, rdms[:n], **whose, generalise_to=asked, n_samples=20)
        else:
            options = {"generalise_to": ["animals"], "n_samples": 20, "n_permutations": 9}
            found = rsa.infer_representations({"m": model}, responses[:n], method=kind, **options)
        assert np.isfinite(found.ceiling.lower)
        assert found.models["low"].notna().all()
        assert found.models["p_ceiling"].notna().all() == known
        assert np.isfinite(found.ceiling_intervals[0]).all() == known
        assert any(note.startswith("Intervals of the noise ceiling, and tests") for note in found.notes) != known


def test_animals_without_a_similarity_are_refused_by_name():
    rdms = different_animals(np.random.default_rng(4), 2)
    with pytest.raises(InputError, match="similarity of the animals a and flat by pearson is undefined"):
        rsa.against_animals({"m": rdms[0]}, [rdms[1], 1 - np.eye(20)], subject=["a", "flat"])
    responses = [RNG.normal(size=(8, 30)) for _ in range(3)]  # as many components as stimuli but one
    for method in ("svcca", "pwcca"):
        with pytest.raises(InputError, match=f"animals 1 and 2 by {method} is undefined: too few stimuli"):
            rsa.against_animals({"m": responses[0]}, responses, method=method)
    few = [RNG.normal(size=(8, 2)) for _ in range(3)]
    found = rsa.against_animals({"m": responses[0], "few": few[0]}, few, method="svcca", n_samples=20)
    assert found.models["similarity"].isna().tolist() == [True, False]
    assert found.models["why_unknown"][0].startswith("its similarity by svcca is undefined: too few stimuli")


@pytest.mark.parametrize(
    ("method", "alone"),
    [
        ("soft-matching", rsa.soft_matching),
        ("partial-soft-matching", rsa.partial_soft_matching),
        ("one-to-one", rsa.one_to_one_correlation),
    ],
)
def test_all_units_are_matched_where_they_can_be(method, alone):
    rng = np.random.default_rng(5)
    animals = [rng.normal(size=(15, n)) for n in (30, 20, 30)]
    found = rsa.against_animals({"m": rng.normal(size=(15, 7))}, animals, method=method, n_samples=2)
    pairs = [alone(a, b) for a in animals for b in animals if a is not b]
    assert found.between[0] == pytest.approx(np.mean(pairs)) and not found.notes
    odd = [rng.normal(size=(15, n)) for n in (31, 29, 31)]
    found = rsa.against_animals({"m": rng.normal(size=(15, 7))}, odd, method=method, n_samples=2)
    if method != "one-to-one":
        assert "24 of 31, 24 of 29 neurons were matched" in found.notes[0]


@pytest.mark.parametrize("method", ["procrustes", "nothing", ["pearson"], None])
def test_a_method_that_is_none_is_refused(method):
    animals = different_animals(np.random.default_rng(6), 3)
    with pytest.raises(InputError, match=r"method is .*(bures|one of)"):
        rsa.against_animals({"m": animals[0]}, animals, method=method)
