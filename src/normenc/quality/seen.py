"""What the animal saw, as a check shows it to models that need no training."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from normenc import controls, rsa, stimuli
from normenc.recordings import Recording
from normenc.rsa.pairs import MANY_STIMULI
from normenc.stimuli.waves import study_gratings

__all__ = ["Seen", "candidates_of", "said_of_images"]

BATCH = 256  # images that a cheap model is shown at a time
CANDIDATE_SIDE = 64  # pixels of the longer side of images from which these are computed
CANDIDATES = {  # cheap models; the last is only for gratings
    "pixels": controls.pixels,
    "Fourier amplitude": controls.fourier_amplitude,
    "Gabor energy": controls.gabor_energy,
    "orientation model": controls.orientation_model,
}


@dataclass(frozen=True)
class Seen:
    """What the animal saw.

    Attributes
    ----------
    images : ImageSet or None
        One for each stimulus, without what lay outside the animal's field; None where images are missing.
    part : str
        Which part of the recorded images that is, in words; empty for all of it.
    degrees : float or None
        Width in degrees of visual angle, where it is known.
    """

    images: stimuli.ImageSet | None
    part: str = ""
    degrees: float | None = None

    @classmethod
    def of(cls, recording: Recording) -> Self:
        """What the recording's file holds: its images, or gratings of its orientations."""
        if recording.orientation is not None:
            return cls(stimuli.ImageSet.of(study_gratings(recording.orientation)))
        return cls(None if recording.images is None else stimuli.ImageSet.of(recording.images))


def candidates_of(recording: Recording, seen: Seen) -> dict[str, Any]:
    """RDMs of the cheap models; none if images are missing."""
    if seen.images is None:
        return {}
    if recording.orientation is not None:
        given = dict.fromkeys(CANDIDATES, seen.images.arrays())
        given["orientation model"] = np.asarray(recording.orientation)
    else:
        given = dict.fromkeys([*CANDIDATES][:-1], seen.images.grey().at_most(CANDIDATE_SIDE).arrays())
    return {name: _rdm_of(CANDIDATES[name], shown) for name, shown in given.items()}


def _rdm_of(model: Callable[..., dict[str, Any]], shown: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The RDM of a cheap model, in single precision for many stimuli; equal images give equal responses."""
    parts = (model(shown[start : start + BATCH]).values() for start in range(0, len(shown), BATCH))
    layer = np.concatenate([part for (part,) in parts])
    if len(layer) > MANY_STIMULI:
        return rsa.rdm(layer).astype(np.float32)
    return rsa.rdm(layer.astype(np.float64))


def said_of_images(seen: Seen, *, estimated: bool) -> str:
    """What the images are and, where differences are estimated from cheap models, what is made of them for these."""
    images = seen.images
    if images is None:
        return ""
    few = images.at_most(CANDIDATE_SIDE).image_size
    done = ["in grey"] * images.is_colour + [f"at {few[0]} x {few[1]} pixels"] * (few != images.image_size)
    used = f"; for the smallest difference below, models see them {', '.join(done)}"
    wide = "" if seen.degrees is None else f", {seen.degrees:.3g} degrees of visual angle wide"
    part = f" ({seen.part})" if seen.part else ""
    height, width = images.image_size
    return (
        f"{height} x {width} pixels{part}{', in colour' * images.is_colour}{wide}{used if done and estimated else ''}"
    )
