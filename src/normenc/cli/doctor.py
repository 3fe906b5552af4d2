"""What is installed and found on this machine, for a bug report."""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from normenc.errors import InputError
from normenc.extras import BROUGHT_BY

__all__ = ["findings", "last_report", "lines", "versions"]

PACKAGES = (
    *("numpy", "scipy", "scikit-learn", "xarray", "h5netcdf", "h5py", "pandas", "pydantic", "typer", "rich"),
    *("matplotlib", "scikit-image", "pillow", "plotly", "jinja2", "pooch", "threadpoolctl"),
)
EXTRAS = {  # what brings them, and what they are for
    "torch": ("nets", "networks"),
    "zarr": ("zarr", "Zarr stores"),
    "pyarrow": ("parquet", "Parquet tables"),
    "pynwb": ("nwb", "NWB files"),
    "torchvision": ("models", "pretrained networks"),
    "timm": ("models", "pretrained networks"),
    "efficientnet-lite-pytorch": ("models", "an ImageNet network whose weights come as a package"),
    "remfile": ("stream", "recordings read where they lie"),
    "plenoptic": ("pyramid", "the steerable pyramid"),
}
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
GIB = 2**30
MOST_FILES = 100_000  # of the cache that are counted


def versions() -> list[str]:
    """Versions of normenc, Python, the platform and all packages that it and networks need; nothing is imported."""
    from normenc import __version__

    needed = ", ".join(
        f"{name} {version or ('not installed' if name in BROUGHT_BY else 'MISSING')}"
        for name, version in _packages().items()
    )
    return [
        f"normenc {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"packages: {needed}",
    ]


def findings() -> dict[str, Any]:
    """All that ``normenc doctor`` tells, as plain values: what cannot be found out is said as its ``problem``."""
    from normenc import __version__

    return {
        "normenc": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _packages(),
        "torch": _torch(),
        "threads": _threads(),
        "memory": _memory(),
        "cache": _cache(),
        "optional": [
            {"package": package, "version": _version(package), "purpose": purpose, "extra": extra}
            for package, (extra, purpose) in EXTRAS.items()
        ],
        **_recordings(),
        "shared_data": _shared_data(),
        "reports": len(_report_files()),
    }


def lines(found: Mapping[str, Any]) -> list[str]:
    """The same as lines."""
    said = [*versions(), _torch_line(found["torch"]), _threads_line(found["threads"]), _memory_line(found["memory"])]
    said.append(f"cache: {_cache_line(found['cache'])}")
    for own in found["optional"]:
        missing = f"{own['package']} is not installed: pip install 'normenc[{own['extra']}]'"
        said.append(f"for {own['purpose']}: " + (f"{own['package']} {own['version']}" if own["version"] else missing))
    said += [_recording_line(own) for own in found["recordings"]]
    said += [f"recordings: {found['recordings_problem']}"] if found["recordings_problem"] else []
    said.append(
        'weights of timm: and torchvision: networks are downloaded only where a study says weights = "download"'
    )
    if found["shared_data"]:
        own = found["shared_data"]
        said.append(f"shared data: {own['folder']}, {'a folder' if own['is_there'] else 'NOT THERE'}")
    last = f"{found['reports']}, the last is shown by: normenc doctor --last" if found["reports"] else "none"
    return [*said, f"reports of unexpected errors: {last}"]


def last_report() -> tuple[Path, list[str]]:
    """The newest file that an unexpected error left, and its lines.

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
    return files[-1], text.splitlines()


def _packages() -> dict[str, str | None]:
    return {name: _version(name) for name in (*PACKAGES, *BROUGHT_BY)}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _problem(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _torch() -> dict[str, Any]:
    try:
        import torch

        gpus = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
        return {"version": torch.__version__, "cuda": torch.version.cuda, "devices": ["cpu", *gpus], "problem": None}
    except (Exception, SystemExit) as error:  # a library that does not load, which is what a doctor is asked about
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == "torch"
        problem = "it is not installed" if is_missing else f"it cannot be imported ({_problem(error)})"
        return {"version": _version("torch"), "problem": problem}


def _torch_line(torch: Mapping[str, Any]) -> str:
    if torch["problem"]:
        return f"torch: {torch['problem']}"
    built = f"built for CUDA {torch['cuda']}" if torch["cuda"] else "built for the CPU alone"
    return f"torch: {built}; devices: {', '.join(torch['devices'])}"


def _threads() -> dict[str, Any]:
    from normenc.study.processes import n_cores

    pools: list[dict[str, Any]] = []
    with suppress(Exception):  # NumPy or SciPy that does not load
        import numpy  # noqa: F401 - its libraries are what is looked at
        import scipy.linalg  # noqa: F401
        from threadpoolctl import threadpool_info

        pools = [{"library": own["internal_api"], "threads": own["num_threads"]} for own in threadpool_info()]
    torch: Any = sys.modules.get("torch")
    return {
        "cores": n_cores(),
        "torch": torch.get_num_threads() if hasattr(torch, "get_num_threads") else None,
        "libraries": pools,
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def _threads_line(threads: Mapping[str, Any]) -> str:
    own = {"torch": threads["torch"]} if threads["torch"] else {}
    own |= {pool["library"]: pool["threads"] for pool in threads["libraries"]}
    told = "".join(f", {name}={value}" for name, value in threads["environment"].items())
    return f"threads: {', '.join(f'{name} {n}' for name, n in own.items())}; {threads['cores']} cores{told}"


def _memory() -> dict[str, int | None]:
    """Bytes of this machine; None where the system does not say."""
    found: dict[str, int | None] = {"total": None, "free": None}
    with suppress(ValueError, OSError, AttributeError):
        page = os.sysconf("SC_PAGE_SIZE")
        found = {"total": page * os.sysconf("SC_PHYS_PAGES"), "free": page * os.sysconf("SC_AVPHYS_PAGES")}
    return found


def _memory_line(memory: Mapping[str, Any]) -> str:
    said = {"free": memory["free"], "in all": memory["total"]}
    return f"memory: {', '.join(f'{n / GIB:.1f} GiB {word}' for word, n in said.items() if n) or 'not known'}"


def _cache() -> dict[str, Any]:
    from normenc.recordings import cache_folder

    folder = cache_folder()
    found: dict[str, Any] = {
        "folder": str(folder),
        "from_environment": bool(os.environ.get("NORMENC_CACHE")),
        **{"exists": False, "files": 0, "bytes": 0, "writable": False, "free": None, "problem": None},
    }
    try:
        found["exists"] = folder.exists()
        list(folder.iterdir()) if found["exists"] else None
    except OSError as error:
        return found | {"problem": f"it CANNOT be read ({error.strerror})"}
    place = folder if found["exists"] else next(parent for parent in folder.absolute().parents if parent.exists())
    for size in _files(folder):
        found["files"], found["bytes"] = found["files"] + 1, found["bytes"] + size
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))  # which takes room: a full disk still holds empty files
            file.flush()
            return found | {"writable": True, "free": shutil.disk_usage(place).free}
    except OSError as error:
        return found | {"problem": f"it CANNOT be written ({error.strerror})"}


def _cache_line(cache: Mapping[str, Any]) -> str:
    source = " (NORMENC_CACHE)" if cache["from_environment"] else ""
    holds = f", {cache['files']:,} files, {cache['bytes'] / GIB:.2f} GiB" if cache["exists"] else ", not made yet"
    if cache["problem"]:
        return f"{cache['folder']}{source}{holds}; {cache['problem']}; set NORMENC_CACHE to a folder that can"
    return f"{cache['folder']}{source}{holds}; it can be written, {cache['free'] / GIB:.1f} GiB are free"


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


def _recordings() -> dict[str, Any]:
    """Recordings known by name: which are here, and how large those are that would be downloaded, where it is known."""
    try:
        from normenc.recordings import catalogue

        known = [_recording(own) for own in catalogue().values()]
    except Exception as error:  # of another package's collection, or of one that does not load
        problem = str(error) if isinstance(error, InputError) else _problem(error)
        return {"recordings": [], "recordings_problem": problem}
    return {"recordings": known, "recordings_problem": None}


def _recording(own: Any) -> dict[str, Any]:
    from normenc.recordings.public.listing import example_of, kept_files

    n_files, sizes = 0, []
    with suppress(OSError):  # of a cache that may not be entered
        n_files = len(kept_files(own))
    with suppress(InputError):  # it wants a session
        sizes = [file.size for file in own.files(None)]
    size = sum(sizes) if sizes and None not in sizes else None
    return {
        "name": own.name,
        "simulated": own.simulated,
        "files_here": n_files,
        "download": None if own.simulated or n_files else {"name": example_of(own), "bytes": size},
    }


def _recording_line(own: Mapping[str, Any]) -> str:
    if (download := own["download"]) is not None:
        size = f" ({download['bytes'] / GIB:.2f} GiB)" if download["bytes"] else ""
        return f"recording {own['name']}: not here: normenc recordings fetch {download['name']}{size}"
    files = f"{own['files_here']} file{'s' * (own['files_here'] != 1)} "
    return f"recording {own['name']}: {'' if own['simulated'] else files}here"


def _shared_data() -> dict[str, Any] | None:
    shared = os.environ.get("NORMENC_SHARED_DATA")
    return {"folder": shared, "is_there": Path(shared).is_dir()} if shared else None


def _report_files() -> list[Path]:
    from normenc.cli.guard import REPORTS
    from normenc.recordings import cache_folder

    with suppress(OSError):
        return sorted(path for path in (cache_folder() / REPORTS).glob("*.txt") if path.is_file())
    return []
