"""The eigenspectrum: how the variance of populations is distributed over dimensions."""

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

from normenc.arrays import as_array
from normenc.errors import InputError
from normenc.figures.common import Values, known, palette, style, wrapped
from normenc.figures.sizes import place_legend, within

__all__ = ["eigenspectrum"]

RANKS = (11, 500)  # to which normenc.tuning.power_law_exponent fits
CONTROLS = (("#555555", "s"), ("#777777", "^"), ("#999999", "D"), ("#bbbbbb", "v"))  # colours, symbols
ROUNDING = 1e-10  # of the largest variance: smaller ones are rounding errors
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def eigenspectrum(
    spectra: Values,
    exponents: Mapping[str, float] | None = None,
    *,
    ranks: tuple[int, int] = RANKS,
    controls: Values | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Variance along each principal component, by rank, both logarithmic; fitted power laws are dashed.

    For reference, the dotted line has a slope of -1. A code of stimuli that vary in d dimensions can only be smooth if
    its spectrum falls faster than with slope -(1 + 2 / d): -1 for very many dimensions, -3 for orientation alone.

    Parameters
    ----------
    spectra : mapping of str to array, shape (n_components,), or None
        Variances in descending order, drawn as shares of the sum of the positive ones. Variances that are not positive,
        which occur at the end of a cross-validated spectrum, are not drawn.
    exponents : mapping of str to float, optional
        Exponents of the power laws of populations and controls, positive if the spectrum falls; NaN is not drawn. The
        line of a law passes through the mean of the logarithms at `ranks`, weighted by 1 / rank, as does the
        least-squares fit of :func:`normenc.tuning.power_law_exponent`.
    ranks : (int, int)
        First and last rank of the fit, numbered from 1; the last is limited to the existing ranks.
    controls : mapping of str to array, optional
        Grey lines with symbols.
    axes : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        When a spectrum is not a vector, or an exponent is given for one without variance at `ranks`.

    References
    ----------
    Stringer et al., "High-dimensional geometry of population responses in visual cortex", Nature 2019.
    """
    looks = {label: (colour, "") for label, colour in zip(spectra, palette(len(spectra)), strict=True)}
    looks |= dict(zip(controls or {}, cycle(CONTROLS), strict=False))
    points = {label: _shares(values, label) for label, values in known(spectra, controls).items()}
    handles: list[Line2D] = []
    names: list[str] = []
    with style():
        if axes is None:
            below = [*map(wrapped, points), *["exponent and its ranks"] * len(exponents or {}), "slope"]
            _, axes = plt.subplots(figsize=within(6.4, 3.6, legend=below), layout="constrained")
        for label, (rank, share) in points.items():
            colour, symbol = looks[label]
            look: Any = {"marker": symbol, "markevery": 0.12} if len(rank) > 2 else {"marker": symbol or "o"}
            handles += axes.plot(rank, share, color=colour, linewidth=1.8, alpha=0.7, markersize=3.5, **look)
            names.append(wrapped(label) + ("" if len(rank) else "\nno positive variance"))
            exponent = float((exponents or {}).get(label, np.nan))
            if np.isfinite(exponent):
                law, (first, last) = _draw_law(axes, points[label], exponent, ranks, label, colour)
                handles.append(law)
                names.append(f"exponent {exponent:.2f}, ranks {first:,}–{last:,}")
        handles += _finish(axes, [pair for pair in points.values() if len(pair[0])])
        names += ["slope −1"]
        place_legend(axes, handles, names)
    return axes


def _shares(values: Any, label: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Ranks of the positive variances, numbered from 1, and their shares of the sum."""
    variances = as_array(values, label).astype(np.float64)
    if variances.ndim != 1 or not variances.size:
        raise InputError(f"the spectrum of {label!r} has shape {variances.shape}; give one variance per component")
    positive = variances > max(0.0, ROUNDING * np.nanmax(variances, initial=0))
    return np.flatnonzero(positive) + 1, variances[positive] / variances[positive].sum()


def _draw_law(
    axes: Axes,
    points: tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]],
    exponent: float,
    ranks: tuple[int, int],
    label: str,
    colour: str,
) -> tuple[Line2D, tuple[int, int]]:
    """The line of the power law, and the first and last rank of its fit."""
    rank, share = points
    within = (rank >= ranks[0]) & (rank <= ranks[1])
    if not within.any():
        raise InputError(f"{label!r} has an exponent but no positive variance at ranks {ranks[0]} to {ranks[1]}")
    rank, share = rank[within], share[within]
    level = np.average(np.log(share) + exponent * np.log(rank), weights=1 / rank)
    ends = rank[[0, -1]]
    (law,) = axes.plot(
        ends, np.exp(level) * ends.astype(float) ** -exponent, color=colour, linestyle="--", linewidth=1.2
    )
    return law, (int(ends[0]), int(ends[1]))


def _finish(axes: Axes, points: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]]) -> list[Line2D]:
    """Set the axis limits to the variances; returns the line of slope -1 from the largest share at rank 1."""
    last = max([10, *(rank[-1] for rank, _ in points)])
    top, bottom = (max([0.1, *(s.max() for _, s in points)]), min([0.1, *(s.min() for _, s in points)]))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(0.9, 1.1 * last)
    axes.set_ylim(0.7 * min(0.1, bottom), 1.25)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: _decade(value)))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("principal component (rank)")
    axes.set_ylabel("share of the variance")
    return axes.plot([1, last], [top, top / last], color="#444444", linestyle=":", linewidth=1)


def _decade(value: float) -> str:
    """A power of ten, without TeX: figures do not interpret it, to keep names unchanged."""
    power = round(np.log10(value))
    return f"{10**power:,}" if 0 <= power <= 4 else "10" + str(power).translate(SUPERSCRIPTS)
