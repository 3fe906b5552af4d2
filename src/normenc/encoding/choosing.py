"""Errors of stimuli that a ridge regression was not fitted to, for all penalties: what a penalty is chosen by."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.encoding.axes import Features, PrincipalAxes

__all__ = ["FoldsOut", "Generalised", "LeftOut", "in_threads"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

AT_WORK = Lock()  # held while linear algebra is limited to one thread
MAPS_BYTES = 2**28  # limit on what is kept for all penalties; beyond it, recomputed for every chunk


class LeftOut:
    r"""Leave-one-out squared errors, for every penalty.

    The error of a stimulus left out is :math:`e_i / (1 - h_i)`, with the residuals e and leverages h of the fit to all:
    :math:`e = U \, diag(\alpha / (\lambda + \alpha)) \, U^T y` plus the component outside the axes.
    """

    def __init__(self, axes: PrincipalAxes, penalties: Floats, kind: Any) -> None:
        n_train, n_axes = axes.left.shape
        self.complete = n_axes == n_train - 1
        self.left = axes.left.astype(kind)
        remaining = penalties[:, None] / (axes.eigenvalues + penalties[:, None])
        squared = np.square(axes.left)
        outside = np.zeros(n_train) if self.complete else np.maximum(1 - 1 / n_train - squared.sum(axis=1), 0)
        factor = 1 / (outside + remaining @ squared.T)
        self.remaining, self.factor = remaining.astype(kind), factor.astype(kind)
        keep = len(penalties) * self.left.nbytes <= MAPS_BYTES
        self.maps = [self._map(number) for number in range(len(penalties))] if keep else None

    def _map(self, number: int) -> npt.NDArray[Any]:
        return self.factor[number][:, None] * (self.left * self.remaining[number])

    def errors(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sums of squared errors of centred responses, shape (n_penalties, n_neurons)."""
        projected = self.left.T @ targets
        outside = None if self.complete else targets - self.left @ projected
        means = np.empty((len(self.factor), targets.shape[1]), targets.dtype)
        for number, factor in enumerate(self.factor):
            error = (self.maps[number] if self.maps else self._map(number)) @ projected
            if outside is not None:
                error += factor[:, None] * outside
            np.einsum("st,st->t", error, error, out=means[number])
        return means


class Generalised:
    r"""Generalised cross-validation: the same with every leverage replaced by their mean.

    Its cost for each penalty is that of a sum over axes, where :class:`LeftOut` predicts every stimulus. Errors sum to
    :math:`\|e\|^2 / (1 - \bar h)^2`.

    References
    ----------
    Golub, Heath & Wahba, "Generalized cross-validation as a method for choosing a good ridge parameter", Technometrics
    1979.
    """

    def __init__(self, axes: PrincipalAxes, penalties: Floats, kind: Any, n_train: int | None = None) -> None:
        """Axes may be in other coordinates than the training stimuli, whose number is then given."""
        n_train, n_axes = n_train or len(axes.left), axes.left.shape[1]
        remaining = penalties[:, None] / (axes.eigenvalues + penalties[:, None])
        self.project = np.ascontiguousarray(axes.left.T, kind)
        self.complete = n_axes == n_train - 1
        outside = (n_train - 1 - n_axes) + remaining.sum(axis=1)  # the trace of what is left, without the mean
        self.squared = np.square(remaining).astype(kind)
        self.factor = np.square(n_train / outside).astype(kind)[:, None]

    def errors(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sums of squared errors of centred responses, shape (n_penalties, n_neurons)."""
        squares = np.square(self.project @ targets)
        left = self.squared @ squares
        if not self.complete:
            left += np.maximum(np.einsum("st,st->t", targets, targets) - squares.sum(axis=0), 0)
        return np.asarray(self.factor * left)


class FoldsOut:
    """Mean squared errors of stimuli held out together, averaged over folds, for every penalty."""

    def __init__(self, axes: PrincipalAxes, penalties: Floats, folds: Sequence[Indices], kind: Any) -> None:
        scores, every = axes.scores, np.arange(len(axes.left))

        def part(fold: Indices) -> tuple[Any, ...]:
            rest = np.setdiff1d(every, fold)
            inner = Features(scores).axes(rest, fold)
            shrinkage = inner.eigenvalues / (inner.eigenvalues + penalties[:, None])
            maps = (inner.test * shrinkage[:, None, :]).astype(kind)
            return rest, fold, np.ascontiguousarray(inner.left.T, kind), maps

        self.n_penalties, self.parts = len(penalties), in_threads(part, folds)

    def errors(self, targets: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Mean squared errors of responses, shape (n_penalties, n_neurons)."""
        total = np.zeros((self.n_penalties, targets.shape[1]), targets.dtype)
        for rest, fold, project, maps in self.parts:
            fitted = targets[rest]
            mean = fitted.mean(axis=0)
            projected = project @ (fitted - mean)
            truth = targets[fold] - mean
            for number, transform in enumerate(maps):
                error = transform @ projected
                error -= truth
                total[number] += np.einsum("st,st->t", error, error) / len(fold)
        return total


def in_threads(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Do the work for every item in parallel threads, with single-threaded linear algebra in each.

    In the calling thread while another call's threads are at work: each call's limit would outlast the other's.
    """
    libraries = _linear_algebra()
    n_threads = max([library["num_threads"] for library in libraries.info()] or [1])
    if n_threads == 1 or not AT_WORK.acquire(blocking=False):
        return list(map(work, items))
    try:
        with libraries.limit(limits=1), ThreadPoolExecutor(n_threads, "normenc-ridge") as pool:
            return list(pool.map(work, items))
    finally:
        AT_WORK.release()


@cache
def _linear_algebra() -> Any:
    """The libraries that NumPy and SciPy call. To find them takes longer than a small fit does."""
    import scipy.linalg  # noqa: F401 (its own is loaded by then)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
