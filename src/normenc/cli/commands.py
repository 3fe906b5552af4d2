"""The commands, and errors for people.

Exit codes: 0 all went well; 1 the work could not be done; 2 the command or its input is at fault; 130 interrupted.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli.next_steps import next_steps
from normenc.cli.options import split, takes_recording
from normenc.cli.printing import (
    open_browser,
    print_failure,
    print_failures,
    print_kept,
    print_skipped,
    print_summary,
    print_table,
)

__all__ = ["app", "main"]

FEW_UNITS = 8  # to train in one process

app = typer.Typer(
    name="normenc",
    help="Train networks on a task, never on neural data, and compare their layers with recordings of visual cortex, "
    "beside controls.",
    no_args_is_help=True,
    rich_markup_mode=None,
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


@app.command(short_help="Train, compare with a recording beside controls, write a report.")
@takes_recording
def run(
    study: Annotated[
        Path | None,
        typer.Argument(help="A study file (TOML); without one, the reference study.", metavar="STUDY.toml"),
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
    seeds: Annotated[
        int | None, typer.Option(metavar="N", help="Train N networks, with this seed and the next ones.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processes to train in; for many networks one a core by default."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Train on the workers of this Dask scheduler.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier run in that folder.")] = False,
    *,
    preparation: dict[str, Any],
) -> None:
    """Train the study's networks, compare them with its recordings beside controls, and write a report for each.

    A network that was trained before is not trained again: what was broken off goes on with the same command.
    """
    from normenc import report
    from normenc import study as studies
    from normenc.study.file_names import REPORT

    settings = studies.load_study(study) if study else studies.Study()
    settings = settings.with_changes(recording=recording, seed=seed, n_seeds=seeds, preparation=preparation)
    parts = settings.per_recording()
    failed = False
    for index, part in enumerate(parts):
        folder = out if out is None or len(parts) == 1 else out / f"recording{index + 1}"
        try:
            finished = studies.run(
                part,
                folder,
                device=device,
                workers=workers or _default_workers(part, device),
                scheduler=scheduler,
                force=force,
                page=report.write,
            )
        except KeyboardInterrupt:
            typer.secho(
                "normenc: interrupted; nothing was written, but networks that are trained are kept: the same command "
                "goes on from there",
                err=True,
            )
            raise typer.Exit(130) from None
        print_kept(finished.kept)
        print_summary(finished.evaluation)
        failed |= print_failures(finished)
        typer.echo(f"report: {finished.folder / REPORT}")
    if failed:
        raise typer.Exit(1)


def _default_workers(study: Any, device: str) -> int:
    """One a core for many networks on the CPU; starting processes does not pay for a few."""
    import os

    import torch

    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    n_units = len(study.task) * len(study.network) * len(study.seeds)
    return 1 if on_gpu or n_units < FEW_UNITS else len(os.sched_getaffinity(0))


@app.command(short_help="Tell whether a recording is fit, and what it can decide.")
@takes_recording
def check(
    context: typer.Context,
    recording: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A recording's name, or its file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of random halves of the trials.")] = 0,
    *,
    preparation: dict[str, Any],
) -> None:
    """Tell what is understood of a recording, how reliable it is, and whether it is fit to be compared with models."""
    import json

    from normenc import quality as room

    found = room.check(recording, seed=seed, **preparation)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    if found.read_as:
        typer.echo(f"{found.name}: read as {found.read_as}")
    typer.secho(found.description, bold=True)
    print_table(None, [line for line in room.lines(found) if line[0] != "read as"])
    colours = {"reliable": typer.colors.GREEN, "unreliable": typer.colors.RED}
    typer.secho(f"verdict: {found.verdict}", fg=colours.get(found.verdict, typer.colors.YELLOW), bold=True)
    for warning in found.warnings:
        typer.echo(f"- {warning}")
    assert found.decidable is not None
    typer.secho("what comparisons on these data can decide:", bold=True)
    for decision in room.decisions(found.decidable, found.kind, found.n_stimuli):
        typer.echo(f"- {decision}")
    for command, why in next_steps(context, found):
        typer.echo(f"next: {command}\n      {why}")


@app.command(short_help="Tell how much data it takes to find the right model.")
@takes_recording
def power(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="A study file (TOML) with a section [power]; without one, the reference study.", metavar="STUDY.toml"
        ),
    ] = None,
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Take the noise of this recording instead of the study's."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The new folder to write; runs/<study>-<recording>-power by default."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; one a core by default.")] = None,
    *,
    preparation: dict[str, Any],
) -> None:
    """Simulate recordings from each candidate model, and tell how much data it takes to find the right one."""
    from normenc import study as studies

    settings = studies.load_study(study) if study else studies.Study()
    settings = settings.with_changes(recording=recording, preparation=preparation)
    try:
        found = studies.power(settings, out, device=device, n_jobs=jobs)
    except KeyboardInterrupt:
        typer.secho("normenc: interrupted; nothing was written", err=True)
        raise typer.Exit(130) from None
    amounts = ["n_stimuli", "n_neurons", "n_animals", "n_repeats"]
    table = found.recovery.groupby(amounts, as_index=False)["recovered"].mean()
    rows = [
        [
            *(str(getattr(row, name)) for name in amounts),
            *(f"{row.recovered:.2f}", f"{weak.power:.2f}", f"{weak.generating} > {weak.other}"),
        ]
        for row, weak in zip(table.itertuples(), found.weakest.itertuples(), strict=True)
    ]
    columns = ("stimuli", "neurons", "animals", "repeats", "right model wins", "weakest pair's power", "weakest pair")
    print_table(columns, rows)
    typer.echo(
        "power: how often the paired test (0.05, uncorrected) finds that the model the data were made from is more "
        "similar than the other; of all pairs the weakest. With another number of stimuli the models' RDMs are others, "
        "so that two models may become harder to tell apart: power_pairs.csv has every pair."
    )
    print_skipped(found.skipped)
    for failure in found.failures:
        print_failure(failure)
    typer.echo(f"tables and heat maps: {found.folder}")


@app.command(short_help="Draw the pictures of a finished run again, for a paper.")
def figures(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run.")],
    formats: Annotated[
        str, typer.Option("--format", metavar="pdf|svg|png,...", help="One format, or several.")
    ] = "pdf",
    width: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTH",
            help="85mm, 8.5cm, 3.3in, single (a column of 85 mm) or double (180 mm); as in the report by default.",
        ),
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="These pictures; all by default.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder to write; RUN/figures by default, or RUN/figures/85mm with a width of 85 mm.",
        ),
    ] = None,
) -> None:
    """Draw the pictures of a finished run again, for a paper: with text that can be edited, as wide as a column."""
    from normenc import study as studies

    names = None if only is None else split(only)
    drawn = studies.redraw(run, out, only=names, formats=split(formats), width=width)
    for path in drawn.paths:
        typer.echo(str(path))
    print_kept(drawn.kept)
    for reason in drawn.left_out.values():
        typer.secho(f"normenc: {reason}", err=True, fg=typer.colors.YELLOW)
    if drawn.left_out:
        raise typer.Exit(1)


@app.command(short_help="Write a page of what differs between runs.")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Two or more folders of runs.")],
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="The page to write.")] = Path("comparison.html"),
    force: Annotated[bool, typer.Option("--force", help="Replace a page that is there already.")] = False,
) -> None:
    """Write a page of what differs between runs: recordings, settings, results and conclusions."""
    from normenc.report import comparison_rows, write_comparison

    page = write_comparison(runs, out, force=force)
    print_table(*comparison_rows.rows_to_print(runs))
    typer.echo("similarities of runs that differ in recording, noise ceiling or method: the page says what they mean")
    typer.echo(f"comparison: {page}")


@app.command("open", short_help="Show a run in the browser.")
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or a page (.html).")],
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address alone.")] = False,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="The port to listen on; a free one by default.")
    ] = 0,
) -> None:
    """Show a run in the browser, from a server that only this computer reaches; Ctrl-C ends it."""
    import signal

    from normenc.report import serving

    # A shell that starts a job in the background may have it ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def ready(address: str) -> None:
        typer.echo(f"{run}: {address}")
        typer.echo("Ctrl-C ends this.")
        if not no_browser:
            open_browser(address)

    serving.serve(serving.server_of(run, port=port), ready=ready)
    typer.echo("normenc: closed")


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
    print_table(("name", "size", "species, area", "licence", "here"), rows)
    typer.echo("Fetch one that is not here with: normenc recordings fetch NAME")


@recordings_app.command()
def fetch(name: Annotated[str, typer.Argument(help="The recording's name.")]) -> None:
    """Download a recording into the cache and check it."""
    from normenc.recordings import fetch as download

    typer.echo(f"{name}: {download(name)}")
