"""Several runs on one page: what changed in settings and results."""

import base64
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.report.changed_settings import beside
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
from normenc.report.wording import shown
from normenc.runs import open_all
from normenc.runs.schema import MARKER, REPORT, SETTINGS
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
        The page to write. It appears when it is whole.
    force : bool
        Replace a page that is there already.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    InputError
        When there are fewer than two runs, one stands twice, a folder is no whole run, or `out` is no free name of an
        HTML file.
    """
    out = Path(out)
    _check_free(out, force=force)
    text = compare(folders)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, text.encode("utf-8"))
    except OSError as error:
        raise InputError(f"{out}: this page cannot be written ({error.strerror}); choose another --out") from None
    return out


def _check_free(out: Path, *, force: bool) -> None:
    if out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{out}: the page is an HTML file; choose a name with .html")
    if out.name == REPORT and any((out.parent / name).exists() for name in (MARKER, SETTINGS)):
        raise InputError(f"{out}: this is the report of a run; choose another name with --out")
    if out.is_dir():
        raise InputError(f"{out}: this is a folder; choose another name with --out")
    if (out.exists() or out.is_symlink()) and not force:
        raise InputError(f"{out}: there is a page already; add --force to replace it, or choose another --out")
    for parent in out.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise InputError(f"{out}: {parent} is a file, so that no folder can be made there; choose another --out")


def compare(folders: Sequence[str | Path]) -> str:
    """The page that compares runs, as HTML; it reads the runs' folders alone, and asks no other place for anything.

    Parameters
    ----------
    folders : sequence of str or Path
        Two runs or more, as written by :func:`normenc.study.run`.

    Raises
    ------
    InputError
        When there are fewer than two, one stands twice, or a folder is no whole run.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    runs = open_all(folders)
    table = encoder_table(runs)
    concluded = conclusions(runs, table)
    order = order_agreement(runs, table)
    settings = beside([run.settings for run in runs])
    apart, same = changed(concluded)
    environment = beside([made_with(run) for run in runs])
    page = Environment(
        loader=PackageLoader("normenc.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=shown,
    ).get_template("comparison.html.j2")
    return page.render(
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
    """A picture of each comparison method: its address, its text, its method, and whether encoders are left out."""
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
            f"Similarities of {n} encoders in {ranked['label'].nunique()} runs ({method}), with intervals and noise "
            "ceilings; the table below has the numbers"
        )
        pictures.append((address, alt, str(method), n < rows[["kind", "encoder"]].drop_duplicates().shape[0]))
    return pictures


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows by kind and mean similarity; where there are very many encoders, the controls and the most similar."""
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
