"""Populations whose noise and inequality are planted, and found from single trials or from averages alone."""

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.rsa import rdm, simulate_responses
from normenc.rsa.likeness import NeuronProducts, like_averages, like_trials
from normenc.rsa.single_trials import trial_noise
from normenc.rsa.unequal_stimuli import StimulusVariances, UnequalStimuli

ANGLE = np.radians(2 * np.arange(0, 180, 7.5))
TUNED = rdm(np.exp(2 * np.cos(ANGLE[:, None] - np.linspace(0, 2 * np.pi, 90, endpoint=False))))
N, REPEATS = 400, 4


def trials_of(gains, noises, shared=0.0, seed=0):
    """Single trials (n_repeats, n_stimuli, n_neurons) of neurons whose mean gain and noise variances are 1 and 4."""
    rng = np.random.default_rng(seed)
    signal = gains * simulate_responses(TUNED, N, 0.0, rng)[0]
    noise = np.sqrt(1 - shared) * rng.standard_normal((REPEATS, len(TUNED), N))
    noise += np.sqrt(shared) * rng.standard_normal((REPEATS, len(TUNED), 1)) * rng.choice([-1, 1], N)
    return signal + 2 * noises * noise


def like(trials, source, own=TUNED):
    if source == "averages":
        return like_averages(own, NeuronProducts.of(trials.mean(axis=0)))
    noise, averages = trial_noise(trials.reshape(-1, N), np.tile(np.arange(len(TUNED)), REPEATS))
    return like_trials(own, NeuronProducts.of(averages), noise)


EQUAL = np.ones(N)
FEW = np.repeat([2.0, 0.0], [N // 4, 3 * N // 4])  # a quarter of the neurons has it all; the mean square is 1


@pytest.mark.parametrize("source", ["trials", "averages"])
@pytest.mark.parametrize(
    ("gains", "noises", "expected"),
    [
        (EQUAL, EQUAL, (N, N, N)),
        (FEW, EQUAL, (N // 4, N, N // 4)),
        (EQUAL, FEW, (N, N // 4, N // 4)),
        (FEW, FEW, (N // 4, N // 4, N // 4)),
        (FEW, FEW[::-1], (N // 4, N // 4, 0)),
    ],
)
def test_noise_and_inequality_are_found(source, gains, noises, expected):
    found = [like(trials_of(gains, noises, seed=seed), source) for seed in range(5)]
    assert np.mean([own.noise for own in found]) == pytest.approx(1, abs=0.1)  # 2 / sqrt(4 trials)
    sizes = np.mean([(own.n_neurons.signal, own.n_neurons.noise, own.n_neurons.both) for own in found], axis=0)
    np.testing.assert_allclose(sizes, expected, atol=0.15 * N)


def test_noise_that_neurons_share_counts_as_that_of_fewer():
    found = like(trials_of(EQUAL, EQUAL, shared=0.2), "trials")
    assert found.n_neurons.noise == pytest.approx(1 / (0.2**2 + (1 - 0.2**2) / N), rel=0.4)  # tr(C)^2 / tr(C^2)
    assert found.n_neurons.signal > 0.8 * N


def test_noise_is_relative_to_the_tuning_of_the_rdm_that_is_simulated():
    flatter = 0.25 * TUNED  # neurons with a large common response: a quarter of their variance is tuning
    trials = trials_of(EQUAL, EQUAL)
    assert like(trials, "trials", flatter).noise == pytest.approx(like(trials, "trials").noise / 2, rel=1e-6)


@pytest.mark.parametrize("source", ["trials", "averages"])
def test_noise_alone_is_refused(source):
    trials = np.random.default_rng(3).standard_normal((REPEATS, len(TUNED), N))
    trials -= trials.mean(axis=0) * 0.5  # less signal than chance would leave
    with pytest.raises(InputError, match=r"vary no more between stimuli|nothing in common"):
        like(trials, source)


def test_a_stimulus_with_one_trial_has_no_noise():
    with pytest.raises(InputError, match="fewer than two trials"):
        trial_noise(np.ones((3, 5)), [0, 0, 1])


@pytest.mark.parametrize("source", ["trials", "averages"])
def test_the_strength_and_noise_of_each_stimulus_are_found(source):
    rng, strength = np.random.default_rng(0), np.geomspace(0.2, 2, len(TUNED))
    planted = UnequalStimuli.relative(strength, strength[::-1] if source == "trials" else np.ones(len(TUNED)))
    signal = planted.strength[:, None] * simulate_responses(TUNED, N, 0.0, rng)[0, 0]
    trials = signal + 2 * planted.noise[:, None] * rng.standard_normal((REPEATS, len(TUNED), N))
    index = np.tile(np.arange(len(TUNED)), REPEATS)
    if source == "trials":
        found = StimulusVariances.of_trials(trials.reshape(-1, N), index, N).unequal()
    else:
        found = StimulusVariances.of(trials.mean(axis=0)).unequal(noise=1.0)
    variance = planted.strength**2
    error = np.sqrt(2 / N) * (variance + planted.noise**2)  # of a variance over N neurons
    assert (np.abs(found.strength**2 - variance) < 4 * error).all()
    assert np.square(found.strength**2 - variance).mean() < 1.5 * np.square(error).mean()
    np.testing.assert_allclose(found.noise, planted.noise, rtol=0.1)


def test_stimuli_that_are_equally_strong_are_found_to_be_so():
    spread = []
    for seed in range(5):
        trials = trials_of(EQUAL, 2 * EQUAL, shared=0.02, seed=seed).reshape(-1, N)
        index = np.tile(np.arange(len(TUNED)), REPEATS)
        found = StimulusVariances.of_trials(trials, index, trial_noise(trials, index)[0].n_independent).unequal()
        spread.append((found.strength.std(), found.noise.std()))
    assert np.max(np.mean(spread, axis=0)) < 0.05


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_neurons_without_signal_have_nothing_in_common_on_average(metric):
    """Less their mean over few neurons, many stimuli make chance products large, which are no signal."""
    rng = np.random.default_rng(3)
    found = [NeuronProducts.of(rng.normal(size=(60, 12)), metric).halves.sum() for _ in range(300)]
    assert np.mean(found) == pytest.approx(0, abs=4 * np.std(found) / np.sqrt(len(found)))
