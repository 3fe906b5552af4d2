"""Square matrices that hold something between stimuli, such as dissimilarities, and not responses of neurons."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.errors import InputError
from normenc.texts import argument

__all__ = ["between_stimuli", "question_square"]

EXACT = 1e-6  # of the largest value: symmetric, or zero, but for rounding
ABOUT = 0.01  # of the span: symmetric but for noise
FEWEST = 4  # rows from which on a matrix is not symmetric by chance
Floats = npt.NDArray[np.float64]


def between_stimuli(values: Floats, *, same_labels: bool = False) -> str | None:
    """In words, why a square matrix seems to hold something between stimuli, and what to do if so; None if not.

    Parameters
    ----------
    values : ndarray, shape (n, n)
    same_labels : bool
        Whether rows and columns bear the same labels.

    Examples
    --------
    >>> similar = np.exp(-np.abs(np.subtract.outer(np.arange(5), np.arange(5))))
    >>> between_stimuli(similar)
    'are symmetric with 1 on the diagonal, as similarities are; an RDM holds dissimilarities, such as 1 - similarity'
    >>> between_stimuli(np.arange(25.0).reshape(5, 5)) is None
    True
    """
    if np.isinf(values).any():
        return None
    others = values[~np.eye(len(values), dtype=bool)]
    scale = float(np.nanmax(np.abs(values), initial=0.0))
    gaps = np.abs(values - values.T)
    is_exact = np.array_equal(np.isnan(values), np.isnan(values.T)) and not (gaps > EXACT * scale).any()
    diagonal = np.diagonal(values)
    if is_exact and scale and len(values) >= 3 and (np.isnan(diagonal) | (np.abs(diagonal) <= EXACT * scale)).all():
        return "are symmetric and zero on the diagonal, as dissimilarities between stimuli are"
    if not same_labels and not _is_symmetric(values, others, gaps):
        return None
    why = "have the same labels along rows and columns" if same_labels else "are symmetric" + " to 1 %" * (not is_exact)
    low, high = float(np.nanmin(diagonal, initial=np.inf)), float(np.nanmax(diagonal, initial=-np.inf))
    on_it = "nothing" if high < low else f"{low:.3g}" if high - low <= EXACT * scale else f"{low:.3g} to {high:.3g}"
    why += f" with {on_it} on the diagonal"
    if high >= low and low > np.nanmax(others, initial=-np.inf):
        return f"{why}, as similarities are; an RDM holds dissimilarities, such as 1 - similarity"
    halves = "" if is_exact or np.isnan(gaps).any() else f" and halves that differ by up to {gaps.max():.2g}"
    return (
        f"{why}{halves}, as values between stimuli are; an RDM has the same values above and below its "
        "diagonal (the mean of both, for example), and zeros on it"
    )


def _is_symmetric(values: Floats, others: Floats, gaps: Floats) -> bool:
    """Whether both halves are alike to 1 % of what their values span, or one half is empty and the other is not."""
    if len(values) < FEWEST or not np.isfinite(others).any():
        return False
    halves = (values[np.triu_indices(len(values), 1)], values[np.tril_indices(len(values), -1)])
    filled = [np.count_nonzero(np.nan_to_num(half)) for half in halves]
    if min(filled) == 0:
        return bool(max(filled) > len(values))
    span = float(np.nanmax(others) - np.nanmin(others))
    return bool(span > 0 and np.isnan(values).sum() <= len(values) and not (gaps > ABOUT * span).any())


def question_square(responses: Any, name: str = "responses", **labels: str) -> None:
    """Raise InputError for responses that look like a matrix of dissimilarities, or of similarities."""
    shape = np.shape(responses)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 3 or hasattr(responses, "chunks"):
        return
    if np.asarray(responses).dtype.kind not in "iufb":  # refused elsewhere
        return
    said = between_stimuli(np.asarray(responses, dtype=np.float64))
    if said is not None:
        as_rdm = f"; if that is what they are, pass {argument(names={'rdm': name} | labels)}"
        raise InputError(
            f"{name} have shape {shape}, {said}{as_rdm if 'zero on' in said else ''}; if they are responses of "
            "neurons, pass " + argument(names={"responses": name} | labels)
        )
