"""The course's network against its own loop, and the weaknesses that are shown."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import nn

from normenc import recordings, stimuli
from normenc.encoding import neuromatch, pixel_model
from normenc.encoding.cores import same_images
from normenc.encoding.fitting import DivergenceError
from normenc.errors import InputError

ANGLES = np.arange(-180, 180, 6)
IMAGES = stimuli.gratings(ANGLES, resolution=0.025)
QUIET = {"device": "cpu", "progress": False}
N_NEURONS = 60


@cache
def data() -> tuple[np.ndarray, np.ndarray]:
    recording = recordings.simulated_v1(N_NEURONS, n_repeats=20, direction=True, n_stimuli=60)
    return neuromatch.halves_of_trials(recording)


def gratings() -> torch.Tensor:
    return stimuli.gratings(recordings.simulated_v1(2, direction=True, n_stimuli=60).orientation, resolution=0.025)


def test_the_loss_follows_the_courses_own_loop():
    responses, held_out = data()
    options = {"learning_rate": 0.2, "n_steps": 20, "seed": 5} | QUIET
    fitted = neuromatch.fit_neuromatch_network(gratings(), responses, held_out, **options)
    start = fitted.model.untrained
    network = nn.Sequential(nn.Conv2d(1, 6, 7, padding=3), nn.Flatten(), nn.Linear(6 * 12 * 16, N_NEURONS))
    with torch.no_grad():
        network[0].weight.copy_(start.core.weights()[0])
        network[0].bias.zero_()
        network[2].weight.copy_(start.readout.weight.flatten(1))
        network[2].bias.copy_(start.readout.bias)
    x = gratings()[:, None] - 0.5
    y, other = (torch.from_numpy(values).float() for values in (responses, held_out))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2, momentum=0.9)
    losses, held_out_losses = [], []
    for _ in range(20):
        weights = network[2].weight
        penalty = 5e-4 * torch.square(weights).sum() + 1e-6 * torch.abs(weights).sum()
        loss = nn.MSELoss()(network(x), y) + penalty
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        with torch.no_grad():
            held_out_losses.append(nn.MSELoss()(network(x), other).item())
    log = fitted.model.log
    np.testing.assert_allclose(log["training_loss"] + log["penalty"], losses, rtol=1e-4)
    np.testing.assert_allclose(log["held_out_loss"], held_out_losses, rtol=1e-4)


def test_the_defaults_are_the_courses():
    network = neuromatch.neuromatch_network((12, 16), 500)
    assert tuple(network.core.weights()[0].shape) == (6, 1, 7, 7) and len(network.core.layers) == 1
    assert abs(network.readout.weight.std().item() - 0.01) < 1e-4
    assert (neuromatch.LEARNING_RATE, neuromatch.MOMENTUM, neuromatch.N_STEPS, neuromatch.L2, neuromatch.L1) == (
        2.0,
        0.9,
        200,
        5e-4,
        1e-6,
    )


@cache
def fitted(share: float = 0.0) -> pixel_model.NeuromatchFit:
    return neuromatch.fit_neuromatch_network(gratings(), *data(), learning_rate=0.1, share_of_images=share, **QUIET)


def test_the_network_is_linear_in_the_pixels():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 5, 12, 16))
    grey = np.full((1, 12, 16), 0.5)
    predict = fitted().model.predict
    np.testing.assert_allclose(predict(a) + predict(b) - predict(grey), predict(a + b - grey), atol=2e-4)
    filters = pixel_model.linear_filters(fitted().model, (12, 16))
    by_pixels = np.einsum("bij,nij->bn", a - grey, filters) + predict(grey)
    np.testing.assert_allclose(by_pixels, predict(a), atol=2e-4)


def test_directions_half_a_turn_apart_are_predicted_alike_and_that_bounds_what_can_be_explained():
    predicted = fitted().model.predict(gratings())
    np.testing.assert_array_equal(predicted[:30], predicted[30:])
    responses, _ = data()
    pairs = np.tile((responses[:30] + responses[30:]) / 2, (2, 1))
    bound = pixel_model.explained_variance(responses, pairs)
    assert (fitted().explained_variance["training"] <= bound + 1e-5).all() and np.median(bound) < 0.7


def test_held_out_images_are_held_out_whole_and_explained_less():
    result = fitted(0.2)
    number = same_images(gratings())
    assert len(result.held_out_images) == 12 and len(np.unique(number[result.held_out_images])) == 6
    scores = result.explained_variance.median()
    assert scores["held_out_images"] < scores["held_out_trials"] - 0.1 < scores["training"]
    assert fitted().explained_variance["held_out_images"].isna().all()
    # Whatever they answered to the images held out, the model is the same.
    responses, held_out = (values.copy() for values in data())
    responses[result.held_out_images] = 1e6
    again = neuromatch.fit_neuromatch_network(
        gratings(), responses, held_out, learning_rate=0.1, share_of_images=0.2, **QUIET
    )
    np.testing.assert_array_equal(again.model.predict(IMAGES), result.model.predict(IMAGES))


def test_explained_variance_by_hand():
    responses = np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 4.0]])
    predicted = np.array([[0.0, 1.0, 3.0], [1.0, 1.0, 3.0]])
    # Errors 1 of 2, nothing to explain, 2 of 2.
    np.testing.assert_array_equal(pixel_model.explained_variance(responses, predicted), [0.5, np.nan, 0.0])


def test_the_pixel_model_is_scikit_learns_ridge():
    responses, held_out = data()
    found = pixel_model.fit_pixel_model(IMAGES, responses, held_out, l2=1e-3)
    peer = Ridge(alpha=1e-3 * responses.size).fit(IMAGES.flatten(1).double().numpy(), responses)
    np.testing.assert_allclose(found.model.weights.reshape(N_NEURONS, -1), peer.coef_, atol=1e-8)
    np.testing.assert_allclose(found.model.predict(IMAGES), peer.predict(IMAGES.flatten(1)), atol=1e-6)
    with pytest.raises(InputError, match="l2 is 0; it must be a positive number"):
        pixel_model.fit_pixel_model(IMAGES, responses, held_out, l2=0)


@pytest.mark.parametrize("n_neurons", [50, 200])
def test_the_largest_learning_rate_is_where_divergence_begins(n_neurons):
    recording = recordings.simulated_v1(n_neurons, n_repeats=4, direction=True, n_stimuli=60)
    images, halves = gratings(), neuromatch.halves_of_trials(recording)
    bound = neuromatch.largest_learning_rate(images, n_neurons)
    neuromatch.fit_neuromatch_network(images, *halves, learning_rate=0.5 * bound, n_steps=60, **QUIET)
    with pytest.raises(
        DivergenceError, match=rf"at step \d+.*with {n_neurons} neurons the readout is stable up to {bound:.3g}"
    ):
        neuromatch.fit_neuromatch_network(images, *halves, learning_rate=1.05 * bound, **QUIET)


def test_halves_share_no_trial_and_use_them_all():
    rng = np.random.default_rng(1)
    trials = rng.standard_normal((20, 3))
    recording = recordings.Recording.from_trials("toy", trials, np.repeat(np.arange(5) * 30.0, 4))
    first, second = neuromatch.halves_of_trials(recording, seed=3)
    by_stimulus = trials.reshape(5, 4, 3)
    # Undo the z-scores by the one pair of mean and standard deviation that fits both halves to all trials.
    for neuron in range(3):
        total = by_stimulus[:, :, neuron].mean(axis=1)
        slope, offset = np.polyfit((first + second)[:, neuron] / 2, total, 1)
        np.testing.assert_allclose(slope * (first + second)[:, neuron] / 2 + offset, total, atol=1e-9)
    assert not np.allclose(first, neuromatch.halves_of_trials(recording, seed=4)[0])


def test_impossible_data():
    responses, held_out = data()
    with pytest.raises(InputError, match="there are 59 images, responses"):
        neuromatch.fit_neuromatch_network(IMAGES[:59], responses, held_out, **QUIET)
    with pytest.raises(InputError, match=r"share_of_images is 0\.02, which is 1 of 30 different images; at least 2"):
        pixel_model.fit_pixel_model(IMAGES, responses, held_out, share_of_images=0.02)
    with pytest.raises(
        InputError, match="single trial, or only averages; splitting into halves needs at least 2 trials"
    ):
        neuromatch.halves_of_trials(recordings.simulated_v1(4))
