"""A study: its settings, its run, and what it leaves on disk."""

from normenc.study.evaluation import Evaluation, evaluate, prepare
from normenc.study.power import Power, power
from normenc.study.running import Run, run
from normenc.study.settings import Study, load_study

__all__ = ["Evaluation", "Power", "Run", "Study", "evaluate", "load_study", "power", "prepare", "run"]
