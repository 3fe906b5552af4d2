"""Training as a study file states it: its keys, what is stored of it, and how units go on after they were killed."""

import os
import signal
import subprocess
import sys
import tomllib
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from normenc import networks, tasks
from normenc.errors import InputError, NormencWarning
from normenc.study import Study, load_study
from normenc.study.representing import prepare
from normenc.study.sections import TrainingSettings
from normenc.study.sweep import train_units
from normenc.study.training_changes import TrainingChanges
from normenc.study.units import Unit, load_result, train_unit
from normenc.training import Recipe, kept, train

KEYS = """
[[task]]
name = "tilt-discrimination"
n_train = "fresh"
n_per_epoch = 30
training = { learning_rate = "auto", clip = 1.0, patience = 3 }

[[task]]
name = "orientation-estimation"

[network]
name = "FC"
training = { optimizer = "muon" }

[training]
n_epochs = 7
optimizer = "adamw"
schedule = "one-cycle"
weight_decay = 0.05
"""


def studied(tmp_path, text) -> Study:
    (tmp_path / "study.toml").write_text(text)
    return load_study(tmp_path / "study.toml")


def test_a_studys_keys_are_those_of_training():
    own = [field.name for field in fields(Recipe)]
    assert [name for name in TrainingSettings.model_fields if name in own] == own
    assert [*TrainingChanges.model_fields, "checkpoints"] == own
    assert Recipe(**Study().training_of(Study().task[0], Study().network[0])) == Recipe()


def test_tasks_and_networks_change_what_the_study_states(tmp_path):
    study = studied(tmp_path, KEYS)
    tilt, orientation = (Recipe(**study.training_of(task, study.network[0])) for task in study.task)
    assert tilt == Recipe(
        n_epochs=7,
        optimizer="muon",
        schedule="one-cycle",
        weight_decay=0.05,
        learning_rate="auto",
        clip=1.0,
        patience=3,
    )
    assert (orientation.learning_rate, orientation.patience, orientation.optimizer) == (5e-4, None, "muon")
    assert study.task[0].options["n_train"] == "fresh"
    (tmp_path / "again.toml").write_text(study.to_toml())
    again = load_study(tmp_path / "again.toml")
    assert (again.task, again.network, again.training) == (study.task, study.network, study.training)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\noptimizer = 'sgdm'", "training.optimizer: given 'sgdm'; it should be 'sgd', 'adam', 'adamw' or"),
        ("[training]\nlearning_rate = 'fast'", "training.learning_rate: given 'fast'; it should be .*number.*'auto'"),
        ("[training]\nclip = 0.0", "training.clip: given 0.0; it should be greater than 0"),
        ("[training]\npatience = 2\ncheckpoints = [0, 5]", "checkpoints contain epoch 5, but with a patience"),
        ("[task]\nname = 'tilt-discrimination'\nn_train = 'new'", "task.n_train: given 'new'; it should be .*'fresh'"),
        ("[task]\nname = 'tilt-discrimination'\nn_train = 0", "task.n_train: given 0; it should be greater"),
    ],
)
def test_the_impossible_is_named_by_its_key(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        studied(tmp_path, text)


def test_labels_are_smoothed_only_where_there_are_classes():
    study = Study(task=[{"name": "orientation-estimation"}], training={"label_smoothing": 0.1})
    with pytest.raises(InputError, match="label_smoothing: orientation-estimation has no classes"):
        prepare(study)
    prepare(Study(task=[{"name": "tilt-discrimination"}], training={"label_smoothing": 0.1}))


def unit(seed: int = 3, n_train: int | str = "fresh", **options) -> Unit:
    task = tasks.TiltDiscrimination(n_train=n_train, n_per_epoch=40, n_test=50, resolution=0.02)
    build = partial(networks.FC, task.image_size, n_outputs=task.n_outputs, output=task.output)
    recipe = {"n_epochs": 6, "batch_size": 10, "learning_rate": 1e-3, "checkpoints": ()}
    return Unit("tilt", "FC", task, build, seed, recipe | options)


def test_what_is_stored_is_the_whole_log():
    own = unit(optimizer="adamw", learning_rate="auto", patience=2)
    train_units([own], progress=False)
    found = load_result(own, "cpu").log
    expected = train(own.build, own.task, seed=3, device="cpu", progress=False, **own.options).log
    assert found.learning_rate == expected.learning_rate
    assert found.kept_epoch == expected.kept_epoch
    np.testing.assert_array_equal(found.validation_loss, expected.validation_loss)
    np.testing.assert_array_equal(found.loss, expected.loss)
    assert len(found.validation_loss) == found.epoch[-1] + 1


def test_processes_that_draw_suit_a_machine_and_are_no_part_of_a_result():
    fresh = {"name": "tilt-discrimination", "label": "fresh", "n_train": "fresh"}
    study = Study(task=[fresh, {"name": "tilt-discrimination"}], training={"drawing_processes": 2})
    assert [unit.drawing_processes for unit in prepare(study).units] == [2, 0]
    other = study.with_changes(drawing_processes=0)
    assert [unit.key("cpu") for unit in prepare(study).units] == [unit.key("cpu") for unit in prepare(other).units]
    assert study.to_toml() == other.to_toml()
    assert Study(**tomllib.loads(study.to_toml())).training == other.training


def test_processes_without_anything_to_draw_are_refused(normenc):
    with pytest.raises(ValueError, match=r"training\.drawing_processes: given 2, but no task has fresh stimuli"):
        Study(training={"drawing_processes": 2})
    code, _, err = normenc("run", "--drawing-processes", "2")
    assert (code, err.count("\n")) == (2, 1)
    assert "training.drawing_processes: given 2, but no task has fresh stimuli" in err


def test_results_of_other_recipes_have_other_keys():
    recipes = [{}, {"optimizer": "adam"}, {"schedule": "cosine"}, {"patience": 2}, {"learning_rate": "auto"}]
    keys = {unit(**recipe).key("cpu") for recipe in recipes} | {unit(n_train=40).key("cpu")}
    assert len(keys) == len(recipes) + 1


KILLED = """
import os, signal, sys
from normenc.study.units import train_unit
from normenc.training import kept
sys.path.insert(0, {here!r})
from test_training_of_studies import MORE, unit

kept.EVERY = 0.0
def report(step, n_steps, loss):
    if step == 15:  # in the middle of the fourth epoch
        os.kill(os.getpid(), signal.SIGKILL)
train_unit(unit(**MORE), "cpu", report)
"""
MORE = {"optimizer": "adamw", "schedule": "one-cycle", "weight_decay": 0.1, "patience": 5}


def test_a_unit_that_was_killed_goes_on_to_the_same_bytes(posix):
    own, steps = unit(**MORE), []
    program = KILLED.format(here=str(Path(__file__).parent))
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -signal.SIGKILL
    folder = Path(os.environ["NORMENC_CACHE"], "units")
    assert [path.suffix for path in folder.iterdir()] == [".training"]
    found = train_unit(own, "cpu", lambda step, n_steps, loss: steps.append(step))
    assert steps[0] == 13  # the fourth epoch's first step
    assert list(folder.iterdir()) == []
    assert train_unit(own, "cpu") == found


class BreakError(Exception):
    """Ends training, in the place of a signal."""


def broken_off(path, at, **options):
    """A training that ends before its step `at`, and leaves its state."""

    def report(step, n_steps, loss):
        if step == at:
            raise BreakError

    with pytest.raises(BreakError):
        train(resume=path, progress=report, **options)


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"optimizer": "muon", "schedule": "cosine", "clip": 0.5, "checkpoints": [0, 1, 4]},
        {"optimizer": "adam", "accumulate": 3, "patience": 4},
    ],
)
@pytest.mark.parametrize("n_train", ["fresh", 40])
def test_every_recipe_goes_on_as_if_unbroken(tmp_path, monkeypatch, recipe, n_train):
    monkeypatch.setattr(kept, "EVERY", 0.0)
    own = unit(n_train=n_train)
    options = {"network": own.build, "task": own.task, "seed": 3, "device": "cpu", "n_epochs": 6, "batch_size": 10}
    options |= {"learning_rate": 1e-3} | recipe
    broken_off(tmp_path / "one.training", 15, **options)
    broken_off(tmp_path / "one.training", 19, **options)  # once more, after it went on
    again = train(resume=tmp_path / "one.training", progress=False, **options)
    whole = train(progress=False, **options)
    np.testing.assert_array_equal(again.log.loss, whole.log.loss)
    np.testing.assert_array_equal(again.log.validation_loss, whole.log.validation_loss)
    assert again.log.kept_epoch == whole.log.kept_epoch
    pairs = [(again.network, whole.network), *((again.checkpoints[k], whole.checkpoints[k]) for k in whole.checkpoints)]
    for one, other in pairs:
        for name, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[name])


class Dropping(networks.FC):
    """Draws random numbers as it runs."""

    def forward(self, images):
        return super().forward(torch.nn.functional.dropout(images, 0.3, self.training))


class Counting(networks.FC):
    """Changes what is no parameter: its answer depends on how often it ran."""

    n_runs = 0

    def forward(self, images):
        self.n_runs += self.training
        return super().forward(images) * min(1.0, 0.9 + self.n_runs / 1000)


@pytest.mark.parametrize(("network", "first"), [(Dropping, 13), (Counting, 1)])
def test_random_numbers_go_on_and_what_cannot_be_restored_starts_again(tmp_path, monkeypatch, network, first):
    monkeypatch.setattr(kept, "EVERY", 0.0)
    own, steps = unit(), []
    build = partial(network, own.task.image_size, n_outputs=1, output="probability")
    options = {"network": build, "task": own.task, "seed": 3, "device": "cpu", "n_epochs": 6, "batch_size": 10}
    broken_off(tmp_path / "one.training", 15, **options)
    again = train(resume=tmp_path / "one.training", progress=lambda step, *rest: steps.append(step), **options)
    assert steps[0] == first
    np.testing.assert_array_equal(again.log.loss, train(progress=False, **options).log.loss)


@pytest.mark.parametrize("change", ["damage", "other"])
def test_a_state_that_does_not_belong_is_told_and_not_used(tmp_path, monkeypatch, change):
    monkeypatch.setattr(kept, "EVERY", 0.0)
    own, place = unit(), tmp_path / "one.training"
    options = {"network": own.build, "task": own.task, "seed": 3, "device": "cpu", "n_epochs": 6, "batch_size": 10}
    broken_off(place, 15, **options)
    if change == "damage":
        content = bytearray(place.read_bytes())
        content[len(content) // 2] ^= 1
        place.write_bytes(content)
    else:
        options["momentum"] = 0.5
    with pytest.warns(NormencWarning, match=r"one\.training is (damaged|of a training with other settings)"):
        again = train(resume=place, progress=False, **options)
    np.testing.assert_array_equal(again.log.loss, train(progress=False, **options).log.loss)


def test_only_files_of_training_are_replaced(tmp_path):
    own = unit()
    with pytest.raises(InputError, match=r"give a file whose name ends with \.training"):
        train(own.build, own.task, seed=1, resume=tmp_path / "thesis.docx", progress=False)
