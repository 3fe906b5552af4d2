"""Bootstrap samples of model similarities and noise ceilings, for every set of factors."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.ceiling import (
    Ceiling,
    bounds,
    ceiling_of_neurons,
    ceiling_of_rdms,
    ceiling_of_repeats,
    neuron_halves,
)
from normenc.rsa.inputs import FACTORS, Inputs
from normenc.rsa.measures import Measure
from normenc.rsa.pairs import upper
from normenc.rsa.resampling import draw_blocks, draw_counts, inflation
from normenc.rsa.weighted import sample_ceilings, sample_similarities, similarities

__all__ = ["bootstrap", "ceiling_of", "resampled"]

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Sample = tuple[dict[str, tuple[float, ...]], Floats]
Halves = Sequence[tuple[Floats, Floats]]
CEILING_PAIRS = 40_000  # limit on dissimilarities of halves in a bootstrap sample; only the estimate uses all splits
NEURON_SAMPLES = 20  # bootstrap samples of neurons at a time, each with its own RDM,
NEURON_BYTES = 2**28  # and at most this many dissimilarities, if at least two samples fit


@dataclass(frozen=True)
class _Draws:
    """Weights of a factor's members in every sample, shape (n_samples, n_members), and their effect on a variance."""

    weights: npt.NDArray[np.int64]
    inflation: tuple[float, ...]


def bootstrap(
    inputs: Inputs,
    factors: tuple[str, ...],
    measure: Measure,
    kind: str,
    halves: Halves | None,
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
    factors : tuple of str
    measure : Measure
    kind : str
        Kind of noise ceiling, see :class:`normenc.rsa.Ceiling`.
    halves : sequence of pairs of ndarray, shape (n_pairs,), optional
        Dissimilarities of two halves of the trials in every split, for a ceiling of the kind "repeats".
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
        the similarity of every model and both ceilings, shape (n_samples, n_models + 2). A similarity that is undefined
        in a sample of any bootstrap is NaN in that sample of every bootstrap.
    """

    def evaluate(drawn: Mapping[str, Counts]) -> tuple[Floats, Floats]:
        return _evaluate(inputs, drawn, measure, kind, halves, seed)

    return resampled(
        inputs, factors, evaluate, n_samples=n_samples, block_length=block_length, seed=seed, progress=progress
    )


def resampled(
    inputs: Inputs,
    factors: tuple[str, ...],
    evaluate: Callable[[Mapping[str, Counts]], tuple[Floats, Floats]],
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
    factors : tuple of str
    evaluate : callable
        Given how often the members of each factor are in each sample, returns values of shape (n_samples, n_vectors,
        n_rdms) and both ceilings, shape (n_samples, 2); one sample if all are the same.
    n_samples, block_length, seed, progress
        See :func:`bootstrap`.

    Returns
    -------
    list of (dict, ndarray)
        See :func:`bootstrap`.
    """
    draws = _draw(inputs, factors, n_samples, block_length, seed)
    samples = []
    others = [f for f in draws if f != "seeds"]
    every = list(product(*([None, *draws[f]] for f in others)))
    for done, ways in enumerate(every, start=1):
        drawn = {f: way for f, way in zip(others, ways, strict=True) if way is not None}
        estimates, ceiling = evaluate({f: d.weights for f, d in drawn.items()})
        estimates = np.broadcast_to(estimates, (n_samples, *estimates.shape[1:]))
        for seeds in [None, *draws.get("seeds", [])]:  # these change only means, not similarities
            if not drawn and seeds is None:
                continue
            groups = drawn[inputs.grouped_by].weights if inputs.grouped_by in drawn else None
            means = inputs.average(estimates, groups, None if seeds is None else seeds.weights)
            inflations = {f: d.inflation for f, d in drawn.items()}
            inflations |= {} if seeds is None else {"seeds": seeds.inflation}
            samples.append((inflations, np.hstack([means, np.broadcast_to(ceiling, (n_samples, 2))])))
        if progress is not None:
            progress(done, len(every))
    return _undefined_together(samples)


def ceiling_of(inputs: Inputs, repeats: Any, measure: Measure, rdm_metric: str, seed: int) -> Ceiling:
    """The same ceiling as :func:`normenc.rsa.noise_ceiling`."""
    if inputs.grouped_by:
        return ceiling_of_rdms(upper(inputs.matrices), inputs.group, inputs.grouped_by, measure)
    if repeats is not None:
        return ceiling_of_repeats(repeats, rdm_metric, measure, None, seed)
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
) -> dict[str, list[_Draws]]:
    """Draw members of every factor, each with its own generator.

    Each is drawn as usual and, if pairs of members may matter, also with the draws added once to the full sample, which
    halves their effect. Neurons are drawn only in the second way, because an RDM of resampled neurons is noisier than
    the recording's own. Blocks of neighbours are added to three copies of the full sample: drawn as usual, they would
    contain too many pairs of similar neighbours.
    """
    draws = {}
    for factor, size in inputs.sizes(factors).items():
        rng = np.random.default_rng([seed, 1, FACTORS.index(factor)])
        length = block_length if factor == "stimuli" and block_length is not None else 1
        counts = (
            draw_counts(int(size), n_samples, rng) if length == 1 else draw_blocks(int(size), n_samples, length, rng)
        )
        if length > 1:  # neighbours are drawn together: the share of the circle outside one block
            draws[factor] = [_Draws(3 + counts, ((1 - length / size) / 16,))]
        elif factor in ("stimuli", "animals", "sessions"):  # pairs of them matter, in RDMs and in ceilings
            draws[factor] = [_Draws(w, inflation(w, 2)) for w in (counts, 1 + counts)]
        else:
            weights = 1 + counts if factor == "neurons" else counts
            draws[factor] = [_Draws(weights, inflation(weights))]
    return draws


def _evaluate(
    inputs: Inputs,
    draws: Mapping[str, npt.NDArray[np.int64]],
    measure: Measure,
    kind: str,
    halves: Halves | None,
    seed: int,
) -> tuple[Floats, Floats]:
    """Similarity of every model's vectors with the data's, and both ceilings; a single sample if all are the same."""
    everyone = np.ones((1, inputs.n_stimuli), dtype=np.int64)
    stimuli, groups, neurons = (draws.get(f) for f in ("stimuli", inputs.grouped_by, "neurons"))
    stimuli = everyone if stimuli is None else stimuli
    by_rdm = np.ones((len(stimuli), len(inputs.matrices)), dtype=np.int64)
    by_rdm = by_rdm if groups is None else groups[:, inputs.group]
    if neurons is not None:
        estimates, ceiling = _with_neurons(inputs, neurons, stimuli, by_rdm, measure, kind, seed)
        return estimates, ceiling if halves is None else _half_ceilings(halves, stimuli, measure)
    several = inputs.group if kind == inputs.grouped_by else None
    data = upper(inputs.matrices)
    result = similarities(
        inputs.models, data, stimuli, measure, rdm_counts=by_rdm, subject=several, weigh_subjects=True
    )
    ceiling = result.ceiling
    if kind == "neurons" and inputs.neurons:
        every = np.ones((1, inputs.neurons[0].n_groups), dtype=np.int64)
        splits = neuron_halves(inputs.neurons[0], every, n_splits(inputs), seed)
        ceiling = _half_ceilings(((first[0], second[0]) for first, second in splits), stimuli, measure)
    elif several is None and halves is not None:
        ceiling = _half_ceilings(halves, stimuli, measure)
    return result.models, ceiling


def _with_neurons(
    inputs: Inputs,
    neurons: npt.NDArray[np.int64],
    stimuli: npt.NDArray[np.int64],
    by_rdm: npt.NDArray[np.int64],
    measure: Measure,
    kind: str,
    seed: int,
) -> tuple[Floats, Floats]:
    """The same if every sample has its own neurons, and so its own RDMs; the same neurons in every session."""
    estimates, ceiling = [], []
    step = int(np.clip(NEURON_BYTES // (8 * inputs.models.shape[1]), 1, NEURON_SAMPLES))
    for start in range(0, len(neurons), step):
        part = slice(start, start + step)
        chosen = neurons[part]
        counts, amounts = (rows if len(rows) == 1 else rows[part] for rows in (stimuli, by_rdm))
        own = np.stack([groups.vectors(chosen) for groups in inputs.neurons])
        estimates.append(np.stack([sample_similarities(inputs.models, data, counts, measure) for data in own], axis=2))
        if kind == "neurons":
            splits = neuron_halves(inputs.neurons[0], chosen, n_splits(inputs), seed)
            ceiling.append(_half_ceilings(splits, counts, measure))
        elif kind == "sessions":
            options: dict[str, Any] = {"rdm_counts": amounts, "subject": inputs.group, "weigh_subjects": True}
            ceiling.append(sample_ceilings(own, counts, measure, **options))
        else:
            ceiling.append(np.full((len(chosen), 2), np.nan))
    return np.concatenate(estimates), np.concatenate(ceiling)


def n_splits(inputs: Inputs) -> int:
    """Splits into halves in every sample."""
    return int(np.clip(CEILING_PAIRS // inputs.models.shape[1], 2, 10))


def _half_ceilings(splits: Iterable[tuple[Floats, Floats]], counts: npt.NDArray[np.int64], measure: Measure) -> Floats:
    """Ceilings from halves, split by split, each of shape (n_pairs,), or (n_samples, n_pairs) with one per sample."""
    each = []
    for halves in splits:
        own = [half if half.ndim == 2 else np.broadcast_to(half, (len(counts), len(half))) for half in halves]
        each.append(sample_similarities(own[0][None], own[1], counts, measure)[:, 0])
    return np.stack(bounds(np.mean(each, axis=0)), axis=1)


def _undefined_together(samples: list[Sample]) -> list[Sample]:
    """Set each model's similarity to NaN, in all bootstraps, in samples where it is undefined in any of them."""
    undefined = np.any([np.isnan(values) for _, values in samples], axis=0)
    undefined[:, -2:] = False
    return [(inflations, np.where(undefined, np.nan, values)) for inflations, values in samples]
