"""The results in a run's tables as sentences, written by fixed rules."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from normenc.encoders import EncoderKind
from normenc.renamed import renamed
from normenc.report.learned import in_words, learned_rows, learned_word, never_learned, of_others
from normenc.report.reference_sentences import ALPHA, against_ceiling, against_chance, zero_is_unrelated
from normenc.report.wording import (
    corrected,
    interval,
    join_names,
    minus,
    p_value,
    signed,
    the_recording,
)
from normenc.stimulus_types import as_type

__all__ = ["answer", "findings", "limits"]

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
        above chance: by its test, or, if the test uses circular shifts, which are stricter, by an interval above 0.
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
            f"similarity of {similarity}, and its 95 % confidence interval includes 0 ({ends})."
        )
    return f"Of the {word} layers, {name} matches {recording} best, with a similarity of {similarity} ({between})."


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
    by_interval = row["chance"] == "circular shifts" and zero_is_unrelated(row)
    if by_interval and not row["low"] > 0:
        caveats.append("the confidence interval of its similarity includes 0")
    elif not by_interval and not row["p_chance_holm"] <= ALPHA:
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
    ...     "ceiling_upper": float("nan"), "p_ceiling_holm": float("nan"), "p_chance_holm": [0.01, 0.5, 0.01],
    ...     "chance": "label permutations"})
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
        sentences += [_counted(twins, "its untrained twin", f"{len(learned)} {word}", n_tests)]
        for other, rows in against.groupby("other", sort=False):
            sentences.append(_counted(rows, str(other), f"{len(learned)} {word}", n_tests))
    sentences += [
        _against_twin(row, n_tests, of_others(similarity, str(row.encoder)))
        for row in twins[twins["encoder"].isin(named)].itertuples()
    ]
    for layer in named:
        rows = against[against["encoder"] == layer]
        sentences += [_against_controls(layer, rows, n_tests)] if len(rows) else []
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


def _counted(rows: pd.DataFrame, other: str, layers: str, n_tests: int) -> str:
    """In how many of `layers`, such as "12 trained" ones, the difference from another encoder is significant."""
    sure = rows["p_holm"] <= ALPHA
    more, less = int((sure & (rows["difference"] > 0)).sum()), int((sure & (rows["difference"] < 0)).sum())
    untested = int(rows["p_holm"].isna().sum())
    rest = f"; {untested} could not be tested" if untested else ""
    how = f"(p-values {corrected(n_tests)})"
    if not more + less:
        return f"None of the {layers} layers differed significantly from {other} {how}{rest}."
    unsure = len(rows) - more - less - untested
    parts = [
        f"{more} {'is' if more == 1 else 'are'} significantly more similar than "
        f"{other.replace('its untrained twin', 'their untrained twins')}",
        f"{less} {'is' if less == 1 else 'are'} significantly less similar",
    ] + [f"{unsure} did not differ significantly"] * (unsure > 0)
    return f"Of {layers} layers, {join_names(parts)} {how}{rest}."


def _against_twin(row: Any, n_tests: int, pretrained: bool) -> str:
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


def _against_controls(layer: str, rows: pd.DataFrame, n_tests: int) -> str:
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


def _be(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _listed(names: list[str]) -> str:
    """A few names one by one, or the number of many."""
    return join_names(names) if len(names) <= 2 * MANY else f"{len(names)} layers"
