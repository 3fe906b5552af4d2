"""Checks of arrays and whole numbers before anything is computed."""

import operator
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

EXACT = 2**53  # every whole number up to this is a floating-point number
LARGEST, SMALLEST = 1e100, 1e-100  # in float64, for responses that are squared, and multiplied six times

__all__ = [
    "as_array",
    "as_count",
    "as_matrix",
    "as_responses",
    "as_seed",
    "check_finite",
    "check_range",
    "grey_images",
    "is_frame",
    "is_zarr",
    "stimulus_name",
]


def as_array(values: Any, what: str) -> npt.NDArray[Any]:
    """Convert an array of real numbers to NumPy.

    NumPy arrays, torch tensors (any device), xarray and pandas objects, memory maps, nested lists of any of these.
    Numbers keep their float32 or float64 type; integers, booleans and half precision become float64 (bfloat16 float32).
    Missing values of pandas become NaN.

    Raises
    ------
    InputError
        When the values are not real numbers, are sparse, or masked: `what` names them, and the message says where.
    """
    values = _plain(values, what)
    try:
        array = np.asarray(values)
    except InputError:  # from an array on disk, only read now
        raise
    except ValueError:
        raise InputError(f"{what} is ragged: its rows have different lengths") from None
    except (RuntimeError, TypeError) as error:
        raise InputError(f"{what} cannot be turned into an array ({error}); give a NumPy array") from None
    if array.dtype == object:
        array = _from_objects(array, what)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what} has type {array.dtype}; it must hold real numbers")
    if array.dtype in (np.float32, np.float64):
        return array
    with np.errstate(over="ignore"):  # from longer numbers, which become infinite
        return array.astype(np.float64)


def _plain(values: Any, what: str) -> Any:
    """An array that :func:`numpy.asarray` converts without losing numbers or their meaning."""
    if hasattr(values, "detach"):
        return _from_torch(values, what)
    if isinstance(values, np.ma.MaskedArray):
        return _without_mask(values, what)
    if is_frame(values):
        return _from_frame(values, what)
    if hasattr(values, "nnz") and hasattr(values, "shape"):
        raise InputError(f"{what} is a sparse array; give a dense one, with toarray()")
    if isinstance(values, (list, tuple)) and any(map(_is_to_be_read, values)):
        return [as_array(value, f"{what}[{index}]") for index, value in enumerate(values)]
    return values


def _is_to_be_read(value: Any) -> bool:
    """Whether the items of a list must be converted one by one; in nested lists, the first item decides."""
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    return isinstance(value, np.ma.MaskedArray) or any(hasattr(value, name) for name in ("detach", "iloc", "nnz"))


def _from_torch(values: Any, what: str) -> Any:
    """A torch tensor as a NumPy array; types that NumPy lacks, such as bfloat16, as float32."""
    if str(values.layout) != "torch.strided":
        raise InputError(f"{what} is a sparse tensor ({values.layout}); give a dense one, with to_dense()")
    try:
        values = values.detach().cpu().resolve_conj().resolve_neg()
        known = not values.is_floating_point() or str(values.dtype) in (
            "torch.float16",
            "torch.float32",
            "torch.float64",
        )
        return (values if known else values.float()).numpy()
    except (NotImplementedError, RuntimeError, TypeError) as error:
        raise InputError(f"{what} is a tensor without plain numbers ({error}); give a dense one") from None


def _without_mask(values: Any, what: str) -> npt.NDArray[Any]:
    masked = np.ma.getmaskarray(values)
    if masked.any():
        place = ", ".join(map(str, np.argwhere(masked)[0]))
        raise InputError(
            f"{masked.sum()} of {masked.size} values of {what} are masked, the first at [{place}]; remove the rows or "
            "columns that contain them, or fill them in"
        )
    return np.asarray(values.data)


def is_frame(values: Any) -> bool:
    """Whether this is a table, or a column, of pandas."""
    return hasattr(values, "iloc")


def _from_frame(frame: Any, what: str) -> npt.NDArray[Any]:
    """The numbers of a table; raises InputError naming a column that holds anything else."""
    columns = [(f"the column {name!r} of ", frame[name]) for name in frame] if frame.ndim == 2 else [("", frame)]
    if frame.ndim == 2 and not frame.columns.is_unique:
        columns = [(f"column {index} of ", frame.iloc[:, index]) for index in range(frame.shape[1])]
    for name, column in columns:
        if getattr(column.dtype, "kind", "O") not in "fiub" and not (
            column.dtype == object and all(isinstance(value, (Real, np.bool_)) for value in column)
        ):
            raise InputError(
                f"{name}{what} has type {column.dtype}; it must hold real numbers. Move a column of labels to the "
                "index (set_index), and remove others"
            )
    single = all(column.dtype == np.float32 for _, column in columns)
    return np.asarray(frame.to_numpy(dtype=np.float32 if single else np.float64, na_value=np.nan))


def _from_objects(array: npt.NDArray[Any], what: str) -> npt.NDArray[Any]:
    """Numbers that were stored as Python objects."""
    for index, value in np.ndenumerate(array):
        if not isinstance(value, (Real, np.bool_)):
            place = f" at [{', '.join(map(str, index))}]" if index else ""
            raise InputError(
                f"{what} holds {str(value)[:40]!r} ({type(value).__name__}){place}; it must hold real numbers"
            )
    return array.astype(np.float64)


def as_count(value: Any, name: str, least: int = 1) -> int:
    """A whole number of at least `least`, of Python's or NumPy's types.

    Raises
    ------
    InputError
        If it is not.

    Examples
    --------
    >>> as_count(np.int64(3), "n_splits")
    3
    >>> as_count(0, "n_splits")
    Traceback (most recent call last):
    normenc.errors.InputError: n_splits is 0; it must be a whole number of at least 1
    """
    try:
        number = None if isinstance(value, (bool, np.bool_)) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number of at least {least}")
    return number


def as_seed(seed: Any) -> int:
    """A seed: a whole number of at least 0, of Python's or NumPy's types.

    Raises
    ------
    InputError
        If it is not.
    """
    return as_count(seed, "seed", 0)


def as_responses(responses: Any, *, in_range: bool = False) -> npt.NDArray[Any]:
    """Check a stimulus x unit matrix of responses and return it as a NumPy array.

    Parameters
    ----------
    responses : array_like, shape (n_stimuli, n_units)
    in_range : bool
        Check with :func:`check_range` that squares of the values stay in the range of numbers.

    Returns
    -------
    ndarray, shape (n_stimuli, n_units)
        float32 or float64, all finite.

    Raises
    ------
    InputError
        If it does not have two dimensions, is empty, or holds NaN or infinity; the message names the stimulus.
    """
    array = as_matrix(responses)
    check_finite(array, responses)
    if in_range:
        check_range(array)
    return array


def check_range(array: npt.NDArray[Any]) -> None:
    """Raise InputError for values so large, or all so small, that their squares would leave the range of numbers.

    Parameters
    ----------
    array : ndarray, shape (n_rows, n_units)
        NaN is ignored.
    """
    is_single = array.dtype == np.float32
    most, least = (1e15, 1e-15) if is_single else (LARGEST, SMALLEST)
    largest = max(np.fmax.reduce(array, axis=None, initial=0), -np.fmin.reduce(array, axis=None, initial=0))
    if least <= largest <= most or largest == 0 or np.isinf(largest):  # infinite values are reported elsewhere
        return
    if largest < least:
        raise InputError(
            f"responses are at most {largest:.2g}, too small to be squared; use a smaller unit, so that they exceed "
            f"{least:g}"
        )
    unit = int(np.argmax(np.fmax.reduce(np.abs(array), axis=0) > most))
    raise InputError(
        f"responses reach {largest:.2g}, for example in neuron {unit}, too large to be squared; remove it if its "
        f"values are damaged, or use a larger unit for all, so that they are below {most:g}"
    )


def as_matrix(responses: Any) -> npt.NDArray[Any]:
    """Like :func:`as_responses`, without reading the values, for callers that notice NaN as they compute."""
    _check_exact(responses)
    array = as_array(responses, "responses")
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"responses have shape {array.shape}; they must be a non-empty stimulus x unit matrix")
    return array


def _check_exact(responses: Any) -> None:
    """Raise InputError for whole numbers so large that some of them would become the same in floating point."""
    dtype = getattr(responses, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iu" and dtype.itemsize == 8 and np.size(responses):
        low, high = int(np.min(responses)), int(np.max(responses))
        if max(high, -low) > EXACT:
            raise InputError(
                f"responses are whole numbers from {low:,} to {high:,}, too large to be distinguished in floating "
                "point; subtract a common offset, or divide them, so that they are below 9e15"
            )


def check_finite(array: npt.NDArray[Any], responses: Any) -> None:
    """Raise InputError when `array` holds NaN or infinity, naming the stimulus as `responses` labels it."""
    for row, values in enumerate(array):
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise InputError(
                f"responses to {stimulus_name(responses, row)} are not finite "
                f"({bad.size} of {values.size} units, the first is unit {bad[0]}: {values[bad[0]]}); "
                "remove these units or stimuli, or fill them in"
            )


def grey_images(images: Any) -> Any:
    """Grey images with their channel, shape (n, 1, height, width); InputError unless they have this one or none."""
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or images.shape[1] != 1:
        raise InputError(
            f"images have shape {tuple(images.shape)}; they must be grey, shape (n, height, width) or "
            "(n, 1, height, width)"
        )
    return images


def stimulus_name(responses: Any, row: int) -> str:
    """Name a stimulus for a message: its row, and its label if the responses have one (xarray, pandas)."""
    label = next(iter(_row_labels(responses)), None)
    return f"stimulus {row}" if label is None else f"stimulus {row} ({label[0]} {label[1][row]})"


def _row_labels(responses: Any) -> Iterable[tuple[str, Any]]:
    """Names and labels of the rows; names of stimuli first."""
    from normenc.stimulus_types import STIMULUS_TYPES  # here, for the code that trains does not depend on it

    if is_frame(responses):
        index = responses.index
        return [] if type(index).__name__ == "RangeIndex" else [(index.name or "label", index)]
    coords = getattr(responses, "coords", {})
    own = [str(name) for name in coords if coords[name].dims == responses.dims[:1]]
    known = [name for name in (*STIMULUS_TYPES, "stimulus") if name in own]
    return [(name, coords[name].values) for name in dict.fromkeys([*known, *own])]


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a store of Zarr, whatever it is called; False if it cannot be read."""
    try:
        return any((folder / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))
    except OSError:
        return False
