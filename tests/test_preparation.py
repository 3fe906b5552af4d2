"""How a recording is read and prepared is one thing: for Python, for study files, and for every command."""

import inspect
import re
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np
import pytest
import typer

from normenc import rsa
from normenc.cli.options import OPTIONS, takes_recording
from normenc.errors import InputError
from normenc.quality import check
from normenc.recordings import Preparation, load
from normenc.recordings.times import Window, parse_window
from normenc.study import Study, load_study, power, prepare, run
from normenc.study.sections import RecordingSettings

RNG = np.random.default_rng(0)
QUICK = Study(
    stimuli={"resolution": 0.1},
    task={"n_train": 20, "n_test": 20},
    network={"name": "FC"},
    comparison={"controls": ["pixels"]},
)
IN_PYTHON_ALONE = {"source"}  # in a study file that is the recording itself
NOT_OPTIONS = {"source", "citation", "licence", "simulated"}  # of the command line: a study file says them


def test_study_files_and_commands_know_every_option():
    known = {field.name for field in fields(Preparation)}
    of_recordings = set(RecordingSettings.model_fields) - {"source", "n_neurons", "seed", "reads"}
    assert of_recordings == known - IN_PYTHON_ALONE
    assert {option.field for option in OPTIONS} == known - NOT_OPTIONS


@pytest.fixture
def mine(normenc, tmp_path):
    orientation = np.repeat(np.arange(0, 180, 15.0), 4)
    responses = RNG.poisson(3 + 2 * np.cos(np.radians(2 * (orientation[:, None] - RNG.uniform(0, 180, 20)))))
    np.savez(tmp_path / "mine.npz", responses=responses, orientation=orientation)
    return "mine.npz"


# Options as they are given in Python, on the command line, and in a study file, with a file that has use for them.
SAME = {
    "names": (
        "own names",
        {"names": {"responses": "F", "orientation": "theta"}},
        ["--map", "responses=F,orientation=theta"],
    ),
    "axes": ("repeats", {"axes": ("repeat", "stimulus", "neuron")}, ["--axes", "repeat,stimulus,neuron"]),
    "times": (
        "samples",
        {"axes": "trial,time,neuron", "times": (0, 3), "window": (1, 2.5)},
        ["--axes", "trial,time,neuron", "--times", "0,3", "--window", "1,2.5"],
    ),
    "window": ("seconds", {"window": (0.5, 2)}, ["--window", "0.5,2"]),
    "baseline": ("seconds", {"window": "(1, 3]", "baseline": [0, 0.5]}, ["--window", "(1,3]", "--baseline", "0,0.5"]),
    "where": ("trials", {"where": {"contrast": [0.5]}}, ["--where", "contrast=0.5"]),
    "blank": ("trials", {"blank": -30}, ["--blank", "-30"]),
    "angles": ("trials", {"angles": "degrees"}, ["--angles", "degrees"]),
    "rdm_metric": ("rdm", {"rdm_metric": "euclidean"}, ["--rdm-metric", "euclidean"]),
    "species": ("trials", {"species": "ferret"}, ["--species", "ferret"]),
    "area": ("trials", {"area": "V2"}, ["--area", "V2"]),
    "units": ("trials", {"units": "dF/F"}, ["--units", "dF/F"]),
    "citation": ("trials", {"citation": "Someone, 2026"}, None),
    "licence": ("trials", {"licence": "CC0"}, None),
    "simulated": ("trials", {"simulated": True}, None),
    "missing": ("gaps", {"missing": "neurons"}, ["--missing", "neurons"]),
    "region": ("trials", {"region": "V1"}, ["--region", "V1"]),
    "quality": ("trials", {"quality": ["good", "mua"]}, ["--quality", "good,mua"]),
    "responsive": ("blanks", {"responsive": True}, ["--responsive"]),
    "stimuli": ("animals", {"stimuli": "shared"}, ["--stimuli", "shared"]),
    "reliability": ("trials", {"reliability": 0.5}, ["--reliability", "0.5"]),
    "fold_directions": ("directions", {"fold": True}, ["--fold"]),
    "bin_width": ("trials", {"bin_width": 30}, ["--bin-width", "30"]),
    "z_score": ("trials", {"z_score": True}, ["--z-score"]),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(1)
    shown = np.arange(-90, 90, 15.0)
    orientation = np.repeat(shown, 4)
    tuned = 3 + 2 * np.cos(np.radians(2 * (orientation[:, None] - rng.uniform(0, 180, 20))))
    trials = tuned + 0.1 * rng.normal(size=tuned.shape)
    labels = {
        "contrast": np.tile([0.5, 0.5, 1.0, 1.0], 12),
        "region": np.array(["V1", "LM"] * 10),
        "quality": np.array(["good", "mua", "noise", "good"] * 5),
    }
    gaps = trials.copy()
    gaps[3, 7] = np.nan
    silent = np.concatenate([trials, 0.1 * rng.normal(size=(12, 20))])
    samples = trials[:, None, :] + np.arange(4.0)[:, None] * rng.normal(size=(48, 1, 20))
    seen = np.tile(["m1", "m2"], 24)  # of the last orientation, one animal alone
    of = {
        "trials": {"responses": trials, "orientation": orientation, **labels},
        "own names": {"F": trials, "theta": orientation},
        "repeats": {"responses": trials.reshape(12, 4, 20).swapaxes(0, 1), "orientation": shown},
        "samples": {"responses": samples, "orientation": orientation},
        "seconds": {"responses": samples, "orientation": orientation, "time": np.arange(4.0)},
        "rdm": {"rdm": rsa.rdm(trials[::4], metric="euclidean"), "orientation": shown},
        "gaps": {"responses": gaps, "orientation": orientation},
        "animals": {"responses": trials, "orientation": orientation, "animal": np.where(orientation < 75, seen, "m1")},
        "blanks": {"responses": silent, "orientation": np.append(orientation, [np.nan] * 12)},
        "directions": {"responses": trials, "direction": np.repeat(np.arange(0, 360, 30.0), 4)},
    }
    for name, arrays in of.items():
        np.savez(folder / f"{name}.npz", **arrays)
    return folder


def content(recording):
    """All that a study sees of a recording, comparable."""
    return {
        "described": recording.describe(),
        "facts": (recording.units, recording.citation, recording.licence, recording.rdm_metric, recording.simulated),
        "done": (*recording.notes, *recording.steps),
        "read_as": recording.read_as,
        "stimulus": recording.stimulus.tolist(),
        "values": (recording.rdm if recording.responses is None else recording.responses.to_numpy()).tolist(),
        "blanks": None if recording.blanks is None else recording.blanks.to_numpy().tolist(),
    }


def of_command(arguments):
    """The preparation that a command is given."""
    given = []
    app = typer.Typer()

    @app.command()
    @takes_recording
    def command(*, preparation: Any) -> None:
        given.append(preparation)

    app(arguments, standalone_mode=False)
    return given[0]


@pytest.mark.parametrize("option", SAME)
def test_each_option_gives_the_same_recording_through_every_door(files, option, tmp_path):
    name, options, arguments = SAME[option]
    path = files / f"{name}.npz"
    prepared = Preparation.of(**options)
    assert option in prepared.given()
    expected = content(load(path, **options))
    assert content(load(path, preparation=prepared)) == expected
    study = QUICK.with_metric("euclidean") if option == "rdm_metric" else QUICK
    assert content(prepare(study, recording=str(path), **options).recording) == expected
    changed = study.with_changes(recording=str(path), preparation=prepared)
    (tmp_path / "study.toml").write_text(changed.to_toml(), encoding="utf-8")
    assert content(prepare(load_study(tmp_path / "study.toml")).recording) == expected
    quality = check(path, **options)
    assert (quality.description, quality.notes[-len(expected["done"]) :]) == (expected["described"], expected["done"])
    if arguments is not None:
        command = of_command(arguments)
        assert content(load(path, preparation=command)) == expected
        given = study.with_changes(recording=str(path), preparation=command).recording[0]
        assert content(load(path, preparation=given.preparation)) == expected


def test_no_option_is_forgotten():
    elsewhere = {"intervals", "series", "images", "source"}  # of NWB files, of images; and what no study file can state
    assert set(SAME) | elsewhere == {field.name for field in fields(Preparation)}


TEXTS = ("intervals", "series", "rdm_metric", "species", "area", "units", "source", "citation", "licence")
ODD: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("responsive", "fold_directions", "z_score"), ("no", "false", 1, 0.0, None, [True])),
    **dict.fromkeys(TEXTS, (3, " ", ["V1"], b"V1", True)),
    **dict.fromkeys(("region", "quality"), (True, "", [], [["V1"]], {"V1": 1}, np.nan)),
    "simulated": ("no", 0, 1),
    "names": ("responses=F", {"responses": 3}, {1: "F"}, ["F"], {"responses": ["F"]}),
    "axes": (3, [], ["trial", 1], "", {"trial": 0}),
    "times": ("0,1", (0,), (1, 0), (0, np.nan), ("0", "1"), 3, (False, True), np.zeros((2, 2))),
    "window": (3, True, (0,), (1, 0), ("0", "1"), "soon", (False, True), b"all", {"from": 0}),
    "baseline": (3, (0,), (1, 0), "all", (False, True)),
    "where": ("contrast=1", {1: 2}, {"contrast": {"at": 1}}, {"contrast": []}, {"contrast": None}, ["contrast"]),
    "blank": ([], [None], [[1]], {"at": -1}, True, np.nan),
    "images": (3, "", ["a.png"], np.zeros((2, 3, 4))),
    "angles": ("turns", True, 1),
    "missing": ("some", None, True, ["trials"]),
    "stimuli": ("some", None, True, ["shared"]),
    "reliability": (True, "0.2", -0.1, 1, np.nan, np.inf, [0.2]),
    "bin_width": (True, "30", 0, -3, np.nan, np.inf, [30]),
}


def test_every_field_is_tried_with_odd_values():
    assert ODD.keys() == {field.name for field in fields(Preparation)}


@pytest.mark.parametrize("option", ODD)
def test_a_value_of_the_wrong_type_is_refused_when_the_object_is_made(option):
    for value in ODD[option]:
        with pytest.raises(InputError, match=rf"^{option} is .*it must be "):
            Preparation(**{option: value})


def test_numbers_and_lists_of_numpy_are_taken_as_those_of_python():
    made = Preparation(
        bin_width=np.float32(30), z_score=np.bool_(True), simulated=np.bool_(False), blank=np.array([-1, -2])
    )
    assert made.given() == {"bin_width": 30.0, "z_score": True, "simulated": False, "blank": [-1, -2]}
    assert made.z_score is True and type(made.bin_width) is float
    assert Preparation(where={"contrast": np.array([0.5, 1])}) == Preparation(where={"contrast": [0.5, 1]})


def test_an_option_that_cannot_be_written_into_a_study_is_refused(files):
    with pytest.raises(InputError, match="source says where a recording comes from, which a study file cannot state"):
        prepare(QUICK, recording=str(files / "trials.npz"), source="our rig")


@pytest.mark.parametrize("door", [load, check, partial(run, QUICK), partial(power, QUICK), partial(prepare, QUICK)])
def test_a_wrong_option_is_told_from_the_nearest_at_every_door(door):
    wanted = "there is no option 'z_scores' to prepare a recording; did you mean 'z_score'?"
    with pytest.raises(InputError, match=re.escape(wanted)):
        door(z_scores=True) if isinstance(door, partial) else door("simulated-v1", z_scores=True)


def test_options_change_a_preparation_and_stand_once():
    some = Preparation(region="V1", z_score=True)
    assert Preparation.of(some, z_score=False).given() == {"region": "V1"}
    assert Preparation.of({"fold": True}) == Preparation(fold_directions=True)
    with pytest.raises(InputError, match="fold_directions is given twice, also as fold"):
        Preparation.of(fold_directions=True, fold=False)
    with pytest.raises(InputError, match="preparation is a str"):
        load("simulated-v1", preparation="z-score")


def test_a_window_is_written_as_exactly_as_it_was_given():
    third = Window(1 / 3, 2 / 3, with_start=False, with_stop=True)
    written = Preparation(window=third, times=np.array([0, 0.1]), where={"n": np.int64(2)}).settings()
    assert written["window"] == "(0.3333333333333333,0.6666666666666666]"
    assert parse_window(written["window"]) == third
    assert written["times"] == [0.0, 0.1]
    assert written["where"] == {"n": 2} and type(written["where"]["n"]) is int


@pytest.mark.parametrize("function", [run, check, power, prepare])
def test_entry_points_have_few_parameters_of_their_own(function):
    own = [one for one in inspect.signature(function).parameters.values() if one.kind is not one.VAR_KEYWORD]
    assert len(own) <= 10


WRONG = [
    (("--map", "responses=F"), "there is no array 'F' (for responses)"),
    (("--axes", "voxel,trial"), "there is no axis 'voxel'"),
    (("--times", "1"), "--times 1: it must be the seconds of the first and of the last sample"),
    (("--window", "0,1"), "are for responses with an axis of time; these are 48 trials x 20 neurons"),
    (("--baseline", "1,0"), "baseline is '1,0'; it must be two times in seconds"),
    (("--intervals", "trials"), "intervals applies to NWB files"),
    (("--series", "dff"), "series applies to NWB files"),
    (("--where", "contrast=1"), "there is no column 'contrast' besides the stimuli"),
    (("--blank", "77"), "no trial has the stimulus 77"),
    (("--images", "nowhere"), "there is no such folder; give a folder of images"),
    (("--angles", "turns"), "angles"),
    (("--rdm-metric", "euclidean"), "rdm_metric describes a given RDM"),
    (("--missing", "some"), "missing"),
    (("--region", "V1"), "the neurons have no label 'region'"),
    (("--quality", "good"), "the neurons have no label 'quality'"),
    (("--responsive",), "there are no trials without a stimulus"),
    (("--stimuli", "shared"), "keeps what all animals, or sessions, saw, but none are named"),
    (("--reliability", "1"), "reliability is 1.0; it must be a number from 0 up to"),
    (("--fold",), "only directions can be folded"),
    (("--bin-width", "179"), "bin_width is 179"),
]


@pytest.mark.parametrize("command", [("check",), ("run", "--recording"), ("power", "--recording")], ids=" ".join)
@pytest.mark.parametrize(("options", "message"), WRONG, ids=[options[0] for options, _ in WRONG])
def test_every_command_heeds_every_option(normenc, mine, command, options, message):
    code, _, err = normenc(*command, mine, *options)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_those_that_are_never_wrong_are_tried_too():
    tried = {options[0] for options, _ in WRONG}
    assert {option.flag for option in OPTIONS} - tried == {"--species", "--area", "--units", "--z-score"}


def test_facts_that_are_given_are_told(normenc, mine):
    code, out, _ = normenc("check", mine, "--species", "mouse", "--area", "V1", "--units", "spikes", "--z-score")
    assert code == 0
    assert "species mouse, area V1" in out
    assert "(stated: spikes)" in out  # the values that are shown are those of the file
    assert "z-scored each neuron over stimuli" in " ".join(out.split())
