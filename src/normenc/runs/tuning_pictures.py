"""Pictures of how neurons and units are tuned, side by side; of images there are none."""

from functools import partial
from typing import Any

import numpy as np

from normenc.runs.populations import (
    among,
    described_kind,
    described_populations,
    recording_label,
    responses_of,
    tuned_axis,
    units_by_population,
)
from normenc.runs.reading import Run
from normenc.runs.registry import picture
from normenc.runs.source_data import Picture
from normenc.stimulus_types import as_type

ANGLES = "orientations, directions"


def _has_tuning(run: Run) -> bool:
    return run.tuning is not None


tuning_picture = partial(picture, applies=_has_tuning, when=ANGLES, placed=True)


@tuning_picture("tuning_curves", "Tuning curves of randomly chosen neurons and units")
def _tuning_curves(run: Run) -> Picture:
    return Picture("tuning_curves", _curves(run))


@tuning_picture("tuning_best", "Tuning curves of the most selective neurons and units")
def _tuning_best(run: Run) -> Picture:
    """The most selective of the units that are tuned to orientation, or of all where that cannot be tested."""
    units, (shown, _) = units_by_population(run), described_populations(run)
    scores = {}
    for label in shown:
        if label in units:
            own, gosi = units[label]["tuned_orientation"], units[label]["gosi"].to_numpy(dtype=float)
            scores[label] = np.where(own.eq(True), gosi, np.nan) if own.notna().any() else gosi
    return Picture("tuning_curves", _curves(run) | {"scores": scores, "score": "gOSI"})


@tuning_picture("response_maps", "Responses of all neurons and units, sorted by preferred orientation")
def _response_maps(run: Run) -> Picture:
    """Sorted by one half of the trials and drawn of the other, where there are two: else noise makes a diagonal too."""
    kept, (shown, _) = run.source_data["tuning"], described_populations(run)
    drawn = {
        label: own.get("second", responses_of(run, label, "average")) for label, own in kept.items() if label in shown
    }
    return Picture(
        "response_map",
        {
            "populations": among(drawn, shown),
            "preferences": {label: own["preferred"] for label, own in kept.items() if label in shown},
            "sorted_by": "preferred orientation",
            **tuned_axis(run),
        },
    )


@tuning_picture("preferences", "Polar histograms of preferred orientations")
def _preferences(run: Run) -> Picture:
    return _histogram(run, *described_populations(run), "orientation")


def _has_directions(run: Run) -> bool:
    known = _has_tuning(run) and "direction" in as_type(described_kind(run)).tunings
    return known and recording_label(run) in units_by_population(run)


@picture(
    "preferred_directions",
    "Polar histogram of preferred directions",
    applies=_has_directions,
    when="directions",
    placed=True,
)
def _preferred_directions(run: Run) -> Picture:
    return _histogram(run, [recording_label(run)], [], "direction")


@tuning_picture("selectivity", "Cumulative distributions of selectivity over neurons and units")
def _selectivity(run: Run) -> Picture:
    selective = {label: own["gosi"].to_numpy(dtype=float) for label, own in units_by_population(run).items()}
    shown, plain = described_populations(run)
    return Picture(
        "selectivity_distributions",
        {
            "selectivity": among(selective, shown),
            "controls": among(selective, plain),
            "index": "gOSI (1 − circular variance)",
            "recording": recording_label(run),
        },
    )


@tuning_picture("eigenspectra", "Variances of principal components against their rank")
def _eigenspectra(run: Run) -> Picture:
    kept, (shown, plain) = run.source_data["tuning"], described_populations(run)
    spectra = {label: own["spectrum"] for label, own in kept.items()}
    laws = {label: own["exponent"] for label, own in kept.items() if np.isfinite(own["exponent"])}
    return Picture(
        "eigenspectrum", {"spectra": among(spectra, shown), "exponents": laws, "controls": among(spectra, plain)}
    )


def _curves(run: Run) -> dict[str, Any]:
    """Responses of neurons and units to every stimulus."""
    units, (shown, _) = units_by_population(run), described_populations(run)
    known = [label for label in units if label in shown]
    errors = {label: responses_of(run, label, "standard_error") for label in known}
    names = {
        label: units[label]["neuron"].fillna("").to_numpy(dtype=str) for label in known if label == recording_label(run)
    }
    return {
        "populations": among({label: responses_of(run, label, "average") for label in known}, shown),
        "standard_errors": {
            label: error for label, error in errors.items() if error is not None and np.isfinite(error).all()
        },
        "names": names,
        "units": run.recording["units"],
        **tuned_axis(run),
    }


def _histogram(run: Run, shown: list[str], plain: list[str], angle: str) -> Picture:
    """What units prefer: those that are tuned, or all of a population of which that cannot be tested."""
    units = units_by_population(run)
    known = {label: units[label] for label in (*shown, *plain) if label in units}
    preferred = {label: own[f"preferred_{angle}_deg"].to_numpy(dtype=float) for label, own in known.items()}
    tuned = {label: own[f"tuned_{angle}"] for label, own in known.items() if own[f"tuned_{angle}"].notna().any()}
    return Picture(
        "preference_histogram",
        {
            "preferences": among(preferred, shown),
            "tuned": {label: own.eq(True).to_numpy(dtype=bool) for label, own in tuned.items()},
            "controls": among(preferred, plain),
            "period": as_type(angle).period,
            "recording": recording_label(run),
        },
    )
