"""The page of the architecture: rooms, their sizes and their imports, drawn from the code as the site is built."""

import importlib
from html import escape
from typing import Any

import normenc
from room_map import rooms, shortest, sizes, storeys

PAGE, DRAWING, TABLE = "architecture", "<!-- drawing -->", "<!-- table -->"
WIDTH, STEP, BOX_WIDTH, BOX_HEIGHT = 1000.0, 110.0, 156.0, 58.0

Places = dict[str, tuple[float, float]]


def places(imports: dict[str, set[str]]) -> Places:
    """Centre of each room: a row for each storey, and in a row those further left whose imports are."""
    found: Places = {}
    for row, storey in enumerate(storeys(imports)):

        def left(name: str) -> tuple[float, str]:
            own = [found[other][0] for other in imports[name]]
            return (sum(own) / len(own) if own else 0.0, name)

        gap = WIDTH / len(storey)
        for column, name in enumerate(sorted(storey, key=left)):
            found[name] = ((column + 0.5) * gap, row * STEP + BOX_HEIGHT / 2 + 4)
    return found


def drawing() -> str:
    """The map as SVG: lines that follow from others show when a room is pointed at."""
    imports = rooms()
    found = places(imports)
    direct, size = shortest(imports), sizes()
    height = max(y for _, y in found.values()) + BOX_HEIGHT / 2 + 4
    lines, boxes, pointed = [], [], []
    for name, (x, y) in found.items():
        own = (_line(found[other], (x, y), other in direct[name]) for other in sorted(imports[name]))
        lines.append(f'<g class="to-{name}">{"".join(own)}</g>')
        boxes.append(f'<g class="room of-{name}">{_box(name, x, y, size[name])}</g>')
        pointed.append(f".architecture:has(.of-{name}:is(:hover, :focus-within)) .to-{name} path")
    words = "Rooms of normenc in rows; each imports from rooms above it, as the table says"
    return (
        f'<svg class="architecture" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="group" aria-label="{words}">'
        f"<style>{', '.join(pointed)} {{ stroke: var(--pst-color-primary); stroke-width: 2 }}</style>"
        f"{''.join(lines)}{''.join(boxes)}</svg>"
    )


def _line(start: tuple[float, float], end: tuple[float, float], is_direct: bool) -> str:
    (x1, y1), (x2, y2) = (start[0], start[1] + BOX_HEIGHT / 2), (end[0], end[1] - BOX_HEIGHT / 2)
    bend = (y2 - y1) / 2
    way = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"
    return f'<path class="{"import direct" if is_direct else "import"}" d="{way}"/>'


def _box(name: str, x: float, y: float, size: tuple[int, int]) -> str:
    public = f"{len(names(name))} names, " if name in normenc.__all__ else ""
    box = (
        f'<rect x="{x - BOX_WIDTH / 2:.0f}" y="{y - BOX_HEIGHT / 2:.0f}" width="{BOX_WIDTH:.0f}" '
        f'height="{BOX_HEIGHT:.0f}" rx="6"/>'
        f'<text class="name" x="{x:.0f}" y="{y - 4:.0f}">{escape(name)}</text>'
        f'<text x="{x:.0f}" y="{y + 15:.0f}">{public}{size[1]:,} lines</text>'
    )
    return f'<a href="api/{name}.html">{box}</a>' if public else box


def names(room: str) -> list[str]:
    """Public names of a room."""
    return list(importlib.import_module(f"normenc.{room}").__all__)


def table() -> str:
    """The same in words: a row for each room, from the top down."""
    imports, size = rooms(), sizes()
    rows = ["| room | what it is | public names | modules | lines | imports from |", "|---|---|---|---|---|---|"]
    for storey in storeys(imports):
        for name in storey:
            module = importlib.import_module(f"normenc.{name}")
            what = (module.__doc__ or "").strip().partition("\n")[0].replace("|", "\\|")
            is_public = name in normenc.__all__
            title = f"[`{name}`](api/{name}.md)" if is_public else f"`{name}`"
            number = str(len(names(name))) if is_public else "–"
            others = ", ".join(sorted(imports[name])) or "–"
            rows.append(f"| {title} | {what} | {number} | {size[name][0]} | {size[name][1]:,} | {others} |")
    return "\n".join(rows)


def draw(app: Any, docname: str, source: list[str]) -> None:
    """Put both into the page."""
    if docname == PAGE:
        html = f"```{{raw}} html\n{drawing()}\n```"
        source[0] = source[0].replace(DRAWING, html).replace(TABLE, table())


def setup(app: Any) -> dict[str, bool]:
    """Have the page drawn when it is read."""
    app.connect("source-read", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
