"""Fits of neurons whose truth is known, against gradient descent by hand, and what fitting promises."""

import math
from functools import cache, partial

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import nn

from normenc.encoding.cores import ConvCore, same_images
from normenc.encoding.fitting import DivergenceError, cross_validated_fit, fit
from normenc.encoding.folds import stimulus_folds
from normenc.encoding.network import EncodingNetwork, encoding_network
from normenc.encoding.penalties import Penalty
from normenc.encoding.readouts import GaussianPoint
from normenc.errors import InputError

SIZE, N_NEURONS, N_TEST = (12, 16), 30, 200
QUIET = {"device": "cpu", "progress": False}
Truth = tuple[np.ndarray, np.ndarray, np.ndarray]


@cache
def planted(n: int, output: str = "identity") -> Truth:
    """Images, mean responses (variance 1, or rates) of neurons that read the study's filters at a point, the points."""
    rng = np.random.default_rng(0)
    images = gaussian_filter(rng.standard_normal((n + N_TEST, *SIZE)), (0, 0.7, 0.7))
    images = 0.5 + 0.25 * images / images.std()
    truth = GaussianPoint((6, *SIZE), N_NEURONS)
    with torch.no_grad():
        truth.mean.copy_(torch.from_numpy(rng.uniform(-0.8, 0.8, (N_NEURONS, 2))))
        truth.features.copy_(torch.from_numpy(rng.standard_normal((N_NEURONS, 6))))
        network = EncodingNetwork(ConvCore(n_channels=6), truth).eval()
        signal = network(torch.from_numpy(images).float()).numpy()
    signal = (signal - signal.mean(axis=0)) / signal.std(axis=0)
    return images, np.log1p(np.exp(2 * signal)) if output == "softplus" else signal, truth.positions()


def noisy(signal: np.ndarray) -> np.ndarray:
    return signal + np.random.default_rng(1).standard_normal(signal.shape)


def correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(a.T, b.T, strict=True)])


def test_a_known_core_and_known_points_are_recovered():
    images, signal, points = planted(300)
    fitted = fit(partial(encoding_network, n_channels=6), images[:300], noisy(signal)[:300], seed=0, **QUIET)
    # Noise has the signal's variance, yet the prediction is nearly the signal itself on images never seen.
    assert np.median(correlations(fitted.predict(images[300:]), signal[300:])) > 0.96
    away = np.linalg.norm(fitted.network.readout.positions() - points, axis=1)
    assert np.median(away) < 0.25 and (away < 1).mean() > 0.95
    spread = np.sqrt(fitted.network.readout.covariances()[:, [0, 1], [0, 1]])
    assert np.median(spread) < 0.3  # the Gaussians narrowed, from 0.55 and 0.75 pixels


def test_with_few_data_a_point_beats_a_weight_for_every_feature():
    images, signal, _ = planted(150)
    found = {}
    for readout in ("gaussian", "factorised", "linear"):
        build = partial(encoding_network, readout=readout, n_channels=6)
        fitted = fit(build, images[:150], noisy(signal)[:150], seed=0, max_epochs=60, **QUIET)
        found[readout] = np.median(correlations(fitted.predict(images[150:]), signal[150:]))
    assert found["gaussian"] > found["factorised"] + 0.1 and found["gaussian"] > found["linear"] + 0.2


@pytest.mark.parametrize("output", ["softplus", "elu+1"])
def test_spike_counts_are_fitted_by_the_poisson_loss(output):
    images, rates, _ = planted(300, "softplus")
    counts = np.random.default_rng(2).poisson(rates)
    build = partial(encoding_network, n_channels=6, output=output)
    fitted = fit(build, images[:300], counts[:300], seed=0, loss="poisson", max_epochs=80, **QUIET)
    predicted = fitted.predict(images[300:])
    assert predicted.min() > 0
    assert np.median(correlations(predicted, rates[300:])) > 0.93
    np.testing.assert_allclose(predicted.mean(axis=0), rates[300:].mean(axis=0), rtol=0.3)


class Linear(nn.Module):
    """Two numbers an image, a weight each: small enough to descend by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0, -2.0]]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1) @ self.weight.T


def test_descent_with_momentum_and_penalties_is_that_by_hand():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((10, 1, 2)), rng.standard_normal((10, 1))

    def ridge(network):
        return 0.1 * network.weight.square().sum()

    options = {"optimiser": "sgd", "learning_rate": 0.05, "momentum": 0.5, "decay": None, "validation": None}
    fitted = fit(Linear(), x, y, seed=0, batch_size=None, max_epochs=4, penalties=[ridge], **options, **QUIET)
    w, v = np.array([1.0, -2.0]), np.zeros(2)
    losses = []
    for _ in range(4):
        error = x[:, 0] @ w - y[:, 0]
        losses.append(np.square(error).mean())
        v = 0.5 * v + 2 * x[:, 0].T @ error / 10 + 0.2 * w
        w = w - 0.05 * v
    np.testing.assert_allclose(fitted.network.weight.detach()[0], w, rtol=1e-5)
    np.testing.assert_allclose(fitted.log["training_loss"], losses, rtol=1e-5)
    assert fitted.log["penalty"][0] == pytest.approx(0.5)
    assert fitted.untrained.weight.tolist() == [[1, -2]] and fitted.best_epoch == 4


def small(**options):
    images, signal, _ = planted(150)
    build = partial(encoding_network, readout="linear", n_channels=2)
    return fit(build, images[:60], noisy(signal)[:60, :5], **{"seed": 0, "max_epochs": 25} | options, **QUIET)


def test_early_stopping_restores_the_best_weights():
    images, signal, _ = planted(150)
    fitted = small(decay=None, patience=5, max_epochs=100)
    losses = fitted.log["held_out_loss"].to_numpy()
    assert fitted.best_epoch == losses.argmin() + 1 and len(losses) == fitted.best_epoch + 5 < 100
    assert fitted.best_step == fitted.log["step"][fitted.best_epoch - 1]
    answer = fitted.predict(images[fitted.held_out])
    again = np.square(answer - noisy(signal)[fitted.held_out, :5]).mean()
    assert again == pytest.approx(losses.min(), rel=1e-5) and again < losses[-1]


def test_without_patience_all_epochs_run_and_the_last_weights_stay():
    fitted = small(patience=None, checkpoints=(0, 25))
    assert fitted.best_epoch == 25 and len(fitted.log) == 25 and fitted.log["step"].tolist() == list(range(1, 26))
    for name, values in fitted.network.state_dict().items():
        assert torch.equal(values, fitted.checkpoints[25].state_dict()[name])
        assert torch.equal(fitted.untrained.state_dict()[name], fitted.checkpoints[0].state_dict()[name])


def test_rates_fall_as_they_should():
    cosine = small(decay="cosine", patience=None, max_epochs=4).log["learning_rate"]
    np.testing.assert_allclose(cosine, 0.01 * np.array([1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]))
    log = small(patience=3, max_epochs=200).log
    np.testing.assert_allclose(np.unique(log["learning_rate"])[::-1], 0.01 * 0.3 ** np.arange(4))
    best = log["held_out_loss"].cummin()
    last = log.groupby("learning_rate")["epoch"].max().to_numpy() - 1  # epochs when patience ran out
    assert (best[last].to_numpy() == best[last - 2].to_numpy()).all()


def test_the_same_seed_gives_the_same_bytes_and_no_global_generator_changes():
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    images, signal, _ = planted(150)
    results = []
    for seed in (7, 7, 8):
        build = partial(encoding_network, n_channels=2, initial="random")
        fitted = fit(build, images[:100], signal[:100], seed=seed, max_epochs=3, batch_size=32, **QUIET)
        results.append((fitted.predict(images).tobytes(), fitted.log.to_csv(), fitted.held_out.tolist()))
    assert results[0] == results[1] and results[0][0] != results[2][0] and results[0][2] != results[2][2]
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])


def test_a_share_is_of_the_different_images():
    images, signal, _ = planted(150)
    images, signal = np.repeat(images[:20], 3, axis=0), np.repeat(signal[:20], 3, axis=0)
    fitted = fit(encoding_network, images, signal, seed=1, validation=0.25, max_epochs=1, **QUIET)
    number = same_images(images)
    assert len(fitted.held_out) == 15 and len(np.unique(number[fitted.held_out])) == 5


def test_validation_by_rows_and_by_other_data():
    rows = small(validation=[3, 1, 50], max_epochs=2)
    assert rows.held_out.tolist() == [1, 3, 50]
    images, signal, _ = planted(150)
    other = small(validation=(images[60:70], signal[60:70, :5]), max_epochs=2, patience=None)
    expected = np.square(other.predict(images[60:70]) - signal[60:70, :5]).mean()
    assert other.held_out.size == 0 and other.log["held_out_loss"].iloc[-1] == pytest.approx(expected, rel=1e-5)
    assert small(validation=None, max_epochs=2).log["held_out_loss"].isna().all()


def test_penalties_do_what_they_say():
    images, signal, _ = planted(150)
    found = {}
    for kind, part in ((None, ""), ("l2", "readout"), ("l1", "readout"), ("smoothness", "core"), ("group", "core")):
        penalties = [] if kind is None else [Penalty(kind, 1.0 if kind == "group" else 0.2, part)]
        build = partial(encoding_network, readout="linear", n_channels=4, initial="random")
        options = {"seed": 0, "max_epochs": 40, "patience": None, "decay": "cosine", "penalties": penalties}
        network = fit(build, images[:80], signal[:80, :5], **options, **QUIET).network
        weights, filters = network.readout.weight.detach(), network.core.weights()[0].detach()
        found[kind] = {
            "l2": weights.square().sum().item(),
            "l1": (weights.abs() > 1e-3).double().mean().item(),
            "smoothness": (filters.diff(dim=-1).square().sum() / filters.square().sum()).item(),
            "group": filters.norm(dim=(-2, -1)).min().item(),
        }
    for kind in ("l2", "l1", "smoothness", "group"):
        assert found[kind][kind] < 0.5 * found[None][kind], kind


def test_a_divergence_is_named():
    with pytest.raises(
        DivergenceError, match=r"fitting diverged at step \d+: the training loss is [\d.e+naif]+, while"
    ):
        small(optimiser="sgd", learning_rate=1e3)
    with pytest.raises(InputError, match=r"use a learning_rate below 1e\+03"):
        small(optimiser="sgd", learning_rate=1e3)
    # After the last step no loss is computed that would show it.
    one_step = {"seed": 0, "max_epochs": 1, "validation": None} | QUIET
    with pytest.raises(DivergenceError, match="at step 1: the training loss is nan"):
        fit(Linear(), 1e6 * np.ones((3, 1, 2)), 1e6 * np.ones((3, 1)), optimiser="sgd", learning_rate=1e38, **one_step)


def test_every_row_is_predicted_by_a_network_that_never_saw_it():
    images, signal, _ = planted(150)
    images, signal = images[:40], signal[:40, :4].copy()
    folds = stimulus_folds(40, 4)
    options = {"seed": 3, "max_epochs": 3} | QUIET
    predicted = cross_validated_fit(encoding_network, images, signal, folds, **options).predicted
    rest = np.setdiff1d(np.arange(40), folds[2])
    alone = fit(encoding_network, images[rest], signal[rest], **options).predict(images[folds[2]])
    np.testing.assert_array_equal(predicted[folds[2]], alone)
    signal[folds[2]] = 1e3 * signal[folds[2]] + 7
    changed = cross_validated_fit(encoding_network, images, signal, folds, **options).predicted
    np.testing.assert_array_equal(changed[folds[2]], predicted[folds[2]])
    assert not np.allclose(changed[folds[0]], predicted[folds[0]])


def test_the_fold_that_is_predicted_is_watched_and_decides_nothing():
    images, signal, _ = planted(150)
    images, signal = images[:40], signal[:40, :4]
    folds = stimulus_folds(40, 4)
    options = {"seed": 3, "max_epochs": 4} | QUIET
    found = cross_validated_fit(encoding_network, images, signal, folds, validation=None, patience=1, **options)
    rest = np.setdiff1d(np.arange(40), folds[0])
    alone = fit(encoding_network, images[rest], signal[rest], validation=None, **options)
    np.testing.assert_array_equal(found.predicted[folds[0]], alone.predict(images[folds[0]]))
    errors = np.square(signal[folds[0]] - found.predicted[folds[0]]).mean()
    assert found.first.log["held_out_loss"].tolist()[-1] == pytest.approx(errors, rel=1e-5)
    assert len(found.first.log) == 4


def test_progress_tells_every_step():
    told = []
    images, signal, _ = planted(150)
    options = {"validation": None, "batch_size": 32, "max_epochs": 2, "device": "cpu"}
    fitted = fit(
        encoding_network, images[:80], signal[:80], seed=0, progress=lambda *step: told.append(step), **options
    )
    assert [(step, n) for step, n, _ in told] == [(1, 6), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]
    assert fitted.log["training_loss"][0] == pytest.approx(np.mean([loss for _, _, loss in told[:3]]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "huber"}, "loss is 'huber'; it must be one of 'mse', 'poisson'"),
        ({"optimiser": "lbfgs"}, "optimiser is 'lbfgs'"),
        ({"decay": "step"}, "decay is 'step'; it must be one of 'plateau', 'cosine', None"),
        ({"patience": 0}, "patience is 0; it must be at least 1"),
        ({"learning_rate": 0}, "learning_rate is 0 and momentum 0.9"),
        ({"checkpoints": (26,)}, "checkpoints contain epoch 26"),
        ({"seed": -1}, "seed is -1"),
        ({"validation": 1.0}, "validation is 1.0 with 60 different images"),
        ({"validation": [60]}, "validation has 1 rows; give some of the rows 0 to 59"),
        ({"validation": (np.zeros((4, 3, 3)), np.zeros((4, 5)))}, r"validation has images \(4, 3, 3\)"),
        ({"loss": "poisson"}, "responses go down to -.*; use loss='mse', or responses that are not z-scored"),
    ],
)
def test_impossible_settings(options, message):
    with pytest.raises(InputError, match=message):
        small(**options)


def test_impossible_data():
    images = np.random.default_rng(4).random((10, *SIZE))
    responses = np.ones((10, 3))
    responses[4, 2] = np.nan
    with pytest.raises(InputError, match="responses to stimulus 4 are not finite"):
        fit(encoding_network, images, responses, seed=0, **QUIET)
    with pytest.raises(InputError, match="there are 10 images but 9 rows of responses"):
        fit(encoding_network, images, np.ones((9, 3)), seed=0, **QUIET)
    with pytest.raises(InputError, match="the Poisson loss needs positive outputs, but EncodingNetwork gives others"):
        fit(encoding_network, images, np.ones((10, 3)), loss="poisson", seed=0, **QUIET)
    with pytest.raises(InputError, match=r"the output of EncodingNetwork has shape \(2, 4\), not \(2, 3\)"):
        fit(encoding_network(SIZE, 4), images, np.ones((10, 3)), seed=0, **QUIET)
    with pytest.raises(InputError, match="which may have been trained on the rows to predict"):
        cross_validated_fit(encoding_network(SIZE, 3), images, np.ones((10, 3)), [[0], range(1, 10)], seed=0)
    with pytest.raises(InputError, match="validation gives rows or data"):
        cross_validated_fit(encoding_network, images, np.ones((10, 3)), [[0], range(1, 10)], seed=0, validation=[0])
    with pytest.raises(InputError, match="the 2 folds contain 9 rows"):
        cross_validated_fit(encoding_network, images, np.ones((10, 3)), [[0], range(1, 9)], seed=0)
