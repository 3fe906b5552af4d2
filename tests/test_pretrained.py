import copy
import pickle
import socket
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from normenc import networks
from normenc.errors import InputError
from normenc.pretrained import IMAGENET, activation_layers, adapt, load_model
from normenc.representations import represent


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 7 * 7, 5))


def test_an_adapted_module_sees_what_it_wants():
    module = small()
    adapted = adapt(module, size=(32, 32), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    images = torch.rand(3, 48, 64)
    resized = nn.functional.interpolate(images[:, None], (32, 32), mode="bilinear", antialias=True)
    by_hand = torch.cat([(resized - m) / s for m, s in ((0.5, 0.2), (0.4, 0.3), (0.3, 0.4))], dim=1)
    torch.testing.assert_close(adapted(images), module(by_hand))
    torch.testing.assert_close(adapted(images[:, None]), module(by_hand))
    assert "resized to 32 x 32 pixels" in str(adapted.preprocessing)
    assert [name for name, _ in adapted.named_modules()] == [name for name, _ in module.named_modules()]
    for again in (copy.deepcopy(adapted), pickle.loads(pickle.dumps(adapted))):
        torch.testing.assert_close(again(images), adapted(images))
    with pytest.raises(RuntimeError):
        module(images)  # the module itself stays as it was


def test_all_layers_of_an_adapted_module():
    adapted, images = adapt(small(), size=(32, 32)), torch.rand(3, 48, 64)
    assert activation_layers(adapted, images) == ["0", "1", "2", "3"]
    layers = represent(adapted, images, activation_layers(adapted, images))
    assert [found.shape for found in layers.values()] == [(3, 196), (3, 196), (3, 196), (3, 5)]


def test_layers_are_named_as_they_run():
    network = networks.DeepConvPoolFC((12, 16), n_blocks=2)
    found = activation_layers(network, torch.rand(2, 12, 16))
    assert found.index("block1.conv") < found.index("block1") < found.index("block2.conv") < found.index("fc_relu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (0, 3)}, r"size is \(0, 3\)"),
        ({"n_channels": 0}, "n_channels is 0"),
        ({"mean": (1, 2)}, r"mean is \(1, 2\)"),
        ({"std": (0, 1, 1)}, "must be positive"),
    ],
)
def test_impossible_preprocessing_is_named(options, message):
    with pytest.raises(InputError, match=message):
        adapt(small(), **options)


def test_colour_images_are_refused():
    with pytest.raises(InputError, match="they must be grey"):
        adapt(small())(torch.rand(2, 3, 32, 32))


@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_models_by_name(torchvision, library):
    if library == "timm":
        pytest.importorskip("timm", reason="timm is not installed")
    network = load_model(f"{library}:resnet18", seed=3)
    assert network.preprocessing.size == (224, 224)
    assert (network.preprocessing.mean, network.preprocessing.std) == IMAGENET
    images = torch.rand(2, 48, 64)
    layers = activation_layers(network, images)
    assert [name for name in layers if name.count(".") == 0][-2:] in (["avgpool", "fc"], ["global_pool", "fc"])
    found = represent(network, images, ["layer1", "layer4"])
    assert found["layer1"].shape == (2, 64 * 56 * 56)
    assert found["layer4"].shape == (2, 512 * 7 * 7)
    again, other = load_model(f"{library}:resnet18", seed=3), load_model(f"{library}:resnet18", seed=4)
    assert torch.equal(network.fc.weight, again.fc.weight)
    assert not torch.equal(network.fc.weight, other.fc.weight)


def test_preprocessing_is_torchvisions_own(torchvision):
    from torchvision.transforms import v2

    network = load_model("torchvision:resnet18")
    images = torch.rand(2, 48, 64)
    theirs = v2.Compose([v2.Grayscale(3), v2.Resize((224, 224), antialias=True), v2.Normalize(*IMAGENET)])
    torch.testing.assert_close(
        network.preprocessing(images), theirs(images[:, None].expand(-1, 3, -1, -1)), atol=1e-3, rtol=1e-3
    )


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_weights_come_from_a_file(torchvision, tmp_path, suffix):
    source = load_model("torchvision:squeezenet1_1", seed=5)
    path = tmp_path / f"weights.{suffix}"
    if suffix == "pt":
        torch.save(source.state_dict(), path)
    else:
        save_file(source.state_dict(), path)
    loaded, images = load_model("torchvision:squeezenet1_1", weights=path), torch.rand(2, 48, 64)
    torch.testing.assert_close(loaded(images), source(images))


def test_bad_weights_are_named(torchvision, tmp_path):
    state = load_model("torchvision:squeezenet1_1").state_dict()
    first, *_ = state
    wrong = {key: value for key, value in state.items() if key != first} | {"mine": torch.zeros(1)}
    save_file(wrong, tmp_path / "wrong.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"no weights")
    (tmp_path / "broken.pt").write_bytes(b"no weights")
    torch.save([1, 2], tmp_path / "list.pt")

    class Evil:
        def __reduce__(self):
            return print, ("code ran",)

    torch.save({"a": Evil()}, tmp_path / "evil.pt")
    for name, message in {
        "gone.pt": "there is no such file",
        "wrong.safetensors": f"do not fit torchvision:squeezenet1_1; missing: {first}; unknown: mine",
        "broken.safetensors": "cannot be read",
        "broken.pt": "cannot be read",
        "evil.pt": "cannot be read",
        "list.pt": "holds no state dict",
    }.items():
        with pytest.raises(InputError, match=message):
            load_model("torchvision:squeezenet1_1", weights=tmp_path / name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision:resnet19", "torchvision has no model 'resnet19'; did you mean resnet"),
        ("resnet18", "must be 'torchvision:NAME' or 'timm:NAME'"),
        ("keras:vgg", "must be 'torchvision:NAME'"),
        ("torchvision:", "must be 'torchvision:NAME'"),
    ],
)
def test_unknown_names_are_named(torchvision, name, message):
    with pytest.raises(InputError, match=message):
        load_model(name)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"timm cannot be imported .* pip install 'normenc\[models\]'"):
        load_model("timm:resnet18")


def test_rdms_of_an_adapted_network_are_finite():
    from normenc import rsa, stimuli

    adapted = adapt(small(), size=(32, 32))
    layers = represent(adapted, stimuli.gratings([-60, 0, 30, 80]))
    assert np.isfinite(rsa.rdm(layers["1"])).all()
