"""Standard errors, intervals and tests of contrasts between similarities, from the samples of their bootstraps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from normenc.rsa.bootstrap import Sample
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.drawn_ceilings import why_pairs_unknown
from normenc.rsa.inputs import GROUPS, Inputs
from normenc.rsa.measures import Measure
from normenc.rsa.representation_measures import RepresentationMeasure
from normenc.rsa.resampling import total_variance

if TYPE_CHECKING:
    from normenc.rsa.results import Inference

__all__ = ["Contrasts", "model_table", "pair_table", "without_false_certainty"]

Floats = npt.NDArray[np.float64]
MOST_UNDEFINED = 0.2  # share of undefined samples beyond which the others are not representative
LEVEL = 0.95
FLAT_IN_SAMPLES = "all its dissimilarities are equal in {} % of bootstrap samples"
SURE = 1e-12  # a standard error below this is none: nothing that was resampled affects the estimate
UNCERTAIN = (
    *("low", "high", "standard_error", "dof", "p", "p_holm", "p_fdr"),
    *("p_ceiling", "p_ceiling_holm", "p_ceiling_fdr"),
)


@dataclass(frozen=True)
class Contrasts:
    """The estimates of all models, then of the ceiling's lower and upper end, with their bootstrap samples.

    `why_unknown` says for every model why its similarity, or its interval, is not known; `known` marks models that have
    a similarity. `divided` says whether the variance of the last two columns is divided between single animals and
    pairs of them. With 5 to 12 animals that are alike, this gives ceilings their own variance, which is half as large
    again without; but intervals of the difference of a model and animals cover 0.90 to 0.93 with it, and 0.95 to 0.98
    without.
    """

    samples: list[Sample]
    sizes: dict[str, float]
    estimate: Floats
    why_unknown: tuple[str, ...] = ()
    divided: bool = False

    @classmethod
    def of(
        cls,
        samples: list[Sample],
        sizes: dict[str, float],
        blocks: int | None,
        estimate: Floats,
        *,
        divided: bool = False,
    ) -> "Contrasts":
        """From the samples of every bootstrap, and the sizes of the resampled factors."""
        if blocks is not None and blocks > 1:
            # A block bootstrap's variance is as exact as that of 3/2 n / block_length independent values (Kunsch,
            # Ann. Stat. 1989).
            sizes = sizes | {"stimuli": 1.5 * sizes["stimuli"] / blocks + 1}
        return cls(samples, sizes, estimate, divided=divided)

    @property
    def why_pairs_unknown(self) -> str:
        """Why intervals of the last two columns, ceilings or the similarity between animals, are unknown."""
        return why_pairs_unknown(self.sizes)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which models have a similarity."""
        return ~np.isnan(self.estimate[:-2])

    def with_unknown(
        self, names: Sequence[str], flat: Mapping[str, str], undefined_in: str = FLAT_IN_SAMPLES
    ) -> "Contrasts":
        """Add the models that have no similarity, and remove intervals that rest on too few samples."""
        reasons = [flat.get(name, "") for name in names]
        places = np.flatnonzero([not reason for reason in reasons])
        columns = np.append(places, [len(names), len(names) + 1])
        undefined = np.zeros(len(places))
        if self.samples:
            longest = max((values for _, values in self.samples), key=len)
            undefined = np.isnan(longest[:, :-2]).mean(axis=0)  # in the same samples of every bootstrap
        for place, share in zip(places, undefined, strict=True):
            if share > MOST_UNDEFINED:
                reasons[place] = undefined_in.format(f"{100 * share:.0f}")

        def spread(values: Floats) -> Floats:
            filled = np.full((len(values), len(names) + 2), np.nan)
            filled[:, columns] = values
            return filled

        samples = [(inflations, spread(values)) for inflations, values in self.samples]
        for _, values in samples:
            values[:, [*map(bool, reasons), False, False]] = np.nan
        return replace(self, samples=samples, estimate=spread(self.estimate[None])[0], why_unknown=tuple(reasons))

    def of_weights(self, weights: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Low, high, standard error, dof and two-sided p against 0 of each row of `weights`."""
        values = np.array([self._value(self.estimate[None], row)[0] for row in weights])
        if not self.samples:
            return (np.full(len(weights), np.nan),) * 5
        variances = np.full((len(self.samples), len(weights)), np.nan)
        for index, (_, sample) in enumerate(self.samples):
            for column, row in enumerate(weights):
                each = self._value(sample, row)
                each = each[np.isfinite(each)]
                if len(each) > 1:
                    variances[index, column] = each.var(ddof=1)
        variance, dof = self._total(variances, np.any(weights[:, -2:], axis=1))
        error = np.sqrt(np.maximum(variance, 0))
        if self.why_pairs_unknown:
            error[np.any(weights[:, -2:], axis=1)] = np.nan
        reach = stats.t.ppf((1 + LEVEL) / 2, dof) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * stats.t.sf(np.abs(values) / error, dof)
        same = (np.abs(values) < 1e-12) & (error < 1e-12)
        p = np.where(same, 1.0, np.clip(p, np.finfo(float).tiny, 1))
        unknown = np.isnan(values) | np.isnan(error)
        return values - reach, values + reach, error, *(np.where(unknown, np.nan, v) for v in (dof, p))

    def _total(self, variances: Floats, of_ceilings: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Total variance and degrees of freedom.

        A similarity is a mean over animals, or sessions. Ceilings also depend on pairs of them, whose variance samples
        multiply more. Where it is not divided, all counts as of single animals, as in a jackknife, which is never too
        small in expectation (Efron & Stein, Ann. Stat. 1981), and only draws added to all animals are used, which
        multiply that of pairs by little more than twice.
        """
        variance, dof = np.empty(len(of_ceilings)), np.empty(len(of_ceilings))
        every = np.ones(len(self.samples), dtype=bool)
        for some, chosen, divided in (
            (~of_ceilings, every, False),
            (of_ceilings, every if self.divided else self._weak, self.divided),
        ):
            inflations = [
                {factor: values[:1] if factor in GROUPS and not divided else values for factor, values in drawn.items()}
                for (drawn, _), there in zip(self.samples, chosen, strict=True)
                if there
            ]
            variance[some], dof[some] = total_variance(variances[chosen][:, some], inflations, self.sizes)
        return variance, dof

    @property
    def _weak(self) -> npt.NDArray[np.bool_]:
        """Which bootstraps draw animals, or sessions, in the way that changes their weights least, or not at all."""
        drawn = [max((values[0] for f, values in own.items() if f in GROUPS), default=0.0) for own, _ in self.samples]
        least = min(filter(None, drawn), default=0.0)
        return np.array([value <= least for value in drawn])

    @staticmethod
    def _value(rows: Floats, weights: Floats) -> Floats:
        """Weighted sum over the columns that count, so that a NaN elsewhere does no harm."""
        used = weights != 0
        return rows[:, used] @ weights[used]


def model_table(
    summary: Contrasts,
    given: Inputs,
    chance: Mapping[str, tuple[Floats, Floats]],
    measure: Measure | RepresentationMeasure,
) -> pd.DataFrame:
    """One row a model: :attr:`normenc.rsa.Inference.models`.

    `chance` holds p-values against chance and the smallest possible ones, by the name of the test.
    """
    n = len(given.names)
    alone = np.eye(n + 2)[:n]
    low, high, error, dof, _ = summary.of_weights(alone)
    below = alone.copy()
    below[:, -2] = -1
    p_ceiling = summary.of_weights(below)[4]
    tests: dict[str, Floats] = {}
    for name, (p, smallest) in chance.items():
        tests |= {name: p, f"{name}_holm": holm(p), f"{name}_fdr": benjamini_hochberg(p), f"{name}_smallest": smallest}
    return pd.DataFrame(
        {
            "model": given.names,
            "similarity": summary.estimate[:n],
            "low": measure.clip(low),
            "high": measure.clip(high),
            "standard_error": error,
            "dof": dof,
            **tests,
            "p_ceiling": p_ceiling,
            "p_ceiling_holm": holm(p_ceiling),
            "p_ceiling_fdr": benjamini_hochberg(p_ceiling),
            "n_seeds": np.bincount(given.owner),
            "why_unknown": list(summary.why_unknown),
        }
    )


def pair_table(summary: Contrasts, names: list[str]) -> pd.DataFrame:
    """One row a pair of models: :attr:`normenc.rsa.Inference.pairs`."""
    first, second = np.triu_indices(len(names), k=1)
    weights = np.eye(len(names) + 2)[first] - np.eye(len(names) + 2)[second]
    columns = ["low", "high", "standard_error", "dof", "p"]
    numbers = summary.of_weights(weights) if len(weights) else (np.empty(0),) * 5
    table = pd.DataFrame(dict(zip(columns, numbers, strict=True)))
    table.insert(0, "model", [names[i] for i in first])
    table.insert(1, "other", [names[i] for i in second])
    table.insert(2, "difference", summary.estimate[first] - summary.estimate[second])
    table["p_holm"], table["p_fdr"] = holm(table["p"]), benjamini_hochberg(table["p"])
    return table


def without_false_certainty(inference: "Inference") -> "Inference":
    """If resampling does not affect an estimate, its uncertainty is unknown, not zero."""
    names = " and ".join(inference.factors)
    why = f"of all that could be resampled ({names}), it depends on nothing" if names else inference.why_no_intervals
    tables = []
    for table in (inference.models, inference.pairs):
        columns = [name for name in table if name in UNCERTAIN]
        sure = table["standard_error"] < SURE
        tables.append(table.assign(**{name: table[name].astype(float).mask(sure) for name in columns}))
    models, pairs = tables
    unsaid = models["standard_error"].isna() & models["similarity"].notna() & models["why_unknown"].eq("")
    models["why_unknown"] = models["why_unknown"].mask(unsaid, why)
    intervals = inference.ceiling_intervals
    sure_ends = np.ptp(intervals, axis=1, keepdims=True) < SURE
    return replace(inference, models=models, pairs=pairs, ceiling_intervals=np.where(sure_ends, np.nan, intervals))
