"""What encoders respond that a study does not train: with their weights, and untrained, one network after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from torch import nn

from normenc import rsa
from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.representations import LayerResponses, Reduction, extract
from normenc.representations.reductions import Projection
from normenc.study.encoder_units import EncoderUnit
from normenc.study.representing import Prepared, Representation, check_apart
from normenc.study.sweep import Failure

__all__ = ["Reading", "encoder_representations"]

MOST_BYTES = 16 * 2**20  # of a layer's responses that are kept whole, in single precision
PROJECTION = Reduction("projection", 1000)  # of larger ones
FLOAT32 = 4


@dataclass(frozen=True)
class Reading:
    """How layers are read: on which device, with how much memory, and where what is larger lies meanwhile."""

    device: str = "cpu"
    memory: int | str | None = None
    scratch: Path | None = None


def encoder_representations(
    prepared: Prepared, unit: EncoderUnit, reading: Reading
) -> tuple[list[Representation], list[Failure]]:
    """Layers of an encoder and of its untrained twins, and those that have no dissimilarities.

    Parameters
    ----------
    prepared : Prepared
    unit : EncoderUnit
    reading : Reading

    Returns
    -------
    representations : list of Representation
        Layer by layer: with its weights, then untrained, seed by seed.
    failures : list of Failure
        A layer without dissimilarities is left out with its weights, untrained, or both.
    """
    shown = prepared.shown.to_encoder(unit.preprocessing.size)
    found: dict[tuple[EncoderKind, str], list[Representation]] = {}
    dead: dict[tuple[EncoderKind, str], str] = {}
    for own, network in _networks(unit, prepared.study.untrained_seeds):
        keep = own.seed in (None, prepared.study.untrained_seeds[0])
        with extract(
            network.to(reading.device), shown, unit.chosen.layers, memory=reading.memory, scratch=reading.scratch
        ) as outputs:
            for layer, responses in outputs.items():
                try:
                    representation = _representation(prepared, replace(own, layer=layer), responses, keep=keep)
                except InputError as error:
                    dead.setdefault((own.kind, layer), str(error))
                else:
                    found.setdefault((own.kind, layer), []).append(representation)
    failures = [Failure(unit, why, layer, kind is EncoderKind.TWIN) for (kind, layer), why in dead.items()]
    return [r for key, of_layer in found.items() if key not in dead for r in of_layer], failures


def _networks(unit: EncoderUnit, seeds: list[int]) -> Iterator[tuple[EncoderId, nn.Module]]:
    """The network with its weights, if it has any, and untrained from every seed; one at a time in memory."""
    if unit.section.is_pretrained:
        yield unit.encoder, unit.pretrained()
    for seed in seeds:
        yield replace(unit.encoder, kind=EncoderKind.TWIN, seed=seed), unit.untrained(seed)


def _representation(prepared: Prepared, own: EncoderId, responses: LayerResponses, *, keep: bool) -> Representation:
    study, recording = prepared.study, prepared.recording
    matrix = rsa.rdm(responses, metric=study.rdm_metric)
    check_apart(matrix, study.comparison.method)
    values, note = kept(responses) if keep else (None, "")
    labelled = None
    if values is not None:
        coords = {recording.kind: ("stimulus", recording.stimulus)}
        labelled = xr.DataArray(values, dims=("stimulus", "unit"), coords=coords, name=own.layer)
    return Representation(own, study.naming.label(own), study.naming.key(own), labelled, matrix, note)


def kept(responses: LayerResponses) -> tuple[npt.NDArray[Any], str]:
    """A layer's responses in memory, or features in their place, and what was done to them; empty if nothing was."""
    n_stimuli, n_units = responses.shape
    projection = PROJECTION.of_layer(n_units)
    if not isinstance(projection, Projection) or n_stimuli * n_units * FLOAT32 <= MOST_BYTES:
        return np.asarray(responses.values(), dtype=np.float32), responses.note
    features = projection.of_blocks(responses.blocks())
    return features.astype(np.float32), "; ".join(filter(None, (responses.note, projection.note)))
