"""
An encoding model as rival
==========================

Similar matrices, or predicted neurons? An encoding model asks whether each neuron's responses can
be predicted from a layer. The two answers may differ.
"""

import matplotlib.pyplot as plt
import pandas as pd

from normenc import controls, encoding, figures, quality, recordings, rsa, stimuli
from normenc.representations import represent

# %%
# A simulated recording of which the truth is known: each neuron reads three units of Gabor energy.

orientation = range(-90, 90, 5)
images = stimuli.gratings(orientation)
layers = {
    "Gabor energy": represent(controls.gabor_energy, images)["energy"],
    "Fourier amplitude": represent(controls.fourier_amplitude, images)["amplitude"],
    "pixels": represent(controls.pixels, images)["pixels"],
}
recording = recordings.simulated_from_layer(
    layers["Gabor energy"], orientation, n_neurons=60, n_inputs=3, explainable_variance=0.3, seed=1
).recording

# %%
# Predict every neuron from each layer, by ridge regression. Arcs of neighbouring orientations are
# left out of each fit, so that few gratings are predicted from their next neighbours. FEVE is the
# share of the explainable variance.

rows = []
for name, layer in layers.items():
    prediction = encoding.cross_validated_predictions(
        layer, recording.responses, ordered=True, blocks_per_fold=2
    )
    rows.append(encoding.predictivity(prediction, recording.trials, n_samples=100).row(model=name))
predicted = pd.DataFrame(rows).set_index("model")
print(predicted[["r", "feve", "feve_low", "feve_high"]].round(2).to_string())

# %%
# And compare RDMs, as elsewhere.

models = {name: rsa.rdm(layer) for name, layer in layers.items()}
found = rsa.infer(models, **quality.rdms_for_inference(recording), ordered=True, n_samples=100)
similarity = found.models.set_index("model")

with figures.style():
    _, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    # Picture: explained variance of neurons against similarity of RDMs, a point for each of three models
    for name, row in predicted.iterrows():
        similar = similarity.loc[name]
        x, y = similar["similarity"], row["feve"]
        across, up = (
            [[x - similar["low"]], [similar["high"] - x]],
            [[y - row["feve_low"]], [row["feve_high"] - y]],
        )
        axes.errorbar(x, y, xerr=across, yerr=up, fmt="o", label=name)
    axes.set(xlabel="similarity of RDMs (Pearson r)", ylabel="explained variance of neurons (FEVE)")
    axes.set(xlim=(0, 1.05), ylim=(-0.2, 1.05))
    axes.legend(loc="lower right")
plt.show()

# %%
# **What this shows.** Both name the true model. Even that one explains less than all of the
# variance, because its weights must be estimated from few noisy stimuli.
#
# **What this does not show.** Which of the two is right when they disagree: :doc:`/encoding` lists
# what each disagreement may mean. In a study, ``[encoding] enabled = true`` adds these numbers for
# every layer, twin and control.
