"""Named sets of images: arrays among them are read as an array alone is, whatever their axes."""

import numpy as np
import pytest
from PIL import Image

from normenc.errors import InputError
from normenc.recordings import load
from normenc.recordings.image_files import ImageSource

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 256, (14, 9, 11), dtype=np.uint8)
COLOURED = RNG.integers(0, 256, (14, 9, 11, 3), dtype=np.uint8)
TO_GREY = {"npy": (0, 1, 2), "images last": (1, 2, 0)}
TO_COLOUR = {"colours last": (0, 1, 2, 3), "images last": (1, 2, 3, 0), "colours first": (0, 3, 1, 2)}


def loaded(tmp_path, labels, **options):
    responses = np.random.default_rng(0).normal(size=(2 * len(labels), 3))
    np.savez(tmp_path / "rec.npz", responses=responses, image=np.tile(labels, 2))
    return load(tmp_path / "rec.npz", **options)


def in_sets(tmp_path, size=None, fit="crop", **arrays):
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    return ImageSource({name: str(tmp_path / f"{name}.npy") for name in arrays}, size, fit)


@pytest.mark.parametrize("written", ["{}/{:02d}", "{}/{}"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("images", "axes"),
    [(STACK, axes) for axes in TO_GREY.values()] + [(COLOURED, axes) for axes in TO_COLOUR.values()],
    ids=[*TO_GREY, *TO_COLOUR],
)
def test_an_array_in_a_set_is_read_as_an_array_alone(tmp_path, images, axes, first, written):
    sets = in_sets(tmp_path, a=np.transpose(images, axes))
    labels = [written.format("a", number) for number in range(first, 14 + first)]
    of_set = loaded(tmp_path, labels, images=sets)
    alone = loaded(tmp_path, np.arange(first, 14 + first), images=tmp_path / "a.npy")
    np.testing.assert_array_equal(of_set.images, images)
    np.testing.assert_array_equal(alone.images, images)
    np.testing.assert_array_equal(of_set.trials.values, alone.trials.values)
    assert [note.removeprefix("set a: ") for note in of_set.notes] == list(alone.notes)
    assert of_set.stimulus.tolist() == [f"a/{number:02d}" for number in range(14)]


def test_each_of_several_sets_has_its_own_axes(tmp_path):
    sets = in_sets(tmp_path, a=np.transpose(STACK, (1, 2, 0)), b=COLOURED)
    recording = loaded(tmp_path, [f"{own}/{number}" for own in "ab" for number in range(14)], images=sets)
    np.testing.assert_array_equal(recording.images[:14], np.repeat(STACK[..., None], 3, axis=3))
    np.testing.assert_array_equal(recording.images[14:], COLOURED)


def test_an_array_that_can_be_read_in_two_ways_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"shape \(14, 9, 11\), and trials show numbers 1 to 4; .* first or the last"):
        loaded(tmp_path, [f"a/{number}" for number in range(1, 5)], images=in_sets(tmp_path, a=STACK))


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([f"a/{number}" for number in range(20)], "images are numbered from 0 to 19, but there are 14"),
        (
            np.arange(14),
            "numbers alone .such as 0., but there are several sets of images, a, b; name",
        ),
        ([*(f"b/{number}" for number in range(14)), "7"], "image '7' may be one of the sets a and b"),
    ],
)
def test_numbers_that_no_set_or_several_have_are_refused(tmp_path, labels, says):
    with pytest.raises(InputError, match=says):
        loaded(tmp_path, labels, images=in_sets(tmp_path, a=STACK, b=STACK))


def test_numbers_alone_will_do_for_the_one_set_and_beside_names(tmp_path):
    recording = loaded(tmp_path, np.arange(14), images=in_sets(tmp_path, a=STACK))
    np.testing.assert_array_equal(recording.images, STACK)
    (tmp_path / "faces").mkdir()
    Image.fromarray(STACK[3]).save(tmp_path / "faces" / "anna.png")
    sets = ImageSource({"faces": str(tmp_path / "faces"), "a": str(tmp_path / "a.npy")})
    recording = loaded(tmp_path, ["anna", *map(str, range(14))], images=sets)
    np.testing.assert_array_equal(recording.images, np.concatenate([STACK, STACK[3:4]]))


@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_sets_of_several_sizes_come_to_one(tmp_path, fit):
    wide = np.repeat(STACK, 2, axis=2)
    with pytest.raises(InputError, match=r"'a' have 9 x 11 pixels, those of 'b' 9 x 22; give one size"):
        loaded(tmp_path, [f"{s}/{k}" for s in "ab" for k in range(14)], images=in_sets(tmp_path, a=STACK, b=wide))
    sets = in_sets(tmp_path, (9, 11), fit, a=STACK, b=wide)
    recording = loaded(tmp_path, [f"{s}/{k}" for s in "ab" for k in range(14)], images=sets)
    np.testing.assert_allclose(recording.images[:14], STACK / np.float32(255), atol=1e-7)
    if fit == "crop":
        np.testing.assert_allclose(recording.images[14:], wide[:, :, 5:16] / np.float32(255), atol=1e-6)
    else:
        np.testing.assert_allclose(recording.images[14:, 0], 0.5)


def test_a_set_that_is_partly_transparent_is_refused(tmp_path):
    clear = np.concatenate([COLOURED, np.full((14, 9, 11, 1), 254, np.uint8)], axis=3)
    with pytest.raises(InputError, match="partly transparent"):
        loaded(tmp_path, [f"{s}/{k}" for s in "ab" for k in range(14)], images=in_sets(tmp_path, a=COLOURED, b=clear))
