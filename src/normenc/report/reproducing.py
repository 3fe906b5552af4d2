"""The study file that a page shows, and what is needed beside it to repeat a run."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from normenc.report.wording import join_names

__all__ = ["needed_code", "used_settings"]

SECTION, KEY = re.compile(r"\[\[?([\w.-]+)\]?\]\s*$"), re.compile(r"([\w-]+) = ")
OF_GRATINGS = ("spatial_frequency", "patch")
OF_IDENTIFY = ("measures", "mixtures")  # of the command alone
LIBRARIES = ("timm", "torchvision")


def used_settings(text: str, study: Mapping[str, Any], *, gratings: bool) -> str:
    """A run's study file without settings that took no part: of training, of gratings, and of ``normenc power``.

    Parameters
    ----------
    text : str
        As written by a run, one key after the other.
    study : mapping
        The same, parsed.
    gratings : bool
        Whether the stimuli are gratings.

    Examples
    --------
    >>> text = '''name = "a"
    ...
    ... [stimuli]
    ... patch = false
    ... size = [
    ...     96,
    ... ]
    ...
    ... [training]
    ... seed = 12
    ... n_epochs = 25
    ...
    ... [power]
    ... seed = 0
    ... '''
    >>> print(used_settings(text, {"encoder": [{}], "training": {"seed": 12, "n_epochs": 25}}, gratings=False))
    name = "a"
    <BLANKLINE>
    [stimuli]
    size = [
        96,
    ]
    <BLANKLINE>
    [training]
    seed = 12
    <BLANKLINE>
    """
    trains = bool(study.get("task"))
    unused: dict[str, tuple[str, ...] | None] = {"power": None, "identify": OF_IDENTIFY}
    stated = study.get("training", {})
    unused |= {} if trains else {"training": tuple(key for key in stated if key != "seed")}
    unused |= {} if gratings else {"stimuli": OF_GRATINGS if trains else (*OF_GRATINGS, "resolution")}
    kept, section, key = [], "", ""
    for line in text.splitlines():
        if found := SECTION.match(line):
            section, key = found.group(1), ""
        elif found := KEY.match(line):
            key = found.group(1)
        names = unused.get(section, ())
        if names is not None and key not in names:
            kept.append(line)
        key = "" if not line else key
    whole = "\n".join(kept)
    return re.sub(r"\n(\n\[[\w.-]+\]\n)(?=\n|$)", "\n", f"{whole}\n")


def needed_code(study: Mapping[str, Any]) -> str:
    """Which code of the user a study imports, as a sentence; empty if none.

    Examples
    --------
    >>> needed_code({"encoder": [{"model": "lab:small"}, {"model": "timm:resnet18"}], "task": {"name": "tilt"}})
    'It imports the module lab: put it beside the study file, or install it.'
    >>> needed_code({"task": {"name": "tilt"}})
    ''
    """
    modules = sorted(set(_modules(study)))
    if not modules:
        return ""
    one = len(modules) == 1
    what, it = ("module", "it") if one else ("modules", "them")
    return f"It imports the {what} {join_names(modules)}: put {it} beside the study file, or install {it}."


def _modules(study: Mapping[str, Any]) -> Iterator[str]:
    """Modules of import paths, as in ``"my_lab.tasks:CoarseOrFine"``."""
    comparison = study.get("comparison", {})
    named = [own.get("model") for own in _tables(study.get("encoder"))]
    named += [own.get("name") for part in ("task", "network") for own in _tables(study.get(part))]
    for own in [*comparison.get("controls", []), comparison.get("method"), *comparison.get("other_measures", [])]:
        named.append(own.get("name") if isinstance(own, Mapping) else own)
    for name in named:
        module, colon, _ = str(name).partition(":")
        if colon and module not in LIBRARIES:
            yield module


def _tables(value: Any) -> list[Mapping[str, Any]]:
    return [value] if isinstance(value, Mapping) else list(value or [])
