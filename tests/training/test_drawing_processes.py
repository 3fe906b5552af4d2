"""Fresh stimuli drawn by processes: the numbers are those of a thread, errors are told, and no process is left."""

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from normenc import networks, tasks
from normenc.errors import InputError
from normenc.study.sweep import train_units
from normenc.study.units import Unit
from normenc.training import train, train_ensemble
from normenc.training.ahead import DaemonError, _Draws, _SentDraws, check_drawing, drawn_ahead, of_epoch

FRESH: dict[str, Any] = {"n_train": "fresh", "n_per_epoch": 30, "n_test": 40, "resolution": 0.025}
TILT = tasks.TiltDiscrimination(**FRESH)
OPTIONS: dict[str, Any] = {"n_epochs": 6, "batch_size": 10, "device": "cpu"}


@dataclass(frozen=True)
class Dying(tasks.TiltDiscrimination):
    """Draws the stimuli of the first epoch; whatever else draws is killed."""

    def sample(self, n, rng):
        if multiprocessing.parent_process() is not None:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().sample(n, rng)


KILLED = """
import multiprocessing, os, signal, sys
sys.path.insert(0, {here!r})
from test_drawing_processes import FC, OPTIONS, TILT
from normenc.training import kept, train

kept.EVERY = 0.0
def report(step, n_steps, loss):
    if step == 11:  # in the middle of the fourth epoch
        print([process.pid for process in multiprocessing.active_children()], flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
train(FC, TILT, seed=3, progress=report, resume={state!r}, drawing_processes=1, **OPTIONS)
"""
FC = partial(networks.FC, TILT.image_size, n_outputs=1, output="probability")


def test_a_killed_training_leaves_no_process_and_goes_on_to_the_same_bits_with_another_number(posix, tmp_path):
    state, steps = tmp_path / "one.training", []
    program = KILLED.format(here=str(Path(__file__).parent), state=str(state))
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    (pid,) = json.loads(done.stdout)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    again = train(
        FC, TILT, seed=3, resume=state, progress=lambda step, *_: steps.append(step), drawing_processes=2, **OPTIONS
    )
    assert steps[0] == 10  # the fourth epoch's first step
    before = torch.get_rng_state()
    whole = train(FC, TILT, seed=3, progress=False, **OPTIONS)
    np.testing.assert_array_equal(again.log.loss, whole.log.loss)
    for name, value in again.network.state_dict().items():
        assert torch.equal(value, whole.network.state_dict()[name])
    assert torch.equal(torch.get_rng_state(), before)
    assert multiprocessing.active_children() == []


def test_members_with_data_of_their_own_are_as_with_a_thread():
    options = OPTIONS | {"seeds": [3, 4, 5], "shared_data": False, "progress": False, "n_epochs": 3}
    found = train_ensemble(FC, TILT, drawing_processes=1, **options)
    for seed, member in train_ensemble(FC, TILT, **options).items():
        np.testing.assert_array_equal(found[seed].log.loss, member.log.loss)


def test_a_process_that_the_system_kills_is_told(posix):
    with pytest.raises(InputError, match=r"ended early: process \d+ .*; the system may lack memory"):
        train(FC, Dying(**FRESH), seed=3, progress=False, drawing_processes=1, **OPTIONS)
    assert multiprocessing.active_children() == []


def test_a_thread_draws_each_epoch_for_each_seed_in_order():
    with drawn_ahead(TILT, [7, 8], range(2, 5)) as drawn:
        found = list(drawn)
    expected = [of_epoch(TILT, seed, epoch) for epoch in (2, 3, 4) for seed in (7, 8)]
    for pair, wanted in zip(found, expected, strict=True):
        assert all(map(torch.equal, pair, wanted))


@dataclass(frozen=True)
class Failing(tasks.TiltDiscrimination):
    error: Any = None

    def sample(self, n, rng):
        raise self.error


def sent(task: tasks.Task) -> Any:
    """What another process makes of a task's draws, and gives back."""
    item = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(_SentDraws(_Draws(task, [7], range(2, 4)))))[1]))
    return item.error()


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (InputError("give another folder"), InputError, "give another folder"),
        (OSError("the disk is gone"), OSError, "the disk is gone"),
        (SystemExit("stop"), SystemExit, "stop"),
    ],
)
def test_errors_reach_the_user_as_they_are(error, kind, said):
    found = sent(Failing(**FRESH, error=error))
    assert (type(found), str(found)) == (kind, said)
    assert ("in sample" in "".join(getattr(found, "__notes__", []))) == (kind is not InputError)


def refuse():
    raise TypeError("not to be loaded")


class Part:
    def __reduce__(self):
        return refuse, ()


class PartError(Exception):
    """One that is sent, and cannot be loaded."""

    def __str__(self):
        return "two parts"


@dataclass(frozen=True)
class Odd(tasks.TiltDiscrimination):
    kind: str = "local"

    def sample(self, n, rng):
        class LocalError(Exception):
            """One that no other process finds."""

        if self.kind == "local":
            raise LocalError("two parts")
        if self.kind == "part":
            raise PartError(Part())
        sys.modules["elsewhere"] = module = ModuleType("elsewhere")  # one that only this process imports
        module.FarError = type("FarError", (Exception,), {"__module__": "elsewhere"})
        raise module.FarError("two parts")


@pytest.mark.parametrize(("kind", "said"), [("local", "LocalError"), ("part", "PartError"), ("module", "FarError")])
def test_errors_that_cannot_be_sent_say_the_same(kind, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "elsewhere", None)
    there = pickle.dumps(_SentDraws(_Draws(Odd(**FRESH, kind=kind), [7], range(2, 4)))[1])
    monkeypatch.setitem(sys.modules, "elsewhere", None)
    found = pickle.loads(there).error()
    assert (type(found), str(found)) == (RuntimeError, f"{said}: two parts")
    assert "in sample" in "".join(found.__notes__)


def test_a_task_that_another_process_does_not_find_is_told(monkeypatch):
    there = _SentDraws(_Draws(Failing(**FRESH), [7], range(2, 4)))
    monkeypatch.delattr(sys.modules[__name__], "Failing")
    with pytest.raises(InputError, match=r"task Failing cannot be handed to processes .*define its class at the top"):
        raise there[0].error()


@pytest.mark.parametrize(
    ("task", "n", "message"),
    [
        (TILT, -1, "drawing_processes is -1"),
        (TILT, 1.5, "drawing_processes is 1.5"),
        (replace(TILT, n_train=30), 1, "TiltDiscrimination has no fresh stimuli to draw.*n_train='fresh'"),
        (Failing(**FRESH, error=lambda: None), 1, "the task Failing cannot be handed to processes that draw stimuli"),
    ],
)
def test_impossible_drawing_is_refused_before_training(task, n, message):
    for call in (partial(train, seed=1), partial(train_ensemble, seeds=[1])):
        with pytest.raises(InputError, match=message):
            call(FC, task, drawing_processes=n, progress=False)


def test_a_process_that_may_start_none_refuses_the_whole_study(monkeypatch):
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    with pytest.raises(DaemonError, match="start workers of Dask with DASK_DISTRIBUTED__WORKER__DAEMON=False"):
        check_drawing(TILT, 1)
    assert check_drawing(TILT, 0) == 0
    unit = Unit("tilt", "FC", TILT, FC, 3, {"n_epochs": 2, "checkpoints": ()}, drawing_processes=1)
    with pytest.raises(DaemonError):
        train_units([unit, replace(unit, seed=4)], progress=False)
