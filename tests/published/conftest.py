"""One small run for all tests about reproducing and handing on; nobody may change it."""

import os
from pathlib import Path

import pytest

from normenc import report
from normenc.study import Study, run


@pytest.fixture(scope="session")
def small_study() -> Study:
    """Two seeds, so that similarities have intervals."""
    return Study(
        name="small",
        stages=["represent", "compare"],
        recording={"source": "simulated-v1", "n_neurons": 30, "bin_width": 30},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"name": "ConvPoolFC", "pool_size": 4},
        training={"n_epochs": 2, "n_seeds": 2},
        comparison={"n_samples": 50, "n_permutations": 19, "other_measures": [], "controls": ["pixels"]},
        identify={"enabled": False},
    )


@pytest.fixture(scope="session")
def small_run(small_study, tmp_path_factory) -> Path:
    """Its folder, with a report."""
    place = tmp_path_factory.mktemp("handed-on")
    before = os.environ.get("NORMENC_CACHE")
    os.environ["NORMENC_CACHE"] = str(place / "cache")
    try:
        return run(small_study, place / "small", page=report.write, progress=False, device="cpu").folder
    finally:
        if before is None:
            del os.environ["NORMENC_CACHE"]
        else:
            os.environ["NORMENC_CACHE"] = before
