import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso

from normenc import stimuli
from normenc.errors import InputError
from normenc.tasks import SparseCoding

TASK = SparseCoding(n_test=100, resolution=0.05, middle=(6, 8), n_atoms=30)


@pytest.fixture(scope="module")
def drawn():
    return TASK.sample_test(100, np.random.default_rng(1))


def test_targets_are_the_middles_less_the_mean_patch(drawn):
    images, targets = drawn
    found = TASK.dictionary()
    grey = targets.double() * found.scale + torch.from_numpy(found.mean)
    assert torch.allclose(grey.reshape(-1, 6, 8).float(), images[:, 9:15, 12:20], atol=1e-6)
    assert np.allclose(np.linalg.norm(found.atoms, axis=1), 1)
    assert found.atoms.shape == (30, 48)


def test_the_dictionary_is_learned_from_training_photographs_alone():
    whole = stimuli.natural_patches(
        2000, np.random.default_rng(0), photographs=stimuli.PHOTOGRAPHS["train"], resolution=0.05
    ).images
    middles = whole[:, 9:15, 12:20].flatten(1).double()
    assert np.allclose(TASK.dictionary().mean, middles.mean(dim=0))
    assert TASK.dictionary().scale == pytest.approx(float((middles - middles.mean(dim=0)).square().mean().sqrt()))


def test_the_loss_is_the_energy_of_olshausen_and_field(drawn):
    targets = drawn[1][:7]
    code = np.random.default_rng(0).normal(size=(7, 30))
    atoms = TASK.dictionary().atoms
    energies = [
        0.5 * ((x - sum(a * d for a, d in zip(row, atoms, strict=True))) ** 2).sum() + 0.5 * np.abs(row).sum()
        for x, row in zip(targets.double().numpy(), code, strict=True)
    ]
    assert float(TASK.loss(torch.from_numpy(code), targets.double())) == pytest.approx(np.mean(energies) / 48)
    none = 0.5 * float(targets.double().square().sum())
    assert TASK.score(torch.from_numpy(code), targets) == pytest.approx(1 - np.sum(energies) / none)
    assert TASK.score(torch.zeros(7, 30), targets) == pytest.approx(0, abs=1e-12)


def test_nothing_saves_more_energy_than_the_lasso(drawn):
    """By another solver of scikit-learn, and by gradient descent from no activity."""
    targets = drawn[1]
    reference = TASK.reference(np.random.default_rng(1)).score
    _, wanted = TASK.sample_test(500, np.random.default_rng(1))
    lasso = Lasso(alpha=0.5 / 48, fit_intercept=False, tol=1e-6, max_iter=100_000)
    assert reference == pytest.approx(TASK.score(_lasso(lasso, wanted), wanted), abs=1e-4)
    code = torch.zeros(100, 30, requires_grad=True)
    optimizer = torch.optim.SGD([code], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        TASK._energies(code, targets).sum().backward()
        optimizer.step()
    least = TASK.score(_lasso(lasso, targets), targets)
    assert 0.9 * least < TASK.score(code.detach(), targets) < least


def _lasso(model, targets):
    atoms = TASK.dictionary().atoms.T
    return torch.from_numpy(np.array([model.fit(atoms, row).coef_ for row in targets.double().numpy()]))


def test_a_higher_cost_leaves_fewer_parts_active(drawn):
    active = []
    for cost in (0.1, 0.5, 2.0):
        lasso = Lasso(alpha=cost / 48, fit_intercept=False, max_iter=100_000)
        active.append(np.count_nonzero(_lasso(lasso, drawn[1])))
    assert active[0] > active[1] > active[2] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"middle": (49, 8)}, r"middle is \(49, 8\); .*48 x 64"),
        ({"n_atoms": 1}, "n_atoms is 1; .* at least 2"),
        ({"cost": 0.0}, "cost is 0.0; .* positive"),
        ({"cost": float("inf")}, "cost is inf; .* positive"),
    ],
)
def test_impossible_parameters_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        SparseCoding(**options)
