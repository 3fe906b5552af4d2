"""Training as a study file states it: its keys, what is stored of it, and how units go on after they were killed."""

from dataclasses import fields
from functools import partial

import numpy as np
import pytest

from normenc import networks, tasks
from normenc.errors import InputError
from normenc.study import Study, load_study
from normenc.study.section_base import TrainingChanges
from normenc.study.sections import TrainingSettings
from normenc.study.sweep import train_units
from normenc.study.units import Unit, load_result
from normenc.training import Recipe, train

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


def test_results_of_other_recipes_have_other_keys():
    recipes = [{}, {"optimizer": "adam"}, {"schedule": "cosine"}, {"patience": 2}, {"learning_rate": "auto"}]
    keys = {unit(**recipe).key("cpu") for recipe in recipes} | {unit(n_train=40).key("cpu")}
    assert len(keys) == len(recipes) + 1
