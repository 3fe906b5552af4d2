"""What a run's tables say of the models beside the noise ceiling, and beside chance."""

from typing import Any

import pandas as pd

from normenc.encoders import EncoderKind
from normenc.report.wording import corrected, counted, interval, join_names, listed, p_value
from normenc.rsa.measures import facts_of
from normenc.stimulus_types import as_type

__all__ = ["ALPHA", "against_ceiling", "against_chance", "zero_is_unrelated"]

ALPHA = 0.05
SHOWN = 8  # models that are named one by one
# Below the lower ceiling, or as a part of it where the measure is not a correlation: from there a layer whose interval
# includes the ceiling reaches it.
CLOSE = 0.05


def against_ceiling(similarity: pd.DataFrame, shown: int | None = None) -> str:
    """How far the trained layers are from the lower noise ceiling.

    A layer reaches it where its similarity is as high, or at most 0.05 lower while its interval includes the ceiling
    and the difference is not significant. Of any other, the sentence says how far below it is, and why that difference
    was not significant, if it was not.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``.
    shown : int, optional
        Layers of which it speaks one by one, the most similar ones; of more it gives numbers. All by default.
    """
    row = similarity.iloc[0]
    if row["ceiling"] == "none":
        return (
            "There is no noise ceiling: a single RDM tells nothing about its noise, and how good a model can be is not "
            "known."
        )
    if row["ceiling"] == "no formula":
        return (
            "There is no noise ceiling: halves of a recording give one only for correlations, and how good a model can "
            "be by this measure is not known."
        )
    start = f"The noise ceiling is {row['ceiling_lower']:.3f} (lower) to {row['ceiling_upper']:.3f} (upper)."
    trained = similarity[(similarity["kind"] == EncoderKind.TRAINED) & similarity["similarity"].notna()]
    n_tests = int(similarity["p_ceiling_holm"].notna().sum())
    unreliable = ""
    if row.get("ceiling_lower_low", 1.0) <= 0 and zero_is_unrelated(row):
        unreliable = (
            " The interval of the lower ceiling includes 0: the recording may hold nothing that a model can match."
        )
    if shown is not None and len(trained) > shown:
        return f"{start} {_in_numbers(trained, n_tests)}{unreliable}"
    return " ".join([start, *_one_by_one(trained, n_tests)]) + unreliable


def zero_is_unrelated(row: Any) -> bool:
    """Whether a similarity of 0 means that RDMs have nothing to do with each other, as that of correlations does."""
    return facts_of(row.get("comparison", "pearson")).is_correlation


def _one_by_one(trained: pd.DataFrame, n_tests: int) -> list[str]:
    below, reached, unsure = [], [], []
    for _, row in trained.iterrows():
        name, distance = row["encoder"], row["ceiling_lower"] - row["similarity"]
        test = f"{p_value(row['p_ceiling_holm'])}, {corrected(n_tests, 'model')}"
        if _reaches(row):
            near = "" if distance <= 0 else f" to within {distance:.3f}, a difference that was not significant ({test})"
            reached.append(f"{name} reaches the lower ceiling{near}.")
        elif pd.isna(row["p_ceiling_holm"]):
            unsure.append(f"{name} is {distance:.3f} below the lower ceiling; this could not be tested.")
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
        sure = [f"{who} {verb} significantly below the lower ceiling, by {by}; p is {corrected(n_tests, 'model')}."]
    return [*sure, *unsure, *reached]


def _reaches(row: Any) -> bool:
    distance = row["ceiling_lower"] - row["similarity"]
    included = row["low"] <= row["ceiling_lower"] <= row["high"]
    close = CLOSE * (1 if zero_is_unrelated(row) else abs(row["ceiling_lower"]))
    return bool(distance <= 0 or (distance <= close and included and not row["p_ceiling_holm"] <= ALPHA))


def _why_not(row: Any) -> str:
    """Why a layer's distance from the ceiling was not significant."""
    if row.get("p_ceiling", 1.0) <= ALPHA:
        return f"p is corrected for all models (before correction: {p_value(row['p_ceiling'])})"
    if row["high"] >= row["ceiling_lower"] or "ceiling_lower_low" not in row or pd.isna(row["ceiling_lower_low"]):
        return f"the interval of its similarity is wide ({interval(row['low'], row['high'])})"
    ends = interval(row["ceiling_lower_low"], row["ceiling_lower_high"])
    return f"the lower ceiling is uncertain itself (95 % interval {ends})"


def _in_numbers(trained: pd.DataFrame, n_tests: int) -> str:
    reached = sum(_reaches(row) for _, row in trained.iterrows())
    sure = trained["p_ceiling_holm"].le(ALPHA) & (trained["similarity"] < trained["ceiling_lower"])
    rest = len(trained) - reached - int(sure.sum())
    return (
        f"Of {len(trained)} trained layers, {int(sure.sum())} are significantly below the lower ceiling (p "
        f"{corrected(n_tests, 'model')}), {rest} are below it by a difference that was not significant, and {reached} "
        f"{'reaches' if reached == 1 else 'reach'} it."
    )


def against_chance(similarity: pd.DataFrame, stimulus_type: str) -> str:
    """Which models are significantly more similar than chance, and which could not be.

    Parameters
    ----------
    similarity : DataFrame
        The rows of ``similarity.csv``.
    stimulus_type : str
        ``"orientation"``, ``"direction"``, ``"image"`` or another type.
    """
    above = similarity[similarity["p_chance_holm"] <= ALPHA]
    n_tests = int(similarity["p_chance_holm"].notna().sum())
    test = str(similarity["chance"].iloc[0])
    shifts = test == "circular shifts"
    if not n_tests:
        return "No model could be tested against chance."
    how = f"p {corrected(n_tests, 'model')}"
    smallest = similarity.get("p_chance_smallest", pd.Series(0.0, similarity.index))
    if smallest.min() * n_tests > ALPHA:
        return (
            f"Whether models are more similar than chance cannot be tested here: the smallest p-value that {test} can "
            f"give is {smallest.min():.2g}, which is not significant once it is corrected for "
            f"{counted(n_tests, 'model')}."
        )
    hopeless = _hopeless(smallest[smallest * n_tests > ALPHA], similarity["encoder"])
    if above.empty and shifts:
        return (
            f"No model is significantly more similar than its own circular shifts ({how}): there is no evidence that "
            f"a match depends on the positions of the stimuli on the circle, beyond a smooth change with "
            f"{as_type(stimulus_type).noun}.{hopeless}"
        )
    if above.empty:
        return f"No model is significantly more similar than chance ({test}; {how}).{hopeless}"
    models = listed(above["encoder"].tolist()) if len(above) <= SHOWN else f"{len(above)} of {n_tests} models"
    chance = "their own circular shifts" if shifts else f"chance ({test}"
    return f"Significantly more similar than {chance}{' (' if shifts else '; '}{how}): {models}.{hopeless}"


def _hopeless(smallest: pd.Series, labels: pd.Series) -> str:
    """Models so symmetric that no order of the stimuli that was tried could make them significant."""
    if smallest.empty:
        return ""
    who = join_names(labels[smallest.index].tolist())
    one = len(smallest) == 1
    low, high = f"{smallest.min():.2g}", f"{smallest.max():.2g}"
    least = low if low == high else f"{low} to {high}"
    own, rdms = ("its", "its RDM as it is") if one else ("their", "their RDMs as they are")
    return (
        f" {who} could not be: many orders of the stimuli leave {rdms}, so that {own} smallest possible p-value is "
        f"{least} before correction."
    )
