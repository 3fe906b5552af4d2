"""Recordings of the Allen Brain Observatory, in small files of their layout, beside a reading by h5py and NumPy."""

import shutil

import h5py
import numpy as np
import pytest
from allen_files import DIRECTIONS, N_CELLS, ORIENTATIONS, Session, Spikes, write_neuropixels, write_nwb1, write_nwb2
from PIL import Image

from normenc.errors import InputError
from normenc.recordings import cache_folder, load

STIMULI = ("natural_scenes", "static_gratings", "drifting_gratings")


@pytest.fixture(scope="module")
def own():
    return Session()


@pytest.fixture(scope="module")
def files(own, tmp_path_factory):
    """The same session in both formats, and with what each stimulus needs."""
    folder = tmp_path_factory.mktemp("allen")
    return {
        "nwb1": write_nwb1(folder / "1.nwb", own, STIMULI),
        "nwb2": write_nwb2(folder / "2.nwb", own, STIMULI),
    }


def name_of(file, **options):
    return "allen-2p/511510753?" + "&".join(f"{key}={value}" for key, value in (options | {"from": file}).items())


def by_hand(path, stimulus, window, format):
    """What was shown, and dF/F of each presentation, by h5py and NumPy, frame by frame."""
    with h5py.File(path) as file:
        if format == "nwb1":
            pipeline = file["processing/brain_observatory_pipeline"]
            signals, stamps = (
                pipeline["DfOverF/imaging_plane_1/data"][()],
                pipeline["DfOverF/imaging_plane_1/timestamps"][()],
            )
            ids = pipeline["ImageSegmentation/cell_specimen_ids"][()]
            group = file[f"stimulus/presentation/{stimulus}_stimulus"]
            start, data = stamps[group["frame_duration"][:, 0]], group["data"][()]
            column = {"static_gratings": 0, "drifting_gratings": 1}
            shown = data.astype(float) if stimulus == "natural_scenes" else data[:, column[stimulus]]
        else:
            place = file["processing/ophys/DfOverF/DfOverF"]
            signals, stamps = place["data"][()].T, place["timestamps"][()]
            ids = file["processing/ophys/ImageSegmentation/PlaneSegmentation/global_roi_id"][()][place["rois"][()]]
            if stimulus == "natural_scenes":
                group = file["stimulus/presentation/natural_scenes_stimulus"]
                start, shown = group["timestamps"][()], group["data"][()].astype(float)
            else:
                group = file[f"stimulus/presentation/{stimulus}"]
                start, shown = group["start_time"][()], group["orientation_in_degrees"][()]
    if stimulus == "natural_scenes":
        shown = np.where(shown > 1000, -1, shown)
        shown = np.where(shown == -1, np.nan, shown)
    rows = [signals[:, (stamps >= at + window[0]) & (stamps < at + window[1])].mean(axis=1) for at in start]
    return shown, np.array(rows), ids


@pytest.mark.parametrize("format", ["nwb1", "nwb2"])
@pytest.mark.parametrize(
    ("stimulus", "window"),
    [("natural_scenes", (0, 0.5)), ("static_gratings", (0, 0.5)), ("drifting_gratings", (0, 2))],
)
def test_responses_are_the_means_of_their_frames(own, files, format, stimulus, window):
    recording = load(name_of(files[format], stimulus=stimulus, format=format))
    shown, responses, ids = by_hand(files[format], stimulus, window, format)
    is_blank = np.isnan(shown)
    every = np.unique(shown[~is_blank])
    expected = np.stack([responses[shown == one].mean(axis=0) for one in every])
    assert recording.kind == {"natural_scenes": "image", "drifting_gratings": "direction"}.get(stimulus, "orientation")
    np.testing.assert_allclose(recording.stimulus.astype(float), every)
    np.testing.assert_allclose(recording.responses.values, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(recording.blanks.values, responses[is_blank], rtol=1e-5, atol=1e-7)
    assert recording.responses["neuron"].values.tolist() == ids.astype(str).tolist()
    assert set(recording.responses["region"].values) == {"VISal"}
    counts = [np.sum(shown == one) for one in every]
    assert recording.n_repeats == (min(counts), max(counts))
    assert (recording.n_neurons, recording.n_trials, len(recording.blanks)) == (N_CELLS, sum(counts), 2)
    said = f"averaged dF/F from 0 to {window[1]:g} s after the onset of each presentation"
    assert said in recording.steps
    assert "left out 2 of" in " ".join(recording.steps)
    assert (recording.species, recording.area, recording.units, recording.simulated) == (
        "mouse",
        "VISal",
        "dF/F",
        False,
    )
    assert "de Vries" in recording.citation
    assert "session type three_session_B" in recording.notes[0] or format == "nwb2"


@pytest.mark.parametrize("format", ["nwb1", "nwb2"])
def test_scenes_come_with_their_own_images(own, files, format):
    recording = load(name_of(files[format], format=format))
    assert recording.stimulus.tolist() == [f"{k:03d}" for k in range(12)]
    np.testing.assert_array_equal(np.asarray(recording.images), own.images)
    assert np.asarray(recording.images).dtype == np.uint8
    assert load(name_of(files[format], stimulus="static_gratings", format=format)).images is None


def test_both_formats_give_the_same(files):
    for stimulus in STIMULI:
        one, two = (load(name_of(files[own], stimulus=stimulus, format=own)) for own in ("nwb1", "nwb2"))
        order = one.responses["neuron"].values.tolist()
        again = two.responses.sel(neuron=two.responses["neuron"].isin(order))
        places = [again["neuron"].values.tolist().index(neuron) for neuron in order]
        np.testing.assert_allclose(one.responses.values, again.values[:, places], rtol=1e-4, atol=1e-6)


def test_gratings_are_chosen_by_their_other_parameters(own, files):
    recording = load(name_of(files["nwb1"], stimulus="static_gratings", spatial_frequency=0.32, phase=0.25))
    shown, responses, _ = by_hand(files["nwb1"], "static_gratings", (0, 0.5), "nwb1")
    rows = np.isclose(own.static[:, 1], 0.32) & (own.static[:, 2] == 0.25)
    expected = np.stack([responses[rows & (shown == one)].mean(axis=0) for one in ORIENTATIONS])
    np.testing.assert_allclose(recording.responses.values, expected, rtol=1e-5, atol=1e-7)
    assert (recording.n_repeats, recording.cautions, len(recording.blanks)) == ((2, 2), (), 2)
    assert "kept 12 of 48 presentations (spatial_frequency 0.32, phase 0.25)" in recording.steps
    every = load(name_of(files["nwb1"], stimulus="static_gratings"))
    assert [caution.split(" ")[0] for caution in every.cautions] == ["spatial_frequency", "phase"]
    assert "0.02, 0.32" in every.cautions[0]
    fast = load(name_of(files["nwb2"], stimulus="drifting_gratings", format="nwb2", temporal_frequency=15))
    assert (fast.stimulus.tolist(), fast.n_repeats, fast.cautions) == (DIRECTIONS.tolist(), (2, 2), ())
    assert load(name_of(files["nwb1"], stimulus="drifting_gratings"), fold_directions=True).n_stimuli == 4


def test_window_and_baseline_are_as_asked_for(files):
    recording = load(name_of(files["nwb1"], window="0.1,0.4", baseline="-0.3,0"))
    shown, window, _ = by_hand(files["nwb1"], "natural_scenes", (0.1, 0.4), "nwb1")
    _, before, _ = by_hand(files["nwb1"], "natural_scenes", (-0.3, 0), "nwb1")
    expected = np.stack([(window - before)[shown == one].mean(axis=0) for one in range(12)])
    np.testing.assert_allclose(recording.responses.values, expected, rtol=1e-4, atol=1e-6)
    assert "subtracted its mean from -0.3 to 0 s after the onset of each presentation" in recording.steps
    assert recording.name == "allen-2p/511510753?window=0.1,0.4&baseline=-0.3,0"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": "0.5,0"}, "window is '0.5,0'; it must be two times in seconds"),
        ({"window": "later"}, "it must be two times in seconds"),
        ({"window": "0,0.001", "baseline": "-90,-80"}, "have no sample of dF/F in their baseline"),
        ({"phase": "0"}, "natural_scenes have no phase; leave it out"),
        ({"stimulus": "static_gratings", "temporal_frequency": "2"}, "static_gratings have no temporal_frequency"),
        ({"stimulus": "static_gratings", "phase": "0.75"}, "no presentation has phase 0.75; there are 0, 0.25"),
        ({"stimulus": "static_gratings", "phase": "half"}, "phase is 'half'; it must be a number, or all"),
    ],
)
def test_what_cannot_be_asked_of_a_session(files, options, message):
    with pytest.raises(InputError, match=message) as caught:
        load(name_of(files["nwb1"], **options))
    assert str(caught.value).startswith("allen-2p/511510753")


def test_a_session_that_did_not_show_it(own, tmp_path):
    a = write_nwb1(tmp_path / "1.nwb", own, ("drifting_gratings",))
    message = r"this session \(three_session_B\) did not show natural_scenes; it showed drifting_gratings: choose one"
    with pytest.raises(InputError, match=message):
        load(name_of(a))
    b = write_nwb2(tmp_path / "2.nwb", own, ())
    with pytest.raises(InputError, match="did not show drifting_gratings; it showed others"):
        load(name_of(b, stimulus="drifting_gratings"))


def test_the_table_that_the_conversion_cut_is_refused(own, tmp_path):
    """DANDI:000728 has 3 rows of static gratings: its converter took the blanks of columns for those of rows."""
    path = write_nwb2(tmp_path / "2.nwb", own, ("static_gratings",), cut=True)
    with pytest.raises(InputError, match=r"has 3 rows instead of thousands: .* read NWB 1, with format=nwb1"):
        load(name_of(path, stimulus="static_gratings", format="nwb2"))


SCENES, TRACES = "stimulus/presentation/natural_scenes_stimulus", "processing/brain_observatory_pipeline/DfOverF"
FAULTS = {
    "an image that is none": (
        lambda file: write(file[f"{SCENES}/data"], 3, 12),
        "presentation 3 is 12; it must be 0 to 11",
    ),
    "an image below -1": (lambda file: write(file[f"{SCENES}/data"], 3, -2), "presentation 3 is -2"),
    "a frame beyond": (lambda file: write(file[f"{SCENES}/frame_duration"], 3, 10**6), "starts at frame 1,000,000"),
    "no stimuli": (lambda file: file.__delitem__("stimulus"), "it has no stimulus/presentation, .* / holds"),
    "no signals": (lambda file: file.__delitem__(TRACES), "it has no .*DfOverF/imaging_plane_1/data"),
    "no pipeline": (lambda file: file.__delitem__("processing"), "it has no processing, so it is not of the published"),
    "times that fall": (
        lambda file: write(file[f"{TRACES}/imaging_plane_1/timestamps"], 5, 0.0),
        "times of the samples do not rise",
    ),
    "cells missing": (
        lambda file: file.__delitem__("processing/brain_observatory_pipeline/ImageSegmentation/cell_specimen_ids"),
        None,
    ),
    "images of fractions": (
        lambda file: write(file["stimulus/templates/natural_scenes_image_stack/data"], 2, 0.5),
        "natural scene 2 holds other values than whole numbers from 0 to 255",
    ),
    "a signal that is missing": (lambda file: write(file[f"{TRACES}/imaging_plane_1/data"], 2, np.nan), None),
}


def write(dataset, place, value):
    dataset[place] = value


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_of_another_layout_is_told(files, tmp_path, fault):
    path = tmp_path / "own.nwb"
    shutil.copy(files["nwb1"], path)
    change, message = FAULTS[fault]
    with h5py.File(path, "r+") as file:
        change(file)
    if message:
        with pytest.raises(InputError, match=message):
            load(name_of(path))
        return
    recording = load(name_of(path))
    if fault == "cells missing":
        assert recording.responses["neuron"].values.tolist() == [f"roi{k}" for k in range(N_CELLS)]
    else:
        assert recording.n_neurons == N_CELLS - 1
        assert f"left out 1 of {N_CELLS} neurons with missing responses" in recording.steps


@pytest.mark.parametrize("kept", [10, 2000, 20_000])
def test_a_truncated_file_is_told(files, tmp_path, kept):
    path = tmp_path / "own.nwb"
    path.write_bytes(files["nwb1"].read_bytes()[:kept])
    with pytest.raises(InputError, match="HDF5 file cannot be read, or is damaged"):
        load(name_of(path))


def test_a_real_file_of_nwb_1_whose_arrays_were_cut(shared_data):
    """Its structure is that of the Allen Institute's files; its arrays were cut, and it says how long they were."""
    path = shared_data / "real/allen_496908818s.nwb"
    with h5py.File(path) as file:
        signals = file["processing/brain_observatory_pipeline/DfOverF/imaging_plane_1"]
        declared, held = int(signals["num_samples"][()]), signals["data"].shape[1]
        shown = {name.removesuffix("_stimulus") for name in file["stimulus/presentation"]}
    message = f"says that it has {declared:,} samples, but holds {held:,}: the file was cut"
    with pytest.raises(InputError, match=message):
        load(f"allen-2p/496908818?from={path}")
    assert {"natural_scenes", "static_gratings"} <= shown
    from normenc.recordings.public.allen import text
    from normenc.recordings.public.allen_2p import _about, _check_shown

    with h5py.File(path) as file:
        assert text(file, "general/optophysiology/imaging_plane_1/location") == "VISp"
        for part in ("session type three_session_B", "depth 275 microns", "indicator GCaMP6f", "animal 491604967"):
            assert part in _about(file, True)
        _check_shown(file, "static_gratings", "static_gratings_stimulus")
        with pytest.raises(
            InputError, match=r"\(three_session_B\) did not show drifting_gratings; it showed natural_sc"
        ):
            _check_shown(file, "drifting_gratings", "drifting_gratings_stimulus")


@pytest.fixture(scope="module")
def spikes():
    return Spikes()


@pytest.fixture(scope="module")
def spikes_file(spikes, tmp_path_factory):
    """The file, and all scenes beside it."""
    folder = tmp_path_factory.mktemp("neuropixels")
    (folder / "natural_scenes").mkdir()
    for k, image in enumerate(scenes()):
        Image.fromarray(image).save(folder / f"natural_scenes/{k}.tiff")
    write_neuropixels(folder / "715093703.nwb", spikes)
    return folder


def scenes():
    return np.random.default_rng(9).integers(0, 256, (118, 5, 7)).astype(np.uint8)


def of_spikes(place, **options):
    return load("allen-neuropixels/715093703?" + "&".join(f"{k}={v}" for k, v in (options | {"from": place}).items()))


def counted(spikes, units, start, window):
    """Spikes by comparing each with both ends of each window."""
    return np.array(
        [
            [np.sum((spikes.spikes[u] >= at + window[0]) & (spikes.spikes[u] < at + window[1])) for u in units]
            for at in start
        ]
    )


def test_spikes_are_counted_in_windows(spikes, spikes_file):
    recording = of_spikes(spikes_file)
    # In VISp 0 to 5, of which 2 loses too much of its amplitudes, 3 has too short intervals, and 5 is noise.
    units = [0, 1, 4]
    counts = counted(spikes, units, spikes.start("natural_scenes"), (0, 0.25))
    expected = np.stack([counts[spikes.frames == k].mean(axis=0) for k in range(118)])
    np.testing.assert_allclose(recording.responses.values, expected)
    np.testing.assert_array_equal(recording.blanks.values, counts[spikes.frames == -1])
    assert recording.stimulus.tolist() == [f"{k:03d}" for k in range(118)]
    np.testing.assert_array_equal(np.asarray(recording.images), scenes())
    assert recording.responses["neuron"].values.tolist() == [str(950_000_000 + unit) for unit in units]
    assert set(recording.responses["region"].values) == {"VISp"}
    assert (recording.units, recording.area, recording.n_repeats) == ("spikes in 0.25 s", "VISp", (1, 2))
    assert recording.steps[0] == (
        "kept 3 of 9 units (area VISp, quality good, amplitude_cutoff <= 0.1, isi_violations <= 0.5, "
        "presence_ratio >= 0.95)"
    )
    assert "counted spikes from 0 s up to 0.25 s after the onset of each presentation" in recording.steps


@pytest.mark.parametrize("as_texts", [True, False])
@pytest.mark.parametrize("stimulus", ["static_gratings", "drifting_gratings"])
def test_gratings_whose_values_are_texts_or_numbers(spikes, tmp_path, stimulus, as_texts):
    path = write_neuropixels(tmp_path / "s.nwb", spikes, as_texts=as_texts)
    window = (0, 0.25) if stimulus == "static_gratings" else (0, 2)
    recording = of_spikes(path, stimulus=stimulus, area="all", quality="all", criteria="none")
    rows = spikes.static if stimulus == "static_gratings" else spikes.drifting
    shown = rows[:, 0] if stimulus == "static_gratings" else rows[:, 1]
    counts = counted(spikes, range(9), spikes.start(stimulus), window)
    expected = np.stack([counts[shown == one].mean(axis=0) for one in np.unique(shown[~np.isnan(shown)])])
    np.testing.assert_allclose(recording.responses.values, expected)
    assert len(recording.blanks) == 2
    assert sorted(set(recording.responses["region"].values)) == ["CA1", "VISl", "VISp", "none"]
    assert recording.area == "CA1, VISl, VISp, none"


def test_units_are_chosen(spikes, tmp_path):
    path = write_neuropixels(tmp_path / "s.nwb", spikes)
    base = {"stimulus": "static_gratings"}
    both = of_spikes(path, **base, area="VISp,VISl")
    assert both.responses["region"].values.tolist() == ["VISp", "VISp", "VISp", "VISl"]
    assert of_spikes(path, **base, criteria="none").n_neurons == 5
    every = of_spikes(path, **base, criteria="none", quality="all")
    assert every.responses["quality"].values.tolist() == ["good"] * 5 + ["noise"]
    # A unit whose value is missing does not meet the criterion.
    assert of_spikes(path, **base, area="all").n_neurons == 5
    for options, message in (
        ({"area": "VISrl"}, r"no unit lies in VISrl; there are VISp \(6\)"),
        ({"quality": "mua"}, "no unit has the quality mua; there are good, noise"),
        ({"area": "CA1"}, "1 of 9 units are left"),
    ):
        with pytest.raises(InputError, match=message):
            of_spikes(path, **base, **options)


def test_presentations_in_invalid_times_are_left_out(spikes, tmp_path):
    start = spikes.start("static_gratings")
    path = write_neuropixels(tmp_path / "s.nwb", spikes, invalid=[(start[3] + 0.2, start[6])])
    recording = of_spikes(path, stimulus="static_gratings")
    assert "left out 3 of 50 presentations in invalid times" in recording.steps
    rows = np.ones(50, dtype=bool)
    rows[3:6] = False
    shown = spikes.static[:, 0]
    counts = counted(spikes, [0, 1, 4], start, (0, 0.25))
    expected = np.stack([counts[rows & (shown == one)].mean(axis=0) for one in ORIENTATIONS])
    np.testing.assert_allclose(recording.responses.values, expected)


SPIKE_FAULTS = {
    "a channel that is none": ("units/peak_channel_id", 5, "leads to 5, which is none of the 50 electrodes"),
    "a phase that is a list": (
        "intervals/static_gratings_presentations/phase",
        "[3644.9, 3644.9]",
        "phase of row 0 is .* it must be a number",
    ),
    "an index that falls": ("units/spike_times_index", 10**9, "does not fit the spikes and the units"),
    "a frequency that is missing": (
        "intervals/static_gratings_presentations/spatial_frequency",
        "null",
        "is missing where",
    ),
}


@pytest.mark.parametrize("fault", SPIKE_FAULTS)
def test_a_file_of_spikes_of_another_layout_is_told(spikes, tmp_path, fault):
    path = write_neuropixels(tmp_path / "s.nwb", spikes)
    place, value, message = SPIKE_FAULTS[fault]
    shown = int(np.flatnonzero(~np.isnan(spikes.static[:, 0]))[0])
    message = message.replace("row 0", f"row {shown}")
    with h5py.File(path, "r+") as file:
        file[place][shown if "intervals" in place else 0] = value
    with pytest.raises(InputError, match=message):
        of_spikes(path, stimulus="static_gratings")


def test_a_session_that_is_not_here_is_asked_for_with_its_images():
    with pytest.raises(InputError, match=r"allen-neuropixels/715093703 is not downloaded yet") as caught:
        load("allen-neuropixels/715093703")
    assert "normenc recordings fetch allen-neuropixels/715093703'" in str(caught.value)
    assert not cache_folder().exists()
    gratings = "allen-neuropixels/715093703?stimulus=static_gratings"
    with pytest.raises(InputError, match="is not downloaded yet"):
        load(gratings)
