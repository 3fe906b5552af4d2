import numpy as np
import pytest
import torch

from normenc.errors import InputError
from normenc.networks import gabor_filters, initial_filters


def test_values_follow_the_formula_worked_by_hand():
    bank = initial_filters()[:, 0].double().numpy()
    assert bank.shape == (6, 7, 7)
    # Grid -3.5, -2.333, ..., 3.5: the centre has r = 0, where the first filter is 1 - 1/2, its largest value;
    # its neighbour has r = 7/6.
    r = 7 / 6
    neighbour = np.exp(-r / (2 * 1.1**2)) - 0.5 * np.exp(-r / (2 * 2.2**2))
    assert bank[0, 3, 3] == 1
    assert bank[0, 3, 4] == pytest.approx(neighbour / 0.5, rel=1e-6)
    np.testing.assert_array_equal(bank[1], -bank[0])
    # The Gabor at 0 degrees is odd along rows (ij indexing) and even along columns.
    np.testing.assert_allclose(bank[2], -bank[2][::-1], atol=1e-6)
    np.testing.assert_allclose(bank[2], bank[2][:, ::-1], atol=1e-6)
    ratio = bank[2, 5, 3] / bank[2, 4, 3]
    envelope = np.exp(-r / (2 * 0.44**2))
    carrier = np.cos(2 * np.pi * 2 * r / 10 + np.pi / 2) / np.cos(2 * np.pi * r / 10 + np.pi / 2)
    assert ratio == pytest.approx(envelope * carrier, rel=1e-5)
    # At 90 degrees the same, turned.
    np.testing.assert_allclose(bank[4], bank[2].T, atol=1e-6)


@pytest.mark.parametrize("n_channels", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("size", [3, 7, 11])
def test_any_count_and_size(n_channels, size):
    bank = initial_filters(n_channels, size)
    assert bank.shape == (n_channels, 1, size, size)
    assert bank.dtype == torch.float32
    np.testing.assert_allclose(bank.abs().amax(dim=(1, 2, 3)), 1)


@pytest.mark.parametrize(("arguments", "message"), [((0, 7), "n_channels is 0"), ((6, 8), "8"), ((6, 1), "odd")])
def test_the_impossible_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        initial_filters(*arguments)


def test_plain_gabors_are_even_and_odd_and_cover_orientation():
    even, odd, turned, _ = gabor_filters(4, 9)[:, 0].double()
    torch.testing.assert_close(even, even.flip(1))
    torch.testing.assert_close(odd, -odd.flip(1))
    torch.testing.assert_close(turned, even.T)  # 90 degrees on
    assert float(even.sum()) == pytest.approx(0, abs=1e-5)
    # One period across 9 pixels, under an envelope of 3.6: along the middle row the odd filter is the sine itself.
    x = np.arange(-4, 5)
    wave = np.exp(-(x**2) / (2 * 3.6**2)) * np.sin(2 * np.pi * x / 9)
    np.testing.assert_allclose(odd[4], wave / np.abs(wave).max(), atol=1e-6)
