import numpy as np
import pytest
from scipy.spatial.distance import pdist

from normenc import rsa
from normenc.embedding import N_COMPONENTS, embed, embed_rdm
from normenc.errors import InputError


def ring(n_stimuli: int, n_units: int = 50) -> np.ndarray:
    """Responses that lie on a circle, turned at random into many dimensions."""
    angle = np.linspace(0, 2 * np.pi, n_stimuli, endpoint=False)
    plane = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return plane @ np.random.default_rng(0).normal(size=(2, n_units))


@pytest.mark.parametrize("n_stimuli", [24, 181])
def test_neighbours_on_a_ring_stay_neighbours(n_stimuli):
    points = embed(ring(n_stimuli))
    assert points.shape == (n_stimuli, 2)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    steps = np.abs(distances.argmin(axis=1) - np.arange(n_stimuli))
    assert np.mean(np.minimum(steps, n_stimuli - steps) <= 2) > 0.95


def test_same_seed_same_points():
    np.testing.assert_array_equal(embed(ring(30), seed=1), embed(ring(30), seed=1))


@pytest.mark.parametrize(("n_stimuli", "n_units"), [(4, 2), (4, 100), (7, 1), (30, 5)])
def test_few_stimuli_or_units(n_stimuli, n_units):
    points = embed(np.random.default_rng(0).normal(size=(n_stimuli, n_units)))
    assert points.shape == (n_stimuli, 2)
    assert np.isfinite(points).all()


def test_rdm_gives_the_components_of_the_normalised_patterns(monkeypatch):
    """What goes into the t-SNE is the same from the RDM as from the patterns themselves, up to signs."""
    seen = []
    monkeypatch.setattr("normenc.embedding._tsne", lambda components, seed: seen.append(components))
    responses = np.random.default_rng(1).normal(size=(15, 40))
    z = (responses - responses.mean(axis=1, keepdims=True)) / responses.std(axis=1, keepdims=True)
    embed(z / np.sqrt(40))
    embed_rdm(rsa.rdm(responses))
    assert seen[0].shape == (15, 15)
    np.testing.assert_allclose(pdist(seen[0]), pdist(seen[1]), atol=1e-10)
    np.testing.assert_allclose(np.abs(seen[0][:, :10]), np.abs(seen[1][:, :10]), atol=1e-8)


def test_no_more_than_twenty_components(monkeypatch):
    seen = []
    monkeypatch.setattr("normenc.embedding._tsne", lambda components, seed: seen.append(components))
    embed(np.random.default_rng(1).normal(size=(50, 40)))
    assert seen[0].shape == (50, N_COMPONENTS)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: embed(np.eye(3)), "3 stimuli; an embedding needs at least 4"),
        (lambda: embed(np.ones((5, 3))), "all stimuli evoke the same response"),
        (lambda: embed(np.full((5, 3), np.nan)), "not finite"),
        (lambda: embed_rdm(np.zeros((3, 3))), "at least 4"),
        (lambda: embed_rdm(np.zeros((4, 5))), "must be square"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
