"""A measure of the similarity of two representations, given as responses, as an object."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted, shortened
from normenc.rsa.measures import MEASURES
from normenc.rsa.paired import checked_pair
from normenc.rsa.representation_samples import Alignment, OneByOneAlignment

__all__ = ["REPRESENTATION_MEASURES", "RepresentationMeasure"]

Floats = npt.NDArray[np.float64]
Halves = Literal["formula", "trials", "own", "none"]
UNBOUNDED = (-np.inf, np.inf)
LEAST = 3  # stimuli


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


REPRESENTATION_MEASURES: dict[str, RepresentationMeasure] = {}  # normenc.rsa.representation_measures fills it
