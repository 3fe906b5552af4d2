"""Animals as a yardstick: the models' similarity with animals beside that of animals with each other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from normenc import encoding, rsa
from normenc.csv_tables import encoder_columns
from normenc.encoding.directions import BOTH
from normenc.errors import InputError
from normenc.progress import ProgressCallback, stage
from normenc.rsa.scopes import Asked
from normenc.rsa.stored import of_stimuli
from normenc.study.inferring import samples_of_other_methods, stimuli_compared
from normenc.study.representation_inferring import recorded_responses, responses_by_label
from normenc.study.represented import Represented
from normenc.study.responses import animals_of, regression_options, trials_of

__all__ = ["animal_table", "predicted_animal_table"]

TESTED = ["low", "high", "standard_error", "dof", "p", "p_holm", "p_fdr"]


def animal_table(represented: Represented, like: rsa.Inference) -> pd.DataFrame | None:
    """Make ``animals.csv``: one row per measure, encoder and animal, and one of all animals together.

    None where the recording has no two animals that saw all stimuli. Encoders without a similarity are left out, and so
    are measures that cannot compare two animals.

    Parameters
    ----------
    represented : Represented
    like : Inference
        Of the study's own measure, whose scope this has.
    """
    if "animals" not in like.sizes and "animals" not in like.fixed:
        return None
    own = represented.prepared.study.comparison
    unknown = set(like.models.loc[like.models["similarity"].isna(), "model"])
    methods = [own.method, *(name for name in own.other_measures if name != own.method)]
    tables = []
    for method in methods:
        try:
            found = _found(represented, like, method, unknown)
        except InputError:
            if method == own.method:
                raise
            continue  # it is said beside the similarities why
        tables.append(_rows(represented, found))
    return pd.concat(tables, ignore_index=True)


def predicted_animal_table(
    represented: Represented, like: rsa.Inference, folds: Sequence[Any], labels: Any, progress: ProgressCallback
) -> pd.DataFrame | None:
    """Rows of ``animals.csv`` about regressions, in both directions; None unless neurons are of several animals.

    Parameters
    ----------
    represented : Represented
    like : Inference
        Whose scope these have, but for neurons.
    folds, labels
        Of the stimuli, as :func:`normenc.encoding.cross_validated_predictions` takes them.
    progress : callable

    Raises
    ------
    InputError
        If an animal has no reliable neuron.
    """
    recording, settings = represented.prepared.recording, represented.prepared.study.encoding
    animal = animals_of(recording)
    layers = {name: r.responses.to_numpy() for name, r in represented.firsts.items() if r.responses is not None}
    if animal is None or not layers:
        return None
    trials, index = trials_of(recording)
    with stage(progress, "comparing with animals in both directions"):
        found = encoding.against_animals(
            layers,
            trials,
            animal,
            index,
            n_samples=settings.n_samples,
            positions=recording.around_circle,
            block_length=represented.prepared.study.comparison.block_length,
            generalise_to=Asked(tuple(f for f in like.generalises_to if f in ("stimuli", "animals"))),
            labels=labels,
            seed=settings.seed,
            folds=folds,
            ordered=recording.has_neighbours,
            **regression_options(recording, settings, max(layer.shape[1] for layer in layers.values())),
        )
    return _rows(represented, found)


def _found(represented: Represented, like: rsa.Inference, method: str, unknown: set[str]) -> rsa.AgainstAnimals:
    prepared, representations = represented.prepared, represented.representations
    own, recording = prepared.study.comparison, prepared.recording
    some = stimuli_compared(prepared, None if method == own.method else method)
    models: dict[str, list[Any]]
    if method in rsa.REPRESENTATION_MEASURES:
        recorded = recorded_responses(prepared, some)
        data, models = recorded["responses"], responses_by_label(representations, some)
        subject = recorded.get("subject")
    else:
        data, subject, models = prepared.inputs["data"][..., some, :][..., some], prepared.inputs.get("subject"), {}
        for r in representations:
            models.setdefault(r.label, []).append(of_stimuli(r.rdm, some))
    positions = recording.around_circle
    return rsa.against_animals(
        {label: seeds for label, seeds in models.items() if seeds and label not in unknown},
        data,
        method=method,
        subject=subject,
        ordered=recording.has_neighbours,
        positions=None if positions is None else positions[some],
        block_length=own.block_length,
        generalise_to=Asked(tuple(f for f in like.generalises_to if f != "neurons")),
        n_samples=own.n_samples if method == own.method else samples_of_other_methods(prepared.study),
        seed=own.seed,
    )


def _rows(represented: Represented, found: rsa.AgainstAnimals) -> pd.DataFrame:
    firsts = represented.firsts
    together = found.models.assign(animal="")
    alone = found.animals.assign(**dict.fromkeys(TESTED, np.nan))
    rows = pd.concat([together, alone[[name for name in together if name in alone]]], ignore_index=True)
    order = {label: k for k, label in enumerate(found.models["model"])}
    rows = rows.sort_values("model", key=lambda names: names.map(order), kind="stable", ignore_index=True)
    labels = rows["model"].tolist()
    who = pd.DataFrame(
        {
            "recording": represented.prepared.recording.label,
            **encoder_columns([firsts[label].encoder for label in labels], labels),
            "comparison": found.method,
            "direction": rows.get("direction", BOTH),
        }
    )
    columns = ["animal", "similarity", "between_animals", "difference", *TESTED]
    why = {"resampled": " ".join(found.factors), "why_unknown": rows["why_unknown"].fillna("")}
    return who.join(rows[columns]).assign(**why)
