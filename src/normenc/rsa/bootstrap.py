"""Bootstrap samples of model similarities and noise ceilings, for every set of factors."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.progress import counting
from normenc.rsa.ceiling import Ceiling, ceiling_of_neurons, ceiling_of_rdms, ceiling_of_repeats
from normenc.rsa.drawn_ceilings import inflation_of_pairs
from normenc.rsa.evaluating import Draws, Evaluator
from normenc.rsa.halves import RepeatHalves
from normenc.rsa.inputs import FACTORS, GROUPS, Inputs
from normenc.rsa.measures import Measure
from normenc.rsa.neuron_parts import NeuronDraws
from normenc.rsa.pairs import upper
from normenc.rsa.resampling import draw_blocks, draw_counts, inflation
from normenc.rsa.trials import BY_NEURON, DrawsByNeuron, draw_trials

__all__ = ["bootstrap", "ceiling_of", "of_scope", "resampled"]

Floats = npt.NDArray[np.float64]
STRENGTHS = (0.5, 0.25)  # of the noise of trials
Evaluate = Callable[[Mapping[str, Any]], tuple[Floats, Floats]]
Sample = tuple[dict[str, tuple[float, ...]], Floats]


def bootstrap(
    inputs: Inputs,
    scopes: Sequence[tuple[str, ...]],
    measure: Measure,
    kind: str,
    halves: RepeatHalves | None,
    *,
    n_samples: int,
    block_length: int | None,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Sample]:
    """Resample every set of factors.

    Parameters
    ----------
    inputs : Inputs
    scopes : sequence of tuple of str
        The factors to generalise over, of one scope or several; sets of factors that they share are resampled once.
    measure : Measure
    kind : str
        Kind of noise ceiling, see :class:`normenc.rsa.Ceiling`.
    halves : RepeatHalves, optional
        Halves of the trials, for a ceiling of the kind "repeats".
    n_samples : int
        Number of samples of each bootstrap.
    block_length : int, optional
        Neighbours drawn together; with None, stimuli are drawn one by one.
    seed : int
    progress : callable, optional
        Called as (done, all) after each bootstrap.

    Returns
    -------
    list of (dict, ndarray)
        For every bootstrap, the inflation of each resampled factor, see :func:`normenc.rsa.resampling.inflation`, and
        the similarity of every model and both ceilings, shape (n_samples, n_models + 2). Of samples of neurons they
        are differences from all neurons, see :class:`normenc.rsa.neuron_parts.NeuronDraws`. :func:`of_scope` selects
        those of one scope.
    """

    def evaluate_in(draws: Mapping[str, Sequence[Any]]) -> Evaluate:
        return Evaluator(inputs, measure, kind, halves, seed, draws).evaluate

    return resampled(
        inputs, scopes, evaluate_in, n_samples=n_samples, block_length=block_length, seed=seed, progress=progress
    )


def resampled(
    inputs: Inputs,
    scopes: Sequence[tuple[str, ...]],
    evaluate_in: Callable[[Mapping[str, Sequence[Any]]], Evaluate],
    *,
    n_samples: int,
    block_length: int | None,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Sample]:
    """Resample every set of factors; :func:`bootstrap` for anything that can be evaluated in samples.

    Parameters
    ----------
    inputs : Inputs
        Whose `owner`, `member` and `group` say which values are averaged.
    scopes : sequence of tuple of str
        See :func:`bootstrap`.
    evaluate_in : callable
        Given the samples of every factor, returns what evaluates one way to draw them: given how often the members of
        each factor are in each sample, values of shape (n_samples, n_vectors, n_rdms) and both ceilings, shape
        (n_samples, 2); one sample if all are the same, or the first ones where all would take too long.
    n_samples, block_length, seed, progress
        See :func:`bootstrap`.

    Returns
    -------
    list of (dict, ndarray)
        See :func:`bootstrap`.
    """
    factors = tuple(f for f in FACTORS if any(f in scope for scope in scopes))
    draws = _draw(inputs, factors, n_samples, block_length, seed)
    samples = []
    every = [drawn for drawn in _ways(draws) if any(_factors(drawn) <= {*scope} for scope in scopes)]
    evaluate = evaluate_in(draws)
    found: dict[tuple[int, ...], Floats] = {}  # estimates from all neurons, by what else is drawn
    with counting("inference", progress) as tell:
        for done, drawn in enumerate(every, start=1):
            neurons = drawn.pop("neurons", None)
            weights = {f: own.weights if neurons is None else own.beside for f, own in drawn.items()}
            estimates, ceiling = evaluate(weights if neurons is None else weights | {"neurons": neurons.weights})
            n_own = len(estimates) if len(estimates) > 1 else n_samples if neurons is None else len(neurons.weights)
            estimates = np.broadcast_to(estimates, (n_own, *estimates.shape[1:]))
            for seeds in [None, *draws.get("seeds", [])]:  # these change only means, not similarities
                others = drawn if seeds is None else drawn | {"seeds": seeds}
                names = _factors(others) if neurons is None else _factors(others) | {"neurons"}
                if not any(names <= {*scope} for scope in scopes):
                    continue
                by_seed = None if seeds is None else seeds.weights[:n_own] if neurons is None else seeds.beside
                means = inputs.average(estimates, weights.get(inputs.grouped_by), by_seed)
                values = np.hstack([means, np.broadcast_to(ceiling, (n_own, 2))])
                key, inflations = tuple(map(id, others.values())), {f: own.inflation for f, own in others.items()}
                if neurons is None:
                    found[key] = values
                    samples += [(inflations, values)] if others else []
                    continue
                rows = neurons.differences(found[key], values, found[()][0])
                own = [inflations | {"neurons": of_neurons} for of_neurons in neurons.inflations]
                samples += zip(own, rows, strict=True)
            tell(done, len(every))
    return samples


def _ways(draws: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Every set of factors but seeds, in every way to draw them.

    Trials are not drawn together with neurons: that would tell little of the noise that each neuron has by itself.
    Instead, each group of neurons gets trials of its own.
    """
    others = [f for f in draws if f != "seeds"]
    ways = product(*([None, *draws[f]] for f in others))
    chosen = [{f: way for f, way in zip(others, one, strict=True) if way is not None} for one in ways]
    return [drawn for drawn in chosen if len({"neurons", "trials", BY_NEURON} & {*drawn}) < 2]


def of_scope(samples: list[Sample], factors: tuple[str, ...]) -> list[Sample]:
    """The bootstraps over sets of these factors alone.

    A similarity that is undefined in a sample of any of them is NaN in that sample of all of them.
    """
    return _undefined_together([sample for sample in samples if _factors(sample[0]) <= {*factors}])


def _factors(drawn: Iterable[str]) -> set[str]:
    """The factors that are drawn."""
    return {factor for name in drawn for factor in name.split(" x ")}


def ceiling_of(
    inputs: Inputs,
    repeats: Any,
    measure: Measure,
    rdm_metric: str,
    seed: int,
    see: Callable[[Floats, Floats], object] | None = None,
) -> Ceiling:
    """The same ceiling as :func:`normenc.rsa.noise_ceiling`; `see` is given the halves of the trials."""
    if inputs.grouped_by:
        return ceiling_of_rdms(upper(inputs.matrices), inputs.group, inputs.grouped_by, measure)
    if repeats is not None:
        return ceiling_of_repeats(repeats, rdm_metric, measure, None, seed, see)
    if inputs.neurons:
        return ceiling_of_neurons(inputs.neurons[0], measure, None, seed)
    if inputs.n_neurons:
        raise InputError(
            f"halves of the neurons give no noise ceiling for rdm_metric {rdm_metric!r}, because it is not a sum over "
            "neurons; also give repeats, or give only the RDM as data"
        )
    return Ceiling("none", float("nan"), float("nan"))


def _draw(
    inputs: Inputs, factors: tuple[str, ...], n_samples: int, block_length: int | None, seed: int
) -> dict[str, list[Any]]:
    """Draw members of every factor, each with its own generator.

    Each is drawn as usual and, if pairs of members may matter, also with the draws added once to the full sample, which
    halves their effect. Stimuli of which pairs do not matter are drawn only in the second way, because a sample should
    not lack many, and so are neurons that are matched with units. Of other neurons, parts are drawn: an RDM with copies
    of neurons is noisier than the recording's own, and its noise varies more than that of other neurons. Blocks
    of neighbours are added to three copies of the full sample: drawn as usual, they would contain too many pairs of
    similar neighbours.
    """
    draws: dict[str, list[Any]] = {}
    for factor, size in inputs.sizes(factors).items():
        rng = np.random.default_rng([seed, 1, FACTORS.index(factor)])
        if factor == "trials" and inputs.trials is not None:
            every = draw_trials(inputs.trials.n_trials, n_samples, rng, STRENGTHS)
            draws[factor] = [Draws(own, _of_orders(own.strength)) for own in every]
            if "neurons" in factors:
                rest = inputs.neurons[0].n_groups, inputs.trials.n_trials
                apart = [DrawsByNeuron(n_samples, *rest, strength, (seed, 1, len(FACTORS))) for strength in STRENGTHS]
                draws[BY_NEURON] = [Draws(own, (*_of_orders(own.strength), 1 / own.n_groups)) for own in apart]
            continue
        if factor == "neurons" and not inputs.matched:
            sizes = np.array([float(len(own)) for own in inputs.members])
            draws[factor] = [NeuronDraws.of_parts(sizes, n_samples, rng)]
            continue
        length = block_length if factor == "stimuli" and block_length is not None else 1
        counts = (
            draw_counts(int(size), n_samples, rng) if length == 1 else draw_blocks(int(size), n_samples, length, rng)
        )
        if length > 1:  # neighbours are drawn together: the share of the circle outside one block
            draws[factor] = [Draws(3 + counts, ((1 - length / size) / 16,))]
        elif factor == "stimuli" and inputs.stimuli_in_pairs:  # as in RDMs
            draws[factor] = [Draws(w, inflation(w, 2)) for w in (counts, 1 + counts)]
        elif factor in GROUPS:  # pairs of them matter in ceilings alone
            draws[factor] = [Draws(w, (*inflation(w), inflation_of_pairs(w))) for w in (counts, 1 + counts)]
        elif factor == "neurons":
            draws[factor] = [NeuronDraws(1 + counts, (inflation(1 + counts),))]
        else:
            weights = 1 + counts if factor == "stimuli" else counts
            draws[factor] = [Draws(weights, inflation(weights))]
    return _beside_neurons(draws)


def _beside_neurons(draws: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The same with the weights of stimuli, sessions and seeds that go with samples of neurons."""
    if "neurons" not in draws:
        return draws
    (neurons,) = draws["neurons"]
    others = [factor for factor in draws if factor in ("stimuli", *GROUPS, "seeds")]
    return draws | {f: [replace(own, beside=neurons.beside(own.weights)) for own in draws[f]] for f in others}


def _of_orders(strength: float) -> tuple[float, ...]:
    """By how much the variance of parts that depend on one and on two trials is multiplied."""
    return tuple((1 + strength**2) ** k - 1 for k in (1, 2))


def _undefined_together(samples: list[Sample]) -> list[Sample]:
    """Set each model's similarity to NaN, in all bootstraps, in samples where it is undefined in any of them.

    Where several samples of neurons go with one of other factors, that is undefined if all of them are.
    """
    if not samples:
        return []
    n_columns = samples[0][1].shape[1]
    undefined = np.zeros((max(len(values) for _, values in samples), n_columns), dtype=bool)
    of_neurons: dict[int, npt.NDArray[np.bool_]] = {}  # by length, which that of interactions is less
    for drawn, values in samples:
        own = undefined[: len(values)]
        if "neurons" in drawn:
            own = of_neurons.setdefault(len(values), np.zeros(values.shape, dtype=bool))
        own[:, :-2] |= np.isnan(values[:, :-2])
    n_others = min(of_neurons, default=0)
    if of_neurons:
        undefined[:n_others] |= of_neurons[max(of_neurons)].reshape(-1, n_others, n_columns).all(axis=0)
    found = []
    for drawn, values in samples:
        own = undefined[: len(values)]
        if "neurons" in drawn:
            own = of_neurons[len(values)] | np.tile(undefined[:n_others], (len(values) // n_others, 1))
        found.append((drawn, np.where(own, np.nan, values)))
    return found
