"""Folders of suite2p and of Kilosort and Phy, cut into trials as a loop over these does it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from whole_files import Payload

from normenc.errors import InputError
from normenc.recordings import load
from normenc.recordings.formats import cuts_trials, opened

RNG = np.random.default_rng(0)
F = RNG.normal(20, 5, (5, 200)).astype(np.float32)
FNEU = RNG.normal(5, 1, (5, 200)).astype(np.float32)
SPKS = RNG.gamma(1, 2, (5, 200)).astype(np.float32)
ISCELL = np.array([[1, 0.9], [0, 0.2], [1, 0.8], [1, 0.7], [0, 0.1]])
DEGREES = np.tile([0.0, 45, 90, 135], 4)
STARTS = 10 + 11 * np.arange(16)  # frames
STOPS = STARTS + 5 + np.arange(16) % 3


def suite2p(folder, trials, **arrays):
    place = folder / "plane0"
    place.mkdir(parents=True)
    for name, array in ({"F": F, "Fneu": FNEU, "spks": SPKS, "iscell": ISCELL} | arrays).items():
        if array is not None:
            np.save(place / f"{name}.npy", array)
    np.save(place / "ops.npy", np.array({"fs": Payload(folder)}, object))  # a pickle, as suite2p writes it
    if trials is not None:
        pd.DataFrame(trials).to_csv(folder / "trials.csv", index=False)
    return folder


FRAMES = {"start_frame": STARTS, "stop_frame": STOPS, "orientation": DEGREES, "contrast": np.arange(16) % 2}
SECONDS = {"start": STARTS / 10, "stop": STOPS / 10, "orientation": DEGREES, "rate": 10}


def read(folder, names=None, **options):
    with opened(folder, names=names, **options) as arrays:
        return arrays


def refused(folder, names=None, **options):
    with pytest.raises(InputError) as caught:
        read(folder, names, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def means(traces, starts=STARTS, stops=STOPS):
    return [
        [trace[start:stop].astype(float).mean() for trace in traces] for start, stop in zip(starts, stops, strict=True)
    ]


@pytest.mark.parametrize("trials", [FRAMES, SECONDS, {**FRAMES, "rate": 10}])
def test_frames_are_cut_into_trials(tmp_path, trials):
    folder = suite2p(tmp_path / "mouse", trials)
    found = read(folder)
    np.testing.assert_allclose(found["responses"], means(F), rtol=1e-6)
    np.testing.assert_array_equal(found["orientation"], DEGREES)
    assert found["quality"].tolist() == ["cell", "not cell", "cell", "cell", "not cell"]
    np.testing.assert_array_equal(found["iscell_probability"], ISCELL[:, 1])
    assert found["neuron"].tolist() == list("01234")
    assert not {"start", "start_frame", "rate"} & found.keys()
    assert found["notes"] == [
        "responses are fluorescence (F); series='F-0.7Fneu' or series='spks' chooses another signal",
        "3 of 5 ROIs are cells by iscell; quality='cell' keeps only these",
    ]
    assert not (folder / "executed").exists()
    recording = load(folder, quality="cell")
    assert recording.responses["neuron"].to_numpy().tolist() == ["0", "2", "3"]
    assert (recording.n_repeats, recording.units) == ((4, 4), "fluorescence")
    assert recording.read_as == "16 trials x 5 neurons"


@pytest.mark.parametrize("other", ["fs", "sampling_rate", "frame_rate"])
def test_rates_that_disagree(tmp_path, other):
    folder = suite2p(tmp_path / "mouse", {**SECONDS, "rate": 5, other: 10})
    assert (
        f"rate is 5 Hz, but {other} is 10 Hz; choose the rate of the samples with names={{'rate': 'rate'}} or"
        in refused(folder)
    )
    found = read(folder, names={"rate": other})
    np.testing.assert_allclose(found["responses"], means(F), rtol=1e-6)
    assert not {"rate", other} & found.keys()
    slower = read(folder, names={"rate": "rate"})  # what is mapped counts, and nothing else
    np.testing.assert_allclose(slower["responses"], means(F, -(-STARTS // 2), -(-STOPS // 2)), rtol=1e-6)
    same = suite2p(tmp_path / "same", {**SECONDS, other: 10})
    np.testing.assert_allclose(read(same)["responses"], means(F), rtol=1e-6)


def test_seconds_count_where_frames_lack_their_end(tmp_path):
    found = read(suite2p(tmp_path / "mouse", {**SECONDS, "start_frame": STARTS}))
    np.testing.assert_allclose(found["responses"], means(F), rtol=1e-6)
    assert found["notes"][0] == "start_frame of trials.csv not used, because start says when trials begin"


def test_signals_windows_and_baselines(tmp_path):
    folder = suite2p(tmp_path / "mouse", SECONDS)
    np.testing.assert_allclose(read(folder, series="spks")["responses"], means(SPKS), rtol=1e-6)
    found = read(folder, series="F-0.7Fneu")
    np.testing.assert_allclose(found["responses"], means(F - 0.7 * FNEU), rtol=1e-5)
    assert found["units"] == "fluorescence without neuropil"
    # From 0.2 to 0.6 s of each trial: frames 2 to 5 of it; before it frames -5 to -1.
    inside, before = np.array(means(F, STARTS + 2, STARTS + 6)), np.array(means(F, STARTS - 5, STARTS))
    np.testing.assert_allclose(read(folder, window=(0.2, 0.6))["responses"], inside, rtol=1e-6)
    found = read(folder, window=(0.2, 0.6), baseline=(-0.5, 0.0))
    np.testing.assert_allclose(found["responses"], (inside - before) / before, rtol=1e-5)
    assert found["units"] == "dF/F"
    recording = load(folder, window=(0.2, 0.6), baseline=(-0.5, 0.0))
    np.testing.assert_allclose(recording.trials, (inside - before) / before, rtol=1e-5)
    inside, before = np.array(means(SPKS, STARTS + 2, STARTS + 6)), np.array(means(SPKS, STARTS - 5, STARTS))
    found = read(folder, series="spks", window=(0.2, 0.6), baseline=(-0.5, 0.0))
    np.testing.assert_allclose(found["responses"], inside - before, rtol=1e-5)
    assert found["units"] == "deconvolved activity above baseline"
    assert refused(folder, series="dff") == "there is no signal 'dff'; the signals are F, F-0.7Fneu, spks"
    assert refused(folder, intervals="trials").startswith(
        "intervals applies to NWB files; leave it out for a folder of "
    )


def test_places_of_suite2p(tmp_path):
    folder = suite2p(tmp_path / "suite2p", FRAMES)
    expected = means(F)
    for path in (folder, tmp_path):
        assert cuts_trials(path)
    (folder / "trials.csv").rename(tmp_path / "trials.csv")
    np.testing.assert_allclose(read(tmp_path)["responses"], expected, rtol=1e-6)
    (tmp_path / "trials.csv").rename(folder / "plane0/trials.csv")
    for path in (tmp_path, folder, folder / "plane0"):
        np.testing.assert_allclose(read(path)["responses"], expected, rtol=1e-6)
    assert "this is a file of suite2p: give its folder" in refused(folder / "plane0/F.npy")
    suite2p(tmp_path / "suite2p/deep", FRAMES)
    assert not any("plane" in note for note in read(folder)["notes"])
    (folder / "deep/plane0").rename(folder / "plane1")
    for path in (tmp_path, folder, folder / "plane0"):
        assert any(note.startswith("only plane0 is read; there is also plane1.") for note in read(path)["notes"])


def test_only_deconvolved_activity(tmp_path):
    folder = suite2p(tmp_path / "m", FRAMES, F=None, Fneu=None)
    found = read(folder)
    np.testing.assert_allclose(found["responses"], means(SPKS), rtol=1e-6)
    assert found["units"] == "deconvolved activity"
    folder = suite2p(tmp_path / "n", FRAMES, Fneu=None, spks=None, iscell=None)
    found = read(folder)
    assert "quality" not in found
    assert found["notes"] == []


def test_blanks_and_own_names(tmp_path):
    shown = np.where(np.arange(16) % 5 == 4, np.nan, DEGREES)
    trials = {"onset_frames": STARTS, "off": STOPS, "theta": shown, "species": "mouse", "session": "day 1"}
    folder = suite2p(tmp_path / "mouse", trials)
    names = {"start_frame": "onset_frames", "stop_frame": "off", "orientation": "theta"}
    recording = load(folder, names=names)
    np.testing.assert_allclose(recording.blanks, np.array(means(F))[np.isnan(shown)], rtol=1e-6)
    assert recording.species == "mouse"
    assert recording.n_stimuli == 4
    assert recording.cautions == ()
    assert read(folder, names).keys() == {
        *("responses", "orientation", "session", "species", "units", "neuron", "quality", "iscell_probability"),
        *("axes", "notes"),
    }
    assert "it has no column 'on' (for start_frame); it has onset_frames, off, theta" in refused(
        folder, {"start_frame": "on"}
    )
    assert refused(folder, {**names, "region": "area"}).startswith("there is no array 'area' (for region); it holds ")


def test_numbers_of_frames_count_where_there_are_seconds_too(tmp_path):
    found = read(suite2p(tmp_path / "mouse", SECONDS | {"start_frame": STARTS, "stop_frame": STOPS}))
    np.testing.assert_allclose(found["responses"], means(F), rtol=1e-6)
    assert found["notes"][0] == "start, stop of trials.csv not used, because start_frame says when trials begin"


WHOLE = {"start": STARTS, "stop": STOPS, "orientation": DEGREES}


@pytest.mark.parametrize(
    ("trials", "options", "says"),
    [
        (None, {}, "the trials are missing; add a table trials.csv, one row per trial, with the columns start and"),
        (WHOLE, {}, "trials.csv: start may be seconds, but the frame rate is not known; give it"),
        ({**WHOLE, "rate": 10}, {}, "start runs to 175, but the recording ends after 20 s (200 frames at 10 Hz); if"),
        ({"start_time": STARTS / 10}, {}, "start_time is in seconds, but the frame rate is not known"),
        (
            {"orientation": DEGREES},
            {},
            "it has no column start (seconds) or start_frame; it has orientation. Name your",
        ),
        ({**FRAMES, "start_frame": STARTS + 0.5}, {}, "row 1: start_frame is 10.5; frame numbers are whole and co"),
        ({**FRAMES, "start_frame": -STARTS}, {}, "row 1: start_frame is -10; frame numbers are whole"),
        ({"start_frame": STARTS}, {}, "trials.csv does not say when trials end: add a column stop_frame"),
        (
            {"start": STARTS / 10, "rate": 10},
            {},
            "add a column stop, or give a window in seconds from the start of each trial",
        ),
        (FRAMES, {"window": (0, 1)}, "window= is in seconds, but the frame rate is not known: give"),
        (FRAMES, {"baseline": (-1, 0)}, "baseline= is in seconds, but the frame rate is not known"),
        ({**FRAMES, "stop_frame": STARTS}, {}, "the window of trial 0 runs from 10 to 10 frames"),
        ({**FRAMES, "start_frame": STARTS + 500, "stop_frame": STOPS + 500}, {}, "16 of 16 trials have no sample of F"),
        ({**FRAMES, "start_frame": ["x"] * 16}, {}, "column start_frame holds text; it must hold one number per trial"),
        ({**FRAMES, "start_frame": [np.nan, *STARTS[1:]]}, {}, "row 1 has no start_frame; every trial needs one"),
        ({**SECONDS, "rate": np.arange(16)}, {}, "rate must hold one number of samples per second (Hz) in all rows"),
    ],
)
def test_trials_that_cannot_be_placed(tmp_path, trials, options, says):
    assert says in refused(suite2p(tmp_path / "mouse", trials), **options)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"F": F[0]}, "F.npy holds an array of shape (200,); it must be ROIs x frames"),
        ({"F": np.array([Payload(Path())])}, "F.npy holds pickled Python objects, which are never loaded"),
        ({"iscell": ISCELL[:3]}, "iscell.npy has shape (3, 2); it must hold 0 or 1 for each of the 5 ROIs"),
        ({"iscell": ISCELL[:, ::-1]}, "iscell.npy has shape (5, 2); it must hold 0 or 1 for each"),
    ],
)
def test_files_of_suite2p_that_do_not_fit(tmp_path, arrays, says):
    assert says in refused(suite2p(tmp_path / "mouse", FRAMES, **arrays))


def test_damaged_files_of_suite2p(tmp_path):
    folder = suite2p(tmp_path / "mouse", FRAMES)
    path = folder / "plane0/F.npy"
    path.write_bytes(path.read_bytes()[:500])
    assert "the file is damaged" in refused(folder)
    said = refused(suite2p(tmp_path / "other", FRAMES, Fneu=FNEU[:3]), series="F-0.7Fneu")
    assert said == "Fneu.npy holds an array of shape (3, 200); it must be ROIs x frames, (5, 200) like the others"


def test_a_session_of_suite2p_is_cut_as_a_loop_does(tmp_path, shared_data):
    traces = np.load(shared_data / "real/s2p_F.npy")
    iscell = np.load(shared_data / "real/s2p_iscell.npy")
    starts = 20 + 40 * np.arange(48)
    trials = {"start_frame": starts, "stop_frame": starts + 30, "direction": np.tile(np.arange(0, 360, 30), 4)}
    folder = suite2p(tmp_path / "mouse", trials, F=traces, iscell=iscell, Fneu=None, spks=None)
    found = read(folder)
    expected = [[traces[roi, start : start + 30].mean() for roi in range(219)] for start in starts]
    np.testing.assert_allclose(found["responses"], expected, rtol=1e-4, atol=1e-4)
    assert (found["quality"] == "cell").sum() == iscell[:, 0].sum()
    assert load(folder, quality="cell").n_neurons == iscell[:, 0].sum()


RATE = 1000.0
N_SPIKES = 4000


def phy(folder, trials, tables=None, params="sample_rate = 1000.\nhp_filtered = False\n", **arrays):
    folder.mkdir(parents=True)
    times = np.sort(RNG.integers(0, 20_000, N_SPIKES)).astype(np.uint64)[:, None]
    clusters = RNG.choice([3, 7, 12, 40], N_SPIKES).astype(np.int32)
    for name, array in ({"spike_times": times, "spike_clusters": clusters} | arrays).items():
        if array is not None:
            np.save(folder / f"{name}.npy", array)
    if params is not None:
        (folder / "params.py").write_text("dat_path = '/x.bin'\nn_channels_dat = 385\noffset = 0\n" + params)
    for name, table in (tables or {}).items():
        pd.DataFrame(table).to_csv(folder / name, sep="\t", index=False)
    if trials is not None:
        pd.DataFrame(trials).to_csv(folder / "trials.csv", index=False)
    return folder


ONSETS = np.arange(16) * 1.1 + 0.2
SORTED = {"start": ONSETS, "stop": ONSETS + 0.5 + np.arange(16) / 100, "orientation": DEGREES, "contrast": 1.0}
INFO = {
    "cluster_id": [40, 3, 7, 12],
    "KSLabel": ["good", "mua", "good", "good"],
    "depth": [40.0, 3, 7, 12],
    "group": ["good", np.nan, "mua", "noise"],
}


def rates(folder, starts, stops):
    times = np.load(folder / "spike_times.npy").ravel() / RATE
    clusters = np.load(folder / "spike_clusters.npy")
    return [
        [((times >= a) & (times < b) & (clusters == one)).sum() / (b - a) for one in (3, 7, 12, 40)]
        for a, b in zip(starts, stops, strict=True)
    ]


def test_spikes_of_clusters_are_counted_in_trials(tmp_path):
    folder = phy(tmp_path / "probe", SORTED, {"cluster_info.tsv": INFO})
    found = read(folder)
    np.testing.assert_allclose(found["responses"], rates(folder, SORTED["start"], SORTED["stop"]), rtol=1e-12)
    assert found["neuron"].tolist() == ["3", "7", "12", "40"]
    assert found["quality"].tolist() == ["unsorted", "mua", "noise", "good"]
    np.testing.assert_array_equal(found["depth"], [3, 7, 12, 40])
    assert found["units"] == "Hz"
    said = "quality is column group of cluster_info.tsv: 1 good, 1 mua, 1 noise, 1 unsorted; quality='good' keeps the"
    assert found["notes"] == [f"{said} good ones"]
    recording = load(folder, quality="good", window=(0.1, 0.4))
    expected = np.array(rates(folder, ONSETS + 0.1, ONSETS + 0.4))[:, 3:]
    np.testing.assert_allclose(recording.trials, expected, rtol=1e-9)
    assert recording.responses["neuron"].to_numpy().tolist() == ["40"]
    mapped = read(folder, {"quality": "KSLabel"})
    assert mapped["quality"].tolist() == ["mua", "good", "good", "good"]
    assert "KSLabel" not in mapped
    above = read(folder, window=(0.1, 0.4), baseline=(-0.2, 0.0))["responses"]
    before = np.array(rates(folder, ONSETS - 0.2, ONSETS))[:, 3:]
    np.testing.assert_allclose(above[:, 3:], expected - before, atol=1e-9)


def test_trials_in_samples(tmp_path):
    starts = np.round(ONSETS * RATE)
    folder = phy(tmp_path / "p", {"start_sample": starts, "stop_sample": starts + 500, "orientation": DEGREES})
    found = read(folder)
    np.testing.assert_allclose(found["responses"], rates(folder, starts / RATE, starts / RATE + 0.5), rtol=1e-9)
    folder = phy(tmp_path / "q", {"start": starts, "stop": starts + 500, "orientation": DEGREES})
    assert "if these are sample numbers, call the column start_sample" in refused(folder)


@pytest.mark.parametrize(
    ("tables", "quality"),
    [
        ({"cluster_group.tsv": {"cluster_id": [3, 7], "group": ["good", "mua"]}}, ["good", "mua", *["unsorted"] * 2]),
        ({"cluster_groups.csv": {"cluster_id": [3, 40], "group": ["good", "mua"]}}, ["good", *["unsorted"] * 2, "mua"]),
        ({"cluster_KSLabel.tsv": {"cluster_id": [3, 7, 12, 40], "KSLabel": list("abcd")}}, list("abcd")),
        ({"cluster_info.tsv": INFO | {"group": [np.nan] * 4}}, ["mua", "good", "good", "good"]),
        (
            {
                "cluster_group.tsv": {"cluster_id": [3], "group": ["good"]},
                "cluster_KSLabel.tsv": {"cluster_id": [3, 7, 12, 40], "KSLabel": ["mua"] * 4},
            },
            ["good", *["unsorted"] * 3],
        ),
    ],
)
def test_tables_of_clusters(tmp_path, tables, quality):
    found = read(phy(tmp_path / "p", SORTED, tables))
    assert found["quality"].tolist() == quality


def test_clusters_that_nobody_judged(tmp_path):
    folder = phy(tmp_path / "p", SORTED, params="sample_rate = 1e3  # Hz\n")
    found = read(folder)
    assert "quality" not in found
    assert found["notes"][0].startswith("no table (cluster_info.tsv, ")
    np.save(folder / "spike_templates.npy", np.load(folder / "spike_clusters.npy"))
    (folder / "spike_clusters.npy").rename(folder / "other.npy")
    np.testing.assert_array_equal(read(folder)["responses"], found["responses"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"params": None}, "is not known; give it (Hz) as sample_rate = 30000 in params.py, or in a column rate"),
        (
            {"params": None, "trials": {"start_sample": ONSETS // 1e-3, "orientation": DEGREES}},
            "the sampling rate is missing; give it (Hz) as sample_rate = 30000 in params.py, or in a column rate of",
        ),
        ({"params": "sample_rate = 30 * 1000\n"}, "params.py has no line such as sample_rate = 30000; write"),
        ({"params": "sample_rate = __import__('os').mkdir('executed')\n"}, "params.py has no line such as"),
        ({"trials": None}, "the trials are missing; add a table trials.csv"),
        ({"spike_times": np.arange(9.0) / 7}, "spike_times.npy must hold whole numbers: the sample of each spike"),
        ({"spike_times": np.arange(9)}, "spike_times.npy has 9 spikes, but spike_clusters.npy 4,000; they must agree"),
        (
            {"spike_times": np.arange(0), "spike_clusters": np.arange(0)},
            "spike_times.npy holds no spikes",
        ),
        ({"spike_clusters": np.array([Payload(Path())] * 3)}, "spike_clusters.npy holds pickled Python objects"),
        (
            {"tables": {"cluster_group.tsv": {"id_": [1], "group": ["good"]}}},
            "cluster_group.tsv must have a column clu",
        ),
    ],
)
def test_what_does_not_fit_in_a_folder_of_spikes(tmp_path, change, says):
    folder = phy(tmp_path / "p", **({"trials": SORTED} | change))
    assert says in refused(folder)
    assert not (tmp_path / "executed").exists()
    assert "Kilosort gives only spikes" in refused(folder, series="F")


def test_a_rate_in_the_table_serves_where_no_other_does(tmp_path):
    folder = phy(tmp_path / "p", SORTED | {"rate": 1000}, params=None)
    np.testing.assert_allclose(read(folder)["responses"], rates(folder, SORTED["start"], SORTED["stop"]), rtol=1e-12)
    folder = phy(tmp_path / "q", SORTED | {"rate": 30000})
    assert "rate is 30000 Hz, but the recording says 1000 Hz; correct one of them" in refused(folder)


def test_the_probability_of_being_a_cell_can_be_compared(tmp_path):
    folder = suite2p(tmp_path / "mouse", FRAMES)
    recording = load(folder, quality=">0.5")
    likely = np.flatnonzero(ISCELL[:, 1] > 0.5)
    assert 2 <= len(likely) < 5
    assert recording.responses["neuron"].to_numpy().tolist() == likely.astype(str).tolist()
    assert "quality is iscell_probability, because quality= compares numbers" in recording.notes
    (place,) = folder.rglob("iscell.npy")
    np.save(place, ISCELL[:, 0])
    with pytest.raises(
        InputError, match=r"here quality is a name \(cell, not cell\); give one of these, or map a label of"
    ):
        load(folder, quality=">0.5")
