"""The ``normenc`` command: commands, progress, and errors for people.

Exit codes: 0 all went well; 1 the work could not be done; 2 the command or its input is at fault; 130 interrupted.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app", "main"]

FEW_UNITS = 8  # to train in one process
MAX_ROWS = 12  # of trained layers on the screen

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

# How a recording is understood and prepared, for all commands that take one; see normenc.recordings.load.
Map = Annotated[
    str | None,
    typer.Option("--map", metavar="NAME=OWN,...", help="Your arrays' names, such as responses=F,orientation=theta."),
]
Images = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder of the images that trials name, or number in order.")
]
Angles = Annotated[str | None, typer.Option(metavar="degrees|radians", help="The unit of orientations or directions.")]
Region = Annotated[str | None, typer.Option(metavar="NAME,...", help="Keep neurons of these regions.")]
NeuronQuality = Annotated[
    str | None, typer.Option("--quality", metavar="NAME,...", help="Keep neurons of this quality.")
]
Fold = Annotated[bool, typer.Option("--fold", help="Make directions orientations.")]
BinWidth = Annotated[float | None, typer.Option(metavar="DEGREES", help="Average stimuli within bins.")]
ZScore = Annotated[bool, typer.Option("--z-score", help="Z-score each neuron over stimuli.")]
Missing = Annotated[
    str | None, typer.Option(metavar="neurons|trials", help="Leave out neurons, or trials, with missing responses.")
]
Intervals = Annotated[str | None, typer.Option(metavar="TABLE", help="NWB: the table of trials.")]
Series = Annotated[str | None, typer.Option(metavar="NAME", help="NWB: the fluorescence to read.")]
Window = Annotated[
    str | None, typer.Option(metavar="FROM,TO", help="NWB: seconds after a trial's start in which to read responses.")
]
Baseline = Annotated[str | None, typer.Option(metavar="FROM,TO", help="NWB: seconds of the baseline to subtract.")]
PREPARATION = (
    *("names", "images", "angles", "region", "quality", "fold", "bin_width", "z_score", "missing"),
    *("intervals", "series", "window", "baseline"),
)


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
    context: typer.Context,
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
    names: Map = None,
    images: Images = None,
    angles: Angles = None,
    region: Region = None,
    quality: NeuronQuality = None,
    fold: Fold = False,
    bin_width: BinWidth = None,
    z_score: ZScore = False,
    missing: Missing = None,
    intervals: Intervals = None,
    series: Series = None,
    window: Window = None,
    baseline: Baseline = None,
) -> None:
    """Train the study's networks, compare them with its recordings beside controls, and write a report for each.

    A network that was trained before is not trained again: what was broken off goes on with the same command.
    """
    from normenc import report
    from normenc import study as studies

    settings = studies.load_study(study) if study else studies.Study()
    preparation = _preparation(context)
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
            )
        except KeyboardInterrupt:
            typer.secho(
                "normenc: interrupted; nothing was written, but networks that are trained are kept: the same command "
                "goes on from there",
                err=True,
            )
            raise typer.Exit(130) from None
        page = report.write(finished.folder)
        _print_summary(finished.evaluation)
        failed |= _print_failures(finished)
        typer.echo(f"report: {page}")
    if failed:
        raise typer.Exit(1)


def _preparation(context: typer.Context) -> dict[str, Any]:
    """Options that say how a recording is prepared, where given, as :func:`normenc.recordings.load` takes them."""
    renamed = {"fold": "fold_directions", "z_score": "z_scored"}
    parsers: dict[str, Callable[[str, Any], Any]] = {
        "names": _pairs,
        "region": _several,
        "quality": _several,
        "window": _two_numbers,
        "baseline": _two_numbers,
        "images": lambda _, value: str(value),
    }
    return {
        renamed.get(name, name): parsers[name](name, value) if name in parsers else value
        for name, value in context.params.items()
        if name in PREPARATION and value not in (None, False)
    }


def _pairs(_: str, text: str) -> dict[str, str]:
    from normenc.errors import InputError

    pairs = [part.partition("=") for part in text.split(",")]
    for name, sign, own in pairs:
        if not (name.strip() and sign and own.strip()):
            raise InputError(f"--map {text}: each part must be NAME=OWN, as in responses=F,orientation=theta")
    return {name.strip(): own.strip() for name, _, own in pairs}


def _several(_: str, text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _two_numbers(name: str, text: str) -> list[float]:
    from normenc.errors import InputError

    try:
        start, stop = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--{name} {text}: it must be two numbers of seconds, as in 0,0.5") from None
    return [start, stop]


def _default_workers(study: Any, device: str) -> int:
    """One a core for many networks on the CPU; starting processes does not pay for a few."""
    import os

    import torch

    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    n_units = len(study.task) * len(study.network) * len(study.seeds)
    return 1 if on_gpu or n_units < FEW_UNITS else len(os.sched_getaffinity(0))


def _print_failures(finished: Any) -> bool:
    """Tell what failed; gives whether a unit did."""
    for failure in finished.evaluation.failures:
        unit = failure.unit
        what = f"seed {unit.seed}" if failure.layer is None else f"layer {failure.layer} is left out"
        typer.secho(
            f"normenc: {unit.task_label}, {unit.network_label}, {what}: {failure.reason}",
            err=True,
            fg=typer.colors.YELLOW,
        )
    units = [failure for failure in finished.evaluation.failures if failure.layer is None]
    if units:
        typer.secho(
            f"normenc: {len(units)} of {len(finished.evaluation.trainings) + len(units)} units failed; their settings "
            f"are in {finished.folder / 'failures.csv'}, and their tasks and networks are left out",
            err=True,
            fg=typer.colors.RED,
        )
    return bool(units)


@app.command()
def check(
    context: typer.Context,
    recording: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A recording's name, or its file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of random halves of the trials.")] = 0,
    names: Map = None,
    images: Images = None,
    angles: Angles = None,
    region: Region = None,
    quality: NeuronQuality = None,
    fold: Fold = False,
    bin_width: BinWidth = None,
    z_score: ZScore = False,
    intervals: Intervals = None,
    series: Series = None,
    window: Window = None,
    baseline: Baseline = None,
) -> None:
    """Tell what is understood of a recording, how reliable it is, and whether it is fit to be compared with models."""
    import json

    from normenc import quality as room

    options = _preparation(context)
    found = room.check(recording, seed=seed, **options)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    typer.secho(found.description, bold=True)
    _print_table(None, room.lines(found))
    colours = {"reliable": typer.colors.GREEN, "unreliable": typer.colors.RED}
    typer.secho(f"verdict: {found.verdict}", fg=colours.get(found.verdict, typer.colors.YELLOW), bold=True)
    for warning in found.warnings:
        typer.echo(f"- {warning}")


@app.command()
def power(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="A study file (TOML) with a section [power]; without one, the reference study.", metavar="[STUDY.toml]"
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
) -> None:
    """Simulate recordings from each candidate model, and tell how much data it takes to find the right one."""
    from normenc import study as studies

    settings = studies.load_study(study) if study else studies.Study()
    settings = settings.with_changes(recording=recording)
    try:
        with _bar("simulating") as tick:
            found = studies.power(settings, out, device=device, n_jobs=jobs, tick=tick)
    except KeyboardInterrupt:
        typer.secho("normenc: interrupted; nothing was written", err=True)
        raise typer.Exit(130) from None
    amounts = ["n_stimuli", "n_neurons", "n_animals", "n_repeats"]
    table = found.recovery.groupby(amounts, as_index=False)["recovered"].mean()
    weakest = found.pairs.groupby(amounts)["power"].min()
    rows = [
        (*(str(getattr(row, name)) for name in amounts), f"{row.recovered:.2f}", f"{weakest.iloc[index]:.2f}")
        for index, row in enumerate(table.itertuples())
    ]
    _print_table(("stimuli", "neurons", "animals", "repeats", "right model wins", "weakest pair's power"), rows)
    typer.echo(f"tables and heat map: {found.folder}")


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        row = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(row, completed=done, total=total)


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
    import pandas as pd

    study = evaluation.study
    table, method = evaluation.similarity, study.comparison.method
    if study.is_grid:
        table = table.sort_values("similarity", ascending=False)
        best = table[table["trained"]].head(MAX_ROWS)
        table = table[~table["trained"] | table.index.isin(best.index)]
    rows = [
        (
            row.model if not study.is_grid or pd.isna(row.task) else f"{row.task}: {row.model}",
            row.layer,
            "yes" if row.trained else "no",
            "" if pd.isna(row.seed) else str(row.n_seeds),
            f"{row.similarity:.3f}",
            f"{row.low:.3f} to {row.high:.3f}",
            f"{row.p_chance:.3f}",
        )
        for row in table.itertuples()
    ]
    typer.echo(evaluation.recording.describe())
    _print_scores(evaluation)
    columns = ("model", "layer", "trained", "seeds", f"similarity ({method})", "95 % interval", "p (chance)")
    _print_table(columns, rows)
    if study.is_grid:
        typer.echo(f"these are the {MAX_ROWS} most similar trained layers; all are in the report")
    if evaluation.predictivity is not None:
        _print_predictivity(evaluation.predictivity)
    ceiling = evaluation.inference.ceiling
    bounds = "" if ceiling.kind == "none" else f"{ceiling.lower:.3f} to {ceiling.upper:.3f}, from "
    typer.echo(f"noise ceiling: {bounds}{ceiling.describe()}")


def _print_predictivity(table: Any) -> None:
    """The neurons' predictivity beside the similarity of RDMs, the most predictive first."""
    import pandas as pd

    measure = "feve" if table["feve"].notna().any() else "r"
    rows = [
        (
            str(row["label"]),
            str(row["kind"]),
            "" if pd.isna(row["similarity"]) else f"{row['similarity']:.3f}",
            f"{row[measure]:.3f}",
            f"{row[f'{measure}_low']:.3f} to {row[f'{measure}_high']:.3f}",
        )
        for row in table.sort_values(measure, ascending=False).head(MAX_ROWS).to_dict("records")
    ]
    name = "explainable variance explained" if measure == "feve" else "r of predictions"
    _print_table(("encoder", "kind", "similarity", f"{name} (median)", "95 % interval"), rows)


def _print_scores(evaluation: Any) -> None:
    """Tell how well the tasks were learned: by seed, or for a grid by task and network."""
    if not evaluation.study.is_grid:
        for unit, training in evaluation.trainings.items():
            log = training.log
            typer.echo(
                f"seed {unit.seed}, {unit.task.score_name}: {log.train_score:.3f} in training, "
                f"{log.held_out_score:.3f} on fresh stimuli (untrained {log.untrained_score:.3f}, "
                f"chance {unit.task.chance:.3g})"
            )
        return
    groups: dict[tuple[str, str], list[Any]] = {}
    for unit, training in evaluation.trainings.items():
        groups.setdefault((unit.task_label, unit.network_label), []).append((unit.task, training.log))
    rows = []
    for (task, network), found in groups.items():
        fresh = [log.held_out_score for _, log in found]
        kind = found[0][0]
        rows.append((task, network, kind.score_name, f"{min(fresh):.3f} to {max(fresh):.3f}", f"{kind.chance:.3g}"))
    _print_table(("task", "network", "score", "on fresh stimuli", "chance"), rows)


def _print_table(columns: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", show_header=columns is not None)
    for index, column in enumerate(columns or rows[0]):
        table.add_column(column, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console.width = max(console.width, 140)  # a file has room for whole rows
    console.print(table)
