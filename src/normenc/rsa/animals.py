"""Animals as a yardstick: is a model as similar to an animal as animals are to each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from math import lcm
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_count, as_seed
from normenc.errors import InputError
from normenc.rsa.animal_results import AgainstAnimals
from normenc.rsa.bootstrap import of_scope, resampled
from normenc.rsa.contrasts import MOST_UNDEFINED, Contrasts
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.drawn_ceilings import mean_of_pairs
from normenc.rsa.inputs import Inputs
from normenc.rsa.measures import MEASURES, Measure, as_measure
from normenc.rsa.pairs import upper
from normenc.rsa.representation_inference import IN_SAMPLES, UNDEFINED
from normenc.rsa.representation_inputs import MOST_COPIES, RepresentationInputs
from normenc.rsa.representation_measures import (
    INSTEAD,
    REPRESENTATION_MEASURES,
    RepresentationMeasure,
    as_representation_measure,
)
from normenc.rsa.representation_samples import MatchedAlignment
from normenc.rsa.resampling import block_length_of
from normenc.rsa.scopes import Asked, Scope, asked_scope
from normenc.rsa.weighted import similarities

__all__ = ["AgainstAnimals", "against_animals", "beside_animals", "stimuli_in_blocks"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[Any]
Compare = Callable[[Counts], tuple[Floats, Floats]]  # weights of stimuli: with the animals, and between them


class Named(Protocol):
    """A measure: its name, and the range that intervals are clipped to."""

    @property
    def name(self) -> str: ...

    def clip(self, values: Any, /) -> Floats: ...


def against_animals(
    models: Mapping[str, Any],
    data: Any,
    *,
    method: Any = "pearson",
    subject: Any = None,
    ordered: bool = False,
    positions: Any = None,
    block_length: int | None = None,
    generalise_to: Sequence[str] | Asked | None = None,
    n_samples: int = 1000,
    seed: int = 0,
) -> AgainstAnimals:
    r"""Compare each model's similarity with animals to the similarity of animals with each other.

    :math:`\langle s(m, a) \rangle_a - \langle s(b, a) \rangle_{a \ne b}` for model m and animals a and b, by the same
    measure s; where s depends on which comes first, both directions are averaged, of models and animals alike. Below 0,
    the model is told from an animal. The noise of two animals lowers the second mean, and that of one the first: a
    model without noise that is right is at :math:`\sqrt r`, and animals that differ by noise alone at r, so that a
    difference of 0 is a mark that must be reached, not a ceiling (:func:`normenc.rsa.noise_ceiling`), which no model
    can pass.

    Parameters
    ----------
    models : mapping of str to array_like
        RDMs or, for a measure of representations, responses; of one or several seeds, as :func:`normenc.rsa.infer` and
        :func:`normenc.rsa.infer_representations` take them.
    data : array_like, shape (n_rdms, n_stimuli, n_stimuli), or list of array_like, shape (n_stimuli, n_neurons)
        RDMs, or responses, of at least two animals.
    method : str, Measure, RepresentationMeasure or callable
        Of :data:`normenc.rsa.MEASURES` or :data:`normenc.rsa.REPRESENTATION_MEASURES`; a function compares RDMs.
    subject : array_like, shape (n_rdms,), optional
        The animal of each of the data; by default each is a different animal.
    ordered, positions, block_length, generalise_to, n_samples, seed
        See :func:`normenc.rsa.infer`.

    Returns
    -------
    AgainstAnimals

    Raises
    ------
    InputError
        If there are fewer than two animals, if the similarity of two of them is undefined, and as
        :func:`normenc.rsa.infer`.

    References
    ----------
    Feather, Khosla, Ratan Murty & Nayebi, "Brain-model evaluations need the NeuroAI Turing test", arXiv 2502.16238,
    2025.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patterns = rng.normal(size=(20, 30))
    >>> from normenc.rsa import rdm
    >>> animals = [rdm(patterns + rng.normal(size=(20, 30))) for _ in range(5)]
    >>> models = {"right": rdm(patterns), "wrong": rdm(rng.normal(size=(20, 30)))}
    >>> found = against_animals(models, animals, n_samples=99)
    >>> (found.models["difference"] > 0).tolist(), bool(found.models["p_holm"][1] < 0.05)
    ([True, False], True)
    """
    n_samples, seed = as_count(n_samples, "n_samples", 2), as_seed(seed)
    measure = _measure(method)
    inputs, compare = _prepared(models, data, subject, measure, seed)
    if inputs.grouped_by != "animals":
        raise InputError(
            "there is one animal; this comparison needs RDMs or responses of at least two, and their names as subject"
        )
    scope = asked_scope(inputs, generalise_to, ordered=ordered, positions=positions)
    blocks = stimuli_in_blocks(inputs, scope, block_length) if ordered else None
    whose = _names(subject, inputs)
    return beside_animals(inputs, compare, whose, measure, scope.drawn, blocks, n_samples=n_samples, seed=seed)


def stimuli_in_blocks(inputs: Inputs, scope: Scope, block_length: int | None) -> int | None:
    """Of stimuli in order, how many are drawn together; None where stimuli are not drawn."""
    if "stimuli" not in scope.drawn:
        return None
    return block_length_of(inputs.matrices) if block_length is None else as_count(block_length, "block_length")


def beside_animals(
    inputs: Inputs,
    compare: Compare,
    whose: list[str],
    measure: Named,
    drawn: tuple[str, ...],
    blocks: int | None,
    *,
    n_samples: int,
    seed: int,
) -> AgainstAnimals:
    """Tests and intervals of :func:`against_animals`, for anything that compares models with animals.

    Parameters
    ----------
    inputs : Inputs
        Which say whose values are averaged.
    compare : callable
        Given how often each stimulus is in each sample, similarities of shape (n_samples, n_vectors, n_animals) and
        those of animals with each other, (n_samples, n_animals, n_animals), of the first with the second.
    whose : list of str
        The animals, in the order of their numbers.
    measure : Measure or another with a name and a range
    drawn : tuple of str
        What is resampled.
    blocks : int or None
        How many neighbours are drawn together.
    n_samples, seed : int
    """
    whole = _Whole.of(inputs, compare, whose, measure)
    # Stimuli are drawn once, alone and with animals. Draws are kept with what was found, so that their id stays theirs.
    found = {id(whole.once): (whole.once, (whole.with_animals, whole.between))}

    def evaluate(draws: Mapping[str, Counts]) -> tuple[Floats, Floats]:
        stimuli = draws.get("stimuli", whole.once)
        if id(stimuli) not in found:
            found[id(stimuli)] = stimuli, compare(stimuli)
        _, (with_animals, between) = found[id(stimuli)]
        animals = draws.get("animals", np.ones((1, inputs.n_groups)))
        mean = mean_of_pairs(between, animals[:, inputs.group], inputs.group)
        return with_animals, np.stack([mean, np.full(len(mean), np.nan)], axis=1)

    samples = resampled(inputs, [drawn], lambda _draws: evaluate, n_samples=n_samples, block_length=blocks, seed=seed)
    summary = Contrasts.of(of_scope(samples, drawn), inputs.sizes(drawn), blocks, whole.estimate)
    summary = _with_reasons(summary, inputs.names, measure)
    low, high = (float(measure.clip(v[0])) for v in summary.of_weights(np.eye(len(whole.estimate))[-2:-1])[:2])
    drawn_units = getattr(inputs, "drawn_units", "")
    why_not = summary.why_pairs_unknown
    return AgainstAnimals(
        models=_model_table(summary, inputs.names),
        animals=_animal_table(inputs, whole),
        between=(float(whole.estimate[-2]), low, high),
        factors=drawn,
        sizes=inputs.counts(drawn),
        method=measure.name,
        notes=tuple(filter(None, [drawn_units, why_not and f"There are no intervals: {why_not}."])),
    )


@dataclass(frozen=True)
class _Whole:
    """All similarities as they are, without a draw: with the animals, between these, and their means."""

    once: Counts
    with_animals: Floats
    between: Floats
    estimate: Floats
    whose: list[str]

    @classmethod
    def of(cls, inputs: Inputs, compare: Compare, whose: list[str], measure: Named) -> "_Whole":
        once = np.ones((1, inputs.n_stimuli), dtype=np.int64)
        with_animals, between = compare(once)
        apart = inputs.group[:, None] != inputs.group
        if unknown := np.argwhere(np.isnan(between[0]) & apart).tolist():
            one, other = (whose[int(inputs.group[place])] for place in unknown[0])
            raise InputError(
                f"the similarity of the animals {one} and {other} by {measure.name} is undefined: too few stimuli for "
                "it, or they differ no more than by chance, or all dissimilarities are equal; leave one of the animals "
                "out, or choose another measure"
            )
        mean = mean_of_pairs(between, np.ones((1, len(inputs.group))), inputs.group)[0]
        estimate = np.append(inputs.average(with_animals, None, None)[0], [mean, np.nan])
        return cls(once, with_animals, between, estimate, whose)


def _with_reasons(summary: Contrasts, names: list[str], measure: Named) -> Contrasts:
    """With the reason for every model whose similarity, or interval, is unknown."""
    missing = np.isnan(summary.estimate[:-2])
    found = summary.with_unknown(names, {}, IN_SAMPLES)
    reasons = [
        UNDEFINED.format(measure.name) if none else why or summary.why_pairs_unknown
        for none, why in zip(missing, found.why_unknown, strict=True)
    ]
    alone = [values[:, -2] for inflations, values in found.samples if {*inflations} == {"stimuli"}]
    undefined = max((float(np.isnan(values).mean()) for values in alone), default=0.0)
    if undefined > MOST_UNDEFINED:
        said = f"the similarity of animals with each other is undefined in {100 * undefined:.0f} % of bootstrap samples"
        reasons = [why or said for why in reasons]
        for _, values in found.samples:
            values[:, -2] = np.nan
    return replace(found, why_unknown=tuple(reasons))


def _measure(method: Any) -> Measure | RepresentationMeasure:
    if isinstance(method, RepresentationMeasure):
        return method
    if isinstance(method, str) and (method in REPRESENTATION_MEASURES or method in INSTEAD):
        return as_representation_measure(method)
    if isinstance(method, str) and method not in MEASURES:
        raise InputError(
            f"method is {method!r}; it must be one of {', '.join([*MEASURES, *REPRESENTATION_MEASURES])}, or a function"
        )
    return as_measure(method)


def _prepared(
    models: Mapping[str, Any], data: Any, subject: Any, measure: Measure | RepresentationMeasure, seed: int
) -> tuple[Inputs, Compare]:
    """Models and animals, checked, and what compares them in samples of the stimuli."""
    if isinstance(measure, RepresentationMeasure):
        own = _responses(models, data, subject, measure, seed)
        return replace(own, neurons=(), members=[], n_neurons=0), lambda weights: _of_responses(own, measure, weights)
    inputs = Inputs.of(models, data, None, None, "correlation", (subject, None), seed)
    if flat := inputs.flat(measure):
        name, why = next(iter(flat.items()))
        raise InputError(f"the model {name!r} has no similarity: {why}; leave it out")
    return inputs, lambda weights: _of_rdms(inputs, measure, weights)


def _responses(
    models: Mapping[str, Any], data: Any, subject: Any, measure: RepresentationMeasure, seed: int
) -> RepresentationInputs:
    """Models and animals, of all units if they can be matched in little time; neurons are not resampled."""
    everything = replace(measure, most_units=None)
    every = RepresentationInputs.of_responses(models, data, None, everything, (subject, None), seed)
    if measure.most_units is None:
        return every
    n_neurons = [own.shape[1] for own in every.recorded]
    numbers = {*n_neurons, *(own.shape[1] for own in every.responses)}
    most = max(lcm(one, other) for one in numbers for other in n_neurons)
    matched = isinstance(measure.arithmetic, MatchedAlignment)
    if max(numbers) <= measure.most_units and not (matched and most > MOST_COPIES):
        return every
    return RepresentationInputs.of_responses(models, data, None, measure, (subject, None), seed)


def _of_rdms(inputs: Inputs, measure: Measure, weights: Counts) -> tuple[Floats, Floats]:
    animals = upper(inputs.matrices)
    with_animals = similarities(inputs.models_for(measure), animals, weights, measure).models
    return with_animals, similarities(animals, animals, weights, measure).models


def _of_responses(
    inputs: RepresentationInputs, measure: RepresentationMeasure, weights: Counts
) -> tuple[Floats, Floats]:
    arithmetic, animals = measure.arithmetic, inputs.recorded
    with_animals = np.stack([arithmetic.samples(inputs.responses, own, weights, None) for own in animals], axis=2)
    if not arithmetic.pairs_matter:  # kernels have no direction
        back = [[arithmetic.between(own, x, weights, None) for own in animals] for x in inputs.responses]
        with_animals = (with_animals + np.array(back).transpose(2, 0, 1)) / 2
    between = np.full((len(with_animals), len(animals), len(animals)), np.nan)
    for one, other in permutations(range(len(animals)), 2):
        between[:, one, other] = arithmetic.between(animals[one], animals[other], weights, None)
    return with_animals, between


def _names(subject: Any, inputs: Inputs) -> list[str]:
    """Of the animals, in the order of their numbers."""
    if subject is None:
        return [str(k + 1) for k in range(inputs.n_groups)]
    given = np.asarray(subject)
    return [str(given[np.flatnonzero(inputs.group == k)[0]]) for k in range(inputs.n_groups)]


def _model_table(summary: Contrasts, names: Sequence[str]) -> pd.DataFrame:
    n = len(names)
    weights = np.eye(n + 2)[:n]
    weights[:, -2] = -1
    low, high, error, dof, p = summary.of_weights(weights)
    return pd.DataFrame(
        {
            "model": list(names),
            "similarity": summary.estimate[:n],
            "between_animals": summary.estimate[-2],
            "difference": summary.estimate[:n] - summary.estimate[-2],
            **{"low": low, "high": high, "standard_error": error, "dof": dof},
            **{"p": p, "p_holm": holm(p), "p_fdr": benjamini_hochberg(p)},
            "why_unknown": list(summary.why_unknown),
        }
    )


def _animal_table(inputs: Inputs, whole: _Whole) -> pd.DataFrame:
    rows, between = [], whole.between[0]
    for place, animal in enumerate(whole.whose):
        own = inputs.group == place
        alone = np.zeros((1, inputs.n_groups))
        alone[0, place] = 1
        models = inputs.average(whole.with_animals, alone, None)[0]
        others = float(between[np.ix_(~own, own)].mean() + between[np.ix_(own, ~own)].mean()) / 2
        rows += [
            {"model": name, "animal": animal, "similarity": value, "between_animals": others}
            for name, value in zip(inputs.names, models, strict=True)
        ]
    table = pd.DataFrame(rows)
    return table.assign(difference=table["similarity"] - table["between_animals"])
