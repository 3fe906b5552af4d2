"""A study: its settings, its run, and what it leaves on disk."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normenc.study.evaluation import Evaluation, evaluate
    from normenc.study.power_analysis import Power, power
    from normenc.study.progress import Tally
    from normenc.study.readiness import check_before
    from normenc.study.redrawing import Redrawn, redraw
    from normenc.study.representing import prepare
    from normenc.study.running import Run, run
    from normenc.study.scheduler import Scheduler, SchedulerWarning
    from normenc.study.settings import Study, load_study
    from normenc.study.source_data import Picture, read_source_data
    from normenc.study.sweep import Failure

__all__ = [
    "Evaluation",
    "Failure",
    "Picture",
    "Power",
    "Redrawn",
    "Run",
    "Scheduler",
    "SchedulerWarning",
    "Study",
    "Tally",
    "check_before",
    "evaluate",
    "load_study",
    "power",
    "prepare",
    "read_source_data",
    "redraw",
    "run",
]

_HOMES = {
    "evaluation": ("Evaluation", "evaluate"),
    "power_analysis": ("Power", "power"),
    "progress": ("Tally",),
    "readiness": ("check_before",),
    "redrawing": ("Redrawn", "redraw"),
    "representing": ("prepare",),
    "running": ("Run", "run"),
    "scheduler": ("Scheduler", "SchedulerWarning"),
    "settings": ("Study", "load_study"),
    "source_data": ("Picture", "read_source_data"),
    "sweep": ("Failure",),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for; the workers of a sweep, which ask for little, start at once."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"normenc.study.{home}"), name)
    raise AttributeError(f"module 'normenc.study' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
