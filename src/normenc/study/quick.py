"""A quick look at a study: its networks and its main comparison, with as little beside them as a run can have."""

from collections.abc import Mapping
from typing import Any

__all__ = ["QUICK_PICTURES", "quickened"]

QUICK_PICTURES = ("example_stimuli", "rdms", "similarity_bars")
END = "-quick"
MOST_OF_NAME = 100  # characters
FEWEST: dict[str, dict[str, Any]] = {
    "training": {"n_seeds": 1, "n_untrained": 2},
    "comparison": {"n_samples": 50, "n_permutations": 199},
    "identify": {"enabled": False},
}


def quickened(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Change the tables of a study, which are not yet checked, to those of a quick look.

    Examples
    --------
    >>> quick = quickened({"name": "mine", "comparison": {"measures": ["spearman", "pearson"]}})
    >>> quick["name"], quick["comparison"]
    ('mine-quick', {'measures': ['spearman'], 'n_samples': 50, 'n_permutations': 199})
    >>> quickened(quick) == quick
    True
    """
    quick = dict(settings) | {"quick": True, "stages": ["represent", "compare", "draw"]}
    name = settings.get("name", "reference")
    if isinstance(name, str) and not name.endswith(END):
        quick["name"] = name[: MOST_OF_NAME - len(END)] + END
    for section, fewest in FEWEST.items():
        own = settings.get(section, {})
        quick[section] = {**own, **fewest} if isinstance(own, Mapping) else own
    comparison = quick["comparison"]
    if isinstance(comparison, Mapping):
        several = comparison.get("measures")
        alone: dict[str, Any] = {"measures": several[:1]} if isinstance(several, list) else {"other_measures": []}
        quick["comparison"] = {**comparison, **alone}
    return quick
