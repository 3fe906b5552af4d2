"""Decoding and dimensions against scikit-learn, planted spectra and known noise."""

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV

from normenc import tuning
from normenc.errors import InputError
from normenc.tuning import population


def test_ridge_is_scikit_learns():
    rng = np.random.default_rng(0)
    x, test = rng.normal(size=(40, 100)) + 3, rng.normal(size=(7, 100)) + 3
    y = np.stack([x[:, 0] + rng.normal(size=40), x[:, 1] - x[:, 2]], axis=1)
    centred = x - x.mean(axis=0)
    penalties = population.PENALTIES * np.square(centred).sum() / 40
    for targets in (y, y[:, :1]):
        peer = RidgeCV(penalties).fit(x, targets)
        ours = population._predict(x @ x.T, test @ x.T, targets, "ridge")
        np.testing.assert_allclose(ours, peer.predict(test).reshape(7, -1), rtol=1e-5, atol=1e-6)


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


def test_noise_is_decoded_at_chance():
    rng = np.random.default_rng(2)
    found = tuning.decode_orientation(rng.normal(size=(800, 20)), rng.uniform(0, 360, 800), period=360)
    assert found.median_error == pytest.approx(90, abs=8)
    assert np.isnan(found.threshold)


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
    n_stimuli, n_units = 1000, 1500
    variances = np.arange(1, 501) ** -1.0
    signal = rng.normal(size=(n_stimuli, 500)) * np.sqrt(variances)
    signal = signal @ np.linalg.qr(rng.normal(size=(n_units, 500)))[0].T
    repeats = signal + 0.05 * rng.normal(size=(2, n_stimuli, n_units))
    spectrum = tuning.cross_validated_spectrum(repeats)
    exponent, r2 = tuning.power_law_exponent(spectrum, ranks=(5, 100))
    assert exponent == pytest.approx(1, abs=0.1)
    assert r2 > 0.98
    plain = np.linalg.svd(repeats[0] - repeats[0].mean(axis=0), compute_uv=False) ** 2 / n_stimuli
    assert plain[200:400].mean() > 2 * spectrum[200:400].mean()  # what noise adds without cross-validation
    noise = tuning.cross_validated_spectrum(rng.normal(size=(2, 200, 300)))
    assert abs(noise.mean()) < 0.1


def test_bad_input():
    with pytest.raises(InputError, match="two repeats x stimuli x units"):
        tuning.cross_validated_spectrum(np.ones((3, 4, 5)))
    with pytest.raises(InputError, match="needs at least 3"):
        tuning.power_law_exponent([1.0, 0.5])
    with pytest.raises(InputError, match="n_folds is 5 for 4 rows"):
        tuning.decode_orientation(np.ones((4, 2)), [0, 10, 20, 30])
    with pytest.raises(InputError, match="'ridge' or 'linear'"):
        tuning.decode_orientation(np.ones((9, 2)), np.arange(9) * 20, decoder="svm")
    with pytest.raises(InputError, match="n_components is 9"):
        tuning.cross_validated_spectrum(np.ones((2, 4, 5)), n_components=9)
