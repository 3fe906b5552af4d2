"""Encoders that several processes, or a cluster, read: the same results, named errors, nothing left behind."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import save_file
from test_workers import cluster_here, until

from normenc.errors import InputError, NormencWarning
from normenc.representations import extract
from normenc.rsa import rdm
from normenc.stimuli import ImageSet
from normenc.study import SchedulerWarning, load_study, prepare, represent, spreading
from normenc.study.handing import handed, taken
from normenc.study.rdm_folder import Reading
from normenc.study.spreading import processes_for

MODULE = """
import os, time
from pathlib import Path
import torch
from torch import nn

HERE = Path(__file__).parent


class Net(nn.Module):
    def __init__(self, fault=""):
        super().__init__()
        self.fault = fault
        self.conv = nn.Conv2d(3, 16, 3, stride=2)
        self.fc = nn.Linear(16 * 15 * 15, 20)

    def forward(self, images):
        if len(images) > 3 and self.fault == "fails" and (HERE / "now").exists():
            raise RuntimeError("sizes of tensors must match")
        if len(images) > 3 and self.fault == "ends" and (HERE / "now").exists():
            os._exit(1)
        if len(images) > 3 and self.fault == "waits":
            (HERE / f"waits{os.getpid()}").touch()
            time.sleep(60)
        return self.fc(self.conv(images).relu().flatten(1))


class Unknown(Net):  # what it does cannot be told from its attributes
    def __init__(self):
        super().__init__()
        self.file = open(os.devnull)
"""
STUDY = """
name = "spread"
[recording]
source = "natural.npz"
[comparison]
controls = ["pixels"]
n_samples = 50
n_permutations = 19
[[encoder]]
model = "spread_nets:Net"
weights = "net.safetensors"
size = 32
layers = ["conv", "fc"]
untrained = 2
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A folder with networks, weights, and a recording of photographs' size; the cache is empty."""
    (tmp_path / "spread_nets.py").write_text(MODULE)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "natural.npz", images=images, responses=rng.normal(size=(20, 12)), image=np.arange(20))
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delitem(sys.modules, "spread_nets", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    from spread_nets import Net

    torch.manual_seed(7)
    save_file(Net().state_dict(), tmp_path / "net.safetensors")
    return tmp_path


def study_of(lab: Path, *changes: tuple[str, str]):
    text = STUDY
    for old, new in changes:
        text = text.replace(old, new)
    (lab / "study.toml").write_text(text)
    return load_study(lab / "study.toml")


def read(lab: Path, cache: str, *changes: tuple[str, str], monkeypatch, **options):
    monkeypatch.setenv("NORMENC_CACHE", str(lab / cache))
    return represent(prepare(study_of(lab, *changes)), device="cpu", scratch=lab / "scratch", **options)


def values(found) -> dict[str, list[bytes]]:
    return {
        r.key: [np.asarray(r.rdm).tobytes(), b"" if r.responses is None else r.responses.to_numpy().tobytes()]
        for r in found.representations
    }


def test_one_process_two_and_a_cluster_give_the_same_bits(lab, monkeypatch):
    seen = []
    again = partial(read, lab, monkeypatch=monkeypatch)
    alone = again("one", workers=1, progress=False)
    two = again("two", workers=2, progress=seen.append)
    assert len(values(alone)) == 2 * (1 + 2) + 1
    assert values(two) == values(alone)
    assert {path.name for path in (lab / "two" / "layers").iterdir()} == {
        path.name for path in (lab / "one" / "layers").iterdir()
    }
    of_encoders = [state for state in seen if state.stage == "responses of encoders"]
    assert [state.done for state in of_encoders if state.done][-1] == of_encoders[0].total == 3
    assert max(state.running for state in of_encoders) == 2
    with cluster_here(2) as cluster:
        far = again("far", workers=cluster.scheduler_address, progress=False)
    assert values(far) == values(alone)
    assert len(list((lab / "far" / "layers").iterdir())) == 6
    assert not (lab / "scratch").exists() or not list((lab / "scratch").iterdir())


def test_what_was_read_before_starts_no_process(lab, monkeypatch):
    again = partial(read, lab, "cache", monkeypatch=monkeypatch, workers=2, progress=False)
    first = again()
    monkeypatch.setattr(spreading._Crew, "read", lambda *_: pytest.fail("workers were started"))
    assert values(again()) == values(first)


def test_networks_that_no_digest_knows_are_left_in_the_runs_folder(lab, monkeypatch):
    bare = [("Net", "Unknown"), ('weights = "net.safetensors"\n', "")]
    alone = read(lab, "one", *bare, monkeypatch=monkeypatch, workers=1, progress=False)
    two = read(lab, "two", *bare, monkeypatch=monkeypatch, workers=2, progress=False)
    assert values(two) == values(alone)
    assert not list((lab / "two" / "layers").iterdir())
    assert not (lab / "scratch").exists() or not list((lab / "scratch").iterdir())


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("fails", r"^encoder Net, (pretrained|untrained, seed \d+): Net cannot process images .*sizes of tensors"),
        ("ends", r"^encoder Net, (pretrained|untrained, seed \d+): the workers that read it died, one after the other"),
    ],
)
def test_an_error_in_a_worker_names_the_network(lab, monkeypatch, fault, said):
    prepared = prepare(study_of(lab, ("size = 32", f'size = 32\noptions = {{fault = "{fault}"}}')))
    (lab / "now").touch()
    with pytest.raises(InputError, match=said):
        represent(prepared, device="cpu", workers=2, scratch=lab / "scratch", progress=False)
    assert not list((lab / "scratch").iterdir())
    assert not [path for path in (lab / "cache" / "layers").iterdir() if path.name.startswith(".")]


def test_a_cluster_that_shares_no_disk_leaves_encoders_to_the_command(lab, monkeypatch):
    monkeypatch.setattr(spreading, "aside_of", lambda path: lab / "elsewhere" / path.name)
    (lab / "elsewhere").mkdir()
    original = spreading.read_here

    def from_afar(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Path, "exists", lambda _: False)
            return original(*arguments)

    alone = read(lab, "one", monkeypatch=monkeypatch, workers=1, progress=False)
    monkeypatch.setattr(spreading, "read_here", from_afar)
    with cluster_here(1) as cluster, pytest.warns(SchedulerWarning, match="3 networks of .* are read here and not by"):
        far = read(lab, "far", monkeypatch=monkeypatch, workers=cluster.scheduler_address, progress=False)
    assert values(far) == values(alone)


def test_ctrl_c_leaves_no_process_and_no_file(lab):
    study_of(lab, ("size = 32", 'size = 32\noptions = {fault = "waits"}'))
    code = "from normenc.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "study.toml", "--out", "out", "--workers", "2", "--device", "cpu"],
        cwd=lab,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    until(lambda: len(list(lab.glob("waits*"))) == 2 or process.poll() is not None)
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert said.strip().startswith("normenc: stopped") or "nothing was written" in said
    assert "Traceback" not in said
    until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    assert not list((lab / "cache" / "layers").iterdir())
    assert not (lab / "out").exists()


def test_processes_are_as_many_as_memory_serves():
    reading = Reading("cpu", "3GiB")
    assert [processes_for(n_jobs, 8, reading) for n_jobs in (1, 2, 6)] == [1, 2, 3]
    assert processes_for(6, 1, reading) == 1
    assert processes_for(6, 8, Reading("cuda", "3GiB")) == 1
    with pytest.warns(NormencWarning, match=r"one process instead of 6: each needs 1\.0 GiB, and 1\.5 GiB may be used"):
        assert processes_for(6, 8, Reading("cpu", "1.5GiB")) == 1


def test_arrays_in_memory_are_mapped_and_images_on_disk_named(tmp_path):
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 256, (5, 8, 6, 3), dtype=np.uint8)
    np.save(tmp_path / "stack.npy", stack)
    for number, images in enumerate((ImageSet.of(stack), ImageSet.open(tmp_path / "stack.npy").resized((4, 4)))):
        digest, place = images.digest, handed(images, tmp_path)
        found = taken(place)
        assert found.digest == digest
        assert torch.equal(found[1:4], images[1:4])
        assert len(list(place.iterdir())) == 2 - number  # of those on disk there is no copy
    assert isinstance(taken(tmp_path / "handed0").stack.base.base, np.memmap)


def test_layers_on_disk_give_the_bits_of_those_in_memory(tmp_path):
    images = torch.rand(40, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 40, 3), torch.nn.ReLU())
    found = []
    for memory in ("1MiB", "1GiB"):
        with extract(network, images, ["1"], memory=memory, batch_size=8, scratch=tmp_path) as layers:
            found.append((rdm(layers["1"]), layers["1"].values().copy()))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
