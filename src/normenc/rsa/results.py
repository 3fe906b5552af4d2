"""The result of an inference."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.rsa.ceiling import Ceiling
from normenc.rsa.overview import bar_table, ceiling_in_words, short_table, to_xarray
from normenc.showing import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Inference"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Inference(Shown):
    """Results of :func:`infer`.

    Attributes
    ----------
    models : DataFrame
        One row per model: ``model``, ``similarity`` (mean over animals, or sessions, and seeds), ``low``, ``high`` (95
        % interval, within the measure's range), ``standard_error``, ``dof``; ``p_permutations`` (one-sided: are the two
        related at all, by permuting the stimuli), ``p_shifts`` (one-sided: does the match depend on the positions of
        the stimuli on the circle, by shifting them; NaN where stimuli are not in order on one, evenly spaced), each
        with ``_holm``, ``_fdr`` and ``_smallest`` (the smallest possible value);
        ``p_ceiling``, ``p_ceiling_holm``, ``p_ceiling_fdr`` (two-sided, against the lower ceiling; NaN without one),
        ``n_seeds``, ``why_unknown`` (why the similarity, or its interval, is NaN; else empty).
    pairs : DataFrame
        One row per pair of models: ``model``, ``other``, ``difference``, ``low``, ``high``, ``standard_error``,
        ``dof``, ``p``, ``p_holm``, ``p_fdr`` (two-sided, paired).
    ceiling : Ceiling
    ceiling_intervals : ndarray, shape (2, 2)
        95 % confidence intervals of the lower and the upper ceiling; NaN where there is none.
    factors : tuple of str
        The resampled factors, of :data:`normenc.rsa.FACTORS`.
    generalises_to : tuple of str
        These, and trials where stimuli, animals or sessions are resampled together with their trials.
    fixed : tuple of str
        Factors of the data and models that were taken as all there are.
    notes : tuple of str
        What intervals and tests generalise over, what is fixed and why, and what could not be resampled; sentences.
    why_no_intervals : str
        Why there are no intervals and no tests of differences at all; empty if there are.
    sizes : dict of str to int
        Sizes of the resampled factors.
    ordered : bool
        Whether the stimuli were treated as ordered on a circle.
    block_length : int or None
        Neighbours drawn together, for stimuli in order on a circle.
    n_samples : int
        Samples of each bootstrap. Those in which a model's similarity is undefined are left out for that model only.
    n_orders : int
        Orders of the stimuli in the test by permutations, the observed one included.
    n_shifts : int
        The same of circular shifts; 0 where stimuli are not in order on a circle, or not evenly spaced.
    n_permuted : int
        How many stimuli both tests use: all or, of more than 1,000, as many.
    method : str
        How RDMs were compared, of :data:`normenc.rsa.METHODS`.
    why_no_shifts : str
        Why stimuli in order on a circle were not shifted; else empty.
    """

    models: pd.DataFrame
    pairs: pd.DataFrame
    ceiling: Ceiling
    ceiling_intervals: Floats
    factors: tuple[str, ...]
    generalises_to: tuple[str, ...]
    fixed: tuple[str, ...]
    notes: tuple[str, ...]
    why_no_intervals: str
    sizes: dict[str, int]
    ordered: bool
    block_length: int | None
    n_samples: int
    n_orders: int
    n_shifts: int
    n_permuted: int
    method: str
    why_no_shifts: str = ""

    def _title(self) -> str:
        counts = ", ".join(f"{n:,} {what}" for what, n in self.sizes.items())
        n_models = len(self.models)
        return (
            f"{n_models} model{'s' * (n_models != 1)} by {self.method}, {ceiling_in_words(self)}; resampled: "
            f"{counts or 'nothing'}"
        )

    def _notes(self) -> tuple[str, ...]:
        return (*self.notes, "P-values are corrected for the number of models (Holm).")

    def summary(self) -> pd.DataFrame:
        """A summary of the similarities: the first columns of `models`, one row per model.

        ``p_shifts_holm`` is included if stimuli are in order on a circle, ``p_ceiling_holm`` if there is a noise
        ceiling, ``why_unknown`` if anything is unknown.
        """
        return short_table(self)

    def plot(self, recording: str = "the recording", *, axes: "Axes | None" = None) -> "Axes":
        """Draw the similarities with intervals, noise ceiling and tests: :func:`normenc.figures.similarity_bars`.

        Parameters
        ----------
        recording : str
            Name of the recording, for the title.
        axes : Axes, optional
            A new figure by default.

        Returns
        -------
        Axes
        """
        from normenc import figures

        return figures.similarity_bars(bar_table(self, recording), self.pairs, axes=axes)

    def to_xarray(self) -> xr.Dataset:
        """All numbers as a Dataset.

        The columns of `models` are variables along ``model``. Those of `pairs` are matrices (model, other):
        ``difference`` is the similarity of ``model`` minus that of ``other``, with ``difference_low``,
        ``difference_p_holm`` and so on. The limits of the noise ceiling and their intervals are scalars.
        """
        return to_xarray(self)
