"""Folders of Kilosort and Phy with a table of trials: spikes of clusters, counted in each trial."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.formats.archives import mapped_array
from normenc.recordings.formats.columns import beside, plain
from normenc.recordings.formats.side_tables import read_beside
from normenc.recordings.formats.trial_files import RATE_PLACES, read_trials, with_names
from normenc.recordings.formats.trial_windows import spike_counts, subtract_baseline, windows_of
from normenc.recordings.labels import as_text
from normenc.recordings.provenance import reads

__all__ = ["is_phy", "read_phy"]

OWNERS = ("spike_clusters.npy", "spike_templates.npy")  # of spikes; the first is curated
TABLES = ("cluster_info.tsv", "cluster_group.tsv", "cluster_groups.csv", "cluster_KSLabel.tsv")
QUALITIES = ("group", "KSLabel")  # the first is by hand
NUMBER = r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)"


def is_phy(folder: Path) -> bool:
    """Whether a folder holds sorted spikes."""
    return (folder / "spike_times.npy").is_file() and any((folder / name).is_file() for name in OWNERS)


def read_phy(
    folder: Path,
    names: Mapping[str, str],
    *,
    window: tuple[float, float] | None = None,
    baseline: tuple[float, float] | None = None,
    series: str | None = None,
) -> dict[str, Any]:
    """The rate of spikes (Hz) of each cluster in each trial.

    Parameters
    ----------
    folder : Path
        That of ``spike_times.npy`` (numbers of samples), ``spike_clusters.npy`` and ``params.py``, of which the line
        ``sample_rate = 30000`` is read and nothing run; with ``trials.csv``, see
        :func:`normenc.recordings.formats.trial_files.read_trials`.
    names : mapping of str to str
        From the names that normenc knows, ``start`` and ``start_sample`` among them, to columns of the table, or of
        those of the clusters.
    window, baseline : pair of float, optional
        Seconds from each trial's start, see :func:`normenc.recordings.formats.nwb.read_nwb`.
    series : str, optional
        There are spikes alone: any is refused.

    Returns
    -------
    dict
        ``responses``, shape (n_trials, n_clusters), the columns of the table, ``neuron`` (the clusters' numbers) and,
        from ``cluster_info.tsv``, ``cluster_group.tsv`` or ``cluster_KSLabel.tsv``, ``quality`` and all other columns;
        ``units``, ``notes``.

    Raises
    ------
    InputError
        If a file is missing or damaged, files do not fit together, or trials cannot be placed in time.
    """
    if series is not None:
        raise InputError(f"there is no signal {series!r}, because Kilosort gives only spikes; leave out series=")
    notes: list[str] = []
    times, owners = _spikes(folder)
    n_samples = int(times.max()) + 1 if len(times) else 0
    trials = read_trials([folder], names, counted="sample", rate=_rate(folder), n_samples=n_samples, is_whole=False)
    if trials.rate is None:
        raise InputError(f"the sampling rate is missing; give it (Hz) {RATE_PLACES['sample']} of trials.csv")
    clusters, places = np.unique(owners, return_inverse=True)
    order = np.lexsort((times, places))
    seconds, ends = times[order] / trials.rate, np.cumsum(np.bincount(places, minlength=len(clusters)))

    def read(between: tuple[float, float] | None, what: str) -> npt.NDArray[Any]:
        begin, end, duration = windows_of(trials.starts, trials.stops, between, what)
        return spike_counts(seconds, ends, begin, end) / duration[:, np.newaxis]

    arrays: dict[str, Any] = {"responses": read(window, "window"), "units": "Hz"}
    if baseline is not None:
        subtract_baseline(arrays, read(baseline, "baseline"), "spikes", notes)
    late = (trials.starts * trials.rate >= n_samples).sum()
    if late:
        notes.append(f"{late:,} of {len(trials.starts):,} trials begin after the last spike of the recording")
    labels = beside(_labels(folder, clusters, names.get("quality"), notes), "clusters", trials.columns)
    arrays |= {"neuron": clusters.astype(str), "axes": "trial,neuron", "notes": trials.notes + notes}
    return with_names(trials.columns | labels | arrays, names, trials)


def _spikes(folder: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Samples of all spikes, and the cluster of each."""
    owner = next(folder / name for name in OWNERS if (folder / name).is_file())
    times, owners = (np.ravel(mapped_array(path)) for path in (folder / "spike_times.npy", owner))
    for path, values in ((folder / "spike_times.npy", times), (owner, owners)):
        if values.dtype.kind not in "iuf" or not (np.isfinite(values).all() and (values == np.round(values)).all()):
            raise InputError(f"{path.name} must hold whole numbers: the {_WHAT[path.name]} of each spike")
    if len(times) != len(owners):
        raise InputError(
            f"spike_times.npy has {len(times):,} spikes, but {owner.name} {len(owners):,}; they must agree"
        )
    if not len(times):
        raise InputError("spike_times.npy holds no spikes")
    return times.astype(np.float64), owners.astype(np.int64)


_WHAT = {"spike_times.npy": "sample", **dict.fromkeys(OWNERS, "cluster")}


def _rate(folder: Path) -> float | None:
    """What ``params.py`` says, which is read as text."""
    path = folder / "params.py"
    if not path.is_file():
        return None
    reads(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    match = re.search(rf"^\s*sample_rate\s*=\s*{NUMBER}\s*(?:#.*)?$", text, re.MULTILINE)
    if match is None or not 0 < float(match[1]) < np.inf:
        raise InputError("params.py has no line such as sample_rate = 30000; write the sampling rate (Hz) as a number")
    return float(match[1])


def _labels(folder: Path, clusters: npt.NDArray[np.int64], wanted: str | None, notes: list[str]) -> dict[str, Any]:
    """What tables say of the clusters: their quality, by hand where somebody judged, and all other columns."""
    columns: dict[str, npt.NDArray[Any]] = {}
    origin: dict[str, str] = {}
    for name in (name for name in TABLES if (folder / name).is_file()):
        table = read_beside(folder / name)
        key = next((column for column in ("cluster_id", "id") if column in table), None)
        if key is None or table[key].duplicated().any():
            raise InputError(f"{name} must have a column cluster_id with each cluster once")
        table = table.set_index(key).reindex(clusters)
        for column in (str(column) for column in table if column not in columns):
            columns[column], origin[column] = plain(table[column].rename(column)), name
    if wanted in columns:  # which takes its name afterwards
        return columns
    judged = [column for column in QUALITIES if column in columns and (as_text(columns[column], column) != "").any()]
    if not judged:
        notes.append(f"no table ({', '.join(TABLES)}) gives the quality of the clusters; all are kept")
        return columns
    quality = as_text(columns.pop(judged[0]), "quality")
    quality = np.where(quality == "", "unsorted", quality)
    counts = [f"{(quality == value).sum():,} {value}" for value in np.unique(quality).tolist()]
    notes.append(
        f"quality is column {judged[0]} of {origin[judged[0]]}: {', '.join(counts)}; quality='good' keeps the good ones"
    )
    return columns | {"quality": quality}
