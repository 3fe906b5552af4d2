"""Notebooks as pages: what their cells say of the pictures that they drew, and where to get them."""

import json
import re
from typing import Any

from docutils import nodes
from sphinx.errors import ExtensionError

FOR_LINTERS = re.compile(r"^# ruff:.*\n", flags=re.MULTILINE)
LOOKS = re.compile(r' (?:border|class|style|valign)="[^"]*"')  # of tables, for which the site has its own
STYLE = re.compile(r"<style.*?</style>\n?", flags=re.DOTALL)


def texts(notebook: dict[str, Any], name: str) -> list[str]:
    """What is said of a notebook's pictures to those who cannot see them, a text for each; else the build stops."""
    found: list[str] = []
    for number, cell in enumerate(notebook["cells"], start=1):
        outputs = cell.get("outputs", [])
        errors = [output["ename"] for output in outputs if output["output_type"] == "error"]
        if errors:
            raise ExtensionError(f"{name}: cell {number} ended in {errors[0]}; run the notebook anew")
        n = sum("image/png" in output.get("data", {}) for output in outputs)
        given = cell["metadata"].get("alt", [])
        said = [given] if isinstance(given, str) else given
        if len(said) != n:
            raise ExtensionError(
                f"{name}: cell {number} draws {n} pictures and has texts for {len(said)}; write into the cell's "
                'metadata what each shows: # %% alt="..." or # %% alt=["...", "..."]'
            )
        found += said
    return found


def prepare(app: Any, docname: str, source: list[str]) -> None:
    """Leave out what only linters and the notebook's own tables need, and say below the title where to get it."""
    path = app.env.doc2path(docname)
    if path.suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    app.env.metadata[docname]["alternatives"] = texts(notebook, path.name)
    first = True
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            text = FOR_LINTERS.sub("", text)
        else:
            text = text.replace('<details markdown="1">', "<details>")
        if first and cell["cell_type"] == "markdown":
            title, _, rest = text.partition("\n")
            note = (
                f"This page is a notebook. To run it and do its exercises, download [{path.name}](path:{path.name}) "
                f"and open it in Jupyter{elsewhere(app.config, path.name)}. Below each cell stands what it gave "
                "when it was last run."
            )
            text, first = f"{title}\n\n{note}\n{rest}", False
        cell["source"] = text
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                table = STYLE.sub("", "".join(output["data"]["text/html"]))
                output["data"]["text/html"] = LOOKS.sub("", table).replace("<th></th>", "<td></td>")
    source[0] = json.dumps(notebook)


def elsewhere(config: Any, name: str) -> str:
    """Where else a notebook can be opened; nothing where it is not known which repository is published."""
    repository, version = config.notebooks_from
    if not repository:
        return ""
    branch = "main" if version == "dev" else f"v{version}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/{branch}/docs/{name}"
    binder = f"https://mybinder.org/v2/gh/{repository}/{branch}?urlpath=lab/tree/docs/{name}"
    return f", or open it in [Colab]({colab}) or [Binder]({binder}), which need nothing on your computer"


def describe(app: Any, doctree: nodes.document) -> None:
    """Give each picture of a notebook its text."""
    said = app.env.metadata[app.env.docname].pop("alternatives", None)
    if said is not None:
        for image, text in zip(doctree.findall(nodes.image), said, strict=True):
            image["alt"] = text


def setup(app: Any) -> dict[str, bool]:
    """Have notebooks prepared when they are read."""
    app.add_config_value("notebooks_from", ("", "dev"), "env", (list, tuple))
    app.connect("source-read", prepare)
    app.connect("doctree-read", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
