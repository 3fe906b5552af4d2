"""Folders with a file for each trial, such as ``data/responses/0.npy``, as in the Sensorium competition.

The same layout in a ``.zip`` file is read where it lies.
"""

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from normenc.errors import InputError
from normenc.recordings.formats.archives import plain_array
from normenc.recordings.formats.guards import check_packing, check_size, readable
from normenc.recordings.grey_values import as_shown
from normenc.recordings.provenance import lists, reads

__all__ = ["NoPicturesError", "Tree", "is_tree", "opened_tree", "read_tree"]

NEEDED = ("data/responses", "meta/trials", "meta/neurons")
IMAGE_LABELS = (  # numbers of images, and of what class they are, in the order in which they are looked for
    ("image_id", "image_class"),
    ("colorframeprojector_image_id", "colorframeprojector_image_class"),
    ("frame_image_id", "frame_image_class"),
)
TIERS = "meta/trials/tiers"
OF_NEURONS = {"neuron": "unit_ids", "region": "area", "neuron_animal": "animal_ids", "neuron_session": "sessions"}
ADVICE = "download or copy it again"


class NoPicturesError(InputError):
    """Images cannot be shown to models, but responses can be read without them."""


def is_tree(folder: Path) -> bool:
    """Whether a folder has this layout."""
    return all((folder / part).is_dir() for part in NEEDED)


@contextmanager
def opened_tree(place: Path) -> Iterator["Tree"]:
    """Open a folder, or a ``.zip`` file, of this layout.

    Raises
    ------
    InputError
        If it has another layout, or is damaged.
    """
    with ExitStack() as stack:
        if place.is_dir():
            lists(place)
            yield Tree(place, None)
            return
        reads(place)
        with readable(".zip file", ADVICE):
            archive = stack.enter_context(zipfile.ZipFile(place))
            total = sum(member.file_size for member in archive.infolist())
            check_packing("it", total, lambda: place.stat().st_size)
        yield Tree(place, archive)


def read_tree(folder: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """``responses``, ``image``, ``tier`` and ``images`` of a folder of this layout.

    Tiers whose responses are withheld (all zero), as those of a competition are, are left out, and named in the notes.
    """
    with opened_tree(folder) as tree:
        every = np.unique(tree.tiers).tolist()
        hidden = tree.withheld(every)
        trials = tree.trials_of([tier for tier in every if tier not in hidden])
        if not len(trials):
            raise InputError(f"the responses of {' and '.join(every)} are withheld: all are zero")
        labels, responses = tree.image_labels()[trials], tree.responses(trials)
        arrays: dict[str, Any] = {"responses": responses, "image": labels, "tier": tree.tiers[trials]}
        notes = [f"left out the tier {tier}, whose responses are withheld (all zero)" for tier in hidden]
        if tree.has(f"data/images/{trials[0]}"):
            try:
                images, said = as_shown(stack := tree.images(trials, labels), np.arange(len(stack)))
                arrays["images"] = xr.Variable(("image", "height", "width", "colour")[: images.ndim], images)
                arrays["image_names"] = np.unique(labels)
                notes += said
            except NoPicturesError as error:
                notes.append(f"the images were left out: {error}")
        return arrays | tree.neuron_labels(responses.shape[1]) | {"axes": "trial,neuron", "notes": notes}


class Tree:
    """Trials as files, read when asked.

    Parameters
    ----------
    place : Path
    archive : ZipFile or None
        None for a folder.
    """

    def __init__(self, place: Path, archive: zipfile.ZipFile | None) -> None:
        self._place, self._archive = place, archive
        if archive is None:
            found = (path.relative_to(place).as_posix() for path in sorted(place.rglob("*.npy")))
        else:
            found = (name for name in archive.namelist() if name.endswith(".npy") and "__MACOSX" not in name)
        names = list(found)
        tops = {name.partition("data/responses/")[0] for name in names if "data/responses/" in name}
        if len(tops) != 1:
            said = f"{len(tops)} folders" if tops else "no folder"
            raise InputError(
                f"it holds {said} data/responses; this layout has data/responses/0.npy, data/images/0.npy and so on, "
                "meta/trials and meta/neurons"
            )
        self._top = tops.pop()
        self._names = {name.removeprefix(self._top).removesuffix(".npy") for name in names}
        self.tiers: npt.NDArray[np.str_] = self._tiers()
        n_files = sum(name.startswith("data/responses/") for name in self._names)
        if n_files > self.n_trials:
            raise InputError(
                f"data/responses is of {n_files:,} trials, {TIERS}.npy of {self.n_trials:,}, so that it is not known "
                f"which trial is which; {ADVICE}"
            )

    def has(self, name: str) -> bool:
        """Whether there is an array of this name, such as ``meta/neurons/area``."""
        return name in self._names

    def array(self, name: str) -> npt.NDArray[Any]:
        """One array.

        Raises
        ------
        InputError
            If it is not there, or is damaged.
        """
        if name not in self._names:
            raise InputError(f"{name}.npy is not there; {ADVICE}")
        own = f"{self._top}{name}.npy"
        with readable(f".npy file ({name})", ADVICE):
            if self._archive is None:
                path = self._place / own
                reads(path, store=self._place)
                with path.open("rb") as file:
                    return np.asarray(plain_array(file, name, path.stat().st_size))
            member = self._archive.getinfo(own)
            with self._archive.open(member) as packed:
                return np.asarray(plain_array(packed, name, member.file_size))

    def _tiers(self) -> npt.NDArray[np.str_]:
        tiers = np.ravel(self.array(TIERS))
        if tiers.dtype.kind not in "US":
            raise InputError(f"{TIERS}.npy holds {tiers.dtype} values; it must name the tier of each trial")
        return tiers.astype(str)

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return len(self.tiers)

    def trials_of(self, tiers: Collection[str]) -> npt.NDArray[np.intp]:
        """The trials of these tiers in the order in time, where it is known, which is not that of their files."""
        trials = np.flatnonzero(np.isin(self.tiers, list(tiers)))
        if not self.has("meta/trials/trial_idx"):
            return trials
        order = np.ravel(self.array("meta/trials/trial_idx"))
        if len(order) != self.n_trials:
            raise InputError(f"trial_idx.npy is of {len(order):,} trials, tiers.npy of {self.n_trials:,}; {ADVICE}")
        if order.dtype.kind not in "iuf" or not np.isfinite(order).all():
            raise InputError(f"trial_idx.npy holds {order.dtype} values that are no numbers of trials; {ADVICE}")
        return trials[np.argsort(order[trials], kind="stable")]

    def responses(self, trials: Sequence[int] | npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """Responses in these trials, shape (n_trials, n_neurons)."""
        first = np.ravel(self.array(f"data/responses/{trials[0]}"))
        check_size("data/responses", len(trials) * first.size * 4)
        values = np.empty((len(trials), first.size), np.float32)
        for row, trial in enumerate(trials):
            own = np.ravel(self.array(f"data/responses/{trial}"))
            if own.dtype.kind not in "iufb":
                raise InputError(f"the responses of trial {trial} are of type {own.dtype}; they must be numbers")
            if own.shape != first.shape:
                raise InputError(
                    f"trial {trials[0]} has responses of {first.size} neurons, trial {trial} of {own.size}"
                )
            values[row] = own
        return values

    def image_labels(self) -> npt.NDArray[np.str_]:
        """The name of each trial's image; where there are several classes, with the class before it."""
        for number, kind in IMAGE_LABELS:
            if not self.has(f"meta/trials/{number}"):
                continue
            numbers = np.ravel(self.array(f"meta/trials/{number}"))
            if numbers.dtype.kind in "iuf":
                wrong = ~((numbers >= 0) & (numbers == np.round(numbers)))
                if wrong.any():  # a missing number is no image that trials share
                    raise InputError(
                        f"{number}.npy says {numbers[wrong][0]:g} of trial {np.flatnonzero(wrong)[0]}; images are "
                        "numbered from 0. Correct the number, or leave the trial out"
                    )
                numbers = numbers.astype(np.int64)
            names = numbers.astype(str)
            width = max(map(len, names.tolist()))
            names = np.array([name.rjust(width, "0") if name.isdecimal() else name for name in names.tolist()])
            if self.has(f"meta/trials/{kind}"):
                classes = np.ravel(self.array(f"meta/trials/{kind}")).astype(str)
                if len(classes) == len(names) and len(set(classes.tolist())) > 1:
                    names = np.strings.add(np.strings.add(classes, "/"), names)
            return self._one_each(names, f"meta/trials/{number}")
        known = ", ".join(number for number, _ in IMAGE_LABELS)
        raise InputError(f"nothing says which image each trial shows; meta/trials must hold one of {known}")

    def _one_each(self, labels: npt.NDArray[np.str_], name: str) -> npt.NDArray[np.str_]:
        if len(labels) != self.n_trials:
            raise InputError(f"{name}.npy is of {len(labels):,} trials, {TIERS}.npy of {self.n_trials:,}")
        return labels

    def images(self, trials: Sequence[int] | npt.NDArray[np.intp], names: npt.NDArray[np.str_]) -> Any:
        """The image of each different name among these trials, in the order of the sorted names.

        Raises
        ------
        InputError
            If trials of one name show different images.
        NoPicturesError
            If images have two channels, or differ in size.
        """
        first: dict[str, int] = {}
        shown: dict[str, npt.NDArray[Any]] = {}
        for trial, name in zip(trials, names.tolist(), strict=True):
            image = _picture(self.array(f"data/images/{trial}"), int(trial))
            if name not in shown:
                first[name], shown[name] = int(trial), image
            elif image.shape != shown[name].shape or not np.array_equal(image, shown[name], equal_nan=True):
                raise InputError(
                    f"trials {first[name]} and {trial} are said to show image {name}, but their images differ; correct "
                    "the numbers of the images"
                )
        shapes = {image.shape for image in shown.values()}
        if len(shapes) > 1:
            raise NoPicturesError(f"images differ in size, such as {min(shapes)} and {max(shapes)}")
        return np.stack([shown[name] for name in sorted(shown)])

    def neuron_labels(self, n_neurons: int) -> dict[str, npt.NDArray[np.str_]]:
        """Labels of the neurons by the names that normenc knows, as far as they are there."""
        labels = {}
        for label, own in OF_NEURONS.items():
            if not self.has(f"meta/neurons/{own}"):
                continue
            values = np.ravel(self.array(f"meta/neurons/{own}"))
            if len(values) != n_neurons:
                raise InputError(f"{own}.npy names {len(values):,} neurons, but responses are of {n_neurons:,}")
            labels[label] = values.astype(str)
        return labels

    def withheld(self, tiers: Collection[str]) -> list[str]:
        """Tiers whose responses are all zero: those of a competition's test, which are not published."""
        hidden = []
        for tier in tiers:
            trials = np.flatnonzero(self.tiers == tier)
            if all(not self.array(f"data/responses/{trial}").any() for trial in trials):
                hidden.append(tier)
        return hidden


def _picture(image: npt.NDArray[Any], trial: int) -> npt.NDArray[Any]:
    """One image, colours last."""
    if image.ndim == 3 and image.shape[0] == 1:
        return image[0]
    if image.ndim == 3 and image.shape[0] == 3:
        return np.moveaxis(image, 0, 2)
    if image.ndim == 2:
        return image
    raise NoPicturesError(f"the image of trial {trial} has shape {image.shape}, not 1 or 3 channels x height x width")
