"""
How long will it take, here or on a cluster?
============================================

Many tasks, networks and seeds: what a study costs is estimated from a few timed steps of each,
before anything is trained.
"""

import matplotlib.pyplot as plt

from normenc import figures, study

# %%
# Two tasks, three networks, five seeds. In the terminal, ``normenc run norms.toml --dry-run``
# prints the same.

settings = study.Study(
    name="norms",
    recording={"source": "simulated-v1", "n_neurons": 100, "bin_width": 10},
    task=[
        {"name": "tilt-discrimination", "label": "tilt"},
        {"name": "orientation-estimation", "label": "orientation"},
    ],
    network=[{"name": "FC"}, {"name": "ConvPoolFC"}, {"name": "LocalFC"}],
    stimuli={"resolution": 0.05},
    training={"n_seeds": 5},
)
estimate = study.estimate(settings, device="cpu")
table = estimate.table
print(table[["task", "network", "n_units", "unit_seconds", "seconds"]].round(1).to_string(index=False))
print(f"then {estimate.inference_seconds:.0f} s for intervals and tests")

# %%
# Networks of different tasks and seeds are trained side by side: ``--workers 8`` on one machine,
# ``--scheduler ADDRESS`` on the nodes of a cluster (:doc:`/sweeps`). The longest network sets the
# limit; what follows training is not divided.

workers = [1, 2, 4, 8, 16, 32]
total = (table["unit_seconds"] * table["n_units"]).sum()
seconds = [max(total / n, table["unit_seconds"].max()) + estimate.inference_seconds for n in workers]
with figures.style():
    _, (costs, speed) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    # Picture: seconds of each task and network; of the whole study, they level off with more workers
    costs.barh(
        table["task"] + ", " + table["network"], table["unit_seconds"] * table["n_units"], color="tab:blue"
    )
    costs.set(xlabel="seconds for all seeds, one after the other")
    speed.plot(workers, seconds, "o-")
    speed.set(xlabel="workers", ylabel="seconds for the whole study, at best", xscale="log", ylim=(0, None))
    speed.set_xticks(workers, [str(n) for n in workers])
    speed.minorticks_off()
plt.show()

# %%
# **What this shows.** Where the time goes, and from how many workers on more of them no longer
# help. Networks that were trained before are kept, and cost nothing.
#
# **What this does not show.** Time to start workers, to queue on a cluster, and what other
# programs on the machine take.
