from .comparing import Compared, compare
from .designing import Design, design
from .drawing import draw
from .estimating import Estimate, estimate
from .evaluation import Evaluation, evaluate
from .finished import Picture, Redrawn, read_source_data, redraw
from .fitness import check_recordings
from .identification_study import Identifications, identify
from .populations import Populations, describe
from .power_analysis import Power, power
from .predicting import Predicted, predict
from .readiness import check_before
from .represented import Represented, represent
from .representing import Prepared, prepare
from .running import Run, memory_limit, run
from .scheduler import Scheduler, SchedulerWarning
from .settings import Study, load_study
from .sweep import Failure, SweepProgress
from .verifying import Verification, verify

__all__ = [
    "Compared",
    "Design",
    "Estimate",
    "Evaluation",
    "Failure",
    "Identifications",
    "Picture",
    "Populations",
    "Power",
    "Predicted",
    "Prepared",
    "Redrawn",
    "Represented",
    "Run",
    "Scheduler",
    "SchedulerWarning",
    "Study",
    "SweepProgress",
    "Verification",
    "check_before",
    "check_recordings",
    "compare",
    "describe",
    "design",
    "draw",
    "estimate",
    "evaluate",
    "identify",
    "load_study",
    "memory_limit",
    "power",
    "predict",
    "prepare",
    "read_source_data",
    "redraw",
    "represent",
    "run",
    "verify",
]
