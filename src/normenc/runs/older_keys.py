"""Keys of a study file that once had other names."""

from collections.abc import Mapping
from typing import Any

from normenc.renamed import with_new_keys

__all__ = ["OLD_KEYS", "with_todays_keys"]

OLD_KEYS = {
    "comparison": {"also": "other_measures"},
    "encoding": {"arc": "fold_arc"},
    "recording": {"z_scored": "z_score"},
}


def with_todays_keys(settings: Mapping[str, Any], *, warn: bool) -> dict[str, Any]:
    """Settings, as TOML gives them, whose old keys have today's names.

    Parameters
    ----------
    settings : mapping
        Sections by name; those that may stand several times may be lists.
    warn : bool
        Whether to warn of old keys: of a file that someone writes, not of one that a run left.

    Raises
    ------
    InputError
        When a key stands there by both names.

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
