"""The mapping from the axes of an array to rows and columns of the trial x neuron matrix, and their labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.recordings.axes import PLURALS, Shaped
from normenc.texts import argument

__all__ = ["BOTH", "Plan", "flat"]

BOTH = ("both", "repeats last")  # of labels with a value for each repeat of each stimulus


@dataclass(frozen=True)
class Plan:
    """How rows and columns of the trial x neuron matrix follow from the axes."""

    roles: tuple[str, ...]
    dims: tuple[str | None, ...]
    n_repeats: int | None
    n_along: int
    n_neurons: int
    along: str  # the role of the axis that the stimuli's labels lie along

    def rows_of(self, values: Any) -> tuple[Any, npt.NDArray[np.bool_]]:
        """One row per trial, repeat after repeat; and which rows were never filled, of those that are repeats."""
        roles = [role for role in self.roles if role != "time"]
        if roles == [self.along, "neuron"]:
            return values, np.zeros(self.n_along, dtype=bool)
        if "neuron" not in roles:
            values, roles = values[..., None], [*roles, "neuron"]
        order = [roles.index(role) for role in ("repeat", self.along, "neuron") if role in roles]
        values = np.transpose(values, order).reshape(-1, self.n_neurons)
        absent = np.zeros(len(values), dtype=bool)
        if self.n_repeats is not None and values.dtype.kind == "f":
            absent = np.isnan(values).all(axis=1)
        return values, absent if not absent.all() else np.zeros(len(values), dtype=bool)

    def lies_along(self, label: Shaped, *, repeats: bool = False) -> str | None:
        """What a label has one value for: all, rows (trials or stimuli), repeats, both, or neurons; None: for none."""
        if label.shape in ((), (1,)) and not (self.n_along == 1 or self.n_neurons == 1):
            return "all"
        if label.dims and set(label.dims) <= set(self.dims) - {None}:
            named = [self.roles[self.dims.index(dim)] for dim in label.dims]
            fits = {(self.along,): "rows", ("repeat",): "repeat", ("repeat", self.along): "both", ("neuron",): "neuron"}
            return (fits | {(self.along, "repeat"): "repeats last"}).get(tuple(named))
        if self.n_repeats is not None and sorted(label.shape) == sorted((self.n_repeats, self.n_along)):
            as_responses = self.n_repeats == self.n_along and self.roles.index("repeat") > self.roles.index(self.along)
            is_last = as_responses or label.shape != (self.n_repeats, self.n_along)
            return "repeats last" if is_last else "both"
        if repeats and label.shape == (self.n_repeats,):
            return "repeat"
        if label.shape == (self.n_along,):
            return "rows"
        if label.shape == (self.n_neurons,):
            return "neuron"
        return "repeat" if label.shape == (self.n_repeats,) else None

    def on_trials(self, label: Shaped, name: str) -> bool:
        """Whether a label has a value for each row."""
        return self.lies_along(label, repeats=name == "repeat") in ("rows", "repeat", *BOTH, "all")

    def on_neurons(self, label: Shaped) -> bool:
        """Whether a label has a value for each neuron; where trials are as many, a named axis alone tells."""
        along = self.lies_along(label)
        return along == "neuron" or (along == "rows" and self.n_along == self.n_neurons and not any(label.dims))

    def spread(self, label: Shaped, name: str = "") -> npt.NDArray[Any] | None:
        """A label's values for each row; None if it does not lie along the rows."""
        n_repeats = self.n_repeats or 1
        where = self.lies_along(label, repeats=name == "repeat")
        values = np.asarray(label.array)
        if where == "all":
            return np.repeat(values.reshape(1), n_repeats * self.n_along)
        if where == "rows":
            return np.tile(values, n_repeats)
        if where == "repeat":
            return np.repeat(values, self.n_along)
        if where == "repeats last":
            return np.ravel(values.T)
        return np.ravel(values) if where == "both" else None

    def check_plain(self, label: Shaped, name: str, notes: list[str]) -> None:
        """Raise InputError for a label that may be the repeats' or the stimuli's; note what may be the neurons'."""
        if label.shape != (self.n_along,) or any(label.dims) or name == "repeat":
            return
        if self.n_repeats == self.n_along:
            raise InputError(
                f"{name} has {self.n_along} values, and there are as many repeats as {PLURALS[self.along]}, so it "
                f"could label either; give it as an array of {' x '.join(self._both())}, in their order"
            )
        if self.n_neurons == self.n_along:
            notes.append(
                f"{name} is read as one for each {self.along}; there are as many neurons, so if it labels the neurons, "
                f"pass {argument(names={f'neuron_{name}': name})}"
            )

    def _both(self) -> list[str]:
        return [PLURALS[role] for role in self.roles if role in ("repeat", self.along)]


def flat(label: Shaped) -> Shaped:
    """A label with one dimension where it has one in fact, as columns of MATLAB's have."""
    sides = [length for length in label.shape if length != 1]
    if len(label.shape) != 2 or len(sides) != 1:
        return label
    dims = tuple(dim for dim, length in zip(label.dims, label.shape, strict=True) if length != 1)
    return Shaped(np.ravel(np.asarray(label.array)), dims)
