"""The simulated recordings that have a name, and what can be set of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.recordings.public.collection import Collection, RemoteFile
from normenc.recordings.recording import Recording
from normenc.recordings.simulation.facts import NATURAL, V1
from normenc.recordings.simulation.photographs import N_READERS, NAME, READS, simulated_from_photographs
from normenc.recordings.simulation.v1 import N_NEURONS, simulated_v1

__all__ = ["COLLECTIONS", "SETTINGS", "made"]

SETTINGS: dict[str, dict[str, Any]] = {
    "simulated-v1": {"n_neurons": N_NEURONS, "seed": 0},
    NAME: {"n_neurons": N_READERS, "seed": 0, "reads": READS},
}
"""What can be set of each simulated recording, with its default."""


def made(name: str, **given: Any) -> Recording | None:
    """The simulated recording of this name; None for any other recording, of which nothing can be set.

    Raises
    ------
    InputError
        If something is given that cannot be set of this recording.

    Examples
    --------
    >>> made("simulated-v1", n_neurons=30).n_neurons
    30
    """
    given = {key: value for key, value in given.items() if value is not None}
    for key in given:
        if key not in SETTINGS.get(name, {}):
            those = " and ".join(own for own, settings in SETTINGS.items() if key in settings)
            raise InputError(f"{key} is set of {those} alone, which is simulated; leave it out for {name}")
    if name not in SETTINGS:
        return None
    settings = SETTINGS[name] | given
    if name == NAME:
        return simulated_from_photographs(**settings).recording
    return simulated_v1(settings["n_neurons"], seed=settings["seed"])


def _collection(name: str, what: str, facts: Mapping[str, Any]) -> Collection:
    def files(session: str | None) -> tuple[RemoteFile, ...]:
        if session is not None:
            raise InputError(f"{name} has no sessions; ask for {name} alone")
        return ()

    def read(files: Mapping[str, Path], session: str | None, options: Mapping[str, str]) -> Recording:
        recording = made(name)
        assert recording is not None
        return recording

    return Collection(name=name, what=what, files=files, read=read, met=True, **facts)


COLLECTIONS = (
    _collection("simulated-v1", "181 stimuli x 2,000 neurons", V1),
    _collection(NAME, "200 colour photographs x 200 neurons x 4 repeats", NATURAL),
)
