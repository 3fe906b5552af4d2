"""Make text from outside safe to display: control and invisible characters become escapes.

Labels, metadata, file names and error messages come from users' files. Some characters in them control a terminal;
others reverse the order of text or are invisible.
"""

import re
import unicodedata
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "argument",
    "as_json",
    "bare",
    "escaped",
    "file_stem",
    "harmless",
    "natural_order",
    "own_stem",
    "visible",
    "visible_array",
    "visible_lines",
    "visible_values",
]

JOINERS = "\u200c\u200d"  # in emoji, and in Persian and the scripts of India
TAGS = "\U000e0020-\U000e007e"  # of flags
ALWAYS = (
    "\x00-\x1f\x7f-\x9f"  # control characters, including terminal commands
    "\u00ad\u034f\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0"  # zero-width, or blank
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # writing direction
    "\u2028\u2029\ufff9-\ufffb"  # line and paragraph separators, interlinear annotations
    "\ud800-\udfff"  # bytes that are not text
)
LETTER = "\u0300-\u1fff\u2100-\ud7ff\ue000-\U000dffff"  # what may surround a joiner
SUSPECT = re.compile(f"[{ALWAYS}{JOINERS}\U000e0000-\U000e007f]")
HIDDEN = re.compile(
    f"(?P<flag>\U0001f3f4[{TAGS}]{{2,6}}\U000e007f)|[{ALWAYS}\U000e0000-\U000e007f]"
    f"|(?<![{LETTER}])[{JOINERS}]|[{JOINERS}](?![{LETTER}])"
)
FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # as a spreadsheet reads it, also in full width
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
MOST_BYTES = 60  # for a label in a file name, which may have 255 in total
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)  # reserved names on Windows
MARKED = re.compile(r"fitted_|.*-[0-9a-f]{8}$")  # names used by normenc itself


def argument(**given: Any) -> str:
    """Arguments as Python code, for advice in a message; the command line shows its own options instead.

    Examples
    --------
    >>> argument(names={"orientation": "theta"}), argument(blank=-1)
    ("names={'orientation': 'theta'}", 'blank=-1')
    """
    return ", ".join(f"{name}={value!r}" for name, value in given.items())


def visible(text: str) -> str:
    r"""A text in one line, with escapes for invisible characters.

    These are control characters, line breaks, marks of writing direction, characters without width, and bytes that are
    not UTF-8. Letters, accents, symbols and emoji are unchanged, and so is text that is visible already.

    Examples
    --------
    >>> visible("V1\r\nverdict: reliable"), visible("\x1b]0;title\x07"), visible("caf\u00e9 \u03b1 \u202egnp")
    ('V1\\r\\nverdict: reliable', '\\x1b]0;title\\x07', 'café α \\u202egnp')
    >>> import os
    >>> visible(os.fsdecode(b"caf\xe9.npz"))
    'caf\\xe9.npz'
    """
    return escaped(text, _as_python)


def escaped(text: str, write: Callable[[str], str]) -> str:
    """Replace each hidden character of a text with what `write` returns for it."""
    if not SUSPECT.search(text):
        return text
    return HIDDEN.sub(lambda match: match[0] if match["flag"] else write(match[0]), text)


def _as_python(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # Python's stand-in for a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def visible_lines(text: str) -> str:
    r"""Like :func:`visible`, but line breaks are kept.

    Examples
    --------
    >>> visible_lines("one\ntwo\r")
    'one\ntwo\\r'
    """
    return "\n".join(visible(line) for line in text.split("\n")) if SUSPECT.search(text) else text


def visible_array(texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Like :func:`visible` for an array of text; the same array if nothing is hidden."""
    if texts.dtype.kind != "U" or not SUSPECT.search("".join(texts.ravel().tolist())):
        return texts
    return np.array([visible(text) for text in texts.ravel().tolist()], dtype=str).reshape(texts.shape)


def visible_values(value: Any) -> Any:
    """The content of a TOML or JSON file with all texts, including keys, made visible; line breaks are kept."""
    if isinstance(value, str):
        return visible_lines(value)
    if isinstance(value, dict):
        return {visible_values(key): visible_values(own) for key, own in value.items()}
    return [visible_values(own) for own in value] if isinstance(value, list) else value


def as_json(text: str) -> str:
    r"""JSON in which hidden characters are written as JSON escapes.

    Examples
    --------
    >>> as_json('{"area": "V1\u202e\x9b"}')
    '{"area": "V1\\u202e\\u009b"}'
    """
    return "\n".join(escaped(line, _as_javascript) for line in text.split("\n")) if SUSPECT.search(text) else text


def _as_javascript(character: str) -> str:
    halves = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{halves[place : place + 4]}" for place in range(0, len(halves), 4))


def harmless(cell: str) -> str:
    """A table cell that no spreadsheet reads as a formula, with a leading apostrophe if needed.

    Numbers are unchanged. :func:`bare` restores the cell.

    Examples
    --------
    >>> harmless("=1+1"), harmless(" @SUM(A1)"), harmless("-5"), harmless("+1.5e3"), harmless("V1")
    ("'=1+1", "' @SUM(A1)", '-5', '+1.5e3', 'V1')
    """
    return f"'{cell}" if FORMULA.match(cell) and not NUMBER.fullmatch(cell) else cell


def bare(cell: str) -> str:
    """The cell as it was before :func:`harmless`.

    Examples
    --------
    >>> [bare(harmless(cell)) for cell in ("=x", "'=x", "-5", "'tis", "''")]
    ['=x', "'=x", '-5', "'tis", "''"]
    """
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def own_stem(name: str) -> str:
    """The part of a file name for one of normenc's own names, of a control or a fitted network."""
    return name.replace(" ", "_")


def file_stem(*labels: str) -> str:
    """The part of a file name, or variable name, for some labels; no two labels share one.

    Letters, digits, ``.``, ``_`` and ``-`` are kept, so a plain label is its own name. Other characters become ``_``, a
    long label is cut, and eight digits of a digest are added, also if two sets of labels could otherwise give one
    name. Labels that differ only in capitals share a name on some disks.

    Parameters
    ----------
    *labels : str
        One or several, joined by ``_``.

    Examples
    --------
    >>> file_stem("ConvPoolFC"), file_stem("angle", "a_b"), file_stem("a b"), file_stem("a_b", "c")
    ('ConvPoolFC', 'angle_a_b', 'a_b-c8687a08', 'a_b_c-0c1d18f5')
    """
    joined = "_".join(map(_safe, labels))
    is_plain = joined == "_".join(labels) and not any("_" in label for label in labels[:-1])
    if is_plain and not MARKED.match(joined):
        return joined
    return f"{joined}-{sha256(chr(0).join(labels).encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def _safe(label: str) -> str:
    """A label limited to the characters and length that file names may have on every system."""
    safe = unicodedata.normalize("NFC", label)
    safe = "".join(letter if _is_safe(letter) else " " for letter in safe)
    safe = re.sub(r"^[. ]+|[. ]+$| +", "_", safe)
    safe = f"_{safe}" if DEVICES.match(safe) else safe
    return safe.encode("utf-8")[:MOST_BYTES].decode("utf-8", "ignore")


def _is_safe(letter: str) -> bool:
    return letter in "._-" or unicodedata.category(letter)[0] in "LMN"


def natural_order(names: list[str]) -> list[int]:
    """Places of names in an order in which numbers count as numbers.

    Examples
    --------
    >>> natural_order(["img10.png", "img9.png", "img1.png"])
    [2, 1, 0]
    """

    def key(place: int) -> list[tuple[int, int, str]]:
        parts = re.split(r"([0-9]+)", names[place].lower())
        return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]

    return sorted(range(len(names)), key=key)
