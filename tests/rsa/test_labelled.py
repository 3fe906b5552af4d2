"""Labels of stimuli, of pairs and of units are heeded or refused, in every function that takes two labelled things."""

import itertools
import unicodedata

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from public_functions import ANIMALS, CALLS, DIMS, MODELS, NAMES, REPEATS, N, X, frame, labelled

from normenc import rsa
from normenc.errors import InputError

STACKED = {"repeats", "rdms", "models"}
MATRICES = {"rdm", "rdms", "models"}


def groups():
    """Each call with two or more arrays that label the same, what they label, and which arrays these are."""
    for call in CALLS:
        for dim in ("stimulus", "pair", "neuron"):
            names = [name for name, (kind, _) in call.arrays.items() if dim in DIMS[kind]]
            if len(names) > 1 and call.name != "match_stimuli" and (dim != "neuron" or "noise" in names):
                yield pytest.param(call, dim, names, id=f"{call} by {dim}")


def of_pandas(array, kind, names, dim):
    if dim != "pair":
        return frame(array, kind, names) if dim == "stimulus" else with_units(array, kind, names)
    return pd.DataFrame(array, columns=pd.Index(names))


def with_units(array, kind, names):
    if array.ndim == 3:
        return [with_units(part, kind, names) for part in array]
    index = pd.Index(names)
    return pd.DataFrame(array, columns=index, index=index if kind == "noise" else None)


def by_coordinate(array, kind, names, dim):
    """As normenc's own recordings label them: an image, or a direction, along the dimension of stimuli."""
    name = {"stimulus": "image"}.get(dim, dim)
    return xr.DataArray(array, dims=DIMS[kind], coords={name: (dim, names)})


HOLDERS = {"xarray": labelled, "a coordinate": by_coordinate, "pandas": of_pandas}
each_group = pytest.mark.parametrize(("call", "dim", "names"), list(groups()))


def in_order(array, kind, dim, order):
    """The array with its stimuli (or pairs, or units) in this order, along all axes that hold them."""
    for axis, name in enumerate(DIMS[kind]):
        if name.removesuffix("_2") == dim:
            array = np.take(array, order, axis=axis)
    return array


def as_many(labels, array, kind, dim):
    """As many labels as there are stimuli, pairs or units: the first ones, or these and more of their type."""
    labels, n = np.asarray(labels), array.shape[DIMS[kind].index(dim)]
    more = np.arange(100, 100 + n)
    more = pd.date_range("2025-01-01", periods=n).to_numpy() if labels.dtype.kind == "M" else more
    return np.concatenate([labels, more.astype(labels.dtype if labels.dtype.kind in "fM" else more.dtype)])[:n]


def objects(*labels):
    """As an array of objects, where numbers and texts would become one type."""
    found = np.empty(len(labels), dtype=object)
    found[:] = labels
    return found


MIXED = objects(0, "1", 2.5, "a", None, True, ("b", 3), b"c")
SAME = {  # labels of one, and of another that mean the same
    "text": (NAMES, NAMES),
    "numbers": (np.arange(8) * 22.5, np.arange(8) * 22.5),
    "whole and other numbers": (np.arange(8), np.arange(8.0)),
    "rounded numbers": (np.arange(8) / 10, np.float32(np.arange(8) / 10)),
    "a blank": ([0, 45, 90, 135, np.nan, 15, 30, 75], [0, 45, 90, 135, np.float32(np.nan), 15, 30, 75]),
    "mixed types": (MIXED, MIXED.copy()),
    "accents": (["caf\u00e9" + n for n in NAMES], [unicodedata.normalize("NFD", "caf\u00e9" + n) for n in NAMES]),
    "dates": (pd.date_range("2024-01-01", periods=8), np.arange("2024-01-01", "2024-01-09", dtype="datetime64[D]")),
    "several trials of one": ([0, 0, 45, 45, 90, 90, 135, 135], [0, 0, 45, 45, 90, 90, 135, 135]),
}


@each_group
def test_labels_that_mean_the_same_change_nothing(call, dim, names):
    expected = call()
    combinations = itertools.product(SAME, HOLDERS)
    if call.name.startswith("infer"):  # it takes long: all labels and all holders, but not each in each
        combinations = zip(SAME, itertools.cycle(HOLDERS))
    for what, holder in combinations:
        pair = SAME[what]
        given = {}
        for place, name in enumerate(names):
            kind, array = call.arrays[name]
            given[name] = HOLDERS[holder](array, kind, as_many(pair[place % 2], array, kind, dim), dim)
        np.testing.assert_allclose(call(**given), expected, atol=1e-12, err_msg=f"{what}, {holder}")


WRONG = {  # labels of one, of the other, and what the message says
    "another order": (NAMES, None, r"in different orders.*: position 0 is .* in one and .* in the other"),
    "a blank elsewhere": (
        [0, 45, 90, 135, np.nan, 15, 30, 75],
        [0, 45, 90, np.nan, 135, 15, 30, 75],
        "in different orders.*: position 3 is (135.* in one and nan|nan in one and 135)",
    ),
    "text for numbers": (
        np.arange(8),
        np.arange(8).astype(str),
        "with different types.*: position 0 is the (number 0 in one and the text '0'|text '0' in one and the number 0)",
    ),
    "others": (NAMES, ["image z", *NAMES[1:]], "hold different .*: image [zg] is in only one of them"),
    "fewer blanks": (
        [0, 1, np.nan, 3, 4, 5, 6, 7],
        [0, 1, 2, 3, 4, 5, 6, 7],
        "hold different .*: (nan|2) is in only one",
    ),
    "another type in places": (
        objects("a", 1, "b", 2, "c", 3, "d", 4),
        objects("a", "1", "b", 2, "c", 3, "d", 4),
        "with different types.*: position 1 is the (number 1|text '1')",
    ),
}


@each_group
def test_labels_that_differ_are_refused_and_named(call, dim, names):
    for (one, other, message), odd, holder in itertools.product(WRONG.values(), names, HOLDERS.values()):
        given = {}
        for name in names:
            kind, array = call.arrays[name]
            labels = as_many(one if other is None or name != odd else other, array, kind, dim)
            if other is None and name == odd:
                order = np.roll(np.arange(len(labels)), 1)
                array, labels = in_order(array, kind, dim, order), labels[order]
            given[name] = holder(array, kind, labels, dim)
        with pytest.raises(InputError, match=message):
            call(**given)


@pytest.mark.parametrize("call", [call for call in CALLS if len(call.arrays) > 1], ids=str)
def test_labels_of_one_alone_cannot_disagree(call):
    expected = call()
    for name, (kind, array) in call.arrays.items():
        if kind not in ("labels", "orders"):
            np.testing.assert_allclose(call(**{name: labelled(array, kind)}), expected, atol=1e-12)


STACKS = [(call, name) for call in CALLS for name, (kind, _) in call.arrays.items() if kind in STACKED]


@pytest.mark.parametrize(("call", "name"), STACKS, ids=str)
@pytest.mark.parametrize("table", [frame, lambda a, k, n: labelled(a, k, n)], ids=["pandas", "xarray"])
def test_matrices_of_a_list_must_be_labelled_alike(call, name, table):
    kind, array = call.arrays[name]
    single = {"repeats": "responses"}.get(kind, "rdm")
    names = NAMES[: array.shape[1]]
    given = [table(part, single, names) for part in array]
    np.testing.assert_allclose(call(**{name: given}), call(), atol=1e-12)
    given[1] = table(in_order(array[1], single, "stimulus", np.arange(len(names))[::-1]), single, names[::-1])
    with pytest.raises(InputError, match=r"\[0\] and .*\[1\] hold their stimuli in different orders"):
        call(**{name: given})


RDMS = [(call, name) for call in CALLS for name, (kind, _) in call.arrays.items() if kind in MATRICES | {"noise"}]


@pytest.mark.parametrize(("call", "name"), RDMS, ids=str)
def test_columns_are_put_in_the_order_of_rows_or_refused(call, name):
    array = call.arrays[name][1]
    names = list(NAMES[: array.shape[-1]])
    parts = [pd.DataFrame(part, index=names, columns=names) for part in (array if array.ndim == 3 else [array])]
    turned = [part[names[::-1]] for part in parts]
    np.testing.assert_allclose(call(**{name: turned if array.ndim == 3 else turned[0]}), call(), atol=1e-12)
    for part in parts:
        part.columns = ["another", *names[1:]]
    with pytest.raises(InputError, match=r"rows and columns of .* are labelled differently: .* is in only one of them"):
        call(**{name: parts if array.ndim == 3 else parts[0]})


# ---- what names of axes, and other labels, mean --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stimulus", "unit"),
    [("presentation", "neuroid"), ("condition", "voxel"), ("images", "cells"), ("stimulus_id", "roi"), ("x", "unit")],
)
def test_axes_are_told_by_name(stimulus, unit):
    square = X[:, [0, 1, 2, 3, 4, 0, 1]] + np.arange(N)  # as many units as stimuli: the shape tells nothing
    array = xr.DataArray(square, dims=(stimulus, unit))
    np.testing.assert_array_equal(rsa.rdm(array.T), rsa.rdm(square))
    table = pd.DataFrame(square).rename_axis(index=stimulus, columns=unit)
    np.testing.assert_array_equal(rsa.rdm(table.T), rsa.rdm(square))


def test_two_axes_with_one_meaning_are_refused():
    array = xr.DataArray(X, dims=("neuron", "unit"))
    for function in (rsa.rdm, lambda a: rsa.linear_cka(a, X), lambda a: rsa.noise_ceiling(responses=a)):
        with pytest.raises(InputError, match="two of the dimensions neuron, unit are named like units; rename them"):
            function(array)


def test_a_stack_says_whose_its_rdms_are():
    stack = labelled(ANIMALS, "rdms", None)
    sessions = stack.rename(animal="session").assign_coords(session=["mon", "tue", "tue"])
    assert rsa.noise_ceiling(sessions) == rsa.noise_ceiling(ANIMALS, session=["mon", "tue", "tue"])
    assert rsa.noise_ceiling(stack.assign_coords(animal=["a", "a", "a"])).kind == "none"
    turned = sessions.transpose("stimulus", "session", "stimulus_2")
    assert rsa.noise_ceiling(turned) == rsa.noise_ceiling(sessions)


def test_stimuli_are_matched_by_the_labels_they_carry():
    matrix, wanted = MODELS[0], NAMES[[3, 0, 5]]
    expected = rsa.match_stimuli(matrix, NAMES[:N], wanted)
    for holder in HOLDERS.values():
        carried = holder(matrix, "rdm", NAMES[:N], "stimulus")
        np.testing.assert_array_equal(rsa.match_stimuli(carried, None, wanted), expected)
        np.testing.assert_array_equal(rsa.match_stimuli(carried, NAMES[:N], wanted), expected)
        with pytest.raises(InputError, match="the RDM and labels hold their stimuli in different orders"):
            rsa.match_stimuli(carried, NAMES[:N][::-1], wanted)
    with pytest.raises(InputError, match="the RDM has no stimulus labels; give them"):
        rsa.match_stimuli(matrix, None, wanted)
    blank = [0, 45, 90, 135, np.nan, 15, 30]
    np.testing.assert_array_equal(rsa.match_stimuli(matrix, blank, [None, 0])[0, 1], matrix[4, 0])
    with pytest.raises(InputError, match="the RDM has no stimulus '45'"):
        rsa.match_stimuli(matrix, blank, [0, "45"])


@pytest.mark.parametrize("holder", [list, np.asarray, pd.Index, pd.Series, lambda v: xr.DataArray(v, dims="x"), tuple])
def test_labels_may_come_in_anything(holder):
    for labels in (NAMES[:N], np.arange(N), np.arange(N) / 10, np.float32(np.arange(N) / 10)):
        found = rsa.match_stimuli(MODELS[0], holder(labels), [labels[3], labels[0]])
        np.testing.assert_array_equal(found, MODELS[0][np.ix_([3, 0], [3, 0])])
    found = rsa.match_stimuli(MODELS[0], torch.arange(N) / 10, [0.3, 0])
    np.testing.assert_array_equal(found, MODELS[0][np.ix_([3, 0], [3, 0])])


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_labelled_arrays_of_another_shape_are_refused(call):
    for name, (kind, _) in call.arrays.items():
        if kind in ("numbers", "labels") or (kind, call.name) in (
            ("vectors", "compare_vectors"),
            ("vectors", "fit_weights"),
        ):
            continue
        for given in (
            xr.DataArray(np.ones(N), dims="image", coords={"image": NAMES[:N]}),
            pd.Series(np.ones(N), NAMES[:N]),
        ):
            with pytest.raises(InputError, match=r"shape \(7,\)|but the responses have 5 units"):
                call(**{name: given})


def test_a_stimulus_is_named_by_its_label():
    bad = X.copy()
    bad[2, 1] = np.nan
    for given in (labelled(bad, "responses"), frame(bad, "responses", NAMES)):
        for function in (rsa.rdm, lambda a: rsa.linear_cka(a, X), lambda a: rsa.noise_ceiling(responses=a)):
            with pytest.raises(InputError, match=r"stimulus 2 \((stimulus|label) image a\)"):
                function(given)
    with pytest.raises(InputError, match=r"column 'trial' of responses has type \w+.*of labels to the index"):
        rsa.rdm(pd.DataFrame(X).assign(trial=list("abcdefg")))


def test_responses_and_repeats_beside_rdms_are_held_to_their_labels():
    names, mean = NAMES[:N], REPEATS.mean(axis=0)
    data = labelled(rsa.rdm(mean), "rdm")
    beside = {"repeats": REPEATS, "responses": mean}
    for name, array in beside.items():
        given = {name: labelled(array[..., ::-1, :], name, names[::-1])}
        with pytest.raises(InputError, match=rf"the data and {name} hold their stimuli in different orders"):
            rsa.noise_ceiling(data, **given)
        with pytest.raises(InputError, match=rf"the data and {name} hold their stimuli in different orders"):
            rsa.infer({"m": MODELS[0]}, data, **given)
