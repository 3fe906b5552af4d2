"""
More than a circle?
===================

In nearly every code of orientation, dissimilarity grows with the angle between gratings. A high
similarity may say no more than that. What is left when this is taken out?
"""

import matplotlib.pyplot as plt
import numpy as np

from normenc import controls, quality, recordings, rsa, stimuli, tuning
from normenc.representations import represent

# %%
# A simulated population with more neurons for vertical and horizontal, as is often found in visual
# cortex.

rng = np.random.default_rng(0)
orientation = np.arange(-90, 90, 7.5)


def tuned(preferred):
    """Mean responses of neurons with these preferred orientations."""
    return np.stack([tuning.von_mises(orientation, own, 3.0) for own in preferred], axis=1)


cardinal = np.concatenate([rng.normal(axis, 12, 60) for axis in (0, 90)])
code = tuned(np.concatenate([cardinal, rng.uniform(-90, 90, 120)]))
recording = recordings.simulated_from_layer(code, orientation, n_neurons=200, n_repeats=8, seed=0).recording

# %%
# Models with and without such a preference.

images = stimuli.gratings(orientation)
models = {
    "more cardinal neurons": rsa.rdm(code),
    "all orientations alike": rsa.rdm(tuned(orientation)),
    "Gabor energy": rsa.rdm(represent(controls.gabor_energy, images)["energy"]),
    "pixels": rsa.rdm(represent(controls.pixels, images)["pixels"]),
}

# %%
# Each RDM is divided in two: its *profile*, the mean dissimilarity at each angle between gratings,
# and the *rest*, which says where on the circle gratings are more or less dissimilar than that.

given = quality.rdms_for_inference(recording)
options = {"positions": orientation, "period": 180, "generalise_to": ["neurons"], "align": False}
found = rsa.infer_circular_parts(models, **given, **options, n_samples=100)
columns = ["model", "part", "share", "similarity", "low", "high", "ceiling_lower"]
print(found.models[columns].round(2).to_string(index=False))

# %%
# The two parts of the recording, and of the model that resembles it most.

shown = {"recording": rsa.rdm(recording.responses), "model": models["more cardinal neurons"]}
_, panels = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
# Picture: RDMs of the recording and of a model with more cardinal neurons: whole, profile, and rest
for row, (name, rdm) in zip(panels, shown.items(), strict=True):
    parts = rsa.circular_parts(rdm, orientation, period=180)
    limit = np.abs(parts.rest).max()
    row[0].imshow(rdm, vmin=0)
    row[1].imshow(parts.profile, vmin=0)
    row[2].imshow(parts.rest, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for axes, part in zip(row, ("whole", "profile", "rest"), strict=True):
        axes.set(title=f"{name}: {part}", xticks=[], yticks=[])
plt.show()

# %%
# **What this shows.** As wholes, all codes of orientation are similar to the recording. In the
# rest, the model with more cardinal neurons is the most similar, and one in which all orientations
# are alike has no rest at all.
#
# **What this does not show.** Why neurons prefer some orientations: a rest may have several
# causes, among them directions of drift (:doc:`/statistics`).
