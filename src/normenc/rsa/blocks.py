"""Correlation RDMs from units that come block by block, whether these lie in memory or not."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_matrix, stimulus_name
from normenc.errors import InputError
from normenc.rsa.labelled import labels_of, turned
from normenc.rsa.labels import check_same
from normenc.rsa.ties import settled

__all__ = ["Sums", "check_shape", "constant_stimulus", "one_minus_correlation", "rdm_from_blocks", "sums_of"]

Floats = npt.NDArray[np.float64]
BLOCK_UNITS = 1024  # units a block: short enough for the processor's cache, and for sums in single precision
BLOCK_ROWS = 64  # stimuli whose row of the RDM is finished at once, while the cache holds it
ROUNDING = {np.dtype(np.float64): 16, np.dtype(np.float32): 4}  # machine epsilons by which 1 may miss 1


def rdm_from_blocks(blocks: Iterable[Any]) -> Floats:
    """Correlation :func:`rdm` of responses that come a block of units at a time, as when memory cannot hold them all.

    Besides the block in use, that takes 16 bytes for every ordered pair of stimuli when responses are float32, and 24
    when they are float64.

    Parameters
    ----------
    blocks : iterable of array_like, shape (n_stimuli, n_block_units)
        Responses to the same stimuli, all of one type; blocks may differ in width. Where they are labelled (xarray,
        pandas), their labels must agree.

    Returns
    -------
    ndarray, shape (n_stimuli, n_stimuli)
        What :func:`rdm` gives for the blocks side by side, whatever their widths: the same sums in the same order,
        except that float32 responses are multiplied in float32 however few there are.

    Raises
    ------
    InputError
        Where :func:`rdm` raises it; when there is no block, or blocks differ in type or number of stimuli; and when a
        variance over units leaves the range of its type, where :func:`rdm` would scale the responses. Float32 blocks
        are then read a second time, in float64, if they can be, as a list can and a generator cannot.

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
        del sums  # as large as those that follow
        sums, _ = _sums_of_blocks(blocks, np.float64)
    if sums.need_care():
        variance = np.diagonal(sums.covariance)
        raise InputError(
            f"variances over units run from {variance.min():g} to {variance.max():g}, out of the range in which "
            f"{sums.dtype} tells them from rounding; divide each stimulus's responses by their size, or take a common "
            "baseline out of them, which both leave correlations as they are, or give blocks in float64"
        )
    return one_minus_correlation(sums, sums.noise())


def one_minus_correlation(sums: "Sums", noise: Floats) -> Floats:
    """Dissimilarities, in the place of the covariance; 0, and equal, where they are but for rounding.

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
    """What double precision of responses and sums leaves of equal dissimilarities, at least."""
    exact = np.float64
    return ROUNDING[np.dtype(exact)] * float(np.finfo(exact).eps) + 4 * float(sums.noise(exact).max())


def check_shape(n_stimuli: int, n_units: int, metric: str) -> None:
    """Raise InputError when there are too few stimuli or units for an RDM."""
    least = 2 if metric == "correlation" else 1
    if n_stimuli < 2 or n_units < least:
        raise InputError(
            f"responses are {n_stimuli} stimuli x {n_units} units; a {metric} RDM needs at least 2 stimuli "
            f"and {least} unit{'s' if least > 1 else ''}"
        )


def constant_stimulus(which: npt.NDArray[np.bool_], responses: Any, n_units: int) -> InputError:
    """What to say of stimuli with the same response everywhere."""
    return InputError(
        f"{stimulus_name(responses, int(which.argmax()))} has the same response in all {n_units} units "
        f"({which.sum()} such stimuli in all, but for rounding), so that its correlation with other stimuli is "
        "undefined; remove these stimuli, or compare a layer or population that responds to them"
    )


class Sums:
    """Covariance of stimuli over units, which may come piece by piece: add them, finish, read the covariance.

    Responses are shifted by the mean of the first units, and what is left of the mean is taken out of the products at
    the end. That loses nothing: a fraction f of the units has a mean within std / sqrt(f) of the stimulus's.
    """

    def __init__(self, n_stimuli: int, width: int, dtype: npt.DTypeLike) -> None:
        self.dtype, self.n_units = np.dtype(dtype), 0
        self.covariance = np.zeros((n_stimuli, n_stimuli))
        self.first: Floats = np.empty(0)  # responses of the first unit
        self._total = np.zeros(n_stimuli)
        self._shift: npt.NDArray[Any] | None = None
        self._shifted = np.ones((n_stimuli + 1, width), dtype=dtype)  # the last row's product is the sum of the others
        self._filled = 0
        self._product = np.empty((n_stimuli + 1, n_stimuli + 1), dtype=dtype)

    @np.errstate(over="ignore", invalid="ignore")
    def add(self, values: npt.NDArray[Any]) -> None:
        """Take some more units; they are multiplied whenever there are as many as the width."""
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
        np.matmul(part, part.T, out=self._product)
        self.covariance += self._product[:-1, :-1]
        self._total += self._product[-1, :-1]
        self.n_units += self._filled
        self._filled = 0

    @np.errstate(over="ignore", invalid="ignore")
    def finish(self) -> "Sums":
        """Turn the sums into the covariance; no unit can be added any more."""
        if self._filled:
            self._multiply()
        del self._shifted, self._product
        total = self._total / np.sqrt(self.n_units)
        for start in range(0, len(total), BLOCK_ROWS):
            rows = self.covariance[start : start + BLOCK_ROWS]
            rows -= np.outer(total[start : start + BLOCK_ROWS], total)
            rows /= self.n_units
        return self

    def need_care(self) -> bool:
        """Whether a variance is no number, near the end of its type's range, or nothing but rounding."""
        variance = np.diagonal(self.covariance)
        limits = np.finfo(self.dtype)
        rounding = 100 * float(limits.eps) * np.abs(self.first)
        with np.errstate(over="ignore"):
            floor = np.maximum(float(limits.tiny) / float(limits.eps), rounding**2)
        return bool(np.any(~np.isfinite(variance) | (variance <= floor)))

    def noise(self, dtype: npt.DTypeLike | None = None) -> Floats:
        """Rounding of responses of a type (that of the sums), in standard deviations of each stimulus's."""
        assert self._shift is not None
        ratio = np.abs(self._shift[:, 0].astype(np.float64)) / np.sqrt(np.diagonal(self.covariance))
        return float(np.finfo(dtype or self.dtype).eps) / 2 * (1 + ratio)


def sums_of(values: npt.NDArray[Any]) -> Sums:
    """Finished sums of responses in memory, shape (n_stimuli, n_units)."""
    sums = Sums(len(values), min(_width(len(values)), values.shape[1]), values.dtype)
    sums.add(values)
    return sums.finish()


def _width(n_stimuli: int) -> int:
    # Adding a product to the sum costs n_stimuli^2, making it n_stimuli^2 * width: the second should hide the first.
    return max(BLOCK_UNITS, n_stimuli)


def _sums_of_blocks(blocks: Iterable[Any], dtype: npt.DTypeLike | None) -> tuple[Sums, npt.NDArray[np.bool_]]:
    """Finished sums in the type of the responses or in another, and which stimuli have the same response everywhere."""
    sums, constant = None, np.empty(0, dtype=bool)
    for values in _checked_blocks(blocks):
        if sums is None:
            sums = Sums(len(values), _width(len(values)), values.dtype if dtype is None else dtype)
            constant = np.ones(len(values), dtype=bool)
        sums.add(values)
        if constant.any():
            constant &= (values.min(axis=1) == sums.first) & (values.max(axis=1) == sums.first)
    if sums is None:
        raise InputError("there are no blocks; an RDM needs the responses of at least one block of units")
    return sums.finish(), constant


def _checked_blocks(blocks: Iterable[Any]) -> Iterator[npt.NDArray[Any]]:
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
                f"the first block has {expected}, but the one that starts with unit {n_units} has {form}; blocks must "
                "be responses to the same stimuli in the same type"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            finite = np.isfinite(values.sum(dtype=np.float64))  # one pass, which seldom calls for another
        if not finite and (bad := np.argwhere(~np.isfinite(values))).size:
            row, unit = bad[0]
            raise InputError(
                f"responses to {stimulus_name(block, int(row))} are not finite (the first is that of unit "
                f"{n_units + unit}: {values[row, unit]}); remove these units or stimuli, or fill them in"
            )
        n_units += values.shape[1]
        yield values
