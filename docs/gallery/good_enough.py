"""
Are my data good enough?
========================

Before any network is compared: do the responses repeat, what could they decide, and would more
trials help?
"""

import matplotlib.pyplot as plt

from normenc import controls, figures, quality, recordings, rsa, stimuli
from normenc.representations import represent

# %%
# Three simulated recordings of the same cells: with many trials, with few, and with labels in the
# wrong order, as a mistake in a script leaves them. The check is told nothing of this. For a file,
# it is ``normenc check mine.npz`` in the terminal.

good = recordings.simulated_v1(80, n_repeats=8, n_stimuli=19, seed=2)
few = recordings.simulated_v1(80, n_repeats=2, n_stimuli=19, seed=2)
mixed = recordings.contaminate(good, shuffled=True, seed=2)
wrong = recordings.Recording.from_trials(
    "wrong labels", mixed["responses"], orientation=mixed["orientation"]
)
checks = {
    name: quality.check(own)
    for name, own in {"8 trials": good, "2 trials": few, "wrong labels": wrong}.items()
}
for name, found in checks.items():
    print(f"{name}: {found.verdict}; reliability {found.rdm.reliability:.2f}, p = {found.rdm.p_value:.2f}")

# %%
# The matrices show why. Halves of the trials of a reliable recording agree on which gratings are
# alike.

# Picture: RDMs of recordings; neighbours are alike with 8 trials, less so with 2, not with wrong labels
figures.rdms(
    {name: rsa.rdm(own.responses) for name, own in zip(checks, (good, few, wrong), strict=True)},
    good.stimulus,
)

# %%
# What could comparisons with the first recording decide?

for sentence in quality.decisions(checks["8 trials"].decidable, good.kind, good.n_stimuli):
    print("-", sentence)

# %%
# Which of several models would be found, if it were the truth? Recordings are simulated from each
# of them, of 80 neurons whose noise in a trial is three times the signal, and the most similar
# model is named.

images = stimuli.gratings(good.stimulus)
models = {
    "Fourier amplitude": rsa.rdm(represent(controls.fourier_amplitude, images)["amplitude"]),
    "Gabor energy": rsa.rdm(represent(controls.gabor_energy, images)["energy"]),
    "orientation model": rsa.rdm(controls.orientation_model(good.stimulus)["orientation"]),
}
_, panels = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
# Picture: what simulated recordings are taken for, with 2 trials and with 8, which are rarely mistaken
for axes, n_trials in zip(panels, (2, 8), strict=True):
    named = rsa.identification(models, n_neurons=80, noise=3.0, n_repeats=n_trials, n_simulations=200)
    figures.identification_map(named.table, axes=axes)
    axes.set_title(f"{n_trials} trials of each grating")
plt.show()

# %%
# **What this shows.** Whether responses repeat, whether their labels are right, and how many
# trials tell these models apart.
#
# **What this does not show.** Whether the true model is among those that you thought of.
# ``normenc identify`` and ``normenc power`` ask the same of the layers of your own study, with the
# noise that your trials have (:doc:`/identification`).
