"""What a run says while it works: every stage, from its start to its end, with the time that is left."""

import io
import time

import pytest

from normenc import progress_showing
from normenc.progress import Stage, each, reporting, stage
from normenc.study import SweepProgress


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
