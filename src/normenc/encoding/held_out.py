"""Which rows a network is fitted to, and which are held out to choose its best epoch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from normenc.arrays import as_responses
from normenc.encoding.cores import as_images, same_images
from normenc.errors import InputError

__all__ = ["FittedData", "Rows", "check_rows"]

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class FittedData:
    """The fitted data and the held-out data (None if nothing is held out), on the device."""

    images: torch.Tensor
    responses: torch.Tensor
    other_images: torch.Tensor | None
    other_responses: torch.Tensor | None
    held_out: Rows

    @classmethod
    def of(cls, images: Any, responses: Any, validation: Any, seed: int, device: torch.device) -> "FittedData":
        """Split rows by `validation`, see :func:`normenc.encoding.fit`; raises InputError if that is impossible."""
        shown, recorded = as_images(images), torch.from_numpy(as_responses(responses).astype(np.float32))
        check_rows(shown, recorded)
        held_out = np.empty(0, dtype=np.intp)
        others: tuple[Any, Any] = (None, None)
        if isinstance(validation, tuple):
            others = as_images(validation[0]), torch.from_numpy(as_responses(validation[1]).astype(np.float32))
            check_rows(*others)
            if others[0].shape[1:] != shown.shape[1:] or others[1].shape[1] != recorded.shape[1]:
                raise InputError(
                    f"validation has images {tuple(others[0].shape)} and responses {tuple(others[1].shape)}, but the "
                    f"fitted data have {tuple(shown.shape)} and {tuple(recorded.shape)}; give the same pixels and "
                    "neurons"
                )
        elif validation is not None:
            held_out = _rows_held_out(validation, shown, seed)
            fitted = torch.from_numpy(np.setdiff1d(np.arange(len(shown)), held_out))
            others = shown[held_out], recorded[held_out]
            shown, recorded = shown[fitted], recorded[fitted]
        if others[0] is not None:
            others = others[0].to(device), others[1].to(device)
        return cls(shown.to(device), recorded.to(device), *others, held_out)


def check_rows(images: Any, responses: Any) -> None:
    """Raise InputError unless every row of responses has an image."""
    if len(images) != len(responses):
        raise InputError(
            f"there are {len(images)} images but {len(responses)} rows of responses; give one image per row (for "
            "trials: images[stimulus_index])"
        )


def _rows_held_out(validation: Any, images: torch.Tensor, seed: int) -> Rows:
    """Rows, from a share of the different images or as given, sorted."""
    n = len(images)
    if not isinstance(validation, float):
        rows = np.unique(np.asarray(validation, dtype=np.intp).ravel())
        if not 0 < len(rows) < n or rows[0] < 0 or rows[-1] >= n:
            raise InputError(f"validation has {len(rows)} rows; give some of the rows 0 to {n - 1}, but not all")
        return rows
    number = same_images(images)
    n_different = int(number.max()) + 1
    if not 0 < validation < 1 or n_different < 2:
        raise InputError(
            f"validation is {validation} with {n_different} different images; give a share between 0 and 1 and at "
            "least 2 images, or None"
        )
    n_held_out = min(max(1, round(validation * n_different)), n_different - 1)
    chosen = np.random.default_rng([seed, 1]).permutation(n_different)[:n_held_out]
    return np.flatnonzero(np.isin(number, chosen))
