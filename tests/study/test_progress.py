"""What a run says while it works: every stage, from its start to its end, with the time that is left."""

import io
import math
import re
import time

import pytest
from rich.console import Console

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


def test_a_terminal_has_a_bar_for_each_stage_until_the_end(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    written = io.StringIO()
    with progress_showing._bars(Console(file=written, force_terminal=True, width=100, color_system=None)) as show:
        show(SweepProgress(0, 1, 0, 4, math.nan, "reading [V1]"))
        show(SweepProgress(4, 0, 0, 4, 0.0, "reading [V1]"))
        show(SweepProgress(1, 1, 0, 4, 3661.0, "training", part=0.5))
    last, ended = written.getvalue().rpartition("left")[::2]  # which is drawn before the end, whatever the time
    rows = [re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", row) for row in f"{last}left".splitlines()[-2:]]
    assert [row.partition("━" * 15)[2].strip(" ━") for row in rows] == [
        "reading [V1]: 4 of 4 done",
        "training: 38 %, 1 of 4 done, 1:01:01 left",
    ]
    assert [row.count("━") for row in rows] == [40, 15]  # all of the bar's width, and 1.5 of 4 steps
    assert ended.count("\x1b[2K") == 2  # both rows are wiped


def test_what_is_quick_writes_nothing(capsys):
    with reporting(True) as tell:
        assert list(each(tell, "drawing", "ab")) == ["a", "b"]
    assert capsys.readouterr() == ("", "")
