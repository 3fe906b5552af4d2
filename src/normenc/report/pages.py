"""The templates of pages."""

from functools import cache
from typing import Any

from normenc.report.wording import coded, shown

__all__ = ["template"]


@cache
def template(name: str) -> Any:
    """A page's template, compiled once in a process, which takes longer than filling it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("normenc.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=shown,
    )
    environment.filters["coded"] = coded
    return environment.get_template(f"{name}.html.j2")
