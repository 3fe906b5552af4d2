"""Whether encoders are as similar to an animal as animals are to each other, as sentences written by fixed rules."""

import numpy as np
import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import LEARNED, EncoderKind
from normenc.report.learned import spoken
from normenc.report.wording import decimals, interval, join_names, p_value, signed
from normenc.rsa.representation_measures import symbol_of

__all__ = ["animal_sentences"]

ALPHA = 0.05
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
