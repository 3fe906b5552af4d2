"""The stages of an evaluation: what each of them needs, and which of them a study asks for."""

from collections.abc import Sequence

from normenc.errors import InputError

__all__ = ["NEEDS", "STAGES", "check_stages", "in_order"]

NEEDS = {
    "represent": (),
    "compare": ("represent",),
    "describe": ("represent",),
    "predict": ("represent", "compare"),
    "draw": ("represent", "compare"),
}
STAGES = tuple(NEEDS)


def check_stages(stages: Sequence[str]) -> None:
    """Raise InputError for an unknown stage, and for a stage without the stages that it needs.

    Examples
    --------
    >>> check_stages(["represent", "compare"])
    >>> check_stages(["represent", "draw"])
    Traceback (most recent call last):
        ...
    normenc.errors.InputError: the stage draw needs compare; add it, or leave draw out
    """
    if isinstance(stages, str) or not stages:
        raise InputError(f"stages is {stages!r}; it must be a list of some of {', '.join(STAGES)}")
    for name in stages:
        if name not in NEEDS:
            raise InputError(f"there is no stage {name!r}; the stages are {', '.join(STAGES)}")
    for name in stages:
        missing = [other for other in NEEDS[name] if other not in stages]
        if missing:
            them = "it" if len(missing) == 1 else "them"
            raise InputError(f"the stage {name} needs {' and '.join(missing)}; add {them}, or leave {name} out")


def in_order(stages: Sequence[str] | None, *, predict: bool) -> tuple[str, ...]:
    """The stages that are asked for, each once and in their order; None asks for all.

    Parameters
    ----------
    stages : sequence of str or None
    predict : bool
        Whether the study predicts neurons, see ``[encoding] enabled``.

    Raises
    ------
    InputError
        See :func:`check_stages`; or when predictions are asked for and the study makes none.
    """
    if stages is None:
        return tuple(name for name in STAGES if predict or name != "predict")
    check_stages(stages)
    if "predict" in stages and not predict:
        raise InputError("the stage predict needs enabled = true in the study's section [encoding]")
    return tuple(name for name in STAGES if name in stages)
