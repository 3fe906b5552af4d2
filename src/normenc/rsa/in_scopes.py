"""The steps from a checked recording to what can be inferred from it, of RDMs and of representations alike."""

from collections.abc import Callable, Sequence
from typing import Protocol

from normenc.arrays import as_count
from normenc.errors import InputError
from normenc.rsa.bootstrap import Sample
from normenc.rsa.chance import Tested
from normenc.rsa.contrasts import without_false_certainty
from normenc.rsa.inputs import Inputs
from normenc.rsa.resampling import block_length_of
from normenc.rsa.results import Inference
from normenc.rsa.scopes import Asked, Scope, asked_scope, other_scope

__all__ = ["Recorded", "in_scopes"]


class Recorded(Protocol):
    """Models and recording, checked, with what does not depend on the scope."""

    @property
    def inputs(self) -> Inputs:
        """The models that have a similarity, and the recording."""

    @property
    def ordered(self) -> bool:
        """Whether stimuli are in order on a circle."""

    def samples(
        self,
        drawn: list[tuple[str, ...]],
        n_samples: int,
        block_length: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> list[Sample]:
        """Bootstrap samples of these factors, each scope's."""

    def tested(self, n_permutations: int) -> Tested:
        """Both tests against chance."""

    def inference(
        self, scope: Scope, samples: list[Sample], blocks: int | None, tested: Tested, n_samples: int
    ) -> Inference:
        """The result in one scope."""


def in_scopes(
    check: Callable[[], Recorded],
    *,
    asked: Sequence[str] | Asked | None,
    both: bool,
    positions: object,
    block_length: int | None,
    n_samples: int,
    n_permutations: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Inference, Inference | None]:
    """The inference asked for and, from the same bootstraps, that of the other scope.

    See :func:`normenc.rsa.inference.infer_in_scopes`; `check` gives models and recording.
    """
    n_samples, n_permutations = as_count(n_samples, "n_samples", 0), as_count(n_permutations, "n_permutations")
    if n_samples < 2:
        raise InputError(
            f"n_samples is {n_samples}; a bootstrap needs at least 2 samples, and about 1000 for reliable intervals"
        )
    block_length = None if block_length is None else as_count(block_length, "block_length")
    own = check()
    scope = asked_scope(own.inputs, asked, ordered=own.ordered, positions=positions)
    other = other_scope(own.inputs, scope) if both else None
    scopes = [wanted for wanted in (scope, other) if wanted is not None]
    blocks = None
    if own.ordered and any("stimuli" in wanted.drawn for wanted in scopes):  # neighbours are drawn together
        blocks = block_length_of(own.inputs.matrices) if block_length is None else block_length
    samples = own.samples([wanted.drawn for wanted in scopes], n_samples, blocks, progress)
    tested = own.tested(n_permutations)
    found = [own.inference(wanted, samples, blocks, tested, n_samples) for wanted in scopes]
    if scope.drawn in ((), ("seeds",)) and (asked is None or isinstance(asked, Asked)):
        found[0] = without_false_certainty(found[0])
    return found[0], found[1] if len(found) > 1 else None
