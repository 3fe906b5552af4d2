"""The example of docs/tuning.md runs, and finds what it planted."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tuning.md"


@pytest.fixture(scope="module")
def example():
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    namespace: dict = {}
    exec(program, namespace)
    return namespace


def test_the_pages_neurons_are_as_planted(example):
    units = example["neurons"].units
    assert units.tuned.all() and units.tuned_orientation.all()
    away = (units.preferred_orientation_deg - example["preferred"] + 90) % 180 - 90
    assert away.abs().max() < 5
    half = np.degrees(np.arccos(1 + np.log((1 + np.exp(-4)) / 2) / 2)) / 2
    assert np.median(example["fit"].width) == pytest.approx(2 * half, rel=0.05)
    assert example["reliability"].min() > 0.8
    np.testing.assert_allclose(units.gosi, example["gosi"])
    assert example["decoding"].median_error < 3


def test_the_pages_layer_is_described_too(example):
    units = example["units"].units
    assert len(units) == 288 and units.reliability.isna().all()
    assert units.gosi.dropna().between(0, 1).all()


def test_every_function_is_on_the_page():
    from normenc import tuning

    text = PAGE.read_text(encoding="utf-8")
    unmentioned = {name for name in tuning.__all__ if name[0].islower() and name not in text}
    assert unmentioned <= {"repeated", "spearman_brown"}
