"""Names of public recordings: what they ask for, which are refused, and how a lab adds its own."""

import dataclasses
import json
import re
import sys

import numpy as np
import pytest

from normenc.errors import InputError
from normenc.quality import check
from normenc.recordings import Collection, Option, Recording, RemoteFile, catalogue, load, register
from normenc.recordings.public import registry
from normenc.recordings.public.listing import example_of
from normenc.recordings.public.names import is_name, parse, place_of
from normenc.recordings.public.places import page_of
from normenc.study import Study, load_study, prepare

RESPONSES = np.random.default_rng(0).normal(size=(48, 6))
ORIENTATION = np.tile(np.arange(0.0, 180, 22.5), 6)
FACTS = {"species": "ferret", "area": "V1", "units": "Hz", "citation": "ours", "licence": "CC0", "source": "here"}


def read(files, session, options):
    scale = float(options["scale"])
    with next(iter(files.values())).open("rb") as file:
        responses = np.load(file)
    return Recording.from_trials("inner", responses * scale, ORIENTATION, **FACTS)


def sessions(session):
    if session not in ("monday", "tuesday"):
        raise InputError(f"ours has no session {session!r}; there are monday and tuesday")
    return (RemoteFile(f"{session}.npy", f"https://example.org/{session}.npy"),)


OURS = Collection(
    "ours",
    "ours",
    files=sessions,
    read=read,
    sessions=("monday", "tuesday"),
    options={"scale": Option("1", "a factor"), "eye": Option("left", "which", ("left", "right"))},
    **FACTS,
)


@pytest.fixture
def ours(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_registered", {})
    np.save(tmp_path / "monday.npy", RESPONSES)
    return register(OURS)


def test_a_name_asks_for_session_and_options(ours):
    asked = parse("ours/monday?scale=2")
    assert (asked.collection, asked.session, dict(asked.options)) == (ours, "monday", {"scale": "2", "eye": "left"})
    assert (asked.name, asked.fetched) == ("ours/monday?scale=2", "ours/monday")
    assert parse("ours/monday?eye=left").name == "ours/monday"
    assert parse("ours/tuesday?eye=right&scale=3").name == "ours/tuesday?scale=3&eye=right"


@pytest.mark.parametrize(
    "name",
    [
        "ours/monday",
        "ours/tuesday?scale=3&eye=right",
        "allen-2p/5?format=nwb2&window=0,1",
        "simulated-v1",
        "stringer2021",
    ],
)
def test_a_name_that_is_written_asks_for_the_same(ours, name):
    asked = parse(name)
    assert (asked.name, parse(asked.name)) == (name, asked)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ours", "no session None"),
        ("ours/", "ends with '/'"),
        ("ours/mondey", "no session 'mondey'; .*; did you mean 'monday'"),
        ("ours/monday?scael=2", "ours has no option 'scael'; the closest option is scale"),
        ("ours/monday?x=2", "no option 'x'; its options are scale, eye and from"),
        ("ours/monday?eye=rigth", "eye is 'rigth'; the closest value is right"),
        ("ours/monday?eye=both", "eye is 'both'; its values are left and right"),
        ("ours/monday?scale", "'scale' is no option; write NAME=VALUE"),
        ("ours/monday?", "'' is no option"),
        ("ours/monday?scale=2&scale=3", "scale is given twice"),
        ("ours/monday?stream=yes", "cannot be read in parts"),
        ("ours/monday?stream=maybe", "it must be yes or no"),
        ("allen-2p/5?stream=yes&from=a", "needs no stream=yes"),
        ("allen-2p", "give the number of an experiment, as in allen-2p/511510753"),
        ("allen-2p/abc", "the session is 'abc'; give the number"),
        ("allen-neuropixels/12a", "the session is '12a'; give the number"),
        ("allen-2p/5?stimulus=static", "stimulus is 'static'; the closest values? .*static_gratings"),
        ("simulated-v1/1", "has no sessions"),
    ],
)
def test_what_is_not_known_is_told_with_what_is_close(ours, name, message):
    for call in (parse, load):
        with pytest.raises(InputError, match=message):
            call(name)


def test_a_name_that_is_no_file_either_lists_what_there_is(ours):
    with pytest.raises(InputError, match=r"nothing/1: there is no such file, .* simulated-v1, .*, ours"):
        load("nothing/1")


def test_a_file_of_a_recordings_name_is_told(ours, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/mine").write_text("")
    with pytest.raises(InputError, match=r"no session 'mine'.*; for your own file write ./ours/mine"):
        load("ours/mine")
    (tmp_path / "ours/monday").write_text("")
    with pytest.raises(InputError, match=r"not downloaded yet; .*your own file of that name is ./ours/monday"):
        load("ours/monday")


def test_a_recording_of_ones_own_collection(ours, tmp_path):
    with pytest.raises(InputError, match=r"ours/monday\?scale=2 is not downloaded yet; .*fetch\('ours/monday'\)"):
        load("ours/monday?scale=2")
    name = f"ours/monday?scale=2&from={tmp_path}/monday.npy"
    recording = load(name, z_score=True, area="V2")
    assert (recording.name, recording.area, recording.species) == ("ours/monday?scale=2", "V2", "ferret")
    averages = (2 * RESPONSES).reshape(6, 8, 6).mean(axis=0)
    expected = (averages - averages.mean(axis=0)) / averages.std(axis=0)
    np.testing.assert_allclose(recording.responses.values, expected)
    assert recording.steps[-1] == "z-scored each neuron over stimuli"
    with pytest.raises(InputError, match=r"there is no such file; give the file of ours/monday"):
        load("ours/monday?from=nowhere.npy")


@pytest.mark.parametrize(
    "options",
    [{"names": {"responses": "F"}}, {"window": (0, 1)}, {"missing": "trials"}, {"stimuli": "shared"}, {"blank": [0]}],
)
def test_options_of_files_are_refused(ours, tmp_path, options):
    with pytest.raises(InputError, match=r"say how a file is read, but ours is read as it was published; .*scale, eye"):
        load(f"ours/monday?from={tmp_path}/monday.npy", **options)
    if "missing" not in options:  # nothing is missing in a simulation
        with pytest.raises(InputError, match="say how a file is read, but simulated-v1 has no file; leave them out"):
            load("simulated-v1", **options)


def test_checks_and_studies_take_names(ours, tmp_path):
    name = f"ours/monday?from={tmp_path}/monday.npy"
    quality = check(name)
    assert (quality.name, quality.n_stimuli, quality.n_neurons) == ("ours/monday", 8, 6)
    prepared = prepare(Study(name="s", recording={"source": name}))
    assert prepared.recording.name == "ours/monday"
    assert [file.path for file in prepared.files] == [tmp_path / "monday.npy"]
    assert place_of(name) == tmp_path / "monday.npy"


def test_the_command_checks_a_name_and_says_how_to_go_on(ours, tmp_path, normenc):
    name = f"ours/monday?scale=2&from={tmp_path}/monday.npy"
    code, out, err = normenc("check", name)
    assert (code, err) == (0, "")
    assert "ours/monday?scale=2: 8 stimuli x 6 neurons, 6 trials each" in out
    code, _, err = normenc("run", "--recording", "ours/monday", "--out", "run")
    assert (code, "normenc recordings fetch ours/monday" in err, (tmp_path / "run").exists()) == (2, True, False)


def test_a_study_file_finds_a_file_beside_it(ours, tmp_path, monkeypatch):
    source = "ours/monday?scale=2&from=monday.npy"
    (tmp_path / "study.toml").write_text(f'[recording]\nsource = "{source}"\n')
    monkeypatch.chdir("/")
    study = load_study(tmp_path / "study.toml")
    assert study.recording[0].source == f"ours/monday?scale=2&from={tmp_path}/monday.npy"
    assert load(study.recording[0].source).n_stimuli == 8
    changed = Study(name="s").with_changes(recording="ours/monday")
    assert [own.source for own in changed.recording] == ["ours/monday"]


def test_a_recording_that_was_changed_while_it_was_read(ours, tmp_path, monkeypatch):
    def slow(files, session, options):
        recording = read(files, session, options)
        np.save(tmp_path / "monday.npy", RESPONSES + 1)
        return recording

    register(dataclasses.replace(ours, read=slow))
    with pytest.raises(InputError, match="changed while it was being read"):
        load(f"ours/monday?from={tmp_path}/monday.npy")


def test_a_reader_that_gives_something_else(ours, tmp_path):
    register(dataclasses.replace(ours, read=lambda files, session, options: 3))
    with pytest.raises(InputError, match="gives a int instead of a Recording"):
        load(f"ours/monday?from={tmp_path}/monday.npy")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "simulated-v1"}, "there is a collection 'simulated-v1' already"),
        ({"name": "a/b"}, "cannot be the name of a collection"),
        ({"name": ""}, "cannot be the name of a collection"),
        ({"options": {"from": Option("a", "b")}}, "an option 'from', which has a meaning already"),
        (
            {"options": {"eye": Option("both", "b", ("left", "right"))}},
            "the default of the option 'eye', 'both', is not",
        ),
    ],
)
def test_a_collection_that_cannot_be_registered(ours, changes, message):
    with pytest.raises(InputError, match=message):
        register(dataclasses.replace(ours, **changes))
    with pytest.raises(InputError, match="a str is given"):
        register("ours")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with an entry point, as pip installs it; gives the function that writes its module."""
    own = tmp_path / "site"
    (own / "our_lab-1.0.dist-info").mkdir(parents=True)
    (own / "our_lab-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: our-lab\nVersion: 1.0\n")
    points = "[normenc.recordings]\nferrets = our_lab_recordings:FERRETS\n"
    (own / "our_lab-1.0.dist-info/entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(own))
    monkeypatch.setattr(registry, "_registered", {})

    def write(code):
        (own / "our_lab_recordings.py").write_text(code)
        sys.modules.pop("our_lab_recordings", None)
        registry._points.cache_clear()
        registry._loaded.cache_clear()

    yield write
    sys.modules.pop("our_lab_recordings", None)
    registry._points.cache_clear()
    registry._loaded.cache_clear()


MODULE = """
from normenc.recordings import Collection, Recording
FERRETS = Collection(
    {name!r}, "gratings", species="ferret", area="V1", units="Hz", citation="c", licence="CC0", source="s",
    read=lambda files, session, options: Recording.from_responses("x", [[1, 2], [3, 1]], [0, 9]),
    files=lambda session: (),
)
"""


def test_a_package_adds_a_collection_by_an_entry_point(package, normenc):
    package(MODULE.format(name="ferrets"))
    assert catalogue()["ferrets"].species == "ferret"
    assert load("ferrets").n_stimuli == 2
    assert "ferrets" in normenc("recordings")[1]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1/0", "cannot be loaded .ZeroDivisionError.*; repair our-lab"),
        ("", "cannot be loaded .AttributeError"),
        ("FERRETS = 3", "is a int; it must be"),
        (MODULE.format(name="stoats"), "calls itself 'stoats'"),
    ],
)
def test_a_package_that_is_broken_is_named_and_harms_no_other_recording(package, normenc, code, message):
    package(code)
    with pytest.raises(InputError, match=rf"the collection 'ferrets' of our-lab .*{message}"):
        load("ferrets")
    assert load("simulated-v1", n_neurons=20).n_neurons == 20
    assert (is_name("mine.npz"), normenc("doctor")[0]) == (False, 0)


def test_the_list_and_what_is_known_of_each(normenc, ours):
    code, out, _ = normenc("recordings")
    assert code == 0
    every = json.loads(normenc("recordings", "--json")[1])
    assert [own["name"] for own in every] == list(catalogue())
    for own in every:
        assert own["name"] in out
        assert all(isinstance(own[name], str) and own[name] for name in (*FACTS, "what", "example"))
        shown = normenc("recordings", "show", own["example"].removesuffix("/SESSION"))
        assert shown[0] == 0
        for fact in (own["citation"], own["licence"], *own["options"], *own["processing"]):
            assert fact in shown[1]
        assert ("a real file was read: no" in shown[1]) == (not own["met"])


def test_every_collection_says_where_its_files_lie():
    for name, own in catalogue().items():
        needs_session = example_of(own) != name
        sessions = own.sessions or (("511510753",) if needs_session else (None,))
        for session in sessions:
            asked = parse(name if session is None else f"{name}/{session}")
            assert own.simulated == (asked.files == ())
            assert len({file.name for file in asked.files}) == len(asked.files)
            for file in own.files(session):
                assert not file.name.startswith("/")
                assert page_of(file.place).startswith("https://")
                assert file.checksum is None or re.fullmatch(r"md5:\w{32}|sha1:\w{40}|sha256:\w{64}", file.checksum)
                assert all(value in (own.options[option].values or [value]) for option, value in file.when)
        if needs_session:
            with pytest.raises(InputError, match=f"{name}"):
                parse(name)


def test_one_recording_is_shown_with_its_files(normenc):
    code, out, _ = normenc("recordings", "show", "allen-neuropixels/715093703")
    assert code == 0
    assert "file: 715093703.nwb (size not known, no checksum is published) from dandi:000021/draft/" in out
    assert "files: 113 more; 0 of 119 are here" in out
    known = json.loads(normenc("recordings", "show", "allen-2p/5?format=nwb2", "--json")[1])
    assert [file["name"] for file in known["files"]] == ["5_nwb2.nwb"]
    code, _, err = normenc("recordings", "show", "allen")
    assert (code, "the closest name" in err) == (2, True)
