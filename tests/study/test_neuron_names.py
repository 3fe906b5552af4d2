"""A neuron that was chosen among others bears its own name, and is counted alike, wherever a run shows it."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from normenc import quality, report
from normenc.report.explorer import explorer
from normenc.runs import read_source_data
from normenc.study import Study, run
from run_schema import check_run

ROI = np.arange(40) * 3 + 100
STUDY = Study(
    name="names",
    stimuli={"resolution": 0.05},
    task={"n_train": 40, "n_test": 20},
    network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
    training={"seed": 4, "n_epochs": 1, "batch_size": 20, "n_untrained": 2},
    comparison={"n_samples": 50, "n_permutations": 19, "controls": ["pixels"]},
    encoding={"enabled": True, "n_samples": 50, "max_epochs": 1, "networks": ["factorised readout"]},
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Twelve directions that are folded, five trials of each, and blanks; of 40 neurons 27 are kept."""
    folder = tmp_path_factory.mktemp("names")
    rng = np.random.default_rng(0)
    direction = np.concatenate([np.tile(np.arange(0, 360, 30.0), 5), np.full(8, np.nan)])
    angle = np.radians(direction[:, None] - rng.uniform(0, 360, 40))
    signal = np.exp(2 * np.cos(2 * angle)) + np.exp(2 * np.cos(angle)) * (np.arange(40) % 3 == 0)
    responses = np.where(np.isnan(angle), 0, signal) + rng.normal(size=angle.shape)
    responses[2, ::10] = np.nan  # of four neurons one trial is missing
    good = np.where(np.arange(40) % 4 == 1, "dim", "good")
    np.savez(folder / "mine.npz", responses=responses, direction=direction, roi=ROI, quality=good)
    study = STUDY.with_changes(
        recording=str(folder / "mine.npz"),
        preparation={"missing": "neurons", "quality": ["good"], "fold_directions": True},
    )
    done = run(study, folder / "run", progress=False, device="cpu")
    report.write(done.folder)
    kept = ROI[(good == "good") & (np.arange(40) % 10 != 0)].astype(str).tolist()
    return done, kept


def test_a_run_of_directions_with_blanks_is_what_its_schema_says(finished):
    check_run(
        finished[0].folder,
        without={"animals.csv", "between_animals.csv", "circular_parts.csv", "failures.csv", "over_training.csv"},
    )


def test_the_recording_keeps_the_names_of_the_neurons_that_were_chosen(finished):
    done, kept = finished
    assert done.evaluation.described.responses["neuron"].to_numpy().tolist() == kept
    assert 20 < len(kept) < 40


def test_tables_and_explorer_name_them_alike(finished):
    done, kept = finished
    recording = done.evaluation.described
    table = pd.read_csv(done.folder / "tuning_units.csv", dtype={"neuron": str})
    own = table[table["population"] == "mine"]
    assert own["neuron"].tolist() == kept and own["unit"].isna().all()
    assert own["roi"].astype(int).astype(str).tolist() == kept and list(table)[list(table).index("neuron") + 1] == "roi"
    others = table[table["population"] != "mine"]
    assert others["neuron"].isna().all() and others["unit"].notna().all()
    assert others.loc[others["population"] == "pool", "unit"].min() == 0
    shown = explorer(done, [])["populations"][0]["tuning"]
    assert (shown["names"], shown["total"]) == (kept, len(kept))
    facts = own.set_index("neuron")["preferred_direction_deg"]
    np.testing.assert_allclose(shown["facts"]["preferred_direction_deg"], facts[shown["names"]], rtol=1e-5)
    with xr.open_dataset(done.folder / "populations.nc", engine="h5netcdf") as kept_of:
        assert kept_of["name_0"].to_numpy().tolist() == kept
        np.testing.assert_allclose(kept_of["tuning_0"], recording.responses, atol=1e-5)


@pytest.mark.parametrize("picture", ["tuning_curves", "tuning_best"])
def test_a_curve_is_that_of_the_neuron_in_its_title(finished, picture):
    done, kept = finished
    axes = read_source_data(done.folder)[picture].draw()
    for panel in axes[0]:
        name = panel.get_title().split("neuron ")[1].split("\n")[0]
        own = done.evaluation.described.responses.to_numpy()[:, kept.index(name)]
        np.testing.assert_allclose(panel.lines[0].get_ydata(), own, rtol=1e-5)


def test_readouts_are_titled_by_the_same_names(finished):
    done, kept = finished
    labels = read_source_data(done.folder)["readouts_factorised_readout"].arguments["labels"]
    places = np.unique(np.linspace(0, len(kept) - 1, 8).astype(int))
    assert labels == [f"neuron {kept[place]}" for place in places]


def test_pictures_tables_and_check_count_alike(finished):
    done, kept = finished
    row = pd.read_csv(done.folder / "tuning.csv").set_index("population").loc["mine"]
    neurons = json.loads((done.folder / "quality.json").read_text())["neurons"]
    pictures = read_source_data(done.folder)
    for kind, picture in (("orientation", "preferences"), ("direction", "preferred_directions")):
        n = row[f"n_tuned_{kind}"]
        title = pictures[picture].draw().flat[0].get_title().replace("\n", " ")
        assert title == f"mine {n:.0f} tuned of {len(kept)} neurons"
        assert neurons[f"tuned_{kind}"] == {"n": n, "tested": len(kept)}
    assert neurons["tuned"] == {"n": row["n_tuned"], "tested": row["n_tested_tuned"]}
    assert neurons["responsive"] == {"n": row["n_responsive"], "tested": row["n_tested_responsive"]}
    assert 0 < row["n_tuned_direction"] < row["n_tuned_orientation"] <= len(kept)


def test_the_page_says_of_the_file_what_a_check_says(finished):
    done, _ = finished
    settings = done.evaluation.study.recording[0]
    found = quality.check(settings.source, preparation=settings.preparation)
    kept = json.loads((done.folder / "quality.json").read_text())
    assert kept["raw"]["missing"] == found.raw.missing == 4 and kept["raw"]["largest"] == found.raw.largest
    told = dict(quality.lines(found))
    assert dict(kept["lines"]) == told and told["values"].endswith("; 4 missing")


def test_of_layers_orientation_alone_is_described_and_nothing_of_six_averages_is_tested(finished):
    done, _ = finished
    table = pd.read_csv(done.folder / "tuning.csv").set_index("population").loc[["pool", "fc", "pixels"]]
    columns = ["n_tuned", "n_tuned_orientation", "n_tuned_direction", "gdsi_median", "decoding_direction_error_deg"]
    assert table[columns].isna().all(axis=None)
    assert (table[["n_tested_tuned", "n_tested_tuned_orientation"]] == 0).all(axis=None)
    assert table["decoding_orientation_error_deg"].between(0, 90).all()
    page = (done.folder / "report.html").read_text(encoding="utf-8").split('id="tuning"')[1].split('id="embedding"')[0]
    said = " ".join(page.split())
    assert "no model can prefer one of them: for layers and controls, only orientation is tested and decoded" in said
    assert "0 of " not in said.split("<tbody>")[1].split("</tbody>")[0].split("</tr>", 1)[1]
    assert "pool, fc and pixels, whose tuning cannot be tested" in said
    assert "power laws" not in said  # of twelve stimuli none is fitted
    assert "Shading: standard error" in said


def test_the_page_says_of_which_trials_it_counts_and_what_it_decodes(finished):
    done, _ = finished
    said = " ".join(report.render(done.folder).split())
    checked, tuning = (said.split(f'id="{part}"')[1].split("<h2")[0] for part in ("recording", "tuning"))
    row = pd.read_csv(done.folder / "tuning.csv").iloc[0]
    for kind in ("orientation", "direction"):
        n = f"{row[f'n_tuned_{kind}']:.0f} of {row[f'n_tested_tuned_{kind}']:.0f} ("
        assert n in tuning and re.search(rf"{re.escape(n)}\d+%\) to {kind}", checked)
    assert "directions as recorded, before folding" in checked and "of single trials, median" in checked
    assert "Neurons are described by the directions that were shown" in tuning
    assert "decoding error of averages, direction" in tuning and "how well single trials are decoded" in tuning
    assert "left out before" not in tuning


def test_the_page_says_that_neurons_were_chosen_by_what_it_counts(finished, tmp_path):
    done, _ = finished
    folder = shutil.copytree(done.folder, tmp_path / "run")
    environment = json.loads((folder / "environment.json").read_text())
    environment["recording"]["steps"] += ["kept 27 of 30 neurons that respond to a stimulus (tested against 8 blanks)"]
    (folder / "environment.json").write_text(json.dumps(environment))
    assert "neurons that do not were left out before" in " ".join(report.render(folder).split())
