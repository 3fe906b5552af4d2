"""Measures of responses beside those of RDMs in a study, and animals as its yardstick."""

import re

import numpy as np
import pandas as pd
import pytest

from normenc import recordings, report, rsa, study
from normenc.encoding.directions import DIRECTIONS
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.report.animal_sentences import VERDICTS, in_both_directions
from normenc.runs import Run
from normenc.runs.columns import TABLES
from normenc.study.settings import Study
from run_schema import check_columns, check_types

ORIENTATION = np.arange(0, 180, 12.0)
MEASURES = ["pearson", "linear-cka", "one-to-one"]


def animals(names=("a", "b", "c"), n_neurons=12) -> Recording:
    rng = np.random.default_rng(0)
    preferred = rng.uniform(0, 180, len(names) * n_neurons)
    rows = np.exp(np.cos(np.radians(2 * (ORIENTATION[:, None] - preferred))))
    rows += 0.3 * rng.normal(size=rows.shape)
    own = Recording.from_responses("mine", rows, ORIENTATION, neurons={"neuron_animal": np.repeat(names, n_neurons)})
    return own


def settings(path, **comparison):
    return {
        "recording": {"source": str(path)},
        "stages": ["represent", "compare"],
        "stimuli": {"resolution": 0.05},
        "task": {"name": "tilt-discrimination", "n_train": 40, "n_test": 20},
        "network": {"name": "ConvPoolFC", "pool_size": 4},
        "training": {"n_epochs": 1, "batch_size": 20, "n_untrained": 2},
        "comparison": {"n_samples": 50, "n_permutations": 39, "measures": MEASURES, **comparison},
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measures")
    recordings.save(animals(), folder / "mine.npz")
    own = settings(folder / "mine.npz") | {"stages": ["represent", "compare", "predict"]}
    own["encoding"] = {"enabled": True, "n_samples": 50, "networks": []}
    return study.run(Study.model_validate(own), out=folder / "run", progress=False)


def test_the_first_measure_answers_and_the_others_stand_beside_it(made):
    run = Run.open(made.folder)
    assert set(run.similarity["comparison"]) == {"pearson"}
    others = run.similarity_by_method
    assert list(dict.fromkeys(others["comparison"])) == MEASURES[1:]
    for _, rows in others.groupby("comparison"):
        assert rows["encoder"].tolist() == run.similarity["encoder"].tolist()  # twins and controls too
        assert rows["low"].notna().all() and rows["p_permutations"].notna().all()
        assert (rows["ceiling"] == "animals").all() and rows["ceiling_lower"].notna().all()
    assert "measure_ranks" in run.figures
    assert Study.model_validate(run.settings).comparison.other_measures == MEASURES[1:]


def test_similarities_are_those_of_the_responses(made):
    run = Run.open(made.folder)
    recorded = animals().responses.to_numpy().reshape(len(ORIENTATION), 3, 12)
    pixels = run.representations["pixels"].to_numpy()
    by_hand = np.mean([rsa.linear_cka(pixels, recorded[:, k]) for k in range(3)])
    rows = run.similarity_by_method.query("comparison == 'linear-cka' and encoder == 'pixels'")
    assert rows["similarity"].item() == pytest.approx(by_hand, abs=1e-6)


def test_animals_are_the_yardstick(made):
    run = Run.open(made.folder)
    table = run.animals
    of_regressions = table["comparison"] == "r2"  # which have rows of their own, by direction
    assert (table.loc[~of_regressions, "direction"] == "both").all()
    table = table[~of_regressions]
    assert table.groupby("comparison", sort=False).size().to_dict() == dict.fromkeys(MEASURES, 4 * len(run.similarity))
    together = table[table["animal"].isna() & (table["comparison"] == "pearson")]
    assert together["similarity"].tolist() == pytest.approx(run.similarity["similarity"].tolist())
    recorded = animals().responses.to_numpy().reshape(len(ORIENTATION), 3, 12)
    own = [rsa.rdm(recorded[:, k]) for k in range(3)]
    pairs = [rsa.compare_rdms(own[a], own[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert together["between_animals"].tolist() == pytest.approx([np.mean(pairs)] * len(together))
    assert together["p_holm"].notna().all() and table["p"].isna().sum() == 3 * len(run.similarity) * len(MEASURES)
    page = report.write(made.folder).read_text(encoding="utf-8")
    assert "By Pearson r, the mean similarity of pairs of animals is" in page
    assert "similar to an animal than animals are to each other" in page


def test_regressions_ask_in_both_directions(made):
    run = Run.open(made.folder)
    written = pd.read_csv(run.folder / "animals.csv", dtype=str, keep_default_na=False)
    check_columns(list(written), TABLES["animals.csv"])
    check_types(written, TABLES["animals.csv"])
    table = run.animals[run.animals["comparison"] == "r2"]
    assert table.groupby("direction").size().to_dict() == dict.fromkeys(DIRECTIONS, 4 * len(run.similarity))
    together = table[table["animal"].isna()]
    pairs = run.between_animals["r2"][1:].mean()
    assert together["between_animals"].to_numpy() == pytest.approx(pairs, abs=1e-5)
    assert together["p_holm"].notna().all() and (together["resampled"] == "animals").all()
    said = in_both_directions(run.animals)
    assert [row["encoder"] for row in said] == run.similarity["encoder"].tolist()
    assert {row["verdict"] for row in said} <= {*VERDICTS.values()}
    assert not in_both_directions(run.animals.drop(columns="direction"))  # of older runs
    page = report.render(made.folder)
    assert "Both directions: does an encoder predict animals" in page
    assert "both directions were compared with how well two animals predict each other" in page


def test_a_recording_known_by_its_rdm_alone_is_said_to_have_no_responses(tmp_path):
    own = animals().responses.to_numpy()
    recordings.save(Recording.from_rdm("mine", rsa.rdm(own), ORIENTATION), tmp_path / "rdm.npz")
    made = study.run(Study.model_validate(settings(tmp_path / "rdm.npz")), out=tmp_path / "run", progress=False)
    run = Run.open(made.folder)
    assert run.similarity_by_method is None and run.animals is None
    assert "known by its RDM alone" in run.environment["inference"]["refused_methods"]["linear-cka"]
    (table,) = re.findall(r'<table id="leaderboard">.*?</table>', report.render(made.folder), flags=re.DOTALL)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", table)
    assert "pixels" in cells and not [cell for cell in cells if "unknown" in cell]


@pytest.mark.parametrize(
    ("comparison", "says"),
    [
        ({"measures": ["linear-cka", "pearson"]}, "comparison.measures: given 'linear-cka'; it compares responses"),
        ({"measures": ["pearson", "procrustes"]}, "its similarity is 'bures'"),
        ({"measures": ["pearson", "cka-like"]}, "of measures of responses, 'linear-cka'"),
        ({"measures": ["pearson"], "method": "cosine"}, "measures is given beside method"),
        ({"measures": []}, "measures"),
        ({"measures": ["pearson", "pearson"]}, "listed twice"),
    ],
)
def test_measures_that_cannot_be_used_are_refused(tmp_path, comparison, says):
    text = Study.model_validate(settings("simulated-v1") | {"recording": {}}).to_toml()
    assert 'other_measures = [\n    "linear-cka",\n    "one-to-one",\n]' in text and "measures = [\n" in text
    path = tmp_path / "study.toml"
    lines = [f"{key} = {pd.Series([value]).to_json(orient='values')[1:-1]}" for key, value in comparison.items()]
    path.write_text("[comparison]\n" + "\n".join(lines) + "\n")
    with pytest.raises(InputError, match=says):
        study.load_study(path)
