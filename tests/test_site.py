"""The documentation site: built without a warning, complete, and without a request to another host."""

import base64
import html
import importlib
import importlib.util
import json
import pkgutil
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer

import normenc

ROOT = Path(__file__).parents[1]
# What serves the others, and the command.
INNER = {
    "arrays",
    "cli",
    "csv_tables",
    "freed_memory",
    "keys",
    "optimizers",
    "progress",
    "renamed",
    "showing",
    "texts",
    "whole_files",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def hook(name):
    path = ROOT / "docs" / "hooks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Page(HTMLParser):
    """What a page fetches by itself, the ids in it, and where its links go."""

    def __init__(self, path):
        super().__init__()
        self.fetched, self.ids, self.links = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        if tag == "a":
            self.links.append(found.get("href"))
        else:
            self.fetched += [found[name] for name in ("src", "href", "srcset", "data", "poster") if found.get(name)]


def test_every_page_is_built(site):
    for page in (ROOT / "docs").glob("**/*.md"):
        assert (site / page.relative_to(ROOT / "docs")).with_suffix(".html").exists()


def test_nothing_is_fetched_from_another_host(site):
    pages = sorted(site.glob("**/*.html"))
    assert len(pages) > 30
    for path in pages:
        elsewhere = [address for address in Page(path).fetched if re.match(r"(https?:)?//", address)]
        assert not elsewhere, (path, elsewhere)
        assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", path.read_text(encoding="utf-8"))
    for path in site.glob("**/*.css"):
        assert not re.search(r"@import|url\(\s*[\"']?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_every_public_module_has_a_page():
    there = {module.name for module in pkgutil.iter_modules(normenc.__path__)}
    assert there == set(normenc.__all__) | INNER
    shown = {
        name
        for page in (ROOT / "docs" / "api").glob("*.md")
        for name in re.findall(r"^::: normenc\.(\w+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    }
    assert shown == set(normenc.__all__)


@pytest.mark.parametrize("room", normenc.__all__)
def test_every_public_name_is_documented(site, room):
    names = importlib.import_module(f"normenc.{room}").__all__
    assert names
    ids = Page(site / "api" / f"{room}.html").ids
    assert not [name for name in names if f"normenc.{room}.{name}" not in ids]


def test_formulas_are_drawn_and_no_rest_is_left(site):
    for path in site.glob("**/*.html"):
        text = path.read_text(encoding="utf-8")
        assert "arithmatex" not in text, path
        if path.parent.name == "api":
            assert not re.search(r":(func|class|meth|mod|data|math):|\.\. \[|\]_\b", text), path
    assert (site / "measures.html").read_text(encoding="utf-8").count('display="block"') > 20
    assert "<math" in (site / "api" / "rsa.html").read_text(encoding="utf-8")


def test_docstrings_link_to_what_they_name(site):
    links = Page(site / "api" / "rsa.html").links
    assert "#normenc.rsa.METHODS" in links  # :data:`normenc.rsa.METHODS`
    assert "recordings.html#normenc.recordings.load" in Page(site / "api" / "quality.html").links


def test_a_function_with_its_modules_name_is_shown_as_a_function(site):
    text = (site / "api" / "stimuli.html").read_text(encoding="utf-8")
    heading = text.index('id="normenc.stimuli.gratings"')
    assert "doc-symbol-function" in text[heading : heading + 300]


def test_examples_that_pages_link_to_are_in_the_site(site):
    assert (site / "examples" / "contrastive.toml").read_text() == (ROOT / "examples" / "contrastive.toml").read_text()


def test_a_formula_that_cannot_be_drawn_stops_the_build():
    from mkdocs.exceptions import PluginError

    mathml = hook("mathml")
    inline = mathml.FORMULA.fullmatch(r'<span class="arithmatex">\(a &lt; b^2\)</span>')
    assert html.unescape(re.sub(r"<[^>]+>", "", mathml.mathml(inline, "x.md"))) == "a<b2"
    unknown = mathml.FORMULA.fullmatch(r'<span class="arithmatex">\(\nosuchthing\)</span>')
    with pytest.raises(PluginError, match=r"x\.md: the formula .* holds a command"):
        mathml.mathml(unknown, "x.md")


def test_rest_becomes_markdown():
    docstrings = hook("docstrings")
    text = "Sums :math:`x_i\n+ y` [1]_.\n\nOf trials\n    Their mean.\n\nReferences\n----------\n.. [1] A,\n   B."
    assert docstrings.definitions("Of trials\n    Their mean.\n") == "\nOf trials\n\n:   Their mean.\n"
    found = docstrings.markdown(text, None, {})
    assert r"\(x_i + y\) \[1\]." in found
    assert r"\[1\] A, B." in found
    assert docstrings.markdown(".. math:: a\n   + b\n", None, {}).strip() == r"\[a + b\]"


def test_the_lesson_is_a_page_with_its_pictures_and_the_notebook(site):
    notebook = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    drawn = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    images = re.findall(r'<img alt="([^"]+)" src="(tutorial_files/[^"]+)"', text)
    assert [(site / source).read_bytes() for _, source in images] == [base64.b64decode(png) for png in drawn]
    assert len({alternative for alternative, _ in images}) == len(drawn) == 11
    tables = [output for output in outputs if "text/html" in output.get("data", {})]
    assert text.count("<table>") == len(tables) > 0
    assert (site / "tutorial.ipynb").read_bytes() == (ROOT / "docs" / "tutorial.ipynb").read_bytes()
    links = Page(site / "tutorial.html").links
    assert {"tutorial.ipynb", "statistics.html", "leaderboard.html"} <= set(links)
    assert "tutorial.html" in Page(site / "index.html").links


def test_the_lessons_formulas_are_drawn_and_its_solutions_folded(site):
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    source = (ROOT / "docs" / "tutorial.py").read_text(encoding="utf-8")
    assert text.count('display="block"') == source.count("$$") // 2 == 10
    words = re.sub(r"<[^>]+>", "", re.sub(r"<(code|script|style)\b.*?</\1>", "", text, flags=re.DOTALL))
    assert "$" not in words and "**" not in words
    folds = re.findall(r"<details>\s*<summary>", text)
    assert len(folds) == source.count("<details") == text.count("<details")  # none is open
    before, _, after = text.partition("<summary>Solution</summary>")
    assert before.count("<details>") == before.count("</details>") + 1
    assert 'class="highlight"' in after.split("</details>")[0]


def test_a_picture_without_words_stops_the_build(tmp_path):
    from mkdocs.exceptions import PluginError

    notebooks = hook("notebooks")
    picture = {"output_type": "display_data", "data": {"image/png": "AAAA"}}
    cell = {"cell_type": "code", "metadata": {}, "source": ["draw()"], "outputs": [picture]}
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(PluginError, match=r"n\.ipynb: cell 1 draws 1 pictures and has texts for 0"):
        notebooks.convert(tmp_path / "n.ipynb", "n_files")
    cell["metadata"]["alt"] = "A dot"
    cell["outputs"].append({"output_type": "stream", "text": ["a ```\n", "b\n"]})
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [cell]}))
    text, pictures = notebooks.convert(tmp_path / "n.ipynb", "n_files")
    assert pictures == {"cell1_1.png": b"\0\0\0"}
    assert "![A dot](n_files/cell1_1.png)" in text
    assert "```` { .text .output }\na ```\nb\n````" in text
    cell["outputs"].append({"output_type": "error", "ename": "ValueError"})
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(PluginError, match="cell 1 ended in ValueError"):
        notebooks.convert(tmp_path / "n.ipynb", "n_files")


def test_names_of_functions_stand_apart():
    mathml = hook("mathml")
    log = mathml.FORMULA.fullmatch(r'<span class="arithmatex">\(\log 2 + \log (a)\)</span>')
    assert mathml.mathml(log, "x.md").count("<mspace") == 1  # none before a bracket


def options_of_commands():
    """By command, its options as ``--help`` names them."""
    from normenc.cli import app

    found = {}

    def walk(command, name):
        if name != "normenc":
            found[name] = {option for p in command.params if not getattr(p, "hidden", False) for option in p.opts}
            found[name] = {option for option in found[name] if option.startswith("--")}
        for part, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{name} {part}")

    walk(typer.main.get_command(app), "normenc")
    return found


def test_every_command_and_option_is_on_the_page_of_commands():
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    parts = re.split(r"^## `?([\w ]+)`?.*\n", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    in_tables = {name: set(re.findall(r"^\| `(--[\w-]+)", part, flags=re.MULTILINE)) for name, part in sections.items()}
    preparing = in_tables.pop("Preparing a recording")
    in_tables["normenc run"] |= preparing
    in_tables["normenc check"] |= preparing
    in_tables["normenc power"] |= preparing
    in_tables["normenc identify"] |= preparing
    in_tables["normenc design"] |= preparing
    assert in_tables == options_of_commands()
    examples = re.findall(r"^normenc .*", text, flags=re.MULTILINE)
    for line in examples:
        command = max((name for name in in_tables if line.startswith(name)), key=len)
        assert set(re.findall(r"--[\w-]+", line)) <= in_tables[command], line
    assert len(examples) > len(in_tables)
    assert set(re.findall(r"^\| \[`(normenc [a-z ]+)`\]", text, flags=re.MULTILINE)) == set(in_tables)
