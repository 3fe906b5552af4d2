"""What the figures of tuning show, for their captions."""

from typing import Any

import pandas as pd

from normenc.encoders import EncoderKind
from normenc.recordings.steps import only_responsive
from normenc.report.wording import join_names
from normenc.runs import Run

__all__ = ["tuning_facts"]

N_BEST, SILENT = 3, 0.05  # units that are drawn; share of the largest response below which a unit hardly responds


def tuning_facts(run: Run) -> dict[str, Any] | None:
    """Rows of ``tuning.csv`` (none of an older version's), and what the figures of tuning show."""
    table, units = run.tuning, run.tuning_units
    if table is None:
        return None
    if units is None or "n_tested_tuned" not in table:
        return {"rows": []}
    return {
        "rows": table.to_dict("records"),
        "blanks": "n_responsive" in table,
        "kept_responsive": only_responsive(run.recording["steps"]),
        "directions": "n_tuned_direction" in table,
        "halves": bool(table["spectrum_cross_validated"].any()),
        "laws": bool(table["spectrum_exponent"].notna().any()),
        "with_controls": bool((table["kind"] == EncoderKind.CONTROL).any()),
        "untested": join_names(table.loc[table["n_tested_tuned_orientation"] == 0, "population"].astype(str).tolist()),
        "sampled": bool((table["n_units"] < table["n_all"]).any()),
        **_of_units(units),
    }


def _of_units(units: pd.DataFrame) -> dict[str, Any]:
    """Facts about single units for the captions: no preference, weak responses, widths at a bound."""
    none = units["preferred_orientation_deg"].isna()
    own = units[units["kind"] != EncoderKind.CONTROL]
    bounds = units[units["width_at_bound"].eq(True)] if "width_at_bound" in units else units[:0]
    tuned = bounds["tuned_orientation"].eq(True)
    return {
        "some_prefer_none": bool(none.any()),
        "some_rows_prefer_none": bool(none[own.index].any()),
        "some_unselective": bool(units["gosi"].isna().any()),
        "silent": _silent(own) if "response_range" in units else "",
        "at_bound": [(str(name), int(n)) for name, n in bounds[tuned].groupby("population", sort=False).size().items()],
    }


def _silent(units: pd.DataFrame) -> str:
    """Populations whose most selective units hardly respond, compared with the most responsive unit."""
    silent = []
    for population, rows in units.groupby("population", sort=False):
        tested = rows["tuned_orientation"].notna().any()
        best = rows[rows["tuned_orientation"].eq(True)] if tested else rows
        shown = best.sort_values("gosi", ascending=False, kind="stable").head(N_BEST)["response_range"]
        share = shown.max() / rows["response_range"].max()
        if share < SILENT:
            silent.append(f"{population} ({100 * share:.2g} %)")
    return join_names(silent)
