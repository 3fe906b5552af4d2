"""Memory that is freed is kept while a network runs, and given back afterwards."""

import subprocess
import sys

import pytest

from normenc import freed_memory, networks, stimuli
from normenc.representations import extract

needs_glibc = pytest.mark.skipif(freed_memory._glibc() is None, reason="the C library is not glibc")
COUNT = """
import ctypes, resource, sys
from contextlib import nullcontext
import torch
from normenc.freed_memory import freed_memory_kept

def faults(context):
    images, counts = torch.rand(2**22), []
    with context:
        for turn in range(12):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            (images + 1, images - 1)
            counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return sorted(counts[2:])

ctypes.CDLL(None).prctl(41, 1, 0, 0, 0)  # no huge pages, of which a machine has many at one time and none at another
torch.set_num_threads(1)
usual, kept = faults(nullcontext()), faults(freed_memory_kept())
print(sum(usual), sum(kept[:-1]))  # the system may take pages away once
"""

RESIDENT = """
import resource
from pathlib import Path
import torch
from normenc.freed_memory import freed_memory_kept

def resident():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()

before = resident()
with freed_memory_kept(), freed_memory_kept():
    tensors = [torch.ones(2**22) for _ in range(10)]
    inside = resident() - before
    del tensors
print(inside, resident() - before)
"""


@needs_glibc
def test_memory_that_is_freed_is_used_again():
    """Two tensors of 16 MiB are 8,192 pages; each is asked for anew in each of 10 turns, or never."""
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    usual, kept = map(int, done.stdout.split())
    assert kept < 100
    assert usual > 20 * max(kept, 1)


@needs_glibc
def test_memory_is_given_back_at_the_end():
    """Ten tensors of 16 MiB, in a process of its own: one that ran other tests may have as much at hand already."""
    done = subprocess.run([sys.executable, "-c", RESIDENT], capture_output=True, text=True, check=True)
    inside, after = map(int, done.stdout.split())
    assert inside > 150 * 2**20
    assert after < 20 * 2**20


def test_values_are_the_same_without_glibc(monkeypatch):
    images, network = stimuli.gratings([-45, 0, 45]), networks.ConvPoolFC()
    with extract(network, images) as layers:
        kept = {name: responses.values() for name, responses in layers.items()}
    monkeypatch.setattr(freed_memory, "_glibc", lambda: None)
    with extract(network, images) as layers:
        again = {name: responses.values() for name, responses in layers.items()}
    for name, values in again.items():
        assert (kept[name] == values).all(), name


def test_errors_end_it():
    with pytest.raises(ZeroDivisionError), freed_memory.freed_memory_kept():
        1 / 0  # noqa: B018
    assert freed_memory._nested == 0
