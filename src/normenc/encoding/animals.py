"""How well neurons of one animal predict those of another: the yardstick of animals for layers."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.arrays import as_responses
from normenc.encoding.measures import Recorded
from normenc.encoding.medians import trial_index
from normenc.encoding.regression import Prediction, cross_validated_predictions
from normenc.encoding.scoring import THRESHOLD, Predictivity, predictivity
from normenc.errors import InputError
from normenc.showing import Listed

__all__ = ["Animals", "BetweenAnimals", "between_animals"]

ALL, OTHERS = "all animals", "all other animals"


@dataclass(frozen=True)
class Animals:
    """Neurons of several animals, checked: trials, the stimulus of each, whose the neurons are, and averages."""

    trials: npt.NDArray[Any]
    index: npt.NDArray[np.intp]
    whose: npt.NDArray[np.str_]
    averages: npt.NDArray[Any]
    repeated: bool

    @classmethod
    def of(cls, responses: Any, animal: Any, stimulus: Any, n_stimuli: int | None = None) -> "Animals":
        """See :func:`between_animals`."""
        trials = as_responses(responses)
        whose = np.asarray(animal)
        if whose.shape != (trials.shape[1],):
            raise InputError(
                f"animal has shape {whose.shape}; give the animal of each of the {trials.shape[1]} neurons"
            )
        whose = whose.astype(str)
        if len(set(whose.tolist())) < 2:
            raise InputError(
                f"all neurons are of the animal {str(whose[0])!r}; predicting one animal from another needs two"
            )
        if stimulus is None:  # the trials of a recording know it
            stimulus = getattr(responses, "coords", {}).get("stimulus_index")
        given = None if stimulus is None else np.asarray(stimulus)
        if given is not None and given.dtype.kind not in "iu":
            raise InputError(f"stimulus has type {given.dtype}; give the number of each trial's stimulus, from 0")
        n = n_stimuli or (len(trials) if given is None else int(given.max()) + 1)
        index = trial_index(responses, stimulus, len(trials), n)
        recorded = Recorded.of_trials(trials, index, n, None)
        return cls(trials, index, whose, recorded.all_averages(trials.dtype), recorded.repeated)

    @property
    def names(self) -> list[str]:
        """Of the animals, in alphabetical order."""
        return sorted(set(self.whose.tolist()))


@dataclass(frozen=True, repr=False)
class BetweenAnimals(Listed):
    """Results of :func:`between_animals`.

    Attributes
    ----------
    table : DataFrame
        First one row for all neurons, each predicted by all animals but its own, which compares with a layer's
        predictivity of the same neurons; then one row per pair of animals, in both directions: ``target``, ``source``,
        ``n_neurons`` of the target, ``n_source`` neurons it is predicted from (empty in the first row), and medians
        with intervals as :meth:`normenc.encoding.Predictivity.row` gives them.
    overall : Predictivity
        Of the first row.
    predicted : ndarray, shape (n_stimuli, n_neurons)
        Every neuron by all animals but its own.
    warnings : tuple of str
    """

    TABLE: ClassVar = "table"

    table: pd.DataFrame
    overall: Predictivity = field(repr=False)
    predicted: npt.NDArray[Any] = field(repr=False)
    warnings: tuple[str, ...] = ()


def between_animals(
    responses: Any,
    animal: Any,
    stimulus: Any = None,
    *,
    n_stimuli: int | None = None,
    threshold: float = THRESHOLD,
    n_samples: int = 1000,
    seed: int = 0,
    labels: Any = None,
    **options: Any,
) -> BetweenAnimals:
    """Predict the neurons of every animal from those of every other, with the regression that layers are given.

    The neurons of one animal take the place of a layer's units: the same folds, penalties and measures. The noise of
    the neurons that are predicted is corrected as for layers; that of the neurons they are predicted from is not, so a
    layer without noise can predict an animal better than another animal does.

    Parameters
    ----------
    responses : array_like, shape (n_trials, n_neurons) or (n_stimuli, n_neurons)
        Of all animals to the stimuli that all saw: single trials with `stimulus`, or averages.
    animal : array_like, shape (n_neurons,)
        The animal of each neuron.
    stimulus : array_like of int, shape (n_trials,), optional
        The stimulus of each trial, from 0; for the trials of a recording it is determined automatically.
    n_stimuli : int, optional
        By default the largest in `stimulus` plus 1, or the rows of averages.
    threshold, n_samples
        See :func:`normenc.encoding.predictivity`.
    seed : int
    labels : array_like, shape (n_stimuli,), optional
        Stimuli with equal labels stay in one fold.
    **options
        Of :func:`normenc.encoding.cross_validated_predictions`.

    Returns
    -------
    BetweenAnimals

    Raises
    ------
    InputError
        If there is only one animal, a label is missing, or a regression is impossible.

    References
    ----------
    Nayebi et al., "Mouse visual cortex as a limited resource system that self-learns an ecologically-general
    representation", PLoS Comput. Biol. 2023 (animals as the yardstick of layers).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> latent, other = rng.normal(size=(2, 100, 4))
    >>> read = [source @ rng.normal(size=(4, 20)) for source in (latent, latent, other)]
    >>> found = between_animals(np.hstack(read), np.repeat(["a", "b", "c"], 20), n_samples=50)
    >>> found.table.loc[1, ["target", "source"]].tolist(), round(float(found.table["r2"][1]), 1)
    (['a', 'b'], 1.0)
    """
    own = Animals.of(responses, animal, stimulus, n_stimuli)
    trials, rows, names, averages = own.trials, own.index, own.whose, own.averages
    known: dict[str, Any] = {"threshold": threshold, "n_samples": n_samples, "seed": seed}
    predicted, fold = np.empty_like(averages), None
    notes: list[str] = []
    pairs = []
    for target in own.names:
        these = names == target
        for source in (name for name in own.names if name != target):
            found = _predicted(averages, names == source, these, labels, seed, options)
            scores = predictivity(found, trials[:, these], rows, **known)
            facts = {"target": target, "source": source, "n_neurons": int(these.sum())}
            pairs.append(facts | {"n_source": int((names == source).sum())} | scores.row())
            notes += found.warnings
        others = found if len(own.names) == 2 else _predicted(averages, ~these, these, labels, seed, options)
        predicted[:, these], fold = others.predicted, others.fold
    overall = predictivity(predicted, trials, rows, fold=fold, ordered=found.ordered, **known)
    first = {"target": ALL, "source": OTHERS, "n_neurons": trials.shape[1], "n_source": None} | overall.row()
    table = pd.DataFrame([first, *pairs]).astype({"n_source": "Int64"})
    return BetweenAnimals(table, overall, predicted, tuple(dict.fromkeys(notes)))


def _predicted(averages: Any, source: Any, target: Any, labels: Any, seed: int, options: dict[str, Any]) -> Prediction:
    return cross_validated_predictions(averages[:, source], averages[:, target], stimulus=labels, seed=seed, **options)
