"""What each option of a preparation may be, checked before any file is read."""

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import PurePath
from typing import Any

from normenc.errors import InputError, quoted
from normenc.recordings.angles import ANGLES
from normenc.recordings.image_files import ImageSource
from normenc.recordings.labels import MISSING
from normenc.recordings.shared import CHOICES
from normenc.recordings.times import Window, parse_window

__all__ = ["checked"]

SCALAR = str | Real
Check = tuple[Callable[[Any], bool], str]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(value: Any, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) > 0 and all(map(of, value))


def _is_span(value: Any) -> bool:
    return _is_list(value, _is_number) and len(value) == 2 and value[0] < value[1]


def _is_label(value: Any) -> bool:
    return _is_text(value) or _is_number(value)


def _is_one_or_several(value: Any, of: Callable[[Any], bool]) -> bool:
    return of(value) or _is_list(value, of)


def _is_window(value: Any) -> bool:
    if isinstance(value, str | Window):
        return True  # which parse_window reads
    return _is_list(value, _is_number)


TEXT: Check = (_is_text, "a text that is not empty")
LABELS: Check = (lambda value: _is_one_or_several(value, _is_label), "a label, or a list of labels, such as 'V1'")
FLAG: Check = (lambda value: isinstance(value, bool), "True or False")
SECONDS = "two times in seconds, the first before the second, such as {}=(0, 0.5)"
CHECKS: dict[str, Check] = {
    "names": (
        lambda value: isinstance(value, Mapping) and all(map(_is_text, (*value, *value.values()))),
        "a mapping from names that normenc knows to those in the file, such as {'responses': 'F'}",
    ),
    "axes": (
        lambda value: _is_one_or_several(value, _is_text),
        "names of axes, such as 'trial,time,neuron' or ['trial', 'time', 'neuron']",
    ),
    "times": (
        _is_span,
        "the seconds of the first and of the last sample, the first before the last, such as (-1, 2)",
    ),
    "window": (_is_window, SECONDS.format("window")),
    "baseline": (_is_window, SECONDS.format("baseline")),
    "where": (
        lambda value: (
            isinstance(value, Mapping)
            and all(map(_is_text, value))
            and all(_is_one_or_several(own, lambda one: isinstance(one, SCALAR)) for own in value.values())
        ),
        "a mapping from columns to a value or a list of values, such as {'contrast': [0.5, 1]}",
    ),
    "blank": (lambda value: _is_list(value, _is_label), "a number or name, or a list of these, such as [-1]"),
    "images": (
        lambda value: _is_text(value) or isinstance(value, PurePath | ImageSource),
        "a folder of images, or a file of them",
    ),
    "angles": (lambda value: isinstance(value, str) and value in ANGLES, f"one of {', '.join(ANGLES)}"),
    "missing": (lambda value: isinstance(value, str) and value in MISSING, f"one of {', '.join(MISSING)}"),
    "stimuli": (lambda value: isinstance(value, str) and value in CHOICES, f"one of {', '.join(CHOICES)}"),
    "reliability": (lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 up to, but not including, 1"),
    "bin_width": (lambda value: _is_number(value) and value > 0, "a number of degrees above 0"),
    **dict.fromkeys(("region", "quality"), LABELS),
    **dict.fromkeys(("responsive", "fold_directions", "z_score", "simulated"), FLAG),
    **dict.fromkeys(
        ("intervals", "series", "rdm_metric", "species", "area", "units", "source", "citation", "licence"), TEXT
    ),
}


def checked(option: str, value: Any) -> Any:
    """The value of an option that is given, with arrays as lists.

    Raises
    ------
    InputError
        If the option cannot have this value.

    Examples
    --------
    >>> checked("bin_width", 30), checked("blank", -1)
    (30, [-1])
    >>> checked("z_score", "no")
    Traceback (most recent call last):
        ...
    normenc.errors.InputError: z_score is 'no'; it must be True or False
    """
    plain = _without_arrays(value)
    if option == "blank" and not isinstance(plain, list | tuple | Mapping):
        plain = [plain]
    allows, needed = CHECKS[option]
    if not allows(plain):
        raise InputError(f"{option} is {quoted(value)}; it must be {needed}")
    if option in ("window", "baseline"):
        parse_window(plain, option)
    return plain


def _without_arrays(value: Any) -> Any:
    """Lists and numbers of Python for those of NumPy and the like."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _without_arrays(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_without_arrays, value)) if type(value) in (list, tuple) else value
    return value
