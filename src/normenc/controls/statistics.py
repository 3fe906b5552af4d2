"""What a natural image has without any of its objects: its light, its colours, its gist; and that it is itself."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from normenc.controls.gabor import energy_map
from normenc.controls.images import CONTROLS, as_colour, as_floats, as_images, in_blocks
from normenc.errors import InputError
from normenc.keys import Count, Positive, Seed, Size, named

__all__ = ["colour_histogram", "image_identity", "luminance_and_contrast", "pooled_gabor_energy"]

PERIODS = (1 / 32, 1 / 16, 1 / 8, 1 / 4)  # of the pooled Gabors, relative to the image's shorter side
SHORTEST = 2.0  # pixels
STEPS = 4  # filters along a cell of the grid, at least
COLOUR_BINS, GREY_BINS = 4, 16  # of each of three channels, of one
LEVELS = 500  # of luminance and of contrast that the population tells apart


@named(CONTROLS, "pooled Gabor energy")
def pooled_gabor_energy(
    images: torch.Tensor, *, n_orientations: Size = 8, grid: Size = 4, periods: Sequence[Positive] | None = None
) -> dict[str, torch.Tensor]:
    """Gabor energy averaged over the cells of a coarse grid: the gist of a scene, without its details.

    Each unit is the mean of the energy of :func:`gabor_energy` over one cell, for one scale and orientation. Unlike the
    published descriptor, images are neither whitened nor normalised by their local contrast.

    Parameters
    ----------
    images : Tensor, shape (n, height, width), (n, 1, height, width) or (n, 3, height, width)
        Colours count by their luminance.
    n_orientations : int
        Evenly spaced over 180 degrees, from vertical.
    grid : int
        Cells along each side of the image.
    periods : sequence of float, optional
        Of the filters, in pixels, at least 2; by default a 32nd, a 16th, an eighth and a quarter of the shorter side,
        without those below 2 pixels.

    Returns
    -------
    dict
        ``"energy"``: Tensor, shape (n, n_periods * n_orientations * grid ** 2), 0 or more; by scale, then orientation,
        then cell row by row.

    Raises
    ------
    InputError
        If there is no orientation, a period is too short for the pixels, or the image has fewer pixels than the grid
        has cells along a side.

    References
    ----------
    Oliva & Torralba, "Modeling the shape of the scene: a holistic representation of the spatial envelope",
    Int. J. Computer Vision 2001.

    Examples
    --------
    >>> pooled_gabor_energy(torch.rand(2, 96, 96))["energy"].shape
    torch.Size([2, 512])
    """
    height, width = as_colour(images).shape[2:]
    if periods is None:
        shorter = min(height, width)
        periods = [share * shorter for share in PERIODS if share * shorter >= SHORTEST] or [SHORTEST]
    if n_orientations < 1 or not periods or not all(SHORTEST <= period < np.inf for period in periods):
        raise InputError(
            f"n_orientations is {n_orientations} and periods are {list(periods)}; give at least 1 orientation, and "
            "periods of at least 2 pixels"
        )
    if not 1 <= grid <= min(height, width):
        raise InputError(
            f"grid is {grid}, but images are {height} x {width} pixels; give 1 to {min(height, width)} cells along a "
            "side"
        )

    def of_block(block: torch.Tensor) -> torch.Tensor:
        grey = as_floats(block)[:, None]
        return torch.cat([_pooled(grey, period, n_orientations, grid) for period in periods], dim=1)

    return {"energy": in_blocks(images, of_block)}


def _pooled(grey: torch.Tensor, period: float, n_orientations: int, grid: int) -> torch.Tensor:
    """Means over cells, shape (n, n_orientations * grid ** 2), of filters that belong where their centres are."""
    height, width = grey.shape[2:]
    stride = max(1, min(round(period / 2), min(height, width) // (grid * STEPS)))
    energy = energy_map(grey, period, n_orientations, stride)
    rows, columns = (
        _averaging(places * stride, side, grid).to(energy)
        for places, side in zip(map(torch.arange, energy.shape[2:]), (height, width), strict=True)
    )
    return (rows @ energy @ columns.T).flatten(1)


def _averaging(places: torch.Tensor, side: int, grid: int) -> torch.Tensor:
    """The matrix (grid, n_places) that averages over the places, in pixels, of each of `grid` equal parts of a side."""
    part = torch.clamp((places * grid) // side, max=grid - 1)
    within = (part == torch.arange(grid)[:, None]).double()
    return within / within.sum(dim=1, keepdim=True)


@named(CONTROLS, "colour histogram")
def colour_histogram(images: torch.Tensor, *, n_bins: Size | None = None) -> dict[str, torch.Tensor]:
    """Share of the pixels that have each colour, wherever they are.

    Parameters
    ----------
    images : Tensor, shape (n, height, width), (n, 1, height, width) or (n, 3, height, width)
        Values 0 to 1, or bytes.
    n_bins : int, optional
        Equal bins from 0 to 1 of each channel: by default 4 for red, green and blue, whose joint histogram has
        4 x 4 x 4 bins, and 16 for grey images, which only have a histogram of grey.

    Returns
    -------
    dict
        ``"colours"``: Tensor, shape (n, n_bins ** 3), for images in colour, and ``"greys"``, shape (n, n_bins), for
        grey ones. Rows add up to 1; blue changes fastest.

    Raises
    ------
    InputError
        If a value is outside 0 to 1, or there are fewer than 2 bins.

    References
    ----------
    Swain & Ballard, "Color indexing", Int. J. Computer Vision 1991.

    Examples
    --------
    >>> red_and_black = torch.tensor([1.0, 0, 0])[None, :, None, None] * torch.tensor([0.0, 1.0])
    >>> colour_histogram(red_and_black, n_bins=2)["colours"]
    tensor([[0.5000, 0.0000, 0.0000, 0.0000, 0.5000, 0.0000, 0.0000, 0.0000]])
    """
    channels = as_colour(images)
    n_channels = channels.shape[1]
    n_own = (COLOUR_BINS if n_channels == 3 else GREY_BINS) if n_bins is None else n_bins
    if n_own < 2 or n_own**n_channels > 10**6:
        raise InputError(f"n_bins is {n_bins}; give at least 2, and at most 100 for images in colour")
    n_all = n_own**n_channels

    def of_block(block: torch.Tensor) -> torch.Tensor:
        values = _as_fractions(block)
        bins = torch.clamp((values * n_own).long(), max=n_own - 1).flatten(2)
        weights = n_own ** torch.arange(n_channels - 1, -1, -1)
        joint = (bins * weights[:, None]).sum(dim=1) + n_all * torch.arange(len(block))[:, None]
        counts = torch.bincount(joint.flatten(), minlength=n_all * len(block)).reshape(len(block), n_all)
        return counts.float() / joint.shape[1]

    return {"colours" if n_channels == 3 else "greys": in_blocks(channels, of_block)}


def _as_fractions(images: torch.Tensor) -> torch.Tensor:
    """Values from 0 to 1, of bytes or as they are; InputError for any others."""
    values = images.float() / 255 if images.dtype == torch.uint8 else images
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        raise InputError(f"images have values from {low:g} to {high:g}; they must be 0 (black) to 1 (white), or bytes")
    return values


@named(CONTROLS, "luminance and contrast")
def luminance_and_contrast(images: torch.Tensor) -> dict[str, torch.Tensor]:
    r"""An ideal population that codes only an image's mean luminance and its contrast.

    Contrast is the root mean square (RMS) contrast: the standard deviation of luminance over pixels, which is at most
    a half. Each of 500 levels between 0 and the largest possible value has two units, one which is 1 above the level
    and -1 below it, and its opposite. Two images whose luminances differ by :math:`l` and whose contrasts differ by
    :math:`c` therefore have a correlation dissimilarity of :math:`l + 2 c`, but for the steps of the levels.

    Parameters
    ----------
    images : Tensor, shape (n, height, width), (n, 1, height, width) or (n, 3, height, width)
        Values 0 to 1, or bytes. Colours count by their luminance.

    Returns
    -------
    dict
        ``"light"``: Tensor, shape (n, 2000); units of luminance, then of contrast.

    Raises
    ------
    InputError
        If a value is outside 0 to 1.

    References
    ----------
    Peli, "Contrast in complex images", J. Opt. Soc. Am. A 1990.

    Examples
    --------
    >>> black, half, white = (torch.full((4, 4), value) for value in (0.0, 0.5, 1.0))
    >>> units = luminance_and_contrast(torch.stack([black, half, white]))["light"]
    >>> (1 - torch.corrcoef(units)).round(decimals=3)
    tensor([[0.0000, 0.5000, 1.0000],
            [0.5000, 0.0000, 0.5000],
            [1.0000, 0.5000, 0.0000]])
    """
    images = as_colour(images)
    levels = (torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS

    def of_block(block: torch.Tensor) -> torch.Tensor:
        pixels = as_images(_as_fractions(block)).double().flatten(1)
        values = torch.stack([pixels.mean(dim=1), 2 * pixels.std(dim=1, correction=0)], dim=1)
        above = torch.where(values[:, :, None] > levels, 1.0, -1.0)
        return torch.cat([above, -above], dim=2).flatten(1)

    return {"light": in_blocks(images, of_block)}


@named(CONTROLS, "image identity")
def image_identity(images: torch.Tensor, *, n_units: Count = 1000, seed: Seed = 0) -> dict[str, torch.Tensor]:
    """Random responses to each image, the same whenever it is shown: all images are equally unlike, but for noise.

    Responses are independent and standard normal. They are drawn from a seed that is a digest of the image's values, so
    that identical images have the same responses.

    Parameters
    ----------
    images : Tensor, shape (n, height, width), (n, 1, height, width) or (n, 3, height, width)
    n_units : int
        At least 2.
    seed : int

    Returns
    -------
    dict
        ``"identity"``: Tensor, shape (n, n_units). Correlation dissimilarities are 1 with a standard deviation of about
        ``1 / sqrt(n_units)``.

    Raises
    ------
    InputError
        If there are fewer than 2 units.

    Examples
    --------
    >>> one, other = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> units = image_identity(torch.stack([one, other, one]))["identity"]
    >>> bool((units[0] == units[2]).all()), bool((units[0] == units[1]).any())
    (True, False)
    """
    if n_units < 2:
        raise InputError(f"n_units is {n_units}; give at least 2")
    rows = [
        np.random.default_rng([seed, *_words(image)]).standard_normal(n_units, dtype=np.float32)
        for image in as_colour(torch.as_tensor(images))
    ]
    return {"identity": torch.from_numpy(np.stack(rows))}


def _words(image: torch.Tensor) -> np.ndarray:
    """A digest of an image's values, as numbers for a generator."""
    values = np.ascontiguousarray(image.detach().cpu().float().numpy()) + np.float32(0)  # no negative zeros
    return np.frombuffer(hashlib.sha256(values.tobytes()).digest(), dtype="<u4")
