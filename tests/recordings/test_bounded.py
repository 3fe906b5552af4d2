"""Files that declare, or unpack to, far more than they are: refused before memory is taken."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings import load
from normenc.recordings.formats.unpacking import unpacks_beyond

DEGREES = np.repeat(np.arange(12) * 15.0, 4)
RESPONSES = np.random.default_rng(0).random((48, 6))
MOST_MIB = 300  # that a refusal may take beyond the packages it needs


def zarr_store(path, chunks, packed, compressor):
    """A store of version 2, of which the only part of the responses holds `packed`."""
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.create_array("responses", shape=(48, 6), chunks=chunks, dtype="f8", compressors=None)
    group.create_array("orientation", shape=(48,), chunks=(48,), dtype="f8")[...] = DEGREES
    place = path / "responses"
    described = json.loads((place / ".zarray").read_text()) | {"compressor": compressor}
    (place / ".zarray").write_text(json.dumps(described))
    (place / "0.0").write_bytes(packed)
    return path


def zeros(n_mib):
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(n_mib)) + packer.flush()


def test_chunks_far_larger_than_their_array(tmp_path):
    store = zarr_store(tmp_path / "mine.zarr", (20_000, 20_000), zeros(1), {"id": "zlib", "level": 1})
    with pytest.raises(InputError, match=r"responses has .* MiB, but is stored in parts of 3,052 MiB"):
        load(store)
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["orientation"] = DEGREES
        file.create_dataset("responses", (48, 6), "f8", maxshape=(None, None), chunks=(20_000, 18_000))
    for suffix in (".h5", ".nc", ".mat"):
        path = (tmp_path / "mine.h5").rename(tmp_path / f"mine{suffix}")
        with pytest.raises(InputError, match=r"responses has .* MiB, but is stored in parts of 2,747 MiB"):
            load(path)
        path.rename(tmp_path / "mine.h5")


# Not getrusage: on Linux its peak of a started process begins at the peak of the process that started it.
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc, as on Linux")
@pytest.mark.parametrize("codec", ["zlib", "zstd", "blosc"])
def test_chunks_that_unpack_to_far_more_than_they_should(tmp_path, codec):
    numcodecs = pytest.importorskip("numcodecs")
    n_bytes = 400 * 2**20
    described = {"zlib": {"id": "zlib", "level": 1}, "zstd": {"id": "zstd", "level": 1}}.get(codec, {
        "id": "blosc", "cname": "zstd", "clevel": 1, "shuffle": 0, "blocksize": 0,
    })  # fmt: skip
    packed = {
        "zlib": lambda: zeros(400),
        "zstd": lambda: numcodecs.Zstd(1).encode(bytes(n_bytes)),
        "blosc": lambda: numcodecs.Blosc("zstd", 1).encode(bytes(n_bytes)),
    }[codec]()
    store = zarr_store(tmp_path / "mine.zarr", (48, 6), packed, described)
    program = (
        "import sys, zarr\nfrom normenc.recordings import load\nfrom normenc.errors import InputError\n"
        "def peak(): return int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "before = peak()\n"
        "try: load(sys.argv[1])\nexcept InputError as error: print(error)\n"
        "print((peak() - before) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(store)], capture_output=True, text=True, check=True)
    said, peak = done.stdout.splitlines()
    assert "responses has a part of" in said
    assert int(peak) < MOST_MIB


def test_how_much_a_part_unpacks_to_is_known_beforehand(tmp_path):
    file = tmp_path / "part"
    file.write_bytes(zeros(3))
    for most, beyond in ((2**20, True), (4 * 2**20, False)):
        assert unpacks_beyond(file, "zlib", most, counted=True) is beyond
        assert not unpacks_beyond(file, "zlib", most, counted=False)
        assert not unpacks_beyond(file, "unheard of", most, counted=True)
    import bz2
    import lzma

    for packing, pack in (("bz2", bz2.compress), ("lzma", lzma.compress)):
        file.write_bytes(pack(bytes(3 * 2**20)) + b"")
        assert unpacks_beyond(file, packing, 4000, counted=True) is (file.stat().st_size * 1100 >= 4000)


def test_texts_that_are_no_names(tmp_path):
    np.savez(tmp_path / "a.npz", responses=RESPONSES, orientation=DEGREES, species="x" * 100_000)
    with pytest.raises(InputError, match=r"species has 100,000 characters .* write at most 2,000"):
        load(tmp_path / "a.npz")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["responses"], file["orientation"] = np.tile(RESPONSES, 50), DEGREES
        names = ["x" * 1_000_000, *map(str, range(299))]
        file.create_dataset("neuron", data=names, dtype=h5py.string_dtype())
    with pytest.raises(InputError, match=r"neuron holds a text of 1,000,000 characters .* at most 10,000") as caught:
        load(tmp_path / "b.h5")
    assert len(str(caught.value)) < 400


def wide_table(path, n_neurons):
    rows = ["orientation," + ",".join(f"neuron{n}" for n in range(n_neurons))]
    rows += [f"{angle:g}," + ",".join(["1.5"] * n_neurons) for angle in DEGREES[:2]]
    path.write_text("\n".join(rows) + "\n")
    return path


def test_tables_of_very_many_columns(tmp_path):
    with pytest.raises(InputError, match="it has 300,001 columns, more than 200,000; save that many as arrays"):
        load(wide_table(tmp_path / "mine.csv", 300_000))
    (tmp_path / "long.csv").write_text("orientation,neuron1," + "x" * 17_000_000 + "\n0,1,2\n")
    with pytest.raises(InputError, match="its first line has more than 16,777,216 characters"):
        load(tmp_path / "long.csv")


def test_a_table_of_20000_neurons_is_read(tmp_path):
    head = "orientation," + ",".join(f"neuron{n}" for n in range(20_000))
    values = np.random.default_rng(0).integers(0, 9, (6, 20_000))
    lines = [f"{30 * row}," + ",".join(map(str, values[row])) for row in range(6)]
    (tmp_path / "mine.csv").write_text("\n".join([head, *lines]) + "\n")
    assert load(tmp_path / "mine.csv").n_neurons == 20_000
