"""What a run's folder holds of each population that the pictures show: the recording, layers and controls."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import figures
from normenc.encoders import LEARNED, EncoderKind
from normenc.runs.reading import Run
from normenc.stimulus_types import as_type
from normenc.stimulus_types.known import drawn_as

__all__ = [
    "among",
    "described_kind",
    "described_populations",
    "drawn_stimuli",
    "population_labels",
    "rdms_by_population",
    "recording_label",
    "responses_of",
    "shown_order",
    "shown_populations",
    "stimulus_axis",
    "tuned_axis",
    "units_by_population",
]

RECORDING = "recording"  # the kind of the first population


def recording_label(run: Run) -> str:
    """What the recording is called among the populations."""
    return population_labels(run)[0]


def population_labels(run: Run) -> list[str]:
    """What the populations are called, the recording first."""
    return run.shown["population"].tolist()


def shown_populations(run: Run) -> tuple[list[str], list[str]]:
    """The recording and the layers that learned, and the other populations, that the pictures show."""
    encoder_kinds = dict(zip(run.shown["population"], run.shown["kind"], strict=True))
    first = [label for label, encoder_kind in encoder_kinds.items() if encoder_kind in (RECORDING, *LEARNED)]
    return first, [label for label in encoder_kinds if label not in first]


def described_populations(run: Run) -> tuple[list[str], list[str]]:
    """The recording and layers that learned, and the controls, whose tuning the pictures show; the recording always."""
    assert run.tuning is not None
    (trained, others), known = shown_populations(run), set(run.tuning["population"])
    plain = [label for label in others if label in known and run.encoders[label].kind is EncoderKind.CONTROL]
    return [label for label in trained if label in known or label == recording_label(run)], plain


def rdms_by_population(run: Run) -> dict[str, npt.NDArray[np.float64]]:
    """RDMs of what the figures show, by label; stimuli are those of :func:`drawn_stimuli`, in their order."""
    rdms = run.rdms_of(shown_order(run)[1][drawn_stimuli(run)].tolist())
    return dict(zip(population_labels(run), rdms.to_numpy(), strict=True))


def drawn_stimuli(run: Run) -> npt.NDArray[np.intp]:
    """Which stimuli figures of RDMs show, in the order of the figures: all or, of many, some at even distances."""
    return figures.drawn(len(run.stimulus_values))


def shown_order(run: Run) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """The stimuli as all figures show them, in their order, and the place of each among those of the run's arrays.

    A recording may count orientations from 0 up to 180 degrees; tuning is described from -90 up to 90.
    """
    shown = as_type(run.recording["stimuli"])
    return shown.in_order(run.stimulus_values)


def stimulus_axis(run: Run, some: npt.NDArray[np.intp] | None = None) -> dict[str, Any]:
    """Where the stimuli, or some of them, stand, and what tells a picture their type."""
    shown = as_type(run.recording["stimuli"])
    values = shown_order(run)[0]
    return {"orientation": shown.places(values if some is None else values[some]), **drawn_as(shown)}


def described_kind(run: Run) -> str:
    """Of the stimuli by which neurons are described; directions may be folded for the comparison."""
    return str(run.recording["described"])


def tuned_axis(run: Run) -> dict[str, Any]:
    """The stimuli by which neurons are described, and which population is the recording."""
    assert run.populations is not None
    return {
        "orientation": run.populations["tuned_stimulus"].to_numpy(),
        "period": as_type(described_kind(run)).period,
        "recording": recording_label(run),
    }


def responses_of(run: Run, label: str, name: str) -> npt.NDArray[np.float32] | None:
    """Responses, or their standard errors, of a population; populations.nc has those of small ones."""
    assert run.populations is not None
    own = run.source_data["tuning"][label]
    if own["whole"]:
        variable = {"average": "tuning", "standard_error": "standard_error"}[name]
        return run.populations[f"{variable}_{population_labels(run).index(label)}"].to_numpy()
    tuning: npt.NDArray[np.float32] | None = own.get(name)
    return tuning


def units_by_population(run: Run) -> dict[str, pd.DataFrame]:
    """Rows of ``tuning_units.csv`` of every population."""
    table = run.exact("tuning_units")
    return {} if table is None else {str(label): own for label, own in table.groupby("population", sort=False)}


def among(values: Mapping[str, Any], labels: Iterable[str]) -> dict[str, Any]:
    """Those of `labels`, None for a recording known only by its RDM."""
    return {label: values.get(label) for label in labels}
