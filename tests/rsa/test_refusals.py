"""Wrong input is refused by what was given, whatever function it is given to."""

import numpy as np
import pytest

from normenc import rsa
from normenc.errors import InputError

RNG = np.random.default_rng(0)
N = 15
PATTERNS = RNG.normal(size=(N, 30))
MODELS = {"a": rsa.rdm(PATTERNS), "b": rsa.rdm(RNG.normal(size=(N, 30)))}
RESPONSES = {"a": PATTERNS, "b": RNG.normal(size=(N, 30))}
ANIMALS = [rsa.rdm(PATTERNS + RNG.normal(size=PATTERNS.shape)) for _ in range(3)]
SINGLE = np.where((np.arange(N) == 4)[:, None] & (np.arange(3) > 0)[:, None, None], np.nan, RNG.normal(size=(3, N, 30)))
RING = 1 - np.cos(np.deg2rad(np.subtract.outer(np.arange(N) * 24, np.arange(N) * 24)))


@pytest.mark.parametrize("asked", [1, 0.5, True])
@pytest.mark.parametrize(
    "call",
    [
        lambda asked: rsa.infer(MODELS, ANIMALS, generalise_to=asked),
        lambda asked: rsa.infer_representations(RESPONSES, PATTERNS, generalise_to=asked),
        lambda asked: rsa.against_animals(MODELS, ANIMALS, generalise_to=asked),
        lambda asked: rsa.partition({"a": MODELS["a"]}, {"b": MODELS["b"]}, ANIMALS, generalise_to=asked),
        lambda asked: rsa.infer_circular_parts(MODELS, ANIMALS, generalise_to=asked),
    ],
)
def test_factors_are_a_list(call, asked):
    with pytest.raises(InputError, match=f"generalise_to is {asked!r}; give a list of factors"):
        call(asked)


@pytest.mark.parametrize(
    "call",
    [
        lambda: rsa.infer(MODELS, repeats=SINGLE),
        lambda: rsa.circular_parts(repeats=SINGLE),
        lambda: rsa.noise_ceiling(repeats=SINGLE),
        lambda: rsa.infer_representations(RESPONSES, repeats=SINGLE),
    ],
)
def test_a_stimulus_with_one_trial_is_named(call):
    with pytest.raises(InputError, match=r"repeats have shape \(3, 15, 30\), with 1 of stimulus 4"):
        call()


@pytest.mark.parametrize("method", ["bures", "procrustes", "soft-matching", "cka"])
@pytest.mark.parametrize("call", [rsa.infer, rsa.compare_rdms])
def test_a_measure_of_responses_is_sent_to_the_functions_for_it(call, method):
    first = MODELS if call is rsa.infer else MODELS["a"]
    with pytest.raises(InputError, match="which compares responses, not RDMs"):
        call(first, ANIMALS[0], method=method)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"noise": "1"}, "the noise of 'ring' is '1'; it must be a finite standard deviation"),
        ({"noise": None}, "the noise of 'ring' is None"),
        ({"noise": {"ring": True, "b": 1}}, "the noise of 'ring' is True"),
        ({"simulate": []}, r"simulate is \[\]; give a list of candidates' names, at least one"),
        ({"simulate": "ring"}, "simulate is 'ring'; give a list"),
        ({"measures": "pearson"}, r"measures is 'pearson'; give a list of measures, such as \['pearson'\]"),
        ({"measures": None}, "measures is None; give a list"),
        ({"candidates": {"ring": -RING, "b": MODELS["b"]}}, "'ring' has dissimilarities from -1.98 to 0; .* 0 to 2"),
        ({"candidates": {"ring": 2 * RING, "b": MODELS["b"]}}, "'ring' has dissimilarities from 0 to 3.9"),
        ({"truths": {"no": -RING}}, "the truth 'no' has dissimilarities"),
    ],
)
def test_what_cannot_be_simulated_is_refused(given, message):
    given = {"candidates": {"ring": RING, "b": MODELS["b"]}, "n_neurons": 20, "noise": 1, "n_simulations": 5} | given
    with pytest.raises(InputError, match=message):
        rsa.identification(given.pop("candidates"), **given)


def test_impossible_rdms_are_not_chosen_between():
    for choose in (rsa.discriminability, lambda given, **how: rsa.choose_stimuli(given, 6, **how)):
        with pytest.raises(InputError, match=r"the RDM of 'ring' has dissimilarities from -1\.98 to 0"):
            choose({"ring": -RING, "b": MODELS["b"]}, n_neurons=20, noise=1.0)
    large = {"ring": 10 * RING, "b": 10 * MODELS["b"]}  # Euclidean ones have no upper end
    assert rsa.identification(large, n_neurons=20, noise=1, n_simulations=5, rdm_metric="euclidean").rate().rate > 0


@pytest.mark.parametrize("option", ["foo", "ordered", "generalize_to"])
def test_unknown_options_of_parts_are_refused(option):
    with pytest.raises(InputError, match=f"there is no option '{option}'; the options are responses, repeats"):
        rsa.infer_circular_parts(MODELS, ANIMALS, **{option: False})


def test_too_few_stimuli_for_a_measure_are_said_to_be():
    few = RNG.normal(size=(8, 30))
    for method in ("svcca", "pwcca"):
        with pytest.raises(InputError, match="similarity: that of 'a' is undefined: too few stimuli"):
            rsa.infer_representations({"a": RNG.normal(size=(8, 9))}, few, method=method)


def test_rdms_in_place_of_responses_are_refused():
    for call in (
        lambda: rsa.infer_representations(MODELS, PATTERNS),
        lambda: rsa.infer_representations(RESPONSES, ANIMALS),
        lambda: rsa.against_animals(MODELS, ANIMALS, method="linear-cka"),
    ):
        with pytest.raises(InputError, match="with zeros on the diagonal, as an RDM is; measures of representations"):
            call()
