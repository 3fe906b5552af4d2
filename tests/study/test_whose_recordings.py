"""Animals, sessions, both or neither: what is resampled, and what tables, page and methods say of it."""

import html
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from normenc import recordings, report, rsa
from normenc.recordings import Recording
from normenc.study import Study
from normenc.study.drawing import write_run
from normenc.study.evaluation import evaluate
from normenc.study.representing import prepare

ORIENTATION = np.arange(0, 180, 15.0)
BY_HALF, BY_QUARTER = np.repeat(["1", "2"], 48), np.tile(np.repeat(["1", "2"], 24), 2)


def trials(**labels) -> Recording:
    """12 gratings, 8 trials of each, 24 neurons; trials are labelled."""
    rng = np.random.default_rng(0)
    shown, preferred = np.tile(ORIENTATION, 8), rng.uniform(0, 180, 24)
    rows = np.exp(np.cos(np.radians(2 * (shown[:, None] - preferred)))) + 0.3 * rng.normal(size=(96, 24))
    return Recording.from_trials("mine", rows, shown, trials=labels)


def neurons(**labels) -> Recording:
    own = trials()
    return Recording.from_responses("mine", own.responses.values, ORIENTATION, neurons=labels)


def stack(**labels) -> Recording:
    rows = trials().trials.to_numpy().reshape(4, 2, 12, 24).mean(axis=1)
    return Recording.from_rdm("mine", [rsa.rdm(part) for part in rows], ORIENTATION, subjects=labels)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    path = tmp_path_factory.mktemp("whose") / "mine.npz"
    recordings.save(trials(), path)
    study = Study(
        recording={"source": str(path)},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"pool_size": 4},
        training={"n_epochs": 1, "batch_size": 20, "n_untrained": 2},
        comparison={"n_samples": 50, "n_permutations": 19, "other_measures": []},
    )
    return prepare(study)


@pytest.mark.parametrize(
    ("recording", "factor", "n", "others"),
    [
        (trials(), None, 0, {"neurons": 24, "trials": 96}),
        (trials(session=BY_HALF), "sessions", 2, {"neurons": 24}),
        (trials(animal=BY_HALF), "animals", 2, {}),
        (trials(animal=BY_HALF, session=BY_QUARTER), "animals", 2, {}),
        (trials(animal=["m"] * 96, session=BY_HALF), "sessions", 2, {"neurons": 24}),
        (neurons(neuron_session=["1", "2"] * 12), "sessions", 2, {}),
        (neurons(neuron_animal=["1", "2"] * 12), "animals", 2, {}),
        (stack(session=["1", "2", "3", "4"]), "sessions", 4, {}),
        (stack(animal=["1", "1", "2", "2"], session=["1", "2", "1", "2"]), "animals", 2, {}),
    ],
    ids=[
        *("no labels", "sessions of trials", "animals of trials", "animals and sessions of trials", "one animal"),
        *("sessions of neurons", "animals of neurons", "sessions of RDMs", "animals and sessions of RDMs"),
    ],
)
def test_tables_page_and_methods_agree_on_whose_a_recording_is(prepared, recording, factor, n, others, tmp_path):
    evaluation = evaluate(replace(prepared, recording=recording), stages=("represent", "compare"), progress=False)
    found = evaluation.inference
    sizes = {"seeds": 2, **others} | ({factor: n} if factor else {})
    assert found.sizes == sizes
    assert found.ceiling.kind == (factor or "repeats")

    (tmp_path / "run").mkdir()
    write_run(evaluation, tmp_path / "run", device="cpu")
    table = pd.read_csv(tmp_path / "run" / "similarity.csv")
    for column in ("animals", "sessions"):
        assert (table[f"n_{column}"] == n).all() if column == factor else table[f"n_{column}"].isna().all()
    assert set(table["resampled"].unique()[0].split()) == set(sizes)
    assert (table["ceiling"] == (factor or "repeats")).all()
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())["inference"]
    assert environment["resampled"] == sizes

    page = re.sub(r"<script.*", "", report.render(tmp_path / "run"), flags=re.DOTALL)
    start, _, rest = page.partition('<h2 id="recording"')
    similarity = rest.partition('<h2 id="similarity"')[2].partition('<h2 id="methods"')[0]
    methods = rest.partition('<p id="methods-text">')[2].partition("</p>")[0]
    for part in (start, similarity, methods):
        said = html.unescape(re.sub(r"<[^>]+>", " ", part))
        for word in ("animals", "sessions"):
            assert (word in said) == (word == factor), (word, said)


def test_a_session_that_saw_some_stimuli_is_left_out_and_that_is_said(prepared, tmp_path):
    recording = trials(session=np.repeat(["1", "2", "3"], [36, 48, 12]))
    kept = recording.trials.isel(trial=slice(0, 90))
    shown, session = (kept[name].to_numpy() for name in ("orientation", "session"))
    partial = Recording.from_trials("mine", kept.to_numpy(), shown, trials={"session": session})
    evaluation = evaluate(replace(prepared, recording=partial), stages=("represent", "compare"), progress=False)
    assert evaluation.inference.sizes["sessions"] == 2
    (tmp_path / "run").mkdir()
    write_run(evaluation, tmp_path / "run", device="cpu")
    page = report.render(tmp_path / "run")
    said = "Session 3 saw 6 of 12 stimuli and is left out of the comparison."
    assert page.count(said) == 2  # below the answer, and in the methods
