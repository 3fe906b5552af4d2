"""What a run's tables say, in words and by fixed rules."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from normenc.encoders import EncoderKind
from normenc.renamed import renamed
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

MANY = 4  # trained layers of which the page speaks one by one
FOLDED = "folded directions onto orientations"  # as steps of a recording say it


def answer(similarity: pd.DataFrame, differences: pd.DataFrame) -> str:
    """The answer in one sentence: whether the task helps to explain the code, by the trained layer that matches best.

    Parameters
    ----------
    similarity, differences : DataFrame
        See :func:`findings`.

    Returns
    -------
    str
        That none matches where no similarity is above 0, by a measure that is a correlation. Yes only where that layer
        is more similar than its untrained twin and than every control, each by a difference whose corrected p-value is
        at most 0.05, and is above chance: by its test, or where chance is circular shifts, which ask for more, by an
        interval above 0.
    """
    best = _best(similarity)
    recording = the_recording(similarity["recording"].iloc[0])
    if best is None:
        return f"No trained layer has a similarity with {recording}."
    name = str(best["encoder"])
    if best["similarity"] <= 0 and zero_is_unrelated(best):
        return (
            f"No trained layer matches {recording}: even the most similar one, {name}, has a similarity of "
            f"{minus(f'{best.similarity:.3f}')}."
        )
    twins = differences[differences["other_kind"] == EncoderKind.TWIN]
    improved = twins.loc[(twins["p_holm"] <= ALPHA) & (twins["difference"] > 0), "encoder"].tolist()
    if name in improved:
        own = differences[(differences["encoder"] == name) & (differences["other_kind"] == EncoderKind.CONTROL)]
        return _of_the_best(name, recording, own, best)
    twin = twins[twins["encoder"] == name]
    if twins["p_holm"].isna().all():
        return (
            f"Whether the task helps to explain {recording} is not known: no difference between a trained layer and "
            "its untrained twin could be tested."
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
        f"Nothing here shows that the task helps to explain {recording}: no trained layer is significantly more "
        f"similar than its untrained twin{rest}."
    )


def _best(similarity: pd.DataFrame) -> Any:
    """The trained layer that matches best, or None where none has a similarity."""
    trained = similarity[(similarity["kind"] == EncoderKind.TRAINED) & similarity["similarity"].notna()]
    return None if trained.empty else trained.loc[trained["similarity"].idxmax()]


def _of_best(name: str, row: Any) -> str:
    """How similar the most similar trained layer is, and first that it matches nothing where it does not."""
    recording = the_recording(row["recording"])
    similarity = minus(f"{row['similarity']:.3f}")
    between = f"95 % interval {interval(row['low'], row['high'])}"
    if row["similarity"] <= 0 and zero_is_unrelated(row):
        return f"No trained layer matches {recording}: the most similar one is {name}, {similarity} ({between})."
    if row["low"] <= 0 and zero_is_unrelated(row):
        return (
            f"It is not certain that any trained layer matches {recording}: the most similar one is {name}, "
            f"{similarity}, and its interval includes 0 ({between})."
        )
    return f"Of the trained layers, {name} matches {recording} best: similarity {similarity} ({between})."


def _of_the_best(name: str, recording: str, controls: pd.DataFrame, row: pd.Series) -> str:
    """Of a layer that training made more similar: what else would have to hold."""
    sure = controls["p_holm"] <= ALPHA
    better = controls.loc[sure & (controls["difference"] < 0), "other"].tolist()
    as_good = controls.loc[controls["p_holm"] > ALPHA, "other"].tolist()
    untested = controls.loc[controls["p_holm"].isna(), "other"].tolist()
    caveats = []
    if better:
        caveats.append(
            f"{join_names(better)}, never trained, {_be(better, 'is', 'are')} significantly more similar still"
        )
    if as_good:
        never = f"which {_be(as_good, 'was', 'were')} never trained"
        caveats.append(f"it did not differ significantly from {join_names(as_good)}, {never}")
    if untested:
        caveats.append(f"it could not be tested against {join_names(untested)}")
    if not len(controls):
        caveats.append("no control was compared")
    by_interval = row["chance"] == "circular shifts" and zero_is_unrelated(row)
    if by_interval and not row["low"] > 0:
        caveats.append("the interval of its similarity includes 0")
    elif not by_interval and not row["p_chance_holm"] <= ALPHA:
        caveats.append("it is not significantly more similar than chance")
    if caveats:
        return (
            f"Training makes {name}, the layer that matches best, significantly more similar to {recording}, but "
            f"{', and '.join(caveats)}."
        )
    return (
        f"Training helps to explain {recording}: {name}, the layer that matches best, is significantly more similar "
        "than before training and than every control."
    )


@renamed(kind="stimulus_type")
def findings(similarity: pd.DataFrame, differences: pd.DataFrame, *, stimulus_type: str = "orientation") -> list[str]:
    """Say in words what the tables show, by fixed rules.

    Parameters
    ----------
    similarity, differences : DataFrame
        The rows of ``similarity.csv`` and ``differences.csv``, of one recording and comparison.
    stimulus_type : str
        ``"orientation"``, ``"direction"``, ``"image"`` or another type.

    Returns
    -------
    list of str
        First the layer that matches best, then each trained layer beside its untrained twin, then against the
        controls, then the noise ceiling, then chance. A difference counts when its p-value, corrected for all
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
    Of the trained layers, fc matches the recording “V1” best: similarity 0.600 (95 % interval 0.500 to 0.700).
    fc is significantly more similar after training than before: difference +0.200 (95 % interval +0.100 to +0.300; p = 0.002, Holm-corrected for 2 comparisons).
    Against controls, which were never trained: fc did not differ significantly from pixels (−0.100, 95 % interval −0.200 to −0.010, p = 0.06); p is Holm-corrected for 2 comparisons. The interval of the difference from pixels excludes 0, but it is of this difference alone, while p is corrected for all.
    There is no noise ceiling: a single RDM tells nothing about its noise, and how good a model can be is not known.
    Significantly more similar than chance (label permutations; p Holm-corrected for 3 models): fc, pixels.
    """  # noqa: E501 (sentences are lines of their own)
    best = _best(similarity)
    sentences = []
    if best is not None:
        sentences.append(_of_best(best["encoder"], best))
    sentences += _unknown(similarity)
    trained = similarity[similarity["kind"] == EncoderKind.TRAINED]
    n_tests = int(differences["p_holm"].notna().sum())
    twins = differences[differences["other_kind"] == EncoderKind.TWIN]
    against = differences[differences["other_kind"] == EncoderKind.CONTROL]
    told = trained["encoder"].tolist()
    if len(told) > MANY:
        told = [] if best is None else [best["encoder"]]
        sentences += [_counted(twins, "its untrained twin", len(trained), n_tests)]
        for other, rows in against.groupby("other", sort=False):
            sentences.append(_counted(rows, str(other), len(trained), n_tests))
    sentences += [_against_twin(row, n_tests) for row in twins[twins["encoder"].isin(told)].itertuples()]
    for layer in told:
        rows = against[against["encoder"] == layer]
        sentences += [_against_controls(layer, rows, n_tests)] if len(rows) else []
    shown = None if len(trained) <= MANY else MANY
    return [*sentences, against_ceiling(similarity, shown), against_chance(similarity, stimulus_type)]


def limits(recording: Mapping[str, Any], n_different_images: int | None) -> list[str]:
    """Say what keeps models of images from matching a recording of moving gratings.

    Parameters
    ----------
    recording : mapping
        What ``environment.json`` says of the recording.
    n_different_images : int or None
        How many different images the stimuli are; None where the run does not say.

    Examples
    --------
    >>> limits({"stimuli": "orientation", "n_stimuli": 12, "steps": ["folded directions onto orientations"]}, 12)
    ['Directions were folded onto orientations before the comparison: what the neurons tell about the sense of motion was left out.']
    """  # noqa: E501
    if FOLDED in recording["steps"]:
        return [
            "Directions were folded onto orientations before the comparison: what the neurons tell about the sense of "
            "motion was left out."
        ]
    n = recording["n_stimuli"]
    if not as_type(recording["stimuli"]).folds_onto or n_different_images in (None, n):
        return []
    return [
        f"Models see images, and gratings that drift in opposite directions are one image: the {n} directions are "
        f"{n_different_images} different images, and every model gives opposite directions a dissimilarity of 0. No "
        "model can match what the neurons tell about the sense of motion. To compare orientations alone, run it again "
        "with --fold."
    ]


def _unknown(similarity: pd.DataFrame) -> list[str]:
    """Which rows have no similarity, or no interval, and why."""
    if "why_unknown" not in similarity:
        return []
    rows = similarity[[isinstance(why, str) and bool(why) for why in similarity["why_unknown"]]]
    sentences = []
    for reason, own in rows.groupby("why_unknown", sort=False):
        what = "similarity" if own["similarity"].isna().any() else "interval"
        whose = join_names(own["encoder"].tolist())
        sentences.append(f"No {what} is known for {whose}: {reason}.")
    return sentences


def _counted(rows: pd.DataFrame, other: str, n: int, n_tests: int) -> str:
    sure = rows["p_holm"] <= ALPHA
    more, less = int((sure & (rows["difference"] > 0)).sum()), int((sure & (rows["difference"] < 0)).sum())
    untested = int(rows["p_holm"].isna().sum())
    rest = f"; {untested} could not be tested" if untested else ""
    how = f"(p {corrected(n_tests)})"
    if not more + less:
        return f"None of the {n} trained layers differed significantly from {other} {how}{rest}."
    unsure = n - more - less - untested
    others = f", and {unsure} did not differ significantly" if unsure else ""
    return (
        f"Of {n} trained layers, {more} {'is' if more == 1 else 'are'} significantly more similar than "
        f"{other.replace('its untrained twin', 'their untrained twins')} and {less} less{others} {how}{rest}."
    )


def _against_twin(row: Any, n_tests: int) -> str:
    if pd.isna(row.p_holm):
        known = f"difference {signed(row.difference)}" if pd.notna(row.difference) else "the difference is not known"
        return f"Whether training makes {row.encoder} more similar could not be tested ({known})."
    unsure = row.p_holm > ALPHA
    if unsure:
        verdict = "did not differ significantly from its untrained twin"
    else:
        verdict = f"is significantly {'more' if row.difference > 0 else 'less'} similar after training than before"
    alone = ""
    if unsure and _excludes_zero(row):
        alone = f" The interval excludes 0, but it is of this difference alone, while p is corrected for {n_tests}."
    return (
        f"{row.encoder} {verdict}: difference {signed(row.difference)} (95 % interval "
        f"{interval(row.low, row.high, '+.3f')}; {p_value(row.p_holm)}, {corrected(n_tests)}).{alone}"
    )


def _against_controls(layer: str, rows: pd.DataFrame, n_tests: int) -> str:
    """Whom a layer beats, whom it loses to, and from whom it did not differ significantly."""
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
        between = f"95 % interval {interval(row.low, row.high, '+.3f')}"
        groups[verdict].append(f"{row.other} ({signed(row.difference)}, {between}, {p_value(row.p_holm)})")
    words = [f"{verdict} {join_names(names)}" for verdict, names in groups.items() if names]
    how = f"; p is {corrected(n_tests)}" if rows["p_holm"].notna().any() else ""
    return f"Against controls, which were never trained: {layer} {'; it '.join(words)}{how}.{_of_one_alone(alone)}"


def _excludes_zero(row: Any) -> bool:
    return bool(row.low > 0 or row.high < 0)


def _of_one_alone(others: list[str]) -> str:
    """Why intervals exclude 0 where p is above 0.05."""
    if not others:
        return ""
    if len(others) == 1:
        return (
            f" The interval of the difference from {others[0]} excludes 0, but it is of this difference alone, while p "
            "is corrected for all."
        )
    return (
        f" The intervals of the differences from {join_names(others)} exclude 0, but each is of one difference alone, "
        "while p is corrected for all."
    )


def _be(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several


def _listed(names: list[str]) -> str:
    """A few names one by one, many by their number."""
    return join_names(names) if len(names) <= 2 * MANY else f"{len(names)} layers"
