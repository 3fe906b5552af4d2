"""Decoding and dimensions against scikit-learn, planted spectra and known noise."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, RidgeCV

from normenc import tuning
from normenc.errors import InputError
from normenc.tuning.population import PENALTIES, _folds


def noisy_population(n_trials, n_units, noise, seed=0):
    rng = np.random.default_rng(seed)
    degrees = rng.uniform(-90, 90, n_trials)
    waves = np.exp(1j * np.radians(2 * (degrees[:, None] - rng.uniform(-90, 90, n_units)))).real
    return 3 + waves + noise * rng.normal(size=waves.shape), degrees


@pytest.mark.parametrize("n_units", [8, 30, 200])  # fewer than rows, as many as are trained on, more
@pytest.mark.parametrize("decoder", ["ridge", "linear"])
def test_decoders_are_scikit_learns(n_units, decoder):
    responses, degrees = noisy_population(45, n_units, 1.0)
    angle = np.radians(2 * degrees)
    targets = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = tuning.decode_orientation(responses, degrees, decoder=decoder, n_folds=3, seed=4)
    fold = _folds(np.mod(angle, 2 * np.pi), 3, np.random.default_rng(4))
    for part in range(3):
        x, y = responses[fold != part], targets[fold != part]
        scale = np.square(x - x.mean(axis=0)).sum() / len(x)
        peer = LinearRegression() if decoder == "linear" else RidgeCV(PENALTIES * scale)
        fitted = peer.fit(x, y).predict(x) - y.mean(axis=0)
        kept = np.linalg.lstsq(y - y.mean(axis=0), fitted)[0]
        to_middle = (targets.mean(axis=0) - y.mean(axis=0)) @ (np.eye(2) - kept)
        cosine, sine = (peer.predict(responses[fold == part]) + to_middle).T
        expected = np.degrees(np.arctan2(sine, cosine)) / 2
        np.testing.assert_allclose(found.decoded[fold == part], expected, atol=1e-5)


def test_decoded_angles_have_the_error_of_the_noise():
    rng = np.random.default_rng(1)
    degrees = rng.uniform(-90, 90, 1500)
    angle = np.radians(2 * degrees)
    # Two units that are cosine and sine: noise of 0.1 moves the angle by 0.1 rad = 2.87 degrees of orientation.
    responses = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.1 * rng.normal(size=(1500, 2))
    found = tuning.decode_orientation(responses, degrees)
    noise = np.degrees(0.1) / 2
    assert found.median_error == pytest.approx(0.6745 * noise, rel=0.08)
    assert found.threshold == pytest.approx(0.6745 * np.sqrt(2) * noise, rel=0.08)
    assert (np.abs(found.error) <= 90).all()


def test_the_threshold_is_where_three_of_four_pairs_are_told_apart():
    responses, degrees = noisy_population(400, 30, 0.5, seed=1)
    found = tuning.decode_orientation(responses, degrees)
    one, other = np.triu_indices(400, 1)
    apart = found.error[one] - found.error[other]
    right = [np.mean(sign * apart + found.threshold > 0) for sign in (1, -1)]
    assert np.mean(right) == pytest.approx(0.75, abs=0.01)


def test_decoding_turns_with_the_stimulus():
    responses, degrees = noisy_population(120, 20, 0.5)
    found, turned = (tuning.decode_orientation(responses, degrees + by) for by in (0, 77))
    np.testing.assert_allclose((turned.decoded - found.decoded - 77 + 90) % 180, 90, atol=1e-6)
    assert turned.threshold == pytest.approx(found.threshold)


def test_noise_is_decoded_at_chance():
    rng = np.random.default_rng(2)
    found = tuning.decode_orientation(rng.normal(size=(800, 20)), rng.uniform(0, 360, 800), period=360)
    assert found.median_error == pytest.approx(90, abs=8)
    assert np.isnan(found.threshold)


def test_folds_go_around_the_circle():
    angle = np.radians(np.tile(np.arange(0, 360, 30.0), 4))
    fold = _folds(angle, 4, np.random.default_rng(0))
    for part in range(4):
        assert np.bincount(fold)[part] == 12
        assert abs(np.exp(1j * angle[fold == part]).sum()) < 1e-9
    assert len({tuple(_folds(angle, 4, np.random.default_rng(seed))) for seed in range(20)}) == 20  # chance within that


def test_without_noise_any_folds_decode_exactly():
    degrees = np.arange(0, 180, 16.0)  # in uneven steps around the circle
    waves = np.cos(np.radians(2 * (degrees[:, None] - np.arange(0, 180, 20.0))))
    for n_folds in (2, 5, 7):
        assert np.abs(tuning.decode_orientation(waves, degrees, decoder="linear", n_folds=n_folds).error).max() < 1e-6


@pytest.mark.parametrize(("n_stimuli", "n_folds"), [(6, 3), (8, 4), (12, 5), (25, 5)])
def test_noise_of_few_averages_is_decoded_at_chance_too(n_stimuli, n_folds):
    """The angles of the others point away from one that is left out; 63 to 74 degrees with random folds."""
    rng = np.random.default_rng(3)
    degrees = np.arange(n_stimuli) * 180 / n_stimuli
    noise = rng.normal(size=(150, n_stimuli, 60))
    errors = [tuning.decode_orientation(own, degrees, n_folds=n_folds).median_error for own in noise]
    assert np.mean(errors) == pytest.approx(45, abs=4 * np.std(errors) / np.sqrt(150))


def test_participation_ratio_by_hand():
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.normal(size=(50, 4)) - rng.normal(size=(50, 4)).mean(axis=0))[0]
    basis -= basis.mean(axis=0)
    basis = np.linalg.qr(basis)[0]
    lengths = np.sqrt([4.0, 2.0, 1.0, 1.0])
    assert tuning.participation_ratio(basis * lengths) == pytest.approx(64 / 22)
    wide = (basis * lengths) @ np.linalg.qr(rng.normal(size=(200, 4)))[0].T
    assert tuning.participation_ratio(wide) == pytest.approx(64 / 22)
    assert np.isnan(tuning.participation_ratio(np.ones((5, 3))))


def test_the_cross_validated_spectrum_finds_a_planted_power_law_below_the_noise():
    rng = np.random.default_rng(4)
    n_stimuli, n_units = 600, 800
    variances = np.arange(1, 301) ** -1.0
    signal = rng.normal(size=(n_stimuli, 300)) * np.sqrt(variances)
    signal = signal @ np.linalg.qr(rng.normal(size=(n_units, 300)))[0].T
    repeats = signal + 0.05 * rng.normal(size=(2, n_stimuli, n_units))
    spectrum = tuning.cross_validated_spectrum(repeats)
    exponent, r2 = tuning.power_law_exponent(spectrum, ranks=(5, 60))
    assert exponent == pytest.approx(1, abs=0.1)
    assert r2 > 0.98
    plain = np.linalg.svd(repeats[0] - repeats[0].mean(axis=0), compute_uv=False) ** 2 / n_stimuli
    assert plain[150:250].mean() > 2 * spectrum[150:250].mean()  # what noise adds without cross-validation
    noise = tuning.cross_validated_spectrum(rng.normal(size=(2, 200, 300)))
    assert abs(noise.mean()) < 0.1


def test_the_cross_validated_spectrum_is_that_of_singular_vectors_of_one_repeat():
    # As published: axes of one repeat's singular value decomposition, products of both repeats' projections onto them.
    rng = np.random.default_rng(5)
    signal = rng.normal(size=(30, 12)) * np.arange(1, 13) ** -0.5
    repeats = signal + 0.3 * rng.normal(size=(2, 30, 12)) + rng.normal(size=12)
    centred = repeats - repeats.mean(axis=1, keepdims=True)
    both = []
    for train, test in (centred, centred[::-1]):
        axes = np.linalg.svd(train, full_matrices=False)[2].T
        both.append(((train @ axes) * (test @ axes)).mean(axis=0))
    expected = np.mean(both, axis=0)
    np.testing.assert_allclose(tuning.cross_validated_spectrum(repeats), expected, atol=1e-12)
    np.testing.assert_allclose(tuning.cross_validated_spectrum(repeats, n_components=4), expected[:4])
    covariance = np.mean(np.sum(centred[0] * centred[1], axis=1))
    assert tuning.cross_validated_spectrum(repeats).sum() == pytest.approx(covariance)  # no axis is missing


def test_the_exponent_is_numpys_weighted_line():
    rng = np.random.default_rng(6)
    spectrum = np.arange(1, 301) ** -1.2 * np.exp(0.2 * rng.normal(size=300))
    rank = np.arange(11, 201)
    slope = np.polyfit(np.log(rank), np.log(spectrum[rank - 1]), 1, w=rank**-0.5)[0]  # w multiplies residuals
    assert tuning.power_law_exponent(spectrum, ranks=(11, 200))[0] == pytest.approx(-slope)


def test_bad_input():
    with pytest.raises(InputError, match="2 repeats, stimuli, units"):
        tuning.cross_validated_spectrum(np.ones((3, 4, 5)))
    with pytest.raises(InputError, match="needs at least 3"):
        tuning.power_law_exponent([1.0, 0.5])
    with pytest.raises(InputError, match="n_folds is 5 for 4 rows"):
        tuning.decode_orientation(np.ones((4, 2)), [0, 10, 20, 30], n_folds=5)
    with pytest.raises(InputError, match="'ridge' or 'linear'"):
        tuning.decode_orientation(np.ones((9, 2)), np.arange(9) * 20, decoder="svm")
    with pytest.raises(InputError, match="n_components is 9"):
        tuning.cross_validated_spectrum(np.ones((2, 4, 5)), n_components=9)
