"""What the page says of tasks, networks and their training."""

from typing import Any

import pandas as pd

from normenc.report.training_words import optimisation, stimuli_of

__all__ = ["described", "described_task", "first_unit", "losses", "mean_scores", "sections"]


def sections(value: Any) -> list[dict[str, Any]]:
    """Tables of a section of a study file that may be one table or several."""
    return value if isinstance(value, list) else [value]


def described(section: dict[str, Any]) -> dict[str, Any]:
    """A section of the study with its title; ``rest`` is what has no column of its own."""
    apart = ("name", "label", "n_train", "n_test", "n_per_epoch", "training")
    shown = {key: value for key, value in section.items() if key not in apart}
    if "n_train" not in section:  # of a network; a task's are shown in columns
        shown |= section.get("training", {})
    rest = ", ".join(f"{key} {value}" for key, value in shown.items())
    title = section.get("label", section["name"])
    name = f"{section['name']}; " if title != section["name"] else ""
    return section | {"title": title, "rest": name + rest}


def described_task(section: dict[str, Any], training: dict[str, Any], networks: list[dict[str, Any]]) -> dict[str, Any]:
    """A task with its training; ``trains`` is the training of each network, which may differ."""
    own = training | section.get("training", {})
    return described(section) | {
        "training": own,
        "stimuli": stimuli_of(section),
        "optimisation": optimisation(own),
        "trains": [(network["title"], own | network.get("training", {})) for network in networks],
    }


def mean_scores(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Means over seeds, by task and architecture, and how many of them learned the task, where that is known."""
    if table.empty:
        return []
    table = table.reindex(columns=[*table, *({"learned_at", "learned"} - set(table))])  # older runs lack them
    groups = table.astype({"learned_at": float}).groupby(["task", "network", "score"], sort=False)
    means = groups[["chance", "train", "held_out", "untrained_held_out", "learned_at"]].mean()
    learned = [f"{own.eq(True).sum()} of {len(own)}" if own.notna().all() else "" for _, own in groups["learned"]]
    return means.assign(n_seeds=groups.size(), learned=learned).reset_index().to_dict("records")


def first_unit(training: pd.DataFrame) -> pd.DataFrame:
    """The steps of the first network that was trained."""
    first = training.iloc[0]
    return training[(training[["task", "network", "seed"]] == first[["task", "network", "seed"]]).all(axis=1)]


def losses(training: pd.DataFrame) -> list[tuple[int, float]]:
    """Loss of the last batch at the first, the last and every fifth epoch between."""
    last = training.groupby("epoch")["loss"].last()
    return [(int(epoch), float(loss)) for epoch, loss in last.items() if _shown(int(str(epoch)), len(last))]


def _shown(epoch: int, n_epochs: int) -> bool:
    every = max(5, n_epochs // 10)
    return epoch in (1, n_epochs) or epoch % every == 0
