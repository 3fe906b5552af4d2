"""How much space a study needs on disks, known before anything is trained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from normenc.representations import represent
from normenc.rsa.pairs import MANY_STIMULI
from normenc.study.extraction import KEPT_BYTES
from normenc.study.layer_files import FEATURES
from normenc.study.rdm_folder import IN_FILES
from normenc.study.representing import Prepared
from normenc.study.units import Unit
from normenc.training import initialise

__all__ = ["Arrays", "bytes_of_units"]

FLOAT32, FLOAT64 = 4, 8


@dataclass(frozen=True)
class Arrays:
    """How many arrays a study makes, and what they take.

    Attributes
    ----------
    n_stimuli : int
    n_rdms : int
        Of layers, twins and controls.
    n_over_training : int
        RDMs of layers at checkpoints, which are not written.
    n_values : int
        Responses to each stimulus that are written: in a grid of the first seed's layers, or of all trained seeds'
        where neurons are predicted from them; of all seeds' else.
    """

    n_stimuli: int
    n_rdms: int
    n_over_training: int
    n_values: int

    @classmethod
    def of(cls, prepared: Prepared) -> "Arrays":
        """Those of a study."""
        study, n_stimuli = prepared.study, prepared.recording.n_stimuli
        n_values, n_rdms, n_over_training = 0, len(prepared.controls), 0
        n_trained, n_twins = len(study.seeds) * len(study.task), len(study.untrained_seeds)
        for settings, build in prepared.twins:
            layers = study.layers_of(settings)
            sizes = _units_of_layers(initialise(build, study.seeds[0]), layers, prepared.images[:1])
            n_rdms += len(layers) * (n_trained + n_twins)
            n_over_training += len(layers) * n_trained * len(set(study.training.checkpoints))
            n_seeds = 1 if study.is_grid and not study.encoding.enabled else len(study.seeds)
            n_values += sizes * (n_seeds * len(study.task) + (1 if study.is_grid else n_twins))
        for unit in prepared.encoders:  # responses of the network and of its first twin
            n_rdms += len(unit.chosen.layers) * (1 + n_twins)
            n_values += 2 * sum(_kept(n_units, n_stimuli) for n_units in unit.chosen.n_units)
        of_control = math.prod(prepared.shown.to_controls.shape[1:])
        of_control = _kept(of_control, n_stimuli) if n_stimuli > MANY_STIMULI else of_control
        n_values += len(prepared.controls) * of_control
        return cls(n_stimuli, n_rdms, n_over_training, n_values)

    @property
    def written(self) -> int:
        """Bytes of the run's files of responses and RDMs, the recording's among them."""
        of_rdm = (FLOAT32 if self.n_stimuli > MANY_STIMULI else FLOAT64) * self.n_stimuli**2
        return self.n_stimuli * self.n_values * FLOAT32 + (self.n_rdms + 1) * of_rdm

    @property
    def meanwhile(self) -> int:
        """Bytes of the files that are there until the run is written, see :mod:`normenc.study.rdm_folder`."""
        if self.n_stimuli <= IN_FILES:
            return 0
        n_rdms = self.n_rdms + self.n_over_training
        return FLOAT32 * self.n_stimuli * (self.n_values + n_rdms * self.n_stimuli)


def bytes_of_units(prepared: Prepared, units: Sequence[Unit], n_kept: int) -> int:
    """What the weights of networks take: trained, untrained and, where they are kept, at checkpoints."""
    known: dict[tuple[str, str], int] = {}
    for unit in units:
        if (unit.task_label, unit.network_label) not in known:
            known[unit.task_label, unit.network_label] = sum(
                value.numel() * value.element_size()
                for value in initialise(unit.build, unit.seed).state_dict().values()
            )
    return sum(n_kept * known[unit.task_label, unit.network_label] for unit in units)


def _kept(n_units: int, n_stimuli: int) -> int:
    """Units whose responses are kept, or features in their place."""
    return n_units if FLOAT32 * n_stimuli * n_units <= KEPT_BYTES else min(n_units, FEATURES.n_units)


def _units_of_layers(network: torch.nn.Module, layers: Sequence[str], image: torch.Tensor) -> int:
    return sum(responses.sizes["unit"] for responses in represent(network, image, list(layers)).values())
