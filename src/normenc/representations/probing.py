"""Test with a few images whether an encoder represents each image independently of the others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.errors import InputError

__all__ = ["N_PROBES", "SWAPPED", "Fingerprints", "check_alone", "check_chance", "differ", "probe_images"]

N_PROBES = 3
SWAPPED = [1, 0]  # the first two of the three images, in another order
SEARCHED = 64  # images among which one that differs from the first is sought
KEPT_UNITS = 10_000  # of a layer, for which the few images' values are compared with those in their own batches
TOLERANCE = 1e-3  # of the largest value: far above single-precision rounding, which depends on the batch size


def probe_images(images: Any) -> tuple[list[int], torch.Tensor]:
    """Indices of up to three different images, and three images that start with these.

    The first image, the most different one among some, and the one most different from that; if all images are the
    same, shifted copies are added.
    """
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:SEARCHED].tolist()
    known = {place: images[place : place + 1] for place in {0, *order}}
    places = [0]
    while len(places) < N_PROBES:
        off = {place: _distance(known[place], known[places[-1]]) for place in order if place not in places}
        if not off or max(off.values()) == 0:
            break
        places.append(max(off, key=lambda place: off[place]))
    missing = N_PROBES - len(places)
    image = known[0]
    width = image.shape[-1]
    made = [image.roll(width * (k + 1) // (missing + 1), -1) if image.ndim > 1 else image for k in range(missing)]
    return places, torch.cat([*(known[place] for place in places), *made])


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    one, other = (values if values.dtype == torch.float32 else values.double() for values in (one, other))
    return float((one - other).abs_().nan_to_num_(0, 0).sum(dtype=torch.float64))


def differ(one: npt.NDArray[Any], other: npt.NDArray[Any], tolerance: float = TOLERANCE) -> bool:
    """Whether values differ by more than rounding, relative to the largest."""
    if np.array_equal(one, other):  # as they are almost always, which is known in much less time
        return False
    one, other = (np.asarray(values, dtype=np.float64) for values in (one, other))
    if one.shape != other.shape:
        return True
    with np.errstate(invalid="ignore"):
        off = np.abs(one - other)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    largest = np.abs(one[np.isfinite(one)]).max(initial=0)
    return bool((~same & ~(off <= tolerance * largest)).any())


def check_chance(name: str, one: npt.NDArray[Any], again: npt.NDArray[Any], tolerance: float = TOLERANCE) -> None:
    """Raise InputError if the same images give different values when shown again."""
    if differ(one, again, tolerance):
        raise InputError(
            f"layer {name!r} is random, or depends on earlier calls: the same images give different values when "
            "shown again. Draw no random numbers, or only with a seed that each call sets again; a module must draw "
            "none in evaluation mode (functional.dropout needs training=self.training). Or name only earlier layers"
        )


def check_alone(name: str, one: npt.NDArray[Any], other: npt.NDArray[Any], tolerance: float = TOLERANCE) -> None:
    """Raise InputError if the same images give different values in another batch."""
    if differ(one, other, tolerance):
        raise InputError(
            f"layer {name!r} depends on the other images in a batch: the same image gives different values in another "
            "batch. Each image must be represented independently: use running statistics for normalisation (not "
            "track_running_stats=False), no mean over the batch, and keep the order of the images; or name only "
            "earlier layers"
        )


class Fingerprints:
    """Values of the few images, compared with those that the same images have in their own batches.

    Parameters
    ----------
    places : list of int
        Indices of the images that the first rows belong to.
    rows : mapping of str to ndarray, shape (3, n_units)
    tolerance : float
    """

    def __init__(self, places: list[int], rows: Mapping[str, npt.NDArray[Any]], tolerance: float = TOLERANCE) -> None:
        self._places, self._tolerance = places, tolerance
        self._rows = {name: self._some(values[: len(places)]).copy() for name, values in rows.items()}
        self._found: dict[str, dict[int, npt.NDArray[Any]]] = {name: {} for name in rows}

    @property
    def rows(self) -> dict[str, npt.NDArray[Any]]:
        """Values of the few images, of up to 10,000 units of each layer, by layer."""
        return self._rows

    @staticmethod
    def _some(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values[:, :: -(-values.shape[1] // KEPT_UNITS) or 1]

    def note(self, name: str, start: int, rows: npt.NDArray[Any]) -> None:
        """Keep what images of a batch that starts at `start` have in common with the few."""
        for number, place in enumerate(self._places):
            if start <= place < start + len(rows):
                self._found[name][number] = self._some(rows[place - start : place - start + 1])[0].copy()

    def check(self) -> None:
        """Raise InputError if a layer gave an image other values than when it was shown with the few."""
        for name, found in self._found.items():
            numbers = sorted(found)
            if numbers:
                check_alone(name, self._rows[name][numbers], np.stack([found[k] for k in numbers]), self._tolerance)
