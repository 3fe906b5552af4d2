"""Low-dimensional embeddings of a population's responses."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array, as_responses
from normenc.errors import InputError

__all__ = [
    "N_COMPONENTS",
    "embed",
    "embed_components",
    "embed_rdm",
    "principal_components",
    "principal_components_of_rdm",
]

N_COMPONENTS = 20
MANY_STIMULI = 1000
PERPLEXITY = 30.0
MIN_STIMULI = 4


def embed(responses: Any, seed: int = 0) -> npt.NDArray[np.float64]:
    """Two-dimensional embedding of the stimuli: PCA to min(20, units, stimuli) dimensions, then t-SNE.

    In a t-SNE embedding only neighbourhoods are meaningful; the sizes of clusters, and distances between them, are not.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
        NumPy array, torch tensor or xarray object, at least 4 stimuli.
    seed : int
        Seeds the PCA (where it is randomised) and the t-SNE.

    Returns
    -------
    ndarray, shape (n_stimuli, 2)
        Arbitrary units. The perplexity is 30, or a third of the number of other stimuli if there are fewer than 91
        stimuli.

    Raises
    ------
    InputError
        When there are fewer than 4 stimuli, values are not finite, or all stimuli evoke the same response.

    References
    ----------
    van der Maaten & Hinton, "Visualizing data using t-SNE", J. Mach. Learn. Res. 2008.

    Examples
    --------
    >>> angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    >>> embed(np.stack([np.cos(angle), np.sin(angle)], axis=1)).shape
    (12, 2)
    """
    return embed_components(principal_components(responses, N_COMPONENTS, seed), seed)


def embed_rdm(rdm: Any, seed: int = 0) -> npt.NDArray[np.float64]:
    """Like :func:`embed`, for a population known only by its correlation RDM.

    One minus a correlation RDM is the Gram matrix of the response patterns, each z-scored over units. Its double
    centring and eigendecomposition (classical scaling) give those patterns' principal components.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
        Correlation distances, at least 4 stimuli.
    seed : int
        Seeds the t-SNE.

    Returns
    -------
    ndarray, shape (n_stimuli, 2)

    Raises
    ------
    InputError
        When there are fewer than 4 stimuli, or the matrix is not square and finite.
    """
    return embed_components(principal_components_of_rdm(rdm, N_COMPONENTS), seed)


def embed_components(components: Any, seed: int = 0) -> npt.NDArray[np.float64]:
    """Like :func:`embed`, from given principal components.

    Parameters
    ----------
    components : array_like, shape (n_stimuli, n_components)
        For example the first 20 from :func:`principal_components`.
    seed : int
        Seeds the t-SNE.

    Returns
    -------
    ndarray, shape (n_stimuli, 2)

    Examples
    --------
    >>> responses = np.random.default_rng(0).normal(size=(12, 5))
    >>> bool((embed_components(principal_components(responses, 20)) == embed(responses)).all())
    True
    """
    return _tsne(as_array(components, "components"), seed)


def principal_components(responses: Any, n_components: int = 3, seed: int = 0) -> npt.NDArray[np.float64]:
    """Principal components of the stimuli's responses.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
    n_components : int
    seed : int
        Seed of the randomised PCA, which is used for many stimuli and units.

    Returns
    -------
    ndarray, shape (n_stimuli, min(n_components, n_units, n_stimuli))

    Raises
    ------
    InputError
        See :func:`embed`.

    Examples
    --------
    >>> principal_components([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0], [9.0, 12.0]], 1).round(6).ravel().tolist()
    [-7.5, -2.5, 2.5, 7.5]
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    values = as_responses(responses).astype(np.float64)
    _check_stimuli(values)
    if np.all(values == values[0]):
        raise InputError("all stimuli evoke the same response; there is nothing to embed")
    with threadpool_limits(_threads(len(values))):
        return PCA(min(n_components, *values.shape), random_state=seed).fit_transform(values)


def principal_components_of_rdm(rdm: Any, n_components: int = 3) -> npt.NDArray[np.float64]:
    """Like :func:`principal_components`, for a population known only by its correlation RDM; see :func:`embed_rdm`.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli)
    n_components : int

    Returns
    -------
    ndarray, shape (n_stimuli, min(n_components, n_stimuli))
        Principal components of the patterns z-scored over units; signs are arbitrary.

    Raises
    ------
    InputError
        When there are fewer than 4 stimuli, or the matrix is not square and finite.

    Examples
    --------
    >>> from normenc import rsa
    >>> responses = np.random.default_rng(0).normal(size=(6, 40))
    >>> z = (responses - responses.mean(axis=1, keepdims=True)) / responses.std(axis=1, keepdims=True)
    >>> known, embedded = principal_components(z), principal_components_of_rdm(rsa.rdm(responses))
    >>> bool(np.allclose(np.abs(known) / np.sqrt(40), np.abs(embedded)))
    True
    """
    from threadpoolctl import threadpool_limits

    distances = as_array(rdm, "the RDM").astype(np.float64)
    if distances.ndim != 2 or distances.shape[0] != distances.shape[1] or not np.isfinite(distances).all():
        raise InputError(f"the RDM has shape {distances.shape}; it must be square and finite")
    _check_stimuli(distances)
    gram = 1 - distances
    gram = gram - gram.mean(axis=0) - gram.mean(axis=1, keepdims=True) + gram.mean()
    with threadpool_limits(_threads(len(gram))):
        variances, directions = np.linalg.eigh(gram)
    largest = np.argsort(variances)[::-1][:n_components]
    return directions[:, largest] * np.sqrt(np.maximum(variances[largest], 0))


def _tsne(components: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if components.shape[1] == 1:  # t-SNE starts from two components
        components = np.pad(components, ((0, 0), (0, 1)))
    perplexity = min(PERPLEXITY, (len(components) - 1) / 3)
    with threadpool_limits(_threads(len(components))), warnings.catch_warnings():
        # Identical responses give distances of zero; t-SNE handles them, with a warning.
        warnings.simplefilter("ignore", RuntimeWarning)
        return TSNE(perplexity=perplexity, random_state=seed).fit_transform(components).astype(np.float64)


def _threads(n_stimuli: int) -> int | None:
    """One, unless there are many stimuli: with few, threads wait for each other longer than they work.

    The last digits, which t-SNE may amplify, are then the same on every machine with the same libraries.
    """
    return 1 if n_stimuli < MANY_STIMULI else None


def _check_stimuli(values: npt.NDArray[np.float64]) -> None:
    if len(values) < MIN_STIMULI:
        raise InputError(f"there are {len(values)} stimuli; an embedding needs at least {MIN_STIMULI}")
