"""Whether the order of encoders hangs on the measure, as sentences written by fixed rules."""

import numpy as np
import pandas as pd

from normenc.report.learned import learned_rows
from normenc.report.wording import join_names
from normenc.rsa.rank_agreement import concordance
from normenc.rsa.representation_measures import symbol_of

__all__ = ["rank_sentences"]


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
    return [sentence for sentence in (of_layers, of_all, _agreement(wide)) if sentence]


def _best(wide: pd.DataFrame, what: str) -> str:
    """Under how many measures the best by the first measure is the best."""
    known = wide.loc[:, wide.notna().any()]
    if wide.iloc[:, 0].isna().all() or known.shape[1] < 2:
        return ""
    best = {name: column.idxmax() for name, column in known.items()}
    first = best[known.columns[0]]
    n_same, n = sum(label == first for label in best.values()), len(best)
    start = f"The {what} by {symbol_of(str(known.columns[0]))}, {first}, is the most similar under"
    if n_same == n:
        return f"{start} all {n} measures."
    apart = [f"{label} by {symbol_of(str(name))}" for name, label in best.items() if label != first]
    return f"{start} {n_same} of {n} measures; it is {join_names(apart)}."


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
