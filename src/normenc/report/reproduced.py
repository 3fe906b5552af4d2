"""The page of published numbers that were computed again: published beside found."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from normenc.report.pages import template
from normenc.report.wording import counted, join_names
from normenc.whole_files import write_whole

__all__ = ["write_reproduction"]

PAGE = "reproduction.html"
MANY = {"holds": "hold", "does not hold": "do not hold"}  # what is said of several


def write_reproduction(reproduction: Any, folder: str | Path) -> Path:
    """Write the page of published numbers that were computed again, ``reproduction.html``.

    Parameters
    ----------
    reproduction : Reproduction
        From :func:`normenc.published.reproduce`.
    folder : str or Path
        Where its table is.

    Returns
    -------
    Path
    """
    path = Path(folder) / PAGE
    text = template("reproduction").render(
        sentences=sentences(reproduction),
        publications=[
            {"title": own.title, "citation": own.citation, "rows": rows, "notes": notes(rows)}
            for own in reproduction.publications
            for rows in [_rows(reproduction.table, own.name)]
        ],
    )
    write_whole(path, text.encode("utf-8"))
    return path


def sentences(reproduction: Any) -> list[str]:
    """How many of the published numbers have each result."""
    n = len(reproduction.table)
    parts = [f"{own} {name if own == 1 else MANY.get(name, name)}" for name, own in reproduction.counts().items()]
    return [f"Of {counted(n, 'published number')}: {'; '.join(parts)}."]


def notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader must know of some claims, and what differs from their published computation: each text once.

    Examples
    --------
    >>> notes([{"claim": own, "note": "", "differs": "other neurons"} for own in ("L4", "L5")])
    ['L4 and L5: what differs from the published computation: other neurons']
    """
    said: dict[str, list[str]] = {}
    for row in rows:
        differs = f"what differs from the published computation: {row['differs']}" if row["differs"] else ""
        for text in filter(None, (row["note"], differs)):
            said.setdefault(text, []).append(row["claim"])
    return [f"{join_names(claims)}: {text}" for text, claims in said.items()]


def _rows(table: Any, name: str) -> list[dict[str, Any]]:
    rows = table[table["publication"] == name].to_dict("records")
    return [row | {"found_text": found_in_words(row)} for row in rows]


def found_in_words(row: dict[str, Any]) -> str:
    """The number that was found, with its interval where it has one.

    Examples
    --------
    >>> found_in_words({"found": 0.72512, "found_low": float("nan"), "found_high": float("nan")})
    '0.7251'
    >>> found_in_words({"found": 1.04, "found_low": 1.02, "found_high": 1.06})
    '1.04 (1.02 to 1.06)'
    """
    if math.isnan(row["found"]):
        return "–"
    text = f"{row['found']:.4g}"
    has_interval = not (math.isnan(row["found_low"]) or math.isnan(row["found_high"]))
    text += f" ({row['found_low']:.4g} to {row['found_high']:.4g})" if has_interval else ""
    return text.replace("-", "−") if row["found"] < 0 and "e" not in text else text
