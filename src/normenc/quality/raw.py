"""The responses in a file: missing, constant and duplicated ones, and their scale."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from normenc.arrays import as_matrix

__all__ = ["RawValues", "look_at"]

BLOCK = 2**22  # values at a time
FLAT = 1e-7  # standard deviation, relative to the mean, below the precision of float32


@dataclass(frozen=True)
class RawValues:
    """Unusual values of a trial x neuron matrix.

    Attributes
    ----------
    missing : int
        Responses that are NaN.
    neurons_missing, trials_missing : int
        Neurons, or trials, with at least one missing response.
    left_out : bool
        Whether those neurons, or trials, are left out because the user asks for it.
    infinite : int
        Responses.
    constant : int
        Neurons whose response never changes.
    duplicated : int
        Neurons, not constant, that repeat another one's responses exactly.
    smallest, largest : float
        NaN if nothing is finite.
    scale : str
        What the values look like: "spike counts", "firing rates", "z-scores", "values with a baseline subtracted, such
        as dF/F", or "values above 0, such as raw fluorescence".
    """

    missing: int
    neurons_missing: int
    trials_missing: int
    infinite: int
    constant: int
    duplicated: int
    smallest: float
    largest: float
    scale: str
    left_out: bool = False


def look_at(responses: Any) -> RawValues:
    """Count unusual values of responses, shape (n_trials, n_neurons).

    Examples
    --------
    >>> raw = look_at([[0, 1, 1, 7], [2, 3, 3, 7], [1, 0, 0, 7], [1, float("nan"), 0, 7]])
    >>> raw.missing, raw.neurons_missing, raw.constant, raw.duplicated, raw.scale
    (1, 1, 1, 0, 'spike counts')
    """
    values = as_matrix(responses)
    blocks = [_look_at_block(block) for block in _blocks(values)]
    digests = [digest for block in blocks for digest in block.digests]
    finite = [block for block in blocks if block.n_finite]
    return RawValues(
        missing=sum(int(block.nan_per_trial.sum()) for block in blocks),
        neurons_missing=sum(block.neurons_missing for block in blocks),
        trials_missing=int((np.sum([block.nan_per_trial for block in blocks], axis=0) > 0).sum()),
        infinite=sum(block.infinite for block in blocks),
        constant=sum(block.constant for block in blocks),
        duplicated=len(digests) - len(set(digests)),
        smallest=min((block.smallest for block in finite), default=float("nan")),
        largest=max((block.largest for block in finite), default=float("nan")),
        scale=_scale(finite, values.shape[1]),
    )


@dataclass(frozen=True)
class _Block:
    """The same for some of the neurons."""

    nan_per_trial: npt.NDArray[np.intp]
    neurons_missing: int
    infinite: int
    constant: int
    digests: list[bytes]
    n_finite: int
    smallest: float
    largest: float
    n_whole: int
    n_zero: int
    n_standard: int  # neurons of mean 0 and standard deviation 1, roughly


def _blocks(values: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """Some neurons at a time, one a row."""
    width = max(1, BLOCK // len(values))
    for start in range(0, values.shape[1], width):
        yield np.ascontiguousarray(values[:, start : start + width].T)


def _look_at_block(part: npt.NDArray[Any]) -> _Block:
    nan = np.isnan(part)
    good = np.isfinite(part)
    n_good = np.maximum(good.sum(axis=1), 1)
    known = np.where(good, part, 0)
    mean = known.sum(axis=1, dtype=np.float64) / n_good
    with np.errstate(over="ignore"):  # values too large to be squared are refused later
        spread = np.sqrt(np.where(good, np.square(known - mean[:, None]), 0).sum(axis=1, dtype=np.float64) / n_good)
    flat = good.any(axis=1) & (spread <= FLAT * np.abs(mean))
    finite = part[good]
    return _Block(
        nan_per_trial=nan.sum(axis=0),
        neurons_missing=int(nan.any(axis=1).sum()),
        infinite=int(np.isinf(part).sum()),
        constant=int(flat.sum()),
        digests=[blake2b(row.tobytes(), digest_size=16).digest() for row in part[good.any(axis=1) & ~flat]],
        n_finite=finite.size,
        smallest=float(finite.min(initial=np.inf)),
        largest=float(finite.max(initial=-np.inf)),
        n_whole=int((finite == np.round(finite)).sum()),
        n_zero=int((finite == 0).sum()),
        n_standard=int(((np.abs(mean) < 0.3) & (np.abs(spread - 1) < 0.5)).sum()),
    )


def _scale(blocks: list[_Block], n_neurons: int) -> str:
    """What the values look like; an array cannot reveal the unit itself."""
    n_finite = sum(block.n_finite for block in blocks)
    if not n_finite:
        return "only missing values"
    negative = any(block.smallest < 0 for block in blocks)
    if not negative and sum(block.n_whole for block in blocks) == n_finite:
        return "spike counts"
    if negative and 2 * sum(block.n_standard for block in blocks) > n_neurons:
        return "z-scores"
    if negative:
        return "values with a baseline subtracted, such as dF/F"
    # Rates of single trials are often exactly 0, fluorescence never.
    return (
        "firing rates"
        if sum(block.n_zero for block in blocks) > 1e-3 * n_finite
        else ("values above 0, such as raw fluorescence")
    )
