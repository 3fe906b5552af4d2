"""How networks were trained, in words."""

from collections.abc import Iterable, Mapping
from typing import Any

from normenc.report.wording import counted

__all__ = ["method_of", "optimisation", "stimuli_of"]

OPTIMIZERS = {"sgd": "stochastic gradient descent", "adam": "Adam", "adamw": "AdamW", "muon": "Muon and AdamW"}
SCHEDULES = {"cosine": "cosine schedule", "one-cycle": "one-cycle schedule"}


def method_of(tasks: Iterable[Mapping[str, Any]]) -> str:
    """The optimizers of all tasks' and networks' training; runs of earlier versions have one.

    Examples
    --------
    >>> method_of([{"trains": [("FC", {}), ("ConvFC", {"optimizer": "adamw"})]}])
    'stochastic gradient descent or AdamW'
    """
    names = [OPTIMIZERS[training.get("optimizer", "sgd")] for task in tasks for _, training in task["trains"]]
    return " or ".join(dict.fromkeys(names))


def optimisation(training: Mapping[str, Any]) -> str:
    """Learning rate, schedule and all that was not left out, of the settings of a training.

    Examples
    --------
    >>> optimisation({"learning_rate": 5e-4, "momentum": 0.99})
    'learning rate 0.0005, momentum 0.99'
    >>> optimisation({"optimizer": "adamw", "learning_rate": "auto", "schedule": "cosine", "warm_up": 0.1})
    'AdamW, learning rate found on the training set, cosine schedule (rising for 10 % of the steps)'
    """
    optimizer, rate = training.get("optimizer", "sgd"), training["learning_rate"]
    said = [] if optimizer == "sgd" else [OPTIMIZERS[optimizer]]
    said.append("learning rate found on the training set" if rate == "auto" else f"learning rate {rate:g}")
    if optimizer == "sgd":
        said.append(f"momentum {training['momentum']:g}")
    if schedule := SCHEDULES.get(training.get("schedule", "constant")):
        said.append(f"{schedule} (rising for {100 * training['warm_up']:g} % of the steps)")
    for key, words in (
        ("weight_decay", "weight decay {:g}"),
        ("clip", "gradients clipped to a norm of {:g}"),
        ("label_smoothing", "labels smoothed by {:g}"),
    ):
        if training.get(key):
            said.append(words.format(training[key]))
    if (n := training.get("accumulate", 1)) > 1:
        said.append(f"a step for every {n} batches")
    if training.get("patience"):
        said.append(f"stopped after {counted(training['patience'], 'epoch')} without a lower loss on a validation set")
    if training.get("precision") == "mixed":
        said.append("mixed precision")
    return ", ".join(said)


def stimuli_of(task: Mapping[str, Any], *, in_words: bool = False) -> str:
    """The number of stimuli a task trains on.

    Examples
    --------
    >>> stimuli_of({"n_train": 1000}, in_words=True)
    '1,000 stimuli'
    >>> stimuli_of({"n_train": "fresh", "n_per_epoch": 500})
    '500 an epoch'
    """
    if task["n_train"] == "fresh":
        n = task["n_per_epoch"]
        return f"{counted(n, 'stimulus')}, drawn anew every epoch" if in_words else f"{n} an epoch"
    return counted(task["n_train"], "stimulus") if in_words else str(task["n_train"])
