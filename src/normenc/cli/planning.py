"""The commands that plan an experiment: how much data it takes, and what they could tell."""

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli import summaries
from normenc.cli.options import default_workers
from normenc.cli.printing import print_failure, print_skipped
from normenc.cli.shared_options import Found, reports, takes_study
from normenc.cli.simulated import print_identifications, print_power
from normenc.cli.terminal import echo_result

__all__ = ["identify", "power"]


@reports(interrupted="nothing was written")
@takes_study(
    "power",
    recording="Take the noise of this recording instead of the study's.",
    out="The new folder to write; runs/<study>-<recording>-power by default.",
)
def power(
    *,
    settings: Any,
    out: Path | None,
    device: str,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core by default.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, hidden=True)] = None,
) -> Found:
    """Simulate recordings from each candidate model, and find out how much data identifies the correct one."""
    from normenc import study as studies
    from normenc.errors import InputError
    from normenc.renamed import RenamedWarning

    if jobs is not None:
        if workers is not None:
            raise InputError("--jobs and --workers are one option; give --workers alone")
        workers = jobs
        warnings.warn(
            "--jobs is now called --workers; the old name works in this version only", RenamedWarning, stacklevel=2
        )
    finished = studies.power(settings, out, device=device, workers=workers)
    print_power(finished)
    _print_left_out(finished)
    return summaries.of_power(finished)


@reports(interrupted="nothing was written, but trained networks are kept")
@takes_study(
    "identify",
    recording="Simulate recordings like this one instead of the study's.",
    out="The new folder to write; runs/<study>-<recording>-identify by default.",
)
def identify(
    *,
    settings: Any,
    out: Path | None,
    device: str,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes to train in.")] = None,
) -> Found:
    """Simulate recordings like this one from each candidate model, and find out which model they would be taken for."""
    from normenc import study as studies

    finished = studies.identify(settings, out, device=device, workers=workers or default_workers(settings, device))
    print_identifications(finished)
    _print_left_out(finished)
    return summaries.of_identification(finished)


def _print_left_out(finished: Any) -> None:
    print_skipped(finished.skipped)
    for failure in finished.failures:
        print_failure(failure)
    echo_result("tables and heat maps", finished.folder)
