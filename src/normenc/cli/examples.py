"""The command ``normenc examples``: the studies that come with normenc."""

from pathlib import Path
from typing import Annotated

import typer

from normenc.cli.completing import complete_example
from normenc.cli.printing import print_table
from normenc.cli.terminal import echo

__all__ = ["examples_app"]

examples_app = typer.Typer()


@examples_app.command("examples", short_help="List the example studies that come with normenc, or copy one.")
def examples(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="Copy this one; without a name, list all.", autocompletion=complete_example
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to copy to; this one by default.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """List the example studies that come with normenc, or copy one to change it.

    A study runs by its name: normenc run reference.
    """
    from normenc.study import shipped

    if name is None:
        found = shipped.examples().values()
        print_table(("name", "what it shows"), [(example.name, example.purpose) for example in found])
        return
    for path in shipped.copy_example(name, out, force=force):
        echo(str(path))
