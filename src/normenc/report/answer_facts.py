"""What comes before or qualifies the answer of a run: an unreliable recording, no match, a change known beforehand."""

from typing import Any

import numpy as np
import pandas as pd

from normenc.encoders import SUFFIXES, EncoderKind
from normenc.report.reference_sentences import ALPHA, above_chance, is_close, zero_is_unrelated
from normenc.report.wording import corrected, decimals, interval, join_names, p_value, the_recording
from normenc.rsa import METHODS, compare_rdms
from normenc.runs import Run

__all__ = ["best_of_all", "likeness_of_twin", "no_match", "unmatched", "unreliable"]

UNRELIABLE = "unreliable"  # the verdict, with which its first warning begins
MOST_NAMED = 4
MOST_STIMULI = 300  # of which RDMs are read to see how alike two are


def unreliable(run: Run) -> str:
    """The verdict on a recording with which nothing can be compared; empty for all others, and for older runs."""
    quality = run.quality
    if quality is None or quality["verdict"] != UNRELIABLE:
        return ""
    why = next((own for own in quality["warnings"] if own.startswith(UNRELIABLE)), f"{UNRELIABLE}.")
    return f"T{the_recording(run.recording['name'])[1:]} is {why}"


def unmatched(known: pd.DataFrame, learned: pd.DataFrame) -> Any:
    """The encoder by which to say that nothing matches, or None: by the test against chance, not by a sign.

    Parameters
    ----------
    known, learned : DataFrame
        All rows of ``similarity.csv`` that have a similarity, and those of the layers that learned.

    Returns
    -------
    Series or None
        The most similar encoder if none is significantly above chance; if only layers that learned are not, the most
        similar one of these. None if one of these is, or if it was not tested.
    """
    asked = known if learned.empty else learned
    if known.empty or any(above_chance(row) for _, row in asked.iterrows()):
        return None
    rows = asked if any(above_chance(row) for _, row in known.iterrows()) else known
    best = rows.loc[rows["similarity"].idxmax()]
    return None if pd.isna(best["p_permutations_holm"]) else best


def no_match(row: Any, known: pd.DataFrame, word: str, ceiling: str) -> str:
    """That nothing, or no layer that learned, is significantly above chance.

    Parameters
    ----------
    row : Series
        Of :func:`unmatched`.
    known : DataFrame
    word : str
        What the layers that learned are called, such as ``"trained"``.
    ceiling : str
        How far this encoder is from the ceiling, as a clause.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "recording": "V1", "encoder": ["fc", "pixels"], "comparison": "pearson",
    ...     "kind": ["trained layer", "control"], "similarity": [0.013, 0.4], "low": [-0.2, 0.3], "high": [0.3, 0.5],
    ...     "p_permutations_holm": [1, 0.01]})
    >>> print(no_match(unmatched(rows, rows[:1]), rows, "trained", ", 0.8 below the ceiling"))
    No trained layer matches the recording “V1” significantly: the most similar one, fc, has a similarity of 0.013 (95 % CI −0.200 to 0.300; label permutations, p = 1, Holm-corrected for 2 models), 0.8 below the ceiling; of the other encoders, pixels (0.400) does.
    """  # noqa: E501 (a sentence is a line of its own)
    others = known[[above_chance(own) for _, own in known.iterrows()]].nlargest(MOST_NAMED, "similarity")
    named = [f"{name} ({decimals(value)})" for name, value in zip(others["encoder"], others["similarity"], strict=True)]
    verb = "do" if len(named) > 1 else "does"
    others_do = f"; of the other encoders, {join_names(named)} {verb}" if named else ""
    n_tested = int(known["p_permutations_holm"].notna().sum())
    ends = "interval unknown" if pd.isna(row["low"]) else f"95 % CI {interval(row['low'], row['high'])}"
    test = f"label permutations, {p_value(row['p_permutations_holm'])}, {corrected(n_tested, 'model')}"
    what = f"{word} layer" if named else "encoder of this study"
    return (
        f"No {what} matches {the_recording(row['recording'])} significantly: the most similar one, {row['encoder']}, "
        f"has a similarity of {decimals(row['similarity'])} ({ends}; {test}){ceiling}{others_do}."
    )


def best_of_all(best: Any, known: pd.DataFrame) -> str:
    """How far the most similar encoder is from the ceiling, if it is not the best layer that learned, as a clause.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "encoder": ["pool", "Fourier"], "similarity": [0.45, 0.93], "comparison": "pearson", "low": [0.4, 0.9],
    ...     "high": [0.5, 0.96], "ceiling_lower": 0.922, "ceiling_upper": 0.96, "p_ceiling_holm": [0.001, 1]})
    >>> best_of_all(rows.iloc[0], rows)
    '; Fourier, the most similar encoder (0.930), reaches it'
    """
    row = known.loc[known["similarity"].idxmax()]
    lower, upper = row["ceiling_lower"], row.get("ceiling_upper", float("nan"))
    if row["encoder"] == best["encoder"] or pd.isna(lower):
        return ""
    if row["similarity"] > upper:
        verdict = f"is above the upper one of {decimals(upper)}"
    elif row["similarity"] >= lower:
        verdict = "reaches it"
    elif is_close(row):
        verdict = f"comes within {lower - row['similarity']:.3f} of it"
    else:
        sure = "significantly " if row["p_ceiling_holm"] <= ALPHA else ""
        verdict = f"is {sure}below it"
    return f"; {row['encoder']}, the most similar encoder ({decimals(row['similarity'])}), {verdict}"


def likeness_of_twin(run: Run) -> dict[str, float]:
    """How similar the RDM of each layer that learned is to that of its untrained twin, by the study's measure.

    Of the first seed, and of at most 300 stimuli. Only by measures of RDMs that are correlations, and for layers that
    the page shows.
    """
    similarity = run.similarity
    method = str(similarity["comparison"].iloc[0])
    if method not in METHODS or not zero_is_unrelated(similarity.iloc[0]):
        return {}
    if run.populations is None and "shown" not in run.source_data:  # older runs do not tell
        return {}
    shown = set(run.shown["population"])
    n_stimuli = run.recording["n_stimuli"]
    some = None if n_stimuli <= MOST_STIMULI else np.linspace(0, n_stimuli - 1, MOST_STIMULI).astype(int).tolist()
    rdms = run.rdms_of(some)
    found = {}
    for label, encoder in run.encoders.items():
        twin = f"{label.removesuffix(SUFFIXES[EncoderKind.PRETRAINED])}{SUFFIXES[EncoderKind.TWIN]}"
        if encoder.kind.is_learned and {label, twin} <= shown:
            own, other = (rdms.sel(population=name).to_numpy() for name in (label, twin))
            found[label] = float(compare_rdms(own, other, method))
    return found
