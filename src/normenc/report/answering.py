"""The answer of a run in at most five sentences, chosen by fixed rules.

In this order: what training changes, which networks did not learn their task, whether a control does as well, how
similar the layer is and how similar it could be, what that generalises to, and what the data could not have told.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import LEARNED, EncoderKind
from normenc.report.answer_facts import best_of_all, likeness_of_twin, no_match, unmatched, unreliable
from normenc.report.competence_sentences import LEARNED_ONLY, none_learned, not_learned
from normenc.report.identified import could_have_told
from normenc.report.learned import in_words, learned_rows, learned_word, never_learned
from normenc.report.partition_sentences import beyond
from normenc.report.proposed import Remedy
from normenc.report.reference_sentences import ALPHA, above_chance, is_close, zero_is_unrelated
from normenc.report.scope_words import scope_sentence
from normenc.report.small_differences import is_small, limit_in_words, was_expected
from normenc.report.wording import corrected, decimals, interval, join_names, p_value, signed, the_recording
from normenc.runs import Run
from normenc.stimulus_types import as_type

__all__ = ["answer", "answer_of"]

MOST = 5  # sentences
MOST_NAMED = 4  # further controls or layers that are named; more are counted


def answer_of(run: Run, design: str | Path | None = None) -> list[str]:
    """The answer of a run, from its folder and a design's, see :func:`answer` and :func:`normenc.report.write`."""
    recording, doubt = run.environment["recording"], unreliable(run)
    told = could_have_told(
        run.identification,
        run.similarity,
        run.environment.get("identification", {}).get("same", {}),
        as_type(recording["stimuli"]).pictures,
        Remedy(run, design),
    )
    more = [scope_sentence(run.environment), "" if doubt else told]
    return answer(
        run.similarity.assign(like_twin=run.similarity["encoder"].map(likeness_of_twin(run))),
        run.differences,
        run.partitioning,
        more=more,
        stimulus_type=recording["stimuli"],
        doubt=doubt,
    )


def answer(
    similarity: pd.DataFrame,
    differences: pd.DataFrame,
    partitioning: pd.DataFrame | None = None,
    *,
    more: Sequence[str] = (),
    stimulus_type: str = "orientation",
    doubt: str = "",
) -> list[str]:
    """Whether training helps to explain the code, judged by the most similar layer that learned its task.

    Parameters
    ----------
    similarity, differences : DataFrame
        The rows of ``similarity.csv`` and ``differences.csv``, of one recording and comparison. A column
        ``like_twin`` of the first, the similarity of a layer's RDM to that of its untrained twin, is used if it is there.
    partitioning : DataFrame, optional
        Those of ``partitioning.csv``.
    more : sequence of str
        Sentences that follow; empty ones are left out.
    stimulus_type : str
        ``"orientation"``, ``"direction"``, ``"image"`` or another type.
    doubt : str
        Why no comparison with this recording means anything; the answer begins with it, and states no finding.

    Returns
    -------
    list of str
        At most four sentences, and `more`: five in all, for which the last of the first ones and the first of the others
        can become one. If no network learned its task, the first says so, and nothing is said of the task. Training *helps to explain* a recording only if the layer is significantly
        more similar than its untrained twin and than every control (corrected p at most 0.05), and is above chance.
        If no layer that learned, or no encoder, is significantly above chance, the first sentence says so.
        Where a difference is not significant, the interval decides: if all of it is closer to 0 than 0.05, and than a
        tenth of the lower noise ceiling (or of the similarity, where no ceiling is known), the data show that the
        difference is small; otherwise they cannot tell. By measures that are no correlations, small is below 5 % of
        the lower ceiling.

    Examples
    --------
    >>> similarity = pd.DataFrame({
    ...     "recording": "V1", "encoder": ["fc", "fc, untrained", "pixels"], "comparison": "pearson",
    ...     "kind": ["trained layer", "untrained twin", "control"], "similarity": [0.6, 0.59, 0.7],
    ...     "low": [0.5, 0.49, 0.6], "high": [0.7, 0.69, 0.8], "ceiling": "none", "ceiling_lower": float("nan"),
    ...     "p_ceiling_holm": float("nan"), "p_permutations_holm": [0.01, 0.5, 0.01]})
    >>> differences = pd.DataFrame({
    ...     "encoder": "fc", "other": ["fc, untrained", "pixels"], "other_kind": ["untrained twin", "control"],
    ...     "difference": [0.01, -0.1], "low": [-0.01, -0.15], "high": [0.03, -0.05], "p_holm": [0.3, 0.002]})
    >>> for sentence in answer(similarity, differences):
    ...     print(sentence)
    The data show that training changes the similarity of fc, the trained layer that matches best, to the recording “V1” by less than 0.05 (difference +0.010, 95 % CI −0.010 to +0.030; p = 0.3, Holm-corrected for 2 comparisons).
    fc is significantly less similar than the control pixels (difference −0.100, 95 % CI −0.150 to −0.050; p = 0.002, Holm-corrected for 2 comparisons).
    The similarity of fc is 0.600 (95 % CI 0.500 to 0.700); how high it could be is unknown, because a single RDM contains no information about its noise.
    """  # noqa: E501 (a sentence is a line of its own)
    word = learned_word(similarity)
    similarity, differences = in_words(similarity, word), in_words(differences, word)
    partitioning = None if partitioning is None else in_words(partitioning, word)
    known = similarity[similarity["similarity"].notna()]
    learned = learned_rows(known)
    learnt = known[~did_not_learn(known)]
    nothing = unmatched(learnt, learned)
    unmatched_said = "" if nothing is None else no_match(nothing, known, word, _below_ceiling(nothing, similarity))
    if doubt:
        return [*filter(None, [doubt, unmatched_said or _level(_best(known), similarity, stimulus_type), *more])]
    if learned.empty:
        said = [none_learned(similarity) or _without_training(similarity, word)]
        return [*said, *filter(None, [unmatched_said or _level(_best(learnt), similarity, stimulus_type), *more])]
    best = _best(learned)
    against = differences[
        (differences["encoder"] == best["encoder"]) & (differences["other_kind"] == EncoderKind.CONTROL)
    ]
    beaten = bool(((against["p_holm"] <= ALPHA) & (against["difference"] < 0)).any())
    failed = not_learned(similarity)
    controls = f"{_controls(best, against, differences)}{beyond(partitioning, best['encoder'], beaten=beaten)}."
    level = f"{_level(best, similarity, stimulus_type).removesuffix('.')}{best_of_all(best, learnt)}."
    who = "the best match of the networks that learned their task" if failed else f"the {word} layer that matches best"
    if unmatched_said:
        own = differences[
            (differences["other_kind"] == EncoderKind.TWIN) & differences["encoder"].isin(learned["encoder"])
        ]
        changed = (own["p_holm"] <= ALPHA) & ((own["difference"] > 0) | (own["encoder"] == best["encoder"]))
        said = [
            unmatched_said,
            failed,
            _finding(best, against, differences, who, learned["encoder"]) if changed.any() else "",
        ]
        said += [controls] if (against["p_holm"] <= ALPHA).any() else []
    elif best["similarity"] <= 0 and zero_is_unrelated(best):
        recording, that = the_recording(best["recording"]), LEARNED_ONLY * bool(failed)
        said = [
            f"No {word} layer{that} matches {recording}, not even the most similar one: t{level.removeprefix('T')}",
            failed,
            controls,
        ]
    else:
        said = [_finding(best, against, differences, who, learned["encoder"]), failed, controls, level]
    return _at_most(list(filter(None, said)), list(filter(None, more)))


def _at_most(said: list[str], more: list[str]) -> list[str]:
    """All sentences; of too many, the last of the first ones and the first of the others become one."""
    if len(said) + len(more) <= MOST or not more:
        return [*said, *more]
    *first, last = said
    return [*first, f"{last.removesuffix('.')}; {more[0][0].lower()}{more[0][1:]}", *more[1:]]


def _best(rows: pd.DataFrame) -> Any:
    return None if rows.empty else rows.loc[rows["similarity"].idxmax()]


def _without_training(similarity: pd.DataFrame, word: str) -> str:
    recording = the_recording(similarity["recording"].iloc[0])
    if never_learned(similarity):
        return (
            f"All networks of this study are untrained, so it cannot show whether training helps to explain "
            f"{recording}; to ask that, give an encoder its weights."
        )
    return f"No {word} layer has a similarity with {recording}."


def _finding(best: Any, against: pd.DataFrame, differences: pd.DataFrame, who: str, learned: "pd.Series[str]") -> str:
    """What training changes for the layer that matches best; where it is not improved, those of `learned` that are."""
    recording, layer = the_recording(best["recording"]), f"{best['encoder']}, {who},"
    twins = differences[differences["other_kind"] == EncoderKind.TWIN]
    own, others = twins[twins["encoder"] == best["encoder"]], twins[twins["encoder"].isin(learned)]
    if own.empty:
        said = f"This study cannot show whether training helps to explain {recording}: {layer} has no untrained twin"
    elif own["p_holm"].isna().all():
        known = "" if own["difference"].isna().all() else f" ({signed(own['difference'].iloc[0])})"
        said = (
            f"These data cannot show whether training makes {layer} more similar to {recording}: its difference from "
            f"its untrained twin could not be tested{known}"
        )
    else:
        row = own.iloc[0]
        expected = was_expected(best) if row["p_holm"] > ALPHA and is_small(row, best) else ""
        said = f"{_changed(row, best, against, layer)} {_effect(row, differences)}{expected}"
        if row["p_holm"] <= ALPHA and row["difference"] > 0:
            return f"{said}."
    return f"{said}{_other_layers(others, best)}."


def _changed(row: Any, best: Any, against: pd.DataFrame, layer: str) -> str:
    """What training changes, from the difference between the layer and its untrained twin."""
    recording, least = the_recording(best["recording"]), f"less than {limit_in_words(best)}"
    small = is_small(row, best)
    if row["p_holm"] > ALPHA:
        if small:
            return f"The data show that training changes the similarity of {layer} to {recording} by {least}"
        return f"These data cannot tell whether training makes {layer} more or less similar to {recording}"
    little = f", but by {least}" if small else ""
    if row["difference"] < 0:
        return f"Training makes {layer} significantly less similar to {recording}{little}"
    beats_all = len(against) and bool(((against["p_holm"] <= ALPHA) & (against["difference"] > 0)).all())
    if beats_all and above_chance(best):
        return f"Training helps to explain {recording}: it makes {layer} significantly more similar{little}"
    return f"Training makes {layer} significantly more similar to {recording}{little}"


def _other_layers(twins: pd.DataFrame, best: Any) -> str:
    """That training made other layers more similar, as a clause."""
    sure = twins[(twins["p_holm"] <= ALPHA) & (twins["difference"] > 0) & (twins["encoder"] != best["encoder"])]
    if sure.empty:
        return ""
    if len(sure) == 1:
        return f"; it makes {sure['encoder'].iloc[0]} significantly more similar{_alone(sure)}"
    names = [f"{row['encoder']} ({signed(row['difference'])}{_ends(row)})" for _, row in sure.iterrows()]
    who = join_names(names) if len(names) <= MOST_NAMED else f"{len(names)} other layers"
    return f"; it makes {who} significantly more similar"


def _controls(best: Any, against: pd.DataFrame, differences: pd.DataFrame) -> str:
    """The control that is most similar, and how the layer compares with it and the others; without its full stop."""
    name = best["encoder"]
    if against.empty:
        return f"{name} was compared with no control, so that simpler properties of the stimuli may explain as much"
    tested = against[against["p_holm"].notna()].sort_values("difference")
    untested = against.loc[against["p_holm"].isna(), "other"].tolist()
    if tested.empty:
        return f"{name} could not be tested against {join_names(untested)}"
    rest = f"; it could not be tested against {join_names(untested)}" if untested else ""
    sure = tested["p_holm"] <= ALPHA
    worse, unsure = tested[sure & (tested["difference"] < 0)], tested[~sure]
    better = tested[sure & (tested["difference"] > 0)]
    first = (worse if len(worse) else unsure if len(unsure) else tested).iloc[0]
    effect, control = _effect(first, differences), f"the control {first['other']}"
    if len(worse):
        return f"{name} is significantly less similar than {control} {effect}{_and_than(worse[1:])}{rest}"
    if len(unsure):
        others = f"; nor did it differ significantly from {_some(unsure[1:])}" if len(unsure) > 1 else ""
        if len(better):
            others += f"; it is significantly more similar than {_some(better)}{_alone(better)}"
        if is_small(first, best):
            return f"{name} is as similar as {control}, to within {limit_in_words(best)} {effect}{others}{rest}"
        return f"These data cannot tell whether {name} is more similar than {control} {effect}{others}{rest}"
    if len(tested) == 1:
        return f"{name} is significantly more similar than {control} {effect}{rest}"
    every = "all controls" if not untested else "all controls that could be tested"
    nearest = f"the most similar of them is {first['other']}"
    return f"{name} is significantly more similar than {every}; {nearest} {effect}{rest}"


def _alone(rows: pd.DataFrame) -> str:
    """The difference in the only row; of several, none."""
    row = rows.iloc[0]
    return f" ({signed(row['difference'])}{_ends(row)}; {p_value(row['p_holm'])})" if len(rows) == 1 else ""


def _and_than(rows: pd.DataFrame) -> str:
    return f", and than {_some(rows)}" if len(rows) else ""


def _some(rows: pd.DataFrame) -> str:
    names = rows["other"].tolist()
    return join_names(names) if len(names) <= MOST_NAMED else f"{len(names)} other controls"


def _effect(row: Any, differences: pd.DataFrame) -> str:
    n = int(differences["p_holm"].notna().sum())
    excludes = row["p_holm"] > ALPHA and (row["low"] > 0 or row["high"] < 0)
    alone = "; the interval excludes 0, but is not corrected" if excludes else ""
    return f"(difference {signed(row['difference'])}{_ends(row)}; {p_value(row['p_holm'])}, {corrected(n)}{alone})"


def _ends(row: Any) -> str:
    return f", 95 % CI {interval(row['low'], row['high'], '+.3f')}" if pd.notna(row["low"]) else ""


def _level(row: Any, similarity: pd.DataFrame, stimulus_type: str) -> str:
    """How similar an encoder is, by how much it misses the ceiling, and whether that is more than chance."""
    if row is None:
        return ""
    others = "of the other encoders" if did_not_learn(similarity).any() else "encoder"
    name = row["encoder"] if row["kind"] in LEARNED else f"{row['encoder']}, the most similar {others},"
    ends = "no interval is known" if pd.isna(row["low"]) else f"95 % CI {interval(row['low'], row['high'])}"
    zero = ", which includes 0" if row["low"] <= 0 < row["similarity"] and zero_is_unrelated(row) else ""
    said = f"The similarity of {name} is {decimals(row['similarity'])} ({ends}{zero}){_below_ceiling(row, similarity)}"
    return f"{said}{_beside_chance(row, similarity, stimulus_type)}."


def _below_ceiling(row: Any, similarity: pd.DataFrame) -> str:
    if row["ceiling"] == "none":
        return "; how high it could be is unknown, because a single RDM contains no information about its noise"
    if row["ceiling"] == "no formula" or pd.isna(row["ceiling_lower"]):
        return "; how high it could be is unknown"
    distance, p = row["ceiling_lower"] - row["similarity"], row["p_ceiling_holm"]
    ceiling = f"the lower noise ceiling of {decimals(row['ceiling_lower'])}"
    test = f"{p_value(p)}, {corrected(int(similarity['p_ceiling_holm'].notna().sum()), 'model')}"
    if distance <= 0:
        said = f", above {ceiling}" if distance < 0 else f", which reaches {ceiling}"
        if row["similarity"] > row.get("ceiling_upper", float("nan")):
            said += f" and the upper one of {decimals(row['ceiling_upper'])}"
    elif pd.isna(p):
        said = f", {distance:.3f} below {ceiling}"
    elif p <= ALPHA:
        said = f", significantly below {ceiling} ({test})"
    elif is_close(row):
        said = f", within {distance:.3f} of {ceiling}"
    else:
        said = f", {distance:.3f} below {ceiling}, which is not significant ({test})"
    if row.get("ceiling_lower_low", 1.0) <= 0 and zero_is_unrelated(row):
        said += "; the interval of the ceiling includes 0, so that the recording may contain nothing to match"
    return said


def _beside_chance(row: Any, similarity: pd.DataFrame, stimulus_type: str) -> str:
    """By label permutations; by circular shifts only where they can tell, or where older runs have no other test."""
    p, shifted = row["p_permutations_holm"], row.get("p_shifts_holm", float("nan"))
    if not above_chance(row):
        if pd.isna(p):
            return "" if pd.notna(shifted) else "; it could not be tested against chance"
        n = int(similarity["p_permutations_holm"].notna().sum())
        return f"; it is not significantly above chance (label permutations, {p_value(p)}, {corrected(n, 'model')})"
    if not shifted <= ALPHA:
        return ""
    plural = as_type(stimulus_type).plural
    return f"; the match depends on the {plural} themselves (circular shifts, {p_value(shifted)})"
