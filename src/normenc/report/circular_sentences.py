"""What depends on the angle between stimuli alone, and what depends on where they are on the circle, as a sentence."""

import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.report.learned import in_words, learned_rows, learned_word
from normenc.report.reference_sentences import ALPHA
from normenc.report.wording import corrected, counted, decimals, interval, minus, p_value
from normenc.stimulus_types import as_type

__all__ = ["on_the_circle"]

WHOLE, PROFILE, REST = "whole", "profile", "rest"
FROM_HALVES = ("repeats", "neurons")


def on_the_circle(parts: pd.DataFrame | None, stimulus_type: str, n_shifts: int = 0) -> str:
    """Whether a similarity is more than that dissimilarity grows with the angle between stimuli.

    Of the layers that learned, or of all encoders if there is none, the most similar one is described. A match is
    called more than that only if circular shifts of what is left without the angle are significant (corrected p at
    most 0.05): an interval over neurons or seeds does not tell how similar two unrelated RDMs of ordered stimuli are.

    Parameters
    ----------
    parts : DataFrame or None
        The rows of ``circular_parts.csv``.
    stimulus_type : str
        ``"orientation"``, ``"direction"``, or another type.
    n_shifts : int
        How many shifts the test has, of which its smallest possible p-value depends; 0 if that is not known.

    Returns
    -------
    str
        Empty if it is not known.

    Examples
    --------
    >>> parts = pd.DataFrame({
    ...     "encoder": "pool", "kind": "trained layer", "part": ["whole", "profile", "rest"], "share": [1, 0.7, 0.3],
    ...     "share_of_data": [1, 0.96, 0.04], "similarity": [0.74, 0.86, 0.16], "low": [0.72, 0.85, -0.01],
    ...     "high": [0.76, 0.87, 0.31], "ceiling": "neurons", "ceiling_lower": [0.99, 1.0, 0.87], "why_unknown": "",
    ...     "p_shifts_holm": [0.3, None, 0.2]})
    >>> print(on_the_circle(parts, "orientation"))
    Of the variance of the recording’s dissimilarities, 96.0 % depends only on the angle between two orientations, and 4.0 % on which orientations they are (reliability 0.87). The similarity of pool is 0.860 (95 % CI 0.850 to 0.870) in the first part and 0.160 (95 % CI −0.010 to 0.310) in the second, so that no match is known beyond dissimilarity that grows with the angle (circular shifts of the second part, p = 0.2, for a single model).
    """  # noqa: E501 (a sentence is a line of its own)
    if parts is None:
        return ""
    learned = learned_rows(parts)
    rows = parts[~did_not_learn(parts)] if learned.empty else learned
    whole = rows[(rows["part"] == WHOLE) & rows["similarity"].notna()]
    if whole.empty:
        return ""
    best = whole.loc[whole["similarity"].idxmax(), "encoder"]
    table = in_words(parts[parts["encoder"] == best], learned_word(parts)).set_index("part")
    profile, rest, plural = table.loc[PROFILE], table.loc[REST], as_type(stimulus_type).plural
    who, n_tested = table["encoder"].iloc[0], int(parts.loc[parts["part"] == REST, "p_shifts_holm"].notna().sum())
    said = (
        f"Of the variance of the recording’s dissimilarities, {_percent(profile['share_of_data'])} depends only on the "
        f"angle between two {plural}, and {_percent(rest['share_of_data'])} on which {plural} they are"
        f"{_reliable(rest)}. The similarity of {who} is"
    )
    for row, place, other in ((profile, "first", rest), (rest, "second", profile)):
        if pd.isna(row["similarity"]):
            known = "" if pd.isna(other["similarity"]) else f" {_value(other)} in the other part and"
            return f"{said}{known} unknown in the {place}: {row['why_unknown']}."
    verdict = _verdict(profile, rest, n_tested, n_shifts)
    return f"{said} {_value(profile)} in the first part and {_value(rest)} in the second{verdict}."


def _verdict(profile: "pd.Series[float]", rest: "pd.Series[float]", n_models: int, n_shifts: int) -> str:
    """What is known of a match beyond the profile, by the test where there is one."""
    p, more = rest.get("p_shifts_holm", float("nan")), "dissimilarity that grows with the angle"
    if pd.isna(p):
        if pd.isna(rest["low"]):
            return ""
        test = " (it could not be tested by circular shifts)" if rest["low"] > 0 else ""
    else:
        test = f" (circular shifts of the second part, {p_value(p)}, {corrected(n_models, 'model')})"
    if p <= ALPHA:
        return f", so that the match is more than {more}{test}"
    if rest["low"] > 0 and ALPHA * n_shifts < n_models and n_shifts:
        few = f"{n_shifts} shifts are too few for a significant test of {counted(n_models, 'model')}"
        return f"; whether the match is more than {more} is not known, because {few}{test}"
    if profile["low"] <= 0:
        return f", so that no match is known in either part{test}"
    none = "there is no match" if rest["high"] < 0 else "no match is known"
    return f", so that {none} beyond {more}{test}"


def _reliable(rest: "pd.Series[float]") -> str:
    if rest["ceiling"] not in FROM_HALVES or pd.isna(rest["ceiling_lower"]):
        return ""
    return f" (reliability {minus(format(rest['ceiling_lower'], '.2f'))})"


def _value(row: "pd.Series[float]") -> str:
    if pd.isna(row["low"]):
        return f"{decimals(row['similarity'])} (interval unknown)"
    return f"{decimals(row['similarity'])} (95 % CI {interval(row['low'], row['high'])})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
