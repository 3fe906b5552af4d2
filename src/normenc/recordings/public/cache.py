"""Where downloaded recordings are kept."""

import os
from pathlib import Path

__all__ = ["cache_folder", "collections_folder"]


def cache_folder() -> Path:
    """The folder that keeps downloads: ``$NORMENC_CACHE``, or the user's cache folder."""
    import pooch

    return Path(os.environ.get("NORMENC_CACHE") or pooch.os_cache("normenc"))


def collections_folder() -> Path:
    """The folder in the cache that holds a folder for each collection."""
    return cache_folder() / "recordings"
