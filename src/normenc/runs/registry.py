"""What a picture of a run is, and the list of all: its name, what it shows, when there is one, how a run makes it.

A picture that :func:`picture` adds is drawn by every run to which it applies, listed and drawn again by ``normenc
figures``, listed in the documentation, and shown in the report.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from normenc.errors import InputError
from normenc.runs.agreement import agreeing, check_type
from normenc.runs.reading import Run
from normenc.runs.source_data import Picture
from normenc.showing import Shown, in_short
from normenc.texts import own_stem

__all__ = ["PICTURES", "Figures", "RunPicture", "captions", "fitted_networks", "picture", "unplaced"]

NETWORK = "<network>"  # in names and captions of pictures of which there is one for each fitted network
NAME = re.compile(r"[A-Za-z0-9][\w.-]*(<network>)?", re.ASCII)
Maker = Callable[..., Picture]


@dataclass(frozen=True)
class RunPicture:
    """A kind of picture that runs have.

    Attributes
    ----------
    name : str
        Of its file, without the ending. One with ``<network>`` stands for a picture of each fitted network.
    caption : str
        What it shows, in a line of plain text.
    make : callable
        Gives the :class:`Picture` of a :class:`Run`; where there is one for each network, of a run and the network.
    applies : callable
        Tells of a run whether it has the picture.
    when : str
        The same in words, for the documentation.
    placed : bool
        Whether a section of the report has a place for it; all others stand in its section “More figures”.
    """

    name: str
    caption: str
    make: Maker
    applies: Callable[[Run], bool]
    when: str = "always"
    placed: bool = False

    def of(self, run: Run) -> dict[str, tuple[str, ...]]:
        """Names of the pictures that are of this kind, and what `make` is given beside the run for each."""
        if NETWORK not in self.name:
            return {self.name: ()}
        return {self.name.replace(NETWORK, own_stem(network)): (network,) for network in fitted_networks(run)}


PICTURES: dict[str, RunPicture] = {}  # in the order in which they are drawn


def picture(
    name: str,
    caption: str,
    *,
    applies: Callable[[Run], bool] = lambda run: True,
    when: str = "always",
    placed: bool = False,
) -> Callable[[Maker], Maker]:
    """Add a picture to those that runs have: a decorator of a function of a :class:`Run` that gives a :class:`Picture`.

    Parameters
    ----------
    name, caption, applies, when, placed
        See :class:`RunPicture`.

    Raises
    ------
    InputError
        When there is a picture of that name already, or the name can be none of a file.

    Examples
    --------
    >>> from normenc.runs import PICTURES, Picture, picture
    >>> def bars(table):
    ...     return table.plot.barh("encoder", "similarity")
    >>> @picture("plain_bars", "Similarity of each encoder, as plain bars")
    ... def plain_bars(run):
    ...     return Picture(bars, {"table": run.similarity})
    >>> PICTURES.pop("plain_bars").caption
    'Similarity of each encoder, as plain bars'
    """
    if not NAME.fullmatch(name):
        raise InputError(f"the figure's name is {name!r}; use letters, digits, _, - and ., as in a file name")
    if name in PICTURES:
        raise InputError(f"a figure {name!r} already exists; choose another name")

    def add(make: Maker) -> Maker:
        PICTURES[name] = RunPicture(name, caption, make, applies, when, placed)
        return make

    return add


class Figures(Shown, Mapping[str, Picture]):
    """The pictures of a run by name, each made when it is asked for.

    Those of runs of older versions are as that version left them.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        # Older versions kept whole pictures.
        self._kept = {name: own for name, own in run.source_data.items() if isinstance(own, Picture)}
        check_type(run)
        with agreeing(run):
            entries = [entry for entry in PICTURES.values() if not (self._kept and entry.placed) and entry.applies(run)]
            self._makers = {name: (entry, given) for entry in entries for name, given in entry.of(run).items()}
            listed = [name for entry in PICTURES.values() for name in entry.of(run)]
        known = {**self._kept, **self._makers}
        self._names = sorted(known, key=lambda name: listed.index(name) if name in listed else len(listed))

    def __getitem__(self, name: str) -> Picture:
        if name in self._kept:
            return self._kept[name]
        if name not in self._makers:
            raise InputError(f"there is no figure {name!r}; this run has {', '.join(self)}")
        entry, given = self._makers[name]
        with agreeing(self._run):
            return entry.make(self._run, *given)

    def caption(self, name: str) -> str:
        """What a picture shows, in a line of plain text."""
        return captions(self._run).get(name, name)

    def summary(self) -> pd.DataFrame:
        """The names of all pictures and what each shows: columns ``figure`` and ``caption``."""
        told = captions(self._run)
        return pd.DataFrame({"figure": self._names, "caption": [told.get(name, name) for name in self]})

    def _title(self) -> str:
        return f"{len(self)} of {self._run.label}: {in_short(self._names)}"

    def __contains__(self, name: object) -> bool:
        return name in self._kept or name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def captions(run: Run) -> dict[str, str]:
    """What pictures of a run show, by name, whether it has them or not."""
    return {
        name: entry.caption.replace(NETWORK, given[0]) if given else entry.caption
        for entry in PICTURES.values()
        for name, given in entry.of(run).items()
    }


def unplaced(run: Run) -> list[str]:
    """Names of pictures for which no section of the report has a place."""
    return [name for entry in PICTURES.values() if not entry.placed for name in entry.of(run)]


def fitted_networks(run: Run) -> list[str]:
    """Names of the networks that were fitted to the neurons, in order."""
    return [] if run.fitting is None else run.fitting["network"].astype(str).unique().tolist()
