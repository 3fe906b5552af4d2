"""Measures of the similarity of two representations, given as responses: their names, computation and properties.

:func:`normenc.rsa.infer_representations` and studies accept the name of a measure, a :class:`RepresentationMeasure`,
or a user's function. A new measure is one more entry in :data:`REPRESENTATION_MEASURES`.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.rsa.kernels import LEAST_UNBIASED, bures
from normenc.rsa.matching import FRACTION, LEAST_ONE_TO_ONE, one_to_one
from normenc.rsa.measures import MEASURES, facts_of
from normenc.rsa.representation_measure import REPRESENTATION_MEASURES, RepresentationMeasure
from normenc.rsa.representation_samples import (
    KernelAlignment,
    MatchedAlignment,
    OneByOneAlignment,
    angular,
    pwcca_in,
    svcca_in,
)

__all__ = ["REPRESENTATION_MEASURES", "RepresentationMeasure", "as_representation_measure", "symbol_of"]

Floats = npt.NDArray[np.float64]
MOST_UNITS = 96  # of each representation that are matched; a number that many others divide
INSTEAD = {
    "procrustes": "it is a distance; its similarity is 'bures', 1 - d²/2",
    "angular": "it is a distance; its similarity is 'angular-similarity', 1 - 2d/π",
    "cka": "use 'linear-cka', 'debiased-cka' or 'corrected-cka'",
}


RepresentationMethod: TypeAlias = str | RepresentationMeasure | Callable[[Floats, Floats], float]
KORNBLITH = (
    "Kornblith S, Norouzi M, Lee H, Hinton G (2019). Similarity of neural network representations revisited. ICML."
)
CHUN = (
    "Chun C, Canatar A, Chung S, Lee DD (2025). Estimating neural representation alignment from sparsely sampled "
    "inputs and features. arXiv:2502.15104."
)
KHOSLA = (
    "Khosla M, Williams AH (2024). Soft matching distance: a metric on neural representations that captures "
    "single-neuron tuning. UniReps."
)
KAPOOR = (
    "Kapoor C, Williams AH, Khosla M (2026). Partial soft-matching distance for neural representational comparison "
    "with partial unit correspondence. ICLR."
)
LI = "Li Y, Yosinski J, Clune J, Lipson H, Hopcroft J (2016). Convergent learning. ICLR."
SHAPES = (
    "Williams AH, Kunz E, Kornblith S, Linderman SW (2021). Generalized shape metrics on neural representations. "
    "NeurIPS."
)
HARVEY = (
    "Harvey SE, Larsen BW, Williams AH (2023). Duality of Bures and shape distances with implications for comparing "
    "neural representations. UniReps."
)
RAGHU = "Raghu M, Gilmer J, Yosinski J, Sohl-Dickstein J (2017). SVCCA. NeurIPS."
MORCOS = (
    "Morcos AS, Raghu M, Bengio S (2018). Insights on representational similarity in neural networks with canonical "
    "correlation. NeurIPS."
)
BOUNDED: dict[str, Any] = {"range": (-1.0, 1.0)}
POSITIVE: dict[str, Any] = {"range": (0.0, 1.0)}
TURNED: dict[str, Any] = {"range": (0.0, 1.0), "halves": "own"}
MATCHED: dict[str, Any] = {"range": (-1.0, 1.0), "halves": "trials", "most_units": MOST_UNITS}
for _measure in (
    RepresentationMeasure(
        "linear-cka",
        KernelAlignment(),
        symbol="linear CKA",
        phrase="linear CKA",
        formula="cosine of the centred kernels",
        halves="formula",
        reference=KORNBLITH,
        **POSITIVE,
    ),
    RepresentationMeasure(
        "debiased-cka",
        KernelAlignment(unbiased=True),
        symbol="debiased CKA",
        phrase="debiased CKA",
        formula="cosine of the kernels from pairs of different stimuli",
        halves="formula",
        least_stimuli=LEAST_UNBIASED,
        reference=KORNBLITH,
        **BOUNDED,
    ),
    RepresentationMeasure(
        "corrected-cka",
        KernelAlignment(unbiased=True, corrected=True),
        symbol="corrected CKA",
        phrase="CKA corrected for the number of neurons and stimuli",
        formula="debiased CKA, with the recorded kernel's size from pairs of different neurons",
        halves="own",
        least_stimuli=LEAST_UNBIASED,
        reference=CHUN,
    ),
    RepresentationMeasure(
        "bures",
        OneByOneAlignment(bures, turns=True),
        symbol="Bures similarity",
        phrase="the Bures similarity",
        formula="cosine of responses after the best rotation; 1 minus half the squared Procrustes distance",
        reference=HARVEY,
        **TURNED,
    ),
    RepresentationMeasure(
        "angular-similarity",
        OneByOneAlignment(angular, turns=True),
        symbol="angular similarity",
        phrase="the angular similarity",
        formula="1 minus the angle after the best rotation, as a share of a right angle",
        reference=SHAPES,
        **TURNED,
    ),
    RepresentationMeasure(
        "svcca",
        OneByOneAlignment(svcca_in, turns=True),
        symbol="SVCCA",
        phrase="SVCCA",
        formula="mean canonical correlation of the components that explain 99 % of each variance",
        reference=RAGHU,
        **TURNED,
    ),
    RepresentationMeasure(
        "pwcca",
        OneByOneAlignment(pwcca_in, turns=True),
        symbol="PWCCA",
        phrase="PWCCA",
        formula="canonical correlations weighted by what of the model lies along them",
        reference=MORCOS,
        **TURNED,
    ),
    RepresentationMeasure(
        "soft-matching",
        MatchedAlignment(),
        symbol="soft matching",
        phrase="soft matching",
        formula="mean correlation of units under the best transport between them",
        reference=KHOSLA,
        **MATCHED,
    ),
    RepresentationMeasure(
        "partial-soft-matching",
        MatchedAlignment(fraction=FRACTION),
        symbol="partial soft matching",
        phrase="partial soft matching",
        formula="mean correlation of the best-matched half of the units",
        reference=KAPOOR,
        **MATCHED,
    ),
    RepresentationMeasure(
        "one-to-one",
        OneByOneAlignment(one_to_one),
        symbol="one-to-one r",
        phrase="the one-to-one correlation",
        formula="mean correlation of units matched one to one, on stimuli that did not choose the match",
        least_stimuli=LEAST_ONE_TO_ONE,
        reference=LI,
        **MATCHED,
    ),
):
    _measure.register()


def as_representation_measure(method: Any) -> RepresentationMeasure:
    """The measure given by a name, a function ``f(x, y) -> float`` of responses, or a :class:`RepresentationMeasure`.

    Raises
    ------
    InputError
        If there is no such measure.

    Examples
    --------
    >>> as_representation_measure("bures").symbol
    'Bures similarity'
    """
    if isinstance(method, RepresentationMeasure):
        return method
    if isinstance(method, str) and method in REPRESENTATION_MEASURES:
        return REPRESENTATION_MEASURES[method]
    if callable(method):
        return RepresentationMeasure(getattr(method, "__name__", type(method).__name__), method)
    hint = INSTEAD.get(method, "it compares RDMs; use normenc.rsa.infer") if isinstance(method, str) else ""
    known = isinstance(method, str) and (method in INSTEAD or method in MEASURES)
    raise InputError(
        f"method is {method!r}; "
        + (hint if known else f"it must be one of {', '.join(REPRESENTATION_MEASURES)}, or a function of responses")
    )


def symbol_of(name: str) -> str:
    """The label on an axis of a measure of RDMs or representations that a table names.

    Examples
    --------
    >>> symbol_of("pearson"), symbol_of("bures"), symbol_of("my_lab.parts:overlap")
    ('Pearson r', 'Bures similarity', 'my_lab.parts:overlap')
    """
    return REPRESENTATION_MEASURES[name].symbol if name in REPRESENTATION_MEASURES else facts_of(name).symbol
