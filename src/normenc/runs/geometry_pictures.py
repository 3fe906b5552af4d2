"""Pictures of stimuli, and of how populations tell them apart."""

import numpy as np

from normenc.encoders import EncoderKind
from normenc.runs.populations import (
    among,
    drawn_stimuli,
    rdms_by_population,
    shown_order,
    shown_populations,
    stimulus_axis,
)
from normenc.runs.reading import Run
from normenc.runs.registry import picture
from normenc.runs.source_data import Picture
from normenc.stimulus_types import as_type


def _is_in_order(run: Run) -> bool:
    return not as_type(run.recording["stimuli"]).is_named


@picture("example_stimuli", "Some of the recording's stimuli, in the form in which networks received them", placed=True)
def _example_stimuli(run: Run) -> Picture:
    return Picture("example_stimuli", run.source_data["example_stimuli"])


@picture(
    "shown_stimuli",
    "Some of the stimuli, and what each network was shown of them",
    applies=lambda run: "as_shown" in run.source_data,
    when="images, and gratings for networks that the study does not train",
    placed=True,
)
def _shown_stimuli(run: Run) -> Picture:
    return Picture("shown_stimuli", run.source_data["as_shown"])


@picture("rdms", "Representational dissimilarity matrices of the recording, the layers and the controls", placed=True)
def _rdms(run: Run) -> Picture:
    matrices, (trained, others) = rdms_by_population(run), shown_populations(run)
    return Picture(
        "rdms",
        {
            "populations": among(matrices, trained),
            "controls": among(matrices, others),
            **_metric(run),
            **stimulus_axis(run, drawn_stimuli(run)),
            **({} if len(drawn_stimuli(run)) == len(run.stimulus_values) else {"n_stimuli": len(run.stimulus_values)}),
        },
    )


@picture(
    "embeddings",
    "Two-dimensional embeddings of the recording, the layers and the controls",
    applies=lambda run: "embeddings" in run.source_data,
    when="with the stage `describe`",
    placed=True,
)
def _embeddings(run: Run) -> Picture:
    (_, order), (trained, others) = shown_order(run), shown_populations(run)
    points = {label: own[order] for label, own in run.source_data["embeddings"].items()}
    drawn = {"populations": among(points, trained), "controls": among(points, others), **stimulus_axis(run)}
    by = run.source_data.get("image_colours")
    if by is not None:
        drawn |= {"values": np.asarray(by["values"])[order], "values_label": by["label"]}
    return Picture("embeddings", drawn)


@picture(
    "rdm_rows",
    "Rows of the dissimilarity matrices at some reference stimuli",
    applies=_is_in_order,
    when="orientations, directions",
    placed=True,
)
def _rdm_rows(run: Run) -> Picture:
    """The untrained twins are left out of the lines, which they would crowd; the RDMs show them."""
    matrices, (trained, others) = rdms_by_population(run), shown_populations(run)
    plain = [label for label in others if run.encoders[label].kind is EncoderKind.CONTROL]
    return Picture(
        "rdm_rows",
        {
            "populations": among(matrices, trained),
            "controls": among(matrices, plain),
            **_metric(run),
            **stimulus_axis(run, drawn_stimuli(run)),
        },
    )


def _metric(run: Run) -> dict[str, str]:
    return {"metric": str(run.rdms_of([0]).attrs["metric"])}
