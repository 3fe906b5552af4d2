"""Whether the order of encoders hangs on the measure, as sentences written by fixed rules."""

import numpy as np
import pandas as pd

from normenc.report.learned import learned_rows, spoken
from normenc.report.wording import decimals, join_names
from normenc.rsa.rank_agreement import concordance
from normenc.rsa.representation_measures import symbol_of

__all__ = ["rank_sentences"]

ONE_TO_ONE, UNBOUNDED = "one-to-one", "corrected-cka"  # measures whose values are easily misread
VALUES = ("similarity", "ceiling_lower", "ceiling_upper")


def rank_sentences(similarity: pd.DataFrame, others: pd.DataFrame | None) -> list[str]:
    """Under how many measures the best layer and the best encoder stay the best, and how far all orders agree.

    Parameters
    ----------
    similarity, others : DataFrame
        Rows of ``similarity.csv`` and ``similarity_by_method.csv``.

    Returns
    -------
    list of str
        None with a single measure.
    """
    if others is None:
        return []
    table = pd.concat([similarity, others], ignore_index=True)
    wide = table.pivot_table("similarity", "encoder", "comparison", sort=False, dropna=False)
    wide = wide.reindex(columns=list(dict.fromkeys(table["comparison"])), index=list(similarity["encoder"]))
    if wide.shape[1] < 2:
        return []
    learned = learned_rows(similarity)["encoder"].tolist()
    of_layers = _best(wide.loc[learned], "most similar layer that learned") if len(learned) > 1 else ""
    of_all = _best(wide, "most similar encoder")
    if of_layers.replace("layer that learned", "encoder", 1) == of_all:
        of_layers = ""
    cautions = [_matched_units(table), _above_one(table)]
    return [sentence for sentence in (of_layers, of_all, _agreement(wide), *cautions) if sentence]


def _matched_units(table: pd.DataFrame) -> str:
    """That an encoder is matched one to one better than neurons match each other, which few units alone can do."""
    rows = table[(table["comparison"] == ONE_TO_ONE) & table["similarity"].notna()]
    if rows.empty:
        return ""
    best = rows.loc[rows["similarity"].idxmax()]
    highest = best["ceiling_lower"] if pd.isna(best["ceiling_upper"]) else best["ceiling_upper"]
    if not best["similarity"] > highest:
        return ""
    return (
        f"By {symbol_of(ONE_TO_ONE)}, {spoken(best['encoder'])} ({decimals(best['similarity'])}) is above the noise "
        f"ceiling ({decimals(highest)}): only as many neurons are matched as a layer has units, so that layers of few "
        "units can lead for that reason alone, and this order is no evidence."
    )


def _above_one(table: pd.DataFrame) -> str:
    """Why values of an unbounded measure are above 1."""
    rows = table[table["comparison"] == UNBOUNDED]
    if not (rows[[name for name in VALUES if name in rows]] > 1).to_numpy().any():
        return ""
    symbol = symbol_of(UNBOUNDED)
    return f"{symbol[:1].upper()}{symbol[1:]} is a ratio of unbiased estimates, which can exceed 1."


def _best(wide: pd.DataFrame, what: str) -> str:
    """Under how many measures the best by the first measure is the best."""
    known = wide.loc[:, wide.notna().any()]
    if wide.iloc[:, 0].isna().all() or known.shape[1] < 2:
        return ""
    best = {name: column.idxmax() for name, column in known.items()}
    first = best[known.columns[0]]
    n_same, n = sum(label == first for label in best.values()), len(best)
    if n_same == n:
        return f"By all {n} measures, {spoken(first)} is the {what}."
    others = f" and {n_same - 1} of the {n - 1} other measures" if n_same > 1 else ""
    apart = [f"{spoken(label)} by {symbol_of(str(name))}" for name, label in best.items() if label != first]
    return f"By {symbol_of(str(known.columns[0]))}{others}, {spoken(first)} is the {what}; it is {join_names(apart)}."


def _agreement(wide: pd.DataFrame) -> str:
    """How far the orders of all encoders agree."""
    known = wide.loc[:, wide.notna().any()].dropna()
    if known.shape[1] < 2 or len(known) < 3:
        return ""
    w = concordance(known.to_numpy().T)
    if np.isnan(w):
        return ""
    return (
        f"The orders of {len(known)} encoders under the {known.shape[1]} measures agree with Kendall’s W of {w:.2f} "
        "(1: the same order under all; 0: none in common)."
    )
