"""RDMs of stimuli on a circle in two parts: a profile over the angle between stimuli, and what depends on the angle."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_seed
from normenc.errors import InputError
from normenc.rsa.ceiling import noise_ceiling
from normenc.rsa.circle import PARTS, PROFILE, REST, Circle, circle_of, open_ends
from normenc.rsa.circular_measure import PartMeasure
from normenc.rsa.inputs import recorded_rdms, sessions_of
from normenc.rsa.labelled import labels_of, turned_stack
from normenc.rsa.measures import Method, as_measure
from normenc.rsa.pairs import as_rdm, upper, whole
from normenc.rsa.recorded import check_metric
from normenc.rsa.ties import is_flat
from normenc.showing import Shown

__all__ = ["CircularParts", "circular_parts"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class CircularParts(Shown):
    """Results of :func:`circular_parts`.

    Attributes
    ----------
    parts : DataFrame
        Two rows: ``part`` ("profile" or "rest"); ``share`` of the variance of the dissimilarities, which add up to 1;
        ``reliability``, the expected similarity of this part with that of a second recording of the same size (NaN
        without responses or repeats, or where the part is the same for all pairs).
    profile, rest : ndarray, shape (n_stimuli, n_stimuli)
        The two parts, which add up to the RDM; their diagonals are 0. The mean dissimilarity is in the profile.
    curve : DataFrame
        The profile as a function: ``angle`` between two stimuli, in degrees of the period, rising; ``dissimilarity``;
        ``n_pairs`` at this angle.
    exact : bool
        Whether stimuli are on a regular grid, so that the profile is the mean dissimilarity at each angle; otherwise it
        is a cosine series.
    reliability_from : str
        "repeats" (halves of the trials), "neurons" (halves of these) or "none".
    notes : tuple of str
        What speaks against a closed circle.
    """

    parts: pd.DataFrame
    profile: Floats
    rest: Floats
    curve: pd.DataFrame
    exact: bool
    reliability_from: str
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """Share of the variance and reliability of each part."""
        return self.parts.copy()

    def _title(self) -> str:
        share = self.parts["share"][0]
        return f"{share:.3f} of the variance is a profile over the angle between {len(self.profile)} stimuli"

    def _notes(self) -> tuple[str, ...]:
        how = "the mean dissimilarity at each angle" if self.exact else "a cosine series of the angle"
        return (f"The profile is {how}.", *self.notes)


def circular_parts(
    rdm: Any = None,
    positions: Any = None,
    *,
    period: float = 360.0,
    responses: Any = None,
    repeats: Any = None,
    rdm_metric: str = "correlation",
    method: Method = "pearson",
    seed: int = 0,
) -> CircularParts:
    r"""Divide an RDM of stimuli on a circle into a profile over the angle between stimuli, and the rest.

    The dissimilarity of stimuli at the angles :math:`\\theta_i` and :math:`\\theta_j` is

    .. math:: d_{ij} = p(|\\theta_i - \\theta_j|) + r_{ij}

    The profile p is the function of the angle between two stimuli that leaves the smallest sum of squares. It says how
    dissimilarity grows with this angle, which nearly all smooth codes have in common. The rest r says where on the
    circle dissimilarities are larger or smaller than that: more neurons for cardinal orientations, for example. Over
    pairs of different stimuli the two are orthogonal, so that their shares of the variance add up to 1. An RDM that is
    the same all around the circle has no rest.

    On a regular grid, with no more than n_stimuli // 2 + 1 different angles between stimuli, p is the mean
    dissimilarity at each angle, which assumes nothing. Otherwise p is a cosine series of the angle, with n_stimuli // 2
    terms (at most 100), and so assumes that dissimilarity is smooth in the angle. Noise of the recording is nearly all
    in the rest, because the profile is an average; the reliability of each part says how much of it is noise.

    Parameters
    ----------
    rdm : array_like, shape (n_stimuli, n_stimuli), optional
        By default that of the responses or repeats.
    positions : array_like, shape (n_stimuli,), optional
        Of the stimuli on the circle, in any order, degrees; by default evenly spaced, in order.
    period : float
        Degrees after which stimuli repeat: 180 of orientations, 360 of directions.
    responses : array_like, shape (n_stimuli, n_neurons), optional
        Halves of the neurons give the reliability, see :func:`normenc.rsa.noise_ceiling`.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), optional
        Halves of the trials give the reliability instead.
    rdm_metric : str
        How RDMs are computed from responses.
    method : str, Measure or callable
        How the parts of the halves are compared, as :func:`normenc.rsa.compare_rdms` takes it.
    seed : int
        Of the halves.

    Returns
    -------
    CircularParts

    Raises
    ------
    InputError
        If there is neither an RDM nor responses, if there are several RDMs, if all dissimilarities are equal, or if
        positions are not one for each stimulus, all around the circle.

    Examples
    --------
    >>> angle = np.deg2rad(np.arange(0, 360, 30))
    >>> same_all_around = 1 - np.cos(angle[:, None] - angle)
    >>> circular_parts(same_all_around).parts["share"].round(6).tolist()
    [1.0, 0.0]
    >>> cardinal = np.cos(2 * angle)
    >>> parts = circular_parts(same_all_around + 0.5 * np.add.outer(cardinal, cardinal) * (1 - np.eye(12)))
    >>> parts.parts["share"].round(3).tolist()
    [0.663, 0.337]
    """
    if rdm is None and responses is None and repeats is None:
        raise InputError("there is no RDM to divide; give rdm, responses or repeats")
    measure, seed = as_measure(method), as_seed(seed)
    check_metric(rdm_metric, responses=responses, repeats=repeats)
    sessions, labels = sessions_of(responses)
    repeats = turned_stack(repeats, "repeats")
    others = [("responses", labels), ("repeats", labels_of(repeats, -2))]
    matrix = as_rdm(recorded_rdms(rdm, sessions, repeats, rdm_metric, others), "the RDM")
    circle, vector = circle_of(len(matrix), positions, period), upper(matrix)
    if is_flat(vector):
        raise InputError(f"all dissimilarities are {vector[0]:g}, so there is no variance to divide")
    parts = {which: circle.part(which, vector) for which in PARTS}
    table = pd.DataFrame({"part": PARTS, "share": [float(share) for share in circle.shares(vector)]})
    kind = "repeats" if repeats is not None else "neurons" if sessions else "none"
    recorded = {"responses": responses, "repeats": repeats, "rdm_metric": rdm_metric, "seed": seed}
    of_parts = [PartMeasure.of(measure, circle, which) for which in PARTS]
    table["reliability"] = [
        np.nan if kind == "none" or own.is_undefined(vector) else noise_ceiling(rdm, method=own, **recorded).lower
        for own in of_parts
    ]
    n_stimuli = len(matrix)
    return CircularParts(
        table,
        whole(parts[PROFILE], n_stimuli),
        whole(parts[REST], n_stimuli),
        _curve(circle, parts[PROFILE], period),
        circle.is_grid,
        kind,
        tuple(filter(None, [open_ends(matrix, positions, period)])),
    )


def _curve(circle: Circle, profile: Floats, period: float) -> pd.DataFrame:
    angle, first, n_pairs = np.unique(np.round(circle.between, 6), return_index=True, return_counts=True)
    return pd.DataFrame({"angle": angle * (period / 360), "dissimilarity": profile[first], "n_pairs": n_pairs})
