"""Draw a finished run's pictures again, from their source data: for a paper, without recording or networks."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from normenc import figures
from normenc.errors import InputError
from normenc.figures.saving import FORMATS, TooNarrowError, fits
from normenc.figures.sizes import MOST, millimetres
from normenc.study.source_data import Picture, read_source_data

__all__ = ["Redrawn", "redraw"]

STEP = 5  # mm, in which the least width of a picture is looked for


@dataclass(frozen=True)
class Redrawn:
    """What was drawn again.

    Attributes
    ----------
    paths : tuple of Path
        The files that were written.
    left_out : dict of str to str
        Why a picture was not drawn, by its name: it cannot be read at that width.
    """

    paths: tuple[Path, ...]
    left_out: dict[str, str]


def redraw(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    only: Sequence[str] | None = None,
    formats: Sequence[str] = ("pdf",),
    width: float | str | None = None,
) -> Redrawn:
    """Draw pictures of a finished run again, for a paper.

    Parameters
    ----------
    folder : str or Path
        The run's. Neither its recording nor its networks are needed.
    out : str or Path, optional
        The folder to write. By default ``figures/`` of the run or, with a width, a folder in it that is named after
        the width, such as ``figures/85mm``: the report's own pictures stay.
    only : sequence of str, optional
        Names of pictures, such as ``"rdms"``; all by default.
    formats : sequence of str
        Some of ``"pdf"``, ``"svg"`` and ``"png"``.
    width : float or str, optional
        Millimetres, or a text such as ``"85mm"``, ``"3.3in"``, ``"single"`` (85 mm) or ``"double"`` (180 mm). As in the
        report by default.

    Returns
    -------
    Redrawn
        A picture whose texts would overlap or be cut off is left out, with the least width at which it can be read.

    Raises
    ------
    InputError
        When there is no run or source data, or a name, format or width is none.

    Examples
    --------
    >>> redraw("runs/reference-simulated-v1", only=["rdms"], width="single").paths  # doctest: +SKIP
    (PosixPath('runs/reference-simulated-v1/figures/85mm/rdms.pdf'),)
    """
    formats = [formats] if isinstance(formats, str) else list(formats)
    if not formats or (wrong := [kind for kind in formats if kind not in FORMATS]):
        raise InputError(f"the format is {wrong[0] if formats else 'none'}; it must be some of {', '.join(FORMATS)}")
    if width is not None:
        width = millimetres(width)
    pictures = _chosen(read_source_data(folder), only)
    if out is None:
        out = Path(folder) / "figures" / ("" if width is None else f"{width:g}mm")
    target = Path(out)
    paths: list[Path] = []
    left_out = {}
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{target}: this folder cannot be made ({error.strerror}); choose another --out") from None
    with tempfile.TemporaryDirectory(prefix=".figures-", dir=target) as stage:
        for name, picture in pictures.items():
            try:
                with figures.sized(width):
                    drawn = figures.save(picture.draw(), stage, name, formats, width)
            except TooNarrowError as error:
                left_out[name] = f"{error}, {_least_width(picture, error)}"
            else:
                paths += [path.replace(target / path.name) for path in drawn]
    return Redrawn(tuple(paths), left_out)


def _chosen(pictures: dict[str, Picture], only: Sequence[str] | None) -> dict[str, Picture]:
    names = list(pictures) if only is None else [only] if isinstance(only, str) else list(dict.fromkeys(only))
    wrong = [name for name in names if name not in pictures or Path(name).name != name]
    if wrong or not names:
        given = repr(wrong[0]) if wrong else "none"
        raise InputError(f"the picture is {given}; this run has {', '.join(pictures)}")
    return {name: pictures[name] for name in names}


def _least_width(picture: Picture, error: TooNarrowError) -> str:
    """The least width at which a picture can be read, in words."""
    width = error.width - error.width % STEP + STEP
    while width <= MOST:
        with figures.sized(width):
            if fits(picture.draw(), width):
                return f"at least {width:g} mm"
        width += STEP
    return f"which is more than {MOST:g} mm; leave the width out"
