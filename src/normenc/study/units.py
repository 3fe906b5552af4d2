"""Units of work: one network trained on one task from one seed, stored under a digest of their settings."""

import json
import warnings
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache, partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import torch
from torch import nn

import normenc
from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError, NormencWarning
from normenc.study.own_code import code_of, root_of
from normenc.study.source_code import digest_of_code, versions
from normenc.study.unit_files import ADVICE, OLDER_ASIDE, DamagedError, check_forms, pack, unpack, write
from normenc.tasks import Task
from normenc.training import Progress, TrainingLog, TrainingResult, initialise, train
from normenc.whole_files import check_writable, remove_leftovers

__all__ = ["Unit", "code_digest", "is_stored", "load_result", "load_results", "packages", "store_result", "train_unit"]

FORMAT = 3
CODE = (
    "arrays.py",
    "optimizers.py",
    "stimuli",
    "controls",
    "tasks",
    "networks",
    "training",
)  # what decides what training gives
PACKAGES = ("numpy", "pillow", "scikit-image", "scikit-learn", "scipy")  # likewise, beside torch
SCORES = ("train_score", "held_out_score", "untrained_score", "learning_rate")


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
    drawing_processes : int
        That of :func:`normenc.training.train`; it changes no result, and does not count in the key.
    """

    task_label: str
    network_label: str
    task: Task
    build: partial[nn.Module]
    seed: int
    options: dict[str, Any]
    drawing_processes: int = 0

    @property
    def encoder(self) -> EncoderId:
        """The network as an encoder, trained."""
        return EncoderId(self.task_label, self.network_label, None, EncoderKind.TRAINED, self.seed)

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result, as plain values."""
        return {
            "task": {"name": type(self.task).__name__}
            | {field.name: getattr(self.task, field.name) for field in fields(self.task) if field.init},
            "network": {"name": self._network.__name__, "image_size": list(self.build.args[0])} | self.build.keywords,
            "seed": self.seed,
            "training": self.options,
        }

    @property
    def _network(self) -> Any:
        return self.build.func

    @property
    def own_packages(self) -> tuple[str, ...]:
        """Further packages that this network is made of."""
        return tuple(getattr(self._network, "packages", ()))

    @property
    def roots(self) -> list[Path]:
        """Folders that own code of the task or network is imported from."""
        return [root for root in map(root_of, (type(self.task), self._network)) if root is not None]

    @property
    def own_code(self) -> dict[str, str]:
        """Digests of the code of a task or network that is not normenc's, by module and name."""
        parts = (type(self.task), self._network)
        digests = {f"{part.__module__}:{part.__qualname__}": code_of(part) for part in parts}
        return {name: digest for name, digest in digests.items() if digest is not None}

    def key(self, device: str) -> str:
        """Name of the result: a digest of the settings, of the images they point to, and of the code that trains.

        The code is that of normenc, the versions of the packages that compute with it, and the code of a task or
        network that is not normenc's (:func:`normenc.study.own_code.code_of`).
        """
        content = {
            "format": FORMAT,
            "code": code_digest(),
            "packages": packages() | versions(self.own_packages),
            "device": torch.device(device).type,
            "images": _images_digest(self.task),
            **self.settings,
        }
        content |= {"own_code": self.own_code} if self.own_code else {}
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def packages() -> dict[str, str]:
    """Versions of the packages that compute with normenc when a network is trained.

    Examples
    --------
    >>> sorted(packages())
    ['numpy', 'pillow', 'scikit-image', 'scikit-learn', 'scipy', 'torch']
    """
    return {"torch": torch.__version__} | versions(PACKAGES)


def train_unit(unit: Unit, device: str, progress: bool | Progress = False) -> bytes:
    """Train a unit, on one thread of the CPU or on a GPU.

    One thread gives the same bytes however many units run beside each other.

    Returns
    -------
    bytes
        For :func:`store_result`; they identify the unit they belong to.
    """
    key = unit.key(device)  # before anything is read that it stands for
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        result = train(
            unit.build,
            unit.task,
            seed=unit.seed,
            device=device,
            drawing_processes=unit.drawing_processes,
            progress=progress,
            resume=_resumable(key),
            **unit.options,
        )
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
    if len(result.log.validation_loss):
        tensors["log/validation_loss"] = torch.from_numpy(result.log.validation_loss)
    tensors["log/scores"] = torch.tensor([getattr(result.log, name) for name in SCORES], dtype=torch.float64)
    tensors["log/kept_epoch"] = torch.tensor([result.log.kept_epoch])
    return pack(tensors, key)


def load_result(unit: Unit, device: str) -> TrainingResult | None:
    """The unit's result if it was trained before, else None.

    Raises
    ------
    DamagedError
        If its file exists, but was changed or cannot be read.
    """
    place = _place(unit, device)
    try:
        if not place.is_file():  # a pipe would never end
            if place.exists() or place.is_symlink():
                raise DamagedError("it is not a file")
            return None
        return _result(unit, unpack(place.read_bytes(), place.stem))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedError(f"it cannot be read ({error.strerror})") from None


def is_stored(unit: Unit, device: str) -> bool:
    """Whether there is a file of the unit, damaged or not."""
    return _place(unit, device).is_file()


def load_results(units: Sequence[Unit], device: str) -> dict[Unit, TrainingResult | None]:
    """Results of units that were trained before, and None for all others, which are to be trained.

    Files that killed runs left are removed. One :class:`NormencWarning` lists all damaged files.

    Raises
    ------
    InputError
        If something must be trained and could not be stored.
    """
    results: dict[Unit, TrainingResult | None] = {}
    damaged: list[str] = []
    for unit in units:
        try:
            results[unit] = load_result(unit, device)
        except DamagedError as error:
            results[unit] = None
            damaged.append(f"{_place(unit, device)}: {error}")
    remove_leftovers(_folder(), OLDER_ASIDE)
    if None in results.values():
        check_writable(_folder(), "trained networks cannot be stored here", ADVICE)
    if damaged:
        count = "1 stored network was" if len(damaged) == 1 else f"{len(damaged)} stored networks were"
        again = "is trained again" if len(damaged) == 1 else "are trained again; the first"
        warnings.warn(f"{count} damaged and {again} ({damaged[0]})", NormencWarning, stacklevel=2)
    return results


def store_result(unit: Unit, device: str, result: bytes) -> TrainingResult:
    """Store what :func:`train_unit` returned for this unit, replacing an existing file, and read it.

    Raises
    ------
    InputError
        If it is the result of something else, or the file cannot be written; an existing file then stays.
    """
    place = _place(unit, device)
    try:
        stored = _result(unit, unpack(result, place.stem))
    except DamagedError as error:
        raise InputError(
            f"{unit.task_label}, {unit.network_label}, seed {unit.seed}: the trained network is not the one requested "
            f"({error}). Either its images changed in the meantime, or a worker trained it with another normenc or "
            "other packages; install the same on all machines and run again"
        ) from None
    write(place, result)
    return stored


def _folder() -> Path:
    from normenc.recordings import cache_folder

    return cache_folder() / "units"


def _resumable(key: str) -> Path | None:
    """The file in which a unit's training is kept until it ends; None on a machine whose cache cannot be written."""
    try:
        check_writable(_folder(), "training cannot be kept here", ADVICE)
    except InputError:
        return None
    return _folder() / f"{key}.training"


def _place(unit: Unit, device: str) -> Path:
    return _folder() / f"{unit.key(device)}.safetensors"


def _result(unit: Unit, tensors: Mapping[str, torch.Tensor]) -> TrainingResult:
    """What the tensors of a unit's file say; DamagedError where they are not those of this unit."""
    network = initialise(unit.build, unit.seed)
    epochs = sorted(unit.options["checkpoints"])
    own = network.state_dict().items()
    whose = ("trained", "untrained", *(f"epoch{epoch}" for epoch in epochs if epoch))
    expected = {f"{which}/{name}": (value.dtype, tuple(value.shape)) for which in whose for name, value in own}
    n_steps = tuple(tensors["log/loss"].shape[:1]) if "log/loss" in tensors else ()
    expected |= {"log/loss": (torch.float64, n_steps), "log/epoch": (torch.int64, n_steps)}
    expected |= {"log/scores": (torch.float64, (len(SCORES),)), "log/kept_epoch": (torch.int64, (1,))}
    if unit.options.get("patience") is not None:
        validation = tensors.get("log/validation_loss", torch.zeros(0))
        expected["log/validation_loss"] = torch.float64, tuple(validation.shape[:1])
    check_forms(tensors, expected)

    loss, epoch, scores, kept = (tensors[f"log/{name}"] for name in ("loss", "epoch", "scores", "kept_epoch"))
    log = TrainingLog(
        loss.numpy(), epoch.numpy(), **dict(zip(SCORES, scores.tolist(), strict=True)), kept_epoch=int(kept)
    )
    if "log/validation_loss" in tensors:
        log = replace(log, validation_loss=tensors["log/validation_loss"].numpy())
    untrained = _filled(network, tensors, "untrained")
    checkpoints = {k: _filled(network, tensors, f"epoch{k}") if k else untrained for k in epochs}
    return TrainingResult(_filled(network, tensors, "trained"), untrained, log, checkpoints)


def _filled(network: nn.Module, tensors: Mapping[str, torch.Tensor], which: str) -> nn.Module:
    """A copy of the network with the values of one of the stored networks."""
    prefix = f"{which}/"
    network = deepcopy(network)
    network.load_state_dict({n.removeprefix(prefix): v for n, v in tensors.items() if n.startswith(prefix)})
    return network


@cache
def code_digest() -> str:
    """A digest of the code that trains, so that results of other code are not reused.

    Comments, docstrings and layout do not count.
    """
    here = Path(normenc.__file__).parent
    files = [file for part in CODE for file in ([here / part] if part.endswith(".py") else (here / part).rglob("*.py"))]
    return digest_of_code(files, here)


def _images_digest(task: Task) -> str | None:
    """A digest of a task's folder, so that results from other images under the same name are not reused."""
    named = getattr(task, "folder", None)
    if not isinstance(named, str):
        return None
    folder = Path(named)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [path.stat() for path in files]
    return _digest_of(folder, tuple(files), tuple((stat.st_size, stat.st_mtime_ns, stat.st_ino) for stat in stats))


@lru_cache(maxsize=8)
def _digest_of(folder: Path, files: tuple[Path, ...], stamps: tuple[tuple[int, int, int], ...]) -> str:
    """A digest of files' names and contents, read again if one of their stamps has changed."""
    digest = sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + file_digest(file, "sha256").digest())
    return digest.hexdigest()
