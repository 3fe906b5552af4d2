"""A picture that is added in this file alone is drawn by a run, listed, documented, and shown on the page."""

import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from generate import run_figures
from normenc import Run, recordings, report
from normenc.errors import InputError
from normenc.runs import PICTURES, Picture, picture, redraw
from normenc.study import Study, run

CAPTION = "How far each <encoder> is from the best one"
STUDY = {
    "name": "toy",
    "stimuli": {"resolution": 0.03},
    "task": {"n_train": 20, "n_test": 20},
    "network": {"name": "FC", "n_hidden": 4},
    "training": {"n_epochs": 1, "batch_size": 10},
    "comparison": {"other_measures": [], "controls": ["pixels"], "n_samples": 50},
}


def stems(heights, names):
    axes = plt.figure().subplots()
    axes.stem(heights)
    axes.set_xticks(range(len(names)), names)
    return axes


@pytest.fixture(scope="module")
def own():
    """The picture, among those of all runs for as long as this file's tests last."""

    @picture("behind", CAPTION, applies=lambda run: len(run.similarity) > 1, when="two encoders or more")
    def behind(run):
        table = run.similarity
        return Picture(stems, {"heights": table["similarity"].max() - table["similarity"], "names": table["encoder"]})

    yield
    del PICTURES["behind"]


@pytest.fixture(scope="module")
def folder(own, tmp_path_factory):
    place = tmp_path_factory.mktemp("runs") / "toy"
    recordings.save(recordings.simulated_v1(20, n_stimuli=12), place.parent / "mine.npz")
    study = Study(**STUDY, recording={"source": str(place.parent / "mine.npz")})
    run(study, place, stages=("represent", "compare", "draw"), progress=False, device="cpu", page=report.write)
    return place


def test_the_run_draws_it(folder):
    assert {path.name for path in (folder / "figures").glob("behind.*")} == {"behind.png", "behind.svg"}
    opened = Run.open(folder)
    assert len(opened.plot("behind").get_xticklabels()) == len(opened.similarity)
    plt.close("all")


def test_the_command_lists_it_and_draws_it_again(folder, tmp_path, normenc):
    code, out, _ = normenc("figures", str(folder), "--list")
    assert code == 0
    assert re.search(rf"^ ?behind +{CAPTION}", out, flags=re.MULTILINE)
    assert json.loads(normenc("figures", str(folder), "--list", "--json")[1])["behind"] == CAPTION
    (path,) = redraw(folder, tmp_path, only="behind", formats="svg").paths
    assert path.read_bytes() == (folder / "figures" / "behind.svg").read_bytes()


def test_the_page_shows_it_with_its_caption(folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert '<a href="#more">More figures</a>' in text
    section = text.partition('<h2 id="more">')[2].partition("<h2")[0]
    assert section.count("<img") == 1
    assert "<figcaption>How far each &lt;encoder&gt; is from the best one.</figcaption>" in section


def test_the_documentation_lists_it(own):
    assert "| `behind` | How far each &lt;encoder> is from the best one | two encoders or more |" in run_figures()


@pytest.mark.parametrize("width", ["single", "double", None])
def test_the_example_of_the_documentation_is_readable_at_any_width(folder, tmp_path, width):
    page = (Path(__file__).parents[1] / "docs" / "figures.md").read_text(encoding="utf-8")
    (example,) = [block for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL) if "plain_bars" in block]
    exec(example, {})
    try:
        drawn = redraw(folder, tmp_path, only="plain_bars", width=width)
    finally:
        del PICTURES["plain_bars"]
    assert (len(drawn.paths), drawn.left_out) == (1, {})


@pytest.mark.parametrize("name", ["", "../rdms", "a b", "a/b", ".hidden"])
def test_a_name_that_is_none_of_a_file_is_refused(name):
    with pytest.raises(InputError, match="the figure's name is"):
        picture(name, "nothing")
    assert name not in PICTURES


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(InputError, match="a figure 'rdms' already exists"):
        picture("rdms", "nothing")
