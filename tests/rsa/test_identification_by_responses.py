"""Which candidate measures of responses name in populations that were simulated from each of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from normenc.errors import InputError
from normenc.rsa import linear_cka
from normenc.rsa.identification_by_responses import Truth, choices_by_responses
from normenc.rsa.representation_measures import REPRESENTATION_MEASURES, RepresentationMeasure
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli

MEASURES = [name for name in REPRESENTATION_MEASURES if ":" not in name]


def equal(n):
    return n, UnequalNeurons(n, n, n)


def candidates(n_stimuli=30, n_units=5):
    rng = np.random.default_rng(2)
    return {name: [rng.normal(size=(n_stimuli, n_units))] for name in ("one", "other", "third")}


def truths(of, noise, animals=None, of_stimuli=None):
    animals = animals or (equal(40),)
    noise = noise if isinstance(noise, tuple) else (noise,) * len(animals)
    stimuli = UnequalStimuli(np.ones(30), np.ones(30) if of_stimuli is None else of_stimuli)
    return {name: Truth(((1.0, own),), animals, noise, stimuli) for name, (own,) in of.items()}


def shares(rows):
    return {(truth, chosen): share for _, truth, _, chosen, _, share, _ in rows}


@pytest.mark.parametrize("name", MEASURES)
def test_without_noise_every_measure_names_the_truth(name):
    of = candidates()
    rows, same = choices_by_responses(of, truths(of, 0.0), REPRESENTATION_MEASURES[name], n_simulations=2)
    assert not same
    assert shares(rows) == {(one, other): float(one == other) for one in of for other in of}


def test_shares_are_those_of_recordings_made_neuron_by_neuron():
    rng, n, noise = np.random.default_rng(3), 100, (8.0, 3.5)
    of, of_stimuli = candidates(), np.linspace(0.5, 1.5, 30)
    animals = ((12, UnequalNeurons(6, 12, 6)), equal(10))
    own = truths(of, noise, animals, of_stimuli)
    rows, _ = choices_by_responses(of, {"other": own["other"]}, REPRESENTATION_MEASURES["linear-cka"], n_simulations=n)
    signal = of["other"][0] - of["other"][0].mean(axis=0)
    signal /= np.sqrt(of["other"][0].var(axis=1).mean())
    hits = 0
    for _ in range(n):
        similarity = np.zeros(3)
        for size, with_signal, own_noise in zip((12, 10), (6, 10), noise, strict=True):
            recorded = np.zeros((30, size))
            mixed = signal @ rng.normal(size=(5, with_signal)) / np.sqrt(5)
            recorded[:, :with_signal] = mixed * np.sqrt(size / with_signal)
            recorded += own_noise * of_stimuli[:, None] * rng.normal(size=recorded.shape)
            similarity += [linear_cka(model, recorded) for (model,) in of.values()]
        hits += similarity.argmax() == 1
    share = shares(rows)["other", "other"]
    assert 0.4 < share < 0.95
    assert binomtest(hits, n, share).pvalue > 0.001


def test_neurons_of_a_measure_that_matches_them_are_units_and_a_mixture_has_those_of_both():
    of, seen = candidates(), []

    def spy(x, y):
        seen.append(y)
        return float(-np.abs(x.sum() - y.sum()) + np.square(np.corrcoef(x.T, y.T)[: x.shape[1], x.shape[1] :]).sum())

    (one,), (other,) = of["one"], of["other"]
    mixed = Truth(((0.75, one), (0.25, other)), (equal(400),), (0.0,), UnequalStimuli.equal(30))
    choices_by_responses(of, {"mixed": mixed}, RepresentationMeasure("spy", spy), n_simulations=1)
    match = np.abs(np.corrcoef(np.hstack([one, other]).T, seen[0].T)[:10, 10:])
    assert match.max(axis=0) == pytest.approx(1)
    assert (match.argmax(axis=0) < 5).mean() == pytest.approx(0.75, abs=0.08)


@pytest.mark.parametrize("metric", ["correlation", "euclidean"])
def test_neurons_of_a_mixture_are_equally_tuned_whatever_all_stimuli_evoke(metric):
    """What units respond to every stimulus is part of a pattern, and makes the rest of it smaller."""
    of = candidates()
    (one,), (other,) = of["one"], of["other"]
    parts = ((0.5, one + 3 * np.arange(5)), (0.5, other))
    truth = Truth(parts, (equal(40),), (1,), UnequalStimuli.equal(30), metric)
    alone = [np.square(own).mean() for _, own in truth.scaled()]
    mixed = replace(truth, equally_tuned=True)
    assert [np.square(own).mean() for _, own in mixed.scaled()] == pytest.approx([min(alone)] * 2)
    assert (alone[0] < 0.2 * alone[1]) == (metric == "correlation")


def test_what_a_measure_cannot_compare_is_left_out_or_refused():
    of = candidates(n_stimuli=6, n_units=9)
    few = {name: Truth(((1.0, own),), (equal(40),), (1.0,), UnequalStimuli.equal(6)) for name, (own,) in of.items()}
    with pytest.raises(InputError, match="the similarities of 3 of 3 candidates are undefined: the stimuli are too"):
        choices_by_responses(of, few, REPRESENTATION_MEASURES["svcca"], n_simulations=2)
    with pytest.raises(InputError, match="there are 6 stimuli; strict needs at least 9"):
        strict = RepresentationMeasure("strict", linear_cka, least_stimuli=9)
        choices_by_responses(of, few, strict, n_simulations=2)
    partly = RepresentationMeasure("partly", lambda x, y: np.nan if x.shape[1] == 2 else linear_cka(x, y))
    narrow = candidates() | {"narrow": [np.random.default_rng(0).normal(size=(30, 2))]}
    found = shares(choices_by_responses(narrow, truths(narrow, 0.0), partly, n_simulations=2)[0])
    assert {name for pair in found for name in pair} == {"one", "other", "third"}


TURN = np.linalg.qr(np.random.default_rng(5).normal(size=(5, 5)))[0]


@pytest.mark.parametrize("name", MEASURES)
def test_copies_that_a_measure_cannot_tell_apart_are_one_candidate(name):
    """A match of units sees whether they are mixed, other measures how large each is; none sees order or mean."""
    of, measure = candidates(), REPRESENTATION_MEASURES[name]
    (one,) = of["one"]
    copies = {"again": one, "reordered": one[:, ::-1], "moved": 3 * one + 7}
    copies |= {"turned": one @ TURN, "stretched": one * [1, 1, 1, 1, 9]}
    of |= {copy: [own.astype(np.float32)] for copy, own in copies.items()}
    own = {truth: own for truth, own in truths(of, 1.0).items() if truth in ("one", "third")}
    rows, same = choices_by_responses(of, own, measure, n_simulations=2)
    unseen = "turned" if measure.arithmetic.turns else "stretched"
    assert same == dict.fromkeys(["again", "reordered", "moved", unseen], "one")
    assert {chosen for _, chosen in shares(rows)} == set(of) - set(same)
    alone = {"one": of["one"], "again": of["again"]}
    with pytest.raises(InputError, match="no recording can tell the candidates apart"):
        choices_by_responses(alone, truths(alone, 1.0), measure, n_simulations=2)
