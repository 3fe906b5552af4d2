"""How sure is a similarity: intervals, tests against chance, ceiling and each other, over every random factor.

Intervals and paired tests come from bootstraps over stimuli, animals or sessions, neurons and network seeds, each alone
and in every combination, whose variances :func:`normenc.rsa.resampling.total_variance` puts together. All are functions
of numbers; :func:`infer` does it all at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import stats

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.bootstrap import Sample, bootstrap, ceiling_of, n_splits
from normenc.rsa.ceiling import Ceiling, repeat_halves
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.inputs import FACTORS, Inputs
from normenc.rsa.labelled import turned_stack
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.overview import bar_table, ceiling_in_words, short_table, to_xarray
from normenc.rsa.permutation import Chance, chance_test, rounding_of, with_observed
from normenc.rsa.resampling import block_length_of, total_variance
from normenc.showing import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FACTORS", "Inference", "benjamini_hochberg", "holm", "infer"]

Floats = npt.NDArray[np.float64]
MIN_STIMULI = 6
MOST_UNDEFINED = 0.2  # of the samples, beyond which those left no longer stand for all
LEVEL = 0.95


@dataclass(frozen=True, repr=False)
class Inference(Shown):
    """What :func:`infer` found.

    Attributes
    ----------
    models : DataFrame
        One row a model: ``model``, ``similarity`` (mean over animals, or sessions, and seeds), ``low``, ``high`` (95 %
        interval, within the measure's range), ``standard_error``, ``dof``, ``p_chance``, ``p_chance_holm``,
        ``p_chance_fdr`` (one-sided), ``p_chance_smallest`` (the smallest that ``p_chance`` could have been),
        ``p_ceiling``, ``p_ceiling_holm``, ``p_ceiling_fdr`` (two-sided, against the lower ceiling; NaN without one),
        ``n_seeds``, ``why_unknown`` (why the similarity, or its interval, is NaN; else empty).
    pairs : DataFrame
        One row a pair of models: ``model``, ``other``, ``difference``, ``low``, ``high``, ``standard_error``,
        ``dof``, ``p``, ``p_holm``, ``p_fdr`` (two-sided, paired).
    ceiling : Ceiling
    ceiling_intervals : ndarray, shape (2, 2)
        95 % intervals of the lower and the upper ceiling; NaN where there is none.
    factors : tuple of str
        What was resampled, of :data:`FACTORS`.
    sizes : dict of str to int
        How many of each there are.
    ordered : bool
        Whether the stimuli were taken to lie in order on a circle.
    block_length : int or None
        Neighbours drawn together, for stimuli in order on a circle.
    n_samples : int
        Samples of each bootstrap. Those in which a similarity is undefined are left out for that model alone.
    chance, chance_reason : str
        What chance is, "circular shifts" or "label permutations", and why.
    n_orders : int
        Of the stimuli under chance, the observed one included.
    method : str
        By which RDMs were compared, of :data:`normenc.rsa.METHODS`.
    """

    models: pd.DataFrame
    pairs: pd.DataFrame
    ceiling: Ceiling
    ceiling_intervals: Floats
    factors: tuple[str, ...]
    sizes: dict[str, int]
    ordered: bool
    block_length: int | None
    n_samples: int
    chance: str
    chance_reason: str
    n_orders: int
    method: str

    def _title(self) -> str:
        counts = ", ".join(f"{n:,} {what}" for what, n in self.sizes.items())
        n_models = len(self.models)
        return (
            f"{n_models} model{'s' * (n_models != 1)} by {self.method}, {ceiling_in_words(self)}; resampled: {counts}"
        )

    def _notes(self) -> tuple[str, ...]:
        return (
            f"Intervals of 95 % generalise over {', '.join(self.factors)}. Chance is that of {self.chance}; p-values "
            "are corrected for all models (Holm).",
        )

    def summary(self) -> pd.DataFrame:
        """The similarities in short: the first columns of `models`, a row a model.

        ``p_ceiling_holm`` stands there where there is a noise ceiling, ``why_unknown`` where anything is unknown.
        """
        return short_table(self)

    def plot(self, recording: str = "the recording", *, axes: "Axes | None" = None) -> "Axes":
        """Draw the similarities with intervals, noise ceiling and tests: :func:`normenc.figures.similarity_bars`.

        Parameters
        ----------
        recording : str
            The recording's name, for the title.
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

        The columns of `models` lie along ``model``. Those of `pairs` are matrices (model, other): ``difference`` is the
        similarity of ``model`` less that of ``other``, and ``difference_low``, ``difference_p_holm`` and so on are of
        it. The ceiling's ends and their intervals are scalars.
        """
        return to_xarray(self)


def infer(
    models: Mapping[str, Any],
    data: Any = None,
    *,
    method: Method = "pearson",
    subject: Any = None,
    session: Any = None,
    responses: Any = None,
    repeats: Any = None,
    rdm_metric: str = "correlation",
    ordered: bool = False,
    chance: str | None = None,
    block_length: int | None = None,
    factors: Sequence[str] | None = None,
    n_samples: int = 1000,
    n_permutations: int = 1000,
    seed: int = 0,
    tick: Callable[[int, int], None] | None = None,
) -> Inference:
    """Compare models with a recording: estimates, intervals, noise ceiling and tests.

    Parameters
    ----------
    models : mapping of str to array_like, shape (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli)
        RDMs. Models with several seeds must all have the same number; the k-th of each belong together, as a trained
        network and its untrained twin do.
    data : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli), optional
        The recording's RDMs; computed from `responses` or `repeats` where left out.
    method : str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes it. Rank correlations take some ten times as long as the others, and
        "kendall-tau-a", of which every sample is sorted anew, minutes; so does a function of one's own.
    subject : array_like, shape (n_rdms,), optional
        Whom each of the data's RDMs is of. By default each is of an animal of its own or, where `session` is given, all
        are of one.
    session : array_like, shape (n_rdms,), optional
        The session of each of the data's RDMs. Of several animals, the sessions of each are averaged, and animals are
        resampled; of one animal, sessions are.
    responses : array_like, shape (n_stimuli, n_neurons) or (n_sessions, n_stimuli, n_neurons), optional
        Of one recording: neurons are resampled, and their halves give the ceiling. With three dimensions: of the same
        neurons in several sessions, which give an RDM each; the same neurons are drawn in all, and sessions give the
        ceiling.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), optional
        Of one recording: halves of the trials give the ceiling.
    rdm_metric : str
        How RDMs are computed from responses.
    ordered : bool
        Whether the stimuli lie in order on a circle, as orientations do. They are then drawn in blocks of neighbours.
    chance : str, optional
        ``"permutations"`` of the stimuli ask whether model and data are related at all; circular ``"shifts"``, for
        ordered stimuli, whether the match is tied to the very orientations. By default shifts where stimuli are ordered
        and so many that a shift can be significant once p is corrected for all models, else permutations.
    block_length : int, optional
        Neighbours drawn together; from the data's RDM where left out, see
        :func:`normenc.rsa.resampling.block_length_of`.
    factors : sequence of str, optional
        What to generalise over, of :data:`FACTORS`; by default all that the input allows.
    n_samples, n_permutations : int
        Of each bootstrap, and of the test against chance; of 7 stimuli or fewer all orders are tried.
    seed : int
        The same seed gives the same numbers.
    tick : callable, optional
        Is given (done, all) after each of the bootstraps, which take most of the time.

    Returns
    -------
    Inference

    Raises
    ------
    InputError
        When stimuli differ between RDMs, when there are fewer than 6 stimuli or two of what shall be resampled, or
        when no model has a similarity. A model without one (all its dissimilarities are equal) has NaN, and so have the
        intervals of one whose similarity is undefined in more than a fifth of the samples; ``why_unknown`` tells.

    References
    ----------
    Schuett, Kipnis, Diedrichsen & Kriegeskorte, eLife 2023 (bootstraps, tests); Holm, Scand. J. Stat. 1979; Benjamini
    & Hochberg, J. R. Stat. Soc. B 1995.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patterns = rng.normal(size=(20, 30))
    >>> from normenc.rsa import rdm
    >>> animals = [rdm(patterns + rng.normal(size=(20, 30))) for _ in range(5)]
    >>> found = infer({"same": rdm(patterns), "other": rdm(rng.normal(size=(20, 30)))}, animals, n_samples=200)
    >>> found.factors
    ('stimuli', 'animals')
    >>> bool(found.pairs["p"][0] < 0.05)
    True
    """
    measure = as_measure(method)
    n_samples, n_permutations = as_count(n_samples, "n_samples", 0), as_count(n_permutations, "n_permutations")
    seed = as_seed(seed)
    repeats = turned_stack(repeats, "repeats")
    if n_samples < 2:
        raise InputError(f"n_samples is {n_samples}; a bootstrap needs at least 2, and 1000 to be of use")
    given = Inputs.of(models, data, responses, repeats, rdm_metric, (subject, session), seed)
    flat = given.flat(measure)
    inputs = given.without(flat)
    chosen = inputs.chosen_factors(factors)
    if "stimuli" in chosen and inputs.n_stimuli < MIN_STIMULI:
        raise InputError(
            f"there are {inputs.n_stimuli} stimuli; to generalise to others takes at least {MIN_STIMULI}. Leave "
            "'stimuli' out of factors to ask about these alone"
        )
    test = chance_test(
        inputs.stacks, inputs.matrices, ordered=ordered, chance=chance, n_permutations=n_permutations, seed=seed
    )
    blocks = None
    if ordered and "stimuli" in chosen:
        blocks = block_length_of(inputs.matrices) if block_length is None else as_count(block_length, "block_length")
    ceiling = ceiling_of(inputs, repeats, measure, rdm_metric, seed)
    halves = list(repeat_halves(repeats, rdm_metric, n_splits(inputs), seed)) if ceiling.kind == "repeats" else None
    samples = bootstrap(
        inputs, chosen, measure, ceiling.kind, halves, n_samples=n_samples, block_length=blocks, seed=seed, tick=tick
    )
    estimate = np.append(inputs.estimate(measure), [ceiling.lower, ceiling.upper])
    summary = _Summary.of(samples, inputs.sizes(chosen), blocks, estimate).with_unknown(given.names, flat)
    ceiling_low, ceiling_high, *_ = summary.contrasts(np.eye(len(summary.estimate))[-2:])
    return Inference(
        models=_model_table(summary, given, _chance(inputs, measure, test, summary.known), measure),
        pairs=_pair_table(summary, given.names),
        ceiling=ceiling,
        ceiling_intervals=measure.clip(np.stack([ceiling_low, ceiling_high], axis=1)),
        factors=chosen,
        sizes=inputs.counts(chosen),
        ordered=ordered,
        block_length=blocks,
        n_samples=n_samples,
        chance=test.kind,
        chance_reason=test.reason,
        n_orders=len(test.orders) + 1,
        method=measure.name,
    )


def _chance(inputs: Inputs, measure: Measure, test: Chance, known: npt.NDArray[np.bool_]) -> Floats:
    """P-value of each model's mean over seeds and the smallest that it could have, by permuting the data's stimuli."""
    chance = with_observed(inputs.model_matrices, inputs.matrices, test.orders, measure)
    each = inputs.average(chance[:, :, None], None, None)
    rounding = np.zeros(len(inputs.names))
    np.maximum.at(rounding, inputs.owner, rounding_of(inputs.model_matrices, inputs.matrices, measure))
    found = np.full((2, len(known)), np.nan)
    found[:, known] = test.p_values(each[1:], each[0], rounding), test.smallest_p
    return found


@dataclass(frozen=True)
class _Summary:
    """Standard errors, intervals and tests of contrasts between estimates, from their bootstrap samples.

    `why_unknown` says of every model why its similarity, or its interval, is not known; `known` are those that have a
    similarity.
    """

    samples: list[Sample]
    sizes: dict[str, float]
    estimate: Floats
    why_unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, samples: list[Sample], sizes: dict[str, float], blocks: int | None, estimate: Floats) -> "_Summary":
        if blocks is not None and blocks > 1:
            # A block bootstrap's variance is as exact as that of 3/2 n / block_length independent values (Kunsch,
            # Ann. Stat. 1989).
            sizes = sizes | {"stimuli": 1.5 * sizes["stimuli"] / blocks + 1}
        return cls(samples, sizes, estimate)

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        return ~np.isnan(self.estimate[:-2])

    def with_unknown(self, names: Sequence[str], flat: Mapping[str, str]) -> "_Summary":
        """With the models that have no similarity, and without intervals that rest on too few samples."""
        reasons = [flat.get(name, "") for name in names]
        places = np.flatnonzero([not reason for reason in reasons])
        columns = np.append(places, [len(names), len(names) + 1])
        undefined = np.isnan(self.samples[0][1][:, :-2]).mean(axis=0)  # in the same samples of every bootstrap
        for place, share in zip(places, undefined, strict=True):
            if share > MOST_UNDEFINED:
                reasons[place] = f"all its dissimilarities are equal in {100 * share:.0f} % of the bootstrap samples"

        def spread(values: Floats) -> Floats:
            found = np.full((len(values), len(names) + 2), np.nan)
            found[:, columns] = values
            return found

        samples = [(inflations, spread(values)) for inflations, values in self.samples]
        for _, values in samples:
            values[:, [*map(bool, reasons), False, False]] = np.nan
        return replace(self, samples=samples, estimate=spread(self.estimate[None])[0], why_unknown=tuple(reasons))

    def contrasts(self, weights: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Low, high, standard error, dof and two-sided p against 0 of each row of `weights`."""
        values = np.array([self._value(self.estimate[None], row)[0] for row in weights])
        variances = np.full((len(self.samples), len(weights)), np.nan)
        for index, (_, sample) in enumerate(self.samples):
            for column, row in enumerate(weights):
                each = self._value(sample, row)
                each = each[np.isfinite(each)]
                if len(each) > 1:
                    variances[index, column] = each.var(ddof=1)
        variance, dof = total_variance(variances, [inflations for inflations, _ in self.samples], self.sizes)
        error = np.sqrt(np.maximum(variance, 0))
        reach = stats.t.ppf((1 + LEVEL) / 2, dof) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * stats.t.sf(np.abs(values) / error, dof)
        same = (np.abs(values) < 1e-12) & (error < 1e-12)
        p = np.where(same, 1.0, np.clip(p, np.finfo(float).tiny, 1))
        unknown = np.isnan(values) | np.isnan(error)
        return values - reach, values + reach, error, *(np.where(unknown, np.nan, v) for v in (dof, p))

    @staticmethod
    def _value(rows: Floats, weights: Floats) -> Floats:
        """Weighted sum over the columns that count, so that a NaN elsewhere does no harm."""
        used = weights != 0
        return rows[:, used] @ weights[used]


def _model_table(summary: _Summary, given: Inputs, chance: Floats, measure: Measure) -> pd.DataFrame:
    n = len(given.names)
    alone = np.eye(n + 2)[:n]
    low, high, error, dof, _ = summary.contrasts(alone)
    below = alone.copy()
    below[:, -2] = -1
    p_ceiling = summary.contrasts(below)[4]
    p_chance, smallest = chance
    return pd.DataFrame(
        {
            "model": given.names,
            "similarity": summary.estimate[:n],
            "low": measure.clip(low),
            "high": measure.clip(high),
            "standard_error": error,
            "dof": dof,
            "p_chance": p_chance,
            "p_chance_holm": holm(p_chance),
            "p_chance_fdr": benjamini_hochberg(p_chance),
            "p_chance_smallest": smallest,
            "p_ceiling": p_ceiling,
            "p_ceiling_holm": holm(p_ceiling),
            "p_ceiling_fdr": benjamini_hochberg(p_ceiling),
            "n_seeds": np.bincount(given.owner),
            "why_unknown": list(summary.why_unknown),
        }
    )


def _pair_table(summary: _Summary, names: list[str]) -> pd.DataFrame:
    first, second = np.triu_indices(len(names), k=1)
    weights = np.eye(len(names) + 2)[first] - np.eye(len(names) + 2)[second]
    columns = ["low", "high", "standard_error", "dof", "p"]
    found = summary.contrasts(weights) if len(weights) else (np.empty(0),) * 5
    table = pd.DataFrame(dict(zip(columns, found, strict=True)))
    table.insert(0, "model", [names[i] for i in first])
    table.insert(1, "other", [names[i] for i in second])
    table.insert(2, "difference", summary.estimate[first] - summary.estimate[second])
    table["p_holm"], table["p_fdr"] = holm(table["p"]), benjamini_hochberg(table["p"])
    return table
