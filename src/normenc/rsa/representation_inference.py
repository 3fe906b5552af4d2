"""Uncertainty of similarities of representations, as :mod:`normenc.rsa.inference` has it of RDMs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_seed
from normenc.rsa.bootstrap import Sample, of_scope, resampled
from normenc.rsa.ceiling import Ceiling
from normenc.rsa.chance import Tested
from normenc.rsa.contrasts import Contrasts, model_table, pair_table
from normenc.rsa.in_scopes import in_scopes
from normenc.rsa.inputs import Inputs
from normenc.rsa.overview import no_shifts_note, scope_notes, why_no_intervals
from normenc.rsa.permutation import Chance, circular_shifts, label_permutations, permuted_stimuli, why_not_shifted
from normenc.rsa.representation_evaluating import RepresentationEvaluator, representation_ceiling
from normenc.rsa.representation_inputs import RepresentationInputs
from normenc.rsa.representation_measures import (
    RepresentationMeasure,
    RepresentationMethod,
    as_representation_measure,
)
from normenc.rsa.representation_samples import KernelAlignment
from normenc.rsa.results import Inference
from normenc.rsa.scopes import Asked, Scope

__all__ = ["infer_representations", "infer_representations_in_scopes"]

Floats = npt.NDArray[np.float64]
UNDEFINED = (
    "its similarity by {} is undefined: too few stimuli for its components, or they differ no more than by chance"
)
OF_OTHERS = (
    "Differences from the noise ceiling are not tested: {} is that of the population from which the neurons were "
    "drawn, so that it matters which ones were, but they are taken as all there are."
)
IN_SAMPLES = "its similarity is undefined in {} % of bootstrap samples"


def infer_representations(
    models: Mapping[str, Any],
    responses: Any = None,
    *,
    method: RepresentationMethod = "linear-cka",
    subject: Any = None,
    session: Any = None,
    repeats: Any = None,
    ordered: bool = False,
    positions: Any = None,
    block_length: int | None = None,
    generalise_to: Sequence[str] | None = None,
    n_samples: int = 1000,
    n_permutations: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Inference:
    """Compare responses of models with those of a recording: estimates, intervals, noise ceiling and tests.

    What :func:`normenc.rsa.infer` is for RDMs, for measures of whole representations.

    Parameters
    ----------
    models : mapping of str to array_like, shape (n_stimuli, n_units) or (n_seeds, n_stimuli, n_units)
        Responses, or lists of those of several seeds. Models with several seeds must all have the same number; the k-th
        seeds of all models are paired.
    responses : array_like, shape (n_stimuli, n_neurons) or (n_sessions, n_stimuli, n_neurons), optional
        Of one recording, whose neurons are resampled, or of the same neurons in several sessions; or a list of arrays,
        shape (n_stimuli, n_neurons) each, of several animals or sessions with neurons of their own. By default the mean
        of `repeats`.
    method : str, RepresentationMeasure or callable
        One of :data:`normenc.rsa.REPRESENTATION_MEASURES`, or a function of two representations. Kernel measures (CKA)
        take seconds; the others are computed anew in every sample and take minutes.
    subject, session : array_like, shape (n_recordings,), optional
        The animal, and the session, of each of the recordings in a list. By default each is a different animal.
    repeats : array_like, shape (n_repeats, n_stimuli, n_neurons), optional
        Repeats of one recording: halves of the trials give the ceiling.
    ordered, positions, block_length, generalise_to, n_samples, n_permutations, seed, progress
        See :func:`normenc.rsa.infer`. Trials are generalised over through the stimuli, animals or sessions that have
        them; by themselves they are not resampled.

    Returns
    -------
    Inference

    Raises
    ------
    InputError
        As :func:`normenc.rsa.infer`; also if stimuli are too few for the measure.

    References
    ----------
    As :func:`normenc.rsa.infer`, and the sources of the measures, :mod:`normenc.rsa.representation_measures`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> recorded = rng.normal(size=(30, 40))
    >>> models = {"same": recorded @ rng.normal(size=(40, 50)), "other": rng.normal(size=(30, 50))}
    >>> inference = infer_representations(models, recorded, method="debiased-cka", n_samples=100, n_permutations=99)
    >>> inference.factors, bool(inference.pairs["p"][0] < 0.05)
    (('stimuli', 'neurons'), True)
    """
    inference, _ = infer_representations_in_scopes(
        models,
        recorded={
            **{"responses": responses, "repeats": repeats, "subject": subject, "session": session},
            **{"ordered": ordered, "positions": positions},
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


def infer_representations_in_scopes(
    models: Mapping[str, Any],
    *,
    recorded: Mapping[str, Any],
    asked: Sequence[str] | Asked | None = None,
    both: bool = True,
    method: RepresentationMethod = "linear-cka",
    block_length: int | None = None,
    n_samples: int = 1000,
    n_permutations: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Inference, Inference | None]:
    """The inference of :func:`infer_representations` and, from the same bootstraps, that of the other scope.

    As :func:`normenc.rsa.inference.infer_in_scopes`; `recorded` holds ``responses``, ``repeats``, ``subject``,
    ``session``, ``ordered`` and ``positions``.
    """
    return in_scopes(
        lambda: _Recorded.of(models, as_representation_measure(method), recorded, as_seed(seed)),
        asked=asked,
        both=both,
        positions=recorded.get("positions"),
        block_length=block_length,
        n_samples=n_samples,
        n_permutations=n_permutations,
        progress=progress,
    )


@dataclass(frozen=True)
class _Recorded:
    """Models and recording, checked, with what does not depend on the scope; `flat` says why models have no value."""

    given: Inputs
    inputs: RepresentationInputs
    permuted: RepresentationInputs
    flat: dict[str, str]
    measure: RepresentationMeasure
    estimate: Floats
    ceiling: Ceiling
    ordered: bool
    why_no_shifts: str
    seed: int

    @classmethod
    def of(
        cls, models: Mapping[str, Any], measure: RepresentationMeasure, recorded: Mapping[str, Any], seed: int
    ) -> "_Recorded":
        whose = recorded.get("subject"), recorded.get("session")
        given = RepresentationInputs.of_responses(
            models, recorded.get("responses"), recorded.get("repeats"), measure, whose, seed
        )
        estimate = _means(given, measure)
        flat = {
            name: UNDEFINED.format(measure.name) for name, own in zip(given.names, estimate, strict=True) if own != own
        }
        inputs = given.without(flat)
        ordered = bool(recorded.get("ordered", False))
        some = permuted_stimuli(given.n_stimuli, ordered=ordered, positions=recorded.get("positions"), seed=seed)
        return cls(
            given=given,
            inputs=inputs,
            permuted=inputs.of_stimuli(some),
            flat=flat,
            measure=measure,
            estimate=estimate[~np.isnan(estimate)],
            ceiling=representation_ceiling(inputs, measure, seed),
            ordered=ordered,
            why_no_shifts=why_not_shifted(given.n_stimuli, ordered, recorded.get("positions"), some),
            seed=seed,
        )

    def samples(
        self,
        drawn: list[tuple[str, ...]],
        n_samples: int,
        block_length: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> list[Sample]:
        """Bootstrap samples of these factors, each scope's."""
        return resampled(
            self.inputs,
            drawn,
            lambda _draws: RepresentationEvaluator(self.inputs, self.measure, self.seed).evaluate,
            n_samples=n_samples,
            block_length=block_length,
            seed=self.seed,
            progress=progress,
        )

    @property
    def is_of_others(self) -> bool:
        """Whether the same neurons are a sample by which the measure estimates the similarity of their population."""
        arithmetic = self.measure.arithmetic
        corrected = isinstance(arithmetic, KernelAlignment) and arithmetic.corrected
        return corrected and self.ceiling.kind in ("repeats", "neurons", "sessions") and self.inputs.n_neurons > 0

    def tested(self, n_permutations: int) -> Tested:
        """Both tests against chance, by permuting the stimuli of the recording."""
        inputs = self.permuted
        models = [inputs.seeds_of(k) for k in range(len(inputs.names))]
        tests = [label_permutations(models, inputs.matrices, n_permutations=n_permutations, seed=self.seed)]
        shifted = self.ordered and not self.why_no_shifts
        tests += [circular_shifts(models, inputs.matrices)] if shifted else []
        found = [self._p_values(test) for test in tests]
        unknown = (np.full(len(inputs.names), np.nan),) * 2
        sizes = [len(test.orders) + 1 for test in tests]
        return Tested(found[0], found[1] if shifted else unknown, sizes[0], sizes[1] if shifted else 0)

    def _p_values(self, test: Chance) -> tuple[Floats, Floats]:
        inputs = self.permuted
        orders = np.concatenate([np.arange(inputs.n_stimuli)[None], test.orders])
        each = [self.measure.arithmetic.permuted(inputs.responses, y, orders) for y in inputs.recorded]
        similar = inputs.average(np.stack(each, axis=2), None, None)
        return test.p_values(similar[1:], similar[0], 1e-10), test.smallest_p

    def inference(
        self, scope: Scope, samples: list[Sample], blocks: int | None, tested: Tested, n_samples: int
    ) -> Inference:
        """The result in one scope."""
        inputs, measure, ceiling = self.inputs, self.measure, self.ceiling
        estimate = np.append(self.estimate, [ceiling.lower, ceiling.upper])
        blocks = blocks if "stimuli" in scope.drawn else None
        summary = Contrasts.of(of_scope(samples, scope.drawn), inputs.sizes(scope.drawn), blocks, estimate)
        summary = summary.with_unknown(self.given.names, self.flat, IN_SAMPLES)
        told = [inputs.drawn_units] if inputs.drawn_units else []
        models = model_table(summary, self.given, tested.p_values(summary.known), measure)
        if self.is_of_others and "neurons" not in scope.drawn:
            models[[name for name in models if name.startswith("p_ceiling")]] = np.nan
            told.append(OF_OTHERS.format(measure.phrase))
        return Inference(
            models=models,
            pairs=pair_table(summary, self.given.names),
            ceiling=ceiling,
            ceiling_intervals=measure.clip(summary.ceiling_intervals()),
            factors=scope.drawn,
            generalises_to=scope.factors,
            fixed=scope.fixed,
            notes=(*scope_notes(scope, inputs), *told, *no_shifts_note(self.why_no_shifts)),
            why_no_intervals=why_no_intervals(scope),
            sizes=inputs.counts(scope.drawn),
            ordered=self.ordered,
            block_length=blocks,
            n_samples=n_samples,
            n_orders=tested.n_orders,
            n_shifts=tested.n_shifts,
            n_permuted=self.permuted.n_stimuli,
            method=measure.name,
            why_no_shifts=self.why_no_shifts,
        )


def _means(inputs: RepresentationInputs, measure: RepresentationMeasure) -> Floats:
    """Mean similarity of each model, shape (n_models,); NaN where it is undefined."""
    once = np.ones((1, inputs.n_stimuli), dtype=np.int64)
    each = [measure.arithmetic.samples(inputs.responses, own, once, None) for own in inputs.recorded]
    return inputs.average(np.stack(each, axis=2), None, None)[0]
