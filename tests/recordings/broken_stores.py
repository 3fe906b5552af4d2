"""Broken files of MATLAB, HDF5, netCDF and Zarr."""

import json
import pickle
import struct
import zlib

import h5py
import numpy as np
import scipy.io
import scipy.sparse
from whole_files import (
    BAD_NAME,
    DEGREES,
    GOOD,
    HUGE,
    NUMBERED,
    RADIANS,
    RESPONSES,
    TEXT,
    Broken,
    Payload,
    changed,
    cut,
    edited,
    flipped,
    hdf5,
    mat,
    mat73,
    netcdf,
    pipe,
    written,
    zarr2,
    zarr3,
)

PASSWD = [("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
UNWRITTEN = {"shape": (10**8, 9), "dtype": "f8", "chunks": (10**5, 9)}  # of which a file holds nothing
LONG = {"shape": (10**8,), "dtype": "f8", "chunks": (10**6,)}
OUTSIDE = "is stored in another file, which is not opened; (copy|export)"
MANY_PIECES = {"described": {"shape": [16, 3], "chunks": [8, 3]}}


def mat_bomb(folder):
    """A structure whose field of zeros unpacks to 1 GiB."""
    scipy.io.savemat(folder / "r.mat", {"data": {"F": np.zeros(4)}})
    whole = (folder / "r.mat").read_bytes()
    element = whole[128:]
    packer = zlib.compressobj(9)
    data = packer.compress(element[:4] + struct.pack("<I", 2**30) + element[8:]) + packer.flush(zlib.Z_FULL_FLUSH)
    data += packer.flush()
    return written(folder, "r.mat", whole[:128] + struct.pack("<II", 15, len(data)) + data)


RAGGED = np.array([[RESPONSES, RESPONSES[:3]]], dtype=object)


def twice(folder):
    """A MATLAB file with one variable twice."""
    data = mat(folder, orientation=None).read_bytes()
    return written(folder, "r.mat", data + data[128:])


def sparse(side):
    return scipy.sparse.csc_matrix(([1.0, 2.0], ([0, 3], [1, 2])), shape=(side, side))


def as_dataset(name, data=None, **options):
    """A change of an HDF5 file: another dataset under this name."""

    def change(file):
        if name in file:
            del file[name]
        file.create_dataset(name, data=data, **options)

    return change


def as_link(name, link):
    def change(file):
        if name in file:
            del file[name]
        file[name] = link

    return change


def as_virtual(file):
    layout = h5py.VirtualLayout((8, 3), "<f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (8, 3))
    del file["responses"]
    file.create_virtual_dataset("responses", layout)


def with_cell(data=None, **options):
    """A change of MATLAB's file: a cell that leads to a dataset, or nowhere."""

    def change(file):
        target = h5py.Reference()
        if data is not None or options:
            target = file.create_dataset("#refs#/a", data=data, **options).ref
        file.create_dataset("region", data=np.array([[target]], dtype=h5py.ref_dtype))

    return change


def by_matlab(change):
    def changed(file):
        change(file)
        file["responses"].attrs["MATLAB_class"] = np.bytes_("double")

    return changed


def cells(file, name, references):
    """Cells of MATLAB's that lead to these places."""
    array = file.create_dataset(name, data=np.array([references], dtype=h5py.ref_dtype))
    array.attrs["MATLAB_class"] = np.bytes_("cell")
    return array


def in_a_circle(file):
    array = cells(file, "region", [h5py.Reference()])
    array[...] = np.array([[array.ref]], dtype=h5py.ref_dtype)


def laughing(file):
    """Ten cells that all lead to ten cells, and so on."""
    target = file.create_dataset("#refs#/0", data=np.zeros((1, 1)))
    for level in range(1, 20):
        target = cells(file, f"#refs#/{level}", [target.ref] * 10)
    cells(file, "region", [target.ref] * 10)


def many_times(file):
    """Two thousand cells that refer to one array of 8 MB, which is packed into few bytes."""
    array = file.create_dataset("#refs#/0", data=np.zeros((1000, 1000)), compression="gzip")
    array.attrs["MATLAB_class"] = np.bytes_("double")
    cells(file, "region", [array.ref] * 2000)


def unwritten_text(file):
    file.create_dataset("animal", shape=(10**9,), dtype=h5py.string_dtype(), chunks=(10**6,))


def unwritten_matrix(file):
    del file["responses"], file["orientation"]
    file.create_dataset("rdm", shape=(20_000, 20_000), dtype="f8", chunks=(100, 100))
    file["orientation"] = np.linspace(0, 90, 20_000)


def unwritten_study(file):
    as_dataset("resp", **UNWRITTEN)(file)
    as_dataset("stimuli", DEGREES)(file)
    del file["responses"]


def all_unwritten(file):
    as_dataset("responses", **UNWRITTEN)(file)
    as_dataset("orientation", **LONG)(file)


def moved(file):
    file.move("responses", "F/dff")


def in_circles(file):
    """Groups that hold one another, by links of both kinds."""
    for name in "abcdefgh":
        file.create_group(name)
    for name in "abcdefgh":
        for other in "abcdefgh":
            file[name][f"hard {other}"] = file[other]
            file[name][f"soft {other}"] = h5py.SoftLink("/")


def called_badly(file):
    file.id.links.move(b"responses", file.id, BAD_NAME)


def flipped_chunk(folder):
    """Responses that are read late, with a chunk that does not unpack."""

    def change(file):
        del file["responses"]
        array = file.create_dataset("responses", (8, 2**20 + 8), "f8", chunks=(8, 2**18), compression="gzip")
        array.id.write_direct_chunk((0, 0), b"no deflated stream")

    return hdf5(folder, change)


def moved_out(store, name, is_folder=False):
    """A part of a Zarr store that is a link to a place outside of it."""
    outside = store.parent / "outside"
    (store / name).rename(outside)
    (store / name).symlink_to(outside, target_is_directory=is_folder)
    return store


def zarr_pickle(folder, **described):
    described = described or {"filters": [{"id": "pickle", "protocol": 5}]}
    return {"described": described, "chunk": pickle.dumps(Payload(folder))}


def consolidated(folder):
    """A pickle that only the metadata of the whole store tell of."""
    store = zarr2(folder, chunk=pickle.dumps(Payload(folder)))
    texts = {f"{key}/.zarray": json.loads((store / key / ".zarray").read_text()) for key in GOOD}
    texts["responses/.zarray"] |= zarr_pickle(folder)["described"]
    whole = {"zarr_consolidated_format": 1, "metadata": {".zgroup": {"zarr_format": 2}} | texts}
    (store / ".zmetadata").write_text(json.dumps(whole))
    return store


def in_zarr(store, name, data):
    (store / name).write_bytes(data)
    return store


def in_json(store, old, new):
    edited(store / "responses" / "zarr.json", old, new)
    return store


def empty_folder(folder, name):
    (folder / name).mkdir()
    return folder / name


MATLAB = [
    Broken("mat cut", lambda folder: cut(mat(folder)), "damaged .*; save it again, for example with -v7"),
    Broken("mat packed and cut", lambda folder: cut(mat(folder, compressed=True)), "damaged .*; save it again"),
    Broken("mat packed and flipped", lambda folder: flipped(mat(folder, compressed=True), 200), "damaged .*; save it"),
    Broken(
        "mat of text", lambda folder: written(folder, "r.mat", b"responses = [1 2 3]\n" * 30), "damaged .*; save it"
    ),
    Broken("mat with wrong names", lambda f: mat(f, responses=None, data={"F": RESPONSES}), r"data.F \(8, 3\).*names="),
    Broken("mat with a name twice", twice, "'responses' occurs 2 times; save each under its own name"),
    Broken("mat bomb", mat_bomb, "would unpack from 0.0 MiB to 1.0 GiB.*; save it again"),
    Broken(
        "mat too large",
        lambda f: edited(mat(f), struct.pack("<ii", 8, 3), struct.pack("<ii", 2**30, 3)),
        r"shape \(1073741824, 3\) has 256 bytes.*; save it again",
    ),
    Broken(
        "mat 4 too large",
        lambda f: edited(mat(f, format="4"), struct.pack("<ii", 8, 3), struct.pack("<ii", 2**30, 3)),
        "responses declares 24 GiB.*; if that is correct, save the responses as Zarr or HDF5",
    ),
    Broken(
        "mat with a kind that is not",
        lambda f: edited(mat(f), b"\x09\0\0\0\xc0", b"\x09\x0a\0\0\xc0"),
        "an element of kind 2569.*; save it again",
    ),
    Broken(
        "mat with half of complex numbers",
        lambda f: edited(mat(f), b"\x06\0\0\0\x08\0\0\0\x06\0", b"\x06\0\0\0\x08\0\0\0\x06\x08", 1),
        "holds 3 elements, not 4.*; save it again",
    ),
    Broken(
        "mat, sparse and out of place",
        lambda f: edited(mat(f, responses=sparse(8)), struct.pack("<ii", 0, 3), struct.pack("<ii", 0, 10**9)),
        "damaged .*; save it again",
    ),
    Broken("mat with cells of many sizes", lambda f: mat(f, responses=RAGGED), "it holds orient"),
    Broken(
        "mat with an element that is not there",
        lambda f: mat(f, responses=RAGGED),
        "responses has 1 x 2 elements, counted from 1; there is no element 3",
        {"names": {"responses": "responses{3}"}},
    ),
    Broken(
        "mat without neurons", lambda folder: mat(folder, responses=np.ones((8, 0))), r"\(8, 0\); there must be tri"
    ),
    Broken(
        "mat with conditions", lambda f: mat(f, orientation=NUMBERED + 1), "conditions .* give the degrees they stand"
    ),
    Broken("mat, sparse and too large", lambda f: mat(f, responses=sparse(10**6)), "7,451 GiB.*; .*Zarr or HDF5"),
    Broken("mat 7.3 cut", lambda folder: cut(mat73(folder)), "damaged .*; copy it again"),
    Broken("mat 7.3 with an empty reference", lambda f: mat73(f, with_cell()), "damaged .*; copy it again"),
    Broken(
        "mat 7.3 with a cell outside", lambda f: mat73(f, with_cell(shape=(2, 1), dtype="u2", external=PASSWD)), OUTSIDE
    ),
    Broken(
        "mat 7.3 outside",
        lambda f: mat73(f, as_dataset("responses", external=PASSWD, shape=(3, 8), dtype="f8")),
        OUTSIDE,
    ),
    Broken(
        "mat 7.3, unwritten",
        lambda f: mat73(f, by_matlab(as_dataset("responses", **UNWRITTEN))),
        "would unpack .*; save it ag",
    ),
    Broken(
        "mat 7.3 of cells in a circle",
        lambda f: mat73(f, in_a_circle),
        "cells of region refer to each other in a circle.*; copy",
    ),
    Broken(
        "mat 7.3 of cells of cells",
        lambda f: mat73(f, laughing),
        "cells of region refer to each other in a circle.*; copy",
    ),
    Broken(
        "mat 7.3 of one bomb many times",
        lambda f: mat73(f, many_times),
        "many cells of region refer to the same array.*; copy",
    ),
    Broken("mat 7.3, unwritten text", lambda f: mat73(f, unwritten_text), "would unpack .*; save it again"),
]

HDF = [
    Broken("h5 cut", lambda folder: cut(hdf5(folder)), "damaged .*; copy it again"),
    Broken(
        "h5 that is text",
        lambda folder: written(folder, "r.h5", b"x" * 999),
        "this HDF5 file cannot be read.*; copy it again",
    ),
    Broken(
        "h5 with wrong keys", lambda f: hdf5(f, moved), r"it holds F/dff \(8, 3\).*; it must hold .*names=.'responses"
    ),
    Broken("h5 linked outside", lambda f: hdf5(f, as_link("responses", h5py.ExternalLink("b.h5", "/x"))), OUTSIDE),
    Broken(
        "h5 stored outside",
        lambda f: hdf5(f, as_dataset("responses", external=PASSWD, shape=(8, 3), dtype="f8")),
        OUTSIDE,
    ),
    Broken("h5 put together from outside", lambda f: hdf5(f, as_virtual), OUTSIDE),
    Broken(
        "h5 with a link to nothing", lambda f: hdf5(f, as_link("responses", h5py.SoftLink("/gone"))), "it must hold"
    ),
    Broken(
        "h5 without values", lambda f: hdf5(f, as_dataset("responses", h5py.Empty("f8"))), "it must hold 'responses'"
    ),
    Broken(
        "h5 of fields", lambda f: hdf5(f, as_dataset("responses", np.zeros(8, "i4,f8"))), "it must hold 'responses'"
    ),
    Broken(
        "h5 of text", lambda f: hdf5(f, as_dataset("responses", TEXT.astype(object))), "'n/a' at .2, 1.; they must be"
    ),
    Broken(
        "h5 of no UTF-8", lambda f: hdf5(f, as_dataset("animal", [BAD_NAME] * 8)), "animal .*not UTF-8; write names"
    ),
    Broken("h5 called no UTF-8", lambda f: hdf5(f, called_badly), r"a name that is not UTF-8 .b'caf\\xe9'.; rename it"),
    Broken(
        "h5, unwritten",
        lambda f: hdf5(f, as_dataset("responses", **UNWRITTEN)),
        "shape .100000000, 9.; .* must have one",
    ),
    Broken(
        "h5, unwritten labels",
        lambda f: hdf5(f, as_dataset("animal", **UNWRITTEN)),
        "animal would unpack .*; save it again",
    ),
    Broken(
        "h5, unwritten stimuli",
        lambda f: hdf5(f, as_dataset("orientation", **LONG)),
        "orientation would unpack .*; save it again",
    ),
    Broken("h5, all unwritten", lambda f: hdf5(f, all_unwritten), "would unpack .*; save it again"),
    Broken("h5, unwritten text", lambda f: hdf5(f, unwritten_text), "animal would unpack .*; save it again"),
    Broken("h5, unwritten matrix", lambda f: hdf5(f, unwritten_matrix), "rdm would unpack .*; save it again"),
    Broken("h5, unwritten study", lambda f: hdf5(f, unwritten_study), "resp would unpack .*; save it again"),
    Broken("h5 with a flipped chunk", flipped_chunk, "responses cannot be read; it is damaged .*; copy the"),
]

NETCDF = [
    Broken("nc 3 cut", lambda folder: cut(netcdf(folder, "scipy")), "damaged .*; save it again"),
    Broken(
        "nc 3 too large",
        lambda f: edited(netcdf(f, "scipy"), b"\0\0\0\x08", b"\x7f\0\0\0"),
        "damaged .*; save it again",
    ),
    Broken("nc 4 cut", lambda folder: cut(netcdf(folder)), "damaged .*; save it again"),
    Broken("nc of text", lambda folder: written(folder, "r.nc", b"CDL " * 99), "damaged .*; save it again"),
    Broken("nc with radians", lambda folder: netcdf(folder, orientation=RADIANS), "radians; convert them"),
    Broken(
        "nc with wrong names", lambda f: netcdf(f, orientation=None, theta=DEGREES), r"it holds .*theta \(8,\); it must"
    ),
    Broken("nc linked outside", lambda f: changed(netcdf(f), as_link("x", h5py.ExternalLink("b", "/x"))), OUTSIDE),
    Broken(
        "nc stored outside",
        lambda f: changed(netcdf(f), as_dataset("x", external=PASSWD, shape=(8, 3), dtype="f8")),
        OUTSIDE,
    ),
    Broken(
        "nc, unwritten", lambda f: changed(netcdf(f), as_dataset("x", **UNWRITTEN)), "x would unpack .*; save it again"
    ),
]

ZARR = [
    Broken(
        "zarr 2 with a pickle as filter", lambda f: zarr2(f, **zarr_pickle(f)), "pickled.*never loaded.*; save plain"
    ),
    Broken(
        "zarr 2 with a pickle as compressor",
        lambda folder: zarr2(folder, **zarr_pickle(folder, compressor={"id": "pickle"})),
        "holds pickled Python objects, which are never loaded .*; save plain",
    ),
    Broken("zarr 2 with a hidden pickle", consolidated, "pickled.*never loaded.*; save plain"),
    Broken(
        "zarr 2 with a pickle outside",
        lambda f: moved_out(zarr2(f, **zarr_pickle(f)), "responses", is_folder=True),
        "responses is a link out of the store.*; copy the data into",
    ),
    Broken(
        "zarr 2, linked outside",
        lambda f: moved_out(zarr2(f), "responses/0.0"),
        "a link out of the store.*; copy",
    ),
    Broken(
        "zarr 2 with a pipe",
        lambda f: pipe(zarr2(f), "orientation/.zattrs").parents[1],
        "not a regular file.*; write the store",
    ),
    Broken(
        "zarr 2 with a chunk as pipe",
        lambda f: pipe(zarr2(f, **MANY_PIECES), "responses/1.0").parents[1],
        "not a regular file",
    ),
    Broken("zarr 2 cut", lambda f: cut(zarr2(f) / "responses/0.0").parents[1], "damaged .*; write it again"),
    Broken(
        "zarr 2 with half a text",
        lambda f: cut(zarr2(f) / "responses/.zarray").parents[1],
        "damaged .*; write it again",
    ),
    Broken(
        "zarr 2 nested", lambda f: in_zarr(zarr2(f), "responses/.zarray", b"[" * 10**5), "damaged .*; write it again"
    ),
    Broken(
        "zarr 2 with a list", lambda f: in_zarr(zarr2(f), "responses/.zarray", b"[1]"), "damaged .*; write it again"
    ),
    Broken(
        "zarr 2 packed strangely", lambda f: zarr2(f, described={"compressor": {"id": "x"}}), "damaged .*; write it"
    ),
    Broken("zarr 2 of a strange type", lambda f: zarr2(f, described={"dtype": "<q9"}), "damaged .*; write it again"),
    Broken("zarr 2 in pieces of 0", lambda f: zarr2(f, described={"chunks": [0, 0]}), "damaged .*; write it again"),
    Broken(
        "zarr 2 in huge pieces",
        lambda f: zarr2(f, described={"chunks": [HUGE, 3]}),
        "stored in parts of .* unpacked as a whole; save it again in smaller parts",
    ),
    Broken(
        "zarr 2, unwritten",
        lambda f: zarr2(f, described={"shape": [10**9, 9]}),
        r"\(8,\) but .* .1000000000, 9.; .* must have",
    ),
    Broken(
        "zarr 2, unwritten text",
        lambda f: zarr2(f, "animal", {"shape": [HUGE], "dtype": "<U9", "fill_value": ""}),
        "animal declares .* GiB.*; if",
    ),
    Broken(
        "zarr 2, zero-dimensional",
        lambda f: zarr2(f, described={"shape": [], "chunks": []}, chunk=bytes(8)),
        r"shape \(\); they must",
    ),
    Broken("zarr 3 cut", lambda f: cut(zarr3(f) / "responses/zarr.json").parents[1], "damaged .*; write it again"),
    Broken(
        "zarr 3 with a flipped chunk",
        lambda f: flipped(zarr3(f) / "responses/c/0/0", 0).parents[3],
        "damaged .*; write",
    ),
    Broken("zarr 3 packed strangely", lambda f: in_json(zarr3(f), b'"zstd"', b'"oops"'), "damaged .*; write it again"),
    Broken("zarr 3 of other shape", lambda f: in_json(zarr3(f), b" 3\n", b" 5\n"), "damaged .*; write it again"),
    Broken("zarr 3 with wrong keys", lambda f: zarr3(f, responses=None, F=RESPONSES), r"F \(8, 3\).*names=.'responses"),
    Broken(
        "zarr 3, zero neurons", lambda f: zarr3(f, responses=np.ones((8, 0))), r"\(8, 0\); there must be trials and"
    ),
    Broken("zarr 3 with names twice", lambda f: zarr3(f, neuron=np.array(["a", "a", "b"])), "'a' occurs 2 times; give"),
    Broken("zarr of nothing", lambda f: empty_folder(f, "r.zarr"), "this Zarr store cannot be read.*; write it again"),
    Broken("zarr of one array", lambda f: zarr2(f) / "responses", r"it holds responses \(8, 3\); it must hold"),
]
