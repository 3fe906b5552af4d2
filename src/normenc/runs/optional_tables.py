"""The tables that only some runs have."""

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from normenc.runs import files
from normenc.runs.marker import belongs
from normenc.runs.schema import SIMILARITY

__all__ = ["Tables"]


class Tables:
    """The tables of a run, each read when it is asked for."""

    folder: Path
    settings: dict[str, Any]
    environment: dict[str, Any]
    similarity: pd.DataFrame

    @cached_property
    def training(self) -> pd.DataFrame | None:
        """Of ``training.csv``: the loss of every step of every network; None where nothing was trained."""
        return self._table("training.csv") if "task" in self.settings else None

    @cached_property
    def similarity_by_method(self) -> pd.DataFrame | None:
        """Of ``similarity_by_method.csv``: the similarities by other measures; None without any."""
        return self._optional("similarity_by_method.csv")

    @cached_property
    def similarity_by_scope(self) -> pd.DataFrame | None:
        """Of ``similarity_by_scope.csv``: the similarities in the other scope; None without any."""
        return self._optional("similarity_by_scope.csv")

    @cached_property
    def differences_by_scope(self) -> pd.DataFrame | None:
        """Of ``differences_by_scope.csv``: the differences in the other scope; None without any."""
        return self._optional("differences_by_scope.csv", empty=True)

    @cached_property
    def animals(self) -> pd.DataFrame | None:
        """Of ``animals.csv``: similarity with each animal beside that of animals; None without several animals."""
        return self._optional("animals.csv")

    @cached_property
    def partitioning(self) -> pd.DataFrame | None:
        """Of ``partitioning.csv``: what layers explain beyond all controls; None without any, or in older runs."""
        return self._optional("partitioning.csv")

    @cached_property
    def identification(self) -> pd.DataFrame | None:
        """Of ``identification.csv``: what simulated recordings would be taken for; None without any."""
        return self._optional("identification.csv")

    @cached_property
    def circular_parts(self) -> pd.DataFrame | None:
        """Of ``circular_parts.csv``: similarities in both parts of RDMs on a circle; None without one."""
        return self._optional("circular_parts.csv")

    @cached_property
    def over_training(self) -> pd.DataFrame | None:
        """Of ``over_training.csv``: similarities at checkpoints; None where the study has none."""
        return self._optional("over_training.csv")

    @cached_property
    def tuning(self) -> pd.DataFrame | None:
        """Of ``tuning.csv``: one row per population; None of images."""
        return self._optional("tuning.csv")

    @cached_property
    def tuning_units(self) -> pd.DataFrame | None:
        """Of ``tuning_units.csv``: one row per neuron or unit; None of images."""
        return self._optional("tuning_units.csv")

    @cached_property
    def predictivity(self) -> pd.DataFrame | None:
        """Of ``predictivity.csv``: how well neurons are predicted; None where the study did not ask."""
        return self._optional("predictivity.csv")

    @cached_property
    def between_animals(self) -> pd.DataFrame | None:
        """Of ``between_animals.csv``: how well animals predict each other; None without neurons of several animals."""
        return self._optional("between_animals.csv")

    @cached_property
    def fitting(self) -> pd.DataFrame | None:
        """Of ``fitting.csv``: one row per epoch of a network fitted to the neurons; None without any."""
        return self._optional("fitting.csv")

    @cached_property
    def failures(self) -> pd.DataFrame | None:
        """Of ``failures.csv``: what could not be trained or compared, and why; None where nothing failed."""
        return self._optional("failures.csv")

    def _optional(self, name: str, *, empty: bool = False) -> pd.DataFrame | None:
        there = (self.folder / name).is_file() and name in belongs(self.folder, [name])
        return self._table(name, empty=empty) if there else None

    def _table(self, name: str, *, empty: bool = False) -> pd.DataFrame:
        known = None if name == SIMILARITY else self.similarity
        return files.table(self.folder, name, self.environment, known, empty=empty)
