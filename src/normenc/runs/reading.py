"""A finished run as one object: its folder is opened and checked, and its files are read when first used."""

import json
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from normenc.csv_tables import encoders_of
from normenc.encoders import EncoderId, EncoderKind
from normenc.errors import InputError
from normenc.runs import files
from normenc.runs.agreement import agreeing, check_encoders
from normenc.runs.marker import belongs
from normenc.runs.older_keys import settings_of
from normenc.runs.older_tables import BY_ENCODER, check_format, upgraded, with_todays_inference
from normenc.runs.optional_tables import Tables
from normenc.runs.schema import ENVIRONMENT, SETTINGS, SIMILARITY
from normenc.showing import Shown
from normenc.stimulus_types import as_type
from normenc.texts import visible

if TYPE_CHECKING:
    import xarray as xr

    from normenc.runs.pictures import Figures

__all__ = ["Run"]

MAYBE = ("p_permutations_holm", "p_shifts_holm", "p_ceiling_holm", "why_unknown")  # only where any row has one
SHORT = ("similarity", "low", "high", *MAYBE)


class Run(Tables, Shown):
    """A finished run, opened from its folder.

    Tables and arrays are read when they are first asked for. Runs of older versions have today's columns. A file of
    your own in the folder is never taken for one of the run's.

    Attributes
    ----------
    folder : Path
    settings : dict
        Of ``study.toml``.
    environment : dict
        Of ``environment.json``: versions, seeds, and what is known of the recording.
    similarity : DataFrame
        Of ``similarity.csv``: one row per encoder.
    label : str
        Study and recording. Runs that are opened together by :func:`open_all` have different ones.

    Examples
    --------
    >>> from normenc import Run
    >>> run = Run.open("runs/reference-simulated-v1")  # doctest: +SKIP
    >>> run  # doctest: +SKIP
    <Run: reference and simulated-v1, 8 encoders, in runs/reference-simulated-v1>
    >>> run.plot("rdms")  # doctest: +SKIP
    """

    folder: Path
    settings: dict[str, Any]
    environment: dict[str, Any]
    similarity: pd.DataFrame
    label: str

    def __init__(self, folder: str | Path) -> None:
        if not isinstance(folder, str | PathLike):
            raise InputError(f"the run is a {type(folder).__name__}; it must be the folder of a run, a text or a Path")
        self.folder = Path(folder)
        files.check_folder(self.folder)
        self.settings = files.parsed(self.folder, SETTINGS, settings_of)
        self.environment = with_todays_inference(files.parsed(self.folder, ENVIRONMENT, json.loads))
        check_format(self.folder, self.environment)
        self.similarity = self._table(SIMILARITY)
        for column in ("recording", "comparison", "rdm_metric"):
            if (n := self.similarity[column].nunique(dropna=False)) > 1:
                raise InputError(f"{folder}: similarity.csv has rows of {n} {column}s, but a run has one")
        self.label = f"{self.settings['name']} × {self.similarity['recording'].iloc[0]}"

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Open the folder of a finished run, of this version or an older one.

        Parameters
        ----------
        folder : str or Path
            As written by :func:`normenc.study.run`.

        Raises
        ------
        InputError
            If the folder contains no complete run, or a newer version made it; the
            message names the file that is missing or damaged. A table that is damaged is found when it is asked for.
        """
        return Run(folder)

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Of ``differences.csv``: planned differences between encoders, with their tests."""
        table = self._table("differences.csv", empty=True)
        if "generalises_to" in table:
            return table
        return table.assign(generalises_to=" ".join(self.environment["inference"].get("generalises_to", [])))

    @cached_property
    def similarity_by_seed(self) -> pd.DataFrame:
        """Of ``similarity_by_seed.csv``: one row per encoder and seed."""
        return self._table("similarity_by_seed.csv")

    @cached_property
    def quality(self) -> dict[str, Any] | None:
        """Of ``quality.json``: what ``normenc check`` says of the recording; None in runs of older versions."""
        there = (self.folder / "quality.json").is_file()
        return files.parsed(self.folder, "quality.json", json.loads) if there else None

    @cached_property
    def rdms(self) -> "xr.DataArray":
        """Of ``rdms.nc``: dissimilarities (population, stimulus, stimulus_2); the recording comes first."""
        return files.dataset(self.folder, "rdms.nc")["dissimilarity"]

    @cached_property
    def shown(self) -> pd.DataFrame:
        """What the pictures show, the recording first: ``population`` (a label), ``key`` and ``kind``."""
        known = self.source_data["shown"] if self.populations is None else self.populations
        shown = {name: np.asarray(known[name]).astype(str) for name in ("population", "key", "kind")}
        table = pd.DataFrame(shown).assign(population=[visible(label) for label in shown["population"]])
        if self.environment.get("format", 1) >= BY_ENCODER:
            encoders = table.loc[table["kind"] != "recording", "population"]
            check_encoders(encoders, self.folder / "populations.nc", self.similarity)
        return table

    @cached_property
    def shown_rdms(self) -> "xr.DataArray":
        """Those of `rdms` that the pictures show, in the order of `populations`, whose labels they have."""
        return self.rdms_of(None)

    def rdms_of(self, places: list[int] | None) -> "xr.DataArray":
        """The same for stimuli in some places; all large matrices would fill the memory."""
        rdms = files.dataset(self.folder, "rdms.nc", self.shown["key"].tolist(), places)["dissimilarity"]
        return rdms.assign_coords(population=self.shown["population"].tolist())

    @cached_property
    def stimulus_values(self) -> Any:
        """The recording's stimuli, in the order of all arrays of the run: degrees, names or other values."""
        return files.coordinate(self.folder, "rdms.nc", as_type(self.recording["stimuli"]).name)

    @cached_property
    def representations(self) -> "xr.Dataset":
        """Of ``representations.nc``: the encoders' responses, a variable for each encoder, seed and layer."""
        return files.dataset(self.folder, "representations.nc")

    @cached_property
    def populations(self) -> "xr.Dataset | None":
        """Of ``populations.nc``: components and tuning of what the pictures show; None in runs of older versions."""
        return files.dataset(self.folder, "populations.nc") if (self.folder / "populations.nc").is_file() else None

    @cached_property
    def encoders(self) -> dict[str, EncoderId]:
        """Who the encoders in `similarity` are, by label."""
        return dict(zip(self.similarity["encoder"], encoders_of(self.similarity), strict=True))

    @cached_property
    def source_data(self) -> dict[str, Any]:
        """Of ``figures/source_data.h5``: what the pictures show and no other file holds, see :mod:`normenc.runs`.

        Raises
        ------
        InputError
            When the run has none, as runs of older versions do, or the file is damaged.
        """
        from normenc.runs.source_data import read_members

        return read_members(self.folder)

    @property
    def recording(self) -> dict[str, Any]:
        """What ``environment.json`` says of the recording."""
        return dict(self.environment["recording"])

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores in the tasks, one row per trained network, as ``environment.json`` tells them."""
        return upgraded(pd.DataFrame(self.environment["scores"]))

    @property
    def n_tasks(self) -> int:
        """How many tasks were trained on."""
        return int(self.similarity.loc[self.similarity["kind"] == EncoderKind.TRAINED, "task"].nunique())

    @property
    def is_grid(self) -> bool:
        """Whether the study has several tasks or networks, or encoders that it does not train."""
        several = [self.settings.get(name) for name in ("task", "network")]
        return "encoder" in self.settings or any(isinstance(own, list) and len(own) > 1 for own in several)

    @property
    def figures(self) -> "Figures":
        """The pictures of the run by name, as yet undrawn: ``run.figures["rdms"].draw()``."""
        from normenc.runs.pictures import Figures

        return Figures(self)

    def text(self, name: str) -> str:
        """The text of a file of the run, by its name in the folder; InputError if it is missing or damaged."""
        return files.text(self.folder, name)

    @property
    def stimuli(self) -> bytes:
        """Of ``stimuli.png``: the stimuli side by side."""
        return files.content(self.folder, "stimuli.png")

    def drawn(self) -> dict[str, bytes]:
        """The SVG pictures in ``figures/`` that belong to the run, by name."""
        drawn = [f"figures/{path.name}" for path in (self.folder / "figures").glob("*.svg")]
        return {Path(name).stem: (self.folder / name).read_bytes() for name in sorted(belongs(self.folder, drawn))}

    def exact(self, name: str) -> pd.DataFrame | None:
        """A table with all the digits that its pictures were drawn with; the CSV has nine of them.

        Parameters
        ----------
        name : str
            Of the table's attribute, such as ``"similarity"``. Numbers that were edited in the CSV stay as they are.
        """
        table: pd.DataFrame | None = getattr(self, name)
        kept = self.source_data.get("digits", {}).get(name)
        return table if table is None or kept is None else files.with_digits(table, kept["columns"], kept["values"])

    def summary(self) -> pd.DataFrame:
        """The similarities in short, one row per encoder.

        Tests stand there where they were made, ``why_unknown`` where anything is unknown.
        """
        table = self.similarity
        columns = [name for name in SHORT if name not in MAYBE or (name in table and table[name].notna().any())]
        return table[["encoder", *columns]].copy()

    def plot(self, name: str | None = None) -> Any:
        """Draw a picture on a new figure.

        Parameters
        ----------
        name : str, optional
            One of `figures`; by default the similarities: bars, or the leaderboard of several tasks or networks.

        Returns
        -------
        Axes, or ndarray of Axes
            As the function of :mod:`normenc.figures` gives them.

        Raises
        ------
        InputError
            When the run has no such picture.
        """
        with agreeing(self):
            return self.figures[name or ("leaderboard" if self.is_grid else "similarity_bars")].draw()

    def rdm_widget(self) -> Any:
        """Show the recording's RDM beside that of an encoder, interactively, in a notebook.

        Returns
        -------
        Widget
            A Plotly figure: :func:`normenc.report.widgets.rdm_widget`.
        """
        from normenc.report import widgets

        return widgets.rdm_widget(self)

    def tuning_widget(self, population: str | None = None) -> Any:
        """Show tuning curves one by one, interactively, in a notebook.

        Parameters
        ----------
        population : str, optional
            Its label in the pictures; the recording's by default.

        Returns
        -------
        Widget
            A Plotly figure: :func:`normenc.report.widgets.tuning_widget`.
        """
        from normenc.report import widgets

        return widgets.tuning_widget(self, population)

    def report(self) -> Path:
        """Write the report again from the files of the folder: :func:`normenc.report.write`."""
        from normenc import report

        return report.write(self.folder)

    def to_xarray(self) -> "xr.DataArray":
        """The RDMs (population, stimulus, stimulus_2) of the recording, the layers and the controls: ``rdms.nc``."""
        return self.rdms

    def _title(self) -> str:
        who = f"{self.settings['name']} and {self.similarity['recording'].iloc[0]}"
        return f"{who}, {len(self.similarity)} encoders, in {self.folder}"

    def _notes(self) -> list[str]:
        failed = () if self.failures is None else self.failures.itertuples()
        described = filter(None, [self.recording.get("description")])
        return [*described, *(f"{row.encoder}: {row.reason}" for row in failed)]
