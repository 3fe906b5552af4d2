"""How the models of a run compare with the noise ceiling and with chance, as sentences."""

from typing import Any

import pandas as pd

from normenc.report.learned import learned_rows, learned_word
from normenc.report.wording import corrected, counted, interval, join_factors, join_names, listed, p_value
from normenc.rsa.measures import facts_of
from normenc.stimulus_types import as_type

__all__ = [
    "ALPHA",
    "CLOSE",
    "above_chance",
    "against_ceiling",
    "against_chance",
    "is_close",
    "zero_is_unrelated",
]

ALPHA = 0.05
SHOWN = 8  # models that are named one by one
# Distance from the lower ceiling, relative to it if the measure is not a correlation, within which a layer whose
# interval includes the ceiling is close to it.
CLOSE = 0.05


def against_ceiling(similarity: pd.DataFrame, shown: int | None = None) -> str:
    """How far the trained and pretrained layers are from the lower noise ceiling.

    A layer reaches it if its similarity is as high, and comes close to it if that is at most 0.05 lower while its
    interval includes the ceiling and the difference is not significant. For any other layer, the sentence states how
    far below the ceiling it is and, if that difference was not significant, why.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``.
    shown : int, optional
        Up to so many layers are described one by one, more are counted. All one by one by default.
    """
    row = similarity.iloc[0]
    if row["ceiling"] == "none":
        return (
            "There is no noise ceiling: a single RDM contains no information about its noise, so the highest "
            "similarity that a model could reach is unknown."
        )
    if row["ceiling"] == "no formula":
        return (
            "There is no noise ceiling: split halves of a recording give one only for correlations, so the highest "
            "similarity that a model could reach by this measure is unknown."
        )
    start = f"The noise ceiling is {row['ceiling_lower']:.3f} (lower) to {row['ceiling_upper']:.3f} (upper)."
    learned = learned_rows(similarity)
    learned = learned[learned["similarity"].notna()]
    n_tests = int(similarity["p_ceiling_holm"].notna().sum())
    unreliable = ""
    if row.get("ceiling_lower_low", 1.0) <= 0 and zero_is_unrelated(row):
        unreliable = (
            " The confidence interval of the lower ceiling includes 0: the recording may contain nothing that a model "
            "could match."
        )
    if shown is not None and len(learned) > shown:
        return f"{start} {_in_numbers(learned, n_tests)}{unreliable}"
    return " ".join([start, *_one_by_one(learned, n_tests)]) + unreliable


def zero_is_unrelated(row: Any) -> bool:
    """Whether a similarity of 0 means that two RDMs are unrelated, as for correlations."""
    return facts_of(row.get("comparison", "pearson")).is_correlation


def above_chance(row: Any) -> bool:
    """Whether an encoder is significantly more similar than chance.

    By label permutations; in runs of older versions that only have circular shifts, which are stricter, and by a
    measure that is a correlation, an interval above 0 is enough.
    """
    if pd.isna(row["p_permutations_holm"]) and pd.notna(row.get("p_shifts_holm")) and zero_is_unrelated(row):
        return bool(row["low"] > 0)
    return bool(row["p_permutations_holm"] <= ALPHA)


def _one_by_one(learned: pd.DataFrame, n_tests: int) -> list[str]:
    below, reached, unsure = [], [], []
    for _, row in learned.iterrows():
        name, distance = row["encoder"], row["ceiling_lower"] - row["similarity"]
        test = f"{p_value(row['p_ceiling_holm'])}, {corrected(n_tests, 'model')}"
        if distance <= 0:
            reached.append(f"{name} reaches the lower ceiling.")
        elif pd.isna(row["p_ceiling_holm"]):
            unsure.append(f"{name} is {distance:.3f} below the lower ceiling; this difference could not be tested.")
        elif is_close(row):
            reached.append(
                f"{name} comes within {distance:.3f} of the lower ceiling; the difference was not significant ({test})."
            )
        elif row["p_ceiling_holm"] <= ALPHA:
            below.append((name, f"{distance:.3f} ({p_value(row['p_ceiling_holm'])})"))
        else:
            unsure.append(
                f"{name} is {distance:.3f} below the lower ceiling; this difference was not significant "
                f"({test}), because {_why_not(row)}."
            )
    sure = []
    if below:
        who, by = (join_names(part) for part in zip(*below, strict=True))
        verb = "is" if len(below) == 1 else "are"
        sure = [
            f"{who} {verb} significantly below the lower ceiling, by {by}; p-values are {corrected(n_tests, 'model')}."
        ]
    return [*sure, *unsure, *reached]


def is_close(row: Any) -> bool:
    """Whether a layer is close to the lower ceiling: little below it, and not significantly."""
    distance = row["ceiling_lower"] - row["similarity"]
    included = row["low"] <= row["ceiling_lower"] <= row["high"]
    close = CLOSE * (1 if zero_is_unrelated(row) else abs(row["ceiling_lower"]))
    return bool(0 < distance <= close and included and not row["p_ceiling_holm"] <= ALPHA)


def _why_not(row: Any) -> str:
    """Why the difference between a layer and the ceiling was not significant."""
    if row.get("p_ceiling", 1.0) <= ALPHA:
        return f"p is corrected for all models (uncorrected: {p_value(row['p_ceiling'])})"
    if row["high"] >= row["ceiling_lower"] or "ceiling_lower_low" not in row or pd.isna(row["ceiling_lower_low"]):
        return f"the confidence interval of its similarity is wide ({interval(row['low'], row['high'])})"
    ends = interval(row["ceiling_lower_low"], row["ceiling_lower_high"])
    return f"the lower ceiling itself is uncertain (95 % confidence interval {ends})"


def _in_numbers(learned: pd.DataFrame, n_tests: int) -> str:
    """How many layers reach the lower ceiling, are close to it, or below it."""
    below = learned["similarity"] < learned["ceiling_lower"]
    sure = int((below & learned["p_ceiling_holm"].le(ALPHA)).sum())
    reached, close = int((~below).sum()), sum(is_close(row) for _, row in learned.iterrows())
    further = len(learned) - reached - close - sure
    most = f"{CLOSE:g}" if zero_is_unrelated(learned.iloc[0]) else f"{100 * CLOSE:g} %"
    said = [
        (reached, f"{'reaches' if reached == 1 else 'reach'} the lower ceiling"),
        (close, f"{_are(close)} at most {most} below it, which was not significant"),
        (further, f"{_are(further)} {'further ' * (close > 0)}below it by a difference that was not significant"),
        (sure, f"{_are(sure)} significantly below it"),
    ]
    parts = [f"{n} {what}" for n, what in said if n]
    layers = f"{len(learned)} {learned_word(learned)} layers"
    if len(parts) == 1:
        what = next(what for n, what in said if n).replace("below it", "below the lower ceiling")
        return f"All {layers} {what} (p-values {corrected(n_tests, 'model')})."
    text = f"Of {layers}, {join_names(parts)} (p-values {corrected(n_tests, 'model')})."
    return text if reached else text.replace("below it", "below the lower ceiling", 1)


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def against_chance(similarity: pd.DataFrame, stimulus_type: str) -> str:
    """Which models are significantly more similar than chance, and for which the test could not be significant.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``.
    stimulus_type : str
        ``"orientation"``, ``"direction"``, ``"image"`` or another type.
    """
    shifts = bool(similarity["p_permutations_holm"].isna().all() and _knows_shifts(similarity))  # of older versions
    name, test = ("p_shifts", "circular shifts") if shifts else ("p_permutations", "label permutations")
    above = similarity[similarity[f"{name}_holm"] <= ALPHA]
    n_tests = int(similarity[f"{name}_holm"].notna().sum())
    if not n_tests:
        return "No model could be tested against chance."
    how = f"p-values {corrected(n_tests, 'model')}"
    smallest = similarity.get(f"{name}_smallest", pd.Series(0.0, similarity.index))
    if smallest.min() * n_tests > ALPHA:
        return (
            f"Whether models are more similar than chance cannot be tested here: the smallest possible p-value with "
            f"{test} is {smallest.min():.2g}, which is not significant after correction for "
            f"{counted(n_tests, 'model')}."
        )
    hopeless = _hopeless(smallest[smallest * n_tests > ALPHA], similarity["encoder"])
    if above.empty and shifts:
        return (
            f"No model is significantly more similar than under circular shifts of the stimuli ({how}): there "
            "is no evidence that a match depends on the positions of the stimuli on the circle, beyond a smooth change "
            f"with {as_type(stimulus_type).noun}.{hopeless}"
        )
    if above.empty:
        return f"No model is significantly more similar than chance ({test}; {how}).{hopeless}"
    models = listed(above["encoder"].tolist()) if len(above) <= SHOWN else f"{len(above)} of {n_tests} models"
    chance = "under circular shifts of the stimuli" if shifts else f"chance ({test}"
    said = f"Significantly more similar than {chance}{' (' if shifts else '; '}{how}): {models}.{hopeless}"
    return said + _generalises_otherwise(above) + ("" if shifts else _tied_to_places(similarity, stimulus_type))


def _knows_shifts(similarity: pd.DataFrame) -> bool:
    return "p_shifts_holm" in similarity and bool(similarity["p_shifts_holm"].notna().any())


def _tied_to_places(similarity: pd.DataFrame, stimulus_type: str) -> str:
    """Which matches are tied to the stimuli's very positions on the circle, where circular shifts tell."""
    if not _knows_shifts(similarity):
        return ""
    tied = similarity.loc[similarity["p_shifts_holm"] <= ALPHA, "encoder"].tolist()
    if not tied:
        return ""
    n_tests = int(similarity["p_shifts_holm"].notna().sum())
    models = listed(tied) if len(tied) <= SHOWN else f"{len(tied)} of {n_tests} models"
    return (
        f" By circular shifts (p-values {corrected(n_tests, 'model')}), the match of {models} depends on the "
        f"{as_type(stimulus_type).plural} themselves, not only on the distances between them."
    )


def _generalises_otherwise(above: pd.DataFrame) -> str:
    """Why intervals include 0 of models that are significantly more similar than chance."""
    if "low" not in above or not (above["low"] <= 0).any() or not zero_is_unrelated(above.iloc[0]):
        return ""
    resampled = str(above["resampled"].iloc[0]).split() if "resampled" in above else []
    whose = next((f"these {factor}" for factor in ("animals", "sessions") if factor in resampled), "this recording")
    return (
        f" Some of their confidence intervals include 0 all the same: the test permutes the stimuli of {whose}, while "
        f"the intervals also generalise to other {join_factors(resampled) if resampled else 'data'}."
    )


def _hopeless(smallest: pd.Series, labels: pd.Series) -> str:
    """Models whose RDMs are so symmetric that the test could not be significant."""
    if smallest.empty:
        return ""
    who = join_names(labels[smallest.index].tolist())
    one = len(smallest) == 1
    low, high = f"{smallest.min():.2g}", f"{smallest.max():.2g}"
    least = low if low == high else f"{low} to {high}"
    own, rdms = ("its", "its RDM") if one else ("their", "their RDMs")
    return (
        f" {who} could not be: many orders of the stimuli leave {rdms} unchanged, and {own} smallest possible p-value "
        f"is {least} before correction."
    )
