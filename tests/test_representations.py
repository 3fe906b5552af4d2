import numpy as np
import pytest
import torch
import xarray as xr
from torch import nn

from normenc import controls, networks
from normenc.errors import InputError
from normenc.representations import extract, represent
from normenc.stimuli import gratings

IMAGES = gratings(np.linspace(-80, 80, 7))


def test_layers_are_what_the_formula_gives():
    network = networks.ConvPoolFC()
    found = represent(network, IMAGES, ["pool", "fc"])
    with torch.no_grad():
        convolved = torch.conv2d(IMAGES[:, None], network.conv.weight, network.conv.bias, padding=3)
        pool = torch.max_pool2d(convolved.clamp(min=0), 8).flatten(1)
        fc = pool @ network.fc.weight.T + network.fc.bias
    assert list(found) == ["pool", "fc"]
    assert found["pool"].dims == ("stimulus", "unit")
    np.testing.assert_allclose(found["pool"], pool, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["fc"], fc, rtol=1e-4, atol=1e-5)
    assert float(found["fc"].min()) < 0


def test_batches_change_nothing():
    network = networks.ConvPoolFC()
    whole, pieces = represent(network, IMAGES), represent(network, IMAGES, batch_size=2)
    assert list(whole) == list(pieces) == ["conv", "pool", "fc", "fc_relu", "out"]
    for name in whole:
        np.testing.assert_allclose(whole[name], pieces[name], rtol=1e-5, atol=1e-6)


class Nested(nn.Module):
    """A network with nested names, an unused layer, one of several outputs, dropout and a layer used twice."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(3072, 5), nn.Dropout(0.5))
        self.recurrent = nn.RNN(5, 4, batch_first=True)
        self.relu = nn.ReLU()
        self.unused = nn.Linear(1, 1)

    def forward(self, images):
        features = self.relu(self.features(images))
        states, _ = self.recurrent(features[:, None])
        return self.relu(-states)


def test_nested_names_and_odd_layers():
    network = Nested().train()
    found = represent(network, IMAGES)
    assert list(found) == [
        *("features.0", "features.1", "features.2", "features", "relu:0", "recurrent[0]", "recurrent[1]", "relu:1")
    ]
    np.testing.assert_array_equal(found["features.1"], found["features.2"])  # dropout is off
    last = represent(network, IMAGES, ["relu", "relu:0"])
    np.testing.assert_array_equal(last["relu"], found["relu:1"])
    np.testing.assert_array_equal(last["relu:0"], np.maximum(found["features"], 0))
    np.testing.assert_array_equal(found["recurrent[0]"], found["recurrent[1]"])  # of one step, states and the last
    assert network.training
    assert network.features[2].training


@pytest.mark.parametrize("mode", [True, False])
def test_hooks_and_modes_are_put_back_even_after_a_failure(mode):
    network = networks.ConvPoolFC().train(mode)
    network.pool.train(not mode)
    represent(network, IMAGES)
    with pytest.raises(InputError, match="built for images"):
        represent(network, torch.zeros(2, 5, 5))
    assert all(not module._forward_hooks for module in network.modules())
    assert network.training is mode
    assert network.pool.training is (not mode)


def test_a_control_is_an_encoder():
    found = represent(controls.pixels, IMAGES, batch_size=3)
    np.testing.assert_array_equal(found["pixels"], IMAGES.flatten(1))


@pytest.mark.parametrize(
    ("encoder", "layers", "message"),
    [
        (networks.ConvPoolFC(), ["pol"], "no layer 'pol'; the layers are conv, pool, fc, fc_relu, out"),
        (networks.ConvPoolFC(), "pool", "is the string 'pool'"),
        (Nested(), ["unused"], "layer 'unused' does not run"),
        (Nested(), ["recurrent"], r"layer 'recurrent' returns a tuple.*choose one of its elements, \[0\], \[1\]"),
        (controls.pixels, ["amplitude"], "the layers are pixels"),
        (lambda images: {"mean": images.mean()}, None, r"layer 'mean' gives shape \(\) for 3 images"),
    ],
)
def test_bad_layers_are_named(encoder, layers, message):
    with pytest.raises(InputError, match=message):
        represent(encoder, IMAGES, layers)


def test_no_images_is_an_error():
    with pytest.raises(InputError, match="no images"):
        represent(controls.pixels, IMAGES[:0])


def convolutional(inplace):
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=inplace), nn.Conv2d(4, 2, 3), nn.Flatten()
    ).eval()


class Residual(nn.Module):
    """Adds to what a layer gave, in place."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(9, 5), nn.Linear(5, 5)

    def forward(self, x):
        y = self.one(x.flatten(1))
        y += self.two(y)
        return y.relu_()


SMALL = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_what_a_layer_gave_is_read_before_another_writes_over_it():
    writes, does_not = represent(convolutional(True), SMALL), represent(convolutional(False), SMALL)
    for name, values in does_not.items():
        np.testing.assert_array_equal(writes[name], values)
    assert float(writes["1"].min()) < 0
    network, x = Residual(), SMALL[:, 0, :3, :3]
    np.testing.assert_allclose(represent(network, x)["one"], network.one(x.flatten(1)).detach(), rtol=1e-6)


class WritesIntoItsInput(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 3)

    def forward(self, x):
        x -= 0.5
        x /= 0.25
        return self.fc(x.flatten(1))


@pytest.mark.parametrize("kind", ["module", "callable", "single"])
def test_images_stay_as_they_are(kind):
    network, images = WritesIntoItsInput(), SMALL[:1].clone() if kind == "single" else SMALL.clone()
    encoder = network if kind != "callable" else lambda x: {"fc": network(x)}
    first = represent(encoder, images, ["fc"])["fc"]
    np.testing.assert_array_equal(represent(encoder, images, ["fc"])["fc"], first)
    assert torch.equal(images, SMALL[: len(images)])


class Tokens(nn.Module):
    """A transformer that has tokens first, 16 of them, and gives lists of maps."""

    def __init__(self):
        super().__init__()
        self.first, self.maps = nn.Identity(), Maps()

    def forward(self, x):
        tokens = self.first(x.flatten(1).reshape(len(x), 16, -1).movedim(0, 1))
        self.maps(x)
        return tokens


class Maps(nn.Module):
    def forward(self, x):
        return [x * scale for scale in range(16)]


@pytest.mark.parametrize("n", [16, 5, 1])
@pytest.mark.parametrize("batch_size", [256, 15, 4])
def test_the_axis_of_stimuli_is_followed(n, batch_size):
    images = torch.randn(n, 8, 8)
    expected = images.flatten(1)
    found = represent(Tokens(), images, batch_size=batch_size)
    np.testing.assert_array_equal(found["first"], expected)
    assert "maps" not in found
    np.testing.assert_array_equal(found["maps[3]"], 3 * expected)
    with pytest.raises(InputError, match="layer 'maps' returns a list, not a tensor; choose one of its elements"):
        represent(Tokens(), images, ["maps"])


class Odd(nn.Module):
    """Squeezes single images, mixes stimuli and tokens, and has what does not depend on images."""

    def __init__(self):
        super().__init__()
        self.squeezed, self.mixed, self.constant, self.out = (nn.Identity() for _ in range(4))

    def forward(self, x):
        self.squeezed(x.flatten(1).squeeze())
        self.mixed(x.reshape(len(x) * 4, -1))
        self.constant(torch.ones(7, 3))
        return self.out({"logits": x.flatten(1), "aux": (x.mean(dim=(1, 2)), "text")})


def test_odd_outputs():
    images = torch.randn(7, 8, 8)
    found = represent(Odd(), images, batch_size=3)  # the last batch has one image
    np.testing.assert_array_equal(found["squeezed"], images.flatten(1))
    assert list(found) == ["squeezed", "out[logits]", "out[aux][0]"]
    np.testing.assert_allclose(found["out[aux][0]"][:, 0], images.mean(dim=(1, 2)), rtol=1e-6)
    for layer, message in {
        "mixed": r"layer 'mixed' gives shape \(8, 16\) for 2 images and \(12, 16\) for 3: it must give one row",
        "constant": "it must give one row per stimulus",
        "out": r"layer 'out' returns a dict, .*\[logits\], \[aux\]\[0\]",
        "out[heads]": r"there is no element \[heads\]; there are \[logits\], \[aux\]",
        "out[logits][0]": "there is no element",
        "squeezed:1": "the module runs once; runs are counted from 0",
        "squeezed@mean": "@mean is for tokens",
        "squeezed@last": "@last is not one of @class, @mean, @max",
    }.items():
        with pytest.raises(InputError, match=message):
            represent(Odd(), images, [layer])


def test_tokens_and_positions_are_pooled():
    layer = nn.Sequential(nn.Identity())
    tokens, maps = torch.randn(4, 6, 5), torch.randn(4, 1, 5, 6)
    found = represent(layer, tokens, ["0@class", "0@mean", "0@max", "0"])
    np.testing.assert_array_equal(found["0@class"], tokens[:, 0])
    np.testing.assert_allclose(found["0@mean"], tokens.mean(dim=1), rtol=1e-6)
    np.testing.assert_array_equal(found["0@max"], tokens.numpy().max(axis=1))
    assert found["0"].shape == (4, 30)
    with pytest.raises(InputError, match=r"0@mean'.* with a known channel axis; .*Read the whole layer, '0'"):
        represent(layer, maps, ["0@mean"])
    found = represent(convolutional(False), maps, ["0", "0@mean", "0@max", "2", "2@mean", "2@max"])
    for name, n in {"0": 4, "2": 4}.items():  # the relu gives maps of the convolution's shape
        expected = found[name].values.reshape(4, n, -1).mean(axis=2)
        np.testing.assert_allclose(found[f"{name}@mean"], expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(found[f"{name}@max"], found[name].values.reshape(4, n, -1).max(axis=2))


class ChannelsLast(nn.Module):
    """Maps that are turned to have channels last, then cut into other shapes, and (channel, position) of a sound."""

    def __init__(self):
        super().__init__()
        self.patches, self.norm, self.merged = nn.Conv2d(1, 4, 2, 2), nn.LayerNorm(4), nn.Linear(8, 3)
        self.sound, self.square = nn.Conv1d(8, 5, 3), nn.Conv2d(1, 4, 3)

    def forward(self, x):
        maps = self.norm(self.patches(x[:, None]).permute(0, 2, 3, 1))
        self.square(x[:, None, :6, :6])
        self.sound(x)
        return self.merged(maps.reshape(len(x), 4, 3, 8))


def test_only_known_channels_are_kept_apart_by_means():
    images = torch.rand(5, 8, 12)
    found = represent(ChannelsLast(), images, ["norm", "norm@mean", "sound", "sound@mean"])
    np.testing.assert_allclose(found["norm@mean"], found["norm"].values.reshape(5, 24, 4).mean(1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["sound@mean"], found["sound"].values.reshape(5, 5, 10).mean(2), rtol=1e-4)
    for name in ("sound@class", "merged@mean", "norm@class", "square@mean"):
        with pytest.raises(InputError, match=f"layer '{name}': @.* is for tokens"):
            represent(ChannelsLast(), images, [name])


class Named(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind, self.inner = kind, nn.Flatten()
        self.given = Gives()
        self.add_module("inner:1", nn.Identity())

    def forward(self, x):
        if self.kind == "keys":
            return self.given(x.flatten(1))
        return self.get_submodule("inner:1")(self.inner(self.inner(x)))


class Gives(nn.Module):
    def forward(self, x):
        return {1: x[:, :1], "1": x[:, 1:]}


def test_equal_names_are_refused():
    images = torch.rand(4, 3, 3)
    for layers in (None, ["given[1]"]):
        with pytest.raises(InputError, match=r"two elements are called \[1\]"):
            represent(Named("keys"), images, layers)
    with pytest.raises(InputError, match="two layers have the name 'inner:1'"):
        represent(Named("runs"), images)
    with pytest.raises(InputError, match="layer 'inner:1' is the name of a module, and also of an output of 'inner'"):
        represent(Named("runs"), images, ["inner:1"])


@pytest.mark.filterwarnings("ignore")
def test_layers_within_a_compiled_part_are_read_after_it_has_run():
    network = nn.Sequential(torch.compile(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), backend="eager"), nn.ReLU())
    fresh = represent(network, SMALL)
    with torch.no_grad():
        network.eval()(SMALL)
    found = represent(network, SMALL)
    assert list(found) == list(fresh)
    assert len(found) == 5
    for name, values in fresh.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6)


@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize("how", ["scripted", "traced", "a part is scripted"])
def test_torchscript_is_refused(how):
    network = convolutional(False)
    scripted = {
        "scripted": lambda: torch.jit.script(network),
        "traced": lambda: torch.jit.trace(network, SMALL),
        "a part is scripted": lambda: nn.Sequential(torch.jit.script(network), nn.Identity()),
    }[how]()
    for layers in (None, ["1"]):
        with pytest.raises(InputError, match="TorchScript module, whose layers cannot be read"):
            represent(scripted, SMALL, layers)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["compiled", "compiled and run", "compiled in place and run", "spread"])
def test_compiled_modules_and_those_that_are_spread_over_devices_are_read_as_what_they_are(how):
    network, expected = convolutional(False), represent(convolutional(False), SMALL)
    read = network
    if how == "spread":
        read = nn.DataParallel(network)
    elif "in place" in how:
        network.compile(backend="eager")
    else:
        read = torch.compile(network, backend="eager")
    if "run" in how:
        with torch.no_grad():
            read(SMALL)
    found = represent(read, SMALL)
    assert list(found) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6)
    prefix = {"spread": "module.", "compiled": "_orig_mod."}.get(how, "")
    np.testing.assert_allclose(represent(read, SMALL, [f"{prefix}1"])[f"{prefix}1"], expected["1"], atol=1e-6)
    if "in place" in how:
        assert network._compiled_call_impl is not None  # as it was


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("given", ["tensor", "float64", "numpy", "bytes", "list"])
def test_images_are_given_in_the_networks_own_type(dtype, given):
    network = convolutional(False)
    bytes_ = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    images = bytes_.float() / 255
    expected = represent(network, images)["3"]
    shown = {"tensor": images, "float64": images.double(), "numpy": images.numpy(), "bytes": bytes_}.get(given)
    found = represent(network.to(dtype), images.tolist() if shown is None else shown)["3"]
    tolerance = {torch.float32: 1e-6, torch.float64: 1e-5, torch.float16: 5e-3, torch.bfloat16: 5e-2}[dtype]
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert found.dtype in (np.float32, np.float64)


class Dependent(nn.Module):
    """What `h` becomes on the way from fc to out depends on more than the image."""

    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(0)
        self.kind, self.fc, self.out = kind, nn.Linear(64, 5), nn.Linear(5, 4)
        self.norm = nn.BatchNorm1d(5, track_running_stats=False)
        self.register_buffer("mean", torch.zeros(5))
        self.calls, self.seen = 0, []

    def forward(self, x):
        x = x.flatten(1)
        if self.kind == "sorted":
            order = x.sum(1).argsort()
            return self.out(self.fc(x[order])[order.argsort()])
        return self.out(getattr(self, self.kind)(self.fc(x)))

    def normalised(self, h):
        return self.norm(h)

    def centred(self, h):
        return h - h.mean(0)

    def dropped(self, h):
        return nn.functional.dropout(h)

    def running(self, h):
        self.mean.mul_(0.9).add_(0.1 * h.mean(0))
        return h - self.mean

    def remembered(self, h):
        self.seen.append(1)
        return h * len(self.seen)

    def counted(self, h):
        self.calls += 1
        self.mean += 1
        return h * self.calls + self.mean


@pytest.mark.parametrize("layers", [None, ["out"]])
@pytest.mark.parametrize("n", [7, 1])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("normalised", "depends on the other images in a batch"),
        ("centred", "layer 'out' depends on the other images in a batch"),
        ("running", "layer 'out' depends on the other images in a batch"),
        ("dropped", "layer 'out' is random, or depends on earlier calls"),
        ("remembered", "layer 'out' is random, or depends on earlier calls"),
    ],
)
def test_what_depends_on_more_than_the_image_is_refused(kind, message, n, layers):
    network, images = Dependent(kind), torch.rand(n, 8, 8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with pytest.raises(InputError, match=message):
        represent(network, images, layers)
    expected = network.fc(images.flatten(1)).detach()
    np.testing.assert_allclose(represent(network, images, ["fc"])["fc"], expected, atol=1e-6)
    assert torch.equal(torch.get_rng_state(), before)
    assert not network.mean.any()


@pytest.mark.parametrize("ascending", [True, False])
def test_rows_in_another_order_are_refused(ascending):
    images = torch.linspace(0, 1, 7)[:, None, None].expand(7, 8, 8)
    images = images if ascending else images.flip(0)
    with pytest.raises(InputError, match="layer 'fc' depends on the other images in a batch"):
        represent(Dependent("sorted"), images, ["fc"])


def test_a_network_runs_from_the_state_in_which_it_was_given():
    network, images = Dependent("counted"), torch.rand(7, 8, 8)
    expected = network.out(network.fc(images.flatten(1)) + 1).detach()
    for batch_size in (7, 2):
        np.testing.assert_allclose(represent(network, images, batch_size=batch_size)["out"], expected, atol=1e-6)
    assert (network.calls, float(network.mean.abs().max()), network.training) == (0, 0, True)


class InParts(nn.Module):
    """Runs its encoder on eight images at a time, and gives them in groups where there are many."""

    def __init__(self):
        super().__init__()
        self.encoder, self.kept, self.head = nn.Flatten(), nn.Identity(), nn.Identity()

    def forward(self, x):
        found = torch.cat([self.encoder(part) for part in x.split(8)])
        self.kept(found if len(x) < 10 else found[:8])
        return self.head(found)


def test_rows_of_every_batch_are_counted():
    images = torch.rand(20, 4, 4)
    with pytest.raises(InputError, match="layer 'encoder' runs 3 times for 20 images and once for 3"):
        represent(InParts(), images)
    with pytest.raises(InputError, match=r"layer 'kept' gives shape \(8, 16\) for 20 images, .* imply \(20, 16\)"):
        represent(InParts(), images, ["kept"])
    np.testing.assert_array_equal(represent(InParts(), images, ["head"])["head"], images.flatten(1))
    for values in represent(InParts(), images, batch_size=8).values():
        np.testing.assert_array_equal(values, images.flatten(1))


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (
            lambda x: {"a" if len(x) > 2 else "b": x.flatten(1)},
            "layer 'a' differs .*: .* no such layer",
        ),
        (lambda x: {"a": x.flatten(1)[:, : len(x)]}, "layer 'a' differs between batches"),
        (lambda x: {"a": x.flatten(1) - x.flatten(1).mean(0)}, "layer 'a' depends on the other images"),
    ],
)
def test_batches_of_a_callable_are_compared(encoder, message):
    with pytest.raises(InputError, match=message):
        represent(encoder, torch.rand(5, 4, 4, generator=torch.Generator().manual_seed(1)), batch_size=3)


def test_a_callable_is_tried_with_a_single_batch_too():
    images = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(1))  # as many as there are trials
    kept = torch.zeros(3, 16)

    def into_one_array(x):
        kept[: len(x)] = x.flatten(1)
        return {"a": kept[: len(x)]}

    np.testing.assert_array_equal(represent(into_one_array, images, batch_size=2)["a"], images.flatten(1))
    state = torch.get_rng_state()
    for encoder, message in (
        (lambda x: {"a": x.flatten(1) + torch.rand(1)}, "layer 'a' is random, or depends on earlier calls"),
        (lambda x: {"a": x.flatten(1) - x.flatten(1).mean(0)}, "layer 'a' depends on the other images"),
        (lambda x: {"a": x.flatten(1) + torch.arange(len(x))[:, None]}, "layer 'a' depends on the other images"),
    ):
        with pytest.raises(InputError, match=message):
            represent(encoder, images)
    assert torch.equal(torch.get_rng_state(), state)


def test_types_of_images():
    network, bytes_ = convolutional(False), np.random.default_rng(0).integers(0, 256, (3, 1, 8, 8), dtype=np.uint8)
    images = (bytes_ / 255).astype(np.float32)
    expected = represent(network, images, ["3"])["3"]
    masked = np.ma.masked_array(images, images < 0)
    shown = [images.astype(">f4"), images.astype(np.longdouble), masked, list(torch.tensor(images)), list(bytes_)]
    for given in (*shown, torch.tensor(images).double().numpy(), xr.DataArray(bytes_)):
        np.testing.assert_allclose(represent(network, given, ["3"])["3"], expected, atol=1e-6)
    light = bytes_ > 127
    expected = represent(network, light.astype(float), ["3"])["3"]
    for given in (light, torch.tensor(light)):
        np.testing.assert_array_equal(represent(network, given, ["3"])["3"], expected)


@pytest.mark.parametrize("dtype", ["int16", "int32", "int64", "uint16", "uint32", "int8"])
def test_whole_numbers_are_given_to_what_looks_them_up(dtype):
    words = np.array([[0, 1, 2], [3, 1, 0]], dtype=dtype)
    with pytest.raises(InputError, match="whole numbers of unknown range; give floating-point numbers"):
        represent(convolutional(False), words[:, None])
    np.testing.assert_array_equal(represent(controls.pixels, words[:, None])["pixels"], words)
    if dtype in ("int32", "int64", "uint16"):
        table = nn.Embedding(4, 2)
        expected = table.weight.detach().numpy()[words.astype(int)].reshape(2, -1)
        np.testing.assert_array_equal(represent(nn.Sequential(table), words)["0"], expected)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((3, 1, 8, 8), complex), "must .*numbers"),
        (torch.zeros(3, 1, 8, 8, dtype=torch.complex64), "complex tensor; they must be dense, real numbers"),
        (torch.zeros(3, 1, 8, 8).to_sparse(), "sparse tensor; they must be dense"),
        (torch.zeros(3, 1, 8, 8, device="meta"), "without values"),
        (np.ma.masked_equal(np.eye(8)[None, None], 1), "8 of 64 values of images are masked"),
        (torch.zeros(3, 3, 8, 8), r"Sequential cannot process images of shape \(2, 3, 8, 8\).*pretrained.adapt"),
        (torch.zeros(8, 8), "cannot process images of shape"),
        (torch.zeros(1, 8, 8), "cannot process images of shape"),
        (torch.zeros(5, 8, 8), "cannot process images of shape"),
        ([[1.0], [1.0, 2.0]], "ragged"),
        (["a", "b"], "numbers"),
    ],
)
def test_images_that_cannot_be_taken_are_refused(images, message):
    with pytest.raises(InputError, match=message):
        represent(convolutional(False), images)
    with pytest.raises(InputError, match="device 'meta'"):
        represent(convolutional(False).to("meta"), SMALL)


class WithOdd(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.first, self.odd, self.function = nn.Conv2d(1, 2, 3), Applied(function), function

    def forward(self, images):
        self.odd(self.first(images[:, None]))
        return images


class Applied(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (torch.fft.fft2, "complex numbers"),
        (lambda images: images.flatten(1).to_sparse(), "a sparse tensor"),
        (lambda images: images.flatten(1).to_sparse_csr(), "a sparse tensor"),
        (lambda images: torch.nested.nested_tensor([image.flatten() for image in images]), "a nested tensor"),
    ],
)
@pytest.mark.filterwarnings("ignore:Sparse CSR", "ignore:The PyTorch API of nested")
def test_layers_of_no_dense_real_numbers_are_refused_by_name_and_left_out_of_all(function, said):
    network, images = WithOdd(function), torch.rand(4, 8, 8)
    for read in (represent, extract):
        assert list(read(network, images)) == ["first"]
        with pytest.raises(InputError, match=f"layer 'odd' gives {said}; a layer must give dense, real numbers"):
            read(network, images, ["first", "odd"])


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16, torch.float16])
def test_layers_of_short_numbers(kind):
    network, images = WithOdd(lambda images: images.to(kind)), torch.rand(4, 8, 8)
    network.first = nn.Identity()
    for read in (represent, extract):
        np.testing.assert_array_equal(
            np.asarray(read(network, images, ["odd"])["odd"]), images.to(kind).float().flatten(1)
        )
