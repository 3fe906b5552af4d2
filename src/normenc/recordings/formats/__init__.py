"""Files of all kinds, read as named arrays; what the names mean is for :mod:`normenc.recordings.naming`."""

from normenc.recordings.formats.listing import listed, not_there
from normenc.recordings.formats.opening import MAPPED, SUFFIXES, cuts_trials, opened

__all__ = ["MAPPED", "SUFFIXES", "cuts_trials", "listed", "not_there", "opened"]
