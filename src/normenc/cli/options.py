"""The options of every command that takes a recording: one list, and what each means to a Preparation.

:func:`takes_recording` adds them all to a command, which is given what they say as ``preparation``.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

__all__ = ["OPTIONS", "adding", "default_workers", "parameter", "split", "takes_recording"]

FEW_UNITS = 8  # to train or read in one process
Command = Callable[..., Any]
PANEL = "How the recording is read and prepared"


def split(text: str) -> list[str]:
    """The parts of a text such as "V1,LM"."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _pairs(text: str) -> dict[str, str]:
    from normenc.errors import InputError

    pairs = [part.partition("=") for part in text.split(",")]
    for name, sign, own in pairs:
        if not (name.strip() and sign and own.strip()):
            raise InputError(f"--map {text}: each part must be NAME=OWN, as in responses=F,orientation=theta")
    return {name.strip(): own.strip() for name, _, own in pairs}


def _where(text: str) -> dict[str, list[str]]:
    from normenc.recordings.columns import parse_where

    return parse_where(text)


def _times(text: str) -> list[float]:
    from normenc.errors import InputError

    try:
        first, last = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"--times {text}: it must be the seconds of the first and of the last sample, as in -1,2"
        ) from None
    return [first, last]


class Option(NamedTuple):
    """An option of the command line, and the field of :class:`normenc.recordings.Preparation` that it fills."""

    field: str
    flag: str
    metavar: str | None  # None for a switch
    help: str
    parse: Callable[[Any], Any] = str
    type: Any = str


OPTIONS = (
    Option(
        "names",
        "--map",
        "NAME=OWN,...",
        "Your arrays' names, such as responses=F,orientation=theta; * stands for any characters.",
        _pairs,
    ),
    Option("axes", "--axes", "AXIS,...", "What each axis of the responses is, such as trial,time,neuron.", split),
    Option("times", "--times", "FIRST,LAST", "Seconds of the first and the last sample of an axis of time.", _times),
    Option(
        "window",
        "--window",
        "FROM,TO",
        "Seconds over which to average: on the axis of time, or after a trial's start. (0,2] counts 2 and not 0; all "
        "takes every sample.",
    ),
    Option("baseline", "--baseline", "FROM,TO", "Seconds of the baseline to subtract."),
    Option("intervals", "--intervals", "TABLE", "NWB: the table of trials."),
    Option("series", "--series", "NAME", "The signal to read, where a file or folder has several."),
    Option("where", "--where", "NAME=VALUE,...", "Keep trials by columns beside the stimuli: contrast=0.5|1.", _where),
    Option("blank", "--blank", "VALUE,...", "Values of the stimulus that stand for trials without one.", split),
    Option("images", "--images", "PLACE", "Images that trials name or number: a folder or a file.", str, Path),
    Option("angles", "--angles", "degrees|radians", "The unit of orientations or directions."),
    Option("rdm_metric", "--rdm-metric", "NAME", "What given RDMs hold; correlation by default."),
    Option("species", "--species", "TEXT", "The animal's, for the report."),
    Option("area", "--area", "TEXT", "The cortical area, for the report."),
    Option("units", "--units", "TEXT", "Of the responses, such as dF/F or spikes/s."),
    Option("missing", "--missing", "neurons|trials", "Leave out neurons, or trials, with missing responses."),
    Option("stimuli", "--stimuli", "all|shared", "shared keeps the stimuli that all animals, or sessions, saw."),
    Option("region", "--region", "NAME,...", "Keep neurons of these regions.", split),
    Option("quality", "--quality", "NAME,...", "Keep neurons of this quality; of numbers also >0.5.", split),
    Option(
        "responsive", "--responsive", None, "Keep neurons that respond to a stimulus more, or less, than to blanks."
    ),
    Option(
        "reliability",
        "--reliability",
        "R",
        "Keep neurons of at least this split-half reliability, chosen in half of the trials, which are left out.",
        float,
        float,
    ),
    Option("fold_directions", "--fold", None, "Compare orientations, where stimuli are directions."),
    Option("bin_width", "--bin-width", "DEGREES", "Average stimuli within bins.", float, float),
    Option("z_score", "--z-score", None, "Z-score each neuron over stimuli."),
)


def adding(
    parameters: Sequence[inspect.Parameter],
    call: Callable[[Command, dict[str, Any]], Any],
    *,
    instead_of: str = "",
    last: bool = False,
) -> Callable[[Command], Command]:
    """Give a command further parameters of the command line.

    Parameters
    ----------
    parameters : sequence of Parameter
    call : callable
        Calls the command, which it is given with all that the command line gave, by name.
    instead_of : str
        The parameters of the command, divided by blanks, that `call` fills, and that the command line does not have.
    last : bool
        Whether help lists them after the command's own.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command)
        own = [parameter for parameter in signature.parameters.values() if parameter.name not in instead_of.split()]
        every = [*own, *parameters] if last else [*parameters, *own]

        @functools.wraps(command)
        def with_options(**given: Any) -> Any:
            return call(command, given)

        with_options.__signature__ = signature.replace(parameters=every)  # type: ignore[attr-defined]
        with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
        del with_options.__wrapped__  # typer would look there for the parameters
        return with_options

    return decorate


def parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    """A parameter of the command line, as :func:`adding` takes it."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def takes_recording(command: Command) -> Command:
    """Give a command all options that say how a recording is read and prepared.

    What was given reaches it as ``preparation``, a :class:`normenc.recordings.Preparation`.
    """

    def call(command: Command, given: dict[str, Any]) -> Any:
        from normenc.recordings import Preparation

        preparation = {}
        for option in OPTIONS:
            value = given.pop(_name(option))
            if value is not None and value is not False:  # 0 is a value
                preparation[option.field] = True if option.metavar is None else option.parse(value)
        return command(**given, preparation=Preparation.of(preparation))

    return adding([_parameter(option) for option in OPTIONS], call, instead_of="preparation", last=True)(command)


def _name(option: Option) -> str:
    return option.flag.removeprefix("--").replace("-", "_").replace("map", "names")


def _parameter(option: Option) -> inspect.Parameter:
    shown: dict[str, Any] = {"help": option.help, "rich_help_panel": PANEL}
    if option.metavar is None:
        annotation, default = Annotated[bool, typer.Option(option.flag, **shown)], False
    else:
        annotation = Annotated[option.type | None, typer.Option(option.flag, metavar=option.metavar, **shown)]
        default = None
    return parameter(_name(option), annotation, default)


def default_workers(study: Any, device: str) -> int:
    """One per core on the CPU for many networks to train or read; for a few, starting processes does not pay."""
    import torch

    from normenc.study.processes import n_cores

    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    n_units = len(study.task) * len(study.network) * len(study.seeds)
    n_units += sum(own.is_pretrained + len(study.untrained_seeds) for own in study.encoder)
    return 1 if on_gpu or n_units < FEW_UNITS else n_cores()
