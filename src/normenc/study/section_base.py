"""What sections of a study file have in common."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from normenc.errors import quoted
from normenc.keys import Frequency
from normenc.texts import visible

__all__ = [
    "MOST_OF_LABEL",
    "GratingSettings",
    "Label",
    "Once",
    "Settings",
    "check_label",
]


def check_label(label: str) -> str:
    """A label that can stand in tables and names of files; ValueError for any other."""
    if not label.strip() or visible(label) != label or "/" in label or "\\" in label:
        raise ValueError(
            f"given {visible(label)!r}; a label may hold no slashes, and no characters that cannot be seen"
        )
    return label


MOST_OF_LABEL = 60  # characters
Label = Annotated[str, Field(min_length=1, max_length=MOST_OF_LABEL), AfterValidator(check_label)]


def _once(values: list[Any] | None) -> list[Any] | None:
    for place, value in enumerate(values or ()):
        if values is not None and value in values[:place]:
            raise ValueError(f"{quoted(value)} is listed twice")
    return values


class _Once(AfterValidator):
    """A rule for lists, which their JSON schema has too."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(schema), "uniqueItems": True}


Once = _Once(_once)


class Settings(BaseModel):
    """A section of a study: unknown keys and wrong types are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GratingSettings(Settings):
    """The gratings, see :func:`normenc.stimuli.gratings`."""

    spatial_frequency: Frequency = 1 / 28
    resolution: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.1
    patch: bool = False
