import copy
import pickle
import re
import socket
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from skimage import color
from torch import nn

from normenc import networks
from normenc.errors import InputError
from normenc.pretrained import IMAGENET, Preprocessing, activation_layers, adapt, load_model, weights_file
from normenc.pretrained.weight_files import load_weights
from normenc.representations import represent
from normenc.stimuli import gratings


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
    cut = images[:, None, :, 8:56]  # 48 x 48, from the middle
    resized = nn.functional.interpolate(cut, (32, 32), mode="bilinear", antialias=True)
    by_hand = torch.cat([(resized - m) / s for m, s in ((0.5, 0.2), (0.4, 0.3), (0.3, 0.4))], dim=1)
    torch.testing.assert_close(adapted(images), module(by_hand))
    torch.testing.assert_close(adapted(images[:, None]), module(by_hand))
    assert "cut to 1:1 in the middle, resized to 32 x 32 pixels" in str(adapted.preprocessing)
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


def test_colours_go_in_as_they_are():
    module, images = small(), torch.rand(2, 3, 48, 40)
    mean, std = (torch.tensor(values)[:, None, None] for values in IMAGENET)
    cut = nn.functional.interpolate(images[:, :, 4:44], (32, 32), mode="bilinear", antialias=True)
    torch.testing.assert_close(adapt(module, size=(32, 32))(images), module((cut - mean) / std))
    as_bytes = (images * 255).round().byte()
    torch.testing.assert_close(adapt(module, size=(32, 32))(as_bytes), module((cut - mean) / std), atol=0.02, rtol=0.02)


@pytest.mark.parametrize("size", [(200, 300), (300, 200), (224, 224), (100, 150)])
def test_colours_are_prepared_as_torchvision_does(torchvision, size):
    from torchvision.transforms import v2 as transforms

    images = torch.rand(3, 3, *size)
    theirs = transforms.Compose(
        [
            transforms.CenterCrop(min(size)),
            transforms.Resize((224, 224), antialias=True),
            transforms.Normalize(*IMAGENET),
        ]
    )
    ours = Preprocessing((224, 224), 3, *IMAGENET)
    torch.testing.assert_close(ours(images), theirs(images), atol=1e-5, rtol=1e-5)


def test_a_network_of_one_channel_is_shown_luminance():
    images = torch.rand(2, 3, 8, 8)
    shown = Preprocessing(None, 1, (0.0,), (1.0,))
    np.testing.assert_allclose(shown(images)[:, 0], color.rgb2gray(images.permute(0, 2, 3, 1).numpy()), atol=1e-6)
    assert str(shown).startswith("colours by their luminance")
    assert shown.describe((8, 8), is_colour=True, degrees=4) == (
        "grey by luminance, at 8 x 8 pixels (4 x 4 degrees), values 0 to 1"
    )


def test_what_is_done_to_images_is_said_with_its_share_and_angle():
    wanted = Preprocessing((224, 224), 3, (0.5,), (0.2,), "pad")
    assert wanted.describe((96, 192), is_colour=False, degrees=20) == (
        "grey in 3 equal channels, padded with grey to 1:1, resized from 192 x 192 to 224 x 224 pixels (20 x 20 "
        "degrees), normalised with mean 0.5 and SD 0.2"
    )
    same = Preprocessing((224, 224), 3, (0.5,), (0.2,)).describe((224, 224), is_colour=True)
    assert same == "in colour, at 224 x 224 pixels, normalised with mean 0.5 and SD 0.2"


def test_colours_that_a_network_cannot_take_are_refused():
    with pytest.raises(InputError, match=r"shape \(2, 4, 8, 8\); they must be grey"):
        adapt(small())(torch.rand(2, 4, 8, 8))
    with pytest.raises(InputError, match="images are in colour, but this network takes 6 channels"):
        Preprocessing(None, 6, (0.0,), (1.0,))(torch.rand(2, 3, 8, 8))


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
    images = torch.rand(2, 48, 48)
    theirs = v2.Compose([v2.Grayscale(3), v2.Resize(224, antialias=True), v2.CenterCrop(224), v2.Normalize(*IMAGENET)])
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


def wrapped(state):
    """Forms in which libraries and trainers write the same weights."""
    return {
        "module.": {f"module.{key}": value for key, value in state.items()},
        "compiled": {f"_orig_mod.{key}": value for key, value in state.items()},
        "checkpoint": {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
        "lightning": {"state_dict": {f"model.{key}": value for key, value in state.items()}, "epoch": 1},
        "model": {"model": state},
        "old": {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")},
        "half": {key: value.half() if value.is_floating_point() else value for key, value in state.items()},
    }


@pytest.mark.parametrize("form", ["module.", "compiled", "checkpoint", "lightning", "model", "old", "half"])
def test_weights_are_read_in_every_form_in_which_they_come(torchvision, tmp_path, form):
    source = load_model("torchvision:resnet18", seed=5)
    torch.save(wrapped(source.state_dict())[form], tmp_path / "w.pth")
    loaded = load_model("torchvision:resnet18", weights=tmp_path / "w.pth")
    tolerance = 1e-3 if form == "half" else 0
    for key, value in source.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[key], value, rtol=tolerance, atol=tolerance)


def test_names_of_old_densenets(torchvision, tmp_path):
    source = load_model("torchvision:densenet121", seed=5)
    old = {re.sub(r"(norm|relu|conv)([12])\.", r"\1.\2.", key): value for key, value in source.state_dict().items()}
    assert any(".norm.1." in key for key in old)
    torch.save(old, tmp_path / "w.pth")
    loaded = load_model("torchvision:densenet121", weights=tmp_path / "w.pth")
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in loaded.state_dict().items())


def test_another_head_is_left_out_when_asked(torchvision, tmp_path):
    from torchvision import models

    torch.save(models.resnet18(num_classes=7).state_dict(), tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"of another shape: fc.weight, fc.bias. .*leave_out=\['fc\.\*'\]"):
        load_model("torchvision:resnet18", weights=tmp_path / "w.pth")
    loaded = load_model("torchvision:resnet18", weights=tmp_path / "w.pth", leave_out=["fc.*"], seed=4)
    initial = load_model("torchvision:resnet18", seed=4)
    assert torch.equal(loaded.fc.weight, initial.fc.weight)
    assert torch.equal(loaded.conv1.weight, torch.load(tmp_path / "w.pth")["conv1.weight"])
    with pytest.raises(InputError, match=r"has no weights 'head\.\*'"):
        load_model("torchvision:resnet18", weights=tmp_path / "w.pth", leave_out=["head.*"])
    with pytest.raises(InputError, match="no file of weights is given"):
        load_model("torchvision:resnet18", leave_out=["fc.*"])


def test_timm_names_may_have_the_tag_of_their_weights(torchvision):
    pytest.importorskip("timm", reason="timm is not installed")
    assert load_model("timm:resnet18.a1_in1k").preprocessing.size == (224, 224)
    with pytest.raises(InputError, match=r"timm has no model 'resnet18\.none'; did you mean resnet18"):
        load_model("timm:resnet18.none")


def orientation_of(image):
    """Of the strongest component of an image: degrees of its wave from the horizontal, and cycles a pixel."""
    image = image - image.mean()
    image = image * np.hanning(image.shape[0])[:, None] * np.hanning(image.shape[1])
    spectrum = np.abs(np.fft.fft2(image, (512, 512)))
    row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
    wave = np.array([np.fft.fftfreq(512)[row], np.fft.fftfreq(512)[column]])
    return (np.degrees(np.arctan2(*wave)) + 90) % 180 - 90, np.hypot(*wave)


@pytest.mark.parametrize("how", ["crop", "pad", "drawn"])
def test_nothing_is_squeezed(how):
    degrees = np.array([0.0, 15, 30, 45, 60, 75, 90])
    wide = gratings(degrees, spatial_frequency=1 / 10, waveform="sine")
    if how == "drawn":
        shown = gratings(degrees, spatial_frequency=1 / 10, waveform="sine", size=(112, 112))
    else:
        shown = Preprocessing((112, 112), 1, (0.0,), (1.0,), how)(wide)[:, 0]
    found = np.array([orientation_of(image) for image in shown.numpy()])
    off = (found[:, 0] - degrees + 90) % 180 - 90
    assert np.abs(off).max() < 3  # squeezed to a square, 45 degrees would be 37
    scale = {"crop": 112 / 48, "pad": 112 / 64, "drawn": 112 / 48}[how]
    np.testing.assert_allclose(found[:, 1] * scale, 1 / 10 / (2 * np.pi) * 10, rtol=0.05)


def test_gratings_of_another_size_are_the_middle_of_the_canvas():
    degrees, resolution = [-60, 10, 80], 0.1
    canvas = gratings(degrees, resolution=resolution)
    torch.testing.assert_close(gratings(degrees, size=(48, 64)), canvas)
    torch.testing.assert_close(gratings(degrees, size=(48, 48)), canvas[:, :, 8:56])
    torch.testing.assert_close(gratings(degrees, size=(24, 64)), canvas[:, 12:36])
    for options in ({"size": (0, 4)}, {"size": (48,)}, {"size": (48, 48), "patch": True}):
        with pytest.raises(InputError, match="size"):
            gratings(degrees, **options)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-1, 1), (0, 1.5)])
def test_values_outside_of_0_and_1_are_named(low, high):
    images = torch.linspace(low, high, 48 * 64).reshape(1, 48, 64)
    with pytest.raises(InputError, match=f"images have values from {low} to {high}"):
        adapt(small(), size=(32, 32))(images)


def test_bytes_are_grey_values():
    images = torch.randint(0, 256, (2, 48, 64), dtype=torch.uint8)
    adapted = adapt(small(), size=(32, 32))
    expected = adapted(images.float() / 255)
    torch.testing.assert_close(adapted(images), expected)
    np.testing.assert_allclose(represent(adapted, images, ["3"])["3"], expected.detach(), rtol=1e-5, atol=1e-6)


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


def test_a_module_is_adapted_once_and_keeps_what_it_calls_preprocessing():
    network = nn.Sequential(nn.Conv2d(3, 4, 5))
    with pytest.raises(InputError, match="this Sequential is already adapted"):
        adapt(adapt(network))
    network.preprocessing = nn.Identity()
    with pytest.raises(InputError, match="has its own 'preprocessing'; rename that"):
        adapt(network)


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda network: torch.compile(network, backend="eager")])
def test_wrapped_networks_are_adapted_as_the_network_within(wrap):
    network = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU()).eval()
    images = torch.rand(3, 48, 64)
    expected = represent(adapt(network, size=(32, 32)), images)["1"]
    np.testing.assert_array_equal(represent(adapt(wrap(network), size=(32, 32)), images)["1"], expected)
    wrapped = wrap(network)
    wrapped.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    with pytest.raises(InputError, match="around Sequential has its own hooks, which would be ignored"):
        represent(wrapped, images[:, None].repeat(1, 3, 1, 1))


@pytest.mark.parametrize("dtype", [torch.bool, torch.int32, torch.int64, torch.int16])
def test_masks_of_whole_numbers_are_images(dtype):
    mask = torch.rand(2, 48, 64) > 0.5
    network = adapt(nn.Conv2d(3, 2, 5), size=(32, 32))
    np.testing.assert_array_equal(network(mask.to(dtype)).detach(), network(mask.float()).detach())
    with pytest.raises(InputError, match="values from 0 to 255; they must be values from 0 to 1, or bytes"):
        network(torch.full((2, 48, 64), 255, dtype=torch.int64) * mask)


@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
def test_networks_whose_weights_take_images_normalised_otherwise(name, tmp_path):
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    module = torchvision.models.get_model(name, weights=None, init_weights=False)
    save_file({key: value.contiguous() for key, value in module.state_dict().items()}, tmp_path / "w.safetensors")
    assert load_model(f"torchvision:{name}", weights=tmp_path / "w.safetensors").transform_input
    assert not load_model(f"torchvision:{name}").transform_input


def held(state, prefix=""):
    return {prefix + key: value for key, value in state.items()}


def load(module, tmp_path, saved, leave_out=()):
    torch.save(saved, tmp_path / "w.pth")
    load_weights(module, tmp_path / "w.pth", "this model", leave_out)
    return module.state_dict()


@pytest.mark.parametrize(
    "prefix",
    ["module._orig_mod.", "model.module.", "module.encoder_q.", "model.net.module.net."],
)
def test_several_beginnings_are_stripped_in_turn(tmp_path, prefix):
    state = small().state_dict()
    for extra, leave_out in (({}, ()), ({"criterion.weight": torch.ones(3)}, ["criterion.*"])):
        target = nn.Sequential(*(copy.deepcopy(part) for part in small())).requires_grad_(False)
        target[0].weight.zero_()
        found = load(target, tmp_path, {"state_dict": held(state, prefix) | extra}, leave_out)
        assert all(torch.equal(found[key], value) for key, value in state.items())


def test_other_forms_of_weights(tmp_path):
    state = {key: value + 1 for key, value in small().state_dict().items()}
    averaged = torch.optim.swa_utils.AveragedModel(small())
    averaged.module.load_state_dict(state)
    own = {f"model.{key}": value for key, value in state.items()}
    for saved, leave_out in (
        (averaged.state_dict(), ()),
        ({"state_dict_ema": state, "epoch": 3}, ()),
        (own | {"model.3.bias_mask": torch.ones(2)}, ["3.bias_mask"]),
        (own | {"model.3.bias_mask": torch.ones(2)}, ["model.3.bias_m*"]),
    ):
        found = load(small(), tmp_path, saved, leave_out)
        assert all(torch.equal(found[key], value) for key, value in state.items())


def test_weights_that_do_not_fit_say_what_to_do(tmp_path):
    state = small().state_dict()
    headless = {key: value for key, value in state.items() if not key.startswith("3.")}
    nan = state | {"0.weight": state["0.weight"].clone().index_fill_(0, torch.tensor([1]), float("nan"))}
    for saved, message in (
        (headless, r"missing: 3.weight, 3.bias. If that is a head .*leave_out=\['3.\*'\]"),
        (headless | {"head.bias": torch.ones(2)}, r"unknown: head.bias. .*leave_out=\['3.\*', 'head.\*'\]"),
        (state | {"head.bias": torch.ones(2)}, r"unknown: head.bias. If they are not .*leave_out=\['head.\*'\]"),
        (nan, "75 of 300 values of 0.weight are NaN or infinite"),
        (state | {"3.bias": torch.full((5,), float("inf"))}, "5 of 5 values of 3.bias are NaN or infinite"),
        (state | {"3.bias": torch.ones(5, dtype=torch.int8)}, "no floating-point numbers: 3.bias"),
        ({"teacher": state, "epoch": 3}, "holds no state dict; it holds teacher, epoch;"),
        ({"model": state, "model_ema": state}, "holds several state dicts, model, model_ema; save the one"),
    ):
        module = small()
        with pytest.raises(InputError, match=message):
            load(module, tmp_path, saved)
        assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())
    assert torch.equal(load(small(), tmp_path, headless, ["3.*"])["0.weight"], state["0.weight"])


def state():
    return small().state_dict()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b"junk"), "cannot be read (error: unpack requires"),
        (lambda path: path.write_bytes(b""), "cannot be read (it is empty)"),
        (lambda path: torch.save({"a": print}, path), "cannot be read (it holds print, which"),
        (lambda path: torch.save(small(), path), "torch.nn.modules.container.Sequential, which is more than weights"),
        (lambda path: torch.jit.script(small()).save(path), "cannot be read (it is a TorchScript file)"),
        (lambda path: torch.save({key: of.to_sparse() for key, of in state().items()}, path), "are sparse; save"),
        (lambda path: torch.save({key: of.to("meta") for key, of in state().items()}, path), "are without values"),
        (lambda path: torch.save({key: of.cfloat() for key, of in state().items()}, path), "no floating-point numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:.torch.jit")
def test_files_of_anything_but_weights_are_refused(tmp_path, write, said):
    path = tmp_path / "some.pth"
    write(path)
    network = small()
    with pytest.raises(InputError) as raised:
        load_weights(network, path, "mine")
    assert said in str(raised.value)
    assert "x1b" not in str(raised.value)
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in state().items())


@pytest.mark.parametrize("inner", [False, True])
def test_a_network_that_cannot_be_copied_is_refused(tmp_path, inner):
    network = small()
    with (tmp_path / "log").open("w") as file:
        (network[1] if inner else network).log = file
        with pytest.raises(InputError, match=f"because of its attribute {'1.' * inner}log; keep open files"):
            adapt(network)


def test_a_network_without_values_is_refused():
    with pytest.raises(InputError, match="has weights on the device 'meta', which stores no values"):
        adapt(small().to("meta"))


@pytest.mark.filterwarnings("ignore:.torch.jit")
def test_packages_of_code_have_no_weights(tmp_path, monkeypatch):
    package = tmp_path / "package_of_code"
    package.mkdir()
    (package / "__init__.py").touch()
    torch.jit.script(small()).save(package / "test_case.pt")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="the package package_of_code has no file of weights"):
        weights_file("package:package_of_code")
    torch.save(state(), package / "weights.pth")
    assert weights_file("package:package_of_code") == package / "weights.pth"
    for text, said in {"": "it should be package:NAME", "package_of_code/../log": "has no file ../log"}.items():
        (tmp_path / "log").touch()
        with pytest.raises(InputError, match=said):
            weights_file(f"package:{text}")


def test_a_failure_tells_how_images_are_prepared():
    with pytest.raises(InputError, match=r"shape \(2, 20, 30\) .*, resized to 1 x 1 pixels"):
        represent(adapt(small(), size=(1, 1)), torch.rand(2, 20, 30))
