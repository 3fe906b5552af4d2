"""One model against each other: the paired tests of :func:`normenc.rsa.infer`, without the rest of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from normenc.rsa.bootstrap import bootstrap, of_scope
from normenc.rsa.contrasts import Contrasts
from normenc.rsa.inputs import Inputs
from normenc.rsa.measures import Method, as_measure
from normenc.rsa.resampling import block_length_of
from normenc.rsa.scopes import asked_scope

__all__ = ["against_others"]


def against_others(
    models: Mapping[str, Any],
    name: str,
    *,
    data: Any = None,
    responses: Any = None,
    method: Method = "pearson",
    ordered: bool = False,
    positions: Any = None,
    n_samples: int = 1000,
    seed: int = 0,
) -> tuple[pd.Series, pd.DataFrame]:
    """Similarities of all models, and the paired tests of one of them with each other.

    The numbers are those of :func:`normenc.rsa.infer` with the same arguments, which also computes noise ceilings,
    tests against chance and all other pairs.

    Parameters
    ----------
    models, data, responses, method, ordered, positions, n_samples, seed
        See :func:`normenc.rsa.infer`, whose default scope is used.
    name : str
        One of `models`.

    Returns
    -------
    similarity : Series
        By model; NaN if it has none.
    pairs : DataFrame
        A row for each other model: ``other``, ``difference`` (positive if `name` is more similar), ``p`` (two-sided,
        uncorrected).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patterns = rng.normal(size=(20, 30))
    >>> from normenc.rsa import rdm
    >>> animals = [rdm(patterns + rng.normal(size=(20, 30))) for _ in range(5)]
    >>> models = {"same": rdm(patterns), "other": rdm(rng.normal(size=(20, 30)))}
    >>> similarity, pairs = against_others(models, "same", data=animals, n_samples=200)
    >>> similarity.idxmax(), bool(pairs["p"][0] < 0.05)
    ('same', True)
    """
    measure = as_measure(method)
    given = Inputs.of(models, data, responses, None, "correlation", (None, None), seed)
    flat = given.flat(measure)
    inputs = given.without(flat)
    factors = asked_scope(inputs, None, ordered=ordered, positions=positions).drawn
    blocks = block_length_of(inputs.matrices) if ordered and "stimuli" in factors else None
    samples = bootstrap(inputs, [factors], measure, "none", None, n_samples=n_samples, block_length=blocks, seed=seed)
    samples = of_scope(samples, factors)
    estimate = np.append(inputs.estimate(measure), [np.nan, np.nan])  # no ceilings
    summary = Contrasts.of(samples, inputs.sizes(factors), blocks, estimate).with_unknown(given.names, flat)
    place = given.names.index(name)
    others = [other for other in range(len(given.names)) if other != place]
    weights = -np.eye(len(given.names) + 2)[others]
    weights[:, place] = 1
    pairs = pd.DataFrame({"other": [given.names[other] for other in others]})
    pairs["difference"] = summary.estimate[place] - summary.estimate[others]
    pairs["p"] = summary.of_weights(weights)[4] if others else np.empty(0)
    return pd.Series(summary.estimate[:-2], index=given.names), pairs
