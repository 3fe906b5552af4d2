"""What the animal saw, as a check shows it to models that need no training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch

from normenc import controls, rsa, stimuli
from normenc.recordings import Recording
from normenc.representations import represent
from normenc.rsa.pairs import MANY_STIMULI

__all__ = ["Seen", "candidates_of", "said_of_images"]

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
            return cls(stimuli.ImageSet.of(stimuli.gratings(recording.orientation)))
        return cls(None if recording.images is None else stimuli.ImageSet.of(recording.images))


def candidates_of(recording: Recording, seen: Seen) -> dict[str, Any]:
    """RDMs of the cheap models; none if images are missing."""
    if seen.images is None:
        return {}
    if recording.orientation is not None:
        images = seen.images.all()
        given = dict.fromkeys(CANDIDATES, images) | {"orientation model": torch.as_tensor(recording.orientation)}
    else:
        given = dict.fromkeys([*CANDIDATES][:-1], seen.images.grey().at_most(CANDIDATE_SIDE).all())
    return {name: _rdm_of(represent(CANDIDATES[name], shown)) for name, shown in given.items()}


def _rdm_of(layers: Mapping[str, Any]) -> npt.NDArray[Any]:
    """The RDM of a cheap model, in single precision for many stimuli; equal images give equal responses."""
    (layer,) = layers.values()
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
