"""
What would tell these models apart?
===================================

Two models may be equally similar to a recording because its stimuli do not separate them. Which
stimuli would?
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from normenc import controls, figures, rsa, stimuli
from normenc.representations import represent

# %%
# A pool of gratings and plaids of many frequencies, contrasts and sizes, and three models of V1.

pool = stimuli.stimulus_pool(60, np.random.default_rng(0), kinds=["gratings", "plaids"], resolution=0.1)
models = {
    "Gabor energy": rsa.rdm(represent(controls.gabor_energy, pool.images)["energy"]),
    "Fourier amplitude": rsa.rdm(represent(controls.fourier_amplitude, pool.images)["amplitude"]),
    "pixels": rsa.rdm(represent(controls.pixels, pool.images)["pixels"]),
}

# %%
# The 12 stimuli of the pool that best separate them in an experiment of 40 neurons and 2 trials.

experiment = {"n_neurons": 40, "noise": 3.0, "n_repeats": 2}
chosen = rsa.choose_stimuli(models, 12, **experiment)

_, panels = plt.subplots(2, 6, figsize=(9, 2.8), layout="constrained")
kinds = pool.parameters["kind"].iloc[chosen.stimuli].str.removesuffix("s").tolist()
# Picture: the twelve chosen stimuli, most of them plaids
figures.example_stimuli(pool.images[chosen.stimuli].numpy(), kinds, axes=panels)

# %%
# How often would the true model be named, with these and with stimuli drawn at random?


def rate(places):
    """Share of simulated recordings that name their true model."""
    seen = {name: rdm[np.ix_(places, places)] for name, rdm in models.items()}
    table = rsa.identification(seen, **experiment, n_simulations=200).table
    return table.loc[table["truth"] == table["chosen"], "share"].mean()


rng = np.random.default_rng(1)
rates = {
    "chosen": [rate(chosen.stimuli)],
    "random": [rate(rng.choice(60, 12, replace=False)) for _ in range(10)],
}
print(pd.Series({name: np.mean(own) for name, own in rates.items()}).round(2).to_string())

with figures.style():
    _, axes = plt.subplots(figsize=(6, 2.5), layout="constrained")
    # Picture: identification rates of ten random sets of stimuli, and of the chosen set, which is higher
    for row, own in enumerate(rates.values()):
        axes.plot(own, [row] * len(own), "o", alpha=0.7)
    axes.set(yticks=range(2), yticklabels=list(rates), xlim=(0.3, 1), ylim=(-0.5, 1.5))
    axes.set_xlabel("share of recordings that name the true model")
    axes.axvline(1 / 3, color="grey", linestyle=":")
plt.show()

# %%
# **What this shows.** The chosen stimuli name the true model more often than random ones. The
# dotted line is chance.
#
# **What this does not show.** What real neurons do: their noise is assumed, and they are taken to
# be driven equally by all stimuli. ``normenc design`` takes noise and strength from a recording
# that you have, includes the layers of your networks, and writes the stimuli as files
# (:doc:`/design_stimuli`).
