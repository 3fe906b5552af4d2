"""Labels, facts and names of files are text and nothing else, at every door through which they leave."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from hostile_texts import TEXTS, hidden
from normenc import cli, figures, recordings
from normenc.csv_tables import read_table, write_table
from normenc.errors import InputError
from normenc.recordings.steps import kept_by_labels
from normenc.report import write_comparison
from normenc.study import Study
from normenc.texts import file_stem

LABELS = [raw for raw, _ in TEXTS.values()]
SHOWN = [shown for _, shown in TEXTS.values()]
STUDY = """
name = "attack"
[recording]
source = "mine.npz"
citation = "\\u202ecitation"
[stimuli]
resolution = 0.05
[task]
n_train = 40
n_test = 20
[network]
label = "=1+1 [red] <b>"
pool_size = 4
[training]
n_epochs = 1
batch_size = 20
n_untrained = 2
[comparison]
controls = ["pixels"]
other_measures = []
n_samples = 50
n_permutations = 19
[power]
n_stimuli = [12]
n_neurons = [6]
n_animals = [1]
n_repeats = [1]
noise = 1.0
n_simulations = 2
n_samples = 50
"""


def recording():
    orientation = np.arange(-90, 90, 15.0)
    angle = np.deg2rad(2 * (orientation[:, None] - np.linspace(-80, 80, len(LABELS))))
    trials = np.repeat(np.exp(np.cos(angle)), 2, axis=0)
    trials += 0.2 * np.random.default_rng(0).normal(size=trials.shape)
    return recordings.Recording.from_trials(
        "mine",
        trials,
        np.repeat(orientation, 2),
        neurons={"neuron": LABELS},
        trials={"session": np.tile([LABELS[0], LABELS[1]], 12)},
        species=LABELS[2],
        area=LABELS[0],
        units=LABELS[5],
        source=LABELS[9],
    )


def write_raw(path):
    """The recording as another program may write it, without what normenc does to texts."""
    whole = recordings.export.named_arrays(recording())
    whole |= {"neuron": np.array(LABELS), "session": np.tile([LABELS[0], LABELS[1]], 12)}
    whole |= {"species": LABELS[2], "area": LABELS[0], "units": LABELS[5], "source": LABELS[9]}
    np.savez(path, **whole)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attack")
    write_raw(folder / "mine.npz")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def command(work):
    """Run a command in the folder of the attack; gives code and all it printed."""

    def call(*arguments):
        import contextlib
        import io

        patch = pytest.MonkeyPatch()
        said = io.StringIO()
        with patch.context() as patched, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            patched.chdir(work)
            patched.setenv("NORMENC_CACHE", str(work / "cache"))
            patched.setattr(sys, "argv", ["normenc", *map(str, arguments)])
            try:
                cli.main()
                code = 0
            except SystemExit as ended:
                code = ended.code or 0
        return code, said.getvalue()

    return call


@pytest.fixture(scope="module")
def run(work, command):
    code, said = command("run", "study.toml", "--out", "run", "--device", "cpu")
    assert code == 0, said
    return work / "run", said


def test_what_run_prints(run):
    assert hidden(run[1]) == []
    assert "area V1\\r\\nverdict: reliable" in run[1]
    assert "=1+1 [red] <b>" in run[1]


@pytest.mark.parametrize("arguments", [("check", "mine.npz"), ("figures", "run", "--format", "svg", "--out", "again")])
def test_what_commands_print(command, run, arguments):
    code, said = command(*arguments)
    assert code == 0, said
    assert hidden(said) == []
    assert "\nverdict: reliable" not in said.replace("\nverdict: reliable\n", "", 1)


def test_json_is_json_with_all_escapes(command, run):
    code, said = command("check", "mine.npz", "--json")
    assert code == 0
    assert hidden(said) == []
    assert TEXTS["forged line"][1] in json.loads(said)["description"]


def test_tables_hold_labels_that_no_program_obeys(run):
    found = read_table(run[0] / "tuning_units.csv")
    own = found[found["population"] == "mine"]
    assert own["neuron"].tolist() == SHOWN
    for path in run[0].glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        assert hidden(text) == []
        for row in csv.reader(text.splitlines()):
            for cell in row:
                assert not re.match(r"\s*[=+@]", cell), (path, cell)
                assert not cell.startswith("-") or float(cell) <= 0
    similarity, differences = read_table(run[0] / "similarity.csv"), read_table(run[0] / "differences.csv")
    assert set(similarity["network"]) == {"=1+1 [red] <b>", "pixels"}
    assert set(differences["encoder"]) <= set(similarity["encoder"])
    assert similarity["similarity"].dtype == float


def test_the_page_shows_text_alone(run):
    page = (run[0] / "report.html").read_text(encoding="utf-8")
    page = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)  # normenc's own, and Plotly's
    assert hidden(page) == []
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    names = json.loads(data)["populations"][0]["tuning"]["names"]
    assert names == SHOWN
    assert "<script>alert" not in page


def test_pictures_hold_no_script_and_no_link(run):
    drawing = {"svg", "metadata", "RDF", "Work", "type", "title", "format", "creator", "Agent", "defs", "style", "g"}
    drawing |= {"path", "use", "clipPath", "rect", "text", "tspan", "image"}
    paths = sorted((run[0] / "figures").glob("*.svg"))
    assert len(paths) > 5
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert hidden(text) == []
        for element in ElementTree.fromstring(text).iter():
            assert element.tag.rpartition("}")[2] in drawing, path
            for name, value in element.attrib.items():
                assert not name.lower().startswith("on")
                assert name.rpartition("}")[2] != "href" or value.startswith(("#", "data:image/png;"))


@pytest.mark.parametrize("raw", LABELS, ids=TEXTS)
def test_a_picture_of_any_label_is_a_drawing(tmp_path, raw):
    import matplotlib.pyplot as plt

    with figures.style():
        _, panel = plt.subplots(figsize=(2, 2))
        panel.set_title(raw)
        panel.set_xticks([0.5], labels=[raw])
        panel.plot([0, 1], label=raw)
        panel.legend()
    (path,) = figures.save(panel, tmp_path, "picture", formats=["svg"])
    text = path.read_text(encoding="utf-8")
    assert hidden(text) == []
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(text).iter()}
    assert not tags & {"script", "foreignObject", "a"}


def test_comparisons_show_text_alone(run, work, command):
    shutil.copytree(run[0], work / "other")
    study = (work / "other" / "study.toml").read_text(encoding="utf-8")
    (work / "other" / "study.toml").write_text(study.replace('"attack"', '"a\\u001b[2J\\u202e"'), encoding="utf-8")
    code, said = command("compare", "run", "other", "--out", "both.html")
    assert code == 0, said
    assert hidden(said) == []
    assert "a\\x1b[2J" in said
    page = (work / "both.html").read_text(encoding="utf-8")
    assert hidden(page) == []
    assert "a\\x1b[2J\\u202e" in page
    shutil.rmtree(work / "other")


def test_power_prints_and_writes_text_alone(run, work, command):
    code, said = command("power", "study.toml", "--out", "power", "--device", "cpu", "--workers", "1")
    assert code == 0, said
    assert hidden(said) == []
    table = read_table(work / "power" / "power.csv")
    assert "pixels" in set(table["generating"])


@pytest.mark.parametrize("raw", LABELS, ids=TEXTS)
def test_errors_and_usage_are_text(command, raw):
    for arguments in (
        ("check", f"{raw}.npz"),
        ("check", "mine.npz", "--region", raw),
        (f"x{raw}",),
        ("run", f"--{raw}"),
    ):
        if any(len(argument.strip("-")) == 0 for argument in arguments):
            continue
        code, said = command(*arguments)
        assert code == 2
        assert hidden(said) == []
        assert "\nverdict" not in said


@pytest.mark.parametrize(("raw", "shown"), TEXTS.values(), ids=TEXTS)
def test_a_recording_holds_what_is_shown(raw, shown):
    found = recordings.Recording.from_responses(
        raw,
        np.random.default_rng(0).random((3, 2)),
        image=[raw, "b", "c"],
        neurons={"neuron": [raw, "other"], "region": [raw, "LM"]},
        area=raw,
    )
    assert (found.name, found.area) == (shown, shown)
    assert set(found.responses["image"].to_numpy()) == {shown, "b", "c"}
    assert found.responses["neuron"].to_numpy().tolist() == [shown, "other"]
    assert kept_by_labels({"region": found.responses["region"].to_numpy()}, {"region": raw})[0].tolist() == [0]
    assert hidden(found.describe()) == []
    assert hidden(repr(found.responses)) == []
    assert hidden(str(InputError(f"area is {raw}"))) == []


def test_labels_that_are_shown_alike_are_refused():
    with pytest.raises(InputError, match=r"two names that both appear as 'a\\\\n'"):
        recordings.Recording.from_trials("toy", np.eye(4), image=["a\n", "a\\n", "c", "c"])


def test_images_stay_with_their_names():
    shown = np.zeros((3, 2, 2)) + np.array([0.1, 0.2, 0.3])[:, None, None]
    names = ["\x01first", "b", "a"]
    trials = np.random.default_rng(0).random((6, 3))
    found = recordings.Recording.from_trials("toy", trials, image=np.repeat(names, 2), images=shown)
    by_name = dict(zip(found.stimulus.tolist(), found.images[:, 0, 0].tolist(), strict=True))
    assert by_name == pytest.approx({"\\x01first": 0.1, "a": 0.2, "b": 0.3})
    # As it is shown, its backslash comes after the capitals.
    found = recordings.Recording.from_trials("toy", trials, image=np.repeat(["\x01", "B", "A"], 2), images=shown)
    by_name = dict(zip(found.stimulus.tolist(), found.images[:, 0, 0].tolist(), strict=True))
    assert by_name == pytest.approx({"\\x01": 0.1, "A": 0.2, "B": 0.3})


@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x.nc", "x.h5"])
def test_labels_survive_a_file(tmp_path, name):
    labels = ["=1+1", "@a", "'-x", "-5", "V1", "NA", "null"]
    toy = recordings.Recording.from_responses(
        "toy", np.random.default_rng(0).random((4, 7)), [0, 45, 90, 135], neurons={"neuron": labels}
    )
    recordings.save(toy, tmp_path / name)
    back = recordings.load(tmp_path / name)
    assert sorted(back.responses["neuron"].to_numpy().tolist()) == sorted(labels)
    if name == "x.csv":
        cells = pd.read_csv(tmp_path / name, keep_default_na=False)["neuron"].unique().tolist()
        assert set(cells) == {"'=1+1", "'@a", "''-x", "-5", "V1", "NA", "null"}


NAMES = [
    "a b",
    "a_b",
    "a  b",
    "😀" * 60,
    "😀" * 59,
    "CON",
    "nul",
    "aux.txt",
    ".a",
    "a.",
    "a ",
    "é",
    "e\u0301",
    "a" * 60,
]


def test_names_of_files_are_safe_and_unlike():
    stems = [file_stem(name) for name in NAMES]
    assert len({stem.casefold() for stem in stems}) == len(NAMES)
    for stem in stems:
        assert len(stem.encode("utf-8")) <= 80
        assert not re.match(r"(?i)(con|nul|aux)(\.|$)", stem)
        assert not re.search(r'[\s<>:"/\\|?*]|^\.|[. ]$', stem)
    assert [file_stem(name) for name in ("ConvPoolFC", "a_b", "tilt-discrimination")] == [
        "ConvPoolFC",
        "a_b",
        "tilt-discrimination",
    ]
    pairs = [("a_b", "c"), ("a", "b_c"), ("a b", "c"), ("a", "b c"), ("fitted", "point_readout")]
    assert len({file_stem(*pair) for pair in pairs} | {"fitted_point_readout"}) == len(pairs) + 1


def test_networks_that_differ_by_a_space_have_files_of_their_own_and_by_capitals_none():
    Study(network=[{"label": "a b"}, {"label": "a_b"}, {"label": "😀" * 30}])
    with pytest.raises(ValueError, match="differ by more than capitals"):
        Study(network=[{"label": "A"}, {"label": "a"}])
    with pytest.raises(ValueError, match="would be called a b c in tables"):
        Study(task=[{"label": "a"}, {"label": "a b"}], network=[{"label": "b c"}, {"label": "c"}])


@pytest.mark.parametrize("label", ["a\x9bb", "\u202ea", "a\u2028", "a/b", "a\\b", "  ", "a\nb"])
def test_labels_of_a_study_that_hide_are_refused(label):
    with pytest.raises(ValueError, match="no slashes, and no characters that cannot be seen"):
        Study(network={"label": label})


@pytest.mark.parametrize(("raw", "shown"), TEXTS.values(), ids=TEXTS)
def test_a_study_file_holds_what_it_held(tmp_path, raw, shown):
    import tomllib

    study = Study(recording={"area": raw})
    text = study.to_toml()
    assert hidden(text) == []
    assert tomllib.loads(text)["recording"]["area"] == raw


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_letters_that_the_encoding_lacks_are_escapes(tmp_path, encoding):
    responses = np.random.default_rng(0).random((4, 3))
    toy = recordings.Recording.from_responses("α 網", responses, [0, 45, 90, 135], area="日本")
    recordings.save(toy, tmp_path / "α網.npz")
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    code = "from normenc.cli import main; main()"
    found = subprocess.run(
        [sys.executable, "-c", code, "check", "α網.npz"], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert b"\\u7db2" in found.stdout


def test_no_colour_where_none_is_wanted(monkeypatch, capsys):
    from normenc.cli import terminal

    for name, value, wanted in (("NO_COLOR", "1", False), ("TERM", "dumb", False), ("TERM", "xterm", True)):
        with monkeypatch.context() as patched:
            patched.delenv("NO_COLOR", raising=False)
            patched.setenv("TERM", "xterm")
            patched.setenv(name, value)
            assert terminal.in_colour() is wanted


def test_a_comparison_of_hostile_folders_is_refused_in_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        write_comparison([tmp_path / "a\nb", tmp_path / "c"], tmp_path / "x.html")
    assert "\n" not in str(error.value)


def test_labels_that_look_like_something_else_come_back(tmp_path):
    labels = ["007", "True", "1e3", "NA", "nan", "None", "inf", "-5"]
    table = pd.DataFrame(
        {"network": labels, "similarity": np.arange(8) / 7, "seed": pd.array([1, None] * 4, dtype="Int64")}
    )
    write_table(table.assign(kept=True), tmp_path / "table.csv")
    back = read_table(tmp_path / "table.csv")
    assert back["network"].tolist() == labels
    assert back["similarity"].tolist() == pytest.approx(table["similarity"].tolist())
    assert back["seed"].isna().tolist() == [False, True] * 4
    assert back["kept"].dtype == bool
    for label in labels:  # also where all labels are alike
        write_table(pd.DataFrame({"network": [label, label]}), tmp_path / "table.csv")
        assert read_table(tmp_path / "table.csv")["network"].tolist() == [label, label]


def test_whether_a_population_is_the_recording_is_no_text(run):
    assert read_table(run[0] / "tuning.csv")["recording"].tolist()[:2] == [True, False]


def test_a_persons_table_has_neurons_called_na_and_null(tmp_path):
    lines = ["orientation,NA,null,V1", *(f"{angle},{angle % 7},{angle % 5},{angle % 3}" for angle in range(0, 180, 20))]
    (tmp_path / "wide.csv").write_text("\n".join(lines), encoding="utf-8")
    found = recordings.load(tmp_path / "wide.csv", names={"responses": "NA|null|V1"})
    assert found.responses["neuron"].to_numpy().tolist() == ["NA", "null", "V1"]
    rows = ["trial,orientation,neuron,region,response"]
    for trial, angle in enumerate(range(0, 90, 20)):
        rows += [f"{trial},{angle},NA,null,{(trial + 3) % 7}", f"{trial},{angle},b,NA,{(trial + 5) % 7}"]
    (tmp_path / "long.csv").write_text("\n".join(rows), encoding="utf-8")
    found = recordings.load(tmp_path / "long.csv")
    assert found.responses["neuron"].to_numpy().tolist() == ["NA", "b"]
    assert found.responses["region"].to_numpy().tolist() == ["null", "NA"]
