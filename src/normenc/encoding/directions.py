"""Models beside animals by regression, in both directions: a model predicts animals, and animals predict the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_count, as_seed
from normenc.encoding.animals import Animals
from normenc.encoding.measures import MEASURES, Recorded, Terms
from normenc.encoding.medians import median
from normenc.encoding.regression import cross_validated_predictions
from normenc.encoding.regression_inputs import as_features, check_same_stimuli
from normenc.encoding.scoring import THRESHOLD
from normenc.errors import InputError
from normenc.rsa import AgainstAnimals, rdm
from normenc.rsa.animals import beside_animals, stimuli_in_blocks
from normenc.rsa.corrections import benjamini_hochberg, holm
from normenc.rsa.representation_inputs import RepresentationInputs
from normenc.rsa.scopes import Asked, asked_scope
from normenc.tuning import explainable_variance

__all__ = ["DIRECTIONS", "against_animals"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

DIRECTIONS = TO, FROM, BOTH = "to animals", "from animals", "both"
NOISELESS = {"feve": "r2", "noise_corrected_r": "r"}  # what they are of a model's units, which have no noise
RANGES = {"r": (-1.0, 1.0), "r2": (-np.inf, 1.0)}  # others exceed 1 by chance
DECIMALS = 6  # of a score; more are rounding errors of float32
MOST, MOST_VALUES = 500, 2_000_000  # units, and values of them, that are predicted of a model or an animal


def against_animals(
    models: Mapping[str, Any],
    responses: Any,
    animal: Any,
    stimulus: Any = None,
    *,
    measure: str | None = None,
    threshold: float = THRESHOLD,
    n_samples: int = 1000,
    positions: Any = None,
    block_length: int | None = None,
    generalise_to: Sequence[str] | Asked | None = None,
    labels: Any = None,
    seed: int = 0,
    **options: Any,
) -> AgainstAnimals:
    r"""Ask in both directions whether a model predicts, and is predicted by, animals as well as these do each other.

    With :math:`s(x \to y)` how well the units of y are predicted from those of x, for model m and animals a and b:

    - ``to animals``: :math:`\langle s(m \to a) \rangle_a - \langle s(b \to a) \rangle_{a \ne b}`;
    - ``from animals``: :math:`\langle s(a \to m) \rangle_a - \langle s(b \to a) \rangle_{a \ne b}`;
    - ``both``: the mean of the two.

    A model that lacks part of what animals encode is below 0 in the first direction, one that encodes much else in the
    second: regression ignores what it does not need, so that the first alone cannot find that. `both` can hide it,
    because one direction can make up for the other; a model that is as close as an animal is below 0 in neither.

    The map (regression, folds, choice of penalties) and the score (median over units) are the same everywhere. The
    noise of neurons that are predicted is corrected, as :func:`normenc.encoding.predictivity` does; units of a model
    have none. That of neurons that predict is not corrected: it lowers :math:`s(b \to a)` and :math:`s(a \to m)` alike,
    but not :math:`s(m \to a)`.

    Parameters
    ----------
    models : mapping of str to array_like, shape (n_stimuli, n_units)
        Layers.
    responses, animal, stimulus, threshold, labels, **options
        See :func:`normenc.encoding.between_animals`.
    measure : str, optional
        One of ``r``, ``r2``, ``feve``, ``noise_corrected_r``. By default ``feve``; ``r2`` without repeated trials.
    n_samples, positions, block_length, generalise_to
        See :func:`normenc.rsa.against_animals`; whether stimuli are `ordered` is among the options. Predictions are
        fixed: intervals do not include what regressions would learn from other stimuli.
    seed : int
        Of the folds, of the samples, and of the units that are predicted if a model or an animal has more than 500 (or
        fewer, with more than 4,000 stimuli), which are drawn. All units predict.

    Returns
    -------
    AgainstAnimals
        With the column ``direction`` in `models` and `animals`. Of a direction of `animals`, ``between_animals`` is how
        well the others predict this animal, or are predicted by it. P-values are corrected for all models and both
        directions; those of `both` for all models.

    Raises
    ------
    InputError
        If there are fewer than two animals, an animal has no reliable neuron, a model differs in stimuli, a measure is
        unknown or needs repeated trials, or a regression is impossible.

    References
    ----------
    Feather, Khosla, Ratan Murty & Nayebi, "Brain-model evaluations need the NeuroAI Turing test", arXiv 2502.16238,
    2025; Muzellec & Kar, "Reverse predictivity", bioRxiv 2025.08.08.669382 (models predicted from neurons).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> latent, other = rng.normal(size=(2, 80, 4))
    >>> animals = np.hstack([latent @ rng.normal(size=(4, 12)) + rng.normal(size=(80, 12)) for _ in range(4)])
    >>> models = {"alike": latent, "more": np.hstack([latent, other, other**2, other**3])}
    >>> found = against_animals(models, animals, np.repeat(list("abcd"), 12), n_samples=50)
    >>> (found.models["difference"] > 0).tolist()
    [True, True, True, True, False, False]
    """
    n_samples, seed = as_count(n_samples, "n_samples", 2), as_seed(seed)
    if not isinstance(models, Mapping) or not models:
        raise InputError("there are no models to compare; give a mapping of names to layers")
    own = Animals.of(responses, animal, stimulus)
    named = [(f"the model {name!r}", values) for name, values in models.items()]
    is_averaged = stimulus is None and "stimulus_index" not in getattr(responses, "coords", {})
    check_same_stimuli(*named, *([("the responses", responses)] if is_averaged else []))
    measure = _measure(measure, own)
    layers = {name: _layer(values, name, own, options) for name, values in models.items()}
    animals = [_Target.of_animal(own, name, measure, threshold, seed) for name in own.names]
    units = [_Target.of_model(layer, measure, seed) for layer in layers.values()]
    scores = _Scores.of(own, animals, layers, units, {"seed": seed, "stimulus": labels, **options})
    names = [f"{model}, {direction}" for model in models for direction in DIRECTIONS]
    inputs = RepresentationInputs(
        names=names,
        owner=np.arange(len(names)),
        member=np.full(len(names), -1),
        model_matrices=(),
        matrices=np.stack([rdm(own.averages[:, own.whose == name], "euclidean") for name in own.names]),
        group=np.arange(len(own.names)),
        grouped_by="animals",
        neurons=(),
        n_neurons=0,
        members=[],
        drawn_units=_told([*zip(own.names, animals, strict=True), *zip(models, units, strict=True)]),
        pairs_matter=False,
    )
    ordered = bool(options.get("ordered"))
    scope = asked_scope(inputs, generalise_to, ordered=ordered, positions=positions)
    blocks = stimuli_in_blocks(inputs, scope, block_length) if ordered else None
    found = beside_animals(
        inputs, scores.compare, own.names, _Named(measure), scope.drawn, blocks, n_samples=n_samples, seed=seed
    )
    return _by_direction(found, list(models), scores.between(np.ones((1, len(own.averages))))[0])


@dataclass(frozen=True)
class _Named:
    """A measure of predictivity, as similarities have it."""

    name: str

    def clip(self, values: Any, /) -> Floats:
        return np.asarray(np.clip(values, *RANGES.get(self.name, (-np.inf, np.inf))))


@dataclass(frozen=True)
class _Target:
    """What is predicted of a model or an animal, and the trials that the predictions are compared with."""

    averages: npt.NDArray[Any]
    trials: npt.NDArray[Any]
    index: Indices
    place: int  # of the measure
    drawn: str  # how many of how many are predicted, if not all

    @classmethod
    def of_animal(cls, own: Animals, name: str, measure: str, threshold: float, seed: int) -> "_Target":
        """Its reliable neurons or, without repeated trials, all."""
        trials, averages = own.trials[:, own.whose == name], own.averages[:, own.whose == name]
        reliable = np.arange(trials.shape[1])
        if own.repeated:
            reliable = np.flatnonzero(explainable_variance(trials, own.index) >= threshold)
        if not len(reliable):
            raise InputError(
                f"no neuron of the animal {name!r} is reliable (an explainable variance of at least {threshold:g}), so "
                "that predictions of it cannot be scored; leave the animal out, or lower threshold"
            )
        some = _some(len(reliable), len(averages), seed)
        drawn, some = _share(some, len(reliable), "reliable neurons"), reliable[some]
        return cls.centred(averages[:, some], trials[:, some], own.index, MEASURES.index(measure), drawn)

    @classmethod
    def of_model(cls, layer: npt.NDArray[Any], measure: str, seed: int) -> "_Target":
        """Its units, which have no noise."""
        some = _some(layer.shape[1], len(layer), seed)
        values = np.asarray(layer[:, some], dtype=np.float64)
        place = MEASURES.index(NOISELESS.get(measure, measure))
        return cls.centred(values, values, np.arange(len(values)), place, _share(some, layer.shape[1], "units"))

    @classmethod
    def centred(
        cls, averages: npt.NDArray[Any], trials: npt.NDArray[Any], index: Indices, place: int, drawn: str
    ) -> "_Target":
        """Less the mean of each unit, which predictions in float32 could not hold beside what varies."""
        means = averages.mean(axis=0, dtype=np.float64)
        own, each = ((values - means).astype(values.dtype) for values in (averages, trials))
        return cls(own, each, index, place, drawn)


@dataclass(frozen=True)
class _Score:
    """How well a target is predicted, in samples of the stimuli."""

    predicted: npt.NDArray[Any]
    recorded: Recorded
    place: int

    def in_samples(self, weights: npt.NDArray[Any]) -> Floats:
        """Median over units, shape (n_samples,)."""
        weights = weights.astype(np.float64 if len(weights) == 1 else np.float32)
        each = [
            Terms.of_neurons(self.predicted[:, some], self.recorded, some).measures(weights)[self.place]
            for some in self.recorded.blocks
        ]
        return np.round(median(np.hstack(each)), DECIMALS)


@dataclass(frozen=True)
class _Scores:
    """Of every model onto every animal, every animal onto every model, and animals onto each other."""

    onto_animals: list[list[_Score]]
    onto_models: list[list[_Score]]
    of_pairs: dict[tuple[int, int], _Score]

    @classmethod
    def of(
        cls,
        own: Animals,
        animals: list[_Target],
        layers: Mapping[str, npt.NDArray[Any]],
        units: list[_Target],
        options: dict[str, Any],
    ) -> "_Scores":
        pairs: dict[tuple[int, int], _Score] = {}
        back = []
        for place, name in enumerate(own.names):
            others = [k for k in range(len(animals)) if k != place]
            targets = [*(animals[k] for k in others), *units]
            found = _predicted(own.averages[:, own.whose == name], targets, options)
            pairs |= {(place, k): score for k, score in zip(others, found, strict=False)}
            back.append(found[len(others) :])
        onto_animals = [_predicted(layer, animals, options) for layer in layers.values()]
        return cls(onto_animals, [list(scores) for scores in zip(*back, strict=True)], pairs)

    def compare(self, weights: npt.NDArray[Any]) -> tuple[Floats, Floats]:
        """See :func:`normenc.rsa.animals.beside_animals`; the directions of a model follow each other."""
        to, back = (
            np.array([[score.in_samples(weights) for score in scores] for scores in several])
            for several in (self.onto_animals, self.onto_models)
        )
        every = np.stack([to, back, (to + back) / 2], axis=1)
        return every.reshape(-1, *every.shape[2:]).transpose(2, 0, 1), self.between(weights)

    def between(self, weights: npt.NDArray[Any]) -> Floats:
        """How well animals predict each other, shape (n_samples, n_animals, n_animals): the first the second."""
        n = len(self.onto_animals[0])
        found = np.full((len(weights), n, n), np.nan)
        for (one, other), score in self.of_pairs.items():
            found[:, one, other] = score.in_samples(weights)
        return found


def _predicted(features: npt.NDArray[Any], targets: Sequence[_Target], options: dict[str, Any]) -> list[_Score]:
    """Every target from these features; together, unless the regression of one unit depends on others."""
    together = options.get("method", "ridge") == "ridge"
    groups = [targets] if together else [[target] for target in targets]
    scores = []
    for group in groups:
        found = cross_validated_predictions(features, np.hstack([target.averages for target in group]), **options)
        ends = np.cumsum([target.averages.shape[1] for target in group])[:-1]
        for target, predicted in zip(group, np.split(found.predicted, ends, axis=1), strict=True):
            recorded = Recorded.of_trials(target.trials, target.index, len(predicted), found.fold)
            scores.append(_Score(predicted.astype(np.float32), recorded, target.place))
    return scores


def _measure(measure: str | None, own: Animals) -> str:
    if measure is None:
        return "feve" if own.repeated else "r2"
    if measure not in MEASURES:
        raise InputError(f"measure is {measure!r}; it must be one of {', '.join(MEASURES)}")
    if measure in NOISELESS and not own.repeated:
        raise InputError(
            f"measure is {measure!r}, which corrects for noise, but fewer than two stimuli have several trials; give "
            f"single trials with stimulus, or choose {NOISELESS[measure]!r}"
        )
    return measure


def _layer(values: Any, name: str, own: Animals, options: Mapping[str, Any]) -> npt.NDArray[Any]:
    try:
        layer = as_features(values, options.get("memory_gib", 4.0))
    except InputError as error:
        raise InputError(f"the model {name!r}: {error}") from None
    if len(layer) != len(own.averages):
        raise InputError(
            f"the model {name!r} has {len(layer)} stimuli, but the animals saw {len(own.averages)}; give the same "
            "stimuli in the same order"
        )
    return layer


def _some(n_units: int, n_stimuli: int, seed: int) -> Indices:
    """Which units are predicted: the same places in layers of the same size."""
    most = min(MOST, max(1, MOST_VALUES // n_stimuli))
    if n_units <= most:
        return np.arange(n_units)
    return np.sort(np.random.default_rng([seed, 29, n_units]).permutation(n_units)[:most])


def _share(some: Indices, n_units: int, noun: str) -> str:
    return f"{len(some)} of {n_units:,} {noun}" if len(some) < n_units else ""


def _told(targets: Sequence[tuple[str, _Target]]) -> str:
    """Of whom only some units are predicted, in a sentence; empty if of none."""
    whose: dict[str, list[str]] = {}
    for name, target in targets:
        whose.setdefault(target.drawn, []).append(name)
    said = "; ".join(f"{share} of {', '.join(names)}" for share, names in whose.items() if share)
    return said and f"Of these, not all units were predicted, but some drawn at random: {said}."


def _by_direction(found: AgainstAnimals, models: list[str], between: Floats) -> AgainstAnimals:
    """The same with the direction of each row, and with what it is compared with in this direction."""
    n_animals = len(between)
    every, directions = np.repeat(models, len(DIRECTIONS)), list(DIRECTIONS) * len(models)
    table = found.models.assign(model=every)
    table.insert(1, "direction", directions)
    for family in (table["direction"] != BOTH, table["direction"] == BOTH):
        p = table.loc[family, "p"].to_numpy()
        table.loc[family, ["p_holm", "p_fdr"]] = np.stack([holm(p), benjamini_hochberg(p)], axis=1)
    animals = found.animals.assign(model=np.tile(every, n_animals))
    animals.insert(1, "direction", directions * n_animals)
    into, out = np.nanmean(between, axis=0), np.nanmean(between, axis=1)
    beside = np.stack([into, out, (into + out) / 2], axis=1)
    animals["between_animals"] = np.tile(beside, (1, len(models))).ravel()
    animals["difference"] = animals["similarity"] - animals["between_animals"]
    return replace(found, models=table, animals=animals)
