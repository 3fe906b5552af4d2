"""MATLAB's structures, cells and objects, each checked against an own reading or the arrays that were written."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import scipy.io.matlab
import scipy.stats
from matlab_files import Mat73, cell_with, mat5, opaque, structure_with, workspace

from normenc.errors import InputError
from normenc.recordings import load
from normenc.recordings.formats import listed, not_there, opened

RNG = np.random.default_rng(0)
RESPONSES = RNG.normal(size=(8, 3))
DEGREES = np.tile([0.0, 45, 90, 135], 2)
GOOD = {"responses": RESPONSES, "orientation": DEGREES}
MADE_BY_MATLAB = Path(scipy.io.matlab.__file__).parent / "tests/data"


def read(path, **names):
    with opened(path, names=names) as arrays:
        return {name: np.asarray(value) if hasattr(value, "shape") else value for name, value in arrays.items()}


ADVICE = {
    "string": "char(thing) or, of several, cellstr(thing) would be read",
    "datetime": "datenum(thing) would be read",
    "table": "table2struct(thing, 'ToScalar', true) would be read",
    "categorical": "cellstr(thing) would be read",
    "function_handle": "func2str(thing) would be read",
    "dictionary": "save its numbers, texts and cells separately",
}


def with_object_5(path, kind, compressed):
    return mat5(path, GOOD, opaque("thing", kind), opaque("other", "table"), workspace(), compressed=compressed)


def with_object_73(path, kind, _):
    with Mat73(path) as file:
        for name, value in GOOD.items():
            file.put(name, value if value.ndim > 1 else value[None])
        file.put_object("thing", kind)
        file.put_object("other", "table")
        file.file.create_dataset("#subsystem#/MCOS", data=np.zeros(4, np.uint8))
    return path


@pytest.mark.parametrize("kind", ADVICE)
@pytest.mark.parametrize(
    ("write", "compressed"), [(with_object_5, False), (with_object_5, True), (with_object_73, False)]
)
def test_objects_are_left_out_and_said(tmp_path, write, kind, compressed):
    path = write(tmp_path / "r.mat", kind, compressed)
    recording = load(path)
    np.testing.assert_array_equal(recording.trials, RESPONSES)
    found = read(path)
    named = "function handle" if kind == "function_handle" else f"{kind} object"
    said = f"thing was left out: it is a MATLAB {named}, which only MATLAB can read; {ADVICE[kind]}"
    assert said in found["notes"]
    assert len(found["notes"]) == 2
    assert found["left_out"] == {"thing": f"a MATLAB {named}", "other": "a MATLAB table object"}
    assert f"thing (a MATLAB {named})" in listed(found)
    assert not_there(found, "animal", "thing") == f"animal cannot be 'thing': {said}"


def test_objects_within_structures_and_cells_are_left_out(tmp_path):
    inside = structure_with("info", "area", opaque("", "string")), cell_with("regions", *[opaque("", "string")] * 3)
    found = read(mat5(tmp_path / "r.mat", GOOD, *inside))
    assert found["left_out"] == {"info.area": "a MATLAB string object", "regions": "a MATLAB string object"}
    with Mat73(tmp_path / "s.mat") as file:
        group = file.put("info", {"depth": np.float64(3)})
        file.put_object("area", "string", group)
        file.put_cells("regions", np.array([[file.put_object(f"#refs#/o{k}", "string").ref for k in range(3)]], object))
    found = read(tmp_path / "s.mat")
    assert found["left_out"] == {"info.area": "a MATLAB string object", "regions": "a MATLAB string object"}
    assert found["info.depth"] == 3


def test_files_that_matlab_wrote():
    """Those that SciPy tests with: real ones of MATLAB 5 to 7.4, whose contents its tests state."""
    if not MADE_BY_MATLAB.is_dir():
        pytest.skip("SciPy was installed without its tests")
    found = read(MADE_BY_MATLAB / "some_functions.mat")
    assert [float(found[name][0]) for name in "abc"] == [-3.9, 52, 0]
    assert found["left_out"] == dict.fromkeys(("sqr", "parabola", "nCf"), "a MATLAB function handle")
    for version in ("6.5.1_GLNX86", "7.1_GLNX86", "7.4_GLNX86"):
        found = read(MADE_BY_MATLAB / f"testemptycell_{version}.mat")
        np.testing.assert_array_equal(found["testemptycell"], [1, 2, np.nan, np.nan, 3])
        assert found["notes"] == ["testemptycell is empty in 2 of the 1 x 5 cells; these are read as NaN"]
        found = read(
            MADE_BY_MATLAB / f"teststructarr_{version}.mat", a="teststructarr(1).one", b="teststructarr(2).two"
        )
        assert found["teststructarr(1).one"] == 1
        assert found["teststructarr(2).two"] == "number 2"
        assert listed(found).endswith("teststructarr with one, two (1 x 2 structures, of different sizes or kinds)")
        found = read(MADE_BY_MATLAB / f"testcellnest_{version}.mat", a="testcellnest{2}{3}{1,2}")
        assert found["testcellnest{2}{3}{1,2}"] == 5
    for name in ("testsparse_4.2c_SOL2", "testsparse_7.4_GLNX86"):
        expected = np.zeros((3, 5))
        expected[0, :], expected[1, 0], expected[2, 0] = np.arange(1, 6), 2, 3
        np.testing.assert_array_equal(read(MADE_BY_MATLAB / f"{name}.mat")["testsparse"], expected)
    np.testing.assert_allclose(read(MADE_BY_MATLAB / "testhdf5_7.4_GLNX86.mat")["testdouble"], np.arange(9) * np.pi / 4)


def written_5(path, value):
    scipy.io.savemat(path, {"x": value})
    return path


def written_73(path, value):
    with Mat73(path) as file:
        if isinstance(value, np.ndarray) and value.dtype.names:
            fields = {field: [as_73(item) for item in value[field].flat] for field in value.dtype.names}
            file.put_structures("x", value.shape, **fields)
        elif isinstance(value, np.ndarray) and value.dtype == object:
            shape = value.shape if value.ndim > 1 else (1, len(value))
            references = np.array([file._referred(as_73(item)) for item in value.flat], object).reshape(shape)
            file.put_cells("x", references)
        else:
            file.put("x", as_73(value))
    return path


def as_73(value):
    if isinstance(value, dict):
        return {key: as_73(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [as_73(item) for item in value.flat]
    return value


def objects(*items, shape=None):
    array = np.empty(len(items), object)
    for place, item in enumerate(items):
        array[place] = item
    return array.reshape(shape or (1, len(items)))


def structures(**fields):
    array = np.empty((1, len(next(iter(fields.values())))), [(name, object) for name in fields])
    for name, items in fields.items():
        array[name][0] = objects(*items)[0]
    return array


TRACES = RNG.normal(size=(6, 4, 5))
CASES = {
    "cells of rows": (objects(*TRACES[:, :1]), {"x": TRACES[:, 0]}),
    "cells of columns": (objects(*(trace[0][:, None] for trace in TRACES)), {"x": TRACES[:, 0]}),
    "cells of matrices": (objects(*TRACES), {"x": TRACES}),
    "a column of cells": (objects(*TRACES, shape=(6, 1)), {"x": TRACES}),
    "cells of single numbers": (objects(*np.arange(6.0)), {"x": np.arange(6)}),
    "a matrix of cells": (objects(*TRACES, shape=(2, 3)), {"x": TRACES.reshape(2, 3, 4, 5)}),
    "cells of texts": (objects("V1", "", "LM"), {"x": np.array(["V1", "", "LM"])}),
    "one cell": (objects(TRACES[0]), {"x": TRACES[0]}),
    "cells of cells": (
        objects(*(objects(*trace) for trace in TRACES)),
        {"x": TRACES},
    ),
    "an array of structures": (
        structures(resp=list(TRACES), depth=list(np.arange(6.0)), area=["V1", "LM"] * 3),
        {"x.resp": TRACES, "x.depth": np.arange(6), "x.area": np.array(["V1", "LM"] * 3)},
    ),
    "cells of structures": (
        objects(*({"resp": trace, "depth": float(row)} for row, trace in enumerate(TRACES))),
        {"x.resp": TRACES, "x.depth": np.arange(6)},
    ),
    "structures in structures": (
        structures(fit=[{"r": {"values": trace}, "n": 3.0} for trace in TRACES]),
        {"x.fit.r.values": TRACES, "x.fit.n": np.full(6, 3)},
    ),
    "a structure of cells": ({"resp": objects(*TRACES), "t": np.arange(5.0)}, {"x.resp": TRACES, "x.t": np.arange(5)}),
    "structures of cells": (structures(resp=[objects(*trace) for trace in TRACES]), {"x.resp": TRACES}),
    "missing numbers": (
        structures(direction=[0.0, np.empty((0, 0)), 90.0]),
        {"x.direction": np.array([0, np.nan, 90])},
    ),
    "texts in rows": (np.array(["left ", "right"]), {"x": np.array(["left", "right"])}),
    "truths": (np.array([[True, False], [False, False]]), {"x": np.array([[1, 0], [0, 0]])}),
    "complex numbers": (TRACES[0] + 1j, {"x": TRACES[0] + 1j}),
}


BY_HAND = ("texts in rows", "complex numbers", "missing numbers")  # of version 7.3, further below


@pytest.mark.parametrize(
    ("write", "case"),
    [(written_5, case) for case in CASES] + [(written_73, case) for case in CASES if case not in BY_HAND],
)
def test_what_is_alike_is_stacked(tmp_path, write, case):
    value, expected = CASES[case]
    found = read(write(tmp_path / "r.mat", value))
    assert found.keys() - {"notes"} == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_other_kinds_of_version_73(tmp_path):
    sparse = scipy.sparse.csc_matrix(np.where(RESPONSES > 0.5, RESPONSES, 0))
    with Mat73(tmp_path / "r.mat") as file:
        rows = np.array([list("left "), list("right")]).view(np.uint32).reshape(2, 5).astype(np.uint16)
        file.file.create_dataset("texts", data=rows.T).attrs["MATLAB_class"] = np.bytes_("char")
        pairs = np.zeros((3, 8), [("real", "f8"), ("imag", "f8")])
        pairs["real"], pairs["imag"] = RESPONSES.T, 2
        file.file.create_dataset("complex", data=pairs).attrs["MATLAB_class"] = np.bytes_("double")
        group = file.file.create_group("sparse")
        group.attrs["MATLAB_class"], group.attrs["MATLAB_sparse"] = np.bytes_("double"), np.uint64(8)
        group["data"], group["ir"], group["jc"] = sparse.data, sparse.indices.astype("u8"), sparse.indptr.astype("u8")
        empty = file.file.create_dataset("empty", data=np.array([0, 0], "u8"))
        empty.attrs["MATLAB_class"], empty.attrs["MATLAB_empty"] = np.bytes_("double"), np.uint8(1)
        nothing = file._referred(1.0)
        file.file[nothing].attrs["MATLAB_empty"] = np.uint8(1)
        file.put_structures("trials", (1, 3), direction=[0.0, nothing, 90.0])
    found = read(tmp_path / "r.mat")
    assert found["texts"].tolist() == ["left", "right"]
    np.testing.assert_array_equal(found["complex"], RESPONSES + 2j)
    np.testing.assert_array_equal(found["sparse"], sparse.toarray())
    assert found["empty"].shape == (0,)
    np.testing.assert_array_equal(found["trials.direction"], [0, np.nan, 90])
    assert found["notes"] == ["trials.direction is empty in 1 of the 1 x 3 structures; these are read as NaN"]


@pytest.mark.parametrize("write", [written_5, written_73])
def test_what_is_not_alike_is_listed_and_can_be_named(tmp_path, write):
    sizes = [3, 5, 4]
    value = structures(resp=[TRACES[0].ravel()[:n] for n in sizes], n=[float(n) for n in sizes])
    path = write(tmp_path / "r.mat", value)
    found = read(path)
    assert found.keys() == {"x.n", "notes", "left_out"}
    assert found["notes"] == [
        "x.resp was left out: the 1 x 3 structures differ in size or kind; names= can map one of them, such as "
        "x(1).resp"
    ]
    assert listed(found) == "x.n (3,), x.resp (1 x 3 structures, of different sizes or kinds)"
    np.testing.assert_array_equal(read(path, a="x(2).resp")["x(2).resp"], TRACES[0].ravel()[:5])
    for number in (0, 4):
        with pytest.raises(InputError, match=f"x has 1 x 3 elements, .* no element {number}"):
            read(path, a=f"x({number}).resp")
    assert "x(2).no" not in read(path, a="x(2).no")
    path = write(tmp_path / "c.mat", objects(*(TRACES[0].ravel()[:n] for n in sizes)))
    assert read(path)["left_out"] == {"x": "1 x 3 cells, of different sizes or kinds"}
    np.testing.assert_array_equal(read(path, a="x{3}")["x{3}"], TRACES[0].ravel()[:4])


def test_elements_are_numbered_columns_first_as_in_matlab(tmp_path):
    cells = objects(*(np.arange(3.0) + row for row in range(6)), shape=(2, 3))
    for write in (written_5, written_73):
        path = write(tmp_path / "r.mat", cells)
        found = read(path, a="x{2}", b="x{3}", c="x{2,3}")
        assert [found[name][0] for name in ("x{2}", "x{3}", "x{2,3}")] == [3, 1, 5]


def test_responses_of_one_structure_a_neuron_are_mapped(tmp_path):
    value = structures(resp=list(RESPONSES.T))
    scipy.io.savemat(tmp_path / "r.mat", {"cells": value, "theta": DEGREES})
    found = read(tmp_path / "r.mat")
    np.testing.assert_array_equal(found["cells.resp"], RESPONSES.T)


def test_what_another_program_wrote_is_not_turned(tmp_path):
    """HDF5 of Python under the name of MATLAB's, and a file that holds both."""
    with Mat73(tmp_path / "r.mat") as file:
        file.file["responses"] = RESPONSES
        file.file["animal"] = np.array(list("aabbaabb"), object)
        file.file.attrs["area"] = "V1"
        file.put("orientation", DEGREES)
    recording = load(tmp_path / "r.mat")
    np.testing.assert_array_equal(recording.trials, RESPONSES)
    assert recording.area == "V1"
    assert read(tmp_path / "r.mat")["notes"] == ["responses was not written by MATLAB, so its axes were not reversed"]
    with h5py.File(tmp_path / "p.mat", "w") as file:
        file["data/F"], file["orientation"], file["pairs"] = RESPONSES, DEGREES, np.zeros(3, "i4,f8")
    found = read(tmp_path / "p.mat")
    np.testing.assert_array_equal(found["data.F"], RESPONSES)
    assert found["left_out"] == {"pairs": "fields"}


def test_what_matlab_wrote_is_turned_under_any_name(tmp_path):
    with h5py.File(tmp_path / "r.h5", "w") as file:
        for name, value in (("responses", RESPONSES), ("orientation", DEGREES[:, None])):
            file.create_dataset(name, data=value.T).attrs["MATLAB_class"] = np.bytes_("double")
    np.testing.assert_array_equal(read(tmp_path / "r.h5")["responses"], RESPONSES)


def test_fields_of_an_hdf5_file_are_left_out_and_said(tmp_path):
    with h5py.File(tmp_path / "r.h5", "w") as file:
        file["responses"], file["orientation"], file["more/pairs"] = RESPONSES, DEGREES, np.zeros(3, "i4,f8")
    found = read(tmp_path / "r.h5")
    assert found["notes"] == ["more/pairs was left out: it holds fields; write plain numbers and text"]
    np.testing.assert_array_equal(load(tmp_path / "r.h5").trials, RESPONSES)


def test_park_is_read_as_scipy_has_it(shared_data):
    path = shared_data / "real/park_glm.mat"
    found, own = read(path), scipy.io.loadmat(path)
    for number in (1, 7, 18):
        cells = own["D"][f"neuron{number}"][0, 0]
        expected = np.array([cells[0, trial].ravel() for trial in range(128)])
        np.testing.assert_array_equal(found[f"D.neuron{number}"], expected)
        assert expected.shape == (128, 49)
    np.testing.assert_array_equal(found["TE.direction"], own["TE"]["direction"][0, 0].ravel())
    np.testing.assert_array_equal(found["t"], own["t"].ravel())
    assert listed(found) == (
        "D.neuron1 to D.neuron18 (128, 49), D.pupil_zscore (128, 49), D.speed (128, 49), TE.direction (128,), "
        "TE.nTrials (1,), TE.dt (1,), t (49,)"
    )
    assert found["notes"] == []
    # By hand: the mean of samples in (0, 2] s, and what an analysis of variance over directions says of it.
    names = {"responses": "D.neuron*", "direction": "TE.direction", "time": "t"}
    recording = load(path, names=names, window="(0,2]")
    inside = (found["t"] > 0) & (found["t"] <= 2)
    means = np.stack([found[f"D.neuron{number}"][:, inside].mean(axis=1) for number in range(1, 19)], axis=1)
    np.testing.assert_allclose(recording.trials, means, rtol=1e-12)
    np.testing.assert_array_equal(recording.trials["direction"], found["TE.direction"])
    groups = [means[found["TE.direction"] == direction] for direction in np.unique(found["TE.direction"])]
    assert len(groups) == recording.n_stimuli == 8
    assert (scipy.stats.f_oneway(*groups).pvalue < 0.01).sum() == 5


def test_cumming_is_read_as_scipy_has_it(shared_data):
    path = shared_data / "real/cumming_mt.mat"
    found, own = read(path), scipy.io.loadmat(path)["ddat"]
    np.testing.assert_array_equal(found["ddat.firing_rate"], own["firing_rate"][0, 0].ravel())
    np.testing.assert_array_equal(found["ddat.disparity"], own["disparity"][0, 0].ravel())
    assert found["ddat.cellnum"] == "m1c100r3"
    path = shared_data / "real/cumming_v1v2.mat"
    found = read(path, responses="DTdata(3).resp", count="DTdata(1575).counts{1}")
    own = scipy.io.loadmat(path)["DTdata"]
    np.testing.assert_array_equal(found["DTdata(3).resp"], own["resp"][0, 2].ravel())
    np.testing.assert_array_equal(found["DTdata(1575).counts{1}"], own["counts"][0, 1574][0, 0, 0].ravel())
    np.testing.assert_array_equal(found["DTdata.rf"], np.array([item.ravel() for item in own["rf"][0]]))
    assert listed(read(path)).endswith(
        "DTdata with dx, resp, counts (1 x 1,575 structures, of different sizes or kinds)"
    )
