"""The results in a run's tables as sentences, written by fixed rules."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from normenc.encoders import EncoderKind
from normenc.renamed import renamed
from normenc.report.competence_sentences import LEARNED_ONLY, none_learned, not_learned
from normenc.report.difference_sentences import against_controls, against_twin, counted_differences
from normenc.report.learned import in_words, learned_rows, learned_word, of_others
from normenc.report.reference_sentences import against_ceiling, against_chance, zero_is_unrelated
from normenc.report.wording import (
    counted,
    interval,
    join_names,
    minus,
    the_recording,
)
from normenc.stimulus_types import as_type

__all__ = ["findings", "limits"]

FEW_ANIMALS = 4  # of which an interval that generalises over animals has at most 3 degrees of freedom
MANY = 4  # trained layers that the page describes one by one
FOLDED = "folded directions onto orientations"  # as steps of a recording say it


def _best(similarity: pd.DataFrame) -> Any:
    """The layer that learned and matches best, or None where none has a similarity."""
    learned = learned_rows(similarity)
    learned = learned[learned["similarity"].notna()]
    return None if learned.empty else learned.loc[learned["similarity"].idxmax()]


def _of_best(name: str, row: Any, word: str, that: str) -> str:
    """How similar the most similar layer that learned is, or that none matches."""
    recording = the_recording(row["recording"])
    similarity = minus(f"{row['similarity']:.3f}")
    ends = interval(row["low"], row["high"])
    between = f"95 % confidence interval {ends}"
    if row["similarity"] <= 0 and zero_is_unrelated(row):
        return (
            f"No {word} layer{that} matches {recording}: the most similar one, {name}, has a similarity of "
            f"{similarity} ({between})."
        )
    if row["low"] <= 0 and zero_is_unrelated(row):
        return (
            f"It is uncertain whether any {word} layer{that} matches {recording}: the most similar one, {name}, has a "
            f"similarity of {similarity}, and its 95 % confidence interval includes 0 ({ends}).{_few_animals(row)}"
        )
    return (
        f"Of the {word} layers{that}, {name} matches {recording} best, with a similarity of {similarity} ({between})."
    )


def _few_animals(row: Any) -> str:
    """Why an interval is wide that generalises over few animals."""
    n = row.get("n_animals", float("nan"))
    if "animals" not in str(row.get("resampled", "")).split() or not n <= FEW_ANIMALS:
        return ""
    return f" It generalises to other animals, and with {counted(int(n), 'animal')} such an interval is wide."


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
        First the layer that matches best, and networks that did not learn their task, then each other trained or pretrained layer compared with its untrained twin and
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
    failed = none_learned(similarity) or not_learned(similarity)
    similarity, differences = in_words(similarity, word), in_words(differences, word)
    best = _best(similarity)
    sentences = []
    if best is not None:
        sentences.append(_of_best(best["encoder"], best, word, LEARNED_ONLY * bool(failed)))
    sentences += [failed] if failed else []
    sentences += _unknown(similarity)
    learned = learned_rows(similarity)
    n_tests = int(differences["p_holm"].notna().sum())
    differences = differences[differences["encoder"].isin(learned["encoder"])]
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
