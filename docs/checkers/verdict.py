"""What a checker says, and how it gets a student's answers without falling over them."""

import inspect
import itertools
import textwrap
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.texts import visible

__all__ = ["Option", "Verdict", "answer_of", "changed_input", "mistaken", "same", "searched", "wrong"]

Floats = npt.NDArray[np.float64]
TOLERANCE = 1e-5  # of an entry of about 1; float32 in torch is well within it
COUNTS = ("", "", "Two", "Three", "Four")
WIDTH = 100  # of a line, characters


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a checker found; it shows itself as its text, and counts as true when the answer is right.

    Attributes
    ----------
    right : bool
    mistakes : tuple of str
        Names of what is wrong, such as ``"wrong axis"``; empty when the answer is right.
    text : str
        What is wrong and where to look, or, when nothing is, a fact worth knowing.

    Examples
    --------
    >>> Verdict(False, ("wrong axis",), "Look at the axis.")
    Look at the axis.
    >>> bool(Verdict(True, (), "Right."))
    True
    """

    right: bool
    mistakes: tuple[str, ...]
    text: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return "\n".join(textwrap.fill(visible(line), WIDTH) for line in self.text.split("\n"))


@dataclass(frozen=True)
class Option:
    """One way to do a step: the right one (without a name), or a mistake with its words."""

    name: str
    words: str
    compute: Callable[..., Any]


def wrong(name: str, text: str) -> Verdict:
    """The verdict on a single mistake."""
    return Verdict(False, (name,), text)


def mistaken(options: Sequence[Option]) -> Verdict:
    """The verdict on the mistakes that explain an answer together."""
    names = tuple(option.name for option in options)
    if len(options) == 1:
        return Verdict(False, names, options[0].words)
    lines = [f"{COUNTS[len(options)]} things in your answer are not as they should be.", *(o.words for o in options)]
    return Verdict(False, names, "\n- ".join(lines))


def searched(steps: Sequence[Sequence[Option]]) -> Iterator[tuple[Option, ...]]:
    """Every way to take the steps that holds a mistake, fewest first; the first option of a step is the right one."""
    ways = sorted(itertools.product(*steps), key=lambda way: len(_mistakes(way)))
    return (way for way in ways if _mistakes(way))


def _mistakes(way: Sequence[Option]) -> list[Option]:
    return [option for option in way if option.name]


def same(answers: Sequence[Any], others: Sequence[Any]) -> bool:
    """Whether all answers equal the others, within rounding; NaN equals nothing."""
    return all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE)
        for a, b in zip(answers, others, strict=True)
    )


def answer_of(function: Any, arguments: Sequence[Floats], given: str) -> Floats | Verdict:
    """What `function` returns for the arguments, as an array; or the verdict, where that is no answer at all.

    Parameters
    ----------
    function : callable
        The student's; its warnings are left aside.
    arguments : sequence of ndarray
    given : str
        What the arguments are, for the message.
    """
    if not callable(function):
        return wrong(
            "not a function",
            f"The checker was given {type(function).__name__} {np.shape(function)}, not a function. Give it the "
            "function itself, its name without brackets: the checker calls it.",
        )
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            returned = function(*arguments)
    except Exception as error:
        return _raised(function, error, given)
    if returned is None:
        return wrong(
            "returns None",
            "Your function returns None. Whatever it computes, and even prints, is lost unless it ends with `return`.",
        )
    try:
        return as_array(returned, "the answer").astype(np.float64)
    except InputError as error:
        return wrong("no numbers", f"Your function returns {type(returned).__name__}, and {error}.")


def changed_input(before: Sequence[Floats], after: Sequence[Floats]) -> Verdict | None:
    """The verdict on a function that writes into what it is given."""
    if same(before, after):
        return None
    return wrong(
        "changes its input",
        "The answer is right, but your function writes into the array that it is given, so that whoever calls it "
        "loses their data. Look for `-=`, `/=`, an assignment to `[...]` or `np.fill_diagonal`, and make a new array "
        "instead.",
    )


def _raised(function: Any, error: Exception, given: str) -> Verdict:
    if isinstance(error, NotImplementedError):
        return wrong("raises an exception", "Your function is not written yet: it raises NotImplementedError.")
    said = f"Your function stops with {type(error).__name__}: {error}"
    said = said.rstrip(".") + f". It was given {given}."
    code = getattr(inspect.unwrap(function), "__code__", None)
    lines = [
        frame.line
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename and frame.line
    ]
    if lines:
        said += f" It happened here: `{lines[-1]}`."
    if "broadcast" in str(error):
        said += (
            " Shapes that cannot be broadcast often come from a mean or a standard deviation that has lost its axis: "
            "`keepdims=True` keeps one number a row as a column."
        )
    return wrong("raises an exception", said)
