"""Dissimilarities of stimuli on a circle: what depends on the angle between two stimuli alone, and the rest."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from normenc.arrays import as_array
from normenc.errors import InputError

__all__ = [
    "PARTS",
    "PROFILE",
    "REST",
    "Circle",
    "circle_of",
    "distinct_places",
    "open_ends",
    "places_around",
    "steps_around",
    "why_not_even",
]

Floats = npt.NDArray[np.float64]
PROFILE, REST = "profile", "rest"
PARTS = (PROFILE, REST)
DECIMALS = 6  # of degrees of a circle of 360; angles between stimuli that differ by less are the same
MOST_HARMONICS = 100  # of the angle between stimuli that are not on a regular grid
SINGULAR = 1e-8  # of the largest singular value: functions of the angle below it cannot be told from others
NOTHING = 1e-10  # share of an RDM's variance that is only rounding
OPEN = 1.5  # times the largest dissimilarity of other neighbours: the ends of the circle do not meet
EVEN = 0.01  # of the mean step between neighbours: steps that differ from it by no more are even
NEAR = 60  # of the stimuli, a part that is near: as many are looked at on both sides of a gap
BYTES = 2**27  # of dissimilarities in samples at a time


@dataclass(frozen=True)
class Circle:
    """Stimuli on a circle, and the functions of the angle between two of them.

    Attributes
    ----------
    angles : ndarray, shape (n_stimuli,)
        Of the stimuli, degrees of 360.
    between : ndarray, shape (n_pairs,)
        Angle between the two stimuli of each pair, 0 to 180, in the order of :func:`normenc.rsa.pairs.upper`.
    group : ndarray of int, shape (n_pairs,), or None
        Which of the different angles between stimuli each pair has, if stimuli are on a regular grid.
    basis : ndarray, shape (n_pairs, n_functions), or None
        Orthonormal functions of the angle, otherwise.
    """

    angles: Floats
    between: Floats
    group: npt.NDArray[np.intp] | None
    basis: Floats | None

    @property
    def is_grid(self) -> bool:
        """Whether the profile is the mean at each angle, so that it assumes nothing."""
        return self.group is not None

    def part(self, which: str, vectors: Floats, weights: Floats | None = None) -> Floats:
        """One part of dissimilarities, which add up to them; the profile includes their mean.

        A part whose share of the variance is below 1e-10 is rounding: the rest is then 0, the profile the mean.

        Parameters
        ----------
        which : str
            "profile" or "rest".
        vectors : ndarray, shape (..., n_pairs)
        weights : ndarray, shape (..., n_pairs), optional
            Of pairs, broadcast with `vectors`, at least 0; each pair counts as often.
        """
        profile = self._profile(vectors, weights)
        mean = _mean(vectors, weights)
        if which == REST:
            part, other = vectors - profile, profile - mean
            nothing, flat = np.zeros(1), part
        else:
            part, other = profile, vectors - profile
            nothing, flat = mean, profile - mean
        own, left = _squares(flat, weights), _squares(other, weights)
        rounding = own <= NOTHING * (own + left)
        return np.where(rounding, nothing, part) if rounding.any() else part

    def shares(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Shares of the variance of dissimilarities that the two parts have, shape (...); they add up to 1.

        NaN if all dissimilarities are equal.
        """
        profile = self.part(PROFILE, vectors)
        spread = profile.var(axis=-1), (vectors - profile).var(axis=-1)
        with np.errstate(invalid="ignore"):
            return spread[0] / (spread[0] + spread[1]), spread[1] / (spread[0] + spread[1])

    def _profile(self, vectors: Floats, weights: Floats | None) -> Floats:
        if self.group is not None:
            return self._means(vectors, weights)
        assert self.basis is not None
        if weights is None:
            return np.asarray((vectors @ self.basis) @ self.basis.T)
        weights = np.broadcast_to(weights, np.broadcast_shapes(weights.shape, vectors.shape))
        vectors = np.broadcast_to(vectors, weights.shape)
        flat = [
            self._weighted_fit(vector, weight) for vector, weight in zip(_rows(vectors), _rows(weights), strict=True)
        ]
        return np.reshape(flat, weights.shape)

    def _weighted_fit(self, vector: Floats, weight: Floats) -> Floats:
        assert self.basis is not None
        root = np.sqrt(weight)
        found = np.linalg.lstsq(self.basis * root[:, None], vector * root, rcond=SINGULAR)[0]
        return np.asarray(self.basis @ found)

    def _means(self, vectors: Floats, weights: Floats | None) -> Floats:
        assert self.group is not None
        if weights is None:
            means = self._sums(vectors) / np.bincount(self.group)
        else:
            means = self._sums(vectors * weights) / np.maximum(self._sums(weights), np.finfo(float).tiny)
        return np.take(means, self.group, axis=-1)

    def _sums(self, values: Floats) -> Floats:
        """Sums over the pairs at each angle, shape (..., n_angles)."""
        return np.asarray((self._of_angle @ _rows(values).T).T).reshape(*values.shape[:-1], -1)

    @cached_property
    def _of_angle(self) -> sp.csr_array:
        """Which pairs are at each angle, shape (n_angles, n_pairs)."""
        assert self.group is not None
        return sp.csr_array((np.ones(len(self.group)), (self.group, np.arange(len(self.group)))))


def circle_of(n_stimuli: int, positions: npt.ArrayLike | None, period: float = 360.0) -> Circle:
    """Stimuli at these positions, or evenly spaced.

    If there are no more than n_stimuli // 2 + 1 different angles between two stimuli, as on a regular grid, the profile
    is the mean dissimilarity at each of them. Otherwise, it is the least-squares fit of a cosine series of the angle,
    with n_stimuli // 2 terms, as many as even spacing has angles, and at most 100.

    Parameters
    ----------
    n_stimuli : int
    positions : array_like, shape (n_stimuli,), optional
        In any order, degrees of `period`.
    period : float
        Degrees after which stimuli repeat: 180 of orientations, 360 of directions.

    Raises
    ------
    InputError
        If there are fewer than 4 stimuli; if positions are not finite numbers, one for each stimulus, or are fewer than
        4 different ones; if the period is not a positive number; or if they leave half of the circle or more without a
        stimulus.

    Examples
    --------
    >>> circle_of(4, [0, 45, 90, 135], period=180).between.tolist()
    [90.0, 180.0, 90.0, 90.0, 180.0, 90.0]
    """
    angles = _angles(n_stimuli, positions, period)
    rows, columns = np.triu_indices(n_stimuli, k=1)
    between = np.abs((angles[rows] - angles[columns] + 180) % 360 - 180)
    different, group = np.unique(np.round(between, DECIMALS), return_inverse=True)
    if len(different) <= n_stimuli // 2 + 1:
        return Circle(angles, between, group, None)
    terms = np.arange(min(n_stimuli // 2, MOST_HARMONICS))
    left, singular, _ = np.linalg.svd(np.cos(np.deg2rad(between)[:, None] * terms), full_matrices=False)
    return Circle(angles, between, None, left[:, singular > SINGULAR * singular[0]])


def open_ends(matrix: Floats, positions: npt.ArrayLike | None, period: float = 360.0) -> str:
    """Say so if the first and the last stimulus are neighbours on the circle, but far more dissimilar than others.

    They are if their dissimilarity is above 1.5 times that of all other neighbours, and they are not further apart than
    these. With 120 stimuli or more it is the mean over the nearest pairs on both sides, which has less noise. It is so
    for orientations of gratings that drift: half a turn on, the orientation is the same, but the direction is the
    opposite one.

    Parameters
    ----------
    matrix : ndarray, shape (n_stimuli, n_stimuli)
    positions, period
        See :func:`circle_of`.

    Returns
    -------
    str
        A sentence; empty if it is not so.

    Examples
    --------
    >>> line = np.abs(np.subtract.outer(np.arange(8.0), np.arange(8.0)))
    >>> open_ends(line, None)[:66]
    'The first and the last stimulus are neighbours on the circle, but '
    """
    values = np.arange(len(matrix)) * period / len(matrix) if positions is None else np.asarray(positions, np.float64)
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order])
    between = values[order[0]] + period - values[order[-1]]
    across = _across(matrix[np.ix_(order, order)], max(1, len(matrix) // NEAR))
    ends, others = across[0], across[1:].max()
    if not -1e-9 <= between <= gaps.max() + 1e-9 or ends <= OPEN * others:
        return ""
    return (
        f"The first and the last stimulus are neighbours on the circle, but their dissimilarity is {ends:.3g}, and "
        f"that of other neighbours at most {others:.3g}: the circle is not closed, and the rest holds what separates "
        "its ends, such as opposite directions of drift at the same orientation."
    )


def steps_around(n_stimuli: int, positions: npt.ArrayLike | None) -> Floats:
    """Steps between stimuli in order on a circle, the last from the last one to the first, in degrees of 360.

    Parameters
    ----------
    n_stimuli : int
    positions : array_like, shape (n_stimuli,), optional
        Ascending within one turn, in degrees of 360; evenly spaced by default.

    Raises
    ------
    InputError
        If positions are not ascending within one turn, or not one for each stimulus.
    """
    if positions is None:
        return np.full(n_stimuli, 360 / n_stimuli)
    angles = as_array(positions, "positions")
    if angles.shape != (n_stimuli,):
        raise InputError(f"positions have shape {angles.shape}; they must be ({n_stimuli},), one for each stimulus")
    steps = np.diff(angles.astype(np.float64), append=angles[0] + 360.0)
    if not (steps >= -1e-9).all():
        raise InputError(
            "positions must be ascending within one turn of the circle, in degrees of 360; multiply orientations by 2"
        )
    return np.asarray(steps)


def why_not_even(n_stimuli: int, positions: npt.ArrayLike | None) -> str:
    """Why stimuli in order on a circle cannot be shifted by one place, as a clause; empty if they can.

    A shift by one place turns the circle by one angle only if all steps between neighbours are equal. Then unrelated
    codes that are the same all around the circle are equally similar in all shifts. With other steps, neighbours that
    are near to each other are so in models and recording alike, and a shift by rank separates these. Steps may differ
    from their mean by 1 %, for rounded positions.

    Parameters
    ----------
    n_stimuli, positions
        See :func:`steps_around`.

    Examples
    --------
    >>> why_not_even(4, [0, 90, 180, 270])
    ''
    >>> why_not_even(4, [0, 90, 200, 270])
    'the stimuli are not evenly spaced around their circle (steps are 0.78 to 1.22 times the mean step)'
    """
    steps = steps_around(n_stimuli, positions) * n_stimuli / 360
    if np.abs(steps - 1).max() <= EVEN:
        return ""
    return (
        f"the stimuli are not evenly spaced around their circle (steps are {steps.min():.2f} to {steps.max():.2f} "
        "times the mean step)"
    )


def distinct_places(n_stimuli: int, positions: npt.ArrayLike | None) -> npt.NDArray[np.intp]:
    """Places of all stimuli but a last one at the angle of the first (gratings at -90 and 90), if the others are even.

    Examples
    --------
    >>> distinct_places(5, [0, 90, 180, 270, 360]).tolist(), distinct_places(3, [0, 100, 360]).tolist()
    ([0, 1, 2, 3], [0, 1, 2])
    """
    everyone = np.arange(n_stimuli)
    if positions is None or steps_around(n_stimuli, positions)[-1] > 1e-6:
        return everyone
    return everyone if why_not_even(n_stimuli - 1, np.asarray(positions)[:-1]) else everyone[:-1]


def places_around(n_stimuli: int, most: int) -> npt.NDArray[np.intp]:
    """Places of at most so many stimuli around a circle, at equal distances if so many, or half of them, can be.

    Examples
    --------
    >>> places_around(12, 5).tolist(), places_around(11, 5).tolist()
    ([0, 3, 6, 9], [0, 2, 4, 6, 8])
    """
    if n_stimuli <= most:
        return np.arange(n_stimuli)
    for n in range(most, -(-most // 2) - 1, -1):
        if n_stimuli % n == 0:
            return np.arange(0, n_stimuli, n_stimuli // n)
    return np.linspace(0, n_stimuli, most, endpoint=False).astype(np.intp)


def _across(matrix: Floats, reach: int) -> Floats:
    """Mean dissimilarity of stimuli on both sides of each gap between neighbours, at most so many places apart.

    The first gap is that between the last stimulus and the first; gaps so near to it that they share pairs are left
    out.
    """
    n = len(matrix)
    pairs = np.array([(-1 - before, after) for before in range(reach) for after in range(reach - before)])
    gaps = np.r_[0, reach : n - reach + 1]
    first, second = ((gaps[:, None] + own) % n for own in pairs.T)
    return np.asarray(matrix[first, second].mean(axis=1))


def _angles(n_stimuli: int, positions: npt.ArrayLike | None, period: float) -> Floats:
    if isinstance(period, bool) or not isinstance(period, int | float | np.number) or not 0 < period < np.inf:
        raise InputError(f"period is {period!r}; it must be a positive number of degrees, such as 180 or 360")
    values = np.arange(n_stimuli) * period / n_stimuli if positions is None else as_array(positions, "positions")
    if values.shape != (n_stimuli,):
        raise InputError(f"positions have shape {values.shape}; they must be ({n_stimuli},), one for each stimulus")
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        raise InputError("positions must be finite numbers, in degrees of the period")
    angles = values.astype(np.float64) * (360 / period) % 360
    different = np.unique(np.round(angles, DECIMALS) % 360)
    gap = np.diff(different, append=different[0] + 360).max()
    if len(different) < 4 or gap >= 180:
        raise InputError(
            f"there are {len(different)} different positions, and the largest gap between neighbours is "
            f"{gap * period / 360:g} of {period:g} degrees; the parts of an RDM need at least 4 positions, all around "
            "the circle, with gaps below half of it. Check the period: 180 for orientations, 360 for directions"
        )
    return angles


def _mean(vectors: Floats, weights: Floats | None) -> Floats:
    if weights is None:
        return np.asarray(vectors.mean(axis=-1, keepdims=True))
    total = np.maximum(weights.sum(axis=-1, keepdims=True), np.finfo(float).tiny)
    return np.asarray((vectors * weights).sum(axis=-1, keepdims=True) / total)


def _squares(vectors: Floats, weights: Floats | None) -> Floats:
    if weights is None:
        return np.einsum("...p,...p->...", vectors, vectors)[..., None]
    return np.einsum("...p,...p,...p->...", vectors, vectors, weights)[..., None]


def _rows(values: Floats) -> Floats:
    return values.reshape(-1, values.shape[-1])
