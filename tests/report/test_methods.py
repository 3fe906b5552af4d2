"""The paragraph for a paper, from settings and facts that are written by hand."""

import numpy as np
import pandas as pd
import pytest

from normenc.report.methods import _recording, methods
from normenc.report.methods_questions import beside_similarity

RECORDING = {
    "name": "mine",
    "simulated": False,
    "n_stimuli": 12,
    "n_neurons": 793,
    "n_trials": 240,
    "stimuli": "direction",
    "steps": ["left out 20 of 260 trials without a stimulus (blanks)", "averaged over the trials of each stimulus"],
    "units": "dF/F",
    "species": "mouse",
    "area": "V1",
    "citation": "not stated",
}
INFERENCE = {
    "ceiling": "several sessions: the lower with one left out, the upper with all",
    "resampled": {"stimuli": 12, "neurons": 793, "seeds": 5, "sessions": 2},
    "block_length": 2,
    "n_samples": 200,
    "generalises_to": ["stimuli", "neurons", "seeds", "sessions"],
    "fixed": [],
    "n_orders": 1001,
    "n_shifts": 0,
    "n_different_images": 6,
    "notes": [],
}
TRAINING = {"n_epochs": 25, "batch_size": 100, "learning_rate": 0.0005, "momentum": 0.99}


def paragraph(recording=None, inference=None, **options):
    return everything(recording, inference=inference, **options)[0]


def everything(
    recording=None,
    study=None,
    partitioning=None,
    *,
    inference=None,
    layers=("pool", "fc"),
    seeds=(12,),
    untrained=(12, 13),
    n_train=1000,
    tables=(),
):
    comparison = {"rdm_metric": "correlation", "method": "pearson", "n_permutations": 1000}
    study = {"comparison": comparison} | (study or {})
    environment = {
        "normenc": "0.1.0",
        "packages": {"torch": "2"},
        "seeds": {"training": list(seeds), "untrained": list(untrained)},
        "recording": RECORDING | (recording or {}),
        "inference": INFERENCE | (inference or {}),
    }
    task = {"name": "tilt", "title": "tilt", "n_train": n_train, "trains": [("CNN", TRAINING)]}
    network = {"name": "CNN", "title": "CNN"}
    known = [study, environment, [task], [network], list(layers), ["pixels"], partitioning]
    return methods(*known, tables=tables)


def test_what_was_recorded_and_how_it_was_prepared():
    said = paragraph()
    assert said.startswith(
        "Models were compared with the responses of 793 neurons (V1, mouse) to 12 drifting gratings of different "
        "directions in 240 trials. Responses were in dF/F. Before the comparison, we left out 20 of 260 "
        "trials without a stimulus (blanks) and averaged over the trials of each stimulus. Models were shown still "
        "images of the gratings (6 different images), which are the same for opposite directions. One network"
    )
    assert "The recording has one matrix for each of the 2 sessions." in said
    assert "a bootstrap over stimuli, sessions, neurons and seeds of the untrained networks (200 samples" in said
    assert "Neurons were drawn without replacement, nine of ten at a time" in said
    assert "the same resampled neurons were used in every session" in said
    assert "estimated from several sessions: the lower with one left out, the upper with all." in said
    assert "animal" not in said


@pytest.mark.parametrize(
    ("recording", "inference", "phrase"),
    [
        ({"images_cut": "Images lost a quarter of their height."}, {}, " Images lost a quarter of their height. "),
        ({}, {"notes": ["Session 3 saw 2 of 12 stimuli."]}, " Session 3 saw 2 of 12 stimuli. "),
        ({"units": "not stated", "species": "not stated", "area": "V1"}, {}, "responses of 793 neurons (V1) to 12"),
        ({"steps": ["Somebody else's words"]}, {}, "Preparation: Somebody else's words."),
        ({"n_neurons": 1, "n_trials": 1, "n_stimuli": 1}, {}, "responses of 1 neuron (V1, mouse) to 1 drifting"),
        (
            {"stimuli": "orientation", "n_stimuli": 6},
            {"n_orders": 720, "n_different_images": 6},
            "with all 720 orders of the stimuli, which ask whether model and recording are related at all",
        ),
        ({}, {}, "(200 samples, directions resampled in circular blocks of 2 neighbours [2]; the same"),
        (
            {"stimuli": "orientation"},
            {"block_length": 1},
            "(200 samples, orientations resampled individually; the same",
        ),
        ({"stimuli": "image"}, {"block_length": None}, "(200 samples, images resampled individually; the same"),
        ({}, {"resampled": {"seeds": 5}, "block_length": None}, "(200 samples), corrected"),
        (
            {},
            {"resampled": {"neurons": 793, "trials": 240}, "fixed": ["stimuli"], "block_length": None},
            "The stimuli were taken as all there are.",
        ),
        ({}, {"generalises_to": ["stimuli", "trials"]}, "Trials were resampled together with their stimuli and sess"),
        ({}, {"resampled": {}, "why_no_intervals": "the stimuli are all there are"}, "No intervals were computed: the"),
        ({}, {}, "with 1,000 random permutations of the stimuli, which ask"),
        (
            {},
            {"n_shifts": 12},
            "shifts of the stimuli, which ask whether a match depends on the positions of the stimuli on the circle",
        ),
        (
            {"n_neurons": None, "n_trials": None},
            {"resampled": {"stimuli": 12, "animals": 15}, "rdm_metric_of_recording": "crossnobis"},
            "representational dissimilarity matrices of 15 animals [1] (crossnobis dissimilarities) were provided",
        ),
        (
            {"steps": ["folded directions onto orientations"], "stimuli": "orientation", "n_stimuli": 6},
            {"n_different_images": 6},
            "we folded directions onto orientations. One network",
        ),
    ],
)
def test_what_the_run_says_is_in_the_paragraph(recording, inference, phrase):
    assert phrase in paragraph(recording, inference)


def test_regressions_behind_the_answer_are_told_with_their_references():
    rows = {"variance_of": ["dissimilarities", "responses"], "controls": "pixels, gist", "unique": [0.1, -0.1]}
    table = pd.DataFrame(rows | {"beyond_twin": [0.05, np.nan]})
    recording = {"n_repeats": [4, 4], "simulated": True, "area": "simulated", "species": "simulated"}
    study = {"encoding": {"enabled": True, "method": "ridge", "n_folds": 5, "networks": ["point readout"]}}
    said, references = everything(recording, study, table, tables=["between_animals", "both_directions"])
    for part in (
        "were regressed, by least squares with an intercept, on those of all controls (pixels and gist), and on those",
        "the mean RDM of the layer’s own untrained twins was added to them.",
        "predicted by banded ridge regression [",
        "the median over neurons of the difference in explained variance [",
        "predicted from those of the others, by the same regression.",
        "both directions were compared with how well two animals predict each other [",
        "1 network (point readout) was fitted to the neurons directly",
    ):
        assert part in said
    for author in ("Groen", "Dupré la Tour", "de Heer", "Cadena", "Hoerl", "Feather"):
        assert sum(reference.startswith(author) for reference in references) == 1
    assert "simulated, simulated" not in said and "averaged over seeds" not in said
    seeds, _ = everything(recording, study, table.assign(n_seeds=[1, 3]), tables=["between_animals"])
    assert "Of layers trained from 3 seeds, that difference was first averaged over seeds." in seeds
    untold, references = everything(recording, {}, table[:1].assign(beyond_twin=np.nan))
    assert "Groen" in str(references) and "twins was added" not in untold and "banded" not in untold


def test_one_of_a_kind_is_singular():
    said = paragraph(layers=["pool"], untrained=[12], n_train=1)
    assert (
        "The layer pool was compared with the recording, and so was the same layer of 1 untrained network, called "
        "untrained twins. The controls were pixels."
    ) in said
    assert "tilt (1 stimulus; 25 epochs" in said


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            {"species": "simulated", "area": "simulated", "simulated": True, "units": "arbitrary units"},
            "to 12 images. This population was simulated; no animal was recorded. Responses were in arbitrary units.",
        ),
        ({"units": "a.u."}, "Responses were in arbitrary units."),
        ({"units": "arbitrary (1 is the peak)"}, "Responses were in arbitrary units (1 is the peak)."),
        ({"units": "auditory gain"}, "Responses were in auditory gain."),
        (
            {"species": "mouse", "area": "V1", "units": "spikes/s"},
            "the responses of 5 neurons (V1, mouse) to 12 images",
        ),
    ],
)
def test_units_and_what_is_simulated_read_as_in_a_paper(facts, said):
    plain = {"species": "not stated", "area": "not stated", "citation": "not stated", "simulated": False, "steps": []}
    counts = {"n_neurons": 5, "n_trials": None, "n_stimuli": 12, "stimuli": "image"}
    assert said in _recording(plain | counts | facts, {})


def test_parts_on_a_circle_and_simulated_recordings_are_told():
    facts = {"n_simulations": 100, "n_neurons": [200], "n_animals": 1, "n_stimuli": 24, "n_repeats": 10.0}
    said = beside_similarity(
        {"inference": {"n_shifts": 24}, "identification": facts | {"noise_from": "its repeated trials"}}, True
    )
    assert "profile, the mean dissimilarity at each angle" in said[0] and "tested with circular shifts" in said[0]
    assert "100 recordings were simulated from each encoder: 200 neurons, 24 stimuli, 10 trials of each" in said[1]
    unknown = {"inference": {"n_shifts": 0}, "identification": {"why_unknown": "no noise"}}
    assert len(beside_similarity(unknown, True)) == 1 and "shifts" not in beside_similarity(unknown, True)[0]
    assert "divided into a profile" in paragraph(tables=["circular_parts"]) and "profile" not in paragraph()
