"""The pool of stimuli that ``normenc design`` chooses from, as images of 8 bits with their names and parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc import stimuli
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.stimuli import ImageSet
from normenc.study.representing import Prepared
from normenc.study.sections import DesignSettings
from normenc.study.shown import Shown
from normenc.study.stimulus_settings import StimulusSettings

__all__ = ["Pool", "read_pool", "shown_pool"]

MOST_BYTES = 2**30  # of a pool in memory


@dataclass(frozen=True)
class Pool:
    """Images that stimuli are chosen from, no two of them alike, and none of one grey.

    Attributes
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
    names : tuple of str
    parameters : DataFrame, n rows
    left_out : dict of str to str
        Why images are left out, by name.
    """

    images: npt.NDArray[np.uint8]
    names: tuple[str, ...]
    parameters: pd.DataFrame
    left_out: dict[str, str]

    @property
    def orientation(self) -> npt.NDArray[np.float64] | None:
        """Degrees, where every image is a grating."""
        if "kind" not in self.parameters or not (self.parameters["kind"] == "gratings").all():
            return None
        return self.parameters["orientation"].to_numpy(dtype=np.float64)


def read_pool(settings: DesignSettings) -> Pool:
    """Draw a pool, or read a user's folder or array.

    Raises
    ------
    InputError
        If images cannot be read, or fewer are left than are to be chosen.
    """
    drawn = [kind for kind in settings.pool if kind in stimuli.POOLS]
    if not drawn:
        pool = _given(settings.pool)
    elif len(drawn) < len(settings.pool):
        other = next(kind for kind in settings.pool if kind not in drawn)
        raise InputError(
            f"design.pool: given {settings.pool}; {other!r} is none of {', '.join(stimuli.POOLS)}, and images of your "
            "own cannot be mixed with these, because they may have another size; give your folder alone"
        )
    else:
        rng = np.random.default_rng([settings.seed, 9])
        made = stimuli.stimulus_pool(settings.pool_size, rng, kinds=drawn, resolution=settings.resolution)
        names = tuple(f"{kind} {place}" for place, kind in enumerate(made.parameters["kind"]))
        pool = Pool(_bytes(made.images), names, made.parameters, {})
    pool = _without_useless(pool)
    if len(pool.names) < settings.n:
        raise InputError(
            f"design.n: {settings.n} stimuli are to be chosen, but the pool has {len(pool.names)} that differ; choose "
            "fewer, or give a larger pool"
        )
    return pool


def _given(places: Sequence[str]) -> Pool:
    if len(places) > 1:
        raise InputError(f"design.pool: given {list(places)}; give one folder or array of images")
    images = ImageSet.open(places[0])
    if (needed := np.prod(images.shape, dtype=float)) > MOST_BYTES:
        raise InputError(
            f"{places[0]}: its {len(images)} images take {needed / 2**30:.1f} GiB, more than {MOST_BYTES / 2**30:g}; "
            "give a smaller selection, or smaller images"
        )
    stack = np.empty((len(images), *images.image_size, *[3] * images.is_colour), dtype=np.uint8)
    for start in range(0, len(images), 64):
        stack[start : start + 64] = _bytes(images[start : start + 64])
    return Pool(stack, images.names, pd.DataFrame({"file": images.names}), {})


def _bytes(images: torch.Tensor) -> npt.NDArray[np.uint8]:
    """Images of values 0 to 1 in 8 bits, colours last."""
    values = (images * 255).round().to(torch.uint8)
    return np.ascontiguousarray((values.movedim(1, -1) if values.ndim == 4 else values).numpy())


def _without_useless(pool: Pool) -> Pool:
    """The pool without copies, and without images of one grey, on which patterns have no correlation."""
    seen: dict[bytes, str] = {}
    left_out, kept = {}, []
    for place, (name, image) in enumerate(zip(pool.names, pool.images, strict=True)):
        digest = sha256(image.tobytes()).digest()
        if image.min() == image.max():
            left_out[name] = "all its pixels are the same"
        elif digest in seen:
            left_out[name] = f"it is the same image as {seen[digest]}"
        else:
            seen[digest] = name
            kept.append(place)
    names = tuple(pool.names[place] for place in kept)
    return Pool(pool.images[kept], names, pool.parameters.iloc[kept].reset_index(drop=True), left_out)


def shown_pool(prepared: Prepared, images: Any, names: Sequence[str]) -> Prepared:
    """The study as if images were the stimuli of its recording: encoders see them whole, and as they are stored."""
    nothing: dict[str, Any] = dict.fromkeys(("responses", "rdm", "rdms", "trials", "blanks"))
    recording: Recording = replace(
        prepared.recording, stimulus=np.array(names), kind="image", images=images, rdm_metric="correlation", **nothing
    )
    own = prepared.study.stimuli
    settings = StimulusSettings(resolution=own.resolution, largest=own.largest)
    return replace(prepared, recording=recording, described=recording, shown=Shown(recording, settings))
