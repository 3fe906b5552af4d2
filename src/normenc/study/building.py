"""From settings to tasks, networks and controls."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from normenc import stimuli, tasks
from normenc.errors import InputError, shortened
from normenc.representations import represent
from normenc.study.own_code import is_import_path
from normenc.study.parts import ControlSettings, NetworkSettings, PartSettings, TaskSettings
from normenc.study.section_base import GratingSettings, check_label

__all__ = ["build_network", "build_task", "compared_by_default", "control_outputs", "layers_there"]


def build_task(settings: TaskSettings, gratings: GratingSettings) -> tasks.Task:
    """The task of `settings`; its gratings are the study's where the settings leave them out.

    Raises
    ------
    InputError
        If the task refuses its settings, or its images do not have the study's size.
    """
    options, stated = settings.options, gratings.model_dump()
    options |= {key: stated[key] for key in settings.origin.shared if options[key] is None}
    if "resolution" in settings.origin.part.__dataclass_fields__:
        options["resolution"] = gratings.resolution
    with _own_faults(settings, f"task {settings.title}"):
        task: tasks.Task = settings.origin.part(**options)
        size, needed = tuple(task.image_size), stimuli.image_size(gratings.resolution)
        if size != needed:
            raise InputError(
                f"its images have {size[0]} x {size[1]} pixels, but this study's have {needed[0]} x {needed[1]}; give "
                "the task a field resolution, which the study fills in, or change stimuli.resolution"
            )
    return task


def build_network(settings: NetworkSettings, image_size: tuple[int, int], task: tasks.Task) -> partial[nn.Module]:
    """What builds the network of `settings` with an answer that fits `task`.

    Raises
    ------
    InputError
        If the network refuses its settings, or is not a network.
    """
    build = partial(settings.origin.part, image_size, n_outputs=task.n_outputs, output=task.output, **settings.options)
    with _own_faults(settings, "network"):
        network = build()
        if is_import_path(settings.name):
            represent(network, torch.zeros(3, *image_size), _layers_of(network))
    return build


def layers_there(settings: NetworkSettings, gratings: GratingSettings) -> tuple[str, ...]:
    """The layers of a network that can be compared, from first to last.

    Raises
    ------
    InputError
        If the network refuses its settings, or is not a network.
    """
    with _own_faults(settings, "network"), torch.random.fork_rng(devices=[]):
        size = stimuli.image_size(gratings.resolution)
        return _layers_of(settings.origin.part(size, n_outputs=1, output="linear", **settings.options))


def compared_by_default(layers: tuple[str, ...]) -> tuple[str, ...]:
    """``fc`` and the last layer before it; all layers of a network that has no ``fc``.

    Examples
    --------
    >>> compared_by_default(("conv", "pool", "fc", "fc_relu"))
    ('pool', 'fc')
    """
    if "fc" not in layers:
        return layers
    place = layers.index("fc")
    return layers[max(place - 1, 0) : place + 1]


def control_outputs(
    settings: ControlSettings, shown: Any, read: Callable[..., Mapping[str, Any]] = represent
) -> dict[str, Any]:
    """The layers of the control of `settings`, of images or orientations, as :func:`represent` or another reads them.

    Raises
    ------
    InputError
        If the control fails, returns anything but its layers, or is random; the message names it.
    """
    with _own_faults(settings, f"control {settings.title}"):
        outputs = read(partial(settings.origin.part, **settings.options), shown)
        return {check_label(layer): values for layer, values in outputs.items()}


def _layers_of(network: Any) -> tuple[str, ...]:
    method = getattr(network, "layers", None)
    if not isinstance(network, nn.Module) or not callable(method):
        raise InputError(
            f"it is a {type(network).__name__}, not a torch.nn.Module with layers(), which names the layers that can "
            "be compared"
        )
    named: Any = method()
    layers = () if isinstance(named, str) else tuple(named)
    if not layers or len(set(layers)) < len(layers) or not all(isinstance(layer, str) for layer in layers):
        raise InputError(f"its layers() gives {named!r}; it must give names, each once, as in ('conv', 'fc')")
    return tuple(map(check_label, layers))


@contextmanager
def _own_faults(settings: PartSettings, what: str) -> Iterator[None]:
    """Say what failed: any error of a user's own code is reported as an error of that code, without a traceback."""
    own = is_import_path(settings.name)
    try:
        yield
    except InputError as error:
        raise InputError(f"{what}{f' ({settings.name})' if own else ''}: {error}") from None
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # such as SystemExit
        if not own:
            raise
        said = shortened(f"{type(error).__name__}: {error}", 300)
        raise InputError(f"{what} ({settings.name}) fails: {said}; correct its code") from error
