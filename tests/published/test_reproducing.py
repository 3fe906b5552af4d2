"""Published numbers beside those that are found, and files that state them."""

import json
import math
import shutil
import tomllib

import numpy as np
import pandas as pd
import pytest
import tomli_w

from normenc.errors import InputError
from normenc.published import Found, judge, load_publication, publications, rdm_ceiling, reproduce, write_publication
from normenc.published.reproducing import FAILED, LONG, NOT_HERE, check_measures, study_on
from normenc.recordings import load
from normenc.runs.marker import made_of, write_marker
from promised_json import promised

SHIPPED = publications()
ALL = ("holds", "does not hold", "cannot be told")


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ((1.0,), "holds"),
        ((1.1,), "holds"),  # at the very end
        ((1.2,), "does not hold"),
        ((1.0, 0.95, 1.05), "holds"),
        ((1.0, 0.5, 1.05), "cannot be told"),
        ((1.0, 0.5, 2.0), "cannot be told"),
        ((2.0, 1.5, 2.5), "does not hold"),
        ((1.3, 1.05, 1.5), "cannot be told"),
        ((math.nan,), "cannot be told"),
    ],
)
def test_results_follow_from_the_interval(found, result):
    assert judge(0.9, 1.1, Found(*found)) == result
    assert judge(-1.1, -0.9, Found(-found[0], *(-end for end in found[:0:-1]))) == result


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_publication_can_be_computed(name):
    publication = SHIPPED[name]
    assert name == publication.folder.joinpath(f"{name}.toml").stem and (publication.folder / f"{name}.toml").is_file()
    check_measures(publication)
    for claim in publication.claims:
        assert claim.lowest < claim.highest and claim.where
    if publication.study is not None:
        study = study_on(publication, None)
        layers = {layer for network in study.network for layer in study.layers_of(network)}
        for claim in publication.claims:
            for rows in (claim.options.get("where", {}), claim.options.get("minus", {})):
                own = rows.get("layer", [])
                assert set([own] if isinstance(own, str) else own) <= layers
                assert rows.get("task") in (None, *(task.title for task in study.task))


def test_stated_numbers_are_those_of_the_publications():
    stated = {own.name: [claim.value for claim in own.claims] for own in SHIPPED.values()}
    assert stated == {
        "reference": [0.410, 0.0517, 0.0132, 0.00227, 8.15e-5, 0.999, 0.717, 0.564],
        "human-it": [0.252, 0.612, 0.301],
        "stringer2019": [1.0],
        "stringer2021": [0.35],
        "minimodel": [1239, 0.7267],
        "conwell2021": [0.921, 0.916, 0.910, 0.508],
        "nayebi2023": [None, None, None],
    }


def test_human_it_holds(normenc, shared_data, tmp_path):
    code, out, _ = normenc("reproduce", "human-it", "--data", shared_data, "--out", "found")
    assert code == 0
    assert "Of 3 published numbers: 3 hold." in out
    table = pd.read_csv(tmp_path / "found" / "reproduction.csv")
    assert table["found"].round(3).tolist() == [0.252, 0.612, 0.301]
    page = (tmp_path / "found" / "reproduction.html").read_text(encoding="utf-8")
    assert page.count("<strong>holds</strong>") == 3 and "0.3012" in page
    code, _, err = normenc("reproduce", "human-it", "--data", shared_data, "--out", "found")
    assert code == 2 and "pass --force to replace it" in err
    assert normenc("reproduce", "human-it", "--data", shared_data, "--out", "found", "--force")[0] == 0


def test_the_reference_study_holds(shared_data):
    """Its training log, and the similarities with the digitised V1."""
    found = reproduce([SHIPPED["reference"]], data=shared_data, device="cpu", progress=False)
    assert found.table["result"].tolist() == ["holds"] * 8, found.table[["claim", "published", "found", "result"]]
    assert found.table["recording"].tolist() == [""] * 6 + ["v1_rdm_digitised.npz"] * 2
    assert found.holds


def test_what_is_not_here_is_not_tried(normenc, monkeypatch, tmp_path):
    monkeypatch.delenv("NORMENC_SHARED_DATA", raising=False)
    code, out, _ = normenc("reproduce", *(name for name in SHIPPED if name != "reference"))
    assert code == 0
    table = pd.read_csv(tmp_path / "runs" / "reproduction" / "reproduction.csv")
    assert set(table["result"]) == {NOT_HERE} and table["found"].isna().all()
    assert "minimodel, reliable neurons and FEVE: minimodel/FX20: normenc recordings fetch minimodel/FX20" in out
    assert "not tried (recording is not here)" in out


MINE = """name = "mine"
title = "Mine <b>"
citation = "We, 2026"
[recordings.v1]
sources = ["gone.npz", "v1.npz"]
get = "ask us"
"""
CLAIM = """
[[claims]]
name = "{name}"
what = "ceiling {name}"
where = "Fig. 1"
value = {value}
tolerance = 0.1
recording = "v1"
measure = "rdm_ceiling"
options = {{ n_draws = 3, n_splits = 2 }}
"""


@pytest.fixture
def mine(tmp_path):
    """A recording, and a file that states its ceiling, and others."""
    rng = np.random.default_rng(0)
    signal, shown = rng.normal(size=(12, 40)), np.tile(np.arange(12), 8)
    trials = signal[shown] + rng.normal(size=(96, 40))
    np.savez(tmp_path / "v1.npz", responses=trials, image=[f"image{k:02d}" for k in shown])
    truth = rdm_ceiling(load(tmp_path / "v1.npz"), n_draws=3, n_splits=2)
    values = {"right": truth.value, "wrong": truth.value + 0.5, "edge": truth.value + 0.1}
    path = tmp_path / "mine.toml"
    path.write_text(MINE + "".join(CLAIM.format(name=name, value=value) for name, value in values.items()))
    return path


def test_each_result_is_told(mine, normenc, tmp_path):
    code, out, _ = normenc("reproduce", "mine.toml")
    assert code == 1
    table = pd.read_csv(tmp_path / "runs" / "reproduction" / "reproduction.csv").set_index("claim")
    assert table["result"].to_dict() == {"right": "holds", "wrong": "does not hold", "edge": "cannot be told"}
    assert set(table["recording"]) == {"v1.npz"}
    assert "1 holds; 1 does not hold; 1 cannot be told" in out
    code, out, _ = normenc("reproduce", "mine.toml", "--out", "again", "--json")
    printed = json.loads(out)
    assert (code, set(printed), printed["holds"]) == (1, promised("reproduce"), False)
    assert {own["claim"]: own["result"] for own in printed["claims"]} == table["result"].to_dict()
    page = (tmp_path / "runs" / "reproduction" / "reproduction.html").read_text(encoding="utf-8")
    assert "Mine &lt;b&gt;" in page and "<b>" not in page


def test_a_damaged_recording_is_not_called_absent(mine, tmp_path):
    (tmp_path / "v1.npz").write_bytes((tmp_path / "v1.npz").read_bytes()[:500])
    found = reproduce([load_publication(mine)], progress=False)
    assert set(found.table["result"]) == {FAILED} and not found.holds
    assert found.table["note"].str.contains("v1.npz").all()
    with pytest.raises(InputError, match="there is no such folder"):
        reproduce([load_publication(mine)], data=tmp_path / "nowhere")


def test_another_recording_can_be_given(mine, tmp_path):
    publication = load_publication(mine)
    (tmp_path / "v1.npz").rename(tmp_path / "other.npz")
    assert set(reproduce([publication], progress=False).table["result"]) == {NOT_HERE}
    found = reproduce([publication], recording=tmp_path / "other.npz", progress=False)
    assert found.table["result"].tolist()[0] == "holds"
    with pytest.raises(InputError, match="one publication"):
        reproduce([publication, SHIPPED["conwell2021"]], recording="other.npz")


def test_what_takes_hours_waits_until_it_is_asked_for(mine):
    mine.write_text(mine.read_text().replace('where = "Fig. 1"', 'where = "Fig. 1"\nlong = true'))
    publication = load_publication(mine)
    assert set(reproduce([publication], progress=False).table["result"]) == {LONG}
    assert set(reproduce([publication], long=True, progress=False).table["result"]) == set(ALL)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("tolerance = 0.1", "", "give value and tolerance"),
        ("tolerance = 0.1", "tolerance = 0.1\nat_least = 0.0", "give value and tolerance"),
        ("tolerance = 0.1", "at_least = 2.0\nat_most = 1.0", "at_least is 2"),
        ('recording = "v1"', 'recording = "v2"', "[recordings] has v1"),
        ('name = "wrong"', 'name = "right"', "two claims have the name"),
        ('title = "Mine <b>"', 'titel = "Mine"', "titel"),
        ("tolerance = 0.1", "tolerance = nan", "tolerance"),
        ('citation = "We, 2026"', 'citation = "We"\nfolder = "/"', "folder: no such key"),
    ],
)
def test_faults_of_a_file_are_told(mine, old, new, said):
    mine.write_text(mine.read_text().replace(old, new, 1))
    with pytest.raises(InputError) as refused:
        load_publication(mine)
    assert said in str(refused.value) and "mine.toml" in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('measure = "rdm_ceiling"', 'measure = "rdm_celing"', "must be one of table, "),
        ("n_draws = 3", "draws = 3", "'draws'"),
        ('recording = "v1"\n', "", "has no recording"),
        (
            'measure = "rdm_ceiling"\noptions = { n_draws = 3, n_splits = 2 }',
            'measure = "table"',
            r"no section \[study\]",
        ),
    ],
)
def test_unknown_measures_and_options_are_refused_before_anything_is_computed(mine, old, new, said, tmp_path):
    mine.write_text(mine.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=said):
        reproduce([load_publication(mine)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_becomes_a_publication_that_holds(normenc, small_run, tmp_path):
    code, out, _ = normenc("reproduce", "--from", small_run, "--encoder", "fc", "--encoder", "fc, untrained")
    assert (code, out) == (0, "publication: published.toml\n")
    stated = tomllib.loads((tmp_path / "published.toml").read_text())
    assert [claim["options"]["where"]["kind"] for claim in stated["claims"]] == ["trained layer", "untrained twin"]
    code, out, _ = normenc("reproduce", "--from", small_run, "--encoder", "fc", "--out", "other.toml", "--json")
    assert (code, json.loads(out), promised("reproduce --from")) == (0, {"publication": "other.toml"}, {"publication"})
    code, out, _ = normenc("reproduce", "published.toml", "--device", "cpu")
    assert code == 0 and "Of 2 published numbers: 2 hold." in out
    lines = (tmp_path / "published.toml").read_text().splitlines()
    moved = ["at_least = -1.0" if line.startswith("at_least") else line for line in lines]
    moved = ["at_most = -0.999" if line.startswith("at_most") else line for line in moved]
    (tmp_path / "published.toml").write_text("\n".join(moved))
    code, out, _ = normenc("reproduce", "published.toml", "--device", "cpu", "--out", "again")
    assert code == 1 and "2 do not hold" in out


STUDIED = """
[[claims]]
name = "{name}"
what = "epochs"
where = "its training log"
value = {value}
tolerance = 0.0
measure = "table"
options = {{ file = "training.csv", column = "epoch", pick = "last"{minus} }}
{more}
"""


def test_a_number_may_be_subtracted_from_that_of_a_changed_study(small_study, tmp_path):
    head = 'name = "mine"\ntitle = "Mine"\ncitation = "We"\n'
    one = small_study.model_dump(exclude_none=True)
    study = {key: one[key] for key in ("stages", "stimuli", "comparison", "training", "identify")}
    study |= {key: one[key][0] for key in ("recording", "task", "network")}
    claims = STUDIED.format(name="of one", value=2, minus="", more="")
    more = "minus_study = { training = { n_epochs = 1, n_seeds = 1 } }"
    claims += STUDIED.format(name="of two", value=1, minus=", minus = { task = 'tilt-discrimination' }", more=more)
    study["training"] |= {"n_seeds": 1}
    path = tmp_path / "mine.toml"
    path.write_text(head + claims + tomli_w.dumps({"study": study}))
    found = reproduce([load_publication(path)], device="cpu", progress=False)
    assert found.table["found"].tolist() == [2, 1], found.table["note"].tolist()
    assert found.holds
    path.write_text(path.read_text().replace(", minus = { task = 'tilt-discrimination' }", ""))
    with pytest.raises(InputError, match="has minus_study, but subtracts nothing"):
        reproduce([load_publication(path)])


def test_paths_of_a_publication_are_relative_to_it(small_run, tmp_path):
    recording = tmp_path / "data" / "mine.npz"
    recording.parent.mkdir()
    run = shutil.copytree(small_run, tmp_path / "run")
    text = (run / "study.toml").read_text()
    other = f'source = "{recording}"\nnames = {{ responses = "/processing/rates" }}'
    (run / "study.toml").write_text(text.replace('source = "simulated-v1"', other))
    write_marker(run, made_of(run, "run"))  # as if the run had been made so
    path = write_publication(run, tmp_path / "paper" / "paper.toml", citation="We, 2026")
    stated = load_publication(path)
    assert stated.recordings["recording"].sources == ["mine.npz", "../data/mine.npz"]
    assert stated.study["recording"]["source"] == "../data/mine.npz"
    assert stated.study["recording"]["names"] == {"responses": "/processing/rates"}  # a name within the file
    assert stated.citation == "We, 2026"
    assert str(tmp_path) not in path.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"only": ["nobody"]}, "no encoder 'nobody'"),
        ({"tolerance": -1.0}, "tolerance is -1"),
    ],
)
def test_what_cannot_be_stated_is_refused(small_run, tmp_path, options, said):
    with pytest.raises(InputError, match=said):
        write_publication(small_run, tmp_path / "p.toml", **options)
    assert not (tmp_path / "p.toml").exists()


@pytest.mark.parametrize("name", ["similarity.csv", "study.toml", "environment.json"])
def test_numbers_of_a_run_that_was_edited_are_not_published(small_run, tmp_path, name):
    run = shutil.copytree(small_run, tmp_path / "run")
    text = (run / name).read_text()
    if name == "similarity.csv":
        text = text.replace("0.", "0.9", 1)
    (run / name).write_text(f"{text}\n")
    with pytest.raises(InputError, match=f"{name}: this file is not as the run wrote it"):
        write_publication(run, tmp_path / "p.toml")
    assert not (tmp_path / "p.toml").exists()


def test_similarities_without_an_interval_need_a_tolerance(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    table = pd.read_csv(run / "similarity.csv")
    table.loc[table["encoder"] == "pixels", ["low", "high"]] = np.nan
    table.to_csv(run / "similarity.csv", index=False)
    write_marker(run, made_of(run, "run"))  # as if the run had been made so
    path = write_publication(run, tmp_path / "p.toml")
    assert "pixels" not in {claim.name for claim in load_publication(path).claims}
    with pytest.raises(InputError, match="pixels: its similarity has no interval; give tolerance="):
        write_publication(run, tmp_path / "q.toml", only=["pixels"])
    (claim,) = load_publication(write_publication(run, tmp_path / "q.toml", only=["pixels"], tolerance=0.05)).claims
    assert (claim.value, claim.tolerance, claim.at_least) == (pytest.approx(claim.lowest + 0.05), 0.05, None)
    with pytest.raises(InputError, match="is there already; pass force=True"):
        write_publication(run, tmp_path / "q.toml", tolerance=0.05)


def test_options_of_the_other_form_are_refused(normenc, small_run):
    assert "--data goes without --from" in normenc("reproduce", "--from", small_run, "--data", ".")[2]
    assert "--tolerance goes with --from RUN" in normenc("reproduce", "--tolerance", 0.1)[2]
    assert "there are conwell2021, " in normenc("reproduce", "nobody")[2]
    code, out, _ = normenc("reproduce", "human-it", "--list")
    assert code == 0 and "0.301 ± 0.0005" in out
    listed = json.loads(normenc("reproduce", "human-it", "--list", "--json")[1])
    assert {key for row in listed for key in row} == promised("reproduce --list")
    assert "0.301 ± 0.0005" in {row["published"] for row in listed}
