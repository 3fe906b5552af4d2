import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from normenc.stimuli import gratings
from normenc.stimuli.waves import FREQUENCY, frame_of, phases_along
from normenc.tasks import (
    TASKS,
    ContrastiveInvariance,
    Denoising,
    MaskedAutoencoding,
    NaturalRotation,
    OrientationEstimation,
    TiltDiscrimination,
)
from normenc.tasks.references import classified, edge_orientation, inpainted, regressed, wiener_filtered

RNG = np.random.default_rng(0)


def test_the_orientation_of_edges_is_that_of_the_grating():
    orientations = RNG.uniform(-90, 90, size=40)
    for options in ({}, {"waveform": "sine", "spatial_frequency": 1 / 40, "phase": 70.0}):
        away = edge_orientation(gratings(orientations, **options)) - orientations
        assert np.abs((away + 90) % 180 - 90).max() < 0.3


def test_the_wiener_filter_of_white_signals_scales_them_alike():
    """Where signal and noise are white, all frequencies are multiplied by signal / (signal + noise)."""
    clean = torch.from_numpy(RNG.normal(scale=0.3, size=(500, 8, 12)))
    noisy = clean + torch.from_numpy(RNG.normal(scale=0.2, size=clean.shape))
    found = wiener_filtered(noisy[:400], clean[:400], noisy[400:])
    kept = 0.09 / (0.09 + 0.04)
    slope = float((found * noisy[400:]).sum() / noisy[400:].square().sum())
    assert slope == pytest.approx(kept, rel=0.03)
    left = (found - clean[400:]).square().mean() / clean[400:].var()
    assert float(1 - left) == pytest.approx(kept, rel=0.05)  # what it explains


def test_hidden_pixels_follow_from_few_components():
    loadings = RNG.normal(size=(3, 40))
    images = torch.from_numpy(RNG.normal(size=(150, 3)) @ loadings + RNG.normal(scale=1e-3, size=(150, 40)))
    shown = torch.from_numpy(RNG.random((20, 40)) < 0.5)
    fresh = images[130:].masked_fill(~shown, 99.0)
    assert torch.allclose(inpainted(images[:130], fresh, shown), images[130:], atol=0.02)


def test_gabor_energy_tells_orientations_and_contrasts():
    labels = torch.arange(60) % 2 * 2  # class 1 is never shown
    images = gratings(np.where(labels == 0, -30, 40), contrast=np.linspace(0.5, 1, 60))
    answers = classified(images[:40], labels[:40], images[40:], 3)
    assert answers.shape == (20, 3)
    assert torch.equal(answers.argmax(dim=1), labels[40:])
    shuffled = torch.from_numpy(np.random.default_rng(0).permutation(60))
    contrasts = torch.linspace(0.5, 1, 60)[shuffled, None]
    told = regressed(images[shuffled][:40], contrasts[:40], images[shuffled][40:])
    assert float((told - contrasts[40:]).abs().max()) < 0.02


def test_tilt_has_a_limit_where_both_sides_are_the_same_image():
    def alike(one, other):
        return torch.equal(*gratings([one, other]))

    assert alike(-0.0107, 0.0107)
    assert not alike(-0.0109, 0.0109)
    assert alike(89.9921, -89.9921)
    assert not alike(89.9918, -89.9918)


def test_partners_of_gratings_have_a_limit():
    """All orientations and phases near the true ones whose pixels fall on the same side of every edge look alike.

    Whoever takes the middle of these orientations is right on average; a partner is found unless one of 99 others lies
    between the two answers. Contrast and noise tell nothing more: at 0.5 and 0.05, light is 10 standard deviations away
    from dark.
    """
    rng, away = np.random.default_rng(0), []
    for orientation, phase in zip(rng.uniform(-90, 90, 80), rng.uniform(0, 360, 80), strict=True):
        ends = [_same_image_until(orientation, phase, way) for way in (-1, 1)]
        away.append(np.mean([turn for turn, _ in ends]))
        if len(away) <= 10:
            turns, shifts = np.array([np.zeros(2), *(np.multiply(0.95, end) for end in ends)]).T
            alike = gratings(orientation + turns, phase=phase + shifts)
            assert torch.equal(alike[0], alike[1])
            assert torch.equal(alike[0], alike[2])
    assert np.abs(away).mean() == pytest.approx(0.009, abs=0.002)
    between = np.abs(np.subtract.outer(away, away))[np.triu_indices(80, 1)]
    found = np.mean((1 - 2 * between / 180) ** 99)
    assert found == pytest.approx(0.985, abs=0.004)
    task = ContrastiveInvariance(views="gratings")
    assert task.reference(np.random.default_rng(0)).score < found


def _same_image_until(orientation: float, phase: float, way: int) -> tuple[float, float]:
    """How far a grating can be turned, right (1) or left (-1), and by how much be shifted, with no pixel changed."""
    frame = frame_of(0.1, None)

    def phases(turn: float) -> np.ndarray:
        x, y = phases_along(np.deg2rad([orientation + turn]), np.array([FREQUENCY]), frame)
        return np.rad2deg(x[0][None, :] + y[0][:, None]).ravel() + phase

    here, slope = phases(0), (phases(1e-4) - phases(-1e-4)) / 2e-4
    edge = np.round(here / 180) * 180  # the middle of a pixel's stripe, 90 degrees from its edges
    slopes = np.stack([slope, np.ones_like(slope)], axis=1)
    bounds = np.concatenate([edge + 90 - here, here - edge + 90])
    near = bounds < 20  # others are no constraint at the few degrees in question
    found = linprog([-way, 0], np.concatenate([slopes, -slopes])[near], bounds[near], bounds=[(-0.5, 0.5), (-5, 5)])
    return found.x[0], found.x[1]


def test_three_quarters_of_the_way_to_the_reference_count_as_learned():
    task = OrientationEstimation()
    reference = task.reference(np.random.default_rng(0))
    assert reference.name == "orientation of the edges"
    assert reference.score < 0.1  # degrees
    assert task.learned_at == pytest.approx(45 / 4 + 3 / 4 * reference.score)
    assert TiltDiscrimination().learned_at == pytest.approx(0.875, abs=0.004)


def test_a_reference_at_chance_is_no_yardstick():
    assert NaturalRotation().learned_at == 22.5 / 2
    noisy = TiltDiscrimination(noise=100.0)
    assert abs(noisy.reference(np.random.default_rng(0)).score - 0.5) < 0.1
    assert noisy.learned_at == 0.75


@pytest.mark.parametrize("task", [Denoising(resolution=0.05), MaskedAutoencoding(resolution=0.05, block=4)])
def test_a_reference_beats_the_mean_and_what_is_shown(task):
    """And a simple filter does not restore everything."""
    reference = task.reference(np.random.default_rng(0))
    images, targets = task.sample_test(200, np.random.default_rng(1))
    mean = task.score(targets.nanmean(dim=0).expand(targets.shape), targets)
    assert max(mean, task.score(images.flatten(1), targets)) < reference.score < 0.95


def test_the_table_of_what_counts_as_learned_is_right():
    text = (Path(__file__).parents[2] / "docs" / "norms.md").read_text(encoding="utf-8")
    stated = dict(re.findall(r"^\| `([\w-]+)`, [^|]*\|.*\| ([\d.]+) \|$", text, flags=re.MULTILINE))
    assert set(stated) == {name for name in TASKS if TASKS[name].__module__.startswith("normenc.")}
    for name, learned_at in stated.items():
        assert TASKS[name]().learned_at == pytest.approx(float(learned_at), rel=0.02), name
