"""Check the elements of a MATLAB file before version 7.3 before SciPy reads it.

SciPy trusts the elements of such a file, and a damaged file can crash the whole process.
"""

import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, NamedTuple

from normenc.recordings.formats.guards import check_packing, check_size

__all__ = ["Variable", "variables_of"]

ARRAY, PACKED = 14, 15  # kinds of elements, see MATLAB's "MAT-File Format"
VALUES = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18))
HOLDERS, CHAR, SPARSE, OPAQUE = (1, 2, 3, 16, 17), 4, 5, 17  # classes; the first hold arrays
ITEM_BYTES = {6: 8, 7: 4, 10: 2, 11: 2, 12: 4, 13: 4, 14: 8, 15: 8}  # of numbers, by class
COMPLEX = 0x800  # flag of an array whose values have an imaginary part, in one more element
WHOLE, MOST_SIDES = (5, 6), 32  # of shapes
DEEPEST = 100
N_HEAD, MOST_NAME = 3, 2**12  # elements that describe an array, and their bytes
ORDERS = {b"IM": "<", b"MI": ">"}


class Variable(NamedTuple):
    """A variable as its head declares it."""

    name: str
    opaque: str | None  # the class of an object that only MATLAB can read


class _Plain:
    """Bytes of a file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, n_bytes: int) -> bytes:
        content = self._file.read(n_bytes)
        if len(content) < n_bytes:
            raise ValueError("it ends within an array")
        return content

    def skip(self, n_bytes: int) -> None:
        if n_bytes:
            self._file.seek(n_bytes - 1, 1)
            self.read(1)


class _Packed(_Plain):
    """Bytes that unpack from the next `length` ones of a file, a few at a time."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        super().__init__(file)
        self._left, self._unpacker = length, zlib.decompressobj()

    def read(self, n_bytes: int) -> bytes:
        content = b""
        while len(content) < n_bytes:
            raw = self._unpacker.unconsumed_tail
            if not raw:
                raw = self._file.read(min(self._left, 2**16))
                self._left -= len(raw)
            part = self._unpacker.decompress(raw, n_bytes - len(content))
            if not raw and not part:
                raise ValueError("it ends within an array")
            content += part
        return content

    def skip(self, n_bytes: int) -> None:
        while n_bytes:
            n_bytes -= len(self.read(min(n_bytes, 2**20)))


def variables_of(path: Path) -> list[Variable]:
    """The variables of a file from version 5 on, every element of which is sound; none of an older file.

    Raises
    ------
    ValueError
        For elements that cannot be.
    InputError
        For what would unpack to far more than the file, or to more than fits into memory.
    """
    unpacked, variables = 0, []
    with path.open("rb") as file:
        order = ORDERS.get(file.read(128)[126:])
        while order is not None and (tag := file.read(8)):  # version 4 has no elements
            kind, length = struct.unpack(f"{order}II", tag)
            after = file.tell() + length
            source = _Plain(file)
            if kind == PACKED:
                source = _Packed(file, length)
                kind, length = struct.unpack(f"{order}II", source.read(8))
                unpacked += length
                check_packing("it", unpacked, lambda: path.stat().st_size)
            if kind != ARRAY:
                raise ValueError(f"an element of kind {kind} was found where an array is expected")
            said = _check_array(source, order, length, 0)
            if said is not None:
                variables.append(_declared(*said))
            file.seek(after)
    return variables


def _declared(of_class: int, raw: list[bytes]) -> Variable:
    """What the first elements of an array say: its shape and its name, or of an object its name and its class."""
    texts = [part.decode("latin1") for part in (*raw, b"", b"", b"")]
    if of_class == OPAQUE:
        return Variable(texts[0], texts[2] or "opaque")
    return Variable(texts[1], None)


def _check_array(source: _Plain, order: str, length: int, depth: int) -> tuple[int, list[bytes]] | None:
    """The class of an array, and its first three elements as they stand; None if it is empty."""
    if length == 0:  # a cell that is empty
        return None
    flags = struct.unpack(f"{order}4I", source.read(16))
    of_class = flags[2] & 0xFF
    if flags[:2] != (6, 8) or not 1 <= of_class <= OPAQUE or depth > DEEPEST:
        raise ValueError("the head of an array is damaged")
    left, n_elements = length - 16, 0
    first: list[bytes] = []
    while left >= 8:
        n_elements += 1
        kind, n_bytes = struct.unpack(f"{order}II", source.read(8))
        left -= 8
        is_small = kind >> 16 != 0  # then up to 4 bytes replace their number
        if is_small:
            kind, n_bytes, inline = kind & 0xFFFF, kind >> 16, struct.pack(f"{order}I", n_bytes)
        if kind not in VALUES and not (kind == ARRAY and of_class in HOLDERS):
            raise ValueError(f"an array holds an element of kind {kind}")
        if n_bytes > (4 if is_small else left):
            raise ValueError("an array holds an element that is longer than itself")
        taken = 0 if is_small else min(n_bytes + -n_bytes % 8, left)
        if kind == ARRAY:
            _check_array(source, order, n_bytes, depth + 1)
            source.skip(taken - n_bytes)
        elif n_elements <= N_HEAD and taken <= MOST_NAME:
            first.append((inline if is_small else source.read(taken))[:n_bytes])
            if n_elements == 1 and of_class != OPAQUE:
                _check_shape(first[0], kind, order, of_class, length)
        else:
            source.skip(taken)
        left -= taken
    source.skip(left)
    expected = 3 + 2 * (of_class == SPARSE) + (flags[2] & COMPLEX != 0 and of_class != CHAR)  # with shape and name
    if of_class not in HOLDERS and n_elements != expected:
        raise ValueError(f"an array holds {n_elements} elements, not {expected}")
    return of_class, first


def _check_shape(raw: bytes, kind: int, order: str, of_class: int, length: int) -> None:
    if kind not in WHOLE or len(raw) % 4 or not 2 <= len(raw) // 4 <= MOST_SIDES:
        raise ValueError("the shape of an array is damaged")
    shape = struct.unpack(f"{order}{len(raw) // 4}i", raw)
    if any(side < 0 for side in shape) or (of_class != SPARSE and prod(shape) > length):
        raise ValueError(f"an array of shape {shape} has {length:,} bytes")
    check_size("an array in it", prod(shape) * ITEM_BYTES.get(of_class, 1) * (of_class != SPARSE))
