"""Synthesise the stimuli of a design: from the chosen ones, through the candidates that can be differentiated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from normenc.errors import InputError
from normenc.progress import ProgressCallback, stage
from normenc.rsa.design import Chosen, confusion, mixing
from normenc.rsa.discriminability import Experiment, discriminability, leads
from normenc.rsa.unequal_neurons import NeuronShares
from normenc.study.design_candidates import Candidates, candidates_on, orientation_models
from normenc.study.design_question import Question
from normenc.study.differentiable import differentiable
from normenc.study.pool_images import shown_pool
from normenc.study.represented import represent
from normenc.study.synthesising import STEPS, synthesise

__all__ = ["Synthesised", "synthesised"]

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Synthesised:
    """Images that were changed, and what candidates make of them."""

    images: Bytes
    candidates: Candidates
    discriminability: pd.DataFrame
    left_out: dict[str, str]


def synthesised(question: Question, chosen: Chosen, progress: ProgressCallback) -> Synthesised:
    """Change the chosen images until all candidates, also those without a gradient, differ more.

    Raises
    ------
    InputError
        When fewer than two candidates can be differentiated.
    """
    settings, names = question.prepared.study.design, list(question.of_pool.rdms)
    images = question.pool.images[chosen.stimuli]
    few = torch.from_numpy(images[:2].astype(np.float32) / 255)
    responses, left_out = differentiable(question.represented, names, few.movedim(3, 1) if few.ndim == 4 else few)
    if len(responses) < 2:
        raise InputError(
            f"design.synthesise: only {', '.join(responses) or 'none'} of the candidates can be differentiated, and "
            "images are changed until two differ more; leave it out"
        )
    shares = mixing(np.stack([question.of_pool.rdms[name] for name in names]))
    places = [names.index(name) for name in responses]
    plan: dict[str, Any] = {"n_neurons": question.neurons, "noise": question.noise, "n_repeats": settings.trials}

    def confusion_of(tried: Bytes) -> float:
        on = _candidates(question, tried, chosen)
        if set(on.rdms) != set(names):  # an image silences a layer
            return np.inf
        experiment = Experiment(names, len(tried), **plan, strength=on.strength(question.own))
        rdms = np.stack([on.rdms[name] for name in names])
        return float(confusion(*leads(rdms, experiment.reliability, experiment.shares), shares))

    with stage(progress, "synthesising stimuli", STEPS) as counting:
        made = synthesise(
            images,
            responses,
            {name: float(np.sqrt(np.mean(question.own.spreads[name] ** 2))) for name in responses},
            confusion_of,
            noise={name: question.noise[name] / settings.trials**0.5 for name in responses},
            neurons=[NeuronShares.of(question.neurons[name]) for name in responses],
            shares=shares[np.ix_(places, places)],
            step=counting.step,
        )
    found = _candidates(question, made.images, chosen).only(names)
    told = {f"gradient of {name}": f"images were not changed for it: {why}" for name, why in left_out.items()}
    if made.images is images:
        told["synthesised"] = "no change made candidates differ more, so the chosen images stand as they are"
    d_prime = discriminability(found.rdms, **plan, strength=found.strength(question.own))
    return Synthesised(made.images, found, d_prime, told)


def _candidates(question: Question, images: Bytes, chosen: Chosen) -> Candidates:
    """On images made of the chosen ones, whose orientation stays that of the gratings they were."""
    shown = shown_pool(question.prepared, images, [question.pool.names[place] for place in chosen.stimuli])
    found = candidates_on(represent(shown, device="cpu", progress=False))
    orientation = question.pool.orientation
    if orientation is not None:
        found = found.joined(orientation_models(shown, orientation[chosen.stimuli]))
    return found
