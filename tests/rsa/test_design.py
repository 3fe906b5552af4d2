from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.special import log_ndtr, logsumexp
from scipy.stats import norm

from normenc.errors import InputError
from normenc.rsa import choose_stimuli, compare_rdms, discriminability, rdm, simulate_responses
from normenc.rsa.design import confusion, mixing
from normenc.rsa.discriminability import leads
from normenc.rsa.extending import Extension
from normenc.rsa.unequal_neurons import NeuronShares, UnequalNeurons


def d_primes(found):
    lead, spread = found
    return lead / spread


def expected_confusion(models, places, noise, degrees):
    """Of some stimuli, with equally noisy responses."""
    matrices = np.stack([model[np.ix_(places, places)] for model in models.values()])
    reliability = np.full(matrices.shape[:2], 1 / np.sqrt(1 + noise**2))
    shares = [NeuronShares.of(degrees + 1)] * len(models)
    return float(confusion(*leads(matrices, reliability, shares), mixing(np.stack(list(models.values())))))


def candidates(n_stimuli, seed=0):
    """Three codes of the same stimuli: the second is near the first, the third reads some of its dimensions."""
    rng = np.random.default_rng(seed)
    patterns = rng.normal(size=(n_stimuli, 12))
    near = patterns + 0.5 * rng.normal(size=patterns.shape)
    return {"first": rdm(patterns), "near": rdm(near), "part": rdm(patterns[:, :5])}


def log_normal(n_neurons, spread):
    """Variances of neurons, of mean 1, at even quantiles of a log-normal distribution."""
    variances = np.exp(spread * norm.ppf((np.arange(n_neurons) + 0.5) / n_neurons))
    return variances / variances.mean()


def numbers_of(signal, noise):
    """Equal neurons with the same sums of squares, for neurons with such variances."""
    n_signal, n_noise = (own.sum() ** 2 / np.square(own).sum() for own in (signal, noise))
    both = (signal * noise).sum() / signal.sum() / noise.sum() * n_signal * n_noise
    return UnequalNeurons(round(n_signal), round(n_noise), round(both))


ONES = np.ones(60)
FEW = log_normal(60, 1.4)  # 15 equal neurons would have signals that vary as much


@pytest.mark.parametrize(
    ("strengths", "gains", "noises"),
    [(False, ONES, ONES), (True, ONES, ONES), (False, FEW, ONES), (True, FEW, FEW), (False, FEW, FEW[::-1])],
)
def test_the_probability_of_the_lead_is_that_of_simulated_recordings(strengths, gains, noises):
    rng = np.random.default_rng(1)
    models = candidates(12)
    strength = {name: np.exp(-rng.exponential(0.5, size=12)) for name in models} if strengths else None
    expected = discriminability(models, n_neurons=numbers_of(gains, noises), noise=2.0, n_repeats=2, strength=strength)
    for truth in models:
        signals = simulate_responses(models[truth], 60, 0.0, rng, n_animals=300)[:, 0]
        scale = 1.0 if strength is None else strength[truth][:, None]
        noisy = scale * np.sqrt(gains) * signals + 2.0 / np.sqrt(2) * np.sqrt(noises) * rng.normal(size=signals.shape)
        recorded = np.stack([rdm(one) for one in noisy])
        found = {name: compare_rdms(recorded, model) for name, model in models.items()}
        for rival in set(models) - {truth}:
            share = np.mean(found[truth] > found[rival])
            chance = norm.cdf(expected.loc[truth, rival])
            assert share == pytest.approx(chance, abs=0.01 + 4 * np.sqrt(chance * (1 - chance) / 300))
    assert np.isnan(np.diag(expected)).all()


def test_of_two_candidates_the_lead_follows_from_the_variance_of_two_correlations():
    # Three stimuli; candidates differ in two pairs alone, so that the lead is that of one correlation over the other.
    one, other = (
        1 - np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]),
        1 - np.array([[1, 0, 0], [0, 1, 0.5], [0, 0.5, 1]]),
    )
    found = discriminability({"one": one, "other": other}, n_neurons=101, noise=0.0)
    # Variances of r_12 (0.5) and r_23 (0): (1 - 0.25)^2 / 100 and 1 / 100; their covariance is 0 as r_13 = r_23 = 0:
    # [r_13 (1 - r_12^2 - r_23^2 - r_13^2) / 2 + ...] / 100, in which every term holds one of them.
    assert found.loc["one", "other"] == pytest.approx(0.5 / np.sqrt((0.75**2 + 1) / 100))


UNEQUAL = [UnequalNeurons(20, 60, 15), UnequalNeurons(80, 30, 30), UnequalNeurons(40, 40, 0)]


@pytest.mark.parametrize("neurons", [[100] * 3, UNEQUAL])
def test_each_larger_set_is_as_if_computed_anew(neurons):
    rng = np.random.default_rng(2)
    shares = [NeuronShares.of(own) for own in neurons]
    matrices = np.stack(list(candidates(40).values()))
    reliability = rng.uniform(0.2, 0.9, size=(3, 40))
    chosen, off = np.array([3, 8, 1, 30, 22]), ~np.eye(3, dtype=bool)
    found = Extension(matrices, reliability, shares).leads(chosen)
    some = Extension(matrices, reliability, shares).leads(chosen, np.array([7, 39]))
    for place in (0, 7, 39):
        larger = np.append(chosen, place)
        expected = leads(matrices[:, larger][:, :, larger], reliability[:, larger], shares)
        for own, anew in zip(found, expected, strict=True):
            np.testing.assert_allclose(own[place][off], anew[off], atol=1e-10)
    for own, whole in zip(some, found, strict=True):
        np.testing.assert_allclose(own[:, off], whole[[7, 39]][:, off], atol=1e-10)


def test_torch_gives_the_same_numbers_and_the_gradient_of_finite_differences():
    matrices = np.stack(list(candidates(8).values()))
    reliability = np.full((3, 8), 0.5)
    shares = [NeuronShares.of(own) for own in UNEQUAL]
    expected = d_primes(leads(matrices, reliability, shares))
    values = torch.tensor(matrices, requires_grad=True)
    found = d_primes(leads(values, torch.tensor(reliability), shares))
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-12)
    found[0, 1].backward()
    step = np.zeros_like(matrices)
    step[1, 2, 5] = step[1, 5, 2] = 1e-6
    up, down = (d_primes(leads(matrices + sign * step, reliability, shares))[0, 1] for sign in (1, -1))
    slope = (up - down) / 2e-6
    assert float(values.grad[1, 2, 5] + values.grad[1, 5, 2]) == pytest.approx(slope, rel=1e-4)


def test_of_a_small_pool_the_best_of_all_sets_is_chosen():
    models = candidates(10)
    plan = {"n_neurons": 50, "noise": 1.0}
    found = choose_stimuli(models, 6, **plan)
    every = [expected_confusion(models, places, 1.0, 49) for places in combinations(range(10), 6)]
    assert expected_confusion(models, found.stimuli, 1.0, 49) == pytest.approx(min(every))


def test_stimuli_on_which_candidates_differ_are_chosen():
    # Candidates agree but for the last six stimuli, which one holds to be alike and the other to be apart.
    rng = np.random.default_rng(3)
    patterns = rng.normal(size=(60, 20))
    alike = patterns.copy()
    alike[54:] = patterns[54] + 0.3 * rng.normal(size=(6, 20))
    found = choose_stimuli({"apart": rdm(patterns), "alike": rdm(alike)}, 8, n_neurons=50, noise=1.0)
    assert (found.stimuli >= 54).sum() >= 2  # fewer, and the candidates have the same RDM; 0.8 of 8 by chance
    assert found.discriminability.min(axis=None) > 3
    assert found.separates[int(np.argmax(found.stimuli))] in (("apart", "alike"), ("alike", "apart"))


def test_chosen_stimuli_beat_random_ones_and_a_second_try_is_the_same():
    models = candidates(80)
    plan = {"n_neurons": 80, "noise": 3.0, "n_repeats": 4}
    found, again = (choose_stimuli(models, 20, **plan) for _ in range(2))
    np.testing.assert_array_equal(found.stimuli, again.stimuli)
    assert len(set(found.stimuli.tolist())) == 20
    rng = np.random.default_rng(4)
    best = expected_confusion(models, found.stimuli, 1.5, 79)
    for _ in range(10):
        assert expected_confusion(models, rng.choice(80, 20, replace=False), 1.5, 79) > best
    own = {name: model[np.ix_(found.stimuli, found.stimuli)] for name, model in models.items()}
    np.testing.assert_allclose(discriminability(own, **plan), found.discriminability)


def test_confusion_counts_candidates_and_their_mixtures_with_rivals():
    lead, spread = np.array([[0.0, 1.0], [0.5, 0.0]]), np.array([[1.0, 2.0], [0.5, 1.0]])
    shares = np.array([[0.0, 0.6], [0.8, 0.0]])
    pairs = [1.0 / 2, 0.5 / 0.5, (0.6 * 1.0 - 0.4 * 0.5) / 2, (0.8 * 0.5 - 0.2 * 1.0) / 0.5]
    assert float(confusion(lead, spread, shares)) == pytest.approx(float(logsumexp(log_ndtr(-np.array(pairs)))))


def test_a_mixture_is_nearer_to_the_candidate_that_it_has_more_of():
    # Of RDMs as they stand, 0.7 of the flat one and 0.3 of the other would be most similar to the other.
    models = candidates(40)
    flat = 1 - 0.1 * (1 - models["first"])
    np.fill_diagonal(flat, 0)
    rdms = np.stack([flat, models["part"]])
    share = mixing(rdms)
    for one, other in ((0, 1), (1, 0)):
        mixture = share[one, other] * rdms[one] + (1 - share[one, other]) * rdms[other]
        assert compare_rdms(rdms[one], mixture) > compare_rdms(rdms[other], mixture)
    plain = 0.7 * rdms[0] + 0.3 * rdms[1]
    assert compare_rdms(rdms[1], plain) > compare_rdms(rdms[0], plain)


def test_weak_stimuli_are_not_chosen():
    models = candidates(60)
    strength = {name: np.where(np.arange(60) < 30, 0.05, 1.0) for name in models}
    found = choose_stimuli(models, 10, n_neurons=80, noise=1.0, strength=strength)
    assert (found.stimuli >= 30).sum() >= 9  # 5 by chance


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_chosen": 3}, "n_chosen is 3; it must be"),
        ({"n_chosen": 31}, "n_chosen is 31, but the pool has 30 stimuli"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"noise": {"first": 1.0}}, "noise has no entry for the candidate 'near'"),
        (
            {"strength": {name: np.ones(3) for name in ("first", "near", "part")}},
            "one positive number for each of the 30",
        ),
        ({"candidates": {"first": np.ones((3, 3)) - np.eye(3)}}, "there are 1 candidates; give at least 2"),
    ],
)
def test_what_cannot_be_chosen_is_refused(change, message):
    given = {"candidates": candidates(30), "n_chosen": 10, "n_neurons": 20, "noise": 1.0} | change
    with pytest.raises(InputError, match=message):
        choose_stimuli(given.pop("candidates"), given.pop("n_chosen"), **given)


def test_candidates_with_the_same_rdm_are_refused():
    one = candidates(30)["first"]
    with pytest.raises(InputError, match="'one' and 'copy' have the same RDM"):
        choose_stimuli({"one": one, "copy": one.copy()}, 10, n_neurons=20, noise=1.0)


@pytest.mark.parametrize(
    "flat", [1 - np.eye(12), 0.3 * (1 - np.eye(12)), (1 - np.eye(12)) / 3 + 1e-15 * np.eye(12)[::-1]]
)
def test_a_flat_candidate_is_refused(flat):
    pool = {"first": candidates(12)["first"], "flat": flat - np.diag(np.diag(flat))}
    for choose in (discriminability, lambda given, **how: choose_stimuli(given, 6, **how)):
        with pytest.raises(InputError, match="all dissimilarities of 'flat' are equal"):
            choose(pool, n_neurons=20, noise=1.0)


def test_a_candidate_that_is_flat_but_for_few_stimuli_is_never_chosen_without_them():
    flat = 1 - np.eye(150)
    flat[0, 1] = flat[1, 0] = 0.1  # one pair in 11,175
    pool = {"one": rdm(np.random.default_rng(0).normal(size=(150, 9))), "nearly": flat}
    with pytest.raises(InputError, match="in none of 200 random sets of 5 stimuli do all candidates have a similarity"):
        choose_stimuli(pool, 8, n_neurons=30, noise=1.0, seed=3)
    flat = 1 - np.eye(40)
    flat[0, 1:20] = flat[1:20, 0] = 0.5
    pool = {name: own for name, own in candidates(40).items() if name != "part"}
    chosen = choose_stimuli(pool | {"nearly": flat}, 8, n_neurons=30, noise=1.0)
    assert 0 in chosen.stimuli and np.isfinite(chosen.discriminability.to_numpy()[~np.eye(3, dtype=bool)]).all()
    (row,) = [pair for place, pair in zip(chosen.stimuli, chosen.separates, strict=True) if place == 0]
    assert "nearly" in row  # without this stimulus it has no similarity at all


@pytest.mark.parametrize("noise", ["1", None, True, [1.0], np.nan, {"first": "1", "near": 1.0, "part": 1.0}])
def test_noise_that_is_no_number_is_refused(noise):
    for choose in (discriminability, lambda given, **how: choose_stimuli(given, 6, **how)):
        with pytest.raises(InputError, match=r"noise is .* must be a finite standard deviation"):
            choose(candidates(12), n_neurons=20, noise=noise)
