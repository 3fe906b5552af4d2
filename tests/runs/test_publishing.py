"""Runs' folders under attack: kills at every step, full disks, links, two runs at once, and users' own files."""

import json
import os
import shutil
import socket
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import h5py
import killing
import pytest
from killing import fill

from normenc import report
from normenc.errors import InputError, NormencWarning
from normenc.runs.marker import Marker, read_marker, write_marker
from normenc.runs.publishing import add, destination
from normenc.runs.replacing import replaceable
from normenc.runs.schema import LOCK, NEXT, PLAN, RUN_MARKER
from normenc.runs.taking import FolderTakenError, taken
from normenc.study import Study, power, redraw, running
from normenc.study.drawing import draw_run, write_run
from normenc.study.store import write_evaluation
from normenc.whole_files import write_whole

STUDY = Study(
    name="small",
    recording={"source": "simulated-v1", "n_neurons": 30, "bin_width": 5},
    stimuli={"resolution": 0.05},
    task={"n_train": 60, "n_test": 40},
    network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
    training={"seed": 4, "n_epochs": 1, "batch_size": 25, "n_untrained": 2},
    comparison={
        "n_samples": 50,
        "n_permutations": 19,
        "other_measures": [],
        "controls": ["pixels"],
        "generalise_to": ["seeds"],
    },
)
OLD = {
    "study.toml": STUDY.to_toml().encode(),
    "similarity.csv": b"old",
    "failures.csv": b"old failures",
    "figures/rdms.svg": b"<svg>old</svg>",
    "figures/85mm/rdms.pdf": b"old pdf",
    "models/FC_seed1.safetensors": b"old weights",
    "report.html": b"<html>old</html>",
}
RUN = {
    "study.toml": STUDY.to_toml().encode(),
    "similarity.csv": b"new",
    "figures/rdms.svg": b"<svg>new</svg>",
    "figures/curves.svg": b"<svg>curves</svg>",
    "models/FC_seed2.safetensors": b"new weights",
    "report.html": b"<html>new</html>",
}
OWN = {"notes.txt": b"mine", "figures/paper.svg": b"my own figure", "models/mine.safetensors": b"my weights"}


def publish(folder: Path, files: dict[str, bytes] = RUN, *, force: bool = True) -> list[Path]:
    return killing.publish(folder, files, force=force)


def content_of(folder: Path) -> dict[str, bytes]:
    """All files of a folder but the marker, by their paths; links are told by their targets."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[path.relative_to(folder).as_posix()] = f"-> {path.readlink()}".encode()
        elif path.is_file() and path.name != RUN_MARKER:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def killed_at(posix):
    """Whether a process that publishes or adds files is killed before its step-th call that changes the disk."""
    command = [sys.executable, killing.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killer:

        def killed(step: int, folder: Path, files: dict[str, bytes] = RUN, work: str = "publish") -> bool:
            killer.stdin.write(killing.asked(step, work, folder, files))
            killer.stdin.flush()
            return {"True\n": True, "False\n": False}[killer.stdout.readline()]

        yield killed


def before_new(folder: Path) -> dict[str, bytes]:
    return {}


def before_empty(folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    return {}


def before_earlier(folder: Path) -> dict[str, bytes]:
    publish(folder, OLD)
    fill(folder, OWN)
    return OWN


def before_edited(folder: Path) -> dict[str, bytes]:
    """An earlier run with edits, links and files where the new run has its own."""
    publish(folder, OLD)
    elsewhere = folder.parent / "elsewhere"
    fill(elsewhere, {"rdms.svg": b"<svg>old</svg>", "curves.svg": b"theirs"})
    fill(folder, {"similarity.csv": b"edited", "figures/curves.svg": b"my curves", "notes.txt": b"mine"})
    shutil.rmtree(folder / "models")
    (folder / "models").symlink_to(elsewhere)
    (folder / "report.html").unlink()
    (folder / "report.html").symlink_to(elsewhere / "rdms.svg")
    return {
        "notes.txt": b"mine",
        "kept/similarity.csv": b"edited",
        "kept/figures/curves.svg": b"my curves",
        "kept/models": f"-> {elsewhere}".encode(),
        "kept/report.html": f"-> {elsewhere / 'rdms.svg'}".encode(),
    }


@pytest.mark.parametrize("before", [before_new, before_empty, before_earlier, before_edited])
def test_a_kill_at_any_step_loses_nothing_and_the_same_command_mends_it(tmp_path, killed_at, before):
    step, killed, states = 0, True, set()
    while killed:
        place = tmp_path / str(step)
        place.mkdir()
        folder = place / "out"
        kept = before(folder)
        old = content_of(folder) if folder.exists() else None
        outside = content_of(place / "elsewhere") if (place / "elsewhere").exists() else None
        killed = killed_at(step, folder)
        found = {n: c for n, c in content_of(folder).items() if LOCK not in n} if folder.exists() else None
        visible = None if found is None else {n: c for n, c in found.items() if not n.startswith(".")}
        unfinished = folder.exists() and (folder / NEXT / RUN_MARKER).exists()
        states.add("moving" if unfinished else "old" if visible == old else "new")
        if not unfinished:
            assert visible in (old, RUN | kept)
        if old is not None:  # wherever they are, the user's bytes are there
            assert set(kept.values()) <= set(found.values())
        kept_now = publish(folder)
        assert content_of(folder) == RUN | kept
        assert not kept_now or before is before_edited
        assert sorted(read_marker(folder).files) == sorted(RUN)
        assert {path.name for path in place.iterdir()} <= {"out", "elsewhere"}
        assert outside is None or content_of(place / "elsewhere") == outside
        step += 1
    assert {"old", "new"} <= states
    assert ("moving" in states) == (before is not before_new)
    assert step > 10


def test_readers_refuse_a_run_that_is_half_replaced(tmp_path, killed_at):
    from normenc.report.serving import server_of
    from normenc.runs import Run

    publish(tmp_path / "out", OLD)
    step = 0
    while not (tmp_path / "out" / NEXT / RUN_MARKER).exists():
        killed_at(step, tmp_path / "out")
        step += 1
    for read in (Run.open, report.render, report.write, redraw, server_of):
        with pytest.raises(InputError, match="moving a new run here was interrupted"):
            read(tmp_path / "out")
    with pytest.raises(InputError, match="this folder already contains a run"):  # but it is whole now
        publish(tmp_path / "out", force=False)
    assert content_of(tmp_path / "out") == RUN


def test_leftovers_of_dead_processes_go_and_neighbours_stay(tmp_path):
    for name in (".out.normenc-new", ".out-2.normenc-new", ".out-settings"):
        fill(tmp_path / name, {"similarity.csv": b"half"})
    publish(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".out-2.normenc-new", ".out-settings", "out"]
    fill(tmp_path / "out" / ".normenc-new", {"similarity.csv": b"half"})
    publish(tmp_path / "out")
    assert content_of(tmp_path / "out") == RUN


def test_a_project_with_a_study_of_its_own_is_no_run(tmp_path):
    project = {"study.toml": b"# my thesis\nname = 'a'", "figures/own.svg": b"mine", "models/a.safetensors": b"mine"}
    fill(tmp_path / "project", project)
    with pytest.raises(InputError, match="holds something other than a run"):
        publish(tmp_path / "project")
    assert content_of(tmp_path / "project") == project


def older_run(folder: Path, files: dict[str, bytes]) -> None:
    """A run as versions before the marker left it."""
    log = b"task,model,seed,epoch,step,loss\ntilt,my net,1,1,1,0.5\n"
    fill(folder, {"environment.json": b'{"normenc": "0.1.0"}', "training.csv": log} | files)
    (folder / "figures").mkdir(exist_ok=True)
    with h5py.File(folder / "figures" / "source_data.h5", "w") as file:
        file.attrs["labels"] = ["rdms"]


def test_of_an_older_run_what_it_wrote_is_kept_aside_and_the_rest_stays(tmp_path):
    folder = tmp_path / "out"
    weights = {"models/my_net_seed1.safetensors": b"old", "models/my_net_seed1_untrained.safetensors": b"old"}
    older_run(folder, {n: c for n, c in OLD.items() if not n.startswith("models/")} | weights | OWN)
    with pytest.raises(InputError, match="this folder already contains a run"):
        publish(folder, force=False)
    kept = publish(folder)
    found = content_of(folder)
    assert {name: found[name] for name in RUN} == RUN
    assert {name: found[name] for name in OWN} == OWN
    # study.toml is the same, byte by byte, and needs no keeping.
    lost = {*OLD, *weights, "environment.json", "training.csv", "figures/source_data.h5"} - {"study.toml"}
    lost -= {"models/FC_seed1.safetensors"}
    assert {path.relative_to(folder / "kept").as_posix() for path in kept} == lost
    assert found["kept/failures.csv"] == b"old failures"
    assert set(found) == {*RUN, *OWN, *(f"kept/{name}" for name in lost)}


@pytest.mark.parametrize("comment", [b"# my own study\n", b'name = "a # b"  # twelve areas\n'])
def test_an_older_run_whose_settings_were_worked_on_is_refused(tmp_path, comment):
    files = {"study.toml": comment, "similarity.csv": b"old", "figures/own.svg": b"mine"}
    older_run(tmp_path / "out", files)
    before = content_of(tmp_path / "out")
    with pytest.raises(InputError, match=r"study\.toml contains comments, which no run writes"):
        publish(tmp_path / "out")
    assert content_of(tmp_path / "out") == before


def test_an_older_run_without_a_report_is_finished_by_the_same_command(tmp_path):
    older_run(tmp_path / "out", {name: content for name, content in OLD.items() if name != "report.html"})
    publish(tmp_path / "out", force=False)
    assert (tmp_path / "out" / "report.html").read_bytes() == RUN["report.html"]
    with pytest.raises(InputError, match="this folder already contains a run"):
        publish(tmp_path / "out", force=False)
    older_run(tmp_path / "other", {"study.toml": b'name = "other"', "similarity.csv": b"old"})
    with pytest.raises(InputError, match="this folder already contains a run"):
        publish(tmp_path / "other", force=False)


def test_links_are_refused_as_a_destination(tmp_path):
    fill(tmp_path / "real", {})
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    with pytest.raises(InputError, match=r"out: this is a link to .*real, and files are never replaced through links"):
        publish(tmp_path / "out")
    assert list((tmp_path / "real").iterdir()) == []
    (tmp_path / "runs").symlink_to(tmp_path / "real")
    publish(tmp_path / "runs" / "one")  # a link on the way is the user's own arrangement
    assert content_of(tmp_path / "real" / "one") == RUN


@pytest.mark.parametrize(
    "wrong",
    ["{", '{"format": 1}', '{"format": 1, "kind": "run", "files": {"../thesis.tex": "0"}}', "[1]", "\ud800", "[" * 9000]
    + [
        f'{{"format": 1, "kind": "run", "files": {{"{name}": "0"}}}}'
        for name in ("/etc/x", "a/../../b", "", ".", "a//b")
    ],
)
def test_a_marker_that_is_damaged_or_leads_out_replaces_nothing(tmp_path, wrong):
    publish(tmp_path / "out", OLD)
    (tmp_path / "thesis.tex").write_text("ten years")
    (tmp_path / "out" / RUN_MARKER).write_text(wrong, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(InputError, match="list of a run's files is damaged"):
        publish(tmp_path / "out")
    assert content_of(tmp_path / "out") == OLD
    assert (tmp_path / "thesis.tex").read_text() == "ten years"


def test_a_newer_marker_and_a_power_analysis_are_refused(tmp_path):
    publish(tmp_path / "out", OLD)
    marker = json.loads((tmp_path / "out" / RUN_MARKER).read_text())
    for change, message in (({"kind": "power"}, "holds a power analysis"), ({"format": 2}, "use a newer normenc")):
        (tmp_path / "out" / RUN_MARKER).write_text(json.dumps(marker | change))
        with pytest.raises(InputError, match=message):
            publish(tmp_path / "out")
    assert content_of(tmp_path / "out") == OLD


HOLDER = """
import sys, time
from pathlib import Path
from normenc.runs.taking import taken

with taken(Path(sys.argv[1])):
    print("taken", flush=True)
    time.sleep(3600)
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_is_one_runs_at_a_time(normenc, tmp_path, there):
    folder = tmp_path / "out"
    if there:
        publish(folder, OLD)
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "taken\n"
            code, _, err = normenc("run", "--out", folder, *["--force"] * there)
            assert code == 2
            assert f"process {other.pid} on {socket.gethostname()} has been writing to this folder since" in err
            assert not (tmp_path / "cache").exists()  # nothing was trained
            assert other.poll() is None  # it did not wait for the other
            with pytest.raises(FolderTakenError):
                add(folder, {"figures/new.pdf": b""}) if there else power(STUDY, folder, progress=False)
        finally:
            other.kill()
            other.wait()
    publish(folder)  # what the dead process left is taken over
    assert content_of(folder) == RUN
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_two_runs_in_one_process_and_a_folder_that_appears_meanwhile(tmp_path):
    folder = tmp_path / "out"
    with destination(folder, "run", lambda found: replaceable(found, force=False, wanted=None)) as place:
        with pytest.raises(FolderTakenError, match=f"process {os.getpid()}"):
            publish(folder)
        folder.mkdir()
        with pytest.raises(FolderTakenError):  # it is taken from before it was there
            publish(folder)
        fill(folder, {"thesis.tex": b"ten years"})
        with pytest.raises(InputError, match="holds something other than a run"), place.staged() as stage:
            fill(stage, RUN)
    assert content_of(folder) == {"thesis.tex": b"ten years"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_lock_of_another_computer_is_told_and_not_broken(tmp_path):
    publish(tmp_path / "out", OLD)
    lock = tmp_path / "out" / LOCK
    lock.write_text(json.dumps({"host": "node17", "pid": 12, "since": "2026-01-02 03:04:05+00:00"}))
    with pytest.raises(FolderTakenError, match=r"process 12 on another computer, node17, .* delete .*normenc-lock"):
        publish(tmp_path / "out")
    assert content_of(tmp_path / "out") == OLD | {LOCK: lock.read_bytes()}
    lock.unlink()
    publish(tmp_path / "out")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with its report and some pictures."""
    folder = tmp_path_factory.mktemp("runs") / "out"
    stages = ("represent", "compare", "draw")
    return running.run(STUDY, folder, progress=False, device="cpu", stages=stages, page=report.write)


@pytest.fixture
def folder(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "out")
    return tmp_path / "out"


def test_a_run_appears_with_its_report_and_lists_all_its_files(finished):
    found = content_of(finished.folder)
    assert found["report.html"].rstrip().endswith(b"</html>")
    assert sorted(read_marker(finished.folder).files) == sorted(found)
    assert finished.kept == ()


def test_a_report_that_cannot_be_made_leaves_nothing(finished, tmp_path):
    told = pytest.raises(InputError, match=r"out/report.html: there is no room for this file .*; .* MB are free")
    with told, destination(tmp_path / "runs" / "out", "run", lambda found: {}) as place, place.staged() as stage:
        raise OSError(28, "No space left on device", str(stage / "report.html"))
    assert list(tmp_path.iterdir()) == []


def test_pictures_drawn_into_a_run_go_with_it(folder):
    drawn = redraw(folder, only=["example_stimuli"], formats=["pdf"], width="single")
    redraw(folder, folder / "figures" / "paper", only=["example_stimuli"], formats=["pdf"])
    assert drawn.paths == (folder / "figures" / "85mm" / "example_stimuli.pdf",)
    fill(folder, OWN | {"figures/85mm/own.pdf": b"mine"})
    assert publish(folder) == []
    assert content_of(folder) == RUN | OWN | {"figures/85mm/own.pdf": b"mine"}


def test_pictures_never_overwrite_what_the_user_drew(folder, tmp_path):
    own = {"figures/example_stimuli.svg": b"<svg>edited in Inkscape</svg>", "figures/similarity_bars.pdf": b"mine"}
    fill(folder, own)
    drawn = redraw(folder, only=["example_stimuli", "similarity_bars"], formats=["svg", "pdf"])
    assert sorted(drawn.kept) == sorted(folder / "kept" / name for name in own)
    assert {name: (folder / "kept" / name).read_bytes() for name in own} == own
    again = redraw(folder, only=["example_stimuli", "similarity_bars"], formats=["svg", "pdf"])
    assert again.kept == ()  # the same ones
    (tmp_path / "elsewhere").mkdir()
    (folder / "figures" / "85mm").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="85mm: this is a link or a file, but a run needs a folder"):
        redraw(folder, only=["example_stimuli"], width="single")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    publish(tmp_path / "other", OLD)
    with pytest.raises(InputError, match="this is in the folder of another run"):
        redraw(folder, tmp_path / "other" / "figures", only=["example_stimuli"])


def test_pictures_drawn_elsewhere_replace_only_their_own(folder, tmp_path):
    paper = tmp_path / "paper"
    paper.mkdir()
    (paper / "example_stimuli.svg").write_bytes(b"mine")
    (tmp_path / "thesis.tex").write_bytes(b"mine")
    (paper / ".example_stimuli.svg.part").symlink_to(tmp_path / "thesis.tex")
    drawn = redraw(folder, paper, only=["example_stimuli"], formats="svg")
    assert drawn.kept == (paper / "kept" / "example_stimuli.svg",)
    assert drawn.kept[0].read_bytes() == (tmp_path / "thesis.tex").read_bytes() == b"mine"
    picture = (paper / "example_stimuli.svg").read_bytes()
    assert redraw(folder, paper, only=["example_stimuli"], formats="svg").kept == ()
    assert (paper / "example_stimuli.svg").read_bytes() == picture != b"mine"
    with pytest.raises(InputError, match="figures of a run"):
        publish(paper)


def test_a_report_made_anew_belongs_to_the_run(folder):
    (folder / "report.html").unlink()
    report.write(folder)
    page = report.render(folder)
    fill(folder, {"failures.csv": b"mine: not a table of a run\n", "figures/leaderboard.svg": b"<svg>mine</svg>"})
    assert report.render(folder) == page  # only the run's own tables and pictures are presented
    report.write(folder)
    assert not (folder / "kept").exists()
    assert publish(folder) == []
    (folder / "report.html").write_text("<html>with my notes</html>")
    add(folder, {"report.html": b"<html>anew</html>"})
    assert (folder / "kept" / "report.html").read_text() == "<html>with my notes</html>"


def test_a_report_says_where_an_edited_page_is_and_names_no_other_folder(folder, monkeypatch):
    monkeypatch.setattr("normenc.report.page.render", lambda *run, **options: "<html>anew</html>")
    (folder / "report.html").write_text("<html>with my notes</html>")
    with taken(folder), pytest.raises(FolderTakenError, match="ends, or write the report of a copy of the run"):
        report.write(folder)
    with pytest.warns(NormencWarning, match=r"report\.html: this page was edited, and is now .*kept.report\.html"):
        assert report.write(folder).read_text() == "<html>anew</html>"


def test_a_kill_while_a_picture_is_added_loses_nothing(tmp_path, killed_at):
    step, killed = 0, True
    while killed:
        folder = tmp_path / str(step)
        publish(folder, OLD)
        fill(folder, {"figures/rdms.svg": b"edited", "notes.txt": b"mine"})
        new = {"figures/rdms.svg": b"again", "figures/180mm/rdms.svg": b"wide"}
        killed = killed_at(step, folder, new, "add")
        assert b"edited" in content_of(folder).values()
        add(folder, new)
        publish(folder)
        found = content_of(folder)
        assert b"edited" in [content for name, content in found.items() if name.startswith("kept")]
        assert found.pop("notes.txt") == b"mine"
        assert {n: c for n, c in found.items() if not n.startswith("kept")} == RUN
        step += 1
    assert step > 6


@pytest.fixture(params=[40, 200, 400, 700])
def small_disk(posix, request, tmp_path):
    """A disk of so many kB."""
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={request.param}k"]
    if subprocess.run(["mount", *options, "none", place], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_ends_in_one_message_and_leaves_nothing(finished, small_disk):
    before = {}
    for there in (False, True):
        if there:
            publish(small_disk / "out", OLD)
            before = content_of(small_disk)
        room = (
            r"there is no room for this file.* MB are free\). All files so far take .* MB, and a whole run takes more"
        )
        told = pytest.raises(InputError, match=f"disk/out.*: {room}")
        known = lambda found: read_marker(found).files  # noqa: E731
        with told as error, destination(small_disk / "out", "run", known) as place, place.staged() as stage:
            write_run(finished.evaluation, stage, device="cpu")
            draw_run(stage, stage / "figures", lambda tally: None)
        assert ".normenc" not in str(error.value)
        assert content_of(small_disk) == before


@pytest.mark.parametrize("small_disk", [1600], indirect=True)
def test_a_report_that_the_disk_cannot_hold_leaves_nothing(finished, small_disk):
    told = pytest.raises(InputError, match=r"out/report.html: there is no room for this file of \d\.\d MB")
    with told, destination(small_disk / "out", "run", lambda found: {}) as place, place.staged() as stage:
        shutil.copytree(finished.folder, stage, dirs_exist_ok=True, ignore=shutil.ignore_patterns("report.html", ".*"))
        report.write(stage)
    assert list(small_disk.iterdir()) == []


def test_no_file_may_be_larger_than_the_limit_of_the_process(finished, tmp_path, largest_file):
    told = pytest.raises(InputError, match=r"raise the limit \(ulimit -f\)")
    out = destination(tmp_path / "out", "run", lambda found: {})
    with largest_file(10_000), told, out as place, place.staged() as stage:
        write_evaluation(finished.evaluation, stage, device="cpu")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    write_whole(tmp_path / "a.csv", b"a")
    with pytest.raises(OSError, match=r"No such file or directory: .*b\.csv"):
        write_whole(tmp_path / "no" / "b.csv", b"b")
    assert content_of(tmp_path) == {"a.csv": b"a"}


def received(folder: Path, marker: dict[str, str], plan: object) -> Path:
    """A folder from somebody else, in which a run seems to be on the way to its place."""
    source = folder / NEXT
    source.mkdir(parents=True)
    write_marker(source, Marker("run", marker))
    (source / PLAN).write_text(json.dumps(plan))
    return source


@pytest.mark.parametrize(
    "plan",
    [
        {"kept": "kept", "earlier": {"../secret/key": None}},
        {"kept": "../elsewhere", "earlier": {}},
        {"kept": 5, "earlier": {}},
        {"kept": "kept", "earlier": [1]},
        {},
        [],
    ],
)
def test_what_a_received_folder_plans_leads_nowhere(tmp_path, plan):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("mine")
    received(tmp_path / "run", {}, plan)
    with pytest.raises(InputError, match="was being moved into place, and is damaged"):
        publish(tmp_path / "run")
    assert (tmp_path / "secret" / "key").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


def test_links_in_a_received_folder_are_not_followed(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("mine")
    digest = sha256(b"mine").hexdigest()
    source = received(tmp_path / "run", {"extra/key": digest}, {"kept": "kept", "earlier": {}})
    (source / "extra").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="extra/key is not as it was written"):
        publish(tmp_path / "run")
    assert (tmp_path / "secret" / "key").read_text() == "mine"


def test_no_file_is_written_through_a_link(tmp_path):
    (tmp_path / "mine").write_text("mine")
    for name in ("a.csv", ".a.csv.part"):
        (tmp_path / name).symlink_to(tmp_path / "mine")
    write_whole(tmp_path / "a.csv", b"new")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "a.csv").read_bytes() == b"new"
    assert not (tmp_path / "a.csv").is_symlink()
