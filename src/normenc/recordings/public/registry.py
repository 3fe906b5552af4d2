"""The collections of recordings that are known by name: normenc's own, those of other packages, and registered ones.

A package adds its own by an entry point in the group ``normenc.recordings``, which has the collection's name and leads
to a :class:`normenc.recordings.Collection`.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from normenc.errors import InputError
from normenc.recordings.files import one_line
from normenc.recordings.public.collection import Collection

__all__ = ["GROUP", "catalogue", "collection_named", "register"]

GROUP = "normenc.recordings"
MODULES = (
    "normenc.recordings.simulation.named",
    "normenc.recordings.public.stringer2021",
    "normenc.recordings.public.allen_2p",
    "normenc.recordings.public.allen_pooled",
    "normenc.recordings.public.allen_neuropixels",
    "normenc.recordings.public.stringer2019",
    "normenc.recordings.public.sensorium2022",
    "normenc.recordings.public.minimodel",
    "normenc.recordings.public.cadena2019",
    "normenc.recordings.public.brainio",
    "normenc.recordings.public.kriegeskorte2008",
)
RESERVED = ("from", "stream")  # options that normenc itself understands
_registered: dict[str, Collection] = {}


def catalogue() -> dict[str, Collection]:
    """All collections by name: normenc's own, then those of other packages, then registered ones.

    Raises
    ------
    InputError
        If another package's collection cannot be loaded; the message names the package.

    Examples
    --------
    >>> catalogue()["simulated-v1"].simulated
    True
    """
    return {**_own(), **{name: _loaded(point) for name, point in _points().items()}, **_registered}


def collection_named(name: str) -> Collection | None:
    """The collection of this name, or None; of other packages, only the one that is asked for is loaded.

    Examples
    --------
    >>> collection_named("simulated-v1").area, collection_named("mine")
    ('simulated V1', None)
    """
    if name in _own() or name in _registered:
        return _own().get(name) or _registered[name]
    return _loaded(_points()[name]) if name in _points() else None


def register(collection: Collection) -> Collection:
    """Make a collection of recordings known by its name, for as long as Python runs.

    Parameters
    ----------
    collection : Collection
        A registered one of the same name is replaced; normenc's own are not.

    Returns
    -------
    Collection
        The same.

    Raises
    ------
    InputError
        If it is no collection, or its name cannot be used, or is taken.

    Examples
    --------
    >>> from normenc.recordings import Collection, Recording, RemoteFile, load
    >>> def files(session):
    ...     return ()
    >>> def read(files, session, options):
    ...     return Recording.from_responses("toy", [[1.0, 2.0], [3.0, 1.0]], [0, 90], species="mouse")
    >>> known = dict(species="mouse", area="V1", units="Hz", citation="ours", licence="CC0", source="here")
    >>> _ = register(Collection("toy-lab", "two gratings", files=files, read=read, **known))
    >>> load("toy-lab").n_stimuli
    2
    """
    if not isinstance(collection, Collection):
        raise InputError(f"a {type(collection).__name__} is given; register a normenc.recordings.Collection")
    _check_name(collection.name)
    _check(collection, "it")
    if collection.name in _own() or collection.name in _points():
        raise InputError(f"there is a collection {collection.name!r} already; give yours another name")
    _registered[collection.name] = collection
    return collection


@cache
def _own() -> Mapping[str, Collection]:
    found: dict[str, Collection] = {}
    for module in map(importlib.import_module, MODULES):
        several = getattr(module, "COLLECTIONS", None)
        for collection in (module.COLLECTION,) if several is None else several:
            assert collection.name not in found, collection.name
            found[collection.name] = collection
    return found


@cache
def _points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in _own()}


@cache
def _loaded(point: EntryPoint) -> Collection:
    package = point.dist.name if point.dist is not None else "another package"
    said = f"the collection {point.name!r} of {package} ({point.value})"
    try:
        collection = point.load()
    except Exception as error:  # of code that is not ours, whatever it raises
        raise InputError(
            f"{said} cannot be loaded ({type(error).__name__}: {one_line(error)}); repair {package}, or uninstall it"
        ) from None
    if not isinstance(collection, Collection):
        raise InputError(f"{said} is a {type(collection).__name__}; it must be a normenc.recordings.Collection")
    _check(collection, said)
    if collection.name != point.name:
        raise InputError(f"{said} calls itself {collection.name!r}; the entry point must have the collection's name")
    return collection


def _check(collection: Collection, said: str) -> None:
    """Raise InputError for options that have a meaning already, or a default that is not among their values."""
    for name, option in collection.options.items():
        if name in RESERVED:
            raise InputError(f"{said} has an option {name!r}, which has a meaning already; give it another name")
        if option.values is not None and option.default not in option.values:
            raise InputError(f"the default of the option {name!r}, {option.default!r}, is not one of its values")


def _check_name(name: str) -> None:
    if not name or any(letter in name for letter in "/?&=\\ ") or name.startswith(".") or not name.isprintable():
        raise InputError(f"{name!r} cannot be the name of a collection; use letters, digits, '-' and '_'")
