"""Convolution, relu and max pooling with a gradient that visits only the pooled maxima."""

from typing import Any

import torch
from torch.nn import functional

__all__ = ["conv_relu_max_pool"]


def conv_relu_max_pool(
    images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, pool_size: int
) -> torch.Tensor:
    """``max_pool2d(relu(conv2d(images)))`` for grey images, several times faster to train.

    Relu rises, so that it commutes with the maximum, and only the pixels below a filter at its window's maximum reach
    the loss: one position in ``pool_size ** 2``. Gradients are those of the plain operations; images get none.

    Parameters
    ----------
    images : Tensor, shape (n, 1, height, width)
    weight : Tensor, shape (n_channels, 1, filter_size, filter_size)
        Of odd size; images are padded with zeros so that they keep theirs.
    bias : Tensor, shape (n_channels,)
    pool_size : int
        Pixels.

    Returns
    -------
    Tensor, shape (n, n_channels, height // pool_size, width // pool_size)

    Examples
    --------
    >>> conv_relu_max_pool(torch.ones(2, 1, 4, 4), torch.ones(3, 1, 3, 3), torch.zeros(3), 2).shape
    torch.Size([2, 3, 2, 2])
    """
    return _ConvReluMaxPool.apply(images, weight, bias, pool_size)


class _ConvReluMaxPool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, pool_size: int
    ) -> torch.Tensor:
        convolved = functional.conv2d(images, weight, bias, padding=weight.shape[-1] // 2)
        pooled, maxima = functional.max_pool2d(convolved, pool_size, return_indices=True)
        pooled = pooled.relu_()
        ctx.save_for_backward(images, maxima, pooled)
        ctx.weight_shape = weight.shape
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images, maxima, pooled = ctx.saved_tensors
        n_channels, _, filter_size, _ = ctx.weight_shape
        gradient = torch.where(pooled > 0, gradients[0], 0).flatten(2)
        padded = functional.pad(images, (filter_size // 2,) * 4)[:, 0]
        width, padded_width = images.shape[-1], padded.shape[-1]
        steps = torch.arange(filter_size, device=images.device)
        pixels_of_filter = (steps[:, None] * padded_width + steps).flatten()
        corners = (maxima // width * padded_width + maxima % width).flatten(1)
        pixels = (corners[:, :, None] + pixels_of_filter).flatten(1)
        patches = padded.flatten(1).gather(1, pixels).view(len(images), n_channels, -1, filter_size**2)
        weight_gradient = torch.einsum("ncp,ncpk->ck", gradient, patches).view(ctx.weight_shape)
        bias_gradient = gradient.sum(dim=(0, 2)) if ctx.needs_input_grad[2] else None
        return None, weight_gradient, bias_gradient, None
