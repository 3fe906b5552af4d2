import html
import json
import re
import shutil
from html.parser import HTMLParser

import h5py
import numpy as np
import pandas as pd
import pytest
from runs_by_hand import COMPETENCE, as_format_1, in_format_1

from normenc import report
from normenc.csv_tables import read_table
from normenc.errors import InputError
from normenc.report.scope_words import scope_sentence
from normenc.report.sentences import limits
from normenc.report.tuning_facts import _of_units as of_units
from normenc.runs import Run
from normenc.runs.schema import RUN_MARKER
from normenc.runs.source_data import read_source_data, write_source_data
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
        comparison={"n_samples": 60, "n_permutations": 19, "controls": ["pixels", "Gabor energy"]},
    )
    return run(study, folder / "run", progress=False)


@pytest.fixture(scope="module")
def rendered(finished):
    return report.render(finished.folder)


def test_results_and_page_name_their_scope(finished, rendered, tmp_path):
    own, environment = Run.open(finished.folder), Run.open(finished.folder).environment
    factors = " ".join(environment["inference"]["generalises_to"])
    assert set(read_table(own.folder / "differences.csv")["generalises_to"]) == {factors} != {""}
    (others,) = set(own.differences_by_scope["generalises_to"])
    assert {*others.split()} != {*factors.split()}
    assert scope_sentence(environment) in html.unescape(rendered)
    assert rendered.count('id="other-scope"') == 1
    older = shutil.copytree(own.folder, tmp_path / "older")
    read_table(older / "differences.csv").drop(columns="generalises_to").to_csv(older / "differences.csv", index=False)
    assert set(Run.open(older).differences["generalises_to"]) == {factors}


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
    assert len(images) == 14
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
    assert [path.name for path in finished.folder.iterdir() if path.name.startswith(".")] == [RUN_MARKER]


def test_texts_from_the_user_are_escaped(rendered):
    assert "<script>alert" not in rendered
    assert "&lt;script&gt;alert(&#39;mouse&#39;)" in rendered
    assert "Me &amp; You, 2026" in rendered


def test_the_recordings_name_reads_as_a_name(rendered):
    said = Page(rendered).said
    assert "represent gratings as the recording “mine” does?" in said
    assert "matches the recording “mine”" in said
    assert not re.search(r"(as|to|explains?|matches|with) mine\b", said)


def test_the_caption_says_what_is_drawn_and_nothing_else(finished, rendered):
    """Noise alone: nothing is above chance, no model beats another."""
    text = " ".join(Page(rendered).said.split())
    caption = text.partition("Similarity between the representational")[2].partition("first training step.")[0]
    table = finished.evaluation.similarity
    assert ("white dot" in caption) == bool((table["p_permutations_holm"] <= 0.05).any())
    assert ("Wings" in caption) == bool((finished.evaluation.inference.pairs["p_holm"] <= 0.05).any())
    assert ("grey band" in caption) == bool(table["ceiling_lower"].notna().any())
    assert "Lines are 95 % confidence intervals, over orientations, neurons and seeds of the untrained" in caption


def test_a_simulation_is_said_at_the_top(tmp_path):
    study = Study(
        recording={"source": "simulated-v1", "n_neurons": 20, "bin_width": 15},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"pool_size": 4},
        training={"n_epochs": 1},
        comparison={"n_samples": 60, "n_permutations": 19, "other_measures": [], "controls": ["pixels"]},
    )
    text = report.render(run(study, tmp_path / "run", progress=False, stages=("represent", "compare")).folder)
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
            "encoder": ["pool", "pool, untrained", "pixels"],
            "kind": ["trained layer", "untrained twin", "control"],
            "similarity": [0.5, twin, control],
            "low": [0.4, twin - 0.1, control - 0.1],
            "high": [0.6, twin + 0.1, control + 0.1],
            "ceiling": "animals" if ceiling else "none",
            "ceiling_lower": ceiling[0] if ceiling else np.nan,
            "ceiling_upper": ceiling[1] if ceiling else np.nan,
            "p_ceiling_holm": p_ceiling,
            "p_permutations_holm": np.nan,
            "p_shifts_holm": np.nan,  # in runs of older versions one of the two
            f"p_{chance.split()[1]}_holm": np.array([0.01, 0.02, 0.3]) + p_chance,
        }
    )
    differences = pd.DataFrame(
        {
            "encoder": "pool",
            "other": ["pool, untrained", "pixels"],
            "other_kind": ["untrained twin", "control"],
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
                "The effect of training on pool was not significant: difference +0.100 (95 % confidence interval "
                "−0.100 to +0.100; p = 0.2, Holm-corrected for 2 comparisons).",
                "Compared with the controls, which were never trained, pool did not differ significantly from pixels "
                "(−0.200, 95 % CI −0.100 to +0.100, p = 0.2); p-values are Holm-corrected for 2 comparisons.",
            ],
        ),
        (
            {"twin": 0.4, "control": 0.3, "p": 0.0004},
            [
                "pool is significantly more similar after training than before",
                "p < 0.001, Holm-corrected for 2 comparisons",
                "pool is significantly more similar than pixels",
            ],
        ),
        (
            {"twin": 0.7, "control": 0.8, "p": 0.03},
            [
                "pool is significantly less similar after training",
                "−0.200",
                "pool is significantly less similar than pixels (−0.300",
            ],
        ),
        (
            {"twin": 0.4, "control": 0.3, "p": 1.0},
            [
                "The noise ceiling is 0.600 (lower) to 0.900 (upper). pool is significantly below the lower ceiling, "
                "by 0.100 (p = 0.01); p-values are Holm-corrected for 3 models."
            ],
        ),
        ({"twin": 0.4, "control": 0.3, "p": 1.0, "ceiling": None}, ["There is no noise ceiling"]),
        (
            {"twin": 0.4, "control": 0.3, "p": 1.0},
            [
                "Significantly more similar than chance (label permutations; p-values Holm-corrected for 3 models): "
                "pool, untrained pool."
            ],
        ),
        (
            {"twin": 0.4, "control": 0.3, "p": 1.0, "p_chance": 0.5},
            [
                "No model is significantly more similar than chance (label permutations; p-values Holm-corrected for "
                "3 models)."
            ],
        ),
        (
            {"twin": 0.4, "control": 0.3, "p": 1.0, "p_chance": 0.5, "chance": "circular shifts"},
            ["No model is significantly more similar than under circular shifts of the stimuli"],
        ),
    ],
)
def test_findings_follow_the_numbers(values, phrases):
    text = " ".join(report.findings(*tables(**values)))
    for phrase in phrases:
        assert phrase in text


@pytest.mark.parametrize(
    ("similarity", "interval", "ceiling", "p", "said"),
    [
        # As high as the ceiling, or close to it with an interval that includes it.
        (0.62, (0.5, 0.7), (0.6, 0.9), 0.9, "pool reaches the lower ceiling."),
        (
            0.57,
            (0.5, 0.64),
            (0.6, 0.9),
            0.4,
            "pool comes within 0.030 of the lower ceiling; the difference was not significant (p = 0.4, "
            "Holm-corrected for 3 models).",
        ),
        # Far below it, whatever the test says.
        (
            0.04,
            (-0.9, 1.0),
            (0.99, 0.999),
            0.12,
            "pool is 0.950 below the lower ceiling; this difference was not significant (p = 0.12, Holm-corrected for "
            "3 models), because the confidence interval of its similarity is wide (−0.900 to 1.000).",
        ),
        # Close to it, but with an interval that leaves it out.
        (
            0.57,
            (0.56, 0.58),
            (0.6, 0.9),
            0.3,
            "pool is 0.030 below the lower ceiling; this difference was not significant (p = 0.3, Holm-corrected for 3 "
            "models), because the lower ceiling itself is uncertain (95 % confidence interval 0.400 to "
            "0.800).",
        ),
        (0.57, (0.56, 0.58), (0.6, 0.9), 0.01, "pool is significantly below the lower ceiling, by 0.030 (p = 0.01)"),
        (
            0.5,
            (0.4, 0.6),
            (0.6, 0.9),
            np.nan,
            "pool is 0.100 below the lower ceiling; this difference could not be tested.",
        ),
    ],
)
def test_how_far_a_layer_is_from_the_ceiling(similarity, interval, ceiling, p, said):
    rows, differences = tables(0.4, 0.3, 1.0, ceiling=ceiling, p_ceiling=[p, 0.01, 0.01])
    rows = rows.assign(ceiling_lower_low=ceiling[0] - 0.2, ceiling_lower_high=ceiling[0] + 0.2, p_ceiling=0.2)
    rows.loc[0, ["similarity", "low", "high"]] = similarity, *interval
    text = report.findings(rows, differences)[-2]
    said = said if p == p else said.replace("3 models", "2 models")
    assert said in text


def test_what_only_the_correction_takes_away_is_said():
    rows, differences = tables(0.4, 0.3, 1.0, p_ceiling=0.09)
    text = report.findings(rows.assign(p_ceiling=0.03), differences)[-2]
    assert text.endswith(
        "pool is 0.100 below the lower ceiling; this difference was not significant (p = 0.09, Holm-corrected for 3 "
        "models), because p is corrected for all models (uncorrected: p = 0.03)."
    )


@pytest.mark.parametrize("similarity", np.linspace(-0.2, 1, 7))
@pytest.mark.parametrize("reach", [0.01, 0.2, 1.0])
@pytest.mark.parametrize("p", [0.001, 0.5])
def test_a_layer_that_is_far_from_the_ceiling_never_reaches_it(similarity, reach, p):
    rows, differences = tables(0.4, 0.3, 1.0, ceiling=(0.8, 0.9), p_ceiling=p)
    rows.loc[0, ["similarity", "low", "high"]] = similarity, similarity - reach, min(similarity + reach, 1)
    text = report.findings(rows, differences)[-2]
    close = 0.75 <= similarity < 0.8 <= similarity + reach and p > 0.05
    assert ("reaches" in text) == (similarity >= 0.8)
    assert ("comes within" in text) == close
    assert "cannot be told" not in text
    assert "reaches" in text or f"{0.8 - similarity:.3f}" in text


def test_an_interval_without_zero_beside_a_p_that_is_not_significant_is_explained():
    similarity, differences = tables(twin=0.4, control=0.3, p=0.2)
    text = " ".join(report.findings(similarity, differences.assign(low=0.01, high=0.3)))
    assert (
        "The confidence interval excludes 0, but it is not corrected for multiple comparisons. Compared with the"
        in text
    )
    assert (
        "The confidence interval of the difference from pixels excludes 0, but it is not corrected for multiple" in text
    )
    assert "excludes 0" not in " ".join(report.findings(similarity, differences))
    sure = " ".join(report.findings(*tables(twin=0.4, control=0.3, p=0.01)))
    assert "excludes 0" not in sure


def test_many_layers_are_counted():
    similarity, differences = tables(twin=0.4, control=0.3, p=0.2)
    names = [f"layer{k}" for k in range(5)]
    layers = similarity.iloc[[0] * 5].assign(encoder=names, similarity=np.linspace(0.5, 0.3, 5))
    controls = pd.concat([differences.assign(encoder=name) for name in names], ignore_index=True)
    controls.loc[controls["encoder"].isin(["layer1", "layer2"]) & (controls["other"] == "pixels"), "p_holm"] = 0.01
    table = pd.concat([layers, similarity.iloc[1:]], ignore_index=True)
    text = " ".join(report.findings(table, controls))
    how = "(p-values Holm-corrected for 10 comparisons)"
    assert f"None of the 5 trained layers differed significantly from its untrained twin {how}." in text
    assert (
        f"Of 5 trained layers, 2 are significantly more similar than pixels and 3 did not differ significantly {how}."
    ) in text
    assert (
        "All 5 trained layers are significantly below the lower ceiling (p-values Holm-corrected for 7 models)." in text
    )
    controls.loc[controls["encoder"] == "layer4", "p_holm"] = np.nan
    text = " ".join(report.findings(table, controls))
    assert "(p-values Holm-corrected for 8 comparisons); 1 could not be tested." in text


def test_layers_are_counted_by_how_far_they_are_from_the_ceiling():
    """0.419 under a ceiling of 0.466 comes close to it, and does not reach it, though p is above 0.05."""
    similarity, differences = tables(twin=0.4, control=0.3, p=0.2, ceiling=(0.466, 0.8))
    values = [0.5, 0.48, 0.419, 0.35, 0.3, 0.2]
    layers = similarity.iloc[[0] * 6].assign(encoder=[f"layer{k}" for k in range(6)], similarity=values, high=0.47)
    layers["p_ceiling_holm"] = [0.001, 0.9, 0.068, 0.3, 0.04, 0.01]
    text = " ".join(report.findings(pd.concat([layers, similarity.iloc[1:]], ignore_index=True), differences))
    assert (
        "Of 6 trained layers, 2 reach the lower ceiling, 1 is at most 0.05 below it, which was not significant, 1 is "
        "further below it by a difference that was not significant and 2 are significantly below it (p-values"
    ) in text


def test_controls_with_the_same_result_share_a_sentence():
    similarity, _ = tables(twin=0.4, control=0.3, p=0.2)
    names = [f"layer{k}" for k in range(5)]
    rows = [
        {
            "encoder": name,
            "other": other,
            "other_kind": "control",
            "difference": 0.1,
            "low": 0,
            "high": 0.2,
            "p_holm": p,
        }
        for name in names
        for other, p in (("a", 0.9), ("b", 0.01), ("c", 0.9), ("d", np.nan), ("e", 0.01))
    ]
    layers = similarity.iloc[[0] * 5].assign(encoder=names)
    text = " ".join(report.findings(pd.concat([layers, similarity.iloc[1:]], ignore_index=True), pd.DataFrame(rows)))
    how = "(p-values Holm-corrected for 20 comparisons)."
    assert f"None of the 5 trained layers differed significantly from a or c {how}" in text
    assert f"All 5 trained layers are significantly more similar than b and e {how}" in text
    assert "None of the 5 trained layers could be tested against d." in text
    assert "untrained twin" not in text.replace("layer0", "").split("None")[0]


def test_wide_intervals_beside_small_p_values_are_explained():
    similarity, differences = tables(twin=0.4, control=0.3, p=0.2)
    similarity = similarity.assign(low=-0.4, resampled="stimuli animals seeds", n_animals=2)
    said = report.findings(similarity, differences)
    assert said[0].endswith("It generalises to other animals, and with 2 animals such an interval is wide.")
    assert said[-1].endswith(
        "Some of their confidence intervals include 0 all the same: the test permutes the stimuli of these animals, "
        "while the intervals also generalise to other stimuli, animals and seeds."
    )
    many = report.findings(similarity.assign(n_animals=12), differences)
    assert "such an interval is wide" not in many[0]
    sure = report.findings(similarity.assign(low=0.1), differences)
    assert "all the same" not in sure[-1]


def test_what_was_not_tested_is_said():
    similarity, differences = tables(twin=0.4, control=0.7, p=np.nan)
    found = report.findings(similarity.assign(low=np.nan, high=np.nan, p_ceiling_holm=np.nan), differences)
    text = " ".join(found)
    assert "(95 % confidence interval unknown)" in text
    assert "The effect of training on pool could not be tested (difference +0.100)." in text
    assert "pool could not be tested against pixels (−0.200)." in text
    assert "pool is 0.100 below the lower ceiling; this difference could not be tested." in text
    assert "nan" not in text


def test_a_layer_without_a_similarity_is_named_with_the_reason():
    similarity, differences = tables(twin=0.4, control=0.3, p=0.01)
    other = similarity.iloc[[0]].assign(
        encoder="fc", similarity=np.nan, low=np.nan, high=np.nan, p_permutations_holm=np.nan
    )
    rows = pd.concat([similarity, other], ignore_index=True).assign(why_unknown=[np.nan] * 3 + ["all its values are 0"])
    twin = differences.iloc[[0]].assign(encoder="fc", other="fc, untrained", difference=np.nan, p_holm=np.nan)
    text = " ".join(report.findings(rows, pd.concat([differences, twin])))
    assert "No similarity is known for fc: all its values are 0." in text
    assert "The effect of training on fc could not be tested (the difference is unknown)." in text
    assert "pool is significantly more similar after training than before" in text
    assert "nan" not in text
    assert report.answer(rows, differences)[0].startswith("Training helps to explain the recording “V1”: it makes pool")
    without = rows[rows["similarity"].isna()]
    assert report.answer(without, differences) == ["No trained layer has a similarity with the recording “V1”."]


@pytest.mark.parametrize(
    ("similarity", "low", "said", "answered"),
    [
        (
            -0.005,
            -0.182,
            "No trained layer matches the recording “V1”: the most similar one, pool, has a similarity of −0.005 (",
            True,
        ),
        (
            0.0,
            -0.1,
            "No trained layer matches the recording “V1”: the most similar one, pool, has a similarity of 0.000 (",
            True,
        ),
        (0.42, -0.094, "It is uncertain whether any trained layer matches the recording “V1”: the most similar", False),
        (0.42, 0.3, "Of the trained layers, pool matches the recording “V1” best, with a similarity of 0.420 (", False),
        (
            0.42,
            float("nan"),
            "Of the trained layers, pool matches the recording “V1” best, with a similarity of 0.420 (",
            False,
        ),
    ],
)
def test_the_most_similar_layer_is_no_match_where_its_similarity_is_not_above_zero(similarity, low, said, answered):
    rows, differences = tables(twin=0.4, control=0.3, p=0.06)
    rows.loc[rows["kind"] == "trained layer", ["similarity", "low"]] = similarity, low
    assert report.findings(rows, differences)[0].startswith(said)
    assert report.answer(rows, differences)[0].startswith("No trained layer matches") == answered


def test_chance_that_cannot_be_beaten_is_said():
    similarity, differences = tables(0.4, 0.3, 1.0, p_chance=0.5, chance="circular shifts")
    (*_, said) = report.findings(similarity.assign(p_shifts_smallest=1 / 24), differences)
    assert said == (
        "Whether models are more similar than chance cannot be tested here: the smallest possible p-value with "
        "circular shifts is 0.042, which is not significant after correction for 3 models."
    )
    (*_, said) = report.findings(similarity.assign(p_shifts_smallest=1 / 181), differences, stimulus_type="direction")
    assert said.endswith("on the positions of the stimuli on the circle, beyond a smooth change with direction.")
    (*_, said) = report.findings(similarity.assign(p_shifts_smallest=[1 / 181, 1 / 181, 1.0]), differences)
    assert said.endswith(
        "pixels could not be: many orders of the stimuli leave its RDM unchanged, and its smallest possible p-value is "
        "1 before correction."
    )


@pytest.mark.parametrize(
    ("recording", "n_different", "said"),
    [
        (
            {"stimuli": "direction", "n_stimuli": 12, "steps": []},
            6,
            "the 12 directions are 6 different images, and every model gives opposite directions a dissimilarity of 0",
        ),
        (
            {"stimuli": "orientation", "n_stimuli": 6, "steps": ["folded directions onto orientations"]},
            6,
            "Directions were folded onto orientations before the comparison",
        ),
        ({"stimuli": "orientation", "n_stimuli": 181, "steps": []}, 180, None),
        ({"stimuli": "direction", "n_stimuli": 5, "steps": []}, 5, None),  # no two of them opposite
        ({"stimuli": "image", "n_stimuli": 5, "steps": []}, 5, None),
    ],
)
def test_what_models_of_images_cannot_match_is_said(recording, n_different, said):
    found = limits(recording, n_different)
    assert len(found) == (said is not None)
    if found:
        assert said in found[0]
        assert ("fold_directions = true" in found[0]) == (not recording["steps"])


def test_a_folder_that_is_no_whole_run_is_named(tmp_path, finished):
    with pytest.raises(InputError, match=r"incomplete: study.toml is missing"):
        report.write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert json.loads((finished.folder / "environment.json").read_text())


UNITS = """population,kind,neuron,unit,preferred_orientation_deg,gosi,tuned_orientation,width_at_bound,response_range
V1,,3,,10,0.9,True,True,2.0
V1,,6,,20,0.1,False,True,1.0
V1,,7,,,0.0,False,False,3.0
pool,trained layer,,0,30,1.0,,,0.009
pool,trained layer,,1,40,1.0,,,0.008
pool,trained layer,,2,40,1.0,,,0.007
pool,trained layer,,3,50,0.2,,,1.8
pixels,control,,0,,,,,0.0
"""


def test_captions_tell_what_single_units_do(tmp_path):
    """Of the recording, one tuned unit has a width at a bound; of the layer, the three most selective are silent."""
    path = tmp_path / "tuning_units.csv"
    path.write_text(UNITS)
    assert of_units(read_table(path)) == {
        "some_prefer_none": True,
        "some_rows_prefer_none": True,
        "some_unselective": True,
        "silent": "pool (0.5 %)",
        "at_bound": [("V1", 1)],
    }
    path.write_text(
        UNITS.replace("V1,,7,,,0.0", "V1,,7,,5,0.0").replace("0.009", "0.9").replace(",,,,,0.0", ",5,0,,,1")
    )
    found = of_units(read_table(path))
    assert not found["some_prefer_none"] and not found["some_unselective"] and found["silent"] == ""


def test_captions_explain_what_pictures_of_tuning_show(finished, rendered):
    said = " ".join(Page(rendered).said.split())
    assert "For comparison, the dotted line has a slope of −1." in said
    units = pd.read_csv(finished.folder / "tuning_units.csv")
    none = units["preferred_orientation_deg"].isna()
    assert ("the others prefer no orientation" in said) == none.any()
    assert ("Units that respond equally to all stimuli have no selectivity" in said) == units["gosi"].isna().any()
    assert ("Units below the white line" in said) == none[units["population"].isin(["mine", "pool", "fc"])].any()


def without_competence(folder):
    """As if no score had been known: older runs do not tell whether networks learned their tasks."""
    for path in folder.glob("*.csv"):
        table = read_table(path)
        table.assign(**dict.fromkeys({*COMPETENCE} & {*table}, np.nan)).to_csv(path, index=False)
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    for unit in environment["scores"]:
        for name in ("perfect", "learned_at", "learned"):
            del unit[name]
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")


def test_a_run_of_format_1_has_the_same_page_and_pictures(finished, tmp_path):
    new = tmp_path / "new"
    shutil.copytree(finished.folder, new, ignore=shutil.ignore_patterns(RUN_MARKER, "*_by_scope.csv"))
    without_competence(new)  # which older runs did not know
    old = as_format_1(shutil.copytree(new, tmp_path / "old"))
    for name in ("similarity.csv", "similarity_by_method.csv"):
        table = read_table(new / name)
        shifts = [column for column in table if column.startswith("p_shifts")]  # which old runs had only instead
        table.assign(**dict.fromkeys(shifts, np.nan)).to_csv(new / name, index=False)
    assert report.render(old) == report.render(new)
    drawn = read_source_data(new)
    table = drawn["similarity_bars"].arguments["similarity"].drop(columns=[*COMPETENCE], errors="ignore")
    older = pd.DataFrame([in_format_1(row, "similarity.csv") for row in table.to_dict("records")])
    arguments = drawn["similarity_bars"].arguments | {"similarity": older}
    write_source_data({"similarity_bars": arguments}, old / "figures" / "source_data.h5")
    with h5py.File(old / "figures" / "source_data.h5", "r+") as file:
        file.attrs["format"] = 1
        file["similarity_bars"].attrs["function"] = "similarity_bars"
    back = read_source_data(old)["similarity_bars"].arguments["similarity"]
    pd.testing.assert_frame_equal(back[table.columns], table, check_dtype=False)
