"""Kept networks whose files were damaged on the disk."""

import shutil
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from workplace import cache_in

from normenc.networks import ConvPoolFC
from normenc.study.sweep import train_units
from normenc.study.units import Unit
from normenc.tasks import TiltDiscrimination
from normenc.training import TrainingResult

PAGE = 512


def _flip(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


def _zero(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    start = int(rng.integers(max(1, len(content) - PAGE)))
    content[start : start + PAGE] = bytes(len(content[start : start + PAGE]))
    path.write_bytes(content)


def _cut(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(path.read_bytes()[: int(rng.integers(path.stat().st_size))])


def _write_again(path: Path, change: Callable[[torch.Tensor], torch.Tensor], rng: np.random.Generator) -> None:
    """As a whole file with all that the old one said of itself."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        said = file.metadata()
    name = sorted(name for name in tensors if tensors[name].numel())[int(rng.integers(len(tensors)))]
    tensors[name] = change(tensors[name]).contiguous()
    save_file(tensors, path, metadata=said)


def _nan(path: Path, rng: np.random.Generator) -> None:
    _write_again(path, lambda tensor: torch.full_like(tensor.float(), torch.nan).to(tensor.dtype), rng)


def _other_type(path: Path, rng: np.random.Generator) -> None:
    _write_again(path, lambda tensor: tensor.to(torch.float16), rng)


def _other_shape(path: Path, rng: np.random.Generator) -> None:
    _write_again(path, lambda tensor: tensor.reshape(1, *tensor.shape), rng)


def _other_seed(path: Path, rng: np.random.Generator) -> None:
    others = [other for other in path.parent.glob("*.safetensors") if other != path]
    shutil.copy(others[int(rng.integers(len(others)))], path)


DAMAGES: dict[str, Callable[[Path, np.random.Generator], None]] = {
    "a bit flipped": _flip,
    "a page of zeros": _zero,
    "cut short": _cut,
    "NaN in a tensor": _nan,
    "another type": _other_type,
    "another shape": _other_shape,
    "another seed's file": _other_seed,
}


def damaged(folder: Path, seed: int, kind: str, n: int) -> Iterator[str | None]:
    """Damage one of two kept networks; what is then read is what was trained, to the bit."""
    with cache_in(folder):
        task = TiltDiscrimination(n_train=20, n_test=10, resolution=0.02)
        options = {"n_epochs": 1, "batch_size": 20, "learning_rate": 0.01, "momentum": 0.9, "checkpoints": []}
        size = task.image_size
        build = partial(ConvPoolFC, size, filter_size=3, pool_size=4)
        pair = [Unit("tilt", "network", task, build, number, options) for number in (1, 2)]
        wanted, _ = train_units(pair, progress=False)
        files = sorted((folder / "units").glob("*.safetensors"))
        kept = {path: path.read_bytes() for path in files}
        rng = np.random.default_rng(seed)
        for index in range(n):
            path = files[int(rng.integers(2))]
            DAMAGES[kind](path, rng)
            if path.read_bytes() == kept[path]:  # such as a page that was zeros
                continue
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                found, failures = train_units(pair, progress=False)
            same = not failures and all(_same(found[unit], wanted[unit]) for unit in pair)
            mended = all(path.read_bytes() == content for path, content in kept.items())
            wrong = [*["another network"] * (not same), *["not mended"] * (not mended)]
            wrong += [f"told {len(told)} times"] * (len(told) != 1)
            yield f"{kind}, try {index}: {', '.join(wrong)}" if wrong else None
            for path, content in kept.items():
                path.write_bytes(content)


def _same(one: TrainingResult, other: TrainingResult) -> bool:
    pairs = zip(
        [*one.network.state_dict().values(), *one.untrained.state_dict().values(), torch.tensor(one.log.loss)],
        [*other.network.state_dict().values(), *other.untrained.state_dict().values(), torch.tensor(other.log.loss)],
        strict=True,
    )
    return all(torch.equal(a, b) and a.dtype == b.dtype for a, b in pairs)
