"""Data for the interactive figures of the page: the run's populations.

Matrices and curves are base64 of little-endian numbers, which browsers decode quickly. Names are plain text: scripts
set them as text, and escape them where Plotly would read them as markup.
"""

import base64
import io
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from PIL import Image

from normenc import figures
from normenc.report.embedded import sheet_uri
from normenc.runs import Run
from normenc.runs.schema import SHEET_COLUMNS
from normenc.stimulus_types import StimulusType, as_type
from normenc.texts import visible

__all__ = ["MOST_POPULATIONS", "explorer", "facts_of", "placed"]

MOST_STIMULI = 200  # of more, 200 are taken at even distances
MOST_POPULATIONS = 24
LEVELS = 65535  # of dissimilarities, or tuning curves, between a population's smallest and largest value
FACTS = (
    *("preferred_orientation_deg", "preferred_direction_deg", "gosi", "gdsi", "width_deg", "reliability"),
    *("p_stimulus", "p_orientation", "p_direction", "p_responsive", "tuned_orientation", "tuned_direction"),
)


def explorer(run: Run, by_method: list[tuple[str, list[dict[str, Any]]]]) -> dict[str, Any] | None:
    """Data for the page's scripts, ready for JSON; None if the run has none (an older version).

    Parameters
    ----------
    run : Run
    by_method : list of (str, rows)
        Comparison methods and their rows, as in ``similarity.csv``, the study's own method first.

    Returns
    -------
    dict
        ``stimuli`` (labels, angles or None, period and its start, and the sheet of their images), ``populations``
        (label, kind, RDM, components, tuning), the RDMs' ``metric`` and whether each has a scale of its own, and of
        the ``leaderboard`` its labels and, by method, its rows.
    """
    populations = run.populations
    if populations is None:
        return None
    shown, stimulus, n_stimuli, chosen = placed(run, populations)
    rdms = run.rdms_of(chosen.tolist())
    matrices, metric = rdms.to_numpy(), str(rdms.attrs["metric"])
    units = pd.DataFrame(columns=["population", "unit"]) if run.tuning_units is None else run.tuning_units
    shown_populations = [
        _population(populations, index, matrices[index], chosen, units, _totals(run.tuning))
        for index in range(min(len(matrices), MOST_POPULATIONS))
    ]
    return {
        "stimuli": _stimuli(run.stimuli, stimulus, chosen, n_stimuli, shown),
        "populations": shown_populations,
        "metric": metric,
        "own_scales": shown.is_named or figures.are_flat(dict(enumerate(matrices)), metric),
        "leaderboard": {
            "labels": run.similarity["encoder"].tolist(),
            "methods": [_method(name, rows) for name, rows in by_method],
        },
    }


def placed(run: Run, populations: xr.Dataset) -> tuple[StimulusType, npt.NDArray[Any], int, npt.NDArray[np.intp]]:
    """The type of a run's stimuli, those that are shown in order, how many there are, and places of those shown."""
    shown = as_type(run.recording["stimuli"])
    stimulus, order = shown.in_order(populations[shown.name].to_numpy())
    some = np.unique(np.linspace(0, len(stimulus) - 1, min(len(stimulus), MOST_STIMULI)).round().astype(int))
    return shown, stimulus[some], len(stimulus), order[some]


def _population(
    populations: xr.Dataset,
    index: int,
    rdm: npt.NDArray[Any],
    chosen: npt.NDArray[np.intp],
    units: pd.DataFrame,
    totals: dict[str, int],
) -> dict[str, Any]:
    own = populations.isel(population=index)
    label = visible(str(own["population"].item()))
    return {
        "label": label,
        "kind": str(own["kind"].item()),
        "rdm": _levels(rdm[np.triu_indices(len(chosen), k=1)]),
        "components": _encoded(own["components"].to_numpy()[chosen], "<f4"),
        "tuning": _tuning(own, index, units[units["population"] == label], totals.get(label))
        if f"tuning_{index}" in populations
        else None,
    }


def _method(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    tests = (f"p_{test}{corrected}" for test in ("permutations", "shifts", "ceiling") for corrected in ("", "_holm"))
    columns = ("similarity", "low", "high", *tests)
    ceiling = [rows[0]["ceiling_lower"], rows[0]["ceiling_upper"]]
    return {
        "name": name,
        "rows": [
            {column: _number(row[column]) for column in columns}
            | {"minus_ceiling": _number(row["similarity"] - row["ceiling_lower"])}
            for row in rows
        ],
        "ceiling": [_number(value) for value in ceiling],
    }


def _tuning(own: xr.Dataset, index: int, units: pd.DataFrame, total: int | None) -> dict[str, Any]:
    mean, error = own[f"tuning_{index}"].to_numpy(), own[f"standard_error_{index}"].to_numpy()
    numbers, names = own[f"unit_{index}"].to_numpy(), own[f"name_{index}"].to_numpy()
    low, high = float(mean.min()), float(mean.max())
    scale = (high - low) / LEVELS or 1.0
    known = bool(np.isfinite(error).all())
    return {
        "angles": own["tuned_stimulus"].to_numpy().tolist(),
        "units": numbers.tolist(),
        "names": [visible(str(name)) for name in names],
        "total": total,
        "low": low,
        "scale": scale,
        "mean": _encoded(np.round((mean.T - low) / scale), "<u2"),
        "error": _encoded(np.minimum(np.round(error.T / scale), LEVELS), "<u2") if known else None,
        "facts": facts_of(units, numbers),
    }


def facts_of(units: pd.DataFrame, numbers: npt.NDArray[Any]) -> dict[str, list[float | None]]:
    """What ``tuning_units.csv`` says of a population's units, in the order of `numbers`, by column."""
    numbered = len(units) > 0 and bool(units["unit"].notna().all())  # neurons have names, and all are there in order
    units = units.set_index("unit") if numbered else units.reset_index(drop=True)
    known = [name for name in FACTS if name in units and units[name].notna().any()]
    return {name: _finite(units[name].reindex(numbers).astype(float)) for name in known}


def _totals(tuning: pd.DataFrame | None) -> dict[str, int]:
    """Number of neurons or units in each population, by label."""
    rows = [] if tuning is None else zip(tuning["population"], tuning["n_all"], strict=True)
    return {str(label): int(n) for label, n in rows}


def _stimuli(
    sheet: bytes, stimulus: npt.NDArray[Any], chosen: npt.NDArray[np.intp], n_stimuli: int, shown: StimulusType
) -> dict[str, Any]:
    period = shown.period
    angles = None if period is None else stimulus.astype(float).tolist()
    labels = [visible(shown.text(own)) for own in stimulus] if angles is None else [_degrees(own) for own in angles]
    picture, width, height = _cut(sheet, n_stimuli, chosen)
    return {
        "kind": shown.noun,
        "named": shown.is_named,
        "period": int(period) if period is not None and period == int(period) else period,
        "start": shown.start,
        "labels": labels,
        "angles": angles,
        "thinned_from": n_stimuli if len(chosen) < n_stimuli else None,
        "sheet": sheet_uri(picture),
        "columns": SHEET_COLUMNS,
        "width": width,
        "height": height,
    }


def _cut(sheet: bytes, n_stimuli: int, chosen: npt.NDArray[np.intp]) -> tuple[bytes, int, int]:
    """A PNG of the chosen stimuli, in their order, and the width and height of each."""
    with Image.open(io.BytesIO(sheet)) as image:
        width, height = image.width // SHEET_COLUMNS, image.height // -(-n_stimuli // SHEET_COLUMNS)
        if np.array_equal(chosen, np.arange(n_stimuli)):
            return sheet, width, height
        kept = Image.new(image.mode, (SHEET_COLUMNS * width, -(-len(chosen) // SHEET_COLUMNS) * height))
        for place, number in enumerate(chosen.tolist()):
            row, column = divmod(number, SHEET_COLUMNS)
            tile = image.crop((column * width, row * height, (column + 1) * width, (row + 1) * height))
            kept.paste(tile, (place % SHEET_COLUMNS * width, place // SHEET_COLUMNS * height))
    file = io.BytesIO()
    kept.save(file, "PNG", optimize=True)
    return file.getvalue(), width, height


def _degrees(angle: float) -> str:
    rounded = float(f"{angle:.4g}") + 0.0  # no minus zero
    return f"{rounded:g}°".replace("-", "−")


def _levels(values: npt.NDArray[Any]) -> dict[str, Any]:
    """Numbers in two bytes each: `low` and so many times `scale`."""
    low, high = float(values.min()), float(values.max())
    scale = (high - low) / LEVELS or 1.0
    return {"low": low, "scale": scale, "values": _encoded(np.round((values - low) / scale), "<u2")}


def _encoded(values: npt.NDArray[Any], dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")


def _finite(values: pd.Series) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
