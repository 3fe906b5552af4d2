"""What could be read in two ways is read as the names say and said, or refused with the option that settles it."""

import numpy as np
import pandas as pd
import pytest
import scipy.io

from normenc.errors import InputError
from normenc.recordings import load, save, simulated_v1

RNG = np.random.default_rng(3)
SIX = np.arange(0, 180, 30.0)
TRIALS = np.tile(SIX, 10)
RESPONSES = RNG.normal(size=(60, 9))
CONTRAST = np.repeat([0.5, 1], 30)
RDM = 1 - np.corrcoef(RNG.normal(size=(6, 40)))


@pytest.fixture
def saved(tmp_path):
    def written(**arrays):
        np.savez(tmp_path / "a.npz", **arrays)
        return tmp_path / "a.npz"

    return written


def averages(responses, stimulus):
    return np.stack([responses[stimulus == one].mean(axis=0) for one in np.unique(stimulus[~np.isnan(stimulus)])])


def study(saved, **others):
    return saved(resp=RESPONSES, stimuli=TRIALS, **others)


@pytest.mark.parametrize("chosen", [0.5, 1])
def test_the_studys_format_heeds_conditions(saved, chosen):
    recording = load(study(saved, contrast=CONTRAST), where={"contrast": chosen})
    rows = chosen == CONTRAST
    np.testing.assert_allclose(recording.responses, averages(RESPONSES[rows], TRIALS[rows]))
    assert recording.steps[0] == f"kept 30 of 60 trials (contrast {chosen})"


def test_the_studys_format_tells_what_is_averaged_over_and_keeps_labels(saved):
    session, roi = np.repeat([1, 2], 30), np.arange(100, 109)
    recording = load(study(saved, contrast=CONTRAST, session=session, roi=roi))
    assert "contrast (0.5, 1) varies between trials of the same stimulus" in recording.cautions[0]
    assert recording.sessions == ("1", "2")
    assert recording.responses["neuron"].to_numpy().tolist() == roi.astype(str).tolist()
    np.testing.assert_array_equal(recording.trials["session"], session.astype(str))


@pytest.mark.parametrize("told", ["code", "column", "missing"])
@pytest.mark.parametrize("bin_width", [None, 30])
def test_the_studys_format_has_blanks(saved, told, bin_width):
    blank = np.arange(60) % 12 == 0
    code = {"code": 350.0, "column": 0.0, "missing": np.nan}[told]
    others = {"blank": blank} if told == "column" else {}
    path = saved(resp=RESPONSES, stimuli=np.where(blank, code, TRIALS), **others)
    recording = load(path, blank=[350] if told == "code" else None, bin_width=bin_width)
    np.testing.assert_allclose(recording.responses, averages(RESPONSES[~blank], TRIALS[~blank]))
    np.testing.assert_array_equal(recording.blanks, RESPONSES[blank])
    assert recording.cautions == ()


def test_the_studys_format_heeds_axes(saved):
    path = saved(resp=RESPONSES.T, stimuli=TRIALS)
    with pytest.raises(InputError, match="'stimuli' must have one value per row"):
        load(path)
    np.testing.assert_allclose(load(path, axes="neuron,trial").responses, averages(RESPONSES, TRIALS))


def test_bins_of_the_studys_format_keep_no_sessions_and_say_so(saved):
    recording = load(study(saved, session=np.repeat([1, 2], 30)), bin_width=30)
    assert recording.notes == ("the bins are averages, which have no session",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"where": {"nonsense": 1}}, "there is no column 'nonsense'"),
        ({"blank": [17]}, "no trial has the stimulus 17"),
        ({"window": (0, 1)}, "are for responses with an axis of time; these are 60 trials x 9 neurons"),
        ({"axes": "neuron,trial"}, "read as 60 neurons x 9 trials, need 9 values"),
    ],
    ids=str,
)
def test_the_studys_format_refuses_what_it_cannot_heed(saved, options, message):
    with pytest.raises(InputError, match=message):
        load(study(saved), **options)


@pytest.mark.parametrize(
    "options",
    [
        {"where": {"a": 1}},
        {"blank": [-1]},
        {"window": (0, 1)},
        {"baseline": (0, 1)},
        {"times": (0, 1)},
        {"missing": "neurons"},
    ],
    ids=str,
)
def test_an_rdm_heeds_no_option_of_trials(saved, options):
    with pytest.raises(InputError, match=f"it is an RDM.*; leave out {next(iter(options))}="):
        load(saved(rdm=RDM, orientation=SIX), **options)


@pytest.mark.parametrize(
    "names", [("responses", "rdm"), ("resp", "rdm"), ("responses", "resp"), ("responses", "rdm", "resp")], ids="-".join
)
def test_a_file_with_two_recordings_asks_which(saved, names):
    held = {"responses": RESPONSES[:6], "rdm": RDM, "resp": RESPONSES[6:12]}
    path = saved(**{name: held[name] for name in names}, orientation=SIX, stimuli=SIX)
    with pytest.raises(InputError, match=f"choose one of them with .*names=.{names[0]!r}: {names[0]!r}"):
        load(path)
    for name in names:
        read = load(path, names={name: name})
        if name == "rdm":
            np.testing.assert_allclose(read.rdm, RDM)
        else:
            np.testing.assert_array_equal(read.responses, held[name])


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("orientation", 0, 180), ("orientation", -90, 90), ("direction", 0, 360), ("direction", -180, 180)],
)
@pytest.mark.parametrize("angles", ["degrees", "radians", "float32 radians"])
def test_stimuli_a_circle_apart_are_one(saved, kind, low, high, angles):
    period = high - low
    nominal = low + period * TRIALS / 180
    coded = np.where((nominal == low) & (np.arange(60) % 4 == 0), float(high), nominal)
    if angles != "degrees":
        coded = np.radians(coded).astype("f4" if "float32" in angles else "f8")
    recording = load(saved(responses=RESPONSES, **{kind: coded}), angles=angles.split()[-1])
    np.testing.assert_allclose(recording.responses, averages(RESPONSES, TRIALS))
    np.testing.assert_allclose(recording.stimulus, np.unique(nominal), atol=1e-4)
    said = f"{low} and {high} degrees are one {kind}: 5 rows at {high} are merged with {low}"
    assert recording.notes == (said,)


def test_a_blank_at_the_end_of_the_circle_is_asked_for(saved):
    direction = np.tile([0.0, 60, 120, 180, 240, 300, 360], 8)
    responses = RNG.normal(size=(56, 9))
    path = saved(responses=responses, direction=direction)
    assert load(path).n_stimuli == 6
    assert "(if 0 or 360 marks trials without a stimulus, pass blank=360)" in load(path).notes[0]
    told = load(path, blank=[360])
    np.testing.assert_array_equal(told.blanks, responses[direction == 360])
    np.testing.assert_allclose(told.responses, averages(responses[direction < 360], direction[direction < 360]))
    assert told.notes == ()


@pytest.mark.parametrize("suffix", ["npz", "nc", "h5", "csv", "nwb"])
@pytest.mark.parametrize("repeats", [1, 2])
def test_ends_that_a_recording_holds_apart_stay_apart_in_its_files(tmp_path, suffix, repeats):
    mine = simulated_v1(4, n_stimuli=13, n_repeats=repeats) if repeats > 1 else simulated_v1(4, n_stimuli=13)
    save(mine, tmp_path / f"a.{suffix}")
    back = load(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(back.stimulus, mine.stimulus)
    assert not any("joined" in note for note in back.notes)


def test_rows_of_an_rdm_stay_apart_and_say_so(saved):
    recording = load(saved(rdm=RDM, orientation=np.linspace(-90, 90, 6)))
    assert recording.n_stimuli == 6
    assert recording.notes == ("-90 and 90 degrees, the same orientation, count as two stimuli",)


@pytest.mark.parametrize("name", ["spatial_frequency", "SF", "temporal frequency", "contrast"])
def test_parameters_of_stimuli_are_told_however_many_values_they_have(saved, name):
    values = RNG.uniform(0.01, 0.3, 60)
    recording = load(saved(responses=RESPONSES, orientation=TRIALS, **{name: values, "start_time": np.arange(60.0)}))
    assert len(recording.cautions) == 1
    assert recording.cautions[0].startswith(f"{name} (")
    assert "varies between trials of the same stimulus" in recording.cautions[0]


@pytest.mark.parametrize("written", ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%d/%m/%Y %H:%M:%S", "numpy"])
def test_a_date_with_the_time_of_day_is_the_day(saved, written):
    times = pd.date_range("2024-03-01 10:00", periods=60, freq="48min")  # 18 on the first day, then 30 and 12
    date = times.to_numpy() if written == "numpy" else np.array(times.strftime(written), dtype=str)
    recording = load(saved(responses=RESPONSES, orientation=TRIALS, date=date))
    _, counts = np.unique(recording.trials["session"], return_counts=True)
    assert sorted(counts) == [12, 18, 30]
    assert "session is read from the day in date" in recording.notes


def test_what_differs_in_every_trial_is_no_session(saved):
    path = saved(responses=RESPONSES, orientation=TRIALS, date=np.arange(60))
    recording = load(path)
    assert recording.sessions == ()
    assert "date differs in every trial, so it is not read as sessions" in recording.notes[0]
    assert len(load(path, names={"session": "date"}).sessions) == 60


@pytest.mark.parametrize("name", ["ROI", "Roi_ID", "Neuron", "cell"])
def test_names_of_neurons_count_in_capitals_too(saved, name):
    recording = load(saved(responses=RESPONSES, orientation=TRIALS, **{name: np.arange(9) * 3}))
    assert recording.responses["neuron"].to_numpy().tolist() == [str(3 * number) for number in range(9)]
    assert recording.notes == (f"neurons are named by {name}",)


@pytest.mark.parametrize("shape", [(60, 1), (1, 60)])
def test_cells_of_numbers_and_words_are_read(tmp_path, shape):
    cells = np.empty(shape, dtype=object)
    for place, degrees in enumerate(TRIALS):
        cells.flat[place] = degrees if place % 12 else "blank"
    scipy.io.savemat(tmp_path / "a.mat", {"responses": RESPONSES, "orientation": cells})
    recording = load(tmp_path / "a.mat")
    shown = np.arange(60) % 12 > 0
    np.testing.assert_allclose(recording.responses, averages(RESPONSES[shown], TRIALS[shown]))
    np.testing.assert_array_equal(recording.blanks, RESPONSES[~shown])


def test_cells_that_differ_in_size_are_named_once(tmp_path):
    cells = np.empty((8, 1), dtype=object)
    for place in range(8):
        cells[place, 0] = RNG.normal(size=(6 - (place == 3), 9))
    scipy.io.savemat(tmp_path / "a.mat", {"C": cells, "orientation": np.arange(0, 180, 22.5)})
    with pytest.raises(InputError, match=r"cannot be 'C': C was left out: the 8 x 1 cells differ in size"):
        load(tmp_path / "a.mat", names={"responses": "C"})


@pytest.mark.parametrize(
    ("numbers", "code", "n"), [([*range(1, 9), -1], "-1", 8), ([*range(8), 99], "99", 8), (range(1, 9), None, 8)]
)
def test_numbers_of_conditions_are_told_from_a_code_beside_them(saved, numbers, code, n):
    shown = np.repeat(np.array(numbers, dtype=float), 3)
    path = saved(responses=RNG.normal(size=(len(shown), 4)), direction=shown)
    with pytest.raises(InputError, match=rf"the numbers of {n} conditions.*number \* 45 ") as caught:
        load(path)
    assert ("blank=" in str(caught.value)) == (code is not None)
    assert code is None or f"add blank={code}." in str(caught.value)


def test_images_that_are_called_as_blanks_are_named(saved):
    image = np.tile(["cat", "dog", "cow", "Gray"], 15)
    recording = load(saved(responses=RESPONSES, image=image))
    assert "image 'Gray' marks trials without a stimulus (blanks)" in recording.notes
    assert len(recording.blanks) == 15


def test_a_neuron_may_be_called_nan(saved):
    names = np.array(["nan", "b", "c", "None", "e"])[: RESPONSES.shape[1]]
    recording = load(saved(responses=RESPONSES[:, : len(names)], orientation=TRIALS, neuron=names))
    assert recording.responses["neuron"].to_numpy().tolist() == names.tolist()
    recording = load(saved(responses=RESPONSES[:, :3], orientation=TRIALS, neuron=np.array(["nan", "b", "nan"])))
    assert recording.responses["neuron"].to_numpy().tolist() == ["no. 0", "b", "no. 2"]


def test_whole_numbers_that_floating_point_cannot_tell_apart_are_refused(saved):
    counts = 2**63 - 1 - np.arange(240).reshape(60, 4)
    with pytest.raises(InputError, match="too large to be distinguished in floating point"):
        load(saved(responses=counts, orientation=TRIALS))
