"""The attacks in short, in a process of their own; tests/study/test_workers.py has those on clusters."""

import subprocess
import sys
from pathlib import Path

import pytest

ATTACK = Path(__file__).with_name("attack.py")
ATTACKS = ("killed anywhere, over", "disks", "units", "hostile")


@pytest.fixture(scope="module")
def attacked(posix):
    """What all of them told, one after the other, in one process, which imports the package once."""
    command = [sys.executable, str(ATTACK), "--short", "--only", *ATTACKS]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("which", ATTACKS)
def test_the_same_bytes_or_one_line(attacked, which):
    """Its own lines say that every try held; a crash, or a fault of any, is in the exit code, too."""
    assert attacked.returncode == 0, attacked.stdout + attacked.stderr
    rows = [line.split() for line in attacked.stdout.splitlines() if which in line]
    assert rows and all(int(tries) == int(held) > 0 for *_, tries, held in rows), attacked.stdout
