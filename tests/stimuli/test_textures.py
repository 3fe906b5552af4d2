import numpy as np
import pandas as pd
import pytest
import torch

from normenc.errors import InputError
from normenc.stimuli import StimulusSet, bandpassed_noise, gratings, plaids


def test_a_plaid_is_the_mean_of_its_gratings():
    found = plaids([10, 20], angle=60, spatial_frequency=0.05)
    first, second = (gratings(t, spatial_frequency=0.05, waveform="sine") for t in ([10, 20], [70, 80]))
    torch.testing.assert_close(found, (first + second) / 2)


@pytest.mark.parametrize("orientation", [-60, 0, 45])
def test_noise_is_as_oriented_as_its_band(orientation):
    drawn = bandpassed_noise(
        20, np.random.default_rng(0), orientation=orientation, spatial_frequency=0.05, contrast=0.1
    )
    images = drawn.images.double() - drawn.images.double().mean(dim=(1, 2), keepdim=True)
    power = torch.fft.fft2(images).abs().square().mean(dim=0).numpy()
    along_y, along_x = np.meshgrid(np.fft.fftfreq(48), np.fft.fftfreq(64), indexing="ij")
    doubled = (power * np.exp(2j * np.arctan2(along_y, along_x))).sum() / power.sum()
    assert np.rad2deg(np.angle(doubled)) / 2 == pytest.approx(orientation, abs=3)
    assert abs(doubled) > 0.7
    # 0.05 radians a full-resolution pixel are 0.5 an image pixel.
    centre = (power * np.hypot(along_y, along_x)).sum() / power.sum()
    assert centre * 2 * np.pi == pytest.approx(0.5, rel=0.15)
    assert float(drawn.images.std()) == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "n is 0"),
        ({"bandwidth": 0.0}, "bandwidth is 0"),
        ({"contrast": 0.7}, "contrast is 0.7"),
        ({"spatial_frequency": 1e-9}, "no frequency in the band"),
        ({"orientation": float("nan")}, "not finite"),
    ],
)
def test_impossible_noise_is_named(options, message):
    with pytest.raises(InputError, match=message):
        bandpassed_noise(**{"n": 1, "rng": np.random.default_rng(0)} | options)


def test_a_table_must_have_a_row_an_image():
    with pytest.raises(InputError, match="the table has 1 rows"):
        StimulusSet(torch.zeros(2, 3, 4), pd.DataFrame({"orientation": [0.0]}))
