"""Collections, and what of them is here, as plain values for lists."""

from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.recordings.public.cache import collections_folder
from normenc.recordings.public.collection import Collection
from normenc.recordings.public.kept import sha256_kept
from normenc.recordings.public.names import Asked
from normenc.recordings.public.places import page_of

__all__ = ["about", "about_files", "example_of", "kept_files"]

UNFINISHED = (".part", ".part.json")


def kept_files(collection: Collection) -> list[Path]:
    """The files of a collection that are in the cache, and whole."""
    folder = collections_folder() / collection.name
    there = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    return [path for path in there if not path.name.endswith(UNFINISHED)]


def example_of(collection: Collection) -> str:
    """A name of a recording in the collection, or how one is written.

    Examples
    --------
    >>> from normenc.recordings import catalogue
    >>> example_of(catalogue()["simulated-v1"]), example_of(catalogue()["allen-2p"])
    ('simulated-v1', 'allen-2p/SESSION')
    """
    try:
        collection.files(None)
    except InputError:
        return f"{collection.name}/{collection.sessions[0] if collection.sessions else 'SESSION'}"
    return collection.name


def about(collection: Collection) -> dict[str, Any]:
    """What is known about a collection, as plain values.

    Examples
    --------
    >>> from normenc.recordings import catalogue
    >>> about(catalogue()["simulated-v1"])["area"]
    'simulated V1'
    """
    return {
        "name": collection.name,
        "example": example_of(collection),
        "what": collection.what,
        **collection.facts,
        "restricted": collection.restricted,
        "processing": list(collection.processing),
        "met": collection.met,
        "streams": collection.read_opened is not None,
        "sessions": list(collection.sessions),
        "options": {
            name: {"default": own.default, "meaning": own.meaning, "values": own.values and list(own.values)}
            for name, own in collection.options.items()
        },
        "files_here": len(kept_files(collection)),
    }


def about_files(asked: Asked) -> list[dict[str, Any]]:
    """What is known about the files of a recording, as plain values, without asking anybody."""
    return [
        {
            "name": file.name,
            "place": file.place,
            "page": page_of(file.place),
            "bytes": path.stat().st_size if path.is_file() else file.size,
            "checksum": file.checksum,
            "sha256": sha256_kept(asked.collection.name, file),
            "here": path.exists(),
            "path": str(path),
        }
        for file, path in zip(asked.files, asked.paths().values(), strict=True)
    ]
