"""The commands; :mod:`normenc.cli.guard` handles how they end."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli import summaries
from normenc.cli.completing import complete_recording, complete_run
from normenc.cli.design import design_app
from normenc.cli.estimates import print_estimate
from normenc.cli.examples import examples_app
from normenc.cli.handing_on import handing_on_app
from normenc.cli.next_steps import is_study, next_steps
from normenc.cli.opening import open_in_browser, serve_page
from normenc.cli.options import default_workers, split, takes_recording
from normenc.cli.planning import identify, power
from normenc.cli.printing import print_check, print_kept, print_run, print_table
from normenc.cli.recordings import recordings_app
from normenc.cli.reporting import write_report
from normenc.cli.shared_options import Found, reports, takes_scheduler, takes_study
from normenc.cli.terminal import Commands, echo, echo_json, echo_result, only_json, tell

__all__ = ["app"]

FinishedRun = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a finished run.", autocompletion=complete_run)
]
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
@reports(interrupted="nothing was written, but trained networks are kept: the same command continues from them")
@takes_scheduler
@takes_study(
    recording="Compare with this recording instead of the study's.",
    out="The folder to write; runs/<study>-<recording> by default.",
)
def run(
    *,
    settings: Any,
    out: Path | None,
    device: str,
    workers: Any,
    seed: Annotated[int | None, typer.Option(help="Train with this seed instead of the study's.")] = None,
    seeds: Annotated[
        int | None, typer.Option(metavar="N", help="Train N networks, with this seed and the next ones.")
    ] = None,
    drawing_processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            help="Draw fresh stimuli in N processes while a network trains, instead of the study's number.",
        ),
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
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="A first look: one seed, fewest samples, three figures, no tuning and embeddings; in a folder "
            "runs/<study>-quick-<recording>.",
        ),
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
) -> Found:
    """Train the study's networks, compare them with its recordings and with controls, and write a report for each.

    A network that was trained before is not trained again: an interrupted run continues with the same command.
    """
    from normenc import report
    from normenc import study as studies
    from normenc.errors import InputError
    from normenc.runs.schema import REPORT

    if quick and (stages is not None or seeds is not None):
        raise InputError("--quick chooses stages and seeds itself; leave out --stages and --seeds, or --quick")
    settings = settings.with_changes(
        seed=seed,
        n_seeds=seeds,
        drawing_processes=drawing_processes,
        stages=None if stages is None else split(stages),
    )
    parts = (settings.as_quick() if quick else settings).per_recording()
    processes = [workers or default_workers(part, device) for part in parts]
    if dry_run:
        estimates = [
            studies.estimate(part, out, device=device, workers=n) for part, n in zip(parts, processes, strict=True)
        ]
        for estimate in estimates:
            print_estimate(estimate)
        return summaries.of_all([summaries.of_estimate(estimate) for estimate in estimates])
    folders = [out if out is None or len(parts) == 1 else out / f"recording{k + 1}" for k in range(len(parts))]
    finished_before = studies.check_before(parts, folders, force=force)
    found = []
    for part, folder, n, earlier in zip(parts, folders, processes, finished_before, strict=True):
        if earlier is not None:
            echo(f"{part.recording[0].source}: this study has already been run; repeat it with --force")
            echo_result("report", earlier / REPORT)
            found.append(summaries.of_earlier_run(earlier))
            continue
        with studies.memory_limit(memory):
            finished = studies.run(part, folder, device=device, workers=n, force=force, page=report.write)
        print_run(finished)
        found.append(summaries.of_run(finished))
    return summaries.of_all(found)


@app.command(short_help="Check a recording: its reliability, and what it can decide.")
@reports()
@takes_recording
def check(
    context: typer.Context,
    recording: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE|STUDY.toml",
            help="A recording's name, its file, or a study with its recordings, by its file or its name.",
            autocompletion=complete_recording,
        ),
    ],
    seed: Annotated[int, typer.Option(help="Of random halves of the trials.")] = 0,
    *,
    preparation: Any,
) -> Found:
    """Show how a recording is read, how reliable it is, and whether it can be compared with models.

    Recordings of a study file are read, prepared and shown to models as the study does it.
    """
    from normenc import quality as room
    from normenc.progress import reporting, stage

    with reporting(True) as progress, stage(progress, "checking the recording"):
        if is_study(recording):
            from normenc import study as studies
            from normenc.extras import needs_nets

            needs_nets("the check of a study file")
            settings = studies.load_study(recording).with_changes(preparation=preparation)
            found = studies.check_recordings(settings, seed=seed)
        else:
            found = (room.check(recording, seed=seed, preparation=preparation),)
    for quality in found:
        print_check(quality)
    for command, why in dict.fromkeys(step for quality in found for step in next_steps(context, quality)):
        echo(f"next: {command}", f"      {why}")
    return summaries.of_all([Found(quality.to_dict()) for quality in found])


app.command(short_help="Find out how much data it takes to identify the correct model.")(power)
app.command(short_help="Find out which models these data could tell apart.")(identify)
app.registered_commands += design_app.registered_commands
app.command("report", short_help="Write the report of a finished run again, with what a design found.")(write_report)
app.registered_commands += examples_app.registered_commands
app.registered_commands += handing_on_app.registered_commands


@app.command(short_help="Redraw the figures of a finished run, for a paper.")
@reports()
def figures(
    run: FinishedRun,
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
) -> Found:
    """Redraw the figures of a finished run, for a paper: with text that can be edited, as wide as a column."""
    from normenc import runs
    from normenc.progress import reporting

    if only_list:
        known = runs.Run.open(run).figures
        captions = {name: known.caption(name) for name in known}
        print_table(("name", "what it shows"), list(captions.items()))
        return Found(captions)
    names = None if only is None else split(only)
    with reporting(True):
        drawn = runs.redraw(run, out, only=names, formats=split(formats), width=width)
    for path in drawn.paths:
        echo_result("", path)
    print_kept(drawn.kept)
    for reason in drawn.left_out.values():
        tell(reason)
    return Found({"files": drawn.paths, "left_out": drawn.left_out, "kept": drawn.kept}, not drawn.left_out)


@app.command(short_help="Write a page of the differences between runs.")
@reports()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN RUN ...", help="Two or more folders of runs.", autocompletion=complete_run),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE.html", help="The page to write.")] = Path("comparison.html"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
) -> Found:
    """Write a page of the differences between runs: recordings, settings, results and conclusions."""
    from normenc.progress import reporting, stage
    from normenc.report import comparison_rows, write_comparison

    with reporting(True) as progress, stage(progress, "comparing runs"):
        page = write_comparison(runs, out, force=force)
    print_table(*comparison_rows.rows_to_print(runs))
    echo("If recordings, noise ceilings or methods differ, similarities cannot be compared directly: see the page.")
    echo_result("comparison", page)
    return summaries.of_runs(runs, page)


@app.command("open", short_help="Show a run in the browser.")
def show(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="The folder of a run, or a page (.html).", autocompletion=complete_run),
    ],
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
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show what is installed and found, for a bug report: versions, devices, the cache, extras, recordings."""
    from normenc.cli import doctor as room

    if last:
        path, lines = room.last_report()
        if as_json:
            echo_json({"report": path, "lines": lines})
        else:
            echo(f"report: {path} (it names your files; look it over before you share it)", "", *lines)
        return
    with only_json() if as_json else nullcontext():  # other packages are imported
        found = room.findings()
    if as_json:
        echo_json(found)
    else:
        echo(*room.lines(found))


@app.command(short_help="Print the JSON schema of study files, for editors.")
def schema() -> None:
    """Print the JSON schema of study files: an editor that has it completes keys and marks faults.

    The line `#:schema study.json` at the top of a study file names it.
    """
    from normenc.extras import needs_nets

    needs_nets("normenc schema")
    from normenc.study.json_schema import study_schema

    echo_json(study_schema())
