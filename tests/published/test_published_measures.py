"""Measures of published numbers find what was planted in simulated recordings."""

import numpy as np
import pytest

from normenc import encoding, rsa
from normenc.errors import InputError
from normenc.published import (
    MEASURES,
    decoding,
    eigenspectrum_exponent,
    network_feve,
    publications,
    rdm_ceiling,
    reliable_neurons,
)
from normenc.recordings import Recording


def of_images(trials, shown, images=None) -> Recording:
    names = np.array([f"image{k:04d}" for k in range(max(shown) + 1)])
    own = {} if images is None else {"images": images}
    return Recording.from_trials("toy", trials, image=names[shown], **own)


@pytest.mark.parametrize("exponent", [0.8, 1.0, 1.4])
def test_the_exponent_of_a_planted_eigenspectrum_is_found(exponent):
    rng = np.random.default_rng(0)
    n_stimuli, n_neurons = 600, 500
    spectrum = np.arange(1, n_neurons + 1.0) ** -exponent
    stimuli, neurons = (np.linalg.qr(rng.normal(size=(n, n_neurons)))[0] for n in (n_stimuli, n_neurons))
    signal = np.sqrt(n_stimuli) * stimuli * np.sqrt(spectrum) @ neurons.T
    noise = 0.03 * rng.normal(size=(2, n_stimuli, n_neurons))
    recording = of_images((signal + noise).reshape(-1, n_neurons), np.tile(np.arange(n_stimuli), 2))
    found = eigenspectrum_exponent(recording, first=11, last=150, n_draws=2)
    assert found.value == pytest.approx(exponent, abs=0.05)
    assert found.low <= found.value <= found.high < found.low + 0.1


def test_the_threshold_of_a_planted_code_is_that_of_its_fisher_information():
    """Neurons cos(2 (theta - phi)) with noise of variance 1: the best decoder errs with sd 1 / sqrt(2 n) radians."""
    rng = np.random.default_rng(0)
    n_neurons, n_trials = 200, 800
    theta, phi = rng.uniform(0, 180, n_trials), np.arange(n_neurons) * 180 / n_neurons
    trials = np.cos(2 * np.radians(theta[:, None] - phi)) + rng.normal(size=(n_trials, n_neurons))
    recording = Recording.from_trials("toy", trials, orientation=theta - 90)
    sd = np.degrees(1 / np.sqrt(2 * n_neurons))
    assert decoding(recording, n_draws=2).value == pytest.approx(0.6745 * np.sqrt(2) * sd, rel=0.12)
    error = decoding(recording, statistic="median_error", n_draws=1)
    assert error.value == pytest.approx(0.6745 * sd, rel=0.12)
    assert "every row" in error.note  # no stimulus was shown twice


def test_reliable_neurons_are_those_with_a_signal():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(80, 50)) * (np.arange(50) < 30)  # half of the variance of 30 neurons, none of 20
    shown = np.tile(np.arange(80), 6)
    recording = of_images(signal[shown] + rng.normal(size=(480, 50)), shown)
    found = reliable_neurons(recording, threshold=0.15)
    assert (found.value, found.note) == (30, "of 50 neurons")


@pytest.fixture(scope="module")
def seen():
    """Neurons that filter images linearly, and as many that respond to nothing in them but repeat."""
    rng = np.random.default_rng(0)
    n_once, n_again, n_repeats, n_neurons = 500, 40, 8, 6
    images = rng.uniform(size=(n_once + n_again, 6, 6))
    filtered = (images.reshape(len(images), -1) - 0.5) @ rng.normal(size=(36, n_neurons))
    other = filtered.std() * rng.normal(size=filtered.shape)
    shown = np.concatenate([np.arange(n_once), np.tile(np.arange(n_once, n_once + n_again), n_repeats)])
    signal = np.concatenate([filtered, other], axis=1)
    return images, signal[shown] + 0.3 * rng.normal(size=(len(shown), 2 * n_neurons)), shown, n_neurons


OPTIONS = {
    "n_channels": 1,
    "filter_size": 3,
    "nonlinearity": "none",
    "initial": "random",
    "readout": "linear",
    "device": "cpu",
    "fit": {"max_epochs": 40, "patience": None, "learning_rate": 0.02},
}


def test_a_network_explains_what_can_be_explained_and_no_more(seen):
    images, trials, shown, n = seen
    found = network_feve(of_images(trials[:, :n], shown, images), **OPTIONS)
    assert found.value == pytest.approx(1, abs=0.05)
    assert found.note == "6 of 6 neurons, 500 stimuli to fit, 40 to test"
    assert network_feve(of_images(trials[:, n:], shown, images), **OPTIONS).value == pytest.approx(0, abs=0.15)


def test_feve_is_that_of_the_published_formula(seen):
    """By trials: 1 - (mean squared error - noise) / (variance of trials - noise), noise within images."""
    _, trials, shown, _ = seen
    again = shown >= 500
    trials, index = trials[again], shown[again] - 500
    predicted = np.array([trials[index == k].mean(axis=0) for k in range(40)]) + 0.5
    noise = np.mean([trials[index == k].var(axis=0, ddof=1) for k in range(40)], axis=0)
    published = 1 - (np.square(trials - predicted[index]).mean(axis=0) - noise) / (trials.var(axis=0, ddof=1) - noise)
    ours = encoding.predictivity(predicted, trials, index, n_samples=0).neurons["feve"]
    np.testing.assert_allclose(ours, published, atol=1 / len(trials) * 10)


@pytest.mark.parametrize("noise", [1.0, 3.0])
def test_the_ceiling_of_an_rdm_is_the_similarity_with_a_second_recording(noise):
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(40, 60))
    shown = np.tile(np.arange(40), 10)
    recordings = [signal[shown] + noise * rng.normal(size=(400, 60)) for _ in range(6)]
    found = [rdm_ceiling(of_images(own, shown), n_draws=1).value for own in recordings]
    rdms = [rsa.rdm(own.reshape(10, 40, 60).mean(axis=0)) for own in recordings]
    again = [rsa.compare_rdms(one, other) for k, one in enumerate(rdms) for other in rdms[:k]]
    assert np.mean(found) == pytest.approx(np.mean(again), abs=0.03)


def test_neurons_are_chosen_by_reliability():
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(40, 60)) * (np.arange(60) < 25)
    shown = np.tile(np.arange(40), 10)
    found = rdm_ceiling(of_images(signal[shown] + rng.normal(size=(400, 60)), shown), reliability=0.75, n_draws=1)
    assert found.note == "25 of 60 neurons"


def test_uneven_repeats_are_taken_as_they_are():
    rng = np.random.default_rng(0)
    signal, shown = rng.normal(size=(20, 30)), np.repeat(np.arange(20), 2 + np.arange(20) % 3)
    trials = signal[shown] + 0.1 * rng.normal(size=(len(shown), 30))
    order = rng.permutation(len(shown))
    found = [rdm_ceiling(of_images(trials[o], shown[o]), n_draws=1).value for o in (np.arange(len(shown)), order)]
    assert min(found) > 0.95


def test_ceilings_of_subjects_and_similarities_of_models():
    rng = np.random.default_rng(0)
    rdm = rsa.rdm(rng.normal(size=(8, 20)))
    arrays = {"rdms": np.stack([rdm] * 3), "model_rdms": np.stack([rdm, 1 - rdm]), "model": np.array(["own", "other"])}
    compute = {name: MEASURES[name].compute for name in ("ceiling_of_subjects", "similarity_of_rdm")}
    assert compute["ceiling_of_subjects"](arrays, end="lower").value == pytest.approx(1)
    assert compute["ceiling_of_subjects"](arrays, end="upper").value == pytest.approx(1)
    assert compute["similarity_of_rdm"](arrays, model="own").value == pytest.approx(1)
    with pytest.raises(InputError, match="the file has own, other"):
        compute["similarity_of_rdm"](arrays, model="nobody")
    sessions = arrays | {"rdms": np.stack([[rdm, rdm[::-1, ::-1]]] * 3), "session": np.array([1, 2])}
    assert compute["similarity_of_rdm"](sessions, model="own", session=1).value == pytest.approx(1)
    assert compute["similarity_of_rdm"](sessions, model="own", session=2).value < 0.9
    with pytest.raises(InputError, match="the file has 1, 2"):
        compute["ceiling_of_subjects"](sessions, end="upper", session=3)
    with pytest.raises(InputError, match="no array 'rdms'"):
        compute["ceiling_of_subjects"]({"x": rdm}, end="upper")


ONCE = Recording.from_responses("once", np.random.default_rng(0).normal(size=(6, 4)), image=list("abcdef"))


@pytest.mark.parametrize("name", [name for name, own in MEASURES.items() if own.needs == "recording"])
def test_a_recording_that_does_not_fit_is_refused(name):
    with pytest.raises(InputError, match="once: "):
        MEASURES[name].compute(ONCE)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("eigenspectrum_exponent", {}, "more than 500 stimuli"),
        ("eigenspectrum_exponent", {"last": 20, "n_draws": 0}, "n_draws is 0"),
        ("network_feve", {}, "has none"),
        ("rdm_ceiling", {"reliability": 1.0}, "0 neurons have a reliability"),
    ],
)
def test_impossible_options_are_refused(name, options, said):
    rng = np.random.default_rng(0)
    recording = of_images(rng.normal(size=(120, 60)), np.tile(np.arange(60), 2))
    with pytest.raises(InputError, match=said):
        MEASURES[name].compute(recording, **options)


CLAIMS = {
    f"{own.name}, {claim.name}": claim
    for own in publications().values()
    for claim in own.claims
    if claim.measure in MEASURES and MEASURES[claim.measure].needs == "recording"
}
LESS = {"n_draws": 1, "n_splits": 2, "fit": {"max_epochs": 1, "loss": "poisson"}}  # of what would take long


@pytest.mark.parametrize("name", CLAIMS)
def test_shipped_options_can_be_computed(name):
    """On a small recording of gratings or images, of which most were shown once and others again."""
    claim, rng = CLAIMS[name], np.random.default_rng(0)
    options = claim.options | {key: own for key, own in LESS.items() if key in claim.options}
    if claim.measure == "decoding":
        theta = np.tile(np.arange(0, 180, 6.0), 3)
        code = np.cos(2 * np.radians(theta[:, None] - np.arange(0, 180, 12)))
        recording = Recording.from_trials("toy", code + 0.1 * rng.normal(size=code.shape), orientation=theta)
        options["n_draws"] = 1
    else:
        n_neurons, n_again, n_once = (510, 510, 0) if claim.measure == "eigenspectrum_exponent" else (6, 8, 12)
        shown = np.concatenate([np.tile(np.arange(n_again), 2), np.arange(n_again, n_again + n_once)])
        images = rng.uniform(size=(n_again + n_once, 4, 180 if "columns" in options else 4))
        signal = np.abs(rng.normal(size=(n_again + n_once, n_neurons)))
        recording = of_images(signal[shown] + 0.01 * rng.uniform(size=(len(shown), n_neurons)), shown, images)
    assert np.isfinite(MEASURES[claim.measure].compute(recording, **options).value)
