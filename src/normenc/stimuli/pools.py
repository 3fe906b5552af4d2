"""Pools of many different stimuli, from which those that tell models apart are chosen."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.errors import InputError
from normenc.stimuli.natural import PHOTOGRAPHS, natural_patches, photograph
from normenc.stimuli.oriented import gratings
from normenc.stimuli.sets import StimulusSet
from normenc.stimuli.textures import bandpassed_noise, phase_scrambled, plaids
from normenc.stimuli.waves import image_size

__all__ = ["POOLS", "stimulus_pool"]

FREQUENCIES = 1 / 56, 1 / 7  # radians per full-resolution pixel: about 2 to 15 periods on the width of an image
CONTRASTS = 0.25, 1.0
ANGLES = 15.0, 90.0  # between the gratings of a plaid
BANDWIDTHS = 0.5, 2.0  # octaves
NOISE_CONTRASTS = 0.1, 0.25  # standard deviation
SIZES = {"hard": (0.3, 1.0), "gaussian": (0.1, 0.3)}  # of apertures, in the image's shorter side
Table = dict[str, Any]


def stimulus_pool(
    n: int, rng: np.random.Generator, *, kinds: Sequence[str] = ("gratings",), resolution: float = 0.4
) -> StimulusSet:
    """Draw a pool of stimuli of some kinds, as many of each, as images of 8 bits.

    Parameters
    ----------
    n : int
        At least as many as there are kinds.
    rng : Generator
    kinds : sequence of str
        ``"gratings"``, sine or square waves of any orientation, spatial frequency (three octaves), phase, contrast
        (0.25 to 1) and aperture (none, a disc or a Gaussian); ``"plaids"``, two sine waves with 15 to 90 degrees
        between them; ``"textures"``, half of them noise of a band of spatial frequencies and of orientations (20
        degrees, or all), half photographs with random phases; ``"photographs"``, upright patches of those that come
        with scikit-image and scikit-learn, in grey.
    resolution : float
        Image pixels per full-resolution pixel; 0.4 gives 192 x 256 pixels.

    Returns
    -------
    StimulusSet
        Values are whole numbers of 255ths. Columns: ``kind``, then the parameters of all kinds that were drawn, NaN or
        empty where a kind has none.

    Raises
    ------
    InputError
        If a kind is unknown or listed twice, there are fewer stimuli than kinds, or photographs are too small.

    Examples
    --------
    >>> drawn = stimulus_pool(6, np.random.default_rng(0), kinds=["gratings", "plaids"], resolution=0.1)
    >>> drawn.images.shape, drawn.parameters["kind"].value_counts().to_dict()
    (torch.Size([6, 48, 64]), {'gratings': 3, 'plaids': 3})
    """
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    for kind in kinds:
        if kind not in POOLS or kinds.count(kind) > 1:
            raise InputError(f"kinds are {kinds}; each must be one of {', '.join(POOLS)}, listed once")
    if not kinds or n < len(kinds):
        raise InputError(f"n is {n} for {len(kinds)} kinds of stimuli; there must be at least one of each")
    images, tables = [], []
    for place, kind in enumerate(kinds):
        n_own = n // len(kinds) + (place < n % len(kinds))
        drawn, parameters = POOLS[kind](n_own, rng, resolution)
        images.append(drawn)
        tables.append(pd.DataFrame({"kind": kind} | parameters, index=range(n_own)))
    whole = torch.cat(images).mul_(255).round_().div_(255)
    return StimulusSet(whole, pd.concat(tables, ignore_index=True))


def _octaves(rng: np.random.Generator, bounds: tuple[float, float], n: int) -> npt.NDArray[np.float64]:
    return np.exp2(rng.uniform(float(np.log2(bounds[0])), float(np.log2(bounds[1])), size=n))


def _waves(n: int, rng: np.random.Generator) -> Table:
    return {
        "orientation": rng.uniform(-90, 90, size=n),
        "spatial_frequency": _octaves(rng, FREQUENCIES, n),
        "phase": rng.uniform(0, 360, size=n),
        "contrast": _octaves(rng, CONTRASTS, n),
    }


def _gratings(n: int, rng: np.random.Generator, resolution: float) -> tuple[torch.Tensor, Table]:
    table = _waves(n, rng)
    table["waveform"] = rng.choice(["sine", "square"], size=n)
    table["aperture"] = rng.choice(["none", *SIZES], size=n)
    table["aperture_size"] = np.array(
        [rng.uniform(*SIZES[own]) if own in SIZES else np.nan for own in table["aperture"]]
    )
    images = torch.empty((n, *image_size(resolution)))
    for row in range(n):
        of_one: Table = {name: float(table[name][row]) for name in ("spatial_frequency", "phase", "contrast")}
        window = table["aperture"][row]
        shown = {} if window == "none" else {"aperture": window, "aperture_size": table["aperture_size"][row]}
        angle, waveform = table["orientation"][row], table["waveform"][row]
        images[row] = gratings([angle], **of_one, **shown, waveform=waveform, resolution=resolution)[0]
    return images, table


def _plaids(n: int, rng: np.random.Generator, resolution: float) -> tuple[torch.Tensor, Table]:
    table = _waves(n, rng) | {"angle": rng.uniform(*ANGLES, size=n)}
    options = {name: table[name] for name in ("spatial_frequency", "phase", "contrast", "angle")}
    return plaids(table["orientation"], **options, resolution=resolution), table


def _textures(n: int, rng: np.random.Generator, resolution: float) -> tuple[torch.Tensor, Table]:
    n_noise = (n + 1) // 2
    table: Table = {
        "orientation": np.where(rng.random(n) < 0.5, rng.uniform(-90, 90, size=n), np.nan),
        "spatial_frequency": _octaves(rng, FREQUENCIES, n),
        "bandwidth": _octaves(rng, BANDWIDTHS, n),
        "contrast": _octaves(rng, NOISE_CONTRASTS, n),
    }
    images = torch.empty((n, *image_size(resolution)))
    for row in range(n_noise):
        angle = table["orientation"][row]
        options: Table = {name: float(table[name][row]) for name in ("spatial_frequency", "bandwidth", "contrast")}
        options |= {"orientation": None if np.isnan(angle) else angle}
        images[row] = bandpassed_noise(1, rng, resolution=resolution, **options).images[0]
    for values in table.values():
        values[n_noise:] = np.nan
    table["photograph"] = np.full(n, None, dtype=object)
    if n > n_noise:
        patches = natural_patches(
            n - n_noise, rng, photographs=_large_enough(resolution), resolution=resolution, zoom=1
        )
        images[n_noise:] = phase_scrambled(patches.images, rng)
        table["photograph"][n_noise:] = patches.parameters["photograph"]
    return images, table


def _photographs(n: int, rng: np.random.Generator, resolution: float) -> tuple[torch.Tensor, Table]:
    drawn = natural_patches(n, rng, photographs=_large_enough(resolution), resolution=resolution, zoom=1)
    table = drawn.parameters.drop(columns="rotation")
    return drawn.images, {str(name): table[name].to_numpy() for name in table}


def _large_enough(resolution: float) -> list[str]:
    """The photographs of which patches may lie anywhere."""
    side = np.hypot(*image_size(resolution)) + 3
    names = [name for own in PHOTOGRAPHS.values() for name in own if min(photograph(name).shape) > side]
    if not names:
        raise InputError(
            f"resolution is {resolution:g}; patches of {' x '.join(map(str, image_size(resolution)))} pixels fit into "
            "none of the photographs; take a smaller one, such as 0.4"
        )
    return names


POOLS: dict[str, Callable[[int, np.random.Generator, float], tuple[torch.Tensor, Table]]] = {
    "gratings": _gratings,
    "plaids": _plaids,
    "textures": _textures,
    "photographs": _photographs,
}
