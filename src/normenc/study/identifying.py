"""Could these data have told which encoder is true: recordings like the study's are simulated from each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc import rsa
from normenc.csv_tables import encoder_columns
from normenc.errors import InputError
from normenc.rsa.candidates import same_rdms
from normenc.rsa.circle import places_around
from normenc.rsa.identification import COLUMNS
from normenc.rsa.measures import as_measure
from normenc.rsa.pairs import upper
from normenc.rsa.representation_measures import REPRESENTATION_MEASURES
from normenc.rsa.stored import Matrix, of_stimuli
from normenc.rsa.ties import is_flat
from normenc.study.identifying_responses import chosen_by_responses
from normenc.study.inferring import rdms_by_label
from normenc.study.population_like import SimulatedData, simulated_data
from normenc.study.power_simulation import distinct
from normenc.study.represented import Represented
from normenc.study.representing import Prepared

__all__ = ["Identified", "identification_table", "identified", "identified_in_short", "simulations_in_time"]

Floats = npt.NDArray[np.float64]
MOST_STIMULI = (400, 500)  # in short, and where it is asked for
MOST_TRUTHS, MOST_SIMULATIONS, LEAST_SIMULATIONS = 24, 100, 20  # in short
SECONDS, SECONDS_A_PAIR = 2.3, 8.5e-8  # in short, of all simulations; of one, for each two stimuli


@dataclass(frozen=True)
class Identified:
    """What simulated recordings were taken for.

    Attributes
    ----------
    found : Identification or None
        None where recordings like this one cannot be simulated.
    why_unknown : str
        Why; empty otherwise.
    facts : dict
        ``n_simulations``, ``n_stimuli``, ``n_animals``, ``n_neurons``, ``n_repeats``, ``noise_from``, ``same``,
        ``notes``, as in ``environment.json``.
    first : str
        The candidate that is most similar to the recording.
    """

    found: rsa.Identification | None
    why_unknown: str
    facts: dict[str, Any]
    first: str = ""


@dataclass(frozen=True)
class _Candidates:
    """RDMs of all seeds by label, of some stimuli; similarities with the recording; and labels of flat RDMs."""

    stacks: dict[str, Floats]
    similarity: dict[str, float]
    data: SimulatedData
    some: Any
    flat: tuple[str, ...]

    @property
    def order(self) -> list[str]:
        """Labels, the most similar first; those without a similarity last."""
        return sorted(self.stacks, key=lambda label: -np.nan_to_num(self.similarity[label], nan=-np.inf))


@dataclass(frozen=True)
class _Mixture:
    """A population of which a share of the neurons is one candidate's, the rest another's."""

    rdm: Floats
    shares: dict[str, float]


def identified_in_short(represented: Represented) -> Identified | None:
    """What every run says, by the study's measure and in a few seconds; None where the study does not want it."""
    study = represented.prepared.study
    if not study.identify.enabled:
        return None
    try:
        candidates = _candidates(represented, MOST_STIMULI[0])
        truths = candidates.order[:MOST_TRUTHS]
        n_stimuli = len(next(iter(candidates.stacks.values()))[0])
        most = simulations_in_time(SECONDS_A_PAIR * n_stimuli**2 * candidates.data.facts["n_animals"] * len(truths))
        found = _identification(
            represented.prepared,
            candidates,
            [study.comparison.method],
            min(study.identify.n_simulations, most),
            simulate=truths,
        )
    except InputError as error:
        return Identified(None, str(error), {})
    return Identified(found, "", _facts(represented.prepared, candidates, found, truths), candidates.order[0])


def simulations_in_time(seconds_each: float) -> int:
    """How many the short form makes, 20 to 100; one of each truth takes `seconds_each`."""
    return int(np.clip(SECONDS / seconds_each, LEAST_SIMULATIONS, MOST_SIMULATIONS))


def identified(represented: Represented) -> Identified:
    """What ``normenc identify`` says: by several measures, and of mixtures of the two most similar candidates too.

    Raises
    ------
    InputError
        When recordings like this one cannot be simulated, or there are no two candidates to tell apart.
    """
    study, prepared = represented.prepared.study, represented.prepared
    comparison = study.comparison
    measures = study.identify.measures or list(dict.fromkeys([comparison.method, *comparison.other_measures]))
    candidates = _candidates(represented, MOST_STIMULI[1])
    mixtures = _mixtures(candidates, study.identify.mixtures)
    candidates = replace(candidates, data=_with_mixtures(prepared, candidates, mixtures))
    found, notes = _by_each(represented, candidates, measures, mixtures)
    facts = _facts(prepared, candidates, found, list(candidates.stacks))
    return Identified(found, "", facts | {"notes": facts["notes"] + notes}, candidates.order[0])


def identification_table(represented: Represented, own: Identified) -> pd.DataFrame | None:
    """Make a run's ``identification.csv``: one row per truth and encoder that it could be taken for."""
    if own.found is None:
        return None
    firsts, rows = represented.firsts, own.found.table
    truths, chosen = rows["truth"].tolist(), rows["chosen"].tolist()
    return pd.DataFrame(
        {
            "recording": represented.prepared.recording.label,
            **encoder_columns([firsts[label].encoder for label in truths], truths),
            **encoder_columns([firsts[label].encoder for label in chosen], chosen, other=True),
            "comparison": rows["measure"],
            "n_simulations": own.found.n_simulations,
            "share": rows["share"],
            "share_left_out": rows["share_left_out"],
        }
    )


def _candidates(represented: Represented, most: int) -> _Candidates:
    prepared = represented.prepared
    some = _stimuli(prepared, most)
    models = rdms_by_label(represented.representations)
    every = {label: np.stack([_matrix(rdm, some) for rdm in rdms]) for label, rdms in models.items()}
    stacks = {label: stack for label, stack in every.items() if not any(is_flat(own) for own in upper(stack))}
    data = simulated_data(
        prepared.recording,
        {label: stack.mean(axis=0) for label, stack in stacks.items()},
        prepared.study.identify,
        prepared.study.rdm_metric,
        some,
    )
    flat = tuple(label for label in every if label not in stacks)
    return _Candidates(stacks, _similarity(prepared, stacks, some), data, some, flat)


def _matrix(rdm: Matrix, some: Any) -> Floats:
    return np.asarray(of_stimuli(rdm, some), dtype=np.float64)


def _stimuli(prepared: Prepared, most: int) -> Any:
    """Places of the stimuli that are simulated: all, or some at even distances or drawn at random."""
    n = prepared.recording.n_stimuli
    if n <= most:
        return slice(None)
    if prepared.recording.has_neighbours:
        return places_around(n, most)
    return np.sort(np.random.default_rng([prepared.study.identify.seed, 9]).permutation(n)[:most])


def _similarity(prepared: Prepared, stacks: Mapping[str, Floats], some: Any) -> dict[str, float]:
    """With the recording, by the study's measure; NaN where it is undefined."""
    measure = as_measure(prepared.study.comparison.method)
    data = np.asarray(prepared.inputs["data"], dtype=np.float64)[..., some, :][..., some]
    own = upper(data.reshape(-1, *data.shape[-2:]))
    similarity = {}
    for label, stack in stacks.items():
        vectors = upper(stack)
        flat = any(measure.is_undefined(vector) for vector in vectors)
        similarity[label] = float("nan") if flat else float(measure.compare(vectors, own).mean())
    return similarity


def _mixtures(candidates: _Candidates, shares: Sequence[float]) -> dict[str, _Mixture]:
    """Populations of which a share of the tuning is one candidate's, the rest another's, by name.

    They are the two with different RDMs that are most similar to the recording.
    """
    first, *others = candidates.order
    second = next((own for own in others if not same_rdms(candidates.stacks[own], candidates.stacks[first])), None)
    if second is None:
        return {}
    one, other = (candidates.stacks[label][0] for label in (first, second))
    sizes = [float(upper(rdm[None]).mean()) for rdm in (one, other)]
    if not min(sizes) > 0:
        return {}
    mixed = {}
    for share in shares:
        weights = [share * min(sizes) / sizes[0], (1 - share) * min(sizes) / sizes[1]]
        name = f"{100 * share:g} % {first}, {100 * (1 - share):g} % {second}"
        mixed[name] = _Mixture(weights[0] * one + weights[1] * other, {first: share, second: 1 - share})
    return mixed


def _with_mixtures(prepared: Prepared, candidates: _Candidates, mixtures: Mapping[str, _Mixture]) -> SimulatedData:
    """Amounts of data and noise of candidates and mixtures."""
    data, study = candidates.data, prepared.study
    if not mixtures:
        return data
    rdms = {name: own.rdm for name, own in mixtures.items()}
    like = simulated_data(prepared.recording, rdms, study.identify, study.rdm_metric, candidates.some)
    return SimulatedData(
        data.n_neurons | like.n_neurons, data.noise | like.noise, data.stimuli | like.stimuli, data.facts
    )


def _identification(
    prepared: Prepared,
    candidates: _Candidates,
    measures: Sequence[Any],
    n_simulations: int,
    *,
    simulate: Sequence[str] | None = None,
    mixtures: Mapping[str, _Mixture] | None = None,
) -> rsa.Identification:
    data, study = candidates.data, prepared.study
    if not measures:
        same = distinct({0: candidates.stacks})[1]
        return rsa.Identification(pd.DataFrame(columns=COLUMNS), n_simulations, same)
    return rsa.identification(
        candidates.stacks,
        n_neurons=data.n_neurons,
        noise=data.noise,
        stimuli=data.stimuli,
        n_animals=data.facts["n_animals"],
        measures=measures,
        n_simulations=n_simulations,
        truths={name: own.rdm for name, own in (mixtures or {}).items()},
        simulate=simulate,
        rdm_metric=study.rdm_metric,
        seed=study.identify.seed,
    )


def _by_each(
    represented: Represented, candidates: _Candidates, measures: Sequence[str], mixtures: Mapping[str, _Mixture]
) -> tuple[rsa.Identification, list[str]]:
    """What each measure found, in the order asked for; and notes on measures of responses, and on those that fail."""
    prepared, tables, notes, failed = represented.prepared, {}, {}, {}
    of_rdms = [name for name in measures if name not in REPRESENTATION_MEASURES]
    n_simulations = prepared.study.identify.n_simulations
    try:
        together = _identification(prepared, candidates, of_rdms, n_simulations, mixtures=mixtures)
        tables = {name: together.table[together.table["measure"] == name] for name in of_rdms}
    except InputError:  # of one measure, which takes nothing from the others
        together = _identification(prepared, candidates, [], n_simulations)
    for name in measures:
        if name in tables:
            continue
        try:
            if name in of_rdms:
                alone = _identification(prepared, candidates, [name], n_simulations, mixtures=mixtures)
                tables[name] = alone.table
                continue
            rows, notes[name] = chosen_by_responses(
                represented,
                name,
                labels=list(candidates.stacks),
                mixtures={mixed: own.shares for mixed, own in mixtures.items()},
                data=candidates.data,
                some=candidates.some,
            )
            tables[name] = pd.DataFrame(rows, columns=COLUMNS)
        except InputError as error:
            failed[name] = str(error)
            phrase = (REPRESENTATION_MEASURES.get(name) or as_measure(name)).phrase
            notes[name] = f"By {phrase}, nothing is told: {error}."
    if not tables:
        errors = set(failed.values())
        raise InputError(errors.pop() if len(errors) == 1 else " ".join(notes.values()).rstrip("."))
    table = pd.concat([tables[name] for name in measures if name in tables], ignore_index=True)
    return replace(together, table=table), list(notes.values())


def _facts(
    prepared: Prepared, candidates: _Candidates, found: rsa.Identification, truths: Sequence[str]
) -> dict[str, Any]:
    facts = dict(candidates.data.facts)
    n_stimuli, n_all = len(next(iter(candidates.stacks.values()))[0]), prepared.recording.n_stimuli
    notes = list(facts.pop("notes"))
    notes += [f"{label} is not among them: all its dissimilarities are equal." for label in candidates.flat]
    if n_stimuli < n_all:
        notes.append(f"Simulated were {n_stimuli:,} of the {n_all:,} stimuli; all of them tell more.")
    if len(truths) < len(candidates.stacks):
        notes.append(
            f"Recordings were simulated from the {len(truths)} most similar of {len(candidates.stacks)} encoders."
        )
    n_simulations = max(map(found.simulations, found.measures))
    return {"n_simulations": n_simulations, "n_stimuli": n_stimuli, **facts, "same": found.same, "notes": notes}
