"""Units of work: one network trained on one task from one seed, kept under the content of their settings."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

import normenc
from normenc.errors import InputError
from normenc.tasks import ObjectRecognition, Task
from normenc.training import Progress, TrainingLog, TrainingResult, initialise, train

__all__ = ["Unit", "find", "keep", "work"]

FORMAT = 1
ROOMS = ("stimuli", "tasks", "networks", "training")  # whose code decides what training gives
SCORES = ("train_score", "held_out_score", "untrained_score")


@dataclass(frozen=True, eq=False)
class Unit:
    """One network to train on one task from one seed.

    Attributes
    ----------
    task_label, network_label : str
        What tables call them; they do not count in the key.
    task : Task
    build : partial
        Builds the network.
    seed : int
    options : dict
        Of :func:`normenc.training.train`.
    """

    task_label: str
    network_label: str
    task: Task
    build: partial[nn.Module]
    seed: int
    options: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result, as plain values."""
        return {
            "task": {"name": type(self.task).__name__, **asdict(self.task)},
            "network": {"name": self.build.func.__name__, "image_size": list(self.build.args[0])} | self.build.keywords,
            "seed": self.seed,
            "training": self.options,
        }

    def key(self, device: str) -> str:
        """Name of the result: a digest of the settings, of the images they point to, and of the code that trains."""
        content = {
            "format": FORMAT,
            "code": _code(),
            "torch": torch.__version__,
            "device": torch.device(device).type,
            "images": _images_digest(self.task),
            **self.settings,
        }
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def work(unit: Unit, device: str, progress: bool | Progress = False) -> bytes:
    """Train a unit, on one thread of the CPU or on a GPU.

    One thread gives the same bytes however many units run beside each other.

    Returns
    -------
    bytes
        As :func:`find` reads them.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        result = train(unit.build, unit.task, seed=unit.seed, device=device, progress=progress, **unit.options)
    finally:
        torch.set_num_threads(before)
    networks = {"trained": result.network, "untrained": result.untrained}
    networks |= {f"epoch{epoch}": network for epoch, network in result.checkpoints.items() if epoch}
    tensors = {
        f"{which}/{name}": value.detach().cpu().contiguous()
        for which, network in networks.items()
        for name, value in network.state_dict().items()
    }
    tensors["log/loss"] = torch.from_numpy(result.log.loss)
    tensors["log/epoch"] = torch.from_numpy(result.log.epoch)
    tensors["log/scores"] = torch.tensor([getattr(result.log, name) for name in SCORES], dtype=torch.float64)
    return save(tensors)


def find(unit: Unit, device: str) -> TrainingResult | None:
    """The unit's result where it was trained before, else None."""
    try:
        tensors = load(_place(unit, device).read_bytes())
        loss, epoch, scores = (tensors[f"log/{name}"] for name in ("loss", "epoch", "scores"))
        log = TrainingLog(loss.numpy(), epoch.numpy(), **dict(zip(SCORES, scores.tolist(), strict=True)))
        untrained = _network(unit, tensors, "untrained")
        checkpoints = {
            k: _network(unit, tensors, f"epoch{k}") if k else untrained for k in sorted(unit.options["checkpoints"])
        }
        return TrainingResult(_network(unit, tensors, "trained"), untrained, log, checkpoints)
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError):
        return None  # not there, or spoilt: training again mends it


def keep(unit: Unit, device: str, result: bytes) -> None:
    """Keep what :func:`work` gave; the file appears when it is whole."""
    place = _place(unit, device)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=f".{place.stem}-", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(result)
            Path(aside).replace(place)
        finally:
            Path(aside).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{place.parent}: trained networks cannot be kept here ({error.strerror}); set NORMENC_CACHE to a folder "
            "that can be written"
        ) from None


def _place(unit: Unit, device: str) -> Path:
    from normenc.recordings import cache_folder

    return cache_folder() / "units" / f"{unit.key(device)}.safetensors"


def _network(unit: Unit, tensors: dict[str, torch.Tensor], which: str) -> nn.Module:
    network = initialise(unit.build, unit.seed)
    prefix = f"{which}/"
    network.load_state_dict({n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)})
    return network


@cache
def _code() -> str:
    """A digest of the code that trains, so that results of other code are not taken for its own."""
    digest = sha256()
    here = Path(normenc.__file__).parent
    for path in sorted(path for room in ROOMS for path in (here / room).glob("*.py")):
        digest.update(path.relative_to(here).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _images_digest(task: Task) -> str | None:
    """A digest of a folder's images, so that other images under the same name are not taken for them."""
    if not isinstance(task, ObjectRecognition) or task.folder is None:
        return None
    digest = sha256()
    folder = Path(task.folder)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
