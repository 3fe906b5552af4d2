"""Images are paired with trials by their names or numbers, never by the order of text."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from normenc.errors import InputError
from normenc.recordings import load
from normenc.texts import natural_order

N = 12
VALUES = np.arange(20, 20 + N * 15, 15, dtype=np.uint8)  # of grey, one each


def folder_of(tmp_path, names):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, value in zip(names, VALUES, strict=True):
        Image.new("L", (6, 5), int(value)).save(folder / name)
    return folder


def grey_of_trials(tmp_path, labels, folder):
    """What each label's image is, by its grey."""
    responses = np.random.default_rng(0).normal(size=(2 * len(labels), 3))
    np.savez(tmp_path / "a.npz", responses=responses, image=np.tile(labels, 2))
    recording = load(tmp_path / "a.npz", images=folder)
    grey = dict(zip(recording.stimulus.tolist(), recording.images[:, 0, 0], strict=True))
    order = recording.trials["image"].values[: len(labels)]
    # Trials come as they stand in the file.
    return [grey[name] for name in order], recording.notes


NAMINGS = {
    "1.png": lambda k: f"{k}.png",
    "01.png": lambda k: f"{k:02d}.png",
    "img1.png": lambda k: f"img{k}.png",
    "img_01.png": lambda k: f"img_{k:02d}.png",
    "scene (1).png": lambda k: f"scene ({k}).png",
    "2019_im1_small.png": lambda k: f"2019-im{k}_small.png",
}


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("text", [False, True])
def test_numbers_in_names_decide(tmp_path, naming, text):
    folder = folder_of(tmp_path, [NAMINGS[naming](k) for k in range(1, N + 1)])
    numbers = np.random.default_rng(1).permutation(np.arange(1, N + 1))
    found, notes = grey_of_trials(tmp_path, numbers.astype(str) if text else numbers, folder)
    assert found == VALUES[numbers - 1].tolist()
    if not text or naming not in ("1.png",):
        assert any("by the numbers in their names" in note for note in notes)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("names", [[f"img{k}.png" for k in range(2, N + 2)], [f"{c}.png" for c in "abcdefghijkl"]])
def test_else_the_natural_order_counts_and_is_said(tmp_path, first, names):
    folder = folder_of(tmp_path, names)
    numbers = np.arange(first, N + first)
    found, notes = grey_of_trials(tmp_path, numbers, folder)
    assert found == VALUES.tolist()
    assert any(f"counted from {first} in the natural order of their names ({first} is {names[0]})" in n for n in notes)


def test_names_come_first(tmp_path):
    folder = folder_of(tmp_path, [f"{k}.png" for k in range(N, 0, -1)])
    found, _ = grey_of_trials(tmp_path, [f"{k}" for k in range(1, N + 1)], folder)
    assert found == VALUES[::-1].tolist()


def test_what_is_ambiguous_is_refused(tmp_path):
    folder = folder_of(tmp_path, ["img1.png", "img_01.png", *(f"img{k}.png" for k in range(2, N))])
    with pytest.raises(InputError, match=r"image 1 may be img1\.png and img_01\.png"):
        grey_of_trials(tmp_path, np.arange(1, N), folder)
    with pytest.raises(InputError, match="images are numbered from 2 to 30, but there are 12"):
        grey_of_trials(tmp_path, np.array([2, 30]), folder)


def test_natural_order():
    names = ["b2", "a10", "a9", "A1", "a", "2", "10"]
    assert [names[k] for k in natural_order(names)] == ["2", "10", "a", "A1", "a9", "a10", "b2"]


SQUARES = np.arange(0, 20 * N, 20, dtype=np.uint8)[:, None, None] * np.ones((N, 6, 8), np.uint8)  # image k is 20 k


def loaded_stack(tmp_path, labels, suffix=".npz", **arrays):
    arrays = {
        "responses": np.random.default_rng(0).normal(size=(2 * len(labels), 3)),
        "image": np.tile(labels, 2),
    } | arrays
    if suffix == ".mat":
        savemat(tmp_path / "a.mat", arrays)
    else:
        np.savez(tmp_path / "a.npz", **arrays)
    return load(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".npz", ".mat"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "order",
    [(0, 1, 2), (1, 2, 0), (0, 1, 2, 3), (1, 2, 3, 0), (0, 3, 1, 2)],
    ids=lambda order: "".join(map(str, order)),
)
def test_images_may_lie_along_the_last_axis(tmp_path, suffix, first, order):
    stack = np.stack([SQUARES, SQUARES + 7, SQUARES // 2], axis=3) if len(order) == 4 else SQUARES
    recording = loaded_stack(tmp_path, np.arange(first, N + first), suffix, images=np.transpose(stack, order))
    np.testing.assert_array_equal(recording.images, stack)
    assert recording.images.dtype == np.uint8
    assert any("the last axis counts them" in note for note in recording.notes) == (order[-1] == 0)
    colours_second = any("read as images x colours x height x width" in note for note in recording.notes)
    assert colours_second == (order == (0, 3, 1, 2))


def test_names_tell_which_axis_counts_images(tmp_path):
    names = [f"scene{k:02d}" for k in range(N)]
    recording = loaded_stack(tmp_path, names[3:], images=SQUARES.transpose(1, 2, 0), image_names=names)
    np.testing.assert_array_equal(recording.images, SQUARES[3:])


def test_an_axis_that_two_readings_fit(tmp_path):
    with pytest.raises(
        InputError, match=r"shape \(12, 6, 8\), and trials show numbers 1 to 4; .* first or the last axis"
    ):
        loaded_stack(tmp_path, np.arange(1, 5), images=SQUARES)
    wide = np.repeat(SQUARES, 2, axis=2)[:, :, :N]
    recording = loaded_stack(tmp_path, np.arange(N), images=wide)
    np.testing.assert_array_equal(recording.images, wide)
    assert any("the first is read as images" in note for note in recording.notes)


@pytest.mark.parametrize(("suffix", "first"), [(".npz", 0), (".mat", 1)])
def test_where_counting_begins_is_said_where_it_is_open(tmp_path, suffix, first):
    numbers = np.arange(1, N)
    recording = loaded_stack(tmp_path, numbers, suffix, images=SQUARES)
    np.testing.assert_array_equal(recording.images, SQUARES[numbers - first])
    assert any(f"numbered from {first}, as is usual" in note and "would fit both" in note for note in recording.notes)


def test_rows_that_are_left_out_tell_where_counting_begins(tmp_path):
    np.savez(
        tmp_path / "a.npz",
        responses=np.random.default_rng(0).normal(size=(2 * N, 3)),
        image=np.tile(np.arange(1, N + 1), 2),
        images=SQUARES,
        early=np.tile(np.arange(N) < N - 1, 2).astype(int),
    )
    recording = load(tmp_path / "a.npz", where={"early": 1})
    np.testing.assert_array_equal(recording.images, SQUARES[:-1])


@pytest.mark.parametrize(
    "names", [["face.1", "face.2", "house"], ["c_0.5", "c_0.25", "c_1.0"], ["a v1.2", "a v1.3", "b v2"]]
)
def test_points_in_names_are_no_suffixes(tmp_path, names):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, value in zip(names, VALUES, strict=False):
        Image.new("L", (6, 5), int(value)).save(folder / f"{name}.png")
    assert grey_of_trials(tmp_path, names, folder)[0] == VALUES[:3].tolist()
    for file in folder.iterdir():
        file.unlink()
    for name in {name.rpartition(".")[0] or name for name in names}:
        Image.new("L", (6, 5)).save(folder / f"{name}.png")
    with pytest.raises(InputError, match="images named in trials do not exist"):
        grey_of_trials(tmp_path, names, folder)


@pytest.mark.parametrize("naming", [lambda k: f"img{k}.png", lambda k: f"{k:02d}.png"])
def test_an_image_without_a_number_among_numbered_ones(tmp_path, naming):
    folder = folder_of(tmp_path, [naming(k) for k in range(1, N)] + ["blank.png"])
    assert grey_of_trials(tmp_path, np.arange(1, N), folder)[0] == VALUES[:-1].tolist()
    for numbers in (np.arange(N), np.arange(1, N + 1)):
        with pytest.raises(InputError, match=r"names have the numbers 1 to 11, and blank\.png has none; name images"):
            grey_of_trials(tmp_path, numbers, folder)


COLOURED = np.random.default_rng(0).integers(0, 256, (N, 6, 8, 3), dtype=np.uint8)


@pytest.fixture(params=["folder", "npy", "hdf5"])
def coloured(request, tmp_path):
    """Where images in colour lie, and what trials call them."""
    if request.param == "folder":
        (tmp_path / "scenes").mkdir()
        for place, image in enumerate(COLOURED):
            Image.fromarray(image).save(tmp_path / "scenes" / f"{'abcdefghijkl'[place]}.png")
        return tmp_path / "scenes", list("abcdefghijkl")
    if request.param == "npy":
        np.save(tmp_path / "scenes.npy", COLOURED)
        return tmp_path / "scenes.npy", np.arange(N)
    with h5py.File(tmp_path / "scenes.h5", "w") as file:
        file["all/images"] = np.moveaxis(COLOURED, 3, 1)
    return f"{tmp_path}/scenes.h5:/all/images", np.arange(N)


def test_images_of_files_stay_there_in_colour(tmp_path, coloured):
    source, labels = coloured
    chosen = np.array([5, 0, 11, 3])
    responses = np.random.default_rng(0).normal(size=(8, 3))
    np.savez(tmp_path / "a.npz", responses=responses, image=np.tile(np.asarray(labels)[chosen], 2))
    recording = load(tmp_path / "a.npz", images=source)
    assert not isinstance(recording.images, np.ndarray)
    assert recording.images.shape == (4, 6, 8, 3)
    np.testing.assert_array_equal(recording.images, COLOURED[np.sort(chosen)])
    np.testing.assert_array_equal(recording.images[1:3], COLOURED[np.sort(chosen)[1:3]])


def test_broken_files_that_trials_show_are_all_counted(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for k, noise in enumerate(np.random.default_rng(0).integers(0, 256, (N, 40, 60, 3), dtype=np.uint8)):
        Image.fromarray(noise).save(folder / f"im{k}.jpg")
    for k in (2, 5, 9):  # headers are whole
        file = folder / f"im{k}.jpg"
        file.write_bytes(file.read_bytes()[:1500])
    responses = np.random.default_rng(0).normal(size=(16, 3))
    np.savez(tmp_path / "a.npz", responses=responses, image=np.tile([f"im{k}" for k in range(8)], 2))
    with pytest.raises(InputError, match=r"im2.jpg: this image cannot be read .*\(2 of 8 .*The others are im5.jpg"):
        load(tmp_path / "a.npz", images=folder)


NAMES = [f"{name}.png" for name in ("ant", "cat", "dog", "eel", "fox")]


@pytest.mark.parametrize("beside", ["bee.gif", "bee.heic", "bee.PPM", "dead link", "folder"])
def test_what_looks_like_an_image_but_is_not_read_is_named_where_order_counts(tmp_path, beside):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, value in zip(NAMES, VALUES, strict=False):
        Image.new("L", (6, 5), int(value)).save(folder / name)
    name = beside if "." in beside else "bee.png"
    if beside == "dead link":
        (folder / name).symlink_to(tmp_path / "nothing.png")
    elif beside == "folder":
        (folder / name).mkdir()
    else:
        (folder / name).write_bytes(b"")
    for labels in (np.arange(5), np.arange(1, 6)):
        with pytest.raises(InputError, match=rf"natural order of their names .*but {name} cannot be read as an image"):
            grey_of_trials(tmp_path, labels, folder)
    assert grey_of_trials(tmp_path, [Path(name).stem for name in NAMES], folder)[0] == VALUES[:5].tolist()


@pytest.mark.parametrize("hidden", [".thumb.png", "._ant.png", ".0.png"])
def test_hidden_files_and_other_files_are_no_images(tmp_path, hidden):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, value in zip(NAMES, VALUES, strict=False):
        Image.new("L", (6, 5), int(value)).save(folder / name)
    (folder / hidden).write_bytes((folder / "fox.png").read_bytes())
    (folder / "notes.txt").write_text("taken in spring")
    assert grey_of_trials(tmp_path, np.arange(5), folder)[0] == VALUES[:5].tolist()


def test_labels_of_true_and_false_are_names(tmp_path):
    folder = folder_of(tmp_path, [f"{name}.png" for name in ("True", "False", *"abcdefghij")])
    assert grey_of_trials(tmp_path, np.array([True, False]), folder)[0] == VALUES[:2].tolist()
    with pytest.raises(InputError, match="the images have no names"):
        loaded_stack(tmp_path, np.array([True, False] * 6), images=SQUARES)


CUBE = np.random.default_rng(0).integers(0, 256, (6, 6, 6), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["hdf5", "zarr"])
@pytest.mark.parametrize("labels", [("image", "height", "width"), ("height", "width", "image"), ("x", "y", "n")])
def test_names_of_axes_decide_where_lengths_do_not(tmp_path, kind, labels):
    axis_of = {"image": 0, "n": 0, "height": 1, "y": 1, "width": 2, "x": 2}
    stored = np.transpose(CUBE, [axis_of[name] for name in labels])
    if kind == "hdf5":
        with h5py.File(tmp_path / "scenes.h5", "w") as file:
            file["images"] = stored
            for axis, name in enumerate(labels):
                file["images"].dims[axis].label = name
        source = tmp_path / "scenes.h5"
    else:
        zarr = pytest.importorskip("zarr")
        group = zarr.open_group(str(tmp_path / "scenes.zarr"), mode="w")
        group.create_array("images", data=stored, dimension_names=labels)
        source = tmp_path / "scenes.zarr"
    np.testing.assert_array_equal(loaded_from(tmp_path, source, 6).images, CUBE)


@pytest.mark.parametrize("stored", ["in the file", "folder", "npy"])
def test_images_that_speak_for_a_fault_are_counted(tmp_path, stored):
    images = np.array(COLOURED)
    images[3], images[4], images[9] = images[2], images[2], 90
    if stored == "folder":
        (tmp_path / "scenes").mkdir()
        for place, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / "scenes" / f"{place:02d}.png")
    np.save(tmp_path / "scenes.npy", images)
    arrays = {"images": images} if stored == "in the file" else {}
    labels = np.tile(np.arange(N), 2)
    np.savez(tmp_path / "a.npz", responses=np.random.default_rng(0).normal(size=(2 * N, 3)), image=labels, **arrays)
    places = {"in the file": None, "folder": tmp_path / "scenes", "npy": tmp_path / "scenes.npy"}
    recording = load(tmp_path / "a.npz", images=places[stored])
    assert recording.cautions == (
        "3 of 12 images are the same as another one (10 different)",
        "1 of 12 images has no contrast: all of its pixels are alike",
    )


def test_images_of_few_bits_are_told(tmp_path):
    (tmp_path / "scenes").mkdir()
    for place in range(N):
        Image.fromarray((SQUARES[place].astype(np.uint16) + 1) * 16).save(tmp_path / "scenes" / f"{place}.tif")
    recording = loaded_from(tmp_path, tmp_path / "scenes")
    assert any("no image is brighter than 0.054 of white" in caution for caution in recording.cautions)


def loaded_from(tmp_path, source, n=N):
    responses = np.random.default_rng(0).normal(size=(2 * n, 3))
    np.savez(tmp_path / "a.npz", responses=responses, image=np.tile(np.arange(n), 2))
    return load(tmp_path / "a.npz", images=source)


def test_a_table_of_images_that_also_tells_what_they_show_is_labelled_by_the_images_that_are_given(tmp_path):
    """As the order of presentation of a design, to which responses were added."""
    rng, folder = np.random.default_rng(0), tmp_path / "stimuli"
    folder.mkdir()
    for place in range(4):
        Image.fromarray(rng.integers(0, 255, (6, 8), dtype=np.uint8)).save(folder / f"stimulus_{place}.png")
    names = [f"stimulus_{place}.png" for place in (0, 3, 1, 2, 0, 1, 2, 3)]
    rows = [f"{name},{20 * k},{','.join(map(str, rng.normal(size=8)))}" for k, name in enumerate(names)]
    lines = ["image,orientation," + ",".join(f"n{k}" for k in range(8)), *rows]
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match="it holds orientation and image; choose"):
        load(tmp_path / "mine.csv")
    found = load(tmp_path / "mine.csv", images=folder)
    assert found.kind == "image" and found.n_stimuli == 4 and found.images.shape == (4, 6, 8)
    assert "image labels the stimuli, whose images were given, and not orientation" in found.notes
