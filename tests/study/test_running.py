import html
import json
import re
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from PIL import Image
from safetensors.torch import load_file

from normenc import embedding, networks, recordings, report, rsa, stimuli
from normenc.errors import InputError
from normenc.rsa.inference import infer_in_scopes
from normenc.runs.source_data import write_source_data
from normenc.study import Study, load_study, prepare, read_source_data, redraw, representing, run

QUICK = ("represent", "compare")  # where a test is about something else than tuning and pictures
SMALL = Study(
    name="small",
    recording={"source": "simulated-v1", "n_neurons": 60},
    stimuli={"resolution": 0.05},
    task={"n_train": 60, "n_test": 40},
    network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
    training={"seed": 4, "n_epochs": 2, "batch_size": 25, "n_untrained": 2},
    comparison={"n_samples": 60, "n_permutations": 19},
)
# Where a test is about the folder of a run, and not about its numbers; samples of neurons would take half of the time.
BRIEF = Study(
    **SMALL.model_dump()
    | {
        "recording": {"source": "simulated-v1", "n_neurons": 20, "bin_width": 15},
        "comparison": {
            "n_samples": 60,
            "n_permutations": 19,
            "controls": ["pixels"],
            "other_measures": [],
            "generalise_to": ["seeds"],
        },
    }
)
TUNING = ["eigenspectra", "preferences", "response_maps", "selectivity", "tuning_best", "tuning_curves"]
PICTURES = [
    *("circular_parts", "embeddings", "example_stimuli", "identification", "measure_ranks", "rdm_rows", "rdms"),
    *("similarity_bars", "unique_variance"),
    *TUNING,
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return run(SMALL, tmp_path_factory.mktemp("runs") / "small", progress=False, device="cpu")


@pytest.fixture(scope="module")
def brief(tmp_path_factory):
    """Brief runs of seeds 4 and 5; their folders are only read."""
    folder = tmp_path_factory.mktemp("brief")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(folder / "cache"))
        return {
            seed: run(BRIEF.with_changes(seed=seed), folder / str(seed), progress=False, device="cpu", stages=QUICK)
            for seed in (4, 5)
        }


def test_the_folder_is_the_designs(small):
    files = sorted(str(path.relative_to(small.folder)) for path in small.folder.rglob("*") if path.is_file())
    assert files == sorted(
        [
            ".normenc-run.json",
            "differences.csv",
            "differences_by_scope.csv",
            "environment.json",
            "models/ConvPoolFC_seed4.safetensors",
            "models/ConvPoolFC_seed4_untrained.safetensors",
            "circular_parts.csv",
            "identification.csv",
            "partitioning.csv",
            "populations.nc",
            "quality.json",
            "rdms.nc",
            "representations.nc",
            "similarity.csv",
            "similarity_by_method.csv",
            "similarity_by_scope.csv",
            "similarity_by_seed.csv",
            "stimuli.png",
            "study.toml",
            "training.csv",
            "tuning.csv",
            "tuning_units.csv",
            "figures/source_data.h5",
            *(f"figures/{name}.{kind}" for name in PICTURES for kind in ("png", "svg")),
        ]
    )
    assert [path.name for path in small.folder.parent.iterdir()] == ["small"]


def test_a_run_shows_itself(small):
    assert repr(small) == f"<Run: small and simulated-v1, 8 encoders, in {small.folder}>"
    page = small._repr_html_()
    assert "Fourier amplitude" in page and "no animal was recorded" in page
    table = pd.read_csv(small.folder / "similarity.csv")
    np.testing.assert_allclose(small.summary()["similarity"], table["similarity"])
    bars = small.plot()
    assert len(bars.get_yticklabels()) == len(table)
    plt.close("all")
    assert small.to_xarray().identical(xr.open_dataarray(small.folder / "rdms.nc", engine="h5netcdf").load())


def test_similarity_table(small):
    table = pd.read_csv(small.folder / "similarity.csv")
    facts = ["recording", "encoder", "task", "network", "layer", "kind", "seed"]
    learned = ["score_name", "score", "chance", "perfect", "n_learned", "learned"]
    assert list(table)[:17] == [*facts, *learned, "n_seeds", "rdm_metric", "comparison", "similarity"]
    assert table[["encoder", "network", "layer", "kind"]].to_numpy().tolist() == [
        ["pool", "ConvPoolFC", "pool", "trained layer"],
        ["fc", "ConvPoolFC", "fc", "trained layer"],
        ["pool, untrained", "ConvPoolFC", "pool", "untrained twin"],
        ["fc, untrained", "ConvPoolFC", "fc", "untrained twin"],
        ["Fourier amplitude", "Fourier amplitude", "amplitude", "control"],
        ["Gabor energy", "Gabor energy", "energy", "control"],
        ["orientation model", "orientation model", "orientation", "control"],
        ["pixels", "pixels", "pixels", "control"],
    ]
    assert table["seed"].tolist()[:4] == [4] * 4
    assert table["n_seeds"].tolist()[:4] == [1, 1, 2, 2]
    assert table["seed"].isna().tolist()[4:] == [True] * 4
    assert set(table["recording"]) == {"simulated-v1"}
    assert set(table["rdm_metric"]) == {"correlation"}
    assert set(table["comparison"]) == {"pearson"}
    assert set(table["ceiling"]) == {"neurons"}
    assert set(table["resampled"]) == {"neurons seeds"}  # orientations at 1 degree are all there are
    assert (table["n_stimuli"].unique(), table["n_neurons"].unique()) == ([181], [60])
    assert (table["ceiling_lower"] <= table["ceiling_upper"]).all()
    assert (table["low"] < table["similarity"]).all()
    assert (table["similarity"] < table["high"]).all()
    p_values = table.filter(like="p_")
    assert ((p_values > 0) & (p_values <= 1)).all(axis=None)


def test_planned_differences(small):
    table = pd.read_csv(small.folder / "differences.csv")
    similarity = small.evaluation.similarity["similarity"]
    assert table[["encoder", "other"]].to_numpy().tolist() == [
        ["pool", "fc"],
        ["pool", "pool, untrained"],
        *(["pool", control] for control in ("Fourier amplitude", "Gabor energy", "orientation model", "pixels")),
        ["fc", "fc, untrained"],
        *(["fc", control] for control in ("Fourier amplitude", "Gabor energy", "orientation model", "pixels")),
    ]
    assert table["other_kind"].tolist()[:3] == ["trained layer", "untrained twin", "control"]
    assert table[["other_network", "other_layer"]].to_numpy().tolist()[1] == ["ConvPoolFC", "pool"]
    assert table["difference"][0] == pytest.approx(similarity[0] - similarity[1], abs=1e-8)
    assert table["difference"][1] == pytest.approx(similarity[0] - similarity[2], abs=1e-8)
    assert (table["p_holm"] >= table["p"]).all()


def test_training_table(small):
    table = pd.read_csv(small.folder / "training.csv")
    assert list(table) == ["task", "network", "seed", "epoch", "step", "loss", "learning_rate"]
    assert table["step"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["epoch"].tolist() == [1, 1, 1, 2, 2, 2]
    np.testing.assert_allclose(table["loss"], next(iter(small.evaluation.trainings.values())).log.loss, rtol=1e-8)


def test_tables_arrays_and_weights_agree_with_each_other(small):
    """Whoever has only the folder can recompute the table from the weights."""
    table = pd.read_csv(small.folder / "similarity.csv")
    by_seed = pd.read_csv(small.folder / "similarity_by_seed.csv")
    with (
        xr.open_dataset(small.folder / "representations.nc", engine="h5netcdf") as representations,
        xr.open_dataarray(small.folder / "rdms.nc", engine="h5netcdf") as rdms,
    ):
        assert rdms.attrs["simulated"] == 1
        names = rdms["population"].to_numpy().tolist()
        assert names[0] == "simulated-v1"
        assert names[1:] == list(representations.data_vars)
        for name, similarity in zip(names[1:], by_seed["similarity"], strict=True):
            matrix = rdms.sel(population=name).to_numpy()
            assert rsa.compare_rdms(matrix, rdms[0].to_numpy()) == pytest.approx(similarity, abs=1e-8)
            # Written in single precision, so that the RDM comes back to about 1e-6.
            np.testing.assert_allclose(rsa.rdm(representations[name]), matrix, atol=2e-6)
        means = by_seed.groupby("encoder", sort=False)["similarity"].mean()
        np.testing.assert_allclose(means, table["similarity"], atol=1e-8)
        np.testing.assert_array_equal(representations["orientation"], np.arange(-90, 91))
        for part, kind in (("", "trained"), ("_untrained", "untrained")):
            network = networks.ConvPoolFC((24, 32), n_channels=3, pool_size=4).eval()
            network.load_state_dict(load_file(small.folder / f"models/ConvPoolFC_seed4{part}.safetensors"))
            images = stimuli.gratings(np.arange(-90, 91), resolution=0.05)
            with torch.no_grad():
                pool = network.pool(torch.relu(network.conv(images[:, None]))).flatten(1)
            stored = representations[f"ConvPoolFC_pool_{kind}_seed4"]
            np.testing.assert_allclose(stored, pool, atol=1e-5)


def test_the_other_scope_stands_beside_the_studys_own(small):
    for name, value in (("similarity", "similarity"), ("differences", "difference")):
        own, other = (pd.read_csv(small.folder / f"{name}{part}.csv") for part in ("", "_by_scope"))
        assert list(other) == list(dict.fromkeys([*own, "generalises_to"]))
        assert set(other["generalises_to"]) == {"stimuli neurons seeds"}
        np.testing.assert_array_equal(own[value], other[value])
        assert (own["standard_error"] < other["standard_error"]).mean() > 0.5
    assert set(own["generalises_to"]) == {"neurons seeds"}  # of the differences
    again = SMALL.model_dump()
    again["comparison"] |= {"generalise_to": ["seeds", "stimuli", "neurons"], "other_measures": []}
    again["identify"] = {"enabled": False}
    swapped = run(Study(**again), small.folder.parent.parent / "swapped", progress=False, device="cpu", stages=QUICK)
    found = swapped.evaluation.similarity
    pd.testing.assert_frame_equal(found[["low", "high"]], small.evaluation.similarity_by_scope[["low", "high"]])
    assert set(found["resampled"]) == {"stimuli neurons seeds"}
    assert swapped.evaluation.similarity_by_scope["low"].tolist() == small.evaluation.similarity["low"].tolist()


@pytest.mark.parametrize("factor", ["animals", "trials"])
def test_a_factor_that_the_recording_lacks_is_refused_before_training(tmp_path, factor):
    settings = SMALL.model_dump()
    settings["comparison"] |= {"generalise_to": ["neurons", factor]}
    with pytest.raises(InputError, match=f"comparison.generalise_to: '{factor}' cannot be resampled; that needs"):
        run(Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    assert not (tmp_path / "run").exists()


def test_other_methods_stand_beside_the_studys_own(small):
    own = pd.read_csv(small.folder / "similarity.csv")
    table = pd.read_csv(small.folder / "similarity_by_method.csv")
    assert table["comparison"].unique().tolist() == ["spearman", "cosine", "whitened-correlation"]
    assert list(table) == list(own)
    firsts = {r.label: r for r in reversed(small.evaluation.representations)}
    for method, rows in table.groupby("comparison"):
        found = [rsa.compare_rdms(r.rdm, small.evaluation.recording_rdm, method) for r in firsts.values()]
        controls = rows["seed"].isna().to_numpy()
        np.testing.assert_allclose(rows["similarity"][controls], np.array(found[::-1])[controls], rtol=1e-6)
        assert (rows["low"] < rows["similarity"]).all()
        assert rows["ceiling_lower"].notna().all()


def test_a_method_that_cannot_be_used_is_said_and_does_no_harm(tmp_path, monkeypatch):
    def refuse(models, data, **options):
        if options["method"] == "spearman":
            raise InputError("too many ties")
        return infer_in_scopes(models, data, **options)

    monkeypatch.setattr("normenc.study.inferring.infer_in_scopes", refuse)
    settings = BRIEF.model_dump()
    settings["comparison"] |= {"other_measures": ["spearman", "pearson"], "controls": ["pixels"]}
    found = run(Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    assert not (found.folder / "similarity_by_method.csv").exists()
    environment = json.loads((found.folder / "environment.json").read_text())
    assert environment["inference"]["refused_methods"] == {"spearman": "too many ties"}


def test_what_a_reader_can_look_closer_at(small):
    with xr.open_dataset(small.folder / "populations.nc") as found:
        labels = found["population"].to_numpy().tolist()
        responses = small.evaluation.recording.responses.to_numpy()
        centred = responses - responses.mean(axis=0)
        gram = found["components"].to_numpy()[0] @ found["components"].to_numpy()[0].T
        values, vectors = np.linalg.eigh(centred @ centred.T)
        best = (vectors[:, -3:] * values[-3:]) @ vectors[:, -3:].T
        np.testing.assert_allclose(gram, best, atol=1e-3 * np.abs(best).max())
        assert labels[:3] == ["simulated-v1", "pool", "fc"]
        assert found["kind"].to_numpy().tolist()[:5] == ["recording", *["trained layer"] * 2, *["untrained twin"] * 2]
        assert found["kind"].to_numpy().tolist()[5:] == ["control"] * 4
        index = labels.index("pixels")
        units = found[f"unit_{index}"].to_numpy()
        pixels = small.evaluation.representations[-1].responses.to_numpy()
        assert (len(units), len(np.unique(units))) == (200, 200)
        # -90 and 90 degrees are the same image, and one point of a tuning curve.
        np.testing.assert_allclose(found[f"tuning_{index}"].to_numpy()[1:], pixels[1:180][:, units], atol=1e-6)
        with xr.open_dataset(small.folder / "rdms.nc") as rdms:
            assert set(found["key"].to_numpy()) <= set(rdms["population"].to_numpy())
    with Image.open(small.folder / "stimuli.png") as sheet:
        values = np.asarray(sheet)
    images = stimuli.gratings(np.arange(-90, 91.0), resolution=0.05).numpy()
    assert values.shape == (10 * 24, 20 * 32)
    np.testing.assert_array_equal(values[24:48, 64:96], 255 * images[22])
    quality = json.loads((small.folder / "quality.json").read_text())
    assert (quality["verdict"], quality["n_neurons"], dict(quality["lines"])["RDM repeats"]) == (
        *("unknown", 60),
        "not known: at least 6 stimuli with two trials each are needed",
    )


def test_several_seeds_are_trained_and_their_twins_are_theirs(brief, tmp_path):
    finished = run(BRIEF.with_changes(n_seeds=2), tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    table = pd.read_csv(finished.folder / "similarity.csv")
    assert table["n_seeds"].tolist()[:4] == [2] * 4
    assert sorted(path.name for path in (finished.folder / "models").iterdir()) == [
        f"ConvPoolFC_seed{seed}{part}.safetensors" for seed in (4, 5) for part in ("", "_untrained")
    ]
    assert pd.read_csv(finished.folder / "training.csv")["seed"].unique().tolist() == [4, 5]
    second = finished.evaluation.by_seed.query("kind == 'trained layer' and seed == 5")["similarity"].tolist()
    assert second == brief[5].evaluation.by_seed.query("kind == 'trained layer'")["similarity"].tolist()


@pytest.mark.parametrize("name", ["pool", "pixels", "Fourier amplitude"])
def test_a_recording_named_like_a_layer_or_control_is_told_from_it(tmp_path, name):
    path = tmp_path / f"{name}.npz"
    responses = np.random.default_rng(0).normal(size=(8, 5))
    np.savez(path, responses=responses, orientation=np.arange(8) * 22.5 - 90)
    settings = BRIEF.model_dump() | {"recording": {"source": str(path)}}
    settings["comparison"]["controls"] = ["pixels", "Fourier amplitude"]
    finished = run(Study(**settings), tmp_path / "run", progress=False, stages=QUICK)
    own = finished.evaluation.recording_label
    assert own == f"{name} (recording)"
    assert own not in finished.evaluation.labels
    with xr.open_dataarray(finished.folder / "rdms.nc", engine="h5netcdf") as rdms:
        np.testing.assert_allclose(rdms.sel(population=own), rsa.rdm(responses), atol=1e-12)


def test_too_few_stimuli_to_speak_of_others(tmp_path):
    path = tmp_path / "five.npz"
    np.savez(path, responses=np.random.default_rng(0).normal(size=(5, 9)), orientation=np.arange(5) * 36 - 90)
    finished = run(SMALL.with_changes(recording=str(path)), tmp_path / "run", progress=False, stages=QUICK)
    assert finished.evaluation.inference.factors == ("seeds",)
    table = finished.evaluation.similarity
    # Over the untrained twins' seeds alone something can be said; of the rest nobody knows how sure it is.
    assert table["similarity"].notna().all()
    vary = (table["layer"] == "fc") & (table["kind"] == "untrained twin")  # the pool of all twins has the same filters
    for column in ("low", "high", "standard_error", "p_ceiling"):
        assert table[column].notna().tolist() == vary.tolist()
    assert table["p_permutations"].notna().all()
    assert finished.evaluation.differences.query("other_kind == 'control'")["p"].isna().all()


def test_study_file_and_environment(small):
    assert load_study(small.folder / "study.toml").to_toml() == SMALL.to_toml()
    environment = json.loads((small.folder / "environment.json").read_text())
    assert environment["packages"]["torch"] == version("torch")
    assert environment["device"] == "cpu"
    assert environment["seeds"] == {
        "training": [4],
        "untrained": [4, 5],
        "inference": 0,
        "recording": 0,
        "embedding": 0,
    }
    assert environment["recording"]["n_neurons"] == 60
    assert environment["inference"]["n_shifts"] == 180  # -90 and 90 degrees are one orientation
    assert environment["inference"]["generalises_to"] == ["neurons", "seeds"]
    assert environment["inference"]["fixed"] == ["stimuli"]
    assert environment["inference"]["n_samples_other_methods"] == 60  # the study's own; 100 at most
    assert environment["scores"][0]["chance"] == 0.5
    assert environment["recording"]["simulated"] is True
    assert "no animal was recorded" in environment["recording"]["description"]


def test_everything_made_from_a_simulation_says_so(small):
    assert "simulated" in (small.folder / "similarity.csv").read_text()
    for name in ("rdms", "similarity_bars", "rdm_rows", "tuning_curves", "embeddings"):
        assert "simulated-v1" in (small.folder / f"figures/{name}.svg").read_text()


def test_the_seed_of_a_simulation_that_was_loaded_is_not_known(tmp_path):
    recordings.save(recordings.simulated_v1(12, n_stimuli=12), tmp_path / "mine.npz")
    settings = BRIEF.model_dump() | {"recording": {"source": str(tmp_path / "mine.npz")}}
    found = run(Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=QUICK)
    environment = json.loads((found.folder / "environment.json").read_text())
    assert environment["recording"]["simulated"] is True
    assert environment["seeds"]["recording"] is None


def test_same_seed_same_bytes_other_seed_others(small, brief, tmp_path):
    described = (*QUICK, "describe")
    again = run(SMALL, tmp_path / "again", progress=False, device="cpu", stages=described)
    one, other = brief.values()
    for name in ("training.csv", "similarity.csv", "differences.csv"):
        assert (other.folder / name).read_bytes() != (one.folder / name).read_bytes()
    # Pictures are drawn from these files alone, and a second time as the first, as another test has it.
    files = {str(path.relative_to(again.folder)) for path in again.folder.rglob("*") if path.is_file()}
    of_each_run = {".normenc-run.json", "environment.json", "study.toml"}  # its stages, and when it ended
    assert files >= of_each_run | {"populations.nc", "rdms.nc", "tuning.csv", "figures/source_data.h5"}
    for name in sorted(files - of_each_run):
        assert (again.folder / name).read_bytes() == (small.folder / name).read_bytes(), name
    text = (small.folder / "study.toml").read_text()
    assert (again.folder / "study.toml").read_text() == Study(**SMALL.model_dump() | {"stages": [*described]}).to_toml()
    assert text == SMALL.to_toml() and (other.folder / "study.toml").read_text() != text


def test_a_run_is_not_overwritten_without_force(brief, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(brief[4].folder, folder)
    (folder / "notes.txt").write_text("mine")
    (folder / "report.html").write_text("stale")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="this folder already contains a run; pass force=True"):
        run(BRIEF.with_changes(seed=9), folder, progress=False, stages=QUICK)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    run(BRIEF.with_changes(seed=9), folder, force=True, progress=False, stages=QUICK)
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "report.html").exists()
    assert sorted(path.name for path in (folder / "models").iterdir()) == [
        "ConvPoolFC_seed9.safetensors",
        "ConvPoolFC_seed9_untrained.safetensors",
    ]
    assert load_study(folder / "study.toml").training.seed == 9


def test_what_is_no_run_is_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("ten years")
    for force in (False, True):
        with pytest.raises(InputError, match="holds something other than a run"):
            run(SMALL, tmp_path, force=force, progress=False)
    with pytest.raises(InputError, match="this is a file"):
        run(SMALL, tmp_path / "thesis.tex", force=True, progress=False)
    assert (tmp_path / "thesis.tex").read_text() == "ten years"


def test_default_folder_is_named_after_study_and_recording(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finished = run(BRIEF, progress=False, stages=QUICK)
    assert finished.folder == Path("runs") / "small-simulated-v1"
    assert (tmp_path / finished.folder / "study.toml").is_file()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": {"filter_size": 4}}, "network: filter_size is 4"),
        ({"network": {"pool_size": 25}}, "network: pool_size is 25 but images are 24 x 32"),
        ({"training": {"learning_rate": 1e30}}, "training diverged"),
        ({"stimuli": {"resolution": 1.0}, "task": {"n_train": 1_000_000}}, "images would take 1144 GiB"),
        ({"stimuli": {"spatial_frequency": 1e-12}}, "pixel|same response"),
        ({"recording": {"source": "nowhere.npz"}}, "nowhere.npz: there is no such file"),
        ({"recording": {"source": "stringer2021"}}, "not downloaded yet"),
    ],
)
def test_a_failed_run_leaves_nothing(tmp_path, monkeypatch, change, message):
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path / "cache"))
    settings = SMALL.model_dump()
    for section, values in change.items():
        own = settings[section][0] if isinstance(settings[section], list) else settings[section]
        settings[section] = (own if section != "recording" else {}) | values
    with pytest.raises(InputError, match=message):
        run(Study(**settings), tmp_path / "runs" / "failed", progress=False)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("moment", ["writing tables", "drawing"])
def test_a_crash_while_writing_leaves_nothing(tmp_path, moment):
    def crash(tally):
        if tally.stage == moment:
            raise RuntimeError("out of ink")

    with pytest.raises(RuntimeError, match="out of ink"):
        run(BRIEF, tmp_path / "run", progress=crash, stages=(*QUICK, "draw"))
    assert list(tmp_path.iterdir()) == []


def test_a_recording_known_by_its_rdm_alone_is_described_drawn_and_reported(tmp_path):
    shown = recordings.simulated_v1(30, n_stimuli=12)
    rdm = rsa.rdm(shown.responses)
    np.savez(tmp_path / "known.npz", rdm=rdm, orientation=shown.orientation)
    study = Study(**BRIEF.model_dump() | {"recording": {"source": str(tmp_path / "known.npz")}})
    found = run(study, tmp_path / "run", progress=False, device="cpu", stages=(*QUICK, "describe"), page=report.write)
    np.testing.assert_array_equal(found.evaluation.embeddings["known"], embedding.embed_rdm(rdm))
    assert set(found.evaluation.descriptions) == {"pool", "fc", "pixels"}
    assert set(found.figures) == {*PICTURES} - {"identification", "measure_ranks"}
    for picture in found.figures.values():
        picture.draw()
        plt.close("all")
        plt.close("all")
    assert "There is no noise ceiling" in (found.folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("network", ["FC", "ConvFC"])
def test_other_networks_and_measures(tmp_path, network):
    settings = BRIEF.model_dump() | {"network": {"name": network}}
    settings["comparison"] |= {"method": "spearman"}
    finished = run(Study(**settings), tmp_path / network, progress=False, stages=QUICK)
    assert set(finished.evaluation.similarity["comparison"]) == {"spearman"}
    assert finished.evaluation.similarity["similarity"].between(-1, 1).all()


def test_own_recording_with_few_stimuli(tmp_path):
    path = tmp_path / "mine.npz"
    responses = np.random.default_rng(0).normal(size=(8, 5))
    np.savez(path, responses=responses, orientation=np.arange(8) * 22.5 - 90)
    finished = run(SMALL.with_changes(recording=str(path)), tmp_path / "run", progress=False, stages=QUICK)
    assert finished.evaluation.recording_rdm.shape == (8, 8)
    np.savez(path, responses=responses[:3], orientation=[0, 10, 20])
    with pytest.raises(InputError, match="3 stimuli; a study needs at least 4"):
        run(SMALL.with_changes(recording=str(path)), tmp_path / "few", progress=False, stages=QUICK)


def test_pictures_are_drawn_again_as_they_were(small, tmp_path):
    drawn = redraw(small.folder, tmp_path / "again", formats=["svg", "png"])
    assert drawn.left_out == {}
    assert {path.name for path in drawn.paths} == {f"{name}.{kind}" for name in PICTURES for kind in ("svg", "png")}
    for path in drawn.paths:
        assert path.read_bytes() == (small.folder / "figures" / path.name).read_bytes(), path.name


def test_source_data_are_what_the_pictures_were_given(small):
    found = read_source_data(small.folder)
    assert sorted(found) == sorted(PICTURES)
    evaluation = small.evaluation
    points = found["embeddings"].arguments["populations"]
    assert list(points) == ["simulated-v1", "pool", "fc"]
    for label, own in points.items():
        np.testing.assert_array_equal(own, evaluation.embeddings[label])
    drawn = found["similarity_bars"].arguments["similarity"]
    for name in ("similarity", "low", "high", "p_permutations_holm"):
        np.testing.assert_array_equal(drawn[name], evaluation.similarity[name])  # all digits, not the table's nine
    average = found["tuning_curves"].arguments["populations"]["simulated-v1"]
    np.testing.assert_array_equal(average, evaluation.descriptions["simulated-v1"].average.astype(np.float32))


def test_source_data_of_the_format_before_are_drawn_as_they_were(small, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(small.folder, folder)
    pictures = read_source_data(small.folder)
    write_source_data({name: own.arguments for name, own in pictures.items()}, folder / "figures" / "source_data.h5")
    with h5py.File(folder / "figures" / "source_data.h5", "r+") as file:
        file.attrs["format"] = 2
        for name, own in pictures.items():
            file[name].attrs["function"] = own.function
    old = read_source_data(folder)
    assert list(old) == list(pictures) and set(old) == set(PICTURES)
    for name, own in pictures.items():
        assert old[name].function == own.function
        assert_alike(old[name].arguments, own.arguments)
    drawn = redraw(folder, tmp_path / "again", only=["similarity_bars", "tuning_curves"], formats=["svg"])
    for path in drawn.paths:
        assert path.read_bytes() == (small.folder / "figures" / path.name).read_bytes(), path.name


def assert_alike(one, other):
    """Arrays, tables, and mappings and sequences of these, to the last bit."""
    if isinstance(other, Mapping):
        assert list(one) == list(other)
        for name in other:
            assert_alike(one[name], other[name])
    elif isinstance(other, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    elif isinstance(other, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_alike(a, b)
    else:
        np.testing.assert_array_equal(one, other, strict=isinstance(other, np.ndarray))


def test_a_width_has_a_folder_of_its_own_that_a_new_run_clears(small, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(small.folder, folder)
    before = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    drawn = redraw(folder, only=["similarity_bars"], formats=["pdf", "svg"], width="single")
    assert [path.relative_to(folder).as_posix() for path in drawn.paths] == [
        "figures/85mm/similarity_bars.pdf",
        "figures/85mm/similarity_bars.svg",
    ]
    assert {path.name: path.read_bytes() for path in (folder / "figures").glob("*.*")} == before
    (folder / "figures" / "85mm" / "notes.txt").touch()
    run(BRIEF, folder, progress=False, device="cpu", force=True, stages=QUICK)
    assert [path.name for path in (folder / "figures" / "85mm").iterdir()] == ["notes.txt"]


def test_a_picture_that_cannot_be_read_is_left_out_with_its_least_width(small, tmp_path):
    drawn = redraw(small.folder, tmp_path, only=["rdms", "example_stimuli"], width=45)
    assert [path.name for path in drawn.paths] == ["example_stimuli.pdf"]
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["example_stimuli.pdf"]
    (reason,) = drawn.left_out.values()
    least = int(re.fullmatch(r"rdms cannot be read at 45 mm: .*; give it a larger width, at least (\d+) mm", reason)[1])
    assert not redraw(small.folder, tmp_path, only="rdms", width=least).left_out
    assert redraw(small.folder, tmp_path, only="rdms", width=least - 5).left_out


def test_a_control_whose_package_is_missing_is_left_out_and_said_so(monkeypatch, normenc, tmp_path):
    there = representing.find_spec
    monkeypatch.setattr(representing, "find_spec", lambda name: None if name == "plenoptic" else there(name))
    settings = BRIEF.model_dump()
    settings["comparison"]["controls"] = ["pixels", "steerable pyramid"]
    (tmp_path / "study.toml").write_text(Study(**settings).to_toml())
    code, _, err = normenc("run", "--stages", "represent,compare", "study.toml", "--out", "run", "--device", "cpu")
    why = "it needs plenoptic, which is not installed: pip install 'normenc[pyramid]'"
    assert code == 0
    assert f"the control steerable pyramid is left out: {why}" in err
    assert "steerable pyramid" not in pd.read_csv(tmp_path / "run" / "similarity.csv")["network"].tolist()
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["skipped_controls"] == {"steerable pyramid": why}
    page = html.unescape((tmp_path / "run" / "report.html").read_text(encoding="utf-8"))
    assert f"The control steerable pyramid is left out: {why}" in page
    settings["comparison"]["controls"] = ["steerable pyramid"]
    with pytest.raises(InputError, match=r"none of them can be used \(steerable pyramid: it needs plenoptic"):
        prepare(Study(**settings))


def test_square_images_are_said_to_be_cut(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"scene{number}" for number in range(8)]
    shown = recordings.Recording.from_responses(
        "scenes", rng.normal(size=(8, 20)), image=names, images=rng.uniform(size=(8, 96, 96))
    )
    recordings.save(shown, tmp_path / "scenes.npz")
    settings = BRIEF.model_dump() | {"recording": {"source": str(tmp_path / "scenes.npz")}}
    settings["comparison"]["controls"] = ["pixels", "orientation model"]
    finished = run(Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=(*QUICK, "draw"))
    cut = json.loads((finished.folder / "environment.json").read_text())["recording"]["images_cut"]
    left_out = "cut to 4:3 in their middle, which leaves out 25 % of their height"
    assert cut == (
        "Stimuli were images of 96 x 96 pixels in grey. Controls were shown them in grey, at this size. For networks "
        f"that this study trains, they were {left_out}, and reduced to 24 x 32 pixels."
    )
    page = report.render(finished.folder)
    assert cut in page
    assert "Some of the 8 images that were shown." in " ".join(page.split())
    assert "The control orientation model is left out: images have no orientation" in page
