"""Images read when asked: as they are stored, in their own colours, and refused by name where they cannot be used."""

import pickle

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color

from normenc.errors import InputError
from normenc.stimuli import ImageSet
from normenc.stimuli.stacks import FileStack

RNG = np.random.default_rng(0)
COLOURED = RNG.integers(0, 256, (7, 20, 30, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (7, 20, 30), dtype=np.uint8)


def folder_of(images, path, suffix=".png"):
    path.mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image).save(path / f"im{place}{suffix}")
    return path


@pytest.fixture(params=["folder", "npy", "hdf5", "zarr", "memory"])
def stored(request, tmp_path):
    """Both stacks, stored in each way."""

    def store(images):
        if request.param == "folder":
            return ImageSet.open(folder_of(images, tmp_path / "f"))
        if request.param == "npy":
            np.save(tmp_path / "s.npy", images)
            return ImageSet.open(tmp_path / "s.npy")
        if request.param == "hdf5":
            with h5py.File(tmp_path / "s.h5", "w") as file:
                file["day/images"] = images
                file["day/other"] = np.zeros(7)
            return ImageSet.open(f"{tmp_path}/s.h5:/day/images")
        if request.param == "zarr":
            zarr = pytest.importorskip("zarr")
            group = zarr.open_group(str(tmp_path / "s.zarr"), mode="w")
            group["images"] = images
            return ImageSet.open(tmp_path / "s.zarr")
        return ImageSet.of(images)

    return store


@pytest.mark.parametrize("images", [COLOURED, GREY], ids=["colour", "grey"])
def test_pixels_come_back_as_they_were_stored(stored, images):
    there = stored(images)
    wanted = images.astype(np.float32) / np.float32(255)
    wanted = np.moveaxis(wanted, 3, 1) if images.ndim == 4 else wanted
    assert (len(there), there.image_size, there.is_colour) == (7, (20, 30), images.ndim == 4)
    assert there.shape == wanted.shape and there[0:1].dtype == torch.float32
    for key in (slice(2, 5), np.array([6, 0, 3, 0]), [1], np.arange(7) % 2 == 0, slice(None, None, -2)):
        np.testing.assert_array_equal(there[key].numpy(), wanted[key])
    np.testing.assert_array_equal(there[4].numpy(), wanted[4])
    again = pickle.loads(pickle.dumps(there.chosen([5, 1])))
    np.testing.assert_array_equal(again.all().numpy(), wanted[[5, 1]])


def test_the_digest_is_of_the_content(tmp_path):
    one, other = ImageSet.of(GREY), ImageSet.of(GREY.copy(), names="abcdefg")
    assert one.digest == other.digest and len(one.digest) == 64
    assert len({one.digest, one.chosen([1, 0]).digest, one.resized((5, 5)).digest, ImageSet.of(COLOURED).digest}) == 4
    np.save(tmp_path / "s.npy", GREY)
    assert ImageSet.open(tmp_path / "s.npy").digest == one.digest


def test_equal_channels_are_grey_and_one_coloured_image_makes_all_coloured(tmp_path):
    alike = np.repeat(GREY[..., None], 3, axis=3)
    assert not ImageSet.of(alike).is_colour
    np.testing.assert_array_equal(ImageSet.of(alike).all(), ImageSet.of(GREY).all())
    folder = folder_of([*alike[:3], GREY[3], COLOURED[4]], tmp_path / "f")
    mixed = ImageSet.open(folder)
    assert mixed.is_colour
    assert (mixed[3][0] == mixed[3][2]).all() and not (mixed[4][0] == mixed[4][2]).all()


def test_luminance_is_that_of_scikit_image():
    np.testing.assert_allclose(ImageSet.of(COLOURED).grey().all(), color.rgb2gray(COLOURED), atol=1e-6)


def test_a_field_is_the_part_of_the_screen():
    part = ImageSet.of(GREY).field(3, 5, 13, 20)
    assert part.image_size == (15, 10)
    np.testing.assert_array_equal(part[2].numpy(), GREY[2, 5:20, 3:13] / np.float32(255))
    with pytest.raises(InputError, match=r"field is \[0, 0, 31, 20\]; it must lie within images of 30 x 20 pixels"):
        ImageSet.of(GREY).field(0, 0, 31, 20)


def test_a_folder_of_photographs_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("normenc.stimuli.stacks.KEPT_BYTES", 3 * COLOURED[0].nbytes)
    there = ImageSet.open(folder_of(COLOURED, tmp_path / "f"))
    assert isinstance(there.stack, FileStack) and len(there.stack._kept) == 3
    np.testing.assert_array_equal(there[4:].numpy(), np.moveaxis(COLOURED[4:], 3, 1) / np.float32(255))


def test_all_broken_files_are_counted_before_anything_is_read(tmp_path):
    folder = folder_of(COLOURED, tmp_path / "f")
    (folder / "im2.png").write_bytes(b"no image")
    (folder / "im5.png").write_bytes((folder / "im5.png").read_bytes()[:12])
    with pytest.raises(InputError, match=r"im2.png: this image cannot be read .*\(2 of 7 .*The others are im5.png"):
        ImageSet.open(folder)


def test_files_cut_short_are_counted_though_their_headers_are_whole(tmp_path):
    folder = folder_of(COLOURED, tmp_path / "f")
    for name in ("im1.png", "im4.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-900])
    with pytest.raises(InputError, match=r"im1.png: this image cannot be read .*\(2 of 7 .*The others are im4.png"):
        ImageSet.open(folder)


def test_sizes_that_differ_are_refused_or_cut_to_one(tmp_path):
    folder = folder_of([GREY[0], GREY[1, :, :20]], tmp_path / "f")
    with pytest.raises(InputError, match=r"im1.png has 20 x 20 pixels, im0.png 20 x 30\); .* size = \[height, width\]"):
        ImageSet.open(folder)
    there = ImageSet.open(folder, size=(20, 20))
    np.testing.assert_allclose(there[0], GREY[0, :, 5:25] / 255, atol=1e-6)
    assert ImageSet.open(folder, size=(10, 10)).image_size == (10, 10)


def test_exif_turns_an_image_before_its_size_counts(tmp_path):
    folder = folder_of([GREY[0], np.rot90(GREY[1])], tmp_path / "f", ".jpg")
    turned = Image.fromarray(np.rot90(GREY[1]))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(folder / "im1.jpg", exif=exif)
    assert ImageSet.open(folder).image_size == (20, 30)


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (np.full((2, 4, 4), np.nan), "image 0 holds NaN"),
        (np.arange(32.0).reshape(2, 4, 4), "image 0 has values from 0 to 15; they must be numbers from 0"),
        (np.full((2, 4, 4), 900, dtype=np.uint16), "known white level"),
        (np.zeros((2, 4, 4, 4), dtype=np.uint8), "partly transparent"),
        (np.zeros((4, 4)), r"images have shape \(4, 4\)"),
        (np.zeros((0, 4, 4)), "at least one image"),
    ],
)
def test_arrays_that_are_no_images_are_refused(images, says):
    with pytest.raises(InputError, match=says):
        ImageSet.of(images)


def test_the_array_meant_must_be_named_where_there_are_several(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["a"], file["b"], file["c"] = GREY, GREY, np.zeros(3)
    with pytest.raises(InputError, match=r"several arrays .* /a, /b; name the right one: s.h5:/NAME"):
        ImageSet.open(tmp_path / "s.h5")
    with pytest.raises(InputError, match="there is no array /d; there are /a, /b, /c"):
        ImageSet.open(f"{tmp_path}/s.h5:/d")
    with pytest.raises(InputError, match="there is no such folder or file"):
        ImageSet.open(tmp_path / "none.npy")


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("size", [(20, 20), (90, 31), (7, 50)])
def test_arrays_are_the_tensors_but_for_rounding(fit, size):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 40, 60, 3), dtype=np.uint8)
    images = ImageSet.of(pixels).field(3, 2, 58, 37).resized(size, fit)
    for own in (images, images.grey()):
        assert own.arrays().dtype == np.float32
        np.testing.assert_allclose(own.arrays(), own.all(), atol=2e-6)
        np.testing.assert_allclose(own.arrays([2, 0]), own[[2, 0]], atol=2e-6)
        np.testing.assert_allclose(own.arrays(1), own[1], atol=2e-6)
    whole = ImageSet.of(pixels)
    np.testing.assert_array_equal(whole.arrays(), whole.all())
    np.testing.assert_array_equal(whole.grey().arrays(), whole.grey().all())
