"""Generate the parts of pages that follow from the code: `python docs/generate.py` rewrites them.

They are between two comments, `<!-- NAME: written by docs/generate.py -->` and `<!-- end -->`.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path

from normenc.errors import InputError
from normenc.published import publications
from normenc.recordings.public.collection import Collection
from normenc.recordings.public.listing import example_of
from normenc.recordings.public.registry import catalogue
from normenc.runs import PICTURES
from normenc.runs.schema import FILES, File
from normenc.study.json_schema import study_schema
from room_map import room_map

ROOT = Path(__file__).parents[1]
PART = re.compile(r"(<!-- (\S+): written by docs/generate\.py -->\n).*?(?=<!-- end -->)", flags=re.DOTALL)


def run_files() -> str:
    """The files of a run."""
    return table(("file", "contents", "when"), ((f"`{file.name}`", file.what, file.when) for file in FILES))


def run_table(file: File) -> str:
    """The columns of one of a run's tables; those that go together share a line."""
    assert file.table is not None
    lines = []
    for (meaning, when), columns in groupby(file.table.columns, lambda column: (column.meaning, column.when)):
        own = list(columns)
        kinds = ", ".join(dict.fromkeys(column.type for column in own))
        where = "" if when == "always" else f" ({when})"
        lines.append((", ".join(f"`{column.name}`" for column in own), kinds, meaning + where))
    return f"{file.table.rows}\n\n{table(('column', 'type', 'what it says'), lines)}"


def run_arrays() -> str:
    """The variables of a run's array files."""
    found = [(file.name, variable) for file in FILES for variable in file.variables]
    return table(
        ("file", "variable", "dimensions", "what it holds"),
        ((f"`{name}`", f"`{own.name}`", " x ".join(own.dims), own.what) for name, own in found),
    )


def run_figures() -> str:
    """The figures of a run."""
    rows = (
        (f"`{own.name}`", own.caption.replace("<", "&lt;").replace("|", "\\|"), own.when) for own in PICTURES.values()
    )
    return table(("file", "what it shows", "drawn"), rows)


def collections() -> list[Collection]:
    """The collections of public recordings, by name."""
    return [own for _, own in sorted(catalogue().items()) if not own.simulated]


def public_recordings() -> str:
    """What there is."""
    rows = (
        (
            _names(own),
            own.what,
            f"{own.species}, {own.area}",
            own.licence,
            "yes" if own.met else "never",
        )
        for own in collections()
    )
    return table(("name", "what", "of", "licence", "a real file was read"), rows)


def _names(collection: Collection) -> str:
    """By what recordings of a collection are called."""
    several = f"`{collection.name}/{collection.sessions[0]}` and others" if collection.sessions else ""
    try:
        collection.files(None)
    except InputError:  # it wants a session
        return several or f"`{example_of(collection)}`"
    return ", ".join(part for part in (f"`{collection.name}`", several) if part)


def public_options() -> str:
    """What may be asked of public recordings."""
    rows = (
        (f"`{own.name}`", f"`{name}`", f"`{option.default}`", option.meaning)
        for own in collections()
        for name, option in own.options.items()
    )
    return table(("collection", "option", "default", "meaning"), rows)


def public_processing() -> str:
    """What was done to responses, before they were published and while they are read."""
    return "\n".join(f"- `{own.name}`: {'; '.join(own.processing)}. Units: {own.units}." for own in collections())


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"|{'|'.join(row)}|" if row[0] == "---" else f"| {' | '.join(row)} |" for row in map(list, rows))


def published_claims() -> str:
    """What was published, of the publications that come with normenc."""
    rows = (
        (f"`{own.name}`", claim.what, claim.published, claim.where, claim.differs)
        for own in publications().values()
        for claim in own.claims
    )
    head = ("name", "what", "published", "where", "what differs from the published computation")
    return table(head, ((cell.replace("|", "\\|") for cell in row) for row in rows))


def published_recordings() -> str:
    """The recordings that these publications need."""
    rows = (
        (f"`{own.name}`", " or ".join(f"`{source}`" for source in needed.sources), needed.get)
        for own in publications().values()
        for needed in own.recordings.values()
    )
    return table(("name", "recording, the first that is here", "how to get it"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "figures": run_figures,
    "files": run_files,
    "arrays": run_arrays,
    "rooms": room_map,
    "claims": published_claims,
    "needed": published_recordings,
    "public-recordings": public_recordings,
    "public-options": public_options,
    "public-processing": public_processing,
    **{file.name: partial(run_table, file) for file in FILES if file.table is not None},
}
PAGES = (
    "CONTRIBUTING.md",
    *(f"docs/{page}.md" for page in ("design", "figures", "public_recordings", "reproducing", "run_folder")),
)


def renewed(page: str) -> str:
    """A page with all its parts as they must be."""
    return PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n\n", page)


SCHEMA = ROOT / "examples" / "study.json"


def schema_file() -> str:
    """The JSON schema of study files, as editors read it."""
    return json.dumps(study_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(schema_file(), encoding="utf-8")
    for name in PAGES:
        path = ROOT / name
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{name}\n")
