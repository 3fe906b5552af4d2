"""Patches of photographs for tasks: those that come with normenc, or a user's own."""

from typing import Any

import numpy as np

from normenc import stimuli
from normenc.errors import InputError
from normenc.stimuli.natural import ZOOM
from normenc.tasks.task import Rng, Task

__all__ = ["check_folder", "patches"]


def patches(n: int, rng: Rng, which: str, folder: str | None, **options: Any) -> stimuli.StimulusSet:
    """Draw patches by :func:`normenc.stimuli.natural_patches`.

    Parameters
    ----------
    n : int
    rng : Generator or RandomState
    which : str
        "train" or "test": different photographs.
    folder : str, optional
        Of upright photographs, see :func:`normenc.stimuli.photograph_folder`; by default those that come with normenc.
    **options
        As :func:`normenc.stimuli.natural_patches` takes them.

    Raises
    ------
    InputError
        If the folder cannot be used, or its photographs are too small or nearly uniform.
    """
    if folder is None:
        return stimuli.natural_patches(n, rng, photographs=stimuli.PHOTOGRAPHS[which], **options)
    zoom = options.pop("zoom", ZOOM)
    own = stimuli.photograph_folder(folder, zoom=zoom, test=which == "test")
    try:
        return stimuli.natural_patches(n, rng, photographs=own, zoom=1, **options)
    except InputError as error:
        raise InputError(
            f"{folder}, {which}ing photographs, numbered from 0 in the order of their names and reduced {zoom} times: "
            f"{error}"
        ) from None


def check_folder(task: Task) -> None:
    """Raise InputError if the folder of a task's photographs, if it names one, cannot be used."""
    if getattr(task, "folder", None) is not None:
        for draw in (task.sample, task.sample_test):
            draw(1, np.random.default_rng(0))
