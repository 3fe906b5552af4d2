"""Sections [[encoder]] of a study file: what they may say, and which layers they choose."""

import tomllib

import pytest
import tomli_w
import torch
from torch import nn

from normenc.errors import InputError
from normenc.study import Study, load_study
from normenc.study.encoder_layers import choose_layers, evenly_spaced
from normenc.study.encoder_settings import EncoderSettings

ENCODER = {"model": "timm:resnet18"}


def test_encoders_alone_train_nothing_and_study_files_keep_that():
    study = Study(encoder=ENCODER | {"untrained": 3, "layers": ["layer1.*", "!*.bn*"]})
    assert (study.task, study.network, study.seeds, study.untrained_seeds) == ([], [], [], [12, 13, 14])
    again = Study(**tomllib.loads(study.to_toml()))
    assert again.to_toml() == study.to_toml()
    assert again.encoder == study.encoder
    assert again.with_changes(seed=4).untrained_seeds == [4, 5, 6]


def test_encoders_stand_beside_what_is_trained():
    study = Study(encoder=ENCODER, task={}, training={"n_untrained": 3})
    assert [network.title for network in study.network] == ["ConvPoolFC"]
    assert (study.seeds, study.untrained_seeds, study.naming.with_network) == ([12], [12, 13, 14], True)
    assert "encoder" not in Study().to_toml()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"model": "net.pt2"}, "given 'net.pt2', a file; the layers of an exported or saved module cannot be read"),
        ({"model": "models/net.ONNX"}, "a file"),
        ({"model": "resnet18"}, "it should be 'timm:NAME', 'torchvision:NAME', or the import path of your own"),
        ({"model": "no_such_module:build"}, "among Python's modules; put its file"),
        ({"model": "math:pi"}, "it is neither a class nor a function"),
        (ENCODER | {"size": 64}, "size: timm:resnet18 states this itself"),
        (ENCODER | {"leave_out": ["fc.*"]}, "no file of weights"),
        (ENCODER | {"weights": "download", "leave_out": ["fc.*"]}, "no file of weights"),
        ({"model": "json:loads", "weights": "download"}, "only timm and torchvision publish weights"),
        (ENCODER | {"layers": "all", "n": 4}, "n: given 4, with layers = 'all'"),
        (ENCODER | {"tokens": "first"}, "it should be 'class', 'mean' or 'all'"),
        (ENCODER | {"untrained": 1}, "greater than or equal to 2"),
        (ENCODER | {"layer": ["fc"]}, "did you mean 'layers'?"),
        (ENCODER | {"label": "pixels"}, "'pixels' is also the name of a control"),
    ],
)
def test_what_a_section_may_not_say(section, said, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(tomli_w.dumps({"encoder": section}), encoding="utf-8")
    with pytest.raises(InputError, match=r"study\.toml: encoder") as raised:
        load_study(study)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoder": [ENCODER, ENCODER]}, "there are 2 called 'resnet18'"),
        ({"encoder": [ENCODER, ENCODER | {"label": "ResNet18"}]}, "would have the same name in files"),
        ({"encoder": [ENCODER | {"label": "FC"}], "task": {}, "network": {"name": "FC"}}, "same name in files"),
        ({"encoder": ENCODER, "network": {}, "task": []}, "there is none, but there is a network"),
        ({"task": [], "network": []}, "name something to compare"),
        ({"encoder": ENCODER, "comparison": {"layers": ["fc"]}}, "give layers in the section [[encoder]]"),
        ({"encoder": ENCODER, "training": {"checkpoints": [1]}}, "training.checkpoints"),
        ({"encoder": ENCODER, "training": {"n_seeds": 3}}, "counted by untrained"),
        ({"encoder": ENCODER | {"untrained": 3}, "task": {}}, "have 5 untrained twins"),
        (
            {"encoder": [ENCODER | {"untrained": 3}, ENCODER | {"label": "other", "untrained": 4}]},
            "resnet18 has untrained = 3 and other has 4",
        ),
    ],
)
def test_what_sections_may_not_say_together(settings, said):
    with pytest.raises(ValueError) as raised:
        Study(**settings)
    assert said in str(raised.value)


class Tokens(nn.Module):
    """Patches of an image as tokens, of which the first is the class token."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 6, 4, stride=4)
        self.block = nn.Linear(6, 6)
        self.head = nn.Linear(6, 1)

    def forward(self, images):
        tokens = self.patches(images[:, None]).flatten(2).mT
        return self.head(self.block(tokens)[:, 0])


@pytest.fixture(scope="module")
def plain():
    parts = [
        nn.Conv2d(1, 5, 3),
        nn.BatchNorm2d(5),
        nn.ReLU(),
        nn.Conv2d(5, 5, 3),
        nn.ReLU(),
        nn.Dropout(),
        nn.Flatten(),
    ]
    network = nn.Sequential(nn.Unflatten(1, (1, 8)), *parts, nn.Linear(80, 5), nn.Linear(5, 1)).eval()
    network.unused = nn.Identity()
    network.forward = lambda images: nn.Sequential.forward(network[:-1], images)  # never runs what is unused
    return network


def chosen(network, **keys):
    image = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
    return choose_layers(network, image, EncoderSettings(model="timm:x", **keys))


def test_layers_are_chosen_by_name_pattern_and_depth(plain):
    assert chosen(plain, layers=["8", "1"]).layers == ("1", "8")  # in order of running
    assert chosen(plain, layers=["[1-4]", "!2"]).layers == ("1", "3", "4")
    assert chosen(plain, layers="all").layers == tuple("012345678")  # not 9, a single unit
    assert chosen(plain).layers == ("1", "2", "4", "8")  # of the layers with weights
    assert chosen(plain, n=2).layers == ("1", "8")
    found = chosen(plain, layers=["[1-7]"], n=3)
    assert (found.layers, found.n_units) == (("1", "4", "7"), (180, 80, 80))
    assert found.how == "3 of the 7 layers that match [1-7], evenly spaced over depth"
    assert chosen(plain, layers=["4@mean"]).n_units == (5,)


def test_evenly_spaced_layers_have_the_first_and_the_last():
    assert evenly_spaced(list("abcdefg"), 4) == ["a", "c", "e", "g"]
    assert evenly_spaced(["a"], 8) == ["a"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"layers": ["conv1"]}, "'conv1', which matches no layer that runs"),
        ({"layers": ["block*"]}, "'block*', which matches no layer that runs"),
        ({"layers": ["*", "!bn*"]}, "'!bn*', which matches no layer"),
        ({"layers": ["*", "!*"]}, "which leave no layer"),
        ({"layers": ["unused"]}, "does not run"),
        ({"layers": ["9"]}, "a single unit"),
        ({"layers": ["8", "8:0"]}, "layers: '8:0' and '8' are the same output; name it once"),
        ({"n": 40}, "n: given 40, but"),
        ({"tokens": "class"}, "none of the layers"),
    ],
)
def test_layers_that_are_not_there(plain, keys, said):
    with pytest.raises(InputError) as raised:
        chosen(plain, **keys)
    assert said in str(raised.value)


def test_tokens_are_pooled_and_other_layers_left_as_they_are():
    network = Tokens().eval()
    assert chosen(network, tokens="class").layers == ("patches", "block@class")
    assert chosen(network, tokens="mean").n_units == (24, 6)
    assert chosen(network, layers=["block"]).n_units == (24,)
    with pytest.raises(InputError, match=r"layers: 'block@mean' is given twice; name it once"):
        chosen(network, layers=["block", "block@mean"], tokens="mean")


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (["a", "a"], "layers: 'a' is listed twice"),
        ([], "layers: given []; it should have at least 1 item"),
        ([""], "layers: given ''; it should have at least 1 character"),
        ("everything", "layers: given 'everything'; it should be a valid list, or 'all'"),
        (3, "layers: given 3; it should be a valid list, or 'all'"),
    ],
)
def test_what_is_wrong_with_a_list_is_told_once(layers, said, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(tomli_w.dumps({"encoder": ENCODER | {"layers": layers}}), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_study(study)
    assert str(raised.value).endswith(said) and "\n" not in str(raised.value)


class Gated(nn.Module):
    """Weights that no layer holds, or that a layer holds which never runs, and two branches."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, 4, stride=4)
        self.position = nn.Parameter(torch.zeros(4, 6))
        self.block = nn.Linear(6, 6)
        self.gate = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(4)
        self.twice = nn.ReLU()
        self.branch = nn.Linear(6, 6)

    def forward(self, images):
        tokens = self.twice(self.first(images[:, None])).flatten(2).mT
        other = self.branch(tokens)
        tokens = nn.functional.linear(self.block(tokens + self.position), self.gate.weight)
        return self.twice(self.norm(tokens)) + other


@pytest.mark.parametrize(
    ("leave_out", "independent"),
    [
        ("position", {"first", "twice:0", "branch"}),
        ("gate.weight", {"first", "twice:0", "branch", "block"}),
        ("norm.running_var", {"first", "twice:0", "branch", "block"}),  # which starts alike from every seed
        ("branch.*", {"first", "twice:0", "block", "norm", "twice:1"}),
        ("gate.bias", {"first", "twice:0", "branch", "block", "norm", "twice:1"}),  # which nothing uses
    ],
)
def test_layers_that_depend_on_weights_left_out_are_found_by_trying(leave_out, independent):
    keys = {"weights": "some.pth", "leave_out": [leave_out]}
    torch.manual_seed(32)  # with which all units of the last ReLU are silent on the first image
    network = Gated().eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert set(chosen(network, layers="all", **keys).layers) == independent
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    for name in {"twice:1", "branch", "block", "norm"} - independent:
        for pattern in (name, f"*{name}"):
            with pytest.raises(InputError, match="depends on weights that leave_out keeps"):
                chosen(network, layers=[pattern], **keys)
    if "twice:1" not in independent:
        with pytest.raises(InputError, match="depends on weights that leave_out keeps"):
            chosen(network, layers=["twice"], **keys)


def test_a_module_that_runs_twice_is_named_once():
    with pytest.raises(InputError, match="'twice' and 'twice:1' are the same output"):
        chosen(Gated().eval(), layers=["twice", "twice:1"])
    assert chosen(Gated().eval(), layers=["twice", "twice:0"]).layers == ("twice:0", "twice")


def test_where_every_layer_depends_on_weights_left_out():
    with pytest.raises(InputError, match=r"leave_out: given \['first.weight'\], but every layer depends on these"):
        chosen(Gated().eval(), weights="some.pth", leave_out=["first.weight"])
