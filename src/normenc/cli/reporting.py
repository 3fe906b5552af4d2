"""The command ``normenc report``: the page of a finished run, written again."""

from pathlib import Path
from typing import Annotated

import typer

from normenc.cli import summaries
from normenc.cli.completing import complete_run
from normenc.cli.shared_options import Found, reports
from normenc.cli.terminal import echo, echo_result, tell

__all__ = ["write_report"]


@reports()
def write_report(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder of a finished run.", autocompletion=complete_run)
    ],
    design: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Say how often the stimuli of this design would tell, as normenc design wrote it; by default of the "
            "one beside the run, if there is one.",
        ),
    ] = None,
) -> Found:
    """Write the report of a finished run again, from its folder; nothing is trained or compared.

    A page that you edited is kept in the folder `kept` of the run.
    """
    from normenc.progress import reporting, stage
    from normenc.report import write

    with reporting(True) as progress, stage(progress, "writing the report"):
        page = write(run, design=design)
    about = summaries.about_run(run, design)
    answer = about["answer"] or []
    for sentence in answer:
        echo(sentence, wrapped=True)
    if design is not None and not any("`normenc design`" in sentence for sentence in answer):
        tell(
            f"{design}: the answer does not use this design; it names no encoder, other than layers and their twins, "
            "that these data take for another. predicted_pairs.csv there says what each would be taken for"
        )
    echo_result("report", page)
    return Found(about)
