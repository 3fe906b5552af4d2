"""What a study will take, estimated before anything is trained from a few timed steps on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from normenc import rsa
from normenc.showing import Listed
from normenc.study.given import check_is
from normenc.study.inferring import infer_models, samples_of_other_methods
from normenc.study.processes import n_cores
from normenc.study.readiness import disk_needs
from normenc.study.representing import Prepared, prepare
from normenc.study.settings import Study
from normenc.study.space import Arrays
from normenc.study.sweep import reason_of
from normenc.study.units import Unit, is_stored
from normenc.texts import file_stem
from normenc.training import Progress, initialise, resolve_device, train
from normenc.training.rates import ALWAYS, RATES, SHARE, SHORTER

__all__ = ["Estimate", "estimate"]

BATCHES = 2  # of an epoch that is timed
EPOCHS = 4  # that are timed
FEW = (2, 6)  # RDMs that are compared to time the inference
FEW_SAMPLES = (5, 20)  # of its bootstraps
FLOAT32 = 4
COPIES = 5  # of weights while a network is trained: two networks, gradients, and two states of the optimiser


@dataclass(frozen=True, repr=False)
class Estimate(Listed):
    """What a study will take on this machine: counts are exact, times and memory are estimates.

    Attributes
    ----------
    table : DataFrame
        A row for each task and network: ``task``, ``network``, ``n_units`` (seeds), ``n_stored`` (of them, already
        trained), ``n_layers`` that are compared, ``n_images`` of an epoch (views counted one by one), ``n_epochs``,
        ``unit_seconds`` (for one unit; NaN if all are stored), ``seconds`` (for those to train, one after the other),
        ``memory`` (bytes, of one unit while it is trained), and ``fault``: why it could not be timed, or empty.
    n_stimuli : int
        Of the recording, that layers are shown.
    n_rdms : int
        Of layers, untrained twins and controls that are compared.
    inference_seconds : float
        For intervals and tests by all measures.
    workers : int
        Processes that train.
    disk : tuple of (Path, str, int)
        Where, what and how many bytes are written, at least.
    """

    TABLE: ClassVar = "table"

    table: pd.DataFrame
    n_stimuli: int
    n_rdms: int
    inference_seconds: float
    workers: int
    disk: tuple[tuple[Path, str, int], ...]

    @property
    def seconds(self) -> float:
        """For training with all workers, if they do not slow each other down, and for the inference.

        Not in it: responses of layers, tuning, simulated recordings, predictions of neurons, and the pictures. NaN
        where a network could not be timed.
        """
        return float(self.table["seconds"].sum(skipna=False)) / self.workers + self.inference_seconds

    @property
    def memory(self) -> float:
        """Bytes that all workers take together while they train, beside the programs themselves."""
        to_train = self.table.loc[self.table["n_stored"] < self.table["n_units"], "memory"]
        return float(to_train.nlargest(1).sum()) * self.workers


def estimate(
    study: Study | None = None, out: str | Path | None = None, *, device: str = "auto", workers: int = 1
) -> Estimate:
    """Estimate what a study will take, from a few timed steps of each network and task; nothing is written.

    Parameters
    ----------
    study : Study, optional
        The reference study by default. Of several recordings, estimate each of ``study.per_recording()``.
    out : str or Path, optional
        The folder to be written, as :func:`normenc.study.run` is given it.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    workers : int
        Processes that will train.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        When the study cannot be run. A network that fails in its first steps has its reason in the table.

    Notes
    -----
    Each network is trained on each task for four epochs of two batches. A step takes the median of theirs; the rest is
    paid once a unit, and stimuli in proportion to their number. Times are those of a machine that does nothing else.
    The memory is the sum of what must be there: stimuli, weights with their gradients, and the outputs of all modules
    for a batch.

    Examples
    --------
    >>> study = Study(
    ...     task={"n_train": 100, "n_test": 50}, network={"name": "FC"}, stimuli={"resolution": 0.03},
    ...     recording={"n_neurons": 20, "bin_width": 30})
    >>> found = estimate(study, device="cpu")
    >>> found.table[["task", "network", "n_units", "n_images", "n_epochs"]].to_dict("records")
    [{'task': 'tilt-discrimination', 'network': 'FC', 'n_units': 1, 'n_images': 100, 'n_epochs': 25}]
    """
    check_is(study, "study", Study, "a normenc.study.Study")
    prepared = prepare(study)
    target = resolve_device(device).type
    groups: dict[tuple[str, str], list[Unit]] = {}
    for unit in prepared.units:
        groups.setdefault((unit.task_label, unit.network_label), []).append(unit)
    arrays = Arrays.of(prepared)
    folder = Path(out or f"runs/{prepared.study.name}-{file_stem(prepared.recording.name)}")
    columns = ("task", "network", "n_units", "n_stored", "n_layers", "n_images", "n_epochs")
    return Estimate(
        pd.DataFrame(
            [_row(prepared, units, target) for units in groups.values()],
            columns=[*columns, "unit_seconds", "seconds", "memory", "fault"],
        ),
        arrays.n_stimuli,
        arrays.n_rdms,
        _inference_seconds(prepared, arrays.n_rdms),
        workers,
        tuple((place, what, size) for place, what, size, _ in disk_needs(prepared, folder, target) if size),
    )


def _row(prepared: Prepared, units: Sequence[Unit], device: str) -> dict[str, Any]:
    """A row of the table: one task and network."""
    unit = units[0]
    network = next(own for own in prepared.study.network if own.title == unit.network_label)
    n_stored = sum(is_stored(own, device) for own in units)
    try:
        seconds, fault = float("nan") if n_stored == len(units) else _unit_seconds(unit, device), ""
    except Exception as error:  # an own task or network may raise anything
        seconds, fault = float("nan"), reason_of(error, "timed")
    return {
        "task": unit.task_label,
        "network": unit.network_label,
        "n_units": len(units),
        "n_stored": n_stored,
        "n_layers": len(prepared.study.layers_of(network)),
        "n_images": unit.task.n_in_epoch * unit.task.n_views,
        "n_epochs": unit.options["n_epochs"],
        "unit_seconds": seconds,
        "seconds": (len(units) - n_stored) * seconds if n_stored < len(units) else 0.0,
        "memory": _memory(unit),
        "fault": fault,
    }


def _unit_seconds(unit: Unit, device: str) -> float:
    """Seconds for one unit: steps, and what is paid once; stimuli in proportion to their number.

    Fresh stimuli are drawn while the network trains, but not beside other units of as many processes as cores.
    Processes that draw take cores of their own as far as there are any; the seconds in which they start are left out.
    """
    batch, task, n_epochs = unit.options["batch_size"], unit.task, unit.options["n_epochs"]
    n_few = min(BATCHES * batch, task.n_in_epoch)
    few = replace(task, n_train=n_few, n_test=min(batch, task.n_test))
    few.sample(1, np.random.RandomState(unit.seed))  # what it loads is loaded once
    started = _now()
    few.sample(n_few, np.random.RandomState(unit.seed))
    of_image = float((_now() - started).min()) / n_few
    of_step, once = _timed(unit, few, device)
    n_later = task.n_in_epoch * (n_epochs - 1) if task.n_train == "fresh" else 0
    n_steps = n_epochs * -(-task.n_in_epoch // batch)
    if unit.options["learning_rate"] == "auto":
        n_steps += round(ALWAYS * (1 - SHARE) * -(-n_epochs // SHORTER) * -(-task.n_in_epoch // batch))
    first = once + (task.n_in_epoch + task.n_test - n_few - few.n_test) * of_image
    return first + _at_once(n_steps * of_step, n_later * of_image, unit.drawing_processes, n_cores())


def _at_once(training: float, drawing: float, n_processes: int, n_cores: int) -> float:
    """Seconds for training and drawing, which processes do beside it on the cores that there are.

    Examples
    --------
    >>> [_at_once(10, 60, n_processes=n, n_cores=4) for n in (0, 1, 2, 9)]
    [70, 60.0, 30.0, 17.5]
    """
    if not n_processes:
        return training + drawing
    return max(training, drawing / n_processes, (training + drawing) / n_cores)


def _timed(unit: Unit, task: Any, device: str) -> tuple[float, float]:
    """Seconds of a step, the median of a few, and of all else in a short training, on as many threads as units have."""
    options = unit.options | {"n_epochs": EPOCHS, "checkpoints": (), "patience": None}
    options |= {"learning_rate": RATES[0]} if options["learning_rate"] == "auto" else {}
    after: list[npt.NDArray[np.float64]] = []
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        started = _now()
        watch: Progress = lambda *step: after.append(_now())  # noqa: E731 (after every step)
        train(unit.build, task, seed=unit.seed, device=device, progress=watch, **options)
        whole = _now() - started
    finally:
        torch.set_num_threads(before)
    clocks = slice(None) if device == "cpu" else slice(1)  # a GPU works while the CPU waits
    of_step = float(np.median(np.diff(after, axis=0), axis=0)[clocks].min())
    return of_step, max(0.0, float(whole[clocks].min()) - len(after) * of_step)


def _now() -> npt.NDArray[np.float64]:
    """The time, and that of this process alone, which does not go on while others have the machine; the less counts."""
    return np.array([perf_counter(), process_time()])


def _memory(unit: Unit) -> float:
    """Bytes of the stimuli, of weights and what training keeps of each, and of a batch's outputs; NaN if unknown."""
    task, batch = unit.task, min(unit.options["batch_size"], unit.task.n_in_epoch)
    height, width = task.image_size
    n_epochs_held = 1 + max(1, unit.drawing_processes) if task.n_train == "fresh" else 1  # others are drawn ahead
    of_stimuli = (n_epochs_held * task.n_in_epoch + task.n_test) * task.n_views * height * width
    try:
        network = initialise(unit.build, unit.seed)
        n_weights = sum(value.numel() for value in network.state_dict().values())
        n_outputs = _outputs(network, torch.zeros(1, height, width))
    except Exception:  # an own network may raise anything, which its fault tells
        return float("nan")
    copies = COPIES + len(set(unit.options["checkpoints"]) - {0})
    return float(FLOAT32 * (of_stimuli + copies * n_weights + 2 * batch * task.n_views * n_outputs))


def _outputs(network: nn.Module, image: torch.Tensor) -> int:
    """How many numbers all modules without parts of their own give for an image."""
    sizes: list[int] = []

    def count(module: nn.Module, inputs: Any, output: Any) -> None:
        sizes.append(output.numel() if isinstance(output, torch.Tensor) else 0)

    handles = [part.register_forward_hook(count) for part in network.modules() if not list(part.children())]
    try:
        with torch.no_grad():
            network.eval()(image)
    finally:
        for handle in handles:
            handle.remove()
    return sum(sizes)


def _inference_seconds(prepared: Prepared, n_rdms: int) -> float:
    """For all measures, as if each took as long as the study's own, from a few RDMs drawn at random.

    What is paid once, for each RDM, for each sample, and for each of both follows from four short inferences.
    """
    own = prepared.study.comparison
    timed = np.array([[_timed_inference(prepared, n, samples) for samples in FEW_SAMPLES] for n in FEW])
    others = [name for name in own.other_measures if name != own.method]
    several = samples_of_other_methods(prepared.study)
    return _extrapolated(timed, n_rdms, own.n_samples) + len(others) * _extrapolated(timed, n_rdms, several)


def _timed_inference(prepared: Prepared, n_rdms: int, n_samples: int) -> float:
    rng, n_stimuli = np.random.default_rng(0), prepared.recording.n_stimuli
    models: dict[str, Any] = {f"{k}": [rsa.rdm(rng.standard_normal((n_stimuli, 8)))] for k in range(n_rdms)}
    shorter = prepared.study.comparison.model_copy(update={"n_samples": n_samples})
    few = replace(prepared, study=prepared.study.model_copy(update={"comparison": shorter}))
    _ = few.inputs
    started = _now()
    infer_models(few, models)
    return float((_now() - started).min())


def _extrapolated(timed: npt.NDArray[np.float64], n_rdms: int, n_samples: int) -> float:
    """Seconds for many RDMs and samples, linear in each, from those of `FEW` by `FEW_SAMPLES`."""
    more = (n_samples - FEW_SAMPLES[0]) / (FEW_SAMPLES[1] - FEW_SAMPLES[0])
    at = timed[:, 0] + np.maximum(0.0, timed[:, 1] - timed[:, 0]) * more
    return float(max(0.0, at[0] + max(0.0, at[1] - at[0]) * (n_rdms - FEW[0]) / (FEW[1] - FEW[0])))
