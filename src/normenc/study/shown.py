"""What each encoder is shown of what the animal saw: networks of the study, networks as they come, and controls."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from normenc import stimuli
from normenc.errors import InputError
from normenc.pretrained import Preprocessing
from normenc.quality import Seen
from normenc.recordings import Recording
from normenc.stimuli import ImageSet
from normenc.stimuli.fitting import sides_of_ratio
from normenc.study.stimulus_settings import LARGEST, OF_GRATINGS, StimulusSettings, of_images

__all__ = ["Shown"]

CONTROL_BYTES = 2**28  # of all images, in single precision, as controls see them where the study does not say how large
FLOAT32 = 4
ALIKE = 0.02  # by which widths in degrees may differ, as the next pixel of small images makes them


@dataclass(frozen=True, eq=False)
class Shown:
    """The stimuli of a recording as a study shows them to its encoders.

    Attributes
    ----------
    recording : Recording
    settings : StimulusSettings
    """

    recording: Recording
    settings: StimulusSettings

    def check(self) -> None:
        """Raise InputError where images are missing, or a key of images is given for gratings."""
        given = of_images(self.settings)
        if self.is_drawn:
            if given:
                raise InputError(
                    f"stimuli.{given[0]}: the stimuli of {self.recording.name} are {self.recording.shown.plural}, "
                    "which are drawn as gratings; it is of images, so leave it out"
                )
            return
        for key in OF_GRATINGS:
            if getattr(self.settings, key) != type(self.settings).model_fields[key].default:
                raise InputError(
                    f"stimuli.{key}: given {getattr(self.settings, key)}, but the stimuli of {self.recording.name} are "
                    "images; it is of gratings. Leave it out; a task that draws gratings has the key itself"
                )
        if self.recording.images is None:
            raise InputError(
                f"{self.recording.name}: the images that the animal saw are missing; add them to the file as images, "
                "or give their folder: images='FOLDER', or images in the section [stimuli] of a study file"
            )
        _ = self.seen

    @property
    def is_drawn(self) -> bool:
        """Whether stimuli are gratings, which are drawn at any size, and not images."""
        return self.recording.orientation is not None

    @cached_property
    def seen(self) -> ImageSet:
        """What the animal saw: images at their own size and in their colours, the field alone where one is given."""
        if self.is_drawn:
            return ImageSet.of(self.drawn())
        settings = self.settings
        try:
            images = ImageSet.of(self.recording.images, self.recording.stimulus.tolist())
            if settings.size is not None:
                images = images.resized((settings.size[0], settings.size[1]), settings.fit or "crop")
            _ = self._whole_degrees  # refused where images differ in it
            return images if settings.field is None else self._part(images)
        except InputError as error:
            raise InputError(f"{self.recording.name}: {error}") from None

    def _part(self, images: ImageSet) -> ImageSet:
        """What the animal saw of images of the study's size."""
        assert self.settings.field is not None
        if self.settings.field_unit != "degrees":
            left, top, right, bottom = map(int, self.settings.field)
            return images.field(left, top, right, bottom)
        assert self._whole_degrees is not None
        height, width = images.image_size
        scale = width / self._whole_degrees
        left, top, right, bottom = (round(side * scale) for side in self.settings.field)
        if left >= right or top >= bottom or right > width or bottom > height:
            raise InputError(
                f"field is [{', '.join(f'{side:g}' for side in self.settings.field)}] degrees; it must lie within "
                f"images of {width / scale:.4g} x {height / scale:.4g} degrees (width x height), as [left, top, right, "
                "bottom] from their top left corner, and hold some pixels"
            )
        return images.field(left, top, right, bottom)

    @cached_property
    def _whole_degrees(self) -> float | None:
        """Width in degrees of images of the study's size: `degrees` is that of the images in their files."""
        degrees, size, images = self.settings.degrees, self.settings.size, self.recording.images
        if degrees is None or size is None:
            return degrees
        fit, wanted = self.settings.fit or "crop", (size[0], size[1])
        sizes = {(images.shape[1], images.shape[2])}
        if hasattr(images, "sizes_in_files"):
            sizes = images.sizes_in_files(np.arange(len(images)))
        widths = [degrees * sides_of_ratio(own, wanted, fit)[1] / own[1] for own in sorted(sizes)]
        if max(widths) > min(widths) * (1 + ALIKE):
            raise InputError(
                f"degrees is {degrees:g}, the width of each image, but images differ in their ratio of height to "
                f"width, so that at size = {list(size)} they are {min(widths):.4g} to {max(widths):.4g} degrees wide; "
                "leave degrees out, or crop images to one ratio beforehand"
            )
        return widths[0]

    @property
    def degrees(self) -> float | None:
        """Width in degrees of visual angle of what the animal saw, where it is known."""
        if self.settings.degrees is None or self.is_drawn:
            return None
        assert self._whole_degrees is not None
        if self.settings.field is None:
            return self._whole_degrees
        left, _, right, _ = self.settings.field
        if self.settings.field_unit == "degrees":
            return right - left
        whole = self.settings.size[1] if self.settings.size is not None else self.recording.images.shape[2]
        return self._whole_degrees * (right - left) / whole

    def for_check(self) -> Seen:
        """What the animal saw, for :func:`normenc.quality.check`, which says itself that images are missing.

        Raises
        ------
        InputError
            See :meth:`check`, but for missing images.
        """
        if not self.is_drawn and self.recording.images is None:
            return Seen(None)
        self.check()
        if self.settings.field is None:
            return Seen(self.seen, degrees=self.degrees)
        sides = ", ".join(f"{side:g}" for side in self.settings.field)
        whole = self.settings.size or self.recording.images.shape[1:3]
        part = f"the field [{sides}] in {self.settings.field_unit or 'pixels'} of images of {whole[0]} x {whole[1]}"
        return Seen(self.seen, part, self.degrees)

    def drawn(self, size: tuple[int, int] | None = None, resolution: float | None = None) -> torch.Tensor:
        """Gratings drawn at a size (height, width), or at a resolution, by default the study's: never squeezed."""
        options = self.settings.gratings | ({} if resolution is None else {"resolution": resolution})
        if size is not None and options["patch"]:
            raise InputError(
                "stimuli.patch: the study's patch has its place on its own canvas, and cannot be drawn at "
                f"{size[0]} x {size[1]} pixels for an encoder; leave it out"
            )
        assert self.recording.orientation is not None
        return stimuli.gratings(self.recording.orientation, **options, size=size)

    def to_encoder(self, size: tuple[int, int] | None) -> ImageSet:
        """What a network with images of `size` is given: gratings drawn at that size, or images as the animal saw them.

        Its own preprocessing then cuts, resizes and normalises them, see :class:`normenc.pretrained.Preprocessing`.
        """
        return ImageSet.of(self.drawn(size)) if self.is_drawn else self.seen

    def to_networks(self, resolution: float | None = None) -> torch.Tensor:
        """What networks are shown that the study trains: grey, at the size of its gratings, see :func:`fit_images`.

        Raises
        ------
        InputError
            If images are smaller than the networks' input.
        """
        if self.is_drawn:
            return self.drawn(resolution=resolution)
        try:
            return stimuli.fit_images(self.seen, self.settings.resolution if resolution is None else resolution)
        except InputError as error:
            raise InputError(f"{self.recording.name}: {error}") from None

    @cached_property
    def to_controls(self) -> ImageSet:
        """What controls are shown: gratings as networks of the study, images in colour, at most `largest` pixels."""
        return self.seen if self.is_drawn else self.seen.at_most(self.largest)

    @property
    def largest(self) -> int:
        """Pixels of the longer side that controls see at most; fewer than usual where all would take much memory."""
        if self.settings.largest is not None:
            return self.settings.largest
        images = self.seen
        a_pixel = FLOAT32 * (3 if images.is_colour else 1) * len(images)
        height, width = images.image_size
        fits = (CONTROL_BYTES / a_pixel * max(height, width) / min(height, width)) ** 0.5
        return max(8, min(LARGEST, int(fits)))

    def said_for(self, preprocessing: Preprocessing) -> str:
        """What an encoder is shown, in words: of gratings their size, of images what is cut, resized and left out."""
        images = self.seen
        if not self.is_drawn:
            return preprocessing.describe(images.image_size, is_colour=images.is_colour, degrees=self.degrees)
        size = preprocessing.size or images.image_size
        return f"gratings drawn for its input, {preprocessing.describe(size, is_colour=False)}"

    def describe(self, *, trains: bool, fitted: Mapping[str, float] | None = None) -> list[str]:
        """Say what controls and networks that the study trains or fits are shown of images; nothing of gratings.

        `fitted` are the resolutions of networks fitted to the neurons, by name.
        """
        if self.is_drawn:
            return []
        seen, of_controls = self.seen, self.to_controls
        colour = "in colour" if seen.is_colour else "in grey"
        what = f"images of {_size(seen)} pixels {colour}{self._angle}"
        if self.settings.field is not None:
            left, top, right, bottom = (f"{side:g}" for side in self.settings.field)
            unit = self.settings.field_unit or "pixels"
            what = (
                f"the part of each image from {left} to {right} {unit} horizontally and from {top} to {bottom} {unit} "
                f"vertically (from the top left corner): {_size(seen)} pixels {colour}{self._angle}"
            )
        said = [f"Stimuli were {what}."]
        reduced = f"reduced to {_size(of_controls)} pixels" if of_controls.made != seen.made else "at this size"
        turned = "; controls that use luminance alone turned them grey" if of_controls.is_colour else ""
        said.append(f"Controls were shown them {colour}, {reduced}{turned}.")
        if trains:
            said += self._said_for("networks that this study trains", self.settings.resolution)
        for resolution in dict.fromkeys((fitted or {}).values()):
            names = [name for name, own in (fitted or {}).items() if own == resolution]
            said += self._said_for(
                f"the network{'s' * (len(names) > 1)} fitted to the neurons ({', '.join(names)})", resolution
            )
        return said

    @property
    def _angle(self) -> str:
        if self.degrees is None:
            return ""
        height, width = self.seen.image_size
        return f" ({self.degrees:.3g} degrees of visual angle wide, {self.degrees * height / width:.3g} high)"

    def _said_for(self, whom: str, resolution: float) -> list[str]:
        shape = (*self.seen.image_size, *[3] * self.seen.is_colour)
        said = stimuli.describe_fit(shape, resolution).partition(" were ")[2]
        return [f"For {whom}, they were {said}"] if said else []


def _size(images: ImageSet) -> str:
    return "{} x {}".format(*images.image_size)
