import math
from dataclasses import dataclass
from typing import ClassVar

import pytest

from normenc.tasks import TASKS, NaturalRotation, Task, TiltDiscrimination


def test_half_way_from_chance_to_perfect_counts_as_learned_where_a_task_states_nothing():
    @dataclass(frozen=True)
    class Accuracy(TiltDiscrimination):
        learned_at = Task.learned_at

    task = Accuracy()
    assert task.learned_at == 0.75
    assert (task.has_learned(0.74), task.has_learned(0.75), task.has_learned(math.nan)) == (False, True, None)


def test_a_lower_error_is_better():
    task = NaturalRotation(rotation=45.0)
    assert task.chance == 22.5
    assert task.has_learned(task.learned_at)
    assert not task.has_learned(22.3)  # at chance


def test_a_score_whose_best_is_not_known_is_not_judged():
    @dataclass(frozen=True)
    class Decibels(TiltDiscrimination):
        chance: ClassVar[float] = 3.0  # above 1, which is taken as perfect
        learned_at = Task.learned_at

    assert math.isnan(Decibels().learned_at)
    assert Decibels().has_learned(10.0) is None


@pytest.mark.parametrize("name", [name for name in TASKS if TASKS[name].__module__.startswith("normenc.")])
def test_every_task_counts_as_learned_between_chance_and_a_perfect_answer(name):
    task = TASKS[name]()
    assert min(task.chance, task.perfect) < task.learned_at < max(task.chance, task.perfect)
    assert task.has_learned(task.perfect)
    assert not task.has_learned(task.chance)
