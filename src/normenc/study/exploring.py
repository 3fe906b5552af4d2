"""What a run keeps of each population for the explorers: components, tuning, the stimuli as pictures."""

from io import BytesIO
from typing import Any

import numpy as np
import xarray as xr
from PIL import Image

from normenc.runs.schema import SHEET_COLUMNS
from normenc.study.describing import Description
from normenc.study.evaluation import Evaluation

__all__ = ["population_dataset", "stimulus_sheet"]

N_COMPONENTS = 3
MOST_UNITS = 200  # of a population whose tuning is kept
LARGEST_SIDE = 64  # pixels of a stimulus on the sheet
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
    """Draw all stimuli side by side as one grey PNG: 20 in a row, each at most 64 pixels wide and high.

    Parameters
    ----------
    images : Tensor, shape (n_stimuli, height, width)
        Grey values 0 to 1.
    """
    step = max(1, -(-max(images.shape[1:]) // LARGEST_SIDE))
    values = images[:, ::step, ::step].clamp(0, 1).mul(255).round().byte().numpy()
    n, height, width = values.shape
    n_rows = -(-n // SHEET_COLUMNS)
    padded = np.full((n_rows * SHEET_COLUMNS, height, width), 128, dtype=np.uint8)
    padded[:n] = values
    sheet = padded.reshape(n_rows, SHEET_COLUMNS, height, width).swapaxes(1, 2).reshape(n_rows * height, -1)
    content = BytesIO()
    Image.fromarray(sheet).save(content, "png", optimize=True)
    return content.getvalue()


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
