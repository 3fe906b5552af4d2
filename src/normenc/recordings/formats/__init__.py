"""Files of all kinds, read as named arrays; what the names mean is for :mod:`normenc.recordings.naming`."""

from normenc.recordings.formats.opening import SUFFIXES, opened

__all__ = ["SUFFIXES", "opened"]
