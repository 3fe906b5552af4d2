import time
from dataclasses import replace
from multiprocessing import active_children

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from normenc import controls, stimuli
from normenc.cli import summaries
from normenc.cli.simulated import print_power
from normenc.errors import InputError
from normenc.recordings import Recording
from normenc.representations import represent
from normenc.rsa import infer, noise_ceiling, rdm, simulate_responses
from normenc.rsa.against import against_others
from normenc.rsa.unequal_neurons import UnequalNeurons
from normenc.rsa.unequal_stimuli import UnequalStimuli
from normenc.study import Study, load_study, power, prepare
from normenc.study.amounts import amounts_of, candidates_of, mean_repeats, with_stimuli
from normenc.study.population_like import populations_like, simulated_data
from normenc.study.power_simulation import Power, distinct, simulate_power
from normenc.study.processes import processes
from normenc.study.sections import IdentifySettings
from normenc.study.settings import PowerSettings
from normenc.study.simulated_populations import Population
from promised_json import as_printed, promised

RNG = np.random.default_rng(0)
CANDIDATES = {name: rdm(RNG.normal(size=(40, 8))) for name in ("one", "other", "third")}


def settings(**changes):
    grid = {"n_neurons": [10, 200], "n_animals": [1], "n_repeats": [1], "n_simulations": 12, "n_samples": 50}
    return PowerSettings(**grid | changes)


def simulated(candidates, noise, n_stimuli, options, **more):
    """Recovery and pairs, of so many of the candidates' stimuli."""
    some = {n: {label: rdm[:n, :n] for label, rdm in candidates.items()} for n in n_stimuli}
    equal = {n: Population.equal(noise, [20], UnequalStimuli.equal(n)) for n in n_stimuli}
    like = {n: dict.fromkeys(candidates, own) for n, own in equal.items()}
    return simulate_power(some, like, options, progress=False, **({"workers": 1} | more))


def test_more_data_finds_the_correct_model_more_often():
    found = simulated(CANDIDATES, 2.0, [8, 30], settings())
    table = found.recovery.pivot_table(index="n_stimuli", columns="n_neurons", values="recovered")
    assert table.loc[30, 200] == 1
    assert table.loc[8, 10] < 0.9
    assert len(found.recovery) == 4 * 3
    pairs = found.pairs.pivot_table(index="n_stimuli", columns="n_neurons", values="power")
    assert pairs.loc[30, 200] == 1
    assert pairs.loc[8, 10] < 0.5
    assert len(found.pairs) == 4 * 3 * 2


def test_twins_are_found_by_chance_and_never_apart():
    twins = {"one": CANDIDATES["one"], "copy": CANDIDATES["one"] + 1e-9 * CANDIDATES["other"]}
    found = simulated(twins, 1.0, [30], settings(n_neurons=[50], n_simulations=30))
    assert found.recovery["recovered"].mean() == pytest.approx(0.5, abs=0.25)
    assert found.pairs["power"].max() <= 0.3


@pytest.mark.parametrize("kind", ["animals", "neurons"])
@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("ordered", [False, True])
def test_one_model_against_the_others_is_tested_as_in_the_whole_inference(kind, method, ordered):
    rng = np.random.default_rng(4)
    flat = 1 - np.eye(40)  # it has no similarity
    models = CANDIDATES | {"flat": flat}
    noisy = simulate_responses(CANDIDATES["one"], 30, 1.0, rng, n_animals=3)[:, 0]
    data = {"data": np.stack([rdm(own) for own in noisy])} if kind == "animals" else {"responses": noisy[0]}
    options = {"method": method, "ordered": ordered, "n_samples": 50, "seed": 7, **data}
    whole = infer(models, n_permutations=1, **options)
    similarity, pairs = against_others(models, "other", **options)
    np.testing.assert_allclose(similarity, whole.models["similarity"])
    assert pairs["other"].tolist() == ["one", "third", "flat"]
    rows = whole.pairs.set_index(["model", "other"])
    for row in pairs.itertuples():
        turned = ("other", row.other) not in rows.index
        expected = rows.loc[(row.other, "other") if turned else ("other", row.other)]
        sign = -1 if turned else 1
        np.testing.assert_allclose([row.difference, row.p], [sign * expected["difference"], expected["p"]], rtol=1e-9)


def test_candidates_with_the_same_rdm_are_counted_once():
    one, other = CANDIDATES["one"], CANDIDATES["other"]
    rounded = one.astype(np.float32).astype(np.float64)
    candidates = {n: {"pool": one[:n, :n], "fc": other[:n, :n], "flatten": rounded[:n, :n]} for n in (8, 30)}
    kept, same = distinct(candidates)
    assert same == {"flatten": "pool"}
    assert {n: list(rdms) for n, rdms in kept.items()} == {8: ["pool", "fc"], 30: ["pool", "fc"]}
    candidates[30]["flatten"] = CANDIDATES["third"][:30, :30]  # they differ in the RDM of more stimuli
    assert distinct(candidates)[1] == {}


def test_processes_and_order_do_not_matter():
    one, two = (simulated(CANDIDATES, 1.0, [12], settings(n_neurons=[20], n_simulations=4), workers=n) for n in (1, 2))
    assert one.recovery.equals(two.recovery)
    assert one.pairs.equals(two.pairs)


def test_power_of_a_study(tmp_path):
    study = Study(
        name="small",
        recording={"n_neurons": 60},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"name": "ConvPoolFC", "pool_size": 4},
        training={"n_epochs": 1},
        comparison={"other_measures": ["linear-cka"]},  # compares responses
        power={"n_stimuli": [12], "n_neurons": [20], "n_animals": [1, 2], "n_simulations": 2, "n_samples": 50},
    )
    told = []
    found = power(study, tmp_path / "power", progress=told.append, workers=1)
    names = sorted(path.name for path in found.folder.iterdir())
    pairs = ["power_pairs.csv", "power_pairs.png", "power_pairs.svg"]
    assert names == [".normenc-run.json", "power.csv", "power.png", "power.svg", *pairs, "study.toml"]
    table = pd.read_csv(found.folder / "power.csv")
    labels = [
        "pool",
        "fc",
        "pool, untrained",
        "fc, untrained",
        "Fourier amplitude",
        "Gabor energy",
        "orientation model",
        "pixels",
    ]
    assert table["generating"].tolist() == labels * 4
    assert table[["n_animals", "n_repeats"]].to_numpy().tolist() == [
        [a, r] for a in (1, 2) for r in (1, 2) for _ in labels
    ]
    assert found.failures == ()
    used = load_study(found.folder / "study.toml").power
    assert (used.n_stimuli, used.n_repeats) == ([12], [1, 2])  # the averages of this recording count as one trial each
    assert list(dict.fromkeys(tally.stage for tally in told)) == [
        "reading the recording",
        "responses of controls",
        "training",
        "responses of layers",
        "responses of untrained layers",
        "matching noise and neurons",
        "simulating",
    ]
    assert (told[-1].done, told[-1].total) == (32, 32)
    printed = as_printed(summaries.of_power(found))
    assert set(printed) == promised("power")
    assert [row["recovered"] for row in printed["recovery"]] == pytest.approx(table["recovered"].tolist())
    with pytest.raises(InputError, match="this folder is not empty; choose another folder"):
        power(study, tmp_path / "power", progress=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"comparison": {"rdm_metric": "cosine"}}, "power simulates correlation RDMs"),
    ],
)
def test_bad_settings_are_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        power(Study(**change), tmp_path / "power", progress=False)
    assert not (tmp_path / "power").exists()


def test_a_recording_of_an_rdm_needs_its_noise_stated(tmp_path):
    path = tmp_path / "rdm.npz"
    np.savez(path, rdm=CANDIDATES["one"], orientation=np.arange(40) * 4.5)
    with pytest.raises(
        InputError, match=r"rdm is known only by its RDM, which does not tell.*State power\.noise, if you know it"
    ):
        power(Study(recording={"source": str(path)}, power={"n_stimuli": [20]}), tmp_path / "power", progress=False)


def directions(n=12, repeats=(3,), **labels):
    """A recording of evenly spaced directions, whose stimuli have so many trials in turn."""
    shown = np.repeat(np.arange(n) * 360 / n, np.resize(repeats, n))
    values = np.random.default_rng(1).normal(size=(len(shown), 50))
    return Recording.from_trials("mine", values, direction=shown, **labels)


def test_the_grid_starts_from_what_the_recording_has():
    found = amounts_of(directions(), PowerSettings())
    assert (found.n_stimuli, found.n_neurons, found.n_animals, found.n_repeats) == (
        [12, 24, 48],
        [50, 100],
        [1, 5],
        [3, 6],
    )
    mice = {"trials": {"animal": np.repeat(["a", "b", "c"], 12)}}
    assert amounts_of(directions(**mice), PowerSettings()).n_animals == [3, 6]
    of_neurons = {"neurons": {"neuron_animal": np.repeat(["a", "b"], 25)}}
    assert amounts_of(directions(**of_neurons), PowerSettings()).n_neurons == [25, 50]  # of each animal
    own = amounts_of(directions(), PowerSettings(n_stimuli=[6, 12], n_animals=[2]))
    assert (own.n_stimuli, own.n_animals, own.n_repeats) == ([6, 12], [2], [3, 6])
    assert amounts_of(directions(4), PowerSettings()).n_stimuli == [8, 16, 32]  # tests need 6
    assert amounts_of(directions(72), PowerSettings()).n_stimuli == [72, 144]


def test_images_are_never_more_than_there_are():
    values = np.random.default_rng(0).normal(size=(10, 20))
    pictures = np.random.default_rng(1).uniform(size=(10, 30, 40))
    recording = Recording.from_responses("scenes", values, image=[f"s{k}" for k in range(10)], images=pictures)
    assert amounts_of(recording, PowerSettings()).n_stimuli == [10]
    with pytest.raises(InputError, match="given 20, but scenes has 10 images, and what models make of others cannot"):
        amounts_of(recording, PowerSettings(n_stimuli=[5 + 1, 20]))


def test_unequal_numbers_of_trials_count_as_what_leaves_as_much_noise():
    assert mean_repeats(directions(repeats=(3,))) == pytest.approx(3)
    assert mean_repeats(directions(repeats=(2, 4))) == pytest.approx(8 / 3)  # 2 / (1/2 + 1/4)


def test_more_gratings_than_were_shown_are_computed_from_images(tmp_path):
    values = np.random.default_rng(0).normal(size=(12, 20))
    np.savez(tmp_path / "mine.npz", responses=values, direction=np.arange(12) * 30.0)
    study = Study(
        recording={"source": str(tmp_path / "mine.npz")},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"name": "ConvPoolFC", "pool_size": 4},
        training={"n_epochs": 1},
        comparison={"controls": ["Fourier amplitude"]},
    )
    prepared = prepare(study)
    own = {"Fourier amplitude": np.arange(144.0).reshape(1, 12, 12)}
    found = candidates_of(prepared, own, [6, 12, 24], "cpu", lambda tally: None)
    np.testing.assert_array_equal(found[6]["Fourier amplitude"], own["Fourier amplitude"][:, ::2, ::2])
    np.testing.assert_array_equal(found[12]["Fourier amplitude"], own["Fourier amplitude"])
    images = stimuli.gratings(np.arange(24) * 15.0, resolution=0.05)
    expected = rdm(represent(controls.fourier_amplitude, images)["amplitude"])
    np.testing.assert_allclose(found[24]["Fourier amplitude"], [expected], atol=1e-6)


def test_more_stimuli_go_no_further_than_the_recordings():
    part = Recording.from_responses("part", np.random.default_rng(0).normal(size=(7, 4)), np.arange(-30, 31, 10.0))
    np.testing.assert_allclose(with_stimuli(part, 13).stimulus, np.arange(-30, 31, 5))
    assert not with_stimuli(part, 13).has_neighbours
    assert with_stimuli(directions(4), 8).has_neighbours


N, REPEATS = 100, 4
TUNING = np.random.default_rng(2).normal(size=(12, 8))
NEAR = {"one": rdm(TUNING), "near": rdm(TUNING + 0.5 * np.random.default_rng(3).normal(size=(12, 8)))}
EQUAL = np.ones(N)
FEW = np.exp(2 * norm.ppf((np.arange(N) + 0.5) / N))  # log-normal variances: as 9 equal neurons with signal
FEW /= FEW.mean()


def planted(gains, noise, rng, n_repeats=REPEATS):
    """Trials (n_repeats, n_stimuli, n_neurons) of the first candidate, with such variances of neurons' signal."""
    signal = np.sqrt(gains) * simulate_responses(NEAR["one"], len(gains), 0.0, rng)[0]
    return signal + noise * rng.standard_normal((n_repeats, *signal.shape[1:]))


def like(trials, source="trials"):
    """The population of the truth."""
    stimuli = np.tile(np.arange(12) * 15.0, len(trials))
    if source == "trials":
        recording = Recording.from_trials("pilot", np.concatenate(trials), orientation=stimuli)
    else:
        recording = Recording.from_responses("pilot", trials.mean(axis=0), stimuli[:12])
    return populations_like(recording, {"one": NEAR["one"]}, "power", None).of["one"]


@pytest.mark.parametrize("source", ["trials", "averages"])
@pytest.mark.parametrize("gains", [EQUAL, FEW])
def test_halves_of_simulated_neurons_agree_as_those_recorded_do(source, gains):
    rng, lower = np.random.default_rng(5), {"recorded": [], "simulated": [], "equal": []}
    simulating = np.random.default_rng(1)  # of its own, so that recordings are the same whatever is estimated from them
    for _ in range(16):
        trials = planted(gains, 2.0, rng)
        own = like(trials, source)
        # Of a trial, where the file has trials; of an average, where it has averages.
        noise = own.noise / (np.sqrt(REPEATS) if source == "trials" else 1)
        again = {
            "recorded": trials.mean(axis=0),
            "simulated": simulate_responses(NEAR["one"], own.neurons()[0], noise, simulating)[0, 0],
            "equal": simulate_responses(NEAR["one"], N, noise, simulating)[0, 0],
        }
        for name, responses in again.items():
            lower[name].append(noise_ceiling(responses=responses).lower)
    recorded, simulated, equal = (np.mean(own) for own in lower.values())
    assert simulated == pytest.approx(recorded, abs=0.1)  # three standard errors where few neurons have signal
    assert (equal > recorded + 0.15) == (gains is FEW)


def test_predicted_power_is_that_of_recordings_whose_signal_few_neurons_carry():
    rng, n, n_pilots = np.random.default_rng(1), 60, 3
    found, predicted = [], {"unequal": [], "equal": []}
    for seed in range(n):
        averages = planted(FEW, 0.5, rng).mean(axis=0)
        pairs = against_others(NEAR, "one", responses=averages, ordered=True, n_samples=50, seed=seed)[1]
        found.append(((pairs["p"] <= 0.05) & (pairs["difference"] > 0)).mean())
    for seed in range(n_pilots):
        options = settings(n_neurons=[N], n_repeats=[REPEATS], n_simulations=n // n_pilots, seed=seed)
        pilot = like(planted(FEW, 0.5, rng))
        equal = replace(pilot, animals=Population.equal(0.0, [N], pilot.stimuli).animals)
        for name, own in (("unequal", pilot), ("equal", equal)):
            power_of = simulate_power({12: NEAR}, {12: {"one": own}}, options, ordered=[12], workers=1, progress=False)
            predicted[name].append(power_of.pairs["power"][0])
    error = 3 * np.sqrt(2 * 0.25 / n)  # of the difference between two shares of so many simulations
    assert np.mean(predicted["unequal"]) == pytest.approx(np.mean(found), abs=error)
    assert np.mean(predicted["equal"]) > np.mean(found) + error


def test_animals_are_simulated_like_those_recorded_in_turn():
    own = Population(
        (1.0, 3.0), ((100, UnequalNeurons(10, 100, 10)), (50, UnequalNeurons(50, 50, 50))), UnequalStimuli.equal(3)
    )
    assert own.neurons(200, 3) == [
        UnequalNeurons(20, 200, 20),
        UnequalNeurons(200, 200, 200),
        UnequalNeurons(20, 200, 20),
    ]
    assert own.neurons(None, 2) == [UnequalNeurons(10, 100, 10), UnequalNeurons(50, 50, 50)]
    assert own.noises_of(3) == [1.0, 3.0, 1.0]
    assert own.noise == pytest.approx(np.sqrt(5))
    assert own.pooled(300) == UnequalNeurons(120, 300, 120)
    few = Population((1.0,), ((100, UnequalNeurons(9, 9, 9)),), UnequalStimuli.equal(12))
    assert few.neurons(10) == [UnequalNeurons(2, 4, 1)]  # four neurons can be resampled, fewer cannot
    found = simulate_power({12: NEAR}, {12: {"one": few}}, settings(n_neurons=[10]), workers=1, progress=False)
    assert found.recovery["recovered"].between(0, 1).all()


def test_a_candidate_whose_dissimilarities_are_all_equal_is_simulated_like_another():
    averages = Recording.from_responses("pilot", planted(EQUAL, 1.0, np.random.default_rng(0))[0], np.arange(12) * 15.0)
    found = populations_like(averages, {"flat": 1 - np.eye(12), "one": NEAR["one"]}, "power", None)
    assert found.of["flat"] == found.of["one"]
    assert found.notes[-1] == (
        "flat: all its dissimilarities are equal, so its neurons are simulated like those of one."
    )


def test_animals_of_few_neurons_can_be_simulated_if_their_noise_is_stated():
    trials = np.concatenate(planted(np.ones(9), 1.0, np.random.default_rng(0)))
    recording = Recording.from_trials(
        "few",
        trials,
        orientation=np.tile(np.arange(12) * 15.0, 4),
        neurons={"neuron_animal": np.repeat(list("abc"), 3)},
    )
    with pytest.raises(InputError, match=r"few is known by fewer than 4 neurons of each animal.*State power\.noise"):
        populations_like(recording, NEAR, "power", None)
    found = populations_like(recording, NEAR, "power", 1.0)
    assert found.of["one"].neurons(20, 2) == [UnequalNeurons(20, 20, 20)] * 2
    assert found.notes[0].startswith("So few neurons do not tell how strongly each stimulus drives neurons")
    stated = simulated_data(recording, NEAR, IdentifySettings(noise=1.0, n_neurons=20), "correlation")
    assert len(stated.n_neurons["one"]) == stated.facts["n_animals"] == 3


@pytest.mark.parametrize(("n_signal", "noise", "told"), [(1, 0.5, (2, 2)), (3, 2.0, (2, 6)), (10, 6.0, (40, 40))])
def test_signals_of_very_few_neurons_are_told_from_their_own_variance_or_it_is_said(n_signal, noise, told):
    gains = np.where(np.arange(40) < n_signal, 40 / n_signal, 1e-6)
    trials = np.concatenate(planted(gains, noise, np.random.default_rng(0)))
    recording = Recording.from_trials("pilot", trials, orientation=np.tile(np.arange(12) * 15.0, 4))
    found = populations_like(recording, {"one": NEAR["one"]}, "power", None)
    assert told[0] <= found.of["one"].animals[0][1].signal <= told[1]
    assert ("do not tell how unequal neurons are, so all are taken" in " ".join(found.notes)) == (told == (40, 40))


def test_a_recording_of_noise_alone_has_no_noise_to_match(tmp_path):
    np.savez(
        tmp_path / "noise.npz",
        responses=np.random.default_rng(1).normal(size=(40, 12)),
        orientation=np.arange(40) * 4.5,
    )
    study = Study(
        recording={"source": str(tmp_path / "noise.npz")},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"name": "ConvPoolFC", "pool_size": 4},
        training={"n_epochs": 1},
        comparison={"controls": ["pixels"]},
        power={"n_stimuli": [10], "n_neurons": [8], "n_simulations": 2, "n_samples": 50},
    )
    with pytest.raises(InputError, match=r"noise could have told nothing: .* nothing in common.*state power\.noise"):
        power(study, tmp_path / "power", progress=False, workers=1)


def test_the_weakest_pair_is_named():
    amounts = {"n_stimuli": [12] * 3 + [24] * 3, "n_neurons": 50, "n_animals": 1, "n_repeats": 2}
    pairs = pd.DataFrame(amounts | {"generating": list("abcabc"), "other": list("bcabca")})
    found = Power(pd.DataFrame(), pairs.assign(power=[0.9, 0.5, 0.8, 0.2, 1.0, 0.2])).weakest
    assert found[["n_stimuli", "generating", "other", "power"]].to_numpy().tolist() == [
        [12, "b", "c", 0.5],
        [24, "a", "b", 0.2],
    ]


def test_what_is_printed_says_how_many_pairs_are_told_apart_and_which_candidates_are_the_same(capsys):
    amounts = {"n_stimuli": 12, "n_neurons": 50, "n_animals": 1, "n_repeats": 2}
    recovery = pd.DataFrame([amounts | {"generating": name, "recovered": 0.5} for name in "ab"])
    pairs = [amounts | {"generating": a, "other": b, "power": p} for a, b, p in (("a", "b", 0.8), ("b", "a", 0.25))]
    print_power(Power(recovery, pd.DataFrame(pairs), same={"flatten": "pool"}))
    said = " ".join(capsys.readouterr().out.split())
    assert "correct model wins pairs with power 0.8 weakest pair's power weakest pair" in said
    assert "12 50 1 2 0.50 50 % 0.25 b > a" in said
    assert "flatten: it has the same RDM as pool" in said


def test_processes_end_where_the_work_is_interrupted():
    with pytest.raises(KeyboardInterrupt), processes(time.sleep, 1) as results_of:
        results_of([3600, 3600])
        raise KeyboardInterrupt
    assert not active_children()
