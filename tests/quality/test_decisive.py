"""What comparisons on a recording can decide: counted by hand, and by simulation."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from normenc import rsa
from normenc.quality import check, decidable, decisions, rdms_for_inference
from normenc.quality.decisive import N_MODELS
from normenc.recordings import Recording, fold, simulated_v1


def gratings(n, period=180, n_neurons=40, **facts):
    """Neurons that follow `n` evenly spaced orientations, or directions, with noise."""
    angle = np.arange(n) * period / n
    rng = np.random.default_rng(n)
    responses = np.cos(np.radians(2 * (angle[:, None] - rng.uniform(0, 180, n_neurons))))
    responses = responses + 0.3 * rng.normal(size=responses.shape)
    kind = "orientation" if period == 180 else "direction"
    return Recording.from_responses("mine", responses, **{kind: angle}, **facts)


def found(recording):
    return decidable(recording, rdms_for_inference(recording))


@pytest.mark.parametrize(
    ("recording", "n_images", "smallest_p", "shifts"),
    [
        (gratings(12, 360), 6, 1 / 1001, 2 / 12),
        (fold(gratings(12, 360)), 6, 1 / math.factorial(6), None),  # too few to count as neighbours
        (gratings(12), 12, 1 / 1001, 1 / 12),
        (gratings(200), 200, 1 / 1001, 1 / 200),
        (gratings(360, 360), 180, 1 / 1001, 2 / 360),  # half a turn further all is as it was
        (gratings(200, 360), 100, 1 / 1001, 2 / 200),
        (gratings(6, 360), 3, 2**3 / math.factorial(6), None),  # pairs exchange their places
    ],
)
def test_images_and_tests_against_chance(recording, n_images, smallest_p, shifts):
    decided = decidable(recording)
    assert (decided.n_different_images, decided.n_models) == (n_images, N_MODELS)
    assert decided.smallest_p == pytest.approx(smallest_p)
    assert decided.smallest_p_shifts == (None if shifts is None else pytest.approx(shifts))
    assert decided.beyond_chance == (smallest_p * N_MODELS <= 0.05)


def test_models_out_of_reach_of_a_test_are_named():
    # Of 6 orders around a circle and their mirror images, 12 leave the orientation model as it is.
    decided = found(gratings(6))
    assert decided.out_of_reach == {"orientation model": pytest.approx(12 / 720)}
    said = decisions(decided, "orientation", 6)[1]
    assert "the RDM of orientation model unchanged, so its p-value cannot be below 0.017: not significant" in said
    assert found(gratings(12)).out_of_reach == {}


def test_few_different_images_tell_nothing_of_differences():
    assert found(gratings(6, 360)).unknown.startswith(
        "3 stimuli that models can distinguish are too few to generalise to others"
    )


def test_the_smallest_difference_is_found_with_a_power_of_80_percent():
    decided = found(gratings(24))
    # A t statistic whose mean is the difference in standard errors: noncentral t.
    effect, dof = decided.smallest_difference / decided.standard_error, decided.dof
    critical = stats.t.ppf(0.975, dof)
    assert stats.nct.sf(critical, dof, effect) == pytest.approx(0.8, abs=0.03)
    assert decided.factors == ("neurons",)  # 24 orientations leave no others between them
    assert decided.compared == ("pixels", "Fourier amplitude", "Gabor energy", "orientation model")


def test_more_stimuli_find_smaller_differences():
    few, many = (found(simulated_v1(200, n_stimuli=n)) for n in (12, 96))
    assert many.smallest_difference < few.smallest_difference


def test_a_comparison_that_was_made_tells_too():
    recording = gratings(24)
    models = {"one": rsa.rdm(recording.responses), "other": rsa.rdm(np.random.default_rng(0).normal(size=(24, 30)))}
    inference = rsa.infer(models, responses=recording.responses, n_samples=100)
    decided = decidable(recording, compared=inference)
    pair = inference.pairs.iloc[0]
    reach = stats.t.ppf(0.975, pair["dof"]) + stats.t.ppf(0.8, pair["dof"])
    assert decided.smallest_difference == pytest.approx(reach * pair["standard_error"])
    assert (decided.n_models, decided.compared) == (2, ("one", "other"))
    assert check(recording, compared=inference).decidable == decided


def test_what_cannot_be_known_is_said():
    rng = np.random.default_rng(0)
    named = Recording.from_responses("scenes", rng.normal(size=(12, 20)), image=[f"s{k}" for k in range(12)])
    assert found(named).unknown == "the images are missing, so no model can be shown them"
    assert "5 stimuli that models can distinguish are too few to generalise to others" in found(gratings(5)).unknown
    silent = Recording.from_responses("flat", np.ones((12, 20)), np.arange(12) * 15.0)
    assert check(silent).decidable.unknown == "its RDM cannot be computed"
    for recording in (named, gratings(5)):
        assert math.isnan(found(recording).smallest_difference)
        assert "is not known" in decisions(found(recording), recording.kind, recording.n_stimuli)[-1]


def test_images_that_are_there_are_shown_to_models():
    rng = np.random.default_rng(0)
    shown = Recording.from_responses(
        "scenes", rng.normal(size=(12, 20)), image=[f"s{k}" for k in range(12)], images=rng.uniform(size=(12, 96, 96))
    )
    decided = found(shown)
    assert decided.compared == ("pixels", "Fourier amplitude", "Gabor energy")
    assert 0 < decided.smallest_difference < 2
    said = dict(check_lines(shown))
    assert said["images"] == "96 x 96 pixels; for the smallest difference below, models see them at 64 x 64 pixels"


def check_lines(recording):
    from normenc.quality import lines

    return lines(check(recording))


def test_rdms_of_one_population_tell_of_stimuli_alone():
    matrix = rsa.rdm(gratings(24).responses)
    known = check(Recording.from_rdm("rdm", matrix, np.arange(24) * 7.5))
    assert known.decidable.factors == ()  # of stimuli that cover their circle, there are no others
    assert known.decidable.unknown.startswith("stimuli are taken as all there are, and there are no neurons, trials")
    assert known.ceiling.startswith("none")
    some = check(Recording.from_rdm("rdm", matrix[::4, ::4], np.arange(6) * 30.0))  # too few to know their neighbours
    assert some.decidable.factors == ("stimuli",)
    assert some.decidable.smallest_difference > 0


def test_sentences_say_which_directions_are_one_image_and_why_shifts_are_not_used():
    recording = gratings(12, 360)
    images, chance, difference = decisions(found(recording), "direction", 12)
    assert images.startswith("The 12 directions are 6 different images to a model: gratings that drift in opposite")
    assert "permuting the stimuli" in chance
    assert "they cannot be significant (smallest possible p-value 0.17, 1 after correction for 8 models)" in chance
    assert number_in(difference) == pytest.approx(found(recording).smallest_difference, abs=0.005)
    assert "generalising to other stimuli and other neurons" in difference
    assert decisions(found(gratings(12)), "orientation", 12)[0] == "Models can tell all 12 orientations apart."
    assert decisions(found(gratings(4)), "orientation", 4)[1].startswith(
        "No test against chance can be significant: 4 stimuli"
    )


def number_in(sentence):
    return float(sentence.removeprefix("A difference in similarity of ").split(" ", 1)[0])


def test_quality_as_json_holds_what_can_be_decided():
    plain = check(gratings(12, 360)).to_dict()["decidable"]
    assert plain["n_different_images"] == 6
    assert pd.Series(plain)["factors"] == ["stimuli", "neurons"]
