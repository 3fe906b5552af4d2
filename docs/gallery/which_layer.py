"""
Which layer matches my V1?
==========================

A network is trained to tell gratings tilted to the right from gratings tilted to the left. Which
of its layers represents gratings as the recording does, and is that layer closer than image
filters that were never trained?
"""

import matplotlib.pyplot as plt

from normenc import controls, figures, networks, quality, recordings, rsa, stimuli, tasks, training
from normenc.representations import represent

# %%
# The recording: 200 neurons of a simulated mouse V1, orientations in steps of 5 degrees, 8 trials
# of each. In its place, ``recordings.load("mine.npz")`` reads your own.

recording = recordings.simulated_v1(200, n_repeats=8, n_stimuli=37, seed=1)
print(recording)

# %%
# The network, trained for a few seconds. It never sees a neuron.

task = tasks.TiltDiscrimination(n_train=500)
result = training.train(networks.ConvPoolFC, task, seed=12, n_epochs=16, progress=False)
log = result.log
print(f"correct on fresh gratings: {log.held_out_score:.2f}, before training {log.untrained_score:.2f}")

# %%
# Its layers, and three controls, see the gratings that the animal saw. A representational
# dissimilarity matrix (RDM) says how differently any two gratings are represented, whatever the
# neurons or units are.

images = stimuli.gratings(recording.stimulus)
layers = represent(result.network, images, ["conv", "pool", "fc"])
filters = {
    "Fourier amplitude": represent(controls.fourier_amplitude, images)["amplitude"],
    "Gabor energy": represent(controls.gabor_energy, images)["energy"],
    "pixels": represent(controls.pixels, images)["pixels"],
}
models = {name: rsa.rdm(responses) for name, responses in (layers | filters).items()}

# Picture: RDMs of V1, of three layers of the network and of three controls
figures.rdms({"V1": rsa.rdm(recording.responses), **models}, recording.stimulus)

# %%
# How similar is each to the recording? Lines are 95 % confidence intervals. The grey band is the
# noise ceiling: the similarity that the true model would reach with this many trials.

found = rsa.infer(models, **quality.rdms_for_inference(recording), ordered=True, n_samples=100)

# Picture: similarity of each layer and control with V1, with intervals and noise ceiling
found.plot(recording.label)

# %%
# Is the best layer closer than the others? Intervals that overlap do not answer this. The paired
# tests do.

best = found.models.set_index("model")["similarity"][list(layers)].idxmax()
pairs = found.pairs[found.pairs["model"].eq(best) | found.pairs["other"].eq(best)]
print(pairs[["model", "other", "difference", "low", "high", "p_holm"]].round(3).to_string(index=False))
plt.show()

# %%
# **What this shows.** Of the three layers, the pooling layer is closest, though its lead over
# ``fc`` may be chance. Gabor energy, which was never trained, is closer still.
#
# **What this does not show.** Whether training made the layer similar: its untrained twin may be
# as close (:ref:`sphx_glr_examples_training_effect.py`). And a similarity of orientations may say
# no more than that dissimilarity grows with the angle (:ref:`sphx_glr_examples_circle.py`).
