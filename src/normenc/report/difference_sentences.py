"""How layers differ from their untrained twins and from the controls, one by one or counted."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from normenc.report.reference_sentences import ALPHA
from normenc.report.wording import corrected, interval, join_names, p_value, signed

__all__ = ["against_controls", "against_twin", "counted_differences"]

Count = tuple[int, int, int, int]  # more similar, less similar, not significantly different, not tested


def counted_differences(others: Mapping[str, pd.DataFrame], layers: str, n_tests: int) -> list[str]:
    """How many of `layers`, such as "12 trained" ones, differ significantly from each of several other encoders.

    Others with the same numbers share a sentence.

    Examples
    --------
    >>> sure = pd.DataFrame({"difference": [0.2, 0.3], "p_holm": [0.01, 0.02]})
    >>> others = {"pixels": sure, "gist": sure, "colours": sure.assign(p_holm=0.3), "noise": sure.assign(p_holm=1.0)}
    >>> for sentence in counted_differences(others, "2 trained", 8):
    ...     print(sentence)
    All 2 trained layers are significantly more similar than pixels and gist (p-values Holm-corrected for 8 comparisons).
    None of the 2 trained layers differed significantly from colours or noise (p-values Holm-corrected for 8 comparisons).
    """  # noqa: E501 (a sentence is a line of its own)
    alike: dict[Count, list[str]] = {}
    for other, rows in others.items():
        alike.setdefault(_count(rows), []).append(other)
    return [_sentence(count, names, layers, n_tests) for count, names in alike.items()]


def _count(rows: pd.DataFrame) -> Count:
    sure = rows["p_holm"] <= ALPHA
    more, less = int((sure & (rows["difference"] > 0)).sum()), int((sure & (rows["difference"] < 0)).sum())
    untested = int(rows["p_holm"].isna().sum())
    return more, less, len(rows) - more - less - untested, untested


def _sentence(count: Count, names: list[str], layers: str, n_tests: int) -> str:
    more, less, unsure, untested = count
    rest = f"; {untested} could not be tested" if untested else ""
    how = f"(p-values {corrected(n_tests)}){rest}" if more + less + unsure else ""
    others = join_names(names)
    if not more + less + unsure:
        return f"None of the {layers} layers could be tested against {_either(names)}."
    if not more + less:
        return f"None of the {layers} layers differed significantly from {_either(names)} {how}."
    theirs = others.replace("its untrained twin", "their untrained twins")
    for n, word in ((more, "more"), (less, "less")):
        if n > 1 and n == sum(count):
            return f"All {layers} layers are significantly {word} similar than {theirs} {how}."
    parts = [
        f"{n} {'is' if n == 1 else 'are'} significantly {word} similar than {theirs}"
        for n, word in ((more, "more"), (less, "less"))
        if n
    ]
    parts += [f"{unsure} did not differ significantly"] * (unsure > 0)
    return f"Of {layers} layers, {join_names(parts)} {how}."


def _either(names: list[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def against_twin(row: Any, n_tests: int, pretrained: bool) -> str:
    """Whether a layer differs significantly from its untrained twin."""
    if pd.isna(row.p_holm):
        known = f"difference {signed(row.difference)}" if pd.notna(row.difference) else "the difference is unknown"
        return f"The effect of training on {row.encoder} could not be tested ({known})."
    unsure = row.p_holm > ALPHA
    if unsure:
        verdict = f"The effect of training on {row.encoder} was not significant"
    else:
        more = "more" if row.difference > 0 else "less"
        than = "than its untrained twin" if pretrained else "after training than before"
        verdict = f"{row.encoder} is significantly {more} similar {than}"
    alone = ""
    if unsure and _excludes_zero(row):
        alone = " The confidence interval excludes 0, but it is not corrected for multiple comparisons."
    return (
        f"{verdict}: difference {signed(row.difference)} (95 % confidence interval "
        f"{interval(row.low, row.high, '+.3f')}; {p_value(row.p_holm)}, {corrected(n_tests)}).{alone}"
    )


def against_controls(layer: str, rows: pd.DataFrame, n_tests: int) -> str:
    """Which controls a layer is more or less similar than, and from which it did not differ significantly."""
    groups: dict[str, list[str]] = {
        "is significantly more similar than": [],
        "is significantly less similar than": [],
        "did not differ significantly from": [],
        "could not be tested against": [],
    }
    alone = []
    for row in rows.itertuples():
        if pd.isna(row.p_holm):
            known = f" ({signed(row.difference)})" if pd.notna(row.difference) else ""
            groups["could not be tested against"].append(f"{row.other}{known}")
            continue
        verdict = f"is significantly {'more' if row.difference > 0 else 'less'} similar than"
        verdict = verdict if row.p_holm <= ALPHA else "did not differ significantly from"
        alone += [str(row.other)] if row.p_holm > ALPHA and _excludes_zero(row) else []
        between = f"95 % CI {interval(row.low, row.high, '+.3f')}"
        groups[verdict].append(f"{row.other} ({signed(row.difference)}, {between}, {p_value(row.p_holm)})")
    words = [f"{verdict} {join_names(names)}" for verdict, names in groups.items() if names]
    how = f"; p-values are {corrected(n_tests)}" if rows["p_holm"].notna().any() else ""
    return (
        f"Compared with the controls, which were never trained, {layer} {'; it '.join(words)}{how}."
        f"{_uncorrected(alone)}"
    )


def _excludes_zero(row: Any) -> bool:
    return bool(row.low > 0 or row.high < 0)


def _uncorrected(others: list[str]) -> str:
    """Why confidence intervals exclude 0 although the difference is not significant."""
    if not others:
        return ""
    if len(others) == 1:
        start, verb = f"interval of the difference from {others[0]} excludes 0", "it is"
    else:
        start, verb = f"intervals of the differences from {join_names(others)} exclude 0", "they are"
    return f" The confidence {start}, but {verb} not corrected for multiple comparisons."
