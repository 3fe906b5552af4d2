"""Compute published numbers again, and say of each whether it holds."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from normenc import study as studies
from normenc.errors import InputError, NotHereError, NotInstalledError
from normenc.extras import needs_nets
from normenc.progress import reporting, stage
from normenc.published.finding import Here, arrays_of, data_folders, found_here
from normenc.published.judging import CANNOT_BE_TOLD, DOES_NOT_HOLD, HOLDS, Found, judge
from normenc.published.measuring import MEASURES
from normenc.published.stating import Claim, Publication
from normenc.published.tables import TABLE, in_table
from normenc.runs import Run
from normenc.runs.marker import read_marker
from normenc.runs.publishing import Earlier, destination, holds_nothing
from normenc.runs.writing import csv_bytes
from normenc.showing import Shown
from normenc.texts import visible
from normenc.whole_files import write_whole

if TYPE_CHECKING:
    from normenc.study import Study

__all__ = ["FAILED", "LONG", "NEEDS_NETS", "NOT_HERE", "TABLE_FILE", "Reproduction", "reproduce"]

NOT_HERE = "not tried (recording is not here)"
LONG = "not tried (it takes hours)"
NEEDS_NETS = "not tried (it needs networks)"
FAILED = "not tried (it cannot be computed)"
TABLE_FILE = "reproduction.csv"
COLUMNS = (
    *("publication", "claim", "what", "published", "lowest", "highest", "found", "found_low", "found_high", "result"),
    *("recording", "note", "differs", "where", "citation"),
)


@dataclass(frozen=True, repr=False)
class Reproduction(Shown):
    """Published numbers beside those that were found.

    Attributes
    ----------
    table : DataFrame
        One row per claim: ``publication``, ``claim`` (names), ``what``, ``published`` (in words), ``lowest`` and
        ``highest`` (what counts as reproduced), ``found`` with ``found_low`` and ``found_high``, ``result``,
        ``recording`` (what it was computed from), ``note``, ``differs`` (from the published computation), ``where`` (in
        the publication) and ``citation``.
    publications : tuple of Publication
    folder : Path or None
        Where it was written.
    """

    table: pd.DataFrame
    publications: tuple[Publication, ...]
    folder: Path | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing that was tried does not hold, and nothing failed."""
        return not self.table["result"].isin([DOES_NOT_HOLD, FAILED]).any()

    def counts(self) -> dict[str, int]:
        """How many claims have each result, for those that any has."""
        found = self.table["result"].value_counts()
        order = (HOLDS, DOES_NOT_HOLD, CANNOT_BE_TOLD, NOT_HERE, LONG, NEEDS_NETS, FAILED)
        return {name: int(found[name]) for name in order if name in found}

    def summary(self) -> pd.DataFrame:
        """Published beside found."""
        return self.table[["publication", "what", "published", "found", "result"]].copy()

    def _title(self) -> str:
        return ", ".join(f"{n} {name}" for name, n in self.counts().items())


def reproduce(
    publications: Sequence[Publication],
    out: str | Path | None = None,
    *,
    data: str | Path | None = None,
    recording: str | Path | None = None,
    long: bool = False,
    device: str = "auto",
    force: bool = False,
    page: Callable[["Reproduction", Path], object] | None = None,
    progress: bool | Any = True,
) -> Reproduction:
    """Compute the numbers of publications whose recordings are on this computer.

    Nothing is downloaded. A number that cannot be computed does not stop the others.

    Parameters
    ----------
    publications : sequence of Publication
        Such as the values of :func:`normenc.published.publications`.
    out : str or Path, optional
        A folder for ``reproduction.csv``, and the page; nothing is written by default.
    data : str or Path, optional
        Look for the files of recordings in this folder first, then beside the publication's file, then in
        ``$NORMENC_SHARED_DATA``.
    recording : str or Path, optional
        Another recording, by its name or file, instead of the one that is stated; only for a single publication that
        states one.
    long : bool
        Whether to compute what takes hours.
    device : str
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    force : bool
        Replace an earlier result in that folder; other files stay.
    page : callable, optional
        Given the result and the folder, adds a page: :func:`normenc.report.write_reproduction`.
    progress : bool or callable
        See :func:`normenc.study.run`.

    Returns
    -------
    Reproduction

    Raises
    ------
    InputError
        If there is no publication, a folder is wrong, or a measure or one of its options is unknown.

    Examples
    --------
    >>> from normenc.published import publications
    >>> found = reproduce([publications()["conwell2021"]])  # its recordings are not here
    >>> found
    <Reproduction: 4 not tried (recording is not here)>
    """
    publications = tuple(publications)
    if not publications:
        raise InputError("no publication was given; normenc.published.publications() has those that are known")
    given = None if recording is None else str(recording)
    if given is not None and sum(len(own.recordings) for own in publications) != 1:
        raise InputError(
            f"recording={given!r} stands for the one recording of one publication; give one that states exactly one"
        )
    for publication in publications:
        check_measures(publication)
    if out is None:
        return _computed(publications, data, given, long, device, progress)
    with destination(Path(out), "reproduction", partial(_replaceable, force=force)) as place:
        found = _computed(publications, data, given, long, device, progress)
        with place.staged() as aside:
            write_whole(aside / TABLE_FILE, csv_bytes(found.table))
            if page is not None:
                page(found, aside)
    return Reproduction(found.table, publications, Path(out))


def check_measures(publication: Publication) -> None:
    """Raise InputError if a claim names a measure or an option that there is not, or lacks what its measure needs."""
    for claim in publication.claims:
        where = f"{publication.name}: the claim {claim.name!r}"
        if claim.measure == TABLE:
            function: Callable[..., Any] = in_table
            if publication.study is None:
                raise InputError(f"{where} reads a table of a run, but the publication has no section [study]; add it")
        elif claim.measure in MEASURES:
            function = MEASURES[claim.measure].compute
            if claim.recording is None:
                raise InputError(f"{where} has no recording; {claim.measure} needs one")
        else:
            raise InputError(
                f"{where} has the measure {claim.measure!r}; it must be one of {TABLE}, {', '.join(MEASURES)}"
            )
        if claim.minus_study is not None and (claim.measure != TABLE or "minus" not in claim.options):
            raise InputError(f"{where} has minus_study, but subtracts nothing; give minus in the options of a table")
        try:
            signature(function).bind(None, **claim.options)
        except TypeError as error:
            raise InputError(f"{where}: options of {claim.measure}: {error}") from None


def _replaceable(folder: Path, *, force: bool) -> Earlier:
    """The files of an earlier result, if it may be replaced."""
    if holds_nothing(folder):
        return {}
    marker = read_marker(folder)
    if marker is None or marker.folder_kind != "reproduction":
        raise InputError(f"{folder}: this folder holds something else; choose another folder with out=")
    if not force:
        raise InputError(
            f"{folder}: an earlier result is here; pass force=True to replace it, or choose another folder with out="
        )
    return marker.files


def _computed(
    publications: tuple[Publication, ...],
    data: str | Path | None,
    given: str | None,
    long: bool,
    device: str,
    progress: Any,
) -> Reproduction:
    rows = []
    n_claims = sum(len(publication.claims) for publication in publications)
    with reporting(progress) as told, stage(told, "computing published numbers", n_claims) as counted:
        for publication in publications:
            folders = data_folders(publication, data)
            with tempfile.TemporaryDirectory(prefix="normenc-") as place:
                computing = _Computing(publication, folders, given, device, told, Path(place))
                judged = {}
                # Claims without a recording read the run of any that is here, which is made first.
                for claim in sorted(publication.claims, key=lambda claim: claim.recording is None):
                    judged[claim.name] = computing.judged(claim, long)
                    counted.step()
                rows += [_row(publication, claim, *judged[claim.name]) for claim in publication.claims]
    return Reproduction(pd.DataFrame(rows, columns=list(COLUMNS)), publications)


def _row(publication: Publication, claim: Claim, result: str, found: Found, source: str) -> dict[str, Any]:
    return {
        "publication": publication.name,
        "claim": claim.name,
        "what": claim.what,
        "published": claim.published,
        "lowest": claim.lowest,
        "highest": claim.highest,
        "found": found.value,
        "found_low": found.low,
        "found_high": found.high,
        "result": result,
        "recording": source,
        "note": found.note,
        "differs": claim.differs,
        "where": claim.where,
        "citation": publication.citation,
    }


class _Computing:
    """The claims of one publication: each recording is read once, and each study is run once."""

    def __init__(
        self,
        publication: Publication,
        folders: Sequence[Path],
        given: str | None,
        device: str,
        progress: Any,
        place: Path,
    ) -> None:
        self.publication, self.folders, self.given = publication, folders, given
        self.device, self.progress, self.place = device, progress, place
        self.here: dict[str, Here | InputError] = {}
        self.runs: dict[tuple[str | None, str], Run | InputError] = {}

    def judged(self, claim: Claim, long: bool) -> tuple[str, Found, str]:
        """The result of a claim, its number, and what it was computed from."""
        source = ""
        try:
            here = None if claim.recording is None else self._recording(claim.recording)
            source = "" if here is None else here.source
            if claim.long and not long:
                return LONG, Found(float("nan"), note="ask for it by long=True"), source
            found = self._found(claim, here)
        except NotHereError as error:
            return NOT_HERE, Found(float("nan"), note=str(error)), source
        except NotInstalledError as error:
            return NEEDS_NETS, Found(float("nan"), note=str(error)), source
        except InputError as error:
            return FAILED, Found(float("nan"), note=visible(str(error).replace("\n", "; "))), source
        return judge(claim.lowest, claim.highest, found), found, source

    def _recording(self, key: str) -> Here:
        if key not in self.here:
            try:
                self.here[key] = found_here(self.publication.recordings[key], self.folders, self.given)
            except InputError as error:
                self.here[key] = error
        return _or_raised(self.here[key])

    def _found(self, claim: Claim, here: Here | None) -> Found:
        options: Mapping[str, Any] = claim.options
        if claim.measure == TABLE:
            run = self._run(claim.recording, here, {})
            other = None if claim.minus_study is None else self._run(claim.recording, here, claim.minus_study)
            return in_table(run, other, **options, with_interval=not self._is_same(claim.recording, run))
        measure = MEASURES[claim.measure]
        assert here is not None  # as was checked
        if "device" in signature(measure.compute).parameters:
            options = {"device": self.device} | dict(options)
        return measure.compute(here.loaded() if measure.needs == "recording" else arrays_of(here), **options)

    def _is_same(self, key: str | None, run: Run) -> bool:
        """Whether a run's recording is the one that was published: then nothing about it is left open."""
        if key is None:
            return True
        return bool(run.recording.get("sha256") == self.publication.recordings[key].sha256)

    def _run(self, key: str | None, here: Here | None, changes: Mapping[str, Any]) -> Run:
        """The run of the study, with some changes, on a recording; of claims that need none, any that there is."""
        changed = json.dumps(changes, sort_keys=True, default=str)
        if key is None:
            there = (known for known, run in self.runs.items() if known[1] == changed and isinstance(run, Run))
            key = next(there, (None, changed))[0]
        if (key, changed) not in self.runs:
            study = study_on(self.publication, here, changes)
            place = self.place / f"run{len(self.runs)}"
            try:
                self.runs[key, changed] = studies.run(study, place, device=self.device, progress=self.progress)
            except InputError as error:
                self.runs[key, changed] = error
        return _or_raised(self.runs[key, changed])


def study_on(publication: Publication, here: Here | None, changes: Mapping[str, Any] | None = None) -> "Study":
    """The study that a publication states, on a recording that is here, or on its own; with some sections changed."""
    needs_nets("a study")
    from normenc.study.sections import SIMULATION
    from normenc.study.settings import study_of

    settings = dict(publication.study or {})
    for section, own in (changes or {}).items():
        stated = settings.get(section)
        settings[section] = {**stated, **own} if isinstance(stated, dict) and isinstance(own, dict) else own
    settings.setdefault("name", publication.name)
    if here is not None:
        stated = settings.get("recording", {})
        own = dict(stated[0] if isinstance(stated, list) and stated else stated)
        if own.get("source", here.source) != here.source:  # what is set of a simulated recording is of that one alone
            own = {key: value for key, value in own.items() if key not in SIMULATION}
        settings["recording"] = {**own, "source": here.name}
    return study_of(settings, publication.folder, f"{publication.name}: study")


def _or_raised(own: Any) -> Any:
    if isinstance(own, InputError):
        raise own
    return own
