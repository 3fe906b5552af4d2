"""The section [stimuli] of a study file: which images are shown, which part of them, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from normenc import stimuli
from normenc.errors import InputError
from normenc.pretrained import IMAGENET, Preprocessing
from normenc.recordings import Recording, load, save
from normenc.study import Study, load_study, prepare
from normenc.study.readiness import check_disks
from normenc.study.sections import EncodingSettings
from normenc.study.shown import Shown
from normenc.study.stimulus_settings import StimulusSettings

RNG = np.random.default_rng(0)
N = 8
COLOURED = RNG.integers(0, 256, (N, 60, 80, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two folders of images with some names in common, and trials of the first four of each."""
    for name, images in (("a", COLOURED[:4]), ("b", COLOURED[4:])):
        (tmp_path / name).mkdir()
        for place, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / name / f"{'shared' if place == 0 else name + str(place)}.png")
    return tmp_path


def write(folder, text, labels):
    responses = RNG.normal(size=(2 * len(labels), 12))
    np.savez(folder / "rec.npz", responses=responses, image=np.tile(labels, 2))
    (folder / "study.toml").write_text(f'[recording]\nsource = "rec.npz"\n{text}\n')
    return folder / "study.toml"


IN_SETS = ["a/shared", "a1", "a/a2.png", "a3", "b/shared.png", "b1", "b2.png", "b/b3"]


def test_named_sets_are_joined_and_found_by_set_or_name(folder):
    sets = '[[stimuli]]\nname = "a"\nimages = "a"\ndegrees = 20.0\n[[stimuli]]\nname = "b"\nimages = "b"'
    study = load_study(write(folder, sets, IN_SETS))
    recording = prepare(study).recording
    assert recording.stimulus.tolist() == [f"{s}/{k}.png" for s in "ab" for k in (f"{s}1", f"{s}2", f"{s}3", "shared")]
    np.testing.assert_array_equal(recording.images, COLOURED[[1, 2, 3, 0, 5, 6, 7, 4]])
    assert study.stimuli.degrees == 20
    (folder / "again.toml").write_text(study.to_toml())
    assert load_study(folder / "again.toml").stimuli == study.stimuli


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["shared", *IN_SETS[1:7]], r"'shared' may be a/shared.png and b/shared.png; name it as 'set/name'"),
        (["b/a1", *IN_SETS[:6]], r"1 of 7 images named in trials do not exist, the first is 'b/a1'"),
    ],
)
def test_names_that_no_set_or_several_have_are_refused(folder, labels, says):
    sets = '[[stimuli]]\nname = "a"\nimages = "a"\n[[stimuli]]\nname = "b"\nimages = "b"'
    with pytest.raises(InputError, match=says):
        prepare(load_study(write(folder, sets, labels)))


def test_images_of_a_study_are_in_colour_for_encoders_and_controls_and_grey_for_its_networks(folder):
    text = '[stimuli]\nimages = "stack.npy"\nfield = [5, 3, 75, 57]\ndegrees = 40.0\nlargest = 32'
    np.save(folder / "stack.npy", COLOURED)
    prepared = prepare(load_study(write(folder, text, np.arange(N))))
    shown, field = prepared.shown, COLOURED[:, 3:57, 5:75] / np.float32(255)
    np.testing.assert_array_equal(shown.to_encoder((32, 32)).all(), np.moveaxis(field, 3, 1))
    assert shown.to_controls.shape == (N, 3, 25, 32)
    np.testing.assert_allclose(prepared.images, stimuli.fit_images(field), atol=1e-6)
    assert shown.degrees == pytest.approx(35)
    assert shown.describe(trains=True) == [
        "Stimuli were the part of each image from 5 to 75 pixels horizontally and from 3 to 57 pixels vertically (from "
        "the top left corner): 54 x 70 pixels in colour (35 degrees of visual angle wide, 27 high).",
        "Controls were shown them in colour, reduced to 25 x 32 pixels; controls that use luminance alone turned them "
        "grey.",
        "For networks that this study trains, they were turned grey, cut to 4:3 in their middle, which leaves out 3.7 "
        "% of their height, and reduced to 48 x 64 pixels.",  # 52 of 54 rows
    ]
    resolutions = EncodingSettings(
        enabled=True, networks=["course network", "point readout", "linear readout"]
    ).resolutions
    assert shown.describe(trains=False, fitted=resolutions)[2:] == [
        "For the network fitted to the neurons (course network), they were turned grey, cut to 4:3 in their middle, "
        "which leaves out 3.7 % of their height, and reduced to 12 x 16 pixels.",
        "For the networks fitted to the neurons (point readout, linear readout), they were turned grey, cut to 4:3 in "
        "their middle, which leaves out 3.7 % of their height, and reduced to 24 x 32 pixels.",
    ]
    assert EncodingSettings().resolutions == {}


def test_a_field_in_degrees_is_that_in_pixels():
    recording = Recording.from_responses("seen", RNG.normal(size=(N, 4)), image=list("abcdefgh"), images=COLOURED)
    pixels = Shown(recording, StimulusSettings(field=[8, 4, 48, 44]))
    degrees = Shown(recording, StimulusSettings(field=[2.0, 1.0, 12.0, 11.0], field_unit="degrees", degrees=20.0))
    np.testing.assert_array_equal(pixels.seen.all(), degrees.seen.all())
    assert degrees.degrees == 10


SIZED = [  # height and width of images, size, fit, degrees wide of the 40 that a whole image has
    ((120, 160), [60, 60], "crop", 30),
    ((120, 160), [60, 160], "pad", 80),
    ((120, 160), [60, 60], "pad", 40),
    ((120, 160), [60, 160], "crop", 40),
    ((120, 160), [60, 80], "crop", 40),
    ((60, 240), [30, 30], "crop", 10),
]


@pytest.mark.parametrize(("own", "size", "fit", "wide"), SIZED)
def test_degrees_are_those_of_whole_images_whatever_is_cut_or_padded(own, size, fit, wide):
    images = np.broadcast_to(np.arange(own[1], dtype=np.uint8)[None, None], (N, *own))
    recording = Recording.from_responses("seen", RNG.normal(size=(N, 4)), image=list("abcdefgh"), images=images)
    options = {"size": size, "fit": fit, "degrees": 40.0}
    shown = Shown(recording, StimulusSettings(**options))
    assert shown.degrees == pytest.approx(wide)
    assert f"({wide:.3g} degrees of visual angle wide" in shown.describe(trains=False)[0]
    half = [0, 0, size[1] // 2, size[0]]
    pixels = Shown(recording, StimulusSettings(**options, field=half))
    assert pixels.degrees == pytest.approx(wide / 2)
    high = wide * size[0] / size[1]
    degrees = Shown(recording, StimulusSettings(**options, field=[0, 0, wide / 2, high], field_unit="degrees"))
    assert degrees.degrees == pytest.approx(wide / 2)
    np.testing.assert_array_equal(degrees.seen.all(), pixels.seen.all())
    outside = StimulusSettings(**options, field=[0, 0, wide * 1.5, high], field_unit="degrees")
    with pytest.raises(InputError, match=rf"field is \[0, 0, {wide * 1.5:g}, .* must lie within images of {wide:g} x "):
        Shown(recording, outside).check()


def test_degrees_of_images_that_differ_in_ratio_are_refused(folder):
    Image.fromarray(COLOURED[0, :, :30]).save(folder / "a" / "a9.png")
    text = '[stimuli]\nimages = "a"\nsize = [30, 30]\ndegrees = 20.0'
    study = load_study(write(folder, text, ["shared", "a1", "a2", "a3", "a9"]))
    with pytest.raises(InputError, match=r"at size = \[30, 30\] they are 15 to 20 degrees wide; leave degrees out"):
        prepare(study)
    shown = load_study(write(folder, text, ["shared", "a1", "a2", "a3"]))
    recording = load(folder / "rec.npz", images=shown.stimuli.source)  # those that trials show are alike
    assert Shown(recording, shown.stimuli).degrees == 15


@pytest.mark.parametrize("key", [{"spatial_frequency": 0.1}, {"patch": True}])
@pytest.mark.parametrize("where", ["recording", "folder"])
def test_keys_of_gratings_are_refused_for_images_wherever_these_are(folder, key, where):
    import tomli_w

    recording = Recording.from_responses("seen", RNG.normal(size=(N, 4)), image=list("abcdefgh"), images=COLOURED)
    save(recording, folder / "rec.npz")
    section = key | ({"images": "a"} if where == "folder" else {})
    (folder / "study.toml").write_text(tomli_w.dumps({"stimuli": section, "recording": {"source": "rec.npz"}}))
    with pytest.raises(InputError, match=f"{next(iter(key))}: given .*images; it is of gratings"):
        prepare(load_study(folder / "study.toml"))


def test_a_study_of_encoders_alone_takes_images_smaller_than_gratings(folder, tmp_path):
    text = (
        '[stimuli]\nimages = "a"\nsize = [30, 40]\n[[encoder]]\nmodel = "net_of_small_images:Net"\nsize = 32\n'
        'untrained = 2\nlayers = ["0"]\n[comparison]\ncontrols = ["pixels", "Gabor energy"]'
    )
    (folder / "net_of_small_images.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(3, 4, 3), nn.ReLU())\n"
    )
    prepared = prepare(load_study(write(folder, text, ["shared", "a1", "a2", "a3"])))
    check_disks(prepared, tmp_path / "out", "cpu")


def test_gratings_are_drawn_at_the_size_of_each_encoder():
    recording = Recording.from_responses("seen", RNG.normal(size=(4, 4)), [0, 45, 90, 135])
    shown = Shown(recording, StimulusSettings())
    drawn = stimuli.gratings([0, 45, 90, 135], size=(96, 96))
    np.testing.assert_array_equal(shown.to_encoder((96, 96)).all(), drawn)
    np.testing.assert_array_equal(shown.to_networks(), stimuli.gratings([0, 45, 90, 135]))
    np.testing.assert_array_equal(shown.to_controls.all(), shown.to_networks())
    said = shown.said_for(Preprocessing((96, 96), 3, *IMAGENET))
    assert said.startswith("gratings drawn for its input, grey in 3 equal channels, at 96 x 96 pixels, norm")
    assert shown.describe(trains=True) == []


def test_controls_see_fewer_pixels_where_thousands_of_images_would_fill_the_memory():
    many = np.broadcast_to(COLOURED[:1], (20_000, 60, 80, 3))
    recording = Recording.from_responses("seen", RNG.normal(size=(N, 4)), image=list("abcdefgh"), images=COLOURED)
    shown = Shown(recording, StimulusSettings())
    assert shown.largest == 128
    shown.__dict__["seen"] = stimuli.ImageSet(many, tuple("x" * 20_000), (60, 80), True)
    height, width = shown.to_controls.image_size
    assert 2**27 < 4 * 3 * height * width * 20_000 <= 2**28


def test_sizes_that_differ_come_to_one(folder):
    Image.fromarray(COLOURED[0, :30]).save(folder / "a" / "a9.png")
    labels = ["shared", "a1", "a2", "a3", "a9"]
    text = '[stimuli]\nimages = "a"'
    with pytest.raises(InputError, match=r"a9.png has 30 x 80 pixels, shared.png 60 x 80.*size = \[height, width\]"):
        prepare(load_study(write(folder, text, labels)))
    recording = load(folder / "rec.npz", images=StimulusSettings(images=str(folder / "a"), size=[30, 40]).source)
    assert recording.images.shape == (5, 30, 40, 3)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"images": "a", "sets": [{"name": "a", "images": "a"}]}, "images = 'a' and named sets; give one"),
        ({"images": "a", "patch": True}, "patch: given True, but stimuli are images; it is of gratings"),
        ({"images": "a", "spatial_frequency": 0.1}, "spatial_frequency: given 0.1, but stimuli are images"),
        ({"fit": "pad"}, "fit: given 'pad' without size"),
        ({"field": [0.5, 0, 9, 9]}, "pixels are whole numbers. For degrees, also give field_unit = 'degrees'"),
        ({"field": [0, 0, 9, 9], "field_unit": "degrees"}, "the width of an image in degrees is not; give degrees"),
        ({"field": [9, 0, 9, 9]}, r"it should be \[left, top, right, bottom\]"),
        ([{"name": "a", "images": "a"}, {"name": "a", "images": "b"}], "2 sets called 'a'"),
        (
            [{"name": "a", "images": "a", "degrees": 2.0}, {"name": "b", "images": "b", "degrees": 3.0}],
            "degrees is 2.0 in one set and 3.0 in another",
        ),
        ([{"images": "a"}], "name"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(section, says, tmp_path):
    import tomli_w

    (tmp_path / "study.toml").write_text(tomli_w.dumps({"stimuli": section}))
    with pytest.raises(InputError, match=says):
        load_study(tmp_path / "study.toml")


@pytest.mark.parametrize("key", [{"field": [0, 0, 9, 9]}, {"degrees": 9.0}, {"size": [9, 9]}, {"largest": 9}])
def test_keys_of_images_are_refused_for_gratings(key):
    (name,) = key
    with pytest.raises(InputError, match=f"stimuli.{name}: the stimuli of simulated-v1 are orientations"):
        prepare(Study(stimuli=StimulusSettings(**key), recording=[{"source": "simulated-v1", "n_neurons": 10}]))


def test_a_field_outside_of_the_images_and_images_given_twice_are_refused(folder):
    recording = Recording.from_responses("seen", RNG.normal(size=(N, 4)), image=list("abcdefgh"), images=COLOURED)
    with pytest.raises(InputError, match=r"seen: field is .*must lie within images of 80 x 60 pixels"):
        Shown(recording, StimulusSettings(field=[0, 0, 81, 60])).check()
    save(recording, folder / "rec.npz")
    (folder / "twice.toml").write_text('[recording]\nsource = "rec.npz"\nimages = "a"\n[stimuli]\nimages = "a"')
    with pytest.raises(InputError, match="images are given twice"):
        prepare(load_study(folder / "twice.toml"))
