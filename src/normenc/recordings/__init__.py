"""Recordings of visual cortex: loading, downloading, simulating."""

from normenc.recordings.download import cache_folder, fetch
from normenc.recordings.files import load_npz
from normenc.recordings.loading import load
from normenc.recordings.recording import Recording
from normenc.recordings.simulation import simulated_v1
from normenc.recordings.sources import SOURCES, Source

__all__ = ["SOURCES", "Recording", "Source", "cache_folder", "fetch", "load", "load_npz", "simulated_v1"]
