"""The command ``normenc design``: which stimuli would tell a study's candidates apart."""

from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli.guard import Interrupted
from normenc.cli.options import split, takes_recording
from normenc.cli.printing import print_table
from normenc.cli.terminal import echo

__all__ = ["design_app"]

design_app = typer.Typer()

MOST_SAID = 10  # of what is left out


@design_app.command("design", short_help="Choose the stimuli that best tell candidate models apart.")
@takes_recording
def design(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="A study file (TOML) with a section [design], or an example's name; without one, the reference study.",
            metavar="STUDY.toml",
        ),
    ] = None,
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
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Take the noise of this recording instead of the study's."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The new folder to write; runs/<study>-<recording>-design by default."),
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Where to train.")] = "auto",
    *,
    preparation: Any,
) -> None:
    """Choose the stimuli on which candidate models differ most, against the noise of a recording.

    It writes the images, their order of presentation, how often the correct model would be identified, and a page.
    """
    from normenc import report
    from normenc import study as studies
    from normenc.extras import needs_nets

    needs_nets("normenc design")
    settings = studies.load_study(study) if study else studies.Study()
    settings = settings.with_changes(recording=recording, preparation=preparation)
    given = {"pool": None if pool is None else split(pool), "n": n, "trials": trials, "synthesise": synthesise or None}
    settings = settings.with_design(**given)
    try:
        finished = studies.design(settings, out, device=device, page=report.write_design)
    except KeyboardInterrupt:
        raise Interrupted("nothing was written") from None
    print_design(finished)


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
        echo(sentence)
    for label, other in found.same.items():
        echo(f"{label}: it has the same RDM as {other} on this pool; they are counted once")
    for name, why in list(found.left_out.items())[:MOST_SAID]:
        echo(f"left out: {name}: {why}")
    if (more := len(found.left_out) - MOST_SAID) > 0:
        echo(f"left out: {more} more")
    echo(f"images, order and page: {found.folder}")
