"""What the run of conftest.py shows, whose texts are all hostile: in numbers, in a notebook, and in a real browser.

There, what moves does what it says, and nothing is asked of the network. All is in one file, since the run takes long.
"""

import base64
import functools
import http.server
import io
import json
import re
import shutil
import threading
import time

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hostile import NAMES, NETWORK, ORIENTATION, PREFERRED
from PIL import Image

from normenc import report
from normenc.errors import InputError
from normenc.report.explorer import _degrees, explorer
from normenc.runs import Run

MINUS = "−"
REQUESTS = ("https://cdn", 'src="http', "MathJax.js")
INK = "document.querySelector('#tuning-plot').layout.font.color"  # of pictures
INKS = {"light": "#1c1c1a", "dark": "#ecece6"}
MOST_SECONDS = 300  # a slow machine has time enough; only what never comes ends there


def labelled(angle: float) -> str:
    return f"{angle:g}°".replace("-", MINUS)


def open_page(browser, address, **options):
    """The page, when its scripts are through, and what it told and asked while it loaded."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}} | options)
    context.set_default_timeout(MOST_SECONDS * 1000)
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    if options.get("java_script_enabled", True):
        until(page, "document.querySelector('#embedding-plot .main-svg, #embedding-plot canvas') !== null")
    return page, told, asked


@pytest.fixture(scope="module")
def opened(browser, hostile_page):
    shown, told, asked = open_page(browser, hostile_page.as_uri())
    yield shown, told, asked
    shown.context.close()


@pytest.fixture
def page(opened):
    """One page for all tests that do not ask for another; each sets what it looks at, and leaves no error behind."""
    shown, told, _ = opened
    yield shown
    shown.emulate_media(media="screen", color_scheme="light")
    assert told == []


@pytest.fixture(scope="module")
def rdms(hostile_run):
    """By the labels of the page."""
    with (
        xr.open_dataset(hostile_run.folder / "rdms.nc") as found,
        xr.open_dataset(hostile_run.folder / "populations.nc") as populations,
    ):
        place = {key: index for index, key in enumerate(found["population"].to_numpy())}
        named = zip(populations["population"].to_numpy(), populations["key"].to_numpy(), strict=True)
        return {label: found["dissimilarity"].to_numpy()[place[key]] for label, key in named}


def until(page, expression: str, do=lambda: None) -> None:
    """Wait until it is so, and `do` something each time that it is not.

    The page's policy forbids what Playwright's own way of waiting does in the page.
    """
    stop = time.monotonic() + MOST_SECONDS
    while not page.evaluate(expression):
        assert time.monotonic() < stop, expression
        do()
        page.wait_for_timeout(20)


def changed(hostile_page, folder, change) -> str:
    """Address of the page with other data for its scripts."""
    text = hostile_page.read_text(encoding="utf-8")
    before, data, after = re.split(r'(?<=id="data">)(.*?)(?=</script>)', text, maxsplit=1, flags=re.DOTALL)
    data = json.loads(data)
    change(data)
    (folder / "changed.html").write_text(before + json.dumps(data).replace("<", "\\u003c") + after, encoding="utf-8")
    return (folder / "changed.html").as_uri()


def ask_for(page, unit: str) -> None:
    page.fill("#tuning-unit", unit)
    page.press("#tuning-unit", "Enter")


def move_to(page, plot: str, row: int, column: int) -> None:
    """Put the mouse on a cell of a matrix."""
    page.locator(f"#{plot}").scroll_into_view_if_needed()
    x, y = page.evaluate(
        """([id, x, y]) => {
            const plot = document.getElementById(id), box = plot.getBoundingClientRect();
            const {xaxis, yaxis} = plot._fullLayout;
            return [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(y)];
        }""",
        [plot, ORIENTATION[column], ORIENTATION[row]],
    )
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y, steps=3)


def test_from_a_file_it_loads_without_an_error_or_a_request(opened, hostile_page):
    page, told, asked = opened
    assert told == []
    assert [address for address in asked if not address.startswith(("data:", "blob:"))] == [hostile_page.as_uri()]
    assert page.evaluate("window.harmed") is None


def test_from_localhost_it_asks_for_nothing_but_itself(browser, hostile_page):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Quiet, directory=str(hostile_page.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/report.html"
        page, told, asked = open_page(browser, address)
        assert told == []
        assert [own for own in asked if not own.startswith(("data:", "blob:"))] == [address]
        page.context.close()
        server.shutdown()


def test_pointing_at_a_matrix_shows_both_stimuli_and_their_dissimilarity(page, rdms):
    page.select_option("#rdm-right", label="pool")
    move_to(page, "rdm-left-plot", 3, 7)
    seen = page.locator("#rdm-seen")
    until(page, "document.querySelector('#rdm-seen figcaption').textContent === '−45°'")
    assert seen.locator("figcaption").all_text_contents() == ["−45°", "15°"]
    assert seen.locator(".tile").count() == 2
    own, pool = rdms["mine"][3, 7], rdms["pool"][3, 7]
    assert seen.inner_text().splitlines()[-2:] == [f"mine: {own:.3f}", f"pool: {pool:.3f}"]
    # The tiles are cut out of the sheet at the place of their stimulus.
    x = seen.locator(".tile").nth(1).evaluate("tile => parseFloat(tile.style.backgroundPositionX)")
    assert x == pytest.approx(-7 * 96)


def test_a_click_draws_the_row_and_another_population_can_be_chosen(page, rdms):
    page.select_option("#rdm-right", label="pixels")

    def click() -> None:  # again where the matrix was being drawn anew
        move_to(page, "rdm-right-plot", 9, 2)
        page.mouse.down()
        page.mouse.up()

    until(page, "document.querySelector('#rdm-rows-plot').layout.title.text === 'row 45°'", click)
    first, second = page.evaluate("document.querySelector('#rdm-rows-plot').data.map(trace => Array.from(trace.y))")
    np.testing.assert_allclose(first, rdms["mine"][9], atol=np.ptp(rdms["mine"]) / 65535)  # its levels
    np.testing.assert_allclose(second, rdms["pixels"][9], atol=np.ptp(rdms["pixels"]) / 65535)


def test_keys_choose_stimuli_too(page, rdms):
    page.focus("#rdm-row")
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    page.focus("#rdm-column")
    page.keyboard.press("End")
    assert page.locator("#rdm-seen figcaption").all_text_contents() == [
        labelled(ORIENTATION[1]),
        labelled(ORIENTATION[-1]),
    ]
    assert f"mine: {rdms['mine'][1, -1]:.3f}" in page.locator("#rdm-seen").inner_text()
    assert page.get_attribute("#rdm-row", "aria-valuetext") == labelled(ORIENTATION[1])


def column_of(page, number: int) -> list[str]:
    return page.locator(f"#leaderboard tbody tr:not([hidden]) td:nth-child({number})").all_text_contents()


def test_the_leaderboard_is_sorted_by_a_click(page):
    heading = page.locator("#leaderboard th", has_text="similarity")
    heading.locator("button").click()
    values = [float(text.replace(MINUS, "-")) for text in column_of(page, 4)]
    assert values == sorted(values, reverse=True)
    assert heading.get_attribute("aria-sort") == "descending"
    heading.locator("button").press("Enter")
    assert [float(text.replace(MINUS, "-")) for text in column_of(page, 4)] == sorted(values)
    page.locator("#leaderboard th", has_text="encoder").locator("button").click()
    assert column_of(page, 1) == sorted(column_of(page, 1), key=str.lower)
    # Seeds that are not known come last, whichever way it is sorted.
    for _ in range(2):
        page.locator("#leaderboard th", has_text="seeds").locator("button").click()
        assert column_of(page, 3)[-4:] == ["–"] * 4
    names = page.evaluate("document.querySelector('#leaderboard-plot').layout.yaxis.ticktext")
    assert names[::-1] == column_of(page, 1)


def test_tables_say_when_columns_are_out_of_sight(page):
    hint = "getComputedStyle(document.querySelector('#leaderboard').parentElement, '::before').content"
    assert page.evaluate(hint) == "none"
    page.set_viewport_size({"width": 500, "height": 800})
    until(page, f"{hint}.includes('Scroll sideways')")
    heading = page.locator("#leaderboard th").all_text_contents()
    ceiling = column_of(page, heading.index("minus ceiling") + 1)
    similarity = [float(text.replace("−", "-")) for text in column_of(page, heading.index("similarity") + 1)]
    apart = [float(text.replace("−", "-").replace("+", "")) for text in ceiling]
    assert max(abs(a - s - apart[0] + similarity[0]) for a, s in zip(apart, similarity, strict=True)) < 0.003


def test_the_leaderboard_is_filtered_by_kind_and_name(page):
    page.select_option("#kind", "control")
    assert column_of(page, 2) == ["control"] * 4
    page.fill("#filter", "FOURIER")
    assert column_of(page, 1) == ["Fourier amplitude"]
    assert page.inner_text("#counted") == "1 of 8 encoders"
    page.fill("#filter", "no such encoder")
    assert page.inner_text("#counted") == "0 of 8 encoders"
    page.fill("#filter", "")
    page.select_option("#kind", "")
    assert len(column_of(page, 1)) == 8


def test_another_measure_shows_its_own_numbers(page, hostile_run):
    own = pd.read_csv(hostile_run.folder / "similarity.csv")
    other = pd.read_csv(hostile_run.folder / "similarity_by_method.csv").query("comparison == 'spearman'")
    for name, rows in (("spearman", other), ("pearson", own)):
        page.select_option("#method", name)
        places = [int(row.get_attribute("data-row")) for row in page.locator("#leaderboard tbody tr").all()]
        expected = rows["similarity"].iloc[places]
        assert [float(text.replace(MINUS, "-")) for text in column_of(page, 4)] == expected.round(3).tolist()
        drawn = page.evaluate("Array.from(document.querySelector('#leaderboard-plot').data[0].x)")
        np.testing.assert_allclose(drawn[::-1], expected, rtol=1e-5)
        (band,) = page.evaluate("document.querySelector('#leaderboard-plot').layout.shapes")
        assert [band["x0"], band["x1"]] == pytest.approx(rows[["ceiling_lower", "ceiling_upper"]].iloc[0], rel=1e-5)


def test_a_neuron_is_chosen_and_its_tuning_shown(page, hostile_run):
    trials = hostile_run.evaluation.recording.trials.to_numpy().reshape(12, 4, 9)
    page.select_option("#tuning-population", label="mine (recording)")
    ask_for(page, NAMES[5])
    y = page.evaluate("Array.from(document.querySelector('#tuning-plot').data.at(-1).y)")
    np.testing.assert_allclose(y, trials[:, :, 5].mean(axis=1), atol=2e-4)
    upper = page.evaluate("Array.from(document.querySelector('#tuning-plot').data[0].y)")
    error = trials[:, :, 5].std(axis=1, ddof=1) / 2
    np.testing.assert_allclose(np.subtract(upper, y), error, atol=2e-4)
    said = f"mine, neuron {NAMES[5]}: prefers orientation 1"  # 15 degrees, or nearly
    assert page.inner_text("#tuning-facts").startswith(said)
    page.click("[data-step='1']")
    assert NAMES[6] in page.inner_text("#tuning-facts")
    for _ in range(3):  # around the end
        page.click("[data-step='1']")
    assert NAMES[0] in page.inner_text("#tuning-facts")


def test_a_neuron_is_found_by_its_name(page):
    page.select_option("#tuning-population", label="mine (recording)")
    options = page.locator("#tuning-units option")
    assert options.evaluate_all("all => all.map(option => option.value)") == NAMES
    assert page.inner_text("#tuning-label") == "neuron, by name"
    for asked, right, said in (
        ("cell 4", "cell 4", "mine, neuron cell 4: "),
        ("CELL 5", "cell 5", "mine, neuron cell 5: "),
        ("& ", "a & b", "This is the first whose name contains “&”. mine, neuron a & b: "),
        ("none such", "a & b", "No neuron on this page is called “none such”. mine, neuron a & b: "),
        ("8", "a & b", "No neuron on this page is called “8”. mine, neuron a & b: "),  # not its place
    ):
        ask_for(page, asked)
        assert page.input_value("#tuning-unit") == right
        assert page.inner_text("#tuning-facts").startswith(said)


@pytest.fixture(scope="module")
def of_few(browser, hostile_page, tmp_path_factory):
    """A page of few angles, and of neurons that were drawn from many and prefer next to nothing; and what it told."""

    def change(data):
        data["stimuli"]["angles"] = [-11 + 2 * place for place in range(12)]
        tuning = data["populations"][0]["tuning"]
        tuning |= {"names": ["12", "20", "41", "68", "70", "100", "400", "1500", "1978"], "total": 2000}
        tuning["facts"] |= {"preferred_orientation_deg": [-0.3] * 9, "gosi": [-0.001] * 9}

    page, told, _ = open_page(browser, changed(hostile_page, tmp_path_factory.mktemp("few"), change))
    yield page, told
    page.context.close()


def test_of_many_units_those_that_are_kept_are_found_by_their_own_numbers(of_few):
    page, told = of_few
    kept = "9 of 2,000 neurons, drawn at random"
    assert page.inner_text("#tuning-kept") == f"Available: {kept}."
    assert page.evaluate("document.querySelector('#tuning-overview').layout.title.text") == kept
    assert page.inner_text("#tuning-label") == "neuron, by number"
    assert page.input_value("#tuning-unit") == "12"
    assert page.inner_text("#tuning-facts").startswith("mine, neuron 12: ")
    ask_for(page, "68")
    assert page.inner_text("#tuning-facts").startswith("mine, neuron 68: ")
    page.click("[data-step='1']")
    assert page.input_value("#tuning-unit") == "70"
    ask_for(page, "1000")
    said = f"neuron 1000 is not among {kept}; the nearest is shown. mine, neuron 1500: "
    assert page.inner_text("#tuning-facts").startswith(said)
    assert told == []


def test_images_are_named_on_axes_and_thinning_is_said(browser, hostile_page, tmp_path):
    names = ["a<b>.png", *(f"image {number}" for number in range(10)), "a name of very many letters"]

    def of_images(data):
        data["stimuli"] |= {"kind": "image", "angles": None, "period": None, "labels": names, "named": True}
        data["stimuli"]["thinned_from"] = 900
        for population in data["populations"]:
            population["tuning"] = None

    page, told, _ = open_page(browser, changed(hostile_page, tmp_path, of_images))
    ticks = page.locator("#rdm-rows-plot .xtick text").all_text_contents()
    assert (ticks[0], ticks[1], ticks[-1]) == ("a<b>.png", "image 0", "a name of very …")
    assert page.inner_text("#rdm-kept") == "12 of 900 stimuli, evenly sampled."
    assert page.inner_text("#embedding-note").endswith("12 of 900 stimuli, evenly sampled.")
    assert page.locator("#tuning-explorer").count() == 0
    assert told == []
    page.context.close()


def test_many_images_have_no_numbers_on_their_axis_and_each_matrix_its_own_scale(browser, hostile_page, tmp_path):
    def of_images(data):
        n = 15
        data["own_scales"] = True
        data["stimuli"] |= {"kind": "image", "named": True, "angles": None, "labels": [f"scene {k}" for k in range(n)]}
        for place, population in enumerate(data["populations"]):
            population["tuning"] = None
            values = np.linspace(0, 65535, n * (n - 1) // 2).round().astype("<u2")
            encoded = base64.b64encode(values.tobytes()).decode()
            population["rdm"] = {"low": 0.5, "scale": 0.01 * (1 + place) / 65535, "values": encoded}
            population["components"] = base64.b64encode(np.eye(n, 3, dtype="<f4").tobytes()).decode()

    path = changed(hostile_page, tmp_path, of_images)
    page, told, _ = open_page(browser, path)
    assert ticks_of(page, "rdm-rows-plot") == []
    assert page.evaluate("document.querySelector('#rdm-rows-plot').layout.xaxis.title.text") == (
        "image, in the recording's order"
    )
    left = page.evaluate("(({zmin, zmax}) => [zmin, zmax])(document.querySelector('#rdm-left-plot').data[0])")
    np.testing.assert_allclose(left, [0.5002, 0.5098], atol=1.5e-4)  # its 2nd and 98th percentile
    assert page.inner_text("#rdm-kept") == "Each matrix has a scale of its own, from its 2nd to its 98th percentile."
    assert told == []
    page.context.close()


def ticks_of(page, plot: str, axis: str = "x") -> list[str]:
    return page.locator(f"#{plot} .{axis}tick text").all_text_contents()


def test_ticks_reach_to_the_end_of_the_period(page):
    # Data from -90 to 75: the tuning curve and the row end where they begin, the matrix does not.
    ends = [labelled(angle) for angle in (-90, -45, 0, 45, 90)]
    assert [ticks_of(page, plot) for plot in ("tuning-plot", "tuning-overview", "rdm-rows-plot")] == [ends] * 3
    assert ticks_of(page, "rdm-left-plot") == ends[:-1]


def test_ticks_of_directions(browser, hostile_page, tmp_path):
    def of_directions(data):
        data["stimuli"] |= {"kind": "direction", "period": 360, "angles": list(range(0, 360, 30))}

    page, _, _ = open_page(browser, changed(hostile_page, tmp_path, of_directions))
    assert ticks_of(page, "rdm-rows-plot") == [labelled(angle) for angle in (0, 90, 180, 270, 360)]
    page.context.close()


def test_ticks_of_few_stimuli(of_few):
    assert ticks_of(of_few[0], "rdm-rows-plot") == [labelled(angle) for angle in (-10, 0, 10)]


def test_what_rounds_to_zero_has_no_sign(of_few):
    page, _ = of_few
    ask_for(page, "12")
    assert "prefers orientation 0° (p < 0.001), gOSI 0.00," in page.inner_text("#tuning-facts")


def test_a_click_on_a_point_chooses_its_neuron(page):
    page.select_option("#tuning-population", label="mine (recording)")

    def click() -> None:
        x, y = page.evaluate(
            """() => {
                const plot = document.querySelector('#tuning-overview');
                plot.scrollIntoView();
                const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect(), [trace] = plot.data;
                const across = xaxis._offset + xaxis.l2p(trace.x[7]), down = yaxis._offset + yaxis.l2p(trace.y[7]);
                return [box.left + across, box.top + down];
            }"""
        )
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y, steps=3)
        page.mouse.down()
        page.mouse.up()

    until(page, f"document.querySelector('#tuning-facts').textContent.includes('{NAMES[7]}')", click)
    assert page.input_value("#tuning-unit") == NAMES[7]


def test_units_of_layers_can_be_chosen(page):
    page.select_option("#tuning-population", label="fc")
    assert page.inner_text("#tuning-label") == "unit, by number"
    assert page.inner_text("#tuning-kept") == "Available: all of 10 units."
    assert page.inner_text("#tuning-facts").startswith("fc, unit 0: ")


def test_names_are_text_whatever_they_are(page):
    page.select_option("#tuning-population", label="mine (recording)")
    assert page.locator("#tuning-plot .gtitle").text_content() == f"neuron {NAMES[0]}"
    assert page.inner_text("#tuning-facts").startswith(f"mine, neuron {NAMES[0]}: prefers")
    page.click("[data-step='1']")
    assert page.locator("#tuning-plot .gtitle").text_content() == "neuron <b>bold</b>"
    assert page.evaluate("window.harmed") is None
    assert page.inner_text("h1").startswith(f"Does {NETWORK}, trained on")


EYE = "document.querySelector('#embedding-plot')._fullLayout.scene._scene.getCamera().eye"


def eye_of(page) -> np.ndarray:
    return np.array(page.evaluate(f"[{EYE}.x, {EYE}.y, {EYE}.z]"))


def frames(page, number: int) -> None:
    """Wait until so many frames have been drawn: the mouse is heeded once a frame, however long a frame takes."""
    page.evaluate(
        """number => new Promise(done => {
            const drawn = () => number-- > 0 ? requestAnimationFrame(drawn) : done();
            drawn();
        })""",
        number,
    )


def at_rest(page) -> np.ndarray:
    """The eye when it has come to rest: after a drag it glides on."""
    before = None
    while before is None or (eye_of(page) != before).any():
        before = eye_of(page)
        frames(page, 6)
    return before


def test_the_embedding_is_turned_by_buttons(launch, hostile_page):
    with_webgl = launch("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    size = {"width": 500, "height": 700}  # there is no graphics card: every pixel takes its time
    page, told, _ = open_page(with_webgl, hostile_page.as_uri(), viewport=size)
    first = eye_of(page)
    page.click("[data-turn='1']")
    assert np.abs(eye_of(page) - first).max() > 0.1
    page.click("[data-turn='-1']")
    np.testing.assert_allclose(eye_of(page), first)
    page.select_option("#embedding-population", label="pixels")
    assert page.evaluate("document.querySelector('#embedding-plot').layout.title.text") == "pixels"
    # After a drag the buttons go on from what the reader sees, at the same height and distance.
    page.locator("#embedding-plot").scroll_into_view_if_needed()
    box = page.locator("#embedding-plot canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for moved in range(1, 9):
        page.mouse.move(x + 3 * moved, y + 2 * moved)
        frames(page, 2)
    until(page, f"Math.abs({EYE}.z - {first[2]}) > 0.02")
    page.mouse.up()
    dragged = at_rest(page)
    page.click("[data-turn='1']")
    now = eye_of(page)
    assert now[2] == pytest.approx(dragged[2])
    angle = np.arctan2(now[1], now[0]) - np.arctan2(dragged[1], dragged[0])
    assert np.mod(angle, 2 * np.pi) == pytest.approx(np.pi / 8)
    assert np.hypot(*now[:2]) == pytest.approx(np.hypot(*dragged[:2]))
    page.select_option("#embedding-population", label="pool")
    np.testing.assert_allclose(eye_of(page), now)
    page.click("#embedding-first")
    np.testing.assert_allclose(eye_of(page), first)
    # The wheel scrolls the page.
    place = page.evaluate("scrollY")
    page.locator("#embedding-plot").hover()
    page.mouse.wheel(0, -200)
    until(page, f"scrollY < {place}")
    np.testing.assert_allclose(eye_of(page), first)
    assert told == []
    page.context.close()


def test_without_webgl_two_components_are_shown_and_said(page, hostile_run):
    assert (
        page.inner_text("#embedding-note")
        == "This browser has no WebGL: the first two components are shown. Point at a dot to see its stimulus."
    )
    with xr.open_dataset(hostile_run.folder / "populations.nc") as found:
        expected = found["components"].to_numpy()[0, :, 0]
    drawn = page.evaluate("Array.from(document.querySelector('#embedding-plot').data[0].x)")
    np.testing.assert_allclose(drawn, expected, rtol=1e-5)


def test_without_scripts_paper_unfolds_and_pictures_and_tables_are_there(browser, hostile_page, tmp_path):
    folded = tmp_path / "folded.html"
    text = hostile_page.read_text(encoding="utf-8")
    folded.write_text(text.replace("</main>", "<details><summary>more</summary><p id='told'>told</p></details></main>"))
    page, _, _ = open_page(browser, folded.as_uri(), java_script_enabled=False)
    assert not page.locator("#told").is_visible()
    page.emulate_media(media="print")
    assert page.locator("#told").is_visible()
    page.emulate_media(media="screen")
    assert not page.locator("#told").is_visible()
    for fold in page.locator("summary").all():
        fold.click()
    for picture in page.locator("img").all():
        picture.scroll_into_view_if_needed()
        assert picture.is_visible()
    assert page.locator("#leaderboard tbody tr").count() == 8
    assert page.get_by_role("region", name="Similarities by other measures").is_visible()
    for hidden in ("#rdm-explorer", "#tuning-explorer", "#embedding-explorer", "#leaderboard-plot", "#method"):
        assert not page.locator(hidden).is_visible()
    page.context.close()


@pytest.mark.parametrize(("width", "scheme", "other"), [(1400, "dark", "light"), (390, "light", "dark")])
def test_axe_finds_nothing_and_the_page_is_no_wider_than_the_screen(browser, hostile_page, width, scheme, other):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    size = {"width": width, "height": 900}
    page, _, _ = open_page(browser, hostile_page.as_uri(), viewport=size, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    wide = page.locator("main > figure:not(.narrow)")
    assert wide.count() > 4
    # Pictures of many panels keep a width at which they can be read, and are scrolled, by keys too.
    assert {box.get_attribute("tabindex") for box in wide.all()} == {"0" if width == 390 else None}
    assert all(picture.bounding_box()["width"] >= 42 * 16 for picture in wide.locator("img").all())
    for ink in (INKS[scheme], INKS[other]):  # as it was opened, and when the reader has changed to the other
        until(page, f"{INK} === '{ink}'")
        found = axe.Axe().run(page)
        assert found.response["violations"] == []
        assert {check["id"] for check in found.response["passes"]} >= {"color-contrast", "image-alt", "label", "region"}
        page.emulate_media(color_scheme=other)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.context.close()


def test_pictures_follow_from_light_to_dark(page):
    assert page.evaluate(INK) == INKS["light"]
    page.emulate_media(color_scheme="dark")
    until(page, f"{INK} === '{INKS['dark']}'")


def test_on_paper_nothing_asks_to_be_clicked(page, tmp_path):
    page.emulate_media(media="print")
    for hidden in ("nav", "#rdm-explorer", "#tuning-explorer", "#method"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("#leaderboard").is_visible()
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.locator("main > figure:not(.narrow) img").first.bounding_box()["width"] <= 390
    page.set_viewport_size({"width": 1400, "height": 1000})
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_kinds_have_the_same_colours_everywhere(page):
    page.select_option("#rdm-left", label="pool")
    page.select_option("#rdm-right", label="pixels")
    blue, grey = "#0072b2", "#6b6b66"
    lines = "document.querySelector('#rdm-rows-plot').data.map(trace => [trace.line.color, trace.line.dash])"
    assert page.evaluate(lines) == [[blue, "solid"], [grey, "dash"]]
    page.select_option("#rdm-right", label="fc")
    assert page.evaluate(lines) == [[blue, "solid"], [blue, "dash"]]
    page.select_option("#rdm-left", label="mine (recording)")
    kinds = page.locator("#leaderboard tbody tr:not([hidden]) td:nth-child(2)").all_text_contents()
    marks = page.evaluate(
        "(({color, symbol}) => [color, symbol])(document.querySelector('#leaderboard-plot').data[0].marker)"
    )
    known = {
        "trained layer": (blue, "circle"),
        "untrained twin": ("#3f93c9", "circle-open"),
        "control": (grey, "square"),
    }
    shown = [known[kind.removesuffix(", not learned")] for kind in kinds]
    assert list(zip(*marks, strict=True))[::-1] == shown


def test_no_bar_of_buttons_stands_in_the_way_of_the_tab_key(page):
    assert page.locator(".modebar-btn").count() == 0


def test_the_sheet_of_stimuli_stands_in_the_page_once(page):
    page.focus("#rdm-row")
    page.keyboard.press("ArrowRight")
    tile = page.locator("#rdm-seen .tile").first
    assert "data:" not in tile.get_attribute("style")
    assert tile.evaluate("tile => getComputedStyle(tile).backgroundImage").startswith('url("data:image/png;base64,')


def test_preferences_in_the_page_are_the_neurons_own(page):
    page.select_option("#tuning-population", label="mine (recording)")
    found = page.evaluate("Array.from(document.querySelector('#tuning-overview').data[0].x)")
    np.testing.assert_allclose(found, PREFERRED, atol=5)


def test_of_a_unit_that_is_not_tuned_no_width_is_told(page):
    told = {True: 0, False: 0}
    for population in json.loads(page.locator("#data").text_content())["populations"]:
        if population["tuning"] is None:
            continue
        label = population["label"] + " (recording)" * (population["kind"] == "recording")
        page.select_option("#tuning-population", label=label)
        tuning = population["tuning"]
        asked = [name or str(unit) for name, unit in zip(tuning["names"], tuning["units"], strict=True)][:6]
        said = page.evaluate(  # without waiting for each to be drawn
            """units => units.map((unit) => {
                const input = document.querySelector('#tuning-unit');
                input.value = unit;
                input.dispatchEvent(new Event('change'));
                return document.querySelector('#tuning-facts').textContent;
            })""",
            asked,
        )
        facts = zip(asked, tuning["facts"]["tuned_orientation"], tuning["facts"]["width_deg"], said, strict=False)
        for unit, tuned, width, text in facts:
            tuned = tuned == 1 and width is not None
            assert f" {unit}: " in text
            assert ("width" in text) == tuned
            told[tuned] += 1
    assert min(told.values()) > 0


def numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def levels(found: dict) -> np.ndarray:
    return found["low"] + found["scale"] * numbers(found["values"], "<u2")


def test_what_is_encoded_comes_back(hostile_run):
    found = explorer(hostile_run, [])
    assert found["stimuli"]["labels"][:2] == ["−90°", "−75°"]
    assert found["stimuli"]["angles"] == ORIENTATION.tolist()
    own, pool = found["populations"][:2]
    assert (own["label"], own["kind"], pool["label"], pool["kind"]) == ("mine", "recording", "pool", "trained layer")
    above = np.triu_indices(12, k=1)
    for population, rdm in ((own, hostile_run.evaluation.recording_rdm), (pool, hostile_run.evaluation.shown[0].rdm)):
        np.testing.assert_allclose(levels(population["rdm"]), rdm[above], atol=0.51 * population["rdm"]["scale"])
        assert population["rdm"]["scale"] == pytest.approx(np.ptp(rdm[above]) / 65535, rel=1e-5)
    tuning = own["tuning"]
    assert tuning["total"] == 9
    drawn = [population["tuning"] for population in found["populations"] if population["label"] == "pixels"]
    assert [(len(pixels["units"]), pixels["total"]) for pixels in drawn] == [(200, 24 * 32)]
    assert tuning["names"] == NAMES
    mean = tuning["low"] + tuning["scale"] * numbers(tuning["mean"], "<u2").reshape(9, 12)
    trials = hostile_run.evaluation.recording.trials.to_numpy().reshape(12, 4, 9)
    # Half a step of 65535 between the smallest and the largest response.
    np.testing.assert_allclose(mean, trials.mean(axis=1).T, atol=0.51 * tuning["scale"])
    assert tuning["scale"] == pytest.approx(np.ptp(trials.mean(axis=1)) / 65535, rel=1e-5)
    json.dumps(found, allow_nan=False)


def test_of_many_stimuli_two_hundred_are_taken_evenly(hostile_run, tmp_path):
    n = 401
    rdm = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / n
    angles = np.linspace(-90, 90, n)
    folder = tmp_path / "run"
    shutil.copytree(hostile_run.folder, folder)
    xr.Dataset(
        {
            "components": (("population", "stimulus", "component"), np.zeros((1, n, 3), dtype=np.float32)),
            "key": ("population", ["mine"]),
            "kind": ("population", ["recording"]),
        },
        {"population": ["mine"], "orientation": ("stimulus", angles)},
    ).to_netcdf(folder / "populations.nc", engine="h5netcdf")
    xr.DataArray(
        rdm[None], {"population": ["mine"]}, ("population", "stimulus", "stimulus_2"), attrs={"metric": "correlation"}
    ).to_dataset(name="dissimilarity").to_netcdf(folder / "rdms.nc", engine="h5netcdf")
    pixels = np.random.default_rng(0).integers(0, 256, (21 * 3, 20 * 4)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "stimuli.png")
    found = explorer(Run.open(folder), [])
    kept = np.searchsorted(angles, found["stimuli"]["angles"])
    assert (len(kept), kept[0], kept[-1], found["stimuli"]["thinned_from"]) == (200, 0, 400, 401)
    assert set(np.diff(kept)) == {2, 3}
    assert (found["stimuli"]["width"], found["stimuli"]["height"]) == (4, 3)
    # The sheet holds what is kept, in its order, and nothing else.
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["stimuli"]["sheet"].split(",")[1]))))
    assert sheet.shape == (10 * 3, 20 * 4)
    tiles, every = (values.reshape(-1, 3, 20, 4).swapaxes(1, 2).reshape(-1, 3, 4) for values in (sheet, pixels))
    np.testing.assert_array_equal(tiles, every[kept])
    np.testing.assert_allclose(levels(found["populations"][0]["rdm"])[:199], (kept[1:] - kept[0]) / n, atol=1e-5)


def test_degrees_have_no_minus_zero():
    assert [_degrees(angle) for angle in (-0.0, 22.5, -90.0)] == ["0°", "22.5°", "−90°"]


def test_a_run_of_an_older_version_has_a_page_without_scripts(hostile_run, tmp_path):
    shutil.copytree(hostile_run.folder, tmp_path / "old")
    for name in ("populations.nc", "stimuli.png", "quality.json", "similarity_by_method.csv"):
        (tmp_path / "old" / name).unlink()
    text = report.render(tmp_path / "old")
    assert "<script" not in text
    assert "Does the answer depend on the measure" not in text


def test_the_methods_say_what_was_done(hostile_run):
    text = report.render(hostile_run.folder)
    said = text.split('<p id="methods-text">')[1].split("</p>")[0]
    for phrase in (
        "compared with the responses of 9 neurons (&lt;script&gt;",
        "to 12 gratings of different orientations in 48 trials (Me &amp; You, 2026)",
        "tilt-discrimination (40 stimuli; 2 epochs of batches of 20, learning rate 0.0005, momentum 0.99), and never",
        "The layers pool and fc were compared with the recording, and so were the same layers of 2 untrained networks",
        "The controls were Fourier amplitude, Gabor energy, orientation model and pixels.",
        "one minus the Pearson correlation between the responses of neurons or units to each pair",
        "trials and seeds of the untrained networks (60 samples), corrected for variance",
        "The stimuli were taken as all there are.",
        "with 320 random permutations of the stimuli, which ask whether model and recording are related at all",
        "The noise ceiling was estimated from split halves of the repeated trials.",
    ):
        assert phrase in said.replace("\n", " "), phrase
    assert NETWORK.replace("<", "&lt;").replace(">", "&gt;") in said
    numbered = text.split('<p id="methods-text">')[1].split("<ol>")[1].split("</ol>")[0]
    assert numbered.count("<li>") == max(int(part.split("]")[0]) for part in said.split("[")[1:])


def test_a_recording_that_counts_orientations_from_zero_is_shown_as_its_tuning_is(hostile_run, tmp_path):
    """The same stimulus has one angle, and so one colour, in all figures, those of the explorers included."""
    turned = [*range(0, 180, 15)]
    folder = tmp_path / "run"
    shutil.copytree(hostile_run.folder, folder)
    for name in ("populations.nc", "rdms.nc"):
        with xr.open_dataset(folder / name) as kept:
            own = {name: turned for name in ("orientation", "orientation_2") if name in kept.coords}
            changed = kept.load().assign_coords({name: (kept[name].dims, angles) for name, angles in own.items()})
        changed.to_netcdf(folder / name, engine="h5netcdf")
    run = Run.open(folder)
    within, order = np.arange(-90, 90, 15), np.roll(np.arange(12), 6)  # 90 degrees is -90, and comes first
    stimuli = explorer(run, [])["stimuli"]
    assert (stimuli["angles"], stimuli["start"], stimuli["period"]) == (within.tolist(), -90, 180)
    for name in ("rdms", "rdm_rows", "embeddings"):
        before, after = (one.figures[name].arguments for one in (hostile_run, run))
        np.testing.assert_array_equal(after["orientation"], within)
        for label, values in before["populations"].items():
            moved = values[order] if name == "embeddings" else values[np.ix_(order, order)]
            np.testing.assert_array_equal(after["populations"][label], moved)
    sheets = [
        Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2])))
        for text in (
            explorer(hostile_run, [])["stimuli"]["sheet"],
            stimuli["sheet"],
        )
    ]
    before, after = (np.asarray(sheet.convert("L")) for sheet in sheets)
    side = stimuli["width"]
    tiles = [np.asarray(own)[: stimuli["height"]] for own in (before, after)]
    for place, source in enumerate(order):
        np.testing.assert_array_equal(
            tiles[1][:, place * side : (place + 1) * side], tiles[0][:, source * side : (source + 1) * side]
        )
    assert "the recording’s 165° is shown as −15°" in report.render(folder)


def test_rdms_are_those_of_the_run(hostile_run):
    widget = hostile_run.rdm_widget()
    shown = hostile_run.shown_rdms
    assert len(widget.data) == len(shown)
    for trace, rdm in zip(widget.data, shown.to_numpy(), strict=True):
        np.testing.assert_allclose(trace.z, rdm, atol=1e-6)  # float32
    assert widget.data[0].x[0] == "−90°" and len(set(widget.data[0].x)) == 12
    chosen = [button.args[0]["visible"] for button in widget.layout.updatemenus[0].buttons]
    np.testing.assert_array_equal(chosen, np.eye(len(shown) - 1, dtype=bool))


def test_tuning_curves_are_means_over_trials(hostile_run):
    widget = hostile_run.tuning_widget()
    trials = hostile_run.evaluation.recording.trials.to_numpy().reshape(12, 4, 9)
    np.testing.assert_array_equal(widget.data[0].x, ORIENTATION)
    steps = widget.layout.sliders[0].steps
    curves = np.array([step.args[0]["y"][0] for step in steps])
    np.testing.assert_allclose(curves, trials.mean(axis=1).T, rtol=1e-5)
    errors = np.array([step.args[0]["error_y.array"][0] for step in steps])
    np.testing.assert_allclose(errors, trials.std(axis=1, ddof=1).T / 2, rtol=1e-4)
    assert len(steps) == len(NAMES)


@pytest.mark.parametrize("name", ["rdm_widget", "tuning_widget"])
def test_a_widget_needs_no_network_and_shows_names_as_text(hostile_run, name):
    widget = getattr(hostile_run, name)()
    bundle = widget._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "text/html", "text/plain"}
    assert "\n" not in bundle["text/plain"] and len(bundle["text/plain"]) < 200
    outside_the_library = bundle["text/html"].rpartition("Plotly.newPlot")
    assert not [own for own in REQUESTS if own in outside_the_library[0][-5000:] + outside_the_library[2]]
    own = str(bundle["application/vnd.plotly.v1+json"]).replace("<extra></extra>", "")
    assert "<" not in own and "\u202e" not in own
    assert "$" not in own  # no formula


def test_a_population_without_tuning_is_refused(hostile_run):
    with pytest.raises(InputError, match="no tuning of 'nothing'; this run has that of mine, "):
        hostile_run.tuning_widget("nothing")


def test_a_run_shows_itself_without_reading_arrays(hostile_run):
    run = Run.open(hostile_run.folder)
    said = repr(run), run._repr_html_(), repr(run.figures), run.figures._repr_html_()
    assert not {"rdms", "representations", "populations", "shown_rdms"} & set(vars(run))
    assert all("<script>" not in own for own in said)
    table = run.figures.summary()
    assert table["figure"].tolist() == list(run.figures)
    assert table.set_index("figure").loc["rdms", "caption"] == run.figures.caption("rdms")


def test_a_picture_is_shown_inline(hostile_run):
    picture = hostile_run.figures["similarity_bars"]
    assert repr(picture).startswith("<Picture: similarity_bars of ")
    assert picture._repr_png_().startswith(b"\x89PNG")
