"""Whether trained networks learned their tasks, as columns of a study's tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from normenc.csv_tables import encoders_of
from normenc.encoders import EncoderKind

if TYPE_CHECKING:
    from normenc.study.units import Unit
    from normenc.training import TrainingResult

__all__ = ["BY_SEED", "IN_FULL", "IN_SHORT", "competence", "perfect_score", "with_competence"]

IN_SHORT = ("score", "chance", "learned")
BY_SEED = ("score_name", "score", "chance", "perfect", "learned")
IN_FULL = ("score_name", "score", "chance", "perfect", "n_learned", "learned")
TYPES = {"n_learned": "Int64", "learned": "boolean", "score_name": object}


def perfect_score(task: Any) -> float:
    """The score of a perfect answer; NaN if the task states none that is better than chance."""
    ahead = task.perfect - task.chance if task.higher_is_better else task.chance - task.perfect
    return float(task.perfect) if ahead > 0 else float("nan")


def competence(units: Sequence["Unit"], trainings: Mapping["Unit", "TrainingResult"]) -> dict[str, Any]:
    """What networks trained on one task from several seeds reached: the columns of `IN_FULL`.

    Together they count as having learned the task if more than half of them did, so that a mean over them is above all
    one of networks that learned. If this cannot be said of one, it cannot be said of them.
    """
    task = units[0].task
    scores = [trainings[unit].log.held_out_score for unit in units]
    learned = [task.has_learned(score) for score in scores]
    known = None not in learned
    n_learned = sum(map(bool, learned)) if known else None
    return {
        "score_name": task.score_name,
        "score": float(np.mean(scores)),
        "chance": float(task.chance),
        "perfect": perfect_score(task),
        "n_learned": n_learned,
        "learned": None if n_learned is None else 2 * n_learned > len(units),
    }


def with_competence(
    table: pd.DataFrame,
    trainings: Mapping["Unit", "TrainingResult"],
    columns: Sequence[str] = IN_SHORT,
    *,
    by_seed: bool = False,
) -> pd.DataFrame:
    """A table with columns about the tasks of its trained layers, after those that name the encoder.

    Parameters
    ----------
    table : DataFrame
        With the columns of :func:`normenc.csv_tables.encoder_columns`.
    trainings : mapping of Unit to TrainingResult
    columns : sequence of str
        Of :func:`competence`. They are empty in the rows of other encoders.
    by_seed : bool
        Whether each row is of one seed, and not a mean over all.

    Returns
    -------
    DataFrame
    """
    groups: dict[tuple[Any, ...], list[Unit]] = {}
    for unit in trainings:
        groups.setdefault((unit.task_label, unit.network_label, unit.seed if by_seed else None), []).append(unit)
    reached = {key: competence(units, trainings) for key, units in groups.items()}
    rows = [
        reached.get((own.task, own.network, own.seed if by_seed else None), {})
        if own.kind is EncoderKind.TRAINED
        else {}
        for own in encoders_of(table)
    ]
    place = list(table.columns).index("seed") + 1
    new = pd.DataFrame(
        {name: pd.array([row.get(name) for row in rows], dtype=TYPES.get(name, "float64")) for name in columns},
        index=table.index,
    )
    return pd.concat([table.iloc[:, :place], new, table.iloc[:, place:]], axis=1)
