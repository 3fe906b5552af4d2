"""Measures of how similar two RDMs are: what each is called and computed by, and what holds for it.

Whatever compares RDMs takes a measure by its name, a :class:`Measure`, or a function of one's own, and asks the object
that :func:`as_measure` makes of it. A new measure is one more entry in :data:`MEASURES`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.functions import OfFunction
from normenc.rsa.linear import Linear
from normenc.rsa.one_by_one import OneByOne
from normenc.rsa.ranked import Kendall, Spearman
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
    """How similar two RDMs are, by a function of their dissimilarities above the diagonal. Higher is more similar.

    A function of one's own is the slow path: it is called for each pair of RDMs in each bootstrap sample and each order
    of the stimuli, tens of thousands of times in :func:`normenc.rsa.infer`. Its vectors are read-only.

    Parameters
    ----------
    name : str
        As it stands in tables and settings.
    by : callable, or an arithmetic of :mod:`normenc.rsa`
        ``f(x, y) -> float`` of two vectors of dissimilarities, shape (n_pairs,) each; of a model's RDM first. In a
        bootstrap over stimuli the vectors hold each pair of different stimuli as often as it was drawn, so that f must
        not depend on the order of pairs; give `weighted` where it does. Differences below 1e-12 count as none.
    symbol, phrase, formula : str
        As it stands on an axis, in a sentence after "compared by", and its formula in words. The name by default.
    range : tuple of float
        Lowest and highest value; without bounds by default. Intervals end there, and a value outside is refused.
    flat : str
        What an RDM means whose dissimilarities are all equal: it has no similarity (``"undefined"``, the default), only
        if they are 0 (``"defined unless 0"``), or it has one (``"defined"``).
    ranks : bool
        Whether the order of dissimilarities alone matters.
    whitened : bool
        Whether it takes the covariance of dissimilarities into account, and therefore needs all pairs of stimuli.
    is_correlation : bool
        Whether the Spearman-Brown formula holds, by which halves of a recording give its noise ceiling. Without it, the
        default, there is a ceiling only from several animals or sessions.
    reference : str
        Of the publication, for the report's methods paragraph.
    weighted : callable, optional
        ``f(x, y, weights) -> float`` in a bootstrap sample that holds each pair so often; pairs drawn 0 times are left
        out.
    best : callable, optional
        ``f(vectors, weights) -> vectors``: of RDMs, shape (n_rdms, n_pairs), in a sample that holds each pair so often,
        what must be averaged to get the RDM that is most similar to all; for cosines, vectors of unit length. It gives
        the noise ceiling of several animals; by default the mean RDM does, which may not be the best.

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
        known = isinstance(self.by, Linear | OneByOne)
        words = (getattr(self.by, "__doc__", None) or "").strip().partition("\n")[0] if not known else ""
        for name, value in (("symbol", self.name), ("phrase", f"the measure “{self.name}”"), ("formula", words)):
            object.__setattr__(self, name, getattr(self, name) or value)
        own = OfFunction(self.by, self.name, self.range, self.centred, self.weighted, self.best)
        object.__setattr__(self, "arithmetic", self.by if known else own)

    def _check(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InputError(f"the name of a measure is {self.name!r}; it must be a text that is not empty")
        if not callable(self.by) and not isinstance(self.by, Linear | OneByOne):
            raise InputError(f"the measure {self.name!r} is given as {self.by!r}; it must be a function of two vectors")
        if self.flat not in ("undefined", "defined unless 0", "defined"):
            raise InputError(f"flat is {self.flat!r}; it must be 'undefined', 'defined unless 0' or 'defined'")
        if len(self.range) != 2 or not self.range[0] < self.range[1]:
            raise InputError(f"the range of {self.name!r} is {self.range!r}; it must be its lowest and highest value")

    def register(self) -> "Measure":
        """Let the measure be called by its name, in settings too; a name that is taken by another is refused."""
        if MEASURES.setdefault(self.name, self) != self:
            raise InputError(f"there is another measure called {self.name!r}; choose another name")
        return self

    @property
    def centred(self) -> bool | None:
        """Whether equal dissimilarities, or else only those that are all 0, have no similarity; None of neither."""
        return {"undefined": True, "defined unless 0": False, "defined": None}[self.flat]

    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs, (n_x, n_pairs) and (n_y, n_pairs): shape (n_x, n_y)."""
        return np.asarray(self.arithmetic.compare(x, y))

    def is_undefined(self, vector: Floats) -> bool:
        """Whether an RDM, given by its dissimilarities, has no similarity with any other."""
        return self.centred is not None and (not vector.any() or (self.centred and is_flat(vector)))

    def check_defined(self, vectors: Floats, what: str) -> None:
        """Raise InputError where one of several RDMs has no similarity with any other."""
        own = f"similarity by the measure {self.name!r}" if self.by is not self.arithmetic else ""
        check_spread(vectors, centred=self.centred, what=what, noun=own)

    def check_pairs_missing(self, x: Floats, y: Floats) -> None:
        """Raise InputError where the measure cannot do without some of the pairs; x and y have examples of all."""
        if self.whitened:
            raise InputError(
                f"pairs of stimuli are missing, and method {self.name!r} needs all pairs; leave out stimuli without "
                "some (normenc.rsa.match_stimuli), or use another method"
            )
        if isinstance(self.arithmetic, OfFunction):
            self.arithmetic.check_order(x, y)

    def clip(self, values: Any) -> Floats:
        """Values within the measure's range."""
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
        formula="concordant minus discordant pairs of dissimilarities, over all pairs of them",
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
        formula="whitened cosine after the mean dissimilarity is taken out",
        whitened=True,
        reference=WHITENING,
        **BOUNDED,
    ),
):
    _measure.register()
METHODS = tuple(MEASURES)


def as_measure(method: Any) -> Measure:
    """The measure that a name, a function ``f(x, y) -> float`` of two vectors, or a :class:`Measure` stands for.

    Raises
    ------
    InputError
        When there is no such measure.

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
    raise InputError(
        f"method is {method!r}; it must be one of {', '.join(MEASURES)}, or a function of two vectors, or a Measure"
    )


def facts_of(name: str) -> Measure:
    """What is known of the measure that a table names; of one that this session does not have, its name alone."""

    def unknown(x: Floats, y: Floats) -> float:
        raise InputError(f"the measure {name!r} is not known in this session; register it to compare by it")

    return MEASURES.get(name) or Measure(name, unknown)
