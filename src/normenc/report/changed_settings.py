"""Settings, versions and seeds of several runs side by side: which differ, and which are the same."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Setting", "flattened", "format_value", "side_by_side"]

ABSENT = "not set"
MANY = 12  # values of a list that are written out


@dataclass(frozen=True)
class Setting:
    """One setting in every run, in the runs' order."""

    key: str
    values: tuple[str, ...]
    same: bool


def side_by_side(parts: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """Put nested settings of several runs side by side, in the order of their first occurrence.

    Parameters
    ----------
    parts : sequence of dict
        Settings of each run, as read from TOML or JSON.

    Returns
    -------
    list of Setting
        Keys are dotted. Tables that occur several times in one run are numbered in all.

    Examples
    --------
    >>> one, other = {"task": {"n_train": 1000, "noise": 0.0}}, {"task": {"n_train": 500, "noise": 0}}
    >>> [(setting.key, setting.values, setting.same) for setting in side_by_side([one, other])]
    [('task.n_train', ('1000', '500'), False), ('task.noise', ('0', '0'), True)]
    """
    several = {key for part in parts for key, value in part.items() if _is_tables(value) and len(value) > 1}
    flat = [flattened(part, several) for part in parts]
    keys = list(dict.fromkeys(key for part in flat for key in part))
    settings = []
    for key in keys:
        values = [part.get(key, _Absent) for part in flat]
        same = all(_equal(values[0], value) for value in values[1:])
        words = tuple(format_value(value) for value in values)
        if not same and len(set(words)) == 1:  # they differ by less than the rounding
            words = tuple(repr(value) for value in values)
        settings.append(Setting(key, words, same))
    return settings


def flattened(part: Mapping[str, Any], several: set[str] | None = None) -> dict[str, Any]:
    """Nested tables with dotted keys; those in `several` are always numbered, from 1.

    Examples
    --------
    >>> flattened({"name": "a", "task": [{"name": "tilt"}, {"name": "digits"}]}, {"task"})
    {'name': 'a', 'task.1.name': 'tilt', 'task.2.name': 'digits'}
    """
    flat: dict[str, Any] = {}
    for key, value in part.items():
        tables = value if _is_tables(value) else [value] if isinstance(value, Mapping) else None
        if tables is None:
            flat[key] = value
            continue
        numbered = len(tables) > 1 or key in (several or ())
        for index, table in enumerate(tables, 1):
            head = f"{key}.{index}" if numbered else key
            flat |= {f"{head}.{name}": inner for name, inner in flattened(table).items()}
    return flat


def format_value(value: Any) -> str:
    """A setting's value as the page shows it.

    Examples
    --------
    >>> [format_value(value) for value in (0.0005, ["pool", "fc"], [], True, float("nan"))]
    ['0.0005', 'pool, fc', 'none', 'yes', 'unknown']
    """
    if value is _Absent or value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "unknown" if math.isnan(value) else f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {format_value(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        more = f", and {len(value) - MANY} more" if len(value) > MANY else ""
        return ", ".join(format_value(item) for item in value[:MANY]) + more or "none"
    return str(value)


class _Absent:
    """Marks a setting that a run does not have."""


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return bool(one == other)
