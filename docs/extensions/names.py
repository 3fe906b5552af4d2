"""Links from docstrings to what they name, wherever it was written: the site shows it where users import it from."""

import importlib
from functools import cache, partial
from inspect import isclass, isroutine
from typing import Any

from docutils import nodes
from sphinx.util import logging

import normenc

logger = logging.getLogger(__name__)


@cache
def shown() -> dict[tuple[str | None, str | None], str]:
    """Names under which the site shows what modules define, by the module and the name within it."""
    found = {}
    for room in normenc.__all__:
        module = importlib.import_module(f"normenc.{room}")
        for name in module.__all__:
            part = getattr(module, name)
            own = (getattr(part, "__module__", None), getattr(part, "__qualname__", None))
            if all(isinstance(name, str) for name in own):
                found[own] = f"normenc.{room}.{name}"
    return found


def find(path: str) -> tuple[Any, str, str] | None:
    """What a dotted path names, the module that it is in, and its name within this."""
    parts = path.split(".")
    if parts[0] != "normenc":
        return None  # other packages are not imported to be named
    for length in range(len(parts), 0, -1):
        try:
            place = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        try:
            for part in parts[length:]:
                place = getattr(place, part)
        except AttributeError:
            return None
        return place, ".".join(parts[:length]), ".".join(parts[length:])
    return None


def resolve(app: Any, env: Any, node: Any, content: nodes.Node) -> nodes.Node | None:
    """Link to what is named; a name that the site does not show stays without a link, one that is not there warns."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    module = node.get("py:module") or ""
    found = next((hit for path in (target, f"{module}.{target}") if (hit := find(path)) is not None), None)
    if found is None:
        if target.startswith("normenc"):
            logger.warning("%s is not there", target, location=node)
        return content
    part, _, _ = found
    own = (getattr(part, "__module__", None), getattr(part, "__qualname__", "") or "")
    domain = env.domains["py"]
    for cut in range(own[1].count(".") + 1):
        head, *tail = own[1].rsplit(".", cut)
        path = shown().get((own[0], head))
        if path is not None:
            path = ".".join([path, *tail])
            if path in domain.objects:
                return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", path, node, content) or content
    return content


def skip(app: Any, what: str, name: str, part: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out old names, and the methods that scikit-learn adds to estimators: its own pages explain them."""
    old = isinstance(part, property) and isinstance(part.fget, partial)
    return True if old or (name.startswith("set_") and name.endswith("_request")) else None


def add_constants(app: Any, docname: str, source: list[str]) -> None:
    """Describe the constants of a room on its page; autodoc passes over what cannot have a docstring."""
    folder, _, room = docname.partition("/")
    if folder != "api" or room == "index":
        return
    module = importlib.import_module(f"normenc.{room}")
    parts = {name: getattr(module, name) for name in sorted(module.__all__)}
    described = "".join(
        f"\n.. py:data:: {name}\n\n   {described_constant(part)}\n"
        for name, part in parts.items()
        if not isclass(part) and not isroutine(part)
    )
    source[0] = source[0].removesuffix("```\n") + described + "```\n"


def described_constant(part: Any) -> str:
    """What a constant holds, in a sentence."""
    if not isinstance(part, dict | tuple):
        return f"``{part}``."
    held = ", ".join(f"``{getattr(value, 'value', value)}``" for value in part)
    return f"By name: {held}." if isinstance(part, dict) else f"{held}."


def anchors(app: Any, env: Any) -> None:
    """Let pages link to functions and classes as to headings: `api/rsa.md#normenc.rsa.rdm`."""
    for name, part in env.domains["py"].objects.items():
        slugs = env.metadata[part.docname].setdefault("myst_slugs", {})
        slugs[name] = (0, part.node_id, name)


def setup(app: Any) -> dict[str, bool]:
    """Register the resolver, which is asked where Sphinx itself finds nothing."""
    app.connect("missing-reference", resolve)
    app.connect("autodoc-skip-member", skip)
    app.connect("source-read", add_constants)
    app.connect("env-check-consistency", anchors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
