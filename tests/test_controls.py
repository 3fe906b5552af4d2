import numpy as np
import pytest
import torch

from normenc import rsa
from normenc.controls import fourier_amplitude, pixels
from normenc.errors import InputError
from normenc.stimuli import gratings


def test_fourier_amplitude_of_a_plane_wave_by_hand():
    column = torch.arange(16)
    image = (3 + 2 * torch.cos(2 * torch.pi * 3 * column / 16)).expand(1, 8, 16)
    amplitude = fourier_amplitude(image)["amplitude"].reshape(8, 16).numpy()
    expected = np.zeros((8, 16))
    expected[0, [3, 13]] = 8 * 16  # amplitude 2, half of it at each sign of the frequency, over 8 x 16 pixels
    np.testing.assert_allclose(amplitude, expected, atol=1e-4)


def test_fourier_amplitude_ignores_mean_and_circular_shift():
    image = torch.rand(1, 12, 16, dtype=torch.float64)
    shifted = torch.roll(image, (3, 5), dims=(1, 2)) + 0.7
    expected = fourier_amplitude(image)["amplitude"]
    torch.testing.assert_close(fourier_amplitude(shifted)["amplitude"], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("control", "layer", "r", "rho"),
    [(pixels, "pixels", 0.558, 0.18), (fourier_amplitude, "amplitude", 0.883, 0.75)],
)
def test_published_similarity_with_v1(v1_rdm, control, layer, r, rho):
    matrix = rsa.rdm(control(gratings(np.arange(-90, 91)))[layer])
    assert rsa.compare_rdms(matrix, v1_rdm) == pytest.approx(r, abs=0.001)
    assert rsa.compare_rdms(matrix, v1_rdm, method="spearman") == pytest.approx(rho, abs=0.006)


@pytest.mark.parametrize("control", [pixels, fourier_amplitude])
def test_channel_is_optional_and_colour_refused(control):
    images = torch.rand(2, 6, 8)
    (plain,), (channel,) = control(images).values(), control(images[:, None]).values()
    assert torch.equal(plain, channel)
    with pytest.raises(InputError, match=r"shape \(2, 3, 6, 8\)"):
        control(torch.rand(2, 3, 6, 8))
