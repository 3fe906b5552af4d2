"""Readouts: from a core's features to the response of every neuron.

Each maps features (n, n_channels, height, width) to (n, n_neurons). They differ in how many numbers describe a neuron:
a full linear readout needs one for every feature at every pixel, a factorised one a spatial mask and a weight for
every channel, a Gaussian point readout a location and a weight for every channel.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from normenc.errors import InputError

__all__ = ["Factorised", "FullLinear", "GaussianPoint", "Readout"]

Shape = tuple[int, int, int]
INSIDE = 0.999  # of half of the image
RIDGE = 0.1  # of the channels' mean sum of squares
LOOKED_AT_ONCE = 20_000_000  # numbers


class Readout(nn.Module):
    """Base class of readouts: sizes, and a bias for each neuron."""

    def __init__(self, in_shape: Shape, n_neurons: int) -> None:
        super().__init__()
        if len(in_shape) != 3 or min(in_shape) < 1:
            raise InputError(f"in_shape is {tuple(in_shape)}; it must be (n_channels, height, width), all at least 1")
        if n_neurons < 1:
            raise InputError(f"n_neurons is {n_neurons}; a readout needs at least 1 neuron")
        self.in_shape, self.n_neurons = in_shape, n_neurons
        self.bias = nn.Parameter(torch.zeros(n_neurons))

    def spatial_weights(self) -> list[torch.Tensor]:
        """Weights whose first dimension is neurons and whose last two are image positions."""
        return []


class FullLinear(Readout):
    r"""A weight for every feature: :math:`b_n + \sum_{cij} w_{ncij} x_{cij}`.

    Parameters
    ----------
    in_shape : (int, int, int)
        Of the features: n_channels, height, width.
    n_neurons : int
    sd : float
        Standard deviation of the initial weights, drawn with torch's generator.

    Raises
    ------
    InputError
        If a size is not positive.

    Examples
    --------
    >>> FullLinear((6, 12, 16), 50)(torch.zeros(3, 6, 12, 16)).shape
    torch.Size([3, 50])
    """

    def __init__(self, in_shape: Shape, n_neurons: int, *, sd: float = 0.01) -> None:
        super().__init__(in_shape, n_neurons)
        self.weight = nn.Parameter(sd * torch.randn(n_neurons, *in_shape))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Responses before the output nonlinearity."""
        return functional.linear(features.flatten(1), self.weight.flatten(1), self.bias)

    def weights(self) -> list[torch.Tensor]:
        """Weights for penalties: shape (n_neurons, n_channels, height, width)."""
        return [self.weight]

    def spatial_weights(self) -> list[torch.Tensor]:
        """The same."""
        return [self.weight]

    def maps(self) -> npt.NDArray[np.float32]:
        """Weight of each pixel for each neuron, shape (n_neurons, height, width): norm over channels."""
        return self.weight.detach().norm(dim=1).cpu().numpy()


class Factorised(Readout):
    r"""A spatial mask and a weight for every channel: :math:`b_n + \sum_{ij} m_{nij} \sum_c w_{nc} x_{cij}`.

    Parameters
    ----------
    in_shape : (int, int, int)
        Of the features: n_channels, height, width.
    n_neurons : int

    Raises
    ------
    InputError
        If a size is not positive.

    References
    ----------
    Klindt, Ecker, Euler & Bethge, "Neural system identification for large populations separating 'what' and 'where'",
    NeurIPS 2017, equation 3. Here masks and weights may be negative, and are not penalised by default.

    Examples
    --------
    >>> readout = Factorised((6, 12, 16), 50)
    >>> readout(torch.zeros(3, 6, 12, 16)).shape, [tuple(weight.shape) for weight in readout.weights()]
    (torch.Size([3, 50]), [(50, 12, 16), (50, 6)])
    """

    def __init__(self, in_shape: Shape, n_neurons: int) -> None:
        super().__init__(in_shape, n_neurons)
        n_channels, height, width = in_shape
        # A uniform mask and small weights of either sign: with both near zero, neither would have a gradient.
        self.mask = nn.Parameter((1 + 0.1 * torch.randn(n_neurons, height, width)) / (height * width) ** 0.5)
        self.features = nn.Parameter(0.1 * torch.randn(n_neurons, n_channels) / n_channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Responses before the output nonlinearity."""
        seen = features.flatten(2) @ self.mask.flatten(1).T  # (n, n_channels, n_neurons)
        return torch.einsum("bcn,nc->bn", seen, self.features) + self.bias

    def look_for(self, features: torch.Tensor, responses: torch.Tensor) -> None:
        """Initialise each mask with the share of the neuron's responses that each pixel's channels explain.

        Parameters
        ----------
        features : Tensor, shape (n, n_channels, height, width)
        responses : Tensor, shape (n, n_neurons)
        """
        with torch.no_grad():
            masks = self.mask.flatten(1)
            for start, explained in _explained(features, responses):
                masks[:, start : start + len(explained)] = explained.T
            masks -= masks.median(dim=1, keepdim=True).values
            masks.clamp_(min=0)
            masks /= masks.norm(dim=1, keepdim=True).clamp(min=1e-6)

    def weights(self) -> list[torch.Tensor]:
        """Weights for penalties: masks (n_neurons, height, width), and weights (n_neurons, n_channels)."""
        return [self.mask, self.features]

    def spatial_weights(self) -> list[torch.Tensor]:
        """The masks."""
        return [self.mask]

    def maps(self) -> npt.NDArray[np.float32]:
        """Weight of each pixel for each neuron, shape (n_neurons, height, width): mask times norm of weights."""
        size = self.features.detach().norm(dim=1)
        return (self.mask.detach().abs() * size[:, None, None]).cpu().numpy()


class GaussianPoint(Readout):
    r"""One location in the image, and a weight for every channel: :math:`b_n + \sum_c w_{nc} x_c(\mu_n)`.

    During training, every neuron reads each image at a location drawn from its Gaussian, with learned mean
    :math:`\mu_n` and covariance :math:`L_n L_n^T`; otherwise at the mean. Between pixels, features are interpolated
    bilinearly; beyond the image's edge, the nearest pixel is used. The draws extend the gradient beyond a single pixel,
    and the Gaussian narrows as the location becomes certain. They rarely reach from the middle of the image to a
    neuron's receptive field, so :meth:`look_for` finds a starting location.

    Parameters
    ----------
    in_shape : (int, int, int)
        Of the features: n_channels, height, width.
    n_neurons : int
    initial_sd : float
        Initial standard deviation of the Gaussians along both axes; 1 is half the image.

    Attributes
    ----------
    generator : torch.Generator, optional
        Draws the locations in training mode; without one, the means are used there too. :func:`normenc.encoding.fit`
        provides one from its seed.

    Raises
    ------
    InputError
        If a size is not positive, or the standard deviation is negative.

    References
    ----------
    Lurz et al., "Generalization in data-driven models of primary visual cortex", ICLR 2021, section 3.

    Examples
    --------
    >>> readout = GaussianPoint((6, 12, 16), 50)
    >>> readout(torch.zeros(3, 6, 12, 16)).shape, readout.positions()[0]
    (torch.Size([3, 50]), array([5.5, 7.5]))
    """

    def __init__(self, in_shape: Shape, n_neurons: int, *, initial_sd: float = 0.1) -> None:
        super().__init__(in_shape, n_neurons)
        if not 0 <= initial_sd < float("inf"):
            raise InputError(f"initial_sd is {initial_sd}; it must be a number of at least 0")
        # Locations are (x, y), from -1, the centre of the first pixel, to 1, that of the last.
        self.mean = nn.Parameter(torch.zeros(n_neurons, 2))
        self.factor = nn.Parameter(initial_sd * torch.eye(2).repeat(n_neurons, 1, 1))
        self.features = nn.Parameter(0.1 * torch.randn(n_neurons, in_shape[0]) / in_shape[0])
        self.generator: torch.Generator | None = None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Responses before the output nonlinearity."""
        locations = self.mean.clamp(-1, 1).expand(len(features), -1, -1)
        if self.training and self.generator is not None:
            drawn = torch.randn(locations.shape, generator=self.generator, device=locations.device)
            locations = locations + torch.einsum("nij,bnj->bni", self.factor.tril(), drawn)
        seen = functional.grid_sample(features, locations[:, :, None], align_corners=True, padding_mode="border")
        return torch.einsum("bcn,nc->bn", seen[..., 0], self.features) + self.bias

    def look_for(self, features: torch.Tensor, responses: torch.Tensor) -> None:
        """Move each neuron's mean to the pixel whose channels predict its responses best, by ridge regression.

        Parameters
        ----------
        features : Tensor, shape (n, n_channels, height, width)
        responses : Tensor, shape (n, n_neurons)
        """
        score, best = responses.new_full((self.n_neurons,), -1), responses.new_zeros(self.n_neurons, dtype=torch.long)
        for start, explained in _explained(features, responses):
            highest, at = explained.max(dim=0)
            best = torch.where(highest > score, start + at, best)
            score = torch.maximum(highest, score)
        height, width = self.in_shape[1:]
        place = torch.stack((best % width / max(width - 1, 1), best // width / max(height - 1, 1)), dim=1)
        with torch.no_grad():
            self.mean.copy_(2 * place - 1)

    def constrain(self) -> None:
        """Move means that left the image back to just inside its edge: on the edge they would have no gradient."""
        with torch.no_grad():
            self.mean.clamp_(-INSIDE, INSIDE)

    def weights(self) -> list[torch.Tensor]:
        """Weights for penalties: shape (n_neurons, n_channels)."""
        return [self.features]

    def positions(self) -> npt.NDArray[np.float64]:
        """Location of each neuron, shape (n_neurons, 2): row and column in pixels, 0 is the first pixel's centre."""
        mean = self.mean.detach().clamp(-1, 1).cpu().double().numpy()[:, ::-1]
        return (mean + 1) / 2 * (np.array(self.in_shape[1:]) - 1)

    def covariances(self) -> npt.NDArray[np.float64]:
        """Covariance of each neuron's Gaussian, shape (n_neurons, 2, 2): rows and columns, in squared pixels."""
        factor = self.factor.detach().tril().cpu().double().numpy()
        covariance = (factor @ factor.transpose(0, 2, 1))[:, ::-1, ::-1]
        scale = (np.array(self.in_shape[1:]) - 1) / 2
        return covariance * np.outer(scale, scale)


def _explained(features: torch.Tensor, responses: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """Share of each neuron's sum of squares that ridge regression on the channels explains, pixel by pixel.

    Yields the first pixel of a block, counted along rows, and the shares, shape (n_pixels, n_neurons).
    """
    (n, n_channels, height, width), n_neurons = features.shape, responses.shape[1]
    there = features.detach().reshape(n, n_channels, -1).permute(2, 0, 1)
    wanted = responses - responses.mean(dim=0)
    total = wanted.square().sum(dim=0).clamp(min=1e-12)
    together = max(1, LOOKED_AT_ONCE // (n_channels * n_neurons))
    for start in range(0, height * width, together):
        block = there[start : start + together]
        block = block - block.mean(dim=1, keepdim=True)
        gram = block.transpose(1, 2) @ block
        ridge = RIDGE * gram.diagonal(dim1=1, dim2=2).mean(dim=1).clamp(min=1e-6)
        factor = torch.linalg.cholesky(gram + ridge[:, None, None] * torch.eye(n_channels, device=gram.device))
        half = torch.linalg.solve_triangular(factor, block.transpose(1, 2) @ wanted, upper=False)
        yield start, half.square().sum(dim=1) / total
