"""Read files of all formats as named arrays; :mod:`normenc.recordings.naming` says what the names mean."""

from normenc.recordings.formats.listing import listed, not_there
from normenc.recordings.formats.opening import SUFFIXES, cuts_trials, maps_names, opened

__all__ = ["SUFFIXES", "cuts_trials", "listed", "maps_names", "not_there", "opened"]
