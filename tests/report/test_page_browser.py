"""The report in a real browser: what moves does what it says, and nothing is asked of the network."""

import functools
import http.server
import threading
import time

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hostile import NAMES, NETWORK, ORIENTATION, PREFERRED

MINUS = "−"


def labelled(angle: float) -> str:
    return f"{angle:g}°".replace("-", MINUS)


def open_page(browser, address, **options):
    """The page, when its scripts are through, and what it told and asked while it loaded."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 1000}} | options)
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
    shown, told, _ = open_page(browser, hostile_page.as_uri())
    yield shown, told
    shown.context.close()


@pytest.fixture
def page(opened):
    """One page for all tests that do not ask for another; each sets what it looks at, and leaves no error behind."""
    shown, told = opened
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


def until(page, expression: str) -> None:
    """Wait until it is so; the page's policy forbids what Playwright's own way of waiting does in the page."""
    stop = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < stop, expression
        page.wait_for_timeout(20)


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


def test_from_a_file_it_loads_without_an_error_or_a_request(browser, hostile_page):
    page, told, asked = open_page(browser, hostile_page.as_uri())
    assert told == []
    assert [address for address in asked if not address.startswith(("data:", "blob:"))] == [hostile_page.as_uri()]
    assert page.evaluate("window.harmed") is None
    page.context.close()


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
    move_to(page, "rdm-right-plot", 9, 2)
    page.mouse.down()
    page.mouse.up()
    until(page, "document.querySelector('#rdm-rows-plot').layout.title.text === 'row 45°'")
    first, second = page.evaluate("document.querySelector('#rdm-rows-plot').data.map(trace => Array.from(trace.y))")
    np.testing.assert_allclose(first, rdms["mine"][9], atol=1e-6)
    np.testing.assert_allclose(second, rdms["pixels"][9], atol=1e-6)


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
    page.fill("#tuning-unit", "6")
    page.press("#tuning-unit", "Enter")
    y = page.evaluate("Array.from(document.querySelector('#tuning-plot').data.at(-1).y)")
    np.testing.assert_allclose(y, trials[:, :, 5].mean(axis=1), atol=2e-4)
    upper = page.evaluate("Array.from(document.querySelector('#tuning-plot').data[0].y)")
    error = trials[:, :, 5].std(axis=1, ddof=1) / 2
    np.testing.assert_allclose(np.subtract(upper, y), error, atol=2e-4)
    assert f"mine, {NAMES[5]}: prefers 1" in page.inner_text("#tuning-facts")  # 15 degrees, or nearly
    page.click("[data-step='1']")
    assert NAMES[6] in page.inner_text("#tuning-facts")
    for _ in range(3):  # around the end
        page.click("[data-step='1']")
    assert NAMES[0] in page.inner_text("#tuning-facts")
    for wrong, right in (("99", "9"), ("-4", "1"), ("2.4", "2")):
        page.fill("#tuning-unit", wrong)
        page.press("#tuning-unit", "Enter")
        assert page.input_value("#tuning-unit") == right


def test_a_click_on_a_point_chooses_its_neuron(page):
    page.select_option("#tuning-population", label="mine (recording)")
    x, y = page.evaluate(
        """() => {
            const plot = document.querySelector('#tuning-overview');
            plot.scrollIntoView();
            const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect(), [trace] = plot.data;
            return [box.left + xaxis._offset + xaxis.l2p(trace.x[7]), box.top + yaxis._offset + yaxis.l2p(trace.y[7])];
        }"""
    )
    page.mouse.move(x, y, steps=3)
    page.mouse.down()
    page.mouse.up()
    until(page, f"document.querySelector('#tuning-facts').textContent.includes('{NAMES[7]}')")
    assert page.input_value("#tuning-unit") == "8"


def test_units_of_layers_can_be_chosen(page):
    page.select_option("#tuning-population", label="fc")
    assert page.inner_text("#tuning-count") == "unit, 1 to 10"
    assert page.inner_text("#tuning-facts").startswith("fc, unit 1: ")


def test_names_are_text_whatever_they_are(page):
    page.select_option("#tuning-population", label="mine (recording)")
    assert page.locator("#tuning-plot .gtitle").text_content() == NAMES[0]
    assert page.inner_text("#tuning-facts").startswith(f"mine, {NAMES[0]}: prefers")
    page.click("[data-step='1']")
    assert page.locator("#tuning-plot .gtitle").text_content() == "<b>bold</b>"
    assert page.evaluate("window.harmed") is None
    assert page.inner_text("h1").startswith(f"Does {NETWORK}, trained on")


def test_the_embedding_is_turned_by_buttons(launch, hostile_page):
    with_webgl = launch("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    page, told, _ = open_page(with_webgl, hostile_page.as_uri())
    camera = "document.querySelector('#embedding-plot')._fullLayout.scene.camera.eye.x"
    before = page.evaluate(camera)
    page.click("[data-turn='1']")
    assert abs(page.evaluate(camera) - before) > 0.1
    page.click("[data-turn='-1']")
    assert page.evaluate(camera) == pytest.approx(before)
    page.select_option("#embedding-population", label="pixels")
    assert page.evaluate("document.querySelector('#embedding-plot').layout.title.text") == "pixels"
    assert told == []
    page.context.close()


def test_without_webgl_two_components_are_shown_and_said(page, hostile_run):
    assert page.inner_text("#embedding-note") == "This browser has no WebGL: the first two components are shown."
    with xr.open_dataset(hostile_run.folder / "populations.nc") as found:
        expected = found["components"].to_numpy()[0, :, 0]
    drawn = page.evaluate("Array.from(document.querySelector('#embedding-plot').data[0].x)")
    np.testing.assert_allclose(drawn, expected, rtol=1e-5)


def test_without_scripts_pictures_and_tables_are_there(browser, hostile_page):
    page, _, _ = open_page(browser, hostile_page.as_uri(), java_script_enabled=False)
    for picture in page.locator("img").all():
        picture.scroll_into_view_if_needed()
        assert picture.is_visible()
    assert page.locator("#leaderboard tbody tr").count() == 8
    assert page.get_by_role("region", name="Similarities by other measures").is_visible()
    for hidden in ("#rdm-explorer", "#tuning-explorer", "#embedding-explorer", "#leaderboard-plot", "#method"):
        assert not page.locator(hidden).is_visible()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_axe_finds_nothing_and_the_page_is_no_wider_than_the_screen(browser, hostile_page, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    size = {"width": width, "height": 900}
    page, _, _ = open_page(browser, hostile_page.as_uri(), viewport=size, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    found = axe.Axe().run(page)
    assert found.response["violations"] == []
    assert {check["id"] for check in found.response["passes"]} >= {"color-contrast", "image-alt", "label", "region"}
    page.context.close()


def test_pictures_follow_from_light_to_dark(page):
    ink = "document.querySelector('#tuning-plot').layout.font.color"
    assert page.evaluate(ink) == "#1c1c1a"
    page.emulate_media(color_scheme="dark")
    until(page, f"{ink} === '#ecece6'")


def test_on_paper_nothing_asks_to_be_clicked(page, tmp_path):
    page.emulate_media(media="print")
    for hidden in ("nav", "#rdm-explorer", "#tuning-explorer", "#method"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("#leaderboard").is_visible()
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_preferences_in_the_page_are_the_neurons_own(page):
    page.select_option("#tuning-population", label="mine (recording)")
    found = page.evaluate("Array.from(document.querySelector('#tuning-overview').data[0].x)")
    np.testing.assert_allclose(found, PREFERRED, atol=5)
