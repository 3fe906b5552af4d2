"""The page of several runs says what their tables say, and no more."""

import json
import re
import warnings
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from runs_by_hand import CEILING, DIFFERENCES, NO_CEILING, VALUES, as_format_1, named, write_run

from normenc import figures, report
from normenc.errors import InputError
from normenc.report.changed_settings import side_by_side
from normenc.report.matching import conclusions, encoder_table, order_agreement
from normenc.runs import Run, open_all


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


class Page(HTMLParser):
    """The words of a page, its list of answers, and its elements."""

    def __init__(self, text: str):
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def page_of(*folders) -> Page:
    return Page(report.compare(folders))


def test_the_words_follow_the_numbers(tmp_path):
    one = write_run(tmp_path / "one")
    values = VALUES | {"pool": (0.3, 0.2, 0.02), "fc": (0.5, 0.01, 0.5), "pixels": (0.6, 0.01, 0.2)}
    found = DIFFERENCES | {("pool", "pool, untrained"): (-0.2, 0.01), ("fc", "pixels"): (-0.1, 0.2)}
    other = write_run(
        tmp_path / "two",
        recording="V2",
        values=values,
        differences=found,
        sha256="b" * 64,
        ceiling=NO_CEILING,
        n_train=5,
    )
    text = page_of(one, other).text
    for sentence in (
        "The recordings differ: “V1” in “mine × V1”; “V2” in “mine × V2”.",
        "Apart from the recording, one setting differs: task.n_train.",
        "The most similar trained layer is not the same: pool, 0.600 (75 % of a lower noise ceiling of 0.800) in "
        "“mine × V1”; fc, 0.500 (no noise ceiling) in “mine × V2”.",
        "pixels, a control that was never trained, has a higher similarity than every trained layer: 0.700 in "
        "“mine × V1”; 0.600 in “mine × V2”.",
        # Ranks 4 2 3 1 5 and 1.5 3.5 3.5 1.5 5, by hand: products sum to 5, squares to 10 and 9.
        "The order of the 5 encoders that both runs have (2 trained layers, 2 untrained twins and 1 control) has a "
        "Spearman rank correlation of 0.53.",
        "Of the encoders that both runs have, pool differs most in similarity: 0.300 in “mine × V2”, 0.600 in "
        "“mine × V1”.",
        # Two layers against chance, twin and pixels; the ceiling is tested in one run alone.
        "Of 6 conclusions about trained layers that occur in more than one run, 2 are the same and 4 differ.",
        "pool compared with chance: significantly above chance (p = 0.01) in “mine × V1”; not significantly above "
        "chance (p = 0.2) in “mine × V2”.",
        "pool compared with its untrained twin: significantly more similar (+0.100, p = 0.02) in “mine × V1”; "
        "significantly less similar (−0.200, p = 0.01) in “mine × V2”.",
        "fc compared with pixels: significantly less similar (−0.300, p = 0.01) in “mine × V1”; no significant "
        "difference (−0.100, p = 0.2)",
        "This page does not test differences between runs.",
        "fc pixels significantly less similar −0.300 (−0.350 to −0.250) p 0.010 no significant difference −0.100 "
        "(−0.150 to −0.050) p 0.200",
    ):
        assert sentence in text
    assert not re.search(r"\bnan\b|\bNone\b(?!\.| of)|Traceback", text)
    assert "runs differ significantly" not in text


def test_equal_runs_are_said_to_be_equal(tmp_path):
    text = page_of(write_run(tmp_path / "one"), write_run(tmp_path / "two")).text
    for sentence in (
        "Both runs use the same recording, “V1”, prepared in the same way.",
        "Apart from the recording, no setting differs.",
        "The most similar trained layer is pool in both runs: 0.600 (75 % of a lower noise ceiling of 0.800).",
        "correlation of 1.00",
        "In both runs, the similarities of the 5 encoders that they share are the same.",
        "Of 8 conclusions about trained layers that occur in more than one run, all are the same.",
        "mine × V1 (one): folder one, finished 2026-01-02 03:04:05",
    ):
        assert sentence in text


def test_the_same_responses_with_another_table_beside_them_are_another_recording(tmp_path):
    runs = [write_run(tmp_path / name) for name in ("one", "two", "three")]
    for run, table, name in zip(runs, "xyx", ("mine", "mine", "renamed"), strict=True):
        facts = json.loads((run / "environment.json").read_text())
        facts["recording"]["files"] = [
            {"name": f"{name}.npy", "bytes": 9, "sha256": "a" * 64},
            {"name": f"{name}.csv", "bytes": 9, "sha256": table * 64},
        ]
        (run / "environment.json").write_text(json.dumps(facts))
    text = page_of(*runs[:2]).text
    assert "Both runs use a recording called “V1”, but its content or description differs" in text
    assert "Both runs use the same file (by its SHA-256)" in page_of(runs[0], runs[2]).text


def test_a_simulation_with_another_seed_is_another_recording(tmp_path):
    runs = [write_run(tmp_path / name, simulated=True, sha256=None) for name in ("one", "two")]
    assert "Both runs use the same recording" in page_of(*runs).text
    study = runs[1] / "study.toml"
    study.write_text(study.read_text().replace('source = "V1"', 'source = "V1"\nseed = 1'))
    text = page_of(*runs).text
    assert "Both runs use a recording called “V1”, but its content or description differs" in text
    assert "All recordings are simulated: no animal was recorded" in text


def test_three_runs_and_encoders_that_some_lack(tmp_path):
    less = {name: VALUES[name] for name in ("pool", "pool, untrained", "pixels")}
    more = VALUES | {"pixels blurred": (0.2, 0.3, 0.01)}
    runs = [
        write_run(tmp_path / "one"),
        write_run(tmp_path / "two", recording="V2", values=more),
        write_run(tmp_path / "three", recording="V3", values=less),
    ]
    text = page_of(*runs).text
    assert "Only “mine × V1” and “mine × V2” have fc; fc, untrained; only “mine × V2” has pixels blurred." in text
    assert "always has a rank correlation of 1.00" in text  # V3 has three in common with the others, which is too few
    assert "mine × V1 mine × V3 3 –" in text
    assert text.count("not in this run") >= 4


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"pool": VALUES["pool"], "pixels": VALUES["pixels"]}, "the runs have 2 in common, fewer than 4"),
        (
            dict.fromkeys(VALUES, (0.5, 0.1, 0.1)),
            "the runs have 5 in common, and in one run all are equally similar",
        ),
    ],
)
def test_an_order_that_cannot_be_compared_is_said(tmp_path, values, reason):
    text = page_of(write_run(tmp_path / "one"), write_run(tmp_path / "two", values=values)).text
    assert f"The order of the encoders cannot be compared: {reason}." in text


def test_nothing_that_is_not_known_reaches_the_page(tmp_path):
    unknown = dict.fromkeys(VALUES, ("", "", ""))
    text = report.compare(
        [
            write_run(tmp_path / "one", values=unknown, ceiling=NO_CEILING),
            write_run(tmp_path / "two", ceiling=NO_CEILING),
        ]
    )
    words = Page(text).text
    assert "no trained layer in “mine × V1 (one)”" in words
    assert not re.search(r"\bnan\b|\binf\b", words, flags=re.IGNORECASE)
    assert "of the lower ceiling" not in words.split("Below each similarity")[0]


def test_a_ceiling_that_may_be_zero_is_no_yardstick(tmp_path):
    runs = open_all(
        [write_run(tmp_path / "one"), write_run(tmp_path / "two", ceiling=CEILING | {"ceiling_lower_low": -0.1})]
    )
    shares = encoder_table(runs).set_index(["run", "encoder"])["share"]
    assert shares[0, "pool"] == pytest.approx(0.6 / 0.8)
    assert np.isnan(shares[1, "pool"])


def test_other_methods_are_said_before_all_else(tmp_path):
    runs = [write_run(tmp_path / "one"), write_run(tmp_path / "two", method="spearman", resampled="stimuli")]
    text = report.compare(runs)
    start = Page(text.split('<div class="answer">')[0].split("</style>")[-1]).text
    assert "The runs measure similarity in different ways (correlation dissimilarities, pearson in" in start
    assert "cannot be compared" in start
    assert "differs most in similarity" not in text
    assert (
        "Intervals and tests resample different factors (stimuli and seeds in “mine × V1 (one)”; stimuli in "
        "“mine × V1 (two)”)" in Page(text).text
    )
    images = [attrs for tag, attrs in Page(text).tags if tag == "img"]
    assert [("pearson" in image["alt"], "spearman" in image["alt"]) for image in images] == [
        (True, False),
        (False, True),
    ]


def test_single_tasks_are_matched_whatever_they_are_called_and_several_by_name(tmp_path):
    runs = [write_run(tmp_path / "one", task="tilt"), write_run(tmp_path / "two", task="digits")]
    assert set(encoder_table(open_all(runs)).groupby("encoder").size()) == {2}
    grid = write_run(tmp_path / "grid", task="tilt")
    for name in ("similarity.csv", "similarity_by_seed.csv"):
        lines = (grid / name).read_text().splitlines()
        lines += [line.replace("tilt", "digits").replace("CNN", "CNN") for line in lines if ",tilt," in line]
        (grid / name).write_text("\n".join(lines) + "\n")
    counts = encoder_table(open_all([*runs, grid])).groupby("encoder").size()
    assert counts["tilt CNN pool"] == 2  # of the first run and the grid
    assert counts["digits CNN pool"] == 2
    assert counts["pool, untrained"] == counts["pixels"] == 3


def test_networks_of_other_names_are_not_the_same(tmp_path):
    runs = open_all([write_run(tmp_path / "one"), write_run(tmp_path / "two", model="deep")])
    table = encoder_table(runs)
    assert {"CNN pool", "deep pool", "deep pool, untrained", "pixels"} <= set(table["encoder"])
    # Tests are found although differences.csv of a run with one network does not name it.
    found = conclusions(runs, table)
    assert set(found.loc[found["run"] == 1, "encoder"]) == {"deep pool", "deep fc"}
    assert order_agreement(runs, table)["n"].tolist() == [1]


def test_ranges_over_networks_stand_beside_their_mean(tmp_path):
    one = write_run(tmp_path / "one", by_seed={"pool": [0.5, 0.7], "fc, untrained": [0.25, 0.3, 0.35], "pixels": [0.7]})
    table = encoder_table(open_all([one, write_run(tmp_path / "two")])).set_index(["run", "encoder"])
    assert table.loc[(0, "pool"), ["n_seeds", "seed_low", "seed_high"]].tolist() == [2, 0.5, 0.7]
    assert table.loc[(0, "fc, untrained"), ["n_seeds", "seed_low", "seed_high"]].tolist() == [3, 0.25, 0.35]
    assert "2 networks: 0.500 to 0.700" in page_of(one, tmp_path / "two").text


def test_folders_may_have_names_that_are_not_utf8(tmp_path):
    try:
        one = write_run(tmp_path / "caf\udce9")
    except OSError:
        pytest.skip("this disk wants names in UTF-8")
    report.write_comparison([one, write_run(tmp_path / "two")], tmp_path / "page.html")
    assert "(caf\\xe9)" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_texts_from_users_are_texts(tmp_path):
    evil = "<script>alert('x')</script>"
    verdict = {"verdict": f"unreliable {evil}", "warnings": [f"neuron {evil} & $x$ is odd"]}
    values = VALUES | {f"pixels {evil}": (0.2, 0.3, 0.01)}
    one = write_run(tmp_path / "one", name=evil, recording="V1 <b>& $2 猫</b>", values=values, quality=verdict)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # letters that the picture's font lacks are no reason to warn
        text = report.compare([one, write_run(tmp_path / "two", model=evil)])
    page = Page(text)
    assert not [tag for tag, _ in page.tags if tag in ("script", "b", "iframe", "object", "form")]
    assert "Warnings about the recording of <script>alert('x')</script> × V1 <b>& $2 猫</b>:" in page.text
    assert "neuron <script>alert('x')</script> & $x$ is odd" in page.text
    for tag, attrs in page.tags:
        if tag == "img":
            assert attrs["src"].startswith("data:image/svg+xml;base64,") and attrs["alt"]
    assert not re.search(r'(src|href)="(?!data:)', text)


def test_predictivity_stands_beside_where_there_is_any(tmp_path):
    row = named("pool", "tilt-discrimination", "CNN") | {"method": "ridge", "r": 0.31, "r_low": 0.2, "r_high": 0.4}
    row |= {"feve": "", "feve_low": "", "feve_high": ""}
    fitted = row | {
        "encoder": "point readout",
        "network": "point readout",
        "kind": "fitted to the neurons",
        "feve": 0.5,
        "feve_low": 0.4,
        "feve_high": 0.6,
    }
    one = write_run(tmp_path / "one", predictivity=[row, fitted])
    text = page_of(one, write_run(tmp_path / "two")).text
    assert "pool trained layer r 0.310 (0.200 to 0.400) ridge not in this run" in text
    assert "FEVE 0.500 (0.400 to 0.600) r 0.310" in text


def test_settings_side_by_side():
    one = {"name": "a", "task": {"n": 1}, "layers": ["x"], "flag": True, "x": float("nan"), "near": 0.12345678}
    other = {
        "name": "a",
        "task": [{"n": 1}, {"n": 2}],
        "layers": ["x"],
        "flag": 1,
        "x": float("nan"),
        "near": 0.12345679,
    }
    found = {setting.key: (setting.values, setting.same) for setting in side_by_side([one, other])}
    assert found == {
        "name": (("a", "a"), True),
        "task.1.n": (("1", "1"), True),
        "task.2.n": (("not set", "2"), False),
        "layers": (("x", "x"), True),
        "flag": (("yes", "1"), False),
        "x": (("unknown", "unknown"), True),
        "near": (("0.12345678", "0.12345679"), False),
    }


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "similarity.csv").unlink(), "incomplete: similarity.csv is missing"),
        (lambda run: (run / "study.toml").write_text("name = "), "study.toml: this file is damaged"),
        (
            lambda run: (run / "study.toml").write_text('name = "a"'),
            "study.toml is not from a run: it lacks recording",
        ),
        (lambda run: (run / "environment.json").write_text("[1"), "environment.json: this file is damaged"),
        (lambda run: (run / "environment.json").write_text("[1]"), "environment.json is not from a run"),
        (lambda run: (run / "similarity.csv").write_text(""), "similarity.csv: this table is damaged"),
        (
            lambda run: (run / "similarity.csv").write_text("a,b\n1,2\n"),
            "similarity.csv: this table is not from a run",
        ),
        (lambda run: (run / "similarity.csv").write_bytes(b"\xff\xfe\x00"), "similarity.csv: this file is damaged"),
        (
            lambda run: (run / "similarity.csv").write_text(
                (run / "similarity.csv").read_text().replace("0.6,", "six,")
            ),
            "column similarity must hold numbers",
        ),
        (
            lambda run: (run / "similarity.csv").write_text(
                (run / "similarity.csv").read_text().replace("trained layer", "layer")
            ),
            "similarity.csv: column kind holds 'layer', which is not a kind of encoder; the kinds are trained layer,",
        ),
        (
            lambda run: (run / "environment.json").write_text(
                (run / "environment.json").read_text().replace('"format": 3', '"format": 5')
            ),
            "the run has format 5, and this version of normenc reads formats up to 4; use the version that made",
        ),
    ],
)
def test_a_damaged_run_is_named(tmp_path, damage, message):
    run = write_run(tmp_path / "one")
    damage(run)
    with pytest.raises(InputError, match=message):
        Run.open(run)


def test_what_cannot_be_compared_is_refused_and_nothing_written(tmp_path):
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two")
    link = tmp_path / "link"
    link.symlink_to(one)
    for folders, message in (
        ([one], "1 run was given"),
        ([one, two, tmp_path / "one"], "given twice"),
        ([one, link], "given twice"),
        ([one, tmp_path / "none"], "none: there is no such folder"),
        ([one, one / "study.toml"], "study.toml: this is a file; give the folder of a run"),
        ([one, tmp_path], "incomplete: study.toml is missing"),
    ):
        with pytest.raises(InputError, match=message):
            report.write_comparison(folders, tmp_path / "out" / "page.html")
    assert not (tmp_path / "out").exists()


def test_a_page_is_not_overwritten_unasked(tmp_path):
    runs = [write_run(tmp_path / "one"), write_run(tmp_path / "two")]
    page = tmp_path / "new" / "page.html"
    assert report.write_comparison(runs, page) == page
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]
    page.write_text("mine")
    with pytest.raises(InputError, match="replace it with force=True"):
        report.write_comparison(runs, page)
    assert page.read_text() == "mine"
    report.write_comparison(runs, page, force=True)
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    for out, message in (
        (tmp_path / "page.txt", "choose a name that ends in .html"),
        (runs[0] / "report.html", "the report of a run"),
        (runs[0] / "study.toml" / "page.html", "is a file, not a folder"),
    ):
        with pytest.raises(InputError, match=message):
            report.write_comparison(runs, out, force=True)


def test_the_picture_has_a_row_an_encoder_and_a_ceiling_a_run(tmp_path):
    lower = CEILING | {"ceiling_lower": 0.5, "ceiling_upper": 0.6}
    runs = [write_run(tmp_path / "one"), write_run(tmp_path / "two", ceiling=lower)]
    table = encoder_table(open_all(runs))
    axes = figures.run_comparison(table)
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == ["noise ceiling", "pool", "fc", "pool, untrained", "fc, untrained", "pixels"]
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == [pytest.approx((0.8, 0.9)), pytest.approx((0.5, 0.6))]
    points = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    assert [round(float(line.get_xdata()[0]), 3) for line in points] == 2 * [0.6, 0.4, 0.5, 0.3, 0.7]
    assert {round(float(line.get_ydata()[0])) for line in points} == {1, 2, 3, 4, 5}
    second = table[table["run"] == 1]
    colours = [
        figures.run_comparison(second, runs=labels).patches[0].get_facecolor()
        for labels in (None, ["x", *set(second["label"])])
    ]
    assert colours == [axes.patches[0].get_facecolor(), axes.patches[1].get_facecolor()]
    with pytest.raises(InputError, match="no column 'kind'"):
        figures.run_comparison(table.drop(columns="kind"))
    with pytest.raises(InputError, match="one comparison method"):
        figures.run_comparison(table.assign(comparison=["pearson", "cosine"] * 5))


def test_a_run_of_format_1_reads_as_today(tmp_path):
    row = named("pool, untrained", "tilt-discrimination", "CNN") | {"method": "ridge", "r": 0.31}
    row |= dict.fromkeys(("r_low", "r_high", "feve", "feve_low", "feve_high"), "")
    new, old = (write_run(tmp_path / name, predictivity=[row]) for name in ("new", "old"))
    found, older = (Run.open(folder) for folder in (new, as_format_1(old)))
    assert "model," in (old / "similarity.csv").read_text()
    for name in ("similarity", "differences", "similarity_by_seed", "predictivity"):
        one, other = getattr(found, name), getattr(older, name)
        assert other[one.columns].astype(str).equals(one.astype(str))
    text = page_of(new, old).text
    assert "Of 8 conclusions about trained layers that occur in more than one run, all are the same." in text
    assert "Only " not in text


def test_old_keys_of_runs_are_no_difference_and_no_warning(tmp_path):
    folders = [write_run(tmp_path / name) for name in ("one", "two")]
    for folder, key in zip(folders, ("arc", "fold_arc"), strict=True):
        file = folder / "study.toml"
        file.write_text(f"{file.read_text(encoding='utf-8')}\n[encoding]\n{key} = 5.0\n", encoding="utf-8")
    runs = open_all(folders)  # where a warning is an error
    settings = {setting.key: setting for setting in side_by_side([run.settings for run in runs])}
    assert settings["encoding.fold_arc"].values == ("5", "5")
    assert "encoding.arc" not in settings
