import warnings
from datetime import UTC, datetime

import h5py
import numpy as np
import pytest

from normenc.errors import InputError
from normenc.recordings import Recording, load

pynwb = pytest.importorskip("pynwb")

from hdmf.common import VectorData  # noqa: E402
from pynwb.epoch import TimeIntervals  # noqa: E402
from pynwb.file import Subject  # noqa: E402
from pynwb.ophys import (  # noqa: E402
    DfOverF,
    Fluorescence,
    ImageSegmentation,
    OpticalChannel,
    RoiResponseSeries,
)

from normenc.recordings.formats import trial_windows  # noqa: E402
from normenc.recordings.formats.nwb import read_nwb  # noqa: E402
from normenc.recordings.formats.trial_windows import spike_counts, window_means  # noqa: E402
from normenc.recordings.nwb_export import write_nwb  # noqa: E402


def session(**facts):
    return pynwb.NWBFile(
        session_description="gratings  and\nmore",
        identifier="abc",
        session_start_time=datetime(2020, 5, 1, tzinfo=UTC),
        **facts,
    )


def save(file, path):
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    assert pynwb.validate(path=str(path), use_cached_namespaces=False) == []  # those in the file are pynwb's own
    return path


def add_trials(file, starts, stops, **columns):
    for name in columns:
        file.add_trial_column(name, f"the {name}")
    for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        file.add_trial(
            start_time=float(start), stop_time=float(stop), **{name: values[row] for name, values in columns.items()}
        )


def table(name, starts, stops, **columns):
    data = {"start_time": np.array(starts, float), "stop_time": np.array(stops, float)} | columns
    return TimeIntervals(
        name=name,
        description=name,
        columns=[VectorData(name=key, description=key, data=values) for key, values in data.items()],
    )


def add_units(file, *spikes, **columns):
    for name in columns:
        file.add_unit_column(name, f"the {name}")
    for row, times in enumerate(spikes):
        file.add_unit(
            spike_times=np.array(times, float), id=10 + row, **{name: values[row] for name, values in columns.items()}
        )


# Trial 0 lasts 2 s, the others 1 s.
STARTS, STOPS = [0.0, 2.0, 4.0], [2.0, 3.0, 5.0]
FIRST = [0.0, 0.5, 2.0, 2.5, 2.75, 3.0]  # 0 lies in trial 0; 2 and not 3 in trial 1
SECOND = [1.999, 3.5, 4.0, 4.25, 4.5, 4.75]


@pytest.fixture
def spikes(tmp_path):
    file = session(
        subject=Subject(subject_id="m1", species="Mus musculus"),
        session_id="s7",
        related_publications=["doi:10.1/a", "doi:10.1/b"],
    )
    add_trials(file, STARTS, STOPS, orientation=[0.0, 45.0, 90.0])
    device = file.create_device("probe")
    group = file.create_electrode_group("shank", description="a", location="V1", device=device)
    for location in ("V1", "LM", "LM"):
        file.add_electrode(location=location, group=group)
    file.add_unit_column("quality", "by hand")
    for number, (times, quality, electrodes) in enumerate(((FIRST, "good", [0]), (SECOND, "mua", [0, 1, 2]))):
        file.add_unit(spike_times=times, id=10 + number, quality=quality, electrodes=electrodes)
    return save(file, tmp_path / "spikes.nwb")


def test_rates_of_trials_that_last_differently(spikes):
    found = read_nwb(spikes)
    # Counts 2, 3, 0 and 1, 0, 4 within 2, 1 and 1 s.
    np.testing.assert_array_equal(found["responses"], [[1, 0.5], [3, 0], [0, 4]])
    np.testing.assert_array_equal(found["orientation"], [0, 45, 90])
    assert found["units"] == "Hz"


def test_labels_and_facts_of_spikes(spikes):
    found = read_nwb(spikes)
    for label, values in (
        ("neuron", ["10", "11"]),
        ("quality", ["good", "mua"]),
        ("region", ["V1", "LM"]),  # of the second, two electrodes of three
        ("animal", ["m1"] * 3),
        ("session", ["s7"] * 3),
    ):
        assert found[label].tolist() == values
    assert found["species"] == "Mus musculus"
    assert found["citation"] == "doi:10.1/a; doi:10.1/b"
    assert found["source"] == "NWB file abc: gratings and more"
    assert found["notes"] == []
    assert "area" not in found


def test_windows_and_baselines_of_spikes(spikes):
    # From 0.5 to 1 s of each trial: 0.5; 2.5 and 2.75; none. And none; none; 4.5 and 4.75.
    windowed = read_nwb(spikes, window=(0.5, 1.0))
    np.testing.assert_array_equal(windowed["responses"], [[2, 0], [4, 0], [0, 4]])
    # In the half second before: none; none; none. And none; 1.999; 3.5.
    above = read_nwb(spikes, window=(0.5, 1.0), baseline=(-0.5, 0.0))
    np.testing.assert_array_equal(above["responses"], [[2, 0], [4, -2], [0, 2]])
    assert above["units"] == "Hz above baseline"


def test_a_recording_of_what_was_read(spikes):
    found = read_nwb(spikes)
    labels = {"neurons": {key: found[key] for key in ("neuron", "region", "quality")}}
    recording = Recording.from_trials("mouse", found["responses"], found["orientation"], units=found["units"], **labels)
    np.testing.assert_array_equal(recording.responses, [[1, 0.5], [3, 0], [0, 4]])


def test_neurons_are_selected_by_their_labels(spikes):
    recording = load(spikes, quality="good", window=(0.5, 1.0))
    np.testing.assert_array_equal(recording.responses, [[2], [4], [0]])
    np.testing.assert_array_equal(load(spikes, region="LM").responses, [[0.5], [0], [4]])
    with pytest.raises(InputError, match=r"window is \(2, 1\)"):
        load(spikes, window=(2, 1))


def test_counts_are_those_of_numpy_whatever_the_blocks(monkeypatch):
    generator = np.random.default_rng(0)
    lengths = [0, 400, 7, 0, 90]
    units = [np.sort(generator.uniform(0, 10, n)) for n in lengths]
    units[1] = generator.permutation(units[1])  # not in order
    begin = generator.uniform(0, 9, 30)
    end = begin + generator.uniform(0, 1, 30)
    expected = [[((times >= a) & (times < b)).sum() for times in units] for a, b in zip(begin, end, strict=True)]
    for size in (8, 800, 2**26):
        monkeypatch.setattr(trial_windows, "BLOCK_BYTES", size)
        found = spike_counts(np.concatenate(units), np.cumsum(lengths), begin, end)
        np.testing.assert_array_equal(found, expected)


def test_means_are_those_of_numpy_whatever_the_blocks(monkeypatch, tmp_path):
    generator = np.random.default_rng(0)
    data = generator.normal(size=(200, 3)).astype(np.float32)
    data[17, 1] = np.nan  # stays in the windows that hold it
    first = generator.integers(0, 190, 40)
    last = np.minimum(first + generator.integers(1, 60, 40), 200)
    last[0] = 200
    expected = [data[a:b].astype(np.float64).mean(axis=0) for a, b in zip(first, last, strict=True)]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("a", data=data, chunks=(16, 2))
        for size in (24, 24 * 37, 24 * 5, 2**26):
            monkeypatch.setattr(trial_windows, "BLOCK_BYTES", size)
            np.testing.assert_allclose(window_means(data, first, last), expected, rtol=1e-12)
            np.testing.assert_allclose(window_means(stored, first, last), expected, rtol=1e-12)


def test_intervals_of_other_names_and_blank_trials(tmp_path):
    file = session()
    add_trials(file, [0.0, 1.0], [1.0, 2.0], choice=["left", "right"])
    shown = np.array([0.0, np.nan, 180.0, 315.0])
    file.add_time_intervals(table("gratings", [0, 1, 2, 3], [1, 2, 3, 4], Orientation=shown))
    file.add_time_intervals(table("movie", [4, 5], [5, 6], orientation=np.zeros(2)))
    file.add_invalid_time_interval(start_time=0.1, stop_time=0.2)
    add_units(file, [0.5, 1.5, 2.5], [3.0, 3.25])
    found = read_nwb(save(file, tmp_path / "a.nwb"))
    np.testing.assert_array_equal(found["direction"], shown)
    np.testing.assert_array_equal(found["responses"], [[1, 0], [1, 0], [1, 0], [0, 2]])
    assert found["axes"] == "trial,neuron"
    assert found["notes"] == [
        "Orientation spans more than 180 degrees, and is read as direction; fold it if the gratings did not drift",
        "direction is column Orientation of gratings",
        "1 of 4 trials have no stimulus and are blanks",
        "1 invalid_times are ignored",
    ]
    np.testing.assert_array_equal(load(tmp_path / "a.nwb").blanks, [[1, 0]])
    assert "orientation" in read_nwb(tmp_path / "a.nwb", names={"orientation": "Orientation"})


def test_texts_that_are_numbers_and_blanks(tmp_path):
    file = session()
    add_trials(file, [0, 1, 2], [1, 2, 3], grating_orientation=["45.0", "null", "-45"])
    add_units(file, [0.5], [2.5])
    found = read_nwb(save(file, tmp_path / "a.nwb"))
    np.testing.assert_array_equal(found["orientation"], [45, np.nan, -45])
    np.testing.assert_array_equal(found["responses"], [[1, 0], [0, 0], [0, 1]])


def test_images_by_name_and_by_number(tmp_path):
    file = session()
    columns = {"image_name": ["b", "", "a", "b"], "frame": [3.0, -1.0, 0.0, 3.0], "trial_number": [1, 2, 3, 4]}
    add_trials(file, [0, 1, 2, 3], [1, 2, 3, 4], **columns)
    add_units(file, [0.5], [2.5])
    path = save(file, tmp_path / "a.nwb")
    found = read_nwb(path, names={"repeat": "trial_number"})
    assert found["image"].tolist() == ["b", "", "a", "b"]
    assert found["repeat"].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(read_nwb(path, names={"image": "frame"})["image"], [3, np.nan, 0, 3])
    whole = read_nwb(path, names={"image": "trial_number"})["image"]
    assert whole.tolist() == [1, 2, 3, 4]
    assert whole.dtype == np.int64


def test_all_columns_of_trials_are_given(tmp_path):
    file = session()
    columns = {
        "orientation": [0.0, 45.0, 0.0, 45.0],
        "temporal_frequency": [1.0, 1.0, 2.0, np.nan],
        "outcome": ["hit", "miss", "hit", "hit"],
        "quality": [1, 2, 3, 4],  # of trials, and not of neurons
        "direction_of_lick": ["l", "r", "l", "r"],
        "rewarded": [True, False, True, True],
    }
    add_trials(file, [0, 1, 2, 3], [1, 2, 3, 4], **columns)
    add_units(file, [0.5], [2.5], quality=["good", "mua"])
    path = save(file, tmp_path / "a.nwb")
    found = read_nwb(path)
    for name in ("temporal_frequency", "outcome", "direction_of_lick", "rewarded"):
        np.testing.assert_array_equal(found[name], columns[name])
    assert found["quality"].tolist() == ["good", "mua"]
    assert found["trials.quality"].tolist() == [1, 2, 3, 4]
    assert not {"start_time", "stop_time", "timeseries"} & found.keys()
    mapped = read_nwb(path, names={"direction": "orientation", "tf": "temporal_frequency"})
    assert not {"orientation", "temporal_frequency"} & mapped.keys()
    np.testing.assert_array_equal(mapped["direction"], columns["orientation"])
    np.testing.assert_array_equal(mapped["tf"], columns["temporal_frequency"])
    assert refused(path, names={"tf": "no"}).startswith("trials has no column 'no' for tf; it has ")


def test_stimuli_of_two_kinds_are_chosen_by_their_name(tmp_path):
    file = session()
    add_trials(file, [0, 1, 2], [1, 2, 3], orientation=[0.0, 45.0, 90.0], image=["a", "b", "a"])
    add_units(file, [0.5], [2.5])
    path = save(file, tmp_path / "a.nwb")
    assert refused(path).startswith("the stimulus of trials may be any of the columns orientation, image; name")
    assert load(path, names={"image": "image"}).kind == "image"
    recording = load(path, names={"orientation": "orientation"})
    np.testing.assert_array_equal(recording.orientation, [0, 45, 90])
    assert read_nwb(path, names={"orientation": "orientation"})["trials.image"].tolist() == ["a", "b", "a"]


def test_trials_without_a_stimulus_that_show_something_else_are_told(tmp_path):
    file = session()
    columns = {"orientation": [0.0, 45.0, np.nan, np.nan], "stimulus_name": ["grating", "grating", "scene", "movie"]}
    add_trials(file, [0, 1, 2, 3], [1, 2, 3, 4], **columns)
    add_units(file, [0.5], [2.5])
    (said,) = read_nwb(save(file, tmp_path / "a.nwb"))["notes"]
    assert said.startswith("2 of 4 trials have no stimulus and are blanks; their stimulus_name is movie, scene (if ")


def test_blanks_without_times_or_samples_are_left_out(tmp_path):
    file = session()
    add_trials(file, [0, 1, 2, np.nan], [1, 2, np.nan, np.nan], orientation=[0.0, 45.0, np.nan, np.nan])
    add_units(file, [0.5], [1.5])
    path = save(file, tmp_path / "a.nwb")
    found = read_nwb(path)
    np.testing.assert_array_equal(found["orientation"], [0, 45])
    assert found["notes"] == ["left out 2 of 4 trials, without a stimulus and without responses"]
    np.testing.assert_array_equal(read_nwb(path, window=(0, 1))["orientation"], [0, 45, np.nan])
    path = imaging(tmp_path / "b.nwb", DfOverF, ramps(), rate=10.0, starts=(1.0, 2.0, 900.0))
    found = read_nwb(path)
    np.testing.assert_array_equal(found["direction"], [0, 270])
    assert found["notes"] == ["left out 1 of 3 trials, without a stimulus and without responses"]


@pytest.mark.parametrize("timing", [{"rate": 10.0}, {"timestamps": np.arange(40) / 10}])
def test_signals_that_are_stored_the_other_way_are_turned(tmp_path, timing):
    path = imaging(tmp_path / "a.nwb", Fluorescence, ramps(), **timing)
    own = read_nwb(path, baseline=(-0.2, 0.0))
    with h5py.File(path, "a") as file:  # pynwb writes no such file, but MATLAB's library does
        place = file["processing/ophys/Fluorescence/traces"]
        attributes = dict(place["data"].attrs)
        del place["data"]
        place.create_dataset("data", data=ramps().T, chunks=(1, 16)).attrs.update(attributes)
    found = read_nwb(path, baseline=(-0.2, 0.0))
    np.testing.assert_allclose(found["responses"], own["responses"], rtol=1e-12)
    said = "traces is stored as (ROIs, times), as the number of its ROIs shows, and was transposed"
    assert found["notes"].count(said) == 1
    assert said not in own["notes"]


def test_signals_that_may_be_stored_either_way_are_refused(tmp_path):
    path = imaging(tmp_path / "a.nwb", DfOverF, ramps()[:2], rate=1.0)
    assert refused(path).startswith("traces has shape (2, 2) and 2 ROIs, so times and ROIs cannot be told apart")
    path = imaging(tmp_path / "b.nwb", DfOverF, ramps(), n_rois=3, rate=1.0)
    assert refused(path) == "traces has shape (40, 2), but 3 ROIs; it must be (times, ROIs)"


def test_a_session_of_dandi_is_read_as_pynwb_has_it(shared_data):
    path = shared_data / "real/dandi000006_anm369963_20170302.nwb"
    found = read_nwb(path, names={"image": "type"}, window=(0.0, 1.0))
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        trials = file.trials.to_dataframe()
        units = [np.asarray(times) for times in file.units["spike_times"][:]]
    counts = [[((times >= start) & (times < start + 1)).sum() for times in units] for start in trials["start_time"]]
    np.testing.assert_array_equal(found["responses"], counts)
    assert found["image"].tolist() == trials["type"].tolist()
    assert np.unique(found["image"], return_counts=True)[1].tolist() == [74, 119]
    np.testing.assert_array_equal(found["pole_in_time"], trials["pole_in_time"])
    assert found["response"].tolist() == trials["response"].tolist()
    recording = load(path, names={"image": "type"}, window=(0.0, 1.0))
    assert (recording.n_stimuli, recording.n_repeats) == (2, (74, 119))


def test_sessions_without_stimuli_are_refused(shared_data):
    said = refused(shared_data / "real/pynapple_A8604.nwb")
    assert said.startswith("no column has stimuli that differ between trials (epochs has start_time, stop_time, tags)")
    assert refused(shared_data / "real/allen_496908818s.nwb").startswith(
        "this is an NWB 1 file; convert it to NWB 2 first"
    )


def test_regions_by_peak_channel(tmp_path):
    file = session()
    add_trials(file, [0, 1], [1, 2], orientation=[0.0, 90.0])
    group = file.create_electrode_group("shank", description="a", location="V1", device=file.create_device("probe"))
    for number, location in ((850, "VISp"), (900, "VISl")):
        file.add_electrode(id=number, location=location, group=group)
    add_units(file, [0.5], [1.5], [1.6], peak_channel_id=[900, 850, 900])
    found = read_nwb(save(file, tmp_path / "a.nwb"))
    assert found["region"].tolist() == ["VISl", "VISp", "VISl"]


def test_a_location_in_parts_gives_its_region(tmp_path):
    file = session()
    add_trials(file, [0, 1], [1, 2], orientation=[0.0, 90.0])
    parts = "brain_region: ALM; brain_subregion: N/A; cortical_layer: 5"
    group = file.create_electrode_group("shank", description="a", location=parts, device=file.create_device("probe"))
    for number, location in ((1, parts), (2, parts)):
        file.add_electrode(id=number, location=location, group=group)
    add_units(file, [0.5], [1.5], peak_channel_id=[1, 2])
    recording = load(save(file, tmp_path / "a.nwb"), region="ALM")
    assert recording.area == "ALM"
    assert recording.responses["region"].to_numpy().tolist() == ["ALM", "ALM"]


def rois(file, n_rois=2, location="V1"):
    device = file.create_device("microscope")
    channel = OpticalChannel(name="green", description="green", emission_lambda=520.0)
    plane = file.create_imaging_plane(
        name="plane",
        optical_channel=channel,
        description="a",
        device=device,
        excitation_lambda=920.0,
        indicator="GCaMP6f",
        location=location,
    )
    module = file.create_processing_module("ophys", "imaging")
    segmentation = ImageSegmentation()
    module.add(segmentation)
    cells = segmentation.create_plane_segmentation(name="cells", description="cells", imaging_plane=plane)
    cells.add_column("quality", "of the mask")
    for number in range(n_rois + 1):
        cells.add_roi(id=100 + number, pixel_mask=[(number, 0, 1.0)], quality=number / 2)
    # Not the first: a series may be of some of the cells.
    return module, lambda: cells.create_roi_table_region("some", region=list(range(1, n_rois + 1)))


def add_series(module, container, *series):
    module.add(container)  # before the series: their ROIs must lie in the same file as the cells
    for one in series:
        container.add_roi_response_series(one)


def imaging(path, container, data, starts=(1.0, 2.0), name="traces", n_rois=None, **timing):
    file = session()
    add_trials(file, starts, [start + 0.5 for start in starts], direction=[0.0, 270.0, np.nan][: len(starts)])
    module, region = rois(file, n_rois or data.shape[1])
    with warnings.catch_warnings(action="ignore"):  # of signals that are stored the other way
        series = RoiResponseSeries(name=name, data=data, rois=region(), unit="n.a.", **timing)
    add_series(module, container(), series)
    return save(file, path)


def ramps():
    """Sample k of the first cell is k, of the second 10 + k * k."""
    k = np.arange(40.0)
    return np.stack([k, 10 + k * k], axis=1)


def test_means_of_samples_at_a_rate(tmp_path):
    path = imaging(tmp_path / "a.nwb", DfOverF, ramps(), rate=10.0, starting_time=0.1)
    found = read_nwb(path)
    # Samples lie at 0.1 + k / 10: those of [1, 1.5) are 9 to 13, the one at 1.5 is not; those of [2, 2.5) 19 to 23.
    np.testing.assert_allclose(found["responses"], [[11, 10 + 123], [21, 10 + 443]], rtol=1e-12)
    assert found["units"] == "dF/F"
    np.testing.assert_array_equal(found["direction"], [0, 270])
    assert found["neuron"].tolist() == ["101", "102"]
    assert found["quality"].tolist() == [0.5, 1.0]
    assert found["region"].tolist() == ["V1", "V1"]
    assert found["area"] == "V1"


def test_means_of_samples_with_timestamps(tmp_path):
    stamps = np.sort(np.concatenate([np.arange(38) * 0.25 + 3, [1.0, 2.25]]))  # one sample in each of two windows
    data = ramps().astype(np.float32)
    path = imaging(tmp_path / "a.nwb", DfOverF, data, timestamps=stamps)
    np.testing.assert_array_equal(read_nwb(path)["responses"], [[0, 10], [1, 11]])
    assert read_nwb(path)["responses"].dtype == np.float32
    with pytest.raises(
        InputError, match=r"1 of 2 trials have no sample of traces in their window, the first from 2 to"
    ):
        read_nwb(path, window=(0, 0.25))


def test_baselines_of_imaging(tmp_path):
    shifted = ramps() + np.array([0.0, -10.0])
    timing = {"rate": 10.0, "starting_time": 0.0}
    # Means of samples 10 to 14 and 20 to 24, less those of 8 to 9 and 18 to 19.
    window = np.array([[12, 146], [22, 486]])
    before = np.array([[8.5, 72.5], [18.5, 342.5]])
    found = read_nwb(imaging(tmp_path / "a.nwb", DfOverF, shifted, **timing), baseline=(-0.2, 0.0))
    np.testing.assert_allclose(found["responses"], window - before, rtol=1e-12)
    assert found["units"] == "dF/F above baseline"
    found = read_nwb(imaging(tmp_path / "b.nwb", Fluorescence, shifted, **timing), baseline=(-0.2, 0.0))
    np.testing.assert_allclose(found["responses"], (window - before) / before, rtol=1e-12)
    assert found["units"] == "dF/F"
    plain = read_nwb(tmp_path / "b.nwb")
    np.testing.assert_allclose(plain["responses"], window, rtol=1e-12)
    assert plain["units"] == "fluorescence"


def test_a_baseline_that_is_not_above_zero_gives_no_dff(tmp_path):
    data = ramps()
    data[:10, 0] = -1.0
    found = read_nwb(imaging(tmp_path / "a.nwb", Fluorescence, data, rate=10.0), baseline=(-0.2, 0.0))
    np.testing.assert_array_equal(np.isnan(found["responses"]), [[True, False], [False, False]])
    assert any(note.startswith("1 responses are missing (NaN)") for note in found["notes"])


def test_conversion_offset_and_cut_windows(tmp_path):
    path = imaging(tmp_path / "a.nwb", DfOverF, ramps()[:22], rate=10.0, conversion=2.0, offset=1.0)
    found = read_nwb(path)
    np.testing.assert_allclose(found["responses"][:, 0], [2 * 12 + 1, 2 * 20.5 + 1])  # of the second, two samples
    assert found["notes"][-1] == "the window of 1 trial extends beyond the samples of traces"


def several(path, *, units=False):
    file = session()
    add_trials(file, [1.0, 2.0], [1.5, 2.5], direction=[0.0, 90.0])
    module, region = rois(file)
    make = {"unit": "n.a.", "rate": 10.0}
    dff = RoiResponseSeries(name="traces", data=ramps(), rois=region(), **make)
    raw = [RoiResponseSeries(name=name, data=ramps() + 7, rois=region(), **make) for name in ("raw", "neuropil")]
    add_series(module, DfOverF(), dff)
    add_series(module, Fluorescence(), *raw)
    if units:
        add_units(file, [1.25], [2.25])
    return save(file, path)


def test_dff_is_chosen_before_fluorescence(tmp_path):
    path = several(tmp_path / "a.nwb")
    found = read_nwb(path)
    np.testing.assert_allclose(found["responses"][:, 0], [12, 22])
    assert found["notes"] == [
        "responses are of ophys/DfOverF/traces, out of ophys/DfOverF/traces, ophys/Fluorescence/neuropil, "
        "ophys/Fluorescence/raw"
    ]
    for name in ("raw", "Fluorescence/raw", "ophys/Fluorescence/raw"):
        np.testing.assert_allclose(read_nwb(path, series=name)["responses"][:, 0], [19, 29])
    with pytest.raises(InputError, match="no signals are named 'aw'; the signals are ophys/DfOverF/traces, "):
        read_nwb(path, series="aw")


def test_spikes_beside_imaging_must_be_chosen(tmp_path):
    path = several(tmp_path / "a.nwb", units=True)
    with pytest.raises(InputError, match=r"there are several signals, .*, units; choose one, such as series="):
        read_nwb(path)
    np.testing.assert_array_equal(read_nwb(path, series="units")["responses"], [[2, 0], [0, 2]])


FACTS = {"units": "dF/F", "species": "tree shrew", "area": "V1", "source": "a lab", "citation": "doi:10.1/a"}


def test_written_trials_are_read_back(tmp_path):
    generator = np.random.default_rng(0)
    responses = generator.normal(size=(12, 3)).astype(np.float32)
    written = Recording.from_trials(
        "mine",
        responses,
        direction=np.tile([0, 90, 180, 270], 3),
        trials={"animal": ["x"] * 6 + ["y"] * 6, "session": np.repeat(["1", "2"], 6), "repeat": np.arange(12) // 4},
        neurons={"region": ["V1", "LM", "V1"], "neuron": ["a", "b", "c"], "quality": [0.5, 1, 0.25]},
        licence="CC0",
        **FACTS,
    )
    write_nwb(written, tmp_path / "a.nwb")
    assert pynwb.validate(path=str(tmp_path / "a.nwb")) == []
    found = read_nwb(tmp_path / "a.nwb")
    np.testing.assert_array_equal(found["responses"], responses)
    np.testing.assert_array_equal(found["direction"], np.tile([0, 90, 180, 270], 3))
    for name in ("animal", "session", "repeat"):
        np.testing.assert_array_equal(found[name], written.trials[name].values)
    for name in ("region", "neuron", "quality"):
        np.testing.assert_array_equal(found[name], written.responses[name].values)
    assert {name: found[name] for name in (*FACTS, "licence")} == FACTS | {"licence": "CC0"}
    assert found["simulated"] is False
    again = Recording.from_trials("again", found["responses"], direction=found["direction"])
    np.testing.assert_array_equal(again.responses, written.responses)
    with h5py.File(tmp_path / "a.nwb") as file:
        np.testing.assert_array_equal(file["processing/responses/responses/data"], responses)
        np.testing.assert_array_equal(file["intervals/trials/direction"], np.tile([0, 90, 180, 270], 3))


def test_written_averages_without_labels_are_read_back(tmp_path):
    written = Recording.from_responses("model", np.arange(8.0).reshape(4, 2), [0, 45, 90, 135], simulated=True)
    write_nwb(written, tmp_path / "a.nwb")
    assert pynwb.validate(path=str(tmp_path / "a.nwb")) == []
    found = read_nwb(tmp_path / "a.nwb")
    np.testing.assert_array_equal(found["responses"], written.responses)
    np.testing.assert_array_equal(found["orientation"], [0, 45, 90, 135])
    assert found["simulated"] is True
    assert found["units"] == "not stated"
    assert found["neuron"].tolist() == ["0", "1"]
    assert not {"animal", "species", "area"} & found.keys()
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "r") as io:
        assert "simulated: no animal was recorded" in io.read().session_description


@pytest.mark.parametrize(
    "images",
    [
        np.linspace(0, 1, 3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5),
        np.arange(3 * 4 * 5 * 3, dtype=np.uint8).reshape(3, 4, 5, 3),
    ],
    ids=["grey", "colour"],
)
def test_written_images_are_read_back(tmp_path, images):
    written = Recording.from_responses("seen", np.eye(3), image=["c/1", "a", "b"], images=images)
    write_nwb(written, tmp_path / "a.nwb")
    assert pynwb.validate(path=str(tmp_path / "a.nwb")) == []
    found = read_nwb(tmp_path / "a.nwb")
    assert found["image"].tolist() == found["image_names"] == ["a", "b", "c/1"]
    np.testing.assert_array_equal(found["images"], images[[1, 2, 0]])
    np.testing.assert_array_equal(load(tmp_path / "a.nwb").images, written.images)


def test_written_files_are_whole_or_not_there(tmp_path, monkeypatch):
    recording = Recording.from_responses("mine", np.eye(3), [0, 45, 90])
    path = tmp_path / "a.nwb"
    write_nwb(recording, path)
    with pytest.raises(InputError, match="this file already exists; choose another name, or pass overwrite=True"):
        write_nwb(recording, path)
    before = path.read_bytes()
    monkeypatch.setattr(
        pynwb.NWBHDF5IO, "write", lambda *args, **kwargs: (_ for _ in ()).throw(OSError(28, "No space"))
    )
    with pytest.raises(InputError, match=r"a\.nwb: this file cannot be written \(No space\)"):
        write_nwb(recording, path, overwrite=True)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.nwb"]
    monkeypatch.undo()
    other = Recording.from_responses("other", 2 * np.eye(3), [0, 45, 90])
    write_nwb(other, path, overwrite=True)
    np.testing.assert_array_equal(read_nwb(path)["responses"], 2 * np.eye(3))


def test_what_cannot_be_written(tmp_path, monkeypatch):
    recording = Recording.from_responses("mine", np.eye(3), [0, 45, 90])
    with pytest.raises(InputError, match=r"ends in \.nwb; change it"):
        write_nwb(recording, tmp_path / "a.h5")
    with pytest.raises(InputError, match="this file cannot be written"):
        write_nwb(recording, tmp_path / "no" / "a.nwb")
    with pytest.raises(InputError, match="shape is known only by its RDM; an NWB file holds responses"):
        write_nwb(Recording.from_rdm("shape", 1 - np.eye(3), [0, 45, 90]), tmp_path / "a.nwb")
    monkeypatch.setitem(__import__("sys").modules, "pynwb", None)
    with pytest.raises(InputError, match=r"needs pynwb; install normenc\[nwb\]"):
        write_nwb(recording, tmp_path / "a.nwb")
    with pytest.raises(InputError, match=r"needs pynwb; install normenc\[nwb\]"):
        read_nwb(tmp_path / "a.nwb")
    assert list(tmp_path.iterdir()) == []


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        read_nwb(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_are_none(tmp_path, spikes):
    assert refused(tmp_path / "no.nwb").startswith("there is no such file")
    assert refused(tmp_path).startswith("there is no such file (an NWB-Zarr store is a folder")
    (tmp_path / "text.nwb").write_text("no HDF5")
    assert refused(tmp_path / "text.nwb").startswith("this HDF5 file cannot be read, or is damaged")
    whole = spikes.read_bytes()
    for size in (100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.nwb").write_bytes(whole[:size])
        assert refused(tmp_path / "cut.nwb").startswith("this HDF5 file cannot be read, or is damaged")
    with h5py.File(tmp_path / "plain.nwb", "w") as file:
        file["a"] = 1
    assert refused(tmp_path / "plain.nwb") == "this HDF5 file is not an NWB file: it has no nwb_version"
    with h5py.File(tmp_path / "old.nwb", "w") as file:
        file["nwb_version"] = "NWB-1.0.6"
    assert refused(tmp_path / "old.nwb").startswith("this is an NWB 1 file; convert it to NWB 2 first")
    with h5py.File(tmp_path / "hollow.nwb", "w") as file:
        file.attrs["nwb_version"] = "2.8.0"
    assert refused(tmp_path / "hollow.nwb").startswith("pynwb cannot read this file (")


@pytest.mark.parametrize("how", ["link", "virtual", "external"])
def test_files_that_lie_in_parts_in_others(tmp_path, spikes, how):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.arange(5.0)
    with h5py.File(spikes, "a") as file:
        if how == "link":
            file["analysis/data"] = h5py.ExternalLink("other.h5", "/data")
        elif how == "virtual":
            layout = h5py.VirtualLayout(shape=(5,), dtype=float)
            layout[:] = h5py.VirtualSource("other.h5", "data", shape=(5,))
            file.create_virtual_dataset("analysis/data", layout)
        else:
            file.create_dataset("analysis/data", (5,), float, external=[("other.bin", 0, 40)])
    assert refused(spikes).startswith("/analysis/data is stored in another file, which is not opened; ")


def test_files_without_trials_or_responses(tmp_path):
    assert refused(save(session(), tmp_path / "a.nwb")).startswith("it has no table of trials or other intervals")
    file = session()
    add_trials(file, [0, 1], [1, 2], orientation=[0.0, 90.0])
    assert refused(save(file, tmp_path / "b.nwb")).startswith("it has no units with spike_times, and no Roi")


def test_stimuli_that_are_not_found_or_ambiguous(tmp_path):
    file = session()
    add_trials(file, [0, 1], [1, 2], angle=[0.0, 90.0], side=["left", "right"])
    add_units(file, [0.5], [1.5])
    path = save(file, tmp_path / "a.nwb")
    assert refused(path) == (
        "no column has stimuli that differ between trials (trials has start_time, stop_time, angle, side); "
        "name the column of orientation, direction or image: names={'orientation': 'COLUMN'}, for example"
    )
    np.testing.assert_array_equal(read_nwb(path, names={"orientation": "angle"})["orientation"], [0, 90])
    assert refused(path, names={"orientation": "side"}).startswith("column side holds no orientations that differ")
    assert refused(path, names={"orientation": "no"}).startswith("trials have no column 'no' (for orientation)")
    assert refused(path, names={"responses": "angle"}).startswith("responses cannot be mapped to a column: series=")
    assert refused(path, names={"orientation": "angle", "image": "side"}).startswith(
        "columns are mapped to orientation"
    )
    assert refused(path, names={"image": "side", "repeat": "no"}).startswith("trials has no column 'no' for repeat")
    assert refused(path, intervals="no") == "it has no table of intervals 'no'; it has trials"


def test_stimuli_of_which_there_are_several(tmp_path):
    file = session()
    file.add_time_intervals(table("one", [0, 1], [1, 2], orientation=[0.0, 90.0], direction=[0.0, 270.0]))
    file.add_time_intervals(table("two", [0, 1], [1, 2], orientation=[0.0, 45.0]))
    add_units(file, [0.5], [1.5])
    path = save(file, tmp_path / "a.nwb")
    assert refused(path) == "several tables hold stimuli (one, two); choose one, such as intervals='one'"
    assert refused(path, intervals="one").startswith(
        "the stimulus of one may be any of the columns orientation, direction; name the column of orientation,"
    )
    np.testing.assert_array_equal(read_nwb(path, intervals="two")["orientation"], [0, 45])
    found = read_nwb(path, intervals="one", names={"direction": "direction"})
    np.testing.assert_array_equal(found["direction"], [0, 270])


def test_windows_that_cannot_be(tmp_path, spikes):
    assert refused(spikes, window=(1.0, 1.0)).startswith("window is (1.0, 1.0); it must be two times in seconds")
    assert refused(spikes, baseline=(0.0, np.inf)).startswith("baseline is (0.0, inf)")
    file = session()
    add_trials(file, [0, 1], [1, np.nan], orientation=[0.0, 90.0])
    add_units(file, [0.5], [1.5])
    path = save(file, tmp_path / "a.nwb")
    assert refused(path) == (
        "the window of trial 1 runs from 1 to nan s; give seconds from its start: window=(FROM, TO)"
    )
    np.testing.assert_array_equal(read_nwb(path, window=(0, 0.75))["responses"], [[4 / 3, 0], [0, 4 / 3]])


def test_samples_that_do_not_fit(tmp_path):
    path = imaging(tmp_path / "a.nwb", DfOverF, ramps(), timestamps=np.arange(40.0)[::-1])
    assert refused(path) == "traces has 40 samples, 40 timestamps; they must agree in number and increase"
    path = imaging(tmp_path / "b.nwb", DfOverF, ramps(), rate=10.0, starting_time=100.0)
    assert refused(path) == (
        "2 of 2 trials have no sample of traces in their window, the first from 1 to 1.5 s; samples run from 100 to "
        "103.9 s"
    )
