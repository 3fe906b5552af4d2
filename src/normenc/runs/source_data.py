"""What pictures show and no other file of a run holds: ``figures/source_data.h5``.

The file is HDF5. Its attribute ``labels`` names what it holds, a member each. The attribute ``type`` of every member
says what it is in Python:

- ``dict``: a group; its attribute ``labels`` holds the keys, in order.
- ``table``: a group with a data set for each column; ``labels`` holds the columns' names, in order.
- ``list``, ``tuple``: a data set, where all are texts or all are numbers; else a group of members "0", "1" and so on.
- ``array``: a data set.
- ``scalar``, ``str``, ``int``, ``float``, ``bool``: a data set of one value; ``none``: one of no value.

A member is named by its label, but ``/``, which parts groups, is written ``%2F``, and ``%`` is written ``%25``. An
array that stands there several times is kept once and linked to.

In files of formats 1 and 2 every member is a picture with all that it shows: its attribute ``function`` names the
function of :mod:`normenc.figures` that draws it, and its own members are the arguments.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import figures
from normenc.errors import InputError
from normenc.figures.saving import as_png
from normenc.runs.older_tables import upgraded
from normenc.showing import in_short
from normenc.texts import visible
from normenc.whole_files import write_whole

__all__ = ["SOURCE_DATA", "Picture", "read_members", "read_source_data", "write_source_data"]

SOURCE_DATA = "source_data.h5"
FORMAT = 3  # of the file; a reader that knows only lower ones refuses it. In 1, tables are of a run of format 1
LAST_OF_PICTURES = 2  # the last format whose members are pictures
SMALL = 4096  # bytes, below which an array is neither compressed nor linked
INDEX = "%index"  # of a table whose rows are not counted from 0; no label is written so
MISSING = "%missing:"  # before a column's name: which of its values are missing, where its type has a way to say so
PLAIN = {str: "str", bool: "bool", int: "int", float: "float"}
NOT_PICTURES = ("save", "sized", "style")


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture, as yet undrawn.

    Attributes
    ----------
    function : str or callable
        The name of a function of :mod:`normenc.figures`, or a function of your own that gives axes.
    arguments : dict of str to object
        What it is given, by name.
    """

    function: str | Callable[..., Any]
    arguments: dict[str, Any]

    def __repr__(self) -> str:
        return visible(f"<Picture: {getattr(self.function, '__name__', self.function)} of {in_short(self.arguments)}>")

    def _repr_png_(self) -> bytes:
        return as_png(self.draw())

    def draw(self) -> Any:
        """Draw it on a new figure; gives the function's axes.

        Raises
        ------
        InputError
            When there is no such function, or it does not take these arguments.
        """
        if callable(self.function):
            with figures.style():
                return self.function(**self.arguments)
        function = getattr(figures, self.function, None)
        known = self.function in figures.__all__ and self.function not in NOT_PICTURES
        try:
            inspect.signature(function if known else None).bind(**self.arguments)  # type: ignore[arg-type]
        except TypeError:
            given = ", ".join(self.arguments) or "nothing"
            raise InputError(
                f"this version of normenc has no picture {self.function!r} of {given}; "
                "draw it with the version that made the run (see its environment.json)"
            ) from None
        return function(**self.arguments)  # type: ignore[misc]


def write_source_data(members: Mapping[str, Any], path: Path) -> None:
    """Write `members`, by label, to the new file `path`; the same members give the same bytes.

    Raises
    ------
    TypeError
        When a value is of a type that the file cannot hold.
    WriteError
        When the file cannot be written.
    """
    import h5py

    content = BytesIO()  # not on disk: HDF5 may end the process where that is full
    with h5py.File(content, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["title"] = "source data of normenc's pictures"
        file.attrs["labels"] = list(members)
        writer = _Writer()
        for label, value in members.items():
            writer.write(file, label, value)
    write_whole(path, content.getvalue())


def read_members(folder: Path) -> dict[str, Any]:
    """Read the file of a run, in order; a member is a :class:`Picture` in files of formats 1 and 2.

    Raises
    ------
    InputError
        When the run has no source data, or the file is damaged.
    """
    import h5py

    path = folder / "figures" / SOURCE_DATA
    if not path.is_file():
        raise InputError(
            f"{folder}: this run has no figures/{SOURCE_DATA}; runs of older versions have none. Run the study "
            "with force=True: networks that are in the cache are not trained again"
        )
    try:
        with h5py.File(path, "r") as file:
            version = int(file.attrs["format"])
            if version <= FORMAT:
                return {str(label): _member(file[_link(label)], version) for label in file.attrs["labels"]}
    except (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        raise InputError(
            f"{path}: this file is damaged, or is not source data of normenc ({error}); run the study with force=True"
        ) from None
    raise InputError(f"{path}: its format is {version}; this normenc reads formats up to {FORMAT}; use a newer one")


def read_source_data(folder: str | Path) -> dict[str, Picture]:
    """Read the pictures of a finished run, with the data behind them: all of ``Run.open(folder).figures``.

    Parameters
    ----------
    folder : str or Path
        The run's, as :func:`normenc.study.run` wrote it.

    Returns
    -------
    dict of str to Picture
        By the names of the files in ``figures/``, in the order in which they were drawn. Arguments come back as they
        were: arrays, tables and mappings in order.

    Raises
    ------
    InputError
        When the folder holds no run, the run has no source data, or a file is damaged.

    Examples
    --------
    >>> pictures = read_source_data("runs/reference-simulated-v1")  # doctest: +SKIP
    >>> pictures["embeddings"].arguments["populations"]["simulated-v1"].shape  # doctest: +SKIP
    (181, 2)
    """
    from normenc.runs.reading import Run

    return dict(Run.open(folder).figures)


class _Writer:
    """Writes values, and links to large arrays that are written already."""

    def __init__(self) -> None:
        self.written: dict[bytes, Any] = {}

    def write(self, group: Any, label: str, value: Any) -> None:
        """Write `value` as a member of `group`."""
        name = _link(label)
        if isinstance(value, Mapping):
            self._write_members(group, name, "dict", value)
        elif isinstance(value, pd.DataFrame):
            self._write_table(group, name, value)
        elif isinstance(value, np.ndarray):
            self._write_array(group, name, value)
        elif type(value) in (list, tuple):
            self._write_sequence(group, name, value)
        elif value is None:
            import h5py

            group.create_dataset(name, data=h5py.Empty("f8")).attrs["type"] = "none"
        elif type(value) in PLAIN or isinstance(value, np.bool_ | np.number):
            group.create_dataset(name, data=value).attrs["type"] = PLAIN.get(type(value), "scalar")
        elif isinstance(value, str):  # numpy's
            group.create_dataset(name, data=str(value)).attrs["type"] = "str"
        else:
            raise TypeError(f"{label!r} is a {type(value).__name__}, which source data cannot hold")

    def _write_members(self, group: Any, name: str, type_name: str, members: Mapping[Any, Any]) -> Any:
        for label in members:
            if not isinstance(label, str):
                raise TypeError(f"{label!r} is no text; source data are labelled by texts")
        new = group.create_group(name)
        new.attrs["type"] = type_name
        new.attrs["labels"] = np.array([str(label) for label in members], dtype=_text())
        for label, member in members.items():
            self.write(new, label, member)
        return new

    def _write_sequence(self, group: Any, name: str, values: Sequence[Any]) -> None:
        type_name = type(values).__name__
        alike = {type(value) for value in values}
        if len(alike) == 1 and next(iter(alike)) in PLAIN:
            item = alike.pop()
            dataset = group.create_dataset(name, data=values, dtype=_text() if item is str else None)
            dataset.attrs["items"] = PLAIN[item]
            dataset.attrs["type"] = type_name
        else:
            self._write_members(group, name, type_name, {str(place): value for place, value in enumerate(values)})

    def _write_table(self, group: Any, name: str, table: pd.DataFrame) -> None:
        columns = {label: _Column.of(table[label]) for label in table.columns}
        new = self._write_members(group, name, "table", {label: column.content for label, column in columns.items()})
        for label, column in columns.items():
            new[_link(label)].attrs["dtype"] = column.dtype
            if column.missing is not None:
                new.create_dataset(MISSING + _link(label), data=column.missing)
        if not table.index.equals(pd.RangeIndex(len(table))):
            new.create_dataset(INDEX, data=table.index.to_numpy())

    def _write_array(self, group: Any, name: str, array: npt.NDArray[Any]) -> None:
        options: dict[str, Any] = {}
        data = array
        if array.dtype.kind == "U":
            data = array.astype(object)
            options["dtype"] = _text()
        elif array.dtype.kind not in "biufc":
            raise TypeError(f"{name!r} is an array of {array.dtype}, which source data cannot hold")
        key = b""
        if array.nbytes > SMALL and array.dtype.kind != "U":
            data = np.ascontiguousarray(array)
            key = sha256(f"{array.dtype.str} {array.shape}".encode() + data.tobytes()).digest()
            if key in self.written:
                group[name] = self.written[key]
                return
            options = {"compression": "gzip", "compression_opts": 4, "shuffle": True, "fletcher32": True}
        dataset = group.create_dataset(name, data=data, track_times=False, **options)
        dataset.attrs["type"] = "array"
        if array.dtype.kind == "U":
            dataset.attrs["text"] = array.dtype.str
        if key:
            self.written[key] = dataset


@dataclass(frozen=True)
class _Column:
    """A table's column: its values, the name of its type, and which are missing, if its type has a way to say so."""

    content: Any
    dtype: str
    missing: npt.NDArray[np.bool_] | None = None

    @classmethod
    def of(cls, column: pd.Series) -> "_Column":
        type_name = str(column.dtype)
        if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufc":
            return cls(column.to_numpy(), type_name)
        if type_name == "object":
            return cls(column.tolist(), type_name)
        missing = column.isna().to_numpy(dtype=bool)
        if isinstance(column.dtype, pd.StringDtype):
            return cls([str(value) for value in column.where(~missing, "")], type_name, missing)
        filled = column.to_numpy(dtype=column.dtype.numpy_dtype, na_value=0)
        return cls(filled, type_name, missing)


def _member(group: Any, version: int) -> Any:
    if version > LAST_OF_PICTURES:
        return _read(group)
    picture = Picture(str(group.attrs["function"]), _read(group))
    return _upgraded(picture) if version == 1 else picture


def _upgraded(picture: Picture) -> Picture:
    """A picture with its tables in today's columns."""
    arguments = picture.arguments
    similarity = upgraded(arguments["similarity"]) if "similarity" in arguments else None
    for name in {"similarity", "table"} & set(arguments):
        arguments[name] = similarity if name == "similarity" else upgraded(arguments[name], similarity)
    return picture


def _read(member: Any) -> Any:
    type_name = member.attrs["type"]
    if type_name == "table":
        return _read_table(member)
    if "labels" in member.attrs:
        values = {str(label): _read(member[_link(label)]) for label in member.attrs["labels"]}
        return values if type_name == "dict" else _sequence(type_name, values.values())
    if type_name in ("list", "tuple"):
        items = member.attrs["items"]
        return _sequence(type_name, member.asstr()[()] if items == "str" else member[()].tolist())
    if type_name == "array":
        return member.asstr()[()].astype(member.attrs["text"]) if "text" in member.attrs else np.asarray(member[()])
    if type_name == "none":
        return None
    if type_name == "scalar":
        return member[()]
    if type_name == "str":
        return str(member.asstr()[()])
    return {"bool": bool, "int": int, "float": float}[type_name](member[()])


def _read_table(group: Any) -> pd.DataFrame:
    columns = {str(label): _read_column(group, _link(str(label))) for label in group.attrs["labels"]}
    n_rows = len(next(iter(columns.values()))) if columns else 0
    index = pd.Index(group[INDEX][()]) if INDEX in group else pd.RangeIndex(n_rows)
    return pd.DataFrame({label: column.set_axis(index) for label, column in columns.items()}, index=index)


def _read_column(group: Any, name: str) -> pd.Series:
    type_name, values = str(group[name].attrs["dtype"]), _read(group[name])
    if MISSING + name not in group:
        return pd.Series(values, dtype=type_name)
    missing = group[MISSING + name][()]
    # "str" is what this version of pandas makes of texts.
    dtype: Any = pd.Series(["text"]).dtype if type_name == "str" else type_name
    return pd.Series(values, dtype=dtype).mask(pd.Series(missing, dtype=bool))


def _sequence(type_name: str, values: Any) -> Any:
    return tuple(values) if type_name == "tuple" else list(values)


def _link(label: str) -> str:
    """The name of a member: a slash would part groups, and a single dot means the group itself."""
    name = label.replace("%", "%25").replace("/", "%2F")
    return {"": "%", ".": "%2E"}.get(name, name)


def _text() -> Any:
    import h5py

    return h5py.string_dtype()
