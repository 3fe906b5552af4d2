"""The data behind pictures come back as they went, and a file that is none says so."""

import math

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from normenc.errors import InputError
from normenc.runs.source_data import Picture, read_members, read_source_data, write_source_data


def assert_same(one, other):
    """Equal in value, type and order; NaN equals NaN."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for label in one:
            assert_same(one[label], other[label])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_column_type=False)
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, float) and math.isnan(one):
        assert math.isnan(other)
    else:
        assert one == other


def write(folder, members):
    (folder / "figures").mkdir(exist_ok=True, parents=True)
    path = folder / "figures" / "source_data.h5"
    write_source_data(members, path)
    return path


def returned(folder, arguments):
    write(folder, {"rdms": arguments})
    return read_members(folder)["rdms"]


TABLE = pd.DataFrame(
    {
        "text": ["a", None, "τ/2 %25"],
        "model": pd.array(["x", "y", None], dtype=pd.StringDtype()),
        "mixed": pd.Series(["a", 1, None], dtype=object),
        "number": [1.5, np.nan, -0.0],
        "short": np.array([1, 2, 3], dtype=np.float32),
        "count": [1, 2, 3],
        "seed": pd.array([2**62, None, 3], dtype="Int64"),
        "known": pd.array([True, None, False], dtype="boolean"),
        "trained": [True, False, True],
        "100 %/s": [0, 1, 2],
    }
)
EVERY_KIND = {
    "populations": {"V1/L4 (50 %)": np.eye(3), "": np.zeros((0, 4)), ".": None, "%2F": np.float32([np.nan, np.inf])},
    "large": np.random.default_rng(0).normal(size=(50, 40)).astype(np.float32),
    "table": TABLE,
    "rows": TABLE.iloc[[2, 0]],
    "empty": TABLE.iloc[:0],
    "nothing": pd.DataFrame(),
    "names": ["zebra", "ant", "τ", ""],
    "angles": (-90, -45, 0),
    "numbers": [1.5, math.nan, -0.0],
    "flags": (True, False),
    "mixed": ["a", 1, 2.5, None, True, ("b", [])],
    "texts": np.array([["a", "béc"], ["", "d"]]),
    "mask": np.array([True, False]),
    "big_endian": np.arange(4, dtype=">i2"),
    "scalar": np.float32(0.1),
    "none": None,
    "yes": True,
    "one": 1,
    "real": 1.0,
    "text": "line\nπ/2",
    "no_list": [],
    "no_tuple": (),
    "no_labels": {},
}


def test_every_kind_of_argument_comes_back(tmp_path):
    assert_same(returned(tmp_path, EVERY_KIND), EVERY_KIND)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=True)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    TEXTS,
    arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_, np.complex64]),
        arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=30),
    ),
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(TEXTS, inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, NESTED, max_size=4))
def test_nested_arguments_come_back(tmp_path_factory, arguments):
    assert_same(returned(tmp_path_factory.mktemp("run"), arguments), arguments)


def test_members_keep_their_order_and_the_file_its_bytes(tmp_path):
    members = dict.fromkeys(("zebra", "ant", "a/b"), EVERY_KIND)
    first, second = (write(tmp_path / name, members).read_bytes() for name in ("one", "two"))
    assert list(read_members(tmp_path / "one")) == ["zebra", "ant", "a/b"]
    assert first == second
    assert [path.name for path in (tmp_path / "one" / "figures").iterdir()] == ["source_data.h5"]


def test_an_array_that_members_share_is_kept_once(tmp_path):
    noise = np.random.default_rng(0).normal(size=(400, 50))
    one = write(tmp_path / "one", {"a": {"x": noise}}).stat().st_size
    path = write(tmp_path / "two", {name: {"x": noise.copy()} for name in "abc"})
    assert path.stat().st_size < 1.1 * one
    with h5py.File(path) as file:  # as any reader of HDF5 sees it
        np.testing.assert_array_equal(file["c/x"][()], noise)
    assert_same(read_members(tmp_path / "two")["c"]["x"], noise)


@pytest.mark.parametrize("value", [object(), {1: "a"}, np.array([object()]), {"a": {"b": {1, 2}}}])
def test_what_the_file_cannot_hold_is_refused_and_leaves_nothing(tmp_path, value):
    with pytest.raises(TypeError, match="source data"):
        write(tmp_path, {"a": {"x": value}})
    assert not list((tmp_path / "figures").iterdir())


def test_a_folder_without_a_run_or_source_data_says_so(tmp_path):
    with pytest.raises(InputError, match=r"this run is incomplete: study\.toml is missing"):
        read_source_data(tmp_path)
    with pytest.raises(InputError, match=r"this run has no figures/source_data\.h5; runs of older versions have none"):
        read_members(tmp_path)


@pytest.mark.parametrize("damage", ["cut", "bits", "text", "foreign", "lacking"])
def test_a_damaged_file_says_so(tmp_path, damage):
    path = write(tmp_path, {"a": {"x": np.random.default_rng(0).normal(size=(100, 50))}})
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "bits":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "text":
        path.write_text("no HDF5")
    else:
        with h5py.File(path, "w" if damage == "foreign" else "r+") as file:
            if damage == "lacking":
                del file["a/x"]
    with pytest.raises(InputError, match="this file is damaged, or is not source data of normenc"):
        read_members(tmp_path)


def test_a_file_of_a_newer_version_says_so(tmp_path):
    with h5py.File(write(tmp_path, {}), "r+") as file:
        file.attrs["format"] = 4
    with pytest.raises(InputError, match="its format is 4; this normenc reads formats up to 3; use a newer one"):
        read_members(tmp_path)


def test_a_file_of_format_2_holds_pictures(tmp_path):
    with h5py.File(write(tmp_path, {"matrices": EVERY_KIND}), "r+") as file:
        file.attrs["format"] = 2
        file["matrices"].attrs["function"] = "rdms"
    (picture,) = read_members(tmp_path).values()
    assert picture.function == "rdms"
    assert_same(picture.arguments, EVERY_KIND)


@pytest.mark.parametrize("function", ["save", "sized", "style", "os", "rdms_of_tomorrow", "rdms"])
def test_only_pictures_of_their_own_arguments_are_drawn(function):
    with pytest.raises(InputError, match=f"this version of normenc has no picture '{function}' of nothing"):
        Picture(function, {}).draw()
