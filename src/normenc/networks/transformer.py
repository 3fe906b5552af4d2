"""A small vision transformer."""

from contextlib import nullcontext
from typing import Annotated, Literal, get_args

import torch
from pydantic import Field
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from normenc.errors import InputError
from normenc.keys import Size, Units, named
from normenc.networks.base import IMAGE_SIZE, NETWORKS, Initial, Network, check_choice, filters_of

__all__ = ["VisionTransformer"]

Tokens = Literal["mean", "class"]
MAX_BLOCKS = 24
FEW = 256  # tokens up to which attention is computed in the plain way, as fast, and for many networks at once
SPREAD = 0.02  # standard deviation of initial positions and of the class token, as in the reference


@named(NETWORKS, "VisionTransformer")
class VisionTransformer(Network):
    """A vision transformer: ``patches``, ``block1``, ``block2``, ..., ``norm``, then ``fc``, ``fc_relu``, ``out``.

    ``patches`` turns each patch of the image into a token. Blocks are of attention and a hidden layer of twice the
    width, both normalised at their start, without dropout. A layer's units are those of all tokens. What is left at the
    right and bottom beyond whole patches is not seen.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.
    n_blocks : int
        1 to 24.
    width : int
        Units of a token.
    n_heads : int
        Of attention; they divide the width evenly.
    patch_size : int
        Height and width in pixels, at least 3. An image must have at least two patches.
    tokens : str
        Input of ``fc``: ``"mean"`` over patches, or ``"class"``, a token of its own, which is then the first of each
        layer after ``patches``.
    initial : str
        Filters of ``patches``, see :class:`ConvFC`. Those of ``"study"`` and ``"gabor"`` have an odd size: in patches
        of an even one, they leave out the last row and column.

    Raises
    ------
    InputError
        If a size is not positive, heads do not divide the width, a choice is unknown, or the image has fewer than two
        patches.

    References
    ----------
    Dosovitskiy et al., "An image is worth 16x16 words: transformers for image recognition at scale", ICLR 2021.

    Examples
    --------
    >>> VisionTransformer(n_blocks=2).layers()
    ('patches', 'block1', 'block2', 'norm', 'fc', 'fc_relu')
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_blocks: Annotated[int, Field(ge=1, le=MAX_BLOCKS)] = 3,
        width: Size = 32,
        n_heads: Size = 4,
        patch_size: Annotated[int, Field(ge=3, le=10_000)] = 8,
        tokens: Tokens = "mean",
        n_outputs: int = 1,
        output: str = "probability",
        initial: Initial = "random",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        if not 1 <= n_blocks <= MAX_BLOCKS:
            raise InputError(f"n_blocks is {n_blocks}; it must be between 1 and {MAX_BLOCKS}")
        if n_heads < 1 or width < 1 or width % n_heads:
            raise InputError(
                f"width is {width} and n_heads is {n_heads}; heads share the width evenly, so give a multiple of "
                "n_heads as width"
            )
        check_choice("tokens", tokens, get_args(Tokens))
        self.n_blocks, self.tokens = n_blocks, tokens
        n_patches = _n_patches(self.image_size, patch_size)
        self.patches = _Patches(patch_size, width, initial)
        self.positions = nn.Parameter(SPREAD * torch.randn(1, n_patches + (tokens == "class"), width))
        if tokens == "class":
            self.class_token = nn.Parameter(SPREAD * torch.randn(1, 1, width))
        for index in range(n_blocks):
            block = nn.TransformerEncoderLayer(
                width, n_heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.add_module(f"block{index + 1}", block)
        self.norm = nn.LayerNorm(width)
        self._add_answer(width)

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(images)
        if self.tokens == "class":
            tokens = torch.cat([self.class_token.expand(len(tokens), -1, -1), tokens], dim=1)
        tokens = tokens + self.positions
        few = self.positions.shape[1] <= FEW
        with sdpa_kernel(SDPBackend.MATH) if few else nullcontext():
            for index in range(self.n_blocks):
                tokens = self.get_submodule(f"block{index + 1}")(tokens)
        tokens = self.norm(tokens)
        return tokens[:, 0] if self.tokens == "class" else tokens.mean(dim=1)


class _Patches(nn.Module):
    """Images as tokens, shape (n, n_patches, width), row by row."""

    def __init__(self, patch_size: int, width: int, initial: Initial) -> None:
        super().__init__()
        size = patch_size - 1 + patch_size % 2
        filters = filters_of(initial, width, size)
        self.conv = nn.Conv2d(1, width, patch_size, stride=patch_size)
        if filters is not None:
            with torch.no_grad():
                self.conv.weight.zero_()[:, :, :size, :size] = filters
                self.conv.bias.zero_()  # type: ignore[union-attr]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.conv(images).flatten(2).transpose(1, 2)


def _n_patches(image_size: tuple[int, int], patch_size: int) -> int:
    """How many whole patches an image has; raises InputError if fewer than two."""
    if patch_size < 3:
        raise InputError(f"patch_size is {patch_size}; it must be at least 3 pixels")
    n_patches = (image_size[0] // patch_size) * (image_size[1] // patch_size)
    if n_patches < 2:
        raise InputError(
            f"patch_size is {patch_size} but images are {image_size[0]} x {image_size[1]} pixels; attention is between "
            "patches, so give a patch_size of which at least two fit, or larger images"
        )
    return n_patches
