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
    with pytest.raises(InputError, match=r"nothing says which axis is which.*--axes \w+,\w+,\w+ would read"):
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
    with pytest.raises(InputError, match=r"axis of 4 samples.*say over which seconds to average: --window"):
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
    with pytest.raises(InputError, match="so that --window and --baseline cannot choose among them"):
        load(tmp_path / "a.npz", window="all", baseline="-0.5,0")
    less = load(tmp_path / "a.npz", window="all", baseline="-0.5,0", times=(-0.5, 1))
    np.testing.assert_allclose(less.trials, MOVIE.mean(axis=2) - MOVIE[:, :, 0], rtol=1e-12)
    with pytest.raises(InputError, match="baseline is 'all'; it must be two times"):
        load(tmp_path / "a.npz", window="0,1", baseline="all", times=(-0.5, 1))
    with pytest.raises(InputError, match="or --window all, for the mean of all samples"):
        load(tmp_path / "a.npz")


def test_arrays_that_may_be_the_times_are_named(tmp_path):
    given = {"responses": MOVIE, "orientation": TRIALS, "axes": "trial,neuron,time", "falling": -TIMES}
    np.savez(tmp_path / "a.npz", t=TIMES, **given)
    with pytest.raises(InputError, match="the times of the samples, if they are t: --map time=t"):
        load(tmp_path / "a.npz", window="0,1")
    with pytest.raises(InputError, match="the times of the samples, if they are t: --map time=t"):
        load(tmp_path / "a.npz")
    np.testing.assert_allclose(
        load(tmp_path / "a.npz", window="0,1", names={"time": "t"}).trials, MOVIE[:, :, 1:3].mean(axis=2), rtol=1e-12
    )
    np.savez(tmp_path / "a.npz", t=TIMES, frames=np.arange(4), **given)
    with pytest.raises(InputError, match=r"holds the times of the samples \(t, frames\): --map time=t"):
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
    assert "If a row is a neuron, say so: --axes neuron,stimulus" in recording.cautions[0]
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
        ("trial,voxel,time", "there is no axis 'voxel'; name each axis trial, stimulus, repeat, neuron, time"),
        ("trial,trial,neuron", "trial stands 2 times"),
        ("trial,neuron", r"trial, neuron are 2, but responses have shape \(3, 8, 5\)"),
        ("repeat,time,neuron", "lack the trials"),
        ("stimulus,repeat,neuron", r"orientation has shape \(8,\), but responses .* 3 stimuli x 8 repeats x 5 neurons"),
        ("trial,stimulus,neuron", "of a stimulus's trials the axis is called repeat"),
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
        with pytest.raises(InputError, match="as dissimilarities between stimuli are; if that is what they are: --map"):
            load(tmp_path / "a.npz")
        known = load(tmp_path / "a.npz", names={"rdm": "responses"})
        assert known.responses is None
        assert known.read_as == "an RDM of 8 stimuli"
        np.testing.assert_allclose(known.rdm, np.where(np.eye(8), 0, rdm))
    np.fill_diagonal(rdm, 0)
    np.savez(tmp_path / "a.npz", responses=rdm, orientation=DEGREES)
    np.testing.assert_array_equal(load(tmp_path / "a.npz", names={"responses": "responses"}).responses, rdm)
