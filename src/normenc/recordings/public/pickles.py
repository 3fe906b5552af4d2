"""Pickles of NumPy arrays and plain containers, read without running anything that a file asks for.

A pickle is a program. Here the only parts of it that work are those that rebuild arrays, numbers, texts, lists, tuples,
dictionaries and sets; the first name of anything else ends the reading, before it is looked up.
"""

import math
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from normenc.errors import InputError, quoted
from normenc.recordings.formats import listed
from normenc.recordings.formats.archives import plain_array, read_head
from normenc.recordings.formats.guards import check_packing, check_size, readable
from normenc.recordings.provenance import reads

__all__ = ["array_from", "load_npy", "load_npz", "load_pickle", "unpickled"]

SIMPLE = re.compile(r"[<>=|]?(\?|b1|[iufc]\d{1,2}|[SU]\d{1,9}|O8?)")  # types of arrays that are read
ADVICE = "download it again"


def load_pickle(path: Path) -> Any:
    """What a pickle holds, of any protocol, also one that Python 2 wrote.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If it holds anything but NumPy arrays and plain containers (the message names it), or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "mine.pkl")
    >>> _ = path.write_bytes(pickle.dumps({"responses": np.eye(2), "mouse": "GT1"}))
    >>> load_pickle(path)["mouse"]
    'GT1'
    >>> _ = path.write_bytes(pickle.dumps(print))
    >>> load_pickle(path)
    Traceback (most recent call last):
    normenc.errors.InputError: it holds builtins.print, which is neither a NumPy array nor a plain container; ...
    """
    reads(path)
    with readable("pickle", ADVICE), path.open("rb") as file:
        return unpickled(file)


def load_npy(path: Path) -> Any:
    """The array of an ``.npy`` file, or the object in it, such as a dictionary that was saved by ``numpy.save``.

    Raises
    ------
    InputError
        As :func:`load_pickle`.
    """
    reads(path)
    with readable(".npy file", ADVICE), path.open("rb") as file:
        array = array_from(file, path.name, path.stat().st_size)
    return array.item() if array.dtype.hasobject and array.ndim == 0 else array


def load_npz(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Arrays of an ``.npz`` file, also arrays of objects; no others are read.

    Parameters
    ----------
    path : Path
    names : collection of str
        Of the arrays; those that are not there are left out.

    Raises
    ------
    InputError
        As :func:`load_pickle`; or if none of the names is there.
    """
    reads(path)
    with readable(".npz file", ADVICE), zipfile.ZipFile(path) as archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for entry in archive.infolist():
            own = entry.filename.removesuffix(".npy")
            if members.setdefault(own, entry) is not entry:
                raise InputError(f"it holds {quoted(own)} twice; {ADVICE}")
        arrays = {}
        for name in names:
            if (member := members.get(name)) is not None:
                check_packing(name, member.file_size, lambda member=member: member.compress_size)  # type: ignore[misc]
                with archive.open(member) as file:
                    arrays[name] = array_from(file, name, member.file_size)
                    if file.read(1):
                        raise InputError(f"{name} holds more bytes than its shape says; {ADVICE}")
        if not arrays:
            there = listed(dict.fromkeys(members, ""))
            raise InputError(f"it holds {there}, and none of {', '.join(names)}")
    return arrays


def array_from(file: IO[bytes], name: str, size: int) -> Any:
    """One array from an open ``.npy`` file of `size` bytes, which may hold objects."""
    shape, _, dtype = read_head(file, name)
    if not dtype.hasobject:
        file.seek(0)
        return plain_array(file, name, size)
    if dtype != np.dtype(object):
        raise InputError(f"{name} holds fields of Python objects; only plain arrays are read")
    array = unpickled(file)
    if not isinstance(array, np.ndarray) or array.dtype != object or array.size != math.prod(shape):
        raise InputError(f"{name} is not the array of shape {shape} that it declares; {ADVICE}")
    return array.reshape(shape)


def unpickled(file: IO[bytes]) -> Any:
    """What a pickle in an open file holds, see :func:`load_pickle`."""
    return _Unpickler(file, encoding="latin1").load()  # Python 2 wrote the bytes of arrays as text


class _Unpickler(pickle.Unpickler):
    """Gives what is in :data:`ALLOWED`, and refuses every other name before anything is imported."""

    def find_class(self, module: str, name: str) -> Any:
        plain = module.replace("numpy._core", "numpy.core").replace("__builtin__", "builtins")
        try:
            return ALLOWED[plain, name]
        except KeyError:
            raise InputError(
                f"it holds {quoted(f'{module}.{name}')[1:-1]}, which is neither a NumPy array nor a plain container; "
                "nothing else is read, because it could run code. If you trust the file, save its arrays with "
                "numpy.savez and read that"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise InputError(f"it refers to an object outside of it ({quoted(pid)}), which is not read")


class _Call:
    """A function that a pickle may call, and cannot change."""

    __slots__ = ("_function",)
    _function: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        raise InputError("it changes a function, which no array does")


class _DType:
    """A type of array as a pickle describes it: a text, then its byte order."""

    __slots__ = ("dtype",)

    def __init__(self, spec: Any) -> None:
        if not isinstance(spec, str) or SIMPLE.fullmatch(spec) is None:
            raise InputError(f"it holds an array of type {quoted(spec)}; numbers, texts and objects are read")
        self.dtype = np.dtype(spec)

    def __setstate__(self, state: Any) -> None:
        version_order, parts = state[:2], state[2:5]
        if any(part is not None for part in parts):
            raise InputError("it holds a structured array, which is not read")
        if version_order[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(version_order[1])


class _Array(np.ndarray[Any, Any]):
    """An array whose description is checked before NumPy, which trusts it, gets it."""

    def __setstate__(self, state: Any) -> None:
        shape, described, is_fortran, data = state[-4:]
        dtype = _dtype_of(described)
        n_values = _count(shape)
        if dtype.hasobject:
            fits = isinstance(data, list) and len(data) == n_values
        else:
            data = data.encode("latin1") if isinstance(data, str) else data
            fits = isinstance(data, bytes) and len(data) == n_values * dtype.itemsize
        if not fits:
            raise InputError(f"an array of shape {quoted(shape)} has another number of values: the file is damaged")
        checked: Any = (1, shape, dtype, bool(is_fortran), data)
        super().__setstate__(checked)


def _count(shape: Any) -> int:
    if not isinstance(shape, tuple) or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise InputError(f"an array has the impossible shape {quoted(shape)}: the file is damaged")
    return math.prod(shape)


def _dtype_of(described: Any) -> np.dtype[Any]:
    if not isinstance(described, _DType):
        raise InputError(f"an array has the type {quoted(described)}, which is none: the file is damaged")
    return described.dtype


def _reconstruct(kind: Any, shape: Any, code: Any) -> Any:
    """An empty array, which its state fills."""
    if kind is not ALLOWED["numpy", "ndarray"]:
        raise InputError("it holds an array of a kind of its own, which is not read")
    return np.ndarray.__new__(_Array, (0,), "b")


def _scalar(described: Any, data: Any = None) -> Any:
    """A number of NumPy's."""
    dtype = _dtype_of(described)
    data = data.encode("latin1") if isinstance(data, str) else data
    if dtype.hasobject or not isinstance(data, bytes) or len(data) != dtype.itemsize:
        raise InputError("it holds a number of another size than its type has: the file is damaged")
    return np.frombuffer(data, dtype)[0] if data else dtype.type()


def _frombuffer(data: Any, described: Any, shape: Any, order: Any, axes: Any = None) -> Any:
    """An array as protocol 5 writes it."""
    dtype, n_values = _dtype_of(described), _count(shape)
    if dtype.hasobject or not isinstance(data, bytes | bytearray) or len(data) != n_values * dtype.itemsize:
        raise InputError(f"an array of shape {quoted(shape)} has another number of values: the file is damaged")
    check_size("an array", len(data))
    array = np.frombuffer(data, dtype)
    if axes is not None:
        return array.reshape(shape).transpose(axes)
    return array.reshape(shape, order="F" if order == "F" else "C")


def _dtype(spec: Any, *_: Any) -> _DType:
    return _DType(spec)


def _encoded(text: Any, encoding: Any) -> bytes:
    """Bytes as protocols before 3 write them."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise InputError(f"it holds text to be encoded as {quoted(encoding)}, which no array needs")
    return text.encode("latin1")


def _bytes(*given: Any) -> bytes:
    """No bytes, which protocols before 3 write so."""
    if given:
        raise InputError("it holds bytes of a kind that is not read")
    return b""


def _bytearray(*given: Any) -> bytearray:
    if not given:
        return bytearray()
    data = _encoded(*given) if len(given) == 2 else given[0]
    if not isinstance(data, bytes | bytearray):
        raise InputError("it holds bytes of a kind that is not read")
    return bytearray(data)


def _ndarray(*_: Any) -> Any:
    raise InputError("it makes an array in a way that NumPy does not write")


ALLOWED: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Call(_reconstruct),
    ("numpy.core.multiarray", "scalar"): _Call(_scalar),
    ("numpy.core.numeric", "_frombuffer"): _Call(_frombuffer),
    ("numpy", "ndarray"): _Call(_ndarray),
    ("numpy", "dtype"): _Call(_dtype),
    ("_codecs", "encode"): _Call(_encoded),
    ("builtins", "bytes"): _Call(_bytes),
    ("builtins", "bytearray"): _Call(_bytearray),
    ("builtins", "complex"): complex,  # nothing in a pickle can change these four
    ("builtins", "set"): set,
    ("builtins", "frozenset"): frozenset,
    ("collections", "OrderedDict"): OrderedDict,
}
