"""Principal axes of features over training stimuli, from the features or from products between stimuli."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Features", "PrincipalAxes", "axes_of_products", "varying"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

BLOCK_BYTES = 2**25  # of features, in float64, at a time
SAME = 1e-12  # relative to a value: smaller differences are rounding error


@dataclass(frozen=True)
class PrincipalAxes:
    r"""Principal axes of the features of training stimuli, and projections of test stimuli onto them.

    With the centred training features :math:`Z = U S V^T`, ridge regression with penalty :math:`\alpha` predicts
    :math:`T \, diag(\lambda / (\lambda + \alpha)) \, U^T y`.

    Attributes
    ----------
    left : ndarray, shape (n_train, n_axes)
        U; its columns have mean 0 and length 1.
    eigenvalues : ndarray, shape (n_axes,)
        :math:`\lambda = S^2`, falling, above 0.
    test : ndarray, shape (n_test, n_axes)
        T: test features, centred likewise, times :math:`V S^{-1}`.
    """

    left: Floats
    eigenvalues: Floats
    test: Floats

    @property
    def scores(self) -> Floats:
        """Principal component scores of the training stimuli, shape (n_train, n_axes)."""
        return self.left * np.sqrt(self.eigenvalues)

    @property
    def test_scores(self) -> Floats:
        """Principal component scores of the test stimuli, shape (n_test, n_axes)."""
        return self.test * np.sqrt(self.eigenvalues)


class Features:
    """Features of stimuli; :meth:`axes` computes principal axes for any training set.

    With more units than stimuli, only products between stimuli are used, summed over blocks of units: memory beyond the
    features themselves does not grow with the number of units, and features may be a memory-mapped array.

    Parameters
    ----------
    values : ndarray, shape (n_stimuli, n_units)
    scale : bool
        Whether units are divided by their standard deviation over the training stimuli. All are centred on the training
        stimuli.
    """

    def __init__(self, values: npt.NDArray[Any], scale: bool = False) -> None:
        self.values, self.scale = values, scale
        self._products: Floats | None = None
        self._reduced: dict[tuple[bytes, bytes, int], tuple[Floats, Floats]] = {}

    def axes(self, train: Indices, test: Indices, n_components: int | None = None) -> PrincipalAxes:
        """Principal axes of training stimuli: all, or only the first `n_components`."""
        if self.values.shape[1] < len(train):
            left, eigenvalues, right = self._from_features(train, test)
        else:
            left, eigenvalues, right = self._from_products(train, test)
        largest = eigenvalues[0] if eigenvalues.size else 0.0
        kept = eigenvalues > max(self.values.shape[1], len(train)) * np.finfo(np.float64).eps * largest
        if n_components is not None:
            kept[n_components:] = False
        left, eigenvalues = left[:, kept], eigenvalues[kept]
        return PrincipalAxes(left, eigenvalues, right[:, kept] / eigenvalues)

    def _from_features(self, train: Indices, test: Indices) -> tuple[Floats, Floats, Floats]:
        """U, squared S and test features times V S, by a singular value decomposition."""
        fitted, tested = self.centred(train, test)
        left, singular, v = np.linalg.svd(fitted, full_matrices=False)
        return left, np.square(singular), tested @ v.T * singular

    def _from_products(self, train: Indices, test: Indices) -> tuple[Floats, Floats, Floats]:
        """The same from products between stimuli, K = Z Z^T: test features times V S are K[test, train] U."""
        between, across = self.products(train, test)
        left, eigenvalues = axes_of_products(between)
        return left, eigenvalues, across @ left

    def centred(self, train: Indices, test: Indices) -> tuple[Floats, Floats]:
        """Features of training and test stimuli, centred on the training stimuli, and scaled likewise if wanted."""
        return _centred(self.values, train, test, self.scale)

    def reduced(self, train: Indices, test: Indices, n_components: int) -> tuple[Floats, Floats]:
        """Scores of training and test stimuli on the first principal axes, kept for the next call."""
        key = train.tobytes(), test.tobytes(), n_components
        if key not in self._reduced:
            axes = self.axes(train, test, n_components)
            self._reduced[key] = axes.scores, axes.test_scores
        return self._reduced[key]

    def products(self, train: Indices, test: Indices) -> tuple[Floats, Floats]:
        """Products of centred features between training stimuli, and of test with training stimuli."""
        return (self._scaled_products if self.scale else self._centred_products)(train, test)

    def _scaled_products(self, train: Indices, test: Indices) -> tuple[Floats, Floats]:
        between, across = np.zeros((len(train), len(train))), np.zeros((len(test), len(train)))
        for block in self._blocks():
            fitted, tested = _centred(block, train, test, True)
            between += fitted @ fitted.T
            across += tested @ fitted.T
        return between, across

    def _centred_products(self, train: Indices, test: Indices) -> tuple[Floats, Floats]:
        """From the products of all stimuli, computed once: centring them is equivalent to centring the features."""
        if self._products is None:
            n_stimuli = len(self.values)
            self._products = np.zeros((n_stimuli, n_stimuli))
            for block in self._blocks():
                block -= block.mean(axis=0)
                self._products += block @ block.T
        between, across = self._products[np.ix_(train, train)], self._products[np.ix_(test, train)]
        mean = between.mean(axis=0)
        centred = between - mean - mean[:, None] + mean.mean()
        return centred, across - across.mean(axis=1, keepdims=True) - mean + mean.mean()

    def _blocks(self) -> Iterator[Floats]:
        n_stimuli, n_units = self.values.shape
        size = max(1, BLOCK_BYTES // (8 * n_stimuli))
        for start in range(0, n_units, size):
            yield self.values[:, start : start + size].astype(np.float64)


def axes_of_products(between: Floats) -> tuple[Floats, Floats]:
    """Eigenvectors, as columns, and falling eigenvalues of products between centred training stimuli."""
    eigenvalues, left = np.linalg.eigh(between)
    eigenvalues, left = eigenvalues[::-1].copy(), np.ascontiguousarray(left[:, ::-1])
    eigenvalues[len(between) - 1 :] = 0  # centred features span one dimension less than the number of stimuli
    return left, eigenvalues


def varying(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which columns differ over rows by more than rounding."""
    return np.ptp(values, axis=0) > SAME * np.abs(values).max(axis=0)


def _centred(values: npt.NDArray[Any], train: Indices, test: Indices, scale: bool) -> tuple[Floats, Floats]:
    """Training and test features z-scored with the training mean and standard deviation; constant units 0."""
    fitted, tested = values[train].astype(np.float64), values[test].astype(np.float64)
    mean = fitted.mean(axis=0)
    varies = varying(fitted)
    fitted -= mean
    tested -= mean
    if scale:
        inverse = np.where(varies, 1 / np.where(varies, fitted.std(axis=0), 1), 0.0)
        fitted *= inverse
        tested *= inverse
    return fitted, tested
