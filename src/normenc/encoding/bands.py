"""Several sets of features in one fold, in coordinates in which their shares are cheap to change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.encoding.axes import Features, PrincipalAxes, axes_of_products
from normenc.errors import InputError

__all__ = ["Bands"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Bands:
    """Products of each band's features between training stimuli, and of test with training stimuli.

    With fewer features in all than training stimuli, the features span only part of what responses can be, and
    products are between coordinates of that part, plus one for the length of the rest of each neuron's responses.

    Attributes
    ----------
    products : list of (ndarray, ndarray), shapes (n_coordinates, n_coordinates) and (n_test, n_coordinates)
        Of every band, divided by its mean variance along principal axes.
    n_train : int
    basis : ndarray, shape (n_train, n_coordinates - 1), or None
        Orthonormal columns; None where coordinates are the training stimuli themselves.
    """

    products: list[tuple[Floats, Floats]]
    n_train: int
    basis: Floats | None = None

    @classmethod
    def of(
        cls,
        layers: Sequence[Features],
        names: Sequence[str],
        train: Indices,
        test: Indices,
        reduce_to: int | None = None,
    ) -> "Bands":
        """From the features of all stimuli, each reduced to so many principal components of the training stimuli."""
        sizes = [min(layer.values.shape[1], reduce_to or layer.values.shape[1]) for layer in layers]
        if sum(sizes) < len(train):
            matrices = [_features(layer, train, test, reduce_to) for layer in layers]
            scaled = []
            for (fitted, tested), name in zip(matrices, names, strict=True):
                scale = _scale(float(np.square(fitted).sum()), fitted.shape[1], train, name)
                scaled.append((fitted * scale, tested * scale))
            return cls._compressed(scaled)
        products = []
        for layer, name in zip(layers, names, strict=True):
            between, across = _products(layer, train, test, reduce_to)
            size = min(layer.values.shape[1], reduce_to or len(train))
            scale = _scale(float(np.trace(between)), size, train, name)
            products.append((between * scale**2, across * scale**2))
        return cls(products, len(train))

    @classmethod
    def _compressed(cls, matrices: Sequence[tuple[Floats, Floats]]) -> "Bands":
        basis, triangle = np.linalg.qr(np.hstack([fitted for fitted, _ in matrices]))
        rest = np.zeros((1, triangle.shape[1]))
        products, first = [], 0
        for fitted, tested in matrices:
            own = np.vstack([triangle, rest])[:, first : first + fitted.shape[1]]
            products.append((own @ own.T, tested @ own.T))
            first += fitted.shape[1]
        return cls(products, len(basis), basis)

    def axes(self, shares: Floats) -> PrincipalAxes:
        """Principal axes of all features together, in coordinates; test stimuli have none."""
        between = np.asarray(sum(share * own for share, (own, _) in zip(shares, self.products, strict=True) if share))
        if self.basis is None:
            left, values = axes_of_products(between)
        else:
            values, left = np.linalg.eigh(between)
            values, left = values[::-1].copy(), np.ascontiguousarray(left[:, ::-1])
        kept = values > self.n_train * np.finfo(np.float64).eps * values[0]
        return PrincipalAxes(left[:, kept], values[kept], np.empty((0, int(kept.sum()))))

    def of_stimuli(self, axes: PrincipalAxes) -> PrincipalAxes:
        """The same axes over training stimuli."""
        if self.basis is None:
            return axes
        return PrincipalAxes(self.basis @ axes.left[:-1], axes.eigenvalues, axes.test)

    def coordinates(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Centred responses to training stimuli, shape (n_coordinates, n_neurons)."""
        if self.basis is None:
            return targets
        within = self.basis.T.astype(targets.dtype) @ targets
        rest = np.einsum("st,st->t", targets, targets) - np.einsum("st,st->t", within, within)
        return np.vstack([within, np.sqrt(np.maximum(rest, 0))])


def _features(layer: Features, train: Indices, test: Indices, reduce_to: int | None) -> tuple[Floats, Floats]:
    """Centred features of training and test stimuli, or principal component scores."""
    if reduce_to is None or layer.values.shape[1] <= reduce_to:
        return layer.centred(train, test)
    return layer.reduced(train, test, reduce_to)


def _products(layer: Features, train: Indices, test: Indices, reduce_to: int | None) -> tuple[Floats, Floats]:
    if reduce_to is None or layer.values.shape[1] <= reduce_to:
        return layer.products(train, test)
    fitted, tested = _features(layer, train, test, reduce_to)
    return fitted @ fitted.T, tested @ fitted.T


def _scale(total: float, n_units: int, train: Indices, name: str) -> float:
    """By what features are multiplied, so that their mean variance along principal axes is 1."""
    if not total > 0:
        raise InputError(f"no unit of {name!r} varies over the {len(train)} training stimuli of a fold; leave it out")
    return float(np.sqrt(min(n_units, len(train) - 1) / total))
