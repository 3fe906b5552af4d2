import numpy as np
import pytest
from planted_pairs import PlantedPairs
from scipy import stats

from normenc.rsa import infer, rdm
from normenc.rsa.bootstrap import of_scope
from normenc.rsa.contrasts import Contrasts
from normenc.rsa.neuron_parts import NeuronDraws, draw_parts, interactions
from normenc.rsa.resampling import inflation, total_variance


@pytest.mark.parametrize(("n", "left_out"), [(4, 1), (20, 2), (100, 10)])
def test_parts_leave_out_a_tenth_each_its_own(n, left_out):
    one, other, both = draw_parts(n, 4000, np.random.default_rng(0))
    for part in (one, other):
        assert set(np.unique(part)) == {0, 1} and set(part.sum(axis=1)) == {n - left_out}
        np.testing.assert_allclose(part.mean(axis=0), 1 - left_out / n, atol=0.04)
        assert inflation(part)[0] == pytest.approx(left_out / (n - left_out), rel=0.01)  # a mean without replacement
    np.testing.assert_array_equal(both, one * other)
    assert set(both.sum(axis=1)) == {n - 2 * left_out}  # no member is lacking in both


@pytest.mark.parametrize("sizes", [np.ones(45), np.repeat([1.0, 2.0], 15)], ids=["equal", "unequal"])
def test_interactions_are_of_two_neurons_lacking_in_different_parts(sizes):
    """The square of a mean over neurons of mean 0 has no other part; that of a mean itself has none."""
    rng = np.random.default_rng(0)
    drawn = NeuronDraws.of_parts(sizes, 60, rng)
    values = rng.normal(size=len(sizes))
    values -= values @ sizes / sizes.sum()
    means = (drawn.weights @ (sizes * values) / (drawn.weights @ sizes)).reshape(3, 20, 1)
    assert np.abs(interactions(np.zeros((20, 1)), means, drawn.shares)).max() < 1e-14
    # sums over parts instead of means: the square's second difference is twice the product of both lacking sums
    sums = means * drawn.shares[:, :, None]
    found = sums[2] ** 2 - sums[0] ** 2 - sums[1] ** 2
    lacking = (1 - drawn.weights.reshape(3, 20, -1)) @ (sizes * values) / sizes.sum()
    np.testing.assert_allclose(found[:, 0], 2 * lacking[0] * lacking[1], atol=1e-14)


@pytest.mark.parametrize("n", [40, 60])
def test_differences_multiply_variance_by_what_inflations_say(n):
    """Shares of single members, and of pairs, in a mean over pairs: their variances over many draws."""
    drawn = NeuronDraws.of_parts(np.ones(n), 9000, np.random.default_rng(0))
    rows, columns = np.triu_indices(n, k=1)
    pairs = drawn.weights[:, rows] * drawn.weights[:, columns].astype(float)
    pairs /= pairs.sum(axis=1, keepdims=True)
    of_all = np.full((3000, len(rows)), 1 / len(rows))
    found = [own.var(axis=0, ddof=1).sum() * len(rows) for own in drawn.differences(of_all, pairs, of_all[0])]
    np.testing.assert_allclose(found, [pair[1] for pair in drawn.inflations], rtol=0.05)
    single = drawn.weights / drawn.weights.sum(axis=1, keepdims=True)
    everyone = np.full((3000, n), 1 / n)
    found = [own.var(axis=0, ddof=1).sum() * n for own in drawn.differences(everyone, single, everyone[0])]
    np.testing.assert_allclose(found, [pair[0] for pair in drawn.inflations], rtol=0.05, atol=1e-20)


def test_the_variance_of_a_mean_over_pairs_of_neurons_counts_once():
    rng, n = np.random.default_rng(1), 40
    planted, found, of_singles = PlantedPairs(n, single=0.2, pair=2.0), [], []
    for _ in range(100):
        values, drawn = planted.draw(rng), NeuronDraws.of_parts(np.ones(n), 300, rng)
        means = planted.means(values, drawn.weights)[:, None]
        every = drawn.differences(np.full((100, 1), values.mean()), means, values.mean(keepdims=True))
        variances = [each.var(ddof=1) for each in every]
        rows_of = [{"neurons": own} for own in drawn.inflations]
        found.append(total_variance(variances, rows_of, {"neurons": n})[0])
        of_singles.append(total_variance(variances[:1], [{"neurons": rows_of[0]["neurons"][:1]}], {"neurons": n})[0])
    assert np.mean(found) == pytest.approx(planted.truth, rel=0.12)
    assert np.mean(of_singles) > 1.3 * planted.truth  # if all counted as of single neurons


@pytest.mark.parametrize("sizes", [np.ones(12), np.full(12, 9.0), np.ones(39)])
def test_of_few_neurons_all_counts_as_of_single_ones(sizes):
    drawn = NeuronDraws.of_parts(sizes, 30, np.random.default_rng(0))
    n, lacking = len(sizes), max(1, round(len(sizes) / 10))
    assert drawn.weights.shape == (30, n) and drawn.inflations == ((pytest.approx(lacking / (n - lacking)),),)


def test_a_model_varies_against_the_ceiling_as_over_other_neurons():
    """Most of the difference's variance depends on two neurons at once; counted twice, it would be 1.9 of the true."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(16, 12))
    differences, variances = [], []
    for seed in range(100):
        responses = features @ (rng.normal(size=(12, 60)) / np.sqrt(12)) + 1.5 * rng.normal(size=(16, 60))
        given = {"responses": responses, "generalise_to": ["neurons"]}
        found = infer({"right": rdm(features)}, **given, n_samples=150, n_permutations=1, seed=seed)
        row = found.models.iloc[0]
        differences.append(row["similarity"] - found.ceiling.lower)
        variances.append((differences[-1] / stats.t.isf(row["p_ceiling"] / 2, 59)) ** 2)
    assert 0.7 < np.mean(variances) / np.var(differences, ddof=1) < 1.4


def test_similarities_are_undefined_in_the_same_samples_of_stimuli_with_and_without_neurons():
    patterns = np.random.default_rng(1).normal(size=(10, 40))
    alone = np.zeros((10, 10))
    alone[0, 1:] = alone[1:, 0] = 1  # undefined without the first stimulus
    models = {"same": rdm(patterns), "alone": alone}

    def reasons(*factors):
        found = infer(models, responses=patterns, n_samples=300, n_permutations=9, generalise_to=factors)
        return found.models["why_unknown"].tolist()

    share = int(reasons("stimuli")[1].split(" %")[0].split()[-1]) / 100
    assert share == pytest.approx(0.9**10, abs=0.08)
    assert reasons("stimuli", "neurons") == reasons("stimuli")
    assert reasons("neurons") == ["", ""]


def test_similarities_that_some_neurons_leave_undefined_are_unknown():
    drawn = NeuronDraws.of_parts(np.ones(50), 30, np.random.default_rng(0))
    parts, together, of_stimuli = (np.random.default_rng(1).normal(size=(n, 3)) for n in (20, 10, 30))
    parts[:12, 0] = together[:, 0] = np.nan  # in 12 of 20 parts: of the first 10 in one of them, of 2 in both
    samples = [({"neurons": own}, values) for own, values in zip(drawn.inflations, (parts, together), strict=True)]
    samples.append(({"stimuli": (1.0,)}, of_stimuli))

    def reason(*factors):
        summary = Contrasts.of(of_scope(samples, factors), dict.fromkeys(factors, 50), None, np.zeros(3))
        return summary.with_unknown(["model"], {}).why_unknown

    assert "60 %" in reason("neurons")[0]
    assert "47 %" in reason("stimuli", "neurons")[0]  # of the stimuli with both parts, 2 of 30, and 40 % by neurons
    assert reason("stimuli") == ("",)
