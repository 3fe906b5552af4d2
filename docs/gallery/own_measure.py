"""
My own measure
==============

You would compare matrices in another way than by a correlation. Any function of two vectors of
dissimilarities will do, with the same intervals, tests and noise ceiling.
"""

import matplotlib.pyplot as plt
import numpy as np

from normenc import controls, figures, quality, recordings, rsa, stimuli
from normenc.representations import represent

# %%
# The measure: of the quarter of pairs that are most alike in each matrix, the share that is most
# alike in both.


def nearest_shared(x, y):
    """Pairs among the nearest quarter in both, as a share of those in either."""
    near_x, near_y = x <= np.quantile(x, 0.25), y <= np.quantile(y, 0.25)
    return (near_x & near_y).sum() / (near_x | near_y).sum()


measure = rsa.Measure("nearest shared", nearest_shared, symbol="nearest shared", range=(0, 1))

# %%
# Three simulated animals, and three models.

recording = recordings.simulated_v1(240, n_repeats=6, n_animals=3, n_stimuli=19, seed=5)
images = stimuli.gratings(recording.stimulus)
models = {
    "Gabor energy": rsa.rdm(represent(controls.gabor_energy, images)["energy"]),
    "Fourier amplitude": rsa.rdm(represent(controls.fourier_amplitude, images)["amplitude"]),
    "pixels": rsa.rdm(represent(controls.pixels, images)["pixels"]),
}

# %%
# Compare by it, and by a correlation. A function is called for every bootstrap sample and every
# order of the stimuli, so take few of them while you try it out.

given = quality.rdms_for_inference(recording) | {"ordered": True, "n_samples": 100, "n_permutations": 199}
with figures.style():
    _, panels = plt.subplots(1, 2, figsize=(11, 3), layout="constrained")
    # Picture: similarity of three models by Pearson correlation and by the new measure
    for axes, method in zip(panels, ("pearson", measure), strict=True):
        rsa.infer(models, **given, method=method).plot("3 simulated mice", axes=axes)
plt.show()

# %%
# **What this shows.** Both measures rank the models alike. Pixels share nothing with the recording
# by the correlation, and a fifth of the nearest pairs: two random choices of a quarter of the
# pairs share a seventh.
#
# **What this does not show.** Which measure is right. A measure answers a question, and its values
# cannot be compared with those of another. In a study file,
# ``measures = ["my_lab:nearest_shared"]`` names a function by its import path (:doc:`/own_parts`).
