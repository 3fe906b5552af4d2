"""Kept networks: what is damaged is told and trained again, what is shared can be read, what is left is removed."""

import errno
import importlib.metadata
import os
import re
import stat
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load, load_file, save_file

from normenc import networks, tasks, whole_files
from normenc.errors import InputError, NormencWarning
from normenc.study import source_code, units
from normenc.study.sweep import train_units
from normenc.study.unit_files import DamagedError
from normenc.study.units import Unit, load_result, load_results, store_result, train_unit

OPTIONS = {"n_epochs": 2, "batch_size": 10, "learning_rate": 1e-3, "momentum": 0.9, "checkpoints": (0, 1)}


def tiny(seed: int = 3, task: tasks.Task | None = None) -> Unit:
    task = task or tasks.TiltDiscrimination(n_train=20, n_test=10, resolution=0.02)
    build = partial(networks.FC, task.image_size, n_outputs=task.n_outputs, output=task.output)
    return Unit("tilt", "FC", task, build, seed, OPTIONS)


def place_of(unit: Unit) -> Path:
    return Path(os.environ["NORMENC_CACHE"], "units", f"{unit.key('cpu')}.safetensors")


@pytest.fixture
def kept() -> tuple[Unit, Path, bytes]:
    """A unit that was trained and kept, its file, and what is in it."""
    unit = tiny()
    train_units([unit], progress=False)
    return unit, place_of(unit), place_of(unit).read_bytes()


def assert_mended(unit: Unit, place: Path, content: bytes) -> None:
    """That the damage is noticed, told in one line, and replaced by the bytes of before."""
    with pytest.raises(DamagedError):
        load_result(unit, "cpu")
    with pytest.warns(NormencWarning) as told:
        results, failures = train_units([unit], progress=False)
    assert len(told) == 1
    assert str(told[0].message).startswith(f"1 stored network was damaged and is trained again ({place}: it")
    assert (list(results), failures) == ([unit], [])
    assert place.read_bytes() == content
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_what_is_not_there_is_no_damage_and_what_is_kept_comes_back(kept):
    unit, _, content = kept
    assert load_result(tiny(seed=4), "cpu") is None
    found = load_result(unit, "cpu")
    tensors = load(content)
    for which, network in {
        "trained": found.network,
        "untrained": found.untrained,
        "epoch1": found.checkpoints[1],
    }.items():
        for name, value in network.state_dict().items():
            assert torch.equal(value, tensors[f"{which}/{name}"])
    assert found.checkpoints[0] is found.untrained
    assert len(found.log.loss) == 4
    assert found.log.epoch.tolist() == [1, 1, 2, 2]


def test_no_flipped_bit_is_believed(kept):
    unit, place, content = kept
    rng = np.random.default_rng(17)
    header = 8 + int.from_bytes(content[:8], "little")
    places = [*range(8), *rng.integers(8, header, 80), *rng.integers(header, len(content), 112)]
    for byte in places:
        damaged = bytearray(content)
        damaged[byte] ^= 1 << rng.integers(8)
        place.write_bytes(damaged)
        with pytest.raises(DamagedError):
            load_result(unit, "cpu")
    assert_mended(unit, place, content)


def zeroed_page(content: bytes) -> bytes:
    half = len(content) // 2
    return content[:half] + bytes(len(content) - half)


def truncated(content: bytes) -> bytes:
    return content[:-1]


def longer(content: bytes) -> bytes:
    return content + b"\0"


DAMAGES = (
    zeroed_page,
    truncated,
    longer,
    lambda content: b"",
    lambda content: bytes(len(content)),
    lambda content: b"{",
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_bytes_are_trained_again(kept, damage):
    unit, place, content = kept
    place.write_bytes(damage(content))
    assert_mended(unit, place, content)


def rewritten(place: Path, change) -> None:
    """Change the tensors, and leave what the file says of itself as it was."""
    from safetensors import safe_open

    with safe_open(place, "pt") as file:
        said = file.metadata()
    tensors = load_file(place)
    change(tensors)
    save_file(tensors, place, said)


def first(tensors: dict[str, torch.Tensor]) -> str:
    return next(name for name in sorted(tensors) if name.startswith("trained/") and tensors[name].ndim == 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors[first(tensors)].fill_(float("nan")),
        lambda tensors: tensors.update({first(tensors): tensors[first(tensors)].double()}),
        lambda tensors: tensors.update({first(tensors): tensors[first(tensors)].T.contiguous()}),
        lambda tensors: tensors.pop(first(tensors)),
        lambda tensors: tensors.update(more=torch.zeros(1)),
        lambda tensors: tensors.update({"log/scores": tensors["log/scores"].flip(0)}),
    ],
    ids=["NaN", "double", "transposed", "missing", "one more", "scores"],
)
def test_other_tensors_in_a_sound_file_are_not_believed(kept, change):
    unit, place, content = kept
    rewritten(place, change)
    assert_mended(unit, place, content)


@pytest.mark.parametrize(
    "change", [torch.Tensor.double, torch.Tensor.half, torch.Tensor.flatten, lambda value: value[:1]]
)
def test_types_and_shapes_are_those_of_the_network(kept, change):
    """A file that is whole and signed, but was written for a network of other parts."""
    unit, _, content = kept
    tensors = load(content)
    name = first(tensors)
    tensors[name] = change(tensors[name]).contiguous()
    with pytest.raises(InputError, match=f"{name} does not have the expected type and shape"):
        store_result(unit, "cpu", units.pack(tensors, unit.key("cpu")))


def test_the_file_of_another_seed_is_not_taken(kept):
    unit, place, content = kept
    other = tiny(seed=9)
    train_units([other], progress=False)
    place.write_bytes(place_of(other).read_bytes())
    place_of(other).unlink()
    assert_mended(unit, place, content)


def a_folder(place: Path) -> None:
    place.mkdir()
    (place / "notes.txt").write_text("x")


@pytest.mark.parametrize(
    "put",
    [
        a_folder,
        lambda place: os.mkfifo(place),
        lambda place: place.symlink_to("nowhere"),
        lambda place: place.symlink_to(place.name),
        lambda place: place.symlink_to("/dev/zero"),
    ],
    ids=["folder", "pipe", "broken link", "circle of links", "device"],
)
def test_what_is_no_file_is_replaced(posix, kept, put):
    unit, place, content = kept
    place.unlink()
    put(place)
    assert_mended(unit, place, content)
    assert not place.is_symlink()


@pytest.fixture
def nobody(posix, monkeypatch):
    """A cache in a folder of its own; root, who may read all files, becomes somebody who may not meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("NORMENC_CACHE", folder)
        units = Path(folder, "units")
        units.mkdir()
        for path in (Path(folder), units):
            path.chmod(0o777)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield units
        finally:
            os.seteuid(before)


def test_a_file_that_may_not_be_read_is_replaced(nobody):
    unit = tiny()
    train_units([unit], progress=False)
    content = place_of(unit).read_bytes()
    place_of(unit).chmod(0)
    assert_mended(unit, place_of(unit), content)


def test_many_damaged_files_are_told_in_one_line():
    mine = [tiny(seed) for seed in range(4)]
    train_units(mine, progress=False)
    for unit in mine[1:]:
        place_of(unit).write_bytes(b"")
    with pytest.warns(
        NormencWarning, match=r"^3 stored networks were damaged and are trained again; the first \("
    ) as told:
        train_units(mine, progress=False)
    assert len(told) == 1
    assert len(train_units(mine, progress=False)[0]) == 4  # and nothing is told any more


def test_the_command_tells_of_damage_in_one_line_and_goes_on(normenc, tmp_path):
    responses = np.random.default_rng(0).normal(size=(12, 9))
    np.savez(tmp_path / "mine.npz", responses=responses, orientation=np.arange(12) * 15 - 90)
    (tmp_path / "study.toml").write_text(
        'recording = { source = "mine.npz" }\nstimuli = { resolution = 0.02 }\n'
        "task = { n_train = 20, n_test = 10 }\nnetwork = { name = 'FC' }\ntraining = { n_epochs = 1 }\n"
        "comparison = { n_samples = 50, n_permutations = 19, other_measures = [] }\n"
    )
    quick = ("--stages", "represent,compare")
    code, _, errors = normenc("run", "study.toml", "--out", "one", *quick)
    assert code == 0, errors
    for path in (tmp_path / "cache" / "units").iterdir():
        path.write_bytes(path.read_bytes()[:-7])
    code, _, errors = normenc("run", "study.toml", "--out", "two", *quick)
    assert code == 0
    lines = [line for line in errors.splitlines() if "damaged" in line]
    assert len(lines) == 1
    assert lines[0].startswith("normenc: warning: 1 stored network was damaged and is trained again (")
    assert "Warning:" not in errors
    assert (tmp_path / "one" / "similarity.csv").read_bytes() == (tmp_path / "two" / "similarity.csv").read_bytes()


def test_a_result_for_another_unit_is_not_kept(kept):
    unit, place, content = kept
    with pytest.raises(InputError, match=r"tilt, FC, seed 3: the trained network is not the one requested"):
        store_result(unit, "cpu", train_unit(tiny(seed=5), "cpu"))
    assert place.read_bytes() == content


def test_images_that_change_while_they_are_learned_are_noticed(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 255, (20, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    task = tasks.ObjectRecognition(folder=str(tmp_path), n_train=10, n_test=4, resolution=0.02)
    unit = tiny(task=task)
    before = unit.key("cpu")
    (tmp_path / "cat" / "0.png").write_bytes((tmp_path / "dog" / "1.png").read_bytes())
    assert unit.key("cpu") != before


def test_the_key_covers_code_and_packages(monkeypatch, tmp_path):
    unit = tiny()
    before = unit.key("cpu")
    monkeypatch.setattr(np, "__version__", "0.0")  # which is not asked: what is installed is
    assert unit.key("cpu") == before
    version = importlib.metadata.version
    for package in ("numpy", "scikit-image", "scikit-learn", "scipy", "pillow"):
        with monkeypatch.context() as changed:
            changed.setattr(
                "normenc.study.source_code._version", lambda name, of=package: "0" if name == of else version(name)
            )
            assert unit.key("cpu") != before, package
    with monkeypatch.context() as changed:
        changed.setattr(torch, "__version__", "0.0")
        assert unit.key("cpu") != before


def test_the_code_in_the_key_is_all_that_training_imports():
    """Every module of normenc that is loaded by training alone, but for the packages' fronts, is in the digest."""
    program = (
        "import sys, normenc.training, normenc.tasks, normenc.networks\n"
        "print(*(name for name in sys.modules if name.startswith('normenc.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    words = {
        "errors",
        "extras",
        "freed_memory",
        "import_roots",
        "keys",
        "showing",
        "texts",
        "whole_files",
    }  # bounds of settings, files and where modules lie give no number
    covered = {part.removesuffix(".py") for part in units.CODE} | words
    assert {name.split(".")[1] for name in loaded} <= covered


CODE = '''"""A module."""
import torch

class Net(torch.nn.Module):
    """A network."""

    size: int = 3

    def forward(self, x, *, twice: bool = True):
        """Of images."""
        return {"a": x * 2 if twice else x, f"{x}": None}  # doubled
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # doubled", "  # doubled, as said in the paper"),
        ('"""Of images."""', '"""Of images.\n\n        More is said.\n        """'),
        ('"""A module."""\n', ""),
        ("x * 2 if twice else x", "(\n            x*2 if twice\n            else x)"),
        ('"a"', "'a'"),
    ],
)
def test_a_comment_or_a_docstring_trains_nothing_anew(old, new):
    assert source_code.parsed(CODE.replace(old, new)) == source_code.parsed(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("2", "2.0"), ("2", "3"), ("True", "False"), ("None", "0"), ('"a"', '"b"'), ("int = 3", "int")),
        *(("*, twice", "twice"), ("x * 2", "2 * x"), ("forward", "backward"), ("torch.nn", "torch")),
        *(("return", "yield"), ("size", "Size")),
    ],
)
def test_other_code_is_told_apart(old, new):
    assert source_code.parsed(CODE.replace(old, new, 1)) != source_code.parsed(CODE)


def test_files_count_with_their_places(tmp_path):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("x = 1\n")
    other.write_text("x = 1  # one\n")
    digests = {source_code.digest_of_code(files, tmp_path) for files in ([one], [other], [one, other], [other, one])}
    assert len(digests) == 3


@pytest.mark.parametrize(("umask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o002, 0o664, 0o775)])
def test_a_lab_can_share_the_cache(posix, umask, file_mode, folder_mode):
    before = os.umask(umask)
    try:
        unit = tiny()
        train_units([unit], progress=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE(place_of(unit).stat().st_mode) == file_mode
    assert stat.S_IMODE(place_of(unit).parent.stat().st_mode) == folder_mode


def test_writing_the_same_unit_at_once_ends_well_for_all(kept):
    unit, place, content = kept
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: store_result(unit, "cpu", content), range(64)))
    assert len(results) == 64
    assert place.read_bytes() == content
    assert list(place.parent.iterdir()) == [place]


WRITER = """
import sys, time
from pathlib import Path
from normenc.whole_files import write_whole
Path.replace = lambda self, target: (print("written", flush=True), time.sleep(3600))
write_whole(Path(sys.argv[1]), b"half")
"""


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(kept):
    unit, place, _ = kept
    another = place.with_name("f" * 32 + ".safetensors")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, another], stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"written\n"
        asides = {path.name.split("-")[-2]: path for path in place.parent.glob(".*")}
        assert set(asides) == {str(writer.pid) for writer in writers}
        writers[0].kill()
        writers[0].wait()
        load_results([unit], "cpu")
        assert set(place.parent.glob(".*")) == {asides[str(writers[1].pid)]}
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
            writer.stdout.close()
    load_results([unit], "cpu")
    assert list(place.parent.iterdir()) == [place]


def test_leftovers_of_other_machines_go_after_a_day(kept):
    unit, place, _ = kept
    key, old = place.stem, time.time() - 25 * 3600
    names = {
        ".normenc-node7.1-1-0123456789abcdef": True,  # as a process of another machine leaves it
        f".{key}-node7.1-1-0123abcd": True,  # as normenc once left it
        f".{key}-x1y2z3": True,
        f".{key}.swp": False,
        ".nfs00012": False,
        f".{key[:31]}-x": False,
    }
    for name in names:
        (place.parent / name).write_text("x")
    load_results([unit], "cpu")
    assert {path.name for path in place.parent.glob(".*")} == set(names)
    for name in names:
        os.utime(place.parent / name, (old, old))
    load_results([unit], "cpu")
    assert {path.name for path in place.parent.glob(".*")} == {name for name, goes in names.items() if not goes}


def failing(number: int):
    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_the_room_that_is_needed(kept, monkeypatch, number):
    unit, place, content = kept
    monkeypatch.setattr(whole_files.os, "fsync", failing(number))
    with pytest.raises(InputError) as refused:
        store_result(unit, "cpu", content)
    said = str(refused.value)
    assert said.startswith(f"{place}: the disk is full")
    assert f"This network takes {len(content):,} bytes" in said
    assert re.search(r"and [\d,]+ bytes are free", said)
    assert place.read_bytes() == content
    assert list(place.parent.iterdir()) == [place]


LIMITED = """
import resource, signal, sys
from normenc.errors import InputError
from normenc.study.unit_files import write
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
place, *sizes = sys.argv[1:]
for size in sizes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        write(Path(place), b"x" * 10_000)
    except InputError as error:
        print(size, "File too large" in str(error), list(Path(place).parent.iterdir()))
"""


def test_nothing_half_written_stays_where_writing_is_cut_off(posix, tmp_path):
    command = [
        sys.executable,
        "-c",
        LIMITED,
        tmp_path / "units" / ("a" * 32 + ".safetensors"),
        "0",
        "1",
        "4096",
        "9999",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0 True []", "1 True []", "4096 True []", "9999 True []"]


def test_a_cache_that_cannot_be_written_is_told_before_training(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("normenc.study.sweep.train_unit", failing(errno.EIO))
    with pytest.raises(InputError, match=r"file/units: trained networks cannot be stored here"):
        train_units([tiny()], progress=False)
