"""Keys of a study file that once had other names."""

import tomllib
from collections.abc import Mapping
from typing import Any

from normenc.renamed import with_new_keys

__all__ = ["OLD_KEYS", "settings_of", "with_todays_keys"]

OLD_KEYS = {
    "comparison": {"also": "other_measures"},
    "encoding": {"arc": "fold_arc"},
    "recording": {"z_scored": "z_score"},
}


def with_todays_keys(settings: Mapping[str, Any], *, warn: bool) -> dict[str, Any]:
    """Settings, as read from TOML, with today's names for old keys.

    Parameters
    ----------
    settings : mapping
        Sections by name; sections that can be repeated may be lists.
    warn : bool
        Whether to warn of old keys: for a user's file, not for the file of a run.

    Raises
    ------
    InputError
        If a key is given by both names.

    Examples
    --------
    >>> with_todays_keys({"encoding": {"arc": 5.0}, "recording": [{"z_scored": True}]}, warn=False)
    {'encoding': {'fold_arc': 5.0}, 'recording': [{'z_score': True}]}
    """
    settings = dict(settings)
    for name, new_names in OLD_KEYS.items():
        section = settings.get(name)
        if isinstance(section, list):
            settings[name] = [with_new_keys(part, name, new_names, warn=warn) for part in section]
        elif section is not None:
            settings[name] = with_new_keys(section, name, new_names, warn=warn)
    return settings


def settings_of(text: str) -> dict[str, Any]:
    """Settings of a run, from the text of its study file, with today's keys."""
    return with_todays_keys(tomllib.loads(text), warn=False)
