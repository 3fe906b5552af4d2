"""The image itself, its Fourier spectrum, and a pure orientation code."""

from typing import Any

import numpy as np

from normenc.arrays import as_array
from normenc.controls.images import CONTROLS, Values, as_colour, as_images, as_values
from normenc.errors import InputError
from normenc.keys import named

__all__ = ["fourier_amplitude", "orientation_model", "pixels"]


@named(CONTROLS, "pixels")
def pixels(images: Values) -> dict[str, Values]:
    """The image itself, in its colours: similarity before any processing.

    Parameters
    ----------
    images : Tensor or ndarray, shape (n, height, width), (n, 1, height, width) or, in colour, (n, 3, height, width)

    Returns
    -------
    dict
        ``"pixels"``: as `images`, shape (n, height * width), or three times as many units in colour.

    Examples
    --------
    >>> pixels(np.zeros((2, 3, 4)))["pixels"].shape
    (2, 12)
    """
    return {"pixels": as_colour(images).reshape(len(as_values(images)), -1)}


@named(CONTROLS, "Fourier amplitude")
def fourier_amplitude(images: Values) -> dict[str, Values]:
    """Amplitude of the two-dimensional Fourier spectrum, the image's mean removed: similarity independent of position.

    All ``height * width`` frequencies are included, so that each except the symmetric ones occurs twice.

    Parameters
    ----------
    images : Tensor or ndarray, shape (n, height, width) or (n, 1, height, width)

    Returns
    -------
    dict
        ``"amplitude"``: as `images`, in float64, shape (n, height * width).

    Examples
    --------
    >>> wave = np.tile(np.cos(np.arange(8) * np.pi / 2), (1, 8, 1))
    >>> fourier_amplitude(wave)["amplitude"].reshape(8, 8)[0].round().tolist()
    [0.0, 0.0, 32.0, 0.0, 0.0, 0.0, 32.0, 0.0]
    """
    grey = as_images(images)
    if isinstance(grey, np.ndarray):
        grey = grey.astype(np.float64)
        amplitude: Any = np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True)))
        return {"amplitude": amplitude.reshape(len(grey), -1)}
    import torch

    grey = grey.double()
    grey = grey - grey.mean(dim=(1, 2), keepdim=True)
    return {"amplitude": torch.fft.fft2(grey).abs().flatten(1)}


@named(CONTROLS, "orientation model")
def orientation_model(orientation: Values) -> dict[str, Values]:
    r"""An ideal population that codes only orientation, whose dissimilarity is the circular distance.

    Unit u is the sign of :math:`\cos 2(\theta - \phi_u)`: 1 for orientations within 45 degrees of its preferred one,
    and -1 for all others. Two stimuli d degrees
    apart on the circle of 180 differ in 2d of its 180 degrees of units, so that their patterns correlate by
    1 - 2 (2d / 180), and their correlation dissimilarity is d / 45. It takes the stimuli's orientations instead of
    images; otherwise it is an encoder like any other.

    Parameters
    ----------
    orientation : Tensor or ndarray, shape (n,)
        Degrees.

    Returns
    -------
    dict
        ``"orientation"``: as `orientation`, in float32, shape (n, 360); preferred orientations 0.25, 0.75, ...
        degrees, so that the dissimilarity is exact for whole and half degrees.

    Raises
    ------
    InputError
        If the orientations are not one finite number per stimulus.

    Examples
    --------
    >>> orientation_model(np.array([0.0, 45.0]))["orientation"].shape
    (2, 360)
    """
    given: Any = as_values(orientation)
    if given.ndim != 1:
        raise InputError(f"orientation has shape {tuple(given.shape)}; give one orientation per stimulus, in degrees")
    degrees = as_array(given, "orientation").astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(degrees))
    if len(bad):
        raise InputError(
            f"orientation {bad[0]} is {degrees[bad[0]]}; orientations must be finite degrees; leave out stimuli "
            "without one"
        )
    preferred = np.arange(360) / 2 + 0.25
    distance = (degrees[:, None] - preferred + 90) % 180 - 90
    units: Any = np.where(np.abs(distance) <= 45, np.float32(1), np.float32(-1))
    if not isinstance(given, np.ndarray):
        import torch

        units = torch.from_numpy(units).to(given.device)
    return {"orientation": units}
