"""Recordings of many stimuli are checked from a stated sample of these."""

from dataclasses import replace

import numpy as np
import pytest

from normenc.quality import check, lines, rdm_reliability
from normenc.recordings import Recording

RNG = np.random.default_rng(3)
FEW = {"n_splits": 2, "n_samples": 20, "n_permutations": 9}


def trials_of(n_stimuli, n_neurons=30):
    """Two trials of every stimulus with as much noise as signal."""
    signal = RNG.normal(size=(n_stimuli, n_neurons))
    return (signal + RNG.normal(size=(2, n_stimuli, n_neurons))).reshape(2 * n_stimuli, n_neurons)


@pytest.mark.parametrize("ordered", [False, True])
def test_the_reliability_of_an_rdm_is_estimated_from_a_thousand_stimuli(ordered):
    """As it is from all of 1,000: both are means over the same kind of pairs."""
    found = rdm_reliability(trials_of(1100), np.tile(np.arange(1100), 2), ordered=ordered, **FEW)
    assert (found.n_stimuli, found.n_all) == (1000, 1100)
    few = [rdm_reliability(trials_of(300), np.tile(np.arange(300), 2), **FEW) for _ in range(3)]
    assert {(own.n_stimuli, own.n_all) for own in few} == {(300, 300)}
    assert found.reliability == pytest.approx(np.mean([own.reliability for own in few]), abs=0.03)
    assert found.p_value == 0.1


def test_the_line_on_the_rdm_says_how_many_stimuli_it_uses():
    quality = check(Recording.from_trials("few", trials_of(30), image=np.tile(np.arange(30), 2)))
    assert quality.rdm is not None and "estimated from" not in dict(lines(quality))["RDM repeats"]
    of_many = replace(quality, n_stimuli=5000, rdm=replace(quality.rdm, n_stimuli=1000, n_all=5000))
    said = dict(lines(of_many))
    sample = "; 5 random splits of the trials; estimated from 1,000 of the 5,000 stimuli"
    assert said["RDM repeats"].endswith(sample) and " from 500 stimuli); " in said["RDM repeats"]
    assert said["neurons repeat"] == f"{dict(lines(quality))['neurons repeat']}; 5 random splits of the trials"
