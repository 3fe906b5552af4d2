"""Networks whose layers a study reads: an encoder with its weights, and its twins of several seeds, each a job."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from torch import nn

from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.study.encoder_units import EncoderUnit
from normenc.study.extraction import extracted, places_of, written
from normenc.study.layer_files import LayerResult
from normenc.study.rdm_folder import Reading

__all__ = ["EncoderJob", "jobs_of"]

ONE_AT_A_TIME = threading.RLock()  # in a process: initial weights are drawn from its one generator


@dataclass(frozen=True, eq=False)
class EncoderJob:
    """One network to read: an encoder with its weights, or untrained from a seed.

    Attributes
    ----------
    unit : EncoderUnit
    seed : int or None
        None with its weights.
    keep : bool
        Whether responses are wanted beside RDMs.
    metric : str
        Dissimilarity of the RDMs.
    """

    unit: EncoderUnit
    seed: int | None
    keep: bool
    metric: str

    @property
    def encoder(self) -> EncoderId:
        """The network as an encoder."""
        if self.seed is None:
            return self.unit.encoder
        return replace(self.unit.encoder, kind=EncoderKind.TWIN, seed=self.seed)

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"encoder {self.unit.title}, " + ("pretrained" if self.seed is None else f"untrained, seed {self.seed}")

    def network(self, device: str) -> nn.Module:
        """Build it, with its weights or those of its seed."""
        network = self.unit.pretrained() if self.seed is None else self.unit.untrained(self.seed)
        return network.to(device)

    def places(self, images: Any, cache: Path) -> dict[str, Path]:
        """The files that its layers have or will have, see :func:`normenc.study.extraction.places_of`."""
        with self._named("cpu"):
            return places_of(self.network("cpu"), images, self.unit.chosen.layers, cache=cache, **self._asked)

    def read(self, images: Any, cache: Path, reading: Reading, device: str) -> dict[str, LayerResult | InputError]:
        """Its layers, see :func:`normenc.study.extraction.extracted`.

        On a CPU it runs on one thread, so that results do not depend on how many run beside each other.
        """
        own: dict[str, Any] = {
            "cache": cache,
            "store": reading.rdms,
            "memory": reading.memory,
            "scratch": reading.scratch,
        }
        with self._named(device):
            network = self.network(device)
            return extracted(network, images, self.unit.chosen.layers, **own, **self._asked)

    def write(
        self, images: Any, cache: Path, spool: Path, memory: int | None, scratch: Path | None, device: str
    ) -> dict[str, Path | InputError]:
        """Read its layers and leave them in their files, see :func:`normenc.study.extraction.written`."""
        own: dict[str, Any] = {"cache": cache, "spool": spool, "memory": memory, "scratch": scratch}
        with self._named(device):
            network = self.network(device)
            return written(network, images, self.unit.chosen.layers, **own, **self._asked)

    @property
    def _asked(self) -> dict[str, Any]:
        section = self.unit.section
        return {
            "metric": self.metric,
            "keep": self.keep,
            "known": self.unit.known,
            "reduce": section.reduce,
            "dtype": section.dtype,
        }

    @contextmanager
    def _named(self, device: str) -> Iterator[None]:
        """One network at a time in a process; errors name it."""
        with ONE_AT_A_TIME, _one_thread(device):
            try:
                yield
            except InputError as error:
                said = str(error).removeprefix(f"encoder {self.unit.title}: ")
                raise InputError(f"{self.title}: {said}") from error


def jobs_of(units: Sequence[EncoderUnit], seeds: Sequence[int], metric: str) -> list[EncoderJob]:
    """Every encoder with its weights, if it has any, and untrained from every seed; responses of one seed are kept."""
    jobs = []
    for unit in units:
        jobs += [EncoderJob(unit, None, True, metric)] if unit.section.is_pretrained else []
        jobs += [EncoderJob(unit, seed, seed == seeds[0], metric) for seed in seeds]
    return jobs


@contextmanager
def _one_thread(device: str) -> Iterator[None]:
    if device != "cpu":
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
