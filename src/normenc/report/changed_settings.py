"""Settings, versions and seeds of several runs beside each other: what differs, and what is the same."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Setting", "beside", "flattened", "format_value"]

ABSENT = "not set"
MANY = 12  # values of a list that are written out


@dataclass(frozen=True)
class Setting:
    """One setting in every run, in the runs' order."""

    key: str
    values: tuple[str, ...]
    same: bool


def beside(parts: Sequence[Mapping[str, Any]]) -> list[Setting]:
    """Set nested settings of several runs side by side, in the order in which they first stand.

    Parameters
    ----------
    parts : sequence of dict
        Of each run, as TOML or JSON give them.

    Returns
    -------
    list of Setting
        Keys are dotted. Tables that stand several times in one of the runs are numbered in all.

    Examples
    --------
    >>> one, other = {"task": {"n_train": 1000, "noise": 0.0}}, {"task": {"n_train": 500, "noise": 0}}
    >>> [(setting.key, setting.values, setting.same) for setting in beside([one, other])]
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
        if not same and len(set(words)) == 1:  # they differ by less than is written
            words = tuple(repr(value) for value in values)
        settings.append(Setting(key, words, same))
    return settings


def flattened(part: Mapping[str, Any], several: set[str] | None = None) -> dict[str, Any]:
    """Nested tables with dotted keys; those in `several` are numbered from 1, be there one or more.

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
    """A setting's value as people read it.

    Examples
    --------
    >>> [format_value(value) for value in (0.0005, ["pool", "fc"], [], True, float("nan"))]
    ['0.0005', 'pool, fc', 'none', 'yes', 'not known']
    """
    if value is _Absent or value is None:
        return ABSENT
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "not known" if math.isnan(value) else f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {format_value(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        more = f", and {len(value) - MANY} more" if len(value) > MANY else ""
        return ", ".join(format_value(item) for item in value[:MANY]) + more or "none"
    return str(value)


class _Absent:
    """Stands for a setting that a run does not have."""


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return bool(one == other)
