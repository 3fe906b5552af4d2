"""Uncertainty of similarities over all random factors: intervals, and tests against chance, ceiling and each other.

Intervals and paired tests come from bootstraps over stimuli, animals or sessions, neurons, trials and network seeds,
each alone and in every combination; :func:`normenc.rsa.resampling.total_variance` combines their variances.
:func:`infer` does everything at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_seed
from normenc.renamed import removed, renamed
from normenc.rsa.bootstrap import Sample, bootstrap, ceiling_of, of_scope
from normenc.rsa.ceiling import Ceiling
from normenc.rsa.chance import Tested, chance_tests
from normenc.rsa.contrasts import Contrasts, model_table, pair_table
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.halves import KeptHalves, RepeatHalves
from normenc.rsa.in_scopes import in_scopes
from normenc.rsa.inputs import FACTORS, Inputs
from normenc.rsa.labelled import turned_stack
from normenc.rsa.measures import Measure, Method, as_measure
from normenc.rsa.overview import no_shifts_note, scope_notes, why_no_intervals
from normenc.rsa.permutation import permuted_stimuli, why_not_shifted
from normenc.rsa.results import Inference
from normenc.rsa.scopes import Asked, Scope

__all__ = ["FACTORS", "Inference", "benjamini_hochberg", "holm", "infer", "infer_in_scopes"]

Floats = npt.NDArray[np.float64]
BOTH_TESTS = (
    "both tests against chance are always made, by label permutations and, for stimuli in order on a circle, by "
    "circular shifts; read p_permutations and p_shifts"
)


@renamed(tick="progress", factors="generalise_to")
@removed(chance=BOTH_TESTS)
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
    positions: Any = None,
    block_length: int | None = None,
    generalise_to: Sequence[str] | None = None,
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
        others, "kendall-tau-a" six times as long as those, and user functions minutes.
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
        Whether the stimuli are ordered on a circle, like orientations. If they are resampled, they are then drawn in
        blocks of neighbours; and if they are evenly spaced (steps within 1 % of their mean), circular shifts test
        whether the match depends on their positions.
    positions : array_like, shape (n_stimuli,), optional
        Of stimuli in order on a circle, ascending, in degrees of 360 (orientations times 2); evenly spaced by default.
    block_length : int, optional
        Neighbours drawn together; by default estimated from the data's RDM, see
        :func:`normenc.rsa.resampling.block_length_of`.
    generalise_to : sequence of str, optional
        Factors to generalise over, of :data:`FACTORS`; the others are taken as all there are. By default all that the
        input allows, but not stimuli that tile their circle (:func:`normenc.rsa.resampling.tiles_range`): there are no
        others. Where stimuli, animals or sessions are resampled, each keeps its trials, whose noise is part of its
        variance, so that "trials" are generalised over without being drawn by themselves.
    n_samples, n_permutations : int
        Numbers for each bootstrap, and for the test by permutations; with 7 stimuli or fewer, all orders are used. Of
        more than 1,000 stimuli, the tests against chance use 1,000.
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
    >>> infer({"same": rdm(patterns)}, animals, n_samples=200, generalise_to=["animals"]).fixed
    ('stimuli',)
    """
    inference, _ = infer_in_scopes(
        models,
        data,
        recorded={
            **{"subject": subject, "session": session, "responses": responses, "repeats": repeats},
            **{"rdm_metric": rdm_metric, "ordered": ordered, "positions": positions},
        },
        asked=generalise_to,
        both=False,
        method=method,
        block_length=block_length,
        n_samples=n_samples,
        n_permutations=n_permutations,
        seed=seed,
        progress=progress,
    )
    return inference


def infer_in_scopes(
    models: Mapping[str, Any],
    data: Any,
    *,
    recorded: Mapping[str, Any],
    asked: Sequence[str] | Asked | None = None,
    both: bool = True,
    method: Method = "pearson",
    block_length: int | None = None,
    n_samples: int = 1000,
    n_permutations: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Inference, Inference | None]:
    """The inference of :func:`infer` and, from the same bootstraps, that of the other scope.

    Parameters
    ----------
    models, data, method, block_length, n_samples, n_permutations, seed, progress
        See :func:`infer`.
    recorded : mapping
        Its other arguments: ``subject``, ``session``, ``responses``, ``repeats``, ``rdm_metric``, ``ordered`` and
        ``positions``.
    asked : sequence of str, Asked or None
        The factors to generalise over.
    both : bool
        Whether the other scope is wanted: the same with random stimuli where they are fixed, and with fixed ones where
        they are random.

    Returns
    -------
    inference : Inference
    other : Inference or None
        None if not wanted, or if nothing could be resampled.
    """
    return in_scopes(
        lambda: Recorded.of(models, data, as_measure(method), recorded, as_seed(seed)),
        asked=asked,
        both=both,
        positions=recorded.get("positions"),
        block_length=block_length,
        n_samples=n_samples,
        n_permutations=n_permutations,
        progress=progress,
    )


@dataclass(frozen=True)
class Recorded:
    """Models and recording, checked, with what does not depend on the scope.

    `given` are all models, `inputs` those that have a similarity, `permuted` the same for the stimuli that are
    permuted; `flat` says why others have none, and `why_no_shifts` why those in order on a circle are not shifted.
    """

    given: Inputs
    inputs: Inputs
    permuted: tuple[Inputs, Measure]
    flat: dict[str, str]
    measure: Measure
    ceiling: Ceiling
    halves: RepeatHalves | None
    ordered: bool
    why_no_shifts: str
    seed: int

    @classmethod
    def of(
        cls, models: Mapping[str, Any], data: Any, measure: Measure, recorded: Mapping[str, Any], seed: int
    ) -> "Recorded":
        """Check the arguments of :func:`infer_in_scopes`."""
        repeats, rdm_metric = (
            turned_stack(recorded.get("repeats"), "repeats"),
            recorded.get("rdm_metric", "correlation"),
        )
        ordered = bool(recorded.get("ordered", False))
        whose = recorded.get("subject"), recorded.get("session")
        given = Inputs.of(models, data, recorded.get("responses"), repeats, rdm_metric, whose, seed)
        flat = given.flat(measure)
        some = permuted_stimuli(given.n_stimuli, ordered=ordered, positions=recorded.get("positions"), seed=seed)
        flat |= _flat_in(given.without(flat), some, measure.of_stimuli(some))
        inputs = given.without(flat)
        kept = KeptHalves(inputs)
        ceiling = ceiling_of(inputs, repeats, measure, rdm_metric, seed, kept.see)
        halves = RepeatHalves.of(kept, repeats, inputs, rdm_metric, seed) if ceiling.kind == "repeats" else None
        why_no_shifts = why_not_shifted(given.n_stimuli, ordered, recorded.get("positions"), some)
        permuted = inputs.of_stimuli(some), measure.of_stimuli(some)
        return cls(given, inputs, permuted, flat, measure, ceiling, halves, ordered, why_no_shifts, seed)

    def samples(
        self,
        drawn: list[tuple[str, ...]],
        n_samples: int,
        block_length: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> list[Sample]:
        """Bootstrap samples of these factors, each scope's."""
        return bootstrap(
            self.inputs,
            drawn,
            self.measure,
            self.ceiling.kind,
            self.halves,
            n_samples=n_samples,
            block_length=block_length,
            seed=self.seed,
            progress=progress,
        )

    def tested(self, n_permutations: int) -> Tested:
        """Both tests against chance."""
        shifted = self.ordered and not self.why_no_shifts
        return chance_tests(*self.permuted, shifted, n_permutations, self.seed)

    def inference(
        self, scope: Scope, samples: list[Sample], blocks: int | None, tested: Tested, n_samples: int
    ) -> Inference:
        """The result in one scope."""
        inputs, measure, ceiling = self.inputs, self.measure, self.ceiling
        estimate = np.append(inputs.estimate(measure), [ceiling.lower, ceiling.upper])
        blocks = blocks if "stimuli" in scope.drawn else None
        own, divided = of_scope(samples, scope.drawn), measure.is_correlation
        summary = Contrasts.of(own, inputs.sizes(scope.drawn), blocks, estimate, divided=divided)
        summary = summary.with_unknown(self.given.names, self.flat)
        return Inference(
            models=model_table(summary, self.given, tested.p_values(summary.known), measure),
            pairs=pair_table(summary, self.given.names),
            ceiling=ceiling,
            ceiling_intervals=measure.clip(summary.ceiling_intervals()),
            factors=scope.drawn,
            generalises_to=scope.factors,
            fixed=scope.fixed,
            notes=(*scope_notes(scope, inputs), *no_shifts_note(self.why_no_shifts)),
            why_no_intervals=why_no_intervals(scope),
            sizes=inputs.counts(scope.drawn),
            ordered=self.ordered,
            block_length=blocks,
            n_samples=n_samples,
            n_orders=tested.n_orders,
            n_shifts=tested.n_shifts,
            n_permuted=self.permuted[0].n_stimuli,
            method=measure.name,
            why_no_shifts=self.why_no_shifts,
        )


def _flat_in(inputs: Inputs, some: npt.NDArray[np.intp], measure: Measure) -> dict[str, str]:
    """Models of which nearly all dissimilarities are equal: all that are permuted, of many stimuli."""
    if len(some) == inputs.n_stimuli:
        return {}
    reasons = inputs.of_stimuli(some).flat(measure)
    return {name: f"{why} for the {len(some):,} stimuli that are permuted" for name, why in reasons.items()}
