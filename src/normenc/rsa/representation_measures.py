"""Measures of the similarity of two representations, given as responses: their names, computation and properties.

:func:`normenc.rsa.infer_representations` and studies accept the name of a measure, a :class:`RepresentationMeasure`,
or a user's function. A new measure is one more entry in :data:`REPRESENTATION_MEASURES`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted, shortened
from normenc.rsa.kernels import LEAST_UNBIASED, bures
from normenc.rsa.matching import FRACTION, LEAST_ONE_TO_ONE, one_to_one
from normenc.rsa.measures import MEASURES, facts_of
from normenc.rsa.paired import checked_pair
from normenc.rsa.representation_samples import (
    Alignment,
    KernelAlignment,
    MatchedAlignment,
    OneByOneAlignment,
    angular,
    pwcca_in,
    svcca_in,
)

__all__ = ["REPRESENTATION_MEASURES", "RepresentationMeasure", "as_representation_measure", "symbol_of"]

Floats = npt.NDArray[np.float64]
Halves = Literal["formula", "trials", "own", "none"]
UNBOUNDED = (-np.inf, np.inf)
MOST_UNITS = 96  # of each representation that are matched; a number that many others divide
LEAST = 3  # stimuli
INSTEAD = {
    "procrustes": "it is a distance; its similarity is 'bures', 1 - d²/2",
    "angular": "it is a distance; its similarity is 'angular-similarity', 1 - 2d/π",
    "cka": "use 'linear-cka', 'debiased-cka' or 'corrected-cka'",
}


@dataclass(frozen=True)
class RepresentationMeasure:
    """The similarity of two representations: a function of responses to the same stimuli. Higher is more similar.

    Parameters
    ----------
    name : str
        As in tables and settings.
    by : callable, or an implementation in :mod:`normenc.rsa`
        ``f(x, y) -> float`` of responses, shape (n_stimuli, n_x) and (n_stimuli, n_y), each unit's mean subtracted. In
        a bootstrap the rows hold each stimulus, and the columns of y each neuron, as often as it was drawn. It is
        called for each model in each sample, thousands of times.
    symbol, phrase, formula : str
        Label on an axis, phrase in a sentence after "compared by", and formula in words. The name by default.
    range : tuple of float
        Lowest and highest value; unbounded by default. Intervals are clipped to it.
    halves : str
        How halves of a recording give a noise ceiling. ``"formula"``: by the Spearman-Brown formula from their
        similarity; ``"trials"``: from the reliability of each neuron, for measures that are mean correlations of
        matched neurons; ``"own"``: their similarity is the lower end, and the upper is unknown, as it is with
        ``"trials"`` for halves of the neurons; ``"none"``, the default: there is none.
    least_stimuli : int
        How many stimuli it needs.
    most_units : int, optional
        Of more units of a model, or neurons, so many are compared, drawn at random by the seed.
    reference : str
        The publication, for the report's methods paragraph.

    Examples
    --------
    >>> def overlap(x, y):
    ...     "Cosine of the sizes of the responses to each stimulus."
    ...     a, b = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    ...     return a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    >>> measure = RepresentationMeasure("overlap", overlap, range=(0, 1))
    >>> measure.formula
    'Cosine of the sizes of the responses to each stimulus.'
    >>> round(measure.compare([[0, 0], [1, 2], [3, 1]], [[0], [1], [3]]), 3)
    0.959
    """

    name: str
    by: Any
    symbol: str = ""
    phrase: str = ""
    formula: str = ""
    range: tuple[float, float] = UNBOUNDED
    halves: Halves = "none"
    least_stimuli: int = LEAST
    most_units: int | None = None
    reference: str = ""
    arithmetic: Alignment = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise InputError(f"the name of a measure is {self.name!r}; it must be a non-empty text")
        known = isinstance(self.by, Alignment)
        if not known and not callable(self.by):
            raise InputError(f"the measure {self.name!r} is given as {self.by!r}; it must be a function of responses")
        if self.halves not in get_args(Halves):
            raise InputError(f"halves is {self.halves!r}; it must be one of {', '.join(get_args(Halves))}")
        if len(self.range) != 2 or not self.range[0] < self.range[1]:
            raise InputError(f"the range of {self.name!r} is {self.range!r}; it must be its lowest and highest value")
        words = "" if known else (getattr(self.by, "__doc__", None) or "").strip().partition("\n")[0]
        for name, value in (("symbol", self.name), ("phrase", f"the measure “{self.name}”"), ("formula", words)):
            object.__setattr__(self, name, getattr(self, name) or value)
        object.__setattr__(self, "arithmetic", self.by if known else OneByOneAlignment(self._of_function))

    def compare(self, x: Any, y: Any) -> float:
        """Similarity of two representations, shape (n_stimuli, n_x) and (n_stimuli, n_y), of the same stimuli.

        All units are used, however many. The second is a recording: corrected CKA takes the units of the first as all
        that there are.

        Raises
        ------
        InputError
            If stimuli differ or are too few, all evoke the same response, or the similarity is undefined.
        """
        first, second = checked_pair(x, y, self.least_stimuli)
        value = float(self.arithmetic.samples([first], second, np.ones((1, len(first))), None)[0, 0])
        if not np.isfinite(value):
            raise InputError(
                f"the similarity by {self.name} is undefined: the stimuli are too few for it, or differ no more than "
                "expected by chance; use more stimuli or units, or another measure"
            )
        return value

    @property
    def fraction(self) -> float:
        """Which part of the units is matched."""
        return float(getattr(self.arithmetic, "fraction", 1.0))

    def clip(self, values: Any) -> Floats:
        """Values clipped to the measure's range."""
        return np.asarray(np.clip(values, *self.range))

    def register(self) -> "RepresentationMeasure":
        """Make the measure available by name, also in settings.

        Raises
        ------
        InputError
            If the name is taken, or the function is no measure of similarity, see :meth:`try_out`.
        """
        if self.name in MEASURES or REPRESENTATION_MEASURES.get(self.name, self) != self:
            raise InputError(f"a different measure is already called {self.name!r}; choose another name")
        REPRESENTATION_MEASURES[self.name] = self.try_out()
        return self

    def try_out(self) -> "RepresentationMeasure":
        """Try a user's function on random responses; returns the measure itself.

        Raises
        ------
        InputError
            If the function fails, returns anything but a finite number in its range, depends on chance, or is not
            higher for a representation with itself than with an unrelated one.
        """
        if isinstance(self.by, Alignment):
            return self
        x, y = (v - v.mean(axis=0) for v in np.random.default_rng(0).normal(size=(2, 16, 5)))
        other, again, same = (self._of_function(*pair) for pair in ((x, y), (x, y), (x, x)))
        if not np.isfinite([other, same]).all():
            raise InputError(f"the measure {self.name!r} is not finite for two ordinary representations; correct it")
        if abs(other - again) > 1e-6 * abs(other):
            raise InputError(f"the measure {self.name!r} depends on chance: it gives {other:g}, then {again:g}")
        if same <= other:
            raise InputError(
                f"the measure {self.name!r} is {same:g} for a representation with itself and {other:g} with an "
                "unrelated one; it must be higher for more similar ones. If it is a distance, return its negative"
            )
        return self

    def _of_function(self, x: Floats, y: Floats, weights: Any = None, units: Any = None) -> float:
        """A user's function in a sample: of rows and columns that are repeated, and centred again."""
        if weights is not None and not (np.asarray(weights) == 1).all():
            x, y = (np.repeat(v, np.asarray(weights, dtype=np.int64), axis=0) for v in (x, y))
        if units is not None:
            y = np.repeat(y, units, axis=1)
        try:
            value = self.by(x - x.mean(axis=0), y - y.mean(axis=0))
            number = float(np.asarray(value).item())
        except (InputError, MemoryError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # such as SystemExit
            said = shortened(f"{type(error).__name__}: {error}", 300)
            raise InputError(f"the measure {self.name!r} fails: {said}; it must return one number") from error
        low, high = self.range
        if number < low - 1e-9 or number > high + 1e-9:
            raise InputError(
                f"the measure {self.name!r} is {quoted(number)}, outside its range of {low:g} to {high:g}; correct the "
                "given range, or the function"
            )
        return number


RepresentationMethod: TypeAlias = str | RepresentationMeasure | Callable[[Floats, Floats], float]
REPRESENTATION_MEASURES: dict[str, RepresentationMeasure] = {}
KORNBLITH = (
    "Kornblith S, Norouzi M, Lee H, Hinton G (2019). Similarity of neural network representations revisited. ICML."
)
CHUN = (
    "Chun C, Canatar A, Chung S, Lee DD (2025). Estimating neural representation alignment from sparsely sampled "
    "inputs and features. arXiv:2502.15104."
)
KHOSLA = (
    "Khosla M, Williams AH (2024). Soft matching distance: a metric on neural representations that captures "
    "single-neuron tuning. UniReps."
)
KAPOOR = (
    "Kapoor C, Williams AH, Khosla M (2026). Partial soft-matching distance for neural representational comparison "
    "with partial unit correspondence. ICLR."
)
LI = "Li Y, Yosinski J, Clune J, Lipson H, Hopcroft J (2016). Convergent learning. ICLR."
SHAPES = (
    "Williams AH, Kunz E, Kornblith S, Linderman SW (2021). Generalized shape metrics on neural representations. "
    "NeurIPS."
)
HARVEY = (
    "Harvey SE, Larsen BW, Williams AH (2023). Duality of Bures and shape distances with implications for comparing "
    "neural representations. UniReps."
)
RAGHU = "Raghu M, Gilmer J, Yosinski J, Sohl-Dickstein J (2017). SVCCA. NeurIPS."
MORCOS = (
    "Morcos AS, Raghu M, Bengio S (2018). Insights on representational similarity in neural networks with canonical "
    "correlation. NeurIPS."
)
BOUNDED: dict[str, Any] = {"range": (-1.0, 1.0)}
POSITIVE: dict[str, Any] = {"range": (0.0, 1.0)}
TURNED: dict[str, Any] = {"range": (0.0, 1.0), "halves": "own"}
MATCHED: dict[str, Any] = {"range": (-1.0, 1.0), "halves": "trials", "most_units": MOST_UNITS}
for _measure in (
    RepresentationMeasure(
        "linear-cka",
        KernelAlignment(),
        symbol="linear CKA",
        phrase="linear CKA",
        formula="cosine of the centred kernels",
        halves="formula",
        reference=KORNBLITH,
        **POSITIVE,
    ),
    RepresentationMeasure(
        "debiased-cka",
        KernelAlignment(unbiased=True),
        symbol="debiased CKA",
        phrase="debiased CKA",
        formula="cosine of the kernels from pairs of different stimuli",
        halves="formula",
        least_stimuli=LEAST_UNBIASED,
        reference=KORNBLITH,
        **BOUNDED,
    ),
    RepresentationMeasure(
        "corrected-cka",
        KernelAlignment(unbiased=True, corrected=True),
        symbol="corrected CKA",
        phrase="CKA corrected for the number of neurons and stimuli",
        formula="debiased CKA, with the recorded kernel's size from pairs of different neurons",
        halves="own",
        least_stimuli=LEAST_UNBIASED,
        reference=CHUN,
    ),
    RepresentationMeasure(
        "bures",
        OneByOneAlignment(bures, turns=True),
        symbol="Bures similarity",
        phrase="the Bures similarity",
        formula="cosine of responses after the best rotation; 1 minus half the squared Procrustes distance",
        reference=HARVEY,
        **TURNED,
    ),
    RepresentationMeasure(
        "angular-similarity",
        OneByOneAlignment(angular, turns=True),
        symbol="angular similarity",
        phrase="the angular similarity",
        formula="1 minus the angle after the best rotation, as a share of a right angle",
        reference=SHAPES,
        **TURNED,
    ),
    RepresentationMeasure(
        "svcca",
        OneByOneAlignment(svcca_in, turns=True),
        symbol="SVCCA",
        phrase="SVCCA",
        formula="mean canonical correlation of the components that explain 99 % of each variance",
        reference=RAGHU,
        **TURNED,
    ),
    RepresentationMeasure(
        "pwcca",
        OneByOneAlignment(pwcca_in, turns=True),
        symbol="PWCCA",
        phrase="PWCCA",
        formula="canonical correlations weighted by what of the model lies along them",
        reference=MORCOS,
        **TURNED,
    ),
    RepresentationMeasure(
        "soft-matching",
        MatchedAlignment(),
        symbol="soft matching",
        phrase="soft matching",
        formula="mean correlation of units under the best transport between them",
        reference=KHOSLA,
        **MATCHED,
    ),
    RepresentationMeasure(
        "partial-soft-matching",
        MatchedAlignment(fraction=FRACTION),
        symbol="partial soft matching",
        phrase="partial soft matching",
        formula="mean correlation of the best-matched half of the units",
        reference=KAPOOR,
        **MATCHED,
    ),
    RepresentationMeasure(
        "one-to-one",
        OneByOneAlignment(one_to_one),
        symbol="one-to-one r",
        phrase="the one-to-one correlation",
        formula="mean correlation of units matched one to one, on stimuli that did not choose the match",
        least_stimuli=LEAST_ONE_TO_ONE,
        reference=LI,
        **MATCHED,
    ),
):
    _measure.register()


def as_representation_measure(method: Any) -> RepresentationMeasure:
    """The measure given by a name, a function ``f(x, y) -> float`` of responses, or a :class:`RepresentationMeasure`.

    Raises
    ------
    InputError
        If there is no such measure.

    Examples
    --------
    >>> as_representation_measure("bures").symbol
    'Bures similarity'
    """
    if isinstance(method, RepresentationMeasure):
        return method
    if isinstance(method, str) and method in REPRESENTATION_MEASURES:
        return REPRESENTATION_MEASURES[method]
    if callable(method):
        return RepresentationMeasure(getattr(method, "__name__", type(method).__name__), method)
    hint = INSTEAD.get(method, "it compares RDMs; use normenc.rsa.infer") if isinstance(method, str) else ""
    known = isinstance(method, str) and (method in INSTEAD or method in MEASURES)
    raise InputError(
        f"method is {method!r}; "
        + (hint if known else f"it must be one of {', '.join(REPRESENTATION_MEASURES)}, or a function of responses")
    )


def symbol_of(name: str) -> str:
    """The label on an axis of a measure of RDMs or representations that a table names.

    Examples
    --------
    >>> symbol_of("pearson"), symbol_of("bures"), symbol_of("my_lab.parts:overlap")
    ('Pearson r', 'Bures similarity', 'my_lab.parts:overlap')
    """
    return REPRESENTATION_MEASURES[name].symbol if name in REPRESENTATION_MEASURES else facts_of(name).symbol
