"""
My own network, and my own control
==================================

A model of your own takes part by the same rules as those that come with normenc: a network is any
:class:`torch.nn.Module`, and a control is any function from images to responses.
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from normenc import figures, quality, recordings, rsa, stimuli, tasks, training
from normenc.representations import represent

# %%
# The network: filters, their squares as in the energy model of complex cells, and an average over
# neighbours.


class Energy(nn.Module):
    """Learned filters whose squared outputs are averaged."""

    def __init__(self):
        super().__init__()
        self.filters = nn.Conv2d(1, 8, kernel_size=9, stride=4)
        self.energy = nn.AvgPool2d(3)
        self.out = nn.Linear(8 * 3 * 4, 1)

    def forward(self, images):
        """Probability that each image, of 48 x 64 pixels, is tilted to the right."""
        energy = self.energy(self.filters(images[:, None]).square())
        return torch.sigmoid(self.out(energy.flatten(1)))


# %%
# The control: an image by the mean grey of 6 x 6 cells, which tells where it is light and where it
# is dark.


def coarse_light(images):
    """Mean grey of each cell of a 6 x 6 grid."""
    return {"light": nn.functional.adaptive_avg_pool2d(images[:, None], 6).flatten(1)}


# %%
# Train the one, and compare both.

task = tasks.TiltDiscrimination(n_train=500)
result = training.train(Energy, task, seed=1, n_epochs=20, learning_rate=0.01, momentum=0.9, progress=False)
log = result.log
print(f"correct on fresh gratings: {log.held_out_score:.2f}, before training {log.untrained_score:.2f}")

recording = recordings.simulated_v1(150, n_repeats=8, n_stimuli=37, seed=1)
images = stimuli.gratings(recording.stimulus)
models = {
    "energy": rsa.rdm(represent(result.network, images, ["energy"])["energy"]),
    "energy, untrained": rsa.rdm(represent(result.untrained, images, ["energy"])["energy"]),
    "coarse light": rsa.rdm(represent(coarse_light, images)["light"]),
}
found = rsa.infer(models, **quality.rdms_for_inference(recording), ordered=True, n_samples=100)

# Picture: similarity with V1 of the trained network, its untrained twin, and the control
found.plot(recording.label)

# %%
# The filters, before and after training.

# Picture: eight filters of 9 x 9 pixels, as they began and as learned, most nearly the same
figures.learned_filters(
    result.untrained.filters.weight.detach()[:, 0], result.network.filters.weight.detach()[:, 0]
)
plt.show()

# %%
# **What this shows.** The network solves the task with filters most of which hardly changed.
# Training makes it a little more similar to the recording; before, it was no more similar than
# coarse light.
#
# **What this does not show.** What other seeds would give: train several
# (:ref:`sphx_glr_examples_training_effect.py`). In a study file, a control is named by its import
# path, ``"my_lab:coarse_light"``, and so is a network, which a study also tells the size of its
# images and the number of its outputs (:doc:`/own_parts`).
