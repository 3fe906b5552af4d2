"""The results in a run's tables as sentences, written by fixed rules."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from normenc.encoders import EncoderKind
from normenc.renamed import renamed
from normenc.report.difference_sentences import against_controls, against_twin, counted_differences
from normenc.report.learned import in_words, learned_rows, learned_word, never_learned, of_others
from normenc.report.reference_sentences import ALPHA, against_ceiling, against_chance, zero_is_unrelated
from normenc.report.wording import (
    counted,
    interval,
    join_names,
    minus,
    the_recording,
)
from normenc.stimulus_types import as_type

__all__ = ["answer", "findings", "limits"]

FEW_ANIMALS = 4  # of which an interval that generalises over animals has at most 3 degrees of freedom
MANY = 4  # trained layers that the page describes one by one
FOLDED = "folded directions onto orientations"  # as steps of a recording say it


def answer(similarity: pd.DataFrame, differences: pd.DataFrame) -> str:
    """The answer in one sentence: whether training helps to explain the code, judged by the best layer that learned.

    Parameters
    ----------
    similarity, differences : DataFrame
        See :func:`findings`.

    Returns
    -------
    str
        No match if no similarity is above 0, by a measure that is a correlation. Yes only if that layer is
        significantly more similar than its untrained twin and than every control (corrected p at most 0.05), and is
        above chance: by label permutations or, in runs of older versions that only have circular shifts, which are
        stricter, by an interval above 0.
    """
    word = learned_word(similarity)
    similarity, differences = in_words(similarity, word), in_words(differences, word)
    best = _best(similarity)
    recording = the_recording(similarity["recording"].iloc[0])
    if never_learned(similarity):
        return (
            f"All networks of this study are untrained, so it cannot show whether training helps to explain "
            f"{recording}. To ask that, give an encoder its weights."
        )
    if best is None:
        return f"No {word} layer has a similarity with {recording}."
    name = str(best["encoder"])
    if best["similarity"] <= 0 and zero_is_unrelated(best):
        return (
            f"No {word} layer matches {recording}: even the most similar one, {name}, has a similarity of "
            f"{minus(f'{best.similarity:.3f}')}."
        )
    twins = differences[differences["other_kind"] == EncoderKind.TWIN]
    improved = twins.loc[(twins["p_holm"] <= ALPHA) & (twins["difference"] > 0), "encoder"].tolist()
    if name in improved:
        own = differences[(differences["encoder"] == name) & (differences["other_kind"] == EncoderKind.CONTROL)]
        return _of_the_best(name, recording, own, best)
    what = "the task" if word == "trained" else "training"
    twin = twins[twins["encoder"] == name]
    if twins["p_holm"].isna().all():
        return (
            f"These data cannot show whether {what} helps to explain {recording}: no difference between a {word} "
            "layer and its untrained twin could be tested."
        )
    if twin.empty:
        return (
            f"This study cannot show whether {what} helps to explain {recording}: {name}, the layer that matches best, "
            "has no untrained twin that could be compared."
        )
    if improved:
        return (
            f"Training makes {_listed(improved)} significantly more similar to {recording}, but not {name}, the layer "
            "that matches best."
        )
    if (twin["p_holm"] <= ALPHA).any():
        return f"Training makes {name}, the layer that matches best, significantly less similar to {recording}."
    untested = twins.loc[twins["p_holm"].isna(), "encoder"].tolist()
    rest = f"; {_listed(untested)} could not be tested" if untested else ""
    return (
        f"There is no evidence that {what} helps to explain {recording}: no {word} layer is significantly more "
        f"similar to it than its untrained twin{rest}."
    )


def _best(similarity: pd.DataFrame) -> Any:
    """The layer that learned and matches best, or None where none has a similarity."""
    learned = learned_rows(similarity)
    learned = learned[learned["similarity"].notna()]
    return None if learned.empty else learned.loc[learned["similarity"].idxmax()]


def _of_best(name: str, row: Any, word: str) -> str:
    """How similar the most similar layer that learned is, or that none matches."""
    recording = the_recording(row["recording"])
    similarity = minus(f"{row['similarity']:.3f}")
    ends = interval(row["low"], row["high"])
    between = f"95 % confidence interval {ends}"
    if row["similarity"] <= 0 and zero_is_unrelated(row):
        return (
            f"No {word} layer matches {recording}: the most similar one, {name}, has a similarity of {similarity} "
            f"({between})."
        )
    if row["low"] <= 0 and zero_is_unrelated(row):
        return (
            f"It is uncertain whether any {word} layer matches {recording}: the most similar one, {name}, has a "
            f"similarity of {similarity}, and its 95 % confidence interval includes 0 ({ends}).{_few_animals(row)}"
        )
    return f"Of the {word} layers, {name} matches {recording} best, with a similarity of {similarity} ({between})."


def _few_animals(row: Any) -> str:
    """Why an interval is wide that generalises over few animals."""
    n = row.get("n_animals", float("nan"))
    if "animals" not in str(row.get("resampled", "")).split() or not n <= FEW_ANIMALS:
        return ""
    return f" It generalises to other animals, and with {counted(int(n), 'animal')} such an interval is wide."


def _of_the_best(name: str, recording: str, controls: pd.DataFrame, row: pd.Series) -> str:
    """The answer for a layer that training made more similar, and what else is needed for a yes."""
    before = "its untrained twin" if row["kind"] == EncoderKind.PRETRAINED else "before training"
    sure = controls["p_holm"] <= ALPHA
    better = controls.loc[sure & (controls["difference"] < 0), "other"].tolist()
    as_good = controls.loc[controls["p_holm"] > ALPHA, "other"].tolist()
    untested = controls.loc[controls["p_holm"].isna(), "other"].tolist()
    caveats = []
    if better:
        caveats.append(
            f"the {_be(better, 'control', 'controls')} {join_names(better)} {_be(better, 'is', 'are')} significantly "
            "more similar than this layer"
        )
    if as_good:
        control = _be(as_good, "control", "controls")
        caveats.append(f"it did not differ significantly from the {control} {join_names(as_good)}")
    if untested:
        caveats.append(f"it could not be tested against {join_names(untested)}")
    if not len(controls):
        caveats.append("it was compared with no control")
    only_shifts = bool(np.isnan(row["p_permutations_holm"]) and row.get("p_shifts_holm", np.nan) >= 0)
    by_interval = only_shifts and zero_is_unrelated(row)  # runs of older versions, with one test
    if by_interval and not row["low"] > 0:
        caveats.append("the confidence interval of its similarity includes 0")
    elif not by_interval and not row["p_permutations_holm"] <= ALPHA:
        caveats.append("it is not significantly more similar than chance")
    if caveats:
        return (
            f"Training makes {name}, the layer that matches best, significantly more similar to {recording}, but "
            f"{', and '.join(caveats)}."
        )
    return (
        f"Training helps to explain {recording}: {name}, the layer that matches best, is significantly more similar "
        f"than {before} and than every control."
    )


@renamed(kind="stimulus_type")
def findings(similarity: pd.DataFrame, differences: pd.DataFrame, *, stimulus_type: str = "orientation") -> list[str]:
    """State the results in the tables as sentences, by fixed rules.

    Parameters
    ----------
    similarity, differences : DataFrame
        The rows of ``similarity.csv`` and ``differences.csv``, of one recording and comparison.
    stimulus_type : str
        ``"orientation"``, ``"direction"``, ``"image"`` or another type.

    Returns
    -------
    list of str
        First the layer that matches best, then each trained or pretrained layer compared with its untrained twin and
        with the controls, then the noise ceiling, then chance. A difference is significant if its p-value, corrected for all
        planned comparisons (Holm), is at most 0.05.

    Examples
    --------
    >>> similarity = pd.DataFrame({
    ...     "recording": "V1", "encoder": ["fc", "fc, untrained", "pixels"],
    ...     "kind": ["trained layer", "untrained twin", "control"], "similarity": [0.6, 0.4, 0.7],
    ...     "low": [0.5, 0.3, 0.6], "high": [0.7, 0.5, 0.8], "ceiling": "none", "ceiling_lower": float("nan"),
    ...     "ceiling_upper": float("nan"), "p_ceiling_holm": float("nan"), "p_permutations_holm": [0.01, 0.5, 0.01]})
    >>> differences = pd.DataFrame({
    ...     "encoder": "fc", "other": ["fc, untrained", "pixels"], "other_kind": ["untrained twin", "control"],
    ...     "difference": [0.2, -0.1], "low": [0.1, -0.2], "high": [0.3, -0.01], "p_holm": [0.002, 0.06]})
    >>> for sentence in findings(similarity, differences):
    ...     print(sentence)
    Of the trained layers, fc matches the recording “V1” best, with a similarity of 0.600 (95 % confidence interval 0.500 to 0.700).
    fc is significantly more similar after training than before: difference +0.200 (95 % confidence interval +0.100 to +0.300; p = 0.002, Holm-corrected for 2 comparisons).
    Compared with the controls, which were never trained, fc did not differ significantly from pixels (−0.100, 95 % CI −0.200 to −0.010, p = 0.06); p-values are Holm-corrected for 2 comparisons. The confidence interval of the difference from pixels excludes 0, but it is not corrected for multiple comparisons.
    There is no noise ceiling: a single RDM contains no information about its noise, so the highest similarity that a model could reach is unknown.
    Significantly more similar than chance (label permutations; p-values Holm-corrected for 3 models): fc, pixels.
    """  # noqa: E501 (sentences are lines of their own)
    word = learned_word(similarity)
    similarity, differences = in_words(similarity, word), in_words(differences, word)
    best = _best(similarity)
    sentences = []
    if best is not None:
        sentences.append(_of_best(best["encoder"], best, word))
    sentences += _unknown(similarity)
    learned = learned_rows(similarity)
    n_tests = int(differences["p_holm"].notna().sum())
    twins = differences[differences["other_kind"] == EncoderKind.TWIN]
    against = differences[differences["other_kind"] == EncoderKind.CONTROL]
    named = learned["encoder"].tolist()
    if len(named) > MANY:
        named = [] if best is None else [best["encoder"]]
        of = f"{len(learned)} {word}"
        sentences += counted_differences({"its untrained twin": twins} if len(twins) else {}, of, n_tests)
        others = {str(other): rows for other, rows in against.groupby("other", sort=False)}
        sentences += counted_differences(others, of, n_tests)
    sentences += [
        against_twin(row, n_tests, of_others(similarity, str(row.encoder)))
        for row in twins[twins["encoder"].isin(named)].itertuples()
    ]
    for layer in named:
        rows = against[against["encoder"] == layer]
        sentences += [against_controls(layer, rows, n_tests)] if len(rows) else []
    shown = None if len(learned) <= MANY else MANY
    return [*sentences, against_ceiling(similarity, shown), against_chance(similarity, stimulus_type)]


def limits(recording: Mapping[str, Any], n_different_images: int | None) -> list[str]:
    """State what prevents models of images from matching a recording of moving gratings.

    Parameters
    ----------
    recording : mapping
        The section ``recording`` of ``environment.json``.
    n_different_images : int or None
        Number of different images among the stimuli; None if the run does not say.

    Examples
    --------
    >>> limits({"stimuli": "orientation", "n_stimuli": 12, "steps": ["folded directions onto orientations"]}, 12)
    ['Directions were folded onto orientations before the comparison, which discards information about the direction of motion.']
    """  # noqa: E501
    if FOLDED in recording["steps"]:
        return [
            "Directions were folded onto orientations before the comparison, which discards information about the "
            "direction of motion."
        ]
    n = recording["n_stimuli"]
    if not as_type(recording["stimuli"]).folds_onto or n_different_images in (None, n):
        return []
    return [
        f"Models are shown still images, and gratings that drift in opposite directions are the same image: the {n} "
        f"directions are {n_different_images} different images, and every model gives opposite directions a "
        "dissimilarity of 0. No model can match the neurons’ information about the direction of motion. To compare "
        "orientations alone, set fold_directions = true in the [recording] section of the study file."
    ]


def _unknown(similarity: pd.DataFrame) -> list[str]:
    """Which rows have no similarity, or no confidence interval, and why."""
    if "why_unknown" not in similarity:
        return []
    rows = similarity[[isinstance(why, str) and bool(why) for why in similarity["why_unknown"]]]
    sentences = []
    for reason, own in rows.groupby("why_unknown", sort=False):
        what = "similarity" if own["similarity"].isna().any() else "confidence interval"
        whose = join_names(own["encoder"].tolist())
        sentences.append(f"No {what} is known for {whose}: {reason}.")
    return sentences


def _be(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _listed(names: list[str]) -> str:
    """A few names one by one, or the number of many."""
    return join_names(names) if len(names) <= 2 * MANY else f"{len(names)} layers"
