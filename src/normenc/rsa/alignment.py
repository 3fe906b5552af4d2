"""Direct similarity of two representations: how well one can be aligned with the other.

All functions take responses to the same stimuli in the same order, shape (n_stimuli, n_units); units may differ in
number and meaning. Each unit's mean over stimuli is subtracted first. If both inputs have stimulus labels (xarray,
pandas), they must agree.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.kernels import u_centred
from normenc.rsa.paired import checked_pair, coordinates

__all__ = [
    "ALIGNMENTS",
    "angular_distance",
    "compare_representations",
    "linear_cka",
    "procrustes_distance",
    "pwcca",
    "svcca",
]

Floats = npt.NDArray[np.float64]
FLAT = 1e-13  # of a kernel's square; below this the debiased kernel is only rounding error
ALIGNMENTS = ("linear-cka", "debiased-cka", "procrustes", "angular", "svcca", "pwcca")


def compare_representations(x: Any, y: Any, method: str = "linear-cka") -> float:
    """Compare two representations by one of :data:`ALIGNMENTS`.

    Higher is more similar for "linear-cka", "debiased-cka", "svcca" and "pwcca"; **lower** is for the distances
    "procrustes" and "angular".

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
        NumPy arrays, torch tensors, xarray or pandas objects, any unit of response; the same stimuli in the same order.
    method : str
        One of :data:`ALIGNMENTS`.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If the method is unknown, and as the method itself.

    Examples
    --------
    >>> round(compare_representations([[1, 0], [0, 1], [0, 0]], [[2], [0], [0]], "linear-cka"), 3)
    0.791
    """
    functions = {
        "linear-cka": linear_cka,
        "debiased-cka": lambda a, b: linear_cka(a, b, debiased=True),
        "procrustes": procrustes_distance,
        "angular": angular_distance,
        "svcca": svcca,
        "pwcca": pwcca,
    }
    if method not in ALIGNMENTS:
        raise InputError(f"method is {method!r}; it must be one of {', '.join(ALIGNMENTS)}")
    return float(functions[method](x, y))


def linear_cka(x: Any, y: Any, *, debiased: bool = False) -> float:
    r"""Linear centred kernel alignment: 0 to 1, higher is more similar.

    :math:`|X^T Y|_F^2 / (|X^T X|_F |Y^T Y|_F)` of centred responses; it equals the whitened cosine of their squared
    Euclidean RDMs. It does not change when a representation is rotated or scaled. With more units than stimuli it is
    high for noise too; the debiased form (-1 to 1, 0 on average for unrelated noise) is not.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    debiased : bool
        Estimate each inner product of kernels without bias, from pairs of different stimuli alone.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If stimuli differ, are fewer than 3 (debiased: 4), all evoke the same response (debiased: or are all equally far
        apart), or responses are not finite.

    References
    ----------
    Kornblith et al., "Similarity of neural network representations revisited", ICML 2019; Song et al., "Feature
    selection via dependence maximization", J. Mach. Learn. Res. 2012, equation 4 (debiased); Diedrichsen et al.,
    "Comparing representational geometries using whitened unbiased-distance-matrix similarity", Neurons Behav. Data
    Anal. Theory 2021 (whitened cosine).

    Examples
    --------
    >>> x = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]
    >>> round(linear_cka(x, [[0.0, 2.0], [-2.0, 0.0], [0.0, 0.0]]), 12)  # rotated and scaled
    1.0
    """
    first, second = checked_pair(x, y, 4 if debiased else 3)
    if len(first) > max(first.shape[1], second.shape[1]):  # use the smaller matrices: units x units, or the kernels
        return _cka_of_units(first, second, debiased)
    kernels = [v @ v.T for v in (first, second)]
    if debiased:
        kernels = [_u_centred(kernel, name) for kernel, name in zip(kernels, ("first", "second"), strict=True)]
    first, second = (kernel / np.linalg.norm(kernel) for kernel in kernels)
    return float(np.clip(np.sum(first * second), -1, 1))


def _cka_of_units(x: Floats, y: Floats, debiased: bool) -> float:
    """The same from products of units, without a stimulus x stimulus matrix."""

    def inner(a: Floats, b: Floats) -> float:
        whole = float(np.square(a.T @ b).sum())
        if not debiased:
            return whole
        # For kernels without their diagonals: the sum of their products, and their row sums.
        n = len(a)
        diagonals = [np.einsum("ij,ij->i", v, v) for v in (a, b)]
        rows = [v @ v.sum(axis=0) - diagonal for v, diagonal in zip((a, b), diagonals, strict=True)]
        between = rows[0].sum() * rows[1].sum() / ((n - 1) * (n - 2)) - 2 * (rows[0] @ rows[1]) / (n - 2)
        return whole - float(diagonals[0] @ diagonals[1]) + float(between)

    squares = [inner(v, v) for v in (x, y)]
    for v, square, name in zip((x, y), squares, ("first", "second"), strict=True):
        if square <= FLAT * np.square(v.T @ v).sum():
            raise _equally_far(name)
    return float(np.clip(inner(x, y) / np.sqrt(squares[0] * squares[1]), -1, 1))


def procrustes_distance(x: Any, y: Any) -> float:
    r"""Procrustes distance: 0 to :math:`\sqrt 2`, **lower** is more similar.

    The residual :math:`|X / |X| - Y Q / |Y||_F` after the best rotation or reflection Q, with the narrower of the two
    padded with zeros: :math:`\sqrt{2 - 2 |X^T Y|_* / (|X| |Y|)}` with the nuclear norm, the sum of singular values. A
    metric.

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
    Williams, Kunz, Kornblith & Linderman, "Generalized shape metrics on neural representations", NeurIPS 2021.

    Examples
    --------
    >>> round(procrustes_distance([[1.0], [0.0], [-1.0]], [[3.0], [0.0], [-3.0]]), 6)
    0.0
    """
    first, second = (coordinates(v) / np.linalg.norm(v) for v in checked_pair(x, y))
    if first.shape[1] < second.shape[1]:
        first, second = second, first
    left, _, right = np.linalg.svd(second.T @ first, full_matrices=False)
    # The residual is computed directly, since 2 minus nearly 2 would lose half the digits of a small distance.
    return float(min(np.linalg.norm(first - second @ (left @ right)), np.sqrt(2)))


def angular_distance(x: Any, y: Any) -> float:
    r"""Angle between two representations after the best rotation: 0 to :math:`\pi / 2`, **lower** is more similar.

    :math:`\arccos(|X^T Y|_* / (|X| |Y|))`, with the nuclear norm; a metric.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)

    Returns
    -------
    float
        Radians.

    Raises
    ------
    InputError
        As :func:`procrustes_distance`.

    References
    ----------
    Williams, Kunz, Kornblith & Linderman, "Generalized shape metrics on neural representations", NeurIPS 2021.

    Examples
    --------
    >>> round(angular_distance([[1.0], [0.0], [-1.0]], [[1.0], [-2.0], [1.0]]), 6)  # orthogonal
    1.570796
    """
    return float(2 * np.arcsin(procrustes_distance(x, y) / 2))


def svcca(x: Any, y: Any, *, explained_variance: float = 0.99) -> float:
    """Mean canonical correlation of the two representations' main components: 0 to 1, higher is more similar.

    Each is reduced to the principal components that explain this fraction of its variance; the mean is over as many
    correlations as the smaller of the two numbers kept. It does not change under any invertible linear map of the
    components. Where k and l are kept, at least k + l + 1 - n_stimuli of the correlations are 1 for any responses,
    noise too: have many more stimuli than components.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    explained_variance : float
        Above 0, at most 1.

    Returns
    -------
    float

    Raises
    ------
    InputError
        When stimuli differ or are too few (with as many components as stimuli but one, any two representations
        correlate perfectly), when all evoke the same, or responses are not finite.

    References
    ----------
    Raghu, Gilmer, Yosinski & Sohl-Dickstein, "SVCCA: singular vector canonical correlation analysis for deep learning
    dynamics and interpretability", NeurIPS 2017.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> round(svcca(x, x @ [[1, 2, 0], [0, 1, 5], [1, 0, 1]], explained_variance=1), 6)
    1.0
    """
    return float(_canonical(x, y, explained_variance)[0].mean())


def pwcca(x: Any, y: Any, *, explained_variance: float = 0.99) -> float:
    r"""Projection-weighted canonical correlation: 0 to 1, higher is more similar.

    Like :func:`svcca`, each canonical correlation weighted by how much of the **first** representation lies along its
    direction, :math:`\alpha_i = \sum_j |h_i \cdot x_j|` over its canonical variates h and principal components x, so
    that pwcca(x, y) and pwcca(y, x) differ.

    Parameters
    ----------
    x, y : array_like, shape (n_stimuli, n_x) and (n_stimuli, n_y)
    explained_variance : float
        Above 0, at most 1.

    Returns
    -------
    float

    Raises
    ------
    InputError
        As :func:`svcca`.

    References
    ----------
    Morcos, Raghu & Bengio, "Insights on representational similarity in neural networks with canonical correlation",
    NeurIPS 2018; of components, not units, so that a rotation changes nothing.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(20, 3))
    >>> round(pwcca(x, 2 * x[:, ::-1], explained_variance=1), 6)
    1.0
    """
    correlations, directions, first = _canonical(x, y, explained_variance)
    weights = np.abs(directions.T @ first).sum(axis=1)
    return float(weights @ correlations / weights.sum())


def _u_centred(kernel: Floats, name: str) -> Floats:
    """The kernel, projected so that inner products have no bias: HSIC_1 but for a factor, so -1 to 1 if normalised."""
    centred = u_centred(kernel)
    if np.linalg.norm(centred) <= 100 * len(kernel) * np.finfo(float).eps * np.linalg.norm(kernel):
        raise _equally_far(name)
    return centred


def _equally_far(name: str) -> InputError:
    return InputError(
        f"stimuli of the {name} representation are all equally far apart, except for a component unique to each "
        "stimulus, so that the debiased alignment is undefined; use linear-cka, or a representation in which some "
        "stimuli are closer"
    )


def _canonical(x: Any, y: Any, explained_variance: float) -> tuple[Floats, Floats, Floats]:
    """Canonical correlations, the first representation's directions (n_stimuli, k), and its reduced responses."""
    if not 0 < explained_variance <= 1:
        raise InputError(f"explained_variance is {explained_variance}; it must be above 0 and at most 1")
    first, second = checked_pair(x, y)
    found = canonical(first, second, explained_variance)
    if isinstance(found, tuple):
        return found
    raise InputError(
        f"{found} components for {len(first)} stimuli: any two such representations correlate perfectly; lower "
        f"explained_variance ({explained_variance:g}), or use more stimuli"
    )


def canonical(x: Floats, y: Floats, explained_variance: float) -> tuple[Floats, Floats, Floats] | int:
    """The same of centred responses; where there are too many components for any answer, their number."""
    bases, reduced = [], []
    for values in (x, y):
        left, scale, _ = np.linalg.svd(coordinates(values), full_matrices=False)
        scale = scale[scale > scale[0] * max(values.shape) * np.finfo(float).eps]
        share = np.cumsum(scale**2) / np.sum(scale**2)
        n = len(scale)
        if explained_variance < 1:  # with 1 every component counts, however small
            n = min(int(np.searchsorted(share, explained_variance)) + 1, n)
        if n >= len(values) - 1 or n == 0:
            return n
        bases.append(left[:, :n])
        reduced.append(left[:, :n] * scale[:n])
    rotation, correlations, _ = np.linalg.svd(bases[0].T @ bases[1], full_matrices=False)
    return np.clip(correlations, 0, 1), bases[0] @ rotation, reduced[0]
