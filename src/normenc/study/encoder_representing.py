"""What encoders respond that a study does not train: with their weights, and untrained, one network after the other."""

from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.recordings import cache_folder
from normenc.study.encoder_units import EncoderUnit
from normenc.study.extraction import extracted
from normenc.study.rdm_folder import Reading
from normenc.study.representing import Prepared, Representation, of_result
from normenc.study.sweep import Failure

__all__ = ["encoder_representations"]


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
        outputs = extracted(
            network.to(reading.device),
            shown,
            unit.chosen.layers,
            metric=prepared.study.rdm_metric,
            cache=cache_folder() / "layers",
            keep=keep,
            store=reading.rdms,
            known=unit.known,
            memory=reading.memory,
            scratch=reading.scratch,
            reduce=unit.section.reduce,
            dtype=unit.section.dtype,
        )
        for layer, result in outputs.items():
            try:
                representation = of_result(prepared, replace(own, layer=layer), result)
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
