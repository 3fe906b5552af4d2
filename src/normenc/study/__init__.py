"""A study: its settings, its run, and what it leaves on disk."""

from normenc.study.evaluation import Evaluation, evaluate
from normenc.study.power import Power, power
from normenc.study.representing import prepare
from normenc.study.running import Run, run
from normenc.study.settings import Study, load_study
from normenc.study.sweep import Failure, Tally

__all__ = [
    "Evaluation",
    "Failure",
    "Power",
    "Run",
    "Study",
    "Tally",
    "evaluate",
    "load_study",
    "power",
    "prepare",
    "run",
]
