"""The simulated recordings that have a name, and what can be set of them."""

from typing import TYPE_CHECKING, Any

from normenc.errors import InputError
from normenc.recordings.simulation.photographs import N_READERS, NAME, READS, simulated_from_photographs
from normenc.recordings.simulation.v1 import N_NEURONS, simulated_v1

if TYPE_CHECKING:
    from normenc.recordings.recording import Recording

__all__ = ["SETTINGS", "made"]

SETTINGS: dict[str, dict[str, Any]] = {
    "simulated-v1": {"n_neurons": N_NEURONS, "seed": 0},
    NAME: {"n_neurons": N_READERS, "seed": 0, "reads": READS},
}
"""What can be set of each simulated recording, with its default."""


def made(name: str, **given: Any) -> "Recording | None":
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
