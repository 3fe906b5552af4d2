"""Oriented gratings, the stimuli of the reference study."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.errors import InputError
from normenc.stimuli.sets import StimulusSet
from normenc.stimuli.waves import FREQUENCY, WIDTH, as_orientations, frame_of, per_image, phases_along

__all__ = ["gratings", "varied_gratings"]

# Images a block: what a block needs in float64 (0.8 MB at the study's resolution) stays in the processor's cache.
BLOCK_VALUES = 100_000

DEFAULT_APERTURES = {"hard": 1.0, "gaussian": 0.2}  # in the image's shorter side


def gratings(
    orientations: Sequence[float] | npt.ArrayLike | torch.Tensor,
    *,
    spatial_frequency: npt.ArrayLike = FREQUENCY,
    phase: npt.ArrayLike = 0.0,
    contrast: npt.ArrayLike = 1.0,
    waveform: str = "square",
    aperture: str | None = None,
    aperture_size: float | None = None,
    resolution: float = 0.1,
    size: tuple[int, int] | None = None,
    patch: bool = False,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    r"""Gratings, all at once; by default the square waves of the reference study.

    Pixel (i, j) lies at ``y = spatial_frequency * i / resolution``, ``x = spatial_frequency * j / resolution``. A
    square wave is 1 where :math:`\cos(x \cos\theta + y \sin\theta + \phi) > 0`, else 0; a sine wave is half that
    cosine plus a half. Evaluated in float64.

    Gratings at :math:`\theta` and :math:`\theta + 180` degrees are the same image but for the sign of the phase (at
    phase 0 the same, up to the pixels that lie on an edge), so that -90 and 90 degrees cannot be told apart.

    Parameters
    ----------
    orientations : array_like, shape (n,)
        Degrees from vertical; positive is tilted right.
    spatial_frequency : float or array_like, shape (n,)
        Radians a full-resolution pixel; the study's 1/28 is a period of 176 full-resolution pixels.
    phase : float or array_like, shape (n,)
        Degrees, at the image's top left corner.
    contrast : float or array_like, shape (n,)
        Michelson contrast, 0 (grey) to 1.
    waveform : str
        "square" or "sine".
    aperture : str, optional
        Show the grating through a window in the middle, grey (0.5) outside: a "hard" disc or a "gaussian".
    aperture_size : float, optional
        Of the image's shorter side: the disc's diameter (by default 1), or the Gaussian's standard deviation (1/5).
    resolution : float
        Image pixels per full-resolution pixel; 0.1 gives 48 x 64 images.
    size : (int, int), optional
        Height and width in pixels, for networks that want another size; `resolution` then does not count. The images
        show the largest part of the canvas that has this ratio, from its middle: nothing is squeezed, so that
        orientations and frequencies stay what they are.
    patch : bool
        Show the grating through the study's disc of radius ``640 / 6 * resolution`` pixels centred at row
        ``height / 2``, column ``0.75 * width``, grey (0.5) outside, its angle turned by a further 0.1 radians. (The
        study calls this "the left side"; column 0.75 lies on the right, and that is what is drawn.)
    device : torch.device or str, optional
        Where the images are made; the CPU by default.

    Returns
    -------
    Tensor, shape (n, height, width)
        float32, values 0 to 1.

    Raises
    ------
    InputError
        If orientations are not a finite one-dimensional list, or a parameter is impossible or has another length.

    References
    ----------
    Neuromatch Academy, Computational Neuroscience, W1D5 (formerly W3D4) tutorial 3, function ``grating``.

    Examples
    --------
    >>> gratings([-45, 0, 45]).shape
    torch.Size([3, 48, 64])
    >>> float(gratings([0]).mean())
    0.484375
    """
    theta = np.deg2rad(as_orientations(orientations))
    frequency = per_image(spatial_frequency, "spatial_frequency", len(theta))
    if not (frequency > 0).all():
        raise InputError(
            f"spatial_frequency is {frequency[frequency <= 0][0]}; it must be a positive number of radians a pixel"
        )
    contrasts = per_image(contrast, "contrast", len(theta))
    if not ((contrasts >= 0) & (contrasts <= 1)).all():
        raise InputError(f"contrast is {contrasts.min():g} to {contrasts.max():g}; it must lie between 0 and 1")
    if waveform not in ("square", "sine"):
        raise InputError(f"waveform is {waveform!r}; it must be 'square' or 'sine'")
    if size is not None and patch:
        raise InputError("size and patch are both given; the study's patch has its place on the whole canvas alone")
    frame = frame_of(resolution, size)
    resolution, (height, width), _ = frame
    if patch:
        theta = theta + 0.1
    # cos and sin of the angles come from NumPy on every device: their last bits decide the pixels on an edge.
    along_x, along_y = phases_along(theta, frequency, frame)
    along_x += np.deg2rad(per_image(phase, "phase", len(theta)))[:, None]
    x = torch.from_numpy(along_x).to(device)[:, None, :]
    y = torch.from_numpy(along_y).to(device)[:, :, None]

    images = torch.empty((len(theta), height, width), dtype=torch.float32, device=x.device)
    block = max(1, BLOCK_VALUES // (height * width))
    for start in range(0, len(theta), block):
        stop = start + block
        wave = torch.cos(x[start:stop] + y[start:stop])
        images[start:stop] = wave > 0 if waveform == "square" else (wave + 1) / 2
    return _shown(images, contrasts, _window(aperture, aperture_size, height, width, resolution, patch=patch))


def varied_gratings(
    orientations: Sequence[float] | npt.ArrayLike,
    rng: np.random.Generator | np.random.RandomState,
    *,
    spatial_frequency: tuple[float, float] = (FREQUENCY, FREQUENCY),
    phase: tuple[float, float] = (0.0, 0.0),
    contrast: tuple[float, float] = (1.0, 1.0),
    noise: float = 0.0,
    **options: Any,
) -> StimulusSet:
    """Gratings that vary in what is not their orientation.

    Parameters
    ----------
    orientations : array_like, shape (n,)
        Degrees from vertical.
    rng : Generator or RandomState
        Nothing is drawn for what does not vary.
    spatial_frequency, phase, contrast : (float, float)
        Smallest and largest, see :func:`gratings`. Frequencies are uniform in octaves, the others as they stand.
    noise : float
        Standard deviation of Gaussian noise on every pixel; values beyond 0 and 1 are clipped.
    **options
        Of all, see :func:`gratings`.

    Returns
    -------
    StimulusSet
        With the columns ``orientation``, ``spatial_frequency``, ``phase``, ``contrast``, ``noise``.

    Raises
    ------
    InputError
        If a range is no (smallest, largest), or a value in it is impossible.

    Examples
    --------
    >>> drawn = varied_gratings([0, 0], np.random.default_rng(0), phase=(0, 360))
    >>> drawn.parameters["phase"].nunique()
    2
    """
    n = len(as_orientations(orientations))
    drawn: dict[str, Any] = {}
    for name, pair in {"spatial_frequency": spatial_frequency, "phase": phase, "contrast": contrast}.items():
        low, high = pair
        if not (np.isfinite([low, high]).all() and low <= high):
            raise InputError(f"{name} is {pair}; it must be (smallest, largest), both finite")
        if low == high:
            drawn[name] = np.full(n, low)
        elif name == "spatial_frequency":
            drawn[name] = np.exp2(rng.uniform(float(np.log2(low)), float(np.log2(high)), size=n))
        else:
            drawn[name] = rng.uniform(low, high, size=n)
    if not (np.isfinite(noise) and noise >= 0):
        raise InputError(f"noise is {noise}; it must be a standard deviation of 0 or more")
    images = gratings(orientations, **drawn, **options)
    if noise:
        images = (images + noise * torch.from_numpy(rng.standard_normal(images.shape)).float()).clamp_(0, 1)
    return StimulusSet(images, pd.DataFrame({"orientation": np.asarray(orientations)} | drawn | {"noise": noise}))


def _shown(images: torch.Tensor, contrast: npt.NDArray[np.float64], window: torch.Tensor | None) -> torch.Tensor:
    """Take contrast and window to `images`, in place."""
    if (contrast != 1).any():
        scale = torch.from_numpy(contrast).to(images)[:, None, None]
        images.sub_(0.5).mul_(scale).add_(0.5)
    if window is not None:
        images.sub_(0.5).mul_(window.to(images)).add_(0.5)
    return images


def _window(
    aperture: str | None, size: float | None, height: int, width: int, resolution: float, *, patch: bool
) -> torch.Tensor | None:
    if aperture is None:
        if size is not None:
            raise InputError(f"aperture_size is {size} but there is no aperture; choose aperture='hard' or 'gaussian'")
        return _disc(height, width, resolution) if patch else None
    if patch:
        raise InputError(f"patch is True and aperture is {aperture!r}; a grating has one window, so choose one")
    if aperture not in DEFAULT_APERTURES:
        raise InputError(f"aperture is {aperture!r}; it must be None, 'hard' or 'gaussian'")
    size = DEFAULT_APERTURES[aperture] if size is None else size
    if not (np.isfinite(size) and size > 0):
        raise InputError(f"aperture_size is {size}; it must be a positive number, in the image's shorter side")
    rows = torch.arange(height, dtype=torch.float64)[:, None] - (height - 1) / 2
    columns = torch.arange(width, dtype=torch.float64)[None, :] - (width - 1) / 2
    distance = torch.hypot(rows, columns) / min(height, width)
    return distance < size / 2 if aperture == "hard" else torch.exp(-(distance**2) / (2 * size**2))


def _disc(height: int, width: int, resolution: float) -> torch.Tensor:
    rows = torch.arange(height, dtype=torch.float64)[:, None] - height / 2
    columns = torch.arange(width, dtype=torch.float64)[None, :] - 0.75 * width
    return torch.sqrt(rows**2 + columns**2) < WIDTH / 3 / 2 * resolution
