"""How often units without tuning are called tuned: the tests' rate of errors at three levels, as a table for the docs.

Run with ``python benchmarks/tuning_tests.py`` (some minutes). Every cell is the share of units with a p-value of
at most 0.05, 0.01 and 0.001, of as many units as fit into 20 million responses, up to 100,000.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from normenc import tuning

LEVELS = (0.05, 0.01, 0.001)
Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]

NOISE: dict[str, Draw] = {
    "Gaussian": lambda rng, shape: rng.normal(size=shape),
    "Poisson, 0.2 spikes": lambda rng, shape: rng.poisson(0.2, shape).astype(np.float64),
    "gamma, shape 0.5": lambda rng, shape: rng.gamma(0.5, size=shape),
    "lognormal": lambda rng, shape: rng.lognormal(size=shape),
    "dF/F, events in 20 % of trials": lambda rng, shape: (
        rng.lognormal(sigma=0.8, size=shape) * (rng.random(shape) < 0.2) + 0.1 * rng.normal(size=shape)
    ),
}
DESIGNS: dict[str, tuple[Floats, float]] = {
    "12 directions x 20": (np.repeat(np.arange(0, 360, 30.0), 20), 360.0),
    "6 orientations x 10": (np.repeat(np.arange(0, 180, 30.0), 10), 180.0),
    "8 directions x 3": (np.repeat(np.arange(0, 360, 45.0), 3), 360.0),
    "180 orientations x 2": (np.repeat(np.arange(0, 180, 1.0), 2), 180.0),
    "8 directions x 3 to 40": (np.repeat(np.arange(0, 360, 45.0), [3, 3, 5, 20, 20, 20, 30, 40]), 360.0),
    "36 averages": (np.arange(0, 180, 5.0), 180.0),
}


def rates(p_values: Floats) -> str:
    """Shares at the three levels; a dash where the test cannot be made."""
    tested = p_values[np.isfinite(p_values)]
    return ", ".join(f"{(tested <= level).mean():.2g}" for level in LEVELS) if len(tested) else "–"


def n_units(n_trials: int) -> int:
    """As many as are drawn at a time."""
    return min(100_000, int(2e7 / n_trials))


def untuned() -> None:
    """Units that are tuned to nothing."""
    print("| design | noise | any | orientation | direction |\n|---|---|---|---|---|")
    for design, (degrees, period) in DESIGNS.items():
        for noise, draw in NOISE.items():
            responses = draw(np.random.default_rng(0), (len(degrees), n_units(len(degrees))))
            found = [tuning.stimulus_p_values(responses, degrees)]
            found.append(tuning.orientation_p_values(responses, degrees, period=period))
            cells = [rates(p_values) for p_values in found]
            cells.append(rates(tuning.direction_p_values(responses, degrees)) if period == 360 else "–")
            print(f"| {design} | {noise} | {' | '.join(cells)} |", flush=True)


def tuned_to_orientation_alone() -> None:
    """Direction, of units that prefer an orientation but neither of its directions, and vary where they respond."""
    print("\n| design | responses | direction |\n|---|---|---|")
    for design, (degrees, period) in DESIGNS.items():
        if period != 360:
            continue
        rng = np.random.default_rng(1)
        rates_of_units = 0.2 + 5 * tuning.von_mises(degrees[:, None], rng.uniform(0, 180, n_units(len(degrees))), 4.0)
        for name, responses in (
            ("Poisson, 0.2 to 5.2 spikes", rng.poisson(rates_of_units).astype(np.float64)),
            ("gain noise of 70 %", rates_of_units * rng.gamma(2.0, 0.5, rates_of_units.shape)),
        ):
            print(f"| {design} | {name} | {rates(tuning.direction_p_values(responses, degrees))} |", flush=True)


def silent() -> None:
    """Responses to stimuli that are like those to none."""
    print("\n| stimuli x trials, blanks | noise | responsive |\n|---|---|---|")
    for n_stimuli, n_trials, n_blanks in ((12, 20, 20), (8, 10, 10), (8, 10, 80), (12, 5, 20), (8, 20, 5)):
        for noise, draw in NOISE.items():
            rng, n = np.random.default_rng(2), n_units(n_stimuli * n_trials)
            responses, blanks = draw(rng, (n_stimuli * n_trials, n)), draw(rng, (n_blanks, n))
            found = tuning.responsiveness_p_values(responses, np.repeat(np.arange(n_stimuli), n_trials), blanks)
            print(f"| {n_stimuli} x {n_trials}, {n_blanks} | {noise} | {rates(found)} |", flush=True)


if __name__ == "__main__":
    untuned()
    tuned_to_orientation_alone()
    silent()
