"""How a recording is read from its file and prepared, as one object from options or from a study file."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import PurePath
from typing import Any

from normenc.errors import InputError
from normenc.recordings.preparation_checks import checked
from normenc.recordings.times import Window, parse_window
from normenc.renamed import renamed

__all__ = ["FACTS", "Preparation"]

FACTS = ("species", "area", "units", "source", "citation", "licence", "simulated")
OF_EVENTS = ("intervals", "series")  # of files that hold continuous signals or spikes, such as NWB
AS_FLAGS = {"map": "names", "fold": "fold_directions"}  # their names on the command line


@renamed(z_scored="z_score")
@dataclass(frozen=True)
class Preparation:
    """How a file is understood, and what is done to the responses, in the order of the fields.

    :func:`normenc.recordings.load`, :func:`normenc.quality.check`, :func:`normenc.study.run` and the other functions of
    studies take it as ``preparation``, or its fields as separate options. Study files have them in their section
    ``[recording]``, and the commands as options.

    Parameters
    ----------
    names : mapping of str to str, optional
        From names that normenc knows to those in the file: ``{"responses": "F", "orientation": "theta"}``. ``*`` stands
        for any characters: matching arrays, in natural order, are one per neuron (``{"responses": "D.neuron*"}``; ``|``
        separates patterns). Names that do not look like neurons, among others that do, are refused.
        What is mapped counts; nothing else is considered.
    axes : str or sequence of str, optional
        What each axis of the responses is: ``"trial,time,neuron"``. Of ``trial``, ``stimulus``, ``repeat``,
        ``neuron`` and ``time``; for RDMs of ``animal``, ``session`` and ``stimulus``.
    times : (float, float), optional
        Seconds of the first and the last sample of a time axis, which are evenly spaced; or the file's ``time``.
    window, baseline : (float, float) or str, optional
        Seconds over which to average a time axis (or, of spikes and signals, after the start of each trial), and those
        whose mean is subtracted. ``(0, 0.5)`` holds 0 and not 0.5; ``"(0, 0.5]"`` the other way round; the window
        ``"all"`` holds all samples, whose times need not be known.
    intervals, series : str, optional
        The table of trials, and the signals, of a file that has several.
    where : mapping of str to object, optional
        Rows to keep, by columns other than the stimuli: ``{"temporal_frequency": 2, "contrast": [0.5, 1]}``.
    blank : sequence, optional
        Values of the stimulus that mark trials without one: ``[-1]``. Missing values always do.
    images : str or Path, optional
        A folder of images, which trials name or number, ``stack.npy``, ``file.h5:/dataset`` or ``file.zarr:/array``.
    angles : str, optional
        ``"radians"``, or ``"degrees"`` for degrees that look like something else.
    rdm_metric : str, optional
        What given RDMs hold: ``"correlation"`` by default, or any other dissimilarity by its name.
    species, area, units, source, citation, licence : str, optional
        What is known about the recording, where the file does not say it or is wrong.
    simulated : bool, optional
    missing : str
        How to treat NaN: ``"error"``, or leave out the ``"neurons"`` or ``"trials"`` that have any.
    stimuli : str
        ``"shared"`` keeps the stimuli that all animals saw or, if no two animals are named, all sessions, whether
        trials or neurons are labelled with them. ``"all"``, the default, keeps all; animals and sessions that saw only
        some of them are then not distinguished, or left out, as the check and the report say.
    region, quality : str or list of str, optional
        Keep neurons with these labels; of labels that are numbers also ``">0.5"`` and the like.
    responsive : bool
        Keep neurons that respond to a stimulus more, or less, than to blanks.
    reliability : float, optional
        Keep neurons with at least this split-half reliability, 0 to 1, in every second trial of each stimulus. These
        trials are then left out, see :func:`normenc.recordings.keep_reliable`. Trials count for their bin, if there
        are bins, and for their direction, even if directions are folded.
    fold_directions : bool
        Make directions orientations, see :func:`normenc.recordings.fold`.
    bin_width : float, optional
        Degrees; see :func:`normenc.recordings.bin_stimuli`. In the reference study's format bins come first, and are
        the study's own: responses and stimuli are averaged within [0, bin_width), [bin_width, 2 bin_width), ...
    z_score : bool
        Z-score each neuron over stimuli, see :func:`normenc.recordings.z_score`.

    Raises
    ------
    InputError
        If an option has an impossible value.
    """

    names: Mapping[str, str] | None = None
    axes: str | Sequence[str] | None = None
    times: Sequence[float] | None = None
    window: Sequence[float] | str | Window | None = None
    baseline: Sequence[float] | str | Window | None = None
    intervals: str | None = None
    series: str | None = None
    where: Mapping[str, Any] | None = None
    blank: Sequence[Any] | None = None
    images: Any = None
    angles: str | None = None
    rdm_metric: str | None = None
    species: str | None = None
    area: str | None = None
    units: str | None = None
    source: str | None = None
    citation: str | None = None
    licence: str | None = None
    simulated: bool | None = None
    missing: str = "error"
    stimuli: str = "all"
    region: str | Sequence[str] | None = None
    quality: str | Sequence[str] | None = None
    responsive: bool = False
    reliability: float | None = None
    fold_directions: bool = False
    bin_width: float | None = None
    z_score: bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without a file."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                object.__setattr__(self, field.name, checked(field.name, value))

    @classmethod
    @renamed(z_scored="z_score")
    def of(cls, preparation: "Preparation | Mapping[str, Any] | None" = None, /, **options: Any) -> "Preparation":
        """Make one from options, or change some options of another; names of the command line work too.

        Parameters
        ----------
        preparation : Preparation or mapping, optional
            The options to start from.
        **options
            Of :class:`Preparation`.

        Raises
        ------
        InputError
            If there is no such option, it is given twice, or its value is not allowed.

        Examples
        --------
        >>> Preparation.of(Preparation(region="V1"), fold=True).given()
        {'region': 'V1', 'fold_directions': True}
        >>> Preparation.of(responsiv=True)
        Traceback (most recent call last):
            ...
        normenc.errors.InputError: there is no option 'responsiv' to prepare a recording; did you mean 'responsive'?
        """
        if isinstance(preparation, Mapping):
            preparation = cls.of(**preparation)
        if not isinstance(preparation, Preparation | None):
            raise InputError(
                f"preparation is a {type(preparation).__name__}; it must be a normenc.recordings.Preparation"
            )
        known = [field.name for field in fields(cls)]
        named: dict[str, Any] = {}
        for name, value in options.items():
            own = AS_FLAGS.get(name, name)
            if own not in known:
                near = difflib.get_close_matches(name[:100], [*known, *AS_FLAGS], n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"the options are {', '.join(known)}"
                raise InputError(f"there is no option {name!r} to prepare a recording; {hint}")
            if own in named:
                raise InputError(f"{own} is given twice, also as {name}; give it once")
            named[own] = value
        return replace(preparation or cls(), **named)

    @property
    def facts(self) -> dict[str, Any]:
        """What is stated about the recording."""
        return {name: getattr(self, name) for name in FACTS if getattr(self, name) is not None}

    @property
    def labels(self) -> dict[str, Any]:
        """Labels of the neurons to keep."""
        return {name: getattr(self, name) for name in ("region", "quality") if getattr(self, name) is not None}

    @property
    def of_events(self) -> dict[str, Any]:
        """Options of formats that cut trials out of signals or spikes by themselves."""
        given = {name: getattr(self, name) for name in OF_EVENTS if getattr(self, name) is not None}
        for what, window in zip(("window", "baseline"), self.windows, strict=True):
            if window is not None:
                given[what] = (window.start, window.stop)
        return given

    @property
    def windows(self) -> tuple[Window | None, Window | None]:
        """Window and baseline."""
        window = None if self.window is None else parse_window(self.window)
        return window, None if self.baseline is None else parse_window(self.baseline, "baseline")

    def settings(self) -> dict[str, Any]:
        """The given options, as in the section ``[recording]`` of a study file.

        Raises
        ------
        InputError
            If ``source`` is given, which in a study file is the recording itself.

        Examples
        --------
        >>> Preparation(window=(0, 0.5), quality="good", missing="neurons").settings()
        {'window': [0.0, 0.5], 'missing': 'neurons', 'quality': ['good']}
        """
        given = {name: _plain(value) for name, value in self.given().items()}
        if "source" in given:
            raise InputError(
                "source says where a recording comes from, which a study file cannot state; save it "
                "in the recording's file"
            )
        for name in ("region", "quality"):
            if isinstance(given.get(name), str):
                given[name] = [given[name]]
        for name in ("times", "window", "baseline"):
            if isinstance(given.get(name), list):
                given[name] = [_float(value) for value in given[name]]
        for name in ("bin_width", "reliability"):
            if name in given:
                given[name] = _float(given[name])
        return given

    def given(self) -> dict[str, Any]:
        """The options that are not at their defaults."""
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {
            name: value
            for name, (value, default) in values.items()
            if value is not None and (default is None or value != default)
        }


def _float(value: Any) -> Any:
    """A whole number as a TOML float, for options that may have a fraction."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    """A value that TOML can hold, without tuples, paths or windows."""
    if isinstance(value, Window):
        ends = f"{value.start!r},{value.stop!r}"
        return "all" if value.is_all else f"{'[' if value.with_start else '('}{ends}{']' if value.with_stop else ')'}"
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _plain(own) for name, own in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(own) for own in value]
    return value
