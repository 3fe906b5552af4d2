import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings.streaming import AveragedBlocks, stream_rdm
from normenc.rsa import rdm

STORES = ("numpy", "fortran", "memmap", "contiguous", "rows", "chunks", "uneven", "zarr", "sharded")
CHUNKS = {"rows": (3, 301), "chunks": (58, 16), "uneven": (7, 23), "zarr": (58, 16), "sharded": (58, 16)}


@pytest.fixture
def stored(tmp_path):
    """A function that puts a matrix into a store and gives it back open."""
    files = []

    def put(values: np.ndarray, store: str):
        if store == "numpy":
            return values
        if store == "fortran":
            return np.asfortranarray(values)
        if store == "memmap":
            np.save(tmp_path / "responses.npy", values)
            return np.load(tmp_path / "responses.npy", mmap_mode="r")
        if store in ("zarr", "sharded"):
            zarr = pytest.importorskip("zarr")
            shards = (58, 48) if store == "sharded" else None
            array = zarr.create_array(
                str(tmp_path / "r.zarr"), shape=values.shape, dtype=values.dtype, chunks=CHUNKS[store], shards=shards
            )
            array[:] = values
            return zarr.open_array(str(tmp_path / "r.zarr"), mode="r")
        file = h5py.File(tmp_path / "responses.h5", "w")
        files.append(file)
        return file.create_dataset("responses", data=values, chunks=CHUNKS.get(store))

    yield put
    for file in files:
        file.close()


def unequal_repeats() -> np.ndarray:
    """58 trials of 20 stimuli, each shown one to five times, in no order."""
    shown = np.repeat(np.arange(20), [1, 2, 3, 4, 5, 2, 3, 4, 1, 5, 2, 3, 4, 5, 1, 2, 3, 4, 3, 1])
    return np.random.default_rng(1).permutation(shown) * 3 - 30


def responses(dtype: str, n_neurons: int = 301) -> np.ndarray:
    rng = np.random.default_rng(2)
    return (rng.gamma(2, 20, size=(58, n_neurons)) + rng.uniform(0, 500, n_neurons)).astype(dtype)


def averages(values: np.ndarray, stimulus: np.ndarray) -> np.ndarray:
    return np.array([values[stimulus == label].astype(np.longdouble).mean(axis=0) for label in np.unique(stimulus)])


def by_hand(values: np.ndarray, stimulus: np.ndarray) -> np.ndarray:
    """One minus NumPy's correlation of z-scored averages."""
    x = averages(values, stimulus)
    return 1 - np.corrcoef(((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float64))


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", ">f4"])
def test_every_store_gives_what_memory_gives(stored, store, dtype):
    if store in ("zarr", "sharded") and dtype == ">f4":
        pytest.skip("byte order is a matter of Zarr's codec")
    values, stimulus = responses(dtype), unequal_repeats()
    each = 4 * 58 * values.itemsize + 2 * 20 * (4 if values.dtype.kind == "f" and values.itemsize == 4 else 8)
    streamed = stream_rdm(stored(values, store), stimulus, memory_mib=40 * each / 2**20)  # 40 neurons at once
    np.testing.assert_allclose(
        streamed.rdm, by_hand(values, stimulus), rtol=0, atol=5e-7 if dtype in ("float32", ">f4") else 1e-13
    )
    np.testing.assert_array_equal(streamed.stimulus, np.unique(stimulus))
    assert (streamed.n_neurons, streamed.left_out.size) == (301, 0)


@pytest.mark.parametrize(("store", "width"), [("contiguous", 40), ("chunks", 32), ("uneven", 23), ("rows", 40)])
def test_blocks_are_whole_chunks_where_memory_allows(stored, store, width):
    values, stimulus = responses("float64"), unequal_repeats()
    blocks = AveragedBlocks(
        stored(values, store), stimulus, z_score=False, memory_mib=40 * (4 * 58 + 2 * 20) * 8 / 2**20
    )
    widths = [block.shape[1] for block in blocks]
    assert set(widths[:-1]) == {width} == {blocks.width}
    assert sum(widths) == 301
    # A second loop reads everything again.
    np.testing.assert_allclose(
        np.concatenate(list(blocks), axis=1), averages(values, stimulus).astype(float), rtol=1e-14
    )


def test_rows_are_stimuli_where_no_labels_are_given():
    values = responses("float64")
    streamed = stream_rdm(values)
    np.testing.assert_allclose(streamed.rdm, by_hand(values, np.arange(58)), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(streamed.stimulus, np.arange(58))


def test_without_z_scoring_it_is_the_rdm_of_the_averages():
    values, stimulus = responses("float64"), unequal_repeats()
    values[:, 3] = 7  # a constant neuron belongs to the population all the same
    streamed = stream_rdm(values, stimulus, z_score=False, memory_mib=0.05)
    np.testing.assert_allclose(streamed.rdm, rdm(averages(values, stimulus).astype(float)), rtol=0, atol=1e-13)
    assert (streamed.n_neurons, streamed.left_out.size) == (301, 0)


def test_z_scores_are_taken_of_averages_with_the_populations_standard_deviation():
    # Averages 2, 4, 9: mean 5, variance (9 + 1 + 16) / 3. The order of trials does not matter, labels are sorted.
    blocks = AveragedBlocks([[9.0], [1.0], [4.0], [3.0]], ["c", "a", "b", "a"])
    (block,) = blocks
    np.testing.assert_allclose(block[:, 0], np.array([-3, -1, 4]) / np.sqrt(26 / 3), rtol=1e-14)
    assert blocks.stimulus.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("value", [0, 0.1, -3e4])
def test_neurons_that_do_not_vary_are_left_out(dtype, value):
    values, stimulus = responses(dtype), unequal_repeats()
    flat = np.array([0, 40, 41, 300])
    values[:, flat] = value  # averages of 0.1 over one to five trials differ by rounding
    streamed = stream_rdm(values, stimulus, memory_mib=0.05)
    np.testing.assert_array_equal(streamed.left_out, flat)
    assert streamed.n_neurons == 297
    others = np.delete(values, flat, axis=1)
    np.testing.assert_allclose(streamed.rdm, by_hand(others, stimulus), rtol=0, atol=5e-7)
    with pytest.raises(InputError, match="none of the 4 neurons varies over the 20 stimuli"):
        stream_rdm(values[:, flat], stimulus)


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_z_scores_do_not_depend_on_the_unit_of_response(factor):
    values, stimulus = responses("float64", 50), unequal_repeats()
    np.testing.assert_allclose(
        stream_rdm(values * factor, stimulus).rdm, stream_rdm(values, stimulus).rdm, rtol=0, atol=1e-13
    )


@pytest.mark.parametrize("z_score", [True, False])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_first_neuron_and_trial_that_are_not_finite_are_named(z_score, bad):
    values = responses("float32")
    values[3, 250] = values[40, 111] = values[22, 111] = values[1, 112] = bad
    with pytest.raises(InputError, match=f"response of neuron 111 in trial 22 is {bad}; responses must be finite"):
        stream_rdm(values, unequal_repeats(), z_score=z_score, memory_mib=0.05)


def test_a_stimulus_with_one_response_is_named():
    values = responses("float64")
    values[5] = 3
    with pytest.raises(InputError, match="stimulus 5 has the same response in all 301 units"):
        stream_rdm(values, z_score=False, memory_mib=0.05)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (np.ones(5), {}, r"shape \(5,\); they must be a trial x neuron matrix"),
        (np.ones((0, 5)), {}, r"shape \(0, 5\)"),
        (np.ones((3, 3), dtype=complex), {}, "type complex128; they must be real numbers"),
        ([["a"], ["b"]], {}, "must hold real numbers"),
        (np.eye(3), {"stimulus": [1, 2]}, r"stimulus has shape \(2,\), but there are 3 trials"),
        (np.eye(3), {"stimulus": [np.nan] * 3}, "no trial has a stimulus"),
        (np.eye(3), {"memory_mib": 1e-5}, r"memory_mib is 1e-05, but one neuron's 3 trials take 0\.00014 MiB"),
        (np.eye(3), {"stimulus": [1, 1, 1], "z_score": False}, "1 stimuli x 3 units"),
        (np.array([[1.0], [2.0]]), {}, "2 stimuli x 1 units"),
    ],
)
def test_what_cannot_be_streamed_is_named(given, options, message):
    with pytest.raises(InputError, match=message):
        stream_rdm(given, **options)


def test_a_loop_may_end_early():
    values = responses("float64")
    for block in AveragedBlocks(values, memory_mib=0.05):
        assert block.shape[0] == 58
        break


@pytest.mark.parametrize("mode", ["c", "r+"])
def test_changes_to_a_mapped_file_are_kept(tmp_path, mode):
    np.save(tmp_path / "responses.npy", responses("float32"))
    mapped = np.load(tmp_path / "responses.npy", mmap_mode=mode)
    mapped[:, 5] = np.arange(58)
    changed = np.array(mapped)
    for view in (mapped, mapped[:, ::2].T, np.asarray(mapped)):
        list(AveragedBlocks(view, memory_mib=0.05))
    np.testing.assert_array_equal(mapped, changed)


MEASURED = """
import sys
import numpy as np
from normenc.recordings.streaming import stream_rdm

def memory(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1]) / 1024

mapped = np.load(sys.argv[1], mmap_mode="r")
stimulus = np.arange(400) // 2
stream_rdm(mapped[:, :3000], stimulus, memory_mib=32)  # what libraries keep for themselves is there now
before = memory("VmRSS")
stream_rdm(mapped, stimulus, memory_mib=32)
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc, as on Linux")
def test_memory_stays_within_what_is_allowed(tmp_path):
    path = tmp_path / "responses.npy"
    file = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(400, 250_000))
    rng = np.random.default_rng(0)
    for row in file:
        row[:] = rng.random(250_000, dtype=np.float32)
    del file
    assert path.stat().st_size > 400e6
    done = subprocess.run([sys.executable, "-c", MEASURED, path], check=True, capture_output=True, text=True)
    # 32 MiB for the blocks; 16 for averages and z-scores in float64, and for the sums of 200 stimuli.
    assert float(done.stdout) < 48


def test_torch_is_not_loaded():
    # It takes 200 MiB, and nothing here needs it.
    code = "import sys, normenc.recordings.streaming, normenc.rsa; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
