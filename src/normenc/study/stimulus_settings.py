"""The section ``[stimuli]`` of a study file: gratings, images, or several named sets of images."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from normenc.errors import InputError, quoted
from normenc.recordings import Preparation
from normenc.recordings.image_files import ImageSource
from normenc.study.section_base import GratingSettings, Label, Settings

__all__ = ["ImageSetSettings", "StimulusSettings", "joined_sets", "of_images"]

Place = Annotated[str, Field(min_length=1)]
Side = Annotated[int, Field(ge=1, le=10_000)]
Degrees = Annotated[float, Field(gt=0, le=360, allow_inf_nan=False)]
Corner = Annotated[float, Field(ge=0, allow_inf_nan=False)]
OF_IMAGES = ("images", "sets", "size", "fit", "field", "field_unit", "degrees", "largest")
OF_GRATINGS = ("spatial_frequency", "patch")
LARGEST = 128  # pixels of an image's longer side for controls, by default


class ImageSetSettings(Settings):
    """One of several sets of images."""

    name: Label
    images: Place


class StimulusSettings(GratingSettings):
    """What is shown: gratings, see :func:`normenc.stimuli.gratings`, or images.

    ``images`` is a folder, ``stack.npy``, ``file.h5:/dataset`` or ``file.zarr:/array``; ``sets`` are several of these
    by their names. Without either, images are those in the recording. Images are first cut (or padded: ``fit``) and
    resized to ``size`` (height and width in pixels), where it is given; of these, ``field`` is what the animal saw:
    left, top, right, bottom, from the top left corner, in pixels or in degrees. ``degrees`` is the width of the whole
    image in degrees of visual angle, and ``largest`` the longer side in pixels that controls see at most.
    """

    images: Place | None = None
    sets: Annotated[list[ImageSetSettings], Field(min_length=1)] | None = None
    size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = None
    fit: Literal["crop", "pad"] | None = None
    field: Annotated[list[Corner], Field(min_length=4, max_length=4)] | None = None
    field_unit: Literal["pixels", "degrees"] | None = None
    degrees: Degrees | None = None
    largest: Annotated[int, Field(ge=8, le=10_000)] | None = None

    @model_validator(mode="after")
    def _keys_go_together(self) -> "StimulusSettings":
        if self.images is not None and self.sets is not None:
            raise ValueError(f"given images = {quoted(self.images)} and named sets; give one or the other")
        names = [own.name for own in self.sets or ()]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"there are {names.count(name)} sets called {quoted(name)}; give each a name of its own"
                )
        if self.images is not None or self.sets is not None:
            defaults = type(self).model_fields
            for key in OF_GRATINGS:
                if getattr(self, key) != defaults[key].default:
                    raise ValueError(
                        f"{key}: given {getattr(self, key)}, but stimuli are images; it is of gratings. Leave it out; "
                        "a task that draws gratings has the key itself"
                    )
        if self.fit is not None and self.size is None:
            raise ValueError(f"fit: given {self.fit!r} without size; it says how images are fitted to size")
        if self.field_unit is not None and self.field is None:
            raise ValueError(f"field_unit: given {self.field_unit!r} without field")
        if self.field_unit == "degrees" and self.degrees is None:
            raise ValueError("field_unit: given 'degrees', but the width of an image in degrees is not; give degrees")
        self._check_field()
        return self

    def _check_field(self) -> None:
        if self.field is None:
            return
        left, top, right, bottom = self.field
        if not (left < right and top < bottom):
            raise ValueError(
                f"field: given {self.field}; it should be [left, top, right, bottom], and hold some pixels"
            )
        if self.field_unit != "degrees" and any(side != round(side) for side in self.field):
            raise ValueError(
                f"field: given {self.field}; pixels are whole numbers. For degrees, also give field_unit = 'degrees'"
            )

    @property
    def source(self) -> ImageSource | None:
        """Where images lie that are not in the recording's file."""
        if self.images is None and self.sets is None:
            return None
        sets = {"": self.images} if self.images else {own.name: own.images for own in self.sets or ()}
        size = None if self.size is None else (self.size[0], self.size[1])
        return ImageSource(sets, size, self.fit or "crop")

    def with_images(self, preparation: Preparation) -> Preparation:
        """How a recording is read, with the images that are named here.

        Raises
        ------
        InputError
            If the recording names images too.
        """
        if self.source is None:
            return preparation
        if preparation.images is not None:
            raise InputError(
                f"images are given twice, {quoted(str(preparation.images))} for the recording and "
                f"{quoted(str(self.source))} in the section [stimuli]; give them once"
            )
        return replace(preparation, images=self.source)

    @property
    def gratings(self) -> dict[str, Any]:
        """Arguments for :func:`normenc.stimuli.gratings`."""
        return {key: getattr(self, key) for key in GratingSettings.model_fields}

    def beside(self, folder: Path) -> "StimulusSettings":
        """These settings with the paths of images, which lie in `folder`, made absolute."""
        if self.images is not None:
            return self.model_copy(update={"images": _absolute(self.images, folder)})
        if self.sets is not None:
            sets = [own.model_copy(update={"images": _absolute(own.images, folder)}) for own in self.sets]
            return self.model_copy(update={"sets": sets})
        return self


def _absolute(source: str, folder: Path) -> str:
    path = str(folder.resolve() / Path(source).expanduser())
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{path}: this path is not UTF-8, as that of a study file must be; rename it") from None
    return path


def of_images(settings: StimulusSettings) -> list[str]:
    """Keys that are given and that only images have."""
    return [key for key in OF_IMAGES if getattr(settings, key) is not None]


def joined_sets(section: Any) -> Any:
    """The section as one table where a study file has it several times, ``[[stimuli]]``; other keys must agree.

    Raises
    ------
    ValueError
        If a set has no name or no images, or two sets differ in what all images have in common.

    Examples
    --------
    >>> joined_sets([{"name": "a", "images": "a.npy", "degrees": 20.0}, {"name": "b", "images": "b.npy"}])
    {'degrees': 20.0, 'sets': [{'name': 'a', 'images': 'a.npy'}, {'name': 'b', 'images': 'b.npy'}]}
    """
    if not isinstance(section, list) or not all(isinstance(own, Mapping) for own in section):
        return section
    common: dict[str, Any] = {}
    for own in section:
        for key, value in own.items():
            if key in ("name", "images"):
                continue
            if common.setdefault(key, value) != value:
                raise ValueError(
                    f"stimuli: {key} is {quoted(common[key])} in one set and {quoted(value)} in another; all images "
                    "of a study have it in common, so state it once"
                )
    return common | {"sets": [{key: own[key] for key in ("name", "images") if key in own} for own in section]}
