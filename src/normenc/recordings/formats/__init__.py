"""Files of all kinds, read as named arrays; what the names mean is for :mod:`normenc.recordings.naming`."""

from normenc.recordings.formats.listing import listed, not_there
from normenc.recordings.formats.opening import SUFFIXES, cuts_trials, maps_names, opened

__all__ = ["SUFFIXES", "cuts_trials", "listed", "maps_names", "not_there", "opened"]
