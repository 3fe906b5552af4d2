"""The attacks in short, each in a process of its own; tests/study/test_workers.py has those on clusters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ATTACK = Path(__file__).with_name("attack.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the attacks take fork, which this system has not")
@pytest.mark.parametrize("which", ["killed anywhere, over", "disks", "units", "hostile"])
def test_the_same_bytes_or_one_line(which):
    command = [sys.executable, str(ATTACK), "--short", "--only", which]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
