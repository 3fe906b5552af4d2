"""The commands; :mod:`normenc.cli.guard` handles how they end."""

from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli.design import design_app
from normenc.cli.estimates import print_estimate
from normenc.cli.examples import examples_app
from normenc.cli.guard import Interrupted
from normenc.cli.handing_on import handing_on_app
from normenc.cli.next_steps import is_study, next_steps
from normenc.cli.opening import open_in_browser, serve_page
from normenc.cli.options import default_workers, scheduler_of, split, takes_recording
from normenc.cli.planning import identify, power
from normenc.cli.printing import (
    print_check,
    print_failures,
    print_kept,
    print_summary,
    print_table,
)
from normenc.cli.recordings import recordings_app
from normenc.cli.terminal import Commands, echo, echo_json, tell

__all__ = ["app"]

app = typer.Typer(
    name="normenc",
    cls=Commands,
    help="Train networks on a task, never on neural data, and compare their layers with recordings of visual cortex, "
    "and with controls.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(recordings_app, name="recordings")


def _version(value: bool) -> None:
    if value:
        from normenc import __version__

        echo(f"normenc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error was raised, for a bug report; also after a command.")
    ] = False,
) -> None:
    pass


@app.command(short_help="Train networks, compare them with a recording, write a report.")
@takes_recording
def run(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="A study file (TOML), or the name of an example; without one, the reference study.",
            metavar="STUDY.toml",
        ),
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
        typer.Option(metavar="N", min=1, help="Processes; by default one per core for many networks."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Train and read on the workers of this Dask scheduler: tls://HOST:PORT, where TLS keeps others out.",
        ),
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The certificate authority of the scheduler and its workers (PEM)."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Your own certificate (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The key of your own certificate (PEM).")] = None,
    wait: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="How long to wait for the scheduler and its workers; 60 by default."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="4GiB",
            help="For the responses of existing networks; half of what is free by default. Larger layers lie on the "
            "disk meanwhile.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier run in that folder; your own files stay.")
    ] = False,
    stages: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="What to do, of represent, compare, describe, predict and draw; represent,compare gives similarities "
            "alone. All by default.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Write nothing: say what there is to train, and estimate time and memory from a few timed steps.",
        ),
    ] = False,
    *,
    preparation: Any,
) -> None:
    """Train the study's networks, compare them with its recordings and with controls, and write a report for each.

    A network that was trained before is not trained again: an interrupted run continues with the same command.
    """
    from normenc import report
    from normenc import study as studies
    from normenc.errors import InputError
    from normenc.extras import needs_nets
    from normenc.runs.schema import REPORT

    needs_nets("normenc run")
    if scheduler is not None and workers is not None:
        raise InputError("--workers starts processes here and --scheduler uses those of a cluster; give one of them")
    remote = scheduler_of(scheduler, tls_ca=tls_ca, tls_cert=tls_cert, tls_key=tls_key, wait=wait)
    settings = studies.load_study(study) if study else studies.Study()
    settings = settings.with_changes(
        recording=recording,
        seed=seed,
        n_seeds=seeds,
        preparation=preparation,
        stages=None if stages is None else split(stages),
    )
    parts = settings.per_recording()
    if dry_run:
        for part in parts:
            print_estimate(studies.estimate(part, out, device=device, workers=workers or default_workers(part, device)))
        return
    folders = [out if out is None or len(parts) == 1 else out / f"recording{k + 1}" for k in range(len(parts))]
    finished_before = studies.check_before(parts, folders, force=force)
    failed = False
    for part, folder, is_there in zip(parts, folders, finished_before, strict=True):
        if is_there:
            echo(f"{part.recording[0].source}: this study has already been run; repeat it with --force")
            continue
        try:
            with studies.memory_limit(memory):
                finished = studies.run(
                    part,
                    folder,
                    device=device,
                    workers=remote or workers or default_workers(part, device),
                    force=force,
                    page=report.write,
                )
        except KeyboardInterrupt:
            raise Interrupted(
                "nothing was written, but trained networks are kept: the same command continues from them"
            ) from None
        print_kept(finished.kept)
        print_summary(finished)
        failed |= print_failures(finished)
        echo(f"report: {finished.folder / REPORT}")
    if failed:
        raise typer.Exit(1)


@app.command(short_help="Check a recording: its reliability, and what it can decide.")
@takes_recording
def check(
    context: typer.Context,
    recording: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|STUDY.toml", help="A recording's name, its file, or a study file with its recordings."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of random halves of the trials.")] = 0,
    *,
    preparation: Any,
) -> None:
    """Show how a recording is read, how reliable it is, and whether it can be compared with models.

    Recordings of a study file are read, prepared and shown to models as the study does it.
    """
    from normenc import quality as room

    if is_study(recording):
        from normenc import study as studies
        from normenc.extras import needs_nets

        needs_nets("the check of a study file")
        settings = studies.load_study(recording).with_changes(preparation=preparation)
        found = studies.check_recordings(settings, seed=seed)
    else:
        found = (room.check(recording, seed=seed, preparation=preparation),)
    if as_json:
        echo_json(found[0].to_dict() if len(found) == 1 else [quality.to_dict() for quality in found])
        return
    for quality in found:
        print_check(quality)
    for command, why in dict.fromkeys(step for quality in found for step in next_steps(context, quality)):
        echo(f"next: {command}", f"      {why}")


app.command(short_help="Find out how much data it takes to identify the correct model.")(power)
app.command(short_help="Find out which models these data could tell apart.")(identify)
app.registered_commands += design_app.registered_commands
app.registered_commands += examples_app.registered_commands
app.registered_commands += handing_on_app.registered_commands


@app.command(short_help="Redraw the figures of a finished run, for a paper.")
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
    only: Annotated[str | None, typer.Option(metavar="NAME,...", help="These figures; all by default.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The folder to write; RUN/figures by default, or RUN/figures/85mm with a width of 85 mm.",
        ),
    ] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="List the figures that the run has, and draw none.")
    ] = False,
) -> None:
    """Redraw the figures of a finished run, for a paper: with text that can be edited, as wide as a column."""
    from normenc import runs

    if only_list:
        opened = runs.Run.open(run)
        print_table(("name", "what it shows"), [(name, opened.figures.caption(name)) for name in opened.figures])
        return
    names = None if only is None else split(only)
    drawn = runs.redraw(run, out, only=names, formats=split(formats), width=width)
    for path in drawn.paths:
        echo(str(path))
    print_kept(drawn.kept)
    for reason in drawn.left_out.values():
        tell(reason)
    if drawn.left_out:
        raise typer.Exit(1)


@app.command(short_help="Write a page of the differences between runs.")
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...", help="Two or more folders of runs.")],
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="The page to write.")] = Path("comparison.html"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
) -> None:
    """Write a page of the differences between runs: recordings, settings, results and conclusions."""
    from normenc.report import comparison_rows, write_comparison

    page = write_comparison(runs, out, force=force)
    print_table(*comparison_rows.rows_to_print(runs))
    echo("If recordings, noise ceilings or methods differ, similarities cannot be compared directly: see the page.")
    echo(f"comparison: {page}")


@app.command("open", short_help="Show a run in the browser.")
def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or a page (.html).")],
    serve: Annotated[
        bool, typer.Option("--serve", "--no-browser", help="Serve it to a browser on another computer, by SSH.")
    ] = False,
    port: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=65535, help="Serve it on this port; a free one by default.")
    ] = None,
) -> None:
    """Show a run in the browser; on a computer without a screen, serve it to one that you are logged in from."""
    from normenc.report import serving

    if serve or port is not None:
        serve_page(run, port or 0)
    else:
        open_in_browser(serving.page_of(run))


@app.command(short_help="Show what is installed and found, for a bug report.")
def doctor(
    last: Annotated[
        bool, typer.Option("--last", help="Show the bug report of the last command that failed unexpectedly.")
    ] = False,
) -> None:
    """Show what is installed and found, for a bug report: versions, devices, the cache, extras, recordings."""
    from normenc.cli import doctor as room

    for line in room.last_report() if last else room.findings():
        echo(line)
