"""Variance partitioning of RDMs: what a layer explains beyond all controls together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_count, as_seed
from normenc.renamed import renamed
from normenc.rsa.bootstrap import of_scope, resampled
from normenc.rsa.contrasts import MOST_UNDEFINED, Contrasts
from normenc.rsa.corrections import holm
from normenc.rsa.inputs import Inputs
from normenc.rsa.labelled import turned_stack
from normenc.rsa.neurons import NeuronGroups
from normenc.rsa.pairs import MANY_STIMULI, upper
from normenc.rsa.partition_inputs import Given
from normenc.rsa.resampling import block_length_of
from normenc.rsa.scopes import MIN_STIMULI, Asked, asked_scope
from normenc.rsa.variance_parts import (
    STATISTICS,
    Related,
    non_negative_parts,
    products_in_samples,
    related,
    unit,
    variance_parts,
)
from normenc.showing import Shown

__all__ = ["Partition", "partition"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
CHUNK_BYTES = 2**27  # of pair weights at a time
NEURON_SAMPLES = 20  # bootstrap samples of neurons at a time, each with its own RDM
OF_LAYERS = 3  # of the statistics, those that each layer has; the last is of the controls alone
COMBINATION = "its dissimilarities are a combination of those of the controls"
UNDEFINED = "its dissimilarities, or those of a control, are all equal in many bootstrap samples"


@dataclass(frozen=True, repr=False)
class Partition(Shown):
    """Results of :func:`partition`.

    Attributes
    ----------
    models : DataFrame
        One row per model: ``model``; ``unique``, the share of the variance of the recording's dissimilarities that the
        model explains beyond all controls together, with its 95 % interval ``unique_low`` and ``unique_high``;
        ``explained``, the share that controls and model explain together; ``semipartial`` and ``partial``, the
        correlations given the controls, each with ``_low`` and ``_high``; ``standard_error`` and ``dof`` of the
        semipartial correlation, its two-sided ``p`` against 0 and ``p_holm``; ``non_negative``, the same as ``unique``
        if all weights are at least 0, without an interval, because a bootstrap gives no valid one where a weight is 0;
        ``unique_own`` and ``semipartial_own``, the same as ``unique`` and ``semipartial`` beyond all controls and the
        model's own, each with ``_low`` and ``_high``, NaN without one; ``n_seeds``; ``why_unknown``.
    controls : tuple of str
        The controls, in order, without those whose dissimilarities are all equal.
    explained : tuple of float
        Share of the variance that the controls explain together, and its 95 % interval.
    explained_non_negative : float
        The share with weights of at least 0.
    factors : tuple of str
        The resampled factors.
    sizes : dict of str to int
        Their sizes.
    n_samples : int
    notes : tuple of str
        What was left out or thinned.
    """

    models: pd.DataFrame
    controls: tuple[str, ...]
    explained: tuple[float, float, float]
    explained_non_negative: float
    factors: tuple[str, ...]
    sizes: dict[str, int]
    n_samples: int
    notes: tuple[str, ...] = ()

    def summary(self) -> pd.DataFrame:
        """The unique shares of variance, one row per model."""
        return self.models[["model", "unique", "unique_low", "unique_high", "partial", "p_holm"]].copy()

    def _title(self) -> str:
        n = len(self.models)
        return (
            f"{n} model{'s' * (n != 1)} beyond {len(self.controls)} control{'s' * (len(self.controls) != 1)}, which "
            f"explain {self.explained[0]:.3f} together"
        )

    def _notes(self) -> tuple[str, ...]:
        return (f"95 % confidence intervals generalise over {', '.join(self.factors)}.", *self.notes)


@renamed(factors="generalise_to")
def partition(
    models: Mapping[str, Any],
    controls: Mapping[str, Any],
    data: Any = None,
    *,
    own_controls: Mapping[str, Any] | None = None,
    subject: Any = None,
    session: Any = None,
    responses: Any = None,
    repeats: Any = None,
    rdm_metric: str = "correlation",
    ordered: bool = False,
    block_length: int | None = None,
    positions: Any = None,
    generalise_to: Sequence[str] | Asked | None = None,
    n_samples: int = 1000,
    most_stimuli: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Partition:
    r"""Divide the variance of a recording's dissimilarities into what controls explain and what each model adds.

    The recording's dissimilarities y are regressed, with an intercept, on those of all controls C, and on those of all
    controls and one model x. The unique share of the model is the difference of the two shares of variance explained,
    :math:`R^2_{C,x} - R^2_C`. It is the square of the semipartial correlation, that of y with the part of x that is no
    combination of the controls; the partial correlation is that of the two remainders. With several RDMs of the data,
    or several seeds, correlations are averaged, and the unique share is the square of the mean semipartial correlation.

    Intervals of correlations are estimate ± t x standard error, from the same bootstraps as :func:`normenc.rsa.infer`.
    That of the unique share is the square of the semipartial correlation's, and so begins at 0 exactly if that includes
    0: even a model without anything of its own adds a little to a regression. Noise of the recording is not removed.

    Parameters
    ----------
    models : mapping of str to array_like, shape (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli)
        RDMs. Each model is added to the controls alone, not to the other models.
    controls : mapping of str to array_like, shape (n_stimuli, n_stimuli)
        RDMs, one each.
    own_controls : mapping of str to array_like, shape (n_stimuli, n_stimuli) or (n_seeds, n_stimuli, n_stimuli)
        By model, the RDM of a control of its own, such as its untrained twin; of several seeds their mean is used. What
        the model adds to all controls and to this one is estimated too.
    data, subject, session, responses, repeats, rdm_metric, ordered, positions, block_length, n_samples, seed, progress
        See :func:`normenc.rsa.infer`. `repeats` only give the data's RDM if nothing else does.
    generalise_to : sequence of str, optional
        As in :func:`normenc.rsa.infer`; trials are not resampled by themselves.
    most_stimuli : int
        With more stimuli than these, estimates are of all stimuli, but standard errors come from this many of them,
        drawn at random (evenly spaced ones if `ordered`), and are larger than all would give.

    Returns
    -------
    Partition

    Raises
    ------
    InputError
        If stimuli differ between RDMs, there are too few of them, there is no model or no control with different
        dissimilarities, a control is a stack of RDMs, a name is both a model's and a control's, or an own control is of
        no model.

    References
    ----------
    Groen, Greene, Baldassano, Fei-Fei, Beck & Baker, eLife 2018 (variance partitioning of RDMs); Schuett, Kipnis,
    Diedrichsen & Kriegeskorte, eLife 2023 (bootstraps); Khaligh-Razavi & Kriegeskorte, PLoS Comput. Biol. 2014
    (non-negative weights).

    Examples
    --------
    >>> from normenc.rsa import rdm
    >>> rng = np.random.default_rng(0)
    >>> control, layer, other = rng.normal(size=(3, 40, 20))
    >>> neurons = np.hstack([control, layer]) + 0.3 * rng.normal(size=(40, 40))
    >>> parts = partition(
    ...     {"layer": rdm(layer), "other": rdm(other)}, {"control": rdm(control)}, responses=neurons, n_samples=200
    ... )
    >>> bool(parts.models["unique_low"][0] > 0.1), bool(parts.models["unique_low"][1] == 0)
    (True, True)
    """
    n_samples, seed = as_count(n_samples, "n_samples", 2), as_seed(seed)
    most_stimuli = as_count(most_stimuli, "most_stimuli", MIN_STIMULI)
    repeats = turned_stack(repeats, "repeats")
    given = Given.of((models, controls, own_controls or {}), data, (responses, repeats), rdm_metric, (subject, session))
    inputs = given.inputs(most_stimuli, rdm_metric, ordered, seed)
    if generalise_to is None:
        generalise_to = Asked.by_default(given.data, ordered, positions)
    chosen = asked_scope(inputs, generalise_to, ordered=ordered).drawn
    blocks = None if block_length is None else as_count(block_length, "block_length")
    if not ordered or "stimuli" not in chosen:
        blocks = None
    elif blocks is None:
        blocks = block_length_of(inputs.matrices)
    which = given.which
    layers = _layers_of(inputs, len(given.controls), len(given.defined))
    products = given.products()
    estimate = _flattened(variance_parts(products))
    samples = resampled(
        layers,
        [chosen],
        lambda _draws: _Evaluator(inputs, len(given.controls), which).evaluate,
        n_samples=n_samples,
        block_length=blocks,
        seed=seed,
        progress=progress,
    )
    samples = of_scope(samples, chosen)
    values = np.append(layers.average(estimate, None, None)[0], [np.nan, np.nan])
    summary = Contrasts.of(samples, inputs.sizes(chosen), blocks, values)
    table, explained = _results(given, summary)
    alone, gains = non_negative_parts(products)
    owner = [name for name, stack in given.defined.items() for _ in stack]
    gain = pd.Series(gains[0].mean(axis=1)).groupby(owner).mean()
    table["non_negative"] = gain.reindex(table["model"]).to_numpy()
    notes, n_stimuli = given.notes, given.data.shape[1]
    if inputs.n_stimuli < n_stimuli:
        notes += (f"Standard errors come from {inputs.n_stimuli:,} of the {n_stimuli:,} stimuli.",)
    return Partition(
        table, tuple(given.controls), explained, float(alone.mean()), chosen, inputs.counts(chosen), n_samples, notes
    )


def _results(given: Given, summary: Contrasts) -> tuple[pd.DataFrame, tuple[float, float, float]]:
    """The table of models with intervals, and the share that the controls explain."""
    names = list(given.defined)
    n, estimate = len(names), summary.estimate
    low, high, error, dof, p = summary.of_weights(np.eye(len(estimate))[:-2])
    undefined = np.zeros(len(estimate) - 2, dtype=bool)
    if summary.samples:
        undefined = np.isnan(summary.samples[0][1][:, :-2]).mean(axis=0) > MOST_UNDEFINED
    low, high, error, dof, p = (np.where(undefined, np.nan, v) for v in (low, high, error, dof, p))
    semipartial = slice(0, n)
    unique = estimate[semipartial] ** 2
    table = pd.DataFrame({"unique": unique}, index=pd.Index(names, name="model"))
    table["unique_low"], table["unique_high"] = squared(low[semipartial], high[semipartial])
    table["explained"] = estimate[OF_LAYERS * n] + unique
    for place, key in enumerate(STATISTICS[:OF_LAYERS]):
        own = slice(place * n, place * n + n)
        table[key] = estimate[own]
        table[f"{key}_low"], table[f"{key}_high"] = (np.clip(end[own], -1, 1) for end in (low, high))
    table["unique_own"] = table["semipartial_own"] ** 2
    table["unique_own_low"], table["unique_own_high"] = squared(
        *(table[f"semipartial_own{end}"].to_numpy() for end in ("_low", "_high"))
    )
    table["standard_error"], table["dof"], table["p"] = error[semipartial], dof[semipartial], p[semipartial]
    table["p_holm"] = holm(table["p"])
    combination = set(table.index[np.isnan(unique)])
    uncertain = set(table.index[undefined[semipartial]])
    table = table.reindex(list(given.models))
    table["n_seeds"] = [len(stack) for stack in given.models.values()]
    reasons = dict.fromkeys(uncertain, UNDEFINED) | dict.fromkeys(combination, COMBINATION) | given.reasons
    table["why_unknown"] = [reasons.get(name, "") for name in table.index]
    last = OF_LAYERS * n
    return table.reset_index(), (float(estimate[last]), float(max(low[last], 0)), float(min(high[last], 1)))


def squared(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The interval of the square of a value from that of the value.

    Examples
    --------
    >>> squared(np.array([-0.1, 0.2]), np.array([0.3, 0.4]))
    (array([0.  , 0.04]), array([0.09, 0.16]))
    """
    ends = np.sort(np.square(np.clip([low, high], -1, 1)), axis=0)
    return np.where(low * high > 0, ends[0], np.where(np.isnan(low), np.nan, 0.0)), ends[1]


def _layers_of(inputs: Inputs, n_controls: int, n_layers: int) -> Inputs:
    """The same recording, with the statistics of :func:`_flattened` in place of models."""
    kept = (inputs.owner >= n_controls) & (inputs.owner < n_controls + n_layers)
    owner, member = inputs.owner[kept] - n_controls, inputs.member[kept]
    names = inputs.names[n_controls : n_controls + n_layers]
    every = [f"{key} {name}" for key in STATISTICS[:OF_LAYERS] for name in names]
    last = len(every) + np.arange(len(STATISTICS) - OF_LAYERS)
    return replace(
        inputs,
        names=[*every, *STATISTICS[OF_LAYERS:]],
        owner=np.concatenate([*(owner + place * len(names) for place in range(OF_LAYERS)), last]),
        member=np.concatenate([np.tile(member, OF_LAYERS), np.full(len(last), -1)]),
    )


def _flattened(parts: dict[str, Floats]) -> Floats:
    """All statistics along one axis: shape (n_samples, n_values, n_rdms)."""
    return np.concatenate([parts[key] for key in STATISTICS], axis=1)


class _Evaluator:
    """Evaluates samples of stimuli, animals or sessions, and neurons.

    How controls and layers are related in samples of many stimuli is computed once, whichever other factors are drawn.
    """

    def __init__(self, inputs: Inputs, n_controls: int, which: npt.NDArray[np.intp]):
        self.inputs, self.n_controls, self.which = inputs, n_controls, which
        self.models, self.data = unit(inputs.models), upper(inputs.matrices)
        self.many = inputs.n_stimuli > MANY_STIMULI
        self._related: dict[tuple[int, int], Related] = {}  # by samples of the stimuli, and the first of the samples

    def evaluate(self, drawn: Mapping[str, Counts]) -> tuple[Floats, Floats]:
        """All statistics in samples; the second result stands where there would be noise ceilings."""
        everyone = np.ones((1, self.inputs.n_stimuli), dtype=np.int64)
        stimuli, neurons = drawn.get("stimuli", everyone), drawn.get("neurons")
        step = max(1, CHUNK_BYTES // (8 * self.inputs.n_pairs))
        if neurons is not None or self.many:
            step = int(np.clip(step // max(1, len(self.inputs.neurons)), 1, NEURON_SAMPLES))
        parts = []
        for start in range(0, len(stimuli if neurons is None else neurons), step):
            chosen = slice(start, start + step)
            counts = stimuli if len(stimuli) == 1 else stimuli[chosen]
            own = None
            if neurons is not None:
                groups = [own for own in self.inputs.neurons if isinstance(own, NeuronGroups)]
                own = np.stack([each.vectors(neurons[chosen]) for each in groups])
                if not self.many:
                    counts = np.broadcast_to(counts, (own.shape[1], counts.shape[1]))
            known = self._known(drawn, counts, start)
            products = products_in_samples(self.models, self.n_controls, self.data, counts, own, known)
            parts.append(_flattened(variance_parts(products)))
        values = np.concatenate(parts)
        return values, np.full((len(values), 2), np.nan)

    def _known(self, drawn: Mapping[str, Counts], counts: Counts, start: int) -> Related:
        key = (id(drawn["stimuli"]), start) if "stimuli" in drawn else (0, 0)
        known = self._related.get(key) or related(self.models, self.n_controls, counts, self.which)
        if self.many:
            self._related[key] = known
        return known
