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

__all__ = ["IMAGENET", "Preprocessing", "activation_layers", "adapt", "load_model"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # means and standard deviations of red, green and blue
NAMED = 3  # keys or names in a message


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

    Examples
    --------
    >>> print(Preprocessing((224, 224), 3, *IMAGENET))
    grey to 3 channels, resized to 224 x 224 pixels, minus (0.485, 0.456, 0.406), over (0.229, 0.224, 0.225)
    """

    size: tuple[int, int] | None
    n_channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

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

    def __str__(self) -> str:
        size = "" if self.size is None else f", resized to {self.size[0]} x {self.size[1]} pixels"
        return f"grey to {self.n_channels} channels{size}, minus {self.mean}, over {self.std}"

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Images as the network takes them, shape (n, n_channels, height, width).

        Parameters
        ----------
        images : Tensor, shape (n, height, width) or (n, 1, height, width)
        """
        if images.ndim == 3:
            images = images[:, None]
        if images.ndim != 4 or images.shape[1] != 1:
            raise InputError(
                f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
                "(n, 1, height, width)"
            )
        if self.size is not None and tuple(images.shape[2:]) != self.size:
            images = functional.interpolate(images, self.size, mode="bilinear", antialias=True, align_corners=False)
        mean, std = (images.new_tensor(value)[:, None, None] for value in (self.mean, self.std))
        return ((images - mean) / std).expand(-1, self.n_channels, -1, -1)


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
) -> nn.Module:
    """Let a network that takes other images take grey ones, as normenc's stimuli are.

    Parameters
    ----------
    module : Module
        Stays as it was.
    size, n_channels, mean, std
        See :class:`Preprocessing`; colours and ImageNet's statistics by default.

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
    preprocessing = Preprocessing(size, n_channels, tuple(mean), tuple(std))
    adapted = copy.deepcopy(module).eval()
    adapted.register_forward_pre_hook(_Before(preprocessing))
    adapted.preprocessing = preprocessing  # type: ignore[assignment]
    return adapted


def load_model(name: str, *, weights: str | Path | None = None, seed: int = 0) -> nn.Module:
    """Build a torchvision or timm model by name, with weights from a file; nothing is ever downloaded.

    Parameters
    ----------
    name : str
        ``"torchvision:resnet18"`` or ``"timm:resnet18"``.
    weights : str or Path, optional
        A ``.safetensors`` file, or a ``.pt`` or ``.pth`` file of a state dict (read without running code from it);
        the initial weights of `seed` where left out.
    seed : int
        Of the initial weights.

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
        _load_weights(module, Path(weights), name)
    return adapt(module, size=size, mean=mean, std=std)


def activation_layers(module: nn.Module, images: torch.Tensor) -> list[str]:
    """Names of all submodules that give one row an image, in the order in which they run.

    Parameters
    ----------
    module : Module
    images : Tensor
        At least 2 images, as the module takes them.

    Returns
    -------
    list of str
        For :func:`normenc.representations.represent`.

    Raises
    ------
    InputError
        When there are fewer than 2 images.

    Examples
    --------
    >>> from normenc import networks
    >>> activation_layers(networks.FC(), torch.rand(2, 48, 64))
    ['fc', 'fc_relu', 'out']
    """
    if len(images) < 2:
        raise InputError(f"there are {len(images)} images; 2 are needed to tell a row an image")
    ran: dict[str, bool] = {}

    def note(name: str) -> Any:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            ran[name] = isinstance(output, torch.Tensor) and output.ndim >= 2 and len(output) == len(images)

        return hook

    hooks = [part.register_forward_hook(note(name)) for name, part in module.named_modules() if name]
    was_training = module.training
    try:
        with torch.no_grad():
            module.eval()(images)
    finally:
        module.train(was_training)
        for hook in hooks:
            hook.remove()
    return [name for name, has_rows in ran.items() if has_rows]


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

    there = timm.list_models()
    if name not in there:
        raise _unknown("timm", name, there)
    module = timm.create_model(name, pretrained=False)
    stated = data.resolve_model_data_config(module)
    return module, stated["input_size"][1:], stated["mean"], stated["std"]


def _unknown(library: str, name: str, there: Sequence[str]) -> InputError:
    near = difflib.get_close_matches(name, there, n=NAMED)
    hint = f"did you mean {', '.join(near)}?" if near else f"there are {len(there)}, such as {there[0]}"
    return InputError(f"{library} has no model {name!r}; {hint}")


def _load_weights(module: nn.Module, path: Path, name: str) -> None:
    from pickle import UnpicklingError

    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise InputError(f"{path}: there is no such file of weights")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path}: these weights cannot be read ({error}); they must be a .safetensors file, or a state dict saved "
            "by torch.save"
        ) from None
    own = module.state_dict()
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{path}: this file holds no state dict; save the model's state_dict()")
    faults = {
        "missing": [key for key in own if key not in state],
        "unknown": [key for key in state if key not in own],
        "of another shape": [key for key in own if key in state and state[key].shape != own[key].shape],
    }
    if any(faults.values()):
        told = "; ".join(
            f"{kind}: {', '.join(keys[:NAMED])}{f' and {len(keys) - NAMED} more' if len(keys) > NAMED else ''}"
            for kind, keys in faults.items()
            if keys
        )
        raise InputError(f"{path}: these weights do not fit {name}; {told}")
    module.load_state_dict(state)
