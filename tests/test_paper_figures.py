"""Pictures for papers: as wide as asked, with text that can be edited and read, and none of it lost."""

import re
import zlib

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from normenc import figures
from normenc.errors import InputError
from normenc.figures.common import COLOURS, SHEET, figure_of
from normenc.figures.saving import TooNarrowError, fits
from normenc.figures.sizes import millimetres

ORIENTATION = np.arange(-90, 91, 10)
RNG = np.random.default_rng(0)
NAMES = ["recording", "pool", "fc"]
CONTROLS = ["Fourier amplitude", "Gabor energy", "orientation model", "pixels"]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def arrays(names, *shape):
    return {name: RNG.uniform(0, 2, size=shape) for name in names}


def picture(name):
    n = len(ORIENTATION)
    square, units = (n, n), (n, 1234)
    draw = {
        "example_stimuli": lambda: figures.example_stimuli(np.zeros((5, 8, 8)), [-90, -45, 0, 45, 90]),
        "rdms": lambda: figures.rdms(arrays(NAMES, *square), ORIENTATION, controls=arrays(CONTROLS, *square)),
        "rdm_rows": lambda: figures.rdm_rows(arrays(NAMES, *square), ORIENTATION, controls=arrays(CONTROLS, *square)),
        "embeddings": lambda: figures.embeddings(arrays(NAMES, n, 2), ORIENTATION, controls=arrays(CONTROLS, n, 2)),
        "tuning_curves": lambda: figures.tuning_curves(arrays(NAMES, *units), ORIENTATION, recording="recording"),
        "response_map": lambda: figures.response_map(arrays(NAMES, *units), ORIENTATION, arrays(NAMES, 1234)),
        "selectivity_distributions": lambda: figures.selectivity_distributions(
            arrays(NAMES, 50), controls=arrays(CONTROLS, 50)
        ),
        "preference_histogram": lambda: figures.preference_histogram(
            {name: 90 * values for name, values in arrays(NAMES, 50).items()},
            controls={name: 90 * values for name, values in arrays(CONTROLS, 50).items()},
        ),
        "similarity_bars": lambda: figures.similarity_bars(similarity()),
    }
    return draw[name]()


def similarity():
    return pd.DataFrame(
        {
            "recording": "simulated-v1",
            "encoder": ["fc", "fc, untrained", "pixels"],
            "task": ["tilt", None, None],
            "network": ["ConvPoolFC", "ConvPoolFC", "pixels"],
            "layer": ["fc", "fc", "pixels"],
            "kind": ["trained layer", "untrained twin", "control"],
            "seed": pd.array([1, 1, None], dtype="Int64"),
            "n_seeds": pd.array([1, 5, None], dtype="Int64"),
            "comparison": "pearson",
            "similarity": [0.5, 0.25, 0.125],
            "low": [0.4, 0.2, 0.0],
            "high": [0.6, 0.3, 0.2],
            "ceiling_lower": 0.7,
            "ceiling_upper": 0.9,
            "p_permutations_holm": [0.01, 0.2, 0.5],
        }
    )


PICTURES = [
    *("example_stimuli", "rdms", "rdm_rows", "embeddings", "tuning_curves", "response_map"),
    *("selectivity_distributions", "preference_histogram", "similarity_bars"),
]


@pytest.mark.parametrize("width", ["single", "double"])
@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_can_be_read_in_a_column(name, width, tmp_path):
    with figures.sized(width):
        axes = picture(name)
    sizes = []
    figure = figure_of(axes)
    figures.save(axes, tmp_path, name, ("png",), width)
    for text in figure.findobj(mpl.text.Text):
        sizes.append(text.get_fontsize())
    assert min(sizes) >= 7
    assert max(sizes) <= 8
    with Image.open(tmp_path / f"{name}.png") as image:
        assert image.width == pytest.approx(millimetres(width) / 25.4 * 600, abs=1)


@pytest.mark.parametrize("width", [85, 90, 145, 150])
def test_titles_of_neurons_wrap_where_panels_are_narrow(width):
    """Names of four digits, and values of five characters that leave panels less room."""
    populations = {"mouse (simulated)": RNG.uniform(0, 1, (12, 9)), "pool": RNG.uniform(0, 0.009, (12, 9))}
    with figures.sized(width):
        axes = figures.tuning_curves(
            populations,
            ORIENTATION[:12],
            scores={label: np.arange(9) / 9 for label in populations},
            score="gOSI",
            names={"mouse (simulated)": [f"{1600 + n}" for n in range(9)]},
            recording="mouse (simulated)",
            units="dF/F",
        )
    said = axes[0, 1].get_title() or axes[0, 1].get_title(loc="left")
    assert said.split()[-4:] == ["neuron", "1607", "gOSI", "0.78"]
    assert fits(axes, width)


@pytest.mark.parametrize("width", [90, 100, 110])
@pytest.mark.parametrize("name", ["rdm_rows", "selectivity_distributions", "similarity_bars"])
def test_legends_below_a_picture_leave_it_room(name, width):
    with figures.sized(width):
        assert fits(picture(name), width)


def test_svg_and_pdf_keep_text_as_text(tmp_path):
    with figures.sized("single"):
        axes = picture("similarity_bars")
    svg, pdf = figures.save(axes, tmp_path, "bars", ("svg", "pdf"), "85mm")
    text = svg.read_text(encoding="utf-8")
    assert re.search(r"<text [^>]*>similarity with “simulated-v1”</text>", text)
    assert "'DejaVu Sans', 'Verdana', 'Arial', 'Helvetica', sans-serif" in text
    content = pdf.read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ", content)
    assert float(box[1]) / 72 * 25.4 == pytest.approx(85, abs=0.5)
    streams = [zlib.decompress(part) for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)[:1]]
    assert any(b"Tj" in stream or b"TJ" in stream for stream in streams)  # text is shown, not drawn


def test_the_same_picture_gives_the_same_files(tmp_path):
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        paths = figures.save(figures.similarity_bars(similarity()), folder, "bars", ("png", "svg", "pdf"), 180)
        contents.append([path.read_bytes() for path in paths])
    assert contents[0] == contents[1]


def test_a_figure_of_ones_own_is_resized_in_proportion(tmp_path):
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    axes.set_xlabel("time", fontsize=20)
    figures.save(axes, tmp_path, "own", ("svg",), "10 cm")
    np.testing.assert_allclose(figure.get_size_inches() * 25.4, (100, 50))
    assert axes.xaxis.label.get_fontsize() == 8
    assert not plt.get_fignums()


def test_what_cannot_be_read_is_refused_and_leaves_nothing(tmp_path):
    _, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    axes.set_title("a title much too long for a column of a page of any journal that there is")
    with pytest.raises(
        TooNarrowError, match=r"long cannot be read at 40 mm: 'a title much .* is cut off; give it a larger"
    ):
        figures.save(axes, tmp_path, "long", ("pdf",), 40)
    assert not list(tmp_path.iterdir())
    assert not plt.get_fignums()
    _, axes = plt.subplots(layout="constrained")
    axes.text(0.5, 0.5, "one")
    axes.text(0.5, 0.5, "two")
    with pytest.raises(InputError, match="'one' and 'two' overlap"):
        figures.save(axes, tmp_path, "over", ("pdf",), 85)
    _, axes = plt.subplots(layout="constrained")
    assert fits(axes, 85)


def test_panels_and_legends_make_do_with_a_narrow_page():
    wide = picture("rdm_rows")
    assert wide.shape == (1, 4)
    assert wide[0, 3].get_legend() is not None
    with figures.sized(85):
        narrow = picture("rdm_rows")
    assert narrow.shape == (2, 2)
    (legend,) = figure_of(narrow).legends
    assert [text.get_text() for text in legend.get_texts()] == [*NAMES, *CONTROLS]
    assert [panel.get_title() for panel in narrow.flat] == ["from −80°", "from −30°", "from 20°", "from 70°"]
    with figures.sized(85):
        grid = picture("rdms")
    drawn = [panel.get_title().replace("\n", " ") for panel in grid.flat if panel.images]
    assert drawn == [*NAMES, *CONTROLS]
    assert picture("rdm_rows").shape == (1, 4)  # the page is gone


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("85mm", 85),
        ("85 mm", 85),
        ("8.5cm", 85),
        ("3.3in", 83.82),
        ("single", 85),
        ("Double", 180),
        (90, 90),
        ("91", 91),
    ],
)
def test_widths_are_understood(given, found):
    assert millimetres(given) == pytest.approx(found)


@pytest.mark.parametrize("given", ["wide", "85 pt", "-85", "", "nan", "8,5cm"])
def test_what_is_no_width_says_so(given):
    with pytest.raises(InputError, match=r"give it as in 85mm, 8\.5cm, 3\.3in, single"):
        millimetres(given)


@pytest.mark.parametrize("given", [19.9, "401mm", "0.5in", "50cm"])
def test_widths_out_of_range_are_refused(given):
    with pytest.raises(InputError, match="it must be between 20 and 400 mm"):
        millimetres(given)


@pytest.mark.parametrize("formats", [["tiff"], ["pdf", "jpg"], []])
def test_other_formats_are_refused(formats, tmp_path):
    with pytest.raises(InputError, match="give some of png, svg, pdf"):
        figures.save(picture("similarity_bars"), tmp_path, "bars", formats)


def test_the_style_sheet_is_one_and_shipped():
    assert SHEET["svg.fonttype"] == "none"
    assert (SHEET["pdf.fonttype"], SHEET["ps.fonttype"]) == (42, 42)
    with plt.style.context("normenc.figures.normenc"):
        assert plt.rcParams["pdf.fonttype"] == 42
        assert tuple(plt.rcParams["axes.prop_cycle"].by_key()["color"]) == COLOURS
    # Okabe & Ito (2008), Color Universal Design, without yellow, which is too light for lines.
    assert set(COLOURS) == {"#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"}
