"""What computes published numbers: functions by name, and what several of them need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc import tuning
from normenc.errors import InputError
from normenc.keys import named
from normenc.published.judging import Found
from normenc.recordings import Recording

__all__ = ["MEASURES", "Measure", "of_arrays", "of_recordings", "range_of", "seeds_of", "trials_of"]


@dataclass(frozen=True)
class Measure:
    """A function that computes a published number.

    Attributes
    ----------
    compute : callable
        Gives a :class:`Found`.
    needs : str
        What it takes: a ``"recording"``, or the ``"arrays"`` of an ``.npz`` file.
    """

    compute: Callable[..., Found]
    needs: str = "recording"


MEASURES: dict[str, Measure] = {}


def of_recordings(function: Callable[..., Found]) -> Callable[..., Found]:
    """Enter a function of a recording in `MEASURES`, by its name."""
    named(MEASURES, function.__name__)(Measure(function))
    return function


def of_arrays(function: Callable[..., Found]) -> Callable[..., Found]:
    """The same for a function of arrays."""
    named(MEASURES, function.__name__)(Measure(function, "arrays"))
    return function


def seeds_of(seed: int, n_draws: int) -> range:
    """A seed for each draw; InputError unless there is one."""
    if n_draws < 1:
        raise InputError(f"n_draws is {n_draws}; it must be at least 1")
    return range(seed, seed + n_draws)


def range_of(values: list[float]) -> tuple[float, float]:
    """The smallest and the largest."""
    return float(np.min(values)), float(np.max(values))


def trials_of(recording: Recording) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Single trials of stimuli that were shown at least twice, and the places of their stimuli in the recording."""
    if recording.trials is None:
        raise InputError(f"{recording.name}: single trials are not known; this takes at least two of each stimulus")
    values, index, shown = tuning.repeated(recording.trials.to_numpy(), recording.trials["stimulus_index"].to_numpy())
    return values, shown[index].astype(np.intp)
