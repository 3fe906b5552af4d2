"""Squared distances of many stimuli from products in single precision; those of near copies are then made exact."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.blocks import BLOCK_UNITS

__all__ = ["Single", "SquaredDistances", "squared_distances"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
CLOSE = 1e-2  # a squared distance below this share of the squared norms has lost more than 2 of its 7 digits
BLOCK_ROWS = 64  # of products at a time, while they are in the processor's cache
LEAST = float(np.finfo(np.float32).tiny) / float(np.finfo(np.float32).eps)  # of a squared norm that keeps its digits


@dataclass(frozen=True)
class Single:
    """What distances in single precision are made of.

    Attributes
    ----------
    factor : callable
        Makes a block of units, (n_stimuli, n_block) in float32, of a block of responses.
    least : float
        A squared distance below which rounding of this is not small.
    """

    factor: Callable[[npt.NDArray[Any]], Singles]
    least: float = 0.0


class SquaredDistances:
    """Sums over units of squared differences of every pair of stimuli, added up in blocks of units.

    In each block the mean over stimuli is subtracted from every unit, which changes no difference, so that what all
    stimuli share costs no digits. Products are in float32, of at most 1024 units or, if that is more, as many as there
    are stimuli; they are summed in float64. With :math:`s_i` the squared norm of stimulus i about the mean, the error
    of a distance is a few 1e-8 of :math:`s_i + s_j`, and less than 1e-6 in any case that was tried.
    """

    def __init__(self, n_stimuli: int) -> None:
        self.products = np.zeros((n_stimuli, n_stimuli))
        self._part = np.empty((n_stimuli, max(BLOCK_UNITS, n_stimuli)), np.float32)
        self._product = np.empty((n_stimuli, n_stimuli), np.float32)
        self._filled = 0

    @np.errstate(over="ignore", invalid="ignore")
    def add(self, values: Singles) -> None:
        """Add units, shape (n_stimuli, n_units); products are computed whenever a full block is there."""
        start, width = 0, self._part.shape[1]
        while start < values.shape[1]:
            part = values[:, start : start + width - self._filled]
            stop = self._filled + part.shape[1]
            np.subtract(part, part.mean(axis=0), out=self._part[:, self._filled : stop])
            self._filled = stop
            start += part.shape[1]
            if self._filled == width:
                self._multiply()

    def _multiply(self) -> None:
        part = self._part[:, : self._filled]
        np.matmul(part, part.T, out=self._product)
        self.products += self._product
        self._filled = 0

    @np.errstate(over="ignore", invalid="ignore")
    def finish(self, least: float) -> tuple[Floats, npt.NDArray[np.bool_]] | None:
        """The distances, which overwrite the products, and which pairs are too close for them to be resolved.

        Those are also pairs whose distance is below `least`. None if responses are so large or so small that their
        squares leave the range of float32.
        """
        if self._filled:
            self._multiply()
        del self._part, self._product
        size = np.diagonal(self.products).copy()
        if not np.isfinite(size).all() or size.min() < LEAST:
            return None
        close = np.empty(self.products.shape, dtype=bool)
        for start in range(0, len(size), BLOCK_ROWS):
            some = slice(start, start + BLOCK_ROWS)
            rows, sums = self.products[some], np.add.outer(size[some], size)
            rows *= -2
            rows += sums
            sums *= CLOSE
            np.less(rows, np.maximum(sums, least, out=sums), out=close[some])
        np.fill_diagonal(self.products, 0)
        np.fill_diagonal(close, False)
        return self.products, close


def squared_distances(
    blocks: Iterable[npt.NDArray[Any]], n_stimuli: int, single: Single
) -> tuple[Floats, npt.NDArray[np.bool_]] | None:
    """Distances of all blocks of units added up, see :meth:`SquaredDistances.finish`."""
    sums = SquaredDistances(n_stimuli)
    for block in blocks:
        sums.add(single.factor(block))
    return sums.finish(single.least)
