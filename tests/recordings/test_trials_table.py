"""What stands beside the stimuli: blanks, other parameters, rows to choose, labels by other names."""

import numpy as np
import pandas as pd
import pytest

from normenc.errors import InputError
from normenc.quality import check
from normenc.recordings import Recording, load, save

RNG = np.random.default_rng(11)
DEGREES = np.repeat(np.arange(0, 180, 22.5), 6)
N_TRIALS, N_BLANKS, N_NEURONS = 48, 5, 4
TRIALS = RNG.normal(size=(N_TRIALS + N_BLANKS, N_NEURONS))
ORDER = RNG.permutation(N_TRIALS + N_BLANKS)


def with_blanks(code, dtype=float):
    """Stimuli of all trials in a random order, blanks among them by their code."""
    return np.concatenate([DEGREES, np.full(N_BLANKS, code)]).astype(dtype)[ORDER]


def as_csv(tmp_path, stimulus, **columns):
    np.save(tmp_path / "a.npy", TRIALS[ORDER])
    pd.DataFrame({"orientation": stimulus, **columns}).to_csv(tmp_path / "a.csv", index=False)
    return tmp_path / "a.npy"


def as_npz(tmp_path, stimulus, **columns):
    np.savez(tmp_path / "a.npz", responses=TRIALS[ORDER], orientation=stimulus, **columns)
    return tmp_path / "a.npz"


@pytest.mark.parametrize("write", [as_csv, as_npz])
@pytest.mark.parametrize(
    ("stimulus", "options"),
    [
        (with_blanks(np.nan), {}),
        (with_blanks(-1), {"blank": [-1]}),
        (with_blanks(-1), {"blank": ["-1"]}),
        (with_blanks(999), {"blank": "999"}),
        (with_blanks("blank", "<U8"), {}),
        (with_blanks("Gray Screen", "<U12"), {}),
        (with_blanks("nothing", "<U8"), {"blank": ["nothing"]}),
    ],
    ids=["NaN", "-1", "-1 as text", "999", "blank", "gray screen", "named"],
)
def test_blanks_are_left_out_of_stimuli_and_kept(tmp_path, write, stimulus, options):
    recording = load(write(tmp_path, stimulus), **options)
    assert recording.n_stimuli == 8
    np.testing.assert_allclose(recording.responses, TRIALS[:N_TRIALS].reshape(8, 6, N_NEURONS).mean(axis=1))
    np.testing.assert_array_equal(np.sort(recording.blanks, axis=0), np.sort(TRIALS[N_TRIALS:], axis=0))
    assert recording.steps[0] == "left out 5 of 53 trials without a stimulus (blanks)"


@pytest.mark.parametrize("column", ["blank", "is_blank", "blank_sweep"])
@pytest.mark.parametrize("values", [(False, True), (0, 1), ("no", "yes")])
def test_a_column_may_name_blanks(tmp_path, column, values):
    is_blank = np.array([values[0]] * N_TRIALS + [values[1]] * N_BLANKS)[ORDER]
    recording = load(as_csv(tmp_path, with_blanks(0), **{column: is_blank}))
    assert (len(recording.blanks), recording.n_repeats) == (N_BLANKS, (6, 6))


@pytest.mark.parametrize("suffix", [".npz", ".nc", ".h5", ".csv"])
def test_blanks_are_saved_and_read_back(tmp_path, suffix):
    recording = load(as_npz(tmp_path, with_blanks(np.nan), session=np.arange(N_TRIALS + N_BLANKS) % 2))
    save(recording, tmp_path / f"b{suffix}")
    back = load(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(np.sort(back.blanks, axis=0), np.sort(recording.blanks, axis=0))
    np.testing.assert_allclose(back.responses, recording.responses)


def test_images_may_be_blank(tmp_path):
    names = np.array([f"scene{k}" for k in DEGREES.astype(int)] + [""] * N_BLANKS)[ORDER]
    np.savez(tmp_path / "a.npz", responses=TRIALS[ORDER], image=names)
    recording = load(tmp_path / "a.npz")
    assert (recording.n_stimuli, len(recording.blanks)) == (8, N_BLANKS)
    numbers = np.concatenate([np.repeat(np.arange(8), 6), np.full(N_BLANKS, -1)])[ORDER]
    np.savez(tmp_path / "b.npz", responses=TRIALS[ORDER], image=numbers, images=RNG.random((8, 4, 4)))
    with pytest.raises(InputError, match=r"image holds -1, which is not the number of an image; .*blank=-1"):
        load(tmp_path / "b.npz")
    np.testing.assert_allclose(load(tmp_path / "b.npz", blank=[-1]).responses, recording_by_number(numbers))


def recording_by_number(numbers):
    return [TRIALS[ORDER][numbers == k].mean(axis=0) for k in range(8)]


@pytest.mark.parametrize(
    ("stimulus", "options", "message"),
    [
        (with_blanks(0), {"blank": [-1]}, "blank: no trial has the stimulus -1"),
        (with_blanks("odd", "<U8"), {}, "orientation holds 'odd', which is not a number of degrees; .*blank='odd'"),
        (with_blanks(-9999), {}, "over more than 180 degrees.*blank=-9999"),
        (np.full(N_TRIALS + N_BLANKS, np.nan), {}, "no trial has a stimulus"),
    ],
)
def test_codes_that_are_not_named(tmp_path, stimulus, options, message):
    with pytest.raises(InputError, match=message):
        load(as_npz(tmp_path, stimulus), **options)


@pytest.mark.parametrize("code", [-1, 1, 97, 179])
def test_one_value_that_breaks_the_spacing_is_remarked_on(tmp_path, code):
    warnings = check(as_npz(tmp_path, with_blanks(code))).warnings
    assert warnings[0] == (
        f"orientation {code} (5 trials) breaks the even spacing of 22.5 degrees; if it marks trials without a "
        f"stimulus, pass blank={code}."
    )


@pytest.mark.parametrize(
    "stimulus", [np.arange(0, 180, 22.5), np.linspace(-90, 90, 9), np.array([0.0, 10, 20, 70, 90])]
)
def test_stimuli_without_an_odd_one_are_not_remarked_on(stimulus):
    recording = Recording.from_responses("toy", RNG.normal(size=(len(stimulus), 30)), stimulus)
    assert not any("breaks the even spacing" in warning for warning in check(recording).warnings)


FREQUENCY = np.tile([1.0, 2.0, 4.0], 16)


@pytest.mark.parametrize("write", [as_csv, as_npz])
def test_other_parameters_are_said_and_rows_can_be_chosen(tmp_path, write):
    columns = {
        "temporal_frequency": np.concatenate([FREQUENCY, np.ones(N_BLANKS)])[ORDER],
        "contrast": np.full(N_TRIALS + N_BLANKS, 0.8),  # the same everywhere
        "start_time": np.arange(N_TRIALS + N_BLANKS) * 1.5,  # of its own in every trial
        "eye": np.array(["left", "right"])[np.arange(N_TRIALS + N_BLANKS) % 2],
    }
    path = write(tmp_path, with_blanks(np.nan), **columns)
    said = load(path).cautions
    assert len(said) == 2
    assert said[0].startswith(
        "temporal_frequency (1, 2, 4) varies between trials of the same stimulus, which are averag"
    )
    assert "where={'eye': 'left'}" in said[1]
    recording = load(path, where={"temporal_frequency": 2})
    chosen = (columns["temporal_frequency"] == 2) & ~np.isnan(with_blanks(np.nan))
    expected = [TRIALS[ORDER][chosen & (with_blanks(np.nan) == d)].mean(axis=0) for d in np.unique(DEGREES)]
    np.testing.assert_allclose(recording.responses, expected)
    assert recording.steps[0] == f"kept {chosen.sum()} and 5 blanks of 53 trials (temporal_frequency 2)"
    assert not any("temporal_frequency" in caution for caution in recording.cautions)
    several = load(path, where={"temporal_frequency": ["2", "4"], "eye": "left"})
    assert several.n_trials == (np.isin(columns["temporal_frequency"], [2, 4]) & (columns["eye"] == "left")).sum()
    assert load(path, where={"orientation": [0, 45, 90]}).n_stimuli == 3
    with pytest.raises(InputError, match="no row has temporal_frequency 3; its values are 1, 2, 4"):
        load(path, where={"temporal_frequency": 3})
    with pytest.raises(
        InputError, match="there is no column 'speed' besides the stimuli; the others are contrast, eye"
    ):
        load(path, where={"speed": 3})


@pytest.mark.parametrize(
    ("own", "label"), [("mouse", "animals"), ("subject_id", "animals"), ("day", "sessions"), ("session", "sessions")]
)
def test_animals_and_sessions_go_by_other_names_too(tmp_path, own, label):
    names = np.array(["a", "b"])[np.arange(N_TRIALS + N_BLANKS) % 2]
    recording = load(as_csv(tmp_path, with_blanks(np.nan), **{own: names}))
    assert getattr(recording, label) == ("a", "b")
    other = "sessions" if label == "animals" else "animals"
    assert getattr(recording, other) == ()


def test_neurons_have_the_names_of_their_rois_or_their_numbers(tmp_path):
    path = as_csv(tmp_path, with_blanks(np.nan))
    assert load(path).responses["neuron"].to_numpy().tolist() == ["0", "1", "2", "3"]
    table = pd.DataFrame({"roi": [7, np.nan, 3, 12], "quality": ["good", "good", None, "dim"], "snr": [1.5, 0.2, 3, 2]})
    table.to_csv(tmp_path / "a.neurons.csv", index=False)
    recording = load(path)
    assert recording.responses["neuron"].to_numpy().tolist() == ["7", "no. 1", "3", "12"]
    kept = load(path, quality="good")
    assert kept.responses["neuron"].to_numpy().tolist() == ["7", "no. 1"]
    assert kept.blanks.shape == (N_BLANKS, 2)
    by_number = load(path, names={"quality": "snr"}, quality=">=1.5")
    assert by_number.responses["neuron"].to_numpy().tolist() == ["7", "3", "12"]


def test_facts_stand_in_columns_or_are_given(tmp_path):
    path = as_csv(tmp_path, with_blanks(np.nan), species="mouse", area="V1", units="dF/F")
    recording = load(path)
    assert (recording.species, recording.area, recording.units) == ("mouse", "V1", "dF/F")
    given = load(path, species="ferret", area="V2")
    assert (given.species, given.area, given.units) == ("ferret", "V2", "dF/F")


@pytest.mark.parametrize("write", [as_csv, as_npz])
def test_a_stimulus_may_be_given_another_name(tmp_path, write):
    directions = np.concatenate([DEGREES * 2, np.full(N_BLANKS, np.nan)])[ORDER]
    recording = load(write(tmp_path, directions), names={"direction": "orientation"})
    assert (recording.kind, recording.n_stimuli) == ("direction", 8)
    both = write(tmp_path, with_blanks(np.nan), image=[f"i{k % 7}" for k in range(N_TRIALS + N_BLANKS)])
    with pytest.raises(
        InputError, match=r"holds orientation and image; .*names={'orientation': 'orientation'} or names={'image': "
    ):
        load(both)
    assert load(both, names={"orientation": "orientation"}).kind == "orientation"
    assert load(both, names={"image": "image"}).n_stimuli == 7


def test_the_reference_format_says_what_it_leaves_out(tmp_path):
    directions = np.tile(np.arange(0, 360, 45.0), 6)
    responses = RNG.normal(size=(48, 4))
    np.savez(tmp_path / "a.npz", resp=responses, stimuli=directions)
    quality = check(tmp_path / "a.npz")
    assert quality.read_as == "48 trials x 4 neurons, in the reference study's format"
    assert quality.warnings[0].startswith(
        "left out 18 of 48 rows, of stimuli above 180 degrees, as the reference study"
    )
    assert "names={'responses': 'resp', 'direction': 'stimuli'}" in quality.warnings[0]
    assert any(note.startswith("-90 and 90 degrees, the same image, count as two stimuli") for note in quality.notes)
    every = load(tmp_path / "a.npz", names={"responses": "resp", "direction": "stimuli"})
    assert (every.n_trials, every.n_stimuli) == (48, 8)


@pytest.mark.parametrize("n", [12, 118, 300])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("names", [("resp", "stimuli"), ("responses", "orientation"), ("responses", "direction")])
def test_numbers_of_images_are_not_taken_for_degrees(tmp_path, n, first, names):
    numbers = np.tile(np.arange(first, first + n), 2)
    arrays = {names[0]: RNG.normal(size=(2 * n, 4)), names[1]: numbers}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(
        InputError, match=rf"looks like the numbers of {n} conditions or images.*names=.'image': 'NAME'"
    ):
        load(tmp_path / "a.npz")
    assert load(tmp_path / "a.npz", names={"responses": names[0], "image": names[1]}).n_stimuli == n


@pytest.mark.parametrize(("kind", "period"), [("orientation", 180), ("direction", 360)])
@pytest.mark.parametrize("first", [0, 1])
def test_degrees_all_around_a_circle_are_degrees(tmp_path, kind, period, first):
    np.savez(tmp_path / "a.npz", responses=RNG.normal(size=(period, 4)), **{kind: np.arange(first, first + period)})
    assert load(tmp_path / "a.npz").n_stimuli == period
