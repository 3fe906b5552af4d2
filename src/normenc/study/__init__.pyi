from .evaluation import Evaluation, evaluate
from .finished import Picture, Redrawn, read_source_data, redraw
from .power_analysis import Power, power
from .progress import Tally
from .readiness import check_before
from .representing import prepare
from .running import Run, run
from .scheduler import Scheduler, SchedulerWarning
from .settings import Study, load_study
from .sweep import Failure

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
