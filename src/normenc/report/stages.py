"""Which stages a run was asked for, and what the page says of those that it was not."""

from collections.abc import Mapping
from typing import Any

from normenc.report.wording import join_names
from normenc.runs.stages import in_order

__all__ = ["left_out", "stages_of"]

WITHOUT = {"describe": ("tuning", "embeddings"), "predict": ("predictions of neurons",), "draw": ("pictures",)}


def stages_of(study: Mapping[str, Any]) -> tuple[str, ...]:
    """The stages of a run, by its ``study.toml``; all, where that names none.

    Examples
    --------
    >>> stages_of({"stages": ["represent", "compare"]}), stages_of({})
    (('represent', 'compare'), ('represent', 'compare', 'describe', 'draw'))
    """
    return in_order(study.get("stages"), predict=bool(study.get("encoding", {}).get("enabled")))


def left_out(study: Mapping[str, Any]) -> str:
    """What was not asked for, as sentences; empty where nothing was left out.

    Examples
    --------
    >>> left_out({"stages": ["represent", "compare", "describe"]})
    'Not asked for: pictures. normenc figures draws pictures from this folder.'
    """
    asked = stages_of(study)
    wanted = stages_of({**study, "stages": None})
    missing = [what for name in wanted if name not in asked for what in WITHOUT[name]]
    if not missing:
        return ""
    later = "" if "draw" in asked else " normenc figures draws pictures from this folder."
    return f"Not asked for: {join_names(missing)}.{later}"
