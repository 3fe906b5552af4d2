"""Correlation RDMs from blocks of units, in memory or not."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_matrix, stimulus_name
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of, turned
from normenc.rsa.labels import check_same
from normenc.rsa.ties import settled

__all__ = [
    "Blocks",
    "ReadAnew",
    "Sums",
    "check_shape",
    "checked_blocks",
    "constant_stimulus",
    "is_in_blocks",
    "one_minus_correlation",
    "rdm_from_blocks",
    "sums_of",
]

Floats = npt.NDArray[np.float64]
BLOCK_UNITS = 1024  # units per block: few enough for the processor's cache, and for sums in single precision
BLOCK_ROWS = 64  # RDM rows finished at once, while they are in the cache
BAND_ROWS = 512  # RDM rows of which products are in memory, of many stimuli
ROUNDING = {np.dtype(np.float64): 16, np.dtype(np.float32): 4}  # machine epsilons by which 1 may be off


class Blocks(Protocol):
    """Responses that may be larger than memory, as :class:`normenc.representations.LayerResponses` are."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n_stimuli, n_units)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the responses."""

    @property
    def on_disk(self) -> bool:
        """Whether they are not in memory."""

    def values(self) -> npt.NDArray[Any]:
        """All responses in memory."""

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Responses to all stimuli, some units at a time; every call reads them anew."""


def is_in_blocks(responses: Any) -> TypeGuard[Blocks]:
    """Whether responses are read in blocks; those of dask and pandas have attributes of these names, no methods."""
    return all(callable(getattr(type(responses), name, None)) for name in ("blocks", "values"))


class ReadAnew:
    """Blocks that every loop reads anew."""

    def __init__(self, responses: Blocks) -> None:
        self._responses = responses

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return self._responses.blocks()


def rdm_from_blocks(blocks: Iterable[Any]) -> Floats:
    """Correlation :func:`rdm` of responses given in blocks of units, for responses that do not fit in memory.

    Besides the current block and another of 1,024 units, this takes 12 bytes per ordered pair of stimuli.

    Parameters
    ----------
    blocks : iterable of array_like, shape (n_stimuli, n_block_units)
        Responses to the same stimuli, all of one type; blocks may differ in width. Stimulus labels (xarray, pandas), if
        present, must agree.

    Returns
    -------
    ndarray, shape (n_stimuli, n_stimuli)
        The same as :func:`rdm` of the concatenated blocks, whatever their widths: the same sums in the same order,
        except that float32 responses are always multiplied in float32, however few there are.

    Raises
    ------
    InputError
        As :func:`rdm`; also if there is no block, if blocks differ in type or number of stimuli, and if a variance over
        units leaves the range of its type, where :func:`rdm` would scale the responses. Float32 blocks are first read a
        second time, in float64, if possible (a list, not a generator).

    Examples
    --------
    >>> rdm_from_blocks([[[1, 2], [3, 2], [2, 4]], [[3], [1], [6]]]).round(6)  # units 0 and 1, then unit 2
    array([[0., 2., 0.],
           [2., 0., 2.],
           [0., 2., 0.]])
    """
    sums, constant = _sums_of_blocks(blocks, None)
    check_shape(len(constant), sums.n_units, "correlation")
    if constant.any():
        raise constant_stimulus(constant, None, sums.n_units)
    if sums.need_care() and sums.dtype == np.float32 and iter(blocks) is not blocks:
        del sums  # as large as the new sums
        sums, _ = _sums_of_blocks(blocks, np.float64)
    if sums.need_care():
        variance = np.diagonal(sums.covariance)
        raise InputError(
            f"variances over units run from {variance.min():g} to {variance.max():g}, outside the range in which "
            f"{sums.dtype} distinguishes them from rounding error; divide each stimulus's responses by their size, or "
            "subtract a common baseline (neither changes correlations), or give blocks in float64"
        )
    return one_minus_correlation(sums, sums.noise())


def one_minus_correlation(sums: "Sums", noise: Floats) -> Floats:
    """Dissimilarities, overwriting the covariance; those that are 0, or equal, up to rounding become exactly so.

    Parameters
    ----------
    sums : Sums
        Finished.
    noise : ndarray, shape (n_stimuli,)
        Rounding of the responses to each stimulus, see :meth:`Sums.noise`.
    """
    covariance = sums.covariance
    rounding = _rounding_of(sums)
    scale = 1 / np.sqrt(np.diagonal(covariance))
    least = ROUNDING[sums.dtype] * float(np.finfo(sums.dtype).eps)
    squares = noise**2
    most = least + 2 * squares.max()
    for start in range(0, len(covariance), BLOCK_ROWS):
        rows = covariance[start : start + BLOCK_ROWS]
        rows *= np.outer(scale[start : start + BLOCK_ROWS], scale)
        np.subtract(1, rows, out=rows)
        np.clip(rows, 0, 2, out=rows)
        row, column = np.nonzero(rows <= most)
        same = rows[row, column] <= least + squares[start + row] + squares[column]
        rows[row[same], column[same]] = 0
    np.fill_diagonal(covariance, 0)
    return settled(covariance, absolute=rounding)


def _rounding_of(sums: "Sums") -> float:
    """By how much equal dissimilarities may differ, at least, in double precision."""
    exact = np.float64
    return ROUNDING[np.dtype(exact)] * float(np.finfo(exact).eps) + 4 * float(sums.noise(exact).max())


def check_shape(n_stimuli: int, n_units: int, metric: str) -> None:
    """Raise InputError if there are too few stimuli or units for an RDM."""
    least = 2 if metric == "correlation" else 1
    if n_stimuli < 2 or n_units < least:
        raise InputError(
            f"responses are {n_stimuli} stimuli x {n_units} units; a {metric} RDM needs at least 2 stimuli "
            f"and {least} unit{'s' if least > 1 else ''}"
        )


def constant_stimulus(which: npt.NDArray[np.bool_], responses: Any, n_units: int) -> InputError:
    """The error for stimuli with the same response in all units."""
    return InputError(
        f"{stimulus_name(responses, int(which.argmax()))} has the same response in all {n_units} units "
        f"({which.sum()} such stimuli in all, up to rounding), so that its correlation with other stimuli is "
        "undefined; remove these stimuli, or use a layer or population that responds to them"
    )


class Sums:
    """Covariance of stimuli over units, which can be added in blocks: add them, finish, read the covariance.

    Responses are shifted by the mean of the first units; the remaining mean is subtracted from the products at the end.
    Precision is kept: the mean of a fraction f of the units is within std / sqrt(f) of the stimulus's mean.
    """

    def __init__(self, n_stimuli: int, width: int, dtype: npt.DTypeLike) -> None:
        self.dtype, self.n_units = np.dtype(dtype), 0
        self.covariance = np.zeros((n_stimuli, n_stimuli))
        self.first: Floats = np.empty(0)  # responses of the first unit
        self._total = np.zeros(n_stimuli)
        self._shift: npt.NDArray[Any] | None = None
        self._shifted = np.ones((n_stimuli + 1, width), dtype=dtype)  # the last row gives the sums over units
        self._filled = 0
        self._band = BAND_ROWS if n_stimuli > 2 * BAND_ROWS else n_stimuli + 1

    @np.errstate(over="ignore", invalid="ignore")
    def add(self, values: npt.NDArray[Any]) -> None:
        """Add units; products are computed whenever a full block is there."""
        if not self.first.size:
            self.first = values[:, 0].astype(np.float64)
        start, width = 0, self._shifted.shape[1]
        while start < values.shape[1]:
            part = values[:, start : start + width - self._filled]
            stop = self._filled + part.shape[1]
            np.subtract(part, 0 if self._shift is None else self._shift, out=self._shifted[:-1, self._filled : stop])
            self._filled = stop
            start += part.shape[1]
            if stop == width:
                self._multiply()

    def _multiply(self) -> None:
        part = self._shifted[:, : self._filled]
        if self._shift is None:
            self._shift = part[:-1].mean(axis=1, dtype=np.float64).astype(self.dtype)[:, None]
            part[:-1] -= self._shift
        n_stimuli = len(self.covariance)
        for start in range(0, n_stimuli + 1, self._band):  # up to the diagonal, and a little beyond
            stop, own = start + self._band, min(start + self._band, n_stimuli)
            product = part[start:stop] @ part[:stop].T
            self.covariance[start:own, :own] += product[: own - start, :own]
        self._total += product[-1, :n_stimuli]
        self.n_units += self._filled
        self._filled = 0

    @np.errstate(over="ignore", invalid="ignore")
    def finish(self) -> "Sums":
        """Turn the sums into the covariance; no more units can be added."""
        if self._filled:
            self._multiply()
        del self._shifted
        if self._band <= len(self.covariance):
            _mirror(self.covariance, self._band)
        total = self._total / np.sqrt(self.n_units)
        for start in range(0, len(total), BLOCK_ROWS):
            rows = self.covariance[start : start + BLOCK_ROWS]
            rows -= np.outer(total[start : start + BLOCK_ROWS], total)
            rows /= self.n_units
        return self

    def need_care(self) -> bool:
        """Whether a variance is not finite, near the limit of its type's range, or only rounding error."""
        variance = np.diagonal(self.covariance)
        limits = np.finfo(self.dtype)
        rounding = 100 * float(limits.eps) * np.abs(self.first)
        with np.errstate(over="ignore"):
            floor = np.maximum(float(limits.tiny) / float(limits.eps), rounding**2)
        return bool(np.any(~np.isfinite(variance) | (variance <= floor)))

    def noise(self, dtype: npt.DTypeLike | None = None) -> Floats:
        """Rounding error of responses of a type (that of the sums), in standard deviations of each stimulus."""
        assert self._shift is not None
        ratio = np.abs(self._shift[:, 0].astype(np.float64)) / np.sqrt(np.diagonal(self.covariance))
        return float(np.finfo(dtype or self.dtype).eps) / 2 * (1 + ratio)


def sums_of(values: npt.NDArray[Any]) -> Sums:
    """Finished sums of responses in memory, shape (n_stimuli, n_units)."""
    sums = Sums(len(values), min(BLOCK_UNITS, values.shape[1]), values.dtype)
    sums.add(values)
    return sums.finish()


def _mirror(matrix: Floats, step: int) -> None:
    """Copy what is below the diagonal above it, in place."""
    for start in range(0, len(matrix), step):
        block = matrix[start : start + step, start : start + step]
        np.copyto(block, block.T.copy(), where=np.triu(np.ones(block.shape, dtype=bool), 1))
        matrix[:start, start : start + step] = matrix[start : start + step, :start].T


def _sums_of_blocks(blocks: Iterable[Any], dtype: npt.DTypeLike | None) -> tuple[Sums, npt.NDArray[np.bool_]]:
    """Finished sums in the type of the responses or in another, and which stimuli have the same response everywhere."""
    sums, constant = None, np.empty(0, dtype=bool)
    for values in checked_blocks(blocks):
        if sums is None:
            sums = Sums(len(values), BLOCK_UNITS, values.dtype if dtype is None else dtype)
            constant = np.ones(len(values), dtype=bool)
        sums.add(values)
        if constant.any():
            constant &= (values.min(axis=1) == sums.first) & (values.max(axis=1) == sums.first)
    if sums is None:
        raise InputError("there are no blocks; give the responses of at least one block of units")
    return sums.finish(), constant


def checked_blocks(blocks: Iterable[Any]) -> Iterator[npt.NDArray[Any]]:
    """The blocks as finite arrays that fit together."""
    n_units, expected, first = 0, "", None
    for given in blocks:
        block = turned(given, "responses")
        values = as_matrix(block)
        first = labels_of(block) if first is None else first
        check_same([("the first block", first), (f"the block that starts with unit {n_units}", labels_of(block))])
        form = f"{len(values)} stimuli, {values.dtype}"
        expected = expected or form
        if form != expected:
            raise InputError(
                f"the first block has {expected}, but the one that starts with unit {n_units} has {form}; all blocks "
                "must be responses to the same stimuli, of the same type"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(values.sum(dtype=np.float64))  # one pass; a second is rarely needed
        if not finite and (bad := np.argwhere(~np.isfinite(values))).size:
            row, unit = bad[0]
            raise InputError(
                f"responses to {stimulus_name(block, int(row))} are not finite (the first is that of unit "
                f"{n_units + unit}: {values[row, unit]}); remove these units or stimuli, or fill them in"
            )
        n_units += values.shape[1]
        yield values
