"""Draw a finished run's pictures again, from its folder: for a paper, without recording or networks."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from normenc import figures
from normenc.errors import InputError
from normenc.figures.saving import FORMATS, TooNarrowError, fits
from normenc.figures.sizes import MOST, millimetres
from normenc.progress import each, listener
from normenc.runs.agreement import agreeing
from normenc.runs.marker import read_marker
from normenc.runs.pictures import Figures
from normenc.runs.publishing import add
from normenc.runs.reading import Run
from normenc.runs.schema import RUN_MARKER
from normenc.runs.source_data import Picture
from normenc.runs.taking import taken
from normenc.showing import Listed
from normenc.whole_files import check_writable

__all__ = ["Redrawn", "redraw"]

STEP = 5  # mm, in which the least width of a picture is looked for


@dataclass(frozen=True, repr=False)
class Redrawn(Listed):
    """What was drawn again.

    Attributes
    ----------
    paths : tuple of Path
        The files that were written.
    left_out : dict of str to str
        Why a picture was not drawn, by its name: it cannot be read at that width.
    kept : tuple of Path
        Files in the run's folder that stood in the way, and were changed or not written by normenc: where they are
        kept now.
    """

    paths: tuple[Path, ...]
    left_out: dict[str, str]
    kept: tuple[Path, ...] = ()


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
        the width, such as ``figures/85mm``: the report's own pictures stay. What is drawn into the run's folder belongs
        to the run, and goes with it when it is replaced. Anywhere else, pictures that were drawn there before are
        replaced, and files of your own that stand in the way are kept aside.
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
        If there is no run or source data, a name, format or width is invalid, or the folder cannot be written.

    Examples
    --------
    >>> redraw("runs/reference-simulated-v1", only=["rdms"], width="single").paths  # doctest: +SKIP
    (PosixPath('runs/reference-simulated-v1/figures/85mm/rdms.pdf'),)
    """
    formats = [formats] if isinstance(formats, str) else list(formats)
    if not formats or (wrong := [file_format for file_format in formats if file_format not in FORMATS]):
        raise InputError(f"the format is {wrong[0] if formats else 'none'}; it must be some of {', '.join(FORMATS)}")
    width = None if width is None else millimetres(width)
    run = Run.open(folder)
    pictures = _chosen(run.figures, only)
    if out is None:
        out = Path(folder) / "figures" / ("" if width is None else f"{width:g}mm")
    inside = _path_within(Path(folder), Path(out))
    if inside is not None:
        with taken(Path(folder)):  # is anyone writing there? That is said before anything is drawn
            pass
    else:
        check_writable(Path(out), "this folder cannot be made", "choose another folder with out=")
    with tempfile.TemporaryDirectory(prefix="normenc-figures-") as stage, agreeing(run):
        paths, left_out = _draw(pictures, Path(stage), formats, width)
        content = {path.name: path.read_bytes() for path in paths}
    kept: list[Path] = []
    try:
        if inside is not None:
            kept = add(Path(folder), {(inside / name).as_posix(): one for name, one in content.items()})
        else:
            Path(out).mkdir(parents=True, exist_ok=True)
            kept = add(Path(out), content, "pictures")
    except OSError as error:
        raise InputError(
            f"{error.filename}: this cannot be written ({error.strerror}); choose another folder with out="
        ) from None
    return Redrawn(tuple(Path(out) / name for name in content), left_out, tuple(kept))


def _draw(
    pictures: dict[str, Picture], stage: Path, formats: list[str], width: float | None
) -> tuple[list[Path], dict[str, str]]:
    paths: list[Path] = []
    left_out = {}
    for name, picture in each(listener(), "drawing", pictures.items()):
        try:
            with figures.sized(width):
                paths += figures.save(picture.draw(), stage, name, formats, width)
        except TooNarrowError as error:
            left_out[name] = f"{error}, {_least_width(picture, error)}"
    return paths, left_out


def _path_within(folder: Path, out: Path) -> Path | None:
    """The path of `out` in a run's folder, None where it is elsewhere.

    Raises
    ------
    InputError
        When it is in the folder of another run, to which the pictures do not belong.
    """
    own = folder.resolve()
    absolute = out.resolve() if ".." in out.parts else out.absolute()
    for place in [absolute, *absolute.parents]:
        if place.resolve() == own:
            return absolute.relative_to(place)
        marker = read_marker(place) if (place / RUN_MARKER).exists() else None
        if marker is not None and marker.folder_kind != "pictures":
            raise InputError(f"{out}: this is in the folder of another run; choose another folder with out=")
    real = out.resolve()
    return real.relative_to(own) if real.is_relative_to(own) else None


def _chosen(pictures: Figures, only: Sequence[str] | None) -> dict[str, Picture]:
    names = list(pictures) if only is None else [only] if isinstance(only, str) else list(dict.fromkeys(only))
    wrong = [name for name in names if name not in pictures or Path(name).name != name]
    if wrong or not names:
        said = f"there is no figure {wrong[0]!r}" if wrong else "no figure is named"
        raise InputError(f"{said}; this run has {', '.join(pictures)}")
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
