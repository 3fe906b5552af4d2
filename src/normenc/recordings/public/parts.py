"""What the readers of public recordings share: their files, options and facts, and names of numbered images."""

from collections.abc import Collection as Names
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.errors import InputError, quoted
from normenc.recordings.formats import listed
from normenc.recordings.provenance import unchanged
from normenc.recordings.public.collection import Collection, Option

__all__ = [
    "IMAGES",
    "MISSING",
    "as_count",
    "file_of",
    "filled",
    "is_yes",
    "known_session",
    "needs",
    "numbered",
    "repeats_of",
    "whole_numbers",
]

MOST_DIGITS = 9  # of a count
IMAGES = Option("yes", "whether the images come with the recording", ("yes", "no"))
MISSING = Option("error", "what is left out where responses are missing (NaN)", ("error", "neurons", "trials"))


def filled(collection: Collection, given: Mapping[str, str]) -> dict[str, str]:
    """All options of a collection, with the defaults of those that are not given.

    Raises
    ------
    InputError
        If there is no such option, or it cannot have such a value; the message lists those that it can have.
    """
    own = collection.options
    for name, value in given.items():
        if name not in own:
            near = get_close_matches(name, own, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"its options are {', '.join(own) or 'none'}"
            raise InputError(f"{collection.name} has no option {quoted(name)}; {hint}")
        allowed = own[name].values  # noqa: PD011
        if allowed is not None and value not in allowed:
            raise InputError(f"{collection.name}: {name} is {quoted(value)}; it can be {', '.join(allowed)}")
    return {name: option.default for name, option in own.items()} | dict(given)


def is_yes(asked: Mapping[str, str], name: str) -> bool:
    """Whether an option of yes and no is yes."""
    return asked[name] == "yes"


def known_session(collection: str, session: str | None, sessions: Mapping[str, Any]) -> str:
    """The name of a session as the collection spells it.

    Raises
    ------
    InputError
        If there is none of that name, or none is named; the message lists them.

    Examples
    --------
    >>> known_session("minimodel", "fx20", {"FX8": 1, "FX20": 2})
    'FX20'
    """
    spelled = {name.casefold(): name for name in sessions}
    if session is not None and session.casefold() in spelled:
        return spelled[session.casefold()]
    said = f"{collection} has no recording {quoted(session)}" if session else f"{collection} holds several recordings"
    example = f"{collection}/{next(iter(sessions))}"
    raise InputError(f"{said}; there are {', '.join(sessions)}. Name one, such as {example}")


@contextmanager
def file_of(files: Mapping[str, Path], suffix: str, what: str) -> Iterator[Path]:
    """The file among `files` whose name ends so; messages of errors within the block begin with it.

    Raises
    ------
    InputError
        If there is none.
    """
    path = next((path for name, path in files.items() if name.endswith(suffix)), None)
    if path is None:
        raise InputError(f"the file of {what} ({suffix}) is not among {', '.join(files) or 'no files'}")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; fetch the recording again")
    try:
        with unchanged():
            yield path
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except MemoryError:
        raise InputError(f"{path}: it does not fit in memory; use a machine with more memory") from None


def needs(arrays: Any, names: Names[str], layout: str) -> None:
    """Raise InputError unless what a file holds are arrays, or other things, with all of these names."""
    if not isinstance(arrays, Mapping):
        raise InputError(f"it holds a {type(arrays).__name__}; {layout} is a set of named arrays")
    lost = [name for name in names if name not in arrays]
    if lost:
        there = listed({str(name): value for name, value in arrays.items()})
        verb = "is" if len(lost) == 1 else "are"
        raise InputError(f"it holds {there}; {layout} has {', '.join(names)}, and {', '.join(lost)} {verb} not there")


def whole_numbers(values: Any, what: str) -> npt.NDArray[np.int64]:
    """Numbers of images, also where they are stored as floats or texts.

    Raises
    ------
    InputError
        If one is not a whole number, or is negative.

    Examples
    --------
    >>> whole_numbers(np.array(["1", "3.0"]), "istim")
    array([1, 3])
    """
    given = np.ravel(np.asarray(values))
    numbers = pd.to_numeric(pd.Series(given.astype(str)), errors="coerce").to_numpy(np.float64)
    bad = ~((numbers == np.round(numbers)) & (numbers >= 0) & (numbers < 2**53))
    if bad.any():
        raise InputError(f"{what} holds {quoted(given[bad][0].item())}, which is not the number of an image")
    return numbers.astype(np.int64)


def as_count(text: str, what: str) -> int:
    """How many, from the text of an option.

    Raises
    ------
    InputError
        If it is no whole number.

    Examples
    --------
    >>> as_count("32", "components")
    32
    """
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise InputError(f"{what} is {quoted(text)}; it must be a whole number, such as 32, or 0")
    return int(text)


def numbered(numbers: npt.NDArray[np.int64], n_images: int) -> npt.NDArray[np.str_]:
    """Names of images by their numbers, of one length, so that names sort as numbers do.

    Examples
    --------
    >>> numbered(np.array([3, 12]), 118).tolist()
    ['003', '012']
    """
    width = len(str(n_images))
    return np.array([f"{number:0{width}d}" for number in numbers.tolist()], dtype=str)


def repeats_of(labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """How often each row's stimulus was shown before, counted from 0.

    Examples
    --------
    >>> repeats_of(np.array(["a", "b", "a"])).tolist()
    [0, 0, 1]
    """
    return pd.Series(labels).groupby(labels).cumcount().to_numpy(np.int64)
