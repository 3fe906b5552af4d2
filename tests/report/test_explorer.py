"""The data that the page's scripts are given."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
import xarray as xr
from hostile import NAMES, NETWORK, ORIENTATION
from PIL import Image

from normenc import report
from normenc.report.explorer import _degrees, explorer
from normenc.runs import Run


def numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def levels(found: dict) -> np.ndarray:
    return found["low"] + found["scale"] * numbers(found["values"], "<u2")


def test_what_is_encoded_comes_back(hostile_run):
    found = explorer(hostile_run, [])
    assert found["stimuli"]["labels"][:2] == ["−90°", "−75°"]
    assert found["stimuli"]["angles"] == ORIENTATION.tolist()
    own, pool = found["populations"][:2]
    assert (own["label"], own["kind"], pool["label"], pool["kind"]) == ("mine", "recording", "pool", "trained layer")
    above = np.triu_indices(12, k=1)
    for population, rdm in ((own, hostile_run.evaluation.recording_rdm), (pool, hostile_run.evaluation.shown[0].rdm)):
        np.testing.assert_allclose(levels(population["rdm"]), rdm[above], atol=0.51 * population["rdm"]["scale"])
        assert population["rdm"]["scale"] == pytest.approx(np.ptp(rdm[above]) / 65535, rel=1e-5)
    tuning = own["tuning"]
    assert tuning["total"] == 9
    drawn = [population["tuning"] for population in found["populations"] if population["label"] == "pixels"]
    assert [(len(pixels["units"]), pixels["total"]) for pixels in drawn] == [(200, 24 * 32)]
    assert tuning["names"] == NAMES
    mean = tuning["low"] + tuning["scale"] * numbers(tuning["mean"], "<u2").reshape(9, 12)
    trials = hostile_run.evaluation.recording.trials.to_numpy().reshape(12, 4, 9)
    # Half a step of 65535 between the smallest and the largest response.
    np.testing.assert_allclose(mean, trials.mean(axis=1).T, atol=0.51 * tuning["scale"])
    assert tuning["scale"] == pytest.approx(np.ptp(trials.mean(axis=1)) / 65535, rel=1e-5)
    json.dumps(found, allow_nan=False)


def test_of_many_stimuli_two_hundred_are_taken_evenly(hostile_run, tmp_path):
    n = 401
    rdm = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / n
    angles = np.linspace(-90, 90, n)
    folder = tmp_path / "run"
    shutil.copytree(hostile_run.folder, folder)
    xr.Dataset(
        {
            "components": (("population", "stimulus", "component"), np.zeros((1, n, 3), dtype=np.float32)),
            "key": ("population", ["mine"]),
            "kind": ("population", ["recording"]),
        },
        {"population": ["mine"], "orientation": ("stimulus", angles)},
    ).to_netcdf(folder / "populations.nc", engine="h5netcdf")
    xr.DataArray(
        rdm[None], {"population": ["mine"]}, ("population", "stimulus", "stimulus_2"), attrs={"metric": "correlation"}
    ).to_dataset(name="dissimilarity").to_netcdf(folder / "rdms.nc", engine="h5netcdf")
    pixels = np.random.default_rng(0).integers(0, 256, (21 * 3, 20 * 4)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "stimuli.png")
    found = explorer(Run.open(folder), [])
    kept = np.searchsorted(angles, found["stimuli"]["angles"])
    assert (len(kept), kept[0], kept[-1], found["stimuli"]["thinned_from"]) == (200, 0, 400, 401)
    assert set(np.diff(kept)) == {2, 3}
    assert (found["stimuli"]["width"], found["stimuli"]["height"]) == (4, 3)
    # The sheet holds what is kept, in its order, and nothing else.
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(found["stimuli"]["sheet"].split(",")[1]))))
    assert sheet.shape == (10 * 3, 20 * 4)
    tiles, every = (values.reshape(-1, 3, 20, 4).swapaxes(1, 2).reshape(-1, 3, 4) for values in (sheet, pixels))
    np.testing.assert_array_equal(tiles, every[kept])
    np.testing.assert_allclose(levels(found["populations"][0]["rdm"])[:199], (kept[1:] - kept[0]) / n, atol=1e-5)


def test_degrees_have_no_minus_zero():
    assert [_degrees(angle) for angle in (-0.0, 22.5, -90.0)] == ["0°", "22.5°", "−90°"]


def test_a_run_of_an_older_version_has_a_page_without_scripts(hostile_run, tmp_path):
    shutil.copytree(hostile_run.folder, tmp_path / "old")
    for name in ("populations.nc", "stimuli.png", "quality.json", "similarity_by_method.csv"):
        (tmp_path / "old" / name).unlink()
    text = report.render(tmp_path / "old")
    assert "<script" not in text
    assert "Does the answer depend on the measure" not in text


def test_the_methods_say_what_was_done(hostile_run):
    text = report.render(hostile_run.folder)
    said = text.split('<p id="methods-text">')[1].split("</p>")[0]
    for phrase in (
        "compared with the responses of 9 neurons (&lt;script&gt;",
        "to 12 gratings of different orientations in 48 trials (Me &amp; You, 2026)",
        "tilt-discrimination (40 stimuli; 2 epochs of batches of 20, learning rate 0.0005, momentum 0.99), and never",
        "The layers pool and fc were compared with the recording, and so were the same layers of 2 untrained networks",
        "The controls were Fourier amplitude, Gabor energy, orientation model and pixels.",
        "one minus the Pearson correlation between the responses of neurons or units to each pair",
        "trials and seeds of the untrained networks (60 samples), corrected for variance",
        "The stimuli were taken as all there are.",
        "with 320 random permutations of the stimuli, which ask whether model and recording are related at all",
        "The noise ceiling was estimated from split halves of the repeated trials.",
    ):
        assert phrase in said.replace("\n", " "), phrase
    assert NETWORK.replace("<", "&lt;").replace(">", "&gt;") in said
    numbered = text.split('<p id="methods-text">')[1].split("<ol>")[1].split("</ol>")[0]
    assert numbered.count("<li>") == max(int(part.split("]")[0]) for part in said.split("[")[1:])


def test_a_recording_that_counts_orientations_from_zero_is_shown_as_its_tuning_is(hostile_run, tmp_path):
    """The same stimulus has one angle, and so one colour, in all figures, those of the explorers included."""
    turned = [*range(0, 180, 15)]
    folder = tmp_path / "run"
    shutil.copytree(hostile_run.folder, folder)
    for name in ("populations.nc", "rdms.nc"):
        with xr.open_dataset(folder / name) as kept:
            own = {name: turned for name in ("orientation", "orientation_2") if name in kept.coords}
            changed = kept.load().assign_coords({name: (kept[name].dims, angles) for name, angles in own.items()})
        changed.to_netcdf(folder / name, engine="h5netcdf")
    run = Run.open(folder)
    within, order = np.arange(-90, 90, 15), np.roll(np.arange(12), 6)  # 90 degrees is -90, and comes first
    stimuli = explorer(run, [])["stimuli"]
    assert (stimuli["angles"], stimuli["start"], stimuli["period"]) == (within.tolist(), -90, 180)
    for name in ("rdms", "rdm_rows", "embeddings"):
        before, after = (one.figures[name].arguments for one in (hostile_run, run))
        np.testing.assert_array_equal(after["orientation"], within)
        for label, values in before["populations"].items():
            moved = values[order] if name == "embeddings" else values[np.ix_(order, order)]
            np.testing.assert_array_equal(after["populations"][label], moved)
    sheets = [
        Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2])))
        for text in (
            explorer(hostile_run, [])["stimuli"]["sheet"],
            stimuli["sheet"],
        )
    ]
    before, after = (np.asarray(sheet.convert("L")) for sheet in sheets)
    side = stimuli["width"]
    tiles = [np.asarray(own)[: stimuli["height"]] for own in (before, after)]
    for place, source in enumerate(order):
        np.testing.assert_array_equal(
            tiles[1][:, place * side : (place + 1) * side], tiles[0][:, source * side : (source + 1) * side]
        )
    assert "the recording’s 165° is shown as −15°" in report.render(folder)
