"""Neurons of several two-photon sessions pooled by area and depth, beside a reading by h5py and NumPy, one by one."""

import json
import shutil

import h5py
import numpy as np
import pytest
from allen_files import N_CELLS, N_SCENES, Session, write_nwb1
from archive_server import served

from normenc.errors import InputError, NotHereError
from normenc.published import publications, reproduce
from normenc.recordings import cache_folder, load
from normenc.recordings.public import allen_2p, allen_pooled, kept

SCENES = "stimulus/presentation/natural_scenes_stimulus"


def listed(number, *, area="VISal", depth=275, kind="three_session_B", line="Cux2-CreERT2"):
    """An experiment as the Allen Institute's list has it, with much that is not needed left out."""
    donor = {"transgenic_lines": [{"name": line, "transgenic_line_type_name": "driver"}, {"name": "Ai93"}]}
    return {
        "id": number,
        "targeted_structure": {"acronym": area, "id": 402},
        "imaging_depth": depth,
        "stimulus_name": kind,
        "specimen": {"donor": donor},
        "experiment_container_id": number + 1000,
    }


LIST = [
    listed(11),
    listed(12, depth=320, line="Rorb-IRES2-Cre"),
    listed(13, depth=175),
    listed(14, kind="three_session_A"),
    listed(15, area="VISp"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The list, and three of its sessions; all saw the same scenes, the second some of them less often."""
    folder = tmp_path_factory.mktemp("pool")
    (folder / allen_pooled.LIST).write_text(json.dumps({"success": True, "msg": LIST}))
    first = Session(1)
    for k, number in enumerate((11, 12, 13)):
        own = Session(k + 1)
        own.images = first.images
        own.ids = own.ids + 10_000 * k
        if number == 12:
            own.frames = own.frames[:-4]
        write_nwb1(folder / f"{number}.nwb", own)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "pool")


def pooled(folder, area="VISal", **options):
    given = "&".join(f"{key}={value}" for key, value in {"area": area, **options, "from": folder}.items())
    return load(f"allen-2p-pooled?{given}")


def by_hand(path):
    """Presentations of each scene in order: {scene: (n_presentations, n_cells)}, from frames, one by one."""
    with h5py.File(path) as file:
        place = file["processing/brain_observatory_pipeline/DfOverF/imaging_plane_1"]
        signals, stamps = place["data"][()], place["timestamps"][()]
        frames, data = file[f"{SCENES}/frame_duration"][()], file[f"{SCENES}/data"][()]
    found = {}
    for (start, _), scene in zip(frames, data, strict=True):
        inside = (stamps >= stamps[start]) & (stamps < stamps[start] + 0.5)
        found.setdefault(int(scene), []).append(signals[:, inside].mean(axis=1))
    return {scene: np.array(own) for scene, own in found.items()}


def test_neurons_of_sessions_are_joined_by_scene_and_repeat(folder):
    recording = pooled(folder, depth="250-349")
    one, two = by_hand(folder / "11.nwb"), by_hand(folder / "12.nwb")
    index, trials = recording.trials["stimulus_index"].values, recording.trials.values
    assert recording.n_neurons == 2 * N_CELLS
    for scene in range(N_SCENES):
        n = min(len(one[scene]), len(two[scene]))
        expected = np.concatenate([one[scene][:n], two[scene][:n]], axis=1)
        np.testing.assert_allclose(trials[index == scene], expected, rtol=1e-5, atol=1e-7)
    assert len(recording.blanks) == min(len(one[-1]), len(two[-1]) if -1 in two else 0)
    assert recording.responses["neuron_session"].values.tolist() == ["11"] * N_CELLS + ["12"] * N_CELLS
    with h5py.File(folder / "11.nwb") as file:
        np.testing.assert_array_equal(
            np.asarray(recording.images), file["stimulus/templates/natural_scenes_image_stack/data"][()]
        )
    assert "left out 4 of 70 presentations without a counterpart in every session" in recording.steps
    assert recording.name == "allen-2p-pooled?area=VISal&depth=250-349"
    assert recording.area == "VISal" and "sessions 11, 12" in recording.notes


@pytest.mark.parametrize(
    ("options", "sessions"),
    [({}, [11, 12, 13]), ({"cre_line": "Cux2-CreERT2"}, [11, 13]), ({"depth": "320-320"}, [12])],
)
def test_sessions_are_chosen_from_the_list(folder, options, sessions):
    assert sorted({int(own) for own in pooled(folder, **options).responses["neuron_session"].values}) == sessions


def test_gratings_are_joined_by_all_their_parameters(folder):
    recording = pooled(folder, stimulus="static_gratings", depth="175-275")
    assert (recording.n_neurons, recording.n_stimuli, recording.n_repeats) == (2 * N_CELLS, 6, (8, 8))
    one = pooled(folder, stimulus="static_gratings", depth="275-275")
    np.testing.assert_allclose(recording.responses.values[:, :N_CELLS], one.responses.values, rtol=1e-6)


def test_the_list_may_be_that_of_the_toolkit(folder):
    (folder / allen_pooled.LIST).write_text(json.dumps(LIST[:1]))
    assert pooled(folder).n_neurons == N_CELLS


def changed_images(folder):
    with h5py.File(folder / "12.nwb", "r+") as file:
        file["stimulus/templates/natural_scenes_image_stack/data"][0, 0, 0] = (
            255.0 - file["stimulus/templates/natural_scenes_image_stack/data"][0, 0, 0]
        )


def one_scene_less(folder):
    with h5py.File(folder / "12.nwb", "r+") as file:
        data = file[f"{SCENES}/data"]
        data[:] = np.where(data[()] == 4, 5, data[()])


def other_area(folder):
    with h5py.File(folder / "12.nwb", "r+") as file:
        del file["general/optophysiology/imaging_plane_1/location"]
        file["general/optophysiology/imaging_plane_1/location"] = np.bytes_("VISpm")


def in_list(content):
    return lambda folder: (folder / allen_pooled.LIST).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (changed_images, {}, r"session 12 \(.*12.nwb\): its natural scenes are not those of session 11"),
        (
            one_scene_less,
            {},
            r"session 12 \(.*12.nwb\): it did not show what session 11 showed \(1 stimuli differ, the first is 004",
        ),
        (other_area, {}, r"session 12 \(.*12.nwb\): its file says VISpm, and the list VISal"),
        (lambda folder: (folder / "12.nwb").write_bytes(b"x"), {}, r"session 12 \(.*12.nwb\): "),
        (in_list([]), {}, "it holds no list of experiments"),
        (in_list([{"id": 1}]), {}, "an experiment lacks 'targeted_structure'"),
        (in_list([LIST[0], LIST[0]]), {}, "an experiment is listed twice"),
        (in_list([LIST[3]]), {}, "no session of the list showed natural_scenes"),
        (lambda folder: (folder / allen_pooled.LIST).write_text("{"), {}, "list of experiments"),
        (None, {"area": "VISx"}, "no session has area 'VISx'; there are VISal, VISp"),
        (None, {"depth": "0-10"}, "no session lies 0-10 um deep; there are 175, 275, 320"),
        (None, {"depth": "9"}, "it must be two depths in um, as in 150-249, or all"),
        (None, {"cre_line": "Sst"}, "no session has cre_line 'Sst'; there are Ai93, Cux2-CreERT2, Rorb-IRES2-Cre"),
    ],
)
def test_what_cannot_be_pooled_is_told(folder, change, options, message):
    if change:
        change(folder)
    with pytest.raises(InputError, match=message):
        pooled(folder, **options)


def test_absent_sessions_are_named_and_not_left_out(folder):
    (folder / "13.nwb").unlink()
    with pytest.raises(NotHereError, match=r"1 of 3 sessions are not here \(13\); fetch each as allen-2p/13"):
        pooled(folder)
    with pytest.raises(InputError, match="holds no session '5': it pools all of an area"):
        load("allen-2p-pooled/5")


def test_absent_sessions_are_read_where_they_lie(folder, monkeypatch):
    pytest.importorskip("remfile", reason="remfile is not installed: normenc[stream]")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    expected = pooled(folder).responses.values
    with served() as server:
        monkeypatch.setattr(allen_2p, "BUCKET", server.address)
        server.files["/13.nwb"] = (folder / "13.nwb").read_bytes()
        (folder / "13.nwb").unlink()
        with pytest.raises(InputError, match="its licence is Allen Institute"):
            pooled(folder, sessions="stream")
        kept.take_note(allen_pooled.COLLECTION)
        np.testing.assert_array_equal(pooled(folder, sessions="stream").responses.values, expected)
        server.files.clear()
        with pytest.raises(InputError, match=r"session 13 \(http.*13.nwb\): .*cannot be read"):
            pooled(folder, sessions="stream")


def test_published_ceilings_are_not_tried_without_the_list_and_say_what_to_fetch():
    assert not cache_folder().exists()
    found = reproduce([publications()["conwell2021"]]).table
    assert found["result"].str.startswith("not tried").all() and len(found) == 4
