"""Candidates on any stimuli: their RDMs, and how strongly their units respond to each stimulus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
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
    rdms : dict of str to ndarray, shape (n_stimuli, n_stimuli)
    spreads : dict of str to ndarray, shape (n_stimuli,)
        Standard deviation of each stimulus's pattern over units; of layers whose responses were not kept, ones.
    lacking : dict of str to str
        Why candidates have no RDM, by label.
    """

    rdms: dict[str, Floats]
    spreads: dict[str, Floats]
    lacking: dict[str, str] = field(default_factory=dict)

    def of(self, places: npt.NDArray[np.intp]) -> "Candidates":
        """On some of the stimuli."""
        return Candidates(
            {name: rdm[np.ix_(places, places)] for name, rdm in self.rdms.items()},
            {name: spread[places] for name, spread in self.spreads.items()},
        )

    def only(self, names: Sequence[str]) -> "Candidates":
        """These candidates alone."""
        return Candidates({n: self.rdms[n] for n in names}, {n: self.spreads[n] for n in names})

    def joined(self, other: "Candidates") -> "Candidates":
        """With those of another set, on the same stimuli."""
        return Candidates(self.rdms | other.rdms, self.spreads | other.spreads, self.lacking)

    def strength(self, own: "Candidates") -> dict[str, Floats]:
        """Of responses to each stimulus, in those to the recording's own stimuli (root mean square), and at most 1.

        Neurons saturate, so that no stimulus counts as evoking more than the recording's own do.
        """
        return {
            name: np.clip(spread / np.sqrt(np.mean(own.spreads[name] ** 2)), 1e-6, 1.0)
            for name, spread in self.spreads.items()
        }


def candidates_on(represented: Represented) -> Candidates:
    """The first seed of every label."""
    lacking = {failure.encoder.layer or failure.encoder.network: failure.told for failure in represented.failures}
    return _candidates(represented.firsts, lacking)


def _candidates(firsts: Mapping[str, Representation], lacking: dict[str, str] | None = None) -> Candidates:
    rdms = {label: np.asarray(first.rdm, dtype=np.float64) for label, first in firsts.items()}
    return Candidates(rdms, {label: _spread(first) for label, first in firsts.items()}, lacking or {})


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
    return _candidates(found)
