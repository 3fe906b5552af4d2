"""Anyone's networks as encoders of grey stimuli: any torch module, and torchvision's and timm's models by name.

Networks trained on photographs want colours, another size and normalised values. :func:`adapt` takes care of that and
says what it does; names of layers stay as they are, so that :func:`normenc.representations.represent` reads any.
"""

import copy
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from normenc.errors import InputError
from normenc.representations import layers_in_order
from normenc.weight_files import load_weights

__all__ = ["FITS", "IMAGENET", "Preprocessing", "activation_layers", "adapt", "load_model"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # means and standard deviations of red, green and blue
FITS = ("crop", "pad")
GREY = 0.5  # of what is padded
SLACK = 1e-3  # of values that resizing takes beyond 0 and 1
NAMED = 3  # names in a message


@dataclass(frozen=True)
class Preprocessing:
    """What happens to grey images, values 0 to 1, before a network sees them.

    Attributes
    ----------
    size : (int, int) or None
        Height and width in pixels that images are resized to (bilinear, antialiased); None leaves theirs.
    n_channels : int
        Copies of the grey image.
    mean, std : tuple of float
        Of each channel; the mean is subtracted, then the standard deviation divides.
    fit : str
        What happens to images whose sides have another ratio than `size`, so that nothing is squeezed: ``"crop"`` cuts
        them to it in their middle, ``"pad"`` adds grey (0.5) on both sides.

    Examples
    --------
    >>> print(Preprocessing((224, 224), 3, *IMAGENET))
    grey to 3 channels, cut to 1:1 in the middle, resized to 224 x 224 pixels, minus (0.485, 0.456, 0.406), over \
(0.229, 0.224, 0.225)
    """

    size: tuple[int, int] | None
    n_channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "crop"

    def __post_init__(self) -> None:
        if self.n_channels < 1:
            raise InputError(f"n_channels is {self.n_channels}; a network takes at least 1")
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise InputError(f"size is {self.size}; it must be (height, width), both at least 1 pixel")
        for name in ("mean", "std"):
            if len(getattr(self, name)) not in (1, self.n_channels):
                raise InputError(f"{name} is {getattr(self, name)}; it must be one number, or {self.n_channels}")
        if not all(value > 0 for value in self.std):
            raise InputError(f"std is {self.std}; standard deviations must be positive")
        if self.fit not in FITS:
            raise InputError(f"fit is {self.fit!r}; it must be one of {', '.join(FITS)}")

    def __str__(self) -> str:
        size = ""
        if self.size is not None:
            height, width = self.size
            ratio = "1:1" if height == width else f"{height}:{width} (height to width)"
            how = f"cut to {ratio} in the middle" if self.fit == "crop" else f"padded with grey to {ratio}"
            size = f", {how}, resized to {height} x {width} pixels"
        return f"grey to {self.n_channels} channels{size}, minus {self.mean}, over {self.std}"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Images as the network takes them, shape (n, n_channels, height, width).

        Parameters
        ----------
        images : Tensor, shape (n, height, width) or (n, 1, height, width)
            Values 0 to 1; bytes (uint8) are divided by 255.

        Raises
        ------
        InputError
            When images have another shape, or values outside of 0 and 1.
        """
        if images.ndim == 3:
            images = images[:, None]
        if images.ndim != 4 or images.shape[1] != 1:
            raise InputError(
                f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
                "(n, 1, height, width)"
            )
        images = images.float() / 255 if images.dtype == torch.uint8 else images
        low, high = float(images.min()), float(images.max())
        if not (-SLACK <= low <= high <= 1 + SLACK):
            raise InputError(
                f"images have values from {low:g} to {high:g}; they must be grey values from 0 to 1, or bytes"
            )
        if self.size is not None and tuple(images.shape[2:]) != self.size:
            images = _of_ratio(images, self.size, self.fit)
            images = functional.interpolate(images, self.size, mode="bilinear", antialias=True, align_corners=False)
        mean, std = (images.new_tensor(value)[:, None, None] for value in (self.mean, self.std))
        return ((images - mean) / std).repeat(1, self.n_channels // len(self.mean), 1, 1)


def _of_ratio(images: torch.Tensor, size: tuple[int, int], fit: str) -> torch.Tensor:
    """Images cut, or padded, to the ratio of `size`, to the next pixel."""
    height, width = images.shape[2:]
    choose = min if fit == "crop" else max
    scale = choose(height / size[0], width / size[1])
    new = [max(1, round(side * scale)) for side in size]
    if fit == "crop":
        top, left = (height - new[0]) // 2, (width - new[1]) // 2
        return images[..., top : top + new[0], left : left + new[1]]
    down, across = new[0] - height, new[1] - width
    return functional.pad(images, (across // 2, across - across // 2, down // 2, down - down // 2), value=GREY)


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
    """Let a network that takes other images take grey ones, as normenc's stimuli are.

    Parameters
    ----------
    module : Module
        Stays as it was.
    size, n_channels, mean, std, fit
        See :class:`Preprocessing`; colours and ImageNet's statistics by default. Gratings are best drawn at the
        network's own size: ``stimuli.gratings(orientation, size=adapted.preprocessing.size)``.

    Returns
    -------
    Module
        A copy in evaluation mode, with the same layers by the same names; it takes images of shape (n, height, width)
        with values 0 to 1, and its attribute ``preprocessing`` says what happens to them.

    Raises
    ------
    InputError
        When a parameter is impossible.

    Examples
    --------
    >>> from normenc.representations import represent
    >>> network = adapt(nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU()), size=(32, 32))
    >>> represent(network, torch.rand(2, 48, 64), ["0"])["0"].shape
    (2, 3136)
    """
    preprocessing = Preprocessing(size, n_channels, tuple(mean), tuple(std), fit)
    adapted = copy.deepcopy(module).eval()
    adapted.register_forward_pre_hook(_Before(preprocessing))
    adapted.preprocessing = preprocessing  # type: ignore[assignment]
    return adapted


def load_model(
    name: str,
    *,
    weights: str | Path | None = None,
    leave_out: Sequence[str] = (),
    seed: int = 0,
    fit: str = "crop",
) -> nn.Module:
    """Build a torchvision or timm model by name, with weights from a file; nothing is ever downloaded.

    Parameters
    ----------
    name : str
        ``"torchvision:resnet18"``, ``"timm:resnet18"`` or, with the tag of its weights, ``"timm:resnet50.a1_in1k"``.
    weights : str or Path, optional
        A ``.safetensors`` file, or a ``.pt`` or ``.pth`` file of a state dict (read without running code from it), as
        libraries and trainers write them; the initial weights of `seed` where left out.
    leave_out : sequence of str
        Patterns of weights that keep their initial values, such as ``["fc.*"]`` for a head of another size.
    seed : int
        Of the initial weights.
    fit : str
        What happens to images of another ratio, see :class:`Preprocessing`.

    Returns
    -------
    Module
        Adapted (:func:`adapt`) to the size and normalisation that the library states for the model.

    Raises
    ------
    InputError
        When the library or the model is not there, or the weights cannot be read or do not fit.
    """
    library, _, model = name.partition(":")
    builders = {"torchvision": _torchvision, "timm": _timm}
    if library not in builders or not model:
        raise InputError(f"model is {name!r}; it must be 'torchvision:NAME' or 'timm:NAME'")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:
            module, size, mean, std = builders[library](model)
        except (ImportError, RuntimeError) as error:
            raise InputError(
                f"{library} cannot be imported ({error}): pip install 'normenc[models]', in builds that fit your torch"
            ) from None
    if weights is not None:
        load_weights(module, Path(weights).expanduser(), name, leave_out)
    elif leave_out:
        raise InputError(f"leave_out is {list(leave_out)}, but no file of weights is given; give weights too")
    return adapt(module, size=size, mean=mean, std=std, fit=fit)


def activation_layers(module: nn.Module, images: torch.Tensor) -> list[str]:
    """Names of all submodules that give one row an image, in the order in which they run.

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


def _torchvision(name: str) -> Built:
    from torchvision import models

    there = models.list_models(module=models)
    if name not in there:
        raise _unknown("torchvision", name, there)
    module = models.get_model(name, weights=None)
    options = models.get_model_weights(name)
    stated = next(iter(options)).transforms() if len(options) else None
    size = list(getattr(stated, "crop_size", [224]))
    return (
        module,
        (size[0], size[-1]),
        getattr(stated, "mean", IMAGENET[0]),
        getattr(stated, "std", IMAGENET[1]),
    )


def _timm(name: str) -> Built:
    import timm
    from timm import data

    architecture, _, tag = name.partition(".")
    there, tagged = timm.list_models(), timm.list_pretrained()
    if architecture not in there or (tag and name not in tagged):
        raise _unknown("timm", name, tagged if architecture in there else there)
    module = timm.create_model(name, pretrained=False)
    stated = data.resolve_model_data_config(module)
    return module, stated["input_size"][1:], stated["mean"], stated["std"]


def _unknown(library: str, name: str, there: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(name, there, n=NAMED)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are {len(there)}, such as {there[0]}"
    return InputError(f"{library} has no model {name!r}; {hint}")
