"""Readouts against sums by hand, a peer's interpolation, and neurons that look where we know."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from normenc.encoding.cores import ConvCore
from normenc.encoding.network import EncodingNetwork, encoding_network
from normenc.encoding.readouts import Factorised, FullLinear, GaussianPoint
from normenc.errors import InputError

SHAPE = (3, 5, 7)
FEATURES = torch.from_numpy(np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32))


def seeded(readout, *args, **options):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return readout(*args, **options)


def at(readout: GaussianPoint, rows, columns) -> GaussianPoint:
    """Let the neurons look at these pixels."""
    height, width = readout.in_shape[1:]
    place = np.stack((2 * np.asarray(columns) / (width - 1) - 1, 2 * np.asarray(rows) / (height - 1) - 1), axis=1)
    with torch.no_grad():
        readout.mean.copy_(torch.from_numpy(place))
    return readout


def test_full_linear_is_a_sum_over_all_features():
    readout = seeded(FullLinear, SHAPE, 6)
    with torch.no_grad():
        readout.bias.copy_(torch.arange(6.0))
    expected = np.einsum("bcij,ncij->bn", FEATURES.numpy(), readout.weight.detach().numpy()) + np.arange(6)
    np.testing.assert_allclose(readout(FEATURES).detach(), expected, atol=1e-5)
    assert abs(seeded(FullLinear, (6, 12, 16), 50).weight.std().item() / 0.01 - 1) < 0.01


def test_factorised_is_a_full_linear_readout_whose_weights_are_a_product():
    readout, full = seeded(Factorised, SHAPE, 6), FullLinear(SHAPE, 6)
    with torch.no_grad():
        full.weight.copy_(readout.features[:, :, None, None] * readout.mask[:, None])
    torch.testing.assert_close(readout(FEATURES), full(FEATURES))
    np.testing.assert_allclose(readout.maps(), full.maps(), atol=1e-6)


def test_a_point_on_a_pixel_reads_it_and_half_way_the_mean_of_two():
    readout = at(seeded(GaussianPoint, SHAPE, 3), [1, 1, 4], [2, 2.5, 6])
    weights, found = readout.features.detach(), readout(FEATURES).detach()
    torch.testing.assert_close(found[:, 0], FEATURES[:, :, 1, 2] @ weights[0])
    torch.testing.assert_close(found[:, 1], (FEATURES[:, :, 1, 2] + FEATURES[:, :, 1, 3]) / 2 @ weights[1])
    torch.testing.assert_close(found[:, 2], FEATURES[:, :, 4, 6] @ weights[2])


def test_points_interpolate_as_scipy_does():
    rng = np.random.default_rng(1)
    rows, columns = rng.uniform(0, 4, 20), rng.uniform(0, 6, 20)
    readout = at(seeded(GaussianPoint, SHAPE, 20), rows, columns)
    np.testing.assert_allclose(readout.positions(), np.stack((rows, columns), axis=1), atol=1e-5)
    seen = np.stack([map_coordinates(own, (rows, columns), order=1) for own in FEATURES[2].numpy()])
    expected = (seen.T * readout.features.detach().numpy()).sum(axis=1)
    np.testing.assert_allclose(readout(FEATURES)[2].detach(), expected, atol=1e-5)


def test_in_training_locations_are_drawn_from_each_neurons_gaussian():
    # Two channels that hold the row and the column, so that the responses are the locations themselves.
    size, n = (41, 61), 20_000
    ramps = torch.from_numpy(np.indices(size).astype(np.float32))[None].expand(n, -1, -1, -1)
    readout = at(GaussianPoint((2, *size), 2), [20, 20], [30, 30])
    with torch.no_grad():
        readout.features.copy_(torch.eye(2))
        readout.factor.copy_(torch.tensor([[0.1, 0.0], [0.08, 0.06]]).expand(2, 2, 2))
    readout.generator = torch.Generator().manual_seed(0)
    # Along x sd 0.1 of half of 60 pixels, 3; along y sqrt(0.08^2 + 0.06^2) of half of 40, 2; their covariance 4.8.
    np.testing.assert_allclose(readout.covariances()[0], [[4, 4.8], [4.8, 9]], atol=1e-5)
    drawn = readout.train()(ramps).detach().numpy()
    np.testing.assert_allclose(drawn.mean(axis=0), [20, 30], atol=0.1)
    np.testing.assert_allclose(drawn.var(axis=0), [4, 9], rtol=0.05)
    np.testing.assert_allclose(readout.eval()(ramps[:1]).detach(), [[20, 30]], atol=1e-4)


def test_means_that_left_the_image_come_back_to_where_they_have_a_gradient():
    readout = at(seeded(GaussianPoint, SHAPE, 1), [9], [-3])
    torch.testing.assert_close(readout(FEATURES)[:, 0], FEATURES[:, :, 4, 0] @ readout.features[0])
    readout.constrain()
    np.testing.assert_allclose(readout.positions(), [[4, 0]], atol=0.01)
    readout(FEATURES).sum().backward()
    assert readout.mean.grad.abs().min() > 0


@pytest.mark.parametrize("readout", [GaussianPoint, Factorised])
def test_looking_finds_where_neurons_look(readout):
    rng = np.random.default_rng(2)
    features = torch.from_numpy(rng.standard_normal((60, *SHAPE)).astype(np.float32))
    rows, columns = np.array([0, 2, 4, 3]), np.array([6, 3, 0, 1])
    truth = at(seeded(GaussianPoint, SHAPE, 4), rows, columns)
    found = seeded(readout, SHAPE, 4)
    found.look_for(features, 5 + truth(features).detach())
    if readout is GaussianPoint:
        np.testing.assert_allclose(found.positions(), np.stack((rows, columns), axis=1), atol=1e-5)
    else:
        assert np.array_equal(found.maps().reshape(4, -1).argmax(axis=1), rows * 7 + columns)


@pytest.mark.parametrize("output", ["identity", "softplus", "elu+1"])
def test_biases_start_at_the_means(output):
    core = ConvCore(n_channels=3)
    network = EncodingNetwork(core, FullLinear((3, 6, 8), 4, sd=0), output=output)
    images = torch.from_numpy(np.random.default_rng(3).random((5, 6, 8), dtype=np.float32))
    mean = torch.tensor([0.05, 0.7, 1.0, 30.0])
    network.start_from(images, mean.repeat(5, 1))
    torch.testing.assert_close(network(images), mean.repeat(5, 1), rtol=1e-4, atol=1e-5)


def test_positive_outputs_are_positive():
    values = torch.linspace(-8, 8, 9)
    for output, expected in (
        ("softplus", np.log1p(np.exp(values.numpy()))),
        ("elu+1", np.where(values < 0, torch.exp(values), values + 1)),
    ):
        network = EncodingNetwork(ConvCore(n_channels=1), FullLinear((1, 6, 8), 9, sd=0), output=output)
        with torch.no_grad():
            network.readout.bias.copy_(values)
        np.testing.assert_allclose(network(torch.zeros(1, 6, 8))[0].detach(), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FullLinear((0, 5, 7), 3), r"in_shape is \(0, 5, 7\); it must be"),
        (lambda: Factorised(SHAPE, 0), "n_neurons is 0; a readout needs at least 1"),
        (lambda: GaussianPoint(SHAPE, 3, initial_sd=-1), "initial_sd is -1"),
        (lambda: encoding_network((5, 7), 3, readout="point"), "readout is 'point'; it must be one of 'linear'"),
        (lambda: encoding_network((5, 7), 3, output="exp"), "output is 'exp'; it must be one of 'identity'"),
        (
            lambda: encoding_network((5, 7), 3)(torch.zeros(1, 6, 7)),
            "images have 6 x 7 pixels, but the network takes 5 x 7",
        ),
    ],
)
def test_impossible_readouts(call, message):
    with pytest.raises(InputError, match=message):
        call()
