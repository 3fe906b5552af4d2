"""Runs on recordings of every kind: trials, animals, directions, images, responses too large for memory."""

import json
import re

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from normenc import controls, recordings, report, rsa, stimuli
from normenc.errors import InputError
from normenc.study import Study, run
from normenc.study.representing import prepare

CONTROLS = ["Fourier amplitude", "orientation model", "pixels"]
SMALL = Study(
    name="small",
    stimuli={"resolution": 0.05},
    task={"n_train": 60, "n_test": 40},
    network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
    training={"seed": 4, "n_epochs": 2, "batch_size": 25, "n_untrained": 2},
    comparison={
        "n_samples": 60,
        "n_permutations": 19,
        "controls": ["Fourier amplitude", "orientation model", "pixels"],
    },
)


def run_on(recording, tmp_path, stages=("represent", "compare", "describe"), **settings):
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "mine.npz"
    recordings.save(recording, path)
    study = SMALL.with_changes(recording=str(path), preparation=settings)
    finished = run(study, tmp_path / "run", progress=False, device="cpu", stages=stages)
    page = report.write(finished.folder).read_text(encoding="utf-8")
    said = re.sub(r'src="data:[^"]+"|<script.*', "", page, flags=re.DOTALL)
    assert not re.search(r"\bnan\b", said, re.IGNORECASE)
    return finished.evaluation, finished.folder, page


def test_trials_give_a_ceiling_errors_of_curves_and_halves(tmp_path):
    trials = recordings.simulated_v1(60, n_repeats=4, n_stimuli=36)
    evaluation, folder, page = run_on(trials, tmp_path, stages=None)
    ceiling = evaluation.inference.ceiling
    assert ceiling.kind == "repeats"
    by_hand = rsa.noise_ceiling(
        rsa.rdm(trials.responses),
        repeats=trials.trials.to_numpy()[np.argsort(trials.trials["stimulus_index"].to_numpy(), kind="stable")]
        .reshape(36, 4, 60)
        .transpose(1, 0, 2),
    )
    assert (ceiling.lower, ceiling.upper) == pytest.approx((by_hand.lower, by_hand.upper))
    own = evaluation.descriptions["mine (simulated)"]
    assert own.halved
    table = pd.read_csv(folder / "tuning.csv").set_index("population")
    assert table.loc["mine (simulated)", "reliability_median"] > 0.1
    assert np.isnan(table.loc["fc", "reliability_median"])
    assert "Neurons are sorted by one half of their trials" in page
    facts = json.loads((folder / "environment.json").read_text())["recording"]
    assert (facts["n_repeats"], facts["n_trials"], facts["stimuli"]) == ([4, 4], 144, "orientation")
    assert facts["steps"] == ["averaged over the trials of each stimulus"]


def test_animals_are_a_factor_and_give_the_ceiling(tmp_path):
    several = recordings.simulated_v1(90, n_repeats=2, n_animals=3, n_stimuli=24)
    evaluation, folder, _ = run_on(several, tmp_path)
    found = evaluation.inference
    assert (found.ceiling.kind, found.sizes["animals"]) == ("animals", 3)
    rdms = [
        rsa.rdm(several.responses.to_numpy()[:, several.responses["neuron_animal"].to_numpy() == name])
        for name in several.animals
    ]
    row = evaluation.by_seed.set_index("encoder").loc["pixels"]
    pixels = next(r for r in evaluation.representations if r.label == "pixels")
    assert row["similarity"] == pytest.approx(np.mean(rsa.compare_rdms(pixels.rdm, np.stack(rdms))))
    table = pd.read_csv(folder / "similarity.csv").set_index("encoder")
    assert table.loc["pixels", "similarity"] == pytest.approx(row["similarity"])
    np.testing.assert_allclose(evaluation.recording_rdm, rsa.rdm(several.responses))  # in pictures, all neurons


def test_directions_are_kept_apart_or_folded(tmp_path):
    drifting = recordings.simulated_v1(60, n_repeats=2, n_stimuli=24, direction=True)
    evaluation, folder, page = run_on(drifting, tmp_path)
    assert evaluation.recording_rdm.shape == (24, 24)
    pixels = next(r for r in evaluation.representations if r.label == "pixels")
    assert pixels.rdm[0, 12] == pytest.approx(0, abs=1e-6)  # opposite directions are the same image
    assert "gratings that drift in opposite directions are the same image" in page
    rdms = xr.open_dataarray(folder / "rdms.nc")
    np.testing.assert_array_equal(rdms["direction"], np.arange(24) * 15)
    folded, _, page = run_on(drifting, tmp_path / "folded", fold_directions=True)
    assert folded.recording_rdm.shape == (12, 12)
    assert "folded directions onto orientations" in page


def test_networks_are_shown_the_images_that_the_animal_saw(tmp_path):
    shown = stimuli.natural_patches(12, np.random.default_rng(0)).images  # 48 x 64, which the study halves
    energy = controls.gabor_energy(shown)["energy"]
    natural = recordings.simulated_natural(energy, shown, n_neurons=40, n_repeats=3).recording
    evaluation, folder, page = run_on(natural, tmp_path, stages=None)
    networks = set(evaluation.similarity["network"])
    assert networks == {"ConvPoolFC", "Fourier amplitude", "pixels"}  # no orientation, no model of it
    assert evaluation.images.shape == (12, 24, 32)
    pixels = next(r for r in evaluation.representations if r.label == "pixels")
    np.testing.assert_allclose(pixels.rdm, rsa.rdm(shown.flatten(1)), atol=1e-6)  # controls see their own size
    block = shown[:, :48, :64].reshape(12, 24, 2, 32, 2).mean(dim=(2, 4))
    assert np.corrcoef(block.numpy().ravel(), evaluation.images.numpy().ravel())[0, 1] > 0.95
    assert not (folder / "figures" / "rdm_rows.png").exists()
    assert '<h2 id="tuning">' not in page  # images have no orientation
    assert "represent images as" in page


def test_images_that_are_missing_are_asked_for(tmp_path):
    np.savez(tmp_path / "m.npz", responses=np.random.default_rng(0).normal(size=(8, 5)), image=list("abcdefgh"))
    with pytest.raises(InputError, match=r"m: the images that the animal saw are missing; .* images='FOLDER'"):
        prepare(SMALL.with_changes(recording=str(tmp_path / "m.npz")))


def test_responses_too_large_for_memory_are_streamed(tmp_path):
    rng = np.random.default_rng(0)
    responses, direction = rng.normal(size=(48, 40)).astype(np.float32), np.tile(np.arange(0, 360, 15.0), 2)
    with h5py.File(tmp_path / "big.h5", "w") as file:
        file.create_dataset("responses", data=np.tile(responses, (1, 12_000)), chunks=(48, 8_000))  # 92 MB
        file["direction"] = direction
    options = {"fold_directions": True, "bin_width": 30, "z_score": True}
    streamed = recordings.load(tmp_path / "big.h5", in_memory_gib=0.05, **options)
    assert streamed.responses is None
    assert streamed.steps[-1] == "turned into the RDM of 480,000 neurons block by block"
    np.savez(tmp_path / "small.npz", responses=responses, direction=direction)
    whole = recordings.load(tmp_path / "small.npz", **options)
    np.testing.assert_array_equal(streamed.orientation, whole.orientation)
    np.testing.assert_allclose(streamed.rdm, rsa.rdm(whole.responses), atol=1e-5)
    with pytest.raises(InputError, match="neurons cannot be chosen by region"):
        recordings.load(tmp_path / "big.h5", in_memory_gib=0.05, region="V1")


def test_preparations_of_a_study_file_are_kept_in_the_run(tmp_path):
    path = tmp_path / "odd.npz"
    rng = np.random.default_rng(0)
    responses = rng.normal(size=(36, 12))
    responses[3, 4] = np.nan
    region = ["V1"] * 8 + ["LM"] * 4
    np.savez(path, F=responses, theta=np.tile(np.arange(18) * 10.0, 2), region=region)
    (tmp_path / "study.toml").write_text(
        SMALL.to_toml().split("[recording]")[0]
        + '[recording]\nsource = "odd.npz"\nmissing = "neurons"\nregion = ["V1"]\nz_score = true\n'
        + 'names = { responses = "F", orientation = "theta" }\n[stimuli]'
        + SMALL.to_toml().split("[stimuli]")[1]
    )
    from normenc.study import load_study

    stages = ("represent", "compare")
    finished = run(load_study(tmp_path / "study.toml"), tmp_path / "run", progress=False, device="cpu", stages=stages)
    recording = finished.evaluation.recording
    assert (recording.n_neurons, recording.n_stimuli, recording.units) == (7, 18, "z-score over stimuli")
    again = load_study(finished.folder / "study.toml")
    assert again.recording[0].names == {"responses": "F", "orientation": "theta"}
    assert again.recording[0].preparation.given() == {
        "names": {"responses": "F", "orientation": "theta"},
        "region": ["V1"],
        "z_score": True,
        "missing": "neurons",
    }
