"""Files that a recording was read from: all of them, by what they held when they were read."""

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import whole_files
from PIL import Image

from normenc.errors import InputError
from normenc.recordings import load
from normenc.recordings.provenance import changed, digest_of, files_read, listing, reads, unchanged

ORIENTATION = np.arange(12) * 15 - 90
RESPONSES = np.random.default_rng(0).normal(size=(12, 5))
opened: list[str] | None = None


@pytest.fixture(scope="module", autouse=True)
def audit():
    """Python tells of every file that it opens for as long as the test below asks."""

    def note(event, arguments):
        if event == "open" and opened is not None and isinstance(arguments[0], str | Path):
            opened.append(str(arguments[0]))

    sys.addaudithook(note)


def write_npz(folder: Path) -> Path:
    np.savez(folder / "mine.npz", responses=RESPONSES, orientation=ORIENTATION)
    return folder / "mine.npz"


def write_npy(folder: Path) -> Path:
    np.save(folder / "mine.npy", RESPONSES)
    (folder / "mine.csv").write_text("orientation\n" + "\n".join(map(str, ORIENTATION)))
    (folder / "mine.neurons.csv").write_text("region\n" + "V1\n" * 5)
    return folder / "mine.npy"


def write_csv(folder: Path) -> Path:
    rows = [",".join(map(str, [angle, *row])) for angle, row in zip(ORIENTATION, RESPONSES, strict=True)]
    (folder / "mine.csv").write_text("orientation,neuron1,neuron2,neuron3,neuron4,neuron5\n" + "\n".join(rows))
    (folder / "mine.neurons.csv").write_text("region\n" + "V1\n" * 5)
    return folder / "mine.csv"


def write_zarr(folder: Path) -> Path:
    zarr = pytest.importorskip("zarr", reason="zarr is not installed")
    group = zarr.open_group(str(folder / "mine.zarr"), mode="w", zarr_format=2)
    group.create_array("responses", data=RESPONSES, chunks=(12, 2))
    group.create_array("orientation", data=ORIENTATION.astype(float))
    return folder / "mine.zarr"


def write_suite2p(folder: Path) -> Path:
    place = folder / "suite2p" / "plane0"
    place.mkdir(parents=True)
    signals = np.random.default_rng(1).normal(size=(5, 240)).astype(np.float32)
    for name in ("F", "Fneu", "spks"):
        np.save(place / f"{name}.npy", signals)
    np.save(place / "iscell.npy", np.ones((5, 2)))
    (place / "raw.bin").write_bytes(b"what nobody reads")
    rows = [f"{20 * number},{20 * number + 9},{angle}" for number, angle in enumerate(ORIENTATION)]
    (folder / "suite2p" / "trials.csv").write_text("start_frame,stop_frame,orientation\n" + "\n".join(rows))
    return folder / "suite2p"


def write_phy(folder: Path) -> Path:
    place = folder / "phy"
    place.mkdir()
    rng = np.random.default_rng(2)
    np.save(place / "spike_times.npy", np.sort(rng.integers(0, 36_000, 3000)))
    np.save(place / "spike_clusters.npy", rng.integers(0, 5, 3000))
    (place / "params.py").write_text("sample_rate = 1000.0\n")
    (place / "cluster_group.tsv").write_text("cluster_id\tgroup\n" + "".join(f"{n}\tgood\n" for n in range(5)))
    rows = [f"{3 * number},{3 * number + 2},{angle}" for number, angle in enumerate(ORIENTATION)]
    (place / "trials.csv").write_text("start,stop,orientation\n" + "\n".join(rows))
    return place


@pytest.mark.parametrize("write", [write_npz, write_npy, write_csv, write_zarr, write_suite2p, write_phy])
def test_every_file_that_is_opened_counts(tmp_path, write):
    """And no other: what Python itself has opened below the folder is what the recording was read from."""
    global opened
    source = write(tmp_path)
    options = {"window": (0, 1)} if write is write_phy else {}
    opened = []
    try:
        with files_read() as files:
            load(source, **options)
    finally:
        seen, opened = {Path(name) for name in opened if name.startswith(str(tmp_path))}, None
    assert set(files) == {path for path in seen if path.is_file()}
    for path, file in files.items():
        assert file.sha256 == sha256(path.read_bytes()).hexdigest()
    assert changed(files.values()) == []


@pytest.mark.parametrize("write", [whole_files.mat, whole_files.hdf5, whole_files.netcdf, whole_files.parquet])
def test_a_file_that_a_library_opens_counts(tmp_path, write):
    source = write(tmp_path) or next(tmp_path.iterdir())
    source = source if isinstance(source, Path) else next(tmp_path.iterdir())
    with files_read() as files:
        load(source)
    assert {path: file.sha256 for path, file in files.items()} == {source: sha256(source.read_bytes()).hexdigest()}


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not installed")
def test_a_folder_is_known_by_what_sha256sum_prints(posix, tmp_path):
    source = write_zarr(tmp_path)
    with files_read() as files:
        load(source)
    command = "find . -type f | sed 's|^./||' | LC_ALL=C sort | xargs sha256sum | sha256sum"
    printed = subprocess.run(["sh", "-c", command], cwd=source, capture_output=True, text=True, check=True).stdout
    assert digest_of(files.values(), source) == printed.split()[0]
    [entry] = listing(files.values(), source)
    inside = [path for path in source.rglob("*") if path.is_file()]
    assert entry == {
        "name": "mine.zarr",
        "n_files": len(inside),
        "bytes": sum(path.stat().st_size for path in inside),
        "sha256": printed.split()[0],
    }


def test_tables_beside_a_file_and_folders_of_images_are_listed(tmp_path):
    (tmp_path / "shown").mkdir()
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 255, (6, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "shown" / f"i{number}.png")
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "mine.npy", RESPONSES)
    (tmp_path / "data" / "mine.csv").write_text("image\n" + "\n".join(f"i{number}.png" for number in range(12)))
    with files_read() as files:
        load(tmp_path / "data" / "mine.npy", images=str(tmp_path / "shown"))
    found = {entry["name"]: entry for entry in listing(files.values(), tmp_path / "data" / "mine.npy")}
    assert set(found) == {"mine.npy", "mine.csv", "shown"}
    assert found["shown"]["n_files"] == 12
    own = sha256((tmp_path / "data" / "mine.npy").read_bytes()).hexdigest()
    assert digest_of(files.values(), tmp_path / "data" / "mine.npy") == own == found["mine.npy"]["sha256"]


def test_what_changes_while_it_is_read_is_refused(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a")
    message = r"mine.csv: this changed while it was being read; wait until it is written"
    for collecting in (False, True):
        with pytest.raises(InputError, match=message), files_read() if collecting else nullcontext(), unchanged():
            reads(path)
            path.write_text(f"b{collecting}")


def test_damage_that_comes_of_a_change_is_called_a_change(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a")
    with pytest.raises(InputError, match="this changed while it was being read"), unchanged():
        reads(path)
        path.unlink()
        raise InputError("the table has no rows")


def test_an_error_of_its_own_stays_what_it_is(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("a")
    with pytest.raises(InputError, match="the table has no rows"), unchanged():
        reads(path)
        raise InputError("the table has no rows")


def test_a_file_that_is_touched_or_moved_in_again_is_the_same(tmp_path):
    path = write_npz(tmp_path)
    content = path.read_bytes()
    with files_read() as files:
        load(path)
        os.utime(path, (1, 1))
        load(path)
        path.unlink()
        path.write_bytes(content)
    assert changed(files.values()) == []
    path.write_bytes(content[:-1] + b"\1")
    assert changed(files.values()) == [path]
    path.unlink()
    assert changed(files.values()) == [path]


def test_a_file_that_changes_between_two_readings_is_refused(tmp_path):
    path = write_npz(tmp_path)
    with pytest.raises(InputError, match="this changed while it was being read"), files_read():
        load(path)
        np.savez(path, responses=RESPONSES + 1, orientation=ORIENTATION)
        load(path)


def test_a_chunk_that_is_written_while_a_store_is_read_is_noticed(tmp_path):
    from normenc.recordings.loading import contents

    source = write_zarr(tmp_path)
    with pytest.raises(InputError, match=r"responses: this changed while it was being read"), contents(source):
        (source / "responses" / "0.9").write_bytes(b"a new chunk")


def test_what_is_made_is_read_from_no_file():
    with files_read() as files:
        load("simulated-v1", n_neurons=20)
    assert files == {}
    assert digest_of(files.values(), Path("simulated-v1")) is None
    assert listing(files.values(), Path("simulated-v1")) == []
