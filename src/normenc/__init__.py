"""Build and evaluate normative encoding models.

Networks are trained on a visual task that an animal can solve, never on neural data. Their layers are then
compared with recordings of visual cortex, beside controls that were never trained.

The rooms (``normenc.stimuli``, ``normenc.rsa``, ...) load when first used, so that ``import normenc`` is instant.
Those of networks need torch, which ``pip install normenc[nets]`` brings; all others work without it.
"""

import importlib
from typing import TYPE_CHECKING, Any

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
    "published",
    "quality",
    "recordings",
    "report",
    "representations",
    "rsa",
    "runs",
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
        published,
        quality,
        recordings,
        report,
        representations,
        rsa,
        runs,
        stimuli,
        stimulus_types,
        study,
        tasks,
        training,
        tuning,
    )
    from normenc.runs import Run as Run


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"normenc.{name}")
    if name == "Run":
        return importlib.import_module("normenc.runs").Run
    if name == "__version__":
        return _version()
    raise AttributeError(f"module 'normenc' has no attribute {name!r}")


def _version() -> str:
    """The version that was installed, which a tag gave; of sources that are not installed, none is known."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("normenc")
    except PackageNotFoundError:
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted([*__all__, "Run", "__version__"])
