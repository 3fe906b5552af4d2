"""From settings to tasks and networks."""

from functools import partial

from torch import nn

from normenc import networks, tasks
from normenc.errors import InputError
from normenc.study.sections import GratingTaskSettings, NetworkSettings, StimulusSettings, TaskSettings

__all__ = ["build_network", "build_task"]

TASKS: dict[str, type[tasks.Task]] = {
    "tilt-discrimination": tasks.TiltDiscrimination,
    "orientation-estimation": tasks.OrientationEstimation,
    "natural-rotation": tasks.NaturalRotation,
    "object-recognition": tasks.ObjectRecognition,
    "denoising": tasks.Denoising,
    "contrastive-invariance": tasks.ContrastiveInvariance,
}


def build_task(settings: TaskSettings, gratings: StimulusSettings) -> tasks.Task:
    """The task of `settings`; its gratings are the study's where the settings leave them out.

    Raises
    ------
    InputError
        When the task refuses its settings.
    """
    options = settings.model_dump(exclude={"name", "label", "training"})
    if isinstance(settings, GratingTaskSettings):
        left_out = {key: value for key, value in gratings.model_dump().items() if options.get(key) is None}
        options |= left_out
    options["resolution"] = gratings.resolution
    options = {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}
    try:
        return TASKS[settings.name](**options)
    except InputError as error:
        raise InputError(f"task {settings.title}: {error}") from None


def build_network(settings: NetworkSettings, image_size: tuple[int, int], task: tasks.Task) -> partial[nn.Module]:
    """What builds the network of `settings` with an answer that fits `task`.

    Raises
    ------
    InputError
        When the network refuses its settings.
    """
    options = settings.model_dump(exclude={"name", "label", "training"})
    build = partial(
        getattr(networks, settings.name), image_size, n_outputs=task.n_outputs, output=task.output, **options
    )
    try:
        build()
    except InputError as error:
        raise InputError(f"network: {error}") from None
    return build
