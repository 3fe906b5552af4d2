"""Could these data have told which encoder is true, by measures of responses: populations simulated from each."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from normenc.errors import InputError
from normenc.rsa.identification import COLUMNS
from normenc.rsa.identification_by_responses import Truth, choices_by_responses
from normenc.rsa.representation_measures import REPRESENTATION_MEASURES, RepresentationMeasure
from normenc.study.population_like import SimulatedData
from normenc.study.representation_inferring import responses_by_label
from normenc.study.represented import Represented

__all__ = ["chosen_by_responses"]

SLOWER = 4  # the part of the simulations that measures of responses, which take longer, choose from,
LEAST_SIMULATIONS = 20  # but at least so many


def chosen_by_responses(
    represented: Represented,
    measure: str,
    *,
    labels: Collection[str],
    mixtures: Mapping[str, Mapping[str, float]],
    data: SimulatedData,
    some: Any,
) -> tuple[list[tuple[Any, ...]], str]:
    """Rows of an ``Identification``, and a note on how populations were simulated and who is not among them.

    Parameters
    ----------
    represented : Represented
    measure : str
        Of :data:`normenc.rsa.REPRESENTATION_MEASURES`.
    labels : collection of str
        Of the candidates.
    mixtures : mapping of str to mapping of str to float
        Truths that are none of the candidates: the share of the neurons that respond like each of two candidates.
    data : SimulatedData
        Amounts and noise, of candidates and mixtures.
    some : slice or ndarray of int
        Stimuli.

    Raises
    ------
    InputError
        If the measure can compare fewer than two candidates.
    """
    own, study = REPRESENTATION_MEASURES[measure], represented.prepared.study
    responses = responses_by_label(represented.representations, some)
    candidates = {label: responses[label] for label in labels if responses[label] and all(map(_vary, responses[label]))}
    if len(candidates) < 2:
        raise InputError("it needs responses of at least two candidates, and of the others only RDMs are kept")
    of: dict[str, list[tuple[float, Any]]] = {
        label: [(1 / len(seeds), each) for each in seeds] for label, seeds in candidates.items()
    }
    for name, shares in mixtures.items():
        if all(label in candidates for label in shares):
            of[name] = [(share, candidates[label][0]) for label, share in shares.items()]
    numbers = _numbers(data)
    truths = {
        name: Truth(
            tuple(parts),
            tuple(zip(numbers, data.n_neurons[name], strict=True)),
            data.noise[name],
            data.stimuli[name],
            study.rdm_metric,
            equally_tuned=name in mixtures,
        )
        for name, parts in of.items()
    }
    settings = study.identify
    most = settings.n_simulations
    n_simulations = max(most // SLOWER, min(most, LEAST_SIMULATIONS))
    rows, same = choices_by_responses(candidates, truths, own, n_simulations=n_simulations, seed=settings.seed)
    known = {row[COLUMNS.index("chosen")] for row in rows} | set(same)
    return rows, _note(own, n_simulations, [label for label in labels if label not in known], same)


def _vary(responses: Any) -> bool:
    """Whether stimuli evoke different responses."""
    return bool(np.ptp(responses, axis=0).any())


def _numbers(data: SimulatedData) -> list[int]:
    """Neurons of each simulated animal."""
    given, n_animals = data.facts["n_neurons"], data.facts["n_animals"]
    recorded = given if isinstance(given, list) else [given]
    return [recorded[k % len(recorded)] for k in range(n_animals)]


def _note(measure: RepresentationMeasure, n_simulations: int, missing: Sequence[str], same: Mapping[str, str]) -> str:
    made = (
        "neurons are random mixtures of a candidate's units"
        if measure.arithmetic.turns
        else "each neuron is one of a candidate's units, all equally noisy"
    )
    made += "; how strongly stimuli drive them is what the candidate's responses say"
    without = f" It cannot compare the responses of {', '.join(missing)}." if missing else ""
    for other in dict.fromkeys(same.values()):
        alike = ", ".join(label for label, own in same.items() if own == other)
        without += f" It cannot tell {alike} from {other}, and they count as one."
    return f"By {measure.phrase}, {n_simulations:,} recordings of each; {made}.{without}"
