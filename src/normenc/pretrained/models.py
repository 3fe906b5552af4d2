"""Any torch module as an encoder of images, and torchvision and timm models by name."""

import copy
import difflib
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normenc.errors import InputError, shortened
from normenc.pretrained.places import DOWNLOAD, weights_file
from normenc.pretrained.preprocessing import IMAGENET, Preprocessing
from normenc.pretrained.weight_files import load_weights
from normenc.representations import layers_in_order
from normenc.representations.modules import plain_module

__all__ = ["activation_layers", "adapt", "load_model"]

NAMED = 3  # names in a message


@dataclass(frozen=True)
class _Before:
    """The hook that prepares a module's images; a class, so that the module can be pickled."""

    preprocessing: Preprocessing

    def __call__(self, module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return self.preprocessing(args[0]), *args[1:]


def adapt(
    module: nn.Module,
    *,
    size: tuple[int, int] | None = None,
    n_channels: int = 3,
    mean: Sequence[float] = IMAGENET[0],
    std: Sequence[float] = IMAGENET[1],
    fit: str = "crop",
) -> nn.Module:
    """Adapt a network to images, grey or in colour, such as the stimuli of normenc.

    Parameters
    ----------
    module : Module
        It is not changed.
    size, n_channels, mean, std, fit
        See :class:`Preprocessing`; colours and ImageNet's statistics by default. Gratings are best drawn at the
        network's own size: ``stimuli.gratings(orientation, size=adapted.preprocessing.size)``.

    Returns
    -------
    Module
        A copy in evaluation mode with the same layer names (a copy of the inner module if it is compiled or spread over
        devices). It takes images of shape (n, height, width) or, in colour,
        (n, 3, height, width), values 0 to 1, and its attribute ``preprocessing`` says how they are prepared.

    Raises
    ------
    InputError
        If a parameter is impossible, or the module is already adapted, or has its own ``preprocessing``.

    Examples
    --------
    >>> from normenc.representations import represent
    >>> network = adapt(nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU()), size=(32, 32))
    >>> represent(network, torch.rand(2, 48, 64), ["0"])["0"].shape
    (2, 3136)
    """
    preprocessing = Preprocessing(size, n_channels, tuple(mean), tuple(std), fit)
    module, _ = plain_module(module)
    if hasattr(module, "preprocessing"):
        own = module.preprocessing
        why = (
            "is already adapted; use it as it is"
            if isinstance(own, Preprocessing)
            else "has its own 'preprocessing'; rename that"
        )
        raise InputError(f"this {type(module).__name__} {why}")
    if any(value.is_meta for value in (*module.parameters(), *module.buffers())):
        raise InputError(
            f"{type(module).__name__} has weights on the device 'meta', which stores no values; build it on the CPU"
        )
    adapted = _copy(module).eval()
    adapted.register_forward_pre_hook(_Before(preprocessing))
    adapted.preprocessing = preprocessing  # type: ignore[assignment]
    return adapted


def _copy(module: nn.Module) -> nn.Module:
    """A deep copy; InputError names the attribute that cannot be copied."""
    try:
        return copy.deepcopy(module)
    except Exception as error:  # of any class, by methods of attributes
        odd = next((name for name, part in module.named_modules() for name in _not_copied(name, part)), "a part")
        said = shortened(f"{type(error).__name__}: {error}", 200)
        raise InputError(
            f"{type(module).__name__} cannot be copied ({said}), because of {odd}; keep open files and the like "
            "elsewhere, or make them when they are needed"
        ) from None


def _not_copied(name: str, part: nn.Module) -> Iterator[str]:
    """Attributes of a part that cannot be copied, by name."""
    for key, value in vars(part).items():
        try:
            copy.deepcopy(None if key == "_modules" else value)
        except Exception:  # as above
            yield f"its attribute {name + '.' if name else ''}{key}"


def load_model(
    name: str,
    *,
    weights: str | Path | None = None,
    leave_out: Sequence[str] = (),
    seed: int = 0,
    fit: str = "crop",
) -> nn.Module:
    """Build a torchvision or timm model by name, with weights from a file; nothing is downloaded unless asked for.

    Parameters
    ----------
    name : str
        ``"torchvision:resnet18"``, ``"timm:resnet18"`` or, with the tag of its weights, ``"timm:resnet50.a1_in1k"``.
    weights : str or Path, optional
        A ``.safetensors`` file, or a ``.pt`` or ``.pth`` file of a state dict (read without running code from it), as
        libraries and training code write them; ``"package:NAME"`` for that of an installed package
        (:func:`weights_file`); or ``"download"`` for the weights that the library publishes, the only case in which the
        network is used. By default the initial weights of `seed`.
    leave_out : sequence of str
        Patterns of weights that keep their initial values, such as ``["fc.*"]`` for a head of another size, or of keys
        that only the file has, such as ``["criterion.*"]``.
    seed : int
        Seed of the initial weights.
    fit : str
        How images with another aspect ratio are fitted, see :class:`Preprocessing`.

    Returns
    -------
    Module
        Adapted (:func:`adapt`) to the size and normalisation that the library states for the model.

    Raises
    ------
    InputError
        If the library or the model is missing, or the weights cannot be downloaded or read, or do not fit.
    """
    library, _, model = name.partition(":")
    builders = {"torchvision": _torchvision, "timm": _timm}
    if library not in builders or not model:
        raise InputError(f"model is {name!r}; it must be 'torchvision:NAME' or 'timm:NAME'")
    download = weights == DOWNLOAD
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:
            module, size, mean, std = builders[library](model, download)
        except (ImportError, RuntimeError) as error:
            raise InputError(
                f"{library} cannot be imported ({error}): pip install 'normenc[models]', in builds that fit your torch"
            ) from None
    if weights is not None and not download:
        load_weights(module, weights_file(weights), name, leave_out)
        if hasattr(module, "transform_input"):
            # Weights of Inception and GoogLeNet take images that are normalised otherwise, as these networks then do.
            module.transform_input = True  # type: ignore[assignment]
    elif leave_out:  # of downloaded weights too, which fit as they are
        raise InputError(f"leave_out is {list(leave_out)}, but no file of weights is given; also give weights")
    return adapt(module, size=size, mean=mean, std=std, fit=fit)


def activation_layers(module: nn.Module, images: torch.Tensor) -> list[str]:
    """Names of all submodules that give one row per image, in the order in which they run.

    Parameters
    ----------
    module : Module
    images : Tensor
        As the module takes them.

    Returns
    -------
    list of str
        For :func:`normenc.representations.represent`.

    Examples
    --------
    >>> from normenc import networks
    >>> activation_layers(networks.FC(), torch.rand(2, 48, 64))
    ['fc', 'fc_relu', 'out']
    """
    return layers_in_order(module, images)


Built = tuple[nn.Module, tuple[int, int], Sequence[float], Sequence[float]]


def _torchvision(name: str, download: bool) -> Built:
    from torchvision import models

    there = models.list_models(module=models)
    if name not in there:
        raise _unknown("torchvision", name, there)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # that initial weights of some networks may change one day
        if download:
            with _downloading(f"torchvision:{name}"):
                module = models.get_model(name, weights="DEFAULT")
        else:
            module = models.get_model(name, weights=None)
    options = models.get_model_weights(name)
    # Those called DEFAULT may be prepared otherwise than the first ones; files are taken for the first.
    published = (options.DEFAULT if download else next(iter(options))) if len(options) else None
    stated = None if published is None else published.transforms()
    size = list(getattr(stated, "crop_size", [224]))
    return (
        module,
        (size[0], size[-1]),
        getattr(stated, "mean", IMAGENET[0]),
        getattr(stated, "std", IMAGENET[1]),
    )


def _timm(name: str, download: bool) -> Built:
    import timm
    from timm import data

    architecture, _, tag = name.partition(".")
    there, tagged = timm.list_models(), timm.list_pretrained()
    if architecture not in there or (tag and name not in tagged):
        raise _unknown("timm", name, tagged if architecture in there else there)
    if download:
        with _downloading(f"timm:{name}"):
            module = timm.create_model(name, pretrained=True)
    else:
        module = timm.create_model(name, pretrained=False)
    stated = data.resolve_model_data_config(module)
    return module, stated["input_size"][1:], stated["mean"], stated["std"]


@contextmanager
def _downloading(name: str) -> Iterator[None]:
    """Say which weights could not be downloaded; libraries raise errors of many types."""
    try:
        yield
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(
            f"the weights of {name} cannot be downloaded ({said}); check the connection and that the library publishes "
            "weights of this model, or give a file of weights"
        ) from None


def _unknown(library: str, name: str, there: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(name, there, n=NAMED)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are {len(there)}, such as {there[0]}"
    return InputError(f"{library} has no model {name!r}; {hint}")
