"""Candidates on any stimuli: their RDMs, and how strongly their units respond to each stimulus."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.study.amounts import seed_rdms
from normenc.study.building import control_outputs
from normenc.study.rdm_folder import RdmFolder
from normenc.study.represented import Represented
from normenc.study.representing import Prepared, Representation, representations_of

__all__ = ["Candidates", "candidates_on", "orientation_models"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Candidates:
    """RDMs and response strengths by label.

    Attributes
    ----------
    seeds : dict of str to ndarray, shape (n_seeds, n_stimuli, n_stimuli)
        RDMs of all seeds.
    spreads : dict of str to ndarray, shape (n_stimuli,)
        Standard deviation of each stimulus's pattern over units, of the first seed; of layers whose responses were not
        kept, ones.
    lacking : dict of str to str
        Why candidates have no RDM, by label.
    """

    seeds: dict[str, Floats]
    spreads: dict[str, Floats]
    lacking: dict[str, str] = field(default_factory=dict)

    @cached_property
    def rdms(self) -> dict[str, Floats]:
        """Means over seeds, shape (n_stimuli, n_stimuli)."""
        return {name: own.mean(axis=0) for name, own in self.seeds.items()}

    def of(self, places: npt.NDArray[np.intp]) -> "Candidates":
        """On some of the stimuli."""
        return Candidates(
            {name: own[:, places[:, None], places] for name, own in self.seeds.items()},
            {name: spread[places] for name, spread in self.spreads.items()},
        )

    def only(self, names: Sequence[str]) -> "Candidates":
        """These candidates alone."""
        return Candidates({n: self.seeds[n] for n in names}, {n: self.spreads[n] for n in names})

    def joined(self, other: "Candidates") -> "Candidates":
        """With those of another set, on the same stimuli."""
        return Candidates(self.seeds | other.seeds, self.spreads | other.spreads, self.lacking)

    def strength(self, own: "Candidates") -> dict[str, Floats]:
        """Of responses to each stimulus, in those to the recording's own stimuli (root mean square), and at most 1.

        Neurons saturate, so that no stimulus counts as evoking more than the recording's own do.
        """
        return {
            name: np.clip(spread / np.sqrt(np.mean(own.spreads[name] ** 2)), 1e-6, 1.0)
            for name, spread in self.spreads.items()
        }


def candidates_on(represented: Represented) -> Candidates:
    """Every label."""
    lacking = {failure.encoder.layer or failure.encoder.network: failure.told for failure in represented.failures}
    spreads = {label: _spread(first) for label, first in represented.firsts.items()}
    return Candidates(seed_rdms(represented.representations), spreads, lacking)


def _spread(representation: Representation) -> Floats:
    responses = representation.responses
    if responses is None:
        return np.ones(len(representation.rdm))
    return np.asarray(responses.values.std(axis=1), dtype=np.float64)


def orientation_models(prepared: Prepared, orientation: Floats) -> Candidates:
    """The study's controls that are given orientations, of gratings that are shown as images."""
    found: dict[str, Representation] = {}
    for control in prepared.all_controls:
        if control.sees == "orientation":
            outputs = control_outputs(control, torch.tensor(orientation))
            source = EncoderId(None, control.title, None, EncoderKind.CONTROL)
            for own in representations_of(prepared, outputs, source, RdmFolder()).values():
                if isinstance(own, InputError):
                    raise own
                found[own.label] = own
    spreads = {label: _spread(own) for label, own in found.items()}
    return Candidates(seed_rdms(list(found.values())), spreads)
