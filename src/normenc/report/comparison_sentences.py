"""How runs differ, as sentences written by fixed rules."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from normenc.csv_tables import did_not_learn
from normenc.encoders import EncoderKind
from normenc.report.changed_settings import Setting
from normenc.report.competence_sentences import LEARNED_ONLY, not_learned
from normenc.report.learned import learned_rows, learned_word
from normenc.report.matching import MIN_ORDERED, similarity_by_run
from normenc.report.wording import FACTORS, counted, decimals, join_factors, join_names, listed, p_value, quoted, signed
from normenc.runs import Run

__all__ = ["cautions", "changed", "other_ways", "what_differs"]

MANY = 6  # names, or conclusions that differ, that are written out
NOUNS = {  # as they are counted
    EncoderKind.TRAINED: "trained layer",
    EncoderKind.PRETRAINED: "pretrained layer",
    EncoderKind.TWIN: "untrained twin",
    EncoderKind.CONTROL: "control",
}
NO_CEILING = ("none", "no formula")  # kinds of ceilings that are none


def what_differs(
    runs: Sequence[Run],
    settings: Sequence[Setting],
    table: pd.DataFrame,
    order: pd.DataFrame,
    concluded: pd.DataFrame,
) -> list[str]:
    """State how recordings, settings, results and conclusions of runs differ.

    Parameters
    ----------
    runs : sequence of Run
    settings : sequence of Setting
        Of the runs' studies.
    table, order, concluded : DataFrame
        Of :func:`~normenc.report.matching.encoder_table`, :func:`~normenc.report.matching.order_agreement` and
        :func:`~normenc.report.matching.conclusions`.

    Returns
    -------
    list of str
        Recordings, settings, the best layers, controls, the order of encoders, the largest difference, encoders that
        only some runs have, and conclusions.
    """
    sentences = [_recordings(runs), _settings(settings), _best_layers(runs, table), *_not_learned(runs, table)]
    sentences += [_controls(runs, table)]
    sentences += [_order(runs, table, order), _largest_difference(runs, table), _only_some(runs, table)]
    sentences += _conclusions(runs, table, concluded)
    return [sentence for sentence in sentences if sentence]


def cautions(runs: Sequence[Run]) -> list[str]:
    """What prevents a comparison of the numbers of these runs, as far as their folders show."""
    said: list[str] = []
    simulated = [run.label for run in runs if run.recording.get("simulated")]
    if simulated:
        own = join_names([quoted(label) for label in simulated])
        who = f"The recording of {own} is" if len(simulated) == 1 else f"The recordings of {own} are"
        who = "All recordings are" if len(simulated) == len(runs) else who
        said.append(f"{who} simulated: no animal was recorded, and such results are not evidence about a brain.")
    ways = [f"{run.similarity['rdm_metric'].iloc[0]} dissimilarities, {_first(run, 'comparison')}" for run in runs]
    if len(set(ways)) > 1:
        said.append(
            f"The runs measure similarity in different ways ({_by_run(runs, ways)}): their similarities are not on the "
            "same scale and cannot be compared."
        )
    return said


def other_ways(runs: Sequence[Run]) -> list[str]:
    """What the runs estimated or tested differently."""
    said = []
    for column, what, why in (
        (
            "ceiling",
            "Noise ceilings are estimated in different ways",
            "shares of the ceiling are not on the same scale",
        ),
        ("resampled", "Intervals and tests resample different factors", "they do not generalise over the same factors"),
    ):
        values = [_first(run, column) for run in runs]
        if column == "ceiling":
            values = [value for value in values if value not in NO_CEILING]
        if len(set(values)) > 1:
            of_runs = [run for run in runs if column != "ceiling" or _first(run, column) not in NO_CEILING]
            said.append(f"{what} ({_by_run(of_runs, [_listed(v) for v in values])}): {why}.")
    return said


def changed(concluded: pd.DataFrame) -> tuple[list[Any], list[Any]]:
    """Conclusions that at least two runs have: those that differ, and those that are the same in all.

    Returns
    -------
    changed, same : list of ((encoder, other), DataFrame)
    """
    both = [(key, rows) for key, rows in concluded.groupby(["encoder", "other"], sort=False) if len(rows) > 1]
    apart = [pair for pair in both if pair[1]["verdict"].nunique() > 1]
    return apart, [pair for pair in both if pair[1]["verdict"].nunique() == 1]


def _recordings(runs: Sequence[Run]) -> str:
    names = [_first(run, "recording") for run in runs]
    own = [run.recording for run in runs]
    sums = {_sum(recording) for recording in own}
    # A file is identified by its content; a recording without a file, such as a simulation, by its settings.
    same_settings = all(runs[0].settings["recording"] == run.settings["recording"] for run in runs[1:])
    if all(own[0] == other for other in own[1:]) and (None not in sums or same_settings):
        return f"{_all(runs)} use the same recording, {quoted(names[0])}, prepared in the same way."
    if len(sums) == 1 and None not in sums:
        return f"{_all(runs)} use the same file (by its SHA-256), but it was named or prepared differently."
    if len(set(names)) == 1:
        return f"{_all(runs)} use a recording called {quoted(names[0])}, but its content or description differs."
    return f"The recordings differ: {_by_run(runs, [quoted(name) for name in names])}."


def _sum(recording: Mapping[str, Any]) -> Any:
    """What identifies a recording's content: the digests of all its files, or of the only one in older runs."""
    return tuple(file["sha256"] for file in recording.get("files") or ()) or recording.get("sha256")


def _settings(settings: Sequence[Setting]) -> str:
    keys = [setting.key for setting in settings if not setting.same and setting.key.split(".")[0] != "recording"]
    named = "name" in keys
    keys = [key for key in keys if key != "name"]
    if not keys:
        return f"Apart from the recording{' and the study’s name' if named else ''}, no setting differs."
    if len(keys) == 1:
        return f"Apart from the recording, one setting differs: {keys[0]}."
    more = f", and {len(keys) - MANY} more" if len(keys) > MANY else ""
    shown = ", ".join(keys[:MANY]) + more if more else join_names(keys)
    return f"Apart from the recording, {len(keys)} settings differ: {shown}."


def _best_layers(runs: Sequence[Run], table: pd.DataFrame) -> str:
    learned, word = learned_rows(table), learned_word(table)
    best = [_best(learned[learned["run"] == number]) for number in range(len(runs))]
    values = [f"no {word} layer" if row is None else f"{decimals(row['similarity'])}{_of_ceiling(row)}" for row in best]
    names = ["none" if row is None else str(row["encoder"]) for row in best]
    if len(set(names)) == 1:
        return f"The most similar {word} layer is {names[0]} in {_every(runs)}: {_by_run(runs, values)}."
    named = [f"{name}, {value}" if name != "none" else value for name, value in zip(names, values, strict=True)]
    return f"The most similar {word} layer is not the same: {_by_run(runs, named)}."


def _not_learned(runs: Sequence[Run], table: pd.DataFrame) -> list[str]:
    """Networks that did not learn their task, for each run that has any."""
    said = [(not_learned(table[table["run"] == number]), run) for number, run in enumerate(runs)]
    return [f"In {quoted(run.label)}: {sentence[0].lower()}{sentence[1:]}" for sentence, run in said if sentence]


def _best(rows: pd.DataFrame) -> Any:
    rows = rows[np.isfinite(rows["similarity"])]
    return None if rows.empty else rows.loc[rows["similarity"].idxmax()]


def _of_ceiling(row: Any) -> str:
    if not np.isfinite(row["ceiling_lower"]):
        return " (no noise ceiling)"
    share = f"{100 * row['share']:.0f} % of " if row["share"] >= 0 else "with "
    return f" ({share}a lower noise ceiling of {decimals(row['ceiling_lower'])})"


def _controls(runs: Sequence[Run], table: pd.DataFrame) -> str:
    """In which runs a control has a higher similarity than all layers that learned."""
    ahead: list[tuple[str, str, Run]] = []
    for number, run in enumerate(runs):
        own = table[table["run"] == number]
        control, layer = _best(own[own["kind"] == EncoderKind.CONTROL]), _best(learned_rows(own))
        if control is not None and layer is not None and control["similarity"] > layer["similarity"]:
            ahead.append((str(control["encoder"]), decimals(control["similarity"]), run))
    if not ahead:
        return ""
    names = {name for name, _, _ in ahead}
    if len(names) == 1 and len(ahead) > 1:
        start = f"{ahead[0][0]}, a control that was never trained, has"
        of_runs = _by_run([run for _, _, run in ahead], [value for _, value, _ in ahead])
    else:
        start = f"{'A control' if len(ahead) == 1 else 'Controls'} that {'was' if len(ahead) == 1 else 'were'} never "
        start += f"trained {'has' if len(ahead) == 1 else 'have'}"
        of_runs = "; ".join(f"{name} ({value}) in {quoted(run.label)}" for name, value, run in ahead)
    that = LEARNED_ONLY * bool(did_not_learn(table).any())
    return f"{start} a higher similarity than every {learned_word(table)} layer{that}: {of_runs}."


def _of_kinds(table: pd.DataFrame) -> str:
    """How many encoders of each kind all runs have, in brackets."""
    n_runs = table["run"].nunique()
    runs = table[np.isfinite(table["similarity"])].groupby(["kind", "encoder"], sort=False)["run"].nunique()
    n = runs[runs == n_runs].groupby("kind").size()
    said = [counted(int(n[kind]), noun) for kind, noun in NOUNS.items() if kind in n]
    return f" ({join_names(said)})" if said else ""


def _order(runs: Sequence[Run], table: pd.DataFrame, order: pd.DataFrame) -> str:
    known = order.dropna(subset=["rho"])
    if known.empty:
        few = int(order["n"].max()) < MIN_ORDERED
        why = f"fewer than {MIN_ORDERED}" if few else "and in one run all are equally similar"
        n = int(order["n"].max())
        return f"The order of the encoders cannot be compared: the runs have {n} in common, {why}."
    if len(runs) == 2:
        row = known.iloc[0]
        return (
            f"The order of the {int(row['n'])} encoders that both runs have{_of_kinds(table)} has a Spearman rank "
            f"correlation of {row['rho']:.2f}."
        )
    low, high = known.loc[known["rho"].idxmin()], known.loc[known["rho"].idxmax()]
    if low["rho"] == high["rho"]:
        return (
            f"The order of the encoders that two runs have in common always has a rank correlation of {low['rho']:.2f}."
        )
    of_low, of_high = (
        f"{quoted(runs[int(row['one'])].label)} and {quoted(runs[int(row['other'])].label)}, {int(row['n'])} encoders"
        for row in (low, high)
    )
    return (
        f"The order of the encoders that two runs have in common has a Spearman rank correlation of {low['rho']:.2f} "
        f"({of_low}) to {high['rho']:.2f} ({of_high})."
    )


def _largest_difference(runs: Sequence[Run], table: pd.DataFrame) -> str:
    if table["comparison"].nunique() > 1 or table["rdm_metric"].nunique() > 1:
        return ""
    wide = similarity_by_run(table).dropna()
    if wide.empty:
        return ""
    spread = wide.max(axis=1) - wide.min(axis=1)
    if spread.max() == 0:
        shared = f"similarities of the {len(wide)} encoders" if len(wide) > 1 else "similarity of the one encoder"
        return f"In {_every(runs)}, the {shared} that they share {'are' if len(wide) > 1 else 'is'} the same."
    key = spread.idxmax()
    low, high = int(wide.loc[key].idxmin()), int(wide.loc[key].idxmax())
    return (
        f"Of the encoders that {_every(runs)} have, {key[1]} differs most in similarity: "
        f"{decimals(wide.loc[key, low])} in {quoted(runs[low].label)}, {decimals(wide.loc[key, high])} in "
        f"{quoted(runs[high].label)}."
    )


def _only_some(runs: Sequence[Run], table: pd.DataFrame) -> str:
    """Which encoders are missing in some runs."""
    there = table.groupby(["kind", "encoder"], sort=False)["run"].agg(tuple)
    groups: dict[tuple[int, ...], list[str]] = {}
    for (_, encoder), numbers in there.items():
        if len(numbers) < len(runs):
            groups.setdefault(numbers, []).append(str(encoder))
    parts = []
    for numbers, names in groups.items():
        more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
        who = join_names([quoted(runs[number].label) for number in numbers])
        parts.append(f"only {who} {'has' if len(numbers) == 1 else 'have'} {listed(names[:MANY])}{more}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _conclusions(runs: Sequence[Run], table: pd.DataFrame, concluded: pd.DataFrame) -> list[str]:
    apart, same = changed(concluded)
    n, word = len(apart) + len(same), learned_word(table)
    if not n:
        return [f"No conclusion about a {word} layer occurs in more than one run."]
    if n == 1:
        sentences = [
            f"The one conclusion about a {word} layer that occurs in more than one run "
            f"{'differs' if apart else 'is the same'}."
        ]
    else:
        start = f"Of {n} conclusions about {word} layers that occur in more than one run"
        sentences = [
            f"{start}, {len(same)} {'is' if len(same) == 1 else 'are'} the same and {len(apart)} "
            f"{'differs' if len(apart) == 1 else 'differ'}."
        ]
        sentences = sentences if apart else [f"{start}, all are the same."]
    if len(apart) <= MANY:
        sentences += [_changed(runs, key, rows) for key, rows in apart]
    return sentences


def _changed(runs: Sequence[Run], key: tuple[str, str], rows: pd.DataFrame) -> str:
    encoder, other = key
    own = {row.run: f"{row.verdict} ({_numbers(row)})" for row in rows.itertuples()}
    values = _by_run([runs[number] for number in own], list(own.values()))
    references = {"chance": "chance", "noise ceiling": "the noise ceiling", EncoderKind.TWIN: "its untrained twin"}
    return f"{encoder} compared with {references.get(other, other)}: {values}."


def _numbers(row: Any) -> str:
    p = p_value(row.p)
    return p if np.isnan(row.difference) else f"{signed(row.difference)}, {p}"


def _by_run(runs: Sequence[Run], values: Sequence[str]) -> str:
    """Each value with its runs; a value that all runs share is given without them."""
    groups: dict[str, list[str]] = {}
    for run, value in zip(runs, values, strict=True):
        groups.setdefault(value, []).append(quoted(run.label))
    if len(groups) == 1 and len(runs) > 1:
        return next(iter(groups))
    return "; ".join(f"{value} in {join_names(labels)}" for value, labels in groups.items())


def _first(run: Run, column: str) -> str:
    value = run.similarity[column].iloc[0]
    return "nothing" if pd.isna(value) else str(value)


def _listed(value: str) -> str:
    """The factors in ``resampled`` as a list; other values unchanged."""
    factors = value.split()
    return join_factors(factors) if {*factors} <= {*FACTORS} else value


def _all(runs: Sequence[Run]) -> str:
    return "Both runs" if len(runs) == 2 else f"All {len(runs)} runs"


def _every(runs: Sequence[Run]) -> str:
    return "both runs" if len(runs) == 2 else f"all {len(runs)} runs"
