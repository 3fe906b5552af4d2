"""Files as MATLAB writes them, byte by byte, for there is no MATLAB here."""

import io
import struct

import h5py
import numpy as np
import scipy.io


def element(kind, raw):
    return struct.pack("<II", kind, len(raw)) + raw + b"\0" * (-len(raw) % 8)


def opaque(name, kind):
    """An object of MATLAB's: a string, a table, a date; its values lie elsewhere in the file."""
    place = np.array([0xDD000000, 2, 1, 1, 1, 1], "<u4").reshape(6, 1)
    values = element(6, struct.pack("<II", 13, 0)) + element(5, struct.pack("<ii", 6, 1)) + element(1, b"")
    values = element(14, values + element(6, place.tobytes()))
    head = element(6, struct.pack("<II", 17, 0)) + element(1, name.encode()) + element(1, b"MCOS")
    return element(14, head + element(1, kind.encode()) + values)


def structure_with(name, field, item):
    """A structure of one field, which holds an element."""
    head = element(6, struct.pack("<II", 2, 0)) + element(5, struct.pack("<ii", 1, 1)) + element(1, name.encode())
    names = struct.pack("<HHi", 5, 4, 32) + element(1, field.encode().ljust(32, b"\0"))
    return element(14, head + names + item)


def cell_with(name, *items):
    head = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<ii", 1, len(items)))
    return element(14, head + element(1, name.encode()) + b"".join(items))


def workspace():
    """Bytes that MATLAB keeps for its objects, a variable without a name."""
    values = np.zeros(64, np.uint8)
    head = element(6, struct.pack("<II", 9, 0)) + element(5, struct.pack("<ii", 1, 64)) + element(1, b"")
    return element(14, head + element(2, values.tobytes()))


def mat5(path, arrays, *elements, compressed=False):
    stream = io.BytesIO()
    scipy.io.savemat(stream, arrays, do_compression=compressed)
    path.write_bytes(stream.getvalue() + b"".join(elements))
    return path


class Mat73:
    """A file of version 7.3."""

    def __init__(self, path):
        self.path, self._file, self._count = path, h5py.File(path, "w", userblock_size=512), 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()
        with self.path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")

    @property
    def file(self):
        return self._file

    def put(self, name, value, group=None):
        """A value as MATLAB has it: arrays of two dimensions at least, text, lists (cells) and dicts (structures)."""
        group = self._file if group is None else group
        if isinstance(value, str):
            return self._dataset(group, name, np.frombuffer(value.encode("utf-16-le"), np.uint16)[None], "char")
        if isinstance(value, list):
            return self.put_cells(name, np.array([self._referred(item) for item in value], object)[None], group)
        if isinstance(value, dict):
            inside = group.create_group(name)
            inside.attrs["MATLAB_class"] = np.bytes_("struct")
            for field, item in value.items():
                self.put(field, item, inside)
            return inside
        value = np.atleast_2d(value)
        kind = "logical" if value.dtype == bool else {"f8": "double", "f4": "single"}.get(value.dtype.str[1:])
        return self._dataset(
            group, name, value.astype(np.uint8) if value.dtype == bool else value, kind or str(value.dtype)
        )

    def put_cells(self, name, references, group=None):
        """Cells of any shape."""
        return self._references(self._file if group is None else group, name, references, "cell")

    def put_structures(self, name, shape, **fields):
        """An array of structures, of each field as many values as there are structures."""
        group = self._file.create_group(name)
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        for field, items in fields.items():
            references = np.array([self._referred(item) for item in items], object).reshape(shape)
            self._references(group, field, references, None)
        return group

    def put_object(self, name, kind, group=None):
        place = np.array([[0xDD000000, 2, 1, 1, 1, 1]], np.uint32)
        array = self._dataset(self._file if group is None else group, name, place, kind)
        array.attrs["MATLAB_object_decode"] = np.int32(3)
        return array

    def _referred(self, item):
        if isinstance(item, h5py.Reference):
            return item
        self._count += 1
        return self.put(f"#refs#/{self._count}", item).ref

    def _references(self, group, name, references, kind):
        array = group.create_dataset(name, references.T.shape, h5py.ref_dtype)
        array[...] = references.T
        if kind is not None:
            array.attrs["MATLAB_class"] = np.bytes_(kind)
        return array

    def _dataset(self, group, name, value, kind):
        array = group.create_dataset(name, data=value.T)
        array.attrs["MATLAB_class"] = np.bytes_(kind)
        return array
