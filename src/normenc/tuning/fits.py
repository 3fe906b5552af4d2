"""Von Mises functions fitted to tuning curves, all units at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.showing import Listed
from normenc.tuning.curves import around_zero, checked

__all__ = ["VonMisesFit", "fit_von_mises", "von_mises"]

Floats = npt.NDArray[np.float64]
LOWEST, HIGHEST = 0.02, 2000.0  # range of concentrations: about a cosine, to a width of 1.5 degrees of orientation
GRID_FROM, GRID_RATIO = 0.1, 1.6  # smallest concentration of the grid, and from one to the next
N_CENTRES = 72  # minimum size of the grid
MAX_STEPS = 60
NEAR = 1e-3  # relative distance from a bound at which a concentration counts as at the bound
TOLERANCE = 1e-10  # relative gain in squared error below which a unit's fit has converged
UNITS_AT_ONCE = 4096
MIN_STIMULI = {180.0: 5, 360.0: 6}  # one more than the parameters


@dataclass(frozen=True, repr=False)
class VonMisesFit(Listed):
    """One von Mises function per unit (orientation), or two, half a turn apart (direction).

    Attributes
    ----------
    preferred : ndarray, shape (n_units,)
        Position of the (larger) bump: degrees, within half a period of 0.
    baseline, amplitude : ndarray, shape (n_units,)
        In the units of the responses; the amplitude is at least 0.
    opposite_amplitude : ndarray, shape (n_units,)
        Amplitude of the bump half a turn away; 0 with period 180.
    concentration : ndarray, shape (n_units,)
    width : ndarray, shape (n_units,)
        Full width of the (larger) bump at half height, in degrees of the stimulus.
    at_bound : ndarray of bool, shape (n_units,)
        Whether the width is at a limit of the search range, and so a bound rather than a measurement: the tuning may be
        narrower than the distance between stimuli, or is no narrower than a cosine.
    r2 : ndarray, shape (n_units,)
        Goodness of fit: share of the variance over the given rows that the curve explains, 0 to 1; 0 for constant
        units. Noise lowers it; few stimuli relative to the number of parameters raise it.
    period : float

    Curves of constant units are flat: their `preferred`, `concentration` and `width` are NaN.
    """

    preferred: Floats
    baseline: Floats
    amplitude: Floats
    opposite_amplitude: Floats
    concentration: Floats
    width: Floats
    at_bound: npt.NDArray[np.bool_]
    r2: Floats
    period: float

    def __call__(self, stimulus: Any) -> Floats:
        """The curves at `stimulus`, degrees, shape (n_stimuli, n_units)."""
        around = 2 * np.pi / self.period * (np.asarray(stimulus, dtype=np.float64)[:, None] - self.preferred)
        rise = self.amplitude * np.exp(self.concentration * (np.cos(around) - 1))
        if self.period == 360:
            rise = rise + self.opposite_amplitude * np.exp(self.concentration * (-np.cos(around) - 1))
        return self.baseline + np.where(np.isnan(self.preferred), 0, rise)


def von_mises(stimulus: Any, preferred: float, concentration: float, *, period: float = 180.0) -> Floats:
    """exp(concentration (cos(2 pi (stimulus - preferred) / period) - 1)): a bump around the circle of height 1.

    Parameters
    ----------
    stimulus : array_like
        Degrees.
    preferred : float
        Degrees.
    concentration : float
    period : float
        180 or 360 degrees.

    Examples
    --------
    >>> von_mises([0.0, 180.0], 0.0, 2.0)
    array([1., 1.])
    """
    around = 2 * np.pi / period * (np.asarray(stimulus, dtype=np.float64) - preferred)
    return np.exp(concentration * (np.cos(around) - 1))


def fit_von_mises(responses: Any, stimulus: Any, *, period: float = 180.0) -> VonMisesFit:
    """Fit tuning curves by least squares.

    With period 180, r(t) = baseline + amplitude exp(k (cos 2(t - preferred) - 1)). With period 360, a second bump of
    the same width is added at the opposite direction: r(t) = baseline + amplitude exp(k (cos(t - preferred) - 1)) +
    opposite amplitude exp(k (cos(t - preferred - 180) - 1)). Amplitudes are not negative.

    The best of a grid of centres and concentrations starts a Levenberg-Marquardt descent; baseline and amplitudes, in
    which the curve is linear, are solved for at each step (variable projection). Concentrations range from 0.02, about
    a cosine, to where the width equals the mean distance between stimuli, since narrower bumps cannot be distinguished;
    `at_bound` marks widths at either limit.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
        Mean responses, or trials. All rows have the same weight.
    stimulus : array_like, shape (n_stimuli,)
        Degrees.
    period : float
        180 (orientation) or 360 (direction).

    Returns
    -------
    VonMisesFit

    Raises
    ------
    InputError
        If there are fewer different stimuli than parameters, shapes disagree or values are not finite.

    References
    ----------
    Swindale, "Orientation tuning curves: empirical description and estimation of parameters", Biol. Cybern. 1998;
    Golub & Pereyra, "Separable nonlinear least squares: the variable projection method", Inverse Probl. 2003.

    Examples
    --------
    >>> degrees = np.arange(-90, 90, 10)
    >>> fit = fit_von_mises(1 + 3 * von_mises(degrees, 22.5, 4.0)[:, None], degrees)
    >>> [float(x[0].round(6)) for x in (fit.preferred, fit.baseline, fit.amplitude, fit.concentration, fit.r2)]
    [22.5, 1.0, 3.0, 4.0, 1.0]
    """
    values, degrees = checked(responses, stimulus, period)
    needed = MIN_STIMULI[period]
    n_different = len(np.unique(around_zero(degrees, period)))
    if n_different < needed:
        raise InputError(f"there are {n_different} different stimuli; a von Mises fit needs at least {needed}")
    angle = np.radians(degrees * 360 / period)
    narrowest = min(float(np.log(2) / (1 - np.cos(np.pi / n_different))), HIGHEST)
    parts = [
        _fit(values[:, start : start + UNITS_AT_ONCE].astype(np.float64), angle, narrowest, double=period == 360)
        for start in range(0, values.shape[1], UNITS_AT_ONCE)
    ]
    centre, concentration, baseline, first, second, r2 = (np.concatenate(x) for x in zip(*parts, strict=True))
    swapped = second > first
    first, second = np.maximum(first, second), np.minimum(first, second)
    preferred = np.degrees(np.mod(centre + np.pi * swapped + np.pi, 2 * np.pi) - np.pi) * period / 360
    flat = ~(first > 0)
    with np.errstate(over="ignore"):
        # Half way between the bump's largest and smallest value.
        half = 1 + np.log((1 + np.exp(-2 * concentration)) / 2) / concentration
    width = 2 * np.degrees(np.arccos(np.clip(half, -1, 1))) * period / 360
    return VonMisesFit(
        preferred=np.where(flat, np.nan, preferred),
        baseline=baseline,
        amplitude=first,
        opposite_amplitude=second,
        concentration=np.where(flat, np.nan, concentration),
        width=np.where(flat, np.nan, width),
        at_bound=~flat & ((concentration <= LOWEST * (1 + NEAR)) | (concentration >= narrowest * (1 - NEAR))),
        r2=r2,
        period=float(period),
    )


Fitted = tuple[Floats, ...]


def _fit(values: Floats, angle: Floats, narrowest: float, *, double: bool) -> Fitted:
    """Centre (radians), concentration, baseline, both amplitudes and R2 of each unit; `values` (n_stimuli, n_units)."""
    mean = values.mean(axis=0)
    scale = values.std(axis=0)
    varies = scale > 1e-12 * np.maximum(np.abs(mean), 1e-300)
    data = np.where(varies, (values - mean) / np.where(varies, scale, 1), 0).T.copy()
    centre, log_k = _best_of_grid(data, angle, narrowest, double=double)
    centre, log_k = _descend(data, angle, centre, log_k, narrowest, double=double)
    bumps = _bumps(angle, centre, log_k, double)
    weights, residual = _solve(data, bumps)
    r2 = np.where(varies, 1 - np.square(residual).mean(axis=1), 0.0)
    amplitudes = weights * scale[:, None]
    baseline = mean - np.einsum("nb,bn->n", amplitudes, bumps.mean(axis=2))
    first, second = amplitudes[:, 0], amplitudes[:, 1] if double else np.zeros(len(data))
    return centre, np.exp(log_k), baseline, first, second, r2


def _best_of_grid(data: Floats, angle: Floats, narrowest: float, *, double: bool) -> tuple[Floats, Floats]:
    """Centre and log concentration of the curve of a grid that explains most of each unit's variance."""
    best = np.full(len(data), -np.inf)
    centre, log_k = np.zeros(len(data)), np.zeros(len(data))
    n_steps = max(2, int(np.ceil(np.log(narrowest / GRID_FROM) / np.log(GRID_RATIO))) + 1)
    for concentration in np.geomspace(GRID_FROM, narrowest, n_steps):
        width = 2 * np.arccos(max(1 - np.log(2) / concentration, -1))
        centres = np.linspace(0, 2 * np.pi, max(N_CENTRES, 2 * int(np.ceil(2 * np.pi / width))), endpoint=False)
        gain = _gains(data, angle, centres, concentration, double=double)
        nearest = gain.argmax(axis=1)
        value = gain[np.arange(len(data)), nearest]
        better = value > best
        best = np.where(better, value, best)
        centre = np.where(better, centres[nearest], centre)
        log_k = np.where(better, np.log(concentration), log_k)
    return centre, log_k


def _gains(
    data: Floats,
    angle: Floats,
    centres: Floats,
    concentration: float,
    *,
    double: bool,
) -> Floats:
    """Reduction of the squared error by bumps at `centres`, an even number around the circle, (n_units, n_centres)."""
    bumps = np.exp(concentration * (np.cos(angle - centres[:, None]) - 1))
    bumps -= bumps.mean(axis=1, keepdims=True)
    squares = np.square(bumps).sum(axis=1)
    squares[squares < 1e-12] = np.inf  # too narrow to reach any stimulus
    products = data @ bumps.T
    gain = np.square(np.maximum(products, 0)) / squares
    if not double:
        return gain
    opposite = np.roll(np.arange(len(centres)), len(centres) // 2)
    cross = (bumps * bumps[opposite]).sum(axis=1)
    determinant = squares * squares[opposite] - cross**2
    with np.errstate(invalid="ignore", divide="ignore"):
        one = (squares[opposite] * products - cross * products[:, opposite]) / determinant
        two = (squares * products[:, opposite] - cross * products) / determinant
        both = one * products + two * products[:, opposite]
    usable = (one >= 0) & (two >= 0) & np.isfinite(both)
    return np.where(usable, both, np.maximum(gain, gain[:, opposite]))


def _bumps(angle: Floats, centre: Floats, log_k: Floats, double: bool) -> Floats:
    """The bumps at the stimuli, shape (1 or 2, n_units, n_stimuli)."""
    towards = np.cos(angle - centre[:, None])
    signs = (towards, -towards) if double else (towards,)
    return np.stack([np.exp(np.exp(log_k)[:, None] * (sign - 1)) for sign in signs])


def _solve(data: Floats, bumps: Floats) -> tuple[Floats, Floats]:
    """Non-negative amplitudes, shape (n_units, 1 or 2), and residuals of data with mean 0."""
    shapes = bumps - bumps.mean(axis=2, keepdims=True)
    squares = np.maximum(np.square(shapes).sum(axis=2), 1e-300)
    products = np.einsum("bns,ns->bn", shapes, data)
    alone = np.maximum(products / squares, 0)
    if len(shapes) == 1:
        return alone.T, data - alone[0][:, None] * shapes[0]
    cross = (shapes[0] * shapes[1]).sum(axis=1)
    determinant = squares[0] * squares[1] - cross**2
    with np.errstate(invalid="ignore", divide="ignore"):
        both = np.stack(
            [squares[1] * products[0] - cross * products[1], squares[0] * products[1] - cross * products[0]]
        )
        both /= determinant
    usable = (determinant > 1e-12 * squares[0] * squares[1]) & (both >= 0).all(axis=0)
    gains = alone * products
    only_first = gains[0] >= gains[1]
    one = np.stack([np.where(only_first, alone[0], 0), np.where(only_first, 0, alone[1])])
    weights = np.where(usable, both, one)
    return weights.T, data - np.einsum("bn,bns->ns", weights, shapes)


def _descend(
    data: Floats,
    angle: Floats,
    centre: Floats,
    log_k: Floats,
    narrowest: float,
    *,
    double: bool,
) -> tuple[Floats, Floats]:
    """Levenberg-Marquardt in the centre and the logarithm of the concentration, for all units not yet converged."""
    low, high = np.log(LOWEST), np.log(narrowest)
    centre, log_k = centre.copy(), np.clip(log_k, low, high)
    damping = np.full(len(data), 1e-3)
    active = np.arange(len(data))
    for _ in range(MAX_STEPS):
        if not active.size:
            break
        own, at, k = data[active], centre[active], log_k[active]
        bumps = _bumps(angle, at, k, double)
        weights, residual = _solve(own, bumps)
        error = np.square(residual).sum(axis=1)
        slopes = _slopes(angle, at, k, bumps, weights)
        outward = np.einsum("ns,ns->n", slopes[1], residual)
        slopes[1][((k <= low) & (outward < 0)) | ((k >= high) & (outward > 0))] = 0  # at a bound, move only the centre
        step = _step(slopes, residual, damping[active])
        new_at = at + np.clip(step[:, 0], -0.5, 0.5)
        new_k = np.clip(k + np.clip(step[:, 1], -1, 1), low, high)
        _, after = _solve(own, _bumps(angle, new_at, new_k, double))
        new_error = np.square(after).sum(axis=1)
        better = new_error < error
        centre[active] = np.where(better, new_at, at)
        log_k[active] = np.where(better, new_k, k)
        damping[active] = np.where(better, damping[active] / 4, damping[active] * 8)
        small = better & (error - new_error <= TOLERANCE * error)
        stuck = ~better & (damping[active] > 1e6)
        active = active[~(small | stuck | (error < 1e-24 * data.shape[1]))]
    return centre, log_k


def _step(slopes: Floats, residual: Floats, damping: Floats) -> Floats:
    """Step of the centre and the log concentration, shape (n_units, 2)."""
    normal = np.einsum("ans,bns->nab", slopes, slopes)
    right = np.einsum("ans,ns->na", slopes, residual)
    diagonal = np.einsum("naa->na", normal)  # a view
    diagonal += damping[:, None] * diagonal + 1e-12
    return np.linalg.solve(normal, right[..., None])[..., 0]


def _slopes(
    angle: Floats,
    centre: Floats,
    log_k: Floats,
    bumps: Floats,
    weights: Floats,
) -> Floats:
    """Derivatives of the curves by centre and log concentration, shape (2, n_units, n_stimuli).

    The part that the amplitudes can absorb is removed (Kaufman's approximation).
    """
    away = angle - centre[:, None]
    k = np.exp(log_k)[:, None]
    towards, across = np.cos(away), np.sin(away)
    by_centre = weights[:, :1] * bumps[0] * across
    by_k = weights[:, :1] * bumps[0] * (towards - 1)
    if len(bumps) == 2:
        by_centre = by_centre - weights[:, 1:] * bumps[1] * across
        by_k = by_k + weights[:, 1:] * bumps[1] * (-towards - 1)
    slopes = k * np.stack([by_centre, by_k])
    slopes -= slopes.mean(axis=2, keepdims=True)
    for bump in _orthogonal(bumps, weights):
        slopes -= np.einsum("ans,ns->an", slopes, bump)[..., None] * bump
    return slopes


def _orthogonal(bumps: Floats, weights: Floats) -> list[Floats]:
    """The bumps with mean 0 and length 1, orthogonalised; those without weight are 0, and do not rotate the others."""
    basis: list[Floats] = []
    for bump, weight in zip(bumps, weights.T, strict=True):
        own = (bump - bump.mean(axis=1, keepdims=True)) * (weight > 0)[:, None]
        for other in basis:
            own = own - (own * other).sum(axis=1, keepdims=True) * other
        basis.append(own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-150))
    return basis
