"""Recordings from and to xarray, pynapple and rsatoolbox."""

import sys

import numpy as np
import pandas as pd
import pynapple as nap
import pytest
import xarray as xr

from normenc.errors import InputError
from normenc.recordings import Recording, load, z_score
from normenc.recordings.conversion import (
    from_pynapple,
    from_xarray,
    rdms_to_rsatoolbox,
    to_rsatoolbox,
    to_xarray,
)
from normenc.rsa import rdm

RNG = np.random.default_rng(0)
TRIALS = RNG.normal(size=(12, 5))
DEGREES = np.tile([135.0, 0, 45, 90], 3)
AVERAGES = TRIALS.reshape(3, 4, 5).mean(axis=0)[[1, 2, 3, 0]]
FACTS = {"species": "mouse", "area": "V1", "units": "spikes/s", "licence": "CC0", "simulated": True}


def oriented():
    """Trials of gratings, every label there is."""
    return Recording.from_trials(
        "gratings",
        TRIALS.astype(np.float32),
        DEGREES,
        trials={"animal": np.repeat(["b", "a", "b"], 4), "repeat": np.repeat([0, 1, 2], 4)},
        neurons={"neuron": list("abcde"), "region": ["V1", "V1", "LM", "V1", "LM"], "quality": np.arange(5) / 4},
        **FACTS,
    )


def directed():
    return Recording.from_responses("drifting", TRIALS[:8], direction=np.arange(8) * 45.0, units="dF/F")


def in_colour():
    images = RNG.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    return Recording.from_trials("coloured", TRIALS, image=np.tile(["a", "b", "c", "d"], 3), images=images)


def of_images():
    images = RNG.random((4, 6, 5)).astype(np.float32)
    names = np.tile(["dog.png", "ape.png", "001", "é"], 3)
    return Recording.from_trials("pictures", TRIALS, image=names, images=images, citation='A, "B"\n2020')


def by_rdm():
    return Recording.from_rdm("by rdm", rdm(AVERAGES), [0, 45, 90, 135], species="ferret")


EVERY = [oriented, directed, of_images, in_colour, by_rdm]


def assert_same(found, wanted):
    for name in ("kind", "species", "area", "units", "source", "citation", "licence", "simulated", "steps"):
        assert getattr(found, name) == getattr(wanted, name), name
    np.testing.assert_array_equal(found.stimulus, wanted.stimulus)
    for name in ("rdm", "images"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    for name in ("responses", "trials"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert (one is None) == (other is None)
        if other is not None:
            xr.testing.assert_equal(one, other)
            assert one.dtype == other.dtype


@pytest.mark.parametrize("make", EVERY)
def test_a_dataset_is_the_recording_again_in_memory_and_as_netcdf(tmp_path, make):
    recording = make()
    dataset = to_xarray(recording)
    before = dataset.copy(deep=True)
    assert_same(from_xarray(dataset, "again"), recording)
    xr.testing.assert_identical(dataset, before)
    if recording.responses is not None:
        assert recording.responses.attrs == {"units": recording.units}
    dataset.to_netcdf(tmp_path / "again.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "again.nc") as opened:
        assert_same(from_xarray(opened, "again"), recording)
    np.testing.assert_array_equal(load(tmp_path / "again.nc").stimulus, recording.stimulus)


def test_a_dataset_has_trials_and_averages():
    dataset = to_xarray(oriented())
    assert dict(dataset.sizes) == {"trial": 12, "neuron": 5, "stimulus": 4}
    np.testing.assert_allclose(dataset["averages"].sel(stimulus=135), AVERAGES[3], atol=1e-6)
    np.testing.assert_allclose(dataset["responses"].groupby("orientation").mean(), AVERAGES, atol=1e-6)
    assert (dataset.attrs["units"], dataset.attrs["simulated"]) == ("spikes/s", 1)


def test_steps_survive_xarray():
    scored = z_score(oriented())
    again = from_xarray(to_xarray(scored), "again")
    assert again.steps == scored.steps == ("averaged over the trials of each stimulus", scored.steps[1])
    assert again.units == "z-score over stimuli"


def test_dimensions_are_told_apart_by_their_labels_whatever_their_names_and_order():
    square = RNG.normal(size=(4, 4))  # whose shape tells nothing
    array = xr.DataArray(square, dims=("trials", "channels"), coords={"orientation": ("trials", [0, 90, 45, 135])})
    for given in (array, array.T, array.T.to_dataset(name="anything"), array.rename(channels="cell").T):
        recording = from_xarray(given, "toy")
        np.testing.assert_array_equal(recording.stimulus, [0, 45, 90, 135])
        np.testing.assert_array_equal(recording.responses, square[[0, 2, 1, 3]])


def test_repeats_may_be_a_dimension_anywhere():
    cube = xr.DataArray(
        TRIALS.reshape(3, 4, 5), dims=("repeat", "orientation", "roi"), coords={"orientation": DEGREES[:4]}
    )
    for dims in (("repeat", "orientation", "roi"), ("roi", "repeat", "orientation"), ("orientation", "roi", "repeat")):
        recording = from_xarray(cube.transpose(*dims), "toy")
        np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)
        np.testing.assert_array_equal(recording.trials, TRIALS)
    by_repeat = cube.assign_coords(animal=("repeat", ["a", "b", "b"]))
    assert from_xarray(by_repeat, "toy").trials["animal"].to_numpy().tolist() == list("aaaabbbbbbbb")
    np.testing.assert_array_equal(recording.trials["repeat"], np.repeat([0, 1, 2], 4))
    with pytest.raises(
        InputError,
        match=r"toy: responses have shape \(4, 5, 3\) and .* 4 values; their axes are called orientation, x, y",
    ):
        from_xarray(cube.rename(roi="x", repeat="y").transpose("orientation", "x", "y"), "toy")


def test_labels_belong_to_what_they_lie_along():
    array = xr.DataArray(
        TRIALS,
        dims=("trial", "unit"),
        coords={"direction": ("trial", DEGREES), "unit": [9, 7, 5, 3, 1], "animal": ("unit", list("aabbb"))},
        attrs={"species": "ferret", "units": "dF/F"},
    ).assign_coords(session="monday")
    recording = from_xarray(array, "toy", species="mouse")
    assert recording.responses["neuron"].to_numpy().tolist() == ["9", "7", "5", "3", "1"]
    assert recording.responses["neuron_animal"].to_numpy().tolist() == list("aabbb")
    assert (recording.sessions, recording.species, recording.units) == (("monday",), "mouse", "dF/F")
    with pytest.raises(InputError, match="toy: region lies along trial; it must lie along unit"):
        from_xarray(array.assign_coords(region=("trial", ["V1"] * 12)), "toy")


def test_facts_are_those_of_the_responses():
    dataset = xr.Dataset(
        {
            "eye": ("trial", DEGREES, {"units": "cm", "area": "orbit"}),
            "responses": (("trial", "neuron"), TRIALS, {"units": "Hz"}),
        },
        coords={"orientation": ("trial", DEGREES)},
    )
    recording = from_xarray(dataset, "toy")
    assert (recording.units, recording.area) == ("Hz", "not stated")


def test_names_are_mapped_and_what_is_unclear_is_asked():
    dataset = xr.Dataset(
        {"dff": (("cell", "trial"), TRIALS.T), "noise": (("trial", "cell"), TRIALS), "theta": ("trial", DEGREES)},
        coords={"label": ("cell", list("vwxyz"))},
    )
    recording = from_xarray(dataset, "toy", names={"responses": "dff", "orientation": "theta", "neuron": "label"})
    np.testing.assert_array_equal(recording.trials, TRIALS)
    assert recording.responses["neuron"].to_numpy().tolist() == list("vwxyz")
    with pytest.raises(InputError, match="toy: it holds dff, noise; say which are the responses"):
        from_xarray(dataset, "toy", names={"orientation": "theta"})
    with pytest.raises(InputError, match="toy: there is no array 'phi'"):
        from_xarray(dataset, "toy", names={"responses": "dff", "orientation": "phi"})
    with pytest.raises(InputError, match="toy: data is a ndarray; give an xarray"):
        from_xarray(TRIALS, "toy")


def test_units_of_angles_are_believed():
    array = xr.DataArray(TRIALS[:8], dims=("direction", "neuron"), coords={"direction": np.arange(8) * np.pi / 4})
    with pytest.raises(InputError, match="looks like radians"):
        from_xarray(array, "toy")
    array["direction"].attrs["units"] = "rad"
    np.testing.assert_allclose(from_xarray(array, "toy").stimulus, np.arange(8) * 45, atol=1e-6)
    few = Recording.from_responses("toy", TRIALS, np.arange(12.0))  # 1 degree apart, like numbers of conditions
    assert_same(from_xarray(to_xarray(few), "toy"), few)


def test_missing_values_are_left_out_where_said():
    array = xr.DataArray(TRIALS.copy(), dims=("trial", "neuron"), coords={"orientation": ("trial", DEGREES)})
    array[2, 3] = np.nan
    with pytest.raises(InputError, match="toy: 1 of 60 responses are missing"):
        from_xarray(array, "toy")
    np.testing.assert_allclose(
        from_xarray(array, "toy", missing="neurons").responses, AVERAGES[:, [0, 1, 2, 4]], rtol=1e-12
    )


def test_images_of_gratings_are_refused_rather_than_lost():
    with pytest.raises(InputError, match="images need stimuli given as image, not as orientation"):
        Recording.from_responses("toy", TRIALS[:4], [0, 45, 90, 135], images=RNG.random((4, 3, 3)))


STEPS = np.arange(0, 80, 0.1)  # seconds: ten at each of eight directions


def drifting(values):
    return nap.Tsd(t=STEPS, d=np.asarray(values)[(STEPS // 10).astype(int)])


def curves_by_hand(values, **options):
    """Unit 3 gives 1 spike/s throughout; unit 7 gives 2 at the third direction (20 to 30 s) and none elsewhere."""
    spikes = {3: np.arange(0.5, 80), 7: np.arange(20.25, 30, 0.5)}
    group = nap.TsGroup({unit: nap.Ts(times) for unit, times in spikes.items()})
    return nap.compute_tuning_curves(group, drifting(values), feature_names=["direction"], **options)


RATES = np.array([[1.0, 0]] * 2 + [[1, 2]] + [[1, 0]] * 5)


def test_tuning_curves_of_pynapple_are_the_rates_worked_out_by_hand():
    directions = np.arange(8) * 45.0
    curves = curves_by_hand(directions, bins=8, range=(-22.5, 337.5))
    recording = from_pynapple(curves, "toy", kind="direction", units="spikes/s", species="mouse")
    np.testing.assert_array_equal(recording.stimulus, directions)
    np.testing.assert_allclose(recording.responses, RATES, rtol=1e-9)
    assert recording.responses["neuron"].to_numpy().tolist() == ["3", "7"]
    assert (recording.kind, recording.units, recording.species, recording.trials) == (
        "direction",
        "spikes/s",
        "mouse",
        None,
    )
    table = curves_by_hand(directions, bins=8, range=(-22.5, 337.5), return_pandas=True)
    for other in (table, curves.T, curves.to_pandas().T):  # the second as older versions gave it
        xr.testing.assert_equal(from_pynapple(other, "toy", kind="direction").responses, recording.responses)


@pytest.mark.parametrize("bins", [8, np.linspace(0, 2 * np.pi, 9) - 0.39])
def test_tuning_to_radians_is_noticed_and_converted(bins):
    curves = curves_by_hand(np.arange(8) * np.pi / 4, bins=bins)
    for given in (curves, curves.to_pandas().T):
        with pytest.raises(InputError, match=r"toy: the bins of direction span .* pass angles='radians'"):
            from_pynapple(given, "toy", kind="direction")
    recording = from_pynapple(curves, "toy", kind="direction", angles="radians")
    np.testing.assert_allclose(recording.stimulus, np.degrees(curves["direction"]), atol=1e-6)
    np.testing.assert_allclose(recording.responses, RATES, rtol=1e-9)
    few = from_pynapple(curves, "toy", kind="direction", angles="degrees")
    np.testing.assert_allclose(few.stimulus, curves["direction"], atol=1e-6)


def test_bins_that_were_never_visited_are_named():
    curves = curves_by_hand(np.arange(8) * 22.5, bins=16, range=(0, 320))
    with pytest.raises(
        InputError, match=r"toy: 8 of 16 bins of direction have no response .* first at 170.0: the feat"
    ):
        from_pynapple(curves, "toy", kind="direction")
    recording = from_pynapple(curves.dropna("direction"), "toy", kind="direction")
    np.testing.assert_allclose(recording.stimulus, np.arange(8) * 20 + 10)


def test_responses_per_epoch_are_gratings_or_images():
    group = nap.TsGroup({0: nap.Ts(np.arange(0.5, 10)), 1: nap.Ts([0.5, 25.5])})
    epochs = [nap.IntervalSet(start, start + 10) for start in (0, 10, 20)]
    rates = nap.compute_response_per_epoch(group, dict(zip(["90", "0", "45"], epochs, strict=True)))
    recording = from_pynapple(rates, "toy")
    np.testing.assert_array_equal(recording.stimulus, [0, 45, 90])
    np.testing.assert_allclose(recording.responses, [[0, 0], [0, 0.1], [1, 0.1]])
    rates = nap.compute_response_per_epoch(group, dict(zip(["cat", "ape", "dog"], epochs, strict=True)))
    assert from_pynapple(rates, "toy", kind="image").stimulus.tolist() == ["ape", "cat", "dog"]
    with pytest.raises(
        InputError, match="toy: the bins are called 'cat' and so on; as orientation they must be numbers"
    ):
        from_pynapple(rates, "toy")


def test_other_curves_are_refused():
    grid = xr.DataArray(np.ones((2, 3, 4)), dims=("unit", "x", "y"))
    with pytest.raises(InputError, match="toy: the tuning curves have the dimensions unit, x, y"):
        from_pynapple(grid, "toy")
    with pytest.raises(InputError, match="toy: kind is 'speed'"):
        from_pynapple(grid[:, 0], "toy", kind="speed")
    with pytest.raises(InputError, match="toy: the tuning curves are a dict"):
        from_pynapple({0: np.ones(3)}, "toy")
    circle = pd.DataFrame(RNG.random((8, 2)), index=np.arange(8) * 45.0)
    with pytest.raises(InputError, match="toy: orientation runs from 0 to 315, over more than 180"):
        from_pynapple(circle, "toy")


def test_simulated_spikes_keep_their_preferred_orientations():
    """Cells whose rate is 20 exp(2 (cos 2(theta - preferred) - 1)) spikes/s, for 200 s of gratings turning evenly."""
    rng = np.random.default_rng(1)
    time = np.arange(0, 200, 0.01)
    orientation = (time * 17) % 180 - 90
    preferred = np.array([-60.0, 0, 75])
    rates = 20 * np.exp(2 * (np.cos(2 * np.radians(orientation[:, None] - preferred)) - 1))
    spikes = {cell: nap.Ts(time[rng.random(len(time)) < rates[:, cell] * 0.01]) for cell in range(3)}
    curves = nap.compute_tuning_curves(
        nap.TsGroup(spikes), nap.Tsd(t=time, d=orientation), bins=12, range=(-90, 90), epochs=nap.IntervalSet(0, 200)
    )
    recording = from_pynapple(curves, "toy")
    np.testing.assert_array_equal(recording.stimulus, np.arange(12) * 15 - 82.5)
    vector = np.exp(2j * np.radians(recording.stimulus)) @ recording.responses.to_numpy()
    error = (np.degrees(np.angle(vector)) / 2 - preferred + 90) % 180 - 90
    assert np.abs(error).max() < 5  # about three standard errors of some 900 spikes each


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # rsatoolbox fills whole numbers with NaN first
def test_rsatoolbox_computes_the_same_rdm_from_trials_and_from_averages():
    from rsatoolbox.rdm import calc_rdm

    recording = oriented()
    dataset = to_rsatoolbox(recording)
    assert dataset.measurements.shape == (12, 5)
    assert list(dataset.obs_descriptors) == ["stimulus", "animal", "repeat"]
    assert list(dataset.channel_descriptors) == ["neuron", "region", "quality"]
    assert dataset.descriptors["kind"] == "orientation"
    assert dataset.descriptors["simulated"] is True
    np.testing.assert_array_equal(dataset.obs_descriptors["stimulus"], DEGREES)
    computed = calc_rdm(dataset, method="correlation", descriptor="stimulus")
    assert list(computed.pattern_descriptors["stimulus"]) == [0, 45, 90, 135]
    np.testing.assert_allclose(computed.get_matrices()[0], rdm(AVERAGES.astype(np.float32)), atol=1e-6)
    averages = to_rsatoolbox(directed())
    computed = calc_rdm(averages, method="correlation")
    np.testing.assert_allclose(computed.get_matrices()[0], rdm(directed().responses), atol=1e-12)
    with pytest.raises(InputError, match="by rdm is known only by its RDM; give that to rdms_to_rsatoolbox"):
        to_rsatoolbox(by_rdm())


def test_what_rsatoolbox_does_leaves_the_recording_alone():
    recording = directed()
    to_rsatoolbox(recording).measurements[:] = 0
    np.testing.assert_array_equal(recording.responses, TRIALS[:8])


def test_rdms_for_rsatoolbox_keep_their_values_labels_and_names():
    matrices = np.stack([rdm(TRIALS[:4]), rdm(TRIALS[4:8])])
    made = rdms_to_rsatoolbox(matrices, ["a", "b", "c", "d"], names=["V1", "LM"])
    np.testing.assert_array_equal(made.get_matrices(), matrices)
    assert made.pattern_descriptors["stimulus"] == ["a", "b", "c", "d"]
    assert made.rdm_descriptors["name"] == ["V1", "LM"]
    assert made.dissimilarity_measure == "correlation"
    np.testing.assert_array_equal(rdms_to_rsatoolbox(matrices[0], range(4)).get_matrices(), matrices[:1])


@pytest.mark.parametrize(
    ("matrices", "labels", "options", "message"),
    [
        (np.zeros((3, 4)), range(3), {}, r"shape \(3, 4\); it must be \(n_stimuli, n_stimuli\)"),
        (np.triu(np.ones((3, 3)), 1), range(3), {}, r"not symmetric, for example at \(0, 1\)"),
        (np.full((1, 3, 3), np.nan), range(3), {}, r"nan at \(0, 0, 0\); dissimilarities must be finite"),
        (np.zeros((3, 3)), range(4), {}, r"stimulus has shape \(4,\), but there are 3 stimuli"),
        (np.zeros((2, 3, 3)), range(3), {"names": "V1"}, "there are 1 names, but 2 RDMs"),
    ],
)
def test_bad_rdms_are_refused(matrices, labels, options, message):
    with pytest.raises(InputError, match=message):
        rdms_to_rsatoolbox(matrices, labels, **options)


def test_without_rsatoolbox_it_is_asked_for(monkeypatch):
    for part in ("rsatoolbox.data", "rsatoolbox.rdm"):
        monkeypatch.setitem(sys.modules, part, None)
    with pytest.raises(InputError, match="needs the package rsatoolbox"):
        to_rsatoolbox(directed())
    with pytest.raises(InputError, match="needs the package rsatoolbox"):
        rdms_to_rsatoolbox(np.zeros((3, 3)), range(3))
