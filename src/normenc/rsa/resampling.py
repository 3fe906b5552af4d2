"""Bootstrap samples of stimuli, animals, neurons and network seeds, and their combined variance."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from normenc.errors import InputError
from normenc.rsa.circle import steps_around
from normenc.rsa.pairs import MANY_STIMULI
from normenc.rsa.quadratic import total_of_pairs

__all__ = [
    "block_length_of",
    "draw_blocks",
    "draw_counts",
    "inflation",
    "parts_of_variance",
    "tiles_range",
    "total_variance",
    "why_not_tiled",
]

Counts = npt.NDArray[np.int64]
ROUNDING = 1e-20  # of the largest variance of a bootstrap: what rounding makes of no variance
DIFFERENCES = "neurons"  # the factor whose samples are differences from all members, in the same samples of others
SURE_RISE = 6  # standard errors by which dissimilarity must rise from neighbours to its maximum


def draw_counts(n: int, n_samples: int, rng: np.random.Generator) -> Counts:
    """How often each of `n` members is drawn in `n` draws with replacement: shape (n_samples, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=n_samples)


def draw_blocks(n: int, n_samples: int, block_length: int, rng: np.random.Generator) -> Counts:
    """The same for a circular block bootstrap, for members in order on a circle.

    Blocks of `block_length` neighbours start anywhere and wrap around; the last one is cut so that each sample has size
    `n`.

    References
    ----------
    Politis & Romano, "A circular block-resampling procedure for stationary data", 1992.

    Examples
    --------
    >>> counts = draw_blocks(6, 2, 3, np.random.default_rng(0))
    >>> counts.sum(axis=1).tolist()
    [6, 6]
    """
    if not 1 <= block_length <= n:
        raise InputError(f"block_length is {block_length}; it must lie between 1 and the number of stimuli, {n}")
    starts = rng.integers(0, n, size=(n_samples, -(-n // block_length), 1))
    members = ((starts + np.arange(block_length)) % n).reshape(n_samples, -1)[:, :n]
    offsets = np.arange(n_samples)[:, None] * n
    return np.bincount((members + offsets).ravel(), minlength=n_samples * n).reshape(n_samples, n)


def block_length_of(rdms: npt.NDArray[np.float64]) -> int:
    """Number of neighbours that depend on each other, for stimuli in order on a circle.

    Three times the distance, in stimuli, at which the mean dissimilarity is half way between that of neighbours and its
    maximum; at most a sixth of the stimuli, so that a sample has at least six blocks.

    Parameters
    ----------
    rdms : ndarray, shape (n_rdms, n_stimuli, n_stimuli)
    """
    n_stimuli = rdms.shape[-1]
    return int(np.clip(3 * _half_way(_by_distance(rdms).mean(axis=1)), 1, max(1, n_stimuli // 6)))


def _by_distance(rdms: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean dissimilarities over RDMs of each stimulus and those so many places further, (n_stimuli // 2, n_stimuli)."""
    n_stimuli = rdms.shape[-1]
    circle, mean = np.arange(n_stimuli), rdms.mean(axis=0)
    return np.stack([mean[circle, (circle + lag) % n_stimuli] for lag in range(1, n_stimuli // 2 + 1)])


def _half_way(profile: npt.NDArray[np.float64]) -> int:
    """Distance, in stimuli, at which the mean dissimilarity is half way between that of neighbours and its maximum."""
    return int(np.flatnonzero(profile >= (profile[0] + profile.max()) / 2)[0]) + 1


def tiles_range(rdms: npt.NDArray[np.float64], positions: npt.ArrayLike | None = None) -> bool:
    """Whether stimuli in order on a circle tile it: between neighbours, there are no stimuli that would add anything.

    They do if the largest gap is at most half the distance over which the mean dissimilarity rises half way from that
    of neighbours to its maximum. Such stimuli are not a sample from more: they are all there are. Of evenly spaced
    ones, this must be the third place or a later one: where narrow tuning is sampled coarsely, it is the second. And
    neighbours must be more alike than others, by six standard errors: noise alone has no such rise.

    Parameters
    ----------
    rdms : ndarray, shape (n_rdms, n_stimuli, n_stimuli)
        Of the recording; their mean decides.
    positions : array_like, shape (n_stimuli,), optional
        Of the stimuli around the circle, ascending, in degrees of 360; evenly spaced by default.

    Raises
    ------
    InputError
        If positions are not ascending within one turn, or not one for each stimulus.

    Examples
    --------
    >>> angle = np.deg2rad(np.arange(0, 360, 10))
    >>> smooth = 1 - np.cos(angle[:, None] - angle)  # half way at 90 degrees
    >>> tiles_range(smooth[None]), tiles_range(1 - np.eye(36)[None])
    (True, False)
    >>> tiles_range(smooth[None, ::9, ::9])  # four stimuli, 90 degrees apart
    False
    """
    return not why_not_tiled(rdms, positions)


def why_not_tiled(rdms: npt.NDArray[np.float64], positions: npt.ArrayLike | None = None) -> str:
    """Why stimuli do not tile their circle, or are not known to, as a clause; empty if they do.

    See :func:`tiles_range`.

    Examples
    --------
    >>> angle = np.deg2rad(np.arange(0, 360, 90))
    >>> why_not_tiled((1 - np.cos(angle[:, None] - angle))[None])
    'the largest gap between neighbours is 25 % of the circle, and at most 12.5 % would do (half the distance over which dissimilarities rise half way from neighbours to their maximum)'
    >>> why_not_tiled(1 - np.eye(36)[None])
    'dissimilarities do not rise with the distance between stimuli by six standard errors, so that noise alone may explain the rise'
    """  # noqa: E501 (a clause is a line of its own)
    n_stimuli = rdms.shape[-1]
    gaps = steps_around(n_stimuli, positions)
    dissimilarity = _by_distance(rdms)
    profile = dissimilarity.mean(axis=1)
    reach = (_half_way(profile) - 1) * 360 / n_stimuli  # the mean distance from neighbours, which are one place apart
    error = dissimilarity[0].std(ddof=1) / np.sqrt(n_stimuli)
    if not profile.max() - profile[0] > SURE_RISE * error:
        return (
            "dissimilarities do not rise with the distance between stimuli by six standard errors, so that noise alone "
            "may explain the rise"
        )
    if gaps.max() <= reach / 2 + 1e-9:
        return ""
    largest, most = (f"{share:.3g} %" for share in (gaps.max() / 3.6, reach / 7.2))
    return (
        f"the largest gap between neighbours is {largest} of the circle, and at most {most} would do (half the "
        "distance over which dissimilarities rise half way from neighbours to their maximum)"
    )


def inflation(weights: Counts, order: int = 1) -> tuple[float, ...]:
    r"""Factor by which samples with these weights multiply the variance of a mean over members, and over pairs of them.

    A mean over members with independent values of variance :math:`\\sigma^2` has variance :math:`\\sigma^2 / n`; over
    samples in which member i has the share :math:`u_i` it varies by :math:`\\sigma^2 \\sum_i Var(u_i)` in expectation.
    The ratio is 1 - 1/n for counts of n draws. For pairs of different members, whose shares are products, it is
    about 3.

    Parameters
    ----------
    weights : ndarray of int, shape (n_samples, n_members)
    order : int
        1, or 2 to include pairs.

    Returns
    -------
    tuple of float
        For members, and for pairs if `order` is 2.

    Examples
    --------
    >>> counts = draw_counts(20, 5000, np.random.default_rng(0))
    >>> [round(value, 2) for value in inflation(counts)]
    [0.95]
    """
    n_samples, n = weights.shape
    if order == 1:
        shares = weights / weights.sum(axis=1, keepdims=True)
        return (float(n * shares.var(axis=0, ddof=1).sum()),)
    if n > MANY_STIMULI:
        return _inflation_of_many(weights.astype(np.float64))
    rows, columns = np.triu_indices(n, k=1)
    sums, squares = np.zeros(len(rows)), np.zeros(len(rows))
    of_member = np.empty((n_samples, n))
    step = max(1, 2**22 // len(rows))
    with np.errstate(invalid="ignore"):
        for start in range(0, n_samples, step):
            part = weights[start : start + step].astype(np.float64)
            total = (part.sum(axis=1) ** 2 - (part**2).sum(axis=1))[:, None] / 2
            pairs = np.nan_to_num(part[:, rows] * part[:, columns] / total)
            sums += pairs.sum(axis=0)
            squares += np.einsum("bp,bp->p", pairs, pairs)
            of_member[start : start + step] = np.nan_to_num(part * (part.sum(axis=1, keepdims=True) - part) / total)
    own = n / 4 * of_member.var(axis=0, ddof=1).sum()
    between = len(rows) * ((squares - sums**2 / n_samples) / (n_samples - 1)).sum()
    return float(own), float(between)


def _inflation_of_many(weights: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The same without a share for every pair of members in every sample.

    The squares of the pairs' mean shares add up to squared products of two samples' weights.
    """
    n_samples, n = weights.shape
    total = total_of_pairs(weights)
    scaled = weights / np.sqrt(total)[:, None]
    squares = np.square(scaled)
    of_pairs = (squares.sum(axis=1) ** 2 - np.square(squares).sum(axis=1)).sum() / 2
    of_sums = (np.square(scaled @ scaled.T).sum() - np.square(squares.sum(axis=0)).sum()) / 2
    shares = weights * (weights.sum(axis=1, keepdims=True) - weights) / total[:, None]
    own = n / 4 * shares.var(axis=0, ddof=1).sum()
    return float(own), float(n * (n - 1) / 2 * (of_pairs - of_sums / n_samples) / (n_samples - 1))


def _multiplied(name: str, values: Sequence[float], part: Mapping[str, int]) -> float:
    """By how much a factor's draws multiply the variance of a part, whose orders are given by factor.

    Trials that are drawn for each group of neurons by itself ("neurons x trials") multiply what depends on trials: all
    of it, if it depends on neurons too, otherwise the last of `values` of it.
    """
    if " x " not in name:
        return (0.0, *values)[part[name]]
    neurons, trials = name.split(" x ")
    *own, rest = values
    return (0.0, *own)[part[trials]] * (1.0 if part[neurons] else rest)


def _of_row(row: Mapping[str, Sequence[float]], part: Mapping[str, int]) -> float:
    """By how much a bootstrap multiplies the variance of a part."""
    others = float(np.prod([1 + _multiplied(f, values, part) for f, values in row.items() if f != DIFFERENCES]))
    return others * (0.0, *row[DIFFERENCES])[part[DIFFERENCES]] if DIFFERENCES in row else others - 1


def total_variance(
    variances: npt.ArrayLike,
    inflations: Sequence[Mapping[str, Sequence[float]]],
    sizes: Mapping[str, float],
    noise: npt.NDArray[np.float64] | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    r"""Variance of an estimate that depends on several random factors, from bootstraps over each set of them.

    A bootstrap gives each of a factor's members a random weight of mean 1 and variance s, about 1. The part of an
    estimate that depends on k members at once then varies by :math:`(1 + s)^k - 1` times its true variance; with
    several factors these multiply, :math:`\\prod_f (1 + s_f)^{k_f} - 1`. So the ordinary bootstrap triples the variance
    of parts that depend on an animal and a stimulus together, which Schuett et al. (2023) correct, and also of parts
    that depend on two stimuli, such as the noise of each dissimilarity. Bootstraps with two different s distinguish a
    factor's orders. The non-negative variances of the parts solve these equations, and their sum is the total variance.
    With one order each, this is the correction of Schuett et al. including that for small samples.

    Parameters
    ----------
    variances : array_like, shape (n_bootstraps, ...)
        Variance of the estimate in each bootstrap.
    inflations : sequence of mapping of str to sequence of float
        For each bootstrap and each resampled factor, by how much the variance of the parts of order 1, 2, ... is
        multiplied; see :func:`inflation`. Of a bootstrap over "neurons", by how much that of the differences from all
        neurons is (:meth:`normenc.rsa.neuron_parts.NeuronDraws.differences`), of which parts without neurons have none.
        The name "neurons x trials" stands for trials that are drawn for each group of neurons by itself; its last
        number is one over the number of groups.
    sizes : mapping of str to float
        Number of members of each factor, for the degrees of freedom.
    noise : ndarray, shape (n_bootstraps, n_bootstraps, ...), optional
        Covariance of the relative errors of `variances`, of which samples that are not many know less; by default 0.

    Returns
    -------
    variance, dof : ndarray, shape (...)
        dof after Welch and Satterthwaite, of factors and samples, at least 1; those of factors alone are between that
        of the smallest factor and the sum of all.

    References
    ----------
    Schuett, Kipnis, Diedrichsen & Kriegeskorte, "Statistical inference on representational geometries", eLife 2023.
    Efron & Stein, Ann. Stat. 1981, on the parts of a variance by order.

    Examples
    --------
    >>> inflations = [{"a": [1.0]}, {"b": [1.0]}, {"a": [1.0], "b": [1.0]}]
    >>> variance, _ = total_variance([2.0, 1.0, 3.5], inflations, {"a": 50, "b": 50})
    >>> round(float(variance), 9)  # 2 (2 + 1) - 3.5
    2.5
    """
    observed = np.asarray(variances, dtype=np.float64)
    parts, solved, shares = parts_of_variance(observed.reshape(len(inflations), -1), inflations, sizes)
    total = solved.sum(axis=0)
    # Parts that depend on several members are treated as no more precise than single ones: leaving them out gives more
    # degrees of freedom, and a type-I error of 0.08 with many animals and little noise.
    own = {f: solved[[part[f] > 0 for part in parts]].sum(axis=0) for f in parts[0]}
    smallest, largest = min(sizes.values()) - 1, sum(sizes.values()) - len(sizes)
    with np.errstate(divide="ignore", invalid="ignore"):
        dof = total**2 / sum(value**2 / (sizes[f] - 1) for f, value in own.items())
    dof = np.clip(np.where(np.isfinite(dof), dof, smallest), smallest, largest)
    if noise is not None:  # a variance with this many degrees of freedom varies by 2 / dof of its square
        squared = np.einsum("ak,abk,bk->k", shares, noise.reshape(*noise.shape[:2], -1), shares)
        dof = 1 / (1 / dof + np.divide(squared / 2, total**2, out=np.zeros_like(total), where=total > 0))
        dof = np.maximum(dof, 1)
    return total.reshape(observed.shape[1:]), dof.reshape(observed.shape[1:])


def parts_of_variance(
    variances: npt.NDArray[np.float64], inflations: Sequence[Mapping[str, Sequence[float]]], sizes: Mapping[str, float]
) -> tuple[list[dict[str, int]], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The parts of :func:`total_variance`: on how many members of each factor they depend, and their variances.

    Parameters
    ----------
    variances : ndarray, shape (n_bootstraps, n_estimates)
    inflations, sizes
        See :func:`total_variance`.

    Returns
    -------
    parts : list of dict
    variance : ndarray, shape (n_parts, n_estimates)
        NaN for estimates whose variance is undefined in any bootstrap.
    shares : ndarray, shape (n_bootstraps, n_estimates)
        By how much each bootstrap, in proportion to its variance, adds to the sum of the parts.

    Examples
    --------
    >>> inflations = [{"a": [1.0]}, {"b": [1.0]}, {"a": [1.0], "b": [1.0]}]
    >>> parts, variance, shares = parts_of_variance(np.array([[2.0], [1.0], [3.5]]), inflations, {"a": 50, "b": 50})
    >>> [(part["a"], part["b"], round(float(own), 9)) for part, own in zip(parts, variance[:, 0], strict=True)]
    [(0, 1, 0.5), (1, 0, 1.5), (1, 1, 0.5)]
    >>> shares[:, 0].round(9).tolist()
    [4.0, 2.0, -3.5]
    """
    orders = {f: len(row[f]) for f in sizes for row in inflations if f in row}
    parts = [dict(zip(orders, k, strict=True)) for k in product(*(range(n + 1) for n in orders.values())) if any(k)]
    system = np.array([[_of_row(row, part) for part in parts] for row in inflations])
    solved, shares = (np.full((n, variances.shape[1]), np.nan) for n in (len(parts), len(variances)))
    for column, values in enumerate(variances.T):
        if np.isfinite(values).all():
            none = values <= ROUNDING * values.max(initial=0)  # then none of the parts that it would contain is there
            there = ~(system[none] > 0).any(axis=0)
            solved[:, column] = shares[:, column] = 0
            if there.any() and not none.all():
                scale = 1 / values[~none]  # every bootstrap has the same relative precision
                scaled = system[~none] * scale[:, None]
                solved[there, column] = nnls(scaled[:, there], values[~none] * scale)[0]
                found = scaled[:, solved[:, column] > 0]
                shares[~none, column] = np.linalg.lstsq(found.T, np.ones(found.shape[1]))[0]
    return parts, solved, shares
