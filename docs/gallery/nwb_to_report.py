"""
From NWB to report
==================

One file in, one page out: read a file of Neurodata Without Borders, check it, run the whole study,
and open the report.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from normenc import quality, recordings, report, study

# %%
# Your file is on your disk. This one is simulated, and written so that there is one to read.

folder = Path(tempfile.mkdtemp())
simulated = recordings.simulated_v1(80, n_repeats=8, n_stimuli=25, seed=6)
recordings.save(simulated, folder / "mouse.nwb")

# %%
# Is it read as it should be? In the terminal: ``normenc check mouse.nwb``. Where names in a file
# are your own, ``--map`` says which is which (:doc:`/recordings`).

found = quality.check(folder / "mouse.nwb")
print(f"{found.read_as}; {found.verdict}")

# %%
# A first look takes seconds: one network, few samples, three pictures. In the terminal:
# ``normenc run --quick --recording mouse.nwb``. Leave out ``quick`` for a result that you would
# report.

run = study.run(
    study.Study(name="first-look", quick=True),
    folder / "run",
    recording=folder / "mouse.nwb",
    progress=False,
)
report.write(run.folder)
for name in sorted(path.name for path in run.folder.iterdir() if path.suffix in (".html", ".csv")):
    print(name)

# %%
# ``normenc open`` shows ``report.html`` in the browser. Its first picture, and its answer:

# Picture: bars of similarity of trained layers, untrained twins and controls with the recording
run.plot("similarity_bars")
plt.show()
for sentence in report.answer(run.similarity, run.differences):
    print(sentence)

# %%
# **What this shows.** Tables, pictures, trained networks and the page are in one folder, which
# anyone can read without normenc (:doc:`/run_folder`).
#
# **What this does not show.** A result: a quick run has one seed and the fewest samples, and its
# report says what was left out.
