"""Convolution, relu and max pooling with a gradient that visits only the pooled maxima."""

from typing import Any

import torch
from torch.nn import functional
from torch.nn.grad import conv2d_weight

__all__ = ["conv_relu_max_pool"]

MANY_CHANNELS = 32  # from this size on, products of unfolded patches are faster than a convolution on a CPU
SMALL_POOL = 8  # below this size there are so many windows that a whole convolution's gradient is faster, on a CPU
IMAGES_AT_ONCE = 2  # images at a time, whose patches and products stay in the cache
IMAGES_TO_SUM = 5  # whose patches do


def conv_relu_max_pool(images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, pool_size: int) -> torch.Tensor:
    """``max_pool2d(relu(conv2d(images)))`` for grey images, several times faster to train.

    Relu is monotonic, so it commutes with the maximum, and only the pixels under a filter at its window's maximum
    affect the loss: one position in ``pool_size ** 2``. Gradients equal those of the plain operations; images get none.
    Under ``torch.func.vmap`` over weights, images that all share are convolved with all filters at once.

    Parameters
    ----------
    images : Tensor, shape (n, 1, height, width)
    weight : Tensor, shape (n_channels, 1, filter_size, filter_size)
        Odd size; images are zero-padded to keep their size.
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
    return _ConvReluMaxPool.apply(images, weight, bias, pool_size)[0]


class _ConvReluMaxPool(torch.autograd.Function):
    @staticmethod
    def forward(
        images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, pool_size: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if len(weight) < MANY_CHANNELS or images.device.type != "cpu":
            convolved = functional.conv2d(images, weight, bias, padding=weight.shape[-1] // 2)
            pooled, maxima = functional.max_pool2d(convolved, pool_size, return_indices=True)
        else:
            pooled, maxima = _unfolded(images, weight, bias, pool_size)
        return pooled.relu_(), maxima

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, torch.Tensor]) -> None:
        images, weight, _, pool_size = inputs
        pooled, maxima = output
        ctx.mark_non_differentiable(maxima)
        ctx.save_for_backward(images, maxima, pooled)
        ctx.weight_shape, ctx.pool_size = weight.shape, pool_size

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        images, maxima, pooled = ctx.saved_tensors
        gradient = torch.where(pooled > 0, gradients[0], 0).flatten(2)
        many = ctx.weight_shape[0] >= MANY_CHANNELS and images.device.type == "cpu"
        gather = _summed_patches if many else _gathered_patches if ctx.pool_size >= SMALL_POOL else _convolved
        weight_gradient = gather(images, maxima.flatten(2), gradient, ctx.weight_shape[-1]).view(ctx.weight_shape)
        return None, weight_gradient, gradient.sum(dim=(0, 2)), None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        images: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        pool_size: int,
    ) -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[int, int]]:
        members = [
            value.movedim(dim, 0) if dim is not None else value.expand(info.batch_size, *value.shape)
            for value, dim in zip((images, weight, bias), in_dims[:3], strict=True)
        ]
        if in_dims[0] is None:
            results = _ConvReluMaxPool.apply(images, members[1].flatten(0, 1), members[2].flatten(), pool_size)
            pooled, maxima = (value.unflatten(1, (info.batch_size, -1)) for value in results)
            return (pooled, maxima), (1, 1)
        each = [_ConvReluMaxPool.apply(*member, pool_size) for member in zip(*members, strict=True)]
        pooled, maxima = (torch.stack(values) for values in zip(*each, strict=True))
        return (pooled, maxima), (0, 0)


def _unfolded(
    images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, pool_size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled maxima of a convolution and where they are, a few images at a time."""
    n_channels, _, size, _ = weight.shape
    filters = weight.flatten(1).T
    blocks = []
    for block in functional.pad(images, (size // 2,) * 4)[:, 0].split(IMAGES_AT_ONCE):
        patches = block.unfold(1, size, 1).unfold(2, size, 1).reshape(-1, size * size)
        convolved = torch.addmm(bias, patches, filters).view(len(block), *images.shape[2:], n_channels)
        blocks.append(functional.max_pool2d(convolved.permute(0, 3, 1, 2), pool_size, return_indices=True))
    pooled, maxima = (torch.cat(values) for values in zip(*blocks, strict=True))
    return pooled, maxima


def _gathered_patches(images: torch.Tensor, maxima: torch.Tensor, gradient: torch.Tensor, size: int) -> torch.Tensor:
    """Sum over images and windows of each maximum's patch times its gradient, shape (n_channels, size ** 2)."""
    padded = functional.pad(images, (size // 2,) * 4)[:, 0]
    width, padded_width = images.shape[-1], padded.shape[-1]
    steps = torch.arange(size, device=images.device)
    pixels_of_filter = (steps[:, None] * padded_width + steps).flatten()
    corners = (maxima // width * padded_width + maxima % width).flatten(1)
    pixels = (corners[:, :, None] + pixels_of_filter).flatten(1)
    patches = padded.flatten(1).gather(1, pixels).view(*maxima.shape, size**2)
    return torch.einsum("ncp,ncpk->ck", gradient, patches)


def _convolved(images: torch.Tensor, maxima: torch.Tensor, gradient: torch.Tensor, size: int) -> torch.Tensor:
    """The same for small windows: the gradient of the whole convolution, which is 0 but at the maxima."""
    n, n_channels, _ = maxima.shape
    everywhere = images.new_zeros(n, n_channels, images[0].numel()).scatter_(2, maxima, gradient)
    weight_shape = n_channels, 1, size, size
    return conv2d_weight(images, weight_shape, everywhere.view(n, n_channels, *images.shape[2:]), padding=size // 2)


def _summed_patches(images: torch.Tensor, maxima: torch.Tensor, gradient: torch.Tensor, size: int) -> torch.Tensor:
    """The same for many channels: patches are unfolded once for all, and summed in place."""
    n_channels, n_windows = maxima.shape[1:]
    n_pixels = images.shape[2] * images.shape[3]
    total = images.new_zeros(n_channels, size**2)
    blocks = functional.pad(images, (size // 2,) * 4)[:, 0].split(IMAGES_TO_SUM)
    for block, peaks, weights in zip(blocks, maxima.split(IMAGES_TO_SUM), gradient.split(IMAGES_TO_SUM), strict=True):
        patches = block.unfold(1, size, 1).unfold(2, size, 1).reshape(-1, size**2)
        rows = peaks + n_pixels * torch.arange(len(block))[:, None, None]
        starts = torch.arange(n_channels) * (len(block) * n_windows)
        total += functional.embedding_bag(
            rows.transpose(0, 1).flatten(),
            patches,
            starts,
            mode="sum",
            per_sample_weights=weights.transpose(0, 1).flatten(),
        )
    return total
