"""Every public function of the room that takes arrays, with small right input: what the properties are tried on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from normenc import rsa

N, U = 7, 5  # stimuli, of which all orders are tried, and units
RNG = np.random.default_rng(0)
NAMES = np.array([f"image {k}" for k in "gcafbedh"])  # in no order


def counts(*shape: int) -> np.ndarray:
    """Whole numbers that half precision and bfloat16 hold exactly."""
    return RNG.integers(0, 100, size=shape).astype(float)


def matrices(n_rdms: int, n: int = N) -> np.ndarray:
    """RDMs of such numbers."""
    half = np.triu(counts(n_rdms, n, n) + 1, 1)
    return half + half.transpose(0, 2, 1)


def above(stack: np.ndarray) -> np.ndarray:
    return stack[:, *np.triu_indices(stack.shape[-1], 1)]


X, Y, MORE, OTHER = counts(N, U), counts(N, U), counts(N, 3), counts(N, 3)
REPEATS, ANIMALS, MODELS, EIGHT = counts(4, N, U), matrices(3), matrices(2), matrices(3, 8)
NOISE = (lambda root: root @ root.T + np.eye(U))(counts(U, U) // 30)
ORDERS = np.array([RNG.permutation(N) for _ in range(4)])
SHARED = counts(N, 1)  # what several units of two populations have in common
FAST = {"n_samples": 6, "n_permutations": 6}

DIMS = {
    "responses": ("stimulus", "neuron"),
    "repeats": ("repeat", "stimulus", "neuron"),
    "rdm": ("stimulus", "stimulus_2"),
    "rdms": ("animal", "stimulus", "stimulus_2"),
    "models": ("model", "stimulus", "stimulus_2"),
    "vectors": ("rdm", "pair"),
    "noise": ("neuron", "neuron_2"),
    "orders": ("order", "place"),
    "numbers": ("sample",),
    "labels": ("stimulus",),
}


@dataclass(frozen=True)
class Call:
    """One way to call a public function.

    `arrays` holds, by name, what kind an array is (of `DIMS`) and the array; `of` makes the call with such arrays.
    `answer` is "pairs" where rows and columns of the answer are the stimuli, "same" where their order plays no part,
    and "drawn" where places, not stimuli, are drawn at random.
    """

    name: str
    of: Callable[..., Any]
    arrays: dict[str, tuple[str, np.ndarray]]
    answer: str = "same"
    way: str = ""
    correlates: bool = False  # whether a stimulus's offset and scale play no part

    def __call__(self, **changed: Any) -> np.ndarray:
        return numbers(self.of(**({name: array for name, (_, array) in self.arrays.items()} | changed)))

    def __str__(self) -> str:
        return f"{self.name} {self.way}".strip()


def numbers(found: Any) -> np.ndarray:
    """All numbers of an answer that say what was found."""
    if isinstance(found, rsa.Inference):
        columns = ["similarity", "low", "high", "standard_error", "p_permutations", "p_ceiling"]
        parts = [found.models[columns], found.ceiling_intervals, found.pairs[["difference", "p"]]]
        return np.concatenate([np.ravel(np.asarray(part)) for part in parts] + [numbers(found.ceiling)])
    if isinstance(found, rsa.Partition):
        columns = [name for name in found.models if name not in ("model", "why_unknown")]
        parts = [found.models[columns], found.explained, [found.explained_non_negative]]
        return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])
    if isinstance(found, rsa.CircularParts):
        parts = [found.parts[["share", "reliability"]], found.profile, found.rest, found.curve]
        return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])
    if isinstance(found, rsa.CircularInference):
        return np.ravel(found.models[["share", "similarity", "ceiling_lower", "aligned"]].to_numpy(dtype=float))
    if isinstance(found, rsa.Identification):
        return found.table["share"].to_numpy()
    if isinstance(found, rsa.AgainstAnimals):
        return np.ravel(found.models[["similarity", "between_animals", "difference", "low", "high"]])
    if isinstance(found, rsa.Chosen):
        return np.concatenate([found.stimuli, np.ravel(found.discriminability)])
    if isinstance(found, rsa.Ceiling):
        return np.array([found.lower, found.upper])
    if isinstance(found, rsa.WeightedModel):
        table = found.layers[["similarity", "weight"]]
        return np.array([found.similarity, *found.ceiling, *np.ravel(np.asarray(table))])
    return np.asarray(found)


def partition(layer: Any, control: Any, data: Any = None, **given: Any) -> rsa.Partition:
    """With neighbours drawn together, so that few samples have all dissimilarities equal."""
    return rsa.partition({"layer": layer}, {"control": control}, data, **given, ordered=True, n_samples=6)


def pair(kind: str, one: np.ndarray, other: np.ndarray, names: str = "x y") -> dict[str, tuple[str, np.ndarray]]:
    return {name: (kind, array) for name, array in zip(names.split(), (one, other), strict=True)}


def infer(**given: Any) -> rsa.Inference:
    """By shifts, of which there are few."""
    models = {name: given.pop(name) for name in ("one", "two")}
    return rsa.infer(models, given.pop("data", None), **given, ordered=True, **FAST)


def against_animals(one: Any, two: Any, data: Any) -> rsa.AgainstAnimals:
    """With animals alone resampled."""
    return rsa.against_animals({"one": one, "two": two}, data, n_samples=6, generalise_to=["animals"])


def circular_inference(**given: Any) -> rsa.CircularInference:
    models = {name: given.pop(name) for name in ("one", "two")}
    return rsa.infer_circular_parts(models, given.pop("data", None), **given, **FAST)


def labelled(array: np.ndarray, kind: str, names: Any = NAMES, dim: str = "stimulus") -> xr.DataArray:
    """The array with its axes named and the stimuli (or pairs, or neurons) labelled."""
    there = names is not None and dim in DIMS[kind]
    coords = {dim: names[: array.shape[DIMS[kind].index(dim)]]} if there else {}
    return xr.DataArray(array, dims=DIMS[kind], coords=coords)


def frame(array: np.ndarray, kind: str, names: Any = None) -> Any:
    """The same as tables of pandas."""
    if array.ndim == 3:
        return [frame(part, kind, names) for part in array]
    if array.ndim == 1:
        return pd.Series(array)
    index = None if names is None else pd.Index(names[: len(array)])
    return pd.DataFrame(array, index=index, columns=index if kind in ("rdm", "rdms", "models") else None)


MODEL_PAIR = {"one": ("rdm", MODELS[0]), "two": ("rdm", MODELS[1])}
POSSIBLE_PAIR = {name: (kind, array % 3) for name, (kind, array) in MODEL_PAIR.items()}  # 0 to 2, as correlations are
LAYER_PAIR = {"layer": ("rdm", MODELS[0]), "control": ("rdm", MODELS[1])}
OWN = {"correlates": True}
CALLS = [
    *(
        Call(name, getattr(rsa, name), pair("responses", MORE, OTHER))
        for name in (
            *("angular_distance", "bures_similarity", "linear_cka", "partial_soft_matching"),
            *("procrustes_distance", "pwcca", "soft_matching", "svcca"),
        )
    ),
    Call("against_animals", against_animals, {**MODEL_PAIR, "data": ("rdms", ANIMALS)}, "drawn"),
    Call("corrected_cka", rsa.corrected_cka, pair("responses", SHARED + counts(N, 3) // 9, SHARED + counts(N, 4) // 9)),
    Call("one_to_one_correlation", rsa.one_to_one_correlation, pair("responses", MORE, OTHER), "drawn"),
    Call("stochastic_shape_distance", rsa.stochastic_shape_distance, pair("repeats", REPEATS, counts(3, N, U))),
    Call(
        "linear_cka", lambda x, y: rsa.linear_cka(x, y, debiased=True), pair("responses", MORE, OTHER), way="debiased"
    ),
    Call("linear_cka", rsa.linear_cka, pair("responses", counts(N, 20), Y), way="of more units than stimuli"),
    Call("compare_representations", rsa.compare_representations, pair("responses", X, Y)),
    *(
        Call("compare_rdms", lambda x, y, m=m: rsa.compare_rdms(x, y, m), pair("rdm", *MODELS), way=m)
        for m in rsa.METHODS
    ),
    Call(
        "compare_rdms",
        lambda x, y: rsa.compare_rdms(x, y),
        {"x": ("models", MODELS), "y": ("rdms", ANIMALS)},
        way="of stacks",
    ),
    Call(
        "compare_vectors",
        rsa.compare_vectors,
        {"x": ("vectors", above(MODELS)), "y": ("vectors", above(ANIMALS))},
    ),
    Call("fit_weights", rsa.fit_weights, {"layers": ("vectors", above(MODELS)), "data": ("vectors", above(ANIMALS))}),
    Call(
        "chance_p_values",
        rsa.chance_p_values,
        {"models": ("models", MODELS), "data": ("rdms", ANIMALS)},
    ),
    Call(
        "permuted_similarities",
        rsa.permuted_similarities,
        {"models": ("models", MODELS), "data": ("rdms", ANIMALS), "orders": ("orders", ORDERS)},
    ),
    Call(
        "cross_validate_weighted",
        lambda one, two, data: rsa.cross_validate_weighted({"one": one, "two": two}, data, n_folds=2),
        {"one": ("rdm", EIGHT[0]), "two": ("rdm", EIGHT[1]), "data": ("rdms", matrices(2, 8))},
        "drawn",
    ),
    *(
        Call("rdm", lambda responses, m=m: rsa.rdm(responses, m), {"responses": ("responses", X)}, "pairs", m)
        for m in rsa.METRICS
        if m not in ("correlation", "mahalanobis")
    ),
    Call("rdm", rsa.rdm, {"responses": ("responses", X)}, "pairs", "correlation", **OWN),
    Call(
        "rdm",
        lambda responses, noise: rsa.rdm(responses, "mahalanobis", noise_covariance=noise),
        {"responses": ("responses", X), "noise": ("noise", NOISE)},
        "pairs",
        "mahalanobis",
    ),
    Call(
        "rdm_from_blocks",
        lambda first, second: rsa.rdm_from_blocks([first, second]),
        {"first": ("responses", X), "second": ("responses", MORE)},
        "pairs",
        **OWN,
    ),
    *(
        Call(
            "cross_validated_rdm",
            lambda repeats, m=m: rsa.cross_validated_rdm(repeats, m),
            {"repeats": ("repeats", REPEATS)},
            "pairs",
            m,
        )
        for m in rsa.CROSS_VALIDATED
    ),
    Call(
        "cross_validated_rdm",
        lambda repeats, noise: rsa.cross_validated_rdm(repeats, noise_covariance=noise),
        {"repeats": ("repeats", REPEATS), "noise": ("noise", NOISE)},
        "pairs",
        "with noise",
    ),
    *(
        Call("noise_covariance", lambda x, s=s: rsa.noise_covariance(x, s), {"x": ("responses", counts(12, U))}, way=s)
        for s in ("diagonal", "identity", "none", "variances")
    ),
    Call("noise_covariance", lambda x: rsa.noise_covariance(x), {"x": ("repeats", REPEATS)}, way="of repeats"),
    Call("noise_ceiling", rsa.noise_ceiling, {"rdms": ("rdms", ANIMALS)}, way="of animals"),
    Call(
        "noise_ceiling",
        lambda **given: rsa.noise_ceiling(**given),
        {"repeats": ("repeats", REPEATS)},
        way="of repeats",
        **OWN,
    ),
    Call(
        "noise_ceiling",
        lambda **given: rsa.noise_ceiling(**given),
        {"responses": ("responses", counts(N, 12))},
        way="of neurons",
        **OWN,
    ),
    Call(
        "identification",
        lambda one, two, truth: rsa.identification(
            {"one": one, "two": two},
            n_neurons=9,
            noise=5,
            truths={"truth": truth},
            n_simulations=6,
            rdm_metric="euclidean",
        ),
        {**MODEL_PAIR, "truth": ("rdm", ANIMALS[0])},
        "drawn",
    ),
    Call(
        "discriminability",
        lambda one, two: rsa.discriminability({"one": one, "two": two}, n_neurons=9, noise=5),
        POSSIBLE_PAIR,
    ),
    Call(
        "choose_stimuli",
        lambda one, two: rsa.choose_stimuli({"one": one, "two": two}, 5, n_neurons=9, noise=5),
        POSSIBLE_PAIR,
        "drawn",
    ),
    Call("infer", infer, {**MODEL_PAIR, "data": ("rdms", ANIMALS)}, "drawn", "of animals"),
    Call("infer", infer, {**MODEL_PAIR, "responses": ("responses", counts(N, 12))}, "drawn", "of responses", **OWN),
    Call(
        "infer_representations",
        lambda one, responses: rsa.infer_representations({"one": one}, responses, method="debiased-cka", **FAST),
        {"one": ("responses", SHARED + counts(N, 3) // 9), "responses": ("responses", counts(N, 12))},
        "drawn",
    ),
    Call("infer", infer, {**MODEL_PAIR, "repeats": ("repeats", REPEATS)}, "drawn", "of repeats", **OWN),
    Call("partition", partition, {**LAYER_PAIR, "data": ("rdms", ANIMALS)}, "drawn", "of animals"),
    Call(
        "partition",
        partition,
        {**LAYER_PAIR, "responses": ("responses", counts(N, 12))},
        "drawn",
        "of responses",
        **OWN,
    ),
    Call("circular_parts", rsa.circular_parts, {"rdm": ("rdm", MODELS[0])}, "drawn"),
    Call(
        "circular_parts",
        lambda **given: rsa.circular_parts(**given),
        {"responses": ("responses", counts(N, 12))},
        "drawn",
        "of responses",
        **OWN,
    ),
    Call(
        "circular_parts",
        lambda **given: rsa.circular_parts(**given),
        {"repeats": ("repeats", REPEATS)},
        "drawn",
        "of repeats",
        **OWN,
    ),
    Call(
        "infer_circular_parts",
        circular_inference,
        {**MODEL_PAIR, "responses": ("responses", counts(N, 12))},
        "drawn",
        "of responses",
        **OWN,
    ),
    Call(
        "match_stimuli",
        lambda rdm, labels: rsa.match_stimuli(rdm, labels, NAMES[[3, 0, 5]]),
        {"rdm": ("rdm", MODELS[0]), "labels": ("labels", NAMES[:N])},
    ),
    Call(
        "simulate_responses",
        lambda rdm: rsa.simulate_responses(rdm, 9, 0.5, np.random.default_rng(0)),
        {"rdm": ("rdm", MODELS[0])},
        "drawn",
    ),
    Call("spearman_brown", rsa.spearman_brown, {"similarity": ("numbers", np.array([0.5, -0.25, 0.0, 1.0]))}),
]
