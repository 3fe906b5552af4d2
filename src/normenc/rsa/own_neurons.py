r"""Many stimuli in samples of neurons: every sample has its own RDM, and none is ever held whole.

A few rows of the RDMs of all samples are made at a time, from products of each group of neurons; what comparisons need
of them are sums, under each weighting of the stimuli.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.linear_samples import without_rounding
from normenc.rsa.neurons import Neurons, inverse_root
from normenc.rsa.quadratic import Rows, below, total_of_pairs
from normenc.rsa.stored import Matrix
from normenc.rsa.whitening import row_effects

__all__ = ["Population", "similarities_of_neurons"]

Floats = npt.NDArray[np.float64]
ROWS = 32  # of an RDM at a time
BLOCK_VALUES = 2**19  # of rows of the RDMs of several samples, which stay in the processor's cache


@dataclass(frozen=True)
class Population:
    """Samples of a population: its neurons in groups, and how often each group is in each sample.

    Attributes
    ----------
    neurons : Neurons
    weights : ndarray, shape (n_samples, n_groups)
    """

    neurons: Neurons
    weights: npt.NDArray[Any]


def similarities_of_neurons(
    models: Floats | Sequence[Matrix],
    populations: Sequence[Population],
    counts: Sequence[npt.NDArray[Any]],
    *,
    centred: bool,
    whitened: bool,
    n_compared: int | None = None,
    pairs: Sequence[tuple[int, int]] | None = None,
) -> list[tuple[Floats, Floats]]:
    """Similarities of models and populations in samples of neurons, for several weightings of the stimuli.

    Parameters
    ----------
    models : ndarray, shape (n_models, n_pairs), or sequence of ndarray, shape (n_stimuli, n_stimuli)
        May be empty.
    populations : sequence of Population
        With the same stimuli and number of samples.
    counts : sequence of ndarray, shape (n_samples, n_stimuli) or (1, n_stimuli)
        How often each stimulus is in each sample.
    centred, whitened : bool
        The measure, see :class:`normenc.rsa.linear.Linear`.
    n_compared : int, optional
        How many of the populations, the first ones, are compared with the models; all by default.
    pairs : sequence of (int, int), optional
        Which populations are compared with each other, the lower number first; all by default.

    Returns
    -------
    list of (ndarray, ndarray)
        For each of `counts`: similarities (n_samples, n_models, n_compared), and those of the populations with
        each other (n_samples, n_populations, n_populations); NaN if undefined, or not asked for.
    """
    n_rdms = len(populations)
    asked = combinations(range(n_rdms), 2) if pairs is None else pairs
    wanted = [*((one, one) for one in range(n_rdms)), *asked]
    n_compared = n_rdms if n_compared is None else n_compared
    parts = {id(own.neurons): _parts(own.neurons) for own in populations}
    rdms = [_Rdms.of(own, parts[id(own.neurons)]) for own in populations]
    if centred:
        rdms = [own.shifted() for own in rdms]
    shape = len(rdms[0].weights), len(models), n_compared
    sums = [_Sums(shape, wanted, own, centred=centred, whitened=whitened) for own in counts]
    own_rows = Rows(models, centred=centred).blocks(ROWS) if len(models) else _no_models(counts[0].shape[1])
    terms = [_terms(counts[:place], own) for place, own in enumerate(counts)]
    for rows, columns, values in own_rows:
        _add_rows(sums, terms, rdms, values, (rows, columns))
    with np.errstate(divide="ignore", invalid="ignore"):
        return [own.similarities() for own in sums]


def _parts(neurons: Neurons) -> list[npt.NDArray[Any]]:
    """Responses of each group, in the precision in which they were given."""
    return [neurons.part(members, neurons.values.dtype) for members in neurons.members]


def _no_models(n_stimuli: int) -> Iterator[tuple[slice, slice, Floats]]:
    for start in range(0, n_stimuli - 1, ROWS):
        stop = min(start + ROWS, n_stimuli - 1)
        yield slice(start, stop), slice(start + 1, n_stimuli), np.empty((0, stop - start, n_stimuli - start - 1))


def _terms(others: Sequence[npt.NDArray[Any]], counts: npt.NDArray[Any]) -> tuple[int, int] | None:
    """The two of other weightings that add up to this one, as to draws added to the full sample; None if none do."""
    pairs = combinations(range(len(others)), 2)
    return next((pair for pair in pairs if np.array_equal(others[pair[0]] + others[pair[1]], counts)), None)


def _add_rows(
    sums: "list[_Sums]",
    terms: Sequence[tuple[int, int] | None],
    rdms: "list[_Rdms]",
    models: Floats,
    block: tuple[slice, slice],
) -> None:
    """Add some rows of all RDMs, a few samples at a time."""
    rows, columns = block
    for own in sums:
        own.add_models(models, rows, columns)
    each = np.ones((*models.shape[1:], len(models) + 1))
    each[:, :, :-1] = models.transpose(1, 2, 0)
    known = {id(own.parts): own for own in rdms}
    products = {key: own.products(rows, columns) for key, own in known.items()}
    step = max(1, BLOCK_VALUES // each[:, :, 0].size)
    for start in range(0, len(rdms[0].weights), step):
        some = slice(start, start + step)
        values = [own.rows(products[id(own.parts)], rows, columns, some) for own in rdms]
        by_row: list[list[Floats]] = []
        for own, two in zip(sums, terms, strict=True):
            if two is None:
                by_row.append(own.by_row(each, values, columns, some))
            else:
                by_row.append([x + y for x, y in zip(by_row[two[0]], by_row[two[1]], strict=True)])
            own.add(by_row[-1], values, block, some)


@dataclass(frozen=True)
class _Rdms:
    """The RDMs of all samples of a population, less a constant; `parts` are the groups' responses."""

    parts: list[npt.NDArray[Any]]
    weights: Floats  # share of each group, per neuron
    squares: Floats
    means: Floats
    scale: Floats
    metric: str
    shift: float = 0.0

    @classmethod
    def of(cls, population: Population, parts: list[npt.NDArray[Any]]) -> "_Rdms":
        neurons = population.neurons
        sizes = np.array([float(part.shape[1]) for part in parts])
        weights = population.weights / (population.weights @ sizes)[:, None]
        squares = weights @ np.stack([np.einsum("ij,ij->i", part, part, dtype=np.float64) for part in parts])
        means = weights @ np.stack([part.sum(axis=1, dtype=np.float64) for part in parts])
        varying = squares - means**2 if neurons.metric == "correlation" else squares
        return cls(parts, weights, squares, means, inverse_root(varying, squares), neurons.metric)

    def shifted(self) -> "_Rdms":
        """Less the mean of some rows of the first sample, which keeps precision where the mean is subtracted later."""
        rows = slice(0, min(ROWS, self.squares.shape[1] - 1))
        columns = slice(1, self.squares.shape[1])
        values = self.rows(self.products(rows, columns), rows, columns, slice(0, 1))
        return replace(self, shift=float(values.sum() / max(1, np.count_nonzero(values))))

    def products(self, rows: slice, columns: slice) -> Floats:
        """Products of each group's responses, shape (n_groups, n_values)."""
        products = np.empty((len(self.parts), rows.stop - rows.start, columns.stop - columns.start))
        for product, part in zip(products, self.parts, strict=True):
            # In double precision: where neurons have baselines, dissimilarities are small differences of large sums.
            np.matmul(part[rows].astype(np.float64), part[columns].astype(np.float64).T, out=product)
        return products.reshape(len(products), -1)

    def rows(self, products: Floats, rows: slice, columns: slice, some: slice) -> Floats:
        """Dissimilarities of some samples, shape (n_samples, n_rows, n_columns); 0 on the diagonal and below."""
        n_rows, n_columns = rows.stop - rows.start, columns.stop - columns.start
        values = (self.weights[some] @ products).reshape(-1, n_rows, n_columns)
        if self.metric == "euclidean":
            values *= -2
            values += self.squares[some, rows, None]
            values += self.squares[some, None, columns] - self.shift
        else:
            if self.metric == "correlation":
                values -= self.means[some, rows, None] * self.means[some, None, columns]
            values *= self.scale[some, rows, None]
            values *= self.scale[some, None, columns]
            np.subtract(1 - self.shift, values, out=values)
        below(values)
        return values


class _Sums:
    """Sums over pairs of stimuli, under one weighting of these, added up row by row.

    `shape` is the number of samples, of models, and of RDMs that are compared with them; `pairs` are the RDMs whose
    products are needed, each with itself among them.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        pairs: Sequence[tuple[int, int]],
        counts: Any,
        *,
        centred: bool,
        whitened: bool,
    ):
        self.counts, self.centred, self.whitened = np.asarray(counts, dtype=np.float64), centred, whitened
        n_samples, n_models, n_compared = shape
        n_own, n_stimuli = self.counts.shape
        n_rdms = 1 + max(max(pair) for pair in pairs)
        self.n_compared, self.pairs = n_compared, pairs
        self.weighs = bool((self.counts != 1).any())
        self.of_models = np.zeros((2, n_own, n_models))  # sums and squares
        self.products = np.zeros((n_samples, n_models, n_compared))
        self.totals = np.zeros((n_samples, n_rdms))
        self.between = np.full((n_samples, n_rdms, n_rdms), np.nan)
        for one, other in pairs:
            self.between[:, one, other] = 0
        n_kept = n_stimuli if whitened else 0
        self.rows_of_models = np.zeros((n_own, n_models, n_kept))
        self.rows_of_rdms = np.zeros((n_samples, n_rdms, n_kept))

    def add_models(self, models: Floats, rows: slice, columns: slice) -> None:
        left, right = np.ascontiguousarray(self.counts[:, rows].T), np.ascontiguousarray(self.counts[:, columns].T)
        for index, values in enumerate(models):
            of_rows = values @ right
            self.of_models[0, :, index] += np.einsum("rb,rb->b", of_rows, left)
            self.of_models[1, :, index] += np.einsum("rb,rb->b", np.square(values) @ right, left)
            if self.whitened:
                self.rows_of_models[:, index, rows] += of_rows.T
                self.rows_of_models[:, index, columns] += left.T @ values

    def by_row(self, models: Floats, rdms: list[Floats], columns: slice, some: slice) -> list[Floats]:
        """Sums over columns, weighted by these alone, (n_samples, n_rows, ...): these are sums of the weights' terms.

        Of each RDM times each of `models`, (n_rows, n_columns, n_models + 1), and alone; then times each of its others.
        """
        found = []
        for one, values in enumerate(rdms):
            weighed = values * self._counts(some)[:, None, columns] if self.weighs else values
            if one < self.n_compared:
                found.append((weighed.transpose(1, 0, 2) @ models).transpose(1, 0, 2))
            else:
                found.append(weighed.sum(axis=2, keepdims=True))
            found += [np.einsum("brc,brc->br", weighed, rdms[other])[:, :, None] for other in self._others(one)]
        return found

    def add(self, by_row: list[Floats], rdms: list[Floats], block: tuple[slice, slice], some: slice) -> None:
        """Add :meth:`by_row`, weighted by the rows."""
        rows, columns = block
        counts = self._counts(some)
        each = iter(by_row)
        for one, values in enumerate(rdms):
            own = next(each)
            products = _over_rows(own, counts[:, rows])
            if one < self.n_compared:
                self.products[some, :, one] += products[:, :-1]
            self.totals[some, one] += products[:, -1]
            for other in self._others(one):
                self.between[some, one, other] += _over_rows(next(each), counts[:, rows])[:, 0]
            if self.whitened:
                self.rows_of_rdms[some, one, rows] += own[:, :, -1]
                self.rows_of_rdms[some, one, columns] += (counts[:, None, rows] @ values)[:, 0]

    def _counts(self, some: slice) -> Floats:
        return self.counts[some] if len(self.counts) > 1 else self.counts

    def _others(self, one: int) -> list[int]:
        return [other for first, other in self.pairs if first == one]

    def similarities(self) -> tuple[Floats, Floats]:
        total = total_of_pairs(self.counts)[:, None]
        sums, squares = self.of_models
        products, own, between = self.products, self.totals, self.between
        reference, size = squares, np.einsum("bvv->bv", between)
        if self.centred:
            squares = squares - sums**2 / total
            products = products - sums[:, :, None] * (own[:, : self.n_compared] / total)[:, None]
            between = between - own[:, :, None] * (own / total)[:, None]
        if self.whitened:
            products, squares, between = self._whiten(products, squares, between, sums / total, own / total)
        lengths = np.sqrt(without_rounding(squares, reference))
        own_lengths = np.sqrt(without_rounding(np.einsum("bvv->bv", between), size))
        similarity = products / lengths[:, :, None] / own_lengths[:, None, : self.n_compared]
        between = np.where(np.isnan(between), between.transpose(0, 2, 1), between)
        return similarity, between / own_lengths[:, :, None] / own_lengths[:, None]

    def _whiten(
        self, products: Floats, squares: Floats, between: Floats, mean: Floats, own_mean: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Add what the metric of whitened dissimilarities adds."""
        counts = self.counts[:, None]
        rows, own = self.rows_of_models, self.rows_of_rdms
        if self.centred:
            others = counts.sum(axis=2, keepdims=True) - counts
            rows, own = rows - mean[:, :, None] * others, own - own_mean[:, :, None] * others
        effects, own_effects = row_effects(rows, counts) * counts, row_effects(own, counts) * counts
        products = products + rows @ own_effects[:, : self.n_compared].transpose(0, 2, 1)
        squares = squares + np.einsum("bvi,bvi->bv", rows, effects)
        return products, squares, between + own @ own_effects.transpose(0, 2, 1)


def _over_rows(by_row: Floats, weights: Floats) -> Floats:
    """Weighted sums over rows, (n_samples, n_rows, n) to (n_samples, n)."""
    return np.asarray(np.einsum("brm,br->bm", by_row, np.broadcast_to(weights, by_row.shape[:2])))
