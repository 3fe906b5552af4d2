import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import binomtest

from normenc.errors import InputError
from normenc.rsa import compare_rdms, identification, rdm, simulate_responses
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import upper
from normenc.rsa.rates import mean_rate
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.rsa.wishart import SimulatedRdms, covariance_of

RNG = np.random.default_rng(0)
CANDIDATES = {name: rdm(RNG.normal(size=(12, 6))) for name in ("one", "other", "third")}
MIXTURE = 0.5 * CANDIDATES["one"] + 0.5 * CANDIDATES["other"]


def moments(vectors):
    """Means and variances of dissimilarities, and of their sum, whose variance has all covariances in it."""
    return vectors.mean(axis=0), vectors.var(axis=0), vectors.sum(axis=1).var()


@pytest.mark.parametrize("metric", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize(("n_neurons", "noise"), [(5, 0.0), (8, 0.7), (30, 1.5)])  # 8 and less: the singular case
def test_drawn_rdms_are_distributed_as_those_of_simulated_neurons(metric, n_neurons, noise):
    own, n = CANDIDATES["one"], 4000
    covariance = covariance_of(own, metric)
    rng = np.random.default_rng(1)
    values, directions = np.linalg.eigh(covariance)
    signal = directions * np.sqrt(np.maximum(values, 0)) @ rng.standard_normal((n, 12, n_neurons))
    neurons = signal + noise * rng.standard_normal(signal.shape)
    real = np.stack([upper(rdm(responses, metric)[None])[0] for responses in neurons])
    drawn = SimulatedRdms(own, n_neurons, noise, metric).draw(n, np.random.default_rng(2))
    (mean, variance, all_of_them), (own_mean, own_variance, own_all) = moments(real), moments(drawn)
    error = np.sqrt(2 * variance / n)  # of a difference of two means
    assert np.abs(mean - own_mean).max() < 4.5 * error.max()
    np.testing.assert_allclose(own_variance, variance, rtol=0.25)
    assert own_all == pytest.approx(all_of_them, rel=0.12)


@pytest.mark.parametrize("n_neurons", [8, UnequalNeurons(10, 20, 8)])
def test_drawn_rdms_of_unequal_stimuli_are_those_of_simulated_neurons(n_neurons):
    stimuli, n = UnequalStimuli(np.geomspace(0.1, 2, 12), np.linspace(2, 0.5, 12)), 3000
    rng = np.random.default_rng(1)
    size = UnequalNeurons(n_neurons, n_neurons, n_neurons) if isinstance(n_neurons, int) else n_neurons
    total = size.signal + size.noise - size.both
    with_signal, with_noise = np.arange(total) < size.signal, np.arange(total) >= total - size.noise
    signal = simulate_responses(CANDIDATES["one"], total, 0.0, rng, n_animals=n)[:, 0]
    signal *= stimuli.strength[:, None] * with_signal / np.sqrt(size.signal)
    noise = 0.7 * stimuli.noise[:, None] * rng.standard_normal(signal.shape) * with_noise / np.sqrt(size.noise)
    real = np.stack([upper(rdm(responses)[None])[0] for responses in signal + noise])
    drawn = SimulatedRdms(CANDIDATES["one"], n_neurons, 0.7, stimuli=stimuli).draw(n, np.random.default_rng(2))
    (mean, variance, all_of_them), (own_mean, own_variance, own_all) = moments(real), moments(drawn)
    np.testing.assert_allclose(own_mean, mean, atol=4.5 * np.sqrt(2 * variance.max() / n))
    np.testing.assert_allclose(own_variance, variance, rtol=0.25)
    assert own_all == pytest.approx(all_of_them, rel=0.15)


def test_drawn_correlations_have_the_known_variance():
    rho, n_neurons = 0.6, 400
    own = 1 - np.array([[1, rho, 0], [rho, 1, 0], [0, 0, 1]])
    drawn = SimulatedRdms(own, n_neurons, 0).draw(20_000, np.random.default_rng(0))
    expected = (1 - np.array([rho, 0, 0]) ** 2) ** 2 / (n_neurons - 1)  # Fisher 1915, to the first order
    np.testing.assert_allclose(drawn.var(axis=0), expected, rtol=0.04)


def test_euclidean_rdms_come_back_in_units_of_the_signal():
    patterns = RNG.normal(size=(6, 40))
    own = rdm(patterns, "euclidean")
    drawn = SimulatedRdms(own, 500_000, 0, "euclidean").draw(1, RNG)[0]
    signal = np.square(patterns - patterns.mean(axis=0)).mean()
    np.testing.assert_allclose(drawn, pdist(patterns, "sqeuclidean") / 40 / signal, rtol=0.01)


@pytest.mark.parametrize("noises", [[3.0], [3.0] * 3, [2.0, 9.0, 9.0]])
def test_shares_are_those_of_whole_simulated_recordings(noises):
    n, rng, measures = 300, np.random.default_rng(3), ["pearson", "spearman", "whitened-correlation"]
    amounts = {"n_neurons": 12, "noise": noises, "n_repeats": 2, "n_animals": len(noises)}
    found = identification(CANDIDATES, **amounts, measures=measures, n_simulations=4 * n)
    stack = np.stack(list(CANDIDATES.values()))
    hits = dict.fromkeys(measures, 0)
    for _ in range(n):
        data = [simulate_responses(CANDIDATES["other"], 12, noise, rng, n_repeats=2)[0] for noise in noises]
        animals = np.stack([rdm(trials.mean(axis=0)) for trials in data])
        for measure in measures:
            hits[measure] += compare_rdms(stack, animals, measure).mean(axis=1).argmax() == 1
    for measure in measures:
        share = found.matrix(measure).loc["other", "other"]
        assert 0.2 < share < 1
        assert binomtest(hits[measure], n, share).pvalue > 0.001


def test_the_rate_is_over_candidates_alone_and_rows_add_up():
    found = identification(CANDIDATES, n_neurons=12, noise=3, truths={"mixture": MIXTURE}, n_simulations=200)
    matrix = found.matrix()
    assert matrix.index.tolist() == [*CANDIDATES, "mixture"]
    assert matrix.columns.tolist() == list(CANDIDATES)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    rate, low, high = found.rate()
    assert rate == pytest.approx(np.trace(matrix.loc[list(CANDIDATES)]) / 3)
    assert 0 < low < rate < high <= 1
    assert matrix.loc["mixture", "third"] < min(matrix.loc["mixture", ["one", "other"]])
    assert not found.table.loc[found.table["truth"] == "mixture", "is_candidate"].any()
    with pytest.raises(InputError, match="'mixture' is none of the candidates"):
        found.rate(truth="mixture")


def test_the_interval_of_a_rate_is_wilsons():
    found = identification(CANDIDATES, n_neurons=2000, noise=0, n_simulations=4)
    assert found.rate(truth="one") == pytest.approx((1, 4 / (4 + 1.959964**2), 1))  # n / (n + z^2), where all are right


def test_a_candidate_left_out_is_taken_for_the_most_similar_other():
    near = CANDIDATES | {"near": 0.8 * CANDIDATES["one"] + 0.2 * CANDIDATES["third"]}
    found = identification(near, n_neurons=5000, noise=0, n_simulations=20)
    left_out = found.matrix(left_out=True)
    assert left_out.loc["one", "near"] == left_out.loc["near", "one"] == 1
    assert np.isnan(np.diagonal(left_out)).all()
    assert found.rate().rate == 1
    alone = identification({name: near[name] for name in ("other", "third")}, n_neurons=20, noise=1)
    assert alone.table["share_left_out"].isna().all()  # the only other one would be chosen whatever was recorded


def test_some_truths_alone_are_simulated_and_give_what_they_give_among_all():
    options = {"n_neurons": 12, "noise": 3, "n_simulations": 50}
    whole, some = identification(CANDIDATES, **options), identification(CANDIDATES, simulate=["other"], **options)
    assert some.matrix().index.tolist() == ["other"]
    assert some.matrix().loc["other"].equals(whole.matrix().loc["other"])


def test_ties_are_broken_at_random_whatever_the_order():
    copies = {"one": CANDIDATES["one"], "half": CANDIDATES["one"] / 2, "other": CANDIDATES["other"]}
    for candidates in (copies, dict(reversed(copies.items()))):
        found = identification(candidates, n_neurons=500, noise=0, n_simulations=400)
        for truth in ("one", "half"):
            assert found.matrix().loc[truth, ["one", "half"]].tolist() == pytest.approx([0.5, 0.5], abs=0.1)
        assert found.rate(truth="other").rate == 1


def test_candidates_with_the_same_rdm_are_one_and_flat_ones_are_named():
    flat = 1 - np.eye(12)
    more = CANDIDATES | {"copy": CANDIDATES["one"] + 1e-9, "flat": flat}
    more["copy"][np.diag_indices(12)] = 0
    found = identification(more, n_neurons=50, noise=1, measures=["pearson", "cosine"], n_simulations=20)
    assert found.same == {"copy": "one"}
    assert found.flat == {"pearson": ("flat",)}
    assert found.matrix().columns.tolist() == list(CANDIDATES)
    assert found.matrix().index.tolist() == [*CANDIDATES, "flat"]
    assert found.matrix("cosine").columns.tolist() == [*CANDIDATES, "flat"]


def test_seeds_of_a_candidate_are_averaged_and_their_mean_is_the_truth():
    seeds, options = np.stack([CANDIDATES["one"], CANDIDATES["third"]]), {"n_neurons": 12, "noise": 3}
    found = identification({"net": seeds, "other": CANDIDATES["other"]}, **options, n_simulations=200)
    drawn = SimulatedRdms(seeds.mean(axis=0), 12, 3.0).draw(2000, np.random.default_rng(5))
    similarity = as_measure("pearson").compare(drawn, upper(np.stack([*seeds, CANDIDATES["other"]])))
    named = (similarity[:, :2].mean(axis=1) > similarity[:, 2]).mean()
    assert 0.6 < named < 0.95
    assert binomtest(round(200 * found.rate(truth="net").rate), 200, named).pvalue > 0.01


def test_the_interval_of_the_mean_is_over_simulations_of_the_truths_there_are():
    # 7 truths that are always named and one that never is: 7/8, whose error is that of 8 shares of 100.
    rate, low, high = mean_rate([100] * 7 + [0], 100)
    wilson = 1.959964**2 / (100 + 1.959964**2)  # from 0 or 1 to its other end
    assert (rate, low, high) == pytest.approx((7 / 8, 7 / 8 - wilson * np.sqrt(7) / 8, 7 / 8 + wilson / 8))
    rng, rates, inside = np.random.default_rng(0), np.array([0.99, 0.9, 0.5, 0.02]), 0
    for right in rng.binomial(100, rates, size=(400, 4)):
        rate, low, high = mean_rate(right, 100)
        inside += low <= rates.mean() <= high
    assert 0.92 < inside / 400 < 0.98


def test_more_neurons_trials_and_animals_find_more():
    few = identification(CANDIDATES, n_neurons=6, noise=2).rate().rate
    for more in ({"n_neurons": 60}, {"n_repeats": 20}, {"n_animals": 10}, {"n_neurons": [6] * 10}):
        assert identification(CANDIDATES, **{"n_neurons": 6, "noise": 2} | more).rate().low > few


def test_noise_may_differ_between_truths():
    noise = dict.fromkeys(CANDIDATES, 0.5) | {"third": 50.0}
    found = identification(CANDIDATES, n_neurons=200, noise=noise)
    assert found.rate(truth="one").rate == 1
    assert found.rate(truth="third").rate < 0.7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"candidates": {"one": CANDIDATES["one"]}}, "at least two candidates"),
        ({"candidates": dict.fromkeys("ab", CANDIDATES["one"])}, "no recording can tell them apart"),
        ({"candidates": CANDIDATES | {"few": np.ones((3, 3)) - np.eye(3)}}, "'few' has 3 stimuli, but 'one' has 12"),
        ({"candidates": {"one": CANDIDATES["one"], "flat": 1 - np.eye(12)}}, "by pearson, 1 of 2 candidates can be"),
        ({"n_neurons": 3}, "n_neurons"),
        ({"n_neurons": [50, 60], "n_animals": 3}, "given for 2 animals, but n_animals is 3"),
        ({"noise": -1}, "the noise of 'one' is -1"),
        ({"noise": 1e200}, "the noise of 'one' is 1e.200; it must be .* at most 1e.09"),
        ({"noise": [1.0, 2.0]}, "the noise of 'one' is given for 2 animals, but there are 1"),
        ({"noise": {"one": 1}}, "noise is not given for 'other'"),
        ({"n_repeats": 0}, "n_repeats is 0"),
        ({"measures": []}, "at least one measure"),
        ({"measures": ["pearson", "pearson"]}, "each once"),
        ({"truths": {"one": MIXTURE}}, "has the name of a candidate"),
        ({"simulate": ["fourth"]}, "'fourth' is none of the candidates"),
        ({"stimuli": UnequalStimuli.equal(5)}, "stimuli has 5 strengths, but RDMs have 12 stimuli"),
        ({"stimuli": {"one": UnequalStimuli.equal(12)}}, "stimuli are not given for 'other'"),
        ({"rdm_metric": "poisson"}, "rdm_metric is 'poisson'"),
    ],
)
def test_what_cannot_be_simulated_is_said(changes, message):
    given = {"candidates": CANDIDATES, "n_neurons": 50, "noise": 1.0} | changes
    with pytest.raises(InputError, match=message):
        identification(given.pop("candidates"), **given)
