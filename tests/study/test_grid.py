"""Several tasks, networks and recordings in one study."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from normenc.errors import InputError
from normenc.study import Study, load_study, prepare, run
from normenc.study.units import load_result, store_result, train_unit
from normenc.texts import file_stem

QUICK = ("represent", "compare")  # where a test is about something else than tuning and pictures
GRID = Study(
    name="grid",
    recording={"source": "simulated-v1", "n_neurons": 40, "bin_width": 10},
    stimuli={"resolution": 0.05},
    task=[
        {"n_train": 50, "n_test": 40},
        {"name": "orientation-estimation", "label": "angle", "n_train": 50, "n_test": 40},
        {
            "name": "natural-rotation",
            "n_train": 30,
            "n_test": 20,
            "training": {"learning_rate": 1e-3, "n_epochs": 3},
        },
    ],
    network=[
        {"name": "FC", "n_hidden": 20},
        {"name": "ConvPoolFC", "label": "small CNN", "pool_size": 4, "n_channels": 3},
    ],
    training={"seed": 4, "n_seeds": 2, "n_epochs": 2, "batch_size": 25, "learning_rate": 1e-4, "checkpoints": [0, 2]},
    comparison={"layers": "all", "n_samples": 60, "n_permutations": 19},
)
ALONE = {"other_measures": [], "controls": ["pixels"]}  # of comparison, where a test is about the networks


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(tmp_path_factory.mktemp("cache")))
        return run(GRID, tmp_path_factory.mktemp("runs") / "grid", progress=False, device="cpu")


def test_every_task_network_and_layer_has_its_row(grid):
    table = pd.read_csv(grid.folder / "similarity.csv")
    trained = table[table["kind"] == "trained layer"]
    found = trained[["task", "network", "layer"]].to_numpy().tolist()
    layers = {"FC": ["fc", "fc_relu"], "small CNN": ["conv", "pool", "fc", "fc_relu"]}
    assert found == [
        [task, network, layer]
        for task in ("tilt-discrimination", "angle", "natural-rotation")
        for network in layers
        for layer in layers[network]
    ]
    assert (trained["n_seeds"] == 2).all()
    twins = table[table["kind"] == "untrained twin"]
    assert twins["task"].isna().all()
    assert len(twins) == 6  # one an architecture and layer: before training, tasks make no difference
    assert table[table["kind"] == "control"]["network"].tolist() == GRID.comparison.controls
    assert (table["low"] <= table["similarity"]).all()


def test_untrained_twins_are_those_of_every_task(grid):
    for task in ("tilt-discrimination", "angle", "natural-rotation"):
        own = [t for unit, t in grid.evaluation.trainings.items() if unit.task_label == task]
        first = next(iter(grid.evaluation.trainings.values()))
        for name, value in own[0].untrained.state_dict().items():
            if not name.startswith("out"):
                assert value.equal(first.untrained.state_dict()[name])


def test_planned_comparisons_of_a_grid(grid):
    table = pd.read_csv(grid.folder / "differences.csv")
    own = table[table["encoder"] == "angle small CNN fc"]
    assert own["other"].tolist() == [
        "angle small CNN fc_relu",
        "small CNN fc, untrained",
        *GRID.comparison.controls,
    ]


def test_similarity_over_training(grid):
    table = pd.read_csv(grid.folder / "over_training.csv")
    similarity = pd.read_csv(grid.folder / "similarity.csv")
    keys = ["task", "network", "layer"]
    ends = similarity[similarity["kind"] == "trained layer"].set_index(keys)["similarity"]
    twins = similarity[similarity["kind"] == "untrained twin"].set_index(["network", "layer"])["similarity"]
    assert set(table["epoch"]) == {0, 2}
    for row in table[table["epoch"] == 0].itertuples():
        assert row.similarity == pytest.approx(twins[row.network, row.layer], abs=1e-8)
    last = table[(table["epoch"] == 2) & (table["task"] != "natural-rotation")]
    for row in last.itertuples():
        assert row.similarity == pytest.approx(ends[row.task, row.network, row.layer], abs=1e-8)


def test_weights_responses_and_pictures_of_a_grid(grid):
    models = sorted(path.name for path in (grid.folder / "models").iterdir())
    assert len(models) == 3 * 2 * 2 + 2 * 2
    of_angle, of_twin = file_stem("angle", "small CNN"), file_stem("small CNN")
    assert of_angle.startswith("angle_small_CNN-")
    assert f"{of_angle}_seed5.safetensors" in models
    assert f"{of_twin}_seed5_untrained.safetensors" in models
    with xr.open_dataset(grid.folder / "representations.nc", engine="h5netcdf") as responses:
        assert f"{of_angle}_fc_trained_seed4" in responses
        assert f"{of_angle}_fc_trained_seed5" not in responses  # of many networks, the first seed's alone
        assert responses[f"{of_angle}_fc_trained_seed4"].attrs["task"] == "angle"
    pictures = {path.name for path in (grid.folder / "figures").iterdir()}
    assert {"leaderboard.png", "over_training.svg", "rdms.png"} <= pictures
    assert "similarity_bars.png" not in pictures


def test_the_resolved_study_gives_the_same_grid(grid):
    assert load_study(grid.folder / "study.toml").to_toml() == GRID.to_toml()
    scores = json.loads((grid.folder / "environment.json").read_text())["scores"]
    assert [s["score"] for s in scores[:9:4]] == [
        "accuracy",
        "mean circular error in degrees",
        "mean absolute error in degrees",
    ]


def test_the_page_of_a_grid(grid):
    from normenc import report

    page = report.write(grid.folder).read_text()
    assert "Which of 3 tasks and 2 architectures represents gratings" in page
    assert "mean circular error in degrees" in page
    assert "small CNN" in page
    assert "Similarity over training" in page
    said = re.sub(r'src="data:[^"]+"|<script.*', "", page, flags=re.DOTALL)
    assert not re.search(r"\bnan\b", said, re.IGNORECASE)


def test_layers_that_have_died_are_left_out_and_named(tmp_path):
    settings = GRID.model_dump()
    settings["task"] = [
        {"n_train": 50, "n_test": 40},
        {"name": "natural-rotation", "n_train": 30, "n_test": 20, "training": {"learning_rate": 5.0, "momentum": 0.0}},
    ]
    settings["network"] = [{"name": "FC", "n_hidden": 20}]
    settings["training"] |= {"checkpoints": []}
    settings["comparison"] |= ALONE
    finished = run(Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    failures = pd.read_csv(finished.folder / "failures.csv")
    assert set(failures["task"]) == {"natural-rotation"}
    table = finished.evaluation.similarity
    assert not (table["task"] == "natural-rotation").all()
    if failures["layer"].notna().any():
        dead = failures["layer"].dropna().tolist()
        assert not table[(table["task"] == "natural-rotation")]["layer"].isin(dead).any()
        assert failures["reason"].str.contains("same response|no dissimilarit|undefined").any()


def test_a_layer_that_died_in_training_is_left_out_at_earlier_checkpoints(tmp_path):
    study = Study(
        recording={"n_neurons": 20, "bin_width": 15},
        stimuli={"resolution": 0.03},
        task={"n_train": 50, "n_test": 20},
        network=[{"name": "FC", "n_hidden": 4}, {"name": "ConvFC", "n_hidden": 4}],
        training={"n_epochs": 2, "learning_rate": 1.0, "momentum": 0.9, "n_seeds": 2, "checkpoints": [0, 2]},
        comparison={"layers": "all", "other_measures": [], "n_samples": 50},
    )
    finished = run(study, tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    assert "fc_relu" in set(finished.failures["layer"])
    trained = finished.similarity[finished.similarity["kind"] == "trained layer"]
    assert set(finished.over_training["encoder"]) == set(trained["encoder"])
    assert "FC fc" in set(trained["encoder"]) and "FC fc_relu" not in set(trained["encoder"])


def test_a_unit_that_fails_does_not_stop_the_others(tmp_path):
    settings = GRID.model_dump()
    settings["task"][2]["training"] = {"learning_rate": 1e30}
    settings["training"]["checkpoints"] = []
    settings["comparison"] |= ALONE
    finished = run(Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    failures = pd.read_csv(finished.folder / "failures.csv")
    assert failures[["task", "network", "seed"]].to_numpy().tolist() == [
        ["natural-rotation", model, seed] for seed in (4, 5) for model in ("FC", "small CNN")
    ]
    assert failures["reason"].str.contains("diverged").all()
    assert json.loads(failures["settings"][0])["training"]["learning_rate"] == 1e30
    assert set(finished.evaluation.similarity["task"].dropna()) == {"tilt-discrimination", "angle"}
    assert len(finished.evaluation.trainings) == 8


def test_the_key_is_the_content(tmp_path):
    units = prepare(GRID).units
    assert len({unit.key("cpu") for unit in units}) == len(units)
    relabelled = GRID.model_dump()
    relabelled["task"][1]["label"] = "direction"
    assert [u.key("cpu") for u in prepare(Study(**relabelled)).units] == [u.key("cpu") for u in units]
    longer = GRID.model_dump()
    longer["training"]["momentum"] = 0.5
    assert not {u.key("cpu") for u in prepare(Study(**longer)).units} & {u.key("cpu") for u in units}


def test_a_network_may_be_trained_otherwise_and_has_the_last_word():
    settings = GRID.model_dump()
    settings["network"][1]["training"] = {"learning_rate": 0.125}
    rates = {(u.task_label, u.network_label): u.options["learning_rate"] for u in prepare(Study(**settings)).units}
    assert rates["natural-rotation", "FC"] == 1e-3
    assert rates["natural-rotation", "small CNN"] == rates["angle", "small CNN"] == 0.125
    assert rates["angle", "FC"] == 1e-4


def test_images_in_a_folder_count_in_the_key(tmp_path):
    from skimage import io

    rng = np.random.default_rng(0)
    for kind in "ab":
        (tmp_path / kind).mkdir()
        for index in range(4):
            io.imsave(tmp_path / kind / f"{index}.png", rng.integers(0, 255, (60, 70), dtype=np.uint8))
    study = Study(
        task={"name": "object-recognition", "folder": str(tmp_path)}, network={"name": "FC"}, stimuli=GRID.stimuli
    )
    before = prepare(study).units[0].key("cpu")
    assert prepare(study).units[0].key("cpu") == before
    io.imsave(tmp_path / "a" / "0.png", rng.integers(0, 255, (60, 70), dtype=np.uint8))
    assert prepare(study).units[0].key("cpu") != before


def test_a_kept_unit_is_what_was_trained():
    unit = prepare(GRID).units[-1]
    assert load_result(unit, "cpu") is None
    result = train_unit(unit, "cpu")
    assert train_unit(unit, "cpu") == result
    store_result(unit, "cpu", result)
    found = load_result(unit, "cpu")
    from normenc.training import train

    again = train(unit.build, unit.task, seed=unit.seed, device="cpu", progress=False, **unit.options)
    np.testing.assert_allclose(found.log.loss, again.log.loss, rtol=1e-4)
    assert found.log.held_out_score == pytest.approx(again.log.held_out_score, rel=1e-3)
    assert list(found.checkpoints) == [0, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": [{}, {}]}, "task: there are 2 called 'tilt-discrimination'; give each a label"),
        ({"network": [{"name": "FC"}, {"name": "FC"}]}, "network: there are 2 called 'FC'"),
        ({"comparison": {"layers": ["pool"]}}, "FC has none of them; its layers are fc, fc_relu"),
        ({"training": {"checkpoints": [3], "n_epochs": 2}}, "FC is trained on tilt-discrimination for 2 epochs"),
        ({"task": [{"name": "contrastive-invariance", "temperature": 0}]}, "task.temperature: given 0"),
        ({"task": [{}, {"name": "denoising", "nose": 0.1}]}, "task.2.nose: there is no such key; did you mean 'noise'"),
        ({"comparison": {"controls": ["magic"]}}, "comparison.controls.*given 'magic'"),
    ],
)
def test_what_cannot_be_a_grid_is_named(tmp_path, change, message):
    settings = {key: value for key, value in GRID.model_dump().items() if key not in change} | change
    path = tmp_path / "grid.toml"
    with pytest.raises(InputError, match=message):
        from normenc.study.settings import _validated

        _validated(settings, str(path))


def test_what_a_task_refuses_is_named_before_training(tmp_path):
    settings = GRID.model_dump() | {"task": [{"name": "object-recognition", "folder": str(tmp_path)}]}
    with pytest.raises(InputError, match=r"task object-recognition: .* there are 0 classes"):
        prepare(Study(**settings))


def test_several_recordings_are_several_studies(tmp_path):
    study = Study(recording=[{"source": "simulated-v1"}, {"source": "a.npz"}])
    assert [part.recording[0].source for part in study.per_recording()] == ["simulated-v1", "a.npz"]
    with pytest.raises(InputError, match="2 recordings"):
        prepare(study)
    assert study.with_changes(recording="a.npz").recording[0].source == "a.npz"


def test_tables_and_page_call_an_encoder_the_same_where_one_network_failed(tmp_path):
    from normenc import report

    failing = {"name": "FC", "training": {"learning_rate": 1e30}}
    study = GRID.model_dump(exclude_unset=True) | {"task": GRID.task[:1], "network": [failing, GRID.network[1]]}
    study["comparison"] |= {"other_measures": []}
    finished = run(Study(**study), tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    similarity, differences = (pd.read_csv(finished.folder / f"{name}.csv") for name in ("similarity", "differences"))
    trained = similarity.loc[similarity["kind"] == "trained layer", "encoder"].tolist()
    assert trained == [f"small CNN {layer}" for layer in ("conv", "pool", "fc", "fc_relu")]
    assert set(differences["encoder"]) == set(trained)
    assert set(differences["other"]) <= set(similarity["encoder"])
    page = report.write(finished.folder).read_text(encoding="utf-8")
    text = re.sub(r"<script.*?</script>|<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    for label in trained:
        assert f"{label} did not differ significantly" in text or f"{label} is " in text or f"{label} (" in text
    assert not re.search(r"\b(fc|pool|conv) *,? controls|: *, |\( *\)", text.split("Similarity with the recording")[0])


def test_labels_whose_files_would_have_one_name_are_refused():
    with pytest.raises(ValueError, match="would have the same name"):
        Study(task={"label": "one"}, network=[{"name": "FC", "label": label} for label in ("CNN", "cnn")])
