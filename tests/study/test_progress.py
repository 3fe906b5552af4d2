"""What a run says while it works: every stage, from its start to its end, with the time that is left."""

import io
import time

import numpy as np
import pytest

from normenc import progress_showing
from normenc.progress import Stage, each, reporting, stage
from normenc.study import Study, SweepProgress, run

FULL = Study(
    name="full",
    recording={"source": "simulated-v1", "n_neurons": 20, "bin_width": 10},
    stimuli={"resolution": 0.05},
    task={"n_train": 40, "n_test": 20},
    network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
    training={"n_epochs": 2, "n_untrained": 2, "n_seeds": 2, "checkpoints": [1]},
    comparison={"n_samples": 50, "n_permutations": 19, "other_measures": ["spearman"], "controls": ["pixels"]},
    encoding={"enabled": True, "networks": ["point readout"], "max_epochs": 2, "n_folds": 2, "n_samples": 50},
)
STAGES = [
    "reading the recording",
    "responses of controls",
    "training",
    "responses of layers",
    "responses of untrained layers",
    "comparing",
    "comparing by other measures",
    "dividing variance between layers and controls",
    "dividing dissimilarities by the angle between stimuli",
    "simulating recordings",
    "comparing over training",
    "predicting neurons",
    "predicting neurons beyond the controls",
    "fitting networks to neurons",
    "describing tuning",
    "embedding",
    "checking the recording",
    "writing tables",
    "drawing",
]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """All tallies of a run that does all that a run can do."""
    found: list[SweepProgress] = []
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(folder / "cache"))
        run(FULL, folder / "full", device="cpu", progress=found.append)
    return found


def test_every_stage_of_a_run_tells_its_start_and_its_end(told):
    assert list(dict.fromkeys(tally.stage for tally in told)) == STAGES
    for name in STAGES:
        of_stage = [tally for tally in told if tally.stage == name]
        first, last = of_stage[0], of_stage[-1]
        assert (first.done, first.share, np.isnan(first.seconds_left)) == (0, 0, True), name
        assert (last.done + last.failed, last.share, last.seconds_left) == (last.total, 1, 0), name
        shares = [tally.share for tally in of_stage]
        assert shares == sorted(shares), name


def test_no_more_is_done_than_there_is(told):
    for tally in told:
        assert 0 <= tally.done + tally.failed <= tally.total
        assert 0 <= tally.share <= 1
        assert not tally.seconds_left < 0


def test_pictures_and_layers_are_counted_one_by_one(told):
    totals = {tally.stage: tally.total for tally in told}
    assert totals["training"] == 2  # seeds
    assert totals["comparing over training"] == 1  # network
    assert totals["describing tuning"] == 1 + 2 + 1  # the recording, pool and fc, pixels
    assert totals["drawing"] == 21


def test_time_left_follows_from_what_was_done():
    told: list[SweepProgress] = []
    counted = Stage(told.append, "drawing", total=5, before=1)
    counted.started -= 1000
    counted.step()  # one of the four that were left took 1000 s
    assert told[-1].seconds_left == pytest.approx(3000, rel=1e-3)
    counted.started -= 500
    counted.told -= 1
    counted.progress(1, 2)  # a step and a half took 1500 s
    assert told[-1].seconds_left == pytest.approx(2500, rel=1e-3)
    assert str(told[-1]).startswith("drawing: 50 %, 2 of 5 done, 41:4")
    counted.step(failed=True)
    assert (told[-1].done, told[-1].failed, told[-1].part) == (2, 1, 0)


def test_a_stage_that_breaks_off_does_not_tell_its_end():
    told: list[SweepProgress] = []
    with pytest.raises(ZeroDivisionError), stage(told.append, "checking", 2):
        raise ZeroDivisionError
    assert [tally.done for tally in told] == [0]


def test_a_stage_of_nothing_is_none():
    told: list[SweepProgress] = []
    assert list(each(told.append, "drawing", [])) == []
    with stage(told.append, "comparing", 0):
        pass
    assert told == []


def test_without_a_terminal_a_long_step_is_no_silence(monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setattr(progress_showing, "QUIET_EVERY", 0.02)
    with reporting(True) as tell, stage(tell, "comparing", 2) as counted:
        for _ in range(1000):  # nobody tells anything meanwhile
            time.sleep(0.01)
            if written.getvalue().count("\n") >= 2:
                break
        counted.step()
    lines = written.getvalue().splitlines()
    assert lines[0] == lines[1] == "normenc: comparing: 0 of 2 done"
    assert lines[-1] == "normenc: comparing: 2 of 2 done"


def test_what_is_quick_writes_nothing(capsys):
    with reporting(True) as tell:
        assert list(each(tell, "drawing", "ab")) == ["a", "b"]
    assert capsys.readouterr() == ("", "")
