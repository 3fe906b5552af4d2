"""The gallery: each script answers one question, in words and pictures. `make docs` runs them; a warning stops it."""

import ast
import json
import re
import warnings

import matplotlib.pyplot as plt
import nbformat
import pytest
from sphinx.errors import ExtensionError
from sphinx_gallery.notebook import jupyter_notebook
from sphinx_gallery.py_source_parser import split_code_and_text_blocks
from sphinx_gallery.scrapers import ImagePathIterator

import gallery
import normenc
from room_map import PACKAGE

FOLDER = PACKAGE.parents[1] / "docs" / "gallery"
SETTINGS = {"image_srcset": [], "matplotlib_animations": (False, None), "compress_images": ()}


def test_the_page_has_all_scripts_in_an_order():
    assert sorted(gallery.ORDER) == sorted(path.stem for path in FOLDER.glob("*.py"))
    order = gallery.Order("")
    assert [order(f"{name}.py") for name in gallery.ORDER] == list(range(len(gallery.ORDER)))
    with pytest.raises(ExtensionError, match=r"novel\.py: name this script in ORDER"):
        order("novel.py")


@pytest.mark.parametrize("name", gallery.ORDER)
def test_each_script_has_a_question_a_picture_and_its_limits(name):
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(text)
    title, line, empty, *_ = ast.get_docstring(tree).splitlines()
    assert len(title) == len(line) and set(line) == {"="} and not empty
    assert gallery.WORDS.findall(text) and "plt.show()" in text
    _, shows, does_not = re.split(r"^# \*\*What this (?:shows|does not show)\.\*\* ", text, flags=re.MULTILINE)
    assert shows.strip("# \n") and does_not.strip("# \n")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "normenc":
            assert {alias.name for alias in node.names} <= set(normenc.__all__)
    links = re.findall(r":(doc|ref):`([^`]+)`", text)
    pages = {f"/{path.stem}" for path in FOLDER.parent.glob("*.md")}
    scripts = {f"sphx_glr_examples_{other}.py" for other in gallery.ORDER}
    assert {target for _, target in links} <= pages | scripts


def test_a_notebook_begins_by_installing_what_is_missing(tmp_path):
    _, blocks = split_code_and_text_blocks(FOLDER / "animals.py")
    settings = {"first_notebook_cell": gallery.INSTALL, "last_notebook_cell": None, "promote_jupyter_magic": False}
    settings |= {"notebook_images": False, "pypandoc": False, "notebook_extensions": {".py"}, "rst_link_targets": {}}
    made = nbformat.reads(json.dumps(jupyter_notebook(blocks, settings, tmp_path)), as_version=4)
    nbformat.validate(made)
    assert made.cells[0].source == gallery.INSTALL.strip()
    assert 'pip install --quiet "normenc[nets,nwb]"' in gallery.INSTALL


def scraped(code, tmp_path, n):
    plt.close("all")
    for _ in range(n):
        plt.figure()
    variables = {
        "src_file": "a.py",
        "image_path_iterator": ImagePathIterator(str(tmp_path / "{0:03}.png")),
        "example_globals": {},
    }
    try:
        return gallery.pictures(("code", code, 7), variables, SETTINGS | {"src_dir": str(tmp_path)})
    finally:
        plt.close("all")


def test_pictures_have_the_words_of_their_comments(tmp_path):
    one = scraped("# Picture: a bar\nplt.figure()\n", tmp_path, 1)
    assert re.findall(r":alt: (.*)", one) == ["a bar"]
    two = scraped("with style():\n    # Picture: a bar\n    # Picture: a dot, \\1\n", tmp_path, 2)
    assert re.findall(r":alt: (.*)", two) == ["a bar", "a dot, \\1"]
    with pytest.raises(ExtensionError, match=r"a\.py, line 7: draws 1 pictures and has words for 0; write before each"):
        scraped("plt.figure()\n", tmp_path, 1)


def test_warnings_of_scripts_stop_the_build_and_those_of_others_do_not():
    before = list(warnings.filters)
    gallery.strict({}, "docs/gallery", "before")
    assert warnings.filters == before
    gallery.strict({}, "animals.py", "before")
    try:
        with pytest.raises(FutureWarning):
            warnings.warn("old", FutureWarning, stacklevel=1)
    finally:
        gallery.strict({}, "animals.py", "after")
    assert warnings.filters == before


def test_binder_is_told_of_a_repository_only_where_there_is_one():
    assert gallery.binder("", "dev") == {}
    found = gallery.binder("lab/normenc", "0.2.0")
    assert (found["org"], found["repo"], found["filepath_prefix"]) == ("lab", "normenc", "0.2.0")
    assert (FOLDER.parent / found["dependencies"]).resolve().is_file()
