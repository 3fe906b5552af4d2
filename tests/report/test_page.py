import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from normenc import report
from normenc.errors import InputError
from normenc.study import Study, run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    path = folder / "mine.npz"
    rng = np.random.default_rng(0)
    np.savez(
        path,
        responses=rng.normal(size=(12, 9)),
        orientation=np.arange(12) * 15 - 90,
        species="<script>alert('mouse')</script>",
        citation="Me & You, 2026",
    )
    study = Study(
        recording={"source": str(path)},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"pool_size": 4},
        training={"n_epochs": 12, "batch_size": 20},
        comparison={"n_samples": 60, "n_permutations": 19},
    )
    return run(study, folder / "run", progress=False)


class Page(HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] not in ("script", "style"):
            self.said += data


def test_page_is_self_contained_and_complete(finished):
    path = report.write(finished.folder)
    assert path == finished.folder / "report.html"
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 11
    for image in images:
        assert image["src"].startswith("data:image/svg+xml;base64,")
        assert image["alt"]
    assert not [attrs for tag, attrs in page.tags if tag == "script" and "src" in attrs]
    assert not re.search(r'<[^<>]+(src|href)="(?!data:|#)', text.split("<script")[0])
    policy = next(attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data: blob:;")
    assert path.stat().st_size < 15e6
    for row in finished.evaluation.similarity.itertuples():
        assert f"{row.similarity:.3f}".replace("-", "−") in page.said
    assert not re.search(r"\bnan\b", page.said, flags=re.IGNORECASE)
    assert [path.name for path in finished.folder.iterdir() if path.name.startswith(".")] == []


def test_texts_from_the_user_are_escaped(finished):
    text = report.render(finished.folder)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(&#39;mouse&#39;)" in text
    assert "Me &amp; You, 2026" in text


def test_a_simulation_is_said_at_the_top(tmp_path):
    study = Study(
        recording={"source": "simulated-v1", "n_neurons": 20},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"pool_size": 4},
        training={"n_epochs": 1},
        comparison={"n_samples": 60, "n_permutations": 19},
    )
    text = report.render(run(study, tmp_path / "run", progress=False).folder)
    assert "The recording is simulated: no animal was recorded" in text.split("<h2")[0]


def tables(
    twin: float,
    control: float,
    p: float,
    *,
    ceiling=(0.6, 0.9),
    p_ceiling=0.01,
    p_chance=0.0,
    chance="label permutations",
):
    """A layer of similarity 0.5, that of its untrained twin and of a control."""
    similarity = pd.DataFrame(
        {
            "recording": "V1",
            "model": ["CNN", "CNN", "pixels"],
            "layer": ["pool", "pool", "pixels"],
            "trained": [True, False, False],
            "seed": [12, 12, None],
            "similarity": [0.5, twin, control],
            "low": [0.4, twin - 0.1, control - 0.1],
            "high": [0.6, twin + 0.1, control + 0.1],
            "ceiling": "animals" if ceiling else "none",
            "ceiling_lower": ceiling[0] if ceiling else np.nan,
            "ceiling_upper": ceiling[1] if ceiling else np.nan,
            "p_ceiling_holm": p_ceiling,
            "p_chance_holm": np.array([0.01, 0.02, 0.3]) + p_chance,
            "chance": chance,
        }
    )
    differences = pd.DataFrame(
        {
            "model": "pool",
            "other": ["pool, untrained", "pixels"],
            "kind": ["untrained twin", "control"],
            "difference": [0.5 - twin, 0.5 - control],
            "low": -0.1,
            "high": 0.1,
            "p_holm": p,
        }
    )
    return similarity, differences


@pytest.mark.parametrize(
    ("values", "phrases"),
    [
        (
            {"twin": 0.4, "control": 0.7, "p": 0.2},
            [
                "pool cannot be told from its untrained twin",
                "+0.100",
                "pool cannot be told from pixels (−0.200, p = 0.2)",
            ],
        ),
        (
            {"twin": 0.4, "control": 0.3, "p": 0.0004},
            ["pool is more similar after training than before", "p < 0.001", "pool is more similar than pixels"],
        ),
        (
            {"twin": 0.7, "control": 0.8, "p": 0.03},
            ["pool is less similar after training", "−0.200", "pool is less similar than pixels (−0.300, p = 0.03)"],
        ),
        ({"twin": 0.4, "control": 0.3, "p": 1.0}, ["0.600 (lower) to 0.900 (upper)", "pool falls short of it"]),
        ({"twin": 0.4, "control": 0.3, "p": 1.0, "p_ceiling": 0.4}, ["pool cannot be told from it, or exceeds it"]),
        ({"twin": 0.4, "control": 0.3, "p": 1.0, "ceiling": None}, ["There is no noise ceiling"]),
        ({"twin": 0.4, "control": 0.3, "p": 1.0}, ["More similar than chance: pool, pool untrained."]),
        ({"twin": 0.4, "control": 0.3, "p": 1.0, "p_chance": 0.5}, ["No model is more similar than chance"]),
        (
            {"twin": 0.4, "control": 0.3, "p": 1.0, "p_chance": 0.5, "chance": "circular shifts"},
            ["No model is more similar than its own circular shifts"],
        ),
    ],
)
def test_findings_follow_the_numbers(values, phrases):
    text = " ".join(report.findings(*tables(**values)))
    for phrase in phrases:
        assert phrase in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"twin": 0.4, "control": 0.3, "p": 0.01},
            "Training helps to explain V1: pool, the layer that matches best, is",
        ),
        ({"twin": 0.4, "control": 0.3, "p": 0.06}, "Nothing here shows that the task explains V1: no trained layer"),
        ({"twin": 0.4, "control": 0.7, "p": 0.01}, "closer to V1, but pixels, never trained, is more similar."),
        (
            {"twin": 0.4, "control": 0.7, "p": [0.01, 0.2]},
            "but it cannot be told from pixels, which was never trained.",
        ),
        ({"twin": 0.6, "control": 0.3, "p": 0.01}, "Training takes pool, the layer that matches best, further away"),
        ({"twin": 0.4, "control": 0.3, "p": np.nan}, "Nothing can be said of V1 and the task: no difference"),
        (
            {"twin": 0.4, "control": 0.3, "p": 0.01, "p_chance": 0.2},
            "closer to V1, but it is not sure to be above chance.",
        ),
    ],
)
def test_the_answer_is_yes_only_beyond_twin_controls_and_chance(values, said):
    assert said in report.answer(*tables(**values))


def test_of_circular_shifts_an_interval_above_zero_is_enough():
    similarity, differences = tables(0.4, 0.3, 0.01, p_chance=0.9, chance="circular shifts")
    assert report.answer(similarity, differences).startswith("Training helps to explain V1")
    assert "not sure to be above chance" in report.answer(similarity.assign(low=-0.1), differences)


def test_the_answer_says_where_nothing_untrained_was_compared():
    similarity, differences = tables(twin=0.4, control=0.3, p=0.01)
    only_twin = differences[differences["kind"] == "untrained twin"]
    assert report.answer(similarity, only_twin).endswith("closer to V1, but no control was compared.")


def test_the_answer_names_a_layer_that_training_improved_though_another_matches_best():
    similarity, differences = tables(twin=0.4, control=0.3, p=0.2)
    other = similarity.iloc[[0]].assign(layer="fc", similarity=0.3)
    twin = differences.iloc[[0]].assign(model="fc", other="fc, untrained", p_holm=0.001)
    said = report.answer(pd.concat([similarity, other], ignore_index=True), pd.concat([differences, twin]))
    assert said == "Training brings fc closer to V1, but not pool, the layer that matches best."


def test_a_layer_that_was_tested_is_heeded_where_the_best_was_not():
    similarity, differences = tables(twin=0.4, control=0.3, p=np.nan)
    similarity = pd.concat([similarity, similarity.iloc[[0]].assign(layer="fc", similarity=0.3)], ignore_index=True)
    twin = differences.iloc[[0]].assign(model="fc", other="fc, untrained")
    sure, unsure = (pd.concat([differences, twin.assign(p_holm=p)]) for p in (0.001, 0.3))
    assert report.answer(similarity, sure).startswith("Training brings fc closer to V1, but not pool")
    assert report.answer(similarity, unsure).endswith("by a difference that is sure; pool could not be tested.")


def test_many_layers_are_counted():
    similarity, differences = tables(twin=0.4, control=0.3, p=0.2)
    layers = similarity.iloc[[0] * 5].assign(layer=[f"layer{k}" for k in range(5)], similarity=np.linspace(0.5, 0.3, 5))
    controls = pd.concat([differences.assign(model=f"layer{k}") for k in range(5)], ignore_index=True)
    controls.loc[controls["model"].isin(["layer1", "layer2"]) & (controls["other"] == "pixels"), "p_holm"] = 0.01
    text = " ".join(report.findings(pd.concat([layers, similarity.iloc[1:]], ignore_index=True), controls))
    assert "None of the 5 trained layers can be told from its untrained twin." in text
    assert "Of 5 trained layers, 2 are more similar than pixels, 0 less; the others cannot be told from it." in text


def test_what_was_not_tested_is_said():
    similarity, differences = tables(twin=0.4, control=0.7, p=np.nan)
    found = report.findings(similarity.assign(low=np.nan, high=np.nan, p_ceiling_holm=np.nan), differences)
    text = " ".join(found)
    assert "95 % interval not known" in text
    assert "Whether training makes pool more similar could not be tested (+0.100)." in text
    assert "pool could not be tested against pixels (−0.200), a control" in text
    assert "no layer could be tested against it" in text
    assert "nan" not in text


def test_chance_that_cannot_be_beaten_is_said():
    similarity, differences = tables(0.4, 0.3, 1.0, p_chance=0.5, chance="circular shifts")
    similarity["p_chance"] = 1 / 24
    (*_, said) = report.findings(similarity, differences, smallest_p=1 / 24)
    assert said.startswith("Whether models are more similar than chance cannot be told here: the smallest p-value")
    (*_, said) = report.findings(similarity, differences, smallest_p=1 / 181, kind="direction")
    assert said.endswith("bound to the very directions, beyond a smooth change with direction.")


def test_a_folder_that_is_no_whole_run_is_named(tmp_path, finished):
    with pytest.raises(InputError, match=r"no whole run, study.toml is missing"):
        report.write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert json.loads((finished.folder / "environment.json").read_text())
