r"""Similarity of the kernels of two representations, in samples of stimuli and of units.

A kernel holds the products of the responses to every two stimuli. Products of two kernels are sums over tuples of
stimuli; the unbiased ones leave out tuples in which a stimulus stands twice, also as a copy in a bootstrap sample.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.paired import checked_pair, coordinates

__all__ = [
    "bures",
    "bures_similarity",
    "corrected_cka",
    "kernel_products",
    "products_of_units",
    "sample_of",
    "u_centred",
]

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[Any] | None
FLAT = 1e-13  # of what it is a difference of; a square below is only rounding error
LEAST_UNBIASED = 4  # stimuli


def bures_similarity(x: Any, y: Any) -> float:
    r"""Normalised Bures similarity: 0 to 1, higher is more similar.

    The fidelity of the two centred kernels K and L,
    :math:`\mathrm{tr} \sqrt{\sqrt K L \sqrt K} / \sqrt{\mathrm{tr} K \, \mathrm{tr} L}`, which is
    :math:`|X^T Y|_* / (|X| |Y|)`: the cosine after the best rotation, whose angle is
    :func:`normenc.rsa.angular_distance`, and 1 minus half the squared :func:`normenc.rsa.procrustes_distance`.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)

    Returns
    -------
    float

    Raises
    ------
    InputError
        If stimuli differ, are fewer than 3, or all evoke the same response, or responses are not finite.

    References
    ----------
    Tang, Maddox, Dickens, Diethe & Damianou, "Similarity of neural networks with gradients", arXiv 2020; Harvey, Larsen
    & Williams, "Duality of Bures and shape distances with implications for comparing neural representations", UniReps
    2023.

    Examples
    --------
    >>> round(bures_similarity([[1.0], [0.0], [-1.0]], [[3.0], [0.0], [-3.0]]), 12)
    1.0
    """
    return bures(*checked_pair(x, y))


def bures(x: Floats, y: Floats, weights: Weights = None, neurons: Weights = None) -> float:
    """:func:`bures_similarity` in a sample with these weights of stimuli and of the units of y; NaN if undefined."""
    first, second = sample_of(x, weights), sample_of(y, weights, neurons)
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    if not lengths:
        return float("nan")
    products = coordinates(first).T @ coordinates(second)
    return float(min(np.linalg.svd(products, compute_uv=False).sum() / lengths, 1.0))


def sample_of(values: Floats, weights: Weights, units: Weights = None) -> Floats:
    """Centred responses whose products are those of a sample with these weights of stimuli and of units."""
    if units is not None:
        values = values[:, units > 0] * np.sqrt(units[units > 0])
    if weights is None:
        return values
    values, share = values[weights > 0], (weights[weights > 0] / weights.sum())[:, None]
    return np.asarray((values - (share * values).sum(axis=0)) * np.sqrt(share))


def corrected_cka(x: Any, y: Any, *, sampled: str = "both", same_units: bool = False) -> float:
    r"""Linear CKA of populations of which only some units, and some stimuli, were sampled; higher is more similar.

    As debiased CKA, each product of kernels is estimated from tuples of different stimuli. Beside that, the product of
    a population's kernel with itself leaves out every unit's product with itself, which a population of more units
    would not have:
    :math:`\langle K, K \rangle = \frac{1}{N (N - 1)} \sum_{a \ne b} \langle k_a, k_b \rangle_1`, with :math:`k_a` the
    kernel of unit a and :math:`\langle \cdot, \cdot \rangle_1` the unbiased product (HSIC_1). Noise that is independent
    between units is left out with it.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    sampled : str
        Whose units are a sample of more: ``"both"``, ``"first"`` or ``"second"``, where the units of the other are all
        that there are, such as those of a network's layer.
    same_units : bool
        Whether both are responses of the same units, in this order, such as in two sessions or halves of the trials.
        Their product then leaves out every unit's with itself, too.

    Returns
    -------
    float
        The products have no bias; their ratio has a little for few units or stimuli. By chance it can be above 1, and
        far outside -1 to 1 where units share little, because a product that is nearly 0 is in its denominator.

    Raises
    ------
    InputError
        If stimuli differ, are fewer than 4, or all evoke the same response, if responses are not finite, if both are
        the same responses without `same_units`, or numbers of units differ with it, if a sampled
        population has a single unit, or if what its units share is not above 0, so that there is nothing to compare.

    References
    ----------
    Chun, Canatar, Chung & Lee, "Estimating neural representation alignment from sparsely sampled inputs and features",
    arXiv 2502.15104, 2025; Song et al., J. Mach. Learn. Res. 2012, equation 4 (HSIC_1).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> latent, loadings = rng.normal(size=(200, 3)), rng.normal(size=(2, 3, 20))
    >>> abs(corrected_cka(latent @ loadings[0], latent @ loadings[1]) - 1) < 0.2  # two samples of one population
    True
    """
    if sampled not in ("both", "first", "second"):
        raise InputError(f"sampled is {sampled!r}; it must be 'both', 'first' or 'second'")
    first, second = checked_pair(x, y, LEAST_UNBIASED)
    if same_units and (first.shape != second.shape or sampled != "both"):
        raise InputError(
            f"there are {first.shape[1]} and {second.shape[1]} units, and sampled is {sampled!r}; same_units needs as "
            "many in both, and sampled='both'"
        )
    if not same_units and sampled == "both" and np.array_equal(first, second):
        raise InputError(
            "both representations are the same responses, whose product would count every unit with itself, which a "
            "population of more units would not have; give same_units=True, or responses of different units"
        )
    once = np.ones((1, len(first)))
    squares = []
    for name, values in (("first", first), ("second", second)):
        kernel = values @ values.T
        whole = kernel_products(kernel[None], kernel, once, unbiased=True)[0, 0]
        square = whole
        if sampled in ("both", name):
            if values.shape[1] < 2:
                raise InputError(f"the {name} representation has one unit; a sample needs at least 2 (sampled)")
            square = square - products_of_units(values, once)[0].sum()
            square *= values.shape[1] / (values.shape[1] - 1)
        if square <= FLAT * np.square(kernel).mean():
            raise InputError(
                f"what units of the {name} representation share does not vary more between stimuli than expected by "
                "chance, so that the corrected alignment is undefined; use more units or stimuli, or debiased-cka"
            )
        squares.append(square)
    product = kernel_products((first @ first.T)[None], second @ second.T, once, unbiased=True)[0, 0]
    if same_units:
        product -= products_of_units(first, once, second)[0].sum()
        product *= first.shape[1] / (first.shape[1] - 1)
    return float(product / np.sqrt(squares[0] * squares[1]))


def kernel_products(kernels: Floats, other: Floats, weights: Floats, *, unbiased: bool) -> Floats:
    r"""Products of centred kernels with another one, in samples of the stimuli.

    :math:`A - 2B + C`, with A the mean of :math:`K_{ij} L_{ij}`, B that of :math:`K_{ij} L_{ik}` and C that of
    :math:`K_{ij} L_{kl}`, over all tuples of stimuli, which is the product of the centred kernels; or, unbiased, over
    tuples of different ones (HSIC_1).

    Parameters
    ----------
    kernels : ndarray, shape (n_kernels, n_stimuli, n_stimuli)
    other : ndarray, shape (n_stimuli, n_stimuli)
    weights : ndarray, shape (n_samples, n_stimuli)
        How often each stimulus is in each sample.
    unbiased : bool

    Returns
    -------
    ndarray, shape (n_kernels, n_samples)
        NaN in a sample of too few different stimuli.
    """
    w = np.asarray(weights, dtype=np.float64)
    if not unbiased:
        w = w / w.sum(axis=1, keepdims=True)
        own = w @ other
        values = []
        for kernel in kernels:
            rows = w @ kernel
            a = np.einsum("bi,bi->b", w @ (kernel * other), w)
            c = np.einsum("bi,bi->b", rows, w) * np.einsum("bi,bi->b", own, w)
            values.append(a - 2 * np.einsum("bi,bi,bi->b", w, rows, own) + c)
        return np.stack(values)
    other = _without_diagonal(other)
    own, (two, three, four) = w @ other, _tuples(w)
    whole = np.einsum("bi,bi->b", own, w)
    values = []
    for kernel in kernels:
        kernel = _without_diagonal(kernel)
        both, rows = kernel * other, w @ kernel
        by_pair = w @ both
        pairs = np.einsum("bi,bi->b", by_pair, w)
        doubled = np.einsum("bi,bi->b", by_pair, w**2)  # w_i w_j^2, with a pair counted in both directions
        twice = np.einsum("bi,bi->b", w**2 @ both, w**2)
        b = np.einsum("bi,bi,bi->b", w, rows, own) - doubled
        c = np.einsum("bi,bi->b", rows, w) * whole - 4 * np.einsum("bi,bi,bi->b", w**2, rows, own) + 2 * twice
        values.append(pairs / two - 2 * b / three + c / four)
    return np.stack(values)


def u_centred(kernel: Floats) -> Floats:
    """The kernel without its diagonal, centred so that the sum of its products with another is free of bias (HSIC_1).

    That sum is n (n - 3) times the unbiased product of :func:`kernel_products`.
    """
    n = len(kernel)
    apart = _without_diagonal(kernel)
    rows = apart.sum(axis=0)
    centred = apart - np.add.outer(rows, rows) / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0)
    return np.asarray(centred)


def products_of_units(values: Floats, weights: Floats, other: Floats | None = None) -> Floats:
    """Unbiased products of each unit's own kernel with itself, as :func:`kernel_products`: (n_samples, n_units).

    With `other`, of the same units in other trials: products of a unit's kernel in both.
    """
    x, y = values, values if other is None else other
    w = np.asarray(weights, dtype=np.float64)
    both, (w2, w3, w4) = x * y, (w**k for k in (2, 3, 4))
    sum_x, sum_y, sum_xy = w @ x, w @ y, w @ both
    twice, first, second, square = w2 @ both, w3 @ (both * x), w3 @ (both * y), w4 @ both**2
    two, three, four = (t[:, None] for t in _tuples(w))
    a = sum_xy**2 - w2 @ both**2
    b = sum_xy * (sum_x * sum_y - twice) - (w2 @ (both * x)) * sum_y - (w2 @ (both * y)) * sum_x + 2 * (w3 @ both**2)
    shared = twice * sum_x * sum_y - first * sum_y - second * sum_x + square
    c = (sum_x**2 - w2 @ x**2) * (sum_y**2 - w2 @ y**2) - 4 * shared + 2 * (twice**2 - square)
    return np.asarray(a / two - 2 * b / three + c / four)


def _without_diagonal(kernel: Floats) -> Floats:
    return kernel - np.diag(np.diagonal(kernel))


def _tuples(w: Floats) -> tuple[Floats, Floats, Floats]:
    """Weight of all ordered pairs, triples and quadruples of different stimuli; NaN where there are none."""
    p1, p2, p3, p4 = (np.sum(w**k, axis=1) for k in (1, 2, 3, 4))
    two, three = p1**2 - p2, p1**3 - 3 * p1 * p2 + 2 * p3
    four = p1**4 - 6 * p1**2 * p2 + 3 * p2**2 + 8 * p1 * p3 - 6 * p4
    few = np.count_nonzero(w, axis=1) < LEAST_UNBIASED
    return two, np.where(few, np.nan, three), np.where(few, np.nan, four)
