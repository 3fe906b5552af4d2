"""The command ``normenc recordings``: the recordings that normenc knows by name."""

import sys
from typing import Annotated, Any

import typer

from normenc.cli.completing import complete_known_recording
from normenc.cli.printing import print_table
from normenc.cli.shared_options import Found, reports
from normenc.cli.terminal import echo, echo_json, echo_result, says_warnings

__all__ = ["recordings_app"]

MOST_SESSIONS = 12
MOST_FILES = 6  # of a recording that are listed
NAME = Annotated[
    str,
    typer.Argument(
        help="The recording's name, such as stringer2021 or allen-2p/511510753.",
        autocompletion=complete_known_recording,
    ),
]
recordings_app = typer.Typer(help="List the recordings that normenc knows by name, or fetch one.")


@recordings_app.callback(invoke_without_command=True)
def recordings(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the recordings that normenc knows by name."""
    if context.invoked_subcommand is not None:
        return
    from normenc.recordings import catalogue
    from normenc.recordings.public.listing import about

    every = [about(own) for own in catalogue().values()]
    if as_json:
        echo_json(every)
        return
    rows = []
    for own in every:
        here = "yes" if own["simulated"] else f"{own['files_here']} files" if own["files_here"] else "no"
        rows.append((own["example"], own["what"], f"{own['species']}, {own['area']}", own["licence"], here))
    print_table(("name", "what", "species, area", "licence", "here"), rows)
    echo(
        "Show one with: normenc recordings show NAME",
        "Fetch one that is not here with: normenc recordings fetch NAME",
    )


@recordings_app.command()
def show(
    name: NAME, as_json: Annotated[bool, typer.Option("--json", help="Print what is known as JSON.")] = False
) -> None:
    """Show what is known about a recording, and its files."""
    from normenc.recordings.public.listing import about, about_files
    from normenc.recordings.public.names import parse
    from normenc.recordings.public.registry import collection_named

    collection = collection_named(name)  # which may need a session, and is shown without one
    known = about(parse(name).collection if collection is None else collection)
    needs_session = collection is not None and known["example"] != name
    files = [] if needs_session else about_files(parse(name))
    if as_json:
        echo_json(known | {"files": files})
        return
    echo(*_lines(known))
    for file in files[:MOST_FILES]:
        size = "size not known" if file["bytes"] is None else f"{file['bytes']:,} bytes"
        checksum = file["checksum"] or "no checksum is published"
        where = f"here: {file['path']}" if file["here"] else "not here"
        echo(f"file: {file['name']} ({size}, {checksum}) from {file['place']}; {where}")
    if len(files) > MOST_FILES:
        n_here = sum(file["here"] for file in files)
        echo(f"files: {len(files) - MOST_FILES} more; {n_here} of {len(files)} are here")


def _lines(known: dict[str, Any]) -> list[str]:
    met = (
        "yes"
        if known["met"]
        else "no: this reader was tested on small files of the published layout, never on a real one"
    )
    lines = [
        f"{known['name']}: {known['what']}",
        f"species, area: {known['species']}, {known['area']}",
        f"units: {known['units']}",
        f"cite: {known['citation']}",
        f"licence: {known['licence']}",
        f"source: {known['source']}",
        *(f"processing: {step}" for step in known["processing"]),
        f"simulated: {'yes, no animal was recorded' if known['simulated'] else 'no'}",
    ]
    if not known["simulated"]:
        lines.append(f"a real file was read: {met}")
    sessions = known["sessions"]
    if sessions:
        more = f" and {len(sessions) - MOST_SESSIONS} more" if len(sessions) > MOST_SESSIONS else ""
        lines.append(f"sessions: {', '.join(sessions[:MOST_SESSIONS])}{more}")
    for name, own in known["options"].items():
        values = f" ({', '.join(own['values'])})" if own["values"] else ""
        lines.append(f"option ?{name}={own['default']}: {own['meaning']}{values}")
    if known["streams"]:
        lines.append("option ?stream=no: yes reads only what is needed, from where the file lies")
    if not known["simulated"]:
        lines.append("option ?from=PATH: reads your own copy of the file")
    return lines


@recordings_app.command()
@reports(interrupted="the same command continues the download")
def fetch(
    name: NAME,
    yes: Annotated[bool, typer.Option("--yes", help="Accept the licence, and do not ask.")] = False,
) -> Found:
    """Download a recording into the cache and check it.

    Its size, its licence and what to cite are shown first.
    """
    from normenc.errors import InputError
    from normenc.recordings.public.fetching import download, planned
    from normenc.recordings.public.kept import take_note
    from normenc.recordings.public.names import place_of

    plan = planned(name)
    if plan.is_done:
        echo_result(name, place_of(name))
        return Found({"recording": name, "place": place_of(name)})
    collection = plan.asked.collection
    is_open = yes or plan.is_accepted
    asks = not is_open and sys.stdin is not None and sys.stdin.isatty()
    if asks or says_warnings():
        echo(*plan.lines(), err=True)
    if not is_open:
        if asks:
            typer.confirm("Use it under this licence?", abort=True, err=True)
            yes = True
        elif collection.restricted:
            raise InputError(
                f"{name}: nothing was downloaded, because its licence forbids some uses and nobody can be asked here; "
                "accept it with --yes"
            )
    if yes:
        take_note(collection)
    place = None if plan.asked.streams else download(plan, progress=says_warnings())
    echo_result(name, place or "read where it lies")
    return Found({"recording": name, "place": place})
