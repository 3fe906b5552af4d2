"""A recurrent convolutional network, unrolled in time, every step a layer."""

from typing import Annotated, Literal, get_args

import torch
from pydantic import Field
from torch import nn

from normenc.errors import InputError
from normenc.keys import Size, Units, named
from normenc.networks.base import IMAGE_SIZE, NETWORKS, ConvPool, Initial, check_choice

__all__ = ["RecurrentConv"]

Cell = Literal["plain", "gated"]
MAX_STEPS = 20


@named(NETWORKS, "RecurrentConv")
class RecurrentConv(ConvPool):
    r"""Recurrent: ``conv``, relu, ``pool``, a recurrent convolution of several steps; ``fc``, ``fc_relu``, ``out``.

    The image x, after ``pool``, stays during all steps; the weights of the 3 x 3 filters are the same at each. With
    :math:`*` for convolution and :math:`h_0 = 0`, step t gives

    .. math:: h_t = \mathrm{relu}(W_x * x + W_h * h_{t-1} + b)

    or, gated, with :math:`g_t = \sigma(U_x * x + U_h * h_{t-1} + c)`,

    .. math:: h_t = (1 - g_t)\, h_{t-1} + g_t\, \mathrm{relu}(W_x * x + W_h * h_{t-1} + b)

    The states of ``step1``, ``step2``, ... are layers; the last is the input of ``fc``. A plain ``step1`` is
    feedforward.

    Parameters
    ----------
    image_size, n_hidden, n_outputs, output
        See :class:`Network`.
    n_steps : int
        1 to 20.
    n_channels : int
        Of ``conv`` and of each step.
    filter_size, pool_size, initial
        Of ``conv`` and ``pool``, see :class:`ConvPoolFC`.
    cell : str
        ``"plain"`` or ``"gated"``.

    Raises
    ------
    InputError
        If a size is not positive, the filter size is even, a choice is unknown, or the image is smaller than a pooled
        window.

    References
    ----------
    Plain, with bottom-up and lateral connections: Spoerer, McClure & Kriegeskorte, "Recurrent convolutional neural
    networks: a better model of biological object recognition", Frontiers in Psychology 2017. Recurrent convolution and
    gates in models of vision: Nayebi et al., "Task-driven convolutional recurrent models of the visual system",
    NeurIPS 2018. The gate here is that of Ravanelli et al., "Light gated recurrent units for speech recognition", IEEE
    Transactions on Emerging Topics in Computational Intelligence 2018.

    Examples
    --------
    >>> RecurrentConv().layers()
    ('conv', 'pool', 'step1', 'step2', 'step3', 'step4', 'fc', 'fc_relu')
    """

    def __init__(
        self,
        image_size: tuple[int, int] = IMAGE_SIZE,
        *,
        n_hidden: Units = 10,
        n_steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 4,
        n_channels: Size = 16,
        filter_size: Size = 7,
        pool_size: Size = 4,
        n_outputs: int = 1,
        output: str = "probability",
        initial: Initial = "study",
        cell: Cell = "plain",
    ) -> None:
        super().__init__(image_size, n_hidden=n_hidden, n_outputs=n_outputs, output=output)
        if not 1 <= n_steps <= MAX_STEPS:
            raise InputError(f"n_steps is {n_steps}; it must be between 1 and {MAX_STEPS}")
        check_choice("cell", cell, get_args(Cell))
        self.n_steps, self.cell = n_steps, cell
        height, width = self._add_conv_pool(n_channels, filter_size, pool_size, initial)
        n_maps = n_channels if cell == "plain" else 2 * n_channels  # of the state, then of the gate
        self.bottom_up = nn.Conv2d(n_channels, n_maps, 3, padding=1)
        self.lateral = nn.Conv2d(n_channels, n_maps, 3, padding=1, bias=False)
        for step in range(n_steps):
            self.add_module(f"step{step + 1}", nn.Identity())
        self._add_answer(n_channels * height * width)

    def layers(self) -> tuple[str, ...]:
        """Names of the layers with a pattern of responses, from first to last, without the output."""
        return tuple(name for name in super().layers() if name not in ("bottom_up", "lateral"))

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        driven = self.bottom_up(self._pooled(images))
        state = self.get_submodule("step1")(self._next(driven, None))
        for step in range(1, self.n_steps):
            state = self.get_submodule(f"step{step + 1}")(self._next(driven + self.lateral(state), state))
        return state

    def _next(self, total: torch.Tensor, state: torch.Tensor | None) -> torch.Tensor:
        if self.cell == "plain":
            return torch.relu(total)
        proposed, gate = total.chunk(2, dim=1)
        gate, proposed = torch.sigmoid(gate), torch.relu(proposed)
        return gate * proposed if state is None else state + gate * (proposed - state)
