"""The command ``normenc design``: which stimuli would tell a study's candidates apart."""

from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli import summaries
from normenc.cli.options import split
from normenc.cli.printing import print_table
from normenc.cli.shared_options import Found, reports, takes_study
from normenc.cli.terminal import echo, echo_result

__all__ = ["design_app"]

design_app = typer.Typer()

MOST_SAID = 10  # of what is left out


@design_app.command("design", short_help="Choose the stimuli that best tell candidate models apart.")
@reports(interrupted="nothing was written")
@takes_study(
    "design",
    recording="Take the noise of this recording instead of the study's.",
    out="The new folder to write; runs/<study>-<recording>-design by default.",
)
def design(
    *,
    settings: Any,
    out: Path | None,
    device: str,
    pool: Annotated[
        str | None,
        typer.Option(
            metavar="KIND,...|FOLDER",
            help="Choose from gratings, plaids, textures or photographs, or from your own images; gratings by default.",
        ),
    ] = None,
    n: Annotated[int | None, typer.Option("--n", metavar="N", help="How many stimuli; 60 by default.")] = None,
    trials: Annotated[int | None, typer.Option(metavar="N", help="Trials of each stimulus; 10 by default.")] = None,
    synthesise: Annotated[
        bool, typer.Option("--synthesise", help="Change the chosen images so that candidates differ more.")
    ] = False,
) -> Found:
    """Choose the stimuli on which candidate models differ most, against the noise of a recording.

    It writes the images, their order of presentation, how often the correct model would be identified, and a page.
    """
    from normenc import report
    from normenc import study as studies

    given = {"pool": None if pool is None else split(pool), "n": n, "trials": trials, "synthesise": synthesise or None}
    settings = settings.with_design(**given)
    finished = studies.design(settings, out, device=device, page=report.write_design)
    print_design(finished)
    return summaries.of_design(finished)


def print_design(found: Any) -> None:
    """Print how often the correct model would be identified, by set of stimuli and number of trials."""
    from normenc.report.designed import sentences

    rates = found.predicted.groupby(["stimuli", "n_stimuli", "trials"], sort=False)["rate"].mean().unstack("trials")
    rows = [
        (str(name), f"{n:,}", *(f"{rate:.2f} ({n * t:,})" for t, rate in zip(rates, rate_row, strict=True)))
        for (name, n), rate_row in zip(rates.index, rates.to_numpy(), strict=True)
    ]
    print_table(("stimuli", "number", *(f"{n} trials" for n in rates)), rows)
    echo("identification rate, by simulation, and in brackets the number of presentations")
    for sentence in sentences(found):
        echo(sentence, wrapped=True)
    for label, other in found.same.items():
        echo(f"{label}: it has the same RDM as {other} on this pool; they are counted once")
    for name, why in list(found.left_out.items())[:MOST_SAID]:
        echo(f"left out: {name}: {why}")
    if (more := len(found.left_out) - MOST_SAID) > 0:
        echo(f"left out: {more} more")
    echo_result("images, order and page", found.folder)
