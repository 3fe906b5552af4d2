"""What commands print: tables and summaries."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from normenc.cli.terminal import echo, echo_result, in_colour, says, says_warnings, tell
from normenc.texts import visible

__all__ = [
    "print_check",
    "print_failure",
    "print_kept",
    "print_run",
    "print_skipped",
    "print_table",
    "warnings_in_one_line",
]

MAX_WIDTH = 40  # of the first column of a table
MAX_KEPT = 5  # files that are named
MAX_ROWS = 12  # of trained layers on the screen
UNKNOWN = "not known"
SCOPE = "95 % confidence intervals generalise over"


@contextmanager
def warnings_in_one_line() -> Iterator[None]:
    """Print each warning of normenc once, as a line of its own; with ``--quiet`` none, as of others."""
    from normenc.errors import NormencWarning

    with warnings.catch_warnings():
        others = warnings.showwarning
        told: set[str] = set()

        def show(message: Warning | str, category: type[Warning], *where: Any, **lines: Any) -> None:
            if issubclass(category, NormencWarning):
                if str(message) not in told and says_warnings():
                    tell(f"warning: {message}")
                told.add(str(message))
            elif says_warnings():
                others(message, category, *where, **lines)

        warnings.showwarning = show
        warnings.simplefilter("always", NormencWarning)
        yield


def print_run(finished: Any) -> None:
    """Print what a run kept, found and could not do, and where its report is."""
    from normenc.runs.schema import REPORT

    print_kept(finished.kept)
    print_summary(finished)
    _print_failures(finished)
    echo_result("report", finished.folder / REPORT)


def _print_failures(finished: Any) -> None:
    print_skipped(finished.evaluation.skipped)
    for failure in finished.evaluation.failures:
        print_failure(failure)
    units = [failure for failure in finished.evaluation.failures if failure.layer is None]
    if units:
        echo(
            f"normenc: {len(units)} of {len(finished.evaluation.trainings) + len(units)} units failed; their settings "
            f"are in {finished.folder / 'failures.csv'}, and their tasks and networks are left out",
            err=True,
            fg=typer.colors.RED,
        )


def print_kept(paths: Sequence[Path]) -> None:
    """Print where files of the user that were in the way are kept."""
    if not paths:
        return
    some = ", ".join(str(path) for path in paths[:MAX_KEPT])
    more = f" and {len(paths) - MAX_KEPT} more" if len(paths) > MAX_KEPT else ""
    tell(f"these files are yours or were edited, and were moved to make room: {some}{more}")


def print_skipped(controls: dict[str, str]) -> None:
    """Print which controls could not be used, and why."""
    for name, why in controls.items():
        echo(f"normenc: the control {name} is left out: {why}", err=True, fg=typer.colors.YELLOW)


def print_failure(failure: Any) -> None:
    """Print which network, or layer, could not be used, and why."""
    echo(f"normenc: {failure.describe()}", err=True, fg=typer.colors.YELLOW)


def print_summary(finished: Any) -> None:
    """Print what a run found, layers and controls in one table."""
    if not says():
        return
    from normenc.csv_tables import did_not_learn, encoders_of
    from normenc.encoders import LEARNED
    from normenc.report.answering import answer_of
    from normenc.report.learned import learned_word
    from normenc.report.wording import corrected
    from normenc.runs import Run

    evaluation = finished.evaluation
    study = evaluation.study
    table, method = evaluation.similarity, study.comparison.method
    if study.is_grid:
        table = table.sort_values("similarity", ascending=False)
        learned = table["kind"].isin(LEARNED)
        best = table[learned].head(MAX_ROWS)
        table = table[~learned | table.index.isin(best.index)]
    rows = [
        (
            encoder.encoder_name if study.is_grid else encoder.network,
            encoder.layer or "",
            f"{encoder.kind.value}{', not learned' * bool(failed)}",
            "" if encoder.seed is None else str(row.n_seeds),
            _known(row.similarity),
            _interval(row.low, row.high),
            _known(row.p_permutations_holm),
        )
        for encoder, row, failed in zip(encoders_of(table), table.itertuples(), did_not_learn(table), strict=True)
    ]
    echo(evaluation.recording.describe())
    _print_scores(evaluation)
    columns = (
        "network",
        "layer",
        "kind",
        "seeds",
        f"similarity ({method})",
        "95 % confidence interval",
        "p (label permutations, Holm)",
    )
    print_table(*_without_empty(columns, rows))
    if study.is_grid and len(best) < (n_learned := int(learned.sum())):
        word = learned_word(evaluation.similarity)
        echo(f"these are the {len(best)} most similar {word} layers; all {n_learned} are in the report")
    if evaluation.predicted is not None:
        _print_predictivity(evaluation.predicted.table)
    inference = evaluation.inference
    ceiling = inference.ceiling
    echo(_ceiling(ceiling, ceiling.describe(evaluation.recording.whose)), wrapped=True)
    n_models = int(evaluation.similarity["p_permutations_holm"].notna().sum())
    echo(f"chance: label permutations of the stimuli; p is {corrected(n_models, 'model')}", wrapped=True)
    for note in inference.notes:
        if not note.startswith(SCOPE):  # the answer says it
            echo(note, wrapped=True)
    for sentence in answer_of(Run.open(finished.folder)):
        echo(sentence, bold=True, wrapped=True)


def _without_empty(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """A table without the columns of which nothing is known in any row; elsewhere a dash stands for it."""
    keep = [k for k in range(len(columns)) if any(row[k] != UNKNOWN for row in rows)]
    return [columns[k] for k in keep], [[row[k].replace(UNKNOWN, "–") for k in keep] for row in rows]


def print_check(quality: Any) -> None:
    """Print what the check of a recording found."""
    from normenc import quality as room

    if quality.read_as:
        echo(f"{quality.name}: read as {quality.read_as}")
    echo(quality.description, bold=True)
    print_table(None, [line for line in room.lines(quality) if line[0] != "read as"])
    colours = {"reliable": typer.colors.GREEN, "unreliable": typer.colors.RED}
    if says("results"):
        echo_result("verdict", quality.verdict)
    echo(f"verdict: {quality.verdict}", fg=colours.get(quality.verdict, typer.colors.YELLOW), bold=True)
    for warning in quality.warnings:
        echo(f"- {warning}", wrapped=True)
    echo("what comparisons with these data can decide:", bold=True)
    decisions = room.decisions(quality.decidable, quality.kind, quality.n_stimuli)
    echo(*(f"- {decision}" for decision in decisions), wrapped=True)


def _ceiling(ceiling: Any, described: str) -> str:
    """The noise ceiling in a line: one number where its bounds are the same."""
    if math.isnan(ceiling.lower) and math.isnan(ceiling.upper):
        return f"no noise ceiling: {described.removeprefix('none: ')}"
    return f"noise ceiling: {_span(ceiling.lower, ceiling.upper)}, from {described}"


def _span(low: float, high: float) -> str:
    """A range of numbers; one number where both are written alike."""
    return " to ".join(dict.fromkeys([_known(low), _known(high)]))


def _interval(low: float, high: float) -> str:
    return UNKNOWN if low != low else f"{low:.3f} to {high:.3f}"


def _known(value: float) -> str:
    return UNKNOWN if value != value else f"{value:.3f}"


def _print_predictivity(table: Any) -> None:
    """The neurons' predictivity beside the similarity of RDMs, the most predictive first."""
    import pandas as pd

    from normenc.runs.schema import FAILED_FIT

    measure = "feve" if table["feve"].notna().any() else "r"
    rows = [
        (
            str(row["encoder"]),
            str(row["kind"]),
            "" if pd.isna(row["similarity"]) else f"{row['similarity']:.3f}",
            f"{row[measure]:.3f}",
            _interval(row[f"{measure}_low"], row[f"{measure}_high"]),
        )
        for row in table.sort_values(measure, ascending=False).head(MAX_ROWS).to_dict("records")
    ]
    name = "explainable variance explained" if measure == "feve" else "r of predictions"
    print_table(("encoder", "kind", "similarity", f"{name} (median)", "95 % confidence interval"), rows)
    if len(table) > MAX_ROWS:
        echo(f"these are the {MAX_ROWS} most predictive; all {len(table)} are in the report")
    for row in table[table["notes"].str.startswith(FAILED_FIT)].itertuples():
        echo(f"normenc: {row.encoder}: {row.notes}", err=True, fg=typer.colors.YELLOW)


def _print_scores(evaluation: Any) -> None:
    """Print how well the tasks were learned: by seed, or for a grid by task and network."""
    if not evaluation.study.is_grid:
        for unit, training in evaluation.trainings.items():
            log = training.log
            echo(
                f"seed {unit.seed}, {unit.task.score_name}: {log.train_score:.3f} in training, "
                f"{log.held_out_score:.3f} on fresh stimuli (untrained {log.untrained_score:.3f}, "
                f"chance {unit.task.chance:.3g}){_learned([unit.task.has_learned(log.held_out_score)], '; ')}"
            )
        return
    groups: dict[tuple[str, str], list[Any]] = {}
    for unit, training in evaluation.trainings.items():
        groups.setdefault((unit.task_label, unit.network_label), []).append((unit.task, training.log))
    rows = []
    for (label, network), trained in groups.items():
        fresh = [log.held_out_score for _, log in trained]
        task = trained[0][0]
        told = _learned([task.has_learned(score) for score in fresh])
        rows.append((label, network, task.score_name, _span(min(fresh), max(fresh)), f"{task.chance:.3g}", told))
    if rows:
        print_table(("task", "network", "score", "on fresh stimuli", "chance", "learned"), rows)


def _learned(seeds: Sequence[bool | None], start: str = "") -> str:
    """How many of a network's seeds learned the task, or that the one did not; empty if this is not known."""
    if None in seeds:
        return ""
    if len(seeds) == 1:
        return f"{start}learned" if seeds[0] else f"{start}did not learn the task"
    return f"{start}{sum(map(bool, seeds))} of {len(seeds)}"


def print_table(columns: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the first of which is never broken, and cut where it is very long."""
    if not says():
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold" if in_colour() else "", show_header=columns is not None)
    for index, column in enumerate(columns or rows[0]):
        table.add_column(Text(visible(column)), no_wrap=index == 0, overflow="fold")
    for first, *others in rows:
        name = Text(visible(first))
        name.truncate(MAX_WIDTH, overflow="ellipsis")
        table.add_row(name, *(Text(visible(cell)) for cell in others))
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = max(console.width, 140)  # a file has room for whole rows
    console.print(table)
