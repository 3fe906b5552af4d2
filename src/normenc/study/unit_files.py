"""The file of a stored network: named tensors, the unit they belong to, and a digest of all of them."""

import errno
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from normenc.errors import InputError
from normenc.whole_files import write_whole

__all__ = ["ADVICE", "LAYERS", "NETWORKS", "OLDER_ASIDE", "DamagedError", "check_forms", "pack", "unpack", "write"]

ADVICE = "set NORMENC_CACHE to a folder that can be written"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
OLDER_ASIDE = re.compile(r"\.[0-9a-f]{32}-.*", re.DOTALL)  # what killed processes of earlier versions left

SAID = "normenc"  # the entry of the metadata: key and digest
Form = tuple[torch.dtype, tuple[int, ...]]


@dataclass(frozen=True)
class _Words:
    """What files are called in messages."""

    many: str
    one: str
    again: str
    advice: str = ADVICE


NETWORKS = _Words("trained networks", "This network", "networks that are already stored are not trained again")
LAYERS = _Words("RDMs of layers", "This layer", "layers that are already stored are not computed again")


class DamagedError(Exception):
    """A file that exists, but does not contain what was written under its name; the message says why."""


def pack(tensors: Mapping[str, torch.Tensor], key: str) -> bytes:
    """A safetensors file of `tensors`, whose metadata hold `key` and a digest of the names, types, shapes and values.

    Examples
    --------
    >>> content = pack({"weight": torch.zeros(2)}, "mine")
    >>> unpack(content, "mine")
    {'weight': tensor([0., 0.])}
    >>> unpack(content, "yours")
    Traceback (most recent call last):
    normenc.study.unit_files.DamagedError: it contains the result of other settings
    """
    return save(dict(tensors), {SAID: f"{key} {_digest(tensors)}"})  # one entry: the order of several is left to chance


def unpack(content: bytes, key: str) -> dict[str, torch.Tensor]:
    """The tensors of :func:`pack`, if every one of them is what was written for `key`.

    Raises
    ------
    DamagedError
    """
    try:
        tensors = load(content)
        said, _, digest = _metadata(content)[SAID].partition(" ")
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError, MemoryError):
        raise DamagedError("it is not a complete safetensors file") from None
    if digest != _digest(tensors):
        raise DamagedError("its values have changed since they were written")
    if said != key:
        raise DamagedError("it contains the result of other settings")
    return tensors


def write(place: Path, content: bytes, words: _Words = NETWORKS) -> None:
    """Write the file of a unit, and replace an existing one.

    Raises
    ------
    InputError
        When it cannot be written; the message tells how much room it needs where the disk is full.
    """
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        write_whole(place, content, synced=True)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise InputError(
                f"{place.parent}: {words.many} cannot be stored here ({error.strerror}); {words.advice}"
            ) from None
        raise InputError(
            f"{place}: the disk is full ({error.strerror}). {words.one} takes {len(content):,} bytes, and "
            f"{shutil.disk_usage(place.parent).free:,} bytes are free. Make room, or set NORMENC_CACHE to a folder "
            f"with more; {words.again}"
        ) from None


def check_forms(tensors: Mapping[str, torch.Tensor], expected: Mapping[str, Form]) -> None:
    """Raise DamagedError unless there are these tensors and no others, each of the type and shape expected."""
    forms = {name: (value.dtype, tuple(value.shape)) for name, value in tensors.items()}
    if odd := sorted(name for name in forms.keys() | expected.keys() if forms.get(name) != expected.get(name)):
        raise DamagedError(f"{odd[0]} does not have the expected type and shape")


def _metadata(content: bytes) -> dict[str, str]:
    """Of the header: its length in 8 bytes, then JSON."""
    length = int.from_bytes(content[:8], "little")
    said: dict[str, str] = json.loads(content[8 : 8 + length])["__metadata__"]
    return said


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
