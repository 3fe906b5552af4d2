"""The contents of a file as understood, before they become a recording."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from normenc.recordings.recording import Recording
from normenc.recordings.side_by_side import side_by_side

__all__ = ["Contents"]


@dataclass(frozen=True)
class Contents:
    """The contents of a file: checked labels, and responses that may still contain NaN or be on disk.

    ``stimulus`` holds the stimulus labels of all rows, missing for blanks (NaN, or an empty name); ``rows`` says which
    rows are kept, if not all are; ``images`` has one image for each distinct stimulus that is kept; ``notes`` say how
    the file was understood, ``cautions`` what speaks against it, ``steps`` what was done before it was written.
    """

    name: str
    kind: str
    stimulus: Any
    responses: Any = None
    rdm: Any = None
    subjects: Mapping[str, Any] = field(default_factory=dict)
    rdm_metric: str = "correlation"
    rows: Any = None
    images: Any = None
    trials: Mapping[str, Any] = field(default_factory=dict)
    neurons: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    read_as: str = ""
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    binned: bool = False  # the reference study's format, whose bins come first

    def joined(self) -> "Contents":
        """The same in memory, with trials side by side where animals have own neurons (:mod:`.side_by_side`)."""
        values = np.asarray(self.responses)
        if values.dtype.kind != "f" or not np.isnan(values).any():
            return replace(self, responses=values)
        rows = slice(None) if self.rows is None else self.rows
        trials = {label: np.asarray(values)[rows] for label, values in self.trials.items()}
        found = side_by_side(values[rows], np.asarray(self.stimulus)[rows], trials, self.neurons)
        if found is None:
            return replace(self, responses=values)
        return replace(
            self,
            responses=found.responses,
            stimulus=found.stimulus,
            rows=None,
            trials=found.trials,
            neurons=found.neurons,
            steps=(*self.steps, *found.steps),
        )

    def recording(self, *, missing: str = "error") -> Recording:
        """Make the recording; see :meth:`Recording.from_trials`."""
        known: dict[str, Any] = {"read_as": self.read_as, "notes": self.notes, "cautions": self.cautions}
        if self.responses is None:
            stimulus = {self.kind: self.stimulus}
            recording = Recording.from_rdm(
                self.name,
                self.rdm,
                **stimulus,
                images=self.images,
                subjects=self.subjects,
                rdm_metric=self.rdm_metric,
                **self.facts,
            )
            return replace(recording, steps=self.steps, **known)
        rows = slice(None) if self.rows is None else self.rows
        stimulus = {self.kind: np.asarray(self.stimulus)[rows]}
        recording = Recording.from_trials(
            self.name,
            np.asarray(self.responses)[rows],
            **stimulus,
            images=self.images,
            trials={label: np.asarray(values)[rows] for label, values in self.trials.items()},
            neurons=self.neurons,
            missing=missing,
            **self.facts,
        )
        steps = self.steps + tuple(step for step in recording.steps if step not in self.steps)
        return replace(recording, steps=steps, **known)
