"""Animals as a yardstick: planted truth in closed form, and by hand."""

import numpy as np
import pytest

from normenc import rsa
from normenc.errors import InputError

RNG = np.random.default_rng(0)
N = 40
PAIRS = np.triu_indices(N, 1)


def as_rdm(vector):
    matrix = np.zeros((N, N))
    matrix[PAIRS] = vector
    return matrix + matrix.T


def planted(rng, reliability, n_animals):
    """Dissimilarities of a truth and of animals that differ from it by independent noise alone."""
    truth = rng.normal(size=len(PAIRS[0]))
    noise = np.sqrt(1 / reliability - 1)
    return truth, [truth + rng.normal(scale=noise, size=truth.shape) for _ in range(n_animals)]


@pytest.mark.parametrize("reliability", [0.2, 0.5, 0.8])
def test_animals_reach_the_reliability_and_the_truth_its_root(reliability):
    """The correlation of two animals is S / (S + N) = r, that of the truth with an animal sqrt(S / (S + N))."""
    rng = np.random.default_rng(1)
    truth, animals = planted(rng, reliability, 8)
    another = truth + rng.normal(scale=np.sqrt(1 / reliability - 1), size=truth.shape)
    models = {"truth": as_rdm(truth), "another animal": as_rdm(another)}
    found = rsa.against_animals(models, [as_rdm(own) for own in animals], n_samples=50)
    assert found.between[0] == pytest.approx(reliability, abs=0.02)
    assert found.models["similarity"].tolist() == pytest.approx([np.sqrt(reliability), reliability], abs=0.03)
    expected = [np.sqrt(reliability) - reliability, 0]
    assert found.models["difference"].tolist() == pytest.approx(expected, abs=0.03)
    assert found.models["p"][0] < 0.01 < found.models["p"][1]
    ceiling = rsa.noise_ceiling([as_rdm(own) for own in animals])
    # Of eight animals: with the mean of the others, whose noise is a seventh; and with the mean of all.
    assert ceiling.lower == pytest.approx(np.sqrt(reliability) / np.sqrt(1 + (1 / reliability - 1) / 7), abs=0.02)


def test_by_hand():
    animals = [as_rdm(RNG.normal(size=len(PAIRS[0]))) for _ in range(3)]
    model = as_rdm(RNG.normal(size=len(PAIRS[0])))
    found = rsa.against_animals({"m": model}, animals, subject=["x", "y", "x"], n_samples=20)
    s = lambda a, b: np.corrcoef(a[PAIRS], b[PAIRS])[0, 1]  # noqa: E731
    x, y, z = animals
    assert found.between[0] == pytest.approx((s(x, y) + s(z, y)) / 2)
    table = found.animals.set_index("animal")
    assert table["similarity"].to_dict() == pytest.approx({"x": (s(model, x) + s(model, z)) / 2, "y": s(model, y)})
    assert table["between_animals"].to_dict() == pytest.approx(dict.fromkeys("xy", (s(x, y) + s(z, y)) / 2))
    assert found.factors == ("stimuli", "animals") and found.sizes == {"stimuli": N, "animals": 2}


@pytest.mark.parametrize("method", ["debiased-cka", "pwcca", "one-to-one"])
def test_responses_of_animals_with_neurons_of_their_own(method):
    rng = np.random.default_rng(2)
    latent = rng.normal(size=(N, 4))
    animals = [latent @ rng.normal(size=(4, n)) + 0.3 * rng.normal(size=(N, n)) for n in (6, 7, 9)]
    models = {"same": latent @ rng.normal(size=(4, 8)), "other": rng.normal(size=(N, 8))}
    found = rsa.against_animals(models, animals, method=method, n_samples=20, generalise_to=["animals"])
    measure = rsa.REPRESENTATION_MEASURES[method]
    pairs = [measure.compare(a, b) for a in animals for b in animals if a is not b]
    assert found.between[0] == pytest.approx(np.mean(pairs), abs=1e-9)
    both = [(measure.compare(models["same"], a) + measure.compare(a, models["same"])) / 2 for a in animals]
    assert found.models["similarity"][0] == pytest.approx(np.mean(both), abs=1e-9)
    assert found.models["difference"][0] > found.models["difference"][1]


def test_one_animal_is_refused():
    animals = [as_rdm(RNG.normal(size=len(PAIRS[0]))) for _ in range(2)]
    with pytest.raises(InputError, match="there is one animal"):
        rsa.against_animals({"m": animals[0]}, animals, subject=["x", "x"])
    with pytest.raises(InputError, match="has no similarity"):
        rsa.against_animals({"flat": 1 - np.eye(N)}, animals)
