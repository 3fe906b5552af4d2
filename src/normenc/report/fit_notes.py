"""Notes on fits to neurons, each stated once for all encoders that it concerns."""

import re
from collections.abc import Sequence
from typing import Any

from normenc.report.wording import join_names

__all__ = ["fit_notes"]

EDGE = re.compile(  # the note of normenc.encoding; its advice is replaced by one sentence for all
    r"([\d.]+)% of the neurons' penalties lie at the (lower|upper) edge of the grid, ([^;]+); "
    r"(?:begin the grid lower|that is so for neurons)[^;]*"
)
MEANS = {
    "lower": "the prediction error then often hardly depends on the penalty, as with nearly noiseless data",
    "upper": "these are usually neurons that the encoder does not predict",
}


def fit_notes(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Notes of the rows of ``predictivity.csv`` as sentences.

    Examples
    --------
    >>> edge = "{}% of the neurons' penalties lie at the lower edge of the grid, 1e-05; begin the grid lower, unless ..."
    >>> for said in fit_notes([{"encoder": "pool", "notes": edge.format(64.2)}, {"encoder": "fc", "notes": "it failed"}]):
    ...     print(said)
    In ridge regression, the best penalty lies at the lower end of the grid (1e-05) for 64.2 % of neurons predicted from pool: the prediction error then often hardly depends on the penalty, as with nearly noiseless data.
    The grid cannot be set in a study file; to try another one, pass penalties to normenc.encoding.cross_validated_predictions.
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
            "The grid cannot be set in a study file; to try another one, pass penalties to "
            "normenc.encoding.cross_validated_predictions."
        )
    return [*said, *(f"{join_names(labels)}: {note}" for note, labels in others.items())]
