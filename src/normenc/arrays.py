"""Arrays as the numeric rooms receive them: NumPy, torch or xarray, checked before anything is computed."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError

__all__ = ["as_array", "as_matrix", "as_responses", "check_finite", "stimulus_name"]


def as_array(values: Any, what: str) -> npt.NDArray[Any]:
    """Turn a NumPy array, a torch tensor (any device), an xarray object or nested lists into a NumPy array.

    Numbers keep their float32 or float64 type; integers, booleans and half precision become float64.

    Raises
    ------
    InputError
        When the values are not real numbers; `what` names them.
    """
    if hasattr(values, "detach"):
        values = _from_torch(values, what)
    try:
        array = np.asarray(values)
    except InputError:  # of what is read from disk only now
        raise
    except ValueError:
        raise InputError(f"{what} is ragged: its rows differ in length") from None
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what} has type {array.dtype}; it must hold real numbers")
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _from_torch(values: Any, what: str) -> Any:
    """A torch tensor as a NumPy array; bfloat16, which NumPy lacks, as float32."""
    if str(values.layout) != "torch.strided":
        raise InputError(f"{what} is a sparse tensor ({values.layout}); give a dense one, with to_dense()")
    values = values.detach().cpu().resolve_conj().resolve_neg()
    return (values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy()


def as_responses(responses: Any) -> npt.NDArray[Any]:
    """Check a stimulus x unit matrix of responses and return it as a NumPy array.

    Returns
    -------
    ndarray, shape (n_stimuli, n_units)
        float32 or float64, all finite.

    Raises
    ------
    InputError
        When it has not two dimensions, is empty, or holds NaN or infinity; the message names the stimulus.
    """
    array = as_matrix(responses)
    check_finite(array, responses)
    return array


def as_matrix(responses: Any) -> npt.NDArray[Any]:
    """Like :func:`as_responses`, without reading the values: for those who notice NaN as they compute."""
    array = as_array(responses, "responses")
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"responses have shape {array.shape}; they must be a stimulus x unit matrix, not empty")
    return array


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


def stimulus_name(responses: Any, row: int) -> str:
    """Name a stimulus for a message: its row, and its label where the responses carry one (xarray)."""
    coords = getattr(responses, "coords", {})
    for name in ("orientation", "direction", "image", "stimulus"):
        if name in coords and coords[name].dims == responses.dims[:1]:
            return f"stimulus {row} ({name} {coords[name].values[row]})"
    return f"stimulus {row}"
