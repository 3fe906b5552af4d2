"""What a study did beyond comparing similarities, for its methods: partitions of variance, predictions of neurons."""

from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from normenc.report.wording import counted, join_names

__all__ = ["REFERENCES", "explained_beyond", "predicted"]

REFERENCES = {
    "partition": "Groen IIA, Greene MR, Baldassano C, Fei-Fei L, Beck DM, Baker CI (2018). Distinct contributions of "
    "functional and deep neural network features to representational similarity of scenes in human brain and behavior. "
    "eLife 7:e32962.",
    "banded": "Dupré la Tour T, Eickenberg M, Nunez-Elizalde AO, Gallant JL (2022). Feature-space selection with "
    "banded ridge regression. NeuroImage 264:119728.",
    "encoding partition": "de Heer WA, Huth AG, Griffiths TL, Gallant JL, Theunissen FE (2017). The hierarchical "
    "cortical organization of human speech processing. Journal of Neuroscience 37:6539–6557.",
    "both directions": "Feather J, Khosla M, Ratan Murty NA, Nayebi A (2025). Brain-model evaluations need the NeuroAI "
    "Turing test. arXiv:2502.16238.",
    "ridge": "Hoerl AE, Kennard RW (1970). Ridge regression: biased estimation for nonorthogonal problems. "
    "Technometrics 12:55–67.",
    "explainable": "Cadena SA, Denfield GH, Walker EY, Gatys LA, Tolias AS, Bethge M, Ecker AS (2019). Deep "
    "convolutional models improve predictions of macaque V1 responses to natural images. PLoS Computational Biology "
    "15:e1006897.",
}
Cite = Callable[..., str]


def explained_beyond(partitioning: pd.DataFrame | None, cite: Cite) -> list[str]:
    """How it was found what layers explain beyond all controls together, and beyond their untrained twins."""
    if partitioning is None:
        return []
    rows = partitioning[partitioning["variance_of"] == "dissimilarities"]
    if rows["unique"].isna().all():
        return []
    controls = join_names(str(rows["controls"].iloc[0]).split(", "))
    said = [
        f"What each layer explains beyond the controls was estimated by variance partitioning {cite('partition')}: the "
        f"recording’s dissimilarities were regressed, by least squares with an intercept, on those of all controls "
        f"({controls}), and on those of all controls and the layer. The difference in R² is the square of the "
        "semipartial correlation, whose confidence interval comes from the same bootstrap."
    ]
    if "beyond_twin" in rows and rows["beyond_twin"].notna().any():
        said.append(
            "Untrained twins are not among these controls: in a further regression, the mean RDM of the layer’s own "
            "untrained twins was added to them."
        )
    return said


def predicted(
    settings: dict[str, Any], partitioning: pd.DataFrame | None, *, tables: Collection[str], repeated: bool, cite: Cite
) -> list[str]:
    """How neurons were predicted, by the settings of the section ``[encoding]``."""
    how = f"ridge regression {cite('ridge')}" if settings["method"] == "ridge" else "partial least squares"
    folds = f"{settings['n_folds']} folds of stimuli"
    said = [f"The neurons’ responses were predicted from each layer by {how}, cross-validated over {folds}."]
    if repeated:
        said.append(
            "Scores are medians over reliable neurons; explained variance was divided by the variance that noise "
            f"leaves to be explained {cite('explainable')}."
        )
    if partitioning is not None and (partitioning["variance_of"] == "responses").any():
        said.append(
            f"Beyond the controls, responses were predicted by banded ridge regression {cite('banded')} from all "
            f"controls as one band, and from all controls and the layer as two; what a layer adds is the median over "
            f"neurons of the difference in explained variance {cite('encoding partition')}."
        )
        n_seeds = partitioning.get("n_seeds", pd.Series(dtype=float))[partitioning["variance_of"] == "responses"].max()
        if n_seeds > 1:
            said.append(f"Of layers trained from {n_seeds:.0f} seeds, that difference was first averaged over seeds.")
    if "between_animals" in tables:
        said.append("The neurons of each animal were also predicted from those of the others, by the same regression.")
    if "both_directions" in tables:
        said.append(
            "The units of each layer were predicted from the neurons of each animal, too, and both directions were "
            f"compared with how well two animals predict each other {cite('both directions')}."
        )
    if settings["networks"]:
        networks = join_names(settings["networks"])
        n = counted(len(settings["networks"]), "network")
        verb = "was" if len(settings["networks"]) == 1 else "were"
        said.append(f"For reference, {n} ({networks}) {verb} fitted to the neurons directly, over the same folds.")
    return said
