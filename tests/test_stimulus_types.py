"""A type of stimuli is one class: the rooms ask it, and know new ones at once."""

import dataclasses
import inspect
import json

import numpy as np
import pandas as pd
import pytest

from normenc import figures, quality, recordings, report, rsa
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.recordings.axes import SYNONYMS
from normenc.recordings.labels import NEURON_LABELS, TRIAL_LABELS
from normenc.stimulus_types import STIMULUS_TYPES, Angle, Direction, Images, Orientation, Quantity, as_type, register
from normenc.stimulus_types.known import RESERVED, drawn_as, drawn_type
from normenc.study import Study, run


class Hue(Angle):
    name, plural, units = "hue", "hues", "degrees of hue"


class SpatialFrequency(Quantity):
    name, plural, units = "spatial_frequency", "spatial frequencies", "cycles/degree"


@pytest.fixture
def registered():
    """Both types are known while a test runs."""
    kinds = [register(Hue()), register(SpatialFrequency())]
    yield
    for kind in kinds:
        del STIMULUS_TYPES[kind.name]


VALUES = {"hue": np.arange(0.0, 360, 36), "spatial_frequency": 0.01 * 2 ** np.arange(10.0)}
PHASE = np.arange(10) * 36.0
IMAGES = np.random.default_rng(3).random((10, 30, 40))


def trials_of(kind, **options):
    """Ten stimuli, four trials of each, and twelve neurons that prefer one after the other."""
    signal = np.exp(np.cos(np.deg2rad(PHASE[:, None] - np.arange(12) * 30)))
    responses = np.tile(signal, (4, 1)) + 0.2 * np.random.default_rng(0).normal(size=(40, 12))
    return Recording.from_trials("toy", responses, **{kind: np.tile(VALUES[kind], 4)}, **options)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("suffix", ["npz", "csv", "nc", "h5", "nwb"])
@pytest.mark.parametrize("kind", VALUES)
def test_files_keep_a_new_type(tmp_path, kind, suffix):
    made = trials_of(kind)
    recordings.save(made, tmp_path / f"toy.{suffix}")
    back = recordings.load(tmp_path / f"toy.{suffix}")
    assert back.kind == kind and back.shown is STIMULUS_TYPES[kind]
    np.testing.assert_array_equal(back.stimulus, VALUES[kind])
    np.testing.assert_array_equal(back.responses.values, made.responses.values)


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("kind", VALUES)
def test_images_of_a_new_type_are_kept_in_the_order_of_the_stimuli(tmp_path, kind):
    made = trials_of(kind, images=IMAGES)
    recordings.save(made, tmp_path / "toy.npz")
    np.testing.assert_array_equal(recordings.load(tmp_path / "toy.npz").images, IMAGES.astype(np.float32))
    some = ",".join(map(str, VALUES[kind][[5, 2, 7]])).replace(",", "|")
    chosen = recordings.load(tmp_path / "toy.npz", where={kind: some.split("|")})
    np.testing.assert_array_equal(chosen.images, IMAGES[[2, 5, 7]].astype(np.float32))
    with pytest.raises(InputError, match=r"NWB files keep images by their names"):
        recordings.save(made, tmp_path / "toy.nwb")


@pytest.mark.usefixtures("registered")
def test_images_in_a_file_belong_to_the_stimuli_in_rising_order(tmp_path):
    hue = np.array([90.0, 360, 0, 180, 90])  # 0 and 360 are one, of which the first is shown
    np.savez(tmp_path / "a.npz", responses=np.eye(5), hue=hue, images=IMAGES[:4])
    found = recordings.load(tmp_path / "a.npz")
    assert found.stimulus.tolist() == [0, 90, 180]
    np.testing.assert_array_equal(found.images, IMAGES[:3].astype(np.float32))
    np.savez(tmp_path / "b.npz", responses=np.eye(5), hue=hue, images=IMAGES[:3])
    with pytest.raises(InputError, match="there are 3 images but 4 hues; give one image for each"):
        recordings.load(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", rdm=1 - np.eye(3), hue=[180, 0, 90], images=IMAGES[:3])
    np.testing.assert_array_equal(recordings.load(tmp_path / "c.npz").images, IMAGES[:3].astype(np.float32))


@pytest.mark.usefixtures("registered")
def test_numbers_of_a_new_type_are_checked():
    with pytest.raises(InputError, match="hue runs from 0 to 400, over more than 360 degrees"):
        Recording.from_responses("toy", np.eye(3), hue=[0, 90, 400])
    with pytest.raises(InputError, match="spatial_frequency of stimulus 1 is not finite; give numbers"):
        Recording.from_responses("toy", np.eye(2), spatial_frequency=[1, np.nan])
    with pytest.raises(InputError, match="given as orientation and hue; give one of orientation, direction, image, "):
        Recording.from_responses("toy", np.eye(2), [0, 1], hue=[0, 1])
    tiny = Recording.from_trials("toy", np.eye(4), spatial_frequency=[1e-9, 2e-9, 1e-9, 3e-9])
    assert tiny.stimulus.tolist() == [1e-9, 2e-9, 3e-9]  # no quantity is rounded as degrees are
    for step in (recordings.fold, lambda made: recordings.bin_stimuli(made, 10)):
        with pytest.raises(InputError, match="spatial frequencies"):
            step(trials_of("spatial_frequency"))


@pytest.mark.usefixtures("registered")
def test_xarray_and_rdm_files_know_a_new_type(tmp_path):
    made = trials_of("hue")
    dataset = recordings.to_xarray(made)
    assert dataset["hue"].attrs == {"units": "degrees of hue"}
    assert recordings.from_xarray(dataset, "again").kind == "hue"
    matrix = rsa.rdm(made.responses)
    for suffix in ("csv", "nc", "npz"):
        recordings.save_rdm(matrix, made.stimulus, tmp_path / f"r.{suffix}", kind="hue")
        back = recordings.load(tmp_path / f"r.{suffix}")
        assert back.kind == "hue"
        np.testing.assert_allclose(back.rdm, matrix, atol=1e-12)


@pytest.mark.usefixtures("registered")
def test_a_circle_has_neighbours_and_an_order_has_none():
    hue, frequency = trials_of("hue"), trials_of("spatial_frequency")
    assert hue.has_neighbours and not frequency.has_neighbours
    assert (hue.period, frequency.period, hue.orientation) == (360, None, None)
    models = {"half": rsa.rdm(hue.responses[:, :6]), "other": rsa.rdm(hue.responses[:, 6:])}
    options = {"generalise_to": ["stimuli"], "n_samples": 50}
    found = {
        made.kind: rsa.infer(models, **quality.rdms_for_inference(made), ordered=made.has_neighbours, **options)
        for made in (hue, frequency)
    }
    assert found["hue"].block_length is not None and found["spatial_frequency"].block_length is None
    assert found["hue"].ordered and not found["spatial_frequency"].ordered
    pd.testing.assert_series_equal(found["hue"].models["similarity"], found["spatial_frequency"].models["similarity"])


@pytest.mark.usefixtures("registered")
def test_the_check_speaks_of_a_new_type():
    found = {kind: quality.check(trials_of(kind)) for kind in VALUES}
    said = {kind: dict(quality.lines(one)) for kind, one in found.items()}
    assert said["hue"]["stimuli"] == (
        "10 hues, 0 to 324 degrees of hue (period 360), largest gap 36: all around the circle, without their images"
    )
    assert said["spatial_frequency"]["stimuli"] == (
        "10 spatial frequencies, 0.01 to 5.12 cycles/degree, without their images"
    )
    for kind, one in found.items():
        plural = STIMULUS_TYPES[kind].plural
        assert said[kind]["neurons are tuned"].startswith(f"12 of 12 (100%) to some {plural};")
        assert "decoding error" not in said[kind]  # nothing says how a hue is decoded
        assert quality.decisions(one.decidable, kind, 10)[0] == f"Models can tell all 10 {plural} apart."
        assert one.verdict == "reliable"
    assert "orientation" not in json.dumps([*said.values()]) + str([one.warnings for one in found.values()])


@pytest.mark.usefixtures("registered")
def test_pictures_are_labelled_with_a_new_type():
    for kind, label, first in (
        ("hue", "hue", "0°"),
        ("spatial_frequency", "spatial frequency (cycles/degree)", "0.01"),
    ):
        made = trials_of(kind)
        matrices, points = {"toy": rsa.rdm(made.responses)}, {"toy": np.random.default_rng(0).normal(size=(10, 2))}
        panel = figures.rdms(matrices, made.stimulus, period=made.period, shown=kind).flat[0]
        assert panel.get_xticklabels()[0].get_text() == first
        rows = figures.rdm_rows(matrices, made.stimulus, period=made.period, shown=kind)
        assert rows.flat[0].get_xlabel() == label.replace(" (", "\n(")
        x = made.stimulus if made.period is not None else np.arange(10)  # in order, not on a scale that is a guess
        np.testing.assert_array_equal(rows.flat[0].lines[0].get_xdata(), x)
        assert rows.flat[0].get_title() == f"from {made.shown.text(made.stimulus[1])}"
        cloud = figures.embeddings(points, made.stimulus, period=made.period, shown=kind).flat[0]
        bar = cloud.get_figure().axes[-1]
        assert bar.get_ylabel() == label
        assert cloud.collections[0].get_cmap().name == ("viridis" if made.period is None else "twilight")
    assert made.plot().get_xticklabels()[-1].get_text() == "5.12"


@pytest.mark.usefixtures("registered")
def test_a_study_of_a_new_type_runs_and_reports(tmp_path):
    kind = "spatial_frequency"
    recordings.save(trials_of(kind, images=IMAGES), tmp_path / "toy.npz")
    study = Study(
        recording={"source": str(tmp_path / "toy.npz")},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"pool_size": 4},
        training={"n_epochs": 1, "batch_size": 20, "n_untrained": 2},
        comparison={"n_samples": 60, "n_permutations": 19, "controls": ["pixels", "orientation model"]},
        encoding={"enabled": True, "networks": []},
    )
    folder = run(study, tmp_path / "run", progress=False, device="cpu").folder
    environment = json.loads((folder / "environment.json").read_text())
    plural = STIMULUS_TYPES[kind].plural
    assert environment["recording"]["stimuli"] == kind
    assert f"{plural} have no orientation" in json.dumps(environment)
    page = report.write(folder).read_text(encoding="utf-8")
    assert f"to 10 images of different {plural}" in page
    names = {picture.stem for picture in (folder / "figures").iterdir()}
    assert {"rdms", "rdm_rows", "embeddings", "predictivity"} <= names and "tuning_curves" not in names
    assert STIMULUS_TYPES[kind].noun in (folder / "figures" / "rdm_rows.svg").read_text(encoding="utf-8")


def test_pictures_find_a_type_by_its_period_unless_it_is_named():
    for kind in (Orientation(), Direction(), Images()):
        told = drawn_as(kind)
        assert list(told) == ["period"] and type(drawn_type(None, told["period"])) is type(kind)
    assert drawn_as(Hue()) == {"period": 360.0, "shown": "hue"}
    assert drawn_as(SpatialFrequency()) == {"period": None, "shown": "spatial_frequency"}
    with pytest.raises(InputError, match="period is 90; it must be 180"):
        drawn_type(None, 90)


def test_no_type_has_the_name_of_an_axis_a_parameter_or_a_label():
    taken = {field.name for field in dataclasses.fields(recordings.Preparation)}
    for function in (Recording.from_responses, Recording.from_trials, Recording.from_rdm, recordings.load):
        taken |= set(inspect.signature(function).parameters)
    taken |= {name for names in SYNONYMS.values() for name in names}
    taken |= {*NEURON_LABELS, *TRIAL_LABELS}
    assert taken - STIMULUS_TYPES.keys() <= RESERVED


@pytest.mark.parametrize("period", [0, -360.0, np.nan, np.inf, "360", None, True, [360]])
def test_a_circle_has_a_positive_period(period):
    odd = type("Odd", (Angle,), {"name": "odd", "plural": "odd ones", "period": period})()
    with pytest.raises(InputError, match=r"the period of odd is .*; it must be a finite number above 0"):
        register(odd)
    with pytest.raises(InputError, match=r"given the class Hue; .* register\(Hue\(\)\)"):
        register(Hue)
    assert "odd" not in STIMULUS_TYPES


@pytest.mark.parametrize("period", [1e-9, 1.0, 24.0, 1e6])
def test_angles_are_told_apart_on_a_circle_of_any_size(period):
    kind = register(type("Phase", (Angle,), {"name": "phase", "plural": "phases", "period": period})())
    try:
        shown = np.arange(8) * period / 8
        made = Recording.from_trials("toy", np.eye(16), phase=np.tile(shown, 2))
        np.testing.assert_allclose(made.stimulus, shown, rtol=1e-9)
        assert made.has_neighbours and len({kind.text(value) for value in shown}) == 8
        assert not kind.covers_circle(shown[:5])
    finally:
        del STIMULUS_TYPES["phase"]


@pytest.mark.parametrize("name", ["", "two words", "responses", "orientation", "neuron", "class", "Trial", "window", 3])
def test_names_that_a_type_cannot_have_are_refused(name):
    odd = type("Odd", (Quantity,), {"name": name, "plural": "odd ones"})()
    with pytest.raises(InputError, match="a name of letters, digits and _ that is not taken"):
        register(odd)
    assert list(STIMULUS_TYPES) == ["orientation", "direction", "image"]


def test_an_unknown_type_is_refused():
    with pytest.raises(InputError, match="kind is 'hue'; it must be one of orientation, direction, image"):
        as_type("hue")
    with pytest.raises(TypeError, match="hue"):
        Recording.from_responses("toy", np.eye(3), [0, 1, 2], hue=[0, 1, 2])
