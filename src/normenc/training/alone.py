"""One network, in the form that the loop trains."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from normenc.tasks import Task
from normenc.training.attributes import attributes, first_difference
from normenc.training.kept import values_of
from normenc.training.seeding import copied
from normenc.training.steps import answer, whole_precision

__all__ = ["Alone"]


class Alone:
    """One network, as the loop trains it."""

    stacked = False

    def __init__(self, model: nn.Module, seed: int, *, compiled: bool = False) -> None:
        self.seeds = [seed]
        self.untrained = [copied(model).eval()]
        self.model = model.train()
        self.run: Callable[[torch.Tensor], torch.Tensor] = torch.compile(model) if compiled else model
        self.parameters = dict[str, torch.Tensor](model.named_parameters())

    def losses(
        self, task: Task, images: torch.Tensor, targets: Sequence[torch.Tensor], active: Sequence[bool]
    ) -> torch.Tensor:
        """The loss, shape (1,), NaN if the outputs are not finite."""
        outputs = answer(self.run, task, images).float()
        if not torch.isfinite(outputs).all():
            return outputs.new_full((1,), float("nan"))  # a loss may raise its own error for such outputs
        with whole_precision(outputs):
            return task.loss(outputs, targets[0]).reshape(1)

    def copies(self) -> list[nn.Module]:
        """The network as it is now, in evaluation mode."""
        return [copied(self.model).eval()]

    def values(self) -> dict[str, torch.Tensor]:
        """The current parameters and buffers, by name."""
        return values_of(self.model)

    @property
    def is_restorable(self) -> bool:
        """Whether parameters and buffers are all that changed: not a count or a generator among the attributes."""
        return first_difference(attributes(self.untrained[0]), attributes(self.model)) is None
