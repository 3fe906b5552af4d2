"""``normenc compare`` and ``normenc open`` as people meet them."""

import pytest
from runs_by_hand import VALUES, write_run


def test_compare_prints_a_table_and_writes_the_page(normenc, tmp_path):
    write_run(tmp_path / "one")
    write_run(tmp_path / "two", recording="V2", values=VALUES | {"fc": (0.25, 0.2, 0.01)})
    code, out, err = normenc("compare", "one", "two")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert ["fc", "trained", "layer", "0.400", "0.250"] in rows
    assert ["pixels", "control", "0.700", "0.700"] in rows
    assert out.splitlines()[-1] == "comparison: comparison.html"
    assert (tmp_path / "comparison.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    code, out, err = normenc("compare", "one", "two")
    assert (code, out) == (2, "")
    assert "comparison.html: this page exists already; replace it with --force" in err
    code, out, _ = normenc("compare", "one", "two", "--out", "new/page.html")
    assert code == 0
    assert (tmp_path / "new" / "page.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "one"], "1 run was given; a comparison takes two or more"),
        (["compare", "one", "./one"], "given twice"),
        (["compare", "one", "none"], "none: there is no such folder"),
        (["open", "none"], "this file or folder does not exist"),
        (["open", "one", "--no-browser"], "training.csv is missing"),
    ],
)
def test_errors_are_one_message(normenc, tmp_path, arguments, message):
    write_run(tmp_path / "one")
    code, out, err = normenc(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("normenc: error: ") and message in err
    assert "Traceback" not in err
