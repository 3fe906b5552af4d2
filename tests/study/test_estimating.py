"""What a study will take: counts and sizes are exact; times are, by a clock that only the work of a test advances."""

import json
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch

from normenc.networks import FC
from normenc.study import Study, estimate, estimating, prepare
from normenc.study.estimating import FEW, FEW_SAMPLES, _extrapolated, _memory, _outputs, _row
from normenc.study.units import store_result, train_unit
from normenc.tasks import TiltDiscrimination
from promised_json import promised

SMALL = {
    "recording": {"source": "simulated-v1", "n_neurons": 20, "bin_width": 30},
    "stimuli": {"resolution": 0.03},
    "comparison": {"controls": ["pixels"], "n_samples": 50, "other_measures": []},
}


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "cache"))


def test_units_layers_and_images_are_counted(tmp_path):
    study = Study(
        **SMALL,
        task=[
            {"name": "tilt-discrimination", "n_train": 60, "n_test": 20},
            {
                "name": "contrastive-invariance",
                "views": "gratings",
                "n_train": "fresh",
                "n_per_epoch": 30,
                "n_test": 20,
                "training": {"learning_rate": "auto"},
            },
        ],
        network=[{"name": "FC", "n_hidden": 5}, {"name": "ConvPoolFC", "pool_size": 4, "n_hidden": 5}],
        training={"n_epochs": 3, "batch_size": 20, "n_seeds": 2, "seed": 1, "n_untrained": 2},
    )
    unit = prepare(study).units[0]
    store_result(unit, "cpu", train_unit(unit, "cpu"))
    found = estimate(study, tmp_path / "run", device="cpu", workers=2)
    rows = found.table[["task", "network", "n_units", "n_stored", "n_layers", "n_images", "n_epochs"]]
    assert rows.to_numpy().tolist() == [
        ["tilt-discrimination", "FC", 2, 1, 1, 60, 3],
        ["tilt-discrimination", "ConvPoolFC", 2, 0, 2, 60, 3],
        ["contrastive-invariance", "FC", 2, 0, 1, 60, 3],  # two views of each scene
        ["contrastive-invariance", "ConvPoolFC", 2, 0, 2, 60, 3],
    ]
    # Three layers, two seeds each, of two tasks and of untrained twins, and one control.
    assert (found.n_rdms, found.n_stimuli) == (3 * 2 * (2 + 1) + 1, 6)
    assert np.isfinite([found.seconds, found.inference_seconds]).all()
    assert found.table["fault"].eq("").all()
    assert found.memory == 2 * found.table["memory"].max()
    assert (found.table["seconds"] <= found.table["n_units"] * found.table["unit_seconds"]).all()
    assert [what for _, what, _ in found.disk] == ["the run", "trained networks"]
    assert not (tmp_path / "run").exists()


def test_memory_is_that_of_stimuli_weights_and_outputs():
    study = Study(
        **SMALL,
        task={"n_train": 30, "n_test": 10},
        network={"name": "FC", "n_hidden": 5},
        training={"n_epochs": 1, "batch_size": 20},
    )
    unit = prepare(study).units[0]
    height, width = unit.task.image_size
    network = FC((height, width), n_outputs=1, n_hidden=5)
    n_weights = 5 * (height * width + 1) + 6
    assert sum(value.numel() for value in network.state_dict().values()) == n_weights
    n_outputs = _outputs(network, torch.zeros(1, height, width))
    assert n_outputs >= 5 + 1  # the hidden units and the answer, at least
    fresh = replace(unit, task=replace(unit.task, n_train="fresh", n_per_epoch=30))
    for n_processes, n_epochs in ((0, 2), (1, 2), (3, 4)):  # the current one, and those that are drawn ahead
        more = _memory(replace(fresh, drawing_processes=n_processes)) - _memory(unit)
        assert more == 4 * (n_epochs - 1) * 30 * height * width
    assert _memory(unit) == 4 * (40 * height * width + 5 * n_weights + 2 * 20 * n_outputs)


SECONDS: list[float] = []  # that have passed: 3 for a step of training, 0.5 for an image that is drawn


class SlowFC(FC):
    def forward(self, images):
        answers = super().forward(images)
        if answers.requires_grad:
            answers.register_hook(lambda gradient: SECONDS.append(3.0))
        return answers


@dataclass(frozen=True)
class SlowTilt(TiltDiscrimination):
    def sample(self, n, rng):
        SECONDS.append(0.5 * n)
        return super().sample(n, rng)


@pytest.mark.parametrize(
    ("n_train", "seed", "seconds"),  # each its seed, because stimuli of the last one are kept
    [
        # 7 epochs of 5 batches; 100 images to train on and 30 to test on are drawn once
        (100, 1, 7 * 5 * 3 + (100 + 30) * 0.5),
        # the same, and 6 further epochs of 100 images are drawn
        ("fresh", 2, 7 * 5 * 3 + (100 + 30 + 6 * 100) * 0.5),
    ],
)
def test_the_time_of_a_unit_is_that_of_its_steps_and_of_the_images_drawn(monkeypatch, n_train, seed, seconds):
    study = Study(**SMALL, network={"name": "FC", "n_hidden": 5}, training={"n_epochs": 7, "batch_size": 20})
    unit = replace(
        prepare(study).units[0],
        seed=seed,
        task=SlowTilt(n_train=n_train, n_per_epoch=100, n_test=30, resolution=0.03),
        build=partial(SlowFC, SlowTilt(resolution=0.03).image_size, n_hidden=5),
    )
    monkeypatch.setattr(estimating, "_now", lambda: np.full(2, sum(SECONDS)))
    assert estimating._unit_seconds(unit, "cpu") == pytest.approx(seconds)


def test_a_network_that_cannot_be_trained_is_known_beforehand():
    study = Study(
        **SMALL,
        task={"name": "denoising", "n_train": 30, "n_test": 10},
        network={"name": "FC", "n_hidden": 5},
        training={"learning_rate": 1e30, "batch_size": 20},
    )
    prepared = prepare(study)
    row = _row(prepared, prepared.units, "cpu")
    assert "learning_rate" in row["fault"]
    assert np.isnan(row["seconds"])


def test_times_of_many_rdms_and_samples_are_extrapolated_from_few():
    # 3 s once, 0.1 s for each RDM, 0.01 s for each sample of each RDM, as a formula by hand.
    def formula(n_rdms, n_samples):
        return 3 + 0.1 * n_rdms + 0.01 * n_rdms * n_samples

    timed = np.array([[formula(n, samples) for samples in FEW_SAMPLES] for n in FEW])
    assert _extrapolated(timed, 100, 1000) == pytest.approx(formula(100, 1000))


def test_the_command_writes_nothing(normenc, tmp_path):
    (tmp_path / "small.toml").write_text(
        'recording = { source = "simulated-v1", n_neurons = 20, bin_width = 30 }\nstimuli = { resolution = 0.03 }\n'
        'task = { n_train = 20, n_test = 20 }\nnetwork = { name = "FC" }\n'
        "training = { n_epochs = 1, batch_size = 10 }\ncomparison = { n_samples = 50 }\n"
    )
    before = {path.name for path in tmp_path.iterdir()}
    code, out, err = normenc("run", "small.toml", "--dry-run")
    assert code == 0, err
    assert "tilt-discrimination" in out
    assert "Estimated from a few timed steps on this machine:" in out
    printed = json.loads(normenc("run", "small.toml", "--dry-run", "--json")[1])
    assert set(printed) == promised("run --dry-run")
    assert [network["task"] for network in printed["networks"]] == ["tilt-discrimination"]
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == before - {"cache"}
