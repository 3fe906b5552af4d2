"""Files are written completely or not at all, whatever is written and whichever process is killed."""

import os
import subprocess
import sys
import time

import matplotlib.pyplot as plt
import pytest

from normenc import figures, recordings
from normenc.errors import InputError
from normenc.whole_files import WriteError, beside, remove_leftovers, write_whole


@pytest.fixture
def small_files(largest_file):
    """No file may be larger than 1000 bytes."""
    with largest_file(1000):
        yield


def test_what_was_there_stays_where_the_new_file_cannot_be_written(tmp_path, small_files):
    write_whole(tmp_path / "a.csv", b"old")
    with pytest.raises(WriteError, match=r"File too large: .*a\.csv") as told:
        write_whole(tmp_path / "a.csv", bytes(2000))
    assert (told.value.size, told.value.filename) == (2000, str(tmp_path / "a.csv"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.csv": b"old"}


def test_pictures_and_recordings_that_cannot_be_written_leave_the_earlier_ones(tmp_path, small_files):
    (tmp_path / "bars.png").write_bytes(b"the earlier picture")
    with pytest.raises(OSError, match=r"bars\.png"):
        figures.save(plt.subplots()[1], tmp_path, "bars", formats="png")
    mine = recordings.simulated_v1(n_neurons=10)
    (tmp_path / "mine.npz").write_bytes(b"the earlier recording")
    with pytest.raises(InputError, match=r"mine\.npz: this file cannot be written"):
        recordings.save(mine, tmp_path / "mine.npz", overwrite=True)
    said = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert said == {"bars.png": b"the earlier picture", "mine.npz": b"the earlier recording"}


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, ".hidden", "two words.csv", "-"])
def test_any_name_that_the_disk_takes_can_be_written(tmp_path, name):
    write_whole(tmp_path / name, b"one")
    write_whole(str(tmp_path / name), b"two", synced=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"two"}


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "mine").write_bytes(b"mine")
    for name, target in (("link.png", "mine"), ("broken.png", "nowhere")):
        (tmp_path / name).symlink_to(tmp_path / target)
        figures.save(plt.subplots()[1], tmp_path, name.removesuffix(".png"), formats="png")
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "mine").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_is_never_replaced_by_a_file_but_by_a_folder(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    (store / "old").write_bytes(b"old")
    with pytest.raises(WriteError, match="directory"):
        write_whole(store, b"a file")
    with pytest.raises(RuntimeError), beside(store) as aside:
        aside.mkdir()
        raise RuntimeError
    assert [path.name for path in store.iterdir()] == ["old"]
    with beside(store) as aside:
        aside.mkdir()
        (aside / "new").write_bytes(b"new")
    assert [path.name for path in store.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


KILLED = """
import os, signal, sys
from pathlib import Path
from normenc.whole_files import write_whole
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
write_whole(sys.argv[1], b"half")
"""


def test_what_a_killed_process_left_is_removed_and_no_file_of_the_users(posix, tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a.csv"], check=False)
    (left,) = tmp_path.iterdir()
    own = [".normenc-run.json", ".normenc-notes-2-b", f".{'0' * 32}-mine", ".a.csv-0123456789abcdef.part", "a.csv"]
    long_ago = time.time() - 1e6
    for name in own:
        (tmp_path / name).write_bytes(b"mine")
        os.utime(tmp_path / name, (long_ago, long_ago))
    remove_leftovers(tmp_path)
    assert not left.exists()
    assert {path.name for path in tmp_path.iterdir()} == set(own)
    remove_leftovers(tmp_path / "nowhere")
