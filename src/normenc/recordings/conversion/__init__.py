"""Recordings from and to what other packages hold in memory: xarray, pynapple and rsatoolbox."""

from normenc.recordings.conversion.pynapple_curves import from_pynapple
from normenc.recordings.conversion.toolbox import checked_rdms, rdms_to_rsatoolbox, to_rsatoolbox
from normenc.recordings.conversion.xarrays import facts_of, from_xarray, rdm_to_xarray, to_xarray

__all__ = [
    "checked_rdms",
    "facts_of",
    "from_pynapple",
    "from_xarray",
    "rdm_to_xarray",
    "rdms_to_rsatoolbox",
    "to_rsatoolbox",
    "to_xarray",
]
