"""The documentation site: built without a warning, complete, and without a request to another host."""

import base64
import html
import importlib
import importlib.util
import itertools
import json
import pkgutil
import re
import shutil
import subprocess
import sys
import threading
from functools import cache, partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import mathml
import notebooks
import pytest
import typer
from sphinx.errors import ExtensionError

import gallery
import normenc
from room_map import PACKAGE, shortest
from test_package import ROOMS

ROOT = Path(__file__).parents[1]
THEMES_OWN = '@import "../basic.css";'  # Sphinx's styles, beside the theme's; nothing else may be imported
ELSEWHERE = r"@import|url\(\s*[\"']?(https?:)?//"
# What serves the others, and the command.
INNER = {
    "__main__",
    "arrays",
    "cli",
    "csv_tables",
    "extras",
    "freed_memory",
    "garbage",
    "import_roots",
    "keys",
    "optimizers",
    "progress",
    "progress_showing",
    "renamed",
    "showing",
    "texts",
    "whole_files",
}


# As `python -m sphinx`, a third sooner: trees of pages are searched for garbage again and again, once more at the end,
# and hold hardly any.
SPHINX = (
    "import atexit, gc, sys; gc.disable(); atexit.register(gc.freeze)\n"
    "from sphinx.cmd.build import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [
            *(sys.executable, "-c", SPHINX, "-b", "html", "-W", "--keep-going", "-q", "-D", "plot_gallery=0"),
            *("-d", str(tmp_path_factory.mktemp("doctrees")), "docs", str(folder)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


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


@cache
def read(path):
    """A page; each is read once."""
    return Page(path)


def test_every_page_is_built(site):
    for page in (ROOT / "docs").glob("**/*.md"):
        assert (site / page.relative_to(ROOT / "docs")).with_suffix(".html").exists()


def test_nothing_is_fetched_from_another_host(site):
    pages = sorted(site.glob("**/*.html"))
    assert len(pages) > 60
    for path in pages:
        elsewhere = [address for address in read(path).fetched if re.match(r"(https?:)?//", address)]
        assert not elsewhere, (path, elsewhere)
        assert not re.search(ELSEWHERE, path.read_text(encoding="utf-8").replace(THEMES_OWN, ""))
    for path in site.glob("**/*.css"):
        assert not re.search(ELSEWHERE, path.read_text(encoding="utf-8").replace(THEMES_OWN, "")), path


def test_every_public_module_has_a_page():
    there = {module.name for module in pkgutil.iter_modules(normenc.__path__)}
    assert there == set(normenc.__all__) | INNER
    shown = {
        name
        for page in (ROOT / "docs" / "api").glob("*.md")
        for name in re.findall(
            r"^\.\. automodule:: normenc\.(\w+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    }
    assert shown == set(normenc.__all__)


@pytest.mark.parametrize("room", normenc.__all__)
def test_every_public_name_is_documented(site, room):
    names = importlib.import_module(f"normenc.{room}").__all__
    assert names
    ids = read(site / "api" / f"{room}.html").ids
    assert not [name for name in names if f"normenc.{room}.{name}" not in ids]


def test_recordings_can_be_made_by_what_the_page_shows(site):
    ids = read(site / "api" / "recordings.html").ids
    assert {f"normenc.recordings.Recording.from_{what}" for what in ("responses", "trials", "rdm")} <= ids


def test_formulas_are_drawn_and_no_rest_is_left(site):
    for path in site.glob("**/*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"mathjax(?!_ignore)|class=\"math", text, flags=re.IGNORECASE), path
        if path.parent.name == "api":
            assert not re.search(r":(func|class|meth|mod|data|math):|\.\. \[|\]_\b", text), path
    assert (site / "measures.html").read_text(encoding="utf-8").count('display="block"') > 20
    assert "<math" in (site / "api" / "rsa.html").read_text(encoding="utf-8")


def test_docstrings_link_to_what_they_name(site):
    links = read(site / "api" / "rsa.html").links
    assert "#normenc.rsa.METHODS" in links  # :data:`normenc.rsa.METHODS`
    assert "recordings.html#normenc.recordings.load" in read(site / "api" / "quality.html").links
    # named by the module that it was written in, shown where users import it from
    assert "#normenc.rsa.rdm" in links


def test_links_within_the_site_lead_somewhere(site):
    pages = {path: read(path) for path in site.glob("**/*.html")}
    for path, page in pages.items():
        for link in page.links:
            if not link or re.match(r"\w+:", link):
                continue
            address, _, anchor = link.partition("#")
            target = (path.parent / address).resolve() if address else path
            assert target.is_file(), (path, link)
            if anchor and target in pages:
                assert anchor in pages[target].ids, (path, link)


def test_a_function_with_its_modules_name_is_shown_as_a_function(site):
    text = (site / "api" / "stimuli.html").read_text(encoding="utf-8")
    assert re.search(r'<dl class="py function">\s*<dt[^>]* id="normenc.stimuli.gratings"', text)


def test_examples_that_pages_link_to_are_in_the_site(site):
    (link,) = {link for link in read(site / "leaderboard.html").links if "contrastive.toml" in link}
    assert (site / link).read_text() == (ROOT / "examples" / "contrastive.toml").read_text()
    assert (site / "study.json").read_bytes() == (ROOT / "examples" / "study.json").read_bytes()


def test_addresses_elsewhere_are_encrypted_and_written_alike(site):
    every = {link for path in site.glob("**/*.html") for link in read(path).links}
    links = {link for link in every if re.match(r"\w+:", link or "")}
    assert links and not {link for link in links if not link.startswith(("https://", "mailto:"))}
    plain = [link.partition("#")[0].rstrip("/").lower() for link in links if "#" not in link]
    assert len(plain) == len(set(plain)), sorted(link for link in plain if plain.count(link) > 1)


@pytest.mark.parametrize("name", gallery.ORDER)
def test_scripts_of_the_gallery_can_be_downloaded_also_as_notebooks(site, name):
    links = read(site / "examples" / f"{name}.html").links
    (script,) = {link for link in links if link.endswith(f"/{name}.py")}
    assert (site / "examples" / script).read_bytes() == (ROOT / "docs" / "gallery" / f"{name}.py").read_bytes()
    (notebook,) = {link for link in links if link.endswith(f"/{name}.ipynb")}
    assert json.loads((site / "examples" / notebook).read_text(encoding="utf-8"))["cells"]
    assert f"{name}.html" in read(site / "examples" / "index.html").links
    assert "examples/index.html" in read(site / "index.html").links


def test_the_architecture_is_drawn_from_the_code(site):
    text = (site / "architecture.html").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"<svg class=\"architecture\".*?</svg>", text, flags=re.DOTALL)
    assert sorted(re.findall(r'<text class="name"[^>]*>(\w+)<', drawn)) == sorted(ROOMS)
    assert drawn.count("<path") == sum(map(len, ROOMS.values()))
    assert drawn.count('class="import direct"') == sum(map(len, shortest(ROOMS).values()))
    shown = re.search(r'<g class="to-tasks">(.*?)</g>', drawn)[1]
    assert shown.count("<path") == len(ROOMS["tasks"]) and ".of-tasks:is(:hover" in drawn
    boxes = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawn)
    corners = [tuple(map(float, box)) for box in boxes]
    assert len(corners) == len(ROOMS)
    for a, b in itertools.combinations(corners, 2):  # none covers another
        assert abs(a[0] - b[0]) >= a[2] or abs(a[1] - b[1]) >= a[3]
    rows = dict(re.findall(r"<tr[^>]*>\s*<td>(.*?)</td>(.*?)</tr>", text, flags=re.DOTALL))
    told = {re.sub(r"<[^>]+>", "", name).strip(): re.sub(r"<[^>]+>", "", cells).split() for name, cells in rows.items()}
    assert set(told) == set(ROOMS)
    assert {"rsa", "recordings"} <= set(" ".join(told["quality"]).replace(",", "").split())
    modules = list((PACKAGE / "quality").glob("*.py"))
    lines = sum(len(module.read_text(encoding="utf-8").splitlines()) for module in modules)
    assert {str(len(modules)), f"{lines:,}", str(len(normenc.quality.__all__))} <= set(told["quality"])


def test_lines_that_are_left_out_follow_from_others():
    assert shortest({"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": {"c", "a"}, "e": {"a"}}) == {
        **{"a": set(), "b": {"a"}, "c": {"b"}, "d": {"c"}, "e": {"a"}}
    }


def test_the_lesson_can_be_opened_elsewhere_where_its_repository_is_known():
    assert notebooks.elsewhere(SimpleNamespace(notebooks_from=("", "dev")), "tutorial.ipynb") == ""
    told = notebooks.elsewhere(SimpleNamespace(notebooks_from=("lab/normenc", "dev")), "tutorial.ipynb")
    assert "https://colab.research.google.com/github/lab/normenc/blob/main/docs/tutorial.ipynb" in told
    told = notebooks.elsewhere(SimpleNamespace(notebooks_from=("lab/normenc", "0.2.0")), "tutorial.ipynb")
    assert "https://mybinder.org/v2/gh/lab/normenc/v0.2.0?urlpath=lab/tree/docs/tutorial.ipynb" in told
    asked = (ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "normenc[nets,nwb]" in asked


@pytest.fixture(scope="module")
def pages(site, tmp_path_factory):
    """Three versions of the site side by side, as they are published, and their address."""
    folder = tmp_path_factory.mktemp("pages") / "normenc"
    folder.mkdir()
    part = tmp_path_factory.mktemp("part")
    for name in ("_static", "api", "index.html"):
        (shutil.copytree if (site / name).is_dir() else shutil.copy)(site / name, part / name)
    publish = publish_docs().publish
    for version in ("0.9.0", "0.10.0", "dev"):
        found = publish(part, folder, version, "/normenc/")
    assert found == ["dev", "0.10.0", "0.9.0"]  # the newest first, by number
    handler = partial(SimpleHTTPRequestHandler, directory=folder.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/normenc"
        server.shutdown()


def publish_docs():
    spec = importlib.util.spec_from_file_location("publish_docs", ROOT / "tools" / "publish_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_versions_are_published_side_by_side(pages, tmp_path):
    folder, _ = pages
    lists = {(folder / name / "_static" / "switcher.json").read_text() for name in ("dev", "0.9.0", "0.10.0")}
    (entries,) = (json.loads(text) for text in lists)  # also the oldest names the newest
    assert [entry["url"] for entry in entries] == ["/normenc/dev/", "/normenc/0.10.0/", "/normenc/0.9.0/"]
    assert [entry["preferred"] for entry in entries] == [False, True, False]
    assert "url=0.10.0/" in (folder / "index.html").read_text()
    assert (folder / ".nojekyll").exists()
    publish = publish_docs().publish
    with pytest.raises(SystemExit, match=r"v0\.2: not a version"):
        publish(folder / "dev", tmp_path, "v0.2", "/")
    with pytest.raises(SystemExit, match="no site there; build it with make docs"):
        publish(tmp_path, tmp_path / "pages", "0.2.0", "/")
    assert not (tmp_path / "pages").exists()


def test_one_version_leads_to_the_same_page_of_another(pages, browser):
    page = browser.new_page()
    page.goto(f"{pages[1]}/0.9.0/api/rsa.html")
    page.locator(".version-switcher__button").first.click()
    links = page.locator(".version-switcher__menu").first.locator("a")
    assert links.all_inner_texts() == ["dev", "0.10.0 (stable)", "0.9.0"]
    with page.expect_navigation():
        links.nth(1).click()
    assert page.url == f"{pages[1]}/0.10.0/api/rsa.html"
    page.close()


def test_from_disk_there_is_no_switcher_and_no_error(site, browser):
    told = []
    page = browser.new_page()
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("requestfailed", lambda request: told.append(request.url))
    page.goto((site / "api" / "rsa.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert not page.locator(".version-switcher__container").first.is_visible()
    assert told == []
    page.close()


def test_the_search_finds_a_page_about_what_is_typed(site, browser):
    page = browser.new_page()
    page.goto((site / "api" / "rsa.html").as_uri())
    page.locator(".search-button__button").locator("visible=true").first.click()
    asked = page.locator("#pst-search-dialog input[name=q]")
    asked.fill("noise ceiling")
    with page.expect_navigation():
        asked.press("Enter")
    found = page.locator("#search-results li a").first
    with page.expect_navigation():
        found.click()
    assert "noise ceiling" in page.locator("article").inner_text().lower()
    page.close()


COLOURS = """([selector, what]) => [...document.querySelectorAll(selector)].map((own) => getComputedStyle(own)[what])"""


def luminance(colour):
    """Of a colour as browsers tell it, by WCAG."""
    parts = [int(part) / 255 for part in re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour).groups()]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("measures", {("math", "color"): 7.0}),
        ("architecture", {(".architecture text", "fill"): 4.5, (".architecture .direct", "stroke"): 3.0}),
    ],
)
def test_in_the_dark_formulas_and_the_architecture_are_light(site, browser, name, drawn):
    page = browser.new_page(color_scheme="dark")
    page.goto((site / f"{name}.html").as_uri())
    grounds = [("body", "backgroundColor"), (".architecture rect", "fill")]
    behind = max(luminance(own) for ground in grounds for own in page.evaluate(COLOURS, ground))
    assert behind < 0.05
    for what, contrast in drawn.items():
        found = [luminance(own) for own in page.evaluate(COLOURS, what)]
        assert found and (min(found) + 0.05) / (behind + 0.05) >= contrast, what  # by WCAG, of light on dark
    page.close()


def test_a_formula_that_cannot_be_drawn_stops_the_build():
    assert html.unescape(re.sub(r"<[^>]+>", "", mathml.mathml("a < b^2", "inline", "x"))) == "a<b2"
    with pytest.raises(ExtensionError, match=r"x: the formula .* holds a command"):
        mathml.mathml(r"\nosuchthing", "inline", "x")


def test_the_lesson_is_a_page_with_its_pictures_and_the_notebook(site):
    notebook = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    drawn = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    images = re.findall(r'<img alt="([^"]+)" src="(_images/[^"]+)"', text)
    assert [(site / source).read_bytes() for _, source in images] == [base64.b64decode(png) for png in drawn]
    assert len({alternative for alternative, _ in images}) == len(drawn) == 11
    tables = [output for output in outputs if "text/html" in output.get("data", {})]
    assert text.count("<table>") == len(tables) > 0
    links = read(site / "tutorial.html").links
    (copy,) = {link for link in links if link and link.endswith("tutorial.ipynb")}
    assert (site / copy).read_bytes() == (ROOT / "docs" / "tutorial.ipynb").read_bytes()
    assert {"statistics.html", "leaderboard.html"} <= set(links)
    assert "tutorial.html" in read(site / "index.html").links


def test_the_lessons_formulas_are_drawn_and_its_solutions_folded(site):
    text = (site / "tutorial.html").read_text(encoding="utf-8")
    source = (ROOT / "docs" / "tutorial.py").read_text(encoding="utf-8")
    assert text.count('display="block"') == source.count("$$") // 2 == 10
    words = re.sub(r"<[^>]+>", "", re.sub(r"<(code|pre|script|style)\b.*?</\1>", "", text, flags=re.DOTALL))
    assert "$" not in words and "**" not in words
    folds = re.findall(r"<details>\s*<summary>", text)
    assert len(folds) == source.count("<details") == text.count("<details")  # none is open
    before, _, after = text.partition("<summary>Solution</summary>")
    assert before.count("<details>") == before.count("</details>") + 1
    assert 'class="highlight"' in after.split("</details>")[0]


def test_a_picture_without_words_stops_the_build():
    picture = {"output_type": "display_data", "data": {"image/png": "AAAA"}}
    cell = {"cell_type": "code", "metadata": {}, "source": ["draw()"], "outputs": [picture]}
    notebook = {"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["# A"]}, cell]}
    with pytest.raises(ExtensionError, match=r"n\.ipynb: cell 2 draws 1 pictures and has texts for 0"):
        notebooks.texts(notebook, "n.ipynb")
    cell["metadata"]["alt"] = "A dot"
    cell["outputs"].append({"output_type": "stream", "text": ["a"]})
    assert notebooks.texts(notebook, "n.ipynb") == ["A dot"]
    cell["outputs"].append({"output_type": "error", "ename": "ValueError"})
    with pytest.raises(ExtensionError, match="cell 2 ended in ValueError"):
        notebooks.texts(notebook, "n.ipynb")


def test_names_of_functions_stand_apart():
    assert mathml.mathml(r"\log 2 + \log (a)", "inline", "x").count("<mspace") == 1  # none before a bracket


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
    assert in_tables.pop("For programs") == set()
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
