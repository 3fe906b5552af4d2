r"""Images changed by gradient until candidates differ more: controversial stimuli, after Golan et al. (2020).

The gradient is that of :func:`normenc.rsa.design.confusion`, through the layers of the networks. After every step
images are made natural again: each has the amplitude spectrum that it started with, and with it its mean and contrast,
so that phases alone are free, and values from 0 to 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from normenc.optimizers import uncompiled
from normenc.rsa.discriminability import leads
from normenc.rsa.unequal_neurons import NeuronShares
from normenc.study.differentiable import Responses

__all__ = ["Synthesis", "natural_again", "synthesise"]

Bytes = npt.NDArray[np.uint8]
STEPS, CHECKED = 40, 10  # of the gradient; after how many the images are tried
RATE = 0.02  # of a step, in the range of pixels
ROUNDS = 5  # of projections


@dataclass(frozen=True)
class Synthesis:
    """Images made by :func:`synthesise`, and the logarithm of confusions expected before and after."""

    images: Bytes
    before: float
    after: float


def natural_again(images: torch.Tensor, amplitudes: torch.Tensor) -> torch.Tensor:
    """Images with given amplitude spectra and values from 0 to 1, to which a few rounds of projections come close.

    Parameters
    ----------
    images : Tensor, shape (n, height, width) or (n, 3, height, width)
    amplitudes : Tensor, of the same shape
        Of the Fourier transform over height and width.

    Examples
    --------
    >>> start = torch.rand(1, 8, 8, dtype=torch.float64) * 0.4 + 0.3
    >>> amplitudes = torch.fft.fft2(start).abs()
    >>> same = natural_again(start, amplitudes)
    >>> bool(torch.allclose(same, start))
    True
    """
    for _ in range(ROUNDS):
        spectrum = torch.fft.fft2(images)
        images = torch.fft.ifft2(amplitudes * torch.exp(1j * spectrum.angle())).real.clamp(0, 1)
    return images


def synthesise(
    images: Bytes,
    responses: Mapping[str, Responses],
    spreads: Mapping[str, float],
    confusion_of: Callable[[Bytes], float],
    *,
    noise: Mapping[str, float],
    neurons: Sequence[NeuronShares],
    shares: npt.NDArray[np.float64],
    step: Callable[[], None],
) -> Synthesis:
    """Change images along the gradient, and keep the best of those tried.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width) or (n, height, width, 3)
    responses : mapping of str to callable
        Of the candidates that can be differentiated, see :func:`normenc.study.differentiable.differentiable`.
    spreads : mapping of str to float
        The standard deviation of a pattern that counts as a strength of 1.
    confusion_of : callable
        The logarithm of expected confusions with images of 8 bits, of all candidates.
    noise : mapping of str to float
        Of the averages over trials, in standard deviations of the signal.
    neurons : sequence of NeuronShares
        That represent each candidate.
    shares : ndarray, shape (n_candidates, n_candidates)
        Of mixtures, see :func:`normenc.rsa.design.mixing`.
    step : callable
        Called after each step.
    """
    start = _floats(images)
    amplitudes = torch.fft.fft2(start).abs()
    now = start.clone().requires_grad_()
    optimiser = uncompiled(torch.optim.Adam)([now], lr=RATE)
    best, before = images, confusion_of(images)
    after = before
    for place in range(1, STEPS + 1):
        optimiser.zero_grad()
        loss = _confusion(now, responses, spreads, noise, neurons, torch.from_numpy(shares))
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            now.copy_(natural_again(now, amplitudes))
        if place % CHECKED == 0:
            tried = _bytes(now)
            if (found := confusion_of(tried)) < after:
                best, after = tried, found
        step()
    return Synthesis(best, before, after)


def _confusion(
    images: torch.Tensor,
    responses: Mapping[str, Responses],
    spreads: Mapping[str, float],
    noise: Mapping[str, float],
    neurons: Sequence[NeuronShares],
    shares: torch.Tensor,
) -> torch.Tensor:
    """See :func:`normenc.rsa.design.confusion`, which this is in torch."""
    rdms, reliability = [], []
    for name, respond in responses.items():
        patterns = respond(images.float()).double()
        patterns = patterns - patterns.mean(1, keepdim=True)
        length = patterns.norm(dim=1) + 1e-12
        strength = (length / patterns.shape[1] ** 0.5 / spreads[name]).clamp(1e-6, 1.0)
        reliability.append(strength / (strength**2 + noise[name] ** 2).sqrt())
        directions = patterns / length[:, None]
        rdms.append((1 - directions @ directions.T) * (1 - torch.eye(len(images), dtype=torch.float64)))
    lead, spread = leads(torch.stack(rdms), torch.stack(reliability), neurons)
    apart = ~torch.eye(len(rdms), dtype=torch.bool)
    mixed = shares * lead - (1 - shares) * lead.T
    both = torch.cat([own[apart] / spread[apart] for own in (lead, mixed)])
    return torch.logsumexp(torch.special.log_ndtr(-both), 0)


def _floats(images: Bytes) -> torch.Tensor:
    values = torch.from_numpy(images.astype(np.float64) / 255)
    return values.movedim(3, 1).contiguous() if values.ndim == 4 else values


def _bytes(images: torch.Tensor) -> Bytes:
    values = (images.detach() * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray((values.movedim(1, 3) if values.ndim == 4 else values).numpy())
