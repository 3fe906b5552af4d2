import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from normenc.cli import summaries
from normenc.cli.simulated import print_identifications
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.rsa import MEASURES, Measure, compare_rdms, identification, rdm, simulate_responses
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.study import Study, evaluate, identify, identifying, prepare
from normenc.study.identifying import identified, identified_in_short, simulations_in_time
from normenc.study.population_like import simulated_data
from normenc.study.represented import represent
from normenc.study.sections import IdentifySettings
from promised_json import as_printed, promised

ANGLE = np.radians(2 * np.arange(0, 180, 15))
TUNED = rdm(np.exp(2 * np.cos(ANGLE[:, None] - np.linspace(0, 2 * np.pi, 90, endpoint=False))))
SMALL = {
    "stimuli": {"resolution": 0.05},
    "task": {"n_train": 40, "n_test": 20},
    "network": {"name": "ConvPoolFC", "pool_size": 4},
    "training": {"n_epochs": 1, "n_untrained": 2},
    "stages": ["represent", "compare"],
}


def recording(n_animals=1, n_repeats=4, noise=2.0, own_neurons=False, seed=0, n_neurons=60):
    """Trials of so many neurons, of each animal where they have their own."""
    n_all, rng = n_neurons * n_animals if own_neurons else n_neurons, np.random.default_rng(seed)
    trials = simulate_responses(TUNED, n_all, noise, rng, n_repeats=n_repeats * n_animals)[0]
    values, index = trials.reshape(-1, n_all), np.tile(np.arange(12), n_repeats * n_animals)
    labels = {}
    if own_neurons:
        labels = {"neurons": {"neuron_animal": np.repeat(list("abcd")[:n_animals], n_neurons)}}
    elif n_animals > 1:
        labels = {"trials": {"animal": np.repeat(list("abcd")[:n_animals], 12 * n_repeats)}}
    return Recording.from_trials("mine", values, orientation=index * 15.0, **labels)


def simulated(own, **settings):
    return simulated_data(own, {"tuned": TUNED}, IdentifySettings(**settings), "correlation")


def test_trials_animals_and_neurons_are_those_of_the_recording():
    one = simulated(recording())
    assert one.facts | {"notes": []} == {
        "n_animals": 1,
        "n_neurons": [60],
        "n_repeats": 4,
        "noise_from": "its repeated trials",
        "notes": [],
    }
    assert one.noise["tuned"] == pytest.approx([1], rel=0.25)  # 2 by the root of 4 trials
    together = simulated(recording(n_animals=2, n_repeats=2))
    assert (together.facts["n_animals"], together.facts["n_repeats"]) == (2, 2)
    assert together.noise["tuned"] == pytest.approx([np.sqrt(2)] * 2, rel=0.25)  # each animal has half of the trials
    assert len(together.n_neurons["tuned"]) == 2
    apart = simulated(recording(n_animals=3, own_neurons=True, n_repeats=2))
    assert (apart.facts["n_animals"], apart.facts["n_neurons"]) == (3, [60, 60, 60])
    assert all(own.signal > 40 for own in apart.n_neurons["tuned"])


@pytest.mark.parametrize("known_by", ["trials", "averages"])
def test_each_animal_has_its_own_noise(known_by):
    rng, noises = np.random.default_rng(2), [1.0, 4.0]
    trials = np.concatenate([simulate_responses(TUNED, 200, noise, rng, n_repeats=4)[0] for noise in noises], axis=2)
    orientation = np.arange(12) * 15.0
    neurons = {"neuron_animal": np.repeat(["a", "b"], 200)}
    if known_by == "trials":
        shown = np.tile(orientation, 4)
        own = Recording.from_trials("mine", trials.reshape(-1, 400), orientation=shown, neurons=neurons)
    else:
        own = Recording.from_responses("mine", trials.mean(axis=0), orientation=orientation, neurons=neurons)
    assert simulated(own).noise["tuned"] == pytest.approx([0.5, 2.0], rel=0.25)


@pytest.mark.parametrize("known_by", ["trials", "averages"])
def test_what_all_neurons_do_together_is_no_signal_of_a_correlation(known_by):
    rng = np.random.default_rng(3)
    trials = simulate_responses(TUNED, 80, 2.0, rng, n_repeats=4)[0]
    found = []
    for together in (0.0, 3.0):  # as contrast drives all neurons, and arousal from trial to trial
        more = trials + together * (rng.standard_normal((12, 1)) + 0.5 * rng.standard_normal((4, 12, 1)))
        orientation = np.arange(12) * 15.0
        if known_by == "trials":
            own = Recording.from_trials("mine", more.reshape(-1, 80), orientation=np.tile(orientation, 4))
        else:
            own = Recording.from_responses("mine", more.mean(axis=0), orientation=orientation)
        like = simulated(own)
        found.append([*like.noise["tuned"], *like.stimuli["tuned"].strength, like.n_neurons["tuned"][0].signal])
    assert found[1] == pytest.approx(found[0])
    assert found[0][0] == pytest.approx(1, rel=0.25)


def test_each_animal_of_the_same_neurons_has_its_own_trials():
    own = recording(n_animals=2, n_repeats=5)
    animal = own.trials["animal"].to_numpy()
    rows = np.flatnonzero((animal == "a") | (np.cumsum(animal == "b") <= 24))
    values, index = own.trials.to_numpy()[rows], own.trials["stimulus_index"].to_numpy()[rows]
    some = Recording.from_trials("mine", values, orientation=index * 15.0, trials={"animal": animal[rows]})
    found = simulated(some)
    of_more, of_fewer = found.noise["tuned"]
    assert of_fewer / of_more == pytest.approx(np.sqrt(5 / 2))  # trials of each stimulus
    assert found.facts["n_repeats"] == pytest.approx(2 / (1 / 5 + 1 / 2), abs=0.001)


@pytest.mark.parametrize("noise", [None, 2.0])
def test_animals_of_too_few_neurons_are_left_out_by_name(noise):
    own = recording(n_animals=4, own_neurons=True, n_repeats=2)
    some = np.r_[0:3, 60:120, 180:182]
    few = Recording.from_trials(
        "mine",
        own.trials.to_numpy()[:, some],
        orientation=own.trials["stimulus_index"].to_numpy() * 15.0,
        neurons={"neuron_animal": np.repeat(["a", "b", "d"], [3, 60, 2])},
    )
    found = simulated(few, noise=noise).facts
    assert (found["n_animals"], found["n_neurons"]) == (1, [60])
    assert "Fewer than 4 neurons do not tell how noisy they are; not simulated: a, d." in found["notes"]


@pytest.mark.parametrize("n_repeats", [1, 3])
def test_the_animal_that_could_have_told_nothing_is_named(n_repeats):
    own = recording(n_animals=2, own_neurons=True, n_repeats=n_repeats)
    values = (own.trials if n_repeats > 1 else own.responses).to_numpy().copy()
    values[:, 60:] = np.random.default_rng(1).normal(size=(len(values), 60))
    mine = Recording.from_trials(
        "mine",
        values,
        orientation=np.tile(np.arange(12), len(values) // 12) * 15.0,
        neurons={"neuron_animal": np.repeat(["a", "b"], 60)},
    )
    with pytest.raises(InputError, match=r"animal b of the recording mine could have told nothing"):
        simulated(mine)


def test_other_amounts_are_simulated_where_they_are_asked_for():
    own, more = simulated(recording()), simulated(recording(), n_neurons=600, n_repeats=16)
    assert more.noise["tuned"] == pytest.approx([own.noise["tuned"][0] / 2])
    assert more.n_neurons["tuned"][0].signal == pytest.approx(10 * own.n_neurons["tuned"][0].signal, abs=10)
    stated = simulated(recording(), noise=3.0, n_repeats=9)
    assert (stated.noise, stated.n_neurons) == ({"tuned": [1.0]}, {"tuned": [UnequalNeurons(60, 60, 60)]})


def test_a_recording_known_by_its_rdm_can_be_simulated_if_its_noise_is_stated():
    known = Recording.from_rdm("published", TUNED, np.arange(12) * 15.0)
    with pytest.raises(
        InputError, match=r"published is known only by its RDM.*identify\.noise and identify\.n_neurons"
    ):
        simulated(known)
    stated = simulated(known, noise=1.0, n_neurons=50)
    assert stated.n_neurons == {"tuned": [UnequalNeurons(50, 50, 50)]}
    assert stated.facts["notes"] == [
        "An RDM does not tell how strongly each stimulus drives neurons; all are taken to do so equally.",
        "The noise is stated, and all neurons are taken to be equal: where few of them carry most of the signal, rates "
        "are too high.",
    ]


@pytest.mark.parametrize("known_by", ["trials", "averages"])
def test_a_recording_without_signal_is_said_to_tell_nothing(known_by):
    values = np.random.default_rng(0).normal(size=(48, 60))
    values -= np.tile(values.reshape(4, 12, 60).mean(axis=0) / 2, (4, 1))
    made = Recording.from_trials("noise", values, orientation=np.tile(np.arange(12) * 15.0, 4))
    if known_by == "averages":
        made = Recording.from_responses("noise", values[:12], orientation=np.arange(12) * 15.0)
    with pytest.raises(InputError, match=r"^the recording noise could have told nothing: .*or state identify\.noise"):
        simulated(made)


@pytest.mark.parametrize(
    ("subjects", "n_animals"),
    [({"animal": ["a", "b", "c"]}, 3), ({"animal": ["a", "b", "a"]}, 2), ({"session": ["1", "2", "3"]}, 1), (None, 3)],
)
def test_of_a_recording_known_by_rdms_as_many_animals_are_simulated(subjects, n_animals):
    rdms = np.stack([rdm(np.random.default_rng(k).normal(size=(12, 9))) for k in range(3)])
    known = Recording.from_rdm("published", rdms, np.arange(12) * 15.0, subjects=subjects)
    data = simulated(known, noise=1.0, n_neurons=40)
    assert data.facts["n_animals"] == n_animals and data.n_neurons == {
        "tuned": [UnequalNeurons(40, 40, 40)] * n_animals
    }


def test_averages_say_that_shared_noise_is_not_seen():
    averages = Recording.from_responses("mine", recording().responses.values, orientation=np.arange(12) * 15.0)
    found = simulated(averages)
    assert found.facts["noise_from"] == "what its neurons have in common"
    assert "noise that neurons share counts as signal" in found.facts["notes"][0]
    assert found.noise["tuned"] == pytest.approx([1], rel=0.3)


def test_predicted_rates_are_those_that_come_true():
    narrow = rdm(np.exp(6 * np.cos(ANGLE[:, None] - np.linspace(0, 2 * np.pi, 90, endpoint=False))))
    models = {"tuned": TUNED, "narrow": narrow, "other": rdm(np.random.default_rng(1).normal(size=(12, 4)))}
    real = identification(models, n_neurons=60, noise=4.0, n_repeats=4, n_simulations=2000)
    predicted = []
    for seed in range(8):
        own = simulated_data(recording(noise=4.0, seed=seed), models, IdentifySettings(), "correlation")
        like = identification(models, n_neurons=own.n_neurons, noise=own.noise, n_simulations=250)
        predicted.append(like.rate().rate)
    assert np.mean(predicted) == pytest.approx(real.rate().rate, abs=0.05)


STRONG_AND_WEAK = np.geomspace(0.1, 2, 12)[np.random.default_rng(4).permutation(12)]


def uneven_trials(rdm_of_truth, rng, noises=1.0, n_neurons=80, n_repeats=6):
    """Trials (n_repeats, 12, n_neurons) of neurons that some stimuli drive twenty times as strongly as others."""
    signal = STRONG_AND_WEAK[:, None] * simulate_responses(rdm_of_truth, n_neurons, 0.0, rng)[0, 0]
    return signal + 4 * np.reshape(noises, (-1, 1)) * rng.standard_normal((n_repeats, 12, n_neurons))


@pytest.mark.parametrize("noises", [np.ones(12), np.sqrt(STRONG_AND_WEAK)], ids=["even noise", "uneven noise"])
def test_predicted_rates_come_true_where_stimuli_are_unequally_strong(noises):
    rng = np.random.default_rng(5)
    models = {name: rdm(rng.normal(size=(12, 5))) for name in ("one", "third", "fourth")}
    models["other"] = 0.75 * models["one"] + 0.25 * models["third"]
    stack, realised, predicted, equal = np.stack(list(models.values())), [], [], []
    for place, own in enumerate(models.values()):
        drawn = np.stack([rdm(uneven_trials(own, rng, noises).mean(axis=0)) for _ in range(200)])
        realised.append((compare_rdms(drawn, stack).argmax(axis=1) == place).mean())
        for _ in range(3):
            trials = uneven_trials(own, rng, noises).reshape(-1, 80)
            made = Recording.from_trials("mine", trials, orientation=np.tile(np.arange(12) * 15.0, 6))
            like = simulated_data(made, models, IdentifySettings(), "correlation")
            amounts = {"n_neurons": like.n_neurons, "noise": like.noise, "n_simulations": 200}
            predicted.append(identification(models, **amounts, stimuli=like.stimuli).matrix().iloc[place, place])
            equal.append(identification(models, **amounts).matrix().iloc[place, place])
    assert np.mean(predicted) == pytest.approx(np.mean(realised), abs=0.07)
    assert np.mean(equal) > np.mean(realised) + 0.08  # what taking all stimuli as equally strong would say


@pytest.mark.parametrize(
    ("stimuli", "known_by", "warned"),
    [("unequal", "averages", True), ("unequal", "trials", False), ("equal", "averages", False)],
)
def test_averages_of_unequal_stimuli_say_how_far_off_rates_may_be(stimuli, known_by, warned):
    trials = uneven_trials(TUNED, np.random.default_rng(6), noises=0.25)
    if stimuli == "equal":
        trials = simulate_responses(TUNED, 80, 1.0, np.random.default_rng(6), n_repeats=6)[0]
    orientation = np.tile(np.arange(12) * 15.0, 6)
    made = Recording.from_trials("mine", trials.reshape(-1, 80), orientation=orientation)
    if known_by == "averages":
        made = Recording.from_responses("mine", trials.mean(axis=0), orientation=orientation[:12])
    (said,) = [note for note in simulated(made).facts["notes"] if "up to 20 points too high" in note] or [""]
    assert bool(said) == warned
    if warned:  # of these strengths
        spread = 100 * STRONG_AND_WEAK.std() / STRONG_AND_WEAK.mean()
        assert int(re.search(r"(\d+) % of the mean", said)[1]) == pytest.approx(spread, abs=15)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Of 48 neurons, whose number divides that of the units they are matched with: 96, without copies of each."""
    path = tmp_path_factory.mktemp("recording") / "mine.npz"
    own = recording(n_neurons=48)
    np.savez(path, responses=own.trials.values, orientation=own.stimulus[own.trials["stimulus_index"].to_numpy()])
    return Study(name="small", recording={"source": str(path)}, identify={"n_simulations": 20}, **SMALL)


def test_identify_leaves_tables_and_maps_of_every_measure(study, tmp_path, capsys):
    measures = ["pearson", "spearman", "cosine", "whitened-correlation", "linear-cka", "soft-matching"]
    assert IdentifySettings(measures=["linear-cka"]).measures == ["linear-cka"]
    asked = {"n_simulations": 40, "mixtures": [0.5, 0.25]}
    comparison = {"other_measures": [*measures[1:], "svcca"]}
    study = Study.model_validate(study.model_dump() | {"identify": asked, "comparison": comparison})
    found = identify(study, tmp_path / "out", progress=False)
    maps = [f"identification_{name}.{ending}" for name in measures for ending in ("png", "svg")]
    expected = {"identification.csv", "identification_rates.csv", "study.toml", ".normenc-run.json", *maps}
    assert {path.name for path in found.folder.iterdir()} == expected
    table = pd.read_csv(found.folder / "identification.csv")
    assert table.groupby(["measure", "truth"])["share"].sum().to_numpy() == pytest.approx(1)
    mixtures = table.loc[~table["is_candidate"], "truth"].unique()
    assert [name.split()[0] for name in mixtures] == ["50", "25"]
    rates = pd.read_csv(found.folder / "identification_rates.csv").set_index(["measure", "truth"])
    for name in ("spearman", "soft-matching"):
        matrix = found.found.matrix(name)
        assert rates.loc[(name, "pixels"), "rate"] == matrix.loc["pixels", "pixels"]
        assert len(matrix) == len(mixtures) + matrix.shape[1]
    assert rates.loc["pearson", "n_simulations"].min() == 40 == 2 * rates.loc["linear-cka", "n_simulations"].min()
    print_identifications(found)
    said = " ".join(capsys.readouterr().out.split())
    assert f"Had {found.first} been the truth, these data would have named it" in said
    assert "40 recordings were simulated from each encoder: 48 neurons, 12 stimuli, 4 trials of each" in said
    assert "By linear CKA, 20 recordings of each; neurons are random mixtures of a candidate's units; " in said
    assert "By SVCCA, nothing is told: the similarities of 8 of 8 candidates are undefined" in said
    printed = as_printed(summaries.of_identification(found))
    assert set(printed) == promised("identify")
    assert [row["rate"] for row in printed["rates"]] == pytest.approx(rates["rate"].tolist())
    with pytest.raises(InputError, match="this folder is not empty"):
        identify(study, tmp_path / "out", progress=False)


def test_every_run_says_in_short_what_its_data_could_tell(study):
    evaluation = evaluate(prepare(study), progress=False)
    table, facts = evaluation.identification, evaluation.identified.facts
    assert set(table["encoder"]) == set(table["other"]) == set(evaluation.similarity["encoder"])
    assert (facts["n_simulations"], facts["noise_from"]) == (20, "its repeated trials")
    assert table["encoder"].iloc[0] == evaluation.similarity.set_index("encoder")["similarity"].idxmax()
    json.dumps(facts)
    off = study.model_copy(update={"identify": IdentifySettings(enabled=False)})
    assert identified_in_short(represent(prepare(off), progress=False)) is None


@pytest.fixture(scope="module")
def represented(study):
    more = study.model_copy(update={"identify": IdentifySettings(n_simulations=100)})
    return represent(prepare(more), progress=False)


@pytest.mark.parametrize(
    ("seconds_each", "expected"), [(0.001, 100), (0.022, 100), (0.024, 95), (0.09, 25), (0.12, 20), (9, 20)]
)
def test_as_many_recordings_are_simulated_as_2_point_3_seconds_allow(seconds_each, expected):
    assert simulations_in_time(seconds_each) == expected


def test_fewer_recordings_are_simulated_in_short_where_each_takes_longer(represented, monkeypatch):
    one_of_each = 12**2 * len(represented.firsts)  # pairs of stimuli
    for seconds_each, expected in ((0.09, 25), (1, 20)):
        monkeypatch.setattr(identifying, "SECONDS_A_PAIR", seconds_each / one_of_each)
        assert identified_in_short(represented).facts["n_simulations"] == expected


def test_a_flat_control_is_left_out_and_named(represented):
    one = represented.representations[-1]
    equal = replace(one, label="flat", rdm=1 - np.eye(12))
    found = identified_in_short(replace(represented, representations=(*represented.representations, equal)))
    assert "flat" not in found.found.matrix().columns
    assert "flat is not among them: all its dissimilarities are equal." in found.facts["notes"]


def asked_for(represented, measures, representations=None):
    """The same, asked for these measures; of other representations."""
    settings = IdentifySettings(n_simulations=10).model_copy(update={"measures": measures})
    study = represented.prepared.study.model_copy(update={"identify": settings})
    representations = representations or represented.representations
    return replace(represented, prepared=replace(represented.prepared, study=study), representations=representations)


def fails_on_small(x, y):
    if min(x.min(), y.min()) < 0.05:
        raise ValueError("too small")
    return np.corrcoef(x, y)[0, 1]


@pytest.mark.parametrize(
    ("function", "said"),
    [(fails_on_small, "fails: ValueError: too small"), (lambda x, y: np.nan, "is nan for RDM 0 of the first")],
)
def test_a_measure_that_fails_takes_nothing_from_the_others(represented, monkeypatch, function, said):
    monkeypatch.setitem(MEASURES, "mine", Measure("mine", function))
    found = identified(asked_for(represented, ["mine", "pearson"]))
    assert found.found.measures == ["pearson"]
    (note,) = [note for note in found.facts["notes"] if "nothing is told" in note]
    assert note.startswith("By the measure “mine”, nothing is told: the measure 'mine' ") and said in note


def test_copies_of_a_candidate_are_one_and_are_not_mixed_with_each_other(represented):
    first = identified(asked_for(represented, ["pearson"])).first
    (own,) = [one for one in represented.representations if one.label == first][:1]
    every = (replace(own, label="copy"), *represented.representations)
    found = identified(asked_for(represented, ["pearson", "linear-cka"], every))
    assert found.found.same == {first: "copy"} and found.first in (first, "copy")
    for name in ("pearson", "linear-cka"):
        matrix = found.found.matrix(name)
        assert "copy" in matrix.columns and first not in matrix.columns
        (mixture,) = set(matrix.index) - set(matrix.columns)
        assert ("copy" in mixture) != (first in mixture)
    assert f"It cannot tell {first} from copy, and they count as one." in found.facts["notes"][-1]


def test_a_run_says_why_nothing_could_be_simulated(study, tmp_path):
    np.savez(tmp_path / "rdm.npz", rdm=TUNED, orientation=np.arange(12) * 15.0)
    known = study.with_changes(recording=str(tmp_path / "rdm.npz"))
    found = identified_in_short(represent(prepare(known), progress=False))
    assert found.found is None
    assert "known only by its RDM" in found.why_unknown
