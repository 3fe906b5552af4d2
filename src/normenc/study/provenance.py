"""What a worker and the command that it works for must share: code that decides results, and the packages it uses."""

import pickle
from collections.abc import Mapping, Sequence
from functools import cache as once
from hashlib import sha256
from pathlib import Path
from typing import Any

import normenc
from normenc.errors import InputError
from normenc.import_roots import reaching
from normenc.study.source_code import digest_of_code
from normenc.study.units import Unit, code_digest, packages, train_unit

__all__ = ["Errand", "OtherSoftwareError", "differences", "made", "software"]

SHOWN = 8  # characters of a digest
READING = ("pretrained", "representations", "rsa", "study")  # rooms that decide what is read of a network


class OtherSoftwareError(InputError):
    """A worker's code or packages would give other numbers."""


def software() -> dict[str, str]:
    """Versions of what decides results, and a digest of the code that trains and reads networks, of this process.

    Examples
    --------
    >>> sorted(software())
    ['code', 'normenc', 'numpy', 'pillow', 'scikit-image', 'scikit-learn', 'scipy', 'torch']
    """
    return {"normenc": normenc.__version__, "code": _code(), **packages()}


@once
def _code() -> str:
    """A digest of the code that trains networks and that reads their layers."""
    here = Path(normenc.__file__).parent
    files = [file for room in READING for file in (here / room).rglob("*.py")]
    return sha256(f"{code_digest()} {digest_of_code(files, here)}".encode()).hexdigest()


def differences(theirs: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """How a worker's software differs from that here, in words; None if they agree.

    Examples
    --------
    >>> own = {"normenc": "1.0", "code": "0123456789", "torch": "2.13.0", "numpy": "2.1.0"}
    >>> differences(own | {"torch": "2.5.0"}, own)
    'torch 2.5.0, here is 2.13.0'
    >>> differences(own | {"code": "abcdefghij"}, own)
    'other code of normenc 1.0 (abcdefgh, here is 01234567)'
    >>> differences(own, own)
    """
    differing = [
        f"{name} {theirs.get(name, 'unknown')}, here is {version}"
        for name, version in here.items()
        if name != "code" and theirs.get(name) != version
    ]
    code = str(theirs.get("code"))
    if code != here["code"] and theirs.get("normenc") == here["normenc"]:
        differing.insert(0, f"other code of normenc {here['normenc']} ({code[:SHOWN]}, here is {here['code'][:SHOWN]})")
    return "; ".join(differing) or None


def made(unit: bytes, roots: Sequence[Path], device: str, key: str, here: Mapping[str, str]) -> tuple[str, bytes]:
    """Train a unit on a worker, whose software must be that of the command.

    Parameters
    ----------
    unit : bytes
        Pickled, because it may need code that is not normenc's.
    roots : sequence of Path
        Folders that this code is imported from.
    device, key : str
        Where to train, and the key of the unit where the command runs.
    here : mapping
        The software where the command runs.

    Returns
    -------
    key : str
        Of the unit as it is on the worker.
    result : bytes
        Of :func:`normenc.study.units.train_unit`.

    Raises
    ------
    OtherSoftwareError
        When the worker would give other numbers; nothing is trained then.
    InputError
        When the worker cannot import the unit's own code, or that code or the task's images differ there.
    """
    differ = differences(software(), here)
    if differ is not None:
        raise OtherSoftwareError(differ)
    own_unit = _unpickled(unit, roots)
    own = own_unit.key(device)
    if own != key:
        what = "own code or images of this task and network" if roots else "images of the task"
        raise InputError(
            f"the {what} are not the same where a worker trains as they are here; put the same folder under the same "
            "path on all machines"
        )
    return own, train_unit(own_unit, device)


def _unpickled(unit: bytes, roots: Sequence[Path]) -> Unit:
    try:
        with reaching(roots):
            own_unit: Unit = pickle.loads(unit)
    except (ImportError, AttributeError) as error:
        if not roots:
            raise
        folders = ", ".join(map(str, roots))
        raise InputError(
            f"a worker cannot import the study's own code ({error}); put the same folder ({folders}) under the same "
            "path on all machines, or install its package there"
        ) from None
    return own_unit


class Errand:
    """A call that happens when it is unpickled, so a scheduler in between does not need normenc."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call
