"""
How are my neurons tuned, and the units of a network?
=====================================================

Tuning curves, preferences and selectivity, computed by the same functions for neurons and for
units.
"""

import matplotlib.pyplot as plt

from normenc import figures, networks, recordings, stimuli, tasks, training, tuning
from normenc.representations import represent

# %%
# Single trials of 120 simulated neurons. Which of them are tuned is a test for each, at a false
# discovery rate of 0.05.

recording = recordings.simulated_v1(120, n_repeats=8, n_stimuli=37, seed=4)
trials, shown = recording.trials.to_numpy(), recording.trials["orientation"].to_numpy()
neurons = tuning.population_summary(trials, shown)
print(neurons)

# %%
# The pooling layer of a network that learned to tell tilts apart. Its units have no noise.

task = tasks.TiltDiscrimination(n_train=500)
result = training.train(networks.ConvPoolFC, task, seed=12, n_epochs=16, progress=False)
layer = represent(result.network, stimuli.gratings(recording.stimulus), ["pool"])["pool"].to_numpy()
units = tuning.population_summary(layer, recording.stimulus)
print(units)

# %%
# Four of each, drawn at random among those that are tuned. The band is one standard error.
# Choosing the best would show what is best about noise.

curves = {
    "V1": tuning.tuning_curves(trials, shown),
    "pool": tuning.tuning_curves(layer, recording.stimulus),
}
is_tuned = {"V1": neurons.units["tuned_orientation"], "pool": units.units["tuned_orientation"]}
chosen = {name: tuned[tuned].sample(4, random_state=0).index.tolist() for name, tuned in is_tuned.items()}

# Picture: tuning curves of four neurons and of four units over orientation
figures.tuning_curves(
    {name: own.mean for name, own in curves.items()},
    curves["V1"].stimulus,
    chosen=chosen,
    standard_errors={"V1": curves["V1"].standard_error},
    recording="V1",
)

# %%
# Which orientations do they prefer, and how selective are they?

tables = {"V1": neurons.units, "pool": units.units}

# Picture: polar histograms of preferred orientations, even in V1 and near -45 and 45 degrees in the layer
figures.preference_histogram(
    {name: table["preferred_orientation_deg"] for name, table in tables.items()},
    tuned=is_tuned,
    recording="V1",
)

# %%
# A selectivity of 1 is a response to one orientation alone, 0 the same response to all.

# Picture: cumulative distributions of global orientation selectivity of neurons and units
figures.selectivity_distributions(
    {name: table["gosi"] for name, table in tables.items()}, index="global OSI", recording="V1"
)
plt.show()

# %%
# **What this shows.** Neurons prefer all orientations. Units of the layer have few filters between
# them, and so few preferences. Many respond to several orientations, because each sees a small
# part of one particular grating.
#
# **What this does not show.** Whether the populations represent gratings alike: two codes with
# different tuning may tell the same stimuli apart. That is what RDMs compare
# (:ref:`sphx_glr_examples_which_layer.py`).
