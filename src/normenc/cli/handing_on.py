"""The commands ``normenc reproduce``, ``export`` and ``verify``: published numbers, and runs that are handed on."""

from pathlib import Path
from typing import Annotated, Any

import typer

from normenc.cli.completing import complete_publication, complete_run
from normenc.cli.printing import print_table
from normenc.cli.shared_options import DEVICE, Found, reports
from normenc.cli.terminal import echo, echo_result

__all__ = ["handing_on_app"]

handing_on_app = typer.Typer()

Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Look for files of recordings here first, then beside FILE.toml and in $NORMENC_SHARED_DATA.",
    ),
]


@handing_on_app.command("reproduce", short_help="Compute published numbers again, and say which hold.")
@reports(interrupted="nothing was written, but trained networks are kept")
def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME|FILE.toml ...",
            help="Publications by their names, or files that state what was published; all that come with normenc by "
            "default.",
            autocompletion=complete_publication,
        ),
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="List what was published, and compute nothing.")] = False,
    data: Data = None,
    recording: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Use this recording instead of the one that a publication states."),
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="Also compute what takes hours.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE.toml",
            help="The new folder for the table and the page, runs/reproduction by default; with --from, the file, "
            "published.toml by default.",
        ),
    ] = None,
    device: DEVICE = "auto",
    from_run: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="RUN", help="Compute nothing: make the file of a publication from a finished run."
        ),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="With --from: this encoder, as similarity.csv calls it, and several times for several; by default all "
            "whose similarity has an interval.",
        ),
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(metavar="T", help="With --from: of similarities that have no interval.")
    ] = None,
    citation: Annotated[str | None, typer.Option(metavar="TEXT", help="With --from: of the paper.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier result in that folder, or an existing file.")
    ] = False,
) -> Found:
    """Compute published numbers again from the recordings that are here, and say of each whether it holds.

    Nothing is downloaded. With --from, a run becomes such a publication, which anyone can run again.
    """
    if from_run is not None:
        _refuse(None, names=names, list=only_list, data=data, recording=recording, long=long)
        return _write_publication(from_run, out, encoder, tolerance=tolerance, citation=citation, force=force)
    _refuse("--from", encoder=encoder, tolerance=tolerance, citation=citation)
    asked = _publications(names or [])
    if only_list:
        return _list_claims(asked)
    from normenc import published, report

    options: dict[str, Any] = {"data": data, "recording": recording, "long": long, "device": device, "force": force}
    folder = out or Path("runs") / "reproduction"
    found = published.reproduce(asked, folder, page=report.write_reproduction, **options)
    _print_reproduction(found)
    echo_result("table and page", folder)
    return Found({"folder": folder, "holds": found.holds, "claims": found.table.to_dict("records")}, found.holds)


def _write_publication(run: Path, out: Path | None, encoders: list[str] | None, **options: Any) -> Found:
    from normenc import published

    path = published.write_publication(run, out or Path("published.toml"), only=encoders or None, **options)
    echo_result("publication", path)
    return Found({"publication": path})


def _list_claims(publications: list[Any]) -> Found:
    names = ("publication", "what", "published", "where")
    rows = [(own.name, claim.what, claim.published, claim.where) for own in publications for claim in own.claims]
    print_table(names, rows)
    return Found([dict(zip(names, row, strict=True)) for row in rows])


@handing_on_app.command("export", short_help="Pack a finished run into one zip file that can be handed on.")
@reports()
def export(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The folder of a finished run.", autocompletion=complete_run)
    ],
    as_zip: Annotated[bool, typer.Option("--zip", help="As one zip file; there is no other form as yet.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.zip", help="The file to write; the folder's name by default.")
    ] = None,
    author: Annotated[
        list[str] | None, typer.Option(metavar="'FAMILY, GIVEN'", help="Who made the run; several times for several.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(metavar="SPDX", help="Under which it is handed on, such as CC-BY-4.0.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> Found:
    """Pack a finished run: study, environment, tables, pictures, report, checksums, citation and an RO-Crate.

    The recording is not in it; its SHA-256 is.
    """
    from normenc import runs
    from normenc.errors import InputError

    if not as_zip:
        raise InputError("say in which form the run is handed on: --zip")
    path = runs.export(run, out, authors=author or (), licence=licence, force=force)
    echo_result("zip", path)
    return Found({"zip": path})


@handing_on_app.command("verify", short_help="Run a run that was handed on again, and compare all numbers.")
@reports(interrupted="nothing was written")
def verify(
    path: Annotated[Path, typer.Argument(metavar="FILE.zip", help="As normenc export wrote it.")],
    recording: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="The recording, where it is not where it was.")
    ] = None,
    digits: Annotated[
        int, typer.Option(metavar="N", min=1, max=9, help="Significant digits to which numbers must agree.")
    ] = 6,
    device: Annotated[
        str | None, typer.Option(metavar="cpu|cuda", help="Where to train; by default as in the run, if it is here.")
    ] = None,
    workers: Annotated[int, typer.Option(metavar="N", min=1, help="Processes to train in.")] = 1,
) -> Found:
    """Check a run that was handed on, run its study again in a temporary folder, and say which numbers are equal.

    Networks are trained again. The exit code is 0 if all numbers agree and no file was altered, 1 if not.
    """
    from normenc import study as studies

    found = studies.verify(path, recording=recording, digits=digits, device=device, workers=workers)
    echo(f"{path}: the checksums are right")
    for name in found.altered:
        echo(f"altered: {name} is not as the run's own list says, so its checksum was rewritten")
    rows = [
        (own.file, f"{own.equal:,} of {own.numbers:,}", _to_digits(own), own.worst) for own in found.table.itertuples()
    ]
    print_table(("file", "numbers that are equal", "all to", "the one that agrees least"), rows)
    for reason in found.reasons:
        echo(f"what differs: {reason}")
    if not found.reasons and (found.table["equal"] < found.table["numbers"]).any():
        echo("what differs: nothing that is known; threads and devices may add numbers up in another order")
    agree = bool((found.table["digits"] >= digits).all())
    said = f"all numbers agree to {digits} digits" if agree else f"not verified to {digits} digits"
    if agree:
        said = f"verified: {said}" if found.holds else f"not verified: files were altered, although {said}"
    echo(said, bold=True)
    values = {"holds": found.holds, "digits": digits, "reasons": found.reasons}
    return Found(values | {"files": found.table.to_dict("records")}, found.holds)


def _to_digits(row: Any) -> str:
    return "all digits" if row.digits == 9 and row.equal == row.numbers else f"{row.digits} digits"


def _publications(names: list[str]) -> list[Any]:
    from normenc import published
    from normenc.errors import InputError

    known = published.publications()
    found = []
    for name in dict.fromkeys(names or known):
        if name in known:
            found.append(known[name])
        elif Path(name).suffix == ".toml" or Path(name).is_file():
            found.append(published.load_publication(name))
        else:
            raise InputError(f"{name}: no publication has this name; there are {', '.join(known)}, or give a TOML file")
    return found


def _print_reproduction(found: Any) -> None:
    from normenc.report.reproduced import found_in_words, notes, sentences

    rows = [
        (row["publication"], row["what"], row["published"], found_in_words(row), row["result"])
        for row in found.table.to_dict("records")
    ]
    print_table(("publication", "what", "published", "found", "result"), rows)
    for publication, own in found.table.groupby("publication", sort=False):
        for note in notes(own.assign(differs="").to_dict("records")):
            echo(f"{publication}, {note}")
    for sentence in sentences(found):
        echo(sentence, bold=True)


def _refuse(of: str | None, **given: Any) -> None:
    """Raise InputError for options that are of the other form of the command: that with `of`, or that without."""
    from normenc.errors import InputError

    for name, value in given.items():
        if value not in (None, False, []):
            option = "NAME" if name == "names" else f"--{name}"
            raise InputError(f"{option} goes {'without --from' if of is None else f'with {of} RUN'}; leave it out")
