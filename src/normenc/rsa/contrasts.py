"""Standard errors, intervals and tests of contrasts between similarities, from the samples of their bootstraps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from normenc.rsa.bootstrap import Sample
from normenc.rsa.ceiling_scale import CeilingScale
from normenc.rsa.ceiling_variance import ceiling_variance
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.drawn_ceilings import upper_with, why_pairs_unknown
from normenc.rsa.inputs import GROUPS, Inputs
from normenc.rsa.measures import Measure
from normenc.rsa.representation_measures import RepresentationMeasure
from normenc.rsa.resampling import parts_of_variance, total_variance

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
        for place, share in zip(places, self._undefined(), strict=True):
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
        values = _weighted(self.estimate[None], weights)[0]
        if not self.samples:
            return (np.full(len(weights), np.nan),) * 5
        of_ceilings = np.any(weights[:, -2:], axis=1)
        variance, dof = self._total(self._variances(lambda rows: _weighted(rows, weights)), of_ceilings)
        error = np.sqrt(np.maximum(variance, 0))
        if self.why_pairs_unknown:
            error[of_ceilings] = np.nan
        p = _p_values(values, error, dof)
        unknown = np.isnan(values) | np.isnan(error)
        reach = stats.t.ppf((1 + LEVEL) / 2, dof) * error
        return values - reach, values + reach, error, *(np.where(unknown, np.nan, v) for v in (dof, p))

    def ceiling_intervals(self) -> Floats:
        """Low and high of the lower and of the upper ceiling, shape (2, 2)."""
        ends = np.eye(len(self.estimate))[-2:]
        low, high, error, dof, _ = self.of_weights(ends)
        intervals = np.stack([low, high], axis=1)
        scale = self._scale
        if scale is not None:
            lower, upper = self.estimate[-2:]
            bend = scale.bend(lower, error[0])
            own, dof = self._bent(ends[:1], lambda rows: scale.place(rows[:, -2:-1]), bend)
            reach = stats.t.ppf((1 + LEVEL) / 2, np.maximum(dof - bend, 1)) * own
            intervals[0] = scale.back(scale.place(lower) + np.append(-reach, reach))
            n = max(int(self.sizes[factor]) for factor in GROUPS if factor in self.sizes)
            intervals[1] = upper + upper_with(intervals[0], n) - upper_with(lower, n)
        return intervals

    def against_ceiling(self) -> Floats:
        """Two-sided p of each model against the lower ceiling, shape (n_models,)."""
        weights = np.eye(len(self.estimate))[:-2]
        weights[:, -2] = -1
        scale = self._scale
        if scale is None:
            return self.of_weights(weights)[4]

        def on_scale(rows: Floats) -> Floats:
            return (rows[:, :-2] - rows[:, -2:-1]) * scale.slope(rows[:, -2:-1])

        values = on_scale(self.estimate[None])[0]
        error, dof = self._bent(weights, on_scale)
        return np.where(np.isnan(values) | np.isnan(error), np.nan, _p_values(values, error, dof))

    def _undefined(self) -> Floats:
        """In which share of the samples each model's similarity is undefined.

        These are the same in every bootstrap, but only some of them are drawn together with neurons.
        """
        if not self.samples:
            return np.zeros(len(self.estimate) - 2)
        longest = max((values for _, values in self.samples), key=len)
        share = np.isnan(longest[:, :-2]).mean(axis=0)
        of_neurons = [values for drawn, values in self.samples if "neurons" in drawn]
        if of_neurons:
            more = max(of_neurons, key=len)
            if len(more) < len(longest):
                others = longest[: min(map(len, of_neurons))]
                share = share + np.isnan(more[:, :-2]).mean(axis=0) - np.isnan(others[:, :-2]).mean(axis=0)
        return np.minimum(share, 1.0)

    def _variances(self, of_rows: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
        """Variance over the samples of each bootstrap of what follows from their rows, (n_bootstraps, n_values).

        And how exactly those over neurons are known: the covariance of their relative errors, (n_bootstraps,
        n_bootstraps, n_values). Samples of neurons come in threes, so that they are few.
        """
        found, errors = [], []
        for drawn, sample in self.samples:
            each = of_rows(sample)
            each = np.where(np.isfinite(each), each, np.nan)
            enough = np.isfinite(each).sum(axis=0) > 1
            mean, own = np.full((2, each.shape[1]), np.nan)
            mean[enough], own[enough] = np.nanmean(each[:, enough], axis=0), np.nanvar(each[:, enough], axis=0, ddof=1)
            found.append(own)
            if "neurons" in drawn:
                with np.errstate(divide="ignore", invalid="ignore"):
                    errors.append(np.nan_to_num((each - mean) ** 2 / own - 1, posinf=0.0) / len(each))
        noise = np.zeros((len(found), *np.shape(found)))
        if errors:
            n = min(map(len, errors))
            of_threes = np.stack([own.reshape(-1, n, own.shape[1]).sum(axis=0) for own in errors])
            drawn_in = np.flatnonzero(["neurons" in drawn for drawn, _ in self.samples])
            noise[np.ix_(drawn_in, drawn_in)] = np.einsum("ask,bsk->abk", of_threes, of_threes)
        return np.array(found), noise

    @cached_property
    def _scale(self) -> CeilingScale | None:
        """The scale of the lower ceiling; None where its variance is not divided, or not known."""
        if not self.divided or self.why_pairs_unknown or not {*GROUPS} & {*self.sizes} or not self.samples:
            return None
        variances, _ = self._variances(lambda rows: rows[:, -2:-1])
        inflations = [drawn for drawn, _ in self.samples]
        parts, solved, _ = parts_of_variance(variances, inflations, self.sizes)
        of_one = [any(part.get(factor) == 1 for factor in GROUPS) for part in parts]
        return CeilingScale.of(self.estimate[-2], solved[of_one].sum(), solved.sum())

    def _bent(self, weights: Floats, of_rows: Callable[[Floats], Floats], bend: float = 0.0) -> tuple[Floats, Floats]:
        """Standard error and dof of curved functions of contrasts.

        Where all variance counts as of single animals, the curve multiplies it by so much; that which is divided is
        multiplied likewise, because draws of different strength would take a curve for what depends on pairs. With a
        `bend` from 0 to 1, so much of it is not divided at all.
        """
        straight = self._variances(lambda rows: _weighted(rows, weights))
        variance, dof = self._total(straight, np.ones(len(weights), dtype=bool))
        single, curved = (self._total_of_singles(own)[0] for own in (straight, self._variances(of_rows)))
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = (variance + bend * (single - variance)) * np.where(single > 0, curved / single, 1.0)
        return np.sqrt(np.maximum(variance, 0)), dof

    def _total(self, known: tuple[Floats, Floats], of_ceilings: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Total variance and degrees of freedom.

        A similarity is a mean over animals, or sessions. Ceilings also depend on pairs of them, whose variance samples
        multiply more. Where it is not divided, all counts as of single animals.
        """
        variance, dof = self._total_of_singles(known, weak=False)
        if of_ceilings.any():
            some = known[0][:, of_ceilings], known[1][:, :, of_ceilings]
            variance[of_ceilings], dof[of_ceilings] = (
                ceiling_variance(some[0], [drawn for drawn, _ in self.samples], self.sizes, some[1])
                if self.divided
                else self._total_of_singles(some)
            )
        return variance, dof

    def _total_of_singles(self, known: tuple[Floats, Floats], *, weak: bool = True) -> tuple[Floats, Floats]:
        """The same if all variance that depends on animals, or sessions, counts as of single ones.

        Of pairs of animals this is never too small in expectation, as in a jackknife (Efron & Stein, Ann. Stat. 1981);
        `weak`, for these, uses only draws added to all animals, which multiply the variance of pairs by little more
        than twice.
        """
        chosen = self._weak if weak else np.ones(len(self.samples), dtype=bool)
        inflations = [
            {factor: values[:1] if factor in GROUPS else values for factor, values in drawn.items()}
            for (drawn, _), there in zip(self.samples, chosen, strict=True)
            if there
        ]
        variances, noise = known
        return total_variance(variances[chosen], inflations, self.sizes, noise[np.ix_(chosen, chosen)])

    @property
    def _weak(self) -> npt.NDArray[np.bool_]:
        """Which bootstraps draw animals, or sessions, in the way that changes their weights least, or not at all."""
        drawn = [max((values[0] for f, values in own.items() if f in GROUPS), default=0.0) for own, _ in self.samples]
        least = min(filter(None, drawn), default=0.0)
        return np.array([value <= least for value in drawn])


def _weighted(rows: Floats, weights: Floats) -> Floats:
    """Weighted sums over the columns that count, so that a NaN elsewhere does no harm: (n_rows, n_weights)."""
    return np.stack([rows[:, row != 0] @ row[row != 0] for row in weights], axis=1)


def _p_values(values: Floats, error: Floats, dof: Floats) -> Floats:
    """Two-sided, against 0; 1 where nothing differs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stats.t.sf(np.abs(values) / error, dof)
    same = (np.abs(values) < 1e-12) & (error < 1e-12)
    return np.where(same, 1.0, np.clip(p, np.finfo(float).tiny, 1))


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
    p_ceiling = summary.against_ceiling()
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
