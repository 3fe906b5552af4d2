"""Circular shifts need even steps: by other steps, two unrelated codes match best as they are."""

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.estimators import RSA
from normenc.quality import decidable, rdms_for_inference
from normenc.recordings import Recording
from normenc.rsa import chance_p_values, infer, infer_circular_parts, infer_representations, rdm
from normenc.rsa.permutation import permuted_stimuli, why_not_shifted

EVEN = np.arange(0, 360, 15.0)
UNEVEN = {
    "two densities": np.r_[np.arange(0, 180, 10.0), np.arange(180, 360, 30.0)],
    "jitter": EVEN + np.random.default_rng(1).uniform(-4, 4, len(EVEN)) + 4,
    "a gap": np.arange(0, 270, 15.0),
    "drawn at random": np.sort(np.random.default_rng(2).uniform(0, 360, 24)),
    "shown twice": np.repeat(EVEN[::2], 2),
    "2 % off": EVEN + np.where(EVEN == 90, 0.3, 0),
}


def homogeneous(positions, seed, noise=0.0):
    """Neurons whose preferred directions are uniform: nothing is tied to any direction."""
    rng = np.random.default_rng([seed < 0, abs(seed)])
    preferred = rng.uniform(0, 360, 200)
    responses = np.exp(2 * np.cos(np.deg2rad(positions[:, None] - preferred)))
    return responses + noise * rng.standard_normal(responses.shape)


def infer_by_responses(positions, how):
    models, data = {"m": homogeneous(positions, 1)}, homogeneous(positions, 2, 0.3)
    options = {"ordered": True, "positions": positions, "n_samples": 9, "n_permutations": 9}
    if how == "parts":
        found = infer_circular_parts({"m": rdm(models["m"])}, responses=data, positions=positions, n_samples=9)
        return found.models["p_shifts"], found.notes
    if how == "estimator":
        recording = Recording.from_responses("toy", data, direction=positions)
        found = RSA(n_samples=9, n_permutations=9).fit(models, recording).inference_
    elif how == "representations":
        found = infer_representations(models, data, **options)
    else:
        found = infer({"m": rdm(models["m"])}, responses=data, **options)
    assert (found.n_shifts > 0) == (not found.why_no_shifts)
    return found.models["p_shifts"], found.notes


@pytest.mark.parametrize("how", ["rdms", "representations", "parts", "estimator"])
def test_uneven_stimuli_are_not_shifted_and_it_is_said(how):
    p, notes = infer_by_responses(EVEN, how)
    assert p[0] > 0
    assert not any("not tested: the stimuli" in note for note in notes)
    for name in UNEVEN if how == "rdms" else ("two densities", "2 % off"):
        p, notes = infer_by_responses(UNEVEN[name], how)
        assert p.isna().all(), name
        (said,) = [note for note in notes if note.startswith("Circular shifts were not tested")]
        assert "not evenly spaced around their circle (steps are" in said


def test_orientations_from_end_to_end_are_shifted_without_the_last():
    """-90 and 90 degrees are one orientation."""
    ends = np.arange(0, 361, 15.0)
    assert permuted_stimuli(25, ordered=True, positions=ends).tolist() == [*range(24)]
    p, notes = infer_by_responses(ends, "rdms")
    assert p[0] >= 1 / 24
    assert not any("not tested" in note for note in notes)


def test_shifts_by_rank_would_find_a_relation_where_there_is_none():
    """Why: with 10 and 30 degrees, all p-values of unrelated codes are below 0.05."""
    for positions, expected in ((EVEN, 0.0), (UNEVEN["two densities"], 1.0)):
        p = [
            chance_p_values(
                rdm(homogeneous(positions, 2 * k)), rdm(homogeneous(positions, 2 * k + 1, 0.3)), ordered=True
            )
            for k in range(12)
        ]
        assert np.mean(np.array(p) <= 0.05) == pytest.approx(expected, abs=0.1)


def test_positions_that_are_not_even_are_refused_where_shifts_are_all_that_was_asked_for():
    model = rdm(homogeneous(EVEN, 0))
    assert chance_p_values(model, model, ordered=True, positions=np.round(EVEN, 1))[0] <= 2 / 24
    for name, positions in UNEVEN.items():
        own = rdm(homogeneous(positions, 0))
        with pytest.raises(InputError, match=r"circular shifts need equal steps, but .* times the mean step"):
            chance_p_values(own, own, ordered=True, positions=positions), name
    with pytest.raises(InputError, match="also give ordered=True"):
        chance_p_values(model, model, positions=EVEN)
    with pytest.raises(InputError, match="must be ascending within one turn"):
        chance_p_values(model, model, ordered=True, positions=EVEN[::-1])


def test_of_many_stimuli_those_that_are_shifted_have_even_steps_where_that_is_possible():
    for n, expected in ((1500, 750), (2000, 1000), (1440, 720)):
        some = permuted_stimuli(n, ordered=True, seed=0)
        assert len(some) == expected
        assert set(np.diff(some, append=some[0] + n)) == {n // expected}
        assert not why_not_shifted(n, True, None, some)
    prime = permuted_stimuli(1511, ordered=True, seed=0)
    assert "of 1,511 stimuli, the 1,000 that are permuted are not" in why_not_shifted(1511, True, None, prime)
    assert not why_not_shifted(1511, False, None, prime)


def test_what_can_be_decided_leaves_shifts_out_too():
    for positions, there in ((EVEN, True), (UNEVEN["jitter"], False)):
        recording = Recording.from_responses("toy", homogeneous(positions, 0, 0.1), direction=positions)
        facts = decidable(recording, rdms_for_inference(recording))
        assert (facts.smallest_p_shifts is not None) == there
