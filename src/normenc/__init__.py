"""Build and evaluate normative encoding models.

Networks are trained on a visual task that an animal can solve, never on neural data. Their layers are then
compared with recordings of visual cortex, beside controls that were never trained.

The rooms (``normenc.stimuli``, ``normenc.rsa``, ...) load when first used, so that ``import normenc`` is instant.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "controls",
    "embedding",
    "encoders",
    "encoding",
    "errors",
    "estimators",
    "figures",
    "networks",
    "pretrained",
    "quality",
    "recordings",
    "report",
    "representations",
    "rsa",
    "stimuli",
    "stimulus_types",
    "study",
    "tasks",
    "training",
    "tuning",
]

if TYPE_CHECKING:
    from normenc import (
        controls,
        embedding,
        encoders,
        encoding,
        errors,
        estimators,
        figures,
        networks,
        pretrained,
        quality,
        recordings,
        report,
        representations,
        rsa,
        stimuli,
        stimulus_types,
        study,
        tasks,
        training,
        tuning,
    )


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"normenc.{name}")
    raise AttributeError(f"module 'normenc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
