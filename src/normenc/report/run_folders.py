"""Runs read back from their folders, checked, and named so that they are told apart."""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from normenc.csv_tables import ENCODER_COLUMNS, encoders_of
from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.study.marker import belongs, check_settled
from normenc.study.older_keys import with_todays_keys
from normenc.study.older_tables import check_format, read_run_table
from normenc.texts import visible_values

__all__ = ["RunFolder", "read_run", "read_runs"]

SIMILARITY_COLUMNS = (
    *(
        "recording",
        *ENCODER_COLUMNS,
        "rdm_metric",
        "comparison",
        "similarity",
        "low",
        "high",
    ),
    *("p_chance_holm", "p_ceiling_holm", "chance", "ceiling", "ceiling_lower", "ceiling_lower_low", "ceiling_upper"),
    "resampled",
)
DIFFERENCE_COLUMNS = (*ENCODER_COLUMNS, "other", "other_kind", "difference", "low", "high", "p_holm")
SEED_COLUMNS = (*ENCODER_COLUMNS, "similarity")
NUMBERS = (
    *("similarity", "low", "high", "p_chance_holm", "p_ceiling_holm", "ceiling_lower", "ceiling_lower_low"),
    *("ceiling_upper", "difference", "p_holm", "seed", "other_seed"),
)
SECTIONS = ("recording", "task", "network", "training", "comparison")


@dataclass(frozen=True)
class RunFolder:
    """What a run's folder says.

    Attributes
    ----------
    path : Path
    study, environment : dict
        Of ``study.toml`` and ``environment.json``.
    similarity : DataFrame
        Of ``similarity.csv``.
    differences, by_seed : DataFrame
    predictivity : DataFrame or None
    quality : dict or None
        Of ``quality.json``, which older runs have not.
    label : str
        Study and recording; several runs read together by :func:`read_runs` have different ones.
    """

    path: Path
    study: dict[str, Any]
    environment: dict[str, Any]
    similarity: pd.DataFrame = field(repr=False)
    differences: pd.DataFrame = field(repr=False)
    by_seed: pd.DataFrame = field(repr=False)
    predictivity: pd.DataFrame | None = field(repr=False)
    quality: dict[str, Any] | None = field(repr=False)
    label: str = ""

    @property
    def recording(self) -> dict[str, Any]:
        """What ``environment.json`` says of the recording."""
        return dict(self.environment["recording"])

    @property
    def n_tasks(self) -> int:
        """How many tasks were trained on."""
        return int(self.similarity.loc[self.similarity["kind"] == EncoderKind.TRAINED, "task"].nunique())


def read_runs(folders: Sequence[str | Path]) -> list[RunFolder]:
    """Read several runs and name them by study and recording, and where that is not enough by folder and number.

    Raises
    ------
    InputError
        When there are fewer than two, one stands twice, or a folder holds no whole run.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise InputError(f"{len(paths)} run was given; a comparison takes two or more folders of runs")
    for index, path in enumerate(paths):
        for other in paths[:index]:
            if path.exists() and other.exists() and path.samefile(other):
                raise InputError(f"{path}: this run is given twice; give different runs")
    runs = [read_run(path) for path in paths]
    labels = _told_apart([(run.label, run.path.resolve().name) for run in runs])
    return [RunFolder(**{**vars(run), "label": label}) for run, label in zip(runs, labels, strict=True)]


def read_run(folder: str | Path) -> RunFolder:
    """Read a run's folder.

    Raises
    ------
    InputError
        When the folder holds no whole run; the message names the file that is missing or damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "this is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"{folder}: {what}; give the folder of a run, as `normenc run` writes it")
    check_settled(folder)
    study = _parsed(folder / "study.toml", lambda text: with_todays_keys(tomllib.loads(text), warn=False))
    environment = _parsed(folder / "environment.json", json.loads)
    for name, part, wanted in (
        ("study.toml", study, ("name", *SECTIONS)),
        ("environment.json", environment, ("normenc", "seeds", "recording", "inference")),
    ):
        missing = [key for key in wanted if key not in part] if isinstance(part, dict) else list(wanted)
        if missing:
            raise InputError(f"{folder}: {name} is not that of a run, {missing[0]} is missing in it")
    check_format(folder, environment)
    similarity = _table(folder / "similarity.csv", SIMILARITY_COLUMNS, environment)
    _check_similarity(folder, similarity)

    def table(name: str, columns: Sequence[str], *, empty: bool = False) -> pd.DataFrame:
        return _table(folder / name, columns, environment, similarity, empty=empty)

    quality = folder / "quality.json"
    predictivity = folder / "predictivity.csv"
    predicted = predictivity.is_file() and "predictivity.csv" in belongs(folder, ["predictivity.csv"])
    return RunFolder(
        path=folder,
        study=study,
        environment=environment,
        similarity=similarity,
        differences=table("differences.csv", DIFFERENCE_COLUMNS, empty=True),
        by_seed=table("similarity_by_seed.csv", SEED_COLUMNS),
        predictivity=table("predictivity.csv", (*ENCODER_COLUMNS, "r")) if predicted else None,
        quality=_parsed(quality, json.loads) if quality.is_file() else None,
        label=f"{study['name']} × {similarity['recording'].iloc[0]}",
    )


def _told_apart(names: Sequence[tuple[str, str]]) -> list[str]:
    """Labels of runs from what they are called and their folders' names; equal ones are numbered.

    >>> _told_apart([("a x V1", "one"), ("b x V1", "two"), ("a x V1", "three")])
    ['a x V1 (one)', 'b x V1', 'a x V1 (three)']
    >>> _told_apart([("a x V1", "run"), ("a x V1", "run")])
    ['a x V1 (run, 1)', 'a x V1 (run, 2)']
    """
    labels = Counter(label for label, _ in names)
    both = Counter(names)
    seen: Counter[tuple[str, str]] = Counter()
    told = []
    for label, folder in names:
        seen[label, folder] += 1
        number = f", {seen[label, folder]}" if both[label, folder] > 1 else ""
        told.append(f"{label} ({folder}{number})" if labels[label] > 1 else label)
    return told


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{path.parent}: this is no whole run, {path.name} is missing; give a folder that `normenc run` wrote"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: this file cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: this file is damaged, it is no text in UTF-8; run the study again") from None


def _parsed(path: Path, parse: Any) -> Any:
    text = _read(path)
    try:
        return visible_values(parse(text))
    except (ValueError, RecursionError) as error:  # of TOML and of JSON; brackets too deep
        raise InputError(f"{path}: this file is damaged ({error}); run the study again") from None


def _table(
    path: Path,
    columns: Sequence[str],
    environment: Mapping[str, Any],
    similarity: pd.DataFrame | None = None,
    *,
    empty: bool = False,
) -> pd.DataFrame:
    _read(path)
    try:
        table = read_run_table(path, environment, similarity)
    except InputError:
        raise
    except ValueError as error:  # pandas' own errors of parsing are ValueErrors
        raise InputError(f"{path}: this table is damaged ({error}); run the study again") from None
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{path}: this table is not that of a run, its column {missing[0]} is missing")
    if table.empty and not empty:
        raise InputError(f"{path}: this table has no rows; run the study again")
    for column in [name for name in NUMBERS if name in table]:
        try:
            table[column] = pd.to_numeric(table[column]).astype(float)
        except (TypeError, ValueError):
            raise InputError(f"{path}: column {column} must hold numbers; run the study again") from None
    try:
        encoders_of(table)
    except InputError as error:
        raise InputError(f"{path}: {error}; run the study again") from None
    return table


def _check_similarity(folder: Path, similarity: pd.DataFrame) -> None:
    for column in ("recording", "comparison", "rdm_metric"):
        values = similarity[column].unique()
        if len(values) > 1:
            raise InputError(f"{folder}: similarity.csv has rows of {len(values)} {column}s; a run has one")
