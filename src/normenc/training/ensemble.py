"""Train many seeds of one network together.

Members are stacked and run as one: layers become batched matrix products, and members that see the same batches share
one convolution with the filters of all (``torch.func``). Each member's result is that of training it alone.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import torch
from torch import nn

from normenc.errors import InputError
from normenc.tasks import Task
from normenc.training.ahead import check_drawing
from normenc.training.drawn import Data, Epochs, validation_set
from normenc.training.log import TrainingResult
from normenc.training.loop import fit
from normenc.training.rates import learning_rate_of
from normenc.training.recipe import Recipe, RecipeChanges
from normenc.training.results import result_of
from normenc.training.seeding import OF_RUNNING, check_seed, lent, resolve_device, seeded_network
from normenc.training.steps import Progress, check_batches, check_fits, check_smoothing, reporter
from normenc.training.together import Stack, check_together

__all__ = ["train_ensemble"]


def train_ensemble(
    network: Callable[[], nn.Module],
    task: Task,
    *,
    seeds: Sequence[int] = range(20),
    shared_data: bool = True,
    recipe: Recipe | None = None,
    device: str | torch.device = "auto",
    drawing_processes: int = 0,
    progress: bool | Progress = True,
    **changes: Unpack[RecipeChanges],
) -> dict[int, TrainingResult]:
    """Train a network from several seeds at once.

    Member k equals the result of :func:`train` with ``seed=seeds[k]`` and, for shared data, ``data_seed=seeds[0]``, up
    to rounding.

    Parameters
    ----------
    network : class or function without arguments that builds a Module
        Its layers must not depend on the seed, and everything that differs between members, or changes during training,
        must be a parameter or buffer.
    task : Task
    seeds : sequence of int
        Each once.
    shared_data : bool
        All members see the training set of the first seed, in its order, and differ only in initial weights: the
        fastest way. Otherwise each draws its own set and order, and images need as many times the memory.
    recipe, device, drawing_processes
        See :func:`train`. With ``learning_rate="auto"`` each member has its own, and those with the same one are
        trained together.
    progress : bool or callable
        See :func:`train`; the loss is the mean over members.
    **changes
        Fields of :class:`Recipe`, instead of `recipe` or to change some of it.

    Returns
    -------
    dict of int to TrainingResult
        By seed.

    Raises
    ------
    InputError
        As :func:`train`. Also, before training, if seeds repeat, or if training together would change results: the
        network is built differently for different seeds, draws random numbers as it runs (dropout), branches on the
        values it sees, or has attributes other than parameters and buffers that differ between members or change during
        training (tensors, numbers), or the recipe compiles. Train each member of such a network separately.

    Examples
    --------
    >>> from normenc import networks, tasks
    >>> members = train_ensemble(
    ...     networks.FC, tasks.TiltDiscrimination(n_train=100), seeds=[1, 2], n_epochs=2, progress=False)
    >>> {seed: result.log.loss.shape for seed, result in members.items()}
    {1: (2,), 2: (2,)}
    """
    seeds = _checked(seeds)
    recipe, target_device = Recipe.of(recipe, changes), resolve_device(device)
    recipe.check_device(target_device)
    if recipe.compile:
        raise InputError(
            "compile is for one network, and members of an ensemble are stacked; leave it out, or use train"
        )
    drawing_processes = check_drawing(task, drawing_processes)
    data = [Data.of(task, seed, target_device) for seed in (seeds[:1] if shared_data else seeds)]
    few = data[0].images[:2].cpu().flatten(0, 1) if task.n_views > 1 else data[0].images[:2].cpu()
    built = [seeded_network(network, seed, few.clone()) for seed in seeds]
    models = [model.to(target_device) for model, _ in built]
    check_fits(models[0], seeds[0], task, data[0].images)
    check_batches(models[0], seeds[0], task, data[0], recipe.batch_size)
    check_smoothing(task, data[0], recipe)
    with lent(seeds[0] + OF_RUNNING, target_device):
        check_together(models, seeds, task, data[0])
    whole = _Group(seeds, models, seeds[: len(data)], data, [generator for _, generator in built[: len(data)]])
    groups = list(whole.by_rate(task, recipe))
    results: dict[int, TrainingResult] = {}
    with reporter(progress) as report:
        for number, (rate, group) in enumerate(groups):
            results |= group.trained(task, recipe, rate, _one_of(report, number, len(groups)), drawing_processes)
    return {seed: results[seed] for seed in seeds}


@dataclass
class _Group:
    """Members that are trained together; of data, seeds and generators there is one, or one a member."""

    seeds: list[int]
    models: list[nn.Module]
    data_seeds: list[int]
    data: list[Data]
    generators: list[torch.Generator]

    def by_rate(self, task: Task, recipe: Recipe) -> Iterator[tuple[float, "_Group"]]:
        """Members with the same learning rate."""
        own = self.data if len(self.data) > 1 else self.data * len(self.seeds)
        rates = [
            learning_rate_of(model, seed, task, data, recipe)
            for model, seed, data in zip(self.models, self.seeds, own, strict=True)
        ]
        for rate in dict.fromkeys(rates):
            chosen = [index for index, its in enumerate(rates) if its == rate]
            drawn = chosen if len(self.data) > 1 else [0]
            group = _Group(
                [self.seeds[index] for index in chosen],
                [self.models[index] for index in chosen],
                [self.data_seeds[index] for index in drawn],
                [self.data[index] for index in drawn],
                # Copies, because every group draws the same order.
                [torch.Generator().set_state(self.generators[index].get_state()) for index in drawn],
            )
            yield rate, group

    def trained(
        self, task: Task, recipe: Recipe, rate: float, report: Progress, drawing_processes: int
    ) -> dict[int, TrainingResult]:
        """Their results, by seed."""
        fresh, n = task.n_train == "fresh", len(self.seeds)
        stack = Stack(self.models, self.seeds, shared_images=len(self.data) == 1)
        epochs = Epochs(
            task,
            self.data_seeds,
            self.data,
            self.generators,
            recipe.batch_size,
            fresh=fresh,
            n_processes=drawing_processes,
        )
        data = self.data if len(self.data) > 1 else self.data * n
        validation = []
        if recipe.patience is not None:
            drawn = [validation_set(task, seed, own) for seed, own in zip(self.data_seeds, self.data, strict=True)]
            validation = drawn if len(drawn) > 1 else drawn * n
        courses = fit(stack, task, recipe, epochs, learning_rate=rate, validation=validation, report=report)
        networks = stack.copies()
        return {
            seed: result_of(courses[k], networks[k], stack.untrained[k], seed, task, data[k], rate)
            for k, seed in enumerate(self.seeds)
        }


def _one_of(report: Progress, number: int, n: int) -> Progress:
    """Reports of one group as part of all."""
    return lambda step, n_steps, loss: report(number * n_steps + step, n * n_steps, loss)


def _checked(seeds: Any) -> list[int]:
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise InputError(f"seeds is {seeds!r}; give several whole numbers, such as range(20)")
    numbers = [check_seed(seed) for seed in seeds]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"seeds are {numbers}; give at least one, each only once")
    return numbers
