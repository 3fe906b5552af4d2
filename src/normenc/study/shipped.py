"""The example studies that come with normenc, by name."""

import json
import os
import re
from contextlib import ExitStack, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from normenc.errors import InputError
from normenc.texts import visible
from normenc.whole_files import beside

__all__ = ["Example", "copy_example", "examples", "study_file"]

FOR_EDITORS = re.compile(r"\A#:schema .*\n")  # of an example: it names the schema, which lies beside it
SCHEMA = "study.json"
TITLE = "normenc study"  # of every version of the schema
PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "examples", PACKAGE.parents[1] / "examples")  # of an installed package, and of a clone


class Example(NamedTuple):
    """An example that comes with normenc.

    Attributes
    ----------
    name : str
        Of a study, as ``normenc run NAME`` takes it; of a script, its file's name.
    purpose : str
        One sentence.
    files : tuple of Path
        The study file or script, and the modules that a study imports.
    """

    name: str
    purpose: str
    files: tuple[Path, ...]

    @property
    def is_study(self) -> bool:
        """Whether ``normenc run`` takes it; the others are Python scripts."""
        return self.files[0].suffix == ".toml"


def examples() -> dict[str, Example]:
    """The example studies, then the example scripts, each in the order of their names.

    Examples
    --------
    >>> examples()["reference"].purpose[:36]
    'The reference study: a small convolu'
    """
    folder = next((place for place in FOLDERS if (place / "reference.toml").is_file()), None)
    if folder is None:
        raise InputError(f"{FOLDERS[0]}: the examples of normenc are missing; install normenc again")
    scripts = {path.stem: path for path in sorted(folder.glob("*.py"))}
    studies = [_example(path, path.stem, scripts) for path in sorted(folder.glob("*.toml"))]
    parts = {path for example in studies for path in example.files}
    alone = [_example(path, path.name, {}) for path in scripts.values() if path not in parts]
    return {example.name: example for example in (*studies, *alone)}


def _example(path: Path, name: str, modules: dict[str, Path]) -> Example:
    text = FOR_EDITORS.sub("", path.read_text(encoding="utf-8"))
    comment = text.lstrip('"') if path.suffix == ".py" else re.sub(r"^# ?", "", text, flags=re.MULTILINE)
    purpose = re.split(r"(?<=[.?]) |\n\n|\n(?=    )", comment, maxsplit=1)[0]
    imported = [own for stem, own in modules.items() if f'"{stem}:' in text]
    return Example(name, " ".join(purpose.split()), (path, *imported))


def study_file(study: str | Path) -> Path:
    """The file of a study: a path, or the name of a study that comes with normenc.

    Raises
    ------
    InputError
        If neither a file nor a study has this name.
    """
    path = Path(study)
    if path.suffix or len(path.parts) != 1 or (path.exists() and not path.is_dir()):
        return path
    found = {name: example.files[0] for name, example in examples().items() if example.is_study}
    if path.name in found:
        return found[path.name]
    if path.exists():  # a folder, whose reading says so
        return path
    near = get_close_matches(path.name, found, n=1)
    raise InputError(
        f"{visible(path.name)}: there is no such study file, and no study of this name comes with normenc"
        + (f"; did you mean {near[0]!r}?" if near else f"; these do: {', '.join(found)}")
    )


def copy_example(name: str, folder: str | Path = ".", *, force: bool = False) -> list[Path]:
    """Write the files of an example into a folder, to be changed there; beside a study, the schema that editors read.

    Parameters
    ----------
    name : str
    folder : path
        Made if it is missing.
    force : bool
        Replace files that exist. The schema, ``study.json``, replaces an earlier version of itself in any case, and no
        other file.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    InputError
        If there is no such example, a file exists, or the folder cannot be written to; nothing is written then.
    """
    found = examples()
    if name not in found:
        near = get_close_matches(name, found, n=1)
        raise InputError(
            f"{visible(name)}: no example has this name"
            + (f"; did you mean {near[0]!r}?" if near else f"; these do: {', '.join(found)}")
        )
    first, *others = found[name].files
    schema = [first.with_name(SCHEMA)] if found[name].is_study else []
    files = [first, *schema, *others]
    places = [Path(folder) / file.name for file in files]
    for place in places:
        if place.name == SCHEMA and os.path.lexists(place):
            _check_schema(place)
        elif os.path.lexists(place) and not force:
            raise InputError(
                f"{visible(str(place))}: this file exists; give another folder, or replace it with force=True"
            )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with ExitStack() as all_or_none:
            for place, file in zip(places, files, strict=True):
                all_or_none.enter_context(beside(place)).write_bytes(file.read_bytes())
    except OSError as error:
        raise InputError(f"{visible(str(folder))}: cannot be written to ({error.strerror or error})") from None
    return places


def _check_schema(place: Path) -> None:
    """Check that a file is some version of the schema, which may be replaced."""
    with suppress(OSError, ValueError):  # a folder, or no JSON
        own = None if place.is_symlink() else json.loads(place.read_bytes())
        if isinstance(own, dict) and own.get("title") == TITLE:
            return
    raise InputError(
        f"{visible(str(place))}: this is not the schema of study files, which would be written there; "
        "give another folder"
    )
