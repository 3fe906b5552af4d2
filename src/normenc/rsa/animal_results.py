"""The result of a comparison of models with animals, beside that of animals with each other."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from normenc.showing import Shown

__all__ = ["AgainstAnimals"]


@dataclass(frozen=True, repr=False)
class AgainstAnimals(Shown):
    """Results of :func:`normenc.rsa.against_animals`, and of :func:`normenc.encoding.against_animals`.

    Attributes
    ----------
    models : DataFrame
        One row per model: ``model``, ``similarity`` (mean over animals and seeds), ``between_animals`` (mean similarity
        of two different animals), ``difference`` (the first minus the second), its 95 % interval ``low`` and ``high``,
        ``standard_error``, ``dof``, ``p`` (two-sided, against no difference), ``p_holm``, ``p_fdr``, ``why_unknown``
        (why the similarity, or its interval, is NaN; else empty). Of regressions, one row per model and ``direction``.
    animals : DataFrame
        One row per model and animal: ``model``, ``animal``, ``similarity`` (of the model with it), ``between_animals``
        (mean similarity of the others with it), ``difference``; of regressions, ``direction``.
    between : tuple of float
        Mean similarity of two animals, and its 95 % interval: (mean, low, high). The interval is NaN if two animals
        are resampled: they have a single similarity, and how much it varies over animals is unknown.
    factors : tuple of str
        What was resampled.
    sizes : dict of str to int
    method : str
    notes : tuple of str
        Which units were compared, if not all, and why there are no intervals, if there are none; sentences.
    """

    models: pd.DataFrame
    animals: pd.DataFrame
    between: tuple[float, float, float]
    factors: tuple[str, ...]
    sizes: dict[str, int]
    method: str
    notes: tuple[str, ...] = ()

    def _title(self) -> str:
        mean, low, high = self.between
        ends = "interval unknown" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
        n_models, n_animals = self.models["model"].nunique(), self.animals["animal"].nunique()
        return f"{n_models} models beside {n_animals} animals by {self.method}; two animals: {mean:.3f} ({ends})"

    def _notes(self) -> tuple[str, ...]:
        if self.models["low"].isna().all():
            return self.notes
        over = " and ".join(self.factors)
        rows = "models and of directions" if "direction" in self.models else "models"
        said = f"95 % confidence intervals generalise over {over}. P-values are corrected for the number of {rows}."
        return (said, *self.notes)

    def summary(self) -> pd.DataFrame:
        """The first columns of `models`; ``why_unknown``, if anything is unknown."""
        columns = ["model", "similarity", "between_animals", "difference", "low", "high", "p_holm"]
        columns[1:1] = ["direction"] * ("direction" in self.models)
        return self.models[columns + ["why_unknown"] * bool(self.models["why_unknown"].ne("").any())]
