"""Images on disk: taken as NumPy takes them, of one content, and refused where a part of them is not there."""

import pickle
import shutil

import h5py
import numpy as np
import pytest
from PIL import Image

from normenc.errors import InputError
from normenc.stimuli import ImageSet
from normenc.stimuli.array_files import ArrayFile
from normenc.stimuli.image_sets import open_stack
from normenc.stimuli.stacks import Joined, Resized, Some

RNG = np.random.default_rng(0)
N = 6
COLOURED = RNG.integers(1, 255, (N, 8, 10, 3), dtype=np.uint8)


def folder_of(images, path):
    path.mkdir()
    for place, image in enumerate(images):
        Image.fromarray(image).save(path / f"im{place}.png")
    return path


def written(kind, images, path):
    """Images in a file or folder, and a function that writes others in their place."""
    if kind == "folder":
        folder_of(images, path / "f")

        def write(others):
            shutil.rmtree(path / "f")
            folder_of(others, path / "f")

        return path / "f", write
    if kind == "npy":
        np.save(path / "s.npy", images)
        return path / "s.npy", lambda others: np.save(path / "s.npy", others)
    if kind == "npy in place":
        np.save(path / "s.npy", images)

        def write_in_place(others):
            there = np.load(path / "s.npy", mmap_mode="r+")
            there[:] = others
            there.flush()

        return path / "s.npy", write_in_place
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        group = zarr.open_group(str(path / "s.zarr"), mode="w")
        array = group.create_array("images", shape=images.shape, chunks=(2, *images.shape[1:]), dtype="u1")
        array[:] = images

        def write_zarr(others):
            array[:] = others

        return path / "s.zarr", write_zarr
    with h5py.File(path / "s.h5", "w") as file:
        file.create_dataset("images", data=images, chunks=(2, *images.shape[1:]))
    return path / "s.h5", None


KEYS = [
    np.s_[2],
    np.s_[-1, 3],
    np.s_[..., 0],
    np.s_[1:4, ..., 2],
    np.s_[:, 3, 4],
    np.s_[::-2, 1:, ::3],
    np.s_[None],
    np.s_[:, None, 2],
    np.s_[()],
    np.s_[...],
    [[1, 2], [3, 4]],
    [],
    np.s_[[0, 2, 2], [1, 1, 0]],
    np.s_[3, :, [0, 2]],
    np.s_[[[0], [5]], :, [[1, 2]]],
    np.arange(N) % 2 == 0,
    (np.arange(N) > 3, 2),
    COLOURED[..., 0] > 128,
    COLOURED > 250,
    np.int64(4),
    np.array(2),
]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key)[:30].replace("\n", ""))
@pytest.mark.parametrize("kind", ["folder", "npy", "hdf5"])
def test_keys_take_what_numpy_takes(tmp_path, key, kind):
    stack = open_stack(written(kind, COLOURED, tmp_path)[0])[0]
    np.testing.assert_array_equal(stack[key], COLOURED[key], strict=True)


@pytest.mark.parametrize("key", [(0,) * 5, 6, np.ones(5, bool), True, 1.5, "a", (..., ...)], ids=str)
def test_keys_that_numpy_refuses_are_refused(tmp_path, key):
    stack = open_stack(written("npy", COLOURED, tmp_path)[0])[0]
    with pytest.raises(IndexError):
        stack[key]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", ">f4", "<f8", "?", ">f2"])
def test_arrays_of_any_order_and_type_of_numbers(tmp_path, order, dtype):
    values = np.asarray(np.clip(COLOURED / 255, 0, 1) if "f" in dtype else COLOURED % 2, dtype=dtype, order=order)
    np.save(tmp_path / "s.npy", values)
    stack = ArrayFile(tmp_path / "s.npy", None)
    for key in (slice(None), slice(1, 4), [5, 0, 0]):
        np.testing.assert_array_equal(stack[key], values[key], strict=True)


CHANGES = ["folder", "npy", "npy in place", "zarr"]
WRAPPED = {
    "alone": lambda stack: stack,
    "unpickled": lambda stack: pickle.loads(pickle.dumps(stack)),
    "some": lambda stack: Some(stack, np.array([3, 1]), (0, 1, 2, 3)),
    "joined": lambda stack: Joined((stack, stack)),
    "resized": lambda stack: Resized(stack, (4, 4), "crop"),
}


@pytest.mark.parametrize("wrapped", WRAPPED)
@pytest.mark.parametrize("kind", CHANGES)
def test_images_that_change_after_they_were_read_are_refused_by_name(tmp_path, kind, wrapped, monkeypatch):
    monkeypatch.setattr("normenc.stimuli.stacks.KEPT_BYTES", 0)  # as of a large folder
    place, write = written(kind, COLOURED, tmp_path)
    stack = open_stack(place)[0]
    images = ImageSet.of(stack)
    seen = ImageSet.of(WRAPPED[wrapped](stack))
    digest, first = images.digest, images.all()
    write(255 - COLOURED)
    with pytest.raises(InputError, match=rf"{tmp_path}/\S*: this has changed since it was first read"):
        seen.all()
    assert stack.content() != ImageSet.open(place).stack.content() if kind == "folder" else True
    write(COLOURED)
    np.testing.assert_array_equal(seen.all().shape[0], len(seen))
    np.testing.assert_array_equal(images.all(), first)
    assert ImageSet.open(place).digest == digest


@pytest.mark.parametrize("kind", CHANGES)
def test_the_digest_is_of_what_was_read(tmp_path, kind):
    place, write = written(kind, COLOURED, tmp_path)
    images = ImageSet.open(place)
    before = images.all()
    write(255 - COLOURED)
    try:
        digest, now = images.digest, images.all()
    except InputError:
        return
    np.testing.assert_array_equal(now, before)  # which were kept in memory
    write(COLOURED)
    assert ImageSet.open(place).digest == digest


@pytest.mark.parametrize("kind", ["folder", "npy"])
def test_images_that_vanish_are_named(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("normenc.stimuli.stacks.KEPT_BYTES", 0)
    place, _ = written(kind, COLOURED, tmp_path)
    images = ImageSet.open(place)
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    with pytest.raises(InputError, match=rf"{place}.*cannot be read"):
        images.all()
    np.save(tmp_path / "s.npy", COLOURED[:3])
    with pytest.raises(InputError, match=rf"{tmp_path}.*(cannot be read|has changed)"):
        images.all()


def hdf5_elsewhere(path, kind):
    """An HDF5 file whose images lie in another one, or nowhere."""
    with h5py.File(path / "other.h5", "w") as file:
        file["images"] = COLOURED
    with h5py.File(path / "s.h5", "w") as file:
        if kind == "external":
            COLOURED.tofile(path / "raw.bin")
            file.create_dataset("images", COLOURED.shape, "u1", external=[(str(path / "raw.bin"), 0, COLOURED.nbytes)])
        elif kind in ("virtual", "virtual without its source"):
            source = "other.h5" if kind == "virtual" else "gone.h5"
            layout = h5py.VirtualLayout(COLOURED.shape, "u1")
            layout[:] = h5py.VirtualSource(str(path / source), "images", shape=COLOURED.shape)
            file.create_virtual_dataset("images", layout)
        elif kind == "chunks never written":
            file.create_dataset("images", COLOURED.shape, "u1", chunks=(2, 8, 10, 3))[2:] = COLOURED[2:]
        else:
            file.create_dataset("images", COLOURED.shape, "u1")
    return path / "s.h5"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("external", "s.h5:/images is stored in another file, which is not opened"),
        ("virtual", "s.h5:/images is stored in another file"),
        ("virtual without its source", "s.h5:/images is stored in another file"),
        ("chunks never written", "s.h5:/images: 1 of 3 parts .* are not in the file"),
        ("never written", "s.h5:/images: 1 of 1 parts .* are not in the file"),
    ],
)
def test_what_hdf5_keeps_elsewhere_or_nowhere_is_refused(tmp_path, kind, says):
    with pytest.raises(InputError, match=says):
        ImageSet.open(hdf5_elsewhere(tmp_path, kind))


@pytest.mark.parametrize("fault", ["gone", "damaged", "link"])
def test_zarr_stores_that_lack_a_part_are_refused(tmp_path, fault):
    place, _ = written("zarr", COLOURED, tmp_path)
    chunk = sorted(file for file in (place / "images").rglob("*") if file.is_file() and file.name != "zarr.json")[1]
    content = chunk.read_bytes()
    chunk.unlink()
    if fault == "damaged":
        chunk.write_bytes(b"no chunk")
    elif fault == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        chunk.symlink_to(tmp_path / "elsewhere")
    says = {
        "gone": "s.zarr:/images: 1 of 3 parts .* would be read as if they were black",
        "damaged": "s.zarr:/images: this file cannot be read",
        "link": "is a link out of the store",
    }
    with pytest.raises(InputError, match=says[fault]):
        ImageSet.open(place)


def test_a_damaged_part_of_hdf5_is_told_with_its_dataset(tmp_path):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        data = file.create_dataset("images", data=COLOURED, chunks=(1, 8, 10, 3), compression="gzip", fletcher32=True)
        place = data.id.get_chunk_info(3)
    content = bytearray((tmp_path / "s.h5").read_bytes())
    content[place.byte_offset + 20] ^= 0xFF
    (tmp_path / "s.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"s.h5:/images: this file cannot be read .*check it"):
        ImageSet.open(tmp_path / "s.h5")


STRUCTURED = np.zeros((2, 3, 4), dtype=[("a", "u1"), ("b", "f4")])
NO_NUMBERS = {
    "complex numbers": np.zeros((2, 3, 4), complex),
    "values of type <U1": np.full((2, 3, 4), "a"),
    "values of type datetime64": np.zeros((2, 3, 4), "M8[s]"),
    "fields": STRUCTURED,
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_arrays_of_anything_but_real_numbers_are_refused(tmp_path, kind):
    np.save(tmp_path / "s.npy", NO_NUMBERS[kind])
    with pytest.raises(InputError, match=f"s.npy: this array holds {kind}"):
        ImageSet.open(tmp_path / "s.npy")


def test_several_arrays_under_the_name_of_one_are_refused(tmp_path):
    np.savez(tmp_path / "s.npz", a=COLOURED)
    (tmp_path / "s.npz").rename(tmp_path / "s.npy")
    with pytest.raises(InputError, match=r"s.npy: this is a file of several arrays \(.npz\) under another name"):
        ImageSet.open(tmp_path / "s.npy")


def test_one_channel_is_grey_wherever_it_stands(tmp_path):
    for number, axis in enumerate((1, 3)):
        images = np.expand_dims(COLOURED[..., 0], axis)
        np.save(tmp_path / f"{number}.npy", images)
        for there in (ImageSet.of(images), ImageSet.open(tmp_path / f"{number}.npy")):
            np.testing.assert_array_equal(there.all(), COLOURED[..., 0] / np.float32(255))


@pytest.mark.parametrize("inside", ["/nothing", "/images/x"])
def test_a_place_inside_of_an_array_is_refused(tmp_path, inside):
    zarr = pytest.importorskip("zarr")
    zarr.save_array(str(tmp_path / "s.zarr"), COLOURED)
    assert len(ImageSet.open(tmp_path / "s.zarr")) == len(ImageSet.open(f"{tmp_path}/s.zarr:/")) == N
    with pytest.raises(InputError, match=f"this store is one array, so there is no {inside}"):
        ImageSet.open(f"{tmp_path}/s.zarr:{inside}")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_zarr_store_needs_no_suffix(tmp_path, zarr_format):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(str(tmp_path / "store"), mode="w", zarr_format=zarr_format)
    group.create_array("day/images", shape=COLOURED.shape, dtype="u1", chunks=(2, 8, 10, 3))[:] = COLOURED
    for place in ("store", "store/day", "store/day/images"):
        np.testing.assert_array_equal(ImageSet.open(tmp_path / place).stack, COLOURED)
