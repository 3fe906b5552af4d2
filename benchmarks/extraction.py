"""Compare the extraction of layers with the bare forward pass, and streamed RDMs with products in memory.

Run with ``python benchmarks/extraction.py``; it needs the package efficientnet_lite_pytorch, which gives the network,
and about 5 GB of disk and of memory. With ``--thingsvision PYTHON``, a Python that has this package reads the same
layers of the same images. Every way runs in a process of its own, in turns. Seconds are of the wall clock and of the
processor, for the work alone; the peak is that of the whole process, PyTorch's libraries included.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIZE = 224
LAYERS = [f"_blocks.{k}" for k in range(16)]
SHOWN = 32  # images of a batch, of the bare network and of thingsvision
FEW = 5  # about as many as normenc shows this network at a time on a CPU


class Images:
    """Noise as images of bytes, of which a batch is made floating-point at a time."""

    def __init__(self, n: int) -> None:
        self._values = np.random.default_rng(0).integers(0, 256, (n, 3, SIZE, SIZE), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, part: slice) -> Any:
        import torch

        return torch.from_numpy(self._values[part]).float() / 255

    def batches(self, size: int = SHOWN) -> list[slice]:
        return [slice(start, start + size) for start in range(0, len(self), size)]


def network() -> Any:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    torch.manual_seed(0)
    return EfficientNet.from_name("efficientnet-lite0").eval()


def bare(n: int, _memory: str, size: int = SHOWN) -> Callable[[], object]:
    import torch

    module, images = network(), Images(n)

    def work() -> None:
        with torch.no_grad():
            for part in images.batches(size):
                module(images[part])

    return work


def bare_few(n: int, memory: str) -> Callable[[], object]:
    return bare(n, memory, FEW)


def ours(n: int, memory: str, rdms: bool = False) -> Callable[[], object]:
    from normenc.representations import extract
    from normenc.rsa import rdm

    module, images = network(), Images(n)

    def work() -> None:
        with extract(module, images, LAYERS, memory=memory) as layers:
            for responses in layers.values() if rdms else ():
                rdm(responses)

    return work


def with_rdms(n: int, memory: str) -> Callable[[], object]:
    return ours(n, memory, rdms=True)


def thingsvision(n: int, _memory: str) -> Callable[[], object]:
    extractor = _extractor()(model_name="lite", pretrained=False, device="cpu", model=network())
    images = Images(n)

    class Batches:
        def __len__(self) -> int:
            return len(images.batches())

        def __iter__(self) -> Any:
            return (images[part] for part in images.batches())

    return lambda: extractor.extract_features(batches=Batches(), module_names=LAYERS, flatten_acts=True)


def _extractor() -> Any:
    """Its class for modules alone: the whole package imports TensorFlow and models' own packages."""
    import importlib
    import importlib.util
    import types

    spec = importlib.util.find_spec("thingsvision")
    assert spec is not None
    assert spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    for name in ("thingsvision", "thingsvision.core", "thingsvision.core.extraction", "thingsvision.utils"):
        module = types.ModuleType(name)
        module.__path__ = [str(root.parent.joinpath(*name.split(".")))]
        sys.modules[name] = module
    return importlib.import_module("thingsvision.core.extraction.torch").PyTorchExtractor


def product(n: int, n_units: int, _folder: Path) -> Callable[[], object]:
    z = np.random.default_rng(0).standard_normal((n, n_units), dtype=np.float32)
    return lambda: z @ z.T


def streamed(n: int, n_units: int, folder: Path, metric: str = "correlation") -> Callable[[], object]:
    from normenc.representations.responses import LayerResponses
    from normenc.representations.scratch import Scratch
    from normenc.rsa import rdm

    scratch = Scratch(folder, None, {"layer": ((n, n_units), np.dtype("f4"))}, 1)
    rng = np.random.default_rng(0)
    for start in range(0, n, 100):
        scratch.write("layer", start, rng.standard_normal((min(100, n - start), n_units), dtype=np.float32))
    responses = LayerResponses("layer", scratch.panels["layer"], "", scratch)
    return lambda: rdm(responses, metric)


PASSES = {
    f"bare, {SHOWN} at a time": bare,
    f"bare, {FEW} at a time": bare_few,
    "normenc": ours,
    "normenc, with RDMs": with_rdms,
    "thingsvision": thingsvision,
}
RDMS = ("z @ z.T", "correlation", "cosine", "euclidean")


def run_once(way: str, arguments: argparse.Namespace) -> None:
    """One way in this process; prints seconds and the peak resident MiB."""
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if way in PASSES:
            work = PASSES[way](arguments.images, arguments.memory)
        elif way == "z @ z.T":
            work = product(arguments.stimuli, arguments.units, Path(folder))
        else:
            work = streamed(arguments.stimuli, arguments.units, Path(folder), way)
        start, cpu = time.perf_counter(), time.process_time()
        work()
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        del work
    print("\n" + json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


def in_turns(ways: dict[str, str], arguments: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Results of every way, given with the Python that runs it."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    own = [f"--{name}={getattr(arguments, name)}" for name in ("images", "memory", "stimuli", "units")]
    own += [f"--folder={arguments.folder}"] if arguments.folder else []
    for _ in range(arguments.rounds):
        for way, python in ways.items():
            done = subprocess.run(
                [python, __file__, "--once", way, *own], check=True, stdout=subprocess.PIPE, text=True
            )
            found[way].append(json.loads(done.stdout.splitlines()[-1]))
    return found


def show(title: str, found: dict[str, list[dict[str, float]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    first = next(iter(found))
    table = Table("way", "seconds", "CPU seconds", f"CPU time, {first} = 1", "peak", title=title)
    for way, runs in found.items():
        ratio = statistics.median(run["cpu"] / base["cpu"] for run, base in zip(runs, found[first], strict=True))
        seconds, cpu = (statistics.median(run[name] for run in runs) for name in ("seconds", "cpu"))
        peak = max(run["peak"] for run in runs)
        table.add_row(way, f"{seconds:.1f}", f"{cpu:.1f}", f"{ratio:.2f}", f"{peak:,.0f} MiB")
    Console(width=110).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--memory", default="1GiB")
    parser.add_argument("--stimuli", type=int, default=5000)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where files are written; default: the system's for such files")
    parser.add_argument("--thingsvision", metavar="PYTHON", help="a Python that has this package")
    parser.add_argument("--only", choices=["passes", "rdms"])
    parser.add_argument("--once", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        run_once(arguments.once, arguments)
        return
    if arguments.only != "rdms":
        ways = dict.fromkeys([way for way in PASSES if way != "thingsvision"], sys.executable)
        ways |= {"thingsvision": arguments.thingsvision} if arguments.thingsvision else {}
        title = f"{arguments.images:,} images of {SIZE} x {SIZE}, {len(LAYERS)} layers, memory={arguments.memory}"
        show(title, in_turns(ways, arguments))
    if arguments.only != "passes":
        title = f"RDMs of {arguments.stimuli:,} stimuli x {arguments.units:,} units, float32, from disk"
        show(title, in_turns(dict.fromkeys(RDMS, sys.executable), arguments))


if __name__ == "__main__":
    main()
