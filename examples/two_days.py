"""The recording that most labs have, simulated: one mouse, two days, twelve drifting directions, blanks.

    python examples/two_days.py [DIR] [--neurons 900]
    normenc check DIR/mouse.npy --missing neurons

It writes ``mouse.npy`` (trial x neuron, dF/F), ``mouse.csv`` (one row a trial: session, direction, empty for blanks),
``mouse.neurons.csv`` (one row a neuron: its ROI number and quality, some of them missing), and ``truth.csv``: what each
neuron is tuned to, which no analysis is told. No animal was recorded.

Of every five neurons three are tuned to orientation alike in both directions, one to direction, and one to nothing;
half of the latter do not respond at all. Tuning curves are von Mises functions of direction, with a bump of the same
width half a turn away. Noise is partly shared: three latent fluctuations and, larger on the second day, a common gain.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

DIRECTIONS = np.arange(0, 360, 30.0)
N_REPEATS, N_BLANKS = 10, 10  # of each direction, and of blanks, on each day
KINDS = ("orientation", "orientation", "orientation", "direction", "untuned")
N_UNSCORED, N_LOST = 12, 3  # neurons without a quality, and those whose trace breaks off on the second day


def truth(n_neurons: int, rng: np.random.Generator) -> pd.DataFrame:
    """What each neuron is tuned to: preferred direction, width at half height (degrees), amplitudes (dF/F)."""
    kind = np.array(KINDS)[np.arange(n_neurons) % len(KINDS)]
    width = rng.uniform(40, 80, n_neurons)
    amplitude = rng.gamma(4.0, 0.15, n_neurons)
    opposite = np.where(kind == "orientation", amplitude, rng.uniform(0, 0.3, n_neurons) * amplitude)
    responds = (kind != "untuned") | (np.arange(n_neurons) % 2 == 0)
    table = pd.DataFrame(
        {
            "neuron": np.arange(n_neurons),
            "roi": np.cumsum(rng.integers(1, 4, n_neurons)),  # the regions of interest that were no cells are gone
            "tuned_to": kind,
            "responds": responds,
            "preferred_direction_deg": rng.uniform(0, 360, n_neurons),
            "width_deg": width,
            "amplitude": amplitude,
            "opposite_amplitude": opposite,
        }
    )
    tuned_columns = ["preferred_direction_deg", "width_deg", "opposite_amplitude"]
    table.loc[kind == "untuned", tuned_columns] = np.nan
    table.loc[~responds, "amplitude"] = 0.0
    return table


def mean_responses(neurons: pd.DataFrame, direction: np.ndarray) -> np.ndarray:
    """Expected response (n_trials, n_neurons) to each direction, 0 in blanks (NaN)."""
    angle = np.radians(direction[:, None] - neurons["preferred_direction_deg"].to_numpy())
    # Of a von Mises bump exp(k (cos x - 1)) half of the height is reached at cos x = 1 - log(2) / k.
    k = np.log(2) / (1 - np.cos(np.radians(neurons["width_deg"].to_numpy() / 2)))
    amplitude, opposite = neurons["amplitude"].to_numpy(), neurons["opposite_amplitude"].to_numpy()
    tuned = amplitude * np.exp(k * (np.cos(angle) - 1)) + opposite * np.exp(k * (-np.cos(angle) - 1))
    untuned = neurons["tuned_to"].to_numpy() == "untuned"
    return np.where(np.isnan(direction)[:, None], 0.0, np.where(untuned, amplitude, tuned))


def recorded(neurons: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, pd.DataFrame]:
    """Responses (n_trials, n_neurons) and the table of trials."""
    shown = np.concatenate([np.repeat(DIRECTIONS, N_REPEATS), np.full(N_BLANKS, np.nan)])
    direction = np.concatenate([rng.permutation(shown), rng.permutation(shown)])
    day = np.repeat(["day1", "day2"], len(shown))
    gain = np.where(day == "day1", 1.0, 0.85) * rng.gamma(25.0, 1 / 25.0, len(direction))
    mixing = rng.normal(0, 0.06, (3, len(neurons)))
    noise = rng.normal(size=(len(direction), 3)) @ mixing + rng.normal(0, 0.25, (len(direction), len(neurons)))
    responses = gain[:, None] * mean_responses(neurons, direction) + noise
    trials = pd.DataFrame({"trial": np.arange(len(direction)), "session": day, "direction": direction})
    facts = {"species": "mouse", "area": "V1", "units": "dF/F", "simulated": "yes"}
    return responses.astype(np.float32), trials.assign(**facts)


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("two_days"))
    parser.add_argument("--neurons", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    rng = np.random.default_rng(options.seed)
    neurons = truth(options.neurons, rng)
    responses, trials = recorded(neurons, rng)
    lost = np.sort(rng.permutation(options.neurons)[:N_LOST])
    responses[len(trials) // 2 :, lost] = np.nan
    quality = np.where(rng.random(options.neurons) < 0.9, "good", "dim").astype(object)
    quality[np.sort(rng.permutation(options.neurons)[:N_UNSCORED])] = ""

    options.folder.mkdir(parents=True, exist_ok=True)
    np.save(options.folder / "mouse.npy", responses)
    trials.to_csv(options.folder / "mouse.csv", index=False)
    table = pd.DataFrame({"roi": neurons["roi"], "quality": quality})
    table.to_csv(options.folder / "mouse.neurons.csv", index=False)
    neurons.assign(lost=np.isin(neurons["neuron"], lost)).to_csv(options.folder / "truth.csv", index=False)
    print(f"wrote {len(trials)} trials x {options.neurons} neurons to {options.folder}")


if __name__ == "__main__":
    main()
