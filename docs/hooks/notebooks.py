"""Notebooks as pages: their cells, and what these printed and drew when they were last run, as Markdown."""

import base64
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

FOR_LINTERS = re.compile(r"^# ruff:.*\n", flags=re.MULTILINE)
TITLE = re.compile(r"\A# .*\n")
TABLE = re.compile(r"<table.*?</table>", flags=re.DOTALL)
LOOKS = re.compile(r' (?:border|class|style|valign)="[^"]*"')  # of tables, for which the site has its own


def on_files(files: Files, config: Any) -> Files:
    """Give every notebook in docs/ a page of its name; the notebook itself is copied, to be downloaded."""
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        name = notebook.src_uri.removesuffix(".ipynb")
        folder = f"{name.rpartition('/')[2]}_files"
        markdown, pictures = convert(Path(str(notebook.abs_src_path)), folder)
        files.append(File.generated(config, f"{name}.md", content=markdown))
        for picture, content in pictures.items():
            files.append(File.generated(config, f"{name}_files/{picture}", content=content))
    return files


def convert(path: Path, folder: str) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and by file name its pictures, which are to lie in `folder` beside the page."""
    parts, pictures = [], {}
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], start=1):
        if cell["cell_type"] == "markdown":
            parts.append("".join(cell["source"]))
            continue
        parts.append(fenced(FOR_LINTERS.sub("", "".join(cell["source"])), "python"))
        drawn = 0
        said = alternatives(cell, f"{path.name}: cell {number}")
        for output in cell["outputs"]:
            if "image/png" in output.get("data", {}):
                name = f"cell{number}_{drawn + 1}.png"
                pictures[name] = base64.b64decode("".join(output["data"]["image/png"]))
                parts.append(f"![{said[drawn]}]({folder}/{name})")
                drawn += 1
            else:
                parts.append(shown(output, f"{path.name}: cell {number}"))
    return with_download("\n\n".join(parts) + "\n", path.name), pictures


def with_download(markdown: str, name: str) -> str:
    """Below the title, where to get the notebook."""
    note = (
        f'This page is a notebook. To run it and do its exercises, download [{name}]({name}){{ download="{name}" }} '
        "and open it in Jupyter. Below each cell stands what it gave when it was last run.\n"
    )
    title = TITLE.match(markdown)
    start = title.end() if title else 0
    return f"{markdown[:start]}\n{note}\n{markdown[start:]}"


def alternatives(cell: dict[str, Any], where: str) -> list[str]:
    """What is said of a cell's pictures to those who cannot see them, a text for each; else the build stops."""
    n = sum("image/png" in output.get("data", {}) for output in cell["outputs"])
    given = cell["metadata"].get("alt", [])
    said = [given] if isinstance(given, str) else given
    if len(said) != n:
        raise PluginError(
            f"{where} draws {n} pictures and has texts for {len(said)}; write into the cell's metadata what each "
            'shows: # %% alt="..." or # %% alt=["...", "..."]'
        )
    return said


def shown(output: dict[str, Any], where: str) -> str:
    """What a cell printed, or the table or value that it showed."""
    if output["output_type"] == "error":
        raise PluginError(f"{where} ended in {output['ename']}; run the notebook anew")
    if output["output_type"] == "stream":
        return fenced("".join(output["text"]).strip("\n"), "text", " .output")
    table = TABLE.search("".join(output["data"].get("text/html", "")))
    if table is None:
        return fenced("".join(output["data"]["text/plain"]), "text", " .output")
    return f'<div class="output">\n{LOOKS.sub("", table[0]).replace("<th></th>", "<td></td>")}\n</div>'


def fenced(text: str, language: str, kind: str = "") -> str:
    """A block of code or of what it printed, in a fence of more backticks than stand in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {{ .{language}{kind} }}\n{text}\n{fence}"
