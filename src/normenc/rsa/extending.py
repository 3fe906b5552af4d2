r"""The leads of all truths over all rivals, with each stimulus of a pool added, without building the larger sets.

With A, Q and H of the module :mod:`normenc.rsa.discriminability`, the variance is a quadratic form in the three
matrices that the weights are made of: the RDMs of truth and rival, and the constant. Each of its terms,
:math:`tr(A_x Q A_y Q) + tr(A_x H A_y H)` with H scaled, gains from another stimulus, with dissimilarities
:math:`2 a_x` from the set, expected correlations p with it, and changes :math:`\delta_x` and :math:`\alpha_x` on the
diagonal of :math:`A_x`, what products of vectors with matrices of the set's size give.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.rsa.unequal_neurons import NeuronShares

__all__ = ["Extension"]

Floats = npt.NDArray[np.float64]
LEAST = 1e-12  # of variances


class Extension:
    """What each stimulus of the pool adds to a set.

    Parameters
    ----------
    rdms : ndarray, shape (n_candidates, n_pool, n_pool)
    reliability : ndarray, shape (n_candidates, n_pool)
    shares : sequence of NeuronShares, length n_candidates
    """

    def __init__(self, rdms: Floats, reliability: Floats, shares: Sequence[NeuronShares]) -> None:
        n_pool = rdms.shape[1]
        self.shift = rdms.sum(axis=(1, 2)) / (n_pool * (n_pool - 1))
        self.rdms, self.reliability, self.shares = rdms, reliability, shares

    def leads(self, chosen: npt.NDArray[np.intp], among: npt.NDArray[np.intp] | None = None) -> tuple[Floats, Floats]:
        """Leads and their spreads with one more stimulus, shape (n_among, n_candidates, n_candidates).

        Parameters
        ----------
        chosen : ndarray of int, shape (n_chosen,)
        among : ndarray of int, shape (n_among,), optional
            Stimuli to be tried; the whole pool by default, where those of the chosen themselves mean nothing.
        """
        tried = np.arange(self.rdms.shape[1]) if among is None else among
        n, diagonal = len(self.rdms), np.arange(len(chosen))
        inside, bases = (self._bases(rows, chosen) for rows in (chosen, tried))
        inside[:, diagonal, diagonal] = 0
        moments = _moments(inside, bases)
        lead, spread = np.empty((2, len(tried), n, n))
        for truth in range(n):
            own, added = (self._correlations(truth, rows, chosen) for rows in (chosen, tried))
            np.fill_diagonal(own, 0)
            diagonals = self.shares[truth].diagonals(self.reliability[truth])
            terms = _Terms(inside, own, bases, added, [(one[chosen], one[tried]) for one in diagonals])
            lead[:, truth], spread[:, truth] = self._of_truth(truth, terms, moments)
        return lead, spread

    def _bases(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Floats:
        """Dissimilarities around their mean by candidate, and last the constant."""
        bases = np.ones((len(self.rdms) + 1, len(rows), len(columns)))
        for base, rdm, shift in zip(bases, self.rdms, self.shift, strict=False):
            np.subtract(rdm[np.ix_(rows, columns)], shift, out=base)
        return bases

    def _correlations(self, truth: int, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Floats:
        reliability = self.reliability[truth]
        correlations = 1 - np.asarray(self.rdms[truth][np.ix_(rows, columns)], dtype=np.float64)
        return correlations * reliability[rows][:, None] * reliability[columns]

    def _of_truth(self, truth: int, own_terms: "_Terms", moments: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        means, norms = moments
        n, products = len(self.rdms), own_terms.products
        centred = products[:, :n] - means * products[:, n:]
        similar = centred / norms
        mean = -(similar[:, [truth]] - similar)
        same = np.stack([own_terms.of(x, x) for x in range(n + 1)], axis=1)
        with_one = np.stack([own_terms.of(x, n) for x in range(n)], axis=1)
        with_truth = np.stack([own_terms.of(x, truth) for x in range(n)], axis=1)
        scale = 1 / norms  # of each candidate's RDM in the weights
        shift = -means * scale
        constant = shift[:, [truth]] - shift
        one, other = scale[:, [truth]], scale
        variance = one**2 * same[:, [truth]] + other**2 * same[:, :n] + constant**2 * same[:, n:]
        variance += 2 * one * constant * with_one[:, [truth]] - 2 * other * constant * with_one
        variance -= 2 * one * other * with_truth
        return mean, np.sqrt(np.maximum(2 * variance, LEAST) * self.shares[truth].signal)


def _moments(inside: Floats, bases: Floats) -> tuple[Floats, Floats]:
    """Mean dissimilarity and the root of the centred sum of squares, over pairs of each larger set: (n_pool, n)."""
    n, m = len(bases) - 1, bases.shape[2]
    n_pairs = m * (m + 1) / 2
    sums = inside[:n].sum(axis=(1, 2)) / 2 + bases[:n].sum(axis=2).T
    squares = np.square(inside[:n]).sum(axis=(1, 2)) / 2 + np.square(bases[:n]).sum(axis=2).T
    means = sums / n_pairs
    return means, np.sqrt(np.maximum(squares - n_pairs * means**2, LEAST))


class _Terms:
    """tr(A_x Q A_y Q) + tr(A_x H A_y H) of a truth, for the set with each stimulus added.

    `products` are sums of products of each base with the expected correlations, over the pairs of the larger set.
    `diagonals` are those of Q and H, each for the set and for what is added.
    """

    def __init__(
        self, inside: Floats, own: Floats, bases: Floats, added: Floats, diagonals: Sequence[tuple[Floats, Floats]]
    ) -> None:
        self.products = (inside * own).sum(axis=(1, 2)) / 2 + np.einsum("xsm,sm->sx", bases, added)
        (of_set, self.d), (self.h, self.h_added) = diagonals
        self.p, m = added, own.shape[0]
        whole = own + np.diag(of_set)
        half = inside / 2
        half[:, range(m), range(m)] = -(half * own).sum(axis=2)  # balanced, as A is
        self.roots = half @ whole  # A P
        self.inner = np.einsum("xst,xts->xs", whole[None] @ half, whole[None].repeat(len(half), 0))  # diag(P A P)
        self.a = bases / 2
        self.delta = -self.a * added
        self.alpha = self.delta.sum(axis=2)
        self.pa = self.a @ whole
        self.bp = added @ half + self.delta * added  # B p, with B the matrix A and delta on its diagonal
        self.qd = self.delta @ (whole**2)
        self.ap = (self.a * added).sum(axis=2)
        self.half, self.diagonal = half, np.einsum("xss->xs", half)

    def of(self, x: int, y: int) -> Any:
        """For every stimulus of the pool."""
        own = (self.roots[x] * self.roots[y].T).sum()
        total = own + self.delta[x] @ self.inner[y] + self.delta[y] @ self.inner[x]
        total += (self.delta[x] * self.qd[y]).sum(axis=1)
        total += (self.bp[x] * self.pa[y]).sum(axis=1) + (self.bp[y] * self.pa[x]).sum(axis=1)
        total += self.ap[x] * self.ap[y]
        for one, other in ((x, y), (y, x)):
            left = self.bp[one] + self.a[one] * self.d[:, None]
            right = self.pa[other] + self.alpha[other][:, None] * self.p
            total += (left * right).sum(axis=1)
        total += (self.ap[x] + self.alpha[x] * self.d) * (self.ap[y] + self.alpha[y] * self.d)
        return total + self._of_noise(x, y) if self.h.any() or self.h_added.any() else total

    def _of_noise(self, x: int, y: int) -> Any:
        """tr(A_x H A_y H), which is 0 for equal neurons."""
        changed = self.delta[x] * self.diagonal[y] + self.delta[y] * self.diagonal[x] + self.delta[x] * self.delta[y]
        total = self.h @ (self.half[x] * self.half[y]) @ self.h + changed @ self.h**2
        return (
            total
            + 2 * self.h_added * ((self.a[x] * self.a[y]) @ self.h)
            + self.alpha[x] * self.alpha[y] * self.h_added**2
        )
