"""Notes on fits to neurons, each once for all encoders that it is about."""

import re
from collections.abc import Sequence
from typing import Any

from normenc.report.wording import join_names

__all__ = ["fit_notes"]

EDGE = re.compile(  # as normenc.encoding says it, with its advice, which here follows once for all
    r"([\d.]+)% of the neurons' penalties lie at the (lower|upper) edge of the grid, ([^;]+); "
    r"(?:begin the grid lower|that is so for neurons)[^;]*"
)
MEANS = {
    "lower": "there errors often hardly depend on the penalty, as with nearly noiseless data",
    "upper": "there neurons are, as a rule, those that the encoder does not predict",
}


def fit_notes(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Notes of the rows of ``predictivity.csv`` as sentences.

    Examples
    --------
    >>> edge = "{}% of the neurons' penalties lie at the lower edge of the grid, 1e-05; begin the grid lower, unless ..."
    >>> for said in fit_notes([{"encoder": "pool", "notes": edge.format(64.2)}, {"encoder": "fc", "notes": "it failed"}]):
    ...     print(said)
    In ridge regression, the best penalty lies at the lower end of the grid (1e-05) for 64.2 % of neurons predicted from pool: there errors often hardly depend on the penalty, as with nearly noiseless data.
    Study files have no key for the grid: to try another one, give penalties to normenc.encoding.cross_validated_predictions.
    fc: it failed
    """  # noqa: E501
    edges: dict[tuple[str, str], list[str]] = {}
    others: dict[str, list[str]] = {}
    for row in rows:
        note = row["notes"] if isinstance(row["notes"], str) else ""
        for share, side, value in EDGE.findall(note):
            edges.setdefault((side, value), []).append(f"{share} % of neurons predicted from {row['encoder']}")
        rest = EDGE.sub("", note).strip("; ")
        if rest:
            others.setdefault(rest, []).append(str(row["encoder"]))
    said = [
        f"In ridge regression, the best penalty lies at the {side} end of the grid ({value}) for "
        f"{join_names([shares[0], *(share.replace('of neurons predicted from ', 'from ') for share in shares[1:])])}: "
        f"{MEANS[side]}."
        for (side, value), shares in edges.items()
    ]
    if edges:
        said.append(
            "Study files have no key for the grid: to try another one, give penalties to "
            "normenc.encoding.cross_validated_predictions."
        )
    return [*said, *(f"{join_names(labels)}: {note}" for note, labels in others.items())]
