import numpy as np

from normenc import recordings
from normenc.quality import check, lines
from normenc.quality.alike import alike
from normenc.recordings import Recording


def seen(images, names=None):
    names = [f"i{place}" for place in range(len(images))] if names is None else names
    return Recording.from_responses("toy", np.eye(len(images)), image=names, images=np.asarray(images))


def test_the_ends_of_a_circle_and_mirrored_orientations_are_named():
    same, mirrored = alike(recordings.load("simulated-v1", n_neurons=20))
    assert same == "2 stimuli are the same image, so that no model of images tells them apart: −90° and 90°."
    # Of -90 to 90, all but 0 and the ends are mirrored: 89 pairs.
    assert mirrored.startswith(
        "89 pairs of stimuli are mirror images of each other, left to right, such as −89° and 89°"
    )


def test_opposite_directions_are_the_same_image():
    toy = Recording.from_responses("toy", np.eye(8), direction=np.arange(0, 360, 45))
    same, mirrored = alike(toy)
    assert same.startswith("4 pairs") and "0° and 180°" in same
    assert mirrored.startswith("2 stimuli") and "45° and 135°" in mirrored


def test_orientations_without_mirror_images_have_none():
    assert alike(Recording.from_responses("toy", np.eye(4), orientation=[1, 47, 93, 139])) == ()


def test_equal_and_mirrored_images_are_named():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, size=(2, 6, 8, 3), dtype=np.uint8)
    images = [one, other, one[:, ::-1], other[::-1], one, rng.integers(0, 256, size=(6, 8, 3), dtype=np.uint8)]
    assert alike(seen(images)) == (
        "2 stimuli are the same image, so that no model of images tells them apart: i0 and i4.",
        "2 stimuli are mirror images of each other, left to right: i0 and i2.",
        "2 stimuli are mirror images of each other, top to bottom: i1 and i3.",
    )


def test_images_that_mirror_themselves_are_not_pairs():
    symmetric = np.add.outer(np.ones(6), [0.1, 0.2, 0.3, 0.3, 0.2, 0.1]) - 0.9
    assert alike(seen([symmetric, np.flipud(symmetric) * 0.5])) == ()
    assert alike(seen([symmetric] * 3))[0].startswith("3 stimuli are the same image")


def test_a_check_says_so():
    responses = np.random.default_rng(0).normal(size=(12, 20))
    toy = Recording.from_responses("toy", responses, orientation=np.arange(-90, 90, 15))
    found = check(toy)
    assert found.alike == alike(toy) and dict(lines(found))["alike"] == " ".join(found.alike)
