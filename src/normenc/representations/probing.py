"""Few images that tell how an encoder treats many, and whether what it gives for one depends on the others."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.errors import InputError

__all__ = ["N_PROBES", "check_alone", "differ", "probe_images"]

N_PROBES = 3
SEARCHED = 64  # images among which one is sought that differs from the first
TOLERANCE = 1e-3  # of the largest value: far above rounding in single precision, which batches of other sizes change


def probe_images(images: torch.Tensor) -> tuple[list[int], torch.Tensor]:
    """Places of up to three unlike images, and three images of which these are the first.

    The first image, the one most unlike it among some, and the one most unlike that; what is missing where all images
    are the same is made by shifting one sideways.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:SEARCHED].tolist()
    places = [0]
    while len(places) < N_PROBES:
        off = {place: _distance(images[place], images[places[-1]]) for place in order if place not in places}
        if not off or max(off.values()) == 0:
            break
        places.append(max(off, key=lambda place: off[place]))
    missing = N_PROBES - len(places)
    image = images[:1]
    width = image.shape[-1]
    made = [image.roll(width * (k + 1) // (missing + 1), -1) if image.ndim > 1 else image for k in range(missing)]
    return places, torch.cat([images[places], *made])


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.double() - other.double()).abs().nan_to_num(0, 0).sum())


def differ(one: npt.NDArray[Any], other: npt.NDArray[Any], tolerance: float = TOLERANCE) -> bool:
    """Whether values differ by more than rounding, which is taken relative to the largest."""
    one, other = (np.asarray(values, dtype=np.float64) for values in (one, other))
    if one.shape != other.shape:
        return True
    with np.errstate(invalid="ignore"):
        off = np.abs(one - other)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    largest = np.abs(one[np.isfinite(one)]).max(initial=0)
    return bool((~same & ~(off <= tolerance * largest)).any())


def check_alone(name: str, one: npt.NDArray[Any], other: npt.NDArray[Any], tolerance: float = TOLERANCE) -> None:
    """Raise InputError when the same images have other values in another batch."""
    if differ(one, other, tolerance):
        raise InputError(
            f"layer {name!r} depends on the other images of a batch: the same image has other values beside others. "
            "Each image must be represented by itself: let normalisation use running statistics (not "
            "track_running_stats=False), take no mean over the batch, keep the order of the images; or read layers by "
            "name that come before"
        )
