"""``normenc check``: how a recording was read, and whether it is fit for comparison with models."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from normenc import rsa
from normenc.errors import InputError
from normenc.quality.alike import alike
from normenc.quality.comparable import confounded, of_same_neurons, rdms_for_inference
from normenc.quality.decisive import NO_RDM, Decidable, decidable
from normenc.quality.neurons import NeuronQuality, describe_neurons, n_splits_of
from normenc.quality.raw import RawValues
from normenc.quality.rdm_reliability import MIN_STIMULI, RdmReliability, rdm_reliability
from normenc.quality.reading import Checked, as_given, read
from normenc.quality.seen import Seen, said_of_images
from normenc.quality.verdict import MIN_STUDY, too_few, verdict_of
from normenc.recordings import Preparation, Recording
from normenc.recordings.angles import odd_one_out
from normenc.showing import Shown, facts, plain_values
from normenc.stimulus_types import StimulusType, as_type

__all__ = ["Quality", "check", "quality_from"]

MIN_REPEATED = 3  # stimuli, for the reliability of an RDM


@dataclass(frozen=True, repr=False)
class Quality(Shown):
    """Results of :func:`check`.

    Attributes
    ----------
    name, description : str
    read_as : str
        How the array in the file was read; empty for a recording made in Python.
    kind : str
        Kind of stimuli: ``"orientation"``, ``"direction"``, ``"image"`` or another type; see `shown`.
    n_stimuli : int
    n_neurons, n_trials : int or None
        None if not known.
    n_repeats : (int, int)
        Fewest and most trials of a stimulus.
    n_animals, n_sessions : int
        0 if not stated.
    first, last, largest_gap : float or None
        Of stimuli that are numbers; the gap is around the circle, if they have one.
    covers_circle : bool
    has_images : bool
        Whether the networks can be shown what the animal saw: always for gratings; for images if they are given.
    units : str
        Of the responses, as stated.
    units_looked_at : str
        Units of the values that `raw` describes: those of the file, before responses were z-scored.
    raw : RawValues or None
        What is unusual about the responses in the file.
    neurons : NeuronQuality or None
    neurons_kind : str
        The kind of stimuli by which neurons are described: `kind`, or ``"direction"`` if directions were folded.
    neurons_averaged : bool
        Whether these have only averages, no trials.
    rdm : RdmReliability or None
        None if no stimulus was shown twice.
    ceiling : str
        What the noise ceiling is computed from.
    ceiling_lower, ceiling_upper : float
        NaN if there is none.
    verdict : str
        ``"reliable"``, ``"weak"``, ``"unreliable"``, or ``"unknown"`` if it cannot be estimated.
    warnings : tuple of str
        Sentences, the most serious first.
    notes : tuple of str
        How the file was read, and how the responses were prepared.
    decidable : Decidable or None
        What comparisons with models can decide.
    images_cut : str
        The images that the animal saw: their size, colours and width in degrees, and how they are shown to the models
        from which `decidable` is estimated; empty without images.
    alike : tuple of str
        Which stimuli are the same image, or mirror images of each other; sentences.
    """

    name: str
    description: str
    read_as: str
    kind: str
    n_stimuli: int
    n_neurons: int | None
    n_trials: int | None
    n_repeats: tuple[int, int]
    n_animals: int
    n_sessions: int
    first: float | None
    last: float | None
    largest_gap: float | None
    covers_circle: bool
    has_images: bool
    units: str
    units_looked_at: str
    raw: RawValues | None
    neurons: NeuronQuality | None
    rdm: RdmReliability | None
    ceiling: str
    ceiling_lower: float
    ceiling_upper: float
    verdict: str = "unknown"
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    decidable: Decidable | None = None
    images_cut: str = ""
    neurons_kind: str = ""
    neurons_averaged: bool = False
    alike: tuple[str, ...] = ()

    @property
    def shown(self) -> StimulusType:
        """What was shown: the type of the stimuli."""
        return as_type(self.kind)

    @property
    def is_comparable(self) -> bool:
        """Whether a study can compare models with the recording: it has an RDM and enough stimuli."""
        has_rdm = self.decidable is None or self.decidable.unknown != NO_RDM
        return has_rdm and self.n_stimuli >= MIN_STUDY

    def _title(self) -> str:
        return f"{self.description}; verdict: {self.verdict}"

    def _notes(self) -> tuple[str, ...]:
        return self.warnings

    def summary(self) -> pd.DataFrame:
        """The lines of :func:`normenc.quality.lines`: one row per heading (index), and the column ``value``."""
        from normenc.quality.lines import lines

        return facts([*lines(self), ("verdict", self.verdict)])

    def to_dict(self) -> dict[str, Any]:
        """All results as plain values for JSON; NaN becomes None."""
        return plain_values(asdict(self))


def check(
    source: str | Path | Recording,
    *,
    seed: int = 0,
    compared: rsa.Inference | None = None,
    n_neurons: int | None = None,
    preparation: Preparation | None = None,
    seen: Callable[[Recording], Seen] | None = None,
    **options: Any,
) -> Quality:
    """Check a recording before anything is compared with it.

    Parameters
    ----------
    source : str, Path or Recording
        A name or file for :func:`normenc.recordings.load`, or a recording.
    seed : int
        Seed of random halves and permutations.
    compared : Inference, optional
        An existing comparison of models with the recording, from which the smallest detectable difference is
        computed; without one, models that need no training are compared.
    n_neurons : int, optional
        Size of the simulated recording, see :func:`normenc.recordings.load`.
    preparation : Preparation, optional
        How the file is read and prepared.
    seen : callable, optional
        Is given the recording and returns what the animal saw of its images (a :class:`normenc.quality.Seen`), such as
        a part of each; by default all of them.
    **options
        Fields of :class:`normenc.recordings.Preparation`. Missing values are not an error here: they are counted, and
        neurons (or, if that would leave fewer than half of them, trials) that have any are left out of the rest.
        Neurons are described by their trials before directions were folded.

    Returns
    -------
    Quality

    Raises
    ------
    InputError
        If the file cannot be read, or nothing is left.

    Examples
    --------
    >>> from normenc.recordings import load
    >>> quality = check(load("simulated-v1", n_neurons=100))
    >>> quality.n_stimuli, quality.verdict
    (181, 'unknown')
    """
    if not isinstance(source, Recording):
        return quality_from(read(source, Preparation.of(preparation, **options), n_neurons), seed, compared, seen=seen)
    given = Preparation.of(preparation, **options).given() | ({} if n_neurons is None else {"n_neurons": n_neurons})
    if given:
        raise InputError(
            f"{', '.join(given)}: these are options for loading a file, but the recording is loaded already; "
            "leave them out"
        )
    return quality_from(as_given(source), seed, compared, seen=seen)


def quality_from(
    checked: Checked,
    seed: int,
    compared: rsa.Inference | None,
    *,
    seen: Callable[[Recording], Seen] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Quality:
    """As :func:`check`, of what is in memory.

    Parameters
    ----------
    checked : Checked
    seed, compared, seen
        See :func:`check`.
    inputs : mapping, optional
        Those of :func:`rdms_for_inference`, where they are known.
    """
    recording, described, raw, units = checked.recording, checked.described, checked.raw, checked.units
    saw = Seen.of(recording) if seen is None else seen(recording)
    ceiling = rsa.Ceiling("none", float("nan"), float("nan"))
    problems, reliability, known = too_few(recording), None, inputs
    neurons = None if described.responses is None else describe_neurons(described, seed=seed)
    try:
        inputs = None
        if recording.n_stimuli >= 3 and recording.n_neurons != 1:
            inputs = rdms_for_inference(recording) if known is None else known
            own = {key: value for key, value in inputs.items() if key != "data"}
            # Where trials or neurons give the ceiling, the RDM is only checked against them, as a comparison did.
            data = inputs["data"] if compared is None or inputs["data"].ndim > 2 or not own else None
            ceiling = rsa.noise_ceiling(data, **own, seed=seed)
            reliability = _rdm_reliability(recording, seed)
    except InputError as error:
        inputs = None
        problems.append(f"RDMs cannot be computed: {error}.")
    shown, stimulus = recording.shown, recording.stimulus
    quality = Quality(
        name=recording.label,
        description=recording.describe(),
        read_as=recording.read_as,
        kind=recording.kind,
        n_stimuli=recording.n_stimuli,
        n_neurons=recording.n_neurons,
        n_trials=recording.n_trials,
        n_repeats=recording.n_repeats,
        n_animals=len(recording.animals),
        n_sessions=len(recording.sessions),
        first=None if shown.is_named else float(stimulus[0]),
        last=None if shown.is_named else float(stimulus[-1]),
        largest_gap=shown.largest_gap(stimulus),
        covers_circle=recording.covers_circle,
        has_images=shown.is_grating or saw.images is not None,
        units=recording.units,
        units_looked_at=units or recording.units,
        raw=raw,
        neurons=neurons,
        neurons_kind=described.kind,
        neurons_averaged=described.trials is None,
        rdm=reliability,
        ceiling=ceiling.describe(recording.whose),
        ceiling_lower=ceiling.lower,
        ceiling_upper=ceiling.upper,
        notes=(*recording.notes, *recording.steps),
        decidable=decidable(recording, inputs, compared=compared, seen=saw, seed=seed),
        alike=alike(recording),
        images_cut="" if shown.is_grating else said_of_images(saw, estimated=compared is None),
    )
    verdict, warnings = verdict_of(quality)
    return replace(
        quality, verdict=verdict, warnings=(*_read_otherwise(recording), *problems, *confounded(recording), *warnings)
    )


def _read_otherwise(recording: Recording) -> list[str]:
    """Signs that the file, or its stimuli, should be read differently."""
    said = [*(f"{caution}." for caution in recording.cautions), *of_same_neurons(recording)]
    if recording.period is not None and (odd := odd_one_out(recording.stimulus, recording.period)) is not None:
        value, step = odd
        said.append(
            f"{recording.shown.noun} {value:g}{_trials_of(recording, value)} breaks the even spacing of {step:g} "
            f"degrees; if it marks trials without a stimulus, pass blank={value:g}."
        )
    return said


def _trials_of(recording: Recording, value: float) -> str:
    if recording.trials is None:
        return ""
    n = int((recording.trials[recording.kind].to_numpy() == value).sum())
    return f" ({n:,} trial{'s' * (n != 1)})"


def _rdm_reliability(recording: Recording, seed: int) -> RdmReliability | None:
    if recording.trials is None:
        return None
    index = recording.trials["stimulus_index"].to_numpy()
    if (np.bincount(index) >= 2).sum() < max(MIN_REPEATED, MIN_STIMULI):
        return None
    how: dict[str, Any] = {"ordered": recording.has_neighbours, "n_splits": n_splits_of(recording.n_stimuli)}
    return rdm_reliability(recording.trials.values, index, **how, seed=seed)
