"""Data sets of torchvision by name, whose files lie in a folder: images with the numbers of their classes."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.errors import InputError
from normenc.showing import Listed
from normenc.stimuli.study_size import fit_image

__all__ = ["LabelledImages", "torchvision_set"]

TEST_SPLITS = ("test", "val")  # a set has one or the other


@dataclass(frozen=True, repr=False)
class LabelledImages(Listed):
    """Images of classes, which are decoded when they are asked for.

    Attributes
    ----------
    source : torchvision.datasets.VisionDataset
    labels : ndarray of int, shape (n,)
        The number of each image's class, from 0.

    Examples
    --------
    >>> from PIL import Image
    >>> grey = LabelledImages([(Image.new("L", (32, 32), 51), 0)], np.array([0]))
    >>> images = grey.images(np.array([0, 0]), (48, 64))
    >>> images.shape, round(float(images.mean()), 3)
    (torch.Size([2, 48, 64]), 0.2)
    """

    source: Any
    labels: npt.NDArray[np.int64]

    def images(self, chosen: npt.NDArray[np.int64], shape: tuple[int, int]) -> torch.Tensor:
        """Some of the images, in grey, cropped at the centre and brought to a size, smaller or larger.

        Returns
        -------
        Tensor, shape (len(chosen), height, width)
            float32, values 0 to 1.
        """
        from skimage import color, util

        fitted = np.empty((len(chosen), *shape), dtype=np.float32)
        for row, index in enumerate(chosen):
            image = self.source[int(index)][0]
            values = util.img_as_float32(np.asarray(image if image.mode == "L" else image.convert("RGB")))
            grey = color.rgb2gray(values) if values.ndim == 3 else values
            fitted[row] = fit_image(grey, shape, f"image {index}", enlarge=True).clip(0, 1)
        return torch.from_numpy(fitted)


def torchvision_set(name: str, folder: str | Path, *, test: bool = False) -> LabelledImages:
    """Open a data set of torchvision for classification, whose files are there already; nothing is downloaded.

    Parameters
    ----------
    name : str
        A class of :mod:`torchvision.datasets`, such as "MNIST" or "CIFAR10".
    folder : str or Path
        Where its files lie, torchvision's ``root``.
    test : bool
        Open the images for testing (or, where there are none, for validation) instead of those for training.

    Raises
    ------
    InputError
        If torchvision cannot be imported, or has no such set with images for training and testing; its files are not in
        the folder; or its images have no classes.
    """
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:  # a torchvision that was built for another torch raises the second
        raise InputError(
            f"the data set {name!r} needs torchvision ({error}); install one that fits this torch "
            f"({torch.__version__}): pip install 'normenc[models]'"
        ) from None
    kind = getattr(datasets, name, None)
    keys = inspect.signature(kind).parameters if isinstance(kind, type) else {}
    if "root" not in keys or not {"train", "split"} & keys.keys():
        raise InputError(
            f"torchvision has no data set {name!r} with images for training and testing; give the name of a class of "
            "torchvision.datasets, such as MNIST or CIFAR10"
        )
    source = _opened(kind, keys, folder, test)
    return LabelledImages(source, _labels(source, name))


def _opened(kind: Any, keys: Any, folder: str | Path, test: bool) -> Any:
    download = {"download": False} if "download" in keys else {}
    splits: list[dict[str, Any]] = [{"split": split} for split in (TEST_SPLITS if test else ("train",))]
    errors = []
    for which in [{"train": not test}] if "train" in keys else splits:
        try:
            return kind(root=str(folder), **which, **download)
        except (RuntimeError, ValueError, OSError) as error:
            errors.append(str(error).partition("\n")[0].rstrip("."))
    raise InputError(
        f"{kind.__name__} cannot be opened in {folder} ({errors[0]}); normenc downloads nothing: put its files there, "
        f"with torchvision.datasets.{kind.__name__}({str(folder)!r}, download=True) where it can do so"
    )


def _labels(source: Any, name: str) -> npt.NDArray[np.int64]:
    for attribute in ("targets", "labels", "_labels"):
        if hasattr(source, attribute):
            labels = np.asarray(getattr(source, attribute))
            break
    else:
        labels = np.array([source[index][1] for index in range(len(source))])
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise InputError(f"images of {name} do not have one class each; object recognition needs classes")
    return labels.astype(np.int64)
