"""The page that compares runs: how their settings and results differ."""

import base64
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.report.changed_settings import side_by_side
from normenc.report.comparison_rows import (
    GROUPS,
    conclusion_row,
    introduced,
    made_with,
    order_row,
    predictivity_rows,
    recording_rows,
    similarity_rows,
)
from normenc.report.comparison_sentences import cautions, changed, other_ways, what_differs
from normenc.report.matching import conclusions, encoder_table, order_agreement, predictivity_table
from normenc.report.pages import template
from normenc.runs import Run, open_all
from normenc.runs.agreement import agreeing
from normenc.runs.schema import REPORT, RUN_MARKER, SETTINGS
from normenc.whole_files import write_whole

__all__ = ["compare", "write_comparison"]

DRAWN = 40  # encoders in the picture


def write_comparison(
    folders: Sequence[str | Path], out: str | Path = "comparison.html", *, force: bool = False
) -> Path:
    """Write the page that compares runs.

    Parameters
    ----------
    folders : sequence of str or Path
        Two runs or more, as written by :func:`normenc.study.run`.
    out : str or Path
        The page to write. It appears once it is complete.
    force : bool
        Replace an existing page.

    Returns
    -------
    Path
        Path of the page.

    Raises
    ------
    InputError
        When there are fewer than two runs, a run is given twice, a folder is not a complete run, or `out` is taken or
        not the name of an HTML file.
    """
    out = Path(out)
    _check_free(out, force=force)
    text = compare(folders)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, text.encode("utf-8"))
    except OSError as error:
        raise InputError(
            f"{out}: the page cannot be written ({error.strerror}); choose another name with out="
        ) from None
    return out


def _check_free(out: Path, *, force: bool) -> None:
    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{out}: the page is an HTML file; choose a name that ends in .html")
    if out.name == REPORT and any((out.parent / name).exists() for name in (RUN_MARKER, SETTINGS)):
        raise InputError(f"{out}: this is the report of a run; choose another name with out=")
    if out.is_dir():
        raise InputError(f"{out}: this is a folder; choose another name with out=")
    if (out.exists() or out.is_symlink()) and not force:
        raise InputError(
            f"{out}: this page exists already; replace it with force=True, or choose another name with out="
        )
    for parent in out.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise InputError(f"{out}: {parent} is a file, not a folder; choose another name with out=")


def compare(folders: Sequence[str | Path]) -> str:
    """The page that compares runs, as self-contained HTML made from the runs' folders alone.

    Parameters
    ----------
    folders : sequence of str or Path
        Two runs or more, as written by :func:`normenc.study.run`.

    Raises
    ------
    InputError
        When there are fewer than two runs, a run is given twice, or a folder is not a complete run.
    """
    runs = open_all(folders)
    with agreeing(*runs):
        return _rendered(runs)


def _rendered(runs: list[Run]) -> str:
    table = encoder_table(runs)
    concluded = conclusions(runs, table)
    order = order_agreement(runs, table)
    settings = side_by_side([run.settings for run in runs])
    apart, same = changed(concluded)
    environment = side_by_side([made_with(run) for run in runs])
    return template("comparison").render(
        runs=[introduced(run) for run in runs],
        labels=[run.label for run in runs],
        cautions=cautions(runs),
        other_ways=other_ways(runs),
        sentences=what_differs(runs, settings, table, order, concluded),
        pictures=_pictures(table),
        groups=similarity_rows(runs, table),
        changed=[conclusion_row(runs, key, rows) for key, rows in apart],
        same=[conclusion_row(runs, key, rows) for key, rows in same],
        order=[order_row(runs, row) for row in order.itertuples()],
        predictivity=predictivity_rows(runs, predictivity_table(runs, table)),
        settings=_parted(settings),
        environment=_parted(environment),
        recordings=recording_rows(runs),
        warnings=[(run.label, (run.quality or {}).get("warnings") or []) for run in runs],
    )


def _parted(settings: Sequence[Any]) -> dict[str, list[Any]]:
    return {
        "apart": [setting for setting in settings if not setting.same],
        "same": [setting for setting in settings if setting.same],
    }


def _pictures(table: pd.DataFrame) -> list[tuple[str, str, str, bool]]:
    """A figure for each comparison method: address, alternative text, method, and whether encoders are left out."""
    import matplotlib.pyplot as plt

    from normenc import figures

    pictures = []
    for method, rows in table.groupby("comparison", sort=False):
        ranked = _ranked(rows)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph")  # letters that the picture's font has not
            figure = figures.common.figure_of(figures.run_comparison(ranked, runs=list(dict.fromkeys(table["label"]))))
            buffer = io.BytesIO()
            with figures.style():
                figure.savefig(buffer, format="svg", metadata={"Date": None}, facecolor="white")
            plt.close(figure)
        address = "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
        n = ranked[["kind", "encoder"]].drop_duplicates().shape[0]
        alt = (
            f"Similarities of {n} encoders in {ranked['label'].nunique()} runs ({method}), with confidence intervals "
            "and noise ceilings; the table below gives the numbers"
        )
        pictures.append((address, alt, str(method), n < rows[["kind", "encoder"]].drop_duplicates().shape[0]))
    return pictures


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by kind and mean similarity; of very many encoders only the controls and the most similar."""
    means = rows.groupby(["kind", "encoder"], sort=False)["similarity"].mean().rename("mean").reset_index()
    controls = means["kind"] == EncoderKind.CONTROL
    most = means[~controls].nlargest(max(0, DRAWN - int(controls.sum())), "mean")
    kept = pd.concat([most, means[controls].nlargest(DRAWN, "mean")])
    kinds = {kind: place for place, (kind, _) in enumerate(GROUPS)}
    kept = kept.assign(place=kept["kind"].map(kinds)).sort_values(["place", "mean"], ascending=[True, False])
    kept = kept.assign(rank=range(len(kept)))[["kind", "encoder", "rank"]]
    joined = rows.merge(kept, on=["kind", "encoder"]).sort_values(["rank", "run"], kind="stable")
    # The legend keeps the runs' order, whichever the first encoder has.
    first = joined.drop_duplicates("label").sort_values("run")
    return pd.concat([first, joined.drop(first.index)]).sort_values("rank", kind="stable") if len(first) else joined
