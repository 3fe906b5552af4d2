"""Pickles of arrays are read, whatever wrote them; anything else is refused, and nothing runs."""

import builtins
import collections
import functools
import io
import os
import pickle
import pickletools
import struct

import numpy as np
import pytest
from public_files import MINIS, fresh, write_gratings, write_macaque

from normenc.errors import InputError
from normenc.recordings.public.pickles import ALLOWED, load_npy, load_npz, load_pickle, unpickled


@pytest.fixture(autouse=True)
def same_numbers():
    fresh()


HOLDING = {
    "numbers": np.arange(6.0).reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
    "three axes turned": np.arange(24.0, dtype=np.float32).reshape(2, 3, 4).transpose(1, 2, 0),
    "empty": np.zeros((0, 3)),
    "truths": np.array([True, False]),
    "texts": np.array(["V1", "LM ä"]),
    "bytes": np.array([b"a", b"bc"]),
    "complex": np.array([1 + 2j]),
    "a number": np.float32(1.5),
    "a whole number": np.int64(3),
    "nested": np.array([{"med": [1, (2.0, None)], "ipix": np.arange(3)}, {"x"}], dtype=object),
    "without axes": np.array({"a": 1}, dtype=object),
    "containers": [1, 2.5, "ä", b"\xff", (1, 2), {3: None}, {4}, frozenset([5]), bytearray(b"6"), 7j, True],
    "in order": collections.OrderedDict(a=1, b=np.ones(2)),
}


def same(one, other):
    if isinstance(other, np.ndarray):
        assert isinstance(one, np.ndarray)
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        if other.dtype == object:
            for mine, its in zip(one.ravel(), other.ravel(), strict=True):
                same(mine, its)
        else:
            np.testing.assert_array_equal(one, other)
    elif isinstance(other, dict):
        assert list(one) == list(other)
        for key in other:
            same(one[key], other[key])
    elif isinstance(other, list | tuple):
        for mine, its in zip(one, other, strict=True):
            same(mine, its)
    else:
        assert one == other
        assert type(one) is type(other)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_plain_containers_come_back_as_they_were(protocol, tmp_path):
    path = tmp_path / "mine.pkl"
    path.write_bytes(pickle.dumps(HOLDING, protocol))
    read = load_pickle(path)
    same(read, pickle.loads(path.read_bytes()))
    np.testing.assert_array_equal(np.asarray(read["numbers"]) * 2, HOLDING["numbers"] * 2)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_names_of_numpy_1_and_of_python_2_are_known(protocol):
    data = pickle.dumps([np.arange(3.0), {1}], protocol)
    for new, old in ((b"numpy._core", b"numpy.core"), (b"builtins", b"__builtin__")):
        at = data.find(new)
        while at >= 0 and protocol >= 4:  # where the length stands before the name
            data = data[: at - 1] + bytes([data[at - 1] - len(new) + len(old)]) + data[at:]
            data = data[:at] + old + data[at + len(new) :]
            at = data.find(new)
        data = data.replace(new, old)
    if protocol >= 4:  # a frame declares a length, which is not checked without one
        head, rest = data[:2], data[11:]
        data = head + rest
    numbers, group = unpickled(io.BytesIO(data))
    np.testing.assert_array_equal(numbers, np.arange(3.0))
    assert group == {1}


def test_an_array_that_python_2_wrote_is_read():
    """Bytes as text of Python 2 (STRING), and a dtype as numpy 1 described it."""
    raw = np.array([1.0, -2.5]).tobytes()
    program = (
        b"\x80\x02}U\x04respcnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02\x85"
        b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(raw)])
        + raw
        + b"tbs."
    )
    assert pickle.loads(program, encoding="latin1")["resp"].tolist() == [1.0, -2.5]
    assert unpickled(io.BytesIO(program))["resp"].tolist() == [1.0, -2.5]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_recordings_of_every_protocol_are_read(protocol, tmp_path):
    for name, write in (("gratings", write_gratings), ("macaque", write_macaque)):
        mini = MINIS[name]
        files = write(tmp_path, protocol=protocol)
        recording = mini.read(files)
        assert recording.n_stimuli == len(mini.averages(files))


class Reducing:
    """Runs a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.parts = function, arguments

    def __reduce__(self):
        return self.parts


class Own:
    pass


def with_state():
    """State for a function that the reader gives, which would change it for all that are read later."""
    return b"cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb."


def extension():
    return b"\x80\x02\x82\x01."


def persistent():
    return b"Pdatabase\n."


HARM = {
    "a command": lambda marker: Reducing(os.system, f"touch {marker}"),
    "python": lambda marker: Reducing(eval, f"open({str(marker)!r}, 'w')"),
    "a file": lambda marker: Reducing(open, str(marker), "w"),
    "a part of a function": lambda marker: functools.partial(open, str(marker), "w"),
    "an import": lambda marker: Reducing(__import__, "antigravity"),
    "an attribute": lambda marker: Reducing(getattr, os, "system"),
    "numpy's reader": lambda marker: Reducing(np.load, str(marker)),
    "numpy's writer": lambda marker: Reducing(np.save, str(marker), np.ones(2)),
    "a file on disk": lambda marker: Reducing(np.memmap, str(marker), "u1", "w+", 0, (4,)),
    "an object": lambda marker: Own(),
    "a class": lambda marker: Own,
    "a masked array": lambda marker: np.ma.masked_array([1.0], [True]),
    "a table": lambda marker: __import__("pandas").DataFrame({"a": [1]}),
}


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", HARM)
def test_what_could_run_is_refused_by_name_and_does_not(name, protocol, nested, tmp_path):
    marker = tmp_path / "ran"
    try:
        harm = HARM[name](marker)
        holding = {"sresp": np.array([{"a": harm}, 1], dtype=object)} if nested else harm
        data = pickle.dumps(holding, protocol)
    except TypeError:
        data = b"cos\nsystem\n(V" + f"touch {marker}".encode() + b"\ntR."
    path = tmp_path / "mine.pkl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"it holds .*neither a NumPy array nor a plain container"):
        load_pickle(path)
    assert not marker.exists()


@pytest.mark.parametrize("make", [with_state, extension, persistent])
def test_other_ways_out_of_a_pickle_are_closed(make, tmp_path):
    path = tmp_path / "mine.pkl"
    path.write_bytes(make())
    with pytest.raises(InputError):
        load_pickle(path)
    assert not hasattr(ALLOWED["numpy", "ndarray"], "a")


@pytest.mark.parametrize("name", ["set", "frozenset", "complex"])
def test_what_is_given_cannot_be_changed(name):
    for program in (b"}X\x04\x00\x00\x00spamK\x01sb.", b"N}X\x04\x00\x00\x00spamK\x01s\x86b."):
        with pytest.raises(Exception, match=r"immutable|attribute|item assignment"):
            unpickled(io.BytesIO(b"\x80\x02cbuiltins\n" + name.encode() + b"\n" + program))
        assert not hasattr(getattr(builtins, name), "spam")


def array_program(shape, dtype, data, state="NNN"):
    """A pickle of an array, written op by op: its description may be false."""
    sides = b"(" + b"".join(b"J" + struct.pack("<i", side) for side in shape) + b"t"
    spec = b"X" + struct.pack("<I", len(dtype)) + dtype.encode()
    return (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01"
        + sides
        + b"cnumpy\ndtype\n"
        + spec
        + b"\x89\x88\x87R(K\x03X\x01\x00\x00\x00<"
        + state.encode()
        + b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + data
        + b"tb."
    )


def raw(data):
    return b"B" + struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (array_program((3,), "f8", raw(b"\0" * 16)), r"an array of shape \(3,\) has another number of values"),
        (array_program((2**30, 2**10), "f8", raw(b"\0" * 8)), "has another number of values"),
        (array_program((-1,), "f8", raw(b"\0" * 8)), "impossible shape"),
        (array_program((5,), "O8", b"]K\x01a"), "has another number of values"),
        (array_program((1,), "O8", raw(b"\0" * 8)), "has another number of values"),
        (array_program((1,), "V8", raw(b"\0" * 8)), "an array of type 'V8'"),
        (array_program((1,), "f8,f8", raw(b"\0" * 16)), "an array of type 'f8,f8'"),
        (array_program((1,), "V8", raw(b"\0" * 8), state="N(t}"), "an array of type 'V8'"),
        (array_program((1,), "f8", raw(b"\0" * 8), state="N(t}"), "a structured array"),
        (b"\x80\x03cnumpy\nndarray\n(J\x00\x00\x00\x7ftR.", "in a way that NumPy does not write"),
        (b"\x80\x03c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00bz2\x86R.", "to be encoded as 'bz2'"),
        (b"\x80\x03cbuiltins\nbytearray\nJ\x00\x00\x00\x7f\x85R.", "bytes of a kind that is not read"),
        (b"\x80\x03cnumpy.core.multiarray\n_reconstruct\ncbuiltins\nset\nK\x00\x85C\x01b\x87R.", "a kind of its own"),
    ],
)
def test_descriptions_that_are_false_never_reach_numpy(program, message):
    pickletools.dis(program, io.StringIO())  # it is a pickle
    with pytest.raises(InputError, match=message):
        unpickled(io.BytesIO(program))


def test_true_descriptions_of_the_same_form_are_read():
    assert unpickled(io.BytesIO(array_program((2,), "f8", raw(np.array([1.0, 2.0]).tobytes())))).tolist() == [1.0, 2.0]
    assert unpickled(io.BytesIO(array_program((1,), "O8", b"]K\x01a"))).tolist() == [1]


@pytest.mark.parametrize("kind", [".pkl", ".npy", ".npz"])
def test_every_truncation_is_refused(kind, tmp_path):
    path = tmp_path / f"mine{kind}"
    holding = {"a": np.arange(5.0), "b": [np.array(["x", None], dtype=object)]}
    if kind == ".pkl":
        path.write_bytes(pickle.dumps(holding))
    elif kind == ".npy":
        np.save(path, holding)
    else:
        np.savez(path, a=holding["a"], b=np.array(holding["b"], dtype=object))
    read = {".pkl": load_pickle, ".npy": load_npy, ".npz": lambda path: load_npz(path, ("a", "b"))}[kind]
    same(np.asarray(read(path)["a"]), holding["a"])
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read(path)


def test_objects_in_archives_are_held_to_the_same(tmp_path):
    marker = tmp_path / "ran"
    bad = np.array([Reducing(os.system, f"touch {marker}")], dtype=object)
    np.savez(tmp_path / "mine.npz", ss_all=bad, istim_ss=np.ones(1))
    np.save(tmp_path / "mine.npy", bad)
    with pytest.raises(InputError, match=r"it holds posix.system|it holds nt.system"):
        load_npz(tmp_path / "mine.npz", ("ss_all", "istim_ss"))
    with pytest.raises(InputError, match=r"it holds posix.system|it holds nt.system"):
        load_npy(tmp_path / "mine.npy")
    assert load_npz(tmp_path / "mine.npz", ("istim_ss",))["istim_ss"].tolist() == [1.0]  # no others are opened
    with pytest.raises(InputError, match="it holds ss_all, istim_ss, and none of sp"):
        load_npz(tmp_path / "mine.npz", ("sp",))
    assert not marker.exists()
