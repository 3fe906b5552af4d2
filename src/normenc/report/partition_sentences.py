"""What layers explain beyond all controls together, as sentences."""

import pandas as pd

from normenc.report.learned import in_words, learned_word
from normenc.report.matching import ALPHA
from normenc.report.wording import interval, join_names, minus

__all__ = ["beyond", "beyond_controls"]

MANY = 4  # layers that are described one by one
DISSIMILARITIES, RESPONSES = "dissimilarities", "responses"
OF_RDMS = "of the variance of the recording’s dissimilarities"
ALL_VARIANCE = "of all variance"  # in the notes where no stimulus was repeated
INVERSELY = ", but inversely: where its own dissimilarities are larger, the recording’s are smaller"


def beyond(partitioning: pd.DataFrame | None, encoder: str, *, beaten: bool) -> str:
    """What a layer explains beyond all controls together, as a clause, where that qualifies how it compares with each.

    Parameters
    ----------
    partitioning : DataFrame or None
        The rows of ``partitioning.csv``.
    encoder : str
    beaten : bool
        Whether a control is significantly more similar than the layer.

    Returns
    -------
    str
        For a layer that a control beats, what it explains all the same; for another one, that it explains nothing.
        Otherwise empty.

    Examples
    --------
    >>> parts = pd.DataFrame({
    ...     "encoder": ["pool", "fc"], "variance_of": "dissimilarities", "unique": [0.04, 0.001],
    ...     "unique_low": [0.01, 0.0], "unique_high": [0.07, 0.006], "semipartial": [0.2, 0.03]})
    >>> beyond(parts, "pool", beaten=True)
    '; yet it explains 0.040 (95 % CI 0.010 to 0.070) of the variance of the recording’s dissimilarities beyond all controls together'
    >>> beyond(parts, "fc", beaten=False)
    '; and beyond all controls together it explains no significant part of the variance (0.001, 95 % CI 0.000 to 0.006)'
    >>> beyond(parts, "fc", beaten=True)
    ''
    >>> beyond(parts.assign(p_holm=[0.06, 0.4]), "pool", beaten=True)
    ''
    """  # noqa: E501 (a clause is a line of its own)
    if partitioning is None:
        return ""
    rows = partitioning[(partitioning["encoder"] == encoder) & (partitioning["variance_of"] == DISSIMILARITIES)]
    rows = rows[rows["unique"].notna() & rows["unique_low"].notna()]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    own = _is_sure(row, "unique") and row["semipartial"] > 0
    if own and beaten:
        value, _, ends = _value(row, "unique").partition(", ")
        return f"; yet it explains {value} ({ends}) {OF_RDMS} beyond all controls together"
    if own or beaten:
        return ""
    if _is_sure(row, "unique"):
        return f"; and what it explains beyond all controls together ({_value(row, 'unique')}) it explains inversely"
    return (
        f"; and beyond all controls together it explains no significant part of the variance ({_value(row, 'unique')})"
    )


def beyond_controls(partitioning: pd.DataFrame | None, similarity: pd.DataFrame) -> list[str]:
    """What the controls explain together, and what each layer adds, for the list of findings.

    Of more than four layers, those of the largest part of their own are described.

    Examples
    --------
    >>> similarity = pd.DataFrame({"encoder": ["fc1", "fc2"], "kind": "trained layer", "similarity": [0.6, 0.4]})
    >>> parts = pd.DataFrame({
    ...     "encoder": ["fc1", "fc2"], "variance_of": "responses", "explained_by_controls": 0.163, "why_unknown": "",
    ...     "unique": [-0.036, -0.017], "unique_low": [-0.061, -0.039], "unique_high": [-0.01, 0.004]})
    >>> print(*beyond_controls(parts, similarity))
    The controls together predict 0.163 of the explainable variance of the neurons’ responses (median over neurons). With a layer added to them, the median change of a neuron is: fc2, −0.017 (95 % CI −0.039 to 0.004), not significant; fc1, −0.036 (95 % CI −0.061 to −0.010), which makes predictions worse.
    """  # noqa: E501 (a sentence is a line of its own)
    if partitioning is None:
        return []
    partitioning = in_words(partitioning, learned_word(similarity))
    sentences = []
    for what, rows in partitioning.groupby("variance_of", sort=False):
        known = rows[rows["unique"].notna()]
        if known.empty:
            continue
        shown = known if len(known) <= MANY else known.nlargest(MANY, "unique")
        of_which = "" if len(known) <= MANY else f" (the {len(shown)} largest of {len(known)} are named)"
        sentences.append(_of_responses(shown, of_which) if what == RESPONSES else _of_rdms(shown, of_which))
    unknown = partitioning[partitioning["unique"].isna() & partitioning["why_unknown"].astype(bool)]
    for why, rows in unknown.groupby("why_unknown", sort=False):
        names = join_names(list(dict.fromkeys(rows["encoder"])))
        sentences.append(f"What {names} explains beyond the controls is unknown: {why}.")
    return sentences


def _of_rdms(rows: pd.DataFrame, of_which: str) -> str:
    share = minus(f"{rows['explained_by_controls'].iloc[0]:.3f}")
    said = f"The controls together explain {share} {OF_RDMS}. Beyond them{of_which}, {_shares(rows, 'unique')}."
    twins = rows[rows["beyond_twin"].notna()] if "beyond_twin" in rows else rows[:0]
    if twins.empty:
        return said
    return f"{said} Beyond the controls and the layer’s own untrained twin, {_shares(twins, 'beyond_twin')}."


def _shares(rows: pd.DataFrame, name: str) -> str:
    """What each of several layers explains; those without a significant part together."""
    unsure = ~rows.apply(_is_sure, axis=1, name=name)
    parts = [f"{row['encoder']} explains {_share(row, name)}" for _, row in rows[~unsure].iterrows()]
    if unsure.sum() == 1:
        row = rows[unsure].iloc[0]
        parts.append(f"{row['encoder']} explains {_share(row, name)}")
    elif unsure.any():
        named = [f"{row['encoder']} ({_value(row, name)})" for _, row in rows[unsure].iterrows()]
        parts.append(f"{join_names(named)} explain no significant part")
    return "; ".join(parts)


def _is_sure(row: pd.Series, name: str) -> bool:
    """Whether a part is significant, corrected for all layers: an interval of a share of variance rarely reaches 0."""
    p = row.get("p_holm", float("nan")) if name == "unique" else float("nan")  # of other parts, there is no test
    return bool(row[f"{name}_low"] > 0 and not p > ALPHA)


def _value(row: pd.Series, name: str) -> str:
    return f"{row[name]:.3f}, 95 % CI {interval(row[f'{name}_low'], row[f'{name}_high'])}"


def _of_responses(rows: pd.DataFrame, of_which: str) -> str:
    """Of predictions, which a layer can also make worse; the median of changes is no change of medians."""
    share = minus(f"{rows['explained_by_controls'].iloc[0]:.3f}")
    noted = rows["notes"].astype(str).str.contains(ALL_VARIANCE).any() if "notes" in rows else False
    whole, parts = "the variance" if noted else "the explainable variance", []
    for _, row in sorted(rows.iterrows(), key=lambda pair: -pair[1]["unique"]):
        change = minus(f"{row['unique']:+.3f}")
        if pd.isna(row["unique_low"]):
            parts.append(f"{row['encoder']}, {change} (interval unknown)")
            continue
        verdict = ", not significant"
        if row["unique_low"] > 0 or row["unique_high"] < 0:
            verdict = f", which makes predictions {'better' if row['unique_low'] > 0 else 'worse'}"
        ends = interval(row["unique_low"], row["unique_high"])
        parts.append(f"{row['encoder']}, {change} (95 % CI {ends}){verdict}")
    return (
        f"The controls together predict {share} of {whole} of the neurons’ responses (median over "
        f"neurons). With a layer added to them{of_which}, the median change of a neuron is: {'; '.join(parts)}."
    )


def _share(row: pd.Series, name: str, what: str = "") -> str:
    """A share with its interval, as the object of a sentence."""
    value, (low, high) = minus(f"{row[name]:.3f}"), (row[f"{name}_low"], row[f"{name}_high"])
    of = f" {what}" if what else ""
    if pd.isna(low):
        return f"{value}{of} (interval unknown)"
    ends = f"95 % confidence interval {interval(low, high)}"
    if low <= 0:
        return f"no significant part{of} ({value}, {ends})"
    sign = row["semipartial" if name == "unique" else "semipartial_beyond_twin"]
    return f"{value} ({ends}){of}{INVERSELY * bool(sign < 0)}"
