"""Optimizers without what loads the compiler: the same to the bit, and nothing of it is loaded."""

import functools
import subprocess
import sys

import pytest
import torch
from torch.optim import lr_scheduler

from normenc import optimizers
from normenc.optimizers import uncompiled

KINDS = {
    "SGD": (torch.optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    "Adam": (torch.optim.Adam, {"lr": 0.1, "fused": True}),
    "AdamW": (torch.optim.AdamW, {"lr": 0.1, "fused": True}),
    "Muon": (torch.optim.Muon, {"lr": 0.1}),
}


def course(make, settings, n_steps=5):
    """Weights and the optimizer's state after steps with a schedule, the last of them from a state that was kept."""
    weight = torch.nn.Parameter(torch.linspace(-1, 1, 12).reshape(4, 3))
    optimizer = make([weight], **settings)
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for step in range(n_steps):
        if step == n_steps - 1:
            kept, optimizer = optimizer.state_dict(), make([weight], **settings)
            optimizer.load_state_dict(kept)
        optimizer.zero_grad()
        (weight.sin() * torch.arange(3.0)).sum().backward()
        optimizer.step()
        schedule.step()
    return weight.detach(), optimizer.state_dict()


@pytest.mark.parametrize("kind", KINDS)
def test_steps_and_states_are_torchs_to_the_bit(kind):
    make, settings = KINDS[kind]
    (own, own_state), (torchs, state) = course(uncompiled(make), settings), course(make, settings)
    assert torch.equal(own, torchs)
    assert own_state["param_groups"] == state["param_groups"]
    for name, value in state["state"][0].items():
        assert torch.equal(torch.as_tensor(own_state["state"][0][name]), torch.as_tensor(value)), name


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_are_called_once_a_step_and_gradients_are_on_afterwards(kind):
    make, settings = KINDS[kind]
    weight, called = torch.nn.Parameter(torch.ones(2, 2)), []
    make([weight], **settings)  # torch now has wrapped the step of its own class, too
    optimizer = uncompiled(make)([weight], **settings)
    optimizer.register_step_post_hook(lambda *given: called.append(len(given)))
    weight.sum().backward()
    optimizer.step()
    assert called == [3] and torch.is_grad_enabled() and weight.requires_grad
    assert isinstance(optimizer, make) and type(optimizer).__name__ == make.__name__


def test_torchs_own_classes_are_left_as_they_are():
    before = {name: getattr(torch.optim.SGD, name) for name in (*optimizers.WRAPPED, "step")}
    uncompiled(torch.optim.SGD)([torch.ones(1, requires_grad=True)], lr=0.1)
    assert {name: getattr(torch.optim.SGD, name) for name in before} == before


def test_a_wrapper_that_is_not_known_stays():
    """As a later version of torch may have: its method then works as torch means it to."""

    def later(method):
        @functools.wraps(method)
        def wrapper(*given, **options):
            return "later", method(*given, **options)

        return wrapper

    class Later(torch.optim.SGD):
        step = later(torch.optim.SGD.step)
        zero_grad = later(torch.optim.SGD.zero_grad)

    optimizer = uncompiled(Later)([torch.ones(1, requires_grad=True)], lr=0.1)
    assert (optimizer.step(), optimizer.zero_grad()) == (("later", None), ("later", None))


TRAINING = """
import sys
from normenc import networks, tasks, training
task = tasks.TiltDiscrimination(n_train=20, n_test=10, resolution=0.02)
build = lambda: networks.FC(task.image_size)
options = dict(n_epochs=1, batch_size=10, device="cpu", progress=False)
for optimizer in ("sgd", "adam", "adamw", "muon"):
    training.train(build, task, seed=1, optimizer=optimizer, **options)
training.train_ensemble(build, task, seeds=[1, 2], **options)
sys.exit("torch._dynamo" in sys.modules)
"""


def test_no_training_loads_the_compiler():
    done = subprocess.run([sys.executable, "-c", TRAINING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
