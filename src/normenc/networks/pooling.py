"""Convolution, relu and max pooling with a gradient that visits only the pooled maxima."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.grad import conv2d_weight

__all__ = ["MaxPool2d", "conv_relu_max_pool"]

SMALL_POOL = 8  # below this size there are so many windows that a whole convolution's gradient is faster, on a CPU
MOST_SHIFTS, ENOUGH_FILTERS = 8, 32  # of a convolution on a CPU
IN_CACHE = 2**21  # pixels of maps at a time


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
        if images.device.type == "cpu":
            pooled, maxima = _by_rows(images, weight, bias, pool_size)
        else:
            convolved = functional.conv2d(images, weight, bias, padding=weight.shape[-1] // 2)
            pooled, maxima = functional.max_pool2d(convolved, pool_size, return_indices=True)
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
        gather = _summed_patches if ctx.pool_size >= SMALL_POOL else _convolved
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


class MaxPool2d(nn.MaxPool2d):
    """``torch.nn.MaxPool2d`` of square windows side by side; several times faster where no gradient is asked for."""

    kernel_size: int

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Maxima of the windows; pixels beyond whole windows are left out."""
        if input.requires_grad and torch.is_grad_enabled():
            return super().forward(input)
        size = self.kernel_size
        height, width = (n // size * size for n in input.shape[2:])
        windows = input[..., :height, :width].unflatten(3, (-1, size)).unflatten(2, (-1, size))
        return windows.amax(3).amax(4)


def _by_rows(
    images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, pool_size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled maxima of a convolution and where they are; of equal ones that in the first column.

    Few filters do not fill the vector units of a CPU. So each filter is repeated, shifted down by 0, 1, ... rows, and
    the convolution steps over as many rows at once; the repeats are rows of a window.
    """
    n_channels, _, size, _ = weight.shape
    height, width = (n // pool_size * pool_size for n in images.shape[2:])
    shifts = [n for n in range(2, MOST_SHIFTS + 1) if pool_size % n == 0]
    n_shifts = next((n for n in shifts if n * n_channels >= ENOUGH_FILTERS), max(shifts, default=1))
    shifted = functional.pad(weight, (0, 0, n_shifts - 1, n_shifts - 1)).unfold(2, size + n_shifts - 1, 1).flip(2)
    filters = shifted.permute(2, 0, 1, 4, 3).flatten(0, 1)
    padded = functional.pad(images, (size // 2,) * 4)[..., : height + size - 1, : width + size - 1]
    blocks = []
    for block in padded.split(max(1, IN_CACHE // (n_channels * height * width))):
        maps = functional.conv2d(block, filters, stride=(n_shifts, 1))
        blocks.append(_maxima(maps.unflatten(1, (n_shifts, -1)).unflatten(3, (-1, pool_size // n_shifts))))
    pooled, y, x = (torch.cat(values) for values in zip(*blocks, strict=True))
    return pooled + bias[:, None, None], y * images.shape[3] + x


def _maxima(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Maxima of windows, their rows and their columns, all of shape (n, n_channels, n_rows, n_columns).

    torch finds maxima much faster than their positions. So the maximum of each column of a window comes first, and its
    row is sought in the largest column alone. `maps` have the shape (n, n_shifts, n_channels, n_rows, size // n_shifts,
    width), where `size` is that of the window.
    """
    n_shifts, size = maps.shape[1], maps.shape[1] * maps.shape[4]
    columns = maps.amax(1).amax(3).unflatten(3, (-1, size)).movedim(4, 0).contiguous()
    pooled = columns.amax(0)
    steps = torch.arange(max(*pooled.shape, size))
    n, n_channels, n_rows, n_columns = (steps[:length] for length in pooled.shape)
    x = _first(columns == pooled) + n_columns * size
    of_image, of_shift, of_channel, of_row, of_step, of_column = maps.stride()
    top = (n * of_image)[:, None, None, None] + (n_channels * of_channel)[:, None, None] + (n_rows * of_row)[:, None]
    down = steps[:size] // n_shifts * of_step + steps[:size] % n_shifts * of_shift
    places = down[:, None] + (top + x * of_column).flatten()
    column = maps.flatten().index_select(0, places.flatten()).view(size, *pooled.shape)
    return pooled, _first(column == pooled) + (n_rows * size)[:, None], x


def _first(found: torch.Tensor) -> torch.Tensor:
    """The first true place along the first axis; the last place if none is true, as with NaN."""
    n = len(found)
    from_end = torch.arange(n, 0, -1, dtype=torch.uint8 if n < 256 else torch.int32).view(-1, *[1] * (found.ndim - 1))
    return (n - (found.view(torch.uint8) * from_end).amax(0).int()).clamp_(max=n - 1)


def _summed_patches(images: torch.Tensor, maxima: torch.Tensor, gradient: torch.Tensor, size: int) -> torch.Tensor:
    """Sum over images and windows of each maximum's patch times its gradient, shape (n_channels, size ** 2).

    A patch is `size` rows of `size` pixels; a table of all such rows is small, and its rows are summed in place.
    """
    n, n_channels, _ = maxima.shape
    padded = functional.pad(images, (size // 2,) * 4)[:, 0]
    width, pitch = images.shape[-1], padded.shape[-1]
    table = padded.flatten().unfold(0, size, 1).contiguous()
    steps = torch.arange(max(n, size), device=images.device)
    corners = maxima // width * pitch + maxima % width + (steps[:n] * padded[0].numel())[:, None, None]
    rows = corners.transpose(0, 1).reshape(n_channels, 1, -1) + (steps[:size] * pitch)[:, None]
    weights = gradient.to(table.dtype).transpose(0, 1).reshape(n_channels, 1, -1).expand_as(rows)
    starts = torch.arange(0, rows.numel(), rows.shape[2], device=images.device)
    return functional.embedding_bag(
        rows.flatten(), table, starts, mode="sum", per_sample_weights=weights.flatten()
    ).view(n_channels, size**2)


def _convolved(images: torch.Tensor, maxima: torch.Tensor, gradient: torch.Tensor, size: int) -> torch.Tensor:
    """The same for small windows: the gradient of the whole convolution, which is 0 but at the maxima."""
    n, n_channels, _ = maxima.shape
    everywhere = images.new_zeros(n, n_channels, images[0].numel()).scatter_(2, maxima, gradient)
    weight_shape = n_channels, 1, size, size
    return conv2d_weight(images, weight_shape, everywhere.view(n, n_channels, *images.shape[2:]), padding=size // 2)
