"""How populations are tuned, neurons and units described alike: for the tables and pictures of a study."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import tuning
from normenc.csv_tables import encoder_columns
from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.recordings.columns import neuron_column
from normenc.study.representing import Representation

__all__ = ["Description", "descriptions_of", "population_table", "unit_table"]

Floats = npt.NDArray[np.float64]
NEGATIVE = "shift"  # z-scores and layers have negative responses; a unit's zero is then its lowest response
MOST_UNITS = 500  # of a control that are described one by one
MIN_DECODED = 6  # stimuli, below which others tell nothing of one
NAMELESS = "no. "  # begins the name of a neuron to which the file gives none
QUARTILES = ("25", "median", "75")
NONE = tuning.Tuned(0, 0, tuning.circular_statistics([]), np.full(3, np.nan))


@dataclass(frozen=True)
class Description:
    """One population: the recording, a layer or a control.

    Attributes
    ----------
    label : str
    encoder : EncoderId or None
        None for the recording.
    n_all : int
        Units; of a control with many, those described one by one are drawn at random, and fewer.
    summary : PopulationSummary
        Of encoders of orientations alone, since images cannot tell opposite directions apart.
    neurons : ndarray of str or None
        Names of the recording's neurons, as many as units are described.
    named_by : str
        What the file calls these names, such as ``"roi"``; empty where it names no neurons, or calls them neuron.
    stimulus : ndarray, shape (n_different,)
        Degrees, rising: orientations from -90 up to 90, directions from 0 up to 360.
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
    orientation_error, direction_error : float
        Of decoding mean responses: medians, degrees. NaN with too few stimuli; that of direction for encoders, too.
    """

    label: str
    encoder: EncoderId | None
    n_all: int
    summary: tuning.PopulationSummary
    neurons: npt.NDArray[Any] | None
    named_by: str
    stimulus: Floats
    average: Floats
    first: Floats
    second: Floats
    halved: bool
    standard_error: Floats
    spectrum: Floats
    exponent: float
    participation_ratio: float
    orientation_error: float
    direction_error: float

    @property
    def is_recording(self) -> bool:
        """Whether these are the recorded neurons."""
        return self.encoder is None

    def called(self, name: str) -> npt.NDArray[np.bool_]:
        """Units that a test finds significant: ``"tuned"``, ``"tuned_orientation"``, ...; none if it cannot be made."""
        return self.summary.units[name].fillna(False).to_numpy(dtype=bool)


def descriptions_of(
    recording: Recording, label: str, representations: Iterable[Representation], compared: Recording | None = None
) -> dict[str, Description]:
    """Describe the recording, if its neurons are known, and layers and controls, by label; none without tuning.

    Parameters
    ----------
    recording : Recording
    label : str
        The recording's.
    representations : iterable of Representation
        With responses.
    compared : Recording, optional
        Whose stimuli the representations are of; of folded directions each is then taken for both of its directions.
    """
    period = recording.period
    if period is None or not recording.shown.tunings:
        return {}
    descriptions: dict[str, Description] = {}
    if recording.responses is not None:
        descriptions[label] = _recording(recording, label, period)
    rows = slice(None) if compared is None or compared.kind == recording.kind else _same_gratings(recording, compared)
    for r in representations:
        if r.responses is not None and not (r.note or r.reduced):  # features in place of units are not tuned
            descriptions[r.label] = _encoder(r, rows, recording.stimulus, period)
    return descriptions


def _same_gratings(recording: Recording, folded: Recording) -> npt.NDArray[np.intp]:
    """Which row of the folded recording's stimuli is the grating of each direction."""
    assert recording.orientation is not None and folded.orientation is not None
    apart = np.abs(tuning.around_zero(recording.orientation[:, None] - folded.orientation))
    return apart.argmin(axis=1)


def _recording(recording: Recording, label: str, period: float) -> Description:
    assert recording.responses is not None
    rows = recording.responses if recording.trials is None else recording.trials
    values, stimulus = rows.to_numpy(), rows[recording.kind].to_numpy()
    blanks = None if recording.blanks is None else recording.blanks.to_numpy()
    curves = tuning.tuning_curves(values, stimulus, period=period)
    halves = None
    if (curves.n_trials >= 2).all():
        halves = tuning.split_halves(values, tuning.around_zero(stimulus, period), seed=0)
    summary = tuning.population_summary(values, stimulus, period=period, negative=NEGATIVE, blanks=blanks)
    description = _description(label, curves, summary, halves, recording.responses["neuron"].to_numpy().astype(str))
    return replace(description, named_by=neuron_column(recording.notes))


def _encoder(representation: Representation, rows: Any, stimulus: Floats, period: float) -> Description:
    """Opposite directions are one image to an encoder: they are averaged before its tuning is described."""
    assert representation.responses is not None
    values = representation.responses.to_numpy()[rows]
    most = values.shape[1] if representation.encoder.kind is EncoderKind.TRAINED else MOST_UNITS
    units = np.sort(np.random.default_rng(0).permutation(values.shape[1])[:most])
    folded = tuning.tuning_curves(values[:, units], stimulus)
    summary = tuning.population_summary(folded.mean, folded.stimulus, negative=NEGATIVE)
    summary.units.index = pd.Index(units, name=summary.units.index.name)  # their numbers in the whole population
    curves = tuning.tuning_curves(values, stimulus, period=period)
    description = _description(representation.label, curves, summary)
    return replace(description, encoder=representation.encoder)


def _description(
    label: str,
    curves: tuning.TuningCurves,
    summary: tuning.PopulationSummary,
    halves: tuple[Floats, Floats] | None = None,
    neurons: npt.NDArray[Any] | None = None,
) -> Description:
    units = summary.units.index.to_numpy()
    curves, halves = _from_zero(curves, halves)
    first, second = (curves.mean, curves.mean) if halves is None else halves
    spectrum = tuning.cross_validated_spectrum(np.stack([first, second]))
    try:
        exponent = tuning.power_law_exponent(spectrum)[0]
    except InputError:  # too few ranks
        exponent = float("nan")
    return Description(
        label=label,
        encoder=None,
        n_all=curves.mean.shape[1],
        summary=summary,
        neurons=neurons,
        named_by="",
        stimulus=curves.stimulus,
        average=curves.mean[:, units],
        first=first[:, units],
        second=second[:, units],
        halved=halves is not None,
        standard_error=curves.standard_error[:, units],
        spectrum=spectrum,
        exponent=exponent,
        participation_ratio=tuning.participation_ratio(curves.mean),
        orientation_error=_decoding_error(curves, 180.0),
        direction_error=_decoding_error(curves, 360.0) if summary.period == 360 else float("nan"),
    )


def _from_zero(
    curves: tuning.TuningCurves, halves: tuple[Floats, Floats] | None
) -> tuple[tuning.TuningCurves, tuple[Floats, Floats] | None]:
    """Directions from 0 up to 360, as people write them, instead of from -180 up to 180."""
    if curves.period != 360:
        return curves, halves
    order = np.argsort(curves.stimulus % 360)
    turned = replace(
        curves,
        stimulus=curves.stimulus[order] % 360,
        mean=curves.mean[order],
        standard_error=curves.standard_error[order],
        n_trials=curves.n_trials[order],
    )
    return turned, None if halves is None else (halves[0][order], halves[1][order])


def _decoding_error(curves: tuning.TuningCurves, period: float) -> float:
    """Median error, degrees, of mean responses to orientations, or to directions."""
    if period != curves.period:
        curves = tuning.tuning_curves(curves.mean, curves.stimulus, period=period)
    if len(curves.stimulus) < MIN_DECODED:
        return float("nan")
    return tuning.decode_orientation(curves.mean, curves.stimulus, period=period).median_error


def population_table(descriptions: Mapping[str, Description]) -> pd.DataFrame:
    """Make ``tuning.csv``: one row per population; columns of direction and blanks where there are any."""
    angles = ["orientation"]
    angles += ["direction"] * any(one.summary.direction is not None for one in descriptions.values())
    with_blanks = any("responsive" in one.summary.units for one in descriptions.values())
    rows = []
    for described in descriptions.values():
        units, summary = described.summary.units, described.summary
        tuned = {angle: getattr(summary, angle) or NONE for angle in angles}
        responsive = units["responsive"] if "responsive" in units else pd.Series(dtype="boolean")
        row = {"population": described.label, "recording": described.is_recording} | _who(described)
        row |= {"n_all": described.n_all, "n_units": len(units)}
        if with_blanks:
            row |= _counts("responsive", int(responsive.sum()), int(responsive.notna().sum()))
        row |= _counts("tuned", summary.n_tuned, summary.n_tested)
        for angle, own in tuned.items():
            row |= _counts(f"tuned_{angle}", own.n_tuned, own.n_tested)
        for angle, own in tuned.items():
            row |= _of_tuned(angle, own)
        indices = ["gosi", "osi", *(["gdsi", "dsi"] if "direction" in angles else []), "reliability"]
        row |= {f"{name}_median": units[name].median() if name in units else np.nan for name in indices}
        row |= {f"decoding_{angle}_error_deg": getattr(described, f"{angle}_error") for angle in angles}
        rows.append(
            row
            | {
                "participation_ratio": described.participation_ratio,
                "spectrum_exponent": described.exponent,
                "spectrum_cross_validated": described.halved,
            }
        )
    table = pd.DataFrame(rows)
    return table.astype({name: "Int64" for name in table if name.startswith("n_") or name == "seed"})


def _who(described: Description) -> dict[str, Any]:
    """The columns that identify the encoder of a population."""
    own = encoder_columns([described.encoder], [None if described.is_recording else described.label])
    return {name: values[0] for name, values in own.items()}


def _counts(name: str, n: int, n_tested: int) -> dict[str, float]:
    """How many units are significant in a test, of how many; missing if it can be made of none."""
    return {f"n_{name}": n if n_tested else np.nan, f"n_tested_{name}": n_tested}


def _of_tuned(angle: str, tuned: tuning.Tuned) -> dict[str, float]:
    """Widths and preferences of the units tuned to orientation, or to direction."""
    mean = tuned.preferences.mean
    return {
        **{f"{angle}_width_deg_{name}": tuned.width_quartiles[place] for place, name in enumerate(QUARTILES)},
        f"n_{angle}_width_at_bound": tuned.n_at_bound if tuned.n_tuned else np.nan,
        f"preferred_{angle}_mean_deg": mean % 360 if angle == "direction" else mean,
        f"preferred_{angle}_resultant_length": tuned.preferences.resultant_length,
        f"preferred_{angle}_rayleigh_p": tuned.preferences.p_value,
    }


def unit_table(descriptions: Mapping[str, Description]) -> pd.DataFrame:
    """Make ``tuning_units.csv``: one row per neuron, by its name, or a unit, by its number.

    Names that go by another name in the file, such as ``roi``, stand in a column of that name too.
    """
    tables = []
    for described in descriptions.values():
        table = described.summary.units.reset_index().astype({"unit": "Int64", "width_at_bound": "boolean"})
        table["response_range"] = np.ptp(described.average, axis=0)
        if described.neurons is not None:
            table["unit"] = pd.NA
        for place, (name, value) in enumerate({"population": described.label, **_who(described)}.items()):
            table.insert(place, name, value)
        table.insert(table.columns.get_loc("seed") + 1, "neuron", described.neurons)
        if described.named_by and described.named_by not in table:
            own = pd.Series(described.neurons, dtype="string")
            own = own.mask(own.str.startswith(NAMELESS))
            table.insert(table.columns.get_loc("neuron") + 1, described.named_by, own)
        tables.append(table.astype({"unit": "Int64", "neuron": "string"}))
    return pd.concat(tables, ignore_index=True)
