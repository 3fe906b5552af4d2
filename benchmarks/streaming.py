"""Compare a streamed RDM with the same steps in memory: seconds, and what the process holds at its peak.

Run with ``python benchmarks/streaming.py``; it needs the package zarr, 8 GB of disk and, for the way in memory, 6 GB of
memory. Each way runs in a process of its own, in turns, from files that were just written and that the system may thus
hold in its own memory. Both average trials, z-score each neuron over stimuli, and correlate stimuli.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr
from rich.console import Console
from rich.table import Table

from normenc.recordings.streaming import stream_rdm
from normenc.rsa import rdm

COMPARED = 200  # rows of both RDMs


def write(path: Path, n_rows: int, n_neurons: int, chunk: int) -> None:
    """Tuned responses with noise, made and written a chunk at a time."""
    rng = np.random.default_rng(0)
    latent = rng.standard_normal((n_rows, 10), dtype=np.float32)
    shape, chunks = (n_rows, n_neurons), (n_rows, min(chunk, n_neurons))
    if path.suffix == ".zarr":
        array: Any = zarr.create_array(
            str(path), shape=shape, chunks=chunks, dtype="float32", compressors=None if "plain" in path.name else "auto"
        )
    else:
        file = h5py.File(path, "w")
        array = file.create_dataset("responses", shape, "float32", chunks=None if "contiguous" in path.name else chunks)
    for start in range(0, n_neurons, chunk):
        width = min(chunk, n_neurons - start)
        part = latent @ rng.standard_normal((10, width), dtype=np.float32)
        part += 2 * rng.standard_normal((n_rows, width), dtype=np.float32) + rng.random(width, dtype=np.float32)
        array[:, start : start + width] = part
    if path.suffix != ".zarr":
        file.close()


def opened(path: Path) -> Any:
    return zarr.open_array(str(path), mode="r") if path.suffix == ".zarr" else h5py.File(path)["responses"]


def in_memory(array: Any, stimulus: np.ndarray | None) -> np.ndarray:
    values = array[:]
    if stimulus is not None:
        _, index, counts = np.unique(stimulus, return_inverse=True, return_counts=True)
        sums = np.zeros((len(counts), values.shape[1]), dtype=values.dtype)
        for row, k in zip(values, index, strict=True):
            sums[k] += row
        values = sums
        values /= counts[:, None].astype(values.dtype)
    values -= values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    spread = np.sqrt(np.einsum("ij,ij->j", values, values) / len(values))
    values /= spread
    return rdm(values)


def run_once(way: str, path: Path, repeats: int, memory_mib: float) -> None:
    """One way in this process; prints seconds and the peak resident MiB, and keeps some rows of the RDM."""
    baseline = peak_mib()
    array = opened(path)
    stimulus = None if repeats == 1 else np.tile(np.arange(array.shape[0] // repeats), repeats)
    start = time.perf_counter()
    matrix = in_memory(array, stimulus) if way == "memory" else stream_rdm(array, stimulus, memory_mib=memory_mib).rdm
    seconds = time.perf_counter() - start
    peak = peak_mib()
    np.save(path.parent / f"{way}.npy", matrix[:COMPARED])
    print(json.dumps({"seconds": seconds, "baseline": baseline, "peak": peak}))


def peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def in_turns(path: Path, arguments: argparse.Namespace, repeats: int) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {"streamed": [], "memory": []}
    for _ in range(arguments.rounds):
        for way, results in found.items():
            command = [sys.executable, __file__, "--once", way, "--path", path, "--repeats", repeats]
            command += ["--memory-mib", arguments.memory_mib]
            done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
            results.append(json.loads(done.stdout))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stimuli", type=int, default=5000)
    parser.add_argument("--neurons", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=1, help="trials of each stimulus")
    parser.add_argument("--chunk", type=int, default=1000, help="neurons in a chunk")
    parser.add_argument("--memory-mib", type=float, default=128)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where files are written; default: the system's for such files")
    parser.add_argument("--files", nargs="+", default=["plain.zarr", "zstd.zarr", "chunked.h5", "contiguous.h5"])
    parser.add_argument("--once", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        run_once(arguments.once, arguments.path, arguments.repeats, arguments.memory_mib)
        return
    n_rows = arguments.stimuli * arguments.repeats
    table = Table(
        "file", "streamed", "in memory", "relative speed", "peak, streamed", "peak, in memory", "largest difference",
        title=f"{arguments.stimuli:,} stimuli x {arguments.neurons:,} neurons, {arguments.repeats} trial(s) each, "
        f"{n_rows * arguments.neurons * 4 / 1e9:.2g} GB float32, memory_mib={arguments.memory_mib:g}",
    )  # fmt: skip
    for name in arguments.files:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            path = Path(folder) / name
            write(path, n_rows, arguments.neurons, arguments.chunk)
            found = in_turns(path, arguments, arguments.repeats)
            difference = np.abs(np.load(path.parent / "streamed.npy") - np.load(path.parent / "memory.npy")).max()
        own, other = ([run["seconds"] for run in found[way]] for way in ("streamed", "memory"))
        peaks = [max(run["peak"] for run in found[way]) for way in ("streamed", "memory")]
        ratio = statistics.median(b / a for a, b in zip(own, other, strict=True))
        table.add_row(
            name, f"{statistics.median(own):.1f} s", f"{statistics.median(other):.1f} s", f"{ratio:.2f}",
            *(f"{peak:,.0f} MiB" for peak in peaks), f"{difference:.1e}",
        )  # fmt: skip
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, h5py {h5py.__version__}, zarr {zarr.__version__}")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
