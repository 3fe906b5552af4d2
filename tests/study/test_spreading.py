"""Encoders that several processes, or a cluster, read: the same results, named errors, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
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
from normenc.study.encoder_jobs import EncoderJob
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
            time.sleep(3600)
        return self.fc(self.conv(images).relu().flatten(1))


class Closed:
    __slots__ = ()

    def __deepcopy__(self, memo):
        return self

    def __reduce_ex__(self, protocol):
        raise TypeError


class Unknown(Net):  # it holds something that cannot be described
    def __init__(self, fault=""):
        super().__init__()
        self.closed = Closed()
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
[[encoder]]
model = "spread_nets:Unknown"
size = 32
layers = ["conv", "fc"]
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with networks, their weights, and a recording of small photographs."""
    lab = tmp_path_factory.mktemp("lab")
    (lab / "spread_nets.py").write_text(MODULE)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    np.savez(lab / "natural.npz", images=images, responses=rng.normal(size=(20, 12)), image=np.arange(20))
    sys.path.insert(0, str(lab))
    from spread_nets import Net

    torch.manual_seed(7)
    save_file(Net().state_dict(), lab / "net.safetensors")
    yield lab
    sys.path.remove(str(lab))


def study_of(lab: Path, *changes: tuple[str, str]):
    text = STUDY
    for old, new in changes:
        text = text.replace(old, new)
    (lab / "study.toml").write_text(text)
    return load_study(lab / "study.toml")


def read(lab: Path, cache: str, *changes: tuple[str, str], **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(lab / cache))
        return represent(
            prepare(study_of(lab, *changes)), device="cpu", scratch=lab / "scratch", **{"progress": False} | options
        )


def values(found) -> dict[str, list[bytes]]:
    return {
        r.key: [np.asarray(r.rdm).tobytes(), b"" if r.responses is None else r.responses.to_numpy().tobytes()]
        for r in found.representations
    }


def files(lab: Path, cache: str) -> set[str]:
    return {path.name for path in (lab / cache / "layers").iterdir()}


@pytest.fixture(scope="module")
def alone(lab):
    return values(read(lab, "one", workers=1))


@pytest.fixture(scope="module")
def two(lab):
    """By two processes, and the progress that was reported."""
    seen = []
    return values(read(lab, "two", workers=2, progress=seen.append)), seen


def test_two_processes_give_the_bits_of_one(lab, alone, two):
    found, seen = two
    assert len(alone) == 2 * (1 + 2) + 2 * 2 + 1  # layers of a network, its twins, two of unknown digest, a control
    assert found == alone
    assert files(lab, "two") == files(lab, "one")
    assert len(files(lab, "two")) == 6  # those of unknown digest are not kept
    of_encoders = [state for state in seen if state.stage == "responses of encoders"]
    assert [state.done for state in of_encoders if state.done][-1] == of_encoders[0].total == 5
    assert max(state.running for state in of_encoders) == 2
    assert not (lab / "scratch").exists() or not list((lab / "scratch").iterdir())


def test_a_cluster_gives_the_bits_of_one_process(lab, alone):
    with cluster_here(2) as cluster:
        assert values(read(lab, "far", workers=cluster.scheduler_address)) == alone
    assert files(lab, "far") == files(lab, "one")


def test_what_was_read_before_starts_no_process(lab, alone, two, monkeypatch):
    monkeypatch.setattr(spreading._Crew, "read", lambda *_: pytest.fail("workers were started"))
    known = STUDY[: STUDY.rindex("[[encoder]]")]
    again = values(read(lab, "two", (STUDY, known), workers=2))
    assert again == {key: of for key, of in alone.items() if "Unknown" not in key}


def test_an_error_in_a_worker_names_the_network(lab):
    changes = ("size = 32", 'size = 32\noptions = {fault = "fails"}')
    (lab / "now").unlink(missing_ok=True)
    prepared = prepare(study_of(lab, changes))
    (lab / "now").touch()
    said = r"^encoder Net, (pretrained|untrained, seed \d+): Net cannot process images .*sizes of tensors must match"
    with cluster_here(1) as cluster, pytest.raises(InputError, match=said):
        represent(prepared, device="cpu", workers=cluster.scheduler_address, scratch=lab / "scratch", progress=False)
    with pytest.raises(InputError, match=said):
        represent(prepared, device="cpu", scratch=lab / "scratch", progress=False)
    assert not list((lab / "scratch").iterdir())


def test_workers_of_other_folders_leave_encoders_to_the_command(lab, alone, monkeypatch):
    original = spreading._Crew._arguments

    def from_afar(crew, *given):
        job, roots, places, *others = original(crew, *given)
        return job, roots, replace(places, mark=lab / "no such folder" / "mark"), *others

    monkeypatch.setattr(spreading._Crew, "_arguments", from_afar)
    said = r"^3 networks of \[\[encoder\]\] are read here"
    with cluster_here(1) as cluster, pytest.warns(SchedulerWarning, match=said):
        assert values(read(lab, "afar", workers=cluster.scheduler_address)) == alone


def test_a_worker_with_another_network_is_refused(lab, monkeypatch):
    original = EncoderJob.write

    def other(*given):
        return {name: place.with_name("0.safetensors") for name, place in original(*given).items()}

    monkeypatch.setattr(EncoderJob, "write", other)
    with cluster_here(1) as cluster, pytest.raises(InputError, match=r"^encoder Net, .* not the same where a worker"):
        read(lab, "other", workers=cluster.scheduler_address)


def test_ctrl_c_leaves_no_process_and_no_file(posix, lab):
    study_of(lab, ("size = 32", 'size = 32\noptions = {fault = "waits"}'), (STUDY[STUDY.rindex("[[encoder]]") :], ""))
    code = "from normenc.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "study.toml", "--out", "out", "--workers", "2", "--device", "cpu"],
        cwd=lab,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "NORMENC_CACHE": str(lab / "stopped")},
    )
    while len(list(lab.glob("waits*"))) < 2 and process.poll() is None:
        time.sleep(0.1)
    assert process.poll() is None, process.communicate()[1]
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=600)
    assert process.returncode != 0
    assert said.strip().startswith("normenc: stopped") or "nothing was written" in said
    assert "Traceback" not in said
    until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    assert not list((lab / "stopped" / "layers").iterdir())
    assert not (lab / "out").exists()


def test_processes_are_as_many_as_memory_serves():
    reading = Reading("cpu", "768MiB")
    assert [processes_for(n_jobs, 8, reading) for n_jobs in (1, 2, 6)] == [1, 2, 3]
    assert processes_for(6, 1, reading) == 1
    assert processes_for(6, 8, Reading("cuda", "768MiB")) == 1
    with pytest.warns(NormencWarning, match=r"one process instead of 6: each needs 256\.0 MiB, and 384\.0 MiB may"):
        assert processes_for(6, 8, Reading("cpu", "384MiB")) == 1


def test_arrays_in_memory_are_mapped_and_images_on_disk_named(tmp_path):
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 256, (50, 30, 40, 3), dtype=np.uint8)
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
