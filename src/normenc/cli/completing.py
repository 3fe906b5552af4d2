"""What the tab key offers: study files, runs, and names of recordings, publications and examples."""

from collections.abc import Iterable
from pathlib import Path

from normenc.texts import visible

__all__ = [
    "complete_example",
    "complete_known_recording",
    "complete_publication",
    "complete_recording",
    "complete_run",
    "complete_study",
]


def complete_example(incomplete: str) -> list[str]:
    """Names of the studies and scripts that come with normenc."""
    from normenc.study.shipped import examples

    return _begun(examples(), incomplete)


def complete_study(incomplete: str) -> list[str]:
    """Names of example studies, study files, and folders that may have some."""
    from normenc.study.shipped import examples

    return [
        *_begun((name for name, own in examples().items() if own.is_study), incomplete),
        *_paths(incomplete, (".toml",)),
    ]


def complete_recording(incomplete: str) -> list[str]:
    """Names of recordings, and files."""
    return [*complete_known_recording(incomplete), *_paths(incomplete, None)]


def complete_known_recording(incomplete: str) -> list[str]:
    """Names of recordings."""
    from normenc.recordings import catalogue
    from normenc.recordings.public.listing import example_of

    known = catalogue().values()
    names = [example_of(own) for own in known]
    names += [f"{own.name}/{session}" for own in known if incomplete.startswith(own.name) for session in own.sessions]
    return _begun(names, incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Folders of runs, and folders that may have some."""
    return [path for path in _paths(incomplete, ()) if path.endswith("/")]


def complete_publication(incomplete: str) -> list[str]:
    """Names of publications that come with normenc, and files of others."""
    from normenc.published import publications

    return [*_begun(publications(), incomplete), *_paths(incomplete, (".toml",))]


def _begun(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _paths(incomplete: str, endings: tuple[str, ...] | None) -> list[str]:
    """Folders, and files with one of these endings or, for None, any; hidden ones only where a dot was typed.

    A name with line breaks or other characters that cannot be seen is not offered: a shell takes it for several, or
    acts on it.
    """
    place, _, begun = incomplete.rpartition("/")
    folder = Path(place or ("/" if incomplete.startswith("/") else ".")).expanduser()
    before = f"{place}/" if "/" in incomplete else ""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    seen = [path for path in found if visible(path.name) == path.name and (begun[:1] == "." or path.name[0] != ".")]
    fitting = [path for path in seen if path.name.startswith(begun)]
    files = [path for path in fitting if path.is_dir() or endings is None or path.name.lower().endswith(endings)]
    return [f"{before}{path.name}{'/' * path.is_dir()}" for path in files]
