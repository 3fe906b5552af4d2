"""Networks that the study does not train, read by several processes of this machine or by a cluster.

Each worker leaves what it reads in the cache, or in a folder of the run, and the command takes it from there.
"""

import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from normenc.errors import InputError, NormencWarning
from normenc.extras import needs_nets
from normenc.import_roots import reaching
from normenc.progress import Stage
from normenc.representations.memory import as_bytes, free_bytes, readable, stated_bytes
from normenc.representations.planning import ENOUGH
from normenc.stimuli import ImageSet
from normenc.study.encoder_jobs import EncoderJob
from normenc.study.extraction import damage_told_once
from normenc.study.handing import handed, shared_folder, taken
from normenc.study.provenance import OtherSoftwareError, differences, software
from normenc.study.rdm_folder import Reading
from normenc.study.scheduler import Scheduler, SchedulerWarning, warn_if_open
from normenc.study.sweep import reason_of
from normenc.study.unit_files import LAYERS
from normenc.whole_files import aside_of, check_writable, remove_leftovers

__all__ = ["processes_for", "read_by_workers"]

Files = dict[str, Path | InputError]
SHARE = 0.5  # of the memory of a cluster's worker, for responses


class NotSharedError(InputError):
    """A worker does not see the folders of the command."""


def processes_for(n_jobs: int, workers: int, reading: Reading) -> int:
    """How many processes of this machine read encoders: on a CPU one for each network, as far as memory goes.

    With less memory than :data:`ENOUGH` for each, batches would be smaller, and results differ in their last digits.
    """
    asked = min(workers, n_jobs)
    if reading.device != "cpu" or asked < 2:  # a GPU would only be shared
        return 1
    memory = as_bytes(reading.memory)
    n = max(1, min(asked, memory // ENOUGH))
    if n == 1:
        warnings.warn(
            f"encoders are read by one process instead of {asked}: each needs {readable(ENOUGH)}, and "
            f"{readable(memory)} may be used; allow more with normenc.study.memory_limit",
            NormencWarning,
            stacklevel=2,
        )
    return n


@contextmanager
def read_by_workers(
    jobs: Sequence[EncoderJob],
    shown: Callable[[EncoderJob], ImageSet],
    cache: Path,
    reading: Reading,
    workers: int | Scheduler,
    counted: Stage,
) -> Iterator[Mapping[EncoderJob, Files]]:
    """What workers read, as files that are there within the block; other networks are to be read here.

    Parameters
    ----------
    jobs : sequence of EncoderJob
    shown : callable
        The images that a job's network is given.
    cache : Path
        Folder of layers.
    reading : Reading
        Processes of this machine share its memory; each worker of a cluster has that much.
    workers : int or Scheduler
        Processes of this machine, or a cluster's scheduler.
    counted : Stage

    Raises
    ------
    InputError
        If a network cannot be read, which the message names; or as :func:`normenc.study.sweep.train_units`.
    ConnectionError
        When the scheduler or all its workers are lost on the way; what was read is kept.
    """
    remote = workers if isinstance(workers, Scheduler) else None
    n = processes_for(len(jobs), workers, reading) if isinstance(workers, int) else 0
    if not jobs or n == 1:
        yield {}
        return
    places = {job: job.places(shown(job), cache) for job in jobs}
    todo = [job for job in jobs if not places[job] or not all(place.exists() for place in places[job].values())]
    if remote is not None:  # whose networks are compared with those here by the names of their files
        todo = [job for job in todo if places[job]]
    if not todo or (remote is None and len(todo) == 1):
        yield {}
        return
    with shared_folder(reading.scratch) as folder:
        crew = _Crew(folder, cache, min(n, len(todo)), remote, reading)
        found = crew.read({job: shown(job) for job in todo}, counted)
        for job in found if remote is not None else ():
            _check_same(job, found[job], places[job])
        yield found


class _Crew:
    """Workers, and the folders and the memory that they use."""

    def __init__(self, folder: Path, cache: Path, n: int, scheduler: Scheduler | None, reading: Reading) -> None:
        self.folder, self.cache, self.n, self.scheduler, self.reading = folder, cache.absolute(), n, scheduler, reading
        self.handed: dict[int, Path] = {}  # by the identity of images
        self.memory = as_bytes(reading.memory) // n if scheduler is None else stated_bytes(reading.memory)

    def read(self, todo: Mapping[EncoderJob, ImageSet], counted: Stage) -> dict[EncoderJob, Files]:
        """What they read; networks are left out if workers do not see the folders."""
        needs_nets("work in several processes", "distributed", "cryptography")
        from normenc.study.errands import Errands, Job, Kept  # Dask takes a while to import
        from normenc.study.workers import client_of

        kept = Kept(
            "no encoder was read",
            "the layers of the one network that was read are kept",
            "the layers of the {n} networks that were read are kept",
        )
        if self.scheduler is not None:
            warn_if_open(self.scheduler)
        found: dict[EncoderJob, Files] = {}
        check_writable(self.cache, "layers cannot be kept here", LAYERS.advice)
        self.cache.mkdir(parents=True, exist_ok=True)
        mark = aside_of(self.cache / "mark")
        try:
            mark.touch()
            errands = {
                job: Job(job.title, read_here, self._arguments(job, images, mark)) for job, images in todo.items()
            }
            counted.lanes = max(1, self.n)
            with client_of(self.n, self.scheduler, counted) as client:
                for job, result in Errands(client, errands, kept, counted, self.scheduler).results():
                    if not isinstance(result, NotSharedError):
                        found[job] = self._taken(job, result)
                        counted.step()
        finally:
            mark.unlink(missing_ok=True)
            remove_leftovers(self.cache)  # of processes that were ended
        if len(found) < len(todo):
            self._say_not_shared(len(todo) - len(found))
        return found

    def _arguments(self, job: EncoderJob, images: ImageSet, mark: Path) -> tuple[Any, ...]:
        """Of :func:`read_here`, but for the software."""
        known = self.handed.get(id(images)) or handed(images, self.folder)
        self.handed[id(images)] = known
        scratch = None if self.reading.scratch is None else self.reading.scratch.absolute()
        places = _Places(known, self.cache, mark, scratch)
        return pickle.dumps(job), job.unit.roots, places, self.memory, self.reading.device, job.title

    @staticmethod
    def _taken(job: EncoderJob, result: Any) -> Files:
        """The files that a worker wrote; InputError, which names the network, where it could not read it."""
        if isinstance(result, BaseException):
            said = reason_of(result, "read")
            raise InputError(said if said.startswith(job.title) else f"{job.title}: {said}") from None
        files, damaged = result
        with damage_told_once() as told:
            told.extend(damaged)
        return dict(files)

    def _say_not_shared(self, n: int) -> None:
        warnings.warn(
            f"{n} network{'s' * (n > 1)} of [[encoder]] {'are' if n > 1 else 'is'} read here and not by workers, which "
            f"do not see {self.folder.parent} or {self.cache}: put the run and NORMENC_CACHE on a disk that all "
            "machines share, under the same path",
            SchedulerWarning,
            stacklevel=3,
        )


@dataclass(frozen=True)
class _Places:
    """Where a worker finds the images, keeps layers, sees whether the cache is that of the command, and has room."""

    images: Path
    cache: Path
    mark: Path
    scratch: Path | None


def read_here(
    job: bytes,
    roots: Sequence[Path],
    places: _Places,
    memory: int | None,
    device: str,
    key: str,
    here: Mapping[str, str],
) -> tuple[str, tuple[Files, list[str]]]:
    """Read a network on a worker.

    Returns
    -------
    key : str
        As given.
    files, damaged : dict, list of str
        The files of layers, and what was damaged of those that were kept before.

    Raises
    ------
    OtherSoftwareError
        When the worker would give other numbers; nothing is read then.
    NotSharedError
        When it does not see the folders.
    InputError
        When the network cannot be read; the message names it.
    """
    differ = differences(software(), here)
    if differ is not None:
        raise OtherSoftwareError(differ)
    if not places.images.is_dir() or not places.mark.exists():
        raise NotSharedError("the folders of the run and of the cache are not there")
    with reaching(roots), damage_told_once(tell=False) as damaged:
        own: EncoderJob = pickle.loads(job)
        budget = _own_memory() if memory is None else memory
        files = own.write(taken(places.images), places.cache, places.images.parent, budget, places.scratch, device)
    return key, (files, damaged)


def _own_memory() -> int:
    """For responses on a worker of a cluster: a share of what Dask, or the machine, lets it have."""
    from distributed import get_worker

    limit = get_worker().memory_manager.memory_limit
    return max(ENOUGH, int(SHARE * min(free_bytes(), limit or free_bytes())))


def _check_same(job: EncoderJob, found: Files, expected: Mapping[str, Path]) -> None:
    """Raise InputError where a worker's files are not those of the network, images and packages that are here."""
    other = [name for name, place in found.items() if isinstance(place, Path) and place.name != expected[name].name]
    if other:
        raise InputError(
            f"{job.title}: the network, its weights, the images or the packages are not the same where a worker reads "
            "it as they are here; put the same files under the same path on all machines, install the same versions, "
            "and run again"
        )
