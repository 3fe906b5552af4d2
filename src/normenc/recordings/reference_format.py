"""The reference study's format: ``resp`` and ``stimuli``, of which those up to 180 degrees are kept and centred."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.recordings.angles import as_numbers, checked_numbers
from normenc.recordings.arranging import Arranged, arrange
from normenc.recordings.axes import shaped
from normenc.recordings.blanks import without_blanks
from normenc.recordings.columns import rows_where, varying
from normenc.recordings.contents import Contents
from normenc.recordings.preparation import Preparation
from normenc.recordings.squares import question_square
from normenc.stimulus_types import as_type
from normenc.texts import argument

__all__ = ["of_reference"]

Floats = npt.NDArray[np.float64]
TOP = 180  # degrees up to which stimuli are kept


def of_reference(arrays: Mapping[str, Any], name: str, asked: Preparation, common: Mapping[str, Any]) -> Contents:
    """A recording in the reference study's format, which has its own way to choose stimuli; what is left out is said.

    Parameters
    ----------
    arrays : mapping of str to array_like
        With ``resp`` and ``stimuli``; other labels and columns are read as in any file.
    name : str
    asked : Preparation
    common : mapping
        Of :class:`Contents`: ``facts``, ``steps`` and ``notes``.

    Raises
    ------
    InputError
        If shapes disagree, stimuli are no degrees between 0 and 360, or fewer than 2 are kept.
    """
    question_square(arrays["resp"], "resp", direction="stimuli")
    arranged = _arranged(arrays, asked)
    responses = np.asarray(arranged.responses)
    labels = without_blanks(arranged, as_type("direction"), asked, name="'stimuli'")
    choosing = arranged.columns | arranged.trials | {"stimuli": arranged.stimulus}
    rows, step = rows_where(choosing, asked.where, len(labels), blank=np.isnan(labels), labels=arranged.trials)
    labels = np.where(rows, labels, np.nan)
    labels[rows] = checked_numbers(labels[rows], as_type("direction"), asked.angles, name="'stimuli'")
    shown = rows & ~np.isnan(labels)
    _check_range(labels[shown])
    notes = [*common["notes"], *arranged.notes]
    others = {key: column[shown] for key, column in arranged.columns.items() if key not in (asked.where or {})}
    cautions = [*arranged.cautions, *varying(others, labels[shown])]
    steps = [*common["steps"], *([step] if step else [])]
    trials: dict[str, Any] = arranged.trials
    if asked.bin_width is None:
        said = _left_out(labels[shown])
        (cautions if len(np.unique(labels[shown])) < shown.sum() else notes).extend(said)
        rows = rows & ~(shown & (labels > TOP))
        _check_kept(labels[shown])
    else:
        steps.append(f"averaged within bins of {asked.bin_width:g} degrees")
        if trials:
            notes.append(f"the bins are averages, which have no {' and no '.join(trials)}")
        blanks = responses[rows & ~shown]
        responses, labels = _binned(responses[shown], labels[shown], asked.bin_width)
        responses = np.concatenate([responses, blanks])
        labels = np.concatenate([labels, np.full(len(blanks), np.nan)])
        rows, trials = np.ones(len(labels), dtype=bool), {}
    if {0.0, float(TOP)} <= set(labels[rows].tolist()):
        notes.append(
            "-90 and 90 degrees, the same image, count as two stimuli, because their gratings drifted in opposite "
            "directions"
        )
    return Contents(
        name,
        "orientation",
        labels - 90,
        responses,
        rows=None if rows.all() else rows,
        trials=trials,
        neurons=arranged.neurons,
        read_as=f"{arranged.read_as}, in the reference study's format",
        cautions=tuple(cautions),
        binned=asked.bin_width is not None,
        **{**common, "notes": tuple(notes), "steps": tuple(steps)},
    )


def _arranged(arrays: Mapping[str, Any], asked: Preparation) -> Arranged:
    """One row per trial; unless axes are stated, they are those of the format."""
    responses, stimuli = shaped(arrays["resp"]), shaped(arrays["stimuli"])
    as_array(responses.array, "'resp'")
    degrees = np.ravel(as_numbers(stimuli.array, "'stimuli'"))
    if asked.axes is None and "axes" not in arrays:
        if len(responses.shape) != 2:
            raise InputError(f"'resp' has shape {responses.shape}; it must be stimulus x neuron")
        if degrees.shape != responses.shape[:1]:
            raise InputError(
                f"'stimuli' has shape {degrees.shape} but 'resp' has {responses.shape[0]} rows (stimuli) and "
                f"{responses.shape[1]} columns (neurons); 'stimuli' must have one value per row"
            )
        _check_kept(degrees)
        asked = replace(asked, axes=("trial" if len(np.unique(degrees)) < len(degrees) else "stimulus", "neuron"))
    known = {key: values for key, values in arrays.items() if key not in ("resp", "stimuli")}
    return arrange(known | {"responses": responses}, "'stimuli'", stimuli, asked)


def _check_range(degrees: Floats) -> None:
    if not np.isfinite(degrees).all() or degrees.min(initial=0) < 0 or degrees.max(initial=0) > 360:
        raise InputError(
            f"'stimuli' run from {degrees.min():g} to {degrees.max():g}; they must be degrees between 0 and 360"
        )


def _check_kept(degrees: Floats) -> None:
    kept = degrees <= TOP
    if kept.sum() < 2:
        raise InputError(f"{kept.sum()} of {len(degrees)} stimuli are between 0 and 180 degrees; at least 2 are needed")


def _left_out(degrees: Floats) -> list[str]:
    """In words how many rows are left out; where these are trials, the file is hardly that study's."""
    n_left = int((degrees > TOP).sum())
    if not n_left:
        return []
    said = f"left out {n_left:,} of {len(degrees):,} rows, of stimuli above 180 degrees, as the reference study does"
    are_trials = len(np.unique(degrees)) < len(degrees)
    every = argument(names={"responses": "resp", "direction": "stimuli"})
    return [f"{said}; to take all of them, pass {every}" if are_trials else said]


def _binned(responses: npt.NDArray[Any], degrees: Floats, width: float) -> tuple[npt.NDArray[Any], Floats]:
    """Responses and degrees averaged within [0, width), [width, 2 width) and so on, up to 180 degrees."""
    if not 0 < width <= 180:
        raise InputError(f"bin_width is {width}; it must lie between 0 and 180 degrees")
    bins = np.floor(degrees / width)
    edges = np.unique(bins)
    with np.errstate(invalid="ignore", over="ignore"):  # infinite values are refused later
        responses = np.stack([responses[bins == edge].mean(axis=0) for edge in edges])
    degrees = np.array([degrees[bins == edge].mean() for edge in edges])
    _check_kept(degrees)
    return responses[degrees <= TOP], degrees[degrees <= TOP]
