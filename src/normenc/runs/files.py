"""The files of a run's folder, read and checked: what is missing or damaged is named."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from normenc.csv_tables import ENCODER_COLUMNS, encoders_of
from normenc.errors import InputError
from normenc.runs.agreement import check_table
from normenc.runs.marker import FOLDER_KINDS, check_settled, read_marker
from normenc.runs.older_tables import BY_ENCODER, read_run_table
from normenc.runs.schema import ENVIRONMENT, SETTINGS, SIMILARITY
from normenc.texts import visible_values

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["check_folder", "content", "coordinate", "dataset", "parsed", "table", "text", "with_digits"]

NEAR = 1e-8  # of a number, beyond the nine digits of a table
ESTIMATES = ("similarity", "low", "high")
TESTS = ("p_permutations_holm", "p_shifts_holm", "p_ceiling_holm", "ceiling")
CEILING = ("ceiling_lower", "ceiling_lower_low", "ceiling_upper")
CIRCULAR = ("part", "share", "share_of_data", *ESTIMATES, "ceiling_lower", "why_unknown")
REQUIRED = {  # columns without which a table is not that of a run
    SIMILARITY: ("recording", *ENCODER_COLUMNS, "rdm_metric", "comparison", *ESTIMATES, *TESTS, *CEILING, "resampled"),
    "differences.csv": (*ENCODER_COLUMNS, "other", "other_kind", "difference", "low", "high", "p_holm"),
    "similarity_by_seed.csv": (*ENCODER_COLUMNS, "similarity"),
    "predictivity.csv": (*ENCODER_COLUMNS, "r"),
    "circular_parts.csv": (*ENCODER_COLUMNS, *CIRCULAR),
    "partitioning.csv": (*ENCODER_COLUMNS, "variance_of", "controls", "unique", "unique_low", "unique_high"),
}
UNIQUE = ("explained_by_controls", "unique", "unique_low", "unique_high")
NUMBERS = (
    *ESTIMATES,
    *CEILING,
    "p_permutations_holm",
    "p_shifts_holm",
    "p_ceiling_holm",
    "difference",
    "p_holm",
    "seed",
    "other_seed",
    *UNIQUE,
    "share",
    "share_of_data",
    "score",
    "chance",
    "perfect",
    "n_learned",
)
SECTION = (dict, list)
KEYS: dict[str, dict[str, tuple[type, ...]]] = {  # of files, without which they are not those of a run
    SETTINGS: {"name": (str,)} | {"recording": SECTION} | dict.fromkeys(("training", "comparison"), (dict,)),
    ENVIRONMENT: {"normenc": (str,), "seeds": (dict,), "recording": (dict,), "inference": (dict,)},
}
OPTIONAL: dict[str, tuple[type, ...]] = {"scores": (list,), "skipped_controls": (dict,), "stages": (list,)}
LEARNING = ("task", "network")  # sections without which a run has encoders that it did not train
CALLED: dict[type, str] = {dict: "a table", list: "a list", str: "a text"}


def check_folder(folder: Path) -> None:
    """Raise InputError if there is no folder, or it contains something other than a complete run."""
    if not folder.is_dir():
        what = "this is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"{folder}: {what}; give the folder of a run, as `normenc run` writes it")
    check_settled(folder)
    marker = read_marker(folder)
    if marker is not None and marker.folder_kind != "run":
        what = FOLDER_KINDS[marker.folder_kind]
        raise InputError(f"{folder}: this folder holds {what}; give the folder of a run, as `normenc run` writes it")


def text(folder: Path, name: str) -> str:
    """The text of a file, by its name in the folder.

    Raises
    ------
    InputError
        When it is missing, damaged, or cannot be read.
    """
    try:
        return content(folder, name).decode("utf-8-sig")
    except UnicodeDecodeError:
        damaged = f"{folder / name}: this file is damaged: it is not UTF-8 text; run the study again"
        raise InputError(damaged) from None


def content(folder: Path, name: str) -> bytes:
    """The bytes of a file, by its name in the folder."""
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{folder}: this run is incomplete: {name} is missing; give a folder that `normenc run` wrote"
        ) from None
    except OSError as error:
        raise InputError(f"{folder / name}: this file cannot be read ({error.strerror})") from None


def parsed(folder: Path, name: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    """What a file of TOML or JSON holds, with all its texts visible."""
    source = text(folder, name)
    try:
        content = visible_values(parse(source))
    except (ValueError, RecursionError) as error:  # of TOML and of JSON; brackets too deep
        raise InputError(f"{folder / name}: this file is damaged ({error}); run the study again") from None
    wanted = KEYS.get(name, {})
    if not (isinstance(content, dict) or wanted):
        raise InputError(f"{folder / name}: this file is damaged (it has no keys); run the study again")
    if name == SETTINGS and isinstance(content, dict):
        wanted = wanted | {key: SECTION for key in (*LEARNING, "encoder") if key in content or _needs(content, key)}
    if missing := [key for key in wanted if not isinstance(content, dict) or key not in content]:
        raise InputError(f"{folder}: {name} is not from a run: it lacks {missing[0]}")
    for key, types in (OPTIONAL | wanted).items() if wanted else ():
        own = content.get(key)
        parts = own if isinstance(own, list) and (key == "scores" or types == SECTION) else []
        if (key in wanted or own is not None) and not (
            isinstance(own, types) and all(isinstance(part, dict) for part in parts)
        ):
            what = " or ".join(CALLED[one] for one in types)
            raise InputError(f"{folder / name}: this file is damaged ({key} must be {what}); run the study again")
    return dict(content)


def _needs(settings: Mapping[str, Any], key: str) -> bool:
    """Whether a study's settings lack a section: both of what is trained, or an encoder in their place."""
    trained = "encoder" not in settings or any(other in settings for other in LEARNING)
    return key in LEARNING and trained


def table(
    folder: Path,
    name: str,
    environment: Mapping[str, Any],
    similarity: pd.DataFrame | None = None,
    *,
    empty: bool = False,
) -> pd.DataFrame:
    """A table in today's columns, which hold what they must.

    Parameters
    ----------
    folder : Path
    name : str
    environment : mapping
        What ``environment.json`` holds, with the run's format.
    similarity : DataFrame, optional
        ``similarity.csv``, for the other tables.
    empty : bool
        Whether it may have no rows.
    """
    path = folder / name
    text(folder, name)
    try:
        rows = read_run_table(path, environment, similarity)
    except InputError:
        raise
    except ValueError as error:  # pandas' own errors of parsing are ValueErrors
        raise InputError(f"{path}: this table is damaged ({error}); run the study again") from None
    rows = _checked(rows, path, REQUIRED.get(name, ()), empty=empty)
    if environment.get("format", 1) >= BY_ENCODER:
        check_table(rows, path, similarity)
    return rows


def dataset(
    folder: Path, name: str, populations: Sequence[str] | None = None, stimuli: Sequence[int] | None = None
) -> "xr.Dataset":
    """A NetCDF file, read whole or of these populations, and of the stimuli in these places, alone."""
    import xarray as xr

    path = _present(folder, name)
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            if populations is None:
                return file.load()
            places = {str(key): place for place, key in enumerate(file["population"].to_numpy())}
            chosen = [places[key] for key in populations]
            if stimuli is None:
                return file.isel(population=chosen).load()
            some = {"stimulus": stimuli, "stimulus_2": stimuli}  # of one matrix after the other, which may be large
            return xr.concat([file.isel(population=[own]).load().isel(some) for own in chosen], "population")
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{path}: this file is damaged ({error}); run the study again") from None


def coordinate(folder: Path, name: str, label: str) -> Any:
    """One coordinate of a NetCDF file, as an array; the rest is not read."""
    import xarray as xr

    path = _present(folder, name)
    try:
        with xr.open_dataset(path, engine="h5netcdf") as file:
            return file[label].to_numpy()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{path}: this file is damaged ({error}); run the study again") from None


def _present(folder: Path, name: str) -> Path:
    """The path of a file of a run; InputError if there is none."""
    if not (folder / name).is_file():
        raise InputError(f"{folder}: this run is incomplete: {name} is missing; run the study again")
    return folder / name


def _checked(table: pd.DataFrame, path: Path, columns: Sequence[str], *, empty: bool) -> pd.DataFrame:
    """A table of a run, whose columns hold what they must."""
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{path}: this table is not from a run: it lacks the column {missing[0]}")
    if table.empty and not empty:
        raise InputError(f"{path}: this table has no rows; run the study again")
    if not columns:
        return table
    for column in [name for name in NUMBERS if name in table]:
        try:
            table[column] = pd.to_numeric(table[column]).astype(float)
        except (TypeError, ValueError):
            raise InputError(f"{path}: column {column} must hold numbers; run the study again") from None
    if "learned" in table and not table["learned"].dropna().isin([True, False]).all():
        raise InputError(f"{path}: column learned must hold True and False, or nothing; run the study again")
    try:
        encoders_of(table)
    except InputError as error:
        raise InputError(f"{path}: {error}; run the study again") from None
    return table


def with_digits(table: pd.DataFrame, columns: Sequence[str], values: npt.NDArray[Any]) -> pd.DataFrame:
    """A table with all the digits of some columns, where the numbers that it has agree with these to nine."""
    if len(table) != len(values):
        return table
    exact = {}
    for column, digits in zip(columns, np.asarray(values).T, strict=True):
        if column in table:
            own = table[column].to_numpy(dtype=float, na_value=np.nan)
            exact[column] = np.where(np.isclose(own, digits, rtol=NEAR, atol=0, equal_nan=True), digits, own)
    return table.assign(**exact)
