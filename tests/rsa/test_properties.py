"""What holds of every public function of the room, whatever it computes."""

import inspect

import numpy as np
import pytest
import scipy.sparse
import torch
from public_functions import CALLS, EIGHT, FAST, MODELS, REPEATS, Call, N, X, counts, frame, labelled
from scipy.spatial.distance import squareform

from normenc import rsa
from normenc.errors import InputError
from normenc.quality.rdm_reliability import rdm_reliability
from normenc.rsa.neurons import added_up, deal

NUMERIC = [(call, name) for call in CALLS for name, (kind, _) in call.arrays.items() if kind != "labels"]
each_call = pytest.mark.parametrize("call", CALLS, ids=str)
each_array = pytest.mark.parametrize(("call", "name"), NUMERIC, ids=str)


def test_every_public_function_stands_in_the_table():
    functions = {name for name in rsa.__all__ if inspect.isfunction(getattr(rsa, name))}
    assert {call.name for call in CALLS} == functions


# ---- containers ----------------------------------------------------------------------------------------------------


def read_only_file(array, folder):
    np.save(folder / "array.npy", array)
    return np.load(folder / "array.npy", mmap_mode="r")


def strided(array):
    for axis in range(array.ndim):
        array = np.repeat(array, 2, axis)
    return array[(slice(None, None, -2),) * array.ndim][(slice(None, None, -1),) * array.ndim]


CONTAINERS = {
    "list": lambda a, kind: a.tolist(),
    "tuple": lambda a, kind: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist()),
    "list of arrays": lambda a, kind: list(a),
    "objects": lambda a, kind: a.astype(object),
    "float16": lambda a, kind: a.astype(np.float16),
    "float32": lambda a, kind: a.astype(np.float32),
    "big-endian": lambda a, kind: a.astype(">f8"),
    "Fortran": lambda a, kind: np.asfortranarray(a),
    "strided": lambda a, kind: strided(a),
    "unmasked": lambda a, kind: np.ma.MaskedArray(a),
    "tables": frame,
    "named axes": lambda a, kind: labelled(a, kind, None),
    "named axes turned": lambda a, kind: labelled(a, kind, None).T if kind != "orders" else a,
    "torch": lambda a, kind: torch.tensor(a),
    "torch half": lambda a, kind: torch.tensor(a, dtype=torch.half),
    "torch bfloat16": lambda a, kind: torch.tensor(a, dtype=torch.bfloat16),
    "torch gradient": lambda a, kind: torch.tensor(a.astype(float), requires_grad=True),
    "list of gradients": lambda a, kind: list(torch.tensor(a.astype(float), requires_grad=True)),
}
SINGLE = {"float16", "float32", "torch half", "torch bfloat16"}  # whose rounding decides what is a copy


def agree(found, expected, tolerance, what=""):
    assert found.shape == expected.shape, what
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=what)


@each_call
def test_what_holds_the_numbers_plays_no_part(call):
    expected = call()
    for what, held in CONTAINERS.items():
        changed = {name: held(array, kind) for name, (kind, array) in call.arrays.items() if kind != "labels"}
        agree(call(**changed), expected, 1e-6 if what in SINGLE else 1e-10, what)


@each_call
def test_read_only_files_do_and_nothing_is_written_over(call, tmp_path):
    given = {n: a for n, (k, a) in call.arrays.items() if k != "labels"}
    before = {n: a.copy() for n, a in given.items()}
    expected = call()
    for name, array in given.items():
        agree(call(**{name: read_only_file(array, tmp_path)}), expected, 0)
        shared = torch.from_numpy(array)  # in the same memory
        call(**{name: shared})
    for name, array in given.items():
        np.testing.assert_array_equal(array, before[name])


# ---- what is no array of numbers -----------------------------------------------------------------------------------


@each_array
def test_masked_values_are_refused_or_heeded(call, name):
    array = call.arrays[name][1]
    bad = np.ma.MaskedArray(array, mask=np.zeros(array.shape, dtype=bool))
    places = [(..., 1, 0), (..., 0, 1)] if array.ndim > 1 else [1]
    for place in places:
        bad[place] = np.ma.masked
    if call.name == "match_stimuli":  # dissimilarities may be missing there
        assert np.isnan(rsa.match_stimuli(bad, list("abcdefg"), ["a", "b", "c"])[0, 1])
        return
    for given in [bad, list(bad)] if array.ndim > 1 else [bad]:
        with pytest.raises(InputError, match=r"masked, the first at \["):
            call(**{name: given})


@each_array
def test_sparse_arrays_are_refused(call, name):
    array = call.arrays[name][1]
    flat = array if array.ndim == 2 else np.atleast_2d(array[0])
    for sparse, todo in ((scipy.sparse.csr_array(flat), r"toarray\(\)"), (torch.tensor(flat).to_sparse(), "to_dense")):
        for given in [sparse, [sparse, sparse]] if array.ndim == 3 else [sparse]:
            with pytest.raises(InputError, match=rf"sparse .*give a dense one, with {todo}"):
                call(**{name: given})


@each_array
def test_numbers_that_are_not_finite_are_refused(call, name):
    kind, array = call.arrays[name]
    if kind in ("numbers", "orders"):
        return  # spearman_brown keeps a reliability that is not known; orders are told by their values
    for bad in (np.inf, np.nan) if call.name != "match_stimuli" else (np.inf,):
        changed = array.copy()
        changed[..., 1, 0] = changed[..., 0, 1] = bad
        with pytest.raises(InputError, match=r"nan|inf|not finite"):
            call(**{name: changed})


@each_array
def test_nothing_is_refused(call, name):
    kind, array = call.arrays[name]
    if kind == "numbers":
        assert call(**{name: []}).shape == (0,)
        return
    for shape in [(0, *array.shape[1:]), (*array.shape[:-1], 0), (0,) * array.ndim]:
        with pytest.raises(InputError, match=r"shape \(.*|has? \d+ stimul|fewer|no blocks"):
            call(**{name: np.empty(shape)})


SINGLE_RDMS = ("cross_validate_weighted", "simulate_responses")
SEVERAL = {
    (name, "responses")
    for name in ("infer", "infer_circular_parts", "infer_representations", "noise_covariance", "partition")
}  # responses of sessions


@each_array
def test_a_stack_is_no_matrix_and_a_matrix_no_stack(call, name):
    kind, array = call.arrays[name]
    several = {"responses", "noise", "vectors", "orders"} | ({"rdm"} if call.name in SINGLE_RDMS else set())
    if kind in several and (call.name, kind) not in SEVERAL:
        with pytest.raises(InputError, match=r"shape \(2, |is a stack of 2 RDMs"):
            call(**{name: np.stack([array, array])})
    if kind == "repeats" and call.name != "noise_covariance":
        with pytest.raises(InputError, match=rf"repeats have shape \({N}, "):
            call(**{name: array[0]})


# ---- names, counts and seeds ---------------------------------------------------------------------------------------

CHOICES = ("method", "metric", "rdm_metric", "shrinkage", "missing", "chance")
GIVEN = {  # the least that each function needs, before options
    "infer": lambda **o: rsa.infer({"a": MODELS[0], "b": MODELS[1]}, responses=X, **(FAST | o)),
    "against_animals": lambda **o: rsa.against_animals({"a": MODELS[0]}, EIGHT[:, :N, :N], **({"n_samples": 6} | o)),
    "infer_circular_parts": lambda **o: rsa.infer_circular_parts(
        {"a": MODELS[0], "b": MODELS[1]}, responses=X, **(FAST | o)
    ),
    "infer_representations": lambda **o: rsa.infer_representations({"a": X}, X, **(FAST | o)),
    "partition": lambda **o: rsa.partition({"a": MODELS[0]}, {"b": MODELS[1]}, responses=X, **({"n_samples": 6} | o)),
    "noise_ceiling": lambda **o: rsa.noise_ceiling(responses=X, **o),
    "cross_validate_weighted": lambda **o: rsa.cross_validate_weighted(
        {"a": EIGHT[0]}, EIGHT[1], **({"n_folds": 2} | o)
    ),
    "chance_p_values": lambda **o: rsa.chance_p_values(EIGHT[:2], EIGHT[2], **({"n_permutations": 9} | o)),
    "simulate_responses": lambda **o: rsa.simulate_responses(
        **({"rdm": MODELS[0], "n_neurons": 4, "noise": 1, "rng": np.random.default_rng(0)} | o)
    ),
    "identification": lambda **o: rsa.identification(
        {"a": MODELS[0] % 3, "b": MODELS[1] % 3}, **({"n_neurons": 9, "noise": 5, "n_simulations": 6} | o)
    ),
    "discriminability": lambda **o: rsa.discriminability(
        {"a": MODELS[0] % 3, "b": MODELS[1] % 3}, **({"n_neurons": 9, "noise": 5} | o)
    ),
    "choose_stimuli": lambda **o: rsa.choose_stimuli(
        {"a": MODELS[0] % 3, "b": MODELS[1] % 3}, **({"n_chosen": 5, "n_neurons": 9, "noise": 5} | o)
    ),
    "permuted_similarities": lambda **o: rsa.permuted_similarities(*MODELS, [range(N)], **o),
}


def function(name):
    arrays = [a for _, a in next(call for call in CALLS if call.name == name).arrays.values()]
    return GIVEN.get(name, lambda **o: getattr(rsa, name)(*arrays, **o))


def parameters(wanted):
    found = [
        (name, option)
        for name in sorted({call.name for call in CALLS})
        for option in inspect.signature(getattr(rsa, name)).parameters
        if wanted(option)
    ]
    return pytest.mark.parametrize(("name", "option"), found)


@parameters(lambda option: option in CHOICES)
def test_a_misspelt_choice_is_named(name, option):
    with pytest.raises(InputError, match=rf"{option} is 'corelation'; it must be"):
        function(name)(**{option: "corelation"})


@parameters(lambda option: option == "seed" or option.startswith("n_"))
def test_whole_numbers_are_pythons_or_numpys(name, option):
    least = {"simulate_responses": 4, "identification": 4, "discriminability": 4, "choose_stimuli": 5}.get(name, 2)
    expected = Call.__call__(Call(name, function(name), {}), **{option: least})
    for kind in (np.int64, np.uint8, np.int16):
        np.testing.assert_array_equal(Call(name, function(name), {})(**{option: kind(least)}), expected)


@parameters(lambda option: option in ("seed", "block_length") or option.startswith("n_"))
def test_what_is_no_whole_number_is_refused(name, option):
    more = {"ordered": True} if option == "block_length" else {}
    for bad in (-1, 2.0, 1.5, True, "2", np.float64(2), np.nan):
        with pytest.raises(InputError, match=rf"{option} is .*it must be a whole number of at least"):
            function(name)(**{option: bad}, **more)


# ---- order, offset and scale ---------------------------------------------------------------------------------------


def in_order(kind, array, order):
    """The same for stimuli in another order."""
    if kind == "vectors":
        return np.stack([squareform(squareform(v)[np.ix_(order, order)]) for v in array])
    if kind == "orders":
        return np.argsort(order)[array[:, order]]
    if kind in ("rdm", "rdms", "models"):
        return array[..., order, :][..., order]
    return array[..., order, :] if kind in ("responses", "repeats") else array[order] if kind == "labels" else array


@pytest.mark.parametrize("call", [call for call in CALLS if call.answer != "drawn"], ids=str)
def test_the_order_of_stimuli_plays_no_part(call):
    stimuli = next((a.shape[-1] for k, a in call.arrays.values() if k == "rdm"), 0) or max(
        (a.shape[-2] for k, a in call.arrays.values() if k in ("responses", "repeats")), default=N
    )
    order = np.random.default_rng(1).permutation(stimuli)
    found = call(**{name: in_order(kind, array, order) for name, (kind, array) in call.arrays.items()})
    expected = call()[np.ix_(order, order)] if call.answer == "pairs" else call()
    agree(found, expected, 0 if call.way in ("spearman", "kendall-tau-a") else 1e-12)


@pytest.mark.parametrize("method", ["pearson", "spearman", "whitened-correlation"])
def test_the_order_of_stimuli_plays_no_part_in_inference(method):
    responses = counts(N, 12)

    def found(order):
        models = dict(zip("ab", MODELS[:, order][:, :, order], strict=True))
        result = rsa.infer(models, responses=responses[order], method=method, **FAST)
        return result.models[["similarity", "p_permutations"]].to_numpy(), [result.ceiling.lower, result.ceiling.upper]

    one, other = found(np.arange(N)), found(np.random.default_rng(2).permutation(N))
    for a, b in zip(one, other, strict=True):  # all orders of 7 stimuli are tried, so that p is exact
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def shifted(kind, array, offset):
    """Each stimulus with an offset and a scale of its own."""
    if kind not in ("responses", "repeats"):
        return array
    own = np.random.default_rng(3)
    return array * own.uniform(0.5, 30, (array.shape[-2], 1)) + own.uniform(-offset, offset, (array.shape[-2], 1))


@pytest.mark.parametrize("offset", [0, 1, 1e3, 1e7])
@pytest.mark.parametrize("call", [call for call in CALLS if call.correlates], ids=str)
def test_offset_and_scale_of_a_stimulus_play_no_part_in_correlations(call, offset):
    changed = {name: shifted(kind, array, offset) for name, (kind, array) in call.arrays.items()}
    if call.name == "rdm_from_blocks":  # one offset for both blocks
        both = shifted("responses", np.hstack([array for _, array in call.arrays.values()]), offset)
        changed = {"first": both[:, :5], "second": both[:, 5:]}
    np.testing.assert_allclose(call(**changed), call(), rtol=0, atol=1e-6)


@pytest.mark.parametrize("offset", [1, 1e3, 1e7])
def test_nor_in_samples_of_neurons_nor_in_the_reliability_of_an_rdm(offset):
    weights = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=5)
    responses = counts(N, 12)
    one, other = (added_up(deal(v)).vectors(weights) for v in (responses, shifted("responses", responses, offset)))
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    trials = REPEATS.reshape(-1, REPEATS.shape[-1]), np.tile(np.arange(N), len(REPEATS))
    moved = shifted("repeats", REPEATS, offset).reshape(trials[0].shape)
    first, second = (rdm_reliability(v, trials[1], n_samples=20, n_permutations=3) for v in (trials[0], moved))
    for name in ("halves", "reliability", "low", "high"):
        assert getattr(first, name) == pytest.approx(getattr(second, name), abs=1e-6)


def test_a_stimulus_that_drives_one_neuron_has_its_ceiling():
    """Most halves hold no neuron that responds to it: its variance there is nothing, on any baseline."""
    rng = np.random.default_rng(0)
    theta = np.arange(20) * 9.0
    responses = np.exp(6 * (np.cos(np.radians(2 * (theta[:, None] - rng.uniform(0, 180, 400)))) - 1))
    responses += 0.02 * rng.normal(size=responses.shape)
    responses[0] = 0
    responses[0, 5] = 1
    expected = rsa.noise_ceiling(responses=responses, n_splits=20)
    assert expected.lower > 0.99
    for offset in (0.1, 1e3, 1e7):
        found = rsa.noise_ceiling(responses=responses + offset, n_splits=20)
        assert found.lower == pytest.approx(expected.lower, abs=1e-6)
        assert found.upper == pytest.approx(expected.upper, abs=1e-6)
