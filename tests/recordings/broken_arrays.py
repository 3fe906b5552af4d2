"""Broken files: what lies where a file should, NumPy's files, the arrays in any file, and images."""

import io
import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from whole_files import (
    BAD_NAME,
    DEGREES,
    HOLE,
    HUGE,
    INFINITE,
    NUMBERED,
    RADIANS,
    RESPONSES,
    TEXT,
    Broken,
    Payload,
    csv,
    cut,
    edited,
    flipped,
    hdf5,
    linked,
    npy,
    npz,
    pickled,
    pictures,
    pipe,
    written,
)


def npy_bytes(array, shape=None):
    """An ``.npy`` file, whose head tells another shape."""
    stream = io.BytesIO()
    np.save(stream, array)
    data = stream.getvalue()
    if shape is None:
        return data
    head = data[10 : 10 + data[8]].decode("latin1").replace(str(array.shape), str(shape))
    return data[:8] + struct.pack("<H", len(head)) + head.encode("latin1") + data[10 + data[8] :]


def archive(folder, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(folder / "r.npz", "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return folder / "r.npz"


def renamed_twice(folder):
    return edited(archive(folder, {"a.npy": npy_bytes(RESPONSES), "b.npy": npy_bytes(RESPONSES)}), b"a.npy", b"b.npy")


def bomb(folder, n_members, mib):
    """Arrays of zeros, each packed from `mib` into some KB: one piece of a deflated stream many times over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = npy_bytes(np.zeros(0), (mib * 2**17,))
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = start + piece * mib + packer.flush()
    size, entries, listing = len(head) + mib * 2**20, b"", b""
    for number in range(n_members):
        name = f"a{number}.npy".encode()
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, 0, len(data), size, len(name), 0)
        listing += b"PK\x01\x02" + struct.pack("<H", 20) + fields
        listing += struct.pack("<HHHII", 0, 0, 0, 0, len(entries)) + name
        entries += b"PK\x03\x04" + fields + name + data
    end = struct.pack("<HHHHIIH", 0, 0, n_members, n_members, len(listing), len(entries), 0)
    return written(folder, "r.npz", entries + listing + b"PK\x05\x06" + end)


def plugged(folder):
    place = Path.cwd()
    with socket.socket(socket.AF_UNIX) as plug:
        os.chdir(folder)  # a socket's path is short
        plug.bind("r.npz")
        os.chdir(place)
    return folder / "r.npz"


def png(width, height):
    """An image of these sides, of which little is drawn."""
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, format="png")
    data = stream.getvalue()
    head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


PNG = png(4, 4)


def whole(height, width):
    """A black image of these sides."""
    stream = io.BytesIO()
    Image.new("L", (width, height)).save(stream, format="png")
    return stream.getvalue()


WHOLE = whole(8, 10)  # as large as those of `pictures`


LYING = [
    Broken("nothing", lambda folder: folder / "r.npz", "there is no such file, and no recording of that name"),
    Broken("folder", lambda folder: folder, r"this is a folder; a recording is a file \(\.npz"),
    Broken("empty", lambda folder: written(folder, "r.npz", b""), "this file is empty; copy or export it again"),
    Broken("broken link", lambda folder: linked(folder, "gone.npz"), "a link to a file that does not exist"),
    Broken("circle of links", lambda folder: linked(folder, "r.npz"), "cannot be read .*symbolic links"),
    Broken("link to a device", lambda folder: linked(folder, "/dev/zero"), "not a regular file; a recording is a file"),
    Broken("pipe", pipe, "not a regular file; a recording is a file, a Zarr store, or a folder of"),
    Broken("socket", plugged, "not a regular file; a recording is a file, a Zarr store, or a folder of"),
    Broken("name with a line break", lambda folder: written(folder, "a\nb.npz", b"x"), r"a\\nb\.npz: .* save .* again"),
    Broken("name that is no UTF-8", lambda f: written(f, os.fsdecode(b"caf\xe9.npz"), b"x"), r"caf\\xe9\.npz: .*again"),
    Broken(
        "unknown kind",
        lambda folder: written(folder, "r.xlsx", b"x"),
        r"cannot read files of type \.xlsx; the types are \.n",
    ),
    Broken("no suffix", lambda folder: written(folder, "r", b"x"), "cannot read files without a suffix"),
    Broken("pickle as .npz", lambda folder: pickled(folder, "r.npz"), "a Python pickle.*export plain arrays"),
    Broken("old pickle as .npz", lambda folder: pickled(folder, "r.npz", 0), "this .npz file cannot be read"),
    Broken("pickle as .mat", lambda folder: pickled(folder, "r.mat", 2), "a Python pickle.*export plain arrays"),
    Broken(
        "pickle as .pkl", lambda folder: pickled(folder, "r.pkl", 4), r"cannot read files of type \.pkl; the types are"
    ),
    Broken("HDF5 as .npz", lambda folder: hdf5(folder).rename(folder / "r.npz"), r"an HDF5 file.*name it \.h5 or"),
    Broken("table as .npz", lambda folder: csv(folder).rename(folder / "r.npz"), "this .npz file cannot be read.*save"),
    Broken("file as .zarr", lambda folder: npz(folder).rename(folder / "r.zarr"), "a Zarr store is a folder; unpack"),
]

NUMPY = [
    Broken("npz cut", lambda folder: cut(npz(folder)), "damaged .*; save or copy it again"),
    Broken("npz flipped", lambda folder: flipped(npz(folder), 200), "damaged .*CRC.*; save or copy it again"),
    Broken("npz of lzma, flipped", lambda f: flipped(archive(f, {"a.npy": bytes(999)}, 14), 50), "damaged .*again"),
    Broken("npz without arrays", lambda folder: archive(folder, {}), "it holds no arrays; it must hold 'responses'"),
    Broken(
        "npz of something else", lambda folder: archive(folder, {"a.txt": b"x"}), "a.txt is not a NumPy array; save"
    ),
    Broken(
        "npz with pickled objects", lambda f: npz(f, responses=np.array([Payload(f)])), "pickled.*never loaded.*save"
    ),
    Broken(
        "npz with pickled fields",
        lambda folder: npz(folder, animal=np.array([(1, Payload(folder))] * 8, dtype="i4,O")),
        "animal holds pickled Python objects, which are never loaded .*; save plain",
    ),
    Broken(
        "npz with a name twice", lambda folder: renamed_twice(folder), "2 arrays called 'b'; .*different name for each"
    ),
    Broken("npz too large", lambda f: archive(f, {"responses.npy": npy_bytes(RESPONSES, (HUGE, 3))}), "GiB.*Zarr or"),
    Broken("npz too long", lambda f: archive(f, {"responses.npy": npy_bytes(RESPONSES, (10**8, 3))}), "but has [0-9]"),
    Broken("npz negative", lambda f: archive(f, {"a.npy": npy_bytes(RESPONSES, (-8, 3))}), "a .*shape .-8, 3.*damaged"),
    Broken("zip bomb", lambda folder: bomb(folder, 1, 400), "would unpack from .* MiB to 0.4 GiB.*; save it again"),
    Broken(
        "zip bomb in parts", lambda folder: bomb(folder, 40, 200), "would unpack from .* to 7.8 GiB.*; save it again"
    ),
    Broken("npy alone", lambda f: written(f, "r.npy", npy_bytes(RESPONSES)), "stimuli are missing: put a table r.csv"),
    Broken("npy cut", lambda folder: cut(npy(folder)), "but has [0-9]+: the file is damaged"),
    Broken(
        "npy with a false head", lambda f: edited(npy(f), b"'descr'", b"'oscar'"), "not a NumPy array; save it again"
    ),
    Broken("npy with pickled objects", lambda f: npy(f, np.array([Payload(f)] * 8)), "pickled.*never loaded.*save"),
    Broken("npy that is a pickle", lambda f: pickled(npy(f).parent, "r.npy", 4), "a Python pickle, not a .npy file"),
    Broken(
        "npy that is an old pickle", lambda f: pickled(npy(f).parent, "r.npy", 0), "not a NumPy array; save it again"
    ),
    Broken(
        "npy too large", lambda f: written(npy(f).parent, "r.npy", npy_bytes(RESPONSES, (HUGE,))), "declares 7,451 Gi"
    ),
    Broken(
        "npy with fewer rows",
        lambda folder: npy(folder, table="orientation\n" + "15\n" * 7),
        r"r.csv has 7 rows, but the array has shape \(8, 3\); a table of trials must have one row for each",
    ),
    Broken(
        "npy with a table of no UTF-8", lambda f: written(npy(f).parent, "r.csv", BAD_NAME).with_suffix(".npy"), "UTF-8"
    ),
    Broken("npy with a column twice", lambda f: npy(f, table="image ,image\n" + "1,2\n" * 8), "'image' occurs twice"),
]

CONTENTS = [
    Broken(name, lambda folder, arrays=arrays: npz(folder, **arrays), says, options)
    for name, arrays, says, options in [
        ("wrong keys", {"responses": None, "F": RESPONSES}, r"it holds orientation .*F \(8, 3\); .*names=.'resp", {}),
        ("a name that is not there", {}, "no array 'F' .for responses.; it holds", {"names": {"responses": "F"}}),
        ("no stimuli", {"orientation": None}, "it must hold 'responses' .* with 'orientation' or 'direction'", {}),
        ("two kinds of stimuli", {"direction": DEGREES}, "it holds orientation and direction; choose which", {}),
        (
            "fewer labels",
            {"orientation": DEGREES[:7]},
            r"orientation has shape \(7,\) but responses have shape \(8, 3\); .* one value for each",
            {},
        ),
        ("labels as a matrix", {"orientation": np.ones((4, 2))}, r"has shape \(4, 2\) .*; .* must have one value", {}),
        ("one number", {"responses": 1.0}, r"responses have shape \(\); they must be trial x neuron", {}),
        ("four dimensions", {"responses": np.ones((2, 8, 3, 1))}, "nothing says which axis .*axes='repeat,trial,", {}),
        ("repeats without stimuli", {"responses": np.ones((2, 4, 3))}, "along one axis of the responses", {}),
        ("zero neurons", {"responses": np.ones((8, 0))}, r"shape \(8, 0\); there must be trials and neurons", {}),
        (
            "zero trials",
            {"responses": np.ones((0, 3)), "orientation": []},
            r"labels have shape \(0,\); give one for each",
            {},
        ),
        ("zero neurons in repeats", {"responses": np.ones((2, 8, 0))}, r"shape \(\d+, 8?,? ?0\); .*", {}),
        (
            "one trial",
            {"responses": RESPONSES[:1], "orientation": [0.0]},
            "is 1 trial; .* needs at least 3 stimuli",
            {},
        ),
        (
            "one stimulus",
            {"orientation": np.zeros(8)},
            "all trials show one stimulus, orientation 0; .* at least 3",
            {},
        ),
        ("text in numbers", {"responses": TEXT}, r"responses hold 'n/a' at \(2, 1\); they must be numbers", {}),
        ("numbers as text", {"responses": RESPONSES.astype("U9")}, "responses has type <U9; it must hold real", {}),
        ("complex numbers", {"responses": RESPONSES + 1j}, "responses has type complex128; it must hold real num", {}),
        ("fields", {"responses": np.zeros(8, "i4,f8")}, "it must hold real numbers", {}),
        ("dates as stimuli", {"orientation": np.zeros(8, "M8[s]")}, "orientation has type datetime.*real numbers", {}),
        (
            "text as stimuli",
            {"orientation": list("abcdefgh")},
            "orientation holds 'a', which is not a number .*blank='a'",
            {},
        ),
        ("NaN", {"responses": HOLE}, r"1 of 24 .* neuron 1 in trial 2; leave out .*missing='trials'", {}),
        (
            "NaN everywhere",
            {"responses": HOLE * np.nan},
            "every one of the 3 neurons has missing",
            {"missing": "neurons"},
        ),
        ("infinity", {"responses": INFINITE}, "neuron 1 in trial 3 is infinite", {}),
        (
            "NaN as every stimulus",
            {"orientation": HOLE[:, 1] * np.nan},
            "no trial has a stimulus: every orientation",
            {},
        ),
        ("infinite stimulus", {"direction": [np.inf] * 8, "orientation": None}, "trial 0 is not finite; give deg", {}),
        ("enormous stimuli", {"orientation": DEGREES * 1e306 - 7e307}, "over more than 180 degrees; give degrees", {}),
        (
            "directions as orientation",
            {"orientation": DEGREES * 2},
            "if they are directions of drift, map them",
            {},
        ),
        ("radians", {"orientation": RADIANS}, "looks like radians; convert them .* angles='radians'", {}),
        ("conditions from 0", {"orientation": NUMBERED}, "numbers of 8 conditions .* give the degrees .* 22.5", {}),
        ("conditions from 1", {"orientation": NUMBERED + 1}, "from 1 to 8, .* conditions .* give the degrees", {}),
        (
            "two neurons with one name",
            {"neuron": ["a", "b", "a"]},
            "neuron 'a' occurs 2 times; give every neuron",
            {},
        ),
        (
            "names of other neurons",
            {"neuron": ["a", "b"]},
            r"neuron has shape \(2,\), but there are 3 neurons; give",
            {},
        ),
        (
            "names that are no UTF-8",
            {"neuron": [BAD_NAME, b"b", b"c"]},
            r"neuron .* not UTF-8 .*xe9.*; write names as",
            {},
        ),
        (
            "names of stray halves",
            {"animal": ["\ud800"] * 8},
            "animal holds a name that is not UTF-8 .*; write names",
            {},
        ),
        ("numbers as names too large", {"animal": [1e300] * 8, "neuron": ["a"] * 3}, "neuron 'a' occurs 3 times", {}),
        ("notes of their own", {"notes": 1, "responses": HOLE}, "1 of 24 responses are missing .*; leave out", {}),
        (
            "matrix of conditions",
            {"responses": None, "rdm": np.ones((8, 8))},
            "not zero on its diagonal; .* dissim",
            {},
        ),
        (
            "empty matrix",
            {"responses": None, "rdm": np.ones((0, 0)), "orientation": []},
            "rdm has shape .0, 0.*must",
            {},
        ),
        ("flat matrix", {"responses": None, "rdm": np.zeros(8)}, r"rdm has shape \(8,\); it must be square", {}),
        ("text in the matrix", {"responses": None, "rdm": TEXT}, "rdm has type <U9; it must hold real numbers", {}),
        ("missing in the matrix", {"responses": None, "rdm": np.full((8, 8), np.nan)}, "nan .*; it must be finite", {}),
        (
            "stimulus twice in a matrix",
            {"responses": None, "rdm": np.zeros((8, 8))},
            "occurs 2 times; .* one row per stimulus",
            {},
        ),
        ("study without stimuli", {"responses": None, "resp": RESPONSES}, "it must hold .*'resp' and 'stimuli'", {}),
        (
            "study in radians",
            {"responses": None, "orientation": None, "resp": np.ones((40, 3)), "stimuli": np.arange(40) * np.pi / 20},
            "'stimuli' runs from 0 to 6.12611, which looks like radians; convert them",
            {},
        ),
        (
            "study of one",
            {"responses": None, "resp": [[1.0]], "stimuli": [5.0]},
            "1 of 1 stimuli .*; at least 2 are needed",
            {},
        ),
        ("images and gratings", {"images": np.ones((2, 9, 9))}, "there are images and orientations; choose which", {}),
        ("no such region", {"region": list("abc")}, "no neuron has region 'x'; there are a, b, c", {"region": "x"}),
    ]
]

SHOWN = [
    Broken(
        name, lambda folder, arrays=arrays: npz(folder, **({"orientation": None, "image": [0, 1] * 4} | arrays)), says
    )
    for name, arrays, says in [
        ("images fewer", {"images": np.ones((1, 9, 9))}, "numbered from 0 to 1, but there are 1; number them from 0"),
        (
            "images below 0",
            {"image": [-1, 0] * 4, "images": np.ones((2, 9, 9))},
            "image holds -1, .*blank=-1",
        ),
        ("images flat", {"images": np.ones(2)}, r"images have shape \(2,\); they must be \(n_images, height, width\)"),
        ("images of one number", {"images": 1.0}, r"images have shape \(\); they must be \(n_images, height, width\)"),
        ("images without pixels", {"images": np.ones((2, 0, 9))}, r"images have shape \(2, 0, 9\); they must be"),
        ("colours without pixels", {"images": np.ones((2, 0, 9, 3))}, r"images have shape .*; they must be"),
        ("images of text", {"images": np.full((2, 9, 9), "x")}, "images has type <U1; it must hold real numbers"),
        (
            "images of NaN",
            {"images": np.full((2, 9, 9), np.nan)},
            "image 0 holds NaN or infinity; images must be numbers",
        ),
        (
            "images too bright",
            {"images": np.full((2, 9, 9), 255.0)},
            "from 255 to 255; they must be numbers .* or bytes",
        ),
        (
            "images of half numbers",
            {"image": [0.5, 1] * 4, "images": np.ones((2, 9, 9))},
            "holds 0.5; image numbers",
        ),
        ("images of number NaN", {"image": [np.nan, 1] * 4}, "all trials show one stimulus, image '1'"),
        ("images of number infinity", {"image": [np.inf, 1] * 4}, "image holds inf; image numbers must be whole"),
        ("images without names", {"image": ["a", "b"] * 4, "images": np.ones((2, 9, 9))}, "no names; give image_names"),
        (
            "names of images fewer",
            {"images": np.ones((2, 9, 9)), "image_names": ["a"]},
            "1 image_names but 2 images; they",
        ),
        ("one name of images", {"images": np.ones((2, 9, 9)), "image_names": "a"}, "image_names .* must agree"),
        ("names of images twice", {"images": np.ones((2, 9, 9)), "image_names": ["a"] * 2}, "'a' occurs 2 times; give"),
        (
            "images that are no UTF-8",
            {"image": [BAD_NAME, b"caf\xe8"] * 4},
            r"image holds .* not UTF-8 .*; write names",
        ),
        (
            "image_names that are no UTF-8",
            {"images": np.ones((2, 9, 9)), "image_names": [BAD_NAME, b"caf\xe8"]},
            r"image_names holds .* not UTF-8 .*; write names as UTF-8",
        ),
        (
            "names of images that are not there",
            {"images": np.ones((2, 9, 9)), "image_names": [b"a", b"b"], "image": ["a", "c"] * 4},
            "1 of 2 images named in trials do not exist, the first is 'c'; the images are a, b$",
        ),
    ]
]

FOLDERS = [
    Broken(name, lambda folder, change=change: change(folder), says, {"images": "images"})
    for name, change, says in [
        ("images nowhere", lambda f: npz(f, orientation=None, image=list("abcdefgh")), "no such folder; give"),
        (
            "images as a file",
            lambda f: written(npz(f).parent, "images", b"").parent / "r.npz",
            "must be a folder of images",
        ),
        ("images none", lambda f: pictures(f, cat_png=None, dog_png=None), r"there are no images \(\.bmp, "),
        (
            "image lost",
            lambda f: pictures(f, dog_png=None),
            "1 of 2 images .* do not exist, the first is 'dog'; the images are",
        ),
        ("image of text", lambda f: pictures(f, dog_png=b"text"), r"dog\.png: this image cannot be read"),
        ("image cut", lambda f: cut(pictures(f).parent / "images/dog.png").parents[1] / "r.npz", "dog.png.*cannot be"),
        ("image too large", lambda f: pictures(f, dog_png=png(50_000, 50_000)), r"dog\.png: this image is too large"),
        (
            "image large",
            lambda f: pictures(f, dog_png=png(9_500, 9_500)),
            r"dog\.png.*90250000 pixels.*; save it again, smaller",
        ),
        ("images of two sizes", lambda f: pictures(f, dog_png=png(4, 4)), r"differ in size .*; crop or resize"),
        ("image names in doubt", lambda f: pictures(f, cat_bmp=WHOLE), "'cat' .* cat.bmp .*cat.png.*; .*suffix"),
        (
            "image that is a pipe",
            lambda f: pipe(pictures(f, dog_png=None).parent, "images/dog.png").parents[1] / "r.npz",
            "dog",
        ),
    ]
]
