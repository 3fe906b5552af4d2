"""What to do after a check, as commands that can be pasted."""

import shlex
from pathlib import Path
from typing import Any

import typer

__all__ = ["is_study", "next_steps"]


def is_study(source: str) -> bool:
    """Whether this is the path of a study file, or the name of a study that comes with normenc, and not a recording.

    Examples
    --------
    >>> is_study("mine.toml"), is_study("reference"), is_study("mine.npz")
    (True, True, False)
    """
    from normenc.study.shipped import examples

    named = examples().get(source)
    return source.lower().endswith(".toml") or (named is not None and named.is_study and not Path(source).exists())


def next_steps(context: typer.Context, quality: Any) -> list[tuple[str, str]]:
    """Commands, each with what it is good for, that prepare the recording as the check that was just made did.

    Parameters
    ----------
    context : Context
        Of ``normenc check``.
    quality : Quality
        What it found.
    """
    from normenc.quality.verdict import MIN_STUDY

    source = context.params["recording"]
    given = _given(context)
    if quality.raw is not None and quality.raw.missing and "--missing" not in given:
        of_trials = any("trials with missing responses" in note for note in quality.notes)
        given["--missing"] = "trials" if of_trials else "neurons"  # as the check did of its own accord
    if not quality.is_comparable:
        return []
    if not quality.has_images:
        command = _command(context, "check", source, given | {"--images": "FOLDER"})
        return [(command, "the images that were shown are needed first")]
    if quality.verdict == "unreliable":
        return []
    steps = [(_command(context, "run", source, given), "compares the recording with networks and controls")]
    if quality.shown.folds_onto and quality.decidable.n_different_images >= MIN_STUDY:
        folded = _command(context, "run", source, given | {"--fold": None})
        steps.append((folded, "the same for orientations: opposite directions are one image to a model"))
    steps.append((_command(context, "power", source, given), "tells how much more data would decide"))
    return [(command, why) for command, why in steps if command]


def _given(context: typer.Context) -> dict[str, Any]:
    """Options that were given to the check and concern the recording, by their names; None for one without a value."""
    given: dict[str, Any] = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.param_type_name != "option" or source is None or source.name == "DEFAULT":
            continue
        if parameter.name not in ("as_json", "seed"):
            value = context.params[parameter.name]
            given[parameter.opts[0]] = None if value is True else value
    return given


def _command(context: typer.Context, name: str, source: str, given: dict[str, Any]) -> str:
    """The command line, or nothing where that command does not take what was given."""
    from normenc.texts import visible

    parent = context.parent
    assert parent is not None
    command: Any = parent.command
    known = {option for parameter in command.commands[name].params for option in parameter.opts}
    if not set(given) <= known:
        return ""
    words = ["normenc", name, *([source] if name == "check" or is_study(source) else ["--recording", source])]
    for option, value in given.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option] if one is None else [option, str(one)]
    return visible(shlex.join(words))
