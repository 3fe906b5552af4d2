"""Whether encoders are as similar to an animal as animals are to each other, as sentences written by fixed rules."""

from typing import Any

import numpy as np
import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import LEARNED, EncoderKind
from normenc.report.learned import spoken
from normenc.report.wording import decimals, interval, join_names, p_value, signed
from normenc.rsa.representation_measures import symbol_of

__all__ = ["animal_sentences", "in_both_directions"]

ALPHA = 0.05
TO, FROM, BOTH = "to animals", "from animals", "both"  # directions in animals.csv
VERDICTS = {
    (): "not told from an animal",
    (TO,): "lacks part of what animals share",
    (FROM,): "holds more than animals share",
    (TO, FROM): "lacks part of what animals share, and holds more",
}
KINDS = ((LEARNED, "layer that learned"), ((EncoderKind.CONTROL,), "control"))


def animal_sentences(table: pd.DataFrame | None) -> list[str]:
    """The best layer and the best control beside the animals, by the study's own measure; what other measures say.

    Parameters
    ----------
    table : DataFrame
        Rows of ``animals.csv``, the study's own measure first; None without several animals.
    """
    if table is None or table.empty:
        return []
    table = table[~_of_regressions(table)]
    together = table[table["animal"].isna() | table["animal"].eq("")]
    measures = list(dict.fromkeys(together["comparison"]))
    own = together[(together["comparison"] == measures[0]) & ~did_not_learn(together)]
    n_animals = table["animal"].replace("", np.nan).nunique()
    said = [
        f"By {symbol_of(measures[0])}, the mean similarity of pairs of animals is "
        f"{decimals(own['between_animals'].iloc[0])} ({n_animals} animals)."
    ]
    for kinds, noun in KINDS:
        rows = own[own["kind"].isin(kinds)]
        if rows["similarity"].notna().any():
            said.append(_of(rows.loc[rows["similarity"].idxmax()], noun, _others(together, measures[1:], rows)))
    return said


def in_both_directions(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """What regressions say of each encoder and all animals together: its rows by direction, and in which it is worse.

    Parameters
    ----------
    table : DataFrame
        Rows of ``animals.csv``; None without several animals.
    """
    if table is None:
        return []
    rows = table[_of_regressions(table) & (table["animal"].isna() | table["animal"].eq(""))]
    found = []
    for label, own in rows.groupby("encoder", sort=False):
        by = dict(zip(own["direction"], own.to_dict("records"), strict=True))
        worse = [name for name in (TO, FROM) if by[name]["p_holm"] <= ALPHA and by[name]["difference"] < 0]
        unknown = [name for name in (TO, FROM) if not np.isfinite(by[name]["p_holm"])]
        verdict = VERDICTS[tuple(worse)] if worse or not unknown else "not tested"
        found.append({"encoder": label, "to": by[TO], "back": by[FROM], "both": by[BOTH], "verdict": verdict})
    return found


def _of_regressions(table: pd.DataFrame) -> pd.Series:
    """Rows of measures that have directions; none in runs of older versions."""
    if "direction" not in table:
        return pd.Series(False, index=table.index)
    return table["comparison"].isin(table.loc[table["direction"] != BOTH, "comparison"])


def _of(row: pd.Series, noun: str, others: str) -> str:
    ends = "interval unknown"
    if np.isfinite([row["low"], row["high"]]).all():
        ends = f"95 % CI {interval(row['low'], row['high'])}, {p_value(row['p_holm'])}, Holm-corrected"
    if not np.isfinite(row["p_holm"]):
        why = row.get("why_unknown")
        why = f": {why}" if isinstance(why, str) and why else ""
        return (
            f"The most similar {noun}, {row['encoder']}, has a mean similarity of {decimals(row['similarity'])} with "
            f"an animal, a difference of {signed(row['difference'])}, which could not be tested{why}.{others}"
        )
    verdict = "is not significantly more or less similar to an animal than animals are to each other"
    if row["p_holm"] <= ALPHA:
        more = "more" if row["difference"] > 0 else "less"
        verdict = f"is significantly {more} similar to an animal than animals are to each other"
    return (
        f"The most similar {noun}, {spoken(row['encoder'])}, {verdict}: {decimals(row['similarity'])}, a difference of "
        f"{signed(row['difference'])} ({ends}).{others}"
    )


def _others(together: pd.DataFrame, measures: list[str], own: pd.DataFrame) -> str:
    """Under which other measures the same encoder is significantly less similar."""
    if not measures or own["similarity"].isna().all():
        return ""
    label = own.loc[own["similarity"].idxmax(), "encoder"]
    rows = together[(together["encoder"] == label) & together["comparison"].isin(measures)]
    less = rows[(rows["p_holm"] <= ALPHA) & (rows["difference"] < 0)]
    if less.empty:
        return ""
    return f" It is significantly less similar by {join_names([symbol_of(name) for name in less['comparison']])}."
