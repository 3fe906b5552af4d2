"""Sentences of the methods on what is asked beside similarity: parts of RDMs on a circle, and identification."""

from collections.abc import Mapping
from typing import Any

from normenc.report.identified import simulated_in_words

__all__ = ["beside_similarity"]


def beside_similarity(environment: Mapping[str, Any], on_circle: bool) -> list[str]:
    """How parts of RDMs on a circle were compared, and how recordings were simulated from the encoders.

    Parameters
    ----------
    environment : mapping
        As in ``environment.json``.
    on_circle : bool
        Whether the run has the table of parts.

    Examples
    --------
    >>> beside_similarity({}, False)
    []
    >>> for sentence in beside_similarity({"inference": {"n_shifts": 24}}, True):
    ...     print(sentence)
    Matrices of stimuli on a circle were divided into a profile, the mean dissimilarity at each angle between two stimuli, and the rest; models were compared in both parts, and in the rest they were tested with circular shifts.
    """  # noqa: E501 (a sentence is a line of its own)
    said = []
    if on_circle:
        tested = ", and in the rest they were tested with circular shifts" * bool(environment["inference"]["n_shifts"])
        said.append(
            "Matrices of stimuli on a circle were divided into a profile, the mean dissimilarity at each angle between "
            f"two stimuli, and the rest; models were compared in both parts{tested}."
        )
    facts = environment.get("identification") or {}
    if facts.get("n_simulations"):
        said.append(
            "To see whether these data could tell the encoders apart, recordings were simulated from each of them, and "
            f"each was assigned to the most similar encoder. {simulated_in_words(facts)}"
        )
    return said
