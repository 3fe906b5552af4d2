"""The page of several runs in a real browser: self-contained, accessible, readable on a phone."""

import pytest
from runs_by_hand import DIFFERENCES, VALUES, write_run

from normenc import report
from normenc.report import serving


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    place = tmp_path_factory.mktemp("compared")
    long = "layer_" + "of_a_name_without_end_" * 4
    values = VALUES | {"pixels " + long: (0.2, 0.3, 0.01)}
    found = DIFFERENCES | {("pool", "pool, untrained"): (-0.2, 0.4)}
    quality = {"verdict": "unreliable", "warnings": ["half of the neurons are silent."]}
    runs = [
        write_run(place / "one", quality=quality, simulated=True),
        write_run(place / "two", recording="<script>alert(1)</script>", values=values, differences=found, n_train=5),
        write_run(place / "three", recording="V3" + "x" * 60, method="spearman"),
    ]
    return report.write_comparison(runs, place / "comparison.html")


def opened(browser, address: str, width: int, scheme: str):
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(address)
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 390])
def test_the_page_is_accessible_self_contained_and_fits(browser, page_file, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    address = page_file.as_uri()
    page = opened(browser, address, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], [node["target"] for node in found["nodes"]]) for found in violations] == []
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [address]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    page.context.close()


def test_all_is_reached_by_the_keyboard(browser, page_file):
    page = opened(browser, page_file.as_uri(), 390, "light")
    reached = set()
    for _ in range(page.evaluate("document.querySelectorAll('summary, .scroll').length") + 1):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
        )
    assert "Similarities of every encoder in every run" in reached
    assert any(name.startswith("The same in all") for name in reached)
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") is not None
    page.context.close()


def test_on_paper_everything_is_unfolded(browser, page_file):
    page = opened(browser, page_file.as_uri(), 1400, "light")
    folded = page.locator("details table").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()
    page.context.close()


def test_the_page_works_as_it_is_served(browser, page_file):
    import threading

    server = serving.server_of(page_file)
    thread = threading.Thread(target=serving.serve, args=(server,), daemon=True)
    thread.start()
    page = opened(browser, server.address, 1400, "light")
    assert page.locator("h1").inner_text() == "What differs between 3 runs?"
    assert page.evaluate("document.images[0].naturalWidth") > 0
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [server.address]
    page.context.close()
    server.shutdown()
    thread.join()
