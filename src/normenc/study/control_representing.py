"""What a study's controls respond: all stimuli at once or, of many, some at a time."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from normenc.encoders import EncoderId, EncoderKind, Naming
from normenc.errors import InputError
from normenc.progress import ProgressCallback, each
from normenc.representations.memory import as_bytes
from normenc.rsa.pairs import MANY_STIMULI
from normenc.study.building import control_outputs
from normenc.study.extraction import extracted
from normenc.study.parts import ControlSettings
from normenc.study.rdm_folder import Reading
from normenc.study.representing import Prepared, Representation, of_result, representations_of
from normenc.study.sections import FITTED_NAMES

__all__ = ["control_representations"]

BATCH = 256  # stimuli at a time, as where all are in memory
MOST_MEMORY = 2**29  # of a control's responses, which take at most half of it; larger ones lie on the disk meanwhile


def control_representations(
    prepared: Prepared, progress: ProgressCallback | None = None, reading: Reading | None = None
) -> list[Representation]:
    """The layers of the study's controls; of more than 400 stimuli some at a time, and of large layers features.

    Raises
    ------
    InputError
        When one of them has no dissimilarities, or the name of a layer or another control.
    """
    plain: list[Representation] = []
    chosen = prepared.controls if progress is None else each(progress, "responses of controls", prepared.controls)
    reading = Reading() if reading is None else reading
    of_control = _at_once if prepared.recording.n_stimuli <= MANY_STIMULI else _some_at_a_time
    for control in chosen:
        plain += of_control(prepared, control, reading)
    _check_apart_by_name(prepared, plain)
    return plain


def _at_once(prepared: Prepared, control: ControlSettings, reading: Reading) -> list[Representation]:
    orientation = prepared.recording.orientation
    shown = torch.as_tensor(orientation) if control.sees == "orientation" else prepared.shown.to_controls.all()
    found = representations_of(prepared, control_outputs(control, shown), _encoder(control), reading.rdms)
    for representation in found.values():
        if isinstance(representation, InputError):
            raise representation
    return [r for r in found.values() if not isinstance(r, InputError)]


def _some_at_a_time(prepared: Prepared, control: ControlSettings, reading: Reading) -> list[Representation]:
    orientation = prepared.recording.orientation
    shown: Any = torch.as_tensor(orientation) if control.sees == "orientation" else prepared.shown.to_controls
    read = partial(
        extracted,
        metric=prepared.study.rdm_metric,
        memory=min(as_bytes(reading.memory), MOST_MEMORY),
        scratch=reading.scratch,
        store=reading.rdms,
        batch_size=BATCH,
    )
    results = control_outputs(control, shown, read)
    owners = {layer: replace(_encoder(control), layer=layer) for layer in results}
    naming = replace(prepared.study.naming, layered=Naming.of(owners.values()).layered)
    found = []
    for layer, result in results.items():
        own = owners[layer]
        try:
            made = of_result(prepared, own, result)
        except InputError as error:
            raise InputError(f"{control.title}, layer {layer}: {error}") from None
        found.append(replace(made, label=naming.label(own), key=naming.key(own)))
    return found


def _encoder(control: ControlSettings) -> EncoderId:
    return EncoderId(None, control.title, None, EncoderKind.CONTROL)


def _check_apart_by_name(prepared: Prepared, controls: Sequence[Representation]) -> None:
    """Raise InputError if a control has the name of a layer, a fitted network or another control."""
    study = prepared.study
    naming = study.naming
    layers = [
        EncoderId(task, network.title, layer, EncoderKind.TRAINED if task else EncoderKind.TWIN, seed)
        for network in study.network
        for layer in study.layers_of(network)
        for task in (*(own.title for own in study.task), None)
        for seed in (study.untrained_seeds if task is None else study.seeds)
    ]
    layers += [
        EncoderId(None, unit.title, layer, kind, seed)
        for unit in prepared.encoders
        for layer in unit.chosen.layers
        for kind, seed in ((EncoderKind.PRETRAINED, None), *((EncoderKind.TWIN, k) for k in study.untrained_seeds))
    ]
    taken = {name.casefold() for layer in layers for name in (naming.label(layer), naming.key(layer))}
    taken |= {name for name in FITTED_NAMES if study.encoding.enabled}
    for control in controls:
        own = {control.label.casefold(), control.key.casefold()}
        if own & taken:
            raise InputError(
                f"comparison.controls: {control.label!r} is also the name of a layer, a fitted network or another "
                "control; give the control another label"
            )
        taken |= own
