"""Residual, recurrent, locally connected and attending networks, and those of timm."""

import sys
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from normenc import tasks
from normenc.errors import InputError
from normenc.networks import (
    LocalFC,
    LocallyConnected,
    RecurrentConv,
    ResidualConv,
    Timm,
    VisionTransformer,
    gabor_filters,
    initial_filters,
)
from normenc.networks.pooling import MaxPool2d, conv_relu_max_pool
from normenc.representations import represent
from normenc.training import initialise, train

OURS = [ResidualConv, RecurrentConv, partial(RecurrentConv, cell="gated"), LocalFC, VisionTransformer]
TILT = tasks.TiltDiscrimination(n_train=100, n_test=20, resolution=0.025)
ANSWER = 10 + 11  # biases of fc, and the output


def n_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def by_pixels(n_pixels: int, n_channels: int) -> int:
    """Parameters of what follows n_pixels positions of n_channels."""
    return 10 * n_pixels * n_channels + ANSWER


@pytest.mark.parametrize(
    ("network", "n"),
    [
        # conv; blocks of two 3 x 3 convolutions with batch normalisation; shortcuts where the size changes
        (ResidualConv(), 16 * 50 + 3 * (2 * 9 * 16 * 16 + 4 * 16) + 2 * 16 * 16 + by_pixels(3 * 4, 16)),
        (
            ResidualConv(n_blocks=2, n_channels=[4, 6], normalisation="none"),
            4 * 50 + 2 * 4 * 37 + (6 * 37 + 6 * 55 + 4 * 6) + by_pixels(6 * 8, 6),
        ),
        (RecurrentConv(), 16 * 50 + 16 * (16 * 9 + 1) + 16 * 16 * 9 + by_pixels(12 * 16, 16)),
        (RecurrentConv(n_steps=7), 16 * 50 + 16 * (16 * 9 + 1) + 16 * 16 * 9 + by_pixels(12 * 16, 16)),
        (LocalFC(), 192 * (8 * 50 + 8 * 73) + by_pixels(192, 8)),
        (
            VisionTransformer(),  # patches, positions, 3 blocks (attention, hidden layer, two norms), norm
            32 * 65 + 48 * 32 + 3 * (4 * 32 * 33 + 64 * 33 + 32 * 65 + 4 * 32) + 2 * 32 + by_pixels(1, 32),
        ),
    ],
)
def test_parameters_are_those_counted_by_hand(network, n):
    assert n_parameters(network) == n


@pytest.mark.parametrize("size", [(12, 16), (31, 17)])
@pytest.mark.parametrize("network", OURS)
def test_any_size_output_and_seed(network, size):
    build = partial(network, size, n_outputs=3, output="linear", n_hidden=5)
    one, again, other = initialise(build, 3), initialise(build, 3), initialise(build, 4)
    images = torch.rand(4, *size)
    assert one(images).shape == (4, 3)
    assert torch.equal(one(images), again(images[:, None])) and not torch.equal(one(images), other(images))
    torch.testing.assert_close(torch.sigmoid(one(images)), initialise(partial(build, output="probability"), 3)(images))
    layers = represent(one, images, one.layers())
    assert list(layers)[-2:] == ["fc", "fc_relu"] and all(found.shape[0] == 4 for found in layers.values())


@pytest.mark.parametrize("network", [ResidualConv, RecurrentConv, LocalFC, VisionTransformer])
def test_the_first_filters_are_those_chosen(network):
    study, gabor, random = (network(initial=initial) for initial in ("study", "gabor", "random"))

    def first(model):
        return next(value for name, value in model.named_parameters() if name.endswith("weight"))

    n = len(first(study)) if network is not LocalFC else 8
    for model, filters in ((study, initial_filters(n)), (gabor, gabor_filters(n))):
        found = first(model)
        if network is LocalFC:  # the same everywhere
            assert torch.equal(found, filters.flatten(1).expand(192, -1, -1))
        elif network is VisionTransformer:  # in patches of 8 pixels, without the last row and column
            assert torch.equal(found[:, :, :7, :7], filters) and not found[:, :, 7].any() and not found[..., 7].any()
        else:
            assert torch.equal(found, filters)
    assert first(random).abs().max() <= (8 if network is VisionTransformer else 7) ** -1  # 1 / sqrt(pixels seen)


@pytest.mark.parametrize("network", OURS)
def test_a_few_epochs_lower_the_loss(network):
    build = partial(network, TILT.image_size)
    log = train(build, TILT, seed=0, n_epochs=30, batch_size=50, learning_rate=0.01, momentum=0.9, progress=False).log
    assert log.loss[-2:].mean() < 0.7 * log.loss[:2].mean()


@pytest.mark.parametrize("normalisation", ["none", "batch"])
def test_a_block_without_a_branch_is_the_identity(normalisation):
    block = ResidualConv(n_blocks=1, normalisation=normalisation).eval().block1
    features = torch.rand(2, 16, 12, 16)
    assert not torch.allclose(block(features), features)
    for parameter in block.branch[-1].parameters():  # the last convolution, or what normalises it
        nn.init.zeros_(parameter)
    assert torch.equal(block(features), features)


def test_a_block_of_another_size_adds_its_branch_to_a_projection():
    block = ResidualConv(n_channels=[4, 6], n_blocks=2, normalisation="none").block2
    features = torch.rand(2, 4, 5, 7)
    first, _, second = block.branch
    hidden = functional.conv2d(features, first.weight, first.bias, stride=2, padding=1).relu()
    added = functional.conv2d(hidden, second.weight, second.bias, padding=1)
    projected = torch.einsum("oi,nihw->nohw", block.shortcut.weight[:, :, 0, 0], features[:, :, ::2, ::2])
    torch.testing.assert_close(block(features), (projected + added).relu())


def states(network, images):
    """The states of all steps, by the equations of its docstring."""
    pooled = functional.max_pool2d(network.conv(images[:, None]).relu(), 4)
    x, w, found = network.bottom_up(pooled), network.lateral.weight, []
    h = torch.zeros(len(images), w.shape[1], *x.shape[2:])
    for _ in range(4):
        total = x + functional.conv2d(h, w, padding=1)
        n = w.shape[1]
        gate = torch.sigmoid(total[:, n:]) if network.cell == "gated" else 1
        h = (1 - gate) * h + gate * total[:, :n].relu()
        found.append(h.flatten(1).detach())
    return found


@pytest.mark.parametrize("cell", ["plain", "gated"])
def test_each_step_follows_from_the_one_before(cell):
    network, images = RecurrentConv(cell=cell, n_channels=6).eval(), torch.rand(3, 48, 64)
    layers = represent(network, images, ["step1", "step2", "step3", "step4", "fc"])
    for k, expected in enumerate(states(network, images)):
        torch.testing.assert_close(torch.from_numpy(layers[f"step{k + 1}"].values), expected, rtol=1e-4, atol=1e-5)
    last = torch.from_numpy(layers["step4"].values)
    torch.testing.assert_close(network.fc(last), torch.from_numpy(layers["fc"].values), rtol=1e-4, atol=1e-5)


def test_without_lateral_weights_every_step_is_feedforward():
    network, images = RecurrentConv().eval(), torch.rand(3, 48, 64)
    before = represent(network, images, ["step1", "step4"])
    assert not torch.allclose(*(torch.from_numpy(layer.values) for layer in before.values()))
    nn.init.zeros_(network.lateral.weight)
    after = represent(network, images, ["step1", "step4"])
    assert (after["step1"].values == before["step1"].values).all()  # which no earlier state reaches
    assert (after["step4"].values == after["step1"].values).all()
    one = RecurrentConv(n_steps=1).eval()
    one.load_state_dict(network.state_dict())
    assert torch.equal(one(images), network(images))


@pytest.mark.parametrize(("size", "filter_size", "stride"), [((12, 16), 5, 1), ((13, 10), 3, 4), ((9, 9), 7, 2)])
def test_locally_connected_with_the_same_weights_everywhere_is_a_convolution(size, filter_size, stride):
    local = LocallyConnected(2, 3, size, filter_size, stride)
    conv = nn.Conv2d(2, 3, filter_size, stride=stride, padding=filter_size // 2)
    with torch.no_grad():
        local.weight.copy_(conv.weight.flatten(1))
        local.bias.copy_(conv.bias)
    images = torch.rand(4, 2, *size)
    torch.testing.assert_close(local(images), conv(images))
    assert local(images).shape[2:] == local.grid
    with torch.no_grad():  # of one position alone
        local.weight[1].zero_()
    changed = (local(images) - conv(images)).abs().amax(dim=(0, 1)) > 1e-5
    assert changed.flatten().nonzero().tolist() == [[1]]


def test_unshared_weights_do_not_follow_a_shift():
    images = torch.rand(1, 1, 48, 64)
    shifted = images.roll((4, 8), dims=(2, 3))  # a row and two columns of positions
    inside = (..., slice(3, -3), slice(4, -4))
    for initial, follows in (("study", True), ("random", False)):
        local = LocalFC(initial=initial).local1
        assert torch.allclose(local(images).roll((1, 2), dims=(2, 3))[inside], local(shifted)[inside]) == follows


def test_tokens_are_patches_row_by_row():
    network, images = VisionTransformer((12, 17), patch_size=4), torch.rand(2, 1, 12, 17)
    cut = images[..., :16].unfold(2, 4, 4).unfold(3, 4, 4).reshape(2, 12, 16)  # the last column is not seen
    expected = cut @ network.patches.conv.weight.flatten(1).T + network.patches.conv.bias
    torch.testing.assert_close(network.patches(images), expected)


@pytest.mark.parametrize(("tokens", "permuted"), [("mean", "everything"), ("class", "the patches")])
def test_without_positions_the_order_of_patches_does_not_count(tokens, permuted):
    network = VisionTransformer((12, 16), patch_size=4, tokens=tokens, output="linear").eval()
    rows = torch.rand(2, 3, 4, 16)  # rows of patches
    images, turned = rows.reshape(2, 12, 16), rows[:, [2, 0, 1]].reshape(2, 12, 16)
    assert not torch.allclose(network(images), network(turned))
    nn.init.zeros_(network.positions)
    torch.testing.assert_close(network(images), network(turned))


@pytest.mark.parametrize("tokens", ["mean", "class"])
def test_the_transformer_is_that_of_timm(torchvision, tokens):
    timm = pytest.importorskip("timm.models.vision_transformer", reason="timm is not installed")
    own = VisionTransformer((24, 32), tokens=tokens).eval()
    peer = timm.VisionTransformer(
        img_size=(24, 32), patch_size=8, in_chans=1, embed_dim=32, depth=3, num_heads=4, mlp_ratio=2, num_classes=0,
        class_token=tokens == "class", global_pool="token" if tokens == "class" else "avg", fc_norm=False,
    ).eval()  # fmt: skip
    names = {
        **{"patch_embed.proj": "patches.conv", "pos_embed": "positions", "cls_token": "class_token"},
        **{"attn.qkv.": "self_attn.in_proj_", "attn.proj": "self_attn.out_proj", "mlp.fc": "linear"},
        **{f"blocks.{k}": f"block{k + 1}" for k in range(3)},
    }
    state = {}
    for name in peer.state_dict():
        ours = name
        for theirs, mine in names.items():
            ours = ours.replace(theirs, mine)
        state[name] = own.state_dict()[ours]
    peer.load_state_dict(state)
    for part in peer.modules():
        if isinstance(part, nn.LayerNorm):
            part.eps = 1e-5
    images = torch.rand(3, 1, 24, 32)
    torch.testing.assert_close(own._features(images), peer(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("pool_size", "shape"),
    # Pixels are left out at the edge; filters are shifted by several rows, or by none; images come in several blocks.
    [
        (1, (3, 13, 15)),
        (2, (3, 13, 15)),
        (3, (3, 13, 15)),
        (4, (2, 520, 512)),
        (7, (3, 13, 15)),
        (8, (2, 27, 43)),
        (11, (2, 24, 23)),
        (12, (2, 24, 37)),
        (16, (1, 35, 35)),
    ],
)
def test_pools_have_the_gradients_of_the_plain_layers(pool_size, shape):
    images = torch.rand(shape[0], 1, *shape[1:], dtype=torch.float64)
    if pool_size < 8:
        images = images.round(decimals=1)  # which tie at maxima
    weight = torch.randn(4, 1, 5, 5, dtype=torch.float64)

    def gradients(operation):
        parameters = weight.clone().requires_grad_(), torch.full((4,), 0.1, dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(operation(*parameters).square().sum(), parameters)

    fast = gradients(lambda w, b: conv_relu_max_pool(images, w, b, pool_size))
    plain = gradients(lambda w, b: functional.max_pool2d(functional.conv2d(images, w, b, padding=2).relu(), pool_size))
    for one, other in zip(fast, plain, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_maxima_without_a_gradient_are_those_of_torch(size):
    maps = torch.randn(2, 3, 17, 25)
    maps[0, 0, 3, 3] = float("nan")
    maps[1, 1] = 0.5
    pooled = MaxPool2d(size)
    assert not pooled.state_dict()
    torch.testing.assert_close(pooled(maps), functional.max_pool2d(maps, size), rtol=0, atol=0, equal_nan=True)
    learned = maps.clone().requires_grad_()
    assert pooled(learned).requires_grad
    with torch.no_grad():
        torch.testing.assert_close(pooled(learned), pooled(maps), rtol=0, atol=0, equal_nan=True)


def test_values_that_are_not_finite_pass_through():
    images = torch.rand(2, 1, 16, 16)
    images[0, 0, 4, 4] = float("nan")
    weight, bias = torch.rand(3, 1, 5, 5, requires_grad=True), torch.zeros(3, requires_grad=True)
    pooled = conv_relu_max_pool(images, weight, bias, 8)
    assert torch.isnan(pooled).any()
    assert torch.isfinite(pooled[1]).all()
    pooled[1].sum().backward()


@pytest.fixture
def with_timm(torchvision):
    return pytest.importorskip("timm", reason="timm is not installed")


def test_an_architecture_of_timm_is_timms_own(with_timm):
    network = initialise(partial(Timm, (48, 64), model="test_resnet", layers=["layer*", "!*.*"], n_outputs=3), 5)
    assert network.layers() == ("body.layer1", "body.layer2", "body.layer3", "body.layer4")
    torch.manual_seed(5)
    plain = with_timm.create_model("test_resnet", pretrained=False, in_chans=1, num_classes=3).eval()
    images = torch.rand(2, 48, 64)
    torch.testing.assert_close(network(images), torch.sigmoid(plain(images[:, None])))
    layers = represent(network, images, network.layers())
    features = plain.forward_features(images[:, None]).flatten(1).detach()
    torch.testing.assert_close(torch.from_numpy(layers["body.layer4"].values), features)


def test_layers_of_timm_are_spread_over_depth(with_timm):
    network = Timm((48, 64), model="test_vit", n=3)
    assert (
        network.layers() == ("body.patch_embed.proj", "body.blocks.2.attn", "body.norm") or len(network.layers()) == 3
    )
    assert network.training and represent(network, torch.rand(2, 48, 64), network.layers())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"model": "resnet10"},
            "model: given 'resnet10'; timm has no architecture of this name; did you mean resnet10t",
        ),
        ({"model": "test_vit", "image_size": (24, 32)}, "cannot process grey images of 24 x 32 pixels"),
        ({"model": "test_resnet", "layers": ["fc"]}, "layers: given 'fc', which matches no layer"),
        ({"model": "test_resnet", "layers": ["layer1", "!lay*"]}, "which leave no layer"),
        ({"model": "test_resnet", "layers": "layer1"}, r"give a list of names or patterns, such as \['layer1'\]"),
        ({"model": "test_resnet", "n": 0}, "n is 0"),
    ],
)
def test_what_timm_cannot_give_is_refused(with_timm, options, message):
    with pytest.raises(InputError, match=message):
        Timm(**options)


def test_a_missing_timm_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"timm cannot be imported .* pip install 'normenc\[models\]'"):
        Timm(model="resnet10t")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ResidualConv(n_blocks=6), "n_blocks is 6; it must be between 1 and 5"),
        (lambda: ResidualConv(n_channels=[4, 4]), r"n_channels is \[4, 4\]"),
        (lambda: ResidualConv((3, 40)), "pool_size is 4 but images are 3 x 40"),
        (lambda: ResidualConv(normalisation="divisive"), "normalisation is 'divisive'"),
        (lambda: RecurrentConv(n_steps=0), "n_steps is 0"),
        (lambda: RecurrentConv(cell="lstm"), "cell is 'lstm'"),
        (lambda: RecurrentConv(filter_size=4), "filter_size is 4; it must be odd"),
        (lambda: LocalFC((3, 40)), "stride is 4 but images are 3 x 40"),
        (lambda: LocalFC(n_blocks=4), "n_blocks is 4"),
        (lambda: LocalFC(n_channels=0), "n_channels is 0"),
        (lambda: LocalFC(initial="loud"), "initial is 'loud'"),
        (lambda: VisionTransformer((8, 15)), "patch_size is 8 but images are 8 x 15 pixels"),
        (lambda: VisionTransformer(n_heads=5), "width is 32 and n_heads is 5"),
        (lambda: VisionTransformer(tokens="all"), "tokens is 'all'"),
        (lambda: VisionTransformer(patch_size=2), "patch_size is 2"),
        (lambda: VisionTransformer(n_blocks=0), "n_blocks is 0"),
        (lambda: LocalFC()(torch.zeros(1, 24, 32)), "LocalFC was built for images of 48 x 64"),
    ],
)
def test_the_impossible_is_named(build, message):
    with pytest.raises(InputError, match=message):
        build()
