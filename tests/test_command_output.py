"""What commands give to programs and editors: JSON, little output, completion, the schema, and what is installed."""

import io
import json
import logging
import math
import os
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import jsonschema
import pytest

from generate import SCHEMA, schema_file
from normenc import Run
from normenc.cli.completing import (
    complete_example,
    complete_known_recording,
    complete_publication,
    complete_recording,
    complete_run,
    complete_study,
)
from normenc.cli.doctor import findings
from normenc.cli.options import default_workers
from normenc.cli.printing import warnings_in_one_line
from normenc.cli.terminal import echo, saying
from normenc.errors import InputError
from normenc.progress import listener, reporting, stage
from normenc.study import Study, load_study
from normenc.study.quick import QUICK_PICTURES
from promised_json import promised

ROOT = Path(__file__).parents[1]
SMALL = """
[recording]
source = "simulated-v1"
n_neurons = 20
bin_width = 10

[stimuli]
resolution = 0.05

[task]
n_train = 40
n_test = 20

[network]
pool_size = 4
n_channels = 3

[training]
n_epochs = 1
n_seeds = 3

[comparison]
controls = ["pixels"]
"""


def strictly(text):
    """A JSON text as its standard has it, without NaN and infinities."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_quick_run_says_so_and_stands_beside_the_full_one(normenc, tmp_path):
    (tmp_path / "small.toml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "runs" / "small-simulated-v1").mkdir(parents=True)
    (tmp_path / "runs" / "small-simulated-v1" / "mine.txt").touch()
    code, out, err = normenc("run", "small.toml", "--quick", "--json", "--device", "cpu")
    assert code == 0, err
    found = strictly(out)
    assert set(found) == promised("run")
    run = Run.open(found["folder"])
    assert (run.folder, found["quick"], found["failures"]) == (Path("runs/small-quick-simulated-v1"), True, [])
    table = run.similarity.set_index("encoder")["similarity"]
    assert {own["encoder"]: own["similarity"] for own in found["similarity"]} == pytest.approx(table.to_dict())
    assert {path.stem for path in (run.folder / "figures").glob("*.png")} == set(QUICK_PICTURES)
    with pytest.raises(InputError, match="left out the stage describe"):
        run.rdm_widget()
    settings = run.settings
    assert (settings["quick"], settings["training"]["n_seeds"], settings["comparison"]["n_samples"]) == (True, 1, 50)
    page = Path(found["report"]).read_text(encoding="utf-8")
    assert "This is a quick run: one seed, 50 samples of the bootstrap" in page
    assert load_study(run.folder / "study.toml").quick
    code, out, err = normenc("run", "small.toml", "--quick", "--quiet", "--device", "cpu")
    assert (code, out) == (2, "")  # another run there is never replaced unasked
    assert len(err.splitlines()) == 1
    code, out, err = normenc("run", "small.toml", "--quick", "--quiet", "--force", "--device", "cpu")
    assert (code, out, err) == (0, "runs/small-quick-simulated-v1/report.html\n", "")
    assert list((tmp_path / "runs" / "small-simulated-v1").iterdir()) == [
        tmp_path / "runs" / "small-simulated-v1" / "mine.txt"
    ]
    shutil.copytree(found["folder"], "copy")
    code, out, err = normenc("compare", found["folder"], "copy", "--json")
    assert code == 0, err
    compared = strictly(out)
    assert set(compared) == promised("compare")
    where = {"failures": [], "folder": found["folder"], "report": found["report"]}
    assert [own | where for own in compared["runs"]] == [found] * 2
    code, out, _ = normenc("figures", found["folder"], "--only", "rdms", "--format", "svg", "--quiet")
    assert (code, out) == (0, "runs/small-quick-simulated-v1/figures/rdms.svg\n")


def test_a_quick_study_keeps_its_networks_and_tasks():
    full = Study(training={"n_seeds": 5, "n_epochs": 3}, network=[{"name": "FC"}, {"name": "ConvPoolFC"}])
    quick = full.as_quick()
    assert (quick.network, quick.task, quick.training.n_epochs) == (full.network, full.task, 3)
    assert quick.as_quick() == quick
    assert Study(**tomllib.loads(quick.to_toml())).to_toml() == quick.to_toml()


def test_quick_and_stages_exclude_each_other(normenc):
    code, _, err = normenc("run", "--quick", "--stages", "represent,compare")
    assert (code, "--quick chooses stages and seeds itself" in err) == (2, True)


def test_quiet_leaves_the_verdict_and_json_all(normenc):
    code, out, err = normenc("check", "reference", "--quiet")  # a study by its name, whose recording this is
    assert (code, err) == (0, "")
    code, printed, _ = normenc("check", "simulated-v1", "--json")
    assert (code, strictly(printed)["verdict"]) == (0, out.strip())


def test_quiet_holds_for_other_libraries(caplog):
    log = logging.getLogger("another.library")
    with warnings.catch_warnings(record=True) as told, warnings_in_one_line():
        warnings.simplefilter("always")
        for what in ("results", "everything"):
            with saying(what, warnings=what == "everything"):
                log.warning("no room for %s", what)
                log.error("it failed")
                warnings.warn(f"old {what}", FutureWarning, stacklevel=1)
    assert [record.message for record in caplog.records] == ["it failed", "no room for everything", "it failed"]
    assert [str(own.message) for own in told] == ["old everything"]


def test_json_may_go_nowhere(normenc, monkeypatch):
    with monkeypatch.context() as here:
        here.setattr(sys, "stdout", None)  # as Python has it where the standard output was closed before
        code, _, err = normenc("recordings", "--json")
    assert (code, err) == (0, "")


def test_an_inner_reporter_shows_what_the_outer_does():
    told = []
    with reporting(told.append), reporting(True), stage(listener(), "checking", 2) as counted:
        counted.step()
    assert [(state.stage, state.done) for state in told] == [("checking", 0), ("checking", 1), ("checking", 2)]
    with reporting(False), reporting(True) as show:
        show(told[0])
        assert listener() is show
    with stage(listener(), "nobody is told"):
        pass
    assert len(told) == 3
    assert math.isnan(told[0].seconds_left)


def test_the_schema_is_current_and_that_of_all_examples(normenc):
    assert SCHEMA.read_text(encoding="utf-8") == schema_file(), "run `python docs/generate.py`"
    code, out, _ = normenc("schema")
    schema = strictly(out)
    assert (code, schema) == (0, json.loads(schema_file()))
    jsonschema.Draft202012Validator.check_schema(schema)
    known = jsonschema.Draft202012Validator(schema)
    examples = sorted((ROOT / "examples").glob("*.toml"))
    assert examples
    for file in examples:
        text = file.read_text(encoding="utf-8")
        said = text.splitlines()[0].removeprefix("#:schema ")
        assert (file.parent / said).resolve() == SCHEMA.resolve(), file
        assert not list(known.iter_errors(tomllib.loads(text))), file
    assert not list(known.iter_errors(tomllib.loads(Study().to_toml())))
    own = {"task": {"name": "my_lab.tasks:Mine", "size": 3}, "network": [{"name": "FC"}]}
    assert known.is_valid(own)
    for wrong in (
        {"traning": {}},
        {"training": {"n_epochs": "many"}},
        {"task": {"name": "tilt-discrimination", "size": 3}},
        {"network": {"name": "Unknown"}},
        {"comparison": {"controls": ["pixls"]}},
        {"recording": {"angles": "turns"}},
    ):
        assert not known.is_valid(wrong), wrong
    said = schema["properties"]["training"]["properties"]
    assert (said["n_epochs"]["default"], "muon" in said["optimizer"]["enum"]) == (25, True)
    assert "`" not in schema["description"]


def test_the_tab_key_completes_files_and_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mine.toml", "mine.npz", ".hidden.toml", "mi\nne.toml", "m\x1b[31m.npz", "m\udce9.toml"):
        (tmp_path / name).touch()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.toml").touch()
    assert complete_study("m") == ["mine.toml", "more/"]
    assert complete_study("more/") == ["more/other.toml"]
    assert complete_study("")[-3:] == ["reference", "mine.toml", "more/"]
    assert complete_study("nat") == ["natural"]
    assert complete_study(f"{tmp_path}/mi") == [f"{tmp_path}/mine.toml"]
    assert complete_study("nowhere/") == []
    assert complete_run("m") == ["more/"]
    names = complete_recording("stringer2021")
    assert (names[0], "stringer2021/gt1" in names) == ("stringer2021", True)
    assert complete_recording("mine") == ["mine.npz", "mine.toml"]
    assert (complete_known_recording("mine"), complete_known_recording("simulated-v")) == ([], ["simulated-v1"])
    assert complete_example("n") == ["natural"]
    assert "human-it" in complete_publication("h")
    program = "import sys; sys.argv = ['normenc']; from normenc.cli import main; main()"
    environment = {"_NORMENC_COMPLETE": "complete_bash", "COMP_WORDS": "normenc run mi", "COMP_CWORD": "2"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | environment)
    assert done.stdout.split() == ["mine.toml"], done.stderr


BROKEN = """
import sys
class Broken:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise OSError("libcudart.so: cannot open shared object file")
sys.meta_path.insert(0, Broken())
sys.argv = ["normenc", "doctor", "--json"]
from normenc.cli import main
main()
"""


def test_the_doctor_is_there_where_torch_does_not_load():
    done = subprocess.run([sys.executable, "-c", BROKEN], capture_output=True, text=True)
    found = strictly(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cannot open shared object file" in found["torch"]["problem"]
    assert found["cache"]["folder"] == os.environ["NORMENC_CACHE"]


def test_the_doctor_tells_of_a_cache_that_has_no_room(tmp_path, monkeypatch, largest_file):
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "cache"))
    with largest_file(0):  # files may be made, as on a full disk, and hold nothing
        found = findings()["cache"]
    assert (found["writable"], "it CANNOT be written" in found["problem"]) == (False, True)
    assert findings()["cache"]["writable"]


def test_the_doctor_tells_programs_the_same(normenc, tmp_path):
    code, out, _ = normenc("doctor", "--json")
    found = strictly(out)
    assert code == 0
    assert found["packages"]["numpy"]
    on_linux = hasattr(os, "sched_getaffinity")
    assert found["threads"]["cores"] == (len(os.sched_getaffinity(0)) if on_linux else os.cpu_count())
    assert not on_linux or found["memory"]["total"] > found["memory"]["free"] > 0
    assert (found["cache"]["folder"], found["cache"]["files"]) == (str(tmp_path / "cache"), 0)
    downloads = {own["name"]: own["download"] for own in found["recordings"]}
    assert downloads["simulated-v1"] is None
    assert downloads["stringer2021"]["name"] == "stringer2021"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [24, 40, 79])
def test_a_terminal_breaks_sentences_between_words_and_no_command(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "- Of pool and fc, these gratings cannot tell which one the recording of area-V1 is like."
    command = "normenc run examples/reference.toml --recording simulated-v1 --out runs/with_a_name"
    shown = _Terminal()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    echo(sentence, wrapped=True)
    echo(command)
    *lines, last = shown.getvalue().splitlines()
    assert last == command
    assert max(map(len, lines)) <= columns < len(sentence)
    assert lines[0].split() + [word for line in lines[1:] for word in line.split()] == sentence.split()
    assert all(line.startswith("  ") for line in lines[1:])
    # Another program reads a line for each sentence.
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    echo(sentence, wrapped=True)
    assert sys.stdout.getvalue() == f"{sentence}\n"


def test_workers_are_counted_where_the_system_tells_no_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    study = load_study(ROOT / "examples" / "reference.toml").with_changes(n_seeds=50)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS and Windows
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert default_workers(study, "cpu") == 7
