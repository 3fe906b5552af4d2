import numpy as np
import pandas as pd
import pytest

from normenc.errors import InputError
from normenc.rsa import noise_ceiling, rdm, simulate_responses
from normenc.study import Study, load_study, power
from normenc.study.power_analysis import matching_noise, simulate_power
from normenc.study.settings import PowerSettings

RNG = np.random.default_rng(0)
CANDIDATES = {name: rdm(RNG.normal(size=(40, 8))) for name in ("one", "other", "third")}


def settings(**changes):
    grid = {"n_stimuli": [8, 30], "n_neurons": [10, 200], "n_animals": [1], "n_simulations": 12, "n_samples": 50}
    return PowerSettings(**grid | changes)


def test_more_data_finds_the_right_model_more_often():
    found = simulate_power(CANDIDATES, dict.fromkeys(CANDIDATES, 2.0), settings(), n_jobs=1)
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
    found = simulate_power(
        twins, dict.fromkeys(twins, 1.0), settings(n_stimuli=[30], n_neurons=[50], n_simulations=30), n_jobs=1
    )
    assert found.recovery["recovered"].mean() == pytest.approx(0.5, abs=0.25)
    assert found.pairs["power"].max() <= 0.3


def test_processes_and_order_do_not_matter():
    options = settings(n_stimuli=[12], n_neurons=[20], n_simulations=4)
    noise = dict.fromkeys(CANDIDATES, 1.0)
    one, two = (simulate_power(CANDIDATES, noise, options, n_jobs=n) for n in (1, 2))
    assert one.recovery.equals(two.recovery)
    assert one.pairs.equals(two.pairs)


def test_matching_noise_gives_the_recordings_reliability():
    real = simulate_responses(CANDIDATES["one"], 150, 1.7, np.random.default_rng(5))[0, 0]
    noise = matching_noise(CANDIDATES["one"], real)
    assert noise == pytest.approx(1.7, abs=0.3)
    again = simulate_responses(CANDIDATES["one"], 150, noise, np.random.default_rng(6))[0, 0]
    assert noise_ceiling(responses=again).lower == pytest.approx(noise_ceiling(responses=real).lower, abs=0.05)


def test_power_of_a_study(tmp_path):
    study = Study(
        name="small",
        recording={"n_neurons": 60},
        stimuli={"resolution": 0.05},
        task={"n_train": 40, "n_test": 20},
        network={"name": "ConvPoolFC", "pool_size": 4},
        training={"n_epochs": 1},
        power={"n_stimuli": [12], "n_neurons": [20], "n_animals": [1, 2], "n_simulations": 2, "n_samples": 50},
    )
    ticks = []
    found = power(study, tmp_path / "power", progress=False, n_jobs=1, tick=lambda *done: ticks.append(done))
    names = sorted(path.name for path in found.folder.iterdir())
    assert names == ["power.csv", "power.png", "power.svg", "power_pairs.csv", "study.toml"]
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
    assert table["generating"].tolist() == labels * 2
    assert (table["n_animals"].tolist(), ticks[-1]) == ([1] * 8 + [2] * 8, (16, 16))
    assert load_study(found.folder / "study.toml").power.n_stimuli == [12]
    with pytest.raises(InputError, match="there is something already; choose another folder"):
        power(study, tmp_path / "power", progress=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"power": {"n_stimuli": [500]}}, "power.n_stimuli: given 500, but simulated-v1 has 181 stimuli"),
        ({"comparison": {"rdm_metric": "cosine"}}, "power simulates correlation RDMs"),
    ],
)
def test_bad_settings_are_named(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        power(Study(**change), tmp_path / "power", progress=False)
    assert not (tmp_path / "power").exists()


def test_a_recording_of_an_rdm_needs_its_noise_stated(tmp_path):
    path = tmp_path / "rdm.npz"
    np.savez(path, rdm=CANDIDATES["one"], orientation=np.arange(40))
    with pytest.raises(InputError, match=r"power\.noise is not given and rdm has no neurons' responses"):
        power(Study(recording={"source": str(path)}, power={"n_stimuli": [20]}), tmp_path / "power", progress=False)
