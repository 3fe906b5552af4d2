"""What comparisons with a recording can decide, before any network is trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from normenc import rsa
from normenc.errors import InputError
from normenc.quality.seen import Seen, candidates_of
from normenc.recordings import Recording
from normenc.renamed import renamed
from normenc.rsa.permutation import circular_shifts, label_permutations, permuted_stimuli, why_not_shifted
from normenc.stimulus_types import StimulusType, as_type

__all__ = ["Decidable", "decidable", "decisions"]

N_MODELS = 8  # of the reference study: two layers, trained and not, and four controls
N_PERMUTATIONS = 1000  # also of the reference study
N_SAMPLES = 100  # of the bootstrap; a standard error from as many is off by 7 %
MIN_STIMULI = 6  # to generalise to others
ALPHA, POWER = 0.05, 0.8
NO_RDM = "its RDM cannot be computed"
FEW = 4  # models that are named one by one


@dataclass(frozen=True)
class Decidable:
    """What comparisons of models with a recording can decide.

    Attributes
    ----------
    n_different_images : int
        How many different images a model sees: opposite directions are one.
    n_models : int
        Models that are tested together, and corrected for.
    smallest_p : float
        Smallest p-value of the test against chance by label permutations, before correction for `n_models`.
    beyond_chance : bool
        Whether any of these tests can be significant.
    out_of_reach : dict of str to float
        Models whose test cannot be significant, although others' can, with their smallest p-value: many orders of the
        stimuli leave their RDM unchanged.
    smallest_p_shifts : float or None
        The same of the test by circular shifts; None where stimuli are not in order on a circle, evenly spaced.
    smallest_difference : float
        Smallest difference in similarity between two models that a test at 0.05 (two-sided, uncorrected) would find
        with a power of 80 %; NaN if it is not known.
    standard_error, dof : float
        For such differences: medians over the pairs of `compared`.
    factors : tuple of str
        What the difference is generalised over, see :data:`normenc.rsa.FACTORS`.
    compared : tuple of str
        The models whose differences were used.
    unknown : str
        Why the smallest difference is not known; otherwise empty.
    """

    n_different_images: int
    n_models: int
    smallest_p: float
    beyond_chance: bool
    out_of_reach: dict[str, float]
    smallest_p_shifts: float | None = None
    smallest_difference: float = math.nan
    standard_error: float = math.nan
    dof: float = math.nan
    factors: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    unknown: str = ""


def decidable(
    recording: Recording,
    inputs: Mapping[str, Any] | None = None,
    *,
    compared: rsa.Inference | None = None,
    seen: Seen | None = None,
    seed: int = 0,
) -> Decidable:
    """Find out what comparisons with a recording can decide.

    Pixels, Fourier amplitude, Gabor energy and the orientation model, which need no training, are compared with it;
    the uncertainty of their differences shows how large other differences must be.

    Parameters
    ----------
    recording : Recording
    inputs : mapping or None
        See :func:`normenc.quality.rdms_for_inference`; None if RDMs cannot be computed.
    compared : Inference, optional
        An existing comparison with the recording, whose models are used instead.
    seen : Seen, optional
        What the animal saw; by default the recording's images.
    seed : int

    Returns
    -------
    Decidable

    Examples
    --------
    >>> from normenc.quality import rdms_for_inference
    >>> from normenc.recordings import simulated_v1
    >>> recording = simulated_v1(100, n_stimuli=12, direction=True)
    >>> facts = decidable(recording, rdms_for_inference(recording))
    >>> facts.n_different_images, round(facts.smallest_p, 3), round(facts.smallest_p_shifts, 3), facts.factors
    (6, 0.001, 0.167, ('stimuli', 'neurons'))
    """
    n_images = recording.n_different_images
    if compared is not None:
        table = compared.models.set_index("model")
        smallest = table["p_permutations_smallest"].to_dict()
        chance = _chance(smallest, table["p_shifts_smallest"].min(), len(table))
        problem = _too_few(n_images)
        return Decidable(n_images, **chance, **({"unknown": problem} if problem else _smallest_difference(compared)))
    try:
        candidates, problem = candidates_of(recording, Seen.of(recording) if seen is None else seen), ""
    except InputError as error:
        candidates, problem = {}, f"differences between models cannot be computed ({error})"
    problem = problem or _why_unknown(recording, inputs)
    against_chance = _against_chance(recording, candidates, inputs, seed)
    if problem:
        return Decidable(n_images, **against_chance, unknown=problem)
    inference = rsa.infer(
        {name: [rdm] for name, rdm in candidates.items()},
        **(inputs or {}),
        ordered=recording.has_neighbours,
        positions=recording.around_circle,
        n_samples=N_SAMPLES,
        n_permutations=1,
        seed=seed,
    )
    return Decidable(n_images, **against_chance, **_smallest_difference(inference))


@renamed(found="facts")
def decisions(facts: Decidable, kind: str | StimulusType, n_stimuli: int) -> list[str]:
    """What comparisons can decide, in sentences.

    Parameters
    ----------
    facts : Decidable
    kind : str or StimulusType
        Of the stimuli: ``"orientation"``, ``"direction"``, ``"image"`` or another type.
    n_stimuli : int
    """
    said = [_said_of_images(facts, as_type(kind), n_stimuli), _said_of_chance(facts, n_stimuli)]
    if facts.unknown:
        return [*said, f"The smallest difference between two models that could be found is not known: {facts.unknown}."]
    others = {"stimuli": "other stimuli", "animals": "other animals", "sessions": "other sessions"}
    others |= {"neurons": "other neurons", "seeds": "networks of other seeds", "trials": "other trials"}
    scope = _listed([others[factor] for factor in facts.factors])
    scope = f"generalising to {scope}" if scope else "for these data only"
    models = _listed(facts.compared) if len(facts.compared) <= FEW else f"the {len(facts.compared)} models of this run"
    return [
        *said,
        f"A difference in similarity of {facts.smallest_difference:.2f} between two models would be found with a power "
        f"of {POWER:.0%} ({scope}; two-sided test at {ALPHA:g}, not corrected for several comparisons). This follows "
        f"from the differences between {models}, whose median standard error is {facts.standard_error:.3f}, "
        f"with {facts.dof:.0f} degrees of freedom.".replace("%", " %"),
    ]


def _said_of_images(facts: Decidable, kind: StimulusType, n_stimuli: int) -> str:
    if facts.n_different_images == n_stimuli:
        return f"Models can tell all {n_stimuli} {kind.plural} apart."
    return f"The {n_stimuli} {kind.plural} are {facts.n_different_images} different images to a model: {kind.alike}."


def _said_of_chance(facts: Decidable, n_stimuli: int) -> str:
    corrected = f"{min(1.0, facts.smallest_p * facts.n_models):.2g} after correction for {facts.n_models} models"
    smallest = f"smallest possible p-value {facts.smallest_p:.2g}, {corrected}"
    if not facts.beyond_chance:
        return f"No test against chance can be significant: {n_stimuli} stimuli have too few orders ({smallest})."
    said = (
        "Whether a model is more similar than chance can be tested by permuting the stimuli, which asks whether the "
        f"two are related at all ({smallest})."
    )
    if facts.out_of_reach:
        p_values = list(facts.out_of_reach.values())
        each = " and ".join(dict.fromkeys(f"{p:.2g}" for p in (min(p_values), max(p_values))))
        one = len(p_values) == 1
        said += (
            f" But many orders leave the RDM{'' if one else 's'} of {_listed(list(facts.out_of_reach))} unchanged, "
            f"so {'its' if one else 'their'} p-value cannot be below {each}: not significant after correction."
        )
    return said + _said_of_shifts(facts)


def _said_of_shifts(facts: Decidable) -> str:
    if facts.smallest_p_shifts is None:
        return ""
    corrected = min(1.0, facts.smallest_p_shifts * facts.n_models)
    can = "can be significant" if corrected <= ALPHA else "cannot be significant"
    return (
        " Circular shifts ask whether the match depends on the positions of the stimuli on the circle; they "
        f"{can} (smallest possible p-value {facts.smallest_p_shifts:.2g}, {corrected:.2g} after correction for "
        f"{facts.n_models} models)."
    )


def _listed(names: Sequence[str]) -> str:
    return "".join(names) if len(names) < 2 else f"{', '.join(names[:-1])} and {names[-1]}"


def _smallest_difference(inference: rsa.Inference) -> dict[str, Any]:
    """The smallest difference in similarity that would be found, and its basis, as fields of :class:`Decidable`.

    A difference of d standard errors is significant at 0.05 with a probability of 0.8 if d is the sum of the 0.975
    and the 0.8 quantile of Student's t distribution.
    """
    pairs = inference.pairs
    known = pairs[(pairs["standard_error"] > 0) & np.isfinite(pairs["standard_error"]) & (pairs["dof"] > 0)]
    if known.empty:
        return {"unknown": inference.why_no_intervals or "no difference between models could be tested"}
    error, dof = known["standard_error"].to_numpy(), known["dof"].to_numpy()
    reach = (stats.t.ppf(1 - ALPHA / 2, dof) + stats.t.ppf(POWER, dof)) * error
    return {
        "smallest_difference": float(np.median(reach)),
        "standard_error": float(np.median(error)),
        "dof": float(np.median(dof)),
        "factors": inference.generalises_to,
        "compared": tuple(inference.models["model"]),
    }


def _against_chance(
    recording: Recording, candidates: Mapping[str, Any], inputs: Mapping[str, Any] | None, seed: int
) -> dict[str, Any]:
    """The smallest possible p-values of the tests against chance."""
    some = permuted_stimuli(
        recording.n_stimuli, ordered=recording.has_neighbours, positions=recording.around_circle, seed=seed
    )
    n = len(some)
    nothing_alike = np.random.default_rng(0).uniform(1, 2, (1, n, n))  # no two orders of it are the same
    models = [rdm[None, some[:, None], some] for rdm in candidates.values()] or [nothing_alike]
    data = nothing_alike
    if inputs is not None:
        data = np.reshape(inputs["data"], (-1, recording.n_stimuli, recording.n_stimuli))[:, some[:, None], some]
    test = label_permutations(models, data, n_permutations=N_PERMUTATIONS, seed=seed)
    shifted = recording.has_neighbours and not why_not_shifted(recording.n_stimuli, True, recording.around_circle, some)
    shifts = circular_shifts(models, data).smallest_p.min() if shifted else math.nan
    names = [*candidates] or [""]
    return _chance(dict(zip(names, test.smallest_p.tolist(), strict=True)), shifts, N_MODELS)


def _chance(smallest: Mapping[str, float], shifts: float, n_models: int) -> dict[str, Any]:
    known = {name: float(p) for name, p in smallest.items() if not math.isnan(p)}
    reach = {name: p for name, p in known.items() if p * n_models <= ALPHA}
    return {
        "n_models": n_models,
        "smallest_p": min(known.values(), default=math.nan),
        "beyond_chance": bool(reach),
        "out_of_reach": {name: p for name, p in known.items() if name not in reach} if reach else {},
        "smallest_p_shifts": None if math.isnan(shifts) else float(shifts),
    }


def _why_unknown(recording: Recording, inputs: Mapping[str, Any] | None) -> str:
    if inputs is None:
        return NO_RDM
    if not recording.shown.is_grating and recording.images is None:
        return "the images are missing, so no model can be shown them"
    return _too_few(recording.n_different_images)


def _too_few(n_images: int) -> str:
    if n_images >= MIN_STIMULI:
        return ""
    needed = f"at least {MIN_STIMULI} are needed"
    return f"{n_images} stimuli that models can distinguish are too few to generalise to others; {needed}"
