"""Real files of every format, read back to the same recording."""

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import xarray as xr
from PIL import Image
from scipy.spatial.distance import squareform

from normenc.errors import InputError
from normenc.recordings import load
from normenc.recordings.formats import opened

RNG = np.random.default_rng(0)
TRIALS = RNG.normal(size=(12, 5))
DEGREES = np.tile([0.0, 45, 90, 135], 3)
AVERAGES = TRIALS.reshape(3, 4, 5).mean(axis=0)
ANIMAL = np.repeat(["a", "b", "b"], 4)
REGION = np.array(["V1", "V1", "LM", "V1", "LM"])


def save_npz(folder):
    np.savez(folder / "r.npz", responses=TRIALS, orientation=DEGREES, animal=ANIMAL, region=REGION, area="V1")
    return folder / "r.npz"


def save_npy(folder):
    np.save(folder / "r.npy", TRIALS)
    pd.DataFrame({"orientation": DEGREES, "animal": ANIMAL}).to_csv(folder / "r.csv", index=False)
    pd.DataFrame({"region": REGION}).to_csv(folder / "r.neurons.csv", index=False)
    return folder / "r.npy"


def save_mat(folder):
    arrays = {"responses": TRIALS, "orientation": DEGREES, "animal": ANIMAL.astype(object)}
    scipy.io.savemat(folder / "r.mat", arrays | {"region": REGION.astype(object), "area": "V1"})
    return folder / "r.mat"


def save_mat73(folder):
    """As MATLAB writes it: dimensions reversed, text as numbers, cells as references."""
    with h5py.File(folder / "r.mat", "w", userblock_size=512) as file:
        for name, array in (("responses", TRIALS), ("orientation", DEGREES[:, None])):
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_("double")
        area = file.create_dataset("area", data=np.frombuffer("V1".encode("utf-16-le"), np.uint16)[:, None])
        area.attrs["MATLAB_class"] = np.bytes_("char")
        for name, texts in (("animal", ANIMAL), ("region", REGION)):
            cells = []
            for index, text in enumerate(texts):
                codes = np.frombuffer(text.encode("utf-16-le"), np.uint16)[:, None]
                cell = file.create_dataset(f"#refs#/{name}{index}", data=codes)
                cell.attrs["MATLAB_class"] = np.bytes_("char")
                cells.append(cell.ref)
            file.create_dataset(name, data=np.array([cells], dtype=h5py.ref_dtype)).attrs["MATLAB_class"] = np.bytes_(
                "cell"
            )
    with (folder / "r.mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return folder / "r.mat"


def save_netcdf(folder, engine="h5netcdf"):
    coords = {"orientation": ("trial", DEGREES), "animal": ("trial", ANIMAL), "region": ("neuron", REGION)}
    array = xr.DataArray(TRIALS.T, dims=("neuron", "trial"), coords=coords, name="responses", attrs={"area": "V1"})
    array.to_netcdf(folder / "r.nc", engine=engine)
    return folder / "r.nc"


def save_netcdf3(folder):
    return save_netcdf(folder, "scipy")


def save_hdf5(folder):
    with h5py.File(folder / "r.h5", "w") as file:
        file["responses"], file["orientation"] = TRIALS, DEGREES
        file["animal"], file["region"] = ANIMAL.astype(object), REGION.astype(object)
        file.attrs["area"] = "V1"
    return folder / "r.h5"


def save_zarr(folder, **options):
    import zarr

    group = zarr.open_group(str(folder / "r.zarr"), mode="w", **options)
    group.create_array("responses", data=TRIALS, chunks=(4, 2))
    group.create_array("orientation", data=DEGREES)
    for name, texts in (("animal", ANIMAL), ("region", REGION)):
        group.create_array(name, data=texts)
    group.attrs["area"] = "V1"
    return folder / "r.zarr"


def save_zarr2(folder):
    return save_zarr(folder, zarr_format=2)


def long_form():
    trial, neuron = (grid.ravel() for grid in np.meshgrid(np.arange(12), np.arange(5), indexing="ij"))
    table = pd.DataFrame({"trial": trial, "neuron": neuron, "response": TRIALS.ravel()})
    table = table.assign(orientation=DEGREES[trial], animal=ANIMAL[trial], region=REGION[neuron], area="V1")
    return table.sample(frac=1, random_state=0)


def save_csv(folder):
    long_form().to_csv(folder / "r.csv", index=False)
    return folder / "r.csv"


def save_parquet(folder):
    long_form().to_parquet(folder / "r.parquet")
    return folder / "r.parquet"


FORMATS = [
    save_npz,
    save_npy,
    save_mat,
    save_mat73,
    save_netcdf,
    save_netcdf3,
    save_hdf5,
    save_zarr,
    save_zarr2,
    save_csv,
    save_parquet,
]


@pytest.mark.filterwarnings("ignore:The data type .* does not have a Zarr V3 specification")
@pytest.mark.parametrize("save", FORMATS)
def test_every_format_gives_the_same_recording(tmp_path, save):
    recording = load(save(tmp_path))
    np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)
    np.testing.assert_array_equal(recording.trials, TRIALS)
    np.testing.assert_array_equal(recording.orientation, [0, 45, 90, 135])
    assert (recording.n_repeats, recording.animals, recording.name) == ((3, 3), ("a", "b"), "r")
    assert load(save(tmp_path), region="LM").n_neurons == 2
    if save is not save_npy:  # whose tables have no place for it
        assert recording.area == "V1"


@pytest.mark.parametrize("save", [save_npz, save_csv, save_hdf5])
def test_names_that_differ_are_mapped(tmp_path, save):
    path = save(tmp_path)
    if save is save_csv:
        table = pd.read_csv(path).rename(columns={"response": "dff", "orientation": "theta"})
        table.to_csv(path, index=False)
    elif save is save_npz:
        np.savez(path, dff=TRIALS, theta=DEGREES)
    else:
        with h5py.File(path, "a") as file:
            file.move("responses", "data/dff")
            file.move("orientation", "theta")
    own = "data/dff" if save is save_hdf5 else "dff"
    with pytest.raises(InputError, match=r"names=.'resp"):
        load(path)
    recording = load(path, names={"responses": own, "orientation": "theta"})
    np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)
    with pytest.raises(InputError, match=r"no (array|column) 'phi'"):
        load(path, names={"responses": own, "orientation": "phi"})


def test_fields_of_matlab_structures_are_mapped(tmp_path):
    scipy.io.savemat(tmp_path / "s.mat", {"data": {"F": TRIALS, "theta": DEGREES}})
    recording = load(tmp_path / "s.mat", names={"responses": "data.F", "orientation": "data.theta"})
    np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)


def test_repeats_as_a_dimension(tmp_path):
    np.savez(tmp_path / "r.npz", responses=TRIALS.reshape(3, 4, 5), orientation=DEGREES[:4])
    recording = load(tmp_path / "r.npz", axes="repeat,stimulus,neuron")
    assert recording.read_as == "3 repeats x 4 stimuli x 5 neurons"
    np.testing.assert_allclose(recording.responses, AVERAGES, rtol=1e-12)
    np.testing.assert_array_equal(recording.trials["repeat"], np.repeat([0, 1, 2], 4))


def test_tables_beside_an_array_may_label_any_of_its_axes(tmp_path):
    np.save(tmp_path / "r.npy", TRIALS.T)
    trials = {"orientation": DEGREES, "contrast": np.arange(12) % 2, "quality": "of a trial", "species": "mouse"}
    pd.DataFrame(trials).to_csv(tmp_path / "r.csv", sep=";", index=False)
    neurons = {
        "roi": np.arange(5) + 10,
        "session": "d1",
        "contrast": 0.5,
        "depth": 3.0,
        "region": ["a", None] * 2 + ["b"],
    }
    pd.DataFrame(neurons).to_csv(tmp_path / "r.neurons.csv", index=False)
    recording = load(tmp_path / "r.npy")
    np.testing.assert_array_equal(recording.trials, TRIALS)
    assert recording.read_as == "5 neurons x 12 trials"
    assert recording.species == "mouse"
    assert recording.responses["neuron"].to_numpy().tolist() == list(map(str, range(10, 15)))
    assert recording.responses["region"].to_numpy().tolist() == ["a", "", "a", "", "b"]
    with opened(tmp_path / "r.npy") as arrays:
        assert arrays["trials.quality"].tolist() == ["of a trial"] * 12
        assert arrays["neurons.contrast"].tolist() == [0.5] * 5
        np.testing.assert_array_equal(arrays["contrast"], trials["contrast"])
        assert arrays["neuron_session"].tolist() == ["d1"] * 5


RDM = 1 - np.corrcoef(RNG.normal(size=(12, 40)))


@pytest.mark.parametrize(
    "array", [RDM, RDM + np.diag([np.nan] * 12), squareform(RDM, checks=False), np.stack([RDM] * 3)]
)
def test_dissimilarities_as_an_array_need_no_labels(tmp_path, array):
    np.save(tmp_path / "r.npy", array)
    for names in (None, {"rdm": "responses"}):
        recording = load(tmp_path / "r.npy", names=names)
        np.testing.assert_allclose(recording.rdm, RDM, atol=1e-12)
        assert recording.animals == (("1", "2", "3") if array.ndim == 3 else ())
    # With labels it is asked what they are, as a square of responses would look the same.
    pd.DataFrame({"orientation": np.arange(0, 180, 15.0)}).to_csv(tmp_path / "r.csv", index=False)
    recording = load(tmp_path / "r.npy", names={"rdm": "responses"})
    np.testing.assert_array_equal(recording.orientation, np.arange(0, 180, 15.0))
    np.testing.assert_allclose(recording.rdm, RDM, atol=1e-12)


@pytest.mark.parametrize(
    "array", [TRIALS, RNG.normal(size=(12, 12)), np.corrcoef(TRIALS), np.zeros((4, 4)), np.arange(7.0)]
)
def test_other_arrays_need_labels(tmp_path, array):
    np.save(tmp_path / "r.npy", array)
    with pytest.raises(InputError, match=r"the stimuli are missing: put a table r\.csv"):
        load(tmp_path / "r.npy")


@pytest.mark.filterwarnings("ignore")  # of what Zarr does not specify yet, and of xarray about Zarr
@pytest.mark.parametrize("version", [2, 3])
def test_axes_of_a_zarr_store_are_known_by_their_names(tmp_path, version):
    square = RNG.normal(size=(6, 6, 4))
    dataset = xr.Dataset(
        {"responses": (("unit", "time", "trial"), square), "orientation": ("trial", [0.0, 45, 90, 135])},
        {"time": np.arange(6) / 10},
    )
    dataset.to_zarr(tmp_path / "r.zarr", zarr_format=version, consolidated=False)
    recording = load(tmp_path / "r.zarr", window=(0.2, 0.5))
    assert recording.read_as.startswith("6 neurons x 6 samples x 4 stimuli, averaged over 3 of 6 samples in [0.2, 0.5)")
    np.testing.assert_allclose(recording.responses, square[:, 2:5].mean(axis=1).T, rtol=1e-12)


def test_an_assembly_of_brainscore_is_read_by_its_own_names(shared_data):
    path = shared_data / "real/bs_testme.nc"
    own = xr.open_dataset(path)
    names = {"responses": "data", "image": "stimulus_id", "repeat": "repetition", "neuron": "neuroid_id"}
    recording = load(path, names=names)
    assert recording.read_as == "6 trials x 3 neurons"
    expected = own["data"].groupby("stimulus_id").mean()
    np.testing.assert_allclose(recording.responses, expected, rtol=1e-12)
    assert recording.stimulus.tolist() == expected["stimulus_id"].to_numpy().tolist()
    assert recording.responses["neuron"].to_numpy().tolist() == own["neuroid_id"].to_numpy().tolist()
    own.close()


def test_rdms_of_subjects_are_read_from_an_archive(shared_data):
    path = shared_data / "real/n2b_evc.npz"
    with np.load(path) as archive:
        own = archive["arr_0"]
    recording = load(path, names={"rdm": "arr_0"})
    assert recording.read_as == "RDMs of 15 subjects x 78 stimuli"
    np.testing.assert_allclose(recording.rdm, own.mean(axis=0), atol=1e-12)


def test_directions_are_told_from_orientations_and_folded_on_demand(tmp_path):
    directions = np.arange(0, 360, 45.0)
    responses = RNG.normal(size=(8, 3))
    np.savez(tmp_path / "d.npz", responses=responses, direction=directions)
    recording = load(tmp_path / "d.npz")
    assert (recording.kind, recording.period, recording.n_stimuli) == ("direction", 360, 8)
    np.testing.assert_array_equal(recording.orientation, [0, 45, -90, -45, 0, 45, -90, -45])
    folded = load(tmp_path / "d.npz", fold_directions=True)
    np.testing.assert_array_equal(folded.orientation, [-90, -45, 0, 45])
    np.testing.assert_allclose(folded.responses, (responses[:4] + responses[4:])[[2, 3, 0, 1]] / 2, rtol=1e-12)
    assert folded.steps[0] == "folded directions onto orientations"
    np.savez(tmp_path / "o.npz", responses=responses, orientation=directions)
    with pytest.raises(InputError, match="over more than 180 degrees; if they are directions of drift"):
        load(tmp_path / "o.npz")


def test_steps_are_done_in_their_order_whatever_the_call(tmp_path):
    directions = np.tile(np.arange(0, 360, 10.0), 2)
    responses = RNG.normal(size=(72, 4))
    regions = ["V1", "V1", "LM", "V1"]
    np.savez(tmp_path / "d.npz", responses=responses, direction=directions, region=regions)
    recording = load(tmp_path / "d.npz", z_score=True, bin_width=30, fold_directions=True, region="V1")
    assert recording.steps == (
        "kept 3 of 4 neurons (region V1)",
        "averaged over the trials of each stimulus",
        "folded directions onto orientations",
        "averaged within bins of 30 degrees",
        "z-scored each neuron over stimuli",
    )
    # By hand: 72 trials fall into 6 bins of 12, from -105 on; each bin's mean is z-scored over the 6.
    orientation = (directions + 90) % 180 - 90
    own = responses[:, [0, 1, 3]]
    means = np.stack([own[np.floor(np.mod(orientation + 105, 180) / 30) == k].mean(axis=0) for k in range(6)])
    np.testing.assert_allclose(recording.responses, (means - means.mean(axis=0)) / means.std(axis=0), rtol=1e-10)
    assert recording.units == "z-score over stimuli"
    again = recording.trials.groupby("stimulus_index").mean()
    np.testing.assert_allclose(again, recording.responses, atol=1e-12)


def images_and_trials(tmp_path, suffix=".png"):
    images = RNG.integers(0, 256, size=(3, 8, 10), dtype=np.uint8)
    folder = tmp_path / "images"
    folder.mkdir()
    for name, image in zip(("cat", "bird", "dog"), images, strict=True):
        Image.fromarray(image).save(folder / f"{name}{suffix}")
    return folder, {"bird": images[1], "cat": images[0], "dog": images[2]}


@pytest.mark.parametrize("labels", [["dog", "cat", "bird", "dog"], ["dog.png", "cat.png", "bird.png", "dog.png"]])
def test_images_of_a_folder_are_matched_by_name(tmp_path, labels):
    folder, images = images_and_trials(tmp_path)
    responses = RNG.normal(size=(4, 3))
    np.savez(tmp_path / "i.npz", responses=responses, image=labels)
    recording = load(tmp_path / "i.npz", images=folder)
    assert recording.stimulus.tolist() == ["bird.png", "cat.png", "dog.png"]
    np.testing.assert_array_equal(recording.images, list(images.values()))
    np.testing.assert_allclose(recording.responses[2], (responses[0] + responses[3]) / 2)
    assert (recording.kind, recording.period, recording.orientation) == ("image", None, None)
    np.savez(tmp_path / "i.npz", responses=responses, image=["dog", "cat", "owl", "dog"])
    with pytest.raises(InputError, match="1 of 3 images named in trials do not exist, the first is 'owl'"):
        load(tmp_path / "i.npz", images=folder)


def test_images_are_matched_by_number(tmp_path):
    images = RNG.random((3, 8, 10))
    responses = RNG.normal(size=(4, 3))
    np.savez(tmp_path / "i.npz", responses=responses, image=[2, 0, 1, 2], images=images)
    recording = load(tmp_path / "i.npz")
    np.testing.assert_allclose(recording.images, images, atol=1e-6)
    np.testing.assert_allclose(recording.responses[2], (responses[0] + responses[3]) / 2)
    np.savez(tmp_path / "i.npz", responses=responses, image=[3, 1, 2, 3], images=images)  # numbered from 1
    np.testing.assert_allclose(load(tmp_path / "i.npz").responses, recording.responses)
    scipy.io.savemat(tmp_path / "i.mat", {"responses": responses[:3], "image": [2, 1, 2], "images": images})
    np.testing.assert_allclose(load(tmp_path / "i.mat").images, images[:2], atol=1e-6)
    np.savez(tmp_path / "i.npz", responses=responses, image=[3, 0, 2, 3], images=images)
    with pytest.raises(InputError, match="numbered from 0 to 3, but there are 3"):
        load(tmp_path / "i.npz")


def test_radians_are_converted_where_said(tmp_path):
    np.savez(tmp_path / "r.npz", responses=TRIALS[:8], direction=np.arange(8) * np.pi / 4)
    with pytest.raises(InputError, match="looks like radians"):
        load(tmp_path / "r.npz")
    np.testing.assert_allclose(load(tmp_path / "r.npz", angles="radians").stimulus, np.arange(8) * 45, atol=1e-6)
    drawn = np.random.default_rng(0).uniform(0, 2 * np.pi, 100)
    np.savez(tmp_path / "r.npz", responses=RNG.normal(size=(100, 3)), direction=drawn)
    with pytest.raises(InputError, match="looks like radians"):
        load(tmp_path / "r.npz")


@pytest.mark.parametrize(
    "degrees", [np.arange(-3, 3.1, 0.1), [0, 22.5, 45, 67.5], [-2, -1, 0, 1, 2], [0, 3], np.arange(180), [1, 2, 4, 6]]
)
def test_degrees_are_not_taken_for_radians_or_labels(tmp_path, degrees):
    np.savez(tmp_path / "r.npz", responses=RNG.normal(size=(len(degrees), 3)), orientation=degrees)
    np.testing.assert_allclose(load(tmp_path / "r.npz").orientation, degrees, atol=1e-6)


def test_missing_values_are_left_out_where_said(tmp_path):
    holes = TRIALS.copy()
    holes[2, 3] = np.nan
    np.savez(tmp_path / "r.npz", responses=holes, orientation=DEGREES, region=REGION)
    with pytest.raises(
        InputError, match=r"1 of 60 responses are missing .* neuron 3 in trial 2; leave out the 1 neurons"
    ):
        load(tmp_path / "r.npz")
    by_neuron = load(tmp_path / "r.npz", missing="neurons")
    np.testing.assert_allclose(by_neuron.responses, AVERAGES[:, [0, 1, 2, 4]], rtol=1e-12)
    assert by_neuron.responses["region"].to_numpy().tolist() == ["V1", "V1", "LM", "LM"]
    by_trial = load(tmp_path / "r.npz", missing="trials")
    assert by_trial.n_repeats == (2, 3)
    np.testing.assert_allclose(by_trial.responses[2], TRIALS[[6, 10]].mean(axis=0), rtol=1e-12)


def test_labels_of_a_square_netcdf_lie_where_their_dimensions_say(tmp_path):
    square = RNG.normal(size=(6, 6))
    dataset = xr.Dataset(
        {"dff": (("rois", "trials"), square)},
        {
            "theta": ("trials", np.arange(6) * 30.0),
            "animal": ("rois", list("aabbbb")),
            "session": ("trials", ["1"] * 6),
        },
        {"area": "V1"},
    )
    dataset["dff"].attrs["units"] = "dF/F"
    dataset["eye"] = ("trials", np.arange(6.0), {"units": "cm"})
    dataset.to_netcdf(tmp_path / "s.nc")
    recording = load(tmp_path / "s.nc", names={"responses": "dff", "orientation": "theta"})
    np.testing.assert_array_equal(recording.responses, square.T)
    assert recording.responses["neuron_animal"].to_numpy().tolist() == list("aabbbb")
    assert (recording.units, recording.area) == ("dF/F", "V1")


def test_labels_in_tables_stay_as_they_are_written(tmp_path):
    table = long_form().assign(animal=lambda t: t["animal"].replace({"a": "NA", "b": "None"}))
    table.to_csv(tmp_path / "t.csv", index=False)
    assert load(tmp_path / "t.csv").animals == ("NA", "None")
    table["response"] = table["response"].astype(object)
    table.loc[table.index[7], "response"] = "NA"
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="1 of 60 responses are missing"):
        load(tmp_path / "t.csv")
    assert load(tmp_path / "t.csv", missing="trials").n_repeats == (2, 3)


@pytest.mark.parametrize(
    ("shape", "options", "n_subjects"),
    [
        ((4, 66), "each row the 66 pairs of 12 stimuli, pass names={'rdm': 'responses'}", 4),
        ((66, 4), "each column the 66 pairs of 12 stimuli, pass names={'rdm': 'responses'}, axes='stimulus,animal'", 4),
        ((5, 12, 12), "if it holds RDMs, pass names={'rdm': 'responses'}", 5),
    ],
)
def test_arrays_that_may_be_rdms_are_told_how_to_say_so(tmp_path, shape, options, n_subjects):
    rdms = np.random.default_rng(0).uniform(0.1, 1, size=shape)
    rdms = rdms if rdms.ndim < 3 else rdms + rdms.swapaxes(1, 2)
    np.save(tmp_path / "a.npy", rdms)
    with pytest.raises(InputError) as caught:
        load(tmp_path / "a.npy")
    assert str(caught.value).endswith(options)
    if rdms.ndim == 3:  # which is not zero on the diagonal; with NaN there it is read
        rdms[:, np.arange(12), np.arange(12)] = np.nan
        np.save(tmp_path / "a.npy", rdms)
    axes = options.partition("axes=")[2].strip("'") or None
    recording = load(tmp_path / "a.npy", names={"rdm": "responses"} if rdms.ndim < 3 else None, axes=axes)
    assert (recording.n_stimuli, len(recording.rdms)) == (12, n_subjects)


def test_frames_of_a_continuous_recording_are_no_trials(tmp_path):
    np.save(tmp_path / "F.npy.npy", np.zeros((219, 2000)))
    with pytest.raises(InputError, match=r"if its 2,000 columns are frames .* as F.npy into a folder .* trials.csv"):
        load(tmp_path / "F.npy.npy")
    np.save(tmp_path / "b.npy", np.zeros((2000, 19)))
    (tmp_path / "b.csv").write_text("start,orientation\n1,0\n2,90\n")
    with pytest.raises(InputError, match=r"if its 2,000 rows are frames .* put it, transposed, as F.npy into a folder"):
        load(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", np.zeros((20, 19)))
    with pytest.raises(InputError, match=r"one row per trial next to it$"):
        load(tmp_path / "c.npy")
