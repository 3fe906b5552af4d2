"""How sure is a similarity: intervals, tests against chance, ceiling and each other, over every random factor.

Intervals and paired tests come from bootstraps over stimuli, animals or sessions, neurons and network seeds, each alone
and in every combination, whose variances :func:`normenc.rsa.resampling.total_variance` puts together. All are functions
of numbers; :func:`infer` does it all at once.
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
from normenc.rsa.bootstrap import bootstrap, ceiling_of, n_splits
from normenc.rsa.ceiling import Ceiling, repeat_halves
from normenc.rsa.contrasts import Contrasts, model_table, pair_table
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.inputs import FACTORS, Inputs
from normenc.rsa.labelled import turned_stack
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.overview import bar_table, ceiling_in_words, short_table, to_xarray
from normenc.rsa.permutation import Chance, chance_test, rounding_of, with_observed
from normenc.rsa.resampling import block_length_of
from normenc.showing import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["FACTORS", "Inference", "benjamini_hochberg", "holm", "infer"]

Floats = npt.NDArray[np.float64]
MIN_STIMULI = 6


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
        ordered stimuli, whether the match depends on the positions of the stimuli on the circle. By default shifts if
        stimuli are ordered and there are enough of them for a shift to be significant after correction for all models,
        else permutations.
    block_length : int, optional
        Neighbours drawn together; from the data's RDM where left out, see
        :func:`normenc.rsa.resampling.block_length_of`.
    factors : sequence of str, optional
        What to generalise over, of :data:`FACTORS`; by default all that the input allows.
    n_samples, n_permutations : int
        Of each bootstrap, and of the test against chance; of 7 stimuli or fewer all orders are tried.
    seed : int
        The same seed gives the same numbers.
    progress : callable, optional
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
        inputs,
        chosen,
        measure,
        ceiling.kind,
        halves,
        n_samples=n_samples,
        block_length=blocks,
        seed=seed,
        progress=progress,
    )
    estimate = np.append(inputs.estimate(measure), [ceiling.lower, ceiling.upper])
    summary = Contrasts.of(samples, inputs.sizes(chosen), blocks, estimate).with_unknown(given.names, flat)
    ceiling_low, ceiling_high, *_ = summary.of_weights(np.eye(len(summary.estimate))[-2:])
    return Inference(
        models=model_table(summary, given, _chance(inputs, measure, test, summary.known), measure),
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
        method=measure.name,
    )


def _chance(inputs: Inputs, measure: Measure, test: Chance, known: npt.NDArray[np.bool_]) -> Floats:
    """P-value of each model's mean over seeds and the smallest that it could have, by permuting the data's stimuli."""
    chance = with_observed(inputs.model_matrices, inputs.matrices, test.orders, measure)
    each = inputs.average(chance[:, :, None], None, None)
    rounding = np.zeros(len(inputs.names))
    np.maximum.at(rounding, inputs.owner, rounding_of(inputs.model_matrices, inputs.matrices, measure))
    p_values = np.full((2, len(known)), np.nan)
    p_values[:, known] = test.p_values(each[1:], each[0], rounding), test.smallest_p
    return p_values
