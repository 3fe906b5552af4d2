"""What is installed and found on this machine, for a bug report."""

import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from normenc.errors import InputError
from normenc.extras import BROUGHT_BY

__all__ = ["findings", "last_report", "versions"]

PACKAGES = (
    *("numpy", "scipy", "scikit-learn", "xarray", "h5netcdf", "h5py", "pandas", "pydantic", "typer", "rich"),
    *("matplotlib", "scikit-image", "pillow", "plotly", "jinja2", "pooch"),
)
EXTRAS = {  # what brings them, and what they are for
    "torch": ("nets", "networks"),
    "zarr": ("zarr", "Zarr stores"),
    "pyarrow": ("parquet", "Parquet tables"),
    "pynwb": ("nwb", "NWB files"),
    "torchvision": ("models", "pretrained networks"),
    "timm": ("models", "pretrained networks"),
    "remfile": ("stream", "recordings read where they lie"),
    "plenoptic": ("pyramid", "the steerable pyramid"),
}
GIB = 2**30
MOST_FILES = 100_000  # of the cache that are counted


def versions() -> list[str]:
    """Versions of normenc, Python, the platform and all packages that it and networks need; nothing is imported."""
    from normenc import __version__

    needed = ", ".join(
        f"{name} {_version(name) or ('not installed' if name in BROUGHT_BY else 'MISSING')}"
        for name in (*PACKAGES, *BROUGHT_BY)
    )
    return [
        f"normenc {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"packages: {needed}",
    ]


def findings() -> list[str]:
    """All that ``normenc doctor`` prints: versions, devices, threads, the cache, extras and recordings."""
    return [*versions(), *_torch(), *_cache(), *_extras(), *_recordings(), *_reports()]


def last_report() -> list[str]:
    """The newest file that an unexpected error left.

    Raises
    ------
    InputError
        When there is none, or it cannot be read.
    """
    files = _report_files()
    if not files:
        raise InputError("there is no report: no command has failed unexpectedly since the cache was created")
    try:
        text = files[-1].read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{files[-1]}: this report cannot be read ({error.strerror})") from None
    return [f"report: {files[-1]} (it names your files; look it over before you share it)", "", text.rstrip("\n")]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> list[str]:
    if _version("torch") is None:
        return []  # the extras tell
    try:
        import torch
    except Exception as error:  # a library that does not load, which is what a doctor is asked about
        return [f"torch: it cannot be imported ({type(error).__name__}: {' '.join(str(error).split())[:200]})"]
    built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for the CPU alone"
    gpus = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    told = "".join(f", {name}={value}" for name, value in said.items())
    return [
        f"torch: {built}; devices: cpu{''.join(f', {name}' for name in gpus)}",
        f"threads: {torch.get_num_threads()} of {cores} cores{told}",
    ]


def _cache() -> list[str]:
    from normenc.recordings import cache_folder

    folder = cache_folder()
    source = " (NORMENC_CACHE)" if os.environ.get("NORMENC_CACHE") else ""
    try:
        is_there = folder.exists()
        list(folder.iterdir()) if is_there else None
    except OSError as error:
        return [
            f"cache: {folder}{source}, it CANNOT be read ({error.strerror}); set NORMENC_CACHE to a folder that can"
        ]
    if not is_there:
        return [f"cache: {folder}{source}, not made yet; {_writable(_nearest(folder))}"]
    n_files, n_bytes = 0, 0
    for entry in _files(folder):
        n_files, n_bytes = n_files + 1, n_bytes + entry
    return [f"cache: {folder}{source}, {n_files:,} files, {n_bytes / GIB:.2f} GiB; {_writable(folder)}"]


def _nearest(folder: Path) -> Path:
    return next(parent for parent in folder.absolute().parents if parent.exists())


def _writable(folder: Path) -> str:
    import shutil

    try:
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return f"it CANNOT be written ({error.strerror}); set NORMENC_CACHE to a folder that can"
    return f"it can be written, {free / GIB:.1f} GiB are free"


def _files(folder: Path) -> Iterator[int]:
    """Bytes of every file below a folder."""
    n_left = MOST_FILES
    for place, _, names in os.walk(folder):
        for name in names[:n_left]:
            n_left -= 1
            try:
                yield (Path(place) / name).lstat().st_size
            except OSError:  # gone meanwhile
                continue


def _extras() -> list[str]:
    lines = []
    for package, (extra, purpose) in EXTRAS.items():
        version = _version(package)
        there = f"{package} {version}" if version else f"{package} is not installed: pip install 'normenc[{extra}]'"
        lines.append(f"for {purpose}: {there}")
    return lines


def _recordings() -> list[str]:
    from normenc.errors import InputError
    from normenc.recordings import catalogue
    from normenc.recordings.public.listing import example_of, kept_files

    lines = []
    try:
        collections = catalogue()
    except InputError as error:  # of another package's collection
        return [f"recordings: {error}"]
    for own in collections.values():
        n_files = 0
        with suppress(OSError):  # of a cache that may not be entered
            n_files = len(kept_files(own))
        here = "here" if own.simulated else f"{n_files} file{'s' * (n_files != 1)} here"
        advice = here if own.simulated or n_files else f"not here: normenc recordings fetch {example_of(own)}"
        lines.append(f"recording {own.name}: {advice}")
    shared = os.environ.get("NORMENC_SHARED_DATA")
    if shared:
        lines.append(f"shared data: {shared}, {'a folder' if Path(shared).is_dir() else 'NOT THERE'}")
    return lines


def _report_files() -> list[Path]:
    from normenc.cli.guard import REPORTS
    from normenc.recordings import cache_folder

    with suppress(OSError):
        return sorted(path for path in (cache_folder() / REPORTS).glob("*.txt") if path.is_file())
    return []


def _reports() -> list[str]:
    files = _report_files()
    if not files:
        return ["reports of unexpected errors: none"]
    return [f"reports of unexpected errors: {len(files)}, the last is shown by: normenc doctor --last"]
