"""What a worker must share with the command that it trains for: the code that trains, and the packages it uses."""

from collections.abc import Mapping
from typing import Any

import normenc
from normenc.errors import InputError
from normenc.study.units import Unit, code_digest, packages, work

__all__ = ["Errand", "OtherSoftwareError", "differences", "made", "software"]

SHOWN = 8  # characters of a digest


class OtherSoftwareError(InputError):
    """A worker's code or packages would give other numbers."""


def software() -> dict[str, str]:
    """Versions of what decides the result, and a digest of the code that trains, of this process.

    Examples
    --------
    >>> sorted(software())
    ['code', 'normenc', 'numpy', 'pillow', 'scikit-image', 'scikit-learn', 'scipy', 'torch']
    """
    return {"normenc": normenc.__version__, "code": code_digest(), **packages()}


def differences(theirs: Mapping[str, str], here: Mapping[str, str]) -> str | None:
    """What of a worker's software differs from that here, in words; None where they agree.

    Examples
    --------
    >>> own = {"normenc": "1.0", "code": "0123456789", "torch": "2.13.0", "numpy": "2.1.0"}
    >>> differences(own | {"torch": "2.5.0"}, own)
    'torch 2.5.0, here is 2.13.0'
    >>> differences(own | {"code": "abcdefghij"}, own)
    'other code of normenc 1.0 (abcdefgh, here is 01234567)'
    >>> differences(own, own)
    """
    found = [
        f"{name} {theirs.get(name, 'unknown')}, here is {version}"
        for name, version in here.items()
        if name != "code" and theirs.get(name) != version
    ]
    code = str(theirs.get("code"))
    if code != here["code"] and theirs.get("normenc") == here["normenc"]:
        found.insert(0, f"other code of normenc {here['normenc']} ({code[:SHOWN]}, here is {here['code'][:SHOWN]})")
    return "; ".join(found) or None


def made(unit: Unit, device: str, key: str, here: Mapping[str, str]) -> tuple[str, bytes]:
    """Train a unit on a worker, whose software must be that of the command.

    Returns
    -------
    key : str
        Of the unit as it is on the worker.
    result : bytes
        Of :func:`normenc.study.units.work`.

    Raises
    ------
    OtherSoftwareError
        When the worker would give other numbers; nothing is trained then.
    InputError
        When the images of the task are others on the worker.
    """
    differ = differences(software(), here)
    if differ is not None:
        raise OtherSoftwareError(differ)
    own = unit.key(device)
    if own != key:
        raise InputError(
            "the images of the task are not the same where a worker trains as they are here; put the same folder under "
            "the same path on all machines"
        )
    return own, work(unit, device)


class Errand:
    """A call that happens when it is unpickled, so that a scheduler on its way needs nothing of normenc."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call
