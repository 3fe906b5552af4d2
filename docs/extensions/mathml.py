"""Formulas as MathML, which browsers draw by themselves: no script, nothing fetched."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.errors import ExtensionError

# Names of functions stand apart from what they are applied to; latex2mathml sets log x as logx.
NAME = re.compile(r"(<m[io]>(?:cos|exp|ln|log|max|min|sin)</m[io]>)(?=<m(?:i|n|sub|sup|frac)\b)")


def mathml(latex: str, display: str, page: str) -> str:
    r"""One formula; a command that is not known stops the build, rather than to stand there as \command."""
    drawn = convert(latex.strip(), display=display)
    if "\\" in drawn:
        raise ExtensionError(f"{page}: the formula {latex!r} holds a command that latex2mathml does not know")
    return NAME.sub(r'\1<mspace width="0.17em"/>', drawn)


def inline(translator: Any, node: nodes.math) -> None:
    """Write a formula in a line of text."""
    translator.body.append(mathml(node.astext(), "inline", translator.builder.current_docname))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    drawn = mathml(node.astext(), "block", translator.builder.current_docname)
    translator.body.append(f'<div class="formula">{drawn}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer, which conf.py chooses."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
