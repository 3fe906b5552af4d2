"""
Is the model as close as one animal to another?
===============================================

A model that is less similar to an animal than animals are to each other can be told from an
animal. That is a mark to reach, beside the noise ceiling.
"""

import matplotlib.pyplot as plt

from normenc import controls, encoding, figures, quality, recordings, rsa, stimuli
from normenc.representations import represent

# %%
# Six simulated animals of 40 neurons each, whose tuning differs a little.

recording = recordings.simulated_v1(240, n_repeats=4, n_animals=6, n_stimuli=37, seed=3)
given = quality.rdms_for_inference(recording)
images = stimuli.gratings(recording.stimulus)
models = {
    "Gabor energy": rsa.rdm(represent(controls.gabor_energy, images)["energy"]),
    "Fourier amplitude": rsa.rdm(represent(controls.fourier_amplitude, images)["amplitude"]),
    "pixels": rsa.rdm(represent(controls.pixels, images)["pixels"]),
}

# %%
# The similarity of each model with each animal, minus that of the other animals with it.

found = rsa.against_animals(models, given["data"], subject=given["subject"], ordered=True, n_samples=200)
columns = ["model", "similarity", "between_animals", "difference", "low", "high", "p_holm"]
print(found.models[columns].round(2).to_string(index=False))

with figures.style():
    _, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    # Picture: similarity with six animals, minus that between animals; below 0 for pixels alone
    for place, row in found.models.iterrows():
        own = found.animals.loc[found.animals["model"] == row["model"], "difference"]
        axes.plot(own, [place] * len(own), "o", color="tab:blue", alpha=0.4)
        axes.plot([row["low"], row["high"]], [place, place], color="black")
        axes.plot(row["difference"], place, "D", color="black")
    axes.axvline(0, color="grey", linestyle=":")
    axes.set(yticks=range(len(models)), yticklabels=list(models), ylim=(2.5, -0.5))
    axes.set(xlabel="similarity with an animal, minus that of other animals with it")
plt.show()

# %%
# The noise ceiling asks more: how similar would the true model be?

ceiling = rsa.noise_ceiling(given["data"], subject=given["subject"])
print(f"between animals {found.between[0]:.2f}; noise ceiling {ceiling.lower:.2f} to {ceiling.upper:.2f}")

# %%
# A regression has two directions: a model predicts an animal, or an animal the model. It ignores
# what it does not need, so a model with much that no animal has loses nothing in the first.

layers = {
    "Gabor energy": represent(controls.gabor_energy, images)["energy"].to_numpy(),
    "Fourier amplitude": represent(controls.fourier_amplitude, images)["amplitude"].to_numpy(),
    "pixels": represent(controls.pixels, images)["pixels"].to_numpy(),
}
trials, animal = recording.trials, recording.responses["neuron_animal"]
arcs = {"labels": recording.stimulus % 180, "ordered": True, "blocks_per_fold": 3}
both = encoding.against_animals(layers, trials, animal, n_samples=200, **arcs)
print(both.models[["model", "direction", *columns[1:]]].round(2).to_string(index=False))

with figures.style():
    _, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    # Picture: minus what animals predict of each other; Fourier amplitude is below 0 one way
    rows = both.models[both.models["direction"] != "both"]
    for shift, (direction, own) in zip((-0.15, 0.15), rows.groupby("direction", sort=False), strict=True):
        places = [place + shift for place in range(len(layers))]
        reach = own["high"] - own["difference"]
        axes.errorbar(own["difference"], places, xerr=reach, fmt="D", label=direction)
    axes.axvline(0, color="grey", linestyle=":")
    axes.set(yticks=range(len(layers)), yticklabels=list(layers), ylim=(2.5, -0.5))
    axes.set(xlabel="explainable variance explained, minus that between animals")
    axes.legend()
plt.show()

# %%
# **What this shows.** Pixels can be told from an animal. Gabor energy cannot: it is more similar
# to an animal than animals are to each other, and yet below the noise ceiling. The Fourier
# amplitude predicts animals better than another animal does, but animals do not predict it: it
# holds much that they lack, which RDMs and the first direction do not tell.
#
# **What this does not show.** That a model which passes is right. Two animals are both noisy, and
# a model is not, so that the mark is easier to reach than the ceiling.
