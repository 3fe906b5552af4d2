"""What a design is asked: candidates on the pool and on the recording's own stimuli, and its neurons."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.progress import ProgressCallback, stage
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.study.design_candidates import Candidates, candidates_on, orientation_models
from normenc.study.pool_images import Pool, shown_pool
from normenc.study.population_like import populations_like
from normenc.study.power_simulation import distinct
from normenc.study.represented import Represented, represent
from normenc.study.representing import Prepared
from normenc.study.simulated_populations import Populations

__all__ = ["CHOSEN", "OWN", "RANDOM", "Question", "StimulusSet", "asked"]

CHOSEN, RANDOM, OWN = "chosen", "random", "own stimuli"


@dataclass(frozen=True)
class StimulusSet:
    """Candidates on some stimuli, whose identification rate is predicted; ``draw`` numbers random sets."""

    name: str
    candidates: Candidates
    draw: int | None = None


@dataclass(frozen=True)
class Question:
    """Candidates that are to be told apart, and what neurons a recording has.

    Attributes
    ----------
    prepared : Prepared
    pool : Pool
    represented : Represented
        Of the pool.
    own, of_pool : Candidates
        On the recording's own stimuli, and on the pool; the same candidates.
    like : Populations
        Neurons like the recording's, and its own stimuli, for each candidate.
    n_neurons : int
    left_out, same : dict of str to str
        See :class:`normenc.study.Design`.
    """

    prepared: Prepared
    pool: Pool
    represented: Represented
    own: Candidates
    of_pool: Candidates
    like: Populations
    n_neurons: int
    left_out: dict[str, str]
    same: dict[str, str]

    @property
    def noise(self) -> dict[str, float]:
        """Of one trial, for each candidate."""
        return {name: own.noise for name, own in self.like.of.items()}

    @property
    def neurons(self) -> dict[str, UnequalNeurons]:
        """As many as are planned, for each candidate."""
        return {name: own.pooled(self.n_neurons) for name, own in self.like.of.items()}

    def sets(self, chosen: npt.NDArray[np.intp]) -> list[StimulusSet]:
        """The chosen stimuli, random ones, and the recording's own."""
        settings = self.prepared.study.design
        rng = np.random.default_rng([settings.seed, 11])
        n_pool = len(self.pool.names)
        draws = [rng.choice(n_pool, settings.n, replace=False) for _ in range(settings.n_random)]
        random = [StimulusSet(RANDOM, self.of_pool.of(places), draw) for draw, places in enumerate(draws)]
        return [StimulusSet(CHOSEN, self.of_pool.of(chosen)), *random, StimulusSet(OWN, self.own)]


def asked(prepared: Prepared, pool: Pool, n_neurons: int, device: str, progress: ProgressCallback) -> Question:
    """Train and read the study's candidates, and estimate the noise and how unequal neurons are.

    Raises
    ------
    InputError
        When fewer than two have an RDM of their own on the pool, or the noise is unknown.
    """
    own = candidates_on(represent(prepared, device=device, progress=progress))
    represented = represent(shown_pool(prepared, pool.images, pool.names), device=device, progress=progress)
    of_pool = candidates_on(represented)
    if pool.orientation is not None:
        of_pool = of_pool.joined(orientation_models(represented.prepared, pool.orientation))
    names, same, left_out = _compared(own, of_pool)
    own, of_pool = own.only(names), of_pool.only(names)
    with stage(progress, "matching noise and neurons"):
        like = populations_like(prepared.recording, own.rdms, "design", prepared.study.design.noise)
    left_out = pool.left_out | prepared.skipped_controls | left_out
    return Question(prepared, pool, represented, own, of_pool, like, n_neurons, left_out, same)


def _compared(own: Candidates, of_pool: Candidates) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Labels of the candidates, those that are like another one, and why others are left out."""
    kept, same = distinct({0: of_pool.seeds})
    left_out = dict(own.lacking)
    for label in own.rdms:
        if label not in of_pool.rdms:
            why = of_pool.lacking.get(label, "it is given orientations, which the pool's images do not have")
            left_out[label] = f"it has no RDM of the pool: {why}"
    names = [label for label in kept[0] if label in own.rdms]
    if len(names) < 2:
        raise InputError(
            f"design compares candidates, and only {', '.join(names) or 'none'} has an RDM of its own on this pool; "
            "add layers, untrained twins or controls to the study, or take another pool"
        )
    return names, same, left_out
