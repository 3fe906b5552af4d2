"""Predictivity beside similarity, in a study."""

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from normenc import controls, encoding, figures, recordings, report, rsa, stimuli
from normenc.csv_tables import write_table
from normenc.errors import InputError
from normenc.runs.columns import TABLES
from normenc.study import Study, evaluate, responses, run
from normenc.study.predicting import _failure, _folds, _labels
from normenc.study.representing import prepare
from normenc.study.responses import between_animals
from run_schema import check_columns, check_types

SMALL = Study(
    name="small",
    stimuli={"resolution": 0.05},
    task={"n_train": 60, "n_test": 40},
    network={"name": "ConvPoolFC", "pool_size": 4, "n_channels": 3},
    training={"seed": 4, "n_epochs": 2, "batch_size": 25, "n_untrained": 2},
    comparison={
        "n_samples": 60,
        "n_permutations": 19,
        "controls": ["Fourier amplitude", "pixels"],
        "other_measures": [],
    },
    encoding={"enabled": True, "n_samples": 50, "max_epochs": 3, "networks": ["point readout"]},
)


@pytest.fixture(scope="module")
def layers():
    orientation = np.arange(-90, 90, 5.0)
    images = stimuli.gratings(orientation, resolution=0.05)
    return orientation, {
        "Fourier amplitude": controls.fourier_amplitude(images)["amplitude"].numpy(),
        "pixels": controls.pixels(images)["pixels"].numpy(),
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory, layers):
    """Neurons that read the Fourier amplitude, and little noise."""
    folder = tmp_path_factory.mktemp("predicting")
    orientation, of = layers
    truth = recordings.simulated_from_layer(
        of["Fourier amplitude"], orientation, n_neurons=60, n_repeats=6, explainable_variance=0.8, seed=1
    )
    recordings.save(truth.recording, folder / "mine.npz")
    study = SMALL.with_changes(recording=str(folder / "mine.npz"))
    stages = ("represent", "compare", "predict", "draw")
    return run(study, folder / "run", stages=stages, progress=False, device="cpu")


def test_one_row_an_encoder_and_the_layer_that_neurons_read_wins(finished):
    table = pd.read_csv(finished.folder / "predictivity.csv")
    assert table["kind"].tolist() == [
        *["trained layer"] * 2,
        *["untrained twin"] * 2,
        *["control"] * 2,
        "fitted to the neurons",
    ]
    by_label = table.set_index("encoder")
    assert by_label["feve"].idxmax() == "Fourier amplitude"
    assert by_label.loc["Fourier amplitude", "feve"] > 0.5
    assert by_label.loc["pixels", "feve"] < by_label.loc["Fourier amplitude", "feve"] - 0.2
    similarity = pd.read_csv(finished.folder / "similarity.csv")
    np.testing.assert_allclose(by_label["similarity"].iloc[:6], similarity["similarity"])
    assert (by_label["n_reliable"] + by_label["n_unreliable"] == 60).all()
    assert (by_label["ceiling_lower"] == similarity["ceiling_lower"][0]).all()


def test_the_table_is_what_the_room_gives(finished, layers):
    recording, row = (
        finished.evaluation.recording,
        finished.evaluation.predicted.table.set_index("encoder").loc["pixels"],
    )
    _, of = layers
    labels = recording.orientation
    folds = encoding.stimulus_folds(labels, 5, ordered=True, blocks_per_fold=4, seed=0)
    found = encoding.cross_validated_predictions(
        of["pixels"], recording.responses, stimulus=labels, ordered=True, folds=folds
    )
    expected = encoding.predictivity(found, recording.trials, n_samples=50).row()
    for measure in ("r", "r2", "feve", "noise_corrected_r"):
        assert row[measure] == pytest.approx(expected[measure], rel=1e-4)


def test_a_fitted_networks_geometry_is_compared_too(finished):
    row = finished.evaluation.predicted.table.iloc[-1]
    assert (row["encoder"], row["n_units"]) == ("point readout", 60)
    assert -1 <= row["similarity"] <= 1
    assert np.isnan(row["similarity_low"])


def test_fitted_networks_are_kept_with_their_course(finished):
    fit = finished.evaluation.predicted.fitted["point readout"]
    network = encoding.encoding_network((24, 32), 60)
    network.load_state_dict(load_file(finished.folder / "models" / "fitted_point_readout_seed0.safetensors"))
    images = stimuli.gratings([0, 45], resolution=0.05)
    np.testing.assert_array_equal(network.eval()(images).detach().numpy(), fit.predict(images))
    course = pd.read_csv(finished.folder / "fitting.csv")
    assert course["network"].unique().tolist() == ["point readout"]
    assert course["epoch"][course["held_out_loss"].idxmin()] == course["epoch"][course["kept"]].item()
    drawn = {path.stem for path in (finished.folder / "figures").glob("*.svg")}
    assert {"fitting", "filters_point_readout", "readouts_point_readout"} <= drawn


def test_the_page_sets_both_approaches_side_by_side(finished):
    page = report.write(finished.folder).read_text(encoding="utf-8")
    assert "Predictivity: an alternative to RSA" in page
    assert "The two therefore often disagree" in page.replace("\n", " ")
    pixels = pd.read_csv(finished.folder / "predictivity.csv").set_index("encoder").loc["pixels"]
    low, high = (f"{pixels[name]:.3f}".replace("-", "−") for name in ("similarity_low", "similarity_high"))
    assert f"<td>{low} to {high}</td>" in page.split('id="predictivity"')[1].split("</table>")[0]
    assert (finished.folder / "figures" / "predictivity.svg").is_file()


def test_folds_keep_one_image_together_and_leave_out_arcs(tmp_path):
    path = tmp_path / "mine.npz"
    orientation = np.arange(-90, 91, 2.0)  # both ends are one image
    responses = np.random.default_rng(0).normal(size=(91, 5))
    np.savez(path, responses=responses, orientation=orientation, angles="degrees, ends apart")
    study = SMALL.with_changes(recording=str(path))
    prepared = prepare(study)
    folds = _folds(prepared.recording, study.encoding)
    fold = encoding.fold_of_each(folds, 91)
    assert fold[0] == fold[-1]
    changes = np.flatnonzero(np.diff(fold[:-1]))
    assert 3 <= np.median(np.diff(changes)) * 2 <= 12  # degrees: arcs of about ten


def test_a_recording_without_neurons_is_refused(tmp_path):
    path = tmp_path / "rdm.npz"
    recordings.save_rdm(rsa.rdm(np.random.default_rng(0).normal(size=(8, 20))), np.arange(8) * 22.5, path)
    with pytest.raises(InputError, match="known only by its RDM, and has no neurons to predict"):
        prepare(SMALL.with_changes(recording=str(path)))


def test_one_trial_a_stimulus_gives_no_corrected_measure(tmp_path, layers):
    orientation, of = layers
    path = tmp_path / "mine.npz"
    responses = of["Fourier amplitude"][:, :40] + np.random.default_rng(0).normal(size=(36, 40))
    np.savez(path, responses=responses, orientation=orientation)
    settings = SMALL.model_dump()
    settings["encoding"]["networks"] = []
    finished = run(
        Study(**settings).with_changes(recording=str(path)),
        tmp_path / "run",
        progress=False,
        device="cpu",
        stages=("represent", "compare", "predict"),
    )
    table = finished.evaluation.predicted.table
    assert table["feve"].isna().all()
    assert table["r"].notna().all()
    assert (table["n_unknown"] == 40).all()


def test_a_network_that_diverges_is_said_to_and_leaves_the_others_alone(tmp_path, layers):
    orientation, of = layers
    tiny = 1e-5 * of["Fourier amplitude"][:, :40]  # steps of the fit's learning rate are far too large for these
    tiny = tiny + 1e-5 * np.random.default_rng(0).normal(size=(2, 36, 40))
    np.savez(tmp_path / "mine.npz", responses=tiny.reshape(72, 40), orientation=np.tile(orientation, 2))
    settings = SMALL.with_changes(recording=str(tmp_path / "mine.npz")).model_dump()
    settings["encoding"] |= {"networks": ["linear readout"]}
    finished = run(
        Study(**settings), tmp_path / "run", progress=False, device="cpu", stages=("represent", "compare", "predict")
    )
    table = pd.read_csv(finished.folder / "predictivity.csv").set_index("encoder")
    failed = table.loc["linear readout"]
    assert failed["notes"].startswith("the fit failed: fitting diverged at step")
    assert "learning_rate" not in failed["notes"]  # which a study cannot set
    assert (failed["kind"], failed["n_units"]) == ("fitted to the neurons", 40)
    assert failed[["similarity", "feve", "r", "r2"]].isna().all()
    assert (table["n_reliable"] + table["n_unreliable"]).eq(40).all()
    assert table.loc["Fourier amplitude", "r"] > 0.3
    assert "linear readout: the fit failed: fitting diverged" in report.render(finished.folder)
    assert finished.evaluation.predicted.fitted == {}


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({"feve": -17.8, "r2": 0.1}, ["fraction of explainable variance explained −17.8"]),
        ({"feve": np.nan, "r2": -1.5}, ["R² −1.5"]),
        ({"feve": -0.9, "r2": -5.0}, []),
        ({"feve": np.nan, "r2": np.nan}, []),
    ],
)
def test_a_fit_that_predicts_far_worse_than_a_constant_has_failed(scores, said):
    notes = _failure(scores)
    assert len(notes) == len(said)
    for note, part in zip(notes, said, strict=True):
        assert note.startswith("the fit failed") and part in note


def test_points_stand_where_the_table_says():
    table = pd.DataFrame(
        {
            "recording": "V1",
            "encoder": ["pool", "pool, untrained", "pixels", "net"],
            "kind": ["trained layer", "untrained twin", "control", "fitted to the neurons"],
            "similarity": [0.7, 0.6, 0.5, 0.9],
            "similarity_low": [0.6, 0.5, 0.4, np.nan],
            "similarity_high": [0.8, 0.7, 0.6, np.nan],
            "feve": [0.3, 0.2, 0.1, 0.8],
            "feve_low": [0.2, 0.1, 0.0, 0.7],
            "feve_high": [0.4, 0.3, 0.2, 1.1],
            "ceiling_lower": 0.8,
            "ceiling_upper": 0.95,
        }
    )
    axes = figures.predictivity(table)
    points = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() not in ("None", "", None)]
    assert points == [[0.7, 0.3], [0.6, 0.2], [0.5, 0.1], [0.9, 0.8]]
    assert axes.get_legend().get_texts()[0].get_text() == "1  pool"
    with pytest.raises(InputError, match="measure is 'r'; the rows have feve"):
        figures.predictivity(table, measure="r")


def test_where_no_neuron_is_reliable_there_is_no_picture_and_the_page_says_why(tmp_path):
    """The trials of a stimulus cancel but for a trace of tuning: hardly any of their variance can be explained."""
    directions = np.tile(np.arange(0, 360, 30.0), 2)
    trace = 0.01 * np.cos(2 * np.radians(directions[:, None] - np.linspace(0, 150, 8)))
    noise = np.random.default_rng(0).normal(size=(12, 8))
    trials = trace + np.concatenate([noise, -noise])
    recordings.save(recordings.Recording.from_trials("faint", trials, direction=directions), tmp_path / "mine.npz")
    own = {"source": str(tmp_path / "mine.npz"), "fold_directions": True}
    study = Study(**(SMALL.model_dump() | {"recording": own, "encoding": {"enabled": True, "networks": []}}))
    stages = ("represent", "compare", "predict")
    finished = run(study, tmp_path / "run", stages=stages, progress=False, device="cpu", page=report.write)
    table = pd.read_csv(finished.folder / "predictivity.csv")
    assert table[["n_reliable", "n_unreliable"]].drop_duplicates().to_numpy().tolist() == [[0, 8]]
    assert table[["r", "r2", "feve", "noise_corrected_r"]].isna().all(axis=None)
    assert finished.evaluation.recording.n_stimuli == 6
    assert "predictivity" not in finished.figures and "similarity_bars" in finished.figures
    assert not list((finished.folder / "figures").glob("predictivity*"))
    text = " ".join((finished.folder / "report.html").read_text(encoding="utf-8").split())
    assert "No measure could be computed, so there is no figure: measures are medians over reliable neurons" in text
    assert "none of the 8 neurons is reliable" in text
    with pytest.raises(InputError, match="no measure of predictivity is known in any of the 6 rows"):
        figures.predictivity(table)


def test_what_layers_predict_beyond_the_controls_stands_beside_dissimilarities(finished):
    """The neurons read the Fourier amplitude, a control, so layers have little of their own."""
    table = pd.read_csv(finished.folder / "partitioning.csv", keep_default_na=False, na_values=[""])
    assert table["variance_of"].tolist() == ["dissimilarities"] * 2 + ["responses"] * 2
    assert table["encoder"].tolist() == ["pool", "fc"] * 2
    responses = table[table["variance_of"] == "responses"]
    predicted = pd.read_csv(finished.folder / "predictivity.csv").set_index("encoder")["feve"]
    assert (responses["explained_by_controls"] > predicted["Fourier amplitude"] - 0.05).all()
    assert (responses["unique"].abs() < 0.1).all()
    assert (responses["unique_low"] <= responses["unique"]).all()
    assert "explainable variance of the neurons’ responses" in report.render(finished.folder)


def test_what_layers_predict_beyond_the_controls_is_the_mean_over_all_seeds(tmp_path, layers):
    """Of a study with two tasks too, whose other parts keep only the first seed's responses."""
    orientation, of = layers
    made = recordings.simulated_from_layer(of["pixels"][::2], orientation[::2], n_neurons=8, n_repeats=4, seed=2)
    recordings.save(made.recording, tmp_path / "mine.npz")
    task = {"n_train": 60, "n_test": 40}
    own = {
        "recording": {"source": str(tmp_path / "mine.npz")},
        "task": [task | {"label": "one"}, task | {"label": "two", "n_train": 50}],
        "training": {"seed": 4, "n_epochs": 1, "batch_size": 25, "n_seeds": 2},
        "comparison": {"n_samples": 50, "n_permutations": 19, "controls": ["pixels"], "other_measures": []},
        "encoding": {"enabled": True, "n_samples": 50, "n_folds": 2, "networks": []},
    }
    found = evaluate(
        prepare(Study(**SMALL.model_dump(exclude_unset=True) | own)),
        stages=["represent", "compare", "predict"],
        progress=False,
    )
    table = found.predicted.partitioning
    assert len(table) == 4 and (table["n_seeds"] == 2).all()
    pixels = next(r.responses.to_numpy() for r in found.representations if r.label == "pixels")
    trials = found.recording.trials
    first = table.iloc[0]
    seeds = [r.responses.to_numpy() for r in found.representations if r.label == first["encoder"]]
    direct = encoding.unique_variance(
        seeds,
        pixels,
        trials.to_numpy(),
        trials["stimulus_index"].to_numpy(),
        n_folds=2,
        n_samples=50,
        labels=_labels(found.recording),
        folds=_folds(found.recording, found.study.encoding),
        ordered=True,
    )
    assert first["unique"] == pytest.approx(direct.row("unique")["median"], abs=1e-9)


def test_animals_are_predicted_from_each_other(layers, tmp_path):
    orientation, of = layers
    made = recordings.simulated_from_layer(
        of["Fourier amplitude"], orientation, n_neurons=40, n_repeats=6, explainable_variance=0.8, seed=1
    ).recording
    animal = np.repeat(["ann", "bob"], 20)
    trials = made.trials.to_numpy()
    recording = recordings.Recording.from_trials(
        "two", trials, orientation[made.trials["stimulus_index"].to_numpy()], neurons={"neuron_animal": animal}
    )
    settings = SMALL.encoding
    folds = _folds(recording, settings)
    table = between_animals(recording, settings, folds, _labels(recording), lambda progress: None)
    assert table["target"].tolist() == ["all animals", "ann", "bob"]
    assert table["feve"].between(0.2, 1).all()  # from noisy neurons, over gaps of whole arcs
    write_table(table, tmp_path / "between_animals.csv")
    written = pd.read_csv(tmp_path / "between_animals.csv", dtype=str, keep_default_na=False)
    check_columns(list(written), TABLES["between_animals.csv"])
    check_types(written, TABLES["between_animals.csv"])
    assert between_animals(made, settings, folds, _labels(made), lambda progress: None) is None


def test_many_images_are_predicted_by_the_shorter_ways_that_the_notes_name(tmp_path, monkeypatch):
    """The layer's part beyond the controls, against the function itself in double precision."""
    made = recordings.simulated_from_photographs("Gabor energy", n_stimuli=24, n_neurons=20, explainable_variance=0.8)
    recordings.save(made.recording, tmp_path / "mine.npz")
    own = {
        "recording": {"source": str(tmp_path / "mine.npz")},
        "comparison": {"n_samples": 50, "n_permutations": 19, "controls": ["luminance and contrast", "pixels"]},
        "encoding": {"enabled": True, "n_samples": 50, "networks": []},
    }
    study = Study(**SMALL.model_dump(exclude_unset=True) | own)
    monkeypatch.setattr(responses, "MANY_STIMULI", 20)
    monkeypatch.setattr(responses, "MOST_COMPONENTS", 20)  # more than there are
    found = evaluate(prepare(study), stages=["represent", "compare", "predict"], progress=False)
    assert found.predicted.table["notes"].str.contains("generalised cross-validation").all()
    table = found.predicted.partitioning.set_index("layer")
    assert table["notes"].str.endswith("principal components of the training stimuli, if they had more units").all()
    shown = {r.label: r.responses.to_numpy().astype(float) for r in found.represented.firsts.values()}
    columns = [values - values.mean(axis=0) for label, values in shown.items() if label in study.comparison.controls]
    joined = np.hstack([values / np.linalg.norm(values) for values in columns])
    layer = next(r for r in found.represented.firsts.values() if r.encoder.kind == "trained layer")
    trials = found.recording.trials
    direct = encoding.unique_variance(
        layer.responses.to_numpy(),
        joined,
        trials.to_numpy(),
        trials["stimulus_index"].to_numpy(),
        choose="generalised",
        n_samples=50,
        seed=study.encoding.seed,
    )
    own = table.loc[layer.encoder.layer]
    assert own["unique"] == pytest.approx(direct.row("unique")["median"], abs=1e-4)
    assert own["explained_by_controls"] == pytest.approx(direct.row("controls")["median"], abs=1e-4)
