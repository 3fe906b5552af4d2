"""Cores against a peer's convolution, and what makes one linear."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from normenc import networks, stimuli
from normenc.encoding.cores import ConvCore, as_images, same_images
from normenc.errors import InputError

IMAGES = torch.from_numpy(np.random.default_rng(0).random((4, 9, 11), dtype=np.float32))


def test_a_layer_is_a_correlation_around_grey():
    torch.manual_seed(0)
    core = ConvCore(n_channels=2, filter_size=5, nonlinearity="none", initial="random")
    with torch.no_grad():
        features = core(IMAGES).numpy()
    bias = core.layers[0][0].bias.detach().numpy()
    for channel, own in enumerate(core.filters().numpy()):
        expected = correlate2d(IMAGES[3].numpy() - 0.5, own, mode="same") + bias[channel]
        np.testing.assert_allclose(features[3, channel], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("initial", "filters"), [("study", networks.initial_filters), ("gabor", networks.gabor_filters)]
)
def test_the_first_layer_starts_at_known_filters_and_grey_gives_nothing(initial, filters):
    core = ConvCore(n_channels=6, initial=initial, nonlinearity="relu")
    assert torch.equal(core.filters(), filters(6, 7)[:, 0])
    assert core(torch.full((1, 1, 12, 16), 0.5)).abs().max() == 0


@pytest.mark.parametrize(("nonlinearity", "linear"), [("none", True), ("elu", False), ("relu", False)])
def test_without_nonlinearity_features_add_up(nonlinearity, linear):
    torch.manual_seed(0)
    core = ConvCore(n_layers=2, n_channels=3, nonlinearity=nonlinearity, grey=0.0)
    with torch.no_grad():
        a, b, none, both = (core(x) for x in (IMAGES[:1], IMAGES[1:2], 0 * IMAGES[:1], IMAGES[:1] + IMAGES[1:2]))
    assert torch.allclose(a + b - none, both, atol=1e-4) == linear


def test_layers_have_their_own_sizes_and_keep_the_images():
    torch.manual_seed(0)
    core = ConvCore(n_layers=3, n_channels=[4, 5, 6], filter_size=9, batch_norm=True)
    assert [tuple(w.shape) for w in core.weights()] == [(4, 1, 9, 9), (5, 4, 3, 3), (6, 5, 3, 3)]
    assert core(IMAGES).shape == (4, 6, 9, 11)
    assert [tuple(w.shape[2:]) for w in ConvCore(n_layers=2, filter_size=[5, 7]).weights()] == [(5, 5), (7, 7)]


def test_batch_norm_gives_channels_a_mean_of_0_and_a_variance_of_1():
    features = ConvCore(n_channels=4, batch_norm=True, nonlinearity="none")(IMAGES)
    torch.testing.assert_close(features.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(features.var(dim=(0, 2, 3), correction=0), torch.ones(4), atol=1e-3, rtol=0)


def test_gratings_half_a_turn_apart_are_the_same_images():
    number = same_images(stimuli.gratings(np.arange(-180, 180, 6), resolution=0.025))
    assert np.array_equal(number[:30], np.arange(30)) and np.array_equal(number[:30], number[30:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_layers": 0}, "n_layers is 0; a core needs at least 1"),
        ({"nonlinearity": "tanh"}, "nonlinearity is 'tanh'; it must be one of 'elu', 'relu', 'softplus', 'none'"),
        ({"initial": "course"}, "initial is 'course'; it must be one of"),
        ({"n_layers": 3, "n_channels": [4, 5]}, "n_channels has 2 numbers for 3 layers"),
        ({"filter_size": 4}, "filter_size is 4; it must be odd"),
    ],
)
def test_impossible_cores(settings, message):
    with pytest.raises(InputError, match=message):
        ConvCore(**settings)


def test_impossible_images():
    with pytest.raises(InputError, match=r"images have shape \(2, 3, 9, 11\); they must be grey"):
        ConvCore()(torch.zeros(2, 3, 9, 11))
    with pytest.raises(InputError, match=r"images have shape \(9, 11\)"):
        as_images(np.zeros((9, 11)))
    with pytest.raises(InputError, match="images contain NaN"):
        as_images(np.full((1, 2, 3), np.nan))
