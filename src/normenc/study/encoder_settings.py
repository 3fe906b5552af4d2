"""The sections ``[[encoder]]`` of a study file: networks as they come, which the study does not train."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from normenc.errors import InputError, quoted
from normenc.keys import Count, Finite, Positive
from normenc.pretrained import IMAGENET
from normenc.pretrained.places import DOWNLOAD, PACKAGE
from normenc.study.own_code import import_part, is_import_path
from normenc.study.section_base import Label, Once, Settings

__all__ = ["EncoderSettings", "check_twins"]

Name = Annotated[str, Field(min_length=1)]
Side = Annotated[int, Field(ge=1, le=10_000)]
LIBRARIES = ("timm", "torchvision")
MODEL_FILES = (".pt2", ".pt", ".pth", ".ts", ".onnx", ".safetensors", ".ckpt", ".h5", ".keras")
N_LAYERS = 8  # by default, evenly spaced
OF_OWN = ("options", "size", "n_channels", "mean", "std")  # keys of import paths; a library states these itself
SIZE = (224, 224)  # of images for a network of an import path, by default


def _pair(value: Any) -> Any:
    return [value, value] if isinstance(value, int) and not isinstance(value, bool) else value


class EncoderSettings(Settings):
    """A network that the study does not train: its weights, the layers to read, and its untrained twins.

    ``model`` is ``"timm:NAME"``, ``"torchvision:NAME"``, or the import path of a class or function that gives a module,
    as in ``"my_lab.models:build"``. Without ``weights`` it stands untrained, from several seeds.
    """

    model: Name
    label: Label | None = None
    weights: Name | None = None
    leave_out: Annotated[list[Name], Once] = Field(default=[])
    layers: Annotated[list[Name], Field(min_length=1), Once] | Literal["all"] | None = None
    n: Count | None = None
    tokens: Literal["class", "mean", "all"] = "all"
    untrained: Annotated[int, Field(ge=2, le=1000)] | None = None
    fit: Literal["crop", "pad"] = "crop"
    options: dict[str, Any] | None = None
    size: Annotated[list[Side], Field(min_length=2, max_length=2), BeforeValidator(_pair)] | None = None
    n_channels: Annotated[int, Field(ge=1, le=1000)] | None = None
    mean: Annotated[list[Finite], Field(min_length=1)] | None = None
    std: Annotated[list[Positive], Field(min_length=1)] | None = None

    @field_validator("model")
    @classmethod
    def _model_is_named(cls, model: str) -> str:
        library, colon, name = model.partition(":")
        if PurePath(model).suffix.lower() in MODEL_FILES:
            raise ValueError(
                f"given {quoted(model)}, a file; the layers of an exported or saved module cannot be read by name. "
                "Name what builds the network, as in model = 'my_lab.models:build', and give its state dict as weights"
            )
        if not colon or not name or not library:
            raise ValueError(
                f"given {quoted(model)}; it should be 'timm:NAME', 'torchvision:NAME', or the import path of your own "
                "class or function that gives a torch.nn.Module, as in 'my_lab.models:build'"
            )
        if library not in LIBRARIES:
            try:
                if not callable(import_part(model)):
                    raise InputError(f"given {quoted(model)}; it is neither a class nor a function")
            except InputError as error:
                raise ValueError(str(error)) from None
        return model

    @model_validator(mode="after")
    def _keys_apply(self) -> "EncoderSettings":
        given = [key for key in OF_OWN if getattr(self, key) is not None]
        if given and not self.is_own:
            raise ValueError(f"{given[0]}: {self.model} states this itself; leave it out, or build your own model")
        if self.weights == DOWNLOAD and self.is_own:
            raise ValueError(
                "weights: given 'download'; only timm and torchvision publish weights; give a file, or package:NAME"
            )
        if self.leave_out and self.weights in (None, DOWNLOAD):
            raise ValueError(f"leave_out: given {self.leave_out}, but no file of weights; also give weights")
        if self.layers == "all" and self.n is not None:
            raise ValueError(f"n: given {self.n}, with layers = 'all'; leave out one of them")
        return self

    def __hash__(self) -> int:  # keys may be lists
        return hash((self.model, self.label, self.weights))

    @property
    def title(self) -> str:
        """What it is called in tables and pictures: by default the model's name without that of its library."""
        name = self.model.rpartition(":")[2]
        return self.label or (name.rpartition(".")[2] if self.is_own else name)[:60]

    @property
    def is_own(self) -> bool:
        """Whether the model is the user's own code, by import path."""
        return is_import_path(self.model) and self.model.partition(":")[0] not in LIBRARIES

    @property
    def is_pretrained(self) -> bool:
        """Whether it has weights of its own; else there are untrained networks alone."""
        return self.weights is not None

    @property
    def n_layers(self) -> int | None:
        """How many layers, evenly spaced over depth; None for all that are named."""
        return N_LAYERS if self.layers is None and self.n is None else self.n

    @property
    def preparation(self) -> dict[str, Any]:
        """What :func:`normenc.pretrained.adapt` is told of a network of an import path."""
        n_channels = self.n_channels or 3
        if n_channels != 3 and (self.mean is None or self.std is None):
            raise InputError(
                f"n_channels is {n_channels}, but ImageNet's mean and std are those of 3 channels; "
                "also give mean and std, as in mean = [0.5], std = [0.25]"
            )
        size = tuple(self.size or SIZE)
        return {
            "size": (size[0], size[-1]),
            "n_channels": n_channels,
            "mean": tuple(self.mean or IMAGENET[0]),
            "std": tuple(self.std or IMAGENET[1]),
            "fit": self.fit,
        }

    @property
    def weights_path(self) -> str | None:
        """The weights where they are a file beside the study file; None where they are not."""
        is_file = self.weights is not None and self.weights != DOWNLOAD and not self.weights.startswith(PACKAGE)
        return self.weights if is_file else None


def check_twins(encoders: Sequence[EncoderSettings], n_untrained: int | None) -> None:
    """Raise ValueError unless all untrained networks have equally many seeds, which are resampled together.

    Parameters
    ----------
    encoders : sequence of EncoderSettings
    n_untrained : int or None
        How many seeds the untrained twins of networks have that the study trains; None where it trains none.
    """
    stated = {own.title: own.untrained for own in encoders if own.untrained is not None}
    if len(set(stated.values())) > 1:
        one, first = next(iter(stated.items()))
        other, second = next((title, n) for title, n in stated.items() if n != first)
        raise ValueError(
            f"encoder: {one} has untrained = {first} and {other} has {second}; seeds are resampled together, so give "
            "all the same number"
        )
    for title, n in stated.items():
        if n_untrained is not None and n != n_untrained:
            raise ValueError(
                f"encoder: {title} has untrained = {n}, but networks that the study trains have {n_untrained} "
                "untrained twins; seeds are resampled together, so leave it out, or change n_seeds or n_untrained in "
                "[training]"
            )
