"""Encoders that were never trained, beside which every trained network must stand.

Like any encoder each maps images to ``{layer: stimulus x unit}``. The untrained twin of a network, the third control,
comes with the network from :func:`normenc.training.train`.
"""

import torch

from normenc.errors import InputError

__all__ = ["fourier_amplitude", "pixels"]


def pixels(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """The image itself: what is similar before any processing.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 1, height, width)

    Returns
    -------
    dict
        ``"pixels"``: Tensor, shape (n, height * width).

    Examples
    --------
    >>> pixels(torch.zeros(2, 3, 4))["pixels"].shape
    torch.Size([2, 12])
    """
    return {"pixels": _as_images(images).flatten(1)}


def fourier_amplitude(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Amplitude of the two-dimensional Fourier spectrum, the image's mean removed: what is similar but for position.

    All ``height * width`` frequencies count, so that each but the symmetric ones stands twice.

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
    grey = _as_images(images).double()
    grey = grey - grey.mean(dim=(1, 2), keepdim=True)
    return {"amplitude": torch.fft.fft2(grey).abs().flatten(1)}


def _as_images(images: torch.Tensor) -> torch.Tensor:
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3:
        raise InputError(
            f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
            "(n, 1, height, width)"
        )
    return images
