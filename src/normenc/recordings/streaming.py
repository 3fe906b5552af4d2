"""Recordings larger than memory: averaged, z-scored and turned into an RDM a block of neurons at a time."""

import mmap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.labels import without_stimulus
from normenc.renamed import renamed
from normenc.showing import Shown, facts

__all__ = ["AveragedBlocks", "StreamedRDM", "stream_rdm"]

MEMORY_MIB = 128.0
PART_VALUES = 500_000  # responses in float64 at once: 4 MB, which the processor's cache holds
FLAT = 1e-12  # standard deviation, as a share of the largest response, below which a neuron does not vary
AROUND = 2**22  # bytes of a mapped file that the system may map beyond those that are read: a huge page on either side

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class StreamedRDM(Shown):
    """The RDM of a recording that was never in memory as a whole.

    Attributes
    ----------
    rdm : ndarray, shape (n_stimuli, n_stimuli)
        Correlation dissimilarities, 0 to 2.
    stimulus : ndarray, shape (n_stimuli,)
        Labels of its rows, sorted, no two alike.
    n_neurons : int
        Neurons that it was computed from.
    left_out : ndarray, shape (n_left_out,)
        Indices of the neurons that do not vary over stimuli and thus have no z-score; empty without z-scoring.
    """

    rdm: Floats
    stimulus: npt.NDArray[Any]
    n_neurons: int
    left_out: npt.NDArray[np.intp]

    def _title(self) -> str:
        return f"correlation RDM of {len(self.stimulus):,} stimuli, from {self.n_neurons:,} neurons"

    def summary(self) -> pd.DataFrame:
        """What the RDM is based on: one row per fact, with its name as the index; the column is ``value``."""
        above = self.rdm[np.triu_indices(len(self.stimulus), k=1)]
        return facts(
            [
                *(("stimuli", len(self.stimulus)), ("neurons", self.n_neurons), ("left_out", len(self.left_out))),
                *(("smallest", float(above.min())), ("median", float(np.median(above)))),
                ("largest", float(above.max())),
            ]
        )

    def to_xarray(self) -> xr.DataArray:
        """The RDM as a DataArray (stimulus, stimulus_2), with the stimuli's labels as coordinates."""
        coords = {"stimulus": self.stimulus, "stimulus_2": self.stimulus}
        attributes = {"metric": "correlation", "n_neurons": self.n_neurons}
        return xr.DataArray(self.rdm, coords, ("stimulus", "stimulus_2"), "rdm", attributes)


@renamed(zscore="z_score")
def stream_rdm(
    responses: Any, stimulus: Any = None, *, z_score: bool = True, memory_mib: float = MEMORY_MIB
) -> StreamedRDM:
    """Correlation RDM of responses that are read from disk a block of neurons at a time.

    Trials of the same stimulus are averaged, each neuron is z-scored over stimuli, and stimuli are correlated over
    neurons, in this order. The next block is read while one is computed with.

    Parameters
    ----------
    responses : h5py.Dataset, zarr.Array, numpy.memmap or array_like, shape (n_trials, n_neurons)
        Open, for as long as this runs; any unit of response. A store in chunks is read fastest when a chunk holds all
        trials of some neurons. One whose chunks hold all neurons is read as a whole for every block: give it as much
        memory as there is, or chunk it anew.
    stimulus : array_like, shape (n_trials,), optional
        Label or number of each trial's stimulus; trials whose label is missing (NaN or empty) are left out. Default:
        every row is a stimulus of its own.
    z_score : bool
        Whether to subtract each neuron's mean over stimuli, and divide by its standard deviation over them, that of the
        population (divided by n_stimuli). Neurons that do not vary over stimuli are then left out.
    memory_mib : float
        About what reading and averaging may take, in MiB. The RDM takes 16 bytes for every ordered pair of stimuli in
        addition (24 unless responses are float32), which is 381 MiB for 5,000 stimuli.

    Returns
    -------
    StreamedRDM
        Its ``rdm`` is that of the same steps in memory, except for rounding.

    Raises
    ------
    InputError
        If responses are no matrix of real numbers, or stimuli do not fit it; when a response is not finite (the
        message names the first neuron that has one, and its first such trial), no neuron varies or a stimulus's
        responses are all the same; and when the memory is too little for a single neuron.

    Examples
    --------
    >>> trials = [[1.0, 2.0, 5.0, 0.0], [3.0, 4.0, 5.0, 6.0], [0.0, 9.0, 5.0, 2.0], [4.0, 1.0, 5.0, 1.0]]
    >>> streamed = stream_rdm(trials, ["face", "face", "house", "tool"])
    >>> streamed.stimulus, streamed.rdm.shape
    (array(['face', 'house', 'tool'], dtype='<U5'), (3, 3))
    >>> streamed.n_neurons, streamed.left_out  # neuron 2 always gives 5
    (3, array([2]))
    """
    from normenc.rsa import rdm_from_blocks

    blocks = AveragedBlocks(responses, stimulus, z_score=z_score, memory_mib=memory_mib)
    matrix = rdm_from_blocks(blocks)
    return StreamedRDM(matrix, blocks.stimulus, blocks.n_neurons - len(blocks.left_out), blocks.left_out)


@renamed(zscore="z_score")
class AveragedBlocks:
    """Averages over trials, z-scored over stimuli, a block of neurons at a time; every loop reads them anew.

    For parameters and errors see :func:`stream_rdm`.

    Attributes
    ----------
    stimulus : ndarray, shape (n_stimuli,)
        Labels of the blocks' rows, sorted, no two alike.
    n_neurons : int
        Neurons in the recording.
    width : int
        Neurons that are read at once: a multiple of the chunks' width, where memory allows.
    left_out : ndarray
        Indices of neurons without a z-score, of those that the last loop has read.

    Examples
    --------
    >>> blocks = AveragedBlocks([[1.0, 2.0], [3.0, 4.0], [0.0, 9.0]], [1, 1, 0], z_score=False)
    >>> list(blocks)
    [array([[0., 9.],
           [2., 3.]])]
    """

    def __init__(
        self, responses: Any, stimulus: Any = None, *, z_score: bool = True, memory_mib: float = MEMORY_MIB
    ) -> None:
        readable = hasattr(responses, "shape") and not hasattr(responses, "detach")
        self._responses = responses if readable else as_array(responses, "responses")
        kind = np.dtype(self._responses.dtype)
        if kind.kind not in "fiub":
            raise InputError(f"responses have type {kind}; they must be real numbers")
        if len(self._responses.shape) != 2 or 0 in self._responses.shape:
            raise InputError(
                f"responses have shape {tuple(self._responses.shape)}; they must be a trial x neuron matrix, not empty"
            )
        self._dtype = np.dtype(np.float32 if kind.kind == "f" and kind.itemsize == 4 else np.float64)
        self._n_trials, self.n_neurons = map(int, self._responses.shape)
        self.stimulus, self._averaging = _averaging(stimulus, self._n_trials)
        self._z_score = z_score
        self.width = self._width(kind.itemsize, memory_mib)
        self.left_out = np.empty(0, dtype=np.intp)

    def _width(self, itemsize: int, memory_mib: float) -> int:
        """Neurons that fit: four times as read (in use, coming, packed, unpacked), twice averaged (in use, coming)."""
        each = 4 * self._n_trials * itemsize + 2 * len(self.stimulus) * self._dtype.itemsize
        width = min(int(memory_mib * 2**20 / each), self.n_neurons)
        if width < 1:
            raise InputError(
                f"memory_mib is {memory_mib:g}, but one neuron's {self._n_trials} trials take {each / 2**20:.2g} MiB; "
                "give more than that"
            )
        chunks = getattr(self._responses, "chunks", None)
        chunk = chunks[1] if chunks is not None else 1
        return width - width % chunk if isinstance(chunk, int) and chunk <= width else width

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        """Blocks of shape (n_stimuli, at most width), float32 for float32 responses and float64 for all others."""
        self.left_out = np.empty(0, dtype=np.intp)
        with ThreadPoolExecutor(1, "normenc-reader") as reader:
            coming = reader.submit(self._read, 0)
            for start in range(0, self.n_neurons, self.width):
                raw = coming.result()
                if start + self.width < self.n_neurons:
                    coming = reader.submit(self._read, start + self.width)
                block, varies = self._averaged(raw, start)
                del raw
                self.left_out = np.append(self.left_out, start + np.flatnonzero(~varies))
                if block.shape[1]:
                    yield block
                del block
        if len(self.left_out) == self.n_neurons:
            raise InputError(
                f"none of the {self.n_neurons} neurons varies over the {len(self.stimulus)} stimuli, so none has "
                "a z-score; check the stimulus labels, or do not z-score"
            )

    def _read(self, start: int) -> npt.NDArray[Any]:
        columns = slice(start, min(start + self.width, self.n_neurons))
        pages = _pages(self._responses)
        if pages is None:
            return np.asarray(self._responses[:, columns])
        # What has been read of a mapped file counts as this process's memory until it is let go.
        raw = np.empty((self._n_trials, columns.stop - start), dtype=self._responses.dtype)
        n_rows = self._n_trials
        if self._responses.strides[0] > self._responses.strides[1]:
            n_rows = max(1, raw.nbytes // (raw.strides[0] + AROUND))
        for row in range(0, self._n_trials, n_rows):
            raw[row : row + n_rows] = self._responses[row : row + n_rows, columns]
            pages.madvise(mmap.MADV_DONTNEED)
        return raw

    def _averaged(self, raw: npt.NDArray[Any], start: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
        """Averages, without the neurons that do not vary, and which those are that do."""
        block = np.empty((len(self.stimulus), raw.shape[1]), dtype=self._dtype)
        every, filled = np.ones(raw.shape[1], dtype=bool), 0
        n_columns = max(1, PART_VALUES // self._n_trials)
        for first in range(0, raw.shape[1], n_columns):
            part = raw[:, first : first + n_columns].astype(np.float64)
            if self._averaging is not None:
                part = self._averaging @ part
            largest = np.abs(part).max(axis=0)
            if not np.isfinite(largest).all():
                raise _not_finite(raw[:, first : first + n_columns], start + first)
            if self._z_score:
                part, varies = _z_scored(part, largest)
                every[first : first + n_columns] = varies
            block[:, filled : filled + part.shape[1]] = part
            filled += part.shape[1]
        return block[:, :filled], every


def _averaging(stimulus: Any, n_trials: int) -> tuple[npt.NDArray[Any], Any]:
    """Labels of the stimuli, and the matrix that averages their trials; None if none are to be averaged."""
    if stimulus is None:
        return np.arange(n_trials), None
    labels = np.asarray(stimulus)
    if labels.shape != (n_trials,):
        raise InputError(f"stimulus has shape {labels.shape}, but there are {n_trials} trials; give one label for each")
    from scipy import sparse

    shown = np.flatnonzero(~without_stimulus(labels)) if labels.dtype.kind in "fU" else np.arange(n_trials)
    if not len(shown):
        raise InputError("no trial has a stimulus; give one label for each trial that shows one")
    stimuli, index, counts = np.unique(labels[shown], return_inverse=True, return_counts=True)
    weights = sparse.csr_array((1 / counts[index], (index, shown)), shape=(len(stimuli), n_trials))
    return stimuli, weights


def _z_scored(averages: Floats, largest: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Z-scores of the neurons that vary, and which those are; `averages` is written over."""
    averages /= np.where(largest > 0, largest, 1)  # so that no square leaves the number range
    averages -= averages.mean(axis=0)
    spread = np.sqrt(np.einsum("ij,ij->j", averages, averages) / len(averages))
    varies = spread > FLAT
    averages /= np.where(varies, spread, 1)
    return averages if varies.all() else averages[:, varies], varies


def _not_finite(raw: npt.NDArray[Any], start: int) -> InputError:
    neuron, trial = np.argwhere(~np.isfinite(raw.T))[0]
    return InputError(
        f"the response of neuron {start + neuron} in trial {trial} is {raw[trial, neuron]}; responses must be finite, "
        "so leave out such neurons or trials, or fill them in"
    )


def _pages(array: Any) -> mmap.mmap | None:
    """The mapped file that an array is a view of, if its pages can be let go, which loses changes that are private."""
    mapped = False
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            mapped = array.mode != "c"
        array = array.base
    return array if mapped and isinstance(array, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") else None
