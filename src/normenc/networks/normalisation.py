"""Divisive normalisation, the canonical computation of visual cortex."""

import torch
from torch import nn

from normenc.errors import InputError

__all__ = ["DivisiveNormalisation"]


class DivisiveNormalisation(nn.Module):
    r"""Divide each channel by the activity of all channels at the same position.

    :math:`x_c / \sqrt{\sigma^2 + \frac{1}{C} \sum_k x_k^2}`, so that the pattern does not depend on contrast.

    Parameters
    ----------
    sigma : float
        The semi-saturation constant, in the units of x; above 0.

    Raises
    ------
    InputError
        If sigma is not positive.

    References
    ----------
    Heeger, "Normalization of cell responses in cat striate cortex", Visual Neuroscience 1992.

    Examples
    --------
    >>> DivisiveNormalisation(sigma=1e-6)(torch.tensor([[[[3.0]], [[4.0]]]])).flatten()
    tensor([0.8485, 1.1314])
    """

    def __init__(self, sigma: float = 1.0) -> None:
        super().__init__()
        if not 0 < sigma < float("inf"):
            raise InputError(f"sigma is {sigma}; it must be a positive number")
        self.sigma = sigma

    def forward(self, responses: torch.Tensor) -> torch.Tensor:
        """Normalised responses, of the same shape (n, n_channels, height, width)."""
        return responses * torch.rsqrt(self.sigma**2 + responses.square().mean(dim=1, keepdim=True))
