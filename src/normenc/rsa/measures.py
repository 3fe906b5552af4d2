"""Measures of the similarity of two RDMs: their names, computation and properties.

Functions that compare RDMs accept the name of a measure, a :class:`Measure`, or a user's function, and use the object
that :func:`as_measure` returns. A new measure is one more entry in :data:`MEASURES`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.functions import OfFunction
from normenc.rsa.kendall import Kendall
from normenc.rsa.linear import Linear
from normenc.rsa.one_by_one import Arithmetic
from normenc.rsa.ranked import Spearman
from normenc.rsa.ties import check_spread, is_flat

__all__ = ["MEASURES", "METHODS", "Measure", "Method", "as_measure", "facts_of"]

Floats = npt.NDArray[np.float64]
Flat = Literal["undefined", "defined unless 0", "defined"]
UNBOUNDED = (-np.inf, np.inf)
WHITENING = (
    "Diedrichsen J, Berlot E, Mur M, Schütt HH, Shahbazi M, Kriegeskorte N (2021). Comparing representational "
    "geometries using whitened unbiased-distance-matrix similarity. Neurons, Behavior, Data analysis, and Theory 5(3)."
)


@dataclass(frozen=True)
class Measure:
    """The similarity of two RDMs: a function of their dissimilarities above the diagonal. Higher is more similar.

    A user's function is slow: it is called for each pair of RDMs in each bootstrap sample and each order of the
    stimuli, tens of thousands of times in :func:`normenc.rsa.infer`. Its vectors are read-only.

    Parameters
    ----------
    name : str
        As in tables and settings.
    by : callable, or an implementation in :mod:`normenc.rsa`
        ``f(x, y) -> float`` of two vectors of dissimilarities, shape (n_pairs,) each. It must be symmetric, f(x, y) =
        f(y, x), and leave both vectors as they are. In a bootstrap
        over stimuli the vectors hold each pair of different stimuli as often as it was drawn, so f must not depend on
        the order of pairs; if it does, give `weighted`. Differences below 1e-12 count as zero.
    symbol, phrase, formula : str
        Label on an axis, phrase in a sentence after "compared by", and formula in words. The name by default.
    range : tuple of float
        Lowest and highest value; unbounded by default. Intervals are clipped to it, and a value outside raises an
        error.
    flat : str
        For an RDM whose dissimilarities are all equal: the similarity is undefined (``"undefined"``, the default),
        undefined only if they are 0 (``"defined unless 0"``), or defined (``"defined"``).
    ranks : bool
        Whether only the order of dissimilarities matters.
    whitened : bool
        Whether it accounts for the covariance of dissimilarities, and so needs all pairs of stimuli.
    is_correlation : bool
        Whether the Spearman-Brown formula applies, so that halves of a recording give a noise ceiling. If not (the
        default), only several animals or sessions give one.
    reference : str
        The publication, for the report's methods paragraph.
    weighted : callable, optional
        ``f(x, y, weights) -> float`` in a bootstrap sample, with weights the number of times each pair was drawn; pairs
        that were not drawn are left out.
    best : callable, optional
        ``f(vectors, weights) -> vectors``: transforms RDMs, shape (n_rdms, n_pairs), in a sample with these pair
        counts, so that their average is the RDM most similar to all; for cosines, to unit length. It is used for the
        noise ceiling of several animals; by default the plain mean RDM is used, which may not be the best.

    Examples
    --------
    >>> def shared(x, y):
    ...     "Dissimilarities that both RDMs share, as a part of all."
    ...     return np.minimum(x, y).sum() / np.maximum(x, y).sum()
    >>> from normenc import rsa
    >>> rsa.compare_rdms([[0, 1, 2], [1, 0, 3], [2, 3, 0]], [[0, 1, 1], [1, 0, 4], [1, 4, 0]], shared)
    0.7142857142857143
    >>> measure = Measure("overlap", shared, symbol="overlap", range=(0, 1))
    >>> measure.formula
    'Dissimilarities that both RDMs share, as a part of all.'
    """

    name: str
    by: Any
    symbol: str = ""
    phrase: str = ""
    formula: str = ""
    range: tuple[float, float] = UNBOUNDED
    flat: Flat = "undefined"
    ranks: bool = False
    whitened: bool = False
    is_correlation: bool = False
    reference: str = ""
    weighted: Callable[[Floats, Floats, Floats], float] | None = None
    best: Callable[[Floats, Floats], Floats] | None = None
    arithmetic: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check()
        known = isinstance(self.by, Linear | Arithmetic)
        words = (getattr(self.by, "__doc__", None) or "").strip().partition("\n")[0] if not known else ""
        for name, value in (("symbol", self.name), ("phrase", f"the measure “{self.name}”"), ("formula", words)):
            object.__setattr__(self, name, getattr(self, name) or value)
        own = OfFunction(self.by, self.name, self.range, self.centred, self.weighted, self.best)
        object.__setattr__(self, "arithmetic", self.by if known else own)

    def _check(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InputError(f"the name of a measure is {self.name!r}; it must be a non-empty text")
        if not callable(self.by) and not isinstance(self.by, Linear | Arithmetic):
            raise InputError(f"the measure {self.name!r} is given as {self.by!r}; it must be a function of two vectors")
        if self.flat not in ("undefined", "defined unless 0", "defined"):
            raise InputError(f"flat is {self.flat!r}; it must be 'undefined', 'defined unless 0' or 'defined'")
        if len(self.range) != 2 or not self.range[0] < self.range[1]:
            raise InputError(f"the range of {self.name!r} is {self.range!r}; it must be its lowest and highest value")

    def of_stimuli(self, places: npt.NDArray[np.intp]) -> "Measure":
        """The measure for RDMs of some of the stimuli; another one only where it knows the stimuli."""
        return self

    def register(self) -> "Measure":
        """Make the measure available by name, also in settings.

        Raises
        ------
        InputError
            If the name is taken, or the function is no measure of similarity, see :meth:`try_out`.
        """
        if MEASURES.get(self.name, self) != self:
            raise InputError(f"a different measure is already called {self.name!r}; choose another name")
        MEASURES[self.name] = self.try_out()
        return self

    def try_out(self) -> "Measure":
        """Try a user's function on a few random RDMs; returns the measure itself.

        Raises
        ------
        InputError
            If the function fails, writes into its input, returns anything but a real number, depends on chance or on
            which RDM comes first, or is not higher for an RDM with itself than for unrelated ones.
        """
        if isinstance(self.arithmetic, OfFunction):
            self.arithmetic.try_out()
        return self

    @property
    def centred(self) -> bool | None:
        """True if equal dissimilarities have no similarity, False if only those that are all 0, None if neither."""
        return {"undefined": True, "defined unless 0": False, "defined": None}[self.flat]

    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs, (n_x, n_pairs) and (n_y, n_pairs): shape (n_x, n_y)."""
        return np.asarray(self.arithmetic.compare(x, y))

    def is_undefined(self, vector: Floats) -> bool:
        """Whether an RDM, given as dissimilarities, has no similarity with any other."""
        return self.centred is not None and (not vector.any() or (self.centred and is_flat(vector)))

    def check_defined(self, vectors: Floats, what: str) -> None:
        """Raise InputError if an RDM has no similarity with any other."""
        own = f"similarity by the measure {self.name!r}" if self.by is not self.arithmetic else ""
        check_spread(vectors, centred=self.centred, what=what, noun=own)

    def check_pairs_missing(self, x: Floats, y: Floats) -> None:
        """Raise InputError if the measure needs all pairs and some are missing; x and y contain examples of all."""
        if self.whitened:
            raise InputError(
                f"pairs of stimuli are missing, but method {self.name!r} needs all pairs; leave out stimuli with "
                "missing pairs (normenc.rsa.match_stimuli), or use another method"
            )
        if isinstance(self.arithmetic, OfFunction):
            self.arithmetic.check_order(x, y)

    def clip(self, values: Any) -> Floats:
        """Values clipped to the measure's range."""
        return np.asarray(np.clip(values, *self.range))


Method: TypeAlias = str | Measure | Callable[[Floats, Floats], float]
BOUNDED: dict[str, Any] = {"range": (-1.0, 1.0), "is_correlation": True}
MEASURES: dict[str, Measure] = {}
for _measure in (
    Measure(
        "pearson",
        Linear(centred=True),
        symbol="Pearson r",
        phrase="the Pearson correlation",
        formula="correlation of the dissimilarities",
        **BOUNDED,
    ),
    Measure(
        "spearman",
        Spearman(by_variance=True),
        symbol="Spearman ρ",
        phrase="the Spearman rank correlation",
        formula="Pearson correlation of the ranks; ties share their mean rank",
        ranks=True,
        **BOUNDED,
    ),
    Measure(
        "kendall-tau-a",
        Kendall(),
        symbol="Kendall τ_a",
        phrase="Kendall’s tau-a",
        formula="concordant minus discordant pairs of dissimilarities, divided by all pairs",
        ranks=True,
        **BOUNDED,
    ),
    Measure(
        "rho-a",
        Spearman(by_variance=False),
        symbol="ρ_a",
        phrase="rho-a, the expected Spearman correlation with ties broken at random,",
        formula="Spearman correlation expected when ties are broken at random",
        ranks=True,
        **BOUNDED,
    ),
    Measure(
        "cosine",
        Linear(centred=False),
        symbol="cosine",
        phrase="the cosine",
        formula="cosine of the angle between the dissimilarities",
        flat="defined unless 0",
        **BOUNDED,
    ),
    Measure(
        "whitened-cosine",
        Linear(centred=False, whitened=True),
        symbol="whitened cosine",
        phrase="the whitened cosine",
        formula="cosine in the metric of the inverse covariance of the dissimilarities",
        flat="defined unless 0",
        whitened=True,
        reference=WHITENING,
        **BOUNDED,
    ),
    Measure(
        "whitened-correlation",
        Linear(centred=True, whitened=True),
        symbol="whitened correlation",
        phrase="the whitened correlation",
        formula="whitened cosine after subtracting the mean dissimilarity",
        whitened=True,
        reference=WHITENING,
        **BOUNDED,
    ),
):
    _measure.register()
METHODS = tuple(MEASURES)


def as_measure(method: Any) -> Measure:
    """The measure given by a name, a function ``f(x, y) -> float`` of two vectors, or a :class:`Measure`.

    Raises
    ------
    InputError
        If there is no such measure.

    Examples
    --------
    >>> as_measure("pearson").symbol
    'Pearson r'
    """
    if isinstance(method, Measure):
        return method
    if isinstance(method, str) and method in MEASURES:
        return MEASURES[method]
    if callable(method):
        return Measure(getattr(method, "__name__", type(method).__name__), method)
    from normenc.rsa.representation_measures import INSTEAD, REPRESENTATION_MEASURES  # which import this module

    if isinstance(method, str) and (method in REPRESENTATION_MEASURES or method in INSTEAD):
        raise InputError(
            f"method is {method!r}, which compares responses, not RDMs; use normenc.rsa.infer_representations, "
            "compare_representations or against_animals, with responses"
        )
    raise InputError(
        f"method is {method!r}; it must be one of {', '.join(MEASURES)}, or a function of two vectors, or a Measure"
    )


def facts_of(name: str) -> Measure:
    """The measure that a table names; only its name if this session does not have it."""

    def unknown(x: Floats, y: Floats) -> float:
        raise InputError(f"the measure {name!r} is not known in this session; register it first")

    return MEASURES.get(name) or Measure(name, unknown)
