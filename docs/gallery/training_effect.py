"""
Did training change the match?
==============================

A trained layer that resembles the recording proves nothing by itself: perhaps it did so before it
was trained. The untrained twin has the same architecture and the same initial weights.
"""

import matplotlib.pyplot as plt
import numpy as np

from normenc import figures, networks, quality, recordings, rsa, stimuli, tasks, training
from normenc.representations import represent

# %%
# Three networks, from three seeds, kept as they were after some epochs.

epochs = [0, 1, 2, 4, 6]
members = training.train_ensemble(
    networks.ConvPoolFC,
    tasks.TiltDiscrimination(),
    seeds=range(3),
    n_epochs=6,
    checkpoints=epochs,
    progress=False,
)
for seed, member in members.items():
    log = member.log
    print(f"seed {seed}: {log.held_out_score:.2f} correct, before training {log.untrained_score:.2f}")

# %%
# RDMs of two layers over training, from all seeds: an array of seed x stimulus x stimulus for each
# epoch.

recording = recordings.simulated_v1(200, n_repeats=8, n_stimuli=37, seed=1)
images = stimuli.gratings(recording.stimulus)


def rdms_after(epoch):
    """RDMs of both layers of all seeds, after so many epochs."""
    shown = [represent(member.checkpoints[epoch], images, ["pool", "fc"]) for member in members.values()]
    return {layer: np.stack([rsa.rdm(responses[layer]) for responses in shown]) for layer in ("pool", "fc")}


over_training = {epoch: rdms_after(epoch) for epoch in epochs}

# %%
# Trained layers beside their twins. Intervals generalise over stimuli, neurons, trials and seeds.

before, after = over_training[0], over_training[epochs[-1]]
models = after | {f"{layer}, untrained": rdms for layer, rdms in before.items()}
found = rsa.infer(models, **quality.rdms_for_inference(recording), ordered=True, n_samples=100)

# Picture: similarity with V1; pool is as similar as its untrained twin, fc more similar than its own
found.plot(recording.label)

# %%
# The paired tests of each layer against its twin:

twins = found.pairs[found.pairs["other"].eq(found.pairs["model"] + ", untrained")]
print(twins[["model", "other", "difference", "low", "high", "p"]].round(3).to_string(index=False))

# %%
# The same over training, a line for each seed.

v1 = rsa.rdm(recording.responses)
with figures.style():
    _, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    # Picture: similarity with V1 over six epochs; the lines of pool are flat, those of fc rise
    for layer, colour in {"pool": "tab:blue", "fc": "tab:orange"}.items():
        similarities = [
            [rsa.compare_rdms(one, v1) for one in over_training[epoch][layer]] for epoch in epochs
        ]
        axes.plot(epochs, similarities, "o-", color=colour, label=[layer, "", ""])
    axes.set(xlabel="epochs of training", ylabel="similarity with V1 (Pearson r)", ylim=(0, 1))
    axes.legend()
plt.show()

# %%
# **What this shows.** The pooling layer is closest to the recording, and was so before it learned
# anything. Training does change ``fc``, which comes near the pooling layer, and no further.
#
# **What this does not show.** That the task explains the code: a layer that training improves must
# also be closer than controls that have no task (:ref:`sphx_glr_examples_which_layer.py`). Three
# seeds are few.
