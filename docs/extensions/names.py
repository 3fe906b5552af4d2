"""Links from docstrings to what they name, wherever it was written: the site shows it where users import it from."""

import importlib
from functools import cache, partial
from inspect import isclass
from typing import Any

from docutils import nodes
from sphinx.util import logging

import normenc

logger = logging.getLogger(__name__)


@cache
def shown() -> dict[tuple[str, str], str]:
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
    """Show a room's constants, too; leave out old names, and what scikit-learn adds to estimators and explains."""
    if isinstance(part, property) and isinstance(part.fget, partial):
        return True
    if name.startswith("set_") and name.endswith("_request"):
        return True
    return False if what == "module" and not isclass(part) and name in public(app.env.current_document.docname) else None


def public(page: str) -> list[str]:
    """The names of the room that an API page shows."""
    folder, _, room = page.partition("/")
    return importlib.import_module(f"normenc.{room}").__all__ if folder == "api" else []


def anchors(app: Any, env: Any) -> None:
    """Let pages link to functions and classes as to headings: `api/rsa.md#normenc.rsa.rdm`."""
    for name, part in env.domains["py"].objects.items():
        slugs = env.metadata[part.docname].setdefault("myst_slugs", {})
        slugs[name] = (0, part.node_id, name)


def setup(app: Any) -> dict[str, bool]:
    """Register the resolver, which is asked where Sphinx itself finds nothing."""
    app.connect("missing-reference", resolve)
    app.connect("autodoc-skip-member", skip)
    app.connect("env-check-consistency", anchors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
