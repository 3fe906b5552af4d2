"""The commands that plan an experiment: how much data it takes, and what they could tell."""

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli.guard import Interrupted
from normenc.cli.options import default_workers, takes_recording
from normenc.cli.printing import print_failure, print_identifications, print_power, print_skipped
from normenc.cli.terminal import echo

__all__ = ["identify", "power"]


@takes_recording
def power(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="A study file (TOML) with a section [power], or an example's name; without one, the reference study.",
            metavar="STUDY.toml",
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
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core by default.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, hidden=True)] = None,
    *,
    preparation: Any,
) -> None:
    """Simulate recordings from each candidate model, and find out how much data identifies the correct one."""
    from normenc import study as studies
    from normenc.errors import InputError
    from normenc.extras import needs_nets
    from normenc.renamed import RenamedWarning

    needs_nets("normenc power")
    if jobs is not None:
        if workers is not None:
            raise InputError("--jobs and --workers are one option; give --workers alone")
        workers = jobs
        warnings.warn(
            "--jobs is now called --workers; the old name works in this version only", RenamedWarning, stacklevel=2
        )
    settings = studies.load_study(study) if study else studies.Study()
    settings = settings.with_changes(recording=recording, preparation=preparation)
    try:
        finished = studies.power(settings, out, device=device, workers=workers)
    except KeyboardInterrupt:
        raise Interrupted("nothing was written") from None
    print_power(finished)
    print_skipped(finished.skipped)
    for failure in finished.failures:
        print_failure(failure)
    echo(f"tables and heat maps: {finished.folder}")


@takes_recording
def identify(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="A study file (TOML) with a section [identify], or an example's name; by default the reference study.",
            metavar="STUDY.toml",
        ),
    ] = None,
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Simulate recordings like this one instead of the study's."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The new folder to write; runs/<study>-<recording>-identify by default."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes to train in.")] = None,
    *,
    preparation: Any,
) -> None:
    """Simulate recordings like this one from each candidate model, and find out which model they would be taken for."""
    from normenc import study as studies
    from normenc.extras import needs_nets

    needs_nets("normenc identify")
    settings = studies.load_study(study) if study else studies.Study()
    settings = settings.with_changes(recording=recording, preparation=preparation)
    try:
        finished = studies.identify(settings, out, device=device, workers=workers or default_workers(settings, device))
    except KeyboardInterrupt:
        raise Interrupted("nothing was written, but trained networks are kept") from None
    print_identifications(finished)
    print_skipped(finished.skipped)
    for failure in finished.failures:
        print_failure(failure)
    echo(f"tables and heat maps: {finished.folder}")
