"""A public recording by its name: from its files to a prepared recording's beginning."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from normenc.errors import InputError
from normenc.recordings.files import one_line
from normenc.recordings.preparation import Preparation
from normenc.recordings.provenance import reads, unchanged
from normenc.recordings.public.fetching import check_accepted, read_files
from normenc.recordings.public.names import Asked
from normenc.recordings.public.streams import opened_where_they_lie
from normenc.recordings.recording import Recording

__all__ = ["check_reads_nothing", "read_public"]

OF_FILES = ("names", "axes", "times", "window", "baseline", "intervals", "series", "where", "blank", "images")
MISSING = re.compile(r"missing='(\w+)'")  # as an argument, which here is an option in the name
OTHERS = ("stimuli", "angles", "rdm_metric")


def check_reads_nothing(asked: Asked, preparation: Preparation) -> None:
    """Raise InputError for options that say how a file is read, where the collection says it."""
    simulated, name = asked.collection.simulated, asked.collection.name
    of_this = (*OF_FILES, *OTHERS, *(() if simulated else ("missing",)))
    given = [option for option in preparation.given() if option in of_this]
    if not given:
        return
    options = ", ".join(asked.collection.options)
    why = (
        f"{name} has no file; leave them out"
        if simulated
        else f"{name} is read as it was published; leave them out"
        + (f", or use its own options ({options}), as in {name}/SESSION?NAME=VALUE" if options else "")
    )
    if "images" in given and not simulated:
        why += "; images of your own cannot be checked against the numbers of those that were shown"
    raise InputError(f"{', '.join(given)}: these say how a file is read, but {why}")


def read_public(asked: Asked, preparation: Preparation) -> Recording:
    """Read a recording from its files, which are checked, or where they lie.

    Its name is the one that was asked for, with the options that are not at their defaults.

    Parameters
    ----------
    asked : Asked
    preparation : Preparation
        Of which only what is stated about the recording is used here.

    Raises
    ------
    InputError
        If a file is not here, has changed, or is not of the collection's layout.
    """
    check_reads_nothing(asked, preparation)
    own, notes = asked.collection, tuple[str, ...]()
    try:
        if asked.streams:
            assert own.read_opened is not None
            given = f"{asked.fetched}{'&' if '?' in asked.fetched else '?'}stream=yes"
            check_accepted(
                asked,
                f"accept it once with normenc.recordings.fetch({given!r}, accept=True), or run 'normenc recordings "
                f'fetch "{given}"\'; neither downloads anything',
            )
            with opened_where_they_lie(asked) as (files, notes):
                recording = own.read_opened(files, asked.session, asked.options)
        else:
            with unchanged():
                paths = read_files(asked)
                for path in paths.values():
                    if path.is_file():
                        reads(path)
                with _told(asked):
                    recording = own.read(paths, asked.session, asked.options)
    except InputError as error:
        said = MISSING.sub(r"?missing=\1", str(error)) if "missing" in own.options else str(error)
        raise type(error)(said if said.startswith((asked.name, own.name)) else f"{asked.name}: {said}") from None
    if not isinstance(recording, Recording):
        raise InputError(f"{asked.name}: its collection gives a {type(recording).__name__} instead of a Recording")
    return replace(recording, name=asked.name, notes=(*recording.notes, *notes), **preparation.facts)


@contextmanager
def _told(asked: Asked) -> Iterator[None]:
    """Tell an error that a reader did not foresee as a fault of the files, of whose layout it expects something else.

    Only files that were met by nobody can raise one: no list of their traps would be complete.
    """
    try:
        yield
    except (InputError, MemoryError, NameError, OSError):
        raise
    except Exception as error:
        if asked.collection.simulated:
            raise
        raise InputError(
            f"its files are not of the published layout, or the reader of {asked.collection.name} is wrong about it "
            f"({type(error).__name__}: {one_line(error)}); please report it with this message"
        ) from error
