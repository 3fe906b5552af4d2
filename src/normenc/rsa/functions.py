"""A user's function as a measure: called for every pair of vectors, in every sample and order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError, quoted, shortened
from normenc.rsa.one_by_one import OneByOne
from normenc.rsa.ties import check_spread, is_flat

__all__ = ["OfFunction"]

Floats = npt.NDArray[np.float64]
Function = Callable[[Floats, Floats], Any]
LEAVE = "it must leave them as they are: change a copy"
ROUNDING = 1e-12  # differences below it count as zero
SAME = 1e-9  # relative difference of values that differ only by the order of summation


@dataclass(frozen=True)
class OfFunction(OneByOne):
    """For attributes see :class:`normenc.rsa.Measure`; for `centred`, :func:`normenc.rsa.ties.check_spread`."""

    function: Function
    name: str
    range: tuple[float, float]
    centred: bool | None
    weighted: Callable[[Floats, Floats, Floats], Any] | None = None
    best: Callable[[Floats, Floats], Floats] | None = None

    def compare(self, x: Floats, y: Floats) -> Floats:
        """Similarities of vectors of pairs: shape (n_x, n_y)."""
        for what, vectors in (("first", x), ("second", y)):
            check_spread(vectors, centred=self.centred, what=what, noun=f"similarity by the measure {self.name!r}")
        similarity = np.array([[self._value(self.function, one, other) for other in y] for one in x])
        if not np.isfinite(similarity).all():
            row, column = np.argwhere(~np.isfinite(similarity))[0]
            value = similarity[row, column]
            raise InputError(
                f"the measure {self.name!r} is {value} for RDM {row} of the first and RDM {column} of "
                "the second; it must be a finite number"
            )
        self._check_direction(x[0], similarity[0])
        self._check_symmetry(x[0], y[0])
        return similarity

    def try_out(self) -> None:
        """Try the function on three unrelated RDMs; InputError if it cannot be a measure of similarity."""
        vectors = _unrelated_rdms()
        before = vectors.copy()
        values, again = (np.array([[self._value(self.function, x, y) for y in vectors] for x in vectors]) for _ in "12")
        if not np.array_equal(vectors, before):
            raise InputError(f"the measure {self.name!r} changes the vectors that it is given; {LEAVE}")
        if not np.isfinite(values).all():
            odd = values[~np.isfinite(values)][0]
            raise InputError(f"the measure {self.name!r} is {odd} for two ordinary RDMs; it must be a finite number")
        if not np.allclose(values, again, rtol=1e-6, atol=0):
            raise InputError(
                f"the measure {self.name!r} gives different values for the same two RDMs; it must not depend on chance "
                "or on earlier calls"
            )
        self._check_symmetry(*vectors[:2])
        alike, others = values.diagonal(), values[~np.eye(len(values), dtype=bool)]
        slack = SAME * np.abs(values).max()
        if alike.max() < others.min() - slack or np.ptp(values) <= slack:
            raise InputError(
                f"the measure {self.name!r} is {alike[0]:g} for an RDM with itself and {others[0]:g} with an unrelated "
                "one; it must be higher for more similar RDMs"
            )

    def table(self, x: Floats, y: Floats, weight: Floats, wanted: npt.NDArray[np.bool_] | None = None) -> Floats:
        """By the weighted form or, without one, with each pair repeated as often as it is in the sample."""
        there = weight > 0
        times = weight[there]
        one, other = x[:, there], y[:, there]
        function = self.function
        if self.weighted is not None:
            function = self._with_weights(times)
        elif not (times == 1).all():
            one, other = (np.repeat(v, times.astype(int), axis=1) for v in (one, other))
        undefined = [[self._is_undefined(v) for v in vectors] for vectors in (one, other)]
        similarity = np.full((len(x), len(y)), np.nan)
        defined = ~np.logical_or.outer(*map(np.array, undefined))
        for row, column in np.argwhere(defined if wanted is None else defined & wanted):
            similarity[row, column] = self._value(function, one[row], other[column])
        return np.where(np.isfinite(similarity), similarity, np.nan)

    def pooled(self, shares: Floats, own: Floats, weight: Floats) -> Floats:
        """The mean RDM, or the mean of the vectors from `best`."""
        return super().pooled(shares, own if self.best is None else self._called(self.best, own, weight), weight)

    def samples(self, models: Floats, data: Floats) -> Callable[..., tuple[Floats, Floats]]:
        """As for any measure, after checking that samples can be taken."""
        compare = super().samples(models, data)

        def checked(counts: npt.NDArray[np.int64], *options: Any) -> tuple[Floats, Floats]:
            self._check_resampling(data[:1] if not len(models) else models, data, counts)
            return compare(counts, *options)

        return checked

    def own_samples(self, models: Floats, data: Floats, counts: npt.NDArray[np.int64]) -> Floats:
        """The same."""
        self._check_resampling(models if models.ndim == 2 else models[:, 0], data, counts)
        return super().own_samples(models, data, counts)

    def rounding(self, models: Floats, data: Floats) -> Floats:
        """Proportional to the similarities, and to the similarity of the RDMs with themselves."""
        sizes = [np.abs(self.compare(models, data)).max(axis=1)]
        for vectors in (models, data):
            sizes.append(np.array([abs(self._value(self.function, v, v)) for v in vectors]))
        return np.asarray(SAME * np.maximum.reduce([sizes[0], sizes[1], np.full(len(models), sizes[2].max())]))

    def check_order(self, x: Floats, y: Floats) -> None:
        """Raise InputError if the value depends on the order of pairs of stimuli, so that none may be left out."""
        shuffled = np.random.default_rng(0).permutation(x.shape[1])
        one, other = x[0], y[-1]
        if self._is_undefined(one) or self._is_undefined(other):
            return
        value = self._value(self.function, one, other)
        again = self._value(self.function, one[shuffled], other[shuffled])
        if abs(value - again) > 1e-6 * max(abs(value), abs(again)):
            raise InputError(
                f"the measure {self.name!r} changes from {value:g} to {again:g} if pairs of stimuli are reordered; a "
                "bootstrap over stimuli needs a measure that does not depend on their order. Give its weighted form, "
                "normenc.rsa.Measure(..., weighted=...), or leave 'stimuli' out of factors"
            )

    def _check_resampling(self, x: Floats, y: Floats, counts: npt.NDArray[np.int64]) -> None:
        if self.weighted is None:
            if not (counts == 1).all():
                self.check_order(x, y)
            return
        one, other = x[0], y[-1]
        plain = self._value(self.function, one, other)
        weighed = self._value(self._with_weights(np.ones(len(one))), one, other)
        if abs(plain - weighed) > 1e-6 * max(abs(plain), abs(weighed)):
            raise InputError(
                f"the measure {self.name!r} is {plain:g}, but its weighted form with all weights 1 is {weighed:g}; the "
                "two must agree"
            )

    def _check_direction(self, vector: Floats, others: Floats) -> None:
        """Raise InputError if the function is a distance: 0 for an RDM with itself, above 0 for others."""
        apart = others.max()
        if apart > 0 and abs(self._value(self.function, vector, vector)) <= SAME * apart:
            raise InputError(
                f"the measure {self.name!r} is 0 for an RDM with itself and {apart:g} with another, so it is a "
                "distance; a measure must be higher for more similar RDMs. Return its negative"
            )

    def _check_symmetry(self, x: Floats, y: Floats) -> None:
        """Raise InputError if the value depends on which RDM comes first."""
        value, swapped = (self._value(self.function, *pair) for pair in ((x, y), (y, x)))
        if abs(value - swapped) > 1e-6 * max(abs(value), abs(swapped)) + ROUNDING:
            raise InputError(
                f"the measure {self.name!r} is not symmetric: it is {value:g} for two RDMs, and {swapped:g} for the "
                "same RDMs in the other order; return one value for both orders, such as the mean of the two"
            )

    def _called(self, function: Callable[..., Any], *given: Any) -> Any:
        """What the user's function returns; InputError if it fails."""
        try:
            return function(*given)
        except (InputError, MemoryError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # such as SystemExit
            if isinstance(error, ValueError) and "read-only" in str(error):
                raise InputError(
                    f"the measure {self.name!r} writes into the vectors that it is given; {LEAVE}"
                ) from error
            said = shortened(f"{type(error).__name__}: {error}", 300)
            raise InputError(f"the measure {self.name!r} fails: {said}; correct its code") from error

    def _is_undefined(self, vector: Floats) -> bool:
        return self.centred is not None and bool(is_flat(vector) if self.centred else not vector.any())

    def _with_weights(self, weight: Floats) -> Function:
        assert self.weighted is not None
        form = self.weighted
        return lambda x, y: form(x, y, _read_only(weight))

    def _value(self, function: Function, x: Floats, y: Floats) -> float:
        value = self._called(function, _read_only(x), _read_only(y))
        array = self._called(np.asarray, value)
        if array.size != 1 or array.dtype.kind not in "iuf":
            given = quoted(value)
            raise InputError(f"the measure {self.name!r} returned {given}; it must return one number for two vectors")
        number = float(array.item())
        low, high = self.range
        slack = SAME * max([1.0, *(abs(end) for end in self.range if np.isfinite(end))])
        if number < low - slack or number > high + slack:
            raise InputError(
                f"the measure {self.name!r} is {number:g}, outside its range of {low:g} to {high:g}; correct the given "
                "range, or the function"
            )
        return number


def _unrelated_rdms() -> Floats:
    """Correlation dissimilarities of random patterns, shape (3, 105): three RDMs of 15 stimuli."""
    patterns = np.random.default_rng(0).normal(size=(3, 15, 30))
    return np.array([1 - np.corrcoef(own)[np.triu_indices(15, k=1)] for own in patterns])


def _read_only(vector: Floats) -> Floats:
    view = vector.view()
    view.flags.writeable = False
    return view
