"""Train one network."""

from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import torch
from torch import nn

from normenc.tasks import Task
from normenc.training.ahead import check_drawing
from normenc.training.alone import Alone
from normenc.training.drawn import Data, Epochs, validation_set
from normenc.training.kept import Kept
from normenc.training.log import TrainingResult
from normenc.training.loop import fit
from normenc.training.rates import learning_rate_of
from normenc.training.recipe import Recipe, RecipeChanges
from normenc.training.results import result_of
from normenc.training.seeding import check_seed, resolve_device, seeded_network
from normenc.training.steps import Progress, check_batches, check_fits, check_smoothing, reporter

__all__ = ["train"]


def train(
    network: nn.Module | Callable[[], nn.Module],
    task: Task,
    *,
    seed: int,
    data_seed: int | None = None,
    recipe: Recipe | None = None,
    device: str | torch.device = "auto",
    drawing_processes: int = 0,
    progress: bool | Progress = True,
    resume: str | Path | None = None,
    **changes: Unpack[RecipeChanges],
) -> TrainingResult:
    """Train a network on a task: by default by stochastic gradient descent with momentum, as the reference study.

    Every epoch visits the training set once, in a new order, cut into batches; with ``n_train="fresh"`` every epoch has
    new stimuli. See :mod:`normenc.training` for the order of random numbers.

    Parameters
    ----------
    network : Module, or a class or function without arguments that builds one
        If the network is built here, its initial weights are drawn from the seed, too, as in the reference study. A
        module is copied, and not changed.
    task : Task
        For example :class:`normenc.tasks.TiltDiscrimination`.
    seed : int
        0 to 2**32 - 1.
    data_seed : int, optional
        Seed of the training set, its order and the held-out set; `seed` by default.
    recipe : Recipe, optional
        Optimizer, learning rate, epochs and so on: :class:`normenc.training.Recipe`; those of the reference study by
        default.
    device : str or torch.device
        ``"auto"`` (a GPU if available), ``"cpu"``, ``"cuda"``.
    drawing_processes : int
        Processes that draw fresh stimuli while the network trains; by default a thread of this one does, with the same
        result. They pay where an epoch takes longer to draw than to train, as photographs on a GPU: each takes seconds
        to start, and holds a copy of the task and the stimuli of an epoch. A script that asks for them must guard its
        main part by ``if __name__ == "__main__":``, because they import it.
    progress : bool or callable
        True draws a bar with the loss on a terminal; a callable is called as (step, n_steps, loss) after every batch.
    resume : str or Path, optional
        A file, its name ending with ``.training``, in which the state of training is kept between epochs, at most twice
        a minute. If training is killed, the same call goes on from there, with the same result. It is removed at the
        end. Networks that change more than their parameters and buffers start from the beginning.
    **changes
        Fields of :class:`Recipe`, instead of `recipe` or to change some of it.

    Returns
    -------
    TrainingResult
        With ``network``, ``untrained``, ``log`` and ``checkpoints``; networks stay on the device, in evaluation mode.

    Raises
    ------
    InputError
        Before training: if a setting is impossible, or not for this task or device; the task cannot be handed to
        other processes, or this one may not start any; the network does not fit the task's images or outputs; it cannot
        be trained on the last batch of an epoch (batch normalisation of a single image); or a constant output beats the
        task's chance level. During training: if the loss becomes NaN or infinite, or a process that draws ends early,
        as for lack of memory.

    References
    ----------
    Neuromatch Academy, Computational Neuroscience, W1D5 (formerly W3D4) tutorial 3.

    Examples
    --------
    >>> from normenc import networks, tasks
    >>> result = train(networks.FC, tasks.TiltDiscrimination(n_train=100), seed=1, n_epochs=2, progress=False)
    >>> result.log.loss.shape
    (2,)
    >>> fresh = tasks.TiltDiscrimination(n_train="fresh", n_per_epoch=100)
    >>> options = {"optimizer": "adamw", "schedule": "one-cycle", "n_epochs": 3, "progress": False}
    >>> train(networks.FC, fresh, seed=1, **options).log.loss.shape
    (3,)
    """
    seed = check_seed(seed)
    data_seed = seed if data_seed is None else check_seed(data_seed, "data_seed")
    recipe, target_device = Recipe.of(recipe, changes), resolve_device(device)
    recipe.check_device(target_device)
    drawing_processes = check_drawing(task, drawing_processes)
    data = Data.of(task, data_seed, target_device)
    few = data.images[:2].cpu().flatten(0, 1) if task.n_views > 1 else data.images[:2].cpu()
    model, generator = seeded_network(network, seed, few.clone())
    if data_seed != seed:
        generator = seeded_network(network, data_seed, few.clone())[1]
    model.to(target_device)
    check_fits(model, seed, task, data.images)
    check_batches(model, seed, task, data, recipe.batch_size)
    check_smoothing(task, data, recipe)
    validation = [] if recipe.patience is None else [validation_set(task, data_seed, data)]
    rate = learning_rate_of(model, seed, task, data, recipe)
    members = Alone(model, seed, compiled=recipe.compile)
    fresh = task.n_train == "fresh"
    epochs = Epochs(
        task, [data_seed], [data], [generator], recipe.batch_size, fresh=fresh, n_processes=drawing_processes
    )
    kept = None
    if resume is not None:
        settings = [recipe, seed, data_seed, task, target_device.type, torch.__version__, rate]
        drawn = [data.images, data.targets, *(part for pair in validation for part in pair)]
        kept = Kept(resume, [*settings, *drawn, *members.values(), *members.values().values()])
    with reporter(progress) as report:
        (course,) = fit(
            members, task, recipe, epochs, learning_rate=rate, validation=validation, report=report, kept=kept
        )
    if kept is not None:
        kept.remove()
    return result_of(course, model.eval(), members.untrained[0], seed, task, data, rate)
