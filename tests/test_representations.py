import numpy as np
import pytest
import torch
from torch import nn

from normenc import controls, networks
from normenc.errors import InputError
from normenc.representations import represent
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
    assert set(found) == {"features", "features.0", "features.1", "features.2", "relu"}
    np.testing.assert_array_equal(found["features.1"], found["features.2"])  # dropout is off
    assert found["relu"].shape == (7, 4)  # the last of its two runs
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
        (Nested(), ["recurrent"], "layer 'recurrent' gives tuple"),
        (controls.pixels, ["amplitude"], "the layers are pixels"),
        (lambda images: {"mean": images.mean()}, None, r"layer 'mean' gives shape \(\) for 7 images"),
    ],
)
def test_bad_layers_are_named(encoder, layers, message):
    with pytest.raises(InputError, match=message):
        represent(encoder, IMAGES, layers)


def test_no_images_is_an_error():
    with pytest.raises(InputError, match="no images"):
        represent(controls.pixels, IMAGES[:0])
