"""The ``normenc`` command: commands, progress, and errors for people.

Exit codes: 0 all went well; 1 the work could not be done; 2 the command or its input is at fault; 130 interrupted.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app", "main"]

app = typer.Typer(
    name="normenc",
    help="Train networks on a task, never on neural data, and compare their layers with recordings of visual cortex, "
    "beside controls.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
recordings_app = typer.Typer(help="List the recordings that normenc knows by name, or fetch one.")
app.add_typer(recordings_app, name="recordings")


def main() -> None:
    """Run the command line; an error in the input ends in one message and exit code 2, never in a traceback."""
    from normenc.errors import InputError

    try:
        app()
    except InputError as error:
        typer.secho(f"normenc: error: {error}", err=True, fg=typer.colors.RED)
        sys.exit(2)
    except OSError as error:
        typer.secho(f"normenc: error: {error}", err=True, fg=typer.colors.RED)
        sys.exit(1)


def _version(value: bool) -> None:
    if value:
        from normenc import __version__

        typer.echo(f"normenc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    study: Annotated[
        Path | None,
        typer.Argument(help="A study file (TOML); without one, the reference study.", metavar="[STUDY.toml]"),
    ] = None,
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Compare with this recording instead of the study's."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder to write; runs/<study>-<recording> by default."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Train with this seed instead of the study's.")] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier run in that folder.")] = False,
) -> None:
    """Train the study's network, compare it with a recording beside its controls, and write a report."""
    from normenc import report
    from normenc import study as studies

    settings = (studies.load_study(study) if study else studies.Study()).with_changes(recording=recording, seed=seed)
    try:
        finished = studies.run(settings, out, device=device, force=force)
    except KeyboardInterrupt:
        typer.secho("normenc: interrupted; nothing was written", err=True)
        raise typer.Exit(130) from None
    page = report.write(finished.folder)
    _print_summary(finished.evaluation)
    typer.echo(f"report: {page}")


@recordings_app.callback(invoke_without_command=True)
def recordings(context: typer.Context) -> None:
    """List the recordings that normenc knows by name."""
    if context.invoked_subcommand is not None:
        return
    from normenc.recordings.download import cached_file
    from normenc.recordings.sources import SOURCES

    rows = []
    for source in SOURCES.values():
        here = source.url is None or cached_file(source.name).exists()
        kind = f"{source.species}, {source.area}"
        rows.append((source.name, source.size, kind, source.licence, "yes" if here else "no"))
    _print_table(("name", "size", "species, area", "licence", "here"), rows)
    typer.echo("Fetch one that is not here with: normenc recordings fetch NAME")


@recordings_app.command()
def fetch(name: Annotated[str, typer.Argument(help="The recording's name.")]) -> None:
    """Download a recording into the cache and check it."""
    from normenc.recordings import fetch as download

    typer.echo(f"{name}: {download(name)}")


def _print_summary(evaluation: Any) -> None:
    rows = [
        (
            r.model,
            r.layer,
            "yes" if r.trained else "no",
            "" if r.seed is None else str(r.seed),
            f"{r.similarity:.3f}",
        )
        for r in evaluation.representations
    ]
    log = evaluation.training.log
    method = evaluation.study.comparison.method
    typer.echo(evaluation.recording.describe())
    typer.echo(
        f"accuracy: {log.train_accuracy:.3f} in training, {log.held_out_accuracy:.3f} on fresh stimuli "
        f"(untrained {log.untrained_accuracy:.3f})"
    )
    _print_table(("model", "layer", "trained", "seed", f"similarity ({method})"), rows)


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(soft_wrap=False).print(table)
