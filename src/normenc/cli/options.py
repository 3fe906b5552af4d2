"""The options of commands that take a recording, and what they mean to :func:`normenc.recordings.load`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    *("Angles", "Baseline", "BinWidth", "Fold", "Images", "Intervals", "Map", "Missing", "NeuronQuality", "Region"),
    *("Series", "Window", "ZScore", "preparation", "split"),
]

# How a recording is understood and prepared, for all commands that take one; see normenc.recordings.load.
Map = Annotated[
    str | None,
    typer.Option("--map", metavar="NAME=OWN,...", help="Your arrays' names, such as responses=F,orientation=theta."),
]
Images = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder of the images that trials name, or number in order.")
]
Angles = Annotated[str | None, typer.Option(metavar="degrees|radians", help="The unit of orientations or directions.")]
Region = Annotated[str | None, typer.Option(metavar="NAME,...", help="Keep neurons of these regions.")]
NeuronQuality = Annotated[
    str | None, typer.Option("--quality", metavar="NAME,...", help="Keep neurons of this quality.")
]
Fold = Annotated[bool, typer.Option("--fold", help="Make directions orientations.")]
BinWidth = Annotated[float | None, typer.Option(metavar="DEGREES", help="Average stimuli within bins.")]
ZScore = Annotated[bool, typer.Option("--z-score", help="Z-score each neuron over stimuli.")]
Missing = Annotated[
    str | None, typer.Option(metavar="neurons|trials", help="Leave out neurons, or trials, with missing responses.")
]
Intervals = Annotated[str | None, typer.Option(metavar="TABLE", help="NWB: the table of trials.")]
Series = Annotated[str | None, typer.Option(metavar="NAME", help="NWB: the fluorescence to read.")]
Window = Annotated[
    str | None, typer.Option(metavar="FROM,TO", help="NWB: seconds after a trial's start in which to read responses.")
]
Baseline = Annotated[str | None, typer.Option(metavar="FROM,TO", help="NWB: seconds of the baseline to subtract.")]
PREPARATION = (
    *("names", "images", "angles", "region", "quality", "fold", "bin_width", "z_score", "missing"),
    *("intervals", "series", "window", "baseline"),
)


def preparation(context: typer.Context) -> dict[str, Any]:
    """Options that say how a recording is prepared, where given, as :func:`normenc.recordings.load` takes them."""
    renamed = {"fold": "fold_directions", "z_score": "z_scored"}
    parsers: dict[str, Callable[[str, Any], Any]] = {
        "names": _pairs,
        "region": lambda _, value: split(value),
        "quality": lambda _, value: split(value),
        "window": _two_numbers,
        "baseline": _two_numbers,
        "images": lambda _, value: str(value),
    }
    return {
        renamed.get(name, name): parsers[name](name, value) if name in parsers else value
        for name, value in context.params.items()
        if name in PREPARATION and value not in (None, False)
    }


def _pairs(_: str, text: str) -> dict[str, str]:
    from normenc.errors import InputError

    pairs = [part.partition("=") for part in text.split(",")]
    for name, sign, own in pairs:
        if not (name.strip() and sign and own.strip()):
            raise InputError(f"--map {text}: each part must be NAME=OWN, as in responses=F,orientation=theta")
    return {name.strip(): own.strip() for name, _, own in pairs}


def split(text: str) -> list[str]:
    """The parts of a text such as "V1,LM"."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _two_numbers(name: str, text: str) -> list[float]:
    from normenc.errors import InputError

    try:
        start, stop = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--{name} {text}: it must be two numbers of seconds, as in 0,0.5") from None
    return [start, stop]
