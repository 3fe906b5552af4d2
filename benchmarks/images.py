"""Time and memory of everything around the networks, for recordings of many images.

``python benchmarks/images.py [500 1000 ...]`` simulates recordings of so many images (96 x 96 pixels), 5,000 neurons
and 2 repeats, runs ``normenc check`` and ``normenc run`` on each, with one small network trained for one epoch, and
prints a table. Of a run, the CPU time beyond training and representations is given beside that of all. CPU time depends
less on what else the machine does than time on the clock; peak memory is that of the process.

With ``--encoder`` the study has a network of eight layers besides, with five untrained twins, and ``--memory 512MiB``.
With ``--encoding``, neurons are predicted from all layers too, and beyond the controls; none are fitted to the neurons.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

N_NEURONS, N_REPEATS, SIZE, N_LATENT = 5000, 2, 96, 50
STUDY = """
name = "images"
[recording]
source = "{source}"
[task]
name = "tilt-discrimination"
n_train = 200
n_test = 100
[training]
n_epochs = 1
"""
ENCODER = """
[[encoder]]
model = "net_of_the_benchmark:build"
weights = "net_of_the_benchmark.pth"
layers = ["1", "3", "5", "7", "9", "11", "13", "15"]
untrained = 5
size = [64, 64]
"""
NETWORK = """
from torch import nn


def build():
    parts = []
    for place in range(8):
        parts += [nn.Conv2d(8 if place else 3, 8, 3, stride=2 if place in (0, 4) else 1, padding=1), nn.ReLU()]
    return nn.Sequential(*parts)
"""
ENCODING = """
[encoding]
enabled = true
networks = []
"""
COMMAND = """
import sys, time
from normenc.cli import main
from normenc.study import evaluation
made = evaluation.represent
def represent(*given, **options):
    start = time.process_time()
    try:
        return made(*given, **options)
    finally:
        print(f"representing: {time.process_time() - start:.2f} s")
evaluation.represent = represent
sys.argv[0] = "normenc"
main()
"""


def simulate(file: Path, n_images: int) -> None:
    """Neurons that read the images through a few random filters, with noise in every trial."""
    rng = np.random.default_rng(n_images)
    coarse = rng.integers(0, 256, (n_images, SIZE // 8, SIZE // 8)).astype(np.float32)
    images = coarse.repeat(8, axis=1).repeat(8, axis=2) + rng.normal(0, 20, (n_images, SIZE, SIZE))
    images = np.clip(images, 0, 255).astype(np.uint8)
    latent = coarse.reshape(n_images, -1) @ rng.normal(size=(coarse[0].size, N_LATENT)).astype(np.float32)
    latent /= latent.std()
    signal = latent @ rng.normal(size=(N_LATENT, N_NEURONS)).astype(np.float32) / N_LATENT**0.5
    responses = np.concatenate([signal + rng.normal(size=signal.shape) for _ in range(N_REPEATS)]).astype(np.float32)
    order = rng.permutation(len(responses))
    image = np.tile(np.arange(n_images), N_REPEATS)[order]
    np.savez(file, responses=responses[order], image=image, images=images, image_names=np.arange(n_images))


def write_network(folder: Path) -> None:
    """The module of the encoder, and weights for it."""
    (folder / "net_of_the_benchmark.py").write_text(NETWORK)
    made: dict[str, Any] = {}
    exec(NETWORK, made)
    torch.manual_seed(0)
    torch.save(made["build"]().state_dict(), folder / "net_of_the_benchmark.pth")


def measured(arguments: list[str], folder: Path) -> tuple[float, float, float, str]:
    """CPU seconds, seconds on the clock, peak GiB and output of a command, run to its end."""
    output = folder / "output.txt"
    started = time.perf_counter()
    process = os.fork()
    if process == 0:
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.execv(sys.executable, [sys.executable, "-c", COMMAND, *arguments])
    _, status, used = os.wait4(process, 0)
    wall = time.perf_counter() - started
    said = output.read_text(errors="replace")
    if status:
        raise SystemExit(f"normenc {' '.join(arguments)} failed:\n{said[-4000:]}")
    return used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 2**20, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("n_images", nargs="*", type=int, default=[500, 1000, 2000, 5000])
    parser.add_argument("--only", choices=["check", "run"], help="one of the two commands")
    parser.add_argument("--encoder", action="store_true", help="with a network of eight layers and its twins")
    parser.add_argument("--encoding", action="store_true", help="predict neurons too, from layers alone")
    parser.add_argument("--folder", type=Path, help="keep the recordings and the runs here")
    options = parser.parse_args()
    table = Table("images", "command", "CPU s", "beyond networks", "clock s", "peak GiB", "file MB", "report MB")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        for n_images in options.n_images:
            file = folder / f"images{n_images}.npz"
            if not file.exists():
                simulate(file, n_images)
            size = f"{file.stat().st_size / 1e6:,.0f}"
            if options.only != "run":
                cpu, wall, peak, _ = measured(["check", str(file)], folder)
                table.add_row(f"{n_images:,}", "check", f"{cpu:.0f}", "", f"{wall:.0f}", f"{peak:.1f}", size, "")
            if options.only != "check":
                study, run = folder / f"images{n_images}.toml", folder / f"run{n_images}"
                study.write_text(STUDY.format(source=file) + ENCODER * options.encoder + ENCODING * options.encoding)
                arguments = ["run", str(study), "--out", str(run), "--force"]
                if options.encoder:
                    write_network(folder)
                    arguments += ["--memory", "512MiB"]
                cpu, wall, peak, said = measured(arguments, folder)
                represented = float(re.findall(r"representing: ([\d.]+) s", said)[0])
                page = f"{(run / 'report.html').stat().st_size / 1e6:.1f}"
                beyond = f"{cpu - represented:.0f}"
                table.add_row(f"{n_images:,}", "run", f"{cpu:.0f}", beyond, f"{wall:.0f}", f"{peak:.1f}", size, page)
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
