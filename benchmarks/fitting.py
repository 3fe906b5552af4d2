"""Time fits of networks to the simulated population: the course's, and a core with each readout.

``python benchmarks/fitting.py`` fits 2,000 neurons and prints a table; ``--neurons 23589`` and ``--device cuda`` are
for a GPU, ``--only`` for some of the rows. R squared is the median over neurons, of stimuli that were not fitted.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from normenc import recordings, stimuli
from normenc.encoding import fitting, network, neuromatch, penalties, pixel_model

Result = tuple[int, float]
RESOLUTION = 0.025  # the course's: 12 x 16 pixels
N_REPEATS = 66  # as many trials of each of the course's 60 stimuli as its recording has


def fit_modern(readout: str, n_neurons: int, device: str) -> Callable[[], Result]:
    """Fit 16 filters and a readout to averages over 181 gratings, until early stopping."""
    recording = recordings.simulated_v1(n_neurons)
    images = stimuli.gratings(recording.orientation, resolution=RESOLUTION)
    responses = recording.responses.to_numpy()
    build = partial(network.encoding_network, readout=readout, n_channels=16)
    penalty = [penalties.Penalty("l2", 0.1)] if readout == "linear" else []

    def call() -> Result:
        fitted = fitting.fit(build, images, responses, seed=0, device=device, penalties=penalty, progress=False)
        predicted = fitted.predict(images[fitted.held_out])
        scores = pixel_model.explained_variance(responses[fitted.held_out], predicted)
        return int(fitted.log["step"].iloc[-1]), float(np.median(scores))

    return call


def fit_course(n_neurons: int, device: str) -> Callable[[], Result]:
    """Take the course's 200 steps, on half of the trials of 60 directions of which a fifth is held out."""
    recording = recordings.simulated_v1(n_neurons, n_repeats=N_REPEATS, direction=True, n_stimuli=60)
    images = stimuli.gratings(recording.orientation, resolution=RESOLUTION)
    halves = neuromatch.halves_of_trials(recording)
    options = {"share_of_images": 0.2, "device": device, "progress": False}

    def call() -> Result:
        found = neuromatch.fit_neuromatch_network(images, *halves, **options)
        return neuromatch.N_STEPS, float(found.explained_variance["held_out_images"].median())

    return call


ROWS = {
    "course": ("the course's network, 48 directions", fit_course),
    "gaussian": ("core + Gaussian point readout, 145 gratings", partial(fit_modern, "gaussian")),
    "factorised": ("core + factorised readout, 145 gratings", partial(fit_modern, "factorised")),
    "linear": ("core + full linear readout, L2, 145 gratings", partial(fit_modern, "linear")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neurons", type=int, default=2000)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", nargs="*", choices=list(ROWS), default=list(ROWS))
    options = parser.parse_args()
    title = f"fits of {options.neurons:,} simulated neurons, 12 x 16 pixels, one run"
    table = Table("fit", "seconds", "steps", "ms a step", "R² held-out stimuli", title=title)
    for name in options.only:
        label, make = ROWS[name]
        call = make(options.neurons, options.device)
        start = time.perf_counter()
        n_steps, score = call()
        if options.device != "cpu":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        table.add_row(label, f"{seconds:,.1f}", f"{n_steps:,}", f"{1e3 * seconds / n_steps:,.1f}", f"{score:.2f}")
    place = f"{os.cpu_count()} CPUs" if options.device == "cpu" else torch.cuda.get_device_name()
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, {place}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
