"""Uncertainty of similarities over all random factors: intervals, and tests against chance, ceiling and each other.

Intervals and paired tests come from bootstraps over stimuli, animals or sessions, neurons and network seeds, each alone
and in every combination; :func:`normenc.rsa.resampling.total_variance` combines their variances. :func:`infer` does
everything at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.renamed import renamed
from normenc.rsa.bootstrap import bootstrap, ceiling_of
from normenc.rsa.ceiling import Ceiling
from normenc.rsa.contrasts import Contrasts, model_table, pair_table
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.evaluating import KeptHalves
from normenc.rsa.inputs import FACTORS, Inputs
from normenc.rsa.labelled import turned_stack
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.overview import bar_table, ceiling_in_words, short_table, to_xarray
from normenc.rsa.permutation import Chance, chance_test, permuted_stimuli, rounding_of, with_observed
from normenc.rsa.resampling import block_length_of
from normenc.showing import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
from normenc.rsa.pairs import MANY_STIMULI

__all__ = ["FACTORS", "Inference", "benjamini_hochberg", "holm", "infer"]

Floats = npt.NDArray[np.float64]
MIN_STIMULI = 6
AT_ONCE = 16  # RDMs of many stimuli that are permuted together


@dataclass(frozen=True, repr=False)
class Inference(Shown):
    """Results of :func:`infer`.

    Attributes
    ----------
    models : DataFrame
        One row per model: ``model``, ``similarity`` (mean over animals, or sessions, and seeds), ``low``, ``high`` (95
        % interval, within the measure's range), ``standard_error``, ``dof``, ``p_chance``, ``p_chance_holm``,
        ``p_chance_fdr`` (one-sided), ``p_chance_smallest`` (the smallest possible value of ``p_chance``),
        ``p_ceiling``, ``p_ceiling_holm``, ``p_ceiling_fdr`` (two-sided, against the lower ceiling; NaN without one),
        ``n_seeds``, ``why_unknown`` (why the similarity, or its interval, is NaN; else empty).
    pairs : DataFrame
        One row per pair of models: ``model``, ``other``, ``difference``, ``low``, ``high``, ``standard_error``,
        ``dof``, ``p``, ``p_holm``, ``p_fdr`` (two-sided, paired).
    ceiling : Ceiling
    ceiling_intervals : ndarray, shape (2, 2)
        95 % confidence intervals of the lower and the upper ceiling; NaN where there is none.
    factors : tuple of str
        The resampled factors, of :data:`FACTORS`.
    sizes : dict of str to int
        Their sizes.
    ordered : bool
        Whether the stimuli were treated as ordered on a circle.
    block_length : int or None
        Neighbours drawn together, for stimuli in order on a circle.
    n_samples : int
        Samples of each bootstrap. Those in which a model's similarity is undefined are left out for that model only.
    chance, chance_reason : str
        The null hypothesis, "circular shifts" or "label permutations", and why.
    n_orders : int
        Number of orders of the stimuli under chance, including the observed one.
    n_permuted : int
        How many stimuli were permuted: all or, of more than 1,000, as many.
    method : str
        How RDMs were compared, of :data:`normenc.rsa.METHODS`.
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
    n_permuted: int
    method: str

    def _title(self) -> str:
        counts = ", ".join(f"{n:,} {what}" for what, n in self.sizes.items())
        n_models = len(self.models)
        return (
            f"{n_models} model{'s' * (n_models != 1)} by {self.method}, {ceiling_in_words(self)}; resampled: {counts}"
        )

    def _notes(self) -> tuple[str, ...]:
        return (
            f"95 % confidence intervals generalise over {', '.join(self.factors)}. The test against chance uses "
            f"{self.chance}; p-values are corrected for the number of models (Holm).",
        )

    def summary(self) -> pd.DataFrame:
        """A summary of the similarities: the first columns of `models`, one row per model.

        ``p_ceiling_holm`` is included if there is a noise ceiling, ``why_unknown`` if anything is unknown.
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


@renamed(tick="progress")
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
    progress: Callable[[int, int], None] | None = None,
) -> Inference:
    """Compare models with a recording: estimates, intervals, noise ceiling and tests.

    Parameters
    ----------
    models : mapping of str to array_like, shape (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli)
        RDMs; of more than 400 stimuli, those in lists are not copied. Models with several seeds must all have the same
        number; the k-th seeds of all models are paired, like a
        trained network and its untrained twin.
    data : array_like, shape (n_stimuli, n_stimuli) or (n_rdms, n_stimuli, n_stimuli), optional
        The recording's RDMs; by default computed from `responses` or `repeats`.
    method : str, Measure or callable
        As :func:`normenc.rsa.compare_rdms` takes it. Rank correlations take about four times as long as the
        others, "kendall-tau-a" six times as long as those (20 times with a dozen animals), and user functions minutes.
    subject : array_like, shape (n_rdms,), optional
        The animal of each of the data's RDMs. By default each RDM counts as a different animal or, if `session` is
        given, all as one.
    session : array_like, shape (n_rdms,), optional
        The session of each of the data's RDMs. With several animals, each animal's sessions are averaged and animals
        are resampled; with one animal, sessions are resampled.
    responses : array_like, shape (n_stimuli, n_neurons) or (n_sessions, n_stimuli, n_neurons), optional
        Responses of one recording: neurons are resampled, and halves of them give the ceiling. With three dimensions,
        responses of the same neurons in several sessions, with one RDM each; the same neurons are drawn in all
        sessions, and sessions give the ceiling.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), optional
        Repeats of one recording: halves of the trials give the ceiling.
    rdm_metric : str
        How RDMs are computed from responses.
    ordered : bool
        Whether the stimuli are ordered on a circle, like orientations. They are then drawn in blocks of neighbours.
    chance : str, optional
        ``"permutations"`` of the stimuli test whether model and data are related at all; circular ``"shifts"``, for
        ordered stimuli, whether the match depends on the positions of the stimuli on the circle. By default shifts if
        stimuli are ordered and there are enough of them for significance after correction for all models, otherwise
        permutations.
    block_length : int, optional
        Neighbours drawn together; by default estimated from the data's RDM, see
        :func:`normenc.rsa.resampling.block_length_of`.
    factors : sequence of str, optional
        Factors to generalise over, of :data:`FACTORS`; by default all that the input allows.
    n_samples, n_permutations : int
        Numbers for each bootstrap, and for the test against chance; with 7 stimuli or fewer, all orders are used. Of
        more than 1,000 stimuli, the test permutes 1,000.
    seed : int
        The same seed gives the same numbers.
    progress : callable, optional
        Called as (done, all) after each bootstrap; these take most of the time.

    Returns
    -------
    Inference

    Raises
    ------
    InputError
        If stimuli differ between RDMs, if there are fewer than 6 stimuli or fewer than two members of a factor to
        resample, or if no model has a similarity. A model without one (all its dissimilarities are equal) is NaN, and
        so are the intervals of a model whose similarity is undefined in more than a fifth of the samples;
        ``why_unknown`` explains.

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
    >>> inference = infer({"same": rdm(patterns), "other": rdm(rng.normal(size=(20, 30)))}, animals, n_samples=200)
    >>> inference.factors
    ('stimuli', 'animals')
    >>> bool(inference.pairs["p"][0] < 0.05)
    True
    """
    measure = as_measure(method)
    n_samples, n_permutations = as_count(n_samples, "n_samples", 0), as_count(n_permutations, "n_permutations")
    seed = as_seed(seed)
    repeats = turned_stack(repeats, "repeats")
    if n_samples < 2:
        raise InputError(
            f"n_samples is {n_samples}; a bootstrap needs at least 2 samples, and about 1000 for reliable intervals"
        )
    given = Inputs.of(models, data, responses, repeats, rdm_metric, (subject, session), seed)
    flat = given.flat(measure)
    some = permuted_stimuli(given.n_stimuli, ordered=ordered, seed=seed)
    flat |= _flat_in(given.without(flat), some, measure)
    inputs = given.without(flat)
    chosen = inputs.chosen_factors(factors)
    if "stimuli" in chosen and inputs.n_stimuli < MIN_STIMULI:
        raise InputError(
            f"there are {inputs.n_stimuli} stimuli; generalising to other stimuli needs at least {MIN_STIMULI}. To "
            "draw conclusions only about these stimuli, leave 'stimuli' out of factors"
        )
    permuted = inputs.of_stimuli(some)
    test = chance_test(
        _Stacks(permuted), permuted.matrices, ordered=ordered, chance=chance, n_permutations=n_permutations, seed=seed
    )
    blocks = None
    if ordered and "stimuli" in chosen:
        blocks = block_length_of(inputs.matrices) if block_length is None else as_count(block_length, "block_length")
    halves = KeptHalves(inputs, repeats, seed)
    ceiling = ceiling_of(inputs, repeats, measure, rdm_metric, seed, halves.see)
    samples = bootstrap(
        inputs,
        chosen,
        measure,
        ceiling.kind,
        halves.kept if ceiling.kind == "repeats" else None,
        n_samples=n_samples,
        block_length=blocks,
        seed=seed,
        progress=progress,
    )
    estimate = np.append(inputs.estimate(measure), [ceiling.lower, ceiling.upper])
    summary = Contrasts.of(samples, inputs.sizes(chosen), blocks, estimate).with_unknown(given.names, flat)
    ceiling_low, ceiling_high, *_ = summary.of_weights(np.eye(len(summary.estimate))[-2:])
    return Inference(
        models=model_table(summary, given, _chance(permuted, measure, test, summary.known), measure),
        pairs=pair_table(summary, given.names),
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
        n_permuted=permuted.n_stimuli,
        method=measure.name,
    )


def _flat_in(inputs: Inputs, some: npt.NDArray[np.intp], measure: Measure) -> dict[str, str]:
    """Models of which nearly all dissimilarities are equal: all that are permuted, of many stimuli."""
    if len(some) == inputs.n_stimuli:
        return {}
    reasons = inputs.of_stimuli(some).flat(measure)
    return {name: f"{why} for the {len(some):,} stimuli that are permuted" for name, why in reasons.items()}


class _Stacks(Sequence[Floats]):
    """RDMs of each model, (n_seeds, n_stimuli, n_stimuli), no more than one of them at a time."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    def __len__(self) -> int:
        return len(self._inputs.names)

    def __getitem__(self, model: Any) -> Any:
        if model >= len(self):
            raise IndexError(model)
        return self._inputs.seeds_of(model)


def _chance(inputs: Inputs, measure: Measure, test: Chance, known: npt.NDArray[np.bool_]) -> Floats:
    """P-value of each model's mean over seeds, and the smallest possible one, by permuting the data's stimuli."""
    matrices, chance, roundings = inputs.model_matrices, [], []
    step = len(matrices) if inputs.n_stimuli <= MANY_STIMULI else AT_ONCE
    for start in range(0, len(matrices), step):
        models = np.stack([np.asarray(own, np.float64) for own in matrices[start : start + step]])
        chance.append(with_observed(models, inputs.matrices, test.orders, measure))
        roundings.append(rounding_of(models, inputs.matrices, measure))
    each = inputs.average(np.concatenate(chance, axis=1)[:, :, None], None, None)
    rounding = np.zeros(len(inputs.names))
    np.maximum.at(rounding, inputs.owner, np.concatenate(roundings))
    p_values = np.full((2, len(known)), np.nan)
    p_values[:, known] = test.p_values(each[1:], each[0], rounding), test.smallest_p
    return p_values
