"""How measures of whole representations are computed in samples of stimuli and units."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.alignment import canonical
from normenc.rsa.kernels import FLAT, bures, kernel_products, products_of_units, sample_of, u_centred
from normenc.rsa.matching import assigned, correlations, matched

__all__ = ["Alignment", "KernelAlignment", "MatchedAlignment", "OneByOneAlignment", "angular", "pwcca_in", "svcca_in"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[Any]
KERNEL_BYTES = 2**28  # of kernels held at a time
SAMPLES_AT_ONCE = 16  # of neurons, whose kernels are added up together
Function = Callable[..., float]  # of x, y, weights of stimuli, weights of the units of y; the latter may be None


class Alignment(ABC):
    """How a measure is computed in samples; an entry is NaN where it is undefined in a sample."""

    pairs_matter = False  # whether it is a sum over pairs of stimuli, as far as a bootstrap must know
    turns = False  # whether a rotation of the units changes nothing

    @abstractmethod
    def samples(self, models: Sequence[Floats], y: Floats, weights: Counts, units: Counts | None) -> Floats:
        """Similarities of models with one recording.

        Parameters
        ----------
        models : sequence of ndarray, shape (n_stimuli, n_units)
        y : ndarray, shape (n_stimuli, n_neurons)
        weights : ndarray, shape (n_samples, n_stimuli) or (1, n_stimuli)
            How often each stimulus is in each sample.
        units : ndarray of int, shape (n_samples, n_neurons), optional
            How often each neuron is in each sample; once, by default.

        Returns
        -------
        ndarray, shape (n_samples, n_models)
        """

    @abstractmethod
    def between(self, x: Floats, y: Floats, weights: Counts, units: tuple[Counts, Counts] | None) -> Floats:
        """Similarities of two recorded populations, shape (n_samples,), with `units` the weights of both's neurons."""

    @abstractmethod
    def permuted(self, models: Sequence[Floats], y: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """Similarities with the recording's stimuli in other orders, shape (n_orders, n_models)."""


@dataclass(frozen=True)
class KernelAlignment(Alignment):
    """A cosine of centred kernels: linear CKA, debiased, and corrected for a sample of neurons."""

    unbiased: bool = False
    corrected: bool = False
    pairs_matter = True
    turns = True

    def samples(self, models: Sequence[Floats], y: Floats, weights: Counts, units: Counts | None) -> Floats:
        """See :class:`Alignment`."""
        n_samples = len(weights) if units is None else len(units)
        similarity = np.empty((n_samples, len(models)))
        own = self._own_of_samples(y, weights, units)
        step = max(1, KERNEL_BYTES // (8 * len(y) ** 2))
        for start in range(0, len(models), step):
            part = models[start : start + step]
            kernels = np.stack([x @ x.T for x in part])
            lengths = np.stack([self._lengths(kernel, kernel, weights) for kernel in kernels])
            if units is None:
                products = kernel_products(kernels, y @ y.T, weights, unbiased=self.unbiased) / y.shape[1]
            else:
                products = np.stack(
                    [
                        kernel_products(kernels, kernel, weight[None], unbiased=self.unbiased)[:, 0]
                        for kernel, weight in zip(_kernels(y, units), _each(weights, n_samples), strict=False)
                    ],
                    axis=1,
                )
            with np.errstate(invalid="ignore", divide="ignore"):
                similarity[:, start : start + len(part)] = (products / np.sqrt(lengths * own)).T
        return self._clipped(similarity)

    def between(self, x: Floats, y: Floats, weights: Counts, units: tuple[Counts, Counts] | None) -> Floats:
        """See :class:`Alignment`."""
        first, second = (None, None) if units is None else units
        own = [self._own_of_samples(v, weights, u) for v, u in ((x, first), (y, second))]
        if units is None:
            products = kernel_products((x @ x.T)[None], y @ y.T, weights, unbiased=self.unbiased)[0]
            products = products / (x.shape[1] * y.shape[1])
        else:
            both = zip(_kernels(x, units[0]), _kernels(y, units[1]), _each(weights, len(units[0])), strict=False)
            products = np.array(
                [kernel_products(k[None], other, w[None], unbiased=self.unbiased)[0, 0] for k, other, w in both]
            )
        with np.errstate(invalid="ignore", divide="ignore"):
            return self._clipped(products / np.sqrt(own[0] * own[1]))

    def of_same_neurons(self, x: Floats, y: Floats, weights: Counts, units: Counts | None) -> Floats:
        """Corrected similarities, (n_samples,), of the same neurons in other trials, without a neuron's with itself.

        Those are left out of both populations' own products, and would raise the similarity above 1.
        """
        drawn = np.ones((1, x.shape[1])) if units is None else np.asarray(units, dtype=np.float64)
        n_samples = max(len(weights), len(drawn))
        own = [self._own_of_samples(v, weights, units) for v in (x, y)]
        products = []
        for weight, counts in zip(_each(weights, n_samples), np.resize(drawn, (n_samples, x.shape[1])), strict=True):
            kernels = [(v * counts) @ v.T for v in (x, y)]
            whole = kernel_products(kernels[0][None], kernels[1], weight[None], unbiased=True)[0, 0]
            squares = counts**2
            itself = products_of_units(x, weight[None], y)[0] @ squares
            products.append((whole - itself) / (counts.sum() ** 2 - squares.sum()))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.array(products) / np.sqrt(own[0] * own[1]))

    def permuted(self, models: Sequence[Floats], y: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """See :class:`Alignment`."""
        once = np.ones((1, len(y)))
        own = self._own_of_samples(y, once, None)[0]
        kernel = y @ y.T / y.shape[1]
        similarity = np.empty((len(orders), len(models)))
        step = max(1, KERNEL_BYTES // (8 * len(y) ** 2))
        for start in range(0, len(models), step):
            kernels = np.stack([x @ x.T for x in models[start : start + step]])
            lengths = [self._lengths(k, k, once)[0] for k in kernels]
            flat = np.stack([_projected(k, self.unbiased).ravel() for k in kernels])
            for place, order in enumerate(orders):
                products = flat @ kernel[np.ix_(order, order)].ravel()
                similarity[place, start : start + len(kernels)] = products / np.sqrt(np.array(lengths) * own)
        return self._clipped(similarity)

    def _own_of_samples(self, y: Floats, weights: Counts, units: Counts | None) -> Floats:
        """Products of the population's kernel, per unit, with itself: shape (n_samples,)."""
        if units is None:
            kernel, n = y @ y.T, y.shape[1]
            lengths = self._lengths(kernel, kernel, weights)
            if not self.corrected:
                return np.asarray(lengths / n**2)
            return _above(lengths - products_of_units(y, weights).sum(axis=1), lengths) / (n * (n - 1))
        own = []
        for kernel, weight, drawn in zip(_kernels(y, units), _each(weights, len(units)), units, strict=False):
            length = self._lengths(kernel, kernel, weight[None])[0]
            if self.corrected:  # a neuron that was drawn twice is no second neuron
                total, squares = float(drawn.sum()), np.square(drawn.astype(float))
                of_units = products_of_units(y, weight[None])[0] @ squares
                length = _above(np.array(length * total**2 - of_units), length * total**2)
                length = length / (total**2 - squares.sum())
            own.append(length)
        return np.array(own)

    def _lengths(self, kernel: Floats, other: Floats, weights: Counts) -> Floats:
        values = kernel_products(kernel[None], other, weights, unbiased=self.unbiased)[0]
        return _above(values, np.mean(kernel * other))

    def _clipped(self, values: Floats) -> Floats:
        return values if self.corrected else np.clip(values, -1, 1)


@dataclass(frozen=True)
class OneByOneAlignment(Alignment):
    """A measure that is computed anew in each sample, by a function of two representations and weights."""

    function: Function
    turns: bool = False

    def samples(self, models: Sequence[Floats], y: Floats, weights: Counts, units: Counts | None) -> Floats:
        """See :class:`Alignment`."""
        n_samples = len(weights) if units is None else len(units)
        chosen = _each(weights, n_samples)
        drawn: Any = [None] * n_samples if units is None else units
        return np.array([[self.function(x, y, chosen[b], drawn[b]) for x in models] for b in range(n_samples)])

    def between(self, x: Floats, y: Floats, weights: Counts, units: tuple[Counts, Counts] | None) -> Floats:
        """See :class:`Alignment`."""
        n_samples = len(weights) if units is None else len(units[0])
        chosen, values = _each(weights, n_samples), []
        for b in range(n_samples):
            first = x if units is None else np.repeat(x, units[0][b], axis=1)
            values.append(self.function(first, y, chosen[b], None if units is None else units[1][b]))
        return np.array(values)

    def permuted(self, models: Sequence[Floats], y: Floats, orders: npt.NDArray[np.intp]) -> Floats:
        """See :class:`Alignment`."""
        return np.array([[self.function(x, y[order], None, None) for x in models] for order in orders])


@dataclass(frozen=True)
class MatchedAlignment(OneByOneAlignment):
    """Soft matching of this fraction of the units; their masses are whole numbers of copies."""

    function: Function = matched
    fraction: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", partial(matched, fraction=self.fraction))

    def between(self, x: Floats, y: Floats, weights: Counts, units: tuple[Counts, Counts] | None) -> Floats:
        """See :class:`Alignment`.

        Where two halves of a sample differ in size, the surplus of the larger one, a few copies, is left unmatched:
        their exact transport is a linear programme, which is too slow for samples.
        """
        if units is None:
            return super().between(x, y, weights, units)
        values = []
        for weight, first, second in zip(_each(weights, len(units[0])), *units, strict=True):
            gains = np.repeat(np.repeat(correlations(x, y, weight), first, axis=0), second, axis=1)
            values.append(assigned(gains, max(1, round(self.fraction * min(gains.shape)))))
        return np.array(values)


def angular(x: Floats, y: Floats, weights: Counts | None = None, units: Counts | None = None) -> float:
    """1 minus the angle after the best rotation, as a share of a right angle."""
    return float(1 - 2 * np.arccos(bures(x, y, weights, units)) / np.pi)


def svcca_in(x: Floats, y: Floats, weights: Counts | None = None, units: Counts | None = None) -> float:
    """:func:`normenc.rsa.svcca` in a sample; NaN where stimuli are too few for its components."""
    found = canonical(sample_of(x, weights), sample_of(y, weights, units), 0.99)
    return float(found[0].mean()) if isinstance(found, tuple) else float("nan")


def pwcca_in(x: Floats, y: Floats, weights: Counts | None = None, units: Counts | None = None) -> float:
    """:func:`normenc.rsa.pwcca` in a sample; NaN where stimuli are too few for its components."""
    found = canonical(sample_of(x, weights), sample_of(y, weights, units), 0.99)
    if not isinstance(found, tuple):
        return float("nan")
    shares = np.abs(found[1].T @ found[2]).sum(axis=1)
    return float(shares @ found[0] / shares.sum())


def _kernels(y: Floats, units: Counts) -> Any:
    """Kernels of samples of neurons, per neuron, one after the other; neurons drawn together are added up first."""
    groups, places = np.unique(units, axis=1, return_inverse=True)
    if groups.shape[1] * len(y) ** 2 * 8 <= KERNEL_BYTES:
        added = np.stack([_kernel(y[:, places == k]) for k in range(groups.shape[1])]).reshape(groups.shape[1], -1)
        shares = groups / units.sum(axis=1, keepdims=True)
        for start in range(0, len(shares), SAMPLES_AT_ONCE):
            yield from (shares[start : start + SAMPLES_AT_ONCE] @ added).reshape(-1, len(y), len(y))
        return
    for drawn in units:
        yield (y * drawn) @ y.T / drawn.sum()


def _kernel(y: Floats) -> Floats:
    return np.asarray(y @ y.T)


def _each(weights: Counts, n_samples: int) -> Counts:
    return np.broadcast_to(weights, (n_samples, weights.shape[1]))


def _above(values: Floats, size: Any) -> Floats:
    """NaN where a square is only rounding error, or below 0."""
    return np.where(values > FLAT * np.abs(size), values, np.nan)


def _projected(kernel: Floats, unbiased: bool) -> Floats:
    """What a kernel is multiplied with, entry by entry, for the sum to be its product with the centred one."""
    n = len(kernel)
    if not unbiased:
        rows = kernel.mean(axis=0)
        return np.asarray((kernel - rows - rows[:, None] + rows.mean()) / n**2)
    return u_centred(kernel) / (n * (n - 3))
