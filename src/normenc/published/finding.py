"""Find the recordings that publications need on this computer; nothing is downloaded."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, NotHereError
from normenc.published.stating import NeededRecording, Publication
from normenc.recordings import Recording, load
from normenc.recordings.files import is_file, is_folder

__all__ = ["SHARED", "Here", "arrays_of", "data_folders", "found_here"]

SHARED = "NORMENC_SHARED_DATA"  # a folder that is looked in


class Here:
    """A recording that is on this computer, read when it is first asked for.

    Attributes
    ----------
    source : str
        Its name, or its file.
    path : Path or None
        The file; None of one that is known by name.
    """

    def __init__(self, source: str, path: Path | None) -> None:
        self.source, self.path = source, path
        self._loaded: Recording | None = None

    def loaded(self) -> Recording:
        """The recording."""
        if self._loaded is None:
            self._loaded = load(self.name)
        return self._loaded

    @property
    def name(self) -> str:
        """What a study calls it."""
        return self.source if self.path is None else str(self.path)


def data_folders(publication: Publication, data: str | Path | None) -> list[Path]:
    """Where files are looked for: the folder that is given, that of the publication's file, and the shared one."""
    shared = os.environ.get(SHARED)
    if data is not None and not Path(data).is_dir():
        raise InputError(f"{data}: there is no such folder; give the folder that the recordings are in")
    return [Path(own) for own in (data, publication.folder, shared) if own]


def found_here(needed: NeededRecording, folders: Sequence[Path], given: str | None = None) -> Here:
    """The first of a recording's sources that is here; `given`, if it is, is the only one.

    Raises
    ------
    NotHereError
        If none is here; the message says how to get it.
    InputError
        If one that is known by name is here and cannot be read.
    """
    for source in [given] if given is not None else needed.sources:
        for folder in [Path(), *folders] if given is not None else folders:
            if is_file(folder / source) or is_folder(folder / source):
                return Here(source, (folder / source).resolve())
        if is_path(source):
            continue
        here = Here(source, None)
        try:
            here.loaded()
        except NotHereError:
            continue
        return here
    names = " or ".join([given] if given is not None else needed.sources)
    raise NotHereError(f"{names}: {needed.get}")


def is_path(source: str) -> bool:
    """Whether a source is a file's, not a name's.

    Examples
    --------
    >>> is_path("v1_rdm_digitised.npz"), is_path("stringer2021/gt1"), is_path("allen-2p/511?stimulus=natural_scenes")
    (True, False, False)
    """
    return "?" not in source and bool(Path(source).suffix)


def arrays_of(here: Here) -> Mapping[str, npt.NDArray[Any]]:
    """All arrays of an ``.npz`` file.

    Raises
    ------
    InputError
        If it is not such a file, or holds Python objects.
    """
    if here.path is None or here.path.suffix != ".npz":
        raise InputError(f"{here.name}: the arrays of this measure are those of an .npz file; give such a file")
    try:
        with np.load(here.path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, BadZipFile, KeyError) as error:
        raise InputError(f"{here.path}: this file cannot be read ({error}); get it again") from None
