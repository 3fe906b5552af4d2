"""Which axis is which: a planted array is read the same however its axes stand, or it is refused."""

from itertools import permutations

import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr

from normenc.errors import InputError
from normenc.quality import check
from normenc.recordings import from_xarray, load
from normenc.recordings.loading import contents
from normenc.texts import argument

N_REPEATS, N_STIMULI, N_NEURONS, N_TIMES = 3, 8, 5, 4
RNG = np.random.default_rng(5)
CUBE = RNG.normal(size=(N_REPEATS, N_STIMULI, N_NEURONS))  # repeat, stimulus, neuron
DEGREES = np.arange(0, 180, 22.5)
TIMES = np.array([-0.5, 0.0, 0.5, 1.0])
MOVIE = RNG.normal(size=(N_STIMULI * 2, N_NEURONS, N_TIMES))  # trial, neuron, time
TRIALS = np.tile(DEGREES, 2)
CUBE_AXES, MOVIE_AXES = ("repeat", "stimulus", "neuron"), ("trial", "neuron", "time")


def transposed(array, axes, order):
    return np.transpose(array, [axes.index(axis) for axis in order])


def writers(tmp_path):
    def npz(**arrays):
        np.savez(tmp_path / "a.npz", **arrays)
        return tmp_path / "a.npz"

    def mat(**arrays):
        scipy.io.savemat(tmp_path / "a.mat", arrays)
        return tmp_path / "a.mat"

    def hdf5(**arrays):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            for name, values in arrays.items():
                file[name] = values
        return tmp_path / "a.h5"

    return {"npz": npz, "mat": mat, "h5": hdf5}


@pytest.mark.parametrize("order", list(permutations(CUBE_AXES)), ids="-".join)
@pytest.mark.parametrize("kind", ["npz", "mat", "h5"])
def test_repeats_are_read_where_they_are_said_to_be_and_refused_where_not(tmp_path, kind, order):
    path = writers(tmp_path)[kind](responses=transposed(CUBE, CUBE_AXES, order), orientation=DEGREES)
    with pytest.raises(InputError, match=r"nothing says which axis is which.*axes='\w+,\w+,\w+' would read"):
        load(path)
    for axes in (order, ",".join(order), [f"{axis}s" if axis != "stimulus" else "stimuli" for axis in order]):
        recording = load(path, axes=axes)
        np.testing.assert_allclose(recording.responses, CUBE.mean(axis=0), rtol=1e-12)
        np.testing.assert_array_equal(recording.trials["repeat"], np.repeat(np.arange(N_REPEATS), N_STIMULI))
    counts = {"repeat": "3 repeats", "stimulus": "8 stimuli", "neuron": "5 neurons"}
    assert recording.read_as == " x ".join(counts[axis] for axis in order)


@pytest.mark.parametrize("order", list(permutations(CUBE_AXES)), ids="-".join)
@pytest.mark.parametrize("labels", [("neuron", "repeat"), ("quality", "repeat")], ids="-".join)
def test_labels_of_their_length_tell_axes_apart(tmp_path, order, labels):
    arrays = dict(zip(labels, (np.arange(N_NEURONS), np.arange(N_REPEATS)), strict=True))
    np.savez(tmp_path / "a.npz", responses=transposed(CUBE, CUBE_AXES, order), orientation=DEGREES, **arrays)
    np.testing.assert_allclose(load(tmp_path / "a.npz").responses, CUBE.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("order", list(permutations(CUBE_AXES)), ids="-".join)
@pytest.mark.parametrize(
    "names",
    [
        ("repeat", "orientation", "neuron"),
        ("repetition", "stimulus", "unit"),
        ("trial", "stimulus", "roi"),  # trials of each stimulus
        ("rep", "condition", "cells"),
    ],
    ids="-".join,
)
def test_named_dimensions_decide(tmp_path, order, names):
    called = dict(zip(CUBE_AXES, names, strict=True))
    dims = [called[axis] for axis in order]
    array = xr.DataArray(
        transposed(CUBE, CUBE_AXES, order), dims=dims, coords={"orientation": (called["stimulus"], DEGREES)}
    )
    array.to_dataset(name="responses").to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    for recording in (load(tmp_path / "a.nc"), from_xarray(array, "a")):
        np.testing.assert_allclose(recording.responses, CUBE.mean(axis=0), rtol=1e-12)
        assert recording.n_repeats == (N_REPEATS, N_REPEATS)


@pytest.mark.parametrize("order", list(permutations(MOVIE_AXES)), ids="-".join)
@pytest.mark.parametrize("told", ["axes", "dims", "labels"])
def test_an_axis_of_time_is_averaged_over_a_window_and_never_taken_for_repeats(tmp_path, order, told):
    values = transposed(MOVIE, MOVIE_AXES, order)
    options = {"window": (0, 1), "baseline": (-0.5, 0)}
    if told == "dims":
        path = tmp_path / "a.nc"
        arrays = {"responses": (order, values), "orientation": ("trial", TRIALS), "time": ("time", TIMES)}
        xr.Dataset(arrays).to_netcdf(path, engine="h5netcdf")
    else:
        path = tmp_path / "a.npz"
        labels = {"time": TIMES, "neuron": np.arange(N_NEURONS)} if told == "labels" else {}
        np.savez(path, responses=values, orientation=TRIALS, **labels)
        options |= {"axes": order, "times": (-0.5, 1.0)} if told == "axes" else {}
    recording = load(path, **options)
    # [0, 1) holds the samples at 0 and 0.5, [-0.5, 0) that at -0.5.
    expected = MOVIE[:, :, 1:3].mean(axis=2) - MOVIE[:, :, 0]
    np.testing.assert_allclose(recording.trials, expected, rtol=1e-12)
    assert recording.n_repeats == (2, 2)
    assert recording.units == "not stated"  # what was subtracted is said by read_as
    assert recording.read_as.endswith(
        "averaged over 2 of 4 samples in [0, 1) s, less the mean of 1 sample in [-0.5, 0) s"
    )
    closed = load(path, **options | {"window": "(0, 1]"})
    np.testing.assert_allclose(closed.trials, MOVIE[:, :, 2:].mean(axis=2) - MOVIE[:, :, 0], rtol=1e-12)
    with pytest.raises(InputError, match=r"axis of 4 samples.*give the seconds to average over: window="):
        load(path, **{key: value for key, value in options.items() if key in ("axes", "times")})
    with pytest.raises(InputError, match=r"the window \[5, 6\) s holds no sample; times run from -0.5 to 1 s"):
        load(path, **options | {"window": [5, 6]})


def test_times_must_be_known_to_choose_among_them(tmp_path):
    np.savez(tmp_path / "a.npz", responses=MOVIE, orientation=TRIALS)
    with pytest.raises(InputError, match="the times of the 4 samples are not known"):
        load(tmp_path / "a.npz", axes="trial,neuron,time", window="0,1")
    np.savez(tmp_path / "b.npz", responses=MOVIE[:, :, 0], orientation=TRIALS)
    with pytest.raises(InputError, match="for responses with an axis of time; these are 16 trials x 5 neurons"):
        load(tmp_path / "b.npz", window="0,1")


def test_all_samples_need_no_times(tmp_path):
    np.savez(tmp_path / "a.npz", responses=MOVIE, orientation=TRIALS, axes="trial,neuron,time")
    recording = load(tmp_path / "a.npz", window="all")
    np.testing.assert_allclose(recording.trials, MOVIE.mean(axis=2), rtol=1e-12)
    assert recording.read_as == "16 trials x 5 neurons x 4 samples, averaged over all 4 samples"
    with pytest.raises(InputError, match="so window= and baseline= cannot choose among them"):
        load(tmp_path / "a.npz", window="all", baseline="-0.5,0")
    less = load(tmp_path / "a.npz", window="all", baseline="-0.5,0", times=(-0.5, 1))
    np.testing.assert_allclose(less.trials, MOVIE.mean(axis=2) - MOVIE[:, :, 0], rtol=1e-12)
    with pytest.raises(InputError, match="baseline is 'all'; it must be two times"):
        load(tmp_path / "a.npz", window="0,1", baseline="all", times=(-0.5, 1))
    with pytest.raises(InputError, match="or pass window='all' for the mean of all samples"):
        load(tmp_path / "a.npz")


def test_arrays_that_may_be_the_times_are_named(tmp_path):
    given = {"responses": MOVIE, "orientation": TRIALS, "axes": "trial,neuron,time", "falling": -TIMES}
    np.savez(tmp_path / "a.npz", t=TIMES, **given)
    with pytest.raises(InputError, match=r"the times of the samples, if they are t: names={'time': 't'}"):
        load(tmp_path / "a.npz", window="0,1")
    with pytest.raises(InputError, match=r"the times of the samples, if they are t: names={'time': 't'}"):
        load(tmp_path / "a.npz")
    np.testing.assert_allclose(
        load(tmp_path / "a.npz", window="0,1", names={"time": "t"}).trials, MOVIE[:, :, 1:3].mean(axis=2), rtol=1e-12
    )
    np.savez(tmp_path / "a.npz", t=TIMES, frames=np.arange(4), **given)
    with pytest.raises(InputError, match=r"holds the times of the samples \(t, frames\): names={'time': 't'}"):
        load(tmp_path / "a.npz", window="0,1")


@pytest.mark.parametrize("kind", ["npz", "mat", "h5"])
def test_a_matrix_with_neurons_first_is_read_as_what_it_is(tmp_path, kind):
    path = writers(tmp_path)[kind](responses=CUBE.reshape(-1, N_NEURONS).T, orientation=np.tile(DEGREES, N_REPEATS))
    recording = load(path)
    np.testing.assert_allclose(recording.responses, CUBE.mean(axis=0), rtol=1e-12)
    assert recording.read_as == "5 neurons x 24 trials"


def test_a_square_matrix_is_read_as_documented_and_said_so(tmp_path):
    square = RNG.normal(size=(8, 8))
    np.savez(tmp_path / "a.npz", responses=square, orientation=DEGREES)
    recording = load(tmp_path / "a.npz")
    np.testing.assert_array_equal(recording.responses, square)
    assert recording.read_as == "8 stimuli x 8 neurons"
    assert "If each row is a neuron, pass axes='neuron,stimulus'" in recording.cautions[0]
    assert check(tmp_path / "a.npz").warnings[0] == f"{recording.cautions[0]}."
    np.testing.assert_array_equal(load(tmp_path / "a.npz", axes="neuron,stimulus").responses, square.T)
    assert load(tmp_path / "a.npz", axes="stimulus,neuron").cautions == ()


@pytest.mark.parametrize("name", ["stimulus", "trials"])
def test_labels_of_every_repeat(tmp_path, name):
    shown = np.stack([RNG.permutation(DEGREES) for _ in range(N_REPEATS)])
    np.savez(tmp_path / "a.npz", responses=CUBE, orientation=shown, animal=list("aab"))
    recording = load(tmp_path / "a.npz")
    expected = [np.mean([CUBE[r, shown[r] == d][0] for r in range(N_REPEATS)], axis=0) for d in DEGREES]
    np.testing.assert_allclose(recording.responses, expected, rtol=1e-12)
    assert recording.trials["animal"].values.tolist() == list("aaaaaaaaaaaaaaaabbbbbbbb")


def test_repeats_that_were_never_shown_are_left_out(tmp_path):
    filled = CUBE.copy()
    filled[2, 3:] = np.nan
    np.savez(tmp_path / "a.npz", responses=filled, orientation=DEGREES)
    recording = load(tmp_path / "a.npz", axes="repeat,stimulus,neuron")
    np.testing.assert_allclose(recording.responses, np.nanmean(filled, axis=0), rtol=1e-12)
    assert recording.n_repeats == (2, 3)
    assert recording.notes == ("left out 5 of 24 repeats that hold no response (NaN)",)


def test_one_neuron(tmp_path):
    np.savez(tmp_path / "a.npz", responses=np.arange(16.0), orientation=TRIALS)
    recording = load(tmp_path / "a.npz")
    assert recording.read_as == "16 trials of 1 neuron"
    np.testing.assert_array_equal(recording.responses[:, 0], np.arange(8) + 4.0)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("trial,voxel,time", "there is no axis 'voxel'; the names are trial, stimulus, repeat, neuron, time"),
        ("trial,trial,neuron", "trial occurs 2 times"),
        ("trial,neuron", r"axes names 2 axes \(trial, neuron\), but responses have shape \(3, 8, 5\)"),
        ("repeat,time,neuron", "include no trials"),
        ("stimulus,repeat,neuron", r"orientation has shape \(8,\), but responses .* 3 stimuli x 8 repeats x 5 neurons"),
        ("trial,stimulus,neuron", "call the axis of a stimulus's trials repeat"),
    ],
)
def test_axes_that_cannot_be(tmp_path, axes, message):
    np.savez(tmp_path / "a.npz", responses=CUBE, orientation=DEGREES)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "a.npz", axes=axes)


def test_a_matrix_of_dissimilarities_is_not_taken_for_neurons(tmp_path):
    rdm = 1 - np.corrcoef(CUBE.mean(axis=0))
    for diagonal in (0, np.nan):
        np.fill_diagonal(rdm, diagonal)
        np.savez(tmp_path / "a.npz", responses=rdm, orientation=DEGREES)
        with pytest.raises(
            InputError, match="as dissimilarities between stimuli are; if that is what they are, pass names="
        ):
            load(tmp_path / "a.npz")
        known = load(tmp_path / "a.npz", names={"rdm": "responses"})
        assert known.responses is None
        assert known.read_as == "an RDM of 8 stimuli"
        np.testing.assert_allclose(known.rdm, np.where(np.eye(8), 0, rdm))
    np.fill_diagonal(rdm, 0)
    np.savez(tmp_path / "a.npz", responses=rdm, orientation=DEGREES)
    np.testing.assert_array_equal(load(tmp_path / "a.npz", names={"responses": "responses"}).responses, rdm)


def test_nor_in_the_format_of_the_reference_study(tmp_path):
    rdm = 1 - np.corrcoef(CUBE.mean(axis=0))
    np.fill_diagonal(rdm, 0)
    np.savez(tmp_path / "a.npz", resp=rdm, stimuli=2 * DEGREES)
    with pytest.raises(InputError, match=r"what they are, pass names={'rdm': 'resp', 'direction': 'stimuli'}"):
        load(tmp_path / "a.npz")
    assert load(tmp_path / "a.npz", names={"rdm": "resp", "direction": "stimuli"}).read_as == "an RDM of 8 stimuli"


SQUARE = np.random.default_rng(5).normal(size=(16, 16))  # trial x neuron


def by_labels(path, dims, array):
    with h5py.File(path, "w") as file:
        file["responses"], file["orientation"] = array, TRIALS
        for axis, dim in enumerate(dims):
            file["responses"].dims[axis].label = dim


def by_scales(path, dims, array):
    with h5py.File(path, "w") as file:
        file["responses"], file["orientation"] = array, TRIALS
        for axis, dim in enumerate(dims):
            file[dim] = np.arange(16)
            file[dim].make_scale(dim)
            file["responses"].dims[axis].attach_scale(file[dim])


def by_xarray(path, dims, array):
    xr.Dataset({"responses": (dims, array), "orientation": ("trial", TRIALS)}).to_netcdf(path, engine="h5netcdf")


@pytest.mark.parametrize("written", [by_labels, by_scales, by_xarray])
@pytest.mark.parametrize("dims", [("trial", "neuron"), ("neuron", "trial")])
def test_axes_of_hdf5_have_names_too(tmp_path, written, dims):
    written(tmp_path / "a.h5", dims, SQUARE if dims[0] == "trial" else SQUARE.T)
    recording = load(tmp_path / "a.h5")
    assert recording.read_as == f"16 {dims[0]}s x 16 {dims[1]}s"
    np.testing.assert_array_equal(recording.trials, SQUARE)
    assert not recording.cautions
    assert recording.responses["neuron"].values.tolist() == [str(k) for k in range(16)]


def test_one_named_axis_is_enough(tmp_path):
    by_labels(tmp_path / "a.h5", ("neuron", ""), SQUARE.T)
    np.testing.assert_array_equal(load(tmp_path / "a.h5").trials, SQUARE)


@pytest.mark.parametrize("suffix", [".h5", ".zarr"])
def test_axes_of_what_stays_on_disk_have_names(tmp_path, suffix):
    side = 4112  # 65 MiB
    array = np.broadcast_to(np.arange(side, dtype=np.float32)[:, None], (side, side))  # neuron x trial
    if suffix == ".h5":
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["responses"], file["orientation"] = array, np.tile(DEGREES, side // 8)
            file["responses"].dims[0].label, file["responses"].dims[1].label = "neuron", "trial"
    else:
        zarr = pytest.importorskip("zarr")
        store = zarr.open_group(tmp_path / "a.zarr", mode="w")
        store.create_array("responses", data=array, dimension_names=("neuron", "trial"))
        store.create_array("orientation", data=np.tile(DEGREES, side // 8))
    with contents(tmp_path / f"a{suffix}") as found:
        assert found.read_as == "4,112 neurons x 4,112 trials"
        np.testing.assert_array_equal(found.responses[0], np.arange(side))


VALUES = np.array([0.1, 0.5, 1.0])


def of_parameter(tmp_path, parameter, suffix=".nc", order=(0, 1, 2), values=VALUES):
    """Responses, neuron x direction x parameter, of which the last is 100 k for the k-th value."""
    array = np.arange(5.0)[:, None, None] + 10 * np.arange(8.0)[None, :, None] + 100 * np.arange(3.0)
    dims = [("neuron", "direction", parameter)[axis] for axis in order]
    arrays = {"responses": (dims, array.transpose(order))}
    dataset = xr.Dataset(arrays, {"direction": 2 * DEGREES} | ({} if values is None else {parameter: values}))
    if suffix == ".zarr":
        pytest.importorskip("zarr")
        dataset.to_zarr(tmp_path / "a.zarr", consolidated=False)
    else:
        dataset.to_netcdf(tmp_path / f"a{suffix}", engine="h5netcdf")
    return tmp_path / f"a{suffix}", array.transpose(1, 0, 2)


@pytest.mark.parametrize("suffix", [".nc", ".h5", ".zarr"])
@pytest.mark.parametrize("parameter", ["contrast", "phase", "temporal_frequency", "something"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_one_value_of_an_axis_that_is_a_parameter(tmp_path, suffix, parameter, order):
    path, array = of_parameter(tmp_path, parameter, suffix, order)
    with pytest.raises(
        InputError, match=rf"{parameter} \(0.1, 0.5, 1\) .*choose one of its values: where=.'{parameter}"
    ):
        load(path)
    for place, value in enumerate(VALUES):
        recording = load(path, where={parameter: str(value)})
        np.testing.assert_array_equal(recording.responses, array[..., place])
        assert recording.steps == (f"kept {parameter} {value:g} of 3 values",)
    with pytest.raises(InputError, match=rf"no row has {parameter} 2; its values are 0.1, 0.5, 1"):
        load(path, where={parameter: 2})
    with pytest.raises(InputError, match="choose one of its values, not several"):
        load(path, where={parameter: [0.5, 1]})


def test_an_axis_of_a_parameter_without_values(tmp_path):
    path, _ = of_parameter(tmp_path, "contrast", values=None)
    with pytest.raises(InputError, match="choose one of its values before you save the file"):
        load(path)
    with pytest.raises(InputError, match="the file gives no values of the axis contrast of the responses"):
        load(path, where={"contrast": 1})
    assert load(path, axes="neuron,stimulus,repeat").n_repeats == (3, 3)  # as one may say


def test_a_parameter_is_never_the_axis_of_neurons(tmp_path):
    xr.Dataset({"responses": (("direction", "contrast"), np.ones((8, 3)))}, {"direction": 2 * DEGREES}).to_netcdf(
        tmp_path / "a.nc"
    )
    with pytest.raises(InputError, match=r"contrast \(3 values\) seems to be a parameter"):
        load(tmp_path / "a.nc")


@pytest.mark.parametrize("axes", [None, "neuron,stimulus,repeat"])
def test_an_axis_of_one_value_needs_no_choice(tmp_path, axes):
    path, array = of_parameter(tmp_path, "contrast")
    xr.load_dataset(path).isel(contrast=[1]).to_netcdf(tmp_path / "b.nc")
    np.testing.assert_array_equal(load(tmp_path / "b.nc", axes=axes).responses, array[..., 1])


@pytest.mark.parametrize("n_repeats", [8, 3])  # as many as stimuli, or fewer
@pytest.mark.parametrize("order", list(permutations(CUBE_AXES)), ids="-".join)
@pytest.mark.parametrize("repeats_first", [True, False])
def test_labels_of_repeats_and_stimuli_stand_either_way_round(tmp_path, n_repeats, order, repeats_first):
    cube = RNG.normal(size=(n_repeats, N_STIMULI, N_NEURONS))
    shown = np.tile(DEGREES, (n_repeats, 1))
    path = tmp_path / "a.npz"
    np.savez(path, responses=transposed(cube, CUBE_AXES, order), orientation=shown if repeats_first else shown.T)
    np.testing.assert_allclose(load(path, axes=order).responses, cube.mean(axis=0), rtol=1e-12)
    if repeats_first == (order.index("repeat") < order.index("stimulus")) and n_repeats < N_STIMULI:
        np.testing.assert_allclose(load(path).responses, cube.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("order", [("repeat", "stimulus", "neuron"), ("stimulus", "neuron", "repeat")], ids="-".join)
def test_labels_that_change_along_both_axes_stand_as_the_responses_do(tmp_path, order):
    cube = RNG.normal(size=(N_STIMULI, N_STIMULI, N_NEURONS))
    shown = np.stack([RNG.permutation(DEGREES) for _ in range(N_STIMULI)])
    session = np.repeat(["a", "b"], 4)[:, None] + np.repeat(["1", "2"], 4)  # of repeats and of stimuli
    last = order.index("repeat") > order.index("stimulus")
    np.savez(
        tmp_path / "a.npz",
        responses=transposed(cube, CUBE_AXES, order),
        orientation=shown.T if last else shown,
        session=session.T if last else session,
    )
    recording = load(tmp_path / "a.npz", axes=order)
    expected = [cube[shown == degrees].mean(axis=0) for degrees in DEGREES]
    np.testing.assert_allclose(recording.responses, expected, rtol=1e-12)
    np.testing.assert_array_equal(recording.trials["session"], session.ravel())


def test_named_axes_tell_repeats_from_stimuli_in_labels(tmp_path):
    dims = {"stimulus": N_STIMULI, "trial": 3, "neuron": N_NEURONS}
    shown = np.tile(DEGREES, (3, 1)).T
    data = {"responses": (tuple(dims), CUBE.transpose(1, 0, 2)), "orientation": (("stimulus", "trial"), shown)}
    xr.Dataset(data).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    recording = load(tmp_path / "a.nc")
    np.testing.assert_allclose(recording.responses, CUBE.mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(recording.trials["repeat"], np.repeat(np.arange(3), N_STIMULI))


@pytest.mark.parametrize("label", ["session", "animal", "blank"])
def test_a_label_of_as_many_repeats_as_stimuli_is_asked_for_in_full(tmp_path, label):
    cube, path = RNG.normal(size=(4, 4, 6)), tmp_path / "a.npz"
    own = np.repeat(["a", "b"], 2) if label != "blank" else np.arange(4) == 3
    np.savez(path, responses=cube, orientation=DEGREES[::2], **{label: own})
    with pytest.raises(InputError, match=f"{label} has 4 values.*give it as an array of repeats x stimuli"):
        load(path, axes="repeat,stimulus,neuron")
    np.savez(path, responses=cube, orientation=DEGREES[::2], **{label: np.tile(own[:, None], 4)})
    recording = load(path, axes="repeat,stimulus,neuron")
    if label == "blank":
        np.testing.assert_array_equal(recording.blanks, cube[3])
    else:
        np.testing.assert_array_equal(recording.trials[label], np.repeat(own, 4))


def test_a_column_of_as_many_repeats_as_stimuli_is_left_out_and_said(tmp_path):
    np.savez(tmp_path / "a.npz", responses=RNG.normal(size=(4, 4, 6)), orientation=DEGREES[::2], contrast=np.arange(4))
    notes = load(tmp_path / "a.npz", axes="repeat,stimulus,neuron").notes
    assert notes == ("contrast is left out, because it may label the repeats or the stimuli",)


@pytest.mark.parametrize("label", ["session", "animal"])
def test_labels_of_as_many_neurons_as_trials_are_said_to_be_the_trials(tmp_path, label):
    own = np.repeat(["a", "b"], 8)
    np.savez(tmp_path / "a.npz", responses=RNG.normal(size=(16, 16)), orientation=TRIALS, **{label: own})
    recording = load(tmp_path / "a.npz")
    np.testing.assert_array_equal(recording.trials[label], own)
    assert "if it labels the neurons, pass " + argument(names={f"neuron_{label}": label}) in recording.notes[0]
    theirs = load(tmp_path / "a.npz", names={f"neuron_{label}": label})
    np.testing.assert_array_equal(theirs.responses[f"neuron_{label}"], own)
    assert label not in theirs.trials.coords


UNITS = [("s", 1), ("seconds", 1), ("s from onset", 1), ("ms", 1e3), ("milliseconds", 1e3), ("us", 1e6)]


@pytest.mark.parametrize("suffix", ["nc", "zarr", "h5"])
@pytest.mark.parametrize(("unit", "in_a_second"), UNITS, ids=[unit for unit, _ in UNITS])
def test_times_have_the_unit_that_the_file_says(tmp_path, suffix, unit, in_a_second):
    path = tmp_path / f"a.{suffix}"
    data = xr.Dataset({"responses": (MOVIE_AXES, MOVIE), "orientation": ("trial", TRIALS)})
    data = data.assign_coords(time=("time", TIMES * in_a_second, {"units": unit}))
    if suffix == "zarr":
        data.to_zarr(path, zarr_format=2)
    else:
        data.to_netcdf(path, engine="h5netcdf")
    recording = load(path, window=(0, 1))
    np.testing.assert_allclose(recording.trials, MOVIE[:, :, 1:3].mean(axis=2), rtol=1e-12)
    assert recording.cautions == ()
    assert recording.notes == (() if in_a_second == 1 else (f"times are in {unit} and were converted to seconds",))


def test_times_of_bare_arrays_have_a_unit_too(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["responses"], file["orientation"], file["time"] = MOVIE, TRIALS, TIMES * 1000
        file["time"].attrs["units"] = "ms"
    recording = load(tmp_path / "a.h5", axes=MOVIE_AXES, window=(0, 1))
    np.testing.assert_allclose(recording.trials, MOVIE[:, :, 1:3].mean(axis=2), rtol=1e-12)


def test_times_of_no_known_unit_are_refused(tmp_path):
    data = xr.Dataset({"responses": (MOVIE_AXES, MOVIE), "orientation": ("trial", TRIALS)})
    data.assign_coords(time=("time", np.arange(4), {"units": "frames"})).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"time has the unit 'frames'.*times=\(FIRST, LAST\)"):
        load(tmp_path / "a.nc", window=(0, 1))
    assert load(tmp_path / "a.nc", window=(0, 1), times=(-0.5, 1)).n_trials == 16


@pytest.mark.parametrize(("scale", "told"), [(1, False), (10, False), (1000, True)])
def test_times_that_are_long_for_seconds_are_questioned(tmp_path, scale, told):
    np.savez(tmp_path / "a.npz", responses=MOVIE, orientation=TRIALS, time=TIMES * scale)
    recording = load(tmp_path / "a.npz", axes=MOVIE_AXES, window=(0, scale))
    assert any("if they are milliseconds, pass times=(-0.5, 1" in said for said in recording.cautions) == told
