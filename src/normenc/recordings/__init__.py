"""Recordings of visual cortex: loading, preparing, downloading, simulating."""

from normenc.recordings.conversion import (
    from_pynapple,
    from_xarray,
    rdm_to_xarray,
    rdms_to_rsatoolbox,
    to_rsatoolbox,
    to_xarray,
)
from normenc.recordings.export import save, save_rdm
from normenc.recordings.loading import load
from normenc.recordings.preparation import Preparation
from normenc.recordings.public.cache import cache_folder
from normenc.recordings.public.collection import Collection, Option, RemoteFile
from normenc.recordings.public.fetching import fetch
from normenc.recordings.public.registry import catalogue, register
from normenc.recordings.recording import Recording
from normenc.recordings.reliable import keep_reliable
from normenc.recordings.simulation import (
    SimulatedRecording,
    contaminate,
    divisive_normalisation,
    simulated_from_layer,
    simulated_from_photographs,
    simulated_natural,
    simulated_v1,
)
from normenc.recordings.steps import bin_stimuli, fold, keep_responsive, select, z_score
from normenc.recordings.streaming import StreamedRDM, stream_rdm

__all__ = [
    "Collection",
    "Option",
    "Preparation",
    "Recording",
    "RemoteFile",
    "SimulatedRecording",
    "StreamedRDM",
    "bin_stimuli",
    "cache_folder",
    "catalogue",
    "contaminate",
    "divisive_normalisation",
    "fetch",
    "fold",
    "from_pynapple",
    "from_xarray",
    "keep_reliable",
    "keep_responsive",
    "load",
    "rdm_to_xarray",
    "rdms_to_rsatoolbox",
    "register",
    "save",
    "save_rdm",
    "select",
    "simulated_from_layer",
    "simulated_from_photographs",
    "simulated_natural",
    "simulated_v1",
    "stream_rdm",
    "to_rsatoolbox",
    "to_xarray",
    "z_score",
]
