"""Formulas as MathML, which browsers draw by themselves: no script, nothing fetched."""

import html
import re
from typing import Any

from latex2mathml.converter import convert
from mkdocs.exceptions import PluginError

# What arithmatex leaves: \( \) in spans, \[ \] in blocks.
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', flags=re.DOTALL)

# Names of functions stand apart from what they are applied to; latex2mathml sets log x as logx.
NAME = re.compile(r"(<m[io]>(?:cos|exp|ln|log|max|min|sin)</m[io]>)(?=<m(?:i|n|sub|sup|frac)\b)")


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Turn all formulas of a page into MathML."""
    return FORMULA.sub(lambda found: mathml(found, page.file.src_uri), content)


def mathml(found: re.Match[str], page: str) -> str:
    r"""One formula; a command that is not known stops the build, rather than to stand there as \command."""
    latex = html.unescape(found[3]).strip()
    block = found[2] == "["
    drawn = convert(latex, display="block" if block else "inline")
    if "\\" in drawn:
        raise PluginError(f"{page}: the formula {latex!r} holds a command that latex2mathml does not know")
    drawn = NAME.sub(r'\1<mspace width="0.17em"/>', drawn)
    return f'<div class="formula">{drawn}</div>' if block else drawn
