"""Each architecture in a study: trained, kept, read layer by layer, compared."""

import importlib.metadata

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file

from normenc.errors import InputError
from normenc.study import Study, load_study, prepare, run, units
from normenc.study.parts import section_of

STEPS = [f"step{k}" for k in range(1, 5)]
ARCHITECTURES = {
    "ResidualConv": ({"n_channels": 4}, ["conv", "pool", "block1", "block2", "block3", "fc", "fc_relu"]),
    "RecurrentConv": ({"n_channels": 4}, ["conv", "pool", *STEPS, "fc", "fc_relu"]),
    "LocalFC": ({"n_channels": 4}, ["local1", "local2", "fc", "fc_relu"]),
    "VisionTransformer": ({"n_blocks": 1, "patch_size": 4}, ["patches", "block1", "norm", "fc", "fc_relu"]),
    "timm": ({"model": "test_resnet", "layers": ["layer[12]"]}, ["body.layer1", "body.layer2"]),
}


def study_of(recording, **sections) -> Study:
    return Study(
        recording={"source": str(recording)},
        stimuli={"resolution": 0.025},
        task={"n_train": 40, "n_test": 20},
        training={"seed": 4, "n_epochs": 2, "n_untrained": 2, "batch_size": 20, "checkpoints": [1]},
        comparison={
            "n_samples": 50,
            "n_permutations": 19,
            "controls": ["pixels"],
            "other_measures": [],
        },
        **sections,
    )


@pytest.fixture
def recording(tmp_path):
    responses = np.random.default_rng(0).normal(size=(18, 40))
    np.savez(tmp_path / "mine.npz", responses=responses, orientation=np.arange(18) * 10 - 90)
    return tmp_path / "mine.npz"


def test_every_architecture_runs_from_end_to_end(torchvision, recording, tmp_path):
    pytest.importorskip("timm", reason="timm is not installed")
    networks = [{"name": name, **options} for name, (options, _) in ARCHITECTURES.items()]
    study = study_of(recording, network=networks)
    out = run(study, tmp_path / "run", progress=False, device="cpu", stages=["represent", "compare"]).folder
    again = load_study(out / "study.toml")
    assert again.network == study.network
    table = pd.read_csv(out / "similarity.csv")
    trained = table[table["kind"] == "trained layer"].groupby("network", sort=False)["layer"].agg(list)
    assert not (out / "failures.csv").exists()
    compared = [layers[-3:-1] if "fc" in layers else layers for _, layers in ARCHITECTURES.values()]
    assert trained.to_list() == compared and [*trained.index] == [network.title for network in study.network]
    everything = study.model_copy(update={"comparison": study.comparison.model_copy(update={"layers": "all"})})
    assert [list(everything.layers_of(own)) for own in study.network] == [own for _, own in ARCHITECTURES.values()]
    for network, name in zip(study.network, ARCHITECTURES, strict=True):
        assert network.title == ("test_resnet" if name == "timm" else name)
        state = load_file(out / "models" / f"{network.title}_seed4.safetensors")
        untrained = load_file(out / "models" / f"{network.title}_seed4_untrained.safetensors")
        assert state.keys() == untrained.keys() and any((state[key] != untrained[key]).any() for key in state)
    assert all(units.is_stored(unit, "cpu") for unit in prepare(study).units)


def test_the_version_of_timm_is_part_of_what_a_result_is_of(torchvision, recording, monkeypatch):
    pytest.importorskip("timm", reason="timm is not installed")
    networks = [{"name": "timm", "model": "test_resnet"}, {"name": "FC"}]
    own, other = prepare(study_of(recording, network=networks)).units
    before, version = [unit.key("cpu") for unit in (own, other)], importlib.metadata.version
    monkeypatch.setattr("normenc.study.source_code._version", lambda name: "9.9" if name == "timm" else version(name))
    assert own.key("cpu") != before[0] and other.key("cpu") == before[1]


def test_an_architecture_of_timm_is_called_by_its_own_name():
    for own, title in (({}, "resnet10t"), ({"label": "ours"}, "ours")):
        network = Study(network={"name": "timm", "model": "resnet10t", **own}).network[0]
        assert (network.title, network.options["model"]) == (title, "resnet10t")
    assert Study(network={"name": "timm", "model": "x" * 80}).network[0].title == "x" * 60
    with pytest.raises(ValueError, match="model"):
        Study(network={"name": "timm"})
    with pytest.raises(InputError, match="given 'timm:resnet10t'"):
        section_of("network", "timm:resnet10t")
