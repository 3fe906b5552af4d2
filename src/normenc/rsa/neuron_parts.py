r"""Parts of the neurons, by which variance that depends on one neuron is told from that which depends on two.

An estimate of a population is a sum of parts that depend on one neuron each, on two, and so on, of which no two are
correlated, so that its variance over populations is :math:`V_1 + V_2 + \\dots` (Hoeffding, Ann. Math. Stat. 1948). The
squared length of an RDM, whose noise is the mean of the neurons' :math:`e_i`, has :math:`\\langle e_i, e_j \\rangle` of
every two. With it the reliability rises and a model's similarity falls, so that in the difference of a model from its
ceiling these parts add up, where those of single neurons cancel.

In samples that lack the share s of the neurons, the estimate varies by :math:`V_1 s / (1 - s)`, but :math:`V_2` counts
:math:`(2 - s) / (1 - s)` times as much, because either of two neurons may be lacking. Of any samples near the whole, it
counts about twice, so that these say little of how much of the variance it is. The second difference of two samples
that lack different neurons, :func:`interactions`, has nothing of single neurons, and tells :math:`V_2` by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["NeuronDraws", "draw_parts", "interactions"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
LEFT_OUT = 0.1  # share of the members that a part lacks
FEWEST_GROUPS = 20  # of which parts come in threes: of fewer, a part lacks too many,
FEWEST_NEURONS = 40  # and of fewer neurons, much depends on three at once, which interactions would take away


def draw_parts(n: int, n_samples: int, rng: np.random.Generator) -> Counts:
    """Parts of `n` members without a tenth of them, but at least one: 1 where a part has a member, 0 where it has not.

    For members whose noise is squared, as in the length of an RDM of neurons: one that is drawn twice would count four
    times, although two other members count twice.

    Returns
    -------
    ndarray of int, shape (3, n_samples, n)
        Two parts that lack different members, and what both have.

    References
    ----------
    Shao & Wu, "A general theory for jackknife variance estimation", Ann. Stat. 1989.

    Examples
    --------
    >>> draw_parts(20, 2, np.random.default_rng(0)).sum(axis=2).tolist()
    [[18, 18], [18, 18], [16, 16]]
    """
    place, lacking = rng.random((n_samples, n)).argsort(axis=1), left_out(n)
    one, other = place >= lacking, (place < lacking) | (place >= 2 * lacking)
    return np.stack([one, other, one & other]).astype(np.int64)


def left_out(n: int) -> int:
    """How many of `n` members a part lacks."""
    return max(1, round(LEFT_OUT * n))


def interactions(of_all: Floats, of_parts: Floats, shares: Floats) -> Floats:
    r"""What estimates owe to two members at once, one that one part lacks and one that the other lacks.

    If parts have the shares :math:`M_1` and :math:`M_2` of all members, and what both have :math:`M_{12} = M_1 + M_2 -
    1`, then :math:`f - M_1 f_1 - M_2 f_2 + M_{12} f_{12}` is 0 for a mean over members.

    Parameters
    ----------
    of_all : ndarray, shape (n_samples, n_estimates)
        Estimates from all members.
    of_parts : ndarray, shape (3, n_samples, n_estimates)
        Estimates from parts of :func:`draw_parts`.
    shares : ndarray, shape (3, n_samples)
        The parts' shares of the members.

    References
    ----------
    Efron & Stein, "The jackknife estimate of variance", Ann. Stat. 1981, section 5.

    Examples
    --------
    >>> values, parts = np.array([1.0, 5.0, 2.0, 7.0, 0.0]), draw_parts(5, 2, np.random.default_rng(0))
    >>> shares = parts.mean(axis=2)
    >>> means = parts @ values / (5 * shares)
    >>> bool(np.abs(interactions(np.full((2, 1), 3.0), means[:, :, None], shares)).max() < 1e-12)
    True
    """
    one, other, both = shares[:, :, None] * of_parts
    return np.asarray(of_all - one - other + both)


@dataclass(frozen=True)
class NeuronDraws:
    """Samples of groups of neurons, and what their estimates tell.

    Attributes
    ----------
    weights : ndarray of int, shape (n_samples, n_groups)
        Of parts, or how often each group is drawn; where `shares` are given, a third of them are one part, the next
        the other, and the last what both have.
    inflations : sequence of tuple of float
        By how much :meth:`differences` multiply variance that depends on one neuron and, if known, on two.
    shares : ndarray, shape (3, n_samples / 3), or None
        Of all neurons.
    """

    weights: Counts
    inflations: Sequence[tuple[float, ...]]
    shares: Floats | None = None

    @classmethod
    def of_parts(cls, sizes: Floats, n_samples: int, rng: np.random.Generator) -> "NeuronDraws":
        """Parts of groups of so many neurons each; in threes, unless there are too few.

        Examples
        --------
        >>> own = NeuronDraws.of_parts(np.ones(50), 30, np.random.default_rng(0))
        >>> [tuple(round(value, 2) for value in pair) for pair in own.inflations]
        [(0.11, 0.24), (0.0, 0.03)]
        """
        n = len(sizes)
        single = left_out(n) / (n - left_out(n))
        if n < FEWEST_GROUPS or sizes.sum() < FEWEST_NEURONS:
            return cls(draw_parts(n, n_samples, rng)[0], ((single,),))
        parts = draw_parts(n, max(2, -(-n_samples // 3)), rng)
        every, some, rest = (comb(n - k * left_out(n), 2) for k in range(3))
        # the share in the interactions of a pair of groups that both parts have, or one, or none
        own, both = ((1 - k * left_out(n) / n) * every / of for k, of in ((1, some), (2, rest)))
        values = np.array([1 - 2 * own + both, 1 - own, 1])
        often = np.array([rest, 2 * (some - rest), left_out(n) ** 2]) / every
        second = float(often @ values**2 - (often @ values) ** 2)
        inflations = (single, every / some - 1), (0.0, second)
        return cls(np.concatenate(parts), inflations, parts @ sizes / sizes.sum())

    def beside(self, weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Another factor's weights in the same samples, (n_samples, n_members): the same for all three parts."""
        return weights if self.shares is None else np.tile(weights[: self.shares.shape[1]], (3, 1))

    def differences(self, of_all: Floats, of_samples: Floats, around: Floats) -> list[Floats]:
        """Of the samples' estimates from those of all neurons and, of parts in threes, :func:`interactions`.

        Parameters
        ----------
        of_all : ndarray, shape (n_samples, n_estimates)
            In the same samples of other factors.
        of_samples : ndarray, shape (n_samples, n_estimates)
        around : ndarray, shape (n_estimates,)
            What is added: the estimates of all factors' members.

        Returns
        -------
        list of ndarray, shape (n_samples, n_estimates)
            For each of `inflations`; of parts in threes, two thirds and one third of the samples.
        """
        if self.shares is None:
            return [around + of_samples - of_all[: len(of_samples)]]
        of_all = of_all[: self.shares.shape[1]]
        each = of_samples.reshape(3, *of_all.shape)
        together = interactions(of_all, each, self.shares)
        return [around + own for own in (np.concatenate(each[:2] - of_all), together)]
