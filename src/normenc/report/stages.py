"""The stages that were requested for a run, and a note on those that were not."""

from collections.abc import Mapping
from typing import Any

from normenc.report.wording import join_names
from normenc.runs.stages import in_order

__all__ = ["left_out", "stages_of"]

WITHOUT = {"describe": ("tuning", "embeddings"), "predict": ("predictions of neurons",), "draw": ("figures",)}


def stages_of(study: Mapping[str, Any]) -> tuple[str, ...]:
    """The stages of a run, as requested in its ``study.toml``; all by default.

    Examples
    --------
    >>> stages_of({"stages": ["represent", "compare"]}), stages_of({})
    (('represent', 'compare'), ('represent', 'compare', 'describe', 'draw'))
    """
    return in_order(study.get("stages"), predict=bool(study.get("encoding", {}).get("enabled")))


def left_out(study: Mapping[str, Any]) -> str:
    """What was not requested, as a sentence; empty if all stages were.

    Examples
    --------
    >>> left_out({"stages": ["represent", "compare", "describe"]})
    'Not requested: figures. The command normenc figures draws them from this folder.'
    """
    asked = stages_of(study)
    wanted = stages_of({**study, "stages": None})
    missing = [what for name in wanted if name not in asked for what in WITHOUT[name]]
    if study.get("quick"):
        return (
            f"This is a quick run: one seed, {study['comparison']['n_samples']} samples of the bootstrap, "
            f"{study['comparison']['n_permutations']} permutations, one measure and three figures. Left out: "
            f"{join_names(['other measures', 'simulated recordings', *missing])}. Run the study without quick for all "
            "of it."
        )
    if not missing:
        return ""
    later = "" if "draw" in asked else " The command normenc figures draws them from this folder."
    return f"Not requested: {join_names(missing)}.{later}"
