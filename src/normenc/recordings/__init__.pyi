from .conversion import (
    from_pynapple,
    from_xarray,
    rdm_to_xarray,
    rdms_to_rsatoolbox,
    to_rsatoolbox,
    to_xarray,
)
from .export import save, save_rdm
from .loading import load
from .preparation import Preparation
from .public.cache import cache_folder
from .public.collection import Collection, Option, RemoteFile
from .public.fetching import fetch
from .public.registry import catalogue, register
from .recording import Recording
from .reliable import keep_reliable
from .simulation import (
    SimulatedRecording,
    contaminate,
    divisive_normalisation,
    simulated_from_layer,
    simulated_from_photographs,
    simulated_natural,
    simulated_v1,
)
from .steps import bin_stimuli, fold, keep_responsive, select, z_score
from .streaming import StreamedRDM, stream_rdm

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
