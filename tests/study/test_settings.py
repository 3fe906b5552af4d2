from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from normenc.cli.options import OPTIONS
from normenc.errors import InputError
from normenc.recordings import load, simulated_v1
from normenc.study import Study, load_study, power, prepare, run
from normenc.study.sections import RecordingSettings

EXAMPLE = Path(__file__).parents[2] / "examples" / "reference.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_the_default_is_the_reference_study():
    study = load_study(EXAMPLE)
    assert study.to_toml() == Study().to_toml()
    assert study.training.model_dump() == {
        "seed": 12,
        "n_seeds": 1,
        "n_untrained": 5,
        "n_epochs": 25,
        "batch_size": 100,
        "optimizer": "sgd",
        "learning_rate": 5e-4,
        "momentum": 0.99,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warm_up": 0.1,
        "clip": None,
        "label_smoothing": 0.0,
        "patience": None,
        "accumulate": 1,
        "precision": "full",
        "compile": False,
        "checkpoints": [],
        "drawing_processes": 0,
    }
    assert study.layers_of(study.network[0]) == ("pool", "fc")
    assert study.stimuli.spatial_frequency == 1 / 28


def test_the_file_gives_its_name_and_the_defaults_the_rest(tmp_path):
    study = load_study(write(tmp_path, "[training]\nseed = 7\n"))
    assert study.name == "mine"
    assert study.training.seed == 7
    assert study.task[0].n_train == 1000


@pytest.mark.parametrize(
    ("network", "layers"), [("FC", ("fc",)), ("ConvFC", ("conv", "fc")), ("ConvPoolFC", ("pool", "fc"))]
)
def test_default_layers_are_those_of_the_network(tmp_path, network, layers):
    study = load_study(write(tmp_path, f'network.name = "{network}"'))
    assert study.layers_of(study.network[0]) == layers


def test_a_recording_beside_the_study_file_is_found(tmp_path, monkeypatch):
    (tmp_path / "mine.npz").touch()
    study = load_study(write(tmp_path, 'recording.source = "mine.npz"'))
    assert Path(study.recording[0].source) == (tmp_path / "mine.npz").resolve()
    monkeypatch.chdir(tmp_path)
    assert Path(Study().with_changes(recording="mine.npz").recording[0].source) == (tmp_path / "mine.npz").resolve()


def test_changes_from_the_command_line(tmp_path):
    study = load_study(EXAMPLE).with_changes(recording="other.npz", seed=3)
    assert study.recording[0].source == "other.npz"
    assert study.recording[0].n_neurons is None
    assert study.training.seed == 3
    assert load_study(EXAMPLE).with_changes(recording="simulated-v1").recording[0].n_neurons == 2000


@given(
    source=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    seed=st.integers(0, 2**32 - 1),
    learning_rate=st.floats(1e-300, 1e300),
)
def test_the_resolved_file_gives_the_same_study(tmp_path_factory, source, seed, learning_rate):
    assume(source.strip("./"))  # a folder beside the file that is there, and is found by its whole path
    study = Study(
        recording={"source": source},
        training={"seed": seed, "learning_rate": learning_rate},
        network={"name": "ConvFC"},
    )
    again = load_study(write(tmp_path_factory.getbasetemp(), study.to_toml()))
    assert again.to_toml() == study.to_toml()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.epochs = 3", "training.epochs: there is no such key; did you mean 'n_epochs'"),
        ('recording.map = "responses=F"', "recording.map: there is no such key; did you mean 'names'"),
        ("recording.fold = true", "recording.fold: there is no such key; did you mean 'fold_directions'"),
        ('recording.path = "a.npz"', "recording.path: there is no such key; allowed here: source"),
        ("fold = true", "fold: there is no such key; did you mean 'recording.fold_directions'"),
        ("training.seeds = 3", "training.seeds: there is no such key; did you mean 'n_seeds'"),
        ("[trainnig]\nseed = 1", "trainnig: there is no such key; did you mean 'training'"),
        ("training.n_epochs = 0", "training.n_epochs: given 0; it should be greater than or equal to 1"),
        ("training.n_epochs = 2.5", "training.n_epochs: given 2.5"),
        ('training.seed = "12"', "training.seed: given '12'; it should be a valid integer"),
        ("training.seed = true", "training.seed: given True"),
        ("training.seed = -1", "training.seed: given -1"),
        ("training.seed = 4294967296", "training.seed: given 4294967296"),
        ("training.learning_rate = 0", "training.learning_rate: given 0"),
        ("training.learning_rate = nan", "training.learning_rate: given nan"),
        ("training.momentum = 1.0", "training.momentum: given 1.0"),
        ("training = 3", r"training: given 3; it should be a section \[training\]"),
        ("stimuli.resolution = -0.1", "stimuli.resolution: given -0.1"),
        ("stimuli.resolution = 30", "stimuli.resolution: given 30"),
        ("stimuli.patch = 1", "stimuli.patch: given 1"),
        ('task.name = "reading"', "task.name: given 'reading'; it should be 'tilt-discrimination'"),
        ("task.n_train = 0", "task.n_train: given 0"),
        ("network.n_hidden = 1", "network.n_hidden: given 1"),
        ("network.n_hidden = 10000000", "network.n_hidden: given 10000000"),
        ("stimuli.spatial_frequency = 1e300", "stimuli.spatial_frequency: given 1e"),
        ('network.name = "ResNet"', "network.name: given 'ResNet'; it should be 'FC', 'ConvFC'"),
        ('comparison.method = "kendall"', "comparison.method: given 'kendall'"),
        (
            'comparison.layers = ["pol"]',
            "given 'pol'; layers of ConvPoolFC .* conv, pool, fc, fc_relu",
        ),
        ('comparison.layers = ["fc", "fc"]', "list each layer once"),
        ("comparison.layers = []", "comparison.layers: given"),
        ('network.name = "FC"\ncomparison.layers = ["pool"]', "layers of FC that can be compared are fc, fc_relu"),
        ("recording.bin_width = 0", "recording.bin_width: given 0"),
        ('recording.source = ""', "recording.source: given ''; it should have at least 1"),
        ('name = "../elsewhere"', "name: given '../elsewhere'; it should be a name of letters"),
        ("seed = ", "not valid TOML"),
        ("a = 1\na = 2", "not valid TOML"),
    ],
)
def test_bad_settings_name_file_key_and_what_is_allowed(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(InputError, match=message) as caught:
        load_study(path)
    assert all(line.startswith(f"{path}: ") for line in str(caught.value).splitlines())


def test_every_fault_is_named_at_once(tmp_path):
    with pytest.raises(InputError) as caught:
        load_study(write(tmp_path, "training.seed = -1\ntask.n_train = 0\n"))
    assert len(str(caught.value).splitlines()) == 2


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(InputError, match="no such study file"):
        load_study(tmp_path / "nothing.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_study(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'name = "Universit\xe9"')
    with pytest.raises(InputError, match="UTF-8; byte 17"):
        load_study(tmp_path / "latin.toml")


@pytest.mark.parametrize("option", OPTIONS, ids=[option.flag for option in OPTIONS])
def test_every_option_of_the_command_line_leads_to_its_key(tmp_path, option):
    written = option.flag.removeprefix("--")
    if written == option.field:
        assert written in RecordingSettings.model_fields
        return
    path = write(tmp_path, f"[recording]\n{written} = 1")
    with pytest.raises(InputError, match=f"recording.{written}: there is no such key; did you mean '{option.field}'"):
        load_study(path)


def test_a_single_label_of_neurons_or_blank_stands_for_a_list_of_one(tmp_path):
    (tmp_path / "one.toml").write_text('[recording]\nregion = "V1"\nquality = "good"\nblank = -1\n')
    study = load_study(tmp_path / "one.toml")
    own = study.recording[0]
    assert (own.region, own.quality, own.blank) == (["V1"], ["good"], [-1])
    (tmp_path / "again.toml").write_text(study.to_toml())
    assert load_study(tmp_path / "again.toml").recording[0].preparation == own.preparation
    assert "region = [" in study.to_toml()
    with pytest.raises(InputError, match=r"recording.region: given 3"):
        Study().with_changes(preparation={"region": [3]})


@pytest.mark.parametrize("call", [run, prepare, power])
def test_a_recording_in_memory_is_to_be_saved_first(call, tmp_path):
    recording = simulated_v1(5, n_stimuli=12)
    with pytest.raises(InputError, match=r"^recording is a Recording; .* save this recording with normenc.recordings"):
        call(Study(), recording=recording)
    with pytest.raises(InputError, match=r"^study is a Recording; .* save this recording with normenc.recordings"):
        call(recording)
    with pytest.raises(InputError, match=r"^study is a str; it must be a normenc.study.Study; .*load_study"):
        call("study.toml")
    if call is not prepare:
        with pytest.raises(InputError, match=r"^out is a Recording; it must be the folder to write; save"):
            call(Study(), recording)
    with pytest.raises(InputError, match=r"this recording is loaded already"):
        load(recording)
