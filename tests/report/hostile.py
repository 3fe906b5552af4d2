"""Stimuli and neurons of a run whose names would harm a careless page."""

import numpy as np

ORIENTATION = np.arange(-90, 90, 15.0)
PREFERRED = np.array([-60.0, -45, -30, -15, 0, 15, 30, 45, 60])
NAMES = ["<script>window.harmed = 1</script>", "<b>bold</b>", "a & b", *(f"cell {number}" for number in range(6))]
NETWORK = "<img src=x onerror=alert(1)>"
