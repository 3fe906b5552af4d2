"""What networks reached in their tasks, in a study's tables."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from normenc.networks import FC
from normenc.study.competence import BY_SEED, IN_FULL, perfect_score, with_competence
from normenc.study.units import Unit
from normenc.tasks import NaturalRotation, OrientationEstimation, TiltDiscrimination
from normenc.training import TrainingLog, TrainingResult

TILT, ROTATION = TiltDiscrimination(), NaturalRotation()


def training(held_out):
    log = TrainingLog(np.zeros(1), np.ones(1, dtype=np.int64), 0.0, held_out, 0.0)
    network = FC((8, 8), n_outputs=1, n_hidden=2)
    return TrainingResult(network, network, log)


def unit(task, label, seed):
    return Unit(label, "FC", task, partial(FC, (8, 8), n_outputs=1), seed, {})


def table():
    columns = {"encoder": ["tilt fc", "rotation fc", "fc, untrained", "fc, pretrained", "pixels"]}
    columns |= {"task": ["tilt", "rotation", None, None, None], "network": ["FC", "FC", "FC", "FC", "pixels"]}
    columns |= {"layer": "fc", "seed": pd.array([1, 1, 1, None, None], dtype="Int64"), "similarity": 0.5}
    columns["kind"] = ["trained layer", "trained layer", "untrained twin", "pretrained layer", "control"]
    return pd.DataFrame(columns)[["encoder", "task", "network", "layer", "kind", "seed", "similarity"]]


def test_columns_are_means_over_seeds_and_empty_but_for_trained_layers():
    scores = {1: (0.999, 22.0), 2: (0.999, 1.0), 3: (0.5, 22.9)}
    trainings = {unit(TILT, "tilt", seed): training(own) for seed, (own, _) in scores.items()}
    trainings |= {unit(ROTATION, "rotation", seed): training(own) for seed, (_, own) in scores.items()}
    found = with_competence(table(), trainings, IN_FULL)
    assert list(found) == [*table().columns[:6], *IN_FULL, "similarity"]
    tilt, rotation = found.iloc[0], found.iloc[1]
    assert tilt["score"] == pytest.approx((0.999 + 0.999 + 0.5) / 3)
    assert (tilt["chance"], tilt["perfect"], tilt["n_learned"], tilt["learned"]) == (0.5, 1.0, 2, True)
    assert rotation["score"] == pytest.approx((22.0 + 1.0 + 22.9) / 3)
    assert (rotation["chance"], rotation["perfect"]) == (22.5, 0.0)
    assert (rotation["n_learned"], rotation["learned"]) == (1, False)
    assert found.loc[2:, list(IN_FULL)].isna().all(axis=None)


def test_half_of_the_seeds_are_too_few():
    trainings = {unit(TILT, "tilt", 1): training(0.999), unit(TILT, "tilt", 2): training(0.5)}
    found = with_competence(table(), trainings, IN_FULL)
    assert (found["n_learned"][0], found["learned"][0]) == (1, False)


def test_by_seed_each_has_its_own_score():
    rows = pd.concat([table().iloc[[0]], table().iloc[[0]].assign(seed=2)], ignore_index=True).astype({"seed": "Int64"})
    trainings = {unit(TILT, "tilt", 1): training(0.999), unit(TILT, "tilt", 2): training(0.5)}
    found = with_competence(rows, trainings, BY_SEED, by_seed=True)
    assert found["score"].tolist() == [0.999, 0.5]
    assert found["learned"].tolist() == [True, False]


def test_a_score_whose_best_is_not_known_makes_learning_unknown():
    class Decibels(TiltDiscrimination):
        chance, learned_at = 3.0, float("nan")

    trainings = {unit(Decibels(), "tilt", 1): training(10.0)}
    found = with_competence(table(), trainings, IN_FULL).iloc[0]
    assert (found["score"], found["chance"]) == (10.0, 3.0)
    assert found[["perfect", "n_learned", "learned"]].isna().all()
    assert np.isnan(perfect_score(Decibels()))
    assert perfect_score(OrientationEstimation()) == 0.0
