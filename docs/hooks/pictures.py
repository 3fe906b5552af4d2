"""The list of a run's pictures, made from the list by which they are drawn."""

from typing import Any

from normenc.runs import PICTURES

PLACE = "<!-- the pictures of a run -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the list where a page asks for it."""
    return markdown.replace(PLACE, table())


def table() -> str:
    """All pictures as a table in Markdown."""
    rows = [f"| `{kind.name}` | {_plain(kind.caption)} | {kind.when} |" for kind in PICTURES.values()]
    return "\n".join(["| file | what it shows | drawn |", "| --- | --- | --- |", *rows])


def _plain(caption: str) -> str:
    return caption.replace("<", "&lt;").replace("|", "\\|")
