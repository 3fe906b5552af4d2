import numpy as np
import pytest

from normenc.errors import InputError
from normenc.quality import check
from normenc.recordings import Recording, bin_stimuli, fold, load, select, z_score

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(12, 4))
DIRECTIONS = np.tile([0.0, 90, 180, 270], 3)


@pytest.fixture
def drifting():
    return Recording.from_trials(
        "toy",
        ROWS,
        direction=DIRECTIONS,
        trials={"animal": ["a"] * 8 + ["b"] * 4, "repeat": np.repeat([0, 1, 2], 4)},
        neurons={"neuron": ["n1", "n2", "n3", "n4"], "region": ["V1", "LM", "V1", "V1"]},
        units="Hz",
        species="mouse",
    )


def test_trials_are_kept_with_their_labels_and_averaged(drifting):
    np.testing.assert_allclose(drifting.responses, ROWS.reshape(3, 4, 4).mean(axis=0))
    np.testing.assert_array_equal(drifting.trials, ROWS)
    np.testing.assert_array_equal(drifting.trials["direction"], DIRECTIONS)
    assert drifting.trials["repeat"].values.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert (drifting.n_trials, drifting.n_repeats, drifting.animals, drifting.sessions) == (12, (3, 3), ("a", "b"), ())
    assert drifting.describe() == "toy: 4 stimuli x 4 neurons, 3 trials each, 2 animals, species mouse, area not stated"


def test_folding_makes_opposite_directions_trials_of_one_orientation(drifting):
    folded = fold(drifting)
    assert (folded.kind, folded.period, folded.n_repeats) == ("orientation", 180, (6, 6))
    np.testing.assert_array_equal(folded.orientation, [-90, 0])
    np.testing.assert_allclose(folded.responses, [ROWS[[1, 3, 5, 7, 9, 11]].mean(axis=0), ROWS[::2].mean(axis=0)])
    assert folded.responses["region"].values.tolist() == ["V1", "LM", "V1", "V1"]
    assert (folded.animals, folded.units, folded.species) == (("a", "b"), "Hz", "mouse")
    with pytest.raises(InputError, match="only directions can be folded"):
        fold(folded)


def test_bins_weigh_every_trial_the_same():
    recording = Recording.from_trials("toy", [[0.0, 1], [2, 5], [4, 6], [9, 9]], [1, 1, 4, 30])
    binned = bin_stimuli(recording, 10)
    np.testing.assert_allclose(binned.orientation, [(1 + 1 + 4) / 3, 30], atol=1e-6)
    np.testing.assert_allclose(binned.responses, [[2, 4], [9, 9]])
    assert binned.n_repeats == (1, 3)
    for width in (0, -5, 91, float("nan")):
        with pytest.raises(InputError, match="it must be between 0 and 90"):
            bin_stimuli(recording, width)
    with pytest.raises(InputError, match="all stimuli fall into one bin"):
        bin_stimuli(recording, 90)


def test_bins_go_around_the_circle():
    recording = Recording.from_responses("toy", np.arange(12.0).reshape(4, 3), direction=[0, 44, 46, 359])
    binned = bin_stimuli(recording, 45)
    np.testing.assert_allclose(binned.stimulus, [-0.5, 45])
    np.testing.assert_allclose(binned.responses, [[4.5, 5.5, 6.5], [4.5, 5.5, 6.5]])


@pytest.mark.parametrize(("kind", "period"), [("orientation", 180.0), ("direction", 360.0)])
@pytest.mark.parametrize("first", [0.0, 0.5])  # of the period, below 0
@pytest.mark.parametrize("part", [1, 2, 3])  # of the step
@pytest.mark.parametrize("n_stimuli", [4, 6, 12])
def test_bins_gather_stimuli_that_were_measured(kind, period, first, part, n_stimuli):
    step = period / n_stimuli
    nominal = np.tile(np.arange(n_stimuli) * step - first * period, 20)
    rows = RNG.normal(size=(len(nominal), 3))
    measured = np.mod(nominal + RNG.uniform(-0.1, 0.1, len(nominal)) + first * period, period) - first * period
    binned = bin_stimuli(Recording.from_trials("toy", rows, **{kind: measured}), step / part)
    np.testing.assert_allclose(binned.stimulus, nominal[:n_stimuli], atol=0.1)
    np.testing.assert_allclose(binned.responses, rows.reshape(20, n_stimuli, 3).mean(axis=0))


def test_bins_that_would_part_what_belongs_together_are_refused():
    nominal = np.tile(np.arange(15, 180, 30.0), 20)
    measured = nominal + RNG.uniform(-0.1, 0.1, len(nominal))
    recording = Recording.from_trials("toy", RNG.normal(size=(120, 3)), measured)
    with pytest.raises(InputError, match=r"would separate stimuli near \d+.* choose another bin_width; 22.5 would"):
        bin_stimuli(recording, 30)
    assert bin_stimuli(recording, 15).n_stimuli == 6
    with pytest.raises(InputError, match=r"180 degrees must be a whole number of bins, as with 7\.2"):
        bin_stimuli(recording, 7)


def test_z_scores_of_trials_average_to_those_of_stimuli(drifting):
    scored = z_score(drifting)
    np.testing.assert_allclose(scored.responses.mean("stimulus"), 0, atol=1e-12)
    np.testing.assert_allclose(scored.responses.std("stimulus"), 1)
    np.testing.assert_allclose(scored.trials.values.reshape(3, 4, 4).mean(axis=0), scored.responses, atol=1e-12)
    assert scored.units == "z-score over stimuli"


def test_constant_neurons_have_no_z_score():
    rows = RNG.normal(size=(5, 3))
    rows[:, 1] = 7
    scored = z_score(Recording.from_responses("toy", rows, np.arange(5) * 30.0))
    assert scored.n_neurons == 2
    assert scored.steps == ("kept 2 of 3 neurons (chosen by index)", "z-scored each neuron over stimuli")


def test_neurons_are_chosen_by_label_or_index(drifting):
    np.testing.assert_array_equal(select(drifting, region="V1").responses, drifting.responses[:, [0, 2, 3]])
    np.testing.assert_array_equal(select(drifting, [3, 0], region=["V1", "LM"]).trials, ROWS[:, [3, 0]])
    np.testing.assert_array_equal(select(drifting, np.array([True, False, True, False])).trials, ROWS[:, [0, 2]])
    assert select(drifting, neuron="n2").responses["region"].item() == "LM"
    for arguments, labels, message in [
        (([4],), {}, "indices from 4 to 4; there are 4 neurons"),
        (([True, False],), {}, r"mask of shape \(2,\)"),
        (([0.5],), {}, "must be indices or a mask"),
        (([],), {}, "must be indices or a mask|no neuron is chosen"),
        ((), {"region": "V4"}, "no neuron has region 'V4'; there are LM, V1"),
        ((), {"quality": "good"}, "no label 'quality'; they have neuron, region"),
    ]:
        with pytest.raises(InputError, match=message):
            select(drifting, *arguments, **labels)


def test_images_have_no_degrees():
    recording = Recording.from_responses("toy", RNG.normal(size=(3, 4)), image=["b", "a", "c"])
    assert recording.stimulus.tolist() == ["a", "b", "c"]
    assert (recording.period, recording.orientation, recording.covers_circle) == (None, None, False)
    with pytest.raises(InputError, match="images cannot be put into bins"):
        bin_stimuli(recording, 10)
    with pytest.raises(InputError, match="only directions can be folded"):
        fold(recording)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"orientation": [0, 1, 2], "direction": [0, 1, 2]}, "given as orientation and direction; give one"),
        ({}, "given as none; give one of orientation, direction and image"),
        ({"orientation": [0, 100, 200]}, "over more than 180 degrees; if they are directions"),
        ({"direction": [0, 100, 500]}, "over more than 360 degrees; give degrees that span one period"),
        ({"image": ["a", "b", "c"], "images": np.zeros((2, 4, 4))}, "2 images but 3 stimuli"),
        ({"image": ["a", "b", "c"], "images": np.full((3, 4, 4), 2.0)}, "numbers from 0 .black. to 1 .white."),
        ({"image": ["a", "b", "c"], "images": np.zeros((3, 4))}, r"images have shape \(3, 4\)"),
        ({"orientation": [0, 1, 2], "neurons": {"colour": ["red"] * 4}}, "no neuron label 'colour'"),
        ({"orientation": [0, 1, 2], "neurons": {"neuron": ["a", "b", "a", "c"]}}, "neuron 'a' occurs 2 times"),
        ({"orientation": [0, 1, 2], "neurons": {"region": ["V1"]}}, "there are 4 neurons; give one value for each"),
        ({"orientation": [0, 1, 2], "trials": {"animal": ["a"]}}, "there are 3 trials; give one value for each"),
        ({"orientation": [5, 5, 5]}, "all trials show one stimulus, orientation 5"),
        ({"orientation": [0, 1, 2], "missing": "ignore"}, "missing is 'ignore'"),
    ],
)
def test_what_does_not_fit_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        Recording.from_trials("toy", RNG.normal(size=(3, 4)), **arguments)


def test_order_of_trials_and_of_neurons_changes_nothing_but_the_order(drifting):
    order, columns = RNG.permutation(12), RNG.permutation(4)
    other = Recording.from_trials("toy", ROWS[order][:, columns], direction=DIRECTIONS[order])
    np.testing.assert_allclose(other.responses, drifting.responses[:, columns], atol=1e-12)


def test_neurons_are_chosen_before_their_values_are_judged(tmp_path):
    rng = np.random.default_rng(1)
    values = rng.normal(size=(24, 10))
    values[:, 5] = 3.0  # constant
    values[:, 6] = values[:, 7]  # duplicated
    values[3, 8] = np.nan  # missing
    labels = {"quality": ["good"] * 5 + ["mua"] * 5, "orientation": np.tile(np.arange(0, 180, 22.5), 3)}
    np.savez(tmp_path / "a.npz", responses=values, **labels)
    found = load(tmp_path / "a.npz", quality="good")  # which nothing is missing of
    np.testing.assert_array_equal(found.trials, values[:, :5])
    assert found.steps[0] == "kept 5 of 10 neurons (quality good)"
    raw = check(tmp_path / "a.npz", quality="good").raw
    assert (raw.constant, raw.duplicated, raw.missing) == (0, 0, 0)
    rest = check(tmp_path / "a.npz", quality="mua").raw
    assert (rest.constant, rest.duplicated, rest.missing) == (1, 1, 1)
    others = load(tmp_path / "a.npz", quality="mua", missing="neurons")
    assert others.responses["neuron"].values.tolist() == ["5", "6", "7", "9"]
    with pytest.raises(InputError, match="no neuron has quality 'bad'; there are good, mua"):
        load(tmp_path / "a.npz", quality="bad")
    with pytest.raises(InputError, match="no label 'region'; they have neuron, quality"):
        load(tmp_path / "a.npz", region="V1")
