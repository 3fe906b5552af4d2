"""The command ``normenc recordings``: the recordings that normenc knows by name."""

from typing import Annotated

import typer

from normenc.cli.printing import print_table
from normenc.cli.terminal import echo

__all__ = ["recordings_app"]

recordings_app = typer.Typer(help="List the recordings that normenc knows by name, or fetch one.")


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
        origin = f"{source.species}, {source.area}"
        rows.append((source.name, source.size, origin, source.licence, "yes" if here else "no"))
    print_table(("name", "size", "species, area", "licence", "here"), rows)
    echo("Fetch one that is not here with: normenc recordings fetch NAME")


@recordings_app.command()
def fetch(name: Annotated[str, typer.Argument(help="The recording's name.")]) -> None:
    """Download a recording into the cache and check it."""
    from normenc.recordings import fetch as download

    echo(f"{name}: {download(name)}")
