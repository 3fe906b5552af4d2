import numpy as np
import pytest
from scipy import stats

from normenc.errors import InputError
from normenc.rsa import compare_rdms, infer, noise_ceiling, rdm, simulate_responses, spearman_brown
from normenc.rsa.ceiling_scale import CeilingScale
from normenc.rsa.contrasts import Contrasts
from normenc.rsa.drawn_ceilings import in_draws, inflation_of_pairs, upper_with
from normenc.rsa.linear_samples import linear_ceiling
from normenc.rsa.resampling import inflation

TRUTH = rdm(np.random.default_rng(9).normal(size=(30, 12)))


def test_spearman_brown_by_hand():
    np.testing.assert_allclose(spearman_brown([0.5, 1.0, 0.0, -0.2]), [2 / 3, 1, 0, -0.2])


@pytest.mark.parametrize("kind", ["neurons", "repeats"])
def test_split_halves_say_what_the_truth_reaches(kind):
    """Upper: the noise-free RDM. Lower: a second recording of the same size."""
    lower, upper, truth, second = [], [], [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        repeats = 8 if kind == "repeats" else 1
        # Many neurons where the noise is that of trials alone, few where it is that of neurons.
        neurons, noise = (300, 1.5) if kind == "repeats" else (120, 1.0)
        first, other = simulate_responses(TRUTH, neurons, noise, rng, n_repeats=repeats, n_animals=2)
        if kind == "repeats":  # the second session is of the same neurons
            signal = simulate_responses(TRUTH, neurons, 0.0, rng)[0]
            first, other = (signal + noise * rng.normal(size=(repeats, 30, neurons)) for _ in range(2))
        found = noise_ceiling(**{"repeats": first} if kind == "repeats" else {"responses": first[0]}, n_splits=20)
        assert found.kind == kind
        lower.append(found.lower)
        upper.append(found.upper)
        truth.append(compare_rdms(TRUTH, rdm(first.mean(axis=0))))
        second.append(compare_rdms(rdm(other.mean(axis=0)), rdm(first.mean(axis=0))))
    assert np.mean(upper) == pytest.approx(np.mean(truth), abs=0.03)
    assert np.mean(lower) == pytest.approx(np.mean(second), abs=0.03)


def test_unrelated_trials_have_a_ceiling_of_nothing():
    rng = np.random.default_rng(0)
    found = noise_ceiling(repeats=rng.normal(size=(6, 20, 50)))
    assert abs(found.lower) < 0.15
    assert found.upper < 0.4


def test_what_applies_follows_from_the_recording():
    rng = np.random.default_rng(0)
    trials = simulate_responses(TRUTH, 20, 1.0, rng, n_repeats=4, n_animals=3)
    rdms = np.stack([rdm(t.mean(axis=0)) for t in trials])
    assert noise_ceiling(rdms).kind == "animals"
    assert noise_ceiling(rdms, subject=["a", "a", "a"]).kind == "none"
    assert noise_ceiling(rdms[0]).kind == "none"
    assert np.isnan([noise_ceiling(rdms[0]).lower, noise_ceiling(rdms[0]).upper]).all()
    assert noise_ceiling(rdms[0], repeats=trials[0], responses=trials[0].mean(axis=0)).kind == "repeats"
    assert noise_ceiling(rdms[0], responses=trials[0].mean(axis=0)).kind == "neurons"
    assert noise_ceiling(rdms, session=["1", "2", "3"]).kind == "sessions"
    assert noise_ceiling(rdms, subject=["a"] * 3, session=["1", "2", "2"]).kind == "sessions"
    assert noise_ceiling(rdms, subject=["a", "a", "b"], session=["1", "2", "1"]).kind == "animals"
    assert noise_ceiling(rdms, session=["1", "1", "1"]).kind == "none"
    for kind in ("animals", "sessions", "repeats", "neurons", "none"):
        assert len(noise_ceiling(rdms[0]).__class__(kind, 0, 1).describe()) > 10


def test_bad_input_is_named():
    with pytest.raises(InputError, match="no data to estimate a noise ceiling from"):
        noise_ceiling()
    with pytest.raises(InputError, match=r"repeats have shape \(1, 5, 6\)"):
        noise_ceiling(repeats=np.zeros((1, 5, 6)))
    with pytest.raises(InputError, match="there are 3 neurons; resampling them needs at least 4"):
        noise_ceiling(responses=np.eye(3))
    with pytest.raises(InputError, match="neurons cannot be resampled for the metric 'poisson'"):
        noise_ceiling(responses=np.ones((5, 6)), rdm_metric="poisson")


def test_a_ceiling_of_few_animals_varies_as_its_interval_says():
    """Over recordings of 5 noisy animals: copies of an animal among the others would double the variance."""
    rng = np.random.default_rng(5)
    lower, widths = [], []
    for _ in range(150):
        trials = simulate_responses(TRUTH, 30, 1.0, rng, n_animals=5)
        found = infer({"truth": TRUTH}, [rdm(t[0]) for t in trials], generalise_to=["animals"], n_permutations=19)
        lower.append(found.ceiling.lower)
        widths.append(np.ptp(found.ceiling_intervals[0]) / 2 / stats.t.ppf(0.975, found.models["dof"][0]))
    assert np.mean(np.square(widths)) / np.var(lower, ddof=1) == pytest.approx(1, abs=0.3)


def test_a_scale_makes_the_error_of_every_ceiling_the_same():
    scale = CeilingScale.of(0.4, of_animals=0.2**2, total=0.2**2 + 0.05**2)
    assert scale.unit == pytest.approx(0.1)
    ceilings = np.array([-0.3, 0.0, 0.1, 0.4, 0.9])
    errors = np.hypot(0.5 * ceilings, 0.05)  # half of a ceiling by single animals, 0.05 by all else
    np.testing.assert_allclose(errors * scale.slope(ceilings), 0.5)
    np.testing.assert_allclose(scale.back(scale.place(ceilings)), ceilings)
    assert scale.back([-50, 50]).tolist() == pytest.approx([-1, 1])
    straight = CeilingScale.of(0.4, of_animals=0.0, total=0.05**2)
    assert straight.slope(0.4) == pytest.approx(straight.slope(-0.4)) == pytest.approx(1 / straight.unit)
    assert straight.bend(0.4, 0.05) < 1e-6 < scale.bend(0.4, 0.2) == 1


@pytest.mark.parametrize("n", [3, 6, 12])
def test_ceilings_of_equally_similar_animals_are_those_of_theory(n):
    """n unit vectors of which two have the product s: the ceilings by hand, and one from the other."""
    for s in (-0.5 / (n - 1), 0.0, 0.1, 0.7):
        between = np.full((n, n), s) + (1 - s) * np.eye(n)
        others = between[0, 1:].sum() / np.sqrt(between[1:, 1:].sum())
        every = between[0].sum() / np.sqrt(between.sum())
        assert upper_with(others, n) == pytest.approx(every)
    # A draw may have a mean below that of any vectors, -1 / (n - 1); no ceiling is below -1.
    between = np.where(np.eye(n), 1.0, -0.9)[None]
    once = np.ones((1, n), dtype=int)
    np.testing.assert_allclose(in_draws(np.zeros((1, 2)), between, np.vstack([once, 2 * once]), np.arange(n)), 0)
    low = between.copy()
    low[0, 0, 1:] = low[0, 1:, 0] = 0.9
    drawn = in_draws(np.zeros((1, 2)), low, np.eye(n, dtype=int)[::-1] + once, np.arange(n))
    assert np.abs(drawn).max() <= 2


def test_a_recording_that_lacks_good_animals_is_not_sure_of_its_low_ceiling():
    """Six animals of very unequal reliability: straight intervals end too low, those on the scale seldom do."""
    rng = np.random.default_rng(9)
    draws = rng.multinomial(6, np.full(6, 1 / 6), size=200)
    ways = [draws, 1 + draws]
    inflations = [{"animals": (*inflation(w), inflation_of_pairs(w))} for w in ways]
    ceilings, high = [], []
    for _ in range(200):
        own = 1 / np.sqrt(1 + np.exp(1.6 * rng.normal(size=6) + 2))  # similarity with the truth
        noise = rng.normal(scale=0.03, size=(6, 6))
        between = np.outer(own, own) + noise + noise.T
        np.fill_diagonal(between, 1)
        ends = linear_ceiling(between[None], np.ones((1, 6)), np.arange(6), False)
        samples = [
            (own, in_draws(ends, between[None], w, np.arange(6))) for own, w in zip(inflations, ways, strict=True)
        ]
        samples = [(own, np.hstack([np.zeros((len(values), 1)), values])) for own, values in samples]
        summary = Contrasts.of(samples, {"animals": 6}, None, np.append(0.0, ends), divided=True)
        ceilings.append(ends[0, 0])
        high.append([summary.of_weights(np.eye(3)[1:2])[1][0], summary.ceiling_intervals()[0, 1]])
    straight, bent = (np.array(high) < np.mean(ceilings)).mean(axis=0)
    assert bent < 0.06 < straight
