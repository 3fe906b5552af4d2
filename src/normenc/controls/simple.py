"""The image itself, its Fourier spectrum, and a pure orientation code."""

import torch

from normenc.controls.images import CONTROLS, as_colour, as_images
from normenc.errors import InputError
from normenc.keys import named

__all__ = ["fourier_amplitude", "orientation_model", "pixels"]


@named(CONTROLS, "pixels")
def pixels(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """The image itself, in its colours: similarity before any processing.

    Parameters
    ----------
    images : Tensor, shape (n, height, width), (n, 1, height, width) or, in colour, (n, 3, height, width)

    Returns
    -------
    dict
        ``"pixels"``: Tensor, shape (n, height * width), or three times as many units in colour.

    Examples
    --------
    >>> pixels(torch.zeros(2, 3, 4))["pixels"].shape
    torch.Size([2, 12])
    """
    return {"pixels": as_colour(images).flatten(1)}


@named(CONTROLS, "Fourier amplitude")
def fourier_amplitude(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Amplitude of the two-dimensional Fourier spectrum, the image's mean removed: similarity independent of position.

    All ``height * width`` frequencies are included, so that each except the symmetric ones occurs twice.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 1, height, width)

    Returns
    -------
    dict
        ``"amplitude"``: Tensor, shape (n, height * width).

    Examples
    --------
    >>> wave = torch.cos(torch.arange(8) * torch.pi / 2).expand(1, 8, 8)
    >>> fourier_amplitude(wave)["amplitude"].reshape(8, 8)[0].round().tolist()
    [0.0, 0.0, 32.0, 0.0, 0.0, 0.0, 32.0, 0.0]
    """
    grey = as_images(images).double()
    grey = grey - grey.mean(dim=(1, 2), keepdim=True)
    return {"amplitude": torch.fft.fft2(grey).abs().flatten(1)}


@named(CONTROLS, "orientation model")
def orientation_model(orientation: torch.Tensor) -> dict[str, torch.Tensor]:
    r"""An ideal population that codes only orientation, whose dissimilarity is the circular distance.

    Unit u is the sign of :math:`\cos 2(\theta - \phi_u)`: 1 for orientations within 45 degrees of its preferred one,
    and -1 for all others. Two stimuli d degrees
    apart on the circle of 180 differ in 2d of its 180 degrees of units, so that their patterns correlate by
    1 - 2 (2d / 180), and their correlation dissimilarity is d / 45. It takes the stimuli's orientations instead of
    images; otherwise it is an encoder like any other.

    Parameters
    ----------
    orientation : Tensor, shape (n,)
        Degrees.

    Returns
    -------
    dict
        ``"orientation"``: Tensor, shape (n, 360); preferred orientations 0.25, 0.75, ... degrees, so that the
        dissimilarity is exact for whole and half degrees.

    Raises
    ------
    InputError
        If the orientations are not one finite number per stimulus.

    Examples
    --------
    >>> orientation_model(torch.tensor([0.0, 45.0]))["orientation"].shape
    torch.Size([2, 360])
    """
    if orientation.ndim != 1:
        raise InputError(
            f"orientation has shape {tuple(orientation.shape)}; give one orientation per stimulus, in degrees"
        )
    bad = torch.nonzero(~torch.isfinite(orientation))
    if len(bad):
        raise InputError(
            f"orientation {int(bad[0])} is {float(orientation[bad[0]])}; orientations must be finite degrees; leave "
            "out stimuli without one"
        )
    preferred = torch.arange(360, dtype=torch.float64, device=orientation.device) / 2 + 0.25
    distance = (orientation.double()[:, None] - preferred + 90) % 180 - 90
    return {"orientation": torch.where(distance.abs() <= 45, 1.0, -1.0)}
