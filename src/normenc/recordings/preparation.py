"""How a recording is read from its file and prepared, as one object from options or from a study file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from normenc.errors import InputError
from normenc.recordings.times import Window, parse_window

__all__ = ["FACTS", "Preparation"]

FACTS = ("species", "area", "units", "source", "citation", "licence", "simulated")
OF_EVENTS = ("intervals", "series")  # of files that hold continuous signals or spikes, such as NWB
MISSING = ("error", "neurons", "trials")


@dataclass(frozen=True)
class Preparation:
    """How a file is understood, and what is done to the responses, in the order of the fields.

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
        A folder of images, which trials name or number.
    angles : str, optional
        ``"radians"``, or ``"degrees"`` for degrees that look like something else.
    rdm_metric : str, optional
        What given RDMs hold: ``"correlation"`` by default, or any other dissimilarity by its name.
    species, area, units, source, citation, licence : str, optional
        What is known about the recording, where the file does not say it or is wrong.
    simulated : bool, optional
    missing : str
        How to treat NaN: ``"error"``, or leave out the ``"neurons"`` or ``"trials"`` that have any.
    region, quality : str or list of str, optional
        Keep neurons with these labels; of labels that are numbers also ``">0.5"`` and the like.
    responsive : bool
        Keep neurons that respond to a stimulus more, or less, than to blanks.
    fold_directions : bool
        Make directions orientations, see :func:`normenc.recordings.fold`.
    bin_width : float, optional
        Degrees; see :func:`normenc.recordings.bin_stimuli`. In the reference study's format bins come first, and are
        the study's own: responses and stimuli are averaged within [0, bin_width), [bin_width, 2 bin_width), ...
    z_scored : bool
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
    region: str | Sequence[str] | None = None
    quality: str | Sequence[str] | None = None
    responsive: bool = False
    fold_directions: bool = False
    bin_width: float | None = None
    z_scored: bool = False

    def __post_init__(self) -> None:
        """Check what can be checked without a file."""
        for what in ("window", "baseline"):
            if getattr(self, what) is not None:
                object.__setattr__(self, what, parse_window(getattr(self, what), what))
        if self.missing not in MISSING:
            raise InputError(f"missing is {self.missing!r}; it must be one of {', '.join(MISSING)}")
        if self.blank is not None and (isinstance(self.blank, str) or not isinstance(self.blank, Sequence)):
            object.__setattr__(self, "blank", [self.blank])

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
        found = (self.window, self.baseline)
        assert all(isinstance(window, Window | None) for window in found)
        return found  # type: ignore[return-value]

    def given(self) -> dict[str, Any]:
        """The options that are not at their defaults."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
