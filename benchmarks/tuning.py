"""Time descriptions of 23,589 units over 181 orientations, and fits against SciPy's curve_fit unit by unit.

Run with ``python benchmarks/tuning.py``, or ``make bench``. curve_fit does 200 of the units, from one start each and
with its own limit of evaluations, and its time is scaled to all of them. One permutation at a time, as one would write
it, does 5 of 200, scaled likewise.
"""

import contextlib
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy
from rich.console import Console
from rich.table import Table
from scipy import optimize

from normenc import tuning

N_UNITS, N_PERMUTATIONS = 23_589, 200
PEERS_UNITS, PEERS_PERMUTATIONS = 200, 5
ORIENTATIONS = np.linspace(-90, 90, 181)
DIRECTIONS = np.linspace(0, 360, 181)
Responses = npt.NDArray[np.float32]
Call = Callable[[], object]
Row = tuple[str, Call, Call | None, float]


def population(degrees: npt.NDArray[np.float64], period: float) -> Responses:
    """Units of all preferences, widths and signal-to-noise ratios; a tenth has no tuning."""
    rng = np.random.default_rng(0)
    preferred, concentration = rng.uniform(-period / 2, period / 2, N_UNITS), rng.uniform(0.5, 12, N_UNITS)
    signal = rng.uniform(0.3, 3, N_UNITS) * (rng.random(N_UNITS) > 0.1)
    around = 2 * np.pi / period * (degrees[:, None] - preferred)
    means = np.exp(concentration * (np.cos(around) - 1))
    if period == 360:
        means += rng.uniform(0, 1, N_UNITS) * np.exp(concentration * (-np.cos(around) - 1))
    return (signal * means + rng.normal(size=means.shape)).astype(np.float32)


def curve_fits(responses: Responses, degrees: npt.NDArray[np.float64], period: float) -> None:
    """Fit the first units one by one, each from its largest response."""

    def curve(x, base, height, at, k, *opposite):  # type: ignore[no-untyped-def]
        around = 2 * np.pi / period * (x - at)
        rise = height * np.exp(k * (np.cos(around) - 1))
        return base + (rise + opposite[0] * np.exp(k * (-np.cos(around) - 1)) if opposite else rise)

    for own in responses[:, :PEERS_UNITS].T.astype(np.float64):
        start = [own.mean(), np.ptp(own), degrees[own.argmax()], 2.0, 0.1][: 4 if period == 180 else 5]
        lowest = [-np.inf, 0, -np.inf, 0.02, 0][: len(start)]
        highest = [np.inf, np.inf, np.inf, 2000, np.inf][: len(start)]
        with contextlib.suppress(RuntimeError):  # where it finds none
            optimize.curve_fit(curve, degrees, own, start, bounds=(lowest, highest))


def permutations_in_a_loop(responses: Responses) -> None:
    rng = np.random.default_rng(0)
    centred = responses - responses.mean(axis=0)
    waves = np.exp(2j * np.radians(ORIENTATIONS))
    shown = np.abs(waves @ centred)
    sum(np.abs(waves[rng.permutation(len(waves))] @ centred) >= shown for _ in range(PEERS_PERMUTATIONS))


def indices(responses: Responses) -> None:
    curves = tuning.tuning_curves(responses, ORIENTATIONS)
    for measure in (tuning.preferred, tuning.global_selectivity, tuning.orientation_selectivity_index):
        measure(curves.mean, curves.stimulus)


def p_values(responses: Responses, degrees: npt.NDArray[np.float64]) -> None:
    tuning.stimulus_p_values(responses, tuning.around_zero(degrees))
    tuning.orientation_p_values(responses, degrees)


def rows() -> list[Row]:
    oriented, directed = population(ORIENTATIONS, 180), population(DIRECTIONS, 360)
    trials = np.concatenate([oriented, oriented + np.random.default_rng(1).normal(size=oriented.shape)]).astype("f4")
    repeats, twice = trials.reshape(2, 181, N_UNITS), np.tile(ORIENTATIONS, 2)
    n, all_units = N_PERMUTATIONS, N_UNITS / PEERS_UNITS
    one_by_one = N_PERMUTATIONS / PEERS_PERMUTATIONS
    return [
        ("curves, preferred, gOSI, OSI", lambda: indices(oriented), None, 0),
        (
            f"{n} permutations (peer: one at a time, {PEERS_PERMUTATIONS}, x {one_by_one:.0f})",
            lambda: tuning.selectivity_p_values(oriented, ORIENTATIONS, n_permutations=n),
            lambda: permutations_in_a_loop(oriented),
            one_by_one,
        ),
        (
            f"von Mises fits (peer: curve_fit, {PEERS_UNITS} units, x {all_units:.0f})",
            lambda: tuning.fit_von_mises(oriented, ORIENTATIONS),
            lambda: curve_fits(oriented, ORIENTATIONS, 180),
            all_units,
        ),
        (
            f"double von Mises fits (peer: curve_fit, {PEERS_UNITS} units, x {all_units:.0f})",
            lambda: tuning.fit_von_mises(directed, DIRECTIONS, period=360),
            lambda: curve_fits(directed, DIRECTIONS, 360),
            all_units,
        ),
        ("tests of any tuning and of orientation, 2 trials each", lambda: p_values(trials, twice), None, 0),
        (
            "population_summary: curves, indices, fits, tests",
            lambda: tuning.population_summary(oriented, ORIENTATIONS),
            None,
            0,
        ),
        (
            "population_summary of 2 trials each, with reliability",
            lambda: tuning.population_summary(trials, twice),
            None,
            0,
        ),
        ("decoding by ridge, 362 trials", lambda: tuning.decode_orientation(trials, twice), None, 0),
        ("cross-validated spectrum", lambda: tuning.cross_validated_spectrum(repeats), None, 0),
    ]


def seconds(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    warnings.simplefilter("ignore", optimize.OptimizeWarning)
    table = Table(
        "work", "normenc", "peer", "peer / normenc", title="23,589 units x 181 stimuli, float32, one run, medians of 2"
    )
    for title, ours, peer, times in rows():
        own, others = [], []
        for _ in range(2):  # alternating
            own.append(seconds(ours))
            others.append(seconds(peer) * times if peer else float("nan"))
        fast, slow = statistics.median(own), statistics.median(others)
        table.add_row(title, f"{fast:,.2f} s", *((f"{slow:,.1f} s", f"{slow / fast:,.0f}") if peer else ("", "")))
    versions = f"Python {sys.version.split()[0]}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    print(f"{versions}, {os.cpu_count()} CPUs")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
