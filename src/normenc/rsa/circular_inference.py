"""Similarities of models with a recording in both parts of RDMs of stimuli on a circle, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_array, as_seed
from normenc.errors import InputError
from normenc.rsa.circle import PARTS, PROFILE, REST, Circle, circle_of, open_ends
from normenc.rsa.circular_measure import PartMeasure
from normenc.rsa.inference import infer
from normenc.rsa.inputs import Inputs
from normenc.rsa.labelled import turned_stack
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.overview import no_shifts_note
from normenc.rsa.pairs import upper
from normenc.rsa.results import Inference
from normenc.rsa.rotations import best_alignments, why_not_aligned
from normenc.showing import Shown

__all__ = ["CircularInference", "infer_circular_parts"]

Floats = npt.NDArray[np.float64]
WHOLE = "whole"
NO_REST = "its dissimilarities depend on the angle between stimuli alone"
NO_PROFILE = "its dissimilarities do not depend on the angle between stimuli"
WHY = {REST: NO_REST, PROFILE: NO_PROFILE}
OF_DATA = {part: why.replace("its", "the recording’s", 1) for part, why in WHY.items()}
COPIED = ("similarity", "low", "high", "standard_error", "p_shifts", "p_shifts_holm", "why_unknown")
OPTIONS = (
    *("responses", "repeats", "subject", "session", "rdm_metric", "generalise_to", "block_length", "n_samples"),
    *("n_permutations", "seed", "progress"),
)
NOT_TESTED = (
    "The similarity after the best alignment is the largest of all shifts and mirror images, so that it is never below "
    "the similarity as it is; it is not tested."
)


@dataclass(frozen=True, repr=False)
class CircularInference(Shown):
    """Results of :func:`infer_circular_parts`.

    Attributes
    ----------
    models : DataFrame
        Three rows per model: ``model``; ``part`` ("whole", "profile" or "rest"); ``share`` of this part in the variance
        of the model's dissimilarities, and ``share_of_data`` in that of the recording's; ``similarity`` of this part of
        model and recording, ``low``, ``high`` (95 % interval), ``standard_error``; ``ceiling_lower`` and
        ``ceiling_upper``, of which the lower is the reliability of this part of the recording; ``p_shifts``,
        ``p_shifts_holm`` (one-sided, corrected for the models; NaN for the profile, which no shift changes, and
        without even spacing);
        ``aligned``, the similarity after the best alignment, with ``shift`` (degrees of the period) and ``mirrored``;
        ``why_unknown``.
    generalises_to, fixed : tuple of str
        As of :class:`normenc.rsa.Inference`.
    ceiling : str
        Where the reliability is from: "animals", "sessions", "repeats", "neurons", or "none".
    exact : bool
        Whether the profile is the mean at each angle, see :class:`normenc.rsa.CircularParts`.
    notes : tuple of str
        What was not tested, is assumed, or speaks against a closed circle.
    """

    models: pd.DataFrame
    generalises_to: tuple[str, ...]
    fixed: tuple[str, ...]
    ceiling: str
    exact: bool
    notes: tuple[str, ...]

    def summary(self) -> pd.DataFrame:
        """Shares and similarities."""
        return self.models[["model", "part", "share", "similarity", "low", "high", "ceiling_lower"]].copy()

    def _title(self) -> str:
        n = self.models["model"].nunique()
        return f"{n} model{'s' * (n != 1)}, in the profile over the angle between stimuli and in the rest"

    def _notes(self) -> tuple[str, ...]:
        return self.notes


def infer_circular_parts(
    models: Mapping[str, Any],
    data: Any = None,
    *,
    positions: Any = None,
    period: float = 360.0,
    method: Method = "pearson",
    whole: Inference | None = None,
    align: bool = True,
    **options: Any,
) -> CircularInference:
    """Compare models with a recording in the profile of their RDMs over the angle between stimuli, and in the rest.

    :func:`normenc.rsa.circular_parts` defines both parts. If a similarity is high in the profile and low in the rest,
    it says no more than that dissimilarity grows with the angle between stimuli in both; the similarity of the rest is
    that of what depends on the angle itself, such as more neurons for cardinal orientations.

    Where codes may be the same but for a turn of the circle, RDMs differ in the rest alone. So the similarity after the
    best alignment stands beside: the stimuli of the model are turned by every step around the circle and mirrored, the
    same for all its seeds. It needs even spacing.

    Parameters
    ----------
    models, data, method
        See :func:`normenc.rsa.infer`. In a sample of stimuli, both parts are computed from the sample.
    positions : array_like, shape (n_stimuli,), optional
        Of the stimuli around their circle, ascending, degrees of `period`; evenly spaced by default.
    period : float
        Degrees after which stimuli repeat: 180 of orientations, 360 of directions.
    whole : Inference, optional
        Of the same models and data, if it is known; else it is computed.
    align : bool
        Whether the best alignment is searched; it takes two comparisons of RDMs for each stimulus.
    options
        Further arguments of :func:`normenc.rsa.infer`: ``responses``, ``repeats``, ``subject``, ``session``,
        ``rdm_metric``, ``generalise_to``, ``block_length``, ``n_samples``, ``n_permutations``,
        ``seed``, ``progress``.

    Returns
    -------
    CircularInference

    Raises
    ------
    InputError
        As in :func:`normenc.rsa.infer` and :func:`normenc.rsa.circular_parts`.

    Examples
    --------
    >>> from normenc.rsa import rdm
    >>> rng = np.random.default_rng(0)
    >>> angle = np.deg2rad(np.arange(0, 360, 20))
    >>> def neurons(preferred):
    ...     return np.exp(2 * np.cos(angle[:, None] - preferred))
    >>> cardinal = neurons(np.concatenate([rng.normal(axis, 0.5, 50) for axis in np.deg2rad([0, 90, 180, 270])]))
    >>> uniform = neurons(np.linspace(0, 2 * np.pi, 50, endpoint=False))
    >>> found = infer_circular_parts({"uniform": rdm(uniform)}, responses=cardinal, n_samples=50)
    >>> found.models["part"].tolist(), bool(found.models["similarity"][1] > 0.99)
    (['whole', 'profile', 'rest'], True)
    >>> found.models["why_unknown"][2]
    'its dissimilarities depend on the angle between stimuli alone'
    """
    if unknown := [name for name in options if name not in OPTIONS]:
        raise InputError(f"there is no option {unknown[0]!r}; the options are {', '.join(OPTIONS)}")
    measure, around = as_measure(method), _around(positions, period)
    repeats, seed = turned_stack(options.get("repeats"), "repeats"), as_seed(options.get("seed", 0))
    whose = options.get("subject"), options.get("session")
    metric = options.get("rdm_metric", "correlation")
    inputs = Inputs.of(models, data, options.get("responses"), repeats, metric, whose, seed)
    circle = circle_of(inputs.n_stimuli, around)
    options |= {"ordered": True, "positions": around}
    if whole is None:
        whole = infer(models, data, method=measure, **options)
    options |= {"n_permutations": 1}
    why_not = why_not_aligned(circle) if align else "no alignment was searched"
    tables = [_table(WHOLE, whole, inputs, circle, measure)]
    tables[0] = tables[0].assign(**_aligned(tables[0], inputs, circle, measure, why_not))
    for which in PARTS:
        own = PartMeasure.of(measure, circle, which)
        rows = _table(which, _inferred(models, data, own, inputs, options), inputs, circle, own)
        tables.append(rows.assign(**_aligned(rows, inputs, circle, measure, why_not)))
    table = pd.concat(tables, ignore_index=True)
    table["shift"] *= period / 360
    order = {name: place for place, name in enumerate(inputs.names)}
    table = table.sort_values("model", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    notes = [NOT_TESTED if not why_not else f"There is no best alignment: {why_not}."]
    if not circle.is_grid:
        notes.append("Stimuli are not evenly spaced: the profile is a smooth function of the angle between them.")
    notes += no_shifts_note(whole.why_no_shifts)
    notes += filter(None, [open_ends(inputs.matrices.mean(axis=0), around)])
    return CircularInference(table, whole.generalises_to, whole.fixed, whole.ceiling.kind, circle.is_grid, tuple(notes))


def _around(positions: Any, period: float) -> Floats | None:
    """Positions in degrees of 360, the same for any start of the circle."""
    if positions is None:
        return None
    values = as_array(positions, "positions")
    circle_of(values.size, values, period)  # an error says what is wrong with them
    around = values.astype(np.float64) * (360 / period)
    if (np.diff(around) < 0).any():
        raise InputError("positions must be ascending; put stimuli, and all RDMs, in order around the circle")
    return np.asarray(around)


def _inferred(
    models: Mapping[str, Any], data: Any, measure: PartMeasure, inputs: Inputs, options: dict[str, Any]
) -> Inference | None:
    """None where the recording, or all models, have no such part."""
    flat = inputs.flat(measure)
    if len(flat) == len(inputs.names) or any(measure.is_undefined(own) for own in upper(inputs.matrices)):
        return None
    return infer(models, data, method=measure, **options)


def _table(which: str, found: Inference | None, inputs: Inputs, circle: Circle, measure: Measure) -> pd.DataFrame:
    """Rows of one part; without an inference, they say why there is none."""
    names = inputs.names
    table = pd.DataFrame({"model": names, "part": which})
    table["share"] = _share(which, inputs.average(_shares(circle, inputs.models)[:, :, None], None, None))
    table["share_of_data"] = _share(which, _shares(circle, upper(inputs.matrices))).mean()
    if found is None:
        known = inputs.flat(measure)
        reasons = [WHY[which] if name in known else OF_DATA[which] for name in names]
        table = table.assign(**dict.fromkeys(COPIED[:-1], np.nan), why_unknown=reasons)
        table = table.assign(ceiling_lower=np.nan, ceiling_upper=np.nan)
    else:
        own = found.models.set_index("model").loc[names].reset_index()
        table[list(COPIED)] = own[list(COPIED)]
        if which in WHY:
            flat = [name in inputs.flat(measure) for name in names]
            table["why_unknown"] = table["why_unknown"].mask(flat, WHY[which])
        table["ceiling_lower"], table["ceiling_upper"] = found.ceiling.lower, found.ceiling.upper
    if which == PROFILE:
        table[["p_shifts", "p_shifts_holm"]] = np.nan
    return table


def _shares(circle: Circle, vectors: Floats) -> Floats:
    return np.stack(circle.shares(vectors))


def _share(which: str, shares: Floats) -> Floats:
    """From the shares of both parts, in two rows; that of the whole is 1."""
    return np.asarray(shares.sum(axis=0) if which == WHOLE else shares[PARTS.index(which)])


def _aligned(table: pd.DataFrame, inputs: Inputs, circle: Circle, measure: Measure, why_not: str) -> dict[str, Any]:
    """Columns of the best alignment; a profile is the same in all of them."""
    similarity = table["similarity"].to_numpy()
    known = ~np.isnan(similarity)
    columns: dict[str, Any] = {"aligned": np.full(len(table), np.nan), "shift": np.full(len(table), np.nan)}
    mirrored = pd.Series([pd.NA] * len(table), dtype="boolean")
    which = table["part"].iloc[0]
    if not why_not and known.any() and which != PROFILE:
        own = inputs.without([name for name, there in zip(inputs.names, known, strict=True) if not there])
        best = best_alignments(own, circle, measure, REST if which == REST else None, similarity[known])
        columns["aligned"][known], columns["shift"][known] = best.similarity, best.shift
        mirrored[known] = best.mirrored
    elif not why_not:
        columns["aligned"] = similarity
    return columns | {"mirrored": mirrored}
