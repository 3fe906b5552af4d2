"""Docstrings are written for Python's help(), in reST; here they become Markdown, with links to what they name."""

import contextlib
import re
import textwrap

import griffe

ROLE = re.compile(r":(?:func|class|meth|mod|data|attr|exc):`~?([^`<]+)`")
MATH = re.compile(r":math:`([^`]+)`")
MATH_BLOCK = re.compile(r"^\.\. math::(.*(?:\n(?:[ \t].*|[ \t]*))*)", flags=re.MULTILINE)
CITATION = re.compile(r"^(\s*)\.\. \[(\d+)\] (.*(?:\n\1 +\S.*)*)", flags=re.MULTILINE)
CITED = re.compile(r"\[(\d+)\]_")
SECTION = re.compile(r"^[A-Z][A-Za-z ]+\n-{3,}$", flags=re.MULTILINE)
TERM = re.compile(r"^(\S[^\n]*)\n((?: {4}[^\n]*\n?)+)", flags=re.MULTILINE)


class Markdown(griffe.Extension):
    """Turn the docstrings of a package into Markdown, once all of it is known."""

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Translate every docstring in `pkg`."""
        places = walk(pkg)
        for module in rooms(pkg):
            name_exports(module)
        shown = public_objects(pkg)
        for place in places:
            if place.docstring is not None:
                place.docstring.value = markdown(place.docstring.value, place, shown)


def rooms(package: griffe.Module) -> list[griffe.Module]:
    """The public modules of a package."""
    return [package[str(room)] for room in package.exports or []]


def name_exports(module: griffe.Module) -> None:
    """Let each public name be what Python makes of it, and have a docstring, without which it would not be shown.

    Where a function has its module's name (``stimuli.gratings``), Griffe gives the module.
    """
    parts = {str(name): module[str(name)] for name in module.exports or []}
    for part in parts.values():
        if part.is_alias:
            part.resolve_target()  # while all modules are still found by their names
    for name, part in parts.items():
        if part.is_module:
            part = module.members[name] = griffe.Alias(name, part[name], parent=module)
        if part.is_attribute and not part.has_docstring:
            target = part.final_target if part.is_alias else part
            target.docstring = griffe.Docstring("A constant.", parent=target)


def markdown(text: str, place: griffe.Object, shown: dict[str, str]) -> str:
    """One docstring in Markdown."""
    start = SECTION.search(text)
    head, rest = (text, "") if start is None else (text[: start.start()], text[start.start() :])
    text = definitions(head) + rest
    text = MATH_BLOCK.sub(lambda found: f"\\[{' '.join(found[1].split())}\\]\n", text)
    text = MATH.sub(lambda found: f"\\({' '.join(found[1].split())}\\)", text)
    text = ROLE.sub(lambda found: link("".join(found[1].split()), place, shown), text)
    text = CITATION.sub(lambda found: f"{found[1]}\\[{found[2]}\\] {' '.join(found[3].split())}\n", text)
    return CITED.sub(r"\\[\1\\]", text)


def definitions(head: str) -> str:
    """Terms with indented explanations below them, in reST a definition list, likewise in Markdown."""

    def listed(found: re.Match[str]) -> str:
        explained = textwrap.indent(textwrap.dedent(found[2]), "    ").lstrip()
        return f"\n{found[1]}\n\n:   {explained}"

    return TERM.sub(listed, head)


def link(name: str, place: griffe.Object, shown: dict[str, str]) -> str:
    """A link to what is named, or its name alone where the site does not show it."""
    path = name
    with contextlib.suppress(griffe.NameResolutionError):
        path = place.resolve(name)
    if path not in shown:
        with contextlib.suppress(griffe.AliasResolutionError, griffe.CyclicAliasError, KeyError):
            path = place.modules_collection[path].canonical_path
    return f"[`{name}`][{shown[path]}]" if path in shown else f"`{name}`"


def public_objects(package: griffe.Module) -> dict[str, str]:
    """Canonical paths of what the API pages show, and the names under which they show it."""
    found = {}
    for module in rooms(package):
        found[module.canonical_path] = module.path
        for name in module.exports or []:
            member = module[str(name)]
            found[member.canonical_path] = member.path
            if member.is_class:
                found |= {
                    part.canonical_path: f"{member.path}.{part.name}"
                    for part in member.members.values()
                    if not part.name.startswith("_") and part.has_docstring
                }
    return found


def walk(place: griffe.Object) -> list[griffe.Object]:
    """A package's modules, classes, functions and attributes, without what they import."""
    inside = [member for member in place.members.values() if not member.is_alias]
    return [place, *(found for member in inside for found in walk(member))]
