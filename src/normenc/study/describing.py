"""How populations are tuned, neurons and units described alike: for the tables and pictures of a study."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import tuning
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.study.representing import Representation

__all__ = ["Description", "describe", "population_table", "unit_table"]

Floats = npt.NDArray[np.float64]
N_PERMUTATIONS = 200
NEGATIVE = "shift"  # z-scores and layers have negative responses; a unit's zero is then its lowest response
MOST_UNITS = 500  # of a control that are described one by one


@dataclass(frozen=True)
class Description:
    """One population: the recording, a layer or a control.

    Attributes
    ----------
    label : str
    is_recording : bool
    summary : PopulationSummary
    n_all : int
        Units; of a control with many, those described one by one are drawn at random, and fewer.
    stimulus : ndarray, shape (n_different,)
        Degrees.
    average : ndarray, shape (n_different, n_units)
        Mean responses over all trials.
    first, second : ndarray, shape (n_different, n_units)
        Of two halves of the trials; both are `average` where a stimulus has one trial only.
    halved : bool
        Whether they are of different trials.
    standard_error : ndarray, shape (n_different, n_units)
        Of `average`.
    spectrum : ndarray
        Variances of the principal components, cross-validated between the halves.
    exponent : float
        Of the spectrum's power law; NaN where too few ranks have a variance.
    participation_ratio : float
    decoding_error : float
        Median, degrees; NaN with too few stimuli.
    """

    label: str
    is_recording: bool
    n_all: int
    summary: tuning.PopulationSummary
    stimulus: Floats
    average: Floats
    first: Floats
    second: Floats
    halved: bool
    standard_error: Floats
    spectrum: Floats
    exponent: float
    participation_ratio: float
    decoding_error: float


def describe(recording: Recording, label: str, representations: Iterable[Representation]) -> dict[str, Description]:
    """Describe the recording, where its neurons are known, and layers and controls, by label; no images.

    Parameters
    ----------
    recording : Recording
    label : str
        The recording's.
    representations : iterable of Representation
        With responses.
    """
    period = recording.period
    if period is None:
        return {}
    found: dict[str, Description] = {}
    if recording.responses is not None:
        rows = recording.responses if recording.trials is None else recording.trials
        values = rows.to_numpy()
        found[label] = _described(label, True, values, rows[recording.kind].to_numpy(), period, values.shape[1])
    for r in representations:
        if r.responses is not None:
            values = r.responses.to_numpy()
            most = values.shape[1] if r.trained else MOST_UNITS
            found[r.label] = _described(r.label, False, values, recording.stimulus, period, most)
    return found


def _described(
    label: str, is_recording: bool, rows: npt.NDArray[Any], stimulus: Floats, period: float, most: int
) -> Description:
    curves = tuning.tuning_curves(rows, stimulus, period=period)
    first = second = curves.mean
    halved = is_recording and bool((curves.n_trials >= 2).all())
    if halved:
        first, second = tuning.split_halves(rows, tuning.around_zero(stimulus, period), seed=0)
    spectrum = tuning.cross_validated_spectrum(np.stack([first, second]))
    try:
        exponent = tuning.power_law_exponent(spectrum)[0]
    except InputError:  # too few ranks
        exponent = float("nan")
    try:
        error = tuning.decode_orientation(curves.mean, curves.stimulus, period=period).median_error
    except InputError:  # too few stimuli
        error = float("nan")
    units = np.sort(np.random.default_rng(0).permutation(rows.shape[1])[:most])
    summary = tuning.population_summary(
        rows[:, units], stimulus, period=period, negative=NEGATIVE, n_permutations=N_PERMUTATIONS
    )
    summary.units.index = pd.Index(units, name=summary.units.index.name)  # their numbers in the whole population
    return Description(
        label=label,
        is_recording=is_recording,
        n_all=rows.shape[1],
        summary=summary,
        stimulus=curves.stimulus,
        average=curves.mean[:, units],
        first=first[:, units],
        second=second[:, units],
        halved=halved,
        standard_error=curves.standard_error[:, units],
        spectrum=spectrum,
        exponent=exponent,
        participation_ratio=tuning.participation_ratio(curves.mean),
        decoding_error=error,
    )


def population_table(descriptions: Mapping[str, Description]) -> pd.DataFrame:
    """Make ``tuning.csv``: one row a population."""
    rows = []
    for found in descriptions.values():
        units, summary = found.summary.units, found.summary
        rows.append(
            {
                "population": found.label,
                "recording": found.is_recording,
                "n_all": found.n_all,
                "n_units": len(units),
                "n_selective": int(units["selective"].sum()),
                "gosi_median": units["gosi"].median(),
                "osi_median": units["osi"].median(),
                "dsi_median": units["dsi"].median() if "dsi" in units else np.nan,
                "width_deg_25": summary.width_quartiles[0],
                "width_deg_median": summary.width_quartiles[1],
                "width_deg_75": summary.width_quartiles[2],
                "reliability_median": units["reliability"].median(),
                "preferred_mean_deg": summary.preferences.mean,
                "preferred_resultant_length": summary.preferences.resultant_length,
                "preferred_rayleigh_p": summary.preferences.p_value,
                "decoding_error_deg": found.decoding_error,
                "participation_ratio": found.participation_ratio,
                "spectrum_exponent": found.exponent,
                "spectrum_cross_validated": found.halved,
            }
        )
    return pd.DataFrame(rows)


def unit_table(descriptions: Mapping[str, Description]) -> pd.DataFrame:
    """Make ``tuning_units.csv``: one row a neuron or unit."""
    tables = []
    for found in descriptions.values():
        table = found.summary.units.reset_index()
        table.insert(0, "population", found.label)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
