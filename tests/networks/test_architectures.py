from functools import partial

import pytest
import torch
from torch import nn

from normenc.errors import InputError
from normenc.networks import (
    FC,
    ConvFC,
    ConvPoolFC,
    DeepConvPoolFC,
    DivisiveNormalisation,
    gabor_filters,
    initial_filters,
)
from normenc.representations import represent
from normenc.stimuli import gratings

NETWORKS = [FC, ConvFC, ConvPoolFC, DeepConvPoolFC]


@pytest.mark.parametrize("network", NETWORKS)
def test_probabilities_for_images_with_and_without_a_channel(network):
    images = gratings([-45, 0, 45])
    model = network()
    probabilities = model(images)
    assert probabilities.shape == (3, 1)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert torch.equal(probabilities, model(images[:, None]))


@pytest.mark.parametrize(
    ("network", "layers", "n_parameters"),
    [
        (FC, ["fc", "fc_relu", "out"], 3072 * 10 + 10 + 11),
        (ConvFC, ["conv", "fc", "fc_relu", "out"], 6 * 50 + 18432 * 10 + 10 + 11),
        (ConvPoolFC, ["conv", "pool", "fc", "fc_relu", "out"], 6 * 50 + 288 * 10 + 10 + 11),
    ],
)
def test_layers_and_sizes_are_the_studys(network, layers, n_parameters):
    model = network()
    assert [name for name, _ in model.named_children()] == layers
    assert sum(parameter.numel() for parameter in model.parameters()) == n_parameters


@pytest.mark.parametrize("network", [ConvFC, ConvPoolFC])
def test_convolution_starts_at_the_filters(network):
    model = network(n_channels=4, filter_size=5)
    assert torch.equal(model.conv.weight, initial_filters(4, 5))
    assert not model.conv.bias.any()


@pytest.mark.parametrize("size", [(12, 16), (48, 64), (31, 17)])
def test_any_size(size):
    images = torch.rand(2, *size)
    assert FC(size, n_hidden=3)(images).shape == (2, 1)
    assert ConvFC(size, n_channels=2, filter_size=3, n_hidden=4)(images).shape == (2, 1)
    assert ConvPoolFC(size, n_channels=3, filter_size=9, pool_size=5, n_hidden=4)(images).shape == (2, 1)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((48, 64), {}),
        ((31, 17), {"n_channels": 3, "filter_size": 5, "pool_size": 4}),
        ((9, 12), {"n_channels": 1, "filter_size": 3, "pool_size": 9}),
        ((10, 11), {"n_channels": 4, "filter_size": 7, "pool_size": 1}),
    ],
)
@pytest.mark.parametrize("binary", [True, False])  # binary images tie at many maxima
def test_training_mode_has_the_gradients_of_the_plain_layers(size, options, binary):
    torch.manual_seed(0)
    model = ConvPoolFC(size, **options).double()
    images = torch.rand(7, *size, dtype=torch.float64)
    if binary:
        images = images.round()

    def gradients(training: bool) -> list[torch.Tensor]:
        model.train(training)
        model.zero_grad()
        probability = model(images)
        nn.functional.binary_cross_entropy(probability, torch.ones_like(probability)).backward()
        return [probability.detach(), *(parameter.grad.clone() for parameter in model.parameters())]

    for fast, plain in zip(gradients(True), gradients(False), strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-9, atol=1e-12)
    assert gradients(True)[1].abs().sum() > 0


def test_images_get_their_gradient_in_training_mode_too():
    images = torch.rand(2, 48, 64, requires_grad=True)
    ConvPoolFC().train()(images).sum().backward()
    assert images.grad.abs().sum() > 0


def test_answers_are_probabilities_or_numbers():
    images = torch.rand(20, 12, 16)
    for network in (FC, ConvFC, partial(ConvPoolFC, pool_size=4), partial(DeepConvPoolFC, n_blocks=2)):
        torch.manual_seed(0)
        probability = network((12, 16), n_outputs=3)(images)
        torch.manual_seed(0)
        linear = network((12, 16), n_outputs=3, output="linear")(images)
        torch.testing.assert_close(probability, torch.sigmoid(linear))
        assert linear.shape == (20, 3)


def test_initial_filters_are_chosen():
    torch.manual_seed(0)
    drawn = nn.Conv2d(1, 6, 7).weight
    torch.manual_seed(0)
    assert torch.equal(ConvFC(initial="random").conv.weight, drawn)
    assert torch.equal(ConvFC(initial="gabor").conv.weight, gabor_filters())


@pytest.mark.parametrize("normalisation", ["none", "batch", "divisive"])
@pytest.mark.parametrize("n_blocks", [2, 5])
def test_deep_blocks_halve_the_image(n_blocks, normalisation):
    network = DeepConvPoolFC((48, 64), n_blocks=n_blocks, n_channels=4, normalisation=normalisation)
    layers = represent(network, torch.rand(3, 48, 64), network.layers())
    expected = {f"block{k}": 4 * (48 >> k) * (64 >> k) for k in range(1, n_blocks + 1)} | {"fc": 10, "fc_relu": 10}
    assert {name: found.shape[1] for name, found in layers.items()} == expected


def test_divisive_normalisation_takes_contrast_out():
    images = torch.rand(2, 5, 3, 4) + 0.1
    weak, strong = (DivisiveNormalisation(1e-4)(contrast * images) for contrast in (1, 50))
    torch.testing.assert_close(weak, strong, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(weak.square().mean(dim=1), torch.ones(2, 3, 4), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ConvFC(filter_size=6), "filter_size is 6; it must be odd"),
        (lambda: ConvPoolFC((6, 20)), "pool_size is 8 but images are 6 x 20"),
        (lambda: ConvPoolFC(pool_size=0), "pool_size is 0"),
        (lambda: ConvPoolFC(n_channels=0), "n_channels is 0"),
        (lambda: FC(n_hidden=0), "n_hidden is 0"),
        (lambda: FC((0, 4)), r"image_size is \(0, 4\)"),
        (lambda: FC(n_outputs=0), "n_outputs is 0"),
        (lambda: FC(output="loud"), "output is 'loud'; it must be one of 'probability', 'linear'"),
        (lambda: ConvFC(initial="trained"), "initial is 'trained'"),
        (lambda: DeepConvPoolFC(n_blocks=6), "n_blocks is 6"),
        (lambda: DeepConvPoolFC((12, 16), n_blocks=4), "images are 12 x 16"),
        (lambda: DeepConvPoolFC(n_channels=[4, 4]), r"n_channels is \[4, 4\]"),
        (lambda: DeepConvPoolFC(normalisation="group"), "normalisation is 'group'"),
        (lambda: DivisiveNormalisation(0.0), "sigma is 0"),
        (lambda: FC()(torch.zeros(1, 24, 32)), r"built for images of 48 x 64 .* shape \(1, 24, 32\)"),
        (lambda: ConvPoolFC()(torch.zeros(1, 3, 48, 64)), r"shape \(1, 3, 48, 64\)"),
    ],
)
def test_the_impossible_is_named(build, message):
    with pytest.raises(InputError, match=message):
        build()
