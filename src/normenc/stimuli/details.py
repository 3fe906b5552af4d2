"""What images are like, as it is seen when they are first read: colours, brightness, contrast, and which are alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import numpy.typing as npt

__all__ = ["Details"]

DIM = 1 / 8  # of white


@dataclass(frozen=True)
class Details:
    """What each of several images is like; all attributes have the shape (n_images,).

    Attributes
    ----------
    is_colour : ndarray of bool
        Whether its channels differ.
    is_flat : ndarray of bool
        Whether all of its pixels are alike.
    brightest : ndarray of float32
        Its largest value, as a share of white.
    digest : ndarray of bytes
        Of its pixels.
    """

    is_colour: npt.NDArray[np.bool_]
    is_flat: npt.NDArray[np.bool_]
    brightest: npt.NDArray[np.float32]
    digest: npt.NDArray[np.void]

    @classmethod
    def of(cls, images: npt.NDArray[Any]) -> Self:
        """Of images in memory, shape (n, height, width) or (n, height, width, 3)."""
        n_axes, n = images.ndim, len(images)
        coloured = (images[..., :1] != images[..., 1:]).reshape(n, -1).any(axis=1) if n_axes == 4 else np.zeros(n, bool)
        flat = (images == images[:, :1, :1]).reshape(n, -1).all(axis=1)
        brightest = images.reshape(n, -1).max(axis=1) / np.float32(255 if images.dtype == np.uint8 else 1)
        digests = b"".join(blake2b(np.ascontiguousarray(image).data, digest_size=16).digest() for image in images)
        return cls(coloured, flat, brightest.astype(np.float32), np.frombuffer(digests, dtype="V16"))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Those of several blocks, one after another."""
        names = ("is_colour", "is_flat", "brightest", "digest")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def chosen(self, places: npt.NDArray[np.intp]) -> Self:
        """Those of some of the images."""
        return type(self)(self.is_colour[places], self.is_flat[places], self.brightest[places], self.digest[places])

    @property
    def said(self) -> tuple[str, ...]:
        """What about the images speaks for a fault, in words.

        Examples
        --------
        >>> Details.of(np.full((3, 4, 4), 200, dtype=np.uint8)).said[0]
        '3 of 3 images are the same as another one (1 different)'
        """
        n, said = len(self.digest), []
        _, counts = np.unique(self.digest.tolist(), return_counts=True)
        if (counts > 1).any():
            alike = int(counts[counts > 1].sum())
            said.append(f"{alike:,} of {n:,} images are the same as another one ({len(counts):,} different)")
        if self.is_flat.any():
            one = self.is_flat.sum() == 1
            which = "has no contrast: all of its pixels" if one else "have no contrast: all of their pixels"
            said.append(f"{self.is_flat.sum():,} of {n:,} images {which} are alike")
        if self.brightest.max() <= DIM:
            said.append(
                f"no image is brighter than {self.brightest.max():.2g} of white; if their values use fewer bits than "
                "they are stored with, divide them by the value of white"
            )
        return tuple(said)
