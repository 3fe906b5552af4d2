"""What layers explain beyond all controls together, as sentences."""

import pandas as pd

from normenc.encoders import LEARNED
from normenc.report.wording import interval, join_names, minus

__all__ = ["beyond", "beyond_controls"]

MANY = 4  # layers that are described one by one

OF = {
    "dissimilarities": "of the variance of the recording’s dissimilarities",
    "responses": "of the explainable variance of the neurons’ responses",
}


def beyond(partitioning: pd.DataFrame | None, similarity: pd.DataFrame) -> str:
    """The sentence that is added to the answer: what the best layer explains beyond all controls together.

    Parameters
    ----------
    partitioning : DataFrame or None
        The rows of ``partitioning.csv``.
    similarity : DataFrame
        Those of ``similarity.csv``.

    Returns
    -------
    str
        Empty if it is not known.

    Examples
    --------
    >>> similarity = pd.DataFrame({"encoder": ["pool", "fc"], "kind": "trained layer", "similarity": [0.6, 0.4]})
    >>> parts = pd.DataFrame({
    ...     "encoder": ["pool", "fc"], "variance_of": "dissimilarities", "controls": "pixels, gist",
    ...     "unique": [0.04, 0.001], "unique_low": [0.01, 0.0], "unique_high": [0.07, 0.006],
    ...     "semipartial": [0.2, 0.03], "why_unknown": "", "explained_by_controls": 0.3})
    >>> beyond(parts, similarity)
    'Beyond all controls together, pool explains 0.040 (95 % confidence interval 0.010 to 0.070) of the variance of the recording’s dissimilarities.'
    """  # noqa: E501 (a sentence is a line of its own)
    explaining = similarity[similarity["kind"].isin(LEARNED) & similarity["similarity"].notna()]
    if partitioning is None or explaining.empty:
        return ""
    best = explaining.loc[explaining["similarity"].idxmax(), "encoder"]
    rows = partitioning[(partitioning["encoder"] == best) & (partitioning["variance_of"] == "dissimilarities")]
    rows = rows[rows["unique"].notna()]
    return "" if rows.empty else _sentence(rows.iloc[0])


def beyond_controls(partitioning: pd.DataFrame | None, similarity: pd.DataFrame) -> list[str]:
    """What the controls explain together, and what each layer adds, for the list of findings.

    Of more than four layers, those of the largest part of their own are described.
    """
    if partitioning is None:
        return []
    sentences = []
    for what, rows in partitioning.groupby("variance_of", sort=False):
        known = rows[rows["unique"].notna()]
        if known.empty:
            continue
        first = known.iloc[0]
        share = minus(f"{first['explained_by_controls']:.3f}")
        said = [f"The controls together explain {share} {OF[str(what)]}."]
        shown = known if len(known) <= MANY else known.nlargest(MANY, "unique")
        said += [_sentence(row) for _, row in shown.iterrows() if not _is_said(row, partitioning, similarity)]
        sentences.append(" ".join(said))
    unknown = partitioning[partitioning["unique"].isna() & partitioning["why_unknown"].astype(bool)]
    for why, rows in unknown.groupby("why_unknown", sort=False):
        names = join_names(list(dict.fromkeys(rows["encoder"])))
        sentences.append(f"What {names} explains beyond the controls is unknown: {why}.")
    return sentences


def _is_said(row: pd.Series, partitioning: pd.DataFrame, similarity: pd.DataFrame) -> bool:
    return _sentence(row) == beyond(partitioning, similarity)


def _sentence(row: pd.Series) -> str:
    name, what = row["encoder"], OF[row["variance_of"]]
    share = minus(f"{row['unique']:.3f}")
    if pd.isna(row["unique_low"]):
        return f"Beyond all controls together, {name} explains {share} {what}; its confidence interval is unknown."
    ends = interval(row["unique_low"], row["unique_high"])
    if row["unique_low"] <= 0:
        return (
            f"Beyond all controls together, {name} explains no significant part {what} ({share}, 95 % confidence "
            f"interval {ends})."
        )
    said = f"Beyond all controls together, {name} explains {share} (95 % confidence interval {ends}) {what}"
    if row["variance_of"] == "dissimilarities" and row["semipartial"] < 0:
        return f"{said}, but inversely: where its own dissimilarities are larger, the recording’s are smaller."
    return f"{said}."
