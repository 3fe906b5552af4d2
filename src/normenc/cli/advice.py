"""Advice as the command line gives it: the library names a parameter of Python, and a command its option.

Errors, warnings and notes of the library say ``names={'orientation': 'theta'}``; a terminal shows
``--map orientation=theta``. Nothing else in a text changes.
"""

import ast
import re
import shlex
from typing import Any

from normenc.cli.options import OPTIONS

__all__ = ["as_options"]

FLAGS = {option.field: option.flag for option in OPTIONS} | {
    "folder": "--out",
    "out": "--out",
    "force": "--force",
    "port": "--port",
    "recording": "--recording",
    "workers": "--workers",
    "scheduler": "--scheduler",
    "wait": "--wait",
    "long": "--long",
    "tolerance": "--tolerance",
    "tls_ca": "--tls-ca",
    "tls_cert": "--tls-cert",
    "tls_key": "--tls-key",
}
QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
BRACKETED = (rf"\{first}(?:{QUOTED}|[^\{first}\{last}'\"])*\{last}" for first, last in ("{}", "[]", "()"))
VALUE = "|".join((*BRACKETED, QUOTED, r"-?\w[\w.+-]*\w", r"-?\w"))
ARGUMENT = re.compile(rf"(?<![\w.'\"?&-])({'|'.join(FLAGS)})=(?:({VALUE})|(?=[\s,;:.)]|$))")


def as_options(text: str) -> str:
    """A text of the library with the options of the command line in place of Python's arguments.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> as_options("say which is which: names={'responses': 'F*', 'orientation': 'theta'}")
    "say which is which: --map 'responses=F*,orientation=theta'"
    >>> as_options("choose another folder with out=, or replace it with force=True")
    'choose another folder with --out, or replace it with --force'
    >>> as_options("times=(-0.5, 1.4) or window=(FROM, TO); where={'session': ['a', 'b']}")
    "--times=-0.5,1.4 or --window FROM,TO; --where 'session=a|b'"
    >>> as_options("quality=good is what the file says")
    'quality=good is what the file says'
    >>> as_options("allen-2p/5?window=0,1 is not downloaded yet")  # the name of a recording, with its options
    'allen-2p/5?window=0,1 is not downloaded yet'
    """
    return ARGUMENT.sub(_option, text)


def _option(match: re.Match[str]) -> str:
    flag, written = FLAGS[match[1]], match[2]
    if written is None:
        return flag
    try:
        value = _plain(ast.parse(written, mode="eval").body)
    except (SyntaxError, ValueError):  # no argument, but a text that looks like one
        return match[0]
    if value is True:
        return flag
    shown = shlex.quote(_joined(value))
    return f"{flag}={shown}" if shown.startswith("-") else f"{flag} {shown}"


def _plain(node: ast.expr) -> Any:
    """The value of an argument, in which a word in capitals stands for itself; ValueError for anything else."""
    if isinstance(node, ast.Name) and node.id.isupper():
        return node.id
    if isinstance(node, ast.List | ast.Tuple):
        return [_plain(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        return {_plain(key): _plain(item) for key, item in zip(node.keys, node.values, strict=True) if key is not None}
    return ast.literal_eval(node)


def _joined(value: Any) -> str:
    if isinstance(value, dict):
        parts = ((name, own if isinstance(own, list) else [own]) for name, own in value.items())
        return ",".join(f"{name}={'|'.join(map(str, own))}" for name, own in parts)
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
