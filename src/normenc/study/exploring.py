"""What a run keeps of each population for the explorers: components, tuning, the stimuli as pictures."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
from PIL import Image

from normenc.runs.schema import SHEET_COLUMNS
from normenc.stimuli import ImageSet
from normenc.study.describing import Description
from normenc.study.evaluation import Evaluation

__all__ = ["population_dataset", "stimulus_sheet"]

N_COMPONENTS = 3
MOST_UNITS = 200  # of a population whose tuning is kept
LARGEST_SIDE = 64  # pixels of a stimulus on the sheet
SHEET_PIXELS = 2_000_000  # of all images on the sheet, so that a report of thousands stays small
BLOCK = 256  # images read at a time
SEED = 0


def population_dataset(evaluation: Evaluation) -> xr.Dataset:
    """Make ``populations.nc``: of the recording and of every encoder that the pictures show.

    Returns
    -------
    Dataset
        Along ``population``: ``label`` (as in tables and pictures), ``key`` (as in ``rdms.nc``), ``kind``, and
        ``components`` (population, stimulus, component), the first three principal components of the responses. For the
        k-th population whose tuning is known: ``tuning_k`` and ``standard_error_k`` (tuned_stimulus, unit_k), means
        over trials of at most 200 units drawn at random, with their numbers (``unit_k``) and names (``name_k``).
    """
    recording = evaluation.recording
    shown = evaluation.shown
    own = evaluation.recording_label
    labels = [own, *(r.label for r in shown)]
    components = np.zeros((len(labels), recording.n_stimuli, N_COMPONENTS))
    for row, label in zip(components, labels, strict=True):
        first = evaluation.components[label][:, :N_COMPONENTS]
        row[:, : first.shape[1]] = first
    dataset = xr.Dataset(
        {
            "components": (("population", "stimulus", "component"), components.astype(np.float32)),
            "key": ("population", [own, *(r.key for r in shown)]),
            "kind": ("population", ["recording", *(r.encoder.kind.value for r in shown)]),
        },
        coords={"population": labels, recording.kind: ("stimulus", recording.stimulus)},
        attrs={"title": "populations that the report shows", "of_units": "drawn at random, where there are many"},
    )
    for index, label in enumerate(labels):
        if (description := evaluation.descriptions.get(label)) is not None:
            dataset = dataset.assign(_tuning(index, description))
    return dataset


def stimulus_sheet(images: Any) -> bytes:
    """Draw all stimuli side by side as one PNG, in their colours: 20 in a row, each at most 64 pixels wide and high.

    Parameters
    ----------
    images : Tensor, shape (n_stimuli, height, width), or ImageSet
        Values 0 to 1. Of a set of many images, each is smaller: all together have at most 2 million pixels.
    """
    if isinstance(images, ImageSet):
        small = images.at_most(max(8, min(LARGEST_SIDE, int((SHEET_PIXELS / len(images)) ** 0.5))))
        values = np.concatenate([_as_bytes(small[k : k + BLOCK]) for k in range(0, len(small), BLOCK)])
    else:
        step = max(1, -(-max(images.shape[1:]) // LARGEST_SIDE))
        values = _as_bytes(images[:, ::step, ::step])
    n, height, width, *colours = values.shape
    n_rows = -(-n // SHEET_COLUMNS)
    padded = np.full((n_rows * SHEET_COLUMNS, height, width, *colours), 128, dtype=np.uint8)
    padded[:n] = values
    tiles = padded.reshape(n_rows, SHEET_COLUMNS, height, width, *colours).swapaxes(1, 2)
    sheet = tiles.reshape(n_rows * height, SHEET_COLUMNS * width, *colours)
    content = BytesIO()
    Image.fromarray(sheet).save(content, "png", optimize=True)
    return content.getvalue()


def _as_bytes(images: torch.Tensor) -> npt.NDArray[np.uint8]:
    """Images as bytes, with colours last."""
    pixels = images.clamp(0, 1).mul(255).round().byte().numpy()
    return np.moveaxis(pixels, 1, -1) if pixels.ndim == 4 else pixels


def _tuning(index: int, description: Description) -> dict[str, Any]:
    n_units = description.average.shape[1]
    names = np.full(n_units, "") if description.neurons is None else description.neurons
    some = np.sort(np.random.default_rng(SEED).permutation(n_units)[:MOST_UNITS])
    unit = f"unit_{index}"
    return {
        f"tuning_{index}": (("tuned_stimulus", unit), description.average[:, some].astype(np.float32)),
        f"standard_error_{index}": (("tuned_stimulus", unit), description.standard_error[:, some].astype(np.float32)),
        unit: (unit, description.summary.units.index.to_numpy()[some]),
        f"name_{index}": (unit, names[some]),
        "tuned_stimulus": ("tuned_stimulus", description.stimulus),
    }
